"""From the files of a copy to its state, and the evidence for it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from motet.files import FilesError
from motet.inventory.finding.copies import Beside, Faulty, Held, PartHeld
from motet.inventory.finding.indexes import Length, Named
from motet.inventory.finding.lengths import rate, seconds
from motet.inventory.finding.matching import Match, match, too_short
from motet.inventory.finding.places import is_processed
from motet.inventory.finding.recognising import Remembering
from motet.inventory.findings import Also, Copy, Evidence, PartFound, State
from motet.inventory.known import Dataset, Expected, Version
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
_FEW = 100  # files of a part that an index can be among
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
    "index": "not the index that was published",
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
    altered, all_altered = _other_rate(held, read)
    if made := _made_of_it(held, altered[0].sentence if all_altered else ""):
        return made
    version, states = _version(held, evidence)
    counts = dict(version.counts) if version and version.name != dataset.version else {}
    no_index = _index_at_fault(held, named, version)
    matches = {name: match(part, dataset.layout(part.part), named, whole_index=not no_index) for name, part in held.parts.items()}
    whole_index = named if not no_index else None
    parts = tuple(_part(part, matches[name], whole_index, counts.get(name)) for name, part in held.parts.items())
    required = [found for found in parts if dataset.part(found.part).required]
    state = _state(held, required, parts, matches, whole_index, version, dataset, evidence)
    if no_index and not any(paths for found in parts for fault, paths in found.faulty.items() if fault == "index"):
        file = _index_file(held)
        evidence.append(Evidence("index", f"{text(file)} is not the index that was published: {no_index}.", 1, (file,)))
        state = "corrupt" if state not in ("pointers", "corrupt") else state
    if altered:
        evidence += altered
        state = "wrong_version" if state == "complete" else state
    _describe(held, parts, matches, named, read, evidence)
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


def _other_rate(held: Held, read: Read) -> tuple[list[Evidence], bool]:
    """What tells that files are not as published, though whole; and whether all of which it is known are so."""
    evidence: list[Evidence] = []
    same = False
    for name, part in held.parts.items():
        if part.altered:
            paths = tuple(one.path for one in part.altered)
            detail = part.altered[0].detail.rstrip(".")
            words = f"Not as published, as a check found: {several(len(paths), 'file')} of {name}, {listed(paths)} ({detail})."
            evidence.append(Evidence("rate", words, len(paths), paths[:_LISTED]))
            same |= len(paths) < part.count
            continue
        if part.part.rate is None or not part.samples:
            continue
        told: list[tuple[int, str]] = []
        for path, size in part.samples[:: max(1, len(part.samples) // 5)][: 1 if held.archive else 5]:
            hz = rate(f"{held.place.where.rstrip('/')}/{path}", size, read)
            told += [(hz, path)] if hz is not None else []
        other = [one for one in told if one[0] != part.part.rate]
        same |= len(other) < len(told)
        if other:
            rates = ", ".join(f"{hz:,}" for hz in sorted({hz for hz, _ in other}))
            read_of = f"{len(other)} of {several(len(told), 'file')} read {'has' if len(other) == 1 else 'have'}"
            if len(other) == len(told):
                read_of = "The one file read has" if len(told) == 1 else f"All {len(told)} files read have"
            words = f"{read_of} a sample rate of {rates} Hz; the published ones have {part.part.rate:,} Hz."
            evidence.append(Evidence("rate", words, len(other), tuple(path for _, path in other)))
    return evidence, bool(evidence) and not same


def _index_file(held: Held) -> str:
    """The path of the index below the copy's folder, "" where there is none."""
    path = held.place.index or held.place.unfit
    return path[len(held.place.where.rstrip("/")) + 1 :]


def _index_at_fault(held: Held, named: Named | None, version: Version | None) -> str:
    """Why the index that lies there is not to be trusted, "" where it is; it becomes a fault of its file."""
    if named is None:
        return ""
    trouble = named.trouble.rstrip(".") or too_short(named, held.place.dataset, version)
    file = _index_file(held)
    for part in held.parts.values() if trouble else ():
        if part.count < _FEW and any(path == file for path, _ in part.files()):
            if all(one.path != file for one in part.faulty):
                part.faulty.append(Faulty(file, "index", trouble))
            break
    return trouble


