"""The report for a terminal, line by line; whoever prints them decides where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.text import Text

from motet.inventory.findings import State
from motet.inventory.report.difference import sentences
from motet.inventory.report.figures import PRIORITIES, DatasetLine, Proof, Report
from motet.inventory.report.words import STATES, also_words, fault_words, kinds_words, runs, shown, to_fetch
from motet.wording import count, several, size

STYLES: dict[State, str] = {
    "complete": "green",
    "partial": "yellow",
    "corrupt": "red",
    "pointers": "red",
    "wrong_version": "yellow",
    "unverifiable": "cyan",
    "processed_only": "yellow",
    "excluded": "dim",
    "missing": "dim",
}
FEW = 5  # of a list, unless everything is asked for


def lines(report: Report, *, everything: bool = False) -> Iterator[Text]:
    """The report; with `everything` also missing datasets one by one, all evidence, and no list cut short."""
    yield _plain(report.summary)
    for root in report.roots:
        yield _plain(f"  {shown(root)}")
    for absent in report.absent:
        yield _plain(f"  {shown(absent.root)}   not attached, {absent.sentence}", "yellow")
    for section in (_datasets, _difference, _advice, _tasks, _processed, _derived, _twice, _unknown, _not_seen):
        yield from section(report, everything)


def of_dataset(one: DatasetLine) -> Iterator[Text]:
    """Everything the report has of one dataset."""
    yield from _row(one, _widths([one]))
    yield from _inside(one)


def _inside(one: DatasetLine) -> Iterator[Text]:
    for copy in one.copies:
        yield _plain(f"  {shown(copy.where)}: {STATES[copy.state]}, {several(copy.files, 'file')}, {size(copy.bytes)}")
        if copy.also:
            yield _plain(f"    {also_words(copy.also)}")
        for part in copy.parts:
            lacks = "".join(f"; too few files of {shown(name)} {runs(values)}" for name, values in part.lacking.items())
            optional = "" if part.required else " (not required)"
            yield _plain(f"    {part.name}{optional}: {part.files}, {size(part.bytes)}{shown(lacks, 600)}")
            for fault, number in part.faulty.items():
                yield _plain(f"      {fault_words(fault, number)}: {_some(part.faulty_files[fault], number)}")
            if part.missing_files:
                yield _plain(f"      {count(part.missing or 0)} missing: {_some(part.missing_files, part.missing or 0)}")
        yield from _proofs(copy.evidence, "    ")
    yield from _proofs(one.evidence, "  ")
    for trap in one.traps:
        yield _plain(f"  Trap: {shown(trap, 1000)}")


def _plain(line: str, style: str = "") -> Text:
    return Text(shown(line, 20_000), style=style)


def _heading(text: str) -> Iterator[Text]:
    yield Text("")
    yield Text(text, style="bold")


def _some(paths: Sequence[str], number: int) -> str:
    """The first of `number` paths."""
    told = paths[:FEW]
    named = ", ".join(map(shown, told))
    return f"{named} and {count(number - len(told))} more" if number > len(told) else named


def _proofs(proofs: Sequence[Proof], indent: str) -> Iterator[Text]:
    for proof in proofs:
        names = (
            f" ({_some(proof.files, max(proof.number, len(proof.files)))})"
            if proof.files and proof.files[0] not in proof.sentence
            else ""
        )
        yield _plain(f"{indent}{proof.what}: {shown(proof.sentence, 1000)}{names}", "dim")


def _cells(one: DatasetLine) -> tuple[str, str, str, str, str]:
    held = one.files if one.copies or one.expected is not None else ""
    return one.name, STATES[one.state], shown(one.version_words, 40), held, size(one.bytes) if one.copies else ""


def _widths(datasets: Sequence[DatasetLine]) -> list[int]:
    rows = [("dataset", "state", "version", "files", "size"), *(_cells(one) for one in datasets)]
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _row(one: DatasetLine, widths: Sequence[int]) -> Iterator[Text]:
    name, state, version, held, octets = _cells(one)
    line = Text(name.ljust(widths[0] + 2), style="bold")
    line.append(state.ljust(widths[1] + 2), style=f"not bold {STYLES[one.state]}")
    line.append(f"{version.ljust(widths[2])}  {held.rjust(widths[3])}  {octets.rjust(widths[4])}", style="not bold")
    line.rstrip()
    yield line
    if one.where:
        yield _plain(f"  {shown(one.where)}")
    also = f"; {also_words(one.also)}" if one.also else ""
    yield _plain(f"  {shown(one.why, 1000)}{also}", "dim")


def _datasets(report: Report, everything: bool) -> Iterator[Text]:
    told = [one for one in report.datasets if everything or one.state != "missing"]
    yield Text("")
    if told:
        widths = _widths(told)
        names = ("dataset", "state", "version", "files", "size")
        head = "  ".join(n.rjust(w) if n in ("files", "size") else n.ljust(w) for n, w in zip(names, widths, strict=True))
        yield Text(head.rstrip(), style="underline")
    for one in told:
        yield from _row(one, widths)
        if everything:
            yield from _inside(one)
    left = [one.name for one in report.datasets if one.state == "missing"]
    if left and not everything:
        yield _plain(f"missing, {count(len(left))}: {', '.join(left)}", "dim")


def _difference(report: Report, everything: bool) -> Iterator[Text]:
    if report.difference is None:
        return
    yield from _heading(f"Since {shown(report.difference.since, 40)}")
    for line in sentences(report.difference, report):
        yield _plain(f"  {line}")


def _advice(report: Report, everything: bool) -> Iterator[Text]:
    for priority in PRIORITIES:
        chosen = [one for one in report.advice if one.priority == priority]
        if not chosen:
            continue
        yield from _heading(f"{priority.capitalize()} priority")
        if priority == "low" and not everything:
            names = ", ".join(f"{one.dataset} ({to_fetch(one.bytes)})" for one in chosen)
            yield _plain(f"  {names}; --all tells why, and how")
            continue
        for one in chosen:
            yield _plain(f"  {one.dataset}, {to_fetch(one.bytes)}: {shown(one.why, 1000)}")
            if one.command:
                yield _plain(f"    {one.command}", "cyan")
            for step in one.steps if everything else ():
                yield _plain(f"    {shown(step, 1000)}")
            for trap in one.traps if everything else ():
                yield _plain(f"    Trap: {shown(trap, 1000)}", "yellow")
    rest = [action for action in report.actions if not action.advised]
    if rest:
        yield from _heading("Also to do")
    for action in rest if everything else rest[: 2 * FEW]:
        yield _plain(f"  [{action.priority}] {shown(action.text, 1000)}")
        if action.command:
            yield _plain(f"    {action.command}", "cyan")
    yield from _and_more(len(rest), 2 * FEW, everything)


def _and_more(number: int, most: int, everything: bool) -> Iterator[Text]:
    if number > most and not everything:
        yield _plain(f"  and {count(number - most)} more; --all tells them", "dim")


def _tasks(report: Report, everything: bool) -> Iterator[Text]:
    if report.tasks:
        yield from _heading("Training tasks")
    for task in report.tasks:
        line = _plain(f"  {task.name}: ")
        line.append("ready" if task.ready else "not ready", style="green" if task.ready else "yellow")
        line.append(shown(f", by {task.served}" if task.by else "", 1000))
        line.append(shown(f"; needs {task.needs}" if not task.ready else "", 2000))
        line.append(shown(f"; would be helped by {', '.join(task.helps_missing)}" if task.helps_missing else "", 1000))
        yield line


def _processed(report: Report, everything: bool) -> Iterator[Text]:
    if report.processed:
        yield from _heading("Raw against processed")
    for one in report.processed:
        yield _plain(f"  {one.dataset}: {one.sentence}")


def _derived(report: Report, everything: bool) -> Iterator[Text]:
    if report.derived:
        yield from _heading(f"Made of data: {several(len(report.derived), 'place')}, {size(report.totals.derived_bytes)}")
    for one in report.derived if everything else report.derived[: 2 * FEW]:
        of = f" of {one.dataset}" if one.dataset else ""
        names = f" ({shown(', '.join(one.names), 600)})" if one.names else ""
        yield _plain(
            f"  {one.kind.replace('_', ' ')}{of}{names}: {several(one.files, 'file')}, {size(one.bytes)}, {shown(one.where)}"
        )
        yield _plain(f"    {shown(one.evidence, 1000)}", "dim")
    yield from _and_more(len(report.derived), 2 * FEW, everything)


def _twice(report: Report, everything: bool) -> Iterator[Text]:
    if report.twice:
        yield from _heading("In more than one place")
    for one in report.twice:
        yield _plain(f"  {one.dataset}: {count(len(one.places))} copies, {size(one.bytes)} in all but the best")
        for place in one.places:
            yield _plain(f"    {shown(place)}")
        for sentence in one.sentences:
            yield _plain(f"    {shown(sentence, 1000)}", "dim")


def _unknown(report: Report, everything: bool) -> Iterator[Text]:
    if report.unknown:
        yield from _heading(f"Large folders of no known dataset: {size(report.totals.unknown_bytes)}")
    for one in report.unknown if everything else report.unknown[: 2 * FEW]:
        yield _plain(f"  {shown(one.where)}: {several(one.files, 'file')}, {size(one.bytes)} ({kinds_words(one.kinds)})")
    yield from _and_more(len(report.unknown), 2 * FEW, everything)


def _not_seen(report: Report, everything: bool) -> Iterator[Text]:
    if not report.not_seen:
        return
    yield from _heading("Not looked into")
    for reason, number in Counter(one.reason for one in report.not_seen).most_common():
        yield _plain(f"  {reason.replace('_', ' ')}: {count(number)}")
        of_it = [one for one in report.not_seen if one.reason == reason]
        for one in of_it if everything else of_it[:FEW]:
            yield _plain(f"    {shown(one.path)}: {shown(one.sentence, 1000)}", "dim")
