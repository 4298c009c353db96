"""Is it true? Every claim of a caption beside the facts of its clip: supported, contradicted, or not known."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from motet.sources import vocabulary
from motet.text.checking.asserting import assertions
from motet.text.checking.junk import junk
from motet.text.checking.lexicon import (
    COUNTED,
    DENIED,
    GENRES_ALIKE,
    LOOSE,
    NEUTRAL,
    PLAYED,
    TEMPOS,
    decades_of,
    effects_named,
    fold,
    instrument_named,
    kinds_of,
    mood_clusters,
)
from motet.text.checking.reading import LONGEST, SORTS, Assertion, read
from motet.text.checking.times import EVERYONE
from motet.text.checking.verbs import Event
from motet.text.record import Record

SLACK = 0.05  # of a word's range, at both ends
TEMPO_WITHIN, TEMPO_ABOUT = 0.04, 0.08
LEAST_CONFIDENCE = 0.5  # of a tag
MOST_INSTRUMENTS, MOST_TAGS, MOST_CHORDS = 200, 500, 2000

Judged = tuple[Literal["supported", "contradicted", "unsupported"], str]


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: its `words` at `start` to `end` of the caption, and what the record makes of it.

    `verdict` is "supported", "contradicted" or "unsupported" (the record does not know); `because` says what the record has.
    """

    kind: str
    words: str
    start: int
    end: int
    verdict: Literal["supported", "contradicted", "unsupported"]
    because: str


@dataclass(frozen=True, slots=True)
class Checked:
    """`verdict` is "true" if every claim is supported, "false" if one is not, "junk" if the text is no caption."""

    verdict: Literal["true", "false", "junk"]
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class _Player:
    name: str
    kind: str
    kinds: frozenset[str]
    role: str
    enters: float | None
    leaves: float | None
    presence: float | None


@dataclass
class _Facts:
    """A record read with care: what is missing or of another type is unknown."""

    seconds: float | None
    tempos: list[float]
    steady: bool | None
    metres: list[str]
    keys: list[tuple[int, str]]
    chords: list[tuple[int, str]]
    no_chords: bool
    players: list[_Player]
    rate: float | None
    polyphony: float | None
    median: float | None
    articulation: str
    level: str
    change: str
    swing: float | None
    effects: list[tuple[frozenset[str], frozenset[str]]]
    tags: list[tuple[str, str]]
    position: str
    repeats: bool | None
    shifts: list[float]  # seconds at which key, tempo or metre change


def check(caption: str, record: Record | Mapping[str, Any]) -> Checked:
    """Every checkable claim of an English caption, judged by a clip's fact record, or its JSON as a dictionary.

    Any text will do: it is never run, and read up to 4,000 characters; a longer one is junk, and so is one that claims nothing,
    unless it is a question. A record may lack any field.
    """
    told: Mapping[str, Any] = json.loads(record.to_json()) if isinstance(record, Record) else record
    withheld = told.get("withheld")
    withheld = withheld if isinstance(withheld, Mapping) else {}
    if len(caption) > LONGEST:
        return Checked("junk", (Claim("junk", caption[:80], 0, len(caption), "contradicted", "no caption is so long"),))
    if found := junk(caption, _text(withheld.get("artist")), _text(withheld.get("title"))):
        start, end, why = found
        return Checked("junk", (Claim("junk", caption[start:end][:200], start, end, "contradicted", why),))
    facts = _facts(told)
    claims = []
    for assertion in assertions(read(caption)):
        verdict, because = _judge(assertion, facts)
        words = caption[assertion.start : assertion.end]
        claims.append(Claim(assertion.kind, words, assertion.start, assertion.end, verdict, because))
    claims = sorted(set(claims), key=lambda claim: (claim.start, claim.end, claim.kind))
    if not claims and "?" not in caption:
        return Checked("junk", (Claim("junk", caption[:200], 0, len(caption), "unsupported", "nothing is said of the music"),))
    return Checked("true" if all(claim.verdict == "supported" for claim in claims) else "false", tuple(claims))


def _judge(assertion: Assertion, facts: _Facts) -> Judged:
    """By the meaning that suits the facts best; what is denied is true if what is said would be contradicted."""
    judged = [_judge_one(kind, what, facts, assertion.said) for kind, what in assertion.meanings]
    if not assertion.said:
        for verdict, because in judged:
            if verdict == "supported":
                return "contradicted", because
        # An unknown tag is not among the tags: it may be denied.
        return "supported", judged[0][1]
    order = ("supported", "contradicted", "unsupported")
    return min(judged, key=lambda one: order.index(one[0]))


