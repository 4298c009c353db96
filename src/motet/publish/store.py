"""Publish a folder to a bucket or a folder, so that a reader sees the old version or the new one and never half of either."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace as changed
from datetime import UTC, datetime
from pathlib import Path

from motet.errors import UserError
from motet.export.example import Fault
from motet.publish.addresses import open_place
from motet.publish.manifest import CLAIM, KEPT, LATEST, PENDING, Entry, Manifest, Pending, Pointer, kept_key, manifest_key
from motet.publish.place import ANYTHING, Overtaken, Place, Seen, together
from motet.publish.plan import OURS, Local, Plan, Published, Watch, caches, folder_files, named, refuse
from motet.publish.standing import Journal, Standing, compare, standing
from motet.wording import several

__all__ = ["publish", "verify"]

PARALLEL = 32


def publish(
    folder: Path,
    url: str,
    *,
    replace: bool = False,
    forget: bool = False,
    dry_run: bool = False,
    take_over: bool = False,
    endpoint: str | None = None,
    parallel: int = PARALLEL,
    watch: Watch | None = None,
    made_at: datetime | None = None,
    cache: Path | None = None,
) -> Published:
    """Send what is new to `s3://bucket/prefix`, `file://` or a path, as the next version; equal bytes are not sent again.

    Nothing that a version names is changed without `replace`, which keeps the old bytes under `.motet/kept` for the old versions.
    `forget` is for a takedown: it replaces, and then only what the folder holds stays at the destination; old versions keep what
    of them is still there. Stopped at any moment and called again, it goes on; what was stopped on another
    machine wants `take_over`. `cache` is a folder for checksums and for what was sent.

    Raises Refused where something that exists would be lost, UserError for what else a person can mend; what readers see is then
    as it was.
    """
    if not 1 <= parallel <= 256:
        raise UserError(f"{parallel} at a time cannot be: 1 to 256.")
    place = open_place(url, endpoint, Path(folder))
    files = folder_files(folder, cache=cache)
    if not files:
        raise UserError(f"{folder} holds no files to publish: name the folder of an export.")
    memory = cache or caches()
    journal = Journal(None if dry_run else memory, f"{endpoint or ''} {place.url}")
    now = standing(place)
    plan = compare(files, now, place, journal, parallel)
    if dry_run:
        return Published(now.version, len(plan.sending), len(plan.same), plan.bytes, plan.gone, place.url, plan)
    if not (replace or forget) and now.latest:
        refuse(plan, now.version)
    if not (_differs(plan, now) or forget or now.as_of[1] or CLAIM in now.listing):  # of a killed one there is something to clear
        return Published(now.version, 0, len(plan.same), 0, (), place.url, plan)
    with place.claimed(memory, take_over) as still:
        if tuple((place.read(key) or ("", ""))[1] for key in (LATEST, PENDING)) != now.as_of:
            now = standing(place)
            plan = compare(files, now, place, journal, parallel)
            if not (replace or forget) and now.latest:
                refuse(plan, now.version)
        if _differs(plan, now):
            now = _meant(place, now, plan)
            if plan.changed or plan.gone:
                now = _kept(place, now, plan, parallel)
            still()
            entries = _sent(place, plan, now, journal, watch, parallel)
            _arrived(place, entries, files)
            still()
            now = _out(place, now, entries, made_at or datetime.now(UTC))
        if forget:
            _forgotten(place, now)
        _clear(place, now, journal)
    remarks = (_HISTORY,) if forget else ()
    return Published(now.version, len(plan.sending), len(plan.same), plan.bytes, plan.gone, place.url, plan, remarks)


_HISTORY = "Where the bucket keeps old versions of objects by itself, it still has the bytes: delete them there."


def verify(url: str, *, endpoint: str | None = None, whole: bool = False, parallel: int = PARALLEL) -> list[Fault]:
    """What the destination lacks of what its newest version promises, by checksum.

    An object whose ETag is still that of the bytes that were checked when they were sent counts as equal; all others are read,
    and with `whole` every one is.
    """
    place = open_place(url, endpoint, None)
    now = standing(place)
    if now.latest is None:
        return [Fault("nothing published", LATEST, f"There is no {LATEST} at {place.url}: nothing was published there.")]
    faults = []
    doubtful = []
    for entry in now.latest.files.values():
        seen = now.listing.get(entry.key)
        if seen is None:
            faults.append(Fault("missing", entry.key, f"{entry.key} of version {now.version} is not there."))
        elif seen.size != entry.size:
            faults.append(Fault("damaged", entry.key, f"{entry.key} has {seen.size:,} bytes instead of {entry.size:,}."))
        elif whole or not place.lasting or seen.etag != entry.etag:
            doubtful.append(entry)
    for entry, sha256 in together(doubtful, lambda entry: place.sha256(entry.key), parallel):
        if sha256 != entry.sha256:
            faults.append(Fault("damaged", entry.key, f"{entry.key} holds other bytes than version {now.version} says."))
    keys = {entry.key for manifest in now.manifests(place).values() for entry in manifest.files.values()}
    for key in now.listing:
        if key not in keys and not key.startswith(f"{OURS}/"):
            faults.append(Fault("extra", key, f"{key} belongs to no version.", fatal=False))
    return sorted(faults, key=lambda fault: (not fault.fatal, fault.where))


def _differs(plan: Plan, now: Standing) -> bool:
    """Whether there is a new version to make: also where the same bytes came back to places a replacement had begun to take."""
    if now.latest is None or plan.sending or plan.gone:
        return True
    entries = now.latest.files
    return any(local.path not in entries or entries[local.path].key != local.path for local in plan.same)


def _meant(place: Place, now: Standing, plan: Plan) -> Standing:
    """Say what is about to be put, so that what a kill leaves behind is known for ours."""
    meant = dict(now.pending.meant)
    for local in plan.sending:
        meant[local.path] = sorted({*meant.get(local.path, ()), local.sha256})
    for path in plan.gone:  # kept elsewhere first, and then nobody's: cleared at the end, by whoever gets there
        if now.latest and (old := now.latest.files.get(path)) and old.key == path:
            meant[path] = sorted({*meant.get(path, ()), old.sha256})
    free = dict(now.pending.free)
    free |= {local.path: now.listing[local.path].etag for local in plan.changed if local.path in now.listing}
    pending = Pending(meant, free)
    place.write(PENDING, pending.data(), ANYTHING)
    return changed(now, pending=pending)


def _kept(place: Place, now: Standing, plan: Plan, parallel: int) -> Standing:
    """Copy what will be replaced or go, lead all versions there, and only then let the places be taken."""
    manifests = now.manifests(place)
    moved: dict[str, int] = {}
    for path in (*(local.path for local in plan.changed), *plan.gone):
        naming = [v for v, m in manifests.items() if (entry := m.files.get(path)) and entry.key == path]
        if naming and path in now.listing:
            moved[path] = max(naming)
    listing = place.listing() if moved else now.listing

    def copied(path: str) -> Entry:
        entry = manifests[moved[path]].files[path]
        key = kept_key(moved[path], path)
        there, here = listing.get(key), listing.get(path)
        if here is None or (here.etag != entry.etag and place.sha256(path) != entry.sha256):
            raise Overtaken(path)
        if there is None or there.size != entry.size or place.sha256(key) != entry.sha256:
            return changed(entry, key=key, etag=place.copy(path, key, entry.size, entry.sha256))
        return changed(entry, key=key, etag=there.etag)

    kept = [entry for _, entry in together(moved, copied, parallel)]
    for version in sorted(manifests):
        mine = [
            entry for entry in kept
            if (old := manifests[version].files.get(entry.path)) and old.key == entry.path and old.sha256 == entry.sha256
        ]  # fmt: skip
        if mine:
            manifests[version] = manifests[version].but(mine)
            place.write(manifest_key(version), manifests[version].data(), ANYTHING)
    return changed(now, latest=manifests.get(now.version), all=manifests)


def _sent(
    place: Place, plan: Plan, now: Standing, journal: Journal, watch: Watch | None, parallel: int
) -> dict[str, Entry]:  # fmt: skip
    """Entries of the new version by path."""
    entries = {}
    for local in plan.same:
        entries[local.path] = Entry(local.path, local.path, local.size, local.sha256, now.listing[local.path].etag)
    files = size = 0

    def put(local: Local) -> str:
        seen = now.listing.get(local.path)
        return place.put(local, seen.etag if seen else "")

    with closing(journal):
        for local, etag in together(plan.sending, put, parallel):
            entries[local.path] = Entry(local.path, local.path, local.size, local.sha256, etag)
            journal.sent(entries[local.path])
            files, size = files + 1, size + local.size
            if watch:
                watch(files, size)
    return entries


def _arrived(place: Place, entries: Mapping[str, Entry], files: list[Local]) -> None:
    """Everything is there under the checksum it was sent with, and the folder is still what was sent."""
    listing = place.listing()
    wrong = [e.path for e in entries.values() if listing.get(e.path) != Seen(e.size, e.etag)]
    if wrong:
        raise UserError(
            f"{several(len(wrong), 'object')} changed at {place.url} meanwhile ({named(wrong)}): see who else writes there, "
            "and publish again.",
            1,
        )  # fmt: skip
    for local in files:
        local.check()


def _out(place: Place, now: Standing, entries: Mapping[str, Entry], made_at: datetime) -> Standing:
    """The manifest, and then the pointer, which the first of two publishers gets."""
    version = now.version + 1
    manifest = Manifest(version, made_at.astimezone(UTC).isoformat(timespec="seconds"), entries)
    place.write(manifest_key(version), manifest.data(), ANYTHING)
    pointer = Pointer(version)
    etag = place.write(LATEST, pointer.data(), now.pointer.etag if now.pointer else "")
    return changed(now, pointer=changed(pointer, etag=etag), latest=manifest, all=now.all and {**now.all, version: manifest})


def _forgotten(place: Place, now: Standing) -> None:
    """All bytes go that the newest version does not name. Old versions keep what of them is left; their lists are shortened
    after, so that a run that is killed here leaves nothing behind that the next one would not find."""
    assert now.latest is not None
    fresh = now.latest.files
    manifests = now.manifests(place)
    keys = {entry.key for manifest in manifests.values() for entry in manifest.files.values()}
    listing = place.listing()
    gone = {key for key in listing if key.startswith(KEPT)} | (keys & listing.keys())
    place.delete(sorted(gone - {entry.key for entry in fresh.values()}))
    for version, manifest in sorted(manifests.items()):
        left = {p: fresh[p] for p, entry in manifest.files.items() if p in fresh and fresh[p].sha256 == entry.sha256}
        if left != manifest.files:
            place.write(manifest_key(version), changed(manifest, files=left).data(), ANYTHING)


def _clear(place: Place, now: Standing, journal: Journal) -> None:
    """What publications that did not end have put, and no version names, goes: nobody would know it for ours later."""
    maybe = [path for path in now.pending.meant if path in now.listing and not now.entry(path)]
    if maybe:
        taken = {entry.key for manifest in now.manifests(place).values() for entry in manifest.files.values()}
        place.delete([path for path in maybe if path not in taken and place.sha256(path) in now.pending.meant[path]])
    if now.pending.meant or now.pending.free or PENDING in now.listing:
        place.delete([PENDING])
    journal.clear()
