"""What training data is made with: splits, golden subsets, labels, spectrograms, fitted sound, notes."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import librosa
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from motet import UserError
from motet.audio import models
from motet.audio.errors import Unusable
from motet.export import manifests
from motet.inventory.datasets import known
from motet.inventory.preparing import notes, sound, splitting
from motet.inventory.preparing.choosing import Golden, spread_by
from motet.inventory.preparing.labelling import columns, labels, published_values, shaping
from motet.inventory.preparing.mels import BLOCK, Mel, log_mel, wrong
from motet.inventory.preparing.recognising import Place, seen
from toys.midi import song

KNOWN = known()
SHARES = (0.8, 0.1, 0.1)
GROUPS = st.sets(st.text(min_size=1, max_size=8), max_size=40)


def split_of(groups: set[str], seed: int = 0) -> dict[str, splitting.Split]:
    by_name = {group: splitting.assigned(group, SHARES, seed) for group in groups}
    return splitting.repaired(sorted(groups), by_name, SHARES, seed)


# --- splits ----------------------------------------------------------------------------------------------------------


@given(GROUPS, st.integers(0, 5))
def test_three_groups_or_more_leave_no_split_empty(groups: set[str], seed: int) -> None:
    splits = split_of(groups, seed)
    assert splits.keys() == groups
    if len(groups) >= 3:
        assert set(splits.values()) == set(splitting.SPLITS)


@given(GROUPS, GROUPS)
def test_groups_that_arrive_move_none_where_no_split_was_empty(here: set[str], later: set[str]) -> None:
    by_name = {group: splitting.assigned(group, SHARES, 0) for group in here}
    if set(by_name.values()) == set(splitting.SPLITS):
        after = split_of(here | later)
        assert {group: after[group] for group in here} == by_name == split_of(here)


def test_shares_are_kept_and_another_seed_draws_otherwise() -> None:
    groups = {f"actor {number}" for number in range(3000)}
    splits = split_of(groups)
    shares = Counter(splits.values())
    assert [shares[name] / len(groups) for name in splitting.SPLITS] == pytest.approx(SHARES, abs=0.02)
    assert split_of(groups, 1) != splits


def test_a_group_that_is_settled_is_not_moved_to_fill_a_split() -> None:
    train: dict[str, splitting.Split] = dict.fromkeys(("a", "b", "c", "d"), "train")
    filled = splitting.repaired(train, train, SHARES, 0, settled={"a", "b"})
    assert (filled["a"], filled["b"]) == ("train", "train")
    assert {filled["c"], filled["d"]} == {"validation", "test"}


@pytest.mark.parametrize(
    ("word", "split"), [("Training", "train"), ("valid", "validation"), ("dev", "validation"), ("TEST", "test"), ("x", None)]
)
def test_the_publishers_words_for_splits(word: str, split: str | None) -> None:
    assert splitting.published(word) == split


def test_leaks_are_groups_in_several_splits() -> None:
    pairs = [("a", "test"), ("a", "train"), ("b", "train"), ("b", "train")]
    assert splitting.leaks(pairs) == {"a": ("train", "test")}


# --- golden ----------------------------------------------------------------------------------------------------------


def golden(files: dict[str, str], size: int) -> frozenset[str]:
    """Of content -> emotion."""
    drawn = Golden(size, seed=0)
    for content, emotion in files.items():
        drawn.see(KNOWN["ravdess-speech"], {"emotion": emotion}, content)
    return drawn.chosen().get("ravdess-speech", frozenset())


@given(
    st.dictionaries(st.text(min_size=1, max_size=6), st.sampled_from(["sad", "happy", "calm"]), max_size=60), st.integers(0, 9)
)
def test_a_golden_subset_takes_each_label_in_turn_in_any_order(files: dict[str, str], size: int) -> None:
    chosen = golden(files, size)
    assert chosen == golden(dict(reversed(files.items())), size)
    assert len(chosen) == min(size, len(files))
    taken = Counter(files[content] for content in chosen)
    held = Counter(files.values())
    for emotion, number in taken.items():
        assert all(taken[other] >= min(number - 1, held[other]) for other in held), emotion


def test_what_a_golden_subset_is_spread_over() -> None:
    assert [spread_by(KNOWN[name]) for name in ("ravdess-speech", "groove", "gtzan", "maestro")] == [
        "emotion",
        "style",
        "genre",
        "composer",
    ]


# --- labels ----------------------------------------------------------------------------------------------------------


def place(name: str, *paths: str) -> Place:
    """Where the first path belongs, among all of them."""
    found = seen(paths, {name: KNOWN[name]}).place(paths[0])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("dataset", "path", "told"),
    [
        ("crema-d", "CREMA-D/AudioWAV/1001_DFA_ANG_HI.wav", {"actor": "1001", "emotion": "angry", "intensity": "high"}),
        ("tess", "TESS/OAF_Fear/OAF_youth_fear.wav", {"emotion": "fearful", "speaker": "older woman", "word": "youth"}),
        ("gtzan", "genres/blues/blues.00007.wav", {"genre": "blues"}),
        ("ravdess-song", "x/Actor_24/03-02-05-02-01-02-24.wav", {"emotion": "angry", "intensity": "strong", "actor": "24"}),
    ],
)
def test_labels_of_the_published_layouts(dataset: str, path: str, told: dict[str, str]) -> None:
    found = labels(place(dataset, path), {})
    assert {name: found.get(name) for name in told} == told


def test_labels_of_an_index_whatever_the_case_of_its_paths() -> None:
    take = "2018/MIDI-Unprocessed_Chamber3_MID--AUDIO_10_R3_2018"
    table = (
        "canonical_composer,canonical_title,split,year,midi_filename,audio_filename,duration\n"
        f"Alban Berg,Sonata Op. 1,train,2018,{take}.midi,{take}.wav,698.6\n"
    )
    rows = columns(table.encode(), KNOWN["maestro"])
    for path in (f"maestro/{take}.midi", f"maestro/{take.upper()}.MIDI", f"maestro/{take}.wav"):
        told = labels(place("maestro", path, "maestro/maestro-v3.0.0.csv"), rows)
        assert (told["composer"], told["title"], told["split"]) == ("Alban Berg", "Sonata Op. 1", "train")
    assert published_values(KNOWN["maestro"], "title", [rows]) == {"Sonata Op. 1"}


def test_every_actor_that_is_published_is_known_before_its_files_come() -> None:
    assert published_values(KNOWN["ravdess-speech"], "actor", []) == {f"{number:02}" for number in range(1, 25)}


def test_only_what_shapes_labels_enters_a_key() -> None:
    groove = KNOWN["groove"]
    assert shaping(groove.model_copy(update={"about": "x", "citation": "y", "downloads": (), "traps": ()})) == shaping(groove)
    for changed in (
        {"labels": {**groove.labels, "bpm": groove.labels["style"]}},
        {"labels": dict(reversed(groove.labels.items()))},
        {"disjoint_by": "session"},
        {"published_split": ""},
    ):
        assert shaping(groove.model_copy(update=changed)) != shaping(groove)


# --- sound and spectrograms ------------------------------------------------------------------------------------------


def wav(samples: npt.NDArray[np.float64], rate: int = 22050, kind: str = "WAV") -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=kind)
    return stream.getvalue()


def fit(rate: int = 0, channels: int = 1, shortest: float = 0.0, longest: float = 30.0, too_long: str = "trim") -> sound.Fit:
    return sound.Fit(rate, channels, shortest, longest, too_long)  # type: ignore[arg-type]


NOISE = np.random.default_rng(1).uniform(-0.5, 0.5, (70_000, 2))


def test_a_spectrogram_made_in_blocks_is_librosas(tmp_path: Path) -> None:
    mel = Mel(n_mels=32, n_fft=512, hop=16, fmin=30.0, fmax=0.0, log="db")
    with sound.read(wav(NOISE), fit(), tmp_path) as heard:
        told = log_mel(heard.samples, heard.rate, mel)
        assert told.shape[1] > 2 * BLOCK
        mono = sound.flattened(np.asarray(heard.samples))
    power = librosa.feature.melspectrogram(
        y=mono, sr=22050, n_fft=512, hop_length=16, n_mels=32, fmin=30.0, center=True, pad_mode="constant"
    )
    assert told == pytest.approx(10 * np.log10(np.maximum(power, 1e-10)), abs=1e-3)


def test_a_spectrogram_that_cannot_be_made_is_told() -> None:
    assert wrong(Mel(128, 2048, 512, 0, 0, "db"), 22050) == ""
    assert wrong(Mel(128, 256, 128, 0, 0, "db"), 22050).endswith("mel bands are narrower than a bin of n_fft 256 at 22,050 Hz")
    assert wrong(Mel(40, 2048, 512, 9000, 8000, "db"), 22050) == "fmin 9000 Hz is not below fmax, 8000 Hz"


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
def test_any_format_is_resampled_and_fitted(kind: str, tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    with sound.read(wav(np.stack([tone, tone], 1), 44100, kind), fit(16000), tmp_path) as heard:
        assert (heard.rate, heard.samples.shape[1], heard.raw_rate, heard.raw_channels) == (16000, 1, 44100, 2)
        assert heard.seconds == pytest.approx(1.0, abs=0.1)
        spectrum = np.abs(np.fft.rfft(heard.samples[2000:14000, 0]))
        assert np.argmax(spectrum) * 16000 / 12000 == pytest.approx(440, abs=2)


def test_a_stored_recording_is_what_was_heard_to_half_a_step(tmp_path: Path) -> None:
    with sound.read(wav(NOISE), fit(channels=2), tmp_path) as heard:
        for form in ("flac", "wav"):
            data, clipped = sound.stored(heard, form)
            again, rate = soundfile.read(io.BytesIO(data), dtype="float32")
            assert (rate, clipped) == (22050, 0)
            assert np.abs(again - heard.samples).max() <= 0.5001 / (1 << 15)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"RIFF no sound", "unreadable"),
        (wav(NOISE[:0]), "no_sound"),
        (wav(NOISE[:2000]), "too_short"),
        (wav(NOISE), "too_long"),
        (wav(NOISE, 500), "unreadable"),
    ],
)
def test_recordings_that_give_nothing(data: bytes, reason: str, tmp_path: Path) -> None:
    with (
        pytest.raises(Unusable) as told,
        sound.read(data, fit(shortest=0.5, longest=2.0, too_long="drop"), tmp_path),
    ):
        pass
    assert told.value.reason == reason


# --- embeddings and notes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [np.zeros((2, 2, 2)), np.zeros(0), np.array([np.nan]), np.array(["x"])])
def test_what_is_no_embedding_is_not_taken(told: npt.NDArray[np.float64]) -> None:
    with pytest.raises(Unusable) as error:
        models.embedded(lambda samples, rate: told, np.zeros(10, np.float32), 8000)
    assert error.value.reason == "no_embedding"


def test_a_models_digest_changes_with_its_weights(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx, which writes the model of this test, is not installed")
    pytest.importorskip("onnxruntime", reason="onnxruntime, which runs ONNX models, is not installed")
    floats = onnx.TensorProto.FLOAT
    samples, told = (onnx.helper.make_tensor_value_info(name, floats, ["n"]) for name in ("samples", "told"))
    graph = onnx.helper.make_graph([onnx.helper.make_node("Abs", ["samples"], ["told"])], "one", [samples], [told])
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    made.ir_version = 8
    model = tmp_path / "abs.onnx"
    onnx.save(made, model)
    alone = models.digest(str(model))
    (tmp_path / "abs.onnx.data").write_bytes(b"weights")
    beside = models.digest(str(model))
    (tmp_path / "abs.onnx.data").write_bytes(b"others")
    assert len({alone, beside, models.digest(str(model))}) == 3
    heard = models.embedded(models.load(str(model)), np.array([-1, 2], np.float32), 8000)
    assert heard.tolist() == [1, 2]


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime, which runs ONNX models, is not installed")
    with pytest.raises(UserError, match=r"is not there: correct the path\."):
        models.load(str(tmp_path / "none.onnx"))
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(UserError, match=r"cannot be loaded .*: give another file\."):
        models.load(str(tmp_path / "bad.onnx"))


def test_notes_in_seconds_with_equal_bytes_for_equal_notes() -> None:
    table = notes.notes(song(1))
    assert table.dtype.names == ("onset", "offset", "pitch", "velocity", "program", "drum", "track")
    assert list(table["onset"]) == sorted(table["onset"])
    assert (table["offset"] - table["onset"]) == pytest.approx(400 / 480 / 2)
    assert Counter(table["drum"].tolist()) == {False: 24, True: 12}
    for form in ("parquet", "npy"):
        assert notes.encoded(table, form) == notes.encoded(notes.notes(song(1)), form)


# --- manifests -------------------------------------------------------------------------------------------------------


def sample(number: int, group: str, split: str, by: str = "group", **labels: str) -> manifests.Sample:
    return manifests.Sample(
        id=f"{number:04}",
        dataset="toy",
        part="speech",
        raw=f"toy/{number}.wav",
        sha256=f"{number:064x}",
        split=split,
        split_by=by,
        published_split="",
        group=group,
        golden=False,
        licence="CC0-1.0",
        licence_url="",
        labels=labels,
        seconds=1.0,
        files={},
    )


def test_a_manifest_whose_lists_share_a_group_is_not_written(tmp_path: Path) -> None:
    shared = [sample(1, "actor 1", "train"), sample(2, "actor 1", "test")]
    for write in (
        lambda: manifests.write(lambda: shared, tmp_path),
        lambda: manifests.shards(lambda: shared, lambda path: b"", tmp_path, 1),
    ):
        with pytest.raises(UserError, match=r"actor 1 is in train and in test: build the dataset again\."):
            write()
    assert list(tmp_path.iterdir()) == []


def test_equal_content_in_two_lists_is_told(tmp_path: Path) -> None:
    twice = [sample(1, "actor 1", "train"), sample(1, "actor 2", "test")]
    _, remarks = manifests.write(lambda: twice, tmp_path)
    assert remarks == ["1 file of the same content as one in another list, under another group."]


def test_a_label_that_is_called_as_a_column_gets_another_name(tmp_path: Path) -> None:
    manifests.write(lambda: [sample(1, "a", "train", seconds="x", mood="calm")], tmp_path)
    head = (tmp_path / "train.csv").read_text().splitlines()[0].split(",")
    assert head[-2:] == ["mood", "label_seconds"]


def test_shards_are_no_larger_than_wanted_but_for_a_sample_that_is(tmp_path: Path) -> None:
    samples = [sample(number, f"actor {number}", "train") for number in range(9)]
    with_files = [manifests.Sample(**{**one.__dict__, "files": {"audio": f"{one.id}.flac"}}) for one in samples]
    sizes = {f"{number:04}.flac": 400_000 for number in range(9)} | {"0004.flac": 1_500_000}
    files, remarks = manifests.shards(lambda: with_files, lambda path: bytes(sizes[path]), tmp_path, 1)
    lengths = [(tmp_path / name).stat().st_size for name in files]
    assert [length > 1_000_000 for length in lengths] == [False, False, True, False, False]
    assert remarks == ["1 sample alone larger than 1 MB: a shard of its own for each."]
