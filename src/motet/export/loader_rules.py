"""What audiocraft's loader does with a folder of training data, said before the training starts.

The rules are those of facebookresearch/audiocraft, `audiocraft/data/audio_dataset.py`, `music_dataset.py`, `zip.py` and
`config/solver/musicgen`: 30 s segments of 32 kHz mono, `min_segment_ratio` 0.8, `info_fields_required`. Much of what is wrong
it does not report: a clip without a sidecar trains without a text, a key with a comma is dropped.
"""

from __future__ import annotations

import gzip
import json
import math
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from motet.export.artists import main_artist
from motet.export.audiocraft import KNOWN_SPLITS
from motet.export.example import Fault

RATE, CHANNELS = 32000, 1
SEGMENT, MIN_SEGMENT_RATIO = 30.0, 0.8  # seconds, and the share of them that a clip must have to be read from anywhere
REQUIRED = ("title", "artist", "key", "bpm", "genre", "moods", "description", "name", "instrument")  # all but keywords
TEXTS = ("title", "artist", "key", "genre", "description", "name", "instrument")
SILENT = 1e-3  # the highest sample of a clip that holds nothing, -60 dBFS
NEAR = 0.05  # seconds that a manifest and a file may differ by: lossy formats do
MANIFESTS = ("data.jsonl", "data.jsonl.gz")  # in the order in which the loader looks

_LARGEST = 1 << 30  # bytes of a manifest
_LONGEST_LINE = 1 << 16
_LARGEST_SIDECAR = 1 << 20
_SHOWN = 80


def check(folder: Path, root: str = "") -> list[Fault]:
    """What is wrong in an exported folder: one of splits with a manifest each, or one split's own. Reads every clip.

    `root` is what the paths in the manifests begin with, as it was given to the export. Nothing is raised for what the folder
    holds: a clip or a file that cannot be read is a fault.
    """
    found: list[Fault] = []
    manifests = [split for split in ("", *KNOWN_SPLITS) if any((folder / split / name).is_file() for name in MANIFESTS)]
    if not manifests:
        return [
            _fault("no_manifest", "", f"there is no {' or '.join(MANIFESTS)} in it, nor in a folder {', '.join(KNOWN_SPLITS)}")
        ]
    paths: dict[str, str] = {}
    stems: dict[str, str] = {}
    artists: dict[str, dict[str, str]] = defaultdict(dict)
    for split in manifests:
        there = [name for name in MANIFESTS if (folder / split / name).is_file()]
        name = f"{split}/{there[0]}" if split else there[0]
        if len(there) > 1:
            found.append(_fault("two_manifests", name, f"{there[1]} lies beside it and is never read"))
        number = 0
        try:
            for number, told in _lines(folder / name):
                where = f"{name}:{number}"
                if isinstance(told, str):
                    found.append(_fault("bad_line", where, told))
                    continue
                entry = Entry(folder, root, told)
                found += (_fault(rule, where, said) for rule, judge in RULES.items() if (said := judge(entry)))
                found += _seen_before(entry, where, paths, stems)
                if artist := entry.artist:
                    artists[artist].setdefault(split, where)
        except (OSError, EOFError, zlib.error) as problem:
            found.append(_fault("bad_manifest", name, f"it cannot be read to its end: {problem}"))
        if not number:
            found.append(_fault("empty_manifest", name, "it lists no clip, and the loader fails on a split without any"))
    for artist, where_by_split in artists.items():
        if len(where_by_split) > 1:
            among = ", ".join(split or "." for split in where_by_split)
            last = list(where_by_split.values())[-1]
            found.append(_fault("artist_in_two_splits", last, f"the artist {_shown(artist)} is in {among}"))
    return found


