"""Recordings are taken apart into stems at their own rate, before anything is down-sampled; or go on whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from motet.audio.errors import Unusable
from motet.dataset.rows import File, Recording, Separated
from motet.run import Drop, Needs, Settings, Tools, stage
from motet.run.stage import versions
from motet.stages.clean import source_of

if TYPE_CHECKING:
    from motet.audio.separating import Separation, Separator

# Stems may rise above full scale, which FLAC cannot hold: they are stored this much lower, in 24 bits.
_ROOM_DB = -6.0


class Separate(Settings):
    # Where and how fast it is computed changes no sample that anybody hears.
    no_effect: ClassVar[frozenset[str]] = frozenset(("device", "batch", "folder", "fetch"))

    method: Literal["demucs", "none"] = Field(default="demucs", description="take recordings apart, or let them go on whole")
    model: str = Field(default="htdemucs", description="a demucs model or bag of models, by name")
    folder: str = Field(default="", description="where the model lies, a folder you trust: its files are pickles")
    fetch: bool = Field(default=False, description="let demucs fetch a model of its own that is not here yet")
    stems: Literal["two", "all"] = Field(default="two", description="instrumental and vocals, or all that the model knows")
    keep: list[str] = Field(default=["instrumental"], description="which stems go on; [] for all")
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:1 …")
    segment: float | None = Field(default=None, gt=0, description="seconds that the model hears at once; its own if empty")
    overlap: float = Field(default=0.25, ge=0, le=0.9, description="of a segment with the next")
    batch: int = Field(default=1, ge=1, description="segments at once")
    shifts: int = Field(default=0, ge=0, le=100, description="times it is heard again, shifted a little, for the mean of all")


def _load(settings: Separate) -> Separator | None:
    if settings.method == "none":
        return None
    from motet.audio import separating

    return separating.load(
        settings.model,
        Path(settings.folder).expanduser() if settings.folder else None,
        device=settings.device,
        segment=settings.segment,
        overlap=settings.overlap,
        batch=settings.batch,
        shifts=settings.shifts,
        fetch=settings.fetch,
    )


def _needs(settings: Separate) -> Needs:
    return Needs(gpus=int(settings.method == "demucs" and settings.device == "cuda"))


def _at_work(settings: Separate) -> Separator | None:
    """A worker has one core, and torch would take them all: slower by far, where each of several does."""
    loaded = _load(settings)
    if loaded is not None:
        import torch

        torch.set_num_threads(1)
    return loaded


def _contents(settings: Separate) -> Mapping[str, str]:
    """A model that is missing, or cannot do what is asked, is told before the work begins."""
    loaded = _load(settings)
    return {"model": loaded.card.digest, **versions(["demucs", "torch"])} if loaded else {}


@stage(
    version=1,
    uses=["content", "seconds", "rate", "channels", "layout", "files.sha256", "files.size"],
    timeout=24 * 3600,
    libraries=["av", "numpy", "soxr"],
    contents=_contents,
    setup=_at_work,
    needs=_needs,
)
def separate(song: Recording, file: File, settings: Separate, tools: Tools) -> Iterator[Separated] | Drop:
    try:
        if tools.equipment is None:
            return iter([_whole(song, file)])
        return iter(_apart(song, file, settings, tools))
    except Unusable as error:
        return Drop(error.reason, error.detail)


def _whole(song: Recording, file: File) -> Separated:
    from motet.audio.channels import downmix
    from motet.audio.decoding import open_recording

    with open_recording(source_of(file)) as recording:
        listener = _Listener(recording.rate)
        for block in recording.blocks():
            listener.add(downmix(block, recording.layout, 1))
        return Separated(
            stem="mix",
            audio=None,
            rate=recording.rate,
            channels=recording.channels,
            layout=recording.layout,
            frames=listener.frames,
            method="none",
            model="",
            model_digest="",
            model_licence="",
            voice=listener.voice(),
            gain_db=0.0,
            residual_db=None,
            remarks=[],
        )


def _apart(song: Recording, file: File, settings: Separate, tools: Tools) -> list[Separated]:
    import numpy as np
    import soundfile

    from motet.audio.channels import downmix
    from motet.audio.decoding import open_recording

    separator: Separator = tools.equipment
    channels: Literal[1, 2] = 1 if song.channels == 1 else 2
    gain = np.float32(10 ** (_ROOM_DB / 20))
    with open_recording(source_of(file)) as recording, ExitStack() as stack:
        mixed = (downmix(block, recording.layout, channels) for block in recording.blocks())
        stems = separator.separate(mixed, recording.rate, channels, stems=settings.stems)
        names = [name for name in stems.names if not settings.keep or name in settings.keep]
        if not names:
            raise Unusable("no_stem", f"the model gives {', '.join(stems.names)}, and separate.keep names none of them")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=tools.cache)))
        written = {
            name: stack.enter_context(
                soundfile.SoundFile(folder / f"{name}.flac", "w", recording.rate, channels, format="FLAC", subtype="PCM_24")
            )
            for name in names
        }
        listeners = {name: _Listener(recording.rate) for name in names}
        for pieces in stems:
            for name in names:
                written[name].write(np.clip(pieces[name] * gain, -1, 1))
                listeners[name].add(downmix(pieces[name], "", 1))
        for one in written.values():
            one.close()
        return [
            Separated(
                stem=name,
                audio=tools.media.adopt(folder / f"{name}.flac", ".flac"),
                rate=recording.rate,
                channels=channels,
                layout="mono" if channels == 1 else "stereo",
                frames=listeners[name].frames,
                method="demucs",
                model=separator.card.name,
                model_digest=separator.card.digest,
                model_licence=separator.card.licence,
                voice=listeners[name].voice(),
                gain_db=-_ROOM_DB,
                residual_db=_finite(stems),
                remarks=[*stems.fallbacks, *([stems.instrumental] if stems.instrumental else [])],
            )
            for name in names
        ]


def _finite(stems: Separation) -> float | None:
    import math

    return round(stems.residual_db, 2) if math.isfinite(stems.residual_db) else None


class _Listener:
    """Listens for voices in parts of a recording, so that an hour takes no more memory than a minute."""

    MINUTES = 10

    def __init__(self, rate: int) -> None:
        self.frames = 0
        self._rate = rate
        self._held: list[Any] = []
        self._holds = 0
        self._heard: list[tuple[int, float]] = []  # frames and score of each part

    def add(self, mono: Any) -> None:
        self.frames += len(mono)
        self._held.append(mono[:, 0])
        self._holds += len(mono)
        if self._holds >= self.MINUTES * 60 * self._rate:
            self._listen()

    def voice(self) -> float:
        if self._held:
            self._listen()
        frames = sum(count for count, _ in self._heard)
        return round(sum(count * score for count, score in self._heard) / frames, 4) if frames else 0.0

    def _listen(self) -> None:
        import numpy as np

        from motet.audio.voice import voice_activity

        part = np.concatenate(self._held)
        self._heard.append((len(part), voice_activity(part, self._rate).score))
        self._held, self._holds = [], 0
