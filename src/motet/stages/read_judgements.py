"""What a person said of matches, on the page that `motet film review` serves. It is kept in the dataset's own folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from motet.dataset.rows import Judgement
from motet.errors import UserError
from motet.film import reviewing
from motet.run import Settings, Tools, Verdict, stage

FILE = "judgements.jsonl"


@stage(version=1)
def read_judgements(sources: list[Path], settings: Settings, tools: Tools) -> Iterator[Verdict[Judgement]]:
    path = tools.media.dataset / FILE
    if not path.exists():
        return
    try:
        verdicts = reviewing.Labels.open(path).verdicts()
    except UserError as error:
        raise UserError(
            f"{str(error).split(':')[0].rstrip('.')}: mend it, or move it away to build without judgements."
        ) from None
    for stamp, one in sorted(verdicts.items()):
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
