"""What a painter needs to know of a manifest: how the camera moves, what stays, which colours, and what happens when."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.video.errors import VideoError
from motet.video.fields import FIELDS

__all__ = ["MOVES", "Event", "Script", "read"]

MOVES = ("zoom", "roll", "across", "down", "tilt", "pan")
"""Columns of `Script.moves`: powers of e, degrees, heights of the picture, degrees."""
PIXELS = 512.0  # of a picture of which Deforum's 2-D translations are usually told
DEPTH = 200.0  # Deforum's unit of depth: the distance of what is seen
SIZE = (256, 256)
ROLES = ("melody", "bass", "chords", "pad", "other", "drums")
LEAST_DROP = 0.1  # of strength, that a document without a plan of ours makes an event


@dataclass(frozen=True)
class Event:
    """One note: `duration` in seconds, `velocity` 1 to 127."""

    frame: int
    role: str
    drum: str
    pitch: int
    velocity: int
    duration: float


@dataclass(frozen=True)
class Script:
    """A manifest as numbers. `moves` (frames, 6) is what the camera does from one frame to the next; `strength` (frames,) is
    how much of a picture stays, `noise` how restless it is, `second` the share of every second prompt, 0 to 1, `fov` degrees.
    """

    frames: int
    fps: Fraction
    size: tuple[int, int]
    seed: int
    key: str | None
    mood: str
    theme: str
    moves: npt.NDArray[np.float64]
    strength: npt.NDArray[np.float64]
    noise: npt.NDArray[np.float64]
    second: npt.NDArray[np.float64]
    fov: npt.NDArray[np.float64]
    events: Mapping[int, Sequence[Event]]
    """By frame."""
    notes: Mapping[int, Sequence[Event]]
    """Those that no field follows."""


def read(manifest: dict[str, Any]) -> Script:
    """The script of a manifest; of one without our plan, events are where its movements and its strength jump.

    A document that is not rendered yet is. Raises VideoError `not_parseq`, `no_frames`, `bad_manifest`, and what
    `motet.video.parseq.render` raises.
    """
    if not isinstance(manifest, dict):
        raise VideoError("not_parseq", "a manifest is a Parseq document, an object of JSON")
    if "rendered_frames" not in manifest:
        from motet.video import parseq

        manifest = parseq.render(manifest)
    frames = manifest["rendered_frames"]
    if not isinstance(frames, list) or not frames or not all(isinstance(frame, dict) for frame in frames):
        raise VideoError("no_frames", "the document has no rendered frames to paint")
    strength = np.clip(_values(frames, "strength"), 0.0, 1.0)
    moves = _moves(frames)
    plan = manifest.get("motet")
    if plan is not None and not isinstance(plan, dict):
        raise VideoError("bad_manifest", 'what a manifest says under "motet" is not an object')
    if plan is None:
        events, notes = _guessed(moves, strength), {}
    else:
        events, notes = _events(plan, "events", len(frames)), _events(plan, "notes", len(frames))
    plan = plan or {}
    key, mood, theme = plan.get("key"), plan.get("mood"), plan.get("theme")
    seed = plan.get("seed", 0)
    return Script(
        len(frames),
        _fps(manifest),
        _size(plan.get("size", SIZE)),
        seed if isinstance(seed, int) else 0,
        key if isinstance(key, str) else None,
        mood if isinstance(mood, str) else "",
        theme if isinstance(theme, str) else "",
        moves,
        strength,
        np.clip(_values(frames, "noise"), 0.0, 1.0),
        _second(frames),
        np.clip(_values(frames, "fov"), 5.0, 120.0),
        events,
        notes,
    )


def _fps(manifest: dict[str, Any]) -> Fraction:
    options = manifest.get("options")
    told = options.get("output_fps") if isinstance(options, dict) else None
    try:
        fps = Fraction(told).limit_denominator(1001) if isinstance(told, int | float | str) else Fraction(24)
    except (ValueError, OverflowError, ZeroDivisionError):
        fps = Fraction(0)
    if not 1 <= fps <= 240:
        raise VideoError("bad_manifest", f"its output_fps {told!r} is not between 1 and 240")
    return fps


def _size(told: Any) -> tuple[int, int]:
    if not isinstance(told, list | tuple) or len(told) != 2 or not all(isinstance(side, int) for side in told):
        raise VideoError("bad_manifest", f"its size {told!r} is not a width and a height")
    return told[0], told[1]


def _values(frames: list[dict[str, Any]], name: str, otherwise: float | None = None) -> npt.NDArray[np.float64]:
    """A field over the frames; its rest, or `otherwise`, where nothing is said."""
    rest = FIELDS[name].rest if otherwise is None else otherwise
    return _numbers(frames, name, rest)


def _numbers(frames: list[dict[str, Any]], name: str, otherwise: float) -> npt.NDArray[np.float64]:
    told = [frame.get(name, otherwise) for frame in frames]
    if not all(isinstance(value, int | float) for value in told):
        raise VideoError("bad_manifest", f"some frame's {name} is not a number")
    try:
        values = np.array(told, np.float64)
    except OverflowError:
        values = np.full(len(told), np.inf)
    if not np.isfinite(values).all():
        raise VideoError("bad_manifest", f"frame {int(np.argmin(np.isfinite(values)))} has a {name} that is not finite")
    return values


def _seen(frames: list[dict[str, Any]], name: str) -> npt.NDArray[np.float64]:
    """What Deforum sees of a field: its difference, with nothing moving before frame 0."""
    still = FIELDS[name].still
    if f"{name}_delta" in frames[-1]:
        seen = _numbers(frames, f"{name}_delta", still)
    else:
        seen = np.diff(_values(frames, name), prepend=0.0) + still
    seen[0] = still
    return seen


def _moves(frames: list[dict[str, Any]]) -> npt.NDArray[np.float64]:
    zoom = np.log(np.clip(_seen(frames, "zoom"), 0.25, 4.0)) + np.clip(_seen(frames, "translation_z") / DEPTH, -1.0, 1.0)
    roll = _seen(frames, "angle") + _seen(frames, "rotation_3d_z") + _seen(frames, "perspective_flip_gamma")
    tilt = _seen(frames, "rotation_3d_x") + _seen(frames, "perspective_flip_theta")
    pan = _seen(frames, "rotation_3d_y") + _seen(frames, "perspective_flip_phi")
    across, down = _seen(frames, "translation_x") / PIXELS, -_seen(frames, "translation_y") / PIXELS
    return np.stack([zoom, roll, across, down, tilt, pan], axis=1)


def _second(frames: list[dict[str, Any]]) -> npt.NDArray[np.float64]:
    weights = np.stack([np.maximum(_values(frames, f"prompt_weight_{n}"), 0.0) for n in range(1, 9)])
    whole = weights.sum(axis=0)
    share: npt.NDArray[np.float64] = np.where(whole > 0, weights[1::2].sum(axis=0) / np.where(whole > 0, whole, 1.0), 0.0)
    return share


def _events(plan: dict[str, Any], name: str, frames: int) -> dict[int, list[Event]]:
    told = plan.get(name, [])
    if not isinstance(told, list):
        raise VideoError("bad_manifest", f"its {name} are not a list")
    found: dict[int, list[Event]] = {}
    for number, note in enumerate(told):
        try:
            frame, velocity, pitch = note["frame"], note.get("velocity", 96), note.get("pitch", 60)
            duration = float(note.get("duration", 0.25))
            whole = all(isinstance(value, int) for value in (frame, velocity, pitch))
            if not whole or not math.isfinite(duration):
                raise ValueError(note)
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
            raise VideoError("bad_manifest", f"number {number} of its {name} is no note with a frame") from None
        if 0 <= frame < frames:
            role = note.get("role")
            event = Event(
                frame,
                role if role in ROLES else "other",
                str(note.get("drum") or ""),
                min(max(pitch, 0), 127),
                min(max(velocity, 1), 127),
                min(max(duration, 0.0), 600.0),
            )
            found.setdefault(frame, []).append(event)
    return found


def _guessed(moves: npt.NDArray[np.float64], strength: npt.NDArray[np.float64]) -> dict[int, list[Event]]:
    """Where a movement leaps out of what it does otherwise, or the picture is renewed at once: one event a frame at most.

    A leap is far outside of the movement's usual range; the leap back that follows an impulse is none.
    """
    found: dict[int, list[Event]] = {}
    roles = ("drums", "melody", "chords", "other", "bass", "pad")
    drops = np.maximum(-np.diff(strength, prepend=strength[:1]), 0.0)
    drops[drops < LEAST_DROP] = 0.0
    leaps = [_leaps(column) for column in moves.T]
    for frame in range(1, len(strength)):
        if frame - 1 in found:
            continue
        sizes = [leap[frame] for leap in leaps]
        most = int(np.argmax(sizes))
        if sizes[most] > 0.0 or drops[frame] > 0.0:
            role, drum = ("drums", "kick") if drops[frame] > 0.0 else (roles[most], "snare" if most == 0 else "")
            size = max(sizes[most], min(drops[frame] / 0.5, 1.0))
            found[frame] = [Event(frame, role, drum, 48 + frame * 7 % 36, round(40 + 80 * size), 0.3)]
    return found


def _leaps(movement: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How far each frame's movement leaps, 0 to 1 for none to the largest of all."""
    away = np.abs(movement - np.median(movement))
    usual = float(np.median(away))
    before = np.concatenate([away[:1], away[:-1]])
    leaping = (away > 4.0 * usual + 1e-6) & (away > 1.5 * before)
    largest = float(away.max())
    return np.where(leaping, away / largest, 0.0) if largest > 1e-6 else np.zeros(len(away))
