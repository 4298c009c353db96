"""The commands about what is on one's disks: inventory list, show, status, verify, fetch, report."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from motet.cli.shared import Command, at_least, commands_of, printable, say
from motet.errors import UserError
from motet.wording import count, several, size, span

if TYPE_CHECKING:
    from motet.inventory.fetching import Fetched, Plan
    from motet.inventory.findings import Inventory
    from motet.inventory.known import Dataset
    from motet.inventory.report import Report
    from motet.inventory.settings import Settings
    from motet.inventory.verifying.sanitising import Sanitised
    from motet.inventory.verifying.verify import Verified

FORMS = {"md": ".md", "html": ".html", "json": ".json"}
ASKED_FROM = 10_000_000_000  # bytes
FEW = 5  # troubles told of one copy
GRAVE = ("unreadable", "truncated", "not_finite")  # findings that make verify end with 1


def add(command: Command) -> None:
    family = command("inventory", None, "which datasets are on these disks, whether they are whole, and how to get the others")
    inner = commands_of(family)

    sub = inner("list", _list, "the datasets that are known")
    sub.add_argument("--task", metavar="T", help="only those that serve a training task")
    _settings(sub)

    sub = inner("show", _show, "everything known of one dataset, with its sources")
    sub.add_argument("name", metavar="NAME")
    _settings(sub)

    sub = inner("status", _status, "what is here, what is missing, what to do about it")
    _places(sub)
    sub.add_argument("--all", action="store_true", help="missing datasets one by one, all evidence, every place")
    sub.add_argument("--strict", action="store_true", help="end with 1 if a wanted dataset is not complete")

    sub = inner("verify", _verify, "whether the files of datasets are what they should be")
    _places(sub)
    sub.add_argument("--full", action="store_true", help="decode and hash every file, not a sample")
    sub.add_argument(
        "--sanitise", action="store_true", help="look for silent, clipped, damaged and duplicate recordings and songs"
    )
    sub.add_argument("--workers", type=at_least(1), default=2, metavar="N", help="worker processes (default 2)")

    sub = inner("fetch", _fetch, "get datasets, or parts of them")
    sub.add_argument("names", nargs="+", metavar="NAME")
    place = sub.add_mutually_exclusive_group()
    place.add_argument("--to", metavar="DIR", help="the folder their own folders are made in (default: by the settings)")
    place.add_argument("--into", metavar="DIR", help="the dataset's own folder, whatever it is called: to mend a copy")
    sub.add_argument("--part", action="append", metavar="P", help="only this part; may be repeated")
    sub.add_argument("--again", action="store_true", help="also what is there already, and let it be replaced")
    sub.add_argument("--yes", action="store_true", help="do not ask before a large download")
    sub.add_argument("--workers", type=at_least(1), default=2, metavar="N", help="downloads at a time (default 2)")
    _settings(sub)

    sub = inner("report", _report, "write the report, with what changed since the last one")
    _places(sub, names=False)
    sub.add_argument("--to", required=True, metavar="PATH", help="a folder, or a file that ends in .md, .html or .json")
    sub.add_argument(
        "--as", dest="forms", metavar="FORMS", help="md, html, json, with commas between (default: all, or the file's)"
    )
    sub.add_argument("--since", metavar="FILE", help="an earlier report as JSON, to compare with (default: the last one)")


def _settings(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--settings", metavar="FILE", help="settings (default: ~/.config/motet/roots.toml)")


def _places(sub: argparse.ArgumentParser, names: bool = True) -> None:
    if names:
        sub.add_argument("names", nargs="*", metavar="NAME", help="datasets (default: all)")
    sub.add_argument(
        "--root", action="append", default=[], metavar="DIR", help="look here; may be repeated (default: the settings')"
    )
    _settings(sub)


def _chosen(options: argparse.Namespace) -> Settings:
    from motet.inventory import settings

    return settings.read(Path(options.settings) if options.settings else None)


# --- what is known ---------------------------------------------------------------------------------------------------


def _list(options: argparse.Namespace) -> int:
    from motet.inventory import datasets
    from motet.inventory.report.words import shown
    from motet.inventory.tasks import tasks

    chosen = _chosen(options)
    known = datasets.known(chosen.datasets)
    found = list(known.values())
    if options.task:
        every = tasks(chosen.tasks, known)
        if options.task not in every:
            raise UserError(f"There is no task called {datasets.shown(options.task)}; known: {', '.join(every)}.")
        task = every[options.task]
        wanted = {need.dataset for group in (*task.needs, task.helps) for need in group}
        found = [one for one in found if one.name in wanted or options.task in one.tasks]
    if options.json:
        rows = [
            {
                "name": one.name,
                "title": one.title,
                "modalities": one.modalities,
                "bytes": _smallest(one),
                "licence": one.licence.name,
                "tasks": one.tasks,
                "very_large": one.very_large,
            }
            for one in found
        ]
        print(json.dumps(rows, indent=1))
        return 0
    console = Console()
    wide = max((len(one.name) for one in found), default=0)
    for one in found:
        octets = _smallest(one)
        much = "?" if octets is None else size(octets)
        say(console, f"{one.name.ljust(wide)}  {much:>8}  {shown(one.title)}")
        say(
            console,
            f"{'':{wide}}            {', '.join(one.modalities)}; {one.licence.name}; {', '.join(one.tasks) or 'no task'}",
        )
    say(console, f"{several(len(found), 'dataset')}; sizes are those of the smallest download with all required parts.")
    return 0


def _smallest(one: Dataset) -> int | None:
    from motet.inventory.tasks import cheapest

    sizes = [way.bytes for way in cheapest(one, [part.name for part in one.parts if part.required])]
    return None if not sizes or None in sizes else sum(filter(None, sizes))


def _show(options: argparse.Namespace) -> int:
    from motet.inventory import datasets

    one = datasets.find(options.name, datasets.known(_chosen(options).datasets))
    if options.json:
        print(json.dumps(one.model_dump(mode="json"), indent=1))
        return 0
    console = Console()
    for line in _shown(one):
        say(console, line)
    return 0


def _shown(one: Dataset) -> Iterator[str]:
    yield f"{one.name}: {one.title}"
    yield f"{one.about[:1].upper()}{one.about[1:]}."
    yield ""
    yield f"modalities   {', '.join(one.modalities)}"
    yield f"tasks        {', '.join(one.tasks) or 'none'}"
    yield f"licence      {' '.join(filter(None, (one.licence.name, one.licence.url)))} [{one.licence.source}]"
    yield f"home         {one.home}"
    yield f"citation     {one.citation}"
    yield f"folders      {', '.join(one.folders)}"
    if one.very_large:
        yield "very large   left out of recommendations unless a task needs it"
    if one.disjoint_by:
        yield f"splits       must not share: {one.disjoint_by}"
    if one.versions:
        names = [f"{version.name} [{version.source}]" for version in one.versions]
        yield f"versions     {', '.join(names)}; wanted: {one.version}"
    yield ""
    yield "Parts"
    for part in one.parts:
        number = f"{several(part.count, 'file')} [{part.count_source}]" if part.count is not None else "how many is not published"
        yield f"  {part.name}{'' if part.required else ' (not required)'}: {number}, {part.files}"
    if one.labels:
        yield f"Labels: {', '.join(one.labels)}"
    yield ""
    yield "Downloads"
    for way in one.downloads:
        octets = f"{size(way.bytes)} [{way.source}]" if way.bytes is not None else "size not published"
        place = way.url or f"{way.kind} {way.dataset}"
        yield f"  {way.name} ({way.kind}{', terms to accept first' if way.gated else ''}): {octets}, gives {', '.join(way.gives)}"
        yield f"    {place}"
        yield from (f"    {step}" for step in way.steps)
    if not one.downloads:
        yield "  none is known"
    if one.traps:
        yield ""
        yield "Traps"
        yield from (f"  {trap}" for trap in one.traps)
    if one.alternatives:
        yield f"Alternatives: {', '.join(one.alternatives)}"
    yield ""
    yield "Sources"
    yield from (f"  [{key}] {where}" for key, where in one.sources.items())


# --- what is here ----------------------------------------------------------------------------------------------------


def _look(options: argparse.Namespace, chosen: Settings, names: Sequence[str] = ()) -> Inventory:
    """The whole inventory: names are only checked, for readiness and recommendations need every holding."""
    from motet.cli.bars import files_bar
    from motet.inventory import datasets
    from motet.inventory.looking import look

    known = datasets.known(chosen.datasets)
    for name in names:
        datasets.find(name, known)
    if "" in options.root:
        raise UserError("--root names no folder: is a variable empty?")
    with files_bar() as watch:
        return look([Path(root) for root in options.root], chosen, watch=watch)


def _of(report: Report, names: Sequence[str]) -> Report:
    """What a report says of some datasets."""
    if not names:
        return report
    return replace(
        report,
        datasets=tuple(d for d in report.datasets if d.name in names),
        advice=tuple(a for a in report.advice if a.dataset in names),
    )


def _status(options: argparse.Namespace) -> int:
    from motet.inventory.report import make, record, terminal

    chosen = _chosen(options)
    inventory = _look(options, chosen, options.names)
    whole = make(inventory, chosen, roots_named=bool(options.root))
    report = _of(whole, options.names)
    if options.json:
        print(record.to_json(report))
    else:
        console = Console()
        named = [d for name in dict.fromkeys(options.names) for d in report.datasets if d.name == name]
        told = chain.from_iterable(map(terminal.of_dataset, named)) if named else terminal.lines(report, everything=options.all)
        for line in told:
            console.print(line, soft_wrap=True, highlight=False, markup=False)
        for one in report.advice if options.names else ():
            say(console, f"  {one.priority} priority: {one.command}")
    if not options.strict:
        return 0
    return 1 if any(d.state != "complete" for d in whole.datasets if _wanted(d.name, d.state, d.here, options, chosen)) else 0


def _wanted(name: str, state: str, here: bool, options: argparse.Namespace, chosen: Settings) -> bool:
    """Those named; else those with a place in the settings; else those of which anything is here. Never what is excluded."""
    if state == "excluded":
        return False
    if options.names:
        return name in options.names
    return name in chosen.expected if chosen.expected else here


def _report(options: argparse.Namespace) -> int:
    from motet.inventory import settings
    from motet.inventory.report import make, record
    from motet.inventory.report.difference import against

    targets = _targets(options)
    earlier = record.read(Path(options.since)) if options.since else None
    chosen = _chosen(options)
    report = make(_look(options, chosen), chosen, roots_named=bool(options.root))
    cache = settings.cache_folder()
    before = earlier or record.last(report, cache)
    if before is not None:
        report = against(report, before)
    for form, path in targets.items():
        record.write(path, _form(form, report))
    try:
        record.remember(report, cache)
    except (OSError, UserError) as error:
        say(Console(stderr=True), f"The report is written, but could not be kept in {cache} for the next comparison: {error}")
    if options.json:
        print(record.to_json(report))
        return 0
    console = Console()
    say(console, report.summary)
    for path in targets.values():
        say(console, f"Written: {path}")
    if before is None:
        say(console, "No earlier report of these roots to compare with.")
    return 0


def _targets(options: argparse.Namespace) -> dict[str, Path]:
    """Form -> file."""
    to = Path(options.to)
    ending = {suffix: form for form, suffix in FORMS.items()}.get(to.suffix.lower()) if not to.is_dir() else None
    forms = [form.strip() for form in options.forms.split(",")] if options.forms else [ending] if ending else list(FORMS)
    for form in forms:
        if form not in FORMS:
            raise UserError(f"There is no form {form!r} of a report; known: {', '.join(FORMS)}.")
    if ending:
        return {form: to if form == ending else to.with_suffix(FORMS[form]) for form in forms}
    if not to.is_dir() and (to.suffix or to.exists()):
        raise UserError(f"{to} is a file of another kind: name a folder, or a file that ends in .md, .html or .json.")
    return {form: to / f"inventory{FORMS[form]}" for form in forms}


def _form(form: str, report: Report) -> str:
    from motet.inventory.report import markdown, page, record

    if form == "md":
        return markdown.document(report)
    return page.page(report) if form == "html" else record.to_json(report) + "\n"


# --- whether it is whole ---------------------------------------------------------------------------------------------


def _verify(options: argparse.Namespace) -> int:
    from motet.cli.bars import bytes_bar
    from motet.inventory import settings
    from motet.inventory.verifying.below import files
    from motet.inventory.verifying.hashing import Hashes
    from motet.inventory.verifying.sanitising import sanitise
    from motet.inventory.verifying.verify import remember, verify

    chosen = _chosen(options)
    inventory = _look(options, chosen, options.names)
    wanted = [h for h in inventory.holdings if (h.dataset.name in options.names if options.names else h.copies)]
    nowhere = [h.dataset.name for h in wanted if not h.copies]
    cache = settings.cache_folder()
    done: list[tuple[Verified, Sanitised | None]] = []
    closed: list[tuple[str, str]] = []
    console = Console()
    with Hashes(cache) as hashes:
        for holding in wanted:
            for copy in holding.copies:
                with bytes_bar(f"verifying {holding.dataset.name}", copy.bytes) as watch:
                    found = verify(copy, holding.dataset, full=options.full, cache=hashes, watch=watch, workers=options.workers)
                remember(cache, found)
                looked = None
                if options.sanitise:
                    with bytes_bar(f"looking into {holding.dataset.name}", copy.bytes) as watch:
                        inside = files(copy.where, lambda path, sentence: closed.append((path, sentence)))
                        looked = sanitise(inside, cache=hashes, watch=watch, workers=options.workers)
                done.append((found, looked))
                if not options.json:
                    for line in _verified(found, looked):
                        say(console, line)
        problem = hashes.problem
    if options.json:
        told = [{**asdict(v), "sanitised": asdict(s) if s else None} for v, s in done]
        print(json.dumps({"verified": _finite(told), "nowhere": nowhere, "closed": closed}, indent=1))
    else:
        for path, sentence in closed:
            say(console, f"Not looked into: {path}: {sentence}")
        for name in nowhere:
            say(console, f"{name}: nothing of it is here to verify.")
        if not wanted:
            say(console, "No dataset that is known is here to verify.")
    if problem:
        say(Console(stderr=True), problem)
    return 1 if nowhere or closed or any(v.troubles or (s and any(map(s.counts.get, GRAVE))) for v, s in done) else 0


def _verified(found: Verified, looked: Sanitised | None) -> Iterator[str]:
    from motet.inventory.report.words import fault_words

    # What is said of a part as a whole names no file, and is no file more.
    kinds = Counter(one.what for one in found.troubles if one.what != "missing" or one.path != found.where)
    told = [fault_words(what, n) for what, n in kinds.most_common()]
    if found.troubles and not kinds["missing"] and any(one.what == "missing" for one in found.troubles):
        told.append("files missing")
    trouble = ", ".join(told) or "no trouble"
    yield (
        f"{found.dataset}, {found.level}: {several(found.checked, 'file')} of {size(found.bytes)} looked at, "
        f"{count(found.decoded)} decoded, {several(found.matched, 'checksum')} as published, {trouble}, {span(found.seconds)}"
    )
    yield f"  {found.where}"
    for one in found.troubles[:FEW]:
        yield f"  {one.what.replace('_', ' ')}: {one.path}: {one.sentence}"
    if len(found.troubles) > FEW:
        yield f"  and {count(len(found.troubles) - FEW)} more; --json names them"
    if found.unverified:
        yield f"  Not verified: {found.unverified}"
    if looked is None:
        return
    counts = ", ".join(f"{count(n)} {what.replace('_', ' ')}" for what, n in looked.counts.items()) or "nothing to complain of"
    yield f"  {several(looked.audio, 'recording')} and {several(looked.midi, 'song')}, {looked.hours:,.1f} h: {counts}"
    for finding in looked.findings[:FEW]:
        yield f"    {finding.what.replace('_', ' ')}: {finding.path}: {finding.sentence}"
    if len(looked.findings) > FEW:
        yield f"    and {count(len(looked.findings) - FEW)} more; --json names them"


def _finite(value: Any) -> Any:
    """JSON has no infinity: the peak of a recording without any is null."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


