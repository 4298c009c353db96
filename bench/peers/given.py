"""The files that all of a comparison are given: real ones where there are any, else our own small songs."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from pathlib import Path

from rebuild import _add

SEED = 14
CRAFTED = ("broken", "odd")  # made to break readers, or found broken


def shared() -> Path | None:
    folder = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[3] / "shared") / "data"
    return folder if folder.is_dir() else None


def midi_files(wanted: int, *, crafted: bool = False) -> list[Path]:
    """Drawn at random, no two with the same contents. Empty where there are no real files."""
    root = shared()
    if root is None:
        return []
    found = sorted(path for path in (root / "midi").rglob("*.mid") if path.is_file())
    if crafted:
        found = [path for path in found if path.relative_to(root / "midi").parts[0] in CRAFTED]
    random.Random(SEED).shuffle(found)
    different = {hashlib.sha256(path.read_bytes()).digest(): path for path in found}
    return list(different.values())[:wanted]


def lay(folder: Path, wanted: int) -> list[Path]:
    """A folder with so many files, copied: 00000.mid and on."""
    files = midi_files(wanted)
    if not files:
        songs = folder.with_name(f"{folder.name} songs")
        for n in range(wanted):
            _add(songs, n)
        files = sorted(songs.rglob("*.mid"))
    laid = []
    for n, file in enumerate(files):
        target = folder / f"{n // 250:02d}" / f"{n:05d}.mid"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        laid.append(target)
    return laid
