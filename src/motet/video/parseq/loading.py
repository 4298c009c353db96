"""Reads a Parseq document of any age into today's form, and writes one."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from motet.video.errors import VideoError
from motet.video.fields import FIELDS
from motet.video.parseq.values import number

__all__ = ["MOST_FRAMES", "Document", "document", "dump", "load"]

Document = dict[str, Any]

MOST_BYTES = 200_000_000
MOST_FRAMES = 100_000  # over an hour at 24 frames a second
MOST_FIELDS = 500
MOST_PROMPTS = 1_000
LONGEST_PROMPT = 20_000  # characters
MOST_POINTS = 100_000  # of a time series; Parseq itself thins them to 2,000
OPTIONS: Mapping[str, Any] = {
    "input_fps": 20,
    "bpm": 140,
    "output_fps": 20,
    "cc_window_width": 0,
    "cc_window_slide_rate": 1,
    "cc_use_input": False,
    "cadence": 1,
}
LOCKS = ("frames", "seconds", "beats")
PLACES = ("append", "prepend", "template")
OVERLAPS = ("none", "linear", "custom")
OWN = ("frame", "deforum_prompt")  # names of a rendered frame that no field may have


def load(data: bytes | str) -> Document:
    """The document in `data`, JSON of any of Parseq's forms, with every part of today's form filled in.

    VideoError `not_parseq` for what is no such document, `too_long` above 100,000 frames, and `bad_keyframe`, `bad_prompt`,
    `bad_options`, `bad_fields` or `bad_time_series` for the part that cannot be read.
    """
    if len(data) > MOST_BYTES:
        raise VideoError("not_parseq", f"A Parseq document may have {MOST_BYTES:,} bytes, this one has {len(data):,}.")
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data.removeprefix("\ufeff")
        raw = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
        raise VideoError("not_parseq", f"This is no JSON document: {why}.") from None
    return document(raw)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def document(raw: object) -> Document:
    """A copy of a decoded document in today's form; keys that Parseq does not know stay as they are. Errors as `load`."""
    if not isinstance(raw, Mapping) or not all(isinstance(key, str) for key in raw):
        raise VideoError("not_parseq", "A Parseq document is a JSON object.")
    if "keyframes" not in raw:
        raise VideoError("not_parseq", "This is no Parseq document: it has no keyframes.")
    keyframes = _keyframes(raw["keyframes"])
    fields = _names(raw.get("managedFields"), list(FIELDS), "managedFields")
    lock = raw.get("keyframeLock") or "frames"
    return {
        **raw,
        "prompts": _prompts(raw.get("prompts"), keyframes[-1]["frame"] if keyframes else 0),
        "options": _options(raw.get("options")),
        "managedFields": fields,
        "displayedFields": _names(raw.get("displayedFields"), fields[:5], "displayedFields"),
        "keyframes": keyframes,
        "timeSeries": _time_series(raw.get("timeSeries")),
        "keyframeLock": lock if lock in LOCKS else "frames",
        "reverseRender": raw.get("reverseRender") is True,
    }


def dump(document: Mapping[str, Any]) -> bytes:
    """The document as compact JSON: the same bytes for the same document. VideoError `not_json` for what JSON cannot say."""
    try:
        return json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise VideoError("not_json", f"The document cannot be written as JSON: {str(error)[:200]}.") from None


def _decimal(value: object) -> float | None:
    """A finite number, also one in a text; None for all else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = number(value if isinstance(value, str) else float(value))
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _whole(value: object, bad: str, what: str) -> int:
    found = _decimal(value)
    if found is None or not found.is_integer() or found < 0:
        raise VideoError(bad, f"{what} is {str(value)[:40]!r}, not a whole number from 0.")
    if found > MOST_FRAMES:
        raise VideoError("too_long", f"{what} is {found:,.0f}: a document may have {MOST_FRAMES:,} frames.")
    return int(found)


def _options(raw: object) -> dict[str, Any]:
    if raw is not None and not isinstance(raw, Mapping):
        raise VideoError("bad_options", "The options are not a JSON object.")
    options = {**OPTIONS, **(raw or {})}
    for key in ("bpm", "output_fps", "cadence"):
        value = options[key]
        if value is None and key == "cadence":
            value = 1
        found = _decimal(value)
        if found is None or (found <= 0 and key != "cadence") or found > 1e6:
            raise VideoError("bad_options", f"The option {key} is {str(value)[:40]!r}: it must be a number above 0.")
        options[key] = int(found) if found.is_integer() else found
    return options


def _names(raw: object, default: Sequence[str], what: str) -> list[str]:
    if raw is None:
        return list(default)
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not all(isinstance(name, str) for name in raw):
        raise VideoError("bad_fields", f"{what} is not a list of names.")
    if len(raw) > MOST_FIELDS:
        raise VideoError("bad_fields", f"{what} names {len(raw):,} fields: a document may have {MOST_FIELDS}.")
    if taken := [name for name in raw if name in OWN]:
        raise VideoError("bad_fields", f"A field may not be called {taken[0]!r}.")
    return list(dict.fromkeys(raw))


def _keyframes(raw: object) -> list[dict[str, Any]]:
    """The keyframes in order of frame, each a copy; a value given as a text becomes the number it is."""
    if not isinstance(raw, Sequence) or isinstance(raw, str) or len(raw) > MOST_FRAMES:
        raise VideoError("bad_keyframe", f"The keyframes are not a list of at most {MOST_FRAMES:,}.")
    keyframes = []
    for at, keyframe in enumerate(raw):
        if not isinstance(keyframe, Mapping) or not all(isinstance(key, str) for key in keyframe):
            raise VideoError("bad_keyframe", f"Keyframe {at + 1} is not a JSON object.")
        frame = _whole(keyframe.get("frame"), "bad_keyframe", f"The frame of keyframe {at + 1}")
        keyframes.append({**keyframe, "frame": frame})
    keyframes.sort(key=lambda keyframe: cast(int, keyframe["frame"]))
    return keyframes


def _prompts(raw: object, last_frame: int) -> dict[str, Any]:
    """Today's form ("v2") of a prompt pair, a list of prompts, or prompts that are in it already."""
    if raw is None:
        raw = {"positive": "", "negative": ""}
    if isinstance(raw, Sequence) and not isinstance(raw, str):
        enabled = raw[0].get("enabled") if raw and isinstance(raw[0], Mapping) else None
        raw = {"enabled": enabled is None or bool(enabled), "promptList": raw}
    elif isinstance(raw, Mapping) and raw.get("format") != "v2":
        raw = {"promptList": [{"name": "Prompt 1", **{key: raw.get(key) for key in ("positive", "negative")}}]}
    if not isinstance(raw, Mapping):
        raise VideoError("bad_prompt", "The prompts are neither a JSON object nor a list.")
    listed = raw.get("promptList")
    if not isinstance(listed, Sequence) or isinstance(listed, str) or len(listed) > MOST_PROMPTS:
        raise VideoError("bad_prompt", f"promptList is not a list of at most {MOST_PROMPTS:,} prompts.")
    place = raw.get("commonPromptPos", "append")
    if place not in PLACES:
        raise VideoError("bad_prompt", f"commonPromptPos is {str(place)[:40]!r}, not one of {', '.join(PLACES)}.")
    return {
        **raw,
        "format": "v2",
        "enabled": "enabled" not in raw or bool(raw["enabled"]),
        "commonPrompt": _prompt(raw.get("commonPrompt") or {}, "Common", last_frame),
        "commonPromptPos": place,
        "promptList": [_prompt(prompt, f"Prompt {at}", last_frame) for at, prompt in enumerate(listed, 1)],
    }


