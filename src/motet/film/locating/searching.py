"""Where in a catalogue each ten seconds of a film might come from: their correlation with all of it at once.

Both are told by cells: what stands out in 72 pitches, each fifth of a second. Cells are alike wherever music is, so the
correlation is whitened: at each frequency over time, by the covariances over pitch of the catalogue and of the film.
Products of matrices per frequency do most of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet.film.locating.sound import SECONDS

__all__ = ["Hit", "Whitened", "covariance", "hits", "variant", "white"]

Singles = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Spectra = npt.NDArray[np.complex64]

SIZE = 256  # cells of a transform: 49 s
PIECE = 52  # cells of a film that are looked for together: 10 s
HOP = 39
VALID = SIZE - PIECE
POWER = 0.35  # of whitening, for each side: a half would be all of it
FLOOR = 0.03  # of the mean variance
NEIGHBOURS = 3  # frequencies to either side that covariances are taken over
PRIOR = 12.0  # blocks that a covariance is drawn to what is expected with
SCALE = 48.0  # of kept cells
ROWS, BLOCKS = 128, 512  # that are correlated at once
LIMIT = 4.2  # standard deviations
ROOM = 4000
VARIANTS = (
    (1.0, False), (0.98, False), (1.02, False), (0.96, False), (1.04, False), (0.973, True), (1.027, True),
)  # fmt: skip
"""speeds, and whether pitch is kept"""


@dataclass(frozen=True, slots=True)
class Hit:
    """Song cell `place` (not whole) at film spectrum `centre`."""

    song: int
    place: float
    centre: float
    speed: float
    kept: bool
    score: float


@dataclass(frozen=True, eq=False)
class Whitened:
    """What songs are multiplied by at each frequency (SIZE // 2 + 1, BANDS, BANDS), and the film's mean cell."""

    matrix: Spectra
    mean: Singles


def kept(field: Bytes) -> Bytes:
    """A song's cells (count, BANDS), in steps of 1/SCALE."""
    from motet.film.locating import loops

    cells = np.empty((-(-len(field) // loops.CELL), loops.BANDS), np.float32)
    loops.described(field, 0.0, 1.0, 0.0, cells)
    scaled: Bytes = np.minimum(cells * np.float32(SCALE) + np.float32(0.5), 255).astype(np.uint8)
    return scaled


def told(song: Bytes) -> Singles:
    """A song's cells less their mean."""
    cells = song.astype(np.float32) / np.float32(SCALE)
    return cells - cells.mean(axis=0) if len(cells) else cells


def _blocks(cells: Singles, step: int) -> Iterator[Singles]:
    for first in range(0, max(1, len(cells)), step):
        block = np.zeros((SIZE, cells.shape[1]), np.float32)
        part = cells[first : first + SIZE]
        block[: len(part)] = part
        yield block


def covariance(songs: Sequence[Singles]) -> npt.NDArray[np.complex128]:
    """(SIZE // 2 + 1, BANDS, BANDS) of cells, over half overlapping blocks, drawn to white in so far as there are few."""
    from scipy.fft import rfft

    from motet.film.locating import loops

    total = np.zeros((SIZE // 2 + 1, loops.BANDS, loops.BANDS), np.complex128)
    count = 0
    for song in songs:
        spectra = rfft(np.array(list(_blocks(song, SIZE // 2))), axis=1).transpose(1, 2, 0)
        total += spectra @ spectra.conj().transpose(0, 2, 1)
        count += spectra.shape[2]
    sums = np.cumsum(np.concatenate((np.zeros((1, *total.shape[1:])), total)), axis=0)
    at = np.arange(len(total))
    low, high = np.maximum(0, at - NEIGHBOURS), np.minimum(len(total), at + NEIGHBOURS + 1)
    smooth = (sums[high] - sums[low]) / (high - low)[:, None, None] / max(1, count)
    even = np.trace(smooth, axis1=1, axis2=2).real / loops.BANDS
    white = np.eye(loops.BANDS) * even[:, None, None]
    result: npt.NDArray[np.complex128] = (count * smooth + PRIOR * white) / (count + PRIOR)
    return result


def white(of: npt.NDArray[np.complex128], power: float = POWER) -> npt.NDArray[np.complex128]:
    """The covariances to the power of -`power`."""
    values, vectors = np.linalg.eigh(of)
    values = np.maximum(values, 0) + FLOOR * values.mean(axis=1, keepdims=True) + 1e-9
    result: npt.NDArray[np.complex128] = (vectors * (values**-power)[:, None, :]) @ vectors.conj().transpose(0, 2, 1)
    return result


def variant(field: Bytes, first: float, count: int, speed: float, pitch_kept: bool) -> Singles:
    """Film cells (count, BANDS) from spectrum `first` on, as they would be at the song's own speed and pitch."""
    from motet.film.locating import loops

    cells = np.empty((count, loops.BANDS), np.float32)
    loops.described(field, first, speed, 0.0 if pitch_kept else float(18 * np.log2(speed)), cells)
    return cells


def whitened(field: Bytes, catalogue: npt.NDArray[np.complex128], song_side: npt.NDArray[np.complex128]) -> Whitened:
    """How the songs are whitened for this film. `song_side` is the catalogue's covariance, whitened."""
    from motet.film.locating import loops

    hour = 6 * SIZE * loops.CELL
    parts = [
        variant(field[at : at + hour], 0.0, len(field[at : at + hour]) // loops.CELL + 1, 1.0, True)
        for at in range(0, len(field), hour)
    ]
    mean = np.concatenate(parts).mean(axis=0)
    film = covariance([part - mean for part in parts])
    matrix = song_side @ white(film)
    # A song's own spectra go through this before they meet the film's.
    return Whitened(matrix.astype(np.complex64), mean)


def song_whitened(song: Bytes, by: Whitened) -> Singles:
    """A whole song's cells, whitened: of blocks that overlap by half the middles."""
    from scipy.fft import irfft, rfft

    cells = told(song)
    quarter = SIZE // 4
    padded = np.concatenate(
        (np.zeros((quarter, cells.shape[1]), np.float32), cells, np.zeros((SIZE, cells.shape[1]), np.float32))
    )
    blocks = np.array([padded[at : at + SIZE] for at in range(0, max(1, len(cells)), SIZE // 2)])
    spectra = rfft(blocks, axis=1).transpose(1, 0, 2)
    through = irfft(np.matmul(spectra, by.matrix.conj()), SIZE, axis=0)[quarter : quarter + SIZE // 2]
    return np.ascontiguousarray(through.transpose(1, 0, 2).reshape(-1, cells.shape[1])[: len(cells)], np.float32)


def hits(field: Bytes, songs: Sequence[Bytes], by: Whitened) -> tuple[list[Hit], float]:
    """Places of songs that pieces of the film stand out at, and the variance of what cells of film and song have in common by
    chance, for each unit of the song's energy."""
    from scipy.fft import irfft, rfft

    from motet.film.locating import loops

    step = HOP * loops.CELL
    count = max(1, -(-(len(field) - step) // step))
    centres = (np.arange(count) + 1.0) * step
    listed = [(s, at) for s, song in enumerate(songs) for at in range(0, max(1, len(song) - PIECE // 2), VALID)]
    # In another order, so that the first blocks are of all kinds of songs.
    order = np.random.default_rng(0).permutation(len(listed))
    of = np.array(listed, np.int64).reshape(-1, 2)[order]
    ready = [_ready(songs, of[at : at + BLOCKS], by) for at in range(0, len(of), BLOCKS)]
    rows = [(centre, speed, pitch) for centre in centres.tolist() for speed, pitch in VARIANTS]
    where = [np.empty(ROOM * ROWS // 8, np.int64) for _ in range(3)]
    scores = np.empty(ROOM * ROWS // 8, np.float32)
    result: list[Hit] = []
    spreads: list[float] = []
    for at in range(0, len(rows), ROWS):
        part = rows[at : at + ROWS]
        pieces = np.zeros((len(part), SIZE, loops.BANDS), np.float32)
        for r, (centre, speed, pitch) in enumerate(part):
            pieces[r, :PIECE] = variant(field, centre - PIECE * loops.CELL / 2 / speed, PIECE, speed, pitch) - by.mean
        spectra = np.ascontiguousarray(rfft(pieces, axis=1).transpose(1, 0, 2).conj())
        limits = np.zeros(len(part))
        for begin, (through, share) in zip(range(0, len(of), BLOCKS), ready, strict=True):
            sums = irfft(np.matmul(spectra, through), SIZE, axis=0)
            if begin == 0:
                used = share > 0
                spread = np.array([np.sqrt(np.mean(np.square((sums[:VALID, r] * share)[used]))) for r in range(len(part))])
                spread = np.maximum(spread, 0.5 * np.median(spread)) + 1e-12
                limits = LIMIT * spread
                spreads += spread.tolist()
            found = loops.standing_out(sums, share, limits, VALID, len(scores), where[0], where[1], where[2], scores)
            for n in range(min(found, len(scores))):
                centre, speed, pitch = part[where[0][n]]
                song, first = of[begin + where[1][n]]
                place = float(first + where[2][n] + PIECE / 2)
                result.append(Hit(int(song), place, centre, speed, pitch, float(scores[n] / spread[where[0][n]])))
    return result, float(np.median(spreads)) ** 2


def _ready(songs: Sequence[Bytes], of: npt.NDArray[np.int64], by: Whitened) -> tuple[Spectra, Singles]:
    """Whitened spectra (SIZE // 2 + 1, BANDS, blocks) and what to multiply correlations by (VALID, blocks), 0 for no song."""
    from scipy.fft import irfft, rfft

    blocks = np.zeros((len(of), SIZE, by.matrix.shape[1]), np.float32)
    cells: dict[int, Singles] = {}
    limit = np.zeros(len(of), np.int64)
    for n, (song, first) in enumerate(of.tolist()):
        if song not in cells:
            cells[song] = told(songs[song])
        # Half a piece of nothing lies before the song, so that its beginning is found in the middle of a piece.
        part = cells[song][max(0, first) : first + SIZE]
        blocks[n, : len(part)] = part
        limit[n] = len(cells[song]) - first - PIECE // 2
    spectra = rfft(blocks, axis=1).transpose(1, 0, 2)
    through = np.matmul(spectra, by.matrix.conj())
    energy = np.square(irfft(through, SIZE, axis=0)).sum(axis=2)
    sums = np.cumsum(np.concatenate((np.zeros((1, len(of))), energy)), axis=0)
    share = 1 / np.sqrt(sums[PIECE : PIECE + VALID] - sums[:VALID] + 0.1 * PIECE * float(energy.mean()) + 1e-9)
    share[np.arange(VALID)[:, None] >= limit[None, :]] = 0
    return np.ascontiguousarray(through.transpose(0, 2, 1)), share.astype(np.float32)


def seconds(cells: float) -> float:
    from motet.film.locating import loops

    return cells * loops.CELL * SECONDS