def _judge_one(kind: str, what: Any, facts: _Facts, said: bool) -> Judged:
    judge = _JUDGES.get(kind)
    if judge is None:
        return "supported", ""
    if kind in ("instrument",):
        return _instrument(what, facts, said)
    return judge(what, facts)  # type: ignore[no-any-return]


def _said(true: bool | None, because: str) -> Judged:
    return "unsupported" if true is None else "supported" if true else "contradicted", because


# --- who plays

_SOUNDS = ("clean guitar", "distorted guitar", "overdriven guitar", "jazz guitar", "muted guitar")  # of an electric one
_BY_ROLE = {"lead guitar": "melody", "rhythm guitar": "chords"}


def _matching(what: str, facts: _Facts, loose: bool = True) -> list[_Player]:
    if what in _BY_ROLE:
        return [player for player in facts.players if "guitar" in player.kinds and player.role == _BY_ROLE[what]]
    wanted = {what, *(LOOSE.get(what, set()) if loose else DENIED.get(what, set()))}
    found = [
        player for player in facts.players if wanted & player.kinds or (player.kind == "electric guitar" and what in _SOUNDS)
    ]
    if not loose and not found and what not in ("bass", "drums"):
        # "No flute" is false beside a pan flute.
        found = [player for player in facts.players if re.search(rf"\b{re.escape(what)}\b", player.name.lower())]
    return found


def _meant(what: str, facts: _Facts) -> list[_Player]:
    """Whom a name means: those that are so in the strict sense, else in the loose one."""
    if what == "lead instrument":
        return [player for player in facts.players if player.role == "melody" or "synth lead" in player.kinds]
    if what in SORTS:
        return [player for player in facts.players if what in player.name.lower()]
    same = [player for player in facts.players if what == player.kind]
    return same or [player for player in facts.players if what in player.kinds] or _matching(what, facts)


def _names(players: Iterable[_Player]) -> str:
    return ", ".join(player.name for player in players) or "no instruments"


def _instrument(what: str, facts: _Facts, said: bool) -> Judged:
    found = _matching(what, facts, loose=said)
    if found:
        return "supported", f"there is {_names(found)}"
    if said and what == "warm pad" and any(player.role == "pad" for player in facts.players):
        return "supported", "it has the role pad"
    if said and what == "lead instrument":
        return _said(any(player.role for player in facts.players) or None, "who leads is unknown")
    if said and what in ("bass", "synth lead", "synth pad", "melody"):
        role = {"bass": "bass", "synth pad": "pad", "synth lead": "melody"}[what]
        if what != "synth lead" and any(player.role == role for player in facts.players):
            return "supported", f"it has the role {role}"
        if what == "synth lead" and any("synth" in player.kinds for player in facts.players):
            return "supported", "there is a synth"
    if said and what == "distorted guitar" and any("distortion" in some for _, some in facts.effects):
        return "supported", "the guitar is distorted"
    return "contradicted", f"there is {_names(facts.players)}"


def _sort(what: str, facts: _Facts) -> Judged:
    return _said(any(what in player.name.lower() for player in facts.players), f"there is {_names(facts.players)}")


def _absent(what: str, facts: _Facts) -> Judged:
    found = _matching(what, facts, loose=False)
    return _said(not found, f"there is {_names(found) if found else f'no {what}'}")


def _role(what: tuple[str, str], facts: _Facts) -> Judged:
    name, role = what
    players = _meant(name, facts)
    if not players:
        return _said(False, f"there is {_names(facts.players)}")
    told = ", ".join(f"{player.name}: {player.role or 'unknown'}" for player in players)
    if role == "accompaniment":
        return _said(any(player.role != "melody" for player in players), told)
    if all(not player.role for player in players):
        return _said(None, told)
    fine = {"chords": {"chords", "pad"}, "pad": {"pad", "chords"}}.get(role, {role})
    return _said(any(player.role in fine for player in players), told)


def _count(what: tuple[int, str], facts: _Facts) -> Judged:
    number, name = what
    players = _matching(name, facts) if name else facts.players
    strict = _matching(name, facts, loose=False) if name else players
    # Who else may be counted among "wind players" or "strings" the words do not say.
    wide = [player for player in facts.players if player in players or COUNTED.get(name, frozenset()) & player.kinds]
    fits = number == len(strict) or len(players) <= number <= len(wide)
    return _said(fits, f"{len(players)}: {_names(players)}")


def _count_at_end(what: int, facts: _Facts) -> Judged:
    whole = facts.seconds or 0.0
    still = [player for player in facts.players if player.leaves is None or player.leaves >= 0.9 * whole]
    return _said(what in (len(still), len(facts.players)), f"{len(still)}: {_names(still)}")


def _least_of(what: tuple[int, str], facts: _Facts) -> Judged:
    number, name = what
    found = [
        player for player in facts.players if player in _matching(name, facts) or COUNTED.get(name, frozenset()) & player.kinds
    ]
    return _said(len(found) >= number, _names(found))


