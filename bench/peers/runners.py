"""Runners of one clean function over the same files: what they take, and what a crash, a hang, a kill and a change cost."""

from __future__ import annotations

import hashlib
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.dataset as pads
import pyarrow.parquet as pq

from measure import Line, over
from motet.dataset.snapshot import live
from peers import environments, given
from peers.reading import json_rows, unpacked, whole
from peers.table import Table
from peers.watching import HERE, SCRIPTS, Watched, watched

FILES, REPEATS, LIMIT = 1000, 5, 120.0
QUICK_FILES, QUICK_REPEATS, QUICK_LIMIT = 60, 1, 60.0
QUICK_RUNNERS = ("motet", "pool", "datatrove")
COMPARED = ("reason", "sha256", "seconds", "notes", "tempo", "pitch_low", "notes_digest")
OURS = "motet"

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Runner:
    name: str
    label: str
    environment: str = ""  # whose interpreter; ours without

    def command(self, folder: Path, out: Path, planted: bool) -> list[str | Path]:
        if self.name == OURS:
            recipe = HERE / ("planted.yaml" if planted else "clean.yaml")
            build = [sys.executable, "-m", "motet.cli", "build", recipe]
            return [*build, "--from", folder, "--to", out, "--workers", "2"]
        return [environments.python(self.environment), SCRIPTS / f"run_{self.name}.py", folder, out]

    def user_lines(self) -> int:
        """What a user writes: lines that are neither empty nor comment nor docstring; ours are a recipe's."""
        file = HERE / "clean.yaml" if self.name == OURS else SCRIPTS / f"run_{self.name}.py"
        lines = [line.strip() for line in file.read_text().splitlines()]
        return sum(bool(line) and not line.startswith(("#", '"""')) for line in lines)


RUNNERS = (
    Runner(OURS, "Motet, local engine"),
    Runner("datatrove", "datatrove", "datatrove"),
    Runner("ray_data", "Ray Data", "ray"),
    Runner("ray_core", "Ray tasks", "ray"),
    Runner("daft", "Daft", "daft"),
    Runner("datasets", "Hugging Face Datasets", "datasets"),
    Runner("joblib", "joblib with Memory", "joblib"),
    Runner("pool", "multiprocessing.Pool", "joblib"),
)


def compare(quick: bool) -> Iterator[Table]:
    table = Table("", "", ())
    runners = []
    for runner in RUNNERS:
        if quick and runner.name not in QUICK_RUNNERS:
            continue
        try:
            runner.command(Path(), Path(), planted=False)
        except environments.Missing as missing:
            table.skipped[runner.label] = str(missing)
            continue
        runners.append(runner)
    with tempfile.TemporaryDirectory(prefix="mp-") as folder:
        work = _Work(Path(folder), quick)
        yield work.speed(runners, table.skipped)
        yield work.again(runners)
        yield work.faults(runners)


