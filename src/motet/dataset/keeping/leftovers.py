"""What lies in a dataset and is harmless: left behind by who was killed, or known to be unfinished."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from motet.dataset.keeping.faults import Fault, leftover
from motet.dataset.keeping.record import TOPS, Record
from motet.dataset.ledger import OURS
from motet.dataset.snapshot import KEPT, Snapshot, numbered
from motet.dataset.snapshot import delete as delete_snapshot
from motet.dataset.versions import RECIPE
from motet.errors import UserError

TEMPORARY = (
    ".*.tmp",
    "runs/*/.*.tmp",
    ".scratch",
    "cache/*/tmp*",
    "snapshots/.draft",
    "snapshots/.live.*",
    "snapshots/.*.tmp",
    "snapshots/*/.*.tmp",
    "media/.*.tmp",
    "media/*/.*.tmp",
)
REMOVAL = ".removal.json"


def leftovers_of(folder: Path, record: Record | None, snapshot: Snapshot | None) -> Iterator[Fault]:
    """Leftovers; "repair" deletes those that it mends. Only a record that was read tells which parts are of no use."""
    for pattern in TEMPORARY:
        for path in sorted(one for one in folder.glob(pattern) if not one.parent.is_symlink()):
            if pattern.endswith(".tmp") and path.is_dir():
                continue  # ours are files
            yield leftover(str(path.relative_to(folder)), "left behind by a run that was stopped; the next build deletes it")
    for top in TOPS if record else ():
        for path in sorted(path for path in (folder / top).glob("*/*") if OURS.fullmatch(path.name) and not path.is_dir()):
            shelf = f"{top}/{path.parent.name}"
            if record and path.name not in record.parts.get(shelf, []):
                yield leftover(f"{shelf}/{path.name}", "no commit names it")
    yield from _snapshots(folder, snapshot)
    if (folder / REMOVAL).exists():
        yield leftover(REMOVAL, "a removal was cut short: give its `motet remove` again", "unfinished", "")
    if snapshot is not None:
        yield from _recipe(folder, snapshot)
    yield from _judgements(folder)


def _snapshots(folder: Path, snapshot: Snapshot | None) -> Iterator[Fault]:
    if snapshot is None:
        return
    there = numbered(folder)
    before = [path for path in there if path.name < snapshot.folder.name][1 - KEPT :]
    for path in there:
        if path.name != snapshot.folder.name and path not in before:
            yield leftover(f"snapshots/{path.name}", "a snapshot that is not live and not the one before")


def _recipe(folder: Path, snapshot: Snapshot) -> Iterator[Fault]:
    now, then = _said(folder / "motet.yaml"), _said(snapshot.folder / RECIPE)
    if now and then:
        for name in ("recipe", "seed", "stages"):
            if now.get(name) != then.get(name):
                sentence = f"its {name} is not what the live tables were made with; the next build says it anew"
                yield leftover("motet.yaml", sentence, "unfinished", "build")


def _said(path: Path) -> dict[str, Any]:
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return said if isinstance(said, dict) else {}


def _judgements(folder: Path) -> Iterator[Fault]:
    from motet.labels import FILE, Labels

    if not (folder / FILE).exists():
        return
    try:
        labels = Labels.open(folder / FILE)
        for sentence in labels.told:
            yield leftover(FILE, sentence, "judgements", "")
    except UserError as error:
        yield leftover(FILE, str(error), "judgements", "")


def sweep(folder: Path, record: Record | None, snapshot: Snapshot | None) -> tuple[int, int]:
    """Delete the leftovers that are of no use; returns how many, and their bytes. The caller holds the writer's lock."""
    number = freed = 0
    for one in list(leftovers_of(folder, record, snapshot)):
        if one.kind == "leftover" and one.mended == "repair":
            freed += delete(folder / one.where)
            number += 1
    return number, freed


def delete(path: Path) -> int:
    """Delete a file, a folder or a snapshot, gone already or not; returns its bytes. A link goes, never what it leads to."""
    freed = weight(path)
    if path.parent.name == "snapshots" and path.name.isdigit():
        delete_snapshot(path)
    elif path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return freed


def weight(path: Path) -> int:
    """Bytes of a file, or of all files below a folder that have no second name elsewhere."""
    total = 0
    for one in (path, *path.rglob("*")) if path.is_dir() and not path.is_symlink() else (path,):
        try:
            state = one.lstat()
        except FileNotFoundError:
            continue
        if not one.is_dir() and state.st_nlink == 1:
            total += state.st_size
    return total
