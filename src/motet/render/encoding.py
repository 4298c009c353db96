"""Audio in files: the same bytes for the same samples, cut to the sample."""

import io
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import soundfile

from motet.render.errors import RenderError
from motet.render.mixing import Audio, Piece, gain

__all__ = ["Format", "check_encoding", "decode", "encode", "pieces"]

Format = Literal["flac", "wav", "ogg", "opus", "mp3"]
"""What `encode` writes, and the suffix of its files; flac and wav lose nothing. ogg is Vorbis in Ogg, opus is Opus in Ogg."""

PIECE = 1 << 16  # frames handed over at a time; the Vorbis encoder crashes on millions at once
SEEK_MISSES = ("VORBIS", "MPEG_LAYER_III")  # libsndfile 1.2.2 goes to other frames now and then: these are read from the start


@dataclass(frozen=True)
class _Kind:
    """How libsndfile is asked for a format. `compression_level` is 0 to 1, and means another thing to each."""

    container: str
    subtype: str = ""  # "" for what is stored as it is, in as many bits as asked for
    rates: tuple[int, ...] = ()  # () for any
    options: dict[str, Any] = field(default_factory=dict)


# FLAC level 1 of 0-8, measured on real stems: level 2 takes 11 % longer for 2 % less, 4 19 % for 7 %, 5 42 % for 8 %.
# A mix of four real stems, stereo: ogg 116 kbit/s and an error of -26 dB, opus 162 and -29, mp3 119 and -42; a second of it
# takes 7, 23 and 21 ms to write, 1.4, 5 and 0.7 ms to read (FLAC 1 and 0.6).
KINDS: dict[Format, _Kind] = {
    "flac": _Kind("FLAC", options={"compression_level": 1 / 8}),
    "wav": _Kind("WAV"),
    "ogg": _Kind("OGG", "VORBIS", options={"compression_level": 0.4}),  # quality 6
    "opus": _Kind("OGG", "OPUS", (8000, 12000, 16000, 24000, 48000), {"compression_level": 0.704}),  # 80 kbit/s a channel
    "mp3": _Kind(
        "MP3",
        "MPEG_LAYER_III",
        (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
        {"compression_level": 0.2, "bitrate_mode": "VARIABLE"},  # LAME's V2
    ),
}


def check_encoding(format: Format, sample_rate: int) -> None:
    """Raises RenderError `unknown_format`, `wrong_rate` (8 to 192 kHz; Opus and MP3 know a few rates only)."""
    if format not in KINDS:
        raise RenderError("unknown_format", f"there is no audio format {format!r}; there are: {', '.join(get_args(Format))}")
    rates = KINDS[format].rates
    if rates and sample_rate not in rates:
        known = f"{', '.join(map(str, rates[:-1]))} and {rates[-1]}"
        raise RenderError("wrong_rate", f"{format} holds sample rates of {known} Hz, not {sample_rate}: choose one, or flac")
    if not 8000 <= sample_rate <= 192000:
        raise RenderError("wrong_rate", f"a sample rate of {sample_rate} Hz is not between 8000 and 192000")


def encode(audio: Audio, sample_rate: int, format: Format = "flac", *, gain_db: float = 0.0, bits: Literal[16, 24] = 16) -> bytes:
    """A file of `audio` (frames, 1 or 2) times `gain_db`, full scale 1.0.

    flac and wav hold `bits` a sample, rounded, not dithered: silence stays silent. Nothing is clipped: what exceeds full
    scale raises RenderError `too_loud` (exactly +1.0 becomes the highest step). Equal input gives equal bytes in every
    format. What lossy formats give back has as many frames as went in, and begins at the same one (delay 0: MP3 and Opus
    say in their headers what a decoder must leave out, and libsndfile and FFmpeg both do), and may exceed full scale.
    Raises RenderError also as `check_encoding` does, and `wrong_channels`, `empty`.
    """
    check_encoding(format, sample_rate)
    if audio.ndim != 2 or audio.shape[1] not in (1, 2):
        raise RenderError("wrong_channels", f"audio of the shape {audio.shape} is not (frames, 1 or 2)")
    if not len(audio):
        raise RenderError("empty", "there is no sound to store: not every format can hold none")
    kind = KINDS[format]
    subtype = kind.subtype or f"PCM_{bits}"
    with nameless() as stream:
        with soundfile.SoundFile(
            stream.fileno(), "w", sample_rate, audio.shape[1], subtype, format=kind.container, closefd=False, **kind.options
        ) as file:
            for start in range(0, len(audio), PIECE):
                piece = audio[start : start + PIECE]
                file.write(_scaled(piece, gain(gain_db)) if kind.subtype else _steps(piece, gain(gain_db), bits))
        stream.seek(0)
        stored = stream.read()
    return _numbered(stored) if kind.container == "OGG" else stored


def nameless() -> IO[bytes]:
    """A file for libsndfile to write into that has no name, in memory where the system can.

    Not one of Python's own: libsndfile would call Python for every piece, and a Ctrl-C that falls into such a call is lost.
    """
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("sound"), "w+b")
    return tempfile.TemporaryFile()


