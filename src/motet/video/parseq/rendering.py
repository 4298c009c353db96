"""Every frame of a document: fields between their keyframes, prompts, differences from frame to frame."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from motet.video.errors import VideoError
from motet.video.parseq.errors import ExpressionError
from motet.video.parseq.evaluation import Program, compiled
from motet.video.parseq.interpolation import Curve
from motet.video.parseq.loading import Document, document
from motet.video.parseq.moment import Effort, Labels, Moment, TimeSeries
from motet.video.parseq.prompts import composed
from motet.video.parseq.resting import resting
from motet.video.parseq.values import Value, number, whole

__all__ = ["given", "render"]

Frame = dict[str, Any]


def render(raw: Mapping[str, Any]) -> Document:
    """A copy of a document of any form with `rendered_frames` and `rendered_frames_meta`, as Parseq has them.

    A rendered frame holds `frame`, each managed field, `deforum_prompt`, with a seed also `subseed` and `subseed_strength`, and
    of each field `_delta` (its change since the frame before, for zoom as a factor; at frame 0 its value) and `_pc` (percent of
    its largest). What is not changed is shared with `raw`.

    VideoError `bad_expression` names the frame and the field; `bad_keyframe`: fewer than two keyframes, none at frame 0 or two
    at one; `too_much_work`: it would take minutes; and those of `load`.
    """
    made = document(raw)
    keyframes = made["keyframes"]
    _need_sound(keyframes)
    scene = _Scene(made)
    frames: list[Frame] = [{"frame": frame} for frame in range(scene.last_frame + 1)]
    columns: dict[str, list[float]] = {}
    scene.effort.spend(len(frames) * len(made["managedFields"]) * 20)  # memory rather than time
    for field in made["managedFields"]:
        columns[field] = scene.column(field, frames)
    if made["prompts"]["enabled"]:
        scene.write_prompts(columns, frames)
    if "seed" in columns:
        for frame, seed in zip(frames, columns["seed"], strict=True):
            frame["subseed"] = math.ceil(seed)
            frame["subseed_strength"] = whole(math.fmod(seed, 1.0))
    meta = {field: _extremes(column) for field, column in columns.items()}
    deltas = {field: _deltas(field, column) for field, column in columns.items()}
    if made["reverseRender"]:
        frames.reverse()
        deltas = {field: _reversed(field, column) for field, column in deltas.items()}
    _add_deltas(frames, columns, deltas, meta, reverse=made["reverseRender"])
    return {**made, "rendered_frames": frames, "rendered_frames_meta": meta}


def _need_sound(keyframes: Sequence[Mapping[str, Any]]) -> None:
    frames = [keyframe["frame"] for keyframe in keyframes]
    if len(frames) < 2:
        raise VideoError("bad_keyframe", "A document needs two keyframes at least: its first frame and its last.")
    if frames[0] != 0:
        raise VideoError("bad_keyframe", f"The first keyframe stands at frame {frames[0]}: it must stand at 0.")
    for before, after in pairwise(frames):
        if before == after:
            raise VideoError("bad_keyframe", f"Two keyframes stand at frame {after}.")


def given(value: object) -> float | None:
    """The number a keyframe sets a field to, as Parseq takes it (null is 0); None where it sets none."""
    if value is None:
        return 0.0
    if isinstance(value, (bool, int, float)):
        try:
            found = float(value)
        except OverflowError:
            return None
    elif isinstance(value, str) and value:
        found = number(value)
    else:
        return None
    return found if math.isfinite(found) else None


class _Scene:
    """What all fields of a document share."""

    def __init__(self, made: Document) -> None:
        options = made["options"]
        self.keyframes: list[dict[str, Any]] = made["keyframes"]
        self.prompts = made["prompts"]
        self.fps, self.bpm, self.cadence = (float(options[key]) for key in ("output_fps", "bpm", "cadence"))
        self.last_frame: int = self.keyframes[-1]["frame"]
        self.effort = Effort()
        self.read: set[str] = set()
        self.labels = Labels([(keyframe["frame"], _label(keyframe.get("info"))) for keyframe in self.keyframes], self.effort)
        self.series: dict[str, TimeSeries] = {}
        for one in made["timeSeries"]:
            points = [(float(point["x"]), float(point["y"])) for point in one["ts"]["data"]]
            self.series.setdefault(one["alias"], TimeSeries(points, milliseconds=one["ts"]["timestampType"] == 1))

    def moment(self, field: str, curve: Curve) -> Moment:
        return Moment(
            field, curve, self.labels, self.series, self.effort, self.fps, self.bpm, self.cadence, self.last_frame, resting(field)
        )

    def column(self, field: str, frames: list[Frame]) -> list[float]:
        """The field's value at every frame; also written into `frames` as it comes, for those who look."""
        curve = self.curve(field)
        moment = self.moment(field, curve)
        programs = self.programs(field)
        stops = set(curve.frames)
        computed: list[Value] = []
        column: list[float] = []
        moment.computed, moment.rendered = computed, frames
        variables: dict[str, Value] = {"prev_computed_value": 0.0}
        moment.variables = variables
        run, expression = compiled("L").run, "L"
        for frame in range(self.last_frame + 1):
            if frame in programs:
                expression, run = programs[frame]
                moment.memory = {}
            moment.frame = frame
            if frame in stops:
                moment.active = frame
            try:
                value = run(moment)
                exact = number(value)
            except ExpressionError as error:
                raise _bad(field, frame, expression, str(error)) from None
            if not math.isfinite(exact):
                raise _bad(field, frame, expression, "it is not a finite number")
            variables["prev_computed_value"] = value
            computed.append(value)
            column.append(exact)
            frames[frame][field] = whole(exact)
        return column

    def curve(self, field: str) -> Curve:
        points = [(keyframe["frame"], value) for keyframe in self.keyframes if (value := self.value(keyframe, field)) is not None]
        values = [value for _, value in points] or [resting(field)]
        if not points or points[0][0] != 0:
            points.insert(0, (0, values[0]))
        if points[-1][0] != self.last_frame:
            points.append((self.last_frame, values[-1]))
        return Curve([frame for frame, _ in points], [value for _, value in points])

    def value(self, keyframe: Mapping[str, Any], field: str) -> float | None:
        return given(keyframe[field]) if field in keyframe else None

    def programs(self, field: str) -> dict[int, tuple[str, Callable[[Moment], Value]]]:
        """Where a new expression begins to hold."""
        programs: dict[int, tuple[str, Callable[[Moment], Value]]] = {}
        cost, since = 1, 0
        for keyframe in self.keyframes:
            frame, expression = keyframe["frame"], expressed(keyframe.get(f"{field}_i"))
            if not expression:
                continue
            try:
                program: Program = compiled(expression)
            except ExpressionError as error:
                raise _bad(field, frame, expression, str(error)) from None
            self.effort.spend(cost * (frame - since) + self.reading(expression))
            cost, since = program.cost, frame
            programs[frame] = (expression, program.run)
        self.effort.spend(cost * (self.last_frame + 1 - since))
        return programs

    def reading(self, expression: str) -> int:
        """The work of reading an expression that was not met before: far more where its conditions have many readings."""
        if expression in self.read:
            return 0
        self.read.add(expression)
        return len(expression) * (200 if "if" in expression else 30)

    def write_prompts(self, columns: Mapping[str, Sequence[float]], frames: list[Frame]) -> None:
        moment = self.moment("prompt", Curve([keyframe["frame"] for keyframe in self.keyframes], ()))
        where = ""
        try:
            write = composed(self.prompts, self.last_frame)
            self.effort.spend(len(self.prompts["promptList"]) * len(frames))
            for frame in range(len(frames)):
                where = f" at frame {frame}"
                moment.frame = moment.active = frame
                moment.variables = _Row(columns, frame)
                frames[frame]["deforum_prompt"] = write(moment)
        except ExpressionError as error:
            raise VideoError("bad_expression", f"The prompt{where} cannot be written: {error}.") from None


