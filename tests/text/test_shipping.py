"""Nothing false leaves: a caption that its record does not support gives way to one that is true, or to none."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.text import Caption, Record, by_grammar, check, ship
from motet.text.record import Key, Player, Swing, Tag, Tempo
from motet.text.shipping import TRIES, known_facts, told_facts

RECORD = Record(
    seconds=20.0,
    tempo=Tempo(bpm=60.0, steady=True, confidence=0.9),
    metre="3/4",
    metre_confidence=0.9,
    key=Key(tonic="D", mode="minor", confidence=0.5),
    instruments=(
        Player(name="violin", role="melody", role_confidence=0.9, notes=40, presence=1.0, enters=0.0, leaves=20.0),
        Player(name="cello", role="bass", role_confidence=0.4, notes=30, presence=1.0, enters=0.0, leaves=20.0),
    ),
    tags=(Tag(name="folk", kind="genre", confidence=0.9),),
)
FACTS = json.loads(RECORD.to_json())


def test_a_true_caption_leaves_as_it_is_with_its_claims() -> None:
    caption = Caption(text="A slow waltz for violin and cello.", form="short", writer="llm", model="m", prompt_version="1")
    shipped = ship(caption, RECORD, Random(0))
    assert shipped is not None
    assert (shipped.text, shipped.writer, shipped.model, shipped.wrong) == (caption.text, "llm", "m", ())
    assert {claim.kind for claim in shipped.claims} >= {"tempo", "instrument"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("A slow waltz for violin and banjo.", "'banjo' is contradicted"),
        ("A slow waltz in D minor.", ""),  # the key is known, if not surely: whether it may be said is the writer's to decide
        ("A melancholic violin.", "'melancholic' is unsupported"),
        ("I'm sorry, but I cannot listen to audio.", "junk"),
        ("", "is contradicted"),
    ],
)
def test_a_false_one_is_replaced_and_the_reason_kept(text: str, why: str) -> None:
    shipped = ship(Caption(text=text, form="short", writer="llm", model="m"), RECORD, Random(0))
    assert shipped is not None
    assert check(shipped.text, FACTS).verdict == "true"
    if why:
        assert (shipped.writer, shipped.model) == ("grammar", "m")
        assert shipped.text != text
        assert shipped.wrong
    if why.startswith("'"):
        assert any(reason.startswith(why) for reason in shipped.wrong)


def test_where_even_the_grammar_finds_no_words_nothing_leaves() -> None:
    # All that could be said of it is its title.
    nothing = Record.from_json(json.dumps({"seconds": 20.0, "withheld": {"title": "music"}}))
    some = [ship(Caption(text="The kazoo.", form="long"), nothing, Random(seed)) for seed in range(20)]
    assert all(one is None or "music" not in one.text.lower() for one in some)
    assert TRIES > 1


@given(st.integers(0, 2**32), st.sampled_from(["short", "long", "tags", "question"]))
def test_what_the_grammar_writes_of_a_plain_record_is_true(seed: int, form: str) -> None:
    (draft,) = by_grammar(RECORD, Random(seed), [form])  # type: ignore[list-item]
    assert check(draft.text, FACTS).verdict == "true", draft.text


def test_facts_are_counted_as_known_only_if_they_are_sure() -> None:
    assert known_facts(RECORD) == ["length", "tempo", "metre", "instruments", "roles", "tags"]
    assert "swing" in known_facts(Record(seconds=9.0, swing=Swing(ratio=2.0, confidence=0.9)))
    shipped = ship(Caption(text="A slow waltz for violin and cello.", form="short"), RECORD, Random(0))
    assert shipped is not None
    assert told_facts([shipped]) == ["tempo", "metre", "instruments"]
