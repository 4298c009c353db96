"""Laid over each other, two songs tell how far one was transposed, stretched and moved, and what they share."""

from __future__ import annotations

import numpy as np
import pytest

from duplicates.perturb import Piece, bars_inserted, bars_removed, begun_later, medley, stretched, transposed
from duplicates.tunes import DRUMS, TITLES, changed, melody, ready, song, tune, written
from motet import midi
from motet.duplicates import Song, align, voices

every_tune = pytest.mark.parametrize("title", TITLES)
SEEDS = range(3)


@every_tune
def test_the_transposition_is_found(title: str) -> None:
    before = Piece.of(tune(title))
    for seed in SEEDS:
        piece = changed(title, transposed, seed)
        assert piece
        (steps,) = set((piece.notes["pitch"].astype(int) - before.notes["pitch"])[before.pitched].tolist())
        found = align(song(title), ready(piece))
        assert found
        assert (found.transposition, found.stretch, found.shared[0]) == (steps, 1.0, 1.0)
        assert found.offset == pytest.approx(0, abs=0.01)


@every_tune
def test_the_stretch_is_found(title: str) -> None:
    for seed in SEEDS:
        piece = changed(title, stretched, seed)
        assert piece
        found = align(song(title), ready(piece))
        assert found
        assert found.stretch == pytest.approx(piece.end / Piece.of(tune(title)).end, rel=2e-4)
        assert (found.transposition, found.offset) == (0, pytest.approx(0, abs=0.03))
        assert found.shared[0] > 0.99


@every_tune
def test_the_offset_is_found(title: str) -> None:
    for seed in SEEDS:
        piece = changed(title, begun_later, seed)
        assert piece
        later = int(piece.notes["start"].min() - tune(title).notes["start"].min()) / piece.division
        found = align(song(title), ready(piece))
        assert found
        assert (found.transposition, found.stretch) == (0, 1.0)
        assert found.offset == pytest.approx(later, abs=0.02)
        assert found.shared[0] == 1.0


def test_a_song_shares_all_notes_with_itself_and_every_voice_is_its_own() -> None:
    """Also where two voices play in unison, so that a note has more than one it could be the same as."""
    for title in TITLES:
        found = align(song(title), song(title))
        assert found
        assert found.shared == (1.0, 1.0), title
        assert found.covered == (1.0, 1.0), title
        assert found.voices == tuple((n, n, 1.0) for n in np.unique(tune(title).notes["track"]).tolist()), title


@every_tune
def test_bars_put_in_or_taken_out_cost_only_themselves(title: str) -> None:
    """What stands in both songs is found behind the first change too, though it lies elsewhere."""
    for seed in SEEDS:
        for way, whole in ((bars_inserted, 0), (bars_removed, 1)):
            piece = changed(title, way, seed)
            assert piece
            both = (song(title), ready(piece)) if whole == 0 else (ready(piece), song(title))
            found = align(*both)
            assert found
            assert found.shared[0] > 0.9


def test_in_a_medley_the_second_song_begins_where_the_first_ended() -> None:
    first, second = Piece.of(tune("Sakura Sakura")), Piece.of(tune("Korobeiniki"))
    both = ready(medley(first, second))
    found = align(song("Korobeiniki"), both)
    assert found
    assert found.offset == pytest.approx(first.end / first.division + 1, abs=0.02)
    assert found.shared[0] == pytest.approx(1, abs=0.01)
    assert found.shared[1] < 0.75
    assert found.covered[0] == 1.0
    assert found.covered[1] == pytest.approx(second.end / second.division / (both.quarters.max()), abs=0.1)


def test_songs_without_a_melody_in_common_cannot_be_laid_over_each_other() -> None:
    nothing, drums, one, other = (
        Song(voices(midi.read(written(lines))))
        for lines in (
            [],
            [melody([36, 42, 38, 42] * 40, program=DRUMS)],
            [melody([*range(48, 72)])],
            [melody([*range(72, 48, -1)])],
        )
    )
    for first, second in ((nothing, nothing), (nothing, one), (drums, drums), (one, drums), (one, other)):
        assert align(first, second) is None
        assert align(second, first) is None
