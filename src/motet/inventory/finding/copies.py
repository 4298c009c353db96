"""Which file belongs to which dataset: every file to one copy of one dataset at most."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from motet.inventory.finding.indexes import Named
from motet.inventory.finding.places import Place, below, is_below
from motet.inventory.finding.recognising import Signs
from motet.inventory.known import Part
from motet.inventory.layout import Layout
from motet.inventory.tree import Entry, Folder

__all__ = ["ALTERED", "Beside", "Claims", "Faulty", "Held", "PartHeld", "joined", "rivals"]

Troubles = Mapping[str, tuple[str, str]]
ALTERED = frozenset({"wrong_rate", "wrong_channels"})
"""What a check tells of files that are whole, and not as they were published."""
_MOST_BESIDE = 1000


@dataclass(frozen=True, slots=True)
class Faulty:
    """A file of a part that is not what it should be."""

    path: str  # below the copy's folder
    fault: str
    detail: str


@dataclass(frozen=True, slots=True)
class Beside:
    """A file in the dataset's folders that is none of its own."""

    path: str
    kind: str
    size: int


@dataclass
class PartHeld:
    """The files of one part of one copy."""

    part: Part
    names: list[tuple[str, str]] = field(default_factory=list)  # folder below the copy's, names joined by /
    sizes: list[array[int]] = field(default_factory=list)
    count: int = 0
    bytes: int = 0
    astray: list[str] = field(default_factory=list)  # paths of files in other folders than published
    faulty: list[Faulty] = field(default_factory=list)
    altered: list[Faulty] = field(default_factory=list)  # whole, and not as published: of another sample rate
    values: dict[str, Counter[str]] = field(default_factory=dict)  # field -> value -> files in place without a fault
    top: Counter[str] = field(default_factory=Counter)  # first folder -> files
    samples: list[tuple[str, int]] = field(default_factory=list)

    def files(self) -> Iterator[tuple[str, int]]:
        """Path below the copy's folder, and bytes."""
        for (folder, names), sizes in zip(self.names, self.sizes, strict=True):
            for name, size in zip(names.split("/"), sizes, strict=True):
                yield joined(folder, name), size


@dataclass
class Held:
    """All that one copy holds."""

    place: Place
    parts: dict[str, PartHeld]
    marks: set[str] = field(default_factory=set)
    beside: list[Beside] = field(default_factory=list)
    many_beside: int = 0
    archive: str = ""
    looked_at: bool = True

    def folders(self) -> Iterator[str]:
        """Those that hold files of it."""
        for part in self.parts.values():
            for folder, _ in part.names:
                yield joined(self.place.where.rstrip("/"), folder) if folder else self.place.where

    @property
    def files(self) -> int:
        return sum(part.count for part in self.parts.values())

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.parts.values())


@dataclass(frozen=True)
class _Way:
    """How files of one folder can be files of one place's part."""

    held: Held
    part: Part
    layout: Layout


