"""A build of the text-to-music recipe over a folder of small files, and again when nothing or one file changed."""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import Line, cpu, fresh, over

GOAL_SECONDS = 2.0
ROWS = 10_000
SONGS = 10  # rendered


def measure(quick: bool) -> Iterator[Line]:
    rows, repeats = (200, 2) if quick else (ROWS, 5)
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
        sources, dataset = Path(folder) / "songs", Path(folder) / "dataset"
        for n in range(rows):
            _add(sources, n)
        first = fresh("rebuild", sources, dataset)
        _expect(first, rows, done=None)
        again = [fresh("rebuild", sources, dataset) for _ in range(repeats)]
        for run in again:
            _expect(run, rows, done=0)
        added = []
        for n in range(rows, rows + (1 if quick else 3)):
            _add(sources, n)
            added.append(fresh("rebuild", sources, dataset))
            _expect(added[-1], n + 1, done=None)
    told, unchanged, wall = (first["wall"],), _column(again, "wall"), _column(added, "wall")
    yield Line("first build, 2 workers", told, "s", rows, note=f"{first['parts']:,} parts, {SONGS} songs rendered")
    yield Line(
        "no-change rebuild, after import",
        unchanged,
        "s",
        rows,
        over(unchanged, told),
        "first build",
        f"<= {GOAL_SECONDS:g} (10,000 rows)",
        sorted(unchanged)[repeats // 2] <= GOAL_SECONDS if rows >= ROWS else None,
        f"CPU {sorted(_column(again, 'cpu'))[repeats // 2]:.2f} s",
    )
    imports = _column(again, "imported")
    yield Line("  importing what it needs", imports, "s", rows, over(imports, unchanged), "no-change rebuild")
    longest = sorted(again[-1]["stages"].items(), key=lambda s: -s[1])[:3]
    for name, seconds in longest:
        yield Line(f"  of it {name}", (seconds,), "s", rows, over((seconds,), unchanged), "no-change rebuild")
    steps = ", ".join(f"{name} {n}" for name, n in added[-1]["done"].items() if n)
    yield Line("one file more", wall, "s", rows + 1, over(wall, unchanged), "no-change rebuild", note=f"done: {steps}")
    for name, seconds in sorted(added[-1]["stages"].items(), key=lambda s: -s[1])[:4]:
        yield Line(f"  of it {name}", (seconds,), "s", rows + 1, over((seconds,), wall), "one file more")


def _column(runs: list[dict[str, Any]], name: str) -> tuple[float, ...]:
    return tuple(run[name] for run in runs)


def _expect(run: dict[str, Any], songs: int, done: int | None) -> None:
    if run["songs"] != songs or (done is not None and sum(run["done"].values()) != done):
        msg = f"{run['songs']} of {songs} songs came out, {run['done']} inputs were answered"
        raise RuntimeError(msg)


def _add(folder: Path, n: int) -> None:
    """Song number `n`: eight bars of piano over a bass, no two alike."""
    import symusic

    dice = random.Random(n)
    score = symusic.Score(480)
    score.tempos.append(symusic.Tempo(0, qpm=dice.randint(80, 140)))
    score.time_signatures.append(symusic.TimeSignature(0, 4, 4))
    for program, low, step in ((0, 60, 480), (33, 36, 960)):
        track = symusic.Track(program=program)
        for start in range(0, 8 * 4 * 480, step):
            track.notes.append(symusic.Note(start, step - 20, low + dice.randrange(24), 60 + dice.randrange(60)))
        score.tracks.append(track)
    file = folder / f"{n // 500:03d}" / f"song {n}.mid"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(bytes(score.dumps_midi()))


def main(sources: str, dataset: str) -> None:
    """Build once in this process; print what it took."""
    began = time.perf_counter()
    from motet.recipe import load
    from motet.run.build import build

    recipe = load("text-to-music").changed([f"sample.songs={SONGS}"])
    imported = time.perf_counter()
    used = cpu()
    run = build(recipe, [sources], dataset, workers=2)
    told = {
        "imported": imported - began,
        "wall": time.perf_counter() - imported,
        "cpu": cpu() - used,
        "songs": run.stages[2].rows_out,
        "parts": run.stages[3].rows_out,
        "done": {stage.name: stage.done_now for stage in run.stages},
        "stages": {stage.name: stage.seconds for stage in run.stages},
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
