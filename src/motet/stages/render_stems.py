"""Parts become stems: each instrument played alone, on the song's own clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from motet import render
from motet.dataset.rows import Part, Stem
from motet.errors import UserError
from motet.run import Drop, Settings, Tools, stage
from motet.run.stage import Cost

SILENCE = 2**-15  # one step of 16 bits


class RenderStems(Settings):
    synth: str = Field(default="tinysoundfont", description="the engine that plays")
    font: str = Field(default="auto", description="a SoundFont file; auto takes MOTET_SOUNDFONT, or the one that came along")
    rate: int = Field(default=44100, ge=8000, le=192000, description="samples per second")


@dataclass(frozen=True)
class _Player:
    synth: render.Synth
    font: render.Font
    version: str


def _font(settings: RenderStems) -> render.Font:
    try:
        return render.find(settings.font)
    except render.FontError as error:
        raise UserError(f"{error.detail.rstrip('.')}.") from None


def _contents(settings: RenderStems) -> Mapping[str, str]:
    font = _font(settings)
    try:
        render.load(font, settings.rate, synth=settings.synth)
    except render.RenderError as error:
        raise UserError(f"{error.detail.rstrip('.')}.") from None
    return {"font": font.sha256, "synth": render.version(settings.synth)}


def _load(settings: RenderStems) -> _Player:
    font = _font(settings)
    synth = render.load(font, settings.rate, synth=settings.synth)
    return _Player(synth, font, render.version(settings.synth))


def _cost(part: Mapping[str, float], settings: RenderStems) -> Cost:
    # Measured: a stereo stream of FLAC takes about 1.2 bits a sample bit; the first part carries the mix as well.
    streams = 2 if part["index"] == 0 else 1
    seconds = part["last_off"] + 2
    return Cost(seconds=seconds / 80 * streams, media_bytes=seconds * settings.rate * 4 * 0.35 * streams)


@stage(
    version=1,
    uses=["index", "midi", "last_off"],
    timeout=300,
    libraries=["soundfile", "numpy"],
    contents=_contents,
    setup=_load,
    cost=_cost,
)
def render_stems(part: Part, settings: RenderStems, tools: Tools) -> Stem | Drop:
    player: _Player = tools.equipment
    try:
        (audio,) = player.synth.render([tools.media.read(part.midi)])
    except render.RenderError as error:  # the part's own fault: it would be the same again
        return Drop(error.reason, error.detail)
    peak = float(np.abs(audio).max()) if audio.size else 0.0
    stored = render.stored_gain(audio)
    return Stem(
        index=part.index,
        audio=tools.media.write(render.encode(audio, settings.rate, gain_db=-stored), ".flac"),
        rate=settings.rate,
        frames=len(audio),
        stored_gain_db=stored,
        peak_db=round(20 * math.log10(peak), 3) if peak else None,
        silent=peak < SILENCE,
        synth=settings.synth,
        synth_version=player.version,
        font=player.font.name,
        font_sha256=player.font.sha256,
        font_licence=player.font.licence,
    )
