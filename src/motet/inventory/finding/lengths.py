"""How long a recording or a performance lasts, from as few of its bytes as will tell."""

from __future__ import annotations

import struct
from collections.abc import Callable

from motet import midi
from motet.files import FilesError

__all__ = ["rate", "seconds"]

Read = Callable[[str, int], bytes]
_LARGEST_MIDI = 16 << 20
_HEAD = 1 << 16


def seconds(path: str, kind: str, size: int, read: Read) -> tuple[float, ...]:
    """The lengths a table may mean: of a MIDI file to its last note and to its last event, of a sound its one length.

    Empty where the file cannot be read, or its header does not tell: nothing is decoded here, where a decoder that crashes
    would take everything with it.
    """
    try:
        if kind == "midi" and size <= _LARGEST_MIDI:
            score = midi.read(read(path, _LARGEST_MIDI))
            return score.duration, float(score.tempo_map.to_seconds(score.symusic.end()))
        if kind == "audio":
            head = read(path, _HEAD)
            if told := _wave(head, size) or _flac(head):
                return (told[1],)
    except (midi.Unreadable, FilesError):
        return ()
    return ()


def rate(path: str, size: int, read: Read) -> int | None:
    """Sample rate of a sound in Hz, None where its header does not tell."""
    try:
        head = read(path, _HEAD)
    except FilesError:
        return None
    told = _wave(head, size) or _flac(head)
    return told[0] if told else None


def _flac(head: bytes) -> tuple[int, float] | None:
    """Hz and seconds of a FLAC file, by its STREAMINFO (RFC 9639, 8.2)."""
    if head[:4] != b"fLaC" or len(head) < 26 or head[4] & 0x7F:
        return None
    packed = int.from_bytes(head[18:26], "big")
    hz, samples = packed >> 44, packed & ((1 << 36) - 1)
    return (hz, samples / hz) if hz and samples else None


def _wave(head: bytes, size: int) -> tuple[int, float] | None:
    """Hz and seconds of a WAV file, by its header."""
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    at, hz, per_second = 12, 0, 0
    while at + 8 <= len(head):
        name, length = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        if name == b"fmt " and at + 24 <= len(head):
            hz, per_second = struct.unpack_from("<II", head, at + 12)
        elif name == b"data" and hz and per_second:
            there = size - at - 8
            return hz, (length if 0 < length < 0xFFFFFFFF else there) / per_second
        at += 8 + length + length % 2
    return None
