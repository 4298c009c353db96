"""Run a command and all it starts, in a process of its own; tell what they took, and leave nothing behind.

    python reaper.py '{"command": [...], "timeout": 120, "memory": true, "log": FILE, "kill_at": 700}'

Prints one line of JSON: see `watching.Watched`. Orphans of the command become children of this process (Linux), so that their
CPU time is counted and none is left over. With `kill_at`, the command's own process is killed once its log has as many lines.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

PR_SET_CHILD_SUBREAPER = 36
EVERY, EVERY_MEMORY = 0.05, 0.2  # seconds between looks
TAIL = 4000  # bytes


def main(asked: dict[str, Any]) -> dict[str, Any]:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    own = psutil.Process()
    used: dict[tuple[int, float], float] = {}
    peak, processes, next_look, killed, rc = 0, 0, 0.0, False, None
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        child = subprocess.Popen(asked["command"], stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
        while True:
            rc = child.poll()
            wall = time.perf_counter() - began
            late = wall > asked["timeout"]
            if rc is not None or late:
                break
            if asked.get("kill_at") and _lines(asked["log"]) >= asked["kill_at"]:
                killed = True
                break
            if wall >= next_look:
                next_look = wall + EVERY_MEMORY
                alive = own.children(recursive=True)
                processes = max(processes, len(alive))
                _count(alive, used)
                if asked.get("memory"):
                    peak = max(peak, sum(_held(process) for process in alive))
            time.sleep(EVERY)
        left = _ended(child, own, used, asked["grace"])
        said.seek(0 if asked.get("whole") else max(0, said.seek(0, os.SEEK_END) - TAIL))
        tail = said.read().decode(errors="replace")
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "wall": wall,
        "cpu": max(spent.ru_utime + spent.ru_stime, sum(used.values())),
        "peak_mb": peak / 1e6,
        "processes": processes,
        "left": left,
        "rc": None if killed or late else rc,
        "late": late,
        "said": tail,
    }


def _lines(log: str) -> int:
    with contextlib.suppress(FileNotFoundError):
        return Path(log).read_bytes().count(b"\n")
    return 0


def _count(alive: list[psutil.Process], used: dict[tuple[int, float], float]) -> None:
    for process in alive:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            used[process.pid, process.create_time()] = times.user + times.system


def _held(process: psutil.Process) -> int:
    """Bytes of memory that only this process holds. What is shared is not counted: it is little, but for Ray's object store."""
    with contextlib.suppress(psutil.Error):
        return int(process.memory_full_info().uss)
    return 0


def _ended(child: subprocess.Popen[bytes], own: psutil.Process, used: dict[tuple[int, float], float], grace: float) -> int:
    """Kill the command, see how many of its processes outlive it by `grace` seconds, end them too."""
    child.kill()  # nothing is done to one that has ended
    child.wait()
    until = time.monotonic() + grace
    while (alive := _alive(own)) and time.monotonic() < until:
        _count(alive, used)
        _reap()
        time.sleep(EVERY)
    left = len(alive)
    while alive:
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)
        time.sleep(EVERY)
        _reap()
        alive = _alive(own)
    _reap()
    return left


def _alive(own: psutil.Process) -> list[psutil.Process]:
    alive = []
    for process in own.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
    return alive


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
