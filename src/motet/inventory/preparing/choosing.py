"""A small golden subset: always the same files, spread over a label."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from motet.inventory.known import Dataset
from motet.inventory.preparing.splitting import draw

__all__ = ["Golden", "spread_by"]

_TELLING = ("emotion", "genre", "style", "instrument", "instrument_family", "mood", "composer")


def spread_by(dataset: Dataset) -> str:
    """The label a golden subset is spread over: what the dataset is of, "" where it has no such label."""
    for name in _TELLING:
        if name in dataset.labels:
            return name
    others = {dataset.disjoint_by, dataset.published_split}
    return next((name for name, label in dataset.labels.items() if not label.number and name not in others), "")


@dataclass
class Golden:
    """Draws `size` files of each dataset: one of each value of its label in turn. By content: a new name changes nothing."""

    size: int
    seed: int
    _lots: dict[str, dict[str, list[tuple[float, str]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list)), init=False
    )  # dataset -> value -> the first of its files, as a heap of (-lot, sha256)

    def see(self, dataset: Dataset, labels: Mapping[str, Any], sha256: str) -> None:
        if not self.size:
            return
        lots = self._lots[dataset.name][str(labels.get(spread_by(dataset), ""))]
        lot = (-draw("golden", self.seed, sha256), sha256)
        if lot in lots:
            return
        if len(lots) < self.size:
            heapq.heappush(lots, lot)
        else:
            heapq.heappushpop(lots, lot)

    def chosen(self) -> dict[str, frozenset[str]]:
        """Dataset -> the contents that are golden."""
        return {dataset: self._of(values) for dataset, values in self._lots.items()}

    def _of(self, values: Mapping[str, list[tuple[float, str]]]) -> frozenset[str]:
        queues = [sorted(lots, reverse=True) for _, lots in sorted(values.items())]
        queues.sort(key=lambda queue: queue[0], reverse=True)
        taken: list[str] = []
        for turn in range(self.size):
            taken += [queue[turn][1] for queue in queues if turn < len(queue)]
        return frozenset(taken[: self.size])
