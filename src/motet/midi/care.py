"""Which files symusic 0.6 would accept and yet misread, told from the bytes in a fraction of the time of reading."""

import re
import struct
from collections.abc import Callable
from functools import cache, partial

from motet.midi.errors import Unreadable
from motet.midi.events import END_OF_TRACK, ESCAPE, META, NOTE_ON, PROGRAM, SYSEX, Event, chunks, number, read_track

# Tempo, metre and key events of the wrong length: symusic reads on past their end.
_ODD_META = re.compile(rb"\xff(?:\x51[^\x03]|\x58[^\x04]|\x59[^\x02])", re.DOTALL)
_DELTA = rb"[\x80-\xff]{0,3}[\x00-\x7f]"
# Channel messages of one status or two, as many tracks have for note-on and note-off, or of one with a single data byte:
# each a delta time, a status where it is not that of the message before, the data.
_RUN = re.compile(
    rb"%(d)b([\x80-\xbf\xe0-\xef])[\x00-\x7f]{2}(?:%(d)b\1?[\x00-\x7f]{2})*"
    rb"(?:%(d)b([\x80-\xbf\xe0-\xef])[\x00-\x7f]{2}(?:%(d)b(?:\1|\2)?[\x00-\x7f]{2})*)?"
    rb"|%(d)b([\xc0-\xdf])[\x00-\x7f](?:%(d)b\3?[\x00-\x7f])*" % {b"d": _DELTA}
)
_TEMPI = re.compile(rb"(?:%b\xff\x51\x03.{3})+" % _DELTA, re.DOTALL)
# A change to program 0 counts too where another may follow it without a status of its own.
_PROGRAMS = rb"(?:[\x01-\x7f]|\x00[\x80-\xff]{0,3}[\x00-\x7f][\x00-\x7f])"
_TO_PROGRAM = [re.compile(bytes((PROGRAM | channel,)) + _PROGRAMS) for channel in range(16)]
_NOTES = [re.compile(bytes((NOTE_ON | channel,)) + rb"[\x00-\x7f]{2}") for channel in range(16)]
# Sysex that is whole, and followed by an event with a status.
_SYSEX = re.compile(rb"\xf0[\x80-\xff]{0,3}[\x00-\x7f]+\xf7[\x80-\xff]{0,3}[\x00-\x7f][\x80-\xff]")
# Of a sysex continuation (0xF7) symusic reads the first byte only; after sysex and messages that have no place in a
# file (0xF1 to 0xFE) it takes running status for messages of their length.
_NOT_SYSTEM = bytes(byte for byte in range(256) if byte < SYSEX or byte == META)
_HIGH_LOW = b"L" * 128 + b"H" * 128
_NOT_NOTE_OR_PROGRAM = bytes(byte for byte in range(256) if byte & 0xF0 not in (NOTE_ON, PROGRAM))


def needs_care(data: bytes) -> bool:
    """Whether these MIDI bytes must be read event by event: symusic would refuse them or hear something else."""
    if len(data) < 14:
        return True
    size, form, count, division = struct.unpack_from(">IHHH", data, 4)
    if size != 6 or form > 1 or not 0 < division < 0x8000:
        return True
    try:
        tracks = [data[start:end] for start, end in chunks(data, 14, count)]
        statuses = cache(lambda index: _statuses(tracks[index]))
        if _suspect(data) and any(_misread(track, partial(statuses, index)) for index, track in enumerate(tracks)):
            return True
        return len(tracks) > 1 and _shares_programs(tracks, statuses)
    except Unreadable:
        return True


def _suspect(data: bytes) -> bool:
    """Whether bytes of a track, or of all of them at once, look like something symusic misreads."""
    plain_sysex = b"\xf0\xf7" * len(_SYSEX.findall(data))
    return bool(_ODD_META.search(data) or data.translate(None, _NOT_SYSTEM) != plain_sysex or _long_delays(data))


def _misread(track: bytes, statuses: Callable[[], set[int]]) -> bool:
    if not _suspect(track):
        return False
    if _ODD_META.search(track) or ESCAPE in statuses():
        return True
    return _long_delays(track) and _length(track) >= 1 << 31


def _long_delays(data: bytes) -> bool:
    """Whether there are sixteen delta times of four bytes, which can wrap a clock of 32 bits unseen."""
    return data.translate(_HIGH_LOW).count(b"HHHL") >= 16


def _length(track: bytes) -> int:
    events: list[Event] = []
    read_track(track, 0, len(track), events)
    return events[-1][0] if events else 0


def _shares_programs(tracks: list[bytes], statuses: Callable[[int], set[int]]) -> bool:
    """Whether a track plays on a channel whose program only other tracks choose (and not merely as 0)."""

    def used(index: int) -> tuple[int, int]:
        return _channels(statuses(index), tracks[index])

    # Bytes that could be note-on and program change rule out most tracks at once; the others are looked at closer.
    seen = [_channels(set(track.translate(None, _NOT_NOTE_OR_PROGRAM)), track) for track in tracks]
    once = twice = needed = 0
    for _, chooses in seen:
        twice |= once & chooses
        once |= chooses
    for index, (plays, chooses) in enumerate(seen):
        elsewhere = once & ~chooses | twice
        if plays & elsewhere:
            plays, chooses = used(index)
            needed |= plays & ~chooses & elsewhere
    return any(used(index)[1] & needed for index, (_, chooses) in enumerate(seen) if chooses & needed)


def _channels(statuses: set[int], track: bytes) -> tuple[int, int]:
    """The channels, as bits, of the note-ons and the program changes among status bytes.

    A channel that is given no program but 0, which is every channel's first, counts as given none.
    """
    plays = chooses = 0
    for status in statuses:
        if status & 0xF0 == NOTE_ON and _NOTES[status & 15].search(track):
            plays |= 1 << (status & 15)
        if status & 0xF0 == PROGRAM and _TO_PROGRAM[status & 15].search(track):
            chooses |= 1 << (status & 15)
    return plays, chooses


def _statuses(track: bytes) -> set[int]:
    """The status bytes of a track, read by whole runs of channel messages."""
    found: set[int] = set()
    running = at = 0
    try:
        while at < len(track):
            if run := _RUN.match(track, at):
                used = [ord(status) for status in run.groups() if status]
                found.update(used)
                running = used[-1]  # or the one before, of as many data bytes
                at = run.end()
                continue
            if tempi := _TEMPI.match(track, at):
                found.add(META)
                at = tempi.end()
                continue
            _, at = number(track, at)
            status = track[at]
            if status < 0x80 and running:
                at += 1 if running & 0xE0 == 0xC0 else 2
                continue
            found.add(status)
            if status == META and track[at + 1] == END_OF_TRACK:
                break
            if status not in (SYSEX, ESCAPE, META):
                raise Unreadable("unparsable", f"byte {at} of a track is no status")
            if status != META:
                running = 0
            size, at = number(track, at + (2 if status == META else 1))
            at += size
    except IndexError as error:
        raise Unreadable("truncated", "a track ends inside an event") from error
    return found
