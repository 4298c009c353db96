"""The seam between a song's parts and whatever makes them sound."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import metadata
from typing import Protocol

import numpy as np
import numpy.typing as npt

from motet.render import fluid, tiny
from motet.render.errors import RenderError, SynthError
from motet.render.fonts import Font
from motet.render.patch import Line

__all__ = ["DEFAULT_SYNTH", "SYNTHS", "Audio", "Loader", "Synth", "load", "version"]

OURS = 1  # raised with every change of what our own synth sounds like

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


def _motet(font: Font, sample_rate: int, *, wet: bool = False) -> Synth:
    try:
        from motet.render import soundfont  # loads a compiler: only who plays waits for it
    except RuntimeError as error:
        # numba keeps compiled code beside the sources or in the user's cache folder, and refuses to begin without either.
        if "no locator available" not in str(error):
            raise
        fix = "name one in the environment variable NUMBA_CACHE_DIR"
        raise SynthError("no_cache", f"the synth motet has no folder to keep its compiled code in: {fix}") from None
    return soundfont.load(font, sample_rate, wet=wet)


DEFAULT_SYNTH = "motet"
SYNTHS: dict[str, Loader] = {
    DEFAULT_SYNTH: _motet,
    "motet-wet": partial(_motet, wet=True),
    "tinysoundfont": tiny.load,
    "fluidsynth": fluid.load,
}
"""From name to loader; other packages add theirs by the entry point group `motet.synths`."""


def load(font: Font, sample_rate: int = 44100, *, synth: str = DEFAULT_SYNTH) -> Synth:
    """The synth called `synth`, ready to play `font`.

    Raises RenderError `unknown_synth`; SynthError `missing_synth` (its library is not installed), `no_cache` (there is nowhere to
    keep compiled code); FontError for a bad font.
    """
    if synth in SYNTHS:
        return SYNTHS[synth](font, sample_rate)
    loader: Loader = _plugged(synth).load()
    return loader(font, sample_rate)


def version(synth: str) -> str:
    """The version of what plays under this name, "" when it is not known. Raises RenderError `unknown_synth`.

    Of our own synth it is all that its sound hangs on: a number of ours, and what compiles it.
    """
    if synth == "fluidsynth":
        return fluid.version()
    if synth in SYNTHS:
        ours = synth in (DEFAULT_SYNTH, "motet-wet")
        try:
            return f"{OURS} (numba {metadata.version('numba')})" if ours else metadata.version(synth)
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
