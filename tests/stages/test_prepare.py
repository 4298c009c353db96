"""From folders of known datasets to what a training run reads: labels, splits, features, manifests and shards."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from motet import Dataset, UserError
from motet.cli import main
from motet.exporting import export
from motet.recipe import load
from motet.report import write_report
from motet.run.build import build
from motet.run.engine import LocalEngine
from motet.run.watch import Run
from toys.midi import song

SMALL = ["rate=8000", "n_mels=16", "n_fft=256", "hop=128"]
ACTORS = ["01", "02", "04", "07", "11", "12"]  # by their names two are of the test and one of the validation
DRUMMERS = range(1, 6)
HEAD = "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split"


def tone(hertz: float, *, seconds: float = 0.25, rate: int = 16000, channels: int = 1) -> bytes:
    """A WAV file of one tone."""
    wave = 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    stream = io.BytesIO()
    soundfile.write(stream, np.repeat(wave[:, None], channels, axis=1), rate, subtype="PCM_16", format="WAV")
    return stream.getvalue()


def voices(folder: Path, actors: Iterable[str] = ACTORS) -> Path:
    """A little RAVDESS: of each actor a happy and a strong angry sentence."""
    for actor in actors:
        (folder / f"Actor_{actor}").mkdir(parents=True)
        for number, name in enumerate((f"03-01-03-01-01-01-{actor}.wav", f"03-01-05-02-02-01-{actor}.wav")):
            (folder / f"Actor_{actor}" / name).write_bytes(tone(200 + 20 * int(actor) + 7 * number))
    return folder


def drums(folder: Path, drummers: Iterable[int] = DRUMMERS) -> Path:
    """A little Groove: of each drummer a beat for training and a fill for the test, with their index."""
    lines = [HEAD]
    for drummer in drummers:
        (folder / f"drummer{drummer}" / "session1").mkdir(parents=True)
        for take, (style, kind, split) in enumerate((("funk/groove1", "beat", "train"), ("rock", "fill", "test")), 1):
            path = f"drummer{drummer}/session1/{take}_{style.replace('/', '-')}_9{take}_{kind}_4-4.mid"
            (folder / path).write_bytes(song(10 * drummer + take))
            lines.append(f"drummer{drummer},drummer{drummer}/session1,{path},{style},9{take},{kind},4-4,{path},,6.0,{split}")
    (folder / "info.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(1) as one:
        yield one


class World:
    def __init__(self, root: Path, engine: LocalEngine) -> None:
        self.root, self.engine, self.to = root, engine, root / "data"

    def build(self, *sources: Path, labels: Iterable[str] = (), features: Iterable[str] = ()) -> Run:
        settings = [f"prepare_labels.{one}" for one in labels] + [f"prepare_features.{one}" for one in (*SMALL, *features)]
        return build(load("prepare").changed(settings), list(sources), self.to, engine=self.engine)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = Dataset(self.to).query(sql).to_arrow_table().to_pylist()
        return told

    def labels(self) -> dict[str, dict[str, Any]]:
        """Name of a file -> its row, with the labels unpacked."""
        rows = self.rows("SELECT * FROM labels")
        return {Path(row["path"]).name: {**row, **json.loads(row["labels"])} for row in rows}

    def splits(self) -> dict[str, set[str]]:
        """Group -> the splits it is in."""
        found: dict[str, set[str]] = defaultdict(set)
        for row in self.rows('SELECT "group", split FROM labels'):
            found[row["group"]].add(row["split"])
        return found

    def dropped(self) -> dict[str, str]:
        """Name of a file that was not taken -> why."""
        return {Path(row["path"]).name: row["reason"] for row in self.rows("SELECT path, reason FROM work WHERE status <> 'ok'")}


@pytest.fixture
def world(tmp_path: Path, engine: LocalEngine) -> World:
    return World(tmp_path, engine)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, engine: LocalEngine) -> World:
    """Both little datasets, built once; not to be changed."""
    world = World(tmp_path_factory.mktemp("prepared"), engine)
    world.build(voices(world.root / "ravdess"), drums(world.root / "groove"), features=["embed=toys.models:loudness"])
    return world


def done(run: Run) -> dict[str, int]:
    return {stage.name: stage.done_now for stage in run.stages}


# --- labels and splits -----------------------------------------------------------------------------------------------


def test_labels_come_from_the_layout(built: World) -> None:
    row = built.labels()["03-01-05-02-02-01-04.wav"]
    assert (row["dataset"], row["part"], row["kind"], row["group"]) == ("ravdess-speech", "speech", "audio", "actor 04")
    assert {name: row[name] for name in ("emotion", "intensity", "statement", "repetition", "actor")} == {
        "emotion": "angry",
        "intensity": "strong",
        "statement": "Dogs are sitting by the door",
        "repetition": 1,
        "actor": "04",
    }
    assert row["licence"] == "CC-BY-NC-SA-4.0"


def test_labels_come_from_the_index(built: World) -> None:
    row = built.labels()["1_funk-groove1_91_beat_4-4.mid"]
    assert (row["dataset"], row["kind"], row["published_split"]) == ("groove", "midi", "train")
    assert (row["style"], row["style_detail"], row["bpm"], row["beat_type"]) == ("funk", "funk/groove1", 91, "beat")
    assert built.dropped() == {"info.csv": "index"}


def test_no_actor_and_no_drummer_is_in_two_splits_and_no_split_is_empty(built: World) -> None:
    splits = built.splits()
    assert len(splits) == len(ACTORS) + len(DRUMMERS)
    assert all(len(found) == 1 for found in splits.values())
    for who in ("actor", "performer"):
        assert set.union(*(found for group, found in splits.items() if group.startswith(who))) == {"train", "validation", "test"}


def test_more_files_move_no_group(world: World) -> None:
    voices(world.root / "ravdess", ACTORS)
    world.build(world.root / "ravdess")
    before = world.splits()
    voices(world.root / "ravdess", ("03", "22", "23"))
    extra = world.root / "ravdess" / "Actor_01" / "03-01-08-01-01-01-01.wav"
    extra.write_bytes(tone(999))
    world.build(world.root / "ravdess")
    after = world.splits()
    assert len(after) == len(before) + 3
    assert {group: after[group] for group in before} == before


def test_the_published_split_is_taken_as_it_is_and_its_leak_is_told(world: World) -> None:
    world.build(drums(world.root / "groove"), labels=["split=published"])
    assert {row["split"] for row in world.labels().values()} == {"train", "test"}
    said = export(Dataset(world.to), "manifests", world.root / "lists").remarks
    assert "The published split shares 5 groups between its lists: performer drummer1 (train, test)" in " ".join(said)
    page = write_report(world.to, next(world.to.glob("runs/*")))
    assert "5 groups</td>" in page.read_text()
    assert "in more than one split, as published: performer drummer1 for one" in page.read_text()


def test_of_datasets_without_a_published_split_none_can_be_asked_for(world: World) -> None:
    with pytest.raises(UserError, match=r"ravdess-speech has no published split: set prepare_labels\.split=own\."):
        world.build(voices(world.root / "r"), labels=["split=published", "dataset=ravdess-speech"])


def test_the_golden_subset_is_small_spread_over_labels_and_always_the_same(world: World) -> None:
    source = voices(world.root / "ravdess")
    world.build(source, labels=["golden=4"])
    golden = {name for name, row in world.labels().items() if row["golden"]}
    assert len(golden) == 4
    assert sorted(world.labels()[name]["emotion"] for name in golden) == ["angry", "angry", "happy", "happy"]
    source.rename(world.root / "other")
    world.build(world.root / "other", labels=["golden=4"])
    assert {name for name, row in world.labels().items() if row["golden"]} == golden


def test_a_file_without_any_label_is_not_taken_and_told(world: World) -> None:
    source = drums(world.root / "groove")
    (source / "drummer1" / "session1" / "9_jazz_120_beat_4-4.mid").write_bytes(song(5))
    (source / "drummer1" / "notes.mid").write_bytes(song(6))
    world.build(source)
    assert world.dropped() == {
        "9_jazz_120_beat_4-4.mid": "no_labels",
        "notes.mid": "not_of_the_dataset",
        "info.csv": "index",
    }
    (source / "info.csv").unlink()
    world.build(source)
    assert world.labels() == {}
    assert "info.csv tells its labels, and is not there" in str(world.rows("SELECT detail FROM work WHERE reason = 'no_labels'"))


def test_an_index_that_changes_gives_other_labels_in_an_archive_too(world: World) -> None:
    source = drums(world.root / "groove", (1, 2, 3))
    for style in ("rock", "waltz"):
        table = (source / "info.csv").read_text()
        (source / "info.csv").write_text(table.replace(",rock,", f",{style},"))
        archive = Path(shutil.make_archive(str(world.root / "packed"), "zip", world.root, "groove"))
        run = world.build(archive)
        assert {row["style"] for row in world.labels().values()} == {"funk", style}
    assert (done(run)["prepare_labels"], done(run)["prepare_features"]) == (1, 0)


def test_an_index_that_cannot_be_read_spoils_no_other_dataset(world: World) -> None:
    source = drums(world.root / "groove")
    (source / "info.csv").write_bytes(b'"\x00\xff' * 999)
    (world.root / "elsewhere").mkdir()
    (world.root / "elsewhere" / "info.csv").write_bytes(b"\x00\x00")
    world.build(source, voices(world.root / "ravdess"), world.root / "elsewhere")
    assert {row["dataset"] for row in world.labels().values()} == {"ravdess-speech"}
    reasons = set(world.dropped().values())
    assert reasons <= {"bad_index", "no_labels", "index", "not_of_the_dataset"}
    assert reasons & {"bad_index", "no_labels"}


# --- features --------------------------------------------------------------------------------------------------------


def test_every_feature_knows_its_raw_file_and_how_it_was_made(built: World) -> None:
    rows = built.rows("SELECT f.*, l.sha256 AS raw FROM features f JOIN labels l ON l.source = f.source ORDER BY f.path, what")
    audio = [row for row in rows if row["path"].endswith(".wav")]
    assert len(audio) == 3 * 2 * len(ACTORS)
    assert all(row["raw_sha256"] == row["raw"] for row in rows)
    embedding, mel = audio[1], audio[2]
    assert [row["what"] for row in audio[:3]] == ["audio", "embedding", "mel"]
    media = Dataset(built.to).media
    heard, rate = soundfile.read(io.BytesIO(media.read(audio[0]["file"])))
    assert (rate, heard.shape, audio[0]["shape"]) == (8000, (2000,), [2000, 1])
    spectrogram = np.load(io.BytesIO(media.read(mel["file"])))
    assert (spectrogram.dtype, list(spectrogram.shape)) == (np.float32, mel["shape"]) == (np.float32, [16, 16])
    assert json.loads(mel["parameters"])["hop"] == 128
    vector = np.load(io.BytesIO(media.read(embedding["file"])))
    assert vector == pytest.approx([0.3 / 2**0.5, 8000], rel=0.02)
    assert json.loads(embedding["parameters"])["model"].endswith(":loudness")


def test_notes_are_a_table(built: World) -> None:
    (row,) = built.rows("SELECT * FROM features WHERE path LIKE '%drummer1/session1/1_funk%'")
    table = pq.read_table(io.BytesIO(Dataset(built.to).media.read(row["file"])))
    assert table.column_names == ["onset", "offset", "pitch", "velocity", "program", "drum", "track"]
    assert [table.num_rows] == row["shape"] == [36]
    assert table["onset"].to_pylist()[:4] == [0, 0, 0, 0.5]


def test_what_gives_nothing_is_told_by_reason(world: World) -> None:
    source = voices(world.root / "ravdess", ("01", "02"))
    put = (source / "Actor_01").joinpath
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 400000\n".encode()
    faulty = {
        "03-01-01-01-01-01-01.wav": ("empty", b""),
        "03-01-01-01-01-02-01.wav": ("lfs_pointer", pointer),
        "03-01-02-01-01-01-01.wav": ("too_short", tone(300, seconds=0.05)),
        "03-01-02-01-01-02-01.wav": ("truncated", tone(310)[:4000]),
        "03-01-06-01-01-01-01.wav": ("too_long", tone(320, seconds=1.5)),
        "03-01-07-01-01-01-01.wav": ("web_page", b"<!DOCTYPE html><html><title>404</title></html>"),
        "03-01-08-01-01-01-01.wav": ("not_for_flac", tone(330, channels=9)),
    }
    for name, (_, data) in faulty.items():
        put(name).write_bytes(data)
    world.build(source, features=["longest=1", "too_long=drop", "channels=0"])
    assert world.dropped() == {name: reason for name, (reason, _) in faulty.items()}
    assert len(world.labels()) == 4 + len(faulty)
    world.build(source, features=["longest=1", "too_long=trim", "channels=2", "audio=wav"])
    (trimmed,) = world.rows("SELECT * FROM features WHERE path LIKE '%-06-%' AND what = 'audio'")
    assert (trimmed["seconds"], trimmed["shape"], trimmed["format"]) == (1.0, [8000, 2], "wav")
    assert json.loads(trimmed["parameters"])["trimmed"]


def test_settings_that_cannot_work_are_refused_before_work_begins(world: World) -> None:
    source = voices(world.root / "ravdess", ("01",))
    for setting, said in {
        "fmax=5000": r"fmax 5000 Hz is above half of the rate, 4000 Hz; change n_mels, .* of prepare_features\.",
        "n_mels=512": r"mel bands are narrower than a bin of n_fft 256",
        "embed=nowhere.at.all:model": r"There is no module called nowhere: install it, or put its folder on PYTHONPATH\.",
        "embed=json:loud": r"cannot be loaded .*: set embed to",
        "embed=json": r"'json' names no model: set embed to",
    }.items():
        with pytest.raises(UserError, match=said):
            world.build(source, features=[setting])


def test_an_onnx_file_gives_embeddings_and_its_content_is_in_the_key(world: World) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx, which writes the model of this test, is not installed")
    pytest.importorskip("onnxruntime", reason="onnxruntime, which runs ONNX models, is not installed")
    source, model = voices(world.root / "ravdess", ("01", "02")), world.root / "model.onnx"

    def write(kind: str) -> None:
        floats = onnx.TensorProto.FLOAT
        node = onnx.helper.make_node(kind, ["samples"], ["told"], axes=[1], keepdims=1)
        graph = onnx.helper.make_graph(
            [node],
            "one",
            [onnx.helper.make_tensor_value_info("samples", floats, ["batch", "time"])],
            [onnx.helper.make_tensor_value_info("told", floats, ["batch", 1])],
        )
        made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
        made.ir_version = 8
        onnx.save(made, model)

    told = []
    for kind in ("ReduceMax", "ReduceL1"):
        write(kind)
        with LocalEngine(1) as fresh:  # a worker that runs keeps the model it loaded
            run = World(world.root, fresh).build(source, features=[f"embed={model}", "mel=false", "audio=none"])
        assert done(run)["prepare_features"] == 4
        row, *_ = world.rows("SELECT * FROM features ORDER BY path")
        told.append(float(np.load(io.BytesIO(Dataset(world.to).media.read(row["file"])))[0]))
    assert told[0] == pytest.approx(0.3, rel=0.05)
    assert told[1] > 100


# --- doing only what is new ------------------------------------------------------------------------------------------


def registry(folder: Path, happy: str, about: str = "voices") -> None:
    """A dataset of one's own."""
    folder.mkdir(exist_ok=True)
    (folder / "my-voices.yaml").write_text(f"""
name: my-voices
title: My voices
about: {about}
modalities: [audio]
tasks: [emotion]
licence: {{name: CC0-1.0, source: me}}
citation: me
home: https://example.org
sources: {{me: myself}}
folders: [my_voices]
fields: {{who: "[a-z]+", mood: "[a-z]+"}}
parts:
  - {{name: speech, files: "{{who}}/{{who}}_{{mood}}.wav", kind: audio}}
labels:
  speaker: {{field: who}}
  mood: {{field: mood, values: {{hap: {happy}}}}}
disjoint_by: speaker
""")


