"""Two small datasets of our own, and a look at a folder with nothing but the parts that find things."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from inventory import seed_tree as tree
from motet.inventory.finding.take import take
from motet.inventory.findings import Copy, Evidence, Holding, Inventory, PartFound
from motet.inventory.known import Dataset
from motet.inventory.scanning.memory import Memory
from motet.inventory.scanning.scan import scan
from motet.inventory.settings import Settings

COMMON = {
    "about": "made for a test",
    "licence": {"name": "CC0-1.0", "source": "us"},
    "citation": "nobody",
    "home": "https://example.org",
    "sources": {"us": "this test"},
    "tasks": [],
}
TAPS = Dataset.model_validate(
    COMMON
    | {
        "name": "taps",
        "title": "Taps",
        "modalities": ["midi"],
        "folders": ["taps"],
        "fields": {"player": "[12]", "take": "[0-9]"},
        "parts": [
            {
                "name": "midi",
                "files": "player{player}/take{take}_tap.mid",
                "kind": "midi",
                "count": 6,
                "count_source": "us",
                "each": [{"field": "player", "source": "us", "counts": {"1": 3, "2": 3}}],
            },
            {"name": "table", "files": "table.csv", "kind": "table", "count": 1, "count_source": "us", "telling": False},
        ],
        "index": {"file": "table.csv", "format": "csv", "paths": {"midi": "file"}, "seconds": "seconds"},
        "versions": [
            {"name": "2", "source": "us"},
            {"name": "1", "source": "us", "counts": {"midi": 4}, "marks": ["only_in_1.txt"]},
        ],
    }
)
VOICES = Dataset.model_validate(
    COMMON
    | {
        "name": "voices",
        "title": "Voices",
        "modalities": ["audio"],
        "folders": ["voices"],
        "fields": {"actor": "0[12]", "take": "[0-9]"},
        "parts": [
            {
                "name": "speech",
                "files": "Actor_{actor}/say-{take}-{actor}.wav",
                "kind": "audio",
                "count": 4,
                "count_source": "us",
                "each": [{"field": "actor", "source": "us", "counts": {"01": 2, "02": 2}}],
                "rate": 48_000,
                "properties_source": "us",
            }
        ],
    }
)
KNOWN = {"taps": TAPS, "voices": VOICES}
NAMES = tuple(f"player{1 + at // 3}/take{at + 1}_tap.mid" for at in range(6))


def table(paths: Mapping[str, float]) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["file", "seconds"])
    rows.writerows((path, f"{seconds:.3f}") for path, seconds in paths.items())
    return text.getvalue().encode()


def taps(names: tuple[str, ...] = NAMES) -> dict[str, bytes]:
    """The whole dataset: six tunes, each of a length of its own, and their table."""
    lengths = {name: 1.0 + at for at, name in enumerate(names)}
    return {name: tree.tune(name, seconds=length) for name, length in lengths.items()} | {"table.csv": table(lengths)}


def voices(rate: int = 48_000) -> dict[str, bytes]:
    return {f"Actor_{a}/say-{take}-{a}.wav": tree.wave(take, rate=rate) for a in ("01", "02") for take in (1, 2)}


def seen(
    folder: Path,
    settings: Settings | None = None,
    *,
    known: Mapping[str, Dataset] = KNOWN,
    troubles: Mapping[str, tuple[str, str]] | None = None,
) -> Inventory:
    """What lies in a folder, looked at for the first time."""
    with Memory(folder.parent / "memory") as memory:
        return take(scan([folder], memory, workers=1), known, settings or Settings(), memory, troubles=troubles)


def holding(inventory: Inventory, name: str = "taps") -> Holding:
    return next(one for one in inventory.holdings if one.dataset.name == name)


def best(inventory: Inventory, name: str = "taps") -> Copy:
    found = holding(inventory, name).best
    assert found is not None, holding(inventory, name).state
    return found


def part(copy: Copy, name: str = "midi") -> PartFound:
    return next(one for one in copy.parts if one.part == name)


def told(of: Copy | Holding, what: str) -> Evidence:
    found = [one for one in of.evidence if one.what == what]
    assert found, [(one.what, one.sentence) for one in of.evidence]
    return found[0]
