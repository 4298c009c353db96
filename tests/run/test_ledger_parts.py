"""Parts may be written by anybody on the disk; only what the holder of the lock commits counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from motet.dataset.ledger import BLOCK, Ledger, write_parts
from motet.run.cluster.crew import Crew, Sheaf
from motet.run.shelf import Shelf
from motet.run.worker import Item, Order, Outcome
from toys.stages import Digit, digits, parse_number


def work(*keys: str) -> list[dict[str, Any]]:
    at = {"at": datetime.now(UTC), "status": "ok", "reason": "", "detail": "", "seconds": 0.0, "attempts": 1}
    return [{"key": key, "media_bytes": 0, "worker": 1, **at} for key in keys]


def rows(*keys: str) -> list[dict[str, Any]]:
    return [{"answer_key": key, "answer_row": 0, "digit": 3, "written": "x"} for key in keys]


def test_what_is_written_counts_once_it_is_committed(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    parts = write_parts(tmp_path, "digits", ledger.reserve(), work("a", "b"), Digit, rows("a", "b"))
    assert [shelf for shelf, _ in parts] == ["work/digits", "tables/digits"]
    assert Ledger(tmp_path).shelves() == []
    ledger.commit([parts])
    again = Ledger(tmp_path)
    (part,) = again.parts("tables/digits")
    assert pq.read_table(part).to_pylist()[0] == {"answer_key": "a", "answer_seq": 1, "answer_row": 0, "digit": 3, "written": "x"}


def test_what_nobody_committed_is_swept(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append("digits", work("a"), Digit, rows("a"))
    write_parts(tmp_path, "digits", ledger.reserve(), work("b"), Digit, rows("b"))
    assert len(list((tmp_path / "work" / "digits").iterdir())) == 2
    Ledger(tmp_path).sweep()
    assert list((tmp_path / "work" / "digits").iterdir()) == Ledger(tmp_path).parts("work/digits")


def test_a_writer_who_was_given_up_overwrites_nothing(tmp_path: Path) -> None:
    """A run that was killed before it committed, and the next one, lend the same numbers."""
    one, other = Ledger(tmp_path).reserve(), Ledger(tmp_path).reserve()
    assert one == other
    first = write_parts(tmp_path, "digits", one, work("a"), Digit, rows("a"))
    second = write_parts(tmp_path, "digits", other, work("b"), Digit, rows("b"))
    assert set(first).isdisjoint(second)
    assert all((tmp_path / shelf / name).exists() for shelf, name in (*first, *second))


def test_numbers_only_grow(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    block = ledger.reserve()
    ledger.append("digits", work("a"), None, [])
    later = Ledger(tmp_path).reserve()
    assert later >= block + BLOCK


def test_many_outcomes_of_a_part_commit_it_once(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    parts = write_parts(tmp_path, "digits", ledger.reserve(), work("a", "b"), Digit, rows("a", "b"))
    shelf = Shelf(ledger, digits, tmp_path)
    shelf.add(Outcome(0, "a", "ok", parts=parts))
    shelf.flush()
    shelf.add(Outcome(1, "b", "ok", parts=parts))
    shelf.add(Outcome(2, "c", "failed"))
    shelf.flush()
    assert len(Ledger(tmp_path).parts("work/digits")) == 2
    assert len(Ledger(tmp_path).parts("tables/digits")) == 1


@pytest.fixture
def crew() -> Iterator[Crew]:
    one = Crew(1, 700)
    yield one
    one.end()


def told(crew: Crew, answers: int, seqs: dict[int, list[int]]) -> list[Sheaf]:
    """What a crew has written, once it has answered so much."""
    sheaves: list[Sheaf] = []
    until = time.monotonic() + 120
    while sum(len(sheaf.outcomes) for sheaf in sheaves) < answers:
        assert time.monotonic() < until
        news = crew.take(0, -1, 60.0, seqs)
        sheaves += news.sheaves
        seqs = {}
    return sheaves


def test_a_crew_writes_when_nothing_is_left_to_do_and_sends_only_the_rows_that_are_wanted(tmp_path: Path, crew: Crew) -> None:
    order = Order("toys.stages:digits", {"timeout": None}, 0, str(tmp_path))
    wanted = {"number": {"id": "n", "source": "n", "path": "n", "lineage": "n", "value": 37}}
    tasks = [(0, Item(position, f"k{position}", "n", "n", wanted, back=position == 1)) for position in range(3)]
    crew.feed({0: order}, tasks, {})
    (sheaf,) = told(crew, 3, {0: [7, 8]})
    assert {outcome.position: len(outcome.rows) for outcome in sheaf.outcomes} == {0: 0, 1: 2, 2: 0}
    (parts,) = {outcome.parts for outcome in sheaf.outcomes}
    assert [name[:14] for _, name in parts] == ["part-00000007.", "part-00000007."]
    assert sum(pq.read_table(tmp_path / shelf / name).num_rows for shelf, name in parts) == 3 + 6


def test_a_crew_without_a_number_keeps_what_it_has(tmp_path: Path, crew: Crew) -> None:
    (tmp_path / "7.txt").write_text("7")
    order = Order("toys.stages:parse_number", {"timeout": None, "by": 1}, 0, str(tmp_path))
    crew.feed({0: order}, [(0, Item(0, "k", "n", "n", {"file": {}}))], {})
    until = time.monotonic() + 120
    while crew.take(0, -1, 0.0, {}).answered < 1:
        assert time.monotonic() < until
    assert not (tmp_path / "work").exists()
    assert len(told(crew, 1, {0: [1]})) == 1
    assert parse_number.name in [folder.name for folder in (tmp_path / "work").iterdir()]
