"""What a file is: labels from the fields of its path and the columns of its dataset's index."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from motet.inventory.known import Dataset, Label
from motet.inventory.preparing.recognising import Place
from motet.inventory.verifying import rows

__all__ = ["LARGEST_INDEX", "Columns", "columns", "labels", "published_values", "shaping"]

LARGEST_INDEX = 512 << 20  # bytes
LONGEST = 1000  # characters of a label
Value = str | int | float
Columns = Mapping[str, Mapping[str, str]]
"""Path below the dataset's folder, case folded -> the index's row, as texts."""


def columns(data: bytes, dataset: Dataset) -> Columns:
    """The rows of an index by the paths they name. Raises `motet.inventory.verifying.rows.BadIndex`."""
    index = dataset.index
    if index is None:
        return {}
    wanted = {label.column for label in dataset.labels.values() if label.column}
    found: dict[str, dict[str, str]] = {}
    for row in rows.rows(data, index.format):
        held = {name: _text(row.get(name)) for name in wanted}
        for column in index.paths.values():
            if path := _text(row.get(column)):
                found[_folded(f"{index.prefix}{path}{index.suffix}")] = held
    return found


def labels(place: Place, index: Columns) -> dict[str, Value]:
    """Every label that is known of a file, by name; a label without a value is left out."""
    row = index.get(_folded(place.inner), {})
    told: dict[str, Value] = {}
    for name, label in place.dataset.labels.items():
        raw = place.fields.get(label.field, "") if label.field else row.get(label.column, "")
        value = _value(raw, label)
        if value != "":
            told[name] = value
    return told


def published_values(dataset: Dataset, name: str, indexes: Iterable[Columns]) -> set[Value]:
    """The values of a label that the registry counts files of, or an index names, whatever is here."""
    label = dataset.labels.get(name)
    if label is None:
        return set()
    counted = [expected.counts for part in dataset.parts for expected in part.each if expected.field == label.field]
    raw = [value for counts in counted for value in counts]
    raw += [row.get(label.column, "") for index in indexes for row in index.values()] if label.column else []
    return {value for value in (_value(one, label) for one in raw) if value != ""}


def shaping(dataset: Dataset) -> dict[str, Any]:
    """What of a registry file shapes its labels: nothing else of it need redo them."""
    told = dataset.model_dump(
        mode="json",
        include={"name", "licence", "folders", "fields", "index", "labels", "disjoint_by", "published_split"},
    )
    parts = [part.model_dump(mode="json", include={"name", "files", "kind", "telling", "each"}) for part in dataset.parts]
    # The order of labels tells which of them the golden subset is spread over.
    return {**told, "labels": list(told["labels"].items()), "parts": parts}


def _value(raw: str, label: Label) -> Value:
    if label.pick:
        match = re.search(label.pick, raw)
        raw = (match[1] or "") if match else ""
    text = label.values.get(raw) or _by_any_case(label).get(raw.casefold(), raw)
    if not label.number:
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        return text
    return int(number) if number.is_integer() and abs(number) < 1 << 53 else number


def _by_any_case(label: Label) -> Mapping[str, str]:
    return {written.casefold(): meant for written, meant in label.values.items()}


def _text(value: Any) -> str:
    """A cell as text that every file can hold."""
    if value is None or isinstance(value, (list, dict)):
        return ""
    return str(value).strip()[:LONGEST].encode(errors="replace").decode()


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path.replace("\\", "/")).casefold()
