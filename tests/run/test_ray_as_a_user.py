"""The Ray engine as somebody at a terminal meets it: a cluster of a head and two nodes, one core each, and `motet build`.

Whatever dies, and whoever builds: the dataset is the one that this machine would have made alone.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from motet import Dataset
from toys.clusters import Cluster, Node, environment
from toys.compare import assert_same
from toys.overlapping import at_work, calls

pytestmark = [pytest.mark.ray, pytest.mark.slow]

STAGES = [
    "read_number",
    "square",
    "halve",
    "keep_halves",
    "gather",
    "first_of_each",
    "join_square",
    "compare",
    "after_all",
    "draw",
]
PATIENCE = 150  # seconds until a test gives up waiting for what should have happened
# What Ray says of itself, in its logs and warnings.
CHATTER = re.compile(r"\bpid=\d+|INFO |WARNING |\bray::|raylet|usage stat|Traceback|ray\.exceptions|gcs_|\bE\d{4} |core_worker")


class World:
    """Sources that are numbers, the folder in which toy stages tell what they do, and one dataset after another."""

    def __init__(self, root: Path, address: str = "", within: tuple[str, ...] = ()) -> None:
        self.root, self.sources, self.told = root, root / "numbers", root / "told"
        self.engine = ["--engine", "ray", "--address", address]
        self.within = within
        self.began: list[subprocess.Popen[str]] = []
        for folder in (self.sources, self.told / "hold", self.told / "faults"):
            folder.mkdir(parents=True)

    def write(self, *values: int) -> None:
        for value in values:
            (self.sources / f"{value:05d}.txt").write_text(str(value))

    def hold(self, stage: str, *values: int) -> None:
        for value in values:
            (self.told / "hold" / f"{stage} {value}").touch()

    def let_go(self) -> None:
        for held in (self.told / "hold").iterdir():
            held.unlink()

    def plant(self, stage: str, value: int, kind: str) -> None:
        (self.told / "faults" / f"{stage} {value}").write_text(kind)

    def command(self, to: str, *more: str, local: bool = False, changed: Mapping[str, dict[str, Any]] | None = None) -> list[str]:
        stages: list[Any] = ["toys.stages:scan_text"]
        for name in STAGES:
            stages.append({f"toys.overlapping:{name}": {"folder": str(self.told), **(changed or {}).get(name, {})}})
        file = self.root / f"{to}.yaml"
        file.write_text(yaml.safe_dump({"name": "toys", "stages": stages}))
        engine = ["--workers", "2"] if local else self.engine
        motet = [sys.executable, "-m", "motet.cli", "build", str(file), "--from", str(self.sources)]
        return [*self.within, *motet, "--to", str(self.root / to), *engine, *more]

    def begin(self, to: str, *more: str, **told: Any) -> subprocess.Popen[str]:
        """`motet build` in a process group of its own, as from a terminal."""
        process = subprocess.Popen(
            self.command(to, *more, **told),
            env=environment(),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.began.append(process)
        return process

    def build(self, to: str, *more: str, **told: Any) -> dict[str, Any]:
        """A whole build, and what it says of itself as JSON."""
        out, _ = finish(self.begin(to, "--json", *more, **told))
        facts: dict[str, Any] = json.loads(out)
        return facts

    def same_as_local(self, to: str, **told: Any) -> None:
        """This machine alone makes the same of the same sources, and says the same numbers."""
        self.build(f"{to}-local", local=True, **told)
        assert_same(self.root / to, self.root / f"{to}-local")

    def blamed(self, to: str) -> list[tuple[str, ...]]:
        sql = "SELECT stage, path, status, reason FROM work WHERE status NOT IN ('ok', 'dropped') ORDER BY stage, path"
        return [(stage.rpartition(":")[2], *rest) for stage, *rest in Dataset(self.root / to).query(sql).fetchall()]


def wait(process: subprocess.Popen[str], until: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not until():
        if process.poll() is not None:
            pytest.fail(f"the build ended before {what}: {process.communicate()[1][-2000:]}")
        if time.monotonic() > deadline:
            pytest.fail(f"never happened: {what}")
        time.sleep(0.05)


def finish(process: subprocess.Popen[str], code: int = 0, quiet: bool = True) -> tuple[str, str]:
    """The end of a build; with `quiet`, nothing but Motet's own words was on the terminal."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, err[-3000:]
    assert not quiet or chatter(out + err) == []
    return out, err