def test_only_what_is_new_or_shaped_otherwise_is_done(world: World) -> None:
    source = world.root / "my_voices"
    for number, who in enumerate(("ann", "bob", "eve")):
        (source / who).mkdir(parents=True)
        (source / who / f"{who}_hap.wav").write_bytes(tone(100 + number))
    own = world.root / "registry"
    registry(own, "happy")
    labels = [f"registry={own}", "dataset=my-voices"]

    assert done(world.build(source, labels=labels))["prepare_features"] == 3
    assert {row["mood"] for row in world.labels().values()} == {"happy"}
    again = world.build(source, labels=labels)
    assert (again.done_now, again.changed) == (0, False)

    (source / "ann" / "ann_sad.wav").write_bytes(tone(90))
    assert done(world.build(source, labels=labels))["prepare_features"] == 1

    registry(own, "cheerful")
    relabelled = done(world.build(source, labels=labels))
    assert (relabelled["prepare_labels"], relabelled["prepare_features"]) == (1, 0)
    assert {row["mood"] for row in world.labels().values()} == {"cheerful", "sad"}

    registry(own, "cheerful", about="other words that shape no label")
    assert world.build(source, labels=labels).done_now == 0

    remade = done(world.build(source, labels=labels, features=["hop=64"]))
    assert (remade["prepare_labels"], remade["prepare_features"]) == (0, 4)

    (source / "ann" / "ann_sad.wav").write_bytes(tone(95))  # another recording under the old name
    stale = world.build(source, labels=labels, features=["hop=64"])
    assert done(stale)["prepare_features"] == 1
    shutil.rmtree(source / "eve")
    gone = world.build(source, labels=labels, features=["hop=64"])
    assert done(gone)["prepare_features"] == 0
    assert not world.rows("SELECT * FROM features WHERE path LIKE '%eve%'")


