"""One web UI per GPU: started from the user's own command, watched, started again when it dies, and ended without a trace."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TextIO

import psutil

from motet.errors import UserError
from motet.files.places import shown
from motet.video.deforum import addresses, keeper
from motet.video.deforum.command import HOST, own_log, read
from motet.video.deforum.health import JOBS, status_at

__all__ = ["Change", "Kept", "Served", "devices", "serve"]

MARK = "MOTET_SERVED"  # in the environment of all that a server starts: how what is left of it is found
UNKNOWN = f"{JOBS}/motet"  # no job has this name; asking for it is cheap, however long the list of jobs is
LIVELY = 0.1  # seconds between two looks at what a signal or the caller wants
ANSWERS_WITHIN = 5.0  # seconds, for one look at a server's health

State = Literal["starting", "up", "down", "given_up", "stopped"]


@dataclass(frozen=True)
class Change:
    """What has become of a server; `reason` is a sentence for `down` and `given_up`."""

    url: str
    device: str
    state: State
    reason: str | None = None


@dataclass
class Kept:
    """The record of one server: how often it was started, how long it was up (seconds), and why it is not up any more."""

    url: str
    device: str
    log: Path
    state: State = "starting"
    starts: int = 0
    seconds_up: float = 0.0
    reason: str | None = None


@dataclass(frozen=True)
class Served:
    """How serving went. `stopped_by` is the signal that ended it, if one did; `swept` counts what an earlier one had left."""

    servers: tuple[Kept, ...]
    seconds: float
    stopped_by: str | None
    swept: int

    @property
    def ok(self) -> bool:
        return not all(server.state == "given_up" for server in self.servers)


@dataclass(frozen=True)
class _Terms:
    folder: Path
    cwd: Path | None
    start_within: float
    silent_after: float
    tries: int
    pause: float
    longest_pause: float
    settled_after: float
    grace: float
    poll: float
    log_limit: int
    mark: str


def devices(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The GPUs that are ours: those of CUDA_VISIBLE_DEVICES, as Slurm sets it, else all that nvidia-smi lists."""
    if (told := environment.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [device for device in told.split(",") if device.strip() and device.strip() != "-1"]
    if not (program := shutil.which("nvidia-smi")):
        return []
    try:
        listed = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return []
    return re.findall(r"^GPU (\d+):", listed, re.MULTILINE)


def serve(
    command: str,
    devices: Sequence[str],
    ports: int | Sequence[int] = 7861,
    *,
    folder: Path,
    cwd: Path | None = None,
    start_within: float = 900.0,
    silent_after: float = 120.0,
    tries: int = 5,
    pause: float = 2.0,
    longest_pause: float = 120.0,
    settled_after: float = 300.0,
    grace: float = 10.0,
    poll: float = 2.0,
    log_limit: int = 16 << 20,
    stop: threading.Event | None = None,
    on_change: Callable[[Change], None] | None = None,
) -> Served:
    """Start a server for each device and keep them up until a signal, `stop`, or until all are given up.

    `command` is the user's, with {port} and, as it likes, {host} (always 127.0.0.1), {device} and {log} (a file for a log of its
    own); it is split as a shell would, but run without one, in `cwd`, with CUDA_VISIBLE_DEVICES set to the device ("cpu": none).
    `ports` is the first of a row, or one for each device. A server is up when it answers GET /deforum_api/jobs, which it must do
    within `start_within` seconds; it is ended and started again when it has not answered for `silent_after` seconds, or has died.
    The pause before a new start doubles from `pause` to `longest_pause` seconds; after `tries` starts in a row none of which was
    up for `settled_after` seconds, it is given up.

    `folder` gets servers.json with the addresses of those that are up, and the logs, each held under twice `log_limit` bytes. In
    the main thread, SIGINT, SIGTERM and SIGHUP end all, as the end of this process does, whatever its cause. Processes get
    `grace` seconds to end by themselves. Raises UserError.
    """
    commands = read(command, devices, ports, folder, cwd)
    if tries < 1 or min(start_within, silent_after, poll) <= 0 or min(pause, longest_pause, settled_after, grace) < 0:
        raise UserError("Times must be more than 0 seconds, and tries at least 1: correct the settings.")
    if log_limit < 1 << 12:
        raise UserError("A log needs 4096 bytes at least: give a larger limit.")
    began = time.monotonic()
    with _alone(folder) as lock:
        swept = _sweep(lock.read(100).strip())
        mark = uuid.uuid4().hex
        lock.seek(0)
        lock.truncate()
        lock.write(mark)
        lock.flush()
        terms = _Terms(
            folder, cwd, start_within, silent_after, tries, pause, longest_pause, settled_after, grace, poll, log_limit, mark
        )
        board = _Board(folder / addresses.NAME, on_change)
        tended = [_Tended(words, device, port, terms, board) for words, device, port in commands]
        stopped_by = _run(tended, stop)
    return Served(tuple(one.kept for one in tended), time.monotonic() - began, stopped_by, swept)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[TextIO]:
    """The folder is ours alone; the lock holds the mark of who had it last."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        opened = os.open(folder / "serve.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UserError(f"{shown(str(folder))} cannot be written to ({error.strerror}): name another folder.") from None
    with os.fdopen(opened, "r+", encoding="latin-1") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"Servers are already kept from {shown(str(folder))}: stop those, or name another folder.") from None
        yield lock


def _sweep(mark: str) -> int:
    """Kill whatever still runs of the servers with this mark, and say how many processes that were."""
    if not re.fullmatch(r"[0-9a-f]{32}(-\d+)?", mark):
        return 0
    found = []
    for process in psutil.process_iter():
        try:
            ours = f"{process.environ().get(MARK)}-".startswith(f"{mark}-")
        except (psutil.Error, OSError):
            continue  # another user's, or gone
        if ours and process.pid != os.getpid():
            found.append(process)
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(found, timeout=5)
    return len(found)


def _run(tended: Sequence[_Tended], stop: threading.Event | None) -> str | None:
    """All of them in threads, until they have ended; says which signal ended them."""
    signals: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before[number] = signal.signal(number, lambda received, _: signals.append(received))
    ended = threading.Event()
    threads = [threading.Thread(target=one.run, args=(ended,), name=f"server-{one.port}") for one in tended]
    try:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads) and not signals and not (stop and stop.is_set()):
            time.sleep(LIVELY)
    finally:
        ended.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        for number, handler in before.items():
            signal.signal(number, handler)
        tended[0].board.clear()
    for one in tended:
        if one.error is not None:
            raise one.error
    return signal.Signals(signals[0]).name if signals else None


@dataclass
class _Board:
    """Tells the world how the servers do: the file, and who listens."""

    path: Path
    on_change: Callable[[Change], None] | None
    lock: threading.Lock = field(default_factory=threading.Lock)
    kept: list[Kept] = field(default_factory=list)

    def tell(self, kept: Kept, state: State, reason: str | None = None) -> None:
        with self.lock:
            self._write(kept, state, reason)
            if self.on_change is not None:
                self.on_change(Change(kept.url, kept.device, state, reason))

    def withdraw(self, kept: Kept, reason: str) -> None:
        """Let nobody send it anything more while it is being ended."""
        with self.lock:
            self._write(kept, "down", reason)

    def _write(self, kept: Kept, state: State, reason: str | None) -> None:
        kept.state, kept.reason = state, reason
        up = [{"url": one.url, "device": one.device} for one in self.kept if one.state == "up"]
        down = [{"url": one.url, "state": one.state, "reason": one.reason} for one in self.kept if one.state != "up"]
        addresses.write(self.path, up, down)

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)


class _Tended:
    """One server and the thread that looks after it."""

    def __init__(self, words: list[str], device: str, port: int, terms: _Terms, board: _Board) -> None:
        self.words, self.port, self.terms, self.board = words, port, terms, board
        self.log = terms.folder.absolute() / f"server-{port}.log"
        self.kept = Kept(f"http://{HOST}:{port}", device, self.log)
        self.error: BaseException | None = None
        self._mark = f"{terms.mark}-{port}"
        board.kept.append(self.kept)

    def run(self, ended: threading.Event) -> None:
        try:
            self._tend(ended)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits for this one
            self.error = error
            ended.set()

    def _tend(self, ended: threading.Event) -> None:
        failures, pause = 0, self.terms.pause
        while not ended.is_set():
            self.board.tell(self.kept, "starting")
            reason, seconds_up = self._once(ended)
            self.kept.seconds_up += seconds_up
            if ended.is_set():
                break
            if seconds_up >= max(self.terms.settled_after, 0.001):
                failures, pause = 0, self.terms.pause
            failures += 1
            if failures >= self.terms.tries:
                self.board.tell(self.kept, "given_up", f"{reason} That was try {failures} of {self.terms.tries}; see {self.log}.")
                return
            self.board.tell(self.kept, "down", f"{reason} It starts again in {pause:g} s.")
            ended.wait(pause)
            pause = min(2 * pause, self.terms.longest_pause)
        self.board.tell(self.kept, "stopped")

    def _once(self, ended: threading.Event) -> tuple[str, float]:
        """Start it and stay with it to its end: why it ended, and for how many seconds it was up."""
        if taken := self._taken():
            return taken, 0.0
        self.kept.starts += 1
        process = self._started()
        try:
            since = self._awaited(process, ended)
            if isinstance(since, str):
                return since, 0.0
            self.board.tell(self.kept, "up")
            reason = self._watched(process, ended)
            self.board.withdraw(self.kept, reason)
            return reason, time.monotonic() - since
        finally:
            self._end(process)

    def _taken(self) -> str | None:
        """A sentence if the port cannot be had: another program there would pass for our server."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
                probe.listen(1)
            except OSError as error:
                taken = error.errno == errno.EADDRINUSE
                return f"Port {self.port} {'belongs to another program' if taken else f'cannot be had ({error.strerror})'}."
        return None

    def _started(self) -> subprocess.Popen[bytes]:
        device = self.kept.device
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "" if device == "cpu" else device, MARK: self._mark}
        keeping = [sys.executable, "-I", keeper.__file__, str(self.log), str(own_log(self.log.parent, self.port))]
        return subprocess.Popen(
            [*keeping, str(self.terms.log_limit), str(self.terms.grace), *self.words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.terms.cwd,
            env=environment,
            start_new_session=True,  # Ctrl-C is ours to act on
        )

    def _awaited(self, process: subprocess.Popen[bytes], ended: threading.Event) -> float | str:
        """The moment from which it is up, or why it is not."""
        deadline = time.monotonic() + self.terms.start_within
        while not ended.wait(min(self.terms.poll, 0.5)):
            if process.poll() is not None:
                return f"It ended while starting: {_ending(process)}."
            if status_at(self.port, JOBS, min(ANSWERS_WITHIN, self.terms.start_within)) == 200:
                return time.monotonic()
            if time.monotonic() > deadline:
                return f"It was not up after {self.terms.start_within:g} s."
        return "It was stopped."

    def _watched(self, process: subprocess.Popen[bytes], ended: threading.Event) -> str:
        """Why it was up no longer."""
        heard = time.monotonic()
        while not ended.wait(self.terms.poll):
            if process.poll() is not None:
                return f"It died: {_ending(process)}."
            status = status_at(self.port, UNKNOWN, min(ANSWERS_WITHIN, self.terms.silent_after))
            if status is not None and status < 500:
                heard = time.monotonic()
            elif time.monotonic() - heard >= self.terms.silent_after:
                return f"It did not answer for {self.terms.silent_after:g} s."
        return "It was stopped."

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Its keeper ends the whole tree; where the keeper itself was killed, or hangs, we look for what is left."""
        if process.stdin:
            process.stdin.close()
        try:
            code = process.wait(self.terms.grace + 2 * keeper.KILLED_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if code < 0:
            _sweep(self._mark)


def _ending(process: subprocess.Popen[bytes]) -> str:
    """How the server ended, in words; its keeper tells as a shell would."""
    code = process.wait()
    if code < 0:
        return "its keeper was killed"
    if code == keeper.NOT_FOUND:
        return "the command was not found"
    number = code - 128
    if number > 0:
        try:
            return f"{signal.Signals(number).name} ended it"
        except ValueError:
            pass
    return f"it left with exit code {code}"
