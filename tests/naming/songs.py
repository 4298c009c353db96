"""A small list of songs that do not exist, by artists that do not exist, as messy as lists are."""

from collections.abc import Iterable
from pathlib import Path

SONGS = [
    ("The Velvet Harbours", "Thunder on the Quay"),
    ("The Velvet Harbours", "Lanterns"),
    ("Marlow,Quentin", "Seventeen Winters"),
    ("Quentin Marlow", "Seventeen Winters"),
    ("Quentin Marlow", "Holding the River Back"),
    ("Odessa Crane", "Lanterns"),
    ("Brass & Feather", "Copper Sunday (Live at the Mill)"),
    ("Brass & Feather", "You Took My Umbrella"),
    ("Pilot Nine", "Midnight in Valparaiso"),
    ("Pilot Nine", "Midnight in Valencia"),
    ("Élodie Fjord", "Où va la neige"),
    ("Ten Small Kites", "Paper Lighthouse, Part II"),
]


def write_list(path: Path, songs: Iterable[tuple[str, str]] = SONGS) -> Path:
    """The songs as a CSV file with a header."""
    path.write_text("artist,title\n" + "".join(f'"{artist}","{title}"\n' for artist, title in songs), encoding="utf-8")
    return path
