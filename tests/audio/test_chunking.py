"""A recording cut into chunks: where, what becomes of the rest, and how each is made to sound."""

import math
from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.audio.chunk_sound import Fitter, faults, out_frame
from motet.audio.chunking import Span, cuts_in, plan
from motet.audio.decoding import Samples
from motet.audio.errors import Unusable
from motet.errors import UserError
from motet.render.loudness import integrated_loudness, true_peak

RATES = st.sampled_from([8000, 11025, 22050, 32000, 44100, 48000, 96000, 12345])
LENGTHS = st.floats(1, 60, allow_nan=False)


def in_seconds(spans: list[Span], rate: int) -> list[tuple[float, float]]:
    return [(span.start_frame / rate, span.end_frame / rate) for span in spans]


def frames(span: Span) -> int:
    return span.end_frame - span.start_frame


# --- where the cuts are ---


def test_a_recording_is_cut_into_equal_chunks() -> None:
    assert in_seconds(plan(90, 44100), 44100) == [(0, 30), (30, 60), (60, 90)]


def test_a_rest_that_is_long_enough_is_a_chunk_of_its_own() -> None:
    assert in_seconds(plan(75, 1000), 1000) == [(0, 30), (30, 60), (60, 75)]


def test_a_short_rest_joins_the_last_chunk() -> None:
    assert in_seconds(plan(70, 1000), 1000) == [(0, 30), (30, 70)]


def test_a_rest_too_long_to_join_and_too_short_to_stand_alone_is_shared() -> None:
    assert in_seconds(plan(78, 1000, shortest=20), 1000) == [(0, 30), (30, 54), (54, 78)]


def test_halves_that_would_be_too_short_stay_one_chunk() -> None:
    assert in_seconds(plan(48, 1000, shortest=25), 1000) == [(0, 48)]


def test_a_short_rest_is_dropped_or_kept_on_request() -> None:
    assert in_seconds(plan(70, 1000, tail="drop"), 1000) == [(0, 30), (30, 60)]
    assert in_seconds(plan(70, 1000, tail="keep"), 1000) == [(0, 30), (30, 60), (60, 70)]


def test_a_recording_shorter_than_the_shortest_chunk_gives_none_unless_rests_are_kept() -> None:
    assert plan(14, 1000) == plan(14, 1000, tail="drop") == []
    assert in_seconds(plan(14, 1000, tail="keep"), 1000) == [(0, 14)]
    assert in_seconds(plan(20, 1000), 1000) == [(0, 20)]


def test_chunks_may_overlap() -> None:
    assert in_seconds(plan(80, 1000, overlap=5), 1000) == [(0, 30), (25, 55), (50, 80)]


def test_a_chunk_ends_at_the_beat_nearest_to_where_it_would() -> None:
    beats = [1.7 * beat for beat in range(60)]
    assert in_seconds(plan(90, 1000, cuts=beats), 1000) == [(0, 30.6), (30.6, 61.2), (61.2, 90)]


def test_of_two_cuts_equally_near_the_earlier_is_taken() -> None:
    assert plan(60, 1000, cuts=[31, 29])[0] == Span(0, 29_000)


def test_a_cut_too_far_away_is_not_taken() -> None:
    assert plan(60, 1000, cuts=[27.9, 32.1])[0] == Span(0, 30_000)
    assert plan(60, 1000, cuts=[27.9, 32.1], slack=3)[0] == Span(0, 27_900)


def test_a_rest_is_shared_at_a_cut_too() -> None:
    assert in_seconds(plan(78, 1000, shortest=20, cuts=[30, 53]), 1000) == [(0, 30), (30, 53), (53, 78)]


def test_slack_never_takes_more_than_half_of_a_chunk() -> None:
    assert in_seconds(plan(8, 1000, length=4, shortest=1, slack=60, cuts=[0.5, 1.9, 2.1]), 1000) == [
        (0, 2.1),
        (2.1, 6.1),
        (6.1, 8),
    ]


def test_cuts_that_are_no_times_are_passed_over() -> None:
    assert plan(60, 1000, cuts=[math.nan, math.inf, -30.0, 0.0, 60.0, 1e300]) == plan(60, 1000)


def test_silences_are_cut_in_their_middle() -> None:
    assert cuts_in([(10, 12), (29.0, 30.0), (math.nan, 3)]) == [11, 29.5]
    assert plan(60, 1000, cuts=cuts_in([(29, 30)]))[0] == Span(0, 29_500)


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf])
def test_what_has_no_length_has_no_chunks(seconds: float) -> None:
    assert plan(seconds, 44100) == []


