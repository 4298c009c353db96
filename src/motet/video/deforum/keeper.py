"""Starts one server, writes down what it says, and sees to it that nothing of it outlives the process that asked for it.

`python -I keeper.py LOG OWN LIMIT GRACE COMMAND …`, started by `serving`. Standard input is a pipe from the parent: when it ends,
because the parent closed it or is dead, however it died, the server's whole tree of processes is ended too. Imports little, to be
small and quick to start.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time

import psutil

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LOOKED = 0.5  # seconds between two looks at what no event tells
KILLED_WITHIN = 10.0  # seconds; what then still stands is stuck in the kernel
NOT_FOUND, NOT_RUN = 127, 126  # as shells say it


class Log:
    """What a server says, in `path` and, the part before, in `path`.1: no more than `limit` bytes each."""

    def __init__(self, path: str, limit: int) -> None:
        self._path, self._limit = path, limit
        self._open()

    def _open(self) -> None:
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._size = os.fstat(self._file).st_size

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # a full disk costs the log, not the server
            if self._size and self._size + len(data) > self._limit:
                os.replace(self._path, self._path + ".1")
                os.close(self._file)
                self._open()
            self._size += os.write(self._file, data[-self._limit :])


def shorten(path: str, limit: int) -> None:
    """Empty a log that the server itself writes, when it is too long; a writer that appends goes on at its beginning."""
    with contextlib.suppress(OSError):
        if os.stat(path).st_size > limit:
            os.truncate(path, 0)


class Keeper:
    def __init__(self, command: list[str], log: Log, own: str, limit: int) -> None:
        self._log, self._own, self._limit = log, own, limit
        self.ended: int | None = None  # how the server itself ended
        said, says = os.pipe()
        wake, self._waker = os.pipe()
        for descriptor in (wake, self._waker):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signalled)
        self._stopped = False
        libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        if libc:
            libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # whoever detaches itself from the server stays ours
        try:
            self._server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=says,
                stderr=says,
                start_new_session=True,
                preexec_fn=(lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)) if libc else None,  # noqa: PLW1509 - one thread
            )
        finally:
            os.close(says)
        self._said, self._wake = said, wake
        self._ready = selectors.DefaultSelector()
        for descriptor in (0, said, wake):
            self._ready.register(descriptor, selectors.EVENT_READ)

    def _signalled(self, number: int, _frame: object) -> None:
        self._stopped = self._stopped or number != signal.SIGCHLD

    def keep(self) -> None:
        """Until the server ends or the parent wants no more of it."""
        while not self._stopped and self.ended is None:
            self._attend(LOOKED)
            shorten(self._own, self._limit)

    def end(self, grace: float) -> None:
        """Ask every process of the server to end, and kill those that still stand `grace` seconds later."""
        for process in self._tree():
            with contextlib.suppress(psutil.Error):
                process.terminate()
        self._wait(grace)
        deadline = time.monotonic() + KILLED_WITHIN
        while (standing := self._tree()) and time.monotonic() < deadline:
            for process in standing:  # those that are born meanwhile fall in the next round
                with contextlib.suppress(psutil.Error):
                    process.kill()
            self._wait(0.2)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._server.pid, signal.SIGKILL)  # where nobody's orphans come to us
        self._attend(0)

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._tree() and (left := deadline - time.monotonic()) > 0:
            self._attend(min(left, 0.05))

    def _tree(self) -> list[psutil.Process]:
        self._reap()
        return psutil.Process().children(recursive=True)

    def _attend(self, seconds: float) -> None:
        for key, _ in self._ready.select(seconds):
            data = self._read(key.fd)
            if key.fd == self._said and data:
                self._log.write(data)
            if not data and key.fd != self._wake:
                self._ready.unregister(key.fd)
                self._stopped = self._stopped or key.fd == 0
        self._reap()

    def _read(self, descriptor: int) -> bytes:
        try:
            return os.read(descriptor, 1 << 16)
        except OSError:
            return b""

    def _reap(self) -> None:
        """Bury whoever ended, also those who were left to us."""
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == self._server.pid:
                    self.ended = os.waitstatus_to_exitcode(found[1])
                    self._server.returncode = self.ended


def main(arguments: list[str]) -> int:
    """The server's exit code, or 128 and the signal that ended it; 126 or 127 when it cannot be started."""
    log, limit = Log(arguments[0], int(arguments[2])), int(arguments[2])
    try:
        keeper = Keeper(arguments[4:], log, arguments[1], limit)
    except OSError as error:
        log.write(f"{arguments[4]}: {error.strerror}\n".encode(errors="replace"))
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUN
    keeper.keep()
    ended = keeper.ended
    keeper.end(float(arguments[3]))
    return 0 if ended is None else ended if ended >= 0 else 128 - ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
