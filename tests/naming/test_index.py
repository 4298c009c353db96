"""The index of songs: what is read, that adding is all or nothing, and that its content does not hang on any order."""

import json
import random
from pathlib import Path

import pytest

from motet.errors import UserError
from motet.naming import SongIndex
from naming.songs import SONGS, write_list


@pytest.fixture
def index(tmp_path: Path) -> SongIndex:
    found = SongIndex(tmp_path / "songs.sqlite")
    assert found.add(write_list(tmp_path / "songs.csv")) == len(SONGS)
    return found


def test_spellings_of_one_artist_are_one_song(index: SongIndex) -> None:
    (song,) = index.search("Seventeen Winters")
    assert (song.artist, song.copies) == ("Quentin Marlow", 2)
    assert len(index) == len(SONGS) - 1


def test_titles_are_found_exactly_by_their_beginning_and_misspelt(index: SongIndex) -> None:
    assert [song.title for song in index.search("holding the river back")] == ["Holding the River Back"]
    assert {song.title for song in index.search("Midnight in Val")} == {"Midnight in Valparaiso", "Midnight in Valencia"}
    assert index.search("Thunber on the Quai")[0].title == "Thunder on the Quay"
    assert [song.artist for song in index.search("Lanterns", artist="Crane, Odessa")] == ["Odessa Crane"]
    assert index.search("") == index.search("?!") == []


def test_the_same_list_twice_adds_nothing(index: SongIndex, tmp_path: Path) -> None:
    before = index.digest
    assert index.add(tmp_path / "songs.csv") == 0
    assert index.digest == before


def test_the_content_does_not_hang_on_the_order_of_lists(index: SongIndex, tmp_path: Path) -> None:
    shuffled = random.Random(5).sample(SONGS, len(SONGS))
    with SongIndex(tmp_path / "other.sqlite") as other:
        for number, some in enumerate((shuffled[:4], shuffled[2:9], shuffled[7:])):
            other.add(write_list(tmp_path / f"{number}.csv", some))
        assert other.digest == index.digest
        for title in ("Lanterns", "Midnight", "Seventeen Winters", "umbrella"):
            assert other.search(title) == index.search(title)


def test_other_content_has_another_digest(index: SongIndex, tmp_path: Path) -> None:
    before = index.digest
    index.add(write_list(tmp_path / "more.csv", [("Odessa Crane", "A Map of Rain")]))
    assert index.digest != before


def test_a_list_that_breaks_off_adds_nothing(index: SongIndex, tmp_path: Path) -> None:
    before = index.digest, len(index)
    broken = tmp_path / "broken.jsonl"
    broken.write_text(json.dumps({"artist": "Pilot Nine", "title": "Never Landed"}) + "\n{not json\n")
    with pytest.raises(UserError, match="line 2"):
        index.add(broken)
    assert (index.digest, len(index)) == before
    assert index.search("Never Landed") == []


def test_all_kinds_of_lists_are_read(tmp_path: Path) -> None:
    one = {
        "artist": "Pilot Nine",
        "title": "Glass Airport",
        "duration": 201.5,
        "isrc": "zz-xxx",
        "musicbrainz_recording": "AB-CD",
    }
    files = {
        "a.jsonl": json.dumps(one),
        "b.tsv": "title\tartist\tduration\nGlass Airport\tPilot Nine\t203.5\n",
        "c.csv": "\ufeffArtist,Title,md5\nPilot Nine,Glass Airport,00ff\n",
        "d.txt": f"0\tPilot Nine\tGlass Airport\t{'0' * 32}\tPilot Nine/Glass Airport.mid\n",
    }
    with SongIndex(tmp_path / "songs.sqlite") as index:
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
            assert index.add(tmp_path / name) == 1
        (song,) = index.search("Glass Airport")
    assert (song.copies, song.duration) == (4, 203.5)
    assert song.identifiers == {"isrc": "ZZ-XXX", "musicbrainz_recording": "ab-cd"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name,song\nx,y\n", "columns artist and title"),
        (b"", "columns artist and title"),
        (b"\x00\xff" * 1000, "UTF-8"),
        ("artist,title\nJürgen,Über\n".encode("latin-1"), "UTF-8"),
        (b'artist,title\n"Pilot Nine,Glass Airport\nOther,Song\n', "CSV"),
        (b"a" * 1_100_000, "line of over"),
        (b"artist,title\n" + b'"' + b"x" * 200_000 + b'"\n', "CSV"),
        (b'{"artist": ' * 5000, "JSON"),
        (b"[1]\n", "columns artist and title"),
    ],
)
def test_what_is_no_list_is_refused_in_a_sentence(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(content)
    with SongIndex(tmp_path / "songs.sqlite") as index, pytest.raises(UserError, match=says):
        index.add(tmp_path / "list")


def test_hostile_values_are_listed_as_text_or_not_at_all(tmp_path: Path) -> None:
    lines = [
        {"artist": "\x1b[31mPilot\x00", "title": "Red\x07Door"},
        {"artist": ["x"], "title": "\ud800\ud800"},
        {"artist": "x", "title": "\ud83dLonely", "duration": "NaN"},
        {"artist": "x", "title": {"y": 1}},
        {"artist": 5, "title": 1e308, "duration": -1},
    ]
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, lines)))
    with SongIndex(tmp_path / "songs.sqlite") as index:
        assert index.add(tmp_path / "list.jsonl") == 3
        (door,) = index.search("Red Door")
        assert door.artist == "[31mPilot"
        assert index.search("lonely")[0].duration == 0


def test_a_file_that_is_no_index_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(UserError, match="cannot be used as a song index"):
        SongIndex(tmp_path / "x.sqlite")
    with pytest.raises(UserError, match="cannot be used as a song index"):
        SongIndex(tmp_path)
