"""How varied a set of clips is, and what to look for to make it more so."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from motet.audio.balance.target import BINS, FIELDS, OTHERS, UNKNOWN, Clip, Target, aim_of, labels, percent, shares, with_families
from motet.wording import several

__all__ = ["Report", "Spread", "as_markdown", "asks", "counts", "table"]


@dataclass(frozen=True)
class Spread:
    """How clips spread over the values of a field, the most frequent first. A clip may have several of them."""

    counts: Mapping[str, int]
    families: Mapping[str, int]
    """clips of a genre or of any kind of it"""
    missing: int
    """clips that have no value"""

    @property
    def effective(self) -> float:
        """The effective number of classes, exp(entropy) (Hill 1973): 4 for four equally frequent values; 0 for none."""
        told = sum(self.counts.values())
        return math.exp(-sum(n / told * math.log(n / told) for n in self.counts.values())) if told else 0.0

    def count(self, label: str) -> int:
        return self.missing if label == UNKNOWN else self.families.get(label, self.counts.get(label, 0))


@dataclass(frozen=True)
class Report:
    """`spreads` has every field of FIELDS; the labels of tempi are those of `bins`."""

    n: int
    spreads: Mapping[str, Spread]
    bins: tuple[float, ...] = BINS


def counts(rows: Iterable[Clip], target: Target | None = None) -> Report:
    """How the clips spread, with the target's tempo bins if there is one."""
    bins = target.tempo.bins if target else BINS
    own: dict[str, Counter[str]] = {field: Counter() for field in FIELDS}
    families: Counter[str] = Counter()
    n = 0
    for row in rows:
        n += 1
        for field in FIELDS:
            own[field].update(values := labels(row, field, bins))
            if field == "genre" and UNKNOWN not in values:
                families.update(with_families(values))
    spreads = {}
    for field, found in own.items():
        missing = found.pop(UNKNOWN, 0)
        ordered = dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))
        spreads[field] = Spread(ordered, dict(sorted(families.items())) if field == "genre" else {}, missing)
    return Report(n, spreads, bins)


def asks(report: Report, target: Target) -> list[str]:
    """What to look for: clips that are wanted and too few, and others where a label is over its cap."""
    said = []
    for field in FIELDS:
        aim, spread = aim_of(target, field), report.spreads[field]
        for label, share in shares(aim.want, field, report.bins).items():
            have = spread.count(label)
            if have < share * report.n or (share and not report.n):
                # The smallest x with have + x >= share (n + x).
                more = max(1, math.ceil((share * report.n - have) / (1 - share)))
                said.append(f"ask for more: {_clips(more, field, label)}, short of {percent(share)} ({have:,} of {report.n:,})")
        caps = shares(aim.caps, field, report.bins)
        named = {label: cap for label, cap in caps.items() if label != OTHERS}
        if OTHERS in caps:
            named = dict.fromkeys(spread.counts, caps[OTHERS]) | named
        for label, cap in named.items():
            have = spread.count(label)
            if cap and have > math.ceil(cap * report.n):
                more = math.ceil(have / cap) - report.n
                said.append(
                    f"ask for others: {_clips(have, field, label)} of {report.n:,} are over {percent(cap)}"
                    f" until there are {several(more, 'more clip')} of another kind"
                )
    return said


def table(report: Report, target: Target | None = None, most: int = 8) -> list[tuple[str, str, str, str, str]]:
    """Rows of field, label, clips, share and aim, as text: the `most` most frequent labels and all that are aimed at."""
    told = []
    for field in FIELDS:
        spread = report.spreads[field]
        aims = _aims(target, field, report.bins)
        labels = [*list(spread.counts)[:most], *aims]
        if spread.missing:
            labels.append(UNKNOWN)
        for label in dict.fromkeys(labels):
            have = spread.count(label) if label in aims else spread.counts.get(label, spread.missing)
            told.append((field, label, f"{have:,}", percent(Fraction(have, report.n or 1)), aims.get(label, "")))
        if (rest := len(spread.counts) - len([label for label in dict.fromkeys(labels) if label in spread.counts])) > 0:
            told.append((field, f"and {rest:,} more", "", "", ""))
    return told


def as_markdown(report: Report, target: Target | None = None, most: int = 20) -> str:
    """The report as a page: a line for each field and a table for its labels; what is asked for at the end."""
    lines = [f"# Balance of {several(report.n, 'clip')}", ""]
    rows = table(report, target, most)
    for field in FIELDS:
        spread = report.spreads[field]
        if not spread.counts:
            lines += [f"## {field.capitalize()}", "", "Not known of any clip." if report.n else "No clips.", ""]
            continue
        known = f"{several(len(spread.counts), 'value')}, as varied as {spread.effective:.1f} equally frequent ones"
        lines += [f"## {field.capitalize()}", "", f"{known}; not known of {several(spread.missing, 'clip')}.", ""]
        lines += ["| value | clips | share | aim |", "|---|---:|---:|---|"]
        lines += [f"| {_cell(label)} | {n} | {share} | {aim} |" for of, label, n, share, aim in rows if of == field]
        lines.append("")
    if target and (said := asks(report, target)):
        lines += ["## To do", "", *(f"- {_cell(line)}" for line in said), ""]
    return "\n".join(lines)


def _aims(target: Target | None, field: str, bins: Sequence[float]) -> dict[str, str]:
    if target is None:
        return {}
    aim = aim_of(target, field)
    caps, want = shares(aim.caps, field, bins), shares(aim.want, field, bins)
    caps.pop(OTHERS, None)
    said: dict[str, list[str]] = {}
    for label, share in want.items():
        said.setdefault(label, []).append(f"at least {percent(share)}")
    for label, share in caps.items():
        said.setdefault(label, []).append(f"at most {percent(share)}")
    return {label: ", ".join(words) for label, words in said.items()}


def _clips(number: int, field: str, label: str) -> str:
    if label == UNKNOWN:
        return f"{several(number, 'clip')} of unknown {field}"
    said = {"instrument": f"with {label}", "key": f"in {label}", "mode": f"in {label}", "tempo": f"at {label} BPM"}.get(field)
    return f"{several(number, 'clip')} {said}" if said else several(number, f"{label} clip")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
