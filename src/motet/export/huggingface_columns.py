"""The columns of examples, with the types that `datasets` of Hugging Face gives them, in its three ways of writing them.

As an Arrow schema; as JSON in that schema's metadata under the key `huggingface`, where `Features.from_arrow_schema` looks; and
as YAML at the head of a dataset's card (huggingface/datasets, `features/features.py`). `datasets` itself is not needed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from motet.export.example import FACTS, Choice, Example, Licence, Stem

__all__ = ["Column", "as_yaml", "columns", "features_of", "layout", "plain_columns", "plain_row", "schema", "stem_row", "text"]

CHUNKS = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}  # as `datasets` cuts pages

Column = str | list["Column"] | dict[str, "Column"]
"""The type of a column: a name of ARROW, "audio", "video", a list of one type, or a struct of several."""

MEDIA = ("audio", "video")  # structs of bytes and path: `datasets.Audio`, `datasets.Video`
BINARY = (*MEDIA, "binary")
LICENCE: dict[str, Column] = dict.fromkeys(("what", "name", "licence", "holder", "url"), "string")
TYPES: dict[type, Column] = {float: "float64", int: "int64", str: "string", list: ["string"]}


def plain_columns(choice: Choice) -> dict[str, Column]:
    """What is known of an example, without its sound, film and notes: the same columns in every split."""
    told: dict[str, Column] = dict.fromkeys(("id", "song", "path", "title", "artist"), "string")
    told |= dict.fromkeys(("start", "end", "seconds"), "float64")
    if choice.has("captions"):
        told |= {"captions": ["string"], "caption_forms": ["string"]} if choice.captions == "all" else {"captions": "string"}
    return told | {name: TYPES[kind] for name, kind in FACTS.items()} | {"licences": [LICENCE]}


def columns(choice: Choice) -> dict[str, Column]:
    voices: dict[str, Column] = {}
    if choice.has("mix"):
        voices["audio"] = "audio"
    if choice.has("video"):
        voices["video"] = "video"
    if choice.has("midi"):
        voices["midi"] = "binary"
    if choice.has("stems"):
        stem: dict[str, Column] = {
            "name": "string",
            "role": "string",
            "program": "int32",
            "is_drum": "bool",
            "played_by": "string",
        }
        voices["stems"] = [stem | {"audio": "audio"} | ({"midi": "binary"} if choice.has("midi") else {})]
    return {"id": "string"} | voices | plain_columns(choice)


def plain_row(example: Example, choice: Choice) -> dict[str, Any]:
    """The values of `plain_columns`. What is not known is None, or [] for a list; halves of surrogate pairs are written out."""
    row: dict[str, Any] = {
        "id": text(example.id),
        "song": text(example.song),
        "path": text(example.path),
        "title": text(example.title) or None,
        "artist": text(example.artist) or None,
        "start": float(example.start),
        "end": float(example.end),
        "seconds": float(example.seconds),
    }
    if choice.has("captions"):
        texts = [text(one) for one in choice.texts(example)]
        if choice.captions == "all":
            row |= {"captions": texts, "caption_forms": [text(form) for form in example.caption_forms[: len(texts)]]}
        else:
            row["captions"] = texts[0] if texts else None
    row |= {name: _fact(kind, example.facts.get(name)) for name, kind in FACTS.items()}
    return row | {"licences": [_licence(licence) for licence in example.licences]}


def text(words: str) -> str:
    """Text that UTF-8 can hold: half a surrogate pair, as in a file name of another encoding, becomes its number."""
    return words.encode(errors="backslashreplace").decode()


def _fact(kind: type, value: Any) -> Any:
    if kind is list:
        return [text(str(one)) for one in value or ()]
    if value is None or (kind is float and not math.isfinite(value)):
        return None
    return text(str(value)) if kind is str else kind(value)


def _licence(licence: Licence) -> dict[str, str | None]:
    return {name: text(getattr(licence, name)) or None for name in LICENCE}


def stem_row(stem: Stem) -> dict[str, Any]:
    return {
        "name": text(stem.name),
        "role": text(stem.role) or None,
        "program": stem.program,
        "is_drum": stem.is_drum,
        "played_by": text(stem.played_by) or None,
    }


def schema(wanted: Mapping[str, Column]) -> Any:
    """The Arrow schema of columns, with the features that `datasets` reads in its metadata."""
    import pyarrow as pa

    features = {"info": {"features": {name: _feature(kind) for name, kind in wanted.items()}}}
    fields = [pa.field(name, arrow(kind)) for name, kind in wanted.items()]
    return pa.schema(fields, {"huggingface": json.dumps(features)})


def arrow(kind: Column) -> Any:
    import pyarrow as pa

    if isinstance(kind, list):
        return pa.list_(arrow(kind[0]))
    if isinstance(kind, dict):
        return pa.struct([pa.field(name, arrow(one)) for name, one in kind.items()])
    if kind in MEDIA:
        return pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
    return {
        "bool": pa.bool_,
        "int32": pa.int32,
        "int64": pa.int64,
        "float64": pa.float64,
        "binary": pa.binary,
        "string": pa.string,
    }[kind]()


def _feature(kind: Column) -> Any:
    """A feature as JSON. A list as a list, which also releases before 4.0 know, not as a `List`."""
    if isinstance(kind, list):
        return [_feature(kind[0])]
    if isinstance(kind, dict):
        return {name: _feature(one) for name, one in kind.items()}
    return {"_type": kind.capitalize()} if kind in MEDIA else {"dtype": kind, "_type": "Value"}


def as_yaml(kind: Column) -> dict[str, Any]:
    """A feature as `Features._from_yaml_list` reads it from a card."""
    if isinstance(kind, list):
        inner = as_yaml(kind[0])
        return {"list": inner.get("struct", inner.get("dtype", inner))}
    if isinstance(kind, dict):
        return {"struct": [{"name": name} | as_yaml(one) for name, one in kind.items()]}
    return {"dtype": kind}


def layout(wanted: Mapping[str, Column]) -> dict[str, Any]:
    """How columns are stored: sound as it is, words packed, every page with its checksum, and an index of the pages."""
    leaves = {leaf: kind for name, column in wanted.items() for leaf, kind in _leaves(name, column)}
    plain = [leaf for leaf, kind in leaves.items() if kind != "binary"]
    return {
        "compression": {leaf: "none" if kind == "binary" else "snappy" for leaf, kind in leaves.items()},
        "use_dictionary": plain,
        "write_statistics": plain,
        "write_page_index": True,
        "write_page_checksum": True,
        "use_content_defined_chunking": CHUNKS,
    }


def _leaves(path: str, kind: Column) -> Iterator[tuple[str, str]]:
    if isinstance(kind, list):
        yield from _leaves(f"{path}.list.element", kind[0])
    elif isinstance(kind, dict):
        for name, one in kind.items():
            yield from _leaves(f"{path}.{name}", one)
    elif kind in MEDIA:
        yield from ((f"{path}.bytes", "binary"), (f"{path}.path", "string"))
    else:
        yield path, kind


def features_of(kind: Any) -> dict[str, Column]:
    """The columns that the metadata of an Arrow schema names; {} where `datasets` would find none there.

    Raises ValueError, LookupError, TypeError or AttributeError for metadata that it would choke on.
    """
    said = (kind.metadata or {}).get(b"huggingface")
    features = (json.loads(said).get("info") or {}).get("features") if said else None
    return {name: _column(feature) for name, feature in (features or {}).items()}


def _column(feature: Any) -> Column:
    if isinstance(feature, list):
        return [_column(feature[0])]
    if "_type" not in feature or isinstance(feature["_type"], dict):
        return {name: _column(one) for name, one in feature.items()}
    if feature["_type"] in ("List", "LargeList", "Sequence"):
        return [_column(feature["feature"])]
    return str(feature["dtype"] if feature["_type"] == "Value" else feature["_type"].lower())
