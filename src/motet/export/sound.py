"""The sound of an example as an export wants it: stored bytes where they will do, encoded anew where not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.errors import UserError
from motet.export.example import Choice, Sound

__all__ = ["Encoded", "encoded", "heard"]

_OPUS_RATE = 48_000


@dataclass(frozen=True)
class Encoded:
    """An audio file: its bytes, its suffix, Hz, channels, and frames of each channel."""

    data: bytes
    suffix: str
    rate: int
    channels: int
    frames: int

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


def encoded(sound: Sound, choice: Choice, audio: str = "", rate: int | None = None, channels: int | None = None) -> Encoded:
    """A sound in the format, rate and channels chosen; `audio`, `rate`, `channels` are a form's own, where nobody chose.

    What is stored that way already is copied byte for byte. Raises UserError for sound that cannot be stored so.
    """
    from motet.render.encoding import KINDS, encode
    from motet.render.errors import RenderError

    wanted = choice.audio or audio or (sound.suffix if sound.stored and sound.suffix in KINDS else "flac")
    to_channels = choice.channels or channels or min(sound.channels, 2)
    to_rate = choice.rate or rate or sound.rate
    if rates := KINDS[wanted].rates:  # type: ignore[index]
        to_rate = to_rate if to_rate in rates else _OPUS_RATE
    if sound.stored and (sound.suffix, sound.rate, sound.channels) == (wanted, to_rate, to_channels):
        return Encoded(sound.stored(), wanted, to_rate, to_channels, sound.frames)
    samples, _ = heard(sound, to_rate, to_channels)
    try:
        data = encode(np.ascontiguousarray(samples, np.float32), to_rate, wanted)  # type: ignore[arg-type]
    except RenderError as error:
        raise UserError(f"A sound cannot be written as {wanted}: {error.detail}.", 1) from None
    return Encoded(data, wanted, to_rate, to_channels, len(samples))


def heard(sound: Sound, rate: int | None = None, channels: int | None = None) -> tuple[npt.NDArray[np.float32], int]:
    """The samples of a sound, float32 (frames, channels), and their rate; None leaves rate and channels as they are.

    Channels are folded by their mean, before resampling; what resampling lifts above full scale is brought under it as a whole.
    """
    samples: Any = sound.samples()
    channels, rate = channels or samples.shape[1], rate or sound.rate
    if samples.shape[1] not in (channels, 1):
        samples = samples.mean(axis=1, keepdims=True, dtype=np.float32)
    if samples.shape[1] < channels:
        samples = samples.repeat(channels, axis=1)
    if rate != sound.rate:
        import soxr

        samples = soxr.resample(samples, sound.rate, rate, quality="VHQ")
        top = float(np.abs(samples).max(initial=0.0))
        if top > 1:
            samples = samples / np.float32(top)
    return samples, rate
