"""Engines in this process, for what a build asks and in which order: no worker, no limit, no second try."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator, Iterable
from pathlib import Path

import pyarrow.dataset as ds

from motet.dataset.snapshot import live
from motet.recipe import find_stage
from motet.run.worker import Order, Outcome, Task, answer


class InTurn:
    """Answers a task before it takes another: so that nothing is ever asked ahead of its time."""

    workers = 1
    stores = False

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()  # by stage and key
        self.ahead: Counter[str] = Counter()  # by stage: how many were asked before its turn

    def run(self, tasks: Iterable[Task | None]) -> Generator[tuple[Order, Outcome]]:
        for task in tasks:
            assert task is not None
            yield task[0], self.answered(task)

    def answered(self, task: Task) -> Outcome:
        order, item = task
        self.asked[order.stage, item.key] += 1
        self.ahead[order.stage] += item.position < 0
        declared = find_stage(order.stage)
        settings = declared.settings_type(**json.loads(json.dumps(order.settings)))
        equipment = declared.setup(settings) if declared.setup else None
        return answer(declared, settings, equipment, declared.draws_with(settings), order, item)

    def close(self) -> None: ...


class OneLate(InTurn):
    """Keeps a task back until the build has no other to give: so all that can go ahead of its time does."""

    def run(self, tasks: Iterable[Task | None]) -> Generator[tuple[Order, Outcome]]:
        late: Task | None = None
        for task in tasks:
            if task is None:
                assert late is not None  # None may only be said while something is unanswered
                given, late = late, None
                yield given[0], self.answered(given)
            elif late is None:
                late = task
            else:
                yield task[0], self.answered(task)
        if late is not None:  # a stage over all rows is one task, and no more come
            yield late[0], self.answered(late)


def assert_asked_once_and_for_good(dataset: Path) -> None:
    """Of a dataset that one build made: every key that was answered is in a plan, and was answered once."""
    snapshot = live(dataset)
    assert snapshot is not None
    for stage in snapshot.stages:
        folder = dataset / "work" / stage.name.rpartition(":")[2]
        if folder.exists():
            answered = ds.dataset(folder).to_table(columns=["key"])["key"].to_pylist()
            planned = ds.dataset(snapshot.folder / stage.verdicts).to_table(columns=["key"])["key"].to_pylist()
            assert len(answered) == len(set(answered)), f"{stage.name} was asked the same twice"
            assert set(answered) <= set(planned), f"{stage.name} was asked what no plan holds"
