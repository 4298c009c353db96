"""Verifying a dataset: every promise that can be told from what lies in its folder."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from itertools import groupby
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from motet.dataset import versions
from motet.dataset.folder import RECIPE_FILE, kept_recipe, read_recipe_file, recipe_of
from motet.dataset.keeping.answers import Finding, Shelves, halves, rowless, shelf_of, unlike, writers
from motet.dataset.keeping.cleaning import naming_media
from motet.dataset.keeping.faults import Fault, Tally, absent, fault, hashed_all, leftover
from motet.dataset.keeping.leftovers import leftovers_of
from motet.dataset.keeping.record import RECORD, Record, parts_on_disk, read_record, trouble
from motet.dataset.keeping.snapshot_check import UNREADABLE, Seen, check_files, check_inputs, check_rows, readable
from motet.dataset.media import FOLDER, REFERENCE
from motet.dataset.query import batches, connect, parquet, quoted
from motet.dataset.snapshot import Snapshot, live, numbered, read
from motet.dataset.tables import stream, write_table
from motet.errors import UserError
from motet.scratch import Scratch

__all__ = ["Fault", "check"]

LIVE = "snapshots/live"
REFERENCES = pa.schema([("reference", pa.string()), ("who", pa.string())])
# What a sound, a picture or a score begins with, where its suffix says so.
_BEGINS = {".flac": b"fLaC", ".wav": b"RIFF", ".mid": b"MThd", ".ogg": b"OggS", ".png": b"\x89PNG", ".npy": b"\x93NUMPY"}


def check(folder: Path, *, leftovers: bool = False, media: bool = True, tally: Tally | None = None) -> Iterator[Fault]:
    """Every fault of a dataset and its tags; with `leftovers` also what is there and harmless (promise 0).

    `media` False looks whether media are there, and does not read them. Memory does not grow with the dataset; what is sorted
    on the way goes to a temporary folder. A fault may hide others: what a damaged table says is not looked at.
    """
    with Scratch("motet-check-") as scratch:
        yield from _Check(folder, scratch, tally or Tally(), leftovers=leftovers, media=media).run()


class _Check:
    def __init__(self, folder: Path, scratch: Path, tally: Tally, *, leftovers: bool, media: bool) -> None:
        self.folder, self.scratch, self.tally = folder, scratch, tally
        self.leftovers, self.media = leftovers, media
        self.connection = connect(scratch)
        self.seen = Seen(tally)
        self.references = References(self.folder)
        self.whole = True  # so that every reference is known

    def run(self) -> Iterator[Fault]:
        yield from self._recipe_file()
        self.tally.begins("answers")
        record = yield from self._record()
        shelves = (yield from self._parts(record)) if record else None
        self.tally.begins("tables")
        snapshot = yield from self._live()
        if shelves is not None:
            try:
                yield from self._answers(shelves, snapshot)
            except UNREADABLE as error:
                self.whole = False
                yield fault("damaged_table", "work", readable(error))
        yield from self._tags()
        self.tally.begins("media")
        yield from self._media()
        if self.leftovers:
            yield from leftovers_of(self.folder, record, snapshot)

    # -- what says what there is --

    def _recipe_file(self) -> Iterator[Fault]:
        try:
            read_recipe_file(self.folder)
        except UserError as error:
            yield fault("damaged_record", RECIPE_FILE, str(error), "repair" if kept_recipe(self.folder) else "")

    def _record(self) -> Generator[Fault, None, Record | None]:
        try:
            record = read_record(self.folder)
        except ValueError as error:
            self.whole = False
            yield fault("damaged_record", RECORD, f"it cannot be what was written: {error}")
            return None
        if record is None and (self.folder / LIVE).exists() and next(parts_on_disk(self.folder), None):
            self.whole = False
            yield fault("damaged_record", RECORD, "it is gone, and there are parts that it named")
        return record

    def _parts(self, record: Record) -> Generator[Fault, None, Shelves | None]:
        """Parts that are gone or damaged; gives what can be asked further, None where it is not all there."""
        whole = True
        for shelf, names in sorted(record.parts.items()):
            for name in names:
                part = self.folder / shelf / name
                if not part.is_file():
                    whole = False
                    yield fault("missing_part", f"{shelf}/{name}", f"the commit record names it, and {absent(part)}")
                elif problem := trouble(part, shelf):
                    whole = False
                    yield fault("damaged_table", f"{shelf}/{name}", problem)
                else:
                    self.tally.read(part.stat().st_size, pq.read_metadata(part).num_rows)
        self.whole &= whole
        if not whole:
            return None
        for shelf, names in sorted(record.parts.items()):
            self.references.add([self.folder / shelf / name for name in names], "an answer")
        return Shelves.of(self.folder, record)

    # -- what is live --

    def _live(self) -> Generator[Fault, None, Snapshot | None]:
        """Faults of the live snapshot; gives it where it is whole."""
        if problem := link_trouble(self.folder):
            self.whole = False
            yield fault("link", LIVE, problem)
            return None
        try:
            snapshot = live(self.folder)
            if snapshot is None:
                if self.leftovers:
                    told = "no run has finished yet: run its `motet build` again to the end"
                    yield leftover("snapshots", told, "unfinished", "build")
                return None
            if snapshot.folder.name != f"{snapshot.number:06d}":
                raise UserError(f"{LIVE} is the snapshot {snapshot.folder.name}, and it says that it is {snapshot.number}.")
            faults = list(check_files(snapshot, snapshot.folder.name, self.seen, "repair"))
        except (UserError, ValueError, TypeError) as error:
            self.whole = False
            yield fault("damaged_record", f"{LIVE}/snapshot.json", str(error))
            return None
        yield from faults
        if faults:
            self.whole = False
            return None
        called = snapshot.folder.name
        recipe = snapshot.folder / versions.RECIPE
        if os.path.lexists(recipe) and not recipe.is_file():
            yield fault("damaged_record", f"{called}/{versions.RECIPE}", absent(recipe))
        try:
            self.references.add_snapshot(snapshot, "a live row")
            yield from check_rows(self.connection, snapshot, called, "repair")
            yield from check_inputs(self.connection, snapshot, called, "repair")
        except UNREADABLE as error:
            yield fault("damaged_table", called, readable(error))
        return snapshot

    def _answers(self, shelves: Shelves, snapshot: Snapshot | None) -> Iterator[Fault]:
        for finding in findings(self.connection, shelves, snapshot):
            keys = f"SELECT count(DISTINCT key), min(key) FROM ({finding.keys})"
            ((number, example),) = self.connection.sql(keys).fetchall()
            if number:
                yield fault(finding.kind, finding.where, f"{finding.detail} ({number:,} answers, such as {example})")

    def _tags(self) -> Iterator[Fault]:
        for tag in versions.names(self.folder):
            where = f"tags/{tag}"
            try:
                folder = versions.tagged(self.folder, tag)
                if folder.is_symlink():
                    yield fault("link", where, "it is a link, and a tag is a folder", "")
                    continue
                versions.describe(self.folder, tag)
                tagged = read(folder)
                recipe_of(folder / versions.RECIPE)
                faults = list(check_files(tagged, where, self.seen, ""))
            except (UserError, ValueError, TypeError) as error:
                self.whole = False
                yield fault("damaged_record", where, str(error), "")
                continue
            yield from faults
            if faults:
                self.whole = False
                continue
            try:
                self.references.add_snapshot(tagged, f"a row of the tag {tag}")
                yield from check_rows(self.connection, tagged, where, "")
            except UNREADABLE as error:
                yield fault("damaged_table", where, readable(error), "")

    # -- media --

    def _media(self) -> Iterator[Fault]:
        """Every file below `media/`, a shard at a time, beside the references to it in the same order."""
        asked = self.references.write(self.scratch)
        orphans, heavy = 0, 0
        for shard, rows in _shards(self.folder, asked):
            wanted = {row["reference"]: row["who"] for row in rows}
            there = {f"{shard}{path.name}": path for path in _files(self.folder / shard)} if shard else {}
            for reference in sorted(wanted.keys() - there.keys()):
                said = absent(self.folder / reference) if REFERENCE.fullmatch(reference) else "that is no name of media"
                yield fault("missing_media", reference, f"{wanted[reference]} refers to it, and {said}")
            named = [path for reference, path in sorted(there.items()) if REFERENCE.fullmatch(reference)]
            for read_file in hashed_all(named, self.tally) if self.media else ():
                reference = f"{shard}{read_file.path.name}"
                suffix = read_file.path.suffix
                if read_file.sha256 != read_file.path.name.split(".")[0]:
                    detail = read_file.problem or "its bytes are not what its name says"
                    yield fault("damaged_media", reference, detail)
                elif self.leftovers and not read_file.first.startswith(_BEGINS.get(suffix, b"")):
                    yield leftover(reference, f"it does not begin as {suffix} does", "suffix", "")
            for path in (path for path in named if f"{shard}{path.name}" not in wanted and self.whole):
                orphans, heavy = orphans + 1, heavy + path.stat().st_size
        if orphans and self.leftovers:
            yield leftover(
                FOLDER, f"{orphans:,} files that nothing refers to, {heavy:,} bytes: `motet clean` deletes them", mended=""
            )


class References:
    """Columns that name media, of tables all over a dataset."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._asked: list[str] = []

    def add(self, files: list[Path], who: str) -> None:
        """The tables of one shelf: each may have columns that others lack."""
        for column, having in naming_media(files).items():
            self._asked.append(f'SELECT DISTINCT "{column}" AS reference, {quoted(who)} AS who FROM {parquet(having)}')

    def add_snapshot(self, snapshot: Snapshot, who: str) -> None:
        for state in snapshot.stages:
            for name in state.outputs.values():
                self.add([snapshot.folder / name], who)

    def write(self, scratch: Path) -> Path:
        """Every reference once, sorted, with who refers to it."""
        file = scratch / "references.parquet"
        asked = " UNION ALL ".join(self._asked) or "SELECT '' AS reference, '' AS who WHERE false"
        # "a live row" says more than "an answer": the last in the alphabet but for that.
        sql = f"SELECT reference, coalesce(min(who) FILTER (who <> 'an answer'), min(who)) AS who FROM ({asked}) "
        sql += "WHERE reference IS NOT NULL GROUP BY reference ORDER BY reference"
        write_table(file, REFERENCES, batches(connect(scratch), sql, REFERENCES))
        return file


