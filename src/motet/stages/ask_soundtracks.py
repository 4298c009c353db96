"""Services are asked which songs a film uses. The first answer is kept, and replayed from then on."""

from __future__ import annotations

import os
from collections.abc import Iterator

from pydantic import Field

from motet import sources
from motet.dataset.rows import Movie, Soundtrack
from motet.film import songs
from motet.run import Settings, Tools, Unanswered, stage
from motet.stages.identify import kept_answers
from motet.stages.read_lists import columns


class AskSoundtracks(Settings):
    ask: list[str] = Field(default=[], description="who is asked: musicbrainz, spotify; none by default, for it takes minutes")
    offline: bool = Field(default=False, description="use no network: of services only what they answered before")


def _asking(settings: AskSoundtracks) -> songs.Soundtracks | None:
    if not settings.ask:
        return None
    client = sources.Client(sources.shared_folder(os.environ), offline=settings.offline)
    return songs.Soundtracks.open(client, names=settings.ask)


def _digests(settings: AskSoundtracks) -> dict[str, str]:
    _asking(settings)  # an unknown name or a missing key is told before the work begins
    return kept_answers(settings.offline and bool(settings.ask))


@stage(version=1, uses=["title", "year"], timeout=900, contents=_digests, setup=_asking)
def ask_soundtracks(movie: Movie, settings: AskSoundtracks, tools: Tools) -> Iterator[Soundtrack]:
    asking: songs.Soundtracks | None = tools.equipment
    if asking is None or not movie.title:
        return
    try:
        told = asking.ask(songs.FilmName(movie.title, movie.year), partly=settings.offline)
    except sources.Unanswered as problem:
        if settings.offline:
            return
        raise Unanswered(str(problem)) from None
    for one in told.listed:
        yield Soundtrack(**columns(one))
