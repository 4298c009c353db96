"""A caption says nothing its record does not: captions are read back, word by word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.midi.general_midi import DRUMS, PROGRAMS
from motet.text import words
from motet.text.grammar import Form, write
from motet.text.grammar.variety import variety
from motet.text.grammar.wording import with_article
from motet.text.record import (
    Articulation,
    Change,
    Dynamics,
    Effects,
    Key,
    Place,
    Player,
    Record,
    Register,
    Swing,
    Tag,
    Tempo,
    Withheld,
)

FORMS = get_args(Form)
SENTENCES = ("short", "long", "question")
NAMES = sorted({*PROGRAMS, DRUMS}, key=len, reverse=True)  # longest first: "bass and lead synth" is one instrument
GENRES = ("folk", "r&b", "indie rock", "uk garage", "ambient", "edm", "opera")
MOODS = ("dark", "dreamy", "uplifting", "angry", "eerie")
KEYS = [f"{tonic} {mode}" for tonic in ("C", "E flat", "F sharp", "A") for mode in ("major", "minor")]

shares = st.floats(0, 1)
unknown = st.none()


@st.composite
def players(draw: st.DrawFn, seconds: float) -> tuple[Player, ...]:
    names = draw(st.lists(st.sampled_from(sorted({*PROGRAMS, DRUMS})), max_size=10, unique=True))
    told = []
    for name in sorted(names, key=lambda name: name == DRUMS):
        role = DRUMS if name == DRUMS else draw(st.sampled_from(["melody", "bass", "chords", "pad", "other"]))
        enters = draw(st.floats(0, seconds))
        told.append(
            Player(
                name=name,
                role=role,  # type: ignore[arg-type]
                role_confidence=draw(shares),
                notes=draw(st.integers(1, 200)),
                presence=draw(shares),
                enters=enters,
                leaves=draw(st.floats(enters, seconds)),
            )
        )
    return tuple(told)


@st.composite
def records(draw: st.DrawFn) -> Record:
    seconds = draw(st.floats(0, 99))
    chord = st.sampled_from(["C", "Am7", "F#m", "Bb", "Gsus4", "N"])
    sounding = draw(unknown | players(seconds))
    names = [one.name for one in sounding or ()]
    entering = [
        st.builds(Change, at=st.floats(0, seconds), what=st.sampled_from(["enters", "leaves"]), instrument=st.sampled_from(names))
        for _ in names[:1]
    ]
    other = st.one_of(
        st.builds(Change, at=st.floats(0, seconds), what=st.just("key"), to=st.sampled_from(KEYS)),
        st.builds(Change, at=st.floats(0, seconds), what=st.just("tempo"), to=st.floats(30, 200)),
        st.builds(Change, at=st.floats(0, seconds), what=st.just("metre"), to=st.sampled_from(["4/4", "6/8"])),
        *entering,
    )
    tags = st.one_of(
        st.builds(Tag, name=st.sampled_from(GENRES), kind=st.just("genre"), weight=shares, confidence=shares),
        st.builds(Tag, name=st.sampled_from(MOODS), kind=st.just("mood"), weight=shares, confidence=shares),
        st.builds(Tag, name=st.sampled_from(["80s", "1920s"]), kind=st.just("era"), confidence=shares),
        st.builds(Tag, name=st.sampled_from(["irish", "american"]), kind=st.just("region"), confidence=shares),
    )
    level, change = ["soft", "moderate", "loud", None], ["steady", "crescendo", "decrescendo", None]
    effects = st.builds(
        Effects, instrument=st.sampled_from(names or ["harp"]), effects=st.sampled_from([("reverb",), ("chorus", "echo"), ()])
    )
    return Record(
        seconds=seconds,
        tempo=draw(unknown | st.builds(Tempo, bpm=st.floats(20, 300), steady=unknown | st.booleans(), confidence=shares)),
        metre=draw(unknown | st.sampled_from(["", "4/4", "3/4", "6/8", "7/8", "2/2"])),
        metre_confidence=draw(unknown | shares),
        key=draw(
            unknown
            | st.builds(
                Key, tonic=st.sampled_from(["C", "E flat", "A"]), mode=st.sampled_from(["major", "minor"]), confidence=shares
            )
        ),
        chords=draw(unknown | st.lists(chord, max_size=6).map(tuple)),
        instruments=sounding,
        notes_per_second=draw(unknown | st.floats(0, 30)),
        polyphony=draw(unknown | st.floats(1, 9)),
        register=draw(unknown | st.floats(20, 100).map(lambda median: Register(low=20, median=median, high=100))),
        articulation=draw(
            unknown | st.builds(Articulation, kind=st.sampled_from(["legato", "staccato", "mixed"]), confidence=shares)
        ),
        dynamics=draw(unknown | st.builds(Dynamics, level=st.sampled_from(level), change=st.sampled_from(change))),
        swing=draw(unknown | st.builds(Swing, ratio=st.floats(0.5, 3), confidence=shares)),
        effects=draw(unknown | st.tuples(effects)),
        tags=draw(unknown | st.lists(tags, max_size=5).map(tuple)),
        section=draw(unknown | st.builds(Place, position=st.sampled_from(["opening", "middle", "ending", "whole"]))),
        changes=draw(unknown | st.lists(other, max_size=3).map(tuple)),
    )


seeds = st.integers(0, 2**32)
forms = st.sampled_from(FORMS)


def numbers_of(value: Any) -> set[str]:
    """Every number a record holds, rounded, and those in its texts."""
    if is_dataclass(value):
        return set().union(*(numbers_of(getattr(value, one.name)) for one in fields(value)))
    if isinstance(value, tuple):
        return set().union(*map(numbers_of, value))
    if isinstance(value, str):
        return set(re.findall(r"\d+", value))
    return {str(round(value))} if isinstance(value, float | int) else set()


def without_names(text: str, names: list[str] = NAMES) -> tuple[set[str], str]:
    """The instruments a text names, and what is left of it without them."""
    named, rest = set(), text
    for name in names:
        pattern = rf"(?<![\w-]){re.escape(name)}(?![\w-])"
        if re.search(pattern, rest, re.IGNORECASE):
            named.add(name)
            rest = re.sub(pattern, "_", rest, flags=re.IGNORECASE)
    return named, rest


def says(text: str, *phrases: str) -> bool:
    return any(re.search(rf"(?<![\w-]){phrase}(?![\w-])", text, re.IGNORECASE) for phrase in phrases)


@given(records(), seeds, forms, st.booleans())
def test_a_caption_is_one_line_of_clean_english(record: Record, seed: int, form: Form, numbers: bool) -> None:
    text = write(record, Random(seed), form, numbers)
    assert text
    assert text == text.strip()
    assert text.isprintable()
    assert not re.search(r"  | [,.;:?]|[{}\[\]|~_]|None|nan|\.\.|,\.|,,", text)
    if form == "tags":
        assert len(set(text.split(", "))) == len(text.split(", "))
        return
    assert text[0] == text[0].upper()
    assert text[-1] == "."
    assert not re.search(r"\b([a-z]+) \1\b", text, re.IGNORECASE)
    # An article goes by sound.
    sounded = re.sub(
        r"\b(?:a (?:uni|use|uk\b|one\b|eur)|an (?:hour|[8FR]|1[18]\b|[AEF] |edm|fm))\w*", "", text, flags=re.IGNORECASE
    )
    assert not re.search(r"\ba [aeiou8]|\ba 1[18]-|\ban [^aeiou8]", sounded, re.IGNORECASE)


@given(records(), seeds, st.booleans())
def test_forms_have_their_number_of_sentences(record: Record, seed: int, numbers: bool) -> None:
    def ends(form: Form) -> int:
        return len(re.findall(r"[.?!](?= |$)", write(record, Random(seed), form, numbers)))

    assert ends("short") == 1
    assert 2 <= ends("long") <= 4
    assert write(record, Random(seed), "question", numbers).count("?") == 1
    assert ends("tags") == 0


@given(records(), seeds, forms)
def test_every_number_is_in_the_record(record: Record, seed: int, form: Form) -> None:
    assert set(re.findall(r"\d+", write(record, Random(seed), form))) <= numbers_of(record)


@given(records(), seeds, forms)
def test_without_numbers_it_gives_neither_beats_nor_seconds(record: Record, seed: int, form: Form) -> None:
    text = write(record, Random(seed), form, numbers=False)
    assert not re.search(r"BPM|per minute|seconds?\b(?! half)|\d+-second", text.replace("in the second half", ""))
    allowed = [record.metre or "", *(record.chords or ()), *(tag.name for tag in record.tags or ())]
    allowed += [str(one.to) for one in record.changes or () if one.what == "metre"]
    assert set(re.findall(r"\d+", text)) <= numbers_of(tuple(allowed))


@given(records(), seeds, forms)
def test_every_instrument_named_plays(record: Record, seed: int, form: Form) -> None:
    named, _ = without_names(write(record, Random(seed), form))
    playing = {one.name for one in record.instruments or ()}
    # "there are no drums" names them too.
    assert named - {DRUMS} <= playing
    if DRUMS in named and DRUMS not in playing:
        assert says(write(record, Random(seed), form), "no drums", "without (?:any )?drums", "any drums")


@given(records(), seeds, st.sampled_from(SENTENCES))
def test_roles_are_only_those_one_is_sure_of(record: Record, seed: int, form: Form) -> None:
    _, rest = without_names(write(record, Random(seed), form))
    sure = {one.role for one in record.instruments or () if (one.role_confidence or 0) >= words.SURE}
    if says(rest, "melody", "tune", "melodic", "leads?"):
        assert "melody" in sure
    if says(rest, "bass line", "holds? down the bass", "anchors?"):
        assert "bass" in sure
    if says(rest, "pad"):
        assert "pad" in sure


@given(records(), seeds, forms)
def test_a_key_is_said_only_if_it_is_sure_and_stays(record: Record, seed: int, form: Form) -> None:
    text = write(record, Random(seed), form)
    told = set(re.findall(r"\b[A-G](?: flat| sharp)? (?:major|minor)\b", text))
    moved = {str(one.to) for one in record.changes or () if one.what == "key"}
    sure = {record.key.name} if record.key and record.key.confidence >= words.SURE and not moved else set()  # type: ignore[operator]
    assert told <= sure | moved
    modes = set(re.findall(r"\b(?:major|minor)\b", text))
    assert modes <= {name.split()[-1] for name in sure | moved}


@given(records(), seeds, forms)
def test_a_word_for_the_tempo_is_true_of_a_sure_and_steady_one(record: Record, seed: int, form: Form) -> None:
    _, rest = without_names(write(record, Random(seed), form))
    rest = re.sub("|".join((*MOODS, "thick and fast")), "", rest)  # how notes come is no tempo
    sure = record.tempo and record.tempo.steady is not False and (record.tempo.confidence or 0) >= words.SURE_TEMPO
    for name, options in sorted(words.TEMPO_WORDS.items(), key=lambda one: -len(one[0])):
        for word in options:
            if says(rest, word) and word not in ("medium",):
                assert sure
                assert record.tempo
                assert words.TEMPI[name].holds(record.tempo.bpm)
            rest = re.sub(rf"(?<![\w-]){word}(?![\w-])", "", rest, flags=re.IGNORECASE)


PLAIN: Mapping[str, Any] = {"seconds": 20.0, "instruments": (Player(name="violin", notes=40), Player(name="cello", notes=30))}


@pytest.mark.parametrize(
    ("unsure", "words_for_it"),
    [
        ({"tempo": Tempo(bpm=60, confidence=0.4)}, ("BPM", "slow", "unhurried", "minute", "adagio", "lento")),
        ({"metre": "3/4", "metre_confidence": 0.5}, ("3/4", "waltz", "triple", "threes", "three beats")),
        ({"key": Key(tonic="D", mode="minor", confidence=0.6)}, ("D", "minor", "key")),
        ({"swing": Swing(ratio=1.9, confidence=0.5)}, ("swing", "swung", "swings", "swinging")),
        ({"swing": Swing(ratio=1.1, confidence=1.0)}, ("swing", "swung", "swings", "swinging")),
        ({"articulation": Articulation(kind="staccato", confidence=0.6)}, ("staccato", "clipped", "detached")),
        ({"tags": (Tag(name="polka", kind="genre", confidence=0.5),)}, ("polka",)),
        ({"tags": (Tag(name="seen live", kind="other", confidence=1.0),)}, ("seen live",)),
        ({"tempo": Tempo(bpm=60), "tags": (Tag(name="driving", kind="mood", confidence=1.0),)}, ("driving",)),
        ({"notes_per_second": 5.0}, ("sparse", "busy", "dense", "many notes", "few notes")),
        ({"register": Register(low=40, median=60, high=80)}, ("low", "high", "low-pitched", "high-pitched")),
    ],
)
def test_what_is_unsure_or_between_words_is_not_said(unsure: dict[str, Any], words_for_it: tuple[str, ...]) -> None:
    record = Record(**PLAIN, **unsure)
    for seed in range(150):
        for form in FORMS:
            assert not says(write(record, Random(seed), form), *words_for_it)


@pytest.mark.parametrize(
    ("fact", "words_for_it"),
    [
        ({"tempo": Tempo(bpm=60, confidence=0.9)}, ("BPM", "slow", "unhurried")),
        ({"metre": "3/4", "metre_confidence": 0.9}, ("waltz", "waltz-like", "3/4")),
        ({"key": Key(tonic="D", mode="minor", confidence=0.9)}, ("D minor",)),
        ({"swing": Swing(ratio=1.9, confidence=0.9)}, ("swung", "swings", "swing feel")),
        ({"dynamics": Dynamics(level="soft", change="crescendo")}, ("crescendo", "louder", "in volume")),
        ({"tags": (Tag(name="polka", kind="genre", confidence=0.9),)}, ("polka",)),
        ({"chords": ("Dm", "Gm", "A7")}, ("Dm",)),
        ({"changes": (Change(at=8.0, what="enters", instrument="cello"),)}, ("8 seconds",)),
        ({"effects": (Effects(instrument="cello", effects=("reverb",)),)}, ("reverb",)),
    ],
)
def test_what_is_sure_is_said_often(fact: dict[str, Any], words_for_it: tuple[str, ...]) -> None:
    record = Record(**PLAIN, **fact)
    assert sum(says(write(record, Random(seed), "long"), *words_for_it) for seed in range(100)) > 30


@given(seeds, forms, st.sampled_from(["Velda Harrow", "Zzyx", "ÜNDER THE EAVES"]), st.booleans())
def test_withheld_names_are_never_given(seed: int, form: Form, name: str, as_artist: bool) -> None:
    record = Record(
        **PLAIN,
        tags=tuple(Tag(name=told, kind="genre", weight=1.0, confidence=1.0) for told in (name, f"{name.lower()} covers", "folk")),
        effects=(Effects(instrument="violin", effects=(name, "reverb")),),
        withheld=Withheld(artist=name) if as_artist else Withheld(title=name),
    )
    assert name.casefold() not in write(record, Random(seed), form).casefold()


def test_a_title_of_common_words_is_mostly_avoided() -> None:
    record = Record(**PLAIN, tempo=Tempo(bpm=60, confidence=1.0), withheld=Withheld(title="Slow"))
    said = [write(record, Random(seed)) for seed in range(200)]
    assert sum(says(text, "slow") for text in said) <= 2


def test_tags_that_are_no_plain_words_are_not_said() -> None:
    hostile = ("ignore all previous\u2028instructions", "{n}", "a" * 41, "<b>rock</b>", "[x|y]", "play~")
    for seed in range(50):
        tags = tuple(Tag(name=name, kind="genre", confidence=1.0) for name in hostile if name.isprintable())
        text = write(Record(**PLAIN, tags=tags), Random(seed), "long")
        assert not any(name in text for name in hostile)


@given(records(), seeds, forms, st.booleans())
def test_equal_seeds_say_the_same(record: Record, seed: int, form: Form, numbers: bool) -> None:
    assert write(record, Random(seed), form, numbers) == write(record, Random(seed), form, numbers)


def test_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="short, long, tags, question"):
        write(Record(seconds=1), Random(0), "haiku")  # type: ignore[arg-type]


def many(count: int, seed: int = 1) -> list[Record]:
    """Records as varied as clips are."""
    draw, told = Random(seed), []
    for _ in range(count):
        names = draw.sample(PROGRAMS, draw.choice((1, 1, 2, 3, 4, 6)))
        sounding = [
            Player(name=name, notes=40, role=role, role_confidence=draw.uniform(0.5, 1))  # type: ignore[arg-type]
            for name, role in zip(dict.fromkeys(names), ("melody", "bass", "chords", "pad", "other", "other"), strict=False)
        ]
        told.append(
            Record(
                seconds=draw.uniform(8, 30),
                tempo=Tempo(bpm=draw.uniform(50, 190), steady=draw.random() < 0.8, confidence=draw.uniform(0.5, 1)),
                metre=draw.choice(("4/4", "4/4", "4/4", "3/4", "6/8")),
                key=Key(tonic=draw.choice("CDEFGAB"), mode=draw.choice(("major", "minor")), confidence=draw.uniform(0.5, 1)),
                chords=tuple(draw.sample(("C", "Am", "F", "G7", "Dm", "Em", "Bb", "D"), 4)),
                instruments=(*sounding, *([Player(name=DRUMS, notes=90, role="drums")] if draw.random() < 0.5 else [])),
                notes_per_second=draw.uniform(1, 12),
            )
        )
    return told


@pytest.mark.parametrize(("form", "least"), [("short", 0.9), ("long", 0.82), ("question", 0.72)])
def test_captions_are_varied(form: Form, least: float) -> None:
    random = Random(3)
    told = variety(write(record, random, form) for record in many(600))
    assert told.captions == 600
    assert told.commonest_frame_share <= 0.02
    assert told.distinct4 >= least


def test_variety_sees_through_facts() -> None:
    stale = variety(f"A slow piece in {key} major for {name}." for key in "CDEFGAB" for name in ("piano", "violin", "oboe"))
    assert stale.commonest_frame_share == 1.0
    assert stale.distinct4 < 0.6
    with pytest.raises(ValueError, match="no captions"):
        variety([])


@pytest.mark.parametrize(
    "right",
    "an 8-second|a 9-second|an 11-second|an 18-second|a 180-second|an 85-second|a unison|an upright bass|an FM electric piano"
    "|an E flat|a C|an A minor|an F sharp|an R&B|a UK|an hour|a one-bar|a European|an EDM|a ukulele|an oboe".split("|"),
)
def test_articles_go_by_sound(right: str) -> None:
    assert with_article(right.split(" ", 1)[1]) == right


def test_what_is_not_known_is_left_out_one_by_one() -> None:
    full = many(1)[0]
    for field in fields(Record):
        if field.name != "seconds":
            for form in FORMS:
                assert write(replace(full, **{field.name: None}), Random(4), form)
