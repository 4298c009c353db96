"""What is heard in films beside music: voices, crowds, streets, wind, things that fall. All drawn from a seed."""

from __future__ import annotations

import io
import math
import os
import random
import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

Audio = NDArray[np.float32]

VOICE_RATE = 22050
SPEAKERS = "en+m1 en+m2 en+m3 en+m4 en+m5 en+m7 en+f1 en+f2 en+f3 en+f4 en+f5 de fr es it".split()
WORDS = """the a we you they never always house river money door night train letter friend gun coffee because where who wait come
leave stay running quiet listen morning yesterday nobody everything window father sister captain bridge seven hundred answer
remember promise trouble honest danger please sorry quickly over under behind it was not what I said about her""".split()


@cache
def voices(folder: Path) -> tuple[Audio, ...]:
    """Clips of speech at 22050 Hz: espeak-ng's and those of the shared folder where they are, else made by `babble`.

    `folder`/plain, a file, asks for the last: such beds are the same on every machine.
    """
    chance = random.Random(7)
    if (folder / "plain").exists():
        return tuple(babble(chance, chance.uniform(1.5, 4)) for _ in range(24))
    found = [*_spoken(chance), *_recorded()]
    return tuple(found) or tuple(babble(chance, chance.uniform(1.5, 4)) for _ in range(60))


def _spoken(chance: random.Random) -> list[Audio]:
    if not shutil.which("espeak-ng"):
        return []
    import soundfile

    found = []
    for _ in range(120):
        words = " ".join(chance.choice(WORDS) for _ in range(chance.randint(3, 16)))
        how = ["-v", chance.choice(SPEAKERS), "-s", str(chance.randint(130, 210)), "-p", str(chance.randint(20, 80))]
        done = subprocess.run(["espeak-ng", *how, "--stdout", words], capture_output=True, check=True, timeout=20)
        clip, rate = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
        found.append(_level(soxr.resample(clip, rate, VOICE_RATE).astype(np.float32)))
    return found


def _recorded() -> list[Audio]:
    """Read and acted speech of the shared folder."""
    import soundfile

    shared = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data"
    files = sorted((shared / "datasets" / "emotion").rglob("03-*.wav"))
    files += [shared / "audio" / "librosa_data" / f"{name}-0000.ogg" for name in ("198-209", "3436-172162", "5703-47212")]
    found = []
    for file in files:
        if file.exists():
            clip, rate = soundfile.read(file, dtype="float32", always_2d=True)
            found.append(_level(soxr.resample(clip[:, 0], rate, VOICE_RATE).astype(np.float32)))
    return found * 2


def babble(chance: random.Random, seconds: float) -> Audio:
    """Like speech: syllables of a buzzing voice with three moving resonances, and hisses between them."""
    from scipy.signal import lfilter

    draw = np.random.default_rng(chance.getrandbits(32))
    count = round(seconds * VOICE_RATE)
    sound = np.zeros(count)
    pitch, at = chance.uniform(85, 230), 0
    while at < count:
        length = min(round(chance.uniform(0.09, 0.3) * VOICE_RATE), count - at)
        time = np.arange(length) / VOICE_RATE
        voiced = chance.random() < 0.75
        if voiced:
            f0 = pitch * math.exp(chance.gauss(0, 0.12)) * np.exp(chance.uniform(-0.6, 0.3) * time)
            phase = np.cumsum(f0 / VOICE_RATE)
            source = np.diff(np.floor(phase), prepend=0.0) + 0.02 * draw.standard_normal(length)
            formants = (chance.uniform(280, 850), chance.uniform(900, 2300), chance.uniform(2300, 3200))
        else:
            source, formants = 0.15 * draw.standard_normal(length), (chance.uniform(2500, 4000), chance.uniform(4500, 8000))
        for formant in formants:
            radius = math.exp(-math.pi * (90 + 0.06 * formant) / VOICE_RATE)
            source = lfilter([1 - radius], [1, -2 * radius * math.cos(2 * math.pi * formant / VOICE_RATE), radius**2], source)
        shape = np.sin(np.pi * np.clip(np.arange(length) / max(length, 1), 0, 1)) ** 0.6
        level = math.sqrt(float(np.mean(source**2))) or 1.0
        sound[at : at + length] += shape * source / level * (1.0 if voiced else 0.25)
        at += length if chance.random() < 0.8 else length + round(chance.uniform(0.02, 0.15) * VOICE_RATE)
    return _level(sound.astype(np.float32))


