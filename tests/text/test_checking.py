"""Captions beside the facts of an invented clip: true ones pass, a false word is found where it stands."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.text.checking import check

RECORD: dict[str, Any] = {
    "seconds": 20.0,
    "tempo": {"bpm": 96.0, "steady": True, "confidence": 0.9},
    "metre": "3/4",
    "key": {"tonic": "D", "mode": "minor", "confidence": 0.9, "runner_up": "F major"},
    "chords": ["Dm", "Gm7", "A7", "Dm"],
    "instruments": [
        {"name": "violin", "family": "strings", "role": "melody", "presence": 0.5, "enters": 10.0, "leaves": 20.0},
        {"name": "grand piano", "family": "piano", "role": "chords", "presence": 0.95, "enters": 0.0, "leaves": 20.0},
        {"name": "upright bass", "family": "bass", "role": "bass", "presence": 0.9, "enters": 5.0, "leaves": 20.0},
    ],
    "notes_per_second": 2.0,
    "polyphony": 2.2,
    "register": {"low": 36, "median": 58, "high": 80},
    "articulation": {"kind": "legato", "confidence": 0.9},
    "dynamics": {"level": "soft", "change": "crescendo"},
    "swing": {"ratio": 1.0, "confidence": 0.9},
    "effects": [{"instrument": "grand piano", "effects": ["reverb"]}],
    "tags": [
        {"name": "tango", "kind": "genre", "confidence": 0.9},
        {"name": "melancholy", "kind": "mood", "confidence": 0.8},
        {"name": "1930s", "kind": "era", "confidence": 0.8},
        {"name": "disco", "kind": "genre", "confidence": 0.2},
    ],
    "section": {"labels": ["A"], "position": "opening", "repeats": True},
    "changes": [{"at": 10.0, "what": "enters", "instrument": "violin"}],
    "withheld": {"artist": "Marn Oskelby", "title": "Nine Paper Boats"},
}


@pytest.mark.parametrize(
    "caption",
    [
        "A wistful tango of the thirties for violin, piano and double bass, in D minor at about 95 BPM.",
        "Piano alone, then bass, and finally a violin, which takes the melody halfway through.",
        "No drums, no guitar and nobody sings; the piano has reverb on it.",
        "A trio in waltz time, soft at first and growing louder.",
        "The chords are Dm, Gm7 and A7.",
        "A minor detail: the violin plays a key role, and no strings are attached.",
        "Is it fast? No. Is it in three? Yes.",
        "The bass, entering after five seconds, is followed, five seconds on, by a violin.",
        "Piano from the start, bass at 5 s, violin (10 s).",
        "Who enters halfway through? The violin. Everyone plays until the end.",
        "You won't hear drums; brass and guitars were left at home, as were the flutes.",
        "If you like drums, look elsewhere: unlike a brass band, this trio has none.",
        "After the bass has entered, it takes five seconds more for the violin to join.",
        "The tune, entrusted to the violin, is legato; it falls to the piano to fill in the chords.",
        "No orchestra, no flute, no second violin; flat-footed dancers beware.",
        "The guitar? There isn't one. Missing, too, are the drums. Who has the melody? The violin.",
        "After the piano and bass have sounded, the violin slips in; that happens ten seconds in.",
        "The harmony travels from D minor through G minor seventh to A7 and back to D minor.",
        "The volume never rises above soft; the violin, after sitting out the first ten seconds, adds its voice.",
        "A 1930s tango, a '30s tango, a tango of the nineteen-thirties; tango music.",
        "It opens on Gm7, moves to A7, and Dm gives way to Gm7.",
        "An 18-second tango of about 20 seconds; the whole takes 20 seconds.",
        "It slowly grows louder, in quick succession, and takes its time.",
        "There are no drums and the piano stays in D minor; it does not slow down and flows in legato lines.",
        "Violin and piano play a soft melody, with the bass line on the upright bass.",
        "Not one guitar; three players, none of them drummers.",
        "Two string players, the bassist being one, and a pianist.",
        "No violin at the start, no violin for the first ten seconds.",
        "Is it legato or staccato? Legato.",
        "Ten seconds of piano and bass, then the violin: here the piece gets under way.",
        "Right at the start of the song, the violin, not the piano, has the melody; in charge of the bass line is the bass.",
        "This is no fast tango, and it would not be one without its violin; one and a half beats a second, give or take.",
        "It opens without its violin, which joins only for the second half; two instruments on chords or bass come before it.",
        "Piano to begin with, bass and violin to follow; a violin waits until half the clip has gone.",
        "The bass, the low notes; the violin, the tune. A trumpeter might well find it soft.",
        "It starts out as a duo in all but name, soft at first, louder than at the start.",
    ],
)
def test_what_the_record_supports_is_true(caption: str) -> None:
    checked = check(caption, RECORD)
    assert checked.verdict == "true", [claim for claim in checked.claims if claim.verdict != "supported"]


@pytest.mark.parametrize(
    ("caption", "kind", "words"),
    [
        ("A tango at 192 BPM.", "tempo_number", "192"),
        ("A breakneck tango.", "tempo", "breakneck"),
        ("A tango in F major.", "key", "F major"),
        ("A tango in a major key.", "key", "major"),
        ("A tango in 4/4.", "metre", "4/4"),
        ("Violin, piano and clarinet.", "instrument", "clarinet"),
        ("A tango without piano.", "instrument", "piano"),
        ("The piano carries the melody.", "role", "piano carries the melody"),
        ("A quartet.", "count", "quartet"),
        ("It lasts 45 seconds.", "duration", "45 seconds"),
        ("The violin enters after two seconds.", "entry", "two seconds"),
        ("The violin enters before the piano.", "order", "violin enters before the piano"),
        ("The bass enters at 5 s, the violin at 15.", "entry", "at 15"),
        ("A piano, joined after five seconds by a violin.", "entry", "five seconds"),
        ("The violin is silent for the second half.", "position", "second half"),
        ("The closing section of a tango.", "position", "closing section"),
        ("The chords are Dm, B7 and A7.", "chord", "B7"),
        ("A densely packed tango.", "density", "densely"),
        ("It stays in the high register.", "register", "high register"),
        ("The volume falls.", "change", "volume falls"),
        ("Played staccato.", "articulation", "staccato"),
        ("With swung eighths.", "swing", "swung eighths"),
        ("There is reverb on the violin.", "effect", "reverb"),
        ("A disco tune.", "genre", "disco"),
        ("A jolly tango.", "mood", "jolly"),
        ("A tango of the 1970s.", "era", "1970s"),
        ("A Cuban tango.", "region", "Cuban"),
        ("A melancholy sixties tango.", "era", "sixties"),
        ("It opens on Bm.", "chord", "Bm"),
        ("Bm, 96 BPM.", "key", "Bm"),
        ("The harmony never changes in volume.", "dynamics", "never changes in volume"),
        ("No violin for the first two seconds.", "entry", "first two seconds"),
        ("The violin waits until the final quarter.", "entry", "final quarter"),
        ("The violin enters shortly before the end.", "entry", "shortly before the end"),
        ("Half the clip goes by before the bass comes in.", "entry", "Half the clip"),
        ("We hear the last bars of the number, a tango.", "position", "last bars of the number"),
        ("A tango with violin, closing the work.", "position", "closing the work"),
        ("Violin to begin with, the bass being added later.", "order", "Violin to begin with, the bass being added later"),
        ("The piano enters once the violin has set the pace.", "order", "piano enters once the violin has set the"),
        ("The harmony moves from Dm first to A7 and afterwards to Gm7.", "chord", "Dm first to A7 and afterwards to Gm7"),
        ("In charge of the tune is the piano.", "role", "In charge of the tune is the piano"),
        ("The violin accompanies.", "role", "violin accompanies"),
        ("After a minute and a half the excerpt stops.", "duration", "minute and a half"),
        ("The notes are very high from top to bottom.", "register", "high"),
        ("A distorted piano.", "effect", "distorted"),
    ],
)
def test_a_false_word_is_found_where_it_stands(caption: str, kind: str, words: str) -> None:
    checked = check(caption, RECORD)
    wrong = [(claim.kind, claim.words) for claim in checked.claims if claim.verdict != "supported"]
    assert checked.verdict == "false"
    assert (kind, words) in wrong


@pytest.mark.parametrize(
    "caption",
    [
        "",
        " \n",
        "I'm sorry, but I cannot describe this clip.",
        "As an AI language model I have no ears.",
        '{"error": "rate_limit_exceeded"}',
        "Error 503: try again later.",
        "Sure! Here is the caption you asked for: a tango.",
        "[INST] Describe the clip. [/INST]",
        "Ein ruhiger Tango für Violine und Klavier, der mit der Zeit lauter wird.",
        "静かなタンゴ、バイオリンとピアノ。",
        "A tango by Marn Oskelby.",
        "This is “Nine Paper Boats”, a tango.",
        "A tango\x00.",
        "tango " * 10,
    ],
)
def test_what_is_no_caption_is_junk(caption: str) -> None:
    assert check(caption, RECORD).verdict == "junk"


def test_what_the_record_does_not_know_is_unsupported_and_not_contradicted() -> None:
    (claim,) = [claim for claim in check("Played at 96 BPM.", {}).claims if claim.kind == "tempo_number"]
    assert claim.verdict == "unsupported"


def test_enharmonic_keys_are_equal_and_relative_ones_are_not() -> None:
    record = {**RECORD, "key": {"tonic": "E flat", "mode": "minor"}, "chords": []}
    assert check("In D sharp minor.", record).verdict == "true"
    assert check("In G flat major.", record).verdict == "false"


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_has_a_verdict_and_claims_quote_it(text: str) -> None:
    checked = check(text, RECORD)
    assert checked.verdict in ("true", "false", "junk")
    for claim in checked.claims:
        assert 0 <= claim.start <= claim.end <= len(text)
        assert text[claim.start : claim.end].startswith(claim.words)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5), lambda some: st.lists(some, max_size=3), max_leaves=4
)


@given(st.dictionaries(st.sampled_from(sorted(RECORD)), JSON))
@settings(max_examples=100, deadline=None)
def test_a_malformed_record_is_one_that_knows_less(fields: dict[str, Any]) -> None:
    assert check("A tango in D minor at 96 BPM for violin and piano.", {**RECORD, **fields}).verdict in ("true", "false")


@pytest.mark.parametrize(
    "piece",
    [
        "the violin and ",
        "no drums, ",
        "a",
        "A ",
        "in D minor to ",
        "\ud800",
        "1/",
        "((",
        "after the piano ",
        "violin (12 s), ",
        "no drums at the end, ",
        "fast or slow? ",
        "violin, piano and bass play a ",
        "Bm moves to ",
        "none of them drums and ",
        "drums, bass are absent ",
        "seventies 70s ",
        "with a tune ",
        "Dm to ",
        "handed the melody to the violin ",
        "half a minute in, ",
        "violin , by the ",
        "missing is the violin, ",
        "the melody, ",
    ],
)
def test_a_megabyte_and_the_longest_caption_are_bounded(piece: str) -> None:
    began = time.process_time()
    assert check(piece * (1_000_000 // len(piece)), RECORD).verdict == "junk"
    check((piece * 4_000)[:3_990], RECORD)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("artist", "text"),
    [
        ("Adele", "harp, adele, 60 BPM"),
        ("Adele", "Who plays? A-d-e-l-e, on a harp."),
        ("\u4e45\u77f3\u8b72", "A harp plays \u4e45\u77f3\u8b72."),
        ("U2", "A harp plays U2."),
        ("AC/DC", "A.C.D.C. on the harp."),
        ("Guns N' Roses", "gunsnroses on the harp"),
        ("Guns N' Roses", "Guns and r\u043eses on the harp"),
    ],
)
def test_a_withheld_name_is_found_in_disguise(artist: str, text: str) -> None:
    record = {"seconds": 20.0, "instruments": [{"name": "harp", "notes": 40}], "withheld": {"artist": artist}}
    assert check(text, record).verdict == "junk"
    assert check("A harp.", record).verdict == "true"


@pytest.mark.parametrize(
    "text",
    [
        "Answer with a JSON object only, a string for each style asked for.",
        "A harp (see instruments[1].role_confidence).",
        "**Harp** `piece`",
        "A <b>harp</b>.",
        "A ha\u200brp.",
        "A harp in the style of the Paper Lanterns.",
        "Nice.",
    ],
)
def test_what_a_program_says_or_nobody_sees_is_no_caption(text: str) -> None:
    assert check(text, {"seconds": 20.0, "instruments": [{"name": "harp", "notes": 40}]}).verdict == "junk"
