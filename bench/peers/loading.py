"""Libraries that load MIDI files: time and memory, what each refuses, and where their counts and ends part from ours."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import Line, over
from peers import environments, given
from peers.table import Table
from peers.watching import SCRIPTS, watched

FILES, TIMED, REPEATS = 600, 120, 5
QUICK_FILES, QUICK_TIMED, QUICK_REPEATS = 40, 20, 2
SLOW_FILES, QUICK_SLOW_FILES = 16, 4  # where a file takes a second
OURS, SLOW = "motet", "music21"
PEERS = ("motet", "symusic", "pretty_midi", "mido", "miditoolkit", "music21")
REASONS = (
    "pretty_midi looks for tempi in the first track alone: where they stand in another, its ends are those of another tempo.",
    "pretty_midi ends all sounding notes of a pitch by one note-off, and passes over notes without length: its counts differ "
    "by a few.",
    "music21 quantises by default: its counts and ends are those of a score, not of the file.",
    "symusic counts tempi that repeat; why a few of its ends differ was not looked into.",
    "mido, and so pretty_midi and miditoolkit, stop at data bytes over 127 and at key signatures that there are not; pretty_midi "
    "refuses files without notes too. Motet reads such files without the bytes at fault and marks them as sanitised.",
)
NEAR = 0.001  # seconds
LONG = 1.0  # seconds; an end further off is another end, not another rounding


@dataclass
class _Told:
    """Of one library: what it said of each file, and its milliseconds a file by repeat."""

    said: list[Any]
    imported: tuple[float, ...]
    load: tuple[float, ...]
    facts: tuple[float, ...]
    tempo: tuple[float, ...]
    key: tuple[float, ...]
    peak_mb: float


def compare(quick: bool) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="mp-") as folder:
        files = given.lay(Path(folder) / "files", QUICK_FILES if quick else FILES)
        timed = files[: QUICK_TIMED if quick else TIMED]
        few = files[: QUICK_SLOW_FILES if quick else SLOW_FILES]
        lists = {}
        for name, some in (("all", files), ("timed", timed), ("few", few)):
            lists[name] = Path(folder) / f"{name}.txt"
            lists[name].write_text("\n".join(map(str, some)))
        yield from _compared(lists, len(files), len(timed), len(few), QUICK_REPEATS if quick else REPEATS, quick)


def _compared(lists: dict[str, Path], n: int, timed: int, few: int, repeats: int, quick: bool) -> Iterator[Table]:
    speed = Table(
        "Loading MIDI files, and their first facts",
        f"{timed} files drawn at random from a messy collection, one process; CPU milliseconds a file, median (least–most) of "
        f"{repeats} runs taken in turns. Facts are the number of notes, the end of the last one and the number of tempi; Motet "
        f"counts all that its stage `clean` needs. {SLOW} is given the first {few} files, and compared with Motet on those. "
        "Memory "
        f"is the process's peak after {n} files ({few} for {SLOW}), its imports included.",
        (
            "library",
            "version",
            "import, s",
            "load, ms",
            "facts, ms",
            "load and facts, × Motet",
            "tempo, ms",
            "key, ms",
            "memory, MB",
        ),
    )
    right = Table(
        "What the libraries make of the same files",
        f"{n} files ({few} for {SLOW}). Refused files raised an exception. Notes and ends are compared with Motet's where both "
        f"read the file; an end agrees within {NEAR * 1000:g} ms.",
        (
            "library",
            "refused",
            "by what",
            "same number of notes",
            "same end",
            f"end off by more than {LONG:g} s",
            "same number of tempi",
        ),
        notes=[*REASONS],
    )
    interpreters: dict[str, str | Path] = {OURS: sys.executable}
    for peer in PEERS[1:]:
        if quick and peer == SLOW:
            continue
        try:
            interpreters[peer] = environments.python(peer)
        except environments.Missing as missing:
            speed.skipped[peer] = str(missing)
    whole = {peer: _run(interpreters[peer], peer, lists["few" if peer == SLOW else "all"]) for peer in interpreters}
    turns: dict[str, list[dict[str, Any]]] = {peer: [] for peer in interpreters}
    ours_few: list[dict[str, Any]] = []
    for _ in range(repeats):
        for peer, interpreter in interpreters.items():
            turns[peer].append(_run(interpreter, peer, lists["few" if peer == SLOW else "timed"]))
        if SLOW in interpreters:
            ours_few.append(_run(sys.executable, OURS, lists["few"]))
    ours = _told(turns[OURS], whole[OURS])
    for peer in interpreters:
        told = _told(turns[peer], whole[peer])
        base = _told(ours_few, whole[OURS]) if peer == SLOW else ours
        both = tuple(a + b for a, b in zip(told.load, told.facts, strict=True))
        ratio = over(both, tuple(a + b for a, b in zip(base.load, base.facts, strict=True)))
        version = "this tree" if peer == OURS else environments.pinned(peer)
        tempo, key = (figures if max(figures) > 0.1 else None for figures in (told.tempo, told.key))
        speed.rows.append((peer, version, told.imported, told.load, told.facts, ratio, tempo, key, told.peak_mb))
        count = few if peer == SLOW else timed
        line = Line(
            f"{peer}: load and facts", both, "ms/file", count, None if peer == OURS else ratio, "motet" if peer != OURS else ""
        )
        speed.lines.append(line)
        right.rows.append(_agreement(peer, told.said, ours.said))
        refused = sum(isinstance(one, str) for one in told.said)
        right.lines.append(Line(f"{peer}: files refused", (refused,), "files", len(told.said)))
    yield speed
    yield right


def _run(interpreter: str | Path, peer: str, listed: Path) -> dict[str, Any]:
    run = watched([interpreter, SCRIPTS / "timed.py", f"load_{peer}", listed], timeout=600, whole=True)
    if not run.well:
        msg = f"{peer} ended with {run.rc}: {run.said[-2000:]}"
        raise RuntimeError(msg)
    told: dict[str, Any] = json.loads(run.said.splitlines()[-1])
    return told


def _told(turns: Sequence[dict[str, Any]], whole: dict[str, Any]) -> _Told:
    columns = [[1000 * statistics.fmean(step) for step in zip(*turn["times"], strict=True)] for turn in turns]
    load, facts, tempo, key = (tuple(column) for column in zip(*columns, strict=True))
    return _Told(whole["told"], tuple(turn["imported"] for turn in turns), load, facts, tempo, key, whole["peak_mb"])


def _agreement(peer: str, theirs: list[Any], ours: list[Any]) -> tuple[Any, ...]:
    pairs = [(a, b) for a, b in zip(theirs, ours, strict=False) if not isinstance(a, str) and not isinstance(b, str)]
    errors = Counter(one for one in theirs if isinstance(one, str))
    said = ", ".join(f"{count} {name}" for name, count in errors.most_common(4))
    off = [abs(a[1] - b[1]) for a, b in pairs]
    shares = (
        _share(sum(a[0] == b[0] for a, b in pairs), len(pairs)),
        _share(sum(gap <= NEAR for gap in off), len(pairs)),
        _share(sum(gap > LONG for gap in off), len(pairs)),
        _share(sum(a[2] == b[2] for a, b in pairs), len(pairs)),
    )
    return (peer, f"{errors.total()} of {len(theirs)}", said, *(("–",) * 4 if peer == OURS else shares))


def _share(hits: int, asked: int) -> str:
    return f"{hits / asked:.1%} ({hits} of {asked})" if asked else "–"
