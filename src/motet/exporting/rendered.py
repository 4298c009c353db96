"""Clips and whole songs of MIDI files that were rendered, as examples."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from motet.dataset.folder import Dataset
from motet.export.example import Example, Licence, Stem
from motet.exporting import lineage
from motet.exporting.media import notes, sound, stored
from motet.exporting.reading import Kind, Row, column, joined, key_of
from motet.exporting.songs import records

_STEMS = (
    "LEFT JOIN (SELECT source, take, list({'index': index, 'audio': audio, 'midi': midi, 'role': role, 'sound': sound, "
    "'frames': frames, 'channels': channels, 'licence': licence} ORDER BY index) AS stems FROM stems GROUP BY source, take) st "
    "ON st.source = c.source AND st.take = {take}"
)
_PARTS = (
    "LEFT JOIN (SELECT source, list({'index': index, 'midi': midi, 'name': name, 'role': role, 'program': program, "
    "'is_drum': is_drum} ORDER BY index) AS parts FROM parts GROUP BY source) p ON p.source = c.source"
)
_MIX = (
    "m.audio AS mix_audio, m.rate AS mix_rate, m.channels, m.frames, m.seconds AS mix_seconds, m.lufs AS mix_lufs, "
    "m.stem_indices, m.stem_gains_db, m.sounds, m.licences"
)


def clips(there: Collection[str]) -> Kind:
    """The table `clips` of text-to-music."""
    columns = ["c.*", _MIX, "st.stems", "p.parts", *_known(there), *_captions(there)]
    joins = [
        "JOIN mixes m ON m.source = c.source AND m.take = c.take",
        _STEMS.replace("{take}", "c.take"),
        _PARTS,
        *_joins(there),
        joined(there, "captions", "LEFT JOIN captions t ON t.id = c.id"),
    ]
    return Kind("clips", f"SELECT {', '.join(columns)} FROM {{chosen}} c {' '.join(joins)}", "source", _clip)


def songs(there: Collection[str]) -> Kind:
    """The table `songs` of any recipe that splits MIDI files, with their first takes where they were rendered."""
    columns = ["c.*", column(there, "mixes", "m.id", "mix_id"), "p.parts", *_known(there)]
    if "mixes" in there:
        columns += [_MIX, "st.stems"]
    if "midi_facts" in there:
        columns += ["f.key", "f.key_confidence", "f.metre", "f.instruments", "f.section_labels", "f.lufs AS notes_lufs"]
    joins = [
        _PARTS.replace("LEFT JOIN", "JOIN", 1),
        joined(there, "mixes", "LEFT JOIN mixes m ON m.source = c.source AND m.take = 0 " + _STEMS.replace("{take}", "0")),
        joined(there, "midi_facts", "LEFT JOIN midi_facts f ON f.source = c.source"),
        *_joins(there),
    ]
    return Kind("songs", f"SELECT {', '.join(columns)} FROM {{chosen}} c {' '.join(joins)}", "source", _song)


def _known(there: Collection[str]) -> list[str]:
    return [
        column(there, "identities", "i.artist", "known_artist", "''"),
        column(there, "identities", "i.title", "known_title", "''"),
        *([f"k.{name}" for name in ("tags", "tag_kinds", "tag_sources")] if "knowledge" in there else []),
        lineage.COLUMNS if "licences" in there else lineage.NONE,
    ]


def _joins(there: Collection[str]) -> list[str]:
    return [
        joined(there, "identities", "LEFT JOIN identities i ON i.source = c.source"),
        joined(there, "knowledge", "LEFT JOIN knowledge k ON k.source = c.source"),
        joined(there, "licences", lineage.JOIN),
    ]


def _captions(there: Collection[str]) -> list[str]:
    return ["t.texts", "t.forms", "t.models"] if "captions" in there else []


def _clip(dataset: Dataset, row: Row) -> Example:
    span = (row["start_frame"], row["end_frame"])
    stems = tuple(_stems(dataset, row, span, (row["start_tick"], row["end_tick"])))
    mixed = [stem["midi"] for stem in _mixed(row)]
    return Example(
        id=row["id"],
        key=key_of(row),
        song=row["source"],
        path=row["path"],
        split=row["split"],
        start=row["start"],
        end=row["end"],
        title=row["known_title"] or "",
        artist=row["known_artist"] or "",
        captions=tuple(row.get("texts") or ()),
        caption_forms=tuple(row.get("forms") or ()),
        facts={
            "tempo": row["tempo"],
            "tempo_confidence": None if row["tempo"] is None else 1.0 if row["tempo_steady"] else 0.5,
            "key": row["key"],
            "key_confidence": row["key_confidence"],
            "metre": row["metre"] or None,
            "lufs": row["lufs"],
            "notes": row["notes"],
            "instruments": row["instruments"],
            "sections": row["sections"],
            "chords": row["chords"],
            **tags(row),
        },
        licences=(*_licences(row), *lineage.of_captions(row.get("models"))),
        mix=sound(dataset, row["mix_audio"], row["mix_rate"], row["channels"], row["frames"], span),
        stems=stems,
        midi=notes(dataset, mixed, row["start_tick"], row["end_tick"]) if mixed else None,
    )


def _song(dataset: Dataset, row: Row) -> Example:
    mixed = bool(row.get("mix_id"))
    record = records(dataset.name, dataset.snapshot.number).record(row)
    length = row["last_tick"] + 1
    parts = [part["midi"] for part in row["parts"]]
    if mixed:
        stems = tuple(_stems(dataset, row, (0, row["frames"]), None))
    else:
        stems = tuple(
            Stem(part["index"], part["name"], None, stored(dataset, part["midi"]), part["role"], part["program"], part["is_drum"])
            for part in row["parts"]
        )
    return Example(
        id=row["source"],
        key=key_of(row, record),
        song=row["source"],
        path=row["path"],
        split=row["split"],
        start=0.0,
        end=row["seconds"],
        title=row["known_title"] or "",
        artist=row["known_artist"] or "",
        facts={
            "tempo": row["tempo"],
            "tempo_confidence": 1.0 if row["tempo_min"] == row["tempo_max"] else 0.5,
            "key": row.get("key"),
            "key_confidence": row.get("key_confidence"),
            "metre": row.get("metre"),
            "lufs": row["mix_lufs"] if mixed else row.get("notes_lufs"),
            "notes": row["notes"],
            "instruments": list(dict.fromkeys(row.get("instruments") or [])),
            "sections": row.get("section_labels") or [],
            "chords": [],
            **tags(row),
        },
        licences=tuple(_licences(row)),
        mix=sound(dataset, row["mix_audio"], row["mix_rate"], row["channels"], row["frames"]) if mixed else None,
        stems=stems,
        midi=notes(dataset, parts, 0, length),
        record=record,
    )


def _mixed(row: Row) -> list[dict[str, Any]]:
    wanted = set(row["stem_indices"] or ())
    return [stem for stem in row["stems"] or () if stem["index"] in wanted]


def _stems(dataset: Dataset, row: Row, span: tuple[int, int], ticks: tuple[int, int] | None) -> Iterator[Stem]:
    """The stems of a mix over a span of it, as loud as they are in it; `ticks` None leaves their MIDI whole."""
    gains = dict(zip(row["stem_indices"], row["stem_gains_db"], strict=True))
    parts = {part["index"]: part for part in row["parts"] or ()}
    for stem in _mixed(row):
        part = parts.get(stem["index"], {})
        heard = sound(dataset, stem["audio"], row["mix_rate"], stem["channels"], stem["frames"], span, gains[stem["index"]])
        yield Stem(
            index=stem["index"],
            name=part.get("name") or f"part {stem['index'] + 1}",
            sound=heard,
            midi=notes(dataset, [stem["midi"]], *ticks) if ticks else stored(dataset, stem["midi"]),
            role=stem["role"],
            program=part.get("program"),
            is_drum=bool(part.get("is_drum")),
            played_by=stem["sound"],
        )


def tags(row: Row) -> dict[str, list[str]]:
    """What services say a song is, by kind: heaviest first."""
    told = list(zip(row.get("tags") or (), row.get("tag_kinds") or (), strict=True))
    return {
        "genres": [tag for tag, kind in told if kind == "genre"],
        "moods": [tag for tag, kind in told if kind == "mood"],
        "tags": [tag for tag, _ in told],
    }


def _licences(row: Row) -> Iterator[Licence]:
    yield lineage.of_source(row)
    yield from lineage.of_sounds(row.get("sounds"), row.get("licences"))
    yield from lineage.of_tags(source for sources in row.get("tag_sources") or () for source in sources)
