"""A folder of sounds with a table each split, as the loader of AudioFolder reads it; and what it passes over without a word."""

import json
import shutil
import sys
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.errors import UserError
from motet.export import audiofolder
from motet.export.example import Choice, Example, Examples
from motet.export.publishing import LIST
from toys.examples import example, examples

ALL = frozenset(("mix", "stems", "midi", "video", "captions"))
TABLE = "data/train/metadata.parquet"


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """`load_dataset`, with modules called as those that the loader imports to encode sounds, and does not need for paths."""
    torch, codec = types.ModuleType("torch"), types.ModuleType("torchcodec.encoders")
    torch.Tensor, torch.Generator, torch.nn = (
        type("T", (), {}),
        type("G", (), {}),
        types.SimpleNamespace(Module=type("M", (), {})),
    )  # type: ignore[attr-defined]
    codec.AudioEncoder = None  # type: ignore[attr-defined]
    for name, module in (("torch", torch), ("torchcodec", types.ModuleType("torchcodec")), ("torchcodec.encoders", codec)):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()

    def load(*where: str, **how: Any) -> Any:
        return datasets.load_dataset(*where, cache_dir=str(tmp_path / "cache"), **how)

    return load


def rows(split: Any) -> list[dict[str, Any]]:
    """Rows with the paths of their sounds: decoding them needs torchcodec."""
    found: list[dict[str, Any]] = split.with_format("arrow")[:].to_pylist()
    return found


def of(*made: Example) -> Examples:
    return lambda: iter(sorted(made, key=lambda one: (("train", "validation", "test").index(one.split), one.id)))


def rules(folder: Path) -> set[str]:
    return {fault.rule for fault in audiofolder.check(folder)}


# --- What the consumer loads ---


@pytest.mark.parametrize("how", ["by name", "by its files", "by its card"])
def test_the_loader_finds_every_sound_and_what_is_known_of_it(how: str, loader: Callable[..., Any], tmp_path: Path) -> None:
    given_, out = examples(10, video=True), tmp_path / "out"
    audiofolder.write(given_, out, Choice(ALL, captions="all"))
    if how == "by its card":
        (out / "README.md").write_text(f"---\n{yaml.safe_dump(audiofolder.front_matter(out))}---\n")
    found = loader("audiofolder", data_dir=str(out)) if how == "by name" else loader(str(out))
    assert {name: len(split) for name, split in found.items()} == {"train": 6, "validation": 2, "test": 2}
    features = found["train"].features
    assert features["audio"] == datasets.Audio()
    assert features["stems"].feature["audio"] == datasets.Audio()
    assert features["captions"] == datasets.List(datasets.Value("string"))
    assert features["notes"] == datasets.Value("int64")

    there = {row["id"]: row for split in found.values() for row in rows(split)}
    for one in given_():
        row = there[one.id]
        assert Path(row["audio"]["path"]).read_bytes() == one.mix.stored()  # type: ignore[union-attr, misc]
        assert soundfile.info(row["audio"]["path"]).duration == pytest.approx(row["seconds"])
        assert (row["captions"], row["tempo"], row["key"]) == (list(one.captions), one.facts["tempo"], one.facts["key"])
        assert (out / row["midi_path"]).read_bytes() == one.midi()  # type: ignore[misc]
        assert (out / row["video_path"]).read_bytes() == one.video()  # type: ignore[misc]
        for stem, told in zip(one.stems, row["stems"], strict=True):
            assert (told["name"], told["role"]) == (stem.name, stem.role)
            assert Path(told["audio"]["path"]).read_bytes() == stem.sound.stored()  # type: ignore[union-attr, misc]
            assert (out / told["midi_path"]).read_bytes() == stem.midi()  # type: ignore[misc]
    assert audiofolder.check(out) == []


def test_a_split_in_which_nothing_is_known_has_the_same_types(loader: Callable[..., Any], tmp_path: Path) -> None:
    """Of JSON lines the loader would guess other types for it, and refuse."""
    known, unknown = example(1, "train"), replace(example(2, "test"), facts={}, title="", captions=())
    audiofolder.write(of(known, unknown), tmp_path / "out", Choice())
    found = loader(str(tmp_path / "out"))
    assert found["train"].features == found["test"].features
    assert found["train"].features["tempo"] == datasets.Value("float64")


def test_a_title_that_looks_like_a_day_stays_a_text(loader: Callable[..., Any], tmp_path: Path) -> None:
    audiofolder.write(of(replace(example(1, "train"), title="1999-12-31")), tmp_path / "out", Choice())
    assert rows(loader(str(tmp_path / "out"))["train"])[0]["title"] == "1999-12-31"


