"""What a dataset holds, to be filtered, searched, counted and sorted: an index of one snapshot, made once."""

from __future__ import annotations

import math
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from motet.dataset.folder import Dataset
from motet.dataset.snapshot import Snapshot, live
from motet.errors import UserError
from motet.explorer.counting import binned, edges, shown
from motet.explorer.judged import VERDICTS, Judged, Judgements
from motet.explorer.shelf import MANY, RANGES, Coded, Mask, Numbers, Shelf, fold, place_of

__all__ = ["Asked", "Index", "asked_of"]

MOST_WORDS = 20
LONGEST = 1000  # characters that are searched for
MOST_FILTERS = 500
Answer = TypeVar("Answer")
KEPT, KEPT_ROWS = 32, 4_000_000  # answers that are remembered: so many, of together so many rows

FACETS = {
    "state": "State",
    "kind": "Kind",
    "split": "Split",
    "judged": "Judged",
    "source": "Source",
    "artist": "Artist",
    "key": "Key",
    "metre": "Metre",
    "tempo": "Tempo",
    "seconds": "Length",
    "loudness": "Loudness",
    "instrument": "Instrument",
    "tag": "Tag",
    "stage": "Stage",
    "reason": "Reason",
    "licence": "Licence",
}
UNITS = {"tempo": "BPM", "seconds": "s", "loudness": "LUFS"}
SORTS = {
    "path": "Path",
    "title": "Title",
    "artist": "Artist",
    "tempo": "Tempo",
    "seconds": "Length",
    "loudness": "Loudness",
    "key": "Key",
    "shuffled": "Shuffled",
}


@dataclass(frozen=True)
class Asked:
    """What a person wants to see: words that must all occur, filters as (facet, value) pairs, and a sort."""

    words: tuple[str, ...] = ()  # folded
    filters: tuple[tuple[str, str], ...] = ()
    sort: str = "path"

    def of(self, facet: str) -> list[str]:
        return [value for name, value in self.filters if name == facet]


def asked_of(pairs: Iterable[tuple[str, str]]) -> Asked:
    """From the pairs of a query string; raises UserError for a name that is none, a range that is none, or far too much."""
    text, sort = [], "path"
    filters: dict[tuple[str, str], None] = {}
    for name, value in pairs:
        if name == "q":
            text.append(value)
        elif name == "sort":
            sort = value or "path"
        elif name in FACETS:
            if name in RANGES and value:
                limits(value)
            filters[name, value] = None
        else:
            raise UserError(f"There is no filter {_short(name)}; there are q, sort, {', '.join(FACETS)}.")
    if sort.removeprefix("-") not in SORTS:
        raise UserError(f"There is no sort {_short(sort)}; there are {', '.join(SORTS)}, each with - before it for the reverse.")
    if sum(map(len, text)) > LONGEST:
        raise UserError(f"Search for fewer words: at most {LONGEST:,} characters.")
    words = tuple(dict.fromkeys(words_of(" ".join(text))))
    if sum(map(len, words)) > LONGEST or len(words) > MOST_WORDS:
        raise UserError(f"Search for fewer words: at most {MOST_WORDS} of together {LONGEST} characters.")
    if len(filters) > MOST_FILTERS:
        raise UserError(f"These are too many filters: at most {MOST_FILTERS}.")
    return Asked(words, tuple(filters), sort)


def words_of(text: str) -> list[str]:
    """What is searched for, folded: words, and phrases in quotes."""
    found = re.findall(r'"([^"]+)"|([^\s"]+)', fold(text))
    return [one for phrase, word in found if (one := (phrase or word).strip())]


def limits(text: str) -> tuple[float, float]:
    """The ends of a range: "100..120", "100..", "..120"; raises UserError for another text."""
    first, dots, last = text.partition("..")
    try:
        low, high = float(first) if first.strip() else -math.inf, float(last) if last.strip() else math.inf
        if dots and (first.strip() or last.strip()) and not math.isnan(low) and not math.isnan(high):
            return low, high
    except ValueError:
        pass
    raise UserError(f"{_short(text)} is no range: write 100..120, 100.. or ..120.")


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…").encode("utf-8", "replace").decode()


