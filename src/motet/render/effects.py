"""Effects between a sound and the mix: pedalboard's own, under names and ranges that a rack can draw from."""

from __future__ import annotations

import difflib
import importlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.render.errors import RenderError
from motet.render.patch import Effect
from motet.render.voices import FADE, LONGEST_TAIL, QUIET

__all__ = ["EFFECTS", "ENGINE", "Parameter", "apply", "complete", "version"]

Audio = npt.NDArray[np.float32]
Hosted = Callable[[Effect, Audio, int], Audio]
"""What runs an effect that is a plug-in: the effect, its input and the sample rate in, its output with the tail out."""

ENGINE = "pedalboard"
PIECE = 8192  # frames at a time: what memory an effect takes does not grow with the recording
HOLD = 0.1  # seconds of quiet after which an effect without echoes has rung out
HIGHEST = 0.45  # of the sample rate: a filter from there up has nothing left to act on
NOMINAL = 0.25  # -12 dBFS, the peak whose level a distortion keeps


@dataclass(frozen=True)
class Parameter:
    """A number that an effect takes, from `low` to `high`; `default` where none is given."""

    low: float
    high: float
    default: float
    unit: str = ""


# Never louder than what it is mixed with, so that onsets stay where they are.
_MIX = Parameter(0, 0.5, 0.3, "share of the effect")

EFFECTS: Mapping[str, Mapping[str, Parameter]] = {
    "compressor": {
        "threshold_db": Parameter(-60, 0, -18, "dBFS"),
        "ratio": Parameter(1, 20, 2, "to 1"),
        "attack_ms": Parameter(0.1, 200, 10, "ms"),
        "release_ms": Parameter(5, 2000, 100, "ms"),
    },
    "eq": {
        "low_hz": Parameter(20, 1000, 120, "Hz"),
        "low_db": Parameter(-18, 18, 0, "dB"),
        "mid_hz": Parameter(100, 8000, 1000, "Hz"),
        "mid_db": Parameter(-18, 18, 0, "dB"),
        "mid_q": Parameter(0.1, 10, 0.7, ""),
        "high_hz": Parameter(1000, 16000, 6000, "Hz"),
        "high_db": Parameter(-18, 18, 0, "dB"),
    },
    "distortion": {"drive_db": Parameter(0, 40, 12, "dB")},
    "chorus": {
        "rate_hz": Parameter(0.05, 10, 1, "Hz"),
        "depth": Parameter(0, 1, 0.25, ""),
        "centre_delay_ms": Parameter(1, 30, 7, "ms"),
        "feedback": Parameter(0, 0.5, 0, ""),
        "mix": _MIX,
    },
    "phaser": {
        "rate_hz": Parameter(0.05, 10, 0.5, "Hz"),
        "depth": Parameter(0, 1, 0.5, ""),
        "centre_hz": Parameter(100, 4000, 1000, "Hz"),
        "feedback": Parameter(0, 0.8, 0, ""),
        "mix": _MIX,
    },
    "delay": {
        "seconds": Parameter(0.01, 2, 0.35, "s"),
        "feedback": Parameter(0, 0.8, 0.3, ""),
        "mix": _MIX,
    },
    "reverb": {
        "room_size": Parameter(0, 0.9, 0.4, ""),
        "damping": Parameter(0, 1, 0.5, ""),
        "wet_level": Parameter(0, 0.3, 0.1, "0.3 in the largest room is about as loud as the dry sound"),
        "width": Parameter(0, 1, 1, ""),
    },
    "bitcrush": {"bits": Parameter(4, 16, 10, "bits")},
    "lowpass": {"hz": Parameter(20, 20000, 8000, "Hz")},
    "highpass": {"hz": Parameter(20, 2000, 80, "Hz")},
}
"""The effects by name, with their parameters in the order in which a record holds them."""


def version() -> str:
    """The version of pedalboard. Raises RenderError `missing_effects` when it is not installed."""
    try:
        return metadata.version(ENGINE)
    except metadata.PackageNotFoundError:
        raise _missing() from None


def _missing() -> RenderError:
    return RenderError("missing_effects", 'effects need pedalboard, which is not installed: pip install "motet[effects]"')


def complete(name: str, parameters: Mapping[str, float]) -> dict[str, float]:
    """All parameters of the effect `name`: those given, and the defaults of the others.

    Raises RenderError `unknown_effect`, `unknown_parameter`, `out_of_range`, each with a sentence that names what is valid.
    """
    if name not in EFFECTS:
        raise RenderError("unknown_effect", f"there is no effect {name!r:.60}{_nearest(name, EFFECTS)}")
    known = EFFECTS[name]
    for given, value in parameters.items():
        if given not in known:
            raise RenderError("unknown_parameter", f"{name} has no parameter {given!r:.60}{_nearest(given, known)}")
        low, high = known[given].low, known[given].high
        if not low <= value <= high:
            raise RenderError("out_of_range", f"{given} of {name} cannot be {value:g}: it goes from {low:g} to {high:g}")
    return {parameter: float(parameters.get(parameter, kind.default)) for parameter, kind in known.items()}


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name[:60], known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(known)}"


