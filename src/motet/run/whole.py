"""What a stage over all rows says, as a file."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from motet.dataset.rows import Row, payload
from motet.dataset.tables import payload_schema, write_table
from motet.run.stage import Stage, Verdict


def write_verdicts(path: Path, declared: Stage, verdicts: Iterable[Verdict[Any]]) -> None:
    """Stream what a stage over all rows says into a file: an id, why it is dropped if it is, and a row's payload."""
    schema = verdict_schema(declared.writes)
    lines = (
        {
            "id": v.id,
            "status": "dropped" if v.drop else "ok",
            "reason": v.drop.reason if v.drop else "",
            "detail": v.drop.detail[:500] if v.drop else "",
            "has_row": v.row is not None,
            **(payload(v.row) if v.row is not None else {}),
        }
        for v in verdicts
    )
    batches = iter(lambda: list(islice(lines, 4096)), [])
    write_table(path, schema, (pa.RecordBatch.from_pylist(batch, schema=schema) for batch in batches))


def verdict_schema(writes: type[Row] | None) -> pa.Schema:
    said = [(name, pa.string()) for name in ("id", "status", "reason", "detail")]
    return pa.schema([*said, ("has_row", pa.bool_()), *(payload_schema(writes) if writes else [])])
