"""A caption says nothing its facts do not: the sentence is read back, word by word."""

from __future__ import annotations

import re
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from motet.midi.general_midi import DRUMS, PROGRAMS
from motet.text import ClipFacts, sentence
from motet.text.grammar import FEW_NOTES, TEMPO_WORDS

NAMES = sorted({*PROGRAMS, DRUMS}, key=len, reverse=True)  # longest first: "bass and lead synth" is one instrument
NUMBERS = ("no", "another", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

facts = st.builds(
    ClipFacts,
    seconds=st.floats(5, 99),
    tempo=st.floats(20, 300),
    tempo_steady=st.booleans(),
    metre=st.sampled_from(["", "4/4", "3/4", "6/8", "7/8"]),
    instruments=st.dictionaries(st.sampled_from([*PROGRAMS, DRUMS]), st.integers(1, 400), min_size=1, max_size=14),
    has_drums=st.just(False),
    notes_per_second=st.floats(0.1, 30),
).map(lambda f: ClipFacts(**{**vars(f), "has_drums": DRUMS in f.instruments}))
seeds = st.integers(0, 2**32)
PLAIN = ClipFacts(20.0, 120.0, True, "4/4", {"violin": 40, "cello": 30, DRUMS: 60}, True, 6.5)


def instruments_in(text: str) -> tuple[set[str], str]:
    """The instruments a sentence names, and what is left of it without them."""
    named = set()
    rest = text
    for name in NAMES:
        pattern = rf"(?<![\w-]){re.escape(name)}(?![\w-])"
        if re.search(pattern, rest, re.IGNORECASE):
            named.add(name)
            rest = re.sub(pattern, "_", rest, flags=re.IGNORECASE)
    return named, rest


@given(facts, seeds, st.integers(1, 6), st.booleans())
def test_every_instrument_named_plays_and_the_uncounted_are_counted(f: ClipFacts, seed: int, most: int, numbers: bool) -> None:
    named, rest = instruments_in(sentence(f, Random(seed), instruments=most, numbers=numbers))
    assert named
    assert named <= f.instruments.keys()
    assert len(named) <= most
    heard = {name for name, notes in f.instruments.items() if notes >= FEW_NOTES}
    if heard:
        assert named <= heard  # who plays three notes may well not be noticed
    if other := re.search(r"(\w+) other instruments?", rest) or re.search(r"(another) instrument", rest):
        left = NUMBERS.index(other[1]) if other[1] in NUMBERS else int(other[1])
        assert left == len(heard - {DRUMS}) - len(named - {DRUMS})


@given(facts, seeds, st.booleans())
def test_every_number_and_metre_is_a_fact(f: ClipFacts, seed: int, numbers: bool) -> None:
    _, rest = instruments_in(sentence(f, Random(seed), numbers=numbers))
    beats = re.findall(r"(\d+) (?:BPM|beats per minute)", rest)
    assert beats == ([str(round(f.tempo))] if numbers and f.tempo_steady else [])
    assert re.findall(r"\d+/\d+", rest) == ([f.metre] if f.metre else [])
    assert all(length == f"{f.seconds:.0f}" for length in re.findall(r"(\d+)-second", rest))
    known = {str(round(f.tempo)), f"{f.seconds:.0f}", *f.metre.split("/")}
    assert set(re.findall(r"\d+", rest)) <= known


@given(facts, seeds)
def test_a_word_for_the_tempo_is_true_and_only_said_of_a_steady_one(f: ClipFacts, seed: int) -> None:
    _, rest = instruments_in(sentence(f, Random(seed)))
    words = sorted({word for _, options in TEMPO_WORDS for word in options}, key=len, reverse=True)
    said = set()
    for word in words:
        if re.search(rf"\b{word}\b", rest, re.IGNORECASE):
            said.add(word)
            rest = re.sub(rf"\b{word}\b", "_", rest, flags=re.IGNORECASE)
    if not f.tempo_steady:
        assert said == set()
        assert "changing" in rest
        return
    assert "changing" not in rest
    true = [options for low, options in TEMPO_WORDS if f.tempo >= low][-1]
    assert said <= set(true)


@given(facts, seeds, st.booleans())
def test_it_is_one_sentence(f: ClipFacts, seed: int, numbers: bool) -> None:
    text = sentence(f, Random(seed), numbers=numbers)
    assert text.endswith(".")
    assert text.count(".") == 1
    assert text[0] == text[0].upper()
    assert "  " not in text
    assert " ," not in text
    assert not re.search(r"\ba [aeiou]|\ban [^aeiou8]", re.sub(r"an? 1[18]-|an? un|an? one", "", text))


@given(facts, seeds)
def test_equal_seeds_say_the_same(f: ClipFacts, seed: int) -> None:
    assert sentence(f, Random(seed)) == sentence(f, Random(seed))


def test_seeds_say_it_in_many_ways() -> None:
    said = {sentence(PLAIN, Random(seed)) for seed in range(200)}
    assert len(said) > 60
    assert len({" ".join(text.split()[:2]) for text in said}) >= 5


def test_settings_say_how_much_is_said() -> None:
    for seed in range(50):
        assert not re.search(r"BPM|per minute", sentence(PLAIN, Random(seed), numbers=False))
        named, rest = instruments_in(sentence(PLAIN, Random(seed), instruments=2))
        assert named == {"violin", DRUMS}
        assert "another instrument" in rest


def test_a_solo_is_named_alone() -> None:
    solo = ClipFacts(12.0, 66.0, True, "3/4", {"harp": 30}, False, 2.5)
    for seed in range(30):
        named, rest = instruments_in(sentence(solo, Random(seed)))
        assert named == {"harp"}
        assert "drum" not in rest
        assert "other" not in rest