def chatter(said: str) -> list[str]:
    return [line for line in said.splitlines() if CHATTER.search(line)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    try:
        made.start_head()
        made.wait(1)
        made.start_node()
        made.start_node()
        made.wait(3)
        yield made
    finally:
        made.stop()


@pytest.fixture
def world(tmp_path: Path, cluster: Cluster) -> Iterator[World]:
    # Children hear SIGINT, even where the tests run in the background of a shell, which has them ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    made = World(tmp_path, cluster.address)
    yield made
    signal.signal(signal.SIGINT, before)
    ended(made)


def ended(world: World) -> None:
    world.let_go()
    for process in world.began:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def is_gone(pid: int) -> bool:
    """Whether a process has ended, or does so in time."""
    try:
        psutil.Process(pid).wait(PATIENCE)
    except psutil.TimeoutExpired:
        return False
    except psutil.NoSuchProcess:
        pass
    return True


def working(cluster: Cluster, world: World) -> list[Node]:
    """The nodes on which a call has begun and not ended."""
    pids = set(at_work(world.told))
    return [node for node in cluster.nodes if node.pids() & pids]


def replace(cluster: Cluster, node: Node) -> None:
    """Another node in the place of one that is gone."""
    cluster.nodes.remove(node)
    cluster.start_node()
    cluster.wait(3)


# -- the same dataset --


def test_the_dataset_is_the_one_of_this_machine_and_nobody_does_it_again(world: World) -> None:
    """With rows that are dropped, fail, crash and hang; then no build by either engine has anything left to do."""
    world.write(*range(1, 80))
    world.plant("square", 3, "segfault")
    world.plant("square", 14, "hang")
    world.plant("halve", 15, "raise")
    changed = {"square": {"timeout": 5}, "keep_halves": {"drop_every": 3}, "join_square": {"fail_every": 11}}
    there = world.build("there", changed=changed)
    bad = [("square", "00003.txt", "crashed", "sigsegv"), ("square", "00014.txt", "timed_out", "time")]
    bad.append(("halve", "00015.txt", "failed", "ValueError"))
    eleventh = [("join_square", f"{value:05d}.txt", "failed", "ValueError") for value in (1,)]  # what first_of_each kept
    assert world.blamed("there") == sorted([*bad, *eleventh])
    begun = len(calls(world.told))
    for local in (False, True):
        again = world.build("there", local=local, changed=changed)
        assert (again["done_now"], again["snapshot"]) == (0, there["snapshot"])
    assert len(calls(world.told)) == begun
    here = world.build("here", local=True, changed=changed)
    assert_same(world.root / "there", world.root / "here")
    for told in (there, here):
        assert all(stage["name"] for stage in told["stages"])
    assert there["stages"] == here["stages"]
    begun = len(calls(world.told))
    assert world.build("here", changed=changed)["done_now"] == 0
    assert len(calls(world.told)) == begun


def test_what_is_new_is_done_and_nothing_else(world: World) -> None:
    world.write(*range(1, 30))
    world.build("there")
    before = calls(world.told)
    world.write(*range(100, 105))
    (world.sources / "00001.txt").unlink()
    world.build("there")
    new = {value.partition(".")[0] for what, stage, value in calls(world.told)[len(before) :] if what == "begin"} - {"all"}
    assert {value for value in new if int(value) >= 100} == {str(value) for value in range(100, 105)}
    reread = [value for what, stage, value in calls(world.told)[len(before) :] if (what, stage) == ("begin", "read_number")]
    assert sorted(reread) == [str(value) for value in range(100, 105)]
    world.same_as_local("there")


def test_the_demos_tunes(world: World) -> None:
    """Real stages with media: stems, mixes and clips of a few of our own tunes."""
    from motet.demo import write

    write(world.root / "tunes")
    short = ["--sample", "2", "--set", "render_stems.rate=16000", "--offline", "--json"]
    for to, engine in (("there", world.engine), ("here", ["--workers", "2"])):
        command = [sys.executable, "-m", "motet.cli", "build", "text-to-music", "--from", str(world.root / "tunes")]
        command += ["--to", str(world.root / to), *short, *engine]
        told = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=240, check=False)
        assert told.returncode == 0, told.stderr[-2000:]
        assert json.loads(told.stdout)["tables"]["stems"] > 0
        assert chatter(told.stderr) == []
    assert_same(world.root / "there", world.root / "here")


# -- what dies --


def test_a_node_that_dies_with_work_in_its_hands_costs_nothing_but_time(world: World, cluster: Cluster) -> None:
    """Calls are held on all nodes; one node is killed for certain with a call that it never ends."""
    world.write(*range(1, 60))
    world.hold("read_number", *range(1, 60))
    process = world.begin("there")
    wait(process, lambda: len(working(cluster, world)) >= 2, "work on two nodes")
    victim = next(node for node in working(cluster, world) if node is not cluster.nodes[0])
    victim.kill()
    replace(cluster, victim)
    world.let_go()
    told = finish(process, quiet=False)
    assert world.blamed("there") == []
    world.same_as_local("there")
    assert chatter("\n".join(told)) == []


