"""What the commands share: how an option is read and a line is said."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console

from motet.errors import UserError

if TYPE_CHECKING:
    from motet.dataset.folder import Dataset


class Command(Protocol):
    """Adds a command: its name, what runs it (None: it has commands of its own), and what it does in a line."""

    def __call__(self, name: str, run: Any, about: str) -> argparse.ArgumentParser: ...


def commands_of(parser: argparse.ArgumentParser) -> Command:
    """What adds commands to a parser: to the program's, or to that of a command which has commands of its own."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Any, about: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about)
        if run is not None:
            sub.set_defaults(run=run)
            sub.add_argument("--json", action="store_true", help="print only JSON")
        return sub

    return command


# Also those that turn the direction of writing, by which a name could pass for another.
_TURNING = (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160), *_TURNING), "\N{REPLACEMENT CHARACTER}")


def printable(text: str) -> str:
    """Text that does nothing to a terminal: what would steer it is shown as a replacement character."""
    return text.translate(_CONTROLS)


def say(console: Console, line: str) -> None:
    """A line as it is: names in it may hold anything, brackets too, but nothing that steers the terminal."""
    console.print(printable(line), highlight=False, markup=False, soft_wrap=True)


def whole(dataset: Dataset) -> Dataset:
    """The dataset, unless one tag of it is named: some commands mind all of it."""
    if dataset.tag:
        raise UserError(f"{dataset.name} is one version of {dataset.folder}: name the dataset itself.")
    return dataset


def at_least(least: int) -> Any:
    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            msg = f"{text!r} is not a whole number of at least {least}"
            raise argparse.ArgumentTypeError(msg)
        return value

    return number


def listening_page(dataset: Path, run_folder: Path, clips: int = 18) -> Path:
    from motet.report import write_report

    return write_report(dataset, run_folder, clips=clips)
