"""Deforum's settings for a manifest, and what is wrong with settings: Deforum itself takes nearly anything in silence."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from motet.errors import UserError
from motet.sources.hostile import parse
from motet.video.deforum.keys import Key, keys, old, told
from motet.video.deforum.schedules import fault, frame_fault
from motet.video.errors import VideoError
from motet.video.fields import FIELDS

__all__ = ["problems", "settings"]

LARGEST = 64 << 20  # characters of a manifest inside settings
_FILLS = ("fill", "original", "latent noise", "latent nothing")
_FLAT = ("angle", "zoom", "perspective_flip_theta", "perspective_flip_phi", "perspective_flip_gamma")  # only in mode 2D
_DEEP = ("translation_z", "rotation_3d_x", "rotation_3d_y")  # only in mode 3D
_SEEDS = 1 << 32
DECIDED = ("W", "H", "fps", "max_frames", "parseq_manifest", "parseq_use_deltas", "batch_name")  # by the plan and the farm


def settings(
    manifest: Mapping[str, Any], *, size: tuple[int, int], seed: int, changes: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A whole settings object for a rendered Parseq manifest, `size` (width, height) and any whole `seed`.

    3D unless the manifest moves only what 2D moves, cadence 1, 15 steps, Deforum's defaults for all else; `changes` goes
    before all that. Raises VideoError for a manifest that Deforum would not take, UserError for changes.
    """
    for name in DECIDED:
        if changes and name in changes:
            raise UserError(f"{name} is as the plan has it: leave it out of the changes.")
    frames = manifest.get("rendered_frames")
    options = manifest.get("options")
    if not isinstance(frames, list) or not frames or not isinstance(options, dict):
        raise VideoError("not_rendered", "The manifest holds no rendered frames.")
    if found := list(_manifest_faults(manifest, deltas=True)):
        raise VideoError("bad_manifest", f"The manifest {found[0]}.")
    first = frames[0]
    moving = {name for name in FIELDS if name in first and _moves(frames, name)}
    fps = float(options["output_fps"])
    made = {name: key.default for name, key in keys().items()}
    made |= {
        "W": size[0],
        "H": size[1],
        "seed": seed % _SEEDS,
        "steps": 15,
        "batch_name": "motet_{timestring}",
        "animation_mode": "2D" if moving & {*_FLAT} and not moving & {*_DEEP} else "3D",
        "enable_perspective_flip": any(name.startswith("perspective_flip") for name in moving),
        "noise_type": "uniform" if size[0] % 64 or size[1] % 64 else "perlin",
        "diffusion_cadence": 1,
        "max_frames": len(frames),
        "fps": _whole_if(fps),
        "prompts": {"0": str(first.get("deforum_prompt", ""))},
        "parseq_manifest": _sent(manifest, frames, fps),
    }
    made |= changes or {}
    if found := problems(made):
        raise UserError(f"Deforum would not take these settings: {found[0]}")
    return made


def _whole_if(value: float) -> float:
    return int(value) if value.is_integer() else value


def _moves(frames: list[dict[str, Any]], name: str) -> bool:
    """Whether Deforum sees the field change after the first picture."""
    if FIELDS[name].delta:
        return any(frame[f"{name}_delta"] != FIELDS[name].still for frame in frames[1:])
    return any(frame[name] != frames[0][name] for frame in frames)


def _sent(manifest: Mapping[str, Any], frames: list[dict[str, Any]], fps: float) -> str:
    """The manifest with what Deforum reads and no more: servers repeat it in every answer about a job."""
    drop = set()
    if all(frame.get("seed", 0) < 0 for frame in frames):
        drop = {"seed", "subseed", "subseed_strength"}  # "any" for every picture; the settings' own seed counts up instead
    kept = [
        name
        for name in frames[0]
        if not name.endswith("_pc")
        and name not in drop
        and (not name.endswith("_delta") or _is_delta(name.removesuffix("_delta")))
    ]
    managed = [name for name in manifest.get("managedFields", []) if name not in drop]
    return json.dumps(
        {
            "meta": manifest.get("meta", {}),
            "options": {"output_fps": _whole_if(fps), "cadence": 1, "bpm": manifest["options"].get("bpm", 120)},
            "managedFields": managed,
            "rendered_frames": [{name: frame[name] for name in kept} for frame in frames],
        },
        separators=(",", ":"),
        allow_nan=False,
    )


