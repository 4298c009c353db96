"""Training data for MusicGen: what is written, what its loader makes of it, and what stops it or goes wrong in silence."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import UserError
from motet.export import audiocraft, loader_rules, twelve_fields
from motet.export.audiocraft import FIELDS, KNOWN_SPLITS, MANIFEST, Clip, key_name
from motet.export.example import Fault
from motet.export.loader_rules import RULES
from motet.export.naming import file_name
from motet.export.publishing import PENDING
from motet.render.encoding import Format, encode

RATE = 32000


def sound(seconds: float = 24.0, rate: int = RATE, channels: int = 1, level: float = 0.25, format: Format = "flac") -> bytes:
    wave = level * np.sin(np.arange(round(seconds * rate)) * (2 * np.pi * 220 / rate))
    return encode(np.repeat(wave[:, None], channels, axis=1).astype(np.float32), rate, format)


@pytest.fixture(scope="module")
def tone() -> bytes:
    return sound()


def a_clip(number: int, artist: str = "") -> Clip:
    return Clip(
        id=f"song{number}.c000",
        audio=f"media/{number}",
        split={1: "valid", 2: "evaluate"}.get(number, "train"),
        title=f"Song {number}",
        artist=artist or f"Artist {number}",
        key="E flat major",
        bpm=119.96,
        genre="dub techno",
        moods=("calm", "dark"),
        keywords=("drum machine", "slow"),
        instruments=("bass", "synthesizer"),
        description="A calm dub techno loop, 120 BPM.",
    )


CLIPS = [a_clip(number) for number in range(10)]


def written(folder: Path, clips: Iterable[Clip], data: bytes, **options: Any) -> tuple[list[str], list[str]]:
    return audiocraft.write_clips(clips, folder, read=lambda _: data, **options)


def manifest(folder: Path, split: str = "train") -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress((folder / split / MANIFEST).read_bytes()).splitlines()]


# What is written


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, tone: bytes) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    written(folder, CLIPS, tone)
    return folder


def test_the_loader_finds_nothing_to_say_of_what_is_written(exported: Path) -> None:
    assert loader_rules.check(exported) == []


def test_every_clip_is_in_one_manifest_with_its_file_and_its_sidecar(exported: Path) -> None:
    lines = [line for split in KNOWN_SPLITS[:3] for line in manifest(exported, split)]
    assert len(lines) == len(CLIPS) == len({line["path"] for line in lines})
    for line in lines:
        assert list(line) == ["path", "duration", "sample_rate", "amplitude", "weight", "info_path"]
        assert (line["duration"], line["sample_rate"], line["info_path"]) == (24.0, RATE, None)
        assert line["amplitude"] == pytest.approx(0.25, abs=1e-4)
        assert (exported / line["path"]).is_file()
        assert set(FIELDS) <= set(json.loads((exported / line["path"]).with_suffix(".json").read_bytes()))


def test_a_sidecar_says_what_the_loader_understands(tmp_path: Path, tone: bytes) -> None:
    written(tmp_path, [replace(CLIPS[0], more={"licence": "cc-by-4.0"})], tone)
    (file,) = (tmp_path / "train").glob("*.json")
    assert json.loads(file.read_bytes()) == {
        "title": "Song 0",
        "artist": "Artist 0",
        "key": "Eb major",
        "bpm": 120.0,
        "genre": "dub techno",
        "moods": ["calm", "dark"],
        "keywords": ["drum machine", "slow"],  # a list: the loader takes a text apart at every space
        "description": "A calm dub techno loop, 120 BPM.",
        "name": file.stem,
        "instrument": "bass, synthesizer",  # a text: the loader drops a list
        "duration": 24.0,
        "sample_rate": RATE,
        "file_extension": "flac",
        "licence": "cc-by-4.0",
    }


def test_what_is_not_known_is_there_and_empty(tmp_path: Path, tone: bytes) -> None:
    _, remarks = written(tmp_path, [Clip("a", "x", "train")], tone)
    told = json.loads((tmp_path / "train" / "a.json").read_bytes())
    assert {name: told[name] for name in ("title", "key", "bpm", "moods", "instrument")} == {
        "title": "",
        "key": "",
        "bpm": None,
        "moods": [],
        "instrument": "",
    }
    assert any("without a description" in remark for remark in remarks)
    assert [fault.rule for fault in loader_rules.check(tmp_path)] == ["empty_description"]


def test_a_sidecar_is_ascii_for_a_loader_that_opens_it_in_any_encoding(tmp_path: Path, tone: bytes) -> None:
    clip = replace(CLIPS[0], title="Größe\ud800\n北", artist="Bj\u00f6rk")
    written(tmp_path, [clip], tone)
    (file,) = (tmp_path / "train").glob("*.json")
    assert file.read_bytes().isascii()
    assert json.loads(file.read_bytes())["title"] == "Größe 北"


@pytest.mark.parametrize("bpm", [0.0, -1.0, float("nan"), float("inf"), None])
def test_a_bpm_that_is_no_tempo_is_not_known(tmp_path: Path, tone: bytes, bpm: float | None) -> None:
    written(tmp_path, [replace(CLIPS[0], id="a", bpm=bpm)], tone)
    assert json.loads((tmp_path / "train" / "a.json").read_bytes())["bpm"] is None


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("E flat major", "Eb major"),
        ("eb:min", "Eb minor"),
        ("F#m", "F# minor"),
        ("F sharp minor", "F# minor"),
        ("B♭", "Bb major"),
        ("C", "C major"),
        ("b minor", "B minor"),
        ("B-flat major", "Bb major"),
        ("CM", "C major"),
        ("C major, A minor", ""),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_a_key_has_one_spelling_and_no_comma(told: str, name: str) -> None:
    assert key_name(told) == name


@given(st.lists(st.text(max_size=20), unique=True, max_size=30))
def test_names_of_files_differ_on_disks_that_fold_case(ids: list[str]) -> None:
    names = [file_name(one) for one in ids]
    assert len({name.casefold() for name in names}) == len(ids)
    assert all(name.isascii() and name == name.lower() and name.strip(". ") == name and "/" not in name for name in names)


def test_names_that_a_disk_reserves_are_others() -> None:
    assert file_name("4fc1.t000.c002") == "4fc1-t000-c002"
    assert {file_name("con"), file_name("nul.c001")}.isdisjoint({"con", "nul.c001"})
    assert file_name("Song") != file_name("song") == "song"


def test_equal_clips_give_equal_bytes(tmp_path: Path, tone: bytes) -> None:
    for name in ("one", "two"):
        written(tmp_path / name, CLIPS, tone)
    files = {path.relative_to(tmp_path / "one"): path.read_bytes() for path in (tmp_path / "one").rglob("*") if path.is_file()}
    again = {path.relative_to(tmp_path / "two"): path.read_bytes() for path in (tmp_path / "two").rglob("*") if path.is_file()}
    assert files == again


def test_paths_begin_with_the_root_that_training_sees(tmp_path: Path, tone: bytes) -> None:
    names, remarks = written(tmp_path, CLIPS, tone, root="dataset/mine/")
    assert all(line["path"].startswith("dataset/mine/train/") for line in manifest(tmp_path))
    assert loader_rules.check(tmp_path, "dataset/mine") == []
    assert remarks == []
    assert 'train: "dataset/mine/train"' in (tmp_path / "datasource.yaml").read_text()
    assert names == sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())


def test_wav_clips_keep_their_suffix(tmp_path: Path) -> None:
    written(tmp_path, [replace(CLIPS[0], id="a")], sound(format="wav"))
    assert (tmp_path / "train" / "a.wav").is_file()
    assert loader_rules.check(tmp_path) == []


@pytest.mark.parametrize("data", [b"", b"<html>", b"fLaC" + bytes(100), sound(1, format="mp3")])
def test_what_is_no_clip_is_not_published(tmp_path: Path, tone: bytes, data: bytes) -> None:
    sounds = {CLIPS[1].audio: data}
    with pytest.raises(UserError, match="media/1"):
        audiocraft.write_clips(CLIPS, tmp_path, read=lambda name: sounds.get(name, tone))
    assert list(tmp_path.iterdir()) == []


def test_what_reading_a_clip_raises_is_not_the_folders_fault(tmp_path: Path) -> None:
    def gone(name: str) -> bytes:
        raise FileNotFoundError(name)

    with pytest.raises(FileNotFoundError, match="media/0"):
        audiocraft.write_clips(CLIPS, tmp_path, read=gone)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_export_left_is_cleared_away(tmp_path: Path, tone: bytes) -> None:
    (tmp_path / PENDING / "train").mkdir(parents=True)
    (tmp_path / PENDING / "train" / "half.flac").write_bytes(tone[:100])
    written(tmp_path, CLIPS[:3], tone)
    assert not (tmp_path / PENDING).exists()


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path, tone: bytes) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="file"):
        written(tmp_path / "file" / "folder", CLIPS[:1], tone)


def test_fields_of_the_loader_are_not_overwritten(tmp_path: Path, tone: bytes) -> None:
    with pytest.raises(ValueError, match="bpm"):
        written(tmp_path, [replace(CLIPS[0], more={"bpm": 3})], tone)


# Splits


def test_splits_without_a_clip_are_said_to_be_empty(tmp_path: Path, tone: bytes) -> None:
    _, remarks = written(tmp_path, CLIPS[3:5], tone)
    assert [path.name for path in sorted(tmp_path.iterdir()) if path.is_dir()] == ["train"]
    assert sum("No clip is in" in remark for remark in remarks) == 2


def test_a_split_that_the_loader_does_not_know_is_refused(tmp_path: Path, tone: bytes) -> None:
    with pytest.raises(UserError, match="no split 'test'; there are: train, valid, evaluate, generate"):
        written(tmp_path, [replace(CLIPS[0], split="test")], tone)


def test_two_clips_of_one_id_are_refused(tmp_path: Path, tone: bytes) -> None:
    with pytest.raises(UserError, match=r"song0\.c000"):
        written(tmp_path, [CLIPS[0], CLIPS[0]], tone)


# The loader's rules


class Set:
    """Two clips in train, to be spoiled."""

    def __init__(self, folder: Path, data: bytes) -> None:
        self.folder = folder
        clips = [replace(a_clip(number), id=name, split="train") for number, name in enumerate("ab")]
        written(folder, clips, data)
        self.clip, self.sidecar, self.manifest = (folder / "train" / name for name in ("a.flac", "a.json", MANIFEST))

    def tell(self, **fields: object) -> None:
        self.sidecar.write_text(json.dumps(json.loads(self.sidecar.read_text()) | fields))

    def line(self, **fields: object) -> None:
        first, *others = manifest(self.folder)
        self.write_lines([json.dumps(first | fields), *map(json.dumps, others)])

    def replace(self, data: bytes, **fields: object) -> None:
        self.clip.write_bytes(data)
        self.line(**fields)

    def write_lines(self, lines: list[str]) -> None:
        self.manifest.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))

    def faults(self) -> list[Fault]:
        return loader_rules.check(self.folder)


@pytest.fixture
def clips(tmp_path: Path, tone: bytes) -> Set:
    return Set(tmp_path, tone)


def drop(name: str) -> Callable[[Set], None]:
    def spoil(of: Set) -> None:
        told = json.loads(of.sidecar.read_text())
        del told[name]
        of.sidecar.write_text(json.dumps(told))

    return spoil


SPOILT: list[tuple[str, Callable[[Set], object]]] = [
    ("no_sidecar", lambda of: of.sidecar.unlink()),
    ("sidecar_not_json", lambda of: of.sidecar.write_text("{")),
    ("sidecar_not_json", lambda of: of.sidecar.write_text("[1]")),
    ("sidecar_not_json", lambda of: of.sidecar.write_bytes(b"\xff\xfe")),
    *(("field_missing", drop(name)) for name in loader_rules.REQUIRED),
    ("key_with_comma", lambda of: of.tell(key="C major, A minor")),
    ("bpm_not_a_number", lambda of: of.tell(bpm="fast")),
    ("bpm_not_a_number", lambda of: of.tell(bpm=[120])),
    ("bpm_not_a_number", lambda of: of.tell(bpm="nan")),
    ("bpm_not_a_number", lambda of: of.tell(bpm=True)),
    ("bpm_not_a_number", lambda of: of.tell(bpm=0)),
    ("bpm_not_a_number", lambda of: of.tell(bpm=10**400)),
    ("field_not_text", lambda of: of.tell(instrument=["bass", "drums"])),
    ("list_not_texts", lambda of: of.tell(moods={"calm": 1})),
    ("list_not_texts", lambda of: of.tell(keywords=[1, 2])),
    ("empty_description", lambda of: of.tell(description="  ")),
    ("empty_description", lambda of: of.tell(description="None")),
    ("file_missing", lambda of: of.clip.unlink()),
    ("file_missing", lambda of: of.line(path="../" * 40 + "nowhere.flac")),
    ("file_missing", lambda of: of.line(path="x" * 5000)),
    ("path_moved", lambda of: of.line(path="/home/someone/export/train/a.flac")),
    ("path_moved", lambda of: of.line(path="dataset/mine/train/a.flac")),
    ("path_absolute", lambda of: of.line(path=str(of.clip.absolute()))),
    ("bad_info_path", lambda of: of.line(info_path="train/a.json")),
    ("bad_weight", lambda of: of.line(weight=float("nan"))),
    ("bad_weight", lambda of: of.line(weight=-1)),
    ("unreadable", lambda of: of.clip.write_bytes(b"no sound")),
    ("wrong_duration", lambda of: of.line(duration=30.0)),
    ("wrong_duration", lambda of: of.clip.write_bytes(sound(25))),
    ("wrong_rate", lambda of: of.line(sample_rate=44100)),
    ("other_rate", lambda of: of.replace(sound(rate=16000), sample_rate=16000)),
    ("not_mono", lambda of: of.clip.write_bytes(sound(channels=2))),
    ("short_clip", lambda of: of.replace(sound(23.9), duration=23.9)),
    ("silent", lambda of: of.clip.write_bytes(sound(level=0))),
    ("bad_line", lambda of: of.line(path="")),
    ("bad_line", lambda of: of.line(path=None)),
    ("bad_line", lambda of: of.line(duration="24")),
    ("bad_line", lambda of: of.line(duration=float("nan"))),
    ("bad_line", lambda of: of.line(sample_rate=32000.5)),
    ("bad_line", lambda of: of.write_lines([*map(json.dumps, manifest(of.folder)), ""])),
    ("bad_line", lambda of: of.write_lines([*map(json.dumps, manifest(of.folder)), "[]"])),
    ("duplicate_path", lambda of: of.write_lines([json.dumps(line) for line in manifest(of.folder) * 2][:3])),
    ("empty_manifest", lambda of: of.write_lines([])),
    ("bad_manifest", lambda of: of.manifest.write_bytes(of.manifest.read_bytes()[:-9])),
    ("no_manifest", lambda of: of.manifest.unlink()),
    ("two_manifests", lambda of: (of.folder / "train/data.jsonl").write_bytes(gzip.decompress(of.manifest.read_bytes()))),
]


@pytest.mark.parametrize(("rule", "spoil"), SPOILT)
def test_each_rule_sees_its_fault_and_no_other_does(clips: Set, rule: str, spoil: Callable[[Set], object]) -> None:
    assert clips.faults() == []
    spoil(clips)
    found = clips.faults()
    assert [fault.rule for fault in found] == [rule]
    assert found[0].sentence.endswith(".")
    assert (found[0].where or ".").startswith(("train/data.jsonl", "."))


def test_every_rule_is_tested() -> None:
    assert set(RULES) <= {rule for rule, _ in SPOILT}


def test_two_sounds_of_one_sidecar(clips: Set, tone: bytes) -> None:
    shutil.copy(clips.clip, clips.folder / "train" / "A.wav")
    clips.write_lines(
        [json.dumps(line) for line in manifest(clips.folder)] + [json.dumps(manifest(clips.folder)[0] | {"path": "train/a.wav"})]
    )
    (clips.folder / "train" / "a.wav").write_bytes(sound(format="wav"))
    assert [fault.rule for fault in clips.faults()] == ["shared_sidecar"]


def test_an_artist_in_two_splits_is_seen_under_another_spelling(tmp_path: Path, tone: bytes) -> None:
    written(tmp_path, CLIPS, tone)
    (sidecar,) = list((tmp_path / "valid").glob("*.json"))[:1]
    other = json.loads(next(iter((tmp_path / "train").glob("*.json"))).read_text())["artist"]
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"artist": f"{other.upper()} (feat. Somebody)"}))
    assert [fault.rule for fault in loader_rules.check(tmp_path)] == ["artist_in_two_splits"]


def test_what_the_loader_copes_with_is_not_fatal(clips: Set) -> None:
    clips.replace(sound(20, rate=16000, channels=2), duration=20.0, sample_rate=16000)
    assert {(fault.rule, fault.fatal) for fault in clips.faults()} == {
        ("short_clip", False),
        ("other_rate", False),
        ("not_mono", False),
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=6,
    )
)
def test_nothing_in_a_manifest_line_stops_the_check(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "data.jsonl").write_text(
        "\n".join(
            json.dumps({"path": "a.flac", "duration": 24.0, "sample_rate": 1, **line})
            for line in ({"path": value}, {"duration": value}, {"sample_rate": value}, {"weight": value}, {"info_path": value})
        )
    )
    assert loader_rules.check(folder)


# The twelve fields


def test_the_twelve_fields_of_a_home_made_set(tmp_path: Path, tone: bytes) -> None:
    names, remarks = twelve_fields.write_clips([replace(CLIPS[0], id="a")], tmp_path, read=lambda _: tone, root="s3://bucket/set")
    assert names == ["audio/a.flac", "training_metadata.json"]
    assert remarks == []
    (told,) = json.loads((tmp_path / "training_metadata.json").read_text())
    assert list(told) == list(twelve_fields.FIELDS)
    assert told == {
        "title": "Song 0",
        "artist": "Artist 0",
        "duration": "24",
        "self_wav": "s3://bucket/set/audio/a.flac",
        "genre": "dub techno",
        "bpm": 120.0,
        "key": "Eb",
        "scale": "major",
        "mood": ["calm", "dark"],
        "keywords": ["drum machine", "slow"],
        "instruments": ["bass", "synthesizer"],
        "prompt": "A calm dub techno loop, 120 BPM.",
    }


def test_the_twelve_fields_invent_nothing(tmp_path: Path, tone: bytes) -> None:
    _, remarks = twelve_fields.write_clips([Clip("a", "x", "train")], tmp_path, read=lambda _: tone)
    (told,) = json.loads((tmp_path / "training_metadata.json").read_text())
    assert {name for name, value in told.items() if value} == {"duration", "self_wav"}
    assert told["bpm"] is None
    assert len(remarks) == 10
