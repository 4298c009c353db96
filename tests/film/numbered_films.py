"""Films whose pictures carry their number and whose sound is a click track: what is cut out of them can be told apart."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

BITS = 10
HIGH, WIDE = 64, 80
RATE = 48000
CLICKS = 0.25  # seconds from one to the next


def painted(number: int, high: int = HIGH, wide: int = WIDE) -> npt.NDArray[np.uint8]:
    """A picture that says its number: ten columns, black or white, and a ramp of gray below."""
    picture = np.full((high, wide, 3), 40, np.uint8)
    for bit in range(BITS):
        edges = wide * bit // BITS, wide * (bit + 1) // BITS
        picture[: high // 2, edges[0] : edges[1]] = 235 if number >> bit & 1 else 20
    picture[high // 2 :] = np.linspace(30, 220, wide).astype(np.uint8)[None, :, None]
    return picture


def number_in(picture: npt.NDArray[np.uint8]) -> int:
    """What a picture (h, w, any) says."""
    high, wide = picture.shape[:2]
    gray = picture.reshape(high, wide, -1)[: high // 2 - 4].mean(axis=(0, 2))
    return sum(1 << bit for bit in range(BITS) if gray[int(wide * (bit + 0.5) / BITS)] > 128)


def numbers(film: Path) -> list[int]:
    """The numbers of the pictures of a film, in turn."""
    with av.open(str(film)) as container:
        return [number_in(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def clicks(seconds: float, rate: int = RATE) -> npt.NDArray[np.float32]:
    """Clicks of a decaying tone at every quarter second, each a little louder than the one before."""
    sound = np.zeros(round(seconds * rate), np.float32)
    tone = np.sin(2 * np.pi * 1500 * np.arange(rate // 100) / rate) * np.exp(-np.arange(rate // 100) / rate * 400)
    for at in range(round(seconds / CLICKS)):
        begin = round(at * CLICKS * rate)
        piece = sound[begin : begin + len(tone)]
        piece += (tone * (0.3 + 0.6 * (at % 40) / 40)).astype(np.float32)[: len(piece)]
    return sound


CODECS = {
    "mp4": ("libx264", "aac"),
    "mov": ("libx264", "aac"),
    "mkv": ("libx264", "aac"),
    "avi": ("libx264", "libmp3lame"),
    "webm": ("libvpx", "libopus"),
    "ts": ("libx264", "aac"),
}


def film(
    path: Path,
    pictures: int = 120,
    *,
    fps: Fraction | int = 25,
    stamps: Sequence[int] | None = None,
    late: float = 0.0,
    sound: npt.NDArray[np.float32] | None = None,
    size: tuple[int, int] = (WIDE, HIGH),
    silent: bool = False,
    every: int = 24,
    sound_codec: str = "",
) -> Path:
    """A film of numbered pictures with B-frames; `stamps` are their moments in 1 / fps, `late` delays the sound (seconds)."""
    codec, heard = CODECS[path.suffix[1:]]
    options = (
        {"preset": "veryfast", "crf": "12", "bf": "3", "g": str(every)}
        if codec == "libx264"
        else {"deadline": "realtime", "cpu-used": "8"}
    )
    rate = Fraction(fps)
    over = (pictures if stamps is None else stamps[-1] + 1) / rate
    sound = clicks(float(over)) if sound is None else sound
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = *size, "yuv420p", every
        stream.codec_context.time_base = 1 / rate
        track: Any = None if silent else container.add_stream(sound_codec or heard, rate=RATE, layout="mono")
        if track is not None:
            track.bit_rate = 128_000
        fifo = av.AudioFifo()
        if track is not None:
            whole = av.AudioFrame.from_ndarray(sound[None], "fltp", "mono")
            whole.sample_rate = RATE
            fifo.write(whole)
        done = 0
        for number in range(pictures):
            frame = av.VideoFrame.from_ndarray(painted(number, size[1], size[0]), "rgb24")
            frame.pts, frame.time_base = (number if stamps is None else stamps[number]), 1 / rate
            container.mux(stream.encode(frame))
            while track is not None and done < frame.pts / rate * RATE and (piece := fifo.read(960)) is not None:
                done = _heard(container, track, piece, done, late)
        container.mux(stream.encode(None))
        while track is not None and (piece := fifo.read(960, partial=True)) is not None:
            done = _heard(container, track, piece, done, late)
        if track is not None:
            container.mux(track.encode(None))
    return path


def _heard(container: Any, track: Any, piece: Any, done: int, late: float) -> int:
    piece.pts, piece.time_base = done + round(late * RATE), Fraction(1, RATE)
    container.mux(track.encode(piece))
    return done + int(piece.samples)
