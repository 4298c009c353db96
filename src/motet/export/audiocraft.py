"""Clips as audiocraft (MusicGen) trains on them: a manifest for each split, and beside each clip a sidecar with its facts.

What is written follows the loader's own source, facebookresearch/audiocraft, `audiocraft/data/music_dataset.py`,
`audio_dataset.py` and `zip.py`: `motet.export.loader_rules` checks it.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from motet.errors import UserError
from motet.export.example import Choice, Example, Examples, Fault, Split, Written
from motet.export.naming import file_name
from motet.export.publishing import published
from motet.export.sound import encoded
from motet.text import words
from motet.wording import several

OPTIONS = ("root",)
RATE, CHANNELS = 32_000, 1  # what MusicGen is trained on: of clips that are cut now
CALLED: dict[Split, str] = {"train": "train", "validation": "valid", "test": "evaluate"}
KNOWN_SPLITS = ("train", "valid", "evaluate", "generate")  # the loader fails on any other
MANIFEST = "data.jsonl.gz"
DATASOURCE = "datasource.yaml"
FIELDS = (
    "title", "artist", "key", "bpm", "genre", "moods", "keywords", "description", "name", "instrument",
    "duration", "sample_rate", "file_extension",
)  # fmt: skip

_KEY = re.compile(r"([A-Ga-g])[\s-]*(#|♯|sharp|b|♭|flat)?[\s:_-]*(major|maj|minor|min|m)?", re.IGNORECASE)
_MODES = {"major": "major", "maj": "major", "": "major", "minor": "minor", "min": "minor", "m": "minor"}
_KINDS = ((b"fLaC", "flac"), (b"RIFF", "wav"))  # what a file begins with; the loader reads both to the sample
_SIDECAR_BYTES = 1_000_000


@dataclass(frozen=True)
class Clip:
    """A chunk of a recording and what is known of it: "" , None and () for what is not.

    `audio` is what `read` gives the bytes of a FLAC or WAV file for, `split` one of KNOWN_SPLITS. `more` goes into the sidecar
    as it is; the loader leaves it alone.
    """

    id: str
    audio: str
    split: str
    title: str = ""
    artist: str = ""
    key: str = ""  # "Eb major", "E flat major", "F#m"
    bpm: float | None = None
    genre: str = ""
    moods: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    description: str = ""
    weight: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sound:
    """What a clip's file holds: frames per channel, Hz, the highest sample at full scale 1.0, and its suffix."""

    frames: int
    rate: int
    channels: int
    amplitude: float
    suffix: str

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


def write(examples: Examples, folder: Path, choice: Choice) -> Written:
    """Write every example that has a sound as a clip; option `root` is what the paths in the manifests begin with."""
    choice.check_options(*OPTIONS)
    samples, read = sounding(examples, choice)
    return Written(*write_clips(samples, folder, read=read, root=choice.options.get("root", "")))


def check(folder: Path) -> list[Fault]:
    """What the loader would stumble over (`motet.export.loader_rules`)."""
    from motet.export import loader_rules

    return loader_rules.check(folder)


def sounding(examples: Examples, choice: Choice) -> tuple[Iterator[Clip], Callable[[str], bytes]]:
    """Clips of all examples that have a sound, and what gives the audio of the last one."""
    held: dict[str, bytes] = {}

    def clips() -> Iterator[Clip]:
        none = True
        for example in examples():
            if example.mix is None:
                continue
            none = False
            form = choice.audio if choice.audio in ("flac", "wav") else "flac"
            rate, channels = (None, None) if example.mix.stored else (RATE, CHANNELS)
            held.clear()
            held[example.id] = encoded(example.mix, choice, form, rate, channels).data
            yield clip(example, choice)
        if none:
            raise UserError("There is no clip with a sound to export: ask for others.", 1)

    return clips(), lambda id: held[id]


