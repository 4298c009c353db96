"""Numbers drawn at random: from what range, and each from chance of its own."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

__all__ = ["Between", "Fixed", "LogBetween", "Lots", "OneOf", "Range"]

DIGITS = 4  # of a drawn number: fine enough for any ear, and readable in a record


@dataclass(frozen=True)
class Lots:
    """Chance by name: each name has a number of its own, which other names do not change."""

    seed: int

    def __call__(self, name: str) -> float:
        """A number over 0 and under 1, evenly spread."""
        digest = hashlib.blake2b(f"{self.seed:x} {name}".encode(), digest_size=8).digest()
        return (int.from_bytes(digest) // 2**12 + 0.5) / 2**52


@dataclass(frozen=True)
class Fixed:
    """Always the same number, as written."""

    value: float

    @property
    def ends(self) -> tuple[float, float]:
        return self.value, self.value

    def at(self, lot: float) -> float:
        return self.value


@dataclass(frozen=True)
class Between:
    """All numbers from `low` to `high` alike."""

    low: float
    high: float

    @property
    def ends(self) -> tuple[float, float]:
        return self.low, self.high

    def at(self, lot: float) -> float:
        return _rounded(self.low + lot * (self.high - self.low), self.low, self.high)


@dataclass(frozen=True)
class LogBetween:
    """All ratios alike, as pitch and loudness are heard: from 100 to 400, half are under 200. Both ends are over 0."""

    low: float
    high: float

    @property
    def ends(self) -> tuple[float, float]:
        return self.low, self.high

    def at(self, lot: float) -> float:
        low, high = math.log(self.low), math.log(self.high)
        return _rounded(math.exp(low + lot * (high - low)), self.low, self.high)


@dataclass(frozen=True)
class OneOf:
    """One of some numbers, each as often as its weight says."""

    values: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def ends(self) -> tuple[float, float]:
        return min(self.values), max(self.values)

    def at(self, lot: float) -> float:
        return self.values[chosen(lot, self.weights)]


Range = Fixed | Between | LogBetween | OneOf
"""What a number is drawn from: `at(lot)` gives it for a lot of chance (0 to 1); `ends` are the least and the greatest."""


def chosen(lot: float, weights: tuple[float, ...]) -> int:
    """Which of some things a lot (0 to 1) falls on."""
    left = lot * sum(weights)
    for index, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return index
    return max(index for index, weight in enumerate(weights) if weight)  # rounding of the sum


def turn(lot: float, weight: float) -> float:
    """When a thing has its turn in a draw without replacement: the least comes first.

    Of independent exponential times, the first is a given one with a chance proportional to its rate, and so is each next
    among the rest (Efraimidis and Spirakis 2006). A thing more or less does not change the order of the others.
    """
    return -math.log(lot) / weight


def _rounded(value: float, low: float, high: float) -> float:
    return min(max(float(f"{value:.{DIGITS}g}"), low), high)
