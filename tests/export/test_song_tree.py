"""Whole songs as folders by artist and title."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.errors import UserError
from motet.export import song_tree
from motet.export.example import Choice, Example, Examples, Fault
from motet.export.song_json import song_json
from toys.examples import example, examples

ALL = Choice(voices=frozenset({"mix", "stems", "midi", "captions"}))
NOTES = Choice(voices=frozenset({"midi", "captions"}))


def songs(count: int = 5, **how: bool) -> Examples:
    return examples(count, whole=True, **how)


def named(*names: tuple[str, str, str]) -> Examples:
    """Songs by artist, title and path."""
    toys = [example(0, "train", whole=True) for _ in names]
    made = [
        replace(toy, id=f"song{number:05d}", song=f"song{number}", artist=artist, title=title, path=path)
        for number, (toy, (artist, title, path)) in enumerate(zip(toys, names, strict=True))
    ]
    return lambda: iter(made)


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def rules(faults: Iterable[Fault]) -> set[str]:
    return {fault.rule for fault in faults}


def index(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "index.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_song_is_a_folder_with_a_file_for_each_instrument(tmp_path: Path) -> None:
    written = song_tree.write(songs(), tmp_path, ALL)
    assert written.files == sorted(held(tmp_path))
    assert written.remarks == []
    assert song_tree.check(tmp_path) == []
    for one, line in zip(songs()(), index(tmp_path), strict=True):
        place = tmp_path / line["folder"]
        assert (line["title"], line["artist"], line["split"]) == (one.title or None, one.artist or None, one.split)
        assert json.loads((place / "song.json").read_text(encoding="utf-8")) == one.record
        for stem in one.stems:
            assert stem.midi
            assert stem.sound
            midi, sound = place / f"0{stem.index} {stem.name}.mid", place / "stems" / f"0{stem.index} {stem.name}.flac"
            assert midi.read_bytes() == stem.midi()
            assert [track.program for track in symusic.Score(midi).tracks if track.notes] == [stem.program]
            assert soundfile.info(sound).frames == stem.sound.frames
        assert soundfile.info(place / "mix.flac").duration == one.seconds


def test_the_record_is_the_one_of_the_song_json(tmp_path: Path) -> None:
    record = song_json({"title": "Für \ud800 Élise", "artist": "Ada"}, [], {}, [])
    song_tree.write(lambda: (replace(one, record=record) for one in songs(1)()), tmp_path, NOTES)
    told = json.loads((tmp_path / index(tmp_path)[0]["folder"] / "song.json").read_text(encoding="utf-8"))
    assert list(told)[:5] == ["Song", "Artist", "Tags", "duration_ms", "acousticness"]
    assert told["Song"] == "Für ? Élise"


def test_only_what_was_chosen_is_written_and_no_folder_is_empty(tmp_path: Path) -> None:
    song_tree.write(songs(), tmp_path, NOTES)
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".mid", ".json", ".jsonl"}
    assert not [path for path in tmp_path.rglob("*") if path.is_dir() and not any(path.iterdir())]
    song_tree.write(songs(3), tmp_path / "opus", Choice(voices=frozenset({"mix"}), audio="opus", channels=1))
    assert {soundfile.info(path).channels for path in (tmp_path / "opus").rglob("mix.opus")} == {1}
    assert song_tree.check(tmp_path / "opus") == []


def test_a_song_without_stems_is_taken_apart(tmp_path: Path) -> None:
    song_tree.write(lambda: (replace(one, stems=()) for one in songs(1)()), tmp_path, NOTES)
    names = sorted(path.name for path in (tmp_path / index(tmp_path)[0]["folder"]).glob("*.mid"))
    assert names == ["00 grand piano.mid", "01 fingered bass.mid", "02 standard kit.mid"]
    assert song_tree.check(tmp_path) == []


def test_what_songs_lack_is_counted(tmp_path: Path) -> None:
    def some() -> Iterable[Example]:
        first, second, *others = songs()()
        return iter([replace(first, mix=None, stems=(), midi=None, record={}), replace(second, mix=None), *others])

    written = song_tree.write(some, tmp_path, Choice())
    assert written.remarks == ["1 song without a mix.", "1 song without anything of what was chosen: left out."]
    assert len(index(tmp_path)) == 4
    assert song_tree.check(tmp_path) == []
    with pytest.raises(UserError, match="No song has anything of what was chosen"):
        song_tree.write(
            lambda: (replace(one, record={}) for one in songs()()), tmp_path / "none", Choice(voices=frozenset({"video"}))
        )


def test_names_are_those_a_person_looks_for(tmp_path: Path) -> None:
    song_tree.write(
        named(
            ("ABBA", "Waterloo", "x.mid"),
            ("abba", "waterloo", "x.mid"),
            ("", "Danny Boy", "x.mid"),
            ("Unknown artist", "", "tunes/deep/TUNE_7.MID"),
            ("Beyoncé", "a/b: c?", "x.mid"),
            ("Beyonce\u0301", "a/b: c?", "x.mid"),
            ("CON", "..", "nul.mid"),
            ("...", "", ""),
        ),
        tmp_path,
        NOTES,
    )
    assert [line["folder"] for line in index(tmp_path)] == [
        "ABBA/Waterloo",
        "ABBA/waterloo (2)",
        "Unknown Artist/Danny Boy",
        "Unknown Artist/TUNE_7",
        "Beyoncé/a_b_ c_",
        "Beyoncé/a_b_ c_ (2)",
        "_CON/_nul",
        "Unknown Artist/Untitled",
    ]
    assert song_tree.check(tmp_path) == []


texts = st.text(st.characters(codec=None), max_size=12) | st.sampled_from(
    ["Waterloo", "WATERLOO", "index.jsonl", "a" * 400, "..", "ſ", "S"]
)


@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=8))
@settings(max_examples=8, deadline=None)
def test_no_two_songs_share_a_folder_on_any_disk(
    tmp_path_factory: pytest.TempPathFactory, names: list[tuple[str, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("names")
    silent = [replace(one, stems=(), midi=None, mix=None) for one in named(*names)()]
    song_tree.write(lambda: iter(silent), folder, NOTES)
    places = [line["folder"] for line in index(folder)]
    assert len({unicodedata.normalize("NFKD", place).casefold() for place in places}) == len(names)
    assert song_tree.check(folder) == []


def test_a_stopped_export_goes_on_and_equal_songs_give_equal_bytes(tmp_path: Path) -> None:
    song_tree.write(songs(), tmp_path / "undisturbed", ALL)
    asked: list[str] = []

    def watched(stop: bool) -> Examples:
        def of(one: Example) -> tuple[Any, ...]:
            def give() -> bytes:
                if stop and one.split == "test":
                    raise KeyboardInterrupt
                asked.append(one.split)
                return one.stems[0].midi() if one.stems[0].midi else b""

            return (replace(one.stems[0], midi=give), *one.stems[1:])

        return lambda: (replace(one, stems=of(one)) for one in songs(stored=False)())

    with pytest.raises(KeyboardInterrupt):
        song_tree.write(watched(True), tmp_path / "stopped", ALL)
    asked.clear()
    song_tree.write(watched(False), tmp_path / "stopped", ALL)
    assert set(asked) == {"test"}
    assert held(tmp_path / "stopped") == held(tmp_path / "undisturbed")


Harm = Callable[[Path], object]


@pytest.mark.parametrize(
    ("harm", "rule"),
    [
        (lambda song: (song / "song.json").unlink(), "missing"),
        (lambda song: (song / "song.json").write_bytes(b"[1, 2]"), "damaged"),
        (lambda song: (song / "song.json").write_bytes(b"[" * 100_000), "damaged"),
        (lambda song: next(song.glob("*.mid")).write_bytes(b"RIFF"), "damaged"),
        (lambda song: (song / "mix.flac").write_bytes((song / "mix.flac").read_bytes()[:900]), "damaged"),
        (lambda song: (song / "mix.flac").write_bytes((song / "stems" / "00 grand piano 0.flac").read_bytes()[:9]), "damaged"),
        (lambda song: (song / "cover.png").write_bytes(b""), "extra"),
        (lambda song: (song / "MIX.flac").write_bytes(b""), "case"),
        (lambda song: (song / "later").mkdir(), "empty"),
        (lambda song: (song.parents[1] / "index.jsonl").unlink(), "list"),
    ],
)
def test_what_is_wrong_in_a_tree_is_found(harm: Harm, rule: str, tmp_path: Path) -> None:
    song_tree.write(songs(), tmp_path, ALL)
    harm(tmp_path / index(tmp_path)[0]["folder"])
    assert rule in rules(song_tree.check(tmp_path))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"folder": "../elsewhere"}, "name"),
        ({"folder": 5}, "name"),
        ({"files": []}, "list"),
        ({"files": [{"name": "../../x.mid", "kind": "midi"}]}, "name"),
        ({"files": ["song.json"]}, "name"),
        ({"split": "dev"}, "split"),
        ({"song": "4fc1b125b5cafd04"}, "leak"),
    ],
)
def test_an_index_that_leads_astray_is_found(change: dict[str, Any], rule: str, tmp_path: Path) -> None:
    song_tree.write(songs(), tmp_path, NOTES)
    rows = index(tmp_path)
    rows[0].update(change)
    (tmp_path / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert rule in rules(song_tree.check(tmp_path))
