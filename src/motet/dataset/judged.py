"""The table `judged`: what people say of a dataset's rows at this moment, before any build has read it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from motet.labels import Label, judgements, lineage_of, stamp_of

NAME = "judged"
COLUMNS = pa.schema([(name, pa.string()) for name in ("stamp", "id", "verdict", "note", "by", "at", "about")])
SPANNED, WHOLE = ("clips", "plans"), ("songs", "labels")  # tables whose rows are judged: with a span, and as they are


def standing(folder: Path, connection: duckdb.DuckDBPyConnection, tables: Collection[str]) -> pa.Table:
    """The labels that stand, each with the id of the live row that it is about, in `COLUMNS`; without rows where nobody judged.

    Of a label whose row is not live (left out for it, or cut elsewhere since) `id` is what the row was called then, or "" where
    another is called so now. `connection` sees the live `tables`. Raises UserError for a file that cannot be read.
    """
    verdicts = judgements(folder)
    if not verdicts:
        return COLUMNS.empty_table()
    ids = _ids(connection, tables, verdicts)
    taken = _taken(connection, tables, verdicts.values())
    rows = [
        (label, row_id)
        for stamp, label in verdicts.items()
        for row_id in ids.get(stamp) or ["" if label.id in taken else label.id]
    ]
    columns = ([row_id if name == "id" else getattr(label, name) for label, row_id in rows] for name in COLUMNS.names)
    return pa.Table.from_arrays([pa.array(column, pa.string()) for column in columns], schema=COLUMNS)


def _ids(connection: duckdb.DuckDBPyConnection, tables: Collection[str], stamps: Collection[str]) -> dict[str, list[str]]:
    """By stamp, the live rows that have it: several where content stands twice."""
    lineages = {lineage_of(stamp) for stamp in stamps}
    found: dict[str, list[str]] = defaultdict(list)
    for table in sorted({*SPANNED, *WHOLE}.intersection(tables)):
        span = 'start, "end"' if table in SPANNED else "NULL, NULL"
        sql = f"SELECT id, lineage, {span} FROM {table} WHERE lineage IN (FROM {NAME}) ORDER BY id"
        for row_id, lineage, start, end in _asked(connection, sql, lineages):
            if (stamp := stamp_of(lineage, start, end)) in stamps:
                found[stamp].append(row_id)
    if "moments" in tables:
        sql = f"SELECT id, stamp FROM moments WHERE stamp IN (FROM {NAME}) ORDER BY id"
        for row_id, stamp in _asked(connection, sql, stamps):
            found[stamp].append(row_id)
    return found


def _taken(connection: duckdb.DuckDBPyConnection, tables: Collection[str], labels: Collection[Label]) -> set[str]:
    """Of what rows were called when they were judged, what live rows are called."""
    then = {label.id for label in labels if label.id}
    found: set[str] = set()
    for table in sorted({*SPANNED, *WHOLE}.intersection(tables)):
        found.update(row_id for (row_id,) in _asked(connection, f"SELECT id FROM {table} WHERE id IN (FROM {NAME})", then))
    return found


def _asked(connection: duckdb.DuckDBPyConnection, sql: str, values: Collection[str]) -> list[tuple[Any, ...]]:
    """The answer to a query that knows the values as the one column of `judged`."""
    connection.register(NAME, pa.table({"value": pa.array(sorted(values), pa.string())}))
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.unregister(NAME)
