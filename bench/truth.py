"""How right the analyses of MIDI are, where somebody or some code knows better.

POP909's truth: keys estimated from the recordings, chords, beats. Nottingham's: keys and chords as transcribed. What other
files state of key and metre are claims, not truth: many sequencers write C major and 4/4 into every file. Sections: songs
of known form, made by code.
"""

from __future__ import annotations

import importlib
import os
import sys
import tarfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from measure import Line
from motet import midi
from motet.midi.chords import chords
from motet.midi.key import key
from motet.midi.metre import metre
from motet.midi.passage import Passage
from motet.midi.pulse import is_compound
from motet.midi.sections import sections
from motet.midi.tap import tap

Floats = NDArray[np.float64]
Tonality = tuple[int, str]  # tonic 0-11, "major" or "minor"

SECTIONS_GOAL = 0.9
NEAR_TEMPO, NEAR_BEAT = 0.04, 0.07  # as a share; in seconds
SHORTEST_SEGMENT = 10.0  # seconds in one key
STATED_KEYS = ("messy", "lakh-layout", "artist-title", "free")
CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
METRES = {"two": "2 or 4 beats", "three": "3 beats", "threes": "beats in three"}
CHORDS = {
    "root, no chord counts": "",
    "root": "where the truth has a chord",
    "major and minor": "where the truth has one of these triads",
}
FITTED = "weights were fitted on these songs"
# Of a truth's chord, what remains where only major and minor triads are told apart; others do not count there.
TRIADS = {"maj": "maj", "": "maj", "7": "maj", "maj7": "maj", "maj6": "maj"}
TRIADS |= {"min": "min", "min7": "min", "minmaj7": "min", "min6": "min"}


@dataclass(frozen=True)
class Annotated:
    """A song of POP909: its notes, and what is known of it by second."""

    name: str
    song: Passage
    keys: list[tuple[float, float, Tonality]]
    chords: list[tuple[float, float, str]]
    beats: Floats  # seconds, and whether it starts a bar of two or three beats, and one of four or six


def measure(quick: bool) -> Iterator[Line]:
    shared = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "midi"
    if shared.is_dir():
        annotated = list(_pop909(shared / "pop909"))[:: 4 if quick else 1]
        yield from _keys(annotated)
        yield from _chords(annotated)
        yield from _tempo(annotated)
        yield from _beats(annotated)
        yield from _nottingham(shared / "nottingham.tar.gz", 10 if quick else 1)
        yield from _signatures(shared, 10 if quick else 1)
    else:
        print(f"(no shared files at {shared}: set MOTET_SHARED; songs of known form only)")
    yield from _forms(quick)


def _pop909(folder: Path) -> Iterator[Annotated]:
    for song in sorted(path for path in folder.iterdir() if path.is_dir()):
        known = {kind: [line.split() for line in _lines(song / f"{kind}.txt")] for kind in ("key_audio", "chord_midi")}
        yield Annotated(
            song.name,
            Passage.whole(midi.read((song / f"{song.name}.mid").read_bytes())),
            [(float(start), float(end), _tonality(name)) for start, end, name in known["key_audio"]],
            [(float(start), float(end), name) for start, end, name in known["chord_midi"]],
            np.loadtxt(song / "beat_midi.txt", ndmin=2),
        )


def _lines(file: Path) -> Iterable[str]:
    return (line for line in file.read_text().splitlines() if line.strip())


def _tonality(name: str) -> Tonality:
    root, mode = name.split(":")
    return _class(root), {"maj": "major", "min": "minor"}[mode]


def _class(root: str) -> int:
    return (CLASSES[root[0]] + root.count("#") - root.count("b")) % 12


# Keys


def mirex(found: Tonality | None, true: Tonality) -> float:
    """MIREX's score of a key: 1, 0.5 a fifth above, 0.3 for the relative and 0.2 for the parallel key, otherwise 0."""
    if found is None:
        return 0.0
    up, same = (found[0] - true[0]) % 12, found[1] == true[1]
    if same:
        return {0: 1.0, 7: 0.5}.get(up, 0.0)
    return {0: 0.2, 9 if true[1] == "major" else 3: 0.3}.get(up, 0.0)


def _found(passage: Passage) -> Tonality | None:
    found = key(passage)
    return None if found is None else (found.tonic, found.mode)