class _Row(Mapping[str, Value]):
    """The fields of one frame by name."""

    def __init__(self, columns: Mapping[str, Sequence[float]], frame: int) -> None:
        self._columns = columns
        self._frame = frame

    def __getitem__(self, name: str) -> Value:
        return self._columns[name][self._frame]

    def __iter__(self) -> Any:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


def expressed(raw: object) -> str:
    """The expression in a keyframe, empty where there is none; a number stands for itself."""
    if raw is None or raw is False or raw == 0 or raw == "":
        return ""
    return "true" if raw is True else str(whole(raw) if isinstance(raw, float) else raw)


def _label(raw: object) -> str | None:
    return None if raw is None else raw if isinstance(raw, str) else str(raw)[:1000]


def _bad(field: str, frame: int, expression: str, why: str) -> VideoError:
    shown = expression if len(expression) <= 60 else expression[:57] + "…"
    return VideoError("bad_expression", f"The field {field!r} at frame {frame} ({shown!r}) cannot be worked out: {why}.")


def _extremes(column: Sequence[float]) -> dict[str, Any]:
    highest, lowest = max(map(abs, column)), min(column)
    return {"max": whole(highest), "min": whole(lowest), "isFlat": lowest == highest}


def _deltas(field: str, column: Sequence[float]) -> list[float]:
    still = 1.0 if field == "zoom" else 0.0
    return [column[0], *(still + (after - before) for before, after in pairwise(column))]


def _reversed(field: str, deltas: Sequence[float]) -> list[float]:
    if field != "zoom":
        return [-delta for delta in deltas]
    if 0.0 in deltas:
        raise VideoError("bad_expression", f"The zoom falls by 1 at frame {deltas.index(0.0)}: that cannot be shown in reverse.")
    return [1 / delta for delta in deltas]


def _add_deltas(
    frames: list[Frame],
    columns: Mapping[str, Sequence[float]],
    deltas: Mapping[str, Sequence[float]],
    meta: Mapping[str, Mapping[str, Any]],
    *,
    reverse: bool,
) -> None:
    order = range(len(frames) - 1, -1, -1) if reverse else range(len(frames))
    for field, column in columns.items():
        highest = float(meta[field]["max"])
        changes = deltas[field]
        delta, percent = f"{field}_delta", f"{field}_pc"
        for frame, at in zip(frames, order, strict=True):
            frame[delta] = whole(changes[at])
            frame[percent] = whole(column[at] / highest * 100 if highest else column[at])
    if reverse:
        for at, frame in enumerate(frames):
            frame["frame"] = at
