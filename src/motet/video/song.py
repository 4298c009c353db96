"""A song to be filmed: its notes and roles, its windows with their plans, and its sound."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from motet import midi
from motet.video import moods

if TYPE_CHECKING:
    from motet.render.mixing import Audio
    from motet.video.mapping import Mapping
    from motet.video.windows import Limits, Window

__all__ = ["RATE", "Planned", "Song", "fitted"]

RATE = 44100
LONG = 900.0  # seconds of a song that is not played as a whole for the sake of its windows
LEAD = 4.0  # seconds played before a window, for what still rings in it
FADE = 441  # samples at the end of a window's sound, so that the cut does not click


@dataclass(frozen=True)
class Planned:
    """A window of a song and its plan: a Parseq document, and the notes as MIDI."""

    window: Window
    manifest: dict[str, Any]
    notes: bytes


class Song:
    """A MIDI file. Raises `motet.midi.Unreadable` where `motet.midi.read` does."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.score = midi.read(data)

    @cached_property
    def roles(self) -> list[str]:
        """Of each of symusic's tracks: drums, melody, bass, chords, pad or other."""
        from motet.render import roles

        described = midi.describe(midi.Passage.whole(self.score))
        told = [(one.program, one.is_drum, one.role) for one in described.instruments]
        return roles([(track.program, track.is_drum) for track in self.score.symusic.tracks], told)

    @cached_property
    def sound(self) -> tuple[Audio, tuple[tuple[str, str], ...]]:
        """The mix at RATE as the default rack plays it, and the files that played with their licences.

        Raises RenderError where nothing can be played.
        """
        from motet.render import Player, read_rack, render_song, takes

        with Player(read_rack("default"), RATE) as player, tempfile.TemporaryDirectory(prefix="motet-film-") as scratch:
            (rendering,) = render_song(self.data, player, Path(scratch), takes(1))
        sounds = {(stem.patch.sound.file, stem.patch.sound.licence) for stem in rendering.stems}
        return rendering.mix.audio, tuple(sorted(sounds))

    def passage(self, window: Window) -> tuple[Audio, tuple[tuple[str, str], ...]]:
        """The mix of a window alone at RATE, what rings on from just before it included; else as `sound`."""
        clock = self.score.tempo_map
        begin = clock.from_seconds(max(0.0, window.start - LEAD))
        audio, sounds = Song(midi.cut(self.data, begin, window.end_tick)).sound
        return audio[round((window.start - clock.to_seconds(begin)) * RATE) :], sounds

    def sound_of(self, window: Window, frames: int, fps: Fraction) -> Audio:
        """The mix from the window's start on, exactly as long as `frames` pictures; of a long song that of the window alone."""
        if self.score.duration > LONG:
            return fitted(self.passage(window)[0], frames, fps)
        mix, _ = self.sound
        return fitted(mix[round(window.start * RATE) :], frames, fps)

    def plans(
        self,
        mapping: Mapping,
        *,
        seconds: float,
        limits: Limits,
        fps: Fraction,
        size: tuple[int, int],
        theme: str | None,
        feeling: str | None,
        random: Random,
        only: Sequence[Window] | None = None,
    ) -> Iterator[Planned]:
        """Plans of the windows that keep within `limits`, or of `only` these. `feeling` is a mood; None: by the notes.

        Raises VideoError and UserError as `motet.video.windows.choose` and `motet.video.mapping.plan` do.
        """
        from motet.video import windows
        from motet.video.mapping import mapped, plan

        if only is None:
            found = windows.windows(self.score, seconds)
            moved = mapped(self.score, self.roles, mapping)
            only = [
                window
                for window, _ in windows.choose(self.score, found, limits, seconds=seconds, random=random, mapped=moved).kept
            ]
        for window in only:
            passage = midi.Passage(self.score, window.start_tick, window.end_tick)
            key = midi.key(passage)
            manifest = plan(
                self.score,
                self.roles,
                window,
                mapping,
                fps=fps,
                size=size,
                theme=theme,
                mood=feeling or moods.of(passage, key),
                key=key.name if key else None,
                tempo=midi.pulse(self.score.tempo_map, window.start_tick, window.end_tick).mean,
                random=random,
            )
            yield Planned(window, manifest, midi.cut(self.data, window.start_tick, window.end_tick))


def fitted(mix: Audio, frames: int, fps: Fraction) -> Audio:
    """Sound (samples, channels) at RATE as long as `frames` pictures, to the sample; it ends within 10 ms."""
    audio = np.zeros((math.ceil(frames * RATE / fps), mix.shape[1]), np.float32)
    there = mix[: len(audio)]
    audio[: len(there)] = there
    audio[-FADE:] *= np.linspace(1, 0, FADE, dtype=np.float32)[:, None]
    return audio
