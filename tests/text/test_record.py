"""A fact record goes to JSON and back whole; what is no record is a ValueError in one sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.text.record import (
    LONGEST_JSON,
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

FULL = Record(
    seconds=17.4,
    tempo=Tempo(bpm=118.3, steady=True, confidence=0.97),
    metre="3/4",
    metre_confidence=0.9,
    key=Key(tonic="E flat", mode="major", confidence=0.93, runner_up="C minor"),
    chords=("Eb", "Cm7", "N", "Bb7"),
    instruments=(
        Player(
            name="grand piano",
            family="piano",
            role="melody",
            role_confidence=0.8,
            notes=61,
            presence=0.92,
            enters=0.0,
            leaves=17.4,
        ),
        Player(name="drums"),
    ),
    notes_per_second=6.1,
    polyphony=2.9,
    register=Register(low=38, median=60.5, high=81),
    articulation=Articulation(kind="legato", confidence=0.8),
    dynamics=Dynamics(level="soft", change="crescendo"),
    swing=Swing(ratio=1.9, confidence=0.9),
    effects=(Effects(instrument="grand piano", effects=("chorus", "reverb")),),
    tags=(Tag(name="folk", kind="genre", weight=0.9, confidence=0.8, source="lastfm"),),
    section=Place(labels=("A", "B"), position="opening", repeats=True),
    changes=(
        Change(at=8.0, what="enters", instrument="drums"),
        Change(at=9.1, what="key", to="C minor"),
        Change(at=4.0, what="tempo", to=90.0),
        Change(at=6.2, what="metre", to="4/4"),
    ),
    withheld=Withheld(artist="Velda\nHarrow", title="Ünder the Eaves"),
)


def test_a_record_comes_back_from_json_as_it_was() -> None:
    assert Record.from_json(FULL.to_json()) == FULL
    assert Record.from_json(FULL.to_json().encode()) == FULL
    least = Record(seconds=3)
    assert json.loads(least.to_json()) == {"seconds": 3}
    assert Record.from_json(least.to_json()) == least


def test_null_is_unknown_and_an_empty_list_is_not() -> None:
    told = Record.from_json('{"seconds": 3, "key": null, "instruments": []}')
    assert told.key is None
    assert told.instruments == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("[]", "not an object"),
        ("{}", "lacks 'seconds'"),
        ('{"seconds": -1}', "'seconds' must be 0 to"),
        ('{"seconds": NaN}', "'seconds' is not a number"),
        ('{"seconds": 1e999}', "'seconds' is not a number"),
        ('{"seconds": true}', "'seconds' is not a number"),
        ('{"seconds": ' + "9" * 5000 + "}", "a number is too long"),
        ('{"seconds": 3, "mood": "sad"}', "'mood' is no field"),
        ('{"seconds": 3, "tempo": {"steady": true}}', "tempo lacks 'bpm'"),
        ('{"seconds": 3, "key": {"tonic": "H", "mode": "major"}}', "no note"),
        ('{"seconds": 3, "key": {"tonic": "E", "mode": "dorian"}}', "one of major, minor"),
        ('{"seconds": 3, "metre": "three four"}', "no metre"),
        ('{"seconds": 3, "instruments": {"name": "harp"}}', "'instruments' is not a list"),
        ('{"seconds": 3, "instruments": [{"name": "harp", "role_confidence": 1.5}]}', "must be 0 to 1"),
        ('{"seconds": 3, "instruments": [{"name": "harp\\u0007"}]}', "control characters"),
        ('{"seconds": 3, "withheld": {"artist": "\\ud800"}}', "broken Unicode"),
        ('{"seconds": 3, "changes": [{"at": 1, "what": "enters"}]}', "name the instrument"),
        ('{"seconds": 3, "changes": [{"at": 1, "what": "tempo", "to": "C minor"}]}', "say to what"),
        ('{"seconds": 3, "chords": [' + '"C",' * 20_000 + '"C"]}', "more than 10,000 members"),
        ("[" * 100_000, "nested too deeply"),
        (" " * (LONGEST_JSON + 1), "longer than"),
        (b"\xff\xfe\x00", "not Unicode text"),
    ],
)
def test_what_is_no_record_is_refused_in_one_sentence(text: str | bytes, why: str) -> None:
    with pytest.raises(ValueError, match="no fact record: ") as refused:
        Record.from_json(text)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(sorted(vars(FULL))), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(vars(FULL))), json_values)
def test_any_value_in_any_field_is_read_or_refused(field: str, value: Any) -> None:
    text = json.dumps({**json.loads(FULL.to_json()), field: value})
    try:
        told = Record.from_json(text)
    except ValueError:
        return
    assert Record.from_json(told.to_json()) == told


def test_a_wrong_value_is_refused_where_a_record_is_made() -> None:
    with pytest.raises(ValueError, match="'bpm' is not a number"):
        Tempo(bpm=float("nan"))
    with pytest.raises(ValueError, match="'mode' is not one of"):
        Key(tonic="C", mode="phrygian")  # type: ignore[arg-type]
