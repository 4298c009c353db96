"""Shards as WebDataset reads them: webdataset itself reads what is written, and what it would not report is found."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from os import truncate
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet import midi, render
from motet.errors import UserError
from motet.export import webdataset
from motet.export.example import VOICES, Choice, Example
from toys.examples import example, examples
from toys.stops import Stop, counted, killed, tree

LARGE = Choice(audio="wav", rate=48_000, shard_bytes=1_000_000)  # three examples a shard
ALL = Choice(voices=frozenset(VOICES), captions="all")


def rules(folder: Path) -> set[str]:
    return {fault.rule for fault in webdataset.check(folder)}


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of twelve examples with everything."""
    folder = tmp_path_factory.mktemp("export")
    webdataset.write(examples(12, video=True), folder, ALL)
    return folder


@pytest.fixture
def folder(export: Path, tmp_path: Path) -> Path:
    """The same, to be harmed."""
    return copytree(export, tmp_path / "export")


def test_webdataset_reads_every_voice_of_every_example(folder: Path) -> None:
    wds = pytest.importorskip("webdataset")
    told = json.loads((folder / "train.json").read_bytes())
    read = {one["__key__"]: one for one in wds.WebDataset(str(folder / told["pattern"]), shardshuffle=False).decode()}
    originals = [one for one in examples(12, video=True)() if one.split == "train"]
    assert list(read) == [webdataset.example_name(one.id) for one in originals]
    for one in originals:
        sample = read[webdataset.example_name(one.id)]
        assert one.mix
        assert one.video
        assert one.midi
        assert np.array_equal(render.decode(sample["flac"])[0], one.mix.samples())
        assert (sample["txt"], sample["mid"], sample["mp4"]) == (one.captions[0], one.midi(), one.video())
        facts = sample["json"]
        assert (facts["id"], facts["captions"], facts["tempo"]) == (one.id, list(one.captions), one.facts["tempo"])
        assert [licence["licence"] for licence in facts["licences"]] == [licence.licence for licence in one.licences]
        for at, stem in enumerate(one.stems):
            assert stem.sound
            assert np.array_equal(render.decode(sample[f"stem-{at:02d}.flac"])[0], stem.sound.samples())
            assert midi.read(sample[f"stem-{at:02d}.mid"]).notes.size


def test_webdataset_reads_all_shards_by_the_pattern(tmp_path: Path) -> None:
    wds = pytest.importorskip("webdataset")
    written = webdataset.write(examples(15), tmp_path, LARGE)
    told = json.loads((tmp_path / "train.json").read_bytes())
    assert told["pattern"] == "train-{000000..000002}.tar"
    assert [shard["nsamples"] for shard in told["shardlist"]] == [3, 3, 3]
    assert any(told["pattern"] in remark for remark in written.remarks)
    assert len(list(wds.WebDataset(str(tmp_path / told["pattern"]), shardshuffle=False))) == told["nsamples"] == 9
    assert not webdataset.check(tmp_path)


def test_the_mix_is_the_first_sound_of_a_sample_whatever_its_format(tmp_path: Path) -> None:
    webdataset.write(examples(2), tmp_path, replace(ALL, audio="wav"))
    with tarfile.open(tmp_path / "train-000000.tar") as tar:
        sounds = [name.partition(".")[2] for name in tar.getnames() if name.endswith(".wav")]
    assert sounds == ["wav", "stem-00.wav", "stem-01.wav"] * 2


def test_members_have_no_owner_and_no_time(folder: Path) -> None:
    with tarfile.open(folder / "train-000000.tar") as tar:
        assert {(one.uid, one.gid, one.uname, one.gname, one.mtime, one.mode) for one in tar} == {(0, 0, "", "", 0, 0o644)}


def test_equal_examples_give_equal_bytes(export: Path, tmp_path: Path) -> None:
    webdataset.write(examples(12, video=True), tmp_path, ALL)
    assert tree(tmp_path) == tree(export)


def test_what_an_example_lacks_is_left_out_and_told(tmp_path: Path) -> None:
    some = [example(0, "train"), replace(example(1, "train"), captions=(), midi=None), replace(example(2, "train"), mix=None)]
    written = webdataset.write(lambda: some, tmp_path, Choice(voices=frozenset(("mix", "midi", "video", "captions"))))
    assert written.remarks[:4] == [
        "1 example without a mix.", "1 example without MIDI.", "No example has a film.", "1 example without captions.",
    ]  # fmt: skip
    assert "No example is in test." in written.remarks
    faults = webdataset.check(tmp_path)
    assert [fault.rule for fault in faults] == ["uneven"]
    assert not faults[0].fatal


def test_without_an_example_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no example to export"):
        webdataset.write(list, tmp_path, Choice())
    assert not tree(tmp_path)


