"""Lists of the songs of films, in every shape people keep them in, and in none."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import UserError
from motet.film.errors import FilmError
from motet.film.songs import FilmName, Listed, find, read_list, read_list_file, reading

TABLE = "film,year,title,artist\nThe Lantern,1998,Low Tide,The Paper Lanterns\nThe Lantern,1998,Harbour Song,Ada Quay\n"
TRACK = "4711abcLowTide00000000"
URL = f"https://open.spotify.com/track/{TRACK}"


def told(one: Listed) -> tuple[str, int | None, str, str]:
    return one.film, one.year, one.artist, one.title


LOW_TIDE = ("The Lantern", 1998, "The Paper Lanterns", "Low Tide")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_table_in_any_encoding(mark: str, encoding: str) -> None:
    data = TABLE.replace(",", mark).encode(encoding)
    assert told(read_list(data, "mine.csv")[0]) == LOW_TIDE


def test_an_old_spreadsheets_letters() -> None:
    found = read_list("film,title,artist\nAmélie,Comptine d’un autre été,Yann T.\n".encode("cp1252"), "x.csv")
    assert (found[0].film, found[0].title) == ("Amélie", "Comptine d’un autre été")


def test_a_line_says_where_it_is_from_and_how_far_it_is_believed() -> None:
    (one,) = read_list(
        b"film,imdb_id,title,isrc\nThe Lantern,114709,Low Tide,XX-AAA-24-00001\n", "/home/someone/private/mine.csv"
    )
    assert (one.source, one.where, one.film_id, one.identifiers) == ("list", "mine.csv", "imdb:tt0114709", ("isrc:XXAAA2400001",))
    assert (one.kind, one.compilation, one.confidence) == ("unknown", None, 0.85)
    (one,) = read_list(b"film,title,confidence\nThe Lantern,Low Tide,0.25\n", "https://name:secret@host.org/list.csv?key=secret")
    assert (one.where, one.confidence) == ("https://host.org/list.csv", 0.25)


def test_imdb_songs_beside_what_a_search_found() -> None:
    header = b",film,film_id,imdb_song,spotify_song\n"
    data = header + b'0,The Lantern,0111161,Low Tide ,"Low Tide (From ""The Lantern"")"\n1,The Lantern,0111161,Ho,\n'
    first, second = read_list(data, "film_songs_imdb.csv")
    assert (first.film_id, first.title, first.also) == ("imdb:tt0111161", "Low Tide", ('Low Tide (From "The Lantern")',))
    assert second.also == ()


def test_playlists_of_films() -> None:
    (one,) = read_list(
        f"film,track_name,artist,url\nthe lantern,Low Tide,The Paper Lanterns,{URL}?si=secret\n".encode(), "lists.csv"
    )
    assert one.identifiers == (f"spotify_url:{URL}",)
    assert one.confidence == 0.6  # a playlist is anybody's


def test_a_playlist_that_is_named_for_its_film() -> None:
    header = "Track URI,Track Name,Album Name,Artist Name(s),Album Release Date,ISRC"
    row = f"spotify:track:{TRACK},Low Tide,Harbour,The Paper Lanterns,1971,XXAAA2400001"
    (one,) = read_list(f"{header}\n{row}\n".encode(), "The Lantern (1998) soundtrack.csv")
    assert told(one) == LOW_TIDE
    assert one.identifiers == ("isrc:XXAAA2400001", f"spotify_url:{URL}")
    assert one.confidence == 0.5


@pytest.mark.parametrize("simple", [False, True])
def test_results_of_a_wikidata_query(simple: bool) -> None:
    row = {
        "film": "http://www.wikidata.org/entity/Q4711", "filmLabel": "The Lantern", "publicationDate": "1998-05-01T00:00:00Z",
        "song": "http://www.wikidata.org/entity/Q4712", "songLabel": "Low Tide", "performerLabel": "The Paper Lanterns",
    }  # fmt: skip
    bindings = [{name: {"type": "literal", "value": value} for name, value in row.items()}]
    data = [row] if simple else {"head": {"vars": list(row)}, "results": {"bindings": bindings}}
    rows = [read_list(json.dumps(data).encode(), "query.json")]
    written = io.StringIO()
    csv.writer(written).writerows([list(row), list(row.values())])
    rows.append(read_list(written.getvalue().encode(), "query.csv"))
    for (one,) in rows:
        assert told(one) == LOW_TIDE
        assert one.film_id == "wikidata:Q4711"


@pytest.mark.parametrize(
    "data",
    [
        [{"film": "The Lantern", "year": 1998, "title": "Low Tide", "artist": "The Paper Lanterns"}],
        {"films": [{"title": "The Lantern", "year": 1998, "songs": [{"title": "Low Tide", "artist": "The Paper Lanterns"}]}]},
        {"The Lantern (1998)": ["The Paper Lanterns - Low Tide"]},
        {"title": "The Lantern (1998)", "soundtrack": ['"Low Tide" Performed by The Paper Lanterns']},
        {
            "name": "The Lantern (1998) Soundtrack",
            "tracks": {"items": [{"track": {"name": "Low Tide", "artists": [{"name": "The Paper Lanterns"}]}}]},
        },
        {"items": [{"item": {"name": "Low Tide", "artists": [{"name": "The Paper Lanterns"}]}}], "name": "The Lantern (1998)"},
    ],
)
def test_json_of_many_shapes(data: Any) -> None:
    (one,) = read_list(json.dumps(data).encode(), "some.json")
    assert told(one) == LOW_TIDE


def test_json_lines() -> None:
    one = {"film": "The Lantern", "year": 1998, "title": "Low Tide", "artist": "The Paper Lanterns"}
    lines = "\n".join(json.dumps({**one, "title": title}) for title in ("Low Tide", "High Tide"))
    assert [found.title for found in read_list(lines.encode(), "x.jsonl")] == ["Low Tide", "High Tide"]
    with pytest.raises(FilmError, match=r"Line 2 of x\.jsonl is no JSON"):
        read_list(lines.replace("High Tide", 'High "Tide"').encode(), "x.jsonl")


def test_lines_of_text() -> None:
    words = '# The Lantern (1998)\n1. The Paper Lanterns - Low Tide\n2. Ada Quay – Harbour Song (Live)\n\n* "Ho" by The Rowers\n'
    found = read_list(words.encode(), "notes.txt")
    assert told(found[0]) == LOW_TIDE
    assert [(one.artist, one.title) for one in found[1:]] == [("Ada Quay", "Harbour Song (Live)"), ("The Rowers", "Ho")]


def test_soundtracks_as_imdb_writes_them() -> None:
    words = """# The Lantern (1998)
