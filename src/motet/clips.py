"""The audio and the MIDI of a clip, cut on demand: a clip is a span of its song, not a copy. And what is played in it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from motet import midi, render
from motet.dataset.folder import Dataset
from motet.dataset.query import quoted
from motet.errors import UserError
from motet.render.encoding import nameless

MP3_QUALITY = 0.45  # libsndfile's compression level: about 130 kbit/s, clean enough to judge a render by


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


@dataclass(frozen=True)
class Played:
    """The notes of one part in a span, clipped at both ends: seconds within the span, and the rows of `Score.notes`."""

    begins: npt.NDArray[np.float64]
    stops: npt.NDArray[np.float64]
    notes: npt.NDArray[Any]


@dataclass(frozen=True)
class Span:
    """What is played between two ticks: bar lines and beats in seconds within it, and its parts in the order of the scores."""

    bars: npt.NDArray[np.float64]
    beats: npt.NDArray[np.float64]
    parts: list[Played]


def played(scores: Sequence[midi.Score], start_tick: int, end_tick: int) -> Span:
    """Parts of one song (at least one) from tick to tick, on the clock of the first."""
    clock = scores[0].tempo_map
    start, end = clock.to_seconds([start_tick, end_tick]).tolist()
    lines = clock.bar_lines(end_tick)
    bars = lines[(lines >= start_tick) & (lines <= end_tick)]
    parts = []
    for score in scores:
        notes = score.notes
        notes = notes[(notes["start"] < end_tick) & (notes["start"] + notes["duration"] > start_tick)]
        begins = np.maximum(clock.to_seconds(notes["start"]) - start, 0.0)
        stops = np.minimum(clock.to_seconds(notes["start"] + notes["duration"]), end) - start
        parts.append(Played(begins, stops, notes))
    return Span(clock.to_seconds(bars) - start, clock.to_seconds(_beats(clock, lines, start_tick, end_tick)) - start, parts)


def _beats(clock: midi.TempoMap, lines: npt.NDArray[Any], start_tick: int, end_tick: int) -> npt.NDArray[np.int64]:
    """The ticks of a span at which its metres count."""
    beats: list[npt.NDArray[np.int64]] = [np.zeros(0, np.int64)]
    for first, last in zip(lines, [*lines[1:], end_tick + 1], strict=True):
        if last > start_tick:
            top, bottom = clock.metre_at(int(first))
            step = clock.from_quarters(4 / bottom)
            beats.append(np.arange(first, last, max(step, 1))[:top])
    counted = np.concatenate(beats)
    return counted[(counted >= start_tick) & (counted <= end_tick)]


def mp3(audio: npt.NDArray[np.float32], rate: int) -> bytes:
    """An MP3 of about 130 kbit/s of audio (frames, 1 or 2); b"" where this machine's libsndfile writes none, or not this rate."""
    with nameless() as stream:
        try:
            with soundfile.SoundFile(
                stream.fileno(), "w", rate, audio.shape[1], "MPEG_LAYER_III", None, "MP3", False, compression_level=MP3_QUALITY
            ) as file:
                file.write(audio)
        except soundfile.SoundFileError as error:
            logging.getLogger(__name__).warning("no MP3 for the page: %s", error)
            return b""
        stream.seek(0)
        return stream.read()
