"""`servers.json`: where the servers stand that answer, written by who serves and read by who has jobs for them."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from motet.errors import UserError
from motet.files.places import open_for_reading

__all__ = ["NAME", "read", "wait", "write"]

NAME = "servers.json"
MOST_BYTES = 1 << 20


def write(path: Path, up: Sequence[Mapping[str, Any]], down: Sequence[Mapping[str, Any]]) -> None:
    """Replace `path` in one step: `up` with `url`, `device` …, `down` with `url` and `reason`, and who wrote it."""
    me = {"host": socket.gethostname(), "pid": os.getpid(), "since": psutil.Process().create_time()}
    text = json.dumps({"version": 1, "by": me, "servers": list(up), "down": list(down)}, indent=2)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with unfinished.open("wb") as file:
            file.write(text.encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def read(path: Path) -> list[str]:
    """The addresses in `path`; none when it is absent, or when the process of this machine that wrote it is gone.

    Raises UserError for a file that `write` never wrote.
    """
    told = _told(path)
    if told is None or _gone(told["by"]):
        return []
    return [server["url"] for server in told["servers"]]


def wait(path: Path, seconds: float, least: int = 1) -> list[str]:
    """The addresses in `path` as soon as they are `least`, or no more will come, or `seconds` have passed."""
    deadline = time.monotonic() + seconds
    while True:
        found = read(path)
        if len(found) >= least or (found and _final(path)) or time.monotonic() >= deadline:
            return found
        time.sleep(min(0.5, max(0.0, deadline - time.monotonic())))


def _final(path: Path) -> bool:
    """Are all that are not up given up?"""
    told = _told(path) or {}
    return all(isinstance(server, dict) and server.get("state") == "given_up" for server in told.get("down", ()))


def _told(path: Path) -> dict[str, Any] | None:
    wrong = UserError(f"{path} lists no servers: name the {NAME} that motet video serve writes.")
    try:
        with open(open_for_reading(os.fspath(path)), "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): name the {NAME} that motet video serve writes.") from None
    try:
        told = json.loads(data) if len(data) <= MOST_BYTES else None
    except (ValueError, RecursionError):
        raise wrong from None
    if not isinstance(told, dict) or not isinstance(told.get("by"), dict) or not isinstance(told.get("servers"), list):
        raise wrong
    if not all(isinstance(server, dict) and isinstance(server.get("url"), str) for server in told["servers"]):
        raise wrong
    return told


def _gone(by: Mapping[str, Any]) -> bool:
    """Did the writer run here, and does it run no more? A process of another machine cannot be asked."""
    if by.get("host") != socket.gethostname() or not isinstance(by.get("pid"), int):
        return False
    try:
        return bool(psutil.Process(by["pid"]).create_time() != by.get("since"))
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return True
    except psutil.Error:
        return False
