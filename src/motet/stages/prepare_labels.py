"""Files of known datasets get labels, a split and a place in the golden subset; what belongs to none is dropped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from motet.dataset.rows import File, Labelled
from motet.errors import UserError
from motet.inventory import datasets
from motet.inventory import settings as inventory_settings
from motet.inventory.known import Dataset
from motet.inventory.preparing import labelling, splitting
from motet.inventory.preparing.choosing import Golden
from motet.inventory.preparing.labelling import Columns, Value
from motet.inventory.preparing.recognising import Copies, Place, seen
from motet.inventory.verifying.rows import BadIndex
from motet.run import Drop, Settings, Verdict, stage
from motet.run.keys import digest
from motet.stages.clean import read_source

_SOME_SOUND = 1024  # bytes; what stands for a recording that never arrived is smaller, and is not golden


class PrepareLabels(Settings):
    # What they name is in the key by content.
    no_effect: ClassVar[frozenset[str]] = frozenset(("dataset", "registry"))

    dataset: str = Field(default="", description="the dataset all files are of; empty: told by their paths")
    registry: str = Field(default="", description="a folder of dataset descriptions of your own; empty: that of roots.toml")
    split: Literal["own", "published"] = Field(
        default="own", description="own: no group is in two splits; published: as the publisher says, who may share groups"
    )
    train: float = Field(default=0.8, ge=0, le=1, description="share of the groups")
    validation: float = Field(default=0.1, ge=0, le=1, description="share of the groups")
    test: float = Field(default=0.1, ge=0, le=1, description="share of the groups")
    seed: int = Field(default=0, description="draws other splits and another golden subset")
    golden: int = Field(default=16, ge=0, description="files of each dataset in its golden subset; 0 for none")

    @model_validator(mode="after")
    def _whole(self) -> PrepareLabels:
        if abs(sum(self.shares) - 1) > 1e-9:
            msg = "train, validation and test must add up to 1"
            raise ValueError(msg)
        return self

    @property
    def shares(self) -> tuple[float, float, float]:
        return self.train, self.validation, self.test


def _known(settings: PrepareLabels) -> Mapping[str, Dataset]:
    """The datasets looked for. Raises UserError for a name or a folder that is none."""
    own = Path(settings.registry).expanduser() if settings.registry else inventory_settings.read().datasets
    known = datasets.known(own)
    return {settings.dataset: datasets.find(settings.dataset, known)} if settings.dataset else known


def _contents(settings: PrepareLabels) -> Mapping[str, str]:
    # Of the registry only what shapes labels; an index is a file among the others, and so in the key as well.
    known = _known(settings)
    if settings.split == "published" and settings.dataset and not known[settings.dataset].published_split:
        raise UserError(f"{settings.dataset} has no published split: set prepare_labels.split=own.")
    return {name: digest(labelling.shaping(dataset)) for name, dataset in known.items()}


@stage(version=1, filters=True, timeout=6 * 3600, contents=_contents)
def prepare_labels(files: Iterable[File], settings: PrepareLabels) -> Iterator[Verdict[Labelled]]:
    """In memory are the groups, the rows of indexes and the paths of tables, never all files."""
    work = _Work(seen((file.path for file in files), _known(settings)), files)
    groups: dict[str, set[str]] = {}
    golden = Golden(settings.golden, settings.seed)
    for file in files:
        if (place := work.place(file)) is None:
            continue
        told = work.labels(place)
        if isinstance(told, Drop):
            continue
        group = _group(place.dataset, told, file)
        groups.setdefault(place.dataset.name, set()).add(group)
        if place.part.kind != "audio" or file.size >= _SOME_SOUND:
            golden.see(place.dataset, told, file.sha256)
    splits = _splits(groups, work, settings)
    chosen = golden.chosen()
    for file in files:
        yield _verdict(file, work, settings, splits, chosen)


def _splits(groups: Mapping[str, set[str]], work: _Work, settings: PrepareLabels) -> Mapping[str, splitting.Split]:
    """Group -> split. A group that two datasets share, an actor say, is in one split for both."""
    splits: dict[str, splitting.Split] = {}
    for name, present in sorted(groups.items()):
        everyone = sorted(present | work.published_groups(name))
        settled = frozenset(splits)
        splits |= {group: splitting.assigned(group, settings.shares, settings.seed) for group in everyone if group not in splits}
        # First over all that the publisher names, so that those which arrive later move none; then over those that are here.
        for those in (everyone, sorted(present)):
            splits |= splitting.repaired(those, splits, settings.shares, settings.seed, settled)
    return splits


def _verdict(
    file: File,
    work: _Work,
    settings: PrepareLabels,
    splits: Mapping[str, splitting.Split],
    golden: Mapping[str, frozenset[str]],
) -> Verdict[Labelled]:
    place = work.place(file)
    if place is None:
        return Verdict(file.id, work.why_not(file.path))
    dataset, told = place.dataset, work.labels(place)
    if isinstance(told, Drop):
        return Verdict(file.id, told)
    group = _group(dataset, told, file)
    word = str(told.get(dataset.published_split, ""))
    split: splitting.Split | None = splits[group]
    if settings.split == "published":
        split = splitting.published(word)
        if split is None:
            said = f"the publisher calls its split {word!r}" if word else "the publisher names no split for it"
            return Verdict(file.id, Drop("no_published_split", said))
    shown = {name: value for name, value in told.items() if name != dataset.published_split}  # it has a column of its own
    row = Labelled(
        dataset=dataset.name,
        part=place.part.name,
        kind=place.part.kind,
        sha256=file.sha256,
        labels=json.dumps(shown, ensure_ascii=False),
        group=group,
        split=str(split),
        split_by="published" if settings.split == "published" else "group",
        published_split=word,
        golden=file.sha256 in golden.get(dataset.name, ()),
        licence=dataset.licence.name,
        licence_url=dataset.licence.url,
    )
    return Verdict(file.id, rows=(row,))


def _group(dataset: Dataset, told: Mapping[str, Value], file: File) -> str:
    """What must not be shared: "actor 07". Without such a label a file stands for itself and its like."""
    if not dataset.disjoint_by:
        return f"file {file.sha256[:16]}"
    # Files whose performer is not told may all be one performer's.
    return _named(dataset, told.get(dataset.disjoint_by, "not told"))


def _named(dataset: Dataset, value: Value) -> str:
    return f"{dataset.disjoint_by} {value}"


class _Work:
    """The datasets among the files. An index is read when the first file asks for it."""

    def __init__(self, copies: Copies, files: Iterable[File]) -> None:
        self.copies = copies
        self._read: dict[tuple[str, str], Columns | Drop] = {}  # (dataset, base)
        self._of: dict[str, str] = {}  # the path of an index that was read -> its dataset
        paths = {path for dataset, base in copies.bases() if (path := copies.index(dataset, base)) is not None}
        self._indexes = {file.path: file for file in files if file.path in paths} if paths else {}

    def place(self, file: File) -> Place | None:
        return self.copies.place(file.path)

    def labels(self, place: Place) -> Mapping[str, Value] | Drop:
        """What is known of a file; a Drop where its dataset tells labels, and none of them is known."""
        columns = self._columns(place.dataset, place.base)
        if isinstance(columns, Drop):
            return columns
        told = labelling.labels(place, columns or {})
        if place.dataset.labels and not told and place.dataset.index is not None:
            table = place.dataset.index.file
            if columns is None:
                return Drop(
                    "no_labels", f"{table} tells its labels, and is not there: fetch it, or name the dataset's whole folder"
                )
            return Drop("no_labels", f"{table} tells its labels, and does not name it")
        return told

    def published_groups(self, name: str) -> set[str]:
        """The groups that the registry or an index names, whether their files are here or not."""
        dataset = self.copies.known[name]
        rows = [columns for (owner, _), columns in self._read.items() if owner == name and not isinstance(columns, Drop)]
        return {_named(dataset, value) for value in labelling.published_values(dataset, dataset.disjoint_by, rows)}

    def why_not(self, path: str) -> Drop:
        if path in self._of:
            return Drop("index", f"it tells of the files of {self._of[path]}")
        return Drop("not_of_the_dataset", "its path is not one of a known dataset's files")

    def _columns(self, dataset: Dataset, base: str) -> Columns | Drop | None:
        """The rows of the index below this base, or None where there is none."""
        path = self.copies.index(dataset, base)
        if path is None or path not in self._indexes:
            return None
        if (dataset.name, base) not in self._read:
            self._read[dataset.name, base] = _read(self._indexes[path], dataset)
            self._of[path] = dataset.name
        return self._read[dataset.name, base]


def _read(file: File, dataset: Dataset) -> Columns | Drop:
    if file.size > labelling.LARGEST_INDEX:
        return Drop("bad_index", f"{file.path}, which tells its labels, has {file.size:,} bytes: too many for an index")
    try:
        return labelling.columns(read_source(file), dataset)
    except BadIndex as error:
        return Drop("bad_index", f"{file.path}, which tells its labels, cannot be read ({error}): fetch it again")
