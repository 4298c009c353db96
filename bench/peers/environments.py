"""A peer's own environment: what `<peer>.txt` pins, installed once by uv into a folder of caches."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MINUTES = 5


class Missing(Exception):
    """A peer cannot be had here; the text says why."""


def cache() -> Path:
    asked = os.environ.get("MOTET_PEERS")
    return Path(asked) if asked else Path.home() / ".cache" / "motet-bench"


def python(peer: str) -> Path:
    """The interpreter of the peer's environment, made if need be. Missing where it cannot be installed."""
    pins = HERE / f"{peer}.txt"
    state = hashlib.sha256(pins.read_bytes()).hexdigest()
    folder = cache() / peer
    interpreter, ready = folder / "bin" / "python", folder / "ready"
    if ready.is_file() and ready.read_text() == state:
        return interpreter
    uv = Path(sys.executable).with_name("uv")
    if not uv.is_file():
        raise Missing(f"{peer} cannot be installed: there is no uv beside {Path(sys.executable).name}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # No dependencies but those named, where one of them would need a compiler and headers.
    alone = ["--no-deps"] if "# alone" in pins.read_text() else []
    for step in (
        ["venv", "--python", sys.executable, str(folder)],
        ["pip", "install", "--system-certs", "--python", str(interpreter), *alone, "-r", str(pins)],
    ):
        try:
            done = subprocess.run([str(uv), "--quiet", *step], capture_output=True, text=True, check=False, timeout=60 * MINUTES)
        except subprocess.TimeoutExpired:
            raise Missing(f"{peer} was not installed within {MINUTES} minutes") from None
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["uv said nothing"])[-1].strip()
            raise Missing(f"{peer} cannot be installed: {last}")
    ready.write_text(state)
    return interpreter


def program(name: str, package: str) -> str:
    """The path of a system's program. Missing where there is none."""
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed: apt install {package}")
    return found


def pinned(peer: str) -> str:
    """The version of the peer, as its file pins it."""
    first = next(line for line in (HERE / f"{peer}.txt").read_text().splitlines() if "==" in line)
    return first.partition("==")[2].strip()
