"""What one part is played with, down to the last number: drawn once from a rack, written down, and played again from that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Effect", "Line", "Patch", "Preset", "Sound"]


@dataclass(frozen=True)
class Preset:
    """A sound of a font: `bank` (128: the drum kits) and `program` (0-127)."""

    bank: int
    program: int


@dataclass(frozen=True)
class Line:
    """A part as a synth gets it: its MIDI file, and the preset to play it with if not those that it asks for itself."""

    midi: bytes
    preset: Preset | None = None


@dataclass(frozen=True)
class Sound:
    """Where the tone comes from. Files are told by name and content; where they lie is the machine's own business.

    `engine` is a name of `SYNTHS` for a SoundFont, of `plugins.ENGINES` for a plug-in. `preset` is a font's, None for what
    the part itself asks for; `preset_file` and `preset_sha256` are a plug-in's; `parameters` are a plug-in's, by name.
    """

    engine: str
    engine_version: str
    file: str  # "TimGM6mb.sf2", "Organ.vst3"
    sha256: str
    licence: str
    preset: Preset | None = None
    preset_file: str = ""
    preset_sha256: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Effect:
    """One effect with its exact parameters; `file` and `sha256` are those of a plug-in, "" for an effect that came along."""

    name: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    engine: str = ""
    engine_version: str = ""
    file: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Patch:
    """A sound, the effects behind it in signal order, then gain (dB) and pan (-1 left to 1 right, 0 leaves it as it is).

    `sounds_like` is the General MIDI program that a listener would name, None for the part's own.
    """

    instrument: str  # its name in the rack
    sound: Sound
    effects: tuple[Effect, ...] = ()
    gain_db: float = 0.0
    pan: float = 0.0
    sounds_like: int | None = None

    def to_json(self) -> str:
        """JSON with sorted keys: equal patches are equal texts."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Patch:
        """What `to_json` wrote. Raises ValueError, TypeError or KeyError for anything else."""
        told: dict[str, Any] = json.loads(text)
        sound = dict(told.pop("sound"))
        preset = sound.pop("preset")
        effects = tuple(Effect(**one) for one in told.pop("effects"))
        return cls(**told, sound=Sound(**sound, preset=Preset(**preset) if preset else None), effects=effects)
