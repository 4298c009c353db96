"""The arithmetic of voices, compiled: a sample read at a pitch and filtered, moved by envelopes and oscillators; and added up.

All paragraphs are those of the SoundFont Technical Specification 2.04. Everything moves in blocks of 64 frames from a
voice's own onset, except what is heard as a step: an attack is followed frame by frame. All is in one module, with its constants:
compiled code is kept until the date of its own file changes.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import carray, njit, types  # type: ignore[attr-defined]
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["BLOCK", "GUARD", "LARGEST_STEP", "add_voices", "get_ready", "interleave", "level", "sound"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

BLOCK = 64
LARGEST_STEP = 16.0  # sample points a frame, four octaves above the sample's own rate: beyond, they are read one by one
GUARD = round(BLOCK * LARGEST_STEP) + 8  # points that a block may read past the place where it should end or turn back
FLOOR = 900.0  # centibels under a sample's full scale: there a voice is over
SILENT = 2000.0  # centibels
TINY = 1e-15
SLOW = 8.0  # centibels: an exponential that falls no more is a straight line to within a thousandth
FOR_EVER = 1 << 50  # frames
HIGHEST_CUTOFF = 13500.0  # cents: from here on the filter is open (8.1.2, 8)
ABOVE_HEARING = 0.45  # of the sample rate: a digital filter's cutoff must lie below the half
CENTIBEL = math.log(10.0) / 200.0  # of amplitude: e to that power
CENT = math.log(2.0) / 1200.0  # of pitch
FREQUENCY_OF_0 = 8.176  # Hz at 0 absolute cents

# What a voice never changes: `constants`. Times are in frames from the onset; a delay may lie before it.
(LENGTH, LOOP_START, LOOP_END, MODE, RATE, MOD_DELAY, MOD_ATTACK, MOD_HOLD, MOD_DECAY, MOD_SUSTAIN, MOD_RELEASE) = range(11)
(MOD_LFO_DELAY, VIB_LFO_DELAY, PEAK) = range(11, 14)
CONSTANTS = 14

# What may change while it sounds, a row of `rows` for each state, in the font's own units.
(PITCH, CUTOFF, Q, MOD_LFO_PITCH, MOD_LFO_CUTOFF, MOD_ENV_PITCH, MOD_ENV_CUTOFF) = range(7)
(VIB_LFO_PITCH, MOD_LFO_RATE, VIB_LFO_RATE) = range(7, 10)
ROW = 10

# Where a voice stands between two calls: `state`.
(POSITION, FRAME, B0, A1, A2, AT_CUTOFF, AT_Q, OFF_MOD, MOD_PHASE, VIB_PHASE, STEP, OVER) = range(12)
STATE = 12  # and then twice PAST: what went into the filter last, and what came out

# How loud it is: `envelope`, applied where voices are added. Times are in frames from the onset, levels in centibels.
(ATTACK, HOLD, DECAY, SUSTAIN, FULL_SCALE, LET_GO, RELEASE, HURRIED, HURRY, TREMOLO_DELAY, TREMOLO_RATE, LOUDEST) = range(12)
ENVELOPE = 12


compiled = njit(nogil=True, cache=True, fastmath=True)
# What these call is theirs alone: a function called by name would be another one's, worked on otherwise, in the process that
# compiles than in those that load what was kept, and its sound another in the last digits.
inlined = njit(nogil=True, cache=True, fastmath=True, forceinline=True)


@inlined
def level(frame: float, envelope: Floats) -> float:
    """Centibels under the peak after the attack (8.1.2, 34-38): a constant dB per time, at decay and at release.

    The key is let go at LET_GO, from HURRIED on it goes fast: RELEASE and HURRY are the frames that FULL_SCALE takes.
    """
    held = min(frame, envelope[LET_GO])
    if held < envelope[ATTACK]:  # let go while still rising
        down = min(SILENT, -200.0 * math.log10(max(held / envelope[ATTACK], 1e-10)))
    else:
        fallen = max(0.0, held - envelope[ATTACK] - envelope[HOLD])
        down = min(envelope[SUSTAIN], envelope[FULL_SCALE] * fallen / envelope[DECAY])
    if frame > envelope[LET_GO]:
        slowly = min(frame, max(envelope[HURRIED], envelope[LET_GO]))
        down += envelope[FULL_SCALE] * (slowly - envelope[LET_GO]) / envelope[RELEASE]
    if frame > envelope[HURRIED]:
        down += envelope[FULL_SCALE] * (frame - envelope[HURRIED]) / envelope[HURRY]
    return down


@inlined
def _modulation(frame: float, constants: Floats) -> float:
    """The modulation envelope, 0 to 1, while the key is down (8.1.2, 25-29): a convex attack, then straight lines."""
    frame -= constants[MOD_DELAY]
    if frame <= 0:
        return 0.0
    if frame < constants[MOD_ATTACK]:
        return max(0.0, 1.0 + 40.0 / 96.0 * math.log10(frame / float(constants[MOD_ATTACK])))
    frame -= constants[MOD_ATTACK] + constants[MOD_HOLD]
    if frame <= 0:
        return 1.0
    fallen: float = max(1.0 - frame / constants[MOD_DECAY], constants[MOD_SUSTAIN])
    return fallen


@inlined
def _triangle(phase: float) -> float:
    """-1 to 1, upwards from 0 (8.1.2, 21-24)."""
    phase -= math.floor(phase)
    if phase < 0.25:
        return 4.0 * phase
    if phase < 0.75:
        return 2.0 - 4.0 * phase
    return 4.0 * phase - 4.0


def _on_stack(number: Any, size: int) -> Any:
    """A compiled function that gives the address of `size` numbers on the stack.

    Nothing else can point there, which the compiler cannot know of two arrays: only so does it work on many numbers at once.
    """

    @intrinsic
    def room(typing_context: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = context.get_value_type(number)
            room = cgutils.alloca_once(builder, ir.ArrayType(kind, size))  # type: ignore[no-untyped-call]
            return builder.bitcast(room, kind.as_pointer())

        return types.CPointer(number)(), code  # type: ignore[no-untyped-call]

    return room


PAST = 16  # frames before a block that its filter looks back on
_singles = _on_stack(types.float32, BLOCK)
_doubles = _on_stack(types.float64, PAST + BLOCK)


@inlined
def _read(samples: Singles, position: float, step: float, out: Singles) -> None:
    """A block at a constant pitch by Catmull and Rom's cubic through four points."""
    base = int(position)
    source = samples[base : base + GUARD]  # one point before the first that counts
    start = np.float32(position - base)
    stride = np.float32(step)
    read = carray(_singles(), BLOCK)
    for i in range(BLOCK):
        x = start + np.float32(i) * stride
        k = np.int32(x)
        f = x - np.float32(k)
        a = source[np.uint32(k)]
        b = source[np.uint32(k) + np.uint32(1)]
        c = source[np.uint32(k) + np.uint32(2)]
        d = source[np.uint32(k) + np.uint32(3)]
        slope = np.float32(0.5) * (c - a)
        cubic = np.float32(0.5) * (d - a) + np.float32(1.5) * (b - c)
        square = c - b - slope - cubic
        read[i] = b + f * (slope + f * (square + f * cubic))
    for i in range(BLOCK):
        out[i] = read[i]


