"""Start what is measured, each in processes of its own, and know what they took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE / "scripts"
SOURCE = HERE.parents[1] / "src"


@dataclass(frozen=True)
class Watched:
    """What a command and all it started took: seconds, CPU seconds, MB held by them alone (0 where nobody looked)."""

    wall: float
    cpu: float
    peak_mb: float
    processes: int  # seen at one time
    left: int  # alive `grace` seconds after the command ended or was killed
    rc: int | None  # None where we killed it
    late: bool  # past the time-out
    said: str  # the end of what it printed

    @property
    def well(self) -> bool:
        return self.rc == 0


def watched(
    command: Sequence[str | Path],
    *,
    timeout: float = 300.0,
    memory: bool = False,
    log: Path | None = None,
    kill_at: int = 0,
    environment: Mapping[str, str] | None = None,
    whole: bool = False,
    grace: float = 3.0,
) -> Watched:
    """Run `command` to its end, to the `timeout`, or until `log` has `kill_at` lines.

    With `whole`, all it printed is kept, not the end alone. What it started has `grace` seconds to end by itself. A RuntimeError
    if it cannot be watched.
    """
    asked: dict[str, Any] = {
        "command": list(map(str, command)),
        "timeout": timeout,
        "memory": memory,
        "log": str(log),
        "kill_at": kill_at,
    }
    asked |= {"whole": whole, "grace": grace}
    told = dict(os.environ) | {
        "PYTHONPATH": f"{SCRIPTS}{os.pathsep}{SOURCE}",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "disabled",
        "HF_HUB_OFFLINE": "1",
        "DAFT_ANALYTICS_ENABLED": "0",
        "DO_NOT_TRACK": "true",
    }
    told |= {"PEERS_LOG": str(log)} if log else {}
    told |= environment or {}
    watcher = [sys.executable, str(HERE / "reaper.py"), json.dumps(asked)]
    done = subprocess.run(watcher, env=told, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"watching {asked['command']} ended with {done.returncode}: {done.stderr[-2000:]}"
        raise RuntimeError(msg)
    return Watched(**json.loads(done.stdout))
