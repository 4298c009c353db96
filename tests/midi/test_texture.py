"""How thick, high, busy and loud a passage is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midi.songs import song
from motet.midi.estimates import acousticness, energy, loudness
from motet.midi.passage import Passage
from motet.midi.tempo import TempoMap
from motet.midi.texture import texture, together


def test_the_texture_of_a_chord_under_a_melody() -> None:
    # At 120 BPM a quarter note lasts half a second: two notes hold for 2 s, two more are struck over them, then silence.
    found = texture(Passage(song([(0, 1920, 48), (0, 1920, 52), (480, 480, 72), (960, 480, 74)]), 0, 3840))
    assert (found.notes, found.notes_per_second, found.sounding) == (4, 1.0, 0.5)
    assert (found.polyphony, found.polyphony_most) == (2.5, 3)
    assert (found.pitch_low, found.pitch_median, found.pitch_high) == (48, 62.0, 74)
    assert found.pitch_classes == pytest.approx((0.5, 0, 0.1, 0, 0.4, *[0] * 7))


def test_drums_and_silence_have_no_pitch() -> None:
    drums = texture(Passage.whole(song([(0, 480, 36), (480, 480, 38)], drums=True)))
    assert (drums.notes, drums.drum_notes_per_second, drums.polyphony, drums.pitch_classes) == (2, 2.0, None, None)
    silence = texture(Passage(song([(0, 480, 60)]), 960, 1920))
    assert (silence.notes, silence.velocity_mean, silence.pitch_low, silence.sounding) == (0, None, None, 0.0)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), max_size=20))
def test_sounding_together_is_what_counting_tick_by_tick_gives(notes: list[tuple[int, int]]) -> None:
    starts, lengths = (np.array([n[i] for n in notes], np.int64) for i in (0, 1))
    level = [int(((starts <= tick) & (tick < starts + lengths)).sum()) for tick in range(90)]
    heard, most = together(starts, starts + lengths, TempoMap(1, ((0, 1_000_000),)))
    assert (round(heard), most) == (sum(n > 0 for n in level), max(level))


def test_louder_playing_is_estimated_louder_and_silence_is_the_gate() -> None:
    soft, silent = song([(0, 480, 60), (480, 480, 60)]), song([])
    twice = song([(0, 480, 60), (0, 480, 64), (480, 480, 60), (480, 480, 64)])
    edges = np.array([0, 960, 1920])
    quiet, loud = (loudness(Passage.whole(s), edges) for s in (soft, twice))
    assert loud[0] - quiet[0] == pytest.approx(10 * np.log10(2))
    assert quiet[1] == loudness(Passage(silent, 0, 1920), edges)[0] == -70


def test_energy_and_acousticness_stay_in_range() -> None:
    piano, nothing = Passage.whole(song([(0, 480, 60)])), Passage(song([]), 0, 480)
    assert acousticness(piano) == 1.0
    assert acousticness(nothing) is None
    assert energy(texture(nothing), -70.0) == 0.0
    assert 0 < energy(texture(piano), -20.0) < energy(texture(piano), -10.0) < 1