@pytest.mark.parametrize(
    ("settings", "fix"),
    [
        ({"length": 0}, "length be 0.5 seconds or more"),
        ({"length": math.nan}, "length be 0.5 seconds or more"),
        ({"shortest": 31}, "between 0 and the length of 30"),
        ({"overlap": 30}, "between 0 and nine tenths"),
        ({"overlap": -1}, "between 0 and nine tenths"),
        ({"slack": -1}, "is not 0 or more"),
        ({"slack": math.nan}, "is not 0 or more"),
        ({"tail": "cut"}, "choose join, drop, keep"),
    ],
)
def test_settings_that_make_no_sense_name_the_fix(settings: dict[str, object], fix: str) -> None:
    with pytest.raises(UserError, match=fix):
        plan(60, 44100, **settings)  # type: ignore[arg-type]


@given(seconds=st.floats(0.001, 4000), rate=RATES, length=LENGTHS, share=st.floats(0, 1), cuts=st.lists(st.floats(0, 4000)))
def test_chunks_add_up_to_the_recording(seconds: float, rate: int, length: float, share: float, cuts: list[float]) -> None:
    spans = plan(seconds, rate, length=length, shortest=share * length, cuts=cuts, slack=length / 3)
    if not spans:
        assert round(seconds * rate) <= round(share * length * rate)
        return
    assert spans[0].start_frame == 0
    assert all(one.end_frame == other.start_frame for one, other in pairwise(spans))
    assert spans[-1].end_frame == round(seconds * rate)
    assert min(map(frames, spans)) >= min(round(share * length * rate), round((length - length / 3) * rate) - 1)
    assert max(map(frames, spans)) <= 2.4 * length * rate


@given(
    seconds=st.floats(0.001, 1000),
    rate=RATES,
    length=LENGTHS,
    lap=st.floats(0, 0.9),
    tail=st.sampled_from(["join", "drop", "keep"]),
    cuts=st.lists(st.floats(0, 1000)),
)
def test_overlaps_are_exact(seconds: float, rate: int, length: float, lap: float, tail: str, cuts: list[float]) -> None:
    spans = plan(
        seconds,
        rate,
        length=length,
        shortest=length / 2,
        overlap=lap * length,
        tail=tail,  # type: ignore[arg-type]
        cuts=cuts,
        slack=(1 - lap) * length / 2.1,
    )
    overlap = round(lap * length * rate)
    assert all(one.end_frame - other.start_frame == overlap for one, other in pairwise(spans))
    assert all(one.start_frame < other.start_frame and one.end_frame < other.end_frame for one, other in pairwise(spans))
    assert all(0 <= span.start_frame < span.end_frame <= round(seconds * rate) for span in spans)
    if tail != "drop" and spans:
        assert spans[-1].end_frame == round(seconds * rate)


# --- how they sound ---


def noise(seconds: float, rate: int, channels: int = 2, level: float = 0.1) -> Samples:
    drawn = np.random.default_rng(3).normal(0, level, (round(seconds * rate), channels))
    return drawn.astype(np.float32)


def in_blocks(sound: Samples, size: int = 5000) -> list[Samples]:
    return [sound[start : start + size] for start in range(0, len(sound), size)]


@given(rate=RATES, wanted=RATES, cuts=st.lists(st.integers(0, 10**9), min_size=2))
def test_lengths_add_up_at_another_rate_too(rate: int, wanted: int, cuts: list[int]) -> None:
    at = sorted(cuts)
    there = [out_frame(frame, rate, wanted) for frame in at]
    assert sum(end - start for start, end in pairwise(there)) == there[-1] - there[0]
    assert all(abs(frame * wanted / rate - out) <= 0.5 + 1e-6 for frame, out in zip(at, there, strict=True))


@pytest.mark.parametrize("rate", [44100, 48000, 32000, 22050, 11025])
@pytest.mark.parametrize("channels", [1, 2])
def test_resampled_chunks_are_the_resampled_recording(rate: int, channels: Literal[1, 2]) -> None:
    sound = noise(7.3, rate)
    fitter = Fitter(channels=channels, loudness=None, ceiling=0.0)
    spans = plan(7.3, rate, length=2, shortest=1, cuts=[2.3, 4.1234])
    whole = fitter.fit(sound, rate, "stereo").samples
    pieces = [fitted.samples for fitted in fitter.cut(in_blocks(sound), rate, spans, "stereo")]
    assert len(whole) == out_frame(len(sound), rate, 32000)
    assert len(spans) == 4
    assert np.array_equal(np.concatenate(pieces), whole)


def test_overlapping_chunks_share_their_samples() -> None:
    sound = noise(9, 44100)
    spans = plan(9, 44100, length=3, shortest=1, overlap=1)
    first, second, *_ = Fitter(loudness=None, ceiling=0.0).cut(in_blocks(sound), 44100, spans, "stereo")
    assert np.array_equal(first.samples[-32000:], second.samples[:32000])


