"""Edited copies of real songs under names that tell nothing, and which of them `motet build symbolic` puts into two splits.

By itself: `python bench/planted_copies.py`, or `--quick`; `--keep FOLDER` leaves what was built. Judged from outside: files go
in, the command is run, and only the tables are read. The edits are made here and share no code with those of `planted.py`.
Songs are taken for distinct when neither their titles nor their tunes agree, by a measure of this file.

A planted pair is a song and its copy (of a medley: two pairs). It is missed when `duplicates` links the two neither directly nor
through others, and it crosses when both are live and placed in two splits. Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import symusic

from measure import Line

SONGS = 480
SHARES = {"0.6/0.2/0.2": (0.6, 0.2, 0.2), "0.9/0.05/0.05": (0.9, 0.05, 0.05)}
NAMES = ("train", "validation", "test")
LEAST_NOTES, LEAST_SECONDS, MOST_SECONDS = 80, 15.0, 840.0
GRAM, ALIKE = 7, 0.12  # steps of a tune in a row; share of the smaller tune from which two songs are not distinct
ARRANGED = "other arrangement (POP909)"


# Notes, as this file sees them


@dataclass(frozen=True)
class Note:
    start: int
    end: int
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Part:
    program: int
    drums: bool
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Song:
    division: int
    tempi: tuple[tuple[int, float], ...]  # tick, quarters a minute
    parts: tuple[Part, ...]

    @property
    def end(self) -> int:
        return max(note.end for part in self.parts for note in part.notes)

    @property
    def seconds(self) -> float:
        taken, at, pace = 0.0, 0, 120.0
        for tick, tempo in (*self.tempi, (self.end, 0.0)):
            taken += (min(tick, self.end) - at) / self.division * 60 / pace
            at, pace = min(tick, self.end), tempo or pace
        return taken


def read(file: Path) -> Song | None:
    """None where it is no song to plant: not readable here, too short, too long or with too few pitched notes."""
    try:
        score: Any = symusic.Score(file)
    except (RuntimeError, ValueError):
        return None
    parts = []
    for track in score.tracks:
        notes = tuple(
            Note(note.time, note.time + max(1, note.duration), note.pitch, max(1, note.velocity))
            for note in track.notes
            if note.time >= 0
        )
        if notes:
            parts.append(Part(track.program, track.is_drum, notes))
    tempi = sorted((int(tempo.time), float(tempo.qpm)) for tempo in score.tempos if 10 < tempo.qpm < 500 and tempo.time >= 0)
    song = Song(score.ticks_per_quarter, tuple(tempi) or ((0, 120.0),), tuple(parts))
    pitched = sum(len(part.notes) for part in parts if not part.drums)
    if score.ticks_per_quarter < 24 or pitched < LEAST_NOTES or not LEAST_SECONDS < song.seconds < MOST_SECONDS:
        return None
    return song


def written(song: Song) -> bytes:
    """A file of type 1 without a word in it: a track of tempi, then one for each part."""
    tracks = [_track([(tick, b"\xff\x51\x03" + round(6e7 / tempo).to_bytes(3)) for tick, tempo in song.tempi])]
    pitched = 0
    for part in song.parts:
        channel = 9 if part.drums else [at for at in range(16) if at != 9][pitched % 15]
        pitched += not part.drums
        events = [(0, bytes((0xC0 | channel, part.program)))]
        offs = [(note.end, 0, bytes((0x80 | channel, note.pitch, 64))) for note in part.notes]
        ons = [(note.start, 1, bytes((0x90 | channel, note.pitch, note.velocity))) for note in part.notes]
        tracks.append(_track([*events, *((tick, event) for tick, _, event in sorted(offs + ons))]))
    head = b"MThd" + (6).to_bytes(4) + (1).to_bytes(2) + len(tracks).to_bytes(2) + song.division.to_bytes(2)
    return head + b"".join(tracks)


def _track(events: Sequence[tuple[int, bytes]]) -> bytes:
    body, at = bytearray(), 0
    for tick, event in events:
        gap = tick - at
        at = tick
        digits = [gap & 0x7F]
        while gap := gap >> 7:
            digits.append(0x80 | gap & 0x7F)
        body += bytes(reversed(digits)) + event
    body += b"\x00\xff\x2f\x00"
    return b"MTrk" + len(body).to_bytes(4) + bytes(body)


# Which songs are distinct


def tune(song: Song) -> frozenset[tuple[int, ...]]:
    """Steps of the upper line of each pitched part, in rows of `GRAM`: no key, no tempo, no rhythm."""
    found = set()
    for part in song.parts:
        if part.drums:
            continue
        top: dict[int, int] = {}
        for note in part.notes:
            top[note.start] = max(note.pitch, top.get(note.start, 0))
        line = [pitch for _, pitch in sorted(top.items())]
        steps = [b - a for a, b in pairwise(line) if a != b]
        found |= {row for at in range(len(steps) - GRAM + 1) if len(set(row := tuple(steps[at : at + GRAM]))) > 2}
    return frozenset(found)


def distinct(files: Iterable[tuple[Path, str]], most: int, taken: Iterable[Song] = ()) -> list[tuple[Path, Song]]:
    """The first `most` songs; none shares its title or `ALIKE` of its tune with an earlier one, or with one of `taken`."""
    holding: dict[tuple[int, ...], list[int]] = defaultdict(list)
    sizes: list[int] = []
    titles: set[str] = set()
    chosen: list[tuple[Path, Song]] = []

    def kept(rows: frozenset[tuple[int, ...]]) -> None:
        for row in rows:
            holding[row].append(len(sizes))
        sizes.append(len(rows))

    for known in taken:
        kept(tune(known))
    for file, title in files:
        if len(chosen) == most:
            break
        if title in titles or (song := read(file)) is None:
            continue
        rows = tune(song)
        shared = Counter(at for row in rows for at in holding.get(row, ()))
        if any(both >= ALIKE * min(len(rows), sizes[at]) for at, both in shared.items()):
            continue
        titles.add(title)
        kept(rows)
        chosen.append((file, song))
    return chosen


def candidates(midi: Path, chance: random.Random) -> list[tuple[Path, str]]:
    with (midi / "names.tsv").open(encoding="utf-8", newline="") as lines:
        named = {row["path"]: row["title"] for row in csv.DictReader(lines, delimiter="\t")}
    files = [
        file
        for folder in ("messy", "artist-title", "lakh-layout", "free")
        for file in sorted((midi / folder).rglob("*"))
        if file.suffix.lower() in (".mid", ".midi", ".kar")
    ]
    chance.shuffle(files)
    plain = [named.get(file.relative_to(midi).as_posix(), file.stem.split(" - ")[-1]) for file in files]
    return [(file, re.sub(r"\W|\d|_", "", title.casefold()) or file.stem) for file, title in zip(files, plain, strict=True)]


# Edits


def _mapped(song: Song, change: Callable[[Note], Note], pitched_only: bool = False) -> Song:
    return replace(
        song,
        parts=tuple(
            part if pitched_only and part.drums else replace(part, notes=tuple(change(note) for note in part.notes))
            for part in song.parts
        ),
    )


def _span(song: Song, start: int, end: int) -> Song:
    """Notes that begin from tick `start` to before `end`, begun at 0."""
    parts = []
    for part in song.parts:
        notes = tuple(
            replace(note, start=note.start - start, end=min(note.end, end) - start)
            for note in part.notes
            if start <= note.start < end
        )
        if notes:
            parts.append(replace(part, notes=notes))
    pace = [tempo for tick, tempo in song.tempi if tick <= start] or [song.tempi[0][1]]
    tempi = [(0, pace[-1]), *((tick - start, tempo) for tick, tempo in song.tempi if start < tick < end)]
    return replace(song, parts=tuple(parts), tempi=tuple(tempi))


def _bars(song: Song, share: float) -> int:
    bar = 4 * song.division
    return max(1, round(song.end * share / bar)) * bar


def transposed(song: Song, chance: random.Random) -> Song:
    by = chance.choice([-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6])

    def moved(note: Note) -> Note:
        pitch = note.pitch + by
        return replace(note, pitch=pitch + 12 * ((pitch < 0) - (pitch > 127)))

    return _mapped(song, moved, pitched_only=True)


def faster_or_slower(song: Song, chance: random.Random) -> Song:
    by = chance.choice([0.7, 0.8, 0.9, 1.1, 1.25, 1.4])
    return replace(song, tempi=tuple((tick, tempo * by) for tick, tempo in song.tempi))


def written_in_other_values(song: Song, chance: random.Random) -> Song:
    by = chance.choice([0.5, 2.0, 0.75, 1.5])
    there = _mapped(
        song, lambda note: replace(note, start=round(note.start * by), end=max(round(note.start * by) + 1, round(note.end * by)))
    )
    return replace(there, tempi=tuple((round(tick * by), tempo * by) for tick, tempo in song.tempi))


def beginning_cut(song: Song, chance: random.Random) -> Song:
    return _span(song, _bars(song, chance.uniform(0.15, 0.4)), song.end + 1)


def excerpt(song: Song, chance: random.Random) -> Song:
    start = _bars(song, chance.uniform(0.1, 0.5))
    return _span(song, start, start + _bars(song, 0.4))


def parts_dropped(song: Song, chance: random.Random) -> Song:
    """Half of the pitched parts, and the drums."""
    pitched = [part for part in song.parts if not part.drums]
    return replace(song, parts=tuple(chance.sample(pitched, (len(pitched) + 1) // 2)))


def one_part(song: Song, _: random.Random) -> Song:
    """The pitched part with most onsets, as a piano."""
    pitched = [part for part in song.parts if not part.drums]
    most = max(pitched, key=lambda part: len({note.start for note in part.notes}))
    return replace(song, parts=(replace(most, program=0),))


def merged(song: Song, _: random.Random) -> Song:
    """All that is pitched on one track and one channel, in the order of time; two notes of one pitch at one time are one."""
    notes = {(note.start, note.pitch): note for part in song.parts if not part.drums for note in part.notes}
    return replace(
        song, parts=(Part(0, False, tuple(notes[at] for at in sorted(notes))), *(part for part in song.parts if part.drums))
    )


def split_tracks(song: Song, chance: random.Random) -> Song:
    parts = []
    for part in song.parts:
        sides: tuple[list[Note], list[Note]] = ([], [])
        for note in part.notes:
            sides[chance.random() < 0.5].append(note)
        parts += [replace(part, notes=tuple(side)) for side in sides if side]
    return replace(song, parts=tuple(parts))


def jittered(song: Song, chance: random.Random) -> Song:
    """Each note by up to a twelfth of a quarter, its length by a fifth, its loudness by a third."""

    def moved(note: Note) -> Note:
        start = max(0, note.start + round(chance.uniform(-1, 1) * song.division / 12))
        long = max(1, round((note.end - note.start) * chance.uniform(0.8, 1.2)))
        return Note(start, start + long, note.pitch, min(127, max(1, round(note.velocity * chance.uniform(0.7, 1.3)))))

    return _mapped(song, moved)


def notes_dropped(song: Song, chance: random.Random) -> Song:
    parts = (replace(part, notes=tuple(note for note in part.notes if chance.random() > 0.25)) for part in song.parts)
    return replace(song, parts=tuple(part for part in parts if part.notes))


def notes_added(song: Song, chance: random.Random) -> Song:
    """To every fourth pitched note a passing one, a step above, in its second half."""
    parts = []
    for part in song.parts:
        extra = [
            Note((note.start + note.end) // 2, note.end, min(127, note.pitch + chance.choice((1, 2))), note.velocity)
            for note in part.notes
            if not part.drums and note.end - note.start > song.division // 4 and chance.random() < 0.25
        ]
        parts.append(replace(part, notes=(*part.notes, *extra)))
    return replace(song, parts=tuple(parts))


def orchestrated_anew(song: Song, chance: random.Random) -> Song:
    """Other instruments, and of the pitched parts every third an octave away; drums are left out."""
    parts = []
    for part in song.parts:
        if part.drums:
            continue
        low, high = min(note.pitch for note in part.notes), max(note.pitch for note in part.notes)
        by = chance.choice([octave for octave in (0, 0, 0, 0, -12, 12) if low + octave >= 0 and high + octave <= 127])
        notes = tuple(replace(note, pitch=note.pitch + by) for note in part.notes)
        parts.append(Part(chance.randrange(120), False, notes))
    return replace(song, parts=tuple(parts))


def sections_shuffled(song: Song, chance: random.Random) -> Song:
    """Spans of eight bars in another order."""
    span = 32 * song.division
    spans = [_span(song, at, at + span) for at in range(0, song.end, span)]
    chance.shuffle(spans)
    return _joined(song, [part for part in spans if part.parts], span)


def in_the_other_mode(song: Song, _: random.Random) -> Song:
    """Major becomes minor: thirds, sixths and sevenths of the likeliest key are lowered, or raised the other way."""
    weight = [0] * 12
    for part in song.parts:
        for note in part.notes:
            weight[note.pitch % 12] += 0 if part.drums else min(note.end - note.start, 2 * song.division)
    scales = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
    best = max(
        ((tonic, mode) for tonic in range(12) for mode in scales),
        key=lambda key: (
            sum(weight[(key[0] + step) % 12] for step in scales[key[1]]) + weight[key[0]] / 2 + weight[(key[0] + 7) % 12] / 4
        ),
    )
    tonic, mode = best
    changed = {4: -1, 9: -1, 11: -1} if mode == "major" else {3: 1, 8: 1, 10: 1}
    return _mapped(
        song, lambda note: replace(note, pitch=note.pitch + changed.get((note.pitch - tonic) % 12, 0)), pitched_only=True
    )


def mixed(song: Song, chance: random.Random) -> Song:
    for edit in chance.sample(
        (transposed, faster_or_slower, beginning_cut, parts_dropped, jittered, notes_dropped, orchestrated_anew), 4
    ):
        song = edit(song, chance) if song.parts else song
    return song


def medley(song: Song, other: Song, chance: random.Random) -> Song:
    """Half of one and half of another, the second in the first one's division, both somewhere in their middle."""
    scale = song.division / other.division
    other = replace(
        _mapped(
            other,
            lambda note: replace(
                note, start=round(note.start * scale), end=max(round(note.start * scale) + 1, round(note.end * scale))
            ),
        ),
        division=song.division,
        tempi=tuple((round(tick * scale), tempo) for tick, tempo in other.tempi),
    )
    halves = []
    for one in (song, other):
        start = _bars(one, chance.uniform(0.1, 0.4))
        halves.append(_span(one, start, start + _bars(one, 0.5)))
    return _joined(song, [half for half in halves if half.parts], None)


