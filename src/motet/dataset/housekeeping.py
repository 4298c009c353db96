"""Verifying a dataset, and taking out what nothing live refers to."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from motet.dataset import versions
from motet.dataset.folder import recipe_of
from motet.dataset.ledger import Ledger
from motet.dataset.media import Media
from motet.dataset.query import batches, connect, damage_told, parquet
from motet.dataset.snapshot import Snapshot, digest, live, read
from motet.dataset.tables import media_columns, write_table
from motet.errors import UserError

KEYS = pa.schema([("key", pa.string())])


@dataclass(frozen=True)
class Fault:
    """Something in a dataset that breaks a promise."""

    kind: str  # damaged_media | missing_media | damaged_table | damaged_record | missing_part | dangling
    where: str
    detail: str


def check(folder: Path) -> Iterator[Fault]:
    """Every fault of a dataset and its tags: parts that are gone or unreadable, tables and media that are not what was
    written, references that lead nowhere."""
    try:
        ledger = Ledger(folder)
    except UserError as error:
        yield Fault("damaged_record", "commits.json", str(error))
        return
    for shelf in ledger.shelves():
        for part in ledger.parts(shelf):
            name = str(part.relative_to(folder))
            if not part.exists():
                yield Fault("missing_part", name, "the commit record names it, and it is gone")
            elif problem := _unreadable(part):
                yield Fault("damaged_table", name, problem)
    seen = _Seen()
    try:
        snapshot = live(folder)
    except UserError as error:
        yield Fault("damaged_record", "snapshots/live/snapshot.json", str(error))
    else:
        if snapshot is not None:
            yield from _check_snapshot(folder, snapshot, snapshot.folder.name, "a live row", seen)
    for tag in versions.names(folder):
        where = f"tags/{tag}"
        try:
            versions.describe(folder, tag)
            tagged = read(versions.tagged(folder, tag))
            recipe_of(tagged.folder / versions.RECIPE)
        except UserError as error:
            yield Fault("damaged_record", where, str(error))
        else:
            yield from _check_snapshot(folder, tagged, where, f"a row of the tag {tag}", seen)


class _Seen:
    """What was read already: tags share files with each other and the live snapshot, and media with all."""

    def __init__(self) -> None:
        self.digests: dict[tuple[int, int], str] = {}
        self.media: set[str] = set()

    def digest(self, path: Path) -> str:
        state = path.stat()
        inode = (state.st_dev, state.st_ino)
        if inode not in self.digests:
            self.digests[inode] = digest(path)
        return self.digests[inode]


def _check_snapshot(folder: Path, snapshot: Snapshot, called: str, who: str, seen: _Seen) -> Iterator[Fault]:
    expected = {name: d for state in snapshot.stages for name, d in state.digests.items()}
    for state in snapshot.stages:  # a table's own file is its last stage's output again
        expected |= {f"{table}.parquet": state.digests[name] for table, name in state.outputs.items()}
    whole = True
    for name, digested in sorted(expected.items()):
        path = snapshot.folder / name
        where = f"{called}/{name}"
        if not path.exists():
            whole = False
            yield Fault("missing_part", where, "the snapshot names it, and it is gone")
        elif seen.digest(path) != digested:
            whole = False
            yield Fault("damaged_table", where, "its bytes are not those that were published")
    if not whole:
        return  # what a damaged table refers to cannot be told
    for reference in sorted(media_of(snapshot) - seen.media):
        seen.media.add(reference)
        path = folder / reference
        if not path.exists():
            yield Fault("missing_media", reference, f"{who} refers to it, and it is gone")
        elif _hash(path) != path.name.split(".")[0]:
            yield Fault("damaged_media", reference, "its bytes are not what its name says")
    yield from _dangling(snapshot)


def repair(folder: Path) -> int:
    """Forget every answer whose media is gone or damaged, so that the next build gives it anew; returns how many.

    The caller holds the writer's lock. Where there were any, the live snapshot is withdrawn: it shows what is not there.
    """
    with damage_told(folder):
        ledger = Ledger(folder)
        bad: dict[str, bool] = {}
        keys: set[str] = set()
        for shelf in ledger.shelves():
            for part in ledger.parts(shelf):
                for column in media_columns(part):
                    for batch in pq.ParquetFile(part).iter_batches(columns=["answer_key", column]):
                        for key, reference in zip(*(batch.column(c).to_pylist() for c in (0, 1)), strict=True):
                            if reference is None:
                                continue
                            if reference not in bad:
                                path = folder / reference
                                bad[reference] = not path.exists() or _hash(path) != path.name.split(".")[0]
                            if bad[reference]:
                                keys.add(key)
        if not keys:
            return 0
        for reference in (r for r, is_bad in bad.items() if is_bad):
            (folder / reference).unlink(missing_ok=True)
        (folder / "snapshots" / "live").unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix="motet-repair-") as scratch:
            file = Path(scratch) / "keys.parquet"
            write_table(file, KEYS, [pa.RecordBatch.from_pylist([{"key": k} for k in sorted(keys)], schema=KEYS)])
            return ledger.forget(file)


def clean(folder: Path) -> tuple[int, int]:
    """Forget answers that nothing live uses, delete media that nothing refers to, and older snapshots; returns (answers,
    bytes of media freed).

    The caller holds the writer's lock. Until then a setting changed back finds its old answers again; afterwards not. What a
    tag refers to stays, its answers do not: it can be read, and what would be built again is.
    """
    with damage_told(folder):
        forgotten = forget_unused(folder)
        return forgotten, delete_media(folder, unused_media(folder))


def forget_unused(folder: Path) -> int:
    """Forget the answers that nothing live uses, and delete older snapshots; returns how many answers."""
    snapshot = live(folder)
    ledger = Ledger(folder)
    known = [part for shelf in ledger.shelves() if shelf.startswith("work/") for part in ledger.parts(shelf)]
    forgotten = 0
    if known:
        verdicts = [snapshot.folder / state.verdicts for state in snapshot.stages] if snapshot else []
        unused = f"SELECT DISTINCT w.key FROM {parquet(known)} w"
        if verdicts:
            unused += f" ANTI JOIN (SELECT key FROM {parquet(verdicts)}) v USING (key)"
        with tempfile.TemporaryDirectory(prefix="motet-clean-") as scratch:
            keys = Path(scratch) / "keys.parquet"
            write_table(keys, KEYS, batches(connect(), unused, KEYS))
            forgotten = ledger.forget(keys)
    if snapshot is not None:
        for old in snapshot.folder.parent.iterdir():
            if old.name.isdigit() and old != snapshot.folder:
                shutil.rmtree(old)
    return forgotten


def unused_media(folder: Path) -> list[str]:
    """References to the media files that neither a committed row nor a tag refers to.

    Raises UserError when a tag is damaged: what it needs cannot be told, so nothing may go.
    """
    ledger = Ledger(folder)
    kept: set[str] = set()
    for shelf in ledger.shelves():
        for part in ledger.parts(shelf):
            for column in media_columns(part):
                for batch in pq.ParquetFile(part).iter_batches(columns=[column]):
                    kept.update(batch.column(0).to_pylist())
    for tag in versions.names(folder):
        try:
            kept |= media_of(read(versions.tagged(folder, tag)), strict=True)
        except (UserError, pa.ArrowException, OSError) as error:
            sentence = f"The tag {tag} of {folder} is damaged, so the media it needs cannot be told: delete it with "
            raise UserError(f"{sentence}`motet tag {folder} {tag} --delete`.", exit_code=1) from error
    return [name for path in Media(folder).all() if (name := str(path.relative_to(folder))) not in kept]


def delete_media(folder: Path, references: Iterable[str]) -> int:
    """Delete media files, gone already or not; returns the bytes freed."""
    freed = 0
    for reference in references:
        path = folder / reference
        with contextlib.suppress(FileNotFoundError):
            freed += path.stat().st_size
            path.unlink()
    return freed


def media_of(snapshot: Snapshot, *, strict: bool = False) -> set[str]:
    """Every reference to media in a snapshot; files that are gone are passed over, unless `strict`."""
    found: set[str] = set()
    for state in snapshot.stages:
        for name in state.outputs.values():
            file = snapshot.folder / name
            for column in media_columns(file) if strict or file.exists() else ():
                for batch in pq.ParquetFile(file).iter_batches(columns=[column]):
                    found.update(batch.column(0).drop_null().to_pylist())
    return found


def _dangling(snapshot: Snapshot) -> Iterator[Fault]:
    if "files" not in snapshot.tables:
        return
    connection = connect()
    files = parquet([snapshot.table("files")])
    for table in snapshot.tables:
        # A row of which all three are the same stands for itself, and came of no file: a judgement.
        own = "id = source AND lineage = id"
        rows = parquet([snapshot.table(table)])
        sql = f"SELECT id FROM {rows} WHERE NOT ({own}) AND source NOT IN (SELECT id FROM {files}) LIMIT 20"
        for (row_id,) in connection.sql(sql).fetchall():
            yield Fault("dangling", f"{table}:{row_id}", "its source is not among the live files")


def _unreadable(part: Path) -> str:
    try:
        for _ in pq.ParquetFile(part).iter_batches():
            pass
    except (pa.ArrowException, OSError) as error:
        return str(error).splitlines()[0]
    return ""


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