def _all(what: str, facts: _Facts) -> Judged:
    return _said(all(what in player.kinds for player in facts.players), _names(facts.players))


def _most(what: int, facts: _Facts) -> Judged:
    return _said(len(facts.players) <= what, f"{len(facts.players)} instruments")


def _least(what: int, facts: _Facts) -> Judged:
    return _said(len(facts.players) >= what, f"{len(facts.players)} instruments")


# --- numbers


def _tempo(what: str, facts: _Facts) -> Judged:
    if not facts.tempos:
        return _said(None, "the tempo is unknown")
    low, high = TEMPOS[what]
    fits = any(low * (1 - SLACK) <= bpm <= high * (1 + SLACK) for bpm in facts.tempos)
    return _said(fits, f"{', '.join(f'{bpm:g}' for bpm in facts.tempos)} beats a minute")


def _bpm(what: tuple[float, bool, str], facts: _Facts) -> Judged:
    value, about, when = what
    known = facts.tempos[1:] if when == "later" else facts.tempos[:1] if when == "first" else facts.tempos
    if not known:
        return _said(None if not facts.tempos else False, "no such tempo is known")
    fits = any(abs(value - bpm) <= max((TEMPO_ABOUT if about else TEMPO_WITHIN) * bpm, 1.0) for bpm in known)
    return _said(fits, f"{', '.join(f'{bpm:g}' for bpm in known)} beats a minute")


def _bpm_range(what: tuple[float, float], facts: _Facts) -> Judged:
    return _said(any(what[0] * 0.96 <= bpm <= what[1] * 1.04 for bpm in facts.tempos) if facts.tempos else None, "")


def _steady(what: bool, facts: _Facts) -> Judged:
    if facts.steady is None:
        return _said(None, "whether the tempo is steady is unknown")
    return _said(what == facts.steady, "the tempo is steady" if facts.steady else "the tempo is not steady")


def _tempo_change(what: str, facts: _Facts) -> Judged:
    steps = [later - earlier for earlier, later in zip(facts.tempos, facts.tempos[1:], strict=False)]
    fits = any(step < 0 if what == "slower" else step > 0 for step in steps)
    return _said(fits, f"tempos: {', '.join(f'{bpm:g}' for bpm in facts.tempos)}")


def _metre(what: frozenset[str], facts: _Facts) -> Judged:
    if not facts.metres:
        return _said(None, "the metre is unknown or changes")
    return _said(any(metre in what for metre in facts.metres), f"the metre is {', '.join(filter(None, facts.metres))}")


def _metre_when(what: tuple[str, str], facts: _Facts) -> Judged:
    if not facts.metres:
        return _said(None, "the metre is unknown or changes")
    known = facts.metres[1:] if what[1] == "later" else facts.metres[:-1] if what[1] == "from" else facts.metres[:1]
    return _said(what[0] in known, f"the metre is {' then '.join(facts.metres)}")


def _seconds(what: tuple[float, float, bool, bool], facts: _Facts) -> Judged:
    low, high, about, strict = what
    if facts.seconds is None:
        return _said(None, "the length is unknown")
    known = [facts.seconds]
    if not strict:
        # Seconds of what, the words do not say: from any event to any other.
        events = {0.0, facts.seconds, *facts.shifts}
        events |= {at for player in facts.players for at in (player.enters, player.leaves) if at is not None}
        known = [abs(one - other) for one in events for other in events]
    fits = any(
        low - max(1.0, (0.15 if about else 0.1) * at) <= at <= high + max(1.0, (0.15 if about else 0.1) * at) for at in known
    )
    return _said(fits, f"the clip is {facts.seconds:g} seconds long")


# --- keys and chords


def _key(what: tuple[int, str, str], facts: _Facts) -> Judged:
    pitch, mode, when = what
    keys = facts.keys[1:] if when == "later" else facts.keys[:1] if when == "first" else facts.keys
    if not facts.keys:
        return _said(None, "the key is unknown")
    fits = any(pitch == tonic and mode in ("", is_mode) for tonic, is_mode in keys)
    return _said(fits, f"the key is {' then '.join(f'{_NAMES[tonic]} {is_mode}' for tonic, is_mode in facts.keys)}")


def _mode(what: str, facts: _Facts) -> Judged:
    if not facts.keys:
        return _said(None, "the key is unknown")
    return _said(any(what == mode for _, mode in facts.keys), f"the mode is {facts.keys[0][1]}")


