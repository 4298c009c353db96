"""The audio and the MIDI of a clip, cut on demand: a clip is a span of its song, not a copy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from motet import midi, render
from motet.dataset.folder import Dataset
from motet.dataset.query import quoted
from motet.errors import UserError


def clip_row(dataset: Dataset, clip_id: str) -> dict[str, Any]:
    """The live row of a clip. Raises UserError when there is none of this id."""
    rows = dataset.query(f"SELECT * FROM clips WHERE id = {quoted(clip_id)}").to_arrow_table().to_pylist()
    if not rows:
        raise UserError(f"{dataset.folder} has no live clip {clip_id!r}.")
    row: dict[str, Any] = rows[0]
    return row


def clip_audio(dataset: Dataset, clip: str | dict[str, Any]) -> tuple[npt.NDArray[np.float32], int]:
    """Frames start_frame … end_frame of the clip's mix, exactly: float32 (frames, 2), and the sample rate.

    `clip` is an id, or a row of the table `clips`.
    """
    row = clip_row(dataset, clip) if isinstance(clip, str) else clip
    return render.decode(dataset.media.path(row["audio"]), row["start_frame"], row["end_frame"])


def clip_midi(dataset: Dataset, clip: str | dict[str, Any]) -> bytes:
    """The clip's notes as a MIDI file that begins at its first frame: all parts as its take plays them, clipped at both ends."""
    row = clip_row(dataset, clip) if isinstance(clip, str) else clip
    take = f"source = {quoted(row['source'])} AND take = {int(row['take'])}"
    mixed = f"(SELECT stem_indices FROM mixes WHERE {take})"
    parts = dataset.query(f"SELECT midi FROM stems WHERE {take} AND list_contains({mixed}, index) ORDER BY index").fetchall()
    return midi.cut([dataset.media.read(reference) for (reference,) in parts], row["start_tick"], row["end_tick"])
