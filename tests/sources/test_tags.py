"""Crowd tags: one spelling, no noise, and the right kind."""

from __future__ import annotations

import json
import random
import time
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.midi.general_midi import DRUMS, FAMILIES
from motet.sources.tags import LONGEST, MOST, Raw, normalise, scaled
from motet.sources.vocabulary import KINDS, Term, ancestors, find, fold, spellings, terms

GREATEST = 1_000_000


def names(*texts: str, artist: str = "", title: str = "") -> dict[str, str]:
    """What becomes of some tags: names and kinds."""
    return {tag.name: tag.kind for tag in normalise([(text, 50, "crowd") for text in texts], artist, title)}


@pytest.mark.parametrize(
    ("name", "kind", "spelled"),
    [
        ("hip hop", "genre", ["hip hop", "Hip-Hop", "hiphop", "HIP_HOP", "rap"]),
        ("rock and roll", "genre", ["Rock & Roll", "rock 'n' roll", "rock-n-roll", "rock'n'roll", "Rock N Roll music"]),
        ("rhythm and blues", "genre", ["R&B", "rnb", "R&amp;B", "r 'n' b"]),
        ("drum and bass", "genre", ["drum'n'bass", "Drum + Bass", "dnb"]),
        ("female vocals", "instrument", ["female vocalists", "Female Vocalist", "female voice"]),
        ("melancholic", "mood", ["melancholy", "Melancholia", "mélancolique"]),
        ("80s", "era", ["80s", "1980s", "80's", "’80s", "the 80s", "eighties", "1985", "early 80s", "80s music"]),
        ("2000s", "era", ["00s", "2000s", "2004", "noughties"]),
        ("british", "region", ["UK", "U.K.", "Great Britain", "british"]),
        ("instrumental", "other", ["Instrumental", "instrumentals"]),
        ("rock", "genre", ["рок", "ROCK!!!", "❤ rock ❤", "ｒｏｃｋ"]),
    ],
)
def test_spellings_of_one_thing_are_one_tag(name: str, kind: str, spelled: list[str]) -> None:
    for text in spelled:
        assert names(text) == {name: kind}, text


@pytest.mark.parametrize(
    "text",
    ["seen live", "my favourites", "albums I own", "favorite songs", "awesome", "5 stars", "best of 2008", "songs i love",
     "xXmetalhead92Xx", "aaaaargh", "8/10", "42", "x", "!!!", "❤❤❤", "", "   ", "\x00\x07", "\ud800", "music"],
)  # fmt: skip
def test_personal_tags_and_noise_are_removed(text: str) -> None:
    assert names(text) == {}


def test_a_songs_own_names_are_no_tags() -> None:
    texts = ["The Paper Lanterns", "paper lanterns", "Low Tide", "paper lanterns - low tide", "boston", "indie"]
    assert names(*texts, artist="The Paper Lanterns", title="Low Tide (Live)") == {"boston": "region", "indie": "genre"}
    assert names("boston", artist="Boston") == {}, "even if they mean something else, too"


def test_a_tag_that_says_several_things_is_several_tags() -> None:
    assert names("80s british pop") == {"80s": "era", "british": "region", "pop": "genre"}
    assert names("sad piano music") == {"sad": "mood", "piano": "instrument"}
    assert names("funk, shuffle; xX99Xx") == {"funk": "genre", "shuffle": "genre"}
    assert names("pop/rock") == {"pop rock": "genre"}, "one thing, not two"
    assert names("AC/DC") == {"ac dc": "other"}


def test_what_nobody_listed_is_told_by_its_last_word_and_less_surely() -> None:
    (swamp,) = normalise([("swamp metal", 10, "crowd")])
    (listed,) = normalise([("thrash metal", 10, "crowd")])
    assert (swamp.name, swamp.kind) == ("swamp metal", "genre")
    assert swamp.confidence < listed.confidence
    assert names("what we call metal") == {}
    assert names("umbrella") == {"umbrella": "other"}


def test_weights_and_sources() -> None:
    tags = normalise(
        [("hip-hop", 40, "one"), ("rap", 90, "two"), ("jazz", None, "two"), ("folk", 7000, "one"), ("ska", -3, "one")]
    )
    told = [(tag.name, tag.weight, tag.sources) for tag in tags]
    assert told == [("folk", 1.0, ("one",)), ("hip hop", 0.9, ("one", "two")), ("jazz", 0.5, ("two",))]
    assert normalise([("jazz", float("nan"), "one")]) == []


