"""From the files of a copy to its state, and the evidence for it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from motet.files import FilesError
from motet.inventory.copies import Beside, Faulty, Held, PartHeld
from motet.inventory.findings import Also, Copy, Evidence, PartFound, State
from motet.inventory.indexes import Length, Named
from motet.inventory.known import Dataset, Version
from motet.inventory.lengths import rate, seconds
from motet.inventory.places import is_processed
from motet.inventory.recognising import Remembering
from motet.inventory.settings import Settings
from motet.inventory.tree import POINTERS
from motet.wording import several

__all__ = ["Resampled", "copy_of", "listed", "share", "text"]

Read = Callable[[str, int], bytes]
_LISTED = 1000
_SAMPLES = 20
_SAMPLES_IN_TAR = 2  # each costs a pass through the archive
_LARGEST_SAMPLE = 64 << 20
_MEASURED = 200
_DOCUMENTS = re.compile(
    r"(?:readme|licen[cs]e|copying|changelog|citation|authors|notice|attribution|dataset_?info|metadata|\.gitattributes|\.gitignore|\.md5|md5sums?|sha256sums?|checksums?)"
    r"[^/]*",
    re.IGNORECASE,
)

_FAULTS = {
    "empty": "0 bytes long",
    "lfs_pointer": "a Git-LFS pointer in place of the content",
    "web_page": "a web page in place of the content",
    "truncated": "shorter than the file's own header says",
    "other_kind": "of another kind than the name says",
    "unreadable": "unreadable",
    "checksum": "of another content than its name, the MD5 of the content, says",
}
_POINTERS = {
    "empty": "0 bytes long",
    "lfs_pointer": "Git-LFS pointers: the content was never fetched",
    "web_page": "web pages: a server answered with them in place of the content",
}


@dataclass(frozen=True)
class Resampled:
    """Files with the names of a dataset that were made of it: a sentence that says by what."""

    sentence: str


def copy_of(
    held: Held, named: Named | None, settings: Settings, roots: Sequence[str], memory: Remembering | None, read: Read
) -> Copy | Resampled | None:
    """The state of what lies in one place; None where the files have a dataset's names and are not its own."""
    dataset, where = held.place.dataset, held.place.where
    evidence: list[Evidence] = []
    if not _named_by_content(held, memory, read, evidence):
        return None
    if made := _made_of_it(held, named, read):
        return made
    version, states = _version(held, evidence)
    counts = dict(version.counts) if version and version.name != dataset.version else {}
    parts = tuple(_part(part, named, counts.get(name)) for name, part in held.parts.items())
    required = [found for found in parts if dataset.part(found.part).required]
    state = _state(held, required, parts, named, version, dataset, evidence)
    _describe(held, parts, named, read, evidence)
    also, more = _also(held, states, settings, roots)
    evidence += more
    return Copy(
        dataset=dataset.name,
        where=where,
        root=held.place.root,
        state=state,
        also=also,
        version=version.name if version else "",
        parts=tuple(found for found in parts if found.present or found.faulty or dataset.part(found.part).required),
        evidence=tuple(evidence),
        files=held.files,
        bytes=held.bytes,
    )


def share(copy: Copy, dataset: Dataset) -> float:
    """How much of the required files a copy has, 0 to 1."""
    required = [found for found in copy.parts if dataset.part(found.part).required]
    expected = sum(found.expected or found.present for found in required)
    return sum(min(found.present, found.expected or found.present) for found in required) / expected if expected else 0.0


# What the files are


