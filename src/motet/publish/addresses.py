"""Where to publish to, as a person writes it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from motet.errors import UserError
from motet.publish.disk import Disk
from motet.publish.place import Place
from motet.publish.s3 import Bucket

__all__ = ["open_place"]

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}")


def open_place(url: str, endpoint: str | None, source: Path | None) -> Place:
    """`s3://bucket/prefix`, `file:///folder` or a path. `source` is the folder that is published, and must lie elsewhere.

    Raises UserError for anything else, and for credentials in an address, which are not repeated.
    """
    for address in (url, endpoint or ""):
        _check_secrets(address)
    scheme, found, rest = url.partition("://")
    if not found:
        return _disk(Path(url).expanduser(), source)
    if scheme == "file":
        host, _, path = rest.partition("/")
        if host not in ("", "localhost"):
            raise UserError("A file:// address names a folder of this machine: write file:///folder, with three slashes.")
        return _disk(Path(unquote(f"/{path}")), source)
    if scheme != "s3":
        raise UserError("Folders are published to s3://bucket/prefix, hf://datasets/owner/name, file:///folder or a path.")
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.strip("/")
    if not _BUCKET.fullmatch(bucket):
        raise UserError("There is no bucket of that name: write s3://bucket/prefix.")
    bad = not prefix.isprintable() or "\\" in prefix or len(prefix.encode(errors="replace")) > 100
    if prefix and (bad or any(part in ("", ".", "..", ".motet") for part in prefix.split("/"))):
        raise UserError("A prefix is a path of at most 100 bytes without empty parts, dots alone or .motet.")
    if endpoint is not None and urlsplit(endpoint).scheme not in ("http", "https"):
        raise UserError("An endpoint begins with https:// (or http:// on your own machine).")
    return Bucket(bucket, prefix, endpoint)


def _check_secrets(address: str) -> None:
    try:
        parts = urlsplit(address)
        told = "@" in parts.netloc or (parts.scheme in ("s3", "http", "https") and (parts.query or parts.fragment))
    except ValueError:
        raise UserError("That is no address: write s3://bucket/prefix, file:///folder or a path.") from None
    if told:
        raise UserError("An address holds no credentials and no query: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret.")


def _disk(root: Path, source: Path | None) -> Disk:
    if source is not None:
        ours, theirs = Path(os.path.realpath(source)), Path(os.path.realpath(root))
        if ours.is_relative_to(theirs) or theirs.is_relative_to(ours):
            raise UserError(f"{root} and the folder to publish lie in each other: name a folder elsewhere.")
    return Disk(root)
