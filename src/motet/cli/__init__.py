"""The command line: a thin skin over the library. Only here is anything printed."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from motet import __version__
from motet.errors import UserError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from types import FrameType

# Loaded when `main` runs, so that whoever presses Ctrl-C meanwhile is heard.
FAMILIES = """
building looking exploring keeping sharing inventory midi audio naming duplicates captions rendering video film versions
""".split()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 finished, 1 could not finish, 2 bad usage, 130 stopped by the user."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a letter gets "?", not a traceback
    try:
        return _run(arguments, _Stop())
    except UserError as error:
        from motet.cli.shared import printable

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


class _Stop:
    """What Ctrl-C calls, and, so that all of them end a run in the same orderly way, SIGTERM and a terminal that closes."""

    asked = False

    def __call__(self, number: int, frame: FrameType | None) -> NoReturn:
        self.asked = True
        raise KeyboardInterrupt


def _run(arguments: Sequence[str] | None, stop: _Stop) -> int:
    import signal

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and scripts in the background want it
            signal.signal(number, stop)
    try:
        options = _parser().parse_args(arguments)
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except Exception as error:
        if stop.asked and not isinstance(error, UserError):  # libraries that are stopped may call it a fault of their own
            raise KeyboardInterrupt from None
        raise


def _silence() -> None:
    """Nobody reads what is still to be written: let it go, so that closing does not complain again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    import argparse
    from importlib import import_module

    from motet.cli.shared import commands_of

    parser = argparse.ArgumentParser(
        prog="motet",
        description="Build music datasets in which MIDI, audio, text and video are voices of the same piece.",
    )
    parser.add_argument("--version", action="version", version=f"motet {__version__}")
    commands = commands_of(parser)
    for family in FAMILIES:
        import_module(f"motet.cli.{family}").add(commands)
    return parser
