"""A dataset's own table of its files: which paths it names, and how long each recording is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from motet.files import FilesError
from motet.inventory.known import Dataset, Index
from motet.inventory.rows import BadIndex, Row, rows

__all__ = ["LARGEST", "Length", "Named", "fits", "load"]

Read = Callable[[str, int], bytes]
LARGEST = 256 << 20
"""Bytes of an index; the largest published one has 100 million."""
_HEAD = 1 << 16


@dataclass(frozen=True, slots=True)
class Length:
    """Seconds as a table tells them, and how far the truth can be: half its last digit, at least 1 ms."""

    seconds: float
    within: float


@dataclass(frozen=True)
class Named:
    """What an index names."""

    paths: Mapping[str, frozenset[str]]  # part -> paths below the dataset's folder
    lengths: Mapping[str, Length]  # path -> length
    trouble: str = ""  # why it could not be read, or not to its end


def fits(path: str, dataset: Dataset, read: Read) -> bool:
    """Has the file the columns that the dataset's index has? A file that cannot be read does not."""
    index = dataset.index
    if index is None:
        return False
    try:
        if index.format in ("csv", "tsv"):
            line = read(path, _HEAD).decode("utf-8-sig", "replace").partition("\n")[0]
            columns = {c.strip().strip('"') for c in line.strip("\r").split("\t" if index.format == "tsv" else ",")}
            return _columns(index) <= columns
        first = next(rows(read(path, LARGEST), index.format), None)
    except (FilesError, BadIndex):
        return False
    return first is not None and _columns(index) <= set(first)


def load(path: str, dataset: Dataset, read: Read) -> Named:
    """All that the index at this path names; what cannot be read is told in `trouble`."""
    index = dataset.index
    if index is None:
        return Named({}, {})
    paths: dict[str, set[str]] = {part: set() for part in index.paths}
    lengths: dict[str, Length] = {}
    trouble = ""
    try:
        for row in rows(read(path, LARGEST), index.format):
            length = _length(row.get(index.seconds)) if index.seconds else None
            for part, column in index.paths.items():
                if told := _path(row, column, index):
                    paths[part].add(told)
                    if length is not None:
                        lengths[told] = length
    except FilesError as error:
        trouble = error.detail
    except BadIndex as error:
        trouble = str(error)
    return Named({part: frozenset(held) for part, held in paths.items()}, lengths, trouble)


def _columns(index: Index) -> set[str]:
    return {*index.paths.values(), *([index.seconds] if index.seconds else [])}


def _path(row: Row, column: str, index: Index) -> str:
    told = row.get(column)
    if told is None or isinstance(told, (dict, list, bool)) or not str(told).strip():
        return ""
    path = f"{index.prefix}{str(told).strip()}{index.suffix}".replace("\\", "/").removeprefix("./")
    return "" if path.startswith("/") or ".." in path.split("/") else path


def _length(told: object) -> Length | None:
    if told is None or isinstance(told, (bool, dict, list)):
        return None
    try:
        number = Decimal(str(told).strip())
    except InvalidOperation:
        return None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or not 0 <= number < 10**7:
        return None
    return Length(float(number), max(0.001, 0.5 * 10.0 ** max(exponent, -9)))
