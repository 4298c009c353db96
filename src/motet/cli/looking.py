"""The commands that look at a dataset and change nothing of it: status, why, query, report."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from motet.cli.shared import Command, at_least, listening_page, say, whole
from motet.errors import UserError
from motet.wording import count, span


def add(command: Command) -> None:
    sub = command("status", _status, "what a dataset holds, and what was not taken and why")
    sub.add_argument("dataset", metavar="DIR")

    sub = command("why", _why, "what became of one file, stage by stage")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("what", metavar="FILE", help="a path as the dataset shows it, its end, an id or a SHA-256")

    sub = command("query", _query, "run SQL over the live tables and `work`")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("sql", metavar="SQL")
    sub.add_argument("--limit", type=at_least(1), default=50, metavar="N", help="rows shown (default 50; --json gives all)")

    sub = command("report", _report, "write the listening page of the last run again")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("--clips", type=at_least(0), default=18, metavar="N", help="clips on the page (default 18)")


def _status(options: argparse.Namespace) -> int:
    from motet.dataset.folder import Dataset

    dataset = whole(Dataset(options.dataset))
    snapshot = dataset.snapshot
    runs = sorted((dataset.folder / "runs").glob("*/run.json"), key=lambda p: p.stat().st_mtime)
    last = None
    with contextlib.suppress(OSError, ValueError):  # it is told without, where it cannot be read
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
    reasons = _reasons(dataset)
    console = Console()
    say(console, f"{dataset.folder}: {snapshot.recipe}, snapshot {snapshot.number}")
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
            say(console, f"  {name:<17} {status:<10} {reason:<18} {number:>7,}   such as {example}")
    if last:
        slow = sorted(((s, p, st["name"]) for st in last["stages"] for s, p in st["slowest"]), reverse=True)[:5]
        if slow:
            console.print("\nSlowest rows of the last run:")
        for took_seconds, path, name in slow:
            say(console, f"  {span(took_seconds):>10}  {name:<17} {path}")
    return 0


def _reasons(dataset: Any) -> list[tuple[str, str, str, int, str]]:
    from motet.dataset.query import damage_told

    sql = (
        "SELECT stage, status, reason, count(*) AS n, min(path) FROM work WHERE status <> 'ok' "
        "GROUP BY ALL ORDER BY n DESC LIMIT 40"
    )
    with damage_told(dataset.folder):
        found: list[tuple[str, str, str, int, str]] = dataset.query(sql).fetchall()
    return found


def _why(options: argparse.Namespace) -> int:
    from motet.dataset.folder import Dataset
    from motet.dataset.query import quoted
    from motet.explorer.tracing import said

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
    told = said(dataset.query, dataset.tables(), sources)
    shown = None
    for source, path, stage, row_id, status, reason, detail in lines:
        if shown != source:
            print(f"{path}   ({source})")
            shown = source
        part = row_id.removeprefix(source) or ""
        because = f": {reason}" + (f" ({detail})" if detail else "") if reason else ""
        print(f"  {stage:<17} {part:<10} {status}{because}")
        for line in told.get((stage, row_id), []):
            print(f"  {'':<17} {'':<10} {line}")
    return 0


def _query(options: argparse.Namespace) -> int:
    import duckdb

    from motet.dataset.folder import Dataset, refused

    dataset = Dataset(options.dataset)
    relation = dataset.query(options.sql)
    if relation is None:
        return 0
    try:
        table = relation.to_arrow_table()
    except duckdb.Error as error:
        raise refused(error, dataset) from None
    if options.json:
        print(json.dumps(_finite(table.to_pylist()), default=_plain, allow_nan=False))
        return 0
    shown = Table(*table.column_names, box=None, pad_edge=False)
    for row in table.slice(0, options.limit).to_pylist():
        shown.add_row(*(_cell(value) for value in row.values()))
    Console(width=None if sys.stdout.isatty() else 10_000).print(shown, highlight=False)
    if table.num_rows > options.limit:
        print(f"… {count(table.num_rows - options.limit)} more rows; --limit shows more.")
    return 0


def _plain(value: Any) -> str:
    """What JSON knows no form of: bytes in hexadecimal, dates as ISO 8601."""
    return value.hex() if isinstance(value, bytes) else str(value)


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

    dataset = whole(Dataset(options.dataset))
    runs = sorted((dataset.folder / "runs").glob("*/run.json"), key=lambda p: p.stat().st_mtime)
    if not runs:
        raise UserError(f"{dataset.folder} has no finished run yet: run its `motet build` again to the end.", exit_code=1)
    page = listening_page(dataset.folder, runs[-1].parent, options.clips)
    print(json.dumps({"report": str(page)}) if options.json else page)
    return 0