@pytest.mark.parametrize("audio", ["wav", "ogg", "opus", "mp3"])
def test_any_format_of_sound_is_found(audio: Any, loader: Callable[..., Any], tmp_path: Path) -> None:
    audiofolder.write(examples(2, video=True), tmp_path / "out", Choice(frozenset(("mix", "video")), audio=audio, rate=48000))
    (one, _) = rows(loader(str(tmp_path / "out"))["train"])
    assert one["audio"]["path"].endswith(f".{audio}")
    assert soundfile.info(one["audio"]["path"]).samplerate == 48000
    assert audiofolder.check(tmp_path / "out") == []


def test_an_example_called_like_a_split_makes_none(loader: Callable[..., Any], tmp_path: Path) -> None:
    audiofolder.write(of(replace(example(1, "train"), id="test")), tmp_path / "out", Choice(ALL))
    assert list(loader(str(tmp_path / "out"))) == ["train"]


@settings(max_examples=8)
@given(ids=st.lists(st.text(st.sampled_from("ab.-é\ud800/"), min_size=1, max_size=4), min_size=2, max_size=5, unique=True))
def test_ids_alike_keep_files_of_their_own(ids: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("ids")
    made = [replace(example(0, "train"), id=id, song=id, stems=()) for id in ids]
    audiofolder.write(of(*made), folder, Choice(frozenset(("mix",))))
    named = pq.read_table(folder / TABLE)["file_name"].to_pylist()
    assert len({name.casefold() for name in named}) == len(ids)
    assert audiofolder.check(folder) == []


def test_a_newcomer_moves_nobody(tmp_path: Path) -> None:
    for folder, count in (("before", 8), ("after", 10)):
        audiofolder.write(examples(count), tmp_path / folder, Choice(ALL))
    before, after = ({p.relative_to(tmp_path / f) for p in (tmp_path / f).rglob("*.*")} for f in ("before", "after"))
    assert before < after


def test_an_example_without_a_mix_is_left_out(tmp_path: Path) -> None:
    some = [replace(example(n, "train"), mix=None) if n == 2 else example(n, "train") for n in range(4)]
    written = audiofolder.write(of(*some), tmp_path, Choice())
    assert "1 example without a mix is left out." in written.remarks
    assert len(pq.read_table(tmp_path / TABLE)) == 3
    with pytest.raises(UserError, match="No example has a mix"):
        audiofolder.write(of(some[2]), tmp_path / "none", Choice())
    with pytest.raises(UserError, match="include the mix"):
        audiofolder.write(of(some[2]), tmp_path / "none", Choice(frozenset(("midi",))))


# --- The checker: each of these loads without an error, or with one that does not say what is wrong ---


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    done = audiofolder.write(examples(10, video=True), folder, Choice(ALL))
    (folder / LIST).write_text(json.dumps({"files": done.files, "pieces": list(done.pieces)}))
    return folder


@pytest.fixture
def out(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "out"))


def table(out: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(out / TABLE).to_pylist()
    return rows


def sound(out: Path) -> Path:
    return out / "data/train" / str(table(out)[0]["file_name"])


def stem(out: Path) -> Path:
    return out / "data/train" / str(table(out)[0]["stems"][0]["file_name"])


def told(out: Path, **values: Any) -> None:
    """The table of the split train with other values in its first row."""
    kind = pq.read_schema(out / TABLE)
    first, *others = table(out)
    pq.write_table(pa.Table.from_pylist([first | values, *others], kind), out / TABLE)


def as_lines(out: Path, split: str = "train", name: str = "metadata.jsonl") -> None:
    """The same table as JSON lines, as people write it by hand."""
    rows = pq.read_table(out / f"data/{split}/metadata.parquet").to_pylist()
    (out / f"data/{split}/metadata.parquet").unlink()
    (out / f"data/{split}/{name}").write_text("".join(json.dumps(row) + "\n" for row in rows))


def rewritten(out: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(out / TABLE)), out / TABLE)


def renamed(out: Path) -> None:
    """A sound with a suffix of nobody's, in the table too."""
    place = sound(out).rename(sound(out).with_suffix(".sound"))
    told(out, file_name=place.relative_to(out / "data/train").as_posix())


