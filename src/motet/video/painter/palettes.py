"""Colours from key and mood: the tonic chooses the hue, mode and mood how warm, how light and how strong it is."""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Palette", "palette"]

Colour = npt.NDArray[np.float32]
"""Y, U and V of BT.709, Y from 16 to 235."""

TONICS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ALTERED = {"": 0, "natural": 0, "sharp": 1, "#": 1, "♯": 1, "flat": -1, "b": -1, "♭": -1}
KEY = re.compile(r"\s*([A-G])[\s-]*(sharp|flat|natural|[#b♯♭]|)[\s-]*(major|maj|minor|min|m|)(?![a-z])", re.IGNORECASE)
ACCENT = 60  # degrees either way by which a theme turns the inks
AT_C = 95.0  # degrees of hue; each fifth turns the circle on by 30


@dataclass(frozen=True)
class _Air:
    """What a mood does to colour. Lightness and chroma are those of Oklab, 0 to 1 and 0 to 0.3; hues in degrees."""

    floor: float
    """Lightness of the darkest ground."""
    rise: float
    """How much lighter its lightest part is."""
    chroma: float
    """Of the ground."""
    ink: float
    """Lightness of what is drawn."""
    ink_chroma: float
    spread: float
    """Degrees between the hues of what is drawn."""
    pull: float = 0.0
    """How far the hue of the ground is drawn towards `towards`, 0 to 1."""
    towards: float = 0.0
    calm: float = 0.5
    """How slowly the ground moves, 0 to 1."""


AIRS = {
    "dark": _Air(0.13, 0.10, 0.045, 0.74, 0.20, 45, 0.5, 285, 0.6),
    "tense": _Air(0.12, 0.15, 0.09, 0.80, 0.22, 30, 0.8, 25, 0.1),
    "sad": _Air(0.24, 0.16, 0.035, 0.80, 0.07, 35, 0.7, 245, 0.8),
    "calm": _Air(0.80, 0.12, 0.045, 0.48, 0.12, 60, 0.5, 200, 1.0),
    "tender": _Air(0.78, 0.12, 0.06, 0.50, 0.15, 50, 0.7, 15, 0.9),
    "happy": _Air(0.74, 0.16, 0.13, 0.45, 0.21, 110, 0.6, 85, 0.4),
    "energetic": _Air(0.20, 0.20, 0.15, 0.84, 0.21, 120, 0.2, 320, 0.0),
    "grand": _Air(0.17, 0.22, 0.11, 0.85, 0.15, 40, 0.5, 300, 0.5),
    "dreamy": _Air(0.36, 0.24, 0.10, 0.90, 0.09, 90, 0.5, 290, 0.9),
    "mysterious": _Air(0.15, 0.17, 0.07, 0.78, 0.14, 70, 0.6, 170, 0.7),
    "warm": _Air(0.28, 0.18, 0.09, 0.86, 0.13, 40, 0.8, 55, 0.7),
    "plain": _Air(0.18, 0.17, 0.085, 0.82, 0.16, 75, 0.0, 0, 0.5),
}
WORDS = {
    "dark": "dark gloomy ominous sinister brooding menacing evil grim bleak spooky scary heavy dystopian sombre somber",
    "tense": "tense angry aggressive furious violent anxious nervous agitated fierce dramatic intense stormy chaotic wild",
    "sad": "sad melancholic melancholy sorrowful mournful lonely bitter wistful tragic desolate weepy pensive blue",
    "calm": "calm peaceful relaxed relaxing serene tranquil quiet gentle meditative soothing mellow still chill",
    "tender": "tender romantic loving intimate delicate sweet sentimental affectionate graceful elegant",
    "happy": "happy cheerful joyful bright sunny merry playful light upbeat carefree festive funny whimsical",
    "energetic": "energetic lively driving exciting euphoric powerful vigorous electric party groovy funky rebellious",
    "grand": "grand epic heroic triumphant majestic noble solemn uplifting hopeful inspiring proud anthemic",
    "dreamy": "dreamy ethereal floating hypnotic cosmic spacey futuristic hazy magical enchanting",
    "mysterious": "mysterious eerie haunting mystical strange uncanny exotic enigmatic",
    "warm": "warm nostalgic cosy cozy pastoral rustic soulful sensual autumnal",
    "plain": "plain neutral",
}
AIR_OF = {word: air for air, words in WORDS.items() for word in words.split()}