def _chord(what: tuple[int, str], facts: _Facts) -> Judged:
    pitch, quality = what
    if not facts.chords:
        return _said(None if not facts.no_chords else False, "no chords are known")
    asked = _quality(quality)
    fits = any(root == pitch and _agree(asked, _quality(known)) for root, known in facts.chords)
    return _said(fits, f"the chords are {' '.join(f'{_NAMES[root]}{known}' for root, known in facts.chords[:16])}")


def _agree(asked: tuple[str, str], known: tuple[str, str]) -> bool:
    """What is said of a chord may leave its sevenths out, but adds none."""
    triad = asked[0] == known[0] or (asked[0] in ("", "5") and known[0] in ("", "5")) or (asked[0] == "" and known[0] in ("sus",))
    return (triad and asked[1] in ("", known[1])) or (asked[1] == "7?" and triad and known[1] in ("7", "maj7", "9"))


def _quality(text: str) -> tuple[str, str]:
    """Triad and what is added, of a symbol or of words."""
    words = text.strip()
    plain = words.lower()
    triad, more = "", ""
    if "half-dim" in plain or "half dim" in plain or "m7b5" in plain or "ø" in plain:
        return "dim", "7"
    if "dim" in plain or "°" in plain:
        triad = "dim"
    elif "aug" in plain or "+" in plain:
        triad = "aug"
    elif "sus" in plain:
        triad = "sus"
    elif "minor" in plain or re.match(r"(?:min|m(?!aj))", words) or plain.startswith("min"):
        triad = "minor"
    elif plain in ("5", "power", "power fifth", "fifth"):
        triad = "5"
    if re.search(r"maj(?:or)? ?(?:7|seven|9|nin)", plain) or re.match(r"M7", words):
        more = "maj7"
    elif re.search(r"9|nin", plain):
        more = "9"
    elif re.search(r"7|seven", plain):
        more = "7"
    elif re.search(r"6|six", plain):
        more = "6"
    return triad, more


def _chord_order(what: tuple[tuple[int, str], ...], facts: _Facts) -> Judged:
    if not facts.chords:
        return _said(None, "no chords are known")
    # In the row as it stands, some left out and its first come home to at the end; or without a gap in the row played round.
    rest = iter([*facts.chords, facts.chords[0]])
    fits = all(any(_is_chord(one, known) for known in rest) for one in what)
    row = [one for one, before in zip(facts.chords, [None, *facts.chords], strict=False) if one != before]
    if len(row) > 1 and row[0] == row[-1]:
        row = row[:-1]
    asked = [one for one, before in zip(what, [None, *what], strict=False) if one != before]
    turned = row + [row[at % len(row)] for at in range(len(asked))]
    fits = fits or any(
        all(_is_chord(one, known) for one, known in zip(asked, turned[first:], strict=False)) for first in range(len(row))
    )
    # A key said in passing is no chord of the row.
    return _said(
        fits or all((pitch, "major") in facts.keys or (pitch, "minor") in facts.keys for pitch, _ in what),
        "the chords come in another order",
    )


def _is_chord(asked: tuple[int, str], known: tuple[int, str]) -> bool:
    return asked[0] == known[0] and _agree(_quality(asked[1]), _quality(known[1]))


def _chord_count(what: int, facts: _Facts) -> Judged:
    if not facts.chords:
        return _said(None, "no chords are known")
    return _said(what in (len(facts.chords), len(set(facts.chords))), f"{len(set(facts.chords))} chords")


def _no_chords(what: bool, facts: _Facts) -> Judged:
    return _said(not facts.chords, "there are chords")


# --- how it is played


def _band(value: float | None, low: float, high: float, because: str) -> Judged:
    if value is None:
        return _said(None, "unknown")
    return _said(low * (1 - SLACK) <= value <= high * (1 + SLACK), because)


def _density(what: str, facts: _Facts) -> Judged:
    low, high = {"sparse": (0.0, 2.5), "moderate": (2.5, 7.0), "dense": (7.0, 1e9)}[what]
    return _band(facts.rate, low, high, f"{facts.rate} notes a second")


def _rate(what: tuple[float, str], facts: _Facts) -> Judged:
    value, side = what
    if facts.rate is None:
        return _said(None, "the rate of notes is unknown")
    fits = (
        facts.rate <= value * 1.05
        if side == "under"
        else value * 0.85 <= facts.rate / 1.0 <= value * 1.35 + 1
        if side == "over"
        else abs(facts.rate - value) <= max(1.0, 0.15 * value)
    )
    return _said(fits, f"{facts.rate:g} notes a second")


def _polyphony(what: str, facts: _Facts) -> Judged:
    low, high = {"single": (0.0, 1.15), "thick": (3.0, 1e9), "thin": (0.0, 2.5)}[what]
    return _band(facts.polyphony, low, high, f"{facts.polyphony} notes sound together")


