"""What was judged of the rows that one looks at, as it stands in the dataset's file of labels."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, replace

import numpy as np

from motet.dataset.folder import Dataset
from motet.errors import UserError
from motet.explorer.shelf import Numbers, Shelf
from motet.labels import FILE, Labels, lineage_of, stamp_of

VERDICTS = ["", "bad", "good"]
EXCLUDED = "judged_"  # how the reason of a stage begins that leaves out what was judged: the row is left without its span


@dataclass(frozen=True)
class Judged:
    """What every row was judged, as places in VERDICTS; another version for every change. `trouble` is why none can be read."""

    codes: Numbers
    version: int = 0
    trouble: str = ""


class Judgements:
    """What was judged of the rows: the dataset's file of labels, read again when another process wrote to it."""

    def __init__(self, dataset: Dataset, shelf: Shelf) -> None:
        self._shelf = shelf
        self._path = None if dataset.tag else dataset.folder / FILE
        self._turn = threading.Lock()
        self._seen: object = None
        self._now = Judged(np.zeros(shelf.size, np.int32))

    def look(self) -> Judged:
        """What is judged now."""
        if self._path is None:
            return self._now
        try:
            state = os.stat(self._path)
            seen = (state.st_ino, state.st_size, state.st_mtime_ns)
        except OSError:
            seen = None
        with self._turn:
            if seen != self._seen:
                codes, trouble = self._read() if seen else (np.zeros(self._shelf.size, np.int32), "")
                self._now, self._seen = Judged(codes, self._now.version + 1, trouble), seen
            return self._now

    def mark(self, number: int, verdict: str) -> None:
        self.look()  # what stands in the file by now must not come over this one later
        with self._turn:
            codes = self._now.codes.copy()
            codes[number] = VERDICTS.index(verdict)
            self._now = replace(self._now, codes=codes, version=self._now.version + 1)

    def _read(self) -> tuple[Numbers, str]:
        codes = np.zeros(self._shelf.size, np.int32)
        try:
            assert self._path is not None
            verdicts = Labels.open(self._path).verdicts()
        except UserError as error:
            return codes, str(error)
        known = {stamp: label.verdict for stamp, label in verdicts.items() if label.verdict in VERDICTS}
        whole = {(lineage_of(stamp), verdict) for stamp, verdict in known.items()}
        for number, lineage, start, end, reason in self._shelf.spans({lineage_of(stamp) for stamp in known}):
            excluded = reason.removeprefix(EXCLUDED) if reason.startswith(EXCLUDED) else ""
            verdict = excluded if (lineage, excluded) in whole else known.get(stamp_of(lineage, start, end), "")
            codes[number] = VERDICTS.index(verdict)
        return codes, ""
