"""The painter beside encoding alone: films of 16 s at 256 x 256 and 24 pictures a second, one core, CPU time."""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from measure import Line, cpu, over, seconds
from motet.video.fields import FIELDS
from motet.video.film import write
from motet.video.painter import film, paint

FPS, SECONDS, SIZE = 24, 16, (256, 256)
TEMPI, REPEATS = (90, 120, 140), 5
RATE = 44100
FASTEST_GOAL, RATIO_GOAL = 15.0, 2.0
DRUMS = ("kick", "closed hat", "snare", "closed hat")


def measure(quick: bool) -> Iterator[Line]:
    manifests = [_manifest(tempo, number) for number, tempo in enumerate(TEMPI[:1] if quick else TEMPI)]
    painted = [list(paint(manifest)) for manifest in manifests]  # and compiled
    repeats, n = 1 if quick else REPEATS, len(manifests)
    sound = _sound(), RATE
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
        path = Path(folder, "film.mp4")

        def speeds(work: Any) -> tuple[float, ...]:
            return tuple(n * SECONDS / taken for taken in seconds(work, repeats, cpu))

        alone = speeds(lambda: [write(path, pictures, fps=Fraction(FPS), size=SIZE) for pictures in painted])
        painting = speeds(lambda: [sum(1 for _ in paint(manifest)) for manifest in manifests])
        whole = speeds(lambda: [film(manifest, path) for manifest in manifests])
        heard = speeds(lambda: [film(manifest, path, sound=sound) for manifest in manifests])
    frames = n * SECONDS * FPS
    yield Line("encoding and mux alone", alone, "x real time", frames)
    yield Line("painting alone", painting, "x real time", frames, over(painting, alone), "encoding")
    for name, speed in (("painting, encoding and mux", whole), ("  the same with stereo sound", heard)):
        yield Line(
            name, speed, "x real time", frames, over(speed, alone), "encoding",
            goal="at least 15", reached=None if quick else min(speed) >= FASTEST_GOAL,
        )  # fmt: skip
    slower = tuple(one / other for one, other in zip(alone, whole, strict=True))
    yield Line(
        "encoding's speed over the whole's", slower, "x", frames,
        goal="at most 2", reached=None if quick else over(alone, whole) <= RATIO_GOAL,
    )  # fmt: skip


def _manifest(tempo: float, seed: int) -> dict[str, Any]:
    """A band in quavers: drums, a bass note a bar, chords, and a melody."""
    chance, events = random.Random(seed), []
    for quaver in range(math.floor(SECONDS * tempo / 30)):
        frame = round(quaver * 30 / tempo * FPS)
        struck = [("drums", DRUMS[quaver % 4], 36)]
        struck += [("melody", "", chance.randrange(60, 84))] * (chance.random() < 0.5)
        if quaver % 8 == 0:
            struck += [("bass", "", 36), *(("chords", "", pitch) for pitch in (60, 64, 67))]
        events += [
            {"frame": frame, "seconds": frame / FPS, "role": role, "drum": drum, "pitch": pitch,
             "velocity": chance.randrange(40, 120), "duration": 0.25, "fields": ["translation_z"]}
            for role, drum, pitch in struck
        ]  # fmt: skip
    frames, moving = [], {event["frame"] for event in events}
    for number in range(SECONDS * FPS):
        frame: dict[str, Any] = {"frame": number}
        for field in FIELDS.values():
            frame |= {field.name: field.rest, f"{field.name}_delta": field.still}
        frames.append(frame | {"translation_z_delta": 12.0 * (number in moving), "strength": 0.85 - 0.4 * (number in moving)})
    plan = {"version": 1, "seed": seed, "size": list(SIZE), "key": "D minor", "mood": ("dark", "happy", "calm")[seed % 3]}
    return {
        "options": {"output_fps": FPS, "bpm": tempo},
        "rendered_frames": frames,
        "motet": plan | {"events": events, "notes": []},
    }


def _sound() -> np.ndarray[Any, np.dtype[np.float32]]:
    """Plucked tones in stereo."""
    time = np.arange(SECONDS * RATE) / RATE
    tones = sum(np.sin(2 * np.pi * hz * time) for hz in (110, 220, 330, 440, 660, 1320, 2640)) * np.exp(-4 * (2 * time % 1))
    return np.repeat(0.08 * tones[:, None], 2, axis=1).astype(np.float32)
