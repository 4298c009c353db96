"""What a recording's own tags and the page it came from say of it: names, date, licence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from motet.audio.errors import Unusable
from motet.audio.gathering import normalised
from motet.dataset.rows import Credits, Gathered, Recording
from motet.run import stage
from motet.stages.clean import source_of

_ARTIST, _TITLE, _ALBUM = ("artist", "album_artist", "performer"), ("title",), ("album",)
_DATE, _ISRC, _GENRE = ("date", "year", "originaldate"), ("isrc", "tsrc"), ("genre",)
_COPYRIGHT, _LICENCE = ("copyright",), ("license", "licence", "wcop", "copyright_url")


@stage(version=1, uses=["content", "files.sha256", "files.size", "files.sheet"], timeout=300, libraries=["av"])
def read_credits(song: Recording, file: Gathered) -> Credits:
    from motet.audio.decoding import open_recording

    try:
        with open_recording(source_of(file)) as recording:
            tags = recording.tags
    except Unusable:
        tags = {}  # it was decoded before: only its source can be other now, and that is told there
    return credits_of(tags, json.loads(file.sheet) if file.sheet else {})


def credits_of(tags: Mapping[str, str], sheet: Mapping[str, Any] | None = None) -> Credits:
    """The credits in a container's tags, and those of the page it came from where they are silent."""
    sheet = sheet or {}
    tags = {name.lower(): text for name, text in tags.items()}

    def tag(names: tuple[str, ...]) -> str:
        return next((tags[name].strip() for name in names if tags.get(name, "").strip()), "")

    def told(name: str) -> str:
        return sheet.get(name) or ""

    licence = told("licence") or tag(_LICENCE)
    spdx = told("licence_spdx") or normalised(licence) or normalised(tag(_COPYRIGHT)) or ""
    return Credits(
        artist=tag(_ARTIST) or told("artist"),
        title=tag(_TITLE) or told("track") or told("title"),
        album=tag(_ALBUM) or told("album"),
        date=tag(_DATE) or told("uploaded"),
        isrc=tag(_ISRC),
        genres=[one.strip() for one in tag(_GENRE).replace(";", ",").replace("/", ",").split(",") if one.strip()],
        copyright=tag(_COPYRIGHT),
        licence=licence,
        licence_spdx=spdx,
        page=told("page"),
        uploader=told("uploader"),
        fetched_at=told("fetched_at"),
        said_by=[*(["tags"] if tags else []), *(["page"] if sheet else [])],
    )
