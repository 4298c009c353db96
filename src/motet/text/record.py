"""The fact record of a clip: all that a text about it may claim. What is not in it is unknown, and nobody may say it."""

from __future__ import annotations

import json
import math
import re
import types
from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Mode = Literal["major", "minor"]
Role = Literal["melody", "bass", "chords", "pad", "other", "drums"]
TagKind = Literal["genre", "mood", "instrument", "era", "region", "other"]

LONGEST_JSON = 4_000_000  # characters of a record; a long song with all its tags has some 50,000
LONGEST_NAME = 200  # characters of a name in a record
LONGEST_CREDIT = 2_000  # of an artist or a title
MOST = 10_000  # chords, instruments, tags or changes


class _Checked:
    """Values are looked at when a record is made: a wrong one is a ValueError that names its field."""

    def __post_init__(self) -> None:
        for name, check in _checks(type(self)):  # type: ignore[arg-type]  # classes are hashable, whatever their objects are
            check(getattr(self, name), name)


@dataclass(frozen=True, kw_only=True)
class Tempo(_Checked):
    """What a listener taps, in beats per minute; `steady` if it stays within 2 %; `confidence` 0 to 1."""

    bpm: float
    steady: bool | None = None
    confidence: float | None = None


@dataclass(frozen=True, kw_only=True)
class Key(_Checked):
    """A key in words ("E flat", "major"), how likely it is (0 to 1), and the next best ("C minor")."""

    tonic: str
    mode: Mode
    confidence: float | None = None
    runner_up: str | None = None

    @property
    def name(self) -> str:
        return f"{self.tonic} {self.mode}"


@dataclass(frozen=True, kw_only=True)
class Player(_Checked):
    """An instrument that sounds in the clip, under General MIDI's name.

    `notes` are those that sound. `presence` is the share of the clip's time in which it plays, 0 to 1; `enters` and `leaves`
    are seconds in the clip: its first onset, and when its last note ends.
    """

    name: str
    family: str | None = None
    role: Role | None = None
    role_confidence: float | None = None
    notes: int | None = None
    presence: float | None = None
    enters: float | None = None
    leaves: float | None = None


@dataclass(frozen=True, kw_only=True)
class Register(_Checked):
    """MIDI pitches (0 to 127) of the pitched notes: the lowest, the median, the highest."""

    low: int
    median: float
    high: int


@dataclass(frozen=True, kw_only=True)
class Articulation(_Checked):
    kind: Literal["legato", "staccato", "mixed"]
    confidence: float | None = None


@dataclass(frozen=True, kw_only=True)
class Dynamics(_Checked):
    level: Literal["soft", "moderate", "loud"] | None = None
    change: Literal["steady", "crescendo", "decrescendo"] | None = None


@dataclass(frozen=True, kw_only=True)
class Swing(_Checked):
    """How long the first eighth of a beat lasts against the second: 1 is straight, 2 as in triplets."""

    ratio: float
    confidence: float | None = None


@dataclass(frozen=True, kw_only=True)
class Effects(_Checked):
    """What an instrument was rendered through, such as chorus and reverb."""

    instrument: str
    effects: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Tag(_Checked):
    """What a source says of the song; `weight` and `confidence` 0 to 1."""

    name: str
    kind: TagKind
    weight: float | None = None
    confidence: float | None = None
    source: str | None = None


@dataclass(frozen=True, kw_only=True)
class Place(_Checked):
    """Where in its song the clip lies; `repeats` if its section comes elsewhere too."""

    labels: tuple[str, ...] | None = None
    position: Literal["opening", "middle", "ending", "whole"] | None = None
    repeats: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Change(_Checked):
    """What changes, `at` so many seconds: an `instrument` enters or leaves, or key, tempo or metre go `to` another."""

    at: float
    what: Literal["enters", "leaves", "key", "tempo", "metre"]
    instrument: str | None = None
    to: str | float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.what in ("enters", "leaves"):
            if self.instrument is None:
                raise ValueError(f"a change that says {self.what!r} must name the instrument")
        elif isinstance(self.to, str) != (self.what != "tempo") or self.to is None:
            raise ValueError(f"a change of {self.what} must say to what")


@dataclass(frozen=True, kw_only=True)
class Withheld(_Checked):
    """Names that no text about the clip may give."""

    artist: str | None = None
    title: str | None = None


