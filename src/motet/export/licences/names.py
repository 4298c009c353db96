"""From words as told to the names of licences. Doubt gives no name: what is taken for free must be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

__all__ = ["named"]

LONGEST = 2000  # characters that are looked at
_MOST_WORDS = 12  # that may stand beside the name of a licence: a title, a holder, a year

_LICENCE = r"(?: licen[cs]e)?"
_ONE = r"(?:[\s,(_-]*(?:version |v)?1\.0\)?)?"
_HTTP = r"(?:https?://)?(?:www\.)?"
_END = r"/?(?=[\s,;)\]]|$)"

_CC_URL = re.compile(_HTTP + r"creativecommons\.org/licen[cs]es/([a-z+-]+)(?:/([1-4]\.[0-9]))?\S*")
_ZERO_URL = re.compile(_HTTP + r"creativecommons\.org/(?:publicdomain/(zero|mark)|licen[cs]es/publicdomain)\S*")
_LIST_URL = re.compile(
    _HTTP + r"(?:spdx\.org/licenses|opensource\.org/licen[cs]es?|choosealicense\.com/licenses)/"
    r"([a-z0-9.+-]+?)(?:\.html|\.txt|\.php)?" + _END
)
_GNU_URL = re.compile(_HTTP + r"gnu\.org/licenses/(?:old-licenses/)?([al]?gpl-[1-3]\.[01])(?:-standalone)?(?:\.\w+)?" + _END)
_CODE = re.compile(
    r"\bcc[\s_/-]*by((?:[\s_/-]*(?:nc|nd|sa)(?![a-z]))*)(?![a-z])"
    r"(?:[\s_-]*v?\.?([1-4]\.[0-9])(?![0-9])(?:[\s_-](?:(?!nc|nd|sa)[a-z]{2}|igo|scotland|unported|international|intl|generic|deed)(?![a-z]))?)?"
)
_BARE = re.compile(r"by((?:[\s_-](?:nc|nd|sa))+)(?:[\s_-]v?([1-4]\.[0-9]))?")
_WORDED = re.compile(
    r"(?:\b(?:creative commons|cc)\b[\s:,–-]*)?(?:licen[cs]e[\s:,-]*)?\battribution\b"
    r"((?:[\s,/&_–-]*(?:and\s)?(?:non[\s-]?commercial|no[\s-]?deriv(?:ative|s)?s?(?: works)?|share[\s-]?alike)\b)*)"
    r"(?:[\s,(_–-]*(?:version\s|v\.?\s?|licen[cs]e\s?)*([1-4]\.[0-9])\b)?"
)
_GPL = re.compile(
    r"\b(?:gnu[\s-]+)?(?:(affero|lesser|library)?\s*general public licen[cs]e|(a|l)?gpl)(?:\s+licen[cs]e)?"
    r"(?:[\s,(_-]*(?:version\s*|ver\.?\s*|v\.?\s*)?([1-3](?:\.[0-9]+)?)(?![0-9]))?\)?"
    r"(\+|[\s,_(-]*or[\s_-]+(?:\(?at your option\)?\s+)?(?:any\s+)?(?:later|newer|greater)(?:\s+versions?)?\)?)?"
    r"([\s_-]+only\b)?(?!-?[0-9])"
)
_SIGNS = {"nc": r"non[\s-]?commercial", "nd": r"no[\s-]?deriv", "sa": r"share[\s-]?alike"}

# What names are written like, in the order they are looked for, and their SPDX identifiers or our own words.
_NAMES: tuple[tuple[str, str], ...] = (
    (r"(?:cc |creative commons )?sampling[\s-]?(?:plus|\+)", "CC-Sampling-Plus-1.0"),
    (r"cc-sampling-plus-1\.0", "CC-Sampling-Plus-1.0"),
    (r"(?:odc[\s-])?pddl", "PDDL-1.0"),
    (r"open data commons public domain dedication(?: and)?", "PDDL-1.0"),
    (r"odc[\s-]by", "ODC-By-1.0"),
    (r"open data commons attribution", "ODC-By-1.0"),
    (r"cc[\s-]?(?:0|zero)", "CC0-1.0"),
    (r"creative commons zero", "CC0-1.0"),
    (r"public domain dedication", "CC0-1.0"),
    (r"odbl", "ODbL-1.0"),
    (r"open database licen[cs]e(?: \(odbl\))?", "ODbL-1.0"),
    (r"bsl[\s-]1\.0|boost(?: software)? licen[cs]e", "BSL-1.0"),
    (r"mit[\s-]0|mit no attribution", "MIT-0"),
    (r"(?:the )?(?:mit|expat)(?:[\s/(-]*expat\)?)? licen[cs]e|(?<=under )(?:the )?mit|(?<=licen[cs]e: )mit", "MIT"),
    (r"apache(?: software)?(?: licen[cs]e)?[\s,-]*(?:version |v)?2(?:\.0)?", "Apache-2.0"),
    (r"bsd[\s-]*2[\s-]*clause(?:[\s\"-]*simplified\"?)?|(?:2[\s-]clause|simplified) bsd", "BSD-2-Clause"),
    (r"(?:new |modified )?bsd[\s-]*3(?:[\s-]*clause)?|(?:3[\s-]clause|new|modified) bsd", "BSD-3-Clause"),
    (r"isc licen[cs]e", "ISC"),
    (r"zlib", "Zlib"),
    (r"(?:the )?unlicense", "Unlicense"),
    (r"wtfpl", "WTFPL"),
    (r"(?:sil )?ofl(?:[\s-]*1\.1)?|sil open font licen[cs]e(?:[\s,-]*(?:version |v)?1\.1)?", "OFL-1.1"),
    (r"cdla[\s-]permissive[\s-]2\.0", "CDLA-Permissive-2.0"),
    (r"lal[\s-]1\.3|(?:free art licen[cs]e|licence art libre)(?:[\s-]*1\.3)?", "LAL-1.3"),
    (r"mpl[\s-]*v?2(?:\.0)?|mozilla public licen[cs]e[\s,-]*(?:version |v)?2\.0", "MPL-2.0"),
    (r"gfdl(?:[\s-]*v?1\.[1-3](?:[\s-](?:only|or[\s-]later))?)?|gnu free documentation", "GFDL-1.3"),
    (r"(?:creativeml[\s-])?open\s?rail\s?\+\+(?:[\s-]*m)?", "CreativeML-OpenRAIL++-M"),
    (r"creativeml[\s-]open\s?rail[\s-]m", "CreativeML-OpenRAIL-M"),
    (r"open\s?rail(?:[\s-]m)?", "OpenRAIL"),
    (r"public[\s-]domain mark|cc[\s-]pdm[\s-]1\.0|pdm", "public-domain"),
    (r"no[\s-]rights[\s-]reserved|public[\s_-]domain", "public-domain"),
    (r"all[\s-]rights[\s-]reserved", "all-rights-reserved"),
    (r"(?:standard )?youtube(?: standard)? licen[cs]e", "YouTube-Standard"),
)  # fmt: skip
_PATTERNS = tuple(
    (re.compile(rf"(?<![a-z0-9.+-])(?:{p}){_LICENCE}{_ONE}(?: universal)?(?![a-z0-9+]|-[a-z0-9])"), n) for p, n in _NAMES
)
_ANY = re.compile("|".join(f"(?:{pattern})" for pattern, _ in _NAMES))
_WHOLE = {  # words too common to be looked for in a sentence: "mit" is "with" in German
    "mit": "MIT", "the mit": "MIT", "expat": "MIT", "mit/expat": "MIT", "isc": "ISC",
    # YouTube's words for its Creative Commons videos; its help page says of which version.
    "creative commons attribution license (reuse allowed)": "CC-BY-3.0",
}  # fmt: skip
_BOTH = re.compile(
    r"\b(?:commercial (?:and|or|&|as well as) non[\s-]?commercial|"
    r"non[\s-]?commercial (?:and|or|&|as well as) commercial)\b(?: (?:use|purposes))?"
)
_NO_MONEY = re.compile(
    r"\bnon[\s-]?commercial(?:ly)?\b(?: use| purposes)?|\bno[\s-]commercial\b(?: use)?|"
    r"\bnot (?:be used )?(?:for|in) commercial\b(?: use)?|\bforbids commercial\b|"
    r"\b(?:personal|private) use\b|\bnot (?:to be|be|for) (?:sold|sale|resale)\b|"
    r"\bcommercial use (?:is )?(?:prohibited|forbidden|not allowed)\b"
)
_RESEARCH = re.compile(
    r"\b(?:academic|research|scientific|educational?|evaluation)\b[\w\s,/&]{0,40}\bonly\b|\bresearch[\s-]only\b|"
    r"\bonly (?:for|in) (?:academic|research|scientific|education)|\bfor (?:academic|research) (?:use|purposes)\b"
)
_DOUBT = re.compile(
    r"\b(?:not|no|none|nor|never|except|excluding|unless|isn't|aren't|don't|cannot|without|but|most(?:ly)?|some|each|every|individual|"
    r"various|vary|varies|mixed|respective|different|either|or|may|might|depends?|see|unknown|unclear|tables?|metadata|annotations?|code|"
    r"weights|however|others?|if|where|only|parts?|additional|longer|restrictions?|expired|formerly|tbd|todo|"
    r"with|exceptions?|nc|nd|sa)\b|\?"  # the last three: signs out of their order, as in CC-BY-4.0-NC
)
_COPYRIGHT = re.compile(r"©|℗|\(c\)|\(p\)|\bcopyright(?:ed)?\b|\bcopr\b")
_NEUTRAL = re.compile(
    r"\b(?:licen[cs]ed?|under|the|a|an|and|terms|of|by|this|these|work|works|file|files|is|was|are|in|into|to|released|placed|dedicated|"
    r"has|have|been|all|international|unported|generic|deed|worldwide|spdx|license-identifier|identifier)\b|[^\w']|_"
)


def named(told: str) -> tuple[str, ...]:
    """One name, as ("MIT",); an expression, as ("OR", "GPL-2.0", "MIT"); or nothing, for what is not understood."""
    text = " ".join(unicodedata.normalize("NFKC", told[:LONGEST]).casefold().replace("’", "'").split())
    if not text or len(told) > LONGEST:
        return ()
    for joint, word in ((r"\s+or\s+", "OR"), (r"\s+and\s+|\s*;\s*|\s+&\s+", "AND")):
        pieces = [piece.strip(" ()") for piece in re.split(joint, text)]
        if 1 < len(pieces) <= 20 and all(names := [_one(piece) for piece in pieces]):
            distinct = {name for name in names if name}
            distinct = distinct - {"copyright-notice"} or distinct  # that beside a licence adds nothing to it
            return (word, *sorted(distinct)) if len(distinct) > 1 else (*distinct,)
    whole = _one(text)
    return (whole,) if whole else ()


def _one(text: str) -> str | None:
    """The one licence that words name, with nothing else said of it; None for none, several, and where exceptions are made."""
    if name := _WHOLE.get(text.strip(" .")):
        return name
    if bare := _BARE.fullmatch(text):
        return _spelled(bare[1], bare[2])
    found: set[str | None] = set()
    rest = _BOTH.sub(" for all ", text)

    def take(pattern: re.Pattern[str], name: Callable[[re.Match[str]], str | None]) -> None:
        nonlocal rest
        found.update(name(match) for match in pattern.finditer(rest))
        rest = pattern.sub(" | ", rest)

    take(_ZERO_URL, lambda match: "CC0-1.0" if match[1] == "zero" else "public-domain")
    take(_CC_URL, _of_address)
    take(_LIST_URL, lambda match: _one(match[1]))
    take(_GNU_URL, lambda match: _one(match[1]))
    take(_CODE, lambda match: _spelled(match[1], match[2]))
    for pattern, name in _PATTERNS if _ANY.search(rest) else ():  # most words name none
        take(pattern, lambda _, name=name: name)  # type: ignore[misc]
    take(_WORDED, lambda match: _worded(match, text))
    take(_GPL, _gpl)
    return _settled(found, rest)


def _settled(found: set[str | None], rest: str) -> str | None:
    """What is found, in the light of what else is said."""
    research, poor = _RESEARCH.search(rest), _NO_MONEY.search(rest)
    if research or poor:
        bare = _NO_MONEY.sub(" ", rest)
        if found and all(name and ("-NC" in name or name == "all-rights-reserved") for name in found) and not _DOUBT.search(bare):
            return _agreed(found)  # the same, said again
        return "research-only" if research and not poor else "non-commercial"
    notice = _COPYRIGHT.search(rest)
    if not found:
        return "copyright-notice" if notice else None
    if None in found or _DOUBT.search(rest):
        return None
    beside = len(_NEUTRAL.sub(" ", rest).split())
    if "public-domain" in found:  # of what, if more is said: the tune, or this arrangement of it?
        return "public-domain" if found == {"public-domain"} and not notice and not beside else None
    if notice and len(found) > 1:
        found = found - {"all-rights-reserved"}  # the usual line beside a licence
    return _agreed(found) if beside <= _MOST_WORDS else None


def _agreed(found: set[str | None]) -> str | None:
    """The licence that all agree on; one without a version agrees with one that has it."""
    names = sorted((name for name in found if name), key=lambda name: (len(name), name))
    longest = names[-1]
    same = (longest == name or re.fullmatch(re.escape(name) + r"-[0-9].*", longest) for name in names)
    return longest if all(same) else None


def _of_address(match: re.Match[str]) -> str | None:
    code = match[1].strip("-")
    if code in ("sampling+", "sampling-plus"):
        return "CC-Sampling-Plus-1.0"
    signs = code.split("-")
    return _spelled(code, match[2]) if "by" in signs and set(signs) <= {"by", "nc", "nd", "sa"} else None


def _spelled(code: str, version: str | None) -> str | None:
    """ "nc-sa", "3.0" → "CC-BY-NC-SA-3.0". Ports to a country's law count as the version they are ports of."""
    signs = set(re.findall(r"nc|nd|sa", code))
    if {"nd", "sa"} <= signs:
        return None  # there is no such licence
    ordered = [sign.upper() for sign in ("nc", "nd", "sa") if sign in signs]
    return "-".join(["CC-BY", *ordered, *([version] if version else [])])


def _worded(match: re.Match[str], text: str) -> str | None:
    """ "Creative Commons Attribution-NonCommercial 4.0"; without its first words only where nothing else is said."""
    code = " ".join(sign for sign, pattern in _SIGNS.items() if re.search(pattern, match[1]))
    alone = not _NEUTRAL.sub("", text.replace(match[0], ""))
    return _spelled(code, match[2]) if "creative commons" in text or _CODE.search(text) or alone else None


def _gpl(match: re.Match[str]) -> str:
    kind = {"affero": "AGPL", "lesser": "LGPL", "library": "LGPL", "a": "AGPL", "l": "LGPL"}.get(
        match[1] or match[2] or "", "GPL"
    )
    version = match[3]
    if not version:
        return kind
    return f"{kind}-{version if '.' in version else version + '.0'}{'-or-later' if match[4] else '-only' if match[5] else ''}"
