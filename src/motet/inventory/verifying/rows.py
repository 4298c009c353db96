"""Rows of an index: CSV, TSV, JSON (a list of rows, or columns of numbered values, as pandas writes) and JSONL."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]


class BadIndex(Exception):
    """It cannot be read further: a few words."""


def rows(data: bytes, format: str) -> Iterator[Row]:
    """Raises BadIndex. Bytes that are not UTF-8 become surrogates, as in names of files."""
    text = data.decode("utf-8-sig", "surrogateescape")
    try:
        if format in ("csv", "tsv"):
            yield from csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if format == "tsv" else ",")
        elif format == "jsonl":
            for line in text.split("\n"):
                if line.strip() and isinstance(row := json.loads(line), dict):
                    yield row
        else:
            yield from _table(json.loads(text))
    except csv.Error as error:
        raise BadIndex(f"its table breaks ({error})") from None
    except (ValueError, RecursionError) as error:
        raise BadIndex(f"it is no JSON ({error})") from None


def _table(told: object) -> Iterator[Row]:
    if isinstance(told, list):
        yield from (row for row in told if isinstance(row, dict))
        return
    if not isinstance(told, dict):
        raise BadIndex("it holds no rows")
    if told and all(isinstance(column, dict) for column in told.values()):
        first = next(iter(told.values()))
        if all(not isinstance(value, dict) for value in first.values()):
            for number in first:
                yield {name: column.get(number) for name, column in told.items()}
            return
        yield from told.values()
