"""Labels nobody trained a model on: CLAP compares a recording with a sentence about each (Wu et al. 2023, Elizalde et al. 2023).

The weights come from a folder, as `transformers` saves them, with safetensors only: other files of weights may run programs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from motet.audio.tagging.classifier import Heard, Values, activated
from motet.audio.tagging.description import Clap, place
from motet.audio.tagging.naming import Named, kinds
from motet.audio.tagging.windows import Array, cut
from motet.errors import UserError

__all__ = ["digest_of_folder", "zero_shot"]

PROMPTS = {
    "genre": "This is a recording of {label} music.",
    "mood": "This is a recording of {label} music.",
    "instrument": "This is a recording of {label}.",
}
OTHERWISE = "This is a recording of {label} music."
AT_ONCE = 8  # windows
FILES = ("*.json", "*.txt", "*.safetensors")


def zero_shot(told: Clap, file: Path, labels: Sequence[str], names: Sequence[Named]) -> Heard:
    """What a CLAP model says of each label: cosine of sound and prompt over the temperature, softmax among labels of a kind.

    Raises UserError.
    """
    if find_spec("transformers") is None or find_spec("torch") is None:
        raise UserError('CLAP needs transformers and torch: pip install "motet[clap]".')
    import torch

    folder = _folder(told, file)
    model, hearing, sentences = _loaded(folder, [prompt(told, label, kind) for label, kind in _asked(labels, names)])
    rate, longest = int(hearing.sampling_rate), int(hearing.nb_max_samples)
    length = round(told.seconds * told.rate)
    if told.rate != rate or not 0 < length <= longest:
        said = f"rate: {rate} and seconds: {longest / rate:g} or less"
        raise UserError(f"The model {folder} hears other windows than {file} describes: write {said}.")
    hop = max(1, round((told.hop_seconds or told.seconds) * told.rate))
    with torch.inference_mode():
        texts = _unit(model.get_text_features(**sentences))
        temperature = told.temperature or float(1 / model.logit_scale_a.exp())
    rivals = _rivals(labels, names)

    def heard(mono: Array) -> Values:
        windows = list(cut(mono, length, hop))
        cosines = []
        for first in range(0, len(windows), AT_ONCE):
            taken = hearing(windows[first : first + AT_ONCE], sampling_rate=rate, return_tensors="pt")
            with torch.inference_mode():
                cosines.append((_unit(model.get_audio_features(**taken)) @ texts.T).numpy())
        near = np.concatenate(cosines).astype(np.float64) / temperature
        values = np.zeros_like(near)
        for own, all_of in rivals:
            values[:, own] = activated(near[:, all_of], "softmax")[:, : len(own)]
        return values

    return heard


def prompt(told: Clap, label: str, kind: str) -> str:
    """The sentence that stands for a label."""
    return (told.prompt or PROMPTS.get(kind, OTHERWISE)).replace("{label}", label)


def digest_of_folder(told: Clap, file: Path) -> str:
    """SHA-256 of the names and contents of a model's files. Raises UserError."""
    folder, told_of = _folder(told, file), hashlib.sha256()
    for path in sorted({path for pattern in FILES for path in folder.glob(pattern)}):
        with path.open("rb") as opened:
            told_of.update(f"{path.name} {hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
    return told_of.hexdigest()


def _asked(labels: Sequence[str], names: Sequence[Named]) -> list[tuple[str, str]]:
    """What is put into each prompt: the label's tags in the vocabulary's spelling, and their kind."""
    told = kinds(names, len(labels))
    words = [" ".join(tag.name for tag in names if at in tag.outputs) or label for at, label in enumerate(labels)]
    return list(zip(words, told, strict=True))


def _rivals(labels: Sequence[str], names: Sequence[Named]) -> list[tuple[list[int], list[int]]]:
    """The labels of each kind, and those with the ones that are left out: they are no tags, but every kind's rivals."""
    told = kinds(names, len(labels))
    aside = [at for at, kind in enumerate(told) if not kind]
    own = [[at for at, one in enumerate(told) if one == kind] for kind in dict.fromkeys(told) if kind]
    return [(group, [*group, *aside]) for group in own]


def _folder(told: Clap, file: Path) -> Path:
    folder = place(told.model, file)
    if folder.is_dir():
        if not (folder / "model.safetensors").is_file() and not list(folder.glob("model-*.safetensors")):
            raise UserError(f"The folder {folder} holds no model.safetensors: save the model with safe_serialization=True.")
        return folder
    if not told.fetch:
        raise UserError(f"The model {folder} is no folder: correct `model`, or write `fetch: true` to have it downloaded.")
    if find_spec("huggingface_hub") is None:
        raise UserError('Fetching models needs huggingface_hub: pip install "motet[clap]".')
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(told.model, allow_patterns=list(FILES)))
    except Exception as error:  # noqa: BLE001 - the library's errors share no type
        # Its own words may hold addresses with keys in them.
        said = f"The model {told.model} cannot be fetched ({type(error).__name__}): correct its name, or give a folder."
        raise UserError(said) from None


def _loaded(folder: Path, prompts: list[str]) -> tuple[Any, Any, Any]:
    """The model, what prepares sound for it, and the prompts as it reads them."""
    transformers: Any = import_module("transformers")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        model = transformers.ClapModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
        hearing = transformers.ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)
        tokens = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        return model, hearing, tokens(prompts, padding=True, truncation=True, return_tensors="pt")
    except Exception as error:  # noqa: BLE001 - the library's errors share no type
        said = " ".join(str(error).split())[:200]
        raise UserError(f"The model {folder} cannot be loaded ({said}): give a folder of a ClapModel.") from None


def _unit(features: Any) -> Any:
    """Each row with the length 1."""
    rows = getattr(features, "pooler_output", features)
    return rows / rows.norm(dim=-1, keepdim=True).clamp_min(1e-12)
