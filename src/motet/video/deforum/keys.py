"""What Deforum's settings are called, of which kind they are, and how far each may go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

import yaml

__all__ = ["Key", "Kind", "keys", "old", "told"]

Kind = Literal["schedule", "names", "switch", "choice", "whole", "number", "text", "own"]
UNITS = range(1, 6)  # of ControlNet


@dataclass(frozen=True)
class Key:
    """One setting. `choices` is for a choice, `low` and `high` for a number."""

    name: str
    kind: Kind
    default: Any
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0


@cache
def _table() -> dict[str, Any]:
    table = yaml.safe_load(resources.files(__package__).joinpath("keys.yaml").read_text("utf-8"))
    assert isinstance(table, dict)
    return table


@cache
def keys() -> dict[str, Key]:
    """Every setting that Deforum reads, by name."""
    return {key.name: key for key in _read(_table())}


def told() -> frozenset[str]:
    """Names that settings files hold and Deforum does not read."""
    return frozenset(_table()["told"])


def old() -> dict[str, str]:
    """What settings were called before, and what they are called now."""
    return dict(_table()["old"])


def _read(table: dict[str, Any]) -> Iterator[Key]:
    for kind in ("schedule", "names", "switch", "choice", "whole", "number", "text", "own"):
        for pattern, told in table[kind].items():
            for name in [pattern.format(n=n) for n in UNITS] if "{n}" in pattern else [pattern]:
                if kind == "choice":
                    choices = tuple(map(str, told))
                    yield Key(name, "choice", choices[0], choices)
                elif kind in ("whole", "number"):
                    yield Key(name, kind, told[0], (), told[1], told[2])
                else:
                    yield Key(name, kind, told)