def _is_delta(name: str) -> bool:
    return name in FIELDS and FIELDS[name].delta


def problems(settings: Any) -> list[str]:
    """What is wrong with a settings object, one sentence each; [] when Deforum would do as it says."""
    if not isinstance(settings, dict):
        return ["Settings are one JSON object."]
    known = keys()
    found = [
        sentence
        for name, value in settings.items()
        for sentence in (_faults(known[name], value, settings) if name in known else _unknown(name))
    ]
    return [*found, *_together(settings)]


def _unknown(name: Any) -> Iterator[str]:
    if name in told():
        return
    if name in old():
        yield f"{name} is called {old()[name]} now."
        return
    near = get_close_matches(str(name)[:100], keys(), 1)
    hint = f"; {near[0]} is the nearest name it reads" if near else ""
    yield f"Deforum has no setting {_shown(name)}{hint}."


def _faults(key: Key, value: Any, settings: dict[Any, Any]) -> Iterator[str]:
    name = key.name
    if key.kind in ("schedule", "names"):
        if not isinstance(value, str):
            yield f'{name} is a schedule in a string, as "0: (1)", not {_shown(value)}.'
        elif wrong := fault(value, names=key.kind == "names"):
            yield f"{name} {wrong}."
    elif key.kind == "switch" and not isinstance(value, bool):
        yield f"{name} is true or false, not {_shown(value)}."
    elif key.kind == "choice" and value not in key.choices:
        near = get_close_matches(str(value)[:100], key.choices, 1, 0.5)
        hint = f" (did you mean {near[0]}?)" if near else ""
        yield f"{name} is one of {', '.join(key.choices)}, not {_shown(value)}{hint}."
    elif key.kind == "text" and not isinstance(value, str):
        yield f"{name} is a string, not {_shown(value)}."
    elif key.kind in ("whole", "number"):
        number = _number(value)
        if number is None or (key.kind == "whole" and not number.is_integer()):
            yield f"{name} is a {'whole ' if key.kind == 'whole' else ''}number, not {_shown(value)}."
        elif not key.low <= number <= key.high:
            yield f"{name} is from {key.low:g} to {key.high:g}, not {_shown(value)}."
    elif key.kind == "own":
        for wrong in _own(name, value, settings):
            yield f"{name} {wrong}."


def _own(name: str, value: Any, settings: dict[Any, Any]) -> Iterator[str]:
    if name == "prompts":
        yield from _prompt_faults(value)
    elif name == "parseq_manifest":
        yield from _document_faults(value, deltas=settings.get("parseq_use_deltas") is not False)
    elif name == "init_image" and not isinstance(value, (str, type(None))):
        yield f"is a path, an address or null, not {_shown(value)}"
    elif name == "fill" and value not in (*range(len(_FILLS)), *_FILLS):
        yield f"is 0 to 3 or one of {', '.join(_FILLS)}, not {_shown(value)}"
    elif name == "diffusion_redo" and not (str(value).isascii() and str(value).isdigit() and not isinstance(value, bool)):
        yield f"is a whole number, not {_shown(value)}"
    elif name == "init_images":
        try:
            images = parse(value.encode("utf-8", "replace")) if isinstance(value, str) else None
        except ValueError:
            images = None
        if not isinstance(images, dict):
            yield 'is a JSON object in a string, as "{\\"0\\": \\"picture.png\\"}"'
            return
        yield from (f"has frame {_shown(frame)}: {wrong}" for frame in images if (wrong := frame_fault(frame)))


def _prompt_faults(prompts: Any) -> Iterator[str]:
    if not isinstance(prompts, dict) or not prompts:
        yield 'is an object as {"0": "a forest --neg text"} with at least one prompt'
        return
    for frame, prompt in prompts.items():
        if wrong := frame_fault(str(frame)):
            yield f"has frame {_shown(frame)}: {wrong}"
        elif not isinstance(prompt, str):
            yield f"has something other than a string at frame {frame}"
        elif prompt.count("--neg") > 1:
            yield f"has --neg more than once at frame {frame}: Deforum fails on it"


