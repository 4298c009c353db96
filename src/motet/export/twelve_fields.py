"""A training set as one list of clips with twelve fields each, as a home-made pipeline for MusicGen keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from motet.errors import UserError
from motet.export.audiocraft import OPTIONS, Clip, heard, key_name, manifests_last, one_line, one_lines, sounding, tempo
from motet.export.example import Choice, Examples, Fault, Written
from motet.export.naming import file_name
from motet.export.publishing import published

LIST = "training_metadata.json"
AUDIO = "audio"
FIELDS = (
    "title", "artist", "duration", "self_wav", "genre", "bpm", "key", "scale", "mood", "keywords", "instruments", "prompt",
)  # fmt: skip


def write(examples: Examples, folder: Path, choice: Choice) -> Written:
    """Write every example that has a sound; option `root` is a folder or an address that `self_wav` begins with."""
    choice.check_options(*OPTIONS)
    samples, read = sounding(examples, choice)
    return Written(*write_clips(samples, folder, read=read, root=choice.options.get("root", "")))


def check(folder: Path) -> list[Fault]:
    """A list of twelve fields each, and every clip as long as it says; paths below a `root` are not looked for."""
    try:
        told = json.loads((folder / LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        return [Fault("no_list", LIST, f"{LIST} cannot be read: {problem}")]
    found = []
    for number, fields in enumerate(told if isinstance(told, list) else [None]):
        where = f"{LIST}, clip {number + 1}"
        if not isinstance(fields, dict) or tuple(fields) != FIELDS:
            found.append(Fault("not_twelve", where, f"it has not the fields {', '.join(FIELDS)}"))
            continue
        path = folder / str(fields["self_wav"])
        if not path.is_file():
            inside = str(fields["self_wav"]).startswith(f"{AUDIO}/")
            found.append(Fault("no_clip", where, f"{fields['self_wav']} is not there", fatal=inside))
            continue
        try:
            seconds = heard(path.name, path.read_bytes()).seconds
        except UserError as error:
            found.append(Fault("bad_clip", where, str(error)))
            continue
        if abs(seconds - float(fields["duration"])) > 1e-3:
            found.append(Fault("other_length", where, f"it says {fields['duration']} s and lasts {seconds:.3f} s"))
    return found


def write_clips(
    samples: Iterable[Clip], folder: Path, *, read: Callable[[str], bytes], root: str = ""
) -> tuple[list[str], list[str]]:
    """Write `training_metadata.json` and the clips in `audio/`; return the names of the files, and remarks.

    `self_wav` is a clip's path below the folder, or below `root` (a folder, or "s3://bucket/prefix") where that is given.
    Raises UserError as `motet.export.audiocraft.write`.
    """
    told, unknown = [], dict.fromkeys(FIELDS, 0)
    with published(folder, manifests_last) as pending:
        for clip in samples:
            data = read(clip.audio)
            sound = heard(clip.audio, data)
            path = f"{AUDIO}/{file_name(clip.id)}.{sound.suffix}"
            pending.write(path, data)
            fields = twelve(clip, sound.seconds, f"{root.rstrip('/')}/{path}" if root else path)
            told.append(fields)
            for name, value in fields.items():
                unknown[name] += value in ("", None, [])
        pending.write(LIST, (json.dumps(told, ensure_ascii=True, indent=4, allow_nan=False) + "\n").encode())
    remarks = [f"{name} is not known of {number:,} of {len(told):,} clips." for name, number in unknown.items() if number]
    return pending.names, remarks


def twelve(clip: Clip, seconds: float, path: str) -> dict[str, Any]:
    """The fields of a clip in their order.

    `duration` is seconds as text and `key` a tonic without its mode, which is in `scale`. `bpm` is null where it is not
    known, as nothing plays at 0 BPM; texts and lists are empty.
    """
    tonic, _, mode = key_name(clip.key).partition(" ")
    return {
        "title": one_line(clip.title),
        "artist": one_line(clip.artist),
        "duration": f"{seconds:.6f}".rstrip("0").rstrip("."),
        "self_wav": path,
        "genre": one_line(clip.genre),
        "bpm": tempo(clip.bpm),
        "key": tonic,
        "scale": mode,
        "mood": one_lines(clip.moods),
        "keywords": one_lines(clip.keywords),
        "instruments": one_lines(clip.instruments),
        "prompt": one_line(clip.description),
    }
