"""Parts merged, named, and put together again: the song comes back."""

from collections import Counter
from operator import itemgetter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from motet.midi import Unreadable, read, split
from motet.midi.events import END_OF_TRACK, META, Event, Events, parse, write
from motet.midi.reading import prepare, unwrap
from motet.midi.split import Separated, join, same_notes, separate

XG_ON = (0xF0, b"\x43\x10\x4c\x00\x00\x7e\x00\xf7")
GS_RHYTHM_ON_11 = (0xF0, b"\x41\x10\x42\x12\x40\x1a\x15\x02\x0f\xf7")


def song(*tracks: list[Event], form: int = 1) -> bytes:
    return write(Events(form, 480, [sorted(track, key=itemgetter(0)) for track in tracks]))


def plays(program: int, channel: int = 0, start: int = 0, pitch: int = 60, name: bytes = b"") -> list[Event]:
    named: list[Event] = [(0, META, b"\x03" + name)] if name else []
    chosen: list[Event] = [(start, 0xC0 | channel, bytes((program,)))]
    return [*named, *chosen, (start, 0x90 | channel, bytes((pitch, 64))), (start + 480, 0x80 | channel, bytes((pitch, 0)))]


def heard(midi: bytes) -> list[tuple]:
    notes = read(midi).notes
    columns = ("start", "duration", "pitch", "velocity", "program", "is_drum")
    return sorted(zip(*(notes[name].tolist() for name in columns), strict=True))


def told(midi: bytes) -> Counter:
    """All events but notes and what belongs to no song: ends, channel prefixes."""
    tracks = prepare(unwrap(midi)[0]).tracks
    return Counter(
        event
        for track in tracks
        for event in track
        if 0xA0 <= event[1] < META or (event[1] == META and event[2][0] not in (END_OF_TRACK, 0x20))
    )


def comes_back(data: bytes, separated: Separated) -> None:
    again = join(separated)
    assert same_notes(read(again).notes, read(data).notes)
    assert read(again).tempo_map == read(data).tempo_map
    assert told(again) == told(data)


channels = st.sampled_from([0, 0, 1, 9, 10])
message = st.one_of(
    st.tuples(channels.map(lambda c: 0x90 | c), st.builds(lambda p, v: bytes((p, v)), st.integers(60, 61), st.integers(0, 127))),
    st.tuples(channels.map(lambda c: 0x80 | c), st.builds(lambda p: bytes((p, 7)), st.integers(60, 61))),
    st.tuples(channels.map(lambda c: 0xC0 | c), st.sampled_from([b"\0", b"\1", b"\x28"])),
    st.tuples(channels.map(lambda c: 0xB0 | c), st.sampled_from([b"\0\1", b"\0\x7f", b"\x07\x50", b"\x40\x7f", b"\x60\0"])),
    st.tuples(channels.map(lambda c: 0xE0 | c), st.just(b"\0\x50")),
    st.sampled_from([
        GS_RHYTHM_ON_11, XG_ON, (META, b"\x05la"), (META, b"\x03name"), (META, b"\x21\1"), (META, b"\x51\7\xa1\x20"),
        (META, b"\x58\3\2\x18\x08"), (META, b"\x06here"),
    ]),
)  # fmt: skip


@st.composite
def tracks(draw: st.DrawFn) -> list[Event]:
    tick, events = 0, []
    for delay, (status, data) in draw(st.lists(st.tuples(st.sampled_from([0, 0, 1, 5, 300]), message), max_size=25)):
        tick += delay
        events.append((tick, status, data))
    return events


songs = st.lists(tracks(), max_size=4).map(lambda several: song(*several))
merges = st.sampled_from(["none", "program", "family"])


on, off, to_0, to_1 = (0, 0x90, b"\x3c\1"), (0, 0x90, b"\x3c\0"), (0, 0xC0, b"\0"), (0, 0xC0, b"\1")


