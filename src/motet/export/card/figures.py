"""What a card counts of examples, in one pass over them: a few kilobytes are held for each fact, whatever their number."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from motet.export.card.plots import nice
from motet.export.example import SPLITS, Example, Split
from motet.export.licences import Combined, Tally

__all__ = ["Captions", "Counts", "Distinct", "Histogram", "Measured", "Sample", "SplitLine", "measure"]

_MOST_BINS = 24
_MOST_LABELS = 200_000  # different words of one fact that are counted; what comes after is counted as left out
_TITLES = {
    "keys": "Keys", "metres": "Metres", "instruments": "Instruments", "genres": "Genres", "moods": "Moods", "tags": "Tags",
}  # fmt: skip
_WORDS = ("instruments", "genres", "moods", "tags")


@dataclass(frozen=True)
class Histogram:
    """How one number spreads. `edges` are one more than `counts`; the outer bins hold what lies beyond, too (`beyond`)."""

    name: str
    title: str
    axis: str  # what it is, and its unit
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int = 0  # examples that do not have it
    low: float = 0.0  # percentiles 5, 50 and 95
    median: float = 0.0
    high: float = 0.0
    smallest: float = 0.0
    largest: float = 0.0
    beyond: int = 0

    @property
    def n(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True)
class Counts:
    """How often each word of a fact is there, the commonest first. `several` says that one example can have more than one."""

    name: str
    title: str
    rows: tuple[tuple[str, int], ...]
    n: int  # examples that have any
    missing: int = 0
    several: bool = False


@dataclass(frozen=True)
class Captions:
    """What there is to read. Four-grams are runs of four words; `exact` is False where distinct ones are estimated (0.1 %)."""

    count: int = 0
    without: int = 0  # examples
    words: int = 0
    distinct: int = 0
    fourgrams: int = 0
    distinct_fourgrams: int = 0
    exact: bool = True
    forms: tuple[tuple[str, int], ...] = ()
    lengths: Histogram = Histogram("lengths", "How long the captions are", "words in a caption", (0.0, 1.0), (0,))


@dataclass(frozen=True)
class SplitLine:
    split: Split
    examples: int
    songs: int
    seconds: float


@dataclass(frozen=True)
class Sample:
    """An example to show what they are like."""

    id: str
    title: str
    artist: str
    path: str
    caption: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Measured:
    """All that was counted. `voices`: in how many examples there is a mix, stems, MIDI, film, captions."""

    examples: int
    songs: int
    seconds: float
    voices: tuple[tuple[str, int], ...]
    splits: tuple[SplitLine, ...]
    songs_across: int  # songs with examples in more than one split
    histograms: tuple[Histogram, ...]
    counts: tuple[Counts, ...]
    captions: Captions
    licences: Combined
    samples: tuple[Sample, ...] = ()


@dataclass
class Distinct:
    """Counts distinct texts: exactly up to `most`, then from the smallest hashes (Bar-Yossef et al. 2002), to about 1/√most."""

    most: int = 1 << 20
    _kept: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    _new: list[int] = field(default_factory=list)
    _cut: bool = False

    def add(self, text: str) -> None:
        self._new.append(int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big"))
        if len(self._new) >= 1 << 17:
            self._merge()

    def _merge(self) -> None:
        self._kept = np.union1d(self._kept, np.array(self._new, np.uint64))
        self._new.clear()
        if len(self._kept) > self.most:
            self._kept, self._cut = self._kept[: self.most].copy(), True

    @property
    def hashes(self) -> npt.NDArray[np.uint64]:
        self._merge()
        return self._kept

    @property
    def exact(self) -> bool:
        self._merge()
        return not self._cut

    @property
    def number(self) -> int:
        kept = self.hashes
        return len(kept) if self.exact else round((self.most - 1) / ((float(kept[-1]) + 1) / 2.0**64))


def measure(examples: Iterable[Example], *, samples: int = 3) -> Measured:
    """Counts all examples. What is hostile in them stays as it is: who writes it down must mind that."""
    numbers: dict[str, Counter[int]] = {"durations": Counter(), "tempi": Counter()}
    words: dict[str, Counter[str]] = {name: Counter() for name in _TITLES}
    having: Counter[str] = Counter()
    voices: Counter[str] = Counter()
    tally, reading = Tally(), _Reading()
    songs = {split: Distinct() for split in SPLITS}
    every, totals, lengths = Distinct(), Counter[Split](), dict.fromkeys(SPLITS, 0.0)
    shown: list[tuple[bytes, Sample]] = []
    number = 0
    for one in examples:
        number += 1
        totals[one.split] += 1
        lengths[one.split] += one.seconds
        songs[one.split].add(one.song)
        every.add(one.song)
        tally.add(one.licences)
        reading.add(one)
        voices.update(name for name, there in _voices(one) if there)
        for name, value in (("durations", one.seconds), ("tempi", one.facts.get("tempo"))):
            if isinstance(value, int | float) and math.isfinite(value) and 0 <= value < 1e7:
                numbers[name][round(value * 10)] += 1
        for name, told in (("keys", one.facts.get("key")), ("metres", one.facts.get("metre"))):
            _count(words[name], [told] if told else [], having, name)
        for name in _WORDS:
            _count(words[name], one.facts.get(name) or [], having, name)
        mark = blake2b(one.id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        if samples and (len(shown) < samples or mark < shown[-1][0]):
            shown = sorted([*shown, (mark, _sample(one))], key=lambda pair: (pair[0], pair[1].id))[:samples]
    return Measured(
        examples=number,
        songs=every.number,
        seconds=sum(lengths.values()),
        voices=tuple((name, voices[name]) for name in ("mix", "stems", "midi", "video", "captions")),
        splits=tuple(SplitLine(split, totals[split], songs[split].number, lengths[split]) for split in SPLITS if totals[split]),
        songs_across=_across([songs[split].hashes for split in SPLITS]),
        histograms=(
            _spread("durations", "How long the examples are", "seconds", numbers["durations"], number),
            _spread("tempi", "How fast the music is", "tempo, beats a minute", numbers["tempi"], number),
        ),
        counts=tuple(
            Counts(name, title, tuple(_ranked(words[name])), having[name], number - having[name], name in _WORDS)
            for name, title in _TITLES.items()
        ),
        captions=reading.told(),
        licences=tally.combined(),
        samples=tuple(one for _, one in shown),
    )


def _voices(one: Example) -> Sequence[tuple[str, bool]]:
    return (
        ("mix", one.mix is not None), ("stems", bool(one.stems)), ("midi", one.midi is not None),
        ("video", one.video is not None), ("captions", bool(one.captions)),
    )  # fmt: skip


def _count(into: Counter[str], told: object, having: Counter[str], name: str) -> None:
    texts = {text for text in told if isinstance(text, str) and text} if isinstance(told, list | tuple) else set()
    having[name] += bool(texts)
    into.update(text for text in texts if text in into or len(into) < _MOST_LABELS)


def _ranked(found: Counter[str]) -> list[tuple[str, int]]:
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def _across(found: Sequence[npt.NDArray[np.uint64]]) -> int:
    together = np.concatenate([np.unique(one) for one in found])
    return int((np.unique(together, return_counts=True)[1] > 1).sum())


def _spread(name: str, title: str, axis: str, found: Counter[int], examples: int) -> Histogram:
    """Bins of a round width over all but the outermost hundredths, which are counted in the first and last bin."""
    if not found:
        return Histogram(name, title, axis, (0.0, 1.0), (0,), examples)
    values = np.array(sorted(found), np.float64) / 10
    counts = np.array([found[key] for key in sorted(found)], np.int64)
    running, total = np.cumsum(counts), int(counts.sum())

    def at(share: float) -> float:
        return float(values[int(np.searchsorted(running, share * (total - 1) + 1))])

    low, high = at(0.01), at(0.99)
    edges = nice(low, high, _MOST_BINS) if high > low else [math.floor(low), math.floor(low) + 1.0]
    if edges[-1] <= high:  # the last bin is closed below only
        edges.append(edges[-1] + edges[1] - edges[0])
    places = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    binned = np.bincount(places, counts, len(edges) - 1).astype(int).tolist()
    beyond = int(counts[(values < edges[0]) | (values >= edges[-1])].sum())
    return Histogram(
        name, title, axis, tuple(edges), tuple(binned), examples - total, at(0.05), at(0.5), at(0.95), float(values[0]),
        float(values[-1]), beyond,
    )  # fmt: skip


@dataclass
class _Reading:
    """What is counted of captions."""

    count: int = 0
    without: int = 0
    words: int = 0
    fourgrams: int = 0
    texts: Distinct = field(default_factory=Distinct)
    runs: Distinct = field(default_factory=Distinct)
    forms: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)

    def add(self, one: Example) -> None:
        self.without += not one.captions
        for index, caption in enumerate(one.captions):
            words = caption.casefold().split()
            self.count += 1
            self.lengths[10 * len(words)] += 1
            self.words += len(words)
            self.fourgrams += max(0, len(words) - 3)
            self.texts.add(caption)
            for first in range(len(words) - 3):
                self.runs.add(" ".join(words[first : first + 4]))
            self.forms[one.caption_forms[index] if index < len(one.caption_forms) else "not told"] += 1

    def told(self) -> Captions:
        distinct, runs = self.texts.number, self.runs.number
        exact = self.texts.exact and self.runs.exact
        lengths = _spread("lengths", "How long the captions are", "words in a caption", self.lengths, self.count)
        forms = tuple(_ranked(self.forms))
        return Captions(self.count, self.without, self.words, distinct, self.fourgrams, runs, exact, forms, lengths)


def _sample(one: Example) -> Sample:
    facts = [(name, one.facts.get(name)) for name in ("tempo", "key", "metre", "instruments", "genres")]
    told = tuple((name, _shown(value)) for name, value in facts if value)
    return Sample(one.id, one.title, one.artist, one.path, one.captions[0] if one.captions else "", told)


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:.1f}" if isinstance(value, float) else str(value)
