"""Sounds and prompts as stable-audio-tools loads them: its loader is told again here, from its source, without torch."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from os import truncate
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest

from motet import render
from motet.errors import UserError
from motet.export import stable_audio
from motet.export.example import Choice
from motet.export.stable_audio_rules import FOLDER_SUFFIXES
from motet.export.told import example_name
from toys.examples import example, examples
from toys.stops import Stop, counted, killed, tree

ALL = Choice(captions="all")
SHARDS = replace(ALL, options={"layout": "webdataset"}, shard_bytes=1_000_000)


def module_of(path: str) -> Any:
    """As `create_dataloader_from_config` loads it."""
    spec = importlib.util.spec_from_file_location("metadata_module", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)  # it would be kept in the export
        spec.loader.exec_module(module)
    return module.get_custom_metadata


def scanned(folder: str) -> Iterator[str]:
    """As `fast_scandir` finds sounds."""
    for entry in os.scandir(folder):
        if entry.is_dir():
            yield from scanned(entry.path)
        elif os.path.splitext(entry.name)[1].lower() in FOLDER_SUFFIXES and not entry.name.startswith("."):
            yield entry.path


def loaded(config: str) -> dict[str, tuple[Any, dict[str, Any]]]:
    """What `SampleDataset` gives for each sound of an `audio_dir`, from the folder that training is started in."""
    told = json.loads(Path(config).read_bytes())
    assert told["dataset_type"] == "audio_dir"
    given = {}
    for source in told["datasets"]:
        assert source["id"]
        get = module_of(source["custom_metadata_module"])
        for path in scanned(source["path"]):
            audio = render.decode(Path(path))[0].T
            info: dict[str, Any] = {"path": path, "relpath": os.path.relpath(path, source["path"]), "timestamps": (0.0, 1.0)}
            info |= {"seconds_start": 0, "seconds_total": 2, "padding_mask": [1], "sample_rate": 44100, "load_time": 0.1}
            before = dict(info)
            info.update(get(info, audio))
            assert before.items() <= info.items()  # what the loader says of a crop stays
            if not info.get("__reject__"):
                given[info["relpath"]] = (audio, info)
    return given


def loaded_shards(config: str) -> dict[str, tuple[Any, dict[str, Any]]]:
    """What `WebDatasetDataLoader` gives for each sample of the shards."""
    wds = pytest.importorskip("webdataset")
    told = json.loads(Path(config).read_bytes())
    assert told["dataset_type"] == "wds"
    given = {}
    for source in told["datasets"]:
        get = module_of(source["custom_metadata_module"])
        urls = sorted(str(path) for path in Path(source["path"]).rglob("*.tar"))
        for sample in wds.WebDataset(urls, shardshuffle=False).decode():
            assert source["path"] in sample["__url__"]  # or the loader does not call the module
            found = next(name for name in sample if name.endswith(("flac", "wav", "mp3", "m4a", "ogg", "opus")))
            info = sample["json"] | {"seconds_start": 0, "seconds_total": 2, "timestamps": (0.0, 1.0)}
            if "text" in info:
                info["prompt"] = info["text"]
            info.update(get(info, None))
            if not info.get("__reject__"):
                given[sample["__key__"]] = (render.decode(sample[found])[0].T, info)
    return given


@pytest.fixture(scope="module", params=["folder", "webdataset"])
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def export(layout: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(layout)
    stable_audio.write(examples(15), folder, replace(ALL, options={"layout": layout}))
    return folder


@pytest.fixture
def folder(export: Path, tmp_path: Path) -> Path:
    return copytree(export, tmp_path / "export")


def test_the_loader_gives_a_prompt_with_every_sound(export: Path, layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(export)
    load = loaded if layout == "folder" else loaded_shards
    for split, config in (("train", "dataset_config.json"), ("validation", "dataset_config.validation.json")):
        given = {name.partition(".")[0]: one for name, one in load(config).items()}
        originals = [one for one in examples(15)() if one.split == split]
        assert given.keys() == {example_name(one.id) for one in originals}
        for one in originals:
            audio, info = given[example_name(one.id)]
            assert one.mix
            assert np.array_equal(audio.T, one.mix.samples())
            assert info["prompt"] in one.captions
            assert (info["tempo"], info["id"]) == (one.facts["tempo"], one.id)


def test_in_training_captions_are_drawn_and_elsewhere_the_first_is_taken(
    export: Path, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(export)
    load = loaded if layout == "folder" else loaded_shards
    random.seed(1)
    drawn = [info["captions"].index(info["prompt"]) for _ in range(5) for _, info in load("dataset_config.json").values()]
    random.seed(1)
    again = [info["captions"].index(info["prompt"]) for _ in range(5) for _, info in load("dataset_config.json").values()]
    assert set(drawn) == {0, 1}
    assert drawn == again
    assert {info["captions"].index(info["prompt"]) for _, info in load("dataset_config.test.json").values()} == {0}


def test_a_sound_without_a_caption_is_rejected(layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = [example(0, "train"), replace(example(1, "train"), captions=()), replace(example(2, "train"), captions=(" \n",))]
    written = stable_audio.write(lambda: some, tmp_path, replace(ALL, options={"layout": layout}))
    assert "2 examples without captions." in written.remarks
    monkeypatch.chdir(tmp_path)
    assert len((loaded if layout == "folder" else loaded_shards)("dataset_config.json")) == 1
    faults = stable_audio.check(tmp_path)
    assert [(fault.rule, fault.fatal) for fault in faults] == [("rejected", False)] * 2


def test_where_nothing_has_a_caption_the_loader_would_look_without_end(layout: str, tmp_path: Path) -> None:
    some = [replace(example(number, "train"), captions=()) for number in range(3)]
    stable_audio.write(lambda: some, tmp_path, replace(ALL, options={"layout": layout}))
    assert "all_rejected" in {fault.rule for fault in stable_audio.check(tmp_path)}


def test_without_captions_there_are_facts_and_no_prompt(layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choice = Choice(voices=frozenset(("mix",)), options={"layout": layout})
    written = stable_audio.write(examples(5), tmp_path, choice)
    assert any("no prompts" in remark for remark in written.remarks)
    monkeypatch.chdir(tmp_path)
    for _, info in (loaded if layout == "folder" else loaded_shards)("dataset_config.json").values():
        assert info["tempo"]
        assert "prompt" not in info
    assert not stable_audio.check(tmp_path)


def test_a_missing_sidecar_is_told_and_the_sound_rejected(tmp_path: Path) -> None:
    stable_audio.write(examples(3), tmp_path, ALL)
    get = module_of(str(tmp_path / "metadata_module.py"))
    sound = next((tmp_path / "audio/train").glob("*.flac"))
    sound.with_suffix(".json").unlink()
    with pytest.warns(UserWarning, match="no prompt"):
        assert get({"path": str(sound)}, None) == {"__reject__": True}


def test_paths_begin_with_the_root(tmp_path: Path) -> None:
    stable_audio.write(examples(1), tmp_path / "a", replace(ALL, options={"root": "/data/motet/"}))
    told = json.loads((tmp_path / "a/dataset_config.json").read_bytes())["datasets"][0]
    assert (told["path"], told["custom_metadata_module"]) == ("/data/motet/audio/train", "/data/motet/metadata_module.py")
    assert not stable_audio.check(tmp_path / "a")
    remote = {"root": "s3://bucket/motet", "layout": "webdataset"}
    stable_audio.write(examples(1), tmp_path / "b", replace(ALL, options=remote))
    told = json.loads((tmp_path / "b/dataset_config.json").read_bytes())
    assert told["dataset_type"] == "s3"
    assert told["datasets"][0]["s3_path"] == "s3://bucket/motet/shards/train/"
    assert not stable_audio.check(tmp_path / "b")


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (Choice(voices=frozenset(("captions",))), "include the mix"),
        (Choice(options={"layout": "zip"}), "no layout"),
        (Choice(options={"root": "s3://bucket"}), "reads no folder"),
        (Choice(options={"rate": "3"}), "no option"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, choice: Choice, said: str) -> None:
    with pytest.raises(UserError, match=said):
        stable_audio.write(examples(1), tmp_path / "export", choice)
    with pytest.raises(UserError, match="No example has a mix"):
        stable_audio.write(lambda: [replace(example(0, "train"), mix=None)], tmp_path / "export", Choice())


def test_equal_examples_give_equal_bytes(export: Path, layout: str, tmp_path: Path) -> None:
    stable_audio.write(examples(15), tmp_path, replace(ALL, options={"layout": layout}))
    assert tree(tmp_path) == tree(export)


# --- stopped and gone on with ---


@pytest.mark.parametrize("at", [0, 4, 8, 14])
def test_an_export_that_was_stopped_goes_on_where_it_was(
    export: Path, layout: str, at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stable_audio, "PIECE", 3)
    choice = replace(ALL, options={"layout": layout})
    some, _ = counted(examples(15), at)
    with pytest.raises(Stop):
        stable_audio.write(some, tmp_path, choice)
    some, read = counted(examples(15))
    written = stable_audio.write(some, tmp_path, choice)
    assert tree(tmp_path) == tree(export)
    assert len(read) < 15 or at < (3 if layout == "folder" else 9)  # a piece, or the shard of the training
    (tmp_path / "motet-export.json").write_text(json.dumps({"pieces": written.pieces}))
    read.clear()
    stable_audio.write(some, tmp_path, choice)
    assert not read


def test_an_export_that_was_killed_goes_on(tmp_path: Path) -> None:
    stable_audio.write(examples(15), tmp_path / "whole", Choice())
    killed("stable_audio", tmp_path / "killed", at=10, count=15, before="form.PIECE = 3")
    stable_audio.write(examples(15), tmp_path / "killed", Choice())
    assert tree(tmp_path / "killed") == tree(tmp_path / "whole")


# --- the checker ---


def test_a_whole_export_has_no_fault(export: Path) -> None:
    assert not stable_audio.check(export)


def first(folder: Path, suffix: str = "flac") -> Path:
    return min((folder / "audio/train").glob(f"*.{suffix}"))


def told(folder: Path, **facts: Any) -> None:
    path = first(folder, "json")
    path.write_text(json.dumps(json.loads(path.read_bytes()) | facts))


def configured(folder: Path, **facts: Any) -> None:
    path = folder / "dataset_config.json"
    config = json.loads(path.read_bytes())
    config["datasets"][0] |= facts
    path.write_text(json.dumps(config))


def silenced(folder: Path) -> None:
    data = render.encode(np.zeros((32000, 2), np.float32), 16000, "flac")
    first(folder).write_bytes(data)


HARMS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "no configuration": ("no_config", lambda folder: [path.unlink() for path in folder.glob("dataset_config*")]),
    "a broken configuration": ("bad_config", lambda folder: (folder / "dataset_config.json").write_text("{")),
    "a type nobody knows": ("bad_config", lambda folder: (folder / "dataset_config.json").write_text('{"dataset_type": "x"}')),
    "another folder": ("bad_path", lambda folder: configured(folder, path="audio/nowhere")),
    "the test set": ("leak", lambda folder: configured(folder, path="audio/test")),
    "no module named": ("no_module", lambda folder: configured(folder, custom_metadata_module=None)),
    "no module": ("no_module", lambda folder: (folder / "metadata_module.py").unlink()),
    "another module": ("other_module", lambda folder: (folder / "metadata_module.py").write_text("import os\nos._exit(3)")),
    "no sidecar": ("no_sidecar", lambda folder: first(folder, "json").unlink()),
    "a broken sidecar": ("bad_sidecar", lambda folder: first(folder, "json").write_bytes(b"\xff")),
    "captions that are none": ("bad_sidecar", lambda folder: told(folder, captions=[3])),
    "no sound": ("missing_sound", lambda folder: first(folder).unlink()),
    "a cut sound": ("damaged", lambda folder: truncate(first(folder), 3000)),
    "silence": ("silent", silenced),
    "another sound": ("wrong_bytes", silenced),
    "a hidden sound": ("passed_over", lambda folder: first(folder).rename(first(folder).with_name(".x.flac"))),
    "a sound nobody takes": ("passed_over", lambda folder: (folder / "audio/train/x.m4a").write_bytes(b"x")),
    "two sounds of one sidecar": ("twice", lambda folder: first(folder).with_suffix(".wav").write_bytes(b"x")),
    "another length": ("wrong_length", lambda folder: told(folder, audio_frames=5)),
    "a leak": ("leak", lambda folder: told(folder, song="4fc1b125b5cafd03")),
    "another split": ("wrong_split", lambda folder: told(folder, split="test")),
    "no caption": ("rejected", lambda folder: told(folder, captions=[])),
    "a folder too many": ("extra_folder", lambda folder: (folder / "audio/old").mkdir()),
    "an empty split": ("no_sound", lambda folder: [path.unlink() for path in (folder / "audio/test").iterdir()]),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    stable_audio.write(examples(5), folder, ALL)
    return folder


@pytest.mark.parametrize("harm", HARMS)
def test_what_is_wrong_is_found(small: Path, tmp_path: Path, harm: str) -> None:
    folder = copytree(small, tmp_path / "export")
    rule, do = HARMS[harm]
    do(folder)
    assert rule in {fault.rule for fault in stable_audio.check(folder)}


def test_a_damaged_shard_is_found(tmp_path: Path) -> None:
    stable_audio.write(examples(5), tmp_path, SHARDS)
    truncate(tmp_path / "shards/train/train-000000.tar", 30_000)
    found = {(fault.rule, fault.where) for fault in stable_audio.check(tmp_path)}
    assert ("damaged", "shards/train/train-000000.tar") in found
    assert ("wrong_bytes", "shards/train/train-000000.tar") in found
