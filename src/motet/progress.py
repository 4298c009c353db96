"""What a build shows a person while it runs: a bar per stage on a terminal, a line per stage anywhere."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn

from motet.run.watch import StageReport, Watch
from motet.wording import count, span


class Bars(Watch):
    """Writes to `console`: bars only when it is a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._told: dict[str, int] = {}

    def begins(self, stage: str, todo: int, already: int) -> None:
        if not self.console.is_terminal:
            return
        self._told = {}
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<17}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[told]}"),
            console=self.console,
            transient=True,
        )
        self._progress.start()
        self._task = self._progress.add_task(_short(stage), total=todo or None, told="", rate="")

    def advances(self, stage: str, status: str) -> None:
        if self._progress is None:
            return
        kind = status if status in ("ok", "dropped") else "failed"
        self._told[kind] = self._told.get(kind, 0) + 1
        told = " · ".join(f"{n:,} {name}" for name, n in self._told.items())
        speed = self._progress.tasks[0].speed
        self._progress.update(self._task, advance=1, told=told, rate=f"{speed:.1f}/s" if speed else "")

    def ends(self, report: StageReport) -> None:
        self.stop()
        self.console.print(line(report), highlight=False, markup=False, soft_wrap=True)

    def notes(self, sentence: str) -> None:
        self.console.print(f"  {sentence}", highlight=False, markup=False, soft_wrap=True)

    def stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def line(report: StageReport) -> str:
    """One stage in one line: rows in and out, what was dropped and why, how long it took."""
    if report.unchanged:
        return f"{_short(report.name):<17} {report.inputs:>7,} in  {report.rows_out:>7,} out   unchanged"
    lost = [f"{count(n)} {reason or status}" for status, reason, n in report.reasons[:4]]
    more = len(report.reasons) - len(lost)
    why = f"   not taken: {', '.join(lost)}{f' and {more} more reasons' if more > 0 else ''}" if lost else ""
    return (
        f"{_short(report.name):<17} {report.inputs:>7,} in  {report.rows_out:>7,} out   "
        f"{report.done_now:,} done now, {span(report.seconds)}{why}"
    )


def _short(stage: str) -> str:
    """A stage's name without the module of one's own it came from."""
    return stage.rpartition(":")[2]
