"""What to download: the fewest bytes that give what is wanted, and what must be there first."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from motet.errors import UserError
from motet.inventory.fetching import credentials, space
from motet.inventory.fetching.layouts import matches
from motet.inventory.known import Dataset, Download
from motet.wording import size

_MOST_PARTS = 12  # beyond them the best choice takes too long, and a good one is made
_Cost = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Way:
    """One download with its mirrors, first choice first."""

    name: str
    sources: tuple[Download, ...]
    gives: tuple[str, ...]
    bytes: int | None

    @property
    def by_hand(self) -> bool:
        return self.sources[0].kind == "manual"


@dataclass(frozen=True)
class Plan:
    """What a fetch will do. Holds no secrets."""

    dataset: Dataset
    to: Path  # the folder given
    folder: Path  # the dataset's own, below it
    wanted: tuple[str, ...]  # names of parts
    ways: tuple[Way, ...]  # downloads that run by themselves
    by_hand: tuple[Download, ...]  # what a person must get, with the steps
    bytes: int | None  # of all downloads together, None where one is unknown
    at_least: int  # of those that are known
    space: int  # bytes of disk while it runs: downloads and what they unpack to, as far as known
    free: int
    lacking: tuple[str, ...]  # sentences: credentials that must be there first
    present: Mapping[str, int] = field(default_factory=dict)  # wanted part -> files already in the folder

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a person should know before it starts."""
        told = []
        for way in self.ways:
            much = size(way.bytes) if way.bytes is not None else "a size that nobody published"
            told.append(f"{way.name}: {much} from {origin(way.sources[0])}, gives {', '.join(way.gives)}.")
        for download in self.by_hand:
            told.append(f"{download.name} must be got by hand from {bare(download.url)}.")
            told += download.steps
        return (*told, *self.lacking)


def plan(
    dataset: Dataset,
    parts: Sequence[str] | None,
    to: Path,
    environment: Mapping[str, str] | None = None,
    *,
    called: str = "",
) -> Plan:
    """Plan to fetch some parts, or all required ones, into a folder of `to` that is called as the dataset usually is.

    `called` is the name of a folder that is there already, or is expected, under another name.
    Nothing is asked of any server. Raises UserError where no download gives a part, or the folder cannot be one.
    """
    surroundings = os.environ if environment is None else environment
    wanted = _wanted(dataset, parts)
    chosen = _choose(dataset, wanted, surroundings)
    ways = tuple(way for way in chosen if not way.by_hand)
    sizes = [way.bytes for way in ways]
    lacking = []
    for way in ways:
        first = way.sources[0]
        if credentials.needs(first) and credentials.authorization(first, surroundings) is None:
            where = f"https://huggingface.co/datasets/{first.dataset}" if first.kind == "huggingface" else ""
            terms = f", and accept the terms on {where}" if where else ""
            service = "Kaggle" if first.kind == "kaggle" else "Hugging Face"
            lacking.append(
                f"{dataset.name} comes from {service}, which wants to know who asks: {credentials.NEEDED[first.kind]}{terms}."
            )
    folder = to.expanduser().absolute() / (called or _folder_name(dataset))
    if folder.is_symlink():
        raise UserError(f"{folder} is a link: name the folder that holds what it leads to with --to.")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: name another folder with --to.")
    counts = matches(dataset, folder)
    return Plan(
        dataset=dataset,
        to=to.expanduser().absolute(),
        folder=folder,
        wanted=wanted,
        ways=ways,
        by_hand=tuple(way.sources[0] for way in chosen if way.by_hand),
        bytes=None if None in sizes else sum(filter(None, sizes)),
        at_least=sum(filter(None, sizes)),
        space=sum(needed(dataset, way) for way in ways),
        free=space.free(folder),
        lacking=tuple(dict.fromkeys(lacking)),
        present={name: counts[name] for name in wanted if counts[name]},
    )


def needed(dataset: Dataset, way: Way) -> int:
    """Bytes of disk while one download is got and unpacked, as far as known."""
    octets = way.bytes or 0
    packed = way.sources[0].unpack or way.sources[0].kind == "kaggle"
    return octets + (space.unpacked(dataset, way.gives, octets) if packed else 0)


