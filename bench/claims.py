"""How well false captions are told from true ones: by the judged captions beside this file.

Each line holds a fact record and captions of it, true ones and ones with one planted falsehood of a named kind. Their writers had
not seen the checker. It was developed on `claims_judged.jsonl`; `claims_held_out.jsonl` is only counted on, and its captions
are never printed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

from measure import Line
from motet.text.checking import Checked, check

HELD_OUT = Path(__file__).with_name("claims_held_out.jsonl")
DEVELOPMENT = Path(__file__).with_name("claims_judged.jsonl")
RECALL, PRECISION = 0.95, 0.97
WORST = 10


@dataclass(frozen=True)
class Row:
    """A judged caption; `kind` and `wrong` say what was planted and in which words, "" if the caption is true."""

    record: dict[str, Any]
    caption: str
    true: bool
    kind: str
    wrong: str


def measure(quick: bool) -> Iterator[Line]:
    del quick  # it takes a few seconds
    for who, path in (("held out", HELD_OUT), ("development", DEVELOPMENT)):
        rows = list(_rows(path))
        check(rows[0].caption, rows[0].record)
        began = time.process_time()
        found = [check(row.caption, row.record) for row in rows]
        seconds = time.process_time() - began
        yield from _lines(who, rows, found, goal=path == HELD_OUT)
        yield Line(f"{who}: captions checked, CPU time", (len(rows) / seconds,), "per second", len(rows))
    # Of development, which came last.
    judged = list(zip(rows, found, strict=True))
    for row, _ in [one for one in judged if not one[0].true and one[1].verdict == "true"][:WORST]:
        print(f"  missed ({row.kind}): {row.wrong!r} in {row.caption[:100]!r}")
    for row, _ in [one for one in judged if one[0].true and one[1].verdict != "true"][:WORST]:
        print(f"  false alarm: {row.caption[:120]!r}")


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            told = json.loads(line)
            for one in told["captions"]:
                yield Row(told["record"], one["caption"], one["verdict"] == "ok", one.get("kind", ""), one.get("wrong", ""))


def _lines(who: str, rows: list[Row], found: list[Checked], goal: bool) -> Iterator[Line]:
    both = list(zip(rows, found, strict=True))
    planted = [(row, one) for row, one in both if not row.true]
    caught = sum(one.verdict != "true" for _, one in planted)
    flagged = sum(one.verdict != "true" for one in found)
    yield Line(
        f"{who}: planted falsehoods caught",
        (caught / len(planted),),
        "of false",
        len(planted),
        goal=f">= {RECALL}" if goal else "",
        reached=caught >= RECALL * len(planted) if goal else None,
        note=f"95 %: {_interval(caught, len(planted))}",
    )
    yield Line(
        f"{who}: false, of captions called so",
        (caught / max(flagged, 1),),
        "of flagged",
        flagged,
        goal=f">= {PRECISION}" if goal else "",
        reached=caught >= PRECISION * flagged if goal else None,
        note=f"95 %: {_interval(caught, flagged)}",
    )
    overlap = sum(_overlaps(row, one) for row, one in planted)
    yield Line(f"{who}: the words flagged are the wrong ones", (overlap / max(caught, 1),), "of caught", caught)
    for kind in sorted({row.kind for row, _ in planted}):
        some = [one for row, one in planted if row.kind == kind]
        hits = sum(one.verdict != "true" for one in some)
        yield Line(
            f"{who}: {kind} caught", (hits / len(some),), "of false", len(some), note=f"95 %: {_interval(hits, len(some))}"
        )


def _overlaps(row: Row, one: Checked) -> bool:
    begin = row.caption.find(row.wrong)
    end = begin + len(row.wrong)
    return any(claim.verdict != "supported" and claim.start < end and claim.end > begin for claim in one.claims)


def _interval(hits: int, of: int) -> str:
    """Wilson's 95 % interval of a share."""
    if not of:
        return "-"
    share, z = hits / of, 1.96
    middle, half = share + z * z / (2 * of), z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return f"{(middle - half) / (1 + z * z / of):.3f} to {(middle + half) / (1 + z * z / of):.3f}"
