"""What WebDataset's reader does with a folder of shards, said before the training starts.

The rules are those of webdataset/webdataset, `webdataset/tariterators.py`: a tar file is read from its beginning until Python's
`tarfile` says it is over, which it also says, and nobody notices, at the first damaged header; members without a dot, and those
called `__…__`, are passed over; those that share what stands before the first dot are one sample while they follow each other,
so a sample whose members lie apart is two; and two members of one suffix stop it. Suffixes count in lower case.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from motet.export.damage import LARGEST_JSON, Leaks, files_told, judge, judge_row, parsed, read_json, shown
from motet.export.example import SPLITS, Fault
from motet.export.publishing import PENDING, in_order

__all__ = ["Also", "Sample", "check", "samples"]

_NAME = re.compile(r"((?:.*/|)[^.]+)[.]([^/]*)")  # a key, and a suffix
_PASSED_OVER = re.compile(r"__[^/]*__($|/)")
_SHARD = re.compile(r"(?:.*/)?([^/]+)-(\d{6,})\.tar")
_BLOCK = 512
_TOLD = 20  # faults of one rule in one shard


@dataclass(frozen=True)
class Sample:
    """Members that follow each other and share a key, by their suffixes; `shard` is a path in the folder."""

    shard: str
    key: str
    members: dict[str, bytes] = field(default_factory=dict)

    @property
    def where(self) -> str:
        return f"{self.shard}/{ascii(self.key)[1:-1]}"


Also = Callable[[Sample, Mapping[str, Any] | None], Iterable[tuple[str, str]]]
"""Rules that a sample breaks, and a sentence for each, by its members and what its JSON tells."""


def check(folder: Path, also: Also | None = None) -> list[Fault]:
    """What is wrong with the shards in a folder, and with the lists of them. Reads, hashes and decodes all.

    `also` are rules of a consumer's own for each sample. Nothing is raised for what the folder holds: what cannot be read is a
    fault.
    """
    found: list[Fault] = []
    there = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.tar")
        if PENDING not in path.relative_to(folder).parts and path.is_file()
    )
    if not there:
        return [Fault("no_shards", "", "There is no shard (.tar) in it.")]
    listed: dict[str, Mapping[str, Any]] = {}
    for one in SPLITS:
        found += _index(folder, one, there, listed)
    leaks, keys = Leaks(), set[str]()
    kinds: dict[str, Counter[frozenset[str]]] = {}
    for name in there:
        match = _SHARD.fullmatch(name)
        split = str(match[1]) if match else ""
        if split not in SPLITS:
            found.append(_fault("bad_name", name, "it is not called train-, validation- or test- and a number of six digits"))
        told = listed.get(name)
        if told is None:
            found.append(_fault("extra_shard", name, "no list tells of it, and who reads all shards reads it"))
        own: list[Fault] = []
        number = 0
        for sample, row, faults in in_order(samples(folder, name, own), partial(_judged, also)):
            number += 1
            own += faults
            if sample.key in keys:
                own.append(
                    _fault("key_twice", sample.where, "its key was there before: its members lie apart, or it is there twice")
                )
            keys.add(sample.key)
            kinds.setdefault(split, Counter())[frozenset(sample.members)] += 1
            if row is not None:
                own += leaks.see(row, split, sample.where)
                if row.get("split") != split:
                    own.append(_fault("wrong_split", sample.where, f"it is told to be in {shown(row.get('split'))}"))
        found += _few(own)
        if told:
            found += _as_told(folder, name, told, number)
    for of, some in kinds.items():
        if len(some) > 1:
            usual = some.most_common(1)[0][0]
            what = sorted(set().union(*(usual ^ kind for kind in some)))
            odd = f"{some.total() - some[usual]:,} of {some.total():,} samples"
            said = f"{odd} have other members than most ({', '.join(map(shown, what[:5]))})"
            found.append(_fault("uneven", of, f"{said}: to_tuple and datasets stop there", fatal=False))
    return found


def samples(folder: Path, name: str, found: list[Fault]) -> Iterator[Sample]:
    """The samples of a shard as the reader groups them; what is wrong with the file itself goes to `found`."""
    sample: Sample | None = None
    for member, data in _members(folder, name, found):
        where = f"{name}/{shown(member)[1:-1]}"
        match = _NAME.fullmatch(member)
        if not match or _PASSED_OVER.match(member) or "\n" in member:
            found.append(_fault("passed_over", where, "the reader passes over a file of such a name"))
            continue
        key, suffix = match[1], match[2].lower()
        if key.startswith(("/", "../")) or "/../" in key:
            found.append(_fault("bad_name", where, "its path leads out of the folder"))
        if sample is None or sample.key != key:
            if sample:
                yield sample
            sample = Sample(name, key)
        if suffix in sample.members:
            found.append(_fault("member_twice", where, "its sample has a member of that suffix already, and the reader stops"))
        sample.members[suffix] = data
    if sample:
        yield sample


def _members(folder: Path, name: str, found: list[Fault]) -> Iterator[tuple[str, bytes]]:
    try:
        with (folder / name).open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            size = (folder / name).stat().st_size
            while (member := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined]
                if not member.isreg() or member.issparse():
                    found.append(_fault("passed_over", f"{name}/{shown(member.name)[1:-1]}", "it is no plain file"))
                elif member.offset_data + member.size > size:
                    found.append(_fault("damaged", name, f"it is cut off: {shown(member.name)} is not all there"))
                    return
                else:
                    opened = tar.extractfile(member)
                    yield member.name, opened.read() if opened else b""
            _ended(file, tar.offset, size, name, found)
    except (tarfile.TarError, OSError, EOFError, ValueError, LookupError, OverflowError) as error:
        found.append(_fault("damaged", name, f"it is no tar file that can be read ({shown(str(error))})"))


def _ended(file: IO[bytes], at: int, size: int, name: str, found: list[Fault]) -> None:
    """A tar file closes with two blocks of zeros, and nothing behind them."""
    file.seek(at)
    if size - at < 2 * _BLOCK:
        found.append(_fault("damaged", name, "it does not end as tar files do: it is cut off"))
    while piece := file.read(1 << 20):
        if piece.strip(b"\0"):
            found.append(_fault("damaged", name, f"reading stops at byte {at:,} of {size:,}, and what follows is lost"))
            return


def _judged(also: Also | None, sample: Sample) -> tuple[Sample, dict[str, Any] | None, list[Fault]]:
    """A sample's own faults, and what its JSON tells. Its bytes are let go."""
    rules: list[tuple[str, str]] = []
    row: dict[str, Any] | None = None
    data = sample.members.get("json")
    if data is None:
        rules.append(("no_json", "it has no .json, which tells of it"))
    elif len(data) > LARGEST_JSON:
        rules.append(("bad_json", f"its .json has {len(data):,} bytes"))
    elif isinstance(said := parsed(data), str):
        rules.append(("bad_json", f"{said}"))
    else:
        row = said
        rules += judge_row(row)
        told = {"json", "txt"}
        for suffix, what, columns in files_told(row):
            told.add(suffix)
            if suffix not in sample.members:
                rules.append(("missing_member", f"its .{shown(suffix)[1:-1]} is not there"))
            else:
                rules += ((rule, f".{suffix}: {said}") for rule, said in judge(suffix, what, columns, sample.members[suffix]))
        rules += (
            ("extra_member", f"its .json does not tell of .{shown(one)[1:-1]}") for one in sorted(sample.members.keys() - told)
        )
        captions = row.get("captions")
        first = captions[0] if isinstance(captions, list) and captions else None
        if "txt" in sample.members and (not isinstance(first, str) or sample.members["txt"] != first.encode(errors="replace")):
            rules.append(("wrong_caption", "its .txt is not the first of its captions"))
        elif "txt" not in sample.members and first is not None and "text" not in row and "__reject__" not in row:
            rules.append(("missing_member", "its .txt is not there"))
    if also:
        rules += also(sample, row)
    members = dict.fromkeys(sample.members, b"")
    return Sample(sample.shard, sample.key, members), row, [_fault(rule, sample.where, said) for rule, said in rules]


