"""The sound, the notes and the film of an example as files: stored ones as they are, others cut when they are first asked for."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from motet.errors import UserError
from motet.explorer.held import Held, NotThere, hold, near
from motet.explorer.voices import Laid, laid, references, whole_path

if TYPE_CHECKING:
    from motet.dataset.folder import Dataset
    from motet.export.example import Example

__all__ = ["Cut", "Cuts", "NotThere", "what_of"]

MIMES = {
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".mid": "audio/midi",
    ".mp4": "video/mp4",
}
Form = Literal["flac", "mp3"]
WRITTEN: dict[Form, tuple[str, str, dict[str, Any]]] = {
    "flac": ("FLAC", "PCM_16", {"compression_level": 1 / 8}),
    "mp3": ("MP3", "MPEG_LAYER_III", {"compression_level": 0.45}),  # about 130 kbit/s
}
RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)  # that MP3 knows
PIECE = 1 << 19  # frames decoded at a time
KNOWN = 4096  # cuts whose place is remembered
_WHAT = re.compile(r"mix|video|film-sound|midi|stem-[0-9]{1,6}(?:\.mid)?")


@dataclass(frozen=True)
class Cut:
    """A file to hear, to see or to keep. `filename` is what a person would call it: any disk takes it."""

    path: Path
    mime: str
    filename: str


class Cuts:
    """The files of a dataset's examples. Safe among threads: who asks for what is being cut waits for it.

    Cuts lie in `folder`, at most `room` bytes of them: the least recently asked goes. Sound is cut into FLAC, or with
    `form="mp3"` into MP3, which is smaller; what exceeds full scale, as a stem of a loud mix may, is clipped at it.
    """

    def __init__(self, dataset: Dataset, folder: Path, room: int, form: Form = "flac") -> None:
        self.dataset, self.folder, self.room, self.form = dataset, folder, room, form
        self._lock = threading.Lock()
        self._making: dict[tuple[str, str, str], tuple[threading.Lock, int]] = {}  # and how many wait for it
        self._known: OrderedDict[tuple[str, str, str], Cut] = OrderedDict()
        self._sizes: OrderedDict[Path, int] = OrderedDict()  # of cuts in the folder, least recently asked first
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime_ns):
            if path.suffix == ".part":  # of a process that was killed
                path.unlink(missing_ok=True)
            else:
                self._sizes[path] = path.stat().st_size

    def get(self, id: str, what: str) -> Cut:
        """The file of an example: `mix`, `stem-<index>`, `video`, `film-sound`, `midi` or `stem-<index>.mid`.

        Raises NotThere for an unknown id or voice, and for media that are gone or damaged.
        """
        if not _WHAT.fullmatch(what):
            raise NotThere(f"There is nothing called {what[:40]!r}: ask for mix, stem-0, video, film-sound, midi or stem-0.mid.")
        asked = (_state(self.dataset), id, what)
        if known := self._again(asked):
            return known
        with self._lock:
            turn, waiting = self._making.get(asked, (threading.Lock(), 0))
            self._making[asked] = turn, waiting + 1
        try:
            with turn:
                cut = self._again(asked) or self._made(id, what)
        finally:
            with self._lock:
                turn, waiting = self._making.pop(asked)
                if waiting > 1:
                    self._making[asked] = turn, waiting - 1
        with self._lock:
            self._known[asked] = cut
            while len(self._known) > KNOWN:
                self._known.popitem(last=False)
        return cut

    def _again(self, asked: tuple[str, str, str]) -> Cut | None:
        """What was asked for before, if it is still there."""
        with self._lock:
            known = self._known.get(asked)
            if known is None or not known.path.is_file():
                return None
            self._known.move_to_end(asked)
            if known.path in self._sizes:
                self._sizes.move_to_end(known.path)
            return known

    def _made(self, id: str, what: str) -> Cut:
        held = None
        if _is_text(id):
            with near(self.dataset, id) as beside:
                held = hold(beside, id)
        if held is None:
            raise NotThere("This dataset has no example of this id: it may have left with the last build.")
        reference = references(held).get(what)
        if reference and not self._smaller(reference):
            path = whole_path(self.dataset, reference)
            return Cut(path, MIMES.get(path.suffix, "application/octet-stream"), _filename(held, what, path.suffix))
        return self._cut(held, what)

    def _smaller(self, reference: str) -> bool:
        """Whether a stored sound is to be encoded anew."""
        return self.form == "mp3" and PurePosixPath(reference).suffix in (".flac", ".wav")

    def _cut(self, held: Held, what: str) -> Cut:
        sound, notes = laid(held, what), _notes(held, what)
        if sound is None and notes is None:
            raise NotThere(f"This example has no {what}.")
        suffix = f".{self.form}" if sound else ".mid"
        key = hashlib.blake2b(_key(held, what).encode(), digest_size=16).hexdigest()
        path, part = self.folder / f"{key}{suffix}", self.folder / f"{uuid.uuid4().hex}.part"
        if not path.is_file():
            import soundfile

            try:
                if sound:
                    _encode(sound, self.dataset, part, self.form)
                elif notes:
                    part.write_bytes(notes())
                part.replace(path)
            except NotThere:
                raise
            except UserError as error:  # of notes that are cut, whose sentence names the dataset's folder
                raise NotThere(str(error).replace(f" of {self.dataset.folder}", "")) from None
            except (OSError, soundfile.SoundFileError) as error:
                raise UserError(f"No sound can be cut into {self.folder} ({error}): make room there.", 1) from None
            finally:
                with suppress(OSError):  # what went wrong with the folder has been told
                    part.unlink()
        self._keep(path)
        return Cut(path, MIMES[suffix], _filename(held, what, suffix))

    def _keep(self, path: Path) -> None:
        with self._lock:
            self._sizes[path] = path.stat().st_size
            self._sizes.move_to_end(path)
            while sum(self._sizes.values()) > self.room and len(self._sizes) > 1:
                oldest, _ = self._sizes.popitem(last=False)
                oldest.unlink(missing_ok=True)


def what_of(held: Held) -> list[str]:
    """All that `Cuts.get` knows of an example."""
    example, row = held.example, held.row
    found = ["mix"] if laid(held, "mix") else []
    if example is None:
        return found
    found += [what for what, column in (("video", "video"), ("film-sound", "film_audio")) if row.get(column)]
    found += ["midi"] if example.midi else []
    for stem in example.stems:
        found += [f"stem-{stem.index}"] if stem.sound else []
        found += [f"stem-{stem.index}.mid"] if stem.midi else []
    return found


def _key(held: Held, what: str) -> str:
    """The same for a cut as long as what it is made of is."""
    return f"{laid(held, what)}" if laid(held, what) else f"{held.example.key if held.example else ''}/{what}"


def filename(held: Held, what: str, form: str = "flac") -> str:
    """What a file of an example is called when it is kept."""
    stored = PurePosixPath(references(held).get(what, "")).suffix
    return _filename(held, what, stored or (".mid" if what.endswith(".mid") or what == "midi" else f".{form}"))


def _is_text(id: str) -> bool:
    """Whether a table could hold it: no half of a surrogate pair."""
    try:
        return bool(id.encode())
    except UnicodeEncodeError:
        return False


def _state(dataset: Dataset) -> str:
    """What changes when another snapshot is live."""
    with suppress(OSError):
        return dataset.tag or os.readlink(dataset.folder / "snapshots" / "live")
    return ""


def _notes(held: Held, what: str) -> Callable[[], bytes] | None:
    """What gives the MIDI of a voice; None where the example lacks it."""
    example = held.example
    if example is None or what == "midi":
        return example.midi if example else None
    wanted = what.removeprefix("stem-").removesuffix(".mid")
    return next((stem.midi for stem in example.stems if what.endswith(".mid") and str(stem.index) == wanted), None)


def _encode(sound: Laid, dataset: Dataset, path: Path, form: Form) -> None:
    """Write a sound into a file, piece by piece. Raises UserError for media that are gone or damaged."""
    import numpy as np
    import soundfile
    import soxr

    container, subtype, options = WRITTEN[form]
    rate, channels = sound.rate, min(sound.channels, 2)
    rate = rate if form == "flac" or rate in RATES else 48_000
    edges = [*range(0, sound.end - sound.start, PIECE), sound.end - sound.start]
    other = soxr.ResampleStream(sound.rate, rate, channels, quality="HQ") if rate != sound.rate else None
    with soundfile.SoundFile(path, "w", rate, channels, subtype, format=container, **options) as file:
        for piece, last in zip(sound.pieces(dataset, edges), edges[1:], strict=True):
            samples = piece if piece.shape[1] == channels else piece.mean(axis=1, keepdims=True).repeat(channels, axis=1)
            if other:
                samples = other.resample_chunk(np.ascontiguousarray(samples, np.float32), last=last == edges[-1])
            file.write(np.clip(samples, -1.0, 1.0))


def _filename(held: Held, what: str, suffix: str) -> str:
    from motet.export.naming import plain_name

    example: Example | None = held.example
    name = PurePosixPath(held.row["path"]).name
    title = (example.title if example else "") or (name.rpartition(".")[0] or name)
    behind = held.id.removeprefix(held.source)
    voice = ""
    if what.startswith("stem-") and example:
        index = int(what.removeprefix("stem-").partition(".")[0])
        voice = next((stem.name for stem in example.stems if stem.index == index), what)
    elif what == "film-sound":
        voice = "film sound"
    return plain_name(" ".join(filter(None, (title[:80], behind.replace(".", " ").strip(), voice[:30]))), "example") + suffix
