"""How long a film's sound should be: what a container tells of picture and sound together is no promise of either."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from film.numbered_films import RATE, film
from motet.audio.decoding import open_recording


def heard(path: Path) -> float:
    """Seconds of sound, of a film that is whole."""
    with open_recording(path) as recording:
        frames = sum(len(block) for block in recording.blocks())
        assert recording.fault is None
        return frames / recording.rate


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "webm"])
def test_sound_that_begins_late_is_whole(suffix: str, tmp_path: Path) -> None:
    assert heard(film(tmp_path / f"late.{suffix}", late=3.0)) == pytest.approx(120 / 25, abs=0.1)


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "avi"])
def test_sound_that_ends_before_the_picture_is_whole(suffix: str, tmp_path: Path) -> None:
    hiss = np.random.default_rng(1).normal(0, 0.05, 2 * RATE).astype(np.float32)
    assert heard(film(tmp_path / f"short.{suffix}", sound=hiss)) == pytest.approx(2.0, abs=0.1)
