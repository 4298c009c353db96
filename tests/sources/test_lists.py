"""Lists on disk: Lakh's, the Million Song Dataset, and one's own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import UserError
from motet.sources import Answer, Client, Question, Song, Unanswered, ask, source
from sources.answers import ISRC, MBID

ONE, OTHER, NONE = ("0123456789abcdef" * 2, "f" * 32, "0" * 32)
TRACK = "TRABCDE128F4290000"


@pytest.fixture
def offline(tmp_path: Path) -> Client:
    return Client(tmp_path / "cache", offline=True)


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return str(path)


def test_lakh_tells_by_md5_all_that_a_file_is_called(tmp_path: Path, offline: Client) -> None:
    lines = [
        f"0\tPaper Lanterns, The\tLow Tide\t{ONE}\tPaper Lanterns, The/Low Tide.mid",
        f"1\tThe Paper Lanterns\tLow Tide\t{ONE.upper()}\tx",
        f"2\tThe Paper Lanterns\tLow Tide\t{ONE}\ty",
        "",
        "3\tbroken",
        f"4\tA\t\t{OTHER}\tz",
    ]
    lakh = source("lakh", {"MOTET_LAKH_LIST": written(tmp_path / "list.txt", "\n".join(lines))})
    found = lakh.search(Question(md5=ONE), offline)
    assert [one.song for one in found] == [Song("Paper Lanterns, The", "Low Tide"), Song("The Paper Lanterns", "Low Tide")]
    assert ask(lakh, Question(md5=ONE), offline, lambda song: song.artist.startswith("The")).song == found[1].song
    for unknown in (NONE, OTHER, "", "x", ONE[:-1]):
        assert [one.status for one in lakh.search(Question(md5=unknown), offline)] == ["not_found"]
    assert len(lakh.digest) == 64


def own(path: Path, text: str) -> Callable[..., list[Answer]]:
    opened = source("own", {"MOTET_SONGS": written(path, text)})
    client = Client(path.parent / "cache", offline=True)
    return lambda **known: opened.search(Question(**known), client)


CSV = f"""Title,artist,duration,isrc,musicbrainz_recording,md5,tags,mood,bpm
Low Tide,The Paper Lanterns,201.5,XX-AAA-24-00001,{MBID},{ONE},shoegaze:80; sea: deep:20; slow,"calm, grey",88
Low Tide,Another Band,,,,,,,
"""
JSONL = "\n".join(
    json.dumps(one)
    for one in (
        {
            "title": "Low Tide", "artist": "The Paper Lanterns", "duration": 201.5, "isrc": ISRC, "musicbrainz_recording": MBID,
            "md5": ONE, "tags": ["shoegaze:80", "sea: deep:20", "slow"], "mood": "calm, grey", "bpm": 88,
        },
        {"title": "Low Tide", "artist": "Another Band", "tags": None, "bpm": [[]]},
    )
)  # fmt: skip


TSV = CSV.replace('"calm, grey"', "calm; grey").replace(",", "\t").replace("calm; grey", "calm, grey")


@pytest.mark.parametrize("name,text", [("a.csv", CSV), ("a.tsv", TSV), ("a.jsonl", JSONL)])
def test_ones_own_list(name: str, text: str, tmp_path: Path) -> None:
    search = own(tmp_path / name, "\ufeff" + text)
    (found,) = search(artist="the PAPER lanterns!", title="LowTide")
    assert found.song == Song("The Paper Lanterns", "Low Tide", 201.5)
    assert found.tags == (("shoegaze", 80), ("sea: deep", 20), ("slow", None))
    assert found.facts == {"mood": "calm, grey", "bpm": 88}
    assert found.identifiers == {"isrc": ISRC, "musicbrainz_recording": MBID, "md5": ONE}
    for known in ({"isrc": ISRC}, {"md5": ONE}, {"musicbrainz_recording": MBID}, {"isrc": "nonsense", "md5": ONE}):
        assert search(**known) == [found]
    assert [one.song.artist for one in search(title="low tide")] == ["The Paper Lanterns", "Another Band"]
    assert [one.status for one in search(title="high tide")] == ["not_found"]


BAD = {
    "a.csv": ["name,artist\nx,y", 'title\n"' + "x" * 200_000 + '"', "title\n" + "x" * 2_000_000, ""],
    "a.jsonl": ["[1]", "{", "7", "[" * 100_000],
    "a.xlsx": ["PK"],
}


@pytest.mark.parametrize("name,text", [(name, text) for name, texts in BAD.items() for text in texts], ids=range(9))
def test_a_list_that_cannot_be_read_says_where(name: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.(csv|jsonl|xlsx)"):
        own(tmp_path / name, text)(title="x")


@pytest.mark.parametrize("name,variable", [("own", "MOTET_SONGS"), ("lakh", "MOTET_LAKH_LIST"), ("msd", "MOTET_MSD")])
def test_a_list_that_is_not_there_is_a_users_mistake(name: str, variable: str, tmp_path: Path, offline: Client) -> None:
    with pytest.raises(UserError, match=variable):
        source(name, {})
    with pytest.raises(UserError, match="cannot be read"):
        source(name, {variable: str(tmp_path / "absent.csv")}).search(Question(title="x", md5=ONE), offline)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_a_list_or_a_users_mistake(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name, head in (("a.csv", "title,tags\n"), ("a.jsonl", '{"title": "x"}\n')):
        try:
            own(folder / name, head + text)(title="x")
        except UserError:
            continue


@pytest.fixture
def million(tmp_path: Path) -> Path:
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    path = tmp_path / "lmd_matched_h5" / "A" / "B" / "C" / f"{TRACK}.h5"
    path.parent.mkdir(parents=True)

    def table(file: Any, name: str, **fields: Any) -> None:
        import numpy as np

        kinds = [(field, "S100" if isinstance(value, bytes) else "f8") for field, value in fields.items()]
        file[name] = np.array([tuple(fields.values())], dtype=kinds)

    with h5py.File(path, "w") as file:
        named = {"artist_name": b"The Paper Lanterns", "title": "Marée basse".encode(), "release": b"Harbour", "song_id": b"SO1"}
        table(file, "metadata/songs", **named, artist_mbid=MBID.encode())
        heard = {"duration": 201.5, "tempo": 88.5, "key": 4, "key_confidence": 0.5, "mode": 0, "mode_confidence": 0.4}
        heard |= {"loudness": -9.5, "time_signature": 4, "time_signature_confidence": 1, "energy": 0, "danceability": 0}
        table(file, "analysis/songs", **heard)
        table(file, "musicbrainz/songs", year=0)
        file["metadata/artist_terms"] = [b"shoegaze", b"dream pop"]
        file["metadata/artist_terms_weight"] = [1.0, 0.5]
        file["analysis/sections_start"] = [0.0, 20.5]
    (tmp_path / "match_scores.json").write_text(
        json.dumps({TRACK: {ONE: 0.8}, "TRXXXXX128F4290000": {ONE: 0.9}, "../..": {ONE: 1}})
    )
    return tmp_path


def test_the_million_song_dataset(million: Path, offline: Client) -> None:
    msd = source("msd", {"MOTET_MSD": str(million)})
    (found,) = msd.search(Question(md5=ONE), offline)
    assert found.song == Song("The Paper Lanterns", "Marée basse", 201.5)
    assert found.tags == (("shoegaze", 100), ("dream pop", 50))
    expected = {"tempo": 88.5, "key": 4, "mode": 0, "loudness": -9.5, "match_score": 0.8, "sections_start": [0.0, 20.5]}
    assert {name: found.facts[name] for name in expected} == expected
    assert not {"energy", "danceability", "year"} & found.facts.keys()  # zero in every file, and unknown
    assert found.identifiers == {"artist_musicbrainz": MBID, "msd_song": "SO1", "msd_track": TRACK}
    assert [one.status for one in msd.search(Question(md5=NONE), offline)] == ["not_found"]


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x89HDF\r\n\x1a\n" + bytes(200), None], ids=["empty", "page", "cut", "bare"])
def test_a_broken_file_of_it_leaves_its_song_unanswered(data: bytes | None, million: Path, offline: Client) -> None:
    (path,) = million.rglob("*.h5")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if data is None else data)
    with pytest.raises(Unanswered, match=TRACK):
        source("msd", {"MOTET_MSD": str(million)}).search(Question(md5=ONE), offline)


@pytest.mark.shared
def test_every_line_of_the_real_list_is_known(shared: Path, offline: Client) -> None:
    path = shared / "lists" / "clean_midi.txt"
    lakh = source("lakh", {"MOTET_LAKH_LIST": os.fspath(path)})
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    told = [any(one.song.title == " ".join(row[2].split()) for one in lakh.search(Question(md5=row[3]), offline)) for row in rows]
    assert len(told) > 5000
    assert all(told)
