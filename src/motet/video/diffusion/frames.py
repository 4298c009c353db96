"""What a manifest says of each picture, as a diffusion model needs it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from motet.video.errors import VideoError
from motet.video.fields import FIELDS

__all__ = ["Frame", "Frames", "Prompts", "prompts", "read"]

SIZE = (256, 256)
MOVES = (
    *("angle", "zoom", "translation_x", "translation_y", "translation_z", "rotation_3d_x", "rotation_3d_y", "rotation_3d_z"),
    *("perspective_flip_theta", "perspective_flip_phi", "perspective_flip_gamma"),
)
VALUES = (
    *("seed", "scale", "noise", "strength", "contrast", "fov"),
    *("antiblur_kernel", "antiblur_sigma", "antiblur_amount", "antiblur_threshold"),
)
MOST_PROMPTS = 16  # of one picture: each is another pass through the model
MOST_TEXT = 20_000

Weighted = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Prompts:
    """What is to be seen and what is not, each text with its weight."""

    positive: Weighted
    negative: Weighted


@dataclass(frozen=True)
class Frame:
    """`moves`: how far the last picture moves; `values`: the other fields; `subseed` and its share (0 to 1), or None."""

    moves: Mapping[str, float]
    values: Mapping[str, float]
    subseed: tuple[int, float] | None
    prompts: Prompts


@dataclass(frozen=True)
class Frames:
    frames: tuple[Frame, ...]
    fps: Fraction
    size: tuple[int, int]
    seed: int


def read(manifest: Mapping[str, Any]) -> Frames:
    """The frames of a rendered Parseq document, ours or another. Raises VideoError `bad_manifest`."""
    rendered = manifest.get("rendered_frames")
    if not isinstance(rendered, list) or not rendered or not all(isinstance(frame, dict) for frame in rendered):
        raise VideoError("bad_manifest", "it has no rendered frames: render it first")
    plan = manifest.get("motet")
    plan = plan if isinstance(plan, dict) else {}
    size, seed = plan.get("size", SIZE), plan.get("seed", 0)
    if not isinstance(size, list | tuple) or len(size) != 2 or not all(isinstance(side, int) for side in size):
        raise VideoError("bad_manifest", f"its size {size!r} is not a width and a height")
    if not isinstance(seed, int):
        raise VideoError("bad_manifest", f"its seed {seed!r} is not a whole number")
    frames = tuple(_frame(rendered, number) for number in range(len(rendered)))
    return Frames(frames, _fps(manifest.get("options")), (size[0], size[1]), seed)


def _fps(options: Any) -> Fraction:
    told = options.get("output_fps", 24) if isinstance(options, dict) else 24
    try:
        fps = Fraction(told).limit_denominator(1001)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        fps = Fraction(0)
    if not 1 <= fps <= 240:
        raise VideoError("bad_manifest", f"its output_fps {told!r} is not between 1 and 240")
    return fps


def _frame(rendered: list[dict[str, Any]], number: int) -> Frame:
    told = rendered[number]
    moves = {}
    for name in MOVES:
        still = FIELDS[name].still
        if f"{name}_delta" in told:
            moves[name] = _number(told, f"{name}_delta", still, number)
        else:
            rest = FIELDS[name].rest
            before = rendered[max(number - 1, 0)]
            moves[name] = still + _number(told, name, rest, number) - _number(before, name, rest, number)
    values = {name: _number(told, name, FIELDS[name].rest, number) for name in VALUES}
    subseed, share = _number(told, "subseed", -1, number), _number(told, "subseed_strength", 0, number)
    text = told.get("deforum_prompt", "")
    if not isinstance(text, str) or len(text) > MOST_TEXT:
        raise VideoError("bad_manifest", f"frame {number} has no prompt of at most {MOST_TEXT} characters")
    return Frame(moves, values, (int(subseed), min(share, 1.0)) if subseed >= 0 and share > 0 else None, prompts(text))


def _number(told: Mapping[str, Any], name: str, otherwise: float, number: int) -> float:
    value = told.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15 or math.isnan(value):
        raise VideoError("bad_manifest", f"frame {number} has a {name} that is no finite number")
    return float(value)


def prompts(text: str) -> Prompts:
    """Read "one: 0.7 AND another: 0.3 --neg what not": a text without a weight has 1, and empty texts are dropped.

    Raises VideoError `bad_manifest` for more than 16 texts. Brackets that stress words are part of the text.
    """
    positive, _, negative = text.partition("--neg")
    told = Prompts(_weighted(positive), _weighted(negative))
    if len(told.positive) + len(told.negative) > MOST_PROMPTS:
        raise VideoError("bad_manifest", f"a picture has more than {MOST_PROMPTS} prompts at once")
    return told


def _weighted(text: str) -> Weighted:
    found = []
    for part in re.split(r"\bAND\b", text.replace("--neg", " ")):
        whole = re.fullmatch(r"(.*?)(?::\s*(-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d{1,2})?))?\s*", part.strip(), re.DOTALL)
        words, weight = (whole[1].strip(), whole[2]) if whole else (part.strip(), None)
        if words and (weight is None or float(weight) != 0):
            found.append((words, 1.0 if weight is None else float(weight)))
    return tuple(found)
