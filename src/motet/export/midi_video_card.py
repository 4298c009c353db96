"""The dataset card of films of MIDI songs: how to load them, what they are, how well they keep time, what they are made with."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from motet.wording import count, several, size, span

_MARKED = re.compile(r"([\\`*_{}\[\]()#+!|<>&~])")
_CATEGORIES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_ABOUT = {
    "file_name": "the film: H.264 pictures, the mix as AAC; the loader makes it the column `video`",
    "midi": "the window's notes, as they are heard: a MIDI file beside the film",
    "sound": "the window's mix as MP3, beside the film",
    "manifest": "the Parseq document the film was made from, rendered, beside the film; `motet` in it lists the planned events",
    "id": "of the film",
    "song": "the file the song came in",
    "title": "of the song, where it was identified",
    "artist": "of the song, where it was identified",
    "prompt": "the first positive prompt; empty where none was read, as by the painter",
    "theme": "that prompts were drawn from",
    "mood": "of palette and prompts",
    "mapping": "which notes move what",
    "key": 'of the window, estimated from its notes: "E flat major", or empty',
    "tempo": "beats per minute",
    "metre": "of the window; empty where it changes",
    "fps": "frames a second, exact: `24`, `30000/1001`",
    "frames": "pictures in the film",
    "width": "pixels",
    "height": "pixels",
    "seconds": "of the film",
    "start": "seconds into the song",
    "end": "seconds into the song",
    "first_bar": "of the window, counted from 1",
    "bars": "in the window",
    "events": "onsets that move something",
    "notes": "all onsets",
    "take": "which rendering of the song; 0 is the song as written",
    "seed": "of all draws",
    "renderer": "`painter`, `deforum` or `diffusion`",
    "model": "of the renderer; empty for the painter",
    "model_licence": "its licence",
    "sounds": "files that made the mix, separated by `;`",
    "licences": "theirs, item by item",
    "precision": "share of the frames where the picture changes that were planned",
    "recall": "share of the planned frames at which the picture changes",
    "f1": "of both",
    "f1_all": "the same of all planned frames, however close; of those that share a change some count as missed",
    "planned": "frames at which something is planned to be seen",
    "judged": "of these, those four frames or more from the others, which precision, recall and f1 are about",
    "error_ms": "mean distance of a change from the moment of its notes, ms",
    "error_ms_worst": "the largest, ms",
    "audio_f1": "onsets of the soundtrack against the planned moments",
    "av_align": "AV-Align: changes of the picture against onsets of the sound",
    "beat_alignment": "beat alignment score",
}
_FIGURES = (
    ("f1", "F1 of planned and found changes", "{:.3f}"),
    ("precision", "precision", "{:.3f}"),
    ("recall", "recall", "{:.3f}"),
    ("f1_all", "F1 of all planned frames", "{:.3f}"),
    ("error_ms", "mean error, ms", "{:.1f}"),
    ("error_ms_worst", "worst error, ms", "{:.1f}"),
    ("audio_f1", "F1 of sound and plan", "{:.3f}"),
    ("av_align", "AV-Align", "{:.3f}"),
    ("beat_alignment", "beat alignment", "{:.3f}"),
)


def card(title: str, films: Mapping[str, Sequence[Mapping[str, Any]]], sizes: Mapping[str, int]) -> str:
    """README.md of an export: `films` are the records of each split, `sizes` the bytes of its files."""
    every = [one for ones in films.values() for one in ones]
    parts = [
        _front(films, len(every)),
        f"# {plain(title)}\n",
        f"{several(len(every), 'film')} of {several(len({one['song'] for one in every}), 'song')}, "
        f"{span(sum(one['seconds'] for one in every))} in all, {size(sum(sizes.values()))}. Each is a window of a MIDI song, "
        "from bar line to bar line: the pictures move with its notes, and the MIDI, the mix and the plan lie beside it.\n",
        _table(
            ("split", "films", "songs", "length", "size"),
            [
                (
                    split,
                    count(len(ones)),
                    count(len({one["song"] for one in ones})),
                    span(sum(one["seconds"] for one in ones)),
                    size(sizes[split]),
                )
                for split, ones in films.items()
            ],
        ),
        "No artist, and no family of duplicate songs, is in two splits.\n",
        _loading(),
        "## How well pictures and notes keep time\n",
        _sync(every),
        "## What there is\n",
        _counts(every),
        "## Licences\n",
        _licences(every),
        "## Columns\n",
        _table(("column", "what it holds"), [(f"`{name}`", about) for name, about in _ABOUT.items()]),
    ]
    return "\n".join(parts)


def plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _MARKED.sub(r"\\\1", " ".join(text.split()))


def _front(films: Mapping[str, Sequence[Any]], number: int) -> str:
    category = next((name for limit, name in _CATEGORIES if number < limit), "n>1M")
    lines = ["---", "license: other", "task_categories:", "- text-to-video", "tags:", "- music", "- midi", "- audio", "- video"]
    lines += ["size_categories:", f"- {category}"]
    lines += ["configs:", "- config_name: default", "  data_files:"]
    for split in films:
        lines += [f"  - split: {split}", "    path:", f"    - videos/{split}/*.mp4", f"    - videos/{split}/metadata.jsonl"]
    return "\n".join([*lines, "---", ""])


def _loading() -> str:
    return (
        "```python\nfrom datasets import load_dataset\n\n"
        'films = load_dataset("path/to/this/folder")  # or its name on the Hub\n```\n\n'
        "`metadata.jsonl` and `metadata.csv` list all films; `videos/<split>/metadata.jsonl` those of a split, as "
        "the loader reads them.\n"
    )


def _sync(films: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for name, about, form in _FIGURES:
        values = sorted(one[name] for one in films if one[name] is not None)
        if values:
            told = (statistics.fmean(values), statistics.median(values), values[0], values[-1])
            rows.append((about, count(len(values)), *(form.format(value) for value in told)))
    if not rows:
        return "No film was measured.\n"
    said = (
        "Measured from the finished files: the frames where the decoded picture changes against the frames of the planned "
        "events, as far as these are at least four frames apart.\n\n"
    )
    return said + _table(("figure", "films", "mean", "median", "lowest", "highest"), rows)


def _counts(films: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for what, values in (
        ("size", [f"{one['width']}×{one['height']}" for one in films]),
        ("frames a second", [one["fps"] for one in films]),
        ("mapping", [one["mapping"] for one in films]),
        ("theme", [one["theme"] for one in films]),
        ("mood", [one["mood"] for one in films]),
        ("renderer", [f"{one['renderer']} {one['model']}".strip() for one in films]),
    ):
        found = Counter(values)
        told = ", ".join(f"{plain(value) or 'none'} ({number:,})" for value, number in sorted(found.items(), key=_most))
        rows.append((what, told))
    return _table(("what", "films"), rows)


def _most(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _licences(films: Sequence[Mapping[str, Any]]) -> str:
    sounds: Counter[tuple[str, str]] = Counter()
    models: Counter[tuple[str, str]] = Counter()
    for one in films:
        names, licences = one["sounds"].split("; "), one["licences"].split("; ")
        told = zip(names, licences, strict=True) if len(names) == len(licences) else [(one["sounds"], one["licences"])]
        sounds.update({pair for pair in told if pair[0]})
        if one["model"]:
            models[one["model"], one["model_licence"]] += 1
    rows = [("sound", name, licence, number) for (name, licence), number in sorted(sounds.items())]
    rows += [("model", name, licence, number) for (name, licence), number in sorted(models.items())]
    said = "The songs stay their authors': a MIDI file grants nothing by being here, and each film is made from one.\n"
    if not rows:
        return f"{said}\nWhat the mixes were played with is not known.\n"
    lines = [(kind, plain(name), plain(licence) or "not known", count(number)) for kind, name, licence, number in rows]
    return f"{said}\nThe mixes were played, and pictures that Motet did not paint itself were made, with these:\n\n" + _table(
        ("kind", "name", "licence", "films"), lines
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join([*lines, ""])
