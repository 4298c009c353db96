"""A stage over all rows that reads two tables, and says several things of one row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from motet.dataset.rows import Row
from motet.run import Drop, Verdict, stage
from toys.stages import Digit, Number


@dataclass(frozen=True, kw_only=True)
class Shared(Row):
    table: ClassVar[str] = "shared"
    letter: ClassVar[str] = "s"
    other: int
    digit: int


@stage(version=1, filters=True)
def compare_digits(numbers: Iterable[Number], digits: Iterable[Digit]) -> Iterator[Verdict[Shared]]:
    """A row for each smaller number and digit that a number shares with it; one that shares two digits with another goes."""
    values = {number.id: number.value for number in numbers}
    own: dict[str, set[int]] = defaultdict(set)
    for digit in digits:
        own[digit.source].add(digit.digit)
    for number, value in values.items():
        rows = [
            Shared(other=values[other], digit=digit)
            for other in sorted(values, key=lambda one: values[one])
            if values[other] < value
            for digit in sorted(own[other] & own[number])
        ]
        twice = len({row.other for row in rows}) < len(rows)
        yield Verdict(number, Drop("alike", str(value)) if twice else None, tuple(rows))
