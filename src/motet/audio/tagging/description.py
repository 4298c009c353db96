"""The YAML file that says what a tagger is, and its labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from motet.errors import UserError
from motet.inventory import datasets

__all__ = ["Clap", "Classifier", "Description", "Essentia", "Kind", "Mel", "labels", "place", "read"]

Kind = Literal["genre", "mood", "instrument", "era", "region", "other"]
Label = Annotated[str, Field(min_length=1, max_length=100)]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]

MOST_LABELS = 10_000
LARGEST = 1_000_000  # bytes of a file of labels


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Mel(_Strict):
    """A spectrogram as the model was trained on: log(offset + gain × bands of |STFT|^power), then (x − mean) / std.

    The window is Hann's. `fmin` and `fmax` in Hz; fmax 0 is half of the rate. `log`: db is 10 log10, natural ln.
    """

    n_fft: int = Field(default=1024, ge=16, le=65536)
    hop: int = Field(default=512, ge=1, le=65536)
    n_mels: int = Field(default=64, ge=1, le=1024)
    fmin: float = Field(default=0.0, ge=0, le=1e6)
    fmax: float = Field(default=0.0, ge=0, le=1e6)
    scale: Literal["slaney", "htk"] = "slaney"
    norm: Literal["slaney", "none"] = "slaney"
    power: Literal[1, 2] = 2
    centred: bool = Field(default=True, description="whether a column's window lies around its hop, or begins there")
    edges: Literal["zeros", "reflect"] = Field(default="zeros", description="what stands outside the sound when centred")
    log: Literal["db", "natural", "log10", "none"] = "db"
    gain: float = Field(default=1.0, gt=0, le=1e9)
    offset: float = Field(default=1e-10, ge=0, le=1e9)
    mean: Number | list[Number] = 0.0
    std: Number | list[Number] = 1.0
    axes: Literal["mel_time", "time_mel"] = "mel_time"
    columns: int = Field(default=0, ge=0, le=1_000_000, description="of a window: more are cut off, the last repeated; 0: any")

    @model_validator(mode="after")
    def _fitting(self) -> Mel:
        for name, value in (("mean", self.mean), ("std", self.std)):
            if isinstance(value, list) and len(value) != self.n_mels:
                raise ValueError(f"{name} must be one number or {self.n_mels}, one for each band")
        if 0 in (self.std if isinstance(self.std, list) else [self.std]):
            raise ValueError("std must not be 0")
        if self.log != "none" and not self.offset:
            raise ValueError("offset must be above 0: silence has no logarithm")
        return self


class Description(_Strict):
    """What every tagger says of itself."""

    kind: str
    model: str = Field(min_length=1, description="a path, taken from where the YAML file lies, or package.module:function")
    labels: list[Label] = Field(default=[], max_length=MOST_LABELS)
    labels_file: str = Field(default="", description="a label a line, a JSON list, or a JSON object with a list `classes`")
    leave_out: list[Label] = Field(default=[], description="labels that are no tags, such as non_happy")
    tag_kind: Kind | dict[Label, Kind] | None = Field(
        default=None, description="for all labels or for each; else the vocabulary's"
    )
    rate: int = Field(default=16000, ge=1000, le=192_000, description="Hz that the model wants")
    seconds: float = Field(default=10.0, ge=0, le=3600, description="of a window; 0: the whole recording is one")
    hop_seconds: float | None = Field(default=None, gt=0, le=3600, description="from window to window; else the length of one")
    threshold: float = Field(default=0.5, ge=0, le=1, description="a tag's mean value over the windows, at least")
    most: int = Field(default=5, ge=1, le=MOST_LABELS, description="tags of each kind, the heaviest")
    licence: str = Field(min_length=1, max_length=1000, description="of the model's weights")
    source: str = Field(default="", max_length=200, description="who is named with each tag; else the file's name")

    @model_validator(mode="after")
    def _told(self) -> Description:
        if bool(self.labels) == bool(self.labels_file):
            raise ValueError("either labels or labels_file must be given")
        if self.hop_seconds is not None and self.seconds and self.hop_seconds > self.seconds:
            raise ValueError("hop_seconds must not be above seconds, or sound between windows is never heard")
        return self


class Classifier(Description):
    kind: Literal["onnx", "function"]
    input: Literal["waveform", "log_mel"] = "waveform"
    mel: Mel = Mel()
    activation: Literal["none", "sigmoid", "softmax"] = Field(default="none", description="none: it gives 0 to 1 itself")
    output: str = Field(default="", description="of an ONNX file that gives several; else the first")

    @model_validator(mode="after")
    def _named(self) -> Classifier:
        if self.model.endswith(".onnx") != (self.kind == "onnx"):
            raise ValueError("a model of the kind onnx ends in .onnx, and one of the kind function is package.module:function")
        return self


class Clap(Description):
    """Prompts and sound are compared; what is nearest is softmax over the labels of a kind."""

    kind: Literal["clap"]
    rate: int = Field(default=48000, ge=1000, le=192_000)
    prompt: str = Field(default="", max_length=500, description="with {label} in it; else one for each kind")
    temperature: float | None = Field(default=None, gt=0, le=100, description="cosines are divided by it; else the model's own")
    fetch: bool = Field(default=False, description="whether `model` may be a repository's name, which is downloaded")

    @model_validator(mode="after")
    def _prompted(self) -> Clap:
        if self.prompt and "{label}" not in self.prompt:
            raise ValueError("prompt must have {label} in it")
        return self


class Essentia(Description):
    """A graph that embeds, then one that classifies: essentia-tensorflow's, each a .pb file."""

    kind: Literal["essentia"]
    algorithm: str = Field(default="TensorflowPredictEffnetDiscogs", pattern=r"TensorflowPredict[A-Za-z0-9]{1,40}")
    output: str = Field(default="PartitionedCall:1", description="the embedding graph's node of embeddings")
    head: str = Field(default="", description="the classifying graph; else the first graph's output is the classes")
    head_input: str = "model/Placeholder"
    head_output: str = "model/Softmax"
    seconds: float = Field(default=0.0, ge=0, le=0, description="essentia cuts windows itself")


