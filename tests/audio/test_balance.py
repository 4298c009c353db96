"""What a set of clips holds, which of them a target keeps, and what it asks for."""

from __future__ import annotations

import math
import random
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from motet.audio.balance import Clip, Target, as_markdown, asks, counts, select, table

GENRES = ("rock", "grunge", "jazz", "techno", "folk")
MOODS = ("happy", "sad", "calm")


def clip(number: int, **facts: Any) -> Clip:
    return Clip(f"clip{number}", f"lineage{number}", **facts)


def target(**fields: Any) -> Target:
    return Target.model_validate(fields)


def kept(clips: list[Clip], wanted: Target) -> set[str]:
    return {choice.id for choice in select(clips, wanted) if choice.keep}


def of_genres(**numbers: int) -> list[Clip]:
    """So many clips of each genre, an artist to each."""
    named = [genre for genre, number in numbers.items() for _ in range(number)]
    return [Clip(f"{genre}{at}", f"{genre} {at}", artist=f"band {at}", genre=(genre,)) for at, genre in enumerate(named)]


CLIPS = st.lists(
    st.builds(
        lambda number, genres, moods, artist, mode, tempo: clip(
            number, genre=tuple(genres), mood=tuple(moods), artist=artist, song=artist and f"{artist}{number % 3}",
            mode=mode, tempo=tempo,
        ),
        st.integers(0, 10_000),
        st.lists(st.sampled_from(GENRES), max_size=2),
        st.lists(st.sampled_from(MOODS), max_size=2),
        st.sampled_from(("", "Ann", "Bo", "Cy")),
        st.sampled_from(("", "major", "minor")),
        st.one_of(st.none(), st.floats(20, 220)),
    ),
    max_size=60,
    unique_by=lambda one: one.id,
)  # fmt: skip
SHARES = st.integers(0, 20).map(lambda share: share / 20)
TARGETS = st.builds(
    lambda genre, mood, mode, tempo, artist, song: target(
        genre={"caps": genre}, mood={"caps": mood}, mode={"caps": mode}, tempo={"caps": tempo},
        most_per_artist=artist, most_per_song=song,
    ),
    st.dictionaries(st.sampled_from((*GENRES, "*", "unknown")), SHARES, max_size=4),
    st.dictionaries(st.sampled_from((*MOODS, "*")), SHARES, max_size=2),
    st.dictionaries(st.sampled_from(("major", "minor", "unknown")), SHARES, max_size=2),
    st.dictionaries(st.sampled_from(("80-100", "under 60", "*")), SHARES, max_size=2),
    st.one_of(st.none(), st.integers(1, 5)),
    st.one_of(st.none(), st.integers(1, 3)),
)  # fmt: skip


# --- counting --------------------------------------------------------------------------------------------------------


def test_a_report_tells_shares_what_is_missing_and_how_varied_the_set_is() -> None:
    clips = [clip(at, genre=("hip hop",) if at % 2 else ("jazz",), mode="minor" if at < 3 else "", tempo=90) for at in range(8)]
    report = counts(clips)
    assert report.n == 8
    assert report.spreads["genre"].counts == {"hip hop": 4, "jazz": 4}
    assert report.spreads["genre"].effective == pytest.approx(2)
    assert report.spreads["mode"].counts == {"minor": 3}
    assert report.spreads["mode"].missing == 5
    assert report.spreads["tempo"].counts == {"80-100": 8}
    assert report.spreads["tempo"].effective == pytest.approx(1)
    assert report.spreads["key"].effective == 0


def test_two_spellings_are_one_label_and_a_genre_has_its_kinds_in_it() -> None:
    report = counts([clip(1, genre=("Hip-Hop", "hip hop")), clip(2, genre=("grunge",)), clip(3, genre=("rock",))])
    assert report.spreads["genre"].counts == {"grunge": 1, "hip hop": 1, "rock": 1}
    assert report.spreads["genre"].count("rock") == 2


@pytest.mark.parametrize("strange", [0.0, -3.0, math.nan, math.inf, None])
def test_a_tempo_that_is_none_is_unknown(strange: float | None) -> None:
    assert counts([clip(1, tempo=strange)]).spreads["tempo"].missing == 1


def test_keys_and_modes_outside_of_music_are_unknown() -> None:
    spreads = counts([clip(1, key=12, mode="dorian"), clip(2, key=-1), clip(3, key=3, mode="minor")]).spreads
    assert (spreads["key"].counts, spreads["key"].missing) == ({"Eb": 1}, 2)
    assert (spreads["mode"].counts, spreads["mode"].missing) == ({"minor": 1}, 2)


def test_tempi_fall_into_the_targets_bins() -> None:
    clips = [clip(at, tempo=tempo) for at, tempo in enumerate((99.9, 100, 130, 131))]
    report = counts(clips, target(tempo={"bins": [100, 131]}))
    assert report.spreads["tempo"].counts == {"100-131": 2, "131 and more": 1, "under 100": 1}


