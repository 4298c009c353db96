"""Licences and credits of a dataset in Markdown: in short for the card, in full for LICENSE.md."""

from __future__ import annotations

from collections.abc import Sequence

from motet.export.card.marking import plain, table
from motet.export.licences import Combined, Credit, Part
from motet.wording import count, several

__all__ = ["licence_file", "licences"]

_SHOWN = 25  # parts and holders that the card names; LICENSE.md names all
_NOTES = 6
_PLURAL = {"source": "sources", "recording": "recordings", "film": "films", "midi": "MIDI files"}
_CAUTION = "This is what the parts are told to be under, put together by rule. It is no advice of a lawyer."


def licences(told: Combined) -> str:
    """The section of the card."""
    more = told.parts[_SHOWN:]
    said = [f"**{plain(told.summary, 1000)}**\n"]
    if told.terms:
        said.append("\n".join(f"- {plain(one, 1000)[:1].upper()}{plain(one, 1000)[1:]}." for one in told.terms) + "\n")
    if told.conflicts:
        said.append(
            "Licences that do not go together:\n\n" + "\n".join(f"- {plain(one, 600)}" for one in told.conflicts[:_SHOWN]) + "\n"
        )
    if told.parts:
        said.append(_parts(told.parts[:_SHOWN]))
    if more:
        said.append(f"{several(len(more), 'part')} more {'is' if len(more) == 1 else 'are'} in [LICENSE.md](LICENSE.md).\n")
    if told.notes:
        said.append("\n".join(f"- {plain(one, 1000)}" for one in told.notes[:_NOTES]) + "\n")
    owed = [one for one in told.credits if one.holder]
    if owed:
        names = ", ".join(plain(one.holder) for one in _holders(owed)[:_SHOWN])
        rest = len(_holders(owed)) - _SHOWN
        more_holders = f", and {several(rest, 'holder')} more" if rest > 0 else ""
        said.append(f"Who must be credited: {names}{more_holders}.\n")
    if unnamed := [one for one in told.credits if not one.holder]:
        said.append(f"Credit is due for these, and nobody says to whom, so name the thing: {_unnamed(unnamed)}.\n")
    said.append(f"The full list, with addresses and counts, is [LICENSE.md](LICENSE.md). {_CAUTION}\n")
    return "\n".join(said)


def licence_file(told: Combined) -> str:
    """LICENSE.md: every part, every holder, every address of a text, every note."""
    said = ["# Licences of this dataset\n", plain(told.summary, 1000) + "\n", _CAUTION + "\n", "## What must be minded\n"]
    said.append(
        "\n".join(f"- {plain(one, 1000)}" for one in (*told.terms, *told.conflicts)) + "\n"
        if told.terms
        else "Nothing is asked.\n"
    )
    said += ["## Parts\n", _parts(told.parts) if told.parts else "None is known.\n", "## Credits\n"]
    if told.credits:
        rows = [
            (
                plain(one.holder) or "not told",
                plain(_what(one.what, one.name)),
                plain(one.licence),
                plain(one.url, 600),
                count(one.examples),
            )
            for one in told.credits
        ]
        said.append(table(("holder", "of", "licence", "address", "examples"), rows, right=(4,)))
    else:
        said.append("No part asks for credit.\n")
    sources = sorted({(part.rule.name, part.rule.source) for part in told.parts if part.rule.source})
    if sources:
        said += ["## Where the licences stand\n", "\n".join(f"- {plain(name)}: <{source}>" for name, source in sources) + "\n"]
    if told.notes:
        said += ["## Notes\n", "\n".join(f"- {plain(one, 1000)}" for one in told.notes) + "\n"]
    return "\n".join(said)


def _parts(parts: Sequence[Part]) -> str:
    words = {True: "yes", False: "no", None: "not known"}
    rows = [
        (
            plain(_what(part.what, part.name)), plain(part.rule.name), words[part.rule.commercial], words[part.rule.redistribute],
            words[part.rule.derivatives], count(part.examples),
        )
        for part in parts
    ]  # fmt: skip
    return table(("part", "licence", "commercial use", "may be passed on", "changed, too", "examples"), rows, right=(5,))


def _what(what: str, name: str) -> str:
    return f"{what}: {name}" if name else _PLURAL.get(what, what)


def _holders(owed: Sequence[Credit]) -> list[Credit]:
    return list({one.holder: one for one in reversed(owed)}.values())[::-1]


def _unnamed(owed: Sequence[Credit]) -> str:
    names = list(dict.fromkeys(plain(_what(one.what, one.name)) for one in owed))
    return ", ".join(names[:8]) + (f" and {several(len(names) - 8, 'part')} more" if len(names) > 8 else "")
