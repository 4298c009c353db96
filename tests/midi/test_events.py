"""Events: what the file says, and back to bytes."""

import io

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.midi import Unreadable
from motet.midi.events import Event, Events, parse, track_chunk, write

END = b"\xff\x2f\x00"
data_byte = st.integers(0, 127)
channel_message = st.one_of(
    st.tuples(st.sampled_from([0x80, 0x91, 0xA2, 0xB9, 0xEF]), st.binary(min_size=2, max_size=2)),
    st.tuples(st.sampled_from([0xC0, 0xDF]), st.binary(min_size=1, max_size=1)),
).map(lambda message: (message[0], bytes(byte & 127 for byte in message[1])))
meta = st.tuples(st.just(0xFF), st.builds(lambda kind, text: bytes([kind]) + text, st.integers(0, 0x1F), st.binary()))
sysex = st.tuples(st.sampled_from([0xF0, 0xF7]), st.binary(max_size=200))
delays = st.sampled_from([0, 0, 1, 127, 128, 16383, 16384, 2097152, (1 << 28) - 1])


@st.composite
def tracks(draw: st.DrawFn) -> list[Event]:
    events, tick = [], 0
    for status, data in draw(st.lists(st.one_of(channel_message, channel_message, meta, sysex), max_size=30)):
        tick += draw(delays)
        events.append((tick, status, data))
    return [*events, (tick + draw(delays), 0xFF, b"\x2f")]


def song(*bodies: bytes, form: int = 1, division: int = 480) -> bytes:
    header = b"MThd\0\0\0\6" + form.to_bytes(2) + len(bodies).to_bytes(2) + division.to_bytes(2)
    return header + b"".join(b"MTrk" + len(body).to_bytes(4) + body for body in bodies)


@given(st.integers(0, 2), st.integers(0, 0xFFFF), st.lists(tracks(), max_size=4))
def test_what_is_written_is_read(form: int, division: int, written: list[list[Event]]) -> None:
    midi = Events(form, division, written)
    assert parse(write(midi)) == midi
    assert write(parse(write(midi))) == write(midi)


@given(tracks())
def test_mido_reads_the_same_messages(track: list[Event]) -> None:
    plain = [event for event in track if event[1] < 0xF0 or event[1:] == (0xFF, b"\x2f")]
    file = mido.MidiFile(file=io.BytesIO(write(Events(0, 96, [plain]))))
    tick, seen = 0, []
    for message in file.tracks[0]:
        tick += message.time
        if not message.is_meta:
            seen.append((tick, message.bytes()))
    assert seen == [(tick, [status, *data]) for tick, status, data in plain[:-1]]


def test_running_status_is_written_and_read() -> None:
    body = b"\x00\x90\x3c\x40\x0a\x3c\x00\x00" + END
    midi = parse(song(body))
    assert midi.tracks == [[(0, 0x90, b"\x3c\x40"), (10, 0x90, b"\x3c\x00"), (10, 0xFF, b"\x2f")]]
    assert write(midi) == song(body)


def test_running_status_goes_on_after_meta_and_sysex() -> None:
    track = parse(song(b"\x00\x90\x3c\x40\x00\xff\x01\x01a\x01\x3e\x40\x00\xf0\x02\x01\xf7\x01\x40\x40")).tracks[0]
    assert [event for event in track if event[1] == 0x90] == [
        (0, 0x90, b"\x3c\x40"),
        (1, 0x90, b"\x3e\x40"),
        (2, 0x90, b"\x40\x40"),
    ]


def test_running_status_of_single_bytes_is_not_taken_for_pairs() -> None:
    track = parse(song(b"\x00\xc0\x05\x01\x06\x01\x07\x00\x90\x3c\x40")).tracks[0]
    assert track == [(0, 0xC0, b"\x05"), (1, 0xC0, b"\x06"), (2, 0xC0, b"\x07"), (2, 0x90, b"\x3c\x40")]


def test_data_bytes_above_127_become_127() -> None:
    midi = parse(song(b"\x00\x90\x3c\xc8\x00\xd0\xff\x00" + END))
    assert [event[2] for event in midi.tracks[0]] == [b"\x3c\x7f", b"\x7f", b"\x2f"]
    assert midi.repaired


def test_events_after_the_end_and_foreign_chunks_do_not_count() -> None:
    data = song(b"\x00\x90\x3c\x40\x00" + END + b"\x00\x90\x3e\x40").replace(b"MTrk", b"XYZZ\0\0\0\2abMTrk")
    assert parse(data).tracks == [[(0, 0x90, b"\x3c\x40"), (0, 0xFF, b"\x2f")]]


def test_a_delay_too_long_for_the_format_is_bridged() -> None:
    track = parse(song(track_chunk([(1 << 30, 0x90, b"\x3c\x40")])[8:])).tracks[0]
    assert (1 << 30, 0x90, b"\x3c\x40") in track


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "not_midi"),
        (b"MThd", "not_midi"),
        (b"RIFF" + bytes(20), "not_midi"),
        (song(b"\x00\x90\x3c\x40", form=3), "unparsable"),
        (song(b"\x00\x3c\x40\x00" + END), "unparsable"),
        (song(b"\x00\x3c\x40\x00\x3c\x40\x00" + END), "unparsable"),
        (song(b"\x00\xf4\x00" + END), "unparsable"),
        (song(b"\x00\x90\x3c"), "truncated"),
        (song(b"\x00\xff\x01\x7fa"), "truncated"),
        (song(b"\x00\xf0\x7fa"), "truncated"),
        (song(b"\x81"), "truncated"),
        (song(b"\x00\x90\x3c\x40\x00" + END)[:-3], "truncated"),
        (song() + b"MTr", None),
        (song(b"\x00" + END)[:18], "truncated"),
    ],
)
def test_broken_structure_has_a_name(data: bytes, reason: str | None) -> None:
    if reason is None:
        assert parse(data).tracks == []
        return
    with pytest.raises(Unreadable) as failure:
        parse(data)
    assert failure.value.reason == reason


@given(st.binary(max_size=300))
def test_any_bytes_in_a_track_are_read_or_refused(body: bytes) -> None:
    try:
        midi = parse(song(body))
    except Unreadable:
        return
    assert parse(write(midi)).tracks[0][: len(midi.tracks[0])] == midi.tracks[0]
