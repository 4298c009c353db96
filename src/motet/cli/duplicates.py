"""The command for finding duplicates in any folder: duplicates."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from motet.cli.shared import Command, at_least, say
from motet.wording import count, several

LINKS = 50  # pairs shown that are linked only
_PAIRS = """
SELECT one.location AS at, other.location AS other_at, d.* FROM duplicates d
JOIN files one ON one.id = d.source JOIN files other ON other.id = d.other ORDER BY d.cluster, d.path, d.other_path
"""
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
        dataset = Dataset(folder)
        pairs = dataset.query(_PAIRS).to_arrow_table().to_pylist()
        for row in pairs:
            row["file"], row["other_file"] = _file(row.pop("at"), row["path"]), _file(row.pop("other_at"), row["other_path"])
        refused = dataset.query(
            "SELECT path, reason FROM work WHERE stage IN ('scan', 'clean') AND status <> 'ok' ORDER BY path"
        ).fetchall()
    songs = next(stage.inputs for stage in run.stages if stage.name == "deduplicate")
    if options.json:
        told = [{n: v for n, v in row.items() if n not in ("lineage", "source")} for row in pairs]
        left = [{"path": path, "reason": reason} for path, reason in refused]
        print(json.dumps({"songs": songs, "not_songs": left, "pairs": told}, indent=1))
        return 0
    console = Console()
    _tell(console, songs, pairs)
    if refused:
        reasons = ", ".join(
            f"{count(number)} {reason}" for reason, number in Counter(reason for _, reason in refused).most_common()
        )
        say(console, f"Not compared: {reasons}; --json names them.")
    return 0


def _file(location: str, path: str) -> str:
    """Where a song lies, as one may type it: from the present folder if it is below that, a member behind its archive."""
    here = os.path.join(os.getcwd(), "")
    _, inside, member = path.partition("!/")
    return location.removeprefix(here) + inside + member


@contextmanager
def _folder(keep: str | None) -> Iterator[Path]:
    if keep is not None:
        yield Path(keep)
        return
    with tempfile.TemporaryDirectory(prefix="motet-duplicates-") as scratch:
        yield Path(scratch) / "found"


def _tell(console: Console, songs: int, pairs: list[dict[str, Any]]) -> None:
    names = {row["other"]: row["other_file"] for row in pairs} | {row["id"].partition(".")[0]: row["file"] for row in pairs}
    clusters = {row["id"].partition(".")[0]: row["cluster"] for row in pairs}
    shown = None
    for row in pairs:
        if not row["removed"]:
            continue
        if row["cluster"] != shown:
            say(console, names[row["cluster"]])
            shown = row["cluster"]
        say(console, f"  {row['file']}   {row['evidence']}")
    # Those of one group are told by their survivor.
    linked = [row for row in pairs if row["cluster"] != clusters.get(row["other"], row["other"])]
    if linked:
        say(console, "Linked only:")
    for row in linked[:LINKS]:
        say(console, f"  {row['file']} and {row['other_file']}   {row['evidence']}")
    if len(linked) > LINKS:
        say(console, f"  and {count(len(linked) - LINKS)} more; --json tells all")
    again = len({row["id"].partition(".")[0] for row in pairs if row["removed"]})
    say(
        console,
        f"{several(songs, 'song')}, {count(again)} of them another one again; {several(len(linked), 'more pair')} linked.",
    )
