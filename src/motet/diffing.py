"""What differs between two datasets, or two versions of one, row by row, and why.

Rows are matched by id. A source that only changed its name is matched by its content, and its rows with it. Causes are read off
what both datasets recorded: their sources, the verdicts of their stages, and their recipes with versions, settings, fonts and
libraries. A table is looked at after those it is made of, so that a change can be followed to where it began.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from motet.dataset.folder import Dataset
from motet.dataset.query import connect, damage_told, parquet, quoted
from motet.dataset.rows import IDENTITY, locators
from motet.dataset.snapshot import Snapshot, StageState
from motet.errors import UserError
from motet.scratch import Scratch

MEMORY = "512MB"  # of DuckDB, past which it works on disk
_TO_FILES = ("root", "location", "member", "offset", "inner_path")


@dataclass(frozen=True)
class Sum:
    """Rows of one table that differ in one way for one cause."""

    table: str
    what: str  # added | removed | changed
    cause: str
    rows: int
    examples: list[str]


@dataclass
class Difference:
    """What `compare` found; `changes` can be asked for while its `with` lasts."""

    facts: list[str] = field(default_factory=list)  # sentences about the datasets as wholes
    sums: list[Sum] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)  # table -> added | removed | changed -> rows
    same: dict[str, int] = field(default_factory=dict)  # table -> rows that are alike
    _connection: duckdb.DuckDBPyConnection | None = None

    @property
    def alike(self) -> bool:
        return not self.sums

    def changes(self) -> Iterator[dict[str, Any]]:
        """Every row that differs: table, what, id (in the second dataset if it has it), was (in the first), path, cause, and
        the columns that changed. In order of table, kind and id."""
        assert self._connection is not None
        cursor = self._connection.cursor()
        cursor.execute("SELECT tab, what, id, was, path, cause, columns FROM changes ORDER BY place, what, coalesce(id, was)")
        names = ("table", "what", "id", "was", "path", "cause", "columns")
        while rows := cursor.fetchmany(1000):
            for row in rows:
                yield dict(zip(names, row, strict=True))


@contextmanager
def compare(one: Dataset, other: Dataset, tables: Sequence[str] = (), *, examples: int = 3) -> Iterator[Difference]:
    """Tell what `other` has that `one` has not, the reverse, and what they have differently, in `tables` (none: in all).

    Raises UserError for a table that neither has, and for damaged ones. Memory is bounded; a temporary folder is not.
    """
    with Scratch("motet-diff-") as scratch, damage_told(other.folder):
        yield _Comparison(one, other, scratch).run(tables, examples)


@dataclass(frozen=True)
class _Side:
    """One of the two: its snapshot, what its recipe file says, and which of its stages makes which table."""

    name: str
    snapshot: Snapshot
    made_by: Mapping[str, Any]

    @classmethod
    def of(cls, dataset: Dataset) -> _Side:
        return cls(dataset.name, dataset.snapshot, dataset.made_by)

    def writer(self, table: str) -> StageState | None:
        return next((state for state in self.snapshot.stages if table in state.outputs), None)

    def tables(self) -> list[str]:
        """In the order they are made."""
        made = [table for state in self.snapshot.stages for table in state.outputs]
        return [table for table in dict.fromkeys(made) if table in self.snapshot.tables]


class _Comparison:
    def __init__(self, one: Dataset, other: Dataset, scratch: Path) -> None:
        self.a, self.b = _Side.of(one), _Side.of(other)
        self.sql = connect(scratch, MEMORY)
        self.sql.execute("SET preserve_insertion_order=false")
        self.steps = {state.name: number for number, state in enumerate([*self.b.snapshot.stages, *self.a.snapshot.stages])}
        self.own = {name: _own_difference(name, self.a.made_by, self.b.made_by) for name in self.steps}
        self.found = Difference(_connection=self.sql)

    def run(self, tables: Sequence[str], examples: int) -> Difference:
        every = [*self.b.tables(), *(t for t in self.a.tables() if t not in self.b.tables())]
        if unknown := [table for table in tables if table not in every]:
            raise UserError(f"Neither has a table {unknown[0]!r}; there are: {', '.join(every)}.")
        self.found.facts = list(_facts(self.a, self.b, self.own))
        self._sources()
        self._verdicts()
        self.sql.execute(
            "CREATE TABLE changes (place INTEGER, tab VARCHAR, what VARCHAR, id VARCHAR, was VARCHAR, source VARCHAR, "
            "path VARCHAR, columns VARCHAR[], cause VARCHAR)"
        )
        for place, table in enumerate(every):
            self._table(place, table)
        wanted = set(tables or every)
        if tables:
            listed = ", ".join(quoted(table) for table in wanted)
            self.sql.execute(f"DELETE FROM changes WHERE tab NOT IN ({listed})")
            self.found.same = {table: rows for table, rows in self.found.same.items() if table in wanted}
        self._sum(examples)
        return self.found

    # -- what is known before any row is looked at -------------------------------------------------------------------

    def _sources(self) -> None:
        """`sources`: every source of either, matched by id and then by content, and what became of it ("" where nothing)."""
        sides = []
        for side in (self.a, self.b):
            state = side.writer("files")
            file = side.snapshot.folder / state.outputs["files"] if state else None
            rows = parquet([file]) if file else "(SELECT '' AS id, '' AS path, '' AS sha256 WHERE false)"
            sides.append(f"(SELECT id, path, sha256 FROM {rows})")
        one, other = sides
        pairing = "row_number() OVER (PARTITION BY sha256 ORDER BY path, id) AS n"
        self.sql.execute(
            f"CREATE TABLE sources AS WITH a AS {one}, b AS {other}, "
            f"left_a AS (SELECT *, {pairing} FROM a ANTI JOIN b USING (id)), "
            f"left_b AS (SELECT *, {pairing} FROM b ANTI JOIN a USING (id)) "
            "SELECT a.id AS was, b.id AS id, "
            "CASE WHEN a.sha256 = b.sha256 THEN '' ELSE 'its source has other content' END AS cause "
            "FROM a JOIN b USING (id) UNION ALL "
            "SELECT a.id, b.id, CASE WHEN a.id IS NULL THEN 'its source is new' WHEN b.id IS NULL THEN 'its source is gone' "
            "ELSE 'its source was renamed' END "
            "FROM left_a a FULL JOIN left_b b ON a.sha256 = b.sha256 AND a.n = b.n"
        )
        # Why it is gone: taken down, left by the source stage for a reason, or no longer there.
        contents = [(one["sha256"],) for one in self.b.made_by.get("removed", [])]
        self.sql.execute("CREATE TABLE removed (sha256 VARCHAR)")
        if contents:
            self.sql.executemany("INSERT INTO removed VALUES (?)", contents)
        self.sql.execute(
            "UPDATE sources SET cause = 'its source was removed by `motet remove`' WHERE id IS NULL AND was IN "
            f"(SELECT id FROM {one} WHERE sha256 IN (SELECT sha256 FROM removed))"
        )
        for here, key in ((self.b, "was"), (self.a, "id")):
            if not here.snapshot.stages or not here.snapshot.stages[0].digests:
                continue
            state = here.snapshot.stages[0]
            lines = parquet([here.snapshot.folder / state.verdicts])
            told = "its source was left by " if here is self.b else "its source is no longer left by "
            absent = "id IS NULL" if here is self.b else "was IS NULL"
            self.sql.execute(
                f"UPDATE sources SET cause = {quoted(told + _short(state.name) + ': ')} || v.reason "
                f"FROM (SELECT id, min(reason) AS reason FROM {lines} WHERE status <> 'ok' GROUP BY id) v "
                f"WHERE sources.{key} = v.id AND sources.{absent} AND v.reason <> 'removed'"
            )

    def _verdicts(self) -> None:
        """`lost_a` and `lost_b`: the first stage that did not take an input, and what it said."""
        for name, side in (("lost_a", self.a), ("lost_b", self.b)):
            lines = [
                f"SELECT id, {number} AS step, {quoted(state.name)} AS stage, status, reason, detail "
                f"FROM {parquet([side.snapshot.folder / state.verdicts])} WHERE status <> 'ok'"
                for number, state in enumerate(side.snapshot.stages)
            ]
            self.sql.execute(
                f"CREATE TABLE {name} AS SELECT id, arg_min(stage, step) AS stage, arg_min(status, step) AS status, "
                f"arg_min(reason, step) AS reason, min(step) AS step FROM ({' UNION ALL '.join(lines)}) GROUP BY id"
            )

    # -- a table -----------------------------------------------------------------------------------------------------

    def _table(self, place: int, table: str) -> None:
        state = self.b.writer(table) or self.a.writer(table)
        assert state is not None
        name = quoted(table)
        if table not in self.a.snapshot.tables or table not in self.b.snapshot.tables:
            here, what, told = (
                (self.b, "added", "is not in the recipe of the first")
                if table in self.b.snapshot.tables
                else (self.a, "removed", "is not in the recipe of the second")
            )
            ids = "id, NULL" if what == "added" else "NULL, id"
            cause = quoted(f"{_short(state.name)} {told}")
            self.sql.execute(
                f"INSERT INTO changes SELECT {place}, {name}, '{what}', {ids}, source, path, [], {cause} "
                f"FROM {parquet([here.snapshot.table(table)])}"
            )
            self.found.same[table] = 0
            return
        one, other = self.a.snapshot.table(table), self.b.snapshot.table(table)
        columns, differently = _comparable(state.name, table, one, other)
        self.found.facts += [f"{table} of {said}." for said in differently]
        self._match(one, other, columns)
        ((alike,),) = self.sql.execute("SELECT count(*) FROM matched WHERE same").fetchall()
        self.found.same[table] = alike
        self.sql.execute(
            f"CREATE TABLE fresh AS SELECT {place} AS place, {name} AS tab, 'added' AS what, id, was, source, path, "
            "CAST([] AS VARCHAR[]) AS columns, CAST(NULL AS VARCHAR) AS cause FROM matched WHERE was IS NULL UNION ALL "
            f"SELECT {place}, {name}, 'removed', id, was, source, path, [], NULL FROM matched WHERE id IS NULL"
        )
        self._changed(place, table, one, other, columns)
        self._causes(table, state.name)
        self.sql.execute("INSERT INTO changes SELECT place, tab, what, id, was, source, path, columns, cause FROM fresh")
        self.sql.execute("DROP TABLE fresh; DROP TABLE matched")

    def _match(self, one: Path, other: Path, columns: Sequence[str]) -> None:
        """`matched`: the ids of rows in both, and whether their payloads are the same, by a hash of 64 bits."""
        payload = f"hash(row({', '.join(map(_name, columns))}))" if columns else "CAST(0 AS UBIGINT)"
        self.sql.execute(
            "CREATE TABLE matched AS WITH a AS ("
            "SELECT r.id AS was, coalesce(s.source_id || substr(r.id, length(r.source) + 1), r.id) AS twin, r.path AS path, "
            f"coalesce(s.source_id, r.source) AS source, {payload} AS payload FROM {parquet([one])} r "
            "LEFT JOIN (SELECT was AS source_was, id AS source_id FROM sources WHERE was <> id) s ON r.source = s.source_was"
            f"), b AS (SELECT id, source, path, {payload} AS payload FROM {parquet([other])}) "
            "SELECT b.id AS id, a.was AS was, coalesce(b.source, a.source) AS source, coalesce(b.path, a.path) AS path, "
            "coalesce(a.payload = b.payload AND a.was = b.id AND a.path = b.path, false) AS same "
            "FROM a FULL JOIN b ON a.twin = b.id"
        )

    def _changed(self, place: int, table: str, one: Path, other: Path, columns: Sequence[str]) -> None:
        differing = ", ".join(
            f"CASE WHEN a.{_name(column)} IS DISTINCT FROM b.{_name(column)} THEN {quoted(column)} END" for column in columns
        )
        listed = f"list_filter([{differing}], lambda x: x IS NOT NULL)" if columns else "CAST([] AS VARCHAR[])"
        self.sql.execute(
            f"INSERT INTO fresh SELECT {place}, {quoted(table)}, 'changed', m.id, m.was, m.source, m.path, {listed}, NULL "
            "FROM (SELECT * FROM matched WHERE NOT same AND id IS NOT NULL AND was IS NOT NULL) m "
            f"JOIN {parquet([one])} a ON a.id = m.was JOIN {parquet([other])} b ON b.id = m.id"
        )

    # -- why ---------------------------------------------------------------------------------------------------------

    def _causes(self, table: str, stage: str) -> None:
        """Fill in the causes of `fresh`, from the surest to the last resort: each step leaves alone what has one."""
        self.sql.execute(
            "UPDATE fresh SET cause = s.cause FROM sources s WHERE s.cause <> '' AND fresh.what = 'removed' AND "
            "(s.was = split_part(coalesce(fresh.was, ''), '.', 1) OR s.was = fresh.source)"
        )
        self.sql.execute("UPDATE fresh SET cause = s.cause FROM sources s WHERE s.cause <> '' AND fresh.cause IS NULL "
                         "AND s.id = fresh.source AND (s.cause <> 'its source was renamed' OR "
                         "(fresh.what = 'changed' AND len(fresh.columns) = 0))")  # fmt: skip
        self._lost("removed", "was", "lost_b", "dropped by ")
        self._lost("added", "id", "lost_a", "no longer dropped by ")
        if own := self.own[stage]:
            self.sql.execute("UPDATE fresh SET cause = ? WHERE cause IS NULL", [own])
        self._inherited(stage)
        self.sql.execute(
            "UPDATE fresh SET cause = 'its source was renamed' FROM sources s WHERE fresh.cause IS NULL AND s.id = fresh.source "
            "AND s.cause = 'its source was renamed'"
        )
        whole = _declared(stage)
        if whole is None or whole.kind == "whole":
            ((others,),) = self.sql.execute("SELECT count(*) FROM (SELECT 1 FROM changes LIMIT 1)").fetchall()
            if others:
                said = f"{_short(stage)} looks at all rows, and others came, left or changed"
                self.sql.execute("UPDATE fresh SET cause = ? WHERE cause IS NULL", [said])
        self.sql.execute("UPDATE fresh SET cause = 'nothing recorded tells' WHERE cause IS NULL")

    def _lost(self, what: str, key: str, lost: str, told: str) -> None:
        """The cause is a stage's verdict on the row or what it is of, in the dataset that has not got the row."""
        stages = self.sql.execute(f"SELECT DISTINCT stage FROM {lost}").fetchall()
        self.sql.execute("CREATE OR REPLACE TEMP TABLE whys (stage VARCHAR, short VARCHAR, own VARCHAR)")
        for (name,) in stages:
            own = self.own.get(name, "")
            self.sql.execute("INSERT INTO whys VALUES (?, ?, ?)", [name, _short(name), f" ({own})" if own else ""])
        # An id names what it is of: file, file.take, file.take.clip. Of a renamed source it is looked for under the other name.
        renamed = "was" if key == "id" else "id"
        self.sql.execute(
            "UPDATE fresh SET cause = w.cause FROM ("
            f"SELECT f.{key} AS row_id, arg_min({quoted(told)} || y.short || ': ' || "
            "CASE WHEN l.reason = '' THEN l.status ELSE l.reason END || y.own, l.step) AS cause "
            f"FROM (SELECT {key}, unnest(list_transform(range(1, len(parts) + 1), "
            f"lambda n: array_to_string(parts[1:n], '.'))) AS prefix FROM ("
            f"SELECT r.{key}, string_split(coalesce(s.{renamed} || substr(r.{key}, length(s.{key}) + 1), r.{key}), '.') AS parts "
            f"FROM fresh r LEFT JOIN (SELECT was, id FROM sources WHERE was <> id) s ON s.{key} = split_part(r.{key}, '.', 1) "
            f"WHERE r.what = '{what}' AND r.cause IS NULL)) f "
            f"JOIN {lost} l ON l.id = f.prefix JOIN whys y ON y.stage = l.stage GROUP BY f.{key}"
            f") w WHERE fresh.what = '{what}' AND fresh.{key} = w.row_id"
        )

    def _inherited(self, stage: str) -> None:
        """The cause is that of a row of the same source that the stage reads, in a column that it uses."""
        declared = _declared(stage)
        if declared is not None and declared.kind == "whole":
            return
        if declared is None:
            reads = "true"
        else:
            clauses = []
            for parameter in declared.inputs:
                used = ", ".join(quoted(name) for name in declared.used(parameter))
                touched = f"(c.what <> 'changed' OR list_has_any(c.columns, CAST([{used}] AS VARCHAR[])))"
                clauses.append(f"(c.tab = {quoted(parameter.row_type.table)} AND {touched})")
            reads = " OR ".join(clauses) or "false"
        self.sql.execute(
            "UPDATE fresh SET cause = w.cause FROM ("
            "SELECT c.source, arg_max(c.cause, c.place) AS cause FROM changes c "
            f"WHERE ({reads}) AND c.source IN (SELECT source FROM fresh WHERE cause IS NULL) GROUP BY c.source"
            ") w WHERE fresh.cause IS NULL AND fresh.source = w.source"
        )

    def _sum(self, examples: int) -> None:
        found = self.found
        counted = self.sql.execute("SELECT tab, what, count(*) FROM changes GROUP BY ALL").fetchall()
        for table in found.same:
            counts: Counter[str] = Counter({what: n for name, what, n in counted if name == table})
            found.counts[table] = {what: counts[what] for what in ("added", "removed", "changed")}
        columns = "CASE WHEN len(columns) > 0 THEN ': ' || array_to_string(columns, ', ') ELSE '' END"
        shown = f"path || ' (' || coalesce(id, was) || ')' || {columns}"
        sql = (
            f"SELECT tab, what, cause, count(*), min({shown}, {max(1, examples)}) FROM changes GROUP BY place, tab, what, cause "
            "ORDER BY place, what, 4 DESC, cause"
        )
        rows = self.sql.execute(sql).fetchall()
        found.sums = [Sum(table, what, cause, n, named[:examples]) for table, what, cause, n, named in rows]


