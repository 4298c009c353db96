"""Effects: where a sound begins stays where it is, silence stays silence, and equal sounds give equal bytes."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.render import Audio, RenderError
from motet.render.effects import EFFECTS, apply, complete
from motet.render.patch import Effect
from render.notation import RATE

pedalboard = pytest.importorskip("pedalboard", reason="pedalboard is not installed: pip install 'motet[effects]'")

STEP = 2.0**-16


def burst(seconds: float = 0.05, seed: int = 1, rate: int = RATE) -> Audio:
    """Noise that begins at half of full scale."""
    audio = np.random.default_rng(seed).uniform(-0.5, 0.5, (round(seconds * rate), 2)).astype(np.float32)
    audio[0] = 0.5
    return audio


def after(silence: int, audio: Audio) -> Audio:
    return np.concatenate([np.zeros((silence, audio.shape[1]), np.float32), audio])


def settings_of(name: str) -> st.SearchStrategy[Effect]:
    """The effect with any of its parameters."""
    ranges = {key: st.floats(kind.low, kind.high) for key, kind in EFFECTS[name].items()}
    return st.fixed_dictionaries({}, optional=ranges).map(lambda drawn: Effect(name, drawn))


any_effect = st.sampled_from(sorted(EFFECTS)).flatmap(settings_of)


@given(any_effect, st.integers(0, 20000), st.sampled_from([8000, 16000, 22050, 44100, 48000, 96000]), st.sampled_from([1, 2]))
@settings(max_examples=150)
def test_a_sound_begins_where_it_began_and_stays_finite(effect: Effect, silence: int, rate: int, channels: int) -> None:
    dry = after(silence, burst(rate=rate)[:, :channels])
    wet = apply([effect], dry, rate)
    assert wet.dtype == np.float32
    assert wet.shape[1] == channels
    assert len(dry) <= len(wet) <= len(dry) + 8 * rate
    assert np.isfinite(wet).all()
    assert not wet[:silence].any()
    assert np.flatnonzero(wet.any(axis=1))[0] == silence


@given(st.lists(any_effect, max_size=3), st.integers(0, 20000))
@settings(max_examples=40)
def test_a_sound_after_silence_is_the_same_sound(chain: list[Effect], silence: int) -> None:
    wet = apply(chain, burst(), RATE)
    assert np.array_equal(apply(chain, after(silence, burst()), RATE), after(silence, wet))


@pytest.mark.parametrize("name", sorted(EFFECTS))
def test_silence_stays_silence(name: str) -> None:
    silence = np.zeros((RATE, 2), np.float32)
    assert np.array_equal(apply([Effect(name)], silence, RATE), silence)
    nothing = np.zeros((0, 2), np.float32)
    assert np.array_equal(apply([Effect(name)], nothing, RATE), nothing)


@pytest.mark.parametrize(
    ("effect", "whole"),
    [
        (Effect("compressor", {"threshold_db": -30, "ratio": 4}), lambda: pedalboard.Compressor(-30, 4, 10, 100)),
        (Effect("chorus", {"rate_hz": 0.7}), lambda: pedalboard.Chorus(0.7, 0.25, 7, 0, 0.3)),
        (Effect("phaser", {"feedback": 0.3}), lambda: pedalboard.Phaser(0.5, 0.5, 1000, 0.3, 0.3)),
        (Effect("delay", {"seconds": 0.4}), lambda: pedalboard.Delay(0.4, 0.3, 0.3)),
        (Effect("reverb", {}), lambda: pedalboard.Reverb(0.4, 0.5, 0.1, 0.5, 1)),
        (Effect("highpass", {"hz": 300}), lambda: pedalboard.HighpassFilter(300)),
    ],
    ids=lambda value: value.name if isinstance(value, Effect) else "",
)
def test_pieces_sound_like_the_whole(effect: Effect, whole: object) -> None:
    """What is played in pieces is what pedalboard makes of the recording in one go."""
    dry = burst(3.1)
    at_once = whole().process(dry, RATE, buffer_size=len(dry))  # type: ignore[operator]
    assert np.array_equal(apply([effect], dry, RATE)[: len(dry)], at_once)


def test_each_effect_takes_what_the_one_before_it_gives() -> None:
    first, second = Effect("distortion", {"drive_db": 20}), Effect("lowpass", {"hz": 500})
    one_by_one = apply([second], apply([first], burst(), RATE), RATE)
    assert np.array_equal(apply([first, second], burst(), RATE), one_by_one)
    assert not np.array_equal(apply([second, first], burst(), RATE), one_by_one)


def test_an_effect_remembers_no_earlier_sound() -> None:
    echo = [Effect("delay"), Effect("reverb")]
    alone = apply(echo, burst(seed=2), RATE)
    apply(echo, burst(seed=3), RATE)
    assert np.array_equal(apply(echo, burst(seed=2), RATE), alone)


def test_echoes_ring_out_at_their_time_and_end_with_the_last_that_is_heard() -> None:
    wet = apply([Effect("delay", {"seconds": 0.5, "feedback": 0.5, "mix": 0.5})], burst(0.01), RATE)
    for echo in range(4):
        assert np.abs(wet[echo * RATE // 2]).max() == pytest.approx(0.5 * 0.5 ** max(1, echo), rel=1e-3)
    assert np.abs(wet[-1]).max() >= STEP
    assert 5 * RATE < len(wet) < 8 * RATE


def test_a_tail_without_end_is_faded_after_eight_seconds() -> None:
    wet = apply([Effect("delay", {"seconds": 0.05, "feedback": 0.8}), Effect("reverb", {"room_size": 0.9})], burst(), RATE)
    assert len(wet) < len(burst()) + 8 * RATE  # this one does end
    endless = [Effect("delay", {"seconds": 2, "feedback": 0.8, "mix": 0.5})]
    wet = apply(endless, burst(), RATE)
    assert len(wet) == len(burst()) + 8 * RATE
    assert not wet[-1].any()
    assert np.abs(wet[-2 * RATE :]).max() > STEP


def test_an_echo_bridges_the_silence_before_it() -> None:
    """A pause in the part is no end of the tail: the echo falls into it, and the sound after it has its own."""
    dry = np.concatenate([burst(0.01), np.zeros((4 * RATE, 2), np.float32), burst(0.01, seed=2)])
    wet = apply([Effect("delay", {"seconds": 1.5, "feedback": 0, "mix": 0.5})], dry, RATE)
    assert np.abs(wet[round(1.5 * RATE)]).max() == pytest.approx(0.25, rel=1e-3)
    assert np.flatnonzero(wet.any(axis=1))[-1] == len(dry) + round(1.5 * RATE) - 1


@pytest.mark.parametrize("room", [0, 0.5, 0.9])
def test_the_dry_sound_is_at_least_as_loud_as_its_room(room: float) -> None:
    dry = burst(3)
    wet = apply([Effect("reverb", {"room_size": room, "damping": 0, "wet_level": 0.3})], dry, RATE)[: len(dry)] - dry
    assert 0 < np.sqrt(np.mean(wet[RATE:] ** 2)) <= np.sqrt(np.mean(dry**2))


@pytest.mark.parametrize("drive", [0, 10, 20, 40])
def test_a_distortion_keeps_the_level_of_a_usual_peak(drive: float) -> None:
    wave = (0.25 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)[:, None]
    assert np.abs(apply([Effect("distortion", {"drive_db": drive})], wave, RATE)).max() == pytest.approx(0.25, rel=1e-3)


def test_a_filter_above_what_the_rate_can_hold_is_left_out() -> None:
    dry = burst(rate=16000)
    assert np.array_equal(apply([Effect("lowpass", {"hz": 12000})], dry, 16000), dry)
    assert np.array_equal(apply([Effect("eq", {"high_hz": 12000, "high_db": 9})], dry, 16000), dry)


def test_another_process_makes_the_same_bytes() -> None:
    script = (
        "import hashlib, numpy as np; from motet.render.effects import EFFECTS, apply; from motet.render.patch import Effect;"
        "x = np.random.default_rng(5).uniform(-0.5, 0.5, (9000, 2)).astype(np.float32);"
        "print(hashlib.sha256(apply([Effect(name) for name in EFFECTS], x, 44100).tobytes()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    audio = np.random.default_rng(5).uniform(-0.5, 0.5, (9000, 2)).astype(np.float32)
    assert hashlib.sha256(apply([Effect(name) for name in EFFECTS], audio, RATE).tobytes()).hexdigest() == there


def test_without_pedalboard_one_sentence_tells_what_to_install() -> None:
    script = (
        "import sys; sys.modules['pedalboard'] = None\n"
        "import numpy as np; from motet.render.effects import apply; from motet.render.patch import Effect\n"
        "from motet.render import RenderError\n"
        "try: apply([Effect('reverb')], np.ones((9, 2), np.float32), 44100)\n"
        "except RenderError as error: print(error.reason, error.detail)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.startswith("missing_effects effects need pedalboard")
    assert 'pip install "motet[effects]"' in said


def test_a_plug_in_is_run_in_its_place_in_the_chain() -> None:
    heard = []

    def hosted(effect: Effect, audio: Audio, rate: int) -> Audio:
        heard.append((effect.name, rate, audio))
        return audio * np.float32(2)

    first, plugin, last = Effect("bitcrush"), Effect("Zam", file="Zam.vst3", sha256="ab"), Effect("highpass")
    wet = apply([first, plugin, last], burst(), RATE, hosted)
    crushed = apply([first], burst(), RATE)
    ((name, rate, given),) = heard
    assert (name, rate) == ("Zam", RATE)
    assert np.array_equal(given, crushed)
    assert np.array_equal(wet, apply([last], crushed * np.float32(2), RATE))
    with pytest.raises(RenderError, match="Zam is a plug-in") as no_host:
        apply([plugin], burst(), RATE)
    assert no_host.value.reason == "no_host"


@pytest.mark.parametrize(
    ("effect", "reason", "sentence"),
    [
        (Effect("rewerb"), "unknown_effect", "did you mean reverb"),
        (Effect("limiter"), "unknown_effect", "there are: compressor, eq, "),
        (Effect("delay", {"second": 1}), "unknown_parameter", "did you mean seconds"),
        (Effect("delay", {"seconds": 3}), "out_of_range", "seconds of delay cannot be 3: it goes from 0.01 to 2"),
        (Effect("delay", {"seconds": float("nan")}), "out_of_range", "cannot be nan"),
    ],
)
def test_a_wrong_effect_is_told_in_one_sentence(effect: Effect, reason: str, sentence: str) -> None:
    with pytest.raises(RenderError, match=sentence) as told:
        apply([effect], burst(), RATE)
    assert told.value.reason == reason


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", [0, 100, 12000])
def test_what_is_no_sound_is_refused(bad: float, where: int) -> None:
    audio = burst(0.5)
    audio[where] = bad
    with pytest.raises(RenderError, match="no sound"):
        apply([Effect("bitcrush")], audio, RATE)


def test_what_is_not_given_is_the_default() -> None:
    told = complete("compressor", {"ratio": 3})
    assert told == {"threshold_db": -18, "ratio": 3, "attack_ms": 10, "release_ms": 100}
    for name, known in EFFECTS.items():
        assert list(complete(name, {})) == list(known)
        assert all(kind.low <= kind.default <= kind.high for kind in known.values())
