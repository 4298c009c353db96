"""The command line: a thin skin over the library. Only here is anything printed."""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table

from motet import __version__
from motet.errors import UserError
from motet.wording import count, size, span

DEMO_FOLDER = "motet-demo"
PAGES_KEPT = 3  # listening pages of past runs; the figures of every run stay


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 finished, 1 could not finish, 2 bad usage, 130 stopped by the user."""
    # A script of the user's sees SIGTERM as Ctrl-C, so that both end a run in the same orderly way.
    signal.signal(signal.SIGTERM, _interrupt)
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except UserError as error:
        print(f"motet: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("motet: stopped; what was done is kept, and the same command goes on from here.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        _silence()
        return 0
    except OSError as error:
        _silence()
        print(f"motet: the system refused: {error}.", file=sys.stderr)
        return 1


def _silence() -> None:
    """Nobody reads what is still to be written: let it go, so that closing does not complain again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


# -- commands -----------------------------------------------------------------------------------------------------------


def _build(options: argparse.Namespace) -> int:
    from motet.progress import Bars
    from motet.recipe import load
    from motet.run.build import build

    settings = list(options.set)
    if options.sample is not None:
        settings.append(f"sample.songs={options.sample}")
    recipe = load(options.recipe).changed(settings)
    began = time.monotonic()
    if options.dry_run:
        return _dry_run(recipe, options)
    console = Console(stderr=options.json)
    watch = Bars(console)
    try:
        run = build(
            recipe,
            options.sources,
            options.to,
            workers=options.workers,
            memory_mb=options.memory,
            seed=options.seed,
            retry=options.retry,
            watch=watch,
        )
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


def _where_lost(run: Any) -> str:
    """The stage after which nothing was left, and its commonest reason."""
    for stage in run.stages:
        if stage.inputs and not stage.rows_out and stage.reasons:
            _, reason, number = stage.reasons[0]
            return f" ({stage.name}: {count(number)} {reason})"
    return ""


def _dry_run(recipe: Any, options: argparse.Namespace) -> int:
    from motet import files
    from motet.dataset.folder import RECIPE_FILE, read_recipe_file
    from motet.dataset.snapshot import live
    from motet.dataset.tables import stream
    from motet.stages.scan import is_dataset

    snapshot = live(Path(options.to)) if Path(options.to).is_dir() else None
    known = {row["sha256"] for row in stream(snapshot.table("files"))} if snapshot else set()
    sources = options.sources
    if not sources and (Path(options.to) / RECIPE_FILE).exists():
        sources = read_recipe_file(Path(options.to)).get("sources")
    if not sources:
        raise UserError(f"{options.to} is new, so it needs sources: add --from PATH.")
    found = fresh = left = 0
    try:
        for row in files.walk([Path(s) for s in sources], files.MIDI, left=is_dataset):
            if isinstance(row, files.Found):
                found += 1
                fresh += row.sha256 not in known
            else:
                left += 1
    except files.MissingSource as error:
        raise UserError(error.detail + ".") from None
    plan = {
        "recipe": recipe.name,
        "to": str(options.to),
        "files": found,
        "files_new": fresh,
        "files_passed_over": left,
        "stages": recipe.resolved(),
    }
    if options.json:
        print(json.dumps(plan, indent=1))
        return 0
    print(f"{recipe.name}: {count(found)} files ({count(fresh)} new to {options.to}), {count(left)} passed over.")
    for name, settings in recipe.resolved().items():
        shown = ", ".join(f"{k}={v}" for k, v in settings.items() if k not in ("version", "timeout"))
        print(f"  {name:<15} {shown}")
    print("Nothing was done.")
    return 0


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
    _say(console, f"Wrote a small messy collection of {len(written)} files to {tunes}.")
    options.recipe, options.sources, options.to = "text-to-music", [str(tunes)], str(folder / "dataset")
    return _build(options)


