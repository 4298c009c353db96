"""Answered rows in the order of a plan, in bounded memory however wide they are.

DuckDB sorts 2,048 whole rows at a time and many such blocks at once: of rows of 10 kB it can no longer sort more than its memory
holds. So it only tells where the answers to a plan lie, a few numbers a row; the rows are read in the order they lie in, dealt
out to files by ranges of the plan, and each range is sorted by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from motet.dataset.query import BATCH, parquet
from motet.dataset.rows import IDENTITY, Row
from motet.dataset.tables import payload_schema, regrouped, schema

RANGE_BYTES = 16 << 20  # of rows sorted at once, as Parquet counts them
MOST_RANGES = 256  # files open at once
STEP_BYTES = 8 << 20  # of rows read at once
_LZ4 = pa.ipc.IpcWriteOptions(compression="lz4")


def gathered(
    connection: duckdb.DuckDBPyConnection,
    answers: str,
    plan: Path,
    parts: Sequence[Path],
    row_type: type[Row],
    suffix: str,
) -> Iterator[pa.RecordBatch]:
    """The live rows among `parts`, sorted by id. `answers` is SQL of the latest answer per key; rows have `suffix` and a number
    of three digits after the id of their input, unless it is empty. Files on the way lie beside the plan."""
    places = _Places(
        connection.sql(
            "SELECT r.file_index, r.file_row_number, p.position, r.answer_row "
            f"FROM {parquet([plan])} p JOIN {answers} a USING (key) "
            f"JOIN {parquet(parts)} r ON r.answer_key = a.key AND r.answer_seq = a.seq "
            "WHERE a.status IN ('ok', 'unanswered') AND p.lacks = '' ORDER BY 1, 2"
        ).to_arrow_reader(BATCH)
    )
    ranges = min(MOST_RANGES, 1 + sum(_bytes(pq.read_metadata(part)) for part in parts) // RANGE_BYTES)
    size = max(1, -(-pq.read_metadata(plan).num_rows // ranges))
    with ExitStack() as stack:
        dealt = _Dealt(plan, row_type, size, stack)
        for number, part in enumerate(parts):
            for positions, rows in _wanted(part, number, places, payload_schema(row_type)):
                dealt.add(positions, rows)
        with pq.ParquetFile(plan) as planned:
            identity = [planned.schema_arrow.field(name) for name in IDENTITY]
            inputs = regrouped(pa.schema(identity), planned.iter_batches(BATCH, columns=list(IDENTITY)), size)
            for number, some in enumerate(inputs):
                rows = dealt.range(number)
                if rows is not None and rows.num_rows:
                    yield from _named(some, rows, number * size, row_type, suffix).to_batches()


def kept(before: Path, verdicts: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a table whose verdict is `ok`; both files are sorted by id."""
    schema = pq.read_schema(before)
    with pq.ParquetFile(before) as file, pq.ParquetFile(verdicts) as said:
        lines = said.iter_batches(BATCH, columns=["id", "status"])
        passed, last = pa.array([], pa.string()), ""
        for group in range(file.num_row_groups):
            for batch in file.iter_batches(_step(file.metadata.row_group(group)), row_groups=[group]):
                end = batch.column("id")[-1].as_py()
                while last < end and (told := next(lines, None)) is not None:
                    last = told.column("id")[-1].as_py()
                    passed = pa.concat_arrays([passed, told.filter(pc.equal(told.column("status"), "ok")).column("id")])
                rows = batch.filter(pc.is_in(batch.column("id"), value_set=passed))
                yield pa.RecordBatch.from_arrays(rows.columns, schema=schema)
                passed = passed.filter(pc.greater(passed, end))


