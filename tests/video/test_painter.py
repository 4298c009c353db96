"""A painter's pictures change at the frames of events and only there, look as key and mood want, and are always the same."""

import hashlib
import math
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as some

from motet.video.errors import VideoError
from motet.video.fields import FIELDS
from motet.video.film import Picture
from motet.video.painter import film, paint
from motet.video.painter.palettes import palette

MOODS = ("dark", "happy", "calm", "tense", "dreamy", "grand")
DRUMS = ("kick", "snare", "closed hat", "open hat", "low tom", "crash", "ride", "clap", "cowbell", "")
ROLES = ("melody", "bass", "chords", "pad", "other")


def event(frame: int, role: str = "drums", drum: str = "", pitch: int = 60, velocity: int = 90) -> dict[str, Any]:
    return {
        "frame": frame, "seconds": frame / 24, "role": role, "drum": drum, "pitch": pitch, "velocity": velocity, "duration": 0.3,
        "fields": ["translation_z"],
    }  # fmt: skip


def manifest(events: list[dict[str, Any]], frames: int = 96, *, fps: float = 24, **told: Any) -> dict[str, Any]:
    """A rendered document in which the camera moves by an impulse at each event, and half-way another prompt takes over."""
    struck = {event["frame"] for event in events}
    rendered = []
    before = 0.0
    for number in range(frames):
        frame: dict[str, Any] = {"frame": number}
        for field in FIELDS.values():
            frame |= {field.name: field.rest, f"{field.name}_delta": field.still}
        there = 12.0 * (number in struck)
        frame |= {"translation_z": there, "translation_z_delta": there - before, "strength": 0.5 if number in struck else 0.85}
        frame |= {"prompt_weight_1": float(number < frames / 2), "prompt_weight_2": float(number >= frames / 2)}
        before = there
        rendered.append(frame)
    plan = {"version": 1, "seed": 3, "size": [256, 256], "key": "E flat major", "mood": "dark", "events": events, "notes": []}
    return {"options": {"output_fps": fps, "bpm": 120}, "rendered_frames": rendered, "motet": plan | told}


def shown(path: Path) -> npt.NDArray[np.int16]:
    """The luma of a film's pictures, as decoded."""
    with av.open(os.fspath(path)) as container:
        stream = container.streams.video[0]
        return np.stack([frame.to_ndarray()[: stream.height].astype(np.int16) for frame in container.decode(stream)])


