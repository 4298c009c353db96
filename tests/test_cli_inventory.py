"""`motet inventory`: what is on these disks, as a user asks it."""

import http.server
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from motet.cli import main
from motet.inventory.report import record

TOY = """
name: toy
title: Toy tunes
about: tunes of no notes, which we wrote ourselves
modalities: [midi]
tasks: [melody]
licence: {name: CC0-1.0, source: us}
citation: Ourselves (2026)
home: https://example.org/toy
sources: {us: https://example.org/toy}
folders: [toy]
parts:
  - {name: midi, files: "toy{number}.mid", kind: midi, count: 5, count_source: us}
downloads:
  - {name: midi, kind: http, url: "ADDRESS", unpack: zip, gives: [midi]BYTES}
traps: ["All of them are silent."]
"""
TUNE = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60MTrk\x00\x00\x00\x04\x00\xff\x2f\x00"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings and no memory but those of the test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A disk with four of the toy dataset's five tunes."""
    folder = tmp_path / "disk" / "music" / "toy"
    folder.mkdir(parents=True)
    for number in range(4):
        (folder / f"toy{number}.mid").write_bytes(TUNE + bytes(number))
    return tmp_path / "disk"


def settle(tmp_path: Path, disk: Path, *, address: str = "https://example.org/toy.zip", octets: int = 0, more: str = "") -> Path:
    """Settings with the toy dataset, where they usually lie."""
    registry = tmp_path / "registry"
    registry.mkdir(exist_ok=True)
    size = f", bytes: {octets}, source: us" if octets else ""
    (registry / "toy.yaml").write_text(TOY.replace("ADDRESS", address).replace("BYTES", size))
    settings = tmp_path / "config" / "motet" / "roots.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(f"roots = [{json.dumps(str(disk))}]\ndatasets = {json.dumps(str(registry))}\n{more}")
    return settings


@pytest.fixture
def settings(tmp_path: Path, disk: Path) -> Path:
    return settle(tmp_path, disk)


