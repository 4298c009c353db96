"""Joining a Ray cluster, or starting one of this machine alone, quietly, with signals and terminal left as they were."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from motet.errors import UserError
from motet.run.engine import usable_cores

SCRATCH = "motet-ray-"  # what folders of our own clusters are called
DETAIL = 300  # characters of what Ray says
# How HTTP/2 begins, with a frame of no settings (RFC 9113, section 3.4).
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)
HEAD_EVERY = 5.0  # seconds between looks at whether the head is there
_LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"  # with 0, a cluster is of this machine alone, and listens on its loopback


def connect(address: str | None, workers: int | None, temp: Callable[[], str]) -> tuple[Any, str]:
    """The ray module, connected, and the dashboard's address ("" without one).

    Without an address a cluster of this machine alone is started, on its loopback, with its files in `temp()`.
    Raises UserError.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    _authenticate(own=address is None)
    import ray

    if ray.is_initialized():
        raise UserError("Ray is in use in this process already: call ray.shutdown() first.")
    quiet: dict[str, Any] = {"logging_level": logging.CRITICAL, "log_to_driver": False, "configure_logging": True}
    with _own_signals(), _alone() if address is None else contextlib.nullcontext():
        try:
            _hush()
            if address is None:
                context = ray.init(num_cpus=workers or usable_cores(), _node_ip_address="127.0.0.1", _temp_dir=temp(), **quiet)
            else:
                reachable(address)
                context = ray.init(address=address, **quiet)
        except UserError:
            raise
        except Exception as error:
            said = str(error).strip().splitlines()
            told = said[0][:DETAIL].rstrip(".") if said else type(error).__name__
            where = (
                "Ray cannot be started here" if address is None else f"The Ray cluster at {address} cannot be joined from here"
            )
            fix = "run `motet doctor`" if address is None else "run this on one of its nodes, with the same Python and Ray"
            raise UserError(f"{where} ({told}): {fix}.", 1) from error
    return ray, str(context.dashboard_url or "")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """What is started here listens on the loopback only, as Ray does by itself where it knows no clusters."""
    from ray._private import ray_constants

    before = ray_constants.ENABLE_RAY_CLUSTER, os.environ.get(_LOOPBACK)
    ray_constants.ENABLE_RAY_CLUSTER, os.environ[_LOOPBACK] = False, "0"
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before[0]
        del os.environ[_LOOPBACK]
        if before[1] is not None:
            os.environ[_LOOPBACK] = before[1]


def watch_head(address: str, notes: Callable[[str], None]) -> threading.Event:
    """Tell once when a cluster's head has been gone for a while, until the event is set: Ray itself ends a program without a
    word of ours when it has been gone for a minute."""
    over = threading.Event()
    host, _, port = address.rpartition(":")

    def watch() -> None:
        missed = 0
        while not over.wait(HEAD_EVERY):
            try:
                socket.create_connection((host.strip("[]"), int(port)), timeout=HEAD_EVERY).close()
                missed = 0
            except OSError:
                missed += 1
            if missed == 2:
                notes(
                    f"Ray's head at {address} is gone: Ray ends this build when it stays away for a minute. "
                    "What was done is kept; have the cluster up again and repeat the command."
                )
                sys.stdout.flush()  # it is not asked to end, it is ended

    threading.Thread(target=watch, daemon=True).start()
    return over


def _hush() -> None:
    """What Ray tells a driver of dying nodes goes to its standard output, past logging: a build tells it in its own words."""
    from ray._private import worker

    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda *told, **how: None


def _authenticate(*, own: bool) -> None:
    """A cluster of our own lets in nobody else; to another, this user's token is shown where there is one."""
    token, named = Path.home() / ".ray" / "auth_token", "RAY_AUTH_TOKEN_PATH" in os.environ
    if "RAY_AUTH_MODE" in os.environ:
        return
    if own and not named:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    if own or named or "RAY_AUTH_TOKEN" in os.environ or token.exists():
        os.environ["RAY_AUTH_MODE"] = "token"


def reachable(address: str | None) -> None:
    """Refuse to begin without Ray, or with an address where nobody listens: Ray would look for it for minutes."""
    if find_spec("ray") is None:
        raise UserError('--engine ray needs Ray: pip install "motet[ray]".')
    if address in (None, "auto"):
        return
    assert address is not None
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdigit():
        raise UserError(f"{address!r} is no address of a cluster: write HOST:PORT of its head, as `ray start --head` told it.")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=10) as there:
            there.sendall(HELLO)
            said = there.recv(9)
    except (OSError, OverflowError) as error:
        raise UserError(f"No Ray cluster answers at {address} ({error}): start one with `ray start --head`.", 1) from None
    # Ray would go on asking whoever is there for minutes. Where it is set to speak in cipher, it tells soon enough.
    if said[3:4] != b"\x04" and os.environ.get("RAY_USE_TLS", "0") == "0":
        raise UserError(f"{address} is no Ray cluster: write HOST:PORT of its head, as `ray start --head` told it.", 1)


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Ray's handlers are not ours: what SIGTERM and Ctrl-C do is the program's to say."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
