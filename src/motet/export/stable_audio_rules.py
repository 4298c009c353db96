"""What the loader of stable-audio-tools does with a folder of training data, said before the training starts.

The rules are those of Stability-AI/stable-audio-tools, `stable_audio_tools/data/dataset.py`: `fast_scandir`, `SampleDataset`,
`WebDatasetDataLoader`, `create_dataloader_from_config`. Much of what is wrong it does not report: a sound that cannot be read, is
silent or is rejected is replaced by another at random, and a sidecar that no module reads does nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from motet.export import tar_rules
from motet.export.damage import Leaks, judge, judge_row, read_json, shown
from motet.export.example import Fault
from motet.export.publishing import in_order

__all__ = ["CONFIG", "MODULE", "MODULE_SOURCE", "check"]

CONFIG = {"train": "dataset_config.json", "validation": "dataset_config.validation.json", "test": "dataset_config.test.json"}
MODULE = "metadata_module.py"
FOLDER_SUFFIXES = (".wav", ".mp3", ".flac", ".ogg", ".aif", ".opus")
SHARD_SUFFIXES = ("flac", "wav", "mp3", "m4a", "ogg", "opus")

Metadata = Callable[[dict[str, Any], Any], dict[str, Any]]

MODULE_SOURCE = '''"""Prompts for stable-audio-tools: the captions of a sound, from its JSON.

The loader calls get_custom_metadata(info, audio) for every crop. From a folder it gives the sound's path, and the captions are in
the file beside it, of the same name with .json; from shards it gives what is in the sample's own JSON. In training one of the
captions is drawn, by `random`, which torch seeds in each worker; elsewhere it is the first. A sound without any is rejected: the
loader takes another in its place.
"""

import json
import os
import random
import warnings

# What the loader says of a crop, and stays as it says it.
LOADER = {
    "audio", "load_time", "padding_mask", "path", "relpath", "sample_rate", "seconds_start", "seconds_total", "timestamps",
}


def get_custom_metadata(info, audio):
    facts = {}
    if "captions" not in info and "path" in info:
        facts = beside(info["path"])
        if facts is None:
            return {"__reject__": True}
    told = {name: value for name, value in facts.items() if name not in LOADER}
    if "captions" not in info and "captions" not in facts:
        return told  # exported without captions
    captions = [text for text in info.get("captions", facts.get("captions")) or [] if text.strip()]
    if not captions:
        return {"__reject__": True}
    training = info.get("split", facts.get("split")) == "train"
    return {**told, "prompt": random.choice(captions) if training else captions[0]}


def beside(path):
    """What the JSON beside a sound holds; None, and a warning, where there is none that can be read."""
    name = os.path.splitext(path)[0] + ".json"
    try:
        with open(name, encoding="utf-8") as file:
            facts = json.load(file)
    except (OSError, ValueError) as error:
        warnings.warn(f"{path} has no prompt and is passed over: {error}")
        return None
    return facts if isinstance(facts, dict) else None
'''


def check(folder: Path) -> list[Fault]:
    """What is wrong with an export, in either layout. Reads and decodes every sound.

    The module is run only where it is the one that was written: it is code, and the folder may come from anywhere. Nothing is
    raised for what the folder holds.
    """
    found: list[Fault] = []
    configs = {split: name for split, name in CONFIG.items() if (folder / name).is_file()}
    if not configs:
        return [Fault("no_config", "", f"There is no {CONFIG['train']} in it.")]
    get_metadata = _module(folder, found)
    leaks = Leaks()
    places: dict[str, str] = {}
    sharded = False
    for split, name in configs.items():
        for kind, place, told in _sources(folder, split, name, found):
            for other, there in places.items():
                if PurePosixPath(place).is_relative_to(there) or PurePosixPath(there).is_relative_to(place):
                    found.append(_fault("leak", name, f"it reads {place}, which {CONFIG[other]} reads too"))
            places.setdefault(split, place)
            if not told.get("custom_metadata_module"):
                said = "it names no custom_metadata_module: sidecars are not read, and there are no prompts"
                found.append(
                    _fault("no_module", name, said) if kind == "folder" else _mild("no_module", name, "it names no module")
                )
            if kind == "folder":
                found += _folder(folder, place, split, get_metadata, leaks)
            sharded |= kind == "webdataset"
    if sharded:
        found += _shards(folder, set(places.values()), get_metadata)
    for place in ("audio", "shards"):
        for path in sorted((folder / place).glob("*/")):
            at = f"{place}/{path.name}"
            if path.is_dir() and at not in places.values():
                found.append(_mild("extra_folder", at, "no configuration names it"))
    return found


def _sources(folder: Path, split: str, name: str, found: list[Fault]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The layout, the folder and the words of each source of a configuration."""
    told = read_json(folder / name)
    if isinstance(told, str):
        found.append(_fault("bad_config", name, told))
        return
    kind = {"audio_dir": "folder", "wds": "webdataset", "s3": "webdataset"}.get(str(told.get("dataset_type")))
    sources = told.get("datasets")
    if kind is None or not isinstance(sources, list) or not sources or not all(isinstance(one, dict) for one in sources):
        found.append(_fault("bad_config", name, "it has no dataset_type that the loader knows, or no datasets"))
        return
    for source in sources:
        path = source.get("path", source.get("s3_path"))
        if not isinstance(path, str) or not isinstance(source.get("id"), str):
            found.append(_fault("bad_config", name, "a dataset in it has no id, or no path"))
            continue
        if kind == "folder" and "path" not in source:
            found.append(_fault("bad_config", name, "the loader reads a folder from a path, not from S3"))
        place = "/".join(PurePosixPath(path).parts[-2:])
        if ".." in PurePosixPath(path).parts or not (folder / place).is_dir():
            found.append(_fault("bad_path", name, f"it reads {shown(path)}, and there is no {shown(place)} here"))
            continue
        if place not in (f"audio/{split}", f"shards/{split}"):
            found.append(_fault("bad_path", name, f"it reads {shown(place)} for {split}"))
        yield kind, place, source


