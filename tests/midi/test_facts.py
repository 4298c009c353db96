"""Facts of a song, and the digest of its notes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from symusic.core import NoteTick, ScoreTick, TempoTick, TrackTick

from motet.midi import facts, notes_digest, read
from motet.midi.events import Events, write

META = 0xFF
notes = st.tuples(st.integers(0, 5000), st.integers(0, 900), st.integers(0, 127), st.integers(1, 127))
tracks = st.lists(st.tuples(st.integers(0, 127), st.booleans(), st.lists(notes, min_size=1, max_size=12)), max_size=5)


def saved(tracks: list, division: int = 96, scale: int = 1, velocity: int | None = None, bpm: float = 120) -> bytes:
    score = ScoreTick(division * scale)
    score.tempos.append(TempoTick(0, bpm))
    for number, (program, is_drum, held) in enumerate(tracks):
        track = TrackTick(f"track {number}", program, is_drum)
        for start, length, pitch, loudness in held:
            track.notes.append(NoteTick(start * scale, length * scale, pitch, velocity or loudness))
        score.tracks.append(track)
    return score.dumps_midi()


def test_the_facts_of_a_small_song() -> None:
    tempo = [(0, META, b"\x51\x07\xa1\x20"), (960, META, b"\x51\x0f\x42\x40")]  # 120, then 60
    metre = [(0, META, b"\x58\x04\x02\x18\x08"), (0, META, b"\x58\x03\x02\x18\x08"), (1440, META, b"\x58\x06\x03\x18\x08")]
    piano = [(480, 0x90, b"\x3c\x40"), (960, 0x80, b"\x3c\x00"), (960, 0x90, b"\x48\x40"), (1920, 0x80, b"\x48\x00")]
    violin = [(0, 0xC1, b"\x28"), (480, 0x91, b"\x3c\x40"), (960, 0x81, b"\x3c\x00")]
    drums = [(480, 0x99, b"\x24\x40"), (490, 0x89, b"\x24\x00")]
    found = facts(read(write(Events(1, 480, [metre[:2] + tempo + metre[2:], piano, violin, drums]))))
    assert found.duration == 3.0
    assert found.first_onset == 0.5
    assert found.notes == 4
    assert (found.tempo_first, found.tempo_min, found.tempo_max) == (120, 60, 120)
    assert found.tempo_mean == pytest.approx(72)  # three quarter notes in 2.5 s
    assert found.metres == ((3, 4), (6, 8))
    assert found.programs == (0, 40)
    assert found.has_drums
    assert found.tracks == 3
    assert (found.pitch_low, found.pitch_high) == (60, 72)


def test_a_song_without_notes_has_facts() -> None:
    found = facts(read(write(Events(1, 480, [[]]))))
    assert (found.notes, found.duration, found.first_onset, found.pitch_low) == (0, 0.0, None, None)
    assert found.tempo_mean == 120
    assert not found.has_drums


@given(tracks, st.randoms(use_true_random=False), st.integers(1, 5))
def test_the_digest_is_of_what_is_played(song: list, chance: object, scale: int) -> None:
    original = notes_digest(read(saved(song)))
    chance.shuffle(song)  # type: ignore[attr-defined]
    assert notes_digest(read(saved(song, scale=scale, velocity=64, bpm=90))) == original


@given(tracks.filter(bool), st.sampled_from(["start", "length", "pitch", "program", "drums", "more"]))
def test_the_digest_notices_any_other_music(song: list, change: str) -> None:
    (program, is_drum, [(start, length, pitch, loudness), *held]), *rest = song
    changed = {
        "start": (program, is_drum, [(start + 6000, length, pitch, loudness), *held]),
        "length": (program, is_drum, [(start, length + 6000, pitch, loudness), *held]),
        "pitch": (program, is_drum, [(start, length, (pitch + 1) % 128, loudness), *held]),
        "program": ((program + 1) % 128, False, [(start, length, pitch, loudness), *held]),
        "drums": (program, not is_drum, [(start, length, pitch, loudness), *held]),
        "more": (program, is_drum, [(start, length, pitch, loudness)] * 2 + held),
    }
    sung = (read(saved([changed[change], *rest])).notes, read(saved(song)).notes)
    columns = [sorted((n["start"], n["duration"], n["pitch"], n["is_drum"] or n["program"] + 2) for n in s) for s in sung]
    same = columns[0] == columns[1]
    assert (notes_digest(read(saved([changed[change], *rest]))) == notes_digest(read(saved(song)))) == same


def test_the_digest_is_stable() -> None:
    assert notes_digest(read(saved([(40, False, [(0, 96, 60, 64), (96, 48, 64, 64)])]))) == "c93964d180e9d637a67da9a564e03d95"