@example(song([on, off], [off, to_1, (0, META, b"\x21\1")]), "none")  # an end without a note, before the port is told
@example(song([on, off], [to_0, to_1]), "none")  # the second program change has no status of its own
@given(songs, merges)
def test_parts_and_what_was_left_out_are_the_song_again(data: bytes, merge: str) -> None:
    separated = separate(data, merge)
    if separated.parts:
        comes_back(data, separated)


@given(songs, merges)
def test_merged_parts_hold_every_note_once(data: bytes, merge: str) -> None:
    assert sorted(note for part in split(data, merge) for note in heard(part.midi)) == heard(data)


def test_parts_of_a_program_or_a_family_are_merged_when_asked() -> None:
    data = song(plays(40), plays(40, 1), plays(41, 2), plays(0, 9), plays(0, 9, 960), plays(16, 9, 1920))
    assert [(part.program, part.notes) for part in split(data)] == [(40, 1), (40, 1), (41, 1), (0, 1), (0, 1), (16, 1)]
    assert [(part.program, part.notes) for part in split(data, "program")] == [(40, 2), (41, 1), (0, 2), (16, 1)]
    assert [(part.program, part.notes) for part in split(data, "family")] == [(40, 3), (0, 2), (16, 1)]


def test_instruments_of_a_merged_part_keep_their_own_volume() -> None:
    # Both on channel 1, but with programs of their own: in one file they need channels of their own.
    loud, soft = [*plays(40), (0, 0xB0, b"\x07\x70")], [*plays(41, pitch=64), (0, 0xB0, b"\x07\x10")]
    (part,) = split(song(loud, soft), "family")
    volumes = {e[1] & 15: e[2] for track in parse(part.midi).tracks for e in track if e[1] & 0xF0 == 0xB0}
    assert sorted(volumes.values()) == [b"\x07\x10", b"\x07\x70"]


def test_parts_are_named_by_tracks_then_by_instruments() -> None:
    data = song(
        plays(52, 0, name=b"Lead Vocal"), plays(33, 1, name=b"Track 2"), plays(73, 2, name=b"Duet"),
        plays(40, 3, name=b"Duet"), plays(33, 4), plays(16, 9),
    )  # fmt: skip
    assert [part.name for part in split(data)] == [
        "Lead Vocal", "fingered bass", "Duet (flute)", "Duet (violin)", "fingered bass 2", "power kit",
    ]  # fmt: skip
    titled = song(*(plays(program, channel, name=b"My Song") for channel, program in enumerate((0, 33, 48))))
    assert [part.name for part in split(titled)] == ["grand piano", "fingered bass", "string ensemble"]


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_a_file_name_is_safe_and_no_other_parts(names: list[bytes]) -> None:
    parts = split(song(*(plays(0, channel, name=name) for channel, name in enumerate(names))))
    assert len({part.name for part in parts}) == len({part.file_name.lower() for part in parts}) == len(parts)
    for part in parts:
        assert len(part.file_name.encode()) < 250
        assert not set('/\\:*?"<>|\0') & set(part.file_name)
        assert part.file_name.isprintable()


def test_what_is_silent_is_left_out_and_says_why() -> None:
    data = song(
        plays(0),
        [(0, META, b"\x03by nobody"), (0, META, b"\x01me@example.org")],
        [(0, META, b"\x03muted"), (0, 0x91, b"\x3c\0"), (480, 0x91, b"\x3c\0"), (0, 0xB1, b"\x07\x70")],
        [(0, 0x92, b"\x3c\x40"), (0, 0xC2, b"\1")],
        [(0, 0xB0, b"\x07\x50")],
        [*plays(5, 3), (960, 0xC3, b"\6"), (0, 0xB4, b"\x07\x01")],
    )
    left_out = separate(data).left_out
    assert [(out.track, out.channel, out.program, out.name, out.reason) for out in left_out] == [
        (1, None, None, "by nobody", "no notes"),
        (2, None, None, "muted", "all notes at velocity 0"),
        (3, None, None, "", "no note ends"),
        (4, None, None, "", "controls other tracks"),
        (5, 4, None, "", "no notes"),
        (5, 3, 6, "", "program never plays"),
    ]


