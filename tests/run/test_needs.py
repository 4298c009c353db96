"""What rows need beside a core: graphics cards of their own, and more memory than a worker usually has."""

from __future__ import annotations

from pathlib import Path

import pytest

from motet import Dataset, UserError
from motet.recipe import Recipe, parse
from motet.run.build import build
from motet.run.engine import LocalEngine, visible_gpus


def recipe(**settings: int) -> Recipe:
    return parse({"name": "cards", "stages": ["toys.stages:scan_text", {"toys.clustered:see_cards": settings}]}, "cards")


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    folder = tmp_path / "numbers"
    folder.mkdir()
    for value in range(12):
        (folder / f"{value}.txt").write_text(str(value))
    return folder


def test_each_worker_of_a_gpu_stage_sees_a_card_of_its_own(
    numbers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    build(recipe(), [numbers], tmp_path / "data", workers=4)
    seen = Dataset(tmp_path / "data").query("SELECT DISTINCT cards, process FROM seen ORDER BY cards").fetchall()
    assert [cards for cards, _ in seen] in (["3"], ["5"], ["3", "5"])
    assert len({process for _, process in seen}) == len(seen)


def test_a_row_may_need_several_cards(numbers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    build(recipe(gpus=2), [numbers], tmp_path / "data", workers=2)
    assert Dataset(tmp_path / "data").query("SELECT DISTINCT cards FROM seen").fetchall() == [("0,1",)]


def test_too_few_cards_are_told_in_a_sentence(numbers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == ()
    with pytest.raises(UserError, match="needs 1 GPUs, and there are 0 here"):
        build(recipe(), [numbers], tmp_path / "data", workers=1)


@pytest.mark.parametrize(("says", "status"), [(1500, "ok"), (0, "crashed")])
def test_a_stage_that_says_so_may_use_more_memory(says: int, status: str, tmp_path: Path) -> None:
    numbers = tmp_path / "numbers"
    numbers.mkdir()
    (numbers / "7.txt").write_text("7")
    with LocalEngine(1, memory_mb=500) as engine:
        build(recipe(gpus=0, hold_mb=700, says_mb=says), [numbers], tmp_path / "data", engine=engine)
    lines = Dataset(tmp_path / "data").query("SELECT DISTINCT status FROM work WHERE stage LIKE '%see_cards'").fetchall()
    assert lines == [(status,)]
