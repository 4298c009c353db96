"""What has been answered: append-only parts under `work/` and `tables/`, named by one commit record.

`work/<stage>/part-*.parquet` has a line per answered key; `tables/<table>/part-*.parquet` has the rows of the `ok` ones.
Data is written, flushed and renamed first; then `commits.json` is replaced in one step. A part it does not name does not exist.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from motet.dataset.durable import sync_folder, write_bytes
from motet.dataset.query import batches, connect, parquet
from motet.dataset.rows import Row
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


def answer_schema(row_type: type[Row]) -> pa.Schema:
    """Rows as answered: which key, which answer, the how manieth, and the payload."""
    return pa.schema([*_ANSWER, *payload_schema(row_type)])


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
            except (ValueError, KeyError, TypeError) as error:
                sentence = f"{self._record} is damaged: restore it, or build into another folder."
                raise UserError(sentence, exit_code=1) from error

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
        """Commit answers and their rows together. `seq` is filled in here."""
        if not work:
            return
        seq = self._next
        shelf = f"work/{stage}"
        lines = pa.RecordBatch.from_pylist([{**line, "seq": seq} for line in work], schema=WORK)
        added = {shelf: self._write(shelf, seq, WORK, [lines])}
        if rows and row_type is not None:
            shelf = f"tables/{row_type.table}"
            schema = answer_schema(row_type)
            batch = pa.RecordBatch.from_pylist([{**row, "answer_seq": seq} for row in rows], schema=schema)
            added[shelf] = self._write(shelf, seq, schema, [batch])
        self._commit({s: [*self._parts.get(s, []), name] for s, name in added.items()}, seq + 1)

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

    def forget(self, keys: Path) -> int:
        """Drop the answers whose key stands in the Parquet file `keys` (column `key`), and their rows; returns how many."""
        gone = 0
        connection = connect()
        for shelf in self.shelves():
            parts = self.parts(shelf)
            if not parts:
                continue
            schema = pq.read_schema(parts[-1])
            before = sum(pq.read_metadata(p).num_rows for p in parts)
            key = "key" if shelf.startswith("work/") else "answer_key"
            sql = f"SELECT a.* FROM {parquet(parts)} a ANTI JOIN {parquet([keys])} k ON a.{key} = k.key"
            after = self._replace(shelf, [], parts, schema, batches(connection, sql, schema))
            if shelf.startswith("work/"):
                gone += before - after
        return gone

    def sweep(self) -> None:
        """Delete what a killed run left behind: parts that no commit names, and temporary files."""
        for top in ("work", "tables"):
            for folder in sorted((self.dataset / top).glob("*")):
                named = set(self._parts.get(f"{top}/{folder.name}", []))
                for file in folder.iterdir():
                    if file.name not in named:
                        file.unlink()

    def _replace(
        self, shelf: str, kept: Sequence[Path], old: Sequence[Path], schema: pa.Schema, rows: Iterable[pa.RecordBatch]
    ) -> int:
        seq = self._next
        name = self._write(shelf, seq, schema, rows)
        self._commit({shelf: [*(p.name for p in kept), name]}, seq + 1)
        for path in old:
            path.unlink()
        return int(pq.read_metadata(self.dataset / shelf / name).num_rows)

    def _write(self, shelf: str, seq: int, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> str:
        folder = self.dataset / shelf
        folder.mkdir(parents=True, exist_ok=True)
        name = f"part-{seq:08d}.parquet"
        write_table(folder / name, schema, batches)
        sync_folder(folder)
        return name

    def _commit(self, changed: Mapping[str, list[str]], following: int) -> None:
        parts = {**self._parts, **changed}
        write_bytes(self._record, json.dumps({"next": following, "parts": parts}, indent=0, sort_keys=True).encode())
        self._parts, self._next = parts, following


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
