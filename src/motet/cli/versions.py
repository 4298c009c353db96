"""The commands about versions of datasets: tag, diff."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from motet.cli.shared import Command, at_least, printable, say
from motet.errors import UserError
from motet.wording import count, several


def add(command: Command) -> None:
    sub = command("tag", _tag, "keep what is live under a name, or list and delete such versions")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("name", metavar="NAME", nargs="?", help="such as v1.0; DIR@v1.0 then reads that version; none lists all")
    sub.add_argument("--delete", action="store_true", help="forget the version of this name")

    sub = command("diff", _diff, "what differs between two versions or datasets, and why")
    sub.add_argument("one", metavar="A", help="a dataset, or a tag of one as DIR@NAME")
    sub.add_argument("other", metavar="B", help="what it became")
    sub.add_argument("--table", action="append", metavar="NAME", help="only this table; may be given again")
    sub.add_argument("--limit", type=at_least(0), default=3, metavar="N", help="rows named per cause (default 3)")
    sub.add_argument("--exit-code", action="store_true", help="end with 1 when any row differs")


def _tag(options: argparse.Namespace) -> int:
    from motet.dataset import versions
    from motet.dataset.folder import Dataset

    dataset = Dataset(options.dataset)
    if dataset.tag:
        raise UserError(f"{dataset.name} is a tag already: name the dataset itself, {dataset.folder}.")
    folder = dataset.folder
    if options.name is None:
        if options.delete:
            raise UserError(f"Say which tag goes; `motet tag {folder}` lists them.")
        return _list(folder, options.json)
    if options.delete:
        versions.delete(folder, options.name)
        if options.json:
            print(json.dumps({"deleted": options.name}))
        else:
            print(f"Deleted the tag {options.name}. `motet clean {folder}` deletes the media that only it needed.")
        return 0
    tag, new = versions.create(folder, options.name)
    if options.json:
        print(json.dumps({**vars(tag), "new": new}))
    elif new:
        rows = ", ".join(f"{count(n)} {table}" for table, n in tag.tables.items())
        print(printable(f"Tagged snapshot {tag.number} as {tag.name}: {rows}. {folder}@{tag.name} reads it."))
    else:
        print(printable(f"{folder} is tagged {tag.name} as it is: nothing to do."))
    return 0


def _list(folder: Path, as_json: bool) -> int:
    from motet.dataset import versions

    tags, damaged = [], []
    for name in versions.names(folder):
        try:
            tags.append(versions.describe(folder, name))
        except UserError as error:
            damaged.append((name, str(error)))
    tags.sort(key=lambda tag: (tag.when, tag.name))
    if as_json:
        print(json.dumps([*map(vars, tags), *({"name": name, "damaged": why} for name, why in damaged)], indent=1))
        return 0
    table = Table("tag", "when", "recipe", "motet", "snapshot", "rows", box=None, pad_edge=False)
    for tag in tags:
        rows = ", ".join(f"{count(n)} {name}" for name, n in tag.tables.items())
        cells = (tag.name, tag.when, tag.recipe, tag.motet, str(tag.number), rows)
        table.add_row(*(printable(cell) for cell in cells))
    if tags:
        Console(width=None if sys.stdout.isatty() else 10_000, markup=False).print(table, highlight=False)
    for name, why in damaged:
        print(printable(f"{name}: {why}"))
    if not tags and not damaged:
        print(printable(f"{folder} has no tags yet: `motet tag {folder} NAME` keeps what is live under a name."))
    return 0


def _diff(options: argparse.Namespace) -> int:
    from motet.dataset.folder import Dataset
    from motet.diffing import compare

    one, other = Dataset(options.one), Dataset(options.other)
    with compare(one, other, options.table or (), examples=options.limit) as found:
        alike = found.alike
        if options.json:
            # Written piece by piece: a million rows are not held.
            head = {"one": one.name, "other": other.name, "facts": found.facts, "summary": [vars(s) for s in found.sums]}
            print(json.dumps(head)[:-1], end=', "changes": [')
            for number, change in enumerate(found.changes()):
                print(",\n" if number else "\n", json.dumps(change), sep="", end="")
            print("]}")
        else:
            console = Console()
            for fact in found.facts:
                say(console, fact)
            shown = ""
            for line in found.sums:
                if line.table != shown:
                    counts = found.counts[line.table]
                    told = ", ".join(f"{count(n)} {what}" for what, n in counts.items() if n)
                    say(console, "")
                    say(console, f"{line.table}: {told}; {count(found.same[line.table])} alike")
                    shown = line.table
                say(console, f"  {count(line.rows):>9} {line.what:<8} {line.cause}")
                for example in line.examples:
                    say(console, f"  {'':<18}   {example}")
            if alike:
                say(console, f"{one.name} and {other.name} hold the same rows: {several(sum(found.same.values()), 'row')}.")
    return 1 if options.exit_code and not alike else 0
