"""Whatever the recipe, whatever the sources: how a build was run is not to be seen in what it made.

Recipes are drawn from toy stages of every kind (rows, groups, many rows, filters, stages over all rows, joins that may be
empty), in any order that makes sense, with settings under which rows are dropped, fail and crash. For each, a build by two
workers equals one by a single worker; equals one that grew stage by stage, where nothing can run ahead of anything; and equals
what is left after any history of other builds, some of them killed. And an answer that is kept is one that was wanted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motet.dataset.snapshot import live
from motet.recipe import Recipe, parse
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys.compare import assert_same
from toys.overlapping import AFTER

Chosen = dict[str, dict[str, Any]]  # stages in order, with their settings
SLOW = settings(
    max_examples=int(os.environ.get("MOTET_HISTORIES", "5")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


@dataclass(frozen=True)
class Engines:
    one: LocalEngine
    two: LocalEngine


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    with LocalEngine(1) as one, LocalEngine(2) as two:
        yield Engines(one, two)


# -- what is drawn --

EVERY = st.sampled_from([0, 0, 0, 0, 2, 3, 5])


@st.composite
def recipes(draw: st.DrawFn, crashes: bool = False) -> Chosen:
    """Stages in an order in which each finds what it cannot do without."""
    wanted = draw(st.lists(st.sampled_from(sorted(AFTER)), min_size=1, max_size=8, unique=True))
    placed: Chosen = {}

    def place(name: str) -> None:
        for before in AFTER[name]:
            place(before)
        if name not in placed:
            told = {"by": draw(st.sampled_from([1, 1, 2])), "drop_every": draw(EVERY), "fail_every": draw(EVERY)}
            told["crash_every"] = draw(st.sampled_from([0, 0, 0, 7])) if crashes else 0
            if name in ("first_of_each", "compare"):  # one call for all rows: no row's fault
                told |= {"fail_every": 0, "crash_every": 0}
            placed[name] = {setting: value for setting, value in told.items() if value != (setting == "by")}

    for name in wanted:
        place(name)
    return placed


# Few values for many files: equal contents share an answer.
SOURCES = st.dictionaries(st.sampled_from("abcdefghijklmn"), st.integers(0, 60), min_size=1, max_size=10)
BUSY: Chosen = {
    "read_number": {"drop_every": 5},
    "halve": {"drop_every": 7},
    "keep_numbers": {"fail_every": 3},
    "square": {"drop_every": 3},
    "keep_halves": {"drop_every": 2},
    "join_square": {},
    "need_square": {"fail_every": 5},
    "gather": {},
    "compare": {},
    "after_all": {},
    "first_of_each": {},
    "weigh": {},
    "draw": {},
}
NUMBERS = {name: 7 * at + at % 4 for at, name in enumerate("abcdefghijklmn")} | {"a": 14, "b": 14}


def recipe(chosen: Chosen, upto: int | None = None) -> Recipe:
    return parse({"name": "drawn", "stages": _listed(chosen, upto)}, "drawn")


def _listed(chosen: Chosen, upto: int | None = None) -> list[Any]:
    return ["toys.stages:scan_text", *({f"toys.overlapping:{name}": told} for name, told in list(chosen.items())[:upto])]


def write(folder: Path, sources: dict[str, int]) -> Path:
    """The folder holds these sources and no other."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, value in sources.items():
        (folder / f"{name}.txt").write_text(str(value))
    return folder


# -- what holds --


def wasted(dataset: Path) -> Counter[str]:
    """Answers of a fresh build that no verdict uses, and answers given twice, by stage."""
    snapshot = live(dataset)
    assert snapshot is not None
    found: Counter[str] = Counter()
    for stage in snapshot.stages:
        shelf = dataset / "work" / stage.name.rpartition(":")[2]
        if not shelf.is_dir():
            continue  # a stage that reads sources, or runs over all rows, or had nothing to do
        answered = [key for part in sorted(shelf.glob("*.parquet")) for key in pq.read_table(part)["key"].to_pylist()]
        used = set(pq.read_table(snapshot.folder / stage.verdicts)["key"].to_pylist())
        found[stage.name] += len(answered) - len(set(answered) & used)
    return +found