def _module(folder: Path, found: list[Fault]) -> Metadata | None:
    """`get_custom_metadata`, where the module is ours."""
    try:
        source = (folder / MODULE).read_bytes()
    except OSError:
        found.append(_fault("no_module", MODULE, "it is not there, and the loader stops"))
        return None
    if source != MODULE_SOURCE.encode():
        found.append(_mild("other_module", MODULE, "it is not the one that was written, so it is not tried here"))
        return None
    named: dict[str, Any] = {}
    exec(MODULE_SOURCE, named)
    get: Metadata = named["get_custom_metadata"]
    return get


def _folder(folder: Path, place: str, split: str, get: Metadata | None, leaks: Leaks) -> Iterator[Fault]:
    """What is wrong with the sounds and sidecars of a split in a folder."""
    files = sorted(path.relative_to(folder).as_posix() for path in (folder / place).rglob("*") if path.is_file())
    sounds, sidecars = [], set[str]()
    for name in files:
        path = PurePosixPath(name)
        if path.suffix.lower() in FOLDER_SUFFIXES and not path.name.startswith("."):
            sounds.append(name)
        elif path.suffix == ".json":
            sidecars.add(name)
        else:
            yield _mild("passed_over", _safe(name), "the loader does not take such a file")
    if not sounds:
        yield _fault("no_sound", place, "there is no sound in it")
    read: Counter[str] = Counter()
    owners: Counter[str] = Counter(str(PurePosixPath(name).with_suffix(".json")) for name in sounds)
    for name, row, rules in in_order(sounds, partial(_sound, folder, get)):
        for rule, said in rules:
            read[rule] += 1
            yield _fault(rule, _safe(name), said)
        if row is not None:
            yield from leaks.see(row, split, _safe(name))
            if row.get("split") != split:
                yield _fault("wrong_split", _safe(name), f"its sidecar says {shown(row.get('split'))}")
    if sounds and read["rejected"] == len(sounds):
        yield _fault("all_rejected", place, "no sound in it has a prompt: the loader looks for one until it stops")
    for name in sorted(sidecars - owners.keys()):
        yield _fault("missing_sound", _safe(name), "the sound it tells of is not there")
    for name, number in owners.items():
        if number > 1:
            yield _fault("twice", _safe(name), f"{number} sounds share it")


