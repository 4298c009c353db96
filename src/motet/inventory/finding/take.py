"""From a scan to an inventory: every dataset of the registry, what was made of data, and what nobody knows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from motet.errors import UserError
from motet.inventory.datasets import nearest
from motet.inventory.finding.copies import Claims, Held, rivals
from motet.inventory.finding.derived import Made, made
from motet.inventory.finding.indexes import Named, load
from motet.inventory.finding.places import Place, above, places, shared_folder
from motet.inventory.finding.recognising import Look, Remembering, Signs
from motet.inventory.finding.states import Resampled, copy_of, listed, share, text
from motet.inventory.findings import Also, Copy, Derived, Evidence, Holding, Inventory, State, Unknown
from motet.inventory.known import Dataset
from motet.inventory.scanning import reading
from motet.inventory.scanning.contents import is_archive
from motet.inventory.scanning.listing import NOWHERE
from motet.inventory.settings import Settings
from motet.inventory.tree import Tree
from motet.wording import several

__all__ = ["take"]

Read = Callable[[str, int], bytes]
MANY = 100
LARGE = 100_000_000
_LISTED = 1000
_MOST_INNER = 20
_ORDER: tuple[State, ...] = ("complete", "unverifiable", "corrupt", "partial", "wrong_version", "pointers")


def take(
    tree: Tree,
    known: Mapping[str, Dataset],
    settings: Settings,
    memory: Remembering | None,
    *,
    troubles: Mapping[str, tuple[str, str]] | None = None,
    read: Read = reading.read,
) -> Inventory:
    """What is on the disks of a scan.

    `troubles` maps absolute paths (`archive!/member`) to what a check of unchanged files found and a sentence: these count
    as faults. `read` gives the first bytes of a file of the tree. Raises UserError where the settings name no known dataset.
    """
    begun = time.monotonic()
    _check(settings, known)
    signs = Signs(known)
    looks = [signs.look(folder, memory) for folder in tree.folders]
    found = rivals(places(looks, signs, read))
    indexes = {path: load(path, place.dataset, read) for place in found if (path := place.index or place.unfit)}
    held, claims, lost = _claimed(tree, looks, found, signs, indexes, settings, memory, troubles or {}, read)
    copies: dict[str, list[tuple[Copy, Held]]] = {}
    derived: list[Derived] = []
    for one, state in held:
        if isinstance(state, Resampled):
            where = shared_folder(one.folders())
            derived.append(Derived("processed", where, one.files, one.bytes, one.place.dataset.name, state.sentence))
        else:
            copies.setdefault(state.dataset, []).append((state, one))
    claimed = {path: number for path, (number, _, _) in claims.claimed.items()}
    things = made(looks, known, claimed, read)
    derived += [thing.derived for thing in things]
    holdings = []
    archives, links = _archives(looks, tree, known), _broken_links(tree, signs)
    for name, dataset in sorted(known.items()):
        own = tuple(one for one in derived if one.dataset == name)
        told = [*lost.get(name, ()), *links.get(name, ())]
        holdings.append(_holding(dataset, copies.get(name, []), own, archives.get(name, []), told, settings))
    return Inventory(
        taken_at=datetime.now(UTC).isoformat(timespec="seconds"),
        roots=tree.roots,
        absent=(),
        holdings=tuple(holdings),
        derived=tuple(sorted(derived, key=lambda one: (one.where, one.kind))),
        unknown=_unknown(looks, claims, things, archives),
        passed=(*((one.path, one.reason, one.detail) for one in tree.passed), *_inner_archives(looks)),
        files=tree.files,
        bytes=tree.bytes,
        seconds=tree.seconds + time.monotonic() - begun,
    )


def _check(settings: Settings, known: Mapping[str, Dataset]) -> None:
    for table, names in (("expected", settings.expected), ("excluded", settings.excluded)):
        for name in names:
            if name not in known:
                near = nearest(name, known)
                advice = f"did you mean {' or '.join(near)}?" if near else "`motet inventory list` names them all."
                raise UserError(
                    f"[{table}] in {settings.origin or 'the settings'} names no known dataset: {text(name)}; {advice}"
                )


def _claimed(
    tree: Tree,
    looks: Sequence[Look],
    found: Sequence[Place],
    signs: Signs,
    indexes: Mapping[str, Named],
    settings: Settings,
    memory: Remembering | None,
    troubles: Mapping[str, tuple[str, str]],
    read: Read,
) -> tuple[list[tuple[Held, Copy | Resampled]], Claims, dict[str, list[Evidence]]]:
    """Files given to copies; once more without the copies whose files turned out to be somebody else's."""
    lost: dict[str, list[Evidence]] = {}
    wanted = list(found)
    while True:
        claims = Claims(wanted, signs, indexes, troubles)
        for number, look in enumerate(looks):
            if claims.concerns(look.path):
                claims.give(tree.folders[number])
        states: list[tuple[Held, Copy | Resampled]] = []
        foreign: list[Held] = []
        for held in claims.held:
            if not held.files:
                continue
            state = copy_of(held, indexes.get(held.place.index or held.place.unfit), settings, tree.roots, memory, read)
            if state is None:
                foreign.append(held)
            else:
                states.append((held, state))
        if not foreign:
            return states, claims, lost
        for held in foreign:
            place = held.place
            have = "has a name" if held.files == 1 else "have names"
            sentence = (
                f"{several(held.files, 'file')} in {text(place.where)} {have} like its own; none of those read has the MD5"
                " that its name says, so they are not counted."
            )
            lost.setdefault(place.dataset.name, []).append(Evidence("checksum", sentence, held.files))
        gone = {id(held.place) for held in foreign}
        wanted = [place for place in wanted if id(place) not in gone]


