"""Reading: what symusic reads, the files it must not be left alone with, and the reasons why not."""

import random
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
from symusic.core import ScoreTick

from motet.midi import TempoMap, Unreadable, facts, read, split
from motet.midi.care import needs_care
from motet.midi.events import Events, write
from motet.midi.reading import notes_of
from motet.midi.shared import may_move_drums

META = 0xFF
C4 = b"\x3c\x40"
TEMPO_100 = b"\x51\x09\x27\xc0"  # 600,000 microseconds: its bytes are spoiled by clamping


def song(*tracks: list, form: int = 1, division: int = 480) -> bytes:
    return write(Events(form, division, list(tracks)))


def note(start: int = 0, end: int = 480, channel: int = 0, pitch: int = 60) -> list:
    return [(start, 0x90 | channel, bytes((pitch, 64))), (end, 0x80 | channel, bytes((pitch, 0)))]


def test_a_plain_song() -> None:
    score = read(song([(0, META, TEMPO_100), (0, META, b"\x58\x03\x02\x18\x08")], note()))
    assert score.how == "strict"
    assert score.tempo_map == TempoMap(480, ((0, 600_000),), ((0, 3, 4),))
    assert score.duration == 0.6
    assert score.notes.tolist() == [(0, 480, 60, 64, 0, False, 0)]


def test_a_song_without_notes_is_a_song() -> None:
    score = read(song([]))
    assert len(score.notes) == score.last_off == score.duration == 0


def test_rmid_and_stray_headers_are_opened() -> None:
    plain = song(note())
    rmid = b"RIFF" + (len(plain) + 12).to_bytes(4, "little") + b"RMIDdata" + len(plain).to_bytes(4, "little") + plain
    assert read(rmid).how == "strict"
    assert read(b"HTTP/1.0 200 OK\r\n\r\n" + plain).how == "sanitised"
    assert (read(rmid).notes == read(plain).notes).all()


def test_sanitising_leaves_tempo_alone() -> None:
    spoiled = song([(0, META, TEMPO_100), *note()]).replace(C4, b"\x3c\xc0")
    score = read(spoiled)
    assert score.how == "sanitised"
    assert score.notes["velocity"].tolist() == [127]
    assert score.tempo_map.bpm_at(0) == 100.0


def test_smpte_time_becomes_ticks_of_one_second() -> None:
    score = read(song([(0, META, TEMPO_100), *note(0, 1000)], division=0xE728))  # 25 frames of 40 ticks
    assert score.duration == 1.0
    drop_frame = read(song(note(0, 30 * 80), division=0xE350))  # 29.97 frames a second
    assert drop_frame.duration == 1.001


def test_malformed_meta_events_are_dropped() -> None:
    score = read(song([(0, META, b"\x51"), (0, META, b"\x58\x03\x02"), *note()]))
    assert score.tempo_map == TempoMap(480)
    assert score.how == "sanitised"


def test_metres_nobody_could_count_are_dropped() -> None:
    score = read(song([(0, META, b"\x58\x00\x02\x18\x08"), (0, META, b"\x58\x04\x09\x18\x08"), *note()]))
    assert score.tempo_map == TempoMap(480)


def test_of_many_changes_at_one_tick_the_last_in_the_file_wins() -> None:
    changes = [(0, META, b"\x51" + us.to_bytes(3)) for us in range(400_000, 400_100)]
    assert read(song([*changes, *note()])).tempo_map == TempoMap(480, ((0, 400_099),))


def test_a_track_without_a_program_plays_that_of_its_channel() -> None:
    score = read(song([(0, 0xC0, b"\x28"), (960, 0xC0, b"\x2a")], [*note(0, 480), *note(960, 1440)], note(channel=1)))
    assert score.notes["program"].tolist() == [40, 42, 0]


def test_a_track_with_a_program_keeps_it() -> None:
    score = read(song([(0, 0xC0, b"\x28"), *note()], [(0, 0xC0, b"\x05"), *note()]))
    assert score.notes["program"].tolist() == [40, 5]


def test_ports_are_channels_of_their_own() -> None:
    score = read(song([(0, META, b"\x21\x01"), (0, 0xC0, b"\x28")], note()))
    assert score.notes["program"].tolist() == [0]


def test_sysex_in_pieces_does_not_shift_the_notes() -> None:
    score = read(song([(0, 0xF0, b"\x43\x12"), (0, 0xF7, b"\x01\xf7"), *note()]))
    assert score.notes["start"].tolist() == [0]


