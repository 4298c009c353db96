"""`dataset:NAME`: the folder or archive in which the best copy of a dataset lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from motet.errors import UserError
from motet.inventory import settings
from motet.inventory.findings import Copy, Holding, Inventory
from motet.inventory.looking import look
from motet.inventory.settings import Settings
from motet.inventory.verifying.members import parted

__all__ = ["PREFIX", "Located", "located"]

PREFIX = "dataset:"

_NONE_USABLE = {
    "pointers": "holds pointers in place of its files",
    "processed_only": "is only what was made of it, without the raw files",
}
_USED = {
    "partial": "is not complete",
    "corrupt": "has damaged files",
    "wrong_version": "is another version than the wanted one",
}


@dataclass(frozen=True)
class Located:
    """Where a dataset lies, and what a person should know of that copy: a sentence, or ""."""

    path: Path
    remark: str


def located(source: str, chosen: Settings | None = None, *, watch: Callable[[int, int], None] | None = None) -> Located:
    """The place that `dataset:NAME`, or `dataset:NAME@FOLDER` for what lies below one folder, stands for.

    Raises UserError, which names the command that gets the dataset, where there is no copy that can be used.
    """
    name, at, folder = source.removeprefix(PREFIX).partition("@")
    if at and not folder:
        raise UserError(f"{source} names no folder behind the @: write {PREFIX}{name}@/some/folder.")
    chosen = settings.read() if chosen is None else chosen
    found = look([Path(folder).expanduser()] if folder else (), chosen, only=[name], watch=watch)
    (holding,) = found.holdings
    copy = holding.best
    if copy is None or holding.state in _NONE_USABLE or holding.state in ("missing", "excluded"):
        raise UserError(_why_not(name, holding, found), 1)
    archive, _ = parted(copy.where)
    return Located(Path(archive or copy.where), _remark(name, copy))


def _why_not(name: str, holding: Holding, found: Inventory) -> str:
    if holding.state == "excluded":
        return f"{name} is left out on purpose by the settings: take it out of their [excluded], or name its folder."
    where = " and ".join(found.roots) or "the roots"
    get = f"`motet inventory fetch {name}` gets it, and `motet inventory status {name}` tells the evidence"
    if holding.best is None and holding.derived:
        return f"Of {name} only what was made of it lies under {where} ({holding.derived[0].where}): {get}, or name that folder."
    if holding.best is None or holding.state == "missing":
        return f"No copy of {name} lies under {where}: {get}."
    return f"The copy of {name} in {holding.best.where} {_NONE_USABLE[holding.state]}: {get}."


def _remark(name: str, copy: Copy) -> str:
    if copy.state not in _USED:
        return ""
    said = next((evidence.sentence.rstrip(".") for evidence in copy.evidence if evidence.sentence), "")
    return f"{name} in {copy.where} {_USED[copy.state]}{f': {said}' if said else ''}."
