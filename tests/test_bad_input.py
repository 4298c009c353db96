"""Whatever is wrong with the user's world is told in one sentence with the right exit code, and nothing is lost by it."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from motet import Dataset, UserError
from motet.cli import main
from motet.dataset.keeping.checking import check
from motet.recipe import load
from motet.run.build import build
from motet.run.engine import LocalEngine
from motet.run.watch import Run
from toys.compare import assert_same, live_state
from toys.midi import song

SHORT = ["render_stems.rate=16000", "clean.shortest=2", "segment.shortest=2", "segment.target=4", "segment.longest=8"]
SET = [word for setting in SHORT for word in ("--set", setting)]
USAGE, UNFINISHED = 2, 1

Told = Callable[..., tuple[int, str]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Iterator[Told]:
    """Runs a command; gives its exit code and the one sentence it said on stderr."""
    before = signal.getsignal(signal.SIGTERM)

    def run(*words: str | Path) -> tuple[int, str]:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as usage:  # argparse: what one may say, then what was wrong
            code = int(usage.code or 0)
        said = capsys.readouterr().err.strip()
        assert "Traceback" not in said
        if code and not said.startswith("usage:"):
            assert said.startswith("motet: "), said
            assert said.count("\n") == 0, said
        return code, said

    yield run
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(2) as pool:
        yield pool


def make(sources: Path, data: Path, engine: LocalEngine, *settings: str) -> Run:
    return build(load("text-to-music").changed([*SHORT, *settings]), [sources], data, engine=engine)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, engine: LocalEngine) -> Path:
    root = tmp_path_factory.mktemp("built")
    (root / "sources").mkdir()
    (root / "sources" / "one.mid").write_bytes(song(1))
    (root / "sources" / "two.mid").write_bytes(song(2))
    make(root / "sources", root / "data", engine)
    return root


@pytest.fixture
def data(built: Path, tmp_path: Path) -> Path:
    """A finished dataset of two songs, to be spoilt."""
    shutil.copytree(built / "data", tmp_path / "data", symlinks=True)
    return tmp_path / "data"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "one.mid").write_bytes(song(1))
    return folder


def build_words(sources: Path | str, to: Path | str) -> list[str | Path]:
    return ["build", "text-to-music", "--from", sources, "--to", to, "--workers", "1", *SET]


# -- sources ------------------------------------------------------------------------------------------------------------


def test_a_missing_folder(told: Told, tmp_path: Path) -> None:
    code, said = told(*build_words(tmp_path / "nowhere", tmp_path / "data"))
    assert (code, "nowhere does not exist" in said) == (USAGE, True)


def test_an_empty_folder(told: Told, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, said = told(*build_words(tmp_path / "empty", tmp_path / "data"))
    assert (code, "0 rows came out" in said) == (UNFINISHED, True)
    assert Dataset(tmp_path / "data").tables()["files"] == 0


def test_nothing_that_survives(told: Told, tmp_path: Path) -> None:
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "page.mid").write_bytes(b"<html>not here</html>")
    (tmp_path / "junk" / "short.mid").write_bytes(song(1, bars=1))
    code, said = told(*build_words(tmp_path / "junk", tmp_path / "data"), "--set", "clean.shortest=60")
    assert (code, "motet status" in said) == (UNFINISHED, True)
    why = Dataset(tmp_path / "data").query("SELECT path, reason FROM work WHERE status = 'dropped'").fetchall()
    assert ("junk/short.mid", "too_short") in why
    assert {path for path, _ in why} == {"junk/page.mid", "junk/short.mid"}


def test_fewer_than_wanted(told: Told, data: Path) -> None:
    code, said = told("build", "text-to-music", "--to", data, *SET, "--min-yield", "1000")
    assert (code, "fewer than the 1,000 wanted" in said) == (UNFINISHED, True)


def test_sources_that_went_since(told: Told, sources: Path, tmp_path: Path, engine: LocalEngine) -> None:
    make(sources, tmp_path / "data", engine)
    before = live_state(tmp_path / "data")
    sources.rename(tmp_path / "moved")
    code, said = told("build", "text-to-music", "--to", tmp_path / "data", *SET)
    assert (code, "does not exist" in said) == (USAGE, True)
    assert live_state(tmp_path / "data") == before


@contextmanager
def bound_by_permissions() -> Iterator[Callable[[], None] | None]:
    """What a child must do first, so that file permissions bind it: root lays down its right to pass them."""
    if os.geteuid() != 0:
        yield None
        return
    if sys.platform != "linux":
        pytest.skip("root passes all permissions here, and cannot lay that right down")
    libc = ctypes.CDLL(None)
    dac_override, dac_read_search, drop = 1, 2, 24

    def lay_down() -> None:
        libc.prctl(drop, dac_override)
        libc.prctl(drop, dac_read_search)

    yield lay_down


def child(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """`motet` in a process of its own that permissions bind."""
    with bound_by_permissions() as first:
        return subprocess.run(
            [sys.executable, "-m", "motet.cli", *map(str, words)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True, text=True, preexec_fn=first, check=False,
        )  # fmt: skip


def permissions_bind(folder: Path) -> None:
    closed = folder / "closed"
    closed.write_text("x")
    closed.chmod(0)
    with bound_by_permissions() as first:
        tried = subprocess.run(["cat", str(closed)], capture_output=True, preexec_fn=first, check=False)
    if tried.returncode == 0:
        pytest.skip("permissions bind nobody here")


@pytest.mark.slow
def test_an_unreadable_file_costs_itself(sources: Path, tmp_path: Path) -> None:
    permissions_bind(tmp_path)
    (sources / "closed.mid").write_bytes(song(2))
    (sources / "closed.mid").chmod(0)
    (sources / "closed folder").mkdir(mode=0)
    done = child(*build_words(sources, tmp_path / "data"))
    (sources / "closed folder").chmod(0o755)
    assert (done.returncode, done.stderr) == (0, "")
    said = Dataset(tmp_path / "data").query("SELECT path, reason FROM work WHERE status <> 'ok'").fetchall()
    assert {path for path, _ in said} == {"sources/closed.mid", "sources/closed folder"}
    assert len({reason for _, reason in said}) == 1
    assert Dataset(tmp_path / "data").tables()["songs"] == 1


@pytest.mark.parametrize("place", ["a new folder in it", "the dataset itself"])
def test_a_read_only_target(place: str, sources: Path, data: Path, tmp_path: Path) -> None:
    permissions_bind(tmp_path)
    if place == "the dataset itself":
        target = closed = data
        before = live_state(data)
    else:
        closed = tmp_path / "closed folder"
        closed.mkdir()
        target = closed / "data"
    closed.chmod(0o555)
    try:
        done = child(*build_words(sources, target))
    finally:
        closed.chmod(0o755)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert (done.returncode, "cannot be written" in done.stderr) == (UNFINISHED, True)
    if place == "the dataset itself":
        assert live_state(data) == before


# -- the disk -----------------------------------------------------------------------------------------------------------


def mount(*words: str) -> bool:
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or not mount("-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)):
        pytest.skip("only root on Linux can mount a small disk here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.slow
def test_a_full_disk_loses_nothing(told: Told, small_disk: Path, built: Path, tmp_path: Path, engine: LocalEngine) -> None:
    """Stopped again and again where the room ends, each time further on; with room, the same command makes what it should."""
    sources, data, ballast = built / "sources", small_disk / "data", small_disk / "ballast"
    stopped = []
    for room in (4 << 10, 90 << 10, 2 << 20):
        ballast.unlink(missing_ok=True)
        free = shutil.disk_usage(small_disk).free
        ballast.write_bytes(bytes(max(0, free - room)))
        with pytest.raises(UserError) as refusal:
            make(sources, data, engine)
        assert refusal.value.exit_code == UNFINISHED
        assert "\n" not in str(refusal.value)
        stopped.append(str(refusal.value))
    assert any("No space left" in sentence for sentence in stopped)
    assert "free some room" in stopped[-1]  # rendering is not begun where its estimate does not fit
    code, said = told(*build_words(sources, data))
    assert (code, "free some room" in said) == (UNFINISHED, True)

    ballast.unlink()
    assert mount("-o", "remount,size=300m", str(small_disk))
    code, said = told(*build_words(sources, data))
    assert (code, said) == (0, "")
    make(sources, tmp_path / "fresh", engine)
    assert_same(data, tmp_path / "fresh")


def test_a_disk_that_fills_under_a_finished_dataset(small_disk: Path, built: Path, sources: Path, engine: LocalEngine) -> None:
    assert mount("-o", "remount,size=300m", str(small_disk))
    data = small_disk / "data"
    make(built / "sources", data, engine)
    before = live_state(data)
    (small_disk / "ballast").write_bytes(bytes(shutil.disk_usage(small_disk).free - (8 << 10)))
    with pytest.raises(UserError) as refusal:
        make(sources, data, engine, "mix_stems.lufs=-30")
    assert refusal.value.exit_code == UNFINISHED
    assert live_state(data) == before
    assert list(check(data)) == []


# -- the dataset --------------------------------------------------------------------------------------------------------


def test_a_dataset_of_another_recipe(told: Told, data: Path, sources: Path, tmp_path: Path) -> None:
    before = live_state(data)
    (tmp_path / "mine.yaml").write_text("name: mine\nstages: [scan, clean]\n")
    code, said = told("build", tmp_path / "mine.yaml", "--from", sources, "--to", data)
    assert (code, "was made by the recipe text-to-music, not mine" in said) == (USAGE, True)
    assert live_state(data) == before


def test_a_dataset_of_a_newer_version(told: Told, data: Path, sources: Path) -> None:
    stored = yaml.safe_load((data / "motet.yaml").read_text())
    (data / "motet.yaml").write_text(yaml.safe_dump({**stored, "format": 99, "motet": "9.9"}))
    written = (data / "motet.yaml").read_bytes()
    commands: list[list[str | Path]] = [
        build_words(sources, data), ["status", data], ["query", data, "SELECT 1"], ["check", data], ["report", data],
        ["clean", data], ["why", data, "one.mid"], ["remove", data, "sources/one.mid"],
    ]  # fmt: skip
    for command in commands:
        code, said = told(*command)
        assert (code, "made by motet 9.9, which writes a newer format" in said) == (USAGE, True), command
    assert (data / "motet.yaml").read_bytes() == written


def test_no_dataset(told: Told, tmp_path: Path) -> None:
    commands = [["status"], ["query"], ["check"], ["report"], ["clean"], ["why"], ["remove"]]
    for (command,) in commands:
        extra = ["x"] if command in ("query", "why", "remove") else []
        code, said = told(command, tmp_path, *extra)
        assert (code, "is not a Motet dataset" in said) == (USAGE, True), command


def test_a_target_that_is_something_else(told: Told, sources: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    for target in ("file", "full", "file/below"):
        code, said = told(*build_words(sources, tmp_path / target))
        assert code in (USAGE, UNFINISHED)
        assert str(tmp_path / "f") in said
    assert (tmp_path / "file").read_text() == (tmp_path / "full" / "mine").read_text() == "mine"
    assert list((tmp_path / "full").iterdir()) == [tmp_path / "full" / "mine"]


def test_a_new_dataset_without_sources(told: Told, tmp_path: Path) -> None:
    code, said = told("build", "text-to-music", "--to", tmp_path / "data")
    assert (code, "add --from PATH" in said) == (USAGE, True)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"[", b"\xff\xfe", b"- a\n- b\n", b"format: one\n", b"format: 1\n", b"just words\n", b"format: true\n"],
)
def test_a_damaged_motet_yaml(content: bytes, told: Told, data: Path, sources: Path) -> None:
    (data / "motet.yaml").write_bytes(content)
    code, said = told(*build_words(sources, data))
    assert (code, "motet.yaml" in said or "motet migrate" in said) == (USAGE, True)
    assert (data / "motet.yaml").read_bytes() == content


@pytest.mark.parametrize("cut_after", ["sources:\n", "seed:", "removed:", "stages:\n", "  scan:\n"])
def test_a_motet_yaml_cut_off(cut_after: str, told: Told, data: Path, sources: Path) -> None:
    """A half of it is never misread, be it for building or removing; what is read otherwise still works."""
    text = (data / "motet.yaml").read_text()
    (data / "motet.yaml").write_text(text[: text.index(cut_after) + len(cut_after)])
    for command in (["remove", data, "no such source"], ["build", "text-to-music", "--to", data, *SET]):
        code, _ = told(*command)
        assert code in (0, UNFINISHED, USAGE)


@pytest.mark.parametrize(
    "damaged",
    ["work/clean/*.parquet", "tables/songs/*.parquet", "snapshots/live/clips.parquet", "snapshots/live/work/clean.parquet",
     "snapshots/live/snapshot.json", "commits.json"],
)  # fmt: skip
def test_a_damaged_file_is_named_by_check_and_never_a_traceback(damaged: str, told: Told, data: Path, capsys: Any) -> None:
    (path, *_) = data.glob(damaged)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    capsys.readouterr()
    code = main(["check", str(data)])
    output = capsys.readouterr()
    assert code == 1
    assert path.name in output.out + output.err
    for command in (
        ["query", data, "SELECT count(*) FROM clips"],
        ["status", data],
        ["report", data],
        ["why", data, "one.mid"],
        ["build", "text-to-music", "--to", data, "--workers", "1", *SET, "--set", "clean.shortest=1"],
        ["clean", data],
    ):
        told(*command)


def test_a_missing_part_is_named(data: Path, capsys: Any) -> None:
    (path, *_) = (data / "work" / "clean").glob("*.parquet")
    path.unlink()
    assert main(["check", str(data)]) == 1
    assert f"missing_part (promise 2): work/clean/{path.name}" in capsys.readouterr().out


def test_two_runs_at_once(told: Told, tmp_path: Path) -> None:
    """One wins; the other says so and leaves."""
    (tmp_path / "numbers").mkdir()
    (tmp_path / "faults").mkdir()
    (tmp_path / "numbers" / "7.txt").write_text("7")
    (tmp_path / "numbers" / "8.txt").write_text("8")
    (tmp_path / "faults" / "7").write_text("hang")  # for two tries of 1 s
    stages = ["toys.stages:scan_text", "toys.stages:parse_number", {"toys.stages:touchy": {"folder": str(tmp_path / "faults")}}]
    (tmp_path / "toys.yaml").write_text(yaml.safe_dump({"name": "toys", "stages": stages}))
    words = ["build", str(tmp_path / "toys.yaml"), "--from", str(tmp_path / "numbers"), "--to", str(tmp_path / "data")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    first = subprocess.Popen(
        [sys.executable, "-m", "motet.cli", *words, "--workers", "1"], env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list((tmp_path / "data").glob("work/parse_number/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    for command in (words, ["clean", tmp_path / "data"]):
        code, said = told(*command)
        assert (code, f"is being written by another run (process {first.pid})" in said) == (UNFINISHED, True)
    _, complaint = first.communicate(timeout=60)
    assert (first.returncode, "Traceback" in complaint) == (0, False)
    assert Dataset(tmp_path / "data").tables()["numbers"] == 1
    assert told(*words) == (0, "")


# -- words --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--set", "clean.shortes=3"], "did you mean shortest?"),
        (["--set", "clen.shortest=3"], "did you mean clean?"),
        (["--set", "clean.shortest=long"], "clean.shortest cannot be 'long'"),
        (["--set", "clean.shortest"], "write stage.setting=value"),
        (["--set", "render_stems.synth=nosynth"], "no synth 'nosynth'; there are: fluidsynth, motet, motet-wet, tinysoundfont"),
        (["--set", "render_stems.font=/etc/hostname"], "/etc/hostname is not a SoundFont"),
        (["--set", "render_stems.font=/no/such.sf2"], "no SoundFont at /no/such.sf2"),
        (["--workers", "0"], "'0' is not a whole number of at least 1"),
        (["--sample", "x"], "'x' is not a whole number"),
        (["--seed", "x"], "--seed"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_bad_words_for_a_build(words: list[str], hint: str, told: Told, sources: Path, tmp_path: Path) -> None:
    if hint.startswith("/etc") and not Path("/etc/hostname").exists():
        pytest.skip("no /etc/hostname here")
    code, said = told(*build_words(sources, tmp_path / "data"), *words)
    assert (code, hint in said) == (USAGE, True), said
    if "." in " ".join(words):
        made = Dataset(tmp_path / "data").folder / "snapshots" / "live" if (tmp_path / "data" / "motet.yaml").exists() else None
        assert made is None or not made.exists()  # nothing is published


def test_a_bad_font_is_told_before_hours_of_reading(told: Told, sources: Path, tmp_path: Path) -> None:
    told(*build_words(sources, tmp_path / "data"), "--set", "render_stems.synth=nosynth")
    assert not list((tmp_path / "data").glob("work/clean/*.parquet"))


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["build", "text-to-musik", "--from", ".", "--to", "x"], "did you mean text-to-music?"),
        (["build", "absent.yaml", "--from", ".", "--to", "x"], "absent.yaml cannot be read"),
        (["biuld"], "invalid choice"),
        ([], "COMMAND"),
        (["build", "text-to-music", "--from", "."], "--to"),
    ],
)
def test_bad_words(words: list[str], hint: str, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = told(*words)
    assert (code, hint in said) == (USAGE, True), said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "sql",
    ["SELEC 1", "SELECT * FROM nowhere", "SELECT nothing FROM clips", "", "SELECT 1 / 'x'", "SELECT error('planned')",
     "SELECT CAST(path AS INTEGER) FROM files", "SELECT * FROM '/nowhere.parquet'"],
)  # fmt: skip
def test_bad_sql(sql: str, told: Told, data: Path) -> None:
    code, _ = told("query", data, sql)
    assert code == (0 if sql == "" else USAGE)


def test_an_unknown_table_names_those_there_are(data: Path) -> None:
    with pytest.raises(UserError, match="no table 'clip'; its tables are: files, judgements, songs"):
        Dataset(data).table("clip")


def test_a_file_the_dataset_never_saw(told: Told, data: Path) -> None:
    code, said = told("why", data, "it's not here.mid")
    assert (code, "has never seen" in said) == (USAGE, True)
    code, said = told("remove", data, "it's not here.mid")
    assert (code, "has no source called" in said) == (USAGE, True)


# -- names --------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_hostile_names(told: Told, tmp_path: Path, engine: LocalEngine, capsys: Any) -> None:
    """Names are names: no glob, no quote, no line break and no wrong encoding in them means anything."""
    sources = tmp_path / "my [songs]*? 'a' \"b\""
    data = tmp_path / "data [1]*? 'a'; DROP {x} %s"
    sources.mkdir()
    names = [
        b"line\nbreak.mid", b"'quote\".mid", b"[glob]*?.mid", b"\xff\xfe not utf-8.mid", b"--flag.mid",
        "Dvořák – Größe 🎵.mid".encode(), b"x" * 251 + b".mid", b"$(touch x);`id`.mid", b"[bold]red[/].mid", b" .mid", b"a!b.mid",
    ]  # fmt: skip
    for seed, name in enumerate(names):
        path = Path(os.fsdecode(os.path.join(os.fsencode(sources), name)))
        path.parent.mkdir(exist_ok=True)
        try:
            path.write_bytes(song(seed, bars=2))
        except OSError:  # a file system that takes only UTF-8
            assert name.startswith(b"\xff")
    stored = len([p for p in sources.rglob("*") if p.is_file()])
    run = make(sources, data, engine, "segment.shortest=1.5")
    assert (run.snapshot.tables["files"], run.failed) == (stored, 0)
    assert run.snapshot.tables["songs"] + run.snapshot.tables["duplicates"] == stored
    assert run.survivors > 0
    assert list(check(data)) == []
    assert make(sources, data, engine, "segment.shortest=1.5").done_now == 0
    for command in (["status", data], ["query", data, "SELECT path FROM files"], ["report", data], ["check", data]):
        assert told(*command)[0] == 0
        assert told(*command, "--json")[0] == 0
    for (path,) in Dataset(data).query("SELECT path FROM files").fetchall():
        assert told("why", data, path)[0] == 0
    (victim,) = (p for (p,) in Dataset(data).query("SELECT path FROM files").fetchall() if "quote" in p)
    assert told("remove", data, victim, "--workers", "1", "--json")[0] == 0
    assert victim not in {p for (p,) in Dataset(data).query("SELECT path FROM files").fetchall()}
    assert told("clean", data)[0] == 0
    assert list(check(data)) == []


def test_a_source_folder_whose_name_is_no_utf_8(tmp_path: Path, engine: LocalEngine) -> None:
    sources = Path(os.fsdecode(os.fsencode(tmp_path) + b"/songs \xff"))
    try:
        sources.mkdir()
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    (sources / "one.mid").write_bytes(song(1))
    make(sources, tmp_path / "data", engine)
    recipe = load("text-to-music").changed(SHORT)
    assert build(recipe, None, tmp_path / "data", engine=engine).done_now == 0
    assert Dataset(tmp_path / "data").tables()["songs"] == 1