def test_running_status_after_sysex_is_understood() -> None:
    body = b"\x00\x90\x3c\x40\x00\xf0\x02\x01\xf7\x0a\x3c\x00\x00\xff\x2f\x00"
    score = read(b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk" + len(body).to_bytes(4) + body)
    assert score.notes["duration"].tolist() == [10]


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "empty_file"),
        (bytes(100), "empty_file"),
        (b"<!DOCTYPE html><html></html>", "html_page"),
        (b"\xef\xbb\xbf\n<HTML>", "html_page"),
        (b"<html><!-- a page --></html>", "html_page"),
        (b"SMF2CLIP" + bytes(20), "midi2_clip"),
        (b"not a midi file", "not_midi"),
        (song(note())[:-2], "truncated"),
        (song(note(), division=0), "bad_division"),
        (song(note(), division=0xFFFF), "bad_division"),
        (song(note(), division=0xE700), "bad_division"),
        (song(note(), form=3), "unparsable"),
        (song([(0, META, b"\x51\0\0\0"), *note()]), "zero_tempo"),
        (song(note(), note(), form=2), "several_songs"),
        (song(note(0, 5 << 28)), "absurd_length"),
        (song(note(0, (1 << 32) + 5)), "absurd_length"),
        (song(note((1 << 31) + 5, (1 << 31) + 10)), "wrapped_time"),
        (song(note(0, 48 * 3600 * 960)), "absurd_length"),
        (song([(0, META, b"\x51\0\0\1"), (0, META, b"\x58\1\4\x18\x08"), *note(0, 480 << 20)]), "absurd_length"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_says_why(data: bytes, reason: str) -> None:
    for function in (read, split):
        with pytest.raises(Unreadable) as failure:
            function(data)
        assert failure.value.reason == reason
        assert str(failure.value) == failure.value.detail


def test_format_2_with_one_song_is_that_song() -> None:
    assert len(read(song(note(), [(0, META, b"\x03name")], form=2)).notes) == 1


def spoil(data: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, dropped or doubled, or the end cut off."""
    spoiled = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(spoiled))
        match chance.randrange(4):
            case 0:
                spoiled[at] = chance.randrange(256)
            case 1:
                del spoiled[at]
            case 2:
                spoiled[at:at] = spoiled[at : at + 4]
            case _:
                spoiled[at] = chance.choice(b"\x00\x7f\x80\xf0\xf7\xff")
    return bytes(spoiled)


def test_spoiled_songs_are_read_or_refused() -> None:
    chance = random.Random(7)
    tracks = [
        [(0, META, TEMPO_100), (0, META, b"\x58\x03\x02\x18\x08"), (0, META, b"\x59\x00\x00")],
        [(0, 0xF0, b"\x7e\x7f\x09\x01\xf7"), (0, 0xC0, b"\x28"), *note(), *note(480, 900)],
        [*note(channel=9), (500, 0xB0, b"\x07\x64"), *note(500, 600, pitch=62)],
    ]
    plain = song(*tracks)
    refused = set()
    for _ in range(3000):
        try:
            split(spoil(plain, chance))
        except Unreadable as error:
            refused.add(error.reason)
    assert "notes_differ" not in refused
    assert {"truncated", "unparsable", "not_midi"} <= refused


@pytest.mark.shared
def test_real_files_are_read_or_refused(shared: Path) -> None:
    files = sorted(path for path in (shared / "midi").rglob("*") if path.suffix.lower() in {".mid", ".rmi", ".kar"})
    refused = {}
    known = {"not_midi", "html_page", "truncated", "unparsable", "absurd_length", "bad_division", "empty_file"}
    awkward = [path for path in files if path.parts[-2] == "broken" or "odd" in path.parts]
    for path in awkward + files[::40]:
        data = path.read_bytes()
        try:
            score = read(data)
        except Unreadable as error:
            refused[path] = error.reason
        else:
            assert facts(score).notes == len(score.notes), path
            if score.how == "strict" and not needs_care(data) and not may_move_drums(data):
                assert (notes_of(ScoreTick.from_midi(data)) == score.notes).all(), path
    assert set(refused.values()) <= known, refused


@pytest.mark.shared
@pytest.mark.filterwarnings("error:Tempo, Key or Time signature")
def test_real_files_last_as_long_as_pretty_midi_says(shared: Path) -> None:
    compared = 0
    for path in sorted((shared / "midi" / "lakh-layout").rglob("*.mid"))[::20]:
        try:
            theirs = pretty_midi.PrettyMIDI(str(path))
        except RuntimeWarning:
            continue  # it passes over tempi outside the first track
        ends = [n.end for i in theirs.instruments for n in i.notes]
        assert np.isclose(read(path.read_bytes()).duration, max(ends), atol=1e-3), path
        compared += 1
    assert compared >= 3
