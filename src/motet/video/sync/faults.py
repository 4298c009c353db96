"""What is wrong with a film as a whole, in words to count by and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.video.footage import Soundtrack
from motet.video.sync.changes import Curve
from motet.video.sync.matching import APART, Matching, judge
from motet.wording import several

__all__ = ["HEARD", "Fault", "Measured", "of_onsets", "of_plan", "of_sound", "on_sight", "still_stretches"]

DARK, FLAT = 24.0, 24.0  # levels of 255: the mean luma, and between the darkest and the brightest place
MOSTLY = 0.95  # of the pictures
STILL = 0.05  # levels by which a pixel differs, in the mean; codecs leave a still picture quieter
LONG = 1.0  # seconds
SLEPT = 3  # planned moments that a still stretch must hold
QUIET = 1e-3  # of full scale: -60 dBFS
FEWEST = 5  # judged moments from which a film can be told from chance
UNRELATED, LIKELY = 0.5, 0.05  # F1 under which, and share of moved plans that do as well from which, a film follows another plan
EVERYWHERE = 0.75  # of the pictures that move at least
RELATIVE = 0.5  # as much as they do in the loudest tenth
LAG = 1.0  # seconds either way in which a film may be early or late
HEARD = 0.050  # seconds within which an onset counts as that of a note, as in the evaluation of onset detectors (MIREX)
PLAIN = 0.75  # F1 that a sound must reach elsewhere to be out of place
USUAL = 1.25  # times as well as a sound begun elsewhere, which one of the same song exceeds
MOVED = 60  # places at which a sound that fits to no plan is begun
CLEAR = 0.5  # F1 that a lag must reach, and the double of what there is without


@dataclass(frozen=True)
class Fault:
    """`reason` is a word for statistics, `detail` a sentence for a person."""

    reason: str
    detail: str


@dataclass(frozen=True, eq=False)
class Measured:
    """What a comparison with a plan has found; frames are whole, `chance` is the mean F1 and the share of moved plans."""

    planned: Sequence[int]
    changes: Sequence[int]
    fps: Fraction
    picture: Matching
    chance: tuple[float, float]


def still_stretches(curve: Curve) -> list[tuple[int, int]]:
    """Runs of pictures, first and last, that are all alike."""
    alike = np.concatenate([[False], curve.motion[1:] < STILL, [False]])
    edges = np.diff(alike.astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def on_sight(curve: Curve, fps: Fraction) -> Iterator[Fault]:
    """`black`, `one_picture`, `frozen` (more than half of the film): faults that need no plan."""
    count = len(curve)
    dark = (curve.light < DARK) & (curve.contrast < FLAT)
    if np.count_nonzero(dark) >= MOSTLY * count:
        yield Fault("black", f"{np.count_nonzero(dark):,} of {count:,} pictures are black")
    stretches = still_stretches(curve)
    if count == 1 or (len(stretches) == 1 and stretches[0] == (0, count - 1)):
        yield Fault("one_picture", f"the film is one picture for {count / float(fps):.1f} s")
        return
    first, last = max(stretches, key=lambda run: run[1] - run[0], default=(0, 0))
    if last - first > count / 2:
        yield Fault("frozen", f"the picture stands still from {first / float(fps):.1f} s to {last / float(fps):.1f} s")


def of_plan(curve: Curve, found: Measured, frames: int, steady: bool, rate: Fraction) -> Iterator[Fault]:
    """`wrong_rate`, `wrong_length`, `frozen`, `early` and `late`, `constant_motion`, `unrelated`: of a film that should have
    `frames` pictures at `found.fps`, and has the curve's at `rate`."""
    fps = float(found.fps)
    if steady and abs(float(rate) / fps - 1) > 1e-3:
        yield Fault("wrong_rate", f"the film has {float(rate):.5g} pictures a second, not {fps:.5g}")
    seconds, wanted = len(curve) / float(rate), frames / fps
    if abs(seconds - wanted) > 1.5 / fps:
        yield Fault("wrong_length", f"the film lasts {seconds:.2f} s, not {wanted:.2f} s")
    for first, last in still_stretches(curve):
        slept = sum(first < frame * float(rate) / fps <= last for frame in set(found.planned))
        if slept >= SLEPT and (last - first) / float(rate) >= LONG:
            span = f"from {first / float(rate):.1f} s to {last / float(rate):.1f} s"
            yield Fault("frozen", f"the picture stands still {span}, where {slept} changes are planned")
            break
    lag = _lag(found)
    if lag:
        side = "late" if lag > 0 else "early"
        yield Fault(
            side, f"the picture changes {several(abs(lag), 'frame')} ({abs(lag) * 1000 / fps:.0f} ms) too {side} throughout"
        )
        return
    score, (usual, share) = found.picture.f1, found.chance
    if score is None or found.picture.judged < FEWEST or not len(found.changes):
        if score is not None and found.picture.judged >= FEWEST and _restless(curve.motion):
            yield Fault("constant_motion", "the picture moves all the time, and no change stands out")
        return
    if score < UNRELATED and share > LIKELY:
        words = f"F1 is {score:.2f}, with the plan moved elsewhere {usual:.2f}"
        if _restless(curve.motion) or len(found.changes) > 2 * len(found.planned):
            yield Fault("constant_motion", f"the picture changes all the time, without regard to the plan: {words}")
        else:
            yield Fault("unrelated", f"the picture changes at other times than planned: {words}")


