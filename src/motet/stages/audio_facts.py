"""Chunks get the facts that can be heard: tempo, beats, key, loudness, timbre, each with its confidence and who says so."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from motet.audio.errors import Unusable
from motet.dataset.rows import AudioFacts, Chunk
from motet.errors import UserError
from motet.run import Drop, Settings, Tools, stage
from motet.run.stage import versions


class AudioFactsSettings(Settings):
    by: Literal["motet", "essentia"] = Field(default="motet", description="who listens for tempo, beats and key")


def _ready(settings: AudioFactsSettings) -> Mapping[str, str]:
    if settings.by == "essentia":
        from importlib.util import find_spec

        if find_spec("essentia") is None:
            raise UserError('Listening by essentia needs it: pip install "motet[essentia]", or --set audio_facts.by=motet.')
        return versions(["essentia"])
    return {}


def _warm_up(settings: AudioFactsSettings) -> None:
    """What is compiled or loaded at the first chunk takes seconds that are no chunk's own."""
    import numpy as np

    from motet.audio.facts.describe import describe

    noise = np.random.default_rng(0).standard_normal((4 * 22_050, 1)).astype(np.float32) * 0.1
    describe(noise, 22_050, by=settings.by)


@stage(
    version=1,
    uses=["index", "stem", "audio", "rate", "channels", "frames", "start", "end", "voice", "fault", "detail"],
    timeout=600,
    libraries=["numpy", "scipy", "soxr", "soundfile"],
    contents=_ready,
    setup=_warm_up,
)
def audio_facts(chunk: Chunk, settings: AudioFactsSettings, tools: Tools) -> AudioFacts | Drop:
    if chunk.audio is None:
        return Drop(chunk.fault, chunk.detail)
    from motet import render
    from motet.audio.facts.describe import describe

    samples, rate = render.decode(Path(tools.media.path(chunk.audio)))
    try:
        told = describe(samples, rate, by=settings.by)
    except Unusable as error:
        return Drop(error.reason, error.detail)
    tempo, beats, key, timbre = told.tempo, told.beats, told.key, told.timbre
    return AudioFacts(
        index=chunk.index,
        stem=chunk.stem,
        audio=chunk.audio,
        rate=chunk.rate,
        channels=chunk.channels,
        frames=chunk.frames,
        start=chunk.start,
        end=chunk.end,
        voice=chunk.voice,
        by=told.by["tempo"],
        tempo=round(tempo.bpm, 3) if tempo else None,
        tempo_confidence=round(tempo.confidence, 4) if tempo else None,
        tempo_steady=tempo.steady if tempo else None,
        tempo_others=[round(bpm, 3) for bpm, _ in tempo.alternatives] if tempo else [],
        beats=[round(float(time), 4) for time in beats.times] if beats else [],
        downbeats=[int(one) for one in beats.downbeats] if beats else [],
        beats_per_bar=beats.beats_per_bar if beats else None,
        beats_confidence=round(beats.confidence, 4) if beats else None,
        key_tonic=key.tonic if key else None,
        key_mode=key.mode if key else None,
        key_confidence=round(key.confidence, 4) if key else None,
        key_runner_up=key.runner_up_name if key else None,
        tuning_cents=_rounded(told.tuning_cents),
        lufs=_rounded(told.dynamics.lufs),
        loudness_range=_rounded(told.dynamics.range_lu),
        crest_db=_rounded(told.dynamics.crest_db),
        centroid_hz=_rounded(timbre.centroid_hz) if timbre else None,
        brightness=_rounded(timbre.brightness) if timbre else None,
        energy=_rounded(told.energy),
        section_times=[round(one.start, 3) for one in told.sections[1:]],
        facts=json.dumps(_short(told.as_dict()), sort_keys=True),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)


def _short(told: Any) -> Any:
    """Six digits: the last ones are a processor's, not the music's."""
    if isinstance(told, float):
        return float(f"{told:.6g}") if math.isfinite(told) else None
    if isinstance(told, dict):
        return {name: _short(one) for name, one in told.items()}
    return [_short(one) for one in told] if isinstance(told, list) else told
