"""A font as the synth asks for it: zones that sound, what they are set to, and their samples (SoundFont 2.04, 6 to 9)."""

from __future__ import annotations

import struct
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.render import FontError, find
from motet.render.soundfont.font import SoundFont, Zone
from motet.render.soundfont.generators import AS_PLAYED, AS_WRITTEN, DEFAULTS, Gen, Reading
from motet.render.soundfont.samples import Wave
from render.soundfont.making import (
    KEY,
    LINK,
    VELOCITY,
    Font,
    Instrument,
    Modulator,
    Preset,
    Sample,
    controller,
    noise,
    one,
    source,
    zone,
)
from render.soundfont.making import Zone as Made

SAMPLE = Sample(noise(200), (50, 150))


def font(made: Font) -> SoundFont:
    return SoundFont(made.bytes(), "a font made up")


def zones(made: Font) -> tuple[Zone, ...]:
    return font(made).zones(0, 0, 60, 100)


def waves(made: Font) -> list[Wave]:
    read = font(made)
    return [read.wave(zone.wave) for zone in read.zones(0, 0, 60, 100)]


def refusal(data: bytes) -> str:
    with pytest.raises(FontError) as caught:
        SoundFont(data, "a font made up").zones(0, 0, 60, 100)
    return caught.value.reason


# --- zones ---


def test_a_zone_sounds_in_its_ranges_within_those_of_its_preset() -> None:
    inner = zone(0, keys=(40, 60), velocities=(0, 64))
    made = Font([SAMPLE], [Instrument([inner])], [Preset([zone(0, keys=(50, 70), velocities=(30, 127))])])
    read = font(made)
    heard = [(key, velocity) for key in range(128) for velocity in range(128) if read.zones(0, 0, key, velocity)]
    assert heard == [(key, velocity) for key in range(50, 61) for velocity in range(30, 65)]
    (only,) = read.zones(0, 0, 55, 40)
    assert (only.keys, only.velocities) == ((50, 60), (30, 64))


def test_presets_are_found_by_bank_and_program_and_the_first_of_two_counts() -> None:
    quiet = Instrument([zone(0, attenuation=100)])
    made = Font([SAMPLE], [Instrument([zone(0)]), quiet], [Preset(), Preset([zone(1)]), Preset([zone(1)], 7, 128)])
    read = font(made)
    assert [read.has(*place) for place in ((0, 0), (128, 7), (0, 7), (128, 0))] == [True, True, False, False]
    assert read.zones(0, 0, 60, 100)[0].generators[Gen.ATTENUATION] == 0
    assert read.zones(128, 7, 60, 100)[0].generators[Gen.ATTENUATION] == pytest.approx(40)
    assert read.zones(5, 5, 60, 100) == ()


def test_values_are_the_instruments_or_the_default_and_what_the_preset_adds() -> None:
    made = Font(
        [SAMPLE],
        [Instrument([zone(None, pan=100, reverb=10), zone(0, pan=200)])],
        [Preset([zone(None, pan=1, chorus=5, scale_tuning=3), zone(0, pan=-50)])],
    )
    (only,) = zones(made)
    expected = DEFAULTS.astype(float)
    expected[[Gen.PAN, Gen.REVERB, Gen.CHORUS, Gen.SCALE_TUNING]] = 150, 10, 5, 103
    assert only.generators.tolist() == expected.tolist()
    assert [wave.root for wave in waves(made)] == [60]


def test_a_preset_cannot_change_what_belongs_to_a_sample() -> None:
    own = ("key", "velocity", "sample_modes", "exclusive_class", "root_key", "start_offset", "end_offset", "loop_start_offset")
    (plain,) = zones(one(SAMPLE))
    (only,) = zones(Font([SAMPLE], [Instrument([zone(0)])], [Preset([zone(0, **dict.fromkeys(own, 10))])]))
    assert only.generators.tolist() == plain.generators.tolist()


