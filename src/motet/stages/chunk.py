"""Stems become chunks: spans of one length, at the rate and loudness a model is trained on, each sound or with its fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from motet import render
from motet.audio.errors import Unusable
from motet.dataset.rows import Chunk, File, Separated
from motet.run import Drop, Settings, Tools, stage
from motet.stages.clean import source_of

if TYPE_CHECKING:
    from motet.audio.chunking import Span
    from motet.audio.decoding import Recording, Samples

_HEARD_AT_ONCE = 300.0  # seconds in which beats are looked for together
_BEATS_RATE = 22_050


class ChunkSettings(Settings):
    length: float = Field(default=30.0, ge=1, le=600, description="seconds of a chunk")
    shortest: float = Field(default=15.0, gt=0, description="seconds of a chunk, at least")
    overlap: float = Field(default=0.0, ge=0, description="seconds that a chunk shares with the next")
    cut: Literal["length", "beats", "silence"] = Field(default="length", description="exactly at the length, or near it")
    slack: float = Field(default=2.0, ge=0, description="seconds that a cut may move to a beat or a silence")
    tail: Literal["join", "drop", "keep"] = Field(
        default="join", description="what becomes of a rest that is too short: docs/recipes/musicgen.md"
    )
    rate: int = Field(default=32_000, ge=8000, le=192_000, description="samples per second")
    channels: Literal[1, 2] = Field(default=1, description="mono or stereo")
    loudness: float | None = Field(default=-16.0, ge=-70, le=0, description="LUFS of a chunk; empty: as it is")
    ceiling: float = Field(default=-1.0, ge=-60, le=0, description="highest true peak in dBTP; it wins over the loudness")
    silent: float = Field(default=-60.0, ge=-120, le=0, description="dBFS under which a moment is silent")
    most_silence: float = Field(default=0.5, ge=0, le=1, description="share of a chunk that may be silent")
    most_clipped: float = Field(default=0.001, ge=0, le=1, description="share of its samples that may be cut off at full scale")
    repeated: float = Field(
        default=0.95, ge=0, le=1, description="how alike to an earlier chunk of its recording one may not be; 1: all may stay"
    )
    format: Literal["flac", "wav"] = Field(default="flac", description="how chunks are kept, in 16 bits")

    @model_validator(mode="after")
    def _fitting(self) -> ChunkSettings:
        if not self.shortest <= self.length or not self.overlap <= 0.9 * self.length or not self.slack <= 0.5 * self.length:
            msg = "shortest <= length, overlap <= 0.9 length and slack <= 0.5 length must hold"
            raise ValueError(msg)
        return self


@stage(
    version=1,
    uses=[
        "stem", "audio", "rate", "channels", "layout", "frames", "voice", "gain_db",
        "files.sha256", "files.size",
    ],
    timeout=4 * 3600,
    libraries=["av", "numpy", "scipy", "soxr", "soundfile"],
)  # fmt: skip
def chunk(stem: Separated, file: File, settings: ChunkSettings, tools: Tools) -> Iterator[Chunk] | Drop:
    from motet.audio.chunking import plan

    if stem.frames < settings.shortest * stem.rate:
        return Drop("too_short", f"{stem.frames / stem.rate:.1f} s of sound, less than {settings.shortest:g}")
    try:
        spans = plan(
            stem.frames / stem.rate,
            stem.rate,
            length=settings.length,
            shortest=settings.shortest,
            overlap=settings.overlap,
            tail=settings.tail,
            cuts=_cuts(stem, file, settings, tools),
            slack=settings.slack,
        )
        if not spans:
            return Drop("too_short", f"no {settings.length:g} s of sound in {stem.frames / stem.rate:.1f} s")
        return iter(list(_chunks(stem, file, spans, settings, tools)))
    except Unusable as error:
        return Drop(error.reason, error.detail)


@contextmanager
def _opened(stem: Separated, file: File, tools: Tools) -> Iterator[tuple[Recording, Iterator[Samples]]]:
    """A stem's sound as it was heard: its recording, and the blocks."""
    from motet.audio.decoding import open_recording

    source = source_of(file) if stem.audio is None else Path(tools.media.path(stem.audio))
    gain = np.float32(10 ** (stem.gain_db / 20))
    with open_recording(source) as recording:
        blocks = recording.blocks()
        yield recording, blocks if stem.gain_db == 0 else (block * gain for block in blocks)


