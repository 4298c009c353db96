"""From a dataset to every form, read back by the libraries that will read it: counts, lengths, words and bytes agree."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from motet import Dataset, UserError
from motet.cli import main
from motet.clips import clip_audio, clip_midi
from motet.export.example import Choice
from motet.exporting import FORMS, check, export
from motet.exporting.carding import proof_of
from motet.exporting.media import sound
from motet.exporting.reading import Reading, Wanted
from motet.recipe import load
from motet.run.build import build
from motet.run.engine import LocalEngine
from motet.training import Training
from toys.midi import song

SHORT = ["render_stems.rate=16000", "segment.target=6", "segment.shortest=3"]
SPLITS = ["assign_splits.train=0.5", "assign_splits.validation=0.25", "assign_splits.test=0.25"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Four songs of 12 s, of which two are under licences that allow all."""
    folder = tmp_path_factory.mktemp("exporting")
    for number in range(4):
        (folder / "songs" / f"Artist {number}").mkdir(parents=True)
        (folder / "songs" / f"Artist {number}" / f"Song {number}.mid").write_bytes(song(3 * number, bars=6 + number))
    (folder / "songs" / "licences.yaml").write_bytes(b'"Artist [01]/*": CC0-1.0\n"Artist 2/*": CC-BY-NC-4.0\n')
    with LocalEngine(workers=2) as engine:
        build(load("text-to-music").changed([*SHORT, *SPLITS]), [folder / "songs"], folder / "data", engine=engine)
    return Dataset(folder / "data")


def rows(dataset: Dataset, sql: str) -> list[tuple[Any, ...]]:
    return dataset.query(sql).fetchall()


@pytest.mark.parametrize("kind", sorted(FORMS))
def test_every_form_is_as_its_reader_wants_it(dataset: Dataset, kind: str, tmp_path: Path) -> None:
    if kind == "tokens":
        pytest.importorskip("miditok")
    done = export(dataset, kind, tmp_path / "out")
    assert not [fault for fault in check(tmp_path / "out") if fault.fatal]
    assert {"README.md", "LICENSE.md", "card/recipe.yaml", "card/sources.tsv"} <= set(done.files)
    there = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert there == {*done.files, "motet-export.json"}
    again = export(dataset, kind, tmp_path / "out")
    assert again.files == done.files


def test_json_lines_tell_what_the_tables_tell(dataset: Dataset, tmp_path: Path) -> None:
    export(dataset, "jsonl", tmp_path / "out", choice=Choice(frozenset(("mix", "midi", "captions")), captions="all"))
    told = {
        line["id"]: line
        for split in ("train", "validation", "test")
        for line in map(json.loads, (tmp_path / "out" / f"{split}.jsonl").read_bytes().splitlines())
    }
    known = "clips c JOIN splits s USING (source) JOIN captions t ON t.id = c.id"
    wanted = rows(dataset, f"SELECT c.id, s.split, c.tempo, t.texts FROM {known}")
    assert {(one, told[one]["split"], told[one]["tempo"]) for one in told} == {row[:3] for row in wanted}
    for one, _, _, texts in wanted:
        assert told[one]["captions"] == texts
        heard, rate = clip_audio(dataset, one)
        stored, stored_rate = soundfile.read(tmp_path / "out" / told[one]["audio"], dtype="float32", always_2d=True)
        assert stored_rate == rate
        np.testing.assert_allclose(stored, heard, atol=1 / 30000)
        data = (tmp_path / "out" / told[one]["midi"]).read_bytes()
        assert data == clip_midi(dataset, one)
        assert told[one]["midi_sha256"] == hashlib.sha256(data).hexdigest()


def test_stems_of_a_clip_sum_to_its_mix(dataset: Dataset) -> None:
    for example in Reading(dataset, Wanted(where="index = 0"))():
        assert example.mix is not None
        together = np.sum([stem.sound.samples() for stem in example.stems if stem.sound], axis=0)
        assert np.abs(together - example.mix.samples()).max() < 2e-3


def test_a_stem_that_has_ended_is_silent(dataset: Dataset) -> None:
    ((reference, rate, channels, frames),) = rows(dataset, "SELECT audio, rate, channels, frames FROM stems LIMIT 1")
    after = sound(dataset, reference, rate, channels, frames, (frames + 100, frames + 300))
    assert after.samples().shape == (200, channels)
    assert not after.samples().any()


