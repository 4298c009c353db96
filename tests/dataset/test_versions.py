"""Versions: a tag keeps what was live, a diff tells what differs and why, a removal reaches tags too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from motet import Dataset, UserError
from motet.cli import main
from motet.dataset import versions
from motet.dataset.keeping.checking import check
from motet.dataset.keeping.cleaning import clean
from motet.dataset.keeping.repairing import repair
from motet.dataset.lock import writer_lock
from motet.diffing import Difference, compare
from motet.recipe import parse
from motet.run.build import build
from motet.run.engine import LocalEngine
from motet.run.removal import remove
from motet.run.watch import Run

STAGES = ["scan_text", "parse_number", "unique", "digits", "no_sevens", "sum_digits"]
NUMBERS = {"a": "12", "b": "345", "c": "68", "twin of a": "12", "seven": "175"}


@dataclass
class World:
    """A folder of numbers, and the dataset of their digits."""

    sources: Path
    data: Path
    engine: LocalEngine

    def build(self, seed: int | None = None, **settings: dict[str, Any]) -> Run:
        steps = [{f"toys.stages:{name}": settings.get(name, {})} for name in STAGES]
        recipe = parse({"name": "toys", "stages": steps}, "toys")
        return build(recipe, [self.sources], self.data, seed=seed, engine=self.engine)

    def write(self, name: str, number: str) -> None:
        (self.sources / f"{name}.txt").write_text(number)

    def at(self, tag: str) -> Dataset:
        return Dataset(f"{self.data}@{tag}")

    def causes(self, one: str | Path, other: str | Path | None = None) -> dict[tuple[str, str], dict[str, int]]:
        """(table, added | removed | changed) -> cause -> rows, from the first (a tag here, or a folder) to the second."""
        first = self.at(one) if isinstance(one, str) else Dataset(one)
        second = Dataset(self.data) if other is None else self.at(other) if isinstance(other, str) else Dataset(other)
        with compare(first, second) as found:
            return told(found)


def told(found: Difference) -> dict[tuple[str, str], dict[str, int]]:
    causes: dict[tuple[str, str], dict[str, int]] = {}
    for line in found.sums:
        causes.setdefault((line.table, line.what), {})[line.cause] = line.rows
    return causes


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(1) as pool:
        yield pool


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, engine: LocalEngine) -> Path:
    root = tmp_path_factory.mktemp("built")
    (root / "sources").mkdir()
    world = World(root / "sources", root / "data", engine)
    for name, number in NUMBERS.items():
        world.write(name, number)
    world.build()
    versions.create(world.data, "v1")
    return root  # never touched again: every test has a copy


@pytest.fixture
def world(built: Path, tmp_path: Path, engine: LocalEngine) -> World:
    """Five numbers, two of them equal, and their dataset with the tag `v1`, to be changed at will."""
    shutil.copytree(built, tmp_path / "world", symlinks=True)
    return World(tmp_path / "world" / "sources", tmp_path / "world" / "data", engine)


# -- tags ---------------------------------------------------------------------------------------------------------------


def test_a_tag_stays_while_the_dataset_moves_on(world: World) -> None:
    before = Dataset(world.data)
    rows, described = before.table("totals").to_pylist(), before.made_by
    for number in ("9", "99", "999"):  # more builds than there are snapshots kept
        world.write("new", number)
        world.build(sum_digits={"scale": int(number)})
    assert world.at("v1").table("totals").to_pylist() == rows
    assert world.at("v1").made_by == described
    assert world.at("v1").query("SELECT count(*) FROM work WHERE reason = 'seen'").fetchall() == [(1,)]
    assert Dataset(world.data).table("totals").to_pylist() != rows


def test_clean_keeps_the_media_of_a_tag_and_only_until_it_is_deleted(world: World) -> None:
    kept = {row["written"] for row in world.at("v1").table("digits").to_pylist()}
    for path in world.sources.iterdir():
        path.unlink()
    world.write("only", "0")
    world.build()
    with writer_lock(world.data):
        clean(world.data)
    assert all(world.at("v1").media.read(reference) for reference in kept)
    assert list(check(world.data)) == []
    versions.delete(world.data, "v1")
    with writer_lock(world.data):
        clean(world.data)
    assert not any((world.data / reference).exists() for reference in kept)
    assert list(check(world.data)) == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", ".hidden", "-v", "é", "a\n", "x" * 101, "v1\0"])
def test_a_name_that_could_be_anything_else_is_refused(world: World, name: str) -> None:
    with pytest.raises(UserError, match="is no name for a tag"):
        versions.create(world.data, name)
    with pytest.raises(UserError, match="has no tag"):
        versions.delete(world.data, name)
    assert versions.names(world.data) == ["v1"]


def test_a_name_means_one_state_for_ever(world: World) -> None:
    tag, new = versions.create(world.data, "v1")
    assert (tag.name, tag.recipe, new) == ("v1", "toys", False)
    world.write("new", "9")
    world.build()
    with pytest.raises(UserError, match="a tag v1 of another state"):
        versions.create(world.data, "v1")
    assert versions.create(world.data, "v2")[1]
    assert versions.names(world.data) == ["v1", "v2"]


def test_a_folder_with_an_at_in_its_name_is_itself(world: World) -> None:
    shutil.copytree(world.data, world.data.with_name("data@v1"), symlinks=True)
    assert Dataset(world.data.with_name("data@v1")).tag == ""
    assert Dataset(f"{world.data.with_name('data@v1')}@v1").tag == "v1"
    with pytest.raises(UserError, match="has no tag 'v2'; its tags are: v1"):
        Dataset(f"{world.data}@v2")
    with pytest.raises(UserError, match=r"has no tag '\.\.'"):
        Dataset(f"{world.data}@..")


def test_a_dataset_without_a_run_cannot_be_tagged(tmp_path: Path, world: World) -> None:
    shutil.copytree(world.data, tmp_path / "unfinished", ignore=shutil.ignore_patterns("snapshots"))
    with pytest.raises(UserError, match="has no finished run yet"):
        versions.create(tmp_path / "unfinished", "v1")


@pytest.mark.parametrize(
    "victim", ["totals.parquet", "work/toys.stages.unique.parquet", "recipe.yaml", "tag.json", "snapshot.json"]
)
@pytest.mark.parametrize("damage", [b"no more", None])
def test_check_names_what_is_wrong_with_a_tag(world: World, victim: str, damage: bytes | None) -> None:
    path = world.data / "snapshots" / "tags" / "v1" / victim
    path.unlink()  # a file of its own from here on
    if damage is not None:
        path.write_bytes(damage)
    faults = list(check(world.data))
    assert faults
    assert all(fault.where.startswith("tags/v1") for fault in faults)
    versions.delete(world.data, "v1")
    assert list(check(world.data)) == []


def test_clean_deletes_no_media_while_a_damaged_tag_may_need_it(world: World) -> None:
    media = sorted(path for path in (world.data / "media").rglob("*") if path.is_file())
    (world.data / "snapshots" / "tags" / "v1" / "snapshot.json").write_bytes(b"{")
    world.write("b", "1")
    world.build()
    with writer_lock(world.data), pytest.raises(UserError, match=r"The tag v1 of .* is damaged"):
        clean(world.data)
    assert all(path.exists() for path in media)


def test_lost_media_of_a_tag_is_told_and_comes_back_with_its_row(world: World) -> None:
    ((lost,),) = world.at("v1").query("SELECT min(written) FROM digits").fetchall()
    (world.data / lost).unlink()
    assert {(fault.kind, fault.where) for fault in check(world.data)} == {("missing_media", lost)}
    with writer_lock(world.data):
        assert repair(world.data).answers
    world.build()
    assert list(check(world.data)) == []


def test_many_taggers_at_once_make_one_tag(world: World) -> None:
    """Readers meanwhile see it whole or not at all."""
    versions.delete(world.data, "v1")
    made: list[bool] = []
    seen: list[int] = []
    done = threading.Event()

    def reads() -> None:
        while not done.is_set():
            if "shared" in versions.names(world.data):
                seen.append(len(world.at("shared").table("totals")))

    reader = threading.Thread(target=reads)
    reader.start()
    taggers = [threading.Thread(target=lambda: made.append(versions.create(world.data, "shared")[1])) for _ in range(6)]
    for tagger in taggers:
        tagger.start()
    for tagger in taggers:
        tagger.join()
    done.set()
    reader.join()
    assert sorted(made) == [False] * 5 + [True]
    assert set(seen) <= {len(Dataset(world.data).table("totals"))}


def test_a_tag_may_be_made_while_a_build_runs(world: World) -> None:
    with writer_lock(world.data):
        assert versions.create(world.data, "meanwhile")[1]
    assert list(check(world.data)) == []


def test_a_full_disk_leaves_no_half_tag(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(versions, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        versions.create(world.data, "v2")
    monkeypatch.undo()
    assert versions.names(world.data) == ["v1"]
    assert not list((world.data / "snapshots" / "tags").glob(".v2*"))
    assert versions.create(world.data, "v2")[1]


# -- what differs, and why ----------------------------------------------------------------------------------------------


def test_what_did_not_change_does_not_differ(world: World) -> None:
    with compare(world.at("v1"), Dataset(world.data)) as found:
        assert found.alike
        assert found.facts == []
        assert found.same == Dataset(world.data).tables()
        assert list(found.changes()) == []


def test_a_new_source_a_lost_one_and_an_edited_one(world: World) -> None:
    world.write("new", "9")
    (world.sources / "c.txt").unlink()
    world.write("b", "346")
    world.build()
    causes = world.causes("v1")
    assert causes["files", "added"] == {"its source is new": 1}
    assert causes["totals", "removed"] == {"its source is gone": 1}
    assert causes["digits", "removed"] == {"its source is gone": 2}
    assert causes["digits", "changed"] == {"its source has other content": 1}  # 5 became 6, the other two are alike
    back = world.causes(world.data, "v1")
    assert back["totals", "added"] == {"its source is new": 1}
    assert back["totals", "removed"] == {"its source is gone": 1}


def test_a_new_source_alone(world: World) -> None:
    world.write("new", "9")
    world.build()
    assert world.causes("v1")["files", "added"] == {"its source is new": 1}
    assert world.causes(world.data, "v1")["files", "removed"] == {"its source is gone": 1}


def test_a_renamed_source_is_the_same_source(world: World) -> None:
    (world.sources / "b.txt").rename(world.sources / "another name.txt")
    world.build()
    assert {cause for line in world.causes("v1").values() for cause in line} == {"its source was renamed"}
    assert {what for _, what in world.causes("v1")} == {"changed"}
    with compare(world.at("v1"), Dataset(world.data)) as found:
        (change,) = [change for change in found.changes() if change["table"] == "totals"]
    assert change["path"] == "another name.txt"
    assert change["id"] != change["was"]
    assert change["columns"] == []


def test_a_setting_is_blamed_for_its_own_stage_and_what_follows(world: World) -> None:
    world.build(sum_digits={"scale": 2})
    assert world.causes("v1") == {("totals", "changed"): {"sum_digits.scale 1 → 2": 4}}
    world.build(parse_number={"by": 2})
    causes = world.causes("v1")
    assert causes["numbers", "changed"] == {"parse_number.by 1 → 2": 4}
    assert set(causes["digits", "changed"]) == {"parse_number.by 1 → 2"}
    # 175 became 350: the sum has a digit more, which the filter had taken.
    assert causes["totals", "changed"] == {"parse_number.by 1 → 2": 3, "no longer dropped by no_sevens: seven": 1}


def test_another_seed_is_told(world: World) -> None:
    world.build(seed=3)
    assert world.causes("v1") == {("totals", "changed"): {"another seed (0 → 3)": 4}}


def test_rows_dropped_now_say_why_and_a_survivor_switches(world: World) -> None:
    ((survivor, went),) = (
        world.at("v1").query("SELECT n.path, w.path FROM numbers n, work w WHERE w.reason = 'seen' AND n.value = 12").fetchall()
    )
    (world.sources / survivor).write_text("67")
    world.build()
    with compare(world.at("v1"), Dataset(world.data)) as found:
        changes = {(c["table"], c["what"], c["path"]): c["cause"] for c in found.changes()}
    assert changes["numbers", "added", went] == "no longer dropped by unique: seen"
    assert changes["totals", "added", went] == "no longer dropped by unique: seen"
    assert changes["digits", "removed", survivor] == "its source has other content"
    with compare(Dataset(world.data), world.at("v1")) as found:
        changes = {(c["table"], c["what"], c["path"]): c["cause"] for c in found.changes()}
    assert changes["totals", "removed", went] == "dropped by unique: seen"


def test_a_stage_of_only_one_of_two_recipes(world: World, tmp_path: Path) -> None:
    steps = [f"toys.stages:{name}" for name in STAGES[:-1]]
    build(parse({"name": "fewer", "stages": steps}, "fewer"), [world.sources], tmp_path / "fewer", engine=world.engine)
    assert world.causes(tmp_path / "fewer") == {("totals", "added"): {"sum_digits is not in the recipe of the first": 4}}
    with compare(world.at("v1"), Dataset(tmp_path / "fewer")) as found:
        assert "The recipe was toys and is fewer." in found.facts
        assert told(found) == {("totals", "removed"): {"sum_digits is not in the recipe of the second": 4}}


def test_a_takedown_is_told_as_one(world: World) -> None:
    copy = world.data.with_name("copy")
    shutil.copytree(world.data, copy, symlinks=True)
    remove(world.data, "b.txt", engine=world.engine)
    assert world.causes(copy)["totals", "removed"] == {"its source was removed by `motet remove`": 1}


def test_only_one_table_and_only_some_examples(world: World) -> None:
    world.build(parse_number={"by": 2})
    with compare(world.at("v1"), Dataset(world.data), ["totals"], examples=1) as found:
        assert list(found.same) == ["totals"]
        assert {change["table"] for change in found.changes()} == {"totals"}
        assert all(len(line.examples) == 1 for line in found.sums)
    with pytest.raises(UserError, match="Neither has a table 'songs'"), compare(world.at("v1"), world.at("v1"), ["songs"]):
        pass


# -- removal ------------------------------------------------------------------------------------------------------------


def test_a_takedown_reaches_every_tag_that_holds_it_and_no_other(world: World) -> None:
    own = {row["written"] for row in world.at("v1").table("digits").to_pylist() if row["path"] == "c.txt"}
    (world.sources / "c.txt").unlink()
    world.build()
    versions.create(world.data, "without")
    world.write("c", "68")
    world.build()
    versions.create(world.data, "v3")
    removal = remove(world.data, "c.txt", engine=world.engine)
    assert versions.names(world.data) == ["without"]
    assert [tag.partition(" ")[0] for tag in removal.tags] == ["v1", "v3"]
    assert removal.rows == {"files": 1, "numbers": 1, "digits": 2, "totals": 1}
    assert set(removal.media) == own
    assert not any((world.data / reference).exists() for reference in own)
    assert list(check(world.data)) == []


def test_a_source_that_only_a_tag_holds_can_be_taken_down(world: World) -> None:
    (world.sources / "c.txt").unlink()
    world.build()
    removal = remove(world.data, "c.txt", engine=world.engine)
    assert removal.paths == ["c.txt"]
    assert versions.names(world.data) == []
    world.write("under another name", "68")
    world.build()
    assert Dataset(world.data).query("SELECT path FROM files WHERE path LIKE 'under%'").fetchall() == []


KILLED = """
import json, os, shutil, signal, sys
from pathlib import Path
import toys.compare, toys.stages
from motet.dataset import versions
from motet.dataset.keeping.checking import check
from motet.run.removal import remove