def _document_faults(manifest: Any, *, deltas: bool) -> Iterator[str]:
    if not isinstance(manifest, str):
        yield "is a JSON string or an address, not an object: write the document into a string"
        return
    if not manifest.strip() or manifest.strip().startswith("http"):
        return
    if len(manifest) > LARGEST:
        yield f"has more than {LARGEST} characters"
        return
    try:
        document = parse(manifest.encode("utf-8", "replace"))
    except ValueError:
        yield "is no JSON"
        return
    yield from _manifest_faults(document, deltas=deltas)


def _manifest_faults(document: Any, *, deltas: bool) -> Iterator[str]:
    """What Deforum's reader of Parseq documents would fail on, or fill up in silence; the first of each kind."""
    options, frames = (document.get(name) if isinstance(document, Mapping) else None for name in ("options", "rendered_frames"))
    if not isinstance(options, dict):
        yield "holds no options"
    elif "output_fps" in options and not (_number(options["output_fps"]) or 0) > 0:
        yield "has no frame rate in options.output_fps"
    elif options.get("cadence") and not ((_number(options["cadence"]) or 0.5).is_integer() and float(options["cadence"]) >= 1):
        yield "has a cadence that is no whole number"
    if not isinstance(frames, list) or not frames or not all(isinstance(frame, dict) for frame in frames):
        yield "holds no rendered_frames"
        return
    first = frames[0]
    managed = document.get("managedFields", [])
    if not isinstance(managed, list) or not all(isinstance(name, str) for name in managed):
        yield "has managedFields that are no list of names"
        managed = []
    for name in managed:
        wanted = f"{name}_delta" if deltas and _is_delta(name) else name
        if missing := next((one for one in (name, wanted) if one not in first), None):
            yield f"lacks {_shown(missing)} in frame 0, though it manages {_shown(name)}"
            break
    if (place := next((place for place, frame in enumerate(frames) if not _is_at(frame, place)), None)) is not None:
        yield f"has frame {_shown(frames[place].get('frame'))} where frame {place} should be"
    if wrong := next(_bad_values(first, frames), ""):
        yield wrong


def _is_at(frame: dict[str, Any], place: int) -> bool:
    return isinstance(frame.get("frame"), (int, float)) and not isinstance(frame["frame"], bool) and frame["frame"] == place


def _bad_values(first: dict[str, Any], frames: list[dict[str, Any]]) -> Iterator[str]:
    for place, frame in enumerate(frames):
        for name in first:
            value = frame.get(name)
            if name == "deforum_prompt":
                if not isinstance(value, str):
                    yield f"has no prompt in frame {place}"
                elif value.count("--neg") > 1:
                    yield f"has --neg more than once in the prompt of frame {place}: Deforum fails on it"
            elif name not in ("info", "sampler_schedule") and _number(value) is None:
                yield f"has no number for {_shown(name)} in frame {place}"


def _together(settings: dict[Any, Any]) -> Iterator[str]:
    """What is wrong with settings only beside others."""
    for name in ("W", "H"):
        side = settings.get(name)
        if not isinstance(side, int) or isinstance(side, bool):
            continue
        if side % 8:
            yield f"{name} is a multiple of 8, not {side}: the film would be smaller than asked."
        elif side % 64 and settings.get("noise_type", "perlin") == "perlin":
            yield f"{name} is {side}: perlin noise needs multiples of 64; set noise_type to uniform."
    if settings.get("skip_video_creation") is True:
        yield "skip_video_creation is true: Deforum would leave pictures and no film."
    if settings.get("resume_from_timestring") is True:
        yield "resume_from_timestring is true: Deforum would go on with the pictures of another film."
    if settings.get("add_soundtrack") == "File" and not settings.get("soundtrack_path"):
        yield "add_soundtrack is File, and soundtrack_path is empty."
    if settings.get("animation_mode") == "Video Input" and not settings.get("video_init_path"):
        yield "animation_mode is Video Input, and video_init_path is empty."


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else repr(value[:80])
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= 60 else text[:57] + "…"
