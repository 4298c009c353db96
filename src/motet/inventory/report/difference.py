"""What changed between two reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from motet.inventory.report.figures import AmountChange, Difference, Place, Report, StateChange
from motet.inventory.report.words import STATES
from motet.wording import several, size


def against(now: Report, before: Report) -> Report:
    """The report `now`, with its difference to `before`."""
    return replace(now, difference=difference(now, before))


def difference(now: Report, before: Report) -> Difference:
    """Only what both reports could tell is compared: a dataset one of the registries lacks is named as such."""
    new = {one.name: one for one in now.datasets}
    old = {one.name: one for one in before.datasets}
    both = sorted(new.keys() & old.keys())
    amounts = []
    for name in both:
        was, is_now = ((sum(c.files for c in d.copies), sum(c.bytes for c in d.copies)) for d in (old[name], new[name]))
        if was != is_now:
            amounts.append(AmountChange(name, was[0], is_now[0], was[1], is_now[1]))
    places, places_before = _places(now), _places(before)
    ready = {task.name: task.ready for task in now.tasks}
    was_ready = {task.name: task.ready for task in before.tasks}
    return Difference(
        since=before.taken_at,
        files_before=before.totals.files,
        bytes_before=before.totals.bytes,
        roots_new=tuple(sorted(set(now.roots) - set(before.roots))),
        roots_gone=tuple(sorted(set(before.roots) - set(now.roots))),
        states=tuple(
            StateChange(name, old[name].state, new[name].state, new[name].why)
            for name in both
            if old[name].state != new[name].state
        ),
        amounts=tuple(amounts),
        places_new=tuple(sorted(places - places_before, key=_order)),
        places_gone=tuple(sorted(places_before - places, key=_order)),
        tasks_ready=tuple(t for t, r in ready.items() if r and was_ready.get(t) is False),
        tasks_not_ready=tuple(t for t, r in ready.items() if not r and was_ready.get(t)),
        known_new=tuple(sorted(new.keys() - old.keys())),
        known_gone=tuple(sorted(old.keys() - new.keys())),
    )


def nothing_changed(one: Difference) -> bool:
    return not any(getattr(one, name) for name in one.__dict__ if name not in ("since", "files_before", "bytes_before"))


def _places(report: Report) -> set[Place]:
    found = {Place(d.name, copy.where) for d in report.datasets for copy in d.copies}
    found |= {Place(d.kind, d.where) for d in report.derived}
    return found | {Place("unknown", u.where) for u in report.unknown}


def _order(place: Place) -> tuple[str, str]:
    return place.what, place.where


def sentences(one: Difference, report: Report) -> Iterator[str]:
    """The difference in sentences; paths in them are as they are."""
    total = report.totals
    yield (
        f"{several(one.files_before, 'file')} of {size(one.bytes_before)} then, "
        f"{several(total.files, 'file')} of {size(total.bytes)} now."
    )
    if nothing_changed(one):
        yield "No dataset changed its state, place or number of files."
    yield from (f"Looked at now, not then: {root}" for root in one.roots_new)
    yield from (f"Looked at then, not now: {root}" for root in one.roots_gone)
    yield from (f"{c.dataset}: {STATES[c.before]} then, {STATES[c.after]} now ({c.why})" for c in one.states)
    yield from (f"{c.dataset}: {c.sentence}" for c in one.amounts)
    yield from (f"New: {place.what.replace('_', ' ')} in {place.where}" for place in one.places_new)
    yield from (f"Gone: {place.what.replace('_', ' ')} from {place.where}" for place in one.places_gone)
    yield from (f"Ready now: {task}" for task in one.tasks_ready)
    yield from (f"No longer ready: {task}" for task in one.tasks_not_ready)
    if one.known_new:
        yield f"Known since: {', '.join(one.known_new)}"
    if one.known_gone:
        yield f"No longer known: {', '.join(one.known_gone)}"
