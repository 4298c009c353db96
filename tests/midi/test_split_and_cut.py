"""Parts and clips: no note is lost, moved or added, and each sounds as it did."""

import io
import tarfile
from collections import Counter
from operator import itemgetter
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from symusic.core import ScoreTick

from motet.midi import Unreadable, cut, read, split
from motet.midi.chase import chase
from motet.midi.events import END_OF_TRACK, META, Event, Events, parse, write
from motet.midi.reading import notes_of

GM_RESET = (0xF0, b"\x7e\x7f\x09\x01\xf7")


def song(*tracks: list[Event], form: int = 1, division: int = 480) -> bytes:
    return write(Events(form, division, [sorted(track, key=itemgetter(0)) for track in tracks]))


def note(start: int = 0, end: int = 480, channel: int = 0, pitch: int = 60) -> list[Event]:
    return [(start, 0x90 | channel, bytes((pitch, 64))), (end, 0x80 | channel, bytes((pitch, 0)))]


def messages(midi: bytes, track: int = 1) -> list[Event]:
    return [event for event in parse(midi).tracks[track] if event[1] != META or event[2][0] != END_OF_TRACK]


def sounding(midi: bytes) -> list[tuple]:
    notes = read(midi).notes
    columns = ("start", "duration", "pitch", "velocity", "program", "is_drum")
    return sorted(zip(*(notes[name].tolist() for name in columns), strict=True))


# Songs as bad as they come: few pitches and channels, so that notes overlap, lack ends, share channels and programs.
channels = st.sampled_from([0, 0, 1, 9])
pitches = st.sampled_from([60, 61])
message = st.one_of(
    st.tuples(channels.map(lambda c: 0x90 | c), st.builds(lambda p, v: bytes((p, v)), pitches, st.integers(0, 127))),
    st.tuples(channels.map(lambda c: 0x80 | c), st.builds(lambda p: bytes((p, 7)), pitches)),
    st.tuples(channels.map(lambda c: 0xC0 | c), st.sampled_from([b"\0", b"\1", b"\x28"])),
    st.tuples(channels.map(lambda c: 0xB0 | c), st.sampled_from([b"\0\1", b"\x07\x50", b"\x40\x7f", b"\x65\0", b"\x79\0"])),
    st.tuples(channels.map(lambda c: 0xE0 | c), st.just(b"\0\x50")),
    st.sampled_from([
        GM_RESET, (0xF0, b"\x43\x10"), (0xF7, b"\x05\xf7"), (META, b"\x05la"), (META, b"\x03na\xefme"), (META, b"\x21\1"),
        (META, b"\x51\7\xa1\x20"), (META, b"\x51\3\x10\0"), (META, b"\x58\3\2\x18\x08"), (META, b"\x06here"),
    ]),
)  # fmt: skip


@st.composite
def tracks(draw: st.DrawFn) -> list[Event]:
    tick, events = 0, []
    for delay, (status, data) in draw(st.lists(st.tuples(st.sampled_from([0, 0, 1, 5, 300]), message), max_size=25)):
        tick += delay
        events.append((tick, status, data))
    return events


songs = st.one_of(
    st.lists(tracks(), max_size=4).map(lambda several: song(*several)),
    tracks().map(lambda one: song(one, form=0)),
)


@given(songs)
def test_the_parts_together_are_the_song(data: bytes) -> None:
    together = [played for part in split(data) for played in sounding(part.midi)]
    assert sorted(together) == sounding(data)


@given(tracks().filter(lambda track: all(status not in (0xF0, 0xF7) for _, status, _ in track)))
def test_the_notes_of_a_single_track_are_those_symusic_reads(track: list[Event]) -> None:
    data = song(track, form=0)
    assert (notes_of(ScoreTick.from_midi(data)) == read(data).notes).all()


