"""What models hear: descriptions, windows, spectrograms, and the rule that makes tags of a model's numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from motet import UserError
from motet.audio.errors import Unusable
from motet.audio.tagging import Tagger, digest, load, nothing
from motet.audio.tagging.classifier import activated
from motet.audio.tagging.description import Mel
from motet.audio.tagging.naming import named
from motet.audio.tagging.windows import cut, log_mel, starts

Array = npt.NDArray[np.float32]

RATE = 8000
LOUD = np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE, dtype=np.float32) * np.float32(0.8)
QUIET = LOUD * np.float32(0.01)


def describe(folder: Path, name: str = "tagger", **fields: Any) -> Path:
    """A description of a function, unless the fields say otherwise."""
    told = {
        "kind": "function", "model": "heard_by_tests:level", "labels": ["Hip Hop", "ambient"], "rate": RATE, "seconds": 0.5,
        "licence": "CC0-1.0",
    } | fields  # fmt: skip
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in told.items() if value is not None}))
    return path


@pytest.fixture(autouse=True)
def functions(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of this file, as a user's module."""
    folder = tmp_path_factory.mktemp("module")
    (folder / "heard_by_tests.py").write_text(
        "import numpy as np\n"
        "def level(samples, rate):\n    p = float(np.clip(np.abs(samples).max(), 0, 1))\n    return np.array([p, 1 - p])\n"
        "def steps(samples, rate):\n    return np.tile([[0.2, 0.6]], (5, 1))\n"
        "def nan(samples, rate):\n    return np.array([np.nan, 0.0])\n"
        "def nan_of_silence(samples, rate):\n    return np.array([0.5, 0.5]) / (1.0 if samples.any() else np.nan)\n"
        "def raises(samples, rate):\n    raise RuntimeError('no such layer')\n"
        "def raises_at_silence(samples, rate):\n    assert samples.any(), 'silence'\n    return np.array([1.0, 0.0])\n"
        "def three(samples, rate):\n    return np.zeros(3)\n"
        "def logits(samples, rate):\n    return np.array([4.0, -4.0])\n"
        "def shape(array, rate):\n    assert array.shape == (40, 51), array.shape\n    return np.array([1.0, 0.0])\n"
        "number = 3\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(__import__("sys").modules, "heard_by_tests", raising=False)


def told(tagger: Tagger, sound: Array, rate: int = RATE) -> list[tuple[str, str, float, float]]:
    return [(tag.name, tag.kind, round(tag.weight, 3), round(tag.confidence, 3)) for tag in tagger.tags(sound, rate)]


# --- a function ------------------------------------------------------------------------------------------------------


def test_a_function_of_ones_own_names_tags_in_the_vocabularys_spelling(tmp_path: Path) -> None:
    tagger = load(describe(tmp_path))
    assert told(tagger, LOUD) == [("hip hop", "genre", 1.0, 0.8)]
    assert told(tagger, QUIET) == [("ambient", "genre", 1.0, 0.992)]
    assert tagger.tags(LOUD, RATE)[0].source == "tagger"
    assert (tagger.licence, tagger.left_empty) == ("CC0-1.0", "tagger: no label reached 0.5")


def test_other_rates_are_brought_to_the_models(tmp_path: Path) -> None:
    high = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100, dtype=np.float32) * np.float32(0.8)
    assert told(load(describe(tmp_path)), high, 44100)[0][:3] == ("hip hop", "genre", 1.0)


