"""All that a report says, as plain records: terminal, Markdown, page and JSON are made of these and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import PlainValidator

from motet.inventory.findings import Also, DerivedKind, State
from motet.inventory.report.words import STATES, more_or_less, out_of, to_fetch
from motet.wording import count, several, size

Priority = Literal["high", "medium", "low"]
PRIORITIES: tuple[Priority, ...] = ("high", "medium", "low")


def _any_text(value: object) -> str:
    """Strings of any content: pydantic's own refuse the surrogates that stand for bytes of a name which is not UTF-8."""
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


Str = Annotated[str, PlainValidator(_any_text)]


@dataclass(frozen=True)
class PartLine:
    """One part of a copy: how many of its files are there, which not."""

    name: Str
    required: bool
    present: int
    expected: int | None
    bytes: int
    faulty: dict[Str, int] = field(default_factory=dict)  # fault -> files
    faulty_files: dict[Str, tuple[Str, ...]] = field(default_factory=dict)  # fault -> the first of them
    missing: int | None = None
    missing_files: tuple[Str, ...] = ()  # the first of them
    lacking: dict[Str, tuple[Str, ...]] = field(default_factory=dict)  # field -> values with no file or too few

    @property
    def files(self) -> str:
        return out_of(self.present, self.expected)


@dataclass(frozen=True)
class Proof:
    """One piece of evidence: a word, a sentence, how many files it speaks of, and the first of them."""

    what: Str
    sentence: Str
    number: int = 0
    files: tuple[Str, ...] = ()


@dataclass(frozen=True)
class CopyLine:
    """One place where a dataset lies."""

    where: Str
    root: Str
    state: State
    also: tuple[Also, ...]
    version: Str
    files: int
    bytes: int
    parts: tuple[PartLine, ...]
    evidence: tuple[Proof, ...]


@dataclass(frozen=True)
class DerivedLine:
    """Something made of data. `dataset` is "" where nothing tells of which."""

    kind: DerivedKind
    where: Str
    files: int
    bytes: int
    dataset: Str
    evidence: Str
    names: tuple[Str, ...] = ()


@dataclass(frozen=True)
class DatasetLine:
    """One dataset of the registry. `present` and `expected` count files of the parts it is not complete without."""

    name: Str
    title: Str
    about: Str
    home: Str
    licence: Str
    modalities: tuple[Str, ...]
    tasks: tuple[Str, ...]
    state: State
    also: tuple[Also, ...]
    version: Str
    wanted_version: Str
    present: int
    expected: int | None
    bytes: int  # of the best copy
    where: Str  # "" where nothing of it is here
    why: Str
    copies: tuple[CopyLine, ...] = ()
    derived: tuple[DerivedLine, ...] = ()
    evidence: tuple[Proof, ...] = ()
    traps: tuple[Str, ...] = ()

    @property
    def files(self) -> str:
        """ "60 of 1,440", "12, of how many is unknown" """
        return out_of(self.present, self.expected)

    @property
    def version_words(self) -> str:
        """ "1.0.0", "2.0.0, wanted 3.0.0", "" where versions have no names or nothing is there."""
        if self.version and self.wanted_version and self.version != self.wanted_version:
            return f"{self.version}, wanted {self.wanted_version}"
        return self.version

    @property
    def here(self) -> bool:
        return bool(self.copies or self.derived)


@dataclass(frozen=True)
class Way:
    """One dataset that would fill a gap, `maestro:audio` for a part of one. `bytes` to fetch, None where unpublished."""

    dataset: Str
    state: State
    bytes: int | None
    by_hand: bool = False


@dataclass(frozen=True)
class TaskLine:
    """Whether a training task can be done with what is here."""

    name: Str
    about: Str
    ready: bool
    by: tuple[Str, ...] = ()
    lacking: tuple[tuple[Way, ...], ...] = ()  # for each gap: any one of these fills it
    helps_missing: tuple[Str, ...] = ()
    unverified: tuple[Str, ...] = ()  # those of `by` of which nobody published how much there should be

    @property
    def served(self) -> str:
        """ "by groove, lakh-full (unverifiable)" """
        return ", ".join(f"{name} (unverifiable)" if name in self.unverified else name for name in self.by)

    @property
    def needs(self) -> str:
        """What would make it ready: "maestro (missing, 58 MB to fetch) or pop909 (missing, size unknown); and …" """
        gaps = (
            " or ".join(f"{w.dataset} ({STATES[w.state]}, {to_fetch(w.bytes, w.by_hand)})" for w in gap) for gap in self.lacking
        )
        return "; and ".join(gap or "a dataset that nobody has published" for gap in gaps)


