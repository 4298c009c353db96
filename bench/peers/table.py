"""What a comparison found, for the terminal's lines and for a page."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from measure import Line

Cell = str | int | float | None | tuple[float, ...]  # several figures are repeats; None is what was not measured


@dataclass
class Table:
    """One table: `rows` of cells under `head`, the first cell naming the peer; `lines` say the same figures to the bench."""

    title: str
    about: str
    head: Sequence[str]
    rows: list[Sequence[Cell]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)  # peer -> why
    lines: list[Line] = field(default_factory=list)

    def markdown(self) -> str:
        width = range(len(self.head))
        text = [f"## {self.title}", "", self.about, ""]
        text += ["| " + " | ".join(self.head) + " |", "|" + "|".join(" --- " if n == 0 else " ---: " for n in width) + "|"]
        text += ["| " + " | ".join(shown(cell) for cell in row) + " |" for row in self.rows]
        told = [*self.notes, *(f"Left out: {peer}, since {why}." for peer, why in self.skipped.items())]
        return "\n".join([*text, *([""] if told else []), *(f"- {note}" for note in told), ""])


def shown(cell: Cell) -> str:
    """A cell as a person reads it: of repeats the median, the least and the most."""
    if cell is None:
        return "–"
    if isinstance(cell, tuple):
        if len(cell) == 1:
            return number(cell[0])
        return f"{number(statistics.median(cell))} ({number(min(cell))}–{number(max(cell))})"
    return cell.replace("|", "\\|") if isinstance(cell, str) else number(cell)


def number(value: float) -> str:
    """Three figures that matter; whole numbers whole."""
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def together(tables: Iterable[Table], head: str) -> str:
    return "\n".join([head, *(table.markdown() for table in tables)])
