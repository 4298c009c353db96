"""Only true captions leave: each is checked against its record, and one that is not true gives way to the grammar's."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal

from motet.text import words
from motet.text.checking import Checked, Claim, check
from motet.text.grammar import Form, write
from motet.text.record import Record

TRIES = 8  # captions of the grammar that are tried in place of a false one


@dataclass(frozen=True, kw_only=True)
class Caption:
    """A caption and where it comes from. `model` and `prompt_version` tell which language model was asked, also where the
    grammar had to step in; `wrong` what was wrong with captions it stands for; `claims` what it claims, once it is checked."""

    text: str
    form: Form
    writer: Literal["grammar", "llm"] = "grammar"
    model: str = ""
    prompt_version: str = ""
    wrong: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()


def by_grammar(record: Record, random: Random, forms: Iterable[Form], numbers: bool = True) -> list[Caption]:
    """A caption of each form, not yet checked."""
    return [Caption(text=write(record, random, form, numbers), form=form) for form in forms]


def ship(caption: Caption, record: Record, random: Random, numbers: bool = True) -> Caption | None:
    """The caption with its claims if all of them are supported, else one of the grammar's that is true; None if none is."""
    told = json.loads(record.to_json())
    for _ in range(1 + TRIES):
        checked = check(caption.text, told)
        if checked.verdict == "true":
            return replace(caption, claims=checked.claims)
        wrong = (*caption.wrong, *reasons(checked))
        caption = replace(caption, text=write(record, random, caption.form, numbers), writer="grammar", wrong=wrong)
    return None


def reasons(checked: Checked) -> list[str]:
    """What speaks against a caption, a line for each claim that is not supported."""
    return [f"{one.words!r} is {one.verdict}: {one.because}" for one in checked.claims if one.verdict != "supported"]


# --- How much of what is known is told ---

_CLAIMED = {  # kinds of claims that tell a fact
    "length": {"duration"}, "tempo": {"tempo", "tempo_number", "tempo_word"}, "metre": {"metre"}, "key": {"key"},
    "chords": {"chord"}, "instruments": {"instrument", "count"}, "roles": {"role"},
    "dynamics": {"level", "change", "dynamics"}, "texture": {"density", "polyphony"}, "register": {"register"},
    "articulation": {"articulation"}, "swing": {"swing"}, "effects": {"effect"},
    "tags": {"genre", "mood", "era", "region"}, "place": {"position"}, "changes": {"entry", "order"},
}  # fmt: skip


def known_facts(record: Record) -> list[str]:
    """The facts of a record that are sure enough to be told, by name."""

    def sure(fact: Any, least: float = words.SURE) -> bool:
        return fact is not None and (fact.confidence is None or fact.confidence >= least)

    has = {
        "length": True,
        "tempo": sure(record.tempo, words.SURE_TEMPO),
        "metre": bool(record.metre) and (record.metre_confidence is None or record.metre_confidence >= words.SURE),
        "key": sure(record.key),
        "chords": len(record.chords or ()) > 1,
        "instruments": bool(record.instruments),
        "roles": any(
            one.role not in (None, "other") and (one.role_confidence or 0) >= words.SURE for one in record.instruments or ()
        ),
        "dynamics": record.dynamics is not None,
        "texture": record.notes_per_second is not None,
        "register": record.register is not None,
        "articulation": sure(record.articulation),
        "swing": sure(record.swing),
        "effects": bool(record.effects),
        "tags": any(sure(tag, words.SURE_TAG) and tag.kind in ("genre", "mood", "era", "region") for tag in record.tags or ()),
        "place": record.section is not None and record.section.position is not None,
        "changes": bool(record.changes),
    }
    return [name for name, known in has.items() if known]


def told_facts(captions: Iterable[Caption]) -> list[str]:
    """The facts that any of the captions tells, by name."""
    kinds = {claim.kind for caption in captions for claim in caption.claims}
    return [name for name, claimed in _CLAIMED.items() if claimed & kinds]
