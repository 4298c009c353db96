"""Which plots there are of a dataset, with the sentence that says the same: for the card and for the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from motet.export.card.facts import DropLine
from motet.export.card.figures import Captions, Counts, Histogram, Measured
from motet.export.card.plots import bars, histogram
from motet.wording import count, several

__all__ = ["Plot", "plots"]

_MOST_BARS = 12


@dataclass(frozen=True)
class Plot:
    """A drawing and what it says. `alt` stands for it where it cannot be seen, `said` below it; both may hold hostile text."""

    name: str
    title: str
    svg: str
    alt: str
    said: str


def plots(measured: Measured, drops: Sequence[DropLine] = ()) -> tuple[Plot, ...]:
    """All there is something to draw for, in the order of a card."""
    drawn = [_histogram(one) for one in measured.histograms if one.n]
    drawn += [_bars(one, measured.examples) for one in measured.counts if one.rows]
    if measured.captions.count:
        drawn.append(_captions(measured.captions))
    if drops:
        drawn.append(_drops(drops))
    return tuple(drawn)


def _histogram(one: Histogram) -> Plot:
    unit = {"durations": " s", "tempi": " beats a minute"}[one.name]
    said = (
        f"Median {one.median:g}{unit}; nine in ten lie from {one.low:g} to {one.high:g}{unit}, "
        f"all from {one.smallest:g} to {one.largest:g}{unit}."
    )
    if one.missing:
        said += f" Of {several(one.missing, 'example')} it is not known."
    note = (
        f"{several(one.beyond, 'example')} beyond the axis {'is' if one.beyond == 1 else 'are'} in the outer bars."
        if one.beyond
        else ""
    )
    svg = histogram(one.name, one.title, one.edges, one.counts, axis=one.axis, what="examples", note=note, told=said)
    return Plot(
        one.name,
        one.title,
        svg,
        f"Histogram: {one.title.lower()}, n = {count(one.n)}. {said}",
        said + (f" {note}" if note else ""),
    )


def _bars(one: Counts, examples: int) -> Plot:
    shown, rest = one.rows[:_MOST_BARS], one.rows[_MOST_BARS:]
    notes = []
    if rest:
        notes.append(f"and {count(len(rest))} more that are rarer")
    if one.missing:
        notes.append(f"{several(one.missing, 'example')} without")
    if one.several:
        notes.append("an example can have several")
    note = "; ".join(notes)
    svg = bars(one.name, one.title, shown, what="examples", total=examples, note=note)
    kind = f"different {one.title.lower().removesuffix('s')}"
    said = f"{several(len(one.rows), kind)}{'; ' + note if note else ''}."
    top = ", ".join(f"{label} {count(number)}" for label, number in shown[:5])
    return Plot(
        one.name, one.title, svg, f"Bar chart: {one.title.lower()}, n = {count(one.n)} examples. The commonest: {top}.", said
    )


def _captions(one: Captions) -> Plot:
    about = "" if one.exact else "about "
    share = f" ({100 * one.distinct_fourgrams / one.fourgrams:.0f} %)" if one.fourgrams else ""
    said = (
        f"{several(one.count, 'caption')}, {about}{count(one.distinct)} of them different, of {one.words / one.count:.1f} words "
        "on average. "
        f"Of {several(one.fourgrams, 'run')} of four words, {about}{count(one.distinct_fourgrams)} are different{share}."
    )
    if one.without:
        said += f" {several(one.without, 'example')} {'has' if one.without == 1 else 'have'} none."
    title, spread = "How long the captions are", one.lengths
    svg = histogram("captions", title, spread.edges, spread.counts, axis=spread.axis, what="captions", told=said)
    return Plot("captions", title, svg, f"Histogram: words in a caption, n = {count(one.count)}. {said}", said)


def _drops(drops: Sequence[DropLine]) -> Plot:
    ranked = sorted(drops, key=lambda one: (-one.count, one.stage, one.reason))
    rows = [(f"{one.stage}: {one.reason}".replace("_", " "), one.count) for one in ranked[:_MOST_BARS]]
    note = f"and {several(len(ranked) - _MOST_BARS, 'reason')} more" if len(ranked) > _MOST_BARS else ""
    svg = bars("drops", "What was left out, and why", rows, what="rows", total=sum(one.count for one in ranked), note=note)
    top = ", ".join(f"{label} {count(number)}" for label, number in rows[:5])
    return Plot(
        "drops",
        "What was left out, and why",
        svg,
        f"Bar chart of reasons. The commonest: {top}.",
        "Each stage counts its own rows.",
    )
