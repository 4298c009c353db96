"""Songs with all that is known of them, and from whom: as JSON records, and as a file of its own each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from motet import midi
from motet.dataset.folder import Dataset, refused
from motet.dataset.rows import MidiFacts, Song
from motet.errors import UserError
from motet.export import song_json as form
from motet.export.example import Written
from motet.midi.key import Mode
from motet.sources import merging
from motet.stages.enrich import own_facts
from motet.wording import several


def song_json(dataset: Dataset, folder: Path, where: str = "") -> Written:
    """A JSON file per song, with what is known of it and from whom; `where` is SQL on the columns of `songs`."""
    lacking: Counter[str] = Counter()
    files = form.write(_songs(dataset, where, lacking), folder)
    return Written(files, [f"{several(number, 'song')} {what}." for what, number in lacking.items()])


_JOINED = ("identities", "knowledge", "midi_facts")


def _songs(dataset: Dataset, where: str, lacking: Counter[str]) -> Iterator[dict[str, Any]]:
    if "songs" not in dataset.tables():
        raise UserError(f"{dataset.folder} has no songs: build it by a recipe that cleans MIDI files.")
    records = Records(dataset)
    try:
        chosen = dataset.query(f"SELECT * FROM songs {f'WHERE ({where})' if where else ''} ORDER BY id").to_arrow_table()
    except duckdb.Error as error:
        raise refused(error) from None
    for told in chosen.to_pylist():
        identity, knowledge = records.known(told["source"], "identities"), records.known(told["source"], "knowledge")
        lacking["without artist and title"] += identity.get("level") != "artist and title"
        lacking["wait for services that could not be reached: build again"] += "unanswered" in knowledge.get("answers", ())
        yield records.record(told)
    for what in [what for what, number in lacking.items() if not number]:
        del lacking[what]


class Records:
    """What is known of songs, as JSON records (`motet.export.song_json`)."""

    def __init__(self, dataset: Dataset) -> None:
        there = dataset.tables()
        self._tables = {name: _by_source(dataset, name) for name in _JOINED if name in there}

    def known(self, source: str, table: str) -> dict[str, Any]:
        return self._tables.get(table, {}).get(source, {})

    def record(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """The record of a row of `songs`."""
        song = Song(**{field.name: told[field.name] for field in fields(Song)})
        identity, knowledge, heard = (self.known(song.source, name) for name in _JOINED)
        facts = MidiFacts(**heard) if heard else None
        settled = merging.settle(_facts(knowledge) if knowledge else own_facts(song, facts))
        record = form.song_json(
            {"title": "", "artist": "", "level": "unidentified", "path": song.path, **_identity(identity)},
            _tags(knowledge) if knowledge else [],
            {field: merging.record(one) for field, one in settled.items()},
            [midi.as_services_did(one) for one in _sections(song, facts)] if facts else [],
        )
        record["provenance"]["asked"] = _asked(knowledge)
        record["provenance"]["identifiers"] = knowledge.get("identifiers", [])
        record["provenance"]["left_empty"] = knowledge.get("left_empty", ["tags: this recipe asks nobody"])
        return record


@lru_cache(maxsize=1)
def records(name: str, snapshot: int) -> Records:
    """Those of a dataset as it stands; kept while its songs are read one by one."""
    return Records(Dataset(name))


def _asked(knowledge: Mapping[str, Any]) -> list[dict[str, str]]:
    if not knowledge:
        return []
    columns = zip(knowledge["asked"], knowledge["answers"], knowledge["asked_at"], strict=True)
    return [{"source": name, "answer": answer, "time": when} for name, answer, when in columns]


def _by_source(dataset: Dataset, table: str) -> dict[str, dict[str, Any]]:
    return {row["source"]: row for row in dataset.table(table).to_pylist()}


def _identity(told: Mapping[str, Any]) -> dict[str, Any]:
    said = ("artist", "title", "level", "probability", "guess_artist", "guess_title", "read_from", "penalties")
    return {name: told[name] for name in said} if told else {}


def _facts(told: Mapping[str, Any]) -> list[merging.Fact]:
    columns = (told[f"fact_{name}"] for name in ("names", "values", "sources", "times", "confidences"))
    return [
        merging.Fact(name, json.loads(value), source, time, sure)
        for name, value, source, time, sure in zip(*columns, strict=True)
    ]


def _tags(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    columns = ("tags", "tag_kinds", "tag_weights", "tag_sources", "tag_confidences")
    names = ("name", "kind", "weight", "sources", "confidence")
    return [dict(zip(names, tag, strict=True)) for tag in zip(*(told[column] for column in columns), strict=True)]


def _sections(song: Song, facts: MidiFacts) -> Iterator[midi.SectionFacts]:
    """The song's sections as the tables keep them, on its own clock."""
    clock = midi.TempoMap.from_rows({"division": song.division, "tempi": song.tempo_changes, "metres": song.metre_changes})
    edges = pairwise([*facts.section_ticks, facts.section_end])
    columns = (facts.section_labels, facts.section_confidences, facts.section_keys, facts.section_key_confidences)
    for (begin, end), label, sure, key, key_sure, tempo, lufs in zip(
        edges, *columns, facts.section_tempos, facts.section_lufs, strict=True
    ):
        first, last = clock.to_seconds([begin, end]).tolist()
        yield midi.SectionFacts(
            section=midi.Section(begin, end, label, sure, 1.0),
            start=first,
            seconds=last - first,
            lufs=lufs,
            tempo=tempo,
            tempo_confidence=facts.tap_confidence,
            key=_KEYS[key](key_sure) if key else None,
            metre=clock.metre_at(begin),
            metre_confidence=facts.metre_confidence or 0.0,
        )


def _key(tonic: int, mode: Mode) -> Callable[[float], midi.Key]:
    return lambda sure: midi.Key(tonic, mode, sure, (tonic, mode), 0.0)


_MODES: tuple[Mode, ...] = ("major", "minor")
_KEYS = {_key(tonic, mode)(1.0).name: _key(tonic, mode) for tonic in range(12) for mode in _MODES}
