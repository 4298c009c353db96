"""Where datasets lie: the folders that names, an index or a folder's own name point at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from motet.inventory.finding.indexes import fits
from motet.inventory.finding.recognising import Hit, Look, Signs, plain
from motet.inventory.known import Dataset

__all__ = ["PROCESSED", "Place", "above", "below", "called", "floor", "is_processed", "places", "shared_folder"]

Read = Callable[[str, int], bytes]
Sketches = dict[tuple[str, int], frozenset[int]]  # folder below the place, sign -> sketch

PROCESSED = frozenset(
    "processed preprocessed features feature mel mels melspec melspecs melspectrogram melspectrograms spectrograms embeddings"
    " cache cached augmented resampled derived tokenized tokens".split()
)
"""Plain names of folders that hold what was made of a dataset."""


@dataclass
class Place:
    """A folder where files of one dataset were seen, before it is known which of them are its own."""

    dataset: Dataset
    where: str
    root: str
    placed: int = 0  # names in folders as published
    astray: int = 0  # names in other folders
    index: str = ""  # the path of an index that fits
    unfit: str = ""  # the path of a file that lies where its index should, and is no such index
    named: bool = False  # the folder is called as usual
    scattered: frozenset[str] = field(default_factory=frozenset)  # folders with names out of place, where few tell
    rivals: tuple[str, ...] = ()  # datasets whose files have the same names, and nothing tells them apart

    @property
    def hits(self) -> int:
        return self.placed + self.astray


def above(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def below(path: str, where: str) -> str:
    """The path of a folder below another, "" for the same."""
    return "" if path == where else path[len(where.rstrip("/")) + 1 :]


def is_below(path: str, where: str) -> bool:
    return path == where or path.startswith(where.rstrip("/") + "/")


def shared_folder(paths: Iterable[str]) -> str:
    """The deepest folder that holds all of these folders."""
    shared: list[str] | None = None
    for path in paths:
        steps = path.split("/")
        if shared is None:
            shared = steps
            continue
        same = next((at for at, (one, other) in enumerate(zip(shared, steps, strict=False)) if one != other), None)
        shared = shared[: min(len(shared), len(steps))] if same is None else shared[:same]
    return "/".join(shared or []) or "/"


def floor(look: Look) -> str:
    """The highest folder a dataset with files here can have: the root, or the archive."""
    return f"{look.archive}!" if look.archive else look.root


def called(path: str) -> str:
    """What a folder is called; the top of an archive by the archive's name."""
    name = path.rpartition("/")[2]
    if name.endswith("!"):
        name = name[:-1]
        low = name.lower()
        for suffix in (".tar.gz", ".tar.bz2", ".tgz", ".tbz2", ".tbz", ".tar", ".zip"):
            if low.endswith(suffix):
                return name[: -len(suffix)]
    return name


def is_processed(path: str, root: str) -> bool:
    """Does it lie in a folder called processed, features or the like, below the root?"""
    return any(plain(called(step)) in PROCESSED for step in below(path, root).split("/"))


def places(looks: Sequence[Look], signs: Signs, read: Read) -> list[Place]:
    """Every place where a dataset may lie. Those without files of their own are still among them."""
    found: list[Place] = []
    hits: dict[str, list[tuple[Look, str, int, Hit]]] = {}
    for look in looks:
        for number, hit in look.seen.hits.items():
            for whose, part in signs.signs[number].parts:
                hits.setdefault(whose, []).append((look, part, number, hit))
    indexed, unfit = _indexed(looks, signs, read)
    called_so = _called(looks, signs)
    for name, dataset in signs.known.items():
        usual = {plain(folder) for folder in dataset.folders}
        here = _by_names(dataset, hits.get(name, ()), signs, usual)
        for where, root, index in indexed.get(name, ()):
            place = next((p for p in here if p.where == where), None)
            if place is None:
                here.append(Place(dataset, where, root, index=index))
            else:
                place.index = index
        for where, root in called_so.get(name, ()):
            if not any(is_below(p.where, where) or is_below(where, p.where) for p in here if p.index or p.placed):
                here.append(Place(dataset, where, root, named=True))
        for place in here:
            place.named = plain(called(place.where)) in usual
            place.unfit = "" if place.index else unfit.get((name, place.where), "")
        found += here
    return found


