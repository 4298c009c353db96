"""Changes of a clip: all its parts alike, written down, undone on paper."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from film.numbered_films import RATE, clicks, film, numbers
from motet import midi
from motet.errors import UserError
from motet.film.clips import Change, Triple, apply, cut_picture, draw_changes, film_sound
from motet.film.clips.stretching import shifted, stretched
from motet.film.errors import FilmError
from motet.midi.events import META, NOTE_OFF, NOTE_ON, Events, write

Floats = npt.NDArray[np.float32]


def score(notes: int = 8, uneven: bool = True) -> bytes:
    """A note at every quarter note: melody and drums, under a tempo that wavers."""
    tempi = [(480 * n, META, b"\x51" + (500_000 + (37_123 * n % 90_001 if uneven else 0)).to_bytes(3)) for n in range(notes)]
    tracks = [tempi]
    for channel in (0, 9):
        events = []
        for n in range(notes):
            events += [(480 * n, NOTE_ON | channel, bytes((60 + n, 80))), (480 * n + 240, NOTE_OFF | channel, bytes((60 + n, 0)))]
        tracks.append(events)
    return write(Events(1, 480, tracks))


def onsets(data: bytes) -> npt.NDArray[np.float64]:
    whole = midi.read(data)
    moments: npt.NDArray[np.float64] = whole.tempo_map.to_seconds(np.sort(whole.notes["start"]))
    return moments


def tones(seconds: float, *pitches: float) -> Floats:
    time = np.arange(round(seconds * RATE)) / RATE
    wave = sum(0.2 * np.sin(2 * np.pi * pitch * time) for pitch in pitches)
    return np.stack([wave, 0.5 * wave], axis=1).astype(np.float32)


def pitch_of(sound: Floats) -> float:
    """Hz of the strongest partial."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 20))
    return float(np.argmax(spectrum) * RATE / (1 << 20))


@pytest.fixture(scope="module")
def triple(tmp_path_factory: pytest.TempPathFactory) -> Triple:
    folder = tmp_path_factory.mktemp("triple")
    path = film(folder / "film.mp4", 100, size=(160, 128))
    cut_picture(path, folder / "clip.mp4", start=0.0, end=4.0)
    sound, rate = film_sound(path, 0.0, 4.0, rate=None)
    return Triple(folder / "clip.mp4", sound, tones(4.0, 440, 660), rate, score())


