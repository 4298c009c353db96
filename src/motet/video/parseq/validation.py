"""What is wrong with a document, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import Any

from motet.video.errors import VideoError
from motet.video.parseq.errors import ExpressionError
from motet.video.parseq.evaluation import CONSTANTS, VARIABLES, compiled
from motet.video.parseq.functions import FUNCTIONS
from motet.video.parseq.loading import Document, document
from motet.video.parseq.prompts import EXPRESSION
from motet.video.parseq.rendering import expressed, given, render

__all__ = ["problems"]

MOST = 50  # sentences
POINTS = 2_000  # of a time series, as Parseq keeps them


def problems(raw: Mapping[str, Any]) -> list[str]:
    """One sentence for each thing that keeps the document from being rendered or shown; none when it is sound.

    The first 50. `rendered_frames` that are in it already are checked as Deforum reads them.
    """
    try:
        made = document(raw)
    except VideoError as error:
        return [error.detail]
    found = list(dict.fromkeys(islice(_found(made), MOST)))
    if not found:
        try:
            render(made)
        except VideoError as error:
            found = [error.detail]
    return found


def _found(made: Document) -> Iterator[str]:
    keyframes = made["keyframes"]
    frames = [keyframe["frame"] for keyframe in keyframes]
    if len(frames) < 2:
        yield "A document needs two keyframes at least: its first frame and its last."
    if frames and frames[0] != 0:
        yield f"The first keyframe stands at frame {frames[0]}: it must stand at 0."
    yield from (f"Two keyframes stand at frame {b}." for a, b in pairwise(frames) if a == b)
    series = {one["alias"] for one in made["timeSeries"]}
    for keyframe in keyframes:
        for field in made["managedFields"]:
            yield from _keyframe(keyframe, field, series)
    yield from _prompts(made, series, frames[-1] if frames else 0)
    yield from _series(made)
    if "rendered_frames" in made:
        yield from _rendered(made["rendered_frames"], made["managedFields"])


def _keyframe(keyframe: Mapping[str, Any], field: str, series: set[str]) -> Iterator[str]:
    where = f"{field!r} at frame {keyframe['frame']}"
    value = keyframe.get(field)
    if value is not None and value != "" and given(value) is None:
        yield f"The field {where} is {str(value)[:40]!r}, not a number."
    expression = expressed(keyframe.get(f"{field}_i"))
    if expression:
        yield from (
            f"The expression of {where} fails: {fault}." for fault in _faults(expression, {"prev_computed_value"}, series)
        )


def _faults(expression: str, variables: set[str], series: set[str]) -> Iterator[str]:
    try:
        program = compiled(expression)
    except ExpressionError as error:
        yield str(error)
        return
    yield from program.faults
    yield from (f"there is no variable {name[:60]!r}" for name in sorted(program.variables - variables - series))
    yield from (f"there is no function {name[:60]!r}" for name in sorted(program.series - series))


def _prompts(made: Document, series: set[str], last_frame: int) -> Iterator[str]:
    prompts = made["prompts"]
    if not prompts["enabled"]:
        return
    fields = set(made["managedFields"])
    for prompt in (prompts["commonPrompt"], *prompts["promptList"]):
        name = str(prompt["name"])[:60]
        weights = [prompt["overlap"]["custom"]] if prompt["overlap"]["type"] == "custom" else []
        for expression in [*EXPRESSION.findall(prompt["positive"]), *EXPRESSION.findall(prompt["negative"]), *weights]:
            yield from (f"An expression of the prompt {name!r} fails: {fault}." for fault in _faults(expression, fields, series))
        if not prompt["allFrames"] and prompt["from"] > prompt["to"]:
            yield f"The prompt {name!r} ends at frame {prompt['to']} before it begins at {prompt['from']}."
        if not prompt["allFrames"] and prompt["from"] > last_frame:
            yield f"The prompt {name!r} begins at frame {prompt['from']}, after the last."


def _series(made: Document) -> Iterator[str]:
    seen: set[str] = set()
    for one in made["timeSeries"]:
        alias = one["alias"]
        if not (alias.isascii() and alias.isidentifier()) or alias in FUNCTIONS or alias in VARIABLES or alias in CONSTANTS:
            yield f"A time series is called {alias[:60]!r}: an expression cannot ask for it by that name."
        if alias in seen:
            yield f"Two time series are called {alias[:60]!r}."
        seen.add(alias)
        if len(one["ts"]["data"]) > POINTS:
            yield f"The time series {alias[:60]!r} has {len(one['ts']['data']):,} points: Parseq keeps {POINTS:,}."


def _rendered(frames: object, fields: Sequence[str]) -> Iterator[str]:
    if not isinstance(frames, Sequence) or isinstance(frames, str) or not frames:
        yield "The rendered frames are not a list with a frame in it."
        return
    for at, frame in enumerate(frames):
        if not isinstance(frame, Mapping) or frame.get("frame") != at:
            yield f"The rendered frames are not numbered from 0 without a gap: see place {at}."
            return
    if lacking := [field for field in fields if field not in frames[0]]:
        yield f"The first rendered frame lacks {', '.join(lacking[:5])[:200]}: Deforum needs every managed field there."
    for at, frame in enumerate(frames):
        strange = [field for field in fields if field in frame and (frame[field] is None or given(frame[field]) is None)]
        if strange:
            yield f"The rendered field {strange[0]!r} at frame {at} is not a number."
            return
