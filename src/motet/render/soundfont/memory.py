"""What was rendered before: each distinct sound is kept once, up to a bound."""

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from motet.render.soundfont.kernel import BLOCK

__all__ = ["Kept", "Memory"]


@dataclass(frozen=True, eq=False)
class Kept:
    """`length` frames at `place`, `whole` if that is all of it. `states` are the kernel's at the beginning of some blocks."""

    place: int
    length: int
    whole: bool
    states: dict[int, npt.NDArray[np.float64]] = field(default_factory=dict)

    def leads_to(self, block: int) -> bool:
        """Whether it can be played on from there: the state is known, or it was over before."""
        return block in self.states or (self.whole and self.length <= block * BLOCK)


class Memory:
    """One block of samples in which rendered sounds lie one behind the other.

    When it is full, all are forgotten (`age` counts how often), so that what a voice sounds like never hangs on what is kept.
    """

    def __init__(self, size: int, *, reuse: bool = True) -> None:
        """`size` in samples; pages that were never written cost nothing. Without `reuse` nothing is ever found again."""
        self.samples: npt.NDArray[np.float32] = np.empty(size, np.float32)
        self.age = 0
        self._reuse = reuse
        self._used = 0
        self._kept: dict[Hashable, Kept] = {}

    def find(self, key: Hashable) -> Kept | None:
        return self._kept.get(key)

    def room(self, length: int) -> int | None:
        """Where `length` samples can be written, None when there is no room for them."""
        return self._used if self._used + length <= len(self.samples) else None

    def keep(self, key: Hashable | None, kept: Kept) -> None:
        """What was written stays until all is forgotten; without a key nobody will find it again."""
        self._used = kept.place + kept.length
        if key is not None and self._reuse:
            self._kept[key] = kept

    def forget(self) -> None:
        """Everything; places given before are void."""
        self._kept.clear()
        self._used = 0
        self.age += 1
