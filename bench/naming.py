"""How well songs are named from file names: against an index of `clean_midi.txt`, by the judged list beside this file.

`names_judged.tsv` says of each row which lines of the index are right (people read every row and saw no answer of Motet's).
Where artist and title are known both are wanted; where only a title is, any artist's song of that title that was accepted. Names
of songs that are not in the index are wrong whatever is said. Files of equal bytes and name are counted once. The peer is the
seeds' way: the name cleaned, the first hit of a full-text search taken unchecked.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from pathlib import Path

import numpy as np

from measure import Line
from motet import midi, naming
from motet.naming.cleaning import last_first
from motet.naming.spelling import artist_key, plain

JUDGED = Path(__file__).with_name("names_judged.tsv")
COVERAGE, PRECISION, SECONDS = 0.75, 0.97, 60.0
WORST = 10

Key = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """`both` and `covers` are the accepted songs by artist and title keys: the right performer's, and others' of the song."""

    path: str
    what: str  # both | title
    file: Path
    both: frozenset[Key]
    covers: frozenset[Key]
    in_index: bool
    told: str

    @cached_property
    def titles(self) -> frozenset[str]:
        return frozenset(title for _, title in self.both | self.covers)


@dataclass(frozen=True)
class Answer:
    row: Row
    artist: str
    title: str
    level: str
    probability: float

    @property
    def named(self) -> bool:
        """Whether a name was given, as full as the row asks for."""
        return self.level == "artist and title" or (self.level == "title only" and self.row.what == "title")

    @property
    def right(self) -> bool:
        key = (artist_key(last_first(self.artist)), plain(self.title))
        if self.row.what == "both" and self.level == "artist and title":
            return key in self.row.both
        return key[1] in self.row.titles


def measure(quick: bool) -> Iterator[Line]:
    shared = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data"
    if not shared.is_dir():
        print(f"(no shared files at {shared}: set MOTET_SHARED)")
        return
    rows = list(_rows(shared))
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
        with naming.SongIndex(Path(folder) / "songs.sqlite") as index:
            began = time.process_time()
            index.add(shared / "lists/clean_midi.txt")
            yield Line("index of clean_midi.txt", (time.process_time() - began,), "s", len(index))
            for who, within in (("names alone", False), ("names and the files' own words", True)):
                ours = [_ours(row, index, within) for row in rows]
                yield from _lines(who, ours, judged=True)
                yield from _by_threshold(who, rows, ours)
                yield _calibration(who, ours)
            yield from _speed(shared, index, 2000 if quick else None)
        peer = _peer(shared)
        yield from _lines("the seeds' way", [peer(row) for row in rows], judged=False)
    for one in sorted((one for one in ours if one.named and not one.right), key=lambda one: -one.probability)[:WORST]:
        print(f"  wrong at {one.probability:.2f}: {one.row.path} -> {one.artist} - {one.title} (truth: {one.row.told})")
    for one in [one for one in ours if not one.named and one.row.in_index][:WORST]:
        print(f"  not named: {one.row.path} (truth: {one.row.told})")


def _rows(shared: Path) -> Iterator[Row]:
    """The judged rows, without those excluded and without repeats."""
    listed: dict[str, Key] = {}
    with (shared / "lists/clean_midi.txt").open(encoding="utf-8") as lines:
        for line in lines:
            number, artist, title = line.split("\t")[:3]
            listed[number] = (artist_key(last_first(artist)), plain(title))
    tables = {}
    for name, table in (("lakh-layout", "lakh-layout.tsv"), ("names", "names.tsv")):
        with (shared / "midi" / table).open(encoding="utf-8", newline="") as lines:
            tables[name] = list(csv.DictReader(lines, delimiter="\t"))
    seen = set()
    with JUDGED.open(encoding="utf-8", newline="") as lines:
        for told in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            source = tables[told["source"]][int(told["row"])]
            path = source["name_found_as"] if told["source"] == "lakh-layout" else source["path"]
            file = shared / "midi" / source["path"]
            digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else source["path"]
            if told["judged"] == "excluded" or (digest, Path(path).name) in seen:
                continue
            seen.add((digest, Path(path).name))
            right, _, others = told["accepted"].partition(";")
            both, covers = (frozenset(listed[n] for n in part.split(",") if n) for part in (right, others))
            name = " - ".join(filter(None, (told["artist"], told["title"])))
            yield Row(path, told["judged"], file, both, covers, told["in_index"] == "yes", name)


def _ours(row: Row, index: naming.SongIndex, within: bool) -> Answer:
    clues = naming.clues_of_path(row.path)
    if within:
        with suppress(midi.Unreadable):
            clues += naming.clues_of_midi(row.file.read_bytes())
    found = naming.identify(clues, index)
    if found.level == "unidentified":
        return Answer(row, found.guess_artist, found.guess_title, found.level, found.probability)
    return Answer(row, found.artist, found.title, found.level, found.probability)


def _lines(who: str, answers: list[Answer], judged: bool) -> Iterator[Line]:
    wanted = [one for one in answers if one.row.in_index]
    named = [one for one in answers if one.named]
    for what, some in (("", answers), ("; artist and title known", [one for one in answers if one.row.what == "both"])):
        there = [one for one in some if one.row.in_index]
        hits = sum(one.named for one in there)
        goal = f">= {COVERAGE}" if judged and not what else ""
        note = f"95 %: {_interval(hits, len(there))}"
        yield Line(
            f"{who}: named, of those in the index{what}",
            (hits / max(len(there), 1),),
            "of files",
            len(there),
            goal=goal,
            reached=hits >= COVERAGE * len(there) if goal else None,
            note=note,
        )
        given = [one for one in some if one.named]
        right = sum(one.right for one in given)
        goal = f">= {PRECISION}" if judged and not what else ""
        inside = [one for one in given if one.row.in_index]
        note = f"95 %: {_interval(right, len(given))}; of those in the index "
        note += f"{sum(one.right for one in inside) / max(len(inside), 1):.3f} of {len(inside)}"
        yield Line(
            f"{who}: right, of all named{what}",
            (right / max(len(given), 1),),
            "of names",
            len(given),
            goal=goal,
            reached=right >= PRECISION * len(given) if goal else None,
            note=note,
        )
    partly = [one for one in wanted if one.level == "title only" and one.row.what == "both"]
    right = sum(one.right for one in partly)
    yield Line(f"{who}: title only where both are known", (float(len(partly)),), "files", len(wanted), note=f"{right} right")
    absent = [one for one in named if not one.row.in_index]
    note = f"of {sum(not one.row.in_index for one in answers)}"
    yield Line(f"{who}: names for songs that are not in the index", (float(len(absent)),), "files", len(answers), note=note)


def _by_threshold(who: str, rows: list[Row], answers: list[Answer]) -> Iterator[Line]:
    """Precision at each coverage: the surest named, best guesses too, until so many of those in the index are."""
    ranked = sorted(answers, key=lambda one: -one.probability)
    inside = sum(row.in_index for row in rows)
    for share in (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9):
        taken, hits = [], 0
        for one in ranked:
            if hits >= share * inside:
                break
            taken.append(one)
            hits += one.row.in_index
        right = sum(one.right for one in taken)
        note = f"95 %: {_interval(right, len(taken))}"
        yield Line(f"{who}: the surest {share:.0%}, right", (right / len(taken),), "of names", len(taken), note=note)


def _calibration(who: str, answers: list[Answer]) -> Line:
    """How far the probabilities told are from the share that is right."""
    told = np.array([one.probability for one in answers])
    right = np.array([one.right for one in answers])
    apart = 0.0
    shown = []
    for low, high in ((0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01)):
        inside = (told >= low) & (told < high)
        if inside.any():
            apart += inside.sum() / len(told) * abs(told[inside].mean() - right[inside].mean())
            shown.append(f"{told[inside].mean():.2f} told, {right[inside].mean():.2f} right (n {inside.sum()})")
    return Line(f"{who}: told against right (ECE, 5 bins)", (float(apart),), "", len(told), note="; ".join(shown))


def _speed(shared: Path, index: naming.SongIndex, most: int | None) -> Iterator[Line]:
    with (shared / "film/midi_file_names.csv").open(encoding="utf-8", errors="replace", newline="") as lines:
        paths = [f"{row['directory']}/{row['filename']}" for row in csv.DictReader(lines)][:most]
    began = time.process_time()
    found = [naming.identify(naming.clues_of_path(path), index).level for path in paths]
    seconds = time.process_time() - began
    whole = most is None
    yield Line(
        f"{len(paths):,} names of a film study",
        (seconds,),
        "s",
        len(paths),
        goal=f"<= {SECONDS:g} s" if whole else "",
        reached=seconds <= SECONDS if whole else None,
        note=", ".join(f"{level} {found.count(level) / len(found):.3f}" for level in sorted(set(found))),
    )


def _peer(shared: Path):  # type: ignore[no-untyped-def]
    """The name cleaned by rules, and the first hit of a full-text search."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE songs USING fts5(artist, title)")
    with (shared / "lists/clean_midi.txt").open(encoding="utf-8") as lines:
        database.executemany("INSERT INTO songs VALUES (?, ?)", (line.split("\t")[1:3] for line in lines))

    def answer(row: Row) -> Answer:
        name = re.sub(r"(?i)(\.(mid|midi|kar))+$", "", Path(row.path.replace("\\", "/")).name)
        name = re.sub(r"([a-z])([A-Z])", r"\1 \2", re.sub(r"[\W_]+|\d+", " ", name))
        kept = [w for w in name.split() if w.lower() not in ("k", "kar", "karaoke", "midi", "mid", "live", "remix", "version")]
        query = " ".join(json.dumps(word) for word in kept)
        sql = "SELECT artist, title FROM songs WHERE songs MATCH ? ORDER BY rank LIMIT 1"
        found = database.execute(sql, (query,)).fetchone() if query else None
        return Answer(row, *(found or ("", "")), "artist and title" if found else "unidentified", float(found is not None))

    return answer


def _interval(hits: int, of: int) -> str:
    """Wilson's 95 % interval of a share."""
    if not of:
        return "-"
    share, z = hits / of, 1.96
    middle, half = share + z * z / (2 * of), z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return f"{(middle - half) / (1 + z * z / of):.3f} to {(middle + half) / (1 + z * z / of):.3f}"
