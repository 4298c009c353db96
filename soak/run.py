"""Build for a set time while workers, drivers, disks, memory and clocks fail, and see that nothing comes of it but lost time.

    python soak/run.py --minutes 60 --seed 1

A history begins with an empty disk and a new collection. In each of its rounds somebody may change the collection or a setting, a
build runs while faults befall it, and is run again as a user would: what check finds is repaired, rows that were blamed are asked
again. Then the dataset must equal one that was built from the same sources and settings in peace.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

from diary import Diary
from faults import FAULTS
from rounds import Differs, Soak
from scene import Scene


def main() -> int:
    asked = arguments()
    chosen = asked.faults.split(",") if asked.faults else list(FAULTS)
    if unknown := set(chosen) - set(FAULTS):
        print(f"soak: there is no fault {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}.", file=sys.stderr)
        return 2
    asked.to.mkdir(parents=True, exist_ok=True)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="motet-soak-"))
    with (asked.to / f"soak-{asked.seed}.jsonl").open("w") as log:
        diary = Diary(asked.seed, log)
        scene = Scene(folder)
        try:
            ended = endure(scene, diary, chosen, asked)
        except KeyboardInterrupt:
            ended = 130
        finally:
            scene.close()
        print(diary.summary(chosen))
        print(f"log: {log.name}")
    return ended or int(diary.wrong > 0)


def endure(scene: Scene, diary: Diary, chosen: list[str], asked: argparse.Namespace) -> int:
    """History after history, until the time is over; 1 if it ended by a difference before."""
    no_ray = "" if asked.engine == "ray" else "there is no raylet without --engine ray"
    why = {"mounts": scene.no_mounts, "weather": scene.weather.missing, "ray": no_ray, "": ""}
    kinds = [kind for kind in chosen if not why[FAULTS[kind].needs]]
    for kind in sorted(set(chosen) - set(kinds)):
        diary.tell("left out", kind=kind, why=why[FAULTS[kind].needs])
    extra = ["--engine", asked.engine] if asked.engine else []
    repeat = [*(["--faults", asked.faults] if asked.faults else []), *extra, *(["--plant"] if asked.plant else [])]
    soak = Soak(scene, diary, asked.to.resolve(), kinds, extra, " ".join(repeat), asked.plant)
    for number in count(asked.history):
        try:
            soak.history(number, 60 * asked.minutes)
        except Differs:
            if not asked.keep_going:
                return 1
        if diary.now >= 60 * asked.minutes:
            break
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="build under faults for a set time, and compare with builds in peace")
    parser.add_argument("--minutes", type=float, default=60, help="how long; the round that is running is finished")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000, help="of every choice")
    parser.add_argument("--history", type=int, default=1, help="the first one, to repeat it")
    parser.add_argument("--faults", help=f"only these, by commas: {', '.join(FAULTS)}")
    parser.add_argument("--engine", choices=("local", "ray"), help="handed on to motet build")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first difference")
    parser.add_argument("--plant", action="store_true", help="take a row out of the dataset before comparing: that must be told")
    parser.add_argument("--to", type=Path, default=Path("build/soak"), help="for the log and what went wrong")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
