"""The words in a MIDI file: lyrics by syllable and line, titles, copyright, names, markers, notes of the maker.

Lyrics are lyric events (0x05), or text events (0x01) as karaoke files hold them: a backslash begins a paragraph, a slash a
line, `@T` a title, `@L` the language (Tune 1000's `.kar`). In lyric events a line feed begins a paragraph and a carriage
return a line (MIDI Manufacturers Association, RP-017 and RP-026), and many a file uses slashes there as well.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from motet.midi.errors import Unreadable
from motet.midi.events import (
    COPYRIGHT,
    END_OF_TRACK,
    ESCAPE,
    LYRIC,
    MARKER,
    META,
    PAIR_RUN,
    PAIRS,
    SYSEX,
    TEXT,
    TRACK_NAME,
    chunks,
    number,
)
from motet.midi.reading import unwrap

INSTRUMENT_NAME, CUE = 0x04, 0x07
MOST_TEXTS = 50_000
LONGEST_TEXT = 2_000  # characters of one event; the rest of it is dropped

_CANDIDATE = re.compile(rb"\xff[\x01-\x07]")
_CONTROL = dict.fromkeys((*range(32), *range(127, 160), 0x2028, 0x2029), " ")
# Lyrics are spread over time, what makers say of themselves is not: ticks at which lyric or text events of a track stand.
_FEWEST_MOMENTS = {LYRIC: 3, TEXT: 8}
_WORDS_TRACK = re.compile(r"(?i)\W*(?:soft )?(?:words|lyrics?|karaoke)\W*")
_DECLARED = re.compile(rb"\{@([A-Za-z0-9-]{2,12})\}")
_BREAKS = re.compile(r"^[\\/\r\n]+|[\r\n]+$")
# What RP-026 (in braces) and the `@L` of karaoke files call the writing systems, by their first letters.
_ENCODINGS = {
    b"JP": "cp932", b"JA": "cp932", b"RU": "cp1251", b"CHIN": "gb18030", b"KOR": "cp949", b"GREE": "cp1253",
    b"HEB": "cp1255", b"TURK": "cp1254", b"POL": "cp1250", b"CZE": "cp1250", b"HUNG": "cp1250", b"LATIN": "cp1252",
}  # fmt: skip
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_KANA = re.compile("[\u3041-\u30fe]")


@dataclass(frozen=True)
class Text:
    """One text event: where it stands, and what it says on one line, without control characters."""

    tick: int
    track: int
    text: str


@dataclass(frozen=True)
class Syllable:
    """A piece of the lyrics as one event holds it, spaces kept. `breaks` is what comes before: "" or "line", "paragraph"."""

    tick: int
    text: str
    breaks: str = ""


@dataclass(frozen=True)
class Line:
    """A line of the lyrics and the tick of its first syllable. `paragraph`: whether it begins one."""

    tick: int
    text: str
    paragraph: bool


@dataclass(frozen=True)
class Words:
    """All that is written in a file. Each tuple is in order of track, then tick.

    `syllables` are of the one track that holds most of the lyrics, which other tracks often repeat. `title` and `language`
    are what a karaoke file declares, `notices` its other `@` lines; `texts` are the text events that are none of these.
    `encoding` is that of the non-ASCII text: declared, or UTF-8 where all is valid, Shift-JIS (cp932) or Cyrillic (cp1251)
    where the letters leave no doubt, else cp1252, which can be wrong. `complete` is False where text was dropped because
    there was too much of it: more than 50,000 events, or 2,000 characters in one.
    """

    syllables: tuple[Syllable, ...]
    title: str
    language: str
    notices: tuple[Text, ...]
    texts: tuple[Text, ...]
    copyrights: tuple[Text, ...]
    track_names: tuple[Text, ...]
    instrument_names: tuple[Text, ...]
    markers: tuple[Text, ...]
    cues: tuple[Text, ...]
    encoding: str
    complete: bool

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The lyrics line by line."""
        return tuple(_lines(self.syllables))

    @property
    def lyrics(self) -> str:
        """The lyrics: a line feed after each line, an empty line before each paragraph but the first."""
        return "\n".join(("\n" if line.paragraph and at else "") + line.text for at, line in enumerate(self.lines))


_Raw = tuple[int, int, int, bytes]  # tick, track, kind, bytes


