"""Training tasks: what each needs, whether it can be done with what is here, and what to get or mend for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from motet.errors import UserError
from motet.inventory.datasets import REGISTRY, TASKS, checked, content, nearest, shown
from motet.inventory.findings import Holding, PartFound, State
from motet.inventory.known import Dataset, Download

Priority = Literal["high", "medium", "low"]

_USABLE: frozenset[State] = frozenset({"complete", "unverifiable"})
_ORDER: tuple[Priority, ...] = ("high", "medium", "low")
_HERE: Mapping[State, str] = {
    "partial": "files of it are missing",
    "corrupt": "files of it are damaged",
    "pointers": "its files stand for content that never arrived",
    "wrong_version": "it is another version than the wanted one",
    "processed_only": "only what was made of it is here",
}
LARGE = 20_000_000_000
"""Bytes to fetch from which on anything is very large, even an optional part of a dataset that is not."""

_UNSIZED = 10**18


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    about: str
    needs: tuple[tuple[str, ...], ...] = Field(min_length=1)
    helps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Need:
    """A dataset, and the part of it that must be there beside its required ones: `maestro:audio`."""

    dataset: str
    part: str = ""

    def __str__(self) -> str:
        return f"{self.dataset}:{self.part}" if self.part else self.dataset


@dataclass(frozen=True)
class Task:
    """A training task. Of each group of `needs` any one will do; what `helps` is not required."""

    name: str
    about: str
    needs: tuple[tuple[Need, ...], ...]
    helps: tuple[Need, ...]


@dataclass(frozen=True)
class Candidate:
    """What would satisfy a group, how it stands now, and the bytes to fetch, None where nobody published them."""

    need: Need
    state: State
    bytes: int | None
    by_hand: bool  # it comes by no download that can be made without a person

    @property
    def dataset(self) -> str:
        return self.need.dataset


@dataclass(frozen=True)
class Readiness:
    """Whether a task can be done with what is here."""

    task: Task
    ready: bool
    by: tuple[str, ...]  # for each group of `needs` the dataset that satisfies it, "" where none does
    lacking: tuple[tuple[Candidate, ...], ...]  # for each group that none satisfies: what would, best first
    helps_missing: tuple[str, ...]
    unverified: tuple[str, ...] = ()  # those of `by` of which nobody published how much there should be


@dataclass(frozen=True)
class Recommendation:
    """One thing to get or mend. high: a task cannot be done without it; medium: it helps one; low: very large, or optional."""

    priority: Priority
    dataset: str
    why: str
    command: str
    bytes: int | None
    manual: tuple[str, ...] = ()  # what a person must do, where no download can be made without one


def tasks(own: Path | None, known: Mapping[str, Dataset]) -> dict[str, Task]:
    """Every task by name; those of the file `own` replace packaged ones of the same name.

    Raises UserError for a file that is not one, or names a dataset that is not known.
    """
    found: dict[str, Task] = {}
    for file in (REGISTRY / TASKS, *([own] if own is not None else [])):
        for name, held in content(file).items():
            entry = checked(_Entry, held, file, name)
            for group in entry.needs:
                if not group:
                    raise UserError(f"{shown(str(file))} has an empty group at {shown(name)} > needs: name a dataset in it.")
            found[name] = Task(
                name,
                entry.about,
                tuple(tuple(_need(word, known, file, name) for word in group) for group in entry.needs),
                tuple(_need(word, known, file, name) for word in entry.helps),
            )
    return found


def readiness(tasks: Mapping[str, Task], holdings: Iterable[Holding]) -> tuple[Readiness, ...]:
    """How each task stands. A task that needs a dataset which was not looked for is left out: nothing can be said of it."""
    held = {holding.dataset.name: holding for holding in holdings}
    return tuple(
        _readiness(task, held) for task in tasks.values() if all(need.dataset in held for group in task.needs for need in group)
    )


def recommendations(tasks: Mapping[str, Task], holdings: Iterable[Holding]) -> tuple[Recommendation, ...]:
    """What to get or mend, most needed first. What is whole, or excluded on purpose, is never among it."""
    held = {holding.dataset.name: holding for holding in holdings}
    reasons: dict[Need, list[tuple[Priority, str]]] = {}
    for ready in readiness(tasks, held.values()):
        for priority, need, why in _reasons(ready, held):
            reasons.setdefault(need, []).append((priority, why))
    named = {need.dataset for need in reasons}
    for name, holding in held.items():
        if holding.state in _HERE and name not in named:
            reasons[Need(name)] = [("low", "")]
    told = [_recommended(need, whys, held[need.dataset]) for need, whys in reasons.items()]
    return tuple(sorted(told, key=lambda r: (_ORDER.index(r.priority), _UNSIZED if r.bytes is None else r.bytes)))


def cheapest(dataset: Dataset, parts: Iterable[str]) -> tuple[Download, ...]:
    """The downloads that give these parts: without a person where that can be, then in the fewest bytes. () if none do."""
    wanted = set(parts)
    ways: dict[str, Download] = {}  # several of one name are mirrors: one of them is enough
    for way in dataset.downloads:
        if way.name not in ways or (ways[way.name].kind == "manual" and way.kind != "manual"):
            ways[way.name] = way
    useful = [way for way in ways.values() if wanted & set(way.gives)]
    best: tuple[Download, ...] = ()
    # Nothing that is published needs more than a few; more are not tried, for their combinations are too many.
    for number in range(1, min(len(useful), 6) + 1):
        for some in combinations(useful[:12], number):
            if wanted <= {part for way in some for part in way.gives} and (not best or _cost(some) < _cost(best)):
                best = some
    return best


def _cost(ways: tuple[Download, ...]) -> tuple[int, int, int]:
    sizes = [way.bytes for way in ways]
    return sum(way.kind == "manual" for way in ways), sum(_UNSIZED if s is None else s for s in sizes), len(ways)


def _total(ways: tuple[Download, ...]) -> int | None:
    sizes = [way.bytes for way in ways]
    return None if not ways or None in sizes else sum(size for size in sizes if size is not None)


def _need(word: str, known: Mapping[str, Dataset], file: Path, task: str) -> Need:
    name, _, part = word.partition(":")
    place = f"{shown(str(file))}, at {shown(task)},"
    if name not in known:
        near = nearest(name, known, 1)
        advice = f"did you mean {near[0]}?" if near else "`motet inventory list` names them all."
        raise UserError(f"{place} names the dataset {shown(name)}, which is not known; {advice}")
    parts = [part.name for part in known[name].parts]
    if ":" in word and part not in parts:
        raise UserError(f"{place} names the part {shown(part)} of {name}, which has no such part; known: {', '.join(parts)}.")
    return Need(name, part)


def _satisfied(need: Need, holding: Holding) -> bool:
    if holding.state not in _USABLE:
        return False
    if not need.part:
        return True
    return any(_whole(part) for copy in holding.copies if copy.state in _USABLE for part in copy.parts if part.part == need.part)


def _whole(part: PartFound) -> bool:
    if part.present == 0 or part.faulty or part.missing or part.lacking:
        return False
    return part.expected is None or part.present >= part.expected


def _readiness(task: Task, held: Mapping[str, Holding]) -> Readiness:
    by: list[str] = []
    lacking = []
    for group in task.needs:
        there = [need.dataset for need in group if _satisfied(need, held[need.dataset])]
        there.sort(key=lambda name: held[name].state != "complete")
        by.append(there[0] if there else "")
        if not there:
            lacking.append(tuple(sorted((_candidate(need, held[need.dataset]) for need in group), key=lambda c: _rank(c, held))))
    helps = [need for need in task.helps if need.dataset in held and not _satisfied(need, held[need.dataset])]
    return Readiness(
        task,
        not lacking,
        tuple(by),
        tuple(lacking),
        tuple(dict.fromkeys(need.dataset for need in helps if held[need.dataset].state != "excluded")),
        tuple(dict.fromkeys(name for name in by if name and held[name].state == "unverifiable")),
    )


def _candidate(need: Need, holding: Holding) -> Candidate:
    ways = _ways(need, holding)
    return Candidate(need, holding.state, _total(ways), not ways or any(way.kind == "manual" for way in ways))


def _parts(need: Need, holding: Holding) -> list[str]:
    """The parts still to be fetched: where the required ones are whole, the one that the task wants beside them."""
    if need.part and holding.state in _USABLE:
        return [need.part]
    required = [part.name for part in holding.dataset.parts if part.required]
    return [*required, need.part] if need.part and need.part not in required else required


def _ways(need: Need, holding: Holding) -> tuple[Download, ...]:
    return cheapest(holding.dataset, _parts(need, holding))


def _rank(candidate: Candidate, held: Mapping[str, Holding]) -> tuple[bool, bool, bool, int]:
    size = _UNSIZED if candidate.bytes is None else candidate.bytes
    return candidate.state == "excluded", _large(candidate.need, held[candidate.dataset]), candidate.by_hand, size


def _large(need: Need, holding: Holding) -> bool:
    return holding.dataset.very_large or (_total(_ways(need, holding)) or 0) >= LARGE


def _reasons(ready: Readiness, held: Mapping[str, Holding]) -> Iterator[tuple[Priority, Need, str]]:
    """What a task wants, how much, and why."""
    task = ready.task
    for group in ready.lacking:
        wanted = [candidate.need for candidate in group if candidate.state != "excluded"]
        for need in wanted[:1]:
            any_of = _either(["it", *map(str, wanted[1:])])
            yield (
                "low" if _large(need, held[need.dataset]) else "high",
                need,
                f"the task {task.name} cannot be done without {any_of}",
            )
        for need in wanted[1:]:
            yield "low", need, f"it could serve the task {task.name} instead of {wanted[0]}"
    first = {group[0].need for group in ready.lacking}
    for need in task.helps:
        holding = held.get(need.dataset)
        if holding is not None and holding.state != "excluded" and need not in first and not _satisfied(need, holding):
            yield "low" if _large(need, holding) else "medium", need, f"it helps the task {task.name}"


def _recommended(need: Need, reasons: list[tuple[Priority, str]], holding: Holding) -> Recommendation:
    dataset, ways = holding.dataset, _ways(need, holding)
    priority = min((priority for priority, _ in reasons), key=_ORDER.index)
    whys = [why for weight, why in reasons if why and weight == priority]
    command = f"motet inventory fetch {dataset.name}"
    if need.part:
        command += "".join(f" --part {part}" for part in _parts(need, holding))
        if holding.state in _USABLE:
            whys.append(f"its part {need.part} is not here, or not whole")
    if holding.state == "processed_only":
        whys.append("only what was made of it is here")
    elif holding.state in _HERE:
        whys.append(f"{_HERE[holding.state]}, so fetch it again")
        command += " --again"
    if not ways:
        command = ""
        whys.append(f"no download of it is known: see {dataset.home}")
    if _large(need, holding):
        whys.append("it is very large")
    why = "; ".join(dict.fromkeys(whys))
    manual = tuple(step for way in ways if way.kind == "manual" for step in way.steps)
    return Recommendation(priority, dataset.name, f"{why[:1].upper()}{why[1:]}.", command, _total(ways), manual)


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
