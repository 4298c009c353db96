"""Licences weighed together: whether all parts of an example allow a use, and what a dataset is under as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from motet.errors import UserError
from motet.export.example import Licence
from motet.export.licences.rules import LONGEST, SERVICE_NAMES, Rule, rule, rule_of
from motet.wording import several

Use = Literal["commercial", "research", "redistribute"]
USES: tuple[Use, ...] = get_args(Use)

# --- what all parts of an example allow --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refusal:
    """The part that stands against a use, and why, as a sentence."""

    part: Licence
    use: Use
    why: str

    def __str__(self) -> str:
        return self.why


def allows(licences: Iterable[Licence], use: Use) -> Refusal | None:
    """None if every part allows the use, else the first that does not. Unknown counts as not allowed, and so does no part at all.

    commercial: to make money with; needs the right to share what was changed, too, for a row is cut, mixed or rendered.
    research: to study and to train with, for no profit.
    redistribute: to pass the rows on, to whom the same conditions are told. Raises UserError for another word.
    """
    if use not in USES:
        raise UserError(f"There is no use {str(use)[:40]!r} to ask licences for; there are: {', '.join(USES)}.")
    nothing = True
    for part in licences:
        nothing = False
        if why := _against(rule_of(part), use):
            return Refusal(part, use, f"{_called(part)} {why}.")
    if nothing:
        return Refusal(Licence("source", "", ""), use, "Nothing is known of what it is made of.")
    return None


def _against(one: Rule, use: Use) -> str:
    words = {"commercial": "commercial use", "research": "research", "redistribute": "being passed on"}[use]
    granted = {"commercial": one.commercial, "research": one.research, "redistribute": one.redistribute}[use]
    if not one.known and granted is None:
        return "has a licence that is not known" + (f" (“{one.told}”)" if one.told else "")
    if granted is None:
        return f"is under {_shown(one)}, which does not say that it allows {words}"
    if not granted:
        return f"is under {_shown(one)}, which does not allow {words}"
    if use != "research" and not one.derivatives:
        return f"is under {_shown(one)}, which does not let changed copies be shared, as a cut, a mix or a rendering is one"
    return ""


def _shown(one: Rule) -> str:
    return f"“{one.name}”" if " " in one.name and one.id in ("non-commercial", "research-only") else one.name


def _called(part: Licence) -> str:
    name = " ".join(part.name.split())
    name = name if len(name) <= LONGEST else name[:LONGEST] + "…"
    return f"The {part.what}{f' {name}' if name else ''}"


# --- what a dataset is under as a whole ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """Parts of one kind and licence, and in how many examples they are. `name` is "" for sources, of which each has its own."""

    what: str
    name: str
    rule: Rule
    examples: int


@dataclass(frozen=True)
class Credit:
    """Who must be credited for what, and in how many examples. `holder` is "" where credit is owed and nobody says to whom.

    `name` is of the thing, "" for sources, of which each example has its own.
    """

    holder: str
    what: str
    name: str
    licence: str
    url: str
    examples: int


@dataclass(frozen=True)
class Combined:
    """What holds for a dataset as a whole: the strictest of all its parts.

    `license` is for the front matter of a card: a word of the Hugging Face Hub, "other" or "unknown". `name` is for its
    `license_name`, where that is "other". `terms` are sentences; `conflicts` those that stand against each other in one example.
    """

    summary: str
    license: str
    name: str
    commercial: bool | None
    redistribute: bool | None
    derivatives: bool | None
    attribution: bool
    share_alike: bool
    terms: tuple[str, ...]
    conflicts: tuple[str, ...]
    unknown: tuple[Part, ...]
    parts: tuple[Part, ...]
    credits: tuple[Credit, ...]
    notes: tuple[str, ...]
    examples: int
    unknown_examples: int  # that have a part of which nobody knows the licence


_OWN_NAMES = ("source", "recording", "film", "midi")  # each example has its own: counted by licence, not by name
_MOST_TOLD = 1000  # licences in words of their own that are kept apart
_WITHIN = (*_OWN_NAMES, "sound")  # what is heard and seen of an example; words and models stand beside it


@dataclass
class Tally:
    """Counts the parts of examples, one example at a time; what it holds grows with licences and holders, not with examples."""

    examples: int = 0
    _parts: Counter[tuple[str, str, Rule]] = field(default_factory=Counter)
    _credits: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    _urls: dict[tuple[str, str, str, str], str] = field(default_factory=dict)
    _conflicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _silent: dict[tuple[str, str], Rule] = field(default_factory=dict)
    _bare: int = 0
    _unknown: int = 0

    def add(self, licences: Iterable[Licence]) -> None:
        self.examples += 1
        rules = {part: rule_of(part) for part in licences}
        self._bare += not rules
        self._unknown += not rules or any(not one.known for one in rules.values())
        self._parts.update({(part.what, _name(part), self._kept(one)) for part, one in rules.items()})
        owed = {(_holder(part), part.what, _name(part), one.name): part.url for part, one in rules.items() if one.attribution}
        self._credits.update(owed.keys())
        for key, url in owed.items():
            if url and url < self._urls.get(key, "\U0010ffff"):
                self._urls[key] = url
        self._conflicts.update(_conflicts({one.id: one for part, one in rules.items() if part.what in _WITHIN}))

    def _kept(self, one: Rule) -> Rule:
        """Without the words it was told in, where a name says the same, or where too many differ."""
        if (not one.known or one.name == one.told) and len(self._parts) < _MOST_TOLD:
            return one
        key = (one.id, one.source)
        if key not in self._silent:
            self._silent[key] = replace(one, told="")
        return self._silent[key]

    def combined(self) -> Combined:
        from motet.export.licences.summing import summed

        parts = [Part(what, name, one, number) for (what, name, one), number in self._parts.items()]
        if self._bare:
            parts.append(Part("source", "", rule(""), self._bare))
        parts.sort(key=lambda one: (one.what, -one.examples, one.name, one.rule.id, one.rule.told))
        owed = [Credit(*key, self._urls.get(key, ""), number) for key, number in self._credits.items()]
        owed.sort(key=lambda one: (not one.holder, -one.examples, one.holder, one.what, one.name, one.licence))
        clashes = tuple(
            f"{first} and {second} stand together in {several(number, 'example')}: what is made of both can be under neither."
            for (first, second), number in sorted(self._conflicts.items())
        )
        return summed(tuple(parts), tuple(owed), clashes, self.examples, self._unknown)


def _holder(part: Licence) -> str:
    return part.holder or (SERVICE_NAMES.get(part.name.strip().casefold(), "") if part.what in ("tags", "captions") else "")


def _name(part: Licence) -> str:
    return "" if part.what in _OWN_NAMES else part.name


def strictest(licences: Iterable[Licence]) -> Combined:
    """What holds for something made of all these parts. For many examples, add each to a `Tally`."""
    tally = Tally()
    tally.add(licences)
    return tally.combined()


def _conflicts(rules: dict[str, Rule]) -> set[tuple[str, str]]:
    """Pairs of licences that one work cannot be under both: of share-alike with another share-alike, or with a stricter one.

    https://creativecommons.org/faq/#can-i-combine-material-under-different-creative-commons-licenses-in-my-work and, of
    CC BY-SA 4.0 into GPL-3.0, https://creativecommons.org/compatiblelicenses.
    """
    found = set()
    alike = [one for one in rules.values() if one.share_alike and one.known]
    for one in alike:
        for other in rules.values():
            if other.id == one.id or not other.known or _compatible(one, other):
                continue
            stricter = (one.commercial and other.commercial is False) or other.derivatives is False
            if other.share_alike or stricter:
                first, second = sorted((one.name, other.name))
                found.add((first, second))
    return found


def _compatible(one: Rule, other: Rule) -> bool:
    first, second = sorted((_family(one.id), _family(other.id)))
    if first == second:
        return first.startswith("CC-") or "or-later" in one.id + other.id
    pair = {one.id.removesuffix("-only").removesuffix("-or-later"), other.id.removesuffix("-only").removesuffix("-or-later")}
    return pair == {"CC-BY-SA-4.0", "GPL-3.0"} or pair in (
        {"LGPL-2.1", "GPL-2.0"},
        {"LGPL-3.0", "GPL-3.0"},
        {"GPL-3.0", "AGPL-3.0"},
    )


def _family(name: str) -> str:
    return "-".join(part for part in name.removesuffix("-only").removesuffix("-or-later").split("-") if not part[:1].isdigit())
