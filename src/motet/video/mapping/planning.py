"""A film of a window planned: a Parseq document that moves every mapped field at the frame nearest to each note."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motet.errors import UserError
from motet.midi.errors import Unreadable
from motet.midi.reading import Score
from motet.video import themes
from motet.video.drums import drum
from motet.video.errors import VideoError
from motet.video.events import Onset, beats, frames_of, frames_until, onsets
from motet.video.fields import FIELDS
from motet.video.mapping.curves import Floats, curves, places
from motet.video.mapping.keyframes import keyframes
from motet.video.mapping.rules import Mapping, Rule
from motet.video.windows import Window

__all__ = ["VERSION", "draft", "mapped", "plan"]

VERSION = 1
LEAST_SIDE, MOST_SIDE = 64, 4096
MOST_FRAMES = 100_000
MOST_SEED = 2**31
_ALWAYS = ("strength", "prompt_weight_1", "prompt_weight_2")
_SHORTEST_FADE = 6  # frames in which one prompt gives way to the other


def plan(
    score: Score,
    roles: Sequence[str],
    window: Window,
    mapping: Mapping,
    *,
    fps: Fraction,
    size: tuple[int, int],
    theme: str | None,
    mood: str,
    key: str | None,
    tempo: float,
    random: random.Random,
    turns: Sequence[int] = (),
) -> dict[str, Any]:
    """The manifest of a window's film: a rendered Parseq document, with our own account of it under `motet`.

    `roles[i]` is the role of symusic's track i, `theme` one of `motet.video.themes` (None: one that suits the mood is drawn),
    `tempo` in beats per minute, `turns` the ticks at which sections of the song begin: at the one nearest to the middle of the
    window, or else at the bar line there, the first prompt gives way to the second within a bar.

    Raises VideoError: no_notes or no_mapped_notes where nothing would move, too_short or too_long for a film that Parseq cannot
    hold. Raises UserError for an unknown theme or a size that is not even or not within 64 to 4096.
    """
    from motet.video import parseq

    return parseq.render(
        draft(
            score, roles, window, mapping,
            fps=fps, size=size, theme=theme, mood=mood, key=key, tempo=tempo, random=random, turns=turns,
        )
    )  # fmt: skip


def draft(
    score: Score,
    roles: Sequence[str],
    window: Window,
    mapping: Mapping,
    *,
    fps: Fraction,
    size: tuple[int, int],
    theme: str | None,
    mood: str,
    key: str | None,
    tempo: float,
    random: random.Random,
    turns: Sequence[int] = (),
) -> dict[str, Any]:
    """As `plan`, before Parseq's rendering."""
    _check(size, tempo)
    clock, start, end = score.tempo_map, window.start_tick, window.end_tick
    frames = frames_until(clock, start, end, fps)
    if not 2 <= frames <= MOST_FRAMES:
        reason = "too_short" if frames < 2 else "too_long"
        raise VideoError(reason, f"the window has {frames:,} frames; a film has 2 to {MOST_FRAMES:,}")
    found = onsets(score, roles, start, end, fps)
    if not found:
        raise VideoError("no_notes", "no note begins in the window, so that nothing would move")
    obeyed = _obeyed(found, mapping)
    if not any(obeyed):
        raise VideoError("no_mapped_notes", f"the mapping {mapping.name} maps none of the window's {_whose(found)}")

    seed = random.randrange(MOST_SEED)
    theme = theme or themes.draw(mood, random)
    prompts = [themes.prompt(theme, mood, random) for _ in range(2)]
    turn = _fade(score, window, frames, fps, turns)
    rest = _rest(mapping, frames, turn, random)
    events = [(onset, rules) for onset, rules in zip(found, obeyed, strict=True) if rules]
    seen = curves(events, rest, clock=clock, start=start, fps=fps, random=random)
    try:
        beaten, down = beats(score, start, end, fps)
    except Unreadable as error:
        raise VideoError(error.reason, error.detail) from error
    managed = [name for name in FIELDS if name == "seed" or name in seen]
    return {
        "meta": {"generated_by": "motet", "version": str(VERSION), "docName": f"{mapping.name} {theme}"},
        "options": {"bpm": round(tempo, 6), "output_fps": _plain(fps), "cadence": 1},
        "managedFields": managed,
        "displayedFields": managed,
        "prompts": _prompts(prompts, turn, frames, any(name.startswith("prompt_weight") for name in mapping.fields)),
        "keyframes": keyframes({name: places(name, seen[name]) for name in seen}, {"seed": (seed, "S+f")}),
        "timeSeries": [],
        "keyframeLock": "frames",
        "reverseRender": False,
        "motet": {
            "version": VERSION,
            "seed": seed,
            "size": list(size),
            "mapping": mapping.name,
            "camera": mapping.camera,
            "theme": theme,
            "key": key,
            "mood": mood,
            "tempo": tempo,
            "beats": beaten,
            "downbeats": down,
            "events": [_told(onset, rules) for onset, rules in events],
            "notes": [_told(onset, ()) for onset, rules in zip(found, obeyed, strict=True) if not rules],
        },
    }


