"""What is known of a published dataset: one registry file, as typed records.

A figure stands only where a source is named: `source` is a key of the file's own `sources`. What nobody published is left
out, and stays unknown.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from motet.inventory.layout import Layout, LayoutError

Modality = Literal["midi", "audio", "video", "text", "score", "features"]
FileKind = Literal["midi", "audio", "video", "image", "text", "table", "array", "archive", "other"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Licence(_Record):
    name: str = Field(description="an SPDX name where there is one, else the words of the licensor")
    url: str = ""
    source: str


class Expected(_Record):
    """How many files belong to each value of one field of a part's names: `{"01": 60, "02": 60}`."""

    field: str
    counts: dict[str, int]
    source: str


class Part(_Record):
    """Files of one sort: what their paths look like below the dataset's folder, and how many there are."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    files: str = Field(description="a path with {fields}, see motet.inventory.layout")
    kind: FileKind
    count: int | None = Field(default=None, ge=1, strict=True, description="in the wanted version")
    count_source: str = ""
    required: bool = Field(
        default=True, description="without it the dataset is not complete; others come in a download of their own"
    )
    telling: bool = Field(default=True, description="a file's name alone tells the dataset; else the folder or an index must")
    each: tuple[Expected, ...] = ()
    named_by: Literal["", "md5"] = Field(default="", description="md5: the name is the MD5 of the content, as in Lakh")
    rate: int | None = Field(default=None, description="Hz of every sample file")
    channels: int | None = None
    seconds: tuple[float, float] | None = Field(default=None, description="shortest and longest, of every sample file")
    properties_source: str = ""

    @model_validator(mode="after")
    def _sourced(self) -> Self:
        if self.count is not None and not self.count_source:
            raise ValueError(f"the count of {self.name} names no count_source")
        if (self.rate or self.channels or self.seconds) and not self.properties_source:
            raise ValueError(f"the properties of {self.name} name no properties_source")
        return self


class Index(_Record):
    """A table inside the dataset that names its files, and often says what they are."""

    file: str = Field(description="its path below the dataset's folder")
    format: Literal["csv", "tsv", "json", "jsonl"]
    paths: dict[str, str] = Field(
        default_factory=dict, description="part -> the column with its paths, below the dataset's folder"
    )
    prefix: str = Field(default="", description="what stands before those paths")
    suffix: str = Field(default="", description="what stands after them")
    seconds: str = Field(default="", description="the column with the length of a row's recording or performance")


class Label(_Record):
    """What a file is, from a field of its path, or from a column of the index."""

    field: str = ""
    column: str = ""
    values: dict[str, str] = Field(default_factory=dict, description="what is written -> what it means; others stay as written")
    pick: str = Field(default="", description="a regular expression whose group 1 is the value: `^[a-z]+` of funk/groove1")
    number: bool = False

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.field) == bool(self.column):
            raise ValueError("a label comes from a field or from a column")
        return self


class Version(_Record):
    """One published version. The first of a dataset's versions is the wanted one."""

    name: str
    marks: tuple[str, ...] = Field(default=(), description="paths below the dataset's folder which only this version has")
    counts: dict[str, int] = Field(default_factory=dict, description="part -> files")
    source: str


