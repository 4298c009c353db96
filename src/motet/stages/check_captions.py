"""Every claim of every caption is held against the clip's fact record; what is not true is not shipped."""

from __future__ import annotations

import json
from dataclasses import asdict

from motet import text
from motet.dataset.rows import Caption, Draft
from motet.run import Drop, Tools, stage
from motet.stages.write_captions import columns
from motet.text.shipping import known_facts, told_facts


@stage(
    version=6,
    uses=["texts", "forms", "writers", "models", "prompt_versions", "wrong", "numbers", "record"],
    draws=True,
    timeout=60,
)
def check_captions(draft: Draft, tools: Tools) -> Caption | Drop:
    record = text.Record.from_json(draft.record)
    listed = zip(draft.texts, draft.forms, draft.writers, draft.models, draft.prompt_versions, draft.wrong, strict=True)
    shipped = []
    for written, form, writer, model, prompt_version, wrong in listed:
        caption = text.Caption(
            text=written,
            form=form,
            writer=writer,
            model=model,
            prompt_version=prompt_version,
            wrong=tuple(wrong),
        )
        if true := text.ship(caption, record, tools.random, draft.numbers):
            shipped.append(true)
    if not shipped:
        return Drop("no_true_caption", "none that was written holds against the facts")
    return Caption(
        text=shipped[0].text,
        **columns(shipped),
        claims=[json.dumps([asdict(claim) for claim in one.claims], ensure_ascii=False) for one in shipped],
        known=known_facts(record),
        told=told_facts(shipped),
        record=draft.record,
    )
