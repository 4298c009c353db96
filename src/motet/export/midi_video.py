"""Films of MIDI songs as a Hugging Face VideoFolder: a folder for each split with its films and what they were made from.

What is written follows the loader's own source, huggingface/datasets, `packaged_modules/folder_based_builder` and
`data_files.py`: a split's list is `metadata.jsonl` beside its films, one format in a split, with columns of one type in all.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from motet.errors import UserError
from motet.export.audiocraft import one_line
from motet.export.example import SPLITS
from motet.export.midi_video_card import card
from motet.export.naming import file_name
from motet.export.publishing import published
from motet.wording import several

VIDEOS, LIST, TABLE, CARD = "videos", "metadata.jsonl", "metadata.csv", "README.md"
FIGURES = ("precision", "recall", "f1", "f1_all", "error_ms", "error_ms_worst", "audio_f1", "av_align", "beat_alignment")
COLUMNS = (
    "file_name", "midi", "sound", "manifest", "id", "song", "title", "artist", "prompt", "theme", "mood", "mapping", "key",
    "tempo", "metre", "fps", "frames", "width", "height", "seconds", "start", "end", "first_bar", "bars", "events", "notes",
    "planned", "judged", "take", "seed", "renderer", "model", "model_licence", "sounds", "licences", *FIGURES,
)  # fmt: skip


@dataclass(frozen=True)
class Film:
    """A finished film and what is known of it: "" and None for what is not.

    `video` (MP4), `sound` (MP3), `midi` and `manifest` (a Parseq document) are what `read` gives the bytes of a file for.
    `split` is one of SPLITS. `start` and `end` are seconds of the song, `sounds` and their `licences` belong together item by
    item. Of `planned` frames, `judged` stand apart. Precision to `beat_alignment` are what was measured from the finished file;
    `faults` what was found wrong with it.
    """

    id: str
    split: str
    video: str
    sound: str
    midi: str
    manifest: str
    song: str
    fps: str
    frames: int
    width: int
    height: int
    seconds: float
    start: float
    end: float
    first_bar: int
    bars: int
    events: int
    notes: int
    mapping: str
    theme: str
    mood: str
    tempo: float
    metre: str
    renderer: str
    planned: int = 0
    judged: int = 0
    prompt: str = ""
    key: str | None = None
    title: str = ""
    artist: str = ""
    take: int = 0
    seed: int = 0
    model: str = ""
    model_licence: str = ""
    sounds: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    f1_all: float | None = None
    error_ms: float | None = None
    error_ms_worst: float | None = None
    audio_f1: float | None = None
    av_align: float | None = None
    beat_alignment: float | None = None
    faults: tuple[str, ...] = ()


def write(
    films: Iterable[Film],
    folder: Path,
    *,
    read: Callable[[str], bytes],
    title: str = "Films of MIDI songs",
) -> tuple[list[str], list[str]]:
    """Write `videos/<split>/<name>` as .mp4, .mid, .mp3 and .parseq.json, lists and a card; return their names and remarks.

    Films with faults are left out and counted. Equal films in equal order give equal bytes. Everything is written aside and
    then named; what a run that was stopped had written, and what lies there already from an earlier export, is not written
    again. Raises UserError for splits the loader does not know, no film at all, a file that is none, and a folder that cannot
    be written to.
    """
    faulty: Counter[str] = Counter()
    sound = _sound(films, faulty)
    first = next(sound, None)
    if first is None:
        raise UserError(f"There is no film to export{_said(faulty)}: build the dataset, or ask for others.", 1)
    told: list[tuple[str, dict[str, Any]]] = []
    sizes: Counter[str] = Counter()
    with published(folder, _turn) as pending:
        for film in chain((first,), sound):
            if film.split not in SPLITS:
                raise UserError(f"A VideoFolder knows no split {film.split!r}; there are: {', '.join(SPLITS)}.")
            split, name = film.split, file_name(film.id)
            files = {
                "file_name": (f"{name}.mp4", film.video),
                "midi": (f"{name}.mid", film.midi),
                "sound": (f"{name}.mp3", film.sound),
                "manifest": (f"{name}.parseq.json", film.manifest),
            }
            for kind, (file, reference) in files.items():
                data = read(reference)
                _check(kind, reference, data)
                pending.write(f"{VIDEOS}/{split}/{file}", data)
                sizes[split] += len(data)
            told.append((split, record(film, {kind: file for kind, (file, _) in files.items()})))
        present: list[str] = [split for split in SPLITS if sizes[split]]
        of_split: dict[str, list[dict[str, Any]]] = {split: [one for where, one in told if where == split] for split in present}
        known = [column for column in COLUMNS if all(any(one[column] is not None for one in ones) for ones in of_split.values())]
        for place, ones in of_split.items():
            pending.write(f"{VIDEOS}/{place}/{LIST}", _lines({name: one[name] for name in known} for one in ones))
        whole = [_from_above(split, one) for split, one in told]
        pending.write(LIST, _lines(whole))
        pending.write(TABLE, _table(whole))
        pending.write(CARD, card(title, of_split, sizes).encode())
    remarks = [f"{several(number, 'film')} left out: {what}." for what, number in faulty.most_common()]
    remarks += [f"No film is in {split}." for split in SPLITS if split not in present]
    if dropped := ", ".join(column for column in COLUMNS if column not in known):
        remarks.append(f"{dropped}: known of no film of some split, and left out of the lists of splits, which must be alike.")
    return pending.names, remarks


def _sound(films: Iterable[Film], faulty: Counter[str]) -> Iterator[Film]:
    for film in films:
        if film.faults:
            faulty[film.faults[0]] += 1
        else:
            yield film


def _said(faulty: Counter[str]) -> str:
    return f" ({', '.join(f'{what} {number:,}' for what, number in faulty.most_common())})" if faulty else ""


_BEGINS = {"midi": (b"MThd",), "sound": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa"), "manifest": (b"{",)}


def _check(kind: str, reference: str, data: bytes) -> None:
    fits = data[4:8] == b"ftyp" if kind == "file_name" else data.startswith(_BEGINS[kind])
    if not fits:
        what = {"file_name": "MP4 film", "midi": "MIDI file", "sound": "MP3 file", "manifest": "Parseq document"}[kind]
        raise UserError(f"{reference} is no {what}: build the dataset again.", 1)


def record(film: Film, files: Mapping[str, str]) -> dict[str, Any]:
    """A film's line in the lists, in the order of COLUMNS: one line of text, a whole number or a number in each, or None.

    Only figures of sync are ever None: the loader guesses a column's type from its values, and a text is "" instead.
    """
    told: dict[str, Any] = dict(files)
    for name in COLUMNS:
        if name in files:
            continue
        value = getattr(film, name)
        if name in FIGURES:
            told[name] = float(value) if value is not None and math.isfinite(value) else None
        elif name in ("seconds", "start", "end", "tempo"):
            told[name] = round(float(value), 6)
        elif isinstance(value, int):
            told[name] = int(value)
        else:
            told[name] = one_line("; ".join(value) if isinstance(value, tuple) else value or "")
    return {name: told[name] for name in COLUMNS}


def _from_above(split: str, told: Mapping[str, Any]) -> dict[str, Any]:
    below = {name: f"{VIDEOS}/{split}/{told[name]}" for name in ("file_name", "midi", "sound", "manifest")}
    return {**told, **below, "split": split}


def _lines(records: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(json.dumps(one, allow_nan=False).encode("ascii") + b"\n" for one in records)


def _table(records: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*COLUMNS, "split"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


def _turn(name: str) -> tuple[bool, bool, str]:
    return name == CARD, name.endswith((LIST, TABLE)), name
