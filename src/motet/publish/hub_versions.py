"""What the Hub has, which version its pointer names, and what of a folder is new, changed, the same or gone there.

.motet/latest.json                  {"version": 3, "tag": "v3", "manifest": ".motet/manifests/3.json"}
.motet/manifests/<version>.json     of each file: path, key, size, sha256, etag (git's id of what git holds)
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from motet.errors import UserError
from motet.publish.hub_client import Client
from motet.publish.manifest import LATEST, Entry, Manifest, manifest_key
from motet.publish.plan import Local, Plan, Refused, named
from motet.wording import several

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile

__all__ = [
    "ATTRIBUTES",
    "CARD",
    "Last",
    "There",
    "compare",
    "equal",
    "last_version",
    "look",
    "made",
    "same",
    "sendable",
    "written",
]

CARD, ATTRIBUTES = "README.md", ".gitattributes"
_FORBIDDEN = {".git", ".cache"}  # huggingface_hub takes no path with such a folder
_TAG = re.compile(r"[\w][\w./-]{0,255}", re.ASCII)
_EMPTY_CARD = re.compile(rb"\s*(?:---\s*(?:license:[^\n]*\s*)?---\s*)?(?:#[^\n]*\s*)?")


@dataclass(frozen=True)
class There:
    """A branch or tag as it is: its commit and all files."""

    head: str
    files: dict[str, RepoFile]


@dataclass(frozen=True)
class Last:
    """The version the pointer names; 0 where there is none."""

    version: int = 0
    tag: str = ""
    files: Mapping[str, Entry] = field(default_factory=dict)


def look(client: Client, revision: str | None = None) -> There | None:
    head = client.head(revision)
    return None if head is None else There(head, client.listing(head))


def sendable(files: Iterable[Local]) -> tuple[list[Local], list[str]]:
    """What may be sent, and remarks on what is left out."""
    here, remarks = [], []
    for local in files:
        if _FORBIDDEN & set(local.path.split("/")):
            raise UserError(f"{named([local.path])} cannot be on the Hub, which takes no folder .git or .cache: move it away.")
        if local.path == ATTRIBUTES:
            remarks.append(f"{ATTRIBUTES} is left out: the Hub keeps its own.")
        else:
            here.append(local)
    if not here:
        raise UserError("The folder holds no file to publish: name the folder of a finished export.")
    return here, remarks


def last_version(client: Client, there: There | None) -> Last:
    """The version the pointer names. Raises UserError where pointer or manifest is none of ours."""
    if there is None or LATEST not in there.files:
        return Last()
    try:
        pointer = json.loads(client.read(there.files[LATEST], there.head))
        version, tag, path = pointer["version"], pointer["tag"], pointer["manifest"]
        if type(version) is not int or version < 1 or not _TAG.fullmatch(tag) or path != manifest_key(version):
            raise ValueError
        manifest = Manifest.read(client.read(there.files[path], there.head), path)
        return Last(version, tag, manifest.files)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UserError(
            f"{LATEST} of {client.place.name} does not lead to a manifest: restore it from the history of the repository.", 1
        ) from None


def made(version: int, made_at: str, here: Sequence[Local], there: There) -> Manifest:
    """The manifest of files that all arrived."""
    entries = (Entry(one.path, one.path, one.size, one.sha256, there.files[one.path].blob_id) for one in here)
    return Manifest(version, made_at, {entry.path: entry for entry in entries})


def written(client: Client, there: There, version: int, here: Sequence[Local]) -> bool:
    """Whether the list of this version is there already, from a publication of the same files that was cut off."""
    file = there.files.get(manifest_key(version))
    if file is None:
        return False
    try:
        return same(Manifest.read(client.read(file, there.head), file.path).files, here)
    except (UserError, ValueError):
        return False  # it is written anew


def same(files: Mapping[str, Entry], here: Sequence[Local]) -> bool:
    return {path: entry.sha256 for path, entry in files.items()} == {local.path: local.sha256 for local in here}


def equal(local: Local, file: RepoFile, last: Last) -> bool:
    """By SHA-256 in LFS; else by git's id, for which the file is only read where the last version does not tell."""
    if file.lfs is not None:
        return file.lfs.sha256 == local.sha256
    if file.size != local.size:
        return False
    known = last.files.get(local.path)
    if known is not None and known.etag == file.blob_id:
        return known.sha256 == local.sha256
    return file.blob_id == _git_id(local)


def _git_id(local: Local) -> str:
    """What git calls a file of these bytes: SHA-1 over `blob`, its length, a zero and the bytes."""
    hashed = hashlib.sha1(b"blob %d\0" % local.size, usedforsecurity=False)
    for chunk in local.chunks():
        hashed.update(chunk)
    return hashed.hexdigest()


def compare(client: Client, here: Sequence[Local], there: There | None, *, replace: bool) -> tuple[Last, Plan]:
    """The last version, and what is to do. Raises Refused for what may not be done without `replace`."""
    last = last_version(client, there)
    files = there.files if there else {}
    new: list[Local] = []
    changed: list[Local] = []
    alike: list[Local] = []
    for local in here:
        file = files.get(local.path)
        (new if file is None else alike if equal(local, file, last) else changed).append(local)
    paths = {local.path for local in here}
    plan = Plan(tuple(new), tuple(changed), tuple(alike), tuple(sorted(last.files.keys() & files.keys() - paths)))
    if not replace:
        _refuse(client, plan, there, last)
    return last, plan


def _refuse(client: Client, plan: Plan, there: There | None, last: Last) -> None:
    changed = [local.path for local in plan.changed]
    if there is not None and CARD in changed and CARD not in last.files:
        card = there.files[CARD]
        if card.size <= 4096 and _EMPTY_CARD.fullmatch(client.read(card, there.head)):
            changed.remove(CARD)  # the Hub made it
    if changed:
        of = f"of version {last.version}" if last.version else "in the repository"
        raise Refused(
            f"{several(len(changed), 'file')} {of} would be overwritten ({named(changed)}): "
            "say replace (--replace) to publish a new version; the history keeps the old.",
            changed,
        )
    if plan.gone:
        raise Refused(
            f"{several(len(plan.gone), 'file')} of version {last.version} are no longer in the folder ({named(plan.gone)}): "
            "say replace (--replace) to publish a version without them.",
            plan.gone,
        )