class Entry:
    """A line of a manifest, and the files it means, each read once."""

    def __init__(self, folder: Path, root: str, line: Mapping[str, Any]) -> None:
        self.folder, self.root, self.line = folder, root.rstrip("/"), line

    @property
    def path(self) -> str:
        return str(self.line["path"])

    @property
    def seconds(self) -> float:
        return float(self.line["duration"])

    @cached_property
    def is_absolute(self) -> bool:
        return PurePosixPath(self.path).is_absolute() or PureWindowsPath(self.path).is_absolute()

    @cached_property
    def file(self) -> Path | None:
        """Where the loader finds the clip when training starts where `root` says; None where there is no file."""
        inner = self.path.removeprefix(f"{self.root}/") if self.root else self.path
        file = self.folder / inner
        try:
            return file if file.is_file() else None
        except (OSError, ValueError):  # a name no disk takes
            return None

    @cached_property
    def moved(self) -> bool:
        """Whether it lies in the folder, only not where the manifest says."""
        tail = PurePosixPath(self.path.replace("\\", "/")).parts[-2:]
        try:
            return self.file is None and (self.folder.joinpath(*tail).is_file() or (self.folder / tail[-1]).is_file())
        except (OSError, ValueError):
            return False

    @cached_property
    def sidecar(self) -> Mapping[str, Any] | str | None:
        """What lies beside the clip: its fields, a sentence on why it has none, or None where there is no file."""
        if self.file is None:
            return None
        beside = self.file.with_suffix(".json")
        try:
            if not beside.is_file():
                return None
            if beside.stat().st_size > _LARGEST_SIDECAR:
                return f"it has {beside.stat().st_size:,} bytes"
            told = json.loads(beside.read_bytes())
        except (OSError, ValueError, RecursionError) as problem:
            return f"it is no JSON ({problem})"
        return told if isinstance(told, dict) else "it holds no object"

    @property
    def fields(self) -> Mapping[str, Any]:
        return self.sidecar if isinstance(self.sidecar, Mapping) else {}

    @property
    def artist(self) -> str:
        """The main artist, "" for nobody in particular."""
        told = self.fields.get("artist")
        return main_artist(told) if isinstance(told, str) else ""

    @cached_property
    def sound(self) -> Sound | str | None:
        """What the clip's file holds, a sentence on why it cannot be read, or None where there is no file."""
        return None if self.file is None else _heard(self.file)


@dataclass(frozen=True)
class Sound:
    """`peak` is the highest sample at full scale 1.0."""

    seconds: float
    rate: int
    channels: int
    peak: float


def _heard(file: Path) -> Sound | str:
    import numpy as np

    from motet.audio.decoding import open_recording
    from motet.audio.errors import Unusable

    try:
        with open_recording(file) as recording:
            frames, peak = 0, 0.0
            for block in recording.blocks():
                frames += len(block)
                if len(block):
                    peak = max(peak, float(np.abs(block).max()))
            if recording.fault:
                return recording.fault.detail
            if not frames:
                return "it holds no sound"
            return Sound(frames / recording.rate, recording.rate, recording.channels, peak)
    except Unusable as error:
        return error.detail


# Rules: each says what is wrong with a clip, or nothing.


def file_missing(entry: Entry) -> str:
    return f"there is no file {_shown(entry.path)}" if entry.file is None and not entry.moved else ""


def path_moved(entry: Entry) -> str:
    return f"{_shown(entry.path)} lies elsewhere now: export again with the root it has" if entry.moved else ""


def path_absolute(entry: Entry) -> str:
    return f"{_shown(entry.path)} is found on this machine only" if entry.is_absolute and entry.file else ""


def bad_info_path(entry: Entry) -> str:
    told = entry.line.get("info_path")
    bad = told is not None and not (isinstance(told, str) and told.count(":") == 1)
    return "info_path is not null and not archive:file, on which the loader stops" if bad else ""


def bad_weight(entry: Entry) -> str:
    told = entry.line.get("weight")
    return "" if told is None or (_is_number(told) and told >= 0) else f"weight is {_shown(told)}, no number from 0"


def unreadable(entry: Entry) -> str:
    return f"the clip cannot be read: {entry.sound}" if isinstance(entry.sound, str) else ""


def wrong_duration(entry: Entry) -> str:
    if not isinstance(entry.sound, Sound) or abs(entry.sound.seconds - entry.seconds) <= NEAR:
        return ""
    return f"the manifest says {entry.seconds:.3f} s, the file has {entry.sound.seconds:.3f} s"


def wrong_rate(entry: Entry) -> str:
    if not isinstance(entry.sound, Sound) or entry.sound.rate == entry.line["sample_rate"]:
        return ""
    return f"the manifest says {entry.line['sample_rate']} Hz, the file has {entry.sound.rate} Hz"


def other_rate(entry: Entry) -> str:
    if not isinstance(entry.sound, Sound) or entry.sound.rate == RATE:
        return ""
    return f"{entry.sound.rate:,} Hz is resampled to {RATE:,} Hz each time the clip is read"


def not_mono(entry: Entry) -> str:
    if not isinstance(entry.sound, Sound) or entry.sound.channels == CHANNELS:
        return ""
    return f"{entry.sound.channels} channels are mixed to one each time the clip is read"


def short_clip(entry: Entry) -> str:
    seconds = entry.sound.seconds if isinstance(entry.sound, Sound) else entry.seconds
    least = SEGMENT * MIN_SEGMENT_RATIO
    if seconds >= least - 1e-6:
        return ""
    return f"it lasts {seconds:.1f} s: under {least:g} s it is always read from its start, with silence up to {SEGMENT:g} s"


def silent(entry: Entry) -> str:
    return "nothing is heard in it" if isinstance(entry.sound, Sound) and not entry.sound.peak > SILENT else ""


