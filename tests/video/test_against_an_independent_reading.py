"""Frames fall where mido, exact fractions and an eye that knows nothing of the painter say they should."""

import random
from collections import Counter
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
from bench import video_songs
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from motet import midi
from motet.video import mapping, painter, sync, windows
from motet.video.errors import VideoError
from video import independent

RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(30_000, 1001)]
ROLES = ("melody", "bass", "chords", "pad")
REAL = 25


@pytest.fixture(scope="module")
def songs() -> list[video_songs.Song]:
    return video_songs.songs()


def roles_of(score: midi.Score) -> list[str]:
    return ["drums" if track.is_drum else ROLES[k % 4] for k, track in enumerate(score.symusic.tracks)]


def plan(score: midi.Score, window: windows.Window, fps: Fraction = Fraction(24), named: str = "full-song") -> dict[str, Any]:
    return mapping.plan(
        score,
        roles_of(score),
        window,
        mapping.read(named),
        fps=fps,
        size=(256, 256),
        theme=None,
        mood="happy",
        key=None,
        tempo=120.0,
        random=random.Random(0),
    )


def written(*tracks: list[Any], division: int = 480, form: int = 1) -> bytes:
    song = mido.MidiFile(type=form, ticks_per_beat=division)
    song.tracks.extend(mido.MidiTrack(track) for track in tracks)
    data = BytesIO()
    song.save(file=data)
    return data.getvalue()


def on(time: int, velocity: int = 100) -> mido.Message:
    return mido.Message("note_on", note=60, velocity=velocity, time=time)


def tempo(us: int, time: int = 0) -> mido.MetaMessage:
    return mido.MetaMessage("set_tempo", tempo=us, time=time)


# The reading that judges


def test_time_runs_on_through_meta_events_and_tempi_of_any_track() -> None:
    first = [tempo(500_000), tempo(1_000_000, time=960)]
    second = [mido.MetaMessage("lyrics", text="la", time=480), on(240), on(480, velocity=0), on(480)]
    assert [(onset.tick, onset.seconds) for onset in independent.onsets(written(first, second))] == [
        (720, Fraction(3, 4)),
        (1680, Fraction(5, 2)),
    ]


def test_smpte_time_counts_frames() -> None:
    assert [onset.seconds for onset in independent.onsets(written([tempo(250_000), on(1000)], division=-25 * 256 + 40))] == [1]


def test_several_songs_in_one_file_have_no_one_clock() -> None:
    with pytest.raises(independent.Unfit, match="type 2"):
        independent.onsets(written([on(0)], [on(0)], form=2))


@given(st.fractions(0, 10_000), st.sampled_from(RATES))
def test_the_nearest_frame_is_within_half_a_frame(seconds: Fraction, fps: Fraction) -> None:
    frame = independent.nearest_frame(seconds, fps)
    assert -Fraction(1, 2) <= seconds * fps - frame < Fraction(1, 2)


@given(st.lists(st.integers(0, 60), max_size=8), st.lists(st.integers(0, 60), max_size=8))
def test_pairs_use_up_the_shorter_side_in_order(mine: list[int], other: list[int]) -> None:
    found = independent._in_order(sorted(mine), sorted(other))
    assert len(found) == min(len(mine), len(other))
    assert found == sorted(found)
    assert len({i for i, _ in found}) == len({j for _, j in found}) == len(found)


def test_the_method_of_the_seed_is_as_wrong_as_it_was() -> None:
    slow = written([tempo(666_667), on(480 * 7), on(0, velocity=0)])
    with pytest.raises(ValueError, match="velocity 0"):
        independent.seed_frames(slow, Fraction(24))
    late = independent.onsets(slow)[0].seconds - Fraction(independent.seed_frames(slow, Fraction(24), forgiving=True)[0], 24)
    assert float(late) == pytest.approx(7 * (0.666667 - 0.5), abs=1 / 48)  # 1.167 s, as was measured
    two = written([on(0), on(3600)], [on(0)])
    assert independent.seed_frames(two, Fraction(24)) == [0, 90, 90]  # the third note is 3.75 s late
    assert [onset.seconds for onset in independent.in_messages(two)] == [0, Fraction(15, 4), 0]


