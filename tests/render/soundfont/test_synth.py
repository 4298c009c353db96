"""Laws of the synth as a whole: what is kept, cut into tiles or split into stems is never heard."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from motet import demo
from motet.midi import split
from motet.render import Audio, FontError, RenderError, find
from motet.render import Font as Found
from motet.render import load as load_synth
from motet.render.soundfont import SoundFontSynth, load, part, rendering, score, synth, voicing
from motet.render.voices import QUIET
from render.notation import Message, bend, control, note, program, tempo
from render.notation import part as midi
from render.soundfont.making import RATE, Font, Instrument, Preset, Sample, Zone, click, noise, one, steady, zone
from render.soundfont.measuring import played, song

LOW = 8000  # samples a second, where only the bytes matter
TICKS = LOW // 2  # per quarter note: a tick is a frame
ROUNDING = 1e-6  # of full scale, -120 dBFS: some additions of single precision in another order


def everywhere(sample: Sample, *zones: Zone) -> Font:
    """A font whose only program is its drum kit too, so that all 16 channels play it."""
    return Font([sample], [Instrument(zones)], [Preset(), Preset(bank=128)])


# Whatever keeps two notes from being one sound: a loop that ends with the key, envelopes, oscillators, a filter, classes, sends.
MOVING = everywhere(
    Sample(noise(3000), (1000, 2200), LOW),
    zone(0, keys=(0, 59), sample_modes=3, volume_release=-1200, mod_env_to_pitch=300, mod_decay=-2400, mod_release=-1200),
    zone(0, keys=(50, 79), sample_modes=1, filter_cutoff=8000, filter_q=90, vib_lfo_to_pitch=40, mod_lfo_to_volume=60, pan=-250),
    zone(0, keys=(70, 127), sample_modes=1, volume_decay=1200, volume_sustain=400, exclusive_class=3, mod_env_to_filter=-2000),
    zone(0, keys=(40, 90), volume_delay=-3600, volume_attack=-2400, chorus=600, reverb=800),
)

keys = st.sampled_from([45, 55, 65, 75])
values = st.sampled_from([0, 64, 127])
controllers = st.sampled_from([1, 7, 10, 11, 64, 66, 91, 93, 120, 121])
told = st.tuples(
    st.integers(0, 40 * TICKS),  # 20 s, five tiles
    st.one_of(
        st.tuples(st.integers(0x80, 0x81), keys, values),
        st.tuples(st.integers(0x90, 0x91), keys, st.sampled_from([50, 127])),
        st.tuples(st.integers(0xB0, 0xB1), controllers, values),
        st.tuples(st.integers(0xE0, 0xE1), st.just(0), values),
    ).map(bytes),
)


@st.composite
def alike(draw: st.DrawFn) -> list[Message]:
    """Notes on a channel each that differ in time only: when they begin, are bent, and end."""
    key, bends = draw(keys), draw(st.lists(values, max_size=2))
    messages: list[Message] = []
    for channel in range(draw(st.integers(2, 4))):
        start = draw(st.integers(0, 20 * TICKS))
        *moments, end = sorted(draw(st.integers(1, 6 * TICKS)) for _ in range(len(bends) + 1))
        messages += [(start + at, bytes([0xE0 | channel, 0, value])) for at, value in zip(moments, bends, strict=True)]
        messages += note(start, end, key, channel=channel)
    return messages


parts = st.one_of(alike(), st.lists(told, min_size=1, max_size=40)).map(lambda messages: midi(messages, TICKS))


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return find(str(MOVING.write(tmp_path_factory.mktemp("moving") / "moving.sf2")))


def shorten(patch: pytest.MonkeyPatch, frames: int) -> None:
    """A note of more frames counts as long; the least memory holds four such notes."""
    for module in (rendering, synth):
        patch.setattr(module, "LONG", frames)


def sounds(player: SoundFontSynth, *lines: bytes) -> list[Audio]:
    return list(player.render(lines))


def streamed(player: SoundFontSynth, lines: Sequence[bytes]) -> tuple[Audio, Audio]:
    """All tiles in one: lines (lines, frames, 2), and the mix."""
    tiles = list(player.stream(lines))
    return np.concatenate([tile.lines for tile in tiles], axis=1), np.concatenate([tile.mix for tile in tiles])


@pytest.fixture(scope="module")
def tune() -> bytes:
    """Melody, bass, chords and drums, with pedal, bends and volumes."""
    return demo.to_midi(demo.arrange(demo.TUNES[1]))


# --- what is kept is never heard ---


@settings(max_examples=40)
@given(parts, parts)
@pytest.mark.parametrize("wet", [False, True])
def test_equal_lines_give_equal_bytes_whatever_was_rendered_before(moving: Found, wet: bool, before: bytes, line: bytes) -> None:
    (alone,) = sounds(load(moving, LOW, wet=wet), line)
    _, after, again = sounds(load(moving, LOW, wet=wet), before, line, line)
    (forgetful,) = sounds(SoundFontSynth(moving, LOW, wet=wet, keep=0), line)
    assert np.isfinite(alone).all()
    assert after.tobytes() == again.tobytes() == forgetful.tobytes() == alone.tobytes()


@settings(max_examples=40)
@given(parts)
@pytest.mark.parametrize("keep", [0, 1])
def test_little_memory_and_notes_in_pieces_give_the_same_bytes(moving: Found, keep: int, line: bytes) -> None:
    (whole,) = sounds(load(moving, LOW), line)
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch, 2 * LOW + 384)  # memory must hold a tile
        (in_pieces,) = sounds(SoundFontSynth(moving, LOW, keep=keep), line)
    assert in_pieces.tobytes() == whole.tobytes()


@pytest.mark.parametrize("key", [45, 55, 65, 75])
def test_a_note_longer_than_long_sounds_as_in_one_piece(moving: Found, key: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bent, swelling, let go late: 30 s, of which a tenth counts as long."""
    moved = [
        message for tick in range(0, 60 * TICKS, 777) for message in (control(tick, 11, tick % 97 + 30), bend(tick, tick % 16384))
    ]
    line = midi([*moved, *note(99, 60 * TICKS, key)], TICKS)
    (whole,) = sounds(load(moving, LOW), line)
    shorten(monkeypatch, 3 * LOW)
    (in_pieces,) = sounds(load(moving, LOW), line)
    assert len(whole) > 30 * LOW
    assert in_pieces.tobytes() == whole.tobytes()


