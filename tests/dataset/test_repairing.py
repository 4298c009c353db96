"""What a repair owes: whatever is damaged, after it and one build the dataset equals a fresh one, and judgements, tags and the
recipe file are as they were."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from motet import Dataset, UserError
from motet.cli import main
from motet.dataset.keeping.checking import check
from motet.dataset.keeping.cleaning import clean
from motet.dataset.keeping.repairing import Repair, repair
from motet.dataset.lock import writer_lock
from motet.dataset.snapshot import live
from motet.labels import FILE, Labels
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys.compare import assert_same
from toys.numbers import recipe, sources

DAMAGES = ["shorten", "flip", "delete", "empty", "twice", "rename", "swap"]
QUICK = {"tables/*/*", "commits.json", "snapshots/live"}
KINDS = ["work/*/*", "tables/*/*", "media/*/*", "snapshots/0*/*", "snapshots/0*/*/*", "commits.json", "snapshots/live"]


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(1) as pool:
        yield pool


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, engine: LocalEngine) -> Path:
    """Sources, the dataset built of them by two settings, and what a fresh build makes; never touched again."""
    root = tmp_path_factory.mktemp("repairing")
    sources(root / "sources")
    build(recipe(2), [root / "sources"], root / "data", engine=engine)  # answers that are live no more
    build(recipe(), [root / "sources"], root / "data", engine=engine)
    build(recipe(), [root / "sources"], root / "fresh", engine=engine)
    Labels(root / "data" / FILE).add("one", "good")
    return root


@pytest.fixture
def data(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built / "data", tmp_path / "data", symlinks=True)
    return tmp_path / "data"


def mended(data: Path, built: Path, engine: LocalEngine) -> Repair:
    """Repair and build; then it is as fresh, and nothing is left to do."""
    with writer_lock(data):
        done = repair(data)
    build(recipe(), [built / "sources"], data, engine=engine)
    assert_same(data, built / "fresh")
    assert [fault for fault in check(data, leftovers=True) if fault.kind not in ("suffix", "judgements")] == []
    assert build(recipe(), [built / "sources"], data, engine=engine).done_now <= 1  # the stage over all rows, at the most
    assert [label.stamp for label in Labels.open(data / FILE).all()] == ["one"]
    return done


def damage(data: Path, kind: str, pattern: str, dice: random.Random) -> str:
    """Do something to a file of a kind; returns what, for the message of a test that fails."""
    files = sorted(path for path in data.glob(pattern) if path.is_symlink() or path.is_file())
    path = dice.choice(files)
    told = f"{kind} {path.relative_to(data)}"
    if path.is_symlink():
        path.unlink()
        if kind == "swap":
            path.symlink_to("nowhere")
        elif kind == "twice":
            shutil.copytree(path.with_name("000002"), path)
        return told
    content = bytearray(path.read_bytes())
    other = dice.choice([one for one in files if one != path] or [path.with_name("none")])
    own = path.with_name(f".{path.name}.own")  # snapshots share files: the damage is to this name alone
    if kind == "delete":
        path.unlink()
        return told
    if kind == "rename":
        path.rename(path.with_name(f"other-{path.name}"))
        return told
    if kind == "twice" and path.name.startswith("part-"):
        shutil.copyfile(path, path.with_name(path.name.replace("part-", "part-9")))
        return told
    if kind == "swap" and other.exists():
        content = bytearray(other.read_bytes())
        shutil.copyfile(path, other.with_name(".other"))
        os.replace(other.with_name(".other"), other)
        told += f" with {other.relative_to(data)}"
    elif kind == "twice":
        content *= 2
    elif kind == "flip":
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    else:
        content = content[: dice.randrange(len(content)) if kind == "shorten" else 0]
    own.write_bytes(content)
    os.replace(own, path)
    return told


# A flipped bit in a file of JSON may say another word that could be one, and nobody can tell.
BLIND = {("flip", "commits.json"), ("flip", "snapshots/0*/*")}


@pytest.mark.parametrize("pattern", [pytest.param(k, marks=[] if k in QUICK else pytest.mark.slow) for k in KINDS])
def test_what_is_damaged_is_made_again(built: Path, data: Path, engine: LocalEngine, pattern: str) -> None:
    for kind in ("shorten", "delete"):
        damage(data, kind, pattern, random.Random(1))
        if pattern == "snapshots/live":
            break
    mended(data, built, engine)


@pytest.mark.slow
def test_any_damage_is_made_good(built: Path, tmp_path: Path, engine: LocalEngine) -> None:
    number = int(os.environ.get("MOTET_DAMAGES", "20"))
    for seed in range(number):
        dice = random.Random(seed)
        data = tmp_path / "data"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(built / "data", data, symlinks=True)
        told = []
        for _ in range(dice.choice([1, 1, 1, 2, 3])):
            kind, pattern = dice.choice(DAMAGES), dice.choice(KINDS)
            if (kind, pattern) not in BLIND and list(data.glob(pattern)):
                told.append(damage(data, kind, pattern, dice))
        try:
            mended(data, built, engine)
        except Exception as error:
            msg = f"seed {seed}: {told}"
            raise AssertionError(msg) from error


def test_only_what_is_concerned_is_asked_again(built: Path, data: Path, engine: LocalEngine) -> None:
    lost = sorted((data / "media").glob("*/*"))[0]
    needed = sum(str(lost.relative_to(data)) in row for row in written(data))
    lost.unlink()
    with writer_lock(data):
        done = repair(data)
    run = build(recipe(), [built / "sources"], data, engine=engine)
    assert 0 < done.answers == run.done_now - next(s.done_now for s in run.stages if s.name.endswith("unique")) <= needed
    assert_same(data, built / "fresh")


def written(data: Path) -> list[str]:
    from motet import Dataset

    return [str(row["written"]) for row in Dataset(data).table("digits").to_pylist()]


def test_live_tables_stay_while_media_is_missing(data: Path) -> None:
    """Readers keep what is there, and splits are remembered from it."""
    sorted((data / "media").glob("*/*"))[0].unlink()
    before = live(data)
    with writer_lock(data):
        assert not repair(data).withdrawn
    now = live(data)
    assert before is not None
    assert now is not None
    assert (now.number, now.tables) == (before.number, before.tables)


@pytest.mark.slow
def test_the_recipe_file_is_put_back_and_the_damaged_one_kept(built: Path, data: Path, engine: LocalEngine) -> None:
    said = (data / "motet.yaml").read_bytes()
    (data / "motet.yaml").write_bytes(said[:20])
    assert [fault.where for fault in check(data)] == ["motet.yaml"]
    with writer_lock(data):
        assert "motet.yaml was damaged" in repair(data).told[0]
    assert (data / "motet.yaml").read_bytes() == said
    assert (data / "motet.yaml.damaged").read_bytes() == said[:20]
    mended(data, built, engine)


def test_a_newer_format_is_left_alone(data: Path) -> None:
    (data / "motet.yaml").write_text("format: 99\nmotet: 9.9\nrecipe: toys\n")
    with writer_lock(data), pytest.raises(UserError, match=r"made by motet 9\.9"):
        repair(data)


def test_a_repair_that_finds_nothing_changes_nothing(data: Path) -> None:
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file() and path.name != ".lock"}
    with writer_lock(data):
        done = repair(data)
    assert done == Repair()
    assert before == {path: path.read_bytes() for path in data.rglob("*") if path.is_file() and path.name != ".lock"}


def test_answers_without_their_rows_are_asked_again(built: Path, data: Path, engine: LocalEngine) -> None:
    """As a cleaning of an older motet left it that was killed between two commits."""
    record = json.loads((data / "commits.json").read_text())
    record["parts"]["tables/totals"] = []
    (data / "commits.json").write_text(json.dumps(record))
    assert {fault.kind for fault in check(data)} == {"half_answer", "stale"}
    mended(data, built, engine)
    build(recipe(2), [built / "sources"], data, engine=engine)
    assert list(check(data)) == []


def test_what_is_built_where_nothing_is_live_outlives_the_snapshots_that_stayed_behind(
    data: Path, built: Path, engine: LocalEngine
) -> None:
    build(recipe(3), [built / "sources"], data, engine=engine)
    (data / "snapshots" / "live").unlink()
    assert sorted(path.name for path in (data / "snapshots").iterdir()) == ["000002", "000003"]
    run = build(recipe(), [built / "sources"], data, engine=engine)
    found = live(data)
    assert found is not None
    assert found.number == run.snapshot.number == 4
    assert_same(data, built / "fresh")


def test_a_lost_link_to_what_is_live_is_told_and_made_again_and_nothing_is_cleaned_meanwhile(data: Path) -> None:
    """As a copy without links loses it."""
    before = Dataset(data).tables()
    (data / "snapshots" / "live").unlink()
    assert [(fault.kind, fault.where) for fault in check(data)] == [("link", "snapshots/live")]
    with writer_lock(data):
        with pytest.raises(UserError, match=r"lost its link .*check --repair"):
            clean(data)
        assert "leads to 000002 again" in repair(data).told[0]
    assert Dataset(data).tables() == before
    assert list(check(data)) == []


def test_snapshots_that_are_all_gone_are_told_and_the_next_build_makes_one(data: Path, built: Path, engine: LocalEngine) -> None:
    shutil.rmtree(data / "snapshots")
    assert [(fault.kind, fault.where) for fault in check(data)] == [("link", "snapshots/live")]
    mended(data, built, engine)


def test_a_repair_that_was_cut_short_is_finished_by_the_next(
    data: Path, built: Path, engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "commits.json").write_text("{")
    for part in (data / "tables" / "digits").iterdir():
        part.write_bytes(b"")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, writer_lock(data):
        patched.setattr("motet.dataset.keeping.repairing.forget", killed)
        with pytest.raises(KeyboardInterrupt):
            repair(data)
    mended(data, built, engine)


def test_a_lost_file_of_the_live_snapshot_that_lies_nowhere_else_is_built_again(
    data: Path, built: Path, engine: LocalEngine
) -> None:
    shutil.rmtree(data / "snapshots" / "000001")
    for file in data.glob("snapshots/000002/stages/01-*"):
        file.unlink()
    for file in data.glob("snapshots/000002/work/*parse_number*"):
        file.write_bytes(b"PAR1")
    mended(data, built, engine)


@pytest.mark.parametrize(
    "place",
    [
        "motet.yaml",
        "commits.json",
        "media/*/*",
        "work/digits/part-*",
        "tables/digits/part-*",
        "snapshots/live/totals.parquet",
        "snapshots/live/recipe.yaml",
    ],
)
def test_a_folder_in_a_file_s_place_is_told_and_what_is_in_it_is_kept(
    data: Path, built: Path, engine: LocalEngine, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    path = sorted(data.glob(place))[0]
    path.unlink()
    path.mkdir()
    (path / "notes.txt").write_text("mine")
    assert len(list(check(data))) == 1
    for command in (["check"], ["clean", "--dry-run"], ["status"], ["query"]):
        code = main([command[0], str(data), *(["FROM totals"] if command == ["query"] else command[1:])])
        assert code in (0, 1, 2)
        assert "system refused" not in capsys.readouterr().err
    mended(data, built, engine)
    assert [file.read_text() for file in data.rglob("notes.txt")] == ["mine"]


@pytest.mark.parametrize("place", ["media/ab/ab" + "0" * 62 + ".mid", "work/digits/part-00000099.parquet", ".notes.tmp"])
def test_a_folder_that_is_called_as_a_file_of_ours_is_no_leftover(data: Path, place: str) -> None:
    (data / place).mkdir(parents=True)
    (data / place / "notes.txt").write_text("mine")
    assert [fault.where for fault in check(data, leftovers=True) if fault.kind not in ("suffix", "judgements")] == []
    with writer_lock(data):
        clean(data)
        repair(data)
    assert (data / place / "notes.txt").exists()


def test_a_folder_in_an_older_snapshot_outlives_it(data: Path) -> None:
    (data / "snapshots" / "000001" / "mine").mkdir()
    (data / "snapshots" / "000001" / "mine" / "notes.txt").write_text("mine")
    with writer_lock(data):
        assert clean(data).snapshots == 1
        assert clean(data).snapshots == 0
    assert [path.name for path in (data / "snapshots" / "000001").iterdir()] == ["mine"]


def test_a_lost_recipe_file_is_put_back_from_a_snapshot_and_every_command_says_how(
    data: Path, built: Path, engine: LocalEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even where the link to the live one is lost with it."""
    said = (data / "motet.yaml").read_bytes()
    (data / "motet.yaml").unlink()
    (data / "snapshots" / "live").unlink()
    for command in (["status", str(data)], ["query", str(data), "FROM totals"], ["check", str(data)], ["clean", str(data)]):
        assert main(command) > 0
        told = capsys.readouterr()
        assert f"`motet check --repair {data}` puts it back" in told.out + told.err
    with pytest.raises(UserError, match="check --repair"):
        build(recipe(), [built / "sources"], data, engine=engine)
    with writer_lock(data):
        repair(data)
    assert (data / "motet.yaml").read_bytes() == said
    assert list(check(data)) == []