def no_sidecar(entry: Entry) -> str:
    missing = entry.file is not None and entry.sidecar is None
    return "there is no .json beside the clip: it would train without any text, and nobody would be told" if missing else ""


def sidecar_not_json(entry: Entry) -> str:
    return f"the .json beside the clip cannot be used: {entry.sidecar}" if isinstance(entry.sidecar, str) else ""


def field_missing(entry: Entry) -> str:
    if not isinstance(entry.sidecar, Mapping):
        return ""
    missing = [name for name in REQUIRED if name not in entry.fields]
    return f"the .json lacks {', '.join(missing)}, on which the loader stops" if missing else ""


def field_not_text(entry: Entry) -> str:
    wrong = [name for name in TEXTS if not isinstance(entry.fields.get(name), str | None)]
    return f"{', '.join(wrong)}: no text, so it is dropped" if wrong else ""


def list_not_texts(entry: Entry) -> str:
    wrong = [name for name in ("moods", "keywords") if not _is_words(entry.fields.get(name))]
    return f"{', '.join(wrong)}: neither a list of words nor a text" if wrong else ""


def key_with_comma(entry: Entry) -> str:
    told = entry.fields.get("key")
    return f"the key {_shown(told)} has a comma, so it is dropped" if isinstance(told, str) and "," in told else ""


def bpm_not_a_number(entry: Entry) -> str:
    told = entry.fields.get("bpm")
    if told is None or told == "":
        return ""  # not known
    try:
        number = float(told) if isinstance(told, str | int | float) and not isinstance(told, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    return "" if math.isfinite(number) and number > 0 else f"the bpm {_shown(told)} is no tempo"


def empty_description(entry: Entry) -> str:
    if not isinstance(entry.sidecar, Mapping) or "description" not in entry.fields:
        return ""
    told = entry.fields["description"]
    empty = not isinstance(told, str) or told.strip() in ("", "None")
    return "the description is empty: it trains without one" if empty else ""


RULES: dict[str, Callable[[Entry], str]] = {
    rule.__name__: rule
    for rule in (
        file_missing, path_moved, path_absolute, bad_info_path, bad_weight, unreadable, wrong_duration, wrong_rate, other_rate,
        not_mono, short_clip, silent, no_sidecar, sidecar_not_json, field_missing, field_not_text, list_not_texts, key_with_comma,
        bpm_not_a_number, empty_description,
    )
}  # fmt: skip
ADVICE = frozenset(("path_absolute", "other_rate", "not_mono", "short_clip", "two_manifests"))  # what the loader copes with


def _seen_before(entry: Entry, where: str, paths: dict[str, str], stems: dict[str, str]) -> Iterator[Fault]:
    """Two lines of one file, and two files of one sidecar: by name as disks that fold case have it."""
    path = unicodedata.normalize("NFC", entry.path).casefold()
    stem = str(PurePosixPath(path).with_suffix("")) if PurePosixPath(path).name else path
    if path in paths:
        yield _fault("duplicate_path", where, f"{_shown(entry.path)} is in {paths[path]} already")
    elif stem in stems:
        yield _fault("shared_sidecar", where, f"the clip of {stems[stem]} has the same .json beside it")
    paths.setdefault(path, where)
    stems.setdefault(stem, where)


def _lines(manifest: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """The lines from 1 on: what each says, or a sentence on why the loader would stop there."""
    with gzip.open(manifest) if manifest.suffix == ".gz" else manifest.open("rb") as file:
        taken = 0
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), 1):
            taken += len(line)
            if taken > _LARGEST:
                raise OSError(f"it unpacks to more than {_LARGEST:,} bytes")
            yield number, _line(line)


def _line(line: bytes) -> Mapping[str, Any] | str:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as problem:
        return f"the line is no JSON ({problem})"
    if not isinstance(told, dict):
        return "the line holds no object"
    if not isinstance(told.get("path"), str) or not told["path"] or "\0" in told["path"]:
        return "the line has no path"
    if not (_is_number(told.get("duration")) and told["duration"] > 0):
        return f"the duration is {_shown(told.get('duration'))}, no number above 0"
    rate = told.get("sample_rate")
    if type(rate) is not int or rate <= 0:
        return f"the sample_rate is {_shown(rate)}, no whole number above 0"
    return told


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _is_words(value: object) -> bool:
    if value is None or isinstance(value, str):
        return True
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _shown(value: object) -> str:
    """A value in a sentence, of bounded length and in visible letters."""
    told = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return told if len(told) <= _SHOWN else f"{told[: _SHOWN - 3]}..."


def _fault(rule: str, where: str, sentence: str) -> Fault:
    return Fault(rule, where, f"{sentence}.", rule not in ADVICE)
