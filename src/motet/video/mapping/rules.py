"""What a mapping is: which notes move which field of the picture, how far and for how long."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Mapping as Map
from dataclasses import dataclass
from fractions import Fraction

from motet.video.events import Onset
from motet.video.fields import FIELDS

__all__ = ["CURVES", "DIRECTIONS", "SHAPES", "UNITS", "Length", "Mapping", "Notes", "Rule"]

SHAPES = ("impulse", "hold", "decay", "ramp")
DIRECTIONS = ("up", "down", "alternate", "random")
UNITS = ("frames", "beats", "bars", "seconds", "note")

CURVES: Map[str, Callable[[float], float]] = {"linear": float, "sqrt": math.sqrt, "square": lambda share: share * share}
"""How the share of a range that a velocity takes grows with velocity / 127."""


@dataclass(frozen=True)
class Notes:
    """Conditions that a note must all meet; an empty one is always met.

    `drums` are names of `motet.video.drums.DRUMS`, `drum_notes` numbers of drum notes: one of both is enough. Pitches and
    programs are those of notes that are no drums.
    """

    drums: frozenset[str] = frozenset()
    drum_notes: frozenset[int] = frozenset()
    roles: frozenset[str] = frozenset()
    pitches: tuple[int, int] | None = None
    programs: frozenset[int] = frozenset()
    velocities: tuple[int, int] = (1, 127)

    def fit(self, role: str, drum: str, pitch: int, velocity: int, program: int) -> bool:
        """Whether a note of that role, drum ("" for none), pitch, velocity and program meets all conditions."""
        struck = self.drums or self.drum_notes
        if struck and not (drum and (drum in self.drums or pitch in self.drum_notes)):
            return False
        if drum and (self.pitches or self.programs):
            return False
        return (
            (not self.roles or role in self.roles)
            and (not self.pitches or self.pitches[0] <= pitch <= self.pitches[1])
            and (not self.programs or program in self.programs)
            and self.velocities[0] <= velocity <= self.velocities[1]
        )


@dataclass(frozen=True)
class Length:
    """How long something lasts: `amount` of one of `UNITS`; "note" is as long as the note itself."""

    amount: Fraction
    unit: str


@dataclass(frozen=True)
class Rule:
    """One thing that notes do to one field.

    `value` are two ends of a range, in any order: the field takes a value drawn from it, or the one that the velocity's curve
    finds between the first (softest) and the second (loudest). Of a field that Deforum takes the difference of, values are the
    movement in one frame, mirrored around standing still by `direction`.
    """

    notes: Notes
    field: str
    shape: str
    length: Length
    value: tuple[float, float]
    velocity: str = "none"
    direction: str = "up"


@dataclass(frozen=True)
class Mapping:
    """Which notes move what. `rest` are ranges from which the value that a field has between events is drawn, once a film.

    `digest` is the SHA-256 of the file.
    """

    name: str
    about: str
    rest: Map[str, tuple[float, float]]
    rules: tuple[Rule, ...]
    digest: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields it drives or holds, in the order of `FIELDS`."""
        used = {rule.field for rule in self.rules} | self.rest.keys()
        return tuple(name for name in FIELDS if name in used)

    @property
    def camera(self) -> str:
        """Which of Deforum's animation modes shows what it moves: "2D" or "3D"."""
        return "2D" if any(FIELDS[rule.field].camera == "2D" for rule in self.rules) else "3D"

    def rules_for(self, onset: Onset) -> tuple[Rule, ...]:
        """The rules that a note obeys."""
        return tuple(
            rule for rule in self.rules if rule.notes.fit(onset.role, onset.drum, onset.pitch, onset.velocity, onset.program)
        )
