"""What cleaning takes out, and what it never does."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from motet import Dataset
from motet.cli import main
from motet.dataset import versions
from motet.dataset.keeping.checking import check
from motet.dataset.keeping.cleaning import Cleaning, clean
from motet.dataset.keeping.repairing import repair
from motet.dataset.lock import writer_lock
from motet.labels import FILE, Labels
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys.compare import assert_same
from toys.numbers import recipe, sources


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(1) as pool:
        yield pool


@pytest.fixture
def data(tmp_path: Path, engine: LocalEngine) -> Path:
    """Built by two settings, tagged between, with a source gone since."""
    build(recipe(2), [sources(tmp_path / "sources")], tmp_path / "data", engine=engine)
    (tmp_path / "sources" / "f.txt").unlink()
    build(recipe(), [tmp_path / "sources"], tmp_path / "data", engine=engine)
    return tmp_path / "data"


def files(data: Path) -> set[str]:
    return {str(path.relative_to(data)) for path in data.rglob("*") if path.is_file() and path.name != ".lock"}


def test_a_dry_run_says_what_a_cleaning_does_and_changes_nothing(data: Path) -> None:
    (data / "snapshots" / ".draft").mkdir()
    for name in ("1", "2"):
        (data / "runs" / name).mkdir()
        (data / "runs" / name / "report.html").write_text("page")
    (data / "cache" / "scan").mkdir(parents=True)
    (data / "cache" / "enrich").mkdir()
    (data / "cache" / "scan" / "files.sqlite").write_bytes(b"hashes")
    (data / "cache" / "enrich" / "answers.sqlite").write_bytes(b"what a service said, once")
    before = files(data)
    with writer_lock(data):
        said = clean(data, dry_run=True, caches=True)
        assert files(data) == before
        assert clean(data, caches=True) == said
    assert said.answers > 0
    assert (said.snapshots, said.pages, said.leftovers, said.caches) == (1, 1, 1, 1)
    assert not (data / "runs" / "1" / "report.html").exists()
    assert (data / "runs" / "2" / "report.html").exists()
    assert (data / "cache" / "enrich" / "answers.sqlite").exists()
    assert len([name for name in before - files(data) if name.startswith("media/")]) == said.media > 0
    with writer_lock(data):
        assert clean(data, caches=True) == Cleaning(0, 0, 0, 0, 0, 0, 0)


def test_what_is_live_stays_whole_and_is_not_made_again(data: Path, tmp_path: Path, engine: LocalEngine) -> None:
    Labels(data / FILE).add("one", "good")
    with writer_lock(data):
        clean(data)
    assert list(check(data, leftovers=True)) == []
    assert build(recipe(), [tmp_path / "sources"], data, engine=engine).done_now <= 1  # the stage over all rows
    build(recipe(), [tmp_path / "sources"], tmp_path / "fresh", engine=engine)
    assert_same(data, tmp_path / "fresh")
    assert len(Labels.open(data / FILE).all()) == 1


def test_a_tag_keeps_its_media(data: Path, tmp_path: Path, engine: LocalEngine) -> None:
    versions.create(data, "v1")
    needed = {row["written"] for row in Dataset(f"{data}@v1").table("digits").to_pylist()}
    for path in (tmp_path / "sources").iterdir():
        path.unlink()
    (tmp_path / "sources" / "z.txt").write_text("0")
    build(recipe(), [tmp_path / "sources"], data, engine=engine)
    with writer_lock(data):
        clean(data)
    assert needed <= files(data)


READER = """
import sys
from pathlib import Path
from motet import Dataset
rows = None
print("reading", flush=True)
for line in sys.stdin:
    data = Dataset(sys.argv[1])
    now = data.table("digits").to_pylist()
    assert rows in (None, now)
    rows = now
    for row in rows:
        data.media.read(row["written"])
    print(len(rows), flush=True)
"""


def test_a_reader_in_another_process_keeps_reading(data: Path) -> None:
    reader = subprocess.Popen([sys.executable, "-c", READER, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert reader.stdin
    assert reader.stdout
    with reader, reader.stdin, writer_lock(data):
        assert reader.stdout.readline() == "reading\n"
        reader.stdin.write("again\n" * 20)  # it reads while we clean
        reader.stdin.flush()
        clean(data)
        told = [reader.stdout.readline() for _ in range(20)]
        reader.stdin.close()
        assert reader.wait(60) == 0
    assert set(told) == {f"{len(Dataset(data).table('digits'))}\n"}


def test_the_command_says_what_went(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clean", str(data), "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("Would forget")
    assert main(["clean", str(data), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["answers"] > 0
    assert not said["dry_run"]
    shutil.rmtree(data)
    assert main(["clean", str(data)]) == 2


@pytest.mark.parametrize("called", ["data", "./data", "../here/data", "link"])
def test_whatever_a_dataset_is_called_what_is_live_stays(
    called: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a path from where one stands, or by a link."""
    here = tmp_path / "here"
    here.mkdir()
    shutil.move(data, here / "data")
    (here / "link").symlink_to("data")
    monkeypatch.chdir(here)
    before = Dataset(here / "data").tables()
    for command in (["check"], ["check", "--repair"], ["clean"], ["check"], ["status"]):
        assert main([command[0], called, *command[1:]]) == 0, (command, capsys.readouterr())
    assert Dataset(here / "data").tables() == before
    assert "is not live" not in capsys.readouterr().out


def test_a_cleaning_that_was_cut_short_is_finished_by_the_next(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It leaves parts that no commit names, which the next one commits under the same names."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with writer_lock(data):
        with monkeypatch.context() as patched:
            patched.setattr("motet.dataset.keeping.record.replace", killed)
            with pytest.raises(KeyboardInterrupt):
                clean(data)
        assert clean(data).answers > 0
    assert list(check(data, leftovers=True)) == []


def test_files_that_are_not_motet_s_stay_where_they_are(data: Path, tmp_path: Path, engine: LocalEngine) -> None:
    """The user's own inside the dataset, and all that links in it lead to."""
    outside = tmp_path / "outside"
    (outside / "tmp_folder").mkdir(parents=True)
    own = [data / "work/mine/notes.txt", data / "tables/digits/README", data / "media/fav/best.flac", data / "snapshots/2024/a"]
    own += [outside / name for name in ("precious.txt", ".notes.tmp", "tmp_folder/file")]
    for path in own:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    for place in ("work/else", "tables/else", "media/ab", "cache/else", "runs/else", "snapshots/.draft"):
        (data / place).parent.mkdir(exist_ok=True)
        shutil.rmtree(data / place, ignore_errors=True)
        (data / place).symlink_to(outside)
    with writer_lock(data):
        clean(data, caches=True)
        repair(data)
    build(recipe(3), [tmp_path / "sources"], data, engine=engine)
    assert [path for path in own if not path.exists()] == []
    assert sorted(path.name for path in outside.iterdir()) == [".notes.tmp", "precious.txt", "tmp_folder"]
