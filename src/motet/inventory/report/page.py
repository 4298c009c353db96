"""The report as one HTML file: it has no script, and its Content-Security-Policy lets nothing be asked of a network."""

from __future__ import annotations

import base64
import hashlib
import html
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from string import Template

from motet.inventory.report.difference import sentences
from motet.inventory.report.figures import PRIORITIES, Advice, CopyLine, DatasetLine, Proof, Report, TaskLine
from motet.inventory.report.words import STATES, also_words, fault_words, kinds_words, runs, shown, to_fetch
from motet.wording import count, several, size

FILES = 200  # named of a list
FEW = 5
NOT_SEEN = 200  # named of a reason


def page(report: Report) -> str:
    """The report as one document, to be written as UTF-8. Every string may be hostile."""
    style = _asset("page.css")
    sections = [(key, *_HEADINGS[key], body) for key, body in _bodies(report).items() if body]
    return Template(_asset("page.html")).substitute(
        style=style,
        style_hash="sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        links="".join(f'<a href="#{key}">{short}</a>' for key, short, _, _ in sections),
        summary=_text(report.summary),
        totals=_totals(report),
        roots="".join(f"<li>{_code(root)}</li>" for root in report.roots)
        + "".join(f"<li>{_code(a.root)} is not attached, {_text(a.sentence)}</li>" for a in report.absent),
        sections="\n".join(
            f'<section id="{key}" aria-labelledby="{key}-h"><h2 id="{key}-h">{heading}</h2>\n{body}\n</section>'
            for key, _, heading, body in sections
        ),
        taken_at=_text(report.taken_at),
        version=_text(report.made_by),
    )


_HEADINGS = {
    "changes": ("Changes", "What changed"),
    "datasets": ("Datasets", "Datasets"),
    "todo": ("To do", "To do"),
    "advice": ("Get", "What to get or mend, and why"),
    "tasks": ("Tasks", "Training tasks"),
    "processed": ("Processed", "Raw against processed"),
    "derived": ("Made", "Made of data"),
    "twice": ("Twice", "In more than one place"),
    "unknown": ("Unknown", "Large folders of no known dataset"),
    "unseen": ("Not seen", "Not looked into"),
}


def _bodies(report: Report) -> dict[str, str]:
    return {
        "changes": _changes(report),
        "datasets": _datasets(report.datasets),
        "todo": _todo(report),
        "advice": _advice(report.advice),
        "tasks": _tasks(report.tasks),
        "processed": _list(f"<b>{_text(one.dataset)}</b>: {_text(one.sentence)}" for one in report.processed),
        "derived": _derived(report),
        "twice": _list(
            f"<b>{_text(one.dataset)}</b>: {count(len(one.places))} copies, {size(one.bytes)} in all but the best"
            + _list([*map(_code, one.places), *(_text(sentence, 1000) for sentence in one.sentences)])
            for one in report.twice
        ),
        "unknown": _table(
            ("where", "files", "size", "kinds"),
            ([_code(u.where), count(u.files), size(u.bytes), _text(kinds_words(u.kinds))] for u in report.unknown),
            numbers=(1, 2),
        ),
        "unseen": _not_seen(report),
    }


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _text(raw: str, most: int = 300) -> str:
    return html.escape(shown(raw, most))


def _code(raw: str, most: int = 300) -> str:
    return f"<code>{_text(raw, most)}</code>"


def _nothing() -> str:
    return '<p class="nothing">Nothing.</p>'


def _list(items: Iterable[str], kind: str = "plain") -> str:
    told = "".join(f"<li>{item}</li>" for item in items)
    return f'<ul class="{kind}">{told}</ul>' if told else ""


