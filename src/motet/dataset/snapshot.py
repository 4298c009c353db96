"""Snapshots: what is live, swapped in one step.

`snapshots/<n>/` holds a Parquet file per table with its live rows, sorted by id, `work/<stage>.parquet` with what became of
every input of every stage, and `snapshot.json`. `snapshots/live` is a link to the current one, so
`pandas.read_parquet("my-dataset/snapshots/live/clips.parquet")` always reads a whole, finished state.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from motet.dataset.durable import sync_folder, write_bytes
from motet.errors import UserError

KEPT = 2  # snapshots that stay: the live one, and the one a reader may still have open

VERDICT = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("path", pa.string()),
        ("lineage", pa.string()),
        ("key", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)


@dataclass(frozen=True)
class StageState:
    """How one stage stands in a snapshot. File names are relative to the snapshot's folder."""

    name: str
    fingerprint: str  # equal fingerprints mean equal output: the stage need not be looked at again
    verdicts: str
    outputs: dict[str, str]  # table -> the file after this stage
    digests: dict[str, str]  # file -> SHA-256, for the fingerprints of later stages
    counts: dict[str, int]  # status -> inputs
    rows_out: int


@dataclass(frozen=True)
class Snapshot:
    folder: Path
    number: int
    recipe: str
    stages: list[StageState] = field(default_factory=list)
    tables: dict[str, int] = field(default_factory=dict)  # final tables -> rows

    def stage(self, name: str) -> StageState | None:
        return next((s for s in self.stages if s.name == name), None)

    def table(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"


def live(dataset: Path) -> Snapshot | None:
    """The current snapshot, None when no run has finished yet."""
    current = dataset / "snapshots" / "live"
    if not current.exists():
        return None
    return read(current.parent / os.readlink(current))  # as the dataset is called, so that paths can be compared


def read(folder: Path) -> Snapshot:
    """The snapshot that lies in `folder`, live or tagged; raises UserError when it is damaged."""
    try:
        stored: dict[str, Any] = json.loads((folder / "snapshot.json").read_text())
        stages = [StageState(**s) for s in stored["stages"]]
        return Snapshot(folder, stored["number"], stored["recipe"], stages, stored["tables"])
    except (ValueError, KeyError, TypeError, OSError) as error:
        sentence = f"{folder / 'snapshot.json'} is damaged: restore it, or build into another folder."
        raise UserError(sentence, exit_code=1) from error


class Draft:
    """A snapshot being made: invisible until `publish`."""

    def __init__(self, dataset: Path) -> None:
        self.dataset = dataset
        self.previous = live(dataset)
        self.folder = dataset / "snapshots" / ".draft"
        if self.folder.is_symlink():
            self.folder.unlink()
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "work").mkdir(parents=True)
        (self.folder / "stages").mkdir()

    def take_over(self, name: str) -> None:
        """Use a file of the previous snapshot unchanged."""
        assert self.previous is not None
        link(self.previous.folder / name, self.folder / name)

    def publish(
        self, recipe: str, stages: list[StageState], final: dict[str, str], rows: dict[str, int], made_by: str = ""
    ) -> Snapshot:
        """Make this the live snapshot. `final` maps each table to the file that holds its last state; `made_by` is the text of
        the motet.yaml that goes with it, kept beside the tables for who tags them."""
        for table, name in final.items():
            link(self.folder / name, self.folder / f"{table}.parquet")
        # Where none is live, those that were stay behind: a number below theirs would pass for the oldest, and be deleted.
        behind = (int(path.name) for path in self.folder.parent.iterdir() if path.name.isdigit())
        number = 1 + (self.previous.number if self.previous else max(behind, default=0))
        stored = {"number": number, "recipe": recipe, "tables": rows, "stages": [asdict(s) for s in stages]}
        if made_by:
            write_bytes(self.folder / "recipe.yaml", made_by.encode())
        write_bytes(self.folder / "snapshot.json", json.dumps(stored, indent=1).encode())
        for folder in (self.folder / "work", self.folder / "stages"):
            sync_folder(folder)
        target = self.dataset / "snapshots" / f"{number:06d}"
        shutil.rmtree(target, ignore_errors=True)  # a run killed between these two steps
        self.folder.rename(target)
        fresh = target.parent / f".live.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target.name)
        fresh.replace(target.parent / "live")
        sync_folder(target.parent)
        for old in sorted(p for p in target.parent.iterdir() if p.name.isdigit())[:-KEPT]:
            shutil.rmtree(old)
        return Snapshot(target, number, recipe, stages, rows)

    def discard(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def link(source: Path, target: Path) -> None:
    """Give a file a second name; on a file system without hard links, a copy."""
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