def _named_by_content(held: Held, memory: Remembering | None, read: Read, evidence: list[Evidence]) -> bool:
    """Files named by the MD5 of their content: none of them right means that they are somebody else's."""
    right = 0
    wrong: list[tuple[PartHeld, str]] = []
    for part in held.parts.values():
        if part.part.named_by != "md5" or not part.samples:
            continue
        in_tar = held.archive and not held.archive.lower().endswith(".zip")
        step = max(1, len(part.samples) // (_SAMPLES_IN_TAR if in_tar else _SAMPLES))
        for path, size in part.samples[::step][: _SAMPLES_IN_TAR if in_tar else _SAMPLES]:
            match = re.search(r"[0-9a-f]{32}", path.rpartition("/")[2], re.IGNORECASE)
            if match is None or size > _LARGEST_SAMPLE:
                continue
            whole = f"{held.place.where.rstrip('/')}/{path}"
            digest = _md5(whole, size, memory, read)
            if digest == match[0].lower():
                right += 1
            elif digest:
                wrong.append((part, path))
    if wrong and not right:
        return False
    for part, path in wrong:
        part.faulty.append(_checksum(path))
    if right:
        evidence.append(
            Evidence(
                "checksum", f"{several(right, 'file')} of {right + len(wrong)} read have the MD5 that they are named by.", right
            )
        )
    return True


def _checksum(path: str) -> Faulty:
    return Faulty(path, "checksum", "its content has another MD5 than its name")


def _md5(path: str, size: int, memory: Remembering | None, read: Read) -> str:
    try:
        return hashlib.md5(read(path, size + 1), usedforsecurity=False).hexdigest()
    except FilesError:
        return ""


def _made_of_it(held: Held, named: Named | None, read: Read) -> Resampled | None:
    """Names of the dataset on files that were made of it: all samples at another rate, or a folder that says so."""
    other: list[int] = []
    same = 0
    published = None
    for part in held.parts.values():
        if part.part.rate is None or not part.samples:
            continue
        for path, size in part.samples[:: max(1, len(part.samples) // 5)][: 1 if held.archive else 5]:
            told = rate(f"{held.place.where.rstrip('/')}/{path}", size, read)
            if told is None:
                continue
            published = part.part.rate
            if told == published:
                same += 1
            else:
                other.append(told)
    if other and not same:
        rates = ", ".join(f"{hz:,}" for hz in sorted(set(other)))
        return Resampled(
            f"All {len(other)} files read have a sample rate of {rates} Hz; the published ones have {published:,} Hz."
        )
    if same or not is_processed(held.place.where, held.place.root):
        return None
    whole = all(part.part.count is None or part.count == part.part.count for part in held.parts.values() if part.part.required)
    if whole and held.place.placed and not any(part.astray for part in held.parts.values()):
        return None  # every file where it was published: the folder above is only called so
    return Resampled(f"The names are those of {held.place.dataset.title}, in a folder of processed files.")


def _version(held: Held, evidence: list[Evidence]) -> tuple[Version | None, bool]:
    """The version that lies here, None where nothing tells; and whether several lie together."""
    versions = held.place.dataset.versions
    marked = [v for v in versions if any(mark in held.marks for mark in v.marks)]
    if marked:
        marks = sorted(mark for v in marked for mark in v.marks if mark in held.marks)
        names = " and ".join(v.name for v in marked)
        evidence.append(Evidence("version", f"{listed(marks)} tells version {names}.", len(marks), tuple(marks[:_LISTED])))
        return marked[0], len(marked) > 1
    for version in versions:
        if version.counts and all(held.parts[part].count == count for part, count in version.counts.items()):
            if version is not versions[0]:
                numbers = ", ".join(f"{several(count, 'file')} of {part}" for part, count in version.counts.items())
                evidence.append(Evidence("version", f"Version {version.name} has {numbers}, as are here."))
            return version, False
    return (versions[0], False) if len(versions) == 1 else (None, False)


def _part(part: PartHeld, named: Named | None, count: int | None) -> PartFound:
    faulty: dict[str, list[str]] = {}
    for one in part.faulty:
        faulty.setdefault(one.fault, []).append(one.path)
    expected = count if count is not None else part.part.count
    there: set[str] = set()
    known = named.paths.get(part.part.name) if named is not None else None
    if known or part.astray:
        there = {path for path, _ in part.files()}
    present = part.count - len({one.path for one in part.faulty})
    missing: tuple[str, ...] | None = None
    if part.astray:
        present -= _twice(part, there)
    if known:
        gone = known - there
        if gone and part.astray:
            by_name = Counter(path.rpartition("/")[2] for path in known)
            loose = {path.rpartition("/")[2] for path in part.astray}
            gone = frozenset(p for p in gone if by_name[p.rpartition("/")[2]] > 1 or p.rpartition("/")[2] not in loose)
        missing = tuple(sorted(gone))
        names = {path.rpartition("/")[2] for path in known} if part.astray else set()
        at_fault = {one.path for one in part.faulty}
        astray = set(part.astray)
        present -= sum(
            path not in known and path not in at_fault and not (path in astray and path.rpartition("/")[2] in names)
            for path in there
        )
        expected = expected if expected is not None else len(known)
    lacking: dict[str, tuple[str, ...]] = {}
    for each in part.part.each:
        have = part.values.get(each.field, Counter())
        few = [value for value, number in each.counts.items() if have[value] < number]
        if few:
            lacking[each.field] = tuple(few)
    return PartFound(
        part=part.part.name,
        present=present,
        expected=expected,
        faulty={fault: tuple(sorted(paths)) for fault, paths in sorted(faulty.items())},
        missing=missing,
        lacking=lacking,
        bytes=part.bytes,
    )


def _doubled(part: PartHeld) -> int:
    return _twice(part, {path for path, _ in part.files()}) if part.astray else 0


def _twice(part: PartHeld, there: set[str]) -> int:
    """Files out of place whose names stand elsewhere in the copy as well."""
    names = Counter(path.rpartition("/")[2] for path in there)
    placed = there.difference(part.astray)
    in_place = {path.rpartition("/")[2] for path in placed}
    astray = Counter(path.rpartition("/")[2] for path in part.astray)
    return sum(number if name in in_place else number - 1 for name, number in astray.items() if names[name] > 1)


# The state


def _state(
    held: Held,
    required: Sequence[PartFound],
    parts: Sequence[PartFound],
    named: Named | None,
    version: Version | None,
    dataset: Dataset,
    evidence: list[Evidence],
) -> State:
    pointers = corrupt = partial = False
    unknown: list[str] = []
    for found in required:
        standing = sum(len(paths) for fault, paths in found.faulty.items() if fault in POINTERS)
        if 2 * standing > held.parts[found.part].count:
            pointers = True
    for found in parts:
        for fault, paths in found.faulty.items():
            corrupt = True
            evidence.append(_fault(found, fault, paths, held))
    for found in required:
        here = found.present + len({path for paths in found.faulty.values() for path in paths})
        all_here = held.parts[found.part].count - _doubled(held.parts[found.part])
        if found.missing or (found.expected is not None and here < found.expected):
            partial = True
            evidence += _missing(found, here, held, named)
        elif found.expected is None:
            if here == 0:
                partial = True
                evidence.append(Evidence("missing", f"There is no file of its part {found.part}."))
            else:
                unknown.append(found.part)
        elif all_here > found.expected:
            evidence.append(_more(found, all_here, held, named))
            if not (named is not None and named.paths.get(found.part)):
                unknown.append(found.part)
        else:
            evidence.append(_whole(found, here, named))
    for found in parts:
        if found not in required and (found.present or found.faulty):
            evidence.append(_optional(found))
    # Files that never arrived say more than that some are missing; a file at fault is told before a missing one.
    if pointers:
        return "pointers"
    if corrupt:
        return "corrupt"
    if version is not None and dataset.versions and version is not dataset.versions[0]:
        evidence.append(Evidence("version", f"The wanted version is {dataset.version}; here lies {version.name}."))
        return "wrong_version"
    if partial:
        return "partial"
    if unknown:
        # With an index the files beyond the published ones are named and the set is whole. Without one nobody can tell the
        # published files from the others, nor how many there should be: that is not "complete".
        names = " and ".join(dict.fromkeys(unknown))
        if any(found.expected is None for found in required if found.part in unknown):
            evidence.append(Evidence("count", f"Neither a count nor an index of its part {names} was published."))
        return "unverifiable"
    return "complete"


def _fault(found: PartFound, fault: str, paths: tuple[str, ...], held: Held) -> Evidence:
    details = {one.path: one.detail for one in held.parts[found.part].faulty if one.fault == fault}
    few, many = _FAULTS.get(fault, fault.replace("_", " ")), _POINTERS.get(fault, _FAULTS.get(fault, fault.replace("_", " ")))
    if len(paths) == 1:
        detail = details.get(paths[0], "")
        sentence = f"{text(paths[0])} is {few}{f' ({detail.rstrip(chr(46))})' if detail else ''}."
    else:
        sentence = f"{several(len(paths), 'file')} of {found.part} are {many}: {listed(paths)}."
    return Evidence(fault, sentence, len(paths), paths[:_LISTED])


def _missing(found: PartFound, here: int, held: Held, named: Named | None) -> list[Evidence]:
    evidence = []
    part = held.parts[found.part]
    if found.expected is not None:
        percent = 100 * here / found.expected
        shown = f"{percent:.0f}" if percent >= 10 or percent == 0 else f"{percent:.1f}"
        if round(percent, 1) >= 99.95 or (percent > 99 and shown == "100"):
            shown = f"{percent:.2f}"
        evidence.append(
            Evidence(
                "count", f"{here:,} of {found.expected:,} files of {found.part} are here ({shown} %).", found.expected - here
            )
        )
    if found.missing:
        evidence.append(
            Evidence(
                "missing",
                f"{several(len(found.missing), 'file')} of {found.part} that the index names {'is' if len(found.missing) == 1 else 'are'}"
                f" not here: {listed(found.missing)}.",
                len(found.missing),
                found.missing[:_LISTED],
            )
        )
    for each in part.part.each:
        have = part.values.get(each.field, Counter())
        faulty = bool(part.faulty)
        none = [value for value, number in each.counts.items() if number and not have[value]]
        some = [(value, have[value], number) for value, number in each.counts.items() if 0 < have[value] < number]
        says = "file without a fault" if faulty else "file"
        if none:
            verb = "has" if len(none) == 1 else "have"
            evidence.append(
                Evidence("missing", f"{each.field} {_ranges(none)} {verb} no {says}.", sum(each.counts[value] for value in none))
            )
        if some:
            told = ", ".join(f"{value} has {number:,} of {of:,}" for value, number, of in some[:40])
            more = f", and {len(some) - 40:,} more have too few" if len(some) > 40 else ""
            evidence.append(Evidence("missing", f"{each.field} {told}{more}.", sum(of - number for _, number, of in some)))
    if not part.part.each and here and (absent := _absent_folders(held, part)):
        evidence.append(
            Evidence("missing", f"{'The folder' if len(absent) == 1 else 'The folders'} {_ranges(absent)} "
                     f"{'holds' if len(absent) == 1 else 'hold'} no file, or {'is' if len(absent) == 1 else 'are'} not there.", 0, tuple(absent))
        )  # fmt: skip
    return evidence


def _absent_folders(held: Held, part: PartHeld) -> list[str]:
    """Folders of one letter or digit directly below the dataset's, as its layout has them, without any file."""
    layout = held.place.dataset.layout(part.part)
    steps = layout.text.split("/")
    if layout.depth == 0 or part.count == len(part.astray):
        return []
    fixed = 0
    while fixed < layout.depth and "{" not in steps[fixed]:
        fixed += 1
    if fixed >= layout.depth or not re.fullmatch(r"\{[a-z][a-z0-9_]*\}", steps[fixed]):
        return []
    expression = layout.steps[fixed]
    if expression.fullmatch("~"):
        return []  # anything will do: nobody says which there are
    values = [letter for letter in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" if expression.fullmatch(letter)]
    here = {folder.split("/")[fixed].upper() for folder, _ in part.names if folder.count("/") >= fixed and folder}
    absent = [value for value in values if value not in here]
    lower = any(folder.split("/")[fixed].islower() for folder, _ in part.names if folder.count("/") >= fixed and folder)
    return [value.lower() if lower else value for value in absent]


def _more(found: PartFound, here: int, held: Held, named: Named | None) -> Evidence:
    assert found.expected is not None
    known = named.paths.get(found.part) if named is not None else None
    names = sorted(path for path, _ in held.parts[found.part].files() if path not in known) if known else []
    sentence = f"{here:,} files of {found.part} are here, {here - found.expected:,} more than the {found.expected:,} published"
    sentence += f": {listed(names)}." if names else "; without an index nothing tells which they are."
    return Evidence("extra", sentence, here - found.expected, tuple(names[:_LISTED]))


def _whole(found: PartFound, here: int, named: Named | None) -> Evidence:
    by = " and the index names each of them" if named is not None and named.paths.get(found.part) else ""
    one = "the one file" if here == 1 else f"all {here:,} files"
    return Evidence("count", f"{one[0].upper()}{one[1:]} of {found.part} {'is' if here == 1 else 'are'} here{by}.", here)


def _optional(found: PartFound) -> Evidence:
    of = f" of {found.expected:,}" if found.expected is not None else ""
    return Evidence(
        "count", f"{found.present:,}{of} files of {found.part} are here as well; they are not required.", found.present
    )


# What else there is to tell


def _describe(held: Held, parts: Sequence[PartFound], named: Named | None, read: Read, evidence: list[Evidence]) -> None:
    if named is not None and named.trouble:
        evidence.append(Evidence("index", f"Its index cannot be read to the end: {named.trouble.rstrip('.')}."))
    for name, part in held.parts.items():
        if part.astray:
            evidence.append(
                Evidence(
                    "out_of_place",
                    f"{several(len(part.astray), 'file')} of {name} {'lies' if len(part.astray) == 1 else 'lie'} in other folders"
                    f" than published: {listed(part.astray)}.",
                    len(part.astray),
                    tuple(part.astray[:_LISTED]),
                )
            )
            names = Counter(path.rpartition("/")[2] for path, _ in part.files())
            if again := sorted(path for path in part.astray if names[path.rpartition("/")[2]] > 1):
                evidence.append(
                    Evidence("duplicate", f"{several(len(again), 'name')} of {name} stand there twice or more.", len(again), tuple(again[:_LISTED]))
                )  # fmt: skip
    if held.place.rivals:
        evidence.append(
            Evidence(
                "also_fits", f"The names are those of {' and '.join(held.place.rivals)} as well, and nothing tells them apart."
            )
        )
    beside = [one for one in held.beside if not _DOCUMENTS.fullmatch(one.path.rpartition("/")[2])]
    unnamed = _unnamed(held, parts, named)
    evidence += _renamed(held, parts, named, [*unnamed, *beside], read)
    if beside:
        number = held.many_beside - (len(held.beside) - len(beside))
        paths = tuple(one.path for one in beside)
        evidence.append(
            Evidence("unknown_file", f"{several(number, 'file')} in its folders {'is' if number == 1 else 'are'} not its own:"
                     f" {listed(paths, number)}.", number, paths)
        )  # fmt: skip
    if unnamed and not any(e.what == "extra" for e in evidence):
        paths = tuple(one.path for one in unnamed)
        evidence.append(
            Evidence("unknown_file", f"{several(len(paths), 'file')} {'is' if len(paths) == 1 else 'are'} named like its own, and the"
                     f" index does not name {'it' if len(paths) == 1 else 'them'}: {listed(paths)}.", len(paths), paths[:_LISTED])
        )  # fmt: skip


def _unnamed(held: Held, parts: Sequence[PartFound], named: Named | None) -> list[Beside]:
    """Files with names of the layout that the index does not name."""
    found = []
    for part in parts:
        known = named.paths.get(part.part) if named is not None else None
        if not known:
            continue
        names = {path.rpartition("/")[2] for path in known}
        astray = set(held.parts[part.part].astray)
        for path, size in held.parts[part.part].files():
            if path not in known and not (path in astray and path.rpartition("/")[2] in names):
                found.append(Beside(path, held.parts[part.part].part.kind, size))
    return found


def _renamed(held: Held, parts: Sequence[PartFound], named: Named | None, beside: Sequence[Beside], read: Read) -> list[Evidence]:
    """A file that no row names, and a row that has no file, are one where the length of the file is that of this row alone."""
    evidence = []
    for part in parts:
        kind = held.parts[part.part].part.kind
        others = [one for one in beside if one.kind == kind]
        if not part.missing or not others or named is None:
            continue
        fitting: dict[str, list[str]] = {}
        if named.lengths and len(others) <= _MEASURED:
            rows = [(path, named.lengths[path]) for path in part.missing if path in named.lengths]
            for one in others:
                told = seconds(f"{held.place.where.rstrip('/')}/{one.path}", kind, one.size, read)
                fitting[one.path] = [path for path, length in rows if _is_long(told, length)]
        claimed = Counter(path for paths in fitting.values() for path in paths)
        paired = {file: paths[0] for file, paths in fitting.items() if len(paths) == 1 and claimed[paths[0]] == 1}
        for file, path in sorted(paired.items()):
            evidence.append(
                Evidence(
                    "renamed_file",
                    f"{text(file)} was {text(path)}: it lasts {named.lengths[path].seconds:g} s, as the index says of this missing"
                    " file alone.",
                    1,
                    (file, path),
                )
            )
        rest = [one.path for one in others if one.path not in paired]
        without = [path for path in part.missing if path not in paired.values()]
        if rest and without:
            evidence.append(
                Evidence(
                    "unpaired",
                    f"{several(len(rest), 'file')} that the index does not name ({listed(rest)}) and {several(len(without), 'missing file')}"
                    f" ({listed(without)}) stand beside each other; nothing tells which is which.",
                    len(rest),
                    (*rest[:_LISTED],),
                )
            )
    return evidence


def _is_long(told: Iterable[float], length: Length) -> bool:
    return any(abs(one - length.seconds) <= length.within for one in told)


def _also(held: Held, mixed: bool, settings: Settings, roots: Sequence[str]) -> tuple[tuple[Also, ...], list[Evidence]]:
    place = held.place
    also: list[Also] = []
    evidence: list[Evidence] = []
    if not place.named:
        also.append("renamed")
        usual = " or ".join(place.dataset.folders)
        evidence.append(Evidence("renamed", f"Its folder is not called {usual}."))
    if expected := settings.expected.get(place.dataset.name, "").strip("/"):
        homes = [f"{root.rstrip('/')}/{expected}" for root in roots]
        if not any(place.where == home or place.where.startswith((home + "/", home + "!")) for home in homes):
            also.append("elsewhere")
            evidence.append(Evidence("elsewhere", f"The settings expect it in {text(expected)}; it lies in {text(place.where)}."))
    if "!" in place.where and held.archive:
        also.append("in_archive")
        evidence.append(Evidence("in_archive", f"It lies in the archive {text(held.archive)}, not unpacked."))
    if mixed:
        also.append("mixed_versions")
        evidence.append(Evidence("mixed_versions", "Files that only one version has lie beside files that only another has."))
    return tuple(also), evidence


# Words


def text(path: str) -> str:
    """A path as a person can read it: what is no character, or acts on a terminal, as an escape."""
    return "".join(
        letter if letter.isprintable() and not "\ud800" <= letter <= "\udfff" else letter.encode("unicode_escape").decode()
        for letter in path
    )


def listed(paths: Iterable[str], number: int | None = None, most: int = 5) -> str:
    names = list(paths)
    total = number if number is not None else len(names)
    shown = ", ".join(text(name) for name in names[:most])
    return f"{shown} and {total - most:,} more" if total > most else shown


def _ranges(values: Sequence[str]) -> str:
    """`02`, `03`, `04`, `07` → "02–04, 07"."""
    if not all(value.isdecimal() for value in values):
        return ", ".join(values)
    runs = []
    ordered = sorted(values, key=int)
    for _, group in groupby(enumerate(ordered), lambda pair: int(pair[1]) - pair[0]):
        run = [value for _, value in group]
        runs.append(run[0] if len(run) == 1 else f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(run))
    return ", ".join(runs)
