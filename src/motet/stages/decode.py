"""Files become recordings: decoded once from end to end, measured, and printed for the search for twins."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from motet.audio.errors import Unusable
from motet.dataset.rows import File, Recording
from motet.run import Drop, Settings, stage
from motet.stages.clean import source_of


class Decode(Settings):
    shortest: float = Field(default=15.0, ge=0, description="seconds of sound, at least")
    longest: float = Field(default=4 * 3600.0, gt=0, le=24 * 3600, description="seconds of sound, at most")
    cut_off: Literal["keep", "drop"] = Field(
        default="keep", description="what becomes of a file that ends before its header says, or is damaged on the way"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Decode:
        if self.shortest > self.longest:
            msg = "shortest <= longest must hold"
            raise ValueError(msg)
        return self


@stage(version=1, uses=["sha256", "size"], timeout=3600, libraries=["av", "numpy", "soxr"])
def decode(file: File, settings: Decode) -> Recording | Drop:
    try:
        return _decoded(file, settings)
    except Unusable as error:
        return Drop(error.reason, error.detail)


def _decoded(file: File, settings: Decode) -> Recording | Drop:
    from motet.audio import fingerprint
    from motet.audio.channels import downmix
    from motet.audio.decoding import open_recording
    from motet.audio.levels import Meter, metered
    from motet.audio.resampling import resampled

    with open_recording(source_of(file), longest=settings.longest) as recording:
        meter = Meter(recording.rate, recording.channels)
        mono = (downmix(block, recording.layout, 1) for block in metered(recording.blocks(), meter))
        printed = fingerprint.fingerprint(resampled(mono, recording.rate, fingerprint.RATE, "HQ"))
        levels, fault = meter.levels(), recording.fault
        if levels.seconds < settings.shortest:
            return Drop("too_short", f"{levels.seconds:.1f} s of sound, less than {settings.shortest:g}{_because(fault)}")
        if levels.peak_dbfs is None:
            return Drop("silent", "every sample of it is zero")
        if fault and settings.cut_off == "drop":
            return Drop(fault.reason, fault.detail)
        return Recording(
            sha256=file.sha256,
            content=levels.sha256,
            seconds=round(levels.seconds, 6),
            tempo=None,
            rate=recording.rate,
            channels=recording.channels,
            layout=recording.layout,
            codec=recording.codec,
            container=recording.container,
            peak_db=round(levels.peak_dbfs, 3),
            rms_db=None if levels.rms_dbfs is None else round(levels.rms_dbfs, 3),
            clipped=round(levels.clipped, 6),
            silent=round(levels.silent, 6),
            one_channel=levels.same_channels,
            cut_off=fault.detail if fault else "",
            print=printed.astype("<u4").tobytes(),
        )


def _because(fault: Any) -> str:
    return f": {fault.detail}" if fault else ""
