"""Play MIDI files to WAV by one synth: `python play.py MODULE FONT OUT FILES`, FILES holding a path a line. Prints JSON.

`start` is CPU seconds until the first file can be played: imports and the font. Each file has its CPU seconds and error.
"""

import importlib
import json
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

SLOWEST = 60  # seconds that a file may take


class TooSlow(Exception):
    pass


def main(name: str, font: str, out: str, listed: str) -> None:
    began, before = time.perf_counter(), _cpu()
    play: Any = importlib.import_module(name).start(font)
    start, ready = time.perf_counter() - began, _cpu() - before
    signal.signal(signal.SIGALRM, _stop)
    told = []
    for path in Path(listed).read_text().splitlines():
        target = Path(out, f"{Path(path).stem}.wav")
        signal.alarm(SLOWEST)
        began, before, error = time.perf_counter(), _cpu(), ""
        try:
            play(path, str(target))
        except Exception as failed:  # noqa: BLE001 - a synth may raise anything at all
            error = type(failed).__name__
        signal.alarm(0)
        told.append((time.perf_counter() - began, _cpu() - before, error))
    print("\n" + json.dumps({"start": start, "start_cpu": ready, "told": told}))


def _cpu() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both)


def _stop(*_: object) -> None:
    raise TooSlow


if __name__ == "__main__":
    main(*sys.argv[1:])
