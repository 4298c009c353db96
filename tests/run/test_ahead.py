"""Stages overlap: what is asked ahead of its time is what the plan asks later, and nothing of it is seen in the dataset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motet.demo import write
from motet.errors import UserError
from motet.recipe import Recipe, load, parse
from motet.run import ahead
from motet.run.ahead import Standing
from motet.run.build import build
from motet.run.engine import LocalEngine
from motet.run.watch import Watch
from toys.answering import InTurn, OneLate, assert_asked_once_and_for_good
from toys.compare import assert_same

TOYS = ["toys.stages:scan_text", "toys.stages:parse_number", "toys.stages:touchy", "toys.stages:digits", "toys.stages:no_sevens"]
ODD = ["odd", "even", "keep_most", "add_up", "after"]


def toys(faults: Path | str = "") -> Recipe:
    steps: list[Any] = [{name: {"folder": str(faults)}} if name.endswith("touchy") else name for name in TOYS]
    return parse({"name": "toys", "stages": [*steps, "toys.stages:sum_digits"]}, "toys")


def odd(**chosen: Mapping[str, object]) -> Recipe:
    stages = [{f"toys.odd_values:{name}": chosen.get(name, {})} for name in ODD]
    return parse({"name": "odd", "stages": ["toys.stages:scan_text", *stages]}, "odd")


def numbered(folder: Path, *values: int) -> Path:
    folder.mkdir(exist_ok=True)
    for n, value in enumerate(values):
        (folder / f"{n}.txt").write_text(str(value))
    return folder


def both(recipe: Recipe, sources: Path, root: Path) -> OneLate:
    """A dataset by stages that take turns and one by stages that overlap are the same, and nothing was asked twice or in vain."""
    in_turn, late = InTurn(), OneLate()
    one = build(recipe, [sources], root / "in_turn", engine=in_turn)
    other = build(recipe, [sources], root / "ahead", engine=late)
    assert in_turn.ahead.total() == 0
    assert in_turn.asked == late.asked
    assert [(s.name, s.done_now, s.already, s.media_bytes) for s in one.stages] == [
        (s.name, s.done_now, s.already, s.media_bytes) for s in other.stages
    ]
    assert_same(root / "in_turn", root / "ahead")
    assert_asked_once_and_for_good(root / "ahead")
    assert build(recipe, [sources], root / "ahead", engine=late).done_now == 0
    return late


def test_all_but_one_source_go_through_all_stages_while_it_is_answered(tmp_path: Path) -> None:
    late = both(toys(), numbered(tmp_path / "numbers", 175, 123, 40, 6), tmp_path)
    assert late.ahead["toys.stages:sum_digits"] == 3
    assert late.ahead["toys.stages:touchy"] == 3


@pytest.mark.slow
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(-1, 25), min_size=2, max_size=4))
def test_keys_from_memory_are_keys_from_files(tmp_path_factory: pytest.TempPathFactory, values: list[int]) -> None:
    root = tmp_path_factory.mktemp("odd")
    both(odd(), numbered(root / "numbers", *values), root)


def test_more_rows_than_three_digits_count_stand_in_the_order_of_their_ids(tmp_path: Path) -> None:
    stages = ["toys.stages:scan_text", "toys.odd_values:odd", "toys.odd_values:in_order"]
    late = both(parse({"name": "odd", "stages": stages}, "odd"), numbered(tmp_path / "numbers", 1003, 1004), tmp_path)
    assert late.ahead["toys.odd_values:in_order"] == 1


def test_the_same_content_twice_is_asked_once(tmp_path: Path) -> None:
    late = both(toys(), numbered(tmp_path / "numbers", 175, 175, 175, 9, 9), tmp_path)
    assert late.ahead["toys.stages:digits"] == 1


def test_rows_that_look_otherwise_once_stored_give_the_keys_they_give_then(tmp_path: Path) -> None:
    both(odd(), numbered(tmp_path / "numbers", 11, -1, 0, 10), tmp_path)


@pytest.mark.parametrize("recipe", ["duplicates", pytest.param("symbolic", marks=pytest.mark.slow)])
def test_ready_recipes_ask_nothing_in_vain(recipe: str, tmp_path: Path) -> None:
    write(tmp_path / "tunes")
    late = both(load(recipe), tmp_path / "tunes", tmp_path)
    assert late.ahead["fingerprint"] > 10


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["text-to-music", "midi-video"])
def test_recipes_that_render_ask_nothing_in_vain(recipe: str, tmp_path: Path) -> None:
    write(tmp_path / "tunes")
    chosen = load(recipe).changed(["render_stems.rate=16000", "sample.songs=3"])
    late = both(chosen, tmp_path / "tunes", tmp_path)
    assert late.ahead["mix_stems"] == 2


def test_a_blamed_row_holds_its_source_back_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "faults").mkdir()
    (tmp_path / "faults" / "123").write_text("raise")
    late = both(toys(tmp_path / "faults"), numbered(tmp_path / "numbers", 175, 40, 123, 6), tmp_path)
    assert late.ahead["toys.stages:touchy"] == 3
    assert late.ahead["toys.stages:sum_digits"] == 2


@pytest.mark.parametrize(("kind", "retry"), [("down", False), ("raise", True)])
def test_what_has_no_final_answer_is_asked_once_a_run(kind: str, retry: bool, tmp_path: Path) -> None:
    (tmp_path / "faults").mkdir()
    for value in (175, 123, 40):
        (tmp_path / "faults" / str(value)).write_text(kind)
    numbers, chosen = numbered(tmp_path / "numbers", 175, 123, 40), toys(tmp_path / "faults")
    for _ in range(2):  # the second run asks again, all of it once
        late = OneLate()
        run = build(chosen, [numbers], tmp_path / "data", engine=late, retry=retry)
        assert [n for (stage, _), n in late.asked.items() if stage.endswith("touchy")] == [1, 1, 1]
        assert {s.name: s.done_now for s in run.stages}["toys.stages:touchy"] == 3


def test_a_new_source_goes_ahead_and_old_ones_are_left_alone(tmp_path: Path) -> None:
    numbers = numbered(tmp_path / "numbers", 175, 123, 40)
    build(toys(), [numbers], tmp_path / "data", engine=InTurn())
    (numbers / "new.txt").write_text("88")
    (numbers / "too.txt").write_text("123")  # an old one's content
    (numbers / "newer.txt").write_text("175888")
    late = OneLate()
    run = build(toys(), [numbers], tmp_path / "data", engine=late)
    assert {s.name.partition(":")[2]: s.done_now for s in run.stages}["parse_number"] == 2
    assert set(late.asked.values()) == {1}
    assert late.ahead["toys.stages:touchy"] == 1
    build(toys(), [numbers], tmp_path / "fresh", engine=InTurn())
    assert_same(tmp_path / "data", tmp_path / "fresh")


def test_each_stage_counts_its_own_answers_and_begins_with_those_made_before_its_turn(tmp_path: Path) -> None:
    begun: dict[str, tuple[int, int]] = {}
    told: list[str] = []

    class Noting(Watch):
        def begins(self, stage: str, todo: int, already: int) -> None:
            begun[stage.partition(":")[2]] = (todo, already)
            told.append(stage)

        def advances(self, stage: str, status: str) -> None:
            assert stage == told[-1]  # the bar is the running stage's

    run = build(toys(), [numbered(tmp_path / "numbers", 175, 123, 40, 6)], tmp_path / "data", engine=OneLate(), watch=Noting())
    assert begun["parse_number"] == (4, 0)
    assert begun["touchy"] == (1, 3)
    reports = {s.name.partition(":")[2]: s for s in run.stages}
    assert [reports[name].done_now for name in ("parse_number", "touchy", "digits")] == [4, 4, 4]
    assert reports["touchy"].already == 0
    assert reports["digits"].media_bytes == 10 * 8  # the digit 1 stands twice, and is one file
    assert [seconds for seconds, _ in reports["touchy"].slowest] == sorted(
        (s for s, _ in reports["touchy"].slowest), reverse=True
    )
    assert {path for _, path in reports["touchy"].slowest} == {f"{n}.txt" for n in range(4)}


def test_no_more_sources_are_held_than_the_bound_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "SOURCES", 2)
    late = OneLate()
    build(toys(), [numbered(tmp_path / "numbers", *range(10))], tmp_path / "data", engine=late)
    assert late.ahead["toys.stages:touchy"] == 2


@pytest.mark.parametrize(("paid", "asked"), [({"dollars": 0.01}, 0), ({"media_bytes": 1e18}, 0), ({"media_bytes": 1}, 2)])
def test_what_is_paid_for_waits_until_its_costs_are_told(paid: dict[str, float], asked: int, tmp_path: Path) -> None:
    late = OneLate()
    numbers = numbered(tmp_path / "numbers", 3, 4, 5)
    if "media_bytes" in paid and not asked:
        with pytest.raises(UserError, match="add_up needs about"):
            build(odd(add_up=paid), [numbers], tmp_path / "data", engine=late)
    else:
        build(odd(add_up=paid), [numbers], tmp_path / "data", engine=late)
    assert late.ahead["toys.odd_values:keep_most"] > 0
    assert late.ahead["toys.odd_values:add_up"] == asked


def test_what_only_the_user_can_mend_halts_the_build_ahead_of_its_time_too(tmp_path: Path) -> None:
    class Refused(OneLate):
        def answered(self, task: Any) -> Any:
            if task[0].stage.endswith("sum_digits"):
                raise UserError("the key is refused: give another.")
            return super().answered(task)

    numbers = numbered(tmp_path / "numbers", 175, 123, 40)
    with pytest.raises(UserError, match="refused"):
        build(toys(), [numbers], tmp_path / "data", engine=Refused())
    late = OneLate()
    build(toys(), [numbers], tmp_path / "data", engine=late)
    assert late.asked["toys.stages:digits", ""] == 0
    assert sum(n for (stage, _), n in late.asked.items() if stage.endswith("digits")) < 3 + 3  # answers before the halt were kept
    build(toys(), [numbers], tmp_path / "fresh", engine=InTurn())
    assert_same(tmp_path / "data", tmp_path / "fresh")


def test_a_key_stands_or_it_does_not(tmp_path: Path) -> None:
    late = OneLate()
    build(toys(), [numbered(tmp_path / "numbers", 175, 123)], tmp_path / "data", engine=late)
    from motet.dataset.ledger import Ledger

    standing = Standing(Ledger(tmp_path / "data"))
    for stage, key in late.asked:
        if key:
            assert standing.has(stage.partition(":")[2], key)
            assert not standing.has(stage.partition(":")[2], key[::-1])
    assert not standing.has("unheard_of", "0" * 32)
    assert not standing.has("digits", "f" * 32)


@pytest.mark.slow
def test_two_workers_that_crash_and_hang_ahead_of_their_time_give_the_same_dataset(tmp_path: Path) -> None:
    faults = tmp_path / "faults"
    faults.mkdir()
    for value, kind in ((3, "segfault"), (11, "raise"), (17, "hang")):
        (faults / str(value)).write_text(kind)
    numbers = numbered(tmp_path / "numbers", *range(24))
    with LocalEngine(2) as engine:
        run = build(toys(faults), [numbers], tmp_path / "data", engine=engine)
    assert run.failed == 3
    assert_asked_once_and_for_good(tmp_path / "data")
    for fault in faults.iterdir():
        fault.unlink()
    build(toys(faults), [numbers], tmp_path / "data", engine=OneLate(), retry=True)
    build(toys(), [numbers], tmp_path / "fresh", engine=InTurn())
    assert_same(tmp_path / "data", tmp_path / "fresh")
