"""Taking out what nothing refers to: answers, media, older snapshots, listening pages, and caches where that is wanted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from motet.dataset import versions
from motet.dataset.keeping.leftovers import delete, leftovers_of, weight
from motet.dataset.keeping.record import Record, forget, record_of
from motet.dataset.media import REFERENCE, Media
from motet.dataset.query import batches, connect, damage_told, parquet
from motet.dataset.snapshot import Snapshot, finished, live, numbered, read
from motet.dataset.tables import media_columns, write_table
from motet.errors import UserError
from motet.scratch import Scratch

KEYS = pa.schema([("key", pa.string())])
REFERENCES = pa.schema([("reference", pa.string())])
# What these stages keep is made again from the sources alone. What others keep cost a service, a model or a farm: it stays.
CACHES = ("scan", "collect", "deduplicate", "locate_songs")


@dataclass(frozen=True)
class Cleaning:
    """What a cleaning takes out, or would: numbers, and the bytes they free."""

    answers: int
    media: int
    snapshots: int
    pages: int
    leftovers: int
    caches: int
    bytes: int


def clean(folder: Path, *, dry_run: bool = False, caches: bool = False) -> Cleaning:
    """Forget the answers that nothing live uses, and delete media that nothing refers to, older snapshots, the listening pages of
    all runs but the last that has one, and what stopped runs left; with `caches` also what stages can make again themselves.

    The caller holds the writer's lock, for a dry run too. Until then a setting changed back finds its old answers again;
    afterwards not. What a tag refers to stays, its answers do not: it can be read, and what would be built again is. Who reads
    the live snapshot or a tag meanwhile is not disturbed. Raises UserError when a tag is damaged, or nothing is live: what is
    needed cannot be told.
    """
    with damage_told(folder), Scratch("motet-clean-") as scratch:
        record = record_of(folder)
        snapshot = finished(folder) if any(record.parts.values()) else live(folder)
        keys = scratch / "keys.parquet"
        unused = write_table(keys, KEYS, _unused(folder, record, snapshot))
        media = list(_unused_media(folder, record, keys, scratch))
        old = _older(folder, snapshot)
        left = _left(folder, snapshot)
        pages = sorted(page for page in folder.glob("runs/*/report.html") if not page.is_dir())[:-1]
        kept = [folder / "cache" / name for name in CACHES] if caches else []
        kept = [path for path in kept if path.is_dir()]
        freed = sum(weight(path) for path in (*old, *left, *pages, *kept)) + sum(_size(folder / name) for name in media)
        answers = unused
        if not dry_run:
            forget(folder, keys if unused else None)
            left = _left(folder, snapshot)  # anew: a part that a stopped cleaning wrote may be committed now
            for path in (*old, *left, *pages, *kept):
                delete(path)
            delete_media(folder, media)
    return Cleaning(answers, len(media), len(old), len(pages), len(left), len(kept), freed)


def forget_unused(folder: Path) -> int:
    """Forget the answers that nothing live uses, and delete older snapshots; returns how many answers."""
    record, snapshot = record_of(folder), live(folder)
    with Scratch("motet-clean-") as scratch:
        keys = scratch / "keys.parquet"
        if unused := write_table(keys, KEYS, _unused(folder, record, snapshot)):
            forget(folder, keys)
    for path in _older(folder, snapshot):
        delete(path)
    return unused


def unused_media(folder: Path) -> list[str]:
    """References to the media files that neither a committed row nor a tag refers to, nor the live snapshot.

    Raises UserError when a tag is damaged: what it needs cannot be told, so nothing may go.
    """
    with Scratch("motet-clean-") as scratch:
        keys = scratch / "keys.parquet"
        write_table(keys, KEYS, [])
        return list(_unused_media(folder, record_of(folder), keys, scratch))


def delete_media(folder: Path, references: Iterable[str]) -> int:
    """Delete media files, gone already or not; returns the bytes freed."""
    freed = 0
    for reference in references:
        path = folder / reference
        with contextlib.suppress(FileNotFoundError):
            freed += path.stat().st_size
            path.unlink()
    return freed


def _unused(folder: Path, record: Record, snapshot: Snapshot | None) -> Iterator[pa.RecordBatch]:
    known = [folder / s / name for s, names in sorted(record.parts.items()) if s.startswith("work/") for name in names]
    if known:
        unused = f"SELECT DISTINCT w.key FROM {parquet(known)} w"
        if verdicts := [snapshot.folder / state.verdicts for state in snapshot.stages] if snapshot else []:
            unused += f" ANTI JOIN (SELECT key FROM {parquet(verdicts)}) v USING (key)"
        yield from batches(connect(), unused, KEYS)


def _unused_media(folder: Path, record: Record, forgotten: Path, scratch: Path) -> Iterator[str]:
    """References to media that no answer but the forgotten ones refers to, no live row and no tag."""
    keys = parquet([forgotten])
    asked = ["SELECT '' AS reference WHERE false"]
    for shelf, names in sorted(record.parts.items()):
        for column, parts in naming_media(folder / shelf / name for name in names).items():
            asked.append(f'SELECT r."{column}" FROM {parquet(parts)} r ANTI JOIN {keys} k ON r.answer_key = k.key')
    snapshot = live(folder)
    for one in [snapshot] if snapshot else []:
        asked += _asked(one)
    for tag in versions.names(folder):
        try:
            asked += _asked(read(versions.tagged(folder, tag)))
        except (UserError, pa.ArrowException, OSError) as error:
            sentence = f"The tag {tag} of {folder} is damaged, so the media it needs cannot be told: delete it with "
            raise UserError(f"{sentence}`motet tag {folder} {tag} --delete`.", exit_code=1) from error
    kept = scratch / "kept.parquet"
    sql = f"SELECT DISTINCT reference FROM ({' UNION ALL '.join(asked)}) WHERE reference IS NOT NULL ORDER BY reference"
    write_table(kept, REFERENCES, batches(connect(scratch), sql, REFERENCES))
    wanted = (name for batch in pq.ParquetFile(kept).iter_batches() for name in batch.column(0).to_pylist())
    ahead = next(wanted, None)
    for path in Media(folder).all():
        name = path.relative_to(folder).as_posix()
        while ahead is not None and ahead < name:
            ahead = next(wanted, None)
        if name != ahead and REFERENCE.fullmatch(name):  # of another name it is the user's
            yield name


def naming_media(files: Iterable[Path]) -> dict[str, list[Path]]:
    """The columns that name media, each with those of the files that have it."""
    found: dict[str, list[Path]] = {}
    for file in files:
        for column in media_columns(file):
            found.setdefault(column, []).append(file)
    return found


def _asked(snapshot: Snapshot) -> list[str]:
    files = [snapshot.folder / name for state in snapshot.stages for name in state.outputs.values()]
    return [f'SELECT "{column}" AS reference FROM {parquet([file])}' for file in files for column in media_columns(file)]


def _left(folder: Path, snapshot: Snapshot | None) -> list[Path]:
    found = (f for f in leftovers_of(folder, record_of(folder), snapshot) if f.kind == "leftover" and f.mended == "repair")
    old = _older(folder, snapshot)
    return [folder / f.where for f in found if folder / f.where not in old]


def _older(folder: Path, snapshot: Snapshot | None) -> list[Path]:
    return [old for old in numbered(folder) if old.name != snapshot.folder.name] if snapshot else []


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
