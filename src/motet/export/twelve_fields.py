"""A training set as one list of clips with twelve fields each, as a home-made pipeline for MusicGen keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from motet.export.audiocraft import Clip, file_name, heard, key_name, manifests_last, one_line, one_lines, tempo
from motet.export.publishing import published

LIST = "training_metadata.json"
AUDIO = "audio"
FIELDS = (
    "title", "artist", "duration", "self_wav", "genre", "bpm", "key", "scale", "mood", "keywords", "instruments", "prompt",
)  # fmt: skip


def write(samples: Iterable[Clip], folder: Path, *, read: Callable[[str], bytes], root: str = "") -> tuple[list[str], list[str]]:
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
