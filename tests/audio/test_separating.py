"""Recordings taken apart by demucs: through its own loader, by tiny models whose weights are drawn by chance."""

import math
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from audio.tiny_models import RATE, STEMS, keep, transformer
from motet.audio import separating
from motet.audio.errors import Unusable
from motet.errors import UserError

Samples = npt.NDArray[np.float32]


def test_without_demucs_the_sentence_names_both_ways_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "demucs", None)
    with pytest.raises(UserError) as refusal:
        separating.load("htdemucs", None)
    said = 'Separation needs demucs: pip install "motet[separate]", or go on without: --set separate.method=none.'
    assert str(refusal.value) == said


@pytest.fixture
def demucs() -> Any:
    pytest.importorskip("torch", reason="separation needs torch and demucs (motet[separate])").set_num_threads(1)
    return pytest.importorskip("demucs.hf", reason="separation needs demucs 4.1 (motet[separate])")


def convolutions() -> Any:
    import torch
    from demucs.demucs import Demucs

    torch.manual_seed(0)
    tiny = {"channels": 4, "depth": 2, "lstm_layers": 0, "samplerate": RATE, "segment": 4, "resample": False}
    return Demucs(sources=STEMS, **tiny)


@pytest.fixture
def folder(demucs: Any, tmp_path: Path) -> Path:
    return keep(tmp_path / "models", transformer(), licence="CC0-1.0")


def noise(frames: int, channels: int = 2, seed: int = 0) -> Samples:
    """Blue, so that its mean is next to nothing."""
    white = np.random.default_rng(seed).standard_normal((frames + 1, channels))
    return 0.1 * np.diff(white, axis=0).astype(np.float32)


def blocks(sound: Samples, size: int = 1000) -> Iterator[Samples]:
    for start in range(0, len(sound), size):
        yield sound[start : start + size]


def separated(
    separator: separating.Separator, sound: Samples, rate: int = RATE, size: int = 1000, **how: Any
) -> dict[str, Samples]:
    made = separator.separate(blocks(sound, size), rate, sound.shape[1], **how)
    pieces = list(made)
    return {name: np.concatenate([np.zeros_like(sound[:0]), *(piece[name] for piece in pieces)]) for name in made.names}


def decibels(error: Samples, of: Samples) -> float:
    return 10 * math.log10(float(np.square(error).sum()) / float(np.square(of).sum()) + 1e-30)


# --- what comes ---


@pytest.mark.parametrize("seconds", [0.4, 1.0, 3.3])
def test_a_stream_gives_what_demucs_makes_of_the_whole(folder: Path, seconds: float) -> None:
    import torch
    from demucs.apply import apply_model
    from demucs.pretrained import get_model

    sound = noise(int(seconds * RATE))
    beginning = sound[: 2 * RATE]
    level = np.std(beginning, dtype=np.float64).astype(np.float32)
    whole = torch.from_numpy(sound.T / level)[None]
    expected = apply_model(get_model("tiny", folder), whole, shifts=0, overlap=0.25)[0].numpy() * level
    found = separated(separating.load("tiny", folder), sound, stems="all")
    for name, stem in zip(STEMS, expected, strict=True):
        assert decibels(found[name] - stem.T, stem.T) < -100


def test_neither_the_size_of_blocks_nor_of_batches_matters(folder: Path) -> None:
    sound = noise(30_000)
    once = separated(separating.load("tiny", folder), sound, stems="all")
    again = separated(separating.load("tiny", folder), sound, size=7777, stems="all")
    together = separated(separating.load("tiny", folder, batch=3), sound, stems="all")
    for name in STEMS:
        np.testing.assert_array_equal(again[name], once[name])
        assert decibels(together[name] - once[name], once[name]) < -100


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [RATE, 11_127, 44_100])
@pytest.mark.parametrize("frames", [0, 1, 999, 12_345])
def test_as_many_frames_come_as_go(folder: Path, frames: int, rate: int, channels: int) -> None:
    made = separated(separating.load("tiny", folder), noise(frames, channels), rate, stems="all")
    assert {name: stem.shape for name, stem in made.items()} == dict.fromkeys(STEMS, (frames, channels))
    assert all(np.isfinite(stem).all() and stem.dtype == np.float32 for stem in made.values())


def test_two_stems_add_up_to_all_or_to_the_mix(folder: Path) -> None:
    separator, sound = separating.load("tiny", folder), noise(20_000)
    every = separated(separator, sound, stems="all")
    added = separated(separator, sound, instrumental="sum")
    np.testing.assert_allclose(added["instrumental"], every["drums"] + every["bass"] + every["other"], atol=1e-6)
    np.testing.assert_array_equal(added["vocals"], every["vocals"])
    left = separated(separator, sound, instrumental="difference")
    mix = left["instrumental"] + left["vocals"]
    assert decibels(mix - sound, sound) < -100


