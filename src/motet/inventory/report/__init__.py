"""What an inventory says, to a person and to a program: one structure of figures, four forms of it."""

from __future__ import annotations

from motet.inventory import datasets
from motet.inventory.findings import Inventory
from motet.inventory.report.figures import Report
from motet.inventory.report.gathering import advice_lines, figures, task_lines
from motet.inventory.settings import Settings
from motet.inventory.tasks import readiness, recommendations, tasks

__all__ = ["Report", "make"]


def make(inventory: Inventory, settings: Settings, *, roots_named: bool = False) -> Report:
    """The report of an inventory, tasks and recommendations with it. `roots_named`: its roots are not of the settings."""
    known = tasks(settings.tasks, datasets.known(settings.datasets))
    return figures(
        inventory,
        task_lines(readiness(known, inventory.holdings)),
        advice_lines(recommendations(known, inventory.holdings), inventory, settings),
        roots_named=inventory.roots if roots_named else (),
    )
