"""The Ray engine on a real cluster of this machine: the same dataset as alone, whatever dies."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from motet import Dataset, UserError
from motet.recipe import Recipe, parse
from motet.run.build import build
from motet.run.cluster.engine import RayEngine
from motet.run.engine import LocalEngine
from toys.clusters import Cluster, environment
from toys.compare import assert_same

os.environ.setdefault("RAY_AUTH_MODE", "disabled")  # read once in a process
pytestmark = [pytest.mark.ray, pytest.mark.slow]

TOYS = ["scan_text", "parse_number", "touchy", "unique", "digits", "no_sevens", "sum_digits"]


def recipe(faults: Path, **settings: dict[str, object]) -> Recipe:
    settings = {"touchy": {"folder": str(faults)}, **settings}
    return parse({"name": "toys", "stages": [{f"toys.stages:{n}": settings.get(n, {})} for n in TOYS]}, "toys")


def write_numbers(folder: Path, count: int) -> Path:
    folder.mkdir()
    for value in range(count):
        (folder / f"{value}.txt").write_text(str(value))
    return folder


def alone(chosen: Recipe, sources: Path, to: Path) -> Path:
    """The dataset as one machine makes it."""
    with LocalEngine(2, memory_mb=700) as engine:
        build(chosen, [sources], to, engine=engine)
    return to


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A head and one node, a core each."""
    one = Cluster()
    try:
        one.start_head()
        one.wait(1)
        one.start_node()
        one.wait(2)
        yield one
    finally:
        one.stop()


@pytest.fixture
def faults(tmp_path: Path) -> Path:
    folder = tmp_path / "faults"
    folder.mkdir()
    return folder


def work(dataset: Path, stage: str) -> dict[str, tuple[str, str]]:
    lines = Dataset(dataset).query(f"SELECT path, status, reason FROM work WHERE stage = 'toys.stages:{stage}'").fetchall()
    return {path: (status, reason) for path, status, reason in lines}


def test_two_nodes_make_the_dataset_of_one_machine(cluster: Cluster, faults: Path, tmp_path: Path) -> None:
    numbers = write_numbers(tmp_path / "numbers", 300)
    there = tmp_path / "there"
    notes: list[str] = []
    with RayEngine(recipe(faults), address=cluster.address, notes=notes.append) as engine:
        run = build(recipe(faults), [numbers], there, engine=engine)
        assert run.done_now > 300
        assert build(recipe(faults), [numbers], there, engine=engine).done_now == 0
    assert_same(alone(recipe(faults), numbers, tmp_path / "here"), there)
    with LocalEngine(2) as engine_here:
        assert build(recipe(faults), [numbers], there, engine=engine_here).done_now == 0
    assert notes == []


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("raise", "failed", "ValueError"),
        ("segfault", "crashed", "sigsegv"),
        ("hang", "timed_out", "time"),
        ("memory", "crashed", "memory"),
    ],
)
def test_a_bad_row_costs_itself_alone(
    kind: str, status: str, reason: str, cluster: Cluster, faults: Path, tmp_path: Path
) -> None:
    numbers = write_numbers(tmp_path / "numbers", 40)
    (faults / "7").write_text(kind)
    chosen = recipe(faults, touchy={"folder": str(faults), "timeout": 60 if kind == "memory" else 3})
    with RayEngine(chosen, address=cluster.address, memory_mb=700) as engine:
        build(chosen, [numbers], tmp_path / "data", engine=engine)
    verdicts = work(tmp_path / "data", "touchy")
    assert verdicts.pop("7.txt") == (status, reason)
    assert set(verdicts.values()) == {("ok", "")}
    assert len(verdicts) == 39


@pytest.fixture
def third(cluster: Cluster) -> Iterator[Any]:
    """A node that a test may kill; the cluster has two again afterwards."""
    node = cluster.start_node()
    cluster.wait(3)
    yield node
    node.kill()
    cluster.nodes.remove(node)
    cluster.wait(2)


def once(there: Callable[[], bool], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.02)


def slow_recipe(marks: Path) -> Recipe:
    stages = [{"toys.stages:scan_text": {}}, {"toys.stages:parse_number": {}}, {"toys.clustered:linger": {"folder": str(marks)}}]
    return parse({"name": "slow", "stages": [*stages, {"toys.stages:digits": {}}]}, "slow")