- "Low Tide"
  Written by 'Ada Quay'
  Performed by 'The Paper Lanterns (II)' (qv)
- "Harbour Song" (1971)
  Music by Ada Quay
"""
    first, second = read_list(words.encode(), "soundtracks.list")
    assert told(first) == LOW_TIDE
    assert (second.title, second.artist) == ("Harbour Song", "")
    (one,) = read_list(b'film,soundtrack\nX,"""Low Tide"" (1971) Written by A Performed by The Rowers Courtesy of B"\n', "x.csv")
    assert (one.title, one.artist) == ("Low Tide", "The Rowers")


def test_a_title_is_the_films_where_another_column_has_the_song() -> None:
    (one,) = read_list(b"title,year,song,artist\nThe Lantern,1998,Low Tide,The Paper Lanterns\n", "x.csv")
    assert told(one) == LOW_TIDE


def test_albums_tell_songs_from_cues() -> None:
    rows = (
        "film,title,artist,album\nL,Low Tide,A,L: Songs From the Motion Picture\nL,Rain,B,L (Original Score)\nL,Main Title,C,\n"
    )
    found = read_list(rows.encode(), "x.csv")
    assert [one.kind for one in found] == ["song", "score", "score"]
    assert "Original Score" in found[1].reason
    assert "cue" in found[2].reason


def test_formulas_are_not_run_nor_songs() -> None:
    rows = [
        ["film", "film_id", "title"],
        ["L", '="0111161"', '=HYPERLINK("http://x","Low Tide")'],
        ["L", "", "=cmd|'/c calc'!A0"],
        ["L", "", "@SUM(1+1)"],
        ["L", "", "+"],
    ]
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    found = read_list(written.getvalue().encode(), "x.csv")
    assert [one.title for one in found] == ["Low Tide", "+"]  # the last is an album's name
    assert found[0].film_id == "imdb:tt0111161"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_list"),
        (b" \n\t\n", "empty_list"),
        (b"\xef\xbb\xbf", "empty_list"),
        (bytes(range(256)) * 64, "not_a_list"),
        (b"\x89PNG\r\n\x1a\n" + bytes(5000), "not_a_list"),
        (b"MThd\x00\x00\x00\x06\x00\x01\x00\x02\x01\xe0MTrk" + bytes(200), "not_a_list"),
        (b"<!DOCTYPE html><html><body>Low Tide - The Rowers</body></html>", "not_a_list"),
        (b"Dear friend,\nhow are you?\nI saw a film.\nIt was long.\n", "not_a_list"),
        (b"directory,filename\na,b.mid\n", "not_a_list"),
        (b"film,year\nThe Lantern,1998\n", "no_songs"),
        (b"film,title,artist\n", "no_songs"),
        (b"film,title,artist\nThe Lantern,,\n,,\n", "no_songs"),
        (b"[]", "no_songs"),
        (b"{}", "no_songs"),
        (b'{"a": 1}', "no_songs"),
        (b"[" * 100_000, "not_a_list"),
        (b'{"film": "x", "title": ', "not_a_list"),
        (b'[{"film": "x", "title": "y", "confidence": NaN}]', "not_a_list"),
        (b"film,title\nx," + b"y" * 200_000 + b"\n", "not_a_list"),
        (b'film,title\nx,"y\n' + b"z,z\n" * 100, "not_a_list"),
        (b"film,title,artist,artist\nx,y,a,b\n", "double_column"),
        (b"x" * (reading.MOST_BYTES + 1), "too_large"),
    ],
)
def test_what_is_no_list_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(FilmError) as caught:
        read_list(data, "some/where/odd.csv")
    assert caught.value.reason == reason
    assert caught.value.detail.endswith(".")
    assert "some/where" not in caught.value.detail


