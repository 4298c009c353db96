"""Whether a snapshot, live or tagged, is what was published, and whether what it shows holds together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from motet.dataset.keeping.faults import Fault, Tally, absent, fault, hashed
from motet.dataset.ledger import STATUSES
from motet.dataset.query import parquet, quoted
from motet.dataset.snapshot import Snapshot, StageState
from motet.dataset.versions import RECIPE
from motet.errors import UserError

if TYPE_CHECKING:
    from motet.recipe import Recipe

SHOWN = 20  # rows told of one fault
LINEAGE = 16  # characters of a SHA-256 that a lineage begins with
_BOTH = "id = source AND lineage = id"  # a row that stands for itself, and came of no file: a judgement


class Seen:
    """What was hashed already: tags share files with each other and with the live snapshot."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self._digests: dict[tuple[int, int], str] = {}

    def digest(self, path: Path) -> str:
        """The SHA-256 of a file, "" when it cannot be read."""
        try:
            state = path.stat()
        except OSError:
            return ""
        inode = (state.st_dev, state.st_ino)
        if inode not in self._digests:
            read = hashed(path)
            self.tally.read(read.size)
            self._digests[inode] = read.sha256
        return self._digests[inode]


def expected(snapshot: Snapshot) -> dict[str, str]:
    """Every file of a snapshot, and its SHA-256. Raises UserError when the snapshot does not fit together."""
    try:
        files = {name: digest for state in snapshot.stages for name, digest in state.digests.items()}
        for state in snapshot.stages:
            files[state.verdicts], _ = state.digests[state.verdicts], state.counts.items()
            if state.verdicts != f"work/{state.name.replace(':', '.')}.parquet" or not isinstance(state.fingerprint, str):
                raise ValueError("a stage is not what its files are called")
            # A table's own file is its last stage's output again.
            files |= {f"{table}.parquet": state.digests[name] for table, name in state.outputs.items()}
        made = {table for state in snapshot.stages for table in state.outputs}
        names_hold = all(isinstance(n, str) and not n.startswith("/") and ".." not in Path(n).parts for n in files)
        if not names_hold or made != set(snapshot.tables) or not all(isinstance(d, str) for d in files.values()):
            raise ValueError("it names other tables than it holds")
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        sentence = f"{snapshot.folder / 'snapshot.json'} is damaged: restore it, or build into another folder."
        raise UserError(sentence, exit_code=1) from error
    return files


def check_files(snapshot: Snapshot, called: str, seen: Seen, mended: str) -> Iterator[Fault]:
    """Files that are gone, or other than was published. Raises UserError when the snapshot does not fit together."""
    for name, digest in sorted(expected(snapshot).items()):
        path = snapshot.folder / name
        where = f"{called}/{name}"
        if not path.is_file():
            yield fault("missing_part", where, f"the snapshot names it, and {absent(path)}", mended)
        elif seen.digest(path) != digest:
            yield fault("damaged_table", where, "its bytes are not those that were published", mended)


def check_rows(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, called: str, mended: str) -> Iterator[Fault]:
    """What the tables of a whole snapshot say of each other."""
    for table, rows in sorted(snapshot.tables.items()):
        file = snapshot.table(table)
        where = f"{called}/{table}.parquet"
        if (there := pq.read_metadata(file).num_rows) != rows:
            yield fault("count", where, f"it has {there:,} rows, and the snapshot says {rows!r}", mended)
        yield from _ids(connection, file, where, mended)
    for state in snapshot.stages:
        yield from _verdicts(connection, snapshot, state, f"{called}/{state.verdicts}", mended)
    if "files" in snapshot.tables:
        yield from _sources(connection, snapshot)
    if "splits" in snapshot.tables:
        yield from _leaks(connection, snapshot, called)


