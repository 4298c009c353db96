"""Datasets on the Hugging Face Hub: `hf://datasets/owner/name`, or `…/name@branch`, by huggingface_hub.

Files lie in the repository as in the folder. A version is a git tag, `v3` (`branch-v3` on another branch than main): commits of
bounded size bring the files; when the listing shows that all have the checksums of the folder, a manifest is committed and the
tag set; the pointer `.motet/latest.json`, which names version, tag and manifest, is the last commit. Who follows it to the tag
never sees half; who reads the branch itself may, while a publication goes on. Old versions stay under their tags.

What is there by checksum (SHA-256 of LFS files, git's id of others) is not sent again, so a publication that was cut off goes on
where it was, and objects that arrived before their commit are known to the server by their SHA-256.

The client sends large files through Xet where it can. Where the server has no Xet, it is handed open files, which it sends by
git LFS over HTTP; the environment stays as it is. The token comes from HF_TOKEN or `hf auth login`, by the library alone.
Paths and rules: huggingface_hub 2.4, `_commit_api.py` and `hf_api.py`.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from dataclasses import replace as with_other
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from motet.errors import UserError
from motet.export.example import Fault
from motet.publish.hub_client import Client, Operations, Place, connected
from motet.publish.hub_versions import CARD, Last, There, compare, equal, last_version, look, made, same, sendable, written
from motet.publish.manifest import LATEST, MANIFESTS, manifest_key
from motet.publish.plan import Local, Plan, Published, Watch, folder_files, named
from motet.wording import several

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

__all__ = ["publish", "verify"]

FILES = 500  # of one commit; the Hub allows some hundred commits an hour
INLINE = 32 << 20  # bytes of files in one commit that may travel inside its request, held in memory
_MAY_INLINE = 10 << 20  # the Hub wants larger files in LFS whatever they are


@dataclass(frozen=True)
class _How:
    forget: bool
    squash: bool
    made_at: str
    parallel: int
    watch: Watch | None
    remarks: list[str]


def publish(
    folder: Path,
    url: str,
    *,
    replace: bool = False,
    forget: bool = False,
    squash: bool = False,
    public: bool = False,
    dry_run: bool = False,
    made_at: datetime | None = None,
    parallel: int = 8,
    watch: Watch | None = None,
    cache: Path | None = None,
) -> Published:
    """Brings the folder to the Hub as a new version; nothing is sent where the last version is the same.

    A repository that is not there is made, private unless `public`. Files that exist with other bytes, or are no longer in the
    folder, want `replace`. `forget` is for a takedown: it replaces, and no manifest of the branch names what is gone, but git's
    history holds it until `squash` drops the history, older versions, and the bytes that nothing names then. Raises Refused where
    something that exists would be lost, UserError for what else a person can mend.
    """
    place = Place.of(url)
    here, remarks = sendable(folder_files(folder, cache=cache))
    with connected(place, writes=not dry_run) as client:
        own = look(client)
        there = own or (look(client, "main") if place.branch != "main" else None)  # a new branch begins where main is
        last, plan = compare(client, here, there, replace=replace or forget or dry_run)
        if dry_run:
            return _told(url, here, last, plan, squash, remarks)
        if own is None:
            client.create(public)
            there = look(client)
            last, plan = compare(client, here, there, replace=replace or forget)  # someone else may have made it
        assert there is not None
        older = forget and any(path.startswith(MANIFESTS) and path != manifest_key(last.version) for path in there.files)
        told = _told(url, here, last, plan, squash or older, remarks)
        version = last.version
        if told.version != version:
            version = _publish(
                client,
                here,
                there,
                last,
                plan,
                _How(forget, squash, (made_at or datetime.now(UTC)).isoformat(), parallel, watch, remarks),
            )
        elif last.tag not in client.tags():
            client.tag(last.tag, there.head)  # someone took it away
        if forget and not squash and version > 1:
            remarks.append(
                "Git's history and the tags of older versions still hold what was taken down: publish with squash to drop them."
            )
        if squash:
            remarks += _drop(client, version)
        return with_other(told, version=version, remarks=tuple(remarks))


def verify(url: str) -> list[Fault]:
    """What on the Hub is not as the latest version says, at its tag and on the branch. Nothing is read but listings and lists."""
    place = Place.of(url)
    with connected(place, writes=False) as client:
        there = look(client)
        if there is None:
            return [Fault("nothing published", "", f"There is no {url} on the Hub, or the token may not see it.")]
        try:
            last = last_version(client, there)
        except UserError as error:
            return [Fault("damaged", LATEST, str(error))]
        if not last.version:
            return [Fault("nothing published", LATEST, f"There is no {LATEST} in {place.name}: nothing was published there.")]
        faults = []
        tagged = look(client, last.tag)
        if tagged is None:
            faults.append(Fault("missing", last.tag, f"The tag {last.tag} of version {last.version} is gone: publish to set it."))
        for where, at in ((last.tag, tagged), (place.branch, there)):
            for path, entry in last.files.items() if at else ():
                file = at.files.get(path) if at else None
                if file is None:
                    faults.append(Fault("missing", path, f"{named([path])} of version {last.version} is not at {where}."))
                elif file.size != entry.size or (file.lfs.sha256 != entry.sha256 if file.lfs else file.blob_id != entry.etag):
                    faults.append(Fault("damaged", path, f"{named([path])} at {where} is not what version {last.version} says."))
        return faults


def _told(url: str, here: Sequence[Local], last: Last, plan: Plan, anew: bool, remarks: Iterable[str]) -> Published:
    settled = same(last.files, here) and not plan.sending and not plan.gone and not anew
    version = last.version if settled else last.version + 1
    return Published(version, len(plan.sending), len(plan.same), plan.bytes, plan.gone, url, plan, tuple(remarks))


def _publish(client: Client, here: Sequence[Local], there: There, last: Last, plan: Plan, how: _How) -> int:
    """Files, manifest, tag, pointer, in that order. Gives the number of the version."""
    head = _send(client, there.head, plan, how)
    there = There(head, client.listing(head)) if head != there.head else there
    _check(here, there, plan, last)
    tags, place = client.tags(), client.place
    version = last.version + 1
    while (taken := tags.get(place.tag(version))) and not (taken == head and written(client, there, version, here)):
        version += 1  # a publication of other files was cut off before its pointer
    if not taken:
        if not written(client, there, version, here):
            head = client.commit(
                lambda: [_put(manifest_key(version), made(version, how.made_at, here, there).data())],
                f"List version {version}",
                head,
            )
        if how.squash:
            head = client.squash(head)
        client.tag(place.tag(version), head)
    told = {"version": version, "tag": place.tag(version), "manifest": manifest_key(version)}
    pointer = json.dumps(told, indent=1).encode() + b"\n"
    listed = [path for path in there.files if path.startswith(MANIFESTS) and path != manifest_key(version)]
    old = listed if how.forget or how.squash else []  # they name what is taken down
    client.commit(lambda: [_put(LATEST, pointer), *map(_delete, old)], f"Version {version}", head)
    return version


def _send(client: Client, head: str, plan: Plan, how: _How) -> str:
    """Commits of bounded size: what is new, then what replaces or goes; the card last. Gives the newest commit."""
    todo = sorted(plan.new, key=lambda one: one.path == CARD)
    todo = sorted([*todo, *plan.changed], key=lambda one: one.path == CARD)
    batches: list[list[Local]] = [[]]
    room = INLINE
    for local in todo:
        weight = local.size if local.size <= _MAY_INLINE else 0
        if len(batches[-1]) >= FILES or (weight > room and batches[-1]):
            batches.append([])
            room = INLINE
        batches[-1].append(local)
        room -= weight
    files = octets = 0
    for number, batch in enumerate(batches, 1):
        going = plan.gone if number == len(batches) else ()
        if not batch and not going:
            break

        def operations(batch: list[Local] = batch, going: Sequence[str] = going) -> Operations:
            return [*map(client.add, batch), *map(_delete, going)]

        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            head = client.commit(operations, f"{several(len(todo), 'file')}, part {number} of {len(batches)}", head, how.parallel)
        how.remarks.extend(" ".join(str(one.message).split()) for one in heard if CARD in str(one.message))
        for local in batch:
            local.check()
        files, octets = files + len(batch), octets + sum(local.size for local in batch)
        if how.watch is not None:
            how.watch(files, octets)
    return head


def _check(here: Sequence[Local], there: There, plan: Plan, last: Last) -> None:
    """Raises UserError where the repository does not hold the folder's bytes after all was sent."""
    sent = {local.path for local in plan.sending}
    wrong = [
        local.path
        for local in here
        if (file := there.files.get(local.path)) is None or (local.path in sent and not equal(local, file, last))
    ]
    if wrong:
        hint = " (its .gitignore may keep them out)" if ".gitignore" in there.files else ""
        raise UserError(
            f"{several(len(wrong), 'file')} did not arrive with the right bytes ({named(wrong)}){hint}: publish again, nothing "
            "that arrived is sent twice and no reader is pointed to it before.",
            1,
        )


def _drop(client: Client, version: int) -> list[str]:
    """Tags of older versions, and LFS files that no branch or tag names any more, are deleted for good."""
    place, tags = client.place, client.tags()
    older = [tag for number in range(1, version) if (tag := place.tag(number)) in tags]
    for tag in older:
        client.untag(tag)
    dropped = client.sweep()
    others = sorted(tag for tag in tags if tag not in older and tag != place.tag(version))
    remarks = [
        f"The history before version {version} is dropped, with {several(dropped, 'large file')} that nothing names any more."
    ]
    if others:
        remarks.append(f"Tags that are not ours may still hold old files: {named(others)}.")
    return remarks


def _delete(path: str) -> CommitOperationDelete:
    from huggingface_hub import CommitOperationDelete

    return CommitOperationDelete(path, is_folder=False)


def _put(path: str, data: bytes) -> CommitOperationAdd:
    from huggingface_hub import CommitOperationAdd

    return CommitOperationAdd(path, data)