# --- choosing --------------------------------------------------------------------------------------------------------


def test_a_label_is_held_to_its_share_of_what_is_kept() -> None:
    choices = list(select(of_genres(rock=90, jazz=20, folk=10), target(genre={"caps": {"rock": 0.4}})))
    of = Counter(choice.id.rstrip("0123456789") for choice in choices if choice.keep)
    assert of == {"rock": 21, "jazz": 20, "folk": 10}  # 40 % of 51, to the whole clip
    dropped = next(choice for choice in choices if not choice.keep)
    assert (dropped.reason, dropped.detail) == ("enough_of_genre", "genre rock is held to 40 % of the clips")


def test_kinds_of_a_genre_fall_under_its_cap() -> None:
    of = Counter(
        name.rstrip("0123456789") for name in kept(of_genres(rock=30, grunge=30, jazz=10), target(genre={"caps": {"rock": 0.5}}))
    )
    assert (of["rock"] + of["grunge"], of["jazz"]) == (11, 10)


def test_a_star_caps_every_label_that_is_not_named() -> None:
    clips = of_genres(rock=50, jazz=50, folk=10, techno=5)
    of = Counter(name.rstrip("0123456789") for name in kept(clips, target(genre={"caps": {"*": 0.25, "jazz": 1}})))
    total = of.total()
    assert of["jazz"] == 50
    assert of["rock"] == math.ceil(Fraction(1, 4) * total)
    assert (of["folk"], of["techno"]) == (10, 5)


def test_a_cap_of_nothing_removes_a_label() -> None:
    assert kept(of_genres(rock=5, jazz=3), target(genre={"caps": {"jazz": 0}})) == {f"rock{at}" for at in range(5)}
    assert not kept(of_genres(rock=5), target(genre={"caps": {"rock": 0}}))


def test_few_clips_are_kept_to_the_whole_clip() -> None:
    assert len(kept(of_genres(rock=1, jazz=1, folk=1), target(genre={"caps": {"*": 0.3}}))) == 3


def test_songs_then_artists_are_thinned_and_unknown_ones_have_no_limit() -> None:
    clips = [clip(at, artist="Ann", song=f"song {at % 2}") for at in range(10)]
    clips += [clip(at) for at in range(10, 14)]
    reasons = Counter(choice.reason for choice in select(clips, target(most_per_song=3, most_per_artist=4)))
    assert reasons == {"": 4 + 4, "enough_of_song": 4, "enough_of_artist": 2}


@given(CLIPS, TARGETS)
def test_no_cap_is_exceeded(clips: list[Clip], wanted: Target) -> None:
    chosen = kept(clips, wanted)
    report = counts([one for one in clips if one.id in chosen], wanted)
    for field in ("genre", "mood", "mode", "tempo"):
        caps = getattr(wanted, field).caps
        spread = report.spreads[field]
        for label in {*spread.counts, *(caps.keys() - {"*"})}:
            share = caps.get(label, caps.get("*", 1) if label != "unknown" else 1)
            assert spread.count(label) <= math.ceil(Fraction(str(share)) * report.n) or (
                label not in caps and spread.counts.get(label, 0) <= math.ceil(Fraction(str(share)) * report.n)
            )
    for attribute, most in (("artist", wanted.most_per_artist), ("song", wanted.most_per_song)):
        held = Counter(getattr(one, attribute) for one in clips if one.id in chosen)
        assert most is None or all(number <= most for name, number in held.items() if name)


@given(CLIPS, TARGETS, st.randoms(use_true_random=False))
def test_the_order_of_clips_says_nothing(clips: list[Clip], wanted: Target, random: random.Random) -> None:
    shuffled = random.sample(clips, len(clips))
    assert [choice.id for choice in select(shuffled, wanted)] == [one.id for one in shuffled]
    assert set(select(clips, wanted)) == set(select(shuffled, wanted))


@given(
    st.lists(st.sampled_from(("rock", "jazz", "techno", "house", "")), max_size=80),
    st.lists(st.sampled_from(("folk", "")), max_size=40),
    st.dictionaries(st.sampled_from(("rock", "jazz", "techno", "folk")), SHARES),
)
def test_clips_of_other_labels_remove_none(first: list[str], more: list[str], caps: dict[str, float]) -> None:
    clips = [clip(at, genre=(genre,) if genre else ()) for at, genre in enumerate((*first, *more))]
    wanted = target(genre={"caps": caps})
    assert kept(clips[: len(first)], wanted) - {one.id for one in clips if one.genre == ("folk",)} <= kept(clips, wanted)


@given(
    st.lists(st.sampled_from(("rock", "jazz", "techno")), max_size=80), st.dictionaries(st.sampled_from(("rock", "jazz")), SHARES)
)
def test_a_new_clip_takes_the_place_of_one_at_most(genres: list[str], caps: dict[str, float]) -> None:
    clips = [clip(at, genre=(genre,)) for at, genre in enumerate(genres)]
    wanted, new = target(genre={"caps": caps}), clip(len(clips), genre=("rock",))
    lost = kept(clips, wanted) - kept([*clips, new], wanted)
    assert len(lost) <= 1
    assert all(genres[int(name.removeprefix("clip"))] == "rock" for name in lost)


