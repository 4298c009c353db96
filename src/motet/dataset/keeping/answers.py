"""Whether the answers in a ledger are whole, and whether what is live is what was answered.

Every question is SQL of the keys it concerns: a check counts them, a repair forgets them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from motet.dataset.keeping.record import Record
from motet.dataset.ledger import STATUSES
from motet.dataset.query import parquet, quoted
from motet.dataset.rows import IDENTITY
from motet.dataset.snapshot import Snapshot, StageState

_NO_ROWS = "(SELECT '' AS answer_key, 0 AS answer_seq, 0 AS answer_row, 0::UBIGINT AS h WHERE false)"
_NO_ANSWERS = "(SELECT '' AS key, 0 AS seq, '' AS status, '' AS reason WHERE false)"


@dataclass(frozen=True)
class Finding:
    """Answers that are not as they should be: `keys` is SQL with one column `key`, `stage` whose they are ("" where unknown)."""

    kind: str
    where: str
    stage: str
    keys: str
    detail: str


@dataclass(frozen=True)
class Shelves:
    """The whole parts of a record, by stage and by table."""

    work: Mapping[str, list[Path]]
    tables: Mapping[str, list[Path]]

    @classmethod
    def of(cls, dataset: Path, record: Record, lost: Collection[Path] = ()) -> Shelves:
        found: dict[str, dict[str, list[Path]]] = {"work": {}, "tables": {}}
        for shelf, names in sorted(record.parts.items()):
            top, _, name = shelf.partition("/")
            if parts := [part for part in (dataset / shelf / one for one in names) if part not in lost]:
                found[top][name] = parts
        return cls(found["work"], found["tables"])

    def lines(self) -> str:
        """SQL of (key, seq) of all answers."""
        each = [f"SELECT key, seq FROM {parquet(parts)}" for parts in self.work.values()]
        return f"({' UNION ALL '.join(each)})" if each else "(SELECT '' AS key, 0 AS seq WHERE false)"

    def latest(self, stage: str) -> str:
        """SQL of the answer that counts for every key of a stage."""
        if stage not in self.work:
            return _NO_ANSWERS
        each = f"SELECT * FROM {parquet(self.work[stage])}"
        return f"({each} QUALIFY row_number() OVER (PARTITION BY key ORDER BY seq DESC) = 1)"


def halves(shelves: Shelves) -> Iterator[Finding]:
    """Answers that stand twice, say what none can, or lack some of their rows; rows without an answer."""
    listed = ", ".join(quoted(status) for status in STATUSES)
    for stage, parts in shelves.work.items():
        work = parquet(parts)
        twice = f"SELECT key FROM {work} GROUP BY key, seq HAVING count(*) > 1"
        yield Finding("twice", f"work/{stage}", stage, twice, "the same answer stands there twice")
        odd = f"SELECT key FROM {work} WHERE status NOT IN ({listed})"
        yield Finding("half_answer", f"work/{stage}", stage, odd, "its status is none")
    for table, parts in shelves.tables.items():
        rows = parquet(parts)
        where = f"tables/{table}"
        alone = (
            f"SELECT r.answer_key AS key FROM {rows} r ANTI JOIN {shelves.lines()} w "
            "ON r.answer_key = w.key AND r.answer_seq = w.seq"
        )
        yield Finding("half_answer", where, "", alone, "rows whose answer is not there")
        gaps = (
            f"SELECT answer_key AS key FROM {rows} GROUP BY answer_key, answer_seq "
            "HAVING count(*) <> max(answer_row) + 1 OR min(answer_row) <> 0 OR count(DISTINCT answer_row) <> count(*)"
        )
        yield Finding("half_answer", where, "", gaps, "an answer of which some rows are missing, or stand twice")


def rowless(shelves: Shelves, stage: str, table: str) -> Finding:
    """The `ok` answers of a stage that have no row in the table it writes."""
    keys = f"SELECT a.key FROM {shelves.latest(stage)} a"
    if parts := shelves.tables.get(table):
        keys += f" ANTI JOIN {parquet(parts)} r ON r.answer_key = a.key AND r.answer_seq = a.seq"
    return Finding("half_answer", f"work/{stage}", stage, f"{keys} WHERE a.status = 'ok'", f"ok, and without its row of {table}")


def writers(
    connection: duckdb.DuckDBPyConnection, snapshot: Snapshot | None, shelves: Shelves
) -> dict[str, tuple[StageState, bool]]:
    """Of every table that answers have rows of: the stage that writes it, and whether an answer of it is one row always.

    As a snapshot shows them: the first stage that gives a table writes it, those after it are filters.
    """
    found: dict[str, tuple[StageState, bool]] = {}
    for state in snapshot.stages if snapshot else ():
        for table, name in state.outputs.items():
            if table not in found and snapshot:
                found[table] = (state, _single(connection, snapshot.folder / name, snapshot.folder / state.verdicts))
    return {table: one for table, one in found.items() if shelf_of(one[0].name) in shelves.work}


def shelf_of(step: str) -> str:
    """What a stage's answers are kept under: `density` for `package.module:density`."""
    return step.rpartition(":")[2]


