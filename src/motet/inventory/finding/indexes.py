"""A dataset's own table of its files: which paths it names, and how long each recording is."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property

from motet.files import FilesError
from motet.inventory.known import Dataset, Index
from motet.inventory.verifying.rows import BadIndex, Row, rows
from motet.wording import several

__all__ = ["LARGEST", "Length", "Named", "fits", "folded", "load"]

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
    trouble: str = ""  # why it is not the index that was published, as far as it tells itself

    def row(self, part: str, path: str) -> str:
        """The path as the index writes it, "" where it names no such file; capitals do not matter."""
        known = self.paths.get(part)
        if not known:
            return ""
        return path if path in known else self._folded[part].get(folded(path), "")

    @cached_property
    def _folded(self) -> Mapping[str, Mapping[str, str]]:
        return {part: {folded(path): path for path in sorted(held, reverse=True)} for part, held in self.paths.items()}


def folded(path: str) -> str:
    """A path without regard to capitals, and to how a file system writes letters with marks."""
    return path.lower() if path.isascii() else unicodedata.normalize("NFC", path).casefold()


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
    number = outside = 0
    try:
        for row in rows(read(path, LARGEST), index.format):
            if not number and (lacking := sorted(_columns(index) - set(row))):
                trouble = f"it has no column {lacking[0]}"
                break
            number += 1
            length = _length(row.get(index.seconds)) if index.seconds else None
            for part, column in index.paths.items():
                told = _path(row, column, index)
                if told is None:
                    outside += 1
                elif told:
                    paths[part].add(told)
                    if length is not None:
                        lengths[told] = length
    except FilesError as error:
        trouble = error.detail
    except BadIndex as error:
        trouble = str(error)
    if not trouble and not number:
        trouble = "it has no rows"
    elif not trouble and outside:
        trouble = f"{several(outside, 'row')} of it name paths outside the dataset's folder"
    return Named({part: frozenset(held) for part, held in paths.items()}, lengths, trouble)


def _columns(index: Index) -> set[str]:
    return {*index.paths.values(), *([index.seconds] if index.seconds else [])}


def _path(row: Row, column: str, index: Index) -> str | None:
    """The path that a row names, "" for none, None for one that leads out of the dataset's folder."""
    told = row.get(column)
    if told is None or isinstance(told, (dict, list, bool)) or not str(told).strip():
        return ""
    path = f"{index.prefix}{str(told).strip()}{index.suffix}".replace("\\", "/").removeprefix("./")
    return None if path.startswith("/") or ".." in path.split("/") else path


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
