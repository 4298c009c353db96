"""Whether sound, film and notes of an export can be decoded: each is read whole, and a sentence says what is wrong with it."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

from motet.wording import several

__all__ = ["film_fault", "midi_fault", "short", "sound_fault"]

NEAR = 0.1  # seconds that a sound may be longer or shorter than is told: lossy formats are
_SHOWN = 80


def sound_fault(source: bytes | Path, seconds: float | None = None) -> str:
    """What is wrong with a sound, decoded whole: "" for nothing. With `seconds`, only whether it is as long as that."""
    import soundfile

    from motet.render.encoding import pieces
    from motet.render.errors import RenderError

    try:
        with soundfile.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else str(source)) as file:
            rate, frames = file.samplerate, file.frames
        if seconds is not None:
            far = abs(frames / rate - seconds) > NEAR
            return f"the sound has {frames / rate:.2f} s, and {seconds:.2f} are told" if far else ""
        if not sum(len(piece) for piece in pieces(source)):
            return "there is no sound in it"
    except (RenderError, soundfile.SoundFileError, OSError, ValueError, ZeroDivisionError, MemoryError) as error:
        return f"it is no sound that can be decoded ({short(getattr(error, 'detail', error))})"
    return flac_fault(source)


def flac_fault(source: bytes | Path) -> str:
    """Whether the samples of a FLAC file are those that were encoded, by the MD5 that it carries (RFC 9639, section 8.2)."""
    import soundfile

    head = source[:42] if isinstance(source, bytes) else source.open("rb").read(42)
    if head[:4] != b"fLaC" or not any(head[26:42]):
        return ""
    summed = hashlib.md5(usedforsecurity=False)
    with soundfile.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else str(source)) as file:
        bits = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}.get(file.subtype, 0)
        if not bits:
            return ""
        for block in file.blocks(1 << 16, dtype="int16" if bits == 16 else "int32", always_2d=True):
            summed.update(block.astype("<i2").tobytes() if bits == 16 else _narrow(block, bits))
    return "" if summed.digest() == head[26:42] else "its samples are not those that were encoded"


def _narrow(block: Any, bits: int) -> bytes:
    """Samples in the upper bits of 32, as little-endian integers of 8 or 24."""
    width = bits // 8
    narrow: bytes = block.astype("<i4").view("u1").reshape(-1, 4)[:, 4 - width :].tobytes()
    return narrow


def midi_fault(source: bytes) -> str:
    from motet.midi import Unreadable, read

    try:
        read(source)
    except Unreadable as error:
        return f"it is no MIDI file that can be read ({short(error.detail)})"
    return ""


def film_fault(source: bytes | Path) -> str:
    """What is wrong with a film: whether it opens, and has as many pictures as it says."""
    import av

    try:
        with av.open(io.BytesIO(source) if isinstance(source, bytes) else str(source), "r") as film:
            if not film.streams.video:
                return "there is no picture in it"
            stream = film.streams.video[0]
            pictures = sum(bool(packet.size) for packet in film.demux(stream))
            if pictures < max(1, stream.frames):
                return f"it ends after {several(pictures, 'picture')} of {stream.frames}"
    except (av.FFmpegError, OSError, ValueError) as error:
        return f"it is no film that can be read ({short(error)})"
    return ""


def short(value: Any) -> str:
    """One line of what somebody wrote, to be quoted."""
    words = " ".join(str(value).split())
    words = "".join(c if c.isprintable() else "?" for c in words)
    return words if len(words) <= _SHOWN else f"{words[: _SHOWN - 1]}…"
