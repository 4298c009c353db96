"""The command for finding duplicates in any folder: duplicates."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from motet.cli.shared import Command, at_least, say
from motet.wording import count

LEVELS = ("same_bytes", "same_notes", "hard", "soft")


def add(command: Command) -> None:
    sub = command("duplicates", _duplicates, "which MIDI files are the same song again, with the reason for each pair")
    sub.add_argument("paths", nargs="+", metavar="PATH", help="folders, archives, files")
    sub.add_argument("--level", choices=LEVELS, default="hard", help="the loosest level told (default: hard)")
    sub.add_argument("--keep", metavar="DIR", help="keep what was found here, so that next time only new files are looked at")
    sub.add_argument("--workers", type=at_least(1), metavar="N", help="worker processes (default: one per core)")


def _duplicates(options: argparse.Namespace) -> int:
    from motet.dataset.folder import Dataset
    from motet.progress import Bars
    from motet.recipe import load
    from motet.run.build import build

    recipe = load("duplicates").changed([f"deduplicate.remove={options.level}", f"deduplicate.link={options.level}"])
    console = Console(stderr=True)
    watch = Bars(console)
    with _folder(options.keep) as folder:
        try:
            run = build(recipe, options.paths, folder, workers=options.workers, watch=watch)
        finally:
            watch.stop()
        pairs = Dataset(folder).query("SELECT * FROM duplicates ORDER BY cluster, path, other_path").to_arrow_table().to_pylist()
        refused = {s.name: s.statuses.get("dropped", 0) for s in run.stages if s.name in ("scan", "clean")}
    songs = next(stage.inputs for stage in run.stages if stage.name == "deduplicate")
    if options.json:
        told = [{"path": row.pop("path"), **{n: v for n, v in row.items() if n not in ("lineage", "source")}} for row in pairs]
        print(json.dumps({"songs": songs, "not_songs": sum(refused.values()), "pairs": told}, indent=1))
        return 0
    _tell(Console(), songs, pairs)
    return 0


@contextmanager
def _folder(keep: str | None) -> Iterator[Path]:
    if keep is not None:
        yield Path(keep)
        return
    with tempfile.TemporaryDirectory(prefix="motet-duplicates-") as scratch:
        yield Path(scratch) / "found"


def _tell(console: Console, songs: int, pairs: list[dict[str, Any]]) -> None:
    names = {row["other"]: row["other_path"] for row in pairs} | {row["id"].partition(".")[0]: row["path"] for row in pairs}
    shown = None
    for row in pairs:
        if not row["removed"]:
            continue
        if row["cluster"] != shown:
            say(console, f"{names.get(row['cluster'], row['other_path'])}")
            shown = row["cluster"]
        say(console, f"  {row['path']}   {row['evidence']}")
    linked = [row for row in pairs if not row["removed"]]
    if linked:
        say(console, "Linked only:")
    for row in linked:
        say(console, f"  {row['path']} and {row['other_path']}   {row['evidence']}")
    again = len({row["id"].partition(".")[0] for row in pairs if row["removed"]})
    say(console, f"{count(songs)} songs, {count(again)} of them another one again; {count(len(linked))} more pairs are linked.")