def _keys(annotated: list[Annotated]) -> Iterator[Line]:
    main, parts = [], []
    for one in annotated:
        lasting: dict[Tonality, float] = {}
        for start, end, true in one.keys:
            lasting[true] = lasting.get(true, 0) + end - start
            first, last = (one.song.clock.from_seconds(second) for second in (start, end))
            if end - start >= SHORTEST_SEGMENT and len(one.keys) > 1:
                parts.append((f"{one.name} {start:.0f} s", _found(Passage(one.song.score, first, last)), true))
        main.append((one.name, _found(one.song), max(lasting, key=lambda true: lasting[true])))
    yield from _key_lines("key of POP909, main key", main, FITTED)
    if parts:
        yield from _key_lines(f"key of POP909, stretches >= {SHORTEST_SEGMENT:g} s", parts, f"songs of several keys; {FITTED}")


def _key_lines(name: str, judged: list[tuple[str, Tonality | None, Tonality]], note: str = "") -> Iterator[Line]:
    weighted = {f"{what}: {_told(found)} for {_told(true)}": mirex(found, true) for what, found, true in judged}
    yield _line(f"{name}, MIREX", weighted, note)
    yield _line(f"{name}, exact", {what: float(score == 1) for what, score in weighted.items()}, note, worst=0)


def _told(found: Tonality | None) -> str:
    return f"{'C Db D Eb E F Gb G Ab A Bb B'.split()[found[0]]} {found[1]}" if found else "none"


# Chords


Span = tuple[float, float, int | None, str]  # start, end, root, "maj", "min" or ""; in any unit of time


def _chords(annotated: list[Annotated]) -> Iterator[Line]:
    judged = {}
    for one in annotated:
        true: list[Span] = []
        for start, end, name in one.chords:
            root, _, quality = name.partition(":")
            known = None if root == "N" else _class(root)
            true.append((start, end, known, TRIADS.get(quality.partition("/")[0], "")))
        judged[one.name] = _shares(true, _heard_chords(one.song, one.song.clock.to_seconds))
    yield from _chord_lines("POP909", judged, FITTED)


def _heard_chords(song: Passage, unit: Callable[[int], float] = float) -> list[Span]:
    return [(unit(chord.start), unit(chord.end), chord.root, _triad(chord.quality)) for chord in chords(song)]


def _shares(true: list[Span], found: list[Span]) -> dict[str, float]:
    """The share of time with the true root, and with the true triad as well, over what can be asked of each."""
    cuts = np.unique([edge for span in (*true, *found) for edge in span[:2]])
    cuts = cuts[(cuts >= true[0][0]) & (cuts <= true[-1][1])]
    right, asked = dict.fromkeys(CHORDS, 0.0), dict.fromkeys(CHORDS, 0.0)
    for start, end in pairwise(cuts.tolist()):
        told, root, triad = _at(true, start)
        heard, like = _at(found, start)[1:]
        verdicts = {"root, no chord counts": heard == root} if told else {}
        if root is not None:
            verdicts["root"] = heard == root
        if root is not None and triad:
            verdicts["major and minor"] = (heard, like) == (root, triad)
        for kind, verdict in verdicts.items():
            asked[kind] += end - start
            right[kind] += (end - start) * verdict
    return {kind: right[kind] / asked[kind] for kind in CHORDS if asked[kind]}


def _at(spans: list[Span], time: float) -> tuple[bool, int | None, str]:
    """Whether there is a span at `time`, and what it says."""
    at = bisect_right(spans, time, key=lambda span: span[0]) - 1
    return (True, *spans[at][2:]) if at >= 0 and time < spans[at][1] else (False, None, "")


def _chord_lines(name: str, judged: dict[str, dict[str, float]], note: str) -> Iterator[Line]:
    for kind, asked in CHORDS.items():
        values = {song: shares[kind] for song, shares in judged.items() if kind in shares}
        yield _line(f"chords of {name}, {kind}", values, "; ".join(filter(None, (asked, note))), unit="of time")


