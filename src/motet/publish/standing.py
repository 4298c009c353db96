"""How a destination stands: its pointer, its versions and its objects; and what of a folder it lacks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import FileIO
from pathlib import Path

from motet.publish.manifest import LATEST, MANIFESTS, PENDING, Entry, Manifest, Pending, Pointer, manifest_key
from motet.publish.place import Place, Seen, together
from motet.publish.plan import Local, Plan, Refused, named
from motet.wording import several

__all__ = ["Journal", "Standing", "compare", "standing"]


@dataclass(frozen=True)
class Standing:
    """`all` are the manifests by version, where they were asked for."""

    listing: Mapping[str, Seen]
    pointer: Pointer | None = None
    latest: Manifest | None = None
    pending: Pending = field(default_factory=Pending)
    all: dict[int, Manifest] | None = None
    as_of: tuple[str, str] = ("", "")  # ETags of the pointer and of what is pending: who changes anything changes one of them

    @property
    def version(self) -> int:
        """That which readers see; 0 for none."""
        return self.pointer.version if self.pointer else 0

    def entry(self, path: str) -> Entry | None:
        return self.latest.files.get(path) if self.latest else None

    def manifests(self, place: Place) -> dict[int, Manifest]:
        """Of all versions that are out."""
        if self.all is not None:
            return dict(self.all)
        numbers = [key.removeprefix(MANIFESTS).removesuffix(".json") for key in self.listing if key.startswith(MANIFESTS)]
        versions = sorted(
            {int(n) for n in numbers if n.isascii() and n.isdecimal()} | ({self.version} if self.version else set())
        )
        found = {}
        for version in versions:
            if 0 < version <= self.version and (read := place.read(manifest_key(version))):
                found[version] = Manifest.read(read[0], f"{place.url}/{manifest_key(version)}")
        return found


def standing(place: Place) -> Standing:
    """The pointer is read before all else: what changes later is found out when it is written."""
    read = place.read(LATEST)
    pointer = Pointer.read(*read, f"{place.url}/{LATEST}") if read else None
    latest = None
    if pointer:
        where = f"{place.url}/{manifest_key(pointer.version)}"
        told = place.read(manifest_key(pointer.version))
        latest = Manifest.read(told[0] if told else b"", where)
    left = place.read(PENDING)
    pending = Pending.read(left[0], f"{place.url}/{PENDING}") if left else Pending()
    as_of = (read[1] if read else "", left[1] if left else "")
    return Standing(place.listing(), pointer, latest, pending, as_of=as_of)


class Journal:
    """What was sent and checked by a publication that has not ended, here on this machine, so that it need not be asked again."""

    def __init__(self, folder: Path | None, what: str = "") -> None:
        name = hashlib.blake2b(what.encode(errors="replace"), digest_size=12).hexdigest()
        self.file = folder / f"sent-{name}.jsonl" if folder else None
        self.known: dict[str, Entry] = {}
        self._open: FileIO | None = None
        if self.file:
            with suppress(OSError):
                for line in self.file.read_bytes().splitlines():
                    with suppress(ValueError, TypeError):  # cut short by a kill
                        entry = Entry(**json.loads(line))
                        self.known[entry.path] = entry

    def sent(self, entry: Entry) -> None:
        """Remembered on disk at once; where the disk does not let us, the store is asked next time."""
        if self.file is None:
            return
        with suppress(OSError):
            if self._open is None:
                self.file.parent.mkdir(parents=True, exist_ok=True)
                self._open = self.file.open("ab", buffering=0)
            self._open.write(b"\n" + json.dumps(vars(entry)).encode())

    def close(self) -> None:
        if self._open:
            self._open.close()
            self._open = None

    def clear(self) -> None:
        self.close()
        if self.file:
            with suppress(OSError):
                self.file.unlink(missing_ok=True)


def compare(files: list[Local], now: Standing, place: Place, journal: Journal, parallel: int) -> Plan:
    """What would be sent, and what not. Raises Refused for objects that no version of ours names and that hold other bytes."""
    found: dict[str, list[Local]] = {"new": [], "changed": [], "same": [], "stranger": []}
    doubtful = []
    for local in files:
        judged = _at_once(local, now, journal)
        if judged:
            found[judged].append(local)
        else:
            doubtful.append(local)
    if doubtful:
        now = replace(now, all=now.manifests(place))
    for local, judged in together(doubtful, lambda local: _looked_at(local, now, place), parallel):
        found[judged].append(local)
    strangers = [local.path for local in found["stranger"]]
    if strangers:
        raise Refused(
            f"{several(len(strangers), 'object')} at {place.url} would be overwritten that motet did not publish, or that were "
            f"changed since ({named(strangers)}): move them away, or name another place.",
            strangers,
        )
    paths = {local.path for local in files}
    gone = tuple(sorted(path for path in (now.latest.files if now.latest else ()) if path not in paths))
    new, other, same = (tuple(sorted(found[kind], key=lambda local: local.path)) for kind in ("new", "changed", "same"))
    return Plan(new, other, same, gone)


def _at_once(local: Local, now: Standing, journal: Journal) -> str:
    """By what is known already: "new", "changed", "same", or "" where the object must be looked at."""
    entry, seen, sent = now.entry(local.path), now.listing.get(local.path), journal.known.get(local.path)
    other = "changed" if entry and entry.sha256 != local.sha256 else "new"
    if seen is None:
        return other
    if entry and entry.key == local.path and seen == Seen(entry.size, entry.etag):
        return "same" if entry.sha256 == local.sha256 else "changed"
    return "same" if sent and seen == Seen(sent.size, sent.etag) and sent.sha256 == local.sha256 else ""


def _looked_at(local: Local, now: Standing, place: Place) -> str:
    """By the bytes of the object, as the store tells or reads them."""
    seen = now.listing[local.path]
    if place.holds(local, seen):
        return "same"
    entry = now.entry(local.path)
    other = "changed" if entry and entry.sha256 != local.sha256 else "new"
    named_by = [manifest.files[local.path] for manifest in now.manifests(place).values() if local.path in manifest.files]
    if any(one.key == local.path and seen == Seen(one.size, one.etag) for one in named_by):
        return "changed"
    if now.pending.free.get(local.path) == seen.etag:
        return other
    if (meant := now.pending.meant.get(local.path)) and place.sha256(local.path) in meant:
        return other
    return "stranger"
