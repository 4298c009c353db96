"""What two datasets have in common: their live rows and media bytes, run times and worker names aside."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from motet.dataset.keeping.checking import check
from motet.dataset.snapshot import live
from motet.dataset.tables import media_columns


def live_state(dataset: Path) -> dict[str, Any]:
    """Every live table's rows, every stage's verdicts, and the bytes behind every reference."""
    snapshot = live(dataset)
    assert snapshot is not None
    state: dict[str, Any] = {}
    media: dict[str, str] = {}
    for table in snapshot.tables:
        rows = pq.read_table(snapshot.table(table)).to_pylist()
        state[table] = rows
        for field in media_columns(snapshot.table(table)):
            for row in rows:
                media[row[field]] = hashlib.sha256((dataset / row[field]).read_bytes()).hexdigest()
    for stage in snapshot.stages:
        verdicts = pq.read_table(snapshot.folder / stage.verdicts).to_pylist()
        state[f"work/{stage.name}"] = [(v["id"], v["path"], v["status"], v["reason"]) for v in verdicts]
    state["media"] = media
    return state


def assert_same(one: Path, other: Path) -> None:
    """Fails naming the first table that differs; both datasets must also pass `check`."""
    a, b = live_state(one), live_state(other)
    assert a.keys() == b.keys()
    for name in a:
        assert a[name] == b[name], f"{name} differs"
    for dataset in (one, other):
        assert list(check(dataset)) == []