def test_a_tenth_more_clips_change_few_choices_even_under_many_caps() -> None:
    draw = random.Random(1)
    clips = [
        clip(
            at,
            genre=tuple(set(draw.choices(GENRES, k=draw.choice((1, 2))))),
            mood=tuple({draw.choice(MOODS), draw.choice(MOODS)}),
            mode=draw.choice(("major", "major", "minor")),
            tempo=draw.gauss(115, 25),
        )
        for at in range(2200)
    ]
    wanted = target(genre={"caps": {"rock": 0.4, "*": 0.3}}, mood={"caps": {"*": 0.4}}, mode={"caps": {"major": 0.6}})
    before, after = kept(clips[:2000], wanted), kept(clips, wanted)
    assert len(before) > 400
    assert len(before - after) < 0.05 * len(before)


# --- asking ----------------------------------------------------------------------------------------------------------


def test_what_is_short_is_asked_for_by_number() -> None:
    clips = [clip(at, mode="minor" if at < 28 else "major", key=3) for at in range(100)]
    wanted = target(mode={"want": {"minor": 0.4}}, key={"want": {"E flat": 0.9}}, genre={"want": {"jazz": 0.1}})
    said = asks(counts(clips), wanted)
    assert said == [
        "ask for more: 12 jazz clips, short of 10 % (0 of 100)",
        "ask for more: 20 clips in minor, short of 40 % (28 of 100)",
    ]
    enough = [*clips, *(clip(at, mode="minor", genre=("jazz",), key=3) for at in range(100, 120))]
    assert not asks(counts(enough), wanted)


def test_what_is_too_much_asks_for_others() -> None:
    said = asks(counts(of_genres(rock=60, jazz=40)), target(genre={"caps": {"rock": 0.3}}))
    assert said == ["ask for others: 60 rock clips of 100 are over 30 % until there are 100 more clips of another kind"]


def test_an_empty_set_asks_for_a_first_clip() -> None:
    report = counts([])
    assert asks(report, target(mood={"want": {"sad": 0.1}})) == ["ask for more: 1 sad clip, short of 10 % (0 of 0)"]
    assert list(select([], target())) == []
    assert "No clips." in as_markdown(report)


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"mode": {"caps": {"dorian": 0.3}}}, "'dorian' is no mode: write one of major, minor"),
        ({"key": {"caps": {"H": 0.3}}}, "'H' is no key: write C, C# or Db"),
        ({"key": {"caps": {"Db": 0.3, "C#": 0.2}}}, "key names 'C#' twice"),
        ({"genre": {"caps": {"Hip Hop": 0.3, "hip-hop": 0.2}}}, "genre names 'hip hop' twice"),
        ({"genre": {"want": {"rock": 0.3}, "caps": {"rock": 0.2}}}, "genre.want asks for more of 'rock'"),
        ({"genre": {"want": {"*": 0.3}}}, "must name its labels"),
        ({"mode": {"want": {"major": 0.6, "minor": 0.6}}}, "more than 1 together"),
        ({"tempo": {"bins": [100, 90]}}, "tempo.bins must rise"),
        ({"tempo": {"caps": {"95-105": 0.5}}}, "write one of under 60, 60-80"),
        ({"mood": {"caps": {"sad": 1.5}}}, "less than or equal to 1"),
        ({"mood": {"cap": {}}}, "Extra inputs"),
    ],
)
def test_a_target_that_cannot_be_meant_is_told(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as told:
        target(**wrong)
    assert said in str(told.value)


# --- showing ---------------------------------------------------------------------------------------------------------


def test_a_page_and_a_table_show_labels_beside_their_aims() -> None:
    wanted = target(genre={"caps": {"rock": 0.3}}, mode={"want": {"minor": 0.5}})
    report = counts([clip(1, genre=("grunge",), mode="minor"), clip(2, genre=("jazz|fusion",))], wanted)
    page = as_markdown(report, wanted)
    assert "# Balance of 2 clips" in page
    assert "| rock | 1 | 50 % | at most 30 % |" in page
    assert "| minor | 1 | 50 % | at least 50 % |" in page
    assert "| unknown | 1 | 50 % |  |" in page
    assert all(line.replace("\\|", "").count("|") == 5 for line in page.splitlines() if line.startswith("|"))
    assert ("genre", "rock", "1", "50 %", "at most 30 %") in table(report, wanted)


def test_a_table_names_the_most_frequent_labels_and_counts_the_rest() -> None:
    rows = table(counts(of_genres(rock=3, jazz=2, folk=1)), most=2)
    assert [row[1:3] for row in rows if row[0] == "genre"] == [("rock", "3"), ("jazz", "2"), ("and 1 more", "")]