@inlined
def _read_far(samples: Singles, position: float, step: float, length: float, start: float, end: float, out: Singles) -> None:
    """The same for strides of any width, point by point; it loops from `end` to `start` if that is not less."""
    for i in range(BLOCK):
        x = position + i * step
        if end > start and x >= end:
            x = start + (x - start) % (end - start)
        elif x >= length:
            out[i] = 0.0
            continue
        k = int(x)
        f = np.float32(x - k)
        a, b, c, d = samples[k], samples[k + 1], samples[k + 2], samples[k + 3]
        slope = np.float32(0.5) * (c - a)
        cubic = np.float32(0.5) * (d - a) + np.float32(1.5) * (b - c)
        out[i] = b + f * (slope + f * (c - b - slope - cubic + f * cubic))


@inlined
def _filter(block: Singles, state: Floats, b0: float, a1: float, a2: float) -> None:
    """A two-pole low-pass, b0 (1 + z^-1)^2 / (1 + a1 z^-1 + a2 z^-2).

    Frame by frame each output would wait for the last. Above and below the line multiplied by 1 - a1 z^-1 + a2 z^-2, only even
    powers are left below it, and so on twice more: then an output hangs on those 8 and 16 frames ago, and eight are worked out
    at once (scattered look-ahead: Parhi and Messerschmitt, IEEE Trans. ASSP 37, 1989).
    """
    x = carray(_doubles(), PAST + BLOCK)
    u = carray(_doubles(), PAST + BLOCK)
    y = carray(_doubles(), PAST + BLOCK)
    inputs = state[STATE : STATE + PAST]
    outputs = state[STATE + PAST : STATE + 2 * PAST]
    for i in range(PAST):
        x[i] = inputs[i]
        y[i] = outputs[i]
    for i in range(BLOCK):
        x[PAST + i] = block[i]
    c1 = 2.0 * a2 - a1 * a1
    c2 = a2 * a2
    d1 = 2.0 * c2 - c1 * c1
    d2 = c2 * c2
    e1 = 2.0 * d2 - d1 * d1
    e2 = d2 * d2
    size = PAST + BLOCK
    for i in range(2, size):
        u[i] = b0 * (x[i] + 2.0 * x[i - 1] + x[i - 2])
    for i in range(4, size):
        x[i] = u[i] - a1 * u[i - 1] + a2 * u[i - 2]
    for i in range(8, size):
        u[i] = x[i] - c1 * x[i - 2] + c2 * x[i - 4]
    for i in range(16, size):
        x[i] = u[i] - d1 * u[i - 4] + d2 * u[i - 8]
    for n in range(PAST, size, 8):
        for i in range(8):
            y[n + i] = x[n + i] - e1 * y[n + i - 8] - e2 * y[n + i - 16]
    for i in range(PAST):
        inputs[i] = block[BLOCK - PAST + i]
        # What has died away must not go on as denormal numbers, which cost a hundred times as much.
        outputs[i] = y[BLOCK + i] if abs(y[BLOCK + i]) > TINY else 0.0
    for i in range(BLOCK):
        block[i] = np.float32(y[PAST + i])