def test_nodes_killed_at_random_moments(world: World, cluster: Cluster) -> None:
    """Three times, and each time another node comes: its turn comes too, or all are done before."""
    world.write(*range(1, 300))
    process = world.begin("there", changed={"read_number": {"takes": 0.1}, "square": {"takes": 0.05}})
    dice = random.Random()
    kills = 0
    wait(process, lambda: len(calls(world.told)) > 20, "the first calls")
    while kills < 3 and process.poll() is None:
        time.sleep(dice.random() * 3)
        victim = cluster.nodes[1 + dice.randrange(2)]
        victim.kill()
        kills += 1
        replace(cluster, victim)
    assert kills
    told = finish(process, quiet=False)
    assert world.blamed("there") == []
    world.same_as_local("there", changed={"read_number": {"takes": 0.0}})
    assert chatter("\n".join(told)) == []


def test_a_killed_driver_leaves_nobody_at_work_and_the_next_goes_on(world: World, cluster: Cluster) -> None:
    world.write(*range(1, 60))
    world.hold("square", 5)
    process = world.begin("there")
    wait(process, lambda: ("begin", "square", "5") in calls(world.told), "a call that is held")
    (holder,) = (pid for pid, call in at_work(world.told).items() if call == ("square", "5"))
    process.kill()
    process.communicate()
    assert is_gone(holder)
    world.let_go()
    world.build("there")
    assert world.blamed("there") == []
    world.same_as_local("there")


def test_ctrl_c_ends_the_build_and_leaves_nobody_at_work(world: World, cluster: Cluster) -> None:
    world.write(*range(1, 60))
    world.hold("square", 5)
    process = world.begin("there")
    wait(process, lambda: ("begin", "square", "5") in calls(world.told), "a call that is held")
    (holder,) = (pid for pid, call in at_work(world.told).items() if call == ("square", "5"))
    os.killpg(process.pid, signal.SIGINT)
    finish(process, code=130)
    assert is_gone(holder)
    world.let_go()
    world.build("there")
    world.same_as_local("there")


# -- several builds --


def test_two_builds_share_a_cluster_and_a_dataset_has_one_writer(world: World) -> None:
    world.write(*range(1, 40))
    first, second = world.begin("first"), world.begin("second")
    wait(first, (world.root / "first" / ".lock").exists, "a dataset that is written")
    for process in (first, second):
        finish(process)
    world.same_as_local("first")
    assert_same(world.root / "first", world.root / "second")
    world.hold("read_number", 1000)
    world.write(1000)
    running = world.begin("first")
    wait(running, lambda: ("begin", "read_number", "1000") in calls(world.told), "a call that is held")
    _, refused = finish(world.begin("first"), code=1)
    assert len(refused.strip().splitlines()) == 1
    assert str(world.root / "first") in refused
    world.let_go()
    finish(running)


# -- what one is told --


