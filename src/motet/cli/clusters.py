"""`motet doctor --engine ray`: what each node of a cluster has, and whether a build would be refused."""

from __future__ import annotations

import argparse
import json
import secrets
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from motet.cli.shared import printable
from motet.errors import UserError
from motet.wording import size


def doctor_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--engine", choices=("local", "ray"), default="local", help="this machine (default), or a Ray cluster")
    sub.add_argument("--address", metavar="HOST:PORT", help="of the Ray cluster: its head")
    sub.add_argument("--to", metavar="DIR", help="the folder of datasets that all nodes must share")


def doctor(options: argparse.Namespace) -> int:
    """Look at every node. 1 where a build would be refused."""
    from motet.run.cluster.survey import survey

    folder = None if options.to is None else Path(options.to).absolute()
    proof, said = Path(), ""
    if folder is not None:
        if not folder.is_dir():
            raise UserError(f"{options.to} is no folder: name one on the disk that the nodes share.")
        proof, said = folder / f".motet-cluster-{secrets.token_hex(4)}", secrets.token_hex(8)
    try:
        if said:
            proof.write_text(said)
        seen = survey(options.address, str(proof) if said else "", said)
    except OSError as error:
        raise UserError(f"{options.to} cannot be written: {error.strerror or error}.", 1) from None
    finally:
        if said:
            with suppress(OSError):
                proof.unlink()
    if options.json:
        print(json.dumps([asdict(one) for one in seen], indent=1))
        return 1 if any(one.wrong for one in seen) else 0
    for one in seen:
        mark = "MISS" if one.wrong else "ok  "
        shared = "" if one.shared is None else f", {options.to} {'shared' if one.shared else 'NOT shared'}"
        gpus = f", {one.gpus} GPUs" if one.gpus else ""
        had = f"{one.cpus} CPUs{gpus}, {size(one.memory_mb << 20)} for Ray"
        clock = f", clock {one.clock:+.1f} s" if one.clock is not None else ""
        known = f", Motet {one.motet}, Python {one.python}" if one.motet else ""
        print(f"{mark}  {printable(one.name):<24} {had}{known}{shared}{clock}")
        if one.wrong:
            print(f"      {printable(one.wrong)}")
    return 1 if any(one.wrong for one in seen) else 0
