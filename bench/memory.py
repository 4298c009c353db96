"""Memory of the process that drives a build, its workers left out, as the rows grow."""

from __future__ import annotations

import json
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from measure import Line, fresh

FLAT = 1.25  # times the memory of 1,000 rows: room for buffers that 1,000 rows do not fill, none for rows


def measure(quick: bool) -> Iterator[Line]:
    sizes = (1000, 10_000) if quick else (1000, 10_000, 100_000)
    repeats = {1000: 3, 10_000: 3, 100_000: 1}
    peaks: dict[int, list[float]] = {}
    told = {}
    for rows in sizes:
        runs = [fresh("memory", rows) for _ in range(1 if quick else repeats[rows])]
        told[rows] = runs[-1]
        peaks[rows] = [run["peak"] for run in runs]
        ratio = statistics.median(peaks[rows]) / statistics.median(peaks[1000])
        last = rows == sizes[-1]
        before = f"before the first stage {told[rows]['imported']:.0f} MB"
        yield Line(
            f"driver memory, {rows:,} rows",
            tuple(peaks[rows]),
            "MB",
            rows,
            ratio=None if rows == 1000 else ratio,
            peer="" if rows == 1000 else "1,000 rows",
            goal=f"<= {FLAT} x" if last else "",
            reached=ratio <= FLAT if last and rows == 100_000 else None,
            note=before,
        )
    more = statistics.median(peaks[sizes[-1]]) - statistics.median(peaks[10_000])
    if not quick:
        yield Line("  each row more than 10,000 adds", (more / (sizes[-1] - 10_000) * (1 << 10),), "kB", sizes[-1])
    few, many = told[sizes[0]]["stages"], told[sizes[-1]]["stages"]
    for name, peak in many.items():
        yield Line(f"  while {name}", (peak,), "MB", sizes[-1], peak / few[name], "1,000 rows")


def main(rows: int) -> None:
    """Build in this process, watching its own memory; print the peaks in MB."""
    from motet.recipe import parse
    from motet.run.build import build
    from motet.run.watch import StageReport, Watch

    stages = [{"toys:numbers": {"rows": rows}}, *(f"toys:{n}" for n in ("trivial", "drop_tenth", "halves", "join"))]
    recipe = parse({"name": "bench", "stages": stages}, "bench")
    gauge = Gauge()
    by_stage: dict[str, float] = {}

    class Meter(Watch):
        def ends(self, report: StageReport) -> None:
            by_stage[report.name.removeprefix("toys:")] = gauge.peak()

    imported = gauge.peak()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
        run = build(recipe, [folder], Path(folder) / "dataset", workers=2, watch=Meter())
    taken = time.perf_counter() - began
    if run.survivors != rows - rows // 10:
        msg = f"{run.survivors} totals from {rows} rows"
        raise RuntimeError(msg)
    peak = max(*by_stage.values(), gauge.peak())
    seconds = {s.name: s.seconds for s in run.stages}
    print(json.dumps({"imported": imported, "peak": peak, "seconds": taken, "stages": by_stage, "stage_seconds": seconds}))


class Gauge:
    """The most memory this process held since the last look."""

    def __init__(self) -> None:
        self._high = 0.0
        self._exact = Path("/proc/self/clear_refs").exists()
        if not self._exact:  # not Linux: look often instead
            threading.Thread(target=self._sample, daemon=True).start()

    def peak(self) -> float:
        if not self._exact:
            high, self._high = self._high, 0.0
            return high or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
        status = Path("/proc/self/status").read_text()
        high = int(status.partition("VmHWM:")[2].split()[0]) / 1024
        Path("/proc/self/clear_refs").write_text("5")  # begins a new peak, see proc_pid_clear_refs(5)
        return high

    def _sample(self) -> None:
        import psutil

        own = psutil.Process()
        while True:
            self._high = max(self._high, own.memory_info().rss / (1 << 20))
            time.sleep(0.01)


if __name__ == "__main__":
    main(int(sys.argv[1]))
