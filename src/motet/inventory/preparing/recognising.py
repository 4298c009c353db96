"""Which dataset a file belongs to, and where that dataset's folder begins, from paths alone."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from motet.inventory.known import Dataset, Part
from motet.inventory.layout import Layout

__all__ = ["Copies", "Place"]

_SMALL_DIFFERENCES = re.compile(r"[-_. ]")


@dataclass(frozen=True)
class Place:
    """A file as a part of a dataset: `base` is the path of the dataset's folder, `inner` the file's path below it."""

    dataset: Dataset
    part: Part
    base: str
    inner: str
    fields: Mapping[str, str]
    whole: bool  # False where only its name fits: in a folder that is not the layout's


@dataclass(frozen=True)
class _Shape:
    dataset: Dataset
    part: Part
    layout: Layout
    by_name: bool  # its name alone tells all its labels


@dataclass
class Copies:
    """Datasets under some paths. Every path is shown first to `see`, then any path's place is asked with `place`."""

    known: Mapping[str, Dataset]
    _shapes: dict[str, list[_Shape]] = field(default_factory=lambda: defaultdict(list), init=False)
    _votes: Counter[tuple[str, str]] = field(default_factory=Counter, init=False)  # (dataset, base) -> telling files
    _tables: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set), init=False)  # file name -> paths seen
    _folders: dict[str, frozenset[str]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for dataset in self.known.values():
            self._folders[dataset.name] = frozenset(map(_plain, (dataset.name, *dataset.folders)))
            named = {label.field for label in dataset.labels.values() if label.field}
            by_column = any(label.column for label in dataset.labels.values())
            for part in dataset.parts:
                if part.kind not in ("midi", "audio"):
                    continue
                layout = dataset.layout(part)
                last = Layout.parse(part.files.rpartition("/")[2], dataset.fields)
                by_name = part.telling and bool(named) and not by_column and named <= set(last.fields)
                ending = part.files.rpartition(".")[2].lower()
                self._shapes["" if "{" in ending or "*" in ending else ending].append(_Shape(dataset, part, layout, by_name))
            if dataset.index is not None:
                self._tables[_name(dataset.index.file).lower()]  # a name worth remembering

    def see(self, path: str) -> None:
        """Count a path. Equal for any order of paths."""
        name = _name(path).lower()
        if name in self._tables:
            self._tables[name].add(path)
        for place in self._candidates(path):
            if place.part.telling:
                self._votes[place.dataset.name, place.base] += 1

    def place(self, path: str) -> Place | None:
        """The dataset this file belongs to, or None. Of several the one whose layout fits wholly, then the best attested."""
        best: Place | None = None
        most: tuple[bool, bool, bool, int] = (False, False, False, -1)
        for place in self._candidates(path):
            attested = self._attested(place)
            if not place.part.telling and not any(attested):
                continue
            weight = (place.whole, *attested[:2], attested[2])
            if weight > most:
                best, most = place, weight
        return best

    def bases(self) -> list[tuple[Dataset, str]]:
        """Every dataset with each folder in which telling files of it were seen, or its index."""
        found = {(name, base) for name, base in self._votes}
        for name, dataset in self.known.items():
            if dataset.index is not None:
                below = f"/{dataset.index.file}"
                paths = self._tables[_name(dataset.index.file).lower()]
                found |= {(name, f"/{path}".removesuffix(below)[1:]) for path in paths if f"/{path}".endswith(below)}
        return [(self.known[name], base) for name, base in sorted(found)]

    def index(self, dataset: Dataset, base: str) -> str | None:
        """The path of a dataset's index below this base, if it was seen."""
        if dataset.index is None:
            return None
        path = f"{base}/{dataset.index.file}" if base else dataset.index.file
        return path if path in self._tables[_name(path).lower()] else None

    def _attested(self, place: Place) -> tuple[bool, bool, int]:
        usual = _plain(_name(place.base).removesuffix("!").removesuffix(".zip")) in self._folders[place.dataset.name]
        return self.index(place.dataset, place.base) is not None, usual, self._votes[place.dataset.name, place.base]

    def _candidates(self, path: str) -> Iterator[Place]:
        steps = path.split("/")
        for shape in (*self._shapes.get(steps[-1].rpartition(".")[2].lower(), ()), *self._shapes.get("", ())):
            fields = shape.layout.of_name(steps[-1])
            if fields is None:
                continue
            at = len(steps) - shape.layout.depth - 1
            inner = "/".join(steps[max(at, 0) :])
            found = shape.layout.of_path(inner) if at >= 0 else None
            if found is not None:
                yield Place(shape.dataset, shape.part, "/".join(steps[:at]), inner, found, True)
            elif shape.by_name:
                yield Place(shape.dataset, shape.part, "/".join(steps[:-1]), steps[-1], fields, False)


def seen(paths: Iterable[str], known: Mapping[str, Dataset]) -> Copies:
    """The copies of known datasets among these paths."""
    copies = Copies(known)
    for path in paths:
        copies.see(path)
    return copies


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _plain(name: str) -> str:
    return _SMALL_DIFFERENCES.sub("", name.lower())