# --- manifests and shards --------------------------------------------------------------------------------------------


def test_manifests_list_each_split_with_labels_as_columns(built: World, tmp_path: Path) -> None:
    data = Dataset(built.to)
    export(data, "manifests", tmp_path / "lists")
    groups: dict[str, set[str]] = {}
    listed = 0
    for split in ("train", "validation", "test"):
        records = [json.loads(line) for line in (tmp_path / "lists" / f"{split}.jsonl").read_text().splitlines()]
        with (tmp_path / "lists" / f"{split}.csv").open(newline="") as file:
            table = list(csv.DictReader(file))
        assert [row["id"] for row in table] == [record["id"] for record in records]
        for row, record in zip(table, records, strict=True):
            assert row.get("emotion") == record["labels"].get("emotion", "")
            assert {row["split"], record["split"]} == {split}
            assert all((built.to / path).is_file() for path in record["files"].values())
            assert record["sha256"] in {one["sha256"] for one in built.rows("SELECT sha256 FROM labels")}
        groups[split] = {record["group"] for record in records}
        listed += len(records)
    assert listed == 2 * len(ACTORS) + 2 * len(DRUMMERS)
    assert not (groups["train"] & groups["validation"] | groups["train"] & groups["test"] | groups["validation"] & groups["test"])
    assert len((tmp_path / "lists" / "golden.jsonl").read_text().splitlines()) == len(
        built.rows("SELECT 1 FROM labels WHERE golden")
    )