def _indexed(
    looks: Sequence[Look], signs: Signs, read: Read
) -> tuple[dict[str, list[tuple[str, str, str]]], dict[tuple[str, str], str]]:
    """Dataset -> folder, root and path of indexes that fit; dataset and folder -> what lies there in place of one."""
    by_name: dict[str, list[Dataset]] = {}
    for dataset in signs.known.values():
        if dataset.index is not None:
            by_name.setdefault(dataset.index.file.rpartition("/")[2].lower(), []).append(dataset)
    found: dict[str, list[tuple[str, str, str]]] = {}
    unfit: dict[tuple[str, str], str] = {}
    for look in looks:
        for name, _ in look.seen.tables:
            for dataset in by_name.get(name.lower(), ()):
                assert dataset.index is not None
                where = _stripped(look, dataset.index.file.split("/")[:-1])
                path = f"{look.path.rstrip('/')}/{name}"
                if where is None:
                    continue
                if fits(path, dataset, read):
                    found.setdefault(dataset.name, []).append((where, look.root, path))
                else:
                    unfit[dataset.name, where] = path
    return found, unfit


def _stripped(look: Look, folders: Sequence[str]) -> str | None:
    """The folder that lies above these folders, None where they are called otherwise."""
    where, lowest = look.path, floor(look)
    for folder in reversed(folders):
        if where == lowest or where.rpartition("/")[2].lower() != folder.lower():
            return None
        where = above(where)
    return where


def _called(looks: Sequence[Look], signs: Signs) -> dict[str, list[tuple[str, str]]]:
    """Folders called as usual, of datasets that have parts with names that are anybody's."""
    by_name: dict[str, list[str]] = {}
    for dataset in signs.known.values():
        if not all(part.telling for part in dataset.parts):
            for folder in dataset.folders:
                by_name.setdefault(plain(folder), []).append(dataset.name)
    found: dict[str, list[tuple[str, str]]] = {}
    for where, root in _all_folders(looks):
        for name in dict.fromkeys(by_name.get(plain(called(where)), ())):
            found.setdefault(name, []).append((where, root))
    return found


def _all_folders(looks: Iterable[Look]) -> Iterable[tuple[str, str]]:
    """Those without files of their own too, which a tree need not list."""
    seen: set[str] = set()
    for look in looks:
        path, lowest = look.path, floor(look)
        while path not in seen:
            seen.add(path)
            yield path, look.root
            if path == lowest:
                break
            path = above(path)


def _by_names(dataset: Dataset, hits: Iterable[tuple[Look, str, int, Hit]], signs: Signs, usual: set[str]) -> list[Place]:
    placed: dict[str, tuple[str, int, Sketches]] = {}
    stray: dict[str, tuple[Look, int, Sketches]] = {}
    deepest = 0
    for look, part, number, hit in hits:
        layout = signs.layouts[dataset.name, part]
        deepest = max(deepest, layout.depth)
        where = _top(look, layout.depth)
        path = f"{look.path.rstrip('/')}/{hit.first}"
        if where is not None and layout.of_path(path[len(where.rstrip("/")) + 1 :]):
            root, count, sketches = placed.get(where, (look.root, 0, {}))
            sketches[below(look.path, where), number] = frozenset(hit.sketch)
            placed[where] = (root, count + hit.count, sketches)
        else:
            _, count, sketches = stray.get(look.path, (look, 0, {}))
            sketches["", number] = frozenset(hit.sketch)
            stray[look.path] = (look, count + hit.count, sketches)
    found = [Place(dataset, where, root, placed=count) for where, (root, count, _) in _joined(placed, usual).items()]
    wheres = sorted((place.where for place in found), key=len, reverse=True)
    alone: dict[str, tuple[Look, int, Sketches]] = {}
    for path, (look, count, sketches) in stray.items():
        home = next((where for where in wheres if is_below(path, where)), None)
        if home is not None:
            next(place for place in found if place.where == home).astray += count
        elif not any((below(path, where), number) in known for where, (_, _, known) in placed.items() for _, number in sketches):
            alone[path] = (look, count, sketches)
    return found + _gathered(dataset, alone, usual, deepest)