def test_doctor_looks_at_the_cluster(world: World) -> None:
    command = [sys.executable, "-m", "motet.cli", "doctor", *world.engine]
    told = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert len([line for line in told.stdout.splitlines() if world.engine[-1].partition(":")[0] in line]) >= 1
    assert chatter(told.stdout + told.stderr) == []
    asked = subprocess.run([*command, "--json"], env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
    json.loads(asked.stdout)


@pytest.mark.parametrize("subject", ["build", "doctor"])
def test_an_address_at_which_nobody_is(world: World, subject: str) -> None:
    world.write(1)
    world.engine[-1] = "127.0.0.1:1"
    command = world.command("there") if subject == "build" else [sys.executable, "-m", "motet.cli", "doctor", *world.engine]
    told = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert told.returncode in (1, 2)
    assert "127.0.0.1:1" in told.stdout + told.stderr
    assert not CHATTER.search(told.stdout + told.stderr), told.stderr[-2000:]
    assert subject == "doctor" or len(told.stderr.strip().splitlines()) == 1, told.stderr
    assert not (world.root / "there" / "snapshots").exists()


def test_without_ray_one_is_told_how_to_get_it(world: World) -> None:
    world.write(1)
    blocked = world.root / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text("import sys\nsys.modules['ray'] = None\n")
    paths = os.pathsep.join([str(blocked), *sys.path])
    told = subprocess.run(
        world.command("there"), env=environment(PYTHONPATH=paths), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert told.returncode in (1, 2)
    assert len(told.stderr.strip().splitlines()) == 1, told.stderr
    assert "motet[ray]" in told.stderr


def test_a_build_says_what_a_local_one_says(world: World) -> None:
    """The lines of a build's stages, times aside, stand on the terminal as on one machine; `motet status` is the same."""
    world.write(*range(1, 40))

    def said(to: str, local: bool) -> tuple[list[str], list[str]]:
        out, err = finish(world.begin(to, local=local))
        lines = [re.sub(r", [\d.]+ \w+", "", line) for line in (out + err).splitlines() if " in " in line and " out" in line]
        asked = [sys.executable, "-m", "motet.cli", "status", str(world.root / to)]
        status = subprocess.run(asked, env=environment(), capture_output=True, text=True, check=True).stdout.splitlines()
        return lines, [" ".join(line.split()[:6]) for line in status if line.startswith(("scan_text", "toys.", *STAGES))]

    there, here = said("there", local=False), said("here", local=True)
    assert there == here
    assert len(here[0]) == len(STAGES) + 1


# -- real files --


@pytest.mark.shared
def test_five_hundred_real_files(world: World, shared: Path) -> None:
    files = sorted(path for path in (shared / "midi" / "messy").rglob("*") if path.is_file())
    chosen = random.Random(500).sample(files, 500)
    for number, path in enumerate(chosen):
        folder = world.root / "tunes" / f"{number % 10}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / f"{number:03d} {path.name}")
    for to, engine in (("there", world.engine), ("here", ["--workers", "2"])):
        command = [sys.executable, "-m", "motet.cli", "build", "text-to-music", "--from", str(world.root / "tunes"), "--offline"]
        command += ["--to", str(world.root / to), "--sample", "10", "--set", "render_stems.rate=16000", "--json", *engine]
        told = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=900, check=False)
        assert told.returncode == 0, told.stderr[-2000:]
        assert json.loads(told.stdout)["tables"]["files"] >= 490
    assert_same(world.root / "there", world.root / "here")


# -- several hosts --


class Hosts:
    """Network namespaces on one bridge, an address each: to Ray they are machines, and all see this one's disk."""

    def __init__(self, names: list[str]) -> None:
        self.tag = f"mj{os.getpid() % 100000}"
        self.names = names
        run = self._run
        run("ip", "netns", "add", f"{self.tag}hub")
        run("ip", "-n", f"{self.tag}hub", "link", "add", "bridge", "type", "bridge")
        run("ip", "-n", f"{self.tag}hub", "link", "set", "bridge", "up")
        for at, name in enumerate(names):
            space, link = f"{self.tag}{name}", f"{self.tag}{at}"
            run("ip", "netns", "add", space)
            run("ip", "link", "add", link, "type", "veth", "peer", "name", f"{link}p")
            run("ip", "link", "set", f"{link}p", "netns", f"{self.tag}hub")
            run("ip", "-n", f"{self.tag}hub", "link", "set", f"{link}p", "master", "bridge", "up")
            run("ip", "link", "set", link, "netns", space)
            run("ip", "-n", space, "link", "set", link, "name", "eth0")
            run("ip", "-n", space, "addr", "add", f"{self.ip(name)}/24", "dev", "eth0")
            run("ip", "-n", space, "link", "set", "lo", "up")
            run("ip", "-n", space, "link", "set", "eth0", "up")
            run("ip", "-n", space, "route", "add", "default", "via", self.ip(name))

    def ip(self, name: str) -> str:
        return f"10.77.0.{self.names.index(name) + 1}"

    def within(self, name: str) -> tuple[str, ...]:
        return ("ip", "netns", "exec", f"{self.tag}{name}")

    def cut(self, name: str) -> None:
        self._run("ip", "-n", f"{self.tag}{name}", "link", "set", "eth0", "down")

    def close(self) -> None:
        for name in ("hub", *self.names):
            subprocess.run(["ip", "netns", "del", f"{self.tag}{name}"], capture_output=True, check=False)

    @staticmethod
    def _run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("hosts of their own need root and `ip` (iproute2)")
    made = None
    try:
        try:
            made = Hosts(["head", "one", "two"])
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr.decode().strip()}")
        yield made
    finally:
        if made:
            made.close()


def test_a_host_whose_link_is_cut_costs_nothing_but_time(tmp_path: Path, hosts: Hosts) -> None:
    """The host that is cut off lives on, with the dataset's disk in reach: what it still writes is nobody's."""
    cluster = Cluster(ip=hosts.ip("head"), within=hosts.within("head"))
    world = World(tmp_path, cluster.address, hosts.within("head"))
    try:
        cluster.start_head()
        cluster.wait(1)
        nodes = {name: cluster.start_node(hosts.ip(name), within=hosts.within(name)) for name in ("one", "two")}
        cluster.wait(3)
        world.write(*range(1, 60))
        world.hold("read_number", *range(1, 60))
        process = world.begin("there")
        wait(process, lambda: {*nodes.values()} & {*working(cluster, world)} != set(), "work on another host than the head's")
        name = next(name for name, node in nodes.items() if node in working(cluster, world))
        hosts.cut(name)
        world.let_go()
        told = finish(process, quiet=False)
        assert world.blamed("there") == []
        world.within = ()
        world.same_as_local("there")
        assert chatter("\n".join(told)) == []
    finally:
        ended(world)
        cluster.stop()