def changes(lumas: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    """By how much each picture differs from the one before: the mean over the picture, of absolute differences."""
    found: npt.NDArray[np.float64] = np.abs(np.diff(lumas, axis=0, prepend=lumas[:1])).mean(axis=(1, 2))
    return found


def luma(document: dict[str, Any], **chosen: Any) -> npt.NDArray[np.int16]:
    return np.stack([picture.luma for picture in paint(document, **chosen)]).astype(np.int16)


@pytest.mark.parametrize("mood", MOODS)
@pytest.mark.parametrize("loud", [(1, 30), (60, 127)], ids=["soft", "loud"])
def test_each_event_is_the_greatest_change_around_it_in_the_finished_file(
    tmp_path: Path, mood: str, loud: tuple[int, int]
) -> None:
    chance = np.random.default_rng(7)
    events, frame = [], 5
    while frame < 90:
        drum = bool(chance.integers(2))
        events.append(
            event(
                frame,
                "drums" if drum else str(chance.choice(ROLES)),
                str(chance.choice(DRUMS)) if drum else "",
                int(chance.integers(30, 96)),
                int(chance.integers(*loud)),
            )
        )
        frame += int(chance.integers(4, 11))
    film(manifest(events, mood=mood), tmp_path / "film.mp4")
    change = changes(shown(tmp_path / "film.mp4"))
    for struck in (event["frame"] for event in events):
        others = np.r_[change[struck - 3 : struck], change[struck + 1 : struck + 4]]
        assert change[struck] > 1.25 * others.max()
        assert change[struck] > 2.0


def test_what_an_event_draws_is_at_its_fullest_at_once_and_fades() -> None:
    still, struck = luma(manifest([])), luma(manifest([event(40, drum="kick")]))
    added = np.abs(struck - still).mean(axis=(1, 2))
    assert not added[:40].any()
    assert added[40] > 5
    assert all(later < earlier for earlier, later in pairwise(added[40:56]))
    assert added[44] > 0.3 * added[40]


def test_without_events_the_picture_flows_gently_but_is_never_frozen() -> None:
    change = changes(luma(manifest([], frames=120)))[1:]
    assert change.min() > 0.02
    assert change.max() < 1.0


def test_notes_that_nothing_follows_only_glow() -> None:
    quiet, noted = manifest([]), manifest([], notes=[event(frame, "melody") for frame in range(4, 96, 7)])
    change = changes(luma(noted))[1:]
    assert change.max() < 1.0
    assert (luma(quiet) != luma(noted)).any()


@pytest.mark.parametrize("fps", [12, 24, 29.97002997, 60])
def test_fading_takes_as_long_at_any_rate(fps: float) -> None:
    documents = manifest([], fps=fps), manifest([event(6, drum="snare")], fps=fps)
    added = np.abs(np.subtract(*(luma(document) for document in documents))).mean(axis=(1, 2))
    half = next(number for number, value in enumerate(added[6:]) if value < added[6] / 2)
    assert 0.12 < half / fps < 0.35


def test_the_same_seed_paints_the_same_and_another_something_else() -> None:
    document = manifest([event(frame, "melody", pitch=50 + frame) for frame in range(5, 90, 9)])
    first, again, other = (luma(document, seed=seed, size=(64, 96)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.slow  # everything is compiled anew
def test_films_of_two_processes_are_the_same_bytes_whether_compiled_or_kept(tmp_path: Path) -> None:
    """What numba compiles now and what it loads later must agree to the last bit."""
    script = (
        "import sys; sys.path[:0] = sys.argv[1:3]; import pathlib, test_painter as t;"
        "struck = [t.event(f, r, pitch=40 + f) for f, r in enumerate(t.ROLES, 4)];"
        "t.film(t.manifest(struck, 24), pathlib.Path(sys.argv[3]), size=(64, 64))"
    )
    digests = set()
    for name in ("compiled.mp4", "kept.mp4"):
        path = tmp_path / name
        arguments = [sys.executable, "-c", script, str(Path(__file__).parent), *sys.path[:1], str(path)]
        subprocess.run(arguments, check=True, env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kept")})
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize("size", [(64, 64), (66, 98), (426, 240), (270, 480)])
def test_any_even_size_is_filled_to_its_corners(size: tuple[int, int]) -> None:
    *_, last = paint(manifest([event(2, drum="crash")], frames=6), size=size)
    assert last.size == size
    assert last.luma[:, [0, -1]].min() > 16
    assert last.rgb().shape == (size[1], size[0], 3)


def test_moods_look_clearly_unlike() -> None:
    """Mean colours of four moods differ by more than neighbouring sections of one film do."""
    events = [event(frame, "melody", pitch=60 + frame % 20) for frame in range(3, 40, 6)]

    def mean(mood: str) -> npt.NDArray[np.float64]:
        colours: npt.NDArray[np.float64] = [p.rgb() for p in paint(manifest(events, 40, mood=mood))][-1].mean(axis=(0, 1))
        return colours

    colours = [mean(mood) for mood in ("dark", "happy", "calm", "grand")]
    apart = [float(np.linalg.norm(one - other)) for number, one in enumerate(colours) for other in colours[:number]]
    assert min(apart) > 25


def test_the_tonic_chooses_the_hue_and_minor_is_darker() -> None:
    """Neighbours on the circle of fifths are closer in colour than opposites; E flat and D sharp are one key."""

    def hue(key: str) -> float:
        _, blue, red = palette(key, "").ground[1]
        return math.degrees(math.atan2(float(red) - 128, float(blue) - 128))

    def away(one: str, other: str) -> float:
        return abs((hue(one) - hue(other) + 180) % 360 - 180)

    assert away("C major", "G major") < away("C major", "D major") < away("C major", "F# major")
    assert hue("E flat major") == hue("D# major") == hue("Eb") == hue("E♭ maj")
    assert hue("A minor") == pytest.approx(hue("C major"), abs=12)
    assert palette("A minor", "").ground[:, 0].mean() < palette("C major", "").ground[:, 0].mean()
    assert (palette(None, "").ground == palette("nonsense", "unheard-of").ground).all()


def test_a_document_without_our_plan_shows_where_it_leaps() -> None:
    document = manifest([event(frame) for frame in (11, 30, 52, 75)])
    del document["motet"]
    change = changes(luma(document))
    assert sorted(np.argsort(change)[-4:]) == [11, 30, 52, 75]


@pytest.mark.parametrize(
    "reason, changed",
    [
        ("no_frames", {"rendered_frames": []}),
        ("no_frames", {"rendered_frames": [1]}),
        ("no_frames", {"rendered_frames": {"0": {}}}),
        ("bad_manifest", {"rendered_frames": [{"zoom": "much"}]}),
        ("bad_manifest", {"rendered_frames": [{"strength": float("nan")}]}),
        ("bad_manifest", {"rendered_frames": [{"noise": 10**400}]}),
        ("bad_manifest", {"options": {"output_fps": 0}}),
        ("bad_manifest", {"options": {"output_fps": float("inf")}}),
        ("bad_manifest", {"motet": []}),
        ("bad_manifest", {"motet": {"size": "large"}}),
        ("bad_manifest", {"motet": {"events": {}}}),
        ("bad_manifest", {"motet": {"events": [{"frame": "first"}]}}),
        ("bad_manifest", {"motet": {"events": [{"frame": 1, "duration": float("nan")}]}}),
        ("wrong_size", {"motet": {"size": [63, 64]}}),
        ("wrong_size", {"motet": {"size": [10**9, 64]}}),
    ],
)
def test_what_cannot_be_painted_says_why(tmp_path: Path, reason: str, changed: dict[str, Any]) -> None:
    document = manifest([], 3) | changed
    for attempt in (lambda: paint(document), lambda: film(document, tmp_path / "film.mp4")):
        with pytest.raises(VideoError) as caught:
            attempt()
        assert caught.value.reason == reason
    assert not list(tmp_path.iterdir())


@examples(max_examples=12)
@given(
    some.lists(
        some.fixed_dictionaries(
            {
                name: some.floats(-1e6, 1e6)
                for name in ("zoom_delta", "rotation_3d_x_delta", "translation_x_delta", "strength", "fov")
            }
        ),
        min_size=1,
        max_size=8,
    ),
    some.lists(some.tuples(some.integers(-3, 9), some.sampled_from(ROLES), some.integers(-500, 500)), max_size=12),
)
def test_no_numbers_lead_out_of_the_picture(frames: list[dict[str, Any]], struck: list[tuple[int, str, int]]) -> None:
    document = {
        "rendered_frames": frames,
        "motet": {"events": [event(frame, role, pitch=number, velocity=number) for frame, role, number in struck]},
    }
    pictures = list(paint(document, size=(64, 64)))
    assert len(pictures) == len(frames)
    assert all(picture.luma.min() >= 16 and picture.luma.max() <= 235 for picture in pictures)
    assert all(isinstance(picture, Picture) for picture in pictures)