def _level(clip: Audio) -> Audio:
    level: Audio = clip * np.float32(0.1 / (math.sqrt(float(np.mean(clip.astype(np.float64) ** 2))) or 1.0))
    return level


def bed(count: int, rate: int, chance: random.Random, clips: tuple[Audio, ...]) -> tuple[Audio, str]:
    """Stereo (count, 2), never silent, and what it is called."""
    kind = chance.choice(list(BEDS))
    speech, noise, bangs = BEDS[kind]
    draw = np.random.default_rng(chance.getrandbits(32))
    sound = np.zeros((count, 2), np.float32)
    for talker in range(speech):
        side = chance.random() if talker else 0.5
        sound += _talk(count, rate, chance, clips, pause=1.2 if speech == 1 else 0.4, side=side)
    level = noise * 0.1 * max(1, speech) ** 0.5
    sound += np.float32(level) * _noise(count, rate, draw, chance)
    for _ in range(round(bangs * count / rate / 60)):
        length = round(chance.uniform(0.05, 0.8) * rate)
        at = chance.randrange(max(1, count - length))
        fall = np.exp(-np.arange(length) / (length / 6)).astype(np.float32)
        bang = draw.standard_normal(length).astype(np.float32) * fall * np.float32(chance.uniform(0.1, 0.4))
        sound[at : at + length] += bang[: count - at, None]
    return sound, kind


BEDS: dict[str, tuple[int, float, int]] = {  # voices at a time, noise against one voice, bangs a minute
    "dialogue": (1, 0.12, 2),
    "street": (1, 0.7, 6),
    "crowd": (5, 0.3, 2),
    "wind": (0, 1.0, 3),
    "action": (1, 0.5, 40),
}


def _talk(count: int, rate: int, chance: random.Random, clips: tuple[Audio, ...], pause: float, side: float) -> Audio:
    sound = np.zeros((count, 2), np.float32)
    at = round(chance.uniform(0, pause) * rate)
    while at < count:
        clip = _at_rate(chance.choice(range(len(clips))), rate, clips)[: count - at]
        pan = np.array([math.sqrt(1 - side), math.sqrt(side)], np.float32)
        sound[at : at + len(clip)] += clip[:, None] * pan * np.float32(chance.uniform(0.7, 1.4))
        at += len(clip) + round(chance.expovariate(1 / pause) * rate)
    return sound


@cache
def _resampled(rate: int, clips: tuple[int, ...]) -> dict[int, Audio]:
    return {}


def _at_rate(number: int, rate: int, clips: tuple[Audio, ...]) -> Audio:
    kept = _resampled(rate, tuple(map(id, clips)))
    if number not in kept:
        kept[number] = soxr.resample(clips[number], VOICE_RATE, rate).astype(np.float32)
    return kept[number]


def _noise(count: int, rate: int, draw: np.random.Generator, chance: random.Random) -> Audio:
    """Between white and brown, its ups and downs over seconds, a little different left and right."""
    from scipy.signal import lfilter

    slope = chance.uniform(0.6, 0.995)
    common = lfilter([1.0], [1.0, -slope], draw.standard_normal(count, dtype=np.float32)).astype(np.float32)
    left, right = np.roll(common, count // 3), np.roll(common, count // 2)
    slow = draw.standard_normal(count // rate // 2 + 3) * 0.35
    tide = np.exp(np.interp(np.arange(count) / rate / 2, np.arange(len(slow)), slow))
    both = np.stack([common + 0.5 * left, common + 0.5 * right], axis=1) * tide[:, None].astype(np.float32)
    whole: Audio = both / np.float32(math.sqrt(float(np.mean(both**2))))
    return whole