@pytest.mark.parametrize("factor", [0.8, 0.93, 1.1, 1.5])
def test_stretched_tones_keep_their_pitch_and_their_strength(factor: float) -> None:
    sound = tones(2.0, 440, 659.3)
    longer = stretched(sound, RATE, factor)
    assert len(longer) == round(len(sound) * factor)
    middle = slice(RATE // 3, -RATE // 3)
    assert pitch_of(longer[middle, 0]) == pytest.approx(pitch_of(sound[middle, 0]), rel=3e-4)  # half a cent
    assert np.sqrt(np.mean(longer[middle] ** 2) / np.mean(sound[middle] ** 2)) == pytest.approx(1, abs=0.02)
    assert np.abs(longer[middle, 1] - 0.5 * longer[middle, 0]).max() < 1e-3  # the sides stay together
    # All of it lies on the two tones: what else there is lies 60 dB below.
    time = np.arange(len(longer[middle])) / RATE
    basis = np.stack([turn(2 * np.pi * pitch * time) for pitch in (440, 659.3) for turn in (np.sin, np.cos)], axis=1)
    kept = longer[middle, 0] - basis @ np.linalg.lstsq(basis, longer[middle, 0], rcond=None)[0]
    assert np.sum(kept**2) < 1e-6 * np.sum(longer[middle, 0] ** 2)


@pytest.mark.parametrize("factor", [0.8, 0.95, 1.1, 1.3])
def test_what_strikes_is_heard_once_and_at_its_moment(factor: float) -> None:
    longer = stretched(clicks(4.0)[:, None], RATE, factor)[:, 0]
    for click in range(1, 15):
        at = round(click * 0.25 * factor * RATE)
        around = np.abs(longer[at - 1000 : at + 1500])
        assert abs(int(np.argmax(around)) - 1000) < 0.004 * RATE
        assert np.abs(longer[at + 3000 : at + 5000]).max() < 0.2 * around.max()


@pytest.mark.parametrize("semitones", [-5, 2, 7])
def test_shifted_sound_is_as_long_as_it_was(semitones: int) -> None:
    sound = tones(1.5, 440)
    higher = shifted(sound, RATE, semitones)
    assert higher.shape == sound.shape
    assert pitch_of(higher[RATE // 4 : -RATE // 4, 0]) == pytest.approx(440 * 2 ** (semitones / 12), rel=5e-4)


@pytest.mark.parametrize("sound", [np.zeros((0, 1), np.float32), np.zeros((5, 2), np.float32), np.ones((1, 1), np.float32)])
def test_hardly_any_sound_is_stretched_too(sound: Floats) -> None:
    assert stretched(sound, RATE, 1.5).shape == (round(len(sound) * 1.5), sound.shape[1])
    assert shifted(sound, RATE, 3).shape == sound.shape


def test_a_stretch_moves_picture_sound_and_notes_alike(triple: Triple, tmp_path: Path) -> None:
    made = apply(triple, [Change("stretch", {"factor": 1.25})], to=tmp_path / "made.mp4")
    assert made.recording is not None
    assert made.midi is not None
    assert len(made.sound) == len(made.recording) == 5 * RATE
    assert np.abs(onsets(made.midi) - 1.25 * onsets(score())).max() < 1e-5
    shown = numbers(tmp_path / "made.mp4")
    assert shown == [int(n / 1.25 + 0.001) for n in range(125)]
    first = np.flatnonzero(np.abs(made.sound[:, 0]) > 0.2)
    assert any(abs(at / RATE - 1.25 * 0.5) < 0.005 for at in first)


@settings(max_examples=30, deadline=None)
@given(factor=st.floats(0.5, 2.0), seed=st.integers(0, 3))
def test_a_stretch_and_its_inverse_give_the_notes_back(factor: float, seed: int) -> None:
    plain = Triple(None, np.zeros((10, 1), np.float32), None, 1000, score(8 + seed))
    there = apply(plain, [Change("stretch", {"factor": factor})])
    back = apply(there, [Change("stretch", {"factor": min(max(1 / factor, 0.5), 2.0)})])
    assert back.midi is not None
    assert np.abs(onsets(back.midi) - onsets(score(8 + seed))).max() < 2e-5
    assert np.array_equal(midi.read(back.midi).notes, midi.read(score(8 + seed)).notes)


def test_a_transposition_moves_sound_and_notes_but_no_drums(triple: Triple, tmp_path: Path) -> None:
    made = apply(triple, [Change("transpose", {"semitones": 2})], to=tmp_path / "made.mp4")
    assert made.midi is not None
    assert made.recording is not None
    notes, before = midi.read(made.midi).notes, midi.read(score()).notes
    assert (notes["pitch"][~notes["is_drum"]] == before["pitch"][~before["is_drum"]] + 2).all()
    assert (notes["pitch"][notes["is_drum"]] == before["pitch"][before["is_drum"]]).all()
    assert pitch_of(made.recording[RATE:-RATE, 0]) / pitch_of(tones(4.0, 440, 660)[RATE:-RATE, 0]) == pytest.approx(
        2 ** (2 / 12), rel=1e-3
    )
    back = apply(replace(made, picture=None), [Change("transpose", {"semitones": -2})])
    assert back.midi is not None
    assert np.array_equal(midi.read(back.midi).notes, before)


def test_speech_is_mixed_under_the_film_sound_alone_and_can_be_taken_out(triple: Triple, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    speech = random.normal(0, 0.01, RATE).astype(np.float32)
    made = apply(triple, [Change("dialogue", {"level_db": -6.0, "at": 1.0})], to=tmp_path / "made.mp4", dialogue=(speech, RATE))
    added = made.sound - triple.sound
    assert not added[:RATE].any()
    assert not added[2 * RATE :].any()
    under = triple.sound[RATE : 2 * RATE]
    assert 10 * np.log10(np.mean(added[RATE : 2 * RATE] ** 2) / np.mean(under**2)) == pytest.approx(-6, abs=0.01)
    gain = made.changes[0].number("gain")
    assert np.abs(made.sound[RATE : 2 * RATE, 0] - np.float32(gain) * speech - under[:, 0]).max() < 1e-6
    assert made.recording is triple.recording
    assert made.midi == triple.midi


def test_louder_is_undone_by_softer(triple: Triple) -> None:
    plain = replace(triple, picture=None)
    there = apply(plain, [Change("gain", {"db": 6.0})])
    back = apply(there, [Change("gain", {"db": -6.0})])
    assert np.abs(there.sound).max() == pytest.approx(10 ** (6 / 20) * np.abs(plain.sound).max(), rel=1e-5)
    assert np.abs(back.sound - plain.sound).max() < 1e-6


def _first_picture(path: Path) -> npt.NDArray[np.uint8]:
    import av

    with av.open(str(path)) as container:
        picture: npt.NDArray[np.uint8] = next(container.decode(video=0)).to_ndarray(format="gray")
        return picture


def test_a_picture_is_cropped_and_flipped_where_it_says(triple: Triple, tmp_path: Path) -> None:
    assert triple.picture is not None
    crop = Change("crop", {"left": 0.25, "top": 0.5, "width": 0.5, "height": 0.5})
    made = apply(triple, [crop, Change("flip", {"axis": "horizontal"})], to=tmp_path / "made.mp4")
    told = made.changes[0]
    assert [told.number(name) for name in ("x", "y", "across", "down")] == [40, 64, 80, 64]
    whole = _first_picture(triple.picture).astype(int)
    assert np.abs(_first_picture(tmp_path / "made.mp4")[:, ::-1] - whole[64:, 40:120]).mean() < 2
    # What is flipped first is cropped as it is then seen.
    apply(triple, [Change("flip", {"axis": "horizontal"}), crop], to=tmp_path / "other.mp4")
    assert np.abs(_first_picture(tmp_path / "other.mp4") - whole[:, ::-1][64:, 40:120]).mean() < 2


def test_flipped_twice_is_as_before(triple: Triple, tmp_path: Path) -> None:
    flip = Change("flip", {"axis": "horizontal"})
    apply(triple, [flip, flip], to=tmp_path / "twice.mp4")
    assert numbers(tmp_path / "twice.mp4") == list(range(100))


def test_another_rate_lasts_as_long(triple: Triple, tmp_path: Path) -> None:
    made = apply(triple, [Change("retime", {"fps": 12.5})], to=tmp_path / "made.mp4")
    assert numbers(tmp_path / "made.mp4") == list(range(0, 100, 2))
    assert made.changes[0].values == {"fps": 12.5, "was": 25.0}
    assert len(made.sound) == len(triple.sound)


def test_the_same_changes_give_the_same_bytes(triple: Triple, tmp_path: Path) -> None:
    changes = draw_changes(random.Random(3), ["stretch", "transpose", "dialogue", "gain", "crop", "flip", "retime"])
    made = [apply(triple, changes, to=tmp_path / name, dialogue=(clicks(1.0), RATE)) for name in ("one.mp4", "two.mp4")]
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()
    assert made[0].midi == made[1].midi
    assert np.array_equal(made[0].sound, made[1].sound)
    assert [change.kind for change in made[0].changes] == [change.kind for change in changes]
    heard, _ = film_sound(tmp_path / "one.mp4", 0.0, 1.0, rate=None)
    assert np.corrcoef(heard[:, 0], made[0].sound[: len(heard), 0])[0, 1] > 0.9


def test_one_change_more_changes_none_before_it() -> None:
    three = draw_changes(random.Random(1), ["stretch", "crop", "gain"])
    assert draw_changes(random.Random(1), ["stretch", "crop"]) == three[:2]


@given(st.integers(0, 10_000))
def test_what_is_drawn_can_be_done(seed: int) -> None:
    drawn = draw_changes(random.Random(seed), ["stretch", "transpose", "gain", "crop", "flip", "retime"])
    small = Triple(None, np.zeros((100, 1), np.float32), None, 1000, None)
    assert len(apply(small, drawn).changes) == 6


def test_a_kind_that_there_is_not_is_the_mistake_of_a_user() -> None:
    with pytest.raises(UserError, match="warp"):
        draw_changes(random.Random(0), ["warp"])


@pytest.mark.parametrize(
    "change",
    [
        Change("stretch", {"factor": 0.0}),
        Change("stretch", {"factor": float("nan")}),
        Change("stretch", {}),
        Change("stretch", {"factor": "much"}),
        Change("transpose", {"semitones": 0.5}),
        Change("crop", {"left": 0.9, "top": 0.0, "width": 0.5, "height": 0.5}),
        Change("flip", {"axis": "time"}),
        Change("retime", {"fps": 1e9}),
        Change("wobble", {}),  # type: ignore[arg-type]
        Change("dialogue", {"level_db": 0.0, "at": 0.0}),
    ],
)
def test_a_change_that_cannot_be_done_is_refused(change: Change) -> None:
    plain = Triple(None, np.zeros((100, 1), np.float32), None, 1000, None)
    with pytest.raises(FilmError) as caught:
        apply(plain, [change])
    assert caught.value.reason in ("bad_change", "no_dialogue")


def test_a_picture_is_not_written_over_itself(triple: Triple) -> None:
    assert triple.picture is not None
    for to in (None, triple.picture):
        with pytest.raises(FilmError) as caught:
            apply(triple, [Change("flip", {"axis": "horizontal"})], to=to)
        assert caught.value.reason == "nowhere"