@inlined
def _filter_moving(block: Singles, state: Floats, b0: float, a1: float, a2: float) -> None:
    """The same with coefficients on straight lines from those of the last block to these: steps would be heard as noise."""
    inputs = state[STATE : STATE + PAST]
    outputs = state[STATE + PAST : STATE + 2 * PAST]
    x1, x2, y1, y2 = inputs[PAST - 1], inputs[PAST - 2], outputs[PAST - 1], outputs[PAST - 2]
    b, p, q = state[B0], state[A1], state[A2]
    db, dp, dq = (b0 - b) / BLOCK, (a1 - p) / BLOCK, (a2 - q) / BLOCK
    for i in range(PAST):
        inputs[i] = block[BLOCK - PAST + i]
    for i in range(BLOCK):
        b += db
        p += dp
        q += dq
        x = np.float64(block[i])
        y = (b * (x + 2.0 * x1 + x2) - q * y2) - p * y1
        x2, x1, y2, y1 = x1, x, y1, y
        block[i] = np.float32(y)
        if i >= BLOCK - PAST:
            outputs[i - (BLOCK - PAST)] = y if abs(y) > TINY else 0.0
    state[B0], state[A1], state[A2] = b0, a1, a2


@inlined
def _quality(centibels: float, peak: bool) -> float:
    """The quality of the poles, a Butterworth's at 0 (8.1.2, 9): `peak` if the peak is so high above 0 Hz, else the gain at the
    cutoff, less 3.01 dB."""
    high: float = 10.0 ** (min(max(centibels, 0.0), 960.0) / 200.0)
    factor = 0.5 * (1.0 + math.sqrt(1.0 - 1.0 / (high * high))) if peak else 0.5
    return high * float(math.sqrt(factor))