class Index:
    """All there is to look at in a dataset's live snapshot, as it was when the index was made.

    Safe among threads. Raises UserError when a table is damaged; a dataset without a finished run has no rows.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        found, self._shelf = _shelf(dataset)
        self.finished = found is not None
        self.snapshot = found.number if found else 0
        self._edges = {name: edges(self._shelf.figures[name]) for name in RANGES}
        most = max(2, min(KEPT, KEPT_ROWS // max(self._shelf.size, 1)))
        self._words: _Kept[Mask] = _Kept(2 * most)
        self._lists: _Kept[Numbers] = _Kept(most)
        self._counts: _Kept[dict[str, Any]] = _Kept(KEPT)
        self._judgements = Judgements(dataset, self._shelf)

    def close(self) -> None:
        self._shelf.close()

    def about(self) -> dict[str, Any]:
        """Facets of which the dataset has any, and sorts, as the page needs to know them.

        A range has `edges`: the limits of its bins, whatever is filtered; the last lies above every figure.
        """
        facets = []
        for name in self._facets():
            kind = "range" if name in RANGES else "many" if name in MANY else "one"
            facet: dict[str, Any] = {"name": name, "label": FACETS[name], "kind": kind, "unit": UNITS.get(name, "")}
            facets.append(facet | ({"edges": self._edges[name]} if kind == "range" else {}))
        sorts = [{"name": name, "label": label} for name, label in SORTS.items()]
        note = "" if self.finished else "This dataset has no finished run yet: run its build to the end, and it fills."
        told = {"snapshot": self.snapshot, "finished": self.finished, "total": self._shelf.size}
        return {**told, "facets": facets, "sorts": sorts, "note": note or self._judgements.look().trouble}

    def find(self, asked: Asked) -> dict[str, Any]:
        """How many rows there are, and how many under each value of each facet."""
        judged = self._judgements.look()
        return self._counts.get((replace(asked, sort=""), judged.version), lambda: self._find(asked, judged))

    def rows(self, asked: Asked, offset: int = 0, limit: int = 100) -> list[dict[str, Any]]:
        """The rows from `offset` on, in the order asked for."""
        judged = self._judgements.look()
        found = self._numbers(asked, judged)
        return self._told(found[max(offset, 0) : max(offset, 0) + max(limit, 0)], judged)

    def count(self, asked: Asked) -> int:
        """How many rows there are, without any facet."""
        return len(self._numbers(asked, self._judgements.look()))

    def row(self, id: str) -> dict[str, Any] | None:
        """One row, with its `source` and `lineage`; None where there is none of this id."""
        number = self._shelf.number(id)
        return None if number is None else self._told([number], self._judgements.look(), ("source", "lineage"))[0]

    def everything(self, most: int) -> list[dict[str, Any]]:
        """At most so many examples, drawn so that every source has its turn before any has two, and as many of what did not
        make it; in order of path. Each has `licence`, `search` (folded text), `lot` (to shuffle by), `source` and `lineage`."""
        numbers = self._shelf.drawn(most)
        judged, more = self._judgements.look(), ("source", "lineage", "licence", "search", "lot")
        # Few at a time: the list of them is part of the SQL.
        return [row for n in range(0, len(numbers), 1000) for row in self._told(numbers[n : n + 1000], judged, more)]

    def mark(self, id: str, verdict: str) -> None:
        """This row is judged so from now on: "good", "bad", or "" for not."""
        number = self._shelf.number(id)
        if number is not None:
            self._judgements.mark(number, verdict)

    # --- which rows ---

    def _numbers(self, asked: Asked, judged: Judged) -> Numbers:
        version = judged.version if asked.of("judged") else -1
        return self._lists.get((asked, version), lambda: self._listed(asked, judged))

    def _listed(self, asked: Asked, judged: Judged) -> Numbers:
        masks = (self._mask(name, asked.of(name), judged) for name in FACETS if asked.of(name))
        mask = _all([*self._holding(asked.words), *masks])
        order = self._shelf.order(asked.sort)
        return order if mask is None else order[mask[order]]

    def _holding(self, words: Iterable[str]) -> Iterator[Mask]:
        for word in words:
            yield self._words.get(word, lambda word=word: self._shelf.holding(word))  # type: ignore[misc]

    def _mask(self, name: str, values: list[str], judged: Judged) -> Mask:
        """Which rows have one of the values, or all of them where a row has several; "" is for a row that has none."""
        if name in RANGES:
            return _any([_within(self._shelf.figures[name], value) for value in values])
        if name in MANY:
            both: Mask = np.logical_and.reduce([self._with(name, value) for value in values])
            return both
        coded = self._coded(name, judged)
        wanted = np.zeros(max(len(coded.values), 1), np.bool_)
        wanted[[place for value in values if (place := place_of(coded.values, value)) is not None]] = True
        return wanted[coded.codes]

    def _with(self, name: str, value: str) -> Mask:
        listed = self._shelf.listed[name]
        mask = np.zeros(self._shelf.size, np.bool_)
        if not value:
            mask[listed.rows] = True
            return ~mask
        if (place := place_of(listed.values, value)) is not None:
            mask[listed.rows[listed.codes == place]] = True
        return mask

    # --- how many ---

    def _facets(self) -> list[str]:
        return [name for name in FACETS if self._has(name)]

    def _has(self, name: str) -> bool:
        if name == "judged":
            return self._shelf.size > 0
        if name in RANGES:
            return bool(self._edges[name])
        return any(self._shelf.listed[name].values if name in MANY else self._shelf.coded[name].values)

    def _coded(self, name: str, judged: Judged) -> Coded:
        return Coded(VERDICTS, judged.codes) if name == "judged" else self._shelf.coded[name]

    def _find(self, asked: Asked, judged: Judged) -> dict[str, Any]:
        words = list(self._holding(asked.words))
        masks = {name: self._mask(name, asked.of(name), judged) for name in FACETS if asked.of(name)}
        total = _all([*words, *masks.values()])
        facets = {}
        for name in self._facets():
            own = name in masks and name not in MANY
            among = _all([*words, *(mask for other, mask in masks.items() if other != name)]) if own else total
            facets[name] = self._counted(name, asked.of(name), among, judged)
        size = self._shelf.size
        return {"total": size if total is None else int(np.count_nonzero(total)), "all": size, "facets": facets}

    def _counted(self, name: str, chosen: list[str], among: Mask | None, judged: Judged) -> dict[str, Any]:
        if name in RANGES:
            figures = self._shelf.figures[name]
            return binned(figures if among is None else figures[among], self._edges[name])
        if name in MANY:
            listed = self._shelf.listed[name]
            codes = listed.codes if among is None else listed.codes[among[listed.rows]]
            bare = self._with(name, "")
            none = np.count_nonzero(bare if among is None else bare & among)
            counts = np.bincount(codes, minlength=len(listed.values))
            return shown(["", *listed.values], np.concatenate([[none], counts]), chosen)
        coded = self._coded(name, judged)
        codes = coded.codes if among is None else coded.codes[among]
        return shown(coded.values, np.bincount(codes, minlength=len(coded.values)), chosen)

    def _told(self, numbers: Any, judged: Judged, more: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        rows = self._shelf.rows(numbers, more)
        for row, number in zip(rows, numbers, strict=True):
            row["judged"] = VERDICTS[judged.codes[number]]
        return rows


class _Kept(Generic[Answer]):
    """The last answers to questions, by what was asked. Safe among threads; two that ask at once may both find out."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: OrderedDict[Hashable, Answer] = OrderedDict()
        self._turn = threading.Lock()

    def get(self, asked: Hashable, find: Callable[[], Answer]) -> Answer:
        with self._turn:
            if asked in self._answers:
                self._answers.move_to_end(asked)
                return self._answers[asked]
        found = find()
        with self._turn:
            self._answers[asked] = found
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        return found


def _all(masks: Iterable[Mask]) -> Mask | None:
    """Where all hold; None where there are none, which means everywhere."""
    found: Mask | None = None
    for mask in masks:
        found = mask if found is None else found & mask
    return found


def _any(masks: list[Mask]) -> Mask:
    found: Mask = np.logical_or.reduce(masks)
    return found


def _within(figures: npt.NDArray[np.float64], value: str) -> Mask:
    if not value:
        return np.isnan(figures)
    low, high = limits(value)
    return (figures >= low) & (figures < high)


def _shelf(dataset: Dataset) -> tuple[Snapshot | None, Shelf]:
    """The dataset's snapshot and its rows. One that a build replaces while it is read is read anew."""
    while True:
        found = dataset.snapshot if dataset.tag else live(dataset.folder)
        try:
            return found, Shelf(found)
        except UserError:
            now = None if dataset.tag else live(dataset.folder)
            if now is None or found is None or now.number == found.number:
                raise
