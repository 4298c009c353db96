"""Reading MIDI: the whole `clean` stage beside libraries that merely load the same files."""

from __future__ import annotations

import os
import random
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import mido
import pretty_midi

from measure import Line, over
from motet import demo, files, midi
from motet.dataset.rows import File
from motet.stages.clean import Clean, clean, read_source
from motet.stages.scan import Scan, scan

GOAL = 20.0
SEED = 0
CRAFTED = ("broken", "odd")  # made to break readers; not what a collection is like


def measure(quick: bool) -> Iterator[Line]:
    wanted, repeats = (20, 3) if quick else (150, 5)
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
        roots, origin = _roots(Path(folder))
        every = _scanned(roots, Path(folder))
        picked = random.Random(SEED).sample(every, min(len(every), wanted))
        loaded = [file for file in picked if _loads(file)]
        note = f"{origin}; left out {len(picked) - len(loaded)} of {len(picked)} that pretty_midi or mido cannot load"
        yield from _compare(loaded, repeats, note, judged=not quick)
        yield from _steps(loaded, repeats)


def _roots(folder: Path) -> tuple[list[Path], str]:
    shared = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "midi"
    if shared.is_dir():
        return sorted(p for p in shared.iterdir() if p.is_dir() and p.name not in CRAFTED), "real files, drawn at random"
    demo.write(folder / "demo")
    return [folder / "demo"], "the demo tunes"


def _scanned(roots: list[Path], folder: Path) -> list[File]:
    """The plain files: those in archives would have to be unpacked for the others."""
    tools = SimpleNamespace(cache=folder)
    found = [verdict.row for verdict in scan.function(sources=roots, settings=Scan(), tools=tools)]
    return [row for row in found if row is not None and row.member < 0]


def _loads(file: File) -> bool:
    try:
        _pretty_midi(file)
        _mido(file)
    except Exception:  # noqa: BLE001 - a reader may raise anything at all on a damaged file
        return False
    return True


def _pretty_midi(file: File) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pretty_midi.PrettyMIDI(files.on_disk(file.location))


def _mido(file: File) -> None:
    mido.MidiFile(files.on_disk(file.location))


def _compare(given: list[File], repeats: int, note: str, judged: bool) -> Iterator[Line]:
    settings = Clean()
    clean_all = [_per_file(lambda f: clean.function(f, settings), given) for _ in range(repeats)]
    slow = {"pretty_midi": _pretty_midi, "mido": _mido}
    fewer = min(repeats, 3)
    others = {name: [_per_file(load, given) for _ in range(fewer)] for name, load in slow.items()}
    ours = _rates(clean_all)
    yield Line("clean, the whole stage", ours, "files/s", len(given), note=note)
    for name, runs in others.items():
        ratio = over(ours, _rates(runs))
        goal = name == "pretty_midi"
        yield Line(
            f"{name}, loading only",
            _rates(runs),
            "files/s",
            len(given),
            ratio=1 / ratio,
            peer="clean",
            goal=f"clean >= {GOAL:g} x as fast" if goal else "",
            reached=ratio >= GOAL if goal and judged else None,
            note=f"clean is {ratio:.1f} x as fast",
        )
    # Per file, the best of the repeats on both sides: which files gain least.
    best = [min(taken) for taken in zip(*clean_all, strict=True)]
    theirs = [min(taken) for taken in zip(*others["pretty_midi"], strict=True)]
    gains = tuple(t / b for t, b in zip(theirs, best, strict=True))
    worst = given[gains.index(min(gains))]
    lost = sum(gain < GOAL for gain in gains)
    note = f"spread over files; {lost} below {GOAL:g} x; least: {worst.path} ({worst.size:,} bytes)"
    yield Line("clean's gain on each file", gains, "x", len(given), note=note)


def _steps(given: list[File], repeats: int) -> Iterator[Line]:
    """What `clean` is made of, and the splitting that follows it; without the files our reader drops."""
    stage = _rates([_per_file(lambda f: clean.function(f, Clean()), given) for _ in range(repeats)])
    data = {file.id: read_source(file) for file in given}
    scores = {}
    for file in given:
        try:
            scores[file.id] = midi.read(data[file.id])
        except midi.Unreadable:
            continue
    kept = [file for file in given if file.id in scores]
    steps: dict[str, Callable[[File], object]] = {
        "read bytes, check hash": read_source,
        "midi.read": lambda f: midi.read(data[f.id]),
        "midi.facts": lambda f: midi.facts(scores[f.id]),
        "midi.notes_digest (in facts)": lambda f: midi.notes_digest(scores[f.id]),
        "midi.split": lambda f: midi.split(data[f.id]),
    }
    for name, step in steps.items():
        rates = _rates([_per_file(step, kept) for _ in range(repeats)])
        yield Line(f"  {name}", rates, "files/s", len(kept), over(rates, stage), "clean")


def _per_file(work: Callable[[File], object], given: list[File]) -> list[float]:
    """CPU seconds of each file, in this one thread."""
    taken = []
    for file in given:
        began = time.process_time_ns()
        work(file)
        taken.append((time.process_time_ns() - began) / 1e9)
    return taken


def _rates(runs: list[list[float]]) -> tuple[float, ...]:
    return tuple(len(taken) / sum(taken) for taken in runs)