def bare(url: str) -> str:
    """An address for people and files: without user info, query and fragment."""
    scheme, colon, rest = url.partition("://")
    if not colon:
        return url.partition("?")[0].partition("#")[0]
    host, slash, path = rest.partition("?")[0].partition("#")[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def origin(download: Download) -> str:
    """Where a download comes from, in a word."""
    if download.kind == "kaggle":
        return f"Kaggle ({download.dataset})"
    if download.kind == "huggingface":
        return f"Hugging Face ({download.dataset})"
    return bare(download.url).partition("://")[2].partition("/")[0]


def _wanted(dataset: Dataset, parts: Sequence[str] | None) -> tuple[str, ...]:
    names = [part.name for part in dataset.parts]
    if parts is None:
        return tuple(part.name for part in dataset.parts if part.required) or tuple(names)
    for part in parts:
        if part not in names:
            near = get_close_matches(part, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(names)}."
            raise UserError(f"{dataset.name} has no part called {part!r}: {hint}")
    return tuple(name for name in names if name in set(parts))


def _choose(dataset: Dataset, wanted: tuple[str, ...], environment: Mapping[str, str]) -> list[Way]:
    ways = _ways(dataset, environment)
    for part in wanted:
        if not any(part in way.gives for way in ways):
            raise UserError(f"No download is known that gives the part {part} of {dataset.name}: see {dataset.home}.")
    offers = Counter(part for way in ways for part in set(way.gives))
    chosen = [way for way in ways if any(part in wanted and offers[part] == 1 for part in way.gives)]
    open_parts = frozenset(wanted) - {part for way in chosen for part in way.gives}
    others = [way for way in ways if way not in chosen and open_parts & set(way.gives)]
    if len(open_parts) <= _MOST_PARTS:
        chosen += _cheapest(others, open_parts, environment)
    else:
        while open_parts:
            best = min(
                others,
                key=lambda way: (
                    _cost(way, environment)[:3],
                    _cost(way, environment)[3] / (len(open_parts & set(way.gives)) or 1e-9),
                ),
            )
            others.remove(best)
            if open_parts & set(best.gives):
                chosen.append(best)
            open_parts -= set(best.gives)
    # A part that stands in a chosen download already may make another one needless.
    return sorted(_without_needless(chosen, wanted), key=ways.index)


def _without_needless(chosen: list[Way], wanted: tuple[str, ...]) -> list[Way]:
    for way in sorted(chosen, key=lambda way: -(way.bytes or 0)):
        rest = {part for other in chosen if other is not way for part in other.gives}
        if set(wanted) <= rest:
            chosen = [other for other in chosen if other is not way]
    return chosen


def _cheapest(ways: list[Way], parts: frozenset[str], environment: Mapping[str, str]) -> list[Way]:
    """The set of downloads that gives all parts at the least cost: by what is covered so far, one download after another."""
    best: dict[frozenset[str], tuple[_Cost, list[Way]]] = {frozenset(): ((0, 0, 0, 0, 0), [])}
    for way in ways:
        more = _cost(way, environment)
        for covered, (cost, taken) in list(best.items()):
            after = covered | (parts & set(way.gives))
            total = (cost[0] + more[0], cost[1] + more[1], cost[2] + more[2], cost[3] + more[3], cost[4] + more[4])
            if after not in best or total < best[after][0]:
                best[after] = (total, [*taken, way])
    return best[parts][1]


def _cost(way: Way, environment: Mapping[str, str]) -> _Cost:
    """What runs by itself goes first, then what asks for no account one has not, then known sizes, then fewer bytes."""
    first = way.sources[0]
    locked = credentials.needs(first) and credentials.authorization(first, environment) is None
    return int(way.by_hand), int(locked), int(way.bytes is None), way.bytes or 0, 1


def _ways(dataset: Dataset, environment: Mapping[str, str]) -> list[Way]:
    mirrors: dict[str, list[Download]] = {}
    for download in dataset.downloads:
        mirrors.setdefault(download.name, []).append(download)

    def rank(download: Download) -> int:
        if download.kind == "manual":
            return 2
        return int(credentials.needs(download) and credentials.authorization(download, environment) is None)

    ways = []
    for name, sources in mirrors.items():
        usable = sorted(sources, key=rank)  # stable: the order of the registry among equals
        usable = [source for source in usable if rank(source) == rank(usable[0])]
        octets = next((source.bytes for source in usable if source.bytes is not None), None)
        ways.append(Way(name, tuple(usable), usable[0].gives, octets))
    return ways


def _folder_name(dataset: Dataset) -> str:
    """One of the usual names, or a later scan would call the folder renamed."""

    def folded(name: str) -> str:
        return name.lower().translate(str.maketrans("", "", "-_. "))

    usual = next((name for name in dataset.folders if folded(name) == folded(dataset.name)), "")
    name = usual or next(iter(dataset.folders), dataset.name)
    return name if name not in ("", ".", "..") and "/" not in name and "\0" not in name else dataset.name
