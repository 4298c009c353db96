"""What a part must sound like."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.render import Audio, Font, FontError, Line, Preset, RenderError, Synth, load, version
from render.notation import RATE, TICKS, Message, bend, control, level, note, part, pitch, program, tempo

Play = Callable[[list[Message]], Audio]


@pytest.fixture(scope="module")
def synth(engine: str, font: Font) -> Synth:
    return load(font, RATE, synth=engine)


@pytest.fixture(scope="module")
def play(synth: Synth) -> Play:
    """The sound of one part by each synth. Not the one of all tests here: that is kept, and would go on with this synth."""

    def played(messages: list[Message]) -> Audio:
        return next(iter(synth.render([part(messages)])))

    return played


HALF_SECOND = RATE // 2


def attacks(audio: Audio, threshold: float = 0.01) -> np.ndarray:
    """Frames at which sound begins after at least 50 ms under the threshold."""
    loud = np.flatnonzero(np.abs(audio).max(axis=1) > threshold)
    return loud[np.diff(loud, prepend=-RATE) > RATE // 20]


def test_a_note_sounds_from_its_frame(play: Play) -> None:
    audio = play(note(TICKS, TICKS, 60))
    assert not audio[:HALF_SECOND].any()
    assert np.abs(audio[HALF_SECOND : HALF_SECOND + 220]).max() > 0.001  # within 5 ms


def test_drum_onsets_follow_the_tempo_map(play: Play) -> None:
    """Hi-hats in quarter notes at 120 BPM, then 90: each within 5 ms of its time."""
    hits = [m for beat in range(8) for m in note(beat * TICKS, 60, 42, channel=9)]
    audio = play([*hits, tempo(4 * TICKS, 90)])
    times = [0.5 * beat for beat in range(4)] + [2 + beat * 60 / 90 for beat in range(4)]
    found = attacks(audio) / RATE
    assert len(found) == len(times)
    assert np.abs(found - times).max() < 0.005


def test_drums_are_no_piano(play: Play) -> None:
    """A snare is noise, a piano note has a pitch: the crest of the spectrum tells them apart."""

    def crest(audio: Audio) -> float:
        spectrum = np.abs(np.fft.rfft(audio[: RATE // 4, 0]))
        return float(spectrum.max() / spectrum.mean())

    piano, snare = play(note(0, TICKS, 60)), play(note(0, TICKS, 40, channel=9))
    assert crest(piano) > 3 * crest(snare)


def test_a_kit_is_chosen_and_an_unknown_one_falls_back_to_its_family(play: Play) -> None:
    def kit(number: int) -> bytes:
        return play([program(0, number, 9), *note(0, TICKS, 36, channel=9)]).tobytes()

    assert kit(25) != kit(0)  # TR-808
    assert kit(26) == kit(24)  # no such kit: the electronic family
    assert kit(127)


def test_a_program_change_is_heard_from_the_next_note(play: Play) -> None:
    notes = [*note(0, TICKS, 60), *note(4 * TICKS, TICKS, 60)]
    piano, changed = play(notes), play([*notes, program(2 * TICKS, 73)])
    before, after = slice(4 * HALF_SECOND), slice(4 * HALF_SECOND, 5 * HALF_SECOND)
    assert level(piano[before] - changed[before]) < level(piano[before]) - 60
    assert level(piano[after] - changed[after]) > level(piano[after]) - 6


def test_pan_goes_left_and_right(play: Play) -> None:
    for value, loud, soft in ((0, 0, 1), (127, 1, 0)):
        audio = play([control(0, 10, value), *note(0, TICKS, 60)])
        assert level(audio[:, loud]) > level(audio[:, soft]) + 10


def test_volume_and_expression_follow_general_midi(play: Play) -> None:
    """40 log10(value / 127) each; a channel that says nothing is at volume 100."""
    plain = level(play(note(0, TICKS, 60))[:HALF_SECOND])
    for controller, reference in ((7, 100), (11, 127)):
        soft = level(play([control(0, controller, 50), *note(0, TICKS, 60)])[:HALF_SECOND])
        assert plain - soft == pytest.approx(40 * np.log10(reference / 50), abs=0.1)


def test_the_pedal_holds_notes_until_it_is_lifted(play: Play) -> None:
    organ = [program(0, 16), *note(0, TICKS // 4, 60)]
    held = play([control(0, 64, 127), *organ, control(4 * TICKS, 64, 0)])
    assert level(held[3 * HALF_SECOND : 4 * HALF_SECOND]) > -60
    assert len(play(organ)) < 2 * RATE < len(held) < 4 * RATE


def test_a_pedal_that_nobody_lifts_lets_the_last_chord_ring(play: Play) -> None:
    chord = note(0, TICKS // 4, 48)
    assert len(play([control(0, 64, 127), *chord, control(TICKS, 7, 100)])) > len(play(chord)) + RATE


def test_the_sostenuto_pedal_holds_only_the_notes_that_are_down(play: Play) -> None:
    organ = [program(0, 16), *note(0, TICKS // 4, 60)]
    caught = play([*organ, control(TICKS // 8, 66, 127), control(4 * TICKS, 66, 0)])
    missed = play([*organ, control(TICKS // 2, 66, 127), control(4 * TICKS, 66, 0)])
    assert level(caught[3 * HALF_SECOND : 4 * HALF_SECOND]) > -60
    assert len(missed) < 2 * RATE < len(caught) < 4 * RATE


def test_a_preset_may_take_the_place_of_what_the_part_asks_for(synth: Synth) -> None:
    flute, organ = ([program(0, number), *note(0, TICKS, 60)] for number in (73, 16))
    (wanted,), (instead,) = synth.render([part(organ)]), synth.render([Line(part(flute), Preset(0, 16))])
    assert wanted.tobytes() == instead.tobytes()


def test_a_preset_that_the_font_lacks_is_not_replaced_by_another(synth: Synth) -> None:
    with pytest.raises(FontError, match="no program 16 in bank 99") as error:
        list(synth.render([Line(part(note(0, TICKS, 60)), Preset(99, 16))]))
    assert error.value.reason == "no_preset"


def test_bends_reach_the_range_that_was_set(play: Play) -> None:
    """Two semitones unless RPN 0 says twelve."""
    flute = [program(0, 73), *note(0, 4 * TICKS, 69)]
    wide = [control(0, 101, 0), control(0, 100, 0), control(0, 6, 12)]
    plain = pitch(play(flute)[RATE // 4 : RATE])
    for before, semitones in (([], 2), (wide, 12)):
        bent = pitch(play([*before, bend(0, 16383), *flute])[RATE // 4 : RATE])
        assert 12 * np.log2(bent / plain) == pytest.approx(semitones, abs=0.1)


def test_the_modulation_wheel_shakes_the_pitch(play: Play) -> None:
    flute = [program(0, 73), *note(0, 4 * TICKS, 81)]

    def spread(audio: Audio) -> float:
        heard = [pitch(audio[at : at + 2048]) for at in range(RATE // 2, 3 * RATE // 2, 1024)]
        return float(1200 * np.log2(max(heard) / min(heard)))

    assert spread(play([control(0, 1, 127), *flute])) > spread(play(flute)) + 30  # cents


def test_reset_all_controllers_keeps_volume_and_program(play: Play) -> None:
    before = [program(0, 73), control(0, 7, 60)]
    messages = note(TICKS, TICKS, 69)
    reset = play([*before, control(0, 11, 20), bend(0, 0), control(TICKS // 2, 121, 0), *messages])
    assert np.array_equal(reset, play([*before, *messages]))


def test_a_hit_of_one_tick_is_heard(play: Play) -> None:
    assert np.abs(play(note(0, 1, 38, channel=9))).max() > 0.05
    assert np.abs(play(note(0, 0, 60))).max() > 0.01


def test_an_unclosed_note_ends_with_the_part(play: Play) -> None:
    audio = play([program(0, 16), (0, bytes([0x90, 60, 100])), control(2 * TICKS, 1, 0)])
    assert RATE < len(audio) < 3 * RATE
    assert np.abs(audio[-1]).max() < 0.001


def test_it_rings_out_but_not_for_ever(play: Play) -> None:
    """A note under a pedal nobody lifts is let go with the last message; what still rings after 8 s is faded."""
    audio = play([control(0, 64, 127), *note(0, TICKS, 24, velocity=127)])
    assert len(audio) <= HALF_SECOND + 8 * RATE + 1
    assert np.abs(audio[-64:]).max() < 0.001


def test_a_part_without_notes_is_a_short_silence(play: Play) -> None:
    audio = play([program(0, 5), control(9600, 7, 3)])
    assert audio.shape == (RATE // 10, 2)
    assert not audio.any()


def test_sixteen_channels_play_at_once(play: Play) -> None:
    audio = play([m for c in range(16) for m in [program(0, 5 * c, c), *note(TICKS * c, TICKS, 60, channel=c)]])
    assert all(level(audio[c * HALF_SECOND :][:HALF_SECOND]) > -70 for c in range(16))


def test_more_notes_than_voices_cost_no_new_note(play: Play) -> None:
    """Hundreds of notes nobody ends: the last one is still heard."""
    crowd = [(i, bytes([0x90, i % 100, 1])) for i in range(400)]
    audio = play([program(0, 16), *crowd, *note(4 * TICKS, TICKS, 72, velocity=127)])
    without = play([program(0, 16), *crowd, control(5 * TICKS, 64, 0)])
    fifth = slice(4 * HALF_SECOND, 5 * HALF_SECOND)
    assert level(audio[fifth] - without[fifth]) > -40


def test_a_part_of_hours_is_refused(synth: Synth) -> None:
    with pytest.raises(RenderError) as caught:
        list(synth.render([part(note(8000 * TICKS, TICKS, 60))]))
    assert caught.value.reason == "too_long"


def test_what_is_no_midi_is_refused(synth: Synth) -> None:
    with pytest.raises(RenderError) as caught:
        list(synth.render([b"<html>not found</html>"]))
    assert caught.value.reason == "html_page"


messages = st.tuples(
    st.integers(0, 960),
    st.one_of(
        st.tuples(st.integers(0x80, 0xBF), st.integers(0, 127), st.integers(0, 127)),
        st.tuples(st.integers(0xE0, 0xEF), st.integers(0, 127), st.integers(0, 127)),
        st.tuples(st.integers(0xC0, 0xDF), st.integers(0, 127)),
    ).map(bytes),
)
parts = st.lists(messages, max_size=30).map(part)


@settings(max_examples=15)
@given(parts, parts)
def test_nothing_leaks_from_one_part_into_the_next(synth: Synth, a: bytes, b: bytes) -> None:
    """Any messages at all: B after A gives the bytes of B alone."""
    (_, after), (alone,) = synth.render([a, b]), synth.render([b])
    assert np.isfinite(alone).all()
    assert after.tobytes() == alone.tobytes()


def test_another_process_gives_the_same_bytes(synth: Synth, engine: str, font: Font) -> None:
    song = part([program(0, 48), *note(0, TICKS, 60), *note(7, TICKS, 64), *note(100, 9, 38, channel=9)])
    code = (
        "import sys, hashlib; from motet.render import find, load;"
        f"s = load(find({str(font.path)!r}), {RATE}, synth={engine!r}); (a,) = s.render([bytes.fromhex({song.hex()!r})]);"
        "print(hashlib.sha256(a.tobytes()).hexdigest())"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert answer == sha256(next(iter(synth.render([song]))).tobytes()).hexdigest()


@pytest.mark.slow
def test_code_compiled_here_and_code_compiled_before_give_the_same_bytes(font: Font, tmp_path: Path) -> None:
    song = part([program(0, 48), *note(0, TICKS, 60), *note(7, TICKS, 64), *note(100, 9, 38, channel=9)])
    code = (
        "import hashlib; from motet.render import find, load;"
        f"s = load(find({str(font.path)!r}), {RATE}, synth='motet-wet'); (a,) = s.render([bytes.fromhex({song.hex()!r})]);"
        "print(hashlib.sha256(a.tobytes()).hexdigest())"
    )
    kept = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    first, second = (
        subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert first == second
    assert list(tmp_path.rglob("*.nbc"))


def test_an_unknown_synth_names_the_valid_ones(font: Font) -> None:
    with pytest.raises(RenderError, match="fluidsynth, motet, motet-wet, tinysoundfont") as caught:
        load(font, synth="theremin")
    assert caught.value.reason == "unknown_synth"


def test_the_default_loads_its_compiler_only_when_it_plays() -> None:
    code = "import sys, motet.render; motet.render.version('motet'); print('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_the_version_of_our_own_synth_names_what_compiles_it() -> None:
    assert version("motet") == version("motet-wet")
    assert f"numba {metadata.version('numba')}" in version("motet")


def test_nowhere_to_keep_compiled_code_is_one_sentence_with_the_fix(font: Font) -> None:
    """As in a read-only installation of a user without a home: here the compiler is told to look for a folder nowhere."""
    code = (
        "from motet.render import RenderError, find, load\n"
        f"try: load(find({str(font.path)!r}))\n"
        "except RenderError as error: print(error.reason, error.detail)"
    )
    barred = {**os.environ, "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator", "NUMBA_CACHE_DIR": ""}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=barred).stdout
    assert told.startswith("no_cache ")
    assert "NUMBA_CACHE_DIR" in told


def test_a_missing_library_is_one_sentence_with_the_fix(font: Font, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tinysoundfont", None)
    with pytest.raises(RenderError, match=r"pip install tinysoundfont --no-deps") as caught:
        load(replace(font, sha256="another, so that no loaded font is reused"), synth="tinysoundfont")
    assert caught.value.reason == "missing_synth"


def test_a_font_that_changed_since_it_was_found_is_refused(synth: Synth, engine: str, font: Font) -> None:
    with pytest.raises(FontError) as caught:
        load(replace(font, sha256="0" * 64), synth=engine)
    assert caught.value.reason == "changed"