@given(songs)
def test_a_part_is_one_instrument_and_says_which(data: bytes) -> None:
    clock = read(data).tempo_map
    for index, part in enumerate(split(data)):
        notes = read(part.midi).notes
        assert part.index == index
        assert set(notes["program"].tolist()) == {part.program}
        assert set(notes["is_drum"].tolist()) == {part.is_drum} == {part.channel == 9}
        assert len(notes) == part.notes
        assert (notes["pitch"].min(), notes["pitch"].max()) == (part.pitch_low, part.pitch_high)
        assert clock.to_seconds(int(notes["start"].min())) == part.first_onset
        assert clock.to_seconds(int((notes["start"] + notes["duration"]).max())) == part.last_off


@given(songs)
def test_a_part_keeps_the_clock_of_the_song(data: bytes) -> None:
    for part in split(data):
        assert read(part.midi).tempo_map == read(data).tempo_map


@given(songs)
def test_parts_are_standard_midi_and_always_the_same(data: bytes) -> None:
    parts = split(data)
    assert parts == split(data)
    for part in parts:
        file = mido.MidiFile(file=io.BytesIO(part.midi))
        assert (file.type, len(file.tracks)) == (1, 2)


def clipped(data: bytes, start: int, end: int) -> list[tuple]:
    kept = []
    for on, length, *rest in sounding(data):
        off = on + length
        if on < end and (off > start or on >= start):
            begins = max(on, start)
            kept.append((begins - start, min(off, end) - begins, *rest))
    return sorted(kept)


@given(songs, st.integers(0, 800), st.integers(1, 800))
def test_a_clip_holds_the_notes_that_sound_in_it(data: bytes, start: int, length: int) -> None:
    whole = cut(data, start, start + length)
    assert sounding(whole) == clipped(data, start, start + length)
    assert whole == cut(data, start, start + length)
    parts = [part.midi for part in split(data)]
    if parts:
        assert sounding(cut(parts, start, start + length)) == clipped(data, start, start + length)


@given(songs, st.integers(0, 800), st.integers(1, 800))
def test_a_clip_runs_on_the_clock_of_its_song(data: bytes, start: int, length: int) -> None:
    clock, clip = read(data).tempo_map, read(cut(data, start, start + length)).tempo_map
    ticks = np.arange(0, length, 7)
    assert np.allclose(clip.to_seconds(ticks), clock.to_seconds(ticks + start) - clock.to_seconds(start), atol=1e-12)
    assert [clip.metre_at(tick) for tick in ticks.tolist()] == [clock.metre_at(start + tick) for tick in ticks.tolist()]


def test_two_tracks_of_one_program_are_two_parts() -> None:
    parts = split(song([(0, 0xC0, b"\x28"), *note()], [(0, 0xC1, b"\x28"), *note(channel=1)]))
    assert [(part.track, part.channel, part.program) for part in parts] == [(0, 0, 40), (1, 1, 40)]


def test_drums_stay_drums_and_each_kit_is_a_part() -> None:
    parts = split(song([*note(0, 10, 9), (20, 0xC9, b"\x10"), *note(20, 30, 9)]))
    assert [(part.channel, part.program, part.is_drum, part.notes) for part in parts] == [(9, 0, True, 1), (9, 16, True, 1)]


def test_a_program_change_between_notes_makes_two_parts_of_one_track() -> None:
    first, second = split(song([(0, 0xC0, b"\1"), *note(0, 480), (480, 0xC0, b"\2"), *note(480, 960)]))
    assert [event for event in messages(first.midi) if event[1] == 0xC0] == [(0, 0xC0, b"\1")]
    assert [event for event in messages(second.midi) if event[1] == 0xC0] == [(480, 0xC0, b"\2")]


def test_a_part_takes_the_state_of_its_channel_from_any_track() -> None:
    control = [(0, *GM_RESET), (0, 0xB0, b"\x00\x08"), (0, 0xC0, b"\x28"), (0, 0xB1, b"\x07\x01"), (240, 0xE0, b"\0\x50")]
    (part,) = split(song([(0, META, b"\x51\7\xa1\x20")], note(), control))
    assert messages(part.midi) == [
        (0, *GM_RESET),
        (0, 0xB0, b"\x00\x08"),
        (0, 0xC0, b"\x28"),
        (0, 0xC0, b"\x28"),
        *note()[:1],
        (240, 0xE0, b"\0\x50"),
        *note()[1:],
    ]


