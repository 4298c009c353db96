"""Words: each where it stands, in the letters it was written in, and nothing that only looks like a word."""

import re
from operator import itemgetter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.midi import Unreadable
from motet.midi.events import META, Event, Events, parse, write
from motet.midi.reading import prepare, unwrap
from motet.midi.words import Words, words

LETTER = re.compile(rb"[A-Za-z0-9]")


def song(*tracks: list[Event]) -> bytes:
    return write(Events(1, 480, [sorted(track, key=itemgetter(0)) for track in tracks]))


def metas(kind: int, *said: bytes, every: int = 120) -> list[Event]:
    return [(every * at, META, bytes((kind,)) + text) for at, text in enumerate(said)]


def test_lyric_events_become_lines_and_paragraphs() -> None:
    found = words(song(metas(5, b"Twin", b"kle ", b"star\r", b"how I ", b"won", b"der\n", b"Up", b" high")))
    assert found.lyrics == "Twinkle star\nhow I wonder\n\nUp high"
    assert [(line.tick, line.text) for line in found.lines] == [(0, "Twinkle star"), (360, "how I wonder"), (720, "Up high")]
    assert [syllable.text for syllable in found.syllables[:2]] == ["Twin", "kle "]


def test_karaoke_text_events_are_lyrics() -> None:
    header = metas(1, b"@KMIDI KARAOKE FILE", b"@LENGL", b"@TTwinkle", b"@TJane Taylor", every=0)
    sung = metas(1, b"\\Twin", b"kle ", b"twin", b"kle", b"/lit", b"tle ", b"star", b"\\How", b" I")
    found = words(song(header, sung))
    assert (found.title, found.language) == ("Twinkle", "ENGL")
    assert found.lyrics == "Twinkle twinkle\nlittle star\n\nHow I"
    assert [notice.text for notice in found.notices] == ["@KMIDI KARAOKE FILE", "@LENGL", "@TTwinkle", "@TJane Taylor"]
    assert found.texts == ()


def test_events_without_spaces_are_words_unless_hyphens_join_them() -> None:
    assert words(song(metas(5, b"Don't", b"dis-", b"be-", b"lieve"))).lyrics == "Don't disbelieve"


def test_what_a_maker_says_is_no_song() -> None:
    found = words(song(metas(1, *[b"Sequenced by me"] * 9, every=0), metas(5, b"hello")))
    assert found.lyrics == ""
    assert [text.text for text in found.texts] == ["hello", *["Sequenced by me"] * 9]


def test_lyrics_that_tracks_repeat_are_given_once() -> None:
    sung = metas(5, b"la ", b"li ", b"lu ", b"lo ")
    assert words(song(sung, sung)).lyrics == "la li lu lo"


def test_every_kind_of_text_has_its_place() -> None:
    found = words(song([(7, META, bytes((kind,)) + b" a\x00b\r\n") for kind in (1, 2, 3, 4, 6, 7)]))
    kinds = (found.texts, found.copyrights, found.track_names, found.instrument_names, found.markers, found.cues)
    assert all([(one.tick, one.track, one.text) for one in kind] == [(7, 0, "a b")] for kind in kinds)


@pytest.mark.parametrize(
    "text, written, encoding",
    [
        ("Flöte", "utf-8", "utf-8"),
        ("Flöte, Größe", "cp1252", "cp1252"),
        ("ロディの仲間", "cp932", "cp932"),
        ("Ой, мороз, мороз, не морозь меня", "cp1251", "cp1251"),
        ("Une flûte déjà entendue çà et là, où l’été est né", "cp1252", "cp1252"),
    ],
)
def test_letters_are_read_as_they_were_written(text: str, written: str, encoding: str) -> None:
    found = words(song(metas(3, text.encode(written))))
    assert ([name.text for name in found.track_names], found.encoding) == ([text], encoding)


