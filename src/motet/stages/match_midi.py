"""Which MIDI files may be of a recording that is heard in a film, by their names. Whether they are, `align` hears."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import Field

from motet import naming
from motet.dataset.rows import Candidate, Catalogued, Collected, Duplicate, Moment, Song
from motet.film import matching
from motet.run import Settings, Verdict, stage
from motet.stages.collect import where


class MatchMidi(Settings):
    names: Literal["needed", "ignored"] = Field(
        default="needed", description="ignored: every MIDI file is tried with every recording that is heard"
    )
    least: float = Field(default=0.3, ge=0, le=1, description="probability by names, at least")
    most: int = Field(default=8, ge=1, description="MIDI files tried with a recording; with names ignored, all are")


@stage(version=1, timeout=24 * 3600, libraries=["rapidfuzz", "ftfy"])
def match_midi(
    recordings: Iterable[Catalogued],
    moments: Iterable[Moment],
    songs: Iterable[Song],
    files: Iterable[Collected],
    duplicates: Iterable[Duplicate],
    settings: MatchMidi,
) -> Iterator[Verdict[Candidate]]:
    """Verdicts on all recordings; one that is heard nowhere has none. In memory are the candidates and the names of songs."""
    names: dict[str, tuple[str, str]] = {}
    for moment in moments:
        names.setdefault(moment.recording, (moment.artist, moment.title))
    heard = {one.id: one for one in recordings}
    wanted = [matching.Wanted(row_id, title, artist) for row_id, (artist, title) in names.items() if row_id in heard]
    every = {song.id: song for song in songs}
    found: dict[str, list[tuple[float, str, str]]] = defaultdict(list)
    if settings.names == "ignored":
        for one in wanted:
            found[one.key] = [(0.0, song_id, "its name was not asked") for song_id in sorted(every)]
    else:
        families = {row.source: row.family for row in duplicates}
        families |= {family: family for family in families.values()}
        items = (
            matching.Catalogued(song.id, tuple(naming.clues_of_path(song.path)), song.seconds, families.get(song.id, ""))
            for song in every.values()
        )
        for match in matching.match_all([one for one in wanted if one.title], items, least=settings.least):
            found[match.wanted].append((match.probability, match.item, match.explain()))
        for key, ones in found.items():
            found[key] = sorted(ones, key=lambda one: (-one[0], one[1]))[: settings.most]
    needed = {song_id for ones in found.values() for _, song_id, _ in ones} | found.keys()
    places = {file.id: where(file) for file in files if file.id in needed}
    for row_id, recording in heard.items():
        rows = tuple(
            Candidate(
                recording=row_id,
                recording_where=places[row_id],
                recording_sha256=recording.sha256,
                midi=song_id,
                midi_path=every[song_id].path,
                midi_where=places[song_id],
                midi_sha256=every[song_id].sha256,
                probability=round(probability, 4),
                evidence=evidence,
            )
            for probability, song_id, evidence in found.get(row_id, ())
        )
        yield Verdict(row_id, None, rows)
