"""A rack that was read: instruments, effects and playing, from which every part draws its own."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from motet.render.errors import RenderError
from motet.render.patch import Effect, Patch, Preset, Sound
from motet.render.rack.chance import Fixed, Lots, Range, chosen, turn
from motet.render.rack.rules import Rule, Who

__all__ = ["Draw", "EffectEntry", "EffectRule", "File", "Humanise", "Instrument", "PresetEntry", "Rack"]

ZERO = Fixed(0.0)
DRUM_BANK = 128


@dataclass(frozen=True)
class File:
    """A file that a rack plays: `path` is where it lies here (of an LV2 plug-in: its URI)."""

    kind: Literal["font", "plugin", "preset"]
    path: str = field(repr=False)
    name: str
    sha256: str


@dataclass(frozen=True)
class PresetEntry:
    """A plug-in's preset, drawn as often as its weight says."""

    file: File
    weight: float = 1.0


@dataclass(frozen=True)
class Instrument:
    """An instrument of a rack. `bank` and `program` are a font's, in place of the part's own; None leaves that to the part."""

    name: str
    rule: Rule
    weight: float
    engine: str
    engine_version: str
    file: File
    licence: str
    bank: int | None = None
    program: Range | None = None
    presets: tuple[PresetEntry, ...] = ()
    parameters: Mapping[str, Range] = field(default_factory=dict)
    gain_db: Range = ZERO
    pan: Range = ZERO
    sounds_like: int | None = None  # General MIDI program, where that is not the part's


@dataclass(frozen=True)
class EffectEntry:
    """An effect of a chain, with every parameter it takes; a plug-in where it has a file."""

    name: str
    parameters: Mapping[str, Range]
    engine: str
    engine_version: str
    file: File | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class EffectRule:
    """A chain: what is `always` there, then as many of `chain` as `how_many` gives (weights of 0, 1, 2, …)."""

    rule: Rule
    always: tuple[EffectEntry, ...] = ()
    chain: tuple[EffectEntry, ...] = ()
    how_many: tuple[float, ...] = (1.0,)


@dataclass(frozen=True)
class Humanise:
    """How unsteady a part is played: standard deviations."""

    rule: Rule
    timing_ms: Range
    velocity: Range


@dataclass(frozen=True)
class Draw:
    """What a part is played with: patches in the order in which they are to be tried, and the standard deviations, in
    milliseconds and steps of velocity, with which its notes are moved."""

    patches: tuple[Patch, ...]
    timing_ms: float = 0.0
    velocity: float = 0.0


