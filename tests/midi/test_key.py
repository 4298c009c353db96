"""The key of a passage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from symusic.core import NoteTick, ScoreTick, TrackTick

from motet.midi import read
from motet.midi.key import Key, key
from motet.midi.passage import Passage

I_IV_V_I = ((60, 64, 67), (65, 69, 72), (67, 71, 74), (60, 64, 67))
I_IV_V_I_IN_MINOR = ((57, 60, 64), (62, 65, 69), (64, 68, 71), (57, 60, 64))


def played(*struck: tuple[int, ...], up: int = 0, length: int = 96, division: int = 96, drums: bool = False) -> Passage:
    score = ScoreTick(division)
    track = TrackTick("", 0, drums)
    for beat, pitches in enumerate(struck):
        for pitch in pitches:
            track.notes.append(NoteTick(beat * division, length * division // 96, pitch + up, 80))
    score.tracks.append(track)
    return Passage.whole(read(score.dumps_midi()))


@pytest.mark.parametrize("chords, mode, tonic", [(I_IV_V_I, "major", 0), (I_IV_V_I_IN_MINOR, "minor", 9)])
@pytest.mark.parametrize("up", range(12))
def test_a_cadence_tells_its_key_in_every_transposition(chords: tuple, mode: str, tonic: int, up: int) -> None:
    found = key(played(*chords, up=up))
    assert (found.tonic, found.mode) == ((tonic + up) % 12, mode)
    assert found.confidence == pytest.approx(key(played(*chords)).confidence)
    assert 0 <= found.runner_up_confidence <= found.confidence <= 1


@given(st.lists(st.lists(st.integers(30, 90), min_size=1, max_size=4).map(tuple), min_size=1, max_size=12))
def test_the_ticks_of_a_quarter_note_change_nothing(chords: list) -> None:
    coarse, fine = key(played(*chords)), key(played(*chords, division=192))
    assert fine.confidence == pytest.approx(coarse.confidence)
    assert np.isfinite(coarse.confidence)


def test_without_pitched_notes_there_is_no_key() -> None:
    assert key(played()) is None
    assert key(played((60, 64, 67), drums=True)) is None


def test_names_are_spelled_as_usual() -> None:
    assert Key(3, "major", 1, (0, "minor"), 0).name == "E flat major"
    assert Key(6, "minor", 1, (9, "major"), 0).name == "F sharp minor"
    assert [Key(tonic, "major", 1, (0, "minor"), 0).short for tonic in (1, 6)] == ["Db", "F#"]
    assert Key(0, "minor", 1, (3, "major"), 0).flat  # three flats
    assert not Key(4, "minor", 1, (7, "major"), 0).flat  # one sharp


@pytest.mark.shared
def test_a_pop_song(shared: Path) -> None:
    data = (shared / "midi/pop909/001/001.mid").read_bytes()
    assert key(Passage.whole(read(data))).name == "F sharp major"
