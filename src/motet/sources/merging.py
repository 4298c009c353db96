"""One answer out of many: what several sources and Motet's own analysis say of a song, the chosen value marked, nothing lost.

The rule, for each field:

1. A value that the field cannot have (a tempo of 0, key -1, text of a megabyte) is set aside as unusable.
2. Each source has one vote: what it is surest of, of equals the latest.
3. Votes stand in order: those with a confidence of 0.5 and more first, then as `RULES` names the sources, then by name.
4. The first wins, unless no other source agrees with it while two or more agree with each other: then the first of those
   that most agree with. Two are never outvoted if their confidence is 0.5 or more: the user's own list, and what Motet
   measured in the song's own notes or sound (`Rule.measured`), for services speak of another recording.
5. A mode is taken from the source whose key was taken, if it gives one: one's tonic with another's mode is nobody's key.

Agreement is the field's own: 120 and 123 BPM agree, so do F# and Gb. All else is kept as a conflict. The result does not hang
on the order of facts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from motet.sources.tags import Tag, merge, ordered
from motet.sources.vocabulary import fold

MOTET = "motet"  # the source of what Motet measured or estimated itself
USER = "own"  # the source of the user's own list
SURE = 0.5
LONGEST = 500  # characters of a text
Value = str | int | float


@dataclass(frozen=True)
class Fact:
    """What a source says of a song: `time` is when it said so (ISO 8601, UTC), `confidence` 0 to 1.

    Units: duration in s, tempo in BPM, loudness and gain in dB. Keys are 0 (C) to 11 or written ("Bb"), modes 1 and 0 or
    "major" and "minor".
    """

    field: str
    value: Value
    source: str
    time: str
    confidence: float


@dataclass(frozen=True)
class Settled:
    """A field with one value, or None if no fact was usable.

    `value` is that of `chosen` in one form: numbers as float, key 0-11, mode 0 or 1, year and metre as int. `agreeing` and
    `conflicts` are the other usable facts; `octave_apart` names the sources whose tempo is a half, double or quarter.
    """

    value: Value | None
    chosen: Fact | None
    agreeing: tuple[Fact, ...] = ()
    conflicts: tuple[Fact, ...] = ()
    unusable: tuple[Fact, ...] = ()
    octave_apart: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """How a field is read, when two values agree, and which source goes first; `measured` if Motet's own word is final."""

    read: Callable[[Value], Value | None]
    agree: Callable[[Any, Any], bool]
    order: tuple[str, ...]
    measured: bool = False


def facts_from(told: Mapping[str, Any], source: str, time: str, confidence: float) -> list[Fact]:
    """Facts of one answer, each with `confidence`: how likely the answer is of this song at all.

    Where the source itself is so sure of a value ("key_confidence": 0.4 beside "key"), both are multiplied. Values that are
    no text and no number are left out.
    """
    found = []
    for field, value in told.items():
        of, _, last = field.rpartition("_")
        if not isinstance(value, str | int | float) or (last == "confidence" and of in told):
            continue
        own = told.get(f"{field}_confidence")
        sure = float(own) if isinstance(own, int | float) and 0 <= own <= 1 else 1.0
        found.append(Fact(field, value, source, time, confidence * sure))
    return found


def settle(facts: Iterable[Fact]) -> dict[str, Settled]:
    """Each field of a song with its chosen value, in order of name; rules as above."""
    by_field: dict[str, list[Fact]] = {}
    # The same fact twice is one; by place, for 1 equals 1.0 and NaN nothing.
    for _, fact in sorted({_place(fact): fact for fact in facts}.items()):
        by_field.setdefault(fact.field, []).append(fact)
    found: dict[str, Settled] = {}
    for field in sorted(by_field):  # "key" is settled before "mode"
        key = found.get("key")
        leader = key.chosen.source if field == "mode" and key and key.chosen else None
        found[field] = _settled(by_field[field], RULES.get(field, _ANY), leader)
    return found


