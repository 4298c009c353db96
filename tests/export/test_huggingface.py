"""Parquet shards, as `datasets` loads them; and what of both forms of Hugging Face survives a kill."""

import hashlib
import importlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from motet import midi
from motet.errors import UserError
from motet.export import audiofolder, huggingface
from motet.export.example import Choice, Example, Examples, Sound
from motet.export.huggingface_columns import columns, features_of, plain_row
from motet.export.publishing import LIST, PENDING
from toys.examples import RATE, example, examples

ALL = frozenset(("mix", "stems", "midi", "video", "captions"))


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def load(folder: Path, cache: Path) -> Any:
    datasets.disable_progress_bars()
    return datasets.load_dataset(str(folder), cache_dir=str(cache))


def as_bytes(features: datasets.Features) -> datasets.Features:
    """The same features with sound and film as they are stored: decoding them needs torchcodec."""
    told = features.to_dict()

    def stored(feature: Any) -> Any:
        if isinstance(feature, dict):
            kept = {name: stored(one) for name, one in feature.items()}
            return kept | {"decode": False} if kept.get("_type") in ("Audio", "Video") else kept
        return [stored(one) for one in feature] if isinstance(feature, list) else feature

    return datasets.Features.from_dict(stored(told))


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rules(form: Any, folder: Path) -> set[str]:
    return {fault.rule for fault in form.check(folder)}


def wav(number: int) -> Example:
    """An example whose sounds are not stored, so that each is decoded and encoded."""
    return example(number, "train", stored=False)


def of(*made: Example) -> Examples:
    return lambda: iter(sorted(made, key=lambda one: (("train", "validation", "test").index(one.split), one.id)))


# --- What the consumer loads ---


def test_datasets_loads_every_voice_with_its_type(tmp_path: Path) -> None:
    given_, choice = examples(10, video=True), Choice(ALL, captions="all")
    huggingface.write(given_, tmp_path / "out", choice)
    found = load(tmp_path / "out", tmp_path / "cache")
    assert {split: len(rows) for split, rows in found.items()} == {"train": 6, "validation": 2, "test": 2}
    features = found["train"].features
    assert features["audio"] == datasets.Audio()
    assert features["video"] == datasets.Video()
    assert features["midi"] == datasets.Value("binary")
    assert features["captions"] == datasets.List(datasets.Value("string"))
    assert features["stems"].feature["audio"] == datasets.Audio()
    assert {split: rows.features == features for split, rows in found.items()} == dict.fromkeys(found, True)

    rows = {row["id"]: row for split in found.values() for row in split.cast(as_bytes(features))}
    for one in given_():
        row = rows[one.id]
        assert row["audio"]["bytes"] == one.mix.stored()  # type: ignore[union-attr, misc]
        assert row["audio"]["path"] == f"{one.id.replace('.', '-')}.flac"
        assert soundfile.info(io.BytesIO(row["audio"]["bytes"])).duration == pytest.approx(row["seconds"])
        assert row["video"]["bytes"] == one.video()  # type: ignore[misc]
        assert row["midi"] == one.midi()  # type: ignore[misc]
        assert midi.read(row["midi"])
        assert row["captions"] == list(one.captions)
        assert row["tempo"] == one.facts["tempo"]
        assert row["key"] == one.facts["key"]
        assert row["genres"] == one.facts["genres"]
        assert [licence["licence"] for licence in row["licences"]] == [licence.licence or None for licence in one.licences]
        assert [(stem["name"], stem["role"], stem["program"]) for stem in row["stems"]] == [
            (stem.name, stem.role, stem.program) for stem in one.stems
        ]
        assert [stem["audio"]["bytes"] for stem in row["stems"]] == [stem.sound.stored() for stem in one.stems]  # type: ignore[union-attr, misc]


def test_datasets_streams_row_group_by_row_group(tmp_path: Path) -> None:
    huggingface.write(examples(10), tmp_path, Choice())
    rows = datasets.load_dataset(str(tmp_path), split="train", streaming=True)
    rows = rows.cast(as_bytes(rows.features))
    assert [row["id"] for row in rows] == [one.id for one in examples(10)() if one.split == "train"]


