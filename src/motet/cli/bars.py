"""Bars on a terminal for what takes long; elsewhere nothing, or a line for each note."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TaskID, TextColumn, TransferSpeedColumn

from motet.cli.shared import printable, say
from motet.wording import count, several


@contextmanager
def files_bar() -> Iterator[Callable[[int, int], None] | None]:
    """Yields what is told how many files were seen and opened so far, or None where nobody watches."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True) as bars:
        line = bars.add_task("looking", total=None)

        def watch(files: int, opened: int) -> None:
            bars.update(line, description=f"{several(files, 'file')} seen, {count(opened)} of them opened")

        yield watch


@contextmanager
def bytes_bar(what: str, total: int) -> Iterator[Callable[[int, int], None] | None]:
    """Yields what is told (files, bytes) more, or None where nobody watches."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Progress(*_columns(), console=console, transient=True) as bars:
        line = bars.add_task(printable(what), total=total or None)

        def watch(files: int, octets: int) -> None:
            bars.update(line, advance=octets)

        yield watch


class Downloads:
    """A bar per file that comes; on anything but a terminal only the notes, a line each."""

    def __init__(self, console: Console, bars: Progress | None) -> None:
        self._console, self._bars = console, bars
        self._lines: dict[str, TaskID] = {}

    def begins(self, name: str, octets: int | None) -> None:
        if self._bars is not None:
            self._lines[name] = self._bars.add_task(printable(name)[-60:], total=octets)

    def advances(self, name: str, octets: int) -> None:
        if self._bars is not None and name in self._lines:
            self._bars.update(self._lines[name], advance=octets)

    def notes(self, sentence: str) -> None:
        say(self._console, f"  {sentence}")

    def ends(self, name: str) -> None:
        if self._bars is not None and name in self._lines:
            self._bars.remove_task(self._lines.pop(name))


@contextmanager
def downloads() -> Iterator[Downloads]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Downloads(console, None)
        return
    with Progress(*_columns(), console=console, transient=True) as bars:
        yield Downloads(console, bars)


def _columns() -> tuple[TextColumn, BarColumn, DownloadColumn, TransferSpeedColumn]:
    return TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn()
