"""A look at every node of a cluster, before a long night."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from motet.errors import UserError
from motet.recipe import load, ready
from motet.run.cluster.crew import Sight, facts
from motet.run.cluster.joining import SCRATCH, connect, reachable
from motet.run.cluster.nodes import NOT_THERE, brief, hire, nodes, own_paths, wrong
from motet.scratch import Scratch

WAIT = 60.0  # seconds for all nodes to answer


@dataclass(frozen=True)
class Seen:
    """A node. `shared` is None where no folder was asked about, `clock` seconds that its clock is ahead of ours."""

    name: str
    cpus: int
    gpus: int
    memory_mb: int
    motet: str = ""
    python: str = ""
    shared: bool | None = None
    clock: float | None = None
    wrong: str = ""  # why a build would be refused


def _libraries() -> tuple[str, ...]:
    """All that shapes what the ready recipes make."""
    return tuple(sorted({library for name in ready() for step in load(name).steps for library in step.stage.libraries}))


def survey(address: str | None, proof: str, said: str) -> list[Seen]:
    """Look at each node through a crew of one worker. Raises UserError where there is no cluster."""
    reachable(address)
    scratch = Scratch(SCRATCH)
    ray = None
    try:
        libraries = _libraries()
        ray, _ = connect(address, None, lambda: str(scratch.path))
        ours = facts((), libraries)
        asked = []
        began = time.time()
        for node in nodes(ray).values():
            actor = hire(ray, node, 0, 1024, 0)
            asked.append((node, actor, actor.look.remote((), own_paths(), proof, said, libraries)))
        if not asked:
            raise UserError("No node of the cluster has a CPU to offer: start one with `ray start --address`.", 1)
        seen = []
        for node, actor, look in asked:
            known = (node.name, node.cpus, node.gpus, node.memory_mb)
            try:
                sight: Sight = ray.get(look, timeout=max(0.1, began + WAIT - time.time()))
                now = time.time()
            except Exception as error:  # noqa: BLE001 - Ray has many
                absent = "ModuleNotFoundError" in str(error)
                why = NOT_THERE.format(node.name) if absent else f"The node {node.name} does not answer: {brief(error)}."
                seen.append(Seen(*known, wrong=why))
                continue
            # It was asked some time between `began` and now: only what lies outside of that is an error of the clock.
            clock = min(0.0, sight.clock - began) or max(0.0, sight.clock - now)
            sentence = wrong(node.name, sight, ours, str(Path(proof).parent) if proof else "")
            told = sight.facts
            shared = sight.shared if proof else None
            seen.append(Seen(*known, told["motet"], told["Python"], shared, round(clock, 1), sentence))
            ray.kill(actor)
        return seen
    finally:
        if ray is not None:
            with contextlib.suppress(Exception):
                ray.shutdown()
        scratch.close()
