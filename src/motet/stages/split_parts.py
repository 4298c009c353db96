"""Songs become parts: one MIDI file per instrument, losing nothing."""

from __future__ import annotations

from collections.abc import Iterator

from motet import midi
from motet.dataset.rows import File, Part, Song
from motet.run import Drop, Tools, stage
from motet.stages.clean import read_source


@stage(version=2, uses=["sha256", "files.sha256", "files.size"], timeout=60, libraries=["symusic"])
def split_parts(song: Song, file: File, tools: Tools) -> Iterator[Part] | Drop:
    try:
        parts = midi.split(read_source(file))
    except midi.Unreadable as error:
        return Drop(error.reason, error.detail)
    return (
        Part(
            index=part.index,
            midi=tools.media.write(part.midi, ".mid"),
            program=part.program,
            is_drum=part.is_drum,
            channel=part.channel,
            track_name=part.track_name,
            notes=part.notes,
            first_onset=part.first_onset,
            last_off=part.last_off,
            pitch_low=part.pitch_low,
            pitch_high=part.pitch_high,
        )
        for part in parts
    )
