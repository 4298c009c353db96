"""MIDI files are laid along the recordings that films play, note by note; another arrangement is told, and left."""

from __future__ import annotations

from motet import midi
from motet.audio.errors import Unusable
from motet.dataset.rows import Candidate, Warp
from motet.film.errors import FilmError
from motet.run import Drop, stage
from motet.stages.clean import read_source, source_of
from motet.stages.collect import file_at


@stage(
    version=1,
    uses=["recording_sha256", "midi_sha256"],
    timeout=1800,
    libraries=["av", "numpy", "scipy", "numba", "soxr", "symusic"],
)
def align(candidate: Candidate) -> Warp | Drop:
    from motet.audio.decoding import open_recording
    from motet.audio.resampling import mono
    from motet.film import aligning

    try:
        score = midi.read(read_source(file_at(candidate.midi_where, candidate.midi_sha256)))
        source = source_of(file_at(candidate.recording_where, candidate.recording_sha256))
        with open_recording(source) as recording:
            heard = aligning.hear(mono(recording, aligning.RATE))
        found = aligning.align(score, heard)
    except (FilmError, Unusable, midi.Unreadable) as error:
        return Drop(error.reason, error.detail)
    if not found.accepted:
        return Drop(found.reason, found.detail)
    return Warp(
        warp=found.to_bytes(),
        transposition=found.transposition,
        tuning_cents=round(found.tuning_cents, 2),
        speed=round(found.speed, 6),
        confidence=round(found.confidence, 4),
        midi_start=round(float(found.midi_seconds[0]), 6),
        midi_end=round(float(found.midi_seconds[-1]), 6),
        sound_start=round(float(found.sound_seconds[0]), 6),
        sound_end=round(float(found.sound_seconds[-1]), 6),
        bars=[bar.number for bar in found.bars],
        bar_midi=[round(bar.midi, 6) for bar in found.bars],
        bar_sound=[None if bar.sound is None else round(bar.sound, 6) for bar in found.bars],
        bar_confidences=[round(bar.confidence, 4) for bar in found.bars],
    )
