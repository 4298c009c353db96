"""The nodes of a Ray cluster: which nodes have a crew, are to get one, or are refused."""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from motet.errors import UserError
from motet.run.cluster.crew import END, Crew, Sight, facts
from motet.run.cluster.joining import DETAIL
from motet.run.worker import Item

AHEAD_SECONDS = 2.0  # of work that lies in a crew's inbox
MOST_AHEAD = 2000  # tasks
MOST_HELD = 5000  # tasks of a crew whose answers are not written yet
PACE_SECONDS = 1.0  # over which a crew's pace is measured
LOOK_EVERY = 2.0  # seconds between looks at which nodes there are
WAIT_FOR_ALL = 20.0  # seconds in which the other nodes may get ready, once one is
BUSY = 15.0  # seconds after which it is told that all nodes are at other work
TRIES = 5  # crews of one node that may break in a row
THREADS = 6  # calls that a crew answers at once
NOT_THERE = "On the node {}, Ray's Python can import no Motet: install the same there as here."


@dataclass
class Dealt:
    """A task that was given out."""

    order: int
    item: Item
    losses: int = 0  # nodes that were lost with it


@dataclass
class Post:
    """A crew on its node, and what it was given."""

    node: str
    name: str
    workers: int
    gpus: int
    actor: Any
    look: Any  # the pending answer to how things are there
    taken: Any = None  # the pending `take`
    held: dict[tuple[int, int], Dealt] = field(default_factory=dict)  # by order and position
    lent: dict[int, int] = field(default_factory=dict)  # by order: numbers of parts not used yet
    dealt: int = 0
    answered: int = 0
    rate: float | None = None  # rows a second
    silent: float = 0.0  # seconds that its answer was waited for
    alone: bool = False  # with a single row that is under suspicion
    _since: float = field(default_factory=time.monotonic)
    _counted: int = 0

    @property
    def unanswered(self) -> int:
        return self.dealt - self.answered

    @property
    def wanted(self) -> int:
        """Unanswered tasks it should have: two seconds of work, and few where rows are slow, so that all end together."""
        if self.rate is None:
            return 2 * self.workers
        return max(self.workers + max(1, self.workers // 4), min(MOST_AHEAD, math.ceil(AHEAD_SECONDS * self.rate)))

    @property
    def room(self) -> int:
        return 0 if self.alone else min(self.wanted - self.unanswered, MOST_HELD - len(self.held))

    def told(self, answered: int) -> None:
        """Measure the pace."""
        self.silent, self.answered = 0.0, answered
        now = time.monotonic()
        if now - self._since >= PACE_SECONDS:
            fresh = (answered - self._counted) / (now - self._since)
            self.rate = fresh if self.rate is None else (self.rate + fresh) / 2
            self._since, self._counted = now, answered


@dataclass
class _Trouble:
    failures: int = 0
    again: float = 0.0  # when a crew may be tried there
    aside: bool = False
    why: str = ""


@dataclass(frozen=True)
class Node:
    """A living node as Ray knows it."""

    id: str
    name: str
    cpus: int
    gpus: int
    memory_mb: int


def nodes(ray: Any) -> dict[str, Node]:
    """The living nodes that have CPUs, by their id. Raises UserError when the head is gone."""
    try:
        listed = ray.nodes()
    except Exception as error:
        raise UserError(
            f"The head of the Ray cluster does not answer ({str(error)[:DETAIL]}): start it, and run again.", 1
        ) from error
    alike = [f"{n['NodeManagerHostname']}" for n in listed if n["Alive"]]
    found = {}
    for n in listed:
        has = n.get("Resources", {})
        if n["Alive"] and has.get("CPU", 0) >= 1:
            name = n["NodeManagerHostname"]
            if alike.count(name) > 1:
                name = f"{name} ({n['NodeManagerAddress']}, {n['NodeID'][:6]})"
            memory = int(has.get("memory", 0)) >> 20
            found[n["NodeID"]] = Node(n["NodeID"], name, int(has["CPU"]), int(has.get("GPU", 0)), memory)
    return found


def hire(ray: Any, node: Node, workers: int, memory_mb: int | None, gpus: int) -> Any:
    """A crew on a node, once it has that many CPUs free. Returns at once."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    limit = memory_mb or min(4096, max(1024, node.memory_mb // (workers + 1)))
    place = NodeAffinitySchedulingStrategy(node.id, soft=False)
    kind = ray.remote(Crew)
    options = {"num_cpus": workers, "num_gpus": gpus, "max_restarts": 0, "max_concurrency": THREADS, "max_task_retries": 0}
    return kind.options(**options, scheduling_strategy=place).remote(workers, limit)


def wrong(name: str, sight: Sight, ours: dict[str, str], folder: str) -> str:
    """Why a node cannot take part: a sentence with the fix; "" where it can."""
    if folder and not sight.shared:
        return f"{folder} is another folder on the node {name}, or none: put the dataset on a disk that all nodes share."
    if folder and not sight.writable:
        return f"{folder} cannot be written on the node {name}: run its Ray as the same user as here."
    for what, value in ours.items():
        there = sight.facts.get(what, "")
        if there != value:
            return (
                f"On the node {name}, {what} is {there or 'absent'}, and here {value or 'absent'}: make both the same, or leave "
                "the node out of the cluster."
            )
    return ""


def own_paths() -> list[str]:
    """Where Python finds modules here, but for what is installed: a node has its own of that."""
    kept = (os.path.abspath(path) for path in sys.path if not path.endswith(".zip"))
    return [path for path in kept if not path.startswith((sys.prefix, sys.base_prefix))]


class Roster:
    """Which nodes have a crew. Call `muster` often."""

    def __init__(
        self,
        ray: Any,
        steps: Sequence[tuple[str, dict[str, Any]]],
        per_node: int | None,
        memory_mb: int | None,
        gpus: bool,
        notes: Callable[[str], None],
        patience: float,
    ) -> None:
        self.ray, self.steps, self.per_node, self.memory_mb, self.gpus = ray, steps, per_node, memory_mb, gpus
        self.notes, self.patience = notes, patience
        self.posts: dict[str, Post] = {}  # at work, by node
        self.coming: dict[str, Post] = {}  # hired, and not looked at yet
        self.alive = nodes(ray)
        self.dataset = ""
        self._ours: dict[str, str] = {}
        self._trouble: dict[str, _Trouble] = {}
        self._first: frozenset[str] | None = None  # the nodes there were at the beginning
        self._looked = self._ready_at = self._none_at = 0.0
        self._told_none = self._told_busy = False
        self._proof = Path()
        self._said = secrets.token_hex(8)

    def workers(self, node: Node) -> int:
        return min(self.per_node or node.cpus, node.cpus)

    def serve(self, dataset: str) -> None:
        """Work on this dataset from now on."""
        if dataset == self.dataset:
            return
        self.dismiss()
        self.dataset, self._first, self._ready_at = dataset, None, 0.0
        self._trouble.clear()
        self._ours = facts(self.steps)

    def muster(self) -> list[tuple[Post, str]]:
        """Hire where a node has come, look at who has; returns the crews whose node is gone, with the reason.

        Raises UserError where a node that was there from the beginning must be refused, and when none is left for long.
        """
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY:
            self.alive, self._looked = nodes(self.ray), now
        if self._first is None:
            self._first, self._none_at = frozenset(self.alive), now
        for node in self.alive.values():
            trouble = self._trouble.get(node.id)
            if (
                node.id not in self.posts
                and node.id not in self.coming
                and not (trouble and (trouble.aside or now < trouble.again))
            ):
                self._hire(node)
        for post in [p for p in self.coming.values() if p.node not in self.alive]:
            self.leave(post, "")
        for post in list(self.coming.values()):
            if self.ray.wait([post.look], timeout=0)[0]:
                self._meet(post)
        self._mind_none(now)
        return [(post, "its node is gone") for post in self.posts.values() if post.node not in self.alive]

    def ready(self) -> bool:
        """Whether the first tasks may be given out: the nodes of the beginning get a while to come all together."""
        if not self.posts:
            return False
        coming = any(node in (self._first or ()) for node in self.coming)
        return not coming or time.monotonic() - self._ready_at > WAIT_FOR_ALL

    def _hire(self, node: Node) -> None:
        workers, gpus = self.workers(node), node.gpus if self.gpus else 0
        actor = hire(self.ray, node, workers, self.memory_mb, gpus)
        self._proof = Path(self.dataset) / ".scratch" / f"cluster-{self._said}"
        if not self._proof.exists():
            self._proof.parent.mkdir(parents=True, exist_ok=True)
            self._proof.write_text(self._said)
        look = actor.look.remote(self.steps, own_paths(), str(self._proof), self._said)
        self.coming[node.id] = Post(node.id, node.name, workers, gpus, actor, look)

    def _meet(self, post: Post) -> None:
        try:
            sight: Sight = self.ray.get(post.look)
        except Exception as error:  # noqa: BLE001 - Ray has many
            if "ModuleNotFoundError" not in str(error):
                self.leave(post, brief(error))
                return
            self._refuse(post, NOT_THERE.format(post.name))
            return
        if sentence := wrong(post.name, sight, self._ours, self.dataset):
            self._refuse(post, sentence)
            return
        del self.coming[post.node]
        self.posts[post.node] = post
        self._ready_at = self._ready_at or time.monotonic()
        if post.node not in (self._first or ()):
            self.notes(f"The node {post.name} has come: {post.workers} more workers.")

    def _refuse(self, post: Post, sentence: str) -> None:
        if post.node in (self._first or ()):
            raise UserError(sentence, 1)
        self.leave(post, sentence)
        self._trouble[post.node] = _Trouble(aside=True, why=sentence)
        self.notes(f"{sentence} It is left aside.")

    def leave(self, post: Post, why: str) -> None:
        """Do without a crew; another may be tried on its node a little later, unless that goes on and on."""
        self.posts.pop(post.node, None)
        self.coming.pop(post.node, None)
        with contextlib.suppress(Exception):
            self.ray.kill(post.actor, no_restart=True)
        trouble = self._trouble.setdefault(post.node, _Trouble())
        trouble.failures += 1
        trouble.again, trouble.why = time.monotonic() + min(60, 2**trouble.failures), why
        if trouble.failures >= TRIES and not trouble.aside:
            trouble.aside = True
            self.notes(f"The node {post.name} is left aside, its crew broke {TRIES} times in a row: {why}.")

    def does_well(self, post: Post) -> None:
        self._trouble.pop(post.node, None)

    def _mind_none(self, now: float) -> None:
        if self.posts:
            self._none_at, self._told_none, self._told_busy = now, False, False
            return
        waited = now - self._none_at
        if self.coming:
            if waited > BUSY and not self._told_busy:
                self._told_busy = True
                self.notes("No crew is at work yet: Ray has other work on all nodes, or they are slow to start.")
            return
        told = next((t.why for node in self.alive if (t := self._trouble.get(node)) and t.aside), "")
        if told and all((t := self._trouble.get(node)) and t.aside for node in self.alive):
            raise UserError(
                f"No node of the cluster can work: {told.rstrip('.')}. What was done is kept; mend that and run again.", 1
            )
        if waited > self.patience:
            raise UserError("No node is left in the cluster: start some and run again; what was done is kept.", 1)
        if waited > LOOK_EVERY and not self._told_none:
            self._told_none = True
            self.notes(f"No node is left: waiting up to {self.patience / 60:.0f} min for one.")

    def dismiss(self) -> None:
        """Let all crews go."""
        ends = [post.actor.end.remote() for post in self.posts.values()]
        if ends:
            with contextlib.suppress(Exception):
                self.ray.wait(ends, num_returns=len(ends), timeout=END + 1)
        for post in [*self.posts.values(), *self.coming.values()]:
            with contextlib.suppress(Exception):
                self.ray.kill(post.actor, no_restart=True)
        self.posts.clear()
        self.coming.clear()
        with contextlib.suppress(OSError):
            self._proof.unlink()


def brief(error: BaseException) -> str:
    """What Ray says, in short."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[-1] if lines else type(error).__name__
    return said.partition(" Owner Id:")[0][:DETAIL].rstrip(".")  # and no numbers of its own