def _ids(connection: duckdb.DuckDBPyConnection, file: Path, where: str, mended: str) -> Iterator[Fault]:
    before, twice, unsorted = None, 0, 0
    with pq.ParquetFile(file) as table:
        if "id" not in table.schema_arrow.names:
            yield fault("double_id", where, "its rows have no ids", mended)
            return
        for batch in table.iter_batches(columns=["id"]):
            for row_id in batch.column(0).to_pylist():
                if before is not None and row_id is not None:
                    twice += row_id == before
                    unsorted += row_id < before
                before = row_id
    if unsorted:
        yield fault("order", where, f"it is not sorted by id ({unsorted:,} places)", mended)
        sql = f"SELECT count(*) FROM (SELECT id FROM {parquet([file])} GROUP BY id HAVING count(*) > 1)"
        ((twice,),) = connection.sql(sql).fetchall()
    if twice:
        yield fault("double_id", where, f"{twice:,} ids stand there more than once", mended)


def _verdicts(
    connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, state: StageState, where: str, mended: str
) -> Iterator[Fault]:
    verdicts = parquet([snapshot.folder / state.verdicts])
    counted = connection.sql(f"SELECT status, count(*) FROM {verdicts} GROUP BY 1").fetchall()
    if dict(counted) != dict(state.counts):
        yield fault("count", where, "it does not hold as many outcomes as the snapshot says", mended)
    if all(pq.read_metadata(snapshot.folder / name).num_rows != state.rows_out for name in state.outputs.values()):
        yield fault("count", where, "its stage did not give as many rows as the snapshot says", mended)
    if odd := {status for status, _ in counted} - set(STATUSES):
        yield fault("verdict", where, f"an outcome is {min(map(str, odd))}, which is none", mended)


