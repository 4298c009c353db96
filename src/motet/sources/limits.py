"""How often a host is asked, kept among all processes of a machine that share a folder."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SLACK = 1.25  # requests are sent so much further apart than allowed: what the way delays is not one too many there
_LONGEST_PAUSE = 86_400.0  # seconds a host may ask us to stay away; more is a mistake of its
_LONGEST_QUEUE = 600.0  # seconds; a turn further off comes from a clock that was set back
_STATE = struct.Struct("<dd")


@dataclass(frozen=True)
class Limit:
    """So many requests in so many seconds."""

    requests: float
    seconds: float

    @property
    def spacing(self) -> float:
        return _SLACK * self.seconds / self.requests


@dataclass
class _State:
    turn: float  # when the next request may be sent, by the wall clock
    closed: float  # until when the host wants none


class Gate:
    """The way to one host. Turns are evenly spaced, without bursts; a file remembers the next one, through any kill."""

    def __init__(self, path: Path, limit: Limit) -> None:
        self._path = path
        self._limit = limit

    def enter(self, patience: float) -> float:
        """Wait for a turn; returns 0.0 when the request may be sent now, or the seconds it would have to wait if those are
        more than `patience`: then no turn was taken."""
        give_up = time.monotonic() + patience
        mine = False
        while True:
            with self._held() as state:
                now = time.time()
                if mine and state.closed <= now:
                    return 0.0
                begin = max(now, state.turn, state.closed)
                wait = begin - now
                if wait > give_up - time.monotonic():
                    return wait
                state.turn = begin + self._limit.spacing
            time.sleep(wait)
            mine = True

    def close(self, pause: float) -> None:
        """The host asks for no request in the next `pause` seconds."""
        with self._held() as state:
            state.closed = max(state.closed, time.time() + min(pause, _LONGEST_PAUSE))

    @contextmanager
    def _held(self) -> Iterator[_State]:
        # The kernel drops the lock with its process; 16 bytes are written in one piece.
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            now = time.time()
            data = os.pread(fd, _STATE.size, 0)
            turn, closed = _STATE.unpack(data) if len(data) == _STATE.size else (now, now)
            state = _State(turn if turn < now + _LONGEST_QUEUE else now, closed if closed < now + _LONGEST_PAUSE + 60 else now)
            if not (state.turn > 0 and state.closed > 0):  # no time at all: something else wrote here
                state = _State(now, now)
            yield state
            os.pwrite(fd, _STATE.pack(state.turn, state.closed), 0)
        finally:
            os.close(fd)
