"""Plans become films: painted here, or rendered by Deforum's servers or a diffusion model; with the mix as soundtrack."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator

from motet import render
from motet.dataset.rows import Film, VideoPlan
from motet.errors import UserError
from motet.run import Drop, Needs, Settings, Tools, Unanswered, stage
from motet.run.stage import Cost, versions
from motet.video.errors import VideoError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

ADDRESSES = "MOTET_DEFORUM_SERVERS"


class RenderVideo(Settings):
    # Who answers, and how long one waits, changes nothing in a film.
    no_effect: ClassVar[frozenset[str]] = frozenset(("servers", "stalled", "tries", "outputs", "fetch"))

    renderer: Literal["painter", "deforum", "diffusion"] = Field(
        default="painter", description="Motet's own painter, web UIs with Deforum, or a diffusion model on this machine"
    )
    servers: list[str] = Field(
        default=[],
        description=f"addresses of web UIs, each with a GPU of its own: http://127.0.0.1:7861; or those in {ADDRESSES}, where "
        "passwords are kept from the disk",
    )
    changes: dict[str, Any] = Field(default={}, description="Deforum's settings in place of the usual: steps, sampler …")
    outputs: dict[str, str] = Field(default={}, description="where the servers' folders lie here, if elsewhere")
    stalled: float = Field(default=300.0, gt=0, description="seconds without progress after which a job is tried elsewhere")
    tries: int = Field(default=3, ge=1, le=100, description="of one film")
    model: str = Field(default="", description="for diffusion: the folder of a Stable Diffusion model, or its name on the Hub")
    fetch: bool = Field(default=False, description="let a model of that name be fetched")
    device: str = Field(default="auto", description="for diffusion: auto, cuda, cuda:1 …, or cpu, which takes hours")
    steps: int = Field(default=15, ge=1, le=1000, description="for diffusion: of a picture")
    sampler: str = Field(default="ddim", description="for diffusion: ddim, euler, euler a, dpm++ 2m, or model, as it has it")

    @field_validator("servers")
    @classmethod
    def _no_secrets(cls, servers: list[str]) -> list[str]:
        # Settings are written down.
        if any("@" in address for address in servers):
            msg = f"addresses with passwords belong into the environment variable {ADDRESSES}, with spaces between them"
            raise ValueError(msg)
        return servers


def _servers(settings: RenderVideo) -> list[str]:
    return settings.servers or os.environ.get(ADDRESSES, "").split()


def _needs(settings: RenderVideo) -> Needs:
    return Needs(gpus=int(settings.renderer == "diffusion" and settings.device == "cuda"))


def _contents(settings: RenderVideo) -> Mapping[str, str]:
    """What is lacking is told before work begins."""
    if settings.renderer == "deforum":
        from motet.video import deforum
        from motet.video.deforum.client import Address
        from motet.video.deforum.keys import keys
        from motet.video.deforum.settings import DECIDED

        if not _servers(settings):
            raise UserError(
                "render_video.renderer=deforum needs servers: set render_video.servers, or start some by `motet video serve`."
            )
        for address in _servers(settings):
            Address.read(address)
        for name in DECIDED:
            if name in settings.changes:
                raise UserError(f"render_video.changes sets {name}, which is as the plan has it: leave it out.")
        usual = {name: key.default for name, key in keys().items()}
        if wrong := set(deforum.problems(usual | settings.changes)) - set(deforum.problems(usual)):
            raise UserError(f"render_video.changes is nothing that Deforum takes: {min(wrong)}")
    if settings.renderer == "diffusion":
        from motet.video import diffusion

        if not settings.model:
            raise UserError("render_video.renderer=diffusion needs a model: set render_video.model to its folder.")
        found = diffusion.find(settings.model, fetch=settings.fetch)
        return {"model": found.commit or found.folder.name, **versions(["diffusers", "torch", "transformers"])}
    return {}


def _cost(plan: Mapping[str, Any], settings: RenderVideo) -> Cost | None:
    if settings.renderer != "painter":
        return None
    pixels = plan["frames"] * plan["width"] * plan["height"]
    return Cost(seconds=pixels * 3.0e-8, media_bytes=pixels * 0.03 + (plan["end"] - plan["start"]) * 48_000)


@stage(
    version=2,
    uses=["audio", "start_frame", "end_frame", "fps", "frames", "width", "height", "manifest", "seed"],
    timeout=24 * 3600,
    libraries=["av", "numpy", "numba", "soundfile"],
    contents=_contents,
    cost=_cost,
    needs=_needs,
)
def render_video(plan: VideoPlan, settings: RenderVideo, tools: Tools) -> Film | Drop:
    manifest = json.loads(tools.media.read(plan.manifest))
    samples, rate = render.decode(tools.media.path(plan.audio), plan.start_frame, plan.end_frame)
    model = licence = ""
    try:
        with tempfile.TemporaryDirectory(dir=tools.cache) as folder:
            file = Path(folder) / "film.mp4"
            if settings.renderer == "painter":
                from motet.video import painter

                painter.film(manifest, file, sound=(samples, rate))
            elif settings.renderer == "diffusion":
                model, licence = _by_diffusion(manifest, (samples, rate), file, settings)
            else:
                _by_deforum(plan, manifest, (samples, rate), file, settings, tools)
            return Film(
                video=tools.media.adopt(file, ".mp4"),
                sound=tools.media.write(_mp3(samples, rate), ".mp3"),
                manifest=plan.manifest,
                width=plan.width,
                height=plan.height,
                fps=plan.fps,
                frames=plan.frames,
                seconds=float(plan.frames / Fraction(plan.fps)),
                renderer=settings.renderer,
                model=model,
                model_licence=licence,
            )
    except VideoError as error:
        if error.reason == "not_written":  # the disk's doing, not the film's
            raise Unanswered(error.detail) from None
        return Drop(error.reason, error.detail)


def _mp3(samples: npt.NDArray[np.float32], rate: int) -> bytes:
    try:
        render.check_encoding("mp3", rate)
    except render.RenderError:
        import soxr

        samples, rate = soxr.resample(samples, rate, 44100), 44100
    return render.encode(samples, rate, format="mp3")


def _by_diffusion(
    manifest: dict[str, Any], sound: tuple[npt.NDArray[np.float32], int], file: Path, settings: RenderVideo
) -> tuple[str, str]:
    from motet.video import diffusion

    model = diffusion.find(settings.model, fetch=settings.fetch)
    diffusion.film(manifest, model, file, steps=settings.steps, sampler=settings.sampler, on=settings.device, sound=sound)
    return Path(model.name).name, model.licence or ""


def _by_deforum(
    plan: VideoPlan,
    manifest: Mapping[str, Any],
    sound: tuple[npt.NDArray[np.float32], int],
    file: Path,
    settings: RenderVideo,
    tools: Tools,
) -> None:
    """Rendered by one of the servers. All workers share a journal, and with it what runs there after a build was killed."""
    from motet.video import deforum, film

    size, fps = (plan.width, plan.height), Fraction(plan.fps)
    asked = deforum.settings(manifest, size=size, seed=plan.seed, changes=settings.changes)
    name = sha256(json.dumps([plan.manifest, settings.changes], sort_keys=True).encode()).hexdigest()[:32]
    silent = file.with_name("pictures.mp4")
    outputs = {there: Path(here).expanduser() for there, here in settings.outputs.items()}
    with deforum.Farm(
        _servers(settings),
        tools.cache / "farm",
        stalled_after=settings.stalled,
        tries=settings.tries,
        outputs=outputs,
        again=True,
    ) as farm:
        farm.render(deforum.Job(name, asked, plan.frames, size, fps, silent))
    film.dub(silent, file, sound=sound)
