"""Archives as their publisher made them, against the sizes and checksums that were published."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from motet.files.places import stamp
from motet.inventory.known import Dataset, Download
from motet.inventory.verifying.hashing import Algorithm, Hashes, Watch, digests
from motet.inventory.verifying.members import parted
from motet.inventory.verifying.troubles import Trouble, What

_SUMS: tuple[Algorithm, ...] = ("md5", "sha1", "sha256")


def compare(where: str, dataset: Dataset, full: bool, cache: Hashes | None, watch: Watch | None) -> tuple[list[Trouble], int]:
    """What is wrong with the downloads that lie in a copy's folder, beside it, or hold it, and how many checksums are right.

    Without `full` only sizes are compared.
    """
    troubles: list[Trouble] = []
    matched = 0
    for path, published in _candidates(where, dataset):
        trouble, fits = _compared(path, published, full, cache, watch)
        troubles += [trouble] if trouble else []
        matched += fits
    return troubles, matched


def _candidates(where: str, dataset: Dataset) -> Iterator[tuple[str, list[Download]]]:
    by_name: dict[str, list[Download]] = {}
    for download in dataset.downloads:
        name = unquote(urlsplit(download.url).path.rpartition("/")[2]).lower()
        if download.kind in ("http", "zenodo") and name and (download.bytes or download.md5 or download.sha1 or download.sha256):
            by_name.setdefault(name, []).append(download)
    archive = parted(where)[0]
    home = archive or where.rstrip("/")
    for folder in (os.path.dirname(home), *(() if archive else (home,))):
        if not by_name or not os.access(folder, os.R_OK | os.X_OK):
            continue
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name.lower() in by_name)
        yield from ((os.path.join(folder, name), by_name[name.lower()]) for name in names)
    if archive and os.path.basename(archive).lower() not in by_name and os.path.isfile(archive):
        size = os.stat(archive).st_size
        # Of another name, it is one of them if it has as many bytes; else somebody packed it, which is no trouble.
        if same := [one for listed in by_name.values() for one in listed if one.bytes == size]:
            yield archive, same


def _compared(
    path: str, published: list[Download], full: bool, cache: Hashes | None, watch: Watch | None
) -> tuple[Trouble | None, bool]:
    try:
        status = os.stat(path)
    except OSError as error:
        return Trouble(path, "unreadable", f"The system does not let us read it: {error.strerror}."), False
    if not stat.S_ISREG(status.st_mode):
        return None, False
    state = stamp(status)
    fitting = [one for one in published if one.bytes in (None, status.st_size)]
    if not fitting:
        size = max(one.bytes or 0 for one in published)
        what: What = "truncated" if status.st_size < size else "checksum"
        return Trouble(path, what, f"It has {status.st_size:,} bytes where {size:,} are published.", state), False
    summed = [one for one in fitting if one.md5 or one.sha1 or one.sha256]
    if not full or not summed:
        return None, False
    wanted = frozenset(name for name in _SUMS if any(getattr(one, name) for one in summed))
    (digest,) = digests([(path, status.st_size)], wanted, cache=cache, workers=1, watch=watch)
    if digest.fault:
        return Trouble(path, "unreadable", digest.fault, state), False
    if any(all(getattr(one, name) in ("", getattr(digest, name)) for name in _SUMS) for one in summed):
        return None, True
    return Trouble(path, "checksum", "Its checksum is not the published one: it was changed or damaged.", state), False
