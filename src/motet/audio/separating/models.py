"""Models that take recordings apart: found, loaded by demucs's own loader, and known by what they are and may be used for."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from motet.errors import UserError

__all__ = ["ModelCard", "found"]

UNKNOWN = "unknown"
LARGEST_TEXT = 1 << 20  # bytes of a licence or a list of models that are read

# What is published with demucs. Its README tells what each was trained on, musdb's page that its tracks are "for academic
# purposes" only, and demucs's author of the weights: "not covered by the MIT license, and are provided only for scientific
# purposes" (issue 327 of facebookresearch/demucs; 508 says the same).
MUSDB = "MUSDB18-HQ (academic use only: https://sigsep.github.io/datasets/musdb.html)"
TRAINING = {
    "htdemucs": f"{MUSDB} and 800 songs more",
    "htdemucs_ft": f"{MUSDB} and 800 songs more",
    "htdemucs_6s": f"{MUSDB} and songs more",
    "hdemucs_mmi": f"{MUSDB} and 800 songs more",
    "mdx": MUSDB,
    "mdx_q": MUSDB,
    "mdx_extra": f"{MUSDB}, its test songs too, and songs more",
    "mdx_extra_q": f"{MUSDB}, its test songs too, and songs more",
    "repro_mdx_a": MUSDB,
    "repro_mdx_a_hybrid_only": MUSDB,
    "repro_mdx_a_time_only": MUSDB,
}
OF_WEIGHTS = "scientific use only (demucs's MIT licence is of its code, not of these weights)"
SAID_BY = "https://github.com/facebookresearch/demucs/issues/327"


@dataclass(frozen=True)
class ModelCard:
    """What a model is."""

    name: str
    version: str
    """of the library that runs it"""
    digest: str
    """SHA-256 of the weights, as they are loaded"""
    licence: str
    """of the weights, `unknown` where nobody says"""
    licence_source: str
    """where that is said: an address or the name of a file"""
    training: str
    """what it is known to be trained on, or empty"""
    stems: tuple[str, ...]
    rate: int
    channels: int


def found(name: str, folder: Path | None, *, fetch: bool) -> tuple[Any, ModelCard]:
    """A model ready to listen, on the CPU, and its card. Raises UserError."""
    version = _version()
    try:
        net = _in_folder(name, folder) if folder else _fetched(name, fetch)
    except SystemExit:  # so demucs ends where a quantised model needs another library
        raise UserError(f'The model {name} is quantised: pip install "demucs[quantized]", or choose another.') from None
    if not (isinstance(getattr(net, "sources", None), list) and net.sources and getattr(net, "audio_channels", 0) in (1, 2)):
        raise UserError(f"The model {name} is not one of demucs's for 1 or 2 channels: choose another.")
    licence, source, training = _licence(name, folder)
    stems = tuple(map(str, net.sources))
    card = ModelCard(name, version, _digest(net), licence, source, training, stems, int(net.samplerate), int(net.audio_channels))
    return net, card


def _version() -> str:
    if importlib.util.find_spec("demucs") is None:
        raise UserError('Separation needs demucs: pip install "motet[separate]", or go on without: --set separate.method=none.')
    if importlib.util.find_spec("demucs.hf") is None:
        raise UserError('Separation needs demucs 4.1 or later: pip install --upgrade "motet[separate]".')
    return f"demucs {importlib.metadata.version('demucs')}"


def _in_folder(name: str, folder: Path) -> Any:
    from demucs.pretrained import get_model

    folder = folder.expanduser()
    if not folder.is_dir():
        raise UserError(f"The folder of models {folder} is not there: correct separate.folder.")
    listed = _listed(folder / f"{name}.yaml") if _plain(name) else {}
    tensors = [folder / f"{one}.safetensors" for one in listed.get("models", [])]
    known = sorted({path.stem.partition("-")[0] for path in folder.glob("*.th")} | {path.stem for path in folder.glob("*.yaml")})
    if name not in known:
        said = f"there are {', '.join(known[:20])}" if known else "there is none at all"
        raise UserError(f"The folder {folder} has no model {name} ({said}): correct separate.model.")
    try:
        if tensors and all(path.is_file() for path in tensors):
            return _bag(listed, tensors)
        return get_model(name, repo=folder)
    except Exception as error:  # noqa: BLE001 - a file of any content is unpickled, and may fail in any way
        raise _unloadable(name, error) from None


def _fetched(name: str, fetch: bool) -> Any:
    """One of demucs's own models: as it lies in the caches, or fetched by demucs."""
    from demucs.pretrained import get_model

    try:
        if cached := _in_caches(name):
            return cached
        if fetch:
            return get_model(name)
    except Exception as error:  # noqa: BLE001 - the network's, the hub's and torch's errors share no type
        raise _unloadable(name, error) from None
    raise UserError(
        f"The model {name} is not on this machine: name the folder that has it (separate.folder, or --folder),"
        " let demucs fetch it (separate.fetch=true, or --fetch), or go on without: --set separate.method=none."
    )


