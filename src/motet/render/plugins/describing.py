"""What a plug-in says of itself."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Description", "Parameter"]


@dataclass(frozen=True)
class Parameter:
    """A knob, in the plug-in's own terms.

    A number runs from `low` to `high` in `unit`. A choice is a whole number, the place of its word in `choices`. A knob whose
    words tell neither runs from 0 to 1. `value` is where it stands when the plug-in is fresh, as far as the plug-in says.
    """

    name: str
    low: float
    high: float
    value: float
    unit: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Description:
    """A plug-in as an engine sees it; `latency` in frames at 44.1 kHz, `presets` the names of its programs, if it tells them."""

    instrument: bool
    name: str
    version: str
    vendor: str
    parameters: tuple[Parameter, ...]
    presets: tuple[str, ...]
    latency: int
