"""Clips get words: what is known of each goes into one fact record, and a grammar or a language model writes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from motet import text
from motet.dataset.rows import Clip, Draft, Identity, Knowledge
from motet.run import Settings, Tools, Unanswered, stage
from motet.run.stage import Cost
from motet.text.record import LONGEST_CREDIT, LONGEST_NAME


class WriteCaptions(Settings):
    # Where a model is served and what it costs changes none of its captions.
    no_effect: ClassVar[frozenset[str]] = frozenset(("base_url", "key_variable", "price_in", "price_out", "cap", "patience"))

    writer: Literal["grammar", "llm"] = Field(default="grammar", description="who writes: the grammar, or a language model")
    forms: list[text.Form] = Field(
        default=["short"], min_length=1, description="short, long, tags and question: a caption of each"
    )
    numbers: bool = Field(default=True, description="let the grammar give beats per minute and seconds, not only words")
    model: str = Field(default="", description="the language model, by the name its server knows it by")
    base_url: str = Field(default="http://localhost:11434/v1", description="where the model is served: before /chat/completions")
    key_variable: str = Field(default="OPENAI_API_KEY", description="the NAME of the environment variable with the server's key")
    price_in: float | None = Field(default=None, ge=0, description="dollars for a million tokens of questions")
    price_out: float | None = Field(default=None, ge=0, description="dollars for a million tokens of answers")
    cap: float = Field(default=5.0, ge=0, description="dollars that may be spent on this dataset's captions in all")
    patience: float = Field(default=600.0, gt=0, description="seconds a clip waits for the server in all")
    temperature: float = Field(default=0.8, ge=0, le=2, description="how freely the model writes")
    name_song: bool = Field(default=False, description="tell artist and title to the model, and let captions name them")

    @field_validator("forms")
    @classmethod
    def _each_once(cls, forms: list[text.Form]) -> list[text.Form]:
        return list(dict.fromkeys(forms))


def _model(settings: WriteCaptions) -> Any:
    """The settings of the model's server; raises UserError for those that cannot be."""
    from motet.text import llm

    return llm.Settings(
        model=settings.model,
        base_url=settings.base_url,
        key_variable=settings.key_variable,
        price_in=settings.price_in,
        price_out=settings.price_out,
        cap=settings.cap,
        patience=settings.patience,
        temperature=settings.temperature,
        name_song=settings.name_song,
    )


def _before(settings: WriteCaptions) -> dict[str, str]:
    """What a model's captions hang on besides the record. A setting or a key that is missing is told before work begins."""
    if settings.writer == "grammar":
        return {}
    from motet.text import llm, prompts

    llm.ready(_model(settings))
    return {"prompt": prompts.PROMPT_VERSION}


def _cost(clip: Mapping[str, Any], settings: WriteCaptions) -> Cost | None:
    """Dollars for a clip's captions; its tags, which are not known here, add little."""
    if settings.writer == "grammar":
        return None
    from motet.text import llm

    return Cost(dollars=llm.likely_dollars(json.loads(clip["record"]), settings.forms, _model(settings)))


class _Server:
    """A worker's connection to a model, opened when the first clip comes."""

    def __init__(self, settings: WriteCaptions) -> None:
        self._settings = settings
        self._writer: Any = None

    def writer(self, folder: Path) -> Any:
        if self._writer is None:
            from motet.text import llm

            self._writer = llm.Writer(_model(self._settings), folder)
        return self._writer


@stage(
    version=7,
    uses=[
        "record",
        "identities.artist",
        "identities.title",
        "identities.probability",
        "knowledge.tags",
        "knowledge.tag_kinds",
        "knowledge.tag_weights",
        "knowledge.tag_confidences",
        "knowledge.tag_sources",
    ],
    draws=True,
    timeout=1800,
    contents=_before,
    setup=_Server,
    cost=_cost,
)
def write_captions(
    clip: Clip, identity: Identity | None, known: Knowledge | None, settings: WriteCaptions, tools: Tools
) -> Draft:
    record = _record(clip, identity, known)
    by_grammar = text.by_grammar(record, tools.random, settings.forms, settings.numbers)
    if settings.writer == "grammar":
        return _draft(by_grammar, record, settings.numbers)
    from motet.sources.asking import Unanswered as Silent

    fallback = {one.form: one.text for one in by_grammar}
    server: _Server = tools.equipment
    try:
        answered = server.writer(tools.cache).caption(
            json.loads(record.to_json()), settings.forms, text.check, lambda _, form: fallback[form]
        )
    except Silent as problem:
        # Nobody's captions are held up by a server that is down, nor by its bill.
        raise Unanswered(str(problem), _draft(by_grammar, record, settings.numbers)) from None
    written = {one.style: one for one in answered}
    return _draft([_by_model(one, written.get(one.form)) for one in by_grammar], record, settings.numbers)


def _record(clip: Clip, identity: Identity | None, known: Knowledge | None) -> text.Record:
    """What the clip's notes tell, with the tags of its song and the names that no caption may give."""
    record = text.Record.from_json(clip.record)
    if known is not None and known.tags:
        # Tags are of the song that was taken for this one.
        sure = identity.probability if identity else 1.0
        listed = zip(known.tags, known.tag_kinds, known.tag_weights, known.tag_confidences, known.tag_sources, strict=True)
        tags = tuple(
            text.Tag(name=name, kind=kind, weight=weight, confidence=round(confidence * sure, 4), source="+".join(sources))  # type: ignore[arg-type]
            for name, kind, weight, confidence, sources in listed
            if name.isprintable() and len(name) <= LONGEST_NAME
        )
        record = replace(record, tags=(*(record.tags or ()), *tags))
    if identity is None:
        return record
    # Not what is only guessed: a file that is renamed would get other captions.
    artist, title = _name(identity.artist), _name(identity.title)
    return replace(record, withheld=text.Withheld(artist=artist or None, title=title or None)) if artist or title else record


def _name(written: str) -> str:
    """A name as a record may hold it: half a surrogate pair and more than that many characters it may not."""
    return written.encode("utf-8", "replace").decode()[:LONGEST_CREDIT]


def _by_model(grammar: text.Caption, written: Any) -> text.Caption:
    if written is None:
        return grammar
    return replace(
        grammar,
        text=written.text,
        writer=written.writer,
        model=written.model,
        prompt_version=written.prompt_version,
        wrong=written.reasons,
    )


def _draft(captions: list[text.Caption], record: text.Record, numbers: bool) -> Draft:
    return Draft(**columns(captions), numbers=numbers, record=record.to_json())


def columns(captions: list[text.Caption]) -> Mapping[str, Any]:
    """Captions as lists that belong together item by item."""
    return {
        "texts": [one.text for one in captions],
        "forms": [one.form for one in captions],
        "writers": [one.writer for one in captions],
        "models": [one.model for one in captions],
        "prompt_versions": [one.prompt_version for one in captions],
        "wrong": [list(one.wrong) for one in captions],
    }
