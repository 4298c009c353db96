"""From the mess of a file name to guesses: which of its words are the title, which the artist, and which neither."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from urllib.parse import unquote

from motet.naming.clues import Clue
from motet.naming.spelling import LONGEST, loose, plain

# What says how a song is played or cut, not which it is.
VERSIONS = frozenset(
    "live remix mix edit version medley instrumental acoustic reprise extended unplugged demo cover remaster remastered "
    "club radio single album original bonus track mono stereo session".split()
)
# What people and programs add to names and titles.
NOISE = frozenset(
    "k kar karaoke mid midi gm gm2 gs xg mp3 wav flac official video audio lyrics lyric hq hd 4k explicit "
    "instr seq sequenced arr copy version".split()
)
_EXTENSION = re.compile(
    r"(?i)(?:\s?\.(?:midi?|kar|rmi|smf|xmf|mp3|flac|ogg|opus|m4a|aac|wma|wav|aiff?|webm|mp4|mkv)|\s?\(\d{1,3}\))$"
)
_NUMBERED = re.compile(r"(?<=\D)\.\d{1,2}$")  # `Song.2`, as collections name the copies of one song
_UPLOADED = re.compile(r"_[0-9]{8,14}$")
_YOUTUBE_ID = re.compile(r"\s\[[\w-]{11}\]$")
_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_CREDIT = re.compile(r"(?i)\b(?:sequenced|seq|arranged|arr|midi|made|transcribed|converted)\.? by\b.*|\bwww\.\S*|\bhttps?:\S*")
_FEATURED = re.compile(r"(?i)[\s_]\(?(?:feat|ft|featuring)\b[.\s_]+(.*)$")
_REMASTER = re.compile(r"(?i)[\s_-]*(?:\d{4} )?(?:digital(?:ly)? )?remaster(?:ed)?(?: (?:version|\d{4}))*\s*$")
_LAST_FIRST = re.compile(r"^([^\W\d_][\w' ]+), ?([^\W\d_][\w'. ]*)$")
_LAST_FIRST_TITLE = re.compile(r"^([^\W\d_][\w']+), ?([^\W\d_][\w'.]*)(?=[ _]-[ _])")
_WORD = re.compile(r"[^\W_]+(?:['’´`][^\W_]+)*['’´`]?")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CONTROL = dict.fromkeys((*range(32), *range(127, 160), *range(0xD800, 0xE000), 0x2028, 0x2029, 0xFEFF), " ")

_DOS_CUT = re.compile(r"~\d$")
_DOS_LENGTH = 8
_END_NUMBER = re.compile(r"^(\d{0,2})(\D.{2,}?)(\d{0,2})$")

_MOST_READ = 4
_MOST_WORDS = 16
_MOST_SEGMENTS = 5
_NATURAL = 0.02  # doubt of a reading without initials or a number at an end
SHORT = 3  # letters of a word that may be a sequencer's initials
_INSIDE, _NONE, _WEAK, _MEDIUM, _STRONG = range(-1, 4)  # how much a gap between two words says that the artist ends there


@dataclass(frozen=True)
class Guess:
    """What a clue may mean. `artist` is "" where none is split off; `rest` are words that are neither.

    `versions` are words such as live or remix, in lower case. `where` is the clue's place. `doubt` is 0 for the plain
    reading, more for a forced one. `aside` is what stood in brackets or after "feat.". `cut`: the name is as long as DOS let
    it be, so that its end may be missing.
    """

    artist: str
    title: str
    versions: tuple[str, ...]
    where: str
    doubt: float
    rest: str = ""
    aside: str = ""
    cut: bool = False


def guesses(clues: Collection[Clue]) -> list[Guess]:
    """All readings of the clues that name a song: file name, track name, text, tag and info; the least doubtful first.

    Of each place the first four clues are read, and of each the first 300 characters. The same reading from two clues is
    told once. A tag or info `artist:` goes with every `title:` of its place.
    """
    found: dict[tuple[str, str], Guess] = {}
    read = Counter[str]()
    artists = {
        clue.where: repaired(clue.text[len(_ARTIST) :]) for clue in reversed(tuple(clues)) if clue.text.startswith(_ARTIST)
    }
    for clue in clues:
        if clue.where not in _READ or (clue.where in ("tag", "info") and not clue.text.startswith(_TITLE)):
            continue
        read[clue.where] += 1
        if read[clue.where] > _MOST_READ:
            continue
        tagged = clue.where in ("tag", "info")
        for guess in _of_name(clue.text[len(_TITLE) :] if tagged else clue.text, clue.where, _READ[clue.where]):
            if tagged and not guess.artist and not guess.rest:
                guess = replace(guess, artist=last_first(artists.get(clue.where, "")))
            key = (plain(guess.artist + guess.rest + guess.aside), plain(guess.title))
            if key[1] and (key not in found or guess.doubt < found[key].doubt):
                found[key] = guess
    return sorted(found.values(), key=lambda one: one.doubt)


def cleaned(name: str) -> str:
    """A name without file extensions, copy numbers, web addresses and credits, its encoding mended; one line."""
    return _stripped(repaired(name))


def repaired(text: str) -> str:
    """The first 300 characters with wrong encodings mended (by ftfy), %20 read, control characters as spaces."""
    text = text[:LONGEST].translate(_CONTROL)
    if not text.isascii():
        from ftfy import fix_text

        text = fix_text(text)[:LONGEST].translate(_CONTROL)
    if "%" in text:
        text = unquote(text, errors="replace").translate(_CONTROL)
    return text.strip()


def _stripped(text: str) -> str:
    while (shorter := _EXTENSION.sub("", text).strip()) and shorter != text:
        text = shorter
    for pattern in (_YOUTUBE_ID, _NUMBERED, _UPLOADED, _CREDIT, _REMASTER):
        shorter = pattern.sub("", text).strip()
        text = shorter or text
    return text


def last_first(artist: str) -> str:
    """`Last, First` the right way round; anything else as it is."""
    found = _LAST_FIRST.match(artist.strip())
    return f"{found[2].strip()} {found[1].strip()}" if found else artist.strip()


def versions_of(text: str) -> tuple[str, ...]:
    """The words that say which version it is, each once, in alphabetical order."""
    return tuple(sorted({word for word in plain_words(text) if word in VERSIONS}))


def plain_words(text: str) -> list[str]:
    return [plain(word) for word in _WORD.findall(text)]


def noise(word: str) -> bool:
    """Whether a word of a name says nothing of the song: `K`, `kar`, a number of one or two digits."""
    run = plain(word)
    return run in NOISE or (run.isdigit() and len(run) < 3)


def slight(word: str) -> bool:
    """Whether a word at an end of a name may be no part of it: noise, a number, initials of up to three letters."""
    run = plain(word)
    return len(run) <= SHORT or run.isdigit() or noise(word)


def _added(word: str, gap: int) -> bool:
    return slight(word) and (gap > _INSIDE or word.isdigit())


# Places whose clues are read, and how much doubt that brings: what stands inside a file is often not its title.
_READ = {"tag": 0.0, "info": 0.0, "file name": 0.0, "track name": 0.2, "text": 0.3}
_ARTIST, _TITLE = "artist:", "title:"


def _of_name(name: str, where: str, doubt: float) -> Iterator[Guess]:
    text = _LAST_FIRST_TITLE.sub(r"\2 \1", cleaned(name))
    cut = where == "file name" and (bool(_DOS_CUT.search(text)) or len(text) == _DOS_LENGTH)
    if cut:
        text = _DOS_CUT.sub("", text)
        yield Guess("", text, (), where, doubt, cut=True)
    featured = ""
    if found := _FEATURED.search(text):
        # "A feat. B - Title" keeps its title; "Title feat. B" loses its end.
        who, dash, title = found[1].partition(" - ")
        featured, text = (who, f"{text[: found.start()]} - {title}") if dash else (found[1], text[: found.start()])
    asides = [aside for aside in _BRACKETS.findall(text) if plain(aside)]
    bare = _BRACKETS.sub(" ", text).strip()
    versions = tuple(sorted({word for aside in asides for word in versions_of(aside)}))
    said = [aside for aside in asides if not versions_of(aside) and not all(map(noise, aside.split()))]
    if said or not plain(bare):
        yield from _split(text.translate(_AS_SPACES), versions, where, doubt, featured)
        doubt += 0.05
    if plain(bare):
        yield from _split(bare, versions, where, doubt, " ".join([*said, featured]).strip())


_AS_SPACES = str.maketrans("()[]{}", "      ")


def _split(text: str, versions: tuple[str, ...], where: str, doubt: float, aside: str) -> Iterator[Guess]:
    """Readings of a name without brackets: by its separators, then with each run of words at an end as the title."""
    words, gaps = _words(text)
    if not words:
        return

    def guess(artist: Sequence[str], title: Sequence[str], rest: Sequence[str], more: float) -> Guess:
        return Guess(" ".join(artist), " ".join(title), versions, where, round(doubt + more, 3), " ".join(rest), aside)

    strongest = max([_NONE, *gaps])
    segments = _segments(words, gaps, strongest) if strongest else [words]
    yield guess((), words, (), 0.0 if len(segments) == 1 else 0.25 if strongest > _WEAK else 0.03)
    if 1 < len(segments) <= _MOST_SEGMENTS:
        for one, artist in enumerate(segments):
            for other, title in enumerate(segments):
                if one == other:
                    continue
                rest = [word for at, segment in enumerate(segments) if at not in (one, other) for word in segment]
                turned = 0.1 if one > other else 0.0
                yield guess(artist, title, rest, turned + 0.05 * (len(segments) - 2) + (0.05 if strongest == _WEAK else 0.0))
    for at in range(1, len(words)):
        # A short end is a sequencer's initials or a number.
        forced = 0.1 if gaps[at - 1] == strongest else 0.15
        before, after = words[:at], words[at:]
        tail = len(after) < 3 and all(_added(*end) for end in zip(after, gaps[at - 1 :], strict=True))
        yield guess((), before, after, _NATURAL if tail else forced)
        head = at == 1 and (before[0].isdigit() or (gaps[0] > _NONE and slight(before[0])))
        yield guess((), after, before, _NATURAL if head else forced)


def _segments(words: list[str], gaps: list[int], strongest: int) -> list[list[str]]:
    segments = [[words[0]]]
    for gap, word in zip(gaps, words[1:], strict=True):
        if gap == strongest:
            segments.append([word])
        else:
            segments[-1].append(word)
    return segments


def _words(text: str) -> tuple[list[str], list[int]]:
    """The words of a name, of which noise at the end is gone, and how strong each gap between two is."""
    found = list(_WORD.finditer(text))[:_MOST_WORDS]
    between = [text[one.end() : other.start()] for one, other in pairwise(found)]
    spaced = any(set(gap) & set(" _") for gap in between)
    hyphens = between.count("-")
    words, gaps = list[str](), list[int]()
    for at, match in enumerate(found):
        if at:
            gaps.append(_strength(between[at - 1], len(found[at - 1][0]), spaced, hyphens))
        camels = _CAMEL.split(match[0]) if len(match[0]) > 3 else [match[0]]
        if at == 0 and (ends := _END_NUMBER.match(camels[0])) and ends[1]:
            camels[:1] = [ends[1], ends[2] + ends[3]]
        if at == len(found) - 1 and (ends := _END_NUMBER.match(camels[-1])) and ends[3]:
            camels[-1:] = [ends[1] + ends[2], ends[3]]
        words += camels
        gaps += [_INSIDE] * (len(camels) - 1)
    while len(words) > 1 and plain(words[-1]) in NOISE:
        words.pop()
        gaps.pop()
    return words, gaps


def _strength(between: str, before: int, spaced: bool, hyphens: int) -> int:
    squeezed = between.strip()
    if set(squeezed) & set("–—~;|") or "--" in squeezed or "__" in between:
        return _STRONG
    if "-" in between and len(between) > 1:
        return _STRONG
    if between == "-":
        return _MEDIUM if spaced else _WEAK if hyphens == 1 else _NONE
    if between == "." and before > 1:
        return _MEDIUM
    if squeezed in (",", ".", ":") and between != ".":
        return _WEAK
    return _NONE


def title_readings(title: str) -> list[tuple[str, str, float]]:
    """The ways a listed title is called: key without spaces, loose key, and how much of it that leaves out, 0 to 1.

    "Escape (The Pina Colada Song)" is also called by either half; what says the version costs nothing to leave out.
    """
    title = title[:LONGEST]
    whole = plain(title)
    found = {whole: 0.0}
    asides = _BRACKETS.findall(title)
    bare = _BRACKETS.sub(" ", title)
    if asides and plain(bare):
        version = all(versions_of(aside) or _FEATURED.match(f" {aside}") for aside in asides)
        found.setdefault(plain(bare), 0.0 if version else 0.1)
        for aside in asides:
            if len(plain_words(aside)) > 1 and not versions_of(aside):
                found.setdefault(plain(aside), 0.45)
    if first := re.match(r"(?i)^(.+), (the|a|an|la|le|les|il|die|der|das)$", title.strip()):
        found.setdefault(plain(f"{first[2]} {first[1]}"), 0.0)
    parts = re.split(r"\s{3}| / ", bare)
    if len(parts) > 1:
        for part in parts:
            found.setdefault(plain(part), 0.3)
    return [(run, loose(run), left) for run, left in found.items() if run]


def core(title: str) -> str:
    """The key by which two listings are one song: the title without what stands in brackets."""
    return loose(plain(_BRACKETS.sub(" ", title[:LONGEST])) or plain(title))