def test_ids_that_differ_in_a_dot_or_a_dash_have_keys_of_their_own(tmp_path: Path) -> None:
    ids = ["a-b.c", "a.b-c", "a.b.c", "Ä/..\\x", "x" * 200, "con", "a-b-c"]
    some = [replace(example(0, "train"), id=one, song=one) for one in ids]
    webdataset.write(lambda: some, tmp_path, Choice())
    with tarfile.open(tmp_path / "train-000000.tar") as tar:
        assert len({name.partition(".")[0] for name in tar.getnames()}) == len(ids)
    assert not webdataset.check(tmp_path)


@settings(max_examples=25)
@given(st.text(st.characters(), max_size=300), st.text(st.characters(), max_size=40))
def test_any_caption_and_any_title_come_back(caption: str, title: str) -> None:
    one: Example = replace(
        example(0, "train"), captions=(caption, "two"), title=title, facts={"tempo": float("nan"), "key": title}
    )
    files = dict(webdataset.members(one, replace(ALL, voices=frozenset(("captions",)))))
    facts = json.loads(next(data for name, data in files.items() if name.endswith(".json")))
    safe = "".join("\ufffd" if 0xD800 <= ord(c) < 0xE000 else c for c in caption)
    assert facts["captions"] == [safe, "two"]
    assert facts["tempo"] is None
    assert next(data for name, data in files.items() if name.endswith(".txt")).decode() == safe


# --- stopped and gone on with ---


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    webdataset.write(examples(15), folder, LARGE)
    return folder


