"""The sounds, the notes and the film of an example: where they lie in the media, and whether they are there and whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from motet.errors import UserError
from motet.explorer.held import Held, NotThere

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from motet.dataset.folder import Dataset

MENDED = "`motet check --repair` and a build make it again"
HASHED = 1 << 28  # bytes of a file that is compared with its name before it is given


def stored_path(dataset: Dataset, reference: str) -> Path:
    """A file of the dataset's media, wherever these lie. Raises NotThere for one that is gone, or lies elsewhere."""
    path, media = dataset.media.path(reference), dataset.folder / "media"
    with suppress(OSError, ValueError, RuntimeError):  # RuntimeError: links in a circle
        if path.resolve(strict=True).is_relative_to(media.resolve()) and path.is_file() and path.stat().st_size:
            return path
    raise NotThere(f"{reference} is gone: {MENDED}.")


def whole_path(dataset: Dataset, reference: str) -> Path:
    """The same of a file that is given as it lies there, whose content must be what its name says. Raises NotThere."""
    path = stored_path(dataset, reference)
    state = path.stat()
    if state.st_size <= HASHED and not _is_whole(path, state.st_mtime_ns, state.st_size):
        raise NotThere(f"{reference} is damaged: {MENDED}.")
    return path


@lru_cache(maxsize=4096)
def _is_whole(path: Path, touched: int, size: int) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == path.name.partition(".")[0]


def midi_of(dataset: Dataset, reference: str) -> bytes:
    """A stored MIDI file. Raises NotThere for one that is gone or damaged."""
    return whole_path(dataset, reference).read_bytes()


@dataclass(frozen=True)
class Laid:
    """Where a sound lies in the media: frames start … end of a stored file of so many, times a gain."""

    reference: str
    rate: int
    channels: int
    frames: int
    start: int
    end: int
    gain_db: float = 0.0

    @property
    def whole(self) -> bool:
        return (self.start, self.end, self.gain_db) == (0, self.frames, 0.0)

    def pieces(self, dataset: Dataset, edges: Sequence[int]) -> Iterator[npt.NDArray[np.float32]]:
        """The frames between each edge and the next, counted from `start`: float32 (frames, channels).

        Silent where the file has ended. Raises NotThere where it is gone or damaged.
        """
        from motet.exporting.media import sound

        stored_path(dataset, self.reference)
        for first, last in pairwise(edges):
            span = (self.start + first, self.start + last)
            try:
                heard = sound(dataset, self.reference, self.rate, self.channels, self.frames, span, self.gain_db).samples()
            except UserError:
                raise NotThere(f"{self.reference} is damaged: {MENDED}.") from None
            yield heard


def laid(held: Held, what: str) -> Laid | None:
    """Where `mix`, `film-sound` or `stem-<index>` of an example lies; None for what it has not."""
    row, example = held.row, held.example
    if what == "mix" and held.table == "labels" and row.get("heard_file"):
        frames, channels = (*row["heard_shape"], 1)[:2]
        return Laid(row["heard_file"], row["heard_rate"], channels, frames, 0, frames)
    if example is None:
        return None
    of_song = held.table == "songs"
    if what.startswith("stem-"):
        stem = next((one for one in row.get("stems") or () if what == f"stem-{one['index']}"), None)
        if stem is None or stem["index"] not in row["stem_indices"]:
            return None
        gain = row["stem_gains_db"][row["stem_indices"].index(stem["index"])]
        start, end = (0, row["frames"]) if of_song else (row["start_frame"], row["end_frame"])
        return Laid(stem["audio"], row["mix_rate"], stem["channels"], stem["frames"], start, end, gain)
    if what == "film-sound" and row.get("film_audio"):
        return Laid(row["film_audio"], row["rate"], row["channels"], row["end_frame"], row["start_frame"], row["end_frame"])
    if what != "mix" or example.mix is None:
        return None
    if of_song:
        return Laid(row["mix_audio"], row["mix_rate"], row["channels"], row["frames"], 0, row["frames"])
    if held.table == "plans":
        return Laid(row["audio"], row["rate"], row["channels"], row["mix_frames"], row["start_frame"], row["end_frame"])
    if "mix_audio" in row:
        return Laid(row["mix_audio"], row["mix_rate"], row["channels"], row["frames"], row["start_frame"], row["end_frame"])
    return Laid(row["audio"], row["rate"], row["channels"], row["end_frame"], row["start_frame"], row["end_frame"])


def references(held: Held) -> dict[str, str]:
    """What of an example is stored as a file of its own, by what it is called in `Cuts`: references into the media."""
    row, found = held.row, dict[str, str]()
    for what in ("mix", "film-sound"):
        if (sound := laid(held, what)) and sound.whole:
            found[what] = sound.reference
    if held.example is None:
        return found
    if row.get("video"):
        found["video"] = row["video"]
    if row.get("midi"):
        found["midi"] = row["midi"]
    if held.table == "songs":
        found |= {f"stem-{part['index']}.mid": part["midi"] for part in row["stems" if row.get("stems") else "parts"] or ()}
    return found


def behind(held: Held) -> list[tuple[str, str]]:
    """Every file of the media that an example is heard and seen by: what it is, and its reference."""
    row, found = held.row, list[tuple[str, str]]()
    sounds = [("mix", "the sound"), ("film-sound", "the film's own sound")]
    sounds += [(f"stem-{stem.index}", f"the sound of {stem.name}") for stem in (held.example.stems if held.example else ())]
    found += [(said, sound.reference) for what, said in sounds if (sound := laid(held, what))]
    if held.example is None:
        return found
    found += [(said, row[column]) for column, said in (("video", "the film"), ("midi", "the MIDI file")) if row.get(column)]
    names = {stem.index: stem.name for stem in held.example.stems}
    parts = row.get("stems") or row.get("parts") or ()
    return found + [(f"the MIDI of {names[one['index']]}", one["midi"]) for one in parts if one["index"] in names]
