"""Mending a dataset: what is damaged or half is forgotten, so that the next build makes it anew, and it alone."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from motet.dataset import versions
from motet.dataset.durable import sync_folder, write_bytes
from motet.dataset.folder import RECIPE_FILE, kept_recipe, read_recipe_file, recipe_of
from motet.dataset.keeping.answers import Finding, Shelves, rowless, shelf_of, writers
from motet.dataset.keeping.checking import LIVE, References, findings, link_trouble
from motet.dataset.keeping.cleaning import delete_media, naming_media, unused_media
from motet.dataset.keeping.faults import NOT_MENDED, Tally, hashed_all
from motet.dataset.keeping.leftovers import delete, sweep
from motet.dataset.keeping.record import RECORD, Record, forget, parts_on_disk, read_record, rebuild, trouble
from motet.dataset.keeping.snapshot_check import UNREADABLE, Seen, check_files, check_inputs, check_rows, expected
from motet.dataset.media import REFERENCE, Media
from motet.dataset.query import batches, connect, damage_told, parquet
from motet.dataset.snapshot import Snapshot, live, numbered, read
from motet.dataset.tables import media_columns, stream, write_table
from motet.errors import UserError
from motet.scratch import Scratch

KEYS = pa.schema([("key", pa.string())])
_BAD = pa.schema([("reference", pa.string())])


@dataclass
class Repair:
    """What a repair did. The next build does the rest."""

    answers: int = 0  # forgotten, as far as they could be counted
    parts: int = 0  # damaged or gone, and not named any more
    media: int = 0  # damaged files deleted
    swept: int = 0  # leftovers deleted
    freed: int = 0  # bytes of leftovers and of media that nothing refers to
    withdrawn: bool = False  # the live snapshot
    told: list[str] = field(default_factory=list)  # sentences for a person


def repair(folder: Path, tally: Tally | None = None) -> Repair:
    """Forget every answer that is damaged, half, or whose media is, and sweep what is of no use.

    The caller holds the writer's lock.

    The recipe file is only ever put back, from the copy beside the tables; judgements and tags are not touched, but for a
    tag's file that lies whole elsewhere. The live snapshot stays, and the next build looks at the stages concerned; where
    its own files are damaged and lie nowhere else, it is withdrawn. Stopped anywhere, the same command goes on.
    Raises UserError where only a person can mend.
    """
    with Scratch("motet-repair-") as scratch, damage_told(folder):
        return _Repairing(folder, scratch, tally or Tally()).run()


class _Repairing:
    def __init__(self, folder: Path, scratch: Path, tally: Tally) -> None:
        self.folder, self.scratch, self.tally = folder, scratch, tally
        self.connection = connect(scratch)
        self.done = Repair()
        self.blank: set[str] = set()  # stages that the next build looks at

    def run(self) -> Repair:
        self._recipe_file()
        record, rebuilt = self._record()
        snapshot = self._snapshot()
        lost = {part for part, problem in self._lost(record) if problem}
        self.done.parts += len(lost)
        shelves = Shelves.of(self.folder, record, lost)
        asked = list(findings(self.connection, shelves, snapshot))
        asked += self._without_rows(shelves, record, lost, rebuilt, snapshot)
        bad = self._bad_media(shelves, snapshot)
        keys = self._keys(asked, shelves, bad)
        for stage, parts in shelves.work.items():
            matched = self.connection.sql(f"SELECT 1 FROM {parquet(parts)} a SEMI JOIN {parquet([keys])} k USING (key) LIMIT 1")
            if matched.fetchall():
                self.blank.add(stage)
        self.blank |= {part.parent.name for part in lost if part.parent.parent.name == "work"}
        self._look_again(snapshot)
        forgotten = forget(self.folder, keys, lost, record if rebuilt else None)
        self.done.answers = sum(forgotten.values())
        for row in stream(bad):
            path = self.folder / row["reference"]
            if not REFERENCE.fullmatch(row["reference"]) or path.parent.is_symlink():
                continue  # it leads to what is not ours
            if path.is_dir():
                self._aside(path)
            elif path.exists():
                delete(path)
                self.done.media += 1
        self._sweep()
        return self.done

    # -- what says what there is --

    def _recipe_file(self) -> None:
        """Put a damaged recipe file back from the copy beside the tables. Raises UserError where there is none, and for a
        dataset of another format."""
        place = self.folder / RECIPE_FILE
        try:
            read_recipe_file(self.folder)
        except UserError:
            if (copy := kept_recipe(self.folder)) is None:
                raise
            self._aside(place)
            write_bytes(place, copy.read_bytes())
            sentence = f"{RECIPE_FILE} is put back as the tables of {copy.parent.name} were made."
            self.done.told.append(f"{sentence} If a `motet remove` was cut short, give it again.")

    def _aside(self, place: Path) -> None:
        """Take what stands in a file's place out of the way, and keep it: a folder may hold anything."""
        if not os.path.lexists(place):
            return
        to = self.folder / f"{place.name}.damaged"
        while os.path.lexists(to):
            to = to.with_name(f"{to.name}.too")
        what = "was a folder" if place.is_dir() else "was damaged"
        place.rename(to)
        self.done.told.append(f"{self._name(place)} {what}, and is called {to.name} now.")

    def _record(self) -> tuple[Record, bool]:
        try:
            record = read_record(self.folder)
        except ValueError:
            record = None
        if record is not None:
            return record, False
        if (self.folder / RECORD).is_dir():
            self._aside(self.folder / RECORD)
        if next(parts_on_disk(self.folder), None) is None:
            delete(self.folder / RECORD)
            return Record({}, 1, {}), False
        record, left = rebuild(self.folder)
        number = sum(map(len, record.parts.values()))
        self.done.told.append(f"The commit record is made anew from {number} parts that are whole; {left} others are left out.")
        return record, True

    def _lost(self, record: Record) -> Iterator[tuple[Path, str]]:
        for shelf, names in sorted(record.parts.items()):
            for name in names:
                part = self.folder / shelf / name
                yield part, trouble(part, shelf) if part.is_file() else "it is gone"

    # -- what is live --

    def _snapshot(self) -> Snapshot | None:
        """The live snapshot once it is whole; None where there is none, or it had to be withdrawn."""
        place = self.folder / LIVE
        if place.is_dir() and not place.is_symlink():
            self._link_again(place)
        if link_trouble(self.folder) and not self._relinked(place):
            self._withdraw("led nowhere")
        try:
            snapshot = live(self.folder)
            if snapshot is not None and snapshot.folder.name != f"{snapshot.number:06d}":
                snapshot = None
                self._withdraw("said that it was another")
        except (UserError, ValueError, TypeError):
            snapshot = None
            self._withdraw("did not say what it was")
        whole = self._restored(snapshot)
        if snapshot is None:
            return None
        if not whole:
            self._withdraw("was damaged")
            return None
        self._recipe_copy(snapshot)
        faults = [*check_rows(self.connection, snapshot, "", "repair"), *check_inputs(self.connection, snapshot, "", "repair")]
        if any(one.kind not in NOT_MENDED for one in faults):
            self.blank |= {shelf_of(state.name) for state in snapshot.stages}
        return snapshot

    def _link_again(self, place: Path) -> None:
        """Make the copy of a snapshot that stands where the link should be one, as copying without links leaves it."""
        with contextlib.suppress(UserError, ValueError, TypeError):
            to = place.with_name(f"{read(place).number:06d}")
            if not to.exists():
                place.rename(to)
            else:
                place.rename(place.with_name(".draft"))  # which the next build deletes, and we do
            place.symlink_to(to.name)
            sync_folder(place.parent)
            return
        self._aside(place)

    def _relinked(self, place: Path) -> bool:
        """Whether the newest snapshot is whole, and live again: where only the link was lost."""
        newest = max(numbered(self.folder), default=None)
        if newest is None:
            return False
        try:
            snapshot = read(newest)
            whole = snapshot.number == int(newest.name) and not any(
                check_files(snapshot, newest.name, Seen(self.tally), "repair")
            )
        except (UserError, ValueError, TypeError):
            return False
        if whole:
            if os.path.lexists(place):
                place.unlink()
            place.symlink_to(newest.name)
            sync_folder(place.parent)
            self.done.told.append(f"The link {LIVE} leads to {newest.name} again, which lay there whole.")
        return whole

    def _withdraw(self, why: str) -> None:
        place = self.folder / LIVE
        if os.path.lexists(place):
            place.unlink()
            sync_folder(place.parent)
        self.done.withdrawn = True
        self.done.told.append(f"The live snapshot {why} and is withdrawn: the next build makes one. Splits are drawn anew then.")

    def _restored(self, snapshot: Snapshot | None) -> bool:
        """Put files of snapshots and tags back that lie whole elsewhere; whether all of the live one is whole then."""
        seen = Seen(self.tally)
        known: list[tuple[bool, Path, str]] = []
        whole = True
        for one in self._snapshots():
            own = snapshot is not None and one.folder == snapshot.folder
            try:
                known += [(own, one.folder / name, digest) for name, digest in expected(one).items()]
            except UserError:
                whole &= not own
        by_digest: dict[str, list[Path]] = {}
        for _, path, digest in known:
            by_digest.setdefault(digest, []).append(path)
        for own, path, digest in known:
            if seen.digest(path) == digest:
                continue
            source = next((other for other in by_digest[digest] if other.is_file() and seen.digest(other) == digest), None)
            if source is None:
                whole &= not own
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                self._aside(path)
            write_bytes(path, source.read_bytes())
            self.done.told.append(f"{path.relative_to(self.folder)} is put back: it lay whole elsewhere.")
        return whole

    def _snapshots(self) -> Iterator[Snapshot]:
        shelf = self.folder / "snapshots"
        for place in (*numbered(self.folder), *(shelf / "tags" / name for name in versions.names(self.folder))):
            if place.is_dir() and not place.is_symlink():
                with contextlib.suppress(UserError, ValueError, TypeError):
                    yield read(place)

    def _recipe_copy(self, snapshot: Snapshot) -> None:
        try:
            recipe_of(snapshot.folder / versions.RECIPE)
        except UserError:
            if (snapshot.folder / versions.RECIPE).is_dir():
                self._aside(snapshot.folder / versions.RECIPE)
            write_bytes(snapshot.folder / versions.RECIPE, (self.folder / RECIPE_FILE).read_bytes())

    def _look_again(self, snapshot: Snapshot | None) -> None:
        """Let the next build look at the stages concerned: equal fingerprints mean that nothing is to be done."""
        if snapshot is None or not self.blank & {shelf_of(state.name) for state in snapshot.stages if state.fingerprint}:
            return
        place = snapshot.folder / "snapshot.json"
        stored = json.loads(place.read_text())
        for state in stored["stages"]:
            if shelf_of(state["name"]) in self.blank:
                state["fingerprint"] = ""
        write_bytes(place, json.dumps(stored, indent=1).encode())

    # -- what is forgotten --

    def _without_rows(
        self, shelves: Shelves, record: Record, lost: Collection[Path], rebuilt: bool, snapshot: Snapshot | None
    ) -> Iterator[Finding]:
        """Of tables of which parts are gone: the answers that have no rows there, where they may have had some."""
        torn = {part.parent.name for part in lost if part.parent.parent.name == "tables"}
        written: dict[str, str] = {}
        for shown in [snapshot] if snapshot else self._snapshots():
            with contextlib.suppress(*UNREADABLE):  # a damaged one does not tell: another may
                written = {table: shelf_of(state.name) for table, (state, _) in writers(self.connection, shown, shelves).items()}
                break
        if rebuilt:
            torn |= {shelf.partition("/")[2] for shelf in record.parts if shelf.startswith("tables/")} | set(written)
        for table in sorted(torn):
            if table in written:
                yield rowless(shelves, written[table], table)
            else:  # whoever may have written it: a filter is asked again for nothing
                yield from (rowless(shelves, stage, table) for stage in shelves.work if stage not in written.values())

    def _bad_media(self, shelves: Shelves, snapshot: Snapshot | None) -> Path:
        """References to media that are gone or damaged; a damaged file that only a tag needs stays where it is."""
        references = References(self.folder)
        for parts in shelves.tables.values():
            references.add(parts, "an answer")
        if snapshot is not None:
            references.add_snapshot(snapshot, "a live row")
        asked = references.write(self.scratch)
        damaged = self.scratch / "damaged.parquet"
        paths = (path for path in Media(self.folder).all() if REFERENCE.fullmatch(self._name(path)))
        hashes = hashed_all(paths, self.tally)
        broken = (self._name(one.path) for one in hashes if one.sha256 != one.path.name.split(".")[0])
        _write(damaged, broken)
        gone = self.scratch / "gone.parquet"
        _write(gone, (row["reference"] for row in stream(asked) if not (self.folder / row["reference"]).is_file()))
        bad = self.scratch / "bad.parquet"
        tagged = References(self.folder)
        for name in versions.names(self.folder):
            with contextlib.suppress(UserError, OSError, pa.ArrowException, ValueError):
                tagged.add_snapshot(read(versions.tagged(self.folder, name)), "a tag")
        (self.scratch / "tags").mkdir()
        held = tagged.write(self.scratch / "tags")
        sql = (
            f"SELECT reference FROM {parquet([gone])} UNION SELECT reference FROM {parquet([damaged])} d WHERE reference IN "
            f"(SELECT reference FROM {parquet([asked])}) OR reference NOT IN (SELECT reference FROM {parquet([held])})"
        )
        write_table(bad, _BAD, batches(self.connection, sql, _BAD))
        for state in snapshot.stages if snapshot else ():
            for name in state.outputs.values():
                if snapshot and self._refers(snapshot.folder / name, bad):
                    self.blank.add(shelf_of(state.name))
        return bad

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _refers(self, table: Path, bad: Path) -> bool:
        each = (f'SELECT 1 FROM {parquet([table])} WHERE "{c}" IN (FROM {parquet([bad])}) LIMIT 1' for c in media_columns(table))
        return any(self.connection.sql(sql).fetchall() for sql in each)

    def _keys(self, asked: list[Finding], shelves: Shelves, bad: Path) -> Path:
        """A Parquet file of every key that is to be forgotten."""
        sql = [
            ("", f'SELECT answer_key AS key FROM {parquet(having)} WHERE "{column}" IN (FROM {parquet([bad])})')
            for parts in shelves.tables.values()
            for column, having in naming_media(parts).items()
        ]
        keys = self.scratch / "keys.parquet"

        def each() -> Iterator[pa.RecordBatch]:
            for stage, one in [*((finding.stage, finding.keys) for finding in asked), *sql]:  # one at a time: each fits
                for batch in batches(self.connection, f"SELECT DISTINCT key FROM ({one}) WHERE key IS NOT NULL", KEYS):
                    if batch.num_rows and stage:
                        self.blank.add(stage)
                    yield batch

        write_table(keys, KEYS, each())
        return keys

    # -- what is of no use --

    def _sweep(self) -> None:
        snapshot = live(self.folder)
        self.done.swept, self.done.freed = sweep(self.folder, read_record(self.folder), snapshot)
        try:
            unused = unused_media(self.folder)
        except UserError as error:
            self.done.told.append(str(error))
            return
        self.done.swept += len(unused)
        self.done.freed += delete_media(self.folder, unused)


def _write(file: Path, references: Iterator[str]) -> None:
    def some() -> Iterator[pa.RecordBatch]:
        held: list[dict[str, str]] = []
        for reference in references:
            held.append({"reference": reference})
            if len(held) == 4096:
                yield pa.RecordBatch.from_pylist(held, schema=_BAD)
                held.clear()
        yield pa.RecordBatch.from_pylist(held, schema=_BAD)

    write_table(file, _BAD, some())
