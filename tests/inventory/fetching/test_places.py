"""What is there already, what comes beside it, and two that fetch at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inventory.fetching.shelves import SOUND, TAKES, Shelves, below, download, drums, zipped
from motet.errors import UserError
from motet.inventory.fetching import Patience, fetch, places, plan

MIDI, AUDIO = zipped(below("drums", TAKES)), zipped(below("drums", {**SOUND, **TAKES}))


def got(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def both(shelves: Shelves) -> list[dict[str, Any]]:
    shelves.put("/midi.zip", MIDI)
    shelves.put("/audio.zip", AUDIO)
    return [
        download(f"{shelves.url}/midi.zip", MIDI),
        download(f"{shelves.url}/audio.zip", AUDIO, name="audio", gives=["midi", "audio", "table"]),
    ]


def test_a_part_that_is_absent_comes_beside_the_others(
    both: list[Any], tmp_path: Path, home: dict[str, str], hasty: Patience
) -> None:
    dataset = drums(both)
    fetch(plan(dataset, None, tmp_path, home), environment=home, patience=hasty)
    (tmp_path / "drums/mine.txt").write_text("my notes")
    (tmp_path / "drums/link").symlink_to("mine.txt")
    before = (tmp_path / "drums/drummer1/1.mid").stat()
    fetched = fetch(plan(dataset, ["audio"], tmp_path, home), environment=home, patience=hasty)
    assert got(tmp_path / "drums") == {**TAKES, **SOUND, "mine.txt": b"my notes", "link": b"my notes"}
    assert (tmp_path / "drums/link").is_symlink()
    assert (tmp_path / "drums/drummer1/1.mid").stat().st_ino == before.st_ino  # what is there is not touched
    assert fetched.files == {"midi": 3, "table": 1, "audio": 3}
    assert [path.name for path in tmp_path.iterdir()] == ["drums"]


def test_parts_that_are_there_are_not_fetched(
    both: list[Any], tmp_path: Path, home: dict[str, str], hasty: Patience, shelves: Shelves
) -> None:
    (tmp_path / "drums/drummer1").mkdir(parents=True)
    (tmp_path / "drums/drummer1/1.mid").write_bytes(b"mine")
    made = plan(drums(both), None, tmp_path, home)
    assert made.present == {"midi": 1}
    with pytest.raises(UserError, match=r"already holds 1 file of the part midi: add --again .* or name another folder"):
        fetch(made, environment=home, patience=hasty)
    assert shelves.asked == []
    assert got(tmp_path / "drums") == {"drummer1/1.mid": b"mine"}


def test_again_replaces_and_leaves_the_rest(both: list[Any], tmp_path: Path, home: dict[str, str], hasty: Patience) -> None:
    (tmp_path / "drums/drummer1").mkdir(parents=True)
    for name in ("1.mid", "mine.txt"):
        (tmp_path / "drums/drummer1" / name).write_bytes(b"mine")
    fetch(plan(drums(both), None, tmp_path, home), environment=home, patience=hasty, again=True)
    assert got(tmp_path / "drums") == {**TAKES, "drummer1/mine.txt": b"mine"}


def test_other_content_under_the_same_name_is_not_replaced_unasked(
    both: list[Any], tmp_path: Path, home: dict[str, str], hasty: Patience
) -> None:
    (tmp_path / "drums").mkdir()
    (tmp_path / "drums/info.csv").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"info.csv is there already with other content: add --again"):
        fetch(plan(drums(both), ["audio"], tmp_path, home), environment=home, patience=hasty)
    assert got(tmp_path / "drums") == {"info.csv": b"mine"}


def test_an_empty_folder_is_as_good_as_none(both: list[Any], tmp_path: Path, home: dict[str, str], hasty: Patience) -> None:
    (tmp_path / "drums").mkdir()
    fetch(plan(drums(both), None, tmp_path, home), environment=home, patience=hasty)
    assert got(tmp_path / "drums") == TAKES


def test_two_downloads_of_one_plan(shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience) -> None:
    sound = zipped(SOUND)
    shelves.put("/midi.zip", MIDI)
    shelves.put("/sound.zip", sound, drip=0.01, step=100)
    downloads = [
        download(f"{shelves.url}/midi.zip", MIDI),
        download(f"{shelves.url}/sound.zip", sound, name="sound", gives=["audio"]),
    ]
    made = plan(drums(downloads), ["midi", "audio"], tmp_path, home)
    fetch(made, environment=home, patience=hasty)
    assert got(tmp_path / "drums") == {**TAKES, **SOUND}


def test_what_one_download_brought_stays_when_another_fails(
    shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience
) -> None:
    sound = zipped(SOUND)
    shelves.put("/midi.zip", MIDI)
    downloads = [
        download(f"{shelves.url}/midi.zip", MIDI),
        download(f"{shelves.url}/sound.zip", sound, name="sound", gives=["audio"]),
    ]
    made = plan(drums(downloads), ["midi", "audio"], tmp_path, home)
    with pytest.raises(UserError, match=r"drums \(sound\) was not fetched: .* there is no such file"):
        fetch(made, environment=home, patience=hasty)
    assert got(tmp_path / "drums") == TAKES
    shelves.put("/sound.zip", sound)
    fetch(made, environment=home, patience=hasty)
    assert got(tmp_path / "drums") == {**TAKES, **SOUND}
    assert [asked.path for asked in shelves.asked].count("/midi.zip") == 1


def test_what_is_recorded_as_done_but_gone_is_fetched_anew(
    shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience
) -> None:
    sound = zipped(SOUND)
    shelves.put("/midi.zip", MIDI)
    downloads = [
        download(f"{shelves.url}/midi.zip", MIDI),
        download(f"{shelves.url}/sound.zip", sound, name="sound", gives=["audio"]),
    ]
    made = plan(drums(downloads), ["midi", "audio"], tmp_path, home)
    with pytest.raises(UserError):
        fetch(made, environment=home, patience=hasty)
    for path in (tmp_path / "drums").rglob("*.mid"):
        path.unlink()
    shelves.put("/sound.zip", sound)
    fetch(made, environment=home, patience=hasty)
    assert got(tmp_path / "drums") == {**TAKES, **SOUND}


def test_one_run_at_a_time(both: list[Any], shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience) -> None:
    with (
        places.held(tmp_path, "drums"),
        pytest.raises(UserError, match=rf"being fetched by another run \(process {os.getpid()}\)"),
    ):
        fetch(plan(drums(both), None, tmp_path, home), environment=home, patience=hasty)
    assert shelves.asked == []
    fetch(plan(drums(both), None, tmp_path, home), environment=home, patience=hasty)
    assert got(tmp_path / "drums") == TAKES


def test_a_disk_without_an_exchange_of_names(
    both: list[Any], tmp_path: Path, home: dict[str, str], hasty: Patience, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_exchange", lambda one, other: False)
    fetch(plan(drums(both), None, tmp_path, home), environment=home, patience=hasty)
    fetch(plan(drums(both), ["audio"], tmp_path, home), environment=home, patience=hasty)
    assert got(tmp_path / "drums") == {**TAKES, **SOUND}


@pytest.mark.parametrize("exchange", ["exchange", "two renames"])
@pytest.mark.parametrize("call", range(1, 15))
def test_killed_at_any_step_of_publishing(
    call: int, exchange: str, both: list[Any], tmp_path: Path, home: dict[str, str], hasty: Patience
) -> None:
    """A process that ends without notice at its n-th change of a name; what is seen is all of it or what was before."""
    dataset = drums(both)
    fetch(plan(dataset, None, tmp_path, home), environment=home, patience=hasty)
    (tmp_path / "dataset.json").write_text(dataset.model_dump_json())
    program = f"""
