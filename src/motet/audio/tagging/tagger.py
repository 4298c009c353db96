"""A tagger: a model, its labels, and the rule that makes tags of what it hears."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from motet.audio import models
from motet.audio.errors import Unusable
from motet.audio.tagging import description
from motet.audio.tagging.classifier import NAME, Heard, Values, classifier
from motet.audio.tagging.description import Clap, Classifier, Description, Essentia
from motet.audio.tagging.naming import Named, named
from motet.errors import UserError

__all__ = ["SoundTag", "Tagger", "digest", "load", "nothing"]


@dataclass(frozen=True, slots=True)
class SoundTag:
    """What a model hears in a recording.

    `weight`, 0 to 1, is the model's mean value over all windows as a share of that of the heaviest tag of the kind, as with
    the tags of services. `confidence`, 0 to 1, is that mean value itself times the share of windows in which it reached the
    threshold: what comes and goes is less sure. It is the model's word; how often it is right nobody measured here.
    """

    name: str
    kind: str
    weight: float
    confidence: float
    source: str


@dataclass(frozen=True, eq=False)
class Tagger:
    """What names the tags of recordings. `left_empty` is what to say of a recording that got none."""

    source: str
    licence: str
    digest: str
    left_empty: str
    rate: int = 0
    threshold: float = 0.0
    most: int = 0
    names: tuple[Named, ...] = ()
    exclusive: bool = False
    """whether the model's values exclude each other, and those of one tag add up"""
    heard: Heard | None = field(default=None, repr=False)

    def tags(self, mono: npt.NDArray[np.float32], rate: int) -> list[SoundTag]:
        """The tags of mono sound (frames,) at `rate` Hz, the heaviest first, at most `most` of a kind.

        Raises Unusable `no_sound`, `not_finite` for the sound, `no_tags` for what the model made of it.
        """
        if self.heard is None:
            return []
        sound = np.ascontiguousarray(mono, np.float32)
        if sound.ndim != 1 or not len(sound):
            raise Unusable("no_sound", f"a tagger hears mono sound, and got the shape {sound.shape}")
        if not np.isfinite(sound).all():
            raise Unusable("not_finite", "a sample of it is no finite number")
        return self._chosen(self._values(_at_rate(sound, rate, self.rate)))

    def _values(self, sound: npt.NDArray[np.float32]) -> Values:
        assert self.heard is not None
        try:
            return self.heard(sound)
        except Unusable:
            raise
        except Exception as error:
            # A model is another's code: what it fails at is one recording, and says so.
            said = f"the model failed with {type(error).__name__}: {' '.join(str(error).split())[:200]}"
            raise Unusable(NAME, said) from error

    def _chosen(self, values: Values) -> list[SoundTag]:
        passing: dict[str, list[tuple[float, str, float]]] = {}
        for tag in self.names:
            own = tag.value(values, self.exclusive)
            mean = float(own.mean())
            if mean > 0 and mean >= self.threshold:
                steady = float((own >= self.threshold).mean())
                passing.setdefault(tag.kind, []).append((mean, tag.name, mean * steady))
        told = []
        for kind, found in passing.items():
            found.sort(key=lambda one: (-one[0], one[1]))
            told += [SoundTag(name, kind, mean / found[0][0], sure, self.source) for mean, name, sure in found[: self.most]]
        return sorted(told, key=lambda tag: (-tag.weight, -tag.confidence, tag.name, tag.kind))


def nothing(why: str) -> Tagger:
    """What tags nothing, where there is no model: recordings keep their tags empty, and `why` stands beside them."""
    return Tagger(source="", licence="", digest=hashlib.sha256(b"").hexdigest(), left_empty=why)


def load(path: Path) -> Tagger:
    """The tagger that a YAML file describes, tried and ready. Raises UserError with one sentence."""
    told = description.read(path)
    labels = description.labels(told, path)
    names = named(labels, told.tag_kind, told.leave_out)
    source, content = told.source or path.stem, _digest(told, labels, path)
    heard = _heard(told, path, labels, names)
    _try(heard, told, path)
    return Tagger(
        source=source,
        licence=told.licence,
        digest=content,
        left_empty=f"{source}: no label reached {told.threshold:g}",
        rate=told.rate,
        threshold=told.threshold,
        most=told.most,
        names=tuple(names),
        exclusive=isinstance(told, Clap) or (isinstance(told, Classifier) and told.activation == "softmax"),
        heard=heard,
    )


def digest(path: Path) -> str:
    """What decides a tagger's answers: its description, its labels, and the content of its model. Raises UserError.

    Where the files lie is no part of it.
    """
    told = description.read(path)
    return _digest(told, description.labels(told, path), path)


def _heard(told: Description, path: Path, labels: Sequence[str], names: Sequence[Named]) -> Heard:
    if isinstance(told, Classifier):
        return classifier(told, path, len(labels))
    if isinstance(told, Clap):
        from motet.audio.tagging.zero_shot import zero_shot

        return zero_shot(told, path, labels, names)
    assert isinstance(told, Essentia)
    from motet.audio.tagging.essentia_heads import head

    return head(told, path, len(labels))


def _try(heard: Heard, told: Description, path: Path) -> None:
    """Let it hear a window of noise, so that a model which does not fit its description is told before work begins."""
    noise = np.random.default_rng(0).standard_normal(round((told.seconds or 10) * told.rate), np.float32) * np.float32(0.1)
    try:
        heard(noise)
    except Unusable as error:
        said = error.detail
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - another's code may raise anything
        said = f"it fails with {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    else:
        return
    raise UserError(
        f"The model of {path} cannot be used ({said}): correct the file's rate, seconds, input, activation or labels."
    )


def _digest(told: Description, labels: Sequence[str], path: Path) -> str:
    model = _model_digest(told, path)
    said = told.model_dump(mode="json", exclude={"model", "head", "labels", "labels_file", "fetch"})
    said["source"] = told.source or path.stem
    return hashlib.sha256(json.dumps([said, list(labels), model], sort_keys=True).encode()).hexdigest()


def _model_digest(told: Description, path: Path) -> list[str]:
    if isinstance(told, Clap):
        from motet.audio.tagging.zero_shot import digest_of_folder

        return [digest_of_folder(told, path)]
    if told.kind == "function":
        return [models.digest(told.model, "model")]
    graphs = [told.model, *([told.head] if isinstance(told, Essentia) and told.head else [])]
    return [models.digest_of(description.place(graph, path)) for graph in graphs]


def _at_rate(sound: npt.NDArray[np.float32], rate: int, wanted: int) -> npt.NDArray[np.float32]:
    if rate == wanted:
        return sound
    import soxr

    # A few frames may be none at a lower rate: the model's window is then filled with silence.
    made: npt.NDArray[np.float32] = soxr.resample(sound, rate, wanted, quality="HQ")
    return made if len(made) else np.zeros(1, np.float32)
