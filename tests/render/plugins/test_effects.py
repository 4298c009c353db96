"""Real effects and instruments of others: Zam's VST3, VST2 and MDA's LV2, as Debian packages them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from motet.render import Audio
from motet.render.plugins import Host, Limits, Plugin, PluginError, find
from render.notation import RATE, TICKS, level, note, part

DELAY, EPIANO = "http://drobilla.net/plugins/mda/Delay", "http://drobilla.net/plugins/mda/EPiano"


def zam(name: str, vst2: bool = False) -> Plugin:
    path = Path(f"/usr/lib/vst/{name}-vst.so" if vst2 else f"/usr/lib/vst3/{name}.vst3")
    if not path.exists():
        pytest.skip(f"no {path}: apt install zam-plugins")
    return find(str(path))


def mda(uri: str) -> Plugin:
    if not Path("/usr/lib/lv2/mda.lv2").exists():
        pytest.skip("no /usr/lib/lv2/mda.lv2: apt install mda-lv2")
    return find(uri)


@pytest.fixture(scope="module")
def chord() -> Audio:
    """A second of three tones, other ones left than right, and a click in the middle."""
    time = np.arange(RATE)[:, None, None] / RATE
    tones = np.sin(2 * np.pi * time * np.array([[110, 220, 331], [147, 294, 440]])).sum(axis=2) / 12
    tones[RATE // 2] += 0.5
    return tones.astype(np.float32)


@pytest.mark.parametrize("name", ["ZamCompX2", "ZamEQ2", "ZamGateX2", "ZamTube", "ZamDelay", "ZaMultiComp"])
def test_an_effect_keeps_the_start_and_both_sides(host: Host, pedalboard: str, chord: Audio, name: str) -> None:
    made = host.process(zam(name), pedalboard, chord, RATE)
    assert made.dtype == np.float32
    assert RATE <= len(made) <= 9 * RATE
    assert np.abs(np.diff(made, axis=0)[: RATE - 1]).argmax(axis=0) == pytest.approx(RATE // 2, abs=1)


def test_effects_repeat_themselves(host: Host, engine: str) -> None:
    """Not all do: ZamTube through pedalboard differs now and then."""
    for name in ("ZamEQ2", "ZamDelay", "ZamGateX2"):
        assert host.repeatable(zam(name), engine)


def test_latency_is_taken_off(host: Host, engine: str, chord: Audio) -> None:
    limiter = zam("ZaMaximX2")
    assert host.describe(limiter, engine).latency == 480
    made = host.process(limiter, engine, chord, RATE)
    assert np.abs(made[:RATE] - chord).max() < 1e-4  # nothing here is loud enough to be limited


@pytest.mark.parametrize("vst2", [False, True])
def test_a_mono_effect_hears_each_side_alone(host: Host, engine: str, chord: Audio, vst2: bool) -> None:
    if vst2 and engine == "pedalboard":
        pytest.skip("pedalboard loads no VST2")
    squash = {"Threshold": -40.0, "Ratio": 10.0}
    both, left = (host.process(zam("ZamComp", vst2), engine, one, RATE, parameters=squash) for one in (chord, chord[:, [0, 0]]))
    assert np.array_equal(both[:RATE, 0], left[:RATE, 0])
    assert level(both[:RATE, 1] - left[:RATE, 1]) > -40


def test_a_delay_rings_out_past_its_pauses(host: Host, pedalboard: str, chord: Audio) -> None:
    """Echoes half a second apart, with silence between them."""
    click = np.zeros_like(chord)
    click[100] = 0.9
    made = host.process(zam("ZamDelay"), pedalboard, click, RATE, parameters={"Time": 1500.0, "Feedback": 0.5})
    assert 3 * RATE < len(made) <= 9 * RATE
    assert np.abs(made[4 * RATE :]).max() > 0.01


def test_parameters_do_what_they_say(host: Host, engine: str, chord: Audio) -> None:
    knobs = {one.name: one for one in host.describe(zam("ZamGEQ31"), engine).parameters}
    gain = knobs["Master Gain"]
    assert (gain.low, gain.high, gain.unit) == (-30, 30, "dB")
    plain, soft = (host.process(zam("ZamGEQ31"), engine, chord, RATE, parameters={gain.name: value}) for value in (0, -6.5))
    assert level(plain[:RATE]) - level(soft[:RATE]) == pytest.approx(6.5, abs=0.05)


def test_programs_are_named_and_chosen(host: Host, pedalboard: str, chord: Audio) -> None:
    """PoppySnare squashes by 5 to 1 from -18 dB on and makes up 6 dB."""
    told = host.describe(zam("ZamComp"), pedalboard)
    assert not told.instrument
    assert told.presets == ("Zero", "PoppySnare", "VocalLeveller")
    zero, snare = (
        host.process(zam("ZamComp"), pedalboard, chord, RATE, parameters={"Current Program": value}) for value in (0.0, 1.0)
    )
    assert level(snare[:RATE]) > level(zero[:RATE]) + 2
    with pytest.raises(PluginError, match="a whole number from 0 to 2"):
        host.process(zam("ZamComp"), pedalboard, chord, RATE, parameters={"Current Program": 0.5})


def test_a_preset_brings_back_the_sound(host: Host, engine: str, pedalboard: str, chord: Audio, tmp_path: Path) -> None:
    setting = {"Boost/Cut 1": 12.0, "Frequency 1": 220.0}
    file = tmp_path / "bass.vstpreset"
    file.write_bytes(host.preset(zam("ZamEQ2"), pedalboard, parameters=setting))
    set_by_hand = host.process(zam("ZamEQ2"), engine, chord, RATE, parameters=setting)
    loaded = host.process(zam("ZamEQ2"), engine, chord, RATE, preset=file)
    assert level(loaded[:RATE] - set_by_hand[:RATE]) < -80
    assert level(loaded[:RATE]) > level(chord) + 2


def test_one_that_may_hang_is_bounded(engine: str, chord: Audio) -> None:
    """ZamVerb hangs in some hosts when it is loaded."""
    begun = time.monotonic()
    told = ""
    with Host(Limits(load=3, render=5, factor=0)) as host:
        try:
            made = host.process(zam("ZamVerb"), engine, chord, RATE)
        except PluginError as error:
            told = error.detail
    assert "ZamVerb did not come back within" in told if told else made.any()
    assert time.monotonic() - begun < 30


def test_an_instrument_of_lv2_plays(host: Host, dawdreamer: str) -> None:
    told = host.describe(mda(EPIANO), dawdreamer)
    assert told.instrument
    tune = part([*note(TICKS, TICKS, 60), *note(3 * TICKS, TICKS, 67)])
    audio = host.play(mda(EPIANO), dawdreamer, tune, RATE, parameters={"Treble Boost": 0.9})
    assert not audio[: RATE // 2].any()
    assert level(audio[RATE // 2 : RATE]) > -40
    assert audio.tobytes() == host.play(mda(EPIANO), dawdreamer, tune, RATE, parameters={"Treble Boost": 0.9}).tobytes()


def test_an_effect_of_lv2_rings_out(host: Host, dawdreamer: str, chord: Audio) -> None:
    made = host.process(mda(DELAY), dawdreamer, chord, RATE)
    assert RATE < len(made) <= 9 * RATE


def test_an_effect_plays_no_notes_and_an_instrument_takes_no_sound(host: Host, dawdreamer: str, chord: Audio) -> None:
    with pytest.raises(PluginError, match="Delay is an effect"):
        host.play(mda(DELAY), dawdreamer, part(note(0, TICKS, 60)), RATE)
    with pytest.raises(PluginError, match="EPiano is an instrument"):
        host.process(mda(EPIANO), dawdreamer, chord, RATE)


def test_sound_must_be_stereo_and_finite(host: Host, pedalboard: str, chord: Audio) -> None:
    for wrong in (chord[:, 0], chord[:, :1], chord + np.float32(np.nan)):
        with pytest.raises(ValueError, match=r"\(frames, 2\)"):
            host.process(zam("ZamEQ2"), pedalboard, wrong, RATE)