def merge_tags(*groups: Iterable[Tag]) -> list[Tag]:
    """Tags of the same song from several sources, each name once with its greatest weight and all its sources, heaviest first."""
    found: dict[str, Tag] = {}
    for group in groups:
        for tag in group:
            merge(found, tag)
    return ordered(found.values())


def record(settled: Settled) -> dict[str, Any]:
    """A settled field as it is written down: value, source, time, confidence, who agrees, and every conflict."""
    chosen = settled.chosen
    told: dict[str, Any] = {
        "value": settled.value,
        "source": chosen.source if chosen else None,
        "time": chosen.time if chosen else None,
        "confidence": _confidence(chosen) if chosen else 0.0,
        "agreeing": sorted({fact.source for fact in settled.agreeing}),
        "conflicts": [_told(fact, usable=True) for fact in settled.conflicts],
    }
    for conflict in told["conflicts"]:
        if conflict["source"] in settled.octave_apart:
            conflict["octave_apart"] = True
    if settled.unusable:
        told["unusable"] = [_told(fact, usable=False) for fact in settled.unusable]
    return told


def _told(fact: Fact, usable: bool) -> dict[str, Any]:
    # What is unusable may be infinite or endless.
    value = fact.value if usable else _shown(fact.value)[:100]
    return {"value": value, "source": fact.source, "time": fact.time, "confidence": _confidence(fact)}


def _settled(facts: list[Fact], rule: Rule, leader: str | None) -> Settled:
    read = [(fact, rule.read(fact.value)) for fact in facts]
    usable = [(fact, value) for fact, value in read if value is not None]
    unusable = tuple(fact for fact, value in read if value is None)
    if not usable:
        return Settled(None, None, unusable=unusable)
    votes: dict[str, tuple[Fact, Value]] = {}
    for fact, value in usable:  # the surest and latest of a source comes last
        votes[fact.source] = fact, value
    chosen, value = _choose(sorted(votes.values(), key=lambda vote: _rank(vote[0], rule)), rule, leader)
    rest = [(fact, other, rule.agree(value, other)) for fact, other in usable if fact is not chosen]
    return Settled(
        value,
        chosen,
        agreeing=tuple(fact for fact, _, agrees in rest if agrees),
        conflicts=tuple(fact for fact, _, agrees in rest if not agrees),
        unusable=unusable,
        octave_apart=_octave_apart(value, rest) if chosen.field == "tempo" else (),
    )


def _choose(votes: list[tuple[Fact, Value]], rule: Rule, leader: str | None) -> tuple[Fact, Value]:
    """The vote that wins of those in order of rank."""
    if leading := [vote for vote in votes if vote[0].source == leader]:
        return leading[0]
    first = votes[0]
    final = {USER, MOTET} if rule.measured else {USER}
    if first[0].source in final and _confidence(first[0]) >= SURE:
        return first
    support = [sum(rule.agree(value, other) for _, other in votes) - 1 for _, value in votes]
    return first if support[0] else votes[support.index(max(support))]


def _octave_apart(tempo: Value, rest: list[tuple[Fact, Value, bool]]) -> tuple[str, ...]:
    apart = {
        fact.source for fact, other, agrees in rest if not agrees and any(_near_tempo(tempo, _float(other) * n) for n in _OCTAVES)
    }
    return tuple(sorted(apart))


def _place(fact: Fact) -> tuple[Any, ...]:
    return fact.field, fact.source, _confidence(fact), fact.time, type(fact.value).__name__, _shown(fact.value)


def _shown(value: Value) -> str:
    # Python writes no integer of more than 4,300 digits in decimals.
    return hex(value) if isinstance(value, int) and abs(value) >= 2**53 else repr(value)


def _rank(fact: Fact, rule: Rule) -> tuple[bool, int, str]:
    known = rule.order.index(fact.source) if fact.source in rule.order else len(rule.order)
    return _confidence(fact) < SURE, known, fact.source


