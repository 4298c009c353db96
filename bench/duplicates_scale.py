"""How the search for duplicates grows with the collection: time, memory and candidates per file at 1k, 10k and 100k files.

There are not so many real files here. The first are real; of the others a third are earlier ones again, transposed, thinned
or cut, and the rest are new songs: real ones, or halves of two real ones in a row, with the pitch classes bent at random, the
passages in another order, upside down or backwards. All are made in memory, and the time
that takes is left out. Both halves of the mixture differ from a real collection: more are duplicates, which are dear to judge;
and new songs share patterns by chance with fewer others than real ones do, 0.5 pairs a file instead of 1.2 among 1,500.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import psutil

from measure import Line, fresh
from motet import demo, duplicates, midi
from motet.duplicates.candidates import PARTNERS
from motet.duplicates.patterns import DRUMS, SCALE, Voices

SIZES, QUICK = (1000, 10_000, 100_000), (200, 1000)
GROWTH, MINUTES, GIGABYTES = 1.15, 15, 4.0
REAL = 1500  # files that are read
COPIES = 5000
NEW = 1000  # files that come later
WORKERS = 2
PASSAGE = 16 * SCALE  # four bars
SUFFIXES = {".mid", ".midi", ".kar"}
BENT = (-2, -1, 0, 1, 2)  # semitones by which a pitch class may move
FOLDERS = ("messy", "lakh-layout", "artist-title", "free")


def measure(quick: bool) -> Iterator[Line]:
    sizes = QUICK if quick else SIZES
    told = {}
    for size in sizes:
        told[size] = fresh("duplicates_scale", size)
        yield from _lines(size, told[size])
    few, many = sizes[0], sizes[-1]
    slope = math.log(_minutes(told[many]) / _minutes(told[few])) / math.log(many / few)
    yield Line(
        f"growth of time from {few:,} to {many:,} files",
        (slope,),
        "power of n",
        many,
        goal=f"<= {GROWTH}",
        reached=None if quick else slope <= GROWTH,
    )
    copies = fresh("duplicates_scale", 2 * (COPIES // 25 if quick else COPIES), "copies")
    yield from _lines_of_copies(copies)


def _minutes(told: dict[str, Any]) -> float:
    """On two cores: files are read in both, candidates found in one, and judged in both."""
    read = told["files"] * told["per_file"] / WORKERS
    return float(read + told["candidates_s"] + told["judge_s"] + told["clusters_s"]) / 60


def _lines(size: int, told: dict[str, Any]) -> Iterator[Line]:
    big = size == SIZES[-1]
    yield Line(
        f"{size:,} files: read, patterns, sketch, pack", (told["per_file"] * 1e3,), "ms/file", told["read"], note="CPU time"
    )
    note = f"largest of a file {told['largest']}"
    yield Line(f"{size:,} files: candidates", (told["candidates"] / size,), "pairs/file", size, note=note)
    yield Line(f"{size:,} files: finding candidates", (told["candidates_s"],), "s", size)
    note = f"{told['hard']:,} hard, {told['soft']:,} soft; {told['judge_s'] / max(told['candidates'], 1) * 1e3:.2f} ms a pair"
    yield Line(f"{size:,} files: judging candidates, {WORKERS} processes", (told["judge_s"],), "s", told["candidates"], note=note)
    note = f"{told['clusters']:,} clusters, the largest of {told['widest']}; {told['asked']:,} more pairs judged"
    yield Line(f"{size:,} files: clusters", (told["clusters_s"],), "s", size, note=note)
    yield Line(
        f"{size:,} files: all, on two cores",
        (_minutes(told),),
        "minutes",
        size,
        goal=f"<= {MINUTES} minutes" if big else "",
        reached=_minutes(told) <= MINUTES if big else None,
        note="wall time; reading is CPU time halved",
    )
    yield Line(
        f"{size:,} files: peak memory",
        (told["peak"],),
        "GB",
        size,
        goal=f"<= {GIGABYTES:g} GB" if big else "",
        reached=told["peak"] <= GIGABYTES if big else None,
        note="all processes together",
    )
    note = f"candidates {told['candidates_later_s']:.1f} s, judging {told['judged_later']:,} pairs {told['judge_later_s']:.1f} s"
    later = told["candidates_later_s"] + told["judge_later_s"] + told["new"] * told["per_file"] / WORKERS
    yield Line(f"{told['new']:,} new files to {size:,} known ones", (later,), "s", told["new"], note=note)


def _lines_of_copies(told: dict[str, Any]) -> Iterator[Line]:
    half = told["files"] // 2
    name = f"{half:,} copies among {half:,} others"
    note = f"largest of a file {told['largest']}"
    mean = told["candidates"] / told["files"]
    yield Line(
        f"{name}: candidates",
        (mean,),
        "pairs/file",
        told["files"],
        goal=f"<= {PARTNERS}",
        reached=mean <= PARTNERS,
        note=note,
    )
    yield Line(f"{name}: finding candidates", (told["candidates_s"],), "s", told["files"])
    yield Line(f"{name}: judging candidates, {WORKERS} processes", (told["judge_s"],), "s", told["candidates"])
    note = f"{told['clusters']:,} clusters, the largest of {told['widest']}; {told['asked']:,} more pairs judged"
    yield Line(f"{name}: clusters", (told["clusters_s"],), "s", told["files"], note=note)


# In a process of its own


@dataclass
class Collection:
    """Songs by number, made when asked for; `spent` counts the seconds of that."""

    real: list[Voices]
    copied: int = 0  # so many of the first are copies of one song
    spent: float = field(default=0.0)

    def song(self, number: int) -> Voices:
        began = time.process_time()
        made = self._made(number)
        self.spent += time.process_time() - began
        return made

    def _made(self, number: int) -> Voices:
        chance = np.random.default_rng(number)
        if number < self.copied:
            return _again(self.real[0], chance)
        number -= self.copied
        if number < len(self.real):
            return self.real[number]
        if chance.random() < 1 / 3:
            return _again(self._made(self.copied + int(chance.integers(number))), chance)
        one, other = (self.real[int(at)] for at in chance.integers(len(self.real), size=2))
        if chance.random() < 0.5:
            return _bent(one, chance)
        return _joined(_bent(_half(one, chance), chance), _bent(_half(other, chance), chance))


def _again(song: Voices, chance: np.random.Generator) -> Voices:
    """A copy: transposed, or a seventh of the notes left out, or four bars cut."""
    notes = song.notes.copy()
    way = chance.integers(3)
    if way == 0:
        pitched = _pitched(song)
        notes["pitch"][pitched] = np.clip(notes["pitch"][pitched].astype(np.int64) + chance.integers(1, 7), 0, 127)
        notes = notes[chance.random(len(notes)) > 0.01]
    elif way == 1:
        notes = notes[chance.random(len(notes)) > 1 / 7]
    else:
        begin = chance.integers(notes["start"].max() + 1)
        notes = notes[(notes["start"] < begin) | (notes["start"] >= begin + 16 * SCALE)]
        notes["start"][notes["start"] >= begin] -= 16 * SCALE
    return Voices(notes, song.programs, song.quarter) if len(notes) else song


def _half(song: Voices, chance: np.random.Generator) -> Voices:
    """Half of its time, from any quarter note on."""
    length = int(song.notes["start"].max()) // 2 + 1
    begin = int(chance.integers(length)) // SCALE * SCALE
    notes = song.notes[(song.notes["start"] >= begin) & (song.notes["start"] < begin + length)].copy()
    notes["start"] -= begin
    return Voices(notes, song.programs, song.quarter)


def _bent(song: Voices, chance: np.random.Generator) -> Voices:
    """Another song of the same rhythms: each pitch class moved by up to two semitones, passages in another order,
    perhaps upside down or backwards."""
    pitches = np.arange(128) + chance.choice(BENT, 12)[np.arange(128) % 12]
    pitches = np.clip(127 - pitches if chance.random() < 0.5 else pitches, 0, 127).astype(np.uint8)
    notes = song.notes.copy()
    pitched = _pitched(song)
    notes["pitch"][pitched] = pitches[notes["pitch"][pitched]]
    if len(notes):
        passages = notes["start"] // PASSAGE
        notes["start"] += (chance.permutation(int(passages.max()) + 1)[passages] - passages).astype(np.int32) * PASSAGE
        if chance.random() < 0.5:
            notes["start"] = notes["start"].max() - notes["start"]
    return _sorted(notes, song.programs, song.quarter)


def _joined(one: Voices, other: Voices) -> Voices:
    """One song after another, each with its own voices."""
    voices = min(len(one.programs), 127)
    first, second = one.notes[one.notes["voice"] < voices], other.notes[other.notes["voice"] < 127].copy()
    second["voice"] += voices
    second["start"] += first["start"].max(initial=0) + SCALE
    return _sorted(np.concatenate([first, second]), one.programs[:voices] + other.programs[:127], one.quarter)


def _sorted(notes: Any, programs: tuple[int, ...], quarter: float) -> Voices:
    return Voices(notes[np.lexsort((notes["start"], notes["voice"]))], programs, quarter)


def _pitched(song: Voices) -> Any:
    return np.array(song.programs, np.int64)[song.notes["voice"]] != DRUMS


def real(folder: Path, wanted: int) -> tuple[list[Voices], float]:
    """Different real songs, or the demo's tunes, drawn at random, and the CPU seconds of a file from bytes to fingerprint."""
    shared = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "midi"
    roots = [shared / name for name in FOLDERS] if shared.is_dir() else [folder]
    if not shared.is_dir():
        demo.write(folder)
    paths = sorted(path for root in roots for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    random.Random(0).shuffle(paths)
    songs: dict[str, Voices] = {}
    taken = []
    for path in paths:
        if len(songs) == wanted:
            break
        began = time.process_time()
        try:
            score = midi.read(path.read_bytes())
        except midi.Unreadable:
            continue
        voices = duplicates.voices(score)
        duplicates.sketch(duplicates.patterns(voices))
        voices.pack()
        taken.append(time.process_time() - began)
        if len(voices.notes) >= 100 and _pitched(voices).any():
            songs.setdefault(midi.notes_digest(score), voices)
    return list(songs.values()), sum(taken) / len(taken)


def main(size: int, copied: int) -> None:
    """Search among so many songs, then with a hundredth more or 1,000, and print what it took as JSON."""
    peak = Peak()
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as name, duplicates.Notes(Path(name) / "notes") as notes:
        # Real files are as large a part of any collection, as far as there are enough.
        found, per_file = real(Path(name), min(REAL, size // 5))
        songs = Collection(found, copied)
        new = min(NEW, size // 100)
        entries: list[duplicates.Entry] = []

        def made() -> Iterator[tuple[int, bytes]]:
            for number in range(size + new):
                song = songs.song(number)
                digest = hashlib.sha256(str(number).encode()).hexdigest()
                entries.append(duplicates.Entry(digest, duplicates.sketch(duplicates.patterns(song))))
                yield number, song.pack()

        notes.write(made())
        known: dict[tuple[str, str], duplicates.Likeness | None] = {}
        candidates_s, judge_s, pairs = _searched(entries[:size], notes, known)
        candidates = list(known)
        search = duplicates.Search(entries[:size], lambda wanted: notes.judged(wanted, WORKERS), known)

        def same(one: int, other: int) -> bool:
            likeness = search.judge(one, other)
            return likeness is not None and likeness.level == "hard"

        began = time.perf_counter()
        hard = [(pair.first, pair.second) for pair in pairs if pair.likeness.level == "hard"]
        groups = duplicates.clusters([(at,) for at in range(size)], hard, same)
        clusters_s = time.perf_counter() - began
        before = len(known)
        candidates_later_s, judge_later_s, _ = _searched(entries, notes, known)
    print(
        json.dumps(
            {
                "files": size,
                "new": new,
                "read": len(found),
                "per_file": per_file,
                "candidates": len(candidates),
                "largest": max(Counter(song for pair in candidates for song in pair).values(), default=0),
                "candidates_s": candidates_s,
                "judge_s": judge_s,
                "candidates_later_s": candidates_later_s,
                "judge_later_s": judge_later_s,
                "judged_later": len(known) - before,
                "hard": len(hard),
                "soft": len(pairs) - len(hard),
                "clusters": len(groups),
                "widest": max(map(len, groups), default=0),
                "asked": before - len(candidates),
                "clusters_s": clusters_s,
                "peak": peak.bytes / (1 << 30),
            }
        )
    )


def _searched(
    entries: list[duplicates.Entry], notes: duplicates.Notes, known: dict[tuple[str, str], duplicates.Likeness | None]
) -> tuple[float, float, list[duplicates.Pair]]:
    """The seconds it takes to find candidates, and to judge those not known, and the pairs."""
    judge_s = 0.0

    def judged(pairs: Sequence[tuple[int, int]]) -> Iterator[duplicates.Likeness | None]:
        nonlocal judge_s
        began = time.perf_counter()
        yield from notes.judged(pairs, WORKERS)
        judge_s += time.perf_counter() - began

    began = time.perf_counter()
    pairs = list(duplicates.Search(entries, judged, known).pairs())
    return time.perf_counter() - began - judge_s, judge_s, pairs


class Peak(Thread):
    """The most memory that this process and those it starts hold together, looked at five times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.bytes = 0
        self.start()

    def run(self) -> None:
        whole = psutil.Process()
        while True:
            held = 0
            for one in (whole, *whole.children(recursive=True)):
                with suppress(psutil.Error):
                    held += one.memory_info().rss
            self.bytes = max(self.bytes, held)
            time.sleep(0.2)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[1]) // 2 if sys.argv[2:] == ["copies"] else 0)