def _in_caches(name: str) -> Any:
    """From the Hugging Face cache, where demucs 4.1 puts models, or torch's, where those before did; or None."""
    import torch
    from demucs.hf import DEFAULT_NAMESPACE, hf_repo_name
    from demucs.pretrained import REMOTE_ROOT
    from demucs.repo import BagOnlyRepo, LocalRepo
    from huggingface_hub import try_to_load_from_cache

    if not _plain(name):
        return None
    repository = f"{DEFAULT_NAMESPACE}/{hf_repo_name(name)}"
    if isinstance(said := try_to_load_from_cache(repository, f"{name}.yaml"), str):
        listed = _listed(Path(said))
        tensors = [try_to_load_from_cache(repository, f"{one}.safetensors") for one in listed.get("models", [])]
        if tensors and all(isinstance(path, str) for path in tensors):
            return _bag(listed, [Path(str(path)) for path in tensors])
    older = Path(torch.hub.get_dir()) / "checkpoints"
    wanted = _listed(REMOTE_ROOT / f"{name}.yaml").get("models", [])
    if wanted and all(any(older.glob(f"{one}-*.th")) for one in wanted):
        net = BagOnlyRepo(REMOTE_ROOT, LocalRepo(older)).get_model(name)
        return net.eval()
    return None


def _bag(listed: dict[str, Any], files: list[Path]) -> Any:
    from demucs.apply import BagOfModels
    from demucs.hf import load_safetensors_model

    net = BagOfModels([load_safetensors_model(path) for path in files], listed.get("weights"), listed.get("segment"))
    return net.eval()


def _unloadable(name: str, error: Exception) -> UserError:
    if isinstance(error, pickle.UnpicklingError):
        why = "its file is no model, or cut off"
    else:
        why = (str(error).strip() or type(error).__name__).splitlines()[0][:200].rstrip(".:")
    return UserError(f"The model {name} cannot be loaded ({why}): get its files again, or choose another.")


def _plain(name: str) -> bool:
    return bool(re.fullmatch(r"[\w.-]+", name)) and not name.startswith(".")


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(LARGEST_TEXT).decode("utf-8", "replace")


def _listed(path: Path) -> dict[str, Any]:
    """What the list of a bag of models says; empty where it cannot be read: the loader says why."""
    try:
        said = yaml.safe_load(_text(path))
    except (OSError, yaml.YAMLError, ValueError):
        return {}
    if not isinstance(said, dict):
        return {}
    models = said.get("models")
    fine = isinstance(models, list) and all(isinstance(one, str) and _plain(one) for one in models)
    return said | {"models": models if fine else []}


def _licence(name: str, folder: Path | None) -> tuple[str, str, str]:
    """The licence of the weights, who says so, and what they were trained on."""
    listed: dict[str, Any] = {}
    if folder:
        folder = folder.expanduser()
        listed = _listed(folder / f"{name}.yaml")
        for word in ("licence", "license"):
            if isinstance(said := listed.get(word), str) and said.strip():
                return _line(said), f"{name}.yaml", ""
        for path in sorted(folder.iterdir()):
            if path.stem.upper() in ("LICENSE", "LICENCE", "COPYING") and path.is_file() and (said := _line(_text(path))):
                return said, path.name, ""
    if name in TRAINING and (not folder or _published(name, listed)):
        return OF_WEIGHTS, SAID_BY, TRAINING[name]
    return UNKNOWN, "", ""


def _published(name: str, listed: dict[str, Any]) -> bool:
    """Whether a folder's bag is made of the very models of demucs's bag of that name."""
    from demucs.pretrained import REMOTE_ROOT

    return bool(listed.get("models") == _listed(REMOTE_ROOT / f"{name}.yaml").get("models"))


def _line(text: str) -> str:
    """The first line with something on it."""
    return next((line.strip()[:100] for line in text.splitlines() if line.strip()), "")


def _digest(net: Any) -> str:
    """Of every weight's name, kind, shape and numbers, and of how a bag's models are weighed."""
    import torch

    told = hashlib.sha256(repr(getattr(net, "weights", None)).encode())
    for name, tensor in sorted(net.state_dict().items()):
        tensor = tensor.detach().cpu().contiguous()
        told.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        told.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return told.hexdigest()