def words(data: bytes) -> Words:
    """What is written in MIDI bytes.

    Only what stands in an event counts: bytes of other data that look like text are none. Raises `Unreadable` as `read`
    does for what is no MIDI, and where a track is damaged before its last text.
    """
    found, complete = _found(unwrap(data)[0])
    encoding = _encoding([raw for _, _, _, raw in found if not raw.isascii()], found)
    by_kind: dict[int, list[Text]] = {kind: [] for kind in range(TEXT, CUE + 1)}
    notices, karaoke = list[Text](), set[int]()
    for tick, track, kind, raw in found:
        said = _decoded(raw, encoding)
        complete &= len(said) <= LONGEST_TEXT
        said = said[:LONGEST_TEXT]
        if kind == TEXT and said.startswith("@"):
            notices.append(Text(tick, track, _plain(said)))
            karaoke.add(track)
        else:
            by_kind[kind].append(Text(tick, track, said))
    sung, texts = _sung(by_kind, karaoke)

    def plain(several: Sequence[Text]) -> tuple[Text, ...]:
        clean = (Text(one.tick, one.track, _plain(one.text)) for one in several)
        return tuple(one for one in clean if one.text)

    return Words(
        syllables=tuple(_syllables(sung)),
        title=next((notice.text[2:].strip() for notice in notices if notice.text[:2] == "@T"), ""),
        language=next((notice.text[2:].strip() for notice in notices if notice.text[:2] == "@L"), ""),
        notices=tuple(notices),
        texts=plain(texts),
        copyrights=plain(by_kind[COPYRIGHT]),
        track_names=plain(by_kind[TRACK_NAME]),
        instrument_names=plain(by_kind[INSTRUMENT_NAME]),
        markers=plain(by_kind[MARKER]),
        cues=plain(by_kind[CUE]),
        encoding=encoding,
        complete=complete,
    )


def _found(data: bytes) -> tuple[list[_Raw], bool]:
    """The text events of a file, and whether that is all of them."""
    if len(data) < 14:
        raise Unreadable("truncated", "the file ends inside its header")
    places = [match.start() for match in _CANDIDATE.finditer(data)]
    found: list[_Raw] = []
    tracks = chunks(data, 8 + int.from_bytes(data[4:8]), int.from_bytes(data[10:12]))
    for track, (start, end) in enumerate(tracks):
        after = bisect_left(places, end)
        if not after or places[after - 1] < start:
            continue
        for tick, kind, raw in _texts(data, start, end, places[after - 1]):
            if len(found) == MOST_TEXTS:
                return found, False
            found.append((tick, track, kind, raw))
    return found, True


def _texts(data: bytes, at: int, end: int, last: int) -> Iterator[tuple[int, int, bytes]]:
    """Tick, kind and bytes of the text events of a track at `data[at:end]`, none of which begins after `last`."""
    tick = running = 0
    try:
        while at <= last:
            if running and running & 0xE0 != 0xC0 and (run := PAIR_RUN.match(data, at, end)):
                for delay, status_byte, _ in PAIRS.findall(data, at, run.end()):
                    tick += delay[0] if len(delay) == 1 else number(delay, 0)[0]
                    running = status_byte[0] if status_byte else running
                at = run.end()
                continue
            delay, at = number(data, at)
            tick += delay
            status = data[at]
            if status == META:
                size, start = number(data, at + 2)
                kind, at = data[at + 1], start + size
                if kind == END_OF_TRACK:
                    return
                if at > end:
                    raise Unreadable("truncated", "a track ends inside an event")
                if TEXT <= kind <= CUE and size:
                    yield tick, kind, data[start:at]
            elif status in (SYSEX, ESCAPE):
                size, at = number(data, at + 1)
                at += size
            elif status > SYSEX:
                # Real-time and system common messages have no meaning in a file; their sizes are those of the wire.
                at += {0xF1: 2, 0xF2: 3, 0xF3: 2}.get(status, 1)
            else:
                at += status >= 0x80
                running = status if status >= 0x80 else running
                if not running:
                    raise Unreadable("unparsable", f"byte {at} should be a status and is {status}")
                at += 1 if running & 0xE0 == 0xC0 else 2
    except IndexError:
        raise Unreadable("truncated", "a track ends inside an event") from None