def _register(what: str, facts: _Facts) -> Judged:
    low, high = {"low": (0.0, 50.0), "middle": (50.0, 70.0), "high": (70.0, 127.0)}[what]
    return _band(facts.median, low, high, f"the median pitch is {facts.median}")


def _level(what: tuple[str, str], facts: _Facts) -> Judged:
    level, phase = what
    if not facts.level:
        return _said(None, "the level is unknown")
    fits = level == facts.level
    if phase and facts.change in ("crescendo", "decrescendo"):
        quiet = (phase == "start") == (facts.change == "crescendo")
        fits = fits or (level == "soft") == quiet
    return _said(fits, f"the level is {facts.level}")


def _change(what: str, facts: _Facts) -> Judged:
    return _said(what == facts.change if facts.change else None, f"the dynamics: {facts.change or 'unknown'}")


def _articulation(what: tuple[str, bool], facts: _Facts) -> Judged:
    if not facts.articulation:
        return _said(None, "the articulation is unknown")
    return _said(what[0] == facts.articulation, f"the articulation is {facts.articulation}")


def _swing(what: str, facts: _Facts) -> Judged:
    if facts.swing is None:
        return _said(None, "no swing is known")
    return _said((facts.swing >= 1.2) == (what == "swung"), f"the swing ratio is {facts.swing:g}")


def _effect(what: tuple[str, str], facts: _Facts) -> Judged:
    effect, name = what
    holders = [kinds for kinds, some in facts.effects if effect in some]
    if not holders:
        if effect == "tremolo" and any("tremolo strings" in player.kinds for player in facts.players):
            return _said(True, "tremolo strings")
        if effect == "distortion" and any("distorted guitar" in player.kinds for player in facts.players):
            return _said(True, "a distorted guitar")
        return _said(None if not facts.effects else False, "no such effect is known")
    if not name:
        return _said(True, f"there is {effect}")
    wanted = {"guitar"} if name in _BY_ROLE else {name, *LOOSE.get(name, set())}
    return _said(any(wanted & kinds for kinds in holders) or not _matching(name, facts), f"{effect} is on another instrument")


def _no_effects(what: bool, facts: _Facts) -> Judged:
    return _said(not facts.effects, "there are effects")


# --- tags


def _tag(kind: str, what: str, facts: _Facts) -> Judged:
    told = f"{kind}: {', '.join(name for name, is_kind in facts.tags if is_kind == kind) or 'unknown'}"
    wanted = _plain(what)
    for name, is_kind in facts.tags:
        if name == wanted or _same(name, wanted):
            return _said(True, told)
        if kind == is_kind == "genre" and (
            wanted in _above(name)
            or re.search(rf"\b{re.escape(wanted)}\b", name)
            or any({wanted, name} <= some for some in GENRES_ALIKE)
        ):
            return _said(True, told)
        if kind == "mood" and _moods(wanted) & _moods(name):
            return _said(True, told)
    return _said(None, told)


def _genre(what: str, facts: _Facts) -> Judged:
    judged = _tag("genre", what, facts)
    words = re.sub(r" (?:music|shuffle|groove|beats?|tunes?|songs?|jam)$", "", _plain(what)).split()
    # "Irish folk" is so of what is folk and Irish, "sacred music" of what is sacred.
    for cut in range(min(len(words), 4)) if judged[0] != "supported" else ():
        genre = " ".join(words[cut:])
        if _tag("genre", genre, facts)[0] == "supported" and all(_fits(word, facts) for word in words[:cut]):
            return _said(True, judged[1])
    if what in PLAYED and _matching(PLAYED[what], facts):
        return _said(True, judged[1])
    return judged


def _fits(word: str, facts: _Facts) -> bool:
    """Whether a word before a genre is true of the clip: a place, a mood, a time or an instrument of its own."""
    return (
        word in NEUTRAL
        or any(_tag(kind, word, facts)[0] == "supported" for kind in ("region", "mood"))
        or _era(word, facts)[0] == "supported"
        or bool(instrument_named(word) and _matching(instrument_named(word), facts))
    )


def _mood(what: str, facts: _Facts) -> Judged:
    return _tag("mood", what, facts)


def _era(what: str, facts: _Facts) -> Judged:
    judged = _tag("era", what, facts)
    if judged[0] != "supported":
        decades = {decade for name, _ in facts.tags for decade in decades_of(name)}
        if any(re.search(rf"\b{re.escape(what)}\b", name) for name, is_kind in facts.tags if is_kind == "era"):
            return _said(True, judged[1])  # "early 20th century"
        century = re.fullmatch(r"(\d\d)(?:st|th) century", what)
        if century and any(decade.startswith(str(int(century[1]) - 1)) for decade in decades):
            return _said(True, judged[1])
        if decades & decades_of(what):
            return _said(True, judged[1])
    return judged


