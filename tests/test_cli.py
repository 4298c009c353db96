"""The command line on a built dataset: what each command answers, in words and in JSON."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from motet import Dataset, __version__
from motet.cli import main
from toys.midi import song

COMMANDS = [
    "demo",
    "build",
    "recipes",
    "status",
    "why",
    "query",
    "report",
    "explore",
    "check",
    "clean",
    "migrate",
    "remove",
    "doctor",
]
SET = [
    word
    for setting in ("render_stems.rate=16000", "clean.shortest=2", "segment.shortest=2", "segment.target=4", "segment.longest=8")
    for word in ("--set", setting)
]

Motet = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module", autouse=True)
def signals_as_they_were() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "sources"
    (folder / "Artist").mkdir(parents=True)
    (folder / "Artist" / "one.mid").write_bytes(song(1))
    (folder / "Artist" / "one again.mid").write_bytes(song(1, velocity=60))
    (folder / "page.mid").write_bytes(b"<html>not here</html>")
    return folder


@pytest.fixture(scope="module")
def data(sources: Path) -> Path:
    """Built by the command itself."""
    folder = sources.parent / "data"
    assert main(["build", "text-to-music", "--from", str(sources), "--to", str(folder), "--workers", "1", *SET]) == 0
    return folder


@pytest.fixture
def motet(capsys: pytest.CaptureFixture[str]) -> Motet:
    """Runs a command; gives its exit code and what it printed."""

    def run(*words: str | Path) -> tuple[int, str]:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return code, capsys.readouterr().out

    return run


def facts(answer: tuple[int, str]) -> Any:
    """What a command says with --json: the whole of its output is one JSON value."""
    return json.loads(answer[1])


# -- help ---------------------------------------------------------------------------------------------------------------


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n    {command} " in told


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert told.startswith(f"usage: motet {command}")
    assert "--json" in told


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"motet {__version__}\n"


def test_help_does_not_wait_for_heavy_libraries() -> None:
    code = "import sys; from motet.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted({'pyarrow', 'duckdb', 'symusic', 'scipy', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# -- build --------------------------------------------------------------------------------------------------------------


def test_a_build_says_what_happened_and_where_to_listen(motet: Motet, data: Path, sources: Path) -> None:
    code, told = motet("build", "text-to-music", "--to", data, *SET)
    assert code == 0
    for stage in ("scan", "clean", "deduplicate", "write_captions"):
        assert f"\n{stage} " in f"\n{told}"
    assert "unchanged" in told
    assert "Done in " in told
    (page,) = (line.rpartition(" ")[2] for line in told.splitlines() if line.startswith("Listen and look: "))
    assert page.startswith("file:///")
    assert page.endswith("report.html")


def test_a_build_in_json(motet: Motet, data: Path) -> None:
    run = facts(motet("build", "text-to-music", "--to", data, *SET, "--json"))
    assert (run["done_now"], run["failed"]) == (0, 0)
    assert run["tables"]["songs"] == 1
    assert run["stages"][0]["name"] == "scan"
    assert Path(run["report"]).exists()


def test_a_dry_run_does_nothing(motet: Motet, sources: Path, data: Path, tmp_path: Path) -> None:
    words = ["build", "text-to-music", "--from", sources, "--to", tmp_path / "new", "--dry-run"]
    code, told = motet(*words)
    assert (code, "files (" in told, "Nothing was done." in told) == (0, True, True)
    assert facts(motet(*words, "--json"))["recipe"] == "text-to-music"
    assert not (tmp_path / "new").exists()
    assert facts(motet(*words[:4], "--to", data, "--dry-run", "--json"))["files_new"] == 0


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_dataset_by_name_without_a_place_to_look_for_it(
    dry: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name, said in {
        "groove": f'write dataset:groove@DIR, or roots = ["DIR"] into {tmp_path}/motet/roots.toml.',
        "grove": "There is no dataset called 'grove'",
    }.items():
        assert main(["build", "prepare", "--from", f"dataset:{name}", "--to", str(tmp_path / "new"), *dry]) == 2
        assert said in capsys.readouterr().err


def test_a_first_build_that_is_killed_knows_its_sources(motet: Motet, sources: Path, tmp_path: Path) -> None:
    recipe, new = tmp_path / "small.yaml", tmp_path / "new"
    recipe.write_text("name: small\nstages: [scan, clean]\n")
    words = [sys.executable, "-m", "motet.cli", "build", str(recipe), "--from", str(sources), "--to", str(new), "--seed", "7"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    while not (new / "motet.yaml").exists():
        assert process.poll() is None
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert facts(motet("build", recipe, "--to", new, "--dry-run", "--json"))["files"] == 3
    assert facts(motet("build", recipe, "--to", new, "--workers", "1", "--json"))["tables"]["songs"] == 2
    assert Dataset(new).made_by["seed"] == 7


def test_a_build_that_was_killed_before_it_wrote_anything_can_be_begun_again(motet: Motet, sources: Path, tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    (tmp_path / ".motet.yaml.123.tmp").touch()
    words = ["build", "text-to-music", "--to", tmp_path, "--dry-run", "--dry-sample", "1", "--json"]
    assert motet(*words)[0] == 2  # it is new
    assert facts(motet(*words, "--from", sources))["files"] == 3


# When these have been loaded, the command is at several points of its start.
@pytest.mark.parametrize("library", ["argparse", "motet.cli.shared", "motet.cli.clusters", "motet.recipe", "pyarrow", "duckdb"])
def test_ctrl_c_while_libraries_load(library: str, sources: Path, tmp_path: Path) -> None:
    words = ["build", "text-to-music", "--from", str(sources), "--to", str(tmp_path / "new")]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # children hear it, in the background of a shell too
    try:
        process = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "motet.cli", *words],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stderr is not None
    for line in process.stderr:
        if line.rpartition("|")[2].strip() == library:
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=60)
    said = [line for line in err.splitlines() if not line.startswith("import time:")]
    assert (process.returncode, out) == (130, "")
    assert said == ["motet: stopped; what was done is kept, and the same command goes on from here."]


def test_ctrl_c_that_a_library_calls_by_another_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def load(_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("Query interrupted") from None

    monkeypatch.setattr("motet.recipe.load", load)
    assert main(["build", "text-to-music", "--to", str(tmp_path)]) == 130
    assert capsys.readouterr().err.startswith("motet: stopped;")


def test_strict_makes_a_failed_row_count(motet: Motet, sources: Path, data: Path) -> None:
    assert motet("build", "text-to-music", "--to", data, *SET, "--strict")[0] == 0  # nothing failed: dropped is normal


def test_a_sample_renders_some_songs_and_looks_at_all(motet: Motet, data: Path) -> None:
    assert facts(motet("build", "text-to-music", "--to", data, *SET, "--sample", "1", "--json"))["tables"]["mixes"] == 1
    assert motet("build", "text-to-music", "--to", data, *SET)[0] == 0


# -- asking -------------------------------------------------------------------------------------------------------------


def test_status(motet: Motet, data: Path) -> None:
    code, told = motet("status", data)
    assert code == 0
    assert "text-to-music" in told
    assert "Not taken:" in told
    assert "same_notes" in told
    assert "sources/page.mid" in told
    said = facts(motet("status", data, "--json"))
    assert said["tables"] == Dataset(data).tables()
    by_name = {s["name"]: s for s in said["stages"]}
    assert by_name["clean"]["dropped"] + by_name["scan"].get("dropped", 0) == 1
    assert by_name["deduplicate"]["dropped"] == 1
    assert said["last_run"]["recipe"] == "text-to-music"


@pytest.mark.parametrize("what", ["sources/Artist/one.mid", "one.mid"])
def test_why_follows_a_file_through_every_stage(what: str, motet: Motet, data: Path) -> None:
    code, told = motet("why", data, what)
    assert code == 0
    assert told.startswith("sources/Artist/one.mid ")
    lines = facts(motet("why", data, what, "--json"))
    stages = list(dict.fromkeys(line["stage"] for line in lines))
    assert stages == [s.name for s in Dataset(data).snapshot.stages if not s.name.startswith("read_")]
    assert {line["status"] for line in lines} == {"ok"}


def test_why_says_why_not(motet: Motet, data: Path) -> None:
    last = next(line for line in facts(motet("why", data, "one again.mid", "--json")) if line["status"] != "ok")
    assert (last["stage"], last["status"], last["reason"]) == ("deduplicate", "dropped", "same_notes")
    assert "sources/Artist/one.mid" in last["detail"]
    assert "dropped: " in motet("why", data, "page.mid")[1]


def test_why_takes_an_id_and_a_hash(motet: Motet, data: Path) -> None:
    ((clip, source, sha256),) = (
        Dataset(data).query("SELECT c.id, c.source, f.sha256 FROM clips c JOIN files f ON f.id = c.source LIMIT 1").fetchall()
    )
    for what in (clip, source, sha256):
        assert {line["source"] for line in facts(motet("why", data, what, "--json"))} == {source}


def test_query(motet: Motet, data: Path) -> None:
    code, told = motet("query", data, "SELECT path, notes FROM songs")
    assert (code, "sources/Artist/one.mid" in told, "36" in told) == (0, True, True)
    assert facts(motet("query", data, "SELECT path, notes FROM songs", "--json")) == [
        {"path": "sources/Artist/one.mid", "notes": 36}
    ]
    _, told = motet("query", data, "SELECT * FROM range(10) r(number)", "--limit", "3")
    assert "7 more rows" in told
    assert len(facts(motet("query", data, "SELECT * FROM range(100)", "--json"))) == 100


def test_a_query_s_json_is_json_whatever_it_holds(motet: Motet, data: Path) -> None:
    sql = "SELECT 'nan'::DOUBLE AS a, 'inf'::DOUBLE AS b, now() AS c, '\\xff'::BLOB AS d, NULL AS e, [1, 2] AS f"
    _, told = motet("query", data, sql, "--json")

    def no_constant(name: str) -> None:
        pytest.fail(f"{name} is not JSON")

    (row,) = json.loads(told, parse_constant=no_constant)
    assert (row["e"], row["f"]) == (None, [1, 2])


def test_a_query_cannot_change_the_dataset(motet: Motet, data: Path) -> None:
    before = Dataset(data).tables()
    code = main(["query", str(data), "DROP VIEW songs"])
    assert code in (0, 2)
    assert Dataset(data).tables() == before
    assert motet("check", data)[0] == 0


def test_report(motet: Motet, data: Path) -> None:
    code, told = motet("report", data, "--clips", "1")
    page = Path(told.strip())
    assert (code, page.name) == (0, "report.html")
    text = page.read_text()
    captions = Dataset(data).query("SELECT text FROM captions").fetchall()
    assert sum(caption in text for (caption,) in captions) == 1  # as many clips as were asked for
    assert 'src="http' not in text
    assert "How true the captions are" in text
    assert facts(motet("report", data, "--json")) == {"report": str(page)}


def test_check(motet: Motet, data: Path) -> None:
    code, told = motet("check", data)
    assert (code, told.startswith("All is as it was written.\nRead ")) == (0, True)
    assert facts(motet("check", data, "--json"))["faults"] == []


def test_doctor(motet: Motet) -> None:
    code, told = motet("doctor")
    assert (code, "soundfont" in told) == (0, True)
    assert {f["what"] for f in facts(motet("doctor", "--json"))} >= {"python", "symusic", "numba", "soundfont"}


def test_recipes(motet: Motet) -> None:
    code, told = motet("recipes")
    assert (code, "text-to-music" in told, "shortest" in told) == (0, True, True)
    assert next(iter(facts(motet("recipes", "--json"))["text-to-music"])) == "scan"


# -- changing (last, for they change what the others ask) ---------------------------------------------------------------


def test_clean_with_nothing_to_do(motet: Motet, data: Path) -> None:
    assert motet("clean", data)[0] == 0
    cleaned = facts(motet("clean", data, "--json"))
    assert (cleaned["answers"], cleaned["bytes"]) == (0, 0)
    assert motet("check", data)[0] == 0


def test_remove(motet: Motet, data: Path) -> None:
    removed = facts(motet("remove", data, "sources/Artist/one.mid", "--workers", "1", "--json"))
    assert removed["removed"] == ["sources/Artist/one.mid"]
    assert Dataset(data).query("SELECT path FROM songs").fetchall() == [("sources/Artist/one again.mid",)]
    assert facts(motet("why", data, "sources/Artist/one.mid", "--json"))[0]["reason"] == "removed"
    assert motet("check", data)[0] == 0
