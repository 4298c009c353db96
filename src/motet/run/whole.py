"""What a stage over all rows says, as a file."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from motet.dataset.fitting import fitting
from motet.dataset.rows import Row
from motet.dataset.tables import payload_schema, write_table
from motet.run.stage import Stage, Verdict


def write_verdicts(path: Path, declared: Stage, verdicts: Iterable[Verdict[Any]]) -> None:
    """Stream what a stage over all rows says into a file: a line per row with its payload, one without any."""
    schema = verdict_schema(declared.writes)
    lines = (
        {
            "id": v.id,
            "status": "dropped" if v.drop else "ok",
            "reason": v.drop.reason if v.drop else "",
            "detail": v.drop.detail[:500] if v.drop else "",
            "row": number,
            **(fitting(row, declared.writes) if row is not None else {}),
        }
        for v in verdicts
        for number, row in (enumerate(v.rows) if v.rows else ((-1, None),))
    )
    batches = iter(lambda: list(islice(lines, 4096)), [])
    write_table(path, schema, (pa.RecordBatch.from_pylist(batch, schema=schema) for batch in batches))


def verdict_schema(writes: type[Row] | None) -> pa.Schema:
    said = [(name, pa.string()) for name in ("id", "status", "reason", "detail")]
    return pa.schema([*said, ("row", pa.int64()), *(payload_schema(writes) if writes else [])])
