"""Exports beside a plain copy of the same files, each as far as the disk: stored sounds, and clips that have to be cut.

A copy is read and written file by file and flushed, as an export is. Stored sounds are FLAC of 10 s of noise, stereo, read and
hashed as a dataset's media are; cuts are spans of 10 s out of mixes of 60 s, which are decoded and encoded anew.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from measure import Line, over, seconds
from motet import render
from motet.export.example import SPLITS, Choice, Example, Examples, Licence, Sound

GOAL = 0.7
FORMS = ("huggingface", "audiofolder", "webdataset", "stable_audio", "jsonl", "audiocraft")
RATE, LENGTH, MIX = 44_100, 10, 60


def measure(quick: bool) -> Iterator[Line]:
    repeats, number = (2, 60) if quick else (5, 400)
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as name:
        folder = Path(name)
        files = _sounds(folder / "media", number, LENGTH)
        yield from _compared("stored sounds", folder, files, partial(_stored, files), repeats)
        shutil.rmtree(folder / "media")
        mixes = _sounds(folder / "media", number // 10, MIX)
        yield from _compared("cuts of mixes", folder, mixes, partial(_cut, mixes), repeats)


def _compared(what: str, folder: Path, files: list[Path], examples: Examples, repeats: int) -> Iterator[Line]:
    """Megabytes a second of what lies there, by turns, so that all have the same weather. Goals are for stored sounds."""
    total = sum(file.stat().st_size for file in files) / 1e6
    taken: dict[str, list[float]] = {"copy": [], **{form: [] for form in FORMS}}
    for _ in range(repeats):
        for name, values in taken.items():
            to = folder / "out"
            shutil.rmtree(to, ignore_errors=True)
            os.sync()
            if name == "copy":
                values += seconds(partial(_copy, files, to), 1)
            else:
                write = importlib.import_module(f"motet.export.{name}").write
                values += seconds(partial(write, examples, to, Choice(frozenset(("mix", "captions")))), 1)
            shutil.rmtree(to)
    speeds = {name: tuple(total / one for one in values) for name, values in taken.items()}
    yield Line(f"{what}: copy", speeds["copy"], "MB/s", len(files))
    for form in FORMS:
        ratio = over(speeds[form], speeds["copy"])
        judged = what == "stored sounds"
        goal = f"at least {GOAL}" if judged else ""
        yield Line(
            f"{what}: {form}", speeds[form], "MB/s", len(files), ratio, f"{what}: copy", goal, ratio >= GOAL if judged else None
        )


def _copy(files: list[Path], to: Path) -> None:
    to.mkdir()
    for file in files:
        shutil.copyfile(file, to / file.name)
        with (to / file.name).open("rb") as written:
            os.fsync(written.fileno())


def _sounds(folder: Path, number: int, length: int) -> list[Path]:
    folder.mkdir()
    random = np.random.default_rng(1)
    files = []
    for at in range(number):
        noise = random.normal(0, 0.02, (RATE * length, 2)).astype(np.float32)
        data = render.encode(np.clip(noise, -1, 1), RATE, "flac")
        files.append(folder / f"{at:05d}-{hashlib.sha256(data).hexdigest()}.flac")
        files[-1].write_bytes(data)
    return files


def _stored(files: list[Path]) -> Iterable[Example]:
    for at, file in enumerate(files):
        sound = Sound(RATE, 2, RATE * LENGTH, lambda file=file: render.decode(file)[0], partial(_checked, file))  # type: ignore[misc]
        yield _example(at, len(files), sound)


def _cut(files: list[Path]) -> Iterable[Example]:
    for at, file in enumerate(files):
        for part in range(MIX // LENGTH):
            start = part * LENGTH * RATE
            samples = lambda file=file, start=start: render.decode(file, start, start + LENGTH * RATE)[0]  # noqa: E731
            yield _example(at * MIX // LENGTH + part, len(files) * MIX // LENGTH, Sound(RATE, 2, RATE * LENGTH, samples))


def _checked(file: Path) -> bytes:
    data = file.read_bytes()
    assert hashlib.sha256(data).hexdigest() == file.stem.partition("-")[2]
    return data


def _example(at: int, number: int, sound: Sound) -> Example:
    split = SPLITS[0 if at < 0.9 * number else 1 if at < 0.95 * number else 2]
    words = ("A calm piece of music, played by piano and double bass.",)
    facts = {"tempo": 96.0, "key": "E flat major", "instruments": ["piano", "double bass"]}
    return Example(
        f"{at:016x}.t000.c000", f"{at}", f"{at:016x}", "Ada Example/Song.mid", split, 0.0, float(LENGTH), captions=words,
        caption_forms=("long",), facts=facts, licences=(Licence("source", "Song.mid", "CC0-1.0"),), mix=sound,
    )  # fmt: skip
