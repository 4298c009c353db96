"""JSON lines: pandas and datasets read them, the files beside them are what they say, and what is wrong is found."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from os import truncate
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet import render
from motet.errors import UserError
from motet.export import jsonl
from motet.export.example import VOICES, Choice
from motet.export.told import told
from toys.examples import example, examples
from toys.stops import Stop, counted, killed, tree

ALL = Choice(voices=frozenset(VOICES), captions="all")
SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    jsonl.write(examples(10, video=True), folder, ALL)
    return folder


@pytest.fixture
def folder(export: Path, tmp_path: Path) -> Path:
    return copytree(export, tmp_path / "export")


def rows(folder: Path, split: str = "train") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{split}.jsonl").read_text("ascii").splitlines()]


def test_a_line_tells_all_that_is_known_of_an_example(export: Path) -> None:
    for split in SPLITS:
        originals = [one for one in examples(10, video=True)() if one.split == split]
        for row, one in zip(rows(export, split), originals, strict=True):
            assert (row["id"], row["song"], row["source"], row["split"]) == (one.id, one.song, one.path, one.split)
            assert (row["title"], row["artist"]) == (one.title or None, one.artist or None)
            assert row["captions"] == list(one.captions)
            assert {name: row[name] for name in one.facts} == dict(one.facts)
            assert [licence["licence"] for licence in row["licences"]] == [licence.licence for licence in one.licences]
            assert one.mix
            assert np.array_equal(render.decode(export / row["audio"])[0], one.mix.samples())
            assert row["seconds"] == one.mix.seconds
            files = [(row, what) for what in ("audio", "midi", "video")]
            files += [(stem, what) for stem in row["stems"] for what in ("audio", "midi")]
            for of, what in files:
                data = (export / of[what]).read_bytes()
                assert (of[f"{what}_bytes"], of[f"{what}_sha256"]) == (len(data), sha256(data).hexdigest())


@pytest.mark.parametrize("gz", ["no", "yes"])
def test_pandas_and_datasets_read_it(tmp_path: Path, gz: str) -> None:
    import datasets
    import pandas

    jsonl.write(examples(10), tmp_path, replace(ALL, options={"gz": gz}))
    files = {split: str(tmp_path / f"{split}.jsonl{'.gz' if gz == 'yes' else ''}") for split in SPLITS}
    read = pandas.read_json(files["train"], lines=True)
    assert list(read["id"]) == [one.id for one in examples(10)() if one.split == "train"]
    assert list(read["tempo"]) == [one.facts["tempo"] for one in examples(10)() if one.split == "train"]
    features = datasets.Features.from_dict(json.loads((tmp_path / "features.json").read_bytes()))
    loaded = datasets.load_dataset("json", data_files=files, features=features, cache_dir=str(tmp_path / "cache"))
    assert {split: one.num_rows for split, one in loaded.items()} == {"train": 6, "validation": 2, "test": 2}
    originals = list(examples(10)())
    assert loaded["train"][0]["captions"] == list(originals[0].captions)
    assert loaded["train"][1]["stems"][0]["name"] == originals[1].stems[0].name
    assert (loaded["train"][0]["key"], loaded["train"][1]["key"]) == (None, "E flat major")


def test_the_features_name_every_column_in_its_type(export: Path) -> None:
    features = json.loads((export / "features.json").read_bytes())
    for row in rows(export):
        assert features.keys() == row.keys()
        assert features["stems"]["feature"].keys() == row["stems"][0].keys()


def test_columns_known_in_one_list_alone_are_told(tmp_path: Path) -> None:
    some = [replace(example(0, "train"), facts={}), example(1, "test")]
    said = jsonl.write(lambda: some, tmp_path, Choice()).remarks
    assert any("tempo" in remark and "features.json" in remark for remark in said)


def test_without_voices_that_are_files_there_are_lists_only(tmp_path: Path) -> None:
    written = jsonl.write(examples(5), tmp_path, Choice(voices=frozenset(("captions",))))
    assert written.files == sorted(["features.json", *(f"{split}.jsonl" for split in SPLITS)])
    assert not {"audio", "midi", "video", "stems"} & rows(tmp_path)[0].keys()
    assert not jsonl.check(tmp_path)


def test_what_an_example_lacks_is_null(tmp_path: Path) -> None:
    some = [replace(example(0, "train"), mix=None, midi=None), example(1, "train")]
    written = jsonl.write(lambda: some, tmp_path, Choice())
    row = rows(tmp_path)[0]
    assert (row["audio"], row["audio_bytes"], row["midi"]) == (None, None, None)
    assert row["seconds"] == 2.0
    assert {"1 example without a mix.", "1 example without MIDI."} <= set(written.remarks)
    assert not jsonl.check(tmp_path)


def test_without_an_example_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no example to export"):
        jsonl.write(list, tmp_path, Choice())
    assert not tree(tmp_path)


@pytest.mark.parametrize("options", [{"gz": "maybe"}, {"zip": "yes"}])
def test_unknown_options_are_told(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(UserError, match="option"):
        jsonl.write(examples(1), tmp_path, Choice(options=options))


@settings(max_examples=40)
@given(st.text(st.characters(), max_size=100), st.floats(), st.lists(st.text(st.characters(), max_size=5), max_size=3))
def test_any_text_and_number_is_one_line_of_json(text: str, value: float, texts: list[str]) -> None:
    one = replace(example(0, "train"), title=text, captions=(text,), facts={"tempo": value, "genres": texts}, start=value)
    line = json.dumps(told(one, Choice(), [], lambda _: ""), allow_nan=False)
    assert len(line.splitlines()) == 1
    line.encode("ascii")
    back = json.loads(line)
    back["captions"][0].encode()
    assert len(back["captions"][0]) == len(text)
    assert len(back["genres"]) == len(texts)


@pytest.mark.parametrize("gz", ["no", "yes"])
def test_equal_examples_give_equal_bytes(tmp_path: Path, gz: str) -> None:
    for name in ("a", "b"):
        jsonl.write(examples(5), tmp_path / name, replace(ALL, options={"gz": gz}))
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


# --- stopped and gone on with ---


@pytest.mark.parametrize("at", [0, 4, 9])
def test_an_export_that_was_stopped_goes_on_where_it_was(
    export: Path, at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl, "PIECE", 3)
    some, _ = counted(examples(10, video=True), at)
    with pytest.raises(Stop):
        jsonl.write(some, tmp_path, ALL)
    assert not [name for name in tree(tmp_path) if not name.startswith(".motet-part")]
    some, read = counted(examples(10, video=True))
    written = jsonl.write(some, tmp_path, ALL)
    assert tree(tmp_path) == tree(export)
    assert len(read) == 10 - at // 3 * 3 if at < 9 else len(read) <= 4
    (tmp_path / "motet-export.json").write_text(json.dumps({"pieces": written.pieces}))
    read.clear()
    assert jsonl.write(some, tmp_path, ALL).files == written.files
    assert not read


def test_an_export_that_was_killed_goes_on(tmp_path: Path) -> None:
    jsonl.write(examples(15), tmp_path / "whole", Choice())
    killed("jsonl", tmp_path / "killed", at=10, count=15, before="form.PIECE = 3")
    jsonl.write(examples(15), tmp_path / "killed", Choice())
    assert tree(tmp_path / "killed") == tree(tmp_path / "whole")


# --- the checker ---


def changed(change: Callable[[list[dict[str, Any]]], Any]) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        every = rows(folder)
        change(every)
        (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in every))

    return harm


def fact(**facts: Any) -> Callable[[Path], None]:
    return changed(lambda every: every[0].update(facts))


def first(folder: Path, what: str) -> Path:
    return folder / rows(folder)[0][what]


HARMS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "no list": ("no_list", lambda folder: [path.unlink() for path in folder.glob("*.jsonl")]),
    "a list twice": ("two_lists", lambda folder: (folder / "train.jsonl.gz").write_bytes(gzip.compress(b"{}\n"))),
    "a damaged gzip": ("damaged", lambda folder: (folder / "train.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * 99)[:-9])),
    "an empty list": ("empty", lambda folder: (folder / "train.jsonl").write_bytes(b"")),
    "a cut list": ("cut_off", lambda folder: truncate(folder / "train.jsonl", 5000)),
    "no JSON": ("bad_line", lambda folder: (folder / "train.jsonl").write_bytes(b"\xff\n")),
    "NaN": ("bad_line", fact(tempo=float("nan"))),
    "no object": ("bad_line", lambda folder: (folder / "train.jsonl").write_bytes(b"[]\n")),
    "a column gone": ("no_column", changed(lambda every: every[0].pop("tempo"))),
    "other columns": ("uneven", changed(lambda every: every[1].update(more=3))),
    "another type": ("bad_column", fact(notes="many")),
    "no song": ("bad_column", fact(song=None)),
    "a leak": ("leak", fact(song="4fc1b125b5cafd03")),
    "another split": ("wrong_split", fact(split="test")),
    "an example twice": ("twice", changed(lambda every: every.append(every[0]))),
    "a path out of the folder": ("bad_path", fact(audio="../../etc/passwd")),
    "an absolute path": ("bad_path", fact(audio="/dev/zero")),
    "a path that is none": ("bad_path", fact(midi="midi/\0")),
    "no file": ("missing_file", lambda folder: first(folder, "audio").unlink()),
    "a folder for a file": ("missing_file", lambda folder: [first(folder, "midi").unlink(), first(folder, "midi").mkdir()]),
    "a file too many": ("extra_file", lambda folder: (folder / "audio/train/more.flac").write_bytes(b"")),
    "a cut sound": ("wrong_bytes", lambda folder: truncate(first(folder, "audio"), 3000)),
    "no film": ("damaged", lambda folder: first(folder, "video").write_bytes(bytes(first(folder, "video").stat().st_size))),
    "no MIDI": ("damaged", lambda folder: first(folder, "midi").write_bytes(bytes(first(folder, "midi").stat().st_size))),
    "another length": ("wrong_length", fact(audio_frames=9)),
    "another hash": ("wrong_bytes", fact(video_sha256="0" * 64)),
}


def test_a_whole_export_has_no_fault(export: Path) -> None:
    assert not jsonl.check(export)


@pytest.mark.parametrize("harm", HARMS)
def test_what_is_wrong_is_found(folder: Path, harm: str) -> None:
    rule, do = HARMS[harm]
    do(folder)
    assert rule in {fault.rule for fault in jsonl.check(folder)}
