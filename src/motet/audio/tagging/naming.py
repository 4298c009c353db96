"""A model's labels as tags: one spelling for each, as for the tags of services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet.audio.tagging.description import Kind
from motet.errors import UserError
from motet.sources import tags
from motet.sources.vocabulary import fold

__all__ = ["Named", "named"]

_JOINT = "---"
# How the labels of MTG-Jamendo begin (Bogdanov et al. 2019); those of Discogs have a genre before a style instead.
_PREFIXES: dict[str, Kind] = {"genre": "genre", "instrument": "instrument", "mood/theme": "mood", "mood": "mood"}


@dataclass(frozen=True)
class Named:
    """A tag and the outputs of the model that speak for it."""

    name: str
    kind: str
    outputs: tuple[int, ...]

    def value(self, values: npt.NDArray[np.float64], exclusive: bool) -> npt.NDArray[np.float64]:
        """Of (windows, labels) its own (windows,): chances that exclude each other add up, of others the greatest counts."""
        own = values[:, self.outputs]
        told: npt.NDArray[np.float64] = np.minimum(own.sum(axis=1), 1.0) if exclusive else own.max(axis=1)
        return told


def named(labels: Sequence[str], told: Kind | dict[str, Kind] | None, leave_out: Sequence[str] = ()) -> list[Named]:
    """The tags of the labels, in the labels' order. What `told` says of a label's kind is truer than the vocabulary.

    A label may be two tags ("Electronic---House") and two labels one ("Hip Hop", "hip-hop"). Raises UserError for a label that
    says nothing.
    """
    outputs: dict[tuple[str, str], list[int]] = {}
    for at, label in enumerate(labels):
        if label in leave_out:
            continue
        said = told.get(label) if isinstance(told, dict) else told
        for name, kind in _read(label):
            heard = outputs.setdefault((name, said or kind), [])
            heard.append(at)
    return [Named(name, kind, tuple(dict.fromkeys(at))) for (name, kind), at in outputs.items()]


def _read(label: str) -> list[tuple[str, str]]:
    head, joint, rest = label.partition(_JOINT)
    known = _PREFIXES.get(head.lower()) if joint else None
    said = rest if known else label.replace(_JOINT, ", ")
    found = [(tag.name, known or tag.kind) for tag in tags.normalise([(said, None, "")])]
    if not found:
        # What a crowd's tag would be removed for ("love", "party music") is a word of the model's here.
        found = [(fold(said), known or "other")]
    if not all(name for name, _ in found):
        raise UserError(f"The label {label!r} has no word in it: name it under leave_out.")
    return found


def kinds(tags_of: Sequence[Named], count: int) -> list[str]:
    """The kind of each of `count` labels, by its first tag; "" where it is left out."""
    told = [""] * count
    for tag in tags_of:
        for at in tag.outputs:
            told[at] = told[at] or tag.kind
    return told
