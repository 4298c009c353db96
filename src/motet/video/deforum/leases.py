"""Servers, one batch at a time each: who may send the next, and which are better left alone for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from motet.errors import UserError
from motet.sources.wire import Wire
from motet.video.deforum.client import Address, Client, Silent
from motet.video.deforum.journal import Journal
from motet.video.errors import VideoError

__all__ = ["Leases", "Patience", "Server", "Stopped"]

_LONGEST_REST = 60.0  # seconds


class Stopped(Exception):
    """The farm is closed: what runs on its servers is found again by the next one."""


@dataclass(frozen=True)
class Patience:
    """Seconds: between two looks, without any progress, without any answer, for one answer."""

    poll: float
    stalled_after: float
    silent: float
    seconds: float


class Server:
    """A server, and how it has behaved as far as this process knows. Times are of the monotonic clock."""

    def __init__(self, client: Client, poll: float) -> None:
        self.client = client
        self.name = client.address.name
        self.shown = client.address.shown
        self._poll = poll
        self._failures = 0
        self._rests_until = 0.0
        self.refuses: UserError | None = None  # wants something of its user first
        self.watched: tuple[Any, float] | None = None  # a foreign batch as last seen, and since when it stands so

    @property
    def resting(self) -> bool:
        return time.monotonic() < self._rests_until

    def failed(self) -> None:
        """It gave no answer, or hung: it is set aside, each time for longer."""
        self._failures += 1
        self._rests_until = time.monotonic() + min(_LONGEST_REST, self._poll * 2 ** min(self._failures, 10))

    def answered(self) -> None:
        self._failures, self._rests_until = 0, 0.0


class Leases:
    """The servers of a farm, one batch each."""

    def __init__(self, addresses: Iterable[Address], journal: Journal, wire: Wire, patience: Patience) -> None:
        self.servers = {one.name: Server(Client(one, wire, seconds=patience.seconds), patience.poll) for one in addresses}
        self._journal = journal
        self._patience = patience
        self._heard = time.monotonic()  # of any server, by anyone

    @contextmanager
    def any(self, id: str, avoid: frozenset[str], stop: threading.Event) -> Iterator[Server]:
        """A server that is up and free, for the job `id`; one of `avoid` only if there is no other that is up.

        Waits. Raises VideoError no_server when all have been silent for long, UserError when all want something of their user
        first, Stopped.
        """
        turn = sum(id.encode("utf-8", "surrogatepass"))  # so that jobs do not all ask the first server first
        order = list(self.servers.values())
        order = order[turn % len(order) :] + order[: turn % len(order)]
        while not stop.is_set():
            if all(server.refuses for server in order) and (refused := order[0].refuses):
                raise refused
            awake = [server for server in order if not server.resting and not server.refuses]
            for server in [one for one in awake if one.name not in avoid] or awake:
                with ExitStack() as held:
                    if not held.enter_context(self._journal.lock("servers", server.name)):
                        self._heard = time.monotonic()  # whoever holds it talks with it
                    elif self._free(server, id):
                        yield server
                        return
            if time.monotonic() - self._heard > self._patience.silent:
                raise VideoError("no_server", f"None of {len(order)} servers answered for {self._patience.silent:g} seconds.")
            stop.wait(self._patience.poll)
        raise Stopped

    @contextmanager
    def one(self, name: str, stop: threading.Event) -> Iterator[Server]:
        """The server `name`, to go on with what it was given."""
        while not stop.is_set():
            with ExitStack() as held:
                if held.enter_context(self._journal.lock("servers", name)):
                    yield self.servers[name]
                    return
            stop.wait(self._patience.poll)
        raise Stopped

    def _free(self, server: Server, id: str) -> bool:
        """Whether a server is up, and done with the batch it was last given."""
        client, last = server.client, self._journal.occupant(server.name)
        try:
            if last is None or last.id == id:
                if not client.alive():
                    raise Silent(f"{server.shown} gave no answer")
                status = None
            else:
                status = client.job(last.job) if last.job else client.find(last.mark)
        except Silent:
            server.failed()
            return False
        except UserError as refused:
            server.refuses = refused
            return False
        server.answered()
        self._heard = time.monotonic()
        if last is None or last.id == id:
            return True
        if status is None:
            # A batch without a number may be on its way still.
            return bool(last.job) or not 0 <= time.time() - last.posted < client.seconds
        if status.state != "ACCEPTED":
            return True
        seen = (last.mark, status.changes)
        if server.watched is None or server.watched[0] != seen:
            server.watched = (seen, time.monotonic())
        if time.monotonic() - server.watched[1] <= self._patience.stalled_after:
            return False
        last.stopped = [*last.stopped[-20:], last.mark]
        self._journal.occupy(server.name, last)
        try:
            client.cancel(status.id)
        except Silent:
            server.failed()
            return False
        return True
