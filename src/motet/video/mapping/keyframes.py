"""Curves as keyframes: as few as Parseq needs to draw exactly these curves again."""

from __future__ import annotations

from collections.abc import Mapping as Map
from collections.abc import Sequence
from typing import Any

from motet.video.mapping.curves import Floats

__all__ = ["keyframes"]

_NEAR = 1e-8  # values nearer than this are equal: far below what any field shows


def keyframes(curves: Map[str, Floats], expressions: Map[str, tuple[float, str]] | None = None) -> list[dict[str, Any]]:
    """Keyframes of all curves, each (frames,) with frames >= 2: frame 0 defines every field, the last frame is one.

    Between its keyframes a field goes straight (`L`) or keeps its value (`S`), whichever reaches further, so that there are no
    fewer ways to do it. `expressions` are fields that one interpolation draws from a value at frame 0.
    """
    frames = len(next(iter(curves.values())))
    rows: dict[int, dict[str, Any]] = {0: {"frame": 0}, frames - 1: {"frame": frames - 1}}
    for name, (value, expression) in (expressions or {}).items():
        rows[0] |= {name: value, f"{name}_i": expression}
    for name, curve in curves.items():
        values = curve.tolist()
        way = ""
        for at, chosen in _segments(values):
            row = rows.setdefault(at, {"frame": at})
            row[name] = _plain(round(values[at], 9))
            if chosen != way:
                row[f"{name}_i"] = way = chosen
    return [rows[frame] for frame in sorted(rows)]


def _segments(values: Sequence[float]) -> list[tuple[int, str]]:
    """Where segments begin, and whether each goes straight or keeps its value; greedy, which is fewest."""
    last = len(values) - 1
    found: list[tuple[int, str]] = []
    at, way = 0, "S"
    while at < last:
        value = values[at]
        kept = at + 1
        while kept <= last and abs(values[kept] - value) <= _NEAR:
            kept += 1
        if kept > last:
            found.append((at, "S"))
            return found
        step = values[at + 1] - value
        straight = at + 1
        while straight < last and abs(value + step * (straight + 1 - at) - values[straight + 1]) <= _NEAR:
            straight += 1
        if straight != kept:
            way = "L" if straight > kept else "S"
        found.append((at, way))
        at = max(straight, kept)
    found.append((last, way))
    return found


def _plain(value: float) -> float | int:
    return int(value) if value.is_integer() else value
