"""The demo's tunes as songs to compare, and songs of a few lines of notes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from symusic.core import NoteTick, ScoreTick, TempoTick, TrackTick

from duplicates.perturb import Piece, Way
from motet import demo, midi
from motet.duplicates import Song, voices

DIVISION = 480
TITLES = [tune.title for tune in demo.TUNES]
DRUMS = -1  # as a program

Line = tuple[int, Sequence[tuple[int, int]]]  # program, and (tick, pitch) of each note


@cache
def tune(title: str) -> midi.Score:
    return midi.read(demo.to_midi(demo.arrange(next(tune for tune in demo.TUNES if tune.title == title))))


@cache
def song(title: str) -> Song:
    return Song(voices(tune(title)))


def changed(title: str, way: Way, seed: int = 0) -> Piece | None:
    """A tune as one of the ways of `perturb` leaves it."""
    return way(Piece.of(tune(title)), np.random.default_rng(seed))


def ready(piece: Piece) -> Song:
    return Song(voices(midi.read(piece.written())))


def written(lines: Sequence[Line], *, bpm: float = 120, velocity: int = 64, division: int = DIVISION) -> bytes:
    """MIDI bytes, a track for each line, every note an eighth long; ticks are given in 480ths of a quarter."""
    score = ScoreTick(division)
    score.tempos.append(TempoTick(0, bpm))
    for program, notes in lines:
        track = TrackTick("", max(program, 0), program == DRUMS)
        for tick, pitch in notes:
            track.notes.append(NoteTick(tick * division // DIVISION, division // 2, pitch, velocity))
        score.tracks.append(track)
    return bytes(score.dumps_midi())


def melody(pitches: Sequence[int], *, step: int = DIVISION // 2, program: int = 0) -> Line:
    """One note after another."""
    return program, [(number * step, pitch) for number, pitch in enumerate(pitches)]
