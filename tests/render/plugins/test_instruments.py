"""What an instrument must sound like. The test synth's notes start at their peak, so that they are found to the sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motet.midi import read
from motet.render import Audio
from motet.render.plugins import Host, Plugin, PluginError
from motet.render.voices import QUIET
from render.notation import RATE, TICKS, Message, bend, control, level, note, part, pitch, program, tempo
from render.plugins.patience import IMPATIENT, Build

pytestmark = pytest.mark.system("g++")

SHORT = {"decay": 0.05}
TUNE = part([*note(0, TICKS, 69), *note(2 * TICKS, TICKS, 76)])


@pytest.fixture
def good(build: Build) -> Plugin:
    return build("Good")


def attacks(audio: Audio) -> list[int]:
    """Frames at which the sound jumps by a tenth or more."""
    jumps = np.flatnonzero(np.diff(audio[:, 0], prepend=0) > 0.1)
    return [int(frame) for frame in jumps[np.diff(jumps, prepend=-RATE) > 500]]


def struck(midi: bytes) -> list[int]:
    score = read(midi)
    return [round(float(score.tempo_map.to_seconds(int(start))) * RATE) for start in score.notes["start"]]


def sound(host: Host, plugin: Plugin, engine: str, messages: list[Message], **parameters: float) -> Audio:
    return host.play(plugin, engine, part(messages), RATE, parameters=parameters)


def test_every_note_starts_at_its_frame_through_all_tempi(host: Host, good: Plugin, engine: str) -> None:
    tempi = [tempo(4 * TICKS, 61.7), tempo(7 * TICKS + 100, 233.1), tempo(20 * TICKS, 90)]
    midi = part([*tempi, *(m for beat in range(30) for m in note(beat * TICKS + beat % 7, 60, 70))])
    assert attacks(host.play(good, engine, midi, RATE, parameters=SHORT)) == struck(midi)


def test_there_is_no_drift_in_ten_minutes(host: Host, good: Plugin, engine: str) -> None:
    midi = part([tempo(0, 113.7), *(m for beat in range(0, 1137, 50) for m in note(beat * TICKS + 1, 60, 70))])
    assert struck(midi)[-1] > 575 * RATE
    assert attacks(host.play(good, engine, midi, RATE, parameters=SHORT)) == struck(midi)


def test_latency_is_taken_off(host: Host, build: Build, good: Plugin, engine: str) -> None:
    late, plain = (host.play(one, engine, TUNE, RATE) for one in (build("Late"), good))
    assert np.array_equal(late[: len(plain)], plain)
    assert host.describe(build("Late"), engine).latency == 1000


def test_the_same_call_gives_the_same_bytes_whatever_was_played_before(host: Host, good: Plugin, engine: str) -> None:
    first = host.play(good, engine, TUNE, RATE, parameters=SHORT).tobytes()
    sound(host, good, engine, [bend(0, 16383), *note(0, 20 * TICKS, 40)], level=0.9, detune=30)
    assert host.play(good, engine, TUNE, RATE, parameters=SHORT).tobytes() == first
    with Host(IMPATIENT) as another:
        assert another.play(good, engine, TUNE, RATE, parameters=SHORT).tobytes() == first


def test_one_that_plays_by_chance_is_told(host: Host, build: Build, good: Plugin, engine: str) -> None:
    assert host.repeatable(good, engine)
    assert not host.repeatable(build("Random"), engine)


def test_what_is_played_at_loading_is_not_heard(host: Host, build: Build, engine: str) -> None:
    audio = sound(host, build("Noisy"), engine, note(2 * TICKS, TICKS, 69))
    assert not audio[:RATE].any()
    assert level(audio[RATE:]) > -40


def test_velocity_and_bend_are_heard(host: Host, good: Plugin, engine: str) -> None:
    loud, soft = (sound(host, good, engine, note(0, 2 * TICKS, 69, velocity)) for velocity in (120, 30))
    assert level(loud[:RATE]) - level(soft[:RATE]) == pytest.approx(20 * np.log10(4), abs=0.01)
    bent = sound(host, good, engine, [bend(0, 16383), *note(0, 4 * TICKS, 69)], decay=2)
    assert pitch(bent) == pytest.approx(440 * 2 ** (2 / 12), rel=0.002)


def test_volume_expression_and_pan_act_behind_the_plugin(host: Host, good: Plugin, engine: str) -> None:
    def heard(*controls: Message) -> Audio:
        return sound(host, good, engine, [*controls, *note(0, 2 * TICKS, 69)])[:RATE]

    plain = heard()
    assert np.array_equal(heard(control(0, 7, 100)), plain)
    assert level(plain) - level(heard(control(0, 7, 50), control(0, 11, 64))) == pytest.approx(
        40 * np.log10(2 * 127 / 64), abs=0.01
    )
    left = heard(control(0, 10, 0))
    assert level(left[:, 0]) == pytest.approx(level(plain[:, 0]) + 3.01, abs=0.01)
    assert level(left[:, 1]) < -120
    faded = heard(control(TICKS, 7, 0))
    assert np.array_equal(faded[: RATE // 2], plain[: RATE // 2])
    assert not faded[RATE // 2 + 300 :].any()


def test_programs_and_banks_do_not_change_the_plugin(host: Host, good: Plugin, engine: str) -> None:
    plain = sound(host, good, engine, note(0, TICKS, 69))
    chosen = sound(host, good, engine, [control(0, 0, 1), control(0, 32, 1), program(0, 33), *note(0, TICKS, 69)])
    assert np.array_equal(plain, chosen)


def test_it_rings_out_and_no_longer(host: Host, good: Plugin, engine: str) -> None:
    short, long = (sound(host, good, engine, note(0, TICKS, 69), decay=decay) for decay in (0.05, 5))
    for audio in (short, long):
        assert RATE // 2 < len(audio) < RATE
        assert np.abs(audio[-100:]).max() < QUIET


def test_a_part_without_notes_is_a_short_silence(host: Host, good: Plugin, engine: str) -> None:
    audio = sound(host, good, engine, [bend(0, 0)])
    assert 0 < len(audio) < RATE
    assert not audio.any()


def test_parameters_are_told_and_heard_in_their_own_units(host: Host, good: Plugin, engine: str) -> None:
    told = host.describe(good, engine)
    assert told.instrument
    knobs = {one.name: one for one in told.parameters}
    assert list(knobs) == ["level", "decay", "detune"]
    assert (knobs["decay"].low, knobs["decay"].high, knobs["decay"].unit) == (pytest.approx(0.05), 5, "s")
    assert knobs["decay"].value == pytest.approx(0.5)
    sharp = sound(host, good, engine, note(0, 4 * TICKS, 69), decay=2, detune=100)
    assert pitch(sharp) == pytest.approx(440 * 2 ** (1 / 12), rel=0.002)
    full, half = (sound(host, good, engine, note(0, TICKS, 69), level=value) for value in (1, 0.5))
    assert np.array_equal(full[: len(half)], 2 * half)


@pytest.mark.parametrize(
    ("wrong", "reason", "told"),
    [
        ({"decya": 1.0}, "no_such_parameter", "'decya'; it has decay"),
        ({"decay": 7.0}, "parameter_out_of_range", "0.05 to 5 s"),
        ({"decay": float("nan")}, "parameter_out_of_range", "no number"),
        ({"\x1b[31m\ud800" * 1000: 1.0}, "no_such_parameter", "Good has no parameter"),
    ],
)
def test_a_wrong_parameter_is_named(
    host: Host, good: Plugin, engine: str, wrong: dict[str, float], reason: str, told: str
) -> None:
    with pytest.raises(PluginError, match=told) as caught:
        host.play(good, engine, TUNE, RATE, parameters=wrong)
    assert caught.value.reason == reason
    assert caught.value.detail.isprintable()
    assert len(caught.value.detail) < 500


def test_a_preset_brings_back_the_sound(host: Host, good: Plugin, pedalboard: str, engine: str, tmp_path: Path) -> None:
    setting = {"level": 0.7, "decay": 1.25, "detune": -33.0}
    wanted = host.play(good, engine, TUNE, RATE, parameters=setting)
    file = tmp_path / "a.vstpreset"
    file.write_bytes(host.preset(good, pedalboard, parameters=setting))
    assert np.array_equal(host.play(good, engine, TUNE, RATE, preset=file), wanted)
    assert not np.array_equal(host.play(good, engine, TUNE, RATE), wanted)


@pytest.mark.parametrize("content", [None, b"", b"VST3 and nothing else", bytes(1000)])
def test_a_wrong_preset_is_named(host: Host, good: Plugin, engine: str, content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "a.vstpreset"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PluginError, match="Good") as caught:
        host.play(good, engine, TUNE, RATE, preset=file)
    assert caught.value.reason == "no_preset"
