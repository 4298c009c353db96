"""What a site says of a licence, in one spelling: SPDX identifiers in small letters, without a version where none is told."""

from __future__ import annotations

import re
import unicodedata

from motet.errors import UserError

__all__ = ["allows", "named", "normalised"]

LONGEST = 2000  # characters of what a site says that are looked at

PUBLIC_DOMAIN = "public-domain"  # SPDX has no word for it: what nobody owns, or what the Public Domain Mark says so of
RESERVED = "all-rights-reserved"
_ZERO = "cc0-1.0"
_WHOLE = {
    # YouTube's own words, unchanged since 2011, mean version 3.0 (its help page "Creative Commons").
    "creative commons attribution license (reuse allowed)": "cc-by-3.0",
    "no-rights-reserved": PUBLIC_DOMAIN,  # SoundCloud
    "all-rights-reserved": RESERVED,
    "public-domain": PUBLIC_DOMAIN,
    "pdm": PUBLIC_DOMAIN,
    "public domain mark": PUBLIC_DOMAIN,
    "cc-pdm-1.0": PUBLIC_DOMAIN,
}
_URL = re.compile(r"creativecommons\.org/licen[cs]es/([a-z0-9+-]+)(?:/([0-9]\.[0-9]))?")
_DOMAIN_URL = re.compile(r"creativecommons\.org/(?:publicdomain/(zero|mark)\b|licen[cs]es/(publicdomain)\b)")
_CODE = re.compile(r"\bcc[\s_/-]*by((?:[\s_/-]*(?:nc|nd|sa)(?![a-z]))*)(?![a-z])(?:[\s_-]*v?\.?([1-4]\.[0-9]))?")
_BARE = re.compile(r"by((?:[\s_-](?:nc|nd|sa))*)(?:[\s_-]v?([1-4]\.[0-9]))?")  # Vimeo
_CC0 = re.compile(r"\bcc[\s_-]?(?:0|zero)\b|\bcreative commons zero\b|\bpublic domain dedication\b")
_PUBLIC = re.compile(r"\bpublic[\s_-]domain\b")
_ALL_RIGHTS = re.compile(r"\ball rights reserved\b")
_DENIAL = re.compile(r"\b(?:not|no longer|never|except|excluding|unless|isn't|without|only for|but)\b")
_VERSION = re.compile(r"\b([1-4]\.[05])\b")
_WORDS = {  # of the name of a licence, and what each asks for
    "nc": re.compile(r"\bnon[\s-]?commercial(?:ly)?\b|\bno[\s-]commercial\b"),
    "nd": re.compile(r"\bno[\s-]?deriv(?:ative)?s?(?: works?)?\b|\bnon[\s-]derivatives?\b"),
    "sa": re.compile(r"\bshare[\s-]?alike\b"),
}
_OF_A_NAME = re.compile(
    r"\b(?:creative commons|cc|attribution|by|non[\s-]?commercial|no[\s-]?deriv(?:ative)?s?(?: works?)?|share[\s-]?alike|"
    r"international|unported|generic|licen[cs]e|public|the|version|v)\b|[1-4]\.[05]|[\s,.:()/_-]"
)


def normalised(told: str | None) -> str | None:
    """The licence that a site's words name, or None where they name none, several, or one with words that do not fit it.

    `cc-by-sa-4.0`, `cc-by` (no version told), `cc0-1.0`, `public-domain`, `all-rights-reserved`. Ports to a country's law
    count as the version they are ports of. Doubt means None: what is taken for free must be.
    """
    if not told:
        return None
    text = " ".join(unicodedata.normalize("NFKC", told[:LONGEST]).casefold().replace("’", "'").split())
    if (whole := _WHOLE.get(text)) is not None:
        return whole
    found = {_spelled(match[1], match[2]) for match in _URL.finditer(text) if match[1] != "publicdomain"}
    found |= {_ZERO if match[1] == "zero" else PUBLIC_DOMAIN for match in _DOMAIN_URL.finditer(text)}
    rest = re.sub(r"https?://\S+", " ", text)
    found |= {_spelled("by" + match[1], match[2]) for match in _CODE.finditer(rest)}
    if match := _BARE.fullmatch(rest):
        found.add(_spelled(rest.split(match[2])[0] if match[2] else rest, match[2]))
    if _CC0.search(rest):
        found.add(_ZERO)
    elif _PUBLIC.search(rest):
        found.add(PUBLIC_DOMAIN)
    if _ALL_RIGHTS.search(rest):
        found.add(RESERVED)
    if re.search(r"\battribution\b", rest) and ("creative commons" in rest or not _OF_A_NAME.sub("", rest)):
        versions = set(_VERSION.findall(rest))
        found.add(_spelled("by-" + "-".join(_asked(rest)), versions.pop() if len(versions) == 1 else None))
    only = _one(found)
    if only is None or _DENIAL.search(rest):
        return None
    contradicted = set(_asked(rest)) - set(only.split("-"))
    return None if contradicted else only


def _asked(text: str) -> list[str]:
    return [sign for sign, words in _WORDS.items() if words.search(text)]


def _spelled(code: str, version: str | None) -> str | None:
    signs = [sign for sign in re.split(r"[^a-z0-9+]+", code) if sign]
    if not signs or signs[0] != "by" or not set(signs[1:]) <= {"nc", "nd", "sa"} or {"nd", "sa"} <= set(signs):
        return None
    ordered = [sign for sign in ("by", "nc", "nd", "sa") if sign in signs]
    return "-".join(["cc", *ordered, *([version] if version else [])])


def _one(found: set[str | None]) -> str | None:
    """The licence that all agree on; one without a version agrees with one that has it."""
    if not found or None in found:
        return None
    known = sorted({licence for licence in found if licence is not None}, key=len)
    longest = known[-1]
    return longest if all(longest == licence or _family(longest) == licence for licence in known) else None


def _family(licence: str) -> str:
    return re.sub(r"-[0-9]\.[0-9]$", "", licence)


def named(wanted: str) -> str:
    """A licence as a user writes it. Raises UserError for what is none."""
    written = wanted.strip()
    found = _ZERO if written.casefold() == "cc0" else normalised(written)
    if found is None:
        choices = "cc-by, cc-by-4.0, cc-by-sa, cc-by-nc, cc-by-nd, cc-by-nc-sa, cc-by-nc-nd, cc0, public-domain"
        raise UserError(f"{written[:40]!r} is no licence that recordings are told by: choose among {choices}.")
    return found


def allows(wanted: tuple[str, ...], licence: str | None) -> bool:
    """Whether a licence is among those wanted: of any version where none is named. None wanted means all, also the unknown."""
    if not wanted:
        return True
    if licence is None:
        return False
    return any(licence == each or _family(licence) == each for each in map(named, wanted))
