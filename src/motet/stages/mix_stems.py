"""Stems become a mix: their sum, brought towards a loudness by one linear gain."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from motet import render
from motet.dataset.rows import Mix, Stem
from motet.run import Drop, Settings, Tools, stage


class MixStems(Settings):
    lufs: float = Field(default=-14.0, ge=-60, le=0, description="integrated loudness aimed at (BS.1770)")
    ceiling: float = Field(default=-1.0, ge=-30, le=0, description="highest true peak in dBTP; it wins over the loudness")
    missing: Literal["drop", "go_on"] = Field(default="drop", description="what a stem that could not be made does to its mix")
    picture: int = Field(default=800, ge=0, description="pairs of peaks kept for a picture of the waveform")


def warm_up(settings: Settings) -> None:
    """The first loudness loads SciPy: seconds that are no song's own."""
    render.integrated_loudness(np.zeros((8000, 2), np.float32), 8000)


@stage(
    version=1,
    uses=["index", "audio", "rate", "stored_gain_db", "font", "font_licence"],
    timeout=300,
    libraries=["soundfile", "numpy", "scipy", "pyloudnorm"],
    setup=warm_up,
)
def mix_stems(stems: list[Stem], settings: MixStems, tools: Tools) -> Mix | Drop:
    if tools.missing and settings.missing == "drop":
        first = tools.missing[0]
        return Drop("missing_stem", f"part {first.index} {first.status}: {first.reason}")
    rate = stems[0].rate
    recordings = (render.decode(tools.media.path(stem.audio))[0] for stem in stems)
    gains = [stem.stored_gain_db for stem in stems]
    mixed = render.mix(recordings, gains, sample_rate=rate, target_lufs=settings.lufs, ceiling_dbtp=settings.ceiling)
    return Mix(
        audio=tools.media.write(render.encode(mixed.audio, rate), ".flac"),
        rate=rate,
        frames=len(mixed.audio),
        seconds=len(mixed.audio) / rate,
        gain_db=mixed.gain_db,
        lufs=None if mixed.lufs is None else round(mixed.lufs, 3),
        true_peak_db=None if mixed.true_peak_db is None else round(mixed.true_peak_db, 3),
        ceiling_won=mixed.ceiling_won,
        stem_indices=[stem.index for stem in stems],
        stem_gains_db=[round(stem.stored_gain_db + mixed.gain_db, 3) for stem in stems],
        missing_stems=[m.index for m in tools.missing],
        peaks=[int(v) for v in render.peaks(mixed.audio, settings.picture).ravel()],
        font=stems[0].font,
        font_licence=stems[0].font_licence,
    )
