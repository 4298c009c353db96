"""The curve that every field follows through a film, frame by frame, as a mapping and its notes intend it."""

from __future__ import annotations

import random
from collections.abc import Mapping as Map
from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from motet.midi.tempo import TempoMap
from motet.video.events import Onset, bar_ticks, beat_ticks, frames_of
from motet.video.fields import FIELDS
from motet.video.mapping.rules import CURVES, Length, Rule

__all__ = ["Floats", "curves", "frames_long", "places"]

Floats = NDArray[np.float64]


def curves(
    events: Sequence[tuple[Onset, tuple[Rule, ...]]],
    rest: Map[str, Floats],
    *,
    clock: TempoMap,
    start: int,
    fps: Fraction,
    random: random.Random,
) -> dict[str, Floats]:
    """What Deforum is to see of every field of `rest` at each frame: values, and movements in one frame where it takes these.

    A field follows the event that began last: a new one cuts the shape of the one before off. Of those that begin at one frame
    it follows the one that reaches furthest from rest. So at the frame of an event it has exactly the value meant there.
    `events` are notes in order of frame with the rules they obey.
    """
    driven = {name: values.copy() for name, values in rest.items()}
    until = dict.fromkeys(driven, 0)  # the frame at which the last shape of a field is over
    signs: dict[Rule, int] = {}
    for frame, together in groupby(events, key=lambda event: event[0].frame):
        wanted: dict[str, tuple[float, Rule, Onset]] = {}
        turned: set[Rule] = set()
        for onset, rules in together:
            for rule in rules:
                if rule not in turned:
                    signs[rule] = _sign(rule, signs.get(rule, -1), random)
                    turned.add(rule)
                value = _value(rule, onset, signs[rule], random)
                away = abs(value - rest[rule.field][frame])
                if rule.field not in wanted or away > abs(wanted[rule.field][0] - rest[rule.field][frame]):
                    wanted[rule.field] = value, rule, onset
        for name, (value, rule, onset) in wanted.items():
            curve, base = driven[name], rest[name]
            curve[frame : until[name]] = base[frame : until[name]]
            length = frames_long(rule.length, onset, clock, start, fps)
            until[name] = min(frame + length, len(curve))
            here = slice(frame, until[name])
            share = np.ones(until[name] - frame)
            if rule.shape == "decay":
                share -= np.arange(len(share)) / length
            if rule.shape == "ramp":
                curve[here] = base[here] + (value - FIELDS[name].still) / length
            else:
                curve[here] = base[here] + (value - base[here]) * share
    for name, curve in driven.items():
        np.clip(curve, FIELDS[name].low, FIELDS[name].high, out=curve)
    return driven


def frames_long(length: Length, onset: Onset, clock: TempoMap, start: int, fps: Fraction) -> int:
    """How many frames something lasts that begins with a note: at least one."""
    if length.unit == "note":
        return max(onset.length, 1)
    if length.unit == "frames":
        return max(round(length.amount), 1)
    if length.unit == "seconds":
        return max(round(length.amount * fps), 1)
    whole = beat_ticks if length.unit == "beats" else bar_ticks
    end = onset.tick + round(length.amount * whole(clock, onset.tick))
    return max(int(frames_of(clock, np.array([end], np.int64), start, fps)[0]) - onset.frame, 1)


def places(name: str, seen: Floats) -> Floats:
    """The values a Parseq document must hold for Deforum to see `seen`: for fields that move, their sum."""
    if not FIELDS[name].delta:
        return seen
    # Parseq gives Deforum the first value itself, later the difference (of zoom one more than that).
    still = FIELDS[name].still
    moved = seen - still
    moved[0] = seen[0]
    return np.cumsum(moved)


def _sign(rule: Rule, before: int, random: random.Random) -> int:
    if rule.direction == "random":
        return random.choice((1, -1))
    return {"up": 1, "down": -1, "alternate": -before}[rule.direction]


def _value(rule: Rule, onset: Onset, sign: int, random: random.Random) -> float:
    first, last = rule.value
    share = CURVES[rule.velocity](onset.velocity / 127) if rule.velocity != "none" else random.random()
    still = FIELDS[rule.field].still
    value = first + (last - first) * share
    return still + sign * (value - still) if FIELDS[rule.field].delta else value
