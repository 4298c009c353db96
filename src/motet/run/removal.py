"""Taking a source out of a dataset, and all that came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motet.dataset.folder import read_recipe_file
from motet.dataset.housekeeping import clean
from motet.dataset.lock import writer_lock
from motet.dataset.snapshot import live
from motet.dataset.tables import stream
from motet.errors import UserError
from motet.recipe import Recipe, parse
from motet.run.build import Engine, build
from motet.run.watch import Run, Watch


@dataclass(frozen=True)
class Removal:
    paths: list[str]
    freed: int  # bytes of media
    run: Run


def recorded_recipe(folder: Path) -> Recipe:
    """The recipe a dataset was last built by, with its settings, from motet.yaml."""
    stored = read_recipe_file(folder)
    stages = []
    for name, settings in stored.get("stages", {}).items():
        stages.append({name: {k: v for k, v in settings.items() if k != "version"}})
    if not stages:
        raise UserError(f"{folder} has no finished run yet: run its `motet build` again to the end.", exit_code=1)
    return parse({"name": stored["recipe"], "stages": stages}, str(folder))


def remove(
    folder: Path, what: str, *, workers: int | None = None, engine: Engine | None = None, watch: Watch | None = None
) -> Removal:
    """Take out the source file `what` (its path as the dataset shows it, a folder of such, its id or its SHA-256).

    Its content is remembered as removed, so no later build brings it back under any name. The dataset is rebuilt from the
    files it knew (a duplicate of other content may take its place), and whatever is not live then is deleted: answers,
    media, older snapshots and listening pages. A removal that was cut short is finished by the same command.
    Raises UserError when nothing matches.
    """
    removed_before = read_recipe_file(folder).get("removed", [])
    before = live(folder)
    if before is None:
        raise UserError(f"{folder} has no finished run yet: run its `motet build` again to the end.", exit_code=1)
    wanted = what.rstrip("/")

    def matches(row: Mapping[str, Any]) -> bool:
        named = (row["sha256"], row["path"], row.get("id"), row.get("location"))
        return wanted in named or row["path"].startswith((wanted + "/", wanted + "!/"))

    files = list(filter(matches, stream(before.table("files"))))
    contents = {row["sha256"] for row in files}
    copies = [row for row in stream(before.table("files")) if row["sha256"] in contents]
    begun = [row for row in removed_before if matches(row)]
    if not copies and not begun:
        raise UserError(f"{folder} has no source called {what!r}; `motet query {folder} 'SELECT path FROM files'` lists them.")
    gone = [{"path": row["path"], "sha256": row["sha256"]} for row in copies]
    run = build(recorded_recipe(folder), None, folder, workers=workers, rescan=False, remove=gone, engine=engine, watch=watch)
    with writer_lock(folder):
        _, freed = clean(folder)
        for page in folder.glob("runs/*/report.html"):
            page.unlink()
    return Removal(sorted({row["path"] for row in [*copies, *begun]}), freed, run)
