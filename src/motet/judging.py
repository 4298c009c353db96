"""From a dataset of films to what a person judges by ear and eye: the moments in it, to see and to hear."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motet import files, render
from motet.dataset.folder import Dataset
from motet.errors import UserError
from motet.film import clips
from motet.film.aligning import Alignment
from motet.film.reviewing import Item

LONGEST = 60.0  # seconds that are shown of a moment
AROUND = 2.0  # seconds of film before and after it
WIDE = 480  # pixels of what is shown
RATE = 44100


def items(dataset: Dataset) -> list[Item]:
    """The moments of a dataset, the least sure first. Raises UserError where there are none to judge."""
    if "moments" not in dataset.tables():
        raise UserError(f"{dataset.folder} has no moments to judge: build it by the recipe film-music.")
    rows = dataset.query("SELECT * FROM moments ORDER BY judged <> '', confidence, id").to_arrow_table().to_pylist()
    notes = _notes(dataset)
    return [_item(row, notes.get(row["recording_sha256"])) for row in rows]


@dataclass(frozen=True)
class _Notes:
    """A MIDI file that was laid along a recording."""

    warp: bytes
    where: str
    sha256: str

    def read(self) -> bytes | None:
        """Its bytes; None where they are no longer what was scanned."""
        told = json.loads(self.where)
        try:
            return files.read(files.Found(path=told.pop("inner_path"), sha256=self.sha256, stamp="", **told))
        except files.FilesError:
            return None


def _notes(dataset: Dataset) -> dict[str, _Notes]:
    """By the recording's content."""
    if "planned_clips" not in dataset.tables():
        return {}
    told = "recording_sha256, warp, midi_where, midi_sha256"
    rows = dataset.query(f"SELECT {told} FROM planned_clips WHERE midi_sha256 <> '' ORDER BY id DESC").fetchall()
    return {recording: _Notes(*midi) for recording, *midi in rows}


def _item(row: dict[str, Any], notes: _Notes | None) -> Item:
    start, end = max(0.0, row["film_start"]), min(row["film_end"], row["film_start"] + LONGEST)
    begin = row["song_start"] + row["speed"] * (start - row["film_start"])
    return Item(
        id=row["id"],
        film=row["film"] or row["path"],
        film_year=row["year"],
        song=row["title"] or row["recording_path"],
        artist=row["artist"],
        film_start=start,
        film_end=end,
        confidence=row["confidence"],
        evidence=(row["evidence"], *(("it is on a list of this film's songs",) if row["listed"] else ())),
        film_path=_place(row["film_where"]),
        film_clip=(max(0.0, start - AROUND), min(row["film_seconds"], end + AROUND)),
        recording_path=_place(row["recording_where"]),
        recording_start=begin,
        recording_end=begin + row["speed"] * (end - start),
        midi=notes.read() if notes else None,
        licence=f"film: {row['film_licence'] or 'licence unknown'}; recording: {row['recording_licence'] or 'licence unknown'}",
        stamp=row["stamp"],
    )


def _place(where: str) -> Path | None:
    told = json.loads(where)
    return Path(files.on_disk(told["location"])) if told["member"] < 0 else None


class Playing:
    """Makes what the page plays: called from several threads."""

    def __init__(self, dataset: Dataset) -> None:
        self._rows = {row["id"]: row for row in dataset.table("moments").to_pylist()}
        self._notes = _notes(dataset)

    def __call__(self, item: Item, kind: str) -> tuple[bytes, str]:
        """A whole file and its type. Raises FilmError, and UserError where there is nothing to play."""
        row = self._rows[item.id]
        if kind == "film" and item.film_path is not None:
            return self._film(item.film_path, item.film_clip), "video/mp4"
        if kind == "recording" and item.recording_path is not None:
            span = item.recording_start, item.recording_end
            samples = clips.recording_sound(item.recording_path, *span, speed=1.0, rate=RATE)
            return render.encode(samples, RATE), "audio/flac"
        if kind == "midi" and item.midi is not None:
            return self._midi(item, item.midi, row), "audio/flac"
        raise UserError("There is nothing of this kind to play here.")

    def _film(self, path: Path, span: tuple[float, float]) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "moment.mp4"
            clips.cut_picture(path, file, start=span[0], end=span[1], size=(WIDE, WIDE), sound="film")
            return file.read_bytes()

    def _midi(self, item: Item, data: bytes, row: dict[str, Any]) -> bytes:
        warp = Alignment.from_bytes(self._notes[row["recording_sha256"]].warp)
        where = clips.Place(row["film_start"], row["film_end"], row["song_start"], row["speed"])
        cut = clips.midi_slice(data, warp, where, item.film_start, item.film_end)
        (audio,) = render.load(render.find(), RATE).render([cut.warped])
        peak = float(np.abs(audio).max(initial=0.0))
        return render.encode(audio, RATE, gain_db=min(0.0, -20 * np.log10(peak)) if peak > 0 else 0.0)