import os, sys
from pathlib import Path
from motet.inventory.fetching import fetch, plan, places
from motet.inventory.known import Dataset
left = {call}
def dying(real):
    def step(*names):
        global left
        left -= 1
        if left == 0: os._exit(9)
        done = real(*names)
        return done
    return step
os.rename, os.replace = dying(os.rename), dying(os.replace)
real = places._exchange
places.Publishing._salvage = dying(places.Publishing._salvage)
places._exchange = dying(real if {exchange == "exchange"} else lambda one, other: False)
dataset = Dataset.model_validate_json(Path({str(tmp_path / "dataset.json")!r}).read_text())
fetch(plan(dataset, ["audio"], Path({str(tmp_path)!r}), {{}}), environment={home!r})
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode in (0, 9), ended.stderr
    if (tmp_path / "drums").exists():  # without an exchange it is away between two renames, and put back at the next run
        assert got(tmp_path / "drums") in (TAKES, {**TAKES, **SOUND})
    else:
        assert exchange == "two renames"
    if ended.returncode == 9:
        fetch(plan(dataset, ["audio"], tmp_path, home), environment=home, patience=hasty)
    assert got(tmp_path / "drums") == {**TAKES, **SOUND}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset.json", "drums"]


def test_a_folder_that_was_moved_aside_is_put_back(tmp_path: Path) -> None:
    """Killed between two renames: the folder is found again before anything is asked."""
    work, folder = tmp_path / "work", tmp_path / "drums"
    (work / "old").mkdir(parents=True)
    (work / "old/1.mid").write_bytes(b"mine")
    (work / "joined").mkdir()
    aside = (work / "old").stat().st_ino
    places.Publishing(work, folder, places.Record(work)).mend()
    assert folder.stat().st_ino == aside
    assert got(folder) == {"1.mid": b"mine"}
    assert list(work.iterdir()) == []


def test_what_somebody_adds_meanwhile_is_kept(
    both: list[Any], tmp_path: Path, home: dict[str, str], hasty: Patience, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = drums(both)
    fetch(plan(dataset, None, tmp_path, home), environment=home, patience=hasty)
    exchange = places._exchange

    def late(one: Path, other: Path) -> bool:
        (tmp_path / "drums/drummer1/late.txt").write_bytes(b"late")
        return exchange(one, other)

    monkeypatch.setattr(places, "_exchange", late)
    fetch(plan(dataset, ["audio"], tmp_path, home), environment=home, patience=hasty)
    assert got(tmp_path / "drums") == {**TAKES, **SOUND, "drummer1/late.txt": b"late"}