def test_tracks_that_choose_different_programs_do_not_share_a_channel() -> None:
    piano = [(0, 0xC0, b"\0"), (0, 0xB0, b"\x07\x10"), *note()]
    violin = [(0, 0xC0, b"\x28"), (0, 0xB0, b"\x07\x70"), *note()]
    parts = split(song(piano, violin))
    assert [[data for _, status, data in messages(part.midi) if status == 0xB0] for part in parts] == [
        [b"\x07\x10"],
        [b"\x07\x70"],
    ]


def test_hands_of_one_piano_share_its_pedal() -> None:
    right = [(0, 0xC0, b"\0"), *note(0, 480)]
    left = [(0, 0xC0, b"\0"), (0, 0xB0, b"\x40\x7f"), *note(0, 480, pitch=40)]
    assert all((0, 0xB0, b"\x40\x7f") in messages(part.midi) for part in split(song(right, left)))


def test_a_channel_without_a_program_says_so_before_its_bank() -> None:
    (part,) = split(song([(0, 0xB0, b"\x00\x7f"), *note()]))
    assert messages(part.midi)[:2] == [(0, 0xC0, b"\0"), (0, 0xB0, b"\x00\x7f")]


def test_the_conductor_goes_with_every_part() -> None:
    conducted = [(0, META, b"\x02nobody"), (0, META, b"\x51\7\xa1\x20"), (0, META, b"\x58\3\2\x18\x08")]
    (part,) = split(song(conducted, [*note(0, 480), (480, META, b"\x06end")]))
    assert messages(part.midi, 0) == [*conducted, (480, META, b"\x06end")]


@pytest.mark.parametrize(
    "raw, name",
    [(b"Fl\xc3\xb6te", "Flöte"), (b"Fl\xf6te", "Flöte"), (b" a\x00b\r\n", "a b"), (b"\x81", ""), (b"", "")],
)
def test_names_are_decoded_and_clean(raw: bytes, name: str) -> None:
    (part,) = split(song([(0, META, b"\x03" + raw), *note()]))
    assert part.track_name == name


def test_parts_that_would_multiply_a_file_are_refused() -> None:
    tracks = [[(tick, 0xB0, b"\x07\x01") for tick in range(50)] + note(pitch=track % 128) for track in range(300)]
    with pytest.raises(Unreadable) as failure:
        split(song(*tracks))
    assert failure.value.reason == "too_entangled"


def test_a_clip_starts_in_the_state_the_song_had_reached() -> None:
    before = [
        (0, META, b"\x03lead"), (0, 0xB0, b"\x00\x08"), (0, 0xC0, b"\x28"), (0, 0xB0, b"\x07\x50"), (10, 0xB0, b"\x07\x60"),
        (20, 0xE0, b"\0\x50"), (30, 0xD0, b"\x20"), (40, 0xB0, b"\x65\0"), (40, 0xB0, b"\x64\0"), (40, 0xB0, b"\x06\x0c"),
    ]  # fmt: skip
    clip = cut(song([(0, META, b"\x51\3\x10\0")], before + note(960, 1440) + [(1200, 0xE0, b"\0\x40")]), 960, 1200)
    assert messages(clip, 0) == [(0, META, b"\x51\3\x10\0")]
    assert messages(clip) == [
        (0, META, b"\x03lead"), (0, 0xB0, b"\x00\x08"), (0, 0xC0, b"\x28"), (0, 0xB0, b"\x07\x60"),
        (0, 0xB0, b"\x65\0"), (0, 0xB0, b"\x64\0"), (0, 0xB0, b"\x06\x0c"), (0, 0xB0, b"\x65\0"), (0, 0xB0, b"\x64\0"),
        (0, 0xE0, b"\0\x50"), (0, 0xD0, b"\x20"), (0, 0x90, b"\x3c\x40"), (240, 0x80, b"\x3c\0"),
    ]  # fmt: skip