def test_controllers_that_parts_share_come_back_once() -> None:
    control = [(0, 0xB0, b"\x60\0"), (240, 0xE0, b"\0\x50")]
    comes_back(data := song(plays(0), plays(0, pitch=40), control), separated := separate(data))
    assert sum(part.midi.count(b"\xb0\x60\0") for part in separated.parts) == 2


def test_nothing_joined_is_no_song() -> None:
    with pytest.raises(ValueError, match="no parts"):
        join(separate(song([])))


@pytest.mark.parametrize(
    "begin, channel, drums",
    [
        ([(0, *GS_RHYTHM_ON_11)], 10, True),
        ([(0, *XG_ON), (0, 0xBA, b"\0\x7f")], 10, True),
        ([(0, *XG_ON), (0, 0xBA, b"\0\0")], 10, False),
        ([(0, *XG_ON), (0, 0xB9, b"\0\0")], 9, True),
        ([(0, 0xF0, b"\x41\x10\x42\x12\x40\x10\x15\x00\x1b\xf7")], 9, False),
        # Outside of XG this bank holds the sounds of an older synth.
        ([(0, 0xBA, b"\0\x7f")], 10, False),
        ([(0, 0xF0, b"\x41\x10\x42\x12\x40\x00\x7f\x00\x41\xf7"), (0, 0xBA, b"\0\x7f")], 10, False),
        # A reset takes it back.
        ([(0, *GS_RHYTHM_ON_11), (1, *XG_ON)], 10, False),
    ],
)
def test_drums_are_drums_on_any_channel_that_says_so(begin: list[Event], channel: int, drums: bool) -> None:
    data = song([*begin, *plays(8, channel, start=240), *plays(0, start=240, pitch=72)])
    on_the_channel = {pitch: is_drum for _, _, pitch, _, _, is_drum in heard(data)}
    assert on_the_channel == {60: drums, 72: False}
    _, part = sorted(separate(data).parts, key=lambda part: part.channel)
    assert (part.channel, part.is_drum) == (channel, drums)
    # Any synth plays drums on channel 10 and nothing else there, whatever it makes of these messages.
    assert {e[1] & 15 == 9 for track in parse(part.midi).tracks for e in track if 0x80 <= e[1] < 0xA0} == {drums}
    assert {is_drum for *_, is_drum in heard(part.midi)} == {drums}


@pytest.mark.shared
def test_real_songs_come_back(shared: Path) -> None:
    files = sorted(path for path in (shared / "midi").rglob("*") if path.suffix.lower() in {".mid", ".rmi", ".kar"})
    back = 0
    for path in files[::8]:
        data = path.read_bytes()
        try:
            separated = separate(data)
        except Unreadable:
            continue
        if separated.parts:
            comes_back(data, separated)
            back += 1
    assert back > 300


@pytest.mark.shared
def test_parts_are_the_stems_of_slakh(shared: Path) -> None:
    track = shared / "midi" / "slakh-sample" / "babyslakh_16k" / "Track00001"

    def struck(midi: bytes) -> list[tuple[int, int]]:
        score = read(midi)
        onsets = (1000 * score.tempo_map.to_seconds(score.notes["start"])).round().astype(int).tolist()
        # Slakh has one bass drum for two, moves low notes of the bass by octaves, and strikes no note twice at once.
        pitches = [
            35 if drum and pitch == 36 else pitch
            for _, _, pitch, _, _, drum in score.notes[["start", "duration", "pitch", "velocity", "program", "is_drum"]].tolist()
        ]
        return sorted({(onset, pitch % 12) for onset, pitch in zip(onsets, pitches, strict=True)})

    parts = [struck(part.midi) for part in split((track / "all_src.mid").read_bytes())]
    stems = {path.stem: struck(path.read_bytes()) for path in (track / "MIDI").glob("*.mid")}
    assert len(stems) == 10
    assert [name for name, stem in stems.items() if stem not in parts] == []
