"""A melody with its chords as text, in a small notation close to ABC.

    [Am]c2 d e>^fe | [G]d2 B G>AB | ...

Letters are pitches: `C` is middle C, `c` the octave above, `,` and `'` move an octave down and up; `^ _ =` are
sharp, flat and natural and hold until the bar line, over the key's own signature; `z` is a rest. The number
after a letter is its length in eighth notes (`c3`, `c/2`, `c3/2`), `a>b` is a dotted pair, `-` ties a note to
the next of its pitch. `[Am]` sets the chord from here on. Bars are closed by `|`.

Times here and in the rest of the room are whole numbers of 1/960 quarter note, so nothing depends on rounding.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

QUARTER = 960
EIGHTH = QUARTER // 2

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"^": 1, "_": -1, "=": 0, "#": 1, "b": -1, "": 0}
_SHARPS = "FCGDAEB"
_QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "m7b5": (0, 3, 6, 10),
    "dim": (0, 3, 6),
    "sus4": (0, 5, 7),
    "5": (0, 7),
}
_CHORD = re.compile(r"([A-G])([#b]?)(m7b5|maj7|m7|m6|dim|sus4|m|7|6|5|)(?:/([A-G])([#b]?))?")
_KEY = re.compile(r"([A-G])([#b]?)(m?)")
_TOKEN = re.compile(
    r"\[(?P<chord>[^\]]*)\]"
    r"|(?P<accidental>[\^_=]?)(?P<letter>[A-Ga-gz])(?P<octave>[',]*)(?P<times>\d*)(?:/(?P<over>\d+))?(?P<tie>-?)(?P<dot>>?)"
)


class NotationError(ValueError):
    """Text that is not music in this notation; `reason` is one word, `detail` one sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Note:
    """A pitch (MIDI number) from `start` for `length`, in 1/960 quarters; `velocity` 1-127."""

    start: int
    length: int
    pitch: int
    velocity: int = 80

    @property
    def end(self) -> int:
        return self.start + self.length


@dataclass(frozen=True)
class Chord:
    """A chord symbol: pitch class of its root and of its bass, and its tones as semitones above the root."""

    root: int
    tones: tuple[int, ...]
    bass: int

    @property
    def classes(self) -> tuple[int, ...]:
        """The pitch classes (0-11), root first."""
        return tuple((self.root + tone) % 12 for tone in self.tones)

    def degree(self, name: str) -> int:
        """Semitones from the root up to the third (`3`), fifth (`5`), sixth (`6`) or octave (`8`)."""
        if name == "6":
            return 9
        if name == "8":
            return 12
        near = {"1": (0,), "3": (3, 4, 5), "5": (7, 6)}[name]
        return next((tone for tone in self.tones if tone in near), 7)

    def transposed(self, semitones: int) -> "Chord":
        return replace(self, root=(self.root + semitones) % 12, bass=(self.bass + semitones) % 12)


@dataclass(frozen=True)
class Bar:
    """One bar: the notes that start in it and the chords that begin in it, at times from the bar's own start."""

    length: int
    notes: tuple[Note, ...]
    chords: tuple[tuple[int, Chord], ...]

    def transposed(self, semitones: int) -> "Bar":
        return Bar(
            self.length,
            tuple(replace(note, pitch=note.pitch + semitones) for note in self.notes),
            tuple((time, chord.transposed(semitones)) for time, chord in self.chords),
        )


@dataclass(frozen=True)
class Key:
    """A key signature: sharps (or, negative, flats) and whether it is minor."""

    fifths: int
    minor: bool

    @property
    def scale(self) -> frozenset[int]:
        """The seven pitch classes of the signature."""
        return frozenset((7 * (self.fifths + step)) % 12 for step in range(-1, 6))

    def alteration(self, letter: str) -> int:
        place = _SHARPS.index(letter)
        if self.fifths > 0:
            return 1 if place < self.fifths else 0
        return -1 if place >= 7 + self.fifths else 0

    def transposed(self, semitones: int) -> "Key":
        return Key((self.fifths + 7 * semitones + 5) % 12 - 5, self.minor)