def _status(options: argparse.Namespace) -> int:
    from motet.dataset.folder import Dataset

    dataset = Dataset(options.dataset)
    snapshot = dataset.snapshot
    runs = sorted((dataset.folder / "runs").glob("*/run.json"), key=lambda p: p.stat().st_mtime)
    last = json.loads(runs[-1].read_text()) if runs else None
    if options.json:
        facts = {
            "recipe": snapshot.recipe,
            "snapshot": snapshot.number,
            "tables": snapshot.tables,
            "stages": [{"name": s.name, "rows_out": s.rows_out, **s.counts} for s in snapshot.stages],
            "last_run": last,
        }
        print(json.dumps(facts, indent=1))
        return 0
    console = Console()
    _say(console, f"{dataset.folder}: {snapshot.recipe}, snapshot {snapshot.number}")
    reasons = _reasons(dataset)
    seconds = {s["name"]: s["seconds"] for s in last["stages"]} if last else {}
    table = Table("stage", "in", "ok", "dropped", "failed", "unanswered", "rows out", "last run", box=None, pad_edge=False)
    for stage in snapshot.stages:
        counts = stage.counts
        failed = sum(counts.get(s, 0) for s in ("failed", "crashed", "timed_out"))
        cells = [
            sum(counts.values()),
            counts.get("ok", 0),
            counts.get("dropped", 0),
            failed,
            counts.get("unanswered", 0),
        ]
        took = span(seconds[stage.name]) if stage.name in seconds else ""
        table.add_row(stage.name, *(count(c) for c in cells), count(stage.rows_out), took)
    console.print(table)
    if reasons:
        console.print("\nNot taken:")
        for name, status, reason, number, example in reasons:
            _say(console, f"  {name:<15} {status:<10} {reason:<18} {number:>7,}   such as {example}")
    if last:
        slow = sorted(((s, p, st["name"]) for st in last["stages"] for s, p in st["slowest"]), reverse=True)[:5]
        if slow:
            console.print("\nSlowest rows of the last run:")
        for took_seconds, path, name in slow:
            _say(console, f"  {span(took_seconds):>10}  {name:<15} {path}")
    return 0


def _reasons(dataset: Any) -> list[tuple[str, str, str, int, str]]:
    sql = (
        "SELECT stage, status, reason, count(*) AS n, min(path) FROM work WHERE status <> 'ok' "
        "GROUP BY ALL ORDER BY n DESC LIMIT 40"
    )
    found: list[tuple[str, str, str, int, str]] = dataset.query(sql).fetchall()
    return found


def _why(options: argparse.Namespace) -> int:
    from motet.dataset.folder import Dataset
    from motet.dataset.query import quoted

    dataset = Dataset(options.dataset)
    asked = quoted(options.what)
    ids = dataset.query(
        f"SELECT DISTINCT source FROM work WHERE path = {asked} OR id = {asked} OR source = {asked} "
        f"OR ends_with(path, '/' || {asked}) OR split_part({asked}, '.', 1) = source"
    ).fetchall()
    ids += dataset.query(
        f"SELECT id FROM files WHERE sha256 = {asked} OR location = {quoted(os.path.abspath(options.what))}"
    ).fetchall()
    sources = sorted({i for (i,) in ids})
    if not sources:
        raise UserError(f"{dataset.folder} has never seen {options.what!r}: name a file as `motet status` shows it, or an id.")
    listed = ", ".join(quoted(s) for s in sources)
    order = {s.name: n for n, s in enumerate(dataset.snapshot.stages)}
    lines = dataset.query(
        f"SELECT source, path, stage, id, status, reason, detail FROM work WHERE source IN ({listed}) ORDER BY path, id"
    ).fetchall()
    lines.sort(key=lambda line: (line[1], line[0], order[line[2]], line[3]))
    if options.json:
        names = ("source", "path", "stage", "id", "status", "reason", "detail")
        print(json.dumps([dict(zip(names, line, strict=True)) for line in lines], indent=1))
        return 0
    shown = None
    for source, path, stage, row_id, status, reason, detail in lines:
        if shown != source:
            print(f"{path}   ({source})")
            shown = source
        part = row_id.removeprefix(source) or ""
        because = f": {reason}" + (f" ({detail})" if detail else "") if reason else ""
        print(f"  {stage:<15} {part:<6} {status}{because}")
    return 0


def _query(options: argparse.Namespace) -> int:
    import duckdb

    from motet.dataset.folder import Dataset, refused

    relation = Dataset(options.dataset).query(options.sql)
    if relation is None:
        return 0
    try:
        table = relation.to_arrow_table()
    except duckdb.Error as error:
        raise refused(error) from None
    if options.json:
        print(json.dumps(_finite(table.to_pylist()), default=str, allow_nan=False))
        return 0
    shown = Table(*table.column_names, box=None, pad_edge=False)
    for row in table.slice(0, options.limit).to_pylist():
        shown.add_row(*(_cell(value) for value in row.values()))
    Console(width=None if sys.stdout.isatty() else 10_000).print(shown, highlight=False)
    if table.num_rows > options.limit:
        print(f"… {count(table.num_rows - options.limit)} more rows; --limit shows more.")
    return 0


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: null stands for them."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list) else value


def _cell(value: Any) -> str:
    from rich.markup import escape

    return escape("" if value is None else str(value))


def _report(options: argparse.Namespace) -> int:
    from motet.dataset.folder import Dataset

    dataset = Dataset(options.dataset)
    runs = sorted((dataset.folder / "runs").glob("*/run.json"), key=lambda p: p.stat().st_mtime)
    if not runs:
        raise UserError(f"{dataset.folder} has no finished run yet: run its `motet build` again to the end.", exit_code=1)
    page = _write_report(dataset.folder, runs[-1].parent, options.clips)
    print(json.dumps({"report": str(page)}) if options.json else page)
    return 0


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
    _write_report(Path(options.dataset), removal.run.folder)
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