def test_a_node_killed_in_the_middle_costs_nothing_but_time(cluster: Cluster, third: Any, tmp_path: Path) -> None:
    numbers, marks = write_numbers(tmp_path / "numbers", 60), tmp_path / "marks"
    marks.mkdir()
    notes: list[str] = []

    def pull_the_plug() -> None:
        mine = third.pids()
        once(lambda: any(int(mark.read_text() or 0) in third.pids() for mark in marks.glob("*.begun")))
        assert mine
        third.kill()

    killer = threading.Thread(target=pull_the_plug)
    killer.start()
    with RayEngine(slow_recipe(marks), address=cluster.address, notes=notes.append) as engine:
        build(slow_recipe(marks), [numbers], tmp_path / "there", engine=engine)
    killer.join()
    assert any("was lost" in note for note in notes)
    assert set(work(tmp_path / "there", "parse_number").values()) == {("ok", "")}
    assert {status for status, _ in dict(work_of(tmp_path / "there")).values()} == {"ok"}
    assert_same(alone(slow_recipe(marks), numbers, tmp_path / "here"), tmp_path / "there")


def work_of(dataset: Path) -> dict[tuple[str, str], tuple[str, str]]:
    lines = Dataset(dataset).query("SELECT stage, path, status, reason FROM work").fetchall()
    return {(stage, path): (status, reason) for stage, path, status, reason in lines}


def test_a_node_that_comes_later_is_used(cluster: Cluster, tmp_path: Path) -> None:
    numbers, marks = write_numbers(tmp_path / "numbers", 80), tmp_path / "marks"
    marks.mkdir()
    notes: list[str] = []
    come: list[Any] = []

    def join() -> None:
        once(lambda: any(marks.glob("*.begun")))
        come.append(cluster.start_node())

    joiner = threading.Thread(target=join)
    joiner.start()
    patient = parse(
        {
            "name": "slow",
            "stages": [
                {"toys.stages:scan_text": {}},
                {"toys.stages:parse_number": {}},
                {"toys.clustered:linger": {"folder": str(marks), "until_workers": 3}},
            ],
        },
        "slow",
    )
    try:
        with RayEngine(patient, address=cluster.address, notes=notes.append) as engine:
            build(patient, [numbers], tmp_path / "there", engine=engine)
        joiner.join()
        assert any("has come" in note for note in notes)
        workers = {int(mark.read_text()) for mark in marks.glob("*.begun")}
        assert workers & come[0].pids() or len(workers) >= 3
    finally:
        joiner.join()
        for node in come:
            node.kill()
            cluster.nodes.remove(node)
        cluster.wait(2)


def command(*more: str) -> list[str]:
    return [sys.executable, "-m", "motet.cli", "build", *more]


