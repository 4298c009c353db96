"""A small dataset of numbers in text files: one of each kind of stage, media, a drop and a duplicate."""

from __future__ import annotations

from pathlib import Path

from motet.recipe import Recipe, parse

NUMBERS = {"a": "12", "b": "345", "c": "67", "d": "12", "e": "word", "f": "8009"}
STAGES = ["scan_text", "parse_number", "unique", "digits", "no_sevens", "sum_digits"]


def sources(folder: Path) -> Path:
    """The text files."""
    folder.mkdir(parents=True)
    for name, text in NUMBERS.items():
        (folder / f"{name}.txt").write_text(text)
    return folder


def recipe(scale: int = 1) -> Recipe:
    """Another scale is other answers of the last stage alone."""
    steps: list[object] = [f"toys.stages:{name}" for name in STAGES]
    steps[-1] = {"toys.stages:sum_digits": {"scale": scale}}
    return parse({"name": "toys", "stages": steps}, "toys")
