"""Motet builds music datasets in which MIDI, audio, text and video are voices of the same piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Dataset", "Recipe", "UserError", "build"]

if TYPE_CHECKING:
    from motet.dataset.folder import Dataset
    from motet.errors import UserError
    from motet.recipe import Recipe
    from motet.run.build import build

_HOMES = {
    "Dataset": "motet.dataset.folder",
    "Recipe": "motet.recipe",
    "UserError": "motet.errors",
    "build": "motet.run.build",
}


def __getattr__(name: str) -> Any:
    # Loaded when asked for, so that `from motet.midi import read` does not wait for Arrow and DuckDB.
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    msg = f"module 'motet' has no attribute {name!r}"
    raise AttributeError(msg)