@pytest.mark.parametrize("shape", ["film,title\n" + "x,y\n" * 11, json.dumps(["y - x"] * 11), "y - x\n" * 11])
def test_more_songs_than_anybody_lists_are_refused(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_SONGS", 10)
    with pytest.raises(FilmError, match="more than 10 songs: split it"):
        read_list(shape.encode(), "x")


def test_a_file_is_read_no_further_than_a_list_goes(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(TABLE)
    assert told(read_list_file(tmp_path / "mine.csv")[0]) == LOW_TIDE
    with (tmp_path / "huge.csv").open("wb") as huge:
        huge.truncate(200 << 20)
    with pytest.raises(FilmError, match="more than 16 MiB"):
        read_list_file(tmp_path / "huge.csv")
    for name in ("none.csv", "."):
        with pytest.raises(UserError, match="cannot be read"):
            read_list_file(tmp_path / name)


def test_the_same_column_twice_is_no_matter_where_they_agree() -> None:
    (one,) = read_list(b"film,title,title,film\nx,y,y,\n", "x.csv")
    assert (one.film, one.title) == ("x", "y")


def test_a_stray_zero_or_a_ragged_row_costs_nothing_else() -> None:
    data = b"film,title,artist\nx,Low\x00 Tide,a,too,many\nx\nx,Ho\n"
    assert [one.title for one in read_list(data, "x.csv")] == ["Low Tide", "Ho"]


@given(st.binary(max_size=400) | st.text(max_size=300).map(lambda words: ("film,title\n" + words).encode("utf-8", "replace")))
def test_any_bytes_are_a_list_or_refused(data: bytes) -> None:
    try:
        found = read_list(data, "x.csv")
    except FilmError:
        return
    assert all(one.title and 0 <= one.confidence <= 1 for one in found)
    assert all(one.title.isprintable() and one.film.isprintable() for one in found)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from("film title artist songs items track name value year tracks results".split()), inner, max_size=5
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_a_list_or_refused(data: Any) -> None:
    try:
        found = read_list(json.dumps([data]).encode(), "x.json")
    except FilmError:
        return
    assert all(one.title.isprintable() and one.title for one in found)


@pytest.mark.shared
def test_the_tables_of_a_study_of_film_music(shared: Path) -> None:
    songs = read_list((shared / "film/film_songs_imdb.csv").read_bytes(), "film_songs_imdb.csv")
    lists = read_list((shared / "film/film_songs_playlists.csv").read_bytes(), "film_songs_playlists.csv")
    assert len({one.film_id for one in songs}) > 100
    assert all(one.film_id.startswith("imdb:tt") for one in songs)
    assert len(lists) == 304
    found = {song.title: song for song in find(FilmName("Pulp Fiction", 1994), [*songs, *lists])}
    assert found["Jungle Boogie"].sources == ("film_songs_imdb.csv", "film_songs_playlists.csv")
    assert found["Jungle Boogie"].artist == "Kool & The Gang"
    assert found["Lonesome Town"].confidence == pytest.approx(1 - 0.15 * 0.4)


def test_a_playlist_that_names_what_it_plays_is_a_list_of_the_film_it_is_called_by() -> None:
    playlist = b"#EXTM3U\n#EXTINF:200,Ada Example - A Song\nmusic/a.mp3\n#EXTINF:-1,Bo Example - Another\nb.mp3\n"
    told = read_list(playlist, "The Bridge (1961).m3u")
    assert [(one.film, one.year, one.artist, one.title) for one in told] == [
        ("The Bridge", 1961, "Ada Example", "A Song"),
        ("The Bridge", 1961, "Bo Example", "Another"),
    ]
    with pytest.raises(FilmError) as error:
        read_list(b"#EXTM3U\nmusic/a.mp3\n", "The Bridge.m3u")
    assert error.value.reason == "not_a_list"
