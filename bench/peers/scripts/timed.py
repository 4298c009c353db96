"""Load files by one library and count: `python timed.py MODULE LIST`, LIST holding a path a line. Prints one line of JSON.

`times` are CPU seconds of each file for loading, facts and estimates; `told` is notes, end in seconds and tempi, or the error.
"""

import importlib
import json
import signal
import sys
import time
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

SLOWEST = 30  # seconds that a file may take


class TooSlow(Exception):
    pass


def main(name: str, listed: str) -> None:
    warnings.simplefilter("ignore")
    began = time.process_time()
    library = importlib.import_module(name)
    imported = time.process_time() - began
    signal.signal(signal.SIGALRM, _stop)
    told, times = [], []
    for path in Path(listed).read_text().splitlines():
        signal.alarm(SLOWEST)
        began = time.process_time()
        said, marks = _asked(library, path)
        signal.alarm(0)
        told.append(said)
        marks = [began, *marks]
        times.append([after - before for before, after in pairwise(marks)])
    peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    print(json.dumps({"imported": imported, "told": told, "times": times, "peak_mb": int(peak) * 1024 / 1e6}))


def _asked(library: Any, path: str) -> tuple[Any, list[float]]:
    marks = []
    try:
        song = library.load(path)
        marks.append(time.process_time())
        said: Any = library.facts(song)
        marks.append(time.process_time())
        for estimate in ("tempo", "key"):
            if hasattr(library, estimate):
                getattr(library, estimate)(song)
            marks.append(time.process_time())
    except Exception as error:  # noqa: BLE001 - a reader may raise anything at all on a damaged file
        said = type(error).__name__
        marks += [time.process_time()] * (4 - len(marks))
    return said, marks


def _stop(*_: object) -> None:
    raise TooSlow


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
