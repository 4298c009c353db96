"""How well false captions are told from true ones: by the judged captions beside this file.

`claims_judged.jsonl` holds a fact record, a caption, and whether the caption is true of it; half have one planted falsehood of a
named kind. Its writer had not seen the checker. Records are split by a hash of their own: the checker was developed on the even
ones and tried on the odd ones three times, so the figures of the odd ones are the honest ones. Captions of the odd ones are
never printed.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

from measure import Line
from motet.text.checking import Checked, check

JUDGED = Path(__file__).with_name("claims_judged.jsonl")
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
    held_out: bool


def measure(quick: bool) -> Iterator[Line]:
    rows = list(_rows())
    del quick  # it takes two seconds
    for who, held_out in (("held out", True), ("development", False)):
        mine = [row for row in rows if row.held_out == held_out]
        check(mine[0].caption, mine[0].record)
        began = time.process_time()
        found = [check(row.caption, row.record) for row in mine]
        seconds = time.process_time() - began
        yield from _lines(who, mine, found, goal=held_out)
        yield Line(f"{who}: captions checked, CPU time", (len(mine) / seconds,), "per second", len(mine))
    # Of the development half, which came last.
    for row in [row for row in mine if not row.true and check(row.caption, row.record).verdict == "true"][:WORST]:
        print(f"  missed ({row.kind}): {row.wrong!r} in {row.caption[:100]!r}")
    for row in [row for row in mine if row.true and check(row.caption, row.record).verdict != "true"][:WORST]:
        print(f"  false alarm: {row.caption[:120]!r}")


def _rows() -> Iterator[Row]:
    with JUDGED.open(encoding="utf-8") as lines:
        for line in lines:
            told = json.loads(line)
            digest = hashlib.sha256(json.dumps(told["record"], sort_keys=True).encode()).hexdigest()
            true = told["verdict"] == "ok"
            yield Row(told["record"], told["caption"], true, told["kind"] or "", told["wrong"] or "", int(digest, 16) % 2 == 1)


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