def test_hugging_face_loads_what_was_exported(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    export(dataset, "huggingface", tmp_path / "out")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    counts = dict(rows(dataset, "SELECT split, count(*)::INT FROM clips JOIN splits USING (source) GROUP BY split"))
    assert {name: len(part) for name, part in loaded.items()} == counts
    one = loaded["train"].cast_column("audio", datasets.Audio(decode=False))[0]
    assert one["audio"]["bytes"].startswith(b"fLaC")


def test_a_tar_holds_each_example_together(dataset: Dataset, tmp_path: Path) -> None:
    export(dataset, "webdataset", tmp_path / "out", choice=Choice(frozenset(("mix", "stems", "captions"))))
    with tarfile.open(tmp_path / "out" / "train-000000.tar") as tar:
        keys = [name.partition(".")[0] for name in tar.getnames()]
    assert len([key for at, key in enumerate(keys) if at == 0 or keys[at - 1] != key]) == len(set(keys))


def test_only_what_every_part_allows(dataset: Dataset, tmp_path: Path) -> None:
    """Two songs are free, one is not for money, and of one nobody knows; the font allows it."""
    kept = [example.path for example in Reading(dataset, Wanted(use="commercial"))()]
    assert {path.split("/")[1] for path in kept} == {"Artist 0", "Artist 1"}
    assert main(["export", str(dataset.folder), "--as", "midi", "--to", str(tmp_path / "out"), "--licence", "commercial"]) == 0
    assert len((tmp_path / "out" / "metadata.jsonl").read_bytes().splitlines()) == 2


def test_of_notes_alone_the_font_does_not_count(dataset: Dataset) -> None:
    for example in Reading(dataset, Wanted(voices=frozenset({"midi"}), songs=True))():
        assert {one.what for one in example.licences} == {"source"}


def test_conditions_choose_examples_and_nothing_else(dataset: Dataset, tmp_path: Path) -> None:
    fast = rows(dataset, "SELECT count(*) FROM clips WHERE tempo > 120")[0][0]
    assert sum(1 for _ in Reading(dataset, Wanted("tempo > 120"))()) == fast
    with pytest.raises(UserError, match="cannot be run"):
        export(dataset, "midi", tmp_path / "out", "no such column = 1")
    with pytest.raises(UserError):
        export(dataset, "midi", tmp_path / "other", "true) ; DROP TABLE clips; --")


def test_a_killed_export_is_taken_up(dataset: Dataset, tmp_path: Path) -> None:
    """What a kill between two renames leaves is the export's own, and the same command makes it whole."""
    done = export(dataset, "jsonl", tmp_path / "whole")
    export(dataset, "jsonl", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "motet-export.json").read_bytes())
    (tmp_path / "out" / "motet-export.json").write_text(json.dumps({**told, "files": [], "pieces": [], "unfinished": True}))
    (tmp_path / "out" / "train.jsonl").unlink()
    (tmp_path / "out" / "audio" / "half.flac").write_bytes(b"fLaC")
    with pytest.raises(UserError, match="was stopped"):
        check(tmp_path / "out")
    assert export(dataset, "jsonl", tmp_path / "out").files == done.files
    for name in done.files:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not (tmp_path / "out" / "audio" / "half.flac").exists()


def test_a_damaged_file_is_found_and_written_anew(dataset: Dataset, tmp_path: Path) -> None:
    done = export(dataset, "midi", tmp_path / "out")
    name = next(name for name in done.files if name.endswith(".mid"))
    whole = (tmp_path / "out" / name).read_bytes()
    (tmp_path / "out" / name).write_bytes(whole[:-5] + b"\x01" + whole[-4:])
    assert [fault.where for fault in check(tmp_path / "out") if fault.rule == "other_bytes"] == [name]
    export(dataset, "midi", tmp_path / "out")
    assert (tmp_path / "out" / name).read_bytes() == whole
    assert not [fault for fault in check(tmp_path / "out") if fault.fatal]