def test_one_caption_is_a_text(tmp_path: Path) -> None:
    written = huggingface.write(of(wav(1), replace(wav(2), captions=())), tmp_path, Choice())
    table = pq.read_table(tmp_path / "data/train-00000.parquet")
    assert table["captions"].to_pylist() == [wav(1).captions[0], None]
    assert "1 example of 2 has no captions." in written.remarks
    assert "No example is in test: it is not written." in written.remarks


def test_the_front_matter_is_what_datasets_finds(tmp_path: Path) -> None:
    out = tmp_path / "out"
    huggingface.write(examples(10, video=True), out, Choice(ALL))
    bare = load(out, tmp_path / "one")
    told = huggingface.front_matter(out)
    (out / "README.md").write_text(f"---\n{yaml.safe_dump(told, sort_keys=False)}---\n# Songs\n", encoding="utf-8")
    found = load(out, tmp_path / "two")  # raises if the numbers of examples differ
    info = told["dataset_info"]
    assert datasets.Features._from_yaml_list(info["features"]) == bare["train"].features == found["train"].features
    assert {one["name"]: one["num_examples"] for one in info["splits"]} == {name: len(rows) for name, rows in found.items()}
    assert info["dataset_size"] == pytest.approx(found["train"].info.dataset_size, rel=1e-3)
    assert info["download_size"] == sum(path.stat().st_size for path in (out / "data").iterdir())
    assert huggingface.check(out) == []


def test_a_voice_that_nobody_has_is_an_empty_column(tmp_path: Path) -> None:
    written = huggingface.write(examples(5), tmp_path / "out", Choice(frozenset(("mix", "video"))))
    assert "No example has video." in written.remarks
    rows = load(tmp_path / "out", tmp_path / "cache")["train"]
    assert rows.cast(as_bytes(rows.features))["video"][:] == [None] * 3


def test_nothing_to_export_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no example"):
        huggingface.write(of(), tmp_path, Choice())
    with pytest.raises(UserError, match="no option"):
        huggingface.write(examples(), tmp_path, Choice(options={"colour": "red"}))


@settings(max_examples=30)
@given(words=st.text(st.characters(codec=None), max_size=40), number=st.floats())
def test_rows_hold_any_text_and_any_number(words: str, number: float) -> None:
    one = replace(
        example(1, "train"), id=words or "x", title=words, path=words, captions=(words,), facts={"tempo": number, "tags": [words]}
    )
    row = plain_row(one, Choice(captions="all"))
    (back,) = pa.Table.from_pylist([row], huggingface.schema(columns(Choice(captions="all")))).to_pylist()
    assert {name: back[name] for name in row} == row
    if not any("\ud800" <= c <= "\udfff" for c in words):
        assert row["captions"] == [words]


def test_features_in_the_schema_are_read_as_datasets_reads_them(tmp_path: Path) -> None:
    wanted = columns(Choice(ALL, captions="all"))
    kind = huggingface.schema(wanted)
    assert features_of(kind) == wanted
    assert datasets.Features.from_arrow_schema(kind).arrow_schema.remove_metadata() == kind.remove_metadata()


# --- Shards ---


def test_shards_close_at_their_size_and_hold_one_split(tmp_path: Path) -> None:
    choice = Choice(audio="wav", shard_bytes=1_000_000)
    written = huggingface.write(examples(20), tmp_path, choice)
    assert [name for name in written.files if "train" in name] == [f"data/train-{n:05d}.parquet" for n in range(2)]
    ids = [id for name in written.files for id in pq.read_table(tmp_path / name, columns=["id"])["id"].to_pylist()]
    assert sorted(ids) == sorted(one.id for one in examples(20)())
    assert huggingface.check(tmp_path) == []


def test_row_groups_are_small_and_pages_are_indexed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface, "GROUP_BYTES", 300_000)
    huggingface.write(examples(10), tmp_path, Choice(audio="wav"))
    told = pq.read_metadata(tmp_path / "data/train-00000.parquet")
    assert [told.row_group(n).num_rows for n in range(told.num_row_groups)] == [2, 2, 2]
    assert told.row_group(0).column(0).has_offset_index


