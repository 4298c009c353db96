"""The files of one part against what should be there: which are missing, moved, doubled, or nobody's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from motet.inventory.finding.copies import PartHeld
from motet.inventory.finding.indexes import Named, folded
from motet.inventory.known import Dataset, Version
from motet.inventory.layout import Layout

__all__ = ["Match", "match", "too_short"]

Values = Mapping[str, Counter[str]]


@dataclass(frozen=True)
class Match:
    """All paths lie below the copy's folder."""

    files: int  # those of the dataset, faulty ones too; no file twice
    whole: int  # of these without a fault
    missing: tuple[str, ...] | None  # that the index names, or the layout where it names one file
    moved: Mapping[str, str] = field(default_factory=dict)  # path here -> in the index, of files in another folder
    respelled: Mapping[str, str] = field(default_factory=dict)  # path here -> in the index, where only capitals differ
    unnamed: tuple[tuple[str, int], ...] = ()  # path and bytes of files that the index does not name
    twice: tuple[str, ...] = ()  # out of place, and their name stands elsewhere in the copy as well
    unsure: tuple[str, ...] = ()  # out of place, with a name that the index gives to more files than are here
    values: Values = field(default_factory=dict)  # field -> value -> files without a fault
    untold: Mapping[str, int] = field(default_factory=dict)  # field -> files without a fault whose value nothing tells


def too_short(named: Named, dataset: Dataset, version: Version | None) -> str:
    """Why this index cannot be whole, "" where it can: it names fewer files than were published in any version."""
    for name, paths in named.paths.items():
        published = dataset.part(name).count
        if version is not None:
            published = version.counts.get(name, published if version is dataset.versions[0] else None)
        others = {one.counts.get(name) for one in dataset.versions}
        if paths and published is not None and len(paths) < published and len(paths) not in others:
            return f"it names {len(paths):,} of {published:,} files of {name}"
    return ""


def match(part: PartHeld, layout: Layout, named: Named | None, *, whole_index: bool) -> Match:
    """`whole_index`: a file that the index does not name is none of the dataset's."""
    known = named.paths.get(part.part.name, frozenset()) if named is not None else frozenset()
    if named is None or not known:
        return _by_layout(part, layout)
    found = _Rows(part, named, known)
    if not whole_index:
        told = _by_layout(part, layout, found.twice)
        return Match(
            told.files, told.whole, found.missing, found.moved, found.respelled, (), told.twice, (), told.values, told.untold
        )
    faulty = {one.path for one in part.faulty}
    unnamed = {path for path, _ in found.unnamed}
    files = part.count - len(found.twice) - len(unnamed)
    at_fault = len(faulty - unnamed - set(found.twice))
    values, untold = found.values(layout, faulty)
    return Match(
        files, files - at_fault, found.missing, found.moved, found.respelled, tuple(found.unnamed), tuple(found.twice),
        tuple(found.unsure), values, untold,
    )  # fmt: skip


class _Rows:
    """Which row of the index has its file: by its path, else by its name where no other row has that name."""

    def __init__(self, part: PartHeld, named: Named, known: frozenset[str]) -> None:
        self._part, self._known = part, known
        self.moved: dict[str, str] = {}
        self.respelled: dict[str, str] = {}
        self.unnamed: list[tuple[str, int]] = []
        self.twice: list[str] = []
        self.unsure: list[str] = []
        self._gone = set(known)
        left: list[tuple[str, int]] = []
        for path, size in part.files():
            row = named.row(part.part.name, path)
            if row not in self._gone:
                left.append((path, size))
                continue
            self._gone.discard(row)
            if row != path:
                self.respelled[path] = row
        self._open: set[str] = set()  # rows of which nobody can say whether they are here
        if left:
            self._by_name(left)
        self.missing = tuple(sorted(self._gone - self._open))

    def _by_name(self, left: Iterable[tuple[str, int]]) -> None:
        names = Counter(map(_name, self._known))
        gone: dict[str, list[str]] = {}
        for row in self._gone:
            gone.setdefault(_name(row), []).append(row)
        astray = set(self._part.astray)
        groups: dict[str, list[tuple[str, int]]] = {}
        for path, size in left:
            groups.setdefault(_name(path), []).append((path, size))
        for name, files in groups.items():
            # In a folder as published only a name that is this file's alone tells that it was moved there.
            moving = {path for path, _ in files if path in astray or (names[name] == 1 and name in gone)}
            self.unnamed += [file for file in files if file[0] not in moving or not names[name]]
            loose = sorted(moving)
            rows = sorted(gone.get(name, ()))
            if not names[name] or not loose:
                continue
            if len(loose) < len(rows):
                self.unsure += loose
                self._open |= set(rows)
                continue
            self._gone.difference_update(rows)
            self.twice += loose[len(rows) :]
            if len(rows) == 1:
                self.moved[loose[0]] = rows[0]

    def values(self, layout: Layout, faulty: set[str]) -> tuple[Values, Mapping[str, int]]:
        """Files without a fault by the values of their fields, each at the place the index gives it."""
        counted = _counted(self._part)
        if not counted:
            return {}, {}
        values: dict[str, Counter[str]] = {name: Counter() for name in counted}
        at_fault = {self.moved.get(path) or self.respelled.get(path) or path for path in faulty}
        for row in self._known - self._gone - at_fault:
            for name, value in (layout.of_path(row) or {}).items():
                if name in counted:
                    values[name][counted[name].get(value.lower(), value)] += 1
        unsure = sum(path not in faulty for path in self.unsure)
        return values, dict.fromkeys(counted, unsure) if unsure else {}


def _by_layout(part: PartHeld, layout: Layout, doubled: Iterable[str] | None = None) -> Match:
    """What names and folders alone tell."""
    faulty = {one.path for one in part.faulty}
    twice = list(doubled) if doubled is not None else _doubled(part)
    files = part.count - len(twice)
    values = {name: Counter(held) for name, held in part.values.items()}
    untold: Counter[str] = Counter()
    counted = _counted(part)
    if part.astray and counted:
        for path in set(part.astray) - faulty - set(twice):
            fields = layout.of_name(path.rpartition("/")[2]) or {}
            for name in counted:
                if name in fields:
                    values.setdefault(name, Counter())[counted[name].get(fields[name].lower(), fields[name])] += 1
                else:
                    untold[name] += 1
    missing = (layout.text,) if not part.count and not layout.fields and "*" not in layout.text else None
    return Match(files, files - len(faulty - set(twice)), missing, twice=tuple(twice), values=values, untold=untold)


def _doubled(part: PartHeld) -> list[str]:
    """Files out of place whose name stands in its place as well, or before them out of place."""
    if not part.astray:
        return []
    astray = set(part.astray)
    seen = {_name(path) for path, _ in part.files() if path not in astray}
    twice = []
    for path in sorted(astray):
        if (name := _name(path)) in seen:
            twice.append(path)
        seen.add(name)
    return twice


def _counted(part: PartHeld) -> dict[str, dict[str, str]]:
    """The fields by which files are counted, and their values in small letters -> as published."""
    return {each.field: {value.lower(): value for value in each.counts} for each in part.part.each}


def _name(path: str) -> str:
    return folded(path.rpartition("/")[2])
