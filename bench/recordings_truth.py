"""Recordings whose tempo and key are known: real MIDI files of the shared collection, played by Motet.

Truth is what the files say, where that can be believed. Tempo: POP909's annotated beats; elsewhere the written tempo, where
the notes lie on its grid and it holds for nine tenths of the passage. Key: POP909's keys, estimated from its recordings;
elsewhere the written key signature, unless it is C major, which many sequencers write into every file. What is left out is
counted by reason. Nothing of Motet's was fitted on these files: those at even places and songs 061 to 120 are for that.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motet import midi, render
from motet.midi.grid import FOLLOWED
from motet.midi.passage import Passage

Tonality = tuple[int, str]  # tonic 0-11, "major" or "minor"
Floats = NDArray[np.float64]
Known = Callable[[Path, Passage], tuple[float | str, Tonality | str]]  # tempo and key of a file's passage, or why not

SECONDS = 75.0  # from the middle of a song
RATE = 44100
LEAST_SECONDS, LEAST_NOTES, LEAST_BEATS = 20.0, 40, 20
STEADY, HELD = 0.04, 0.9  # a tempo holds where it is nearer than this, for this share of the time
SLOWEST, FASTEST = 30.0, 300.0  # beyond, a beat that is written is not one
ONE_KEY = 0.75  # of the time
CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
RECIPE = 1  # of a rendering: another number makes all anew


@dataclass(frozen=True)
class Song:
    """A passage of a song as MIDI, what is known of it, and what its notes tell Motet, who reads them instead of listening."""

    name: str
    group: str
    data: bytes
    bpm: float | None
    key: Tonality | None
    left_out: tuple[str, ...]  # "tempo: why", "key: why"
    tapped: float | None
    in_notes: Tonality | None


def songs(shared: Path, quick: bool = False) -> Iterator[Song | str]:
    """The songs of the folder `midi` of the shared collection, or why one cannot be used.

    POP909's 001 to 060, every second file of lakh-layout, and the files of artist-title that state a key. Quick: a sixth.
    """
    chosen: list[tuple[Path, Known]] = [
        (one, _annotated) for one in sorted(path for path in (shared / "pop909").iterdir() if path.name <= "060")
    ]
    chosen += [(one, _claimed) for one in _midi_files(shared / "lakh-layout")[1::2]]
    stating = [(one, _claimed) for one in _midi_files(shared / "artist-title") if _signature(_read(one), 0, None) is not None]
    for path, known in (*chosen, *stating)[:: 6 if quick else 1]:
        file = path / f"{path.name}.mid" if path.is_dir() else path
        try:
            yield _song(file, path.relative_to(shared).as_posix(), path, known)
        except midi.Unreadable as error:
            yield f"{error.reason}"


def rendered(song: Song, player: render.Player, folder: Path) -> Path:
    """The FLAC file of a song, made now unless it is there. Raises RenderError."""
    digest = hashlib.sha256(song.data).hexdigest()[:16]
    file = folder / f"{song.group}-{digest}-{RECIPE}.flac"
    if not file.exists():
        with tempfile.TemporaryDirectory(prefix="motet-bench-") as stems:
            (played,) = render.render_song(song.data, player, Path(stems), render.takes(1), format="wav")
        unfinished = file.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(render.encode(played.mix.audio, RATE))
        unfinished.replace(file)
    return file


def _song(file: Path, name: str, place: Path, known: Known) -> Song | str:
    data = file.read_bytes()
    score = midi.read(data)
    clock, length = score.tempo_map, score.duration
    first, last = (clock.from_seconds(max(length / 2 + half, 0.0)) for half in (-SECONDS / 2, SECONDS / 2))
    passage = Passage(score, first, min(last, score.end))
    if passage.end <= first or passage.seconds < LEAST_SECONDS or len(passage.struck) < LEAST_NOTES:
        return "too short, or too few notes"
    bpm, key = known(place, passage)
    tapped, heard = midi.tap(passage), midi.key(passage)
    return Song(
        name,
        name.partition("/")[0],
        midi.cut(data, passage.start, passage.end),
        None if isinstance(bpm, str) else bpm,
        None if isinstance(key, str) else key,
        tuple(f"{what}: {why}" for what, why in (("tempo", bpm), ("key", key)) if isinstance(why, str)),
        tapped.tempo if tapped else None,
        (heard.tonic, heard.mode) if heard else None,
    )


def _annotated(folder: Path, passage: Passage) -> tuple[float | str, Tonality | str]:
    start, end = (float(passage.clock.to_seconds(tick)) for tick in (passage.start, passage.end))
    beats = np.loadtxt(folder / "beat_midi.txt", ndmin=2)[:, 0]
    beats = beats[(beats >= start) & (beats <= end)]
    bpm: float | str = "fewer than 20 beats" if len(beats) < LEAST_BEATS else _steady(np.diff(beats))
    lasting: dict[Tonality, float] = {}
    for line in (folder / "key_audio.txt").read_text().splitlines():
        if line.strip():
            since, until, name = line.split()
            root, mode = name.split(":")
            tonality = (_class(root), {"maj": "major", "min": "minor"}[mode])
            shared = min(float(until), end) - max(float(since), start)
            lasting[tonality] = lasting.get(tonality, 0.0) + max(shared, 0.0)
    main = max(lasting, key=lambda one: lasting[one], default=None)
    if main is None or lasting[main] < ONE_KEY * (end - start):
        return bpm, "no key holds for three quarters of the passage"
    return bpm, main


def _claimed(_: Path, passage: Passage) -> tuple[float | str, Tonality | str]:
    stated = _signature(passage.score, passage.start, passage.end)
    return _written(passage), stated or "none stated, or several, or C major, often a default"


def _written(passage: Passage) -> float | str:
    if passage.grid.strength < FOLLOWED:
        return "notes off the written grid"
    clock = passage.clock
    at = np.linspace(clock.to_seconds(passage.start), clock.to_seconds(passage.end), 400)
    quarters = _steady(np.diff(at) / np.maximum(np.diff(clock.to_quarters(clock.from_seconds(at))), 1e-9))
    if isinstance(quarters, str):
        return quarters
    counted = midi.pulse(clock, passage.start, passage.end).mean
    mean = 60 * clock.to_quarters(passage.end - passage.start) / passage.seconds
    return quarters * counted / mean  # beats of the metre, of three eighths in 6/8


def _steady(intervals: Floats) -> float | str:
    """The tempo of intervals of a beat."""
    middle = float(np.median(intervals))
    if not SLOWEST <= 60 / middle <= FASTEST:
        return "below 30 or above 300 beats a minute"
    return 60 / middle if np.mean(np.abs(intervals / middle - 1) <= STEADY) >= HELD else "the tempo changes"


def _signature(score: midi.Score | None, start: int, end: int | None) -> Tonality | None:
    """The one key that is stated for a passage, None where there is none or several, and for C major."""
    if score is None:
        return None
    said = {(one.time, one.key, one.tonality) for one in score.symusic.key_signatures}
    last = max((time for time, _, _ in said if time <= start), default=0)
    holding = {(key, minor) for time, key, minor in said if time == last or (time > start and (end is None or time < end))}
    if len(holding) != 1 or holding == {(0, 0)}:
        return None
    ((sharps, minor),) = holding
    return (7 * sharps + (9 if minor else 0)) % 12, "minor" if minor else "major"


def _read(file: Path) -> midi.Score | None:
    try:
        return midi.read(file.read_bytes())
    except midi.Unreadable:
        return None


def _midi_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".mid", ".midi", ".kar"})


def _class(root: str) -> int:
    return (CLASSES[root[0]] + root.count("#") - root.count("b")) % 12
