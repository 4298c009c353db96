"""Parquet files: written in one step, read as a stream, and the schemas of rows."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from motet.dataset.durable import sync_file
from motet.dataset.rows import IDENTITY, Row, media_fields, row_fields

ROW_GROUP, WIDE_ROW_GROUP = 8192, 1024  # rows; rows with bytes in them may be wide
BATCH = 1024
MEDIA = {"motet": "media"}

_SCALARS = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(), bytes: pa.binary()}


def schema(row_type: type[Row]) -> pa.Schema:
    """The table's schema: identity first, then the payload in the order it is declared."""
    return pa.schema([*((name, pa.string()) for name in IDENTITY), *payload_schema(row_type)])


def payload_schema(row_type: type[Row]) -> pa.Schema:
    """The payload's part of the schema. Fields that name media say so in the file, for whoever knows no row types."""
    hints, media = get_type_hints(row_type), media_fields(row_type)
    return pa.schema([pa.field(n, _arrow_type(hints[n]), metadata=MEDIA if n in media else None) for n in row_fields(row_type)])


def media_columns(file: Path) -> list[str]:
    """The columns of a Parquet file that name media."""
    return [field.name for field in pq.read_schema(file) if field.metadata and field.metadata.get(b"motet") == b"media"]


def _arrow_type(hint: Any) -> pa.DataType:
    if hint in _SCALARS:
        return _SCALARS[hint]
    if get_origin(hint) is list:
        return pa.list_(_arrow_type(get_args(hint)[0]))
    if get_origin(hint) in (Union, UnionType):
        inner = [a for a in get_args(hint) if a is not type(None)]
        if len(inner) == 1:
            return _arrow_type(inner[0])
    msg = f"a row field cannot be {hint!r}: use str, int, float, bool, bytes, a list of them, or one of them | None"
    raise TypeError(msg)


def column_names(file: Path) -> list[str]:
    names: list[str] = pq.read_schema(file).names
    return names


def digest_of(file: Path, columns: list[str]) -> str:
    """A digest of some columns: the same for equal rows."""
    hashed = hashlib.sha256()
    with pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(BATCH, columns=columns):
            hashed.update(memoryview(batch.serialize()))
    return hashed.hexdigest()


def stream(file: Path, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file, one after another, in flat memory."""
    with pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(BATCH, columns=columns):
            yield from batch.to_pylist()


def write_table(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write a Parquet file in one step, streaming; returns its rows."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    rows = 0
    try:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            size = WIDE_ROW_GROUP if pa.binary() in schema.types else ROW_GROUP
            for table in regrouped(schema, batches, size):
                rows += table.num_rows
                writer.write_table(table, row_group_size=size)
        sync_file(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return rows


def regrouped(schema: pa.Schema, batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.Table]:
    """The same rows in tables of `size` rows, the last of what is left."""
    # Equal rows must give equal bytes however they were batched, so row groups are cut at fixed counts.
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        while count >= size:
            table = pa.Table.from_batches(held, schema=schema)
            yield table.slice(0, size).combine_chunks()
            rest = table.slice(size)
            held, count = rest.to_batches(), rest.num_rows
    if count:
        yield pa.Table.from_batches(held, schema=schema).combine_chunks()
