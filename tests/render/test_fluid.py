"""What FluidSynth does its own way. The rules for every synth are in test_synths."""

import ctypes.util
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from motet.render import Audio, Font, FontError, RenderError, Synth, fluid, load, version
from render.notation import RATE, TICKS, Message, level, note, part, pitch, program

BLOCK = 64  # frames

pytestmark = pytest.mark.skipif(ctypes.util.find_library("fluidsynth") is None, reason="libfluidsynth is not installed")


@pytest.fixture(scope="module")
def synth(font: Font) -> fluid.FluidSynth:
    return fluid.load(font, RATE)


def played(synth: Synth, messages: list[Message]) -> Audio:
    return next(iter(synth.render([part(messages)])))


def test_the_version_is_the_librarys() -> None:
    assert int(version("fluidsynth").split(".")[0]) >= 2


def test_a_note_is_never_early_and_at_most_a_block_late(synth: fluid.FluidSynth) -> None:
    """Hi-hats at odd frames, in an engine that works in blocks."""
    for tick in (1, 100, 333, 479):
        frame = round(tick / TICKS / 2 * RATE)
        heard = np.flatnonzero(np.abs(played(synth, note(tick, 60, 42, channel=9))).max(axis=1))
        assert frame <= heard[0] <= frame + BLOCK + 2


def test_two_notes_of_one_key_end_with_the_second(synth: fluid.FluidSynth) -> None:
    """The engine has one voice for a key; the first note's end must not be the second's."""
    first, second = note(0, 4 * TICKS, 60), note(2 * TICKS, 4 * TICKS, 60)
    audio = played(synth, [program(0, 16), *first, *second])
    assert level(audio[round(2.2 * RATE) : round(2.8 * RATE)]) > -40
    assert 3 * RATE <= len(audio) < 3.5 * RATE


def test_it_plays_as_high_as_tinysoundfont_and_about_as_loud(synth: fluid.FluidSynth, font: Font) -> None:
    other = load(font, RATE, synth="tinysoundfont")
    for number, key in ((73, 69), (16, 48), (56, 72)):
        messages = [program(0, number), *note(0, 4 * TICKS, key)]
        mine, its = (played(one, messages)[RATE // 2 : 3 * RATE // 2] for one in (synth, other))
        assert 1200 * np.log2(pitch(mine) / pitch(its)) == pytest.approx(0, abs=5)
        assert level(mine) == pytest.approx(level(its), abs=13)  # it takes 0.4 of the attenuation that a font asks for


def test_the_font_is_loaded_once(synth: fluid.FluidSynth, font: Font) -> None:
    assert fluid.load(font, 22050).loaded is synth.loaded


def test_another_rate_is_played_as_high_and_one_it_lacks_refused(synth: fluid.FluidSynth, font: Font) -> None:
    flute = [program(0, 73), *note(0, 4 * TICKS, 69)]
    here, there = played(synth, flute), played(fluid.load(font, RATE // 2), flute)
    assert pitch(there[5000:30000]) / 2 == pytest.approx(pitch(here[10000:60000]), rel=0.001)  # taken for 44.1 kHz
    with pytest.raises(RenderError) as caught:
        fluid.load(font, 192000)
    assert caught.value.reason == "wrong_rate"


def test_a_font_that_it_cannot_load_is_no_silence(tmp_path: Path) -> None:
    path = tmp_path / "bad.sf2"
    path.write_bytes(b"RIFF\x04\0\0\0sfbk")
    with pytest.raises(FontError, match="cannot load") as caught:
        fluid.load(Font(path, "bad", sha256(path.read_bytes()).hexdigest(), "unknown"))
    assert caught.value.reason == "damaged"


def test_a_font_that_changed_since_it_was_found_is_refused(font: Font) -> None:
    with pytest.raises(FontError) as caught:
        fluid.load(replace(font, sha256="0" * 64))
    assert caught.value.reason == "changed"


def test_a_missing_library_is_one_sentence_with_the_fix(font: Font, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    fluid._library.cache_clear()
    try:
        with pytest.raises(RenderError, match="install libfluidsynth") as caught:
            load(font, synth="fluidsynth")
        assert version("fluidsynth") == ""
    finally:
        fluid._library.cache_clear()
    assert caught.value.reason == "missing_synth"
