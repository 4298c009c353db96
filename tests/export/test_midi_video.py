"""Films as a VideoFolder: what is written, what its loader makes of it, and what a stop in the middle leaves."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import UserError
from motet.export import midi_video
from motet.export.midi_video import COLUMNS, FIGURES, LIST, Film
from motet.export.midi_video_card import plain
from motet.export.publishing import PENDING


def a_film(number: int, **changes: Any) -> Film:
    film = Film(
        id=f"song{number}.v000",
        split={1: "validation", 2: "test"}.get(number % 10, "train"),
        video=f"{number}.mp4",
        sound=f"{number}.mp3",
        midi=f"{number}.mid",
        manifest=f"{number}.json",
        song=f"Artist {number}/Song {number}.mid",
        fps="24",
        frames=384,
        width=256,
        height=256,
        seconds=16.0,
        start=32.0,
        end=48.0,
        first_bar=17,
        bars=8,
        events=61,
        notes=180,
        mapping="v2midi",
        theme="harbour",
        mood="calm",
        tempo=120.0,
        metre="4/4",
        renderer="painter",
        key="E flat major",
        sounds=("TimGM6mb.sf2",),
        licences=("GPL-2.0",),
        precision=0.98,
        recall=1.0,
        f1=0.99,
        f1_all=0.8,
        planned=55,
        judged=40,
        error_ms=9.5,
        error_ms_worst=20.8,
        audio_f1=0.9,
        av_align=0.5,
        beat_alignment=0.3,
    )
    return replace(film, **changes)


FILMS = [a_film(number) for number in range(40)]
MAGIC = {"mp4": b"\0\0\0\x20ftypisom", "mp3": b"\xff\xfb\x90\x64", "mid": b"MThd\0\0\0\6", "json": b'{"rendered_frames": []}'}


def read(reference: str) -> bytes:
    """Bytes that begin as such a file does and tell which one it is."""
    return MAGIC[reference.rpartition(".")[2]] + reference.encode()


def written(
    folder: Path, films: Iterable[Film] = FILMS, read: Callable[[str], bytes] = read, **options: Any
) -> tuple[list[str], list[str]]:
    return midi_video.write(films, folder, read=read, **options)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# What is written


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    names, _ = written(folder)
    assert names == sorted(files(folder))
    return folder


def test_every_film_lies_in_one_split_with_its_notes_its_sound_and_its_plan(exported: Path) -> None:
    seen = []
    for split in ("train", "validation", "test"):
        place = exported / "videos" / split
        for one in lines(place / LIST):
            number = one["id"].removeprefix("song").partition(".")[0]
            for column, suffix in (("file_name", "mp4"), ("midi", "mid"), ("sound", "mp3"), ("manifest", "json")):
                assert (place / one[column]).read_bytes() == read(f"{number}.{suffix}")
            seen.append(one["id"])
    assert sorted(seen) == sorted(film.id for film in FILMS)


def test_the_lists_of_all_films_agree(exported: Path) -> None:
    told = lines(exported / LIST)
    with (exported / "metadata.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [one["id"] for one in table] == [one["id"] for one in told] == [film.id for film in FILMS]
    for one, row in zip(told, table, strict=True):
        assert list(one) == list(row) == [*COLUMNS, "split"]
        assert row == {name: "" if value is None else str(value) for name, value in one.items()}
        assert one["file_name"].startswith(f"videos/{one['split']}/")
        assert (exported / one["file_name"]).is_file()


def test_the_card_tells_the_loader_where_films_are_and_a_person_what_they_are(exported: Path) -> None:
    text = (exported / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["license"] == "other"
    assert front["size_categories"] == ["n<1K"]
    (config,) = front["configs"]
    assert {one["split"] for one in config["data_files"]} == {"train", "validation", "test"}
    for one in config["data_files"]:
        assert sum(len(list(exported.glob(pattern))) for pattern in one["path"]) == 1 + len(
            lines(exported / "videos" / one["split"] / LIST)
        )
    assert "40 films of 40 songs, 10 min 40 s in all" in text
    assert "| F1 of planned and found changes | 40 | 0.990 | 0.990 | 0.990 | 0.990 |" in text
    assert "| sound | TimGM6mb.sf2 | GPL-2.0 | 40 |" in text
    assert "| size | 256×256 (40) |" in text
    for column in COLUMNS:
        assert f"| `{column}` |" in text


def test_films_with_faults_are_left_out_and_counted(tmp_path: Path) -> None:
    films = [*FILMS, a_film(90, faults=("frozen",)), a_film(91, faults=("black", "frozen")), a_film(92, faults=("frozen",))]
    names, remarks = written(tmp_path, films)
    assert not [name for name in names if "song9" in name and name.partition("song9")[2][:1] in "012"]
    assert remarks[:2] == ["2 films left out: frozen.", "1 film left out: black."]


def test_nothing_to_export_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no film to export"):
        written(tmp_path / "none", [])
    with pytest.raises(UserError, match=r"no film to export \(frozen 1\)"):
        written(tmp_path / "none", [a_film(1, faults=("frozen",))])
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("suffix, what", [("mp4", "MP4 film"), ("mid", "MIDI file"), ("mp3", "MP3 file"), ("json", "Parseq")])
@pytest.mark.parametrize("data", [b"", b"<html>", bytes(64)])
def test_a_file_that_is_not_what_it_should_be_stops_the_export(tmp_path: Path, suffix: str, what: str, data: bytes) -> None:
    with pytest.raises(UserError, match=rf"7\.{suffix} is no {what}"):
        written(tmp_path, read=lambda reference: data if reference == f"7.{suffix}" else read(reference))
    assert not list(tmp_path.glob("videos")) + list(tmp_path.glob("*.md"))


def test_equal_films_give_equal_bytes(tmp_path: Path, exported: Path) -> None:
    written(tmp_path)
    assert files(tmp_path) == files(exported)


def test_splits_are_those_the_loader_finds_by_itself(tmp_path: Path) -> None:
    written(tmp_path / "halves", [replace(film, split="test") for film in FILMS[:2]] + [replace(FILMS[2], split="train")])
    assert {path.name for path in (tmp_path / "halves" / "videos").iterdir()} == {"train", "test"}
    with pytest.raises(UserError, match="no split 'valid'"):
        written(tmp_path / "other", [replace(FILMS[0], split="valid")])


@given(text=st.text(max_size=60), number=st.one_of(st.none(), st.floats()))
def test_any_text_and_any_number_stand_in_one_line_of_json(text: str, number: float | None) -> None:
    film = a_film(0, title=text, artist=text, prompt=text, model=text, sounds=(text, text), f1=number)
    told = midi_video.record(film, dict.fromkeys(("file_name", "midi", "sound", "manifest"), "x"))
    line = json.dumps(told, allow_nan=False)
    assert line.isascii()
    assert "\n" not in "".join(str(value) for value in told.values())
    assert all(value is not None for name, value in told.items() if name not in FIGURES)


@given(st.text(max_size=80))
def test_a_name_cannot_break_the_card(text: str) -> None:
    shown = plain(text)
    assert "\n" not in shown
    assert all(shown[at - 1] == "\\" for at, letter in enumerate(shown) if letter in "|<[`")


# A stop in the middle


class _Stopped(KeyboardInterrupt):
    pass


def test_an_export_that_was_stopped_shows_nothing_and_goes_on(tmp_path: Path, exported: Path) -> None:
    served: list[str] = []

    def until(limit: int) -> Callable[[str], bytes]:
        def serve(reference: str) -> bytes:
            if len(served) == limit:
                raise _Stopped
            served.append(reference)
            return read(reference)

        return serve

    with pytest.raises(_Stopped):
        written(tmp_path, read=until(50))
    assert [path.name for path in tmp_path.iterdir()] == [PENDING]
    first = {path: path.stat().st_mtime_ns for path in (tmp_path / PENDING).rglob("*.mp4")}
    assert len(first) == 13
    served.clear()
    with pytest.raises(_Stopped):
        written(tmp_path, read=until(100))
    assert {path: path.stat().st_mtime_ns for path in first} == first  # not written again
    written(tmp_path)
    assert files(tmp_path) == files(exported)


def test_what_a_stop_left_is_not_trusted(tmp_path: Path, exported: Path) -> None:
    with pytest.raises(_Stopped):
        written(tmp_path, read=_stopping_at("9.mp4"))
    for path in (tmp_path / PENDING).rglob("*.mp4"):
        path.write_bytes(path.read_bytes()[:-1])
    written(tmp_path)
    assert files(tmp_path) == files(exported)


def _stopping_at(reference: str) -> Callable[[str], bytes]:
    def serve(asked: str) -> bytes:
        if asked == reference:
            raise _Stopped
        return read(asked)

    return serve


def test_exporting_again_writes_only_what_is_new(tmp_path: Path) -> None:
    written(tmp_path, FILMS[:39])
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*.mp4")}
    names, _ = written(tmp_path, FILMS)
    after = {path: path.stat().st_ino for path in tmp_path.rglob("*.mp4") if str(path.relative_to(tmp_path)) in names}
    assert len(after) == 40
    kept = before.keys() & after.keys()
    assert len(kept) > 30  # a new artist may move one between splits
    assert all(before[path] == after[path] for path in kept)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="cannot write to"):
        written(tmp_path / "file" / "folder")


# The loader


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Any]:
    datasets = pytest.importorskip("datasets", reason="datasets reads what is written")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return lambda folder: datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))


def test_datasets_loads_every_film_with_its_columns(load: Callable[[Path], Any], exported: Path) -> None:
    loaded = load(exported)
    assert set(loaded) == {"train", "validation", "test"}
    assert sum(map(len, loaded.values())) == len(FILMS)
    for split, films in loaded.items():
        told = lines(exported / "videos" / split / LIST)
        assert type(films.features["video"]).__name__ == "Video"
        table = films.data.to_pylist()
        assert [{"file_name": Path(one.pop("video")["path"]).name, **one} for one in table] == told


def test_a_figure_that_one_split_knows_nothing_of_stops_no_loader(load: Callable[[Path], Any], tmp_path: Path) -> None:
    written(tmp_path / "plain")
    test = {one["id"] for one in lines(tmp_path / "plain" / LIST) if one["split"] == "test"}
    films = [
        replace(film, av_align=None) if film.id in test else replace(film, f1=None if i % 3 else 1.0)
        for i, film in enumerate(FILMS)
    ]
    _, remarks = written(tmp_path / "export", films)
    assert [remark for remark in remarks if remark.startswith("av_align: known of no film of some split")]
    loaded = load(tmp_path / "export")
    assert {tuple(films.column_names) for films in loaded.values()} == {tuple(loaded["train"].column_names)}
    assert "av_align" not in loaded["train"].column_names
    assert None in loaded["train"]["f1"]
    assert lines(tmp_path / "export" / LIST)[0].keys() >= {"av_align"}