# -- telling ------------------------------------------------------------------------------------------------------------


def _say(console: Console, line: str) -> None:
    """A line as it is: names in it may hold anything, brackets too."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _write_report(dataset: Path, run_folder: Path, clips: int = 18) -> Path:
    from motet.report import write_report

    return write_report(dataset, run_folder, clips=clips)


def _page_of(dataset: Path, run: Any) -> Path:
    """The listening page of a run: a new one, or the last one when nothing has changed since."""
    pages = sorted(dataset.glob("runs/*/report.html"), key=lambda p: p.stat().st_mtime)
    if pages and not run.changed:
        return pages[-1]
    for old in pages[: 1 - PAGES_KEPT]:
        old.unlink()
    return _write_report(dataset, run.folder)


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
    kept = ", ".join(f"{count(n)} {table}" for table, n in run.snapshot.tables.items())
    _say(console, f"\nDone in {span(seconds)}: {kept}.")
    if run.failed:
        _say(console, f"{count(run.failed)} rows failed; `motet status {dataset}` names them, --retry asks them again.")
    _say(console, f"Listen and look: {page.absolute().as_uri()}")


# -- options ------------------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="motet",
        description="Build music datasets in which MIDI, audio, text and video are voices of the same piece.",
    )
    parser.add_argument("--version", action="version", version=f"motet {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Any, about: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about)
        sub.set_defaults(run=run)
        sub.add_argument("--json", action="store_true", help="print only JSON")
        return sub

    def building(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--workers", type=_at_least(1), metavar="N", help="worker processes (default: one per core)")
        sub.add_argument("--memory", type=_at_least(256), metavar="MB", help="memory one worker may use")
        sub.add_argument("--set", action="append", default=[], metavar="STAGE.SETTING=VALUE", help="change a setting")
        sub.add_argument("--sample", type=_at_least(1), metavar="N", help="render only N songs, drawn by seed")
        sub.add_argument("--seed", type=int, metavar="N", help="the seed of every random choice (default: the last, or 0)")
        sub.add_argument("--retry", action="store_true", help="ask rows that failed, crashed or timed out again")
        sub.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        sub.add_argument("--strict", action="store_true", help="exit with 1 when any row failed")
        sub.add_argument("--min-yield", type=_at_least(1), default=1, metavar="N", help="exit with 1 below N rows")

    sub = command("demo", _demo, "write our own tunes, build a dataset of them, and say where to listen")
    sub.add_argument("--to", default=DEMO_FOLDER, metavar="DIR", help=f"where (default: {DEMO_FOLDER})")
    building(sub)

    sub = command("build", _build, "bring a dataset to what a recipe makes of the sources, doing only what is new")
    sub.add_argument("recipe", metavar="RECIPE", help="a ready recipe (`motet recipes` lists them) or a file ending in .yaml")
    sub.add_argument("--from", dest="sources", nargs="+", metavar="PATH", help="folders, archives, files (default: the last)")
    sub.add_argument("--to", required=True, metavar="DIR", help="the dataset")
    building(sub)

    command("recipes", _recipes, "list the ready recipes with their stages and settings")

    sub = command("status", _status, "what a dataset holds, and what was not taken and why")
    sub.add_argument("dataset", metavar="DIR")

    sub = command("why", _why, "what became of one file, stage by stage")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("what", metavar="FILE", help="a path as the dataset shows it, its end, an id or a SHA-256")

    sub = command("query", _query, "run SQL over the live tables and `work`")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("sql", metavar="SQL")
    sub.add_argument("--limit", type=_at_least(1), default=50, metavar="N", help="rows shown (default 50; --json gives all)")

    sub = command("report", _report, "write the listening page of the last run again")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("--clips", type=_at_least(0), default=18, metavar="N", help="clips on the page (default 18)")

    sub = command("check", _check, "verify that every table and media file is what was written")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("--repair", action="store_true", help="forget what refers to lost or damaged media; then build again")

    sub = command("clean", _clean, "forget answers and delete media that nothing live refers to")
    sub.add_argument("dataset", metavar="DIR")

    sub = command("remove", _remove, "take a source out, and all that came of it")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("source", metavar="SOURCE", help="a path as the dataset shows it (or a folder of such), an id or a SHA-256")
    sub.add_argument("--workers", type=_at_least(1), metavar="N")

    command("doctor", _doctor, "say what is present, what is missing, and how to add it")
    return parser


def _at_least(least: int) -> Any:
    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            msg = f"{text!r} is not a whole number of at least {least}"
            raise argparse.ArgumentTypeError(msg)
        return value

    return number


if __name__ == "__main__":
    sys.exit(main())
