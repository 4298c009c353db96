"""A dataset is plain Parquet: it opens in one line with what people already use."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from motet import Dataset
from motet.recipe import load
from motet.run.build import build
from toys.midi import song

SETTINGS = ["render_stems.rate=16000", "segment.shortest=3", "segment.target=5", "clean.shortest=3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("anywhere")
    (root / "songs").mkdir()
    (root / "songs" / "a.mid").write_bytes(song(1))
    (root / "songs" / "b.mid").write_bytes(song(1, velocity=60))
    build(load("text-to-music").changed(SETTINGS), [root / "songs"], root / "my-dataset", workers=1)
    return root / "my-dataset"


def test_pandas(folder: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    captions = pandas.read_parquet(folder / "snapshots/live/captions.parquet")
    assert len(captions) == Dataset(folder).tables()["captions"] > 0
    assert captions["text"].str.endswith(".").all()
    clips = pandas.read_parquet(folder / "snapshots/live/clips.parquet")
    assert set(clips["id"]) == set(captions["id"])
    assert (folder / clips["audio"].iloc[0]).exists()


def test_duckdb(folder: Path) -> None:
    sql = f"SELECT count(*), sum(\"end\" - start) FROM '{folder}/snapshots/live/clips.parquet'"
    ((number, seconds),) = duckdb.sql(sql).fetchall()
    assert (number, seconds > 0) == (Dataset(folder).tables()["clips"], True)


def test_huggingface_datasets(folder: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    loaded = datasets.load_dataset(
        "parquet", data_files=str(folder / "snapshots/live/captions.parquet"), split="train", cache_dir=str(tmp_path)
    )
    assert loaded.num_rows == Dataset(folder).tables()["captions"]
    assert "text" in loaded.column_names


def test_every_table_opens_even_an_empty_one(folder: Path) -> None:
    for table, number in Dataset(folder).tables().items():
        read = pq.read_table(folder / "snapshots" / "live" / f"{table}.parquet")
        assert read.num_rows == number
        assert read.column_names[:4] == ["id", "source", "path", "lineage"]
        assert read.column("id").to_pylist() == sorted(set(read.column("id").to_pylist()))


def test_motet_s_own_reader(folder: Path) -> None:
    dataset = Dataset(folder)
    assert dataset.table("captions").num_rows == dataset.tables()["captions"]
    ((text,),) = dataset.query("SELECT text FROM captions ORDER BY id LIMIT 1").fetchall()
    assert isinstance(text, str)


def test_media_open_with_any_player_s_library(folder: Path) -> None:
    import soundfile
    import symusic

    dataset = Dataset(folder)
    for audio, frames in dataset.query("SELECT audio, frames FROM mixes").fetchall():
        assert soundfile.info(folder / audio).frames == frames
    for midi, notes in dataset.query("SELECT midi, notes FROM parts").fetchall():
        assert symusic.Score(folder / midi).note_num() == notes


def test_the_dataset_may_be_moved(folder: Path, tmp_path: Path) -> None:
    import shutil

    moved = tmp_path / "elsewhere"
    shutil.copytree(folder, moved, symlinks=True)
    assert Dataset(moved).tables() == Dataset(folder).tables()
    from motet.dataset.keeping.checking import check

    assert list(check(moved)) == []
