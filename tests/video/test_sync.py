"""Sync measured from finished files: changes are found where they are, and films that do not follow their plan are told."""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from motet.video.errors import VideoError
from motet.video.sync import Sync, check, judge, look
from motet.video.sync.av_align import av_align
from motet.video.sync.beats import beat_alignment
from motet.video.sync.matching import chance, pairs
from motet.wording import several
from video.plain_films import FILMS, SIZE, Image, clicks, encode, flashes, manifest, plan, shown, texture

FRAMES = 120
RANDOM = np.random.default_rng
EVENTS = plan(FRAMES, RANDOM(11))


def made(
    path: Path,
    events: Sequence[int] = EVENTS,
    frames: int = FRAMES,
    film: Callable[..., Iterator[Image]] = flashes,
) -> Path:
    return encode(path, film(frames, events, RANDOM(3)))


@pytest.fixture(scope="module")
def flashing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film that follows its plan."""
    return made(tmp_path_factory.mktemp("films") / "film.mp4")


def measured(path: Path, events: Sequence[int] = EVENTS, frames: int = FRAMES) -> Sync:
    return check(path, manifest(events, frames), sound=False)


def reasons(sync: Sync) -> set[str]:
    return {fault.reason for fault in sync.faults}


# Changes are found


HARD = {"zooms": 0.75, "rings": 0.9}  # a leap of a camera that is still falling back; rings that cross
"""F1 that is asked of films where it is not 0.95."""


@pytest.mark.parametrize("name", FILMS)
def test_changes_are_found_at_their_frames_in_films_of_all_kinds(name: str, tmp_path: Path) -> None:
    sync = measured(made(tmp_path / "film.mp4", film=FILMS[name]))
    assert sync.picture.judged >= 10
    assert sync.picture.f1 is not None
    assert sync.picture.f1 >= HARD.get(name, 0.95)
    assert not sync.faults
    assert sync.chance < 0.3
    assert json.loads(json.dumps(sync.to_dict())) == sync.to_dict() | {
        "changes": list(sync.changes), "size": [SIZE, SIZE], "faults": []
    }  # fmt: skip


def test_a_change_is_at_its_first_picture_and_only_there(tmp_path: Path) -> None:
    images = [np.full((64, 64), 180 if 20 <= number < 23 or number >= 40 else 60, np.uint8) for number in range(60)]
    assert look(encode(tmp_path / "film.mp4", images)).changes.tolist() == [20, 40]


def test_pictures_that_an_encoder_renews_are_no_changes(tmp_path: Path) -> None:
    """A key picture every half second, of a grainy scene that stands still or drifts, at a low quality."""
    for speed in (0, 1):
        scene, random = texture(2 * SIZE, 3), RANDOM(1)
        places = [number * speed // 2 for number in range(120)]
        images = [shown(scene[at : at + SIZE, :SIZE] + random.normal(0, 4, (SIZE, SIZE))) for at in places]
        seen = look(encode(tmp_path / "film.mp4", images, crf=28, g="12"))
        assert seen.changes.tolist() == []


def test_a_change_of_colour_alone_is_a_change(tmp_path: Path) -> None:
    images = np.full((40, 64, 64, 3), (180, 80, 80), np.uint8)
    images[20:] = (80, 122, 100)  # as light as before
    assert look(encode(tmp_path / "film.mp4", list(images))).changes.tolist() == [20]


# Films that do not follow


@pytest.mark.parametrize("late", [1, 2, 12, -3])
def test_a_film_that_is_shifted_is_wrong_throughout(late: int, tmp_path: Path) -> None:
    sync = measured(made(tmp_path / "film.mp4", [event + late for event in EVENTS]))
    assert sync.picture.f1 is not None
    assert sync.picture.f1 < 0.35
    assert reasons(sync) == {"late" if late > 0 else "early"}
    assert several(abs(late), "frame") in sync.faults[0].detail
    if abs(late) <= 2:
        assert sync.picture.late_ms == pytest.approx(late * 1000 / 24, abs=1)


def test_a_film_of_another_song_is_unrelated(flashing: Path) -> None:
    other = plan(FRAMES, RANDOM(99))
    sync = measured(flashing, other)
    assert sync.picture.f1 is not None
    assert sync.picture.f1 < 0.5
    assert reasons(sync) == {"unrelated"}


def test_noise_follows_nothing(tmp_path: Path) -> None:
    images = RANDOM(5).integers(0, 256, (FRAMES, 64, 64), np.uint8)
    sync = measured(encode(tmp_path / "film.mp4", list(images)))
    assert sync.picture.f1 is not None
    assert sync.picture.f1 < 0.3
    assert reasons(sync) == {"constant_motion"}


@pytest.mark.parametrize("every", [3, 4, 6])
def test_a_film_that_flashes_like_a_clock_fails_another_rhythm(every: int, tmp_path: Path) -> None:
    events = plan(FRAMES, RANDOM(4), least=5)
    sync = measured(made(tmp_path / "film.mp4", list(range(every, FRAMES, every))), events)
    assert sync.picture.f1 is not None
    assert sync.picture.f1 < 0.5
    assert reasons(sync) & {"constant_motion", "unrelated"}


def test_a_film_that_flashes_like_a_clock_passes_when_that_is_the_plan(tmp_path: Path) -> None:
    beats = list(range(6, FRAMES, 12))
    sync = measured(made(tmp_path / "film.mp4", beats), beats)
    assert sync.picture.f1 == 1
    assert not sync.faults


def test_a_plan_by_chance_scores_low(flashing: Path) -> None:
    changes = look(flashing).changes.tolist()
    scores = [judge(plan(FRAMES, RANDOM(seed)), changes, 24).f1 or 0.0 for seed in range(200, 300)]
    assert np.mean(scores) < 0.25
    assert max(scores) < 0.6


def black(number: int) -> Image:
    return np.full((64, 64), 3, np.uint8)


def one(number: int) -> Image:
    return texture(64, 1).astype(np.uint8)


def half(number: int) -> Image:
    """Stands still after two seconds."""
    return next(itertools.islice(flashes(49, EVENTS, RANDOM(1)), min(number, 48), None))


@pytest.mark.parametrize("image, wrong", [(black, {"black", "one_picture"}), (one, {"one_picture"}), (half, {"frozen"})])
def test_films_in_which_nothing_happens_fail(image: Callable[[int], Image], wrong: set[str], tmp_path: Path) -> None:
    sync = measured(encode(tmp_path / "film.mp4", map(image, range(FRAMES))))
    assert reasons(sync) == wrong
    assert all(fault.detail for fault in sync.faults)
    assert sync.picture.recall is not None
    assert sync.picture.recall < 0.5


def test_a_still_minute_is_told_without_a_plan(tmp_path: Path) -> None:
    assert [fault.reason for fault in look(encode(tmp_path / "film.mp4", map(half, range(FRAMES)))).faults] == ["frozen"]


def test_a_film_of_the_wrong_length_or_rate_is_told(flashing: Path, tmp_path: Path) -> None:
    assert reasons(measured(flashing, frames=FRAMES + 12)) == {"wrong_length"}
    slow = encode(tmp_path / "slow.mp4", flashes(FRAMES, EVENTS, RANDOM(3)), fps=20)
    assert {"wrong_rate", "wrong_length"} <= reasons(measured(slow))


# Sound


def sounding(path: Path, moments: Sequence[float], seconds: float = FRAMES / 24) -> Sync:
    sound = clicks(moments, seconds, RANDOM(2))
    return check(encode(path, flashes(FRAMES, EVENTS, RANDOM(3)), sound=sound), manifest(EVENTS, FRAMES))


def test_sound_and_picture_are_compared(tmp_path: Path) -> None:
    sync = sounding(tmp_path / "film.mp4", [event / 24 for event in EVENTS])
    assert not sync.faults
    assert sync.sound is not None
    assert sync.sound.f1 == 1
    assert sync.sound.worst_ms is not None
    assert sync.sound.worst_ms <= 5
    assert sync.seen_heard is not None
    assert sync.seen_heard.f1 == 1
    assert sync.av_align is not None
    assert sync.av_align >= 0.9


def test_sound_that_comes_late_is_told(tmp_path: Path) -> None:
    sync = sounding(tmp_path / "film.mp4", [event / 24 + 0.08 for event in EVENTS])
    assert sync.picture.f1 == 1
    assert sync.sound is not None
    assert sync.sound.f1 is not None
    assert sync.sound.f1 < 0.3
    assert sync.sound.late_ms == pytest.approx(80, abs=5)
    assert sync.av_align is not None
    assert sync.av_align < 0.3


def test_a_film_without_the_sound_it_should_have_fails(flashing: Path, tmp_path: Path) -> None:
    assert reasons(check(flashing, manifest(EVENTS, FRAMES))) == {"no_sound"}
    assert reasons(sounding(tmp_path / "still.mp4", [])) == {"silent"}
    assert reasons(sounding(tmp_path / "short.mp4", [event / 24 for event in EVENTS if event < 48], 2.5)) == {"short_sound"}


# What is compared with what


FRAME = st.integers(0, 60)


@given(st.lists(FRAME, max_size=14), st.lists(FRAME, max_size=14), st.sampled_from([0.5, 1.0, 2.0, 5.0]))
def test_partners_are_as_many_and_as_near_as_can_be(one: list[int], other: list[int], within: float) -> None:
    """Against the assignment problem solved in general, where a pair too far apart costs more than all that are near."""
    first, second = np.sort(np.array(one, float)), np.sort(np.array(other, float)) + 0.25
    found = pairs(first, second, within)
    distance = np.abs(first[:, None] - second[None, :])
    rows, columns = linear_sum_assignment(np.where(distance <= within, distance, 1e6))
    near = distance[rows, columns][distance[rows, columns] <= within]
    own = [distance[pair] for pair in found]
    assert len(own) == len(near)
    assert sum(own) == pytest.approx(near.sum())
    assert len({one for one, _ in found}) == len({two for _, two in found}) == len(found)


@given(st.lists(FRAME, max_size=20, unique=True), st.integers(1, 8))
def test_a_film_that_does_what_is_planned_is_right(frames: list[int], apart: int) -> None:
    found = judge(frames, frames, 24, apart=apart)
    assert found.right == found.judged == found.found
    assert found.f1 in (1.0, None)


def test_events_that_crowd_are_not_judged_and_changes_near_them_do_not_count() -> None:
    found = judge([10, 30, 32, 50], [10, 31, 33, 50, 60], 24)
    assert (found.planned, found.judged, found.right) == (4, 2, 2)
    assert (found.found, found.unjudged) == (3, 2)
    assert found.precision == pytest.approx(2 / 3)


def test_a_change_beside_a_judged_event_is_wrong() -> None:
    found = judge([10, 14, 16], [11], 24)
    assert (found.judged, found.right, found.found) == (1, 0, 1)
    assert found.late_ms == pytest.approx(1000 / 24, abs=0.01)


def test_what_need_not_be_seen_may_be() -> None:
    assert judge([10], [10, 20], 24).precision == 0.5
    assert judge([10], [10, 20], 24, also=[20]).precision == 1


def test_the_first_picture_is_not_judged() -> None:
    found = judge([0, 20], [20], 24)
    assert (found.planned, found.judged, found.recall) == (2, 1, 1)


def test_nothing_planned_or_nothing_found_has_no_share() -> None:
    assert judge([], [], 24).f1 is None
    assert judge([5], [], 24).f1 == 0
    assert judge([5], [], 24).precision is None
    assert judge([], [5], 24).recall is None


def test_errors_are_told_against_the_exact_moments() -> None:
    found = judge([10, 20], [10, 20], 25, exact=[10.25, 19.75])
    assert found.late_ms == 0
    assert (found.mean_ms, found.worst_ms) == (10, 10)


def test_chance_is_what_other_plans_get() -> None:
    events = plan(400, RANDOM(1))
    usual, share = chance(events, events, 400)
    assert usual < 0.3
    assert share < 0.01
    every = list(range(0, 400, 8))
    assert chance(every, every, 400)[1] == pytest.approx(1 / 8, abs=0.02)
    assert chance([], [1, 2], 400) == (0.0, 1.0)


def test_av_align_is_intersection_over_union() -> None:
    assert av_align([1.0, 2.0, 3.0], [1.04, 2.0, 5.0, 6.0], 24) == pytest.approx(2 / 5)
    assert av_align([1.0, 1.02], [1.01], 24) == pytest.approx(1 / 2)
    assert av_align([1.0], [1.0 + 1.1 / 24], 24) == 0
    assert av_align([], [], 24) is None


def test_the_beat_alignment_score_falls_as_a_bell() -> None:
    assert beat_alignment([1.0, 2.0], [1.0, 2.0, 2.5]) == 1
    assert beat_alignment([1.0], [1.05]) == pytest.approx(np.exp(-0.5))
    assert beat_alignment([1.0, 2.0], [1.0]) == pytest.approx(0.5)
    assert beat_alignment([], [1.0]) is None
    assert beat_alignment([1.0], []) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"motet": {}},
        {"motet": None},
        {"options": {"output_fps": "fast"}},
        {"options": {"output_fps": float("nan")}},
        {"options": {"output_fps": 0}},
        {"rendered_frames": []},
        {"motet": {"events": [{"frame": 1.5, "seconds": 0.1}]}},
        {"motet": {"events": [{"frame": -1, "seconds": 0.1}]}},
        {"motet": {"events": [{"frame": 1, "seconds": float("inf")}]}},
        {"motet": {"events": [], "beats": 7}},
        {"motet": {"events": [], "beats": [True]}},
    ],
)
def test_a_manifest_that_plans_nothing_is_told(change: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(VideoError) as told:
        check(tmp_path / "film.mp4", manifest([5], 24) | change)
    assert told.value.reason == "not_planned"
