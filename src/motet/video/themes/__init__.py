"""Themes: what a film shows, in words of our own, drawn to suit a mood.

theme = draw("calm", random)
prompt(theme, "calm", random).positive
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from motet.errors import UserError
from motet.spots import nearest

__all__ = ["MOODS", "NEGATIVE", "THEMES", "Prompt", "Theme", "draw", "fitting", "prompt"]

MOODS: Mapping[str, tuple[str, ...]] = {
    "happy": ("joyful", "bright and playful", "sunny and light-hearted"),
    "calm": ("serene", "quiet and gentle", "peaceful"),
    "sad": ("wistful", "lonely and tender", "melancholy"),
    "dark": ("brooding", "sombre and heavy", "ominous"),
    "energetic": ("full of motion", "vivid and restless", "bursting with energy"),
    "dreamy": ("dreamlike", "floating and unreal", "soft and hazy"),
    "epic": ("grand", "vast and majestic", "heroic in scale"),
    "mysterious": ("enigmatic", "strange and secret", "full of hidden things"),
    "romantic": ("tender", "warm and intimate", "graceful"),
    "tense": ("uneasy", "sharp and nervous", "on the brink of a storm"),
}
"""Moods with words for them; a theme says which it suits."""

NEGATIVE = "blurry, low quality, watermark, signature, text, logo, frame, deformed, duplicate, nsfw, nude"
"""What no film shall show; every theme adds its own."""

_FINISH = ("highly detailed", "rich texture", "balanced composition", "depth and atmosphere")


@dataclass(frozen=True)
class Theme:
    """Parts from which prompts are put together: at least a thousand different ones.

    `weight` is how often it is drawn beside the others that suit a mood, `negative` what shall not be seen.
    """

    name: str
    about: str
    moods: tuple[str, ...]
    weight: float
    subjects: tuple[str, ...]
    places: tuple[str, ...]
    lights: tuple[str, ...]
    styles: tuple[str, ...]
    negative: str


@dataclass(frozen=True)
class Prompt:
    """What a picture shall show, and what it shall not."""

    positive: str
    negative: str


def fitting(mood: str) -> list[str]:
    """The themes that suit a mood; all, for a mood that none is made for."""
    return [name for name, theme in THEMES.items() if mood in theme.moods] or list(THEMES)


def check(theme: str | None, mood: str | None) -> None:
    """Raises UserError for a theme or a mood there is none of; None may be drawn."""
    for what, name, known in (("theme", theme, THEMES), ("mood", mood, MOODS)):
        if name is not None and name not in known:
            raise UserError(f"There is no {what} {name[:100]!r}{nearest(name, known)}.")


def draw(mood: str, random: random.Random) -> str:
    """One of the themes that suit a mood, by their weights."""
    names = fitting(mood)
    return random.choices(names, [THEMES[name].weight for name in names])[0]


def prompt(theme: str, mood: str, random: random.Random) -> Prompt:
    """A prompt of a theme, coloured by a mood if it is one of `MOODS`. Raises UserError for an unknown theme."""
    check(theme, None)
    told = THEMES[theme]
    scene = f"{random.choice(told.subjects)} {random.choice(told.places)}"
    parts = [scene, random.choice(told.lights), random.choice(told.styles)]
    if mood in MOODS:
        parts.insert(1, random.choice(MOODS[mood]))
    return Prompt(", ".join((*parts, random.choice(_FINISH))), f"{told.negative}, {NEGATIVE}")


@cache
def _library() -> dict[str, Theme]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries = [entry for entry in resources.files(__name__).iterdir() if entry.name.endswith(".yaml")]
    themes = [_theme(yaml.load(entry.read_bytes(), loader)) for entry in entries]
    return {theme.name: theme for theme in sorted(themes, key=lambda theme: theme.name)}


def _theme(told: dict[str, Any]) -> Theme:
    read: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in told.items()}
    return Theme(**read)


THEMES: Mapping[str, Theme] = _library()
"""All themes by name."""
