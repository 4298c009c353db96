"""DuckDB over the dataset's Parquet files, with bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from motet.errors import UserError

BATCH = 4096
_NO_FILE = ("s a directory", "No such file", "does not exist")


def connect(scratch: Path | None = None, memory: str = "128MB") -> duckdb.DuckDBPyConnection:
    """A private in-memory database that spills to `scratch` past `memory`."""
    connection = duckdb.connect(config={"memory_limit": memory, "threads": 1})
    connection.execute("SET TimeZone='UTC'")
    connection.execute("SET enable_progress_bar=false")
    if scratch is not None:
        connection.execute(f"SET temp_directory={quoted(str(scratch))}")
    return connection


def quoted(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def parquet(paths: Sequence[Path]) -> str:
    """An SQL table expression over Parquet files (at least one). A column that only some have is null for the others."""
    listed = ", ".join(quoted(_literal(str(path))) for path in paths)
    return f"read_parquet([{listed}]{', union_by_name = true' if len(paths) > 1 else ''})"


def _literal(path: str) -> str:
    # DuckDB expands globs in file names; a folder called `[2]` must stay itself.
    return "".join(f"[{c}]" if c in "*?[" else c for c in path)


def batches(connection: duckdb.DuckDBPyConnection, sql: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Stream a query's result in `schema`."""
    reader = connection.sql(sql).to_arrow_reader(BATCH)
    for batch in reader:
        yield (
            pa.Table.from_batches([batch]).cast(schema).combine_chunks().to_batches()[0]
            if batch.num_rows
            else (pa.RecordBatch.from_pylist([], schema=schema))
        )


@contextmanager
def damage_told(folder: Path) -> Iterator[None]:
    """A table that DuckDB or Arrow cannot read becomes one sentence (UserError, exit code 1)."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        said = str(error).splitlines()[0]
        if isinstance(error, OSError) and not (".parquet" in said and any(words in said for words in _NO_FILE)):
            raise
        if any(words in said for words in ("No space left", "Checkpoint failed", "Could not write", "File too large")):
            raise UserError(f"There is no room for what is sorted on the way ({said}): free some, or set TMPDIR.", 1) from error
        if isinstance(error, duckdb.OutOfMemoryException):
            raise UserError(f"A table of {folder} needs more memory than is set aside: report it ({said}).", 1) from error
        raise damaged(folder, said) from error


def damaged(folder: Path, said: str) -> UserError:
    mended = "`motet check` names it; with `--repair`, and by the next build, it is mended."
    return UserError(f"A table of {folder} is damaged ({said}): {mended}", exit_code=1)
