"""The seam between a song's parts and whatever makes them sound."""

from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from typing import Protocol

import numpy as np
import numpy.typing as npt

from motet.render import fluid, tiny
from motet.render.errors import RenderError
from motet.render.fonts import Font
from motet.render.patch import Line

__all__ = ["SYNTHS", "Audio", "Loader", "Synth", "load", "version"]

Audio = npt.NDArray[np.float32]
"""(frames, channels), float32, full scale 1.0; a synth's may exceed it."""


class Synth(Protocol):
    """An engine with its font loaded."""

    def render(self, lines: Iterable[Line | bytes]) -> Iterator[Audio]:
        """One stereo buffer (frames, 2) per line, in order. A line may be bare MIDI bytes, played as they ask.

        All lines are taken as one song, so an engine may play them in one pass; one that yields each as it is done
        keeps memory flat. Frame 0 is tick 0 of the song, a note struck at t seconds sounds from frame
        round(t * sample_rate), and a buffer ends when its line has rung out. Equal lines give equal bytes, whatever
        was rendered before. A line without notes gives a short silence.
        """
        ...


Loader = Callable[[Font, int], Synth]

SYNTHS: dict[str, Loader] = {"tinysoundfont": tiny.load, "fluidsynth": fluid.load}
"""From name to loader; other packages add theirs by the entry point group `motet.synths`."""


def load(font: Font, sample_rate: int = 44100, *, synth: str = "tinysoundfont") -> Synth:
    """The synth called `synth`, ready to play `font`.

    Raises RenderError: `unknown_synth`, `missing_synth` (its library is not installed); FontError for a bad font.
    """
    if synth in SYNTHS:
        return SYNTHS[synth](font, sample_rate)
    loader: Loader = _plugged(synth).load()
    return loader(font, sample_rate)


def version(synth: str) -> str:
    """The version of what plays under this name, "" when it is not known. Raises RenderError `unknown_synth`."""
    if synth == "fluidsynth":
        return fluid.version()
    if synth in SYNTHS:
        try:
            return metadata.version(synth)
        except metadata.PackageNotFoundError:
            return ""
    distribution = _plugged(synth).dist
    return distribution.version if distribution else ""


def _plugged(synth: str) -> metadata.EntryPoint:
    others = {entry.name: entry for entry in metadata.entry_points(group="motet.synths")}
    if synth not in others:
        valid = ", ".join(sorted({*SYNTHS, *others}))
        raise RenderError("unknown_synth", f"there is no synth {synth!r}; there are: {valid}")
    return others[synth]
