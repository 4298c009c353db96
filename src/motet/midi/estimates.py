"""Loudness, energy and acousticness guessed from notes alone: estimates of ours, and no measure of any recording.

They fill fields that services used to answer for recordings, on the MIDI's own timeline. Where a mix has been rendered, its
measured loudness is the better one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from motet.midi.passage import Passage
    from motet.midi.texture import Texture

Floats = NDArray[np.float64]

_VOLUME, _EXPRESSION = 7, 11
_USUAL_VOLUME = 100 / 127  # of a channel that no controller 7 has set, as General MIDI has it
_QUIETEST = -70.0  # LUFS: the gate of BS.1770, given for silence

# Seconds after which a struck or plucked sound has spent most of its power; others last as long as their note.
_LIFE = np.full(128, np.inf)
for _first, _until in ((0, 16), (24, 29), (31, 40), (45, 48), (104, 109), (112, 120)):
    _LIFE[_first:_until] = 0.8
_DRUM_LIFE = 0.25

# What sounds without electricity, by General MIDI's names: pianos, mallets, bellows, strings, winds, world and percussion.
_ACOUSTIC = np.zeros(128, bool)
for _first, _until in ((0, 2), (3, 4), (6, 7), (8, 16), (19, 26), (32, 33), (40, 50), (52, 54), (56, 62), (64, 80), (104, 118)):
    _ACOUSTIC[_first:_until] = True


def powers(passage: Passage) -> Floats:
    """The power a note of `passage.struck` adds, times its seconds: (notes,).

    Amplitude goes with velocity, volume (controller 7) and expression (controller 11).
    """
    notes, score = passage.struck, passage.score
    starts, tracks = notes["start"], notes["track"]
    amplitude = notes["velocity"] / 127.0
    levels = score.controlled((_VOLUME, _EXPRESSION), tracks, starts)
    for level, usual in zip(levels, (_USUAL_VOLUME, 1.0), strict=True):
        amplitude *= usual if level is None else np.where(level < 0, usual, level / 127.0)
    seconds = passage.clock.to_seconds(starts + notes["duration"]) - passage.clock.to_seconds(starts)
    life = np.where(notes["is_drum"], _DRUM_LIFE, _LIFE.take(notes["program"]))
    powers: Floats = amplitude * amplitude * np.minimum(seconds, life)
    return powers


def loudness(passage: Passage, edges: NDArray[np.int64]) -> Floats:
    """The loudness of the spans between ascending ticks `edges`, in LUFS as a dry synth would play them, -70 or more.

    A note counts where it is struck. The offset is fitted: against 480 spans of 15 s of 45 real songs, rendered with one
    font, songs left out in turn, the root mean square error is 4.5 dB between songs and 0.9 dB within a song.
    """
    notes, count = passage.struck, len(edges) - 1
    # Room for notes before the first span and after the last.
    energy = np.bincount(np.searchsorted(edges, notes["start"], "right"), passage.powers, count + 2)[1:-1]
    times = passage.clock.to_seconds(edges)
    seconds = np.maximum(times[1:] - times[:-1], 1e-3)
    quiet = 10 ** ((_QUIETEST + 20.4) / 10)
    return 10 * np.log10(np.maximum(energy / seconds, quiet)) - 20.4


def energy(texture: Texture, lufs: float) -> float:
    """How intense a passage is, 0 to 1: half of it loudness, a third how busy it is, the rest the drive of drums.

    Loudness counts from -36 to -9 LUFS; notes per second n as n / (n + 8), strokes of drums as n / (n + 3).
    """
    loud = min(max((lufs + 36) / 27, 0.0), 1.0)
    busy = texture.notes_per_second / (texture.notes_per_second + 8)
    drive = texture.drum_notes_per_second / (texture.drum_notes_per_second + 3)
    return loud / 2 + busy / 3 + drive / 6


def acousticness(passage: Passage) -> float | None:
    """The share of pitched sounding time that acoustic instruments have, 0 to 1; None without pitched notes."""
    notes = passage.pitched
    time = np.bincount(notes["program"], notes["duration"], 128)
    return float(time[_ACOUSTIC].sum() / time.sum()) if time.sum() else None