def clip(example: Example, choice: Choice) -> Clip:
    """The trainer cannot know how sure a fact is, so only what a caption may tell goes there."""
    facts: dict[str, Any] = {"genres": [], "moods": [], "tags": [], "instruments": [], **example.facts}
    texts = choice.texts(example)
    return Clip(
        id=example.id,
        audio=example.id,
        split=CALLED[example.split],
        title=example.title,
        artist=example.artist,
        key=facts["key"] if facts.get("key") and (facts.get("key_confidence") or 0) >= words.SURE else "",
        bpm=facts.get("tempo") if (facts.get("tempo_confidence") or 0) >= words.SURE_TEMPO else None,
        genre=facts["genres"][0] if facts["genres"] else "",
        moods=tuple(facts["moods"]),
        keywords=tuple(facts["tags"]),
        instruments=tuple(facts["instruments"]),
        description=texts[0] if texts else "",
        more={
            "source": example.path,
            "start": example.start,
            "end": example.end,
            "licences": [{"what": one.what, "name": one.name, "licence": one.licence} for one in example.licences],
            "heard_key": facts.get("key"),
            "heard_key_confidence": facts.get("key_confidence"),
            "heard_bpm": facts.get("tempo"),
            "heard_bpm_confidence": facts.get("tempo_confidence"),
        },
    )


def write_clips(
    samples: Iterable[Clip],
    folder: Path,
    *,
    read: Callable[[str], bytes],
    root: str = "",
) -> tuple[list[str], list[str]]:
    """Write `<split>/data.jsonl.gz`, `<split>/<name>.flac` and `<split>/<name>.json`; return their names and remarks.

    The loader takes a manifest's paths as they are, from the folder that training was started in: they begin with `root`,
    which "" leaves at `folder` itself. Equal clips in equal order give equal bytes. Everything is written aside and then named.
    Raises UserError for a split the loader does not know, a clip that is no sound, two of one id, and a folder that cannot be
    written to.
    """
    remarks: list[str] = []
    seen: set[str] = set()
    lacking: Counter[str] = Counter()
    widest, fastest = 1, 1
    lines: dict[str, list[bytes]] = {}
    with published(folder, manifests_last) as pending:
        for clip in samples:
            if clip.split not in KNOWN_SPLITS:
                raise UserError(f"audiocraft knows no split {clip.split!r}; there are: {', '.join(KNOWN_SPLITS)}.")
            split, name = clip.split, file_name(clip.id)
            if name in seen:
                raise UserError(f"Two clips have the id {clip.id}: build the dataset again.", 1)
            seen.add(name)
            data = read(clip.audio)
            sound = heard(clip.audio, data)
            path = f"{split}/{name}.{sound.suffix}"
            pending.write(path, data)
            pending.write(f"{split}/{name}.json", sidecar(clip, name, sound))
            lines.setdefault(split, []).append(_line(f"{root.rstrip('/')}/{path}" if root else path, sound, clip.weight))
            lacking["without a description: trained on without one"] += not clip.description.strip()
            widest, fastest = max(widest, sound.channels), max(fastest, sound.rate)
        for split, told in lines.items():
            pending.write(f"{split}/{MANIFEST}", _packed(b"".join(told)))
        if lines:
            pending.write(DATASOURCE, _datasource(lines, root, fastest, widest))
    remarks += [f"{several(number, 'clip')} {what}." for what, number in lacking.items() if number]
    remarks += [
        f"No clip is in {split}: the loader cannot read a split without any."
        for split in ("train", "valid", "evaluate")
        if split not in lines
    ]
    if not root:
        remarks.append(f"Paths in the manifests are below {folder}: start the training there, or give the export its root.")
    return pending.names, remarks


def heard(name: str, data: bytes) -> Sound:
    """What the bytes of a FLAC or WAV file hold; raises UserError, naming it, for anything else and for no sound at all."""
    import numpy as np
    import soundfile

    from motet.render.encoding import pieces
    from motet.render.errors import RenderError

    suffix = next((suffix for magic, suffix in _KINDS if data.startswith(magic)), "")
    try:
        if not suffix:
            raise RenderError("unreadable", "it is neither FLAC nor WAV")
        frames, peak = 0, 0.0
        for piece in pieces(data):
            frames += len(piece)
            peak = max(peak, float(np.abs(piece.astype(np.float32)).max()) / (32768 if piece.dtype == np.int16 else 1))
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate, channels = int(file.samplerate), int(file.channels)
    except RenderError as error:
        raise UserError(f"{name} is no clip that audiocraft reads ({error.detail}): build the dataset again.", 1) from None
    if not frames or not math.isfinite(peak):
        raise UserError(f"{name} holds no sound: build the dataset again.", 1)
    return Sound(frames, rate, channels, round(peak, 6), suffix)


