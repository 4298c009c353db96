"""Modulators: their curves, which of a font's count, and how instruments and presets add up (SoundFont 2.04, 8.2 to 9.5)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.render.fonts import RECORDS
from motet.render.soundfont.generators import DEFAULTS, LIMITS, Gen
from motet.render.soundfont.modulators import DEFAULT_MODULATORS, Modulator, joined, source, written
from render.soundfont.making import KEY, LINK, VELOCITY, WHEEL, WHEEL_RANGE, controller
from render.soundfont.making import Modulator as Made
from render.soundfont.making import source as bits

VOLUME = controller(7, "concave", falling=True)
RAW = np.arange(128.0)
SOURCES = st.builds(
    bits, st.just(KEY), st.sampled_from(["linear", "concave", "convex", "switch"]), bipolar=st.booleans(), falling=st.booleans()
)


def shaped(enumerator: int, *raw: float) -> list[float]:
    found = source(enumerator)
    assert found is not None
    return [round(float(value), 6) for value in found.shaped(np.array(raw))]


def zone(*modulators: Made) -> dict[tuple[Modulator, ...], tuple[Modulator, ...]]:
    return written(np.frombuffer(b"".join(one.record() for one in modulators), RECORDS["imod"]))


def played(instrument: Sequence[Made] = (), preset: Sequence[Made] = ()) -> tuple[Modulator, ...]:
    return joined((), [zone(*instrument)], [zone(*preset)])


def amounts(modulators: Sequence[Modulator]) -> list[tuple[int, int]]:
    return [(one.destination, one.amount) for one in modulators]


# --- curves ---


def test_velocity_and_volume_by_the_concave_curve_are_a_gain_of_the_square() -> None:
    """960 cB × concave is 40 log10(127 / v) dB, which is what all players have made of it; -96 dB at 0."""
    (first, *_) = DEFAULT_MODULATORS
    decibels = first.amount * first.source.shaped(RAW) / 10
    np.testing.assert_allclose(10 ** (-decibels[1:] / 20), (RAW[1:] / 127) ** 2, rtol=1e-12)
    assert decibels[0] == pytest.approx(96)


@pytest.mark.parametrize(
    "enumerator, raw, value",
    [
        (bits(VELOCITY), (0, 127), [0, 1]),
        (bits(VELOCITY, falling=True), (0, 127), [1, 0]),
        (bits(VELOCITY, bipolar=True), (0, 63.5, 127), [-1, 0, 1]),
        (bits(VELOCITY, bipolar=True, falling=True), (0, 127), [1, -1]),
        (bits(VELOCITY, "switch"), (63, 64), [0, 1]),
        (bits(VELOCITY, "switch", falling=True), (63, 64), [1, 0]),
        (bits(VELOCITY, "switch", bipolar=True), (63, 64), [-1, 1]),
        (bits(VELOCITY, "concave"), (0, 120, 127), [0, round(-np.log10(7 / 127) / 2.4, 6), 1]),
        (bits(VELOCITY, "convex"), (0, 7, 127), [0, round(1 + np.log10(7 / 127) / 2.4, 6), 1]),
        (bits(WHEEL, bipolar=True), (0, 8192, 16384 * 3 // 4), [-1, 0, 0.5]),
        (bits(WHEEL, "switch"), (8191, 8192), [0, 1]),
        (controller(10, bipolar=True), (0, 1, 64, 127), [-1, -1, 0, 1]),  # pan has a middle (RP-036)
        (controller(74, bipolar=True), (0, 127), [-1, 1]),
        (bits(), (0, 64), [1, 1]),
        (bits(LINK), (-3.5, 63.5, 900), [0, 0.5, 1]),
    ],
)
def test_a_source_goes_from_one_end_to_the_other(enumerator: int, raw: tuple[float, ...], value: list[float]) -> None:
    assert shaped(enumerator, *raw) == value


@given(SOURCES)
def test_every_curve_is_monotone_within_its_range_and_falls_as_it_rises(enumerator: int) -> None:
    one = source(enumerator)
    assert one is not None
    values = one.shaped(RAW)
    assert values.min() == (-1 if one.bipolar else 0)
    assert values.max() == 1
    assert (np.diff(values) * (-1 if one.falling else 1) >= 0).all()
    if one.curve != 3:  # a switch has no middle to turn around
        np.testing.assert_allclose(replace(one, falling=not one.falling).shaped(127 - RAW), values, atol=1e-12)
        if one.bipolar:
            np.testing.assert_allclose(values, -values[::-1], atol=1e-12)


@given(st.integers(0, 0xFFFF), st.floats(allow_nan=False))
def test_any_sixteen_bits_are_a_source_in_bounds_or_none(enumerator: int, raw: float) -> None:
    one = source(enumerator)
    if one is not None:
        assert abs(float(one.shaped(np.array([raw]))[0])) <= 1


@pytest.mark.parametrize(
    "enumerator",
    [*(controller(n) for n in (0, 6, 32, 38, 63, 98, 101, 120, 127)), *(bits(n) for n in (1, 4, 11, 15, 17, 126)), 4 << 10 | 2],
)
def test_what_the_standard_does_not_know_is_no_source(enumerator: int) -> None:
    assert source(enumerator) is None


# --- defaults ---


def test_the_defaults_are_the_enumerations_of_section_8_4() -> None:
    printed = [0x0502, 0x0102, 0x000D, 0x0081, 0x0587, 0x028A, 0x058B, 0x00DB, 0x00DD, 0x020E]
    assert [one.source for one in DEFAULT_MODULATORS] == [source(enumerator) for enumerator in printed]
    assert [one.amount for one in DEFAULT_MODULATORS] == [960, -2400, 50, 50, 960, 500, 960, 200, 200, 12700]
    assert [one.amount_source for one in DEFAULT_MODULATORS] == [source(0)] * 9 + [source(bits(WHEEL_RANGE))]


def test_the_wheel_bends_by_its_range() -> None:
    bend = DEFAULT_MODULATORS[-1]
    cents = bend.amount * bend.source.shaped(np.array([12288.0])) * bend.amount_source.shaped(np.array([2.0]))
    assert float(cents[0]) == pytest.approx(100)
    assert LIMITS[bend.destination, 1] >= 12700


def test_every_default_value_is_within_its_limits() -> None:
    assert ((LIMITS[:, 0] <= DEFAULTS) & (LIMITS[:, 1] >= DEFAULTS)).all()


# --- which count ---


@pytest.mark.parametrize(
    "made",
    [
        Made(bits(1), "pan", 100),
        Made(bits(KEY), "pan", 100, amount_source=bits(1)),
        Made(bits(KEY), "pan", 100, amount_source=bits(LINK)),
        Made(bits(KEY), "pan", 100, transform=1),
        Made(bits(KEY), "sample", 100),
        Made(bits(KEY), "key_range", 100),
        Made(bits(LINK), "pan", 100),  # nothing feeds it
        Made(bits(KEY), 7, 100),  # there is no eighth
        Made(bits(KEY), 0, 100),  # it feeds itself, and is no link
        Made(bits(LINK), 0, 100),
        Made(bits(KEY), "pan", 0),
    ],
)
def test_what_the_standard_does_not_know_or_never_moves_anything_is_ignored(made: Made) -> None:
    assert played([made]) == ()


def test_a_reserved_destination_is_ignored() -> None:
    record = struct.pack("<HHhHH", bits(KEY), 59, 100, 0, 0)
    assert written(np.frombuffer(record, RECORDS["imod"])) == {}


def test_of_equal_modulators_in_a_zone_the_last_counts() -> None:
    assert amounts(played([Made(VOLUME, "pan", 100), Made(VOLUME, "pan", 200)])) == [(Gen.PAN, 200)]


@pytest.mark.parametrize(
    "other",
    [
        Made(controller(7), "attenuation", 0),
        Made(VOLUME, "pan", 0),
        Made(VOLUME, "attenuation", 0, amount_source=bits(KEY)),
        Made(VOLUME, "attenuation", 0, transform=2),
    ],
)
def test_source_destination_amount_source_and_transform_tell_modulators_apart(other: Made) -> None:
    assert len(joined(DEFAULT_MODULATORS, [zone(other)], [])) == 10
    assert len(joined(DEFAULT_MODULATORS, [zone(Made(VOLUME, "attenuation", 0))], [])) == 9


def test_an_instrument_supersedes_and_a_preset_adds() -> None:
    volume, pan = Made(VOLUME, "attenuation", 400), Made(bits(KEY), "pan", 70)
    shared, own = zone(Made(VOLUME, "attenuation", 100), pan), zone(volume)
    assert amounts(joined(DEFAULT_MODULATORS[4:5], [shared, own], [])) == [(Gen.ATTENUATION, 400), (Gen.PAN, 70)]
    added = joined(DEFAULT_MODULATORS[4:5], [], [shared, own])
    assert amounts(added) == [(Gen.ATTENUATION, 1360), (Gen.PAN, 70)]
    assert played([Made(VOLUME, "attenuation", 400)], [Made(VOLUME, "attenuation", -400)]) == ()


# --- links ---


def test_links_lead_forward_whatever_their_order_in_the_file() -> None:
    """Velocity and key feed a link, which feeds another, which pans."""
    moving = played(
        [
            Made(bits(LINK), "pan", 10),
            Made(bits(VELOCITY), 3, 20),
            Made(bits(KEY), 3, 30),
            Made(bits(LINK), 0, 40, amount_source=controller(1)),
        ]
    )
    assert [(one.amount, one.link is None) for one in moving] == [(30, False), (20, False), (40, False), (10, True)]
    assert [one.link for one in moving] == [2, 2, 3, None]
    assert [one.destination for one in moving] == [-1, -1, -1, Gen.PAN]


def test_links_in_a_circle_are_dropped_and_others_stay() -> None:
    circle = [Made(bits(LINK), 1, 10), Made(bits(LINK), 0, 10), Made(bits(KEY), 0, 10)]
    assert amounts(played([*circle, Made(bits(KEY), "pan", 50)])) == [(Gen.PAN, 50)]


@pytest.mark.parametrize("silent", [0, 1, 2])
def test_an_amount_of_zero_breaks_a_link(silent: int) -> None:
    made = [Made(bits(KEY), 1, 10), Made(bits(LINK), 2, 20), Made(bits(LINK), "pan", 30)]
    made[silent] = replace(made[silent], amount=0)
    assert played(made) == ()
    still = played([*made, Made(bits(VELOCITY), 2, 40)])
    assert [one.amount for one in still] == ([] if silent == 2 else [40, 30])


def test_two_modulators_may_feed_one_and_a_preset_plays_its_links_beside() -> None:
    linked = [Made(bits(KEY), 1, 10), Made(bits(LINK), "pan", 20)]
    moving = played([Made(bits(KEY), "pan", 5), *(replace(linked[0], to=2), linked[1])], linked)
    assert [(one.amount, one.link) for one in moving] == [(5, None), (10, 2), (20, None), (10, 4), (20, None)]


ANY = st.builds(
    Made,
    st.sampled_from([bits(LINK), bits(KEY), bits(VELOCITY), bits(1)]),
    st.one_of(st.integers(0, 9), st.sampled_from(["pan", "attenuation", "sample"])),
    st.integers(-2, 2),
    st.sampled_from([0, bits(LINK)]),
    st.integers(0, 2),
)


@given(st.lists(ANY, max_size=10), st.lists(ANY, max_size=10))
def test_whatever_a_font_links_ends_at_a_generator(instrument: list[Made], preset: list[Made]) -> None:
    moving = joined(DEFAULT_MODULATORS, [zone(*instrument)], [zone(*preset)])
    fed = {one.link for one in moving}
    for at, one in enumerate(moving):
        assert one.amount != 0
        if one.link is None:
            assert one.destination >= 0
        else:
            assert at < one.link < len(moving)
            assert moving[one.link].source.number == LINK
        assert one.source.number != LINK or at in fed


def test_a_thousand_links_in_a_row_are_no_burden() -> None:
    made = [Made(bits(KEY), 1, 1), *(Made(bits(LINK), at, 1) for at in range(2, 1000)), Made(bits(LINK), "pan", 1)]
    assert [one.link for one in played(made)] == [*range(1, 1000), None]
