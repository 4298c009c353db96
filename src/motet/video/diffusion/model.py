"""A diffusion model in a folder: found, checked before anything in it is loaded, and its licence read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from motet.errors import UserError
from motet.files.places import shown

__all__ = ["Model", "find"]

PARTS = {
    "unet": ("diffusers", "UNet2DConditionModel"),
    "vae": ("diffusers", "AutoencoderKL"),
    "text_encoder": ("transformers", "CLIPTextModel"),
}
KINDS = ("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline")
FETCHED = ("model_index.json", "README.md", "*/*.json", "*/*.txt", "*/*.safetensors")
NOT_FETCHED = ("*.fp16.safetensors", "*.non_ema.safetensors", "safety_checker/*")
MOST_BYTES = 1 << 20  # of a text file in it


@dataclass(frozen=True)
class Model:
    """`scheduler`: a class of diffusers; `licence`: what the model's card says, or None; `commit`: that of a fetched one."""

    name: str
    folder: Path
    scheduler: str
    licence: str | None
    commit: str | None


def find(model: Path | str, *, fetch: bool = False) -> Model:
    """The model in a folder, or, where `fetch` allows it, of a name on the Hugging Face Hub: downloaded once.

    Only safetensors are taken: other weights can run code when they are loaded. Raises UserError.
    """
    folder, commit = Path(model), None
    if not folder.is_dir():
        folder = _fetched(str(model), fetch)
        commit = folder.name if folder.parent.name == "snapshots" else None
    return Model(str(model), folder, _checked(folder), _licence(folder / "README.md"), commit)


def _fetched(name: str, fetch: bool) -> Path:
    if not fetch or not re.fullmatch(r"[\w.-]{1,96}/[\w.-]{1,96}", name):
        hint = "correct it" if fetch else "correct it, or say --fetch to have the model of that name downloaded"
        raise UserError(f"{shown(name)} is no folder of a model: {hint}.")
    if find_spec("huggingface_hub") is None:
        raise UserError('Fetching models needs huggingface_hub: pip install "motet[diffusion]".')
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(FETCHED), ignore_patterns=list(NOT_FETCHED)))
    except Exception as error:  # noqa: BLE001 - the library's errors share no type
        # Its own words may hold addresses with keys in them.
        said = f"The model {name} cannot be fetched ({type(error).__name__}): correct its name, or give a folder."
        raise UserError(said) from None


def _checked(folder: Path) -> str:
    """The scheduler of a Stable Diffusion 1 or 2 model made of nothing but known parts and safetensors. Raises UserError."""
    where = shown(str(folder))
    index = _json(folder / "model_index.json")
    if index is None:
        raise UserError(f"{where} holds no model_index.json: name a folder that diffusers' save_pretrained wrote.")
    if index.get("_class_name") not in KINDS:
        kind = shown(str(index.get("_class_name")))[:80]
        raise UserError(f"{where} holds a {kind}: name a folder of a Stable Diffusion 1 or 2 model.")
    for part, wanted in PARTS.items():
        if index.get(part) != list(wanted):
            raise UserError(f"{where} has no {wanted[1]} as its {part}: name a folder of a Stable Diffusion 1 or 2 model.")
        if not any(file for file in (folder / part).glob("*.safetensors") if len(file.suffixes) == 1):
            raise UserError(f"{where} has no safetensors in {part}: save the model again with safe_serialization=True.")
    match index.get("scheduler"):
        case ["diffusers", str(scheduler)] if re.fullmatch(r"[A-Za-z]{1,60}Scheduler", scheduler):
            return scheduler
    raise UserError(f"{where} names no scheduler of diffusers: name a folder of a Stable Diffusion 1 or 2 model.")


def _json(path: Path) -> Mapping[str, Any] | None:
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _licence(card: Path) -> str | None:
    """The licence in the front matter of a model card, with its own name where the Hub knows it only as "other"."""
    try:
        with card.open(encoding="utf-8", errors="replace") as file:
            text = file.read(MOST_BYTES)
    except OSError:
        return None
    front = re.match(r"---\s*\n(.*?)\n---\s*(\n|$)", text, re.DOTALL)
    try:
        told = yaml.safe_load(front[1]) if front else None
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    own = told.get("license_name") if told.get("license") in (None, "other") else told.get("license")
    licence = own or told.get("license")
    return licence[:200] if isinstance(licence, str) and licence.isprintable() else None
