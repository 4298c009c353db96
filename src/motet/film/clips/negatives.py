"""Pairs that do not belong together, drawn by rule and marked: a picture with music that is not heard with it."""

from __future__ import annotations

import random as dice
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from motet.film.errors import FilmError

__all__ = ["Negative", "Offered", "draw_negatives"]

TRIES = 32  # drawn blindly before the rest is gone through
SCANNED = 5_000  # of the rest


@dataclass(frozen=True)
class Offered:
    """What must be known of a clip: its film, the span of it (film seconds), and the song that is heard.

    `family` names what counts as one song: versions, covers, duplicates. Empty: the song alone.
    """

    clip: str
    film: str
    start: float
    end: float
    song: str
    family: str = ""


@dataclass(frozen=True)
class Negative:
    """A clip one half of which was exchanged for that of the clip `of`.

    `same_film_other_moment`: the music of `clip` with the picture of `of`, another moment of the film.
    `other_song`: the picture of `clip` with the music of `of`, another song.
    """

    clip: str
    kind: Literal["same_film_other_moment", "other_song"]
    of: str
    exchanged: Literal["picture", "music"]


def draw_negatives(random: dice.Random, clips: Sequence[Offered], per_clip: int) -> list[Negative]:
    """`per_clip` negatives of each clip, by turns of both kinds; fewer where the rule leaves no more (or, of more than
    5,000, none is found in as many).

    The rule: the music's song, or one of its family, is heard at no moment of the picture's span by any of `clips`, in either
    kind; so none is a positive in disguise as far as `clips` know. The same answer whatever the order of `clips`, which have
    names of their own. Raises FilmError `two_clips` (of one name), `bad_span`.
    """
    ordered = sorted(clips, key=lambda one: one.clip)
    for one, following in pairwise(ordered):
        if one.clip == following.clip:
            raise FilmError("two_clips", f"there are two clips {one.clip!r}")
    known = _Known(ordered)
    drawn: list[Negative] = []
    for number, one in enumerate(ordered):
        own = dice.Random(random.getrandbits(64))
        moments = _Urn(own, known.of_film[one.film], lambda other, one=one: known.apart(other, one))
        others = _Urn(own, range(len(ordered)), lambda other, number=number: known.apart(number, ordered[other]))
        found: list[Negative] = []
        while len(found) < per_clip:
            before = len(found)
            if (at := next(moments, None)) is not None:
                found.append(Negative(one.clip, "same_film_other_moment", ordered[at].clip, "picture"))
            if len(found) < per_clip and (at := next(others, None)) is not None:
                found.append(Negative(one.clip, "other_song", ordered[at].clip, "music"))
            if len(found) == before:
                break
        drawn += found
    return drawn


class _Known:
    """What is heard when, in each film."""

    def __init__(self, clips: Sequence[Offered]) -> None:
        self.clips = clips
        self.of_film: dict[str, list[int]] = defaultdict(list)
        self._spans: dict[tuple[str, str, str], list[tuple[float, float]]] = defaultdict(list)
        self._longest: dict[tuple[str, str, str], float] = defaultdict(float)
        for number, one in enumerate(clips):
            if not one.start < one.end < float("inf") or one.start == float("-inf"):
                raise FilmError("bad_span", f"the clip {one.clip!r} from {one.start} s to {one.end} s has no span")
            self.of_film[one.film].append(number)
            for key in _keys(one):
                self._spans[one.film, *key].append((one.start, one.end))
                self._longest[one.film, *key] = max(self._longest[one.film, *key], one.end - one.start)
        for spans in self._spans.values():
            spans.sort()

    def apart(self, picture: int, music: Offered) -> bool:
        """Whether nothing of the song of `music` is heard with the picture of a clip."""
        seen = self.clips[picture]
        for key in _keys(music):
            spans = self._spans.get((seen.film, *key))
            if not spans:
                continue
            at = bisect_left(spans, (seen.start - self._longest[seen.film, *key], float("-inf")))
            while at < len(spans) and spans[at][0] < seen.end:
                if spans[at][1] > seen.start:
                    return False
                at += 1
        return True


def _keys(one: Offered) -> list[tuple[str, str]]:
    return [("song", one.song)] + ([("family", one.family)] if one.family else [])


class _Urn(Iterator[int]):
    """Places that pass, each once, in an order that is drawn; a large urn is not emptied for one."""

    def __init__(self, own: dice.Random, places: Sequence[int], passes: object) -> None:
        self._own, self._places, self._passes = own, places, passes
        self._taken: set[int] = set()
        self._tries = TRIES
        self._rest: list[int] | None = None

    def __next__(self) -> int:
        assert callable(self._passes)
        while self._tries and self._rest is None:
            self._tries -= 1
            place = self._places[self._own.randrange(len(self._places))]
            if place not in self._taken and self._passes(place):
                self._taken.add(place)
                return place
        if self._rest is None:
            shown = self._places if len(self._places) <= SCANNED else self._own.sample(self._places, SCANNED)
            self._rest = [place for place in shown if place not in self._taken and self._passes(place)]
            self._own.shuffle(self._rest)
        if not self._rest:
            raise StopIteration
        return self._rest.pop()