@dataclass(frozen=True)
class Palette:
    """Five colours, each Y, U and V: `ground` (3, 3) from dark to light, `inks` (6, 3), `flash`, and how `calm` it moves."""

    ground: Colour
    inks: Colour
    flash: Colour
    light: bool
    """Is what is drawn darker than the ground?"""
    calm: float


def palette(key: str | None, mood: str, turn: float = 0.0, theme: str = "") -> Palette:
    """The colours of a key ("E flat major", or None) and a mood, in any words, with all hues turned by `turn` degrees.

    The circle of fifths lies on the circle of hues: neighbouring keys are of neighbouring colours, those of six fifths
    apart of opposite ones; minor has the hue of its relative
    major, darker and duller. The first known word of the mood counts, others say nothing. A theme turns the inks by some
    degrees of its own, whatever its words.
    """
    fifths, minor = _place(key)
    air = AIRS[next((AIR_OF[word] for word in re.findall(r"[a-z]+", mood.lower()) if word in AIR_OF), "plain")]
    hue = AT_C + 30.0 * fifths
    away = (air.towards - hue + 180.0) % 360.0 - 180.0
    hue += air.pull * away + turn
    lower, duller = (0.03, 0.85) if minor else (0.0, 1.0)
    ground = [
        _yuv(air.floor + air.rise * part - lower, air.chroma * duller * (0.8 + 0.4 * part), hue + shift)
        for part, shift in ((0.0, -25.0), (0.5, 0.0), (1.0, 25.0))
    ]
    opposite = hue + 150.0 + (zlib.crc32(theme.encode()) % (2 * ACCENT + 1) - ACCENT if theme else 0)
    inks = [
        _yuv(air.ink - 0.06 * (number % 2), air.ink_chroma * duller, opposite + air.spread * (number - 2.5) / 1.5)
        for number in range(6)
    ]
    light = air.floor > air.ink
    flash = _yuv(0.25 if light else 0.99, 0.04, hue if light else opposite)
    return Palette(np.array(ground, np.float32), np.array(inks, np.float32), np.array(flash, np.float32), light, air.calm)


def _place(key: str | None) -> tuple[int, bool]:
    """Where a key lies on the circle of fifths, from C on, and whether it is minor."""
    found = KEY.match(key) if key else None
    if not found:
        return 0, False
    minor = found[3] == "m" or found[3].lower() in ("minor", "min")
    tonic = TONICS[found[1].upper()] + ALTERED[found[2].lower()]
    return (7 * tonic + (-3 if minor else 0)) % 12, minor


def _yuv(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    """A colour of Oklab (B. Ottosson, "A perceptual color space for image processing", 2020); less strong if no screen has it."""
    lightness = min(max(lightness, 0.02), 0.99)
    turned = math.radians(hue)
    for _ in range(40):
        red, green, blue = _linear(lightness, chroma * math.cos(turned), chroma * math.sin(turned))
        if min(red, green, blue) >= -1e-4 and max(red, green, blue) <= 1.0001:
            break
        chroma *= 0.9
    r, g, b = (_encoded(min(max(part, 0.0), 1.0)) for part in (red, green, blue))
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    return 16.0 + 219.0 * y, 128.0 + 224.0 * (b - y) / 1.8556, 128.0 + 224.0 * (r - y) / 1.5748


def _linear(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def _encoded(linear: float) -> float:
    """As sRGB stores it."""
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