@dataclass(frozen=True)
class Rack:
    """Instruments, effects and playing, with every file found and every number checked."""

    name: str
    about: str = field(repr=False)  # `contents` goes by the repr: what is left out of it changes no sound
    instruments: tuple[Instrument, ...]
    effects: tuple[EffectRule, ...] = ()
    humanise: tuple[Humanise, ...] = ()

    def draw(self, who: Who, dice: random.Random) -> Draw:
        """What `who` is played with, by one number taken from `dice`.

        All instruments that fit come in an order drawn by weight, with the same effects behind each. Every draw has chance
        of its own, by the name of what it is for: with an instrument more or less, the others keep their order and their
        numbers, and the effects stay as they are.

        Raises RenderError `no_instrument`.
        """
        lots = Lots(dice.getrandbits(64))
        fitting = [one for one in self.instruments if one.rule.fits(who)]
        if not fitting:
            what = f"drum kit {who.program}" if who.is_drum else f"program {who.program} ({who.family})"
            role = f" as {who.role}" if who.role and not who.is_drum else ""
            fix = "add an instrument without `for`, which serves every part"
            raise RenderError("no_instrument", f"the rack {self.name} has no instrument for {what}{role}: {fix}")
        fitting.sort(key=lambda one: turn(lots(f"instrument {one.name}"), one.weight))
        effects = tuple(self._effects(who, lots))
        playing = next((one for one in self.humanise if one.rule.fits(who)), None)
        return Draw(
            tuple(_patch(one, who, effects, lots) for one in fitting),
            playing.timing_ms.at(lots("timing")) if playing else 0.0,
            playing.velocity.at(lots("velocity")) if playing else 0.0,
        )

    def _effects(self, who: Who, lots: Lots) -> Iterator[Effect]:
        found = next((one for one in self.effects if one.rule.fits(who)), None)
        if found is None:
            return
        entries = _told_apart((*found.always, *found.chain))
        chain = range(len(found.always), len(entries))
        order = sorted(chain, key=lambda at: turn(lots(f"effect {entries[at][0]}"), entries[at][1].weight))
        left_out = order[chosen(lots("how many"), found.how_many) :]
        for at, (name, entry) in enumerate(entries):
            if at not in left_out:
                file, sha256 = (entry.file.name, entry.file.sha256) if entry.file else ("", "")
                drawn = _numbers(entry.parameters, lots, f"effect {name}")
                yield Effect(entry.name, drawn, entry.engine, entry.engine_version, file, sha256)

    @property
    def fixed(self) -> bool:
        """Whether nothing is left to chance: every part draws the same."""
        if self.effects or self.humanise or len(self.instruments) > 1:
            return False
        ranges = [r for one in self.instruments for r in (one.gain_db, one.pan, one.program or ZERO, *one.parameters.values())]
        return all(isinstance(r, Fixed) for r in ranges) and all(len(one.presets) < 2 for one in self.instruments)

    @property
    def heeds_banks(self) -> bool:
        """Whether any rule asks for a part's bank."""
        rules = [one.rule for one in self.instruments] + [one.rule for one in self.effects] + [one.rule for one in self.humanise]
        return any(rule.banks for rule in rules)

    @cached_property
    def _files(self) -> dict[str, File]:
        found = [one.file for one in self.instruments]
        found += [preset.file for one in self.instruments for preset in one.presets]
        found += [entry.file for rule in self.effects for entry in (*rule.always, *rule.chain) if entry.file]
        return {file.sha256: file for file in found}

    def files(self) -> tuple[File, ...]:
        """Every font, plug-in and preset, each content once."""
        return tuple(self._files.values())

    def where(self, sha256: str) -> str:
        """Where the file of a patch lies on this machine: a path, or an LV2 plug-in's URI. Raises RenderError `not_in_rack`."""
        if sha256 not in self._files:
            raise RenderError("not_in_rack", f"the rack {self.name} has no file with the SHA-256 {sha256!r:.80}")
        return self._files[sha256].path

    def contents(self) -> dict[str, str]:
        """Digests of all that shapes what is drawn and how it sounds, by name: the rack's rules and numbers, and its files.

        Where files lie, `about`, comments and the order of keys make no difference.
        """
        digests = {f"rack {self.name}": hashlib.sha256(repr(self).encode()).hexdigest()}
        for file in self.files():
            name = f"{file.kind} {file.name}"
            digests[name if name not in digests else f"{name} {file.sha256[:8]}"] = file.sha256
        return digests


def _told_apart(entries: tuple[EffectEntry, ...]) -> list[tuple[str, EffectEntry]]:
    """Effects with names of their own: the second delay is "delay 2"."""
    counts: Counter[str] = Counter()
    named = []
    for entry in entries:
        counts[entry.name] += 1
        count = counts[entry.name]
        named.append((entry.name if count == 1 else f"{entry.name} {count}", entry))
    return named


def _numbers(ranges: Mapping[str, Range], lots: Lots, owner: str) -> dict[str, float]:
    return {name: one.at(lots(f"{owner}: {name}")) for name, one in ranges.items()}


def _patch(one: Instrument, who: Who, effects: tuple[Effect, ...], lots: Lots) -> Patch:
    owner = f"instrument {one.name}"
    preset = None
    if one.bank is not None or one.program is not None:
        plain = DRUM_BANK if who.is_drum else 0
        program = who.program if one.program is None else int(one.program.at(lots(f"{owner} program")))
        preset = Preset(plain if one.bank is None else one.bank, program)
    stored = None
    if one.presets:
        stored = one.presets[chosen(lots(f"{owner} preset"), tuple(entry.weight for entry in one.presets))].file
    sound = Sound(
        one.engine,
        one.engine_version,
        one.file.name,
        one.file.sha256,
        one.licence,
        preset,
        stored.name if stored else "",
        stored.sha256 if stored else "",
        _numbers(one.parameters, lots, f"{owner} parameter"),
    )
    gain, pan = one.gain_db.at(lots(f"{owner} gain")), one.pan.at(lots(f"{owner} pan"))
    return Patch(one.name, sound, effects, gain, pan, None if who.is_drum else one.sounds_like)
