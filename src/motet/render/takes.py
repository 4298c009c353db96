"""A song rendered several times: each take with its own draws, all but the first in its own key and tempo if that is wanted."""

import random
from dataclasses import dataclass

from motet.midi import Variation

__all__ = ["Take", "takes"]


@dataclass(frozen=True)
class Take:
    """What all parts of a song share in one rendering: `transpose` in semitones, `speed` 1.1 a tenth faster."""

    number: int = 0
    transpose: int = 0
    speed: float = 1.0

    def by_hand(self, timing_ms: float, velocity: float) -> Variation:
        """The take as one part plays it."""
        return Variation(self.transpose, self.speed, timing_ms, velocity)


def takes(count: int = 1, transpose: int = 0, tempo: float = 0.0, dice: random.Random | None = None) -> list[Take]:
    """`count` takes; take 0 is the song as written.

    The others are up to `transpose` semitones higher or lower, and faster or slower by up to a share `tempo` (0.1: by a tenth),
    alike in both directions. One take more changes none before it.
    """
    drawn, dice = [Take()], dice or random.Random(0)
    for number in range(1, count):
        key, pace = random.Random(dice.getrandbits(64)), random.Random(dice.getrandbits(64))
        speed = (1 + tempo) ** pace.uniform(-1, 1)
        drawn.append(Take(number, key.randint(-transpose, transpose), round(speed, 4)))
    return drawn
