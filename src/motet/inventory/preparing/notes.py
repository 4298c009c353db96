"""The notes of a MIDI file as a table: one row per note, in seconds."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from motet import midi

__all__ = ["NOTE", "NoteFormat", "encoded", "notes"]

NoteFormat = Literal["parquet", "npy"]
NOTE = np.dtype(
    [("onset", "<f8"), ("offset", "<f8"), ("pitch", "u1"), ("velocity", "u1"), ("program", "u1"), ("drum", "?"), ("track", "<i4")]
)


def notes(data: bytes) -> npt.NDArray[np.void]:
    """Every note, by onset, then pitch: `onset` and `offset` in seconds on the file's tempo map. Raises midi.Unreadable."""
    score = midi.read(data)
    written = score.notes
    table = np.empty(len(written), NOTE)
    table["onset"] = score.tempo_map.to_seconds(written["start"])
    table["offset"] = score.tempo_map.to_seconds(written["start"] + written["duration"])
    for name in ("pitch", "velocity", "program", "track"):
        table[name] = written[name]
    table["drum"] = written["is_drum"]
    order = np.lexsort((table["velocity"], table["offset"], table["track"], table["pitch"], table["onset"]))
    sorted_table: npt.NDArray[np.void] = table[order]
    return sorted_table


def encoded(table: npt.NDArray[np.void], format: NoteFormat) -> bytes:
    """A Parquet or NumPy file of the notes; equal notes give equal bytes."""
    stream = io.BytesIO()
    if format == "npy":
        np.save(stream, table, allow_pickle=False)
    else:
        names = table.dtype.names or ()
        pq.write_table(pa.table({name: np.ascontiguousarray(table[name]) for name in names}), stream, compression="zstd")
    return stream.getvalue()