def test_a_manifest_may_be_of_some_files(built: World, tmp_path: Path) -> None:
    export(Dataset(built.to), "manifests", tmp_path / "lists", "labels->>'emotion' = 'happy'")
    lines = [line for name in ("train", "validation", "test") for line in (tmp_path / "lists" / f"{name}.jsonl").open()]
    assert len(lines) == len(ACTORS)


def test_shards_hold_files_and_record_of_each_sample_in_equal_bytes(built: World, tmp_path: Path) -> None:
    packed = [export(Dataset(built.to), "shards:1", tmp_path / name).files for name in ("one", "two")]
    assert packed[0] == packed[1] == ["test-000000.tar", "train-000000.tar", "validation-000000.tar"]
    samples: dict[str, set[str]] = defaultdict(set)
    for name in packed[0]:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        with tarfile.open(tmp_path / "one" / name) as shard:
            for member in shard:
                key, _, what = member.name.partition(".")
                samples[key].add(what)
    assert len(samples) == 2 * len(ACTORS) + 2 * len(DRUMMERS)
    assert {frozenset(held) for held in samples.values()} == {
        frozenset(("flac", "mel.npy", "embedding.npy", "json")),
        frozenset(("notes.parquet", "json")),
    }


# --- by name ---------------------------------------------------------------------------------------------------------