def test_a_killed_driver_leaves_nobody_and_what_was_done_is_kept(cluster: Cluster, tmp_path: Path) -> None:
    numbers, marks, there = write_numbers(tmp_path / "numbers", 60), tmp_path / "marks", tmp_path / "there"
    marks.mkdir()
    file = tmp_path / "slow.yaml"
    file.write_text(
        "name: slow\nstages: ['toys.stages:scan_text', 'toys.stages:parse_number', "
        f"{{'toys.clustered:linger': {{folder: {marks}}}}}, 'toys.stages:digits']\n"
    )
    told = command(str(file), "--from", str(numbers), "--to", str(there), "--engine", "ray", "--address", cluster.address)
    driver = subprocess.Popen(told, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    once(lambda: len(list(marks.glob("*.begun"))) > 5)
    workers = [int(mark.read_text() or 0) for mark in marks.glob("*.begun")]
    driver.kill()
    driver.wait()
    once(lambda: not any(psutil.pid_exists(pid) for pid in workers))
    again = subprocess.run(told, env=environment(), capture_output=True, text=True, timeout=240, check=False)
    assert again.returncode == 0, again.stderr
    assert_same(alone(slow_recipe(marks), numbers, tmp_path / "here"), there)


def test_a_crew_that_is_stopped_does_not_hang_the_build(cluster: Cluster, third: Any, tmp_path: Path) -> None:
    numbers, marks = write_numbers(tmp_path / "numbers", 60), tmp_path / "marks"
    marks.mkdir()
    notes: list[str] = []

    def stop() -> None:
        once(lambda: any(int(mark.read_text() or 0) in third.pids() for mark in marks.glob("*.begun")))
        for pid in third.pids():
            if "Crew" in " ".join(psutil.Process(pid).cmdline()):
                os.kill(pid, signal.SIGSTOP)

    stopper = threading.Thread(target=stop)
    stopper.start()
    with RayEngine(slow_recipe(marks), address=cluster.address, notes=notes.append, silence=8) as engine:
        build(slow_recipe(marks), [numbers], tmp_path / "there", engine=engine)
    stopper.join()
    assert any("said nothing" in note for note in notes)
    assert_same(alone(slow_recipe(marks), numbers, tmp_path / "here"), tmp_path / "there")


def test_a_node_with_another_library_is_refused(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = write_numbers(tmp_path / "numbers", 3)
    strange = tmp_path / "strange" / "numpy-0.0.1.dist-info"
    strange.mkdir(parents=True)
    (strange / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.0.1\n")
    monkeypatch.setattr(sys, "path", [str(strange.parent), *sys.path])
    chosen = parse({"name": "x", "stages": ["toys.stages:scan_text", "toys.clustered:with_numpy"]}, "x")
    node = cluster.start_node()
    try:
        cluster.wait(3)
        monkeypatch.undo()
        with RayEngine(chosen, address=cluster.address) as engine, pytest.raises(UserError, match=r"numpy is 0\.0\.1, and here"):
            build(chosen, [numbers], tmp_path / "there", engine=engine)
    finally:
        node.kill()
        cluster.nodes.remove(node)
        cluster.wait(2)


def test_without_an_address_a_cluster_is_started_and_nothing_stays(tmp_path: Path) -> None:
    numbers, there = write_numbers(tmp_path / "numbers", 30), tmp_path / "there"
    file = tmp_path / "toys.yaml"
    file.write_text(f"name: toys\nstages: {[f'toys.stages:{name}' for name in TOYS]}\n")
    before = {process.pid for process in psutil.process_iter()}
    told = command(str(file), "--from", str(numbers), "--to", str(there), "--engine", "ray", "--workers", "2")
    temporary = tmp_path / "t"
    temporary.mkdir()
    ran = subprocess.run(told, env=environment(), capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert "ray" not in ran.stdout.replace(str(tmp_path), "").lower()
    left = [
        p for p in psutil.process_iter(["cmdline"]) if p.pid not in before and str(there) in " ".join(p.info["cmdline"] or ())
    ]
    assert left == []
    assert_same(alone(recipe(Path("")), numbers, tmp_path / "here"), there)


@pytest.mark.parametrize(
    ("address", "told"),
    [("127.0.0.1:1", "No Ray cluster answers"), ("nowhere", "no address of a cluster"), ("ray://x:1", "no address of a cluster")],
)
def test_an_address_of_nothing_is_told_in_a_sentence(address: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        RayEngine(recipe(Path("")), address=address)


def test_an_address_of_another_server_is_told_at_once() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(UserError, match="is no Ray cluster"):
            RayEngine(recipe(Path("")), address=f"127.0.0.1:{server.server_port}")
        server.shutdown()


def test_a_cluster_of_our_own_listens_on_the_loopback_only(tmp_path: Path) -> None:
    numbers = write_numbers(tmp_path / "numbers", 30)
    (file := tmp_path / "toys.yaml").write_text(f"name: toys\nstages: {[f'toys.stages:{name}' for name in TOYS]}\n")
    told = command(str(file), "--from", str(numbers), "--to", str(tmp_path / "data"), "--engine", "ray", "--workers", "2")
    with subprocess.Popen(told, env=environment(), stdout=subprocess.DEVNULL) as running:
        heard: dict[str, str] = {}
        while running.poll() is None:
            for one in (driver := psutil.Process(running.pid), *driver.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    heard |= {c.laddr.ip: one.name() for c in one.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
            time.sleep(0.2)
    assert heard.pop("127.0.0.1", "") or heard.pop("::ffff:127.0.0.1", "")
    heard.pop("::ffff:127.0.0.1", "")
    assert heard == {}


def test_the_tunes_of_the_demo_become_the_same_dataset(cluster: Cluster, tmp_path: Path) -> None:
    """The whole of text-to-music: groups, joins, stages over all rows, fonts, media."""
    from motet.demo import write
    from motet.recipe import load

    write(tmp_path / "tunes")
    chosen = load("text-to-music").changed(["sample.songs=3", "enrich.offline=true", "identify.offline=true"])
    with RayEngine(chosen, address=cluster.address) as engine:
        build(chosen, [tmp_path / "tunes"], tmp_path / "there", engine=engine)
    with LocalEngine(2) as engine_here:
        build(chosen, [tmp_path / "tunes"], tmp_path / "here", engine=engine_here)
    assert_same(tmp_path / "here", tmp_path / "there")
