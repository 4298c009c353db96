"""Every instrument of a rack tried: does it play a scale, in tune, in time, and quickly enough?"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from motet.midi import Variation
from motet.midi.events import CONTROL, DRUM_CHANNEL, META, NOTE_OFF, NOTE_ON, PROGRAM, TEMPO, Event, Events, write
from motet.render.errors import RenderError
from motet.render.hearing import Fault, kind_of
from motet.render.loudness import integrated_loudness
from motet.render.patch import Effect
from motet.render.playing import Player, faults
from motet.render.rack import Who
from motet.render.rack.rack import EffectEntry

__all__ = ["Trial", "scale", "try_rack"]

DIVISION = 480
SCALE = (0, 2, 4, 5, 7, 9, 11, 12)
HITS = (36, 38, 42, 36, 38, 46, 49, 37)  # bass drum, snare, hats, crash, side stick
LOWEST = {"bass": 36, "chromatic percussion": 72, "pipe": 72}  # where a scale is natural, by family; else middle C
SECONDS = 8
SLOW = 2.0  # times real time, under which a night is too short
ROLES = ("melody", "bass", "chords", "pad", "other")


@dataclass(frozen=True)
class Trial:
    """An instrument with one of the programs it is for, or an effect that is a plug-in, on a scale of eight seconds.

    `speed` is in times real time, plug-in's loading included. Without `faults` it sounds as it should.
    """

    instrument: str
    program: int
    is_drum: bool
    file: str
    speed: float
    lufs: float | None
    faults: tuple[Fault, ...]


def scale(program: int, is_drum: bool, low: int = 60) -> bytes:
    """A MIDI file of eight notes, one a second: a major scale from `low` up, or strokes on a kit."""
    channel = DRUM_CHANNEL if is_drum else 0
    track: list[Event] = [(0, META, bytes((TEMPO,)) + (500_000).to_bytes(3)), (0, PROGRAM | channel, bytes((program,)))]
    track.append((0, CONTROL | channel, bytes((7, 100))))
    for number, key in enumerate(HITS if is_drum else (low + step for step in SCALE)):
        track.append((2 * number * DIVISION, NOTE_ON | channel, bytes((key, 100))))
        track.append((2 * number * DIVISION + DIVISION, NOTE_OFF | channel, bytes((key, 0))))
    return write(Events(0, DIVISION, [track]))


def try_rack(player: Player, programs: range = range(128)) -> Iterator[Trial]:
    """Every instrument of the player's rack with each of `programs`, and each kit, that it is for; then each plug-in effect.

    An instrument that plays one sound whatever the part asks for is tried once. Those whose font lacks a kit fall back as they do
    in a song. Effects are left out of an instrument's trial: what is tried is the tone.
    """
    rack = player.rack
    for one in rack.instruments:
        fixed = one.program is not None or one.engine not in ("tinysoundfont", "fluidsynth")
        wanted = [*((number, False) for number in programs), (0, True)]
        fitting = [
            who
            for number, is_drum in wanted
            if (who := next((w for role in ROLES if one.rule.fits(w := Who(number, is_drum, role))), None))
        ]
        for who in fitting[:1] if fixed else fitting:
            yield _played(player, one.name, who)
    for entry in {
        entry.file.sha256: entry for rule in rack.effects for entry in (*rule.always, *rule.chain) if entry.file
    }.values():
        yield _through(player, entry)


def _played(player: Player, instrument: str, who: Who) -> Trial:
    draw = player.rack.draw(who, random.Random(0))
    patch = replace(next(one for one in draw.patches if one.instrument == instrument), effects=())
    low = LOWEST.get(who.family, 60)
    kind = kind_of(who.program, who.is_drum)
    began = time.perf_counter()
    try:
        heard = player.again(scale(who.program, who.is_drum, low), Variation(), 0, patch, kind)
    except RenderError as error:
        speed = SECONDS / (time.perf_counter() - began)
        return Trial(instrument, who.program, who.is_drum, patch.sound.file, speed, None, (Fault(error.reason, error.detail),))
    speed = len(heard.audio) / player.sample_rate / (time.perf_counter() - began)
    found = [*faults(heard.hearing, kind, patch), *_slow(speed)]
    return Trial(instrument, who.program, who.is_drum, patch.sound.file, speed, heard.lufs, tuple(found))


def _through(player: Player, entry: EffectEntry) -> Trial:
    """A tone through an effect: it must come out again."""
    assert entry.file
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (player.sample_rate * SECONDS, 2)).astype(np.float32)
    numbers = {name: one.at(0.5) for name, one in entry.parameters.items()}
    effect = Effect(entry.name, numbers, entry.engine, entry.engine_version, entry.file.name, entry.file.sha256)
    began = time.perf_counter()
    try:
        heard = player.through(noise, effect)
    except RenderError as error:
        speed = SECONDS / (time.perf_counter() - began)
        return Trial(entry.name, 0, False, entry.file.name, speed, None, (Fault(error.reason, error.detail),))
    speed = SECONDS / (time.perf_counter() - began)
    found = list(_slow(speed))
    if float(np.abs(heard).max(initial=0)) < 2**-15:
        found.insert(0, Fault("silent", "nothing comes out of it"))
    return Trial(entry.name, 0, False, entry.file.name, speed, integrated_loudness(heard, player.sample_rate), tuple(found))


def _slow(speed: float) -> Iterator[Fault]:
    if speed < SLOW:
        yield Fault("slow", f"it plays at {speed:.1f} times real time")
