"""The report as Markdown (CommonMark with tables and check boxes, as GitHub shows it)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from motet.inventory.report.difference import sentences
from motet.inventory.report.figures import PRIORITIES, DatasetLine, Proof, Report
from motet.inventory.report.words import STATES, also_words, fault_words, kinds_words, runs, shown, to_fetch
from motet.wording import count, several, size

FILES = 10  # named of a list


def document(report: Report) -> str:
    """The report as one document. Names in it may hold anything: they are shown as they are and do nothing."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield "# What is on these disks"
    yield ""
    yield _text(report.summary)
    yield ""
    yield _text(f"Taken {report.taken_at} by motet {report.made_by}.")
    yield ""
    yield from (f"- {_code(root)}" for root in report.roots)
    yield from (f"- {_code(absent.root)}: not attached, {_text(absent.sentence)}" for absent in report.absent)
    total = report.totals
    yield ""
    yield from _table(
        ("what", "size"),
        [
            ("datasets, all copies", size(total.raw_bytes)),
            ("made of data", size(total.derived_bytes)),
            ("large folders of no known dataset", size(total.unknown_bytes)),
            ("everything", size(total.bytes)),
        ],
    )
    if report.difference is not None:
        yield from _heading("What changed")
        yield _text(f"Since {report.difference.since}:")
        yield ""
        yield from (f"- {_text(line, 2000)}" for line in sentences(report.difference, report))
    yield from _heading("Datasets")
    yield from _table(("dataset", "state", "version", "files", "size", "where", "why"), [_row(one) for one in report.datasets])
    yield from _heading("To do")
    for action in report.actions:
        command = f": {_code(action.command)}" if action.command else ""
        yield f"- [ ] **{action.priority}** {_text(action.text, 1000)}{command}"
    if not report.actions:
        yield "Nothing."
    yield from _advice(report)
    if report.tasks:
        yield from _heading("Training tasks")
        rows = [
            (
                f"**{_text(task.name)}**",
                "ready" if task.ready else "not ready",
                _text(task.served, 1000),
                _text(task.needs, 2000) if not task.ready else "",
                _text(", ".join(task.helps_missing)),
            )
            for task in report.tasks
        ]
        yield from _table(("task", "", "by", "what would make it ready", "would help"), rows)
    if report.processed:
        yield from _heading("Raw against processed")
        yield from (f"- **{_text(one.dataset)}**: {_text(one.sentence)}" for one in report.processed)
    if report.derived:
        yield from _heading("Made of data")
        made = [
            (
                _text(one.kind.replace("_", " ")),
                _text(one.dataset),
                count(one.files),
                size(one.bytes),
                _code(one.where),
                _text("; ".join(filter(None, (one.evidence, ", ".join(one.names)))), 1000),
            )
            for one in report.derived
        ]
        yield from _table(("kind", "of", "files", "size", "where", "evidence"), made)
    if report.twice:
        yield from _heading("In more than one place")
        for one in report.twice:
            yield f"- **{_text(one.dataset)}**: {count(len(one.places))} copies, {size(one.bytes)} in all but the best"
            yield from (f"    - {_code(place)}" for place in one.places)
            yield from (f"    - {_text(sentence, 1000)}" for sentence in one.sentences)
    if report.unknown:
        yield from _heading("Large folders of no known dataset")
        unknown = [(_code(u.where), count(u.files), size(u.bytes), _text(kinds_words(u.kinds))) for u in report.unknown]
        yield from _table(("where", "files", "size", "kinds"), unknown)
    if report.not_seen:
        yield from _heading("Not looked into")
        for reason, number in Counter(one.reason for one in report.not_seen).most_common():
            yield f"- {_text(reason.replace('_', ' '))}: {count(number)}"
            of_it = [one for one in report.not_seen if one.reason == reason]
            yield from (f"    - {_code(one.path)}: {_text(one.sentence, 1000)}" for one in of_it[:FILES])
            if number > FILES:
                yield f"    - and {count(number - FILES)} more"
    yield from _heading("Evidence")
    for dataset in report.datasets:
        if dataset.here or dataset.evidence:
            yield from _evidence(dataset)


