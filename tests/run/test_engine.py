"""One bad row costs one row: what the engine does when rows raise, crash, hang or blow up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from motet import Dataset
from motet.dataset.keeping.repairing import repair
from motet.dataset.lock import writer_lock
from motet.recipe import Recipe, parse
from motet.run.build import build
from motet.run.engine import LocalEngine
from motet.run.watch import Run

TOYS = ["scan_text", "parse_number", "touchy", "unique", "digits", "no_sevens", "sum_digits"]


def recipe(faults: Path, **settings: dict[str, object]) -> Recipe:
    settings = {"touchy": {"folder": str(faults)}, **settings}
    return parse({"name": "toys", "stages": [{f"toys.stages:{n}": settings.get(n, {})} for n in TOYS]}, "toys")


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(2, memory_mb=700) as pool:
        yield pool


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    folder = tmp_path / "numbers"
    folder.mkdir()
    for value in range(30):
        (folder / f"{value}.txt").write_text(str(value))
    return folder


@pytest.fixture
def faults(tmp_path: Path) -> Path:
    folder = tmp_path / "faults"
    folder.mkdir()
    return folder


def work(run: Run, dataset: Path, stage: str) -> dict[str, tuple[str, str]]:
    lines = Dataset(dataset).query(f"SELECT path, status, reason FROM work WHERE stage = 'toys.stages:{stage}'").fetchall()
    return {path: (status, reason) for path, status, reason in lines}


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("raise", "failed", "ValueError"),
        ("segfault", "crashed", "sigsegv"),
        ("exit", "crashed", "died"),
        ("hang", "timed_out", "time"),
        ("memory", "crashed", "memory"),
    ],
)
def test_a_bad_row_costs_itself_alone(
    kind: str, status: str, reason: str, numbers: Path, faults: Path, tmp_path: Path, engine: LocalEngine
) -> None:
    (faults / "7").write_text(kind)
    patient = {"timeout": 30 if kind == "memory" else 2}
    chosen = recipe(faults, touchy={"folder": str(faults), **patient})
    run = build(chosen, [numbers], tmp_path / "data", engine=engine)
    verdicts = work(run, tmp_path / "data", "touchy")
    assert verdicts.pop("7.txt") == (status, reason)
    assert set(verdicts.values()) == {("ok", "")}
    assert len(verdicts) == 29


def test_a_row_that_leaves_no_memory_behind_starves_no_other(numbers: Path, faults: Path, tmp_path: Path) -> None:
    for value in range(30):
        (faults / str(value)).write_text("hoard" if value == 7 else "hungry")
    with LocalEngine(1, memory_mb=500) as one:
        run = build(recipe(faults, touchy={"folder": str(faults), "timeout": 30}), [numbers], tmp_path / "data", engine=one)
    assert {path for path, (status, _) in work(run, tmp_path / "data", "touchy").items() if status != "ok"} == {"7.txt"}


def test_a_row_that_its_table_cannot_hold_costs_itself_alone(numbers: Path, tmp_path: Path, engine: LocalEngine) -> None:
    (numbers / "7.txt").write_text(str(1 << 63))
    run = build(recipe(tmp_path), [numbers], tmp_path / "data", engine=engine)
    verdicts = work(run, tmp_path / "data", "parse_number")
    assert verdicts.pop("7.txt") == ("failed", "unfit_row")
    assert set(verdicts.values()) == {("ok", "")}


def test_a_row_whose_media_are_gone_is_not_blamed_and_comes_back_with_a_repair(
    numbers: Path, tmp_path: Path, engine: LocalEngine
) -> None:
    data, names = tmp_path / "data", ["scan_text", "parse_number", "digits"]
    made, read = ([f"toys.stages:{name}" for name in chosen] for chosen in (names, [*names, "reread"]))
    build(parse({"name": "toys", "stages": made}, "toys"), [numbers], data, engine=engine)
    lost = {path for (path,) in Dataset(data).query("SELECT path FROM digits WHERE digit = 7").fetchall()}
    ((reference,),) = Dataset(data).query("SELECT DISTINCT written FROM digits WHERE digit = 7").fetchall()
    (data / reference).unlink()
    run = build(parse({"name": "toys", "stages": read}, "toys"), [numbers], data, engine=engine)
    told = work(run, data, "reread")
    assert {path for path, verdict in told.items() if verdict == ("unanswered", "media_lost")} == lost
    with writer_lock(data):
        repair(data)
    run = build(parse({"name": "toys", "stages": read}, "toys"), [numbers], data, engine=engine)
    assert set(work(run, data, "reread").values()) == {("ok", "")}


def test_several_bad_rows_at_once(numbers: Path, faults: Path, tmp_path: Path, engine: LocalEngine) -> None:
    for value, kind in ((3, "segfault"), (4, "raise"), (5, "segfault"), (11, "exit"), (20, "hang")):
        (faults / str(value)).write_text(kind)
    run = build(recipe(faults), [numbers], tmp_path / "data", engine=engine)
    bad = {path for path, (status, _) in work(run, tmp_path / "data", "touchy").items() if status != "ok"}
    assert bad == {"3.txt", "4.txt", "5.txt", "11.txt", "20.txt"}


def test_blame_is_given_only_after_a_second_try_alone(numbers: Path, faults: Path, tmp_path: Path, engine: LocalEngine) -> None:
    (faults / "7").write_text("raise")
    build(recipe(faults), [numbers], tmp_path / "data", engine=engine)
    import pyarrow.dataset as ds

    table = ds.dataset(tmp_path / "data" / "work" / "touchy").to_table().to_pylist()
    assert {row["attempts"] for row in table if row["status"] == "failed"} == {2}
    assert {row["attempts"] for row in table if row["status"] == "ok"} == {1}


def test_a_blamed_row_is_left_alone_until_retry(numbers: Path, faults: Path, tmp_path: Path, engine: LocalEngine) -> None:
    data = tmp_path / "data"
    (faults / "7").write_text("raise")
    build(recipe(faults), [numbers], data, engine=engine)
    (faults / "7").unlink()
    again = build(recipe(faults), [numbers], data, engine=engine)
    assert again.done_now == 0
    assert work(again, data, "touchy")["7.txt"] == ("failed", "ValueError")
    retried = build(recipe(faults), [numbers], data, engine=engine, retry=True)
    assert work(retried, data, "touchy")["7.txt"] == ("ok", "")
    assert {s.name.partition(":")[2]: s.done_now for s in retried.stages}["touchy"] == 1


def test_a_service_that_was_down_is_asked_again_without_being_told(
    numbers: Path, faults: Path, tmp_path: Path, engine: LocalEngine
) -> None:
    data = tmp_path / "data"
    (faults / "7").write_text("down")
    first = build(recipe(faults), [numbers], data, engine=engine)
    assert work(first, data, "touchy")["7.txt"] == ("unanswered", "no_answer")
    (faults / "7").unlink()
    second = build(recipe(faults), [numbers], data, engine=engine)
    assert work(second, data, "touchy")["7.txt"] == ("ok", "")


def test_a_missing_member_of_a_group_is_recorded_or_drops_it(tmp_path: Path, faults: Path, engine: LocalEngine) -> None:
    folder = tmp_path / "numbers"
    folder.mkdir()
    (folder / "a.txt").write_text("175")
    (folder / "b.txt").write_text("123")
    build(recipe(faults), [folder], tmp_path / "go", engine=engine)
    totals = {r["path"]: r for r in Dataset(tmp_path / "go").table("totals").to_pylist()}
    assert (totals["a.txt"]["total"], totals["a.txt"]["lost"]) == (6, [1])
    strict = recipe(faults, sum_digits={"missing": "drop"})
    run = build(strict, [folder], tmp_path / "drop", engine=engine)
    assert work(run, tmp_path / "drop", "sum_digits")["a.txt"] == ("dropped", "incomplete")


def test_a_stage_cannot_touch_what_it_does_not_declare() -> None:
    from motet.dataset.rows import limited
    from toys.stages import Number

    row = limited(Number, {"value": 3, "id": "x", "path": "secret.txt"}, frozenset({"value"}))
    assert row.value == 3
    with pytest.raises(AttributeError):
        _ = row.path


def _recipe_file(tmp_path: Path, faults: Path) -> Path:
    path = tmp_path / "toys.yaml"
    stages = "".join(f"  - toys.stages:{n}" + (f": {{folder: {faults}, timeout: 60}}\n" if n == "touchy" else "\n") for n in TOYS)
    path.write_text(f"name: toys\nstages:\n{stages}")
    return path


@pytest.fixture
def heard() -> Iterator[None]:
    """Children hear SIGINT, even where the tests run in the background of a shell, which has them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_soon_leaves_no_orphan_and_the_next_run_goes_on(
    number: signal.Signals, numbers: Path, faults: Path, tmp_path: Path, engine: LocalEngine
) -> None:
    (faults / "7").write_text("hang")
    command = [
        sys.executable, "-m", "motet.cli", "build", str(_recipe_file(tmp_path, faults)),
        "--from", str(numbers), "--to", str(tmp_path / "data"), "--workers", "2",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    watched = psutil.Process(process.pid)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list((tmp_path / "data").glob("work/parse_number/*.parquet")):
        time.sleep(0.05)
    time.sleep(1.5)  # the hanging row is in a worker's hands
    children = watched.children(recursive=True)
    assert len(children) >= 2
    os.killpg(process.pid, number)  # as a terminal does
    began = time.monotonic()
    _, told = process.communicate(timeout=20)
    assert time.monotonic() - began < 3
    assert process.returncode == 130
    assert b"Traceback" not in told
    _, alive = psutil.wait_procs(children, timeout=2)
    assert alive == []
    (faults / "7").unlink()
    run = build(recipe(faults), [numbers], tmp_path / "data", engine=engine)
    assert run.survivors == 29  # 7 itself has no digit left to sum


def test_workers_die_with_a_killed_driver(numbers: Path, faults: Path, tmp_path: Path) -> None:
    (faults / "7").write_text("hang")
    command = [
        sys.executable, "-m", "motet.cli", "build", str(_recipe_file(tmp_path, faults)),
        "--from", str(numbers), "--to", str(tmp_path / "data"), "--workers", "2",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list((tmp_path / "data").glob("work/parse_number/*.parquet")):
        time.sleep(0.05)
        assert process.poll() is None
    time.sleep(1)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
