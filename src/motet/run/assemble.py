"""From plans and answers to live tables, in SQL over Parquet: what is left to do, and what has come of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from motet.dataset.ledger import BLAMED, FINAL, Ledger, answered
from motet.dataset.query import batches, parquet
from motet.dataset.rows import row_fields
from motet.dataset.snapshot import VERDICT
from motet.dataset.tables import schema, write_table
from motet.run.gather import gathered, kept
from motet.run.stage import Stage

# A stage's inputs in order of id: who each is, its key, and the table that should have had a row for it and has not.
PLAN = pa.schema([("position", pa.int64()), *((n, pa.string()) for n in ("id", "source", "path", "lineage", "key", "lacks"))])

NO_ANSWERS = "(SELECT '' AS key, 0 AS seq, '' AS status, '' AS reason, '' AS detail WHERE false)"


def latest_answers(ledger: Ledger, stage: Stage) -> str:
    """SQL of the latest answer to every key of a stage."""
    return answered(ledger, stage.name) or NO_ANSWERS


def todo_sql(answers: str, plan: Path, retry: bool, since: int | None = None) -> str:
    """SQL of the positions to answer: one per key that has no final answer (nor a blame, unless `retry`).

    What has any answer of a number from `since` on is not asked again: it was asked in this run.
    """
    settled = FINAL if retry else (*FINAL, *BLAMED)
    listed = ", ".join(f"'{status}'" for status in settled)
    now = "" if since is None else f" OR seq >= {since}"
    return (
        f"SELECT min(p.position) AS position FROM {parquet([plan])} p "
        f"ANTI JOIN (SELECT key FROM {answers} WHERE status IN ({listed}){now}) a USING (key) "
        "WHERE p.lacks = '' GROUP BY p.key ORDER BY position"
    )


def assemble_rows(
    connection: duckdb.DuckDBPyConnection,
    stage: Stage,
    ledger: Ledger,
    plan: Path,
    before: Path,
    output: Path,
    verdicts: Path,
) -> None:
    """Write a row or group stage's verdicts and its live rows; a filter's are those rows of `before` that passed."""
    answers = latest_answers(ledger, stage)
    planned = parquet([plan])
    sql = (
        "SELECT p.id, p.source, p.path, p.lineage, p.key, "
        "CASE WHEN p.lacks <> '' THEN 'dropped' ELSE coalesce(a.status, 'unanswered') END AS status, "
        "CASE WHEN p.lacks <> '' THEN 'no_' || p.lacks ELSE coalesce(a.reason, '') END AS reason, "
        f"coalesce(a.detail, '') AS detail FROM {planned} p LEFT JOIN {answers} a USING (key) ORDER BY p.id"
    )
    write_table(verdicts, VERDICT, batches(connection, sql, VERDICT))
    row_type = stage.writes or stage.main.row_type
    row_schema = schema(row_type)
    parts = ledger.parts(f"tables/{row_type.table}") if stage.writes else []
    if stage.writes is None:
        write_table(output, row_schema, kept(before, verdicts))
    elif parts:
        suffix = f".{row_type.letter}" if stage.many else ""
        write_table(output, row_schema, gathered(connection, answers, plan, parts, row_type, suffix))
    else:
        write_table(output, row_schema, [])


def assemble_whole(
    connection: duckdb.DuckDBPyConnection,
    stage: Stage,
    before: Path,
    said: Path,
    outputs: Mapping[str, Path],
    verdicts: Path,
) -> None:
    """Write the verdicts of a stage over all rows, the rows of `before` it kept, and the rows it wrote.

    `said` is what the stage said of each id; `outputs` maps the table it reads, where it may drop rows of it, and the one it
    writes, to files.
    """
    rows, lines = parquet([before]), parquet([said])
    one_each = f"(SELECT * FROM {lines} WHERE row <= 0)"
    sql = (
        "SELECT b.id, b.source, b.path, b.lineage, '' AS key, coalesce(v.status, 'ok') AS status, "
        "coalesce(v.reason, '') AS reason, coalesce(v.detail, '') AS detail "
        f"FROM {rows} b LEFT JOIN {one_each} v USING (id) ORDER BY b.id"
    )
    write_table(verdicts, VERDICT, batches(connection, sql, VERDICT))
    main = stage.main.row_type
    if main.table in outputs:
        columns = pq.read_schema(before)  # the row type may have but some of them
        write_table(outputs[main.table], columns, kept(before, verdicts))
    if stage.writes is not None:
        fields = ", ".join(f'v."{name}"' for name in row_fields(stage.writes))
        suffix = f" || format('.{stage.writes.letter}{{:03d}}', v.row)" if stage.writes.letter else ""
        sql = (
            f"SELECT b.id{suffix} AS id, b.source, b.path, b.lineage{suffix} AS lineage, {fields} "
            f"FROM {rows} b JOIN {lines} v USING (id) WHERE v.row >= 0 ORDER BY 1"
        )
        written = schema(stage.writes)
        write_table(outputs[stage.writes.table], written, batches(connection, sql, written))
