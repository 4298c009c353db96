"""One song told by several lists becomes one, whatever their order, and says what each of them said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.film.songs import FilmName, Listed, find, merge, same_artist
from motet.film.songs.kinds import album, cue, of_album
from motet.film.songs.merging import identity

LANTERN = FilmName("The Lantern", 1998)


def listed(title: str, artist: str = "", **other: object) -> Listed:
    told = Listed("The Lantern", 1998, "", title, artist, where="a.csv", confidence=0.5)
    return replace(told, **other)  # type: ignore[arg-type]


def test_sources_are_joined_and_each_gives_its_evidence() -> None:
    lines = [
        listed("Low Tide", where="a.csv", confidence=0.8, film_id="imdb:tt0111161"),
        listed(
            "Low Tide - Remastered 2009", "The Paper Lanterns", where="b.csv", film="lantern", year=None, identifiers=("isrc:X",)
        ),
        listed(
            'Low Tide (From "The Lantern")',
            "Paper Lanterns",
            source="musicbrainz",
            where="https://x/1",
            album="L",
            compilation=True,
        ),
    ]
    (song,) = merge(lines)
    assert (song.film, song.year, song.film_id) == ("The Lantern", 1998, "imdb:tt0111161")
    assert (song.title, song.artist) == ("Low Tide", "The Paper Lanterns")
    assert song.confidence == pytest.approx(1 - 0.2 * 0.5 * 0.5)
    assert song.sources == ("a.csv", "b.csv", "musicbrainz")
    assert len(song.evidence) == 3
    assert any("Remastered 2009" in sentence for sentence in song.evidence)
    assert song.identifiers == ("imdb:tt0111161", "isrc:X")
    assert song.compilation is True


def test_a_source_that_repeats_itself_counts_once() -> None:
    (song,) = merge([listed("Low Tide"), listed("Low Tide (Live)"), listed("low tide")])
    assert song.confidence == 0.5


@pytest.mark.parametrize(
    ("written", "bare"),
    [
        ("The Chipmunk Song (Christmas Don't Be Late) - Remastered 1999", "The Chipmunk Song (Christmas Don't Be Late)"),
        ('Playing with the Boys - From "Top Gun" Original Soundtrack', "Playing with the Boys"),
        ('Playing with the Boys - 12" Version', "Playing with the Boys"),
        ("Sparks (Live) - 2014 Remaster", "Sparks"),
        ("Search and Destroy - Iggy Pop Mix", "Search and Destroy"),
        ("Save The Day (feat. Coi Leray & LouGotCash)", "Save The Day"),
        ("Put The Blame On Mame (Nightclub Version)", "Put The Blame On Mame"),
        ("Live and Let Die", "Live and Let Die"),
        ("Radio", "Radio"),
        ("(Live)", "(Live)"),
        ("Theme - Part 2", "Theme - Part 2"),
        ("Duettino - Sull'aria", "Duettino - Sull'aria"),
        ("Suite (Act II)", "Suite (Act II)"),
        ("Don't You (Forget About Me)", "Don't You (Forget About Me)"),
    ],
)
def test_what_tells_the_version_is_no_part_of_a_title(written: str, bare: str) -> None:
    assert identity(written)[0] == bare


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Don't You (Forget About Me)", "Don't You"),
        ("Flowers On The Wall", "flowers on the wall"),
        ("Girl, You'll Be A Woman Soon", "Girl You’ll Be a Woman Soon - Edit"),
        ("Misirlou", "Misirlou (Single Version)"),
    ],
)
def test_one_song_in_two_spellings(a: str, b: str) -> None:
    assert len(merge([listed(a, "X"), listed(b, "X", where="b.csv")])) == 1


@pytest.mark.parametrize(
    ("a", "b"), [("Theme (Part 1)", "Theme (Part 2)"), ("Suite - Act I", "Suite - Act II"), ("Low Tide", "High Tide"), ("?", "!")]
)
def test_two_songs_stay_two(a: str, b: str) -> None:
    assert len(merge([listed(a, "X"), listed(b, "X", where="b.csv")])) == 2


def test_two_artists_of_one_title_are_two_songs() -> None:
    lines = [listed("Hallelujah", "John Cale"), listed("Hallelujah", "Rufus Wainwright"), listed("Hallelujah", where="b.csv")]
    songs = merge(lines)
    assert {song.artist for song in songs} == {"John Cale", "Rufus Wainwright"}
    # Who is meant where nobody is named cannot be told: it is counted once.
    assert sum(len(song.evidence) for song in songs) == 3


def test_artists_in_other_words() -> None:
    assert same_artist("Dick Dale & His Del-Tones", "Dick Dale")
    assert same_artist("Kool & The Gang", "Kool and the Gang")
    assert same_artist("Simon & Garfunkel", "Simon & Garfunkle")
    assert not same_artist("John Cale", "Rufus Wainwright")
    assert not same_artist("", "John Cale")


def test_a_films_own_songs_are_found_by_name_and_by_identifier() -> None:
    lines = [
        listed("Low Tide"),
        listed("High Tide", film="Lantern, The", year=None),
        listed("Spring Tide", film="La Linterna", year=None, film_id="imdb:tt0111161"),
        listed("Other", film="The Lantern II", year=2001),
        listed("Older", film="The Lantern", year=1950),
        listed("Nameless", film="", year=None),
    ]
    asked = replace(LANTERN, film_id="imdb:tt0111161")
    assert [song.title for song in find(asked, lines)] == ["High Tide", "Low Tide", "Spring Tide"]
    assert {(song.film, song.year, song.film_id) for song in find(asked, lines)} == {("The Lantern", 1998, "imdb:tt0111161")}
    assert find(FilmName("Heat", 1995), lines) == []


def test_without_a_year_films_of_one_name_stay_apart() -> None:
    lines = [listed("Low Tide"), listed("Older", year=1950), listed("Either", year=None)]
    assert {(song.title, song.year) for song in find(FilmName("The Lantern"), lines)} == {
        ("Low Tide", 1998), ("Older", 1950), ("Either", None),
    }  # fmt: skip


def test_songs_and_cues_are_told_apart_by_the_weightier_word() -> None:
    a = listed("Low Tide", kind="song", reason="its album is by various artists", confidence=0.6)
    b = listed("Low Tide", kind="score", reason="its album is called a score", confidence=0.5, where="b.csv")
    assert merge([a, b])[0].kind == "song"
    assert merge([a, replace(b, confidence=0.6)])[0].kind == "unknown"
    assert any("score cue, since its album is called a score" in sentence for sentence in merge([b])[0].evidence)


def test_who_made_the_score_is_no_singer_elsewhere() -> None:
    cue = listed("The Storm", "Ada Quay", kind="score", compilation=False, reason="its album is called a score")
    lines = [cue, listed("Waves", "Quay, Ada"), listed("Ho", "The Rowers", kind="song"), listed("Rain", "Ada Quay", kind="song")]
    assert {song.title: song.kind for song in merge(lines)} == {
        "The Storm": "score", "Waves": "score", "Ho": "song", "Rain": "song",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("title", "film", "kind", "marked"),
    [
        ("Pulp Fiction: Music From the Motion Picture", "Pulp Fiction", "song", True),
        ("The Matrix: Original Motion Picture Score", "The Matrix", "score", True),
        ("Heat (Original Motion Picture Soundtrack)", "Heat", "unknown", True),
        ("O.S.T. Heat", "Heat", "unknown", True),
        ("Music From the Motion Picture Pulp Fiction", "Pulp Fiction", "song", True),
        ("Psycho (Complete Score)", "Psycho", "score", True),
        ("Kill Bill, Vol. 2: Original Soundtrack", "Kill Bill, Vol. 2", "unknown", True),
        ("almost famous OST", "almost famous", "unknown", True),
        ("The Sound of Music", "The Sound of Music", "unknown", False),
        ("Heat", "Heat", "unknown", False),
    ],
)
def test_an_albums_title_says_the_film_and_what_is_on_it(title: str, film: str, kind: str, marked: bool) -> None:
    told = album(title)
    assert (told.film, told.kind, told.marked) == (film, kind, marked)


def test_an_album_that_is_inspired_by_a_film_says_so() -> None:
    assert album("Songs From and Inspired by the Film Lantern").inspired
    assert album("Lantern: Music From and Inspired By the Motion Picture").film == "Lantern"


def test_cues_by_their_titles() -> None:
    assert all(map(cue, ["Main Title", "End Credits", "3M12 Chase", "Opening Titles / The Storm", "Ricky's Theme", "Love Theme"]))
    assert not any(
        map(
            cue,
            ["Jungle Boogie", "The End", "Theme from Rawhide", "English Suite No. 2 in A minor", "Sweet Suite Sue", "Finally"],
        )
    )


def test_albums_of_one_and_of_many() -> None:
    many = [(f"Song {n}", f"Band {n}") for n in range(8)]
    one = [(f"Piece {n}", "Ada Quay") for n in range(8)]
    assert of_album("Lantern", "Various Artists", many)[:2] == ("song", True)
    assert of_album("Lantern", "", many)[:2] == ("song", True)
    assert of_album("Lantern (Original Score)", "Ada Quay", one)[:2] == ("score", False)
    assert of_album("Lantern", "Ada Quay", one)[:2] == ("unknown", False)
    assert of_album("Lantern", "Ada Quay", [("Main Title", "Ada Quay"), ("End Credits", "Ada Quay"), *one[:3]])[:2] == (
        "score",
        False,
    )
    assert of_album("Lantern", "", [])[:2] == ("unknown", None)


LINES = st.lists(
    st.builds(
        Listed,
        film=st.sampled_from(["The Lantern", "lantern, the", "Lantern II", "The Lantern: Dusk", ""]),
        year=st.sampled_from([None, 1998, 1999, 2003]),
        film_id=st.sampled_from(["", "", "imdb:tt0111161", "wikidata:Q1"]),
        title=st.sampled_from(["Low Tide", "low tide (Live)", "Low Tide - 2009 Remaster", "Ho", "Ho (Part 2)", "?"]),
        artist=st.sampled_from(["", "A", "A & B", "C"]),
        kind=st.sampled_from(["song", "score", "unknown"]),
        where=st.sampled_from(["a.csv", "b.csv"]),
        confidence=st.floats(0, 1),
    ),
    max_size=12,
)


@given(LINES, st.randoms(use_true_random=False))
def test_the_order_of_lines_and_repeats_change_nothing(lines: list[Listed], random: object) -> None:
    shuffled = [*lines, *lines[:3]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merge(shuffled) == merge(lines)


@given(LINES)
def test_every_line_is_in_one_song_and_every_confidence_holds(lines: list[Listed]) -> None:
    songs = merge(lines)
    assert len(songs) <= len(set(lines))
    assert sum(len(song.evidence) for song in songs) >= len(songs)
    for song in songs:
        assert 0 <= song.confidence <= 0.99
        assert song.title
    if lines:
        assert max(song.confidence for song in songs) >= min(0.99, max(line.confidence for line in lines)) - 1e-4


@given(LINES)
def test_more_lines_of_a_film_take_no_song_away(lines: list[Listed]) -> None:
    known = {song.title for song in find(LANTERN, lines)}
    more = {song.title for song in find(LANTERN, [*lines, listed("Another", "D")])}
    assert more == known | {"Another"}


def test_many_films_of_like_names_come_to_an_end() -> None:
    lines = [listed(f"Song {n % 7}", "A", film=f"The Lantern Bearer {chr(97 + n % 26)}{n}x", year=None) for n in range(2000)]
    assert len(merge(lines)) == 2000
