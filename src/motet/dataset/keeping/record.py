"""The commit record (`commits.json`) as repairs see it: read with suspicion, made anew from parts, changed in one step."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from motet.dataset.durable import sync_folder, write_bytes
from motet.dataset.query import batches, connect, parquet
from motet.dataset.snapshot import digest
from motet.dataset.tables import write_table
from motet.errors import UserError

RECORD = "commits.json"
TOPS = ("work", "tables")
_SHELF = re.compile(r"(work|tables)/[^/\\\0]+")
_PART = re.compile(r"part-(\d{8,})(?:[.-][^/\\\0]*)?\.parquet")
_DIGEST = re.compile(r"part-\d{8,}\.([0-9a-f]{16})\.parquet")


@dataclass(frozen=True)
class Record:
    """What is committed: names of parts by shelf, the next number, and whatever else the record says."""

    parts: dict[str, list[str]]
    following: int
    more: dict[str, Any]

    def bytes(self) -> bytes:
        return json.dumps({**self.more, "next": self.following, "parts": self.parts}, indent=0, sort_keys=True).encode()


def read_record(dataset: Path) -> Record | None:
    """The record, None where there is none; raises ValueError, with why, when it cannot be what was written."""
    try:
        stored = json.loads((dataset / RECORD).read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, OSError, RecursionError) as error:
        raise ValueError(str(error)) from None
    if not isinstance(stored, dict) or type(following := stored.get("next")) is not int:
        raise ValueError("it has no next number")
    parts = stored.get("parts")
    if not isinstance(parts, dict):
        raise ValueError("it names no parts")
    for shelf, names in parts.items():
        if not _SHELF.fullmatch(shelf) or shelf.endswith("/..") or not isinstance(names, list):
            raise ValueError(f"{shelf!r} is no shelf of parts")
        if not all(isinstance(name, str) and _PART.fullmatch(name) for name in names) or len(set(names)) < len(names):
            raise ValueError(f"{shelf} names what is no part")
    return Record(parts, following, {name: value for name, value in stored.items() if name not in ("next", "parts")})


def number_of(name: str) -> int:
    found = _PART.fullmatch(name)
    return int(found.group(1)) if found else -1


def parts_on_disk(dataset: Path) -> Iterator[tuple[str, Path]]:
    """Every file called like a part, with its shelf, by number: committed or not."""
    for top in TOPS:
        if (dataset / top).is_dir():
            for shelf in sorted(path for path in (dataset / top).iterdir() if path.is_dir()):
                for part in sorted(
                    (p for p in shelf.iterdir() if _PART.fullmatch(p.name) and not p.is_dir()), key=lambda p: number_of(p.name)
                ):
                    yield f"{top}/{shelf.name}", part


def trouble(part: Path, shelf: str) -> str:
    """Why a part is not what was written; "" when it is, as far as can be told. A part that is called by its digest
    (`part-<number>.<digest>.parquet`) has to have it; any other has to be readable to its end."""
    try:
        if (named := _DIGEST.fullmatch(part.name)) and digest(part)[:16] != named.group(1):
            return "its bytes are not what its name says"
        with pq.ParquetFile(part) as file:
            own = {"key", "seq", "status"} if shelf.startswith("work/") else {"answer_key", "answer_seq", "answer_row"}
            if lacks := own - set(file.schema_arrow.names):
                return f"it lacks the column {min(lacks)}"
            for batch in file.iter_batches():
                batch.validate(full=True)
                if any(batch.column(name).null_count for name in own):
                    return "an answer lacks its key"
    except (pa.ArrowException, OSError, ValueError) as error:
        return (str(error).splitlines() or [type(error).__name__])[0]
    return ""


def forget(dataset: Path, keys: Path | None, lost: Collection[Path] = (), rebuilt: Record | None = None) -> dict[str, int]:
    """Drop the answers whose key stands in the Parquet file `keys` (column `key`) with their rows, and the parts `lost` unread;
    returns how many answers by stage, a stage of lost parts with at least 0.

    All shelves change in one commit: stopped anywhere, all of it is done or nothing. A record that was `rebuilt` takes the place
    of a damaged one in the same step. The caller holds the writer's lock.
    """
    record = rebuilt or read_record(dataset)
    if record is None:
        return {}
    changed: dict[str, list[str]] = {}
    gone: dict[str, int] = {}
    connection = connect()
    for shelf, names in sorted(record.parts.items()):
        known = [dataset / shelf / name for name in names]
        parts = [part for part in known if part not in lost]
        work = shelf.startswith("work/")
        if len(parts) < len(known):
            changed[shelf] = [part.name for part in parts]
            if work:
                gone[shelf.partition("/")[2]] = 0
        if keys is None or not parts:
            continue
        column = "key" if work else "answer_key"
        ((matched,),) = connection.sql(
            f"SELECT count(*) FROM {parquet(parts)} a SEMI JOIN {parquet([keys])} k ON a.{column} = k.key"
        ).fetchall()
        if not matched:
            continue
        schema = pq.read_schema(parts[-1])
        sql = f"SELECT a.* FROM {parquet(parts)} a ANTI JOIN {parquet([keys])} k ON a.{column} = k.key"
        changed[shelf] = [_written(dataset / shelf, record.following, schema, batches(connection, sql, schema))]
        if work:
            gone[shelf.partition("/")[2]] = matched
    if changed or rebuilt:
        replace(dataset, record, changed)
    return gone


def _written(shelf: Path, number: int, schema: pa.Schema, rows: Iterator[pa.RecordBatch]) -> str:
    """Write a part, called by its digest; returns its name."""
    draft = shelf / f".part-{number:08d}.tmp"
    write_table(draft, schema, rows)
    name = f"part-{number:08d}.{digest(draft)[:16]}.parquet"
    draft.replace(shelf / name)
    sync_folder(shelf)
    return name


def replace(dataset: Path, record: Record, changed: dict[str, list[str]]) -> Record:
    """Commit other parts for some shelves, then delete those that are named no more."""
    new = Record({**record.parts, **changed}, record.following + 1, record.more)
    write_bytes(dataset / RECORD, new.bytes())
    for shelf, names in changed.items():
        for name in set(record.parts.get(shelf, [])) - set(names):
            part = dataset / shelf / name
            if part.is_symlink() or part.is_file():  # a folder of that name is the user's
                part.unlink()
    return new


def rewrite(dataset: Path, record: Record, shelf: str, schema: pa.Schema, rows: Iterator[pa.RecordBatch]) -> str:
    """A new part for a shelf, not committed yet; returns its name."""
    return _written(dataset / shelf, record.following, schema, rows)


def rebuild(dataset: Path) -> tuple[Record, int]:
    """The record made anew from the parts that are whole; also how many parts were left out.

    A part says which answers it holds, by key and number. What was merged may stand beside the part it was merged into: a part
    of which every answer stands in another one is left out. Nothing is written: the caller forgets what is half, and
    commits both.
    """
    parts: dict[str, list[str]] = {}
    held: dict[str, list[Path]] = {}
    left, highest = 0, 0
    for shelf, part in parts_on_disk(dataset):
        highest = max(highest, number_of(part.name))
        if trouble(part, shelf):
            left += 1
        else:
            held.setdefault(shelf, []).append(part)
    connection = connect()
    for shelf, found in held.items():
        key, seq = ("key", "seq") if shelf.startswith("work/") else ("answer_key", "answer_seq")
        kept: list[Path] = []
        for part in sorted(found, key=lambda p: (-pq.read_metadata(p).num_rows, number_of(p.name), p.name)):
            both = f"SELECT {key}, {seq} FROM {parquet([part])}"
            if kept:
                both += f" EXCEPT SELECT {key}, {seq} FROM {parquet(kept)}"
            ((new,),) = connection.sql(f"SELECT count(*) FROM ({both})").fetchall()
            if new:
                kept.append(part)
            else:
                left += 1
        parts[shelf] = [part.name for part in sorted(kept, key=lambda p: (number_of(p.name), p.name))]
        ((last,),) = connection.sql(f"SELECT max({seq}) FROM {parquet(kept)}").fetchall() if kept else ((0,),)
        highest = max(highest, last or 0)
    return Record(parts, highest + 1, {}), left


def record_of(dataset: Path) -> Record:
    """The record, an empty one where there is none; raises UserError when it is damaged, or gone though there are parts."""
    try:
        record = read_record(dataset)
        if record is None and (dataset / "snapshots" / "live").exists() and next(parts_on_disk(dataset), None):
            raise ValueError("it is gone")
        return record or Record({}, 1, {})
    except ValueError as error:
        sentence = f"{dataset / RECORD} is damaged ({error}): `motet check --repair {dataset}` makes it anew from the parts."
        raise UserError(sentence, exit_code=1) from None
