"""What a process keeps on the disk while it runs, and what is left of one that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from motet.scratch import YOUNG, Scratch

PREFIX = "motet-test-"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def aged(folder: Path) -> Path:
    long_ago = time.time() - 2 * YOUNG
    os.utime(folder, (long_ago, long_ago))
    return folder


def test_it_goes_at_the_end(place: Path) -> None:
    scratch = Scratch(PREFIX)
    (scratch.path / "cut.flac").write_bytes(b"sound")
    scratch.close()
    scratch.close()
    assert list(place.iterdir()) == []


def test_what_a_killed_process_left_goes_with_the_next(place: Path) -> None:
    code = (
        "import time; from motet.scratch import Scratch\n"
        "kept = Scratch('motet-test-'); print(kept.path, flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "TMPDIR": str(place)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) as killed:
        assert killed.stdout
        left = Path(killed.stdout.readline().decode().strip())
        killed.send_signal(signal.SIGKILL)
    assert left.is_dir()
    aged(left)
    Scratch(PREFIX).close()
    assert not left.exists()


def test_one_that_is_in_use_or_new_or_no_folder_stays(place: Path) -> None:
    used = Scratch(PREFIX)
    aged(used.path)
    new = place / f"{PREFIX}new"
    new.mkdir()
    mine = place / "mine"
    mine.mkdir()
    link = place / f"{PREFIX}link"
    link.symlink_to(mine)
    Scratch(PREFIX).close()
    assert {used.path, new, mine, link} <= set(place.iterdir())
    used.close()