def _nottingham(archive: Path, every: int) -> Iterator[Line]:
    """Folk tunes with the key that their transcriber wrote, and chords as a part of their own, in root position."""
    keys: list[tuple[str, Tonality | None, Tonality]] = []
    chorded = {}
    with tarfile.open(archive) as packed:
        files = {member.name: member for member in packed.getmembers() if member.name.endswith(".mid")}

        def read(name: str) -> midi.Score:
            content = packed.extractfile(files[name])
            assert content is not None
            return midi.read(content.read())

        for name in sorted(name for name in files if name.count("/") == 2)[::every]:
            song = Passage.whole(read(name))
            said = _stated_keys(song)
            if len(said) == 1:
                keys.append((Path(name).stem, _found(song), said.pop()))
            accompaniment = name.replace("/MIDI/", "/MIDI/chords/")
            if accompaniment in files:
                chorded[Path(name).stem] = _shares(_blocks(read(accompaniment)), _heard_chords(song))
    yield from _key_lines("key of Nottingham tunes", keys, "as their transcriber wrote it")
    yield from _chord_lines("Nottingham tunes", chorded, "the chords are played")


def _stated_keys(song: Passage) -> set[Tonality]:
    said = {(one.key, one.tonality) for one in song.score.symusic.key_signatures}
    return {((7 * sharps + (9 if minor else 0)) % 12, "minor" if minor else "major") for sharps, minor in said}


def _blocks(score: midi.Score) -> list[Span]:
    spans: list[Span] = []
    for start in np.unique(score.notes["start"]).tolist():
        block = score.notes[score.notes["start"] == start]
        low = int(block["pitch"].min())
        above = {int(pitch) - low for pitch in block["pitch"]}
        triad = "maj" if {4, 7} <= above else "min" if {3, 7} <= above else ""
        spans.append((start, start + int(block["duration"].max()), low % 12, triad))
    return spans


def _triad(quality: str) -> str:
    """The triad of a quality as chords are commonly written: maj7 and 7 hold a major one, m7b5 and sus4 neither."""
    for names, triad in ((("dim", "hdim", "m7b5", "min7b5", "aug", "sus", "5", "+", "o"), ""), (("maj",), "maj")):
        if quality.startswith(names):
            return triad
    return "min" if quality.startswith("m") else "maj"


# Tempo and beats


def _tempo(annotated: list[Annotated]) -> Iterator[Line]:
    strict, lenient = {}, {}
    for one in annotated:
        true, tapped = 60 / float(np.median(np.diff(one.beats[:, 0]))), tap(one.song)
        found = tapped.tempo if tapped else 0.0
        name = f"{one.name}: {found:.0f} for {true:.0f}"
        strict[name] = float(abs(found / true - 1) <= NEAR_TEMPO)
        lenient[name] = float(any(abs(found / true / times - 1) <= NEAR_TEMPO for times in (1, 2, 3, 1 / 2, 1 / 3)))
    yield _line("tempo of POP909, within 4 %", strict)
    yield _line("tempo of POP909, or 2 or 3 times that", lenient)


def _beats(annotated: list[Annotated]) -> Iterator[Line]:
    """What the files write, and what is tapped where that lies on their grid."""
    marks: dict[str, dict[str, float]] = {"written beats": {}, "tapped beats": {}, "bar lines": {}, "long bar lines": {}}
    for one in annotated:
        clock = one.song.clock
        lines = clock.to_seconds(clock.bar_lines(one.song.end))
        instants = one.beats[:, 0]
        marks["written beats"][one.name] = _matched(clock.to_seconds(one.song.beats.edges[:-1]), instants)
        marks["tapped beats"][one.name] = _matched(_taps(one.song), instants)
        marks["bar lines"][one.name] = _matched(lines, instants[one.beats[:, 1] == 1])
        marks["long bar lines"][one.name] = _matched(lines, instants[one.beats[:, 2] == 1])
    notes = {
        "bar lines": "the file's, against bars of two or three beats",
        "long bar lines": "the file's, against bars of four or six beats",
    }
    for name, values in marks.items():
        yield _line(f"{name} of POP909, F", values, notes.get(name, "") or "+-70 ms")


def _taps(song: Passage) -> Floats:
    tapped = tap(song)
    if tapped is None or not tapped.follows_map:
        return np.zeros(0)
    quarters = np.arange(tapped.shift, song.clock.to_quarters(song.end), tapped.quarters)
    return song.clock.to_seconds(song.clock.from_quarters(quarters[quarters >= 0]))


def _matched(found: Floats, true: Floats) -> float:
    """F of instants at most 70 ms apart, none counted twice."""
    at = right = 0
    for instant in true:
        while at < len(found) and found[at] < instant - NEAR_BEAT:
            at += 1
        if at < len(found) and found[at] <= instant + NEAR_BEAT:
            right, at = right + 1, at + 1
    return 2 * right / max(len(found) + len(true), 1)