class _Work:
    """The folder of files, where each runner writes, and what an undisturbed run of each gave."""

    def __init__(self, folder: Path, quick: bool) -> None:
        self.folder = folder
        self.quick = quick
        self.files = given.lay(folder / "files", QUICK_FILES if quick else FILES)
        self.limit = QUICK_LIMIT if quick else LIMIT
        self.whole: dict[str, dict[str, tuple[Any, ...]]] = {}
        self.full: dict[str, float] = {}  # seconds of a full run

    def run(self, runner: Runner, out: str, *, files: str = "files", logged: bool = False, **more: Any) -> Watched:
        log = self.folder / f"{out}.log" if logged else None
        command = runner.command(self.folder / files, self.folder / out, planted=logged)
        (self.folder / "ray").mkdir(exist_ok=True)
        return watched(command, log=log, environment={"RAY_TMPDIR": str(self.folder / "ray")}, **more)

    def calls(self, out: str) -> int:
        log = self.folder / f"{out}.log"
        return log.read_bytes().count(b"\n") if log.is_file() else 0

    def speed(self, runners: list[Runner], skipped: dict[str, str]) -> Table:
        repeats = QUICK_REPEATS if self.quick else REPEATS
        runs: dict[str, list[Watched]] = {runner.name: [] for runner in runners}
        peaks: dict[str, float] = {}
        failures: dict[str, list[str]] = {}
        for turn in range(repeats + 1):  # the first turn is watched for memory, fills the caches, and is not timed
            for runner in runners:
                shutil.rmtree(self.folder / "out", ignore_errors=True)
                run = self.run(runner, "out", memory=turn == 0)
                found = _by_name(results(runner, self.folder / "out"))
                if not run.well:
                    failures.setdefault(runner.label, []).append(f"{len(found)} of {len(self.files)} rows, {_last(run)}")
                if turn and run.well:
                    runs[runner.name].append(run)
                elif not turn:
                    peaks[runner.name] = run.peak_mb
                if len(found) == len(self.files):
                    self.whole[runner.name] = found
        for runner in runners[:]:
            if not runs[runner.name] or runner.name not in self.whole:
                skipped[runner.label] = f"it failed on files without faults: {failures[runner.label][0]}"
                runners.remove(runner)
        table = Table(
            "Runners of the same clean function",
            f"{len(self.files):,} files, two workers, from the start of the process to its end. Each run begins with nothing; "
            f"median (least–most) of {repeats}, taken in turns. Memory is what all processes held for themselves at most, of one "
            "further run. Lines are those that a user writes beside the function.",
            ("runner", "version", "wall, s", "CPU, s", "wall, × Motet", "memory, MB", "processes", "lines", "result as Motet's"),
            skipped=skipped,
            notes=[f"{label} failed in {len(said)} of {repeats + 1} runs: {said[0]}" for label, said in failures.items()],
        )
        ours = tuple(run.wall for run in runs.get(OURS, []))
        for runner in runners:
            mine = runs[runner.name]
            wall, used = tuple(run.wall for run in mine), tuple(run.cpu for run in mine)
            self.full[runner.name] = statistics.median(wall)
            ratio = over(wall, ours) if ours else None
            same = _alike(self.whole[runner.name], self.whole[OURS]) if OURS in self.whole else "–"
            processes = max(run.processes for run in mine)
            version = environments.pinned(runner.environment) if runner.environment else "this tree"
            version = "Python" if runner.name == "pool" else version
            peak = peaks[runner.name]
            table.rows.append((runner.label, version, wall, used, ratio, peak, processes, runner.user_lines(), same))
            note = f"CPU {statistics.median(used):.1f} s, {peak:.0f} MB"
            line = Line(f"{runner.label}: clean", wall, "s", len(self.files), note=note)
            table.lines.append(line if runner.name == OURS else replace(line, ratio=ratio, peer="motet"))
        return table

    def again(self, runners: list[Runner]) -> Table:
        """Killed half-way and run again; run again with nothing new; and after a file was added, one changed, one removed."""
        table = Table(
            "Killed half-way, and run again",
            "The driver was killed by SIGKILL once half the files had been begun, and the same command given again; then once "
            "more with nothing changed; then after one file had been added, one replaced by another song, and one removed. Calls "
            "are those of the function, written down by it; × is against the full run above. One run each.",
            (
                "runner",
                "left running 3 s after the kill",
                "calls more than files",
                "rerun, × full",
                "equals undisturbed",
                "no change: calls",
                "no change, × full",
                "after changes: calls",
                "added, changed, removed seen",
            ),
        )
        for runner in runners:
            table.rows.append(self._again(runner, table))
        return table

    def _again(self, runner: Runner, table: Table) -> list[Any]:
        name, count = runner.name, len(self.files)
        out, full = f"again {name}", self.full[runner.name]
        killed = self.run(runner, out, logged=True, kill_at=count // 2)
        rerun = self.run(runner, out, logged=True)
        twice = self.calls(out) - count
        after = _by_name(results(runner, self.folder / out)) if rerun.well else {}
        equal = _alike(after, self.whole[name]) if rerun.well else f"failed: {_last(rerun)}"
        before = self.calls(out)
        still = self.run(runner, out, logged=True)
        calls = self.calls(out) - before
        told = [runner.label, killed.left, twice, rerun.wall / full, equal, calls, still.wall / full]
        note = f"{twice} calls more than files; {equal}"
        table.lines.append(
            Line(f"{runner.label}: killed, run again", (rerun.wall,), "s", count, rerun.wall / full, "full run", note=note)
        )
        table.lines.append(Line(f"{runner.label}: nothing new", (still.wall,), "s", count, still.wall / full, "full run"))
        return told + self._changed(runner, out)

    def _changed(self, runner: Runner, out: str) -> list[Any]:
        """Calls after one file was added, one changed and one removed, and which of the three the result shows."""
        songs = [path for path in self.files if not self.whole[runner.name].get(path.name, ("?",))[0]]
        first, second, *_, last = songs
        added = last.with_name("99999.mid")
        kept = {path: path.read_bytes() for path in (first, second)}
        other = last.read_bytes()
        try:
            added.write_bytes(_marked(other, b"added"))
            first.write_bytes(_marked(other, b"changed"))
            second.unlink()
            before = self.calls(out)
            run = self.run(runner, out, logged=True)
            calls = self.calls(out) - before
            if not run.well:
                return [calls, f"failed: {_last(run)}"]
            rows = results(runner, self.folder / out)
            names = [Path(row["path"]).name for row in rows]
            contents = {row.get("sha256") for row in rows if Path(row["path"]).name == first.name}
            changed = contents == {hashlib.sha256(first.read_bytes()).hexdigest()}
            seen = (added.name in names, changed, second.name not in names)
            extra = len(names) - len(set(names))
            return [calls, ", ".join("yes" if one else "no" for one in seen) + (f"; {extra} rows twice" if extra else "")]
        finally:
            added.unlink(missing_ok=True)
            for path, data in kept.items():
                path.write_bytes(data)

    def faults(self, runners: list[Runner]) -> Table:
        """One file whose row ends the process by a segmentation fault, or never ends, in the middle of the others."""
        table = Table(
            "One row that crashes, one that hangs",
            f"The same {len(self.files):,} files and one more in their middle: its row raises SIGSEGV, or sleeps for ever. We "
            "ended "
            f"what had not ended after {self.limit:g} s. Rows are those that could be read from the result then. Several runs "
            "shared "
            "the machine, so only whether they end is to be read from the seconds.",
            (
                "runner",
                "crash: ended",
                "crash: s",
                "crash: good rows lost",
                "crash: what it said",
                "hang: ended",
                "hang: s",
                "hang: good rows lost",
                "hang: what it said",
            ),
        )
        for fault in ("crash", "hang"):
            shutil.copytree(self.folder / "files", self.folder / fault)
            middle = self.files[len(self.files) // 2]
            planted = self.folder / fault / middle.relative_to(self.folder / "files").with_name(f"{middle.stem} {fault}.mid")
            planted.write_bytes(_marked(middle.read_bytes(), fault.encode()))
        found: dict[str, dict[str, Watched]] = {}
        for fault, at_once in (("crash", 2), ("hang", 4)):
            ask: Callable[[Runner], Watched] = partial(self._fault, fault=fault)
            with ThreadPoolExecutor(at_once) as pool:
                found[fault] = dict(zip([r.name for r in runners], pool.map(ask, runners), strict=True))
        for runner in runners:
            row: list[Any] = [runner.label]
            for fault in ("crash", "hang"):
                run = found[fault][runner.name]
                got = _by_name(results(runner, self.folder / f"{fault} {runner.name}"))
                lost = sum(path.name not in got for path in self.files)
                ended = "no" if run.late else "yes" if run.well else f"error {run.rc}"
                row += [ended, run.wall, lost, "" if run.well else _last(run)]
                note = f"ended: {ended}, after {run.wall:.0f} s"
                table.lines.append(Line(f"{runner.label}: {fault}, good rows lost", (lost,), "rows", len(self.files), note=note))
            table.rows.append(row)
        return table

    def _fault(self, runner: Runner, fault: str) -> Watched:
        return self.run(runner, f"{fault} {runner.name}", files=fault, logged=True, timeout=self.limit)


def results(runner: Runner, out: Path) -> Rows:
    """What a runner left, whole or not: rows with `path` and the fields of `scripts/work.py`."""
    if runner.name == OURS:
        return _ours(out)
    rows: Rows = []
    for file in sorted(out.rglob("*.jsonl")):
        rows += json_rows(file.read_text())
    for file in sorted(out.rglob("*.jsonl.gz")):
        rows += [row["metadata"] for row in json_rows(unpacked(file))]
    tables = [file for file in sorted(out.rglob("*.parquet")) if file.relative_to(out).parts[0] != "checkpoint" and whole(file)]
    if tables:
        rows += pads.dataset(tables).to_table().to_pylist()
    return [row for row in rows if row.get("path")]


def _ours(out: Path) -> Rows:
    snapshot = live(out) if out.is_dir() else None
    if snapshot is None:
        return []
    rows: Rows = []
    songs = {row["id"]: row for row in pq.read_table(snapshot.table("songs")).to_pylist()}
    stage = snapshot.stages[-1]
    for verdict in pq.read_table(snapshot.folder / stage.verdicts).to_pylist():
        if verdict["status"] == "ok":
            rows.append(songs[verdict["id"]] | {"path": verdict["path"], "reason": ""})
        elif verdict["status"] == "dropped":
            rows.append({"path": verdict["path"], "reason": verdict["reason"]})
    return rows


def _by_name(rows: Rows) -> dict[str, tuple[Any, ...]]:
    """Of a file's name, what is compared. Dropped rows are compared by their reason alone."""
    told = {}
    for row in rows:
        fields = COMPARED[:1] if row["reason"] else COMPARED
        told[Path(row["path"]).name] = tuple(row[name] for name in fields)
    return told


def _alike(one: dict[str, tuple[Any, ...]], other: dict[str, tuple[Any, ...]]) -> str:
    differ = sum(one.get(name) != other.get(name) for name in one.keys() | other.keys())
    return "yes" if not differ else f"{differ} rows differ"


def _marked(data: bytes, mark: bytes) -> bytes:
    """Other bytes, the same song: a track chunk that readers pass over."""
    return data + b"XXXX" + len(mark).to_bytes(4) + mark


def _last(run: Watched) -> str:
    """The last thing it said, in short."""
    lines = [line.strip() for line in run.said.splitlines() if line.strip()]
    return lines[-1][:90] if lines else "nothing"