def test_a_recipe_file_without_a_copy_is_not_promised_back(data: Path) -> None:
    for path in (data / "motet.yaml", *data.glob("snapshots/0*/recipe.yaml")):
        path.unlink()
    assert [(fault.where, fault.mended) for fault in check(data)] == [("motet.yaml", "")]


def test_a_second_damaged_recipe_file_does_not_take_the_first_one_s_place(data: Path) -> None:
    for name in ("motet.yaml.damaged", "motet.yaml"):
        (data / name).write_text(name)
    with writer_lock(data):
        repair(data)
    assert {path.read_text() for path in data.glob("motet.yaml.damaged*")} == {"motet.yaml.damaged", "motet.yaml"}


def test_no_cleaning_and_no_build_deletes_answers_because_their_record_is_gone(
    data: Path, built: Path, engine: LocalEngine
) -> None:
    (data / "commits.json").unlink()
    with writer_lock(data), pytest.raises(UserError, match="check --repair"):
        clean(data)
    with pytest.raises(UserError, match="check --repair"):
        build(recipe(), [built / "sources"], data, engine=engine)
    mended(data, built, engine)


@pytest.mark.parametrize("command", [["status"], ["query", "SELECT count(*), max(total) FROM totals"]])
def test_what_looks_at_a_damaged_dataset_says_how_it_is_mended(
    data: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    def told() -> str:
        assert main([command[0], str(data), *command[1:]]) == 1
        return capsys.readouterr().err

    table = data / "snapshots" / "live" / "totals.parquet"
    whole = table.read_bytes()
    table.unlink()
    for content in (whole[: len(whole) // 2], b""):
        table.write_bytes(content)
        assert "is damaged" in (said := told())
        assert "`motet check` names it" in said
        assert "`--repair`" in said
    (data / "snapshots" / "live" / "snapshot.json").write_text("{")
    assert f"`motet check --repair {data}`" in told()
    (data / "snapshots" / "live").unlink()
    assert "lost its link" in (said := told())
    assert f"`motet check --repair {data}`" in said


def test_a_query_that_is_wrong_is_no_damage(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for sql in ("SELECT strptime('x', '%Y') FROM totals", "FROM 'nowhere.parquet'", "SELECT"):
        assert main(["query", str(data), sql]) == 2
        assert "cannot be run" in capsys.readouterr().err
