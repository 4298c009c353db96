"""The model at work: from prompts, noise and the last picture to the next one."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from motet.errors import UserError
from motet.video.diffusion.frames import Frame, Frames, Prompts, Weighted
from motet.video.diffusion.looks import contrasted, matched, sharpened
from motet.video.diffusion.model import PARTS, Model
from motet.video.diffusion.moving import homography, moved
from motet.video.errors import VideoError

__all__ = ["Studio"]

Bytes = npt.NDArray[np.uint8]
SEEDS = 1 << 63
GRAINS = 0x6772  # what tells the grain of a picture apart from the noise that it is painted from
KEPT = 64  # texts whose reading is kept


class Studio:
    """One model, loaded on one device. Raises UserError."""

    def __init__(self, model: Model, on: str, scheduler: str | None, steps: int) -> None:
        self._device, self._steps, self._read = _device(on), steps, dict[str, torch.Tensor]()
        self._type = torch.float16 if self._device.type == "cuda" else torch.float32
        parts = _loaded(model, scheduler or model.scheduler, self._type)
        self._tokens, self._scheduler = parts[0], parts[1]
        self._text, self._unet, self._vae = (part.to(self._device).eval() for part in parts[2:])
        self._grid = 2 ** (len(self._vae.config.block_out_channels) - 1)  # pixels of a side for one of the model's own
        if self._unet.config.in_channels != self._vae.config.latent_channels:
            raise UserError(f"{model.name} is made to fill holes in pictures: name a model that paints from text.")

    def film(self, frames: Frames, size: tuple[int, int], seed: int, colours: str) -> Iterator[Bytes]:
        last: Bytes | None = None
        first: npt.NDArray[np.float32] | None = None
        for number, frame in enumerate(frames.frames):
            told = int(frame.values["seed"]) if frame.values["seed"] >= 0 else seed + number
            ready = None if last is None else self._ready(last, frame)
            if ready is not None and first is not None:
                ready = self._finished(ready, first, frame, colours, told)
            with torch.inference_mode():
                last = self._painted(ready, frame, size, told)
            if first is None:
                first = last.astype(np.float32) / np.float32(255)
            yield last

    def _ready(self, last: Bytes, frame: Frame) -> npt.NDArray[np.float32]:
        """The last picture, moved: (h, w, 3) from 0 to 1."""
        height, width = last.shape[:2]
        picture = torch.from_numpy(last.astype(np.float32) / 255).permute(2, 0, 1)[None].to(self._device)
        seen = moved(picture, homography(frame.moves, frame.values["fov"], (width, height)))
        return np.ascontiguousarray(seen[0].permute(1, 2, 0).clamp(0, 1).cpu().numpy())

    def _finished(
        self, picture: npt.NDArray[np.float32], first: npt.NDArray[np.float32], frame: Frame, colours: str, seed: int
    ) -> npt.NDArray[np.float32]:
        """With the first one's colours, and with contrast, sharpness and noise, the grain over everything."""
        told = frame.values
        picture = contrasted(matched(picture, first, colours), told["contrast"])
        names = ("antiblur_kernel", "antiblur_sigma", "antiblur_amount", "antiblur_threshold")
        picture = sharpened(picture, *(told[name] for name in names))
        grain = np.random.default_rng([GRAINS, seed % SEEDS]).standard_normal(picture.shape, np.float32)
        # Deforum adds it to a picture from -1 to 1: twice as wide as ours.
        return np.clip(picture + np.float32(min(max(told["noise"], 0.0), 10.0) / 2) * grain, 0, 1)

    def _painted(self, before: npt.NDArray[np.float32] | None, frame: Frame, size: tuple[int, int], seed: int) -> Bytes:
        """A picture from noise alone, or from `before`: (h, w, 3)."""
        strength = 0.0 if before is None else min(max(frame.values["strength"], 0.0), 1.0)
        steps = round(self._steps * (1 - strength)) if before is None or strength < 1 else 0
        if before is not None and not steps:
            return _bytes(before)
        scheduler = self._scheduler
        scheduler.set_timesteps(self._steps, device=self._device)
        skipped = (self._steps - steps) * getattr(scheduler, "order", 1)
        times = scheduler.timesteps[skipped:]
        noise = self._noise(frame, size, seed)
        if before is None:
            latents = noise * scheduler.init_noise_sigma
        else:
            if hasattr(scheduler, "set_begin_index"):
                scheduler.set_begin_index(skipped)
            latents = scheduler.add_noise(self._encoded(before), noise, times[:1])
        latents = self._denoised(latents, times, frame, seed)
        picture = self._vae.decode(latents / self._vae.config.scaling_factor, return_dict=False)[0]
        seen = picture[0].float().permute(1, 2, 0).cpu().numpy() / 2 + 0.5
        if not np.isfinite(seen).all():
            raise VideoError("not_painted", "the model answered with something that is no picture")
        return _bytes(seen)

    def _noise(self, frame: Frame, size: tuple[int, int], seed: int) -> torch.Tensor:
        """What the picture is painted from, the same on every device; with a subseed, between its noise and the seed's."""
        shape = (1, self._vae.config.latent_channels, size[1] // self._grid, size[0] // self._grid)
        noise = _normal(shape, seed)
        if frame.subseed is not None:
            noise = _between(noise, _normal(shape, frame.subseed[0]), frame.subseed[1])
        return noise.to(self._device, self._type)

    def _encoded(self, picture: npt.NDArray[np.float32]) -> torch.Tensor:
        told = torch.from_numpy(picture * 2 - 1).permute(2, 0, 1)[None].to(self._device, self._type)
        latents: torch.Tensor = self._vae.encode(told).latent_dist.mode() * self._vae.config.scaling_factor
        return latents

    def _denoised(self, latents: torch.Tensor, times: Any, frame: Frame, seed: int) -> torch.Tensor:
        texts, weights = self._conditions(frame.prompts)
        scale = min(max(frame.values["scale"], 0.0), 100.0)
        step, more = self._scheduler.step, {}
        if "generator" in inspect.signature(step).parameters:
            more["generator"] = torch.Generator("cpu").manual_seed((seed + 1) % SEEDS)
        for time in times:
            given = self._scheduler.scale_model_input(latents, time)
            said = self._unet(given.expand(len(texts), -1, -1, -1), time, encoder_hidden_states=texts, return_dict=False)[0]
            without, wanted = said[:1], said[1:]
            guided = without + scale * (weights * (wanted - without)).sum(dim=0, keepdim=True)
            latents = step(guided, time, latents, return_dict=False, **more)[0]
        return latents

    def _conditions(self, prompts: Prompts) -> tuple[torch.Tensor, torch.Tensor]:
        """What is not wanted and then each text that is, as the model reads them, and the weights of the latter."""
        positive: Weighted = prompts.positive or (("", 1.0),)
        negative: Weighted = prompts.negative or (("", 1.0),)
        total = sum(abs(weight) for _, weight in negative)
        unwanted = torch.stack([self._reading(text) * (weight / total) for text, weight in negative]).sum(dim=0)
        texts = torch.cat([unwanted, *(self._reading(text) for text, _ in positive)]).to(self._type)
        weights = torch.tensor([weight for _, weight in positive], device=self._device, dtype=self._type)
        return texts, weights[:, None, None, None]

    def _reading(self, text: str) -> torch.Tensor:
        if text not in self._read:
            if len(self._read) >= KEPT:
                self._read.pop(next(iter(self._read)))
            tokens = self._tokens(
                text, padding="max_length", max_length=self._tokens.model_max_length, truncation=True, return_tensors="pt"
            )
            self._read[text] = self._text(tokens.input_ids.to(self._device))[0].float()
        return self._read[text]


def _device(on: str) -> torch.device:
    if on == "auto":
        if not torch.cuda.is_available():
            raise UserError("There is no CUDA GPU here: say --on cpu to paint slowly, or use the painter, which needs none.")
        return torch.device("cuda")
    try:
        device = torch.device(on)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise UserError(f'"{on}" is no device to paint on: write auto, cpu, cuda, cuda:1 ….')
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f'There is no "{on}" here: torch sees {torch.cuda.device_count()} CUDA GPUs.')
    return device


