"""Very short songs as MIDI bytes."""

from __future__ import annotations

import symusic


def song(seed: int, *, velocity: int = 80, name: str = "", swapped: bool = False, bars: int = 3) -> bytes:
    """A song of two instruments and drums, 2 s a bar, whose notes hang on `seed` alone."""
    score = symusic.Score(480)
    score.tempos.append(symusic.Tempo(0, qpm=120.0))
    score.time_signatures.append(symusic.TimeSignature(0, 4, 4))
    tracks = []
    for number, (program, is_drum) in enumerate(((seed % 8, False), (33, False), (0, True))):
        track = symusic.Track(name=f"{name}{number}", program=program, is_drum=is_drum)
        for beat in range(bars * 4):
            pitch = 36 if is_drum else 48 + 12 * (1 - number) + (seed * (number + 2) + beat * 5) % 12
            track.notes.append(symusic.Note(beat * 480, 400, pitch, velocity))
        tracks.append(track)
    for track in reversed(tracks) if swapped else tracks:
        score.tracks.append(track)
    return bytes(score.dumps_midi())
