"""Parameters by the words a plug-in shows for them: from its scale of 0 to 1 to numbers and choices, and back."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from typing import Protocol

import numpy as np

from motet.render.plugins.describing import Parameter
from motet.render.plugins.errors import PluginError

__all__ = ["Knob", "Scale", "read", "turn"]

POINTS = 65  # at which a scale is read
MOST_CHOICES = 128
STRAIGHT = 0.006  # of the range: what rounding to two digits may move a point
KEPT = 0.01  # of the range: how far what is read back may lie from what was set
LONGEST_WORD = 100
NUMBER = re.compile(r"\s{0,8}([+-]?\d{1,15}(?:\.\d{1,15})?(?:e[+-]?\d{1,2})?)\s{0,8}([^\d\s][^\d]{0,15})?", re.IGNORECASE)
WIRING = re.compile(r"MIDI (?:CC|Ch)|(?:Buffer Size|Sample Rate|Latency)$")  # what wrappers expose for hosts; 2,080 of the first
PROGRAMS = re.compile(r"(?:current )?(?:program|preset)$", re.IGNORECASE)


class Knob(Protocol):
    """One parameter as an engine hands it over, on the plug-in's scale of 0 to 1."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    def text(self, raw: float) -> str: ...
    def get(self) -> float: ...
    def turn(self, raw: float) -> None: ...


@dataclass(frozen=True)
class Scale:
    """A knob, and what its words mean."""

    knob: Knob
    name: str
    unit: str
    raws: tuple[float, ...]
    values: tuple[float, ...]  # at `raws`; they rise
    choices: tuple[str, ...] = ()

    @property
    def falls(self) -> bool:
        return self.raws[0] > self.raws[-1]

    def told(self) -> Parameter:
        value = min(max(self.value(self.knob.get()), self.values[0]), self.values[-1])
        return Parameter(self.name, self.values[0], self.values[-1], value, self.unit, self.choices)

    def value(self, raw: float) -> float:
        if not self.choices and len(self.values) < POINTS:
            return raw  # its words tell nothing
        word = self.knob.text(raw)
        if self.choices:
            near = int(np.argmin(np.abs(np.array(self.raws) - raw)))
            return float(self.choices.index(_word(word)) if _word(word) in self.choices else near)
        number = _number(word)
        return number[0] if number else math.nan

    def raw(self, value: float) -> float:
        """Where the knob must stand for `value`, which is in range."""
        low, high = self.values[0], self.values[-1]
        if self.choices:
            return self.raws[round(value)]
        straight = np.array(self.values) - np.interp(
            self.raws, sorted((self.raws[0], self.raws[-1])), [high, low] if self.falls else [low, high]
        )
        if np.abs(straight).max() <= STRAIGHT * (high - low):
            part = (value - low) / (high - low)
            return 1 - part if self.falls else part
        return (self._edge(value, above=False) + self._edge(value, above=True)) / 2

    def _edge(self, value: float, *, above: bool) -> float:
        """Where words that are less than `value` end, or those that are more begin: the same point but for rounding."""
        low, high = 0.0, 1.0
        for _ in range(30):
            middle = (low + high) / 2
            number = self.value(middle)
            before = number <= value if above else number < value
            low, high = (middle, high) if before != self.falls else (low, middle)
        return high if above else low


def read(knobs: Sequence[Knob]) -> list[Scale]:
    """The knobs a musician would turn, in the plug-in's order; equal names are numbered."""
    return [_scale(knob, name) for name, knob in _named(knobs).items()]


def _named(knobs: Sequence[Knob]) -> dict[str, Knob]:
    found: dict[str, Knob] = {}
    seen: dict[str, int] = {}
    for knob in knobs:
        name = _word(knob.name)
        if not name or WIRING.match(name):
            continue
        seen[name] = seen.get(name, 0) + 1
        found[name if seen[name] == 1 else f"{name} ({seen[name]})"] = knob
    return found