def test_a_span_behind_the_end_is_as_long_as_what_there_is() -> None:
    sound = noise(2, 32000)
    lengths = [len(one.samples) for one in Fitter().cut([sound], 32000, [Span(32000, 96000), Span(96000, 128000)], "stereo")]
    assert lengths == [32000, 0]


def test_a_chunk_is_brought_to_the_wanted_loudness() -> None:
    fitted = Fitter(loudness=-23.0).fit(noise(3, 44100), 44100, "stereo")
    measured = integrated_loudness(fitted.samples, 32000)
    assert measured == pytest.approx(-23, abs=0.01)
    assert fitted.lufs == pytest.approx(measured, abs=0.001)
    assert fitted.samples.shape == (96000, 1)
    assert not fitted.limited


def test_the_true_peak_stays_under_the_ceiling_by_less_gain() -> None:
    clicks = np.zeros((44100 * 3, 2), np.float32)
    clicks[::4410] = 0.9
    fitted = Fitter().fit(clicks, 44100, "stereo")
    assert fitted.limited
    assert 20 * math.log10(true_peak(fitted.samples)) == pytest.approx(-1, abs=0.002)
    assert true_peak(fitted.samples) <= 10 ** (-1 / 20)
    plain = Fitter(loudness=None, ceiling=0.0).fit(clicks, 44100, "stereo")
    again = plain.samples * np.float32(10 ** ((fitted.gain_db - plain.gain_db) / 20))
    assert np.allclose(again, fitted.samples, atol=1e-6)  # one gain, nothing cut off


def test_without_a_loudness_only_what_is_too_high_is_lowered() -> None:
    quiet, loud = noise(1, 32000, 1, 0.01), noise(1, 32000, 1, 0.5)
    left = Fitter(loudness=None).fit(quiet, 32000, "mono")
    assert left.gain_db == 0
    assert np.array_equal(left.samples, quiet)
    lowered = Fitter(loudness=None).fit(loud, 32000, "mono")
    assert lowered.limited
    assert lowered.true_peak_db == pytest.approx(-1, abs=0.002)


def test_silence_stays_silent_and_what_is_nearly_silent_is_not_blown_up() -> None:
    silent = Fitter().fit(np.zeros((44100, 2), np.float32), 44100, "stereo")
    assert not silent.samples.any()
    assert (silent.gain_db, silent.lufs, silent.true_peak_db, silent.limited) == (0, None, None, False)
    hum = Fitter().fit(noise(3, 44100, level=0.0008), 44100, "stereo")
    assert hum.gain_db == 30
    assert hum.limited


def test_values_that_are_no_sound_are_refused() -> None:
    sound = noise(1, 44100)
    sound[5, 1] = np.nan
    with pytest.raises(Unusable, match="no sound") as refused:
        Fitter().fit(sound, 44100, "stereo")
    assert refused.value.reason == "not_finite"
    assert [reason for reason, _ in faults(sound, 44100)] == ["not_finite"]


@pytest.mark.parametrize("wrong", [{"rate": 100}, {"channels": 3}, {"loudness": 5.0}, {"ceiling": math.nan}])
def test_a_fitter_that_cannot_be_says_what_is_usual(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError):
        Fitter(**wrong)  # type: ignore[arg-type]


# --- what speaks against one ---


def reasons(sound: Samples, rate: int = 44100) -> list[str]:
    return [reason for reason, _ in faults(sound, rate)]


def test_a_good_chunk_has_no_faults() -> None:
    assert reasons(noise(3, 44100)) == []


def test_silence_is_a_fault_and_so_is_too_much_of_it() -> None:
    sound = noise(3, 44100)
    assert reasons(np.zeros((0, 2), np.float32)) == ["silent"]
    assert reasons(sound * np.float32(0.001)) == ["silent"]
    sound[: 44100 * 2] = 0
    assert reasons(sound) == ["mostly_silent"]
    assert faults(sound, 44100, most_silence=0.7) == []


def test_one_silent_channel_is_no_silence() -> None:
    sound = noise(3, 44100)
    sound[:, 0] = 0
    assert reasons(sound) == []


def test_a_waveform_cut_off_at_full_scale_is_clipped() -> None:
    tone = np.sin(np.arange(44100) * 0.02)[:, None].astype(np.float32)
    assert reasons(np.clip(tone * np.float32(1.5), -1, 1)) == ["clipped"]
    assert reasons(tone * np.float32(0.99)) == []


def test_single_peaks_at_full_scale_are_not_clipped() -> None:
    sound = noise(1, 44100)
    sound[::50] = 1
    sound[1::50] = -1
    assert "clipped" not in reasons(sound)


def test_a_waveform_beside_zero_is_a_fault() -> None:
    assert reasons(noise(3, 44100) + np.float32(0.2)) == ["dc"]
    assert reasons(noise(3, 44100) + np.float32(0.005)) == []
