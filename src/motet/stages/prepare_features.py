"""Raw files become features: recordings at one rate, log-mel spectrograms, embeddings, tables of notes."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from motet import midi
from motet.audio import models
from motet.audio.errors import Unusable
from motet.dataset.rows import Feature, File, Labelled
from motet.errors import UserError
from motet.inventory.preparing import notes, sound
from motet.inventory.preparing.sound import Fit, Sound
from motet.run import Drop, Settings, Tools, stage
from motet.stages.clean import source_of


class PrepareFeatures(Settings):
    # Its content is in the key.
    no_effect: ClassVar[frozenset[str]] = frozenset(("embed",))

    audio: Literal["flac", "wav", "none"] = Field(
        default="flac", description="how the fitted recording is kept: 16 bits, or none"
    )
    rate: int = Field(default=22050, ge=0, le=192000, description="samples per second; 0 leaves it as it is")
    channels: Literal[0, 1, 2] = Field(default=1, description="1 for mono, 2 for stereo, 0 leaves them as they are")
    shortest: float = Field(default=0.1, ge=0, description="seconds of a recording, at least; shorter ones are dropped")
    longest: float = Field(default=30.0, gt=0, le=7200, description="seconds of a recording, at most")
    too_long: Literal["trim", "drop"] = Field(default="trim", description="what becomes of longer recordings")
    mel: bool = Field(default=True, description="a log-mel spectrogram, float32 (n_mels, frames), as .npy")
    n_mels: int = Field(default=128, ge=1, le=1024, description="bands of the spectrogram")
    n_fft: int = Field(default=2048, ge=16, le=65536, description="samples of its window")
    hop: int = Field(default=512, ge=1, le=65536, description="samples between its frames")
    fmin: float = Field(default=0.0, ge=0, description="Hz of its lowest band")
    fmax: float = Field(default=0.0, ge=0, description="Hz of its highest band; 0 for half of the rate")
    log: Literal["db", "natural"] = Field(default="db", description="10 log10 of the power, or ln")
    embed: str = Field(default="", description="the model of embeddings: package.module:function or a file.onnx; empty: none")
    embed_rate: int = Field(default=0, ge=0, le=192000, description="samples per second the model wants; 0 for those of `rate`")
    notes: Literal["parquet", "npy", "none"] = Field(default="parquet", description="how the notes of MIDI files are kept")

    @model_validator(mode="after")
    def _fitting(self) -> PrepareFeatures:
        if self.rate and self.rate < sound.LOWEST_RATE:
            msg = f"rate must be 0 or at least {sound.LOWEST_RATE}"
            raise ValueError(msg)
        if self.shortest > self.longest:
            msg = "shortest <= longest must hold"
            raise ValueError(msg)
        return self

    @property
    def fit(self) -> Fit:
        return Fit(self.rate, self.channels, self.shortest, self.longest, self.too_long)

    @property
    def spectrogram(self) -> Any:
        return _mels().Mel(self.n_mels, self.n_fft, self.hop, self.fmin, self.fmax, self.log)


def _mels() -> Any:
    from motet.inventory.preparing import mels  # librosa takes a second to load, and most commands never need it

    return mels


def _contents(settings: PrepareFeatures) -> Mapping[str, str]:
    if settings.mel and settings.rate and (said := _mels().wrong(settings.spectrogram, settings.rate)):
        raise UserError(f"The spectrogram cannot be made: {said}; change n_mels, n_fft, fmin, fmax or rate of prepare_features.")
    return {"embed": models.digest(settings.embed)} if settings.embed else {}


def _load(settings: PrepareFeatures) -> _Equipment:
    return _Equipment(
        models.load(settings.embed) if settings.embed else None,
        models.digest(settings.embed) if settings.embed else "",
    )


@dataclass(frozen=True)
class _Equipment:
    model: models.Model | None
    model_digest: str


@stage(
    version=1,
    uses=["kind", "files.sha256", "files.size"],
    timeout=1800,
    libraries=["librosa", "soxr", "soundfile", "numpy", "symusic", "pyarrow"],
    contents=_contents,
    setup=_load,
)
def prepare_features(label: Labelled, file: File, settings: PrepareFeatures, tools: Tools) -> Iterator[Feature] | Drop:
    try:
        source = source_of(file)
        fault, words = sound.fault(file.inner_path.rpartition("/")[2], source)
        if fault:
            return Drop(fault, words or _FAULTS.get(fault, ""))
        made = _of_notes(source, settings) if label.kind == "midi" else _of_sound(source, settings, tools)
    except (Unusable, midi.Unreadable) as error:
        return Drop(error.reason, error.detail)
    return (
        Feature(
            what=one.what,
            file=tools.media.write(one.data, f".{one.format}"),
            format=one.format,
            raw_sha256=file.sha256,
            shape=list(one.shape),
            rate=one.rate,
            seconds=round(one.seconds, 6),
            parameters=json.dumps(one.parameters),
        )
        for one in made
    )


_FAULTS = {
    "empty": "it has 0 bytes",
    "lfs_pointer": "it is a Git-LFS pointer: its content never arrived",
    "web_page": "it is a web page under another name: an error page of a server",
}


@dataclass(frozen=True)
class _Made:
    what: str
    data: bytes
    format: str
    shape: tuple[int, ...]
    rate: int | None
    seconds: float
    parameters: Mapping[str, Any]


def _of_notes(source: bytes | Path, settings: PrepareFeatures) -> list[_Made]:
    table = notes.notes(source if isinstance(source, bytes) else source.read_bytes())
    if not len(table):
        raise Unusable("no_notes", "the file has no notes")
    if settings.notes == "none":
        return []
    data, end = notes.encoded(table, settings.notes), float(table["offset"].max())
    return [_Made("notes", data, settings.notes, table.shape, None, end, {})]


def _of_sound(source: bytes | Path, settings: PrepareFeatures, tools: Tools) -> list[_Made]:
    equipment: _Equipment = tools.equipment
    with contextlib.ExitStack() as stack:
        heard = stack.enter_context(sound.read(source, settings.fit, tools.cache))
        raw = {
            "raw_rate": heard.raw_rate,
            "raw_channels": heard.raw_channels,
            "raw_seconds": round(heard.raw_seconds, 6),
            "trimmed": heard.trimmed,
        }
        made = []
        if settings.audio != "none":
            data, clipped = sound.stored(heard, settings.audio)
            parameters = {**raw, "bits": 16, "clipped": clipped}
            made.append(_Made("audio", data, settings.audio, heard.samples.shape, heard.rate, heard.seconds, parameters))
        if settings.mel:
            made.append(_mel(heard, settings, raw))
        if equipment.model is not None:
            made.append(_embedding(heard, equipment, settings, raw))
    return made


def _mel(heard: Sound, settings: PrepareFeatures, raw: Mapping[str, Any]) -> _Made:
    if not settings.rate and (said := _mels().wrong(settings.spectrogram, heard.rate)):
        raise Unusable("no_mel", said)
    told = _mels().log_mel(heard.samples, heard.rate, settings.spectrogram)
    parameters = {**raw, **asdict(settings.spectrogram), "fmax": settings.fmax or heard.rate / 2}
    return _Made("mel", _npy(told), "npy", told.shape, heard.rate, heard.seconds, parameters)


def _embedding(heard: Sound, equipment: _Equipment, settings: PrepareFeatures, raw: Mapping[str, Any]) -> _Made:
    assert equipment.model is not None
    rate = settings.embed_rate or heard.rate
    told = models.embedded(equipment.model, sound.at_rate(sound.flattened(heard.samples), heard.rate, rate), rate)
    parameters = {**raw, "model": Path(settings.embed).name, "model_digest": equipment.model_digest}
    return _Made("embedding", _npy(told), "npy", told.shape, rate, heard.seconds, parameters)


def _npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()
