"""The bench beside peers: what its tables say, what is left out and why, and how what is measured is watched."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"


@pytest.fixture(autouse=True)
def bench() -> Iterator[None]:
    """As `python bench/run.py` has it: the folder of the bench comes first on the path."""
    sys.path.insert(0, str(BENCH))
    yield
    sys.path.remove(str(BENCH))


@pytest.fixture
def table() -> Any:
    from peers.table import Table

    return Table("Speed", "Three runs.", ("peer", "s", "files"))


def test_repeats_are_shown_by_median_least_and_most(table: Any) -> None:
    table.rows.append(("one", (0.5, 12.34, 3.0), 1200))
    assert "| one | 3.00 (0.500–12.3) | 1,200 |" in table.markdown()


def test_what_was_not_measured_is_a_dash_and_what_is_left_out_says_why(table: Any) -> None:
    table.rows.append(("one", None, "a|b"))
    table.skipped["other"] = "there is no network"
    text = table.markdown()
    assert "| one | – | a\\|b |" in text
    assert "- Left out: other, since there is no network." in text


def test_a_peer_that_cannot_be_installed_is_missing_with_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from peers import environments

    monkeypatch.setattr(environments, "HERE", tmp_path)
    monkeypatch.setenv("MOTET_PEERS", str(tmp_path / "peers"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    (tmp_path / "nobody.txt").write_text("motet-nobody-wrote-this==1.0\n")
    with pytest.raises(environments.Missing, match="nobody cannot be installed: "):
        environments.python("nobody")
    assert environments.pinned("nobody") == "1.0"


def test_a_program_that_is_not_there_is_missing_with_its_package() -> None:
    from peers import environments

    with pytest.raises(environments.Missing, match="apt install a-package"):
        environments.program("motet-no-such-program", "a-package")


def test_what_outlives_its_starter_is_counted_and_ended() -> None:
    from peers.watching import watched

    sleeper = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid)"
    run = watched([sys.executable, "-c", sleeper], grace=0.1)
    assert (run.rc, run.left) == (0, 1)
    assert not Path(f"/proc/{run.said.strip()}").exists()


def test_what_never_ends_is_ended_at_the_time_out() -> None:
    from peers.watching import watched

    run = watched([sys.executable, "-c", "import time; time.sleep(600)"], timeout=0.2)
    assert run.late
    assert run.rc is None


def test_rows_of_a_result_cut_by_a_kill_are_those_that_can_be_read(tmp_path: Path) -> None:
    from peers import runners

    pool = next(runner for runner in runners.RUNNERS if runner.name == "pool")
    (tmp_path / "rows.jsonl").write_text('{"path": "a.mid", "reason": "too_short"}\n{"path": "b.mid", "rea')
    assert [row["path"] for row in runners.results(pool, tmp_path)] == ["a.mid"]