def test_a_real_font_plays_a_tune_alike_with_memory_and_without(font: Found, tune: bytes) -> None:
    kept, again = sounds(load(font, LOW), tune, tune)
    (anew,) = sounds(SoundFontSynth(font, LOW, keep=0), tune)
    assert kept.tobytes() == again.tobytes() == anew.tobytes()


def test_two_threads_give_the_bytes_of_one(tmp_path: Path, font: Found, tune: bytes) -> None:
    """Compiled code runs without the interpreter's lock. The copy is a font that nobody has decoded yet: both begin with that."""
    copy = find(str(shutil.copy(font.path, tmp_path / "copy.sf2")))
    (alone,) = sounds(load(font, LOW), tune)
    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(lambda _: sounds(load(copy, LOW), tune)[0], range(2)))
    assert [audio.tobytes() for audio in both] == [alone.tobytes()] * 2


# --- lines, tiles and the mix ---


@settings(max_examples=20)
@given(st.lists(parts, min_size=1, max_size=3))
@pytest.mark.parametrize("wet", [False, True])
def test_a_stream_is_what_is_rendered_and_its_mix_the_sum(moving: Found, wet: bool, lines: list[bytes]) -> None:
    player = load(moving, LOW, wet=wet)
    sides, mix = streamed(player, lines)
    for side, whole in zip(sides, player.render(lines), strict=True):
        heard = min(len(whole), len(side))  # a line without a note is a short silence, and no tile
        assert side[:heard].tobytes() == whole[:heard].tobytes()
        assert np.abs(side[heard:]).max(initial=0) < QUIET
        assert not whole[heard:].any()
    total = np.zeros_like(mix)
    for side in sides:
        total += side
    assert np.array_equal(mix, total)