def _scale(knob: Knob, name: str) -> Scale:
    raws = tuple(point / (POINTS - 1) for point in range(POINTS))
    words = [knob.text(raw) for raw in raws]
    numbers = [_number(word) for word in words]
    if all(numbers):
        values = [number[0] for number in numbers if number]
        units = {number[1] for number in numbers if number}
        rises, falls = all(a <= b for a, b in pairwise(values)), all(a >= b for a, b in pairwise(values))
        if values[0] != values[-1] and (rises or falls) and len(units) == 1:
            step = -1 if falls else 1
            return Scale(knob, name, units.pop() or _word(knob.unit), raws[::step], tuple(values[::step]))
    elif not any(numbers):
        fine = [point / (2 * MOST_CHOICES) for point in range(2 * MOST_CHOICES + 1)]
        spans: dict[str, list[float]] = {}
        for raw in fine:
            spans.setdefault(_word(knob.text(raw)), []).append(raw)
        if 2 <= len(spans) <= MOST_CHOICES and all(spans):
            ends = (0.0, 1.0)
            at = [next((raw for raw in span if raw in ends), (span[0] + span[-1]) / 2) for span in spans.values()]
            return Scale(knob, name, "", tuple(at), tuple(float(place) for place in range(len(at))), tuple(spans))
    return Scale(knob, name, "", (0.0, 1.0), (0.0, 1.0))


def turn(knobs: Sequence[Knob], parameters: Mapping[str, float], called: str) -> None:
    """Set parameters by name, a program first, the others in the plug-in's order; what is set is read back.

    Raises PluginError `no_such_parameter`, `parameter_out_of_range`, `parameter_not_kept`.
    """
    named = _named(knobs)
    scales = {name: _scale(knob, name) for name, knob in named.items() if name in parameters}
    for name, value in parameters.items():
        scale = scales.get(name)
        if scale is None:
            near = get_close_matches(name[:LONGEST_WORD], named, n=3, cutoff=0.5) or list(named)[:3]
            meant = f"; it has {', '.join(near)}" if near else "; it has none"
            raise PluginError("no_such_parameter", f"{called} has no parameter {_word(name)!r}{meant}")
        if not scale.values[0] <= value <= scale.values[-1] or (scale.choices and value != round(value)):
            what = "a whole number " if scale.choices else ""
            limits = f"{what}from {scale.values[0]:g} to {scale.values[-1]:g} {scale.unit}".rstrip()
            raise PluginError("parameter_out_of_range", f"the parameter {name!r} of {called} goes {limits}, not to {value:g}")
    for scale in sorted(scales.values(), key=lambda scale: not PROGRAMS.match(scale.name)):
        value = float(parameters[scale.name])
        scale.knob.turn(scale.raw(value))
        kept = scale.value(scale.knob.get())
        if not abs(kept - value) <= (
            0 if scale.choices else max(KEPT * (scale.values[-1] - scale.values[0]), _step(scale, value))
        ):
            raise PluginError(
                "parameter_not_kept", f"{called} turned its parameter {scale.name!r} to {kept:g} when {value:g} was set"
            )


def _step(scale: Scale, value: float) -> float:
    """How far the words around `value` lie apart: a knob that shows whole numbers can be read no better."""
    values = np.unique(scale.values)
    after = min(int(np.searchsorted(values, value)), len(values) - 1)
    return float(values[after] - values[max(after - 1, 0)])


def _word(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:LONGEST_WORD]).strip()


def _number(text: str) -> tuple[float, str] | None:
    """A number and its unit, kilo taken out."""
    match = NUMBER.fullmatch(text[:LONGEST_WORD])
    if not match:
        return None
    number, unit = float(match[1]), _word(match[2] or "")
    if unit == "k" or (unit.startswith("k") and unit[1:2].isupper()):
        return number * 1000, unit[1:]
    return (number, unit) if math.isfinite(number) else None