def _made_of_it(held: Held, other_rate: str) -> Resampled | None:
    """Names of the dataset on files that were made of it: in a folder of processed files, or at another rate and place."""
    astray = any(part.astray for part in held.parts.values())
    processed = is_processed(held.place.where, held.place.root)
    if other_rate and (processed or not held.place.placed):
        return Resampled(other_rate)
    whole = all(part.part.count in (None, part.count) for part in held.parts.values() if part.part.required)
    if not processed or (whole and held.place.placed and not astray):
        return None  # every file where it was published: a folder above is only called so
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


def _part(part: PartHeld, match: Match, named: Named | None, count: int | None) -> PartFound:
    faulty: dict[str, list[str]] = {}
    for one in part.faulty:
        faulty.setdefault(one.fault, []).append(one.path)
    expected = count if count is not None else part.part.count
    if expected is None and named is not None and (known := named.paths.get(part.part.name)):
        expected = len(known)
    lacking: dict[str, tuple[str, ...]] = {}
    for each in part.part.each:
        have, untold = match.values.get(each.field, Counter()), match.untold.get(each.field, 0)
        if few := [value for value, number in each.counts.items() if have[value] + untold < number]:
            lacking[each.field] = tuple(few)
    return PartFound(
        part=part.part.name,
        present=match.whole,
        expected=expected,
        faulty={fault: tuple(sorted(paths)) for fault, paths in sorted(faulty.items())},
        missing=match.missing,
        lacking=lacking,
        bytes=part.bytes,
    )


# The state


def _state(
    held: Held,
    required: Sequence[PartFound],
    parts: Sequence[PartFound],
    matches: Mapping[str, Match],
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
        match = matches[found.part]
        here, all_here = match.files, held.parts[found.part].count - len(match.twice)
        if found.missing or (found.expected is not None and here < found.expected):
            partial = True
            evidence += _missing(found, match, held)
        elif found.expected is None:
            if here == 0:
                partial = True
                evidence.append(Evidence("missing", f"There is no file of its part {found.part}."))
            else:
                unknown.append(found.part)
        elif all_here > found.expected:
            evidence.append(_more(found, all_here, match))
            if not (named is not None and named.paths.get(found.part)):
                unknown.append(found.part)
        else:
            evidence.append(_whole(found, match, named))
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


def _missing(found: PartFound, match: Match, held: Held) -> list[Evidence]:
    evidence = []
    part, here = held.parts[found.part], match.files
    by_index = bool(held.place.dataset.layout(part.part).fields)  # else the layout names the one file
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
                f"{several(len(found.missing), 'file')} of {found.part}{' that the index names' if by_index else ''}"
                f" {'is' if len(found.missing) == 1 else 'are'} not here: {listed(found.missing)}.",
                len(found.missing),
                found.missing[:_LISTED],
            )
        )
    for each in part.part.each:
        have = match.values.get(each.field, Counter())
        faulty = bool(part.faulty)
        if untold := match.untold.get(each.field, 0):
            evidence.append(_untold(found, each, have, untold))
            continue
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
        one = len(absent) == 1
        words = (
            f"{'The folder' if one else 'The folders'} {_ranges(absent)} {'is' if one else 'are'} not there, or without a file."
        )
        evidence.append(Evidence("missing", words, 0, tuple(absent)))
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


def _untold(found: PartFound, each: Expected, have: Counter[str], untold: int) -> Evidence:
    """Of files without their folders nobody can say whose they are: what is certain all the same."""
    words = f"{several(untold, 'file')} of {found.part} {'lies' if untold == 1 else 'lie'} where nothing tells the {each.field}"
    if certain := [value for value, number in each.counts.items() if have[value] + untold < number]:
        words += f"; whosoever they are, {each.field} {_ranges(certain)} {'has' if len(certain) == 1 else 'have'} too few"
    return Evidence("untold", f"{words}.", untold)


