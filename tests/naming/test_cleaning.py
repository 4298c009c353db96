"""From file names to guesses: what is dropped, what is split, and that no name does harm."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.naming import Clue, Guess, clues_of_path, guesses
from motet.naming.cleaning import cleaned, title_readings
from motet.naming.spelling import LONGEST, artist_key, loose, plain


def first(name: str) -> Guess:
    return guesses(clues_of_path(name))[0]


@pytest.mark.parametrize(
    ("name", "artist", "title"),
    [
        ("Velvet Harbours - Thunder on the Quay.mid", "Velvet Harbours", "Thunder on the Quay"),
        ("Velvet_Harbours_-_Thunder_On_The_Quay.mid.mid", "Velvet Harbours", "Thunder On The Quay"),
        ("VELVET HARBOURS.Thunder on the quay K.mid", "VELVET HARBOURS", "Thunder on the quay"),
        ("velvet_harbours-thunder_on_the_quay.kar", "velvet harbours", "thunder on the quay"),
        ("Marlow, Quentin - Seventeen Winters.mid", "Quentin Marlow", "Seventeen Winters"),
        ("Q.MARLOW.Seventeen winters (2).mid", "Q MARLOW", "Seventeen winters"),
        ("Pilot Nine – Midnight in Valparaiso (Karaoke).mp3", "Pilot Nine", "Midnight in Valparaiso"),
        ("Pilot Nine - Midnight in Valencia - 2011 Remaster.flac", "Pilot Nine", "Midnight in Valencia"),
        ("Pilot Nine feat. Odessa Crane - Lanterns.mp3", "Pilot Nine", "Lanterns"),
        ("Ã‰lodie Fjord - OÃ¹ va la neige.mid", "Élodie Fjord", "Où va la neige"),
        ("ThunderOnTheQuay.mid", "", "Thunder On The Quay"),
        ("Thunder%20on%20the%20Quay.mid", "", "Thunder on the Quay"),
        ("Seventeen-Winters-Are-Gone.mid", "", "Seventeen Winters Are Gone"),
        ("Thunder on the Quay sequenced by someone www.example.org.mid", "", "Thunder on the Quay"),
    ],
)
def test_the_plainest_reading_comes_first(name: str, artist: str, title: str) -> None:
    guess = first(name)
    assert (guess.artist, guess.title) == (artist, title)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("seventeen_winters_qm.mid", "seventeen winters"),  # the sequencer's initials
        ("Seventeen-Winters-3.mid", "Seventeen Winters"),  # the third such file
        ("lanterns2.mid", "lanterns"),
        ("03 - Lanterns.mid", "Lanterns"),
        ("Lanterns - Odessa Crane.mid", "Lanterns"),  # the other way about
    ],
)
def test_other_readings_follow(name: str, title: str) -> None:
    assert title in [guess.title for guess in guesses(clues_of_path(name))]


def test_words_of_a_version_are_kept_apart() -> None:
    guess = first("Brass & Feather - Copper Sunday (Live).mid")
    assert (guess.title, guess.versions) == ("Copper Sunday", ("live",))


def test_a_name_of_eight_letters_may_be_cut() -> None:
    assert first("MIDNIGHT.MID").cut
    assert first("MIDNIG~1.MID").cut
    assert not first("Midnight in.mid").cut


def test_only_folders_around_and_the_archive_are_clues() -> None:
    assert clues_of_path("a\\b/c/d.zip!/e/f/song.mid") == [
        Clue("song.mid", "file name"),
        Clue("f", "folder"),
        Clue("e", "folder"),
        Clue("d.zip", "archive"),
    ]


def test_a_tag_is_taken_at_its_word() -> None:
    guess = guesses([Clue("artist:Crane, Odessa", "tag"), Clue("title:Lanterns", "tag")])[0]
    assert (guess.artist, guess.title, guess.where) == ("Odessa Crane", "Lanterns", "tag")


def test_a_title_is_called_by_its_halves() -> None:
    told = {run: left for run, _, left in title_readings("Escape (The Paper Boat)")}
    assert told["escapethepaperboat"] == 0
    assert 0 < told["escape"] < told["thepaperboat"]
    assert {run: left for run, _, left in title_readings("Escape (live)")}["escape"] == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [("You Took My Umbrella", "u took my umbrela"), ("Paper Boats for Four", "paperboats44"), ("Tonight!", "2nite")],
)
def test_spellings_meet(one: str, other: str) -> None:
    assert loose(plain(one)) == loose(plain(other))


def test_numbers_stay_apart() -> None:
    assert loose(plain("Part II")) != loose(plain("Part I"))
    assert loose(plain("1999")) != loose(plain("199"))


def test_an_artist_is_one_in_either_order() -> None:
    assert artist_key("Marlow,Quentin") == artist_key("Quentin Marlow")
    assert artist_key("The Velvet Harbours") == artist_key("Velvet Harbours, The")
    assert artist_key("The The") == "the the"


@given(st.text(st.characters(), max_size=400))
def test_no_name_does_harm(name: str) -> None:
    for guess in guesses([Clue(name, "file name"), Clue(name, "text"), Clue("title:" + name, "tag")]):
        assert plain(guess.title)
        assert guess.title.isprintable() or not guess.title.isascii()
        assert 0 <= guess.doubt < 1
    assert len(cleaned(name)) <= LONGEST


@pytest.mark.parametrize(
    "piece", ["(", "- ", "_", "a.", "A-", ", ", "feat. ", "remaster ", " by ", ".mid", "(2)", "\ud800", "'a", "ﷺ"]
)
def test_a_megabyte_of_anything_takes_no_time(piece: str) -> None:
    began = time.process_time()
    guesses([Clue(piece * (1_000_000 // len(piece)), "file name")])
    assert time.process_time() - began < 0.5
