"""What `motet build --dry-run` tells: what the night would take, estimated from a sample."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from motet.forecasting.forecast import FILES, Forecast, Range, StageForecast, forecast
from motet.wording import count, several, size, span

OTHER_HANDS = (8, 64, 512)  # workers of which is told as well what they would take


def dry_run(recipe: Any, options: argparse.Namespace) -> int:
    """Try a sample of the sources, tell what all would take, and change nothing."""

    def each(drawn: int) -> None:
        print(f"Trying {several(drawn, 'file')} …", file=sys.stderr)

    told = forecast(
        recipe,
        options.sources,
        options.to,
        files=options.dry_sample or FILES,
        workers=options.workers,
        memory_mb=options.memory,
        seed=options.seed,
        retry=options.retry,
        each=each,
    )
    if options.json:
        print(json.dumps(_facts(told, recipe), indent=1))
        return 0
    found = told.found
    print(f"{told.recipe}: {count(found.files)} files ({count(found.fresh)} new to {told.to}), {count(found.left)} passed over.")
    if found.gone:
        print(f"{told.to} holds {several(found.gone, 'file')} whose content is no longer there: what came of it would go.")
    if told.stages:
        _tell(told)
    print("Nothing was done.")
    return 0


def _tell(told: Forecast) -> None:
    rows = [_HEAD, *(_line(stage) for stage in told.stages)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(_HEAD))]
    print()
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())
    print()
    for stage in told.stages:
        for reason, share in list(stage.lost.items())[:4]:
            print(f"{stage.name}: {share:.0%} {reason}")
        for note in stage.notes:
            print(f"{stage.name}: {note}.")
    print(f"Of {several(told.of, 'content')}, {several(told.sampled, 'file')} were tried, in {span(told.trial_seconds)}.")
    print(f"A worker took {size(told.peak_memory)} of memory at most; the build takes {_spans(told.cpu)} of processor time.")
    others = [f"{span(max(told.wall.likely * told.workers / n, 0))} with {n}" for n in OTHER_HANDS if n > told.workers]
    if told.wall.likely > 3600 and others:
        print(f"At best, with more workers: {', '.join(others)}.")
    print(sentence(told))
    for one in told.unknown:
        print(f"Not in these figures: {one}.")
    if told.disk.high > told.disk_free:
        print("The disk may not hold it: free some room, take a smaller --sample, or choose another disk.")


def sentence(told: Forecast) -> str:
    """The whole forecast in a line."""
    dollars = f"; ${told.dollars.likely:,.2f}" if told.dollars.likely else ""
    if told.dollars.high > told.dollars.low:
        dollars += f" (${told.dollars.low:,.2f} to ${told.dollars.high:,.2f})"
    return (
        f"An estimate: about {_spans(told.wall)} with {several(told.workers, 'worker')} and {_sizes(told.disk)}{dollars}; "
        f"the disk has {size(told.disk_free)} free."
    )


_HEAD = ("stage", "rows in", "rows out", "(range)", "answered", "a row", "p95", "processor", "wall", "media", "tables")


def _line(stage: StageForecast) -> tuple[str, ...]:
    rows = stage.rows
    spread = f"{_about(rows.low)} to {_about(rows.high)}" if _about(rows.low) != _about(rows.high) else ""
    return (
        stage.name,
        _about(stage.inputs.likely),
        _about(rows.likely),
        spread,
        _about(stage.answered.likely) if stage.answered.likely else "",
        span(stage.median) if stage.median is not None else "",
        span(stage.p95) if stage.p95 is not None else "",
        span(stage.cpu.likely) if stage.cpu.likely else "",
        span(stage.wall.likely) if stage.wall.likely else "",
        size(stage.media.likely) if stage.media.likely else "",
        size(stage.tables.likely) if stage.tables.likely else "",
    )


def _about(number: float) -> str:
    """A number with the three digits that an estimate has at best."""
    digits = max(0, len(f"{number:.0f}") - 3)
    return f"{round(number, -digits):,.0f}"


def _spans(time: Range) -> str:
    likely, low, high = span(time.likely), span(time.low), span(time.high)
    return likely if low == high else f"{likely} ({low} to {high})"


def _sizes(octets: Range) -> str:
    likely, low, high = size(octets.likely), size(octets.low), size(octets.high)
    return likely if low == high else f"{likely} ({low} to {high})"


def _facts(told: Forecast, recipe: Any) -> dict[str, Any]:
    found = told.found
    facts = asdict(told)
    del facts["found"], facts["stages"]
    return {
        **facts,
        "files": found.files,
        "files_new": found.fresh,
        "files_gone": found.gone,
        "files_passed_over": found.left,
        "stages": recipe.resolved(),
        "forecast": [asdict(stage) for stage in told.stages],
        "disk_needed": asdict(told.disk),
        "told": sentence(told),
    }
