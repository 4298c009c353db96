"""Samples as a synth plays them: 16 or 24 bits, or compressed, with a loop that can be (SoundFont 2.04, sections 6, 7.10)."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
import soundfile

from motet.render.errors import FontError
from motet.render.fonts import COMPRESSED, ROM, Contents

__all__ = ["Cut", "Samples", "Wave"]

FloatArray = npt.NDArray[np.float32]

LONGEST = 2**26  # frames of one compressed sample: 25 minutes at 44.1 kHz
BLOCK = 2**16  # frames decoded at a time, of all channels together
FORMATS = ("OGG", "FLAC")  # what fonts with compressed samples hold
LEAST_ROOM, ROOM = 2**27, 8  # frames kept of any font (512 MiB), and for each byte of a large one's data; 1 is usual
SHORTEST_LOOP = 2  # frames; 32 as written (7.10), but fonts of single periods are shorter, and players play them
LOUDEST = 8.0  # of full scale; a codec overshoots by a few decibels
PITCH, UNPITCHED = range(128), 60  # 255 is a sound without a pitch, other numbers are none (7.10)
SLOWEST, FASTEST = 400, 192_000  # Hz: the nearest practical rate stands for an impossible one (7.10)
ONCE, LOOPED, UNTIL_RELEASE = 0, 1, 3


@dataclass(frozen=True, eq=False)
class Wave:
    """A sample as a zone plays it.

    `samples` reach from the zone's start to its end, at full scale 1.0 and without guard points. `loop` is [start, end) in them
    and means something only if `mode` is 1, always looped, or 3, looped until release and then played to the end; 0 plays to it.
    `rate` is in Hz, `root` the MIDI key and `correction` the cents of the sample itself.
    """

    samples: FloatArray
    loop: tuple[int, int]
    mode: int
    rate: float
    root: int
    correction: int


@dataclass(frozen=True)
class Cut:
    """How a zone cuts a sample: frames that its offsets move the start, the end and the loop by, and its mode (0 to 3)."""

    sample: int
    start: int = 0
    end: int = 0
    loop_start: int = 0
    loop_end: int = 0
    mode: int = ONCE


class Samples:
    """The samples of one font, made floats when first asked for and kept; zones that cut one differently share it."""

    def __init__(self, data: bytes, contents: Contents, called: str) -> None:
        """Raises FontError `damaged` if the font has no chunk of samples."""
        if contents.smpl is None:
            raise FontError("damaged", f"{called} holds no samples")
        self._data = data
        self._called = called
        self._headers = contents.tables["shdr"][:-1]
        self._at, self._size = contents.smpl
        self._fine = _fine(data, contents)
        self._kept: dict[tuple[int, int, bool], FloatArray] = {}
        self._room = max(LEAST_ROOM, ROOM * self._size)

    def sounds(self, cut: Cut) -> bool:
        """Whether there is anything to play, as far as is known without decoding."""
        header = self._headers[cut.sample]
        start, end, kind = int(header["start"]), int(header["end"]), int(header["kind"])
        if start >= end or (kind & ROM and not kind & COMPRESSED):
            return False
        return bool(kind & COMPRESSED) or _clipped(cut, end - start)[0] < _clipped(cut, end - start)[1]

    def wave(self, cut: Cut) -> Wave:
        """The sample cut so; without any frames where nothing sounds.

        A loop is kept within the sample, and none if nothing is left of it: so do players, whose fonts often end a loop a frame
        late. Raises FontError `damaged`.
        """
        header = self._headers[cut.sample]
        whole = self._decoded(header) if self.sounds(cut) else np.zeros(0, np.float32)
        start, end = _clipped(cut, len(whole))
        # Loops of compressed samples count from the sample's own start.
        origin = 0 if int(header["kind"]) & COMPRESSED else int(header["start"])
        first = int(header["loop_start"]) - origin + cut.loop_start
        last = int(header["loop_end"]) - origin + cut.loop_end
        first, last = max(first, start) - start, min(last, end) - start
        mode = cut.mode if cut.mode in (LOOPED, UNTIL_RELEASE) and last - first >= SHORTEST_LOOP else ONCE
        return Wave(
            samples=whole[start:end],
            loop=(first, last) if mode else (0, 0),
            mode=mode,
            rate=float(np.clip(header["rate"], SLOWEST, FASTEST)),
            root=int(header["pitch"]) if header["pitch"] in PITCH else UNPITCHED,
            correction=int(header["correction"]),
        )

    def _decoded(self, header: np.void) -> FloatArray:
        start, end, compressed = int(header["start"]), int(header["end"]), bool(int(header["kind"]) & COMPRESSED)
        known = self._kept.get((start, end, compressed))
        if known is None:
            known = self._vorbis(start, end) if compressed else self._plain(start, end)
            self._room -= len(known)
            known.flags.writeable = False
            self._kept[start, end, compressed] = known
        return known

    def _plain(self, start: int, end: int) -> FloatArray:
        end = min(end, self._size // 2)  # among compressed samples a plain one is checked as bytes are
        count = max(0, end - start)
        self._check_room(count)
        coarse = np.frombuffer(self._data, "<i2", count, self._at + 2 * start if count else 0)
        if self._fine is None:
            return coarse.astype(np.float32) * np.float32(2**-15)
        fine = np.frombuffer(self._data, np.uint8, count, self._fine + start if count else 0)
        return (coarse.astype(np.int32) << 8 | fine).astype(np.float32) * np.float32(2**-23)

    def _vorbis(self, start: int, end: int) -> FloatArray:
        data = self._data[self._at + start : self._at + end]
        try:
            with soundfile.SoundFile(BytesIO(data)) as file:
                if file.format not in FORMATS:
                    raise FontError("damaged", f"{self._called}: a compressed sample is {file.format}, not Ogg Vorbis")
                if file.frames > LONGEST:  # as its last page says; how many there are is seen below
                    raise FontError("damaged", f"{self._called}: a compressed sample claims {file.frames:,} frames")
                blocks, count = [], 0
                while count < file.frames:
                    block = file.read(min(BLOCK // file.channels, file.frames - count), "float32", always_2d=True)
                    if not len(block):
                        break
                    count += len(block)
                    self._check_room(count)
                    blocks.append(block[:, 0].copy())
        except soundfile.LibsndfileError as error:
            raise FontError("damaged", f"{self._called}: a compressed sample cannot be decoded ({error.error_string})") from None
        samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
        if float(np.abs(samples).max(initial=0)) > LOUDEST:
            raise FontError("damaged", f"{self._called}: a compressed sample decodes to far more than full scale")
        return np.nan_to_num(samples, copy=False)

    def _check_room(self, frames: int) -> None:
        """Headers that overlap and streams of almost nothing claim more memory than any honest font."""
        if frames > self._room:
            raise FontError("damaged", f"{self._called}: its samples fill far more memory than their data")


def _clipped(cut: Cut, frames: int) -> tuple[int, int]:
    """From where to where a sample of so many frames is played: never outside of it, where another may lie."""
    start, end = max(0, cut.start), min(frames, frames + cut.end)
    return min(start, frames), max(end, min(start, frames))


def _fine(data: bytes, contents: Contents) -> int | None:
    """Where the third bytes of 24-bit samples begin; a chunk of another size or in an older font is ignored (6.1)."""
    if contents.smpl is None or contents.sm24 is None or contents.version < (2, 4):
        return None
    at, size = contents.sm24
    half = contents.smpl[1] // 2
    return at if size in (half, half + (half & 1)) else None
