"""What a dataset is under, said in sentences: from counted parts to `Combined`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from motet.export.licences.rules import Rule
from motet.export.licences.weighing import Combined, Credit, Part
from motet.wording import several

__all__ = ["summed"]


def summed(
    parts: tuple[Part, ...], owed: tuple[Credit, ...], conflicts: tuple[str, ...], examples: int, unclear: int
) -> Combined:
    """The strictest of all parts: allowed is what every part allows, asked is what any asks."""
    rules = list({part.rule: None for part in parts})
    unknown = tuple(part for part in parts if not part.rule.known)
    commercial, redistribute = _every(one.commercial for one in rules), _every(one.redistribute for one in rules)
    derivatives = _every(one.derivatives for one in rules)
    attribution, alike = any(one.attribution for one in rules), any(one.share_alike for one in rules)
    front, name = _front(rules, bool(unknown))
    notes = tuple(dict.fromkeys(f"{one.name}: {one.note}" for one in rules if one.note))
    told = Combined(
        "", front, name, commercial, redistribute, derivatives, attribution, alike, _terms(parts), conflicts, unknown, parts,
        owed, notes, examples, unclear,
    )  # fmt: skip
    return _with_summary(told)


def _every(values: Iterable[bool | None]) -> bool | None:
    seen = set(values)
    return False if False in seen else None if None in seen or not seen else True


def _front(rules: list[Rule], unknown: bool) -> tuple[str, str]:
    """The word for the front matter, and a name where that is "other"."""
    if unknown or not rules:
        return "unknown", ""
    asking = [one for one in rules if one.attribution or one.share_alike or not one.commercial] or rules[:1]
    ids = sorted({one.id for one in asking})
    family = [one for one in asking if one.id.startswith("CC-BY")]
    if len(ids) > 1 and len(family) == len(asking) and len({one.id.rsplit("-", 1)[-1] for one in family}) == 1:
        widest = max(family, key=lambda one: len(one.id))  # of one version: the one that asks all that the others ask
        signs = set(widest.id.split("-"))
        if all(set(one.id.split("-")) <= signs for one in family) and not ("SA" in signs and len(ids) > 1 and "NC" in signs):
            ids, asking = [widest.id], [widest]
    if len(ids) == 1:
        hub = asking[0].hub
        return (hub, "") if hub else ("other", _plain(ids[0]))
    return "other", "-and-".join(map(_plain, ids)) if len(ids) <= 3 else "several-licences"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")


def _terms(parts: tuple[Part, ...]) -> tuple[str, ...]:
    """What must be minded, the hardest first, each with the licences that say so."""

    def who(ask: str, wanted: object) -> str:
        names = sorted({part.rule.name for part in parts if part.rule.known and getattr(part.rule, ask) is wanted})
        return ", ".join(names[:6]) + (f" and {several(len(names) - 6, 'other')}" if len(names) > 6 else "")

    told = []
    if names := who("redistribute", False):
        told.append(f"may not be passed on ({names})")
    if names := who("commercial", False):
        told.append(f"no commercial use ({names})")
    if names := who("derivatives", False):
        told.append(f"changed copies may not be shared ({names})")
    if names := who("share_alike", True):
        told.append(f"what is made of it and shared stays under the same licence ({names})")
    if names := who("attribution", True):
        told.append(f"credit must be given, and notices kept ({names})")
    for ask, words in (("commercial", "commercial use"), ("redistribute", "passing on")):
        if names := who(ask, None):
            told.append(f"{words} is not spoken of ({names})")
    return tuple(told)


def _with_summary(told: Combined) -> Combined:
    if not told.examples or not told.parts:
        return replace(
            told, summary="Nothing is known of what it is made of, and so nothing is allowed that the law does not allow."
        )
    words = []
    if told.unknown:
        kinds = ", ".join(sorted({part.what for part in told.unknown}))
        where = several(told.unknown_examples, "example")
        words.append(f"In {where} the licence of a part ({kinds}) is not known: treat these as allowing nothing.")
    if told.commercial is False:
        words.append("As a whole it is not for commercial use.")
    elif told.commercial and told.redistribute and told.derivatives:
        words.append("As a whole it may be used commercially, changed and passed on.")
    elif told.commercial:
        words.append("As a whole it may be used commercially.")
    if told.redistribute is False:
        words.append("Some of it may not be passed on.")
    elif told.redistribute is None and not told.unknown:
        words.append("Whether all of it may be passed on, its licences do not say.")
    if told.derivatives is False:
        words.append("Some of it may not be shared changed.")
    if told.share_alike:
        words.append("What you make of it and share may have to carry the same licence as its parts.")
    if told.attribution:
        holders = len({one.holder for one in told.credits if one.holder})
        words.append(f"Credit is due to {several(holders, 'holder')}." if holders else "Credit is due, and nobody says to whom.")
    if told.conflicts:
        words.append("Some examples join licences that do not go together.")
    return replace(told, summary=" ".join(words) or "Nothing is asked of who uses it.")
