"""Sources of several kinds in one dataset: which file is what, and who says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from motet import Dataset, UserError
from motet.dataset.folder import read_recipe_file
from motet.recipe import parse
from motet.run.build import build, named
from toys.midi import song

RECIPE = parse({"name": "mixed", "stages": ["collect", "clean"]}, "here")


def write(folder: Path, **files: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name.replace("_", ".")).write_bytes(data)
    return folder


def kinds(dataset: Path) -> dict[str, str]:
    rows = Dataset(dataset).query("SELECT path, kind FROM files").fetchall()
    return {path.rpartition("/")[2]: kind for path, kind in rows}


def reasons(dataset: Path) -> dict[str, str]:
    rows = Dataset(dataset).query("SELECT path, reason FROM work WHERE status = 'dropped'").fetchall()
    return {path.rpartition("/")[2]: reason for path, reason in rows}


def test_a_file_is_what_its_name_says_or_else_its_first_bytes(tmp_path: Path) -> None:
    mixed = write(tmp_path / "mixed", a_mid=song(1), b_mp3=b"ID3", c_mkv=b"", d_csv=b"film,song\n", plain=song(1))
    build(RECIPE, [mixed], tmp_path / "data")
    assert kinds(tmp_path / "data") == {"a.mid": "midi", "b.mp3": "recording", "c.mkv": "film", "plain": "midi"}
    assert reasons(tmp_path / "data") == {"d.csv": "unasked_list"}


def test_a_source_may_be_said_to_hold_one_kind(tmp_path: Path) -> None:
    concerts = write(tmp_path / "concerts", live_mp4=b"....ftyp", song_mid=song(1))
    films = write(tmp_path / "films", film_mp4=b"....ftyp", score_mp3=b"ID3")
    songs = write(tmp_path / "lists", songs_csv=b"film,song\n")
    build(RECIPE, [f"recordings={concerts}", f"films={films}", f"lists={songs}"], tmp_path / "data")
    assert kinds(tmp_path / "data") == {"live.mp4": "recording", "film.mp4": "film", "songs.csv": "list"}
    assert reasons(tmp_path / "data") == {"song.mid": "another_kind", "score.mp3": "another_kind"}
    assert read_recipe_file(tmp_path / "data")["sources"][0] == f"recordings={concerts}"


def test_a_stage_takes_its_own_kind_and_hears_nothing_of_the_others(tmp_path: Path) -> None:
    mixed = write(tmp_path / "mixed", a_mid=song(1), b_mp3=b"ID3", c_mkv=b"")
    run = build(RECIPE, [mixed], tmp_path / "data")
    clean = next(stage for stage in run.stages if stage.name == "clean")
    assert (clean.inputs, clean.rows_out, clean.statuses) == (1, 1, {"ok": 1})


def test_the_same_sources_are_taken_again_by_their_names(tmp_path: Path) -> None:
    midi = write(tmp_path / "midi", a_mid=song(1))
    build(RECIPE, [f"midi={midi}"], tmp_path / "data")
    write(midi, b_mid=song(2))
    again = build(RECIPE, None, tmp_path / "data")
    assert again.snapshot.tables["files"] == 2


def test_a_name_that_a_recipe_does_not_know_is_told_with_those_it_does(tmp_path: Path) -> None:
    midi = write(tmp_path / "midi", a_mid=song(1))
    with pytest.raises(UserError, match=r"mixed knows no sources called movies=…: it takes midi=PATH, recordings=PATH"):
        build(RECIPE, [f"movies={midi}"], tmp_path / "data")
    plain = parse({"name": "plain", "stages": ["scan", "clean"]}, "here")
    with pytest.raises(UserError, match=r"plain knows no sources called midi=…: it takes plain paths"):
        build(plain, [f"midi={midi}"], tmp_path / "other")


def test_a_path_with_an_equals_sign_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "films=old", a_mid=song(1))
    assert named("films=old") == ("", "films=old")
    assert named("films=new") == ("films", "new")
    assert named("a-b=c") == ("", "a-b=c")
    with pytest.raises(UserError, match=r"^new does not exist"):
        build(RECIPE, ["films=new"], tmp_path / "data")
