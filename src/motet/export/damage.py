"""Whether the files of an export are what its list tells of them, and whether they can be heard, read and seen at all."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motet.export.example import FACTS, SPLITS, Fault

__all__ = [
    "LARGEST_JSON",
    "SILENT",
    "Damaged",
    "Heard",
    "Leaks",
    "files_told",
    "heard",
    "judge",
    "judge_row",
    "parsed",
    "read_json",
    "shown",
]

LARGEST_JSON = 64_000_000  # bytes
SILENT = 1e-3  # the highest sample of a sound that holds nothing, -60 dBFS
_SHOWN = 80
_SOUNDS = ("flac", "wav", "ogg", "opus", "mp3")
_KINDS: dict[type, tuple[type, ...]] = {float: (int, float), int: (int,), str: (str,), list: (list,)}


class Damaged(Exception):
    """A file cannot be read; the sentence says why."""


@dataclass(frozen=True)
class Heard:
    """What a sound file holds: Hz, channels, frames of each, and its highest sample at full scale 1.0."""

    rate: int
    channels: int
    frames: int
    peak: float


def heard(data: bytes) -> Heard:
    """All of a sound file, decoded. Raises Damaged."""
    import numpy as np
    import soundfile

    from motet.render.encoding import pieces
    from motet.render.errors import RenderError

    frames, peak = 0, 0.0
    try:
        for piece in pieces(data):
            frames += len(piece)
            top = float(np.abs(piece.astype(np.float32)).max()) / (32768 if piece.dtype == np.int16 else 1)
            if not np.isfinite(top):
                raise Damaged("it holds samples that are no numbers")
            peak = max(peak, top)
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate, channels = int(file.samplerate), int(file.channels)
    except (RenderError, soundfile.SoundFileError) as error:
        raise Damaged(str(getattr(error, "detail", error))) from None
    if not frames:
        raise Damaged("it holds no sound")
    return Heard(rate, channels, frames, peak)


def readable(suffix: str, data: bytes) -> Heard | None:
    """Reads a file to its end, as what its suffix says; what is heard of a sound. Raises Damaged."""
    if suffix in _SOUNDS:
        return heard(data)
    if suffix == "mid":
        from motet import midi

        try:
            midi.read(data)
        except midi.Unreadable as error:
            raise Damaged(error.detail) from None
    if suffix == "mp4":
        import av

        try:
            with av.open(io.BytesIO(data), "r") as container:
                if not container.streams.video:
                    raise Damaged("it holds no picture")
                if not sum(bool(packet.size) for packet in container.demux(container.streams.video[0])):
                    raise Damaged("it holds no picture")
        except (av.error.FFmpegError, ValueError, LookupError) as error:
            raise Damaged(f"this is no film that can be read: {error}") from None
    return None


def judge(path: str, what: str, told: Mapping[str, Any], data: bytes) -> Iterator[tuple[str, str]]:
    """Rules that a file breaks, and a sentence for each. `told` are the columns of the list that are about it."""
    for column, there in ((f"{what}_bytes", len(data)), (f"{what}_sha256", hashlib.sha256(data).hexdigest())):
        if told.get(column) != there:
            yield "wrong_bytes", f"its {column.removeprefix(what + '_')} are {there}, and told as {shown(told.get(column))}"
            break
    try:
        sound = readable(path.rpartition(".")[2].lower(), data)
    except Damaged as error:
        yield "damaged", str(error)
        return
    if sound and sound.peak < SILENT and "song" in told:
        yield "silent", "it holds nothing above -60 dBFS"
    if sound:
        for name in ("rate", "channels", "frames"):
            if told.get(f"audio_{name}") != getattr(sound, name):
                yield "wrong_length", f"it holds {getattr(sound, name)} {name}, and {shown(told.get(f'audio_{name}'))} are told"


def files_told(row: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The path, the kind (audio | midi | video) and the columns of every file that a row tells of."""
    stems = row.get("stems")
    for part in (row, *(stem for stem in (stems if isinstance(stems, list) else []) if isinstance(stem, dict))):
        for what in ("audio", "midi", "video"):
            if isinstance(path := part.get(what), str):
                yield path, what, part


def judge_row(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Rules that a row of a list breaks, and a sentence for each."""
    for column in ("id", "song", "split", "source"):
        if not isinstance(row.get(column), str) or not row[column]:
            yield "bad_column", f"{column} is {shown(row.get(column))}"
    if isinstance(row.get("split"), str) and row["split"] not in SPLITS:
        yield "bad_column", f"split is {shown(row['split'])}: it is one of {', '.join(SPLITS)}"
    if not isinstance(seconds := row.get("seconds"), int | float) or not 0 < seconds < 1e9:
        yield "bad_column", f"seconds are {shown(row.get('seconds'))}"
    for column in ("captions", "caption_forms", "licences", "stems"):
        kind = dict if column in ("licences", "stems") else str
        if column in row and not (isinstance(row[column], list) and all(isinstance(one, kind) for one in row[column])):
            yield "bad_column", f"{column} is no list of {'objects' if kind is dict else 'texts'}"
    for column, fact in FACTS.items():
        if column not in row:
            yield "no_column", f"there is no column {column}"
        elif not isinstance(row[column], _KINDS[fact]) and (fact is list or row[column] is not None):
            yield "bad_column", f"{column} is {shown(row[column])}"
    for column in ("audio", "midi", "video"):
        if row.get(column) is not None and not isinstance(row[column], str):
            yield "bad_column", f"{column} is {shown(row[column])}"


def parsed(data: bytes) -> dict[str, Any] | str:
    """A JSON object, or what is wrong with it."""
    try:
        row = json.loads(data.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        return f"it is no JSON ({str(error)[:_SHOWN]})"
    return row if isinstance(row, dict) else "it is no JSON object"


def read_json(path: Path) -> dict[str, Any] | str:
    """The JSON object in a file, or what is wrong with it."""
    try:
        if not path.is_file():
            return "it is not there"
        if (size := path.stat().st_size) > LARGEST_JSON:
            return f"it has {size:,} bytes, too many to be read"
        return parsed(path.read_bytes())
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


class Leaks:
    """That no song is in two splits, and no example there twice."""

    def __init__(self) -> None:
        self._songs: dict[str, str] = {}
        self._ids: set[str] = set()

    def see(self, row: Mapping[str, Any], split: str, where: str) -> Iterator[Fault]:
        if isinstance(song := row.get("song"), str):
            other = self._songs.setdefault(song, split)
            if other != split:
                yield Fault("leak", where, f"{where}: its song {shown(song)} is in {other} too.")
        if isinstance(id := row.get("id"), str):
            if id in self._ids:
                yield Fault("twice", where, f"{where}: the example {shown(id)} is there twice.")
            self._ids.add(id)


def shown(value: Any) -> str:
    """A value in a sentence: short, and in ASCII, whatever it is."""
    told = ascii(value)
    return told if len(told) <= _SHOWN else told[: _SHOWN - 1] + "…"
