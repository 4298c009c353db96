"""Each licence as a rule: what it allows and asks, with the address of its text; and what services give of their data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from motet.export.example import Licence
from motet.export.licences.names import named

__all__ = ["LONGEST", "SERVICES", "SERVICE_NAMES", "Rule", "rule", "rule_of"]

_CC = "https://creativecommons.org/licenses"
LONGEST = 160  # characters of a name or licence in a sentence


@dataclass(frozen=True)
class Rule:
    """What one licence says. None stands for: it does not say, or nobody knows.

    `id` is "" for unknown. `derivatives`: changed copies may be shared; a cut, a mix and a rendering are such. `redistribute`:
    the work itself may be shared. `share_alike`: what is made of it and shared must carry the same licence. `hub` is the word
    for it in the front matter of a Hugging Face card (https://huggingface.co/docs/hub/repositories-licenses), or "".
    """

    id: str
    commercial: bool | None = None
    derivatives: bool | None = None
    redistribute: bool | None = None
    research: bool | None = None
    attribution: bool | None = None
    share_alike: bool | None = None
    note: str = ""
    source: str = ""
    hub: str = ""
    told: str = ""  # the words it was read from

    @property
    def known(self) -> bool:
        return bool(self.id) and "copyright-notice" not in self.id

    @property
    def name(self) -> str:
        """For a person: "CC BY-NC 4.0", "GPL-2.0", "public domain", or the words as told."""
        if " AND " in self.id:
            return " and ".join(Rule(name).name for name in self.id.split(" AND "))
        if self.id.startswith("CC-BY"):
            parts = self.id.split("-")
            signs = [part for part in parts[1:] if part in ("BY", "NC", "ND", "SA")]
            return " ".join(["CC", "-".join(signs), *parts[1 + len(signs) :]])
        words = {"CC0-1.0": "CC0 1.0", "public-domain": "public domain", "all-rights-reserved": "all rights reserved"}
        own = ("", "non-commercial", "research-only", "copyright-notice")
        return (self.told or "not known") if self.id in own else words.get(self.id, self.id)


# --- what each says --------------------------------------------------------------------------------------------------

_GPL_NOTE = (
    "It allows commercial use. Whether sound played from a SoundFont under it is under it, too, is not settled: its stewards say "
    "that output is covered where parts of the work are copied into it (https://www.gnu.org/licenses/gpl-faq.html#GPLOutput)."
)
_ND_NOTE = "Changed copies may not be shared: a cut, a mix or a film set to it may be one."
_REST = "The rest of its words is for a person to read."
_RAIL_NOTE = "A list of uses is forbidden, and must be passed on."
_FREE = Rule("", True, True, True, True, True, False)  # permissive: keep the notice
_COPYLEFT = Rule("", True, True, True, True, True, True)
_GIVEN = Rule("", True, True, True, True, False, False)  # nothing is asked
_SPDX = "https://spdx.org/licenses/"

_KNOWN: dict[str, Rule] = {
    "CC0-1.0": replace(_GIVEN, source="https://creativecommons.org/publicdomain/zero/1.0/legalcode", hub="cc0-1.0"),
    "public-domain": replace(
        _GIVEN, source="https://creativecommons.org/publicdomain/mark/1.0/", note="Perhaps not in all countries.",
    ),
    "PDDL-1.0": replace(_GIVEN, hub="pddl"),
    "Unlicense": replace(_GIVEN, hub="unlicense"),
    "WTFPL": replace(_GIVEN, hub="wtfpl"),
    "MIT": replace(_FREE, hub="mit"),
    "MIT-0": _GIVEN,
    "Apache-2.0": replace(_FREE, hub="apache-2.0"),
    "BSD-2-Clause": replace(_FREE, hub="bsd-2-clause"),
    "BSD-3-Clause": replace(_FREE, hub="bsd-3-clause"),
    "ISC": replace(_FREE, hub="isc"),
    "Zlib": replace(_FREE, hub="zlib"),
    "BSL-1.0": replace(_FREE, hub="bsl-1.0"),
    "ODC-By-1.0": replace(_FREE, hub="odc-by"),
    "CDLA-Permissive-2.0": replace(_FREE, hub="cdla-permissive-2.0"),
    "OFL-1.1": replace(_COPYLEFT, hub="ofl-1.1", note="It may not be sold by itself."),
    "ODbL-1.0": replace(_COPYLEFT, hub="odbl"),
    "LAL-1.3": replace(_COPYLEFT, source="https://artlibre.org/licence/lal/en/"),
    "MPL-2.0": replace(_COPYLEFT, hub="mpl-2.0", note="Its share-alike is of its own files."),
    "GFDL-1.3": replace(_COPYLEFT, hub="gfdl"),
    "OpenRAIL": replace(_FREE, hub="openrail", source="https://www.licenses.ai/", note=_RAIL_NOTE),
    "CreativeML-OpenRAIL-M": replace(
        _FREE,
        hub="creativeml-openrail-m",
        source="https://huggingface.co/spaces/CompVis/stable-diffusion-license",
        note=_RAIL_NOTE,
    ),
    "CreativeML-OpenRAIL++-M": replace(
        _FREE,
        hub="openrail++",
        source="https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md",
        note=_RAIL_NOTE,
    ),
    "CC-Sampling-Plus-1.0": Rule(
        "", None, True, None, True, True, False, "Parts may be used commercially, but not in advertising; the whole may not.",
        "https://creativecommons.org/licenses/sampling+/1.0/legalcode",
    ),
    "all-rights-reserved": Rule("", False, False, False, False, True, False, "It grants nothing: ask its holder."),
    "YouTube-Standard": Rule(
        "", False, False, False, False, True, False, "It lets people watch on the site, and grants nothing else.",
        "https://www.youtube.com/static?template=terms",
    ),
    "non-commercial": Rule("", False, None, None, True, None, None, _REST),
    "research-only": Rule("", False, None, None, True, None, None, _REST),
    "copyright-notice": Rule("", note="It names a holder and no licence."),
}  # fmt: skip
_HUB_CC = {
    "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0",
    "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0",
}  # fmt: skip
_HUB_GPL = {
    "GPL": "gpl", "GPL-2.0": "gpl-2.0", "GPL-3.0": "gpl-3.0", "LGPL": "lgpl",
    "LGPL-2.1": "lgpl-2.1", "LGPL-3.0": "lgpl-3.0", "AGPL-3.0": "agpl-3.0",
}  # fmt: skip

# What services and lists give, by the names in rows (`motet.sources`). Their tags are often all that is taken from them.
SERVICES: dict[str, Rule] = {
    "musicbrainz": Rule(
        "CC-BY-NC-SA-3.0", False, True, True, True, True, True,
        "Of tags and genres; names, dates and identifiers are core data under CC0 1.0.",
        "https://musicbrainz.org/doc/About/Data_License", "cc-by-nc-sa-3.0",
    ),
    "listenbrainz": Rule("CC0-1.0", True, True, True, True, False, False, "", "https://listenbrainz.org/data/", "cc0-1.0"),
    "lastfm": Rule(
        "non-commercial", False, None, None, True, True, None,
        "The API's terms allow non-commercial use with credit and a link, and limit what may be stored.",
        "https://www.last.fm/api/tos", told="Last.fm API terms of service",
    ),
    "spotify": Rule(
        "Spotify-terms", False, False, False, False, True, None,
        "The Developer Policy, III.14, forbids to train a machine learning model on what the service gives.",
        "https://developer.spotify.com/policy", told="Spotify Developer Terms",
    ),
    "deezer": Rule(
        "non-commercial", False, None, None, None, True, None, "The terms for developers admit no commercial use.",
        "https://developers.deezer.com/termsofuse", told="Deezer terms for developers",
    ),
    "msd": Rule(
        "non-commercial", False, None, None, True, True, None,
        "Made of answers of The Echo Nest's API, which was free for non-commercial use only.",
        "http://developer.echonest.com/licensing.html", told="Million Song Dataset: The Echo Nest's API terms",
    ),
    "lakh": Rule(
        "CC-BY-4.0", True, True, True, True, True, False, "Of the collection and its lists.",
        "https://colinraffel.com/projects/lmd/", "cc-by-4.0",
    ),
}  # fmt: skip


SERVICE_NAMES = {
    "musicbrainz": "MusicBrainz", "listenbrainz": "ListenBrainz", "lastfm": "Last.fm", "spotify": "Spotify", "deezer": "Deezer",
    "msd": "Million Song Dataset", "lakh": "Lakh MIDI Dataset",
}  # fmt: skip


@lru_cache(maxsize=8192)
def rule(told: str) -> Rule:
    """The rule that words name: an SPDX identifier or expression, a name, an address, a sentence. Not understood: all None."""
    short = " ".join(told.split())[:LONGEST]
    found = named(told)
    if len(found) == 1:
        return replace(_ruled(found[0]), told=short)
    if not found:
        return Rule("", told=short)
    how, *names = found
    rules = [_ruled(name) for name in names]
    if how == "OR":  # the user may choose: the one that allows most
        return replace(max(rules, key=lambda one: (_freedom(one), one.id)), told=short)
    return _together(rules, short)


def rule_of(part: Licence) -> Rule:
    """The rule of a part: by its licence, else by the service it came from."""
    if part.licence.strip():
        return rule(part.licence)
    return SERVICES.get(part.name.strip().casefold(), rule("")) if part.what in ("tags", "captions") else rule("")


def _ruled(name: str) -> Rule:
    if name.startswith("CC-BY"):
        signs, hub = name.split("-"), name.lower()
        version = signs[-1] if signs[-1][0].isdigit() else ""
        code = "-".join(sign.lower() for sign in signs[1:] if sign in ("BY", "NC", "ND", "SA"))
        return Rule(
            name, "NC" not in signs, "ND" not in signs, True, True, True, "SA" in signs, _ND_NOTE if "ND" in signs else "",
            f"{_CC}/{code}/{version or '4.0'}/legalcode", hub if hub in _HUB_CC else "",
        )  # fmt: skip
    if name.startswith(("GPL", "LGPL", "AGPL")):
        family = name.removesuffix("-only").removesuffix("-or-later")
        return replace(_COPYLEFT, id=name, note=_GPL_NOTE, source="https://www.gnu.org/licenses/", hub=_HUB_GPL.get(family, ""))
    known = _KNOWN[name]
    own = name in ("all-rights-reserved", "YouTube-Standard", "non-commercial", "research-only", "copyright-notice")
    return replace(known, id=name, source=known.source or ("" if own else f"{_SPDX}{name}.html"))


def _freedom(one: Rule) -> tuple[int, ...]:
    granted = (one.commercial, one.derivatives, one.redistribute, one.research)
    asked = (one.share_alike, one.attribution)
    return (*(2 if each else 1 if each is None else 0 for each in granted), *(0 if each else 1 for each in asked))


def _together(rules: list[Rule], told: str) -> Rule:
    """Several licences that hold at once: allowed is what all allow, asked is what any asks."""

    def every(values: list[bool | None]) -> bool | None:
        return False if False in values else None if None in values else True

    def some(values: list[bool | None]) -> bool | None:
        return True if True in values else None if None in values else False

    return Rule(
        " AND ".join(sorted({one.id for one in rules})),
        commercial=every([one.commercial for one in rules]),
        derivatives=every([one.derivatives for one in rules]),
        redistribute=every([one.redistribute for one in rules]),
        research=every([one.research for one in rules]),
        attribution=some([one.attribution for one in rules]),
        share_alike=some([one.share_alike for one in rules]),
        note=" ".join(dict.fromkeys(one.note for one in rules if one.note)),
        source=rules[0].source,
        told=told,
    )
