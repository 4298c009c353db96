"""The page of the comparisons: `python bench/peers --markdown docs/peers.md`, or on the terminal without. `--quick`, `--only`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

ABOUT = """# Motet beside its peers

The same work on the same machine, each peer installed in an environment of its own and used as its documentation says. The
rows in which Motet loses are here too. `make bench` measures; `python bench/peers --markdown docs/peers.md` writes this page.
"""


def main() -> None:
    from peers import COMPARISONS, compare
    from peers.table import together

    parser = argparse.ArgumentParser(prog="python bench/peers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer files, peers and repeats")
    parser.add_argument("--only", nargs="+", choices=COMPARISONS, default=list(COMPARISONS), metavar="NAME")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page here, anew after each table")
    parser.add_argument("--environments", type=Path, metavar="DIR", help="where peers are installed (~/.cache/motet-bench)")
    chosen = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    if chosen.environments:
        os.environ["MOTET_PEERS"] = str(chosen.environments.resolve())
    began, load = time.monotonic(), os.getloadavg()[0]
    tables = []
    for table in compare(chosen.quick, chosen.only):
        tables.append(table)
        print(table.markdown(), flush=True)
        if chosen.markdown:
            partial = chosen.markdown.with_name(f"{chosen.markdown.name}.partial")
            partial.write_text(together(tables, f"{ABOUT}\n{_machine(load, began, chosen.quick)}\n"))
            partial.replace(chosen.markdown)
    print(f"{time.monotonic() - began:.0f} s")


def _machine(load: float, began: float, quick: bool) -> str:
    memory = psutil.virtual_memory().total / 1e9
    loads = f"{load:.1f} before and {os.getloadavg()[0]:.1f} at the end, the bench's own work included"
    short = " This was a quick run: the figures are those of few files." if quick else ""
    return (
        f"Measured on {platform.system()} {platform.machine()} with {os.cpu_count()} cores and {memory:.0f} GB of memory, "
        f"Python {platform.python_version()}, with a load of {loads}, in {(time.monotonic() - began) / 60:.0f} minutes.{short}"
    )


if __name__ == "__main__":
    main()
