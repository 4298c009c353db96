"""Files become songs: read strictly, then sanitising; what cannot be used is dropped with a named reason."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import Field

from motet import files, midi
from motet.dataset.rows import File, Song
from motet.run import Drop, Settings, Unanswered, stage
from motet.stages.scan import found

_IN_MEMORY = 64 << 20  # bytes; a larger file is read from where it lies


class Clean(Settings):
    shortest: float = Field(default=5.0, ge=0, description="seconds of music, at least")
    longest: float = Field(default=900.0, gt=0, description="seconds of music, at most")
    largest: int = Field(default=8 << 20, gt=0, description="bytes of a file, at most")


def read_source(file: File) -> bytes:
    """The file's bytes as they were scanned; a file that went or changed since is asked again on the next run."""
    try:
        return files.read(found(file))
    except files.FilesError as error:
        if isinstance(error, files.Unreadable):
            raise
        raise Unanswered(error.detail) from None


def source_of(file: File) -> bytes | Path:
    """A file's bytes, or of a large one on disk its path, once its content was seen to be what was scanned."""
    if file.member >= 0 or file.size <= _IN_MEMORY:
        return read_source(file)
    path = Path(files.on_disk(file.location))
    try:
        with path.open("rb") as opened:
            same = hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
    except OSError as error:
        raise Unanswered(f"{file.location} cannot be read: {error.strerror}") from None
    if not same:
        raise Unanswered(f"{file.inner_path} is no longer what was scanned: scan it again")
    return path


@stage(version=3, takes="midi", uses=["sha256", "size"], timeout=20, libraries=["symusic"])
def clean(file: File, settings: Clean) -> Song | Drop:
    if file.size > settings.largest:
        return Drop("too_large", f"{file.size:,} bytes, more than {settings.largest:,}")
    try:
        score = midi.read(read_source(file))
    except midi.Unreadable as error:
        return Drop(error.reason, error.detail)
    facts = midi.facts(score)
    if facts.first_onset is None or facts.pitch_low is None or facts.pitch_high is None:
        return Drop("no_notes", "the file has no notes")
    if facts.duration < settings.shortest:
        return Drop("too_short", f"{facts.duration:.1f} s of music")
    if facts.duration > settings.longest:
        return Drop("too_long", f"{facts.duration:.0f} s of music")
    clock = score.tempo_map.to_rows()
    return Song(
        sha256=file.sha256,
        read_as=score.how,
        division=clock["division"],
        seconds=facts.duration,
        first_onset=facts.first_onset,
        last_tick=score.last_off,
        notes=facts.notes,
        tracks=facts.tracks,
        tempo=facts.tempo_mean,
        tempo_min=facts.tempo_min,
        tempo_max=facts.tempo_max,
        tempo_changes=clock["tempi"],
        metre_changes=clock["metres"],
        programs=list(facts.programs),
        has_drums=facts.has_drums,
        pitch_low=facts.pitch_low,
        pitch_high=facts.pitch_high,
        notes_digest=facts.notes_digest,
    )