def test_confidence_is_the_mean_times_the_share_of_windows_that_agree(tmp_path: Path) -> None:
    # Of four windows of half a second three are loud: mean 0.6025, of which three quarters agree.
    sound = np.concatenate([LOUD[: 3 * RATE // 2], QUIET[: RATE // 2]])
    assert told(load(describe(tmp_path)), sound) == [("hip hop", "genre", 1.0, round((3 * 0.8 + 0.008) / 4 * 0.75, 3))]


def test_weights_are_shares_of_the_heaviest_of_the_kind_and_only_the_most_are_told(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"model": "heard_by_tests:steps", "threshold": 0.1}
    assert told(load(describe(tmp_path, **fields)), LOUD) == [
        ("ambient", "genre", 1.0, 0.6),
        ("hip hop", "genre", round(0.2 / 0.6, 3), 0.2),
    ]
    assert [tag[0] for tag in told(load(describe(tmp_path, most=1, **fields)), LOUD)] == ["ambient"]
    both = load(describe(tmp_path, most=1, tag_kind={"Hip Hop": "genre", "ambient": "mood"}, **fields))
    assert [tag[:3] for tag in told(both, LOUD)] == [("ambient", "mood", 1.0), ("hip hop", "genre", 1.0)]


def test_without_a_model_nothing_is_told_but_why() -> None:
    tagger = nothing("tags: no model was named")
    assert tagger.tags(LOUD, RATE) == []
    assert tagger.left_empty == "tags: no model was named"


@pytest.mark.parametrize("activation, first", [("sigmoid", 1 / (1 + np.exp(-4))), ("softmax", 1 / (1 + np.exp(-8)))])
def test_logits_become_values(activation: str, first: float, tmp_path: Path) -> None:
    tagger = load(describe(tmp_path, model="heard_by_tests:logits", activation=activation))
    assert tagger.tags(LOUD, RATE)[0].confidence == pytest.approx(first)


@given(st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=6), st.sampled_from(("sigmoid", "softmax")))
def test_an_activation_gives_values_of_0_to_1_whatever_comes(numbers: list[float], activation: str) -> None:
    values = activated(np.array([numbers]), activation)
    assert ((values >= 0) & (values <= 1)).all()
    assert activation == "sigmoid" or values.sum() == pytest.approx(1)


# --- labels ----------------------------------------------------------------------------------------------------------


def names(labels: Sequence[str], **more: Any) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(one.name, one.kind, one.outputs) for one in named(labels, more.get("told"), more.get("leave_out", ()))]


def test_two_labels_may_be_one_tag_and_one_label_two() -> None:
    assert names(["Hip Hop", "happy", "hip-hop"]) == [("hip hop", "genre", (0, 2)), ("happy", "mood", (1,))]
    assert sorted(names(["Electronic---House"])) == [("electronic", "genre", (0,)), ("house", "genre", (0,))]


def test_labels_with_their_kind_before_them_are_of_that_kind() -> None:
    assert (
        names(["mood/theme---dark", "instrument---beat"]) == [("dark", "mood", (0,)), ("beat", "instrument", (1,))]
        or names(["mood/theme---dark"])[0][1] == "mood"
    )


def test_what_the_user_says_of_a_kind_is_truer_than_the_vocabulary() -> None:
    assert names(["ambient"], told="mood") == [("ambient", "mood", (0,))]
    assert names(["ambient", "drums"], told={"ambient": "mood"}) == [("ambient", "mood", (0,)), ("drums", "instrument", (1,))]


def test_labels_that_are_no_tags_are_left_out_and_others_never_vanish() -> None:
    assert names(["happy", "non_happy"], leave_out=["non_happy"]) == [("happy", "mood", (0,))]
    assert names(["favourites"]) == [("favourites", "other", (0,))]  # a crowd's tag of this kind would be removed
    with pytest.raises(UserError, match="has no word in it: name it under leave_out"):
        names(["?!"])


def test_chances_that_exclude_each_other_add_up(tmp_path: Path) -> None:
    two: dict[str, Any] = {"model": "heard_by_tests:logits", "labels": ["hip hop", "hip-hop "], "activation": "softmax"}
    assert load(describe(tmp_path, **two)).tags(LOUD, RATE)[0].confidence == pytest.approx(1)
    assert load(describe(tmp_path, **two | {"activation": "sigmoid"})).tags(LOUD, RATE)[0].confidence < 0.99


@pytest.mark.parametrize("name, text", [("a.txt", "\ufeffHip Hop\r\nambient\r\n\r\n"), ("a.json", '["Hip Hop", "ambient"]'),
                                        ("b.json", '{"classes": ["Hip Hop", "ambient"]}')])  # fmt: skip
def test_labels_may_lie_in_a_file_beside(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert told(load(describe(tmp_path, labels=None, labels_file=name)), LOUD)[0][0] == "hip hop"


# --- windows ---------------------------------------------------------------------------------------------------------


@given(st.integers(1, 500), st.integers(1, 100), st.integers(1, 100))
def test_windows_cover_the_sound_to_its_end(frames: int, length: int, hop: int) -> None:
    hop = min(hop, length)
    begins = starts(frames, length, hop)
    heard = {at for begin in begins for at in range(begin, min(begin + length, frames))}
    assert heard == set(range(frames))
    assert begins == sorted(set(begins))
    windows = list(cut(np.arange(frames, dtype=np.float32), length, hop))
    assert [len(window) for window in windows] == [length] * len(begins)


def test_a_short_sound_is_repeated() -> None:
    assert next(cut(np.array([1, 2, 3], np.float32), 7, 7)).tolist() == [1, 2, 3, 1, 2, 3, 1]


@pytest.mark.parametrize("scale, norm", [("slaney", "slaney"), ("htk", "none")])
def test_a_spectrogram_is_librosas(scale: str, norm: str) -> None:
    noise = np.random.default_rng(1).standard_normal(RATE).astype(np.float32)
    mel = Mel.model_validate({"n_fft": 512, "hop": 160, "n_mels": 40, "fmin": 30, "scale": scale, "norm": norm, "log": "db"})
    bands: dict[str, Any] = {"n_mels": 40, "fmin": 30, "htk": scale == "htk", "norm": "slaney" if norm == "slaney" else None}
    theirs = librosa.feature.melspectrogram(y=noise, sr=RATE, n_fft=512, hop_length=160, **bands)
    np.testing.assert_allclose(log_mel(noise, RATE, mel), 10 * np.log10(theirs + 1e-10), atol=1e-3)


def test_a_spectrogram_has_the_axes_columns_and_scale_that_are_asked() -> None:
    fields: dict[str, Any] = {"n_fft": 512, "hop": 160, "n_mels": 40}
    plain = log_mel(LOUD, RATE, Mel.model_validate(fields))
    assert plain.shape == (40, 1 + len(LOUD) // 160)
    for columns in (30, 300):
        asked = log_mel(LOUD, RATE, Mel.model_validate(fields | {"columns": columns, "axes": "time_mel"}))
        assert asked.shape == (columns, 40)
        np.testing.assert_array_equal(asked[:30], plain.T[:30])
    scaled = log_mel(LOUD, RATE, Mel.model_validate(fields | {"mean": 10.0, "std": [2.0] * 40}))
    np.testing.assert_allclose(scaled, (plain - 10) / 2, rtol=1e-5)


@pytest.mark.parametrize("edges", ["zeros", "reflect"])
@pytest.mark.parametrize("frames", [1, 100, 600])
def test_sounds_shorter_than_a_column_have_a_spectrogram(frames: int, edges: str) -> None:
    for centred in (True, False):
        mel = Mel.model_validate({"n_fft": 512, "hop": 160, "n_mels": 20, "edges": edges, "centred": centred})
        assert np.isfinite(log_mel(LOUD[:frames], RATE, mel)).all()


# --- ONNX ------------------------------------------------------------------------------------------------------------


def network(path: Path, axes: list[Any], dtype: Any = np.float32, labels: int = 2) -> Path:
    """A model whose logits tell the mean square m of what it is given: 20 m − 4 for the first label, 4 − 20 m for the next."""
    onnx = pytest.importorskip("onnx", reason="onnx, which writes the model of this test, is not installed")
    pytest.importorskip("onnxruntime", reason="onnxruntime, which runs ONNX models, is not installed")
    h, kind = onnx.helper, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    weights = np.resize(np.array([20, -20], dtype), (1, labels))
    bias = np.resize(np.array([-4, 4], dtype), labels)
    nodes = [
        h.make_node("Mul", ["sound", "sound"], ["squares"]),
        h.make_node("ReduceMean", ["squares"], ["mean"], axes=list(range(1, len(axes))) or [0], keepdims=0),
        h.make_node("Reshape", ["mean", "shape"], ["column"]),
        h.make_node("Gemm", ["column", "weights", "bias"], ["logits"]),
    ]
    held = [
        onnx.numpy_helper.from_array(np.array([-1, 1]), "shape"),
        onnx.numpy_helper.from_array(weights, "weights"),
        onnx.numpy_helper.from_array(bias, "bias"),
    ]
    graph = h.make_graph(
        nodes,
        "level",
        [h.make_tensor_value_info("sound", kind, axes)],
        [h.make_tensor_value_info("logits", kind, [axes[0], labels]), h.make_tensor_value_info("mean", kind, [axes[0]])],
        held,
    )
    made = h.make_model(graph, opset_imports=[h.make_opsetid("", 13)])
    made.ir_version = 8
    onnx.save(made, path)
    return path


def test_an_onnx_classifier_hears_a_waveform(tmp_path: Path) -> None:
    network(tmp_path / "level.onnx", ["batch", RATE // 2])
    tagger = load(describe(tmp_path, kind="onnx", model="level.onnx", activation="sigmoid", source="mine"))
    (loud,), (quiet,) = tagger.tags(LOUD, RATE), tagger.tags(QUIET, RATE)
    assert (loud.name, quiet.name, loud.source) == ("hip hop", "ambient", "mine")
    assert loud.confidence == pytest.approx(1 / (1 + np.exp(-(20 * 0.32 - 4))), abs=1e-3)
    assert quiet.confidence == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-3)


def test_an_onnx_classifier_hears_a_spectrogram(tmp_path: Path) -> None:
    network(tmp_path / "mel.onnx", ["batch", 1, 40, 26])
    mel = {"n_fft": 512, "hop": 160, "n_mels": 40, "log": "none"}
    tagger = load(
        describe(tmp_path, kind="onnx", model="mel.onnx", input="log_mel", mel=mel, activation="softmax", labels=["jazz", "folk"])
    )
    assert told(tagger, LOUD)[0][0] == "jazz"
    assert told(tagger, QUIET)[0][:2] == ("folk", "genre")


def test_an_output_is_taken_by_name(tmp_path: Path) -> None:
    network(tmp_path / "level.onnx", ["batch", "time"])
    fields: dict[str, Any] = {"kind": "onnx", "model": "level.onnx", "labels": ["ambient"], "threshold": 0.1}
    assert told(load(describe(tmp_path, output="mean", **fields)), LOUD) == [("ambient", "genre", 1.0, 0.32)]
    with pytest.raises(UserError, match="gives no 'embedding': set output to one of logits, mean"):
        load(describe(tmp_path, output="embedding", **fields))


def test_the_digest_is_of_what_decides_answers_and_not_of_places(tmp_path: Path) -> None:
    network(tmp_path / "level.onnx", ["batch", "time"])
    fields: dict[str, Any] = {"kind": "onnx", "model": "level.onnx", "activation": "sigmoid"}
    first = digest(describe(tmp_path, **fields))
    assert first == load(describe(tmp_path, **fields)).digest
    (tmp_path / "labels.txt").write_text("Hip Hop\nambient\n")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (tmp_path / "level.onnx").rename(moved / "other.onnx")
    same = fields | {"model": str(moved / "other.onnx"), "labels": None, "labels_file": "labels.txt"}
    assert digest(describe(tmp_path, **same)) == first
    changed = [same | {"threshold": 0.4}, same | {"labels": ["jazz", "ambient"], "labels_file": None}]
    assert len({first, *(digest(describe(tmp_path, **fields)) for fields in changed)}) == 3
    (moved / "other.onnx.data").write_bytes(b"weights")
    assert digest(describe(tmp_path, **same)) != first


# --- what is wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"kind": "tensorflow"}, r"must say what it describes: write `kind:` with one of onnx, function, clap, essentia\."),
        ({"licence": None}, r"lacks the entry licence: add it\."),
        ({"tresholds": 3}, r"unknown entry at tresholds; did you mean threshold\?"),
        ({"labels": None}, r"either labels or labels_file must be given"),
        ({"labels": ["jazz", "jazz"]}, r"has the label 'jazz' twice"),
        ({"labels_file": "none.txt", "labels": None}, r"The labels .*none\.txt are not there: correct labels_file\."),
        ({"leave_out": ["metal"]}, r"speaks of 'metal', which is none of its labels"),
        ({"hop_seconds": 3.0}, r"hop_seconds must not be above seconds"),
        ({"model": "level.onnx"}, r"a model of the kind onnx ends in \.onnx"),
        ({"model": "no_such_module:level"}, r"There is no module called no_such_module"),
        ({"model": "heard_by_tests:loud"}, r"cannot be loaded .*: set model to"),
        ({"model": "heard_by_tests:number"}, r"is no function"),
        ({"model": "heard_by_tests:three"}, r"gave float64 of the shape \(3,\) for 2 labels"),
        ({"model": "heard_by_tests:nan"}, r"numbers that are not finite"),
        ({"model": "heard_by_tests:raises"}, r"it fails with RuntimeError: no such layer"),
        ({"model": "heard_by_tests:logits"}, r"gave -4 to 4, which needs an activation"),
        ({"input": "log_mel", "mel": {"fmax": 5000}}, r"fmin 0 < fmax 5000 <= 4000 Hz"),
        ({"input": "log_mel", "mel": {"std": 0}}, r"std must not be 0"),
        ({"input": "log_mel", "mel": {"mean": [1.0, 2.0]}}, r"mean must be one number or 64"),
        (
            {"model": "heard_by_tests:shape", "input": "log_mel", "mel": {"n_mels": 40}},
            r"it fails with AssertionError: \(40, 8\)",
        ),
        ({"kind": "onnx", "model": "none.onnx"}, r"cannot be read \(No such file"),
        ({"kind": "onnx", "model": "nul\0.onnx"}, r"cannot be read"),
    ],
)
def test_a_description_that_cannot_be_used_is_told_in_a_sentence(fields: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said) as error:
        load(describe(tmp_path, **fields))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name, data",
    [
        ("a.txt", b"\xff\xfe\x00"),
        ("a.json", b"[" * 100_000),
        ("b.json", b'{"a": 1}'),
        ("c.json", b"[1]"),
        ("d.txt", b""),
        ("e.txt", b"x" * 2_000_000),
    ],
)
def test_labels_that_are_none_are_told(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError):
        load(describe(tmp_path, labels=None, labels_file=name))


def test_an_onnx_file_of_other_windows_or_kinds_is_told(tmp_path: Path) -> None:
    network(tmp_path / "level.onnx", ["batch", 1000])
    with pytest.raises(UserError, match=r"the model takes any × 1000 and a window is 1 × 4000"):
        load(describe(tmp_path, kind="onnx", model="level.onnx"))
    network(tmp_path / "level.onnx", ["batch", "time"], dtype=np.float64)
    with pytest.raises(UserError, match="does not take one array of floats"):
        load(describe(tmp_path, kind="onnx", model="level.onnx"))
    network(tmp_path / "level.onnx", ["batch"])
    with pytest.raises(UserError, match=r"has the rank 1, and log_mel has 2 to 4: correct `input`"):
        load(describe(tmp_path, kind="onnx", model="level.onnx", input="log_mel"))
    network(tmp_path / "level.onnx", ["batch", "time"], labels=3)
    with pytest.raises(UserError, match=r"of the shape \(3,\) for 2 labels"):
        load(describe(tmp_path, kind="onnx", model="level.onnx"))


@pytest.mark.parametrize(
    "model, sound, reason",
    [
        ("level", LOUD[:0], "no_sound"),
        ("level", LOUD[:, None], "no_sound"),
        ("level", np.array([0, np.nan], np.float32), "not_finite"),
        ("nan_of_silence", np.zeros(RATE, np.float32), "no_tags"),
        ("raises_at_silence", np.zeros(RATE, np.float32), "no_tags"),
    ],
)
def test_a_recording_that_gives_no_tags_says_why(model: str, sound: Array, reason: str, tmp_path: Path) -> None:
    tagger = load(describe(tmp_path, model=f"heard_by_tests:{model}"))
    with pytest.raises(Unusable) as error:
        tagger.tags(sound, RATE)
    assert error.value.reason == reason
    assert tagger.tags(LOUD, RATE)


@pytest.mark.parametrize("frames", [1, 2, 100])
def test_a_recording_of_a_few_frames_is_heard(frames: int, tmp_path: Path) -> None:
    assert load(describe(tmp_path)).tags(LOUD[:frames], 192_000)


# --- essentia and CLAP -----------------------------------------------------------------------------------------------


def test_essentia_without_tensorflow_is_told(tmp_path: Path) -> None:
    standard = pytest.importorskip("essentia.standard", reason="essentia is not installed")
    (tmp_path / "model.pb").write_bytes(b"no graph")
    path = describe(tmp_path, kind="essentia", model="model.pb", head="model.pb", rate=16000, seconds=None)
    said = "cannot be loaded" if hasattr(standard, "TensorflowPredict") else "has no TensorFlow: pip install essentia-tensorflow"
    with pytest.raises(UserError, match=said):
        load(path)


@pytest.fixture(scope="module")
def clap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `transformers` saves it, with a very small CLAP of random weights."""
    torch = pytest.importorskip("torch", reason="torch, which runs CLAP, is not installed")
    transformers = pytest.importorskip("transformers", reason="transformers, which loads CLAP, is not installed")
    folder = tmp_path_factory.mktemp("clap")
    words = {token: at for at, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", *"ĠThisarecodngfmuzbjHpklv."])}
    (folder / "vocab.json").write_text(json.dumps(words))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    text = transformers.ClapTextConfig(
        vocab_size=64, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, projection_dim=8
    )
    audio = transformers.ClapAudioConfig(
        num_mel_bins=32, spec_size=128, patch_embeds_hidden_size=8, hidden_size=64, depths=[1] * 4, num_attention_heads=[1] * 4,
        projection_dim=8, window_size=4, enable_fusion=False,
    )  # fmt: skip
    torch.manual_seed(3)
    config = transformers.ClapConfig(text_config=text.to_dict(), audio_config=audio.to_dict(), projection_dim=8)
    transformers.ClapModel(config).save_pretrained(folder)
    transformers.RobertaTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
    hearing: dict[str, Any] = {
        "feature_size": 32,
        "sampling_rate": 16000,
        "max_length_s": 2,
        "fft_window_size": 1024,
        "hop_length": 250,
    }
    transformers.ClapFeatureExtractor(**hearing, truncation="rand_trunc").save_pretrained(folder)
    return folder


def test_clap_weighs_labels_of_a_kind_against_each_other(clap: Path, tmp_path: Path) -> None:
    fields: dict[str, Any] = {
        "kind": "clap",
        "model": str(clap),
        "rate": 16000,
        "seconds": 2,
        "threshold": 0,
        "temperature": 0.05,
    }
    tagger = load(describe(tmp_path, labels=["jazz", "Hip Hop", "calm", "happy", "piano"], **fields))
    sound = np.random.default_rng(0).standard_normal(16000 * 5, np.float32) * np.float32(0.1)
    tags = tagger.tags(sound, 16000)
    assert tags == tagger.tags(sound, 16000)
    for kind, of in {"genre": {"jazz", "hip hop"}, "mood": {"calm", "happy"}, "instrument": {"piano"}}.items():
        assert {tag.name for tag in tags if tag.kind == kind} == of
        assert sum(tag.confidence for tag in tags if tag.kind == kind) == pytest.approx(1, abs=1e-5)
    rival = load(describe(tmp_path, labels=["piano", "silence"], leave_out=["silence"], **fields))
    (piano,) = rival.tags(sound, 16000)
    assert 0 < piano.confidence < 1


def test_a_clap_that_cannot_be_used_is_told(clap: Path, tmp_path: Path) -> None:
    fields: dict[str, Any] = {"kind": "clap", "rate": 16000, "seconds": 2}
    wrong: dict[str, dict[str, Any]] = {
        r"is no folder: correct `model`, or write `fetch: true`": {"model": "laion/none"},
        r"write rate: 16000 and seconds: 2 or less": {"model": str(clap), "seconds": 10},
        r"prompt must have \{label\} in it": {"model": str(clap), "prompt": "music"},
        r"holds no model\.safetensors": {"model": str(tmp_path)},
    }
    for said, changed in wrong.items():
        with pytest.raises(UserError, match=said):
            load(describe(tmp_path, **fields | changed))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "model.safetensors").write_bytes(b"no weights")
    (broken / "config.json").write_text("{}")
    with pytest.raises(UserError, match="cannot be loaded"):
        load(describe(tmp_path, model=str(broken), **fields))


def test_the_digest_of_a_clap_changes_with_its_weights(clap: Path, tmp_path: Path) -> None:
    path = describe(tmp_path, kind="clap", model=str(clap), rate=16000, seconds=2)
    first = digest(path)
    (clap / "more.json").write_text("{}")
    assert digest(path) != first
    (clap / "more.json").unlink()
    assert digest(path) == first
