"""The two sources of chance behind Parseq's functions, to the last bit: ARC4 seeded by a text, and Perlin's gradient noise."""

import math
from collections.abc import Callable

from motet.video.parseq.values import number

__all__ = ["Noise", "uniform"]

DROPPED = 256  # first bytes of ARC4, which tell of its key
# Ken Perlin's permutation of 0 to 255 ("Improving Noise", SIGGRAPH 2002), without which no two noises agree.
PERMUTATION = bytes.fromhex(
    "97a0895b5a0f830dc95f6035c2e907e18c24671e458e086325f0150a17be0694f778ea4b001ac53e5efcdbcb75230b2039b12158ed953857ae147d88aba844af"
    "4aa547868b301ba64d929ee7536fe57a3cd385e6dc695c29372ef528f4668f3641193fa101d85049d14c84bbd05912a9c8c4878274bc9f56a4646dc6adba0340"
    "34d9e2fa7c7b05ca2693767eff5255d4cfce3be32f103a11b6bd1c2adfb7aad577f898022c9aa346dd99659ba72bac09811627fd13626c6e4f71e0e8b2b97068"
    "daf661e4fb22f2c1eed2900cbfb3a2f1513391ebf90eef6b31c0d61fb5c76a9db854ccb07379322d7f0496fe8aeccd5dde72431d1848f38d80c34e42d73d9cb4"
)
GRADIENTS = ((1, 1), (-1, 1), (1, -1), (-1, -1), (1, 0), (-1, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (0, 1), (0, -1))
SKEW = (math.sqrt(3) - 1) / 2
UNSKEW = (3 - math.sqrt(3)) / 6


def uniform(seed: str) -> Callable[[], float]:
    """A function whose calls answer numbers in [0, 1) of 53 random bits: ARC4 with the text mixed into its key."""
    key: list[int] = []
    smear = 0
    for i, unit in enumerate(_utf16(seed)):
        at = i & 255
        if at < len(key):
            smear ^= key[at] * 19
            key[at] = (smear + unit) & 255
        else:
            key.append((smear + unit) & 255)
    state = list(range(256))
    j = 0
    key = key or [0]
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) & 255
        state[i], state[j] = state[j], state[i]
    i = j = 0

    def byte() -> int:
        nonlocal i, j
        i = (i + 1) & 255
        j = (j + state[i]) & 255
        state[i], state[j] = state[j], state[i]
        return state[(state[i] + state[j]) & 255]

    def draw() -> float:
        bits = 0
        for _ in range(6):
            bits = bits << 8 | byte()
        size, last = 48, 0
        while bits < 2**52:  # small numbers take more bytes, so that they too have 53 bits
            bits, size, last = (bits + last) << 8, size + 8, byte()
        surplus = max(bits.bit_length() - 53, 0)
        return float((bits >> surplus) + (last >> surplus)) / 2.0 ** (size - surplus)

    for _ in range(DROPPED):
        byte()
    return draw


def _utf16(seed: str) -> memoryview:
    return memoryview(seed.encode("utf-16-le", "surrogatepass")).cast("H")


class Noise:
    """Smooth chance over a plane, seeded by a text that should be a number; every value lies in about -1 to 1."""

    def __init__(self, seed: str) -> None:
        start = number(seed)
        if 0 < start < 1:
            start *= 65536
        bits = math.floor(start) if math.isfinite(start) else 0
        if bits < 256:
            bits |= (bits & 0xFFFFFFFF) << 8
        low, high = bits & 255, bits >> 8 & 255
        mixed = [value ^ (low if i & 1 else high) for i, value in enumerate(PERMUTATION)]
        self._order = mixed * 2
        self._gradients = [GRADIENTS[value % 12] for value in mixed] * 2

    def perlin(self, x: float, y: float) -> float:
        """Classic gradient noise: 0 at every whole (x, y)."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return math.nan
        left, top = math.floor(x), math.floor(y)
        x, y = x - left, y - top
        left, top = left & 255, top & 255
        order = self._order
        a = self._pull(left + order[top], x, y)
        b = self._pull(left + order[top + 1], x, y - 1)
        c = self._pull(left + 1 + order[top], x - 1, y)
        d = self._pull(left + 1 + order[top + 1], x - 1, y - 1)
        u, v = _faded(x), _faded(y)
        upper, lower = (1 - u) * a + u * c, (1 - u) * b + u * d
        return (1 - v) * upper + v * lower

    def simplex(self, x: float, y: float) -> float:
        """Simplex noise: the three corners of the triangle around (x, y) pull at it."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return math.nan
        skewed = (x + y) * SKEW
        i, j = math.floor(x + skewed), math.floor(y + skewed)
        back = (i + j) * UNSKEW
        x0, y0 = x - i + back, y - j + back
        step_x, step_y = (1, 0) if x0 > y0 else (0, 1)
        i, j = i & 255, j & 255
        total = 0.0
        for di, dj, cx, cy in (
            (0, 0, x0, y0),
            (step_x, step_y, x0 - step_x + UNSKEW, y0 - step_y + UNSKEW),
            (1, 1, x0 - 1 + 2 * UNSKEW, y0 - 1 + 2 * UNSKEW),
        ):
            reach = 0.5 - cx * cx - cy * cy
            if reach >= 0:
                total += reach**4 * self._pull(i + di + self._order[j + dj], cx, cy)
        return 70 * total

    def _pull(self, corner: int, x: float, y: float) -> float:
        across, down = self._gradients[corner]
        return across * x + down * y


def _faded(t: float) -> float:
    return t * t * t * (t * (t * 6 - 15) + 10)