@pytest.mark.parametrize("reading, attenuation, moving", [(AS_WRITTEN, 300, 10), (AS_PLAYED, 120, 9)])
def test_a_reading_says_what_attenuation_counts_and_whether_velocity_filters(
    reading: Reading, attenuation: float, moving: int
) -> None:
    made = Font([SAMPLE], [Instrument([zone(0, attenuation=200)])], [Preset([zone(0, attenuation=100)])])
    (only,) = SoundFont(made.bytes(), "a font made up", reading).zones(0, 0, 60, 100)
    assert only.generators[Gen.ATTENUATION] == pytest.approx(attenuation)
    assert len(only.modulators) == moving


@pytest.mark.parametrize(
    "generators, heard",
    [
        ((("key_range", 10 | 20 << 8), ("pan", 1)), False),
        ((("velocity_range", 10 | 20 << 8), ("pan", 1)), False),
        ((("key_range", 127 << 8), ("velocity_range", 10 | 20 << 8)), False),
        ((("pan", 1), ("key_range", 10 | 20 << 8)), True),
        ((("pan", 1), ("velocity_range", 10 | 20 << 8)), True),
        ((("velocity_range", 127 << 8), ("key_range", 10 | 20 << 8)), True),
    ],
)
def test_a_range_out_of_its_place_is_ignored(generators: tuple[tuple[str, int], ...], heard: bool) -> None:
    """As fluidsynth has it."""
    assert bool(zones(Font([SAMPLE], [Instrument([Made(0, generators)])]))) is heard


def test_what_leads_nowhere_counts_for_all_only_at_the_beginning() -> None:
    made = Font([SAMPLE], [Instrument([zone(None, pan=1), zone(0), zone(None, pan=2), zone(0, reverb=1)])])
    assert [found.generators[Gen.PAN] for found in zones(made)] == [1, 1]
    assert zones(Font([SAMPLE], [Instrument([zone(None, pan=1)])])) == ()


def test_nothing_after_the_sample_counts_and_of_two_values_the_last() -> None:
    made = Made(None, (("pan", 1), ("pan", 2), ("sample", 0), ("pan", 3), ("sample", 0)))
    (only,) = zones(Font([SAMPLE], [Instrument([made])]))
    assert only.generators[Gen.PAN] == 2


@pytest.mark.parametrize("name", ["key", "velocity", "root_key"])
def test_no_key_is_minus_one_however_it_is_written(name: str) -> None:
    number = Gen[name.upper()]
    for written, read in ((-1, -1), (0, 0), (127, 127), (128, -1), (-500, -1)):
        assert zones(one(SAMPLE, **{name: written}))[0].generators[number] == read


def test_modulators_of_global_zones_count_for_all_zones() -> None:
    off = Modulator(source(VELOCITY, "concave", falling=True), "attenuation", 0)
    vibrato = Modulator(controller(1), "vib_lfo_to_pitch", 10)
    made = Font([SAMPLE], [Instrument([zone(None, off), zone(0), zone(0)])], [Preset([zone(None, vibrato), zone(0)])])
    for found in zones(made):
        assert {(one.source.number, one.amount) for one in found.modulators if one.source.controller} >= {(1, 60)}
        assert not any(one.source.number == VELOCITY for one in found.modulators)


# --- samples ---


@pytest.mark.parametrize("bits", [16, 24])
def test_samples_are_what_was_stored(bits: int) -> None:
    stored = np.array([-1, -0.5, 0, 1 / 2**15, 0.25, 1 - 2.0 ** (1 - bits)])
    (wave,) = waves(one(Sample(stored, rate=22050, root=72, correction=-7), bits=bits))
    np.testing.assert_array_equal(wave.samples, stored.astype(np.float32))
    assert (wave.rate, wave.root, wave.correction) == (22050, 72, -7)


def test_the_third_bytes_are_ignored_where_the_standard_says_so() -> None:
    stored = np.array([0.25, 0.25 + 2.0**-20])
    raw = one(Sample(stored), bits=24).bytes()
    older = raw.replace(struct.pack("<4sIHH", b"ifil", 4, 2, 4), struct.pack("<4sIHH", b"ifil", 4, 2, 1))
    short = bytearray(raw)
    struct.pack_into("<I", short, raw.index(b"sm24") + 4, 47)  # of 48; the last byte is as a pad byte then
    for data, seen in ((raw, 0.25 + 2.0**-20), (older, 0.25), (bytes(short), 0.25)):
        read = SoundFont(data, "a font made up")
        (only,) = read.zones(0, 0, 60, 100)
        assert read.wave(only.wave).samples[1] == seen


