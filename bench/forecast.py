"""What a dry run foretells, beside what the real build then takes: MIDI files and recordings.

The real build is measured once, row by row. Then samples are drawn by many seeds from what was measured, as a dry run draws
them: how far is the estimate off, and how often does its interval, meant for nine in ten, hold the truth? A few dry runs are made
in full as well, with files really tried.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from measure import Line

SHARED = Path(os.environ.get("MOTET_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data"
LETS = {"scan": {}, "clean": {}, "fingerprint": {}, "midi_facts": {}, "split_parts": {}}
RENDERED = {
    **LETS,
    "render_stems": {"rate": 8000, "synth": "tiny"},
    "mix_stems": {},
    "segment": {},
    "write_captions": {},
    "check_captions": {},
}
RECORDED = {"gather": {}, "decode": {}, "separate": {"method": "none"}, "chunk": {}, "audio_facts": {}}
FIGURES = ("rows", "cpu", "media")


def measure(quick: bool) -> Iterator[Line]:
    seeds = 20 if quick else 200
    midi = SHARED / "midi"
    cases: list[tuple[str, dict[str, Any], list[Path], int]] = [
        ("MIDI, up to parts", LETS, [midi / "artist-title"] if quick else [midi / "messy", midi / "artist-title"], 2),
        ("MIDI, rendered", RENDERED, [midi / "free" / "openscore-lieder"] if quick else [midi / "free"], 0 if quick else 1),
        ("recordings", RECORDED, [SHARED / "audio"], 1),
    ]
    for name, stages, sources, full in cases:
        there = [str(source) for source in sources if source.exists()]
        if there:
            yield from compared(name, stages, there, seeds, 0 if quick else full)


def compared(name: str, stages: dict[str, Any], sources: Sequence[str], seeds: int, full: int) -> Iterator[Line]:
    """Estimate over truth for rows of the last stage, processor seconds and bytes of media."""
    from motet.forecasting.drawing import Frame, walked
    from motet.forecasting.forecast import forecast, scaled
    from motet.forecasting.trial import Gauge, Trial, seen
    from motet.recipe import parse
    from motet.run.build import build
    from motet.run.engine import LocalEngine

    recipe = parse({"name": "bench", "stages": [{stage: settings} for stage, settings in stages.items()]}, "bench")
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as top:
        data, scratch = Path(top) / "data", Path(top) / "scratch"
        scratch.mkdir()
        with LocalEngine(2) as engine:
            gauge = Gauge(engine, recipe, data, data)
            run = build(recipe, list(sources), data, engine=gauge, seed=0)
        measured = list(seen(recipe, run, data, gauge))
        truth = {
            "rows": float(run.stages[-1].rows_out),
            "cpu": sum(outcome.seconds for outcome in gauge.outcomes.values()),
            "media": float(sum(outcome.media_bytes for outcome in gauge.outcomes.values())),
        }
        found = walked(recipe.steps[0], list(sources), data, scratch, {}, 0)
        for drawn in (20, 60):
            for plain in (False, True) if drawn == 20 else (False,):
                ratios: dict[str, list[float]] = {figure: [] for figure in FIGURES}
                held = dict.fromkeys(FIGURES, 0)
                of = 0
                for seed in range(seeds):
                    frame = Frame(scratch, recipe.steps[0], None, drawn, seed)
                    strata = frame.strata(max(frame.depths()))
                    if plain:
                        strata = _unstratified(scratch, strata, drawn, seed)
                    trial = Trial(found, strata, measured)
                    of = sum(stratum.contents for stratum in strata)
                    told, sums, _ = scaled(trial, None, 2)
                    for figure in FIGURES:
                        guess = told[-1].rows if figure == "rows" else sums[figure]
                        if truth[figure]:
                            ratios[figure].append(guess.likely / truth[figure])
                            held[figure] += guess.low <= truth[figure] <= guess.high
                how = "drawn evenly" if plain else "by size"
                for figure, values in ratios.items():
                    if values:
                        note = f"{of:,} files, {drawn} {how}; held by {held[figure] / seeds:.0%} of {seeds} intervals"
                        yield Line(f"{name}: {figure}, estimate/truth", tuple(values), "", seeds, note=note)
        for seed in range(full):
            told = forecast(recipe, list(sources), Path(top) / "other", workers=2, seed=seed)
            for figure in FIGURES:
                guess = told.stages[-1].rows if figure == "rows" else getattr(told, figure)
                if truth[figure]:
                    note = f"tried in full, {told.sampled} of {told.of:,}, {told.trial_seconds:.0f} s: "
                    note += (
                        "held" if guess.low <= truth[figure] <= guess.high else f"not held: {guess.low:.3g} to {guess.high:.3g}"
                    )
                    yield Line(f"{name}: {figure}, estimate/truth", (guess.likely / truth[figure],), "", 1, note=note)


def _unstratified(scratch: Path, strata: Sequence[Any], drawn: int, seed: int) -> list[Any]:
    """As many files drawn without a look at their size: what the strata are measured against."""
    import random

    import pyarrow.parquet as pq

    from motet.forecasting.drawing import Stratum

    rows = pq.read_table(scratch / "found.parquet", columns=["sha256", "id"]).to_pylist()
    ids = sorted({row["sha256"]: row["id"] for row in sorted(rows, key=lambda row: row["id"], reverse=True)}.values())
    return [Stratum(len(ids), len(rows), tuple(random.Random(seed).sample(ids, min(len(ids), drawn))))]


if __name__ == "__main__":
    import sys

    for line in measure("--quick" in sys.argv):
        values = sorted(line.values)
        middle, last = values[len(values) // 2], values[-1]
        print(json.dumps({"name": line.name, "median": middle, "min": values[0], "max": last, "note": line.note}), flush=True)
