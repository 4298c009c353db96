"""Films are listened to from end to end, at a low rate; their pictures are only counted. What cannot be used says why."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from motet.audio.errors import Unusable
from motet.dataset.rows import Collected, Movie
from motet.film.errors import FilmError
from motet.run import Drop, Settings, Tools, stage
from motet.stages.collect import film_at, where
from motet.stages.read_credits import credits_of


class ReadFilms(Settings):
    longest: float = Field(default=6 * 3600.0, gt=0, le=24 * 3600, description="seconds of a film, at most")
    truncated: Literal["drop", "keep"] = Field(default="drop", description="what becomes of a film that breaks off")
    unsteady: Literal["keep", "drop"] = Field(
        default="keep", description="what becomes of a film whose pictures are shown for unequal times; clips get equal ones"
    )


@stage(
    version=1,
    takes="film",
    uses=["path", "sha256", "size"],
    timeout=6 * 3600,
    libraries=["av", "numpy", "scipy", "numba", "soxr"],
)
def read_films(file: Collected, settings: ReadFilms, tools: Tools) -> Movie | Drop:
    if file.member >= 0:
        return Drop("in_archive", "a film is not read from inside an archive: unpack it")
    try:
        return _read(file, film_at(where(file), file.sha256), settings, tools)
    except (FilmError, Unusable) as error:
        return Drop(error.reason, error.detail)


def _read(file: Collected, path: Path, settings: ReadFilms, tools: Tools) -> Movie | Drop:
    from motet.audio.decoding import open_recording
    from motet.audio.resampling import mono
    from motet.film import locating, pictures, songs

    facts = pictures.film_facts(path, longest=settings.longest, whole=settings.truncated == "drop")
    if not facts.has_sound:
        return Drop("no_sound", f"{path.name} has no sound: no song can be heard in it")
    if not facts.steady and settings.unsteady == "drop":
        return Drop("unsteady", f"{path.name} shows its pictures for unequal times")
    with open_recording(path, longest=settings.longest) as recording:
        sound = locating.listen(mono(recording, locating.RATE))
        fault = recording.fault
    if fault and settings.truncated == "drop":
        return Drop("truncated", f"its sound breaks off: {fault.detail}")
    if not len(sound.times):
        return Drop("silent", f"nothing is heard in {path.name} that could be known again")
    name = songs.film_name(file.path.replace("\\", " "))  # no folder: what cannot be printed is written so
    told = credits_of(facts.tags)
    remarks = [*facts.remarks, *([f"sound: {fault.detail}"] if fault else [])]
    return Movie(
        sha256=file.sha256,
        title=name.title,
        year=name.year,
        seconds=round(facts.seconds, 6),
        fps=str(facts.fps),
        steady=facts.steady,
        width=facts.width,
        height=facts.height,
        codec=facts.codec,
        container=facts.container,
        sound_start=round(facts.sound_start, 6),
        sound_seconds=round(sound.seconds, 6),
        copyright=told.copyright,
        licence=told.licence,
        licence_spdx=told.licence_spdx,
        remarks=remarks,
        sound=tools.media.write(sound.to_bytes(), ".sound"),
    )
