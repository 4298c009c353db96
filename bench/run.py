"""Measure Motet beside the alternatives: ratios within one run, the losing ones too. `make bench`, or `--quick`."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from measure import Line

# Loaded one by one, when their turn comes: a worker process imports this file again, and shall pay for nothing else.
SUBJECTS = {
    "overhead": "What the engine adds to a stage",
    "rebuild": "Building again",
    "memory": "Memory of the driver",
    "midi_speed": "Reading MIDI, one core, CPU time",
    "truth": "How right the analyses of MIDI are",
    "duplicates_truth": "Planted duplicates, found again",
    "duplicates_soft": "Other arrangements of the same song",
    "duplicates_scale": "Duplicates at scale",
    "naming": "Songs named from their file names",
    "captions": "What the grammar writes",
    "claims": "Planted falsehoods in captions",
    "sound": "Sound, one core, CPU time",
    "renders": "Stems against their notes, on real files",
    "synths": "Our synth beside the players, one core, CPU time",
    "conformance": "Our synth beside fluidsynth: how alike they sound",
    "recordings": "Recordings: tempo, key, speed",
    "inventory": "Scanning a million files",
    "hashing": "Hashing files, beside plain threads",
    "painting": "Films painted, one core",
    "video_sync": "Notes seen where they sound",
    "film_located": "Songs heard in films",
    "film_aligned": "MIDI laid along performances",
    "film_shots": "Shots of films",
    "split_leaks": "Splits, and what crosses them",
    "planted_copies": "Edited copies planted across a corpus",
    "exports": "Exports beside a plain copy",
    "publishing": "Publishing small objects",
    "exploring": "The explorer's index of many clips",
    "explorer_page": "The explorer's page of 100,000 clips",
    "overlap": "Stages that overlap",
    "scale": "From a thousand files to a hundred thousand",
    "forecast": "What a dry run foretells, beside the real build",
    "peers": "Beside peers, each in its own environment",
}
LIBRARIES = ("symusic", "pretty_midi", "mido", "numpy", "pyarrow", "duckdb", "pebble", "numba", "tinysoundfont")
HEAD = f"{'':<45} {'median':>9} {'min':>9} {'max':>9} {'unit':<12} {'n':>7} {'reps':>4}  ratio, goal"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows and repeats; goals that need many are not judged")
    parser.add_argument("--only", nargs="+", choices=SUBJECTS, default=[*SUBJECTS], metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers here as well")
    chosen = parser.parse_args()
    # "One core" is meant: threads of linear algebra would count twice. Before anything loads numpy.
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    machine = _machine()
    print(f"{machine['platform']}, {machine['cores']} cores, load {machine['load']}, Python {machine['python']}")
    print(", ".join(f"{name} {number}" for name, number in machine["libraries"].items()))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as compiled:
        if sys.dont_write_bytecode:
            # Told not to keep compiled files, every fresh process would compile all it imports, and be timed for it.
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
            os.environ["PYTHONPYCACHEPREFIX"] = compiled
        lines = {subject: _measured(subject, chosen.quick) for subject in chosen.only}
    taken = time.monotonic() - began
    judged = [line for found in lines.values() for line in found if line.reached is not None]
    print(f"\n{sum(bool(line.reached) for line in judged)} of {len(judged)} goals reached, in {taken:.0f} s.")
    for line in judged:
        if not line.reached:
            print(f"missed: {line.name} (goal {line.goal})")
    if chosen.json:
        told = {name: [{**asdict(line), "median": line.figure} for line in found] for name, found in lines.items()}
        chosen.json.write_text(json.dumps({"machine": machine, "quick": chosen.quick, "seconds": taken, "lines": told}, indent=1))


def _measured(subject: str, quick: bool) -> list[Line]:
    print(f"\n{SUBJECTS[subject]}\n{HEAD}", flush=True)
    began = time.monotonic()
    lines = []
    for line in importlib.import_module(subject).measure(quick):
        lines.append(line)
        print(_printed(line), flush=True)
    print(f"({time.monotonic() - began:.0f} s)")
    return lines


def _machine() -> dict[str, Any]:
    return {
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": f"{os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _printed(line: Line) -> str:
    low, high = min(line.values), max(line.values)
    spread = " ".join(f"{_number(value):>9}" for value in (line.figure, low, high))
    figures = f"{spread} {line.unit:<12} {line.n:>7,} {len(line.values):>4}"
    tail = []
    if line.ratio is not None:
        tail.append(f"{_number(line.ratio)} x {line.peer}")
    if line.goal:
        tail.append(f"goal {line.goal}: {'not judged' if line.reached is None else 'yes' if line.reached else 'NO'}")
    if line.note:
        tail.append(f"({line.note})")
    return f"{line.name:<45} {figures}  {'  '.join(tail)}".rstrip()


def _number(value: float) -> str:
    """Three figures that matter, never in powers of ten."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 1 else f"{value:.3f}"


if __name__ == "__main__":
    main()