@dataclass(frozen=True)
class Advice:
    """A dataset to get or to mend, with the exact command."""

    priority: Priority
    dataset: Str
    why: Str
    command: Str
    bytes: int | None
    steps: tuple[Str, ...] = ()  # what a person does where no command can
    traps: tuple[Str, ...] = ()


@dataclass(frozen=True)
class Action:
    """A thing to do, to be ticked off."""

    priority: Priority
    text: Str
    command: Str = ""
    advised: bool = False  # told with its reasons among the recommendations


@dataclass(frozen=True)
class Twice:
    """A dataset that lies in several places. `bytes` are those of all but the best copy."""

    dataset: Str
    places: tuple[Str, ...]
    bytes: int
    sentences: tuple[Str, ...] = ()


@dataclass(frozen=True)
class Processed:
    """What was made of a dataset, beside its raw files. `made`: kind -> (files, bytes)."""

    dataset: Str
    raw: State
    made: dict[Str, tuple[int, int]]

    @property
    def sentence(self) -> str:
        made = "; ".join(
            f"{kind.replace('_', ' ')}: {several(files, 'file')}, {size(octets)}" for kind, (files, octets) in self.made.items()
        )
        return f"raw files {STATES[self.raw]}; {made}"


@dataclass(frozen=True)
class UnknownLine:
    where: Str
    files: int
    bytes: int
    kinds: dict[Str, int]


@dataclass(frozen=True)
class AbsentLine:
    root: Str
    last_seen: Str
    datasets: tuple[Str, ...]

    @property
    def sentence(self) -> str:
        if not self.last_seen:
            return "never seen attached"
        held = f"; {', '.join(self.datasets)} lay there" if self.datasets else "; no known dataset lay there"
        return f"last seen {self.last_seen[:10]}{held}"


@dataclass(frozen=True)
class NotSeen:
    """What was not looked into."""

    path: Str
    reason: Str
    sentence: Str


@dataclass(frozen=True)
class Totals:
    files: int
    bytes: int
    seconds: float
    states: dict[State, int]  # datasets of the registry in each state, all states in order
    raw_bytes: int
    derived_bytes: int
    unknown_bytes: int


@dataclass(frozen=True)
class StateChange:
    dataset: Str
    before: State
    after: State
    why: Str  # of the state now


@dataclass(frozen=True)
class AmountChange:
    """Files and bytes of all copies of a dataset."""

    dataset: Str
    files_before: int
    files: int
    bytes_before: int
    bytes: int

    @property
    def sentence(self) -> str:
        return f"{more_or_less(self.files - self.files_before)}, now {several(self.files, 'file')} of {size(self.bytes)}"


@dataclass(frozen=True)
class Place:
    what: Str  # a dataset, a kind of derived data, or "unknown"
    where: Str


@dataclass(frozen=True)
class Difference:
    """What changed since an earlier report."""

    since: Str
    files_before: int
    bytes_before: int
    roots_new: tuple[Str, ...] = ()
    roots_gone: tuple[Str, ...] = ()  # looked at then, not now
    states: tuple[StateChange, ...] = ()
    amounts: tuple[AmountChange, ...] = ()
    places_new: tuple[Place, ...] = ()
    places_gone: tuple[Place, ...] = ()
    tasks_ready: tuple[Str, ...] = ()
    tasks_not_ready: tuple[Str, ...] = ()
    known_new: tuple[Str, ...] = ()  # datasets the registry did not have then
    known_gone: tuple[Str, ...] = ()


@dataclass(frozen=True)
class Report:
    """The whole report. `taken_at` is ISO 8601, UTC."""

    taken_at: Str
    made_by: Str
    roots: tuple[Str, ...]
    totals: Totals
    datasets: tuple[DatasetLine, ...]  # by state, then by name
    tasks: tuple[TaskLine, ...]
    advice: tuple[Advice, ...]
    actions: tuple[Action, ...]
    derived: tuple[DerivedLine, ...]
    processed: tuple[Processed, ...]
    twice: tuple[Twice, ...]
    unknown: tuple[UnknownLine, ...]
    absent: tuple[AbsentLine, ...]
    not_seen: tuple[NotSeen, ...]
    difference: Difference | None = None

    @property
    def summary(self) -> str:
        """One paragraph: how much, what of it is known, in which state."""
        total = self.totals
        held = ", ".join(f"{count(n)} {STATES[state]}" for state, n in total.states.items() if n)
        ready = sum(task.ready for task in self.tasks)
        tasks = f" {count(ready)} of {several(len(self.tasks), 'training task')} ready." if self.tasks else ""
        return (
            f"{several(total.files, 'file')} of {size(total.bytes)} on {several(len(self.roots), 'root')}"
            f"{f', {count(len(self.absent))} more not attached' if self.absent else ''}. "
            f"Of {several(len(self.datasets), 'known dataset')}: {held or 'none'}.{tasks}"
        )
