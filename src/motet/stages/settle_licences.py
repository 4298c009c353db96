"""Under what each source is: as its user says, else as its own tags or the page it came from say, else nobody knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import translate
from re import Pattern, compile
from typing import ClassVar

from motet.dataset.rows import Catalogued, Credits, LicenceLine, Movie, Row, SourceLicence
from motet.run import Verdict, stage


@dataclass(frozen=True, kw_only=True)
class _File(Row):
    """Of a source file, what it is called."""

    table: ClassVar[str] = "files"


@stage(version=1, timeout=3600)
def settle_licences(
    files: Iterable[_File],
    lines: Iterable[LicenceLine],
    credits: Iterable[Credits] | None,
    recordings: Iterable[Catalogued] | None,
    movies: Iterable[Movie] | None,
) -> Iterator[Verdict[SourceLicence]]:
    """A row for every file. Of several lines of lists the last that fits wins, and the files' own tags are asked after them."""
    rules = [_Rule(compile(translate(line.pattern)), line) for line in sorted(lines, key=lambda line: -line.number)]
    told: dict[str, SourceLicence] = {}
    for row in credits or ():
        if row.licence or row.licence_spdx:
            by = "page" if row.page else "tags"
            told[row.source] = _said(row.licence or row.licence_spdx, row.artist or row.uploader, row.page, by)
    for heard in recordings or ():
        if heard.licence or heard.licence_spdx:
            told[heard.source] = _said(heard.licence or heard.licence_spdx, heard.artist, "", "tags")
    for film in movies or ():
        if film.licence or film.licence_spdx:
            told[film.source] = _said(film.licence or film.licence_spdx, film.copyright, "", "tags")
    nobody = _said("", "", "", "")
    for file in files:
        line = next((rule.line for rule in rules if rule.fits(file)), None)
        row_of = _said(line.licence, line.holder, line.url, "list") if line else told.get(file.source, nobody)
        yield Verdict(file.id, rows=(row_of,))


@dataclass(frozen=True)
class _Rule:
    pattern: Pattern[str]
    line: LicenceLine

    def fits(self, file: _File) -> bool:
        below = f"{self.line.below}/" if self.line.below else ""
        return file.path.startswith(below) and self.pattern.match(file.path.removeprefix(below)) is not None


def _said(licence: str, holder: str, url: str, by: str) -> SourceLicence:
    return SourceLicence(licence=licence, holder=holder, url=url, said_by=by)
