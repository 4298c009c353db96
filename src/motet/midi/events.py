"""Standard MIDI Files at the level of events, for what symusic does not keep: channels, pressure, sysex, text.

The reader is tolerant of data bytes above 127 (they become 127) and of running status kept across meta and sysex
events; it is strict about structure, where going on would mean inventing music. The writer is deterministic.
"""

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from motet.midi.errors import Unreadable

# (tick, status, data). Channel message: its one or two data bytes. Meta (status 0xFF): type, then payload.
# Sysex (0xF0, 0xF7): payload as in the file, closing 0xF7 included.
Event = tuple[int, int, bytes]

NOTE_OFF, NOTE_ON, POLY_PRESSURE, CONTROL, PROGRAM, PRESSURE, BEND = range(0x80, 0xF0, 0x10)
SYSEX, ESCAPE, META = 0xF0, 0xF7, 0xFF
TEXT, COPYRIGHT, TRACK_NAME, LYRIC, MARKER = 0x01, 0x02, 0x03, 0x05, 0x06
PORT, END_OF_TRACK, TEMPO, SMPTE_OFFSET, METRE, KEY = 0x21, 0x2F, 0x51, 0x54, 0x58, 0x59
DRUM_CHANNEL = 9

LONGEST_DELTA = (1 << 28) - 1
_CLAMP = bytes(min(value, 127) for value in range(256))
_CHANNEL_DATA = bytes(1 if status & 0xE0 == 0xC0 else 2 for status in range(256))
# Runs of messages with two data bytes, most of any file, are taken apart by these. No possessive repeats anywhere in this
# room: in Python 3.11.0 to 3.11.4 they swallow bytes of a repetition that fails.
PAIRS = re.compile(rb"([\x80-\xff]{0,3}[\x00-\x7f])([\x80-\xbf\xe0-\xef]?)([\x00-\x7f]{2})")
PAIR_RUN = re.compile(rb"(?:[\x80-\xff]{0,3}[\x00-\x7f][\x80-\xbf\xe0-\xef]?[\x00-\x7f]{2}){2,}")
_SYSTEM_DATA = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0, 0xF8: 0, 0xFA: 0, 0xFB: 0, 0xFC: 0, 0xFE: 0}


@dataclass(frozen=True)
class Events:
    """A MIDI file as tracks of events in file order, ticks counted from the start.

    `division` is the header's 16-bit field: ticks per quarter, or SMPTE time when its top bit is set.
    `repaired` says that bytes had to be changed to make sense of the file.
    """

    format: int
    division: int
    tracks: list[list[Event]]
    repaired: bool = False


def parse(data: bytes) -> Events:
    """Read Standard MIDI bytes (starting at `MThd`) of format 0, 1 or 2; raise `Unreadable` where structure fails."""
    if len(data) < 14 or data[:4] != b"MThd":
        raise Unreadable("not_midi", "the file does not start with a MIDI header")
    size, form, count, division = struct.unpack_from(">IHHH", data, 4)
    if size < 6 or form > 2:
        raise Unreadable("unparsable", f"the header has length {size} and format {form}")
    tracks: list[list[Event]] = []
    repaired = size > 6
    for start, end in chunks(data, 8 + size, count):
        track: list[Event] = []
        repaired |= read_track(data, start, end, track)
        tracks.append(track)
    return Events(form, division, tracks, repaired)


def chunks(data: bytes, at: int, count: int) -> list[tuple[int, int]]:
    """Where the first `count` track chunks start and end; chunks of other kinds are passed over."""
    found: list[tuple[int, int]] = []
    while len(found) < count and at < len(data):
        if at + 8 > len(data):
            raise Unreadable("truncated", "the file ends inside a chunk header")
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8])
        if end > len(data):
            raise Unreadable("truncated", f"a chunk lacks its last {end - len(data)} bytes")
        if data[at : at + 4] == b"MTrk":
            found.append((at + 8, end))
        at = end
    return found


def read_track(data: bytes, at: int, end: int, events: list[Event]) -> bool:
    """Append the events of the track at `data[at:end]` to `events`; say whether bytes had to be changed."""
    tick = running = 0
    clamped = False
    try:
        while at < end:
            if running & 0xE0 != 0xC0 and (run := PAIR_RUN.match(data, at, end)):
                for delay, status_byte, payload in PAIRS.findall(data, at, run.end()):
                    tick += delay[0] if len(delay) == 1 else number(delay, 0)[0]
                    if status_byte:
                        running = status_byte[0]
                    elif not running:
                        raise Unreadable("unparsable", f"the messages at byte {at} have no status")
                    events.append((tick, running, payload))
                at = run.end()
                continue
            byte = data[at]
            at += 1
            if byte < 0x80:
                tick += byte
            else:
                delta, at = number(data, at - 1)
                tick += delta
            status = data[at]
            if status < 0x80:
                if not running:
                    raise Unreadable("unparsable", f"byte {at} should be a status and is {status}")
                status = running
            else:
                at += 1
                if status < 0xF0:
                    running = status
            if status < 0xF0:
                start = at
                at += _CHANNEL_DATA[status]
                payload = data[start:at]
                if not payload.isascii():
                    payload = payload.translate(_CLAMP)
                    clamped = True
            elif status == META:
                size, start = number(data, at + 1)
                if data[at] == END_OF_TRACK:
                    if start + size > end:
                        break
                    events.append((tick, META, b"\x2f"))
                    return clamped
                payload = data[at : at + 1] + data[start : start + size]
                at = start + size
            elif status in (SYSEX, ESCAPE):
                size, start = number(data, at)
                at = start + size
                payload = data[start:at]
            elif status in _SYSTEM_DATA:
                # Real-time and system common messages have no meaning in a file.
                at += _SYSTEM_DATA[status]
                clamped = True
                if at > end:
                    break
                continue
            else:
                raise Unreadable("unparsable", f"byte {at - 1} is the undefined status {status:#x}")
            if at > end:
                break
            events.append((tick, status, payload))
    except IndexError:
        at = end + 1
    if at > end:
        raise Unreadable("truncated", "a track ends inside an event")
    return clamped


def number(data: bytes, at: int) -> tuple[int, int]:
    """A variable-length quantity of at most four bytes, and where it ends."""
    value = 0
    for following in range(at + 1, at + 5):
        byte = data[following - 1]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, following


def write(midi: Events) -> bytes:
    """Standard MIDI bytes with running status; every track is given an end at or after its last event."""
    header = b"MThd" + struct.pack(">IHHH", 6, midi.format, len(midi.tracks), midi.division)
    return header + b"".join(map(track_chunk, midi.tracks))


def track_chunk(events: Iterable[Event]) -> bytes:
    """One `MTrk` chunk from events in order of tick."""
    body = bytearray()
    now = running = 0
    ended = False
    for tick, status, data in events:
        delta = tick - now
        now = tick
        if delta < 0x80:
            body.append(delta)
        else:
            while delta > LONGEST_DELTA:
                body += _varlen(LONGEST_DELTA) + b"\xff\x01\x00"
                delta -= LONGEST_DELTA
                running = 0
            body += _varlen(delta)
        if status < 0xF0:
            if status != running:
                body.append(status)
                running = status
            body += data
            continue
        running = 0
        body.append(status)
        if status == META:
            body.append(data[0])
            body += _varlen(len(data) - 1)
            body += data[1:]
            if data[0] == END_OF_TRACK:
                ended = True
                break
        else:
            body += _varlen(len(data))
            body += data
    if not ended:
        body += b"\x00\xff\x2f\x00"
    return b"MTrk" + struct.pack(">I", len(body)) + body


def _varlen(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(out[::-1])
