"""Films of MIDI files as a VideoFolder, with their plans and what was measured of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from motet.dataset.folder import Dataset, refused
from motet.errors import UserError
from motet.export.example import Written
from motet.exporting.media import reader


def midi_video(dataset: Dataset, folder: Path, where: str = "") -> Written:
    """Films beside their MIDI, sound and plans, as a VideoFolder; `where` is SQL on the columns of `plans`."""
    from motet.export import midi_video as form

    return Written(*form.write(_films(dataset, where), folder, read=reader(dataset), title=dataset.folder.absolute().name))


def _films(dataset: Dataset, where: str) -> Iterator[Any]:
    """Films that were checked, with their plans, in order of id."""
    from motet.export.midi_video import Film as Told

    there = dataset.tables()
    if not {"films", "plans", "sync_checks"} <= there.keys():
        raise UserError(f"{dataset.folder} has no films that were checked: build it by the recipe midi-video.")
    if "splits" not in there:
        raise UserError(f"{dataset.folder} has no splits: build it again, and it will.")
    named = "LEFT JOIN identities i ON i.source = p.source" if "identities" in there else ""
    columns = ", ".join(
        [
            "p.*",
            "f.video, f.sound, f.seconds, f.renderer, f.model, f.model_licence",
            "s.planned, s.judged, s.precision, s.recall, s.f1, s.f1_all, s.error_ms, s.error_ms_worst",
            "s.audio_f1, s.av_align, s.beat_alignment, s.faults",
            "i.artist AS known_artist, i.title AS known_title" if named else "'' AS known_artist, '' AS known_title",
        ]
    )
    placed = "SELECT t.*, s.split FROM plans t JOIN splits s ON s.source = t.source WHERE s.split <> ''"
    chosen = f"(SELECT * FROM ({placed}) WHERE ({where or 'true'}))"
    joins = " ".join(
        [
            "JOIN films f ON f.id = p.id JOIN sync_checks s ON s.id = p.id",
            named,
        ]
    )
    try:
        rows = dataset.query(f"SELECT {columns} FROM {chosen} p {joins} ORDER BY p.id").to_arrow_reader(4096)
    except duckdb.Error as error:
        raise refused(error) from None
    same = [field.name for field in dataclasses.fields(Told) if field.name not in ("song", "title", "artist")]
    for batch in rows:
        for row in batch.to_pylist():
            if row["renderer"] == "painter":
                row["prompt"] = ""  # which it does not read
            told: dict[str, Any] = {name: tuple(row[name]) if isinstance(row[name], list) else row[name] for name in same}
            yield Told(
                song=row["path"],
                title=row["known_title"] or "",
                artist=row["known_artist"] or "",
                **told,
            )