def test_compressed_samples_have_the_frames_and_the_loop_they_were_stored_with() -> None:
    tone = 0.5 * np.sin(np.arange(5000) / 20)
    made = Font([Sample(noise(3000)), Sample(tone, (1000, 3000))], [Instrument([zone(0), zone(1, sample_modes=1)])], vorbis=True)
    _, wave = waves(made)
    assert (len(wave.samples), wave.loop, wave.mode) == (5000, (1000, 3000), 1)
    assert np.corrcoef(wave.samples, tone)[0, 1] > 0.99
    assert [len(wave.samples) for wave in waves(replace(made, vorbis=False))] == [3000, 5000]


def test_both_halves_of_a_stereo_pair_sound() -> None:
    left, right = replace(SAMPLE, kind=4, link=1), replace(SAMPLE, wave=noise(200, 2), kind=2, link=0)
    found = zones(Font([left, right], [Instrument([zone(0, pan=-500), zone(1, pan=500)])]))
    assert [one.generators[Gen.PAN] for one in found] == [-500, 500]


@pytest.mark.parametrize("root, played", [(0, 0), (127, 127), (128, 60), (255, 60)])
def test_a_sample_without_a_pitch_is_a_middle_c(root: int, played: int) -> None:
    assert waves(one(replace(SAMPLE, root=root)))[0].root == played


@pytest.mark.parametrize(
    "offsets, frames, loop",
    [
        ({}, (0, 200), (50, 150)),
        ({"start_offset": 20, "end_offset": -30}, (20, 170), (30, 130)),
        ({"loop_start_offset": 5, "loop_end_offset": -5}, (0, 200), (55, 145)),
        ({"start_offset": 60}, (60, 200), (0, 90)),
        ({"end_offset": -100}, (0, 100), (50, 100)),
        ({"loop_end_offset": 900}, (0, 200), (50, 200)),
        ({"start_offset": -20, "end_offset": 20}, (0, 200), (50, 150)),  # what lies there is another's
    ],
)
def test_offsets_move_start_end_and_loop_within_the_sample(
    offsets: dict[str, int], frames: tuple[int, int], loop: tuple[int, int]
) -> None:
    before = Sample(noise(100, 7))
    made = Font([before, SAMPLE, before], [Instrument([zone(1, sample_modes=1, **offsets)])])
    (wave,) = waves(made)
    np.testing.assert_array_equal(wave.samples, SAMPLE.wave[slice(*frames)].astype(np.float32))
    assert wave.loop == loop


def test_a_coarse_offset_counts_32768_frames() -> None:
    long = Sample(noise(70000), (65636, 66536))
    coarse = {"start_coarse": 1, "loop_start_coarse": -1, "loop_end_coarse": -1, "end_offset": -4000, "start_offset": 32}
    (wave,) = waves(one(long, sample_modes=3, **coarse))
    np.testing.assert_array_equal(wave.samples, long.wave[32800:66000].astype(np.float32))
    assert (wave.loop, wave.mode) == ((68, 968), 3)
    (wave,) = waves(one(long, end_coarse=-2))
    assert len(wave.samples) == 70000 - 65536


@pytest.mark.parametrize("modes, played", [(0, 0), (1, 1), (2, 0), (3, 3), (5, 1), (-1, 3)])
def test_the_loops_of_mode_two_are_none(modes: int, played: int) -> None:
    assert waves(one(SAMPLE, sample_modes=modes))[0].mode == played


@pytest.mark.parametrize(
    "loop, mode", [((50, 52), 1), ((50, 51), 0), ((50, 50), 0), ((150, 50), 0), ((300, 400), 0), ((0, 0), 0)]
)
def test_a_loop_that_cannot_be_is_none(loop: tuple[int, int], mode: int) -> None:
    (wave,) = waves(one(replace(SAMPLE, loop=loop), sample_modes=1))
    assert (wave.mode, len(wave.samples)) == (mode, 200)


