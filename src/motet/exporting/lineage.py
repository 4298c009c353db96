"""What an example is made of, and under what: its source, its sounds, its tags, its captions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from motet.export.example import Licence

# Columns that every query of examples has, by `JOINS`.
COLUMNS = "lic.licence AS source_licence, lic.holder AS source_holder, lic.url AS source_url"
JOIN = "LEFT JOIN licences lic ON lic.source = c.source"
NONE = "'' AS source_licence, '' AS source_holder, '' AS source_url"


def of_source(row: Mapping[str, Any]) -> Licence:
    return Licence("source", row["path"], row["source_licence"] or "", row["source_holder"] or "", row["source_url"] or "")


def of_sounds(sounds: Iterable[str] | None, licences: Iterable[str] | None) -> Iterator[Licence]:
    """SoundFonts and plug-ins, each once."""
    for name, licence in sorted(set(zip(sounds or (), licences or (), strict=True))):
        yield Licence("sound", name, licence)


def of_tags(sources: Iterable[str]) -> Iterator[Licence]:
    """Services whose words are among the tags; their terms are known by name (`motet.export.licences`)."""
    for name in sorted(set(sources)):
        yield Licence("tags", name, "")


def of_captions(models: Iterable[str] | None) -> Iterator[Licence]:
    """Language models that wrote captions; Motet's own grammar asks nobody."""
    for name in sorted({model for model in models or () if model}):
        yield Licence("captions", name, "")
