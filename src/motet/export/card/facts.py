"""What a card is written from: plain values, whoever knows them. "" , None and () stand for what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from motet.export.card.figures import Measured

__all__ = ["CardFacts", "DropLine", "Origin", "Quality", "SplitProof", "StageLine"]


@dataclass(frozen=True)
class StageLine:
    """One step of the recipe. `settings` are those unlike the defaults; rows in and out are None where nobody counted."""

    name: str
    version: int
    about: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    rows_in: int | None = None
    rows_out: int | None = None


@dataclass(frozen=True)
class DropLine:
    """Rows of a stage that were left out for one reason. `what` they are, in the plural: "songs"."""

    stage: str
    reason: str
    count: int
    what: str = "rows"
    meaning: str = ""


@dataclass(frozen=True)
class Origin:
    """A source that was read: what it is called, how much of it there was, and how to tell that one has the same."""

    name: str
    kind: str = ""  # midi | recordings | films | list
    files: int | None = None
    bytes: int | None = None
    verify: str = ""  # a digest, or an address with one
    licence: str = ""
    url: str = ""


@dataclass(frozen=True)
class SplitProof:
    """What was found when splits were looked over again. `pairs` are near-duplicate pairs, `across` of each should be 0."""

    clusters: int
    artists: int
    clusters_across: int
    artists_across: int
    pairs: int | None = None
    pairs_across: int | None = None
    left_out: int = 0  # songs that would have joined two splits
    note: str = ""


@dataclass(frozen=True)
class Quality:
    """One figure of how good something is: what it is, of how many, who was not asked, and the worst there is."""

    name: str
    value: str
    n: int
    excluded: str = ""
    worst: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class CardFacts:
    """All that a card says. Everything in it may be hostile: names, paths, settings and captions are shown as they are."""

    title: str
    measured: Measured
    purpose: str = ""  # why it was made, in its maker's words
    version: str = ""  # of the dataset
    maker: str = ""  # whom to ask
    recipe: str = ""
    recipe_about: str = ""
    stages: tuple[StageLine, ...] = ()
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)  # of Motet, Python and libraries
    command: str = ""  # that makes it again
    needs: tuple[str, ...] = ()  # what that command needs, as sentences
    repeats: str = ""  # how equal the result will be, as a sentence
    sources: tuple[Origin, ...] = ()
    drops: tuple[DropLine, ...] = ()
    proof: SplitProof | None = None
    quality: tuple[Quality, ...] = ()
    caption_makers: tuple[str, ...] = ()  # grammar, a model's name
    limits: tuple[str, ...] = ()
    form: str = ""  # of the export: huggingface, webdataset
    load: str = ""  # Python that loads it
    front: Mapping[str, Any] = field(default_factory=dict)  # of the form: configs, dataset_info
    language: str = "en"  # of the captions, ISO 639-1
