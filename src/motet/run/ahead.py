"""Ahead of their time: while a stage is being answered, sources it is done with go on to the next stages.

Stages take their turns one after another, and a turn ends with its longest row. So that no worker waits for it, sources whose
inputs of the stage are all answered are taken on in memory: their rows are made from the answers as assembling will make them,
their inputs and keys as planning will, and the tasks go to the engine whenever the stage itself has none to give. What is true
stays with plans and assembling: they find those keys answered. A wrong guess would cost time and nothing else.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from motet.dataset.ledger import FINAL, Ledger
from motet.dataset.query import connect, parquet
from motet.dataset.tables import payload_schema
from motet.run.inputs import LOST, Live, Rows, Unit, rows_of, units_of
from motet.run.stage import Cost, Stage
from motet.run.worker import EQUIPMENTS, Item, Order, Outcome, Task

SOURCES = 64  # per worker, held in memory at most
MOST_SOURCES = 2048


@dataclass(frozen=True)
class Turn:
    """A stage among those that follow each other source by source."""

    stage: Stage
    order: Order
    key: Callable[[Unit], str]
    cost: Callable[[Unit], Cost | None]  # None too where the stage tells none

    @property
    def table(self) -> str:
        """The table it shapes: the one it writes, or of a filter the one it reads."""
        return (self.stage.writes or self.stage.main.row_type).table


@dataclass(frozen=True)
class Planned:
    """One line of a plan: an input by its identity, its key, and the table it lacks a row of."""

    id: str
    path: str
    lineage: str
    key: str
    lacks: str


class Standing:
    """The keys that stand in the ledger, whatever their answer, looked up when a stage is first asked for: 8 bytes a key."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._keys: dict[str, npt.NDArray[np.uint64]] = {}

    def has(self, stage: str, key: str) -> bool:
        """Whether it stands there; of a key whose first half is another's too, so does it, and it waits for its turn."""
        if stage not in self._keys:
            self._keys[stage] = self._read(stage)
        keys, half = self._keys[stage], np.uint64(int(key[:16], 16))
        at = int(np.searchsorted(keys, half))
        return at < len(keys) and bool(keys[at] == half)

    def clear(self) -> None:
        """There are more by now."""
        self._keys.clear()

    def _read(self, stage: str) -> npt.NDArray[np.uint64]:
        parts = self._ledger.parts(f"work/{stage}")
        if not parts:
            return np.empty(0, np.uint64)
        sql = f"SELECT ('0x' || key[:16])::UBIGINT AS half FROM {parquet(parts)} ORDER BY 1"
        found: npt.NDArray[np.uint64] = connect().sql(sql).fetchnumpy()["half"]
        return found


@dataclass
class _Source:
    """How far a source has come: its rows by table, verdicts of those that are lost, and what is open at its turn."""

    id: str
    tables: dict[str, Rows]
    lost: dict[str, Rows]
    at: int  # which turn
    plan: list[Planned]
    answers: dict[str, Outcome | None] = field(default_factory=dict)  # by key; None while it is open


