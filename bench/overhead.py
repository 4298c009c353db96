"""Engine time per row, beside calling the stage's function directly on the same rows."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import psutil

import toys
from measure import Line, over
from motet.recipe import parse
from motet.run.build import build
from motet.run.engine import LocalEngine
from motet.run.stage import Stage
from motet.run.worker import Item, Order

GOAL_MS = 0.5


def measure(quick: bool) -> Iterator[Line]:
    rows, repeats = (500, 3) if quick else (5000, 3)
    yield _pool_start(2 if quick else 4)
    for name in ("trivial", "millisecond"):
        yield from _stage(name, rows, repeats)


def _pool_start(repeats: int) -> Line:
    """From no process to the first answer of two workers: paid once a run, when there is work."""
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        with LocalEngine(2) as engine:
            _answer(engine, "trivial", 16)
            taken.append(time.perf_counter() - began)
    return Line("pool start, 2 workers", tuple(taken), "s", 1, note="once a run; not in the lines below")


def _stage(name: str, rows: int, repeats: int) -> Iterator[Line]:
    """One stage three ways; each repeat measures all of them in turn, so that a busy spell hits them alike."""
    stage: Stage = getattr(toys, name)
    given = [toys.number(n) for n in range(rows)]
    direct: list[float] = []
    direct_cpu: list[float] = []
    wall: dict[str, list[float]] = {"engine, 1 worker": [], "engine, 2 workers": [], "whole build, 1 worker": []}
    used: dict[str, list[float]] = {how: [] for how in wall}
    with LocalEngine(1) as one, LocalEngine(2) as two:
        _answer(one, name, 64)
        _answer(two, name, 64)
        for _ in range(repeats):
            began, before = time.perf_counter(), time.process_time()
            for row in given:
                stage.function(row)
            direct.append((time.perf_counter() - began) / rows * 1000)
            direct_cpu.append((time.process_time() - before) / rows * 1000)
            for how, engine in zip(wall, (one, two, one), strict=True):
                before = _cpu()
                passed = (_built if how.startswith("whole") else _answer)(engine, name, rows)
                wall[how].append(passed / rows * 1000)
                used[how].append((_cpu() - before) / rows * 1000)
    peer = f"{name}: called directly"
    yield Line(peer, tuple(direct), "ms/row", rows)
    for how in wall:
        # With two workers the clock alone would hide work: what is compared then is the CPU time of all processes.
        alone = "1 worker" in how
        taken, bare = (wall[how], direct) if alone else (used[how], direct_cpu)
        more = tuple(t - d for t, d in zip(taken, bare, strict=True))
        median = sorted(more)[repeats // 2]
        yield Line(
            f"{name}: {how}, on top",
            more,
            "ms/row",
            rows,
            ratio=over(taken, bare),
            peer="direct in all",
            goal=f"<= {GOAL_MS}",
            reached=median <= GOAL_MS,
            note="wall" if alone else "CPU of all processes",
        )
    both = wall["engine, 2 workers"]
    yield Line(f"{name}: engine, 2 workers, by the clock", tuple(both), "ms/row", rows, over(both, direct), "direct")


def _answer(engine: LocalEngine, name: str, rows: int) -> float:
    """Seconds the engine takes to answer `rows` items."""
    order = Order(f"toys:{name}", {"timeout": None}, 0, tempfile.gettempdir())
    given = [asdict(toys.number(n)) for n in range(rows)]
    tasks = ((order, Item(n, row["id"], row["path"], row["lineage"], {"number": row})) for n, row in enumerate(given))
    began = time.perf_counter()
    outcomes = list(engine.run(tasks))
    taken = time.perf_counter() - began
    if [o.status for o in outcomes] != ["ok"] * rows:
        msg = f"{name} was to answer {rows} rows with ok"
        raise RuntimeError(msg)
    return taken


def _built(engine: LocalEngine, name: str, rows: int) -> float:
    """Seconds a build spends on the stage: planning, keys, answering, committing, assembling the live table."""
    recipe = parse({"name": "bench", "stages": [{"toys:numbers": {"rows": rows}}, f"toys:{name}"]}, "bench")
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
        run = build(recipe, [folder], Path(folder) / "dataset", engine=engine)
        if run.survivors != rows:
            msg = f"{run.survivors} of {rows} rows came out"
            raise RuntimeError(msg)
        return run.stages[1].seconds


def _cpu() -> float:
    """CPU seconds of this process and all its living children."""
    own = psutil.Process()
    times = [p.cpu_times() for p in (own, *own.children(recursive=True))]
    return float(sum(t.user + t.system for t in times))
