"""What a forecast is drawn from: all that the walk finds, in strata by size, and the files drawn of each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from motet.dataset.media import Media
from motet.dataset.query import connect, parquet, quoted
from motet.dataset.rows import Row
from motet.dataset.snapshot import Snapshot
from motet.dataset.tables import schema, write_table
from motet.recipe import Step, find_stage
from motet.run import keys
from motet.run.build import named
from motet.run.stage import Stage, Tools, Verdict
from motet.run.worker import cache

WHOLLY = (".csv", ".json", ".tsv")  # indexes: what the other files mean stands in them, as in lists


@dataclass(frozen=True)
class Stratum:
    """Contents of one kind and of about one size: how many there are, in how many files, and which were drawn (source ids)."""

    contents: int
    files: int
    drawn: tuple[str, ...]
    copies: tuple[int, ...] = ()  # how many files each drawn content has


@dataclass
class Found:
    """What the walk found."""

    files: int = 0
    fresh: int = 0
    gone: int = 0
    left: int = 0


def walked(
    step: Step,
    sources: Sequence[str],
    to: Path,
    folder: Path,
    made_by: Mapping[str, Any],
    seed: int,
) -> Found:
    """Every source as a real run would find it, in found.parquet. What the real dataset remembers need not be read again."""
    from motet.stages.gather import LISTS, Gather

    stage = step.stage
    assert stage.writes is not None
    memory = cache(folder, stage.name)
    for old in (to / "cache" / stage.name).glob("*.sqlite"):
        shutil.copyfile(old, memory / old.name)
    called = [(name, Path(path)) for name, path in map(named, sources)]
    if isinstance(step.settings, Gather):  # where addresses lead is not known before they are asked
        called = [(name, path) for name, path in called if path.suffix.lower() not in LISTS]
    tools = Tools(keys.dice(stage.name, "", seed), Media(folder), memory, named=tuple(called))
    arguments = {"sources": [path for _, path in called], "settings": step.settings, "tools": tools}
    removed = {one["sha256"] for one in made_by.get("removed", [])}
    found, shape = Found(), schema(stage.writes)

    def rows() -> Iterator[pa.RecordBatch]:
        held: list[dict[str, Any]] = []
        for verdict in stage.function(**arguments):
            if verdict.drop or not verdict.rows or getattr(verdict.rows[0], "sha256", None) in removed:
                found.left += folder.name not in verdict.path
                continue
            found.files += 1
            held.append({name: getattr(verdict.rows[0], name) for name in shape.names})
            if len(held) >= 4096:
                yield pa.RecordBatch.from_pylist(held, schema=shape)
                held = []
        yield pa.RecordBatch.from_pylist(held, schema=shape)

    write_table(folder / "found.parquet", shape, rows())
    return found


class Frame:
    """All that was found, in strata by size from which files are drawn: more of the large, which cost more."""

    def __init__(self, folder: Path, step: Step, snapshot: Snapshot | None, files: int, seed: int) -> None:
        stage = step.stage
        assert stage.writes is not None
        self._row_type = stage.writes
        self._found = folder / "found.parquet"
        self._db = connect(folder)
        there = parquet([self._found])
        columns = set(schema(stage.writes).names)
        content = "sha256" if "sha256" in columns else "id"
        octets = "size" if "size" in columns else "1"
        kind = "kind" if "kind" in columns else "''"
        ends = " OR ".join([f"{kind} = 'list'", *(f"lower(path) LIKE {quoted('%' + suffix)}" for suffix in WHOLLY)])
        known = "(SELECT '' AS content WHERE false)"
        scanned = snapshot.stage(step.name) if snapshot else None
        if snapshot and scanned:
            file = snapshot.folder / scanned.outputs[stage.writes.table]
            known = f"(SELECT DISTINCT {content} AS content FROM {parquet([file])})"
        self.fresh = self._one(f"SELECT count(*) FROM {there} f ANTI JOIN {known} k ON f.{content} = k.content")
        self.gone = self._one(f"SELECT count(*) FROM {known} k ANTI JOIN {there} f ON f.{content} = k.content")
        self._strata = max(1, round((1.25 * files) ** 0.5))  # 5 strata of 4 for 20 files
        self._db.execute(
            "CREATE TABLE drawn AS "
            f"WITH contents AS (SELECT {content} AS content, min(id) AS id, any_value({octets}) AS size, count(*) AS copies, "
            f"  concat({kind}, CASE WHEN {ends} THEN '!' ELSE '' END) AS kind, bool_or(k.content IS NOT NULL) AS known "
            f"  FROM {there} f LEFT JOIN {known} k ON f.{content} = k.content GROUP BY {content}, 5), "
            # Half of the weight is equal, half is by size.
            "weighed AS (SELECT *, count(*) OVER d AS n, 1.0 / count(*) OVER d + (size + 1.0) / sum(size + 1.0) OVER d AS weight "
            "  FROM contents WINDOW d AS (PARTITION BY kind, known)), "
            "placed AS (SELECT *, (sum(weight) OVER (PARTITION BY kind, known ORDER BY size, content) - weight / 2) / 2 AS place "
            "  FROM weighed), "
            f"cut AS (SELECT *, CASE WHEN n <= {files} OR kind LIKE '%!' THEN 0 "
            f"  ELSE least({self._strata - 1}, floor(place * {self._strata})) END AS stratum FROM placed), "
            "turns AS (SELECT id, kind, known, stratum, copies, count(*) OVER s AS contents, sum(copies) OVER s AS files, n, "
            f"  row_number() OVER (PARTITION BY kind, known, stratum ORDER BY md5(concat(content, '{seed}'))) AS turn "
            "  FROM cut WINDOW s AS (PARTITION BY kind, known, stratum)) "
            # Stratum after stratum in turn, the largest first, until there are as many as are wanted.
            "FROM turns QUALIFY kind LIKE '%!' "
            f"  OR row_number() OVER (PARTITION BY kind, known ORDER BY turn, stratum DESC) <= {files}"
        )
        self._db.execute(f"UPDATE drawn SET turn = 1 + (turn - 1) // {self._strata} WHERE n <= {files} AND kind NOT LIKE '%!'")
        self._db.execute("UPDATE drawn SET turn = 1 WHERE kind LIKE '%!'")

    def _one(self, sql: str) -> int:
        ((number,),) = self._db.sql(sql).fetchall()
        return int(number)

    def depths(self) -> list[int]:
        """How many are drawn of each stratum, round by round."""
        last = self._one("SELECT coalesce(max(turn), 0) FROM drawn")
        return [*(1 << n for n in range(10) if 1 << n < last), last]

    def drawn(self, depth: int) -> list[str]:
        return [row_id for (row_id,) in self._db.sql(f"SELECT id FROM drawn WHERE turn <= {depth} ORDER BY id").fetchall()]

    def strata(self, depth: int) -> list[Stratum]:
        sql = (
            "SELECT contents, files, list(id ORDER BY turn, id), list(copies ORDER BY turn, id) "
            f"FROM drawn WHERE turn <= {depth} "
            "GROUP BY kind, known, stratum, contents, files ORDER BY kind, known, stratum"
        )
        return [Stratum(n, int(files), tuple(ids), tuple(copies)) for n, files, ids, copies in self._db.sql(sql).fetchall()]

    def rows(self, ids: Sequence[str]) -> tuple[Row, ...]:
        listed = ", ".join(map(quoted, ids))
        table = self._db.sql(f"SELECT * FROM {parquet([self._found])} WHERE id IN ({listed}) ORDER BY id").to_arrow_table()
        return tuple(self._row_type(**row) for row in table.to_pylist())


@dataclass(frozen=True)
class Drawn(Step):
    """The first step of a recipe, which finds the sample and nothing else."""

    rows: tuple[Row, ...] = ()

    @property
    def stage(self) -> Stage:
        def function(**_: Any) -> Iterator[Verdict[Any]]:
            for row in self.rows:
                yield Verdict(row.id, None, (row,), row.path)

        return replace(find_stage(self.name), function=function)
