"""Songs are put into train, validation and test: duplicates and artists stay together (`motet.export.splits`)."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

from pydantic import Field, model_validator

from motet.dataset.rows import Assigned, Credits, Duplicate, Identity, Knowledge, Row, Twin
from motet.dataset.tables import stream
from motet.export.example import SPLITS, Split
from motet.export.splits import Before, Item, assign, main_artist
from motet.run import Settings, Tools, Verdict, stage
from motet.run.keys import digest

_BYTES = re.compile(r"\bbytes [0-9a-f]{64}\b")
_ID = re.compile(r"\b[0-9a-f]{16}\b")


class AssignSplits(Settings):
    train: float = Field(default=0.9, ge=0, le=1, description="share of the clips")
    validation: float = Field(default=0.05, ge=0, le=1, description="share of the clips")
    test: float = Field(default=0.05, ge=0, le=1, description="share of the clips")
    seed: int = Field(default=0, description="draws other splits")
    remember: bool = Field(default=True, description="what had a split keeps it; false draws as if nothing had been there before")

    @model_validator(mode="after")
    def _whole(self) -> AssignSplits:
        if abs(self.train + self.validation + self.test - 1) > 1e-6:
            msg = f"train, validation and test add up to {self.train + self.validation + self.test:g}, not to 1"
            raise ValueError(msg)
        return self

    @property
    def shares(self) -> dict[Split, float]:
        given = {"train": self.train, "validation": self.validation, "test": self.test}
        return {split: given[split] for split in SPLITS if given[split] > 0}

    @property
    def draw(self) -> str:
        return digest(self.train, self.validation, self.test, self.seed)


@dataclass(frozen=True, kw_only=True)
class _Song(Row):
    """A song, made of notes or recorded."""

    table: ClassVar[str] = "songs"
    sha256: str


@dataclass(frozen=True, kw_only=True)
class _Clip(Row):
    table: ClassVar[str] = "clips"
    genres: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class _Plan(Row):
    table: ClassVar[str] = "plans"


@stage(version=1, timeout=24 * 3600)
def assign_splits(
    songs: Iterable[_Song],
    clips: Iterable[_Clip] | None,
    plans: Iterable[_Plan] | None,
    duplicates: Iterable[Duplicate] | None,
    twins: Iterable[Twin] | None,
    identities: Iterable[Identity] | None,
    credits: Iterable[Credits] | None,
    knowledge: Iterable[Knowledge] | None,
    settings: AssignSplits,
    tools: Tools,
) -> Iterator[Verdict[Assigned]]:
    """A row for every song that gave a clip, or a plan of a film; for every song where the recipe cuts none."""
    examples = plans if plans is not None else clips
    weights = Counter(row.source for row in (songs if examples is None else examples))
    genres: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for clip in clips or ():
        genres[clip.source].update(clip.genres[:1])
    for row in knowledge or ():
        for tag, kind, weight in zip(row.tags, row.tag_kinds, row.tag_weights, strict=True):
            if kind == "genre":
                genres[row.source][tag] += weight  # type: ignore[assignment]
    families: dict[str, str] = {}
    gone: defaultdict[str, set[str]] = defaultdict(set)  # by who stayed in their place: it belongs where they were
    for pair in duplicates or ():
        families[pair.source] = pair.family
        if pair.removed:
            gone[pair.cluster].add(pair.source)
    for twin in twins or ():
        families[twin.source] = twin.family
        if twin.removed:
            gone[twin.other].add(twin.source)
    artists = {row.source: row.artist for row in credits or () if main_artist(row.artist)}
    # A guess will do: it costs nothing but a song on the side of another.
    named = ((row.source, row.artist or row.guess_artist) for row in identities or ())
    artists |= {source: artist for source, artist in named if main_artist(artist)}
    artists = folder_artists((song.source, song.path) for song in songs) | artists
    items = (
        Item(
            id=song.source,
            groups=(
                f"family {families.get(song.source, song.source)}",
                f"bytes {song.sha256}",
                *(f"song {one}" for one in sorted({song.source, *gone[song.source]})),
            ),
            artist=artists.get(song.source, ""),
            weight=float(weights[song.source]),
            strata=tuple(tag for tag, _ in sorted(genres[song.source].items(), key=lambda one: (-one[1], one[0]))[:3]),
        )
        for song in songs
        if weights[song.source]
    )
    paths = {song.source: song.path for song in songs}
    yield from assigned(items, settings, tools, paths)


def folder_artists(paths: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Whom the folders of songs are called by, `Artist/Title.mid`, as far as they look like it.

    A folder below the source's own that holds no more than a twentieth of all songs; of few songs, a quarter, at most 25
    and at least 5. A folder
    that is something else costs nothing but that its songs share a split.
    """
    folders: defaultdict[str, list[str]] = defaultdict(list)
    number = 0
    for source, path in paths:
        number += 1
        folder = path.rpartition("/")[0]
        if "/" in folder:
            folders[folder].append(source)
    most = max(number / 20, min(number / 4, 25), 5)
    return {source: folder.rpartition("/")[2] for folder, held in folders.items() if len(held) <= most for source in held}


def assigned(
    items: Iterable[Item], settings: AssignSplits, tools: Tools, paths: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Verdict[Assigned]]:
    """Where each item is, by what is remembered of the live snapshot and what is drawn now; ids become `paths` in the reasons."""
    todo = list(items)
    placed = assign(todo, settings.shares, settings.seed, remembered(settings, tools)).placed
    for item in todo:
        one = placed[item.id]
        row = Assigned(
            split=one.split or "",
            was=one.was or "",
            why=_ID.sub(lambda found: paths.get(found[0], found[0]), _BYTES.sub("the same bytes", one.why)),
            artist=main_artist(item.artist),
            groups=list(item.groups),
            weight=item.weight,
            strata=list(item.strata),
            drawn_with=settings.draw,
        )
        yield Verdict(item.id, rows=(row,))


def remembered(settings: AssignSplits, tools: Tools) -> Mapping[str, Before]:
    """What the live snapshot says of songs that had a split with the same shares and seed."""
    if tools.before is None or not settings.remember:
        return {}
    return {
        row["id"]: Before(row["split"] or row["was"], tuple(row["groups"]), row["artist"])
        for row in stream(tools.before)
        if (row["split"] or row["was"]) and row["drawn_with"] == settings.draw
    }
