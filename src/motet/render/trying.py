"""Every instrument of a rack tried: does it play a scale, in tune, in time, and quickly enough?"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from motet.midi import Variation
from motet.midi.events import CONTROL, DRUM_CHANNEL, META, NOTE_OFF, NOTE_ON, PROGRAM, TEMPO, Event, Events, write
from motet.render.errors import RenderError
from motet.render.hearing import Fault, kind_of
from motet.render.loudness import integrated_loudness
from motet.render.patch import Effect, Patch
from motet.render.playing import Player, faults
from motet.render.rack import Who
from motet.render.rack.chance import OneOf, Range
from motet.render.rack.rack import EffectEntry, Instrument

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

    `program` is the font's where the rack names one, else the part's; `parameters` are the plug-in's.
    `speed` is in times real time, plug-in's loading included. Without `faults` it sounds as it should.
    """

    instrument: str
    program: int
    is_drum: bool
    file: str
    speed: float
    lufs: float | None
    faults: tuple[Fault, ...]
    parameters: Mapping[str, float] = field(default_factory=dict)


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

    An instrument that plays what the rack says, whatever the part asks for, is tried once, or with each program that it may draw.
    A plug-in whose parameters have ranges is tried with all of them at their lower ends, in the middle, and at their upper ends.
    Those whose font lacks a kit fall back as they do in a song. Effects are left out of an instrument's trial: what is tried is
    the tone.
    """
    rack = player.rack
    for one in rack.instruments:
        fixed = one.program is not None or one.file.kind == "plugin"
        wanted = [*((number, False) for number in programs), (0, True)]
        fitting = [
            who
            for number, is_drum in wanted
            if (who := next((w for role in ROLES if one.rule.fits(w := Who(number, is_drum, role))), None))
        ]
        for who in fitting[:1] if fixed else fitting:
            for patch in _patches(player, one, who):
                yield _played(player, patch, who)
    for entry in {
        entry.file.sha256: entry for rule in rack.effects for entry in (*rule.always, *rule.chain) if entry.file
    }.values():
        for numbers in _settings(entry.parameters):
            yield _through(player, entry, numbers)


def _settings(ranges: Mapping[str, Range]) -> list[dict[str, float]]:
    """The parameters at the lower ends of their ranges, in the middle and at the upper ends; once if they have none."""
    ranging = any(low < high for low, high in (one.ends for one in ranges.values()))
    return [{name: one.at(lot) for name, one in ranges.items()} for lot in ((0.0, 0.5, 1.0) if ranging else (0.5,))]


def _patches(player: Player, one: Instrument, who: Who) -> Iterator[Patch]:
    draw = player.rack.draw(who, random.Random(0))
    patch = replace(next(each for each in draw.patches if each.instrument == one.name), effects=())
    preset = patch.sound.preset
    if preset and isinstance(one.program, OneOf):
        programs = (value for value, weight in zip(one.program.values, one.program.weights, strict=True) if weight)
        for program in dict.fromkeys(map(int, programs)):
            yield replace(patch, sound=replace(patch.sound, preset=replace(preset, program=program)))
    else:
        for numbers in _settings(one.parameters):
            yield replace(patch, sound=replace(patch.sound, parameters=numbers))


def _played(player: Player, patch: Patch, who: Who) -> Trial:
    program = patch.sound.preset.program if patch.sound.preset else who.program
    numbers = patch.sound.parameters
    low = LOWEST.get(who.family, 60)
    kind = kind_of(who.program, who.is_drum)
    began = time.perf_counter()
    try:
        heard = player.again(scale(who.program, who.is_drum, low), Variation(), 0, patch, kind)
    except RenderError as error:
        speed = SECONDS / (time.perf_counter() - began)
        wrong = (Fault(error.reason, error.detail),)
        return Trial(patch.instrument, program, who.is_drum, patch.sound.file, speed, None, wrong, numbers)
    speed = len(heard.audio) / player.sample_rate / (time.perf_counter() - began)
    found = [*faults(heard.hearing, kind, patch), *_slow(speed)]
    return Trial(patch.instrument, program, who.is_drum, patch.sound.file, speed, heard.lufs, tuple(found), numbers)


def _through(player: Player, entry: EffectEntry, numbers: Mapping[str, float]) -> Trial:
    """A tone through an effect: it must come out again."""
    assert entry.file
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (player.sample_rate * SECONDS, 2)).astype(np.float32)
    effect = Effect(entry.name, numbers, entry.engine, entry.engine_version, entry.file.name, entry.file.sha256)
    began = time.perf_counter()
    try:
        heard = player.through(noise, effect)
    except RenderError as error:
        speed = SECONDS / (time.perf_counter() - began)
        wrong = (Fault(error.reason, error.detail),)
        return Trial(entry.name, 0, False, entry.file.name, speed, None, wrong, numbers)
    speed = SECONDS / (time.perf_counter() - began)
    found = list(_slow(speed))
    if float(np.abs(heard).max(initial=0)) < 2**-15:
        found.insert(0, Fault("silent", "nothing comes out of it"))
    lufs = integrated_loudness(heard, player.sample_rate)
    return Trial(entry.name, 0, False, entry.file.name, speed, lufs, tuple(found), numbers)


def _slow(speed: float) -> Iterator[Fault]:
    if speed < SLOW:
        yield Fault("slow", f"it plays at {speed:.1f} times real time")
