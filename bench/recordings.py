"""Recordings: how right tempo and key are on songs whose truth is known, beside other ears, and how fast chunks are made.

MOTET_RENDERS names a folder that keeps the renderings, which take most of the time; MOTET_SONGS says how many songs.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from measure import Line, cpu, fresh, peak_mb, seconds
from motet import render
from recordings_truth import RATE, Song, Tonality, rendered, songs
from truth import mirex

Samples = npt.NDArray[np.float32]

NEAR = 0.04  # of the true tempo
TIMES = (1, 2, 3, 1 / 2, 1 / 3)
GOALS = {"tempo": 0.75, "tempo or a multiple": 0.93, "key": 0.70}
FEWEST = 100  # songs that a goal is judged by
WORST = 10
CUT_GOAL, LISTEN_GOAL, MEMORY_GOAL = 60, 25, 1000  # times as fast as it plays; MB
CHUNK, SPEED_SECONDS = 30.0, 240.0
LONG_HOURS, LONG_QUICK = 3.0, 0.25
# Krumhansl and Kessler, Psychological Review 89, 1982.
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
NAMES = "C Db D Eb E F Gb G Ab A Bb B".split()


@dataclass(frozen=True)
class Told:
    """What an ear says of a passage: beats per minute, None for no pulse, and the key, None for none."""

    bpm: float | None
    key: Tonality | None


Ear = Callable[[Samples, int], Told]  # of samples (frames, channels) and their rate


def motet_ear(samples: Samples, rate: int) -> Told:
    return _described(samples, rate, "motet")


def chunk_ear(samples: Samples, rate: int) -> Told:
    """The middle 30 s as a chunk of the recipe sounds: 32 kHz, one channel."""
    from motet.audio.chunk_sound import Fitter

    middle, half = len(samples) // 2, round(CHUNK / 2 * rate)
    fitter = Fitter()
    return motet_ear(fitter.fit(samples[max(middle - half, 0) : middle + half], rate).samples, fitter.rate)


def essentia_ear(samples: Samples, rate: int) -> Told:
    return _described(samples, rate, "essentia")


def _described(samples: Samples, rate: int, by: Any) -> Told:
    from motet.audio.facts.describe import describe

    facts = describe(samples, rate, by)
    return Told(facts.tempo.bpm if facts.tempo else None, (facts.key.tonic, facts.key.mode) if facts.key else None)


def librosa_ear(samples: Samples, rate: int) -> Told:
    """As a script would ask librosa: its beat tracker, and the best of the profiles for the mean of a constant-Q chroma."""
    import librosa

    mono = librosa.resample(samples.mean(axis=1), orig_sr=rate, target_sr=22050)
    tempo, _ = librosa.beat.beat_track(y=mono, sr=22050)
    chroma = librosa.feature.chroma_cqt(y=mono, sr=22050).mean(axis=1)
    fits = {
        (tonic, mode): float(np.corrcoef(np.roll(profile, tonic), chroma)[0, 1])
        for mode, profile in (("major", MAJOR), ("minor", MINOR))
        for tonic in range(12)
    }
    return Told(float(np.ravel(tempo)[0]) or None, max(fits, key=lambda one: fits[one]))


def ears() -> dict[str, Ear]:
    """Who listens; the row to beat comes first."""
    found: dict[str, Ear] = {"librosa": librosa_ear, "motet": motet_ear, "motet, 30 s": chunk_ear}
    if find_spec("essentia"):
        found["essentia"] = essentia_ear
    return found


def measure(quick: bool) -> Iterator[Line]:
    shared = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "midi"
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as temporary:
        folder = Path(os.environ.get("MOTET_RENDERS") or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if shared.is_dir():
            played, left_out = _played(shared, folder, quick)
            print(f"({len(played)} songs; left out: {', '.join(f'{why} {n}' for why, n in sorted(left_out.items()))})")
            yield from judged(played, ears())
        else:
            print(f"(no shared files at {shared}: set MOTET_SHARED; speeds only)")
        yield from speeds(_speed_files(folder), SPEED_SECONDS, 3)
        yield from _memory(folder, LONG_QUICK if quick else LONG_HOURS)


def _played(shared: Path, folder: Path, quick: bool) -> tuple[list[tuple[Song, Path]], Counter[str]]:
    found: list[tuple[Song, Path]] = []
    left_out: Counter[str] = Counter()
    most = int(os.environ.get("MOTET_SONGS", "0")) or None
    with render.Player(render.read_rack("default"), RATE) as player:
        for song in songs(shared, quick):
            if isinstance(song, str):
                left_out[song] += 1
                continue
            try:
                found.append((song, rendered(song, player, folder)))
            except render.RenderError as error:
                left_out[error.reason] += 1
                continue
            left_out.update(song.left_out)
            if len(found) == most:
                break
    return found, left_out


# How right


def judged(played: list[tuple[Song, Path]], listening: dict[str, Ear]) -> Iterator[Line]:
    """Lines of tempo and key for each ear; the first is the peer of the others. Ends with the speeds of listening."""
    told: dict[str, list[Told]] = {name: [] for name in listening}
    spent = dict.fromkeys(listening, 0.0)
    heard = 0.0
    for number, (_, file) in enumerate(played):
        samples, rate = render.decode(file)
        for name, ear in listening.items():
            if not number:
                ear(samples, rate)  # what is compiled and loaded once is no speed
            began = cpu()
            told[name].append(ear(samples, rate))
            spent[name] += cpu() - began
        heard += len(samples) / rate
    told["read from the notes"] = [Told(song.tapped, song.in_notes) for song, _ in played]
    all_songs = [song for song, _ in played]
    for what, marks in JUDGES.items():
        first: float | None = None
        for name, answers in told.items():
            line = _line(f"{what}, {name}", list(map(marks, all_songs, answers)), what, name)
            yield line if first is None else _beside(line, first, next(iter(told)))
            first = line.figure if first is None else first
        for group in sorted({song.group for song in all_songs}):
            pairs = [(song, answer) for song, answer in zip(all_songs, told["motet"], strict=True) if song.group == group]
            yield _line(f"  {what}, motet, {group}", [marks(song, answer) for song, answer in pairs])
    _print_worst(all_songs, told["motet"])
    for name in listening:
        fast = heard / spent[name] if name != "motet, 30 s" else CHUNK * len(played) / spent[name]
        ours = name == "motet"
        yield Line(
            f"listening, {name}", (fast,), "x real time", len(played),
            goal=f">= {LISTEN_GOAL}" if ours else "", reached=fast >= LISTEN_GOAL if ours else None,
            note="with the cut and fit of the chunk" if name == "motet, 30 s" else "CPU time, after a first song",
        )  # fmt: skip


def _exact(song: Song, told: Told) -> float | None:
    return _near(song, told, (1,))


def _octave(song: Song, told: Told) -> float | None:
    return _near(song, told, TIMES)


def _near(song: Song, told: Told, times: tuple[float, ...]) -> float | None:
    if song.bpm is None:
        return None
    bpm = song.bpm
    return float(told.bpm is not None and any(abs(told.bpm / (bpm * one) - 1) <= NEAR for one in times))


def _key(song: Song, told: Told) -> float | None:
    return None if song.key is None else mirex(told.key, song.key)


def _relative(song: Song, told: Told) -> float | None:
    """Many files state as many sharps as there are, and always major."""
    return None if song.key is None else float(mirex(told.key, song.key) in (1.0, 0.3))


JUDGES: dict[str, Callable[[Song, Told], float | None]] = {
    "tempo": _exact,
    "tempo or a multiple": _octave,
    "key": _key,
    "key or its relative, of songs": _relative,
}


def _line(name: str, marks: list[float | None], what: str = "", who: str = "") -> Line:
    known = np.array([mark for mark in marks if mark is not None])
    if not len(known):
        return Line(name, (float("nan"),), "", 0, note="nothing to judge")
    mean, (low, high) = float(known.mean()), _interval(known)
    goal = GOALS.get(what) if who in ("motet", "essentia") else None
    reached = None if goal is None or len(known) < FEWEST else mean >= goal
    note = f"95 %: {low:.3f} to {high:.3f}"
    return Line(name, (mean,), "", len(known), goal="" if goal is None else f">= {goal:g}", reached=reached, note=note)


def _beside(line: Line, peer: float, name: str) -> Line:
    return replace(line, ratio=line.figure / peer, peer=name) if peer else line


def _interval(marks: npt.NDArray[np.float64], draws: int = 2000) -> tuple[float, float]:
    """Of the mean, by drawing the songs again with replacement."""
    chance = np.random.default_rng(0)
    means = marks[chance.integers(0, len(marks), (draws, len(marks)))].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def _print_worst(all_songs: list[Song], told: list[Told]) -> None:
    every = bool(os.environ.get("MOTET_ALL"))
    far: list[str] = []
    wrong: list[str] = []
    false: list[tuple[float, str]] = []
    for song, answer in zip(all_songs, told, strict=True):
        if song.bpm is not None and not _exact(song, answer):
            line = f"  {answer.bpm or 0:.0f} for {song.bpm:.0f} (notes {song.tapped or 0:.0f}): {song.name}"
            (wrong if _octave(song, answer) else far).append(line)
        if song.key is not None and mirex(answer.key, song.key) < 1:
            notes = _named(song.in_notes)
            mark = mirex(answer.key, song.key)
            false.append((mark, f"  {_named(answer.key)} for {_named(song.key)} (notes {notes}), {mark}: {song.name}"))
    lists = (("tempo", far), ("tempo, a multiple", wrong), ("key", [line for _, line in sorted(false)]))
    for what, lines in lists:
        print(f"  wrong {what}: {len(lines)}", *(lines if every else lines[:WORST]), sep="\n")


def _named(key: Tonality | None) -> str:
    return f"{NAMES[key[0]]} {key[1]}" if key else "none"


# How fast


def speeds(files: dict[str, Path], length: float, repeats: int) -> Iterator[Line]:
    """From files of `length` seconds to chunks that are cut, resampled, of one loudness: times as fast as they play, one core."""
    chunks = int(length / CHUNK)
    for name, file in files.items():
        _cut(file, length)  # warm
        fast = tuple(length / one for one in seconds(partial(_cut, file, length), repeats, cpu))
        yield Line(
            f"decode, cut, resample, loudness: {name}", fast, "x real time", chunks,
            goal=f">= {CUT_GOAL}", reached=sorted(fast)[len(fast) // 2] >= CUT_GOAL, note="CPU time",
        )  # fmt: skip
        alone = tuple(length / one for one in seconds(partial(_decoded, file), repeats, cpu))
        yield Line(f"  decode alone: {name}", alone, "x real time", chunks)


def _decoded(file: Path) -> int:
    from motet.audio.decoding import open_recording

    with open_recording(file) as recording:
        return sum(len(block) for block in recording.blocks())


def _cut(file: Path, length: float, each: Callable[[Samples, int], object] | None = None) -> float:
    """The chunks of a recording of `length` seconds, one after the other; returns the seconds in them."""
    from motet.audio.chunk_sound import Fitter
    from motet.audio.chunking import plan
    from motet.audio.decoding import open_recording

    fitter, total = Fitter(), 0.0
    with open_recording(file) as recording:
        spans = plan(length, recording.rate, length=CHUNK)
        for chunk in fitter.cut(recording.blocks(), recording.rate, spans, recording.layout):
            total += len(chunk.samples) / fitter.rate
            if each:
                each(chunk.samples, fitter.rate)
    if abs(total - length) > 1:
        msg = f"{file} gave {total:.1f} s of {length:.1f}"
        raise RuntimeError(msg)
    return total


def _speed_files(folder: Path) -> dict[str, Path]:
    """Our own demo's tunes at 44.1 kHz in stereo, in formats that recordings come in."""
    formats: tuple[render.Format, ...] = ("flac", "mp3", "ogg")
    files = {str(format): folder / f"speed.{format}" for format in formats}
    if not all(file.exists() for file in files.values()):
        audio = _tunes(SPEED_SECONDS)
        for format in formats:
            files[format].write_bytes(render.encode(audio, RATE, format))
    return files


