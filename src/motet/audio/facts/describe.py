"""All facts of a recording at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

import motet
from motet.audio.facts import essentia, librosa
from motet.audio.facts.beats import Beats, beats
from motet.audio.facts.chroma import chroma
from motet.audio.facts.dynamics import Dynamics, dynamics, energy
from motet.audio.facts.key import Key, key
from motet.audio.facts.onsets import Novelty, novelty
from motet.audio.facts.sections import Form, Section
from motet.audio.facts.tempo import Tempo, tempo
from motet.audio.facts.timbre import RATE, Listener, Timbre, at_rate, spectra
from motet.errors import UserError

__all__ = ["Ear", "SoundFacts", "describe"]

Samples = npt.NDArray[np.float32]
Ear = Literal["motet", "librosa", "essentia"]
"""Who tells tempo, beats and key; all else is Motet's own."""

_SLOWEST = 8000  # Hz, that loudness is defined for
_NEIGHBOURS = 3  # frames, 30 ms, on either side of an onset that are lower


@dataclass(frozen=True, eq=False)
class SoundFacts:
    """What a recording of `seconds` is like. What cannot be told is None, or an empty tuple.

    `energy` (0-1) is an estimate of our own (see `dynamics.energy`), `tuning_cents` (-50 to 50) how far it stands over
    A = 440 Hz. `by` says who spoke of each fact, with the version: {"tempo": "essentia 2.1", "key": "motet 0.1", ...}.
    """

    seconds: float
    tempo: Tempo | None
    beats: Beats | None
    key: Key | None
    tuning_cents: float | None
    dynamics: Dynamics
    energy: float | None
    timbre: Timbre | None
    sections: tuple[Section, ...]
    by: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it: each fact with `by` and `confidence`.

        Confidence is 0-1, 1 for what is measured, None for what nobody vouches for (energy, tuning) and for no answer.
        """
        values: dict[str, tuple[dict[str, Any] | None, float | None]] = {
            "tempo": _told(self.tempo),
            "beats": _told(self.beats),
            "key": _told(self.key),
            "tuning": (None if self.tuning_cents is None else {"cents": self.tuning_cents}, None),
            "dynamics": (asdict(self.dynamics), 1.0),
            "energy": (None if self.energy is None else {"value": self.energy}, None),
            "timbre": (asdict(self.timbre) if self.timbre else None, 1.0 if self.timbre else None),
            "sections": _form(self.sections),
        }
        if self.key and values["key"][0] is not None:
            values["key"][0]["name"] = self.key.name
        facts = {
            fact: {**(_plain(value) or {}), "confidence": confidence, "by": self.by[fact]}
            for fact, (value, confidence) in values.items()
        }
        return {"seconds": self.seconds, **facts}


def describe(samples: Samples, rate: int, by: Ear = "motet") -> SoundFacts:
    """The facts of `samples` (frames, channels) at `rate` Hz (>= 8000), tempo, beats and key as `by` tells them.

    Channels are averaged for all but the levels; what is no number is silence. Raises ValueError for another shape or a
    lower rate, UserError where who shall speak is unknown or not installed.
    """
    if by not in get_args(Ear):
        raise UserError(f"{by!r} analyses no recordings: choose one of {', '.join(get_args(Ear))}.")
    if samples.ndim != 2 or not samples.shape[1] or rate < _SLOWEST:
        msg = f"wanted (frames, channels) at {_SLOWEST} Hz or more, not {samples.shape} at {rate} Hz"
        raise ValueError(msg)
    if samples.size and not np.isfinite(np.dot(flat := samples.reshape(-1), flat)):
        samples = np.clip(np.nan_to_num(samples, posinf=0.0, neginf=0.0), -1e6, 1e6)
    mono = np.concatenate([np.zeros(0, np.float32), *at_rate(_averaged(samples), rate)])
    curve = novelty(mono, RATE)
    pulse, tonality, tuning = _heard(mono, curve, by)
    listener, form = Listener(), Form()
    for power in spectra(listener.crossings((mono,))):
        listener.add(power)
        form.add(power)
    colour, levels = listener.timbre(), dynamics(samples, rate)
    grid = pulse[1].times.tolist() if pulse else []
    own = f"motet {motet.__version__}"
    other = own if by == "motet" else f"{by} {(librosa if by == 'librosa' else essentia).version()}"
    return SoundFacts(
        seconds=len(samples) / rate,
        tempo=pulse[0] if pulse else None,
        beats=pulse[1] if pulse else None,
        key=tonality,
        tuning_cents=tuning,
        dynamics=levels,
        energy=energy(levels, colour.brightness, _onsets(curve)) if colour else None,
        timbre=colour,
        sections=form.sections(grid),
        by=dict.fromkeys(("tempo", "beats", "key"), other)
        | dict.fromkeys(("tuning", "dynamics", "energy", "timbre", "sections"), own),
    )


def _heard(mono: Samples, curve: Novelty, by: Ear) -> tuple[tuple[Tempo, Beats] | None, Key | None, float | None]:
    """Tempo and beats, key, and tuning, which is always Motet's."""
    pitches = chroma(mono, RATE)
    tuning = pitches.tuning_cents if pitches.frames.any() else None
    if by == "librosa":
        return librosa.pulse(mono, RATE), librosa.key(mono, RATE), tuning
    if by == "essentia":
        return essentia.pulse(mono, RATE), essentia.key(mono, RATE), tuning
    speed = tempo(curve)
    return (speed, beats(curve, speed)) if speed else None, key(pitches), tuning


def _averaged(samples: Samples) -> Samples:
    if samples.shape[1] == 1:
        return np.ascontiguousarray(samples[:, 0])
    mean: Samples = samples @ np.full(samples.shape[1], 1 / samples.shape[1], np.float32)
    return mean


def _onsets(curve: Novelty) -> float:
    """Onsets per second: peaks of the novelty that stand above its mean."""
    strength = curve.strength
    if not strength.any():
        return 0.0
    wide = np.lib.stride_tricks.sliding_window_view(np.pad(strength, _NEIGHBOURS), 2 * _NEIGHBOURS + 1).max(axis=1)
    return float(np.count_nonzero((strength == wide) & (strength > strength.mean())) * curve.rate / len(strength))


def _told(fact: Tempo | Beats | Key | None) -> tuple[dict[str, Any] | None, float | None]:
    return (asdict(fact), float(fact.confidence)) if fact else (None, None)


def _form(sections: tuple[Section, ...]) -> tuple[dict[str, Any] | None, float | None]:
    """Sections are as sure as the least sure of their boundaries."""
    if not sections:
        return None, None
    return {"spans": [asdict(section) for section in sections]}, min(section.confidence for section in sections)


def _plain(value: Any) -> Any:
    """Arrays and tuples as lists."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
