"""Soft duplicates: the same song by other transcribers, found by name and judged by ear and eye before any detector was seen.

`judged.tsv` holds the pairs, by content. Positive are pairs judged soft (another arrangement: most share under 60 % of their
notes); negative those judged different, which are look-alikes on purpose: the same artist or transcriber, words of the title,
chords or tune. A pair counts as found at whatever level. What is found and was not judged is reported beside.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from duplicates_truth import _shared
from measure import Line
from motet import midi
from motet.duplicates import find
from planted import Judged, wilson

RECALL, PRECISION = 0.6, 0.95
SUFFIXES = {".mid", ".midi", ".kar"}


def measure(quick: bool) -> Iterator[Line]:
    shared = _shared()
    if not shared.is_dir():
        print(f"(no shared files at {shared}: set MOTET_SHARED)")
        return
    judged = Judged.of()
    chosen = {pair: verdict for pair, verdict in judged.verdicts.items() if judged.by[pair] != "originals"}
    files = _files(shared, {name for pair in chosen for name in pair})
    names = sorted(files)
    found = {frozenset((names[p.first], names[p.second])): p.likeness.level for p in find([files[name] for name in names])}
    digests = {name: midi.notes_digest(files[name]) for name in names}
    here = {pair: verdict for pair, verdict in chosen.items() if pair <= files.keys()}
    lost = len(chosen) - len(here)
    for title, kinds in (("by name", {"names", "weak"}), ("by name, sure", {"names"}), ("in POP909", {"pop909"})):
        asked = [pair for pair, verdict in here.items() if verdict == "soft" and judged.by[pair] in kinds]
        hits = [pair for pair in asked if pair in found]
        low, high = wilson(len(hits), len(asked))
        levels = Counter(found[pair] for pair in hits)
        note = f"95 %: {low:.3f} to {high:.3f}; as hard {levels['hard']}, soft {levels['soft']}; {lost} judged pairs not here"
        figure = len(hits) / max(len(asked), 1)
        goal = title == "by name"
        yield Line(
            f"soft duplicates {title}, recall",
            (figure,),
            "of pairs",
            len(asked),
            goal=f">= {RECALL:g}" if goal else "",
            reached=figure >= RECALL if goal and not lost else None,
            note=note,
        )
    right = sum(pair in found for pair, verdict in here.items() if verdict == "soft" and judged.by[pair] in {"names", "weak"})
    wrong = [pair for pair, verdict in here.items() if verdict == "different" and pair in found]
    low, high = wilson(right, right + len(wrong))
    groups = _groups(here, digests)
    unjudged = [pair for pair in found if pair not in judged.verdicts and len({groups[name] for name in pair}) == 2]
    figure = right / max(right + len(wrong), 1)
    asked_no = sum(verdict == "different" for verdict in here.values())
    note = f"95 %: {low:.3f} to {high:.3f}; {len(wrong)} of {asked_no} look-alikes; "
    strict = right / max(right + len(wrong) + len(unjudged), 1)
    note += f"{len(unjudged)} more pairs of songs that nobody judged ({strict:.3f} were all of them wrong)"
    yield Line(
        "soft duplicates by name, precision",
        (figure,),
        "of pairs",
        right + len(wrong),
        goal=f">= {PRECISION:g}",
        reached=None if lost else figure >= PRECISION,
        note=note,
    )


def _files(shared: Path, wanted: set[str]) -> dict[str, midi.Score]:
    """The files named by the start of their SHA-256, wherever they lie."""
    files: dict[str, midi.Score] = {}
    for path in sorted(shared.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            data = path.read_bytes()
            name = hashlib.sha256(data).hexdigest()[:16]
            if name in wanted and name not in files:
                files[name] = midi.read(data)
    return files


def _groups(here: dict[frozenset[str], str], digests: dict[str, str]) -> dict[str, str]:
    """Files that judged pairs or equal notes make one song."""
    leader = {name: name for name in digests}

    def lead(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    first: dict[str, str] = {}
    for name, digest in digests.items():
        leader[lead(name)] = lead(first.setdefault(digest, name))
    for pair, verdict in here.items():
        if verdict in ("same", "soft"):
            one, other = pair
            leader[lead(one)] = lead(other)
    return {name: lead(name) for name in digests}
