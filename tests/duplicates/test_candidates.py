"""Which pairs are looked at: few, the right ones, whatever the order of files and however many copies there are."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from duplicates.perturb import WAYS, Piece, medley
from duplicates.tunes import TITLES, changed, melody, tune, written
from motet import duplicates, midi
from motet.duplicates import Candidate, Pair, candidates, find
from motet.duplicates.candidates import PARTNERS
from motet.duplicates.patterns import Hashes

draw = np.random.default_rng(7)


def drawn(count: int) -> Hashes:
    return np.unique(draw.integers(0, 2**63, count, np.uint64))


def both(one: Hashes, other: Hashes) -> Hashes:
    return np.unique(np.concatenate([one, other]))


def test_two_copies_are_found_among_many() -> None:
    sketches = [drawn(200) for _ in range(400)]
    sketches[390] = both(sketches[17][:100], drawn(100))
    (found,) = candidates(sketches)
    assert (found.first, found.second) == (17, 390)
    assert found.support == pytest.approx(0.5, abs=0.05)


def test_two_patterns_in_common_are_not_enough() -> None:
    one = drawn(50)
    assert candidates([one, both(one[:2], drawn(50))]) == []
    assert len(candidates([one, both(one[:3], drawn(50))])) == 1


def test_what_everyone_has_supports_nobody() -> None:
    """A riff that all songs share does not make two of them candidates beside two that share what is rare."""
    riff, rare = drawn(20), drawn(20)
    sketches = [both(riff, drawn(100)) for _ in range(60)]
    sketches[3], sketches[50] = both(sketches[3], rare), both(sketches[50], rare)
    best = max(candidates(sketches), key=lambda one: one.support)
    assert (best.first, best.second) == (3, 50)
    assert best.support > 5 * max((c.support for c in candidates(sketches) if c != best), default=0)


def test_five_hundred_copies_are_a_chain_not_a_hundred_thousand_pairs() -> None:
    one = drawn(200)
    found = candidates([one] * 500)
    assert len(found) <= 2 * 500, "each copy with its next two"
    assert {(c.first, c.second) for c in found} >= {(n, n + 1) for n in range(499)}


def test_five_hundred_edited_copies_stay_few_pairs_and_each_is_in_one() -> None:
    one = drawn(300)
    copies = [both(one[draw.random(len(one)) < 0.9], drawn(20)) for _ in range(500)]
    found = candidates(copies)
    assert len(found) <= PARTNERS * 500
    assert {n for c in found for n in (c.first, c.second)} == set(range(500))


@pytest.mark.parametrize("sizes", [[], [0], [0, 0, 0], [9], [0, 9, 0]])
def test_songs_without_patterns_or_alone_have_no_candidates(sizes: list[int]) -> None:
    assert candidates([drawn(size) for size in sizes]) == []


def test_empty_sketches_between_do_not_shift_numbers() -> None:
    one, nothing = drawn(50), np.zeros(0, np.uint64)
    assert candidates([nothing, one, nothing, nothing, one]) == [Candidate(1, 4, 1.0)]


# -- find ---------------------------------------------------------------------------------------------------------------


def handful() -> dict[str, midi.Score]:
    """All tunes, of two of them changed copies, and a medley of two more."""
    songs = {title: tune(title) for title in TITLES}
    for title, ways in {"Greensleeves": ("transposed", "notes dropped"), "Ode to Joy": ("stretched", "tracks merged")}.items():
        for way in ways:
            piece = changed(title, WAYS[way])
            assert piece
            songs[f"{title}, {way}"] = midi.read(piece.written())
    both = medley(Piece.of(tune("Korobeiniki")), Piece.of(tune("Oh! Susanna")))
    return songs | {"Korobeiniki and Oh! Susanna": midi.read(both.written())}


def told(songs: dict[str, midi.Score], pairs: list[Pair]) -> dict[tuple[str, ...], duplicates.Likeness]:
    names = list(songs)
    return {(names[pair.first], names[pair.second]): pair.likeness for pair in pairs}


def test_find_tells_the_duplicates_among_a_handful_of_songs() -> None:
    songs = handful()
    pairs = {frozenset(pair): likeness for pair, likeness in told(songs, find(list(songs.values()))).items()}
    alike = {
        frozenset(pair)
        for title, *ways in (("Greensleeves", "transposed", "notes dropped"), ("Ode to Joy", "stretched", "tracks merged"))
        for pair in ((title, f"{title}, {ways[0]}"), (title, f"{title}, {ways[1]}"), tuple(f"{title}, {way}" for way in ways))
    }
    parts = {frozenset({title, "Korobeiniki and Oh! Susanna"}) for title in ("Korobeiniki", "Oh! Susanna")}
    assert set(pairs) == alike | parts
    assert {likeness.level for likeness in pairs.values()} == {"hard"}
    assert {bool(pairs[pair].contained) for pair in alike} == {False}
    assert {bool(pairs[pair].contained) for pair in parts} == {True}


def test_the_order_of_songs_does_not_matter() -> None:
    songs = handful()
    expected = told(songs, find(list(songs.values())))
    dice = random.Random(3)
    for _ in range(3):
        shuffled = dict(dice.sample(list(songs.items()), len(songs)))
        assert told(shuffled, find(list(shuffled.values()))) == expected


def test_songs_of_the_same_notes_are_each_compared_at_their_own_tempo() -> None:
    plain, up = Piece.of(tune("Greensleeves")), changed("Greensleeves", WAYS["transposed"])
    assert up
    fast = replace(plain, tempi=tuple((tick, us // 2) for tick, us in plain.tempi))
    songs = {name: midi.read(piece.written()) for name, piece in {"plain": plain, "fast": fast, "up": up}.items()}
    pairs = told(songs, find(list(songs.values())))
    pairs |= {(second, first): likeness.turned() for (first, second), likeness in pairs.items()}
    assert pairs["plain", "up"].tempo == pytest.approx(1, rel=1e-3)
    assert pairs["plain", "fast"].tempo == pytest.approx(0.5, rel=1e-3)
    assert pairs["fast", "up"].tempo == pytest.approx(2, rel=1e-3)


def test_exercises_drums_and_silence_are_no_duplicates_of_each_other() -> None:
    rows = {
        "major": [60, 62, 64, 65, 67, 69, 71, 72, 71, 69, 67, 65, 64, 62] * 20,
        "minor": [60, 62, 63, 65, 67, 68, 70, 72, 70, 68, 67, 65, 63, 62] * 20,
        "chromatic": [*range(48, 72), *range(72, 48, -1)] * 6,
        "whole tones": [*range(48, 72, 2), *range(72, 48, -2)] * 12,
        "broken chord": [60, 64, 67, 72, 67, 64] * 40,
        "riff": [40, 43, 45, 43] * 60,
        "short": [60, 62, 64, 65, 67],
        "short too": [60, 62, 64, 65, 67, 69, 71],
    }
    songs = [midi.read(written([melody(row)])) for row in rows.values()]
    songs += [midi.read(written([melody(beat * 60, program=-1)])) for beat in ([36, 42, 38, 42], [36, 42], [36, 46, 38, 46])]
    songs += [midi.read(written([])), midi.read(written([]))]
    assert find(songs) == []