def spoiled(path: Path, at: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 0x10
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("no_metadata", lambda out: [path.unlink() for path in out.glob("data/*/metadata.parquet")]),
        ("no_metadata", lambda out: (out / TABLE).unlink()),
        ("two_formats", as_lines),
        ("misnamed", lambda out: as_lines(out, name="metadata.json")),
        ("misnamed", lambda out: (out / TABLE).rename(out / "data/train/Metadata.parquet")),
        ("sidecar", lambda out: sound(out).with_suffix(".json").write_text("{}")),
        ("ignored", lambda out: (out / TABLE).rename(out / "metadata.parquet")),
        ("ignored", lambda out: (out / "data/train").rename(out / "data/songs")),
        ("several_tables", lambda out: shutil.copy(out / TABLE, sound(out).parent / "metadata.parquet")),
        ("unreadable", lambda out: (out / TABLE).write_bytes(b"")),
        ("empty", lambda out: rewritten(out, lambda rows: rows.slice(0, 0))),
        ("other_columns", lambda out: rewritten(out, lambda rows: rows.drop_columns(["tempo"]))),
        ("no_file_name", lambda out: rewritten(out, lambda rows: rows.rename_columns({"file_name": "filename"}))),
        ("bad_path", lambda out: told(out, file_name=None)),
        ("bad_path", lambda out: told(out, file_name="/etc/passwd")),
        ("bad_path", lambda out: told(out, file_name="../../../x.flac")),
        ("bad_path", lambda out: told(out, file_name="file:///etc/passwd")),
        ("missing", lambda out: told(out, file_name="x.flac")),
        ("missing", lambda out: told(out, file_name=table(out)[0]["file_name"].upper())),
        ("missing", lambda out: told(out, file_name=sound(out).name)),
        ("missing", lambda out: told(out, midi_path="x.mid")),
        ("missing", lambda out: sound(out).unlink()),
        ("named_twice", lambda out: told(out, file_name=table(out)[1]["file_name"])),
        ("unnamed", lambda out: shutil.copy(sound(out), sound(out).with_name("more.flac"))),
        ("extra", lambda out: shutil.copy(sound(out), sound(out).with_name("more.flac"))),
        ("no_suffix", renamed),
        ("damaged", lambda out: sound(out).write_bytes(b"")),
        ("damaged", lambda out: sound(out).write_bytes(sound(out).read_bytes()[:-2000])),
        ("damaged", lambda out: spoiled(sound(out), 0.7)),
        ("damaged", lambda out: spoiled(stem(out), 0.7)),
        ("damaged", lambda out: sound(out).with_suffix(".mid").write_bytes(b"MThd")),
        ("damaged", lambda out: next(out.glob("films/*/*")).write_bytes(next(out.glob("films/*/*")).read_bytes()[:3000])),
        ("damaged", lambda out: told(out, seconds=30.0)),
        ("leak", lambda out: told(out, song=pq.read_table(out / "data/test/metadata.parquet")["song"][0].as_py())),
        ("twice", lambda out: told(out, id=table(out)[1]["id"])),
        ("not_audio", lambda out: [(sound(out).with_name(f"{n}.mp4")).write_bytes(b"") for n in range(30)]),
        ("two_splits", lambda out: (out / "data/train").rename(out / "data/test/train")),
        ("no_sound", lambda out: shutil.rmtree(out / "data")),
        ("other_size", lambda out: sound(out).write_bytes(b"")),
    ],
)  # fmt: skip
def test_the_checker_finds(rule: str, spoil: Callable[[Path], Any], out: Path) -> None:
    spoil(out)
    assert rule in rules(out)


def test_a_table_of_json_lines_is_read_too(out: Path) -> None:
    (out / LIST).unlink()
    for split in ("train", "validation", "test"):
        as_lines(out, split)
    assert "unreadable" not in rules(out)
    assert "unnamed" not in rules(out)


def test_what_the_checker_says_of_types_is_what_the_loader_says(loader: Callable[..., Any], out: Path) -> None:
    """JSON lines in which nobody's key is known have another type there."""
    (out / LIST).unlink()
    told(out, key=None)
    for split in ("train", "validation", "test"):
        as_lines(out, split)
    path = out / "data/test/metadata.jsonl"
    path.write_text("".join(json.dumps(json.loads(line) | {"key": None}) + "\n" for line in path.read_text().splitlines()))
    assert "other_columns" in rules(out)
    with pytest.raises(ValueError, match="different features"):
        loader(str(out))


def test_a_split_without_a_table_has_no_row(loader: Callable[..., Any], out: Path) -> None:
    """The trap that the rule `no_metadata` is about: its sounds are there, and none is loaded."""
    (out / "data/test/metadata.parquet").unlink()
    assert "no_metadata" in rules(out)
    with pytest.raises(ValueError, match="no data"):
        loader("audiofolder", data_dir=str(out))


@settings(max_examples=25)
@given(data=st.binary(max_size=200))
def test_no_bytes_make_the_checker_raise(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("bytes") / "train"
    folder.mkdir()
    for name in ("metadata.csv", "metadata.jsonl", "metadata.parquet", "a.flac", "b.mid"):
        (folder / name).write_bytes(data)
    assert "two_formats" in rules(folder.parent)
