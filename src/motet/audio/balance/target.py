"""What a set of clips should look like, and the labels by which clips are counted."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from motet.sources.vocabulary import ancestors, find, fold

__all__ = [
    "BINS",
    "FIELDS",
    "OTHERS",
    "UNKNOWN",
    "Aim",
    "Clip",
    "Target",
    "Tempi",
    "aim_of",
    "labels",
    "percent",
    "shares",
    "with_families",
]

FIELDS = ("genre", "mood", "instrument", "key", "mode", "tempo")
UNKNOWN = "unknown"
OTHERS = "*"
KEYS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
BINS = (60.0, 80.0, 100.0, 120.0, 140.0, 160.0)  # BPM

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Clip:
    """What is counted of a clip. What is not known is empty, None, or of no sense, such as a tempo of 0 or NaN.

    `lineage` says where it comes from (its recording and place there), and decides who is chosen first. `key` is 0 for C to
    11 for B, `tempo` in BPM.
    """

    id: str
    lineage: str
    artist: str = ""
    song: str = ""
    genre: tuple[str, ...] = ()
    mood: tuple[str, ...] = ()
    instrument: tuple[str, ...] = ()
    key: int | None = None
    mode: str = ""
    tempo: float | None = None


class Aim(BaseModel):
    """What a field should look like. Shares are of all clips, from 0 to 1.

    A label is a value of the field, "unknown" for clips that have none, or in `caps` "*" for each value that is not named.
    A genre has its kinds in it: grunge is rock. Keys are written C#, Db or E flat.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    caps: dict[str, Share] = {}
    want: dict[str, Part] = {}


class Tempi(Aim):
    """The same of tempi; its labels are those of the bins: "under 60", "60-80", …, "160 and more"."""

    bins: tuple[Annotated[float, Field(gt=0, le=1000)], ...] = Field(default=BINS, min_length=1, max_length=50)


class Target(BaseModel):
    """What a set of clips should look like."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    genre: Aim = Aim()
    mood: Aim = Aim()
    instrument: Aim = Aim()
    key: Aim = Aim()
    mode: Aim = Aim()
    tempo: Tempi = Tempi()
    most_per_artist: int | None = Field(default=None, ge=1, description="clips; of unknown artists as many as there are")
    most_per_song: int | None = Field(default=None, ge=1, description="clips; of unknown songs as many as there are")

    @model_validator(mode="after")
    def _sensible(self) -> Target:
        if list(self.tempo.bins) != sorted(set(self.tempo.bins)):
            raise ValueError("tempo.bins must rise")
        for field in FIELDS:
            aim = aim_of(self, field)
            caps, want = shares(aim.caps, field, self.tempo.bins), shares(aim.want, field, self.tempo.bins)
            if OTHERS in want or UNKNOWN in want:
                raise ValueError(f'{field}.want must name its labels: "*" and "unknown" are none')
            if over := next((label for label in want if want[label] > caps.get(label, caps.get(OTHERS, 1))), ""):
                raise ValueError(f"{field}.want asks for more of {over!r} than {field}.caps lets in")
            if field in ("key", "mode", "tempo") and sum(want.values()) > 1:
                raise ValueError(f"the shares of {field}.want are more than 1 together")
        return self


def aim_of(target: Target, field: str) -> Aim:
    aim: Aim = getattr(target, field)
    return aim


def labels(row: Clip, field: str, bins: Sequence[float]) -> tuple[str, ...]:
    """The labels of a clip in a field, each once; "unknown" if there are none."""
    if field == "key":
        return (KEYS[row.key],) if row.key is not None and 0 <= row.key < 12 else (UNKNOWN,)
    if field == "mode":
        return (row.mode,) if row.mode in ("major", "minor") else (UNKNOWN,)
    if field == "tempo":
        return (_bin(row.tempo, bins),) if row.tempo is not None and 0 < row.tempo < math.inf else (UNKNOWN,)
    told: tuple[str, ...] = getattr(row, field)
    return tuple(dict.fromkeys(name for value in told if (name := _word(value)) != UNKNOWN)) or (UNKNOWN,)


@lru_cache(maxsize=1 << 16)
def _word(label: str) -> str:
    """The vocabulary's spelling."""
    words = fold(label[:200])
    term = find(words)
    return term.name if term else words or UNKNOWN


@lru_cache(maxsize=1 << 14)
def _families(genre: str) -> tuple[str, ...]:
    return ancestors(genre)


def with_families(genres: Iterable[str]) -> set[str]:
    return {name for genre in genres for name in (genre, *_families(genre))}


def bin_names(bins: Sequence[float]) -> list[str]:
    inner = [f"{low:g}-{high:g}" for low, high in pairwise(bins)]
    return [f"under {bins[0]:g}", *inner, f"{bins[-1]:g} and more"]


def _bin(tempo: float, bins: Sequence[float]) -> str:
    return bin_names(bins)[sum(tempo >= edge for edge in bins)]


_NOTE = re.compile(r"([A-Ga-g])\s*(#|♯|sharp|b|♭|flat)?")


def shares(told: Mapping[str, float], field: str, bins: Sequence[float]) -> dict[str, Fraction]:
    """The labels in the report's spelling, and their shares as they are written. Raises ValueError."""
    found: dict[str, Fraction] = {}
    for label, share in told.items():
        name = label if label in (OTHERS, UNKNOWN) else _label(label, field, bins)
        if name in found:
            raise ValueError(f"{field} names {name!r} twice")
        found[name] = Fraction(str(share))
    return found


def _label(label: str, field: str, bins: Sequence[float]) -> str:
    if field == "key":
        note = _NOTE.fullmatch(label.strip())
        if not note:
            raise ValueError(f"{label!r} is no key: write C, C# or Db")
        step = {"#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}.get(note[2] or "", 0)
        return KEYS[("C D EF G A B".index(note[1].upper()) + step) % 12]
    known = {"mode": ["major", "minor"], "tempo": bin_names(bins)}.get(field)
    if known is None:
        return _word(label)
    if label not in known:
        raise ValueError(f"{label!r} is no {field}: write one of {', '.join(known)}")
    return label


def percent(share: Fraction | float) -> str:
    return f"{float(share) * 100:.3g} %"
