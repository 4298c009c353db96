"""What a list tells of an example, in the same columns for every form that keeps lists, and the files it is in."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import groupby, islice
from typing import Any

from motet.export.example import FACTS, SPLITS, VOICES, Choice, Example, Sound, Voice
from motet.export.naming import file_name
from motet.export.sound import encoded
from motet.wording import several

__all__ = [
    "NOTHING", "Media", "Tally", "batches", "by_split", "chosen", "example_name", "features", "identity", "lacking", "media",
    "place", "plain", "told",
]  # fmt: skip

NOTHING = "There is no example to export: build more, or choose other rows."

_LONGEST = 80  # of a name: with the suffix of a stem it still fits the 100 bytes of a tar header
_HALVES = re.compile("[\ud800-\udfff]")
_CALLED = {"mix": "a mix", "stems": "stems", "midi": "MIDI", "video": "a film", "captions": "captions"}


@dataclass(frozen=True)
class Media:
    """A file of an example: of the whole where `stem` is None, else of the stem at that place in `Example.stems`.

    `size` in bytes; `rate` in Hz, `channels` and `frames` of each channel are 0 for what is no sound.
    """

    what: str  # audio | midi | video
    stem: int | None
    suffix: str
    size: int
    sha256: str
    rate: int = 0
    channels: int = 0
    frames: int = 0


def by_split(examples: Iterable[Example]) -> Iterator[tuple[str, Iterator[Example]]]:
    """The examples of one split after those of another, as they come."""
    return groupby(examples, key=lambda example: example.split)


def batches(examples: Iterable[Example], size: int) -> Iterator[list[Example]]:
    every = iter(examples)
    while some := list(islice(every, size)):
        yield some


def example_name(id: str) -> str:
    """`file_name`, unlike that of any other id and short: dots become dashes there, so "a.b" and "a-b" would meet."""
    name = file_name(id)
    short = hashlib.blake2b(id.encode(errors="replace"), digest_size=12).hexdigest()
    if len(name) > _LONGEST:
        return f"example-{short}"
    return f"{name}-{short[:8]}" if "-" in id and not name.startswith("example-") else name


def place(example: Example, media: Media) -> str:
    """Where a file of an example lies."""
    name = example_name(example.id)
    if media.stem is None:
        return f"{media.what}/{example.split}/{name}.{media.suffix}"
    return f"stems/{example.split}/{name}/{media.stem:02d}.{media.suffix}"


def media(example: Example, choice: Choice) -> Iterator[tuple[Media, bytes]]:
    """The files of an example that are chosen and there: the mix, its MIDI and film, then each stem and its MIDI."""
    if choice.has("mix") and example.mix:
        yield _heard(example.mix, choice, None)
    if choice.has("midi") and example.midi:
        yield _plain("midi", None, "mid", example.midi())
    if choice.has("video") and example.video:
        yield _plain("video", None, "mp4", example.video())
    if choice.has("stems"):
        for at, stem in enumerate(example.stems):
            if stem.sound:
                yield _heard(stem.sound, choice, at)
            if choice.has("midi") and stem.midi:
                yield _plain("midi", at, "mid", stem.midi())


def _heard(sound: Sound, choice: Choice, stem: int | None) -> tuple[Media, bytes]:
    made = encoded(sound, choice)
    return Media("audio", stem, made.suffix, len(made.data), _sha(made.data), made.rate, made.channels, made.frames), made.data


def _plain(what: str, stem: int | None, suffix: str, data: bytes) -> tuple[Media, bytes]:
    return Media(what, stem, suffix, len(data), _sha(data)), data


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def chosen(choice: Choice) -> dict[str, Any]:
    """What of a choice shapes the files of an example."""
    return {
        "voices": sorted(choice.voices), "audio": choice.audio, "rate": choice.rate, "channels": choice.channels,
        "captions": choice.captions,
    }  # fmt: skip


def identity(example: Example) -> list[str]:
    """What of an example shapes its files: its content, and what it is called."""
    return [example.key, example.id, example.song, example.path, example.split, example.title, example.artist]


def told(example: Example, choice: Choice, files: Iterable[Media], path: Callable[[Media], str]) -> dict[str, Any]:
    """All that is known of an example, in the same columns for every one. `path` gives the path of a file."""
    by = {(one.what, one.stem): one for one in files}
    seconds = next((one.frames / one.rate for one in by.values() if one.rate and one.stem is None), example.seconds)
    texts = choice.texts(example)
    row: dict[str, Any] = {
        "id": plain(example.id), "song": plain(example.song), "split": example.split, "source": plain(example.path),
        "title": plain(example.title) or None, "artist": plain(example.artist) or None,
        "start": number(example.start), "end": number(example.end), "seconds": number(seconds),
    }  # fmt: skip
    if choice.has("captions"):
        row["captions"] = [plain(text) for text in texts]
        row["caption_forms"] = [plain(form) for form in example.caption_forms[: len(texts)]]
    row |= {name: _fact(example.facts.get(name), kind) for name, kind in FACTS.items()}
    for voice, what in (("mix", "audio"), ("midi", "midi"), ("video", "video")):
        if choice.has(voice):  # type: ignore[arg-type]
            row |= _columns(what, by.get((what, None)), path)
    if choice.has("stems"):
        row["stems"] = [
            {
                "index": stem.index, "name": plain(stem.name), "role": plain(stem.role) or None, "program": stem.program,
                "is_drum": stem.is_drum, "played_by": plain(stem.played_by) or None,
                **_columns("audio", by.get(("audio", at)), path),
                **(_columns("midi", by.get(("midi", at)), path) if choice.has("midi") else {}),
            }
            for at, stem in enumerate(example.stems)
        ]  # fmt: skip
    row["licences"] = [{name: plain(value) for name, value in asdict(one).items()} for one in example.licences]
    return row


def _columns(what: str, one: Media | None, path: Callable[[Media], str]) -> dict[str, Any]:
    row = {
        what: path(one) if one else None,
        f"{what}_bytes": one.size if one else None,
        f"{what}_sha256": one.sha256 if one else None,
    }
    if what == "audio":
        row |= {f"audio_{name}": getattr(one, name) if one else None for name in ("rate", "channels", "frames")}
    return row


def plain(text: str) -> str:
    """A text without halves of surrogate pairs, which no UTF-8 holds."""
    return _HALVES.sub("\ufffd", text)


def number(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None


def _fact(value: Any, kind: type) -> Any:
    if kind is list:
        return [plain(str(one)) for one in value or ()]
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return plain(str(value)) if kind is str else kind(value)


def features(choice: Choice) -> dict[str, Any]:
    """What each column holds, as `datasets.Features.from_dict` reads it (datasets 4 and later)."""

    def value(kind: str) -> dict[str, Any]:
        return {"dtype": kind, "_type": "Value"}

    def columns(what: str) -> dict[str, Any]:
        numbers = [f"{what}_bytes", *(["audio_rate", "audio_channels", "audio_frames"] if what == "audio" else [])]
        return {what: text, f"{what}_sha256": text, **{name: value("int64") for name in numbers}}

    text = value("string")
    texts = {"feature": text, "_type": "List"}
    shown: dict[str, Any] = dict.fromkeys(("id", "song", "split", "source", "title", "artist"), text)
    shown |= {name: value("float64") for name in ("start", "end", "seconds")}
    if choice.has("captions"):
        shown |= {"captions": texts, "caption_forms": texts}
    kinds = {float: value("float64"), int: value("int64"), str: text, list: texts}
    shown |= {name: kinds[kind] for name, kind in FACTS.items()}
    for voice, what in (("mix", "audio"), ("midi", "midi"), ("video", "video")):
        if choice.has(voice):  # type: ignore[arg-type]
            shown |= columns(what)
    if choice.has("stems"):
        stem = {"index": value("int64"), "program": value("int64"), "is_drum": value("bool")}
        stem |= dict.fromkeys(("name", "role", "played_by"), text) | columns("audio")
        shown["stems"] = {"feature": stem | (columns("midi") if choice.has("midi") else {}), "_type": "List"}
    shown["licences"] = {"feature": dict.fromkeys(("what", "name", "licence", "holder", "url"), text), "_type": "List"}
    return shown


class Tally:
    """What examples lack of what was chosen."""

    def __init__(self, choice: Choice) -> None:
        self.choice, self.examples = choice, 0
        self.lacking: Counter[str] = Counter()
        self.splits: set[str] = set()

    def see(self, example: Example) -> None:
        self.add(example.split, 1, Counter(lacking(example, self.choice)))

    def add(self, split: str, examples: int, lacking: Mapping[str, int]) -> None:
        self.examples += examples
        self.splits.add(split)
        self.lacking.update(lacking)

    def remarks(self) -> list[str]:
        said = []
        for voice in VOICES:
            if many := self.lacking[voice]:
                what = _CALLED[voice]
                said.append(f"No example has {what}." if many == self.examples else f"{several(many, 'example')} without {what}.")
        return said + [f"No example is in {split}." for split in SPLITS if split not in self.splits]


def lacking(example: Example, choice: Choice) -> list[Voice]:
    """The voices that are chosen and that an example has not."""
    there: dict[Voice, bool] = {
        "mix": example.mix is not None, "stems": any(stem.sound for stem in example.stems), "midi": example.midi is not None,
        "video": example.video is not None, "captions": any(text.strip() for text in choice.texts(example)),
    }  # fmt: skip
    return [voice for voice in VOICES if choice.has(voice) and not there[voice]]
