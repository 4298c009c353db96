"""The data statement: what Gebru et al. (2021) and Bender & Friedman (2018) ask of a dataset, as far as its facts answer."""

from __future__ import annotations

from collections.abc import Iterator

from motet.export.card.facts import CardFacts, Origin
from motet.export.card.marking import code, plain
from motet.wording import count, several, span

__all__ = ["statement"]

_UNKNOWN = "Not known."


def statement(facts: CardFacts) -> str:
    """Questions and answers in seven parts. Nothing is said that the facts do not say."""
    parts = (
        ("Motivation", _motivation(facts)),
        ("Composition", _composition(facts)),
        ("Collection", _collection(facts)),
        ("Processing", _processing(facts)),
        ("Uses", _uses(facts)),
        ("Distribution and licence", _distribution(facts)),
        ("Maintenance", _maintenance(facts)),
    )
    return "\n".join(
        f"### {head}\n\n" + "".join(f"- **{question}** {answer}\n" for question, answer in told) for head, told in parts
    )


_Told = Iterator[tuple[str, str]]


def _motivation(facts: CardFacts) -> _Told:
    yield "Why was it made?", plain(facts.purpose, 1000) or _UNKNOWN
    yield "Who made it, and who paid for it?", f"{plain(facts.maker)}; who paid is not known." if facts.maker else _UNKNOWN


def _composition(facts: CardFacts) -> _Told:
    told = facts.measured
    yield (
        "What is an example?",
        (
            f"A passage of a song, or a whole one. There are {count(told.examples)}, {span(told.seconds)} in all, "
            f"from {several(told.songs, 'song')}."
        ),
    )
    left = sum(one.count for one in facts.drops)
    yield (
        "Is it all there was?",
        (f"No: {count(left)} rows were left out, counted step by step: see “What was left out”." if left else _UNKNOWN),
    )
    lacking = [
        f"{name} in {several(told.examples - number, 'example')}" for name, number in told.voices if 0 < number < told.examples
    ]
    lacking += [f"{one.name} in {several(one.missing, 'example')}" for one in told.counts if 0 < one.missing < told.examples]
    yield (
        "What is missing in some examples?",
        f"{plain('; '.join(lacking), 600)}." if lacking else "Nothing that is counted here.",
    )
    yield "Are there copies in it?", (
        f"{count(facts.proof.clusters)} clusters of duplicates were looked for; each is in one split."
        if facts.proof and not facts.proof.clusters_across
        else "See “Splits”." if facts.proof else "Whether there are was not checked."
    )  # fmt: skip
    words = f"{several(told.captions.count, 'caption')} in language {code(facts.language)}" if told.captions.count else ""
    yield (
        "Is there text, and in what language?",
        f"{words}, besides names." if words and facts.language else "Names and facts only.",
    )
    persons = (
        "Names of artists are in it, as sources give them."
        if any(one.artist for one in told.samples)
        else "Names of artists may be in it."
    )
    yield "Is there anything about persons?", f"{persons} Whether voices or faces of persons are in it was not examined."


def _collection(facts: CardFacts) -> _Told:
    if facts.sources:
        kinds = "; ".join(f"{plain(one.name)} ({_of(one)})" for one in facts.sources[:20])
        more = len(facts.sources) - 20
        yield "Where is it from?", kinds + (f"; and {several(more, 'source')} more" if more > 0 else "") + "."
    else:
        yield "Where is it from?", _UNKNOWN
    yield "Did those whose music it is agree?", "Not known beyond what licences say."
    yield "When was it collected?", _UNKNOWN


def _of(one: Origin) -> str:
    number = "number of files not told" if one.files is None else several(one.files, "file")
    return f"{plain(one.kind) or 'kind not told'}, {number}"


def _processing(facts: CardFacts) -> _Told:
    steps = ", ".join(code(one.name) for one in facts.stages)
    yield "What was done to it?", f"{steps}, in this order: see “How it was made”." if steps else _UNKNOWN
    makers = ", ".join(plain(one) for one in facts.caption_makers)
    if facts.measured.captions.count:
        yield "Who wrote the captions?", f"No person: {makers}." if makers else _UNKNOWN
    yield "Can it be done again?", (plain(facts.repeats, 600) or "The command is told above.") if facts.command else _UNKNOWN


def _uses(facts: CardFacts) -> _Told:
    yield "What can it be used for?", "What its parts allow: see “Licences and credit”."
    yield (
        "What should it not be used for?",
        (
            "See “Known limits”."
            if facts.limits
            else "Nobody told; figures of how good it is are above, with how many they are of."
        ),
    )


def _distribution(facts: CardFacts) -> _Told:
    yield "Under what licence?", f"{plain(facts.measured.licences.summary, 1000)} In full: [LICENSE.md](LICENSE.md)."
    unknown = facts.measured.licences.unknown
    yield (
        "Whose licence is not known?",
        (
            plain(", ".join(dict.fromkeys(f"{one.what} {one.name}".strip() for one in unknown[:12]))) + "."
            if unknown
            else "Nobody's."
        ),
    )


def _maintenance(facts: CardFacts) -> _Told:
    yield "Whom to ask, and to tell that something must go?", plain(facts.maker) or _UNKNOWN
    yield "Which version is this?", plain(facts.version) or "It has no number."
    yield (
        "How is something taken out?",
        "`motet remove` takes a source out with all that came of it; then it is exported and published again.",
    )