def _heading(text: str) -> Iterator[str]:
    yield ""
    yield f"## {text}"
    yield ""


def _row(one: DatasetLine) -> Sequence[str]:
    why = f"{one.why}; {also_words(one.also)}" if one.also else one.why
    octets = size(one.bytes) if one.copies else ""
    return (
        f"**{_text(one.name)}**",
        STATES[one.state],
        _text(one.version_words),
        _text(one.files),
        octets,
        _code(one.where) if one.where else "",
        _text(why, 1000),
    )


def _advice(report: Report) -> Iterator[str]:
    for priority in PRIORITIES:
        chosen = [one for one in report.advice if one.priority == priority]
        if chosen:
            yield from _heading(f"{priority.capitalize()} priority")
        for one in chosen:
            yield f"- **{_text(one.dataset)}**, {to_fetch(one.bytes)}: {_text(one.why, 1000)}"
            if one.command:
                yield f"    - {_code(one.command)}"
            yield from (f"    - {_text(step, 1000)}" for step in one.steps)
            yield from (f"    - Trap: {_text(trap, 1000)}" for trap in one.traps)


def _evidence(one: DatasetLine) -> Iterator[str]:
    yield f"### {_text(one.name)}: {STATES[one.state]}"
    yield ""
    yield _text(f"{one.title}: {one.about}. Licence: {one.licence}.", 1000)
    yield ""
    for copy in one.copies:
        yield f"- {_code(copy.where)}: {STATES[copy.state]}, {several(copy.files, 'file')}, {size(copy.bytes)}"
        for part in copy.parts:
            optional = "" if part.required else " (not required)"
            yield f"    - {_text(part.name)}{optional}: {part.files}, {size(part.bytes)}"
            for name, values in part.lacking.items():
                yield f"        - too few files of {_text(name)} {_text(runs(values), 600)}"
            for fault, number in part.faulty.items():
                yield f"        - {_text(fault_words(fault, number))}: {_some(part.faulty_files[fault], number)}"
            if part.missing_files:
                yield f"        - {count(part.missing or 0)} missing: {_some(part.missing_files, part.missing or 0)}"
        yield from (f"    - {line}" for line in _proofs(copy.evidence))
    yield from (f"- {line}" for line in _proofs(one.evidence))
    yield from (f"- Trap: {_text(trap, 1000)}" for trap in one.traps)
    yield ""


def _proofs(proofs: Iterable[Proof]) -> Iterator[str]:
    for proof in proofs:
        yield f"{_text(proof.what)}: {_text(proof.sentence, 1000)}" + (
            f" ({_some(proof.files, max(proof.number, len(proof.files)))})" if proof.files else ""
        )


def _some(paths: Sequence[str], number: int) -> str:
    """The first of `number` paths."""
    told = paths[:FILES]
    named = ", ".join(map(_code, told))
    return f"{named} and {count(number - len(told))} more" if number > len(told) else named


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Cells are Markdown already; a bar in one would end it."""
    yield "| " + " | ".join(names) + " |"
    yield "|" + "---|" * len(names)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


_ACTIVE = re.compile(
    r"[\\`*\[\]<>&~@]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # an underscore inside a word is but a letter
    r"|(?<=www)\.|:(?=//)"  # would become links
    r"|^[-+=#]|(?:(?<=^[0-9])|(?<=^[0-9]{2})|(?<=^[0-9]{3})|(?<=^[0-9]{4}))[.)](?=\s|$)",  # would begin a list or a heading
    re.IGNORECASE,
)


def _text(text: str, most: int = 300) -> str:
    """Text in which nothing is Markdown or HTML."""
    return _ACTIVE.sub(r"\\\g<0>", shown(text, most).strip())


def _code(text: str) -> str:
    """Text between as many backticks as it does not have in a row."""
    inside = shown(text, 8000)
    longest = max((len(run) for run in re.findall("`+", inside)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if inside[:1] in ("`", " ") or inside[-1:] in ("`", " ") else ""
    return f"{fence}{pad}{inside}{pad}{fence}"