def mapped(score: Score, roles: Sequence[str], mapping: Mapping) -> NDArray[np.bool_]:
    """Of each of `score.notes` whether the mapping moves something by it; `roles[i]` is the role of symusic's track i."""
    notes = score.notes
    known: dict[tuple[int, bool, int, int, int], bool] = {}
    answers = np.empty(len(notes), np.bool_)
    columns = (notes[name].tolist() for name in ("track", "is_drum", "pitch", "velocity", "program"))
    for index, one in enumerate(zip(*columns, strict=True)):
        if (answer := known.get(one)) is None:
            track, is_drum, pitch, velocity, program = one
            role, struck = ("drums", drum(pitch, program)) if is_drum else (roles[track], "")
            answer = known[one] = any(rule.notes.fit(role, struck, pitch, velocity, program) for rule in mapping.rules)
        answers[index] = answer
    return answers


def _check(size: tuple[int, int], tempo: float) -> None:
    for side in size:
        if side % 2 or not LEAST_SIDE <= side <= MOST_SIDE:
            raise UserError(
                f"A film of {size[0]}x{size[1]} cannot be made: both sides must be even numbers from {LEAST_SIDE} to {MOST_SIDE}."
            )
    if not (math.isfinite(tempo) and tempo > 0):
        msg = f"a tempo is above 0 beats per minute, not {tempo}"
        raise ValueError(msg)


def _obeyed(found: Sequence[Onset], mapping: Mapping) -> list[tuple[Rule, ...]]:
    known: dict[tuple[str, str, int, int, int], tuple[Rule, ...]] = {}
    obeyed = []
    for onset in found:
        kind = onset.role, onset.drum, onset.pitch, onset.velocity, onset.program
        if kind not in known:
            known[kind] = mapping.rules_for(onset)
        obeyed.append(known[kind])
    return obeyed


def _whose(found: Sequence[Onset]) -> str:
    """How many notes play, and whose they are: of a song without drums it is said so."""
    roles = sorted({onset.role for onset in found})
    others = "" if "drums" in roles else ", not of drums"
    return f"{len(found)} notes: they are of {' and '.join(roles)}{others}"


def _fade(score: Score, window: Window, frames: int, fps: Fraction, turns: Sequence[int]) -> tuple[int, int]:
    """The frames at which the second prompt begins to come in and is alone: a bar around the turn of the window."""
    clock = score.tempo_map
    middle = (window.start_tick + window.end_tick) // 2
    inner = [tick for tick in turns if window.start_tick < tick < window.end_tick]
    if not inner:
        inner = [int(line) for line in clock.from_bars(window.first_bar + np.arange(1, window.bars))]
    turn = min(inner, key=lambda tick: (abs(tick - middle), tick), default=middle)
    at = int(frames_of(clock, np.array([turn], np.int64), window.start_tick, fps)[0])
    half = max(frames // max(window.bars, 1), _SHORTEST_FADE) // 2
    first = min(max(at - half, 0), frames - 2)
    return first, max(min(at + half, frames - 1), first + 1)


def _rest(mapping: Mapping, frames: int, fade: tuple[int, int], random: random.Random) -> dict[str, Floats]:
    """What every field is between events; the prompts' weights cross within `fade` unless the mapping says otherwise."""
    at = np.arange(frames, dtype=np.float64)
    second = np.clip((at - fade[0]) / (fade[1] - fade[0]), 0.0, 1.0)
    weights = {"prompt_weight_1": 1 - second, "prompt_weight_2": second}
    rest = {}
    for name in FIELDS:
        if name in mapping.rest:
            rest[name] = np.full(frames, random.uniform(*mapping.rest[name]), np.float64)
        elif name in weights:
            rest[name] = weights[name]
        elif name in mapping.fields or name in _ALWAYS:
            rest[name] = np.full(frames, FIELDS[name].still, np.float64)
    return rest


def _prompts(prompts: Sequence[themes.Prompt], fade: tuple[int, int], frames: int, driven: bool) -> dict[str, Any]:
    """Two prompts, each where it weighs something: Deforum paints a picture for every prompt it is given."""
    spans = ((0, fade[1] - 1), (fade[0] + 1, frames - 1))
    listed = []
    for number, (prompt, (first, last)) in enumerate(zip(prompts, spans, strict=True), 1):
        weight = f"prompt_weight_{number}"
        overlap = {"type": "custom", "custom": weight, "inFrames": 0, "outFrames": 0}
        listed.append(
            {
                "name": f"Prompt {number}",
                "positive": prompt.positive,
                "negative": prompt.negative,
                "allFrames": driven,
                "from": 0 if driven else first,
                "to": frames - 1 if driven else last,
                "overlap": overlap,
            }
        )
    none = {"type": "none", "custom": "prompt_weight_1", "inFrames": 0, "outFrames": 0}
    common = {"name": "Common", "positive": "", "negative": "", "allFrames": True, "from": 0, "to": frames - 1, "overlap": none}
    return {"format": "v2", "enabled": True, "commonPrompt": common, "commonPromptPos": "append", "promptList": listed}


def _told(onset: Onset, rules: Sequence[Rule]) -> dict[str, Any]:
    return {
        "frame": onset.frame,
        "seconds": onset.seconds,
        "role": onset.role,
        "drum": onset.drum,
        "pitch": onset.pitch,
        "velocity": onset.velocity,
        "duration": round(onset.duration, 6),
        "fields": list(dict.fromkeys(rule.field for rule in rules)),
    }


def _plain(fps: Fraction) -> float | int:
    return fps.numerator if fps.denominator == 1 else float(fps)
