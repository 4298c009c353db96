"""Sources become files: every file of the wanted kinds under the roots, in archives too, named by its content."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field

from motet import files
from motet.dataset.folder import RECIPE_FILE
from motet.dataset.rows import File
from motet.errors import UserError
from motet.files import Found, Skipped
from motet.files.kinds import AUDIO, MIDI, TABLES, Kind, any_of
from motet.run import Drop, Settings, Tools, Verdict, stage

Wanted = Literal["midi", "audio", "tables"]
_KINDS: dict[Wanted, Kind] = {"midi": MIDI, "audio": AUDIO, "tables": TABLES}


class Scan(Settings):
    kinds: tuple[Wanted, ...] = Field(
        default=("midi",), min_length=1, description="what is looked for: midi, audio, tables (CSV and JSON, by name)"
    )

    @property
    def kind(self) -> Kind:
        """What the walk takes."""
        return any_of(tuple(kind for name, kind in _KINDS.items() if name in self.kinds))

    @property
    def memory(self) -> str:
        """What another choice of kinds found is no memory of this one."""
        others = [name for name in _KINDS if name in self.kinds]
        return "files.sqlite" if others == ["midi"] else f"files-{'-'.join(others)}.sqlite"


@stage(version=1)
def scan(sources: list[Path], settings: Scan, tools: Tools) -> Iterator[Verdict[File]]:
    yield from walked(sources, settings.kind, tools.cache / settings.memory)


def walked(sources: Sequence[Path], kind: Kind, memory: Path) -> Iterator[Verdict[File]]:
    """The files of a kind under sources; what earlier walks found is remembered in `memory`."""
    with closing(_Remembered(memory)) as remembered:
        try:
            labels = labels_of(sources)
            for row in remembered.through(files.walk(sources, kind, remembered.known, is_dataset)):
                path = labels[row.root].path(row.path)
                row_id = row_id_of(path, row.member)
                if isinstance(row, Skipped):
                    yield Verdict(row_id, Drop(row.reason, row.detail), path=path)
                else:
                    yield Verdict(row_id, rows=(_file(row_id, path, row),), path=path)
        except files.MissingSource as error:
            raise UserError(error.detail + ".") from None


def row_id_of(path: str, member: int = -1) -> str:
    """The id of what a person knows by this path."""
    return hashlib.blake2b(f"{path}\0{member}".encode(), digest_size=8).hexdigest()


def is_dataset(folder: str) -> str:
    """A dataset's own parts are no sources, wherever it lies."""
    return "a Motet dataset: its files come from elsewhere" if os.path.exists(os.path.join(folder, RECIPE_FILE)) else ""


def found(file: File) -> Found:
    """The walk's own record of a file row, for reading it again."""
    return Found(
        root=file.root,
        path=file.inner_path,
        location=file.location,
        member=file.member,
        offset=file.offset,
        size=file.size,
        sha256=file.sha256,
        stamp="",
    )


def _file(row_id: str, path: str, row: Found) -> File:
    return File(
        id=row_id,
        source=row_id,
        path=path,
        lineage=row.sha256[:16],
        root=row.root,
        location=row.location,
        member=row.member,
        offset=row.offset,
        inner_path=row.path,
        size=row.size,
        sha256=row.sha256,
    )


@dataclass(frozen=True)
class _Label:
    """How a root's files are called: by its last folder, numbered where two roots end alike."""

    name: str
    is_folder: bool
    own_name: str

    def path(self, inner: str) -> str:
        if self.is_folder:
            return self.name if inner in ("", ".") else f"{self.name}/{inner}"
        return self.name + inner.removeprefix(self.own_name)  # a root that is a file or an archive names itself


def labels_of(sources: Sequence[Path]) -> dict[str, _Label]:
    """What each root is called in the paths of its files. Raises UserError where a source is gone."""
    seen: Counter[str] = Counter()
    labels = {}
    for source in sources:
        root = root_of(source)
        own = PurePosixPath(root).name or "root"
        seen[own] += 1
        labels[root] = _Label(own if seen[own] == 1 else f"{own}-{seen[own]}", source.is_dir(), own)
    return labels


def root_of(source: Path) -> str:
    """The root of a source's files. Raises UserError where it is gone."""
    try:
        return files.root_of(source)
    except files.MissingSource as error:
        raise UserError(error.detail + ".") from None


class _Remembered:
    """What the last scans found, by location, so that unchanged files are not opened. Losing it costs time only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.batch: list[tuple[str, str]] = []
        self.told: dict[str, list[Found | Skipped]] = {}  # what comes back equal need not be written again
        self.db = self._open()

    def _open(self) -> sqlite3.Connection:
        for _ in range(2):
            db = sqlite3.connect(self.path)
            try:
                db.execute("PRAGMA synchronous=OFF")
                db.execute("CREATE TABLE IF NOT EXISTS seen (location TEXT PRIMARY KEY, rows TEXT) WITHOUT ROWID")
            except sqlite3.DatabaseError:
                db.close()
                self.path.unlink(missing_ok=True)
            else:
                return db
        raise UserError(f"{self.path} cannot be written: delete it and run again.", exit_code=1)

    def known(self, location: str) -> list[Found | Skipped]:
        try:
            hit = self.db.execute("SELECT rows FROM seen WHERE location = ?", (location,)).fetchone()
        except sqlite3.DatabaseError as error:
            raise UserError(f"{self.path} is damaged: delete it and run again.", exit_code=1) from error
        if hit is None:
            return []
        self.told[location] = [Found(*v) if kind else Skipped(*v) for kind, v in json.loads(hit[0])]
        return self.told[location]

    def through(self, rows: Iterator[Found | Skipped]) -> Iterator[Found | Skipped]:
        """Pass rows on, and remember those of each location that vouch for themselves."""
        held: list[Found | Skipped] = []
        for row in rows:
            if held and held[0].location != row.location:
                self._remember(held)
                held = []
            held.append(row)
            yield row
        if held:
            self._remember(held)
        self._flush()

    def _remember(self, rows: list[Found | Skipped]) -> None:
        before = self.told.pop(rows[0].location, None)
        if not rows[-1].stamp or rows == before:
            return
        text = json.dumps([[isinstance(r, Found), [getattr(r, f) for f in r.__dataclass_fields__]] for r in rows])
        self.batch.append((rows[0].location, text))
        if len(self.batch) >= 1000:
            self._flush()

    def _flush(self) -> None:
        # What cannot be kept, on a full disk say, will be hashed again; the tables themselves are not so lenient.
        with contextlib.suppress(sqlite3.OperationalError), self.db:
            self.db.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?)", self.batch)
        self.batch = []

    def close(self) -> None:
        self.db.close()