def _top(look: Look, depth: int) -> str | None:
    path, lowest = look.path, floor(look)
    for _ in range(depth):
        if path == lowest:
            return None
        path = above(path)
    return path


def _overlap(one: Sketches, other: Sketches) -> bool:
    """Do the two hold files of the same name at the same place below them?"""
    few, many = sorted((one, other), key=len)
    return any(key in many and sketch & many[key] for key, sketch in few.items())


def _joined(placed: dict[str, tuple[str, int, Sketches]], usual: set[str]) -> dict[str, tuple[str, int, Sketches]]:
    """Neighbours that share no file are one copy that was divided, as into train and test: it lies in the folder above."""
    beside: dict[str, list[str]] = {}
    for where, (root, _, _) in placed.items():
        if where != root and not where.endswith("!") and plain(called(where)) not in usual:
            beside.setdefault(above(where), []).append(where)
    result = dict(placed)
    for parent, wheres in beside.items():
        root = placed[wheres[0]][0]
        if len(wheres) < 2 or (parent == root and plain(called(parent)) not in usual):
            continue
        together: Sketches = {}
        if not _disjoint([placed[where][2] for where in wheres], together):
            continue
        count = sum(placed[where][1] for where in wheres)
        for where in wheres:
            del result[where]
        known = result.get(parent, (root, 0, {}))
        result[parent] = (root, known[1] + count, {**known[2], **together})
    return result


def _disjoint(several: Iterable[Sketches], together: Sketches) -> bool:
    for sketches in several:
        if _overlap(sketches, together):
            return False
        for key, sketch in sketches.items():
            together[key] = together.get(key, frozenset()) | sketch
    return True


def _gathered(dataset: Dataset, stray: Mapping[str, tuple[Look, int, Sketches]], usual: set[str], deepest: int) -> list[Place]:
    """Files out of place: gathered below a folder called as usual, else below the nearest folder that holds several of theirs."""
    held: dict[str, tuple[Look, int, Sketches]] = {}
    for path, (look, count, sketches) in stray.items():
        where, lowest = path, floor(look)
        while plain(called(where)) not in usual and where != lowest:
            where = above(where)
        if plain(called(where)) not in usual:
            where = path
        if where in held and _overlap(held[where][2], sketches):
            where = path  # the same files once more
        known = held.get(where, (look, 0, {}))
        merged = dict(known[2])
        for key, sketch in sketches.items():
            merged[key] = merged.get(key, frozenset()) | sketch
        held[where] = (known[0], known[1] + count, merged)
    for level in range(1, deepest + 2):
        beside: dict[str, list[str]] = {}
        for where, (look, _, _) in held.items():
            parent = _top(look if look.path == where else _moved(look, where), level)
            if parent is not None and plain(called(where)) not in usual and (level <= deepest or parent != look.root):
                beside.setdefault(parent, []).append(where)
        for parent, wheres in beside.items():
            wheres = [where for where in wheres if where in held]
            together: Sketches = dict(held[parent][2]) if parent in held else {}
            if len(wheres) + (parent in held) < 2 or not _disjoint([held[where][2] for where in wheres], together):
                continue
            first = held[wheres[0]][0]
            count = sum(held[where][1] for where in wheres) + (held[parent][1] if parent in held and parent not in wheres else 0)
            for where in wheres:
                del held[where]
            held[parent] = (first, count, together)
    return [Place(dataset, where, look.root, astray=count) for where, (look, count, _) in held.items()]


def _moved(look: Look, where: str) -> Look:
    return Look(where, look.root, look.archive if "!" in where else "", look.seen, look.stamp)