class Idle:  # nothing is to be answered: all was
    workers = 1
    def run(self, *_):
        raise AssertionError("asked")
    def close(self):
        pass

CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.link", "os.mkdir", "os.symlink", "shutil.rmtree", "os.truncate")

def child(task, at=None):
    pid = os.fork()
    if pid == 0:
        if at is not None:
            left = [at]
            def hook(event, arguments):
                if event in CHANGES or (event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")):
                    left[0] -= 1
                    if left[0] == 0:
                        os.kill(os.getpid(), signal.SIGKILL)
            sys.addaudithook(hook)
        try:
            task()
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def look(data):
    media = sorted(str(p.relative_to(data)) for p in (data / "media").rglob("*") if p.is_file())
    hidden = sorted(str(p.relative_to(data)) for p in data.rglob(".*") if p.name != ".lock")
    live = toys.compare.live_state(data)
    report = [repr(live), versions.names(data), media, hidden, [repr(f) for f in check(data)]]
    (data.parent / "state.json").write_text(json.dumps(report))

base, work, what, stride = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])

def task():
    if what == "remove":
        done = remove(work, "c.txt", engine=Idle())
        told = [done.paths, done.rows, sorted(done.tags), done.media, done.freed, done.pages]
    else:
        tag, _ = versions.create(work, "v2")
        told = [tag.name, tag.tables]
    (work.parent / "told.json").write_text(json.dumps(told))