def test_stems_that_lack_much_of_the_mix_are_not_summed(folder: Path) -> None:
    made = separating.load("tiny", folder).separate(blocks(noise(20_000)), RATE, 2)
    assert made.instrumental == "auto"
    assert sum(len(piece["vocals"]) for piece in made) == made.frames == 20_000
    assert made.residual_db > -10  # weights drawn by chance separate nothing
    assert made.instrumental == "difference"


def test_resampling_forth_and_back_keeps_every_frame_in_its_place(folder: Path) -> None:
    time = np.arange(22_050) / 11_025
    sound = np.sin(2 * np.pi * 440 * time)[:, None].astype(np.float32)
    made = separated(separating.load("tiny", folder), sound, 11_025, instrumental="difference")
    middle = slice(2000, 20_000)
    assert decibels((made["instrumental"] + made["vocals"] - sound)[middle], sound[middle]) < -60


def test_silence_stays_silent_and_a_beginning_of_it_does_no_harm(folder: Path) -> None:
    separator, silence = separating.load("tiny", folder), np.zeros((25_000, 2), np.float32)
    quiet = separator.separate(blocks(silence), RATE, 2)
    assert not any(piece["vocals"].any() or piece["instrumental"].any() for piece in quiet)
    assert math.isnan(quiet.residual_db)
    late = separated(separator, np.concatenate([silence, noise(10_000)]), stems="all")
    assert all(not stem[:16_000].any() and stem[25_000:].any() and np.isfinite(stem).all() for stem in late.values())


def test_a_constant_offset_is_taken_out_not_laid_upon_every_stem(folder: Path) -> None:
    separator, sound = separating.load("tiny", folder), noise(20_000)
    plain, lifted = separated(separator, sound), separated(separator, sound + np.float32(0.5))
    for name in plain:
        assert decibels(plain[name] - lifted[name], plain[name]) < -60


def test_opposite_channels_are_no_silence(folder: Path) -> None:
    one = noise(10_000, 1)
    made = separated(separating.load("tiny", folder), np.concatenate([one, -one], axis=1))
    assert all(0 < np.abs(stem).max() < 10 for stem in made.values())


def test_shifts_average_several_hearings(folder: Path) -> None:
    sound = noise(20_000)
    plain = separated(separating.load("tiny", folder), sound)
    shifted = separated(separating.load("tiny", folder, shifts=1), sound)
    averaged = separated(separating.load("tiny", folder, shifts=3), sound)
    np.testing.assert_array_equal(shifted["vocals"], plain["vocals"])  # the first is not moved
    assert averaged["vocals"].shape == sound.shape
    assert -60 < decibels(averaged["vocals"] - plain["vocals"], plain["vocals"]) < 0


def test_a_model_for_one_channel_hears_each_by_itself(demucs: Any, tmp_path: Path) -> None:
    separator = separating.load("tiny", keep(tmp_path / "mono", transformer(channels=1)), batch=2)
    sound = noise(20_000)
    sound[:, 1] = 0
    made = separated(separator, sound, stems="all")
    assert all(stem[:, 0].any() for stem in made.values())
    assert all(np.abs(stem[:, 1]).max() < 0.1 * np.abs(stem[:, 0]).max() for stem in made.values())


