"""Sounds and prompts as stable-audio-tools trains on them: a folder with a sidecar for each sound, or WebDataset shards.

What is written follows Stability-AI/stable-audio-tools, `docs/datasets.md` and `stable_audio_tools/data/dataset.py`. Of a folder
(`audio_dir`) the loader takes every sound and reads no sidecar: a prompt comes from `get_custom_metadata` of the module that the
configuration names. Of shards (`wds`, or `s3`) it takes the first sound of a sample, and its JSON's `text` as prompt, which the
module may change. Lengths and places are the loader's own (`seconds_start`, `seconds_total`): it crops.
`motet.export.stable_audio_rules` checks what is written.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from motet.errors import UserError
from motet.export.example import Choice, Example, Examples, Written
from motet.export.publishing import Pending, digest, in_order, published
from motet.export.stable_audio_rules import CONFIG, MODULE, MODULE_SOURCE, check
from motet.export.told import Tally, batches, by_split, chosen, example_name, identity, lacking, media, told
from motet.export.webdataset import Shard, index, shards
from motet.wording import several

__all__ = ["FORM", "OPTIONS", "VERSION", "check", "write"]

FORM, VERSION = "stable-audio", 1
OPTIONS: tuple[str, ...] = ("layout", "root")
LAYOUTS = ("folder", "webdataset")
PIECE = 128  # examples
RATE = 44_100  # Hz, of Stable Audio Open


def write(examples: Examples, folder: Path, choice: Choice) -> Written:
    """Write sounds, prompts, `metadata_module.py` and a configuration: `dataset_config.json` for the training, and
    `dataset_config.validation.json` and `dataset_config.test.json` for the other splits.

    `layout=folder` (as it is where nobody says) writes `audio/<split>/<name>.flac` and `<name>.json` beside it;
    `layout=webdataset` writes `shards/<split>/<split>-000000.tar` … and `shards/<split>.json`, the list of them. The
    configurations begin their paths with the option `root`, which may be `s3://…` for shards; without it they are from
    `folder`. Raises UserError where no example has a mix, and where the folder cannot be written to.
    """
    choice.check_options(*OPTIONS)
    layout, root = choice.options.get("layout", "folder"), choice.options.get("root", "").rstrip("/")
    if layout not in LAYOUTS:
        raise UserError(f"There is no layout {layout!r} of this export: {' or '.join(LAYOUTS)}.")
    if "://" in root and (layout == "folder" or not root.startswith("s3://")):
        raise UserError(f"The loader reads no folder at {root}: give a path as root, or layout=webdataset with s3://.")
    if not choice.has("mix"):
        raise UserError("There is nothing to train on without sound: include the mix.")
    own = replace(choice, voices=choice.voices & {"mix", "captions"}, options={"layout": layout})
    left_out: Counter[str] = Counter()
    rates: set[int] = set()

    def usable() -> Iterator[Example]:
        for example in examples():
            if example.mix is None:
                left_out["mix"] += 1
                continue
            rates.add(own.rate or example.mix.rate)
            yield example

    tally = Tally(own)
    with published(folder, _turn) as pending:
        if layout == "folder":
            for split, many, lacks in _pieces(usable(), pending, own):
                tally.add(split, many, lacks)
        else:
            made: dict[str, list[Shard]] = {}
            for split, shard in shards(
                usable, pending, own, FORM, VERSION, lambda one: members(one, own), "shards/{0}/{0}-{1:06d}.tar"
            ):
                made.setdefault(split, []).append(shard)
                tally.add(split, shard.samples, shard.lacking)
            for split, some in made.items():
                pending.write(f"shards/{split}.json", index(split, some, "shards/"))
        if not tally.examples:
            raise UserError("No example has a mix: there is nothing to train on.")
        for split in sorted(tally.splits):
            pending.write(CONFIG[split], config(split, layout, root))
        pending.write(MODULE, MODULE_SOURCE.encode())
    remarks = tally.remarks()
    if more := sorted(choice.voices - own.voices):
        remarks.append(f"The loader reads sound and captions only: {', '.join(more)} left out.")
    if left_out["mix"]:
        remarks.append(f"{several(left_out['mix'], 'example')} without a mix left out.")
    if not choice.has("captions"):
        remarks.append("Without captions there are no prompts: only a model that takes none can train on it.")
    elif tally.lacking["captions"]:
        remarks.append("The loader passes over what has no caption.")
    if min(rates) < RATE:
        remarks.append(f"The lowest sample rate is {min(rates)} Hz; Stable Audio Open trains at {RATE}.")
    if root.startswith("s3://"):
        remarks.append(f"{MODULE} is read from the folder that training is started in, not from S3: put it there.")
    elif not root:
        remarks.append(f"Paths in the configurations are below {folder}: start the training there, or give the export its root.")
    return Written(pending.names, remarks, tuple(pending.pieces.values()))


def _pieces(examples: Iterable[Example], pending: Pending, choice: Choice) -> Iterator[tuple[str, int, dict[str, int]]]:
    for split, some in by_split(examples):
        for piece in batches(some, PIECE):
            key = digest(FORM, VERSION, chosen(choice), dict(choice.options), [identity(one) for one in piece])
            if (note := pending.note(key)) is None:
                names: list[str] = []
                for files in in_order(piece, lambda one: sidecar_and_sound(one, choice)):
                    for name, data in files:
                        names.append(f"audio/{split}/{name}")
                        with pending.open(names[-1]) as file:
                            file.write(data)
                lacks = Counter(voice for one in piece for voice in lacking(one, choice))
                note = {"examples": len(piece), "lacking": dict(sorted(lacks.items()))}
                pending.done(key, names, note)
            yield split, note["examples"], note["lacking"]


def sidecar_and_sound(example: Example, choice: Choice) -> list[tuple[str, bytes]]:
    """The files of an example in a folder: the sound, and what the module reads beside it."""
    name = example_name(example.id)
    ((one, data),) = media(example, choice)
    row = told(example, choice, [one], lambda one: f"{name}.{one.suffix}")
    return [(f"{name}.{one.suffix}", data), (f"{name}.json", _json(row))]


def members(example: Example, choice: Choice) -> list[tuple[str, bytes]]:
    """The files of an example in a shard. The loader takes `text` for the prompt, and drops what has `__reject__`."""
    name = example_name(example.id)
    ((one, data),) = media(example, choice)
    row = told(example, choice, [one], lambda one: one.suffix)
    if choice.has("captions"):
        texts = [text for text in row["captions"] if text.strip()]
        row |= {"text": texts[0]} if texts else {"__reject__": True}
    return [(f"{name}.{one.suffix}", data), (f"{name}.json", _json(row))]


def config(split: str, layout: str, root: str) -> bytes:
    """What `train.py --dataset-config` takes (`--val-dataset-config` for the validation). Nothing but training is random."""
    at = f"{root}/" if root else ""
    remote = root.startswith("s3://")
    module = MODULE if remote else at + MODULE
    if layout == "folder":
        told: dict[str, Any] = {"dataset_type": "audio_dir"}
        source = {"id": split, "path": f"{at}audio/{split}", "custom_metadata_module": module}
    else:
        told = {"dataset_type": "s3" if remote else "wds"}
        source = {"id": split, "s3_path" if remote else "path": f"{at}shards/{split}/", "custom_metadata_module": module}
    told |= {"datasets": [source], "random_crop": split == "train"}
    if split != "train":
        told |= {"drop_last": False} if layout == "folder" else {"resampled_shards": False}
    return json.dumps(told, indent=4).encode() + b"\n"


def _json(row: dict[str, Any]) -> bytes:
    return json.dumps(row, allow_nan=False).encode("ascii") + b"\n"


def _turn(name: str) -> tuple[bool, bool, str]:
    """Configurations come last, before them the module and lists."""
    return name in CONFIG.values(), name == MODULE or (name.endswith(".json") and name.count("/") < 2), name
