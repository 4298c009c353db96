"""Stages that overlap, beside the same stages one after another: by the clock, and what workers stood idle."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow.dataset as ds

from measure import Line, over
from motet.dataset.rows import Row
from motet.recipe import Recipe, load, parse
from motet.run import Settings, ahead, stage
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys import Number

GOAL = 0.9  # of the time that stages take in turn, where each has one long row
WORKERS = 2


@dataclass(frozen=True, kw_only=True)
class Step(Row):
    table: ClassVar[str] = "steps"
    value: int


@dataclass(frozen=True, kw_only=True)
class Other(Row):
    table: ClassVar[str] = "others"
    value: int


@dataclass(frozen=True, kw_only=True)
class Third(Row):
    table: ClassVar[str] = "thirds"
    value: int


class Lasting(Settings):
    seconds: float = 0.02
    long: int = -1  # the row that takes long
    longer: float = 2.0


def _last(value: int, settings: Lasting) -> int:
    time.sleep(settings.longer if value == settings.long else settings.seconds)
    return value


@stage(version=1, uses=["value"])
def first(number: Number, settings: Lasting) -> Step:
    return Step(value=_last(number.value, settings))


@stage(version=1, uses=["value"])
def second(step: Step, settings: Lasting) -> Other:
    return Other(value=_last(step.value, settings))


@stage(version=1, uses=["value"])
def third(other: Other, settings: Lasting) -> Third:
    return Third(value=_last(other.value, settings))


def measure(quick: bool) -> Iterator[Line]:
    rows, repeats = (60, 1) if quick else (100, 3)
    last = rows - 2
    yield from _compared("one row long in all stages", _toys(rows, (last,) * 3), None, rows, repeats, goal=not quick)
    yield from _compared("another row long in each", _toys(rows, (last, rows // 2, 5)), None, rows, repeats, goal=not quick)
    yield from _compared("rows of one length", _toys(rows, (-1, -1, -1)), None, rows, repeats, goal=False)
    if not quick:
        chosen = load("text-to-music").changed(["render_stems.rate=16000"])
        with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
            from motet.demo import write

            write(Path(folder) / "tunes")
            yield from _compared("text-to-music on the demo", chosen, Path(folder) / "tunes", 14, 2, goal=False)


def _toys(rows: int, long: tuple[int, int, int]) -> Recipe:
    lasting = [{f"overlap:{name}": {"long": one}} for name, one in zip(("first", "second", "third"), long, strict=True)]
    return parse({"name": "bench", "stages": [{"toys:numbers": {"rows": rows}}, *lasting]}, "bench")


def _compared(name: str, recipe: Recipe, sources: Path | None, n: int, repeats: int, goal: bool) -> Iterator[Line]:
    """The same recipe both ways in turn, so that a busy spell hits them alike."""
    taken: dict[str, list[float]] = {"in turn": [], "overlapping": []}
    idle: dict[str, list[float]] = {how: [] for how in taken}
    wasted = 0
    with LocalEngine(WORKERS) as engine:
        _built(engine, recipe, sources)  # what workers load is loaded
        for _ in range(repeats):
            for how in taken:
                with _going_ahead(how == "overlapping"):
                    seconds, busy, vain = _built(engine, recipe, sources)
                taken[how].append(seconds)
                idle[how].append(1 - busy / WORKERS / seconds)
                wasted += vain
    ratio = over(taken["overlapping"], taken["in turn"])
    yield Line(f"{name}: stages in turn", tuple(taken["in turn"]), "s", n)
    yield Line(
        f"{name}: stages overlapping",
        tuple(taken["overlapping"]),
        "s",
        n,
        ratio,
        "in turn",
        f"<= {GOAL} x" if goal else "",
        ratio <= GOAL if goal else None,
        note=f"{wasted} answers in vain",
    )
    for how, shares in idle.items():
        yield Line(f"  workers idle, {how}", tuple(share * 100 for share in shares), "%", n)


@contextmanager
def _going_ahead(wanted: bool) -> Iterator[None]:
    before = ahead.SOURCES
    ahead.SOURCES = before if wanted else 0
    try:
        yield
    finally:
        ahead.SOURCES = before


def _built(engine: LocalEngine, recipe: Recipe, sources: Path | None) -> tuple[float, float, int]:
    """Seconds of a build, seconds that rows took in workers, and answers that no plan asked for."""
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
        dataset = Path(folder) / "dataset"
        run = build(recipe, [sources or folder], dataset, engine=engine)
        if run.failed:
            msg = f"{run.failed} rows failed"
            raise RuntimeError(msg)
        busy, vain = 0.0, 0
        for one in run.snapshot.stages:
            work = dataset / "work" / one.name.rpartition(":")[2]
            if work.exists():
                told = ds.dataset(work).to_table(columns=["key", "seconds"])
                planned = ds.dataset(run.snapshot.folder / one.verdicts).to_table(columns=["key"])["key"].to_pylist()
                busy += sum(told["seconds"].to_pylist())
                vain += len(set(told["key"].to_pylist()) - set(planned))
        return run.seconds, busy, vain
