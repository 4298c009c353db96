"""Sources become files: recordings in folders and archives, and those that lists of web addresses lead to.

Addresses stand in files of the user's, never in settings: they may hold secrets, and settings are written down.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from motet.audio.gathering import Fetched, Options, read_list
from motet.audio.gathering import gather as fetched
from motet.dataset.rows import File, Gathered
from motet.files.kinds import RECORDINGS, Kind
from motet.run import Drop, Settings, Tools, Verdict, stage
from motet.stages.scan import row_id_of, walked

LISTS = (".txt", ".urls")  # sources that are lists of addresses


class Gather(Settings):
    # How they come changes nothing of what comes.
    no_effect: ClassVar[frozenset[str]] = frozenset(("rate_limit", "sleep", "cookies", "retries", "into"))

    licences: list[str] = Field(default=[], description="licences that are taken from sites, such as cc-by; none means any")
    formats: str = Field(default="bestaudio/best", description="which of a site's formats: yt-dlp's selection")
    longest: float | None = Field(default=None, gt=0, description="seconds of a fetched recording, at most")
    most: int = Field(default=10_000, ge=1, description="items of a playlist, at most")
    rate_limit: int | None = Field(default=None, ge=1, description="bytes a second")
    sleep: float = Field(default=1.0, ge=0, description="seconds between requests")
    retries: int = Field(default=5, ge=0, description="times a site that does not answer is asked again")
    cookies: str = Field(default="", description="a file of cookies, sent to the sites it names and never copied")
    into: str = Field(default="", description="where fetched recordings are kept; by default in the dataset's folder")

    @property
    def kind(self) -> Kind:
        """What the walk takes."""
        return RECORDINGS


@stage(version=1)
def gather(sources: list[Path], settings: Gather, tools: Tools) -> Iterator[Verdict[Gathered]]:
    lists = [source for source in sources if source.suffix.lower() in LISTS and source.is_file()]
    folders = [source for source in sources if source not in lists]
    asked = list(dict.fromkeys(address for one in lists for address in read_list(one)))
    memory = tools.cache / "files-recordings.sqlite"
    if folders or not asked:
        yield from (_as_gathered(one, {}) for one in walked(folders, RECORDINGS, memory))
    if not asked:
        return
    folder = Path(settings.into).expanduser() if settings.into else tools.media.dataset / "fetched"
    sheets: dict[str, str] = {}
    for number, one in enumerate(fetched(asked, folder, _options(settings))):
        if isinstance(one, Fetched):
            sheets[one.path.name] = json.dumps(asdict(one.sheet), ensure_ascii=False, sort_keys=True)
        else:
            yield Verdict(row_id_of(one.url, number), Drop(one.reason, one.sentence), path=one.url)
    for found in walked([folder], RECORDINGS, tools.cache / "files-fetched.sqlite"):
        if found.path.rpartition("/")[2] in sheets:  # the folder keeps what no list names any longer
            yield _as_gathered(found, sheets)


def _as_gathered(found: Verdict[File], sheets: dict[str, str]) -> Verdict[Gathered]:
    rows = tuple(_gathered(row, sheets.get(found.path.rpartition("/")[2], "")) for row in found.rows)
    return Verdict(found.id, found.drop, rows, found.path)


def _gathered(row: File, sheet: str) -> Gathered:
    return Gathered(**asdict(row), sheet=sheet)


def _options(settings: Gather) -> Options:
    told: dict[str, Any] = {
        "formats": settings.formats,
        "licences": tuple(settings.licences),
        "longest": settings.longest,
        "most": settings.most,
        "rate_limit": settings.rate_limit,
        "sleep": settings.sleep,
        "retries": settings.retries,
    }
    options = Options(**told)
    return replace(options, cookies=Path(settings.cookies).expanduser()) if settings.cookies else options