def _single(connection: duckdb.DuckDBPyConnection, output: Path, verdicts: Path) -> bool:
    """Whether rows are called as the inputs they are of: of nothing, it is not known, and no."""
    if not pq.read_metadata(output).num_rows:
        return False
    return _letter(connection, output, verdicts) == ""


def _letter(connection: duckdb.DuckDBPyConnection, output: Path, verdicts: Path) -> str:
    """What marks the ids of rows below their input's, "" where they are called as it is."""
    sql = f"SELECT id FROM {parquet([output])} o ANTI JOIN {parquet([verdicts])} v USING (id) LIMIT 1"
    rows = connection.sql(sql).fetchall()
    return str(rows[0][0]).rpartition(".")[2].rstrip("0123456789") if rows else ""


def unlike(
    connection: duckdb.DuckDBPyConnection, shelves: Shelves, snapshot: Snapshot, state: StageState, written: Collection[str]
) -> Iterator[Finding]:
    """What a stage shows in a snapshot whose files are whole, and the ledger does not say (any more). Of the tables that it
    gives it has `written` some; the rows of others are another stage's answers."""
    stage = shelf_of(state.name)
    if not state.fingerprint or not _is_answered(connection, snapshot.folder / state.verdicts):
        return
    verdicts = parquet([snapshot.folder / state.verdicts])
    final = f"(SELECT * FROM {verdicts} WHERE status IN ('ok', 'dropped') AND NOT starts_with(reason, 'no_'))"
    latest = shelves.latest(stage)
    where = f"work/{stage}"
    lost = f"SELECT v.key FROM {final} v ANTI JOIN {latest} a USING (key)"
    yield Finding("lost_answer", where, stage, lost, "live, and answered nowhere")
    other = f"SELECT v.key FROM {final} v JOIN {latest} a USING (key) WHERE a.status <> v.status OR a.reason <> v.reason"
    yield Finding("stale", where, stage, other, "live with another outcome than was answered")
    for table in written:
        output = snapshot.folder / state.outputs[table]
        letter = _letter(connection, output, snapshot.folder / state.verdicts)
        yield from _rows_unlike(connection, shelves, stage, table, output, verdicts, letter)


def _is_answered(connection: duckdb.DuckDBPyConnection, verdicts: Path) -> bool:
    """Whether a stage works row by row: what source stages and those over all rows say has no key, and no line in the ledger."""
    return bool(connection.sql(f"SELECT 1 FROM {parquet([verdicts])} WHERE key <> '' LIMIT 1").fetchall())


def _rows_unlike(
    connection: duckdb.DuckDBPyConnection,
    shelves: Shelves,
    stage: str,
    table: str,
    output: Path,
    verdicts: str,
    letter: str,
) -> Iterator[Finding]:
    parts = shelves.tables.get(table, [])
    there = {name for part in parts for name in pq.read_schema(part).names}
    types = {name: kind for name, kind, *_ in connection.sql(f"DESCRIBE SELECT * FROM {parquet([output])}").fetchall()}
    fields = [name for name in types if name not in IDENTITY]
    was = ", ".join(f'CAST("{n}" AS {types[n]})' if n in there else f"CAST(NULL AS {types[n]})" for n in fields)
    now = ", ".join(f'"{n}"' for n in fields)
    # Hashed before they are joined: what is sorted and joined is small, however large the rows are.
    rows = f"(SELECT answer_key, answer_seq, answer_row, hash(row({was})) AS h FROM {parquet(parts)})" if parts else _NO_ROWS
    suffix = f" || format('.{letter}{{:03d}}', r.answer_row)" if letter else ""
    own = f"(SELECT id, key FROM {verdicts} WHERE status = 'ok')"
    answered = (
        f"(SELECT v.id{suffix} AS id, v.key, r.h FROM {own} v JOIN {shelves.latest(stage)} a USING (key) "
        f"JOIN {rows} r ON r.answer_key = a.key AND r.answer_seq = a.seq)"
    )
    shown = f"(SELECT id, hash(row({now})) AS h FROM {parquet([output])})"
    base = f"regexp_replace(s.id, '\\.{letter}[0-9]+$', '')" if letter else "s.id"
    keys = (
        f"SELECT r.key FROM {answered} r LEFT JOIN {shown} s USING (id) WHERE s.h IS DISTINCT FROM r.h UNION ALL "
        f"SELECT v.key FROM (SELECT id, {base} AS base FROM {shown} s) s "
        f"ANTI JOIN {answered} r USING (id) JOIN {own} v ON v.id = s.base"
    )
    yield Finding("stale", f"tables/{table}", stage, keys, "live rows that are not those that were answered")