class Ahead:
    """The sources that go ahead over `turns`, a stretch of row and group stages with no other between them.

    `standing` are the keys answered before, `free` tells the bytes that the disk may still take.
    """

    def __init__(self, turns: Sequence[Turn], standing: Standing, free: Callable[[], float]) -> None:
        self.turns, self._standing, self._free = turns, standing, free
        self._sources: dict[str, _Source] = {}
        self._waiting: dict[tuple[str, str], list[_Source]] = {}  # by stage and key
        self._asked: set[tuple[str, str]] = set()
        self._ready: list[deque[Item]] = [deque() for _ in turns]
        self._until = 0  # the furthest turn that may be asked now
        self._positions = 0  # below those of any plan
        self._bytes = 0.0  # of media, that those asked ahead may write

    def begins(self, number: int, plans: Mapping[str, list[Planned]], live: Mapping[str, Live]) -> None:
        """Begin a turn: `plans` are of sources all of whose inputs of it will be answered in it; those held already go on."""
        for ready in self._ready[: number + 1]:
            ready.clear()  # the stage asks for them itself
        self._until = self._reach(number)
        self._bytes = 0.0
        self._standing.clear()
        held = list(self._sources.values())
        new = [source for source in plans if source not in self._sources]
        for source in self._loaded(number, new, live):
            source.plan = plans[source.id]
            self._sources[source.id] = source
            self._waits(source)
        for source in held:
            if source.at < number:  # its guess was wrong, or it has nothing to be asked in this turn
                self._leaves(source)
            elif not source.plan and source.at <= self._until:  # it waited for its turn to come near
                self._enters(source)

    def _reach(self, number: int) -> int:
        """The furthest turn that may be asked in this one, so that no worker has to drop what it loaded, and load it again."""
        loaded = 0
        for at, turn in enumerate(self.turns[number:], number):
            loaded += turn.stage.setup is not None
            if loaded > EQUIPMENTS:
                return at - 1
        return len(self.turns) - 1

    def room(self, workers: int) -> int:
        """How many sources more can be held."""
        return max(0, min(SOURCES * workers, MOST_SOURCES) - len(self._sources))

    def wanted(self, stage: str, key: str) -> bool:
        """Whether a source waits for this answer."""
        return (stage, key) in self._waiting

    def wants_rows(self, stage: str, key: str) -> bool:
        """Whether what comes of it is to be taken on: after the last turn there is nowhere to go."""
        return stage != self.turns[-1].order.stage and self.wanted(stage, key)

    def task(self) -> Task | None:
        """The next task ahead of its time, of the nearest stage that has one; None when there is none just now."""
        for turn, ready in zip(self.turns, self._ready, strict=True):
            if ready:
                return turn.order, ready.popleft()
        return None

    def hears(self, stage: str, outcome: Outcome) -> None:
        """An answer came: whoever has all of a turn now goes on to the next."""
        for source in self._waiting.pop((stage, outcome.key), []):
            if self._sources.get(source.id) is not source:
                continue
            if outcome.status not in FINAL:
                self._leaves(source)
                continue
            source.answers[outcome.key] = outcome
            if all(source.answers.values()):
                self._goes_on(source)

    def _loaded(self, number: int, ids: Sequence[str], live: Mapping[str, Live]) -> Iterator[_Source]:
        """New sources, with their rows of the tables that later turns read and none of the stretch writes before."""
        if not ids or number + 1 == len(self.turns):
            return
        needed, lost, made = set[str](), set[str](), set[str]()
        for turn in self.turns[number:]:
            main = turn.stage.main.row_type.table
            if turn is not self.turns[number]:
                needed |= {p.row_type.table for p in turn.stage.inputs} - made
                lost |= {main} - made if turn.stage.kind == "group" else set()
            if turn.stage.writes is not None:
                made.add(turn.table)
            elif turn.table not in made:  # a filter: what it passes on is what there was
                needed.add(main)
        tables = {name: rows_of(live[name].file, ids) for name in sorted(needed & live.keys())}
        gone = {name: [rows_of(file, ids, LOST) for file, _ in live[name].verdicts] for name in sorted(lost & live.keys())}
        for one in ids:
            rows = {name: found.get(one, []) for name, found in tables.items()}
            lines = {name: [line for found in files for line in found.get(one, [])] for name, files in gone.items()}
            yield _Source(one, rows, lines, number, [])

    def _waits(self, source: _Source) -> None:
        turn = self.turns[source.at]
        source.answers = {line.key: None for line in source.plan if not line.lacks}
        for key in source.answers:
            self._waiting.setdefault((turn.order.stage, key), []).append(source)

    def _goes_on(self, source: _Source) -> None:
        """All of a turn is answered: make the rows that come of it, and enter the next."""
        turn = self.turns[source.at]
        _settle(turn, source)
        source.at, source.plan, source.answers = source.at + 1, [], {}
        if source.at == len(self.turns):
            del self._sources[source.id]
        elif source.at <= self._until:
            self._enters(source)

    def _enters(self, source: _Source) -> None:
        """Ask for a source's inputs of the turn it stands at."""
        turn = self.turns[source.at]
        name, main = turn.order.stage, turn.stage.main.row_type.table
        stays = False
        for unit in units_of(turn.stage, source.id, source.tables.get(main, []), source.tables, source.lost.get(main, [])):
            key = "" if unit.lacks else turn.key(unit)
            source.plan.append(Planned(unit.id, unit.path, unit.lineage, key, unit.lacks))
            if not key or self.wanted(name, key):
                continue
            if (name, key) in self._asked or self._standing.has(turn.stage.name, key) or not self._affordable(turn, unit):
                stays = True
                continue
            self._asked.add((name, key))
            self._positions -= 1
            item = Item(self._positions, key, unit.path, unit.lineage, unit.rows, unit.missing, source.at + 1 < len(self.turns))
            self._ready[source.at].append(item)
            self._waiting[name, key] = []
        if stays:
            self._leaves(source)
            return
        self._waits(source)
        if not source.answers:
            self._goes_on(source)

    def _affordable(self, turn: Turn, unit: Unit) -> bool:
        """Whether an input may be asked before its stage's costs were told: where it is paid for with money it may not."""
        cost = turn.cost(unit) or Cost()
        self._bytes += cost.media_bytes
        return not cost.dollars and (not cost.media_bytes or self._bytes < self._free())

    def _leaves(self, source: _Source) -> None:
        """It goes no further; what it asked is answered all the same."""
        del self._sources[source.id]


