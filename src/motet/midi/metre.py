"""The metre as written, and what the notes say to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.midi.passage import CLASSES, Passage
from motet.midi.pulse import is_compound
from motet.midi.tap import main_metre

_BASS = 52  # MIDI pitch below which a note is one of the bass: E3
_MOST_CELLS = 1 << 15  # half beats that are looked at
_FEWEST_CELLS = 40
# Half beats between notes alike: bars of three beats against bars of two and four; beats of three against beats of two.
_THREES, _TWOS_AND_FOURS = [6, 12, 18, 30], [4, 8, 16, 20, 28, 32]
_IN_THREE, _IN_TWO = [3, 9, 15], [2, 4, 8, 10, 14, 16]
_LAGS = sorted({*_THREES, *_TWOS_AND_FOURS, *_IN_THREE, *_IN_TWO})
_VOICES, _ROWS = (0, 1, 2), (1, 1, 12)  # all notes, the bass, twelve pitch classes: first row and number of rows
_LONGEST_LAG = _LAGS[-1] + 1
# Multinomial logit (constant, threes, beats in three) of duple, triple and compound bars.
_WEIGHTS = np.array([(2.49, -6.38, -2.48), (-0.77, 2.96, -4.25), (-1.72, 3.42, 6.73)])


@dataclass(frozen=True)
class Metre:
    """The metre `numerator`/`denominator` that holds for most of a passage.

    `written` tells whether the file states it (otherwise it is the 4/4 that holds by default). `confidence` is the
    estimated chance (0-1) that the notes have such bars: bars of two or four beats, of three, or beats that fall into
    three; None for other metres (5/4, 7/8 …), for a metre of one, and for too few notes. `alternative` is a metre that
    the notes bear out better, None if there is none.
    """

    numerator: int
    denominator: int
    written: bool
    confidence: float | None
    alternative: tuple[int, int] | None


def metre(passage: Passage) -> Metre | None:
    """The metre of a passage, None for one of no length.

    The notes are judged by the autocorrelation of accents, of the bass and of pitch classes at the lengths of bars
    (Brown, "Determination of the meter of musical scores by autocorrelation", JASA 94, 1993), the three averaged. The
    chances are fitted on files that state one metre; about nine in ten of them are duple.
    """
    if passage.start >= passage.end:
        return None
    top, bottom = main_metre(passage)
    stated = passage.score.symusic.time_signatures.numpy()
    same = (stated["numerator"] == top) & (stated["denominator"] == bottom) & (stated["time"] < passage.end)
    written = bool(same.any())
    compound = is_compound(top, bottom)
    beat = bottom // 2 if compound else bottom
    chances = _chances(passage, beat)
    if chances is None:
        return Metre(top, bottom, written, None, None)
    best = ((4, beat), (3, beat), (6, 2 * beat))[int(chances.argmax())]
    family = 2 if compound else 1 if top in (3, 6) else 0 if top in (2, 4, 8, 16) else None
    if family is None:
        return Metre(top, bottom, written, None, best if top == 1 else None)
    return Metre(top, bottom, written, float(chances[family]), None if chances.argmax() == family else best)


def _chances(passage: Passage, beat: int) -> NDArray[np.float64] | None:
    """How likely bars are duple, triple and compound, None when there is too little to hear."""
    notes = passage.struck
    if not len(notes):
        return None
    long = 2 * passage.clock.division  # half a beat lasts long / beat ticks
    shift = round(passage.grid.shift * passage.clock.division)
    cells = ((notes["start"] - shift) * (2 * beat) + long) // (2 * long)
    cells -= cells.min()
    weights = passage.accents
    if int(cells.max()) >= _MOST_CELLS:
        inside = cells < _MOST_CELLS
        notes, weights, cells = notes[inside], weights[inside], cells[inside]
    count = int(cells.max()) + 1
    if count < _FEWEST_CELLS:
        return None
    # Silence as long as the longest lag behind each voice: then all of them are one long line.
    size = count + _LONGEST_LAG
    curves = np.zeros((14, size))
    voices = curves[:, :count]
    voices[0] = np.bincount(cells, weights, count)
    pitches, drums = notes["pitch"], notes["is_drum"]
    if drums.any():
        pitched = ~drums
        pitches, weights, cells = pitches[pitched], weights[pitched], cells[pitched]
    low = pitches < _BASS
    voices[1] = np.bincount(cells[low], weights[low], count)
    curves[2:] = np.bincount(CLASSES.take(pitches) * size + cells, weights, 12 * size).reshape(12, size)
    mean = np.add.reduceat(voices.sum(axis=1), _VOICES) / _ROWS / count
    np.minimum(voices, np.repeat(24 * mean, _ROWS)[:, None], out=voices)  # no single crash outweighs the rest
    voices -= voices.sum(axis=1, keepdims=True) / count
    powers = np.add.reduceat(np.einsum("ij,ij->i", voices, voices), _VOICES)
    heard = powers > 1e-9
    if not heard.any():
        return None
    voices *= np.repeat(heard / np.sqrt(powers + ~heard), _ROWS)[:, None]
    line, many = curves.ravel(), int(np.count_nonzero(heard))
    alike = {lag: float(line[:-lag] @ line[lag:]) * count / (count - lag) / many for lag in _LAGS}

    def at(lags: list[int]) -> float:
        return sum(alike[lag] for lag in lags) / len(lags)

    threes, in_three = at(_THREES) - at(_TWOS_AND_FOURS), at(_IN_THREE) - at(_IN_TWO)
    scores = _WEIGHTS @ (1.0, threes, in_three)
    chances: NDArray[np.float64] = np.exp(scores - scores.max())
    chances /= chances.sum()
    return chances