# --- getting it ------------------------------------------------------------------------------------------------------


def _fetch(options: argparse.Namespace) -> int:
    from motet.cli.bars import downloads
    from motet.inventory import datasets
    from motet.inventory.fetching import fetch, plan

    chosen = _chosen(options)
    known = datasets.known(chosen.datasets)
    wanted = [datasets.find(name, known) for name in dict.fromkeys(options.names)]
    if options.into and len(wanted) > 1:
        raise UserError("--into names the folder of one dataset: fetch the others with --to, or one by one.")
    places = [_place(one, options, chosen) for one in wanted]
    plans = [plan(one, options.part, to, called=called) for one, (to, called) in zip(wanted, places, strict=True)]
    log = Console(stderr=True) if options.json else Console()
    for one in plans:
        _announce(log, one)
    _agreed(options, plans)
    done: list[Fetched] = []
    failed: list[dict[str, str]] = []
    for one in plans:
        try:
            with downloads() as watch:
                done.append(fetch(one, workers=options.workers, watch=watch, again=options.again))
        except UserError as error:
            failed.append({"dataset": one.dataset.name, "why": str(error)})
            say(Console(stderr=True), f"motet: {error}")
            continue
        if not options.json:
            _brought(log, done[-1])
    if options.json:
        told = [
            {
                "dataset": one.dataset,
                "folder": str(one.folder),
                "files": dict(one.files),
                "downloads": one.downloads,
                "bytes": one.bytes,
                "resumed": one.resumed,
                "by_hand": [way.model_dump(mode="json") for way in one.by_hand],
                "notes": one.notes,
                "seconds": one.seconds,
            }
            for one in done
        ]
        print(json.dumps({"fetched": told, "failed": failed}, indent=1))
    return 1 if failed else 0


