"""Which files of a folder `load_dataset` finds, for which split, and what it takes them for.

As huggingface/datasets 5 does in `data_files.py`, `load.py` and `utils/metadata.py`. What another pattern found first is passed
over there without a word.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from motet.export.example import SPLITS, Fault
from motet.export.media_faults import short
from motet.export.publishing import LIST, PENDING
from motet.wording import several

__all__ = ["FILMS", "SOUNDS", "TABLE_NAMES", "View", "fault", "limited", "listed_faults"]

SOUNDS = frozenset(
    "3g2 3gp aiff asf au avi avr caf f4v flac flv htk ircam m4v mat4 mat5 mkv mov mp3 mp4 mpc2k mpg mxf nist nut ogg ogm opus "
    "paf pvf raw rf64 sd2 sds svx voc w64 wav wavex webm wma wmv wve xi".split()
)
"""What the loader of AudioFolder takes for sound."""
FILMS = frozenset(("mkv", "mp4", "avi", "mpeg", "mov"))  # these are taken for VideoFolder
TABLES = frozenset("arrow csv json jsonl lance md ndjson parquet tar toml tsv txt xml zip h5 hdf5".split())
PICTURES = frozenset("bmp gif jpeg jpg pdf png tif tiff webp".split())
LOADABLE = SOUNDS | FILMS | TABLES | PICTURES | {"eval"}
TABLE_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
IGNORED = frozenset(
    ["README.md", "config.json", "dataset_info.json", "dataset_infos.json", "dummy_data.zip", "dataset_dict.json"]
)
KEYWORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_ALIKE = 20  # faults of one rule that are told one by one


@dataclass
class View:
    """The files of a folder, and which of them `load_dataset(folder)` finds for each split."""

    names: list[str]
    splits: dict[str, list[str]] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path) -> View:
        view = cls([])
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_symlink() and not path.exists():
                view.faults.append(fault("broken_link", name, "is a link to nothing"))
            elif path.is_file() and not any(part.startswith((".", "__")) for part in name.split("/")):
                view.names.append(name)
        if (folder / PENDING).exists():
            view.faults.append(fault("unfinished", PENDING, "is left of an export that was stopped: run it again", fatal=False))
        view.card = _card(folder, view.faults)
        view.splits = _resolved(view)
        return view

    def taken_for(self, split: str) -> str:
        """The suffix that decides what the files of a split are loaded as: the most frequent one."""
        counts = Counter(suffix for name in self.splits[split] for suffix in _suffixes(name) if not _is_metadata(name))
        known = [suffix for suffix in counts if suffix in LOADABLE]
        return max(known, key=lambda suffix: (counts[suffix], suffix == "parquet", suffix), default="")


def _suffixes(name: str) -> list[str]:
    return name.rpartition("/")[2].lower().split(".")[1:]


def _is_metadata(name: str) -> bool:
    return name.rpartition("/")[2] in TABLE_NAMES


def _card(folder: Path, faults: list[Fault]) -> dict[str, Any]:
    """The front matter of README.md; {} for none."""
    import yaml

    try:
        lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
        if lines[:1] != ["---"] or "---" not in lines[1:]:
            return {}
        told = yaml.safe_load("\n".join(lines[1 : lines.index("---", 1)]))
        return told if isinstance(told, dict) else {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        faults.append(fault("bad_card", "README.md", f"has a front matter that cannot be read ({short(error)}): nothing loads"))
        return {}


def _resolved(view: View) -> dict[str, list[str]]:
    names = [n for n in view.names if n.rpartition("/")[2] not in IGNORED and any(suffix in LOADABLE for suffix in _suffixes(n))]
    if (configs := view.card.get("configs")) is not None:
        return _configured(configs, names, view.faults)
    if sharded := [name for name in names if re.fullmatch(r"data/[^/]*-\d{5}-of-\d{5}[^/]*\.[^/]*", name)]:
        found: dict[str, list[str]] = {}
        for name in sharded:
            found.setdefault(name[5:].rpartition("-of-")[0][:-6], []).append(name)
        return found
    if logs := [name for name in names if name.endswith(".eval")]:
        return {"logs": logs}
    if tasks := [name for name in names if name.rpartition("/")[2] in ("task.toml", "instruction.md")]:
        return {"test": tasks}
    for is_of in (_in_folder, _by_name):
        found = {str(split): some for split in SPLITS if (some := [name for name in names if is_of(name, split)])}
        if found:
            return found
    return {"train": names} if names else {}


def _in_folder(name: str, split: str) -> bool:
    return any(
        re.fullmatch(f"(.*[-._ 0-9])?{word}([-._ 0-9].*)?", part) for part in name.split("/")[:-1] for word in KEYWORDS[split]
    )


def _by_name(name: str, split: str) -> bool:
    return any(re.fullmatch(f"(.*[-._ 0-9])?{word}[-._ 0-9].*", name.rpartition("/")[2]) for word in KEYWORDS[split])


def _configured(configs: Any, names: list[str], faults: list[Fault]) -> dict[str, list[str]]:
    """Where the card says which files are of which split, its patterns count and no others."""
    try:
        told = next((one for one in configs if one.get("config_name") == "default" or one.get("default")), configs[0])
        listed = told["data_files"]
        pairs = (
            [("train", listed)]
            if isinstance(listed, str) or isinstance(listed[0], str)
            else [(e["split"], e["path"]) for e in listed]
        )
        found = {}
        for split, paths in pairs:
            patterns = [_pattern(path) for path in ([paths] if isinstance(paths, str) else paths)]
            found[str(split)] = [name for name in names if any(pattern.fullmatch(name) for pattern in patterns)]
            if not found[str(split)]:
                faults.append(fault("no_files", "README.md", f"says that {split} is in {short(paths)}, where no file is"))
    except (LookupError, TypeError, AttributeError, ValueError, re.error) as error:
        faults.append(fault("bad_card", "README.md", f"has `configs` that cannot be followed ({short(error)}): nothing loads"))
        return {}
    return found


def _pattern(glob: str) -> re.Pattern[str]:
    said = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]*\])", glob.removeprefix("./"))
    return re.compile(
        "".join(said.get(part) or (part if re.fullmatch(r"\[[^\]]+\]", part) else re.escape(part)) for part in parts)
    )


def listed_faults(folder: Path, names: Iterable[str]) -> list[Fault]:
    """What the list of the export says of its files and their sizes, against those that are there."""
    there = set(names)
    found = []
    try:
        told = json.loads((folder / LIST).read_bytes())
        sizes = {str(name): int(size) for piece in told.get("pieces") or () for name, size in piece["files"].items()}
        listed = {*sizes, *map(str, told["files"])}
    except FileNotFoundError:
        return []
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        return [fault("bad_list", LIST, f"cannot be read ({short(error)})", fatal=False)]
    for name in sorted(listed - there):
        found.append(fault("missing", name, "is listed, and is not there"))
    for name in sorted(there - listed):
        if name.startswith(("data/", "films/")):
            found.append(fault("extra", name, "is no file of the export: take it away"))
    for name, size in sizes.items():
        if name in there and (folder / name).stat().st_size != size:
            found.append(fault("other_size", name, f"has not the {several(size, 'byte')} it was written with"))
    return found


def limited(faults: Iterable[Fault]) -> list[Fault]:
    """The first faults of each rule, and how many more there are."""
    counts: Counter[tuple[str, bool]] = Counter()
    kept = []
    for one in faults:
        counts[one.rule, one.fatal] += 1
        if counts[one.rule, one.fatal] <= _ALIKE:
            kept.append(one)
    more = [(rule, fatal, number - _ALIKE) for (rule, fatal), number in counts.items() if number > _ALIKE]
    return kept + [Fault(rule, "", f"There are {number:,} more of this kind.", fatal) for rule, fatal, number in more]


def fault(rule: str, where: str, said: str, fatal: bool = True) -> Fault:
    return Fault(rule, where, f"{short(where) if where else 'The folder'} {said}.", fatal)
