"""A dataset on disk, for reading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from motet.dataset.media import Media
from motet.dataset.query import connect, parquet, quoted
from motet.dataset.snapshot import Snapshot, live, read
from motet.dataset.versions import RECIPE, split, tagged
from motet.errors import UserError

FORMAT = 2
RECIPE_FILE = "motet.yaml"


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

    @property
    def name(self) -> str:
        """What a person calls it: its folder, with the tag if it is one's."""
        return f"{self.folder}@{self.tag}" if self.tag else str(self.folder)

    @property
    def snapshot(self) -> Snapshot:
        if self.tag:
            return read(tagged(self.folder, self.tag))
        found = live(self.folder)
        if found is None:
            raise UserError(f"{self.folder} has no finished run yet: run its `motet build` again to the end.", exit_code=1)
        return found

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
        """Run SQL over the live tables (by name) and `work` (what became of every input of every stage).

        What does not fit into `memory` goes to the folder `scratch`, where one is given.
        """
        snapshot = self.snapshot
        connection = connect(scratch, memory)
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
            return connection.sql(sql)
        except duckdb.Error as error:
            raise refused(error) from None


def read_recipe_file(folder: Path) -> dict[str, Any]:
    """The dataset's motet.yaml; raises UserError when the folder is not a dataset this version can use."""
    return recipe_of(folder / RECIPE_FILE)


def recipe_of(path: Path) -> dict[str, Any]:
    """What a motet.yaml says, wherever it lies."""
    folder = path.parent
    try:
        stored = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{folder} is not a Motet dataset (no {RECIPE_FILE} in it); `motet build` makes one.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read ({type(error).__name__}); restore it, or build into another folder.") from None
    if not isinstance(stored, dict) or not isinstance(stored.get("format"), int):
        raise UserError(f"{path} is not a Motet recipe file; build into another folder.")
    if stored["format"] > FORMAT:
        made = stored.get("motet", "a newer version")
        raise UserError(f"{folder} was made by motet {made}, which writes a newer format: update this motet to use it.")
    if stored["format"] < FORMAT:
        raise UserError(f"{folder} was made by an older motet, in a format no longer read: build into another folder.")
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


def refused(error: Exception) -> UserError:
    """What DuckDB says of a query, in one sentence."""
    said = " ".join(line.strip() for line in str(error).split("LINE 1:")[0].splitlines() if line.strip())
    return UserError(f"The query cannot be run: {said}")