def test_what_has_no_sound_is_left_out() -> None:
    """A sample in a sound card's memory, one that ends where it starts, and one that offsets leave nothing of."""
    rom, empty = replace(SAMPLE, kind=0x8001), Sample(noise(0))
    made = Font([rom, empty, SAMPLE], [Instrument([zone(0), zone(1), zone(2, start_offset=150, end_offset=-50), zone(2)])])
    assert len(zones(made)) == 1


def test_zones_that_cut_a_sample_alike_share_its_memory() -> None:
    read = font(Font([SAMPLE], [Instrument([zone(0), zone(0, pan=5), zone(0, start_offset=10)])]))
    first, second, third = (read.wave(one.wave) for one in read.zones(0, 0, 60, 100))
    assert first is second
    assert np.shares_memory(first.samples, third.samples)
    with pytest.raises(ValueError, match="read-only"):
        first.samples[0] = 0


# --- hostile fonts ---


def many(presets: int, instruments: int) -> Font:
    return Font([SAMPLE], [Instrument([zone(0)] * instruments)], [Preset([zone(0)] * presets)])


def test_a_small_font_cannot_ask_for_any_amount_of_work() -> None:
    assert len(zones(many(16, 16))) == 256
    assert refusal(many(1, 257).bytes()) == "damaged"
    assert refusal(many(3000, 3000).bytes()) == "damaged"
    most = Modulator(source(KEY), "pan", 1)
    assert refusal(one(SAMPLE, *[most] * 1025).bytes()) == "damaged"


def test_modulators_that_lie_nowhere_are_damage() -> None:
    raw = bytearray(one(SAMPLE, Modulator(source(KEY), "pan", 1)).bytes())
    struct.pack_into("<H", raw, raw.index(b"ibag") + 8 + 6, 9)
    assert refusal(bytes(raw)) == "damaged"


def test_a_compressed_sample_that_is_none_is_damage() -> None:
    raw = Font([Sample(noise(3000))], [Instrument([zone(0)])], vorbis=True).bytes()
    read = SoundFont(raw.replace(b"OggS", b"Oggy"), "a font made up")
    (only,) = read.zones(0, 0, 60, 100)
    with pytest.raises(FontError, match="cannot be decoded") as caught:
        read.wave(only.wave)
    assert caught.value.reason == "damaged"


def test_a_compressed_sample_is_no_other_kind_of_file() -> None:
    """What libsndfile would open besides: here a wave file."""
    raw = bytearray(one(Sample(noise(3000))).bytes())
    wave = BytesIO()
    soundfile.write(wave, noise(2000), 44100, format="WAV", subtype="PCM_16")
    at = raw.index(b"smpl") + 8
    raw[at : at + len(wave.getvalue())] = wave.getvalue()
    header = raw.index(b"shdr") + 8
    struct.pack_into("<II", raw, header + 20, 0, len(wave.getvalue()))
    struct.pack_into("<H", raw, header + 44, 0x11)
    read = SoundFont(bytes(raw), "a font made up")
    with pytest.raises(FontError, match="is WAV, not Ogg Vorbis"):
        read.wave(read.zones(0, 0, 60, 100)[0].wave)


def test_a_file_is_read_and_one_that_is_not_there_is_missed(tmp_path: Path) -> None:
    path = one(SAMPLE).write(tmp_path / "small.sf2")
    read = SoundFont.read(path)
    (only,) = read.zones(0, 0, 60, 100)
    np.testing.assert_array_equal(read.wave(only.wave).samples, SAMPLE.wave.astype(np.float32))
    for named, reason in ((tmp_path / "gone.sf2", "missing"), (tmp_path, "unreadable")):
        with pytest.raises(FontError) as caught:
            SoundFont.read(named)
        assert caught.value.reason == reason
    (tmp_path / "none.sf2").touch()
    with pytest.raises(FontError, match="is not a SoundFont"):
        SoundFont.read(tmp_path / "none.sf2")