def apply(effects: Sequence[Effect], audio: Audio, sample_rate: int, hosted: Hosted | None = None) -> Audio:
    """`audio` (frames, 1 or 2) through `effects` in signal order; float32, as long as the input or longer by what rings out.

    Frame 0 stays frame 0: none of these effects looks ahead, and in each the direct sound is at least as loud as what is added
    to it. The tail ends where it falls under half a 16-bit step, after 8 s at the latest, and is then faded. Silence before
    the first sound, and where all has rung out, is passed over: it costs nothing, and after it the effects begin afresh. So
    silence gives silence, and equal sounds give equal bytes wherever they begin.

    An effect with a `file` is a plug-in: `hosted` runs it, on the output of what stands before it.

    Raises RenderError `unknown_effect`, `unknown_parameter`, `out_of_range`, `missing_effects`, `no_host` (a plug-in without
    `hosted`), `not_audio`, `not_finite`.
    """
    if audio.ndim != 2 or audio.shape[1] not in (1, 2) or audio.dtype != np.float32:
        raise RenderError("not_audio", f"effects take float32 (frames, 1 or 2), not {audio.dtype} {audio.shape}")
    for chain in _runs(effects):
        if not chain[0].file:
            audio = _play(chain, audio, sample_rate)
        elif hosted is None:
            raise RenderError("no_host", f"the effect {chain[0].name} is a plug-in, and nothing was given to run plug-ins")
        else:
            audio = hosted(chain[0], audio, sample_rate)
    return audio


def _runs(effects: Sequence[Effect]) -> Iterator[list[Effect]]:
    """Effects that are played together: neighbours, except that a plug-in stands alone."""
    chain: list[Effect] = []
    for effect in effects:
        if chain and (effect.file or chain[0].file):
            yield chain
            chain = []
        chain.append(effect)
    if chain:
        yield chain


def _play(effects: Sequence[Effect], audio: Audio, rate: int) -> Audio:
    told = [(effect.name, complete(effect.name, effect.parameters)) for effect in effects]
    hold = HOLD + sum(parameters["seconds"] for name, parameters in told if name == "delay")
    limit = len(audio) + round(LONGEST_TAIL * rate)
    out = np.zeros((limit, audio.shape[1]), np.float32)
    here = 0
    while (here := _next_sound(audio, here)) < len(audio):
        here = _stretch(_board(told, rate), audio, out, here, rate, round(hold * rate))
    end = _last_sound(out, len(audio))
    if end == limit:
        fade = min(round(FADE * rate), end)
        out[end - fade : end] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return out[:end]


def _stretch(board: Any, audio: Audio, out: Audio, start: int, rate: int, hold: int) -> int:
    """Play from `start` until all has rung out, into `out`; returns the frame at which to go on."""
    here, quiet = start, 0
    while here < len(out) and quiet < hold:
        piece = audio[here : here + PIECE]
        if len(piece) < PIECE:
            piece = np.concatenate([piece, np.zeros((PIECE - len(piece), audio.shape[1]), np.float32)])
        played = board.process(piece, rate, PIECE, False)
        top = max(float(played.max()), -float(played.min()))
        if not math.isfinite(top):  # a NaN anywhere is the maximum
            raise RenderError("not_finite", "the sound or an effect behind it holds values that are no sound")
        quiet = quiet + PIECE if top < QUIET and not piece.any() else 0
        step = out[here : here + PIECE]
        step[:] = played[: len(step)]
        here += PIECE
    return here


def _next_sound(audio: Audio, start: int) -> int:
    for here in range(start, len(audio), PIECE):
        piece = audio[here : here + PIECE]
        if piece.any():
            return here + int(np.argmax(piece.any(axis=1)))
    return len(audio)


def _last_sound(out: Audio, least: int) -> int:
    """Where the tail after `least` is under the quietest step for good."""
    heard = np.flatnonzero((np.abs(out[least:]) >= QUIET).any(axis=1))
    return least + (int(heard[-1]) + 1 if heard.size else 0)


def _board(told: Sequence[tuple[str, Mapping[str, float]]], rate: int) -> Any:
    try:
        pedalboard = importlib.import_module(ENGINE)
    except ImportError:
        raise _missing() from None
    top = HIGHEST * rate
    made = [made for name, parameters in told for made in _make(pedalboard, name, parameters, top)]
    return pedalboard.Pedalboard(made)


def _make(pedalboard: Any, name: str, p: Mapping[str, float], top: float) -> list[Any]:
    """What plays the effect `name`; filters at or above `top` Hz, and bands of 0 dB, are left out."""
    if name == "compressor":
        return [pedalboard.Compressor(p["threshold_db"], p["ratio"], p["attack_ms"], p["release_ms"])]
    if name == "eq":
        bands = [
            (pedalboard.LowShelfFilter, p["low_hz"], p["low_db"], math.sqrt(0.5)),
            (pedalboard.PeakFilter, p["mid_hz"], p["mid_db"], p["mid_q"]),
            (pedalboard.HighShelfFilter, p["high_hz"], p["high_db"], math.sqrt(0.5)),
        ]
        return [kind(hz, db, q) for kind, hz, db, q in bands if db and hz < top]
    if name == "distortion":
        # tanh makes what is soft louder by the drive: brought back so that a peak of -12 dBFS stays one.
        kept = NOMINAL / math.tanh(NOMINAL * 10 ** (p["drive_db"] / 20))
        return [pedalboard.Distortion(p["drive_db"]), pedalboard.Gain(20 * math.log10(kept))]
    if name == "chorus":
        return [pedalboard.Chorus(p["rate_hz"], p["depth"], p["centre_delay_ms"], p["feedback"], p["mix"])]
    if name == "phaser":
        return [pedalboard.Phaser(p["rate_hz"], p["depth"], p["centre_hz"], p["feedback"], p["mix"])]
    if name == "delay":
        return [pedalboard.Delay(p["seconds"], p["feedback"], p["mix"])]
    if name == "reverb":
        # At this dry level the direct sound passes as it is.
        return [pedalboard.Reverb(p["room_size"], p["damping"], p["wet_level"], 0.5, p["width"])]
    if name == "bitcrush":
        return [pedalboard.Bitcrush(p["bits"])]
    kind = {"lowpass": pedalboard.LowpassFilter, "highpass": pedalboard.HighpassFilter}[name]
    return [kind(p["hz"])] if p["hz"] < top else []
