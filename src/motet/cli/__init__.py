"""The command line: a thin skin over the library. Only here is anything printed."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from motet import __version__
from motet.cli import (
    audio,
    building,
    captions,
    duplicates,
    exploring,
    film,
    inventory,
    keeping,
    looking,
    midi,
    naming,
    rendering,
    sharing,
    versions,
    video,
)
from motet.cli.shared import commands_of, printable
from motet.errors import UserError

FAMILIES = (
    building,
    looking,
    exploring,
    keeping,
    sharing,
    inventory,
    midi,
    audio,
    naming,
    duplicates,
    captions,
    rendering,
    video,
    film,
    versions,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 finished, 1 could not finish, 2 bad usage, 130 stopped by the user."""
    # A script of the user's sees SIGTERM as Ctrl-C, so that both end a run in the same orderly way.
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # a terminal that closes, unless nohup says otherwise
        signal.signal(signal.SIGHUP, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a letter gets "?", not a traceback
    options = _parser().parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except UserError as error:
        print(f"motet: {printable(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("motet: stopped; what was done is kept, and the same command goes on from here.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        _silence()
        return 0
    except OSError as error:
        _silence()
        print(f"motet: the system refused: {error}.", file=sys.stderr)
        return 1
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        _silence()
        fix = "set NUMBA_CACHE_DIR to a folder that can be written"
        print(f"motet: there is nowhere to keep compiled code: {fix}.", file=sys.stderr)
        return 1


def _silence() -> None:
    """Nobody reads what is still to be written: let it go, so that closing does not complain again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="motet",
        description="Build music datasets in which MIDI, audio, text and video are voices of the same piece.",
    )
    parser.add_argument("--version", action="version", version=f"motet {__version__}")
    commands = commands_of(parser)
    for family in FAMILIES:
        family.add(commands)
    return parser
