"""From roots to an inventory: scan, find, and remember what was seen where."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from motet.errors import UserError
from motet.inventory import datasets, settings
from motet.inventory.finding.take import take
from motet.inventory.findings import Absent, Derived, Inventory
from motet.inventory.scanning.memory import Memory
from motet.inventory.scanning.scan import scan
from motet.inventory.settings import Settings
from motet.inventory.verifying import verify as verifying


def look(
    roots: Sequence[Path] = (),
    chosen: Settings | None = None,
    *,
    cache: Path | None = None,
    only: Sequence[str] = (),
    watch: Callable[[int, int], None] | None = None,
    workers: int = 2,
) -> Inventory:
    """What lies under `roots`, or, where none is named, under those of the settings.

    `only` names the datasets whose holdings are wanted; all are looked for, since one's files can look like another's.
    `watch` is told (files, bytes) as they are seen. Raises UserError where a root that was named does not exist, where
    there is none, or where a dataset is not known.
    """
    chosen = settings.read() if chosen is None else chosen
    known = datasets.known(chosen.datasets)
    for name in only:
        datasets.find(name, known)
    there, absent = _attached(roots, chosen)
    folder = cache or settings.cache_folder()
    troubles = verifying.remembered(folder)
    with Memory(folder) as memory:
        found = take(scan(there, memory, watch=watch, workers=workers), known, chosen, memory, troubles=troubles)
        for root in there:
            memory.tell("seen", str(root), "", json.dumps(_seen(found, str(root))).encode())
        missing = tuple(_last_seen(memory, root) for root in absent)
    holdings = tuple(h for h in found.holdings if not only or h.dataset.name in only)
    return replace(found, holdings=holdings, absent=missing)


def _attached(roots: Sequence[Path], chosen: Settings) -> tuple[list[Path], list[Path]]:
    """Roots that are there, and drives of the settings that are not."""
    for root in roots:
        if not root.exists():
            raise UserError(f"{root} does not exist: check the spelling, or attach the drive.")
        if not root.is_dir():
            raise UserError(f"{root} is a file: name the folder it lies in; archives there are looked into.")
    named = [Path(os.path.abspath(root)) for root in roots or chosen.roots]
    if not named:
        raise UserError(f'No folder was named: add --root DIR, or write roots = ["DIR"] into {settings.usual_file()}.')
    return [root for root in named if root.exists()], [root for root in named if not root.exists()]


def _seen(found: Inventory, root: str) -> dict[str, Any]:
    """What lay on a root, for the day when it is not attached."""
    below = root.rstrip("/") + "/"
    held = sorted({h.dataset.name for h in found.holdings if any(c.root == root for c in h.copies)})
    made = {
        (d.where, d.kind): d
        for d in (*found.derived, *(d for h in found.holdings for d in h.derived))
        if d.where.startswith(below)
    }
    return {"at": found.taken_at, "datasets": held, "derived": [asdict(d) for _, d in sorted(made.items())][:1000]}


def _last_seen(memory: Memory, root: Path) -> Absent:
    told = memory.told("seen", str(root), "")
    if told is None:
        return Absent(str(root), "", ())
    seen = json.loads(told)
    derived = tuple(Derived(**{**one, "names": tuple(one["names"])}) for one in seen["derived"])
    return Absent(str(root), seen["at"], tuple(seen["datasets"]), derived)