def _loaded(model: Model, scheduler: str, kind: torch.dtype) -> tuple[Any, ...]:
    """The tokenizer, the scheduler, and the networks that read, paint and turn into pixels; no filter that blackens pictures."""
    diffusers, transformers = import_module("diffusers"), import_module("transformers")
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
    libraries = {"diffusers": diffusers, "transformers": transformers}
    always = {"local_files_only": True}
    try:
        tokens = transformers.CLIPTokenizer.from_pretrained(model.folder, subfolder="tokenizer", **always)
        steps = getattr(diffusers, scheduler).from_pretrained(model.folder, subfolder="scheduler", **always)
        networks = [
            getattr(libraries[PARTS[part][0]], PARTS[part][1]).from_pretrained(
                model.folder, subfolder=part, use_safetensors=True, torch_dtype=kind, **always
            )
            for part in ("text_encoder", "unet", "vae")
        ]
    except Exception as error:  # noqa: BLE001 - the library's errors share no type
        said = " ".join(str(error).split())[:200]
        raise UserError(f"The model {model.name} cannot be loaded ({said}): fetch it again, or give another folder.") from None
    return tokens, steps, *networks


def _normal(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed % SEEDS))


def _between(one: torch.Tensor, other: torch.Tensor, share: float) -> torch.Tensor:
    """Spherical, so that it stays as strong as noise is (Shoemake 1985)."""
    cosine = torch.clamp((one * other).sum() / (one.norm() * other.norm()), -1, 1)
    angle = torch.acos(cosine)
    if float(torch.sin(angle)) < 1e-4:
        return torch.lerp(one, other, share)
    whole: torch.Tensor = (torch.sin((1 - share) * angle) * one + torch.sin(share * angle) * other) / torch.sin(angle)
    return whole


def _bytes(picture: npt.NDArray[np.float32]) -> Bytes:
    return np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8)
