"""From an inventory to the figures of its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from motet import __version__
from motet.inventory.findings import Absent, Copy, Derived, Evidence, Holding, Inventory, PartFound
from motet.inventory.known import Dataset
from motet.inventory.report.figures import (
    PRIORITIES,
    AbsentLine,
    Action,
    Advice,
    CopyLine,
    DatasetLine,
    DerivedLine,
    NotSeen,
    PartLine,
    Processed,
    Proof,
    Report,
    TaskLine,
    Totals,
    Twice,
    UnknownLine,
    Way,
)
from motet.inventory.report.words import STATES, fault_words, out_of, runs, share_of, to_fetch, typed
from motet.inventory.settings import Settings
from motet.inventory.tasks import Readiness, Recommendation
from motet.inventory.verifying.members import INSIDE
from motet.wording import count, several, size

NAMED = 1000  # files of one fault, or missing ones, that a report names


def figures(
    inventory: Inventory,
    tasks: Sequence[TaskLine] = (),
    advice: Sequence[Advice] = (),
    *,
    roots_named: Sequence[str] = (),
) -> Report:
    """The report of an inventory. `roots_named`: roots that are not of the settings, so that commands must name them."""
    order = list(STATES)
    datasets = sorted((_dataset(one, inventory) for one in inventory.holdings), key=lambda d: (order.index(d.state), d.name))
    twice = tuple(_twice(one) for one in inventory.holdings if len(one.copies) > 1)
    derived = _derived_of(inventory)
    unknown = tuple(UnknownLine(u.where, u.files, u.bytes, dict(u.kinds)) for u in inventory.unknown)
    absent = tuple(AbsentLine(a.root, a.last_seen, (*a.datasets, *_made_there(a))) for a in inventory.absent)
    states = Counter(d.state for d in datasets)
    report = Report(
        taken_at=inventory.taken_at,
        made_by=__version__,
        roots=inventory.roots,
        totals=Totals(
            files=inventory.files,
            bytes=inventory.bytes,
            seconds=inventory.seconds,
            states={state: states[state] for state in STATES},
            raw_bytes=sum(c.bytes for h in inventory.holdings for c in h.copies),
            derived_bytes=sum(d.bytes for d in derived),
            unknown_bytes=sum(u.bytes for u in unknown),
        ),
        datasets=tuple(datasets),
        tasks=tuple(tasks),
        advice=tuple(sorted(advice, key=lambda a: PRIORITIES.index(a.priority))),
        actions=(),
        derived=derived,
        processed=_processed(datasets),
        twice=twice,
        unknown=unknown,
        absent=absent,
        not_seen=tuple(NotSeen(*one) for one in inventory.passed),
    )
    return replace(report, actions=tuple(_actions(report, roots_named)))


def task_lines(readiness: Iterable[Readiness]) -> tuple[TaskLine, ...]:
    return tuple(
        TaskLine(
            one.task.name,
            one.task.about,
            one.ready,
            tuple(filter(None, one.by)),
            tuple(tuple(Way(str(c.need), c.state, c.bytes, c.by_hand) for c in gap) for gap in one.lacking),
            one.helps_missing,
            one.unverified,
        )
        for one in readiness
    )


def advice_lines(recommendations: Iterable[Recommendation], inventory: Inventory, settings: Settings) -> tuple[Advice, ...]:
    """Recommendations, each command with the folder it fetches into; what lay on a drive that is not attached says so."""
    held = {holding.dataset.name: holding for holding in inventory.holdings}
    return tuple(
        Advice(
            one.priority,
            one.dataset,
            f"{_drive(one.dataset, inventory)}{one.why}",
            f"{one.command}{place_for(held[one.dataset], inventory, settings)}" if one.command else "",
            one.bytes,
            one.manual,
            held[one.dataset].dataset.traps,
        )
        for one in recommendations
    )


def place_for(holding: Holding, inventory: Inventory, settings: Settings) -> str:
    """Where to fetch, as options: into a copy on disk, to mend it, else where the settings expect it, else the first root."""
    for copy in holding.copies:
        if "in_archive" not in copy.also and INSIDE not in copy.where and copy.where not in inventory.roots:
            return f" --into {typed(copy.where)}"
    if not inventory.roots:
        return ""
    expected = settings.expected.get(holding.dataset.name)
    root = Path(inventory.roots[0])
    return f" --into {typed(str(root / expected))}" if expected else f" --to {typed(str(root))}"


def _made_there(absent: Absent) -> list[str]:
    """What was made of datasets and lay on a drive: "ravdess-speech (processed)"."""
    return sorted({f"{one.dataset} ({one.kind.replace('_', ' ')})" for one in absent.derived if one.dataset})


def _drive(name: str, inventory: Inventory) -> str:
    lay = [absent.root for absent in inventory.absent if name in absent.datasets]
    return f"Attach {', '.join(lay)} first: it lay there. " if lay else ""


def _derived_of(inventory: Inventory) -> tuple[DerivedLine, ...]:
    """Those of no dataset and those of one, each place once, by place."""
    every = [*inventory.derived, *(d for h in inventory.holdings for d in h.derived)]
    return tuple(_derived(d) for _, d in sorted({(d.where, d.kind): d for d in every}.items()))


def _derived(one: Derived) -> DerivedLine:
    return DerivedLine(one.kind, one.where, one.files, one.bytes, one.dataset, one.evidence, one.names)


def _proof(one: Evidence) -> Proof:
    return Proof(one.what, one.sentence, one.number, one.files)


def _part(one: PartFound, dataset: Dataset) -> PartLine:
    short = max(0, one.expected - one.present) if one.expected is not None else None
    return PartLine(
        name=one.part,
        required=any(part.name == one.part and part.required for part in dataset.parts),
        present=one.present,
        expected=one.expected,
        bytes=one.bytes,
        faulty={fault: len(paths) for fault, paths in one.faulty.items() if paths},
        faulty_files={fault: tuple(paths[:NAMED]) for fault, paths in one.faulty.items() if paths},
        missing=len(one.missing) if one.missing is not None else short,
        missing_files=(one.missing or ())[:NAMED],
        lacking={name: tuple(values) for name, values in one.lacking.items() if values},
    )


def _copy(one: Copy, dataset: Dataset) -> CopyLine:
    return CopyLine(
        where=one.where,
        root=one.root,
        state=one.state,
        also=one.also,
        version=one.version,
        files=one.files,
        bytes=one.bytes,
        parts=tuple(_part(part, dataset) for part in one.parts),
        evidence=tuple(_proof(e) for e in one.evidence),
    )


def _dataset(holding: Holding, inventory: Inventory) -> DatasetLine:
    dataset = holding.dataset
    copies = tuple(_copy(one, dataset) for one in holding.copies)
    best = copies[0] if copies else None
    found = {part.name: part for part in best.parts} if best else {}
    present, expected = 0, 0
    known = True
    for part in dataset.parts:
        if not part.required:
            continue
        seen = found.get(part.name)
        present += seen.present if seen else 0
        wanted = seen.expected if seen else part.count
        known = known and wanted is not None
        expected += wanted or 0
    return DatasetLine(
        name=dataset.name,
        title=dataset.title,
        about=dataset.about,
        home=dataset.home,
        licence=dataset.licence.name,
        modalities=dataset.modalities,
        tasks=dataset.tasks,
        state=holding.state,
        also=holding.also,
        version=best.version if best else "",
        wanted_version=dataset.version,
        present=present,
        expected=expected if known else None,
        bytes=best.bytes if best else 0,
        where=best.where if best else next((d.where for d in holding.derived), ""),
        why=_why(holding, best, inventory) + _closed(holding, best, inventory),
        copies=copies,
        derived=tuple(_derived(d) for d in holding.derived),
        evidence=tuple(_proof(e) for e in holding.evidence),
        traps=dataset.traps,
    )


def _why(holding: Holding, best: CopyLine | None, inventory: Inventory) -> str:
    """One line from the figures themselves, so that it can say nothing else than they do."""
    state = holding.state
    if state == "excluded":
        said = next((e.sentence for e in holding.evidence if e.what == "excluded"), "left out on purpose")
        return f"{said}; it is here all the same" if best and "here" not in said else said
    if state == "missing" or best is None:
        lay = [a.root for a in inventory.absent if holding.dataset.name in a.datasets]
        if state == "processed_only":
            places = several(len(holding.derived), "place")
            return f"{several(sum(d.files for d in holding.derived), 'file')} made of it in {places}; no raw file on any root"
        return f"it lay on {', '.join(lay)}, not attached now" if lay else "not on any root"
    required = [part for part in best.parts if part.required] or list(best.parts)
    faults: Counter[str] = Counter()
    for part in best.parts:
        faults.update(part.faulty)
    faulty = ", ".join(fault_words(fault, n) for fault, n in faults.most_common())
    short = "; ".join(filter(None, (_short(part) for part in required)))
    if state == "complete":
        return "; ".join(f"{part.name} {out_of(part.present, part.expected)}" for part in best.parts) or "all files are there"
    if state == "wrong_version":
        return f"version {best.version or 'unknown'}, wanted {holding.dataset.version or 'another'}" + (
            f"; {short}" if short else ""
        )
    if state == "unverifiable" and all(p.expected is not None for p in best.parts if p.required):
        return "; ".join(f"{part.name} {out_of(part.present, part.expected)}" for part in best.parts if part.required)
    if state == "unverifiable":
        return f"{several(best.files, 'file')}; nobody published how many there should be"
    told = [faulty, short] if state in ("corrupt", "pointers") else [short, faulty]
    return "; ".join(filter(None, told)) or next((e.sentence for e in best.evidence), STATES[state])


def _closed(holding: Holding, best: CopyLine | None, inventory: Inventory) -> str:
    """What the system did not let us read: files there are missing only to us."""
    below = f"{best.where}/" if best else ""
    if holding.state in ("complete", "excluded", "processed_only") or any(
        holding.dataset.name in a.datasets for a in inventory.absent
    ):
        return ""
    closed = sum(reason == "unreadable" and f"{path}/".startswith(below) for path, reason, _ in inventory.passed)
    return f"; {several(closed, 'place')} could not be read" if closed else ""


def _short(part: PartLine) -> str:
    """What a part lacks: "speech 60 of 1,440 (4.2 %), too few files of actor 02 to 24"; "" if nothing."""
    lacking = "".join(f", too few files of {name} {runs(values)}" for name, values in part.lacking.items() if values)
    if not part.missing and not lacking:
        return ""
    share = f" ({share_of(part.present, part.expected)})" if part.expected else ""
    return f"{part.name} {out_of(part.present, part.expected)}{share}{lacking}"


def _twice(holding: Holding) -> Twice:
    every = [*holding.evidence, *(e for c in holding.copies for e in c.evidence)]
    said = dict.fromkeys(e.sentence for e in every if e.what == "twice")
    return Twice(
        holding.dataset.name,
        tuple(copy.where for copy in holding.copies),
        sum(copy.bytes for copy in holding.copies[1:]),
        tuple(said),
    )


def _processed(datasets: Iterable[DatasetLine]) -> tuple[Processed, ...]:
    found = []
    for one in datasets:
        made: dict[str, tuple[int, int]] = {}
        for each in one.derived:
            files, octets = made.get(each.kind, (0, 0))
            made[each.kind] = files + each.files, octets + each.bytes
        if made:
            # "processed only" says of the raw files that they are missing.
            raw = "missing" if one.state == "processed_only" else one.state
            found.append(Processed(one.name, raw, made))
    return tuple(found)


def _actions(report: Report, roots_named: Sequence[str]) -> Iterable[Action]:
    where = "".join(f" --root {typed(root)}" for root in roots_named)
    states = {one.name: one.state for one in report.datasets}
    advised = {advice.dataset for advice in report.advice}
    found: list[Action] = []
    for advice in report.advice:
        state = states[advice.dataset]
        if advice.priority == "low" and state == "missing":
            continue  # a choice more than a duty: among the recommendations
        text = f"{'Get' if state == 'missing' else 'Mend'} {advice.dataset} ({to_fetch(advice.bytes)})"
        found.append(Action(advice.priority, text, advice.command, advised=True))
    for one in report.datasets:
        if one.state == "corrupt" and one.name not in advised:
            found.append(Action("high", f"Fetch the damaged files of {one.name} again: {one.why}"))
        if one.state == "unverifiable":
            found.append(
                Action(
                    "medium",
                    f"Decode every file of {one.name}, since no count is published",
                    f"motet inventory verify {one.name} --full{where}",
                )
            )
        if one.state == "complete" and "elsewhere" in one.also:
            found.append(
                Action("low", f"Move {one.name} from {one.where} to where the settings expect it, or change the settings")
            )
    for absent in report.absent:
        found.append(Action("high" if absent.datasets else "low", f"Attach {absent.root}: {absent.sentence}"))
    for each in report.twice:
        text = f"Keep one of {count(len(each.places))} copies of {each.dataset}: {size(each.bytes)} are in all but the best"
        found.append(Action("low", text, f"motet inventory verify {each.dataset} --full{where}"))
    for unknown in report.unknown:
        text = f"Look at {unknown.where}: {several(unknown.files, 'file')} of {size(unknown.bytes)}, of no known dataset"
        found.append(Action("low", text))
    if report.not_seen:
        reasons = Counter(one.reason for one in report.not_seen)
        said = ", ".join(f"{count(n)} {reason.replace('_', ' ')}" for reason, n in reasons.most_common())
        found.append(Action("medium", f"See to what could not be looked into: {said}"))
    return sorted(found, key=lambda action: PRIORITIES.index(action.priority))