def findings(connection: duckdb.DuckDBPyConnection, shelves: Shelves, snapshot: Snapshot | None) -> Iterator[Finding]:
    """Every question about answers that can be asked of whole parts, and of a live snapshot that is whole."""
    yield from halves(shelves)
    if snapshot is None:
        return
    written = writers(connection, snapshot, shelves)
    for table, (state, single) in written.items():
        if single:
            yield rowless(shelves, shelf_of(state.name), table)
    for state in snapshot.stages:
        yield from unlike(connection, shelves, snapshot, state, [t for t, (by, _) in written.items() if by == state])


def link_trouble(folder: Path) -> str:
    """What is wrong with the link to the live snapshot, "" where nothing is, or there is none."""
    path = folder / LIVE
    if not os.path.lexists(path):
        finished = any(folder.glob("runs/*/run.json")) or numbered(folder)
        return "it is gone, though a build was finished: what is live cannot be told before the next one" if finished else ""
    if not path.is_symlink():
        return "it is no link"
    if not path.exists():
        return "it leads nowhere"
    to = path.resolve()
    inside = to.parent == (folder / "snapshots").resolve() and to.name.isdigit()
    return "" if inside else "it leads elsewhere than to a snapshot of this dataset"


def _shards(folder: Path, asked: Path) -> Iterator[tuple[str, Iterator[dict[str, str]]]]:
    """The folders of media, in order, each with the references into it; "" for references that lead to none of them."""
    on_disk = iter(sorted(f"{FOLDER}/{path.name}/" for path in _folders(folder / FOLDER)))
    ahead = next(on_disk, None)

    def shard(row: dict[str, str]) -> str:
        found = REFERENCE.fullmatch(row["reference"])
        return f"{FOLDER}/{found.group(1)}/" if found else ""

    for name, rows in groupby(stream(asked), key=shard):
        while ahead is not None and name and ahead < name:
            yield ahead, iter(())
            ahead = next(on_disk, None)
        if ahead == name:
            ahead = next(on_disk, None)
        yield name, rows
    while ahead is not None:
        yield ahead, iter(())
        ahead = next(on_disk, None)


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def _files(shard: Path) -> list[Path]:
    return [path for path in shard.iterdir() if not path.name.startswith(".") and not path.is_dir()] if shard.is_dir() else []
