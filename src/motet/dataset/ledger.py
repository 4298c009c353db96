"""What has been answered: append-only parts under `work/` and `tables/`, named by one commit record.

`work/<stage>/part-*.parquet` has a line per answered key; `tables/<table>/part-*.parquet` has the rows of the `ok` ones.
Data is written, flushed and renamed first; then `commits.json` is replaced in one step. A part it does not name does not exist.
Anybody on the same file system may write parts; only the holder of the writer's lock commits them.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from motet.dataset.durable import sync_folder, write_bytes
from motet.dataset.query import parquet
from motet.dataset.rows import Row
from motet.dataset.snapshot import numbered
from motet.dataset.tables import payload_schema, write_table
from motet.errors import UserError

FINAL = ("ok", "dropped")
BLAMED = ("failed", "crashed", "timed_out")
STATUSES = (*FINAL, *BLAMED, "unanswered")

WORK = pa.schema(
    [
        ("key", pa.string()),
        ("seq", pa.int64()),  # of this answer; a later one replaces it
        ("status", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("seconds", pa.float64()),
        ("attempts", pa.int64()),
        ("media_bytes", pa.int64()),
        ("worker", pa.int64()),
        ("at", pa.timestamp("ms", tz="UTC")),
    ]
)
# Named so that no field of a row is ever called the same.
_ANSWER = [("answer_key", pa.string()), ("answer_seq", pa.int64()), ("answer_row", pa.int64())]
BLOCK = 1 << 20  # numbers set aside for the parts that others write of one stage

OURS = re.compile(r"\.*part-.*")  # names of parts, and of what becomes one; other files are the user's
Parts = tuple[tuple[str, str], ...]  # (shelf, file name) of what was written together


def answer_schema(row_type: type[Row]) -> pa.Schema:
    """Rows as answered: which key, which answer, the how manieth, and the payload."""
    return pa.schema([*_ANSWER, *payload_schema(row_type)])


def write_parts(
    dataset: Path,
    stage: str,
    seq: int,
    work: Sequence[Mapping[str, Any]],
    row_type: type[Row] | None,
    rows: Sequence[Mapping[str, Any]],
) -> Parts:
    """Write answers, and the rows of the `ok` ones, under a number of their own; nobody sees them before `Ledger.commit`."""
    shelf = f"work/{stage}"
    lines = pa.RecordBatch.from_pylist([{**line, "seq": seq} for line in work], schema=WORK)
    parts = [(shelf, _write(dataset, shelf, seq, WORK, [lines]))]
    if rows and row_type is not None:
        shelf = f"tables/{row_type.table}"
        schema = answer_schema(row_type)
        batch = pa.RecordBatch.from_pylist([{**row, "answer_seq": seq} for row in rows], schema=schema)
        parts.append((shelf, _write(dataset, shelf, seq, schema, [batch])))
    return tuple(parts)


def _write(dataset: Path, shelf: str, seq: int, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> str:
    """Write a part and return its name, in which is its digest: so no two writers ever mean the same file."""
    folder = dataset / shelf
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".part-{secrets.token_hex(8)}"
    try:
        write_table(aside, schema, batches)
        with aside.open("rb") as file:
            name = f"part-{seq:08d}.{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}.parquet"
        aside.replace(folder / name)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(folder)
    return name


class Ledger:
    """The committed parts of a dataset. Only the holder of the writer's lock appends."""

    def __init__(self, dataset: Path) -> None:
        self.dataset = dataset
        self._record = dataset / "commits.json"
        self._parts: dict[str, list[str]] = {}
        self._next = 1
        if self._record.exists():
            try:
                stored = json.loads(self._record.read_text())
                self._parts, self._next = stored["parts"], stored["next"]
            except (ValueError, KeyError, TypeError, IsADirectoryError) as error:
                sentence = f"{self._record} is damaged: `motet check --repair {dataset}` makes it anew from the parts."
                raise UserError(sentence, exit_code=1) from error
        elif numbered(dataset) and any((dataset / "work").glob("*/part-*.parquet")):
            raise UserError(f"{self._record} is gone: `motet check --repair {dataset}` makes it anew from the parts.", 1)

    def parts(self, shelf: str) -> list[Path]:
        """The committed parts of `work/<stage>` or `tables/<table>`, oldest first."""
        return [self.dataset / shelf / name for name in self._parts.get(shelf, [])]

    def shelves(self) -> list[str]:
        return sorted(self._parts)

    def append(
        self,
        stage: str,
        work: Sequence[Mapping[str, Any]],
        row_type: type[Row] | None,
        rows: Sequence[Mapping[str, Any]],
    ) -> None:
        """Write and commit answers and their rows together. `seq` is filled in here."""
        if work:
            self.commit([write_parts(self.dataset, stage, self.reserve(1), work, row_type, rows)])

    def reserve(self, count: int = BLOCK) -> int:
        """Set numbers aside for parts to be written, and return the first: all are above those of earlier answers."""
        first, self._next = self._next, self._next + count
        return first

    def commit(self, written: Iterable[Parts]) -> None:
        """Make parts count, all in one step. Their numbers were reserved here."""
        added: dict[str, list[str]] = {}
        for shelf, name in (pair for parts in written for pair in parts):
            added.setdefault(shelf, []).append(name)
        if added:
            self._commit({shelf: [*self._parts.get(shelf, []), *names] for shelf, names in added.items()})

    def compact(self, shelf: str) -> None:
        """Merge the small newest parts of a shelf into one, so that there are never thousands of tiny files.

        A part joins in while it is no more than twice what is merged so far, so old large parts are rewritten rarely.
        """
        parts = self.parts(shelf)
        first, merged = len(parts), 0
        while first > 0 and (size := parts[first - 1].stat().st_size) <= max(2 * merged, 1 << 20):
            merged += size
            first -= 1
        if len(parts) - first < 2:
            return
        schema = pq.read_schema(parts[-1])
        self._replace(shelf, parts[:first], parts[first:], schema, _streamed(parts[first:], schema))

    def sweep(self) -> None:
        """Delete what a killed run left behind: parts that no commit names, and temporary files."""
        for top in ("work", "tables"):
            for folder in sorted((self.dataset / top).glob("*")):
                named = set(self._parts.get(f"{top}/{folder.name}", []))
                for file in folder.iterdir() if folder.is_dir() else ():
                    if file.name not in named and OURS.fullmatch(file.name) and not file.is_dir():
                        file.unlink()

    def _replace(
        self, shelf: str, kept: Sequence[Path], old: Sequence[Path], schema: pa.Schema, rows: Iterable[pa.RecordBatch]
    ) -> int:
        name = _write(self.dataset, shelf, self.reserve(1), schema, rows)
        self._commit({shelf: [*(p.name for p in kept), name]})
        for path in old:
            path.unlink()
        return int(pq.read_metadata(self.dataset / shelf / name).num_rows)

    def _commit(self, changed: Mapping[str, list[str]]) -> None:
        parts = {**self._parts, **changed}
        write_bytes(self._record, json.dumps({"next": self._next, "parts": parts}, indent=0, sort_keys=True).encode())
        self._parts = parts


def _streamed(parts: Sequence[Path], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Rows of all parts in `schema`: an older Motet's may lack columns, or have some that are gone."""
    for part in parts:
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(4096):
                there = set(batch.schema.names)
                columns = [
                    batch.column(one.name).cast(one.type) if one.name in there else pa.nulls(batch.num_rows, one.type)
                    for one in schema
                ]
                yield pa.RecordBatch.from_arrays(columns, schema=schema)


def answered(ledger: Ledger, stage: str) -> str | None:
    """SQL of the latest answer per key of a stage; None when nothing was answered yet."""
    parts = ledger.parts(f"work/{stage}")
    if not parts:
        return None
    return f"(SELECT * FROM {parquet(parts)} QUALIFY row_number() OVER (PARTITION BY key ORDER BY seq DESC) = 1)"
