"""A library of themes of our own, from which prompts are drawn."""

from __future__ import annotations

import random

import pytest

from motet.errors import UserError
from motet.video.themes import MOODS, THEMES, draw, fitting, prompt


def test_the_library_is_large_and_whole() -> None:
    assert len(THEMES) >= 12
    for name, theme in THEMES.items():
        assert theme.name == name
        assert set(theme.moods) <= MOODS.keys()
        assert theme.moods
        assert theme.about
        assert theme.negative
        assert theme.weight > 0
        for parts in (theme.subjects, theme.places, theme.lights, theme.styles):
            assert len(set(parts)) == len(parts) >= 5
            assert all(":" not in part and "--" not in part and "$" not in part for part in parts), "Deforum reads these as signs"


def test_no_two_themes_share_a_part() -> None:
    subjects = [part for theme in THEMES.values() for part in theme.subjects + theme.places]
    assert len(set(subjects)) == len(subjects)


@pytest.mark.parametrize("mood", MOODS)
def test_every_mood_has_several_themes(mood: str) -> None:
    assert len(fitting(mood)) >= 3
    drawn = {draw(mood, random.Random(seed)) for seed in range(200)}
    assert drawn == set(fitting(mood))


def test_a_mood_that_no_theme_knows_may_have_any() -> None:
    assert fitting("zesty") == list(THEMES)
    assert "zesty" not in prompt("coral-sea", "zesty", random.Random(1)).positive


@pytest.mark.parametrize("theme", THEMES)
def test_a_theme_has_prompts_in_plenty(theme: str) -> None:
    drawn = {prompt(theme, "calm", random.Random(seed)).positive for seed in range(60)}
    assert len(drawn) > 50


def test_the_same_seed_draws_the_same_prompt() -> None:
    assert prompt("storm-coast", "epic", random.Random(7)) == prompt("storm-coast", "epic", random.Random(7))


def test_an_unknown_theme_is_told_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no theme 'coral see'; did you mean coral-sea\?"):
        prompt("coral see", "calm", random.Random(1))