def test_parts_on_one_channel_get_channels_of_their_own_in_a_clip() -> None:
    data = song([(0, 0xC0, b"\1"), *note(0, 480), (480, 0xC0, b"\2"), *note(480, 960)])
    clip = parse(cut([part.midi for part in split(data)], 0, 960))
    assert [{status & 15 for _, status, _ in track if status < 0xF0} for track in clip.tracks] == [set(), {0}, {1}]


def test_a_clip_does_not_lend_programs_that_the_song_did_not() -> None:
    other = [*note(0, 480), (960, 0xC0, b"\5"), *note(960, 1440)]
    data = song([(0, 0xC0, b"\x28"), *note(0, 480)], other)
    assert read(cut(data, 240, 480)).notes["program"].tolist() == [40, 0]


def test_a_note_held_into_a_clip_keeps_its_program() -> None:
    data = song([(0, 0xC0, b"\x28"), *note(0, 960, pitch=60), (480, 0xC0, b"\5"), *note(700, 960, pitch=62)])
    assert sounding(cut(data, 600, 960)) == [(0, 360, 60, 64, 40, False), (100, 260, 62, 64, 5, False)]


def test_a_clip_ends_where_it_should() -> None:
    clip = parse(cut(song(note(0, 10)), 0, 4800))
    assert {track[-1] for track in clip.tracks} == {(4800, META, b"\x2f")}


def test_clips_of_nothing_and_of_different_clocks_are_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        cut(song(note()), 10, 10)
    with pytest.raises(ValueError, match="share"):
        cut([song(note()), song(note(), division=96)], 0, 10)
    with pytest.raises(ValueError, match="share"):
        cut([], 0, 10)


def test_chasing_resets() -> None:
    def state(*data: bytes) -> list[bytes]:
        return [found for _, found in chase([(0, 0xB0, pair) for pair in data], 0)]

    assert state(b"\x07\x50", b"\x01\x20", b"\x79\0") == [b"\x07\x50"]
    assert state(b"\x07\x50", b"\x07\x60", b"\x5b\x10") == [b"\x07\x60", b"\x5b\x10"]
    assert state(b"\x65\0", b"\x64\1", b"\x06\x40", b"\x65\x7f", b"\x64\x7f") == [
        b"\x65\0", b"\x64\1", b"\x06\x40", b"\x65\x7f", b"\x64\x7f",
    ]  # fmt: skip
    assert chase([(0, 0xB0, b"\x07\x50"), (1, *GM_RESET), (2, 0xB0, b"\x0a\x10")], 0) == [(0xB0, b"\x0a\x10")]


@pytest.mark.shared
def test_the_parts_of_real_songs_are_the_songs(shared: Path) -> None:
    files = sorted(path for path in (shared / "midi").rglob("*") if path.suffix.lower() in {".mid", ".rmi", ".kar"})
    odd = [path for path in files if "odd" in path.parts or "broken" in path.parts]
    small = [path for path in odd[::2] + files[::100] if path.stat().st_size < 30_000]
    count, refused = 0, list[str]()
    for path in small:
        data = path.read_bytes()
        try:
            parts = split(data)
        except Unreadable as error:
            refused.append(error.reason)
            continue
        assert sorted(played for part in parts for played in sounding(part.midi)) == sounding(data), path
        count += 1
    assert count > 50
    assert not {"notes_differ", "too_entangled"} & set(refused)


@pytest.mark.shared
def test_nottingham_tunes_split_into_melody_and_chords(shared: Path) -> None:
    with tarfile.open(shared / "midi" / "nottingham.tar.gz") as archive:
        found = {}
        for member in archive:
            if member.name.endswith("10.mid") and (file := archive.extractfile(member)):
                found[tuple(member.name.split("/")[2:])] = file.read()
    both = [name for name, *rest in found if not rest and {("melody", name), ("chords", name)} <= found.keys()]
    assert len(both) > 5
    for name in both:
        # Some tunes differ in the length of grace notes between the files: their pitches must agree.
        parts = [Counter(map(itemgetter(2), sounding(part.midi))) for part in split(found[(name,)])]
        truth = [Counter(map(itemgetter(2), sounding(found[kind, name]))) for kind in ("melody", "chords")]
        assert all(notes in parts for notes in truth), name
