"""Small songs for tests: notes as (tick, ticks, pitch)."""

from collections.abc import Sequence

from symusic.core import NoteTick, ScoreTick, TempoTick, TimeSignatureTick, TrackTick

from motet.midi import read
from motet.midi.reading import Score

Note = tuple[int, int, int]  # tick, ticks, pitch


def song(notes: list[Note], metres: Sequence[tuple[int, int, int]] = (), division: int = 480, drums: bool = False) -> Score:
    """One track at 120 BPM, all velocities 64; metres are (tick, numerator, denominator)."""
    score = ScoreTick(division)
    score.tempos.append(TempoTick(0, 120))
    for tick, top, bottom in metres:
        score.time_signatures.append(TimeSignatureTick(tick, top, bottom))
    track = TrackTick("", 0, drums)
    for start, length, pitch in notes:
        track.notes.append(NoteTick(start, length, pitch, 64))
    score.tracks.append(track)
    return read(score.dumps_midi())
