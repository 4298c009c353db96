"""Songs are found in films whose music is known, and notes in performances whose timing is known: small sizes of the benches.

The full sizes, `bench/film_located.py` and `bench/film_aligned.py`, use real MIDI and judge the goals; these, of songs composed
here, see that nothing has broken.
"""

import importlib
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture(scope="module")
def benches() -> Iterator[dict[str, ModuleType]]:
    sys.path.insert(0, str(BENCH))
    try:
        yield {name: importlib.import_module(name) for name in ("film_truth", "film_located", "film_warps", "film_aligned")}
    finally:
        sys.path.remove(str(BENCH))


@pytest.fixture(scope="module")
def made(benches: dict[str, ModuleType], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """16 songs of 20 s in the index, two films that play some, one that plays none of them. As every machine makes it."""
    folder = tmp_path_factory.mktemp("films")
    (folder / "plain").touch()
    truth = benches["film_truth"]
    songs = truth.own_songs(18, 20.0)
    return truth.material(folder, songs, indexed=16, films=3, placements=5, barren=3)


@pytest.fixture(scope="module")
def located(benches: dict[str, ModuleType], made: Any) -> Any:
    return benches["film_located"].located(made)


# The material


def test_music_lies_under_the_bed_where_the_truth_says(made: Any, benches: dict[str, ModuleType]) -> None:
    """Of the loudest placement of an indexed rendering: the film's sound is most like the song there, to the millisecond."""
    import soxr

    from motet import render
    from motet.audio.decoding import open_recording

    same = [(film, p) for film in made.films for p in film.placed if p.kind == "same" and p.indexed]
    film, placed = max(same, key=lambda one: one[1].level)
    song, rate = render.decode(made.songs[placed.song])
    with open_recording(Path(film.path)) as recording:
        sound = np.concatenate([block.mean(axis=1) for block in recording.blocks()])
    length = placed.film_end - placed.film_start
    piece = song[round(placed.song_start * rate) : round((placed.song_start + length * placed.speed) * rate)].reshape(-1)
    played = soxr.resample(piece, rate * placed.speed, benches["film_truth"].FILM_RATE)
    first, slack = round(placed.film_start * 48000), 480
    heard = sound[first - slack : first + len(played) + slack]
    likeness = [float(heard[k : k + len(played)] @ played) for k in range(2 * slack)]
    assert abs(int(np.argmax(likeness)) - slack) <= 48


def test_the_same_seed_makes_the_same_films(tmp_path: Path, benches: dict[str, ModuleType]) -> None:
    truth = benches["film_truth"]
    songs = truth.own_songs(3, 14.0)
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        (folder / "plain").touch()
        truth.material(folder, songs, indexed=2, films=1, placements=1)
    assert (tmp_path / "a/films/00.mp4").read_bytes() == (tmp_path / "b/films/00.mp4").read_bytes()


@dataclass(frozen=True)
class Told:
    song: str
    film_start: float
    film_end: float
    song_start: float
    speed: float
    confidence: float = 1.0


def _truth_of(film: Any) -> list[Told]:
    return [Told(p.song, p.film_start, p.film_end, p.song_start, p.speed) for p in film.placed if p.indexed]


def test_a_perfect_report_is_found_to_be_perfect(made: Any, benches: dict[str, ModuleType]) -> None:
    for film in made.films:
        hits, false, count = benches["film_located"].judged(film, _truth_of(film))
        assert all(hit.found and abs(hit.offset) < 1e-6 and hit.speed == 0 for hit in hits)
        assert not false
        assert count == len(hits)


def test_another_song_and_another_place_are_false(made: Any, benches: dict[str, ModuleType]) -> None:
    film = made.films[0]
    first, *others = _truth_of(film)
    elsewhere = replace(first, film_start=first.film_end + 1, film_end=2 * first.film_end - first.film_start)
    hits, false, _ = benches["film_located"].judged(film, [replace(first, song="another"), elsewhere, *others])
    assert [hit.placed.song for hit in hits if not hit.found] == [first.song]
    assert [one.song for one in false] == ["another", first.song]


def test_offsets_are_measured_at_the_middle(made: Any, benches: dict[str, ModuleType]) -> None:
    film = made.films[0]
    late = [replace(told, song_start=told.song_start + 0.04) for told in _truth_of(film)]
    hits, _, _ = benches["film_located"].judged(film, late)
    assert [round(hit.exact, 6) for hit in hits] == [0.04] * len(hits)


# Locating


def test_placements_from_minus_six_db_on_are_found(located: Any) -> None:
    loud = [hit for hit in located.hits if hit.placed.level >= -6]
    missed = [hit.named() for hit in loud if not hit.found]
    assert len(loud) >= 4
    assert len(missed) <= len(loud) // 5, missed


def test_nothing_is_reported_that_does_not_play(located: Any) -> None:
    assert located.reports
    assert not located.false, [one.named() for one in located.false]


def test_found_placements_are_told_where_they_are(located: Any) -> None:
    found = [hit for hit in located.hits if hit.found]
    near = [hit for hit in found if abs(hit.offset) <= 0.05 and abs(hit.start) <= 1 and abs(hit.end) <= 1]
    assert len(near) >= 0.8 * len(found), [(hit.named(), hit.offset, hit.start, hit.end) for hit in found if hit not in near]


# Warps and aligning


@pytest.mark.parametrize("warp", ["rubato", "ritardandi", "fermatas", "all"])
def test_a_warp_moves_every_onset_in_order_and_no_note_is_lost(warp: str, benches: dict[str, ModuleType]) -> None:
    from motet import midi

    (song,) = benches["film_truth"].own_songs(1, 30.0)
    bent, before, after = benches["film_warps"].warped(song.data, warp, random.Random(3))
    assert np.array_equal(midi.read(bent).notes, midi.read(song.data).notes)
    assert (np.diff(after) > 0).all()
    pace = np.diff(after) / np.diff(before)
    assert pace.std() > 0.01
    assert 0.8 / 1.1 < np.median(pace) < 1.25 * 1.1


def test_shuffled_sections_hold_the_notes_in_another_order(benches: dict[str, ModuleType]) -> None:
    from motet import midi

    (song,) = benches["film_truth"].own_songs(1, 40.0)
    warps = benches["film_warps"]
    mixed = warps.shuffled(song.data, random.Random(1))
    assert sorted(midi.read(mixed).notes["pitch"]) == sorted(midi.read(song.data).notes["pitch"])
    assert warps.same_notes(song.data, mixed) < 0.95
    assert warps.same_notes(song.data, song.data) == 1


@pytest.fixture(scope="module")
def aligned(benches: dict[str, ModuleType]) -> list[Any]:
    songs = benches["film_truth"].own_songs(8, 24.0, seed=5)
    outcomes: list[Any] = benches["film_aligned"].examined(songs, None, same=4, other=4, titles=0, seconds=24.0, plain=True)
    return outcomes


def test_performances_of_the_score_are_accepted_and_aligned(aligned: list[Any]) -> None:
    same = [one for one in aligned if one.same]
    assert [one.reason for one in same if not one.accepted] == []
    off = np.abs(np.concatenate([one.errors for one in same]))
    assert np.median(off) <= 20
    assert np.quantile(off, 0.9) <= 60


def test_other_arrangements_are_rejected(aligned: list[Any]) -> None:
    others = [one for one in aligned if not one.same and one.likeness < 0.8]
    assert len(others) >= 3
    accepted = [(one.group, one.name, one.confidence) for one in others if one.accepted]
    assert len(accepted) <= 1, accepted
    assert all(one.reason for one in others if not one.accepted)
