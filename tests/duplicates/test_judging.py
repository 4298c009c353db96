"""The same arrangement edited is hard, another song is none, and the reason is a sentence a person can check."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duplicates.perturb import WAYS, Piece, begun_later, medley, stretched, transposed
from duplicates.tunes import TITLES, changed, melody, ready, song, tune, written
from motet import midi
from motet.duplicates import Likeness, Song, judge, voices


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("way", WAYS)
def test_every_single_change_leaves_the_same_arrangement(way: str, title: str) -> None:
    piece = changed(title, WAYS[way])
    assert piece, "every way applies to every tune of the demo"
    found = judge(song(title), ready(piece))
    assert found
    assert found.level == "hard"
    assert found.contained == ""


@pytest.mark.parametrize("title", ["Greensleeves", "Korobeiniki"])
def test_a_quarter_of_a_song_is_a_part_of_it_however_often_its_chorus_comes(title: str) -> None:
    whole = Piece.of(tune(title))
    end = whole.notes["start"].max()
    some = (whole.notes["start"] >= end // 2) & (whole.notes["start"] < 3 * (end // 4))
    found = judge(song(title), ready(replace(whole, notes=whole.notes[some])))
    assert found
    assert found.contained == "second"
    assert found.shared[0] <= some.sum() / len(some) + 0.01, "each note is shared once"


@pytest.mark.parametrize("turns", [3, 33, 333])
def test_a_loop_lies_over_itself_from_its_first_turn_on(turns: int) -> None:
    turn = np.random.default_rng(turns).integers(50, 80, 300).tolist()
    one, other = (Song(voices(midi.read(written([melody([pitch + by for pitch in turn * turns])])))) for by in (0, 2))
    found = judge(one, other)
    assert found
    assert (found.transposition, round(found.offset)) == (2, 0)
    assert min(found.shared) > 0.95


def test_no_two_tunes_are_duplicates() -> None:
    for one, other in combinations(TITLES, 2):
        assert judge(song(one), song(other)) is None, (one, other)


def both_ways(title: str, way: str) -> tuple[Likeness, Likeness]:
    """How a changed tune is like the plain one, and the other way round, turned."""
    piece = changed(title, WAYS[way])
    assert piece
    there, back = judge(song(title), ready(piece)), judge(ready(piece), song(title))
    assert there
    assert back
    return there, back.turned()


WHOLE = ["transposed", "other tempo", "stretched", "begun later", "notes dropped", "other instruments"]


@pytest.mark.parametrize("way", WHOLE)
def test_seen_from_the_other_song_it_is_the_same_turned(way: str) -> None:
    for title in TITLES:
        there, turned = both_ways(title, way)
        assert (there.level, there.transposition, there.contained) == (turned.level, turned.transposition, turned.contained)
        assert there.tempo == pytest.approx(turned.tempo, rel=1e-3)
        assert there.offset == pytest.approx(turned.offset, abs=0.1)


def test_an_offset_is_counted_in_the_quarters_of_the_song_it_is_told_of() -> None:
    """Begun 10 quarters late, then written a fifth longer: 12 quarters later seen from there, 10 earlier seen from here."""
    late = begun_later(Piece.of(tune("Greensleeves")), np.random.default_rng(0))
    other = stretched(late, np.random.default_rng(1))
    there, back = judge(song("Greensleeves"), ready(other)), judge(ready(other), song("Greensleeves"))
    assert there
    assert back
    assert there.offset / -back.offset == pytest.approx(other.end / late.end, rel=0.01)
    assert there.turned().offset == pytest.approx(back.offset, abs=0.1)


def test_what_is_shared_is_the_same_from_either_song() -> None:
    for way in WHOLE:
        for title in TITLES:
            there, turned = both_ways(title, way)
            assert there.shared == pytest.approx(turned.shared, abs=0.02), (title, way)


def test_a_medley_contains_its_songs_and_no_other() -> None:
    both = ready(medley(Piece.of(tune("Greensleeves")), Piece.of(tune("Ode to Joy"))))
    for title in ("Greensleeves", "Ode to Joy"):
        there, back = judge(song(title), both), judge(both, song(title))
        assert there
        assert back
        assert (there.contained, back.contained) == ("first", "second")
        assert there.evidence.endswith("the other is part of it")
        assert back.evidence.endswith("it is part of the other")
    assert judge(song("Korobeiniki"), both) is None


# -- in words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [3, -1])
def test_the_sentence_tells_the_transposition_the_tempo_and_who_plays_the_same(steps: int) -> None:
    piece = Piece.of(tune("Greensleeves"))
    notes = piece.notes.copy()
    pitches = notes["pitch"].astype(np.int64)
    pitches[piece.pitched] += steps
    guitar = piece.pitched & (notes["program"] == 24)
    pitches[guitar] += np.arange(guitar.sum()) % 3  # it alone plays something else
    notes["pitch"] = pitches
    other = replace(piece, notes=notes, tempi=tuple((tick, round(us * 1.08)) for tick, us in piece.tempi))
    found = judge(song("Greensleeves"), ready(other))
    assert found
    first, slower, shared, *who = found.evidence.split(", ", 3)
    assert first == f"same notes {steps:+d} semitone{'s' if steps == 3 else ''}"
    assert slower == "1.08 x slower"
    assert shared.endswith("% shared")
    assert who == ["pipe, strings, bass and drums identical"]


def test_the_sentence_of_an_exact_transposition_says_that_everything_is_shared() -> None:
    piece = changed("Greensleeves", transposed)
    assert piece
    found = judge(song("Greensleeves"), ready(piece))
    assert found
    assert found.evidence == (
        f"same notes {found.transposition:+d} semitones, 100 % shared, pipe, strings, guitar, bass and drums identical"
    )


PLAIN = Likeness("hard", 1.0, 0, 1.0, 1.0, 0.0, (1.0, 1.0), "", ())


@pytest.mark.parametrize(
    "likeness, sentence",
    [
        (PLAIN, "same notes, 100 % shared"),
        (replace(PLAIN, level="soft", shared=(0.42, 0.299)), "same song, other notes, 29 % of it and 42 % of the other shared"),
        (replace(PLAIN, transposition=1, tempo=0.5), "same notes +1 semitone, 2.00 x faster, 100 % shared"),
        (replace(PLAIN, offset=-4.0, tempo=1.01), "same notes, 4.0 quarters earlier, 100 % shared"),
        (replace(PLAIN, identical=("bass",)), "same notes, 100 % shared, bass identical"),
        (replace(PLAIN, contained="second"), "same notes, 100 % shared, it is part of the other"),
    ],
)
def test_a_sentence_says_only_what_is_not_as_expected(likeness: Likeness, sentence: str) -> None:
    assert likeness.evidence == sentence


shares = st.floats(0, 1)


@given(
    st.builds(
        Likeness,
        level=st.sampled_from(["hard", "soft"]),
        score=shares,
        transposition=st.integers(-127, 127),
        tempo=st.floats(0.01, 100),
        stretch=st.floats(0.25, 4),
        offset=st.floats(-1e4, 1e4),
        shared=st.tuples(shares, shares),
        contained=st.sampled_from(["", "first", "second"]),
        identical=st.lists(st.sampled_from(["bass", "drums", "pipe"]), unique=True).map(tuple),
    )
)
def test_turned_twice_it_is_itself(one: Likeness) -> None:
    back = one.turned().turned()
    assert replace(back, tempo=one.tempo, stretch=one.stretch, offset=one.offset) == one
    assert (back.tempo, back.stretch, back.offset) == pytest.approx((one.tempo, one.stretch, one.offset))


# -- hostile songs ------------------------------------------------------------------------------------------------------

TUNE = [60, 64, 62, 67, 65, 69, 64, 72, 71, 60, 65, 62, 66, 61, 70, 63]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param([(0, pitch) for pitch in range(128)] + melody(TUNE * 4)[1], id="a chord of everything"),
        pytest.param([(n, 60 + n * 7 % 13) for n in range(5000)], id="a note a tick"),
        pytest.param(melody(TUNE * 4)[1] * 30, id="every note thirty times"),
        pytest.param([*melody(TUNE * 4)[1], (2_000_000 * 480, 60)], id="a note two million quarters away"),
        pytest.param([*melody(TUNE * 4)[1], (3_500_000 * 480, 60)], id="a note beyond 32 bits"),
    ],
)
def test_hostile_songs_are_judged_like_any_other(line: list[tuple[int, int]]) -> None:
    one, other = (
        Song(
            voices(
                midi.read(written([(0, [(tick, pitch - down) for tick, pitch in line if pitch >= down])], division=24, bpm=bpm))
            )
        )
        for down, bpm in ((0, 6e7), (2, 5e7))
    )
    found = judge(one, other)
    if found:
        assert np.isfinite([found.score, found.tempo, found.offset, *found.shared]).all()