def _tunes(length: float) -> Samples:
    from motet.demo.collection import collection

    parts: list[Samples] = []
    with tempfile.TemporaryDirectory() as stems, render.Player(render.read_rack("default"), RATE) as player:
        for name, data in sorted(collection().items()):
            if name.endswith(".mid") and data.startswith(b"MThd") and "(1)" not in name and sum(map(len, parts)) < length * RATE:
                (played,) = render.render_song(data, player, Path(stems), render.takes(1), format="wav")
                parts.append(played.mix.audio)
    audio = np.concatenate(parts)
    return np.tile(audio, (int(np.ceil(length * RATE / len(audio))), 1))[: round(length * RATE)] * np.float32(0.8)


def _memory(folder: Path, hours: float) -> Iterator[Line]:
    file = folder / f"long-{hours:g}.flac"
    if not file.exists():
        import soundfile

        audio, _ = render.decode(_speed_files(folder)["flac"])
        unfinished = file.with_suffix(".part")
        with soundfile.SoundFile(unfinished, "w", RATE, 2, "PCM_16", format="FLAC", compression_level=0) as out:
            for _ in range(round(hours * 3600 / SPEED_SECONDS)):
                out.write(audio)
        unfinished.replace(file)
    told = fresh("recordings", file, hours * 3600)
    yield Line(
        f"memory, a recording of {hours:g} h", (told["peak"],), "MB", int(told["seconds"]),
        goal=f"<= {MEMORY_GOAL} MB", reached=told["peak"] <= MEMORY_GOAL if hours == LONG_HOURS else None,
        note=f"n seconds; cut into chunks, every tenth listened to; {told['imported']:.0f} MB before it",
    )  # fmt: skip


def main(file: str, length: float) -> None:
    """Cut a recording in this process, which then tells how much it held."""
    motet_ear(np.zeros((RATE, 1), np.float32), RATE)
    imported, number = peak_mb(), 0

    def each(samples: Samples, rate: int) -> None:
        nonlocal number
        number += 1
        if number % 10 == 1:
            motet_ear(samples, rate)

    total = _cut(Path(file), length, each)
    print(json.dumps({"peak": peak_mb(), "imported": imported, "seconds": total}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