def test_a_long_recording_needs_no_more_memory_than_a_short_one(folder: Path) -> None:
    def long() -> Iterator[Samples]:
        yield noise(20_000)
        for _ in range(15):
            yield np.zeros((60 * RATE, 2), np.float32)

    frames = 0
    tracemalloc.start()
    for piece in separating.load("tiny", folder).separate(long(), RATE, 2):
        frames += len(piece["vocals"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert frames == 20_000 + 900 * RATE
    assert peak < 40 << 20  # its mix and four stems have 290 MB


# --- the model ---


def test_the_card_tells_what_spoke(folder: Path, tmp_path: Path) -> None:
    card = separating.load("tiny", folder).card
    assert (card.name, card.stems, card.rate, card.channels) == ("tiny", tuple(STEMS), RATE, 2)
    assert (card.licence, card.licence_source) == ("CC0-1.0", "tiny.yaml")
    assert card.version.startswith("demucs 4.")
    again = separating.load("tiny", keep(tmp_path / "again", transformer()))
    other = separating.load("tiny", keep(tmp_path / "other", transformer(seed=1)))
    assert again.card.digest == card.digest != other.card.digest


def test_a_licence_is_read_and_never_guessed(demucs: Any, tmp_path: Path) -> None:
    folder = keep(tmp_path / "models", transformer())
    assert separating.load("tiny", folder).card.licence == "unknown"
    (folder / "LICENSE.txt").write_text("\n  The Tiny Licence\nand more\n")
    assert separating.load("tiny", folder).card.licence == "The Tiny Licence"
    (folder / "LICENSE.txt").unlink()
    (folder / "tiny.yaml").rename(folder / "htdemucs.yaml")  # a public name makes no public model
    assert separating.load("htdemucs", folder).card.licence == "unknown"


def test_the_public_models_are_not_mistaken_for_free_ones(demucs: Any, tmp_path: Path) -> None:
    folder = keep(tmp_path / "models", transformer(), "955717e8")
    (folder / "tiny.yaml").rename(folder / "htdemucs.yaml")
    card = separating.load("htdemucs", folder).card
    assert card.licence.startswith("scientific use only")
    assert "MUSDB18" in card.training


def test_a_folder_of_safetensors_is_read_without_pickles(folder: Path, tmp_path: Path) -> None:
    import json

    from safetensors.torch import save_file

    net, other = transformer(), tmp_path / "tensors"
    other.mkdir()
    args, kwargs = net._init_args_kwargs
    named = f"{type(net).__module__}.{type(net).__qualname__}"
    state = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    save_file(state, other / "abcd.safetensors", {"klass": named, "args": json.dumps(args), "kwargs": json.dumps(kwargs)})
    (other / "tiny.yaml").write_text("models: [abcd]\n")
    assert separating.load("tiny", other).card.digest == separating.load("tiny", folder).card.digest


@pytest.mark.parametrize(
    "name, how, said",
    [
        ("huge", {}, r"has no model huge \(there are abcd0123, tiny\): correct separate.model"),
        ("../tiny", {}, "has no model"),
        ("tiny", {"segment": 2.0}, "cannot hear segments of 2 s: set separate.segment to more than 0 and at most 1"),
        ("tiny", {"segment": -1.0}, "set separate.segment"),
        ("tiny", {"segment": math.nan}, "set separate.segment"),
        ("tiny", {"overlap": 1.0}, "set separate.overlap"),
        ("tiny", {"batch": 0}, "separate.batch"),
        ("tiny", {"device": "abacus"}, "set separate.device"),
        ("tiny", {"device": "cuda:99"}, "set separate.device"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(folder: Path, name: str, how: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as refusal:
        separating.load(name, folder, **how)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\3\4 cut off"])
def test_a_broken_file_is_no_model(demucs: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tiny.th").write_bytes(content)
    with pytest.raises(UserError, match="The model tiny cannot be loaded"):
        separating.load("tiny", tmp_path)


def test_a_file_that_is_not_what_its_checksum_says_is_refused(folder: Path) -> None:
    path = next(folder.glob("*.th"))
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(UserError, match="checksum"):
        separating.load("tiny", folder)


def test_models_are_not_fetched_unasked(demucs: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"not on this machine: .*separate\.folder.*separate\.fetch=true.*separate\.method=none"):
        separating.load("htdemucs", None)


def test_without_vocals_there_is_no_instrumental(demucs: Any, tmp_path: Path) -> None:
    separator = separating.load("tiny", keep(tmp_path / "two", transformer(sources=["left", "right"])))
    with pytest.raises(UserError, match=r"no vocals among its stems \(left, right\): set separate.stems=all"):
        separator.separate(blocks(noise(9)), RATE, 2)
    assert set(separated(separator, noise(9), stems="all")) == {"left", "right"}


@pytest.mark.parametrize(
    "sound, channels, reason",
    [
        (np.full((9, 2), np.nan, np.float32), 2, "not_finite"),
        (noise(9, 1), 2, "wrong_channels"),
        (noise(9, 6), 6, "too_many_channels"),
    ],
)
def test_unusable_sound_is_refused(folder: Path, sound: Samples, channels: int, reason: str) -> None:
    with pytest.raises(Unusable) as refusal:
        list(separating.load("tiny", folder).separate(blocks(sound), RATE, channels))
    assert refusal.value.reason == reason


def test_a_model_that_breaks_is_no_separation(demucs: Any, tmp_path: Path) -> None:
    net = transformer()
    for weight in net.parameters():
        weight.data.fill_(math.nan)
    with pytest.raises(Unusable) as refusal:
        separated(separating.load("tiny", keep(tmp_path / "nan", net)), noise(900))
    assert refusal.value.reason == "no_separation"


def test_what_does_not_fit_into_memory_is_done_in_smaller_pieces(demucs: Any, tmp_path: Path) -> None:
    """As on a full GPU: by a model that has room for single short segments only, and by one that has none at all."""
    import torch

    separator = separating.load("tiny", keep(tmp_path / "models", convolutions()), batch=2)
    room = 3 * RATE

    def allocate(net: Any, given: tuple[Any, ...]) -> None:
        if len(given[0]) > 1 or given[0].shape[-1] > room:
            raise torch.OutOfMemoryError("CUDA out of memory")

    separator._net.models[0].register_forward_pre_hook(allocate)
    made = separator.separate(blocks(noise(60_000)), RATE, 2)
    assert sum(len(piece["vocals"]) for piece in made) == 60_000
    assert made.fallbacks == ["out of memory: one segment at a time", "out of memory: segments of 2 s"]
    room = 0
    with pytest.raises(UserError, match="does not fit into memory"):
        separated(separator, noise(60_000))
