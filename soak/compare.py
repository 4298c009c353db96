"""What is other in two datasets: live rows, verdicts and the bytes of media; run times and names of workers aside."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from motet import Dataset

Rows = list[dict[str, Any]]


def live_rows(dataset: Path) -> dict[str, Rows]:
    """The rows of every live table as they stand, and what became of every input of every stage."""
    tables = {path.stem: pq.read_table(path).to_pylist() for path in sorted((dataset / "snapshots" / "live").glob("*.parquet"))}
    verdicts = Dataset(dataset).query(
        "SELECT stage, id, source, path, lineage, status, reason FROM work ORDER BY stage, id, path"
    )
    names = [column[0] for column in verdicts.description or []]
    return tables | {"work": [dict(zip(names, row, strict=True)) for row in verdicts.fetchall()]}


def media(rows: dict[str, Rows]) -> set[str]:
    """The names of all media that live rows refer to."""
    return {
        value
        for table in rows.values()
        for row in table
        for value in row.values()
        if isinstance(value, str) and value.startswith("media/")
    }


def differences(found: Path, expected: Path) -> list[str]:
    """What is other in `found`, a sentence each; an empty list when they are equal."""
    one, other = live_rows(found), live_rows(expected)
    return [*_tables(one, other), *_media(found, media(one)), *_media(expected, media(other))]


def _tables(one: dict[str, Rows], other: dict[str, Rows]) -> Iterator[str]:
    for name in sorted(one.keys() | other.keys()):
        a, b = one.get(name), other.get(name)
        if a is None or b is None:
            yield f"table {name} is missing {'here' if a is None else 'from the undisturbed dataset'}"
        elif a != b:
            yield f"table {name}: {_first(a, b)}"


def _first(a: Rows, b: Rows) -> str:
    """The first row in which two tables differ, by column."""
    for number, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            columns = [
                f"{c} is {_short(x.get(c))}, not {_short(y.get(c))}" for c in sorted(x.keys() | y.keys()) if x.get(c) != y.get(c)
            ]
            return f"row {number} ({x.get('path') or x.get('id')}): {'; '.join(columns[:4])}"
    return f"{len(a)} rows, not {len(b)}; the first too many or too few is {_short(max(a, b, key=len)[min(len(a), len(b))])}"


def _media(dataset: Path, names: set[str]) -> Iterator[str]:
    """Media are named by their content, so bytes that fit their names are equal bytes."""
    for name in sorted(names):
        file = dataset / name
        if not file.is_file():
            yield f"{name} is missing"
        elif hashlib.sha256(file.read_bytes()).hexdigest() != file.name.split(".")[0]:
            yield f"{name} holds other bytes than its name says"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 160 else text[:157] + "…"
