"""The stage `clean` with what was planted, for the runs with faults; and both recipes."""

from work import planted

from motet.dataset.rows import File, Song
from motet.files import on_disk
from motet.run import Drop, stage
from motet.stages import clean as real


@stage(version=1, takes="midi", uses=["sha256", "size"], timeout=20, libraries=["symusic"])
def clean(file: File, settings: real.Clean) -> Song | Drop:
    planted(on_disk(file.location))
    return real.clean.function(file, settings)