def _encoding(foreign: list[bytes], found: list[_Raw]) -> str:
    """How the texts that are not ASCII (`foreign`) are written."""
    if not foreign:
        return "ascii"
    if all(_is(raw, "utf-8") for raw in foreign):
        return "utf-8"
    said = [match[1] for _, _, kind, raw in found if kind in (TEXT, LYRIC) and (match := _DECLARED.search(raw))]
    said += [raw[2:] for _, _, kind, raw in found if kind == TEXT and raw[:2] == b"@L"]
    for word in said:
        for start, encoding in _ENCODINGS.items():
            if word.upper().startswith(start) and all(_is(raw, encoding) for raw in foreign):
                return encoding
    if all(_is(raw, "cp932") for raw in foreign):
        letters = "".join(raw.decode("cp932") for raw in foreign)
        wide = [letter for letter in letters if ord(letter) > 0x7F]
        # Kana are bytes that Western texts hardly hold, and every Japanese text holds many.
        if len(wide) >= 4 and len(_KANA.findall(letters)) >= 0.2 * len(wide):
            return "cp932"
    high = bytes(byte for raw in foreign for byte in raw if byte > 0x7F)
    # Cyrillic: hardly a byte below 0xC0, and of the commonest letters (o, e, a, i) as many as Russian has.
    cyrillic = len(high) >= 20 and sum(byte >= 0xC0 for byte in high) > 0.95 * len(high)
    if cyrillic and sum(high.count(byte) for byte in b"\xee\xe5\xe0\xe8") > 0.25 * len(high) and _in_words(foreign):
        return "cp1251"
    return "cp1252"


def _is(raw: bytes, encoding: str) -> bool:
    """Whether bytes are text of an encoding: valid, and no letters for private use."""
    try:
        return not _PRIVATE.search(raw.decode(encoding))
    except UnicodeDecodeError:
        return False


def _in_words(foreign: list[bytes]) -> bool:
    """Whether letters above ASCII follow each other, as they hardly do in Western texts."""
    pairs = [pair for raw in foreign for pair in pairwise(raw) if pair[0] > 0x7F]
    return sum(second > 0x7F for _, second in pairs) > 0.5 * max(len(pairs), 1)


def _decoded(raw: bytes, encoding: str) -> str:
    if raw.isascii():
        return raw.decode("ascii")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _plain(text: str) -> str:
    return " ".join(text.translate(_CONTROL).split())


def _sung(by_kind: dict[int, list[Text]], karaoke: set[int]) -> tuple[list[Text], list[Text]]:
    """The events that are the lyrics, and the text and lyric events that are none."""
    named = {one.track for one in by_kind[TRACK_NAME] if _WORDS_TRACK.fullmatch(one.text)}
    by_track: dict[tuple[int, int], list[Text]] = {}
    for kind in (LYRIC, TEXT):
        for one in by_kind[kind]:
            by_track.setdefault((kind, one.track), []).append(one)
    lyrics: dict[tuple[int, int], list[Text]] = {}
    others: list[Text] = []
    for (kind, track), several in by_track.items():
        meant = kind == LYRIC or track in named or track in karaoke or any(one.text[:1] in ("/", "\\") for one in several)
        if meant and len({one.tick for one in several}) >= _FEWEST_MOMENTS[kind]:
            lyrics[kind, track] = several
        else:
            others += several
    if not lyrics:
        return [], others
    # Ties go to lyric events, then to the first track.
    chosen = max(lyrics, key=lambda key: (sum(len(one.text) for one in lyrics[key]), key[0], -key[1]))
    return lyrics[chosen], others


def _syllables(sung: Sequence[Text]) -> Iterator[Syllable]:
    breaks = ""
    for one in sung:
        text = _DECLARED.sub(b"", one.text.encode()).decode() if "{@" in one.text else one.text
        head, tail = "", ""
        for match in _BREAKS.finditer(text):
            if match.start() == 0:
                head = match[0]
            else:
                tail = match[0]
        breaks = _stronger(breaks, head)
        text = text[len(head) : len(text) - len(tail)].translate(_CONTROL)
        if text.strip():
            yield Syllable(one.tick, text, breaks)
            breaks = ""
        breaks = _stronger(breaks, tail)


def _stronger(breaks: str, marks: str) -> str:
    """The break before a syllable, given marks that add to it: a paragraph is more than a line."""
    if "\\" in marks or "\n" in marks.replace("\r\n", "\r") or marks.count("\r") > 1 or breaks == "paragraph":
        return "paragraph"
    return "line" if marks else breaks


def _lines(syllables: Sequence[Syllable]) -> Iterator[Line]:
    """Lines put together. Where hardly an event holds a space, events are words, and a hyphen joins one to the next."""
    spaced = sum(one.text[:1] == " " or one.text[-1:] == " " for one in syllables)
    apart = spaced < 0.05 * len(syllables)
    pieces: list[str] = []
    tick, paragraph = 0, True
    for one in syllables:
        if one.breaks or not pieces:
            if pieces:
                yield Line(tick, " ".join("".join(pieces).split()), paragraph)
            pieces, tick, paragraph = [], one.tick, one.breaks == "paragraph"
        text = one.text
        if apart:
            text = text[:-1] if text.endswith("-") else text + " "
        pieces.append(text)
    if pieces:
        yield Line(tick, " ".join("".join(pieces).split()), paragraph)