def test_two_exports_into_one_folder_are_kept_apart(dataset: Dataset, tmp_path: Path) -> None:
    export(dataset, "midi", tmp_path / "out")
    held = os.open(tmp_path / "out", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(UserError, match="Another export is writing"):
        export(dataset, "midi", tmp_path / "out")
    os.close(held)


def test_files_of_others_are_left_alone(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other files"):
        export(dataset, "midi", tmp_path / "theirs")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path / "theirs")
    (tmp_path / "out" / "motet-export.json").write_text('{"as": "midi", "files": ["link/thesis.txt", "../theirs/thesis.txt"]}')
    with pytest.raises(UserError, match="a link to a folder"):
        export(dataset, "midi", tmp_path / "out")
    (tmp_path / "out" / "link").unlink()
    export(dataset, "midi", tmp_path / "out")
    assert (tmp_path / "theirs" / "thesis.txt").read_text() == "mine"
    with pytest.raises(UserError, match="is in a dataset"):
        export(dataset, "midi", dataset.folder / "media" / "out")


@pytest.mark.parametrize(
    "pieces", ["[5]", '[{"a": 1}]', "[[]]", '[{"key": {}}]', '[{"key": "a", "files": {"../x": 1}, "note": {}}]']
)
def test_a_list_that_somebody_edited_does_no_harm(dataset: Dataset, tmp_path: Path, pieces: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "motet-export.json").write_text(
        f'{{"as": "midi", "files": ["a\\u0000b", "\\ud800", "", "."], "pieces": {pieces}}}'
    )
    export(dataset, "midi", tmp_path / "out")
    assert not [fault for fault in check(tmp_path / "out") if fault.fatal]


def test_a_dataset_of_pytorchs_in_one_line(dataset: Dataset) -> None:
    training = Training(dataset.folder, seconds=3, rate=8000, channels=1, include=("mix", "captions", "midi"))
    clips = rows(dataset, "SELECT count(*) FROM clips JOIN splits USING (source) WHERE split = 'train'")[0][0]
    assert len(training) == clips
    items = [training[number] for number in range(len(training))]
    assert {item["audio"].shape for item in items} == {(1, 24000)}
    assert all(item["caption"] and item["midi"].startswith(b"MThd") for item in items)
    with pytest.raises(IndexError):
        training[len(training)]


def test_the_proof_counts_what_the_tables_hold(dataset: Dataset) -> None:
    proof = proof_of(dataset)
    assert proof is not None
    assert (proof.items, proof.groups_across, proof.artists_across, proof.pairs_across) == (4, 0, 0, 0)
    assert proof.artists == 4


def test_a_form_that_is_none_and_a_dataset_without_splits(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no export called 'parquet'; there are: audiocraft"):
        export(dataset, "parquet", tmp_path / "out")
    with pytest.raises(UserError, match="is of whole songs"):
        export(dataset, "slakh", tmp_path / "out", wanted=Wanted(songs=False))
    with pytest.raises(UserError, match="takes --where only"):
        export(dataset, "song-json", tmp_path / "out", wanted=Wanted())
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())
    export(dataset, "song-json", tmp_path / "songs")
    assert check(tmp_path / "songs") == []


def test_from_the_command_line_to_a_reader(dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def motet(*words: object) -> tuple[int, str]:
        code = main([str(word) for word in words])
        told = capsys.readouterr()
        return code, told.out + told.err

    out, shelf = tmp_path / "out", tmp_path / "shelf"
    said = ["--title", "Tunes", "--purpose", "To test.", "--maker", "Ada Example"]
    assert motet("export", dataset.folder, "--as", "jsonl", "--to", out, "--audio", "ogg", "--rate", 8000, *said)[0] == 0
    card = (out / "README.md").read_text(encoding="utf-8")
    assert all(word in card for word in ("# Tunes", "To test.", "Ada Example"))
    assert "as its readers want it" in motet("check", out)[1]
    assert "would be sent" in motet("publish", out, shelf, "--dry-run")[1]
    assert not shelf.exists()
    assert "Version 1" in motet("publish", out, shelf)[1]
    assert "All is there already, as version 1." in motet("publish", out, shelf)[1]
    assert "as its manifest says" in motet("publish", out, shelf, "--verify")[1]
    assert motet("export", dataset.folder, "--as", "jsonl", "--to", out, "--split", "train", *said)[0] == 0
    code, told = motet("publish", out, shelf)
    assert (code, "--replace" in told) == (1, True)
    assert "Version 2" in motet("publish", out, shelf, "--replace")[1]
    code, told = motet("publish", dataset.folder, shelf)
    assert (code, "export it" in told) == (2, True)
    assert motet("check", tmp_path)[0] == 2
    assert motet("export", dataset.folder, "--as", "midi", "--to", tmp_path / "x", "--include", "smell")[0] == 2
