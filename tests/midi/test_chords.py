"""The chords of a passage."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from symusic.core import NoteTick, ScoreTick, TrackTick

from motet.midi import read
from motet.midi.chords import chords
from motet.midi.key import Key
from motet.midi.passage import Passage

EACH = 4  # beats that a chord is held
notes = st.tuples(st.integers(0, 4000), st.integers(0, 900), st.integers(0, 127), st.booleans())


def held(*struck: tuple[int, ...], up: int = 0, division: int = 96, late: int = 0) -> Passage:
    score = ScoreTick(division)
    track = TrackTick("", 0, False)
    for number, pitches in enumerate(struck):
        for beat in range(EACH):
            for pitch in pitches:
                track.notes.append(NoteTick((number * EACH + beat) * division + late, division, pitch + up, 80))
    score.tracks.append(track)
    return Passage.whole(read(score.dumps_midi()))


C, A_MINOR, G7, C_OVER_E = (48, 60, 64, 67), (45, 60, 64, 69), (43, 59, 62, 65, 67), (40, 60, 64, 67)


def test_chords_and_where_they_change() -> None:
    found = chords(held(C, A_MINOR, G7, C_OVER_E))
    assert [chord.symbol for chord in found] == ["C", "Am", "G7", "C/E"]
    assert [chord.start for chord in found] == [0, 384, 768, 1152]
    assert found[-1].end == 1536
    assert [(chord.root, chord.bass) for chord in found] == [(0, 0), (9, 9), (7, 7), (0, 4)]


@pytest.mark.parametrize("up", range(1, 12))
def test_a_song_moved_up_has_its_chords_moved_up(up: int) -> None:
    here, there = chords(held(C, A_MINOR, G7)), chords(held(C, A_MINOR, G7, up=up))
    assert [(chord.root + up) % 12 for chord in here] == [chord.root for chord in there]
    assert [chord.quality for chord in here] == [chord.quality for chord in there]


def test_the_key_spells() -> None:
    e_flat = (51, 63, 67, 70)
    assert chords(held(e_flat), Key(3, "major", 1, (0, "minor"), 0))[0].symbol == "Eb"
    assert chords(held(e_flat), Key(4, "major", 1, (1, "minor"), 0))[0].symbol == "D#"


def test_notes_beside_the_beats_of_the_file_bring_their_own() -> None:
    found = chords(held(C, A_MINOR, G7, late=36))  # by 3/8 of a beat
    assert [chord.start for chord in found if chord.root is not None][1:] == [384 + 36, 768 + 36]


def test_silence_is_no_chord() -> None:
    score = ScoreTick(96)
    assert chords(Passage.whole(read(score.dumps_midi()))) == []
    score.tracks.append(TrackTick("", 0, True))
    score.tracks[0].notes.append(NoteTick(0, 96, 36, 80))
    assert [chord.symbol for chord in chords(Passage.whole(read(score.dumps_midi())))] == ["N"]


@given(st.lists(notes, min_size=1, max_size=30))
def test_any_notes_have_chords_without_gaps(struck: list) -> None:
    score = ScoreTick(96)
    score.tracks.extend([TrackTick("", 0, False), TrackTick("", 0, True)])
    for start, length, pitch, drum in struck:
        score.tracks[drum].notes.append(NoteTick(start, length, pitch, 80))
    passage = Passage.whole(read(score.dumps_midi()))
    found = chords(passage)
    assert (found[0].start, found[-1].end) == (0, passage.end)
    for one, other in pairwise(found):
        assert one.end == other.start
        assert (one.root, one.quality) != (other.root, other.quality)
    assert all(0 < chord.confidence <= 1 and chord.start < chord.end for chord in found)


@pytest.mark.shared
def test_the_first_chords_of_a_pop_song(shared: Path) -> None:
    found = chords(Passage.whole(read((shared / "midi/pop909/001/001.mid").read_bytes())))
    assert [chord.root for chord in found if chord.root is not None][:4] == [11, 1, 10, 3]
