"""Chunks become clips: with genres, moods and instruments that models hear or that the recording's own tags tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from motet import midi, text
from motet.audio.errors import Unusable
from motet.audio.tagging import Tagger, load
from motet.dataset.rows import AudioFacts, Credits, RecordedClip
from motet.midi.key import Mode
from motet.run import Settings, Tools, stage
from motet.run.stage import versions
from motet.sources import tags as spelling
from motet.text.record import LONGEST_NAME, Key, Tempo

_WRITTEN = "file"  # the source of what a recording's own tags say
_SURE_OF_WRITTEN = 0.8  # an estimate: nobody checked what people write into files


class Tag(Settings):
    models: list[str] = Field(default=[], description="files that describe taggers: docs/recipes/musicgen.md")
    written: bool = Field(default=True, description="take the genre that a recording's own tags tell")


def _contents(settings: Tag) -> Mapping[str, str]:
    # Loaded, since what cannot be used is told before the work begins.
    models = {str(number): load(Path(one).expanduser()).digest for number, one in enumerate(settings.models)}
    return {**models, **versions(["onnxruntime", "torch", "transformers", "essentia"])} if models else {}


def _load(settings: Tag) -> list[Tagger]:
    return [load(Path(one).expanduser()) for one in settings.models]


@dataclass(frozen=True)
class _Told:
    name: str
    kind: str
    weight: float
    confidence: float
    source: str


@stage(
    version=1,
    uses=[
        "index", "stem", "audio", "rate", "channels", "frames", "start", "end", "voice", "tempo", "tempo_confidence",
        "tempo_steady", "key_tonic", "key_mode", "key_confidence", "lufs", "brightness", "energy",
        "credits.artist", "credits.title", "credits.genres", "credits.licence", "credits.licence_spdx",
    ],
    timeout=1800,
    libraries=["numpy", "soxr"],
    contents=_contents,
    setup=_load,
)  # fmt: skip
def tag(facts: AudioFacts, credits: Credits | None, settings: Tag, tools: Tools) -> RecordedClip:
    told, left_empty = list[_Told](), list[str]()
    if credits is not None and settings.written:
        told += _written(credits)
    told += _heard(facts, tools, left_empty)
    told.sort(key=lambda one: (-one.weight, -one.confidence, one.name))
    by_kind = {
        kind: list(dict.fromkeys(one.name for one in told if one.kind == kind)) for kind in ("genre", "mood", "instrument")
    }
    why = "none that listened gave any" if settings.models else "no model listened (tag.models)"
    left_empty += [f"{kind}s: {why}" for kind, names in by_kind.items() if not names]
    return RecordedClip(
        index=facts.index,
        stem=facts.stem,
        audio=facts.audio,
        rate=facts.rate,
        channels=facts.channels,
        start_frame=0,
        end_frame=facts.frames,
        start=facts.start,
        end=facts.end,
        tempo=facts.tempo,
        tempo_confidence=facts.tempo_confidence,
        key=_key(facts) or None,
        key_confidence=facts.key_confidence,
        lufs=facts.lufs,
        brightness=facts.brightness,
        energy=facts.energy,
        voice=facts.voice,
        genres=by_kind["genre"],
        moods=by_kind["mood"],
        instruments=by_kind["instrument"],
        tags=[one.name for one in told],
        tag_kinds=[one.kind for one in told],
        tag_weights=[round(one.weight, 4) for one in told],
        tag_confidences=[round(one.confidence, 4) for one in told],
        tag_sources=[one.source for one in told],
        artist=credits.artist if credits else "",
        title=credits.title if credits else "",
        licence=(credits.licence_spdx or credits.licence) if credits else "",
        left_empty=left_empty,
        record=_record(facts, told).to_json(),
    )


def _written(credits: Credits) -> Iterator[_Told]:
    """The genres in the file's own tags, in one spelling."""
    for one in spelling.normalise([(genre, None, _WRITTEN) for genre in credits.genres], credits.artist, credits.title):
        yield _Told(one.name, one.kind, one.weight, round(_SURE_OF_WRITTEN * one.confidence, 4), _WRITTEN)


def _heard(facts: AudioFacts, tools: Tools, left_empty: list[str]) -> Iterator[_Told]:
    taggers: list[Tagger] = tools.equipment
    if not taggers:
        return
    from motet import render

    samples, rate = render.decode(Path(tools.media.path(facts.audio)))
    mono = samples.mean(axis=1)
    for one in taggers:
        try:
            found = one.tags(mono, rate)
        except Unusable as error:
            left_empty.append(f"{one.source}: {error.detail}")
            continue
        if not found:
            left_empty.append(one.left_empty)
        yield from (_Told(tag.name, tag.kind, tag.weight, tag.confidence, tag.source) for tag in found)


def _key(facts: AudioFacts) -> str:
    """ "E flat major"; "" where it cannot be told."""
    if facts.key_tonic is None or not facts.key_mode:
        return ""
    found: tuple[int, Mode] = (facts.key_tonic, facts.key_mode)  # type: ignore[assignment]
    return midi.Key(*found, 0.0, found, 0.0).name


def _record(facts: AudioFacts, told: list[_Told]) -> text.Record:
    """What a caption may tell of the clip."""
    key = None
    if name := _key(facts):
        key = Key(tonic=name.rpartition(" ")[0], mode=facts.key_mode, confidence=facts.key_confidence)  # type: ignore[arg-type]
    tempo = None
    if facts.tempo is not None:
        tempo = Tempo(bpm=facts.tempo, steady=facts.tempo_steady, confidence=facts.tempo_confidence)
    tags = tuple(
        text.Tag(name=one.name, kind=one.kind, weight=one.weight, confidence=one.confidence, source=one.source)  # type: ignore[arg-type]
        for one in told
        if one.name.isprintable() and len(one.name) <= LONGEST_NAME
    )
    return text.Record(seconds=round(facts.frames / facts.rate, 3), tempo=tempo, key=key, tags=tags or None)