def _region(what: str, facts: _Facts) -> Judged:
    return _tag("region", what, facts)


def _any_tag(what: str, facts: _Facts) -> Judged:
    return _said(
        True if any(re.search(rf"\b{re.escape(what)}\b", name) for name, _ in facts.tags) else None, "no such tag is known"
    )


@lru_cache(4096)
def _plain(name: str) -> str:
    return vocabulary.fold(name[:100])


@lru_cache(4096)
def _same(name: str, other: str) -> bool:
    one, two = vocabulary.find(name), vocabulary.find(other)
    return (one is not None and one == two) or name.replace(" ", "") == other.replace(" ", "")


@lru_cache(4096)
def _above(name: str) -> frozenset[str]:
    found = vocabulary.find(name)
    return frozenset(_plain(one) for one in vocabulary.ancestors(found.name)) if found and found.kind == "genre" else frozenset()


def _moods(word: str) -> frozenset[int]:
    found: set[int] = set(mood_clusters().get(word, ()))
    if not found and (term := vocabulary.find(word)):
        found |= mood_clusters().get(term.name, frozenset())
    return frozenset(found)


# --- when


def _event(event: Event, facts: _Facts) -> Judged:
    if facts.seconds is None:
        return _said(None, "the length is unknown")
    groups = [[player] for player in facts.players] if event.who == (EVERYONE,) else [_meant(name, facts) for name in event.who]
    players = [player for group in groups for player in group]
    told = "; ".join(
        f"{p.name} {p.enters:g}-{p.leaves:g} s" for p in players or facts.players if p.enters is not None and p.leaves is not None
    )
    first, last, slack = _when(event, facts.seconds)
    if event.changes and _near(facts.shifts, first, last, slack):
        return _said(True, told)
    if not all(groups):
        return _said(False, told)
    every = [at for player in facts.players for at in (player.enters, player.leaves) if at is not None]
    if event.unit == "r":
        mine = [at for player in players for at in (player.enters, player.leaves) if at is not None] or every
        apart = {abs(at - other) for at in mine for other in [*every, *facts.shifts]}
        return _said(_near(apart, first, last, slack), told)
    if not players:
        return _said(_near([*every, *facts.shifts, facts.seconds], first, last, slack), told)
    return _said(all(any(_does(player, event, first, last, slack, facts.seconds) for player in some) for some in groups), told)


def _when(event: Event, whole: float) -> tuple[float, float, float]:
    """The stretch of the clip that a time means, in seconds, and how far off it may be."""
    if event.unit == "f":
        return event.low * whole, event.high * whole, (0.08 if event.high - event.low > 0.3 else 0.1) * whole
    if event.unit == "e":
        return whole - event.low, whole - event.high, max(1.0, 0.1 * event.low)
    return event.low, event.high, max(1.0, 0.1 * event.high)


def _does(player: _Player, event: Event, first: float, last: float, slack: float, whole: float) -> bool:
    enters, leaves = player.enters, player.leaves
    if enters is None or leaves is None:
        return False
    point = event.low == event.high
    if event.by:
        return leaves <= last + slack if event.how == "leaves" else enters <= last + slack
    if event.kept:
        return abs(leaves - enters - event.high) <= slack + 0.5
    match event.how:
        case "enters":
            return first - slack <= enters <= (whole if event.unit == "e" and event.low else last) + slack
        case "leaves":
            if event.unit == "e" and not point:
                return leaves >= first - slack
            # Nobody leaves by playing to the end of the clip.
            ends = event.unit == "f" and not point and leaves > 0.985 * whole
            return first - slack <= leaves <= last + (0.0 if event.high == 0.95 else slack) and not ends
        case "silent":
            return not first - 1e-6 <= enters <= first + slack if point else _sounding(player, first, last) < 0.3
        case "sounds" if event.unit == "f" and event.low == 1.0:
            return leaves >= 0.93 * whole
        case "sounds" if not point:
            return _sounding(player, first, last) >= 0.5 and not (event.only and enters < first - slack)
        case _:
            if not point:
                late = event.only and enters < first - slack
                return first - slack <= enters <= last or (_sounding(player, first, last) >= 0.5 and not late)
            return first - slack <= enters <= last + slack or first - slack <= leaves <= last + slack


def _near(times: Iterable[float | None], first: float, last: float, slack: float) -> bool:
    return any(at is not None and first - slack <= at <= last + slack for at in times)


def _sounding(player: _Player, first: float, last: float) -> float:
    """The share of a stretch in which a player is there."""
    if player.enters is None or player.leaves is None:
        return 0.5
    return max(0.0, min(last, player.leaves) - max(first, player.enters)) / max(last - first, 1e-6)