@pytest.mark.parametrize("form", [huggingface, audiofolder])
def test_equal_examples_give_equal_bytes(form: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    form.write(examples(5, video=True, stored=False), tmp_path / "a", Choice(ALL))
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    form.write(examples(5, video=True, stored=False), tmp_path / "b", Choice(ALL))
    assert files(tmp_path / "a") == files(tmp_path / "b")


@pytest.mark.parametrize("form", [huggingface, audiofolder])
def test_an_export_in_its_place_encodes_nothing_again(form: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audiofolder, "PIECE", 2)
    choice = Choice(ALL, audio="wav", shard_bytes=1_000_000)
    first = form.write(examples(10, stored=False), tmp_path, choice)
    listed(tmp_path, first)
    before = files(tmp_path)
    second = form.write(of(*map(deaf, examples(10, stored=False)())), tmp_path, choice)
    assert (second.files, second.remarks, second.pieces) == (first.files, first.remarks, first.pieces)
    assert files(tmp_path) == before


def test_a_newcomer_at_the_end_opens_the_last_shard_again(tmp_path: Path) -> None:
    """The last shard of a split was not full: it takes more, and full ones stay as they are."""
    choice = Choice(audio="wav", shard_bytes=1_000_000)
    some = [wav(number) for number in range(12)]
    for folder, made in (("grown", some), ("fresh", [*some, wav(12)])):
        listed(tmp_path / folder, huggingface.write(of(*made), tmp_path / folder, choice))
    full = [one for one in json.loads((tmp_path / "grown" / LIST).read_bytes())["pieces"] if one["note"]["full"]]
    known = sum(piece["note"]["examples"] for piece in full)
    grown = huggingface.write(of(*map(deaf, some[:known]), *some[known:], wav(12)), tmp_path / "grown", choice)
    listed(tmp_path / "grown", grown)
    assert known
    assert files(tmp_path / "grown") == files(tmp_path / "fresh")


def deaf(one: Example) -> Example:
    """The example with sounds that must not be asked for."""

    def never() -> Any:
        raise AssertionError(one.id)

    def silenced(sound: Sound | None) -> Sound | None:
        return replace(sound, samples=never) if sound else None

    return replace(one, mix=silenced(one.mix), stems=tuple(replace(stem, sound=silenced(stem.sound)) for stem in one.stems))


def listed(folder: Path, written: Any) -> None:
    """The list that an export ends with."""
    (folder / LIST).write_text(json.dumps({"files": written.files, "pieces": list(written.pieces)}), encoding="utf-8")


# --- Stops and kills ---


@pytest.mark.parametrize("form", [huggingface, audiofolder])
@settings(max_examples=4)
@given(stops=st.lists(st.integers(0, 50), min_size=1, max_size=3))
def test_a_stopped_export_goes_on_and_ends_the_same(
    form: Any, stops: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("stopped")
    choice = Choice(frozenset(("mix", "stems")), audio="wav", shard_bytes=1_000_000)
    made = [bare(number) for number in range(24)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audiofolder, "PIECE", 4)
        form.write(of(*made), folder / "whole", choice)
        for stop in stops:
            with pytest.raises(KeyboardInterrupt):
                form.write(interrupted(made, stop % 23), folder / "part", choice)
            assert rules(form, folder / "part") <= {"no_shard", "no_sound", "unfinished"}
        form.write(of(*made), folder / "part", choice)
    assert files(folder / "part") == files(folder / "whole")


def bare(number: int) -> Example:
    """A cheap example: no stems, no MIDI, a sound of noise."""
    samples = np.random.default_rng(number).uniform(-0.5, 0.5, (RATE, 2)).astype(np.float32)
    return Example(f"s{number:03d}", f"k{number}", f"s{number}", "", "train", 0, 1, mix=Sound(RATE, 2, RATE, lambda: samples))


def interrupted(made: list[Example], at: int) -> Examples:
    def give() -> Iterator[Example]:
        yield from made[:at]
        raise KeyboardInterrupt

    return give


CHILD = """
    import sys, time
    from dataclasses import replace
    from importlib import import_module
    from pathlib import Path
    from motet.export import audiofolder
    from motet.export.example import Choice
    from toys.examples import examples

    form, folder, log = import_module("motet.export." + sys.argv[1]), Path(sys.argv[2]), open(sys.argv[3], "a", buffering=1)
    audiofolder.PIECE = 3

    def watched(one):
        def samples():
            log.write(one.id + "\\n")
            time.sleep(0.01)
            return one.mix.samples()
        return replace(one, mix=replace(one.mix, samples=samples))

    made = list(map(watched, examples(20, stored=False)()))
    print("ready", flush=True)
    form.write(lambda: iter(made), folder, Choice(audio="wav", shard_bytes=1_000_000))
"""


def killed(form: str, folder: Path, times: int, draw: random.Random) -> None:
    """Writes in a process that is killed again and again; at last in one that may end."""
    here = Path(__file__).parents[1]
    log = folder.parent / "log"
    env = os.environ | {"PYTHONPATH": f"{here}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    for time_ in range(times + 1):
        log.write_text("")
        done = finished(folder)
        command = [sys.executable, "-c", textwrap.dedent(CHILD), form, str(folder), str(log)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as child:
            assert child.stdout
            assert child.stdout.readline() == b"ready\n"
            if time_ < times:
                time.sleep(draw.uniform(0.0, 0.3))
                child.kill()
        assert not done & set(log.read_text().split()) - {""}
        assert child.returncode == (0 if time_ == times else -9) or time_ < times


def finished(folder: Path) -> set[str]:
    """Ids of the examples in the pieces that a killed export had done; of shards, as the other form has no ids in its notes."""
    done = folder / PENDING / "done.jsonl"
    names = [
        name
        for line in (done.read_bytes().splitlines() if done.is_file() else ())
        if line.endswith(b"}")
        for name in json.loads(line)["files"]
    ]
    shards = [folder / PENDING / name for name in names if name.endswith(".parquet")]
    ids = {id for path in shards for id in pq.read_table(path, columns=["id"])["id"].to_pylist()}
    by_name = {one.id.replace(".", "-"): one.id for one in examples(20)()}
    return ids | {by_name[Path(name).stem] for name in names if name.endswith(".wav")}


@pytest.mark.parametrize(
    ("form", "times"),
    [("huggingface", 1), *(pytest.param(form, 20, marks=pytest.mark.slow) for form in ("huggingface", "audiofolder"))],
)
def test_a_killed_export_goes_on_and_ends_the_same(
    form: str, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audiofolder, "PIECE", 3)
    killed(form, tmp_path / "part", times, random.Random(times))
    module = importlib.import_module(f"motet.export.{form}")
    module.write(examples(20, stored=False), tmp_path / "whole", Choice(audio="wav", shard_bytes=1_000_000))
    assert files(tmp_path / "part") == files(tmp_path / "whole")
    assert module.check(tmp_path / "part") == []


# --- The checker ---


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    listed(folder, huggingface.write(examples(20, video=True), folder, Choice(ALL, audio="wav", shard_bytes=1_000_000)))
    return folder


@pytest.fixture
def out(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "out"))


def rewritten(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(path)), path)


def changed(table: pa.Table, column: str, values: Callable[[list[Any]], list[Any]]) -> pa.Table:
    at = table.schema.get_field_index(column)
    return table.set_column(at, table.schema.field(at), pa.array(values(table[column].to_pylist()), table.schema.field(at).type))


FIRST = "data/train-00000.parquet"


def cut_audio(table: pa.Table) -> pa.Table:
    return changed(table, "audio", lambda rows: [rows[0] | {"bytes": rows[0]["bytes"][:1000]}, *rows[1:]])


def cut_video(table: pa.Table) -> pa.Table:
    return changed(table, "video", lambda rows: [rows[0] | {"bytes": rows[0]["bytes"][:3000]}, *rows[1:]])


def narrower(table: pa.Table) -> pa.Table:
    return table.set_column(table.schema.get_field_index("notes"), "notes", table["notes"].cast("int32"))


def config(listed: Any) -> list[dict[str, Any]]:
    return [{"config_name": "default", "data_files": listed}]


def test_what_was_written_has_no_fault(out: Path) -> None:
    assert huggingface.check(out) == []


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("no_shard", lambda out: [path.unlink() for path in (out / "data").iterdir()]),
        ("missing", lambda out: (out / "data/test-00000.parquet").unlink()),
        ("missing_shard", lambda out: (out / FIRST).unlink()),
        ("extra", lambda out: (out / FIRST).rename(out / "data/train-00009.parquet")),
        ("unreadable", lambda out: (out / FIRST).write_bytes((out / FIRST).read_bytes()[:-100])),
        ("unreadable", lambda out: (out / FIRST).write_bytes(b"")),
        ("ignored", lambda out: (out / "data/train-00000-of-00001.parquet").write_bytes((out / FIRST).read_bytes())),
        ("mixed_in", lambda out: (out / "old-train.parquet").write_bytes((out / FIRST).read_bytes())),
        ("twice", lambda out: (out / "data/train-00009.parquet").write_bytes((out / FIRST).read_bytes())),
        ("leak", lambda out: (out / "data/test-00000.parquet").write_bytes((out / FIRST).read_bytes())),
        ("no_features", lambda out: rewritten(out / FIRST, lambda table: table.replace_schema_metadata(None))),
        ("bad_features", lambda out: rewritten(out / FIRST, lambda table: table.replace_schema_metadata({"huggingface": "{"}))),
        ("other_columns", lambda out: huggingface.write(examples(20), out, Choice())),
        ("other_types", lambda out: rewritten(out / FIRST, narrower)),
        ("damaged", lambda out: rewritten(out / FIRST, cut_audio)),
        ("damaged", lambda out: rewritten(out / FIRST, lambda t: changed(t, "midi", lambda rows: [b"MThd", *rows[1:]]))),
        ("damaged", lambda out: rewritten(out / FIRST, cut_video)),
        ("damaged", lambda out: rewritten(out / FIRST, lambda t: changed(t, "seconds", lambda rows: [9.0, *rows[1:]]))),
        ("empty_caption", lambda out: rewritten(out / FIRST, lambda t: changed(t, "captions", lambda rows: [" ", *rows[1:]]))),
        ("no_id", lambda out: rewritten(out / FIRST, lambda t: changed(t, "id", lambda rows: [None, *rows[1:]]))),
        ("empty", lambda out: rewritten(out / FIRST, lambda table: table.slice(0, 0))),
        ("other_size", lambda out: rewritten(out / FIRST, lambda table: table.slice(1))),
        ("unfinished", lambda out: (out / PENDING).mkdir()),
        ("broken_link", lambda out: (out / "link").symlink_to(out / "nothing")),
        ("bad_card", lambda out: (out / "README.md").write_text("---\na: [\n---\n")),
        ("bad_card", lambda out: (out / "README.md").write_text("---\nconfigs: 3\n---\n")),
        ("no_files", lambda out: card(out, configs=config([{"split": "train", "path": "train/*"}]))),
        ("ignored", lambda out: card(out, configs=config([{"split": "train", "path": "data/train*"}]))),
        ("wrong_split", lambda out: card(out, configs=config("data/*"))),
        ("wrong_counts", lambda out: card(out, dataset_info={"splits": [{"name": "train", "num_examples": 3}]})),
        ("bad_list", lambda out: (out / LIST).write_text("[]")),
        ("not_parquet", lambda out: [(out / f"test-{n}.csv").write_text("a,b\n") for n in range(9)]),
    ],
)  # fmt: skip
def test_the_checker_finds(rule: str, spoil: Callable[[Path], Any], out: Path) -> None:
    spoil(out)
    assert rule in rules(huggingface, out)


