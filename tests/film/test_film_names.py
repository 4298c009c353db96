"""What a film is called: by its file, and whether two names mean one film."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.film.songs import SAME, FilmName, film_name, same_film


@pytest.mark.parametrize(
    ("path", "title", "year"),
    [
        ("The.Matrix.1999.1080p.BluRay.x264-GRP.mkv", "The Matrix", 1999),
        ("Matrix, The (1999)/movie.mkv", "The Matrix", 1999),
        ("Amélie (2001).mp4", "Amélie", 2001),
        ("2001 A Space Odyssey (1968).mkv", "2001 A Space Odyssey", 1968),
        ("Blade.Runner.2049.2017.2160p.WEB-DL.mkv", "Blade Runner 2049", 2017),
        ("Blade Runner 2049.mkv", "Blade Runner 2049", None),
        ("1917.2019.mkv", "1917", 2019),
        ("2012.1080p.mkv", "2012", None),
        ("C:\\Films\\Heat (1995)\\grp-heat-x264.mkv", "Heat", 1995),
        ("[YTS.MX] Up.2009.mkv", "Up", 2009),
        ("Good, the Bad and the Ugly, The (1966).avi", "The Good, the Bad and the Ugly", 1966),
        ("films/Psycho (1960)/VIDEO_TS/VTS_01_1.VOB", "Psycho", 1960),
        ("Heat (1995)/CD1/film.avi", "Heat", 1995),
        ("Prim and Proper.mkv", "Prim and Proper", None),
        ("M.mkv", "M", None),
        ("L.A. Confidential.mkv", "L.A. Confidential", None),
        ("Dr. Strangelove (1964-01-29).mkv", "Dr. Strangelove", 1964),
        ("films/movie.mkv", "", None),
        ("///", "", None),
        ("", "", None),
        ("\x00\ud800.mkv", "", None),
    ],
)
def test_a_path_names_a_film(path: str, title: str, year: int | None) -> None:
    assert film_name(path) == FilmName(title, year)


def test_an_identifier_in_a_name_is_the_films() -> None:
    assert film_name("Alien³ (1992) {imdb-tt0103644}.mkv") == FilmName("Alien³", 1992, "imdb:tt0103644")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (("The Matrix", 1999), ("Matrix, The", 1999)),
        (("Amélie", None), ("amelie", 2001)),
        (("Butch Cassidy & the Sundance Kid", None), ("Butch Cassidy and the Sundance Kid", None)),
        (("Rocky II", 1979), ("Rocky 2", None)),
        (("The Godfather Part II", 1974), ("The Godfather: Part 2", 1974)),
        (("Alien³", 1992), ("Alien 3", 1993)),
        (("WALL·E", 2008), ("Wall-E", None)),
        (("Ocean's Eleven", 2001), ("Ocean's 11", 2001)),
        (("Terminator 2", None), ("Terminator 2: Judgment Day", 1991)),
        (("Star Wars", 1977), ("Star Wars: Episode IV - A New Hope", 1977)),
        (("Dr. Strangelove", None), ("Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb", 1964)),
        (("The Shawshank Redemtion", 1994), ("The Shawshank Redemption", 1994)),
        (("Kill Bill", 2003), ("Kill Bill: Vol. 1", 2003)),
        (("Χειμερία νάρκη", 1987), ("χειμερια ναρκη", None)),
        (("???", 2000), ("???", 2000)),
    ],
)
def test_one_film_under_two_names(a: tuple[str, int | None], b: tuple[str, int | None]) -> None:
    assert same_film(FilmName(*a), FilmName(*b)) >= SAME


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (("Rocky", None), ("Rocky II", None)),
        (("Alien", None), ("Aliens", None)),
        (("Alien", 1979), ("Alien: Covenant", 2017)),
        (("Kill Bill: Vol. 1", None), ("Kill Bill: Vol. 2", None)),
        (("Kill Bill: Vol. 1", 2003), ("Kill Bill: Vol. 2", 2003)),
        (("Star Wars", None), ("Star Wars: Episode V - The Empire Strikes Back", None)),
        (("Star Wars: Episode V - The Empire Strikes Back", None), ("Star Wars: Episode VI - Return of the Jedi", None)),
        (("Before Sunrise", None), ("Before Sunset", None)),
        (("Psycho", 1960), ("Psycho", 1998)),
        (("Dune", 2021), ("Dune", 1984)),
        (("Up", None), ("Us", None)),
        (("", None), ("", None)),
        (("Heat", 1995), ("", 1995)),
    ],
)
def test_sequels_and_remakes_are_other_films(a: tuple[str, int | None], b: tuple[str, int | None]) -> None:
    assert same_film(FilmName(*a), FilmName(*b)) < SAME


def test_identifiers_settle_it() -> None:
    assert same_film(FilmName("Leon", 1994, "imdb:tt0110413"), FilmName("The Professional", None, "imdb:tt0110413")) == 1
    assert same_film(FilmName("Heat", 1995, "imdb:tt0113277"), FilmName("Heat", 1995, "imdb:tt0091184")) == 0
    assert same_film(FilmName("Heat", 1995, "imdb:tt0113277"), FilmName("Heat", 1995, "wikidata:Q42198")) == 1


titles = st.text(max_size=40) | st.lists(st.sampled_from("the a alien 2 ii part : - , or: one & é 1 x".split()), max_size=6).map(
    " ".join
)
years = st.none() | st.integers(1890, 2030)


@given(titles, titles, years, years)
def test_likeness_is_the_same_both_ways_round(a: str, b: str, one: int | None, other: int | None) -> None:
    first, second = FilmName(a, one), FilmName(b, other)
    assert same_film(first, second) == same_film(second, first)
    assert 0 <= same_film(first, second) <= 1


@given(titles.filter(lambda title: title.strip()), years)
def test_a_film_is_itself(title: str, year: int | None) -> None:
    assert same_film(FilmName(title, year), FilmName(title, year)) >= 0.9


@given(st.text(max_size=200))
def test_any_path_is_read(path: str) -> None:
    found = film_name(path)
    assert found.year is None or 1888 <= found.year <= 2035
    assert found.title == found.title.strip()


def test_long_names_take_no_time() -> None:
    """A pattern that tries all ways would not come back from these."""
    for filler in ("(", "a ", "1999 ", ": ", "[x] ", ", the", " or: ", "{imdb-"):
        assert film_name(filler * 100_000).title is not None
        assert same_film(FilmName(filler * 10_000), FilmName(filler * 10_000 + "x")) <= 1