# -- what the recipes tell ---------------------------------------------------------------------------------------------


def _facts(a: _Side, b: _Side, own: Mapping[str, str]) -> Iterator[str]:
    if a.made_by.get("recipe") != b.made_by.get("recipe"):
        yield f"The recipe was {a.made_by.get('recipe')} and is {b.made_by.get('recipe')}."
    if a.made_by.get("motet") != b.made_by.get("motet"):
        yield f"Built by motet {a.made_by.get('motet')}, then by {b.made_by.get('motet')}."
    if a.made_by.get("seed", 0) != b.made_by.get("seed", 0):
        yield f"The seed was {a.made_by.get('seed', 0)} and is {b.made_by.get('seed', 0)}."
    before, after = (list(side.made_by.get("sources", [])) for side in (a, b))
    yield from (f"{source} is no longer among the sources." for source in before if source not in after)
    yield from (f"{source} is new among the sources." for source in after if source not in before)
    known = {one["sha256"] for one in a.made_by.get("removed", [])}
    if gone := {one["sha256"] for one in b.made_by.get("removed", [])} - known:
        yield f"{len(gone)} sources were removed by `motet remove`."
    yield from (f"{text}." for text in own.values() if text)


def _own_difference(stage: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What of a stage itself differs and shapes its output, in words; "" where nothing does, or one has no such stage."""
    before, after = one.get("stages", {}).get(stage), other.get("stages", {}).get(stage)
    if before is None or after is None:
        return ""
    declared, short = _declared(stage), _short(stage)
    ignored = {"timeout", *(declared.settings_type.no_effect if declared else ())}
    told = []
    for name in sorted({*before, *after} - ignored):
        then, now = before.get(name, "unset"), after.get(name, "unset")
        if then != now:
            told.append(f"{short} was version {then} and is {now}" if name == "version" else f"{short}.{name} {then!r} → {now!r}")
    then, now = (recipe.get("contents", {}).get(stage) or {} for recipe in (one, other))
    told += [f"{name} of {short} has other content" for name in sorted({*then, *now}) if then.get(name) != now.get(name)]
    libraries = [recipe.get("libraries", {}) for recipe in (one, other)]
    for name in sorted(declared.libraries if declared else ()):
        then, now = (versions.get(name, "") for versions in libraries)
        if then != now:
            told.append(f"{name} {then or 'absent'} → {now or 'absent'} in {short}")
    if declared and declared.draws and one.get("seed", 0) != other.get("seed", 0):
        told.append(f"another seed ({one.get('seed', 0)} → {other.get('seed', 0)})")
    return "; ".join(told)


def _declared(stage: str) -> Any:
    """The stage of this name as this machine has it; None where it is of a package that is not here."""
    from motet.recipe import find_stage

    try:
        return find_stage(stage)
    except (UserError, ImportError):
        return None


def _comparable(stage: str, table: str, one: Path, other: Path) -> tuple[list[str], list[str]]:
    """The columns to compare: those both have, places of files aside; and a remark on each that only one has."""
    before, after = pq.read_schema(one), pq.read_schema(other)
    declared = _declared(stage)
    hidden: set[str] = {*IDENTITY, *(_TO_FILES if table == "files" else ())}
    if declared and declared.writes is not None and declared.writes.table == table:
        hidden |= locators(declared.writes)
    both = [name for name in after.names if name in before.names and name not in hidden]
    kept = [name for name in both if before.field(name).type == after.field(name).type]
    remarks = [f"the second has a column {name} that the first has not" for name in after.names if name not in before.names]
    remarks += [f"the first has a column {name} that the second has not" for name in before.names if name not in after.names]
    remarks += [f"both has a column {name} of two types, and it is not compared" for name in both if name not in kept]
    return kept, remarks


def _short(stage: str) -> str:
    """A plug-in's stage by its function's name."""
    return stage.rpartition(":")[2]


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