@pytest.mark.parametrize("wet", [False, True])
@pytest.mark.parametrize("number", [0, 1])
def test_the_stems_of_a_tune_sum_to_the_whole(font: Found, number: int, wet: bool) -> None:
    whole_song = demo.to_midi(demo.arrange(demo.TUNES[number]))
    stems = [stem.midi for stem in split(whole_song)]
    player = load(font, LOW, wet=wet)
    (whole,) = sounds(player, whole_song)
    _, mix = streamed(player, stems)
    shared = min(len(mix), len(whole))
    assert len(stems) > 2
    assert np.abs(mix[:shared] - whole[:shared]).max() < ROUNDING
    assert np.abs(mix[shared:]).max(initial=0) < QUIET * len(stems)


@pytest.mark.parametrize("send", [91, 93], ids=["reverb", "chorus"])
def test_stems_sum_to_the_whole_though_one_pauses(moving: Found, send: int) -> None:
    """What the room and the chorus do at a moment hangs on the song's clock, not on who played before."""
    first = [control(0, send, 127), *note(0, 900, 75), *note(80 * TICKS, 900, 75)]
    second = [control(0, send, 127, 1), *(m for beat in range(0, 80, 4) for m in note(beat * TICKS, 900, 55, channel=1))]
    player = load(moving, LOW, wet=True)
    (whole,) = sounds(player, midi([*first, *second], TICKS))
    _, mix = streamed(player, [midi(first, TICKS), midi(second, TICKS)])
    shared = min(len(mix), len(whole))
    assert np.abs(mix[:shared] - whole[:shared]).max() < ROUNDING


# --- time ---

CLICK = 64  # frames into the sample, where the attack is over

ticks = st.integers(1, 32767)
microseconds = st.integers(20_000, 1_500_000)


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Every key one and the same click."""
    return find(str(one(Sample(click(CLICK, 128)), scale_tuning=0).write(tmp_path_factory.mktemp("clicks") / "clicks.sf2")))


@settings(max_examples=25)
@given(
    st.integers(96, 32767),
    st.lists(st.tuples(st.fractions(0, 1), microseconds), min_size=20, max_size=20),
    st.lists(st.fractions(0, 8), min_size=1, max_size=40),
)
def test_onsets_are_exact_to_the_sample(
    clicks: Found, division: int, tempi: list[tuple[Fraction, int]], beats: list[Fraction]
) -> None:
    """Twenty tempi in the first beat, and clicks in eight: each at round(t * rate) with t in exact rationals."""
    changes = {int(beat * division): us for beat, us in tempi}
    notes = sorted(int(beat * division) for beat in beats)

    def frame(tick: int) -> int:
        seconds, since, us = Fraction(0), 0, 500_000
        for at in sorted(changes):
            if at >= tick:
                break
            seconds += Fraction((at - since) * us, division * 10**6)
            since, us = at, changes[at]
        exact = (seconds + Fraction((tick - since) * us, division * 10**6)) * RATE
        assume(abs(exact % 1 - Fraction(1, 2)) > Fraction(1, 10**6))  # on a tie both neighbours are as near
        return round(exact)

    told = [tempo(tick, 60e6 / us) for tick, us in changes.items()]
    messages = [message for i, tick in enumerate(notes) for message in note(tick, 1, i + 20, velocity=127)]
    (audio,) = sounds(load(clicks, RATE), midi([*told, *messages], division))
    heard = np.flatnonzero(np.abs(audio).max(axis=1) > 0.01) - CLICK
    assert heard.tolist() == sorted({frame(tick) for tick in notes})


# --- bounds ---

HOUR = """
import sys
from motet.render import find
from motet.render.soundfont import load
from render.notation import note, part

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

def drones(seconds):
    return [part([m for key in keys for m in note(0, 2 * seconds, key)], 1) for keys in ((48, 60), (52, 64), (55, 67), (59, 71))]

synth = load(find(sys.argv[1]), 8000)
for seconds in (200, 3600):
    sounding = sum(len(tile.mix) for tile in synth.stream(drones(seconds)) if abs(tile.mix).max() > 0.01)
    print(sounding / 8000, peak() / 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="only Linux tells a process its peak of memory")