def as_one_worker_does(chosen: Chosen, sources: dict[str, int], root: Path, engines: Engines) -> None:
    tunes = write(root / "sources", sources)
    build(recipe(chosen), [tunes], root / "two", engine=engines.two)
    build(recipe(chosen), [tunes], root / "one", engine=engines.one)
    assert_same(root / "two", root / "one")
    assert not wasted(root / "two")
    assert not wasted(root / "one")
    for dataset in ("one", "two"):
        assert build(recipe(chosen), [tunes], root / dataset, engine=engines.two).done_now == 0


def as_one_grown_stage_by_stage(chosen: Chosen, sources: dict[str, int], root: Path, engines: Engines) -> None:
    """Each build has one new stage, so nothing of it can be done before what it needs is whole."""
    tunes = write(root / "sources", sources)
    for upto in range(len(chosen) + 1):
        build(recipe(chosen, upto), [tunes], root / "grown", engine=engines.one)
    build(recipe(chosen), [tunes], root / "two", engine=engines.two)
    assert_same(root / "two", root / "grown")
    assert build(recipe(chosen), [tunes], root / "grown", engine=engines.two).done_now == 0


@pytest.mark.slow
def test_two_workers_do_what_one_does_and_nothing_in_vain(engines: Engines, tmp_path: Path) -> None:
    as_one_worker_does(BUSY, NUMBERS, tmp_path, engines)


@pytest.mark.slow
def test_a_recipe_grown_stage_by_stage_gives_the_same(engines: Engines, tmp_path: Path) -> None:
    as_one_grown_stage_by_stage(BUSY, NUMBERS, tmp_path, engines)


@pytest.mark.slow
@SLOW
@given(recipes(crashes=True), SOURCES)
def test_many_recipes_by_one_worker_and_by_two(engines: Engines, chosen: Chosen, sources: dict[str, int]) -> None:
    with tempfile.TemporaryDirectory() as root:
        as_one_worker_does(chosen, sources, Path(root), engines)


@pytest.mark.slow
@SLOW
@given(recipes(crashes=True), SOURCES)
def test_many_recipes_grown_stage_by_stage(engines: Engines, chosen: Chosen, sources: dict[str, int]) -> None:
    with tempfile.TemporaryDirectory() as root:
        as_one_grown_stage_by_stage(chosen, sources, Path(root), engines)


@dataclass(frozen=True)
class Then:
    """What happens next to a dataset: other sources, another recipe, and a build that ends or is killed after so many seconds."""

    sources: dict[str, int]
    chosen: Chosen
    killed: float | None


HISTORIES = st.lists(st.builds(Then, SOURCES, recipes(), st.none() | st.floats(0.0, 1.5)), min_size=1, max_size=3)


@pytest.mark.slow
@settings(SLOW, max_examples=max(3, SLOW.max_examples // 3))
@given(HISTORIES, recipes(), SOURCES)
def test_any_history_of_builds_and_kills_ends_as_a_fresh_build(
    engines: Engines, history: Sequence[Then], chosen: Chosen, sources: dict[str, int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for then in history:
            tunes = write(root / "sources", then.sources)
            if then.killed is None:
                build(recipe(then.chosen), [tunes], root / "lived", engine=engines.two)
            else:
                kill_a_build(then, root)
        tunes = write(root / "sources", sources)
        build(recipe(chosen), [tunes], root / "lived", engine=engines.two)
        build(recipe(chosen), [tunes], root / "fresh", engine=engines.one)
        assert_same(root / "lived", root / "fresh")
        assert build(recipe(chosen), [tunes], root / "lived", engine=engines.one).done_now == 0


def kill_a_build(then: Then, root: Path) -> None:
    """A build in a process of its own, killed so long after the dataset's folder was there."""
    file = root / "drawn.yaml"
    file.write_text(yaml.safe_dump({"name": "drawn", "stages": _listed(then.chosen)}))
    command = [
        sys.executable,
        "-m",
        "motet.cli",
        "build",
        str(file),
        "--from",
        str(root / "sources"),
        "--to",
        str(root / "lived"),
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    began = (root / "lived" / ".lock").exists()
    with subprocess.Popen(
        [*command, "--workers", "2"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        deadline = time.monotonic() + 60
        while not began and child.poll() is None and time.monotonic() < deadline:
            began = (root / "lived" / ".lock").exists()
            time.sleep(0.02)
        time.sleep(then.killed or 0.0)
        child.kill()