def test_a_dataset_is_named_instead_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "config" / "motet").mkdir(parents=True)
    (tmp_path / "config" / "motet" / "roots.toml").write_text(f'roots = ["{tmp_path / "disk"}"]\n')
    drums(tmp_path / "disk" / "under another name")
    command = ["build", "prepare", "--from", "dataset:groove", "--to", str(tmp_path / "data")]
    assert main([*command, "--dry-run"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"dataset:groove is read from {tmp_path}/disk/under another name." in said
    assert re.search(r"groove in \S+/under another name (is not complete|has damaged files): .*10 of 1,150 files of midi", said)
    assert f"prepare: 11 files (11 new to {tmp_path}/data), 0 passed over." in said
    assert main([*command, "--json", "--workers", "1"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tables"] == {"files": 10, "labels": 10, "features": 10}
    assert "What there is to train on" in Path(told["report"]).read_text()
    (tmp_path / "disk" / "under another name" / "drummer1" / "session1" / "2_rock_92_fill_4-4.mid").unlink()
    assert main(["build", "prepare", "--to", str(tmp_path / "data"), "--dry-run"]) == 0
    assert f"{tmp_path}/data holds 1 file whose content is no longer there" in capsys.readouterr().out


def test_a_dataset_that_is_not_there_is_refused_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pointers = tmp_path / "disk" / "CREMA-D" / "AudioWAV"
    pointers.mkdir(parents=True)
    for actor in range(1001, 1004):
        text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{actor:064}\nsize 50000\n"
        (pointers / f"{actor}_DFA_ANG_XX.wav").write_text(text)
    for name, said in {
        f"dataset:crema-d@{tmp_path}/disk": "holds pointers in place of its files: `motet inventory fetch crema-d` gets it",
        f"dataset:maestro@{tmp_path}/disk": "No copy of maestro lies under",
        "dataset:maestro@": "names no folder behind the @: write dataset:maestro@/some/folder.",
        f"dataset:grove@{tmp_path}/disk": "There is no dataset called 'grove'",
    }.items():
        assert main(["build", "prepare", "--from", name, "--to", str(tmp_path / "data")]) != 0
        assert said in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


# --- the real ones ---------------------------------------------------------------------------------------------------


@pytest.mark.shared
def test_groove_itself(shared: Path, world: World) -> None:
    world.build(shared / "datasets" / "groove")
    rows = world.labels().values()
    # Takes are counted from 1 in each session, so names alone are fewer than files.
    assert world.rows('SELECT count(*) AS n, count(DISTINCT "group") AS g FROM labels') == [{"n": 1150, "g": 10}]
    assert {row["split"] for row in rows} == {"train", "validation", "test"}
    assert all(len(found) == 1 for found in world.splits().values())
    assert all(row["bpm"] == int(name.split("_")[2]) for name, row in world.labels().items())
    assert world.rows("SELECT count(*) AS n FROM features WHERE what = 'notes'") == [{"n": 1150}]
    assert world.build(shared / "datasets" / "groove").done_now == 0


@pytest.mark.shared
def test_the_ravdess_sample(shared: Path, world: World) -> None:
    world.build(shared / "datasets" / "emotion" / "ravdess_sample")
    told = world.labels()
    assert len(told) == 10
    words = {"01": "neutral", "02": "calm", "03": "happy", "04": "sad", "05": "angry", "06": "fearful", "07": "disgust"}
    words["08"] = "surprised"
    assert all(row["emotion"] == words[name.split("-")[2]] for name, row in told.items())
    assert set(world.splits()) == {"actor 01"}
    assert world.rows("SELECT what, count(*) AS n FROM features GROUP BY what ORDER BY what") == [
        {"what": "audio", "n": 10},
        {"what": "mel", "n": 10},
    ]
