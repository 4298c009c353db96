"""The commands that keep datasets and the machine in order: check, clean, remove, doctor."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from motet.cli.shared import Command, at_least, listening_page
from motet.wording import count, size


def add(command: Command) -> None:
    sub = command("check", _check, "verify that every table and media file is what was written")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("--repair", action="store_true", help="forget what refers to lost or damaged media; then build again")

    sub = command("clean", _clean, "forget answers and delete media that nothing live refers to")
    sub.add_argument("dataset", metavar="DIR")

    sub = command("remove", _remove, "take a source out, and all that came of it")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("source", metavar="SOURCE", help="a path as the dataset shows it (or a folder of such), an id or a SHA-256")
    sub.add_argument("--workers", type=at_least(1), metavar="N")

    command("doctor", _doctor, "say what is present, what is missing, and how to add it")


def _check(options: argparse.Namespace) -> int:
    from motet.dataset.folder import Dataset
    from motet.dataset.housekeeping import check, repair
    from motet.dataset.lock import writer_lock

    dataset = Dataset(options.dataset)
    if options.repair:
        with writer_lock(dataset.folder):
            forgotten = repair(dataset.folder)
        if options.json:
            print(json.dumps({"forgotten": forgotten}))
        else:
            print(f"Forgot {count(forgotten)} answers whose media is gone or damaged; build again to have them anew.")
        return 0
    faults = list(check(dataset.folder))
    if options.json:
        print(json.dumps([vars(f) for f in faults], indent=1))
    else:
        for fault in faults:
            print(f"{fault.kind}: {fault.where}: {fault.detail}")
        if any(fault.kind.endswith("_media") for fault in faults):
            print(f"`motet check --repair {dataset.folder}` forgets what refers to such media; the next build makes it anew.")
        print("All is as it was written." if not faults else f"{count(len(faults))} faults.")
    return 1 if faults else 0


def _clean(options: argparse.Namespace) -> int:
    from motet.dataset.folder import Dataset
    from motet.dataset.housekeeping import clean
    from motet.dataset.lock import writer_lock

    dataset = Dataset(options.dataset)
    with writer_lock(dataset.folder):
        answers, freed = clean(dataset.folder)
    if options.json:
        print(json.dumps({"answers": answers, "bytes": freed}))
    else:
        print(f"Forgot {count(answers)} answers that nothing live uses, and freed {size(freed)} of media.")
    return 0


def _remove(options: argparse.Namespace) -> int:
    from motet.progress import Bars
    from motet.run.removal import remove

    console = Console(stderr=True)
    watch = Bars(console)
    try:
        removal = remove(Path(options.dataset), options.source, workers=options.workers, watch=watch)
    finally:
        watch.stop()
    listening_page(Path(options.dataset), removal.run.folder)
    if options.json:
        print(json.dumps({"removed": removal.paths, "bytes": removal.freed}))
    else:
        for path in removal.paths:
            print(f"removed {path}")
        print(f"Freed {size(removal.freed)}; no later build brings this content back.")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from motet.doctor import examine

    findings = examine()
    if options.json:
        print(json.dumps([vars(f) for f in findings], indent=1))
    else:
        for finding in findings:
            mark = "ok  " if finding.ok else ("MISS" if finding.needed else "none")
            print(f"{mark}  {finding.what:<14} {finding.detail}")
    return 1 if any(f.needed and not f.ok for f in findings) else 0
