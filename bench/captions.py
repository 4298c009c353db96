"""How true, telling, varied and fast the grammar's captions are, over clips of many songs, cut as a build cuts them.

Every clip gets a caption of each form, and every claim is read by the checker. What it does not support is counted as written;
then the grammar tries again, and what would be shipped is checked once more. Songs are drawn at random from the shared files, or
are the demo's tunes; MOTET_SONGS sets how many ("all" is some ten minutes). Nothing is rendered: no part is left out as silent.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import numpy as np

from measure import Line
from motet import demo, midi, text
from motet.dataset.rows import File
from motet.stages.clean import read_source
from motet.stages.scan import Scan, scan
from motet.stages.segment import Segment
from motet.text.grammar.variety import variety
from motet.text.shipping import known_facts, ship, told_facts

SONGS, QUICK = 600, 40
CRAFTED = ("broken", "odd")  # made to break readers; not what a collection is like
FORMS: tuple[text.Form, ...] = get_args(text.Form)
PER_SECOND, FRAME = 3000, 0.02
WORST = 10


def measure(quick: bool) -> Iterator[Line]:
    wanted = os.environ.get("MOTET_SONGS", str(QUICK if quick else SONGS))
    chance = random.Random(0)
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
        files = _files(Path(folder))
        chance.shuffle(files)
        records, songs, listening = _records(files, len(files) if wanted == "all" else int(wanted))
    yield Line(
        "clips: facts of the notes, then listen", (listening / len(records) * 1e3,), "ms a clip", len(records), note="CPU time"
    )
    known = told = 0.0
    unfit = Counter[str]()
    worst: list[str] = []
    clips = f"{len(records):,} clips of {songs:,} songs"
    for form in FORMS:
        began = time.process_time()
        written = [text.write(record, chance, form) for record in records]
        taken = time.process_time() - began
        # Neighbours are clips of one song: a sample of 200 is of many songs.
        mixed = list(written)
        chance.shuffle(mixed)
        varied = variety(mixed)
        note = f"{varied.mean_words:.0f} words; {clips}"
        yield Line(f"{form}: distinct 4-grams in samples of 200", (varied.distinct4,), "share", len(written), note=note)
        framed = form != "tags"
        yield Line(
            f"{form}: commonest frame",
            (varied.commonest_frame_share,),
            "share",
            len(written),
            goal=f"<= {FRAME}" if framed else "",
            reached=varied.commonest_frame_share <= FRAME if framed else None,
            note=varied.commonest_frame[:80] if framed else "a comma list of facts has no frame",
        )
        yield Line(
            f"{form}: captions written",
            (len(written) / taken,),
            "per second",
            len(written),
            goal=f">= {PER_SECOND}",
            reached=len(written) / taken >= PER_SECOND,
            note="CPU time",
        )
        claims = flagged = false = 0
        began = time.process_time()
        for record, caption in zip(records, written, strict=True):
            facts = json.loads(record.to_json())
            checked = text.check(caption, facts)
            claims += len(checked.claims)
            flagged += checked.verdict != "true"
            if checked.verdict != "true":
                worst.append(f"{caption} ({'; '.join(one.words for one in checked.claims if one.verdict != 'supported')})")
            shipped = ship(text.Caption(text=caption, form=form), record, chance)
            unfit[form] += shipped is None
            if shipped:
                false += text.check(shipped.text, facts).verdict != "true"
                facts_known = known_facts(record)
                known += len(facts_known)
                told += len(set(facts_known) & set(told_facts([shipped])))
        note = f"{claims / len(written):.1f} claims a caption; replaced before it is shipped"
        yield Line(f"{form}: called false as written", (flagged / len(written),), "of captions", len(written), note=note)
        note = f"{unfit[form]} clips have none that is true"
        yield Line(f"{form}: false claims shipped", (false,), "captions", len(written), goal="0", reached=not false, note=note)
    yield Line("facts known that a caption tells", (told / max(known, 1),), "share", len(records) * len(FORMS), note="all forms")
    for one in chance.sample(worst, min(WORST, len(worst))):
        print(f"  called false as written: {one}")


def _files(folder: Path) -> list[File]:
    shared = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "midi"
    roots = [folder / "demo"]
    if shared.is_dir():
        roots = sorted(p for p in shared.iterdir() if p.name not in CRAFTED and p.suffix != ".tsv")
    if not shared.is_dir():
        demo.write(roots[0])
    found = scan.function(sources=roots, settings=Scan(), tools=SimpleNamespace(cache=folder))
    return [row for verdict in found for row in verdict.rows]


def _records(files: list[File], wanted: int) -> tuple[list[text.Record], int, float]:
    """The fact records of the clips of so many different songs, how many those are, and the CPU seconds they took."""
    records, seen, taken = list[text.Record](), set[str](), 0.0
    for file in files:
        if len(seen) == wanted:
            break
        try:
            score = midi.read(read_source(file))
        except (midi.Unreadable, OSError):
            continue
        whole = midi.Passage.whole(score)
        digest = midi.notes_digest(score)
        if digest in seen or not 5 <= whole.seconds <= 900:
            continue
        seen.add(digest)
        spans = _spans(whole)
        began = time.process_time()
        for start, end in spans:
            passage = midi.Passage(score, start, end)
            if len(passage.struck):
                records.append(text.listen(passage, midi.describe(passage)))
        taken += time.process_time() - began
    return records, len(seen), taken


def _spans(whole: midi.Passage) -> list[tuple[int, int]]:
    clock, cut = whole.clock, Segment()
    lines = clock.bar_lines(whole.end)
    lines = np.append(lines, clock.from_bars(len(lines)))
    times = clock.to_seconds(lines)
    costs = midi.cut_costs(lines, midi.sections(whole))
    return [(int(lines[a]), int(lines[b])) for a, b in midi.spans(times, cut.shortest, cut.longest, cut.target, costs)]
