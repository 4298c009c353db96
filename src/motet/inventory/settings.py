"""What a person says of their disks: `~/.config/motet/roots.toml`.

roots = ["~/data", "/Volumes/Extreme SSD"]     # drives that are not attached are told, not an error
datasets = "~/my-datasets"                     # registry files of one's own, same format
tasks = "~/my-tasks.yaml"                      # training tasks of one's own

[expected]                                     # where a dataset should lie, below any root
groove = "raw/grooves/groove_midi"

[excluded]                                     # left out on purpose: who says so, and why
musicnet = "Ada: we train on no classical music"
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from motet.errors import UserError


@dataclass(frozen=True)
class Settings:
    roots: tuple[Path, ...] = ()
    datasets: Path | None = None
    tasks: Path | None = None
    expected: Mapping[str, str] = field(default_factory=dict)
    excluded: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""


def usual_file() -> Path:
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(folder) if folder.startswith("/") else Path.home() / ".config") / "motet" / "roots.toml"


def cache_folder() -> Path:
    """Where scans and hashes are remembered: losing it costs time only."""
    folder = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(folder) if folder.startswith("/") else Path.home() / ".cache") / "motet" / "inventory"


def read(file: Path | None = None) -> Settings:
    """The settings of a file; without one named those of `usual_file`, or none. Raises UserError with one sentence."""
    path = file or usual_file()
    if file is None and not path.exists():
        return Settings()
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({error}).") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is not valid TOML: {error}.") from None
    for key in told:
        if key not in ("roots", "datasets", "tasks", "expected", "excluded"):
            raise UserError(f"{path} has an unknown entry {key!r}; known: roots, datasets, tasks, expected, excluded.")
    roots = told.get("roots", [])
    if not isinstance(roots, list) or not all(isinstance(root, str) and root for root in roots):
        raise UserError(f'In {path}, roots must be a list of folders: roots = ["~/data"].')
    for key in ("datasets", "tasks"):
        if key in told and not (isinstance(told[key], str) and told[key]):
            raise UserError(f"In {path}, {key} must be one path in quotes.")
    for key in ("expected", "excluded"):
        table = told.get(key, {})
        if not isinstance(table, dict) or not all(isinstance(value, str) and value for value in table.values()):
            raise UserError(f'In {path}, [{key}] must hold lines such as groove = "...".')
    for name, place in told.get("expected", {}).items():
        if place.startswith(("/", "~")) or ".." in Path(place).parts:
            raise UserError(f"In {path}, the place expected of {name} must lie below the roots, such as raw/{name}.")
    return Settings(
        roots=tuple(_absolute(root, path) for root in roots),
        datasets=_absolute(told["datasets"], path) if "datasets" in told else None,
        tasks=_absolute(told["tasks"], path) if "tasks" in told else None,
        expected=told.get("expected", {}),
        excluded=told.get("excluded", {}),
        origin=str(path),
    )


def _absolute(text: str, settings: Path) -> Path:
    """Relative paths lie beside the settings file."""
    try:
        return settings.parent / Path(text).expanduser()
    except RuntimeError:
        raise UserError(f"{settings} names {text}, and this machine has no such user: write the whole path.") from None