def _settle(turn: Turn, source: _Source) -> None:
    """What assembling makes of a source's answers: its rows of the table shaped, and the verdicts of those that are lost."""
    stage = turn.stage
    passed: set[str] = set()
    rows: Rows = []
    lost: Rows = []
    for line in source.plan:
        outcome = None if line.lacks else source.answers[line.key]
        status, reason = (outcome.status, outcome.reason) if outcome else ("dropped", f"no_{line.lacks}")
        if outcome is None or status != "ok":
            told = {"id": line.id, "source": source.id, "path": line.path, "lineage": line.lineage}
            lost.append({**told, "status": status, "reason": reason})
            continue
        passed.add(line.id)
        if stage.writes is not None:
            suffix = [f".{stage.writes.letter}{number:03d}" if stage.many else "" for number in range(len(outcome.rows))]
            # As Arrow has them, so that a whole number in a field of floats gives the key that it gives once it was stored.
            stored = pa.RecordBatch.from_pylist(outcome.rows, schema=payload_schema(stage.writes)).to_pylist()
            for end, row in zip(suffix, stored, strict=True):
                identity = {"id": line.id + end, "source": source.id, "path": line.path, "lineage": line.lineage + end}
                rows.append({**identity, **row})
    if stage.writes is None:
        source.tables[turn.table] = [row for row in source.tables.get(turn.table, []) if row["id"] in passed]
        source.lost[turn.table] = [*source.lost.get(turn.table, []), *lost]
    else:
        source.tables[turn.table] = sorted(rows, key=lambda row: str(row["id"]))
        source.lost[turn.table] = lost


class Asking:
    """What the engine is asked over a stretch: a stage's own tasks first, then those ahead of their time.

    The engine's run stays open from one turn to the next, so that workers go on while a stage is assembled and the next planned.
    """

    def __init__(self, run: Callable[[Iterable[Task | None]], Generator[tuple[Order, Outcome]]], ahead: Ahead) -> None:
        self._run, self.ahead = run, ahead
        self._own: Iterator[Task] = iter(())
        self._running: Generator[tuple[Order, Outcome]] | None = None
        self._given: dict[tuple[str, str], str] = {}  # by stage and key: the path of what is not answered yet
        self._open: Counter[str] = Counter()  # how many of them, by stage
        self._left = 0  # own tasks not given yet
        self._early: set[tuple[str, str]] = set()  # those that were under way when their stage's turn began

    def answers(self, stage: str, own: Iterator[Task], count: int) -> Iterator[tuple[Order, Outcome, str]]:
        """Answers with their paths, until all `count` tasks of a stage are answered: its own, and others' that came earlier."""
        self._own, self._left = own, count
        self._early = {given for given in self._given if given[0] == stage}
        while self._left or self._open[stage]:
            if self._running is None:
                self._running = self._run(self._tasks())
            answered = next(self._running, None)
            if answered is None:
                self._running = None
                if self._given:
                    msg = f"the engine ended with {len(self._given)} tasks unanswered"
                    raise RuntimeError(msg)
                continue
            order, outcome = answered
            path = self._given.pop((order.stage, outcome.key))
            self._open[order.stage] -= 1
            self.ahead.hears(order.stage, outcome)
            yield order, outcome, path

    def close(self) -> None:
        """Give up what is not answered yet."""
        if self._running is not None:
            self._running.close()
        self._running = None

    def _tasks(self) -> Iterator[Task | None]:
        while True:
            task = self._own_task() or self.ahead.task()
            if task is not None:
                order, item = task
                self._given[order.stage, item.key] = item.path
                self._open[order.stage] += 1
                yield task
            elif self._given:
                yield None
            else:
                return

    def _own_task(self) -> Task | None:
        for order, item in self._own:
            self._left -= 1
            if (order.stage, item.key) not in self._early:
                wanted = self.ahead.wants_rows(order.stage, item.key)
                return order, replace(item, back=True) if wanted else item
        self._left = 0
        return None
