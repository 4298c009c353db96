"""The commands that keep datasets and the machine in order: check, clean, migrate, remove, doctor."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from motet.cli import clusters
from motet.cli.shared import Command, at_least, listening_page, printable, whole
from motet.dataset.keeping.faults import PROMISES, Tally
from motet.errors import UserError
from motet.export.publishing import LIST
from motet.wording import count, several, size

EXAMPLES = 3  # faults shown of a rule
MOST_TOLD = 50  # faults told of a kind


def add(command: Command) -> None:
    sub = command("check", _check, "verify that all of a dataset is what was written, or that an export is what its readers want")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("--repair", action="store_true", help="forget what is damaged or half, and sweep; then build again")
    sub.add_argument("--quick", action="store_true", help="look whether media are there, and do not read them")

    sub = command("clean", _clean, "forget answers nothing live uses, and delete what nothing refers to")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("--dry-run", action="store_true", help="only say what would go")
    sub.add_argument("--caches", action="store_true", help="also what stages can make again from the sources")

    sub = command("migrate", _migrate, "bring a dataset of an older format to this one; an older motet cannot open it then")
    sub.add_argument("dataset", metavar="DIR")

    sub = command("remove", _remove, "take a source out, and all that came of it, from tags too")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("source", metavar="SOURCE", help="a path as the dataset shows it (or a folder of such), an id or a SHA-256")
    sub.add_argument("--workers", type=at_least(1), metavar="N")

    sub = command("doctor", _doctor, "say what is present, what is missing, and how to add it")
    clusters.doctor_options(sub)


def _check(options: argparse.Namespace) -> int:
    from motet.dataset.folder import FORMAT, RECIPE_FILE, format_of, read_recipe_file
    from motet.dataset.keeping.checking import check

    if (Path(options.dataset) / LIST).exists():
        return _check_export(options)
    folder = _all_of(options.dataset)
    if folder.is_dir() and not any((folder / name).exists() for name in (RECIPE_FILE, "snapshots", "commits.json")):
        raise UserError(f"{folder} is not a Motet dataset (no {RECIPE_FILE} in it), nor an export (no {LIST}).")
    if not folder.is_dir():
        read_recipe_file(folder)
    with _counting(options) as tally:
        if options.repair:
            return _repair(folder, tally, json_only=options.json)
        if format_of(folder / RECIPE_FILE) not in (None, FORMAT):
            read_recipe_file(folder)  # what another format promises is told by the motet that reads it
        faults = []
        told: Counter[str] = Counter()
        for fault in check(folder, leftovers=True, media=not options.quick, tally=tally):
            told[fault.kind] += 1
            if told[fault.kind] <= MOST_TOLD:
                faults.append(fault)
    broken = sum(number for kind, number in told.items() if kind in PROMISES)
    if options.json:
        kinds = dict(told)
        print(
            json.dumps(
                {"faults": [vars(f) for f in faults], "kinds": kinds, "files": tally.files, "bytes": tally.bytes}, indent=1
            )
        )
        return 1 if broken else 0
    for fault in faults:
        rule = f" (promise {fault.promise})" if fault.promise else ""
        print(printable(f"{fault.kind}{rule}: {fault.where}: {fault.detail}"))
    for kind, number in told.items():
        if number > MOST_TOLD:
            print(f"{kind}: {count(number - MOST_TOLD)} more of this kind")
    if any(fault.promise and fault.mended == "repair" for fault in faults):
        print(f"`motet check --repair {folder}` forgets what is damaged; the next build makes it anew.")
    besides = f", with {several(told.total() - broken, 'remark')}" if told.total() > broken else ""
    print(f"{several(broken, 'fault')}." if broken else f"All is as it was written{besides}.")
    media = "whether media are there, and not what they hold" if options.quick else "what media hold too"
    print(f"Read {several(tally.files, 'file')}, {size(tally.bytes)}: {media}.")
    return 1 if broken else 0


def _repair(folder: Path, tally: Tally, *, json_only: bool) -> int:
    from motet.dataset.keeping.repairing import repair
    from motet.dataset.lock import writer_lock

    with writer_lock(folder):
        done = repair(folder, tally)
    if json_only:
        print(json.dumps(vars(done)))
        return 0
    for sentence in done.told:
        print(printable(sentence))
    lost = f"{several(done.parts, 'part')} and {several(done.media, 'media file')} that were damaged"
    print(f"Forgot {several(done.answers, 'answer')}, {lost}; swept {several(done.swept, 'leftover')}, {size(done.freed)}.")
    print("Build again to have anew what is missing.")
    return 0


def _all_of(name: str) -> Path:
    """The folder of a dataset; raises UserError where one tag of it is named."""
    from motet.dataset.versions import split

    folder, tag = split(name)
    if tag:
        raise UserError(f"{name} is one version of {folder}: name the dataset itself.")
    return folder


@contextmanager
def _counting(options: argparse.Namespace) -> Iterator[Tally]:
    """What is read, shown on a terminal while it is."""
    console = Console(stderr=True)
    if options.json or not console.is_terminal:
        yield Tally()
        return
    with console.status("reading") as status:

        def told(tally: Tally) -> None:
            if not tally.files % 16:
                status.update(f"reading {tally.doing}: {several(tally.files, 'file')}, {size(tally.bytes)}")

        yield Tally(told=told)


def _migrate(options: argparse.Namespace) -> int:
    from motet.dataset.folder import RECIPE_FILE, recipe_of
    from motet.dataset.keeping.migrating import migrate
    from motet.dataset.lock import writer_lock

    folder = _all_of(options.dataset)
    recipe_of(folder / RECIPE_FILE, older=True)
    with writer_lock(folder):
        told = migrate(folder)
    if options.json:
        print(json.dumps({"steps": told}))
        return 0
    for sentence in told:
        print(sentence)
    print(f"{folder} is of this motet's format{'; build again to bring it up to date' if told else ' already'}.")
    return 0


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
    from motet.dataset.keeping.cleaning import clean
    from motet.dataset.lock import writer_lock

    dataset = whole(Dataset(options.dataset))
    with writer_lock(dataset.folder):
        done = clean(dataset.folder, dry_run=options.dry_run, caches=options.caches)
    if options.json:
        print(json.dumps({**vars(done), "dry_run": options.dry_run}))
        return 0
    forgot, deleted, freed = ("Would forget", "delete", "free") if options.dry_run else ("Forgot", "deleted", "freed")
    gone = {"media file": done.media, "older snapshot": done.snapshots, "older listening page": done.pages}
    gone |= {"leftover": done.leftovers, "cache": done.caches}
    listed = ", ".join(several(number, what) for what, number in gone.items() if number)
    deletions = f", {deleted} {listed}" if listed else ""
    print(f"{forgot} {several(done.answers, 'answer')} that nothing live uses{deletions}, and {freed} {size(done.bytes)}.")
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
    if options.engine == "ray":
        return clusters.doctor(options)
    if options.address is not None or options.to is not None:
        raise UserError("--address and --to are of a Ray cluster: add --engine ray.")
    from motet.doctor import examine

    findings = examine()
    if options.json:
        print(json.dumps([vars(f) for f in findings], indent=1))
    else:
        for finding in findings:
            mark = "ok  " if finding.ok else ("MISS" if finding.needed else "none")
            print(f"{mark}  {finding.what:<14} {finding.detail}")
    return 1 if any(f.needed and not f.ok for f in findings) else 0
