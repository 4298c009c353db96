"""A score laid along a recording, from search to judgement."""

from __future__ import annotations

from motet import midi
from motet.film.aligning import judging
from motet.film.aligning.alignment import Alignment
from motet.film.aligning.features import chroma, loud, onsets, rises, sprung
from motet.film.aligning.hearing import LONGEST, Heard
from motet.film.aligning.moments import held, moved, take_moments
from motet.film.aligning.notes import take_notes
from motet.film.aligning.searching import search
from motet.film.aligning.warping import finer, plain, smooth

__all__ = ["align"]

_SHORTEST = 4.0  # seconds matched


def align(score: midi.Score, heard: Heard) -> Alignment:
    """Where the score sounds in the recording, in which key and how fast, and whether it is this arrangement at all.

    Multi-scale dynamic time warping (Mueller, Mattes and Kurth, ISMIR 2006; Praetzlich, Driedger and Mueller, ICASSP 2016) of
    chroma and decaying onsets (Ewert, Mueller and Grosche, ICASSP 2009). The rough path is a local one (Smith and Waterman,
    1981), so either may begin or end before the other. Then onsets are moved to the recording's rises of energy, and holds put
    between those that they part.

    Raises FilmError `no_notes`, `too_many_notes`. A score of over two hours is refused as `too_long`.
    """
    notes = take_notes(score)
    length = float(notes.end.max())
    if length > 2 * LONGEST:
        return judging.refused(score, "too_long", f"the MIDI lasts {length / 60:.0f} minutes, more than can be aligned")
    levels = loud(heard.semitones)
    rough = search(notes, levels, heard.seconds)
    if rough is None:
        return judging.refused(score, "other_arrangement", "no stretch of this MIDI is like any of this recording")
    short = f"less than {_SHORTEST:g} s of this MIDI is like anything in this recording"
    if rough.sound[-1] - rough.sound[0] < _SHORTEST or rough.midi[-1] - rough.midi[0] < _SHORTEST:
        return judging.refused(score, "too_short", short)
    theirs = chroma(levels), onsets(levels)
    warp = smooth(rough, length, heard.seconds)
    shift = rough.transposition
    warp, _ = finer(warp, notes, shift, *theirs, 4.0, 0.6)
    warp, _ = finer(warp, notes, shift, *theirs, 0.4, 0.6)
    del theirs
    moments = take_moments(warp, notes, shift)
    if moments is not None:
        rise, spring = rises(heard.bands), sprung(levels)
        # Once the holds are out of the pace around them, they are placed better.
        warp, _ = held(warp, moments, rise, spring)
        warp, stood = held(warp, moments, rise, spring)
        warp = moved(warp, moments, rise, stood)
        del rise, spring
    warp = plain(warp, length, heard.seconds)
    if len(warp.midi) < 2:
        return judging.refused(score, "too_short", short)
    return judging.judged(score, notes, heard, rough, warp, levels)
