"""A song as JSON: the fields of the format, where each comes from, and file names that every disk takes."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import UserError
from motet.export.song_json import SECTION, song_json, write
from motet.midi import Passage, as_services_did, describe, describe_sections, read
from motet.sources.merging import MOTET, Fact, record, settle
from motet.sources.tags import normalise
from toys import midi

NOON = "2026-01-01T12:00:00Z"
FIELDS = ["Song", "Artist", "Tags", "duration_ms", "acousticness", "energy", "key", "mode", "tempo", "sections"]
A_SECTION: dict[str, Any] = dict.fromkeys(SECTION, 1)


def facts(**values: object) -> dict[str, dict[str, Any]]:
    told = [Fact(field, value, MOTET, NOON, 0.9) for field, value in values.items()]  # type: ignore[arg-type]
    return {field: record(settled) for field, settled in settle(told).items()}


def named(title: str | None, artist: str | None) -> dict[str, Any]:
    return song_json({"title": title, "artist": artist}, [], {}, [])


def test_fields_types_and_order_are_those_of_the_format() -> None:
    tags = [asdict(tag) for tag in normalise([("Sunshine Pop", 80, "lastfm"), ("1960s", 60, "lastfm")])]
    heard = facts(duration=185.733, acousticness=0, energy=1, key="A", mode="major", tempo=129.17651)
    song = song_json({"title": "Low Tide", "artist": "The Paper Lanterns"}, tags, heard, [A_SECTION])
    assert list(song) == [*FIELDS, "provenance"]
    assert {field: song[field] for field in FIELDS[:-1]} == {
        "Song": "Low Tide",
        "Artist": "The Paper Lanterns",
        "Tags": ["sunshine pop", "60s"],
        "duration_ms": 185733,
        "acousticness": 0.0,
        "energy": 1.0,
        "key": "A",
        "mode": "Major",
        "tempo": 129.177,
    }
    types = [type(song[field]) for field in ("duration_ms", "acousticness", "energy", "tempo")]
    assert types == [int, float, float, float]
    (section,) = song["sections"]
    assert list(section) == list(SECTION)
    assert {field for field, value in section.items() if type(value) is int} == {"key", "mode", "time_signature"}


def test_what_is_unknown_is_null() -> None:
    song = song_json({"title": "Low Tide", "artist": ""}, [], facts(key=-1, mode=1, tempo=float("nan")), [])
    assert [song[field] for field in FIELDS] == ["Low Tide", None, [], None, None, None, None, None, None, []]


def test_the_provenance_tells_who_said_it_and_who_said_otherwise() -> None:
    told = [
        Fact("tempo", 120.0, MOTET, NOON, 0.9),
        Fact("tempo", 60.0, "deezer", NOON, 0.7),
        Fact("album", "Tides", "deezer", NOON, 0.7),
    ]
    heard = {field: record(settled) for field, settled in settle(told).items()}
    sure = {"title": "Low Tide", "artist": "The Paper Lanterns", "confidence": 0.98}
    provenance = song_json(sure, [], heard, [])["provenance"]
    assert list(provenance) == ["identity", "Tags", "tempo", "sections"]
    assert provenance["identity"] == sure
    assert provenance["sections"] == {"source": MOTET}
    assert (provenance["tempo"]["source"], provenance["tempo"]["time"], provenance["tempo"]["confidence"]) == (MOTET, NOON, 0.9)
    assert provenance["tempo"]["conflicts"] == [
        {"value": 60.0, "source": "deezer", "time": NOON, "confidence": 0.7, "octave_apart": True}
    ]


def test_sections_of_a_real_midi_file_are_taken_as_they_are() -> None:
    passage = Passage.whole(read(midi.song(1, bars=16)))
    told = [as_services_did(facts) for facts in describe_sections(passage, describe(passage))]
    assert told
    assert song_json({}, [], {}, told)["sections"] == told


def test_a_section_that_lacks_a_field_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="lacks time_signature"):
        song_json({}, [], {}, [{field: 1 for field in SECTION if not field.startswith("time_signature")}])


def test_each_song_is_a_file_and_no_disk_confuses_two(tmp_path: Path) -> None:
    names = [("Tide", "Lanterns"), ("TIDE", "lanterns"), ("Tide (2)", "Lanterns"), ("Tidé", "L"), ("Tide\u0301", "L")]
    songs = [named(*pair) for pair in names]
    assert len(write(songs, tmp_path / "new")) == 5
    files = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert "Lanterns - Tide.json" in files
    assert "lanterns - TIDE (2).json" in files
    assert len({unicodedata.normalize("NFC", name).casefold() for name in files}) == 5
    told = [json.loads((tmp_path / "new" / name).read_text("utf-8"))["Song"] for name in files]
    assert sorted(told) == sorted(title for title, _ in names)


@pytest.mark.parametrize(
    ("title", "artist", "file"),
    [
        ("../../etc/passwd", None, "_.._etc_passwd"),
        ("T.N.T.", "AC/DC", "AC_DC - T.N.T"),
        ("con", None, "_con"),
        (None, None, "unidentified"),
        ("\x00\ud800\u202e", None, "unidentified"),
        ("日" * 500, None, "日" * 40),
    ],
)
def test_hostile_names(tmp_path: Path, title: str | None, artist: str | None, file: str) -> None:
    write([named(title, artist)], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"{file}.json"]


@given(st.lists(st.tuples(st.none() | st.text(), st.none() | st.text()), max_size=5))
def test_any_names_are_written_and_stay_in_the_folder(
    tmp_path_factory: pytest.TempPathFactory, names: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("songs")
    assert len(write([named(*pair) for pair in names], folder)) == len(names)
    files = list(folder.iterdir())
    assert len(files) == len(names)
    for file in files:
        json.loads(file.read_bytes())


def test_a_song_that_fails_leaves_the_old_file_whole(tmp_path: Path) -> None:
    write([named("Tide", None)], tmp_path)
    before = (tmp_path / "Tide.json").read_bytes()
    broken = {**named("Tide", None), "tempo": float("nan")}
    with pytest.raises(ValueError, match="JSON"):
        write([broken], tmp_path)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


def test_a_folder_that_cannot_be_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write to .*file"):
        write([], tmp_path / "file")


def test_what_reading_songs_raises_is_not_blamed_on_the_folder(tmp_path: Path) -> None:
    def songs() -> Iterator[dict[str, Any]]:
        yield named("Tide", None)
        os.stat(tmp_path / "gone")

    with pytest.raises(FileNotFoundError):
        write(songs(), tmp_path)
    assert (tmp_path / "Tide.json").exists()
