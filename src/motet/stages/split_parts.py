"""Songs become parts: one MIDI file per instrument, losing nothing."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from motet import midi, render
from motet.dataset.rows import File, MidiFacts, Part, Song
from motet.run import Drop, Settings, Tools, stage
from motet.stages.clean import read_source


class SplitParts(Settings):
    merge: midi.Merge = Field(
        default="none", description="a part per track, channel and program (none), per program, or per family of instruments"
    )


@stage(
    version=4,
    uses=[
        "sha256", "files.sha256", "files.size",
        "midi_facts.instrument_programs", "midi_facts.instrument_drums", "midi_facts.instrument_roles",
    ],
    timeout=60,
    libraries=["symusic"],
)  # fmt: skip
def split_parts(song: Song, file: File, facts: MidiFacts | None, settings: SplitParts, tools: Tools) -> Iterator[Part] | Drop:
    try:
        apart = midi.separate(read_source(file), settings.merge)
    except midi.Unreadable as error:
        return Drop(error.reason, error.detail)
    left_out = [f"track {one.track} {one.name}".rstrip() + f": {one.reason}" for one in apart.left_out]
    told = list(zip(facts.instrument_programs, facts.instrument_drums, facts.instrument_roles, strict=True)) if facts else []
    roles = render.roles([(part.program, part.is_drum) for part in apart.parts], told)
    return (
        Part(
            index=part.index,
            midi=tools.media.write(part.midi, ".mid"),
            name=part.name,
            role=roles[part.index],
            program=part.program,
            is_drum=part.is_drum,
            channel=part.channel,
            track_name=part.track_name,
            notes=part.notes,
            first_onset=part.first_onset,
            last_off=part.last_off,
            pitch_low=part.pitch_low,
            pitch_high=part.pitch_high,
            left_out=[] if part.index else left_out,
        )
        for part in apart.parts
    )