def _sound(folder: Path, get: Metadata | None, name: str) -> tuple[str, dict[str, Any] | None, list[tuple[str, str]]]:
    path = folder / name
    beside = path.with_suffix(".json")
    row = read_json(beside)
    if isinstance(row, str):
        return name, None, [("bad_sidecar" if beside.is_file() else "no_sidecar", f"of its sidecar: {row}; it is passed over")]
    try:
        data = path.read_bytes()
    except OSError as error:
        return name, None, [("damaged", f"it cannot be read ({error.strerror})")]
    rules = [*judge_row(row), *judge(name, "audio", row, data)]
    if row.get("audio") != path.name:
        rules.append(("bad_sidecar", f"its sidecar tells of {shown(row.get('audio'))}"))
    return name, row, [*rules, *_prompt(row, {"path": str(path), "relpath": path.name}, get)]


def _prompt(row: Mapping[str, Any], info: dict[str, Any], get: Metadata | None) -> Iterator[tuple[str, str]]:
    """What the module gives for a sound that the loader calls it with."""
    if get is None:
        return
    try:
        told = get(info, None)
    except (TypeError, AttributeError, ValueError, RecursionError) as error:
        yield "bad_sidecar", f"the module fails on it ({shown(str(error))}), and it is passed over"
        return
    if told.get("__reject__"):
        yield "rejected", "it has no caption, and the loader takes another in its place"
    elif "captions" in row and (not isinstance(told.get("prompt"), str) or told["prompt"] not in row["captions"]):
        yield "bad_prompt", f"its prompt is {shown(told.get('prompt'))}"


def _shards(folder: Path, places: set[str], get: Metadata | None) -> Iterator[Fault]:
    """What is wrong with shards: the rules of WebDataset, and the loader's own for each sample."""

    rejected: Counter[str] = Counter()
    seen: Counter[str] = Counter()

    def also(sample: tar_rules.Sample, row: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
        seen[sample.shard.partition("/")[0]] += 1
        sounds = [suffix for suffix in sample.members if suffix.endswith(SHARD_SUFFIXES)]
        if not sounds:
            yield "no_sound", "the loader finds no sound in it"
        elif row is not None and sounds[0] != row.get("audio"):
            yield "other_sound", f"the loader takes its .{shown(sounds[0])[1:-1]}, the first sound in it"
        if row is None:
            return
        if "captions" in row and not row.get("__reject__") and row.get("text") not in row["captions"]:
            yield "bad_prompt", f"its text is {shown(row.get('text'))}"
        if row.get("__reject__"):
            rejected[sample.shard.partition("/")[0]] += 1
            yield "rejected", "it has no caption, and the loader leaves it out"
        else:
            yield from _prompt(row, dict(row), get)

    for fault in tar_rules.check(folder / "shards", also):
        yield replace(fault, where=f"shards/{fault.where}" if fault.where else "shards")
    for split, number in rejected.items():
        if number == seen[split]:
            yield _fault("all_rejected", f"shards/{split}", "no sample in it has a prompt: the loader looks for one without end")
    for place in sorted(places - {f"shards/{split}" for split in seen}):
        yield _fault("no_sound", place, "there is no sample in it")


def _safe(name: str) -> str:
    return ascii(name)[1:-1]


_MILD = frozenset(("rejected", "silent", "no_column"))


def _fault(rule: str, where: str, said: str) -> Fault:
    return Fault(rule, where, f"{where}: {said}.", rule not in _MILD)


def _mild(rule: str, where: str, said: str) -> Fault:
    return Fault(rule, where, f"{where}: {said}.", fatal=False)
