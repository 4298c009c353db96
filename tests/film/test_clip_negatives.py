"""Negatives: pairs that do not belong together, none of them a positive in disguise."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.film.clips import Negative, Offered, draw_negatives
from motet.film.errors import FilmError

CLIPS = [
    Offered("a", "film 1", 0, 10, "song 1", "family 1"),
    Offered("b", "film 1", 8, 20, "song 2"),
    Offered("c", "film 1", 30, 40, "song 3", "family 1"),
    Offered("d", "film 1", 50, 60, "song 4"),
    Offered("e", "film 2", 0, 10, "song 2"),
]


def test_negatives_take_turns_and_say_what_was_exchanged() -> None:
    drawn = draw_negatives(random.Random(0), CLIPS, 2)
    assert [negative.kind for negative in drawn if negative.clip == "d"] == ["same_film_other_moment", "other_song"]
    assert {negative.exchanged for negative in drawn if negative.kind == "other_song"} == {"music"}
    assert {negative.exchanged for negative in drawn if negative.kind == "same_film_other_moment"} == {"picture"}


def test_a_version_of_the_song_or_a_moment_at_which_it_is_heard_is_no_negative() -> None:
    everything = draw_negatives(random.Random(0), CLIPS, 100)
    moments = {(one.clip, one.of) for one in everything if one.kind == "same_film_other_moment"}
    # c is of a's family; during b song 1 is still heard, so only d is left
    assert {of for clip, of in moments if clip == "a"} == {"d"}
    songs = {(one.clip, one.of) for one in everything if one.kind == "other_song"}
    # song 2 is heard during a, by b and so by e
    assert {of for clip, of in songs if clip == "a"} == {"d"}
    assert {of for clip, of in songs if clip == "e"} == {"a", "c", "d"}


def test_a_clip_alone_has_no_negatives() -> None:
    assert draw_negatives(random.Random(0), CLIPS[:1], 5) == []
    assert draw_negatives(random.Random(0), [], 5) == []


def test_two_clips_of_one_name_and_spans_that_are_none_are_refused() -> None:
    with pytest.raises(FilmError, match="two clips"):
        draw_negatives(random.Random(0), [*CLIPS, CLIPS[0]], 1)
    with pytest.raises(FilmError, match="no span"):
        draw_negatives(random.Random(0), [Offered("a", "film", 0, float("nan"), "song")], 1)


OFFERED = st.builds(
    lambda film, start, length, song, family: (film, start, start + length, song, family),
    st.sampled_from(["f", "g"]),
    st.integers(0, 40),
    st.integers(1, 12),
    st.sampled_from(["s", "t", "u", "v"]),
    st.sampled_from(["", "", "x", "y"]),
)


@given(found=st.lists(OFFERED, max_size=14), per_clip=st.integers(0, 6), seed=st.integers(0, 5))
def test_no_negative_is_a_positive_in_disguise(found: list, per_clip: int, seed: int) -> None:
    clips = {f"{n:02d}": Offered(f"{n:02d}", *one) for n, one in enumerate(found)}
    drawn = draw_negatives(random.Random(seed), list(clips.values()), per_clip)
    assert drawn == draw_negatives(random.Random(seed), list(clips.values())[::-1], per_clip)
    assert len(set(drawn)) == len(drawn)
    counts = {name: sum(one.clip == name for one in drawn) for name in clips}
    assert all(count <= per_clip for count in counts.values())
    for one in drawn:
        assert isinstance(one, Negative)
        picture, music = (one.of, one.clip) if one.exchanged == "picture" else (one.clip, one.of)
        seen, heard = clips[picture], clips[music]
        assert one.kind == "other_song" or seen.film == heard.film
        for other in clips.values():
            if other.film == seen.film and other.start < seen.end and seen.start < other.end:
                assert other.song != heard.song
                assert not other.family or other.family != heard.family


def test_many_clips_are_drawn_from_at_once() -> None:
    many = [Offered(f"{n}", f"film {n % 50}", n, n + 5, f"song {n % 700}") for n in range(20_000)]
    assert len(draw_negatives(random.Random(1), many, 4)) == 80_000