# What files say of themselves


def _signatures(shared: Path, every: int) -> Iterator[Line]:
    keys: dict[str, float] = {}
    but_c: dict[str, float] = {}
    agreed: dict[str, float] = {}
    metres: dict[str, dict[str, float]] = {"two": {}, "three": {}, "threes": {}}
    for name in STATED_KEYS:
        for file in sorted(path for path in (shared / name).rglob("*") if path.suffix.lower() in {".mid", ".kar"})[::every]:
            try:
                song = Passage.whole(midi.read(file.read_bytes()))
            except midi.Unreadable:
                continue
            said = _stated_keys(song)
            if len(said) == 1:
                true = said.pop()
                score = mirex(_found(song), true)
                keys[str(file)] = score
                if true != (0, "major"):
                    but_c[str(file)] = score
            stated = {(one.numerator, one.denominator) for one in song.score.symusic.time_signatures}
            if len(stated) == 1 and len(song.struck) and (kind := _kind(*stated.pop())):
                metres[kind][str(file)] = float(_heard_metre(song) == kind)
                told = metre(song)
                agreed[str(file)] = float(told is None or told.alternative is None)
    yield _line("key a file states, MIREX", keys, "files that state one; C major is often a default", worst=0)
    yield _line("key a file states, exact", {name: float(score == 1) for name, score in keys.items()}, worst=0)
    yield _line("key a file states, not C major, MIREX", but_c, worst=0)
    yield _line("key a file states, not C major, exact", {name: float(s == 1) for name, s in but_c.items()}, worst=0)
    yield _line("key a file states, not C major, or relative", {name: float(s in (1, 0.3)) for name, s in but_c.items()}, worst=0)
    yield _line("metre a file states, not doubted", agreed, "files that state one", worst=0)
    for kind, marks in metres.items():
        yield _line(f"metre a file states, {METRES[kind]}", marks, "as heard once the statement is taken away", worst=0)


def _heard_metre(song: Passage) -> str:
    clock = midi.TempoMap(song.clock.division, song.clock.tempi)
    found = metre(Passage(replace(song.score, tempo_map=clock), song.start, song.end))
    return "" if found is None else _kind(*(found.alternative or (found.numerator, found.denominator)))


def _kind(top: int, bottom: int) -> str:
    """Whether a bar has two or four beats, three, or beats that fall into three; "" if none of these."""
    if is_compound(top, bottom):
        return "threes"
    return {2: "two", 4: "two", 3: "three"}.get(top, "")


# Sections


def _forms(quick: bool) -> Iterator[Line]:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    forms = importlib.import_module("midi.forms")
    found = [(song, sections(Passage.whole(midi.read(song.data)))) for song in forms.songs(*([14] if quick else []))]
    edges = {song.name: forms.boundaries_found(song, given) for song, given in found}
    note = "within half a bar, start and end left out"
    yield _line("section boundaries of known forms, F", edges, note, goal=None if quick else SECTIONS_GOAL)
    yield _line("section labels of known forms, F", {song.name: forms.labels_found(song, given) for song, given in found})


# Lines


def _line(name: str, values: dict[str, float], note: str = "", worst: int = 4, unit: str = "", goal: float | None = None) -> Line:
    """The mean over songs; the note tells its 95 % interval and the songs that did worst."""
    if not values:
        return Line(name, (float("nan"),), unit, 0, note="nothing to judge")
    marks = np.array([*values.values()])
    low, high = _interval(marks)
    told = [f"95 %: {low:.3f} to {high:.3f}"] + ([note] if note else [])
    if worst:
        told.append("worst: " + ", ".join(f"{what} {mark:.2f}" for mark, what in sorted(zip(marks, values, strict=True))[:worst]))
    mean = float(marks.mean())
    wish = "" if goal is None else f">= {goal:g}"
    reached = None if goal is None else mean >= goal
    return Line(name, (mean,), unit, len(marks), goal=wish, reached=reached, note="; ".join(told))


def _interval(marks: Floats, draws: int = 2000) -> tuple[float, float]:
    """Of the mean, by drawing the songs again with replacement."""
    chance = np.random.default_rng(0)
    means = marks[chance.integers(0, len(marks), (draws, len(marks)))].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)
