"""What an alignment says: a warp from MIDI time to sound time, bar by bar, and how sure it is."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Alignment", "Bar"]

Doubles = npt.NDArray[np.float64]

_FORM = 1
_LARGEST = 1 << 26  # bytes unpacked


@dataclass(frozen=True)
class Bar:
    """A bar of the MIDI, counted from 1, that begins at `midi` seconds; `sound` is where, None outside the matched stretch.

    `confidence` (0-1): that what the MIDI has in this bar is what is heard there.
    """

    number: int
    midi: float
    sound: float | None
    confidence: float


@dataclass(frozen=True, eq=False)
class Alignment:
    """A MIDI file laid along a recording.

    `midi_seconds` and `sound_seconds` (K,) rise strictly and cover the matched stretch only; the warp is linear between, and both
    are empty where nothing matches. `transposition` is how many semitones the recording stands above the MIDI, beside
    `tuning_cents` (-50 to 50). `speed` is MIDI seconds per second of the recording: above 1 the recording is faster.
    `confidence` (0-1) that this MIDI is this recording's arrangement, on a scale where either was equally likely beforehand; if
    it is not `accepted`, `reason` is a word and `detail` a sentence.
    """

    midi_seconds: Doubles
    sound_seconds: Doubles
    transposition: int
    tuning_cents: float
    bars: tuple[Bar, ...]
    confidence: float
    accepted: bool
    reason: str
    detail: str
    speed: float

    def to_sound(self, midi_seconds: npt.ArrayLike) -> Doubles:
        """Seconds of the recording for seconds of the MIDI, of the same shape; NaN outside the matched stretch."""
        return _looked_up(midi_seconds, self.midi_seconds, self.sound_seconds)

    def to_midi(self, sound_seconds: npt.ArrayLike) -> Doubles:
        """Seconds of the MIDI for seconds of the recording, of the same shape; NaN outside the matched stretch."""
        return _looked_up(sound_seconds, self.sound_seconds, self.midi_seconds)

    def to_bytes(self) -> bytes:
        """All of it, packed, for a column of a table."""
        head = {
            "form": _FORM,
            "knots": len(self.midi_seconds),
            "bars": len(self.bars),
            "transposition": self.transposition,
            "tuning_cents": self.tuning_cents,
            "confidence": self.confidence,
            "accepted": self.accepted,
            "reason": self.reason,
            "detail": self.detail,
            "speed": self.speed,
        }
        numbers = [bar.number for bar in self.bars]
        bars = np.array([(bar.midi, np.nan if bar.sound is None else bar.sound, bar.confidence) for bar in self.bars], "<f8")
        parts = (self.midi_seconds, self.sound_seconds, bars.reshape(-1), np.array(numbers, "<f8"))
        line = json.dumps(head, separators=(",", ":"), sort_keys=True).encode() + b"\n"
        return zlib.compress(line + b"".join(np.ascontiguousarray(part, "<f8").tobytes() for part in parts), 6)

    @classmethod
    def from_bytes(cls, data: bytes) -> Alignment:
        """What `to_bytes` wrote. Raises ValueError for anything else."""
        try:
            unpack = zlib.decompressobj()
            plain = unpack.decompress(data, _LARGEST)
            line, _, rest = plain.partition(b"\n")
            head = json.loads(line)
            knots, count = int(head["knots"]), int(head["bars"])
            values = np.frombuffer(rest, "<f8").astype(np.float64)
            if head["form"] != _FORM or min(knots, count) < 0 or len(values) != 2 * knots + 4 * count or not unpack.eof:
                raise ValueError("another form")
            midi, sound = values[:knots], values[knots : 2 * knots]
            rows = values[2 * knots : 2 * knots + 3 * count].reshape(-1, 3).tolist()
            numbers = values[2 * knots + 3 * count :].astype(np.int64).tolist()
            bars = tuple(
                Bar(number, at, None if there != there else there, sure)  # NaN is unlike itself
                for number, (at, there, sure) in zip(numbers, rows, strict=True)
            )
            return cls(
                midi,
                sound,
                int(head["transposition"]),
                float(head["tuning_cents"]),
                bars,
                float(head["confidence"]),
                bool(head["accepted"]),
                str(head["reason"]),
                str(head["detail"]),
                float(head["speed"]),
            )
        except (zlib.error, KeyError, TypeError, ValueError, OverflowError) as error:
            msg = f"these bytes are no alignment: {error}"
            raise ValueError(msg) from None


def _looked_up(asked: npt.ArrayLike, known: Doubles, there: Doubles) -> Doubles:
    at = np.asarray(asked, np.float64)
    if not len(known):
        return np.full(at.shape, np.nan)
    found: Doubles = np.asarray(np.interp(at, known, there, left=np.nan, right=np.nan), np.float64)
    return found
