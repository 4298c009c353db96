"""What users say of the licences of their sources: a file `licences.yaml` at the top of a source folder, or one that is named."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from motet.dataset.rows import LicenceLine
from motet.errors import UserError
from motet.run import Settings, Tools, Verdict, stage
from motet.spots import LARGEST, Spot, read_spots
from motet.stages.scan import labels_of, root_of

FILE = "licences.yaml"


class ReadLicences(Settings):
    list: Path | None = Field(default=None, description="a licences.yaml for all sources, besides those in their folders")


@stage(version=1)
def read_licences(sources: list[Path], settings: ReadLicences, tools: Tools) -> Iterator[Verdict[LicenceLine]]:
    lists = [(settings.list, "")] if settings.list else []
    labels = labels_of(list(dict.fromkeys(sources)))
    lists += [(source / FILE, labels[root_of(source)].path("")) for source in sources if (source / FILE).is_file()]
    number = 0
    for path, below in lists:
        for pattern, told in _lines(path):
            row_id = hashlib.blake2b(f"{number} {pattern}".encode(errors="replace"), digest_size=8).hexdigest()
            row = LicenceLine(
                id=row_id, source=row_id, path=path.name, lineage=row_id, number=number, pattern=pattern, below=below, **told
            )
            number += 1
            yield Verdict(row_id, rows=(row,), path=path.name)


def _lines(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Patterns with what is said of them, in the order of the file. Raises UserError naming the line."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise UserError(f"The list of licences {path} cannot be read ({error.strerror}).") from None
    top = read_spots(data, path.name, ("a pattern of paths", "its licence"))
    for pattern, spot in top.members('such as "*": CC0-1.0').items():
        if isinstance(spot.content, str):
            yield pattern, {"licence": _text(spot), "holder": "", "url": ""}
        else:
            told = spot.keys(("licence", "holder", "url"), ("licence",))
            yield pattern, {name: _text(told[name]) if name in told else "" for name in ("licence", "holder", "url")}


def _text(spot: Spot) -> str:
    if not isinstance(spot.content, str):
        spot.fail(f"{spot.shown} stands where a text is wanted, such as CC-BY-4.0")
    return spot.content.strip()
