"""Songs get a name: from their path and texts, against an offline index, then with what services propose if they may be asked."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from pydantic import Field

from motet import naming, sources
from motet.dataset.rows import Credits, Identity, MidiFacts, Song
from motet.errors import UserError
from motet.run import Settings, Tools, Unanswered, stage
from motet.sources.cache import Cache

_LYRICS = 200  # characters that may tell the title


class Identify(Settings):
    index: str = Field(default="", description="the song index; by default the user's own, which `motet index add` fills")
    ask: list[str] = Field(default=[], description="services asked for songs that the index does not know, such as musicbrainz")
    offline: bool = Field(default=False, description="use no network: of services only what they answered before")


def _digest(settings: Identify) -> dict[str, str]:
    for name in settings.ask:
        sources.source(name)  # a missing key is told before the work begins
    index = _opened(settings)
    digest = ""
    if index:
        with index:
            digest = index.digest
    return {"index": digest, **kept_answers(settings.offline and bool(settings.ask))}


def kept_answers(offline: bool) -> dict[str, str]:
    """What offline work hangs on besides its rows: how many answers of services there are. None is ever taken back."""
    path = sources.shared_folder(os.environ) / "answers.sqlite"
    if not offline or not path.exists():
        return {}
    with closing(Cache(path)) as cache:
        return {"answers": str(len(cache))}


def _opened(settings: Identify) -> naming.SongIndex | None:
    """The index, None where the user has none."""
    path = Path(settings.index).expanduser() if settings.index else naming.default_path()
    if not path.exists():
        if settings.index:
            raise UserError(f"There is no song index at {path}: make one with `motet index add FILE --index {path}`.")
        return None
    return naming.SongIndex(path)


class _Asking:
    """What a worker looks up with, for its whole life."""

    def __init__(self, settings: Identify) -> None:
        self.index = _opened(settings)
        self.sources = [sources.source(name) for name in settings.ask]
        self.client = sources.Client(sources.shared_folder(os.environ), offline=settings.offline) if settings.ask else None


@stage(
    version=2,
    uses=[
        "path",
        "seconds",
        "midi_facts.title",
        "midi_facts.lyrics",
        "midi_facts.texts",
        "midi_facts.copyrights",
        "midi_facts.track_names",
        "credits.artist",
        "credits.title",
        "credits.isrc",
    ],
    timeout=300,
    contents=_digest,
    setup=_Asking,
    libraries=["rapidfuzz", "ftfy"],
)
def identify(song: Song, facts: MidiFacts | None, credits: Credits | None, settings: Identify, tools: Tools) -> Identity:
    clues = naming.clues_of_path(song.path)
    if facts is not None:
        clues += [naming.Clue(text, "text") for text in (facts.title, *facts.texts) if text]
        clues += [naming.Clue(text, "track name") for text in facts.track_names]
        clues += [naming.Clue(text, "copyright") for text in facts.copyrights]
        clues += [naming.Clue(facts.lyrics[:_LYRICS], "lyric")] if facts.lyrics else []
    if credits is not None:
        clues += [naming.Clue(f"artist:{credits.artist}", "tag")] if credits.artist else []
        clues += [naming.Clue(f"title:{credits.title}", "tag")] if credits.title else []
    asking: _Asking = tools.equipment
    found = naming.identify(clues, asking.index, song.seconds)
    if found.level != "artist and title" and asking.client:
        proposed = _proposed(clues, asking.sources, asking.client, settings.offline)
        found = naming.identify(clues, asking.index, song.seconds, proposed)
    return Identity(
        artist=found.artist,
        title=found.title,
        level=found.level,
        probability=found.probability,
        guess_artist=found.guess_artist,
        guess_title=found.guess_title,
        penalties=[f"{one.name} -{one.weight:.2f}: {one.detail}" for one in found.penalties],
        read_from=found.read_as.where if found.read_as else "",
        isrc=found.identifiers.get("isrc", ""),
        musicbrainz_recording=found.identifiers.get("musicbrainz_recording", ""),
    )


def _proposed(
    clues: list[naming.Clue], asked: list[sources.Source], client: sources.Client, offline: bool
) -> list[naming.KnownSong]:
    """What services have for the plainest reading of the clues."""
    read = naming.guesses(clues)
    if not read:
        return []
    question = sources.Question(read[0].artist, read[0].title)
    proposed = []
    for source in asked:
        try:
            answers = sources.search(source, question, client)
        except sources.Unanswered as problem:
            if offline:
                continue
            raise Unanswered(str(problem)) from None
        proposed += [
            naming.KnownSong(
                one.song.artist,
                one.song.title,
                duration=one.song.duration or 0.0,
                isrc=one.identifiers.get("isrc", ""),
                musicbrainz_recording=one.identifiers.get("musicbrainz_recording", ""),
            )
            for one in answers
            if one.status == "found"
        ]
    return proposed
