"""Motet beside its peers on the same work, each peer in an environment of its own and used as its documentation says.

`python bench/run.py --only peers` prints lines; `python bench/peers --markdown docs/peers.md` writes the page.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence

from measure import Line
from peers.table import Table

COMPARISONS = ("loading", "rendering", "validating", "runners")


def measure(quick: bool) -> Iterator[Line]:
    for table in compare(quick):
        yield from table.lines
        for peer, why in table.skipped.items():
            print(f"{peer} is left out: {why}")


def compare(quick: bool, only: Sequence[str] = COMPARISONS) -> Iterator[Table]:
    for name in only:
        yield from importlib.import_module(f"peers.{name}").compare(quick)
