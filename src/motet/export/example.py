"""What every form of export is given: one example of a dataset, with all its voices, whatever recipe made it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from motet.errors import UserError

__all__ = [
    "FACTS", "SPLITS", "VOICES", "Checker", "Choice", "Example", "Examples", "Fault", "Licence", "Sound", "Split", "Stem",
    "Voice", "Writer", "Written",
]  # fmt: skip

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

Voice = Literal["mix", "stems", "midi", "video", "captions"]
VOICES: tuple[Voice, ...] = get_args(Voice)


@dataclass(frozen=True)
class Sound:
    """A span of a stored recording, mix or stem.

    `samples` gives float32 (frames, channels) at `rate`, full scale 1.0, and decodes anew each time. `stored` gives the bytes
    of the file, where the sound is all of it as it lies there, and is None where it is a part, or has a gain: those are encoded
    again. `suffix` is that of the stored file.
    """

    rate: int
    channels: int
    frames: int
    samples: Callable[[], npt.NDArray[np.float32]]
    stored: Callable[[], bytes] | None = None
    suffix: str = "flac"

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


@dataclass(frozen=True)
class Stem:
    """The sound of one instrument over the example's span, as loud as it is in the mix, and the notes it was played from."""

    index: int
    name: str  # unlike that of any other stem of the example
    sound: Sound | None
    midi: Callable[[], bytes] | None = None
    role: str = ""  # melody | bass | chords | pad | other | drums; "" where nobody says
    program: int | None = None  # General MIDI, 0-127
    is_drum: bool = False
    played_by: str = ""  # the SoundFont or plug-in


@dataclass(frozen=True)
class Licence:
    """One thing an example is made of, and under what. `licence` is an SPDX identifier, words as told, or "" for unknown."""

    what: str  # source | recording | film | midi | sound | separator | captions | tags | video model
    name: str  # of that thing: a path, a font, a model, a service
    licence: str
    holder: str = ""  # who must be credited; "" where nobody says
    url: str = ""


# The facts of an example, and what each column holds. A fact that is not known is None, or [] for a list.
FACTS: dict[str, type] = {
    "tempo": float,  # quarter notes or taps a minute
    "tempo_confidence": float,
    "key": str,  # "E flat major"
    "key_confidence": float,
    "metre": str,  # "3/4"
    "lufs": float,
    "notes": int,
    "instruments": list,  # of str, as all lists here
    "genres": list,
    "moods": list,
    "tags": list,
    "sections": list,
    "chords": list,
    "film": str,
    "negative": str,  # "" for a true pair of film and music
}


@dataclass(frozen=True)
class Example:
    """One example: a clip, or a whole song where the form asks for songs.

    `id` is unique and stable, 1 to 200 characters, and no safe file name by itself (see `motet.export.naming`). `key` is the same
    as long as everything in here is, whatever it is called. `captions` hold only what was checked. Sounds, MIDI and film are read
    when they are called for; any of these calls may raise UserError.
    """

    id: str
    key: str
    song: str  # id of the source
    path: str  # the source as a person knows it: "Artist/Title.mid"
    split: Split
    start: float  # seconds of the source
    end: float
    title: str = ""  # "" where nobody knows
    artist: str = ""
    captions: tuple[str, ...] = ()  # the first is the one to take, where one is wanted
    caption_forms: tuple[str, ...] = ()  # short | long | tags | question, one for each caption
    facts: Mapping[str, Any] = field(default_factory=dict)  # by the names in FACTS
    licences: tuple[Licence, ...] = ()
    mix: Sound | None = None
    stems: tuple[Stem, ...] = ()
    midi: Callable[[], bytes] | None = None  # a Standard MIDI File that begins with the example
    video: Callable[[], bytes] | None = None  # MP4: H.264, AAC
    record: Mapping[str, Any] = field(default_factory=dict)  # whole songs only: the song's JSON record (`motet.export.song_json`)

    @property
    def seconds(self) -> float:
        return self.mix.seconds if self.mix else self.end - self.start


Examples = Callable[[], Iterable[Example]]
"""Gives all examples in order of split (train, validation, test) and id, the same each time it is called."""


@dataclass(frozen=True)
class Choice:
    """What of each example is written, and how. Raises UserError for what cannot be."""

    voices: frozenset[Voice] = frozenset(("mix", "midi", "captions"))
    audio: str = ""  # flac | wav | ogg | opus | mp3; "" leaves stored files as they are, and cuts become FLAC
    rate: int | None = None  # Hz; None leaves it
    channels: int | None = None  # 1 or 2; None leaves them
    captions: Literal["first", "all"] = "first"
    shard_bytes: int = 500_000_000  # of sharded forms: a shard that has reached them is closed
    options: Mapping[str, str] = field(default_factory=dict)  # of one form alone, by names it knows

    def __post_init__(self) -> None:
        from motet.render.encoding import KINDS

        if unknown := sorted(self.voices - set(VOICES)):
            raise UserError(f"There is nothing called {unknown[0]!r} to include; there are: {', '.join(VOICES)}.")
        if self.audio and self.audio not in KINDS:
            raise UserError(f"There is no audio format {self.audio!r}; there are: {', '.join(KINDS)}.")
        if self.rate is not None and not 8000 <= self.rate <= 192_000:
            raise UserError(f"A sample rate of {self.rate} Hz is not between 8000 and 192000.")
        rates = KINDS[self.audio].rates if self.audio else ()
        if rates and self.rate is not None and self.rate not in rates:
            raise UserError(f"{self.audio} holds sample rates of {', '.join(map(str, rates))} Hz, not {self.rate}: choose one.")
        if self.channels not in (None, 1, 2):
            raise UserError(f"{self.channels} channels cannot be written: 1 or 2.")
        if self.shard_bytes < 1_000_000:
            raise UserError("A shard holds at least a megabyte.")

    def has(self, voice: Voice) -> bool:
        return voice in self.voices

    def texts(self, example: Example) -> tuple[str, ...]:
        """The captions to write: none, the first, or all."""
        if "captions" not in self.voices:
            return ()
        return example.captions if self.captions == "all" else example.captions[:1]

    def check_options(self, *known: str) -> None:
        """Raises UserError for an option that the form does not know."""
        for name in self.options:
            if name not in known:
                there = f"it has {', '.join(known)}" if known else "it has none"
                raise UserError(f"There is no option {name!r} of this export: {there}.")


@dataclass(frozen=True)
class Written:
    """The files of an export, by their paths in its folder, and what a person should know of them."""

    files: list[str]
    remarks: list[str]
    pieces: tuple[Mapping[str, Any], ...] = ()  # of `Pending`, so that the next export need not do them again


@dataclass(frozen=True)
class Fault:
    """What a consumer would stumble over. `rule` counts by, `where` is a path in the folder, `sentence` is for a person.

    `fatal` faults stop the consumer, or make it read something else than is meant; the others are worth knowing.
    """

    rule: str
    where: str
    sentence: str
    fatal: bool = True


Writer = Callable[[Examples, Path, Choice], Written]
Checker = Callable[[Path], list[Fault]]