def fresh():
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(base, work, symlinks=True)

def finished():
    def both():
        task()
        look(work)
    assert child(both) == 0
    return json.loads((work.parent / "state.json").read_text())

fresh()
wanted = finished(), json.loads((work.parent / "told.json").read_text())
kills, at = 0, (stride + 1) // 2
while True:
    fresh()
    code = child(task, at)
    if code == 0:
        break
    assert code == -signal.SIGKILL, code
    kills += 1
    if what == "tag":
        assert versions.names(work) in (["v1"], ["v1", "v2"])
        for name in versions.names(work):
            versions.describe(work, name)
    found = finished(), json.loads((work.parent / "told.json").read_text())
    assert found == wanted, (at, found[0][1:], wanted[0][1:], found[1], wanted[1])
    at += stride
print(kills)
"""


def killed(world: World, what: str, stride: int) -> int:
    """Ends the command by SIGKILL before each `stride`-th change it makes on disk, then gives it again; returns how often."""
    script = [sys.executable, "-c", KILLED, str(world.data), str(world.data.with_name("victim")), what, str(stride)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.fixture
def answered(tmp_path: Path, engine: LocalEngine) -> World:
    """A dataset with two tags, of which a removal asks no worker anything."""
    (tmp_path / "sources").mkdir()
    world = World(tmp_path / "sources", tmp_path / "data", engine)
    for name, number in NUMBERS.items():
        world.write(name, number)
    steps = [f"toys.stages:{name}" for name in STAGES if name != "unique"]
    build(parse({"name": "toys", "stages": steps}, "toys"), [world.sources], world.data, engine=engine)
    versions.create(world.data, "v1")
    return world


@pytest.mark.slow
def test_a_removal_killed_anywhere_is_finished_by_the_same_command(answered: World) -> None:
    run = next((answered.data / "runs").iterdir())
    (run / "report.html").write_text("a page that plays it")
    assert killed(answered, "remove", 50) >= 2


@pytest.mark.slow
def test_a_removal_killed_at_many_more_places(answered: World) -> None:
    assert killed(answered, "remove", 7) >= 8


@pytest.mark.slow
def test_a_tag_is_whole_or_not_there_wherever_its_making_was_killed(answered: World) -> None:
    assert killed(answered, "tag", 4) >= 5


# -- the commands -------------------------------------------------------------------------------------------------------


def test_the_commands_as_a_person_gives_them(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    data = str(world.data)
    assert main(["tag", data]) == 0
    assert "v1" in capsys.readouterr().out
    assert main(["diff", f"{data}@v1", data, "--exit-code"]) == 0
    assert "hold the same rows" in capsys.readouterr().out
    world.build(sum_digits={"scale": 2})
    assert main(["diff", f"{data}@v1", data]) == 0
    assert "totals: 4 changed; 0 alike" in capsys.readouterr().out
    assert main(["diff", f"{data}@v1", data, "--exit-code", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert len(found["changes"]) == 4
    assert main(["query", f"{data}@v1", "SELECT sum(total) AS s FROM totals", "--json"]) == 0
    before = int(json.loads(capsys.readouterr().out)[0]["s"])
    assert main(["query", data, "SELECT sum(total) AS s FROM totals", "--json"]) == 0
    assert int(json.loads(capsys.readouterr().out)[0]["s"]) == 2 * before
    assert main(["check", f"{data}@v1"]) == 2
    assert main(["tag", data, "v1"]) == 2
    capsys.readouterr()
    assert main(["tag", data, "v1", "--delete"]) == 0
    assert main(["tag", data]) == 0
    assert "has no tags yet" in capsys.readouterr().out
