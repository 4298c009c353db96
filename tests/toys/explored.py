"""Small datasets to look at one by one: a song twice, a broken file and a foreign one, built for real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from motet.recipe import load
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys.midi import song

QUICK = ["render_stems.rate=16000", "mix_stems.ceiling=-1", "segment.target=8", "segment.shortest=4"]
BARS = 8  # of two seconds each
FILES = {"Ada/One.mid": song(1, bars=BARS), "Ada/Same.mid": song(1, bars=BARS), "broken.mid": song(2)[:60], "notes.txt": b"x"}


def rendered(folder: Path) -> Path:
    """Two clips of one song; its copy, the broken file and the text were dropped, each by another stage."""
    return _built("text-to-music", folder, QUICK)


def symbolic(folder: Path) -> Path:
    """The same song in parts, which nothing has played."""
    return _built("symbolic", folder, [])


def _built(recipe: str, folder: Path, settings: list[str]) -> Path:
    for name, data in FILES.items():
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    with LocalEngine(workers=1) as engine:
        build(load(recipe).changed(settings), [folder / "in"], folder / "data", engine=engine)
    return folder / "data"


def row(id: str, state: str = "kept", stage: str = "", reason: str = "", detail: str = "", **more: Any) -> dict[str, Any]:
    """What the list of examples knows of one, as far as `told` asks."""
    return {"id": id, "state": state, "stage": stage, "reason": reason, "detail": detail, "has": ["captions"], **more}
