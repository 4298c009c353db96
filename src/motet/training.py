"""A dataset as PyTorch reads it: `DataLoader(Training("my-dataset"), batch_size=8)`. PyTorch itself is not needed here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from motet.dataset.folder import Dataset
from motet.errors import UserError
from motet.export.example import Choice, Example, Split, Voice
from motet.exporting.reading import Reading, Wanted

__all__ = ["Training"]


class Training:
    """The examples of one split, by number: a map-style dataset of PyTorch's, for any number of workers.

    An item is a dict with `id`, and of what `include` asks for `audio` (float32, (channels, frames), full scale 1.0), `caption`
    ("" without one), `midi` (bytes, b"" without), `video` (MP4 bytes, b"" without), `stems` (float32, (stems, channels, frames)).
    With `seconds`, `rate` and `channels` all sounds have one shape, cut at the end or filled with silence, so that they stack in
    a batch. `example(number)` gives all that is known of one. Raises UserError for a dataset that has no such examples.
    """

    def __init__(
        self,
        dataset: str | Path | Dataset,
        split: Split = "train",
        *,
        where: str = "",
        include: Iterable[Voice] = ("mix", "captions"),
        seconds: float | None = None,
        rate: int | None = None,
        channels: int | None = None,
        songs: bool = False,
        licence: str = "",
    ) -> None:
        if seconds is not None and not 0 < seconds <= 3600:
            raise UserError(f"Examples of {seconds} s cannot be given: above 0, to an hour.")
        self.choice = Choice(frozenset(include), rate=rate, channels=channels)
        self.seconds = seconds
        self._reading = Reading(
            dataset if isinstance(dataset, Dataset) else Dataset(dataset), Wanted(where, (split,), licence, songs)
        )
        self._rows = self._reading.table()

    def __len__(self) -> int:
        return int(self._rows.num_rows)

    def example(self, number: int) -> Example:
        """Example `number` with all its voices. Raises IndexError past the end."""
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        (row,) = self._rows.slice(number % len(self), 1).to_pylist()
        return self._reading.kind.example(self._reading.dataset, row)

    def __getitem__(self, number: int) -> dict[str, Any]:
        example, wanted = self.example(number), self.choice
        item: dict[str, Any] = {"id": example.id}
        if wanted.has("mix"):
            item["audio"] = self._heard(example.mix)
        if wanted.has("stems"):
            item["stems"] = np.stack([self._heard(stem.sound) for stem in example.stems])
        if wanted.has("captions"):
            item["caption"] = next(iter(example.captions), "")
        if wanted.has("midi"):
            item["midi"] = example.midi() if example.midi else b""
        if wanted.has("video"):
            item["video"] = example.video() if example.video else b""
        return item

    def _heard(self, sound: Any) -> Any:
        from motet.export.sound import heard

        if sound is None:
            raise UserError("An example has no sound: ask for others by where, or leave its voice out of include.")
        samples, rate = heard(sound, self.choice.rate, self.choice.channels)
        if self.seconds is not None:
            frames = round(self.seconds * rate)
            samples = np.pad(samples[:frames], ((0, max(0, frames - len(samples))), (0, 0)))
        return np.ascontiguousarray(samples.T)