def _table(names: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Cells are HTML; the first of a row is its heading."""

    def cell(at: int, content: str) -> str:
        if at == 0:
            return f'<th scope="row">{content}</th>'
        return f'<td class="number">{content}</td>' if at in numbers else f"<td>{content}</td>"

    body = "".join(f"<tr>{''.join(cell(at, content) for at, content in enumerate(row))}</tr>\n" for row in rows)
    if not body:
        return ""
    head = "".join(
        f'<th scope="col" class="number">{name}</th>' if at in numbers else f'<th scope="col">{name}</th>'
        for at, name in enumerate(names)
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'


def _totals(report: Report) -> str:
    total = report.totals
    tiles = [
        ("files", count(total.files)),
        ("everything", size(total.bytes)),
        ("datasets, all copies", size(total.raw_bytes)),
        ("made of data", size(total.derived_bytes)),
        ("of no known dataset", size(total.unknown_bytes)),
    ]
    return '<dl class="totals">' + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles) + "</dl>"


def _changes(report: Report) -> str:
    if report.difference is None:
        return ""
    told = _list(_text(line, 2000) for line in sentences(report.difference, report))
    return f'<p class="soft">Since {_text(report.difference.since)}:</p>\n{told}'


def _badge(kind: str, words: str) -> str:
    return f'<span class="badge {kind}">{words}</span>'


def _datasets(datasets: Sequence[DatasetLine]) -> str:
    """A card for each; the missing ones are folded away together where anything else is there."""
    told = [_dataset(one) for one in datasets if one.state != "missing"]
    left = [_dataset(one) for one in datasets if one.state == "missing"]
    cards = f'<ul class="cards">\n{"".join(told)}\n</ul>' if told else ""
    if left:
        opened = "" if told else " open"
        cards += f'<details class="left"{opened}><summary>{count(len(left))} missing</summary>\n<ul class="cards">\n'
        cards += "".join(left) + "\n</ul></details>"
    return cards or _nothing()


def _dataset(one: DatasetLine) -> str:
    also = f'<span class="soft">{_text(also_words(one.also))}</span>' if one.also else ""
    where = f'<span class="soft">{_code(one.where)}</span>' if one.where else ""
    version = f"<small>{_text(one.version_words)}</small> " if one.version_words else ""
    octets = f" · {size(one.bytes)}" if one.copies else ""
    return f"""<li class="{one.state}" id="dataset-{_text(one.name)}"><details><summary>
<span class="who"><b>{_text(one.name)}</b>{version}{_badge(one.state, STATES[one.state])}</span>
<span class="why">{_text(one.why, 1000)}{where}{also}</span>
<span class="much">{_text(one.files)}{_bar(one.present, one.expected)}<small>required files{octets}</small></span>
</summary><div class="inside">{_inside(one)}</div></details></li>"""


def _bar(present: int, expected: int | None) -> str:
    if not expected:
        return ""
    wide = min(100.0, 100 * present / expected)
    return (
        '<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{wide:.2f}" height="6"/></svg>'
    )


def _inside(one: DatasetLine) -> str:
    link = (
        f'<a href="{_text(one.home, 2000)}" rel="noreferrer">its page</a>' if one.home.startswith(("https://", "http://")) else ""
    )
    about = f"<p>{_text(one.title)}: {_text(one.about, 1000)}. Licence: {_text(one.licence)}. {link}</p>"
    copies = "".join(map(_copy, one.copies))
    made = _list(
        f"{_text(d.kind.replace('_', ' '))}: {several(d.files, 'file')}, {size(d.bytes)}, {_code(d.where)}" for d in one.derived
    )
    traps = _list(f"Trap: {_text(trap, 1000)}" for trap in one.traps)
    return about + copies + made + _list(_proofs(one.evidence)) + traps


def _copy(copy: CopyLine) -> str:
    also = f"; {_text(also_words(copy.also))}" if copy.also else ""
    head = f"<p>{_code(copy.where)}: {STATES[copy.state]}, {several(copy.files, 'file')}, {size(copy.bytes)}{also}</p>"
    items = []
    for part in copy.parts:
        optional = "" if part.required else " (not required)"
        inner = [f"too few files of {_text(name)} {_text(runs(values), 2000)}" for name, values in part.lacking.items()]
        inner += [f"{_text(fault_words(fault, n))}: {_some(part.faulty_files[fault], n)}" for fault, n in part.faulty.items()]
        if part.missing_files:
            inner.append(f"{count(part.missing or 0)} missing: {_some(part.missing_files, part.missing or 0)}")
        items.append(f"{_text(part.name)}{optional}: {part.files}, {size(part.bytes)}{_list(inner)}")
    return head + _list([*items, *_proofs(copy.evidence)])


def _proofs(proofs: Iterable[Proof]) -> Iterator[str]:
    for proof in proofs:
        files = f" {_some(proof.files, max(proof.number, len(proof.files)))}" if proof.files else ""
        yield f"<b>{_text(proof.what.replace('_', ' '))}</b>: {_text(proof.sentence, 1000)}{files}"


def _some(paths: Sequence[str], number: int) -> str:
    """The first of `number` paths; more than a few are folded away."""
    told = paths[:FILES]
    named = ", ".join(map(_code, told))
    if number > len(told):
        named += f" and {count(number - len(told))} more"
    return named if len(told) <= FEW else f"<details><summary>{_code(told[0])} and others</summary>{named}</details>"


def _todo(report: Report) -> str:
    if not report.actions:
        return _nothing()
    items = (
        f'<label><input type="checkbox">{_badge(a.priority, a.priority)}<span>{_text(a.text, 1000)}'
        + (f"<br>{_code(a.command, 8000)}" if a.command else "")
        + "</span></label>"
        for a in report.actions
    )
    return _list(items, "tick")


def _advice(advice: Sequence[Advice]) -> str:
    told = []
    for priority in PRIORITIES:
        items = []
        for one in advice:
            if one.priority != priority:
                continue
            command = f'<br><code class="command">{_text(one.command, 8000)}</code>' if one.command else ""
            notes = [*(_text(step, 1000) for step in one.steps), *(f"Trap: {_text(trap, 1000)}" for trap in one.traps)]
            items.append(f"<b>{_text(one.dataset)}</b>, {to_fetch(one.bytes)}: {_text(one.why, 1000)}{command}{_list(notes)}")
        if items:
            told.append(f"<h3>{priority.capitalize()} priority</h3>{_list(items, 'advice')}")
    return "\n".join(told)


def _tasks(tasks: Sequence[TaskLine]) -> str:
    rows = []
    for task in tasks:
        badge = _badge("ready", "ready") if task.ready else _badge("not_ready", "not ready")
        needs = _text(task.needs, 2000) if not task.ready else ""
        rows.append([_text(task.name), badge, _text(task.served, 1000), needs, _text(", ".join(task.helps_missing), 1000)])
    return _table(("task", "", "by", "what would make it ready", "would help"), rows)


def _derived(report: Report) -> str:
    rows = (
        [
            _text(one.kind.replace("_", " ")),
            _text(one.dataset),
            count(one.files),
            size(one.bytes),
            _code(one.where),
            _text("; ".join(filter(None, (one.evidence, ", ".join(one.names)))), 1000),
        ]
        for one in report.derived
    )
    return _table(("kind", "of", "files", "size", "where", "evidence"), rows, numbers=(2, 3))


def _not_seen(report: Report) -> str:
    items = []
    for reason, number in Counter(one.reason for one in report.not_seen).most_common():
        of_it = [one for one in report.not_seen if one.reason == reason]
        inner = [f"{_code(one.path)}: {_text(one.sentence, 1000)}" for one in of_it[:NOT_SEEN]]
        if number > NOT_SEEN:
            inner.append(f"and {count(number - NOT_SEEN)} more")
        items.append(f"<b>{_text(reason.replace('_', ' '))}</b>: {count(number)}{_list(inner)}")
    return _list(items)
