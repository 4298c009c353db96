"""A stretch of a song: its notes, its beats, and how long pitches sound in each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midi.songs import Note, song
from motet.midi import Unreadable
from motet.midi.passage import Passage


def test_beats_are_those_the_metre_counts() -> None:
    whole = Passage.whole(song([(0, 4800, 60)], [(0, 3, 4), (1440, 6, 8), (2880, 2, 2)]))
    assert whole.beats.edges.tolist() == [0, 480, 960, 1440, 2160, 2880, 3840, 4800]
    assert whole.beats.places.tolist() == [0, 1, 2, 0, 1, 0, 1]
    assert whole.beats.bars.tolist() == [0, 0, 0, 1, 1, 2, 2]


def test_a_passage_may_begin_and_end_inside_a_beat() -> None:
    beats = Passage(song([(0, 4800, 60)]), 700, 1000).beats
    assert beats.edges.tolist() == [700, 960, 1000]
    assert beats.places.tolist() == [1, 2]


def test_notes_are_cut_to_the_passage_and_struck_ones_told_apart() -> None:
    score = song([(0, 960, 60), (480, 480, 64), (960, 960, 67), (1000, 0, 72)])
    middle = Passage(score, 240, 1200)
    assert sorted(middle.struck["pitch"].tolist()) == [64, 67, 72]
    cut = {int(n["pitch"]): (int(n["start"]), int(n["duration"])) for n in middle.sounding}
    assert cut == {60: (240, 720), 64: (480, 480), 67: (960, 240), 72: (1000, 0)}
    assert score.notes["duration"].tolist().count(960) == 2, "the song itself is not touched"


def test_chroma_counts_beats_and_leaves_drums_out() -> None:
    chroma = Passage.whole(song([(240, 720, 60), (0, 480, 72), (480, 480, 67)])).chroma
    assert chroma[:, 0].tolist() == [1.5, 1.0]
    assert chroma[:, 7].tolist() == [0.0, 1.0]
    assert not Passage.whole(song([(0, 480, 60)], drums=True)).chroma.any()


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 2500), st.integers(0, 127)), min_size=1, max_size=25),
    st.tuples(st.integers(0, 3000), st.integers(1, 3000)),
    st.sampled_from([[], [(0, 7, 8)], [(500, 3, 4), (1300, 6, 8)], [(0, 1, 128)]]),
)
def test_nothing_that_sounds_is_counted_twice_or_lost(notes: list[Note], span: tuple[int, int], metres: list) -> None:
    score = song(notes, metres, division=96)
    start, length = span
    passage = Passage(score, start, start + length)
    ticks = passage.chroma.T @ np.diff(passage.beats.edges)
    expected = np.zeros(12)
    for note in score.notes:
        first, last = max(int(note["start"]), start), min(int(note["start"] + note["duration"]), start + length)
        expected[note["pitch"] % 12] += max(0, last - first)
    assert ticks == pytest.approx(expected)


def test_a_song_without_notes_is_an_empty_passage() -> None:
    empty = Passage.whole(song([]))
    assert (empty.start, empty.end, len(empty.beats), empty.seconds) == (0, 0, 0, 0.0)
    assert empty.chroma.shape == (0, 12)


def test_more_beats_than_anyone_counts_are_refused_by_name() -> None:
    with pytest.raises(Unreadable, match="beats") as refused:
        _ = Passage.whole(song([(3_100_000, 1, 60)], [(0, 253, 128)])).beats
    assert refused.value.reason == "absurd_length"
