"""Recordings become a catalogue: what each is known again by, and what its own tags say of it."""

from __future__ import annotations

from pydantic import Field

from motet.audio.errors import Unusable
from motet.dataset.rows import Catalogued, Collected
from motet.run import Drop, Settings, Tools, stage
from motet.stages.clean import source_of
from motet.stages.read_credits import credits_of


class ReadRecordings(Settings):
    shortest: float = Field(default=15.0, ge=0, description="seconds of sound, at least")
    longest: float = Field(default=3600.0, gt=0, le=24 * 3600, description="seconds of sound, at most")


@stage(version=1, takes="recording", uses=["sha256", "size"], timeout=3600, libraries=["av", "numpy", "scipy", "numba", "soxr"])
def read_recordings(file: Collected, settings: ReadRecordings, tools: Tools) -> Catalogued | Drop:
    try:
        return _read(file, settings, tools)
    except Unusable as error:
        return Drop(error.reason, error.detail)


def _read(file: Collected, settings: ReadRecordings, tools: Tools) -> Catalogued | Drop:
    from motet.audio.decoding import open_recording
    from motet.audio.resampling import mono
    from motet.film import locating

    with open_recording(source_of(file), longest=settings.longest) as recording:
        sound = locating.listen(mono(recording, locating.RATE))
        told = credits_of(recording.tags)
        fault = recording.fault
        if sound.seconds < settings.shortest:
            because = f": {fault.detail}" if fault else ""
            return Drop("too_short", f"{sound.seconds:.1f} s of sound, less than {settings.shortest:g}{because}")
        if not len(sound.times):
            return Drop("silent", "nothing is heard in it that could be known again")
        return Catalogued(
            sha256=file.sha256,
            seconds=round(sound.seconds, 6),
            rate=recording.rate,
            channels=recording.channels,
            codec=recording.codec,
            container=recording.container,
            cut_off=fault.detail if fault else "",
            artist=told.artist,
            title=told.title,
            album=told.album,
            isrc=told.isrc,
            copyright=told.copyright,
            licence=told.licence,
            licence_spdx=told.licence_spdx,
            sound=tools.media.write(sound.to_bytes(), ".sound"),
        )
