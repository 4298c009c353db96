"""Stages overlap, and nothing of it is to be seen in the dataset.

Seen from outside, by the calls that toy stages write down: a stage begins on the rows that are there while the stage before it
goes on with others. No test measures a time: one call is held until the others have been seen, and then let go.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
import yaml

from motet import Dataset
from motet.dataset.ledger import Ledger
from motet.recipe import Recipe, parse
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys.compare import assert_same
from toys.overlapping import calls

CHAIN = ["read_number", "square", "halve", "keep_halves", "gather"]
LONG = [*CHAIN, "first_of_each", "join_square", "weigh", "compare", "after_all", "need_square", "draw"]
LONG_ONE = 5000  # the number that is being read all the time
MANY = 20  # of the 40 others, that were seen to go on meanwhile: some may stand behind it in the same batch
PATIENCE = 90  # seconds until a test gives up waiting for what should have happened


class World:
    """Sources that are numbers, and the folder in which toy stages tell what they do."""

    def __init__(self, root: Path) -> None:
        self.begun_here: list[subprocess.Popen[bytes]] = []
        self.root, self.sources, self.told, self.data = root, root / "numbers", root / "told", root / "data"
        for folder in (self.sources, self.told / "hold", self.told / "faults"):
            folder.mkdir(parents=True)

    def write(self, *values: int) -> None:
        for value in values:
            (self.sources / f"{value:05d}.txt").write_text(str(value))

    def hold(self, stage: str, value: int) -> Path:
        """This call waits until the file that is given back is gone."""
        held = self.told / "hold" / f"{stage} {value}"
        held.touch()
        return held

    def plant(self, stage: str, value: int, kind: str) -> None:
        (self.told / "faults" / f"{stage} {value}").write_text(kind)

    def listed(self, stages: list[str], **changed: dict[str, Any]) -> list[Any]:
        told = [{f"toys.overlapping:{name}": {"folder": str(self.told), **changed.get(name, {})}} for name in stages]
        told[0]["toys.overlapping:read_number"].setdefault("takes", 0.03)  # so that it takes longer than all that follows
        return ["toys.stages:scan_text", *told]

    def recipe(self, stages: list[str], **changed: dict[str, Any]) -> Recipe:
        return parse({"name": "toys", "stages": self.listed(stages, **changed)}, "toys")

    def quiet(self, stages: list[str], **changed: dict[str, Any]) -> Recipe:
        """The same recipe, with stages that tell nothing, wait for nothing and have no planted fault."""
        return parse(
            {"name": "toys", "stages": self.listed(stages, **{n: {"folder": "", **changed.get(n, {})} for n in stages})}, "t"
        )

    def begin(self, stages: list[str], *more: str, **changed: dict[str, Any]) -> subprocess.Popen[bytes]:
        """`motet build` in a process group of its own, as from a terminal."""
        file = self.root / "toys.yaml"
        file.write_text(yaml.safe_dump({"name": "toys", "stages": self.listed(stages, **changed)}))
        command = [sys.executable, "-m", "motet.cli", "build", str(file), "--from", str(self.sources), "--to", str(self.data)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [*command, "--workers", "2", *more],
            env=environment,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.begun_here.append(process)
        return process

    def ended(self, stage: str) -> set[int]:
        return {int(value) for what, name, value in calls(self.told) if (what, name) == ("end", stage)}

    def begun(self) -> Counter[tuple[str, str]]:
        return Counter((stage, value) for what, stage, value in calls(self.told) if what == "begin")

    def committed(self, stage: str) -> int:
        """How many answers of a stage the dataset has for good."""
        return sum(pq.read_metadata(part).num_rows for part in Ledger(self.data).parts(f"work/{stage}"))


def wait(process: subprocess.Popen[bytes], until: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not until():
        if process.poll() is not None:
            pytest.fail(f"the build ended before {what}: {process.communicate()[1].decode()[-2000:]}")
        if time.monotonic() > deadline:
            pytest.fail(f"never happened: {what}")
        time.sleep(0.02)


def finish(process: subprocess.Popen[bytes], code: int = 0) -> tuple[str, str]:
    out, err = (text.decode() for text in process.communicate(timeout=PATIENCE))
    assert process.returncode == code, err[-3000:]
    assert "Traceback" not in err
    return out, err


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    # Children hear SIGINT, even where the tests run in the background of a shell, which has them ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    made = World(tmp_path)
    yield made
    signal.signal(signal.SIGINT, before)
    for process in made.begun_here:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.fixture(scope="module")
def one() -> Iterator[LocalEngine]:
    with LocalEngine(1) as engine:
        yield engine


@pytest.mark.slow
def test_a_row_that_takes_long_keeps_no_other_waiting(world: World, one: LocalEngine) -> None:
    """One file is being read all the time: all others go through every stage meanwhile, and nothing is done twice."""
    others = set(range(1, 41))
    world.write(*others, LONG_ONE)
    held = world.hold("read_number", LONG_ONE)
    process = world.begin(CHAIN)
    for stage in ("square", "halve", "gather"):
        wait(process, lambda stage=stage: len(world.ended(stage)) >= MANY, f"{stage} of others while one is read")  # type: ignore[misc]
    assert LONG_ONE not in world.ended("read_number")
    held.unlink()
    finish(process)
    assert set(world.begun().values()) == {1}
    assert world.ended("gather") == {*others, LONG_ONE}
    build(world.quiet(CHAIN), [world.sources], world.root / "calm", engine=one)
    assert_same(world.data, world.root / "calm")


@pytest.mark.slow
def test_a_stage_over_all_rows_sees_all_of_them_and_what_needs_it_waits(world: World, one: LocalEngine) -> None:
    world.write(*range(1, 41), LONG_ONE)
    held = world.hold("read_number", LONG_ONE)
    process = world.begin(LONG)
    wait(process, lambda: len(world.ended("halve")) >= MANY, "halve of others while one is read")
    told = calls(world.told)
    assert not [one for one in told if one[1] in ("first_of_each", "compare", "after_all", "weigh", "join_square")]
    held.unlink()
    finish(process)
    assert ("saw", "first_of_each", "41") in calls(world.told)
    assert set(world.begun().values()) == {1}
    build(world.quiet(LONG), [world.sources], world.root / "calm", engine=one)
    assert_same(world.data, world.root / "calm")


@pytest.mark.slow
def test_a_group_waits_for_its_last_member_and_no_other_group_does(world: World) -> None:
    """`gather` is asked about a source when all its halves have been judged."""
    others = set(range(1, 41))
    world.write(*others, 3456)
    held = world.told / "hold" / "keep_halves 3456.4"
    held.touch()
    process = world.begin(CHAIN, keep_halves={"takes": 0.05})  # or all halves would travel in the batch of the held one
    wait(process, lambda: len(world.ended("gather")) >= MANY, "the groups of others while one lacks a member")
    assert ("begin", "gather", "3456") not in calls(world.told)
    held.unlink()
    finish(process)
    totals = {row["value"]: (row["total"], row["lost"]) for row in Dataset(world.data).table("gathered").to_pylist()}
    assert totals == {value: (sum(map(int, str(value))), []) for value in (*others, 3456)}
    assert set(world.begun().values()) == {1}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [("raise", "failed", "ValueError"), ("segfault", "crashed", "sigsegv"), ("hang", "timed_out", "time")],
)
def test_a_row_that_fails_ahead_is_blamed_once_and_costs_itself(
    world: World, one: LocalEngine, kind: str, status: str, reason: str
) -> None:
    """A row of a later stage goes wrong while the first stage still runs: tried twice, blamed, and left alone from then on."""
    world.write(*range(1, 41), LONG_ONE)
    held = world.hold("read_number", LONG_ONE)
    world.plant("square", 3, kind)
    changed = {"square": {"timeout": 3}}
    process = world.begin([*CHAIN, "join_square"], **changed)
    wait(process, lambda: world.begun()["square", "3"] == 2, "the second try of the bad row while one is read")
    wait(process, lambda: len(world.ended("gather")) >= MANY, "the other stages while one is read")
    held.unlink()
    finish(process)
    blamed = "SELECT stage, path, status, reason FROM work WHERE status NOT IN ('ok', 'dropped')"
    assert Dataset(world.data).query(blamed).fetchall() == [("toys.overlapping:square", "00003.txt", status, reason)]
    joined = {row["value"]: row["square"] for row in Dataset(world.data).table("joined").to_pylist()}
    assert joined == {value: None if value == 3 else value**2 for value in (*range(1, 41), LONG_ONE)}
    # What was guilty was tried twice; a neighbour in its batch may have been begun again after a crash, once.
    begun = world.begun()
    assert begun.pop(("square", "3")) == 2
    before = calls(world.told)
    run = build(world.recipe([*CHAIN, "join_square"], **changed), [world.sources], world.data, engine=one)
    assert run.done_now == 0
    assert calls(world.told) == before


@pytest.mark.slow
def test_status_and_json_count_as_if_stages_had_taken_turns(world: World, one: LocalEngine) -> None:
    world.write(*range(1, 41), LONG_ONE)
    held = world.hold("read_number", LONG_ONE)
    changed: dict[str, dict[str, Any]] = {
        "square": {"drop_every": 5},
        "keep_halves": {"drop_every": 3},
        "halve": {"fail_every": 7},
    }
    process = world.begin(CHAIN, "--json", **changed)
    wait(process, lambda: len(world.ended("square")) >= MANY // 2, "squares while one is read")
    held.unlink()
    told = json.loads(finish(process)[0])
    calm = build(world.quiet(CHAIN, **changed), [world.sources], world.root / "calm", engine=one)
    expected = [{"name": s.name, "in": s.inputs, "out": s.rows_out, "done_now": s.done_now, **s.statuses} for s in calm.stages]
    assert told["stages"] == expected
    assert told["done_now"] == calm.done_now
    assert told["failed"] == calm.failed > 0
    assert status(world.data) == status(world.root / "calm")


def status(dataset: Path) -> list[list[str]]:
    """What `motet status` shows of each stage, times aside."""
    ended = subprocess.run(
        [sys.executable, "-m", "motet.cli", "status", str(dataset)], capture_output=True, text=True, check=True
    )
    lines = [line for line in ended.stdout.splitlines() if line.startswith(("stage", "toys.", "scan", *LONG))]
    assert len(lines) >= len(CHAIN)
    return [line.split()[:6] for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_while_stages_overlap_leaves_no_process_and_keeps_what_is_done(
    world: World, one: LocalEngine, number: signal.Signals
) -> None:
    world.write(*range(1, 41), LONG_ONE)
    held = world.hold("read_number", LONG_ONE)
    process = world.begin(CHAIN)
    wait(process, lambda: len(world.ended("square")) >= MANY, "squares while one is read")
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, number)
    finish(process, code=130)
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    held.unlink()
    done = {stage: world.committed(stage) for stage in ("read_number", "square")}
    run = build(world.recipe(CHAIN), [world.sources], world.data, engine=one)
    again = {s.name.rpartition(":")[2]: s.done_now for s in run.stages}
    assert again["read_number"] == 41 - done["read_number"]
    assert again["square"] == 41 - done["square"]
    assert done["square"] > 0  # Ctrl-C keeps what is done
    build(world.quiet(CHAIN), [world.sources], world.root / "calm", engine=one)
    assert_same(world.data, world.root / "calm")


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing_and_repeat_only_what_was_not_committed(world: World, one: LocalEngine) -> None:
    """Ten times SIGKILL to the driver. What the dataset had committed before a kill is not asked again after it."""
    world.write(*range(1, 200))
    dice = random.Random(14)
    stages = LONG
    kills = 0
    while kills < 10:
        before = {stage: world.committed(stage) for stage in stages} if world.data.exists() else {}
        process = world.begin(stages, read_number={"takes": 0.01})
        at = len(calls(world.told)) + dice.randrange(20, 200)
        wait_or_end(process, lambda at=at: len(calls(world.told)) >= at)  # type: ignore[misc]
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate()
        psutil.wait_procs(children, timeout=30)
        kills += 1
        for stage, number in before.items():
            assert world.committed(stage) >= number
    committed = {stage: world.committed(stage) for stage in stages}
    run = build(world.recipe(stages), [world.sources], world.data, engine=one)
    calm = build(world.quiet(stages), [world.sources], world.root / "calm", engine=one)
    for report, whole in zip(run.stages, calm.stages, strict=True):
        stage = report.name.rpartition(":")[2]
        if stage in committed and stage not in ("first_of_each", "compare"):
            assert report.done_now == whole.done_now - committed[stage], stage
    assert_same(world.data, world.root / "calm")


def wait_or_end(process: subprocess.Popen[bytes], until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not until() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.slow
def test_a_killed_worker_ahead_costs_nobody_anything(world: World, one: LocalEngine) -> None:
    """SIGKILL to workers from outside, as the kernel does when memory is short: rows are tried again, all are there."""
    world.write(*range(1, 300))
    process = world.begin(CHAIN)
    driver = psutil.Process(process.pid)
    for killed in range(3):
        at = len(calls(world.told)) + 100
        wait_or_end(process, lambda at=at: len(calls(world.told)) >= at)  # type: ignore[misc]
        if process.poll() is not None:
            break
        workers = [c for c in driver.children(recursive=True) if "spawn_main" in " ".join(c.cmdline())]
        if workers:
            workers[killed % len(workers)].kill()
    finish(process)
    build(world.quiet(CHAIN), [world.sources], world.root / "calm", engine=one)
    assert_same(world.data, world.root / "calm")


@pytest.mark.slow
def test_sources_that_come_and_go_do_only_what_is_new(world: World, one: LocalEngine) -> None:
    """Ten more files: each is asked once a stage, and no other row is asked again."""
    world.write(*range(1, 30))
    finish(world.begin(CHAIN))
    first = world.begun()
    for value in range(1, 5):
        (world.sources / f"{value:05d}.txt").unlink()
    world.write(*range(100, 110))
    finish(world.begin(CHAIN))
    new = world.begun() - first
    assert set(new.values()) == {1}
    assert {value.partition(".")[0] for _, value in new} == {str(value) for value in range(100, 110)}
    build(world.quiet(CHAIN), [world.sources], world.root / "calm", engine=one)
    assert_same(world.data, world.root / "calm")


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk is mounted, which only root may do")
def test_the_disk_is_full_while_stages_overlap(world: World, one: LocalEngine) -> None:
    """The run halts with one sentence, blames nobody, and goes on when there is room again."""
    disk = world.root / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=72m", "tmpfs", str(disk)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        world.data = disk / "data"
        world.write(*range(1, 60), LONG_ONE)
        held = world.hold("read_number", LONG_ONE)
        process = world.begin(CHAIN)
        wait_or_end(process, lambda: len(world.ended("square")) >= MANY)
        with suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))
        held.unlink()
        out, err = (text.decode() for text in process.communicate(timeout=PATIENCE))
        assert process.returncode == 1, out + err
        assert "Traceback" not in err
        assert len(err.strip().splitlines()) == 1, err
        (disk / "ballast").unlink()
        subprocess.run(["mount", "-o", "remount,size=512m", str(disk)], check=True)
        run = build(world.recipe(CHAIN), [world.sources], world.data, engine=one)
        assert run.failed == 0
        build(world.quiet(CHAIN), [world.sources], world.root / "calm", engine=one)
        assert_same(world.data, world.root / "calm")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