def _prompt(raw: object, name: str, last_frame: int) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        raise VideoError("bad_prompt", f"{name} is not a JSON object.")
    texts = {key: raw.get(key) or "" for key in ("positive", "negative")}
    for key, text in texts.items():
        if not isinstance(text, str) or len(text) > LONGEST_PROMPT:
            raise VideoError("bad_prompt", f"The {key} text of {name} is not a text of at most {LONGEST_PROMPT:,} characters.")
    overlap = raw.get("overlap") or {}
    if not isinstance(overlap, Mapping) or overlap.get("type", "none") not in OVERLAPS:
        raise VideoError("bad_prompt", f"The overlap of {name} is not one of {', '.join(OVERLAPS)}.")
    custom = overlap.get("custom", "prompt_weight_1")
    if not isinstance(custom, str) or len(custom) > LONGEST_PROMPT:
        raise VideoError("bad_prompt", f"The overlap of {name} has a custom weight that is no expression.")
    whole = {
        key: _whole(source.get(key) or 0, "bad_prompt", f"{key!r} of {name}")
        for source, keys in ((raw, ("from",)), (overlap, ("inFrames", "outFrames")))
        for key in keys
    }
    end = raw.get("to")
    return {
        "name": name,
        **raw,
        **texts,
        "allFrames": bool(raw.get("allFrames", True)),
        "from": whole["from"],
        "to": last_frame if end is None or end == "" else _whole(end, "bad_prompt", f"'to' of {name}"),
        "overlap": {
            **overlap,
            "inFrames": whole["inFrames"],
            "outFrames": whole["outFrames"],
            "type": overlap.get("type", "none"),
            "custom": custom,
        },
    }


def _time_series(raw: object) -> list[dict[str, Any]]:
    if raw is None:
        return []
    if not isinstance(raw, Sequence) or isinstance(raw, str) or len(raw) > MOST_FIELDS:
        raise VideoError("bad_time_series", f"The time series are not a list of at most {MOST_FIELDS}.")
    return [_one_series(series, at) for at, series in enumerate(raw, 1)]


def _one_series(raw: object, at: int) -> dict[str, Any]:
    series = raw.get("ts") if isinstance(raw, Mapping) else None
    data = series.get("data") if isinstance(series, Mapping) else None
    if not isinstance(raw, Mapping) or not isinstance(series, Mapping) or not isinstance(raw.get("alias"), str):
        raise VideoError("bad_time_series", f"Time series {at} has no alias or no data.")
    if not isinstance(data, Sequence) or isinstance(data, str) or len(data) > MOST_POINTS:
        raise VideoError("bad_time_series", f"The data of time series {at} is not a list of at most {MOST_POINTS:,} points.")
    points = []
    for point in data:
        x, y = (_decimal(point.get(key)) for key in "xy") if isinstance(point, Mapping) else (None, None)
        if x is None or y is None:
            raise VideoError("bad_time_series", f"Time series {at} has a point that is not two numbers x and y.")
        points.append({"x": x, "y": y})
    kind = series.get("timestampType", 0)
    if kind not in (0, 1) or isinstance(kind, bool):
        raise VideoError("bad_time_series", f"Time series {at} is timed by {str(kind)[:40]!r}: 0 is frames, 1 is milliseconds.")
    return {**raw, "ts": {**series, "data": points, "timestampType": kind}}
