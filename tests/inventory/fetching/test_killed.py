"""Killed at random and resumed; a disk that is full. Both for real."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from inventory.fetching.shelves import TAKES, Shelves, below, download, drums, serving, tarred, zipped
from motet.inventory.fetching import fetch, plan
from motet.inventory.known import Dataset

SEED = 11
MANY = {**TAKES, **{f"drummer3/{n}.wav": os.urandom(20_000) for n in range(150)}}
PROGRAM = """
import sys
from pathlib import Path
from motet.errors import UserError
from motet.inventory.fetching import Patience, Silent, fetch, plan
from motet.inventory.known import Dataset

dataset = Dataset.model_validate_json(Path(sys.argv[1]).read_text())
patience = Patience(quiet=20, least=1, tries=3, first_wait=0.01)
try:
    fetched = fetch(plan(dataset, None, Path(sys.argv[2]), {}), environment={}, patience=patience)
except UserError as error:
    print(error)
    sys.exit(error.exit_code)
print(fetched.bytes, fetched.resumed)
"""


def got(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fetching(dataset: Dataset, to: Path, described: Path, before: list[str] | None = None) -> subprocess.Popen[str]:
    described.write_text(dataset.model_dump_json())
    command = [*(before or []), sys.executable, "-c", PROGRAM, str(described), str(to)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def unpacking(to: Path, since: int) -> bool:
    """Has a folder to unpack into been made, or cleared, since then?"""
    with suppress(FileNotFoundError):
        return any(path.stat().st_ctime_ns > since for path in (to / ".motet-fetch").glob("*/*/raw"))
    return False


@pytest.mark.parametrize("kind", ["zip", "tar", "no checksum"])
def test_killed_at_random_it_goes_on(kind: str, shelves: Shelves, tmp_path: Path) -> None:
    body = tarred(below("drums", MANY)) if kind == "tar" else zipped(below("drums", MANY))
    shelves.put("/drums", body, drip=0.004, step=16_000)  # about a second in all
    published = None if kind == "no checksum" else body
    dataset = drums([download(f"{shelves.url}/drums", published, unpack="tar" if kind == "tar" else "zip")])
    chance, kills = random.Random(SEED), 0
    for attempt in range(8):
        process = fetching(dataset, tmp_path / "to", tmp_path / "dataset.json")
        begun, sent = time.time_ns(), shelves.sent + chance.uniform(0.05, 0.25) * len(body)
        while process.poll() is None and (shelves.sent < sent if attempt < 3 else not unpacking(tmp_path / "to", begun)):
            time.sleep(0.001)
        if attempt >= 3:
            time.sleep(chance.uniform(0, 0.05))
        if process.poll() is None and attempt < 7:
            process.send_signal(signal.SIGKILL)
            kills += 1
        out, errors = process.communicate()
        if (tmp_path / "to/drums").exists():
            assert got(tmp_path / "to/drums") == MANY
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, (out, errors)
    assert process.returncode == 0
    assert kills >= 3
    assert got(tmp_path / "to/drums") == MANY
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["drums"]
    if published:
        assert any(asked.headers.get("Range") for asked in shelves.asked)


def test_a_second_process_says_who_fetches(shelves: Shelves, tmp_path: Path) -> None:
    shelves.put("/drums", zipped(MANY), drip=0.02, step=16_000)
    dataset = drums([download(f"{shelves.url}/drums")])
    first = fetching(dataset, tmp_path / "to", tmp_path / "dataset.json")
    while not shelves.sent:
        time.sleep(0.01)
    second = fetching(dataset, tmp_path / "to", tmp_path / "dataset.json")
    out, errors = second.communicate()
    assert f"is being fetched by another run (process {first.pid}): wait for it to end, or stop it." in out, errors
    assert second.returncode == 1
    assert first.communicate()[1] == ""
    assert got(tmp_path / "to/drums") == MANY


def small_disk(size: str) -> list[str] | None:
    """A command that runs another with a small file system at /mnt, or None where this machine does not let us have one."""
    if not shutil.which("unshare"):
        return None
    script = f'mount -t tmpfs -o size={size} none /mnt && exec "$@"'
    for flags in (["-m"], ["-r", "-m"]):
        before = ["unshare", *flags, "sh", "-c", script, "sh"]
        if subprocess.run([*before, "true"], check=False, capture_output=True).returncode == 0:
            return before
    return None


@pytest.mark.parametrize("when", ["downloading", "unpacking"])
def test_a_full_disk(when: str, shelves: Shelves, tmp_path: Path) -> None:
    """No size is published or announced, so that only the disk itself can tell."""
    before = small_disk("28m")
    if before is None:
        pytest.skip("no small file system can be mounted here")
    body = (
        zipped({**TAKES, "x.bin": os.urandom(30 << 20)})
        if when == "downloading"
        else tarred({**TAKES, "x.bin": b"MThd" * (9 << 20)})
    )
    shelves.put("/drums", body, sized=False)
    dataset = drums([download(f"{shelves.url}/drums", unpack="zip" if when == "downloading" else "tar")])
    look = '"$@"; code=$?; find /mnt -type f -printf "%s %P\\n"; exit $code'  # the file system is gone with the command
    process = fetching(dataset, Path("/mnt/to"), tmp_path / "dataset.json", [*before, "sh", "-c", look, "sh"])
    out, errors = process.communicate(timeout=120)
    sentence, *left = out.splitlines()
    assert (
        sentence
        == "drums was not fetched, at /mnt/to the disk is full: make room and run the same command again (what has come is kept)."
    )
    assert errors == ""
    assert process.returncode == 1
    assert not [line for line in left if " to/drums/" in line or "raw/" in line or "new/" in line]
    kept = [int(line.split()[0]) for line in left if line.endswith((".part",)) or "/got/" in line]
    assert sum(kept) > 10 << 20 if when == "downloading" else sum(kept) == len(body)


def test_a_file_larger_than_the_system_allows(shelves: Shelves, tmp_path: Path) -> None:
    shelves.put("/drums", zipped({**TAKES, "x.bin": bytes(3 << 20)}), sized=False)
    dataset = drums([download(f"{shelves.url}/drums")])
    process = fetching(dataset, tmp_path / "to", tmp_path / "dataset.json", ["sh", "-c", 'ulimit -f 1024; exec "$@"', "sh"])
    out, errors = process.communicate(timeout=120)
    assert "a file grew larger than the system allows: raise the limit (ulimit -f) and run the same command again" in out, errors
    assert process.returncode == 1
    assert not (tmp_path / "to/drums").exists()


def test_too_little_room_is_told_before_anything_is_asked(tmp_path: Path, home: dict[str, str]) -> None:
    with serving() as shelves:
        huge = download(f"{shelves.url}/drums", bytes=10**18, source="us")
        made = plan(drums([huge]), None, tmp_path, home)
        assert made.space > made.free
        with pytest.raises(Exception, match=r"drums needs 7,000,000 TB at .*: make room, or choose another disk with --to"):
            fetch(made, environment=home)
        assert shelves.asked == []
