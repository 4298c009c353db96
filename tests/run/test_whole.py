"""A stage over all rows may read several tables, and say several things of one row, also of one that it drops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from motet import Dataset
from motet.recipe import parse
from motet.run.build import build
from motet.run.engine import LocalEngine
from motet.run.watch import Run
from toys.compare import assert_same

STAGES = ["stages:scan_text", "stages:parse_number", "stages:digits", "whole:compare_digits"]


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(1) as one:
        yield one


class World:
    def __init__(self, root: Path, engine: LocalEngine) -> None:
        self.root, self.engine, self.data = root, engine, root / "data"
        (root / "numbers").mkdir()

    def write(self, *values: int) -> None:
        for value in values:
            (self.root / "numbers" / f"{value}.txt").write_text(str(value))

    def build(self, stages: list[str] = STAGES, to: str = "data") -> Run:
        recipe = parse({"name": "toys", "stages": [f"toys.{name}" for name in stages]}, "toys")
        return build(recipe, [self.root / "numbers"], self.root / to, engine=self.engine)

    def shared(self) -> dict[str, list[tuple[int, int]]]:
        """What each file shares, in order of the rows' ids."""
        told: dict[str, list[tuple[int, int]]] = {}
        for row in Dataset(self.data).table("shared").to_pylist():
            told.setdefault(row["path"], []).append((row["other"], row["digit"]))
        return told

    def numbers(self) -> set[int]:
        return {row["value"] for row in Dataset(self.data).table("numbers").to_pylist()}


@pytest.fixture
def world(tmp_path: Path, engine: LocalEngine) -> World:
    return World(tmp_path, engine)


def test_a_row_for_each_thing_said_none_where_nothing_is(world: World) -> None:
    world.write(12, 13, 45, 51)
    world.build()
    assert world.shared() == {"13.txt": [(12, 1)], "51.txt": [(12, 1), (13, 1), (45, 5)]}
    assert world.numbers() == {12, 13, 45, 51}


def test_a_dropped_row_keeps_what_was_said_of_it(world: World) -> None:
    world.write(12, 21, 3)
    world.build()
    assert world.numbers() == {12, 3}
    assert world.shared() == {"21.txt": [(12, 1), (12, 2)]}
    said = (
        Dataset(world.data).query("SELECT path, status, reason, detail FROM work WHERE stage LIKE '%compare_digits'").fetchall()
    )
    assert sorted(said) == [("12.txt", "ok", "", ""), ("21.txt", "dropped", "alike", "21"), ("3.txt", "ok", "", "")]


def test_rows_are_numbered_behind_the_row_they_are_about(world: World) -> None:
    world.write(*range(1, 130, 10))  # all end in 1
    world.build()
    rows = [row for row in Dataset(world.data).table("shared").to_pylist() if row["path"] == "121.txt"]
    ((number,),) = Dataset(world.data).query("SELECT id FROM files WHERE path = '121.txt'").fetchall()
    assert [row["id"] for row in rows] == [f"{number}.s{n:03}" for n in range(len(rows))]
    assert {row["source"] for row in rows} == {number}
    assert [row["other"] for row in rows] == sorted(row["other"] for row in rows)
    assert len(rows) > 10
    assert len({row["lineage"] for row in rows}) == len(rows)


def test_what_the_second_table_loses_is_said_no_more(world: World) -> None:
    """The same numbers, fewer digits: the stage is asked again, though its first table did not change."""
    world.write(17, 27, 71)
    world.build()
    assert world.shared() == {"27.txt": [(17, 7)], "71.txt": [(17, 1), (17, 7), (27, 7)]}
    without = [*STAGES[:3], "stages:no_sevens", STAGES[3]]
    world.build(without)
    assert world.shared() == {"71.txt": [(17, 1)]}
    assert world.numbers() == {17, 27, 71}
    world.build(without, to="fresh")
    assert_same(world.data, world.root / "fresh")


def test_verdicts_move_with_the_rows_and_equal_a_fresh_build_s(world: World) -> None:
    world.write(12, 13)
    world.build()
    world.write(1, 31)
    world.build()
    assert world.shared() == {"12.txt": [(1, 1)], "13.txt": [(1, 1), (12, 1)], "31.txt": [(1, 1), (12, 1), (13, 1), (13, 3)]}
    assert world.numbers() == {1, 12, 13}
    (world.root / "numbers" / "13.txt").unlink()
    world.build()
    assert world.shared() == {"12.txt": [(1, 1)], "31.txt": [(1, 1), (12, 1)]}
    assert world.numbers() == {1, 12, 31}
    world.build(to="fresh")
    assert_same(world.data, world.root / "fresh")
    assert world.build().done_now == 0
