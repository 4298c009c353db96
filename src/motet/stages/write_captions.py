"""Clips get a sentence that their facts support."""

from __future__ import annotations

from pydantic import Field

from motet import text
from motet.dataset.rows import Caption, Clip
from motet.run import Settings, Tools, stage


class WriteCaptions(Settings):
    instruments: int = Field(default=4, ge=1, le=12, description="instruments named, at most")
    numbers: bool = Field(default=True, description="give the tempo in beats per minute, not only in words")


@stage(
    version=1,
    uses=[
        "start",
        "end",
        "tempo",
        "tempo_steady",
        "metre",
        "instruments",
        "instrument_notes",
        "has_drums",
        "notes_per_second",
    ],
    draws=True,
    timeout=10,
)
def write_captions(clip: Clip, settings: WriteCaptions, tools: Tools) -> Caption:
    facts = text.ClipFacts(
        seconds=clip.end - clip.start,
        tempo=clip.tempo,
        tempo_steady=clip.tempo_steady,
        metre=clip.metre,
        instruments=dict(zip(clip.instruments, clip.instrument_notes, strict=True)),
        has_drums=clip.has_drums,
        notes_per_second=clip.notes_per_second,
    )
    sentence = text.sentence(facts, tools.random, instruments=settings.instruments, numbers=settings.numbers)
    return Caption(text=sentence, writer="grammar")