@compiled
def sound(
    held: Singles,
    freed: Singles,
    constants: Floats,
    rows: Floats,
    blocks: Integers,
    release: int,
    state: Floats,
    out: Singles,
    marks: Integers,
    marked: Floats,
) -> int:
    """Plays a voice on from `state` into `out`, all but its volume envelope; the frames written, a multiple of 64.

    `held` are its sample's points while the key is down, with one guard point before them and GUARD behind them (a loop goes on
    there), `freed` those after it is let go. Row i of `rows` (n, ROW) counts from block `blocks[i]` on. The key is let go at
    the beginning of block `release`, never if that is negative. `state[OVER]` is 1 when its sample is at its end. Where block
    `marks[i]`, in rising order, begins, the state is left in `marked[i]`.
    """
    rate = constants[RATE]
    length, loop_start, loop_end = constants[LENGTH], constants[LOOP_START], constants[LOOP_END]
    mode = int(constants[MODE])
    step_index = int(state[STEP])
    row = rows[step_index]
    released_at = release * float(BLOCK) if release >= 0 else 1e300
    position = state[POSITION]
    frame = state[FRAME]
    written = 0
    mark = 0
    fresh = True
    filtered = has_env = has_mod_lfo = has_vib = moving = False
    step_of_row = mod_rate = vib_rate = quality = lowered = 0.0
    while written + BLOCK <= out.shape[0]:
        block = int(frame) // BLOCK
        if mark < marks.shape[0] and marks[mark] <= block:
            state[POSITION], state[FRAME], state[STEP] = position, frame, step_index
            marked[mark] = state
            mark += 1
        if step_index + 1 < blocks.shape[0] and blocks[step_index + 1] <= block:
            while step_index + 1 < blocks.shape[0] and blocks[step_index + 1] <= block:
                step_index += 1
            row = rows[step_index]
            fresh = True
        if fresh:
            fresh = False
            has_env = row[MOD_ENV_PITCH] != 0 or row[MOD_ENV_CUTOFF] != 0
            has_mod_lfo = row[MOD_LFO_PITCH] != 0 or row[MOD_LFO_CUTOFF] != 0
            has_vib = row[VIB_LFO_PITCH] != 0
            moving = row[MOD_ENV_PITCH] != 0 or row[MOD_LFO_PITCH] != 0 or has_vib
            sweeping = row[MOD_ENV_CUTOFF] != 0 or row[MOD_LFO_CUTOFF] != 0
            # A filter that was once in the way stays there: leaving would be heard as a step.
            filtered = row[CUTOFF] < HIGHEST_CUTOFF or row[Q] > 0 or sweeping or state[AT_CUTOFF] > -1e9
            mod_rate = FREQUENCY_OF_0 * math.exp(row[MOD_LFO_RATE] * CENT) / rate
            vib_rate = FREQUENCY_OF_0 * math.exp(row[VIB_LFO_RATE] * CENT) / rate
            step_of_row = math.exp(row[PITCH] * CENT)
            quality = _quality(row[Q], constants[PEAK] > 0)
            lowered = math.exp(-0.5 * max(row[Q], 0.0) * CENTIBEL)  # at 0 Hz, by half the resonance (8.1.2, 9)
        let_go = frame >= released_at
        middle = frame + 0.5 * BLOCK
        end = frame + BLOCK

        envelope = oscillator = vibrato = 0.0
        if has_env:
            if let_go:
                if state[OFF_MOD] < 0:
                    state[OFF_MOD] = _modulation(released_at, constants)
                envelope = max(0.0, state[OFF_MOD] - (frame - released_at) / constants[MOD_RELEASE])
            else:
                envelope = _modulation(frame, constants)
        if has_mod_lfo and middle > constants[MOD_LFO_DELAY]:
            oscillator = _triangle(state[MOD_PHASE] + min(0.5 * BLOCK, middle - constants[MOD_LFO_DELAY]) * mod_rate)
        if has_vib and middle > constants[VIB_LFO_DELAY]:
            vibrato = _triangle(state[VIB_PHASE] + min(0.5 * BLOCK, middle - constants[VIB_LFO_DELAY]) * vib_rate)
        state[MOD_PHASE] += min(BLOCK, max(0.0, end - constants[MOD_LFO_DELAY])) * mod_rate
        state[VIB_PHASE] += min(BLOCK, max(0.0, end - constants[VIB_LFO_DELAY])) * vib_rate

        step = step_of_row
        if moving:
            cents = envelope * row[MOD_ENV_PITCH] + oscillator * row[MOD_LFO_PITCH] + vibrato * row[VIB_LFO_PITCH]
            step *= math.exp(cents * CENT)
        samples = freed if let_go else held
        here = out[written : written + BLOCK]
        looping = mode == 1 or (mode == 3 and not let_go)
        if step <= LARGEST_STEP:
            _read(samples, position, step, here)
        else:
            _read_far(samples, position, step, length, loop_start, loop_end if looping else loop_start, here)
        position += BLOCK * step

        if filtered:
            cutoff = row[CUTOFF] + envelope * row[MOD_ENV_CUTOFF] + oscillator * row[MOD_LFO_CUTOFF]
            if abs(cutoff - state[AT_CUTOFF]) > 1.0 or quality != state[AT_Q]:
                hertz = FREQUENCY_OF_0 * math.exp(min(max(cutoff, 1500.0), HIGHEST_CUTOFF) * CENT)
                sine = math.sin(math.pi * min(hertz / rate, ABOVE_HEARING))  # of half the angle
                alpha = sine * math.sqrt(1.0 - sine * sine) / quality
                unit = 1.0 / (1.0 + alpha)
                a1 = (4.0 * sine * sine - 2.0) * unit
                a2 = (1.0 - alpha) * unit
                b0 = sine * sine * unit * lowered
                if state[AT_CUTOFF] <= -1e9:
                    state[B0], state[A1], state[A2] = b0, a1, a2
                state[AT_CUTOFF], state[AT_Q] = cutoff, quality
                _filter_moving(here, state, b0, a1, a2)
            else:
                _filter(here, state, state[B0], state[A1], state[A2])

        written += BLOCK
        frame = end
        if not looping:
            if position >= length:
                state[OVER] = 1
                break
        elif position >= loop_end:
            position = loop_start + (position - loop_start) % (loop_end - loop_start)
    state[POSITION], state[FRAME], state[STEP] = position, frame, step_index
    return written