def parse_key(text: str) -> Key:
    """Read `G`, `Bb` or `F#m`."""
    found = _KEY.fullmatch(text)
    if not found:
        raise NotationError("unknown_key", f"{text!r} is not a key such as G, Bb or F#m.")
    letter, accidental, minor = found.groups()
    fifths = _SHARPS.index(letter) - 1 + 7 * _ACCIDENTALS[accidental] - (3 if minor else 0)
    return Key(fifths, bool(minor))


def parse_chord(text: str) -> Chord:
    """Read a chord symbol such as `Am`, `G7`, `Fmaj7` or `D/F#`."""
    found = _CHORD.fullmatch(text)
    if not found:
        raise NotationError("unknown_chord", f"{text!r} is not a chord symbol; qualities are {', '.join(_QUALITIES)}.")
    letter, accidental, quality, bass, bass_accidental = found.groups()
    root = (_LETTERS[letter] + _ACCIDENTALS[accidental]) % 12
    low = (_LETTERS[bass] + _ACCIDENTALS[bass_accidental or ""]) % 12 if bass else root
    return Chord(root, _QUALITIES[quality], low)


def parse_melody(text: str, key: Key, bar_length: int) -> list[Bar]:
    """Read bars of melody and chords; every bar must last exactly `bar_length`, and the first must name a chord."""
    bars = [_bar(bar, key) for bar in text.split("|") if bar.strip()]
    for number, bar in enumerate(bars, 1):
        if bar.length != bar_length:
            detail = f"Bar {number} lasts {bar.length}/{QUARTER} quarters, the metre says {bar_length}/{QUARTER}."
            raise NotationError("bar_length", detail)
    if not bars or not bars[0].chords or bars[0].chords[0][0] != 0:
        raise NotationError("no_chord", "The first bar must begin with a chord.")
    return _named_chords(bars)


def parse_pickup(text: str, key: Key) -> Bar:
    """Read the notes before the first bar line."""
    return _bar(text, key)


def _named_chords(bars: list[Bar]) -> list[Bar]:
    """Give each bar the chord it begins with, so that a bar can be played on its own."""
    current = bars[0].chords[0][1]
    named = []
    for bar in bars:
        chords = bar.chords if bar.chords and bar.chords[0][0] == 0 else ((0, current), *bar.chords)
        current = chords[-1][1]
        named.append(replace(bar, chords=chords))
    return named


def _bar(text: str, key: Key) -> Bar:
    notes: list[Note] = []
    chords: list[tuple[int, Chord]] = []
    altered: dict[tuple[str, str], int] = {}
    time = 0
    tied = dotted = False
    for token in _tokens(text):
        if token["chord"] is not None:
            chords.append((time, parse_chord(token["chord"])))
            continue
        length = EIGHTH * int(token["times"] or 1) // int(token["over"] or 1)
        length = length // 2 if dotted else length
        dotted = bool(token["dot"])
        length = length * 3 // 2 if dotted else length
        if token["letter"] != "z":
            pitch = _pitch(token, key, altered)
            if tied and notes[-1].pitch == pitch and notes[-1].end == time:
                notes[-1] = replace(notes[-1], length=notes[-1].length + length)
            else:
                notes.append(Note(time, length, pitch))
        tied = bool(token["tie"])
        time += length
    return Bar(time, tuple(notes), tuple(chords))


def _tokens(text: str) -> Iterator[re.Match[str]]:
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        found = _TOKEN.match(text, position)
        if not found:
            raise NotationError("unknown_sign", f"{text[position : position + 8]!r} is not a note, rest or chord.")
        yield found
        position = found.end()


def _pitch(token: re.Match[str], key: Key, altered: dict[tuple[str, str], int]) -> int:
    letter, octave = token["letter"], token["octave"]
    name = letter.upper()
    if token["accidental"]:
        altered[letter, octave] = _ACCIDENTALS[token["accidental"]]
    alteration = altered.get((letter, octave), key.alteration(name))
    octaves = (1 if letter.islower() else 0) + octave.count("'") - octave.count(",")
    return 60 + _LETTERS[name] + alteration + 12 * octaves