def _throughout(what: str, facts: _Facts) -> Judged:
    players = _meant(what, facts)
    whole = facts.seconds or 0.0
    fits = any(
        (player.presence is None or player.presence >= 0.8 * (1 - SLACK))
        and (player.enters is None or player.enters <= 0.1 * whole + 0.5)
        for player in players
    )
    return _said(fits, "; ".join(f"{player.name}: {player.presence}" for player in players))


def _before(what: tuple[str, str, str, str], facts: _Facts) -> Judged:
    first, first_kind, second, second_kind = what
    one = [getattr(player, first_kind) for player in _meant(first, facts)]
    two = [getattr(player, second_kind) for player in _meant(second, facts)]
    pairs = [(a, b) for a in one for b in two if a is not None and b is not None]
    if not pairs:
        return _said(None if one and two else False, "when they enter is unknown")
    slack = 0.05 if first_kind == second_kind else 0.5
    fits = any(a < b if first_kind == second_kind else a <= b + slack for a, b in pairs)
    return _said(fits, f"{first} at {min(a for a, _ in pairs):g} s, {second} at {min(b for _, b in pairs):g} s")


def _not_after(what: tuple[str, str, str, str], facts: _Facts) -> Judged:
    """Who joins another may also start with it."""
    first, _, second, _ = what
    one = [player.enters for player in _meant(first, facts) if player.enters is not None]
    two = [player.enters for player in _meant(second, facts) if player.enters is not None]
    if not one or not two:
        return _before(what, facts)
    return _said(min(one) <= max(two), f"{first} at {min(one):g} s, {second} at {max(two):g} s")


def _sequence(what: tuple[str, ...], facts: _Facts) -> Judged:
    options = [[player.enters for player in _meant(name, facts) if player.enters is not None] for name in what]
    if not all(options):
        return _said(None, "when they enter is unknown")
    if len({time for times in options for time in times}) == 1:
        return _said(False, "they all enter together")
    at = -math.inf
    for times in options:
        later = [time for time in times if time >= at - 0.05]
        if not later:
            return _said(False, "; ".join(f"{name} at {min(times):g} s" for name, times in zip(what, options, strict=True)))
        at = min(later)
    return _said(True, "in that order")


def _rank(what: tuple[str, str], facts: _Facts) -> Judged:
    name, rank = what
    mine = [player.enters for player in _meant(name, facts) if player.enters is not None]
    every = sorted({player.enters for player in facts.players if player.enters is not None})
    if not mine or not every:
        return _said(None if _matching(name, facts) else False, "when it enters is unknown")
    if rank == "last":
        if len(every) == 1 and len(facts.players) > 1:
            return _said(False, "they all enter together")
        return _said(max(mine) >= every[-1] - 0.05, f"{name} enters at {max(mine):g} s, the last at {every[-1]:g} s")
    if rank == "first":
        return _said(min(mine) <= every[0] + 0.05, f"{name} enters at {min(mine):g} s")
    place = {"second": 1, "third": 2, "fourth": 3}[rank]
    return _said(len(every) > place and any(abs(at - every[place]) < 0.05 for at in mine), f"{name} enters at {min(mine):g} s")


def _position(what: str, facts: _Facts) -> Judged:
    if not facts.position:
        return _said(None, "the section is unknown")
    return _said(what == facts.position, f"the section is {facts.position}")


def _repeats(what: bool, facts: _Facts) -> Judged:
    return _said(None if facts.repeats is None else facts.repeats == what, "whether the section comes elsewhere")


_JUDGES: dict[str, Any] = {
    "instrument": _instrument, "sort": _sort, "absent": _absent, "role": _role, "count": _count, "count_at_end": _count_at_end,
    "least": _least, "least_of": _least_of, "most": _most, "all": _all,
    "tempo": _tempo, "bpm": _bpm,
    "bpm_range": _bpm_range, "steady": _steady, "tempo_change": _tempo_change, "metre": _metre, "metre_when": _metre_when,
    "seconds": _seconds,
    "key": _key, "mode": _mode, "chord": _chord, "chord_order": _chord_order, "chord_count": _chord_count,
    "no_chords": _no_chords,
    "density": _density, "rate": _rate, "polyphony": _polyphony, "register": _register, "level": _level,
    "change": _change,
    "articulation": _articulation, "swing": _swing, "effect": _effect, "no_effects": _no_effects, "genre": _genre, "mood": _mood,
    "era": _era, "region": _region, "tag": _any_tag, "event": _event, "throughout": _throughout,
    "before": _before, "not_after": _not_after,
    "sequence": _sequence, "rank": _rank, "position": _position,
    "repeats": _repeats,
}  # fmt: skip

# --- the record

