"""What a rendering says of itself, so that it can be played again; read back as carefully as any file from elsewhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from motet.midi import Variation
from motet.render.encoding import Format
from motet.render.errors import RenderError
from motet.render.patch import Patch
from motet.render.takes import Take

__all__ = ["Record"]

Share = Annotated[float, Field(ge=-1, le=1)]
Decibels = Annotated[float, Field(ge=-100, le=40)]
Speed = Annotated[float, Field(ge=0.25, le=4)]
Semitones = Annotated[int, Field(ge=-127, le=127)]


class _Told(BaseModel):
    """Numbers are numbers, and finite; what else is written is passed over."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class _Preset(_Told):
    bank: int
    program: int


class _Sound(_Told):
    engine: str
    engine_version: str
    file: str
    sha256: str
    licence: str
    preset: _Preset | None
    preset_file: str
    preset_sha256: str
    parameters: dict[str, float]


class _Effect(_Told):
    name: str
    parameters: dict[str, float]
    engine: str
    engine_version: str
    file: str
    sha256: str


class _Patch(_Told):
    instrument: str
    sound: _Sound
    effects: list[_Effect]
    gain_db: Decibels
    pan: Share
    sounds_like: Annotated[int, Field(ge=0, le=127)] | None


class _Variation(_Told):
    transpose: Semitones
    speed: Speed
    timing_ms: Annotated[float, Field(ge=0, le=1000)]
    velocity: Annotated[float, Field(ge=0, le=127)]


class _Stem(_Told):
    index: Annotated[int, Field(ge=0)]
    variation: _Variation
    seed: int
    patch: _Patch


class _Take(_Told):
    take: Annotated[int, Field(ge=0, le=999)]
    transpose: Semitones
    speed: Speed
    stems: Annotated[list[_Stem], Field(min_length=1)]


class _Record(_Told):
    sha256: str
    rack: str
    font: str
    synth: str
    rate: Annotated[int, Field(ge=8000, le=192000)]
    channels: Literal[1, 2]
    format: Format
    lufs: Annotated[float, Field(ge=-60, le=0)]
    takes: Annotated[list[_Take], Field(min_length=1)]


@dataclass(frozen=True)
class Record:
    """How a song was rendered: the song by its SHA-256, what was asked for, and by take and part how each was played."""

    sha256: str
    rack: str
    font: str
    synth: str
    rate: int
    channels: Literal[1, 2]
    format: Format
    lufs: float
    takes: tuple[Take, ...]
    parts: Mapping[tuple[int, int], tuple[Variation, int, Patch]]  # (take, part) -> variation, its seed, patch

    @classmethod
    def read(cls, data: bytes) -> Record:
        """Of the bytes of a `render.json`. Raises ValueError, with a sentence, for anything else."""
        try:
            told = _Record.model_validate(json.loads(data, parse_constant=_no_number))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "the whole"
            raise ValueError(f"{place}: {first['msg']}") from None
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        parts = {}
        for take in told.takes:
            for stem in take.stems:
                patch = Patch.from_json(stem.patch.model_dump_json())
                parts[take.take, stem.index] = Variation(**stem.variation.model_dump()), stem.seed, patch
        takes = tuple(Take(take.take, take.transpose, take.speed) for take in told.takes)
        return cls(told.sha256, told.rack, told.font, told.synth, told.rate, told.channels, told.format, told.lufs, takes, parts)

    def of(self, data: bytes) -> None:
        """Raises RenderError `other_song` unless `data` is the MIDI file that was rendered."""
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise RenderError("other_song", "the record is of another MIDI file: give the one that was rendered")


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