def _index(folder: Path, split: str, there: list[str], listed: dict[str, Mapping[str, Any]]) -> Iterator[Fault]:
    """What is wrong with a split's list; its shards go to `listed`."""
    name = f"{split}.json"
    own = [shard for shard in there if (match := _SHARD.fullmatch(shard)) and match[1] == split]
    if not (folder / name).exists():
        if own:
            yield _fault("no_list", name, "it is not there, so nobody knows how many shards and samples there should be")
        return
    told = read_json(folder / name)
    every = told.get("shardlist") if isinstance(told, dict) else None
    if isinstance(told, str) or told.get("__kind__") != "wids-shard-index-v1" or not isinstance(every, list):
        yield _fault("bad_list", name, told if isinstance(told, str) else "it is no list of shards as wids has them")
        return
    for shard in every:
        url = shard.get("url") if isinstance(shard, dict) else None
        if not isinstance(url, str) or url.startswith("/") or ".." in PurePosixPath(url).parts:
            yield _fault("bad_list", name, f"it tells of {shown(url)}, which is no path in the folder")
        elif url not in there:
            yield _fault("missing_shard", url, f"{name} tells of it, and it is not there")
        else:
            listed[url] = shard
    counts = [count for shard in every if isinstance(shard, dict) and isinstance(count := shard.get("nsamples"), int)]
    if len(counts) < len(every) or told.get("nsamples") != sum(counts):
        yield _fault("wrong_count", name, "its shards do not add up to the samples it tells of")
    numbers = sorted(int(match[2]) for shard in own if (match := _SHARD.fullmatch(shard)))
    if numbers != list(range(len(numbers))):
        yield _fault("gap", name, "the numbers of its shards have gaps, and a pattern of braces names what is not there")


def _as_told(folder: Path, name: str, told: Mapping[str, Any], number: int) -> Iterator[Fault]:
    if told.get("nsamples") != number:
        yield _fault("wrong_count", name, f"it holds {number:,} samples, and {shown(told.get('nsamples'))} are told")
    try:
        with (folder / name).open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        yield _fault("damaged", name, f"it cannot be read ({error.strerror})")
        return
    if told.get("sha256") != sha256:
        yield _fault("wrong_bytes", name, "its SHA-256 is not the one in the list")


def _few(faults: list[Fault]) -> Iterator[Fault]:
    """So many of each rule, then their number."""
    seen: Counter[str] = Counter()
    for fault in faults:
        seen[fault.rule] += 1
        if seen[fault.rule] <= _TOLD:
            yield fault
    for rule, number in seen.items():
        if number > _TOLD:
            last = next(fault for fault in reversed(faults) if fault.rule == rule)
            yield Fault(rule, last.where, f"And {number - _TOLD:,} more like this.", last.fatal)


def _fault(rule: str, where: str, said: str, fatal: bool = True) -> Fault:
    mild = {"extra_member", "no_list", "no_column", "rejected", "silent"}
    return Fault(rule, where, f"{where}: {said}." if where else f"{said}.", fatal and rule not in mild)
