"""Stems become a mix: each brought to the loudness of its role, summed, and the sum brought towards a loudness by one gain."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from motet import render
from motet.dataset.rows import AudioCheck, Mix, Stem
from motet.run import Drop, Settings, Tools, stage


class MixStems(Settings):
    lufs: float = Field(default=-14.0, ge=-60, le=0, description="integrated loudness aimed at (BS.1770)")
    ceiling: float = Field(default=-1.0, ge=-30, le=0, description="highest true peak in dBTP; it wins over the loudness")
    balance: Literal["roles", "as_played"] = Field(
        default="roles",
        description="bring each stem to the loudness of its role, louder or softer as its own volume asks; or leave it",
    )
    roles: dict[str, float] = Field(
        default_factory=dict, description=f"LUFS of a role in place of the usual: {dict(render.LOUDNESS)}"
    )
    most: float = Field(default=12.0, ge=0, le=60, description="dB that a stem is made louder or softer for its role, at most")
    missing: Literal["drop", "go_on"] = Field(default="drop", description="what a stem that could not be made does to its mix")
    faulty: Literal["keep", "leave_out", "drop"] = Field(
        default="keep", description="what a stem that check_audio finds fault with does: stay, be left out, or drop its mix"
    )
    format: render.Format = Field(default="flac", description="flac, wav, ogg, opus or mp3; only the first two lose nothing")
    picture: int = Field(default=800, ge=0, description="pairs of peaks kept for a picture of the waveform")

    @field_validator("roles")
    @classmethod
    def _known(cls, roles: dict[str, float]) -> dict[str, float]:
        for role, lufs in roles.items():
            if role not in render.LOUDNESS or not -70 <= lufs <= 0:
                msg = f"roles are {', '.join(render.LOUDNESS)}, at -70 to 0 LUFS, not {role}: {lufs}"
                raise ValueError(msg)
        return roles


def warm_up(settings: Settings) -> None:
    """The first loudness loads SciPy: seconds that are no song's own."""
    render.integrated_loudness(np.zeros((8000, 2), np.float32), 8000)


@stage(
    version=2,
    uses=[
        "index", "take", "audio", "rate", "channels", "stored_gain_db", "lufs", "role", "volume_db", "transpose", "speed",
        "sound", "licence", "repeatable",
        "audio_checks.index", "audio_checks.take", "audio_checks.faults",
    ],
    timeout=600,
    libraries=["soundfile", "numpy", "scipy"],
    setup=warm_up,
)  # fmt: skip
def mix_stems(stems: list[Stem], checks: list[AudioCheck], settings: MixStems, tools: Tools) -> Iterator[Mix] | Drop:
    if tools.missing and settings.missing == "drop":
        first = tools.missing[0]
        return Drop("missing_stem", f"part {first.index} {first.status}: {first.reason}")
    faulty = {(one.take, one.index): one.faults for one in checks if one.faults} if settings.faulty != "keep" else {}
    if faulty and settings.faulty == "drop":
        (_, index), faults = next(iter(sorted(faulty.items())))
        return Drop("faulty_stem", f"part {index}: {', '.join(faults)}")
    sound = [stem for stem in stems if (stem.take, stem.index) not in faulty]
    if not sound:
        return Drop("faulty_stem", "every stem has a fault")
    absent = {missing.index for missing in tools.missing}
    by_take = groupby(sorted(sound, key=attrgetter("take", "index")), key=attrgetter("take"))
    return (
        _mix(list(members), sorted(absent | {index for other, index in faulty if other == take}), settings, tools)
        for take, members in by_take
    )


def _mix(stems: list[Stem], missing: list[int], settings: MixStems, tools: Tools) -> Mix:
    rate = stems[0].rate
    gains = [round(stem.stored_gain_db + _balance(stem, settings), 3) for stem in stems]
    mixed = render.mix(
        (render.pieces(tools.media.path(stem.audio)) for stem in stems),
        gains,
        sample_rate=rate,
        channels=1 if stems[0].channels == 1 else 2,
        target_lufs=settings.lufs,
        ceiling_dbtp=settings.ceiling,
    )
    sources = dict(sorted({stem.sound: stem.licence for stem in stems}.items()))
    return Mix(
        take=stems[0].take,
        audio=tools.media.write(render.encode(mixed.audio, rate, format=settings.format), f".{settings.format}"),
        rate=rate,
        channels=stems[0].channels,
        frames=len(mixed.audio),
        seconds=len(mixed.audio) / rate,
        gain_db=mixed.gain_db,
        lufs=None if mixed.lufs is None else round(mixed.lufs, 3),
        true_peak_db=None if mixed.true_peak_db is None else round(mixed.true_peak_db, 3),
        ceiling_won=mixed.ceiling_won,
        stem_indices=[stem.index for stem in stems],
        stem_gains_db=[round(gain + mixed.gain_db, 3) for gain in gains],
        missing_stems=missing,
        peaks=[int(v) for v in render.peaks(mixed.audio, settings.picture).ravel()],
        transpose=stems[0].transpose,
        speed=stems[0].speed,
        sounds=list(sources),
        licences=list(sources.values()),
        repeatable=all(stem.repeatable for stem in stems),
    )


def _balance(stem: Stem, settings: MixStems) -> float:
    if settings.balance == "as_played":
        return 0.0
    return render.balance(stem.role, stem.lufs, stem.volume_db, {**render.LOUDNESS, **settings.roles}, settings.most)
