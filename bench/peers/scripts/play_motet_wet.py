"""Motet with reverb and chorus, as the font and the controllers of a song ask."""

from collections.abc import Callable

import play_motet


def start(font: str) -> Callable[[str, str], None]:
    return play_motet.start(font, "motet-wet")
