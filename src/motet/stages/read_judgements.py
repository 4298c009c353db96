"""What people said of examples and of matches, on the pages of `motet explore` and `motet film review`.

It is kept in the dataset's own folder. What stands there when this stage runs counts for the whole build.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from motet.dataset.rows import Judgement
from motet.labels import FILE, judgements
from motet.run import Settings, Tools, Verdict, stage


@stage(version=1)
def read_judgements(sources: list[Path], settings: Settings, tools: Tools) -> Iterator[Verdict[Judgement]]:
    for stamp, one in sorted(judgements(tools.media.dataset).items()):
        row_id = hashlib.blake2b(stamp.encode(), digest_size=8).hexdigest()
        row = Judgement(
            id=row_id,
            source=row_id,
            path=FILE,
            lineage=row_id,
            stamp=stamp,
            verdict=one.verdict,
            note=one.note,
            by=one.by,
            at=one.at,
        )
        yield Verdict(row_id, None, (row,), FILE)
