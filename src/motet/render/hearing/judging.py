"""Whether a stem is fit for a dataset, and if not, why."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from motet.render.hearing.kinds import Kind
from motet.render.hearing.listening import Hearing

__all__ = ["LIMITS", "Fault", "Limits", "judge"]


@dataclass(frozen=True)
class Fault:
    """`reason` is a word for statistics, `detail` a sentence for a person."""

    reason: str
    detail: str


@dataclass(frozen=True)
class Limits:
    """What is still good. Shares are 0-1; a share counts against a stem only with two onsets, or notes, behind it."""

    recall: float  # of onsets
    precision: float  # of onsets
    offset_ms: float  # either way
    present: float  # of judged notes, of at least FEWEST
    cents: float = 22.0  # either way
    unheard: float = 0.1  # of notes
    dc: float = 0.008  # of full scale, and
    dc_to_rms: float = 0.1
    clipped: float = 0.2  # runs a second
    tail_db: float = -50.0
    early_ms: float = 40.0
    short_by: float = 0.1  # seconds, where a note would still sound
    long_by: float = 30.0  # seconds


# Set on real files played by the General MIDI font that comes along; `bench/renders.py` says how they do on others.
LIMITS: dict[Kind, Limits] = {
    "percussive": Limits(recall=0.75, precision=0.4, offset_ms=20, present=0),
    "plucked": Limits(recall=0.75, precision=0.4, offset_ms=35, present=0.88),
    # A swelling sound has no moment at which it begins, and a legato line few.
    "sustained": Limits(recall=0.1, precision=0, offset_ms=75, present=0.8),
    "noise": Limits(recall=0, precision=0, offset_ms=math.inf, present=0),
}
FEWEST = 6  # notes judged, onsets, or runs
MANY = 2
COMPLETE, EASED = 0.85, 0.25
SLACK = 1  # notes that a bend or a ring may hide
AUDIBLE = -75.0  # dBFS: a tail under it is cut unheard


def judge(hearing: Hearing, kind: Kind) -> tuple[Fault, ...]:
    """The faults of a stem, the gravest first; none for a good one. A part without notes has nothing to be wrong."""
    return tuple(_faults(hearing, LIMITS[kind], kind)) if hearing.notes else ()


def _faults(heard: Hearing, limit: Limits, kind: Kind) -> Iterator[Fault]:
    if heard.silent:
        yield Fault("silent", f"nothing sounds of {_count(heard.notes, 'note')}{_why(heard)}")
        return
    if heard.unheard > limit.unheard * heard.notes:
        keys = ", ".join(map(str, heard.unheard_keys[:8])) + (" and others" if len(heard.unheard_keys) > 8 else "")
        never = f"; keys that never sound: {keys}" if keys else ""
        yield Fault("notes_silent", f"{heard.unheard} of {_count(heard.notes, 'note')} begin in silence{never}")
    if heard.missed or (kind == "sustained" and heard.short_by > limit.short_by):
        yield Fault(
            "too_short", f"the sound ends {heard.short_by:.2f} s before the last note, {heard.missed} notes come after it"
        )
    if heard.tail_db is not None and heard.tail_db > limit.tail_db and heard.tail_db + (heard.peak_db or 0) > AUDIBLE:
        yield Fault("cut_off", f"the sound is cut {-heard.tail_db:.0f} dB under its peak, before it has rung out")
    if heard.long_by > limit.long_by:
        yield Fault("too_long", f"the sound goes on for {heard.long_by:.0f} s after the last note")
    if heard.early_ms > limit.early_ms:
        yield Fault("early_sound", f"there is sound {heard.early_ms:.0f} ms before the first note")
    yield from _timing(heard, limit, kind)
    if heard.judged >= FEWEST and heard.present + SLACK < limit.present * _ease(heard) * heard.judged:
        yield Fault("wrong_notes", f"of {heard.judged} notes {heard.present} have their pitch in the sound")
    if heard.tuning_cents is not None and heard.present >= FEWEST and abs(heard.tuning_cents) > limit.cents:
        yield Fault("out_of_tune", f"the notes are {heard.tuning_cents:+.0f} cents off, the median of {heard.present}")
    if heard.clipped >= FEWEST and heard.clipped > limit.clipped * heard.seconds:
        yield Fault("clipped", f"{heard.clipped} times the wave stays at its extreme for three samples or more")
    rms = 10 ** ((heard.rms_db or -200) / 20)
    if abs(heard.dc) > max(limit.dc, limit.dc_to_rms * rms):
        yield Fault("dc_offset", f"the wave is {heard.dc:+.3f} of full scale off its middle")


def _timing(heard: Hearing, limit: Limits, kind: Kind) -> Iterator[Fault]:
    recall, precision = heard.recall, heard.precision
    paired = heard.found <= MANY * heard.expected  # among many more, every note finds one near it
    if heard.offset_ms is not None and abs(heard.offset_ms) > limit.offset_ms and heard.expected >= FEWEST and paired:
        way = "late" if heard.offset_ms > 0 else "early"
        yield Fault(way, f"the notes begin {abs(heard.offset_ms):.0f} ms {way}, the median")
    # Pitches at the right times prove more of a swelling sound than its beginnings do.
    proven = kind == "sustained" and heard.judged >= FEWEST and heard.present + SLACK >= limit.present * heard.judged
    if not proven and recall is not None and recall < limit.recall and (missing := round((1 - recall) * heard.expected)) >= 2:
        yield Fault("onsets_missing", f"{missing} of {_count(heard.expected, 'onset')} are not heard")
    extra = heard.found - heard.matched
    if precision is not None and precision < limit.precision * _ease(heard) and extra >= 2:
        yield Fault("onsets_extra", f"{extra} of the {_count(heard.found, 'onset')} heard are not in the MIDI")


def _ease(heard: Hearing) -> float:
    """How much of a share still counts. Where nearly all onsets are heard, other partials than a pitch's (of bells, rotating
    organs, choirs) and a sample's own pulse prove little."""
    return EASED if heard.recall is not None and heard.recall >= COMPLETE else 1.0


def _why(heard: Hearing) -> str:
    told = [f"{count} {reason.replace('_', ' ')}" for reason, count in heard.left_out.items() if count]
    return f" ({', '.join(told)})" if told else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
