"""A dataset on disk, for reading."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from motet.dataset.judged import NAME as JUDGED
from motet.dataset.judged import standing
from motet.dataset.media import Media
from motet.dataset.query import connect, damaged, parquet, quoted
from motet.dataset.snapshot import Snapshot, finished, numbered, read
from motet.dataset.versions import RECIPE, split, tagged
from motet.errors import UserError

FORMAT = 2
RECIPE_FILE = "motet.yaml"
LINKS = ("duplicates", "twins")  # tables whose rows are of two sources, `source` and `other`


class Dataset:
    """An existing dataset folder; raises UserError when `folder` is none or is of a newer format.

    Everything here reads the live snapshot as it stands at the moment of the call, or that of a tag: `Dataset("tunes@v1")`
    is the dataset `tunes` as it was when it was tagged `v1` (unless there is a folder of that very name).
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder, self.tag = split(folder)
        self.made_by = read_recipe_file(self.folder)
        if self.tag:
            self.made_by = recipe_of(tagged(self.folder, self.tag) / RECIPE)
        self.media = Media(self.folder)

    def renewed(self) -> Dataset:
        """The same dataset as its recipe file is now. Raises UserError."""
        return Dataset(self.name)

    @property
    def name(self) -> str:
        """What a person calls it: its folder, with the tag if it is one's."""
        return f"{self.folder}@{self.tag}" if self.tag else str(self.folder)

    @property
    def snapshot(self) -> Snapshot:
        if self.tag:
            return read(tagged(self.folder, self.tag))
        return finished(self.folder)

    def tables(self) -> dict[str, int]:
        """Live tables and their rows."""
        return dict(self.snapshot.tables)

    def table(self, name: str) -> pa.Table:
        """All live rows of a table, sorted by id."""
        snapshot = self.snapshot
        if name not in snapshot.tables:
            known = ", ".join(snapshot.tables) or "none"
            raise UserError(f"{self.name} has no table {name!r}; its tables are: {known}.")
        return pq.read_table(snapshot.table(name))

    def query(self, sql: str, scratch: Path | None = None, memory: str = "128MB") -> duckdb.DuckDBPyRelation:
        """Run SQL over the live tables (by name), `work` (what became of every input of every stage), and `judged` (what people
        say of its rows now, built in or not).

        What does not fit into `memory` goes to the folder `scratch`, where one is given.
        """
        snapshot = self.snapshot
        connection = connect(scratch, memory)
        connection.execute("SET python_enable_replacements=false")  # a name means a table, never a variable of ours
        verdicts = [
            f"SELECT {quoted(stage.name)} AS stage, * FROM {parquet([snapshot.folder / stage.verdicts])}"
            for stage in snapshot.stages
        ]
        try:
            for name in snapshot.tables:
                connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {parquet([snapshot.table(name)])}")
            connection.execute("CREATE VIEW work AS " + " UNION ALL ".join(verdicts))
            if any(s.type != duckdb.StatementType.SELECT for s in duckdb.extract_statements(sql)):
                raise UserError("A query only reads: begin it with SELECT, FROM or DESCRIBE.")
            unjudged = self._show_judged(connection, snapshot) if JUDGED in sql.casefold() else None
            try:
                return connection.sql(sql)
            except duckdb.CatalogException as error:
                if unjudged and f"name {JUDGED} " in str(error).casefold():  # it was asked for, not a column of that name
                    raise unjudged from None
                raise
        except duckdb.Error as error:
            raise refused(error, self) from None

    def _show_judged(self, connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> UserError | None:
        """Let a connection see the table `judged`; gives why it cannot."""
        if JUDGED in snapshot.tables:
            return None
        if self.tag:
            return UserError(f"{self.name} is a tag, of which nobody judges: what it was built with is its table judgements.")
        try:
            connection.register(JUDGED, standing(self.folder, connection, snapshot.tables))
        except UserError as error:
            return error
        return None

    def near(self, within: Callable[[str], str], tables: Collection[str] | None = None) -> duckdb.DuckDBPyConnection:
        """A connection, for the caller to close, that sees of every table (or of `tables`), and of `work`, what came of some
        sources alone; of duplicates also what links to them. `within` gives SQL that a column holds one of these sources.

        Tables are sorted by id, and an id begins with its source: most of a large dataset is not read.
        """
        snapshot = self.snapshot
        near = within("source")
        verdicts = [
            f"SELECT {quoted(stage.name)} AS stage, {place} AS place, * FROM {parquet([snapshot.folder / stage.verdicts])} "
            f"WHERE {near}"
            for place, stage in enumerate(snapshot.stages)
        ]
        connection = connect()
        try:
            for name in snapshot.tables:
                if tables is None or name in tables:
                    links = f" OR {within('other')}" if name in LINKS else ""
                    sql = f"SELECT * FROM {parquet([snapshot.table(name)])} WHERE {near}{links}"
                    connection.execute(f"CREATE VIEW {name} AS {sql}")
            if verdicts:
                connection.execute("CREATE VIEW work AS " + " UNION ALL ".join(verdicts))
        except BaseException:
            connection.close()
            raise
        return connection


def read_recipe_file(folder: Path) -> dict[str, Any]:
    """The dataset's motet.yaml; raises UserError when the folder is not a dataset this version can use."""
    try:
        return recipe_of(folder / RECIPE_FILE)
    except UserError as error:
        if kept_recipe(folder) is None:
            raise
        sentence = f"{folder / RECIPE_FILE} is gone or damaged: `motet check --repair {folder}` puts it back from a snapshot."
        raise UserError(sentence, error.exit_code) from None


def kept_recipe(folder: Path) -> Path | None:
    """The copy beside the live tables, or else in the newest snapshot, that a motet.yaml can be put back from; None where the
    file says another format, or there is no such copy."""
    if format_of(folder / RECIPE_FILE) not in (None, FORMAT):
        return None
    live = (folder / "snapshots" / "live").resolve().name
    for place in sorted(numbered(folder), key=lambda path: (path.name == live, path.name), reverse=True):
        with contextlib.suppress(UserError):
            recipe_of(place / RECIPE)
            return place / RECIPE
    return None


def format_of(path: Path) -> int | None:
    """The format that a motet.yaml says; None where that cannot be told."""
    try:
        stored = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    said = stored.get("format") if isinstance(stored, dict) else None
    return said if type(said) is int else None


def recipe_of(path: Path, *, older: bool = False) -> dict[str, Any]:
    """What a motet.yaml says, wherever it lies; with `older`, one of an older format too. Raises UserError."""
    folder = path.parent
    try:
        stored = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{folder} is not a Motet dataset (no {RECIPE_FILE} in it); `motet build` makes one.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read ({type(error).__name__}); restore it, or build into another folder.") from None
    if not isinstance(stored, dict) or type(stored.get("format")) is not int or stored["format"] < 1:
        raise UserError(f"{path} is not a Motet recipe file; build into another folder.")
    if stored["format"] > FORMAT:
        made = stored.get("motet", "a newer version")
        raise UserError(f"{folder} was made by motet {made}, which writes a newer format: update this motet to use it.")
    if older and stored["format"] < FORMAT:
        return stored
    if stored["format"] < FORMAT:
        raise UserError(
            f"{folder} is of an older format: `motet migrate {folder}` brings it to this one, with all that is in it."
        )
    if not _is_whole(stored):
        raise UserError(f"{path} is damaged or was edited: restore it, or build into another folder.")
    return stored


def _is_whole(stored: dict[str, Any]) -> bool:
    """Whether what the file says is of the types that are written there."""
    sources, removed, stages = stored.get("sources", []), stored.get("removed", []), stored.get("stages", {})
    return (
        isinstance(stored.get("recipe"), str)
        and isinstance(stored.get("seed", 0), int)
        and isinstance(sources, list)
        and all(isinstance(s, str) for s in sources)
        and isinstance(removed, list)
        and all(isinstance(r, dict) and {"path", "sha256"} <= r.keys() for r in removed)
        and isinstance(stages, dict)
        and all(isinstance(s, dict) for s in stages.values())
    )


def refused(error: Exception, dataset: Dataset | None = None) -> UserError:
    """What DuckDB says of a query, in one sentence; that a table of `dataset` is damaged, where it is that."""
    said = " ".join(line.strip() for line in str(error).split("LINE 1:")[0].splitlines() if line.strip())
    if dataset is not None and isinstance(error, (duckdb.IOException, duckdb.InvalidInputException)):
        if "/".join(dataset.snapshot.folder.parts[-2:]) + "/" in said:
            return damaged(dataset.folder, said)
    elif dataset is not None and type(error) is duckdb.Error:  # as DuckDB says of the inside of a Parquet file
        return damaged(dataset.folder, said)
    return UserError(f"The query cannot be run: {said}")