def _restless(motion: npt.NDArray[np.float64]) -> bool:
    """Does nearly every picture differ from the last by as much as those do that differ most?"""
    moved = motion[1:]
    if not len(moved):
        return False
    return bool(np.mean(moved > RELATIVE * np.quantile(moved, 0.9)) >= EVERYWHERE and np.median(moved) > STILL)


def _lag(found: Measured) -> int:
    """Frames by which the whole film is late, 0 where no shift explains it.

    Where too few events stand apart, all are asked.
    """
    apart = APART if found.picture.judged >= FEWEST else 1.0
    reach = max(1, round(LAG * float(found.fps)))
    changes = np.asarray(found.changes, np.float64)
    return round(_shift(found.planned, changes, found.fps, np.arange(-reach, reach + 1), apart, 0.5))


def _shift(
    planned: Sequence[float],
    found: npt.NDArray[np.float64],
    fps: Fraction,
    shifts: npt.NDArray[np.floating[Any] | np.integer[Any]],
    apart: float,
    within: float,
    clear: float = CLEAR,
) -> float:
    """Of these shifts, in frames, the one without which what was found does not fit to the plan; 0 where there is none."""

    def score(shift: float) -> float:
        matched = judge(planned, (found - shift).tolist(), fps, apart=apart, within=within)
        return (matched.f1 or 0.0) if matched.judged >= FEWEST else 0.0

    plain = score(0.0)
    if plain >= CLEAR:
        return 0.0
    scores = [score(float(shift)) for shift in shifts]
    best = max(range(len(shifts)), key=lambda at: (round(scores[at], 9), -abs(float(shifts[at]))))
    return float(shifts[best]) if scores[best] >= max(clear, 2 * plain) else 0.0


def of_onsets(onsets: Sequence[float], planned: Sequence[float], fps: Fraction) -> Iterator[Fault]:
    """`sound_early`, `sound_late`, `other_sound`: onsets (seconds) that fit to planned moments (frames) at another time, or at
    none."""
    heard = np.asarray(onsets, np.float64) * float(fps)
    reach = LAG * float(fps)
    shifts = np.arange(-reach, reach + 1e-9, HEARD / 2 * float(fps))
    apart = APART if judge(planned, heard.tolist(), fps).judged >= FEWEST else 1.0
    within = HEARD * float(fps)
    # Slow strings are heard late by themselves: only what fits well elsewhere is out of place.
    lag = _shift(planned, heard, fps, shifts, apart, within, PLAIN)
    if lag:
        side = "late" if lag > 0 else "early"
        rest = judge(planned, (heard - lag).tolist(), fps, apart=apart, within=within).late_ms or 0.0
        off = abs(lag * 1000 / float(fps) + rest)
        yield Fault(f"sound_{side}", f"the sound is about {off:.0f} ms too {side} throughout")
        return
    plain = judge(planned, heard.tolist(), fps, apart=apart, within=within)
    if len(heard) < FEWEST or plain.judged < FEWEST or plain.f1 is None or plain.f1 >= UNRELATED:
        return
    # The same sound begun elsewhere, round about: does its own place do better?
    whole = max(float(np.max(planned)), float(np.max(heard))) + 1
    moved = [
        judge(planned, np.mod(heard + shift, whole).tolist(), fps, apart=apart, within=within).f1 or 0.0
        for shift in np.linspace(reach / 2, whole - reach / 2, MOVED)
    ]
    # Rhythms come back with every bar, so that some places do as well: it is the usual one that tells.
    if plain.f1 < USUAL * np.mean(moved):
        words = f"F1 is {plain.f1:.2f}, of the sound begun elsewhere {np.mean(moved):.2f}"
        yield Fault("other_sound", f"the sound does not follow the plan: {words}")


def of_sound(sound: Soundtrack | None, seconds: float) -> Iterator[Fault]:
    """`no_sound`, `silent`, `short_sound`: of a film that should be heard for `seconds`."""
    if sound is None:
        yield Fault("no_sound", "the film has no soundtrack")
    elif not sound.peak > QUIET:
        yield Fault("silent", "the soundtrack is silence")
    elif sound.start + sound.seconds < seconds - LONG:
        yield Fault("short_sound", f"the soundtrack ends {seconds - sound.start - sound.seconds:.1f} s before the picture")