def _more(found: PartFound, here: int, match: Match) -> Evidence:
    assert found.expected is not None
    names = sorted(path for path, _ in match.unnamed)
    sentence = f"{here:,} files of {found.part} are here, {here - found.expected:,} more than the {found.expected:,} published"
    sentence += f": {listed(names)}." if names else "; without an index nothing tells which they are."
    return Evidence("extra", sentence, here - found.expected, tuple(names[:_LISTED]))


def _whole(found: PartFound, match: Match, named: Named | None) -> Evidence:
    here, at_fault = match.files, match.files - match.whole
    one = "The one file" if here == 1 else f"All {here:,} files"
    words = f"{one} of {found.part} {'is' if here == 1 else 'are'} here"
    if at_fault:
        words += (
            f" by name; of {'none' if at_fault == here else f'{at_fault:,}'} the content is{'' if at_fault == here else ' not'}"
        )
    elif named is not None and named.paths.get(found.part):
        moved = len(match.moved)
        words += f" and the index names each of them{f', {moved:,} in another folder' if moved else ''}"
    return Evidence("count", f"{words}.", here)


def _optional(found: PartFound) -> Evidence:
    number = f"{found.present:,} of {found.expected:,} files" if found.expected is not None else several(found.present, "file")
    return Evidence("count", f"Not required, and here as well: {number} of {found.part}.", found.present)


# What else there is to tell


def _describe(
    held: Held,
    parts: Sequence[PartFound],
    matches: Mapping[str, Match],
    named: Named | None,
    read: Read,
    evidence: list[Evidence],
) -> None:
    for name, part in held.parts.items():
        match = matches[name]
        if out := sorted({*part.astray, *match.moved}):
            evidence.append(_out_of_place(name, out, match))
        if match.twice:
            words = f"{several(len(match.twice), 'name')} of {name} {'stands' if len(match.twice) == 1 else 'stand'} there twice."
            evidence.append(Evidence("duplicate", words, len(match.twice), match.twice[:_LISTED]))
        if match.respelled:
            path, row = next(iter(sorted(match.respelled.items())))
            number = len(match.respelled)
            words = (
                f"{several(number, 'name')} of {name} {'differs' if number == 1 else 'differ'} from the index in capitals only"
            )
            evidence.append(
                Evidence(
                    "capitals", f"{words}: {text(path)} is {text(row)} there.", number, tuple(sorted(match.respelled)[:_LISTED])
                )
            )
    if held.place.rivals:
        evidence.append(
            Evidence(
                "also_fits", f"The names are those of {' and '.join(held.place.rivals)} as well, and nothing tells them apart."
            )
        )
    beside = [one for one in held.beside if not _DOCUMENTS.fullmatch(one.path.rpartition("/")[2])]
    unnamed = [Beside(path, held.parts[name].part.kind, size) for name, match in matches.items() for path, size in match.unnamed]
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
        verb, them = ("is", "it") if len(paths) == 1 else ("are", "them")
        words = f"{several(len(paths), 'file')} {verb} named like its own, and the index does not name {them}: {listed(paths)}."
        evidence.append(Evidence("unknown_file", words, len(paths), paths[:_LISTED]))


def _out_of_place(name: str, paths: Sequence[str], match: Match) -> Evidence:
    told = [
        f"{text(path)} (in the index: {text(match.moved[path])})" if path in match.moved else text(path) for path in paths[:5]
    ]
    more = f" and {len(paths) - 5:,} more" if len(paths) > 5 else ""
    one = len(paths) == 1
    where = "lies in another folder" if one else "lie in other folders"
    words = f"{several(len(paths), 'file')} of {name} {where} than published"
    files = [path for here in paths for path in (here, *filter(None, [match.moved.get(here)]))]
    return Evidence("out_of_place", f"{words}: {', '.join(told)}{more}.", len(paths), tuple(files[:_LISTED]))


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
                    f"{text(file)} was {text(path)}: it lasts {named.lengths[path].seconds:g} s, as the index says of this"
                    " missing file alone.",
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
                    f"{several(len(rest), 'file')} that the index does not name ({listed(rest)}) and"
                    f" {several(len(without), 'missing file')} ({listed(without)}) stand beside each other; nothing tells which"
                    " is which.",
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
