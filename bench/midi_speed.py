"""Reading MIDI: the whole `clean` stage beside libraries that merely load the same files."""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import mido
import pretty_midi

from measure import Line, fresh, over
from motet import demo, files, midi
from motet.dataset.rows import File
from motet.midi.events import Event, Events, write
from motet.stages.clean import Clean, clean, read_source
from motet.stages.scan import Scan, scan

CLEAN_GOAL, FACTS_GOAL = 20.0, 10.0
MANY_NOTES = 1_000_000
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
    yield from _memory(quick)
    yield _many_notes(quick)


def _roots(folder: Path) -> tuple[list[Path], str]:
    shared = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "midi"
    if shared.is_dir():
        return sorted(p for p in shared.iterdir() if p.is_dir() and p.name not in CRAFTED), "real files, drawn at random"
    demo.write(folder / "demo")
    return [folder / "demo"], "the demo tunes"


def _scanned(roots: list[Path], folder: Path) -> list[File]:
    """The plain files: those in archives would have to be unpacked for the others."""
    tools = SimpleNamespace(cache=folder)
    found = [row for verdict in scan.function(sources=roots, settings=Scan(), tools=tools) for row in verdict.rows]
    return [row for row in found if row.member < 0]


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


def _all_facts(data: bytes) -> None:
    """Reading, all facts, sections and words, as the stage `midi_facts` does."""
    try:
        song = midi.Passage.whole(midi.read(data))
        midi.describe_sections(song, midi.describe(song))
        midi.words(data)
    except midi.Unreadable:
        return


def _compare(given: list[File], repeats: int, note: str, judged: bool) -> Iterator[Line]:
    settings = Clean()
    clean_all = [_per_file(lambda f: clean.function(f, settings), given) for _ in range(repeats)]
    facts_all = [_per_file(lambda f: _all_facts(read_source(f)), given) for _ in range(repeats)]
    slow = {"pretty_midi": _pretty_midi, "mido": _mido}
    fewer = min(repeats, 3)
    others = {name: [_per_file(load, given) for _ in range(fewer)] for name, load in slow.items()}
    ours, facts = _rates(clean_all), _rates(facts_all)
    yield Line("clean, the whole stage", ours, "files/s", len(given), note=note)
    yield Line("reading, all facts, sections and words", facts, "files/s", len(given))
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
            goal=f"clean >= {CLEAN_GOAL:g} x as fast" if goal else "",
            reached=ratio >= CLEAN_GOAL if goal and judged else None,
            note=f"clean is {ratio:.1f} x as fast",
        )
    theirs_rate = _rates(others["pretty_midi"])
    ratio = over(facts, theirs_rate)
    yield Line(
        "the same, beside reading and all facts",
        theirs_rate,
        "files/s",
        len(given),
        ratio=1 / ratio,
        peer="all facts",
        goal=f"all facts >= {FACTS_GOAL:g} x as fast",
        reached=ratio >= FACTS_GOAL if judged else None,
        note=f"all facts are {ratio:.1f} x as fast",
    )
    # Per file, the best of the repeats on both sides: which files gain least.
    theirs = [min(taken) for taken in zip(*others["pretty_midi"], strict=True)]
    for name, runs, wanted in (("clean", clean_all, CLEAN_GOAL), ("all facts", facts_all, FACTS_GOAL)):
        best = [min(taken) for taken in zip(*runs, strict=True)]
        gains = tuple(t / b for t, b in zip(theirs, best, strict=True))
        worst = given[gains.index(min(gains))]
        lost = sum(gain < wanted for gain in gains)
        note = f"spread over files; {lost} below {wanted:g} x; least: {worst.path} ({worst.size:,} bytes)"
        yield Line(f"gain of {name} on each file", gains, "x", len(given), note=note)


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
        "midi.describe": lambda f: midi.describe(midi.Passage.whole(scores[f.id])),
        "midi.sections": lambda f: midi.sections(midi.Passage.whole(scores[f.id])),
        "midi.words": lambda f: midi.words(data[f.id]),
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


def _memory(quick: bool) -> Iterator[Line]:
    """Peak memory of one process over the first files, and over many: all facts of each."""
    few, many = (20, 100) if quick else (200, 2000)
    told = fresh("midi_speed", few, many)
    yield Line("memory after all facts of the first files", (told["few"],), "MB", few)
    yield Line(
        "memory after all facts of many files",
        (told["many"],),
        "MB",
        told["files"],
        ratio=told["many"] / told["few"],
        peer="that",
        goal="flat: at most 1.2 x",
        reached=None if quick else told["many"] <= 1.2 * told["few"],
        note="in use when each was done, highest of the last tenth",
    )


def _many_notes(quick: bool) -> Line:
    """A song of a million notes on 16 tracks."""
    count = MANY_NOTES // (20 if quick else 1)
    tracks = []
    for track in range(16):
        events: list[Event] = []
        for note in range(count // 16):
            pitch = bytes((36 + (note * 7 + track * 5) % 60,))
            events += [(note * 60, 0x90 | track, pitch + b"\x50"), (note * 60 + 50, 0x80 | track, pitch + b"\x00")]
        tracks.append(events)
    data = write(Events(1, 480, tracks))
    taken = []
    for _ in range(1 if quick else 3):
        began = time.process_time()
        song = midi.Passage.whole(midi.read(data))
        midi.describe_sections(song, midi.describe(song))
        midi.words(data)
        taken.append(time.process_time() - began)
    note = f"{len(song.score.notes):,} notes, {len(data):,} bytes"
    reached = None if quick else max(taken) <= 10
    return Line("all facts of a file with a million notes", tuple(taken), "s", 1, goal="<= 10 s", reached=reached, note=note)


def _in_use() -> float:
    """Resident memory of this process now, in MB (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _watch_memory(few: int, many: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
        roots, _ = _roots(Path(folder))
        every = _scanned(roots, Path(folder))
    picked = [every[at % len(every)] for at in random.Random(SEED).sample(range(max(len(every), many)), many)]
    used = []
    for file in picked:
        _all_facts(read_source(file))
        used.append(_in_use())
    return {"few": max(used[few * 9 // 10 : few]), "many": max(used[many * 9 // 10 :]), "files": many}


if __name__ == "__main__":
    print(json.dumps(_watch_memory(int(sys.argv[1]), int(sys.argv[2]))))