def sidecar(clip: Clip, name: str, sound: Sound) -> bytes:
    """The JSON beside a clip, in ASCII: the loader opens it in whatever encoding its machine has.

    All fields the loader requires are there. What is not known is "", [] or, for bpm, null: the loader makes None of each.
    Raises ValueError where `more` has a field of the loader's, or JSON cannot hold it.
    """
    if taken := set(FIELDS) & set(clip.more):
        msg = f"the loader has fields of its own called {', '.join(sorted(taken))}"
        raise ValueError(msg)
    told = {
        "title": one_line(clip.title),
        "artist": one_line(clip.artist),
        "key": key_name(clip.key),
        "bpm": tempo(clip.bpm),
        "genre": one_line(clip.genre),
        "moods": one_lines(clip.moods),
        "keywords": one_lines(clip.keywords),
        "description": one_line(clip.description),
        "name": name,
        "instrument": ", ".join(one_lines(clip.instruments)),
        "duration": round(sound.seconds, 6),
        "sample_rate": sound.rate,
        "file_extension": sound.suffix,
        **clip.more,
    }
    data = (json.dumps(told, indent=1, allow_nan=False) + "\n").encode("ascii")
    if len(data) > _SIDECAR_BYTES:
        msg = f"the facts of {clip.id} take {len(data):,} bytes"
        raise ValueError(msg)
    return data


def key_name(key: str) -> str:
    """ "E flat major", "Eb:maj", "ebm" → "Eb major", "Eb major", "Eb minor"; "" for none, several, or none that can be read."""
    found = _KEY.fullmatch(key.strip())
    if not found:
        return ""
    letter, accidental, mode = found[1], (found[2] or "").casefold(), found[3] or ""
    sign = {"#": "#", "♯": "#", "sharp": "#", "b": "b", "♭": "b", "flat": "b"}.get(accidental, "")
    return f"{letter.upper()}{sign} {'major' if mode == 'M' else _MODES[mode.casefold()]}"


def tempo(bpm: float | None) -> float | None:
    """Beats per minute to a tenth; None for what is no tempo."""
    return round(bpm, 1) if bpm is not None and math.isfinite(bpm) and bpm > 0 else None


def one_line(text: str) -> str:
    """One line, stripped, without what no text encoder takes: halves of surrogate pairs and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def one_lines(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in map(one_line, texts) if text))


def _line(path: str, sound: Sound, weight: float | None) -> bytes:
    # `info_path` names a file inside a zip, "archive:file", and the loader fails on anything else: a sidecar is found by name.
    told = {
        "path": path,
        "duration": round(sound.seconds, 6),
        "sample_rate": sound.rate,
        "amplitude": sound.amplitude,
        "weight": weight,
        "info_path": None,
    }
    return json.dumps(told, allow_nan=False).encode() + b"\n"


def _datasource(splits: Iterable[str], root: str, rate: int, channels: int) -> bytes:
    """The configuration that points audiocraft at the manifests, for its folder config/dset/audio."""
    at = f"{root.rstrip('/')}/" if root else ""
    present = set(splits)
    lines = [f"  {split}: {json.dumps(at + split) if split in present else 'null'}" for split in KNOWN_SPLITS]
    head = ["# @package __global__", "datasource:", f"  max_sample_rate: {rate}", f"  max_channels: {channels}"]
    return "\n".join([*head, *lines, ""]).encode()


def _packed(data: bytes) -> bytes:
    """A gzip file that tells no time, no name and no system."""
    file = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, file, 0) as stream:
        stream.write(data)
    return file.getvalue()


def manifests_last(name: str) -> tuple[bool, str]:
    """A manifest gets its name when its clips are there."""
    return name.endswith((MANIFEST, DATASOURCE)), name