def _confidence(fact: Fact) -> float:
    """0 for what is none."""
    return float(fact.confidence) if 0 <= fact.confidence <= 1 else 0.0


_OCTAVES = (2, 0.5, 4, 0.25)
_WRITTEN_KEY = re.compile(r"([a-g]) ?(#|♯|sharp|b|♭|flat)?", re.IGNORECASE)
_SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_ACCIDENTALS = {"#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1, "": 0}


def _float(value: Value) -> float:
    """NaN for what is no number, infinity for what is too great."""
    if isinstance(value, bool | str):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _number(least: float, most: float) -> Callable[[Value], Value | None]:
    return lambda value: found if least <= (found := _float(value)) <= most else None


def _whole(least: int, most: int) -> Callable[[Value], Value | None]:
    return lambda value: int(found) if least <= (found := _float(value)) <= most and found == int(found) else None


def _text(value: Value) -> Value | None:
    return value if isinstance(value, str) and len(value) <= LONGEST and value.strip() else None


def _key(value: Value) -> Value | None:
    if not isinstance(value, str):
        return _whole(0, 11)(value)
    if len(value) > LONGEST or not (written := _WRITTEN_KEY.fullmatch(value.strip())):
        return None
    return (_SEMITONES[written[1].lower()] + _ACCIDENTALS[(written[2] or "").lower()]) % 12


def _mode(value: Value) -> Value | None:
    return {"minor": 0, "major": 1}.get(value[:10].strip().lower()) if isinstance(value, str) else _whole(0, 1)(value)


def _anything(value: Value) -> Value | None:
    return _text(value) if isinstance(value, str) else _number(-1e15, 1e15)(value)


def _near_tempo(one: Any, other: Any) -> bool:
    return bool(abs(one - other) <= 0.04 * min(one, other))


def _near_duration(one: Any, other: Any) -> bool:
    return bool(abs(one - other) <= max(2.0, 0.03 * max(one, other)))


def _within(distance: float) -> Callable[[Any, Any], bool]:
    return lambda one, other: abs(one - other) <= distance + 1e-9


def _same_text(one: Any, other: Any) -> bool:
    # Names without a letter exist: "!!!", "÷".
    return (fold(one) or one.strip()) == (fold(other) or other.strip())


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return _same_text(one, other)
    return bool(one == other)


_NAMES = (USER, "musicbrainz", "spotify", "deezer", "listenbrainz", "lastfm", "msd", "lakh", MOTET)
_SOUND = (USER, MOTET, "spotify", "msd", "deezer")
_HEARD = (USER, "spotify", MOTET)  # what Spotify defined; Motet's are estimates
_SHARE = Rule(_number(0, 1), _within(0.1), _HEARD)
_NAME = Rule(_text, _same_text, _NAMES)
_ANY = Rule(_anything, _same, _NAMES)

RULES: Mapping[str, Rule] = {
    "title": _NAME,
    "artist": _NAME,
    "album": _NAME,
    "isrc": _NAME,
    "year": Rule(_whole(1000, 2999), _same, _NAMES),
    "duration": Rule(_number(0.001, 1e6), _near_duration, _SOUND, measured=True),
    "tempo": Rule(_number(1, 1000), _near_tempo, _SOUND, measured=True),
    "key": Rule(_key, _same, _SOUND, measured=True),
    "mode": Rule(_mode, _same, _SOUND, measured=True),
    "time_signature": Rule(_whole(1, 15), _same, _SOUND, measured=True),
    "loudness": Rule(_number(-100, 20), _within(2), _SOUND, measured=True),
    "acousticness": _SHARE,
    "danceability": _SHARE,
    "energy": _SHARE,
    "instrumentalness": _SHARE,
    "liveness": _SHARE,
    "speechiness": _SHARE,
    "valence": _SHARE,
}