@settings(max_examples=4)
@given(at=st.lists(st.integers(0, 8), min_size=1, max_size=3))
def test_an_export_that_was_stopped_goes_on_where_it_was(
    at: list[int], whole: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stopped = tmp_path_factory.mktemp("stopped")
    for moment in at:
        some, _ = counted(examples(15), moment)
        try:
            webdataset.write(some, stopped, LARGE)
        except Stop:
            assert not [name for name in tree(stopped) if not name.startswith(".motet-part")]
    done = {path.name for path in (stopped / ".motet-part").glob("*.tar")}
    some, read = counted(examples(15))
    webdataset.write(some, stopped, LARGE)
    assert tree(stopped) == tree(whole)
    finished = {name.partition(".")[0] for shard in done for name, _ in members_of(whole / shard)}
    assert not {webdataset.example_name(id) for id in read} & finished


def test_an_export_that_was_killed_goes_on(whole: Path, tmp_path: Path) -> None:
    choice = 'audio="wav", rate=48_000, shard_bytes=1_000_000'
    killed("webdataset", tmp_path / "killed", at=10, count=15, choice=choice)
    some, read = counted(examples(15))
    webdataset.write(some, tmp_path / "killed", LARGE)
    assert tree(tmp_path / "killed") == tree(whole)
    assert len(read) < 15


def test_a_shard_that_is_gone_is_made_again_and_no_other(tmp_path: Path) -> None:
    some, read = counted(examples(15))
    written = webdataset.write(some, tmp_path, LARGE)
    (tmp_path / "motet-export.json").write_text(json.dumps({"pieces": written.pieces}))
    before = tree(tmp_path)
    (tmp_path / "train-000001.tar").unlink()
    read.clear()
    webdataset.write(some, tmp_path, LARGE)
    assert tree(tmp_path) == before
    assert len(read) == 3


def test_an_example_that_changed_changes_its_own_shard(tmp_path: Path) -> None:
    made = list(examples(15)())
    written = webdataset.write(lambda: made, tmp_path, LARGE)
    (tmp_path / "motet-export.json").write_text(json.dumps({"pieces": written.pieces}))
    made[4] = replace(made[4], key="another", title="Another")
    some, read = counted(lambda: made)
    webdataset.write(some, tmp_path, LARGE)
    assert sorted(read) == [one.id for one in made[3:6]]
    assert json.loads(members_of(tmp_path / "train-000001.tar")[5][1])["title"] == "Another"
    assert not webdataset.check(tmp_path)


# --- the checker ---


def members_of(path: Path) -> list[tuple[str, bytes]]:
    with tarfile.open(path) as tar:
        return [(one.name, (tar.extractfile(one) or io.BytesIO()).read()) for one in tar]


def put(path: Path, members: list[tuple[str, bytes]]) -> None:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            one = tarfile.TarInfo(name)
            one.size = len(data)
            tar.addfile(one, io.BytesIO(data))


def edited(change: Callable[[list[tuple[str, bytes]]], Any]) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        members = members_of(folder / "train-000000.tar")
        change(members)
        put(folder / "train-000000.tar", members)

    return harm


def at(members: list[tuple[str, bytes]], suffix: str, data: Callable[[bytes], bytes]) -> None:
    place = next(place for place, (name, _) in enumerate(members) if name.partition(".")[2] == suffix)
    members[place] = (members[place][0], data(members[place][1]))


def fact(name: str, value: Any) -> Callable[[list[tuple[str, bytes]]], None]:
    return lambda members: at(members, "json", lambda data: json.dumps(json.loads(data) | {name: value}).encode())


def overwritten(path: Path, place: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(data)


def damaged_header(folder: Path) -> None:
    with tarfile.open(folder / "train-000000.tar") as tar:
        place = tar.getmembers()[20].offset
    overwritten(folder / "train-000000.tar", place, b"\xff" * 300)


HARMS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "cut": ("damaged", lambda folder: truncate(folder / "train-000000.tar", 40_000)),
    "a damaged header": ("damaged", damaged_header),
    "no tar file": ("damaged", lambda folder: (folder / "train-000000.tar").write_bytes(b"<html>" * 200)),
    "a flipped bit": ("wrong_bytes", lambda folder: overwritten(folder / "train-000000.tar", 9000, b"\x55\xaa")),
    "empty": ("wrong_count", lambda folder: put(folder / "train-000000.tar", [])),
    "a shard gone": ("missing_shard", lambda folder: (folder / "test-000000.tar").unlink()),
    "a shard too many": ("extra_shard", lambda folder: put(folder / "train-000001.tar", [("x.json", b"{}")])),
    "a gap": ("gap", lambda folder: (folder / "train-000000.tar").rename(folder / "train-000001.tar")),
    "no list": ("no_list", lambda folder: (folder / "train.json").unlink()),
    "a broken list": ("bad_list", lambda folder: (folder / "train.json").write_bytes(b"[1")),
    "a list out of the folder": (
        "bad_list",
        lambda folder: (folder / "train.json").write_text((folder / "train.json").read_text().replace('"train-', '"../train-')),
    ),
    "members apart": ("key_twice", edited(lambda members: members.append(members.pop(1)))),
    "a sample twice": ("key_twice", edited(lambda members: members.extend(members[:10]))),
    "a member twice": ("member_twice", edited(lambda members: members.insert(0, members[0]))),
    "a name without a dot": ("passed_over", edited(lambda members: members.append(("nodot", b"")))),
    "a name that is metadata": ("passed_over", edited(lambda members: members.append(("__x__/a.txt", b"")))),
    "a path out of the folder": ("bad_name", edited(lambda members: members.append(("../../x.json", b"{}")))),
    "no JSON": ("no_json", edited(lambda members: members.pop(1))),
    "bad JSON": ("bad_json", edited(lambda members: at(members, "json", lambda data: data.replace(b'"', b"'")))),
    "deep JSON": ("bad_json", edited(lambda members: at(members, "json", lambda data: b"[" * 100_000))),
    "NaN": ("bad_json", edited(lambda members: at(members, "json", lambda data: data.replace(b"-17.5", b"NaN")))),
    "no sound": ("missing_member", edited(lambda members: members.pop(0))),
    "cut sound": ("damaged", edited(lambda members: at(members, "flac", lambda data: data[:3000]))),
    "cut film": ("wrong_bytes", edited(lambda members: at(members, "mp4", lambda data: data[:3000]))),
    "no MIDI": ("damaged", edited(lambda members: at(members, "mid", lambda data: b"MThd"))),
    "another caption": ("wrong_caption", edited(lambda members: at(members, "txt", lambda data: b"Another."))),
    "a leak": ("leak", edited(fact("song", "4fc1b125b5cafd03"))),
    "another split": ("wrong_split", edited(fact("split", "test"))),
    "another length": ("wrong_length", edited(fact("audio_frames", 7))),
    "a wrong type": ("bad_column", edited(fact("tempo", "fast"))),
    "more members": ("extra_member", edited(lambda members: members.insert(2, (members[0][0] + ".bak", b"")))),
}  # fmt: skip


def test_a_whole_export_has_no_fault(folder: Path) -> None:
    assert not webdataset.check(folder)


@pytest.mark.parametrize("harm", HARMS)
def test_what_is_wrong_is_found(folder: Path, harm: str) -> None:
    rule, do = HARMS[harm]
    do(folder)
    assert rule in rules(folder)


def test_an_empty_folder_is_no_export(tmp_path: Path) -> None:
    assert rules(tmp_path) == {"no_shards"}


def test_the_reader_loses_what_stands_behind_a_damaged_header_and_says_nothing(folder: Path) -> None:
    wds = pytest.importorskip("webdataset")
    damaged_header(folder)
    assert len(list(wds.WebDataset(str(folder / "train-000000.tar"), shardshuffle=False))) < 8


@settings(max_examples=30)
@given(data=st.data())
def test_no_damage_raises(data: st.DataObject, export: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = copytree(export, tmp_path_factory.mktemp("damaged") / "export")
    name = data.draw(st.sampled_from(["validation-000000.tar", "validation.json"]))
    damaged = bytearray((folder / name).read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=5, unique=True)):
        damaged[place] ^= data.draw(st.integers(1, 255))
    (folder / name).write_bytes(damaged)
    (folder / "train-000000.tar").unlink()
    assert all(fault.sentence.isascii() or "…" in fault.sentence for fault in webdataset.check(folder))
    if name.endswith(".tar"):
        assert "wrong_bytes" in rules(folder)
