"""README.md of a dataset: for a person who never heard of it, and for the Hub."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from motet.export.card.facts import CardFacts
from motet.export.card.marking import code, fenced, front_matter, line, plain, table
from motet.export.card.plotting import Plot
from motet.export.card.statement import statement
from motet.export.card.terms import licences
from motet.wording import count, several, size, span

__all__ = ["front", "readme"]

_SIZES = (
    (10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"), (10**8, "10M<n<100M"),
)  # fmt: skip
_VOICES = {
    "mix": "the sound of all instruments together",
    "stems": "the sound of each instrument by itself",
    "midi": "the notes, as a Standard MIDI File",
    "video": "a film",
    "captions": "texts that describe the music",
}


def readme(facts: CardFacts, drawn: Sequence[Plot]) -> str:
    """The whole file. Plots are named `card/<name>.svg`."""
    return front_matter(front(facts)) + "\n" + "\n".join(_sections(facts, drawn))


def front(facts: CardFacts) -> dict[str, Any]:
    """The front matter, in the words of huggingface/hub-docs, datasetcard.md; what the form adds comes last, and wins."""
    has = {name for name, number in facts.measured.voices if number}
    terms = facts.measured.licences
    told: dict[str, Any] = {"pretty_name": facts.title}
    if "captions" in has and facts.language:
        told["language"] = [facts.language]
        told["annotations_creators"] = ["machine-generated"]
    told["license"] = terms.license
    if terms.license == "other":
        told |= {"license_name": terms.name or "see-license-md", "license_link": "LICENSE.md"}
    tasks = [task for voice, task in (("mix", "text-to-audio"), ("video", "text-to-video")) if voice in has and "captions" in has]
    if "mix" in has and any(one.rows for one in facts.measured.counts if one.name in ("genres", "moods", "tags")):
        tasks.append("audio-classification")
    if "stems" in has and "mix" in has:
        tasks.append("audio-to-audio")
    if tasks:
        told["task_categories"] = tasks
    tags = [("mix", "audio"), ("stems", "stems"), ("midi", "midi"), ("video", "video")]
    told["tags"] = ["music", *(tag for voice, tag in tags if voice in has), "motet"]
    told["size_categories"] = [next((name for limit, name in _SIZES if facts.measured.examples < limit), "100M<n<1B")]
    return told | dict(facts.front)


def _sections(facts: CardFacts, drawn: Sequence[Plot]) -> Iterator[str]:
    yield f"# {plain(facts.title)}\n"
    yield from _opening(facts)
    if facts.load:
        yield "## Load it\n"
        yield fenced(facts.load, "python")
    if facts.measured.samples:
        yield "## Some examples\n"
        yield _samples(facts)
    yield "## Splits\n"
    yield from _splits(facts)
    yield "## What there is in it\n"
    for plot in drawn:
        if plot.name != "drops":
            yield f"![{plain(plot.alt, 600)}](card/{plot.name}.svg)\n\n{plain(plot.said, 600)}\n"
    yield "## How good it is\n"
    yield _quality(facts)
    yield "## How it was made\n"
    yield from _making(facts, drawn)
    yield "## Licences and credit\n"
    yield licences(facts.measured.licences)
    yield "## Known limits\n"
    yield _list(facts.limits) if facts.limits else "None was told, which does not mean that there is none.\n"
    yield "## Data statement\n"
    yield statement(facts)


def _opening(facts: CardFacts) -> Iterator[str]:
    told = facts.measured
    yield (
        f"{several(told.examples, 'example')} from {several(told.songs, 'song')}, {span(told.seconds)} of music"
        f"{f', version {plain(facts.version)}' if facts.version else ''}. "
        + (f"{plain(facts.purpose, 1000)} " if facts.purpose else "")
        + "It was made by Motet, a toolkit that turns collections of music into datasets"
        + (f", with its recipe {code(facts.recipe)}" if facts.recipe else "")
        + (f": {plain(facts.recipe_about, 600)}" if facts.recipe_about else "")
        + ".\n"
    )
    rows = [(name, _VOICES[name], count(number)) for name, number in told.voices if number]
    yield table(("part", "what it is", "examples that have it"), rows, right=(2,))
    yield f"**May I use it?** {plain(told.licences.summary, 1000)} See [Licences and credit](#licences-and-credit).\n"


def _samples(facts: CardFacts) -> str:
    said = []
    for one in facts.measured.samples:
        name = plain(one.title) or plain(one.path) or plain(one.id)
        by = f" by {plain(one.artist)}" if one.artist else ""
        known = ", ".join(f"{plain(key)} {plain(value, 120)}" for key, value in one.facts)
        caption = f"“{plain(one.caption, 500)}”" if one.caption else "(no caption)"
        said.append(f"- {name}{by} ({code(one.id, 80)}): {caption}" + (f" – {known}" if known else ""))
    return "\n".join(said) + "\n"


def _splits(facts: CardFacts) -> Iterator[str]:
    told = facts.measured
    rows = [(one.split, count(one.examples), count(one.songs), span(one.seconds)) for one in told.splits]
    yield table(("split", "examples", "songs", "length"), rows, right=(1, 2, 3))
    songs = "No song" if not told.songs_across else f"**{several(told.songs_across, 'song')}**"
    yield f"{songs} has examples in more than one split.\n"
    if proof := facts.proof:
        rows_ = [
            ("clusters of duplicates", count(proof.clusters), _bold(proof.clusters_across)),
            ("artists", count(proof.artists), _bold(proof.artists_across)),
        ]
        if proof.pairs is not None:
            rows_.append(("pairs of near-duplicate songs", count(proof.pairs), _bold(proof.pairs_across or 0)))
        yield "The finished splits were looked over once more, apart from the program that made them:\n"
        yield table(("what", "checked", "found in more than one split"), rows_, right=(1, 2))
        if proof.left_out:
            yield f"Left out, since they would have joined two splits: {several(proof.left_out, 'song')}.\n"
        if proof.note:
            yield plain(proof.note, 600) + "\n"
    else:
        yield "Whether artists or near-duplicates are in more than one split was not checked.\n"


def _bold(number: int) -> str:
    return f"**{count(number)}**" if number else "0"


def _quality(facts: CardFacts) -> str:
    if not facts.quality:
        return "Nothing of it was measured.\n"
    rows = [
        (
            plain(one.name),
            plain(one.value),
            count(one.n),
            plain(one.excluded) or "–",
            plain(one.worst) or "–",
            plain(one.meaning, 600),
        )
        for one in facts.quality
    ]
    return table(("figure", "value", "of how many", "not counted", "worst case", "what it means"), rows, right=(2,))


def _making(facts: CardFacts, drawn: Sequence[Plot]) -> Iterator[str]:
    if facts.command:
        yield "This makes it again:\n"
        yield fenced(facts.command, "sh")
        yield _list((*facts.needs, facts.repeats) if facts.repeats else facts.needs)
    else:
        yield "The command that makes it again is not known.\n"
    if facts.sources:
        yield "### What it was made from\n"
        rows = [
            (
                plain(one.name), plain(one.kind), _number(one.files), "–" if one.bytes is None else size(one.bytes),
                code(one.verify) if one.verify else "–", plain(one.licence) or "not known",
            )
            for one in facts.sources
        ]  # fmt: skip
        yield table(("source", "kind", "files", "size", "how to tell that it is the same", "licence"), rows, right=(2, 3))
    if facts.stages:
        yield "### Steps\n"
        steps = [
            (
                code(one.name),
                plain(one.about),
                str(one.version),
                _settings(one.settings),
                _number(one.rows_in),
                _number(one.rows_out),
            )
            for one in facts.stages
        ]
        yield table(("step", "what it does", "version", "settings unlike the defaults", "in", "out"), steps, right=(2, 4, 5))
    told = [f"seed {facts.seed}"] if facts.seed is not None else []
    told += [f"{plain(name)} {plain(version)}" for name, version in facts.versions.items()]
    if told:
        yield f"Made with {', '.join(told)}.\n"
    yield "### What was left out\n"
    if not facts.drops:
        yield "No drop was counted.\n"
        return
    for plot in drawn:
        if plot.name == "drops":
            yield f"![{plain(plot.alt, 600)}](card/{plot.name}.svg)\n\n{plain(plot.said)}\n"
    lost = [
        (code(one.stage), code(one.reason), several(one.count, plain(one.what).removesuffix("s")), plain(one.meaning) or "–")
        for one in facts.drops
    ]
    yield table(("step", "reason", "how many", "what it means"), lost, right=(2,))


def _settings(told: Mapping[str, Any]) -> str:
    return (
        ", ".join(
            code(f"{name}={value if isinstance(value, str) else json.dumps(value, default=str)}", 120)
            for name, value in told.items()
        )
        or "–"
    )


def _number(value: int | None) -> str:
    return "–" if value is None else count(value)


def _list(sentences: Sequence[str]) -> str:
    return "".join(f"- {plain(line(one, 1000), 1000)}\n" for one in sentences)