def _cuts(stem: Separated, file: File, settings: ChunkSettings, tools: Tools) -> Sequence[float] | None:
    """Seconds at which one would rather cut; None for anywhere."""
    if settings.cut == "length":
        return None
    from motet.audio.channels import downmix

    with _opened(stem, file, tools) as (recording, blocks):
        if settings.cut == "silence":
            from motet.audio.chunking import cuts_in
            from motet.audio.levels import Meter

            meter = Meter(recording.rate, recording.channels, silence_dbfs=settings.silent)
            for block in blocks:
                meter.add(block)
            return cuts_in(meter.levels().silences)
        from motet.audio.resampling import resampled

        mono = (downmix(block, recording.layout, 1) for block in blocks)
        return list(_beats(resampled(mono, recording.rate, _BEATS_RATE, "HQ")))


def _beats(blocks: Iterable[Samples]) -> Iterator[float]:
    """Beats in seconds; down-beats alone where they can be told. Minutes at a time, so that an hour needs no more memory."""
    from motet.audio.facts.beats import beats
    from motet.audio.facts.onsets import novelty
    from motet.audio.facts.tempo import tempo

    def heard(parts: list[Samples], start: int) -> Iterator[float]:
        sound = novelty(np.concatenate(parts)[:, 0], _BEATS_RATE)
        pulse = tempo(sound)
        if pulse is None:
            return
        found = beats(sound, pulse)
        chosen = found.times[np.asarray(found.downbeats, np.intp)] if len(found.downbeats) else found.times
        yield from (float(time) + start / _BEATS_RATE for time in chosen)

    held: list[Samples] = []
    start = come = 0
    for block in blocks:
        held.append(block)
        come += len(block)
        if come - start >= _HEARD_AT_ONCE * _BEATS_RATE:
            yield from heard(held, start)
            held, start = [], come
    if come - start > _BEATS_RATE:
        yield from heard(held, start)


def _chunks(stem: Separated, file: File, spans: list[Span], settings: ChunkSettings, tools: Tools) -> Iterator[Chunk]:
    from motet.audio import fingerprint
    from motet.audio.chunk_sound import Fitter, faults
    from motet.audio.resampling import resampled
    from motet.audio.twins import same_sound

    fitter = Fitter(settings.rate, settings.channels, settings.loudness, settings.ceiling)
    limits: Any = {"silent_db": settings.silent, "most_clipped": settings.most_clipped, "most_silence": settings.most_silence}
    earlier: list[tuple[int, fingerprint.Print]] = []
    with _opened(stem, file, tools) as (recording, blocks):
        raw = _Passing(blocks, spans)
        for index, (span, fitted) in enumerate(zip(spans, fitter.cut(raw, recording.rate, spans, recording.layout), strict=True)):
            found = faults(raw.of(index), recording.rate, **limits)
            if not found and settings.repeated < 1:
                mono = fitted.samples.mean(axis=1, keepdims=True)
                printed = fingerprint.fingerprint(resampled([mono], settings.rate, fingerprint.RATE, "HQ"))
                twin = next((other for other, one in earlier if same_sound(printed, one) >= settings.repeated), None)
                if twin is not None:
                    found = [("repeated", f"it sounds as chunk {twin} of its recording does")]
                earlier.append((index, printed))
            audio = None
            if not found:
                encoded = render.encode(fitted.samples, settings.rate, format=settings.format)
                audio = tools.media.write(encoded, f".{settings.format}")
            yield Chunk(
                index=index,
                stem=stem.stem,
                audio=audio,
                rate=settings.rate,
                channels=settings.channels,
                frames=len(fitted.samples),
                start_frame=span.start_frame,
                end_frame=span.end_frame,
                start=span.start_frame / recording.rate,
                end=span.end_frame / recording.rate,
                gain_db=fitted.gain_db,
                lufs=None if fitted.lufs is None else round(fitted.lufs, 3),
                true_peak_db=None if fitted.true_peak_db is None else round(fitted.true_peak_db, 3),
                limited=fitted.limited,
                voice=stem.voice,
                fault=found[0][0] if found else "",
                detail="; ".join(sentence for _, sentence in found),
            )


class _Passing:
    """Blocks that pass by, of which each span's own frames are kept until they are asked for."""

    def __init__(self, blocks: Iterable[Samples], spans: list[Span]) -> None:
        self._blocks, self._spans = blocks, spans
        self._kept: dict[int, list[Samples]] = {}
        self._frame = 0

    def __iter__(self) -> Iterator[Samples]:
        first = 0
        for block in self._blocks:
            end = self._frame + len(block)
            while first < len(self._spans) and self._spans[first].end_frame <= self._frame:
                first += 1
            for number in range(first, len(self._spans)):
                span = self._spans[number]
                if span.start_frame >= end:
                    break
                part = block[max(span.start_frame - self._frame, 0) : span.end_frame - self._frame]
                self._kept.setdefault(number, []).append(part)
            self._frame = end
            yield block

    def of(self, number: int) -> Samples:
        """A span's frames, once."""
        return np.concatenate(self._kept.pop(number))