def test_a_passage_cut_out_sounds_as_it_did(songs: list[video_songs.Song]) -> None:
    for song in songs:
        reading = independent.read(song.data)
        start = reading.onsets[len(reading.onsets) // 2].tick
        begun = reading.clock.seconds(start)
        cut = independent.onsets(independent.excerpt(song.data, start, start + 4000))
        kept = [onset for onset in reading.onsets if start <= onset.tick < start + 4000]
        assert [(one.pitch, one.seconds) for one in cut] == [(one.pitch, one.seconds - begun) for one in kept], song.name


# The eye that judges


def test_the_eye_finds_every_square_and_nothing_else(tmp_path: Path) -> None:
    events = [5, 9, 20, 24, 48, 60, 75, 76, 90]
    independent.squares(tmp_path / "squares.mp4", events, 110)
    judged = independent.judge(events, independent.changes(tmp_path / "squares.mp4"), tolerance=0)
    assert (judged.judged, judged.excluded, judged.precision, judged.recall) == (7, 2, 1.0, 1.0)


def test_the_eye_sees_that_a_film_is_late(tmp_path: Path) -> None:
    events = list(range(6, 100, 12))
    independent.squares(tmp_path / "late.mp4", [frame + 4 for frame in events], 110)
    judged = independent.judge(events, independent.changes(tmp_path / "late.mp4"))
    assert (judged.seen, judged.false, judged.f1) == (0, len(events), 0.0)


def drifting(k: int) -> NDArray[np.uint8]:
    across, down = np.meshgrid(np.arange(128), np.arange(128))
    return (128 + 60 * np.sin((across + 3 * k) / 9) * np.cos((down - k) / 13)).astype(np.uint8)


def noisy(k: int) -> NDArray[np.uint8]:
    return np.random.default_rng(k).integers(80, 120, (128, 128)).astype(np.uint8)


@pytest.mark.parametrize("paint", [None, drifting, noisy])
def test_the_eye_sees_no_event_where_there_is_none(tmp_path: Path, paint: Any) -> None:
    independent.squares(tmp_path / "still.mp4", [], 96, paint)
    assert independent.changes(tmp_path / "still.mp4") == []


def test_the_eye_finds_squares_on_a_moving_ground(tmp_path: Path) -> None:
    events = [10, 17, 30, 44, 52, 70]
    independent.squares(tmp_path / "moving.mp4", events, 90, drifting)
    assert independent.changes(tmp_path / "moving.mp4") == events


# The songs


def test_fifty_songs_last_20_to_60_seconds_and_read_alike(songs: list[video_songs.Song]) -> None:
    assert len({song.name for song in songs}) == len({song.data for song in songs}) == 50
    assert songs == video_songs.songs()
    for song in songs:
        heard = independent.onsets(song.data)
        assert 20 <= heard[-1].seconds <= 60, (song.name, float(heard[-1].seconds))
        score = midi.read(song.data)
        starts = score.tempo_map.to_seconds(score.notes["start"]).tolist()
        mine = sorted(zip(starts, score.notes["pitch"].tolist(), strict=True))
        assert [pitch for _, pitch in mine] == [onset.pitch for onset in sorted(heard, key=lambda one: (one.seconds, one.pitch))]
        assert [at for at, _ in mine] == pytest.approx([float(onset.seconds) for onset in heard], abs=1e-9), song.name


# Motet's plans and films


def check_plan(data: bytes, window: windows.Window, manifest: dict[str, Any], fps: Fraction) -> Counter[str]:
    """That every mapped note of a plan is an onset of mido's and stands at its nearest frame; what only one of them has."""
    reading = independent.read(data)
    start, end = reading.clock.seconds(window.start_tick), reading.clock.seconds(window.end_tick)
    frames = -((start - end) * fps // 1)
    assert len(manifest["rendered_frames"]) == frames
    notes = [*manifest["motet"]["events"], *manifest["motet"].get("notes", [])]
    planned = [independent.Planned(note["pitch"], note["velocity"], note["frame"], bool(note["fields"])) for note in notes]
    heard = [
        (onset, frame)
        for onset in reading.onsets
        if window.start_tick <= onset.tick < window.end_tick
        for frame in [independent.nearest_frame(onset.seconds - start, fps)]
        if frame < frames
    ]
    counts: Counter[str] = Counter()
    for note, onset, frame in independent.pairs(planned, heard):
        if note and onset:
            assert note.frame == frame
            assert abs(note.frame - (onset.seconds - start) * fps) <= Fraction(1, 2)
            counts["mapped" if note.mapped else "not in the mapping"] += 1
        else:
            counts["Motet alone" if note else "mido alone"] += 1
    return counts


@pytest.mark.parametrize("fps", RATES, ids=str)
def test_planned_frames_are_the_nearest_to_the_onsets(songs: list[video_songs.Song], fps: Fraction) -> None:
    for song in songs:
        score = midi.read(song.data)
        found = windows.windows(score, seconds=8.0)
        window = found[len(found) // 2]  # one that does not begin with the file
        counts = check_plan(song.data, window, plan(score, window, fps), fps)
        assert counts["mapped"], song.name
        assert not counts["Motet alone"], song.name
        assert not counts["mido alone"], song.name


@pytest.mark.shared
def test_planned_frames_of_real_files(shared: Path) -> None:
    kinds = {".mid", ".midi", ".kar", ".rmi"}
    folders = ("lakh-layout", "pop909", "artist-title", "odd")
    files = [path for name in folders for path in sorted((shared / "midi" / name).rglob("*")) if path.suffix.lower() in kinds]
    counts: Counter[str] = Counter()
    for path in random.Random(1).sample(files, REAL):
        data = path.read_bytes()
        try:
            score = midi.read(data)
            independent.read(data)
            found = windows.windows(score, seconds=16.0)[1:2]
            plans = [plan(score, window) for window in found]
        except (midi.Unreadable, independent.Unfit, VideoError) as error:
            counts[f"refused: {type(error).__name__}"] += 1
            continue
        counts["planned"] += bool(plans)
        for window, manifest in zip(found, plans, strict=True):
            counts += check_plan(data, window, manifest, Fraction(24))
    print(counts)
    # Notes that never end are left out of a score, and mido hears them begin.
    assert counts["Motet alone"] == 0
    assert counts["mido alone"] <= 0.01 * counts["mapped"]
    assert counts["planned"] >= 0.8 * REAL


@pytest.mark.parametrize("name", ["ninety in two tracks", "turns inside notes", "six eight, slow", "swing"])
def test_an_independent_eye_sees_the_events_of_a_painted_film(songs: list[video_songs.Song], tmp_path: Path, name: str) -> None:
    data = next(song.data for song in songs if song.name == name)
    score = midi.read(data)
    manifest = plan(score, windows.windows(score, seconds=8.0)[0], named="v2midi")
    painter.film(manifest, tmp_path / "film.mp4")
    events = [event["frame"] for event in manifest["motet"]["events"]]
    judged = independent.judge(events, independent.changes(tmp_path / "film.mp4"))
    assert judged.judged >= 5
    assert judged.f1 >= 0.9
    assert sync.check(tmp_path / "film.mp4", manifest).to_dict()
