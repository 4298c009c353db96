"""Voices: what was struck, with all that moves it, as the kernel plays it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet.render.errors import RenderError
from motet.render.soundfont import kernel
from motet.render.soundfont.controls import Channel, Live, parted
from motet.render.soundfont.font import Zone
from motet.render.soundfont.modulators import Modulator, Palette
from motet.render.soundfont.score import NEVER, Struck
from motet.render.soundfont.tones import ROW_LIMITS, Tone, Tones, full_release, silent_after

__all__ = ["Voice", "Voicing"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

CHOKED = -200.0  # timecents of release of what its exclusive class ends: heard to be right with hi-hats (FluidSynth's value)
CUT = -6000.0  # timecents of release of what is cut off: 10 dB in 3 ms
FEW = 64  # steps of a voice that others may have as well
MOST_STEPS = 5_000_000  # of what moves the notes of a part: half a gigabyte
LEAST_FLOOR = 200.0  # centibels that even the softest voice falls
AT_ONCE = np.zeros(1, np.int64)


@dataclass(eq=False, slots=True)
class Voice:
    """A sound of one zone: `frames` frames from frame `start` on, shaped by `envelope` and by what is outer in `live`.

    The key is let go at block `release` (-1: never). Voices of one `key` are rendered alike until then, and if `steady` after it.
    `sends` go to reverb and chorus (0 to 1000). `moves` are which steps of `live` move it inside, None if none does.
    """

    key: Hashable
    tone: Tone
    moves: Moves | None
    release: int
    steady: bool
    start: int
    frames: int
    envelope: list[float]
    sends: tuple[float, float]
    live: Live

    def rows(self) -> tuple[Floats, Integers]:
        """The kernel's rows, and the blocks from which on they count. Made when asked for: thousands fill much memory."""
        if self.moves is None:
            return self.tone.rows, AT_ONCE
        first, last = self.moves.steps
        frames = self.live.inner_frames[first + 1 : last]
        blocks = np.array([0, *(-(-(frame - self.start) // kernel.BLOCK) for frame in frames)], np.int64)
        rows = self.tone.rows + self.live.inner[first:last]
        if self.moves.glide is not None:
            rows, blocks = _gliding(rows, blocks, *self.moves.glide, -(-self.frames // kernel.BLOCK))
        return np.clip(rows, ROW_LIMITS[:, 0], ROW_LIMITS[:, 1]), blocks


@dataclass(frozen=True)
class Moves:
    """Steps `steps[0]` to `steps[1]` of a Live, and a glide: from how many cents off, in how many frames."""

    steps: tuple[int, int]
    glide: tuple[float, float] | None


@dataclass(frozen=True)
class Moved:
    """What moves a zone while it sounds: its live modulators, their number, and what else they look at."""

    modulators: tuple[Modulator, ...]
    number: int
    by_key: bool
    by_velocity: bool
    by_key_pressure: bool


class Voicing:
    """Makes the voices of one part; none sounds on at frame `limit`."""

    def __init__(self, tones: Tones, channels: dict[int, Channel], sample_rate: int, limit: int) -> None:
        self._tones = tones
        self._channels = channels
        self._rate = sample_rate
        self._limit = limit
        self._pressed = {number for number, channel in channels.items() if channel.tells_of_keys()}
        self._moved: dict[int, Moved] = {}  # by the identity of a zone
        self._numbers: dict[tuple[Modulator, ...], int] = {}
        self._steps = 0
        self._lives: dict[tuple[int, int, int, int], Live] = {}

    def voice(self, struck: Struck) -> Voice | None:
        """None when it is let go before it sounds."""
        live = self._live(struck)
        onset = live.onset[_at(live.onset_frames, struck.start)] if live.moves_onset else None
        tone = self._tones.tone(struck.zone, struck.key, struck.velocity, onset)
        start = struck.start + tone.delay
        ended = min(struck.stop, struck.choked, struck.cut)
        if ended <= start or start >= self._limit:
            return None
        release, envelope = -1, tone.envelope
        if ended < NEVER:
            release = -(-(ended - start) // kernel.BLOCK)
            envelope = envelope.copy()
            envelope[kernel.LET_GO] = release * kernel.BLOCK
            for frame, timecents in ((struck.choked, CHOKED), (struck.cut, CUT)):
                if frame < NEVER:
                    self._hurry(envelope, frame - start, timecents)
        # What is softer is over sooner.
        floor = kernel.FLOOR - max(0.0, tone.level[0] + live.loudest)
        silent = silent_after(envelope, max(floor, LEAST_FLOOR))
        # The straight line of the block in which it falls silent is at its end with the block.
        frames = min(-(-silent // kernel.BLOCK) * kernel.BLOCK, self._limit - start)
        reverb, chorus = live.sends[_at(live.sends_frames, struck.start)]
        sends = min(max(tone.sends[0] + reverb, 0.0), 1000.0), min(max(tone.sends[1] + chorus, 0.0), 1000.0)
        first = _at(live.inner_frames, start)
        over = start + min(frames, tone.ends)
        alone = first + 1 == len(live.inner_frames) or live.inner_frames[first + 1] >= over
        if alone and struck.glide is None and not live.inner_moves[first]:
            frames = min(frames, tone.ends)
            steady = tone.steady or release * kernel.BLOCK >= tone.settled
            return Voice(tone.number, tone, None, release, steady, start, frames, envelope, sends, live)
        last = max(first + 1, bisect_left(live.inner_frames, start + frames, first))
        glide = None
        if struck.glide is not None:
            key, seconds = struck.glide
            glide = 100 * (key - struck.key), seconds * self._rate
        moves = Moves((first, last), glide)
        steady = tone.steady and not live.moves_envelope
        alike = object()  # to nothing but itself
        voice = Voice(alike, tone, moves, release, steady, start, frames, envelope, sends, live)
        if last - first <= FEW and glide is None:
            rows, blocks = voice.rows()
            voice.key = (tone.number, rows.tobytes(), blocks.tobytes())
        return voice

    def _hurry(self, envelope: list[float], frame: int, timecents: float) -> None:
        """From that frame on the voice falls faster."""
        fast = full_release(timecents, self._rate)
        if frame <= envelope[kernel.LET_GO]:
            envelope[kernel.RELEASE] = min(envelope[kernel.RELEASE], fast)
        elif frame < envelope[kernel.HURRIED] or fast < envelope[kernel.HURRY]:
            envelope[kernel.HURRIED], envelope[kernel.HURRY] = frame, fast

    def _live(self, struck: Struck) -> Live:
        moved = self._moved.get(id(struck.zone)) or self._moved_by(struck.zone)
        pressed = moved.by_key_pressure and struck.channel in self._pressed
        key = struck.key if moved.by_key or pressed else -1
        told = (struck.channel, moved.number, key, struck.velocity if moved.by_velocity else -1)
        found = self._lives.get(told)
        if found is None:
            channel = self._channels[struck.channel]
            found = self._lives[told] = channel.live(moved.modulators, struck.key, struck.velocity)
            self._steps += len(found.outer_frames) + len(found.inner_frames) + len(found.onset_frames)
            if self._steps > MOST_STEPS:
                detail = f"its controllers move the font's sounds in more than {MOST_STEPS:,} steps"
                raise RenderError("too_many_changes", detail)
        return found

    def _moved_by(self, zone: Zone) -> Moved:
        _, live = parted(zone.modulators)
        looked_at = {s.number for m in live for s in (m.source, m.amount_source) if not s.controller}
        number = self._numbers.setdefault(live, len(self._numbers))
        found = Moved(live, number, Palette.KEY in looked_at, Palette.VELOCITY in looked_at, Palette.KEY_PRESSURE in looked_at)
        self._moved[id(zone)] = found
        return found


def _at(frames: list[int], frame: int) -> int:
    """The step that counts at `frame`; the first begins at 0."""
    return bisect_right(frames, frame) - 1 if len(frames) > 1 else 0


def _gliding(rows: Floats, blocks: Integers, cents: float, frames: float, most: int) -> tuple[Floats, Integers]:
    """Rows whose pitch begins `cents` off and comes home in a straight line, a row for each block until then, `most` at most."""
    count = max(1, round(frames / kernel.BLOCK))
    every = np.arange(min(count, most))
    along = rows[np.searchsorted(blocks, every, "right") - 1].copy()
    along[:, kernel.PITCH] += cents * (1 - (every + 0.5) / count)
    if count >= most:
        return along, every
    home = rows[np.searchsorted(blocks, count, "right") - 1]
    after = blocks > count
    return np.concatenate([along, home[None], rows[after]]), np.concatenate([every, [count], blocks[after]])