def test_an_hour_takes_no_more_memory_than_some_minutes(tmp_path: Path) -> None:
    """Four parts of two voices, whose sound as a whole is 920 MB."""
    drone = one(Sample(noise(3000), (1000, 2200), LOW), sample_modes=1).write(tmp_path / "drone.sf2")
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    child = subprocess.run([sys.executable, "-c", HOUR, str(drone)], capture_output=True, text=True, check=True, env=here)
    (minutes, before), (hour, after) = ([float(word) for word in line.split()] for line in child.stdout.splitlines())
    assert minutes == pytest.approx(200, abs=5)
    assert hour == pytest.approx(3600, abs=5)
    assert after < before + 100  # MiB
    assert after < 1000


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """A constant that takes 100 s to fall by 96 dB, whatever the key."""
    made = everywhere(Sample(steady(), (64, 192)), zone(0, sample_modes=1, volume_release=8000, scale_tuning=0))
    return find(str(made.write(tmp_path_factory.mktemp("endless") / "endless.sf2")))


def crowd(channels: Sequence[int], start: int) -> Iterator[Message]:
    for i, (channel, key) in enumerate((channel, key) for channel in channels for key in range(128)):
        yield from note(start + i, RATE // 10, key, velocity=1, channel=channel)


def test_the_sound_that_began_first_makes_way_for_one_too_many(endless: Found) -> None:
    """As many as may sound hard left, then as many hard right: then all that is heard is right."""
    most, half = part.MOST_SOUNDING, range(8)
    other = range(8, 16)
    panned = [*(control(0, 10, 0, channel) for channel in half), *(control(0, 10, 127, channel) for channel in other)]
    end = 4096
    (audio,) = sounds(load(endless), song([*panned, *crowd(half, 0), *crowd(other, end)]))
    (single,) = sounds(load(endless), song([control(0, 10, 127), *played(0, RATE, velocity=1)]))
    unit = float(single[2048:4096, 1].mean())
    assert len(list(crowd(half, 0))) == 2 * most
    at = slice(end + most + 100, end + most + 200)
    assert audio[2000:end, 0].mean() == pytest.approx(most * unit, rel=0.01)
    assert audio[at, 1].mean() == pytest.approx(most * unit, rel=0.01)
    assert np.abs(audio[at, 0]).max() < unit


def test_a_part_of_too_many_notes_is_refused(endless: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score, "MOST_STRUCK", 10)
    ten, eleven = (song([m for i in range(count) for m in played(100 * i, 50)]) for count in (10, 11))
    player = load(endless)
    assert sounds(player, ten)[0].any()
    with pytest.raises(RenderError, match="more than 10 sounds") as caught:
        sounds(player, eleven)
    assert caught.value.reason == "too_many_notes"


def test_a_font_that_changed_on_disk_is_refused(tmp_path: Path) -> None:
    path = one(Sample(steady(), (64, 192)), sample_modes=1).write(tmp_path / "font.sf2")
    found = find(str(path))
    one(Sample(steady(0.25), (64, 192)), sample_modes=1).write(path)
    assert sha256(path.read_bytes()).hexdigest() != found.sha256
    with pytest.raises(FontError, match="changed since it was found") as caught:
        load(found)
    assert caught.value.reason == "changed"


def test_a_part_that_is_moved_too_often_is_refused(moving: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voicing, "MOST_STEPS", 100)
    line = midi([*note(0, TICKS, 55), *(bend(tick, tick) for tick in range(200))], TICKS)
    with pytest.raises(RenderError, match="more than 100 steps") as caught:
        sounds(load(moving, LOW), line)
    assert caught.value.reason == "too_many_changes"


# --- what once went wrong ---


def test_a_loud_note_rings_out_after_a_soft_one_of_the_same_length(moving: Found) -> None:
    """Its end is longer than the one that is kept, and what is kept before it is of another note by then."""
    soft, other, loud = (midi(note(0, length, 45, velocity), TICKS) for length, velocity in ((900, 2), (1900, 64), (900, 127)))
    (alone,) = sounds(load(moving, LOW), loud)
    *_, after = sounds(load(moving, LOW), soft, other, loud)
    assert after.tobytes() == alone.tobytes()


def test_notes_that_are_bent_otherwise_are_other_notes(moving: Found) -> None:
    """However many bends there are."""
    up, down = (midi([*note(0, TICKS, 55), *(bend(9 * i, 8192 + way * 40 * i) for i in range(150))], TICKS) for way in (1, -1))
    (alone,) = sounds(load(moving, LOW), down)
    _, after = sounds(load(moving, LOW), up, down)
    assert after.tobytes() == alone.tobytes()


def test_a_glide_costs_no_more_than_its_notes(moving: Found) -> None:
    """From key to key in half an hour and more, a thousand times, in notes of a tenth of a second."""
    slow = [control(0, 5, 127), control(0, 65, 127)]
    line = midi([*slow, *(m for i in range(1000) for m in note(i * 100, 90, (45, 75)[i % 2]))], TICKS)
    player = load(moving, LOW)
    tracemalloc.start()
    sounds(player, line)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100e6


def test_a_note_begins_anew_after_all_sound_was_cut_off(endless: Found) -> None:
    """A note of one tick is held for 10 ms; cut off before that, it must not end the next of its key."""
    again = [*note(0, 1, 60), control(2, 120, 0), *note(4, RATE, 60)]
    (audio,) = sounds(load(endless), song(again))
    assert np.abs(audio[RATE // 2]).max() > 0


def test_a_sample_is_played_as_high_as_a_key_asks(tmp_path: Path) -> None:
    """Six octaves up at a sixth of its rate: the sample's own sine of 20 Hz becomes one of 1280."""
    frames = 2205
    wave = np.sin(2 * np.pi * np.arange(frames) / frames) * 0.5
    found = find(str(one(Sample(wave, (0, frames), RATE, root=36), sample_modes=1).write(tmp_path / "low.sf2")))
    (audio,) = sounds(load(found, LOW), midi(note(0, LOW, 108), TICKS))
    spectrum = np.abs(np.fft.rfft(audio[1000:7000, 0] * np.hanning(6000)))
    assert np.argmax(spectrum) * LOW / 6000 == pytest.approx(64 * RATE / frames, abs=2)


@pytest.mark.slow
def test_damaged_compiled_code_is_told_with_the_fix(tmp_path: Path) -> None:
    code = "from motet.render import find, load; load(find())"
    run = [sys.executable, "-c", f"{code}"]
    kept = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run(run, env=kept, check=True)
    for file in tmp_path.rglob("kernel.*.nbi"):
        file.write_bytes(file.read_bytes()[:9])
    failed = subprocess.run(run, env=kept, check=False, capture_output=True, text=True)
    assert "delete the files *.nbi and *.nbc in" in failed.stderr


# --- dry and wet ---

CUTTING = one(Sample(steady(), (64, 192)), sample_modes=1)


@pytest.mark.parametrize("controller", [91, 93], ids=["reverb", "chorus"])
def test_what_is_sent_is_heard_wet_and_not_dry(tmp_path: Path, controller: int) -> None:
    """A tenth of a second that ends at once; the chorus lasts 15 ms longer, the room for seconds."""
    found = find(str(CUTTING.write(tmp_path / "cutting.sf2")))
    sends = [control(0, one, 127 if one == controller else 0) for one in (91, 93)]
    line = song([*sends, *played(0, RATE // 10)])
    dry, wet = (sounds_of(found, name, line) for name in ("motet", "motet-wet"))
    after = slice(RATE // 10 + 800, None)  # a release takes 16 ms
    assert np.abs(dry[after]).max(initial=0) < QUIET
    assert np.abs(wet[: RATE // 10] - dry[: RATE // 10]).max() > 0.001
    if controller == 91:
        assert RATE < np.flatnonzero(np.abs(wet).max(axis=1) > QUIET)[-1] < 8 * RATE
        assert np.abs(wet[-64:]).max() < QUIET


def test_what_sends_nothing_sounds_the_same_wet(tmp_path: Path) -> None:
    found = find(str(CUTTING.write(tmp_path / "cutting.sf2")))
    line = song([control(0, 91, 0), control(0, 93, 0), program(0, 0), *played(0, RATE // 10)])
    assert sounds_of(found, "motet", line).tobytes() == sounds_of(found, "motet-wet", line).tobytes()


def sounds_of(found: Found, name: str, line: bytes) -> Audio:
    (audio,) = load_synth(found, RATE, synth=name).render([line])
    return audio