@dataclass(frozen=True, kw_only=True)
class Record(_Checked):
    """All that is known of a clip; None where something is unknown.

    `metre` is "" when it changes within the clip. `chords` are in order, "N" is none. `instruments` have the most notes first
    and drums last. `polyphony` is how many pitched notes sound together on average while any does.
    """

    seconds: float
    tempo: Tempo | None = None
    metre: str | None = None
    metre_confidence: float | None = None
    key: Key | None = None
    chords: tuple[str, ...] | None = None
    instruments: tuple[Player, ...] | None = None
    notes_per_second: float | None = None
    polyphony: float | None = None
    register: Register | None = None
    articulation: Articulation | None = None
    dynamics: Dynamics | None = None
    swing: Swing | None = None
    effects: tuple[Effects, ...] | None = None
    tags: tuple[Tag, ...] | None = None
    section: Place | None = None
    changes: tuple[Change, ...] | None = None
    withheld: Withheld | None = None

    def to_json(self) -> str:
        """The record as JSON, what is unknown left out."""
        return json.dumps(_plain(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Record:
        """The record that JSON tells. Raises ValueError, in one sentence, for anything that is none."""
        if len(text) > LONGEST_JSON:
            raise ValueError(f"no fact record: it is longer than {LONGEST_JSON:,} characters")
        try:
            told = json.loads(text)
        except UnicodeDecodeError:
            raise ValueError("no fact record: it is not Unicode text") from None
        except RecursionError:
            raise ValueError("no fact record: it is nested too deeply") from None
        except ValueError as error:  # JSONDecodeError is one; so is a whole number of too many digits
            raise ValueError(f"no fact record: it is not JSON ({getattr(error, 'msg', 'a number is too long')})") from None
        try:
            record: Record = _read(cls, told, "")
        except ValueError as error:
            raise ValueError(f"no fact record: {error}") from None
        return record


_SHARES = {"confidence", "role_confidence", "metre_confidence", "presence", "weight"}
_MOST = {"seconds": 1e6, "bpm": 1e4, "at": 1e6, "enters": 1e6, "leaves": 1e6, "low": 127, "median": 127, "high": 127}
_LETTERS = frozenset("ABCDEFG")
_METRE = re.compile(r"[1-9][0-9]{0,2}/[1-9][0-9]{0,2}")
_BROKEN = re.compile("[\ud800-\udfff]")


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        told = ((one.name, getattr(value, one.name)) for one in fields(value))
        return {name: _plain(it) for name, it in told if it is not None}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


@cache
def _hints(cls: Hashable) -> dict[str, Any]:
    return get_type_hints(cls)


@cache
def _checks(cls: Hashable) -> tuple[tuple[str, Callable[[Any, str], None]], ...]:
    hints = _hints(cls)
    return tuple((one.name, _check_of(hints[one.name])) for one in fields(cls))  # type: ignore[arg-type]


def _check_of(hint: Any) -> Callable[[Any, str], None]:
    def check(value: Any, name: str) -> None:
        if not _fits(value, hint):
            raise ValueError(f"{name!r} is not {_called(hint)}")
        if isinstance(value, str):
            _check_text(value, name)
        elif isinstance(value, tuple):
            if len(value) > MOST:
                raise ValueError(f"{name!r} has more than {MOST:,} members")
            for one in value:
                if isinstance(one, str):
                    _check_text(one, name)
        elif type(value) in (int, float):
            most = 1 if name in _SHARES else _MOST.get(name, 1e9)
            if not 0 <= value <= most:
                raise ValueError(f"{name!r} must be 0 to {most:g}")

    return check


def _check_text(value: str, name: str) -> None:
    credit = name in ("artist", "title")
    if len(value) > (LONGEST_CREDIT if credit else LONGEST_NAME):
        raise ValueError(f"{name!r} is too long")
    if name == "tonic":
        letter, _, sign = value.partition(" ")
        if letter not in _LETTERS or sign not in ("", "flat", "sharp") or (not sign and len(value) > 1):
            raise ValueError("'tonic' is no note such as 'E flat'")
    elif name == "metre" and value and not _METRE.fullmatch(value):
        raise ValueError("'metre' is no metre such as '3/4'")
    elif not credit and not value.isprintable():
        raise ValueError(f"{name!r} holds control characters or broken Unicode")
    elif not value.isascii() and _BROKEN.search(value):
        raise ValueError(f"{name!r} holds broken Unicode")


def _fits(value: Any, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in get_args(hint))
    if origin is Literal:
        return isinstance(value, str) and value in get_args(hint)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(one, get_args(hint)[0]) for one in value)
    if hint is float:
        return type(value) in (int, float) and math.isfinite(value)
    if hint is int:
        return type(value) is int
    return isinstance(value, hint)


def _called(hint: Any) -> str:
    options = [one for one in get_args(hint) if one is not type(None)] if get_origin(hint) in (Union, types.UnionType) else [hint]
    names = []
    for one in options:
        if get_origin(one) is Literal:
            names.append("one of " + ", ".join(get_args(one)))
        elif get_origin(one) is tuple:
            names.append("a list")
        else:
            names.append({float: "a number", int: "a whole number", str: "text", bool: "true or false"}.get(one, "an object"))
    return " or ".join(names)


def _read(hint: Any, told: Any, name: str) -> Any:
    """What JSON tells, as the type that is hinted; what does not fit stays as it is, for the check to refuse."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        options = [one for one in get_args(hint) if one is not type(None)]
        if len(options) == 1:
            return None if told is None else _read(options[0], told, name)
        # A number or a word.
        return float(told) if type(told) is int and abs(told) < 1e15 else told
    if origin is tuple and isinstance(told, list):
        if len(told) > MOST:
            raise ValueError(f"{name!r} has more than {MOST:,} members")
        return tuple(_read(get_args(hint)[0], one, name) for one in told)
    if hint is float and type(told) is int and abs(told) < 1e15:
        return float(told)
    if isinstance(hint, type) and is_dataclass(hint):
        if not isinstance(told, dict):
            raise ValueError(f"{name!r} is not an object" if name else "it is not an object")
        hints = _hints(hint)
        if strange := next((one for one in told if one not in hints), None):
            raise ValueError(f"{strange[:40]!r} is no field of {name or 'it'}")
        read = {field: _read(hints[field], one, field) for field, one in told.items()}
        try:
            return hint(**read)
        except TypeError:
            missing = next(one.name for one in fields(hint) if one.name not in read)
            raise ValueError(f"{name or 'it'} lacks {missing!r}") from None
    return told
