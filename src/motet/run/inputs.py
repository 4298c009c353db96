"""From live tables to the inputs of a stage: rows, groups and joins, streamed in order of id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from motet.dataset.tables import stream
from motet.run.stage import Input, Missing, Stage


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


def units(stage: Stage, live: dict[str, Live]) -> Iterator[Unit]:
    """Every input of a row or group stage, sorted by id."""
    joins = [(p, _BySource(live[name].file) if (name := p.row_type.table) in live else None) for p in stage.inputs[1:]]
    mains = _groups(stage.main, live) if stage.kind == "group" else _singles(stage.main, live, stage.takes)
    for unit in mains:
        lacks = unit.lacks
        for parameter, table in joins:
            found = table.at(unit.source) if table else []
            if parameter.many:
                unit.rows[parameter.name] = found
            elif found:
                unit.rows[parameter.name] = found[0]
            else:
                unit.rows[parameter.name] = None
                lacks = lacks or ("" if parameter.optional else parameter.row_type.table)
        yield Unit(unit.id, unit.source, unit.path, unit.lineage, unit.rows, unit.missing, lacks)


def _singles(main: Input, live: dict[str, Live], takes: str) -> Iterator[Unit]:
    for row in stream(live[main.row_type.table].file):
        if takes and row.get("kind", takes) != takes:
            continue
        yield Unit(row["id"], row["source"], row["path"], row["lineage"], {main.name: row})


def _groups(main: Input, live: dict[str, Live]) -> Iterator[Unit]:
    """All rows of a source, with those that should be there and are not."""
    table = live[main.row_type.table]
    present = _BySource(table.file)
    lost = [_BySource(file, ("dropped", "failed", "crashed", "timed_out", "unanswered")) for file, _ in table.verdicts]
    for source in _merged([present, *lost]):
        rows = present.at(source)
        gone = [verdict for lines in lost for verdict in lines.at(source)]
        first = (rows or gone)[0]
        missing = [Missing(_index(v["id"]), v["status"], v["reason"]) for v in sorted(gone, key=itemgetter("id"))]
        lineage = first["lineage"].split(".")[0]
        lacks = "" if rows else table_name(main)
        yield Unit(source, source, first["path"], lineage, {main.name: rows}, missing, lacks)


def table_name(parameter: Input) -> str:
    return parameter.row_type.table


def _index(row_id: str) -> int:
    tail = row_id.rpartition(".")[2]
    return int(tail[1:]) if tail[1:].isdigit() else -1


class _BySource:
    """A cursor over a file sorted by id (hence by source): hands out each source's rows once, going forward."""

    def __init__(self, file: Path, statuses: tuple[str, ...] | None = None) -> None:
        rows = stream(file)
        if statuses is not None:
            rows = (r for r in rows if r["status"] in statuses)
        self._groups = groupby(rows, key=itemgetter("source"))
        self.source: str | None = None
        self._rows: list[dict[str, Any]] = []
        self.advance()

    def advance(self) -> None:
        following = next(self._groups, None)
        if following is None:
            self.source, self._rows = None, []
        else:
            self.source, self._rows = following[0], list(following[1])

    def at(self, source: str) -> list[dict[str, Any]]:
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