# One dataset


def _holding(
    dataset: Dataset,
    copies: list[tuple[Copy, Held]],
    derived: tuple[Derived, ...],
    archives: list[tuple[Copy | None, Evidence]],
    lost: list[Evidence],
    settings: Settings,
) -> Holding:
    evidence = [one for _, one in archives] + lost
    ordered = sorted(copies, key=lambda one: _merit(one[0], dataset))
    if len(ordered) > 1:
        evidence += [_compared(ordered[0][1], other) for _, other in ordered[1:]]
        ordered = [(replace(copy, also=(*copy.also, "twice")), held) for copy, held in ordered]
    every = [copy for copy, _ in ordered] + [copy for copy, _ in archives if copy is not None]
    state: State
    also: tuple[Also, ...] = every[0].also if every else ()
    if dataset.name in settings.excluded:
        state = "excluded"
        origin = settings.origin or "the settings"
        evidence.insert(
            0, Evidence("excluded", f"{text(settings.excluded[dataset.name]).rstrip('.')} (who says so: {text(origin)}).")
        )
        if every:
            evidence.append(
                Evidence("excluded", f"It is there all the same: {listed([copy.where for copy in every])}.", len(every))
            )
    elif every:
        state = every[0].state
    elif any(one.kind in ("processed", "mel_spectrograms", "embeddings", "features") for one in derived):
        state = "processed_only"
        places = listed([one.where for one in derived if one.kind != "manifest"])
        evidence.append(
            Evidence("processed_only", f"What was made of it lies in {places}; its own files are on no root.", len(derived))
        )
    else:
        state = "missing"
        evidence.append(Evidence("missing", "None of its files is on any root."))
    return Holding(dataset, state, also, tuple(every), derived, tuple(evidence))


def _merit(copy: Copy, dataset: Dataset) -> tuple[bool, bool, float, int, bool, str]:
    """Best first: the whole ones, then by how much of it is there; unpacked before archives."""
    usable = 0.0 if copy.state in ("wrong_version", "pointers") else share(copy, dataset)
    return (copy.state != "complete", copy.state == "pointers", -usable, _ORDER.index(copy.state), "!" in copy.where, copy.where)