def test_votes_are_counted_against_the_most() -> None:
    tags = normalise(scaled([("rock", 8), ("pop", 2), ("jazz", -1), ("folk", None)], "musicbrainz"))
    assert [(tag.name, tag.weight) for tag in tags] == [("rock", 1.0), ("folk", 0.5), ("pop", 0.25)]


anything = st.tuples(st.text(max_size=30), st.none() | st.floats(), st.sampled_from(["one", "two"]))
likely = st.tuples(
    st.sampled_from(["rock", "Rock", "80s rock", "swamp rock", "sad", "seen live"]), st.integers(-1, 101), st.just("one")
)


@given(st.lists(anything | likely, max_size=30), st.text(max_size=20), st.text(max_size=20), st.randoms())
def test_any_tags_in_any_order_give_the_same_sound_result(tags: list[Raw], artist: str, title: str, dice: random.Random) -> None:
    found = normalise(tags, artist, title)
    assert normalise(dice.sample(tags, len(tags)), artist, title) == found
    assert len({tag.name for tag in found}) == len(found)
    for tag in found:
        assert tag.kind in KINDS
        assert tag.name
        assert 0 <= tag.weight <= 1
        assert 0 < tag.confidence < 1
        tag.name.encode()


@given(st.sampled_from(terms()))
def test_what_came_out_goes_in_again_unchanged(term: Term) -> None:
    once = normalise([(term.name, 50, "crowd")])
    assert [(tag.name, tag.kind) for tag in once] == [(term.name, term.kind)]
    assert normalise([(tag.name, 50, "crowd") for tag in once]) == once


def test_hostile_tags_cost_little() -> None:
    begin = time.process_time()
    dice = random.Random(1)
    alphabet = "aén 'n&-0日\u0301\ud800\x00❤"
    tags: list[Raw] = [("".join(dice.choices(alphabet, k=LONGEST)), 50, "crowd") for _ in range(10_000)]
    tags += [("rock " * (GREATEST // 5), 100, "crowd"), ("\ufdfa" * LONGEST, 100, "crowd"), ("the " * 25, 1, "crowd")]
    found = normalise(tags, artist="x" * GREATEST, title="&" * GREATEST)
    assert len(found) <= MOST
    assert all(len(tag.name) <= LONGEST for tag in found)
    assert time.process_time() - begin < 10


def test_the_vocabulary_says_one_thing_of_each_spelling() -> None:
    meant = defaultdict(set)
    for term, spelled in spellings():
        for one in (term.name, *spelled):
            meant[fold(one).replace(" ", "")].add(term)
    assert {one: found for one, found in meant.items() if len(found) > 1} == {}
    for term in terms():
        assert find(fold(term.name)) == term
    assert {term.family for term in terms() if term.kind == "instrument"} <= {*FAMILIES, DRUMS, ""}


def test_genres_have_parents_and_no_genre_is_its_own_ancestor() -> None:
    assert ancestors("grunge") == ("alternative rock", "rock")
    assert set(ancestors("synth-pop")) >= {"new wave", "rock", "pop"}
    for term in terms():
        assert term.name not in ancestors(term.name), term
        assert term.kind == "genre" or not term.parents


@pytest.mark.shared
def test_recorded_tags_mostly_find_a_kind(shared: Path) -> None:
    """Tags of MusicBrainz and genres of Spotify, as the services answered."""
    said = []
    for file in [
        "musicbrainz_picard/recording.json",
        "musicbrainz_picard/release_group.json",
        "spotify_jmperez/recommendations.json",
    ]:
        waiting = [json.loads((shared / "api" / file).read_text())]
        while waiting:
            at = waiting.pop()
            inner = at.values() if isinstance(at, dict) else at if isinstance(at, list) else ()
            waiting += inner
            if isinstance(at, dict):
                said += [tag["name"] for tag in at.get("tags") or [] if isinstance(tag, dict)]
    seeds = json.loads((shared / "api/spotify_jmperez/genre_seeds.json").read_text())["genres"]
    assert len(seeds) > 100
    unplaced = {text for text in (*said, *seeds) if set(names(text).values()) <= {"other"}}
    assert len(unplaced) / len({*said, *seeds}) < 0.15, unplaced
