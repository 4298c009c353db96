"""Snapshots: what is live, swapped in one step.

`snapshots/<n>/` holds a Parquet file per table with its live rows, sorted by id, `work/<stage>.parquet` with what became of
every input of every stage, and `snapshot.json`. `snapshots/live` is a link to the current one, so
`pandas.read_parquet("my-dataset/snapshots/live/clips.parquet")` always reads a whole, finished state.
"""

from __future__ import annotations

import contextlib
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
    if not current.is_symlink():
        raise UserError(f"{current} is no link to a snapshot: `motet check --repair {dataset}` mends it.", exit_code=1)
    folder = current.parent / os.readlink(current)  # as the dataset is called, so that paths can be compared
    try:
        return read(folder)
    except UserError:
        sentence = f"{folder / 'snapshot.json'} is damaged: `motet check --repair {dataset}` and the next build mend it."
        raise UserError(sentence, exit_code=1) from None


def finished(dataset: Path) -> Snapshot:
    """The current snapshot; raises UserError where there is none."""
    found = live(dataset)
    if found is None and numbered(dataset):
        sentence = f"{dataset} has lost its link snapshots/live: `motet check --repair {dataset}` or the next build puts it back."
        raise UserError(sentence, exit_code=1)
    if found is None:
        raise UserError(f"{dataset} has no finished run yet: run its `motet build` again to the end.", exit_code=1)
    return found


def numbered(dataset: Path) -> list[Path]:
    """The folders of snapshots, oldest first, whatever is left in them of a snapshot."""
    found = (path for path in (dataset / "snapshots").glob("[0-9]" * 6 + "*") if path.name.isdigit() and path.is_dir())
    return sorted(path for path in found if not path.is_symlink() and any(not one.is_dir() for one in path.iterdir()))


def delete(folder: Path) -> None:
    """Delete the files of a snapshot. A folder that somebody else made among them stays, with all that is in it."""
    for place in (folder / "stages", folder / "work", folder):
        for path in place.iterdir() if place.is_dir() else ():
            if path.is_symlink() or not path.is_dir():
                path.unlink()
        with contextlib.suppress(OSError):
            place.rmdir()


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
        for old in numbered(self.dataset)[:-KEPT]:
            delete(old)
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
