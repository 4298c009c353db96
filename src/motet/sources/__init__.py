"""What others know of a song: services and lists, one small file each, asked through one polite client.

with Client(shared_folder(os.environ)) as client:
    answer = ask(source("musicbrainz"), Question("An Artist", "A Song"), client, check)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from motet.errors import UserError
from motet.sources.asking import Answer, Question, Song, Source, Unanswered

if TYPE_CHECKING:
    from motet.sources.client import Client, shared_folder

__all__ = ["SOURCES", "Answer", "Client", "Question", "Song", "Source", "Unanswered", "ask", "search", "shared_folder", "source"]


def __getattr__(name: str) -> Any:
    # Loaded when asked for: lists on disk need no HTTP.
    if name in ("Client", "shared_folder"):
        return getattr(import_module("motet.sources.client"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


Opener = Callable[[Mapping[str, str]], Source]
LIKELY = 0.5


def _of(module: str) -> Opener:
    """A source is loaded when it is asked for."""

    def open_source(settings: Mapping[str, str]) -> Source:
        return cast(Source, import_module(f"motet.sources.{module}").open_source(settings))

    return open_source


# A package of its own adds one as an entry point of the group `motet.sources`.
SOURCES: dict[str, Opener] = {
    name: _of(name) for name in ("musicbrainz", "lastfm", "spotify", "deezer", "listenbrainz", "lakh", "msd", "own")
}


def source(name: str, settings: Mapping[str, str] = os.environ) -> Source:
    """The source of this name, set up by `settings`, as a rule the environment.

    Raises UserError for an unknown name, and for a key, path or library that is missing.
    """
    if name in SOURCES:
        return SOURCES[name](settings)
    from importlib import metadata

    others = {entry.name: entry for entry in metadata.entry_points(group="motet.sources")}
    if name not in others:
        raise UserError(f"There is no source {name[:50]!r}; there are: {', '.join(sorted({*SOURCES, *others}))}.")
    opener: Opener = others[name].load()
    return opener(settings)


def search(source: Source, question: Question, client: Client) -> list[Answer]:
    """What a source has for a question: by identifier if it knows that, else by name. Nothing is checked."""
    found = source.search(question, client)
    named = replace(question, isrc="", musicbrainz_recording="", md5="")
    if found[0].status == "not_found" and question.title and named != question:
        return source.search(named, client)
    return found


def ask(source: Source, question: Question, client: Client, check: Callable[[Song], float], *, least: float = LIKELY) -> Answer:
    """All that a source knows of one song, within the time of one question.

    `check` tells how likely it is, from 0 to 1, that a song found is the one meant: the likeliest is taken, the earlier of two
    alike, and none below `least`. Raises Unanswered when the source cannot be asked now.
    """
    with client.question():
        found = search(source, question, client)
        likely = [(check(one.song), -rank, one) for rank, one in enumerate(found) if one.status == "found"]
        if not likely:
            return found[0]
        likelihood, _, best = max(likely, key=lambda one: one[:2])
        if not likelihood >= least:
            return Answer(source.name, "not_found", asked_at=best.asked_at, url=best.url)
        return source.details(best, client)
