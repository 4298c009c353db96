"""From numbers in a plug-in's own units to its knobs, and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.render.plugins import PluginError
from motet.render.plugins.knobs import read, turn


@dataclass
class Dial:
    """A knob whose words are made by a rule."""

    name: str
    words: Callable[[float], str]
    unit: str = ""
    raw: float = 0.5

    def text(self, raw: float) -> str:
        return self.words(raw)

    def get(self) -> float:
        return self.raw

    def turn(self, raw: float) -> None:
        self.raw = raw


def hertz(raw: float) -> str:
    value = 20 * 1000**raw
    return f"{value:.1f} Hz" if value < 1000 else f"{value / 1000:.4f} kHz"


WAVES = ("sine", "saw", "square")
RULES: dict[str, tuple[Callable[[float], str], Callable[[float], float], float, float]] = {
    "linear": (lambda raw: f"{raw * 24 - 12:.2f} dB", lambda raw: raw * 24 - 12, -12, 12),
    "logarithmic": (hertz, lambda raw: 20 * 1000**raw, 20, 20000),
    "falling": (lambda raw: f"{100 - 90 * raw:.3f}%", lambda raw: 100 - 90 * raw, 10, 100),
    "rounded": (lambda raw: f"{127 * raw:.0f}", lambda raw: 127 * raw, 0, 127),
    "wordless": (lambda raw: "", lambda raw: raw, 0, 1),
}


@given(st.sampled_from(sorted(RULES)), st.floats(0, 1))
def test_a_knob_stands_where_its_value_says(rule: str, part: float) -> None:
    words, value_at, low, high = RULES[rule]
    dial = Dial(rule, words)
    (scale,) = read([dial])
    told = scale.told()
    assert (told.low, told.high) == (pytest.approx(low, rel=0.01), pytest.approx(high, rel=0.01))
    value = told.low + part * (told.high - told.low)
    turn([dial], {rule: value}, "Organ")
    assert 0 <= dial.raw <= 1
    assert value_at(dial.raw) == pytest.approx(value, abs=0.006 * (high - low))


@given(st.integers(0, 2))
def test_a_choice_is_the_place_of_its_word(place: int) -> None:
    dial = Dial("Wave", lambda raw: WAVES[min(int(raw * 3), 2)])
    (scale,) = read([dial])
    assert scale.told().choices == WAVES
    turn([dial], {"Wave": place}, "Organ")
    assert dial.text(dial.raw) == WAVES[place]


def test_wiring_is_hidden_and_equal_names_are_numbered() -> None:
    names = ["MIDI Ch. 1 CC 0", "Gain", "MIDI CC 3|5", "Buffer Size", "Gain", ""]
    assert [scale.name for scale in read([Dial(name, lambda raw: f"{raw:.2f}") for name in names])] == ["Gain", "Gain (2)"]


def test_a_program_is_set_before_what_it_would_undo() -> None:
    order: list[str] = []

    @dataclass
    class Noted(Dial):
        def turn(self, raw: float) -> None:
            order.append(self.name)
            super().turn(raw)

    knobs = [Noted(name, lambda raw: f"{raw:.3f}") for name in ("Gain", "Tone", "Current Program")]
    turn(knobs, {"Tone": 0.2, "Gain": 0.1, "Current Program": 1.0}, "Organ")
    assert order == ["Current Program", "Gain", "Tone"]


def test_a_knob_that_does_not_stay_is_told() -> None:
    @dataclass
    class Stuck(Dial):
        def turn(self, raw: float) -> None:
            pass

    with pytest.raises(PluginError, match=r"Organ turned its parameter 'Gain' to 0\.5 when 0\.9 was set"):
        turn([Stuck("Gain", lambda raw: f"{raw:.3f}")], {"Gain": 0.9}, "Organ")


@given(
    st.lists(st.text(st.characters(exclude_categories=())), min_size=1), st.text(st.characters(exclude_categories=()), min_size=1)
)
def test_any_words_make_a_scale(words: list[str], name: str) -> None:
    for scale in read([Dial(name, lambda raw: words[min(int(raw * len(words)), len(words) - 1)])]):
        told = scale.told()
        assert told.low <= told.value <= told.high
        assert math.isfinite(told.high - told.low)
        assert told.name.isprintable()
        middle = float(round((told.low + told.high) / 2)) if told.choices else (told.low + told.high) / 2
        assert 0 <= scale.raw(middle) <= 1