@cache
def whole() -> bytes:
    """A font with something of everything."""
    links = [Modulator(source(KEY), 1, 10), Modulator(source(LINK), "pan", 20), Modulator(controller(74), "filter_cutoff", 30)]
    zones = [zone(None, links[2], reverb=5), zone(0, *links, sample_modes=1, keys=(0, 80)), zone(1, root_key=50, start_offset=5)]
    return Font(
        [SAMPLE, Sample(noise(300))], [Instrument(zones)], [Preset([zone(None, pan=1), zone(0, velocities=(1, 127))])]
    ).bytes()


@cache
def compressed() -> bytes:
    tone = Sample(0.5 * np.sin(np.arange(2000) / 20), (500, 1500))
    return Font([tone], [Instrument([zone(0, sample_modes=1)])], vorbis=True).bytes()


def ask(read: SoundFont) -> None:
    """All that can be asked of a font, in its bounds."""
    for bank, program in [(0, 0), *((b, p) for b in (0, 1, 128, 255) for p in (1, 128))]:
        for key in (0, 60, 127):
            for found in read.zones(bank, program, key, 100):
                assert found.keys[0] <= key <= found.keys[1]
                assert np.isfinite(found.generators).all()
                wave = read.wave(found.wave)
                assert np.isfinite(wave.samples).all()
                assert wave.mode in (0, 1, 3)
                assert 0 <= wave.loop[0] <= wave.loop[1] <= len(wave.samples)
                assert wave.mode == 0 or wave.loop[1] - wave.loop[0] >= 2
                assert wave.rate > 0


@settings(max_examples=300)
@given(
    st.sampled_from([whole(), compressed()]),
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=6),
    st.tuples(st.integers(0, 2**16), st.integers(0, 255)),
)
def test_a_font_with_bytes_changed_is_refused_or_plays(
    made: bytes, changes: list[tuple[int, int]], anywhere: tuple[int, int]
) -> None:
    raw = bytearray(made)
    tables = raw.index(b"pdta")
    for at, value in changes:  # most of what can go wrong is in the tables
        raw[tables + at % (len(raw) - tables)] = value
    raw[anywhere[0] % len(raw)] = anywhere[1]
    reason = "none"
    try:
        ask(SoundFont(bytes(raw), "a font made up"))
    except FontError as error:
        reason = error.reason
    assert reason in {"none", "truncated", "damaged", "not_a_soundfont"}


@given(st.integers(0, len(whole()) - 1))
def test_a_font_cut_off_anywhere_is_refused(length: int) -> None:
    with pytest.raises(FontError) as caught:
        SoundFont(whole()[:length], "a font made up")
    assert caught.value.reason in {"truncated", "not_a_soundfont"}


# --- real fonts ---


def test_every_preset_of_the_bundled_font_sounds() -> None:
    read = SoundFont.read(find().path)
    drums = [drum for key in range(35, 82) for drum in read.zones(128, 0, key, 100)]
    assert len(drums) >= 47
    for program in range(128):
        for key in (36, 60, 72):  # some end a little higher
            assert any(len(read.wave(sound.wave).samples) for sound in read.zones(0, program, key, 100)), (program, key)


@pytest.mark.shared
def test_a_compressed_font_is_the_plain_one_compressed(shared: Path) -> None:
    plain, packed = (SoundFont.read(shared / "soundfonts" / f"VintageDreamsWaves-v2.sf{kind}") for kind in (2, 3))
    alike = []
    for program in range(0, 128, 8):
        for key in (40, 70):
            for stored, other in zip(plain.zones(0, program, key, 100), packed.zones(0, program, key, 100), strict=True):
                first, second = plain.wave(stored.wave), packed.wave(other.wave)
                assert (len(first.samples), first.loop, first.mode) == (len(second.samples), second.loop, second.mode)
                np.testing.assert_array_equal(stored.generators, other.generators)
                alike.append(np.corrcoef(first.samples, second.samples)[0, 1])
    assert len(alike) >= 32
    assert np.median(alike) > 0.99  # noises suffer most: 0.63
