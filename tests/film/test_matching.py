"""Which items of a catalogue are a film's songs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.errors import UserError
from motet.film.errors import FilmError
from motet.film.matching import SURE, Catalogued, Matcher, SongMatch, Wanted, match_all, telling
from motet.film.matching.titles import called
from motet.naming import Clue, SongIndex, clues_of_path


def item(path: str, *, family: str = "", seconds: float | None = None) -> Catalogued:
    return Catalogued(path, tuple(clues_of_path(path)), seconds, family)


def asked(path: str, title: str, artist: str = "", index: SongIndex | None = None, least: float = 0.0) -> SongMatch | None:
    """What a matcher that looks for one song says of one file."""
    found = Matcher([Wanted("song", title, artist)], least=least, index=index).match(item(path))
    assert len(found) <= 1
    return found[0] if found else None


def sure(path: str, title: str, artist: str = "", index: SongIndex | None = None) -> bool:
    return asked(path, title, artist, index, SURE) is not None


def reasons(match: SongMatch | None) -> set[str]:
    assert match is not None
    return {penalty.name for penalty in match.penalties}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SongIndex]:
    """Made-up songs: many artists have a "Stay Tonight"; one sings of a long road."""
    path = tmp_path_factory.mktemp("index") / "songs.csv"
    lines = [f"Singer {name},Stay Tonight,200" for name in ("Ash", "Birch", "Cedar", "Elm", "Fir", "Hazel")]
    lines += ["Ruth Alder,Velvet Harbour,180", "Tom Sallow,Velvet Harbour of Kentfield,200", "Ann Rowan,Lantern Street,240"]
    path.write_text("artist,title,duration\n" + "\n".join(lines) + "\n", encoding="utf-8")
    with SongIndex(path.with_name("songs.sqlite")) as songs:
        songs.add(path)
        yield songs


@pytest.mark.parametrize(
    "path",
    ["The Gables - Home.mid", "Home - The Gables.mid", "Gables/Home.mid", "GABLES.Home K.mid", "the_gables-home.mid"],
)
def test_a_name_that_says_the_artist_is_the_song_however_short_its_title(path: str) -> None:
    assert sure(path, "Home", "The Gables")


def test_a_short_title_alone_is_anyones_song_and_a_rare_one_is_not() -> None:
    assert not sure("Home.mid", "Home", "The Gables")
    assert "plain title" in reasons(asked("Home.mid", "Home", "The Gables"))
    assert sure("The Lanterns of Carrowmore.mid", "The Lanterns of Carrowmore")


def test_the_answer_tells_how_the_name_was_read_and_what_speaks_against_it() -> None:
    match = asked("Mabel Finch - Lanterns of Carrowmore.mid", "The Lanterns of Carrowmore", "The Gables")
    assert match is not None
    first, second, *rest = match.explain().splitlines()
    assert first == f"{match.probability:.0%} through name"
    assert second == "file name read as artist “Mabel Finch”, title “Lanterns of Carrowmore”"
    assert any(line.startswith("other artist -") and "Mabel Finch" in line for line in rest)


def test_another_performer_is_a_cover_of_a_distinctive_title_and_another_song_of_a_plain_one() -> None:
    alone, cover = (asked(path, "The Lanterns of Carrowmore", "The Gables") for path in
                    ("The Lanterns of Carrowmore.mid", "Mabel Finch - The Lanterns of Carrowmore.mid"))  # fmt: skip
    assert alone is not None
    assert cover is not None
    assert SURE <= cover.probability < alone.probability
    assert not sure("Mabel Finch - Hold On.mid", "Hold On", "The Gables")


def test_an_artist_tells_nothing_where_the_films_list_names_none() -> None:
    named = asked("Mabel Finch - Hold On.mid", "Hold On")
    assert "artist unknown" in reasons(named)
    assert not sure("Mabel Finch - Hold On.mid", "Hold On")
    assert sure("Mabel Finch - The Lanterns of Carrowmore.mid", "The Lanterns of Carrowmore")


def test_a_collection_is_no_artist() -> None:
    collection, artist = (asked(f"{who} - Under the Arches.mid", "Under the Arches") for who in ("Movie Themes", "Mabel Finch"))
    assert collection is not None
    assert artist is not None
    assert artist.probability < SURE <= collection.probability


def test_artists_known_for_a_title_make_it_less_likely_to_be_the_films(index: SongIndex) -> None:
    without, within = (asked("Stay Tonight.mid", "Stay Tonight", "The Gables", one) for one in (None, index))
    assert without is not None
    assert within is not None
    assert within.probability < without.probability
    assert "common title" in reasons(within)


def test_a_performer_of_the_title_is_believed_more_than_a_stranger(index: SongIndex) -> None:
    known, stranger = (asked(f"{who} - Lantern Street.mid", "Lantern Street", "", index) for who in ("Ann Rowan", "Mabel Finch"))
    assert known is not None
    assert stranger is not None
    assert known.probability > stranger.probability


def test_a_longer_title_that_is_known_is_that_song(index: SongIndex) -> None:
    path = "Velvet Harbour of Kentfield.mid"
    match = asked(path, "Velvet Harbour", "", index)
    assert match is None or match.probability < SURE
    both = Matcher([Wanted("short", "Velvet Harbour", ""), Wanted("long", "Velvet Harbour of Kentfield", "")])
    assert [match.wanted for match in both.match(item(path))] == ["long"]


@pytest.mark.parametrize(
    ("listed", "path"),
    [
        ("Carrowmore Lights - 2003 Remaster", "CarrowmoreLights2.mid"),
        ('Carrowmore Lights - From "Harbour" Soundtrack', "carrowmore_lights.mid"),
        ("Carrowmore Lights (From Harbour)", "Carrowmore-Lights-1.mid"),
        ("Carrowmore Lights (Single Version)", "Carrowmore Lights K.mid"),
        ("Toccata in D minor, BWV 5650", "Toccata in D minor.mid"),
        ("Carrowmore Lights (Ring the Bells of Dunmore)", "Ring The Bells of Dunmore.mid"),
        ("Carrowmore Lights, The", "The Carrowmore Lights.mid"),
    ],
)
def test_what_says_the_recording_the_film_or_the_work_number_is_no_part_of_a_title(listed: str, path: str) -> None:
    match = asked(path, listed)
    assert match is not None
    assert match.probability > 0.6


def test_a_part_of_a_title_that_tells_little_does_not_stand_for_it() -> None:
    assert asked("Intermezzo in A.mid", "Carrowmore Rusticana: Intermezzo") is None
    assert asked("3rd Movement.mid", "Concerto for Two Harps (3rd Movement)") is None


def test_a_whole_work_does_not_stand_for_one_piece_of_it() -> None:
    for listed in ("Die Lichter von Carrowmore: II. Andante", "Die Lichter von Carrowmore, Act III: Finale"):
        assert not sure("Die_Lichter_Von_Carrowmore.mid", listed)
        assert sure(f"{listed.replace(':', '')}.mid", listed)


def test_numbers_are_never_guessed() -> None:
    assert not sure("Divertimento in D for Carrowmore Nr 17.mid", "Divertimento in D for Carrowmore")
    assert sure("Hungarian Dance No 5.mid", "Hungarian Dance No. 5")
    assert not sure("Hungarian Dance No 6.mid", "Hungarian Dance No. 5")
    assert not sure("Brahms Hungarian Dance.mid", "Hungarian Dance No. 5")


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("carowmore_lights.mid", "Carrowmore Lights"),  # misspelt
        ("Carrowmor.mid", "Carrowmore"),  # nearly all of it
        ("way_to_carrowmore_dunes.mid", "Do You Know the Way to Carrowmore Dunes"),
        ("Ring The Bells Of Dunmore.mid", "Ring the Bells of Dunmore Before the Night Is Over"),
        ("carrowmorelightsgables.mid", "Carrowmore Lights"),  # the artist glued to it
    ],
)
def test_names_that_do_not_spell_a_title_out_are_found_with_less_certainty(path: str, title: str) -> None:
    match = asked(path, title, "The Gables")
    whole = asked(f"{title}.mid", title, "The Gables")
    assert match is not None
    assert whole is not None
    assert 0.3 < match.probability < whole.probability or "gables" in path


def test_a_misspelling_is_no_other_word() -> None:
    assert asked("Death Angel of Mercy.mid", "Earth Angel of Mercy") is None
    assert asked("The Lantern Sings.mid", "Sing Lantern Sing") is None


def test_a_known_title_of_nearly_the_same_letters_is_that_song(tmp_path: Path) -> None:
    (tmp_path / "songs.csv").write_text("artist,title\nRuth Alder,Velvet Is A Stranger\n", encoding="utf-8")
    with SongIndex(tmp_path / "songs.sqlite") as songs:
        songs.add(tmp_path / "songs.csv")
        assert sure("Velvet-Is-A-Stranger.mid", "Velvet Is Strange")
        assert not sure("Velvet-Is-A-Stranger.mid", "Velvet Is Strange", "", songs)


def test_who_sequenced_a_file_is_not_its_title() -> None:
    assert asked("airwave__sosei__cloudburst.mid", "Cloudburst") is None
    assert asked("Airwave_-_Sosei__Cloudburst_20130129020751.mid", "Cloudburst") is None
    assert asked("Airwave_-_Cloudburst__sosei_20130129020751.mid", "Cloudburst") is not None


def test_a_short_name_behind_the_long_one_is_the_title_once_more() -> None:
    told, other = (asked(f"Lanterns of Carrowmore {word}.mid", "Lanterns of Carrowmore") for word in ("lantcarr", "revisited"))
    assert told is not None
    assert other is not None
    assert told.probability > other.probability


def test_tags_of_a_recording_are_clues_as_well() -> None:
    clues = (Clue("artist:The Gables", "tag"), Clue("title:Home", "tag"), Clue("track 01.flac", "file name"))
    (match,) = Matcher([Wanted("song", "Home", "The Gables")]).match(Catalogued("a", clues, 200.0, ""))
    assert match.read_as == "tag read as artist “The Gables”, title “Home”"


def test_a_folder_named_after_another_artist_of_the_list_speaks_against_a_match() -> None:
    wanted = [Wanted("one", "Lantern Street", "The Gables"), Wanted("two", "Carrowmore", "Mabel Finch")]
    matcher = Matcher(wanted, least=0)
    theirs, ours = (matcher.match(item(f"{folder}/Lantern Street.mid"))[0] for folder in ("Mabel Finch", "Midi Files"))
    assert "other artist" in reasons(theirs)
    assert theirs.probability < ours.probability


def test_a_length_far_from_the_known_one_speaks_against_a_match(index: SongIndex) -> None:
    matcher = Matcher([Wanted("song", "Lantern Street", "Ann Rowan")], least=0, index=index)
    lengths = (238.0, 60.0, float("nan"))
    (like,), (unlike,), (odd,) = (matcher.match(item("Lantern Street.mid", seconds=length)) for length in lengths)
    assert unlike.probability < like.probability == odd.probability
    assert "duration" in reasons(unlike)


def test_a_song_of_two_films_is_told_for_both_and_two_artists_songs_apart() -> None:
    wanted = [Wanted("film a/1", "Home", "The Gables"), Wanted("film b/7", "Home", "The Gables"), Wanted("c", "Home", "M. Finch")]
    found = Matcher(wanted).match(item("The Gables - Home.mid"))
    assert [match.wanted for match in found] == ["film a/1", "film b/7"]


def test_duplicates_of_a_match_are_matches_through_their_family() -> None:
    catalogue = [
        item("song.mid", family="7"),
        item("The Gables - Home.mid", family="7"),
        item("track01.mid", family="8"),
        item("track02.mid"),
    ]
    named, kin = match_all([Wanted("song", "Home", "The Gables")], catalogue)
    assert (named.item, named.through) == ("The Gables - Home.mid", "name")
    assert (kin.item, kin.through) == ("song.mid", "family of The Gables - Home.mid")
    assert SURE <= kin.probability < named.probability


def test_a_members_own_name_goes_before_that_of_its_family() -> None:
    wanted = [Wanted("home", "Home", "The Gables"), Wanted("away", "Carrowmore Lights", "Mabel Finch")]
    catalogue = [item("The Gables - Home.mid", family="7"), item("Mabel Finch - Carrowmore Lights.mid", family="7")]
    assert [(match.wanted, match.through) for match in match_all(wanted, catalogue)] == [("away", "name"), ("home", "name")]


def test_a_family_is_told_only_where_it_is_as_likely_as_asked_for() -> None:
    catalogue = [item("The Gables - Home.mid", family="7"), item("x.mid", family="7")]
    wanted = [Wanted("song", "Home", "The Gables")]
    (named,) = match_all(wanted, catalogue[:1])
    assert len(match_all(wanted, catalogue, named.probability)) == 1


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_the_least_probability_is_one(least: float) -> None:
    with pytest.raises(UserError, match="between 0 and 1"):
        Matcher([], least=least)


def test_two_songs_of_one_key_are_refused() -> None:
    with pytest.raises(FilmError, match="give each its own") as raised:
        Matcher([Wanted("1", "Home", ""), Wanted("1", "Away", "")])
    assert raised.value.reason == "repeated_key"


def test_a_song_without_a_letter_matches_nothing() -> None:
    assert called(" - ... ") == []
    assert Matcher([Wanted("1", "???", "!"), Wanted("2", "", "")], least=0).match(item("???.mid")) == []


def test_lists_that_are_long_and_names_without_end_are_answered() -> None:
    wanted = [Wanted(str(number), f"Lantern {number} of Carrowmore {number * 7919 % 10_007}", "") for number in range(3000)]
    matcher = Matcher(wanted)
    assert [match.wanted for match in matcher.match(item(f"{wanted[17].title}.mid"))] == ["17"]
    endless = Catalogued("a", tuple(Clue("lantern of " * 10_000, "file name") for _ in range(500)), None, "")
    assert matcher.match(endless) == []
    assert matcher.match(Catalogued("b", (), None, "")) == []


TEXT = st.text(max_size=60)
SOME = "love home lantern carrowmore the of blue 5 II mary jane - ( ) _ .".split()
WORDS = st.lists(st.sampled_from(SOME), max_size=8).map(" ".join)


@given(st.lists(st.tuples(TEXT | WORDS, TEXT | WORDS), max_size=12), TEXT | WORDS, st.floats(0, 1))
@settings(max_examples=150, deadline=None)
def test_whatever_is_asked_the_answers_are_probable_enough_sorted_and_free_of_the_lists_order(
    songs: list[tuple[str, str]], name: str, least: float
) -> None:
    wanted = [Wanted(str(number), *song) for number, song in enumerate(songs)]
    one = item(name + ".mid")
    found = Matcher(wanted, least=least).match(one)
    assert found == Matcher(wanted[::-1], least=least).match(one)
    assert found == sorted(found, key=lambda match: (-match.probability, match.wanted))
    assert all(least <= match.probability <= 1 for match in found)
    assert len({match.wanted for match in found}) == len(found)
    "".join(match.explain() for match in found).encode()


@given(WORDS, WORDS)
def test_a_title_tells_no_less_for_another_word(title: str, more: str) -> None:
    assert 0 <= telling(title) <= telling(f"{title} {more}") <= 24
