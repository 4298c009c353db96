"""A crew: what works on one node of a cluster. Inside is the engine of one machine, with its killable workers.

The driver feeds tasks into the inbox and takes what has come of them. Answers are written as parts on the shared disk here;
the driver is told their names, and of rows only those it wants to look at. The Ray actor of a node is an object of this
class, but nothing in it knows Ray.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motet import __version__
from motet.errors import UserError
from motet.run.engine import LocalEngine
from motet.run.stage import versions
from motet.run.worker import Item, Order, Outcome, Task

if TYPE_CHECKING:
    from motet.dataset.ledger import Parts

POLL = 1.0  # seconds after which the driver is told that there is nothing to tell
END = 2.0  # seconds for the processes to end
LINGER = 0.1  # seconds without work after which answers are written at once
SEEN_WITHIN = 10.0  # seconds in which a file written by the driver must show here


@dataclass(frozen=True)
class Sheaf:
    """Answers of one order that were written together."""

    order: int
    outcomes: list[Outcome]


@dataclass(frozen=True)
class Told:
    """What a crew tells: how many of all tasks it has answered, what is written, and what only the user can mend."""

    answered: int
    sheaves: list[Sheaf] = field(default_factory=list)
    obstacle: str = ""


@dataclass(frozen=True)
class Sight:
    """A node as seen from within: what shapes answers there, and whether the dataset's folder is the driver's."""

    facts: dict[str, str]
    shared: bool
    writable: bool
    clock: float  # seconds since 1970, when it was asked


def facts(steps: Sequence[tuple[str, Mapping[str, Any]]], libraries: Sequence[str] = ()) -> dict[str, str]:
    """All that must be the same wherever rows of these (stage, settings) are answered, each by a name for people."""
    from motet.recipe import find_stage

    found = {
        "motet": __version__,
        "Python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "the processor": platform.machine(),
        **versions(libraries),
    }
    for name, settings in steps:
        try:
            stage = find_stage(name)
            found[f"the stage {name}"] = str(stage.version)
            found |= versions(stage.libraries)
            if stage.contents:
                for what, digest in stage.contents(stage.settings_type(**settings)).items():
                    found[f"what {name} takes as {what}"] = digest
        except Exception as error:  # noqa: BLE001 - whatever it is, this node is told by it
            found[f"the stage {name}"] = f"out of order ({str(error).rstrip('.') or type(error).__name__})"
    return found


class _Bag:
    """Answers of one order that are not written yet."""

    def __init__(self) -> None:
        from motet.run.shelf import Gathered

        self.gathered = Gathered()
        self.outcomes: list[Outcome] = []


class _OverError(Exception):
    """The crew is to stop."""


class Crew:
    """Answers tasks with `workers` killable processes. Its methods may be called from several threads at once."""

    def __init__(self, workers: int, memory_mb: int) -> None:
        main = sys.modules["__main__"]
        if Path(getattr(main, "__file__", None) or "").name == "default_worker.py":
            del main.__file__  # a spawned worker would load Ray's own program again
        self.workers, self.memory_mb = workers, memory_mb
        self._news = threading.Condition()
        self._inbox: deque[tuple[int, Item]] = deque()
        self._orders: dict[int, Order] = {}
        self._order_numbers: dict[int, int] = {}  # by identity of the order
        self._seqs: dict[int, deque[int]] = {}
        self._bags: dict[int, _Bag] = {}
        self._back: set[tuple[int, int]] = set()  # order and position of what the driver wants the rows of
        self._sheaves: list[Sheaf] = []
        self._given = self._answered = 0
        self._last = time.monotonic()  # when an answer came
        self._flush_seconds = 5.0
        self._obstacle = ""
        self._fault: BaseException | None = None
        self._over = False
        works = (self._answer, self._write)
        self._threads = [threading.Thread(target=self._minding, args=(work,), daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    # -- what the driver asks ----------------------------------------------------------------------------------------

    def look(
        self,
        steps: Sequence[tuple[str, Mapping[str, Any]]],
        paths: Sequence[str],
        proof: str,
        said: str,
        libraries: Sequence[str] = (),
    ) -> Sight:
        """How things are here. `proof` is a file by which the driver has `said` something into the dataset's folder.

        `paths` are where the driver finds modules of the user's own.
        """
        sys.path += [path for path in paths if path not in sys.path]
        shared = writable = False
        until = time.monotonic() + SEEN_WITHIN  # network disks may show a new file late
        while proof and not shared:
            try:
                shared = Path(proof).read_text() == said
            except OSError:
                if not Path(proof).parent.is_dir() or time.monotonic() > until:
                    break
                time.sleep(0.2)
        if shared:
            writable = os.access(Path(proof).parent, os.W_OK)
        return Sight(facts(steps, libraries), shared, writable, time.time())

    def feed(self, orders: Mapping[int, Order], tasks: Sequence[tuple[int, Item]], seqs: Mapping[int, Sequence[int]]) -> None:
        """More to do: tasks by the number of their order, and numbers for the parts they will be written in."""
        with self._news:
            for number, order in orders.items():
                if number not in self._orders:
                    mine = replace(order, workers=self.workers)
                    self._orders[number], self._order_numbers[id(mine)] = mine, number
            self._lend(seqs)
            self._inbox.extend(tasks)
            self._back |= {(n, item.position) for n, item in tasks if item.back}
            self._given += len(tasks)
            self._news.notify_all()

    def take(self, known: int, low: int, flush_seconds: float, seqs: Mapping[int, Sequence[int]]) -> Told:
        """What is new, as soon as anything is: parts, an obstacle, or no more than `low` unanswered (of which `known` is told).

        Comes back after a second in any case: so the driver knows that somebody is there. Raises what broke the crew.
        """
        until = time.monotonic() + POLL
        with self._news:
            self._lend(seqs)
            self._flush_seconds = flush_seconds
            while True:
                if self._fault is not None:
                    raise self._fault
                hungry = self._answered > known and self._given - self._answered <= low
                left = until - time.monotonic()
                if self._sheaves or self._obstacle or hungry or left <= 0:
                    sheaves, self._sheaves = self._sheaves, []
                    return Told(self._answered, sheaves, self._obstacle)
                self._news.wait(left)

    def end(self) -> None:
        """Stop: what is not written is not answered. Returns when no process is left, or after a few seconds."""
        with self._news:
            self._over = True
            self._news.notify_all()
        for thread in self._threads:
            thread.join(END)

    def _lend(self, seqs: Mapping[int, Sequence[int]]) -> None:
        for number, lent in seqs.items():
            self._seqs.setdefault(number, deque()).extend(lent)
        if seqs:
            self._news.notify_all()

    # -- the two threads that work -----------------------------------------------------------------------------------

    def _minding(self, work: Any) -> None:
        try:
            work()
        except _OverError:
            pass
        except UserError as error:
            with self._news:
                self._obstacle = str(error)
                self._news.notify_all()
        except BaseException as error:  # noqa: BLE001 - the driver is told by the next `take`
            with self._news:
                self._fault = error
                self._news.notify_all()

    def _answer(self) -> None:
        with LocalEngine(self.workers, self.memory_mb) as engine:
            while True:
                with self._news:
                    while not self._inbox and not self._over:
                        self._news.wait()
                if self._over:
                    return
                for order, outcome in engine.run(self._tasks()):
                    with self._news:
                        number = self._order_numbers[id(order)]
                        bag = self._bags.setdefault(number, _Bag())
                        bag.gathered.add(outcome)
                        back = self._back and (number, outcome.position) in self._back
                        self._back.discard((number, outcome.position))
                        bag.outcomes.append(outcome if back else replace(outcome, rows=[]))
                        self._answered += 1
                        self._last = time.monotonic()
                        self._news.notify_all()

    def _tasks(self) -> Iterator[Task | None]:
        while True:
            task: Task | None = None
            with self._news:
                if self._over:
                    raise _OverError
                if self._inbox:
                    number, item = self._inbox.popleft()
                    task = self._orders[number], item
            yield task

    def _write(self) -> None:
        while not self._over:
            with self._news:
                number = self._due()
                if number is None:
                    self._news.wait(LINGER)
                    continue
                bag, seq = self._bags.pop(number), self._seqs[number].popleft()
                order = self._orders[number]
            parts = self._stored(order, bag, seq)
            with self._news:
                self._sheaves.append(Sheaf(number, [replace(outcome, parts=parts) for outcome in bag.outcomes]))
                self._news.notify_all()

    def _stored(self, order: Order, bag: _Bag, seq: int) -> Parts:
        from motet.dataset.ledger import write_parts
        from motet.recipe import find_stage

        stage, gathered = find_stage(order.stage), bag.gathered
        if stage.kind == "whole":  # it has written its answer into a file of its own
            return ()
        try:
            return write_parts(Path(order.dataset), stage.name, seq, gathered.work, stage.writes, gathered.rows)
        except OSError as error:
            told = f"{order.dataset} cannot be written on the node {socket.gethostname()}: {error.strerror or error}"
            raise UserError(f"{told}. Mend that and run again.", 1) from error

    def _due(self) -> int | None:
        """The order whose answers are to be written now: many, old, or nothing is left to do."""
        idle = self._given == self._answered and time.monotonic() - self._last > LINGER
        for number, bag in self._bags.items():
            if (idle or bag.gathered.due(self._flush_seconds)) and self._seqs.get(number):
                return number
        return None
