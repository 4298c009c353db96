"""How a passage of a film looks: light, colour and movement, in numbers between fixed bounds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HUES", "Looks"]

HUES = ("red", "orange", "yellow-green", "green", "cyan", "azure", "violet", "magenta")


@dataclass(frozen=True)
class Looks:
    """Means over the time of a passage, of pictures of about 48 pixels.

    `brightness`: luma, 0 black to 1 white. `contrast`: the standard deviation of luma within a picture, 0 to 0.5 (RMS contrast,
    Peli, "Contrast in complex images", JOSA A 1990). `saturation`: of HSV, 0 to 1. `colourfulness`: 0 gray, 15 slightly, 33
    moderately, 59 quite, 109 extremely colourful (Hasler and Süsstrunk, "Measuring colourfulness in natural images", Human
    Vision and Electronic Imaging 2003, M̂3). `hues`: shares of `HUES`, eighths of the colour circle around 0°, 45°, …, weighted
    by chroma; they sum to 1, or are all 0 without colour. `warm`: 0 all azure, 1 all orange, 0.5 neither.

    `motion`: how fast what has texture moves, in picture widths (of the longer side) a second, the mean of block matching at
    12 pictures a second; `motion_peak`: the 95th percentile over the pictures; `across` and `down`: the mean movement to the
    right and downwards, of which a pan to the right has a negative `across`. Over a cut no movement is told. `stillness`: the
    share of the time in which motion stays under 0.01. `flicker`: the mean change of brightness a second, in its own unit.
    `shot_rate`: new shots a minute.
    """

    brightness: float
    contrast: float
    saturation: float
    colourfulness: float
    hues: tuple[float, ...]
    warm: float
    motion: float
    motion_peak: float
    across: float
    down: float
    stillness: float
    flicker: float
    shot_rate: float