def test_a_declared_encoding_is_believed_where_it_fits() -> None:
    chinese = metas(3, "月亮代表我的心".encode("gb18030"))
    assert words(song(metas(1, b"@LCHIN"), chinese)).track_names[0].text == "月亮代表我的心"
    assert words(song(metas(1, b"{@JP}"), metas(3, b"Fl\xf6te"))).track_names[0].text == "Flöte"


def test_bytes_that_look_like_text_are_none() -> None:
    # A delta time of 0xFF 0x01, a sysex and a meta event that hold what a lyric event would.
    late = [(0x3F81, 0x90, b"\x05\x40"), (0x3F82, 0x80, b"\x05\x40")]
    data = song([(0, 0xF0, b"\xff\x05\x02la\xf7"), (0, META, b"\x7f\xff\x05\x02la"), *late, (0x3F90, META, b"\x05end")])
    assert b"\xff\x01\x90" in data
    found = words(data)
    assert [(text.tick, text.text) for text in found.texts] == [(0x3F90, "end")]


def test_too_much_is_cut_and_said() -> None:
    long, many = words(song(metas(1, b"x" * 5000))), words(song(metas(1, *[b"x"] * 50_001)))
    assert (len(long.texts[0].text), long.complete) == (2000, False)
    assert (len(many.texts), many.complete) == (50_000, False)


_REASONS = {"empty_file", "html_page", "midi2_clip", "not_midi", "truncated", "unparsable"}


@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_have_words_or_a_reason(body: bytes, wrapped: bool) -> None:
    track = b"MTrk" + len(body).to_bytes(4) + body
    data = b"MThd\0\0\0\6\0\1\0\1\1\xe0" + track if wrapped else body
    try:
        found: Words | Unreadable = words(data)
    except Unreadable as error:
        found = error
    assert isinstance(found, Words) or found.reason in _REASONS


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 7), st.binary(min_size=1, max_size=9)), max_size=20))
def test_every_text_of_a_track_is_found(said: list[tuple[int, int, bytes]]) -> None:
    track, tick = list[Event](), 0
    for delay, kind, text in said:
        tick += delay
        track += [(tick, META, bytes((kind,)) + text), (tick, 0x90, b"\x3c\x40"), (tick, 0xC0, b"\1"), (tick, 0xF0, b"\x01\xf7")]
    data = song(track)
    found = words(data)
    kinds = (found.texts, found.copyrights, found.track_names, found.instrument_names, found.markers, found.cues, found.notices)
    placed = [one.tick for kind in kinds for one in kind] + [one.tick for one in found.syllables]
    texts = {event[0] for event in parse(data).tracks[0] if event[1] == META and 1 <= event[2][0] <= 7}
    assert set(placed) <= texts
    plain = [tick for tick, status, text in track if status == META and text[1:].isalnum() and text[0] in (2, 3, 4, 6, 7)]
    assert set(plain) <= set(placed)


@pytest.mark.shared
def test_words_of_real_files_are_those_their_events_hold(shared: Path) -> None:
    files = sorted(path for path in (shared / "midi").rglob("*") if path.suffix.lower() in {".mid", ".kar"})[::12]
    compared = 0
    for path in files:
        data = path.read_bytes()
        try:
            tracks = prepare(unwrap(data)[0]).tracks
        except Unreadable:
            continue
        found = words(data)
        kinds = {2: found.copyrights, 3: found.track_names, 4: found.instrument_names, 6: found.markers, 7: found.cues}
        placed = {(kind, text.tick, text.track) for kind, texts in kinds.items() for text in texts}
        said = [(d[0], tick, at, d[1:]) for at, track in enumerate(tracks) for tick, s, d in track if s == META and d[0] in kinds]
        assert placed <= {(kind, tick, at) for kind, tick, at, _ in said}, path
        assert {(kind, tick, at) for kind, tick, at, text in said if LETTER.search(text)} <= placed, path
        compared += 1
    assert compared > 150
