"""From live tables to the inputs of a stage: rows, groups and joins, source by source, in order of id."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from motet.dataset.ledger import STATUSES
from motet.dataset.rows import IDENTITY, locators
from motet.dataset.tables import BATCH, column_names, stream
from motet.run import keys
from motet.run.stage import Missing, Settings, Stage

LOST = tuple(status for status in STATUSES if status != "ok")
LINE = [*IDENTITY, "status", "reason"]  # the columns of a verdict that its group is told

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Live:
    """A live table at some point of the recipe: its file, and the verdicts of the stages that shaped it."""

    file: Path
    digest: str
    verdicts: tuple[tuple[Path, str], ...] = ()  # (file, digest), of the writer and of every filter since


@dataclass(frozen=True)
class Unit:
    """One input of a stage. `rows` holds, per parameter, a row, a list of rows, or None."""

    id: str
    source: str
    path: str
    lineage: str
    rows: dict[str, Any]
    missing: list[Missing] = field(default_factory=list)
    lacks: str = ""  # the table that should have had a row for it


def units(stage: Stage, live: Mapping[str, Live], whole_rows: bool = False) -> Iterator[Unit]:
    """Every input of a row or group stage, sorted by id. Rows have what the stage may look at, or all with `whole_rows`."""
    main = live[stage.main.row_type.table]
    joined = dict.fromkeys(p.row_type.table for p in stage.inputs[1:] if p.row_type.table in live)
    joins = {name: _BySource(live[name].file, None if whole_rows else _shown(stage, name, live[name].file)) for name in joined}
    own = None if whole_rows else _shown(stage, stage.main.row_type.table, main.file)
    if stage.kind != "group":
        for source, rows in groupby(stream(main.file, own), key=itemgetter("source")):
            tables = {name: cursor.at(source) for name, cursor in joins.items()}
            yield from units_of(stage, source, rows, tables)
        return
    present = _BySource(main.file, own)
    lost = [_BySource(file, LINE, LOST) for file, _ in main.verdicts]
    for source in _merged([present, *lost]):
        gone = [line for cursor in lost for line in cursor.at(source)]
        tables = {name: cursor.at(source) for name, cursor in joins.items()}
        yield from units_of(stage, source, present.at(source), tables, gone)


def units_of(
    stage: Stage, source: str, rows: Iterable[dict[str, Any]], tables: Mapping[str, Rows], gone: Sequence[dict[str, Any]] = ()
) -> Iterator[Unit]:
    """A stage's inputs of one source, given its rows of the table read, those of the tables joined, and the verdicts of rows
    of it that are lost (which only a group is told)."""
    joined: dict[str, Any] = {}
    lacks = ""
    for parameter in stage.inputs[1:]:
        found = tables.get(parameter.row_type.table, [])
        joined[parameter.name] = found if parameter.many else found[0] if found else None
        if not (found or parameter.optional or lacks):
            lacks = parameter.row_type.table
    name = stage.main.name
    if stage.kind == "group":
        members = list(rows)
        if not members and not gone:
            return
        first = (members or gone)[0]
        missing = [Missing(_index(v["id"]), v["status"], v["reason"]) for v in sorted(gone, key=itemgetter("id"))]
        lacks = lacks if members else stage.main.row_type.table
        lineage = first["lineage"].split(".")[0]
        yield Unit(source, source, first["path"], lineage, {name: members, **joined}, missing, lacks)
        return
    for row in rows:
        if not stage.takes or row.get("kind", stage.takes) == stage.takes:
            yield Unit(row["id"], row["source"], row["path"], row["lineage"], {name: row, **joined}, [], lacks)


def keying(stage: Stage, settings: Settings, salt: str) -> Callable[[Unit], str]:
    """What makes the keys of a stage's inputs."""
    used = [(p.name, stage.used(p)) for p in stage.inputs]
    draws = stage.draws_with(settings)

    def key(unit: Unit) -> str:
        values = {name: _picked(unit.rows[name], fields) for name, fields in used}
        if stage.kind == "group":
            values["missing"] = [asdict(m) for m in unit.missing]
        return keys.key(salt, values, unit.lineage if draws else None)

    return key


def rows_of(file: Path, sources: Collection[str], statuses: tuple[str, ...] | None = None) -> dict[str, Rows]:
    """A file's rows of some sources, by source; of verdicts those with one of the `statuses`."""
    found: dict[str, Rows] = {}
    wanted = pa.array(sorted(sources), pa.string())
    with pq.ParquetFile(file) as parquet:
        groups = [
            n for n in range(parquet.num_row_groups) if _may_hold(parquet.metadata.row_group(n), min(sources), max(sources))
        ]
        for batch in parquet.iter_batches(BATCH, row_groups=groups):
            kept = batch.filter(pc.is_in(batch.column("source"), value_set=wanted))
            for row in kept.to_pylist():
                if statuses is None or row["status"] in statuses:
                    found.setdefault(row["source"], []).append(row)
    return found


def _may_hold(group: Any, first: str, last: str) -> bool:
    """Whether a row group has sources from `first` to `last`, as far as its statistics tell."""
    for number in range(group.num_columns):
        told = group.column(number)
        if told.path_in_schema == "source" and told.is_stats_set and told.statistics.has_min_max:
            return bool(told.statistics.min <= last and told.statistics.max >= first)
    return True


def _shown(stage: Stage, table: str, file: Path) -> list[str]:
    """The columns of a table that a stage may look at, and those that say whose a row is."""
    names = {*IDENTITY}
    for parameter in stage.inputs:
        if parameter.row_type.table == table:
            names |= {*stage.used(parameter), *locators(parameter.row_type)}
    if stage.takes and table == stage.main.row_type.table:
        names.add("kind")
    return [name for name in column_names(file) if name in names]


def _picked(value: Any, names: Sequence[str]) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        return [[row[name] for name in names] for row in value]
    return [value[name] for name in names]


def _index(row_id: str) -> int:
    tail = row_id.rpartition(".")[2]
    return int(tail[1:]) if tail[1:].isdigit() else -1


class _BySource:
    """A cursor over a file sorted by id (hence by source): hands out each source's rows once, going forward."""

    def __init__(self, file: Path, columns: list[str] | None, statuses: tuple[str, ...] | None = None) -> None:
        rows = stream(file, columns)
        if statuses is not None:
            rows = (r for r in rows if r["status"] in statuses)
        self._groups = groupby(rows, key=itemgetter("source"))
        self.source: str | None = None
        self._rows: Rows = []
        self.advance()

    def advance(self) -> None:
        following = next(self._groups, None)
        if following is None:
            self.source, self._rows = None, []
        else:
            self.source, self._rows = following[0], list(following[1])

    def at(self, source: str) -> Rows:
        while self.source is not None and self.source < source:
            self.advance()
        return self._rows if self.source == source else []


def _merged(cursors: list[_BySource]) -> Iterator[str]:
    """Every source any cursor stands on, ascending. `at` is called by the consumer between two values."""
    while True:
        ahead = [c.source for c in cursors if c.source is not None]
        if not ahead:
            return
        source = min(ahead)
        yield source
        for cursor in cursors:
            if cursor.source is not None and cursor.source <= source:
                cursor.advance()
