"""The notation of the tunes: pitches, lengths, keys and chords."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.demo import TUNES, NotationError, arrange
from motet.demo.form import Tune
from motet.demo.notation import EIGHTH, QUARTER, parse_chord, parse_key, parse_melody
from motet.demo.styles import BASS, CHORDS, GROOVES, KIT

BAR = 4 * QUARTER


def melody(text: str, key: str = "C") -> list[tuple[int, int, int]]:
    bars = parse_melody(text, parse_key(key), BAR)
    return [(note.start, note.length, note.pitch) for bar in bars for note in bar.notes]


def test_letters_numbers_and_octaves() -> None:
    assert melody("[C]C2 c2 C,2 c'2") == [(i * QUARTER, QUARTER, p) for i, p in enumerate((60, 72, 48, 84))]


def test_a_key_sharpens_its_letters_and_an_accidental_lasts_to_the_bar_line() -> None:
    assert [p for _, _, p in melody("[D]F2 =F2 F2 ^G2 | F2 G2 z4", "D")] == [66, 65, 65, 68, 66, 67]


def test_dotted_pairs_and_ties() -> None:
    assert melody("[C]C2>D2 E2- E2") == [
        (0, 3 * EIGHTH, 60),
        (3 * EIGHTH, EIGHTH, 62),
        (4 * EIGHTH, 4 * EIGHTH, 64),
    ]


@pytest.mark.parametrize(
    "text, reason",
    [
        ("[C]C2 D2", "bar_length"),
        ("[C]C2 H2 D4", "unknown_sign"),
        ("[Xyz]C8", "unknown_chord"),
        ("C8", "no_chord"),
        ("", "no_chord"),
    ],
)
def test_what_is_not_music_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(NotationError) as refused:
        melody(text)
    assert refused.value.reason == reason


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        bars = parse_melody(text, parse_key("G"), BAR)
    except NotationError:
        return
    assert all(bar.length == BAR for bar in bars)


def test_chords_have_a_root_tones_and_a_bass() -> None:
    chord = parse_chord("D7/F#")
    assert chord.classes == (2, 6, 9, 0)
    assert chord.bass == 6


@given(st.sampled_from(["C", "G", "Bb", "F#m", "Dm", "Eb"]), st.integers(-11, 11))
def test_a_transposed_key_has_the_transposed_scale(name: str, semitones: int) -> None:
    key = parse_key(name)
    assert key.transposed(semitones).scale == {(pitch + semitones) % 12 for pitch in key.scale}


@pytest.mark.parametrize("tune", TUNES, ids=lambda tune: tune.title)
def test_every_bar_of_every_melody_adds_up(tune: Tune) -> None:
    bars = parse_melody(tune.melody, parse_key(tune.key), tune.bar_length)
    for bar in bars:
        ends = [0, *(note.end for note in bar.notes)]
        assert bar.length == tune.bar_length
        assert all(note.start >= end for note, end in zip(bar.notes, ends, strict=False))


@pytest.mark.parametrize("tune", TUNES, ids=lambda tune: tune.title)
def test_melody_and_chords_agree_on_the_strong_beats(tune: Tune) -> None:
    """A melody note there belongs to its chord, or moves on by step; one in twelve may do as it likes."""
    bars = parse_melody(tune.melody, parse_key(tune.key), tune.bar_length)
    strong = tune.bar_length if tune.metre == (3, 4) else tune.bar_length // 2
    sung = [(note, [chord for time, chord in bar.chords if time <= note.start][-1]) for bar in bars for note in bar.notes]
    beats = [place for place, (note, _) in enumerate(sung) if note.start % strong == 0]
    foreign = [
        place
        for place in beats
        if sung[place][0].pitch % 12 not in sung[place][1].classes
        and (place + 1 == len(sung) or abs(sung[place + 1][0].pitch - sung[place][0].pitch) > 2)
    ]
    assert len(foreign) * 12 <= len(beats)


def test_every_pattern_divides_its_bar_and_uses_known_signs_and_drums() -> None:
    for patterns, signs in ((BASS, "13568a-."), (CHORDS, "XxoDdu12345-.")):
        for name, bars in patterns.items():
            assert all(set(bar) <= set(signs) and 48 % len(bar) == 0 for bar in bars), name
    for name, groove in GROOVES.items():
        for lines in (groove.lines, groove.fill):
            assert set(lines) <= set(KIT), name
            assert {len(bar) for bars in lines.values() for bar in bars} in ({12}, {16}), name


def test_an_unknown_part_pattern_or_bar_is_one_sentence() -> None:
    tune = TUNES[0]
    for change, reason in (
        ({"play": "kazoo=tune"}, "unknown_part"),
        ({"play": "lute=zigzag"}, "unknown_pattern"),
        ({"bars": "1-99"}, "unknown_bar"),
        ({"dynamic": "loud"}, "unknown_dynamic"),
    ):
        broken = replace(tune, form=(replace(tune.form[0], **change),))
        with pytest.raises(NotationError) as refused:
            arrange(broken)
        assert refused.value.reason == reason
