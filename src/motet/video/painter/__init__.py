"""A painter that needs no model: pictures of a manifest, each event seen at its frame, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.video.film import Filmed, Picture, check_size, write
from motet.video.painter.script import Script, read

__all__ = ["film", "paint"]


def paint(manifest: dict[str, Any], *, size: tuple[int, int] | None = None, seed: int | None = None) -> Iterator[Picture]:
    """The pictures of a manifest, one for each rendered frame; its own size and seed where none are given (256 x 256 and 0).

    At the frame of an event the picture changes at once and clearly, and what is new fades within a second; between events it
    flows gently, also where sections change. Of a Parseq document without a plan of ours, events are where movements
    or strength leap. Raises VideoError `wrong_size` and as `motet.video.painter.script.read` does, before the first picture.
    """
    script = read(manifest)
    chosen = size or script.size
    check_size(chosen)
    return _pictures(script, chosen, script.seed if seed is None else seed)


def film(
    manifest: dict[str, Any],
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    seed: int | None = None,
    sound: tuple[npt.NDArray[np.float32], int] | None = None,
) -> Filmed:
    """Paint a manifest into an MP4 file with `sound` (samples (frames, channels), Hz): `paint`, then `motet.video.film.write`."""
    script = read(manifest)
    chosen = size or script.size
    check_size(chosen)
    pictures = _pictures(script, chosen, script.seed if seed is None else seed)
    return write(path, pictures, fps=script.fps, size=chosen, sound=sound, frames=script.frames)


def _pictures(script: Script, size: tuple[int, int], seed: int) -> Iterator[Picture]:
    from motet.video.painter.scene import Scene  # loads compiled code

    scene = Scene(script, size, seed)
    for frame in range(script.frames):
        yield scene.paint(frame)