def _compared(best: Held, other: Held) -> Evidence:
    one, two = ({path: size for part in held.parts.values() for path, size in part.files()} for held in (best, other))
    only_one, only_two = one.keys() - two.keys(), two.keys() - one.keys()
    sizes = [path for path in one.keys() & two.keys() if one[path] != two[path]]
    here, there = text(best.place.where), text(other.place.where)
    if not (only_one or only_two or sizes):
        return Evidence("twice", f"{there} holds the same {several(len(one), 'name')} and sizes as {here}.", len(two))
    told = []
    if only_one:
        told.append(f"{several(len(only_one), 'file')} only in {here} ({listed(sorted(only_one), most=3)})")
    if only_two:
        told.append(f"{several(len(only_two), 'file')} only in {there} ({listed(sorted(only_two), most=3)})")
    if sizes:
        told.append(f"{several(len(sizes), 'file')} of another size ({listed(sorted(sizes), most=3)})")
    differing = sorted([*only_one, *only_two, *sizes])
    same = len(one.keys() & two.keys()) - len(sizes)
    sentence = f"It lies in {here} and in {there}: {several(same, 'file')} of the same name and size, {'; '.join(told)}."
    return Evidence("twice", sentence, len(differing), tuple(differing[:_LISTED]))


# Downloads as they came


def _archives(looks: Sequence[Look], tree: Tree, known: Mapping[str, Dataset]) -> dict[str, list[tuple[Copy | None, Evidence]]]:
    """Archives with the name of a published download whose size is another, or that cannot be listed."""
    by_name: dict[str, list[tuple[Dataset, int | None]]] = {}
    for dataset in known.values():
        for download in dataset.downloads:
            name = download.url.partition("?")[0].rpartition("/")[2].removesuffix("/content")
            if download.unpack and name:
                by_name.setdefault(name, []).append((dataset, download.bytes))
    opened = {look.archive for look in looks if look.archive}
    reasons = {one.path: one.detail for one in tree.passed}
    found: dict[str, list[tuple[Copy | None, Evidence]]] = {}
    for look in looks:
        for name, size, fault in look.seen.archives:
            path = f"{look.path.rstrip('/')}/{name}"
            for dataset, published in by_name.get(name, ()):
                told = _download(path, size, fault, published, path in opened, reasons.get(path, ""))
                if told is None:
                    continue
                state, evidence = told
                copy = None
                if state is not None:
                    copy = Copy(dataset.name, path, look.root, state, ("in_archive",), "", (), (evidence,), 1, size)
                found.setdefault(dataset.name, []).append((copy, evidence))
    return found


def _download(
    path: str, size: int, fault: str, published: int | None, opened: bool, reason: str
) -> tuple[State | None, Evidence] | None:
    """The state of a download that was not unpacked, None for one that could be listed; and what is to be told of it."""
    why = f" ({reason.rstrip('.')})" if reason else ""
    if fault:
        state: State = "pointers" if fault in ("empty", "lfs_pointer", "web_page") else "corrupt"
        words = {"empty": "is empty", "lfs_pointer": "is a Git-LFS pointer", "web_page": "is a web page"}.get(
            fault, f"is damaged: {fault.replace('_', ' ')}"
        )
        return state, Evidence(fault, f"{text(path)} has the name of its download and {words}{why}.", 1, (path,))
    if published is not None and size != published:
        sentence = f"{text(path)} has {size:,} bytes where its download has {published:,}{why}."
        return None if opened else "corrupt", Evidence("download", sentence, 1, (path,))
    if opened:
        return None
    as_published = ", and its size" if published is not None else ""
    sentence = f"{text(path)} has the name of its download{as_published}, and its contents cannot be listed{why}."
    return "unverifiable", Evidence("download", sentence, 1, (path,))


