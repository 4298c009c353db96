"""The commands that build: demo, build, recipes."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from motet.cli.shared import Command, at_least, listening_page, say
from motet.errors import UserError
from motet.wording import count, several, span

if TYPE_CHECKING:
    from motet.progress import Bars
    from motet.recipe import Recipe
    from motet.run.cluster.engine import RayEngine
    from motet.run.engine import LocalEngine

DEMO_FOLDER = "motet-demo"
PAGES_KEPT = 3  # listening pages of past runs; the figures of every run stay


def add(command: Command) -> None:
    sub = command("demo", _demo, "write our own tunes, build a dataset of them, and say where to listen")
    sub.add_argument("--to", default=DEMO_FOLDER, metavar="DIR", help=f"where (default: {DEMO_FOLDER})")
    _building(sub)

    sub = command("build", _build, "bring a dataset to what a recipe makes of the sources, doing only what is new")
    sub.add_argument("recipe", metavar="RECIPE", help="a ready recipe (`motet recipes` lists them) or a file ending in .yaml")
    said = "folders, archives, files, dataset:NAME for what the inventory finds, or lists of addresses (default: the last)"
    sub.add_argument("--from", dest="sources", nargs="+", metavar="PATH", help=said)
    sub.add_argument("--to", required=True, metavar="DIR", help="the dataset")
    _building(sub)

    command("recipes", _recipes, "list the ready recipes with their stages and settings")


def _build(options: argparse.Namespace) -> int:
    from motet.progress import Bars
    from motet.recipe import load
    from motet.run.build import build
    from motet.stages.sample import Sample

    settings = list(options.set)
    recipe = load(options.recipe)
    if options.sample is not None:
        sampling = next((step.name for step in recipe.steps if isinstance(step.settings, Sample)), "sample")
        settings.append(f"{sampling}.songs={options.sample}")
    if options.offline:
        settings += [f"{step.name}.offline=true" for step in recipe.steps if "offline" in type(step.settings).model_fields]
    recipe = recipe.changed(settings)
    began = time.monotonic()
    console = Console(stderr=options.json)
    options.sources = _located(options.sources, console)
    if options.dry_run:
        from motet.cli.planning import dry_run

        return dry_run(recipe, options)
    watch = Bars(console)
    try:
        with _engine(recipe, options, watch) as engine:
            run = build(recipe, options.sources, options.to, seed=options.seed, retry=options.retry, engine=engine, watch=watch)
    finally:
        watch.stop()
    page = _page_of(Path(options.to), run)
    if options.json:
        print(json.dumps(_run_facts(run, page), indent=1))
    else:
        _tell_run(console, Path(options.to), run, page, time.monotonic() - began)
    wanted = max(1, options.min_yield)
    if run.survivors < wanted:
        print(
            f"motet: {count(run.survivors)} rows came out of {run.stages[-1].name}, fewer than the {count(wanted)} wanted"
            f"{_where_lost(run)}; `motet status {options.to}` says more.",
            file=sys.stderr,
        )
        return 1
    return 1 if options.strict and run.failed else 0


def _engine(recipe: Recipe, options: argparse.Namespace, watch: Bars) -> LocalEngine | RayEngine:
    """What answers rows: this machine's cores, or a cluster."""
    from motet.run.engine import LocalEngine

    if options.address is not None and options.engine != "ray":
        raise UserError("--address is of a Ray cluster: add --engine ray.")
    if options.engine == "local":
        return LocalEngine(options.workers, options.memory)
    from motet.run.cluster.engine import RayEngine

    return RayEngine(recipe, address=options.address, workers=options.workers, memory_mb=options.memory, notes=watch.notes)


def _located(sources: list[str] | None, console: Console) -> list[str] | None:
    """The sources, with the place of each dataset that is called by name."""
    if any(source.startswith(("http://", "https://")) for source in sources or ()):
        raise UserError("--from takes no addresses: write them into a file such as songs.txt, one a line, and name that file.")
    if not any(source.startswith("dataset:") for source in sources or ()):
        return sources
    from motet.inventory import datasets, settings
    from motet.inventory.locating import PREFIX, located

    places = []
    for source in sources or ():
        if not source.startswith(PREFIX):
            places.append(source)
            continue
        chosen = settings.read()
        if "@" not in source and not chosen.roots:
            datasets.find(source.removeprefix(PREFIX), datasets.known(chosen.datasets))  # one that is not known has no folder
            where = f'write {source}@DIR, or roots = ["DIR"] into {settings.usual_file()}'
            raise UserError(f"{source} is looked for in no folder yet: {where}.")
        place = located(source, chosen)
        places.append(str(place.path))
        say(console, f"{source.partition('@')[0]} is read from {place.path}.")
        if place.remark:
            say(console, place.remark)
    return places


