"""The local engine: rows in a pool of killable processes.

A batch goes to a worker, which announces on a shared board each row it is about to begin. When a worker dies, or is killed
because its row is past the time or memory limit, the announced row is the only suspect: it is tried once more, alone, before
it is blamed, and the rest of its batch is queued again.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
from pebble import ProcessExpired, ProcessPool

from motet.errors import UserError
from motet.run import worker
from motet.run.stage import Needs
from motet.run.worker import SLOT, Item, Order, Outcome, Task
from motet.scratch import Scratch

WATCH_EVERY = 0.05  # seconds between looks at the board
BATCH_SECONDS = 0.25  # a batch is made to take about this long
LARGEST_BATCH = 256
SETUP_TIMEOUT = 120.0  # seconds for loading fonts and models before the first row
PARKED = 8  # batches that wait for a card or for memory, before no more are asked for
FIRST_ALONE = 4  # rows per batch until their pace is known


@dataclass
class _Flight:
    slot: int
    order: Order
    items: list[Item]
    seat: str  # the graphics cards it has, "" for none
    memory_mb: int
    verdict: tuple[str, str, str] | None = None  # why we killed it: status, reason, detail


def usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def visible_gpus() -> tuple[str, ...]:
    """The graphics cards that CUDA would show here, as it calls them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return tuple(one.strip() for one in chosen.split(",") if one.strip() not in ("", "-1"))
    return tuple(sorted(path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*")))


@lru_cache(maxsize=64)
def _needs(stage: str, settings: str) -> tuple[Needs, bool]:
    """What rows of a stage need, and whether one call is about all of them."""
    from motet.recipe import find_stage

    declared = find_stage(stage)
    return declared.needs_with(declared.settings_type(**json.loads(settings))), declared.kind == "whole"


class LocalEngine:
    """A pool of `workers` spawned processes, each limited to `memory_mb`. A context manager; leaves no process behind.

    A stage over all rows, which runs alone, may use the memory of all. Rows that need graphics cards are answered by a process
    for each card, or each few, which sees no others.
    """

    stores = False  # answers are the caller's to write

    def __init__(self, workers: int | None = None, memory_mb: int | None = None) -> None:
        self.workers = workers or usable_cores()
        total = psutil.virtual_memory().total >> 20
        self.memory_mb = memory_mb or min(4096, max(1024, total // (self.workers + 1)))
        self.gpus = visible_gpus()
        self._pools: dict[str, ProcessPool] = {}  # by the graphics cards they see, "" for what needs none
        self._slots = 2 * self.workers + 2
        self._scratch = Scratch("motet-board-")
        self._board_path = self._scratch.path / "board"
        self._board_path.write_bytes(bytes(self._slots * SLOT.size))
        with self._board_path.open("r+b") as board:
            self._board = mmap.mmap(board.fileno(), 0)

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Kill the workers, busy or not."""
        self._drop_pools()
        self._board.close()
        self._scratch.close()

    def run(self, tasks: Iterable[Task | None]) -> Generator[tuple[Order, Outcome]]:
        """Answer every task, in the order they finish. Tasks of several orders may come mixed; batches are of one.

        None among the tasks says that there is none just now: more may come once another has been answered.
        """
        flights: dict[Any, _Flight] = {}
        try:
            yield from self._answers(_Supply(tasks), flights)
        finally:
            if flights:  # left in the middle: what still runs must not be taken for an answer to the next order
                self._drop_pools()

    def _answers(self, supply: _Supply, flights: dict[Any, _Flight]) -> Generator[tuple[Order, Outcome]]:
        again: deque[tuple[Order, list[Item]]] = deque()
        parked: deque[tuple[Order, list[Item]]] = deque()  # until a card, or memory, is free
        tried: dict[tuple[str, int], Outcome] = {}  # stage and position -> first blame
        free = list(range(self._slots))
        while True:
            while free and len(flights) < self.workers * 2:
                batch = self._next(again, parked, supply, flights)
                if batch is None:
                    break
                order, items, seat, memory_mb = batch
                slot = free.pop()
                flights[self._send(slot, order, items, seat, memory_mb)] = _Flight(slot, order, items, seat, memory_mb)
            if not flights:
                return
            done, _ = wait(list(flights), timeout=WATCH_EVERY, return_when=FIRST_COMPLETED)
            for future in done:
                flight = flights.pop(future)
                order = flight.order
                free.append(flight.slot)
                outcomes, unfinished = self._landed(future, flight)
                if unfinished:
                    again.append((order, unfinished))
                items_sent = {i.position: i for i in flight.items}
                for outcome in outcomes:
                    item = items_sent[outcome.position]
                    this = (order.stage, item.position)
                    if outcome.halt and outcome.reason == worker.USER:
                        raise UserError(outcome.detail, 1)
                    if outcome.halt:
                        raise UserError(f"The disk refused to take more: {outcome.detail}. Free some room and run again.", 1)
                    if outcome.status in ("failed", "crashed", "timed_out") and this not in tried:
                        tried[this] = outcome
                        again.append((order, [item]))
                        continue
                    if tried.pop(this, None) is not None:
                        outcome = replace(outcome, attempts=2)
                    if outcome.status in ("ok", "dropped"):
                        supply.paced(order, outcome.seconds)
                    yield order, outcome
            self._watch(flights)

    def _next(
        self,
        again: deque[tuple[Order, list[Item]]],
        parked: deque[tuple[Order, list[Item]]],
        supply: _Supply,
        flights: dict[Any, _Flight],
    ) -> tuple[Order, list[Item], str, int] | None:
        """The next batch there is room for, the cards it gets, and the memory that a row of it may use."""
        for waiting in (parked, again):
            for _ in range(len(waiting)):
                order, items = waiting.popleft()
                if (place := self._place(order, flights)) is not None:
                    return order, items, *place
                waiting.append((order, items))
        while len(parked) < PARKED and (batch := supply.batch()) is not None:
            if (place := self._place(batch[0], flights)) is not None:
                return *batch, *place
            parked.append(batch)
        return None

    def _place(self, order: Order, flights: dict[Any, _Flight]) -> tuple[str, int] | None:
        """Cards and memory for a batch; None while others have them. Raises UserError where there never will be."""
        needs, whole = _needs(order.stage, json.dumps(order.settings, sort_keys=True))
        together = self.memory_mb * self.workers
        memory_mb = together if whole else max(self.memory_mb, needs.memory_mb)
        if not whole and needs.memory_mb > self.memory_mb:
            at_once = max(1, together // memory_mb)
            if sum(flight.order.stage == order.stage for flight in flights.values()) >= at_once:
                return None
        if not needs.gpus:
            return "", memory_mb
        if needs.gpus > len(self.gpus):
            raise UserError(
                f"{order.stage} needs {needs.gpus} GPUs, and there are {len(self.gpus)} here: choose another device.", 1
            )
        taken = {card for flight in flights.values() for card in flight.seat.split(",")}
        for first in range(0, len(self.gpus) - needs.gpus + 1, needs.gpus):
            cards = self.gpus[first : first + needs.gpus]
            if taken.isdisjoint(cards):
                return ",".join(cards), memory_mb
        return None

    def _send(self, slot: int, order: Order, batch: list[Item], seat: str, memory_mb: int) -> Any:
        SLOT.pack_into(self._board, slot * SLOT.size, 0, -1, 0.0)
        for _ in range(2):
            try:
                return self._started(seat).schedule(worker.do_batch, args=(slot, order, batch, memory_mb << 20))
            except (RuntimeError, BrokenProcessPool):
                self._drop_pools()  # every worker died at once; start afresh
        raise UserError("The worker processes cannot be started: run `motet doctor`.", exit_code=1)

    def _started(self, seat: str) -> ProcessPool:
        if seat not in self._pools:
            self._pools[seat] = ProcessPool(
                max_workers=1 if seat else self.workers,
                initializer=worker.start,
                initargs=(str(self._board_path), self.memory_mb << 20, seat),
                context=multiprocessing.get_context("spawn"),
            )
            # Children inherit a blocked SIGINT, so that Ctrl-C is the parent's to handle and prints no child's traceback.
            with _sigint_blocked():
                self._pools[seat].schedule(os.getpid)
        return self._pools[seat]

    def _drop_pools(self) -> None:
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.stop()  # type: ignore[no-untyped-call]
        for child in multiprocessing.active_children() if pools else ():
            if child.pid is not None and child.name == "pebble_pool_worker":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
        for pool in pools.values():
            pool.join()

    def _landed(self, future: Any, flight: _Flight) -> tuple[list[Outcome], list[Item]]:
        """The outcomes of a finished batch, and the items to queue again."""
        try:
            outcomes: list[Outcome] = future.result()
        except (ProcessExpired, CancelledError, BrokenProcessPool) as error:
            pid, row, _ = SLOT.unpack_from(self._board, flight.slot * SLOT.size)
            if isinstance(error, BrokenProcessPool):
                self._drop_pools()
            if pid == 0 and flight.verdict is None:  # died before it began: nobody's fault
                return [], flight.items
            guilty = flight.items[max(row, 0)]
            status, reason, detail = flight.verdict or ("crashed", *_cause(error))
            rest = [i for i in flight.items if i is not guilty]
            blamed = Outcome(guilty.position, guilty.key, status, reason, detail, worker=pid)
            return [blamed], rest
        except Exception as error:
            raise UserError(f"A worker could not get ready: {error}.", exit_code=1) from error
        answered = {o.position for o in outcomes}
        return outcomes, [i for i in flight.items if i.position not in answered]

    def _watch(self, flights: dict[Any, _Flight]) -> None:
        """Kill what is past its limits. The kill goes through the pool, which knows when a worker is safe to stop."""
        now = time.monotonic()
        for future, flight in flights.items():
            pid, row, began = SLOT.unpack_from(self._board, flight.slot * SLOT.size)
            if pid == 0 or flight.verdict is not None:
                continue
            limit = flight.order.timeout if row >= 0 else SETUP_TIMEOUT
            if now - began > limit:
                what = "row" if row >= 0 else "set-up"
                flight.verdict = ("timed_out", "time", f"{what} took longer than its limit of {limit:g} s")
            elif _resident_mb(pid) > flight.memory_mb:
                flight.verdict = ("crashed", "memory", f"needed more than the {flight.memory_mb} MB a worker may use")
            else:
                continue
            future.cancel()


class _Supply:
    """Tasks as they come, in batches of one order that take about a quarter of a second."""

    def __init__(self, tasks: Iterable[Task | None]) -> None:
        self._tasks = iter(tasks)
        self._next: Task | None = None  # taken, and of another order than the batch before it
        self._pace: dict[str, float] = {}  # by stage: seconds a row takes

    def paced(self, order: Order, seconds: float) -> None:
        pace = self._pace.get(order.stage)
        self._pace[order.stage] = seconds if pace is None else 0.9 * pace + 0.1 * seconds

    def batch(self) -> tuple[Order, list[Item]] | None:
        """The next batch; None when there is none just now."""
        first, self._next = self._next or next(self._tasks, None), None
        if first is None:
            return None
        order, items = first[0], [first[1]]
        pace = self._pace.get(order.stage)
        size = FIRST_ALONE if pace is None else max(1, min(LARGEST_BATCH, int(BATCH_SECONDS / max(pace, 1e-6))))
        while len(items) < size and (task := next(self._tasks, None)) is not None:
            if task[0] is not order:
                self._next = task
                break
            items.append(task[1])
        return order, items


def _cause(error: BaseException) -> tuple[str, str]:
    code = getattr(error, "exitcode", None)
    if isinstance(code, int) and code < 0:
        name = signal.Signals(-code).name
        return name.lower(), f"the worker died of {name}"
    if code == worker.STARVED:
        return "memory", "needed more memory than a worker may use"
    return "died", f"the worker ended by itself (exit code {code})"


def _resident_mb(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss >> 20)
    except psutil.Error:
        return 0


@contextlib.contextmanager
def _sigint_blocked() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)
