"""What an answer may hold is read with care: it may be of any shape, and any size below the client's limit."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

DEEPEST = 64  # levels of a JSON answer; those of real services have fewer than ten
LONGEST = 500  # characters of a name or tag
MOST = 1000  # members of a list that are looked at


def parse(data: bytes) -> Any:
    """JSON, or ValueError: also for NaN, for numbers beyond measure, and for what is nested too deeply."""
    try:
        found = json.loads(data, parse_constant=_constant)
    except RecursionError:
        found = None
        deep = True
    else:
        deep = _deep(found)
    if deep:
        raise ValueError("nested too deeply")
    return found


def _constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _deep(found: Any) -> bool:
    level = [found]
    for _ in range(DEEPEST):
        level = [
            inner for one in level if isinstance(one, (dict, list)) for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def text(value: Any) -> str:
    """A name on one line: no control characters, no half characters, no more than 500; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    shown = (c if c.isprintable() else " " for c in value[: 4 * LONGEST])
    return " ".join("".join(shown).split())[:LONGEST]


def link(value: Any) -> str:
    """An address to open in a browser, "" for what is none."""
    shown = text(value)
    return shown if shown.startswith(("https://", "http://")) and " " not in shown else ""


def number(value: Any, least: float = -math.inf, most: float = math.inf) -> float | None:
    """A number, also one written as text, within bounds; else None."""
    if isinstance(value, str) and len(value) > 40:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and least <= found <= most else None


def whole(value: Any, least: float = -(2.0**53), most: float = 2.0**53) -> int | None:
    found = number(value, least, most)
    return int(found) if found is not None and found == int(found) else None


def seconds(milliseconds: Any) -> float | None:
    """A duration; services write 0 for what they do not know."""
    found = number(milliseconds, 1, 1e9)
    return None if found is None else found / 1000


def year(date: Any) -> int | None:
    """The year of a date such as 1969-07-11."""
    return whole(date[:4], 1000, 2999) if isinstance(date, str) and date[:4].isdecimal() else None


def items(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; one object alone, as XML turned into JSON has it, is a list of one."""
    if isinstance(value, dict):
        return [value]
    return [one for one in value[:MOST] if isinstance(one, dict)] if isinstance(value, list) else []


def inside(value: Any, *path: str) -> Any:
    """What lies at the end of a path of keys, or None."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def known(**facts: Any) -> dict[str, Any]:
    """Facts without those that are not known."""
    return {name: value for name, value in facts.items() if value not in (None, "", [])}


def tags(found: list[tuple[Any, Any]]) -> tuple[tuple[str, float | None], ...]:
    """Tags as written, best first, each once."""
    told: dict[str, float | None] = {}
    for name, count in found:
        if shown := text(name):
            told.setdefault(shown, number(count))
    return tuple(sorted(told.items(), key=lambda tag: (tag[1] is None, -(tag[1] or 0.0), tag[0])))