@inlined
def _add(
    x: Singles,
    left: Singles,
    right: Singles,
    l0: np.float32,
    l1: np.float32,
    r0: np.float32,
    r1: np.float32,
    done: int,
    frames: int,
) -> None:
    """Adds `x` to both sides, its gains on straight lines of `frames`, of which so many are done: however cut, the same bytes."""
    if l0 == l1 and r0 == r1:
        for i in range(x.shape[0]):
            left[i] += l0 * x[i]
            right[i] += r0 * x[i]
    else:
        dl = (l1 - l0) / np.float32(frames)
        dr = (r1 - r0) / np.float32(frames)
        for i in range(x.shape[0]):
            k = np.float32(np.int32(i + done))
            left[i] += (l0 + k * dl) * x[i]
            right[i] += (r0 + k * dr) * x[i]


@inlined
def _sides(attenuation: float, pan: float) -> tuple[float, float]:
    """Gains of both sides: `attenuation` in centibels, `pan` in tenths of a per cent, -500 left to 500 right; equal power."""
    gain = math.exp(-min(max(attenuation, 0.0), SILENT) * CENTIBEL)
    angle = (min(max(pan, -500.0), 500.0) + 500.0) * (math.pi / 2000.0)
    return gain * math.cos(angle), gain * math.sin(angle)


@inlined
def _amplitude(frame: int, envelope: Floats, tremolo: float) -> float:
    """The volume envelope, 0 to 1: an attack is straight in amplitude (8.1.2, 34), its first frame not silent.

    The modulation LFO makes it `tremolo` centibels louder at most (8.1.2, 13), up to LOUDEST above the peak.
    """
    rising = 1.0
    down = 0.0
    if frame < envelope[ATTACK] and frame < envelope[LET_GO]:
        rising = min(1.0, (frame + 1.0) / envelope[ATTACK])
    else:
        down = level(float(frame), envelope)
    if tremolo != 0 and frame > envelope[TREMOLO_DELAY]:
        down -= tremolo * _triangle((frame - envelope[TREMOLO_DELAY]) * envelope[TREMOLO_RATE])
        down = max(down, -envelope[LOUDEST])
    return rising * math.exp(-down * CENTIBEL)


