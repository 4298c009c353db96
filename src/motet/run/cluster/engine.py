"""The Ray engine: the same answers from many machines, which share the dataset's file system.

On every node works a crew (see `crew.py`). The driver deals tasks out, no more than a crew answers in about two seconds, and
hears which parts it has written. What a lost node held goes to another and blames nobody: only a row that was there each time
when several nodes were lost, in the end alone, is `crashed` for the reason `node`.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Any

from motet.dataset.ledger import BLOCK
from motet.errors import UserError
from motet.recipe import Recipe, find_stage
from motet.run.cluster.crew import POLL, Told
from motet.run.cluster.joining import SCRATCH, connect, reachable, watch_head
from motet.run.cluster.nodes import Dealt, Post, Roster, brief
from motet.run.worker import Item, Order, Outcome, Task
from motet.scratch import Scratch

PARKED = 64  # rows that wait for a node with GPUs, before no more are asked for
SPARE_SEQS = 4  # numbers for parts that a crew has in hand, for each stage
FLUSH_SECONDS = 5.0  # between the parts of a crew; longer where crews are many, for the sake of the number of parts
FEW_CREWS, MOST_FLUSH = 8, 60.0
SILENCE = 60.0  # seconds after which a crew that says nothing is given up
NO_NODE, OWN_NODE = 600.0, 90.0  # seconds to wait for a node where none is left; ours does not come back, its crew may
LOST_TOGETHER, LOST_ALONE = 3, 5  # nodes lost with a row before it is given out alone, and before it is blamed


class RayEngine:
    """Answers tasks on all nodes of the Ray cluster at `address`, or of one that is started here and ends with it.

    The nodes must have all that the stages of `recipe` need, in the same versions. `workers` is per node (default: its CPUs),
    `patience` how long to wait for a node where none is left, `silence` after how long a crew is given up, both in seconds.
    A context manager; leaves nothing running. Raises UserError where Ray or the cluster is not as it must be.
    """

    stores = True

    def __init__(
        self,
        recipe: Recipe,
        *,
        address: str | None = None,
        workers: int | None = None,
        memory_mb: int | None = None,
        notes: Callable[[str], None] = lambda sentence: None,
        patience: float = NO_NODE,
        silence: float = SILENCE,
    ) -> None:
        reachable(address)
        self._address, self._per_node, self._memory_mb = address, workers, memory_mb
        self._notes, self._silence = notes, silence
        self._patience = patience if address else min(patience, OWN_NODE)
        self._steps = [(s.name, s.settings.model_dump(mode="json")) for s in recipe.steps if s.stage.kind != "source"]
        self._gpus = any(step.stage.needs_with(step.settings).gpus for step in recipe.steps)
        self._again: deque[Dealt] = deque()  # of lost nodes, or that not every node can do
        self._suspects: deque[Dealt] = deque()
        self._orders: list[_Given] = []
        self._joined: Roster | None = None
        self._ray: Any = None
        self._scratch: Scratch | None = None
        self._over: threading.Event | None = None

    def __enter__(self) -> RayEngine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def workers(self) -> int:
        """Of all nodes, as they are now."""
        return max(1, sum(self._roster.workers(node) for node in self._roster.alive.values()))

    @property
    def _roster(self) -> Roster:
        """The nodes; joined when first asked for, so that what is wrong with a build is told before."""
        if self._joined is None:
            self._ray, dashboard = connect(self._address, self._per_node, self._made_temp)
            self._over = watch_head(self._ray.get_runtime_context().gcs_address, self._notes)
            if dashboard:
                self._notes(f"Ray's dashboard: http://{dashboard}")
            made = (self._ray, self._steps, self._per_node, self._memory_mb)
            self._joined = Roster(*made, gpus=self._gpus, notes=self._notes, patience=self._patience)
        return self._joined

    def close(self) -> None:
        """Dismiss the crews, and end what was started here."""
        if self._over is not None:
            self._over.set()
        if self._joined is not None:
            self._joined.dismiss()
        if self._ray is not None:
            with contextlib.suppress(Exception):
                self._ray.shutdown()
        if self._scratch is not None:
            self._scratch.close()

    def _made_temp(self) -> str:
        self._scratch = Scratch(SCRATCH)
        return str(self._scratch.path)

    def run(self, tasks: Iterable[Task | None]) -> Generator[tuple[Order, Outcome]]:
        """Answer every task, in the order in which answers are written. None among the tasks: none just now."""
        self._again.clear()
        self._suspects.clear()
        supply = _Supply(tasks)
        posts = self._roster.posts
        try:
            while True:
                first = supply.first()
                if first is None and not self._outstanding():
                    return
                if first is not None:
                    self._roster.serve(os.path.abspath(first[0].dataset))
                for post, why in self._roster.muster():
                    yield from self._lost(post, why)
                if self._roster.ready():
                    self._deal(supply)
                yield from self._gather(supply)
        finally:
            if any(post.held for post in posts.values()):  # left in the middle: what still runs answers no later order
                self._roster.dismiss()

    def _outstanding(self) -> bool:
        return bool(self._again or self._suspects or any(post.held for post in self._roster.posts.values()))

    # -- giving out --------------------------------------------------------------------------------------------------

    def _deal(self, supply: _Supply) -> None:
        """Fill the inboxes, the emptiest first, a part of the room at a time, so that what is scarce is shared."""
        loads: dict[str, list[Dealt]] = {}
        posts = list(self._roster.posts.values())
        for post in posts:
            if self._suspects and not post.held:
                loads[post.node] = [self._suspects.popleft()]
                self._hold(post, loads[post.node])
                post.alone = True
        able = [post for post in posts if post.room > 0]
        while able:
            post = min(able, key=lambda p: p.unanswered / p.workers)
            load = list(itertools.islice(self._waiting(supply, post), max(1, min(post.room, post.wanted // 8))))
            if load:
                self._hold(post, load)
                loads.setdefault(post.node, []).extend(load)
            if not load or post.room <= 0:
                able.remove(post)
        for node, load in loads.items():
            post = self._roster.posts[node]
            orders = {d.order: self._orders[d.order].sent for d in load}
            post.actor.feed.remote(orders, [(d.order, d.item) for d in load], self._lend(post, orders))

    def _waiting(self, supply: _Supply, post: Post) -> Iterator[Dealt]:
        """What there is for this crew to do. What it lacks the cards for waits for another."""
        for _ in range(len(self._again)):
            dealt = self._again.popleft()
            if self._orders[dealt.order].gpus <= post.gpus:
                yield dealt
            else:
                self._again.append(dealt)
        while len(self._again) < PARKED and (task := supply.take()) is not None:
            number = self._number(task[0])
            dealt = Dealt(number, self._orders[number].placed(task[1]))
            if self._orders[number].gpus <= post.gpus:
                yield dealt
            else:
                self._again.append(dealt)

    def _hold(self, post: Post, load: list[Dealt]) -> None:
        post.held |= {(d.order, d.item.position): d for d in load}
        post.dealt += len(load)

    def _number(self, order: Order) -> int:
        for number in reversed(range(len(self._orders))):
            if self._orders[number].order is order:
                return number
        self._orders.append(given := _Given(order))
        if given.gpus > max((node.gpus for node in self._roster.alive.values()), default=0):
            raise UserError(f"{order.stage} needs {given.gpus} GPUs, and no node has as many: choose another device.", 1)
        return len(self._orders) - 1

    def _lend(self, post: Post, orders: Iterable[int]) -> dict[int, list[int]]:
        """Numbers for parts, so that a crew has some in hand for each of these orders."""
        lent: dict[int, list[int]] = {}
        for number in orders:
            short = SPARE_SEQS - post.lent.get(number, 0)
            if short > 0:
                lent[number] = list(itertools.islice(self._orders[number].seqs, short))
                post.lent[number] = SPARE_SEQS
        return lent

    # -- taking in ---------------------------------------------------------------------------------------------------

    def _gather(self, supply: _Supply) -> Iterator[tuple[Order, Outcome]]:
        """Hear from the crews, for a second at most."""
        posts = list(self._roster.posts.values())
        more = bool(self._again) or supply.first() is not None
        flush = min(MOST_FLUSH, FLUSH_SECONDS * max(1.0, len(posts) / FEW_CREWS))
        for post in posts:
            if post.taken is None:
                low = post.wanted // 2 if more else -1
                lent = self._lend(post, list(post.lent))
                post.taken = post.actor.take.remote(post.answered, low, flush, lent)
        refs = {post.taken: post for post in posts}
        looks = [post.look for post in self._roster.coming.values()]
        if not refs and not looks:
            time.sleep(POLL / 4)
            return
        began = time.monotonic()
        self._ray.wait([*refs, *looks], num_returns=1, timeout=POLL)
        waited = min(POLL, time.monotonic() - began)  # no more: this process itself may have been asleep
        heard = set(self._ray.wait(list(refs), num_returns=len(refs), timeout=0)[0]) if refs else set()
        for ref, post in refs.items():
            if ref in heard:
                post.taken = None
                try:
                    told: Told = self._ray.get(ref)
                except Exception as error:  # noqa: BLE001 - whatever Ray calls it, the crew is gone
                    yield from self._lost(post, brief(error))
                    continue
                yield from self._told(post, told)
            else:
                post.silent += waited
                if post.silent > self._silence:
                    yield from self._lost(post, f"it said nothing for {self._silence:g} s")

    def _told(self, post: Post, told: Told) -> Iterator[tuple[Order, Outcome]]:
        post.told(told.answered)
        for sheaf in told.sheaves:
            post.lent[sheaf.order] -= 1
            for outcome in sheaf.outcomes:
                if post.held.pop((sheaf.order, outcome.position), None) is not None:
                    yield self._orders[sheaf.order].order, outcome
        if told.sheaves:
            self._roster.does_well(post)
        if not post.held:
            post.alone = False
        if told.obstacle:
            raise UserError(told.obstacle, 1)

    def _lost(self, post: Post, why: str) -> Iterator[tuple[Order, Outcome]]:
        """What a lost crew held goes to others."""
        self._roster.leave(post, why)
        held, post.held = post.held, {}
        self._notes(f"The node {post.name} was lost ({why}): {len(held)} of its rows go to others.")
        for dealt in held.values():
            dealt.losses += 1
            if dealt.losses >= LOST_ALONE:
                detail = f"{dealt.losses} nodes were lost while they had this row"
                blamed = Outcome(dealt.item.position, dealt.item.key, "crashed", "node", detail, attempts=dealt.losses)
                yield self._orders[dealt.order].order, blamed
            elif dealt.losses >= LOST_TOGETHER:
                self._suspects.append(dealt)
            else:
                self._again.append(dealt)


class _Given:
    """An order as the build gave it, and as a crew gets it."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.sent = replace(order, dataset=os.path.abspath(order.dataset))
        self.seqs = itertools.islice(itertools.count(order.seq), BLOCK)
        stage = find_stage(order.stage)
        self._whole = stage.kind == "whole"
        self.gpus = stage.needs_with(stage.settings_type(**order.settings)).gpus

    def placed(self, item: Item) -> Item:
        """An item with paths that are the same everywhere: those of a stage over all rows are files."""
        if not self._whole:
            return item
        return replace(item, rows={name: os.path.abspath(file) if file else file for name, file in item.rows.items()})


class _Supply:
    """Tasks as they come; the next one can be looked at."""

    def __init__(self, tasks: Iterable[Task | None]) -> None:
        self._tasks = iter(tasks)
        self._next: Task | None = None

    def first(self) -> Task | None:
        """None when there is none just now."""
        if self._next is None:
            self._next = next(self._tasks, None)
        return self._next

    def take(self) -> Task | None:
        task, self._next = self.first(), None
        return task