class _Places:
    """Where rows lie that are wanted: file, row, position in the plan, number in its answer, in order of file and row."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._held = np.empty((4, 0), np.int64)
        self._done = False

    def before(self, file: int, row: int) -> Any:
        """Those not handed out yet that lie before a row of a file, as four arrays."""
        while not self._done and (not self._held.shape[1] or (self._held[0, -1], self._held[1, -1]) < (file, row)):
            batch = next(self._reader, None)
            if batch is None:
                self._done = True
            else:
                more = np.array([column.to_numpy(zero_copy_only=False) for column in batch.columns], np.int64)
                self._held = np.concatenate([self._held, more], axis=1)
        many = int(((self._held[0] < file) | ((self._held[0] == file) & (self._held[1] < row))).sum())
        found, self._held = self._held[:, :many], self._held[:, many:]
        return found


def _wanted(part: Path, number: int, places: _Places, payload: pa.Schema) -> Iterator[tuple[Any, pa.RecordBatch]]:
    """The wanted rows of a part as they lie there, with their positions in the plan; the rows' number is their first column."""
    with pq.ParquetFile(part) as file:
        there = [name for name in payload.names if name in file.schema_arrow.names]
        start = 0
        for group in range(file.num_row_groups):
            told = file.metadata.row_group(group)
            found = places.before(number, start + told.num_rows)
            if found.shape[1]:
                at = start
                for batch in file.iter_batches(_step(told), row_groups=[group], columns=there or None):
                    here = found[:, (found[1] >= at) & (found[1] < at + batch.num_rows)]
                    rows = batch.take(pa.array(here[1] - at))
                    # Parts that an older Motet wrote may lack a column; no answer of theirs is asked for then.
                    columns = [
                        rows.column(one.name).cast(one.type) if one.name in there else pa.nulls(rows.num_rows, one.type)
                        for one in payload
                    ]
                    dealt = pa.schema([("answer_row", pa.int64()), *payload])
                    yield here[2], pa.RecordBatch.from_arrays([pa.array(here[3]), *columns], schema=dealt)
                    at += batch.num_rows
            start += told.num_rows


class _Dealt:
    """Rows by ranges of so many positions: in files beside the plan, or in memory while there is one range only."""

    def __init__(self, plan: Path, row_type: type[Row], size: int, stack: ExitStack) -> None:
        self._plan, self._size, self._stack = plan, size, stack
        self._one = pq.read_metadata(plan).num_rows <= size
        self._schema = pa.schema([("position", pa.int64()), ("answer_row", pa.int64()), *payload_schema(row_type)])
        self._files: dict[int, Any] = {}
        self._held: list[pa.RecordBatch] = []

    def add(self, positions: Any, rows: pa.RecordBatch) -> None:
        batch = pa.RecordBatch.from_arrays([pa.array(positions), *rows.columns], schema=self._schema)
        if self._one:
            self._held.append(batch)
            return
        numbers = positions // self._size
        for number in np.unique(numbers).tolist():
            if number not in self._files:
                self._stack.callback(self._file(number).unlink, missing_ok=True)
                self._files[number] = pa.ipc.new_stream(str(self._file(number)), self._schema, options=_LZ4)
            self._files[number].write_batch(batch.filter(pa.array(numbers == number)))

    def range(self, number: int) -> pa.Table | None:
        """The rows of a range; to be asked for once, when all have been added."""
        if self._one:
            return pa.Table.from_batches(self._held, schema=self._schema)
        file = self._files.pop(number, None)
        if file is None:
            return None
        file.close()
        with pa.OSFile(str(self._file(number))) as opened:
            rows = pa.ipc.open_stream(opened).read_all()
        self._file(number).unlink()
        return rows

    def _file(self, number: int) -> Path:
        return self._plan.with_name(f"{self._plan.name}.{number}")


def _named(inputs: pa.Table, rows: pa.Table, first: int, row_type: type[Row], suffix: str) -> pa.Table:
    """Rows with their identity, sorted by id. `inputs` begins at the position `first` of the plan."""
    identity = inputs.take(pc.subtract(rows.column("position"), first))
    if suffix:
        numbers = pc.utf8_lpad(rows.column("answer_row").cast(pa.string()), 3, "0")
        for name in ("id", "lineage"):
            longer = pc.binary_join_element_wise(identity.column(name), numbers, suffix)
            identity = identity.set_column(identity.schema.get_field_index(name), name, longer)
    order = pc.sort_indices(identity.column("id"))
    ids = identity.column("id").take(order)
    if len(ids) > 1:  # an answer that two nodes gave is there twice
        order = order.filter(pa.concat_arrays([pa.array([True]), pc.not_equal(ids[1:], ids[:-1]).combine_chunks()]))
    columns = [*identity.columns, *rows.columns[2:]]
    return pa.Table.from_arrays([column.take(order) for column in columns], schema=schema(row_type))


def _step(group: Any) -> int:
    """How many rows of a row group are read at once."""
    return int(max(1, min(BATCH, STEP_BYTES * group.num_rows // max(1, group.total_byte_size))))


def _bytes(told: Any) -> int:
    return sum(told.row_group(group).total_byte_size for group in range(told.num_row_groups))
