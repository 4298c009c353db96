"""The commands that keep datasets and the machine in order: check, clean, remove, doctor."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from rich.console import Console

from motet.cli.shared import Command, at_least, listening_page, printable, whole
from motet.errors import UserError
from motet.export.publishing import LIST
from motet.wording import count, several, size

EXAMPLES = 3  # faults shown of a rule


def add(command: Command) -> None:
    sub = command("check", _check, "verify that all of a dataset is what was written, or that an export is what its readers want")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("--repair", action="store_true", help="forget what refers to lost or damaged media; then build again")

    sub = command("clean", _clean, "forget answers nothing live refers to, and media that no tag does either")
    sub.add_argument("dataset", metavar="DIR")

    sub = command("remove", _remove, "take a source out, and all that came of it, from tags too")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("source", metavar="SOURCE", help="a path as the dataset shows it (or a folder of such), an id or a SHA-256")
    sub.add_argument("--workers", type=at_least(1), metavar="N")

    command("doctor", _doctor, "say what is present, what is missing, and how to add it")


def _check(options: argparse.Namespace) -> int:
    from motet.dataset.folder import RECIPE_FILE, Dataset
    from motet.dataset.housekeeping import check, repair
    from motet.dataset.lock import writer_lock

    if (Path(options.dataset) / LIST).exists():
        return _check_export(options)
    if Path(options.dataset).is_dir() and not (Path(options.dataset.partition("@")[0]) / RECIPE_FILE).exists():
        raise UserError(f"{options.dataset} is not a Motet dataset (no {RECIPE_FILE} in it), nor an export (no {LIST}).")
    dataset = whole(Dataset(options.dataset))
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


def _check_export(options: argparse.Namespace) -> int:
    from motet.exporting import check

    if options.repair:
        raise UserError("--repair is for datasets: export again, and what is damaged is written anew.")
    faults = check(Path(options.dataset))
    fatal = sum(fault.fatal for fault in faults)
    if options.json:
        print(json.dumps([vars(fault) for fault in faults], indent=1))
    else:
        rules: Counter[str] = Counter()
        for fault in faults:
            rules[fault.rule] += 1
            if rules[fault.rule] <= EXAMPLES:
                print(printable(f"{'' if fault.fatal else 'worth knowing: '}{fault.where or options.dataset}: {fault.sentence}"))
        for rule, number in rules.items():
            if number > EXAMPLES:
                print(f"{rule}: {count(number - EXAMPLES)} more of this kind")
        besides = f", with {several(len(faults), 'remark')}" if faults else ""
        print(f"{several(fatal, 'fault')}." if fatal else f"It is as its readers want it{besides}.")
    return 1 if fatal else 0


def _clean(options: argparse.Namespace) -> int:
    from motet.dataset.folder import Dataset
    from motet.dataset.housekeeping import clean
    from motet.dataset.lock import writer_lock

    dataset = whole(Dataset(options.dataset))
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
        told = {"removed": removal.paths, "rows": removal.rows, "tags": removal.tags, "media": removal.media}
        print(json.dumps({**told, "bytes": removal.freed, "pages": removal.pages}))
        return 0
    for path in removal.paths:
        print(f"removed {printable(path)}")
    if removal.rows:
        print(f"Rows that went: {', '.join(f'{count(rows)} {table}' for table, rows in removal.rows.items())}.")
    for tag in removal.tags:
        print(f"Deleted the tag {printable(tag)}: it held what was removed.")
    gone = several(len(removal.media), "media file")
    if removal.pages:
        gone += f" and {several(len(removal.pages), 'listening page')}"
    print(f"Deleted {gone}, {size(removal.freed)} of media; no later build brings this content back.")
    print("Exports and published copies are not known here: make each anew by `motet export`, then `motet publish` it")
    print("with --replace --forget, so that older versions of it go too.")
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
