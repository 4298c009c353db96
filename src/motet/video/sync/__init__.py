"""Sync measured from a finished film alone: where its picture changes, where its sound begins, and how both follow a plan.

seen = look(path)              # changes, faults: nothing is known but the file
sync = check(path, manifest)   # the same, compared with what was planned
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.video.errors import VideoError
from motet.video.footage import LONGEST, Picture, open_footage, soundtrack
from motet.video.sync.av_align import av_align
from motet.video.sync.beats import beat_alignment
from motet.video.sync.changes import Curve, changed, curve
from motet.video.sync.faults import HEARD, Fault, Measured, of_onsets, of_plan, of_sound, on_sight
from motet.video.sync.matching import Matching, chance, judge
from motet.video.sync.onsets import onsets

__all__ = ["Fault", "Look", "Matching", "Sync", "check", "judge", "look"]

MOST_FRAMES = 1_000_000


@dataclass(frozen=True, eq=False)
class Look:
    """What a film shows, known from its file alone.

    `changes` are the pictures that are the first of something new, `moments` the seconds at which they are shown, `curve` how
    the picture changes throughout. `steady`: each picture is shown for equally long, 1 / `fps`.
    """

    fps: Fraction
    frames: int
    size: tuple[int, int]
    seconds: float
    steady: bool
    changes: npt.NDArray[np.int64]
    moments: npt.NDArray[np.float64]
    curve: Curve
    faults: tuple[Fault, ...]


def look(path: Path, *, longest: float = LONGEST) -> Look:
    """See a film. Raises VideoError for one that cannot be read, see `motet.video.footage`."""
    times: list[float] = []
    with open_footage(path, longest=longest) as footage:
        seen = curve(_timed(footage.pictures(), times))
        fps, steady = footage.fps, footage.steady
        size = footage.width, footage.height
    at = changed(seen)
    seconds = (times[-1] if times else 0.0) + 1 / float(fps)
    moments = np.array(times)[at] if len(at) else np.zeros(0)
    return Look(fps, len(seen), size, seconds, steady, at, moments, seen, tuple(on_sight(seen, fps)))


def _timed(pictures: Iterator[Picture], times: list[float]) -> Iterator[Picture]:
    for picture in pictures:
        times.append(float(picture.seconds))
        yield picture


@dataclass(frozen=True)
class Sync:
    """How a film follows its plan.

    `picture` compares the changes of the picture with the planned frames that stand apart, `every` with all of them; errors are
    against the exact moments of the notes, so that up to half a frame of them is the plan's own rounding, which `plan_ms` tells
    at its greatest. `sound` compares the onsets of the soundtrack, within 50 ms, with the planned moments, and `seen_heard` with
    the changes of the picture, within a frame; both None without sound. `chance` is the mean F1 of the plan moved elsewhere, and
    `chance_share` the share of such plans that do as well.
    """

    fps: float
    frames: int
    size: tuple[int, int]
    seconds: float
    changes: tuple[int, ...]
    onsets: tuple[float, ...] | None
    picture: Matching
    every: Matching
    sound: Matching | None
    seen_heard: Matching | None
    plan_ms: float | None
    av_align: float | None
    beat_alignment: float | None
    chance: float
    chance_share: float
    faults: tuple[Fault, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and words, for a table or JSON."""
        found = asdict(self)
        found["size"], found["changes"] = list(self.size), list(self.changes)
        found["onsets"] = None if self.onsets is None else list(self.onsets)
        found["faults"] = [asdict(fault) for fault in self.faults]
        return found


