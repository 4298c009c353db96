"""Lists become lines: which song which film is said to use. Tables as people export them, from many places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from motet.dataset.rows import Collected, ListedSong
from motet.film import songs
from motet.film.errors import FilmError
from motet.run import Drop, stage
from motet.stages.clean import read_source


@stage(version=1, takes="list", uses=["path", "sha256", "size"], timeout=600)
def read_lists(file: Collected) -> Iterator[ListedSong] | Drop:
    try:
        lines = songs.read_list(read_source(file), file.path)
    except FilmError as error:
        return Drop(error.reason, error.detail)
    return (ListedSong(**columns(one)) for one in lines)


def columns(one: songs.Listed) -> dict[str, Any]:
    """A line as the columns of its row, whoever told it."""
    return {
        "film": one.film,
        "year": one.year,
        "film_id": one.film_id,
        "title": one.title,
        "artist": one.artist,
        "kind": one.kind,
        "album": one.album,
        "compilation": one.compilation,
        "told_by": one.source,
        "where": one.where,
        "confidence": one.confidence,
        "identifiers": list(one.identifiers),
    }
