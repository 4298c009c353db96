"""Films of a manifest by a diffusion model: each picture is the last one, moved and painted over; an extra."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.errors import UserError
from motet.video.diffusion.frames import Frames, read
from motet.video.diffusion.model import Model, find
from motet.video.errors import VideoError
from motet.video.film import Filmed, check_size, write

__all__ = ["COLOURS", "SAMPLERS", "Model", "film", "find", "pictures"]

Bytes = npt.NDArray[np.uint8]

COLOURS = ("LAB", "RGB", "None")
"""Where the colours of a picture are held to those of the first one."""
SAMPLERS = {
    "model": None,  # as the model's folder has it
    "ddim": "DDIMScheduler",
    "euler": "EulerDiscreteScheduler",
    "euler a": "EulerAncestralDiscreteScheduler",
    "dpm++ 2m": "DPMSolverMultistepScheduler",
}


def pictures(
    manifest: dict[str, Any],
    model: Model | Path | str,
    *,
    size: tuple[int, int] | None = None,
    seed: int | None = None,
    steps: int = 15,
    sampler: str = "ddim",
    colours: str = "LAB",
    on: str = "auto",
    fetch: bool = False,
) -> Iterator[Bytes]:
    """RGB (h, w, 3) for each rendered frame, in the manner of Deforum's 3D mode at cadence 1, without depth.

    The last picture is moved as the frame says, its colours are held to the first one's (`colours`), it gets contrast, sharpness
    and noise, and is painted over by the model: the more, the lower `strength`, in `steps` x (1 - strength) steps of
    `sampler`. Prompts with weights are composed (Liu et al. 2022, "Compositional Visual Generation with Composable
    Diffusion Models"). Each picture is made from the seed of its frame, or from `seed` (the manifest's) and its number.

    `model` is a folder of a Stable Diffusion 1 or 2 model with safetensors, or, with `fetch`, a name on the Hugging Face Hub.
    `on` is `auto` (CUDA, or it is refused), `cpu`, `cuda`, `cuda:1` …. Equal arguments give equal pictures on one machine.
    Raises UserError, and VideoError `bad_manifest`, `wrong_size`, before the first picture.
    """
    frames = read(manifest)
    chosen = size or frames.size
    check_size(chosen)
    return _pictures(frames, chosen, frames.seed if seed is None else seed, model, steps, sampler, colours, on, fetch)


def film(
    manifest: dict[str, Any],
    model: Model | Path | str,
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    seed: int | None = None,
    steps: int = 15,
    sampler: str = "ddim",
    colours: str = "LAB",
    on: str = "auto",
    fetch: bool = False,
    sound: tuple[npt.NDArray[np.float32], int] | None = None,
    on_picture: Callable[[int, int], None] | None = None,
) -> Filmed:
    """`pictures` in an MP4 file with `sound` (samples (frames, channels), Hz); `on_picture` hears how many of all are done."""
    frames = read(manifest)
    chosen = size or frames.size
    check_size(chosen)
    made = _pictures(frames, chosen, frames.seed if seed is None else seed, model, steps, sampler, colours, on, fetch)

    def told() -> Iterator[Bytes]:
        for count, picture in enumerate(made, 1):
            yield picture
            if on_picture is not None:
                on_picture(count, len(frames.frames))

    return write(path, told(), fps=frames.fps, size=chosen, sound=sound, frames=len(frames.frames))


def _pictures(
    frames: Frames,
    size: tuple[int, int],
    seed: int,
    model: Model | Path | str,
    steps: int,
    sampler: str,
    colours: str,
    on: str,
    fetch: bool,
) -> Iterator[Bytes]:
    if colours not in COLOURS:
        raise UserError(f'Colours are not held by "{colours}": write {", ".join(COLOURS)}.')
    if sampler not in SAMPLERS:
        raise UserError(f'"{sampler}" is no sampler: write one of {", ".join(SAMPLERS)}.')
    if not 1 <= steps <= 1000:
        raise UserError("A picture takes 1 to 1000 steps: correct `steps`.")
    if size[0] % 8 or size[1] % 8:
        raise VideoError("wrong_size", f"a diffusion model paints sides of a multiple of 8 pixels, not {size[0]} x {size[1]}")
    for name in ("torch", "diffusers", "transformers"):
        if find_spec(name) is None:
            raise UserError(f'Painting with a diffusion model needs {name}: pip install "motet[diffusion]".')
    found = model if isinstance(model, Model) else find(model, fetch=fetch)
    from motet.video.diffusion.studio import Studio  # loads torch

    return Studio(found, on, SAMPLERS[sampler], steps).film(frames, size, seed, colours)
