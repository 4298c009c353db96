"""The arithmetic of paths, compiled: notes drawn as semitones, a local path through two songs, a shift that changes slowly.

No fastmath, and nothing calls another of these: compiled and cached code agree to the last bit.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["draw", "held_moments", "held_path", "local_path", "rise_path", "shifted_gains"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Steps = npt.NDArray[np.uint8]

compiled = njit(nogil=True, cache=True)


@compiled
def draw(out: Floats, starts: Doubles, ends: Doubles, rows: Places, weights: Floats, fade: float, ring: float) -> None:
    """Add notes to `out` (frames, rows): from `starts` to `ends` (frames), falling by e in `fade` frames, in `ring` once let go.

    A place between two frames is shared by both, so that a moved onset is seen to move.
    """
    count = out.shape[0]
    for note in range(starts.shape[0]):
        begin, end, row, level = starts[note], ends[note], rows[note], weights[note]
        first = int(np.floor(begin))
        over = np.exp(-(end - begin) / fade)
        for frame in range(max(first, 0), count):
            held = frame - begin
            if held < 0.0:
                out[frame, row] += level * np.float32(1.0 + held)
                continue
            now = np.exp(-held / fade) if frame <= end else over * np.exp(-(frame - end) / ring)
            if now < 0.02:
                break
            out[frame, row] += level * np.float32(now)


@compiled
def local_path(alike: Floats, floor: float, bent: float, steps: Steps) -> tuple[float, int, int]:
    """The best local path through `alike` (n, m): its score, and where it ends; `steps` (n, m) is filled to walk it back.

    Cells count with what they have over `floor`. Steps are (1, 1), (2, 1) and (1, 2), so a path is nowhere steeper than 2; those
    that are not straight cost `bent` more. After Smith and Waterman (1981): a path begins where nothing before it helps.
    """
    n, m = alike.shape
    before = np.zeros(m, np.float32)
    earlier = np.zeros(m, np.float32)
    now = np.zeros(m, np.float32)
    best, at_row, at_column = np.float32(0.0), -1, -1
    low, cost = np.float32(floor), np.float32(bent)
    half = np.float32(0.5)
    for i in range(n):
        for j in range(m):
            here = alike[i, j] - low
            score, step = np.float32(0.0), 0
            if i >= 1 and j >= 1:
                score, step = before[j - 1], 1
                if i >= 2:
                    other = earlier[j - 1] + half * (alike[i - 1, j] - low) - cost
                    if other > score:
                        score, step = other, 2
                if j >= 2:
                    other = before[j - 2] + half * (alike[i, j - 1] - low) - cost
                    if other > score:
                        score, step = other, 3
                if score <= np.float32(0.0):
                    score, step = np.float32(0.0), 0
            score += here
            if score <= np.float32(0.0):
                score, step = np.float32(0.0), 4
            now[j] = score
            steps[i, j] = step
            if score > best:
                best, at_row, at_column = score, i, j
        for j in range(m):
            earlier[j] = before[j]
            before[j] = now[j]
    return float(best), at_row, at_column


@compiled
def shifted_gains(a: Floats, b: Floats, tones: int, weight: float, reach: int, together: int) -> Floats:
    """How alike rows of `a` (n, d) are to those of `b` (n + 2 * reach, d), up to `reach` before and behind.

    Returns (n / together, 2 * reach + 1). The first `tones` columns are compared by their product, the rest by their distance,
    which counts `weight`. Rows are added up `together` at a time.
    """
    n = a.shape[0]
    width = 2 * reach + 1
    gains = np.zeros(((n + together - 1) // together, width), np.float32)
    heavy = np.float32(weight)
    for i in range(n):
        for o in range(width):
            product = np.float32(0.0)
            for k in range(tones):
                product += a[i, k] * b[i + o, k]
            apart = np.float32(0.0)
            for k in range(tones, a.shape[1]):
                gap = a[i, k] - b[i + o, k]
                apart += gap * gap
            gains[i // together, o] += product - heavy * np.sqrt(apart)
    return gains


@compiled
def rise_path(gains: Floats, stiff: Floats) -> Places:
    """The best place (n,) in each row of `gains` (n, w), where moving by a place from row i - 1 to i costs `stiff[i]`."""
    n, w = gains.shape
    best = np.zeros((n, w), np.float32)
    came = np.zeros((n, w), np.int16)
    value = np.zeros(w, np.float32)
    for i in range(n):
        if i > 0:
            cost = stiff[i]
            for k in range(w):
                value[k] = best[i - 1, k]
                came[i, k] = k
            for k in range(1, w):
                if value[k - 1] - cost > value[k]:
                    value[k] = value[k - 1] - cost
                    came[i, k] = came[i, k - 1]
            for k in range(w - 2, -1, -1):
                if value[k + 1] - cost > value[k]:
                    value[k] = value[k + 1] - cost
                    came[i, k] = came[i, k + 1]
        for k in range(w):
            best[i, k] = gains[i, k] + value[k]
    path = np.zeros(n, np.int64)
    k = 0
    for j in range(w):
        if best[n - 1, j] > best[n - 1, k]:
            k = j
    for i in range(n - 1, -1, -1):
        path[i] = k
        k = came[i, k]
    return path


@compiled
def held_path(gains: Floats, stiff: Floats, hold: Floats) -> Places:
    """The best place (n,) in each row of `gains` (n, w), where moving by a place from row i - 1 to i costs `stiff[i]`.

    But a move up, however far, costs no more than `hold[i]`: time stood still between the two.
    """
    n, w = gains.shape
    best = np.zeros((n, w), np.float32)
    came = np.zeros((n, w), np.int16)
    value = np.zeros(w, np.float32)
    for i in range(n):
        if i > 0:
            cost = stiff[i]
            for k in range(w):
                value[k] = best[i - 1, k]
                came[i, k] = k
            for k in range(1, w):
                if value[k - 1] - cost > value[k]:
                    value[k] = value[k - 1] - cost
                    came[i, k] = came[i, k - 1]
            for k in range(w - 2, -1, -1):
                if value[k + 1] - cost > value[k]:
                    value[k] = value[k + 1] - cost
                    came[i, k] = came[i, k + 1]
            lead = 0
            for k in range(1, w):
                if best[i - 1, k - 1] > best[i - 1, lead]:
                    lead = k - 1
                if best[i - 1, lead] - hold[i] > value[k]:
                    value[k] = best[i - 1, lead] - hold[i]
                    came[i, k] = lead
        for k in range(w):
            best[i, k] = gains[i, k] + value[k]
    path = np.zeros(n, np.int64)
    k = 0
    for j in range(w):
        if best[n - 1, j] > best[n - 1, k]:
            k = j
    for i in range(n - 1, -1, -1):
        path[i] = k
        k = came[i, k]
    return path


@compiled
def held_moments(
    rises: Floats,
    struck: Floats,
    tones: Floats,
    toned: Floats,
    centre: Places,
    reach: int,
    led: Places,
    stiff: Floats,
    weight: float,
    most: float,
    hold: float,
) -> Places:
    """The best frame of `rises` (m, b), as places (n,) from `reach` before to as far behind `centre` (n,), for each moment.

    A moment gains what rises in its bands `struck` (n, b) and, by `weight`, in its semitones `toned` (n, s) out of `tones`
    (about m / 3, s), less what it would on average, `most` at most. From row to row a path keeps its pace where its place falls
    by `led` (under w); a place off this costs `stiff`, but any move up no more than `hold`. 2 bytes a cell are kept.
    """
    n, bands, rows = struck.shape[0], rises.shape[1], tones.shape[1]
    w = 2 * reach + 1
    came = np.zeros((n, w), np.int16)
    best = np.zeros(w, np.float32)
    value = np.zeros(w, np.float32)
    gain = np.zeros(w, np.float32)
    sources = np.zeros(w, np.int64)
    never, jump, top, heavy = np.float32(-1e9), np.float32(hold), np.float32(most), np.float32(weight)
    for i in range(n):
        total, known, last, more = np.float32(0.0), 0, -1, np.float32(0.0)
        for k in range(w):
            at = centre[i] + k - reach
            gain[k] = np.float32(0.0)
            if at < 0 or at >= rises.shape[0]:
                continue
            low = np.float32(0.0)
            for b in range(bands):
                low += rises[at, b] * struck[i, b]
            slow = min(at // 3, tones.shape[0] - 1)
            if slow != last:
                last, more = slow, np.float32(0.0)
                for b in range(rows):
                    more += tones[slow, b] * toned[i, b]
            gain[k] = low + heavy * more
            total += gain[k]
            known += 1
        usual = total / np.float32(max(known, 1))
        for k in range(w):
            gain[k] = min(gain[k] - usual, top)
        if i == 0:
            for k in range(w):
                best[k] = gain[k]
            continue
        for k in range(w):
            back = k + led[i]
            value[k] = best[back] if 0 <= back < w else never
            came[i, k] = min(max(back, 0), w - 1)
        high, source = never, 0
        for k in range(w):
            best[k], sources[k] = high - jump, source
            if value[k] > high:
                high, source = value[k], came[i, k]
        cost = stiff[i]
        for k in range(1, w):
            if value[k - 1] - cost > value[k]:
                value[k] = value[k - 1] - cost
                came[i, k] = came[i, k - 1]
        for k in range(w - 2, -1, -1):
            if value[k + 1] - cost > value[k]:
                value[k] = value[k + 1] - cost
                came[i, k] = came[i, k + 1]
        for k in range(w):
            if best[k] > value[k]:
                value[k] = best[k]
                came[i, k] = sources[k]
            best[k] = value[k] + gain[k]
    path = np.zeros(n, np.int64)
    k = 0
    for j in range(w):
        if best[j] > best[k]:
            k = j
    for i in range(n - 1, -1, -1):
        path[i] = k
        k = came[i, k]
    return path