class Claims:
    """Gives the files of each folder to the places above it."""

    def __init__(self, places: Iterable[Place], signs: Signs, indexes: Mapping[str, Named], troubles: Troubles) -> None:
        self._signs = signs
        self._indexes = indexes
        self._troubles = troubles
        self.held: list[Held] = []
        self._at: dict[str, list[Held]] = {}
        self._marks: dict[str, frozenset[str]] = {
            d.name: frozenset(mark for version in d.versions for mark in version.marks) for d in signs.known.values()
        }
        for place in places:
            parts = {part.name: PartHeld(part) for part in place.dataset.parts}
            held = Held(place, parts)
            self.held.append(held)
            self._at.setdefault(place.where, []).append(held)
        self.claimed: dict[str, tuple[int, int, Counter[str]]] = {}  # folder -> files, bytes, kinds

    def concerns(self, path: str) -> list[Held]:
        """The copies a folder's files may belong to, the best-founded first."""
        found, at = list(self._at.get("/", ())) if path != "/" else [], path
        while at:
            found += self._at.get(at, ())
            at = at.rpartition("/")[0]
        return sorted(found, key=_standing, reverse=True)

    def give(self, folder: Folder) -> None:
        """Give each file of the folder to the part it belongs to."""
        candidates = self.concerns(folder.path)
        if not candidates:
            return
        ways, strays = self._ways(folder, candidates), self._strays(folder, candidates)
        paths = {id(held): below(folder.path, held.place.where) for held in candidates}
        taken: dict[tuple[int, str], tuple[_Way, bool, list[Entry]]] = {}
        left: list[Entry] = []
        for entry in folder.files:
            name = entry.name
            way, astray = self._claimant(name, candidates, ways, strays, paths)
            if way is None:
                left.append(entry)
                continue
            key = (id(way.held) * 2 + astray, way.part.name)
            if key not in taken:
                taken[key] = (way, astray, [])
            taken[key][2].append(entry)
        for held in candidates:
            if marks := self._marks[held.place.dataset.name]:
                rel = paths[id(held)]
                held.marks |= {path for e in folder.files if (path := joined(rel, e.name)) in marks}
                # a mark may be a folder as well
                held.marks |= {mark for mark in marks if rel == mark.rstrip("/") or rel.startswith(mark.rstrip("/") + "/")}
        for way, astray, entries in taken.values():
            self._keep(folder, way, astray, entries, paths[id(way.held)])
        self._beside(folder, left, candidates, taken.values(), ways, paths)

    def _ways(self, folder: Folder, candidates: Iterable[Held]) -> list[tuple[_Way, str]]:
        """Layouts whose folders are those of this folder, with the path before a name."""
        found = []
        for held in candidates:
            rel = below(folder.path, held.place.where)
            steps = rel.split("/") if rel else []
            for part in held.place.dataset.parts:
                layout = self._signs.layouts[held.place.dataset.name, part.name]
                if layout.depth == len(steps) and all(
                    step.fullmatch(text) for step, text in zip(layout.steps, steps, strict=False)
                ):
                    found.append((_Way(held, part, layout), f"{rel}/" if rel else ""))
        # Before names that are anybody's come those that tell, whatever else is known of the places.
        return sorted(found, key=lambda one: not one[0].part.telling)

    def _strays(self, folder: Folder, candidates: Iterable[Held]) -> list[_Way]:
        return [
            _Way(held, part, self._signs.layouts[held.place.dataset.name, part.name])
            for held in candidates
            for part in held.place.dataset.parts
            if part.telling
        ]

    def _claimant(
        self,
        name: str,
        candidates: Iterable[Held],
        ways: Iterable[tuple[_Way, str]],
        strays: Iterable[_Way],
        paths: Mapping[int, str],
    ) -> tuple[_Way | None, bool]:
        for way, before in ways:
            if way.layout.whole.fullmatch(before + name):
                return way, False
        for held in candidates:
            named = self._indexes.get(held.place.index)
            if named is not None:
                path = joined(paths[id(held)], name)
                for part in named.paths:
                    if named.row(part, path):
                        dataset = held.place.dataset
                        return _Way(held, dataset.part(part), self._signs.layouts[dataset.name, part]), False
        for way in strays:
            if way.layout.steps[-1].fullmatch(name):
                return way, True
        return None, False

    def _keep(self, folder: Folder, way: _Way, astray: bool, entries: list[Entry], rel: str) -> None:
        part = way.held.parts[way.part.name]
        part.names.append((rel, "/".join(entry.name for entry in entries)))
        part.sizes.append(array("q", (entry.size for entry in entries)))
        part.count += len(entries)
        part.bytes += sum(entry.size for entry in entries)
        part.top[rel.partition("/")[0]] += len(entries)
        way.held.archive = way.held.archive or folder.archive
        counted = {each.field: {value.lower(): value for value in each.counts} for each in way.part.each}
        before = f"{rel}/" if rel else ""
        for entry in entries:
            fault, detail = str(entry.fault), entry.detail
            if not fault and self._troubles and (trouble := self._troubles.get(f"{folder.path.rstrip('/')}/{entry.name}")):
                fault, detail = trouble
            if fault in ALTERED:
                part.altered.append(Faulty(before + entry.name, fault, detail))
            elif fault:
                part.faulty.append(Faulty(before + entry.name, fault, detail))
                continue
            if counted and not astray:
                fields = way.layout.of_path(before + entry.name) or way.layout.of_name(entry.name) or {}
                for one in counted.keys() & fields.keys():
                    part.values.setdefault(one, Counter())[counted[one].get(fields[one].lower(), fields[one])] += 1
        if astray:
            part.astray += [before + entry.name for entry in entries]
        for entry in entries[:: max(1, len(entries) // 3)]:
            if not entry.fault and len(part.samples) < 2000:
                part.samples.append((before + entry.name, entry.size))
        files, size, kinds = self.claimed.get(folder.path, (0, 0, Counter()))
        kinds.update(entry.kind for entry in entries)
        self.claimed[folder.path] = (files + len(entries), size + sum(entry.size for entry in entries), kinds)

    def _beside(
        self,
        folder: Folder,
        left: list[Entry],
        candidates: list[Held],
        taken: Iterable[tuple[_Way, bool, list[Entry]]],
        ways: list[tuple[_Way, str]],
        paths: Mapping[int, str],
    ) -> None:
        """Files that nothing knows lie beside the copy that owns most of their folder, or whose layout has the folder."""
        owners = Counter[int]()
        for way, _, entries in taken:
            owners[id(way.held)] += len(entries)
        fitting = [way.held for way, _ in ways if way.held.place.hits or way.held.place.index]
        owner = next((h for h in candidates if owners and id(h) == owners.most_common(1)[0][0]), None)
        if owner is None and fitting:
            owner = fitting[0]
        if owner is None or not left:
            return
        rel = paths[id(owner)]
        owner.many_beside += len(left)
        room = _MOST_BESIDE - len(owner.beside)
        owner.beside += [Beside(joined(rel, e.name), e.kind, e.size) for e in left[: max(0, room)]]


def joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _standing(held: Held) -> tuple[bool, bool, bool, int, bool, int]:
    """How well founded it is that a dataset lies here. More of one that others are parts of comes last: the whole of it."""
    place = held.place
    counts = [part.count for part in place.dataset.parts if part.count and part.required]
    expected = sum(counts)
    return (
        place.placed > 0,
        bool(place.index),
        place.named,
        len(place.where),
        expected == place.hits,
        expected,
    )


def rivals(places: Iterable[Place]) -> list[Place]:
    """Each place with the datasets whose files have the same names: nothing but the names speaks for any of them."""
    every = list(places)
    return [
        replace(
            place,
            rivals=tuple(
                sorted(
                    other.dataset.name
                    for other in every
                    if other.dataset.name != place.dataset.name
                    and is_below(other.where, place.where)
                    and other.hits == place.hits
                    and not (other.placed or other.index or other.named)
                )
            ),
        )
        if not (place.placed or place.index or place.named)
        else place
        for place in every
    ]