def _where_lost(run: Any) -> str:
    """The stage after which nothing was left, and its commonest reason."""
    for stage in run.stages:
        if stage.inputs and not stage.rows_out and stage.reasons:
            _, reason, number = stage.reasons[0]
            return f" ({stage.name}: {count(number)} {reason})"
    return ""


def _demo(options: argparse.Namespace) -> int:
    from motet.demo import write

    folder = Path(options.to)
    console = Console(stderr=options.json)
    tunes = folder / "tunes"
    from motet.dataset.folder import RECIPE_FILE

    if folder.exists() and any(folder.iterdir()) and not (folder / "dataset" / RECIPE_FILE).exists():
        raise UserError(f"{folder} exists and is no earlier demo: choose an empty or new folder with --to.")
    try:
        written = write(tunes)
    except OSError as error:
        raise UserError(f"{tunes} cannot be written: {error.strerror or error}.", exit_code=1) from None
    say(console, f"Wrote a small messy collection of {len(written)} files to {tunes}.")
    options.recipe, options.sources, options.to = "text-to-music", [str(tunes)], str(folder / "dataset")
    options.offline = True  # nobody knows these tunes
    return _build(options)


def _recipes(options: argparse.Namespace) -> int:
    from motet.recipe import load, ready

    if options.json:
        print(json.dumps({name: load(name).resolved() for name in ready()}, indent=1))
        return 0
    for name, about in ready().items():
        print(f"{name}: {about}")
        for step in load(name).steps:
            print(f"  {step.name}")
            for setting, field in type(step.settings).model_fields.items():
                if setting != "timeout":
                    print(f"    {setting:<14} {getattr(step.settings, setting)!s:<10} {field.description or ''}")
    return 0


def _page_of(dataset: Path, run: Any) -> Path:
    """The listening page of a run: a new one, or the last one when nothing has changed since."""
    pages = sorted(dataset.glob("runs/*/report.html"), key=lambda p: p.stat().st_mtime)
    if pages and not run.changed:
        return pages[-1]
    for old in pages[: 1 - PAGES_KEPT]:
        old.unlink()
    return listening_page(dataset, run.folder)


def _run_facts(run: Any, page: Path) -> dict[str, Any]:
    return {
        "snapshot": run.snapshot.number,
        "tables": run.snapshot.tables,
        "seconds": round(run.seconds, 3),
        "done_now": run.done_now,
        "failed": run.failed,
        "stages": [{"name": s.name, "in": s.inputs, "out": s.rows_out, "done_now": s.done_now, **s.statuses} for s in run.stages],
        "report": str(page),
    }


def _tell_run(console: Console, dataset: Path, run: Any, page: Path, seconds: float) -> None:
    from motet.dataset.folder import Dataset
    from motet.report import played_otherwise

    kept = ", ".join(f"{count(n)} {table}" for table, n in run.snapshot.tables.items())
    console.print()
    say(console, f"Done in {span(seconds)}: {kept}.")
    if run.failed:
        say(console, f"{count(run.failed)} rows failed; `motet status {dataset}` names them, --retry asks them again.")
    for who, number, why in played_otherwise(Dataset(dataset)):
        say(console, f"Not played by {who}: {several(number, 'stem')} ({why})")
    say(console, f"Listen and look: {page.absolute().as_uri()}")
    say(console, f"All that is in it: motet explore {shlex.quote(str(dataset))}")


def _building(sub: argparse.ArgumentParser) -> None:
    """The options of every command that builds."""
    sub.add_argument("--workers", type=at_least(1), metavar="N", help="worker processes, of each machine (default: one per core)")
    sub.add_argument("--engine", choices=("local", "ray"), default="local", help="this machine alone (default), or a Ray cluster")
    sub.add_argument("--address", metavar="HOST:PORT", help="the Ray cluster (default: one of this machine, for this run)")
    sub.add_argument("--memory", type=at_least(256), metavar="MB", help="memory one worker may use")
    sub.add_argument("--set", action="append", default=[], metavar="STAGE.SETTING=VALUE", help="change a setting")
    sub.add_argument("--sample", type=at_least(1), metavar="N", help="only N songs, drawn by seed, for the costly stages")
    sub.add_argument("--seed", type=int, metavar="N", help="the seed of every random choice (default: the last, or 0)")
    sub.add_argument("--retry", action="store_true", help="ask rows that failed, crashed or timed out again")
    sub.add_argument("--offline", action="store_true", help="use no network: of services only what they answered before")
    sub.add_argument(
        "--dry-sample", type=at_least(1), metavar="N", help="files of each kind that a dry run tries at most (default: 20)"
    )
    sub.add_argument(
        "--dry-run",
        action="store_true",
        help="try some files elsewhere for a minute or two, estimate what the build would take, and change nothing",
    )
    sub.add_argument("--strict", action="store_true", help="exit with 1 when any row failed")
    sub.add_argument("--min-yield", type=at_least(1), default=1, metavar="N", help="exit with 1 below N rows")
