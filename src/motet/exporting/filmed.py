"""Films of MIDI files, and clips of films that others shot, as examples."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from motet.dataset.folder import Dataset
from motet.export.example import Example, Licence
from motet.exporting import lineage
from motet.exporting.media import sound, stored
from motet.exporting.reading import Kind, Row, column, joined, key_of
from motet.exporting.rendered import tags


def films(there: Collection[str]) -> Kind:
    """The table `plans` of midi-video, where a film was made and no fault was found."""
    columns = [
        "c.*",
        "f.video, f.sound, f.seconds, f.renderer, f.model, f.model_licence",
        "m.channels, m.frames AS mix_frames",
        column(there, "identities", "i.artist", "known_artist", "''"),
        column(there, "identities", "i.title", "known_title", "''"),
        *([f"k.{name}" for name in ("tags", "tag_kinds", "tag_sources")] if "knowledge" in there else []),
        lineage.COLUMNS if "licences" in there else lineage.NONE,
    ]
    joins = [
        "JOIN films f ON f.id = c.id",
        "JOIN mixes m ON m.source = c.source AND m.take = c.take",
        joined(there, "sync_checks", "JOIN (SELECT id FROM sync_checks WHERE len(faults) = 0) s ON s.id = c.id"),
        joined(there, "identities", "LEFT JOIN identities i ON i.source = c.source"),
        joined(there, "knowledge", "LEFT JOIN knowledge k ON k.source = c.source"),
        joined(there, "licences", lineage.JOIN),
    ]
    return Kind("plans", f"SELECT {', '.join(columns)} FROM {{chosen}} c {' '.join(joins)}", "source", _film)


def _film(dataset: Dataset, row: Row) -> Example:
    span = (row["start_frame"], row["end_frame"])
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
        captions=(row["prompt"],) if row["renderer"] != "painter" and row["prompt"] else (),
        caption_forms=("prompt",) if row["renderer"] != "painter" and row["prompt"] else (),
        facts={
            "tempo": row["tempo"],
            "key": row["key"],
            "metre": row["metre"] or None,
            "notes": row["notes"],
            **tags(row),
            "moods": [row["mood"]] if row["mood"] else [],
        },
        licences=tuple(_licences(row)),
        mix=sound(dataset, row["audio"], row["rate"], row["channels"], row["mix_frames"], span),
        midi=stored(dataset, row["midi"]),
        video=stored(dataset, row["video"]),
    )


def _licences(row: Row) -> Iterator[Licence]:
    yield lineage.of_source(row)
    yield from lineage.of_sounds(row["sounds"], row["licences"])
    if row["model"]:
        yield Licence("video model", row["model"], row["model_licence"])
    yield from lineage.of_tags(source for sources in row.get("tag_sources") or () for source in sources)


# A recording and a MIDI file are told by their bytes, of which there may be several files: they count where all agree.
_TOLD = (
    "(SELECT f.sha256, min(l.licence) AS licence, min(l.holder) AS holder, min(l.url) AS url, "
    "count(DISTINCT l.licence) AS several FROM licences l JOIN files f ON f.source = l.source GROUP BY f.sha256)"
)
_TOLD_OF = "struct_pack(licence := {0}.licence, holder := {0}.holder, url := {0}.url, several := {0}.several) AS {0}_told"


def clips(there: Collection[str]) -> Kind:
    """The table `clips` of film-music."""
    columns = ["c.*", "p.recording_sha256, p.recording_path, p.midi_path"]
    joins = ["JOIN planned_clips p ON p.id = c.id"]
    if "licences" in there:
        columns += [lineage.COLUMNS, _TOLD_OF.format("recording"), _TOLD_OF.format("midi")]
        joins += [
            lineage.JOIN,
            f"LEFT JOIN {_TOLD} recording ON recording.sha256 = p.recording_sha256",
            f"LEFT JOIN {_TOLD} midi ON midi.sha256 = c.midi_sha256",
        ]
    else:
        columns.append(lineage.NONE)
    return Kind("clips", f"SELECT {', '.join(columns)} FROM {{chosen}} c {' '.join(joins)}", "id", _clip)


def _clip(dataset: Dataset, row: Row) -> Example:
    return Example(
        id=row["id"],
        key=key_of(row),
        song=row["source"],
        path=row["path"],
        split=row["split"],
        start=row["start"],
        end=row["end"],
        title=row["title"],
        artist=row["artist"],
        facts={
            **_told(row),
            "notes": row["notes"],
            "film": f"{row['film']} ({row['year']})" if row["year"] else row["film"],
            "negative": row["negative"],
        },
        licences=tuple(_film_licences(row)),
        mix=sound(dataset, row["audio"], row["rate"], row["channels"], row["end_frame"], (row["start_frame"], row["end_frame"]))
        if row["audio"]
        else None,
        midi=stored(dataset, row["midi"]) if row["midi"] else None,
        video=stored(dataset, row["video"]) if row["video"] else None,
    )


def _told(row: Row) -> dict[str, Any]:
    """What the notes tell, else what is heard. The key is the notes' only where the film plays them as they are written."""
    notes = json.loads(row["symbolic"]) if row["symbolic"] else {}
    heard = json.loads(row["sounding"]) if row["sounding"] else {}
    tempo = notes.get("tempo") or heard.get("tempo") or {}
    key, name = heard.get("key") or {}, (heard.get("key") or {}).get("name")
    if notes.get("key") and not row["transposition"] and not row["pitch"]:
        key, name = notes["key"], f"{notes['key']['tonic']} {notes['key']['mode']}"
    return {
        "tempo": tempo.get("bpm"),
        "tempo_confidence": tempo.get("confidence"),
        "key": name,
        "key_confidence": key.get("confidence"),
        "metre": notes.get("metre"),
        "lufs": (heard.get("dynamics") or {}).get("lufs"),
    }


def _film_licences(row: Row) -> Iterator[Licence]:
    source = lineage.of_source(row)
    yield Licence("film", row["film"], source.licence or row["film_licence"], source.holder, source.url)
    for what in ("recording", "midi") if row["midi_sha256"] else ("recording",):
        told = row.get(f"{what}_told") or {}
        licence = (told.get("licence") if told.get("several") == 1 else "") or row[f"{what}_licence"]
        yield Licence(what, row[f"{what}_path"], licence, told.get("holder") or "", told.get("url") or "")