@compiled
def add_voices(
    memory: Singles,
    spans: Integers,
    onset: Integers,
    envelopes: Floats,
    levels: Floats,
    curves: Integers,
    frames: Integers,
    offsets: Floats,
    tile: int,
    left: Singles,
    right: Singles,
) -> None:
    """Adds to the tile that begins at frame `tile` what falls into it of each voice, in their order.

    Voice v is struck at frame `onset[v]`. `spans[v]` are rows (first frame from the onset, frames, place in `memory`) of what was
    rendered of it. It is shaped by `envelopes[v]`, and `levels[v]` are its attenuation (centibels), pan (tenths of a per cent)
    and tremolo (centibels); to these are added rows `curves[v, 0]` to `curves[v, 1]` of `offsets`, in the same order, which
    count from `frames` on. All moves in straight lines over the voice's blocks.
    """
    size = left.shape[0]
    for v in range(onset.shape[0]):
        envelope = envelopes[v]
        corner = round(envelope[ATTACK])  # where the attack is over, between two blocks
        fall = envelope[SUSTAIN] * envelope[DECAY] / envelope[FULL_SCALE]
        flat = int(min(1e15, envelope[ATTACK] + envelope[HOLD] + fall)) + 1
        let_go = int(min(1e15, envelope[LET_GO]))
        hurried = int(min(1e15, envelope[HURRIED]))
        slowly = 4 * BLOCK
        slow_decay = envelope[FULL_SCALE] * slowly < SLOW * envelope[DECAY]
        slow_release = envelope[FULL_SCALE] * slowly < SLOW * envelope[RELEASE]
        begin = onset[v]
        for s in range(spans.shape[1]):
            origin = begin + spans[v, s, 0]
            place = spans[v, s, 2]
            first = max(origin, tile)
            last = min(origin + spans[v, s, 1], tile + size)
            if last <= first:
                continue
            # The last row that counts where the block of `first` begins.
            at, end = curves[v, 0], curves[v, 1]
            here = first - begin
            low, high = at, end
            while high - low > 1:
                middle = (low + high) // 2
                if frames[middle] <= begin + here // BLOCK * BLOCK:
                    low = middle
                else:
                    high = middle
            at = low
            gl, gr = _sides(levels[v, 0] + offsets[at, 0], levels[v, 1] + offsets[at, 1])
            start = here // BLOCK * BLOCK
            if start < corner <= here:
                start = corner
            tremolo = levels[v, 2] + offsets[at, 2]
            shape = _amplitude(start, envelope, tremolo)
            l0, r0 = gl * shape, gr * shape
            stop = last - begin
            while here < stop:
                # From `start` to `to` all is a straight line; `here` may lie within it.
                to = start // BLOCK * BLOCK + BLOCK
                if start < corner < to:
                    to = corner
                elif start >= corner and tremolo == 0:
                    change = frames[at + 1] - begin if at + 1 < end else FOR_EVER
                    if start >= let_go:
                        further = start // slowly * slowly + slowly if slow_release else to
                        quiet = min(change - 1, hurried)
                    elif start >= flat:
                        further = quiet = min(stop, let_go, hurried, change - 1) // BLOCK * BLOCK
                    else:
                        further = start // slowly * slowly + slowly if slow_decay else to
                        quiet = min(change - 1, let_go, hurried)
                    if to < further <= quiet:
                        to = further
                moved = False
                while at + 1 < end and frames[at + 1] <= begin + to:
                    at += 1
                    moved = True
                if moved:
                    gl, gr = _sides(levels[v, 0] + offsets[at, 0], levels[v, 1] + offsets[at, 1])
                    tremolo = levels[v, 2] + offsets[at, 2]
                shape = _amplitude(to, envelope, tremolo)
                l1, r1 = gl * shape, gr * shape
                upto = min(to, stop)
                a = place + here - spans[v, s, 0]
                b = begin + here - tile
                n = upto - here
                _add(
                    memory[a : a + n],
                    left[b : b + n],
                    right[b : b + n],
                    np.float32(l0),
                    np.float32(l1),
                    np.float32(r0),
                    np.float32(r1),
                    here - start,
                    to - start,
                )
                l0, r0 = l1, r1
                start = here = to


@compiled
def interleave(left: Singles, right: Singles, out: Singles) -> None:
    """Two sides as the columns of `out` (frames, 2)."""
    for i in range(out.shape[0]):
        out[i, 0] = left[i]
        out[i, 1] = right[i]


def get_ready() -> None:
    """Loads the compiled code, or makes it, which takes some seconds. What is kept of it and damaged raises as pickle does."""
    constants = np.zeros(CONSTANTS)
    constants[RATE] = 44100.0
    silence = np.zeros(GUARD + 2 * BLOCK, np.float32)
    rows, nothing, state = np.zeros((1, ROW)), np.zeros(0, np.int64), np.zeros(STATE + 2 * PAST)
    sound(
        silence, silence, constants, rows, np.zeros(1, np.int64), -1, state, silence[:BLOCK], nothing, np.zeros((0, len(state)))
    )
    voices = np.zeros((0, 2, 3), np.int64), nothing, np.zeros((0, ENVELOPE)), np.zeros((0, 3)), np.zeros((0, 2), np.int64)
    add_voices(silence, *voices, nothing, np.zeros((0, 3)), 0, silence, silence)
    interleave(silence, silence, np.zeros((BLOCK, 2), np.float32))
