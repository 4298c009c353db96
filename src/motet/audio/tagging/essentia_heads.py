"""The published classifiers of essentia: a graph that embeds, and a head that classifies (Alonso-Jiménez et al. 2020).

They need the build with TensorFlow, essentia-tensorflow, which is AGPL-3.0; the graphs have licences of their own.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from motet.audio.errors import Unusable
from motet.audio.tagging.classifier import NAME, Heard, Values, activated
from motet.audio.tagging.description import Essentia, place
from motet.audio.tagging.windows import Array
from motet.errors import UserError

__all__ = ["head"]

SHORTEST = 3.0  # seconds that every published graph can hear; a shorter sound is repeated


def head(told: Essentia, file: Path, labels: int) -> Heard:
    """What the graphs hear, a row for each of essentia's own windows. Raises UserError."""
    if find_spec("essentia") is None:
        raise UserError("Taggers of the kind essentia need essentia-tensorflow: pip install essentia-tensorflow.")
    essentia: Any = import_module("essentia")
    standard: Any = import_module("essentia.standard")
    essentia.log.infoActive = essentia.log.warningActive = False
    if not hasattr(standard, told.algorithm):
        what = "has no TensorFlow" if not hasattr(standard, "TensorflowPredict") else f"has no {told.algorithm}"
        raise UserError(f"The essentia that is installed {what}: pip install essentia-tensorflow in its place.")
    graphs = [place(told.model, file), *([place(told.head, file)] if told.head else [])]
    for graph in graphs:
        if not graph.is_file():
            raise UserError(f"The graph {graph} is not there: correct `model` or `head`.")
    try:
        embeds: Any = getattr(standard, told.algorithm)(graphFilename=str(graphs[0]), output=told.output)
        classifies: Any = None
        if told.head:
            classifies = standard.TensorflowPredict2D(
                graphFilename=str(graphs[1]), input=told.head_input, output=told.head_output
            )
    except Exception as error:  # noqa: BLE001 - the library raises RuntimeError and its own kinds
        said = " ".join(str(error).split())[:200]
        raise UserError(f"The graphs of {file} cannot be loaded ({said}): correct output, head_input or head_output.") from None

    def heard(mono: Array) -> Values:
        rows = embeds(np.resize(mono, max(len(mono), round(SHORTEST * told.rate))))
        values = np.asarray(classifies(rows) if classifies is not None else rows)
        if values.ndim != 2 or values.shape[1] != labels or not len(values):
            raise Unusable(NAME, f"the graphs gave the shape {values.shape} for {labels} labels")
        return activated(values, "none")

    return heard
