"""Songs get what the search for duplicates compares: patterns of their melodies, and their notes in a compact form."""

from __future__ import annotations

from motet import duplicates, midi
from motet.dataset.rows import File, Fingerprint, Song
from motet.run import Drop, stage
from motet.stages.clean import read_source


@stage(version=3, uses=["sha256", "files.sha256", "files.size"], timeout=60, libraries=["symusic"])
def fingerprint(song: Song, file: File) -> Fingerprint | Drop:
    try:
        voices = duplicates.voices(midi.read(read_source(file)))
    except midi.Unreadable as error:
        return Drop(error.reason, error.detail)
    sketch = duplicates.sketch(duplicates.patterns(voices))
    return Fingerprint(sketch=sketch.astype("<u8").tobytes(), voices=voices.pack())
