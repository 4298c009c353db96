"""What a version consists of, where its bytes lie, and which version readers see.

    PREFIX/<path>                              the files of the newest version, as they lie in the folder
    PREFIX/.motet/latest.json                  {"version": 3, "manifest": ".motet/manifests/3.json"}
    PREFIX/.motet/manifests/<version>.json     of each file: path, key, size, sha256, etag; keys begin at PREFIX
    PREFIX/.motet/kept/<version>/<path>        bytes of old versions whose place newer ones took
    PREFIX/.motet/claim.json                   who publishes just now
    PREFIX/.motet/pending.json                 what an unfinished publication may have put; gone when it is done

A reader takes `latest.json`, then the manifest, then what it names. One who holds a manifest for long may find, by its checksums,
that bytes have moved since: reading the manifest again tells where to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from motet.errors import UserError
from motet.publish.plan import OURS

__all__ = [
    "CLAIM",
    "KEPT",
    "LATEST",
    "MANIFESTS",
    "PENDING",
    "Entry",
    "Manifest",
    "Pending",
    "Pointer",
    "kept_key",
    "manifest_key",
]

LATEST = f"{OURS}/latest.json"
PENDING = f"{OURS}/pending.json"
CLAIM = f"{OURS}/claim.json"
MANIFESTS = f"{OURS}/manifests/"
KEPT = f"{OURS}/kept/"


def manifest_key(version: int) -> str:
    return f"{MANIFESTS}{version}.json"


def kept_key(version: int, path: str) -> str:
    return f"{KEPT}{version}/{path}"


@dataclass(frozen=True)
class Entry:
    """One file of a version. `etag` is what the store called the bytes of `sha256` at `key`."""

    path: str
    key: str
    size: int
    sha256: str
    etag: str


@dataclass(frozen=True)
class Manifest:
    version: int
    made_at: str  # ISO 8601, UTC
    files: Mapping[str, Entry]  # by path

    def data(self) -> bytes:
        files = [{**vars(self.files[path])} for path in sorted(self.files)]
        return _data({"version": self.version, "made_at": self.made_at, "files": files})

    def but(self, entries: Iterable[Entry]) -> Manifest:
        """The same version with these entries instead of those of the same paths."""
        return Manifest(self.version, self.made_at, {**self.files, **{entry.path: entry for entry in entries}})

    @staticmethod
    def read(data: bytes, where: str) -> Manifest:
        with _blaming(where):
            told = json.loads(data)
            entries = (Entry(*(_kind(one[name], kind) for name, kind in _FIELDS.items())) for one in told["files"])
            files = {entry.path: entry for entry in entries if _inside(entry)}
            if len(files) != len(told["files"]):
                raise ValueError
            return Manifest(_kind(told["version"], int), _kind(told["made_at"], str), files)


@dataclass(frozen=True)
class Pointer:
    version: int
    etag: str = ""  # of the pointer's own object

    def data(self) -> bytes:
        return _data({"version": self.version, "manifest": manifest_key(self.version)})

    @staticmethod
    def read(data: bytes, etag: str, where: str) -> Pointer:
        with _blaming(where):
            told = json.loads(data)
            version = _kind(told["version"], int)
            if told["manifest"] != manifest_key(version) or version < 1:
                raise ValueError
            return Pointer(version, etag)


@dataclass(frozen=True)
class Pending:
    """What is ours at the final keys though no version names it: by path the checksums of what publications that did not end
    meant to put there, and the ETags of old bytes that are kept elsewhere already."""

    meant: dict[str, list[str]] = field(default_factory=dict)
    free: dict[str, str] = field(default_factory=dict)

    def data(self) -> bytes:
        return _data({"meant": self.meant, "free": self.free})

    @staticmethod
    def read(data: bytes, where: str) -> Pending:
        with _blaming(where):
            told = json.loads(data)
            meant = {str(path): [_kind(one, str) for one in sums] for path, sums in told["meant"].items()}
            return Pending(meant, {str(path): _kind(etag, str) for path, etag in told["free"].items()})


_FIELDS: dict[str, type] = {"path": str, "key": str, "size": int, "sha256": str, "etag": str}


def _data(told: Any) -> bytes:
    return json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def _kind(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError
    return value


def _inside(entry: Entry) -> bool:
    """A manifest may name its own keys only: whoever can write there should not make us delete or copy others."""
    return not any(part in ("", ".", "..") for name in (entry.path, entry.key) for part in name.split("/")) and (
        entry.key == entry.path or (entry.key.startswith(KEPT) and entry.key.endswith(f"/{entry.path}"))
    )


class _blaming:
    def __init__(self, where: str) -> None:
        self.where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (ValueError, TypeError, LookupError, AttributeError, RecursionError)):
            raise UserError(f"{self.where} is damaged: publish to another place, or put the file back as it was.", 1) from error