_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_PITCHES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_TONIC = re.compile(r"\s*([A-Ga-g])\s*(flat|sharp|#|♯|b|♭)?\b\s*(.*)", re.DOTALL)
_CHORD = re.compile(r"\s*([A-G])(#|♯|b|♭)?([^/]*)")
_SAME_EFFECT = {
    "wah-wah": "wah", "wah wah": "wah", "overdrive": "distortion", "fuzz": "distortion", "echo": "delay",
    "rotary speaker": "rotary", "leslie": "rotary", "compressor": "compression", "phasing": "phaser",
    "reverberation": "reverb", "auto-tune": "autotune",
}  # fmt: skip


def _facts(record: Mapping[str, Any]) -> _Facts:
    tempo, key = _map(record.get("tempo")), _map(record.get("key"))
    section, dynamics = _map(record.get("section")), _map(record.get("dynamics"))
    changes = [_map(one) for one in _list(record.get("changes"))[:500]]
    tempos = [
        bpm
        for bpm in [_number(tempo.get("bpm")), *(_number(one.get("to")) for one in changes if one.get("what") == "tempo")]
        if bpm
    ]
    keys = [
        _tonic(f"{_text(key.get('tonic'))} {_text(key.get('mode'))}"),
        *(_tonic(_text(one.get("to"))) for one in changes if one.get("what") == "key"),
    ]
    metres = [_text(record.get("metre")), *(_text(one.get("to")) for one in changes if one.get("what") == "metre")]
    named = [_text(one)[:40] for one in _list(record.get("chords"))[:MOST_CHORDS]]
    chords = [found for name in named if (found := _chord_of(name))]
    steady = tempo.get("steady")
    repeats = section.get("repeats")
    return _Facts(
        seconds=_number(record.get("seconds")),
        tempos=tempos,
        steady=steady if isinstance(steady, bool) else None,
        metres=metres if any(metres) else [],
        keys=[one for one in keys if one],
        chords=chords,
        no_chords=bool(named) and not chords,
        players=[_player(_map(one)) for one in _list(record.get("instruments"))[:MOST_INSTRUMENTS]],
        rate=_number(record.get("notes_per_second")),
        polyphony=_number(record.get("polyphony")),
        median=_number(_map(record.get("register")).get("median")),
        articulation=_text(_map(record.get("articulation")).get("kind")),
        level=_text(dynamics.get("level")),
        change=_text(dynamics.get("change")),
        swing=_number(_map(record.get("swing")).get("ratio")),
        effects=[_effects(_map(one)) for one in _list(record.get("effects"))[:MOST_INSTRUMENTS]],
        tags=[
            (_plain(_text(one.get("name"))), _text(one.get("kind")))
            for one in map(_map, _list(record.get("tags"))[:MOST_TAGS])
            if (_number(one.get("confidence")) or 0.0) >= LEAST_CONFIDENCE
        ],
        position=_text(section.get("position")),
        repeats=repeats if isinstance(repeats, bool) else None,
        shifts=[
            at for one in changes if one.get("what") in ("key", "tempo", "metre") and (at := _number(one.get("at"))) is not None
        ],
    )


def _player(one: Mapping[str, Any]) -> _Player:
    name = _text(one.get("name"))[:80]
    kind = _instrument_of(name, _text(one.get("family"))[:40])
    kinds = kinds_of().get(kind, frozenset({kind} if kind else ()))
    return _Player(
        name,
        kind,
        kinds,
        _text(one.get("role")),
        _number(one.get("enters")),
        _number(one.get("leaves")),
        _number(one.get("presence")),
    )


def _effects(one: Mapping[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
    kind = _instrument_of(_text(one.get("instrument"))[:80], "")
    some = [fold(_text(name)[:40]) for name in _list(one.get("effects"))[:50]]
    named = frozenset(_SAME_EFFECT.get(name, name) for name in some).union(*map(effects_named, some))
    return kinds_of().get(kind, frozenset({kind})), named


_instrument_of = lru_cache(4096)(instrument_named)


def _tonic(text: str) -> tuple[int, str] | None:
    match = _TONIC.match(text[:60])
    if not match:
        return None
    shift = {"flat": -1, "b": -1, "♭": -1, "sharp": 1, "#": 1, "♯": 1}.get(match[2] or "", 0)
    return (_PITCHES[match[1].upper()] + shift) % 12, match[3].strip().split(" ")[0]


@lru_cache(4096)
def _chord_of(text: str) -> tuple[int, str] | None:
    match = _CHORD.match(text)
    if not match:
        return None
    shift = {"b": -1, "♭": -1, "#": 1, "♯": 1}.get(match[2] or "", 0)
    return (_PITCHES[match[1]] + shift) % 12, match[3].strip()


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None
