"""How right the duplicates are: planted copies of real songs, axis by axis; POP909's versions; what must stay apart.

In the bench, or by itself: `python bench/duplicates_truth.py` prints a table with the peers, and `--pairs FILE` writes down
whatever was missed, and found between different songs, for eyes. `judged.tsv` holds pairs of files that people judged: the same
arrangement, "soft" (another one) or "different". Pairs of the same arrangement do not count; soft ones and those that nobody
judged count as wrong, and are left out in a second figure.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import planted
from measure import Line
from planted import Answer, Detector, File, Fitted, Judged, Measured, Tally, told, wilson

SONGS, QUICK = 600, 60
ENOUGH_TO_JUDGE = 200
RECALL, MIXED_RECALL, PRECISION = 0.97, 0.9, 0.99
WORST = 3
NOT_ASKED = {"saved again", "other resolution", "other instruments"}  # by no goal
MOST_TOGETHER = 0.1  # of the files that must stay apart, in one cluster


@dataclass
class Results:
    """All that was measured, for the lines and for the table."""

    axes: list[Measured] = field(default_factory=list)
    groups: Measured | None = None
    b_cubed: tuple[float, float] | None = None
    groups_answer: Answer | None = None
    groups_files: list[File] = field(default_factory=list)
    apart: dict[str, tuple[int, Tally, list[int]]] = field(default_factory=dict)  # files, tally, sizes of clusters
    scored: dict[str, Fitted] = field(default_factory=lambda: {name: Fitted() for name in planted.SCORED})
    scored_groups: dict[str, Fitted] = field(default_factory=lambda: {name: Fitted() for name in planted.SCORED})


def measure(quick: bool) -> Iterator[Line]:
    results, judged = Results(), _judged()
    for _ in _measured(results, quick, judged, _detector()):
        pass
    yield from _lines(results, judged, quick)


def _judged() -> Judged:
    return Judged.of()


def _detector() -> Detector | None:
    return planted.motet if find_spec("motet.duplicates") else None


def _shared() -> Path:
    return Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "midi"


def _measured(results: Results, quick: bool, judged: Judged, detector: Detector | None) -> Iterator[str]:
    """Fill `results`, and say what was done so far."""
    shared = _shared()
    if not shared.is_dir():
        print(f"(no shared files at {shared}: set MOTET_SHARED)")
        return
    everyone = planted.originals(shared)
    count = QUICK if quick else SONGS
    songs, reserve = everyone[:count], everyone[count : 2 * count]
    for one in planted.planted(songs, reserve, judged, detector, results.scored):
        results.axes.append(one)
        yield one.name
    versions = planted.versions(shared)
    if quick:
        versions, everyone = [file for file in versions if file.songs[0].endswith("0")], songs
    files = [*versions, *everyone]
    answers: list[Answer] = []

    def kept(files: Sequence[File]) -> Answer:
        assert detector is not None
        answers.append(detector(files))
        return answers[-1]

    results.groups = planted.compared(
        "POP909", files, len(versions), judged, detector and kept, results.scored_groups, _in_a_group
    )
    if answers:
        results.groups_files, results.groups_answer = files, answers[0]
        results.b_cubed = planted.b_cubed(files, answers[0].clusters, _in_a_group)
    yield "POP909"
    if detector:
        for kind in planted.KINDS:
            found = planted.alone(songs, kind) if kind in ("drums alone", "very short") else planted.exercises(kind)
            files = [*found, *planted.copies(found, "begun later")]
            answer = detector(files)
            sizes = [len({files[at].songs for at in cluster}) for cluster in answer.clusters]
            songs_told = len({file.songs for file in found})
            results.apart[kind] = songs_told, planted.tally(files, answer.linked, judged), sizes
            yield kind


def _in_a_group(file: File) -> bool:
    return file.songs[0].startswith("pop909/")


# Lines


def _lines(results: Results, judged: Judged, quick: bool) -> Iterator[Line]:
    precision = PRECISION if judged.verdicts else None  # a collection holds duplicates that nobody planted
    for one in results.axes:
        goal = None if one.name in NOT_ASKED else MIXED_RECALL if one.name == "mixed" else RECALL
        yield from _axis_lines(one, results.scored, one.name, goal, precision)
    if results.groups:
        yield from _axis_lines(results.groups, results.scored_groups, "versions of POP909", RECALL, precision)
    if results.b_cubed:
        for what, value in zip(("precision", "recall"), results.b_cubed, strict=True):
            yield Line(
                f"versions of POP909: B-cubed {what}", (value,), "of files", results.groups.copies if results.groups else 0
            )
    if results.groups_answer:
        yield _among_originals(results, judged)
    for kind, (count, tally, sizes) in results.apart.items():
        largest = max(sizes, default=1)
        note = f"copies that begin later found again {_share(tally.found, tally.asked)}; "
        note += f"pairs of different songs {sum(tally.verdicts.values()) - tally.verdicts['right']}"
        goal = f"<= {MOST_TOGETHER:g} of them, or 1"
        reached = largest <= max(MOST_TOGETHER * count, 1) if count else None
        yield Line(f"apart, {kind}: largest cluster", (float(largest),), "songs", count, goal=goal, reached=reached, note=note)


def _axis_lines(
    one: Measured, scored: dict[str, Fitted], name: str, goal: float | None, precision: float | None
) -> Iterator[Line]:
    peers = _peers(one, scored)
    if one.motet is None or one.direct is None:
        for what, at in (("recall", 0), ("precision", 1)):
            shares = ", ".join(f"{peer} {_share(*figures[at])}" for peer, figures in peers.items())
            yield Line(f"{name}: {what}", (float("nan"),), "of pairs", one.copies, note=f"no detector yet; {shares}")
        return
    ours, direct = one.motet, one.direct
    asked = max(ours.asked, 1)
    low, high = wilson(ours.found, asked)
    notes = [f"95 %: {low:.3f} to {high:.3f}", f"without clusters {_share(direct.found, direct.asked)}"]
    notes += [f"{peer} {_share(*figures[0])}" for peer, figures in peers.items()]
    notes += [f"missed: {', '.join(ours.missed[:WORST])}"] if ours.missed else []
    yield _line(f"{name}: recall", ours.found / asked, ours.asked, "of pairs", "; ".join(notes), goal)
    right, given = ours.strict
    judged_right, judged_given = ours.judged
    low, high = wilson(right, given)
    notes = [f"95 %: {low:.3f} to {high:.3f}", f"without soft and unknown pairs {told(judged_right, judged_given)}"]
    notes += [f"{verdict} {count}" for verdict, count in sorted(ours.verdicts.items())]
    notes += [f"{peer} {_share(*figures[1])}" for peer, figures in peers.items()]
    wrong = [f"{a} = {b}" for verdict, a, b in ours.wrong if verdict in ("different", "unknown")]
    notes += [f"wrong: {', '.join(wrong[:WORST])}"] if wrong else []
    yield _line(f"{name}: precision", right / max(given, 1), given, "of pairs", "; ".join(notes), precision)


def _peers(one: Measured, scored: dict[str, Fitted]) -> dict[str, tuple[tuple[int, int], tuple[int, int]]]:
    """Recall and precision of each peer as counts; those with a threshold on the second half of the songs."""
    found = {name: ((tally.found, tally.asked), tally.strict) for name, tally in one.exact.items()}
    for name, fitted in scored.items():
        right, asked, given = fitted.judged(one.name)
        found[name] = ((right, asked), (right, given))
    return found


def _share(hits: int, of: int) -> str:
    return f"{hits / of:.3f}" if of else "-"


def _line(name: str, value: float, n: int, unit: str, note: str, goal: float | None) -> Line:
    reached = value >= goal if goal is not None and n >= ENOUGH_TO_JUDGE else None
    return Line(name, (value,), unit, n, goal=f">= {goal:g}" if goal else "", reached=reached, note=note)


def _among_originals(results: Results, judged: Judged) -> Line:
    """Pairs found between songs of the collection, none of them planted."""
    files, answer = results.groups_files, results.groups_answer
    assert answer is not None
    pairs = [(a, b) for a, b in answer.at("hard") if not (_in_a_group(files[a]) or _in_a_group(files[b]))]
    verdicts = Counter(judged(files[a], files[b]) for a, b in pairs)
    note = ", ".join(f"{verdict} {count}" for verdict, count in sorted(verdicts.items()))
    count = sum(not _in_a_group(file) for file in files)
    return Line("pairs found among the originals", (float(len(pairs)),), "pairs", count, note=note)


# By itself


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} songs instead of {SONGS}")
    parser.add_argument("--peers", action="store_true", help="do not ask Motet")
    parser.add_argument("--pairs", type=Path, metavar="FILE", help="write missed and wrong pairs there")
    chosen = parser.parse_args()
    results, judged = Results(), _judged()
    for done in _measured(results, chosen.quick, judged, None if chosen.peers else _detector()):
        print(f"{done} ...", file=sys.stderr, flush=True)
    print("\n".join(_table(results)))
    for line in _lines(results, judged, chosen.quick):
        print(f"{line.name}: {line.figure:.3f} {line.unit}, n {line.n:,} {line.goal} {line.reached} ({line.note})")
    if chosen.pairs:
        chosen.pairs.write_text("\n".join(_looked_at(results, judged)) + "\n")


def _table(results: Results) -> Iterator[str]:
    """Recall / precision of everyone; Motet's interval of recall, and what its clusters add."""
    yield (
        "| copies | n | Motet: recall, 95 % | without clusters | precision | judged pairs only | "
        + " | ".join(planted.PEERS)
        + " |"
    )
    yield "|---" * (6 + len(planted.PEERS)) + "|"
    rows = [(one, results.scored) for one in results.axes]
    for one, scored in [*rows, *([(results.groups, results.scored_groups)] if results.groups else [])]:
        cells = [one.name, str(one.copies)]
        if one.motet and one.direct:
            ours, direct = one.motet, one.direct
            low, high = wilson(ours.found, ours.asked)
            cells += [f"{_share(ours.found, ours.asked)} ({low:.3f}–{high:.3f})", _share(direct.found, direct.asked)]
            cells += [_share(*ours.strict), _share(*ours.judged)]
        else:
            cells += ["", "", "", ""]
        peers = _peers(one, scored)
        cells += [" / ".join(_share(*figure) for figure in peers[name]) for name in planted.PEERS]
        yield "| " + " | ".join(cells) + " |"


def _looked_at(results: Results, judged: Judged) -> Iterator[str]:
    """Tab-separated: where, verdict or "missed", what was found with what, the SHA-256 of originals."""
    for one in [*results.axes, *([results.groups] if results.groups else [])]:
        if one.motet:
            yield from (f"{one.name}\tmissed\t{what}" for what in one.motet.missed)
            yield from (f"{one.name}\t{verdict}\t{a}\t{b}" for verdict, a, b in one.motet.wrong)
    if results.groups_answer:
        files = results.groups_files
        for a, b in sorted(results.groups_answer.at("hard")):
            if not (_in_a_group(files[a]) or _in_a_group(files[b])):
                one, other = files[a], files[b]
                yield f"originals\t{judged(one, other)}\t{one.what}\t{other.what}\t{one.songs[0]}\t{other.songs[0]}"


if __name__ == "__main__":
    main()
