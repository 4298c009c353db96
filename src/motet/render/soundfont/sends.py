"""The rooms that SoundFont sends go to (generators 15 and 16, controllers 93 and 91): a hall, and a chorus.

Both are linear and begin with frame 0 of the song, whoever plays: what stems send apart sums to what they send together.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["Chorus", "Room", "get_ready"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FAINTEST = np.float32(1e-20)  # what is less counts as zero: denormal numbers are a hundred times slower
BLOCK = 1024  # frames worked on at once, at most

# --- the hall ---
DECAY = 1.8  # seconds to fall by 60 dB: "medium hall" of General MIDI 2 (RP-024, global parameter control)
BRIGHT, BRIGHT_DECAY = 4000.0, 1.0  # Hz, and seconds to fall by 60 dB there: air and walls take treble first
LINES = (0.0411, 0.0467, 0.0531, 0.0603, 0.0685, 0.0779, 0.0885, 0.1005)  # seconds; together well over 0.15 x DECAY
DIFFUSERS, DIFFUSION = (0.0071, 0.0113, 0.0167), np.float32(0.6)  # seconds, and what each gives back
RUMBLE = 30.0  # Hz; a room answers little that is lower, and nothing that stands still
LEVEL = np.float32(0.57)  # of what is sent: as much energy comes back as from FluidSynth 2 by default (measured)
_ROWS = len(LINES)

# --- the chorus ---
SWING, RATE = 0.00625, 0.366  # seconds from peak to peak, Hz: "chorus 3" of General MIDI 2
CENTRE = 0.010  # seconds
TAPS = 3
CELL = 128  # frames in which a delay changes evenly
_MIDDLE = np.float32(math.sqrt(1 / 6))  # three taps of a third of the energy each: left, both, right
_SIDE = np.float32(math.sqrt(1 / 3))


class Room:
    """A hall of 1.8 s: diffusing all-passes (Schroeder, JAES 1962) before a network of eight delays that feed each other
    through a Hadamard matrix (Jot and Chaigne, AES 90th Convention 1991), each with a low-pass that makes all frequencies
    decay in their own time, whatever the delay.

    Of a sound between 100 and 1600 Hz, sent in full, each ear hears 0.45 of its energy (-3.5 dB), and less above.
    """

    def __init__(self, sample_rate: int) -> None:
        lengths = _primes([round(seconds * sample_rate) for seconds in (*LINES, *DIFFUSERS)])
        edges = np.cumsum([0, *lengths])
        self._starts: Ints = edges[:-1].astype(np.int64)
        self._ends: Ints = edges[1:].astype(np.int64)
        self._at = self._starts.copy()
        self._rings = np.zeros(edges[-1], np.float32)
        delays = np.array(lengths[:_ROWS]) / sample_rate
        self._poles = _poles(delays, sample_rate)
        # The gain of a low-pass with that pole, of the decay, and of an orthogonal matrix made of ones.
        self._gains = ((1 - self._poles) * 10 ** (-3 * delays / DECAY) / math.sqrt(_ROWS)).astype(np.float32)
        self._damped = np.zeros(_ROWS, np.float32)
        self._blocked = np.zeros(2, np.float32)
        self._kept = np.float32(math.exp(-2 * math.pi * RUMBLE / sample_rate))
        self.tail = math.ceil((DECAY + max(delays)) * sample_rate)

    def add(self, send: Floats, left: Floats, right: Floats) -> None:
        """Add what the room answers to the next frames of what is sent to it; all three are of one length.

        Frames given in many calls or in one give the same bytes. After the last sound, `tail` frames of silence let the
        answer fall by 60 dB.
        """
        _check(send, left, right)
        _reverberate(
            send, left, right, self._rings, self._starts, self._ends, self._at,
            self._gains, self._poles, self._damped, self._blocked, self._kept,
        )  # fmt: skip

    def skip(self, frames: int) -> None:
        """As many frames of silence, `tail` frames or more after the last sound: to a room all times are alike."""


def _check(send: Floats, left: Floats, right: Floats) -> None:
    if not len(send) == len(left) == len(right):  # compiled code writes where it is told
        raise ValueError(f"{len(send)} frames are sent, and {len(left)} and {len(right)} heard")


def _primes(lengths: list[int]) -> list[int]:
    """The least primes from these lengths on, each another: echoes of two delays then seldom meet."""
    found: list[int] = []
    for length in lengths:
        prime = max(2, length)
        while prime in found or any(prime % divisor == 0 for divisor in range(2, math.isqrt(prime) + 1)):
            prime += 1
        found.append(prime)
    return found


def _poles(delays: Doubles, sample_rate: int) -> Floats:
    """Poles p of low-passes (1 - p) / (1 - p / z) that make what runs through these delays (seconds) decay at BRIGHT in
    BRIGHT_DECAY, where without them it would in DECAY."""
    turn = math.cos(2 * math.pi * min(BRIGHT, sample_rate / 2) / sample_rate)
    power = 10 ** (-6 * delays * (1 / BRIGHT_DECAY - 1 / DECAY))
    half = (1 - power * turn) / (1 - power)
    poles: Floats = (half - np.sqrt(half * half - 1)).astype(np.float32)
    return poles


@njit(nogil=True, cache=True, inline="always")
def _heard(value: np.float32) -> np.float32:
    return value if abs(value) >= FAINTEST else np.float32(0)


@njit(nogil=True, cache=True)
def _reverberate(
    send: Floats, left: Floats, right: Floats, rings: Floats, starts: Ints, ends: Ints, at: Ints,
    gains: Floats, poles: Floats, damped: Floats, blocked: Floats, kept: np.float32,
) -> None:  # fmt: skip
    rows = len(gains)
    sound = np.empty(BLOCK, np.float32)
    done = 0
    while done < len(send):
        # As many frames as no ring begins anew: each is then worked on where it lies.
        frames = min(len(send) - done, BLOCK)
        for row in range(len(at)):
            frames = min(frames, ends[row] - at[row])
        fed = sound[:frames]
        _without_rumble(send[done : done + frames], fed, blocked, kept)
        for row in range(rows, len(at)):
            _diffuse(fed, rings[at[row] : at[row] + frames])
        # Eight lines cross in three steps: two within each four, and one between the fours.
        for row in (0, 4):
            _absorb(
                rings[at[row] : at[row] + frames],
                rings[at[row + 1] : at[row + 1] + frames],
                rings[at[row + 2] : at[row + 2] + frames],
                rings[at[row + 3] : at[row + 3] + frames],
                damped[row : row + 4],
                gains[row : row + 4],
                poles[row : row + 4],
            )
        _hear(rings[at[1] : at[1] + frames], rings[at[5] : at[5] + frames], left[done : done + frames])
        _hear(rings[at[2] : at[2] + frames], rings[at[6] : at[6] + frames], right[done : done + frames])
        for row in range(4):
            _feed(fed, rings[at[row] : at[row] + frames], rings[at[row + 4] : at[row + 4] + frames])
        for row in range(len(at)):
            at[row] += frames
            if at[row] == ends[row]:
                at[row] = starts[row]
        done += frames


@njit(nogil=True, cache=True)
def _without_rumble(send: Floats, fed: Floats, blocked: Floats, kept: np.float32) -> None:
    before, passed = blocked[0], blocked[1]
    for i in range(len(fed)):
        now = LEVEL * send[i]
        passed = _heard(now - before + kept * passed)
        before = now
        fed[i] = passed
    blocked[0], blocked[1] = before, passed


@njit(nogil=True, cache=True)
def _diffuse(sound: Floats, ring: Floats) -> None:
    for i in range(len(sound)):
        kept = sound[i] + DIFFUSION * ring[i]
        sound[i] = ring[i] - DIFFUSION * kept
        ring[i] = _heard(kept)


@njit(nogil=True, cache=True)
def _absorb(a: Floats, b: Floats, c: Floats, d: Floats, damped: Floats, gains: Floats, poles: Floats) -> None:
    """Damp four lines and cross them. Side by side: each waits for its own last frame, and meanwhile the others are done."""
    a_gain, b_gain, c_gain, d_gain = gains[0], gains[1], gains[2], gains[3]
    a_pole, b_pole, c_pole, d_pole = poles[0], poles[1], poles[2], poles[3]
    a_now, b_now, c_now, d_now = damped[0], damped[1], damped[2], damped[3]
    for i in range(len(a)):
        a_now = _heard(a_gain * a[i] + a_pole * a_now)
        b_now = _heard(b_gain * b[i] + b_pole * b_now)
        c_now = _heard(c_gain * c[i] + c_pole * c_now)
        d_now = _heard(d_gain * d[i] + d_pole * d_now)
        one, two, three, four = a_now + b_now, a_now - b_now, c_now + d_now, c_now - d_now
        a[i], b[i], c[i], d[i] = one + three, two + four, one - three, two - four
    damped[0], damped[1], damped[2], damped[3] = a_now, b_now, c_now, d_now


@njit(nogil=True, cache=True)
def _hear(one: Floats, other: Floats, ear: Floats) -> None:
    for i in range(len(ear)):
        ear[i] += one[i] + other[i]


@njit(nogil=True, cache=True)
def _feed(sound: Floats, one: Floats, other: Floats) -> None:
    for i in range(len(sound)):
        a, b = one[i], other[i]
        one[i] = a + b + sound[i]
        other[i] = a - b + sound[i]


class Chorus:
    """Three echoes of about 10 ms that swing by 6 ms, each a third of a turn after the other: left, in the middle, right.

    All that is sent gives as much energy. Swings begin with the first frame (Dattorro, JAES 45(10), 1997, on choruses of
    swinging delays).
    """

    def __init__(self, sample_rate: int) -> None:
        self._centre, self._depth = CENTRE * sample_rate, SWING / 2 * sample_rate
        self._turns = RATE / sample_rate
        self._held = math.ceil(self._centre + self._depth) + 4
        self._line = np.zeros(self._held + max(4 * self._held, BLOCK), np.float32)
        self._clock = np.array([0, self._held], np.int64)
        self.tail = self._held

    def add(self, send: Floats, left: Floats, right: Floats) -> None:
        """Add the chorus of the next frames of what is sent to it; as `Room.add`. Silent from `tail` frames after the last
        sound."""
        _check(send, left, right)
        _swing(send, left, right, self._line, self._clock, self._held, self._centre, self._depth, self._turns)

    def skip(self, frames: int) -> None:
        """As many frames of silence, `tail` frames or more after the last sound: only its swings go on."""
        self._clock[0] += frames


@njit(nogil=True, cache=True)
def _swing(
    send: Floats, left: Floats, right: Floats, line: Floats, clock: Ints, held: int, centre: float, depth: float, turns: float
) -> None:
    now, at = clock[0], clock[1]
    sound = np.empty((TAPS, CELL), np.float32)
    done = 0
    while done < len(send):
        first = now % CELL
        frames = min(len(send) - done, CELL - first)
        if at + frames > len(line):  # what the longest delay reaches moves to the front
            line[:held] = line[at - held : at].copy()
            at = held
        for i in range(frames):
            line[at + i] = _heard(send[done + i])
        begin, end = (now - first) * turns, (now - first + CELL) * turns
        for tap in range(TAPS):
            delay = centre + depth * math.sin(2 * math.pi * ((begin + tap / TAPS) % 1.0))
            later = centre + depth * math.sin(2 * math.pi * ((end + tap / TAPS) % 1.0))
            whole = int(min(delay, later))
            step = np.float32((later - delay) / CELL)
            _tap(line[at - whole - 4 : at - whole + frames + 1], sound[tap, :frames], np.float32(delay - whole), step, first)
        low, high = left[done : done + frames], right[done : done + frames]
        for i in range(frames):
            middle = _MIDDLE * sound[1, i]
            low[i] += _SIDE * sound[0, i] + middle
            high[i] += _SIDE * sound[2, i] + middle
        now += frames
        at += frames
        done += frames
    clock[0], clock[1] = now, at


@njit(nogil=True, cache=True)
def _tap(line: Floats, sound: Floats, delay: np.float32, step: np.float32, first: int) -> None:
    """Read `line` from its fifth frame on so many frames earlier, between frames by the cubic of Catmull and Rom."""
    done = 0
    while done < len(sound):
        whole = int(delay + step * np.float32(first + done))
        end = len(sound)
        while int(delay + step * np.float32(first + end - 1)) != whole:  # in a cell it changes once, if at all
            end -= 1
        at = done + 4 - whole
        a, b, c, d = line[at + 1 :], line[at:], line[at - 1 :], line[at - 2 :]
        for i in range(end - done):
            part = delay + step * np.float32(first + done + i) - np.float32(whole)
            rise = c[i] - a[i]
            bend = np.float32(2) * a[i] - np.float32(5) * b[i] + np.float32(4) * c[i] - d[i]
            skew = np.float32(3) * (b[i] - c[i]) + d[i] - a[i]
            sound[done + i] = b[i] + np.float32(0.5) * part * (rise + part * (bend + part * skew))
        done = end


def get_ready() -> None:
    """Loads the compiled code, or makes it: see `kernel.get_ready`."""
    silence = np.zeros(BLOCK, np.float32)
    for room in (Room(44100), Chorus(44100)):
        room.add(silence, silence.copy(), silence.copy())
