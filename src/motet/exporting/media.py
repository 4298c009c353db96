"""The bytes and the sound behind a dataset's references, read when a form asks for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from motet import midi, render
from motet.dataset.folder import Dataset
from motet.dataset.media import MediaDamaged
from motet.errors import UserError
from motet.export.example import Sound


def reader(dataset: Dataset) -> Callable[[str], bytes]:
    """Reads a reference, checked against its name; raises UserError with the fix where it is gone or damaged."""

    def read(reference: str) -> bytes:
        try:
            return dataset.media.read(reference)
        except (MediaDamaged, FileNotFoundError):
            raise _gone(dataset, reference) from None

    return read


def stored(dataset: Dataset, reference: str) -> Callable[[], bytes]:
    return lambda: reader(dataset)(reference)


def sound(
    dataset: Dataset,
    reference: str,
    rate: int,
    channels: int,
    frames: int,
    span: tuple[int, int] | None = None,
    gain_db: float = 0.0,
) -> Sound:
    """A stored sound, or frames span[0] … span[1] of it, with silence where it has ended before; louder by a gain."""
    start, end = span or (0, frames)
    whole = (start, end) == (0, frames) and not gain_db

    def samples() -> npt.NDArray[np.float32]:
        if start >= frames:
            return np.zeros((end - start, channels), np.float32)
        try:
            heard, _ = render.decode(dataset.media.path(reference), start, min(end, frames))
        except (render.RenderError, FileNotFoundError):
            raise _gone(dataset, reference) from None
        if gain_db:
            heard = heard * np.float32(10 ** (gain_db / 20))
        return np.pad(heard, ((0, end - start - len(heard)), (0, 0)))

    suffix = PurePosixPath(reference).suffix.removeprefix(".")
    return Sound(rate, channels, end - start, samples, stored(dataset, reference) if whole else None, suffix)


def notes(dataset: Dataset, references: list[str], start_tick: int, end_tick: int) -> Callable[[], bytes]:
    """The MIDI of a span of a song's parts."""

    def cut() -> bytes:
        read = reader(dataset)
        return midi.cut([read(reference) for reference in references], start_tick, end_tick)

    return cut


def _gone(dataset: Dataset, reference: str) -> UserError:
    return UserError(f"{reference} of {dataset.folder} is gone or damaged: `motet check --repair` mends it.", 1)