def run(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> str:
    assert main(["inventory", *map(str, words)]) == code
    return capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> Any:
    return json.loads(run(capsys, *words, "--json", code=code))


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["inventory", *map(str, words)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("motet: ")
    assert err.count("\n") == 1, "one sentence"
    return err


# --- what is known ---------------------------------------------------------------------------------------------------


def test_list_names_what_is_known(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["name"]: row for row in told(capsys, "list")}
    assert rows["toy"]["licence"] == "CC0-1.0"
    assert rows["groove"]["bytes"] == 3_260_318, "the smallest download that has every required part"
    assert rows["toy"]["bytes"] is None, "nobody published it"
    assert "Toy tunes" in run(capsys, "list")


def test_list_of_a_task(capsys: pytest.CaptureFixture[str]) -> None:
    names = [row["name"] for row in told(capsys, "list", "--task", "groove")]
    assert "groove" in names
    assert "ravdess-speech" not in names
    assert "known: " in refused(capsys, "list", "--task", "grove")


def test_show_tells_sources_traps_and_downloads(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "show", "groove")
    assert "1,150 files [home]" in said
    assert "[home] https://magenta.tensorflow.org/datasets/groove" in said
    assert "60 performances have no audio." in said
    assert "groove-v1.0.0-midionly.zip" in said
    assert told(capsys, "show", "groove")["disjoint_by"] == "performer"
    assert "did you mean groove" in refused(capsys, "show", "grove")


# --- what is here ----------------------------------------------------------------------------------------------------


def test_status_of_a_disk(settings: Path, disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "status")
    assert str(disk / "music" / "toy") in said
    assert "midi 4 of 5 (80.0 %)" in said
    assert f"motet inventory fetch toy --again --into {disk / 'music' / 'toy'}" in run(capsys, "status", "--all")
    report = record.of_json(run(capsys, "status", "--json"))
    (toy,) = [one for one in report.datasets if one.name == "toy"]
    assert (toy.state, toy.present, toy.expected) == ("partial", 4, 5)
    assert {one.state for one in report.datasets if one is not toy} == {"missing"}


def test_status_of_some_datasets_tells_all_of_them(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "status", "toy")
    assert "4 of 5" in said
    assert "All of them are silent." in said
    assert "groove" not in said
    assert "toi" in refused(capsys, "status", "toi")


def test_strict_is_for_scripts(tmp_path: Path, disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settle(tmp_path, disk)
    run(capsys, "status", "--strict", code=1)
    run(capsys, "status", "groove", "--strict", code=1)
    settle(tmp_path, disk, more='[excluded]\ntoy = "Ada: too silent"\n')
    run(capsys, "status", "--strict")
    settle(tmp_path, disk, more='[expected]\ngroove = "music/groove"\n')
    run(capsys, "status", "--strict", code=1)
    (disk / "music/toy/toy4.mid").write_bytes(TUNE)
    settle(tmp_path, disk)
    run(capsys, "status", "--strict")


def test_a_root_named_stands_for_those_of_the_settings(
    tmp_path: Path, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    report = record.of_json(run(capsys, "status", "--root", empty, "--json"))
    assert report.roots == (str(empty),)
    assert all(one.state == "missing" for one in report.datasets)
    assert "does not exist" in refused(capsys, "status", "--root", tmp_path / "nowhere")


def test_without_any_root_it_says_how_to_name_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--root DIR" in refused(capsys, "status")


def test_a_drive_that_is_not_attached_is_told(tmp_path: Path, disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drive = tmp_path / "drive"
    settle(tmp_path, disk)
    disk.rename(drive)
    settle(tmp_path, drive)
    run(capsys, "status")
    drive.rename(disk)
    settings = settle(tmp_path, disk / "music" / "toy")
    settings.write_text(settings.read_text().replace("roots = [", f"roots = [{json.dumps(str(drive))}, "))
    report = record.of_json(run(capsys, "status", "--json"))
    (absent,) = report.absent
    assert (absent.root, absent.datasets) == (str(drive), ("toy",))
    assert any(action.text.startswith(f"Attach {drive}") for action in report.actions)


# --- the report ------------------------------------------------------------------------------------------------------


def test_report_writes_three_forms_and_what_changed(
    tmp_path: Path, settings: Path, disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "out"
    assert "No earlier report" in run(capsys, "report", "--to", to)
    assert sorted(path.name for path in to.iterdir()) == ["inventory.html", "inventory.json", "inventory.md"]
    (disk / "music/toy/toy4.mid").write_bytes(TUNE)
    run(capsys, "report", "--to", to)
    written = record.read(to / "inventory.json")
    assert written.difference is not None
    ((change,), (amount,)) = written.difference.states, written.difference.amounts
    assert (change.dataset, change.before, change.after) == ("toy", "partial", "complete")
    assert (amount.files_before, amount.files) == (4, 5)
    for form in ("inventory.md", "inventory.html"):
        assert "toy: partial then, complete now" in (to / form).read_text()


def test_report_against_a_file(tmp_path: Path, settings: Path, disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = tmp_path / "old.json"
    run(capsys, "report", "--to", old)
    (disk / "music/toy/toy0.mid").unlink()
    run(capsys, "report", "--to", tmp_path / "between.md")
    (disk / "music/toy/toy1.mid").unlink()
    made = record.of_json(run(capsys, "report", "--to", tmp_path / "new.html", "--since", old, "--json"))
    assert made.difference is not None
    assert [(a.files_before, a.files) for a in made.difference.amounts] == [(4, 2)]
    assert not (tmp_path / "new.json").exists(), "the ending tells the form"


def test_report_into_another_kind_of_file_is_refused(tmp_path: Path, settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ".html" in refused(capsys, "report", "--to", tmp_path / "report.pdf")
    assert "known: md, html, json" in refused(capsys, "report", "--to", tmp_path, "--as", "doc")
    (tmp_path / "no.json").write_text("{}")
    assert "not a report" in refused(capsys, "report", "--to", tmp_path, "--since", tmp_path / "no.json")


# --- whether it is whole ---------------------------------------------------------------------------------------------


def test_verify_of_a_whole_dataset(settings: Path, disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (disk / "music/toy/toy4.mid").write_bytes(TUNE + bytes(9))
    (found,) = told(capsys, "verify", "--full")["verified"]
    assert (found["dataset"], found["level"], found["decoded"], found["troubles"]) == ("toy", "full", 5, [])
    assert "no trouble" in run(capsys, "verify", "toy")


def test_verify_ends_with_1_for_trouble(settings: Path, disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = disk / "music/toy/toy4.mid"
    damaged.write_bytes(TUNE[:-2])
    found = told(capsys, "verify", code=1)
    assert [(one["path"], one["what"]) for one in found["verified"][0]["troubles"]] == [(str(damaged), "truncated")]
    assert "1 truncated file" in run(capsys, "verify", code=1)
    report = record.of_json(run(capsys, "status", "toy", "--json"))
    assert report.datasets[0].state == "corrupt"


def test_verify_of_what_is_not_here(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing of it is here" in run(capsys, "verify", "groove", code=1)


def test_sanitise_tells_songs_without_notes(settings: Path, disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (disk / "music/toy/toy4.mid").write_bytes(TUNE)
    (found,) = told(capsys, "verify", "--sanitise")["verified"]
    assert found["sanitised"]["midi"] == 5
    assert found["sanitised"]["counts"]["silent"] == 5
    assert "5 silent" in run(capsys, "verify", "--sanitise")


# --- getting it ------------------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A server with the toy dataset as a zip; yields its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(5):
            archive.writestr(f"toy/toy{number}.mid", TUNE + bytes(number))
    (folder / "toy.zip").write_bytes(packed.getvalue())

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()
        thread.join()


def test_fetch_brings_a_dataset_that_status_calls_complete(
    tmp_path: Path, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "new disk"
    empty.mkdir()
    octets = (tmp_path / "served" / "toy.zip").stat().st_size
    settle(tmp_path, empty, address=f"{server}/toy.zip", octets=octets)
    (fetched,) = told(capsys, "fetch", "toy")["fetched"]
    assert (fetched["folder"], fetched["files"], fetched["bytes"]) == (str(empty / "toy"), {"midi": 5}, octets)
    assert record.of_json(run(capsys, "status", "toy", "--json")).datasets[0].state == "complete"


def test_fetch_tells_traps_and_where_it_puts_things(tmp_path: Path, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    settle(tmp_path, tmp_path, address=f"{server}/toy.zip", octets=(tmp_path / "served" / "toy.zip").stat().st_size)
    said = run(capsys, "fetch", "toy", "--to", tmp_path / "here")
    assert "Trap: All of them are silent." in said
    assert f"toy: 5 midi in {tmp_path / 'here' / 'toy'}" in said


def test_a_download_of_unknown_size_wants_a_yes(tmp_path: Path, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    settle(tmp_path, tmp_path, address=f"{server}/toy.zip")
    assert main(["inventory", "fetch", "toy", "--to", str(tmp_path / "here")]) == 2
    assert "add --yes" in capsys.readouterr().err
    assert not (tmp_path / "here" / "toy").exists()
    run(capsys, "fetch", "toy", "--to", tmp_path / "here", "--yes")


def test_a_fetch_that_fails_ends_with_1(tmp_path: Path, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    settle(tmp_path, tmp_path, address=f"{server}/gone.zip", octets=100)
    assert main(["inventory", "fetch", "toy", "--to", str(tmp_path / "here"), "--json"]) == 1
    out, err = capsys.readouterr()
    assert [one["dataset"] for one in json.loads(out)["failed"]] == ["toy"]
    assert "motet: " in err
    assert not (tmp_path / "here" / "toy").exists(), "nothing half-published"


def test_fetch_without_a_place_asks_for_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--to DIR" in refused(capsys, "fetch", "groove")


# --- real data -------------------------------------------------------------------------------------------------------


@pytest.mark.shared
def test_real_groove_is_complete_and_the_pointers_are_told(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = record.of_json(run(capsys, "status", "--root", shared / "datasets", "--json"))
    found = {one.name: one for one in report.datasets}
    assert found["groove"].state == "complete"
    assert found["groove"].files == "1,151 of 1,151"
    assert found["crema-d"].state == "pointers"
    assert found["crema-d"].why.startswith("7,442 Git-LFS pointers")