def _joined(song: Song, spans: Sequence[Song], length: int | None) -> Song:
    """One after another; parts that are alike in program and number are one."""
    notes: dict[tuple[int, bool, int], list[Note]] = defaultdict(list)
    tempi: list[tuple[int, float]] = []
    at = 0
    for span in spans:
        seen: Counter[tuple[int, bool]] = Counter()
        for part in span.parts:
            kind = (part.program, part.drums)
            notes[(*kind, seen[kind])] += [replace(note, start=note.start + at, end=note.end + at) for note in part.notes]
            seen[kind] += 1
        tempi += [(tick + at, tempo) for tick, tempo in span.tempi]
        at += length or -(-span.end // (4 * song.division)) * 4 * song.division
    parts = tuple(Part(program, drums, tuple(those)) for (program, drums, _), those in notes.items())
    return Song(song.division, tuple(sorted(tempi)), parts)


EDITS: dict[str, Callable[[Song, random.Random], Song]] = {
    "transposed": transposed,
    "other tempo": faster_or_slower,
    "other note values": written_in_other_values,
    "beginning cut": beginning_cut,
    "excerpt of 40 %": excerpt,
    "half of the parts, no drums": parts_dropped,
    "one part alone": one_part,
    "tracks merged": merged,
    "tracks split": split_tracks,
    "jittered": jittered,
    "a quarter of the notes gone": notes_dropped,
    "passing notes added": notes_added,
    "orchestrated anew": orchestrated_anew,
    "sections shuffled": sections_shuffled,
    "in the other mode": in_the_other_mode,
    "four edits at once": mixed,
}
MEDLEY = "medley of two"


# Planting


@dataclass(frozen=True)
class File:
    path: str  # below the folder of sources
    data: bytes
    of: tuple[str, ...]  # names of the songs in it
    kind: str  # "" for a song itself
    told: str  # where it is from


def planted(midi: Path, count: int, seed: int) -> list[File]:
    """Songs, a copy of each, and in place of every eighth kind a medley; all under names drawn by chance."""
    chance = random.Random(seed)
    arranged = _arranged(midi, max(4, count // 8))
    songs = distinct(candidates(midi, chance), count - len(arranged), [song for _, song, _ in arranged])
    drawn: list[tuple[bytes, tuple[str, ...], str, str]] = []
    for file, _, other in arranged:
        drawn += [(file.read_bytes(), (file.stem,), "", file.name), (other.read_bytes(), (file.stem,), ARRANGED, other.name)]
    kinds = [*EDITS, MEDLEY]
    for at, (file, song) in enumerate(songs):
        name, told = f"{at:04d}", file.relative_to(midi).as_posix()
        drawn.append((file.read_bytes(), (name,), "", told))
        kind = kinds[at % len(kinds)]
        if kind == MEDLEY:
            beside = (at + 1) % len(songs)
            copy = medley(song, songs[beside][1], chance)
            drawn.append((written(copy), (name, f"{beside:04d}"), kind, f"{told} + {songs[beside][0].name}"))
        else:
            copy = EDITS[kind](song, chance)
            if copy.parts:
                drawn.append((written(copy), (name,), kind, told))
    folders = _folders(len(drawn), chance)
    files = []
    for at, ((data, of, kind, told), folder) in enumerate(zip(drawn, folders, strict=True)):
        files.append(File(f"{folder}/{chance.choice(WORDS)} {chance.choice(WORDS)} {at:04d}.mid", data, of, kind, told))
    return files


WORDS = (
    "Amber",
    "Bridge",
    "Cinder",
    "Dusk",
    "Ember",
    "Fallow",
    "Garnet",
    "Hollow",
    "Iris",
    "Juniper",
    "Kestrel",
    "Larch",
    "Meadow",
    "Nettle",
)


def _folders(count: int, chance: random.Random) -> list[str]:
    """A third of the files in folders of nobody, half alone in an artist's, the others two to four beside each other."""
    folders: list[str] = []
    artist = 0
    while len(folders) < count:
        drawn, artist = chance.random(), artist + 1
        name = f"{chance.choice(WORDS)} {chance.choice(WORDS)}son {artist}"
        if drawn < 0.35:
            folders.append(chance.choice(("Unknown", "Various Artists", "Traditional")))
        elif drawn < 0.93:
            folders.append(name)
        else:
            folders += [name] * chance.randint(2, 4)
    chance.shuffle(folders)
    return folders[:count]


def _arranged(midi: Path, most: int) -> list[tuple[Path, Song, Path]]:
    found: list[tuple[Path, Song, Path]] = []
    for folder in sorted((midi / "pop909").iterdir()):
        versions = sorted((folder / "versions").glob("*.mid")) if folder.is_dir() else []
        if versions and len(found) < most and (song := read(folder / f"{folder.name}.mid")) and read(versions[0]):
            found.append((folder / f"{folder.name}.mid", song, versions[0]))
    return found


# Building and reading


def put(files: Iterable[File], folder: Path) -> None:
    for file in files:
        (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / file.path).write_bytes(file.data)


def build(sources: Path, dataset: Path, *sets: str) -> str:
    said = [word for one in sets for word in ("--set", one)]
    return _run("build", "symbolic", "--from", str(sources), "--to", str(dataset), "--offline", *said)


def drawn_by(shares: Sequence[float]) -> list[str]:
    return [f"assign_splits.{name}={share}" for name, share in zip(NAMES, shares, strict=True)]


def table(dataset: Path, sql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(_run("query", "--json", str(dataset), sql))
    return rows


def _run(*words: str) -> str:
    command = [Path(sys.executable).with_name("motet").as_posix(), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"NO_COLOR": "1"})
    if done.returncode:
        raise RuntimeError(f"motet {words[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@dataclass(frozen=True)
class Told:
    """What the tables of a dataset say, by path below the folder of sources."""

    placed: dict[str, str]  # "" is left out
    why: dict[str, str]
    names: dict[str, frozenset[str]]  # groups, artist and folder a song belongs to
    pairs: dict[tuple[str, str], str]  # level
    family: dict[str, str]  # of every file that was fingerprinted
    live: frozenset[str]

    def linked(self, one: str, other: str) -> bool:
        return one in self.family and self.family[one] == self.family.get(other)


def told(dataset: Path) -> Told:
    splits = table(dataset, "SELECT path, split, why, artist, groups FROM splits")
    names = {}
    for row in splits:
        folder = row["path"].split("/")[-2]
        own = [f"artist {row['artist']}"] if row["artist"] else []
        names[_below(row["path"])] = frozenset([*row["groups"], *own, *([] if folder in NOBODY else [f"folder {folder}"])])
    pairs = {}
    parents: dict[str, str] = {}

    def top(name: str) -> str:
        while (parent := parents.setdefault(name, name)) != name:
            name = parent
        return name

    for row in table(dataset, "SELECT path, other_path, level FROM duplicates"):
        one, other = _below(row["path"]), _below(row["other_path"])
        pairs[(one, other)] = row["level"]
        parents[top(one)] = top(other)
    files = [_below(row["path"]) for row in table(dataset, "SELECT path FROM fingerprints")]
    live = frozenset(_below(row["path"]) for row in table(dataset, "SELECT path FROM songs"))
    return Told(
        {_below(row["path"]): row["split"] or "" for row in splits},
        {_below(row["path"]): row["why"] for row in splits},
        names,
        pairs,
        {name: top(name) for name in files},
        live,
    )


def _below(path: str) -> str:
    """Without the name of the folder of sources."""
    return path.split("/", 1)[1]


NOBODY = ("Unknown", "Various Artists", "Traditional")


@dataclass(frozen=True)
class Pair:
    kind: str
    one: File
    other: File


def truth(files: Sequence[File]) -> list[Pair]:
    songs = {file.of[0]: file for file in files if not file.kind}
    return [Pair(file.kind, songs[name], file) for file in files if file.kind for name in file.of if name in songs]


@dataclass(frozen=True)
class Verdict:
    pairs: int
    found_across: int
    artists_across: int
    read: list[Pair]  # planted pairs of which both files were taken
    missed: list[Pair]
    crossing: list[Pair]
    excused: int  # of those that cross, how many the detector missed
    left_out: list[str]
    shares: dict[str, float]
    strangers: list[tuple[str, str]]  # pairs that nobody planted


def judged(files: Sequence[File], result: Told) -> Verdict:
    placed = result.placed

    def across(one: str, other: str) -> bool:
        return bool(placed.get(one) and placed.get(other) and placed[one] != placed[other])

    artists: dict[str, set[str]] = defaultdict(set)
    for path, names in result.names.items():
        for name in names:
            if not name.startswith(("family", "bytes")) and placed[path]:
                artists[name].add(placed[path])
    pairs = truth(files)
    read_both = [pair for pair in pairs if pair.one.path in result.family and pair.other.path in result.family]
    missed = [pair for pair in read_both if not result.linked(pair.one.path, pair.other.path)]
    crossing = [pair for pair in read_both if across(pair.one.path, pair.other.path)]
    meant = {file.path: set(file.of) for file in files}
    strangers = [pair for pair in result.pairs if not meant.get(pair[0], set()) & meant.get(pair[1], set())]
    counts = Counter(split for split in placed.values() if split)
    return Verdict(
        len(result.pairs),
        sum(across(*pair) for pair in result.pairs),
        sum(len(those) > 1 for those in artists.values()),
        read_both,
        missed,
        crossing,
        sum(pair in missed for pair in crossing),
        [path for path, split in placed.items() if not split],
        {name: counts[name] / max(1, sum(counts.values())) for name in NAMES},
        strangers,
    )


def wrongly_left_out(result: Told, before: Mapping[str, str]) -> list[str]:
    """Left out, although all that the tables tie it to is in one split at the most.

    Ties go through others left out or dropped too, and what these and it itself had in earlier builds (`before`) counts.
    """
    holding: dict[str, set[str]] = defaultdict(set)
    for path in result.family.keys() | result.placed.keys():
        holding[f"linked {result.family.get(path, path)}"].add(path)
        for name in result.names.get(path, ()):
            holding[name].add(path)
        if path not in result.names and (folder := path.split("/")[-2]) not in NOBODY:
            holding[f"folder {folder}"].add(path)
    of: dict[str, list[str]] = defaultdict(list)
    for name, paths in holding.items():
        for path in paths:
            of[path].append(name)
    wrong = []
    for path, split in result.placed.items():
        if split:
            continue
        seen, ahead, splits = {path}, [path], {before[path]} if path in before else set()
        while ahead:
            at = ahead.pop()
            for other in {other for name in of[at] for other in holding[name]} - seen:
                seen.add(other)
                if there := result.placed.get(other) or before.get(other):
                    splits.add(there)
                if not result.placed.get(other):
                    ahead.append(other)
        if len(splits) < 2:
            wrong.append(path)
    return wrong


def wilson(hits: int, n: int) -> str:
    if not n:
        return "none"
    z = 1.959964
    middle, half = (hits + z * z / 2) / (n + z * z), z * ((hits * (n - hits) / n + z * z / 4) ** 0.5) / (n + z * z)
    return f"{max(0.0, middle - half):.3f}-{min(1.0, middle + half):.3f}"


def at_random(shares: Sequence[float]) -> float:
    """Share of pairs that cross when each file is drawn by itself."""
    return 1 - sum(share * share for share in shares)


# Lines


def measure(quick: bool, keep: Path | None = None, seed: int = 0) -> Iterator[Line]:
    shared = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data"
    if not shared.is_dir():
        print(f"(no shared files at {shared}: set MOTET_SHARED)")
        return
    files = planted(shared / "midi", 60 if quick else SONGS, seed)
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as scratch:
        folder = keep or Path(scratch)
        put(files, folder / "songs")
        for remove in ("hard", "same_bytes"):
            for name, shares in SHARES.items():
                dataset = folder / f"{remove} {name.split('/')[0]}"
                build(folder / "songs", dataset, *drawn_by(shares), f"deduplicate.remove={remove}")
                yield from _split(f"{name}, {remove} removed", files, told(dataset), shares)
                if remove == "hard" and name == "0.6/0.2/0.2":
                    yield from _missed(files, told(dataset))
        for remove in ("hard", "same_bytes"):
            yield from _grown(files, folder / f"grown {remove}", seed, remove)


def _split(label: str, files: Sequence[File], result: Told, shares: Sequence[float]) -> Iterator[Line]:
    verdict = judged(files, result)
    n, crossing, missed = len(verdict.read), len(verdict.crossing), len(verdict.missed)
    own = ", ".join(f"{share:.3f}" for share in verdict.shares.values())
    yield Line(f"{label}: found pairs that cross", (float(verdict.found_across),), "pairs", verdict.pairs,
               goal="0", reached=verdict.found_across == 0, note=f"shares of songs {own}")  # fmt: skip
    yield Line(f"{label}: artists that cross", (float(verdict.artists_across),), "artists", len(result.placed),
               goal="0", reached=verdict.artists_across == 0)  # fmt: skip
    yield Line(f"{label}: planted pairs that cross", (float(crossing),), "pairs", n, goal=f"<= {missed} missed",
               reached=crossing <= missed and verdict.excused == crossing,
               note=f"{wilson(crossing, n)}, {verdict.excused} of them missed")  # fmt: skip
    alive = sum(pair.one.path in result.placed and pair.other.path in result.placed for pair in verdict.read)
    yield Line(f"{label}: if each song were drawn by itself", (at_random(shares) * alive,), "pairs", alive)
    yield Line(f"{label}: if each file were, nothing removed", (at_random(shares) * n,), "pairs", n)
    yield Line(f"{label}: left out", (float(len(verdict.left_out)),), "songs", len(result.placed))
    for pair in verdict.crossing[:5]:
        print(f"  crosses: {pair.kind}: {pair.other.told}")


def _missed(files: Sequence[File], result: Told) -> Iterator[Line]:
    verdict = judged(files, result)
    asked = Counter(pair.kind for pair in verdict.read)
    lost = Counter(pair.kind for pair in verdict.missed)
    for kind in sorted(asked, key=lambda kind: (-lost[kind] / asked[kind], kind)):
        example = next((pair.other.told for pair in verdict.missed if pair.kind == kind), "")
        yield Line(f"missed: {kind}", (lost[kind] / asked[kind],), "of 1", asked[kind],
                   note=wilson(lost[kind], asked[kind]) + (f", such as {example}" if example else ""))  # fmt: skip
    yield Line("missed: all", (len(verdict.missed) / max(1, len(verdict.read)),), "of 1", len(verdict.read),
               note=wilson(len(verdict.missed), len(verdict.read)))  # fmt: skip
    yield Line("pairs that nobody planted", (float(len(verdict.strangers)),), "pairs", verdict.pairs)


def _grown(files: Sequence[File], folder: Path, seed: int, remove: str) -> Iterator[Line]:
    """Half of the copies come with a second build; then a fifth of all files goes."""
    chance = random.Random(seed + 1)
    copies = [file for file in files if file.kind]
    late = set(chance.sample(copies, len(copies) // 2))
    sets = [*drawn_by(SHARES["0.6/0.2/0.2"]), f"deduplicate.remove={remove}"]
    steps: list[tuple[str, Callable[[], None]]] = [
        ("first", lambda: put((file for file in files if file not in late), folder / "songs")),
        ("half of the copies added", lambda: put(late, folder / "songs")),
        ("a fifth removed", lambda: _gone(chance.sample(files, len(files) // 5), folder / "songs")),
        ("put back", lambda: put(files, folder / "songs")),
    ]
    before: Mapping[str, str] = {}
    ever: dict[str, str] = {}
    for name, step in steps:
        step()
        build(folder / "songs", folder / "dataset", *sets)
        result = told(folder / "dataset")
        moved = [path for path, split in before.items() if split and result.placed.get(path) and result.placed[path] != split]
        forgotten = [path for path, split in before.items() if split and path in result.placed and not result.placed[path]]
        label = f"grown, {remove} removed, {name}"
        verdict = judged([file for file in files if (folder / "songs" / file.path).exists()], result)
        wrong = wrongly_left_out(result, ever)
        old = sum(path in before for path in verdict.left_out)
        yield Line(f"{label}: old songs moved", (float(len(moved)),), "songs", len(before), goal="0", reached=not moved,
                   note=f"{len(forgotten)} old ones left out")  # fmt: skip
        yield Line(f"{label}: left out", (float(len(verdict.left_out)),), "songs", len(result.placed), note=f"{old} of them old")
        yield Line(
            f"{label}: left out, no bridge", (float(len(wrong)),), "songs", len(verdict.left_out), goal="0", reached=not wrong
        )
        across = verdict.found_across + verdict.artists_across
        yield Line(f"{label}: found pairs, artists that cross", (float(across),), "names", verdict.pairs,
                   goal="0", reached=not across)  # fmt: skip
        yield Line(f"{label}: planted pairs that cross", (float(len(verdict.crossing)),), "pairs", len(verdict.read),
                   goal=f"<= {len(verdict.missed)} missed", reached=verdict.excused == len(verdict.crossing),
                   note=wilson(len(verdict.crossing), len(verdict.read)))  # fmt: skip
        for path in [*moved, *wrong][:6]:
            print(f"  {path}: was {before.get(path)!r}, is {result.placed.get(path)!r}: {result.why.get(path)}")
        before = result.placed
        ever |= {path: split for path, split in before.items() if split}


def _gone(files: Iterable[File], folder: Path) -> None:
    for file in files:
        (folder / file.path).unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="an empty folder for what is built")
    chosen = parser.parse_args()
    if chosen.keep:
        shutil.rmtree(chosen.keep, ignore_errors=True)
    for line in measure(chosen.quick, chosen.keep, chosen.seed):
        goal = f"  goal {line.goal}: {'reached' if line.reached else 'MISSED'}" if line.goal else ""
        print(f"{line.name:<72} {line.figure:>9.3f} {line.unit:<8} n {line.n:>6,}{goal}  {line.note}", flush=True)


if __name__ == "__main__":
    main()
