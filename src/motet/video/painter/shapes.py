"""What each role draws and where: drums rings and bursts, bass bars, melody points that rise, chords polygons, pads glows."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from motet.video.painter.kernel import BAR, DISC, GLOW, POLYGON, RING
from motet.video.painter.script import Event

__all__ = ["Shape", "Spark", "Stage"]

GOLDEN = 0.6180339887498949  # steps of this size never fall close to a recent one
OF_OLD = 256.0  # pixels high is the picture of which the sizes below are told
LOWEST, HIGHEST = 30, 100  # pitches at the bottom and at the top

Spark = tuple[float, float, float, float, float, float, float]
"""As `kernel.fly` wants it."""


@dataclass(frozen=True)
class Shape:
    """As `kernel.stamp` wants it, in pixels; `ink` is the number of the colour."""

    kind: int
    x: float
    y: float
    size: float
    width: float
    angle: float
    sides: int
    soft: float
    opacity: float
    ink: int

    def measures(self) -> tuple[int, float, float, float, float, float, int, float, float]:
        return self.kind, self.x, self.y, self.size, self.width, self.angle, self.sides, self.soft, self.opacity


class Stage:
    """Where things happen in pictures of `size`; each next one of a role stands apart from the last."""

    def __init__(self, size: tuple[int, int], chance: random.Random) -> None:
        self.width, self.height = size
        self.unit = min(size) / OF_OLD
        self.random = chance
        self._turn: dict[str, float] = {}

    def act(self, events: Sequence[Event]) -> tuple[list[Shape], list[Spark]]:
        """The shapes and sparks of a frame's events; the notes of a chord are one shape."""
        shapes: list[Shape] = []
        sparks: list[Spark] = []
        chords = [event for event in events if event.role == "chords"]
        for event in events:
            if event.role == "drums":
                self._drum(event, shapes, sparks)
            elif event.role != "chords":
                {"bass": self._bass, "melody": self._melody, "pad": self._pad}.get(event.role, self._other)(event, shapes, sparks)
        if chords:
            self._chord(chords, shapes)
        return shapes, sparks

    def place_of_glow(self, note: Event) -> tuple[float, float, float, float]:
        """Centre and reach of a note's light, in widths and heights of the picture."""
        if note.role == "bass":
            return 0.2 + 0.6 * self._next("bass glow"), 0.9, 0.4, 0.22
        return 0.15 + 0.7 * self._next("glow"), _rise(note.pitch), 0.26, 0.26

    def mote(self, fps: float) -> Spark:
        """A speck of dust that drifts through the picture."""
        chance, pace = self.random, 5.0 * self.unit / fps
        x, y = chance.uniform(0.02, 0.98) * self.width, chance.uniform(0.02, 0.98) * self.height
        turn, speed = chance.uniform(0.0, 2.0 * math.pi), chance.uniform(0.4, 1.0) * pace
        ink, radius = chance.randrange(6), chance.uniform(1.4, 2.4) * self.unit
        return x, y, math.cos(turn) * speed, math.sin(turn) * speed, chance.uniform(0.05, 0.14), max(radius, 1.0), ink

    def _next(self, name: str) -> float:
        turn = self._turn.get(name)
        self._turn[name] = turn = (self.random.random() if turn is None else turn + GOLDEN) % 1.0
        return turn

    def _shape(
        self, kind: int, x: float, y: float, size: float, event: Event, *, width: float = 0.0, angle: float = 0.0,
        sides: int = 4, soft: float = 1.5, opacity: float = 1.0, ink: int = 0,
    ) -> Shape:  # fmt: skip
        """Sizes in pixels of a picture 256 high, places in widths and heights; louder is larger and more opaque."""
        loud = event.velocity / 127.0
        grown = self.unit * (0.8 + 0.4 * loud)
        shown = opacity * (0.6 + 0.4 * math.sqrt(loud))
        place = x * self.width, y * self.height
        return Shape(kind, *place, size * grown, width * grown, angle, sides, max(soft * self.unit, 1.0), shown, ink % 6)

    def _burst(
        self, x: float, y: float, event: Event, count: int, near: float, pace: float, ink: int, sparks: list[Spark]
    ) -> None:
        """Sparks that begin at a distance `near` of a place and fly outwards."""
        loud = event.velocity / 127.0
        start = self.random.uniform(0.0, 2.0 * math.pi)
        for number in range(round(count * (0.5 + 0.5 * loud))):
            turn = start + 2.0 * math.pi * number * GOLDEN
            right, lower = math.cos(turn), math.sin(turn)
            speed = pace * self.unit * self.random.uniform(0.5, 1.0)
            radius = max(self.random.uniform(1.3, 2.6) * self.unit, 1.0)
            away = near * self.unit
            place = x * self.width + right * away, y * self.height + lower * away
            sparks.append((*place, right * speed, lower * speed, 0.75, radius, float(ink % 6)))

    def _drum(self, event: Event, shapes: list[Shape], sparks: list[Spark]) -> None:
        drum = event.drum
        turn = self._next(drum or "drum")
        sway = turn - 0.5
        if drum == "kick":
            x, y = 0.5 + 0.24 * sway, 0.60 + 0.10 * (self._next("kick down") - 0.5)
            shapes += [
                self._shape(GLOW, x, y, 88, event, opacity=0.65, ink=0),
                self._shape(RING, x, y, 56, event, width=4.5, opacity=0.9, ink=1),
                self._shape(DISC, x, y, 20, event, soft=3, opacity=0.9, ink=0),
            ]
            self._burst(x, y, event, 12, 60, 2.2, 1, sparks)
        elif drum == "snare":
            x, y = 0.5 + 0.56 * sway, 0.42 + 0.16 * (self._next("snare down") - 0.5)
            shapes.append(self._shape(GLOW, x, y, 56, event, opacity=0.5, ink=2))
            shapes.append(self._shape(DISC, x, y, 13, event, soft=2, ink=2))
            for ray in range(9):
                angle = 2.0 * math.pi * (ray + turn) / 9
                far = 34.0 * self.unit
                place = x + math.cos(angle) * far / self.width, y + math.sin(angle) * far / self.height
                shapes.append(self._shape(BAR, *place, 12, event, width=2.2, angle=angle, opacity=0.95, ink=2))
            self._burst(x, y, event, 10, 50, 2.6, 3, sparks)
        elif drum == "crash":
            x, y = 0.5 + 0.5 * sway, 0.35
            shapes += [
                self._shape(GLOW, x, y, 150, event, opacity=0.6, ink=4),
                self._shape(RING, x, y, 92, event, width=5, opacity=0.85, ink=4),
                self._shape(RING, x, y, 70, event, width=2, opacity=0.7, ink=5),
            ]
            self._burst(x, y, event, 40, 80, 3.2, 4, sparks)
        elif "hat" in drum or drum == "ride":
            open_hat = "open" in drum
            x, y = 0.08 + 0.84 * turn, (0.74 if "pedal" in drum else 0.24) + 0.16 * (self._next("hat down") - 0.5)
            size = 27 if open_hat else 17
            if drum == "ride":
                shapes.append(self._shape(POLYGON, x, y, 15, event, width=2.6, angle=math.pi / 4, ink=5))
            else:
                shapes.append(self._shape(RING, x, y, size, event, width=3.2, ink=3 + open_hat))
            shapes.append(self._shape(GLOW, x, y, size * 1.6, event, opacity=0.4, ink=3))
            shapes.append(self._shape(DISC, x, y, 5.5, event, ink=5))
        elif "tom" in drum:
            level = 0 if "low" in drum or "floor" in drum else 2 if "high" in drum else 1
            x, y = 0.75 - 0.25 * level + 0.14 * sway, 0.62 - 0.08 * level
            shapes.append(self._shape(GLOW, x, y, 52 - 6 * level, event, opacity=0.6, ink=level))
            shapes.append(self._shape(DISC, x, y, 24 - 4 * level, event, soft=2.5, ink=level))
            self._burst(x, y, event, 6, 30, 1.8, level, sparks)
        elif drum == "clap":
            x, y = 0.2 + 0.6 * turn, 0.4
            for side in (-1.0, 1.0):
                shapes.append(self._shape(BAR, x + side * 0.05, y, 17, event, width=4.5, angle=math.pi / 2 + 0.3 * side, ink=2))
            shapes.append(self._shape(GLOW, x, y, 40, event, opacity=0.4, ink=2))
        else:
            x, y = 0.1 + 0.8 * turn, 0.32 + 0.36 * self._next("percussion")
            sides = 3 + sum(drum.encode()) % 3
            shapes.append(self._shape(GLOW, x, y, 34, event, opacity=0.4, ink=4))
            shapes.append(self._shape(POLYGON, x, y, 12, event, angle=2.0 * math.pi * turn, sides=sides, ink=4))

    def _bass(self, event: Event, shapes: list[Shape], sparks: list[Spark]) -> None:
        x, y = 0.25 + 0.5 * self._next("bass"), 0.84 + 0.1 * (self._next("bass down") - 0.5)
        ink = event.pitch % 12 // 4
        shapes.append(self._shape(GLOW, x, y, 82, event, opacity=0.5, ink=ink))
        shapes.append(self._shape(BAR, x, y, 44, event, width=8, soft=3, opacity=0.95, ink=ink))

    def _melody(self, event: Event, shapes: list[Shape], sparks: list[Spark]) -> None:
        x, y = 0.07 + 0.86 * self._next("melody"), _rise(event.pitch)
        ink = 3 + event.pitch % 12 // 4
        shapes.append(self._shape(GLOW, x, y, 36, event, opacity=0.75, ink=ink))
        for angle, far in ((0.0, 22), (math.pi / 2, 22), (math.pi / 4, 12), (-math.pi / 4, 12)):
            shapes.append(self._shape(BAR, x, y, far, event, width=1.0, angle=angle, opacity=0.7, ink=ink))
        shapes.append(self._shape(DISC, x, y, 8.5, event, soft=2.0, ink=ink))
        self._burst(x, y, event, 5, 10, 1.2, ink, sparks)

    def _pad(self, event: Event, shapes: list[Shape], sparks: list[Spark]) -> None:
        x, y, ink = 0.12 + 0.76 * self._next("pad"), _rise(event.pitch), event.pitch % 6
        shapes.append(self._shape(GLOW, x, y, 74, event, opacity=0.6, ink=ink))
        shapes.append(self._shape(RING, x, y, 40, event, width=1.6, soft=3, opacity=0.6, ink=ink))

    def _chord(self, notes: Sequence[Event], shapes: list[Shape]) -> None:
        loudest = max(notes, key=lambda note: note.velocity)
        turn = self._next("chord")
        x, y = 0.2 + 0.6 * turn, 0.5 + 0.3 * (self._next("chord down") - 0.5)
        sides = min(max(len({note.pitch for note in notes}), 3), 8)
        ink = min(note.pitch for note in notes) % 6
        angle = 2.0 * math.pi * self._next("chord round")
        shapes.append(self._shape(GLOW, x, y, 66, loudest, opacity=0.4, ink=ink))
        shapes.append(self._shape(POLYGON, x, y, 30, loudest, angle=angle, sides=sides, opacity=0.45, ink=ink))
        shapes.append(self._shape(POLYGON, x, y, 38, loudest, width=1.8, angle=angle, sides=sides, ink=ink + 1))

    def _other(self, event: Event, shapes: list[Shape], sparks: list[Spark]) -> None:
        turn = self._next("other")
        x, y, ink = 0.1 + 0.8 * turn, _rise(event.pitch), event.pitch % 6
        shapes.append(self._shape(GLOW, x, y, 38, event, opacity=0.5, ink=ink))
        shapes.append(self._shape(POLYGON, x, y, 14, event, angle=math.pi / 4, width=2.4, ink=ink))
        shapes.append(self._shape(POLYGON, x, y, 6, event, angle=math.pi / 4, ink=ink))


def _rise(pitch: int) -> float:
    """How far down a pitch stands."""
    return 0.90 - 0.80 * min(max((pitch - LOWEST) / (HIGHEST - LOWEST), 0.0), 1.0)
