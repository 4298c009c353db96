"""Volume, expression and pan of a part: applied behind the plug-in, because most plug-ins do not mind them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from motet.render.performance import Event
from motet.render.plugins.wire import Audio

__all__ = ["Step", "apply", "taken_out"]

VOLUME, PAN, EXPRESSION, RESET = 7, 10, 11, 121
PLAIN = 100  # General MIDI's volume when nothing is said
RAMP = 256  # frames from one gain to the next, so that a step does not click


class Step(NamedTuple):
    """From this frame on the channels have these gains, linear."""

    frame: int
    left: float
    right: float


def taken_out(events: Sequence[Event]) -> tuple[list[Event], list[Step]]:
    """The events without those controllers, and what they ask for: the square law of General MIDI 2, 0 dB where nothing is said.

    Pan has constant power, 0 dB in the middle. A part that plays on several channels keeps its controllers: its sound is one.
    """
    if len({event.status & 15 for event in events if event.status & 0xF0 == 0x90}) != 1:
        return list(events), []
    kept: list[Event] = []
    steps = [Step(0, 1.0, 1.0)]
    volume, expression, pan = PLAIN, 127, 64
    for event in events:
        if event.status & 0xF0 != 0xB0 or event.first not in (VOLUME, PAN, EXPRESSION, RESET):
            kept.append(event)
            continue
        match event.first:
            case 7:
                volume = event.second
            case 10:
                pan = event.second
            case 11:
                expression = event.second
            case _:
                expression = 127
                kept.append(event)
        gain = (volume / PLAIN * expression / 127) ** 2
        angle = (max(pan, 1) - 1) / 126 * math.pi / 2
        step = Step(event.frame, gain * math.sqrt(2) * math.cos(angle), gain * math.sqrt(2) * math.sin(angle))
        if steps[-1].frame == step.frame:
            steps.pop()
        steps.append(step)
    return kept, steps


def apply(audio: Audio, steps: Sequence[Step]) -> None:
    """Change `audio` (frames, 2) as `steps`, in order of frame, the first at 0, ask."""
    before: Step | None = None
    for step, after in zip(steps, [*(step.frame for step in steps[1:]), len(audio)], strict=True):
        stretch = audio[step.frame : after]
        gains = np.array(step[1:], np.float32)
        if before is not None:
            ramp = np.linspace(before[1:], step[1:], RAMP, endpoint=False, dtype=np.float32)[: len(stretch)]
            stretch[: len(ramp)] *= ramp
            stretch = stretch[len(ramp) :]
        if (gains != 1).any():
            stretch *= gains
        before = step