def _scaled(audio: Audio, factor: np.float32) -> Audio:
    scaled: Audio = audio * factor
    _fitting(scaled, 1.0)
    return scaled


def _steps(audio: Audio, factor: np.float32, bits: int) -> npt.NDArray[np.int16] | npt.NDArray[np.int32]:
    full = 1 << bits - 1
    steps: Audio = audio * (factor * np.float32(full))
    np.rint(steps, out=steps)
    if _fitting(steps, full) == full:
        np.minimum(steps, full - 1, out=steps)
    if bits == 16:
        stored: npt.NDArray[np.int16] = steps.astype(np.int16)
        return stored
    shifted: npt.NDArray[np.int32] = steps.astype(np.int32) << (32 - bits)
    return shifted


def _fitting(audio: Audio, full: float) -> float:
    """The highest sample; raises RenderError `too_loud` when it is above `full`."""
    top = max(float(audio.max()), -float(audio.min()))
    if not top <= full:
        raise RenderError("too_loud", f"a sample of {top / full:.3f} does not fit under full scale 1.0")
    return top


def decode(data: bytes | Path, start_frame: int = 0, stop_frame: int | None = None) -> tuple[Audio, int]:
    """The frames [start_frame, stop_frame) of an audio file (its bytes or its path), and its sample rate.

    float32 (frames, channels), full scale 1.0; exact: the same samples as a cut of the whole. A stop past the end means
    the end. Raises RenderError `unreadable`, `out_of_range`.
    """
    with _opened(data) as file:
        stop = file.frames if stop_frame is None else min(stop_frame, file.frames)
        if not 0 <= start_frame <= stop:
            raise RenderError("out_of_range", f"there are no frames {start_frame} to {stop} in {file.frames:,}")
        try:
            audio = np.empty((stop - start_frame, file.channels), np.float32)
        except (MemoryError, ValueError):
            raise RenderError("unreadable", f"the audio file claims to hold {file.frames:,} frames") from None
        if len(audio):
            _go_to(file, start_frame)
            if len(file.read(out=audio)) != len(audio):
                raise RenderError("unreadable", "the audio file ends before its header says")
        return audio, int(file.samplerate)


def pieces(source: bytes | Path) -> Iterator[Piece]:
    """An audio file (its bytes or its path) piece by piece, (frames, channels): int16 if it holds 16 bits, else float32.

    Raises RenderError `unreadable`.
    """
    with _opened(source) as file:
        kind = "int16" if file.subtype == "PCM_16" else "float32"
        left = file.frames
        while left > 0:
            piece: Piece = file.read(min(left, PIECE), dtype=kind, always_2d=True)
            if not len(piece):
                raise RenderError("unreadable", "the audio file ends before its header says")
            left -= len(piece)
            yield piece


class _Steady(soundfile.SoundFile):  # type: ignore[misc]
    """A file that is read on and on. soundfile seeks before and after every read: slow, and an MP3's decoder loses its thread."""

    def seekable(self) -> bool:
        return False


@contextmanager
def _opened(source: bytes | Path) -> Iterator[Any]:
    try:
        with _Steady(io.BytesIO(source) if isinstance(source, bytes) else os.fsencode(source)) as file:
            yield file
    except soundfile.SoundFileError as error:
        raise RenderError("unreadable", f"this is no audio file that can be read: {error}") from None


def _go_to(file: Any, frame: int) -> None:
    if file.subtype not in SEEK_MISSES:
        file.seek(frame)
        return
    while frame > 0 and (read := len(file.read(min(frame, PIECE), dtype="float32"))):
        frame -= read


# --- Ogg (RFC 3533, section 6): a stream's number is drawn anew for every file ---

NUMBER = b"mote"
MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _numbered(data: bytes) -> bytes:
    """An Ogg file whose one stream has our number."""
    file, at = bytearray(data), 0
    while at < len(file):
        size = 27 + file[at + 26] + sum(file[at + 27 : at + 27 + file[at + 26]])
        file[at + 14 : at + 18], file[at + 22 : at + 26] = NUMBER, bytes(4)
        # Ogg's CRC is that of zlib read from the other end of each byte, begun from nothing and not inverted.
        checked = zlib.crc32(file[at : at + size].translate(MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
        file[at + 22 : at + 26] = checked.to_bytes(4).translate(MIRRORED)
        at += size
    return bytes(file)