_KINDS: dict[str, type[Description]] = {"onnx": Classifier, "function": Classifier, "clap": Clap, "essentia": Essentia}


def read(file: Path) -> Description:
    """The description in a YAML file. Raises UserError with the place and the fix."""
    held = datasets.content(file)
    kind = held.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise UserError(f"{file} must say what it describes: write `kind:` with one of {', '.join(_KINDS)}.")
    return datasets.checked(_KINDS[kind], held, file)


def place(named: str, file: Path) -> Path:
    """A path that a description names, from where the description lies."""
    path = Path(named).expanduser()
    return path if path.is_absolute() else file.parent / path


def labels(told: Description, file: Path) -> tuple[str, ...]:
    """Its labels in the model's order. Raises UserError."""
    found: Sequence[Any] = told.labels or _from_file(place(told.labels_file, file))
    if not found or len(found) > MOST_LABELS:
        raise UserError(f"{file} needs 1 to {MOST_LABELS:,} labels, not {len(found):,}: correct its list.")
    for label in found:
        if not isinstance(label, str) or not 0 < len(label) <= 100:
            raise UserError(
                f"{file} has the label {str(label)[:40]!r}, which is no text of 1 to 100 characters: correct its list."
            )
    if len(set(found)) < len(found):
        twice = next(label for label in found if list(found).count(label) > 1)
        raise UserError(f"{file} has the label {twice!r} twice: a model's labels are each one of its outputs.")
    named = [*told.leave_out, *(told.tag_kind if isinstance(told.tag_kind, dict) else ())]
    if strange := next((label for label in named if label not in found), ""):
        raise UserError(f"{file} speaks of {strange!r}, which is none of its labels: correct leave_out or tag_kind.")
    return tuple(found)


def _from_file(path: Path) -> Sequence[Any]:
    try:
        if not path.is_file():
            raise UserError(f"The labels {path} are not there: correct labels_file.")
        with path.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise UserError(f"The labels {path} cannot be read ({getattr(error, 'strerror', error)}): correct labels_file.") from None
    if len(data) > LARGEST:
        raise UserError(f"The labels {path} are more than {LARGEST // 1_000_000} MB: give a list with one label a line.")
    try:
        text = data.decode("utf-8-sig")
        if path.suffix.lower() != ".json":
            return [line.strip() for line in text.splitlines() if line.strip()]
        held = json.loads(text)
    except (ValueError, RecursionError):
        raise UserError(f"The labels {path} are no UTF-8 text, or no JSON: give a list with one label a line.") from None
    found = held.get("classes") if isinstance(held, dict) else held
    if not isinstance(found, list):
        raise UserError(f"The labels {path} are no JSON list, and no object with a list `classes`: give one.")
    return found