def _sources(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> Iterator[Fault]:
    files = parquet([snapshot.table("files")])
    known = set(pq.read_schema(snapshot.table("files")).names)
    if "sha256" in known:
        sql = f"SELECT id FROM {files} WHERE lineage <> left(sha256, {LINEAGE}) LIMIT {SHOWN}"
        for (row_id,) in connection.sql(sql).fetchall():
            yield fault("lineage", f"files:{row_id}", "its lineage does not begin with its content")
    for table in snapshot.tables:
        rows = parquet([snapshot.table(table)])
        sql = f"SELECT id FROM {rows} WHERE NOT ({_BOTH}) AND source NOT IN (SELECT id FROM {files}) LIMIT {SHOWN}"
        for (row_id,) in connection.sql(sql).fetchall():
            yield fault("dangling", f"{table}:{row_id}", "its source is not among the live files")
        sql = (
            f"SELECT r.id FROM {rows} r JOIN (SELECT id AS file, lineage AS content FROM {files}) f ON r.source = f.file "
            f"WHERE split_part(r.lineage, '.', 1) <> f.content LIMIT {SHOWN}"
        )
        for (row_id,) in connection.sql(sql).fetchall():
            yield fault("lineage", f"{table}:{row_id}", "its lineage does not begin with its source's content")


def _leaks(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, called: str) -> Iterator[Fault]:
    if not {"split", "groups"} <= set(pq.read_schema(snapshot.table("splits")).names):
        return
    splits = f"(SELECT source, split, groups FROM {parquet([snapshot.table('splits')])} WHERE split <> '')"
    shared = f"SELECT g, list(DISTINCT split ORDER BY split) FROM (SELECT split, unnest(groups) AS g FROM {splits})"
    found = connection.sql(f"{shared} GROUP BY g HAVING count(DISTINCT split) > 1 ORDER BY g LIMIT {SHOWN}").fetchall()
    for table in ("duplicates", "twins"):
        if table in snapshot.tables:
            pairs = parquet([snapshot.table(table)])
            sql = (
                f"SELECT 'family ' || p.family, list(DISTINCT s.split ORDER BY s.split) FROM "
                f"(SELECT DISTINCT family, unnest([source, other, family]) AS source FROM {pairs}) p "
                f"JOIN {splits} s USING (source) GROUP BY p.family HAVING count(DISTINCT s.split) > 1 ORDER BY 1 LIMIT {SHOWN}"
            )
            found += [one for one in connection.sql(sql).fetchall() if one not in found]
    for group, names in found:
        yield fault("leak", f"{called}/splits.parquet", f"{group} is in {' and '.join(names)}")


# -- every input has one verdict ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Live:
    """A table as it stands after some stages: its file, and the verdicts of the stages that shaped it."""

    file: Path
    verdicts: tuple[Path, ...]


def check_inputs(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, called: str, mended: str) -> Iterator[Fault]:
    """Inputs without a verdict, and verdicts without an input, as the recipe that is kept with the snapshot has them.

    Where this Motet knows a stage no more, or in another version, its inputs cannot be told.
    """
    recipe, recorded = _recipe(snapshot.folder / RECIPE)
    steps = {step.name: step for step in recipe.steps} if recipe else {}
    live: dict[str, _Live] = {}
    for state in snapshot.stages:
        step = steps.get(state.name)
        verdicts = snapshot.folder / state.verdicts
        where = f"{called}/{state.verdicts}"
        wrote = ""
        if step is not None:
            stage = step.stage
            wrote = stage.writes.table if stage.writes else ""
            if recorded.get(state.name) == stage.version and (stage.kind == "source" or stage.main.row_type.table in live):
                yield from _one_each(connection, _inputs(stage, live, snapshot, state), verdicts, where, stage.kind, mended)
        for table, name in state.outputs.items():
            before = live[table].verdicts if table in live and table != wrote else ()
            live[table] = _Live(snapshot.folder / name, (*before, verdicts))


def _inputs(stage: object, live: dict[str, _Live], snapshot: Snapshot, state: StageState) -> str:
    """SQL of the ids that a stage has to say something of."""
    from motet.run.stage import Stage

    assert isinstance(stage, Stage)
    if stage.kind == "source":
        outputs = [snapshot.folder / name for name in state.outputs.values()]
        return " UNION ".join(f"SELECT id FROM {parquet([one])}" for one in outputs)
    main = live[stage.main.row_type.table]
    if stage.kind != "group":
        kinds = f" WHERE kind = {quoted(stage.takes)}" if stage.takes and "kind" in pq.read_schema(main.file).names else ""
        return f"SELECT id FROM {parquet([main.file])}{kinds if stage.kind == 'row' else ''}"
    lost = "".join(f" UNION SELECT source FROM {parquet([one])} WHERE status <> 'ok'" for one in main.verdicts)
    return f"SELECT DISTINCT source AS id FROM {parquet([main.file])}{lost}"


def _one_each(
    connection: duckdb.DuckDBPyConnection, inputs: str, verdicts: Path, where: str, kind: str, mended: str
) -> Iterator[Fault]:
    said = parquet([verdicts])
    questions = {
        "inputs have no verdict": f"SELECT id FROM ({inputs}) i ANTI JOIN {said} v USING (id)",
        "inputs have more than one verdict": f"SELECT id FROM {said} GROUP BY id HAVING count(*) > 1",
        "verdicts are of no input": f"SELECT id FROM {said} v ANTI JOIN ({inputs}) i USING (id)",
    }
    if kind == "source":  # what it passed over is no row, and may be called alike
        questions = {"inputs have no verdict": f"SELECT id FROM ({inputs}) i ANTI JOIN {said} v USING (id)"}
    for sentence, sql in questions.items():
        number, example = connection.sql(f"SELECT count(*), min(id) FROM ({sql})").fetchall()[0]
        if number:
            yield fault("verdict", where, f"{number:,} {sentence}, such as {example}", mended)


def _recipe(path: Path) -> tuple[Recipe | None, dict[str, object]]:
    """The recipe a snapshot was made by, and the version each stage had; (None, {}) where it cannot be told."""
    from motet.recipe import parse

    try:
        stored = yaml.safe_load(path.read_text(encoding="utf-8"))
        stages = stored["stages"]
        steps = [{name: {k: v for k, v in settings.items() if k != "version"}} for name, settings in stages.items()]
        return parse({"name": stored["recipe"], "stages": steps}, str(path)), {n: s.get("version") for n, s in stages.items()}
    except (UserError, OSError, ValueError, LookupError, TypeError, AttributeError, ImportError, yaml.YAMLError):
        return None, {}


def readable(error: Exception) -> str:
    """The first line of what DuckDB or Arrow says."""
    return (str(error).splitlines() or [type(error).__name__])[0]


UNREADABLE = (pa.ArrowException, duckdb.Error, OSError)
