"""What the explorer shows of one dataset, to whoever asks: the same answers for a server and for files."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from motet.dataset.folder import read_recipe_file
from motet.errors import UserError
from motet.explorer.browse import Index, asked_of
from motet.explorer.cuts import Cut, Cuts, NotThere
from motet.labels import FILE, Label, Labels, lineage_of

if TYPE_CHECKING:
    from motet.dataset.folder import Dataset
    from motet.labels import Verdict

__all__ = ["Shown", "json_of"]

JUDGED = ("good", "bad")
_Mark = tuple[int, ...]


def json_of(told: Any) -> str:
    """As JSON in ASCII: so it holds any text, half of a surrogate pair too. What JSON has no number for is null."""
    try:
        return json.dumps(told, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(told), allow_nan=False, separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


class Shown:
    """A dataset, to find in and to look at. Safe among threads; begins to read the dataset at once, in a thread of its own.

    The live snapshot may move on: the next question is answered from the new one. Cuts lie in `scratch`, at most `room` bytes of
    them. Any method raises UserError for a dataset that is gone or damaged, and NotThere for an id that it does not know.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        scratch: Path,
        room: int,
        beside: Sequence[Dataset] = (),
        by: str = "",
        form: Literal["flac", "mp3"] = "flac",
    ) -> None:
        self.dataset, self.beside, self.by = dataset, tuple(beside), by
        self._turn = threading.Condition()
        self._index: Index | None = None
        self._readers = 0
        self._mark: _Mark = ()
        self._cuts = Cuts(dataset, scratch, room, form)
        self._roots = tuple(os.path.realpath(folder) for folder in (dataset.folder / "media", scratch))
        self._labels = Labels(dataset.folder / FILE)
        self._judging = threading.Lock()
        self._beginning = threading.Thread(target=self._begin, name="reads the dataset", daemon=True)
        self._beginning.start()

    def close(self) -> None:
        """Let go of what is held, when nobody asks any more."""
        self._beginning.join()
        with self._turn:
            self._turn.wait_for(lambda: not self._readers)
            self._let_go()

    # --- finding ---

    def _begin(self) -> None:
        try:
            with self.reading():
                pass
        except UserError:
            return  # whoever asks is told: it is tried again then

    @contextmanager
    def reading(self) -> Iterator[Index]:
        """The index of what is live and judged now; it stays as long as it is asked. Not to be nested."""
        with self._turn:
            while self._index is None or self._mark != _mark(self.dataset):
                if self._readers:  # two indexes at a time would take too much memory
                    self._turn.wait()
                    continue
                self._let_go()
                self._mark = _mark(self.dataset)
                self.dataset = self.dataset.renewed()  # what it was built with, too, may be other
                self._index = Index(self.dataset)
            index = self._index
            self._readers += 1
        try:
            yield index
        finally:
            with self._turn:
                self._readers -= 1
                self._turn.notify_all()

    def _let_go(self) -> None:
        if self._index:
            self._index.close()
            self._index = None

    def about(self) -> dict[str, Any]:
        """The shape of api/about."""
        from motet.explorer import comparing, overview
        from motet.recipe import ready

        dataset = self.dataset
        with self.reading() as index:
            told = index.about()
        snapshot = overview.snapshot_of(dataset)
        return {
            "title": overview.title_of(dataset),
            "recipe": str(dataset.made_by["recipe"]),
            "about": ready().get(str(dataset.made_by["recipe"]), ""),
            "made_at": overview.made_at(dataset, snapshot, overview.runs_of(dataset)),
            "version": str(dataset.made_by.get("motet", "")),
            "static": False,
            "judging": not dataset.tag,
            "by": self.by,
            "compare": comparing.choices(dataset, self.beside),
            **told,
        }

    def find(self, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """The shape of api/find; raises UserError for a state that is none."""
        asked = asked_of(pairs)
        with self.reading() as index:
            return index.find(asked)

    def rows(self, pairs: Iterable[tuple[str, str]], offset: int, limit: int) -> dict[str, Any]:
        """The shape of api/rows; raises UserError for a state that is none."""
        asked = asked_of(pairs)
        with self.reading() as index:
            return {"rows": index.rows(asked, offset, limit), "offset": offset, "total": index.count(asked)}

    def row(self, id: str) -> dict[str, Any]:
        """One row, with its `source` and `lineage`."""
        with self.reading() as index:
            found = index.row(id)
        if found is None:
            raise NotThere(f"Nothing in {self.dataset.name} is called {id[:200]!r}.")
        return found

    # --- looking ---

    def one(self, id: str) -> dict[str, Any]:
        """The shape of api/one."""
        from motet.explorer.one import told

        row = self.row(id)
        label, trouble = self._said(lambda: self._said_of_dropped(row))
        one = told(self.dataset, row, label)
        if one["stamp"] and not label:
            label, trouble = self._said(lambda: self._labels.verdict(one["stamp"]))
        if label and label.verdict in JUDGED:
            one |= {"label": _shown(label), "judged": label.verdict}
        if trouble:
            one["missing"] = [*one["missing"], trouble]
        return one

    def _said(self, ask: Callable[[], Label | None]) -> tuple[Label | None, str]:
        """What was judged, or a sentence of why it cannot be read: the rest is shown all the same."""
        if self.dataset.tag:
            return None, ""
        try:
            return ask(), ""
        except UserError as error:
            return None, str(error)

    def _said_of_dropped(self, row: dict[str, Any]) -> Label | None:
        """For what a row was left out by a build: it was a span of its source, which only the label still tells."""
        if not str(row["reason"] or "").startswith("judged_"):
            return None
        verdicts = self._labels.verdicts().values()
        of = [one for one in verdicts if f"judged_{one.verdict}" == row["reason"] and lineage_of(one.stamp) == row["lineage"]]
        return next((one for one in of if one.id == row["id"]), of[0] if len(of) == 1 else None)

    def opened(self, id: str, what: str) -> tuple[Cut, IO[bytes]]:
        """A file to hear, to see or to keep, opened: it may be swept away while it is being sent."""
        self.row(id)
        for last in (False, True):
            cut = self._cuts.get(id, what)
            real = os.path.realpath(cut.path)
            if not any(os.path.commonpath((real, root)) == root for root in self._roots):
                raise NotThere(f"{what} of {id} lies outside the dataset, and is not shown.")
            try:
                return cut, cut.path.open("rb")
            except FileNotFoundError:  # swept away in this very moment
                if last:
                    raise NotThere(f"{what} of {id} is gone: ask again.") from None
            except OSError as error:
                raise NotThere(f"{what} of {id} cannot be read ({error.strerror}).") from None
        raise AssertionError

    def overview(self) -> dict[str, Any]:
        from motet.explorer.overview import overview

        _mark(self.dataset)
        return overview(self.dataset)

    def compare(self, name: str) -> dict[str, Any]:
        from motet.explorer.comparing import compared

        return compared(self.dataset, name, self.beside)

    # --- judging ---

    def judge(self, id: str, verdict: str, note: str) -> dict[str, Any]:
        """Write a verdict, or take back what stands for "". Raises NotThere, and UserError where it cannot be written."""
        if self.dataset.tag:
            raise UserError(f"{self.dataset.name} is a tag, which stays as it was: judge in {self.dataset.folder} itself.")
        one = self.one(id)
        stamp = str(one.get("stamp") or "")
        if not one.get("judgeable") or not stamp:
            raise UserError("This has no place that a judgement could be about: judge an example that was kept.")
        with self._judging:
            if verdict:
                said: Verdict = "good" if verdict == "good" else "bad"
                self._labels.add(stamp, said, note=note, by=self.by, about=_about(one), id=id)
            else:  # one's own alone: what others said stands
                for own in [one for one in self._labels.all() if one.stamp == stamp and one.by == self.by]:
                    if own.verdict in JUDGED:
                        self._labels.withdraw(own, by=self.by)
        label = self._labels.verdict(stamp)
        label = label if label and label.verdict in JUDGED else None
        judged = label.verdict if label else ""
        with self.reading() as index:
            index.mark(id, judged)
        return {"judged": judged, "label": _shown(label)}


def _about(one: dict[str, Any]) -> str:
    """What was judged, in words: title, artist, and where in the file."""
    name = " by ".join(filter(None, (one["title"], one["artist"]))) or one["path"]
    start, end = one.get("start"), one.get("end")
    return name if start is None or end is None else f"{name}, from {start:.1f} to {end:.1f} s"


def _shown(label: Label | None) -> dict[str, str] | None:
    return None if label is None else {"verdict": label.verdict, "note": label.note, "by": label.by, "at": label.at}


def _state(path: Path) -> _Mark:
    """What tells one state of a file from another; () where there is none."""
    try:
        state = os.stat(path)
    except OSError:
        return ()
    return state.st_ino, state.st_mtime_ns, state.st_size


def _mark(dataset: Dataset) -> _Mark:
    """What tells one live snapshot from another. Raises UserError for a dataset that is gone."""
    if dataset.tag:
        return ()
    mark = _state(dataset.folder / "snapshots" / "live" / "snapshot.json")
    if not mark:
        read_recipe_file(dataset.folder)
    return mark
