"""Songs get what others know of them: tags, facts and identifiers from services and lists, each with its source.

Motet's own figures stand among the facts, so that the rule which chooses between them (docs/tags.md) sees all. A song whose name
is not known is looked up by the MD5 of its bytes only: a service's first hit for a guess would be somebody else's tags.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator

from pydantic import Field

from motet import naming, sources
from motet.dataset.rows import File, Identity, Knowledge, MidiFacts, Song
from motet.run import Settings, Tools, Unanswered, stage
from motet.sources import merging, tags
from motet.stages.clean import read_source
from motet.stages.identify import kept_answers


class Enrich(Settings):
    sources: list[str] = Field(default=["musicbrainz"], description="who is asked, services and lists; docs/sources.md")
    offline: bool = Field(default=False, description="use no network: of services only what they answered before")


def _digests(settings: Enrich) -> dict[str, str]:
    return {name: sources.source(name).digest for name in settings.sources} | kept_answers(settings.offline)


class _Asking:
    """What a worker asks with, for its whole life: tokens, limits and outages are then known from song to song."""

    def __init__(self, settings: Enrich) -> None:
        self.client = sources.Client(sources.shared_folder(os.environ), offline=settings.offline)
        self.sources = {name: sources.source(name) for name in settings.sources}


@stage(
    version=2,
    uses=[
        "artist",
        "title",
        "level",
        "probability",
        "isrc",
        "musicbrainz_recording",
        "songs.seconds",
        "songs.tempo",
        "files.sha256",
        "files.size",
        "midi_facts.tap",
        "midi_facts.tap_confidence",
        "midi_facts.key_tonic",
        "midi_facts.key_mode",
        "midi_facts.key_confidence",
        "midi_facts.metre",
        "midi_facts.metre_confidence",
        "midi_facts.energy",
        "midi_facts.acousticness",
        "midi_facts.lufs",
    ],
    timeout=900,
    contents=_digests,
    setup=_Asking,
)
def enrich(identity: Identity, song: Song, file: File, facts: MidiFacts | None, settings: Enrich, tools: Tools) -> Knowledge:
    named = identity.level == "artist and title"
    answers: list[tuple[str, sources.Answer | None]] = []
    gathered = list(own_facts(song, facts))
    raw: list[tuple[str, float | None, str]] = []
    identifiers: dict[str, None] = {}
    asking: _Asking = tools.equipment
    silent: list[str] = []
    for name, source in asking.sources.items():
        question = _question(identity, song, "" if source.online else hashlib.md5(read_source(file)).hexdigest())
        if not (named or question.md5):
            continue
        try:
            answer = sources.ask(source, question, asking.client, lambda found: _likeness(found, identity, song))
        except sources.Unanswered as problem:
            answers.append((name, None))
            silent.append(str(problem))
            continue
        likeness = _likeness(answer.song, identity, song)
        if answer.song.title and not likeness and not answer.identifiers.get("md5"):
            answer = sources.Answer(name, "not_found", asked_at=answer.asked_at)  # its details are of another song
        answers.append((name, answer))
        if not answer.song.title and answer.status != "found":
            continue
        # What a service declined to tell (its audio features) it may have told in part.
        sure = 1.0 if answer.identifiers.get("md5") else identity.probability * likeness
        said = dict(answer.facts) | ({"duration": answer.song.duration} if answer.song.duration else {})
        gathered += merging.facts_from(said, name, answer.asked_at, round(sure, 4))
        raw += tags.scaled(answer.tags, name)
        identifiers |= dict.fromkeys(f"{key}:{value}" for key, value in sorted(answer.identifiers.items()))
    settled = merging.settle(gathered)
    told = [(fact, fact == settled[fact.field].chosen) for fact in gathered]
    tagged = tags.normalise(raw, identity.artist, identity.title)
    known = Knowledge(
        asked=[name for name, _ in answers],
        answers=[answer.status if answer else "offline" if settings.offline else "unanswered" for _, answer in answers],
        asked_at=[answer.asked_at if answer else "" for _, answer in answers],
        tags=[tag.name for tag in tagged],
        tag_kinds=[tag.kind for tag in tagged],
        tag_weights=[tag.weight for tag in tagged],
        tag_confidences=[tag.confidence for tag in tagged],
        tag_sources=[list(tag.sources) for tag in tagged],
        fact_names=[fact.field for fact, _ in told],
        fact_values=[json.dumps(fact.value) for fact, _ in told],
        fact_sources=[fact.source for fact, _ in told],
        fact_times=[fact.time for fact, _ in told],
        fact_confidences=[fact.confidence for fact, _ in told],
        fact_chosen=[chosen for _, chosen in told],
        identifiers=list(identifiers),
        left_empty=list(_left_empty(identity, tagged, answers, settings)),
    )
    if silent and not settings.offline:
        raise Unanswered("; ".join(silent), known)
    return known


def _question(identity: Identity, song: Song, md5: str) -> sources.Question:
    if identity.level != "artist and title":
        return sources.Question(md5=md5)
    return sources.Question(identity.artist, identity.title, song.seconds, identity.isrc, identity.musicbrainz_recording, md5)


def _likeness(found: sources.Song, identity: Identity, song: Song) -> float:
    """How likely a song that a source found is the one meant, by its names."""
    clues = [naming.Clue(f"artist:{identity.artist}", "tag"), naming.Clue(f"title:{identity.title}", "tag")]
    proposed = naming.KnownSong(found.artist, found.title, duration=found.duration or 0.0)
    told = naming.identify(clues, None, song.seconds, [proposed])
    return told.probability if told.level == "artist and title" else 0.0


def own_facts(song: Song, facts: MidiFacts | None) -> Iterator[merging.Fact]:
    """What Motet itself measured or estimated of a song."""
    yield merging.Fact("duration", song.seconds, merging.MOTET, "", 1.0)
    if (facts is None or facts.tap is None) and song.tempo is not None:  # recordings have none
        yield merging.Fact("tempo", song.tempo, merging.MOTET, "", 1.0)
    if facts is None:
        return
    told = [
        ("tempo", facts.tap, facts.tap_confidence),
        ("key", facts.key_tonic, facts.key_confidence),
        ("mode", facts.key_mode, facts.key_confidence),
        ("time_signature", int(facts.metre.partition("/")[0]), facts.metre_confidence),
        ("energy", facts.energy, 0.5),
        ("acousticness", facts.acousticness, 0.5),
        ("loudness", facts.lufs, 0.5),
    ]
    for field, value, confidence in told:
        if value is not None:
            yield merging.Fact(field, value, merging.MOTET, "", round(confidence or 0.0, 4))


def _left_empty(
    identity: Identity, tagged: list[tags.Tag], answers: list[tuple[str, sources.Answer | None]], settings: Enrich
) -> Iterator[str]:
    if identity.level != "artist and title":
        yield f"services: the song's {'artist' if identity.title else 'name'} is not known"
    for name, answer in answers:
        if answer is None:
            yield f"{name}: {'offline, and never asked before' if settings.offline else 'could not be reached; build again'}"
        elif answer.status != "found":
            yield f"{name}: {answer.status.replace('_', ' ')}"
    if not tagged:
        yield "tags: nobody gave any" if settings.sources else "tags: nobody was asked"
