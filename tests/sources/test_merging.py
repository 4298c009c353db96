"""Several sources, one answer: chosen by the rule, and every other kept."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.sources.merging import MOTET, RULES, Fact, Settled, facts_from, merge_tags, record, settle
from motet.sources.tags import Tag, normalise

NOON = "2026-01-01T12:00:00Z"
EVENING = "2026-01-01T18:00:00Z"


def said(field: str, **values: object) -> list[Fact]:
    """What each source says, rather surely."""
    return [Fact(field, value, source, NOON, 0.8) for source, value in values.items()]  # type: ignore[arg-type]


def only(facts: list[Fact]) -> Settled:
    (settled,) = settle(facts).values()
    return settled


def sources(facts: tuple[Fact, ...]) -> list[str]:
    return [fact.source for fact in facts]


def test_the_first_in_order_wins_and_the_others_are_kept() -> None:
    told = only(said("title", lastfm="Low Tide", deezer="High Tide", musicbrainz="LOW TIDE!"))
    assert told.value == "LOW TIDE!"
    assert sources(told.agreeing) == ["lastfm"]
    assert sources(told.conflicts) == ["deezer"]


def test_two_that_agree_outvote_one_that_is_alone() -> None:
    assert only(said("year", musicbrainz=1971, deezer=1969, spotify=1969)).value == 1969
    assert only(said("year", musicbrainz=1971, deezer=1969, spotify=1970)).value == 1971, "none agrees with another"


def test_what_was_measured_in_this_song_is_not_outvoted_unless_it_is_doubtful() -> None:
    services = said("tempo", spotify=100, deezer=101)
    assert only([*services, Fact("tempo", 120.0, MOTET, NOON, 0.9)]).value == 120
    assert only([*services, Fact("tempo", 120.0, MOTET, NOON, 0.4)]).value == 100
    assert only([*said("energy", spotify=0.9, other=0.9), Fact("energy", 0.2, MOTET, NOON, 1.0)]).value == 0.9, "an estimate"


@pytest.mark.parametrize(
    ("field", "value", "alike", "other"),
    [
        ("tempo", 120, 124.8, 125),
        ("duration", 30, 32, 32.1),
        ("duration", 200, 206.1, 206.2),
        ("key", "F#", "G♭", "G"),
        ("key", 10, "Bb", "B"),
        ("mode", 1, "Major", "minor"),
        ("energy", 0.5, 0.6, 0.61),
        ("artist", "Björk & Co.", "bjork and co", "Bjork"),
        ("title", "!!!", " !!! ", "???"),
        ("plays", 3, 3.0, 4),
    ],
)
def test_values_agree_within_what_the_field_allows(field: str, value: object, alike: object, other: object) -> None:
    told = only(said(field, a=value, b=alike, c=other))
    assert told.chosen is not None
    assert (told.chosen.source, sources(told.agreeing), sources(told.conflicts)) == ("a", ["b"], ["c"])


def test_the_users_own_list_is_not_outvoted() -> None:
    everybody = said("title", own="Low Tide", musicbrainz="High Tide", spotify="High Tide")
    assert only(everybody).value == "Low Tide"
    assert only([*said("tempo", own=90), Fact("tempo", 120.0, MOTET, NOON, 1.0)]).value == 90


def test_facts_of_an_answer_are_as_sure_as_the_answer_and_the_source() -> None:
    told = facts_from({"key": 9, "key_confidence": 0.5, "tempo": 120.5, "artists": ["a"]}, "spotify", NOON, 0.8)
    assert told == [Fact("key", 9, "spotify", NOON, 0.4), Fact("tempo", 120.5, "spotify", NOON, 0.8)]


def test_half_and_double_tempo_are_conflicts_that_say_so() -> None:
    told = record(only(said("tempo", spotify=120, deezer=61, other=200)))
    marked = {conflict["source"]: conflict.get("octave_apart", False) for conflict in told["conflicts"]}
    assert marked == {"deezer": True, "other": False}


def test_a_mode_comes_with_its_tonic() -> None:
    """Spotify hears A minor, Motet C major: neither C minor nor A major."""
    told = settle(
        [*said("key", spotify=9), *said("mode", spotify=0), Fact("key", 0, MOTET, NOON, 0.3), Fact("mode", 1, MOTET, NOON, 0.9)]
    )
    assert (told["key"].value, told["mode"].value) == (9, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("key", -1), ("key", 12), ("key", "H"), ("tempo", 0), ("tempo", float("nan")), ("tempo", "fast"), ("duration", float("inf")),
     ("energy", 1.1), ("mode", "dorian"), ("title", "x" * 1_000_000), ("title", "  "), ("year", 10**5000), ("tempo", True)],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_cannot_be_is_set_aside_and_still_written_down(field: str, value: object) -> None:
    told = only(said(field, spotify=value))
    assert told.value is None
    assert told.chosen is None
    written = json.dumps(record(told), allow_nan=False)
    assert '"unusable": [{' in written
    assert len(written) < 1000


def test_a_source_has_one_vote_however_often_it_speaks() -> None:
    repeated = [Fact("year", 1999, "deezer", time, 0.8) for time in (NOON, EVENING)]
    assert only([*repeated, *said("year", musicbrainz=1971)]).value == 1971
    changed = [Fact("year", 1980, "deezer", NOON, 0.8), Fact("year", 1981, "deezer", EVENING, 0.8)]
    told = only(changed)
    assert told.value == 1981, "the latest"
    assert [fact.value for fact in told.conflicts] == [1980]


values = st.one_of(
    st.integers(-2, 13),
    st.floats(),
    st.sampled_from([60, 61, 120, 122, 0.5, "A", "a", "Bb", "major", "Low Tide", "low tide", "\ud800"]),
)
facts = st.builds(
    Fact,
    st.sampled_from([*RULES, "plays"]),
    values,
    st.sampled_from([MOTET, "spotify", "deezer", "musicbrainz", "zither"]),
    st.sampled_from([NOON, EVENING, "\ud800"]),
    st.sampled_from([0.2, 0.5, 0.8, -1.0, float("nan")]),
)


@given(st.lists(facts, max_size=20), st.randoms())
def test_order_changes_nothing_and_nothing_is_lost(given_facts: list[Fact], dice: random.Random) -> None:
    settled = settle(given_facts)
    assert repr(settle(dice.sample(given_facts, len(given_facts)))) == repr(settled)
    kept = [one for told in settled.values() for one in (*told.agreeing, *told.conflicts, *told.unusable, told.chosen) if one]
    assert {(f.field, f.source, repr(f.value)) for f in kept} == {(f.field, f.source, repr(f.value)) for f in given_facts}
    for told in settled.values():
        assert (told.value is None) == (told.chosen is None)
        json.dumps(record(told), allow_nan=False)


tags = st.lists(
    st.builds(
        lambda name, weight, source, confidence: Tag(name, "genre", weight, (source,), confidence),
        st.sampled_from(["rock", "pop"]),
        st.sampled_from([0.1, 0.5, 0.9]),
        st.sampled_from(["one", "two"]),
        st.sampled_from([0.7, 0.9]),
    )
)


@given(tags, tags, tags)
def test_merging_tags_is_the_same_in_any_order_and_twice(a: list[Tag], b: list[Tag], c: list[Tag]) -> None:
    together = merge_tags(a, b, c)
    assert merge_tags(merge_tags(c, a), b) == together
    assert merge_tags(together, together) == together


def test_tags_normalised_apart_or_together_are_the_same() -> None:
    one, two = [("Hip-Hop", 80, "lastfm"), ("sad", 10, "lastfm")], [("hip hop", None, "musicbrainz")]
    assert merge_tags(normalise(one), normalise(two)) == normalise([*one, *two])
