"""Datasets of older formats, brought to today's, one format after another.

Only `motet migrate` does it, no build by itself: an older Motet cannot open the dataset afterwards, so whoever shares one says
when. A step makes new files beside the old ones and commits them at once; the format in the recipe file is the last that it
changes. Stopped anywhere, the same command goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from motet.dataset.durable import write_bytes
from motet.dataset.folder import FORMAT, RECIPE_FILE, recipe_of
from motet.dataset.keeping.record import record_of, replace, rewrite
from motet.dataset.media import REFERENCE
from motet.dataset.tables import MEDIA


@dataclass(frozen=True)
class Step:
    """From one format to the next. `told` is what a person should know of it."""

    change: Callable[[Path], None]
    told: str


def migrate(folder: Path) -> list[str]:
    """Bring a dataset to this Motet's format; returns what was done, a sentence a step, none where it has that format.

    Sources, settings, removals, judgements, answers and what is live stay. The caller holds the writer's lock.
    Raises UserError for what is no dataset, or is of a newer format.
    """
    told = []
    while (stored := recipe_of(folder / RECIPE_FILE, older=True))["format"] < FORMAT:
        step = STEPS[stored["format"]]
        step.change(folder)
        text = yaml.safe_dump({**stored, "format": stored["format"] + 1}, sort_keys=False, allow_unicode=True, width=120)
        write_bytes(folder / RECIPE_FILE, text.encode())
        told.append(step.told)
    return told


def _columns_of_answers(folder: Path) -> None:
    """1 to 2: `key`, `seq` and `n` of the rows of answers became `answer_key`, `answer_seq` and `answer_row`, and columns that
    name media say so themselves."""
    record = record_of(folder)
    changed: dict[str, list[str]] = {}
    for shelf, names in sorted(record.parts.items()):
        parts = [folder / shelf / name for name in names]
        old = [part for part in parts if "answer_key" not in pq.read_schema(part).names]
        if not shelf.startswith("tables/") or not old:
            continue
        schema = _renamed(parts)
        changed[shelf] = [rewrite(folder, record, shelf, schema, _rows(parts, schema))]
    if changed:
        replace(folder, record, changed)


_NAMES = {"key": "answer_key", "seq": "answer_seq", "n": "answer_row"}


def _renamed(parts: list[Path]) -> pa.Schema:
    fields = [field.with_name(_NAMES.get(field.name, field.name)) for field in pq.read_schema(parts[-1])]
    return pa.schema([field.with_metadata(MEDIA) if _names_media(parts, field) else field for field in fields])


def _names_media(parts: list[Path], field: pa.Field) -> bool:
    """Whether all that a column says, and it says something, are references to media."""
    if not pa.types.is_string(field.type):
        return False
    said = False
    for part in parts:
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(columns=[field.name]) if field.name in file.schema_arrow.names else ():
                for value in batch.column(0).drop_null().to_pylist():
                    if not REFERENCE.fullmatch(value):
                        return False
                    said = True
    return said


def _rows(parts: list[Path], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for part in parts:
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(4096):
                there = {_NAMES.get(name, name): batch.column(name) for name in batch.schema.names}
                columns = [
                    there[one.name].cast(one.type) if one.name in there else pa.nulls(batch.num_rows, one.type) for one in schema
                ]
                yield pa.RecordBatch.from_arrays(columns, schema=schema)


STEPS = {
    1: Step(
        _columns_of_answers,
        "From format 1 to 2: sources, settings, answers, media and what is live stay; stages whose version has changed since "
        "are asked anew by the next build.",
    )
}
assert set(STEPS) == set(range(1, FORMAT))