def check(path: Path, manifest: Mapping[str, Any], *, sound: bool = True, longest: float = LONGEST) -> Sync:
    """Measure a film, then compare it with the manifest it was made from; `sound` says that it should have a soundtrack.

    Raises VideoError as `look` does, and `not_planned` for a manifest that does not say what should happen when.
    """
    plan = _Plan.of(manifest)
    seen = look(path, longest=longest)
    track = soundtrack(path, longest=longest) if sound else None
    fps = plan.fps
    # On the plan's own grid: the nearest frame to the moment at which a picture is shown.
    at = np.unique(np.floor(seen.moments * float(fps) + 0.5 + 1e-6).astype(np.int64)).tolist()
    picture = judge(plan.planned, at, fps, also=plan.others, exact=plan.exact)
    every = judge(plan.planned, at, fps, apart=1, also=plan.others, exact=plan.exact)
    by_chance = chance(plan.planned, at, plan.frames)
    heard = onsets(track) if track is not None else None
    found = Measured(plan.planned, at, fps, picture, by_chance)
    faults = list(seen.faults)
    for fault in (
        *of_plan(seen.curve, found, plan.frames, seen.steady, seen.fps),
        *(of_sound(track, seen.seconds) if sound else ()),
        *(of_onsets(heard.tolist(), plan.exact, fps) if heard is not None else ()),
    ):
        told = {earlier.reason for earlier in faults}
        if fault.reason not in told and not (fault.reason == "frozen" and told & {"black", "one_picture"}):
            faults.append(fault)
    rate = float(fps)
    return Sync(
        fps=float(seen.fps),
        frames=seen.frames,
        size=seen.size,
        seconds=round(seen.seconds, 6),
        changes=tuple(at),
        onsets=None if heard is None else tuple(round(moment, 4) for moment in heard.tolist()),
        picture=picture,
        every=every,
        sound=None if heard is None else judge(plan.exact, (heard * rate).tolist(), fps, within=HEARD * rate, also=plan.others),
        seen_heard=None if heard is None else judge(at, (heard * rate).tolist(), fps, within=1.0),
        plan_ms=plan.rounding_ms,
        av_align=None if heard is None else av_align(seen.moments.tolist(), heard.tolist(), fps),
        beat_alignment=beat_alignment([beat / rate for beat in plan.beats], seen.moments.tolist()),
        chance=by_chance[0],
        chance_share=by_chance[1],
        faults=tuple(faults),
    )


@dataclass(frozen=True)
class _Plan:
    """Of a manifest what can be seen: `planned` frames and their `exact` moments in frames, notes that need not be seen."""

    fps: Fraction
    frames: int
    planned: list[int]
    exact: list[float]
    others: list[int]
    beats: list[float]
    rounding_ms: float | None

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> _Plan:
        try:
            fps = Fraction(manifest["options"]["output_fps"]).limit_denominator(1001)
            rendered = manifest["rendered_frames"]
            own = manifest["motet"]
            events = [(_frame(event["frame"]), _number(event["seconds"])) for event in own["events"]]
            if any(abs(frame / float(fps) - seconds) > 1 for frame, seconds in events):
                msg = "an event's frame and its seconds are more than a second apart"
                raise ValueError(msg)
            others = [_frame(note["frame"]) for note in own.get("notes", ())]
            beats = [_number(beat) for beat in own.get("beats", ())]
            frames = len(rendered)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, ZeroDivisionError) as error:
            what = f"there is no {error.args[0]!r} in it" if isinstance(error, KeyError) else str(error)
            raise VideoError("not_planned", f"the plan does not say what should happen when: {what}") from None
        if not 0 < fps <= 1000 or not 0 < frames <= MOST_FRAMES:
            raise VideoError("not_planned", f"the plan has {frames:,} frames, {float(fps):g} a second")
        events = sorted(event for event in events if event[0] < frames)
        rounding = [abs(frame / float(fps) - seconds) * 1000 for frame, seconds in events]
        return cls(
            fps,
            frames,
            [frame for frame, _ in events],
            [seconds * float(fps) for _, seconds in events],
            sorted(set(others)),
            beats,
            round(max(rounding), 3) if rounding else None,
        )


def _frame(value: Any) -> int:
    number = _number(value)
    if number != int(number) or number < 0:
        msg = f"{value!r} is no frame"
        raise ValueError(msg)
    return int(number)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        msg = f"{value!r} is no number"
        raise ValueError(msg)
    return float(value)