def _broken_links(tree: Tree, signs: Signs) -> dict[str, list[Evidence]]:
    """Links with names of a dataset's files that lead nowhere, as git-annex and tidied caches leave them."""
    found: dict[str, list[str]] = {}
    for one in tree.passed:
        if one.reason == "link" and one.detail.startswith(NOWHERE):
            for dataset in signs.datasets(one.path.rpartition("/")[2]):
                found.setdefault(dataset, []).append(one.path)
    told = {}
    for dataset, paths in found.items():
        leads = "link that has a name of its files leads" if len(paths) == 1 else "links that have names of its files lead"
        words = f"{len(paths):,} {leads} nowhere: what they stand for never came, or was removed: {listed(paths)}."
        told[dataset] = [Evidence("broken_link", words, len(paths), tuple(paths[:_LISTED]))]
    return told


def _inner_archives(looks: Iterable[Look]) -> Iterable[tuple[str, str, str]]:
    """Archives inside archives: path, reason and sentence; of many in one folder only how many there are."""
    for look in looks:
        names = [name for name, _, _ in look.seen.archives if is_archive(name)] if look.archive else []
        if len(names) > _MOST_INNER:
            words = f"it holds {len(names):,} archives, which are not looked into: unpack the outer one"
            yield look.path, "inner_archive", words
            continue
        for name in names:
            words = "an archive inside an archive is not looked into: unpack the outer one"
            yield f"{look.path.rstrip('/')}/{name}", "inner_archive", words


# What nobody knows


def _unknown(
    looks: Sequence[Look],
    claims: Claims,
    things: Iterable[Made],
    archives: Mapping[str, list[tuple[Copy | None, Evidence]]],
) -> tuple[Unknown, ...]:
    """The topmost folders with many or large files of which nothing is claimed; in a folder that shares, its own files."""
    taken: dict[str, tuple[int, int]] = {path: (number, size) for path, (number, size, _) in claims.claimed.items()}
    for thing in things:
        for path, (number, size) in thing.folders.items():
            had = taken.get(path, (0, 0))
            taken[path] = (had[0] + number, had[1] + size)
    told = {path for several_of in archives.values() for _, evidence in several_of for path in evidence.files}
    own: dict[str, tuple[int, int, Counter[str]]] = {}
    touched: set[str] = set()
    roots: dict[str, str] = {}
    opened = {look.archive for look in looks if look.archive}
    for look in looks:
        number, size = taken.get(look.path, (0, 0))
        files, octets, kinds = look.seen.files, look.seen.octets, Counter(look.seen.kinds)
        if look.path in claims.claimed:
            kinds.subtract(claims.claimed[look.path][2])
        for name, length, _ in look.seen.archives:
            # An archive that was opened counts by what is inside it.
            if (path := f"{look.path.rstrip('/')}/{name}") in opened or path in told:
                files, octets = files - 1, octets - length
                kinds["archive"] -= 1
        own[look.path] = (max(0, files - number), max(0, octets - size), +kinds)
        roots[look.path] = look.root
        if number:
            touched.update(_upwards(look.path, look.root))
    sums: dict[str, tuple[int, int, Counter[str]]] = {}
    for path, (number, size, kinds) in own.items():
        for step in _upwards(path, roots[path]):
            files, octets, together = sums.get(step, (0, 0, Counter()))
            together.update(kinds)
            sums[step] = (files + number, octets + size, together)
    found: list[Unknown] = []
    tops, covered = set(roots.values()), set[str]()
    for path in sorted(sums, key=lambda path: path.count("/")):
        if path not in touched:
            parent = above(path)
            if path not in tops and parent in sums and (parent in covered or parent not in touched):
                if parent in covered:
                    covered.add(path)
                continue
            number, size, kinds = sums[path]
        else:
            number, size, kinds = own.get(path, (0, 0, Counter()))
        if number >= MANY or size >= LARGE:
            if path not in touched:
                covered.add(path)
            found.append(Unknown(path, number, size, dict(sorted(kinds.items()))))
    return tuple(sorted(found, key=lambda one: (-one.bytes, -one.files, one.where)))


def _upwards(path: str, root: str) -> Iterable[str]:
    """A folder and those above it up to the root. The folders of an archive go on in the folder the archive lies in."""
    at = path
    while True:
        yield at
        if at == root or at in ("/", ""):
            return
        at = above(at)