class Download(_Record):
    """A way to get parts of it. Several of one `name` are mirrors of each other, tried in order."""

    name: str
    kind: Literal["http", "zenodo", "kaggle", "huggingface", "manual"]
    url: str = Field(default="", description="http, zenodo: the file; manual: the page")
    dataset: str = Field(default="", description="kaggle, huggingface: owner/name")
    gated: bool = Field(default=False, description="huggingface: terms must be accepted on its page first")
    bytes: int | None = Field(default=None, ge=1, strict=True)
    md5: str = Field(default="", pattern=r"^([0-9a-f]{32})?$")
    sha1: str = Field(default="", pattern=r"^([0-9a-f]{40})?$")
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    unpack: Literal["", "zip", "tar"] = ""
    gives: tuple[str, ...] = Field(description="names of parts")
    into: str = Field(default="", description="the folder below the dataset's folder it is unpacked into")
    steps: tuple[str, ...] = Field(default=(), description="manual: what a person does, sentence by sentence")
    source: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind in ("http", "zenodo", "manual") and not self.url:
            raise ValueError(f"the download {self.name} needs a url")
        if self.kind in ("kaggle", "huggingface") and not self.dataset:
            raise ValueError(f"the download {self.name} needs a dataset, owner/name")
        if self.kind == "manual" and not self.steps:
            raise ValueError(f"the download {self.name} is manual and names no steps")
        if (self.bytes or self.md5 or self.sha1 or self.sha256) and not self.source:
            raise ValueError(f"the size or checksum of the download {self.name} names no source")
        return self


def _texts(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]


class Dataset(_Record):
    """A published dataset, as its registry file says."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    about: str = Field(description="one sentence")
    modalities: tuple[Modality, ...]
    tasks: tuple[str, ...] = Field(description="training tasks it serves, see the registry's tasks.yaml")
    licence: Licence
    citation: str
    home: str
    sources: dict[str, str] = Field(description="key -> address or reference of where a figure was read")
    folders: Texts = Field(description="usual names of its folder; without regard to case, - _ . and spaces")
    fields: dict[str, str] = Field(
        default_factory=dict, description="field -> regular expression without groups; else anything but /"
    )
    parts: tuple[Part, ...]
    index: Index | None = None
    labels: dict[str, Label] = Field(default_factory=dict)
    disjoint_by: str = Field(default="", description="the label that train, validation and test must not share")
    published_split: str = Field(default="", description="the label that holds the publisher's own split")
    versions: tuple[Version, ...] = ()
    downloads: tuple[Download, ...] = ()
    traps: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = Field(default=(), description="names of other datasets that could serve instead")
    very_large: bool = Field(default=False, description="left out of recommendations unless asked for")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        parts = {part.name for part in self.parts}
        named = [("count_source", p.count_source) for p in self.parts] + [
            ("source", e.source) for p in self.parts for e in p.each
        ]
        named += [("properties_source", p.properties_source) for p in self.parts]
        named += [("source", v.source) for v in self.versions] + [("source", d.source) for d in self.downloads]
        for what, key in [*named, ("source", self.licence.source)]:
            if key and key not in self.sources:
                raise ValueError(f"{what} {key!r} is not among the sources")
        for part in self.parts:
            try:
                layout = self.layout(part)
            except LayoutError as error:
                raise ValueError(str(error)) from None
            for expected in part.each:
                if expected.field not in layout.fields:
                    raise ValueError(f"{part.name} counts by {expected.field!r}, which its paths do not have")
        for where in [
            *(d.gives for d in self.downloads),
            *(v.counts for v in self.versions),
            *([self.index.paths] if self.index else []),
        ]:
            if unknown := set(where) - parts:
                raise ValueError(f"there is no part called {sorted(unknown)[0]!r}")
        for label in filter(None, (self.disjoint_by, self.published_split)):
            if label not in self.labels:
                raise ValueError(f"there is no label called {label!r}")
        fields = {name for part in self.parts for name in self.layout(part).fields}
        for name, told in self.labels.items():
            if told.field and told.field not in fields:
                raise ValueError(f"the label {name} comes from {told.field!r}, which no path has")
        if any(label.column for label in self.labels.values()) and self.index is None:
            raise ValueError("a label comes from a column, and there is no index")
        return self

    def part(self, name: str) -> Part:
        return next(part for part in self.parts if part.name == name)

    def layout(self, part: Part) -> Layout:
        """How the paths of a part look."""
        return Layout.parse(part.files, self.fields)

    @property
    def version(self) -> str:
        """The wanted version, "" where versions have no names."""
        return self.versions[0].name if self.versions else ""
