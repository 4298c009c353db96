"""Any classifier, an ONNX file or a function: windows of sound in, a number for each label out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.audio import models
from motet.audio.errors import Unusable
from motet.audio.tagging.description import Classifier, place
from motet.audio.tagging.windows import Array, cut, log_mel
from motet.errors import UserError

__all__ = ["Heard", "activated", "classifier"]

Values = npt.NDArray[np.float64]
Heard = Callable[[Array], Values]
"""Mono sound (frames,) at the model's rate -> a value of 0 to 1 for each window and label. Raises Unusable."""

NAME = "no_tags"  # the reason of what a model cannot say


def classifier(told: Classifier, file: Path, labels: int) -> Heard:
    """What a description's model hears. Raises UserError."""
    length = round((told.seconds or 0) * told.rate)
    hop = max(1, round((told.hop_seconds or told.seconds) * told.rate))
    run = _onnx(told, file) if told.kind == "onnx" else _function(told)

    def values(window: Array) -> Values:
        """Of one window: (labels,)."""
        taken = log_mel(window, told.rate, told.mel) if told.input == "log_mel" else np.ascontiguousarray(window, np.float32)
        numbers = np.asarray(run(taken))
        if numbers.ndim not in (1, 2) or numbers.shape[-1] != labels or not numbers.size or numbers.dtype.kind not in "fiu":
            raise Unusable(NAME, f"the model gave {numbers.dtype} of the shape {numbers.shape} for {labels} labels")
        return np.asarray(activated(numbers.reshape(-1, labels), told.activation).mean(axis=0))

    def heard(mono: Array) -> Values:
        return np.stack([values(window) for window in cut(mono, length, hop)])

    return heard


def activated(numbers: npt.NDArray[Any], activation: str) -> Values:
    """Values of 0 to 1 from what a model gives (steps, labels). Raises Unusable for what is no number, or no such value."""
    values = numbers.astype(np.float64)
    if not np.isfinite(values).all():
        raise Unusable(NAME, "the model gave numbers that are not finite")
    if activation == "sigmoid":
        return np.asarray(0.5 * (1 + np.tanh(values / 2)))
    if activation == "softmax":
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    if values.min() < -1e-4 or values.max() > 1 + 1e-4:
        raise Unusable(NAME, f"the model gave {values.min():.3g} to {values.max():.3g}, which needs an activation")
    return np.asarray(values.clip(0, 1))


def _onnx(told: Classifier, file: Path) -> Callable[[Array], Any]:
    network = models.network(place(told.model, file))
    if told.output and told.output not in network.gives:
        raise UserError(f"The model {network.path} gives no {told.output!r}: set output to one of {', '.join(network.gives)}.")
    fewest = 2 if told.input == "log_mel" else 1
    if not fewest <= len(network.axes) <= 4:
        ranks = f"the rank {len(network.axes)}, and {told.input} has {fewest} to 4"
        raise UserError(f"The input of the model {network.path} has {ranks}: correct `input`.")

    def run(taken: Array) -> Any:
        shape = (1,) * (len(network.axes) - taken.ndim) + taken.shape
        if any(size is not None and size != given for size, given in zip(network.axes, shape, strict=True)):
            wants = " × ".join("any" if size is None else str(size) for size in network.axes)
            raise Unusable(NAME, f"the model takes {wants} and a window is {' × '.join(map(str, shape))}")
        return network(taken, told.output)

    return run


def _function(told: Classifier) -> Callable[[Array], Any]:
    model = models.load(told.model, "model")

    def run(taken: Array) -> Any:
        numbers = np.asarray(model(taken, told.rate))
        while numbers.ndim > 1 and numbers.shape[0] == 1:
            numbers = numbers[0]
        return numbers

    return run
