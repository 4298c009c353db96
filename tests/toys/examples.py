"""Examples to export: real FLAC, MIDI and MP4, of songs that do not exist."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from motet import midi, render
from motet.export.example import Example, Examples, Licence, Sound, Split, Stem
from toys.midi import song

RATE = 16000
SPLITS: tuple[Split, ...] = ("train", "train", "train", "validation", "test")


@cache
def wave(pitch: float, seconds: float = 2.0, channels: int = 2) -> npt.NDArray[np.float32]:
    times = np.arange(round(seconds * RATE)) / RATE
    tone = 0.4 * np.sin(2 * np.pi * pitch * times) * np.minimum(1, 4 * (1 - times / seconds))
    return np.ascontiguousarray(np.repeat(tone[:, None], channels, axis=1), np.float32)


def sound(pitch: float, *, stored: bool = True, channels: int = 2) -> Sound:
    samples = wave(pitch, channels=channels)
    data = render.encode(samples, RATE, "flac")
    return Sound(RATE, channels, len(samples), lambda: render.decode(data)[0], (lambda: data) if stored else None)


@cache
def film() -> bytes:
    from tempfile import TemporaryDirectory

    from motet.video import film

    with TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        pictures = (np.full((64, 64, 3), 8 * n % 256, np.uint8) for n in range(24))
        film.write(path, pictures, fps=Fraction(12), size=(64, 64), sound=(wave(440.0), RATE))
        return path.read_bytes()


def example(number: int, split: Split, *, video: bool = False, stored: bool = True, whole: bool = False) -> Example:
    """Example `number` of `split`: a mix of 2 s, two stems, MIDI, two captions, facts and licences."""
    data = song(number)
    parts = midi.split(data)
    stems = tuple(
        Stem(
            index=index,
            name=f"{part.name or 'part'} {index}",
            sound=sound(220.0 + 30 * number + 110 * index, stored=stored),
            midi=lambda data=part.midi: data,  # type: ignore[misc]
            role="melody" if index == 0 else "bass",
            program=part.program,
            is_drum=part.is_drum,
            played_by="toy.sf2",
        )
        for index, part in enumerate(parts[:2])
    )
    return Example(
        id=f"4fc1b125b5cafd{number:02x}.t000" + ("" if whole else ".c000"),
        key=f"key {number} {split} {video} {stored} {whole}",
        song=f"4fc1b125b5cafd{number:02x}",
        path=f"Ada Exämple/Song {number}.mid",
        split=split,
        start=0.0 if whole else 4.0,
        end=2.0 if whole else 6.0,
        title=f"Song {number}" if number else "",
        artist=("Ada Exämple", "AC/DC?", "")[number % 3],
        captions=(f"A calm piece, number {number}, played by piano — “slowly”.", f"piano, calm, {number}"),
        caption_forms=("long", "tags"),
        facts={
            "tempo": 96.0 + number,
            "tempo_confidence": 0.9,
            "key": "E flat major" if number % 2 else None,
            "key_confidence": 0.8 if number % 2 else None,
            "metre": "3/4",
            "lufs": -17.5,
            "notes": 40 + number,
            "instruments": ["grand piano", "double bass"],
            "genres": ["folk"] if number else [],
            "moods": ["calm"],
            "tags": ["folk", "calm"] if number else ["calm"],
            "sections": ["A", "B"],
            "chords": ["Eb", "Bb7"],
        },
        licences=(
            Licence("source", f"Ada Exämple/Song {number}.mid", "CC-BY-4.0", "Ada Exämple", "https://example.org/song"),
            Licence("sound", "toy.sf2", "" if number == 2 else "CC0-1.0"),
        ),
        mix=sound(220.0 + 30 * number, stored=stored),
        stems=stems,
        midi=lambda: data,
        video=film if video else None,
        record={"title": f"Song {number}", "artist": "Ada Exämple", "tempo": 96.0 + number} if whole else {},
    )


def examples(count: int = 5, **how: bool) -> Examples:
    """`count` examples over three splits, in order of split and id."""
    made = [example(number, SPLITS[number % 5], **how) for number in range(count)]
    made.sort(key=lambda one: (("train", "validation", "test").index(one.split), one.id))

    def give() -> Iterable[Example]:
        return iter(made)

    return give
