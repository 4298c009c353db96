"""Voices rendered, and what they have in common only once.

The volume envelope is applied where voices are added, so notes of one pitch share a sound however long and loud they are. Only a
modulation envelope or a loop that ends with the key makes it hang on the moment of release: then they share it until that moment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable

import numpy as np
import numpy.typing as npt

from motet.render.soundfont import kernel
from motet.render.soundfont.memory import Kept, Memory
from motet.render.soundfont.tones import start
from motet.render.soundfont.voicing import Voice

__all__ = ["LONG", "Long", "Rendering", "Span", "is_long"]

Singles = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LONG = 1 << 20  # frames: a voice that is longer is played on tile by tile, and not kept
OF_ITS_OWN = 8  # times sooner so, if most of it is for nobody else
Span = tuple[int, int, int]
"""The first frame from the onset, the number of frames, and their place in memory."""
NOTHING: Span = (0, 0, 0)
NO_MARKS: Integers = np.zeros(0, np.int64)
NO_STATES: Floats = np.zeros((0, kernel.STATE + 2 * kernel.PAST))


class Rendering:
    """Renders the voices of one part into `memory`, in which other parts may have left some of it."""

    def __init__(self, voices: Iterable[Voice], memory: Memory) -> None:
        self._memory = memory
        self._longest: dict[Hashable, int] = defaultdict(int)  # key -> frames that some voice needs of it
        self._releases: dict[Hashable, set[int]] = defaultdict(set)  # key -> blocks at which its voices are let go
        for voice in voices:
            if not is_long(voice):
                held, after = _parted(voice)
                self._longest[voice.key] = max(self._longest[voice.key], held)
                if after:
                    self._releases[voice.key].add(voice.release)
                    tail = voice.key, voice.release
                    self._longest[tail] = max(self._longest[tail], after)

    def spans(self, voice: Voice) -> tuple[Span, Span] | None:
        """Where a voice that is not long lies in memory; None when there is no room for it."""
        frames, after = _parted(voice)
        held = self._memory.find(voice.key)
        tail = self._memory.find((voice.key, voice.release)) if after else None
        lacking = after > 0 and (tail is None or (tail.length < after and not tail.whole))
        if held is None or (held.length < frames and not held.whole) or (lacking and not held.leads_to(voice.release)):
            held = self._held(voice)
            if held is None:
                return None
        if lacking and voice.release in held.states:
            tail = self._tail(voice, held.states[voice.release])
            if tail is None:
                return None
        span = 0, min(frames, held.length), held.place
        return span, (frames, min(after, tail.length), tail.place) if tail else NOTHING

    def _held(self, voice: Voice) -> Kept | None:
        frames = _whole_blocks(self._longest[voice.key])
        place = self._memory.room(frames)
        if place is None:
            return None
        rows, blocks = voice.rows()
        state = start(voice.tone.constants, rows[0])
        releases = sorted(self._releases[voice.key])
        marked = np.zeros((len(releases), len(state)))
        out = self._memory.samples[place : place + frames]
        length = _play(voice, rows, blocks, -1, state, out, np.array(releases, np.int64), marked)
        over = bool(state[kernel.OVER])
        # A block that begins where all ends is not begun; the state is what is left.
        states = {block: one for block, one in zip(releases, marked, strict=True) if block * kernel.BLOCK < length}
        if not over:
            states[length // kernel.BLOCK] = state
        kept = Kept(place, length, over, states)
        self._memory.keep(voice.key, kept)
        return kept

    def _tail(self, voice: Voice, state: Floats) -> Kept | None:
        key = voice.key, voice.release
        frames = _whole_blocks(self._longest[key])
        place = self._memory.room(frames)
        if place is None:
            return None
        state = state.copy()
        length = 0
        if not state[kernel.OVER]:
            length = _play(voice, *voice.rows(), voice.release, state, self._memory.samples[place : place + frames])
        kept = Kept(place, length, bool(state[kernel.OVER]))
        self._memory.keep(key, kept)
        return kept


class Long:
    """A voice that is played on from tile to tile. The kernel writes whole blocks; what is too much waits here."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._rows, self._blocks = voice.rows()
        self._state = start(voice.tone.constants, self._rows[0])
        self._waiting = np.zeros(0, np.float32)

    def play(self, frames: int, out: Singles) -> int:
        """Writes the next `frames` into `out`, which has room for a block more; fewer, when it is over."""
        waiting = len(self._waiting)
        out[:waiting] = self._waiting
        written = waiting
        if not self._state[kernel.OVER] and frames > waiting:
            more = out[waiting : waiting + _whole_blocks(frames - waiting)]
            written += _play(self._voice, self._rows, self._blocks, self._voice.release, self._state, more)
        self._waiting = out[frames:written].copy()
        return min(written, frames)


def is_long(voice: Voice) -> bool:
    """Whether a voice is played on tile by tile. Many long tails at once would fill the memory, and be made again and again."""
    return voice.frames > LONG or _parted(voice)[1] > LONG // OF_ITS_OWN


def _play(
    voice: Voice,
    rows: Floats,
    blocks: Integers,
    release: int,
    state: Floats,
    out: Singles,
    marks: Integers = NO_MARKS,
    marked: Floats = NO_STATES,
) -> int:
    tone, points = voice.tone, voice.tone.points
    return int(kernel.sound(points.held, points.freed, tone.constants, rows, blocks, release, state, out, marks, marked))


def _parted(voice: Voice) -> tuple[int, int]:
    """Frames that it shares with others of its key, and those after its release that it does not."""
    if voice.steady or voice.release < 0:
        return voice.frames, 0
    shared = min(voice.frames, voice.release * kernel.BLOCK)
    return shared, voice.frames - shared


def _whole_blocks(frames: int) -> int:
    return -(-frames // kernel.BLOCK) * kernel.BLOCK
