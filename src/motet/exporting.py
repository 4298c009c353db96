"""Datasets leave in the forms that others read: the live tables of a dataset, joined and handed to `motet.export`.

An exporter is a function `(dataset, folder, where) -> int`, which says how many files it wrote; a package of its own adds one as
an entry point of the group `motet.exporters`.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from motet import midi
from motet.dataset.folder import Dataset
from motet.dataset.rows import MidiFacts, Row, Song
from motet.errors import UserError
from motet.export import song_json as form
from motet.midi.key import Mode
from motet.sources import merging
from motet.stages.enrich import own_facts
from motet.stages.segment import song_clock

Exporter = Callable[[Dataset, Path, str], int]


def song_json(dataset: Dataset, folder: Path, where: str = "") -> int:
    """A JSON file per song, with what is known of it and from whom; `where` is SQL on the columns of `songs`."""
    return form.write(_songs(dataset, where), folder)


EXPORTERS: dict[str, Exporter] = {"song-json": song_json}


def exporter(name: str) -> Exporter:
    """The exporter of this name; raises UserError listing the valid ones."""
    plugged = {entry.name: entry for entry in importlib.metadata.entry_points(group="motet.exporters")}
    if name in EXPORTERS:
        return EXPORTERS[name]
    if name not in plugged:
        raise UserError(f"There is no export called {name!r}; there are: {', '.join(sorted({*EXPORTERS, *plugged}))}.")
    loaded: Exporter = plugged[name].load()
    return loaded


def _songs(dataset: Dataset, where: str) -> Iterator[dict[str, Any]]:
    there = dataset.tables()
    if "songs" not in there:
        raise UserError(f"{dataset.folder} has no songs: build it by a recipe that cleans MIDI files.")
    rest = {name: _by_source(dataset, name) for name in ("identities", "knowledge", "midi_facts") if name in there}
    chosen = f"SELECT * FROM songs {f'WHERE {where}' if where else ''} ORDER BY id"
    for told in dataset.query(chosen).to_arrow_table().to_pylist():
        song = _row(Song, told)
        identity, knowledge, heard = (
            rest.get(name, {}).get(song.source, {}) for name in ("identities", "knowledge", "midi_facts")
        )
        facts = _row(MidiFacts, heard) if heard else None
        settled = merging.settle(_facts(knowledge) if knowledge else own_facts(song, facts))
        yield form.song_json(
            {"title": "", "artist": "", "level": "unidentified", "path": song.path, **_identity(identity)},
            _tags(knowledge) if knowledge else [],
            {field: merging.record(one) for field, one in settled.items()},
            [midi.as_services_did(one) for one in _sections(song, facts)] if facts else [],
        )


def _by_source(dataset: Dataset, table: str) -> dict[str, dict[str, Any]]:
    return {row["source"]: row for row in dataset.table(table).to_pylist()}


def _row(row_type: type[Row], told: Mapping[str, Any]) -> Any:
    return row_type(**told)


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
    clock = song_clock(song)
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