def _place(one: Dataset, options: argparse.Namespace, chosen: Settings) -> tuple[Path, str]:
    """The folder to fetch into, and what the dataset's own folder in it is called ("": as usual)."""
    if options.into:
        into = Path(options.into).expanduser().absolute()
        return into.parent, into.name
    if options.to:
        return Path(options.to), ""
    there = [root for root in chosen.roots if root.is_dir()]
    if not there:
        raise UserError(f"Where shall {one.name} go? Add --to DIR, or write roots into the settings.")
    expected = Path(chosen.expected.get(one.name, ""))
    return there[0] / expected.parent, expected.name


def _announce(console: Console, plan: Plan) -> None:
    if plan.bytes is not None:
        known = f"{size(plan.bytes)} to fetch, about {size(plan.space)} of disk while it runs"
    elif plan.at_least:
        known = f"at least {size(plan.at_least)} to fetch; the size of the rest is not published"
    else:
        known = "how much there is to fetch is not published"
    say(console, f"{plan.dataset.name} into {plan.folder}: {known}")
    for sentence in plan.sentences:
        say(console, f"  {sentence}")
    for trap in plan.dataset.traps:
        say(console, f"  Trap: {trap}")


def _agreed(options: argparse.Namespace, plans: Sequence[Plan]) -> None:
    """A large download, or one of unknown size, is asked about; without anybody to ask, --yes must say so."""
    large = [plan for plan in plans if plan.ways and (plan.bytes is None or plan.bytes > ASKED_FROM)]
    if not large or options.yes:
        return
    told = ", ".join(f"{plan.dataset.name} ({'of unknown size' if plan.bytes is None else size(plan.bytes)})" for plan in large)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UserError(f"This may take long: {told}; add --yes to fetch all the same.")
    print(
        f"This may take long: {printable(told)}. Fetch? [y/N] ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UserError("Nothing was fetched.", exit_code=1)


def _brought(console: Console, done: Fetched) -> None:
    files = ", ".join(f"{count(n)} {part}" for part, n in done.files.items() if n)
    resumed = f", {size(done.resumed)} more were here from an earlier run" if done.resumed else ""
    say(console, f"{done.dataset}: {files or 'no files'} in {done.folder}; {size(done.bytes)} in {span(done.seconds)}{resumed}")
    for note in done.notes:
        say(console, f"  {note}")
    for way in done.by_hand:
        say(console, f"  {way.name} is still to be got by hand: {way.url}")
        for step in way.steps:
            say(console, f"    {step}")
