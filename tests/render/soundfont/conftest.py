"""Small fonts made to sound."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from motet.render import Line, find
from motet.render.soundfont import load
from motet.render.soundfont.generators import AS_WRITTEN, Reading
from render.notation import Message
from render.soundfont.making import RATE, Font, Sample, one, steady
from render.soundfont.measuring import Sound, played, song

Hear = Callable[..., Sound]
"""(font, messages, reading=AS_WRITTEN, rate=RATE, wet=False): its sound, in units of the stored samples."""

_numbers: Iterator[int] = count()


def _rendered(folder: Path, font: Font, messages: Iterable[Message], reading: Reading, rate: int, wet: bool = False) -> Sound:
    path = font.write(folder / f"{next(_numbers)}.sf{3 if font.vorbis else 2}")
    (audio,) = load(find(str(path)), rate, reading=reading, wet=wet).render([Line(song(messages))])
    return audio.astype(np.float64)


@pytest.fixture(scope="session")
def unit(tmp_path_factory: pytest.TempPathFactory) -> float:
    """The synth's overall gain, which the standard leaves free: that of a plain note at full velocity, hard left."""
    plain = one(Sample(steady(), (64, 192)), sample_modes=1, pan=-500)
    sound = _rendered(tmp_path_factory.mktemp("unit"), plain, played(0, 16384), AS_WRITTEN, RATE)
    return float(np.median(sound[1024:16000, 0]) / 0.5)


@pytest.fixture(scope="session")
def hear(tmp_path_factory: pytest.TempPathFactory, unit: float) -> Hear:
    folder = tmp_path_factory.mktemp("fonts")

    def heard(
        font: Font, messages: Iterable[Message], reading: Reading = AS_WRITTEN, rate: int = RATE, wet: bool = False
    ) -> Sound:
        return _rendered(folder, font, messages, reading, rate, wet) / unit

    return heard
