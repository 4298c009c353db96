"""The soak itself: a minute of it ends with equal datasets, a difference is told, and nothing stays behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.system("gcc"),
    pytest.mark.skipif(sys.platform != "linux", reason="faults are made with what Linux has"),
]

SEED = 79  # its faults fall early in a build, so that none comes too late
SOAK = Path(__file__).parents[2] / "soak" / "run.py"


def soak(folder: Path, *words: str) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
    """A soak of one round, and its log."""
    scratch = folder / "scratch"
    scratch.mkdir()
    ended = subprocess.run(
        [sys.executable, SOAK, "--minutes", "0.01", "--seed", str(SEED), "--to", folder / "kept", *words],
        env=os.environ | {"TMPDIR": str(scratch)}, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert list(scratch.iterdir()) == [], "folders or mounts stay behind"
    return ended, [json.loads(line) for line in (folder / "kept" / f"soak-{SEED}.jsonl").read_text().splitlines()]


def events(log: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in log]


def test_a_build_under_faults_ends_equal(tmp_path: Path) -> None:
    ended, log = soak(tmp_path, "--faults", "kill_worker,kill_driver,clock_jump,lose_cache")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "equal" in events(log)
    assert "fault" in events(log)
    assert all(line["seed"] == SEED and line["history"] == 1 for line in log)


def test_a_difference_is_told_with_the_way_to_see_it_again(tmp_path: Path) -> None:
    ended, log = soak(tmp_path, "--faults", "lose_cache", "--plant")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    (told,) = [line for line in log if line["event"] == "difference"]
    assert told["first"].startswith("table songs: ")
    assert told["repeat"] == "python soak/run.py --seed 79 --history 1 --faults lose_cache --plant"
    assert (Path(told["kept"]) / "dataset" / "motet.yaml").is_file()
    assert (Path(told["kept"]) / "twin" / "motet.yaml").is_file()


def test_a_fault_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, SOAK, "--faults", "rain"], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("soak: there is no fault rain; there are kill_worker, ")