def card(out: Path, **told: Any) -> None:
    (out / "README.md").write_text(f"---\n{yaml.safe_dump(told)}---\n", encoding="utf-8")


@settings(max_examples=40)
@given(at=st.floats(0, 0.999), bit=st.integers(0, 7))
def test_a_bit_that_flips_is_found(at: float, bit: int, written: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every page has a checksum; the footer has none, but little of it can change without a trace."""
    data = bytearray((written / FIRST).read_bytes())
    size = int.from_bytes(data[-8:-4], "little") + 8
    place = 4 + int(at * (len(data) - size - 4))
    data[place] ^= 1 << bit
    folder = tmp_path_factory.mktemp("flipped")
    (folder / "data").mkdir()
    (folder / FIRST).write_bytes(data)
    found = huggingface.check(folder)
    assert {fault.rule for fault in found} <= {"unreadable"}


@settings(max_examples=40)
@given(data=st.binary(max_size=300))
def test_no_bytes_make_the_checker_raise(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "data").mkdir()
    (folder / FIRST).write_bytes(b"PAR1" + data + b"PAR1")
    (folder / "README.md").write_bytes(b"---\n" + data + b"\n---\n")
    (folder / LIST).write_bytes(data)
    assert "unreadable" in rules(huggingface, folder)
