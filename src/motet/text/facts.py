"""What is known of a clip, as far as it can be said in a sentence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClipFacts:
    """The record a caption may draw on, and nothing else.

    `tempo` is in beats of the metre per minute (dotted quarters in 6/8); `tempo_steady` says it stays within 2 %.
    `metre` is empty when it changes inside the clip. `instruments` maps names to notes struck, drums under "drums".
    """

    seconds: float
    tempo: float
    tempo_steady: bool
    metre: str
    instruments: dict[str, int]
    has_drums: bool
    notes_per_second: float
