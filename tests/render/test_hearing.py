"""What is heard of a stem: good ones pass, and every planted harm is named."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet import midi
from motet.midi import general_midi
from motet.render import Audio, RenderError, Synth
from motet.render.hearing import Kind, hear, judge, kind_of, struck
from motet.render.hearing.onsets import Expected, agreement, onsets
from render.notation import RATE, TICKS, Message, bend, control, note, part, program, tempo

Play = Callable[[list[Message]], Audio]
TUNE = [60, 64, 67, 72, 71, 67, 62, 65, 69, 74, 72, 69, 59, 62, 67, 71, 69, 65, 60, 64, 67, 72, 76, 72]
BEATS = [0, 2, 3, 4, 6, 8, 9, 10, 11, 12, 14, 15, 16, 18, 20, 22, 23, 24, 26, 27, 28, 29, 30, 32]  # eighths
PIANO, SYNTH_BASS, STRINGS, DRUMS = 0, 38, 48, -1


def tune(voice: int, keys: Sequence[int] = TUNE, *, but: Callable[[int], bool] = lambda _: False) -> list[Message]:
    """A melody in eighths, or a drummer's bar of it; without the notes whose number is said in `but`."""
    messages = [] if voice == DRUMS else [program(0, voice)]
    for number, (beat, key) in enumerate(zip(BEATS, keys, strict=False)):
        if not but(number):
            drum = (36, 38, 42)[number % 3]
            messages += note(beat * TICKS // 2, 200, drum, channel=9) if voice == DRUMS else note(beat * TICKS // 2, 220, key)
    return messages


def sines(rate: int, channels: int, keys: Sequence[float] = TUNE, *, highest: int = 127) -> Audio:
    """The tune as plucked sines, by a synth that has no keys above the highest."""
    audio = np.zeros((rate * 10, channels), np.float32)
    time = np.arange(rate // 5) / rate
    for beat, key in zip(BEATS, keys, strict=True):
        if key <= highest:
            wave = (
                0.2
                * np.exp(-15 * time)
                * np.minimum(1, time[::-1] / 0.05)
                * np.sin(2 * np.pi * 440 * 2 ** ((key - 69) / 12) * time)
            )
            audio[beat * rate // 4 :][: len(time)] += wave[:, None].astype(np.float32)
    return audio


def faults(audio: Audio, messages: list[Message], kind: Kind) -> set[str]:
    return {fault.reason for fault in judge(hear(audio, RATE, struck(part(messages), RATE), kind), kind)}


VOICES: list[tuple[int, Kind]] = [(PIANO, "plucked"), (STRINGS, "sustained"), (DRUMS, "percussive")]


@pytest.mark.parametrize("voice, kind", VOICES)
def test_a_stem_as_it_should_be_has_no_fault(voice: int, kind: Kind, play: Play) -> None:
    audio = play(tune(voice))
    heard = hear(audio, RATE, struck(part(tune(voice)), RATE), kind)
    assert not judge(heard, kind)
    assert heard.expected == len(BEATS)
    assert kind == "sustained" or heard.f1 == 1


@pytest.mark.parametrize("voice, kind", VOICES)
@pytest.mark.parametrize(
    "harm, reason",
    [
        (lambda audio: np.concatenate([np.zeros((round(0.08 * RATE), 2), np.float32), audio]), "late"),
        (lambda audio: audio[round(0.2 * RATE) :], "early"),
        (lambda audio: np.where(np.arange(len(audio))[:, None] < len(audio) // 2, audio, 0), "notes_silent"),
        (lambda audio: np.clip(audio, -np.abs(audio).max() / 3, np.abs(audio).max() / 3), "clipped"),
        (lambda audio: audio + np.float32(0.02), "dc_offset"),
        (lambda audio: audio[: RATE * 5], "too_short"),
        (lambda audio: np.concatenate([audio, np.zeros((40 * RATE, 2), np.float32)]), "too_long"),
        (lambda audio: audio * np.float32(1e-6), "silent"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_harm_done_to_the_sound_is_named(voice: int, kind: Kind, harm: Callable[[Audio], Audio], reason: str, play: Play) -> None:
    assert reason in faults(harm(play(tune(voice))).astype(np.float32), tune(voice), kind)


def test_a_crushed_wave_is_not_clipped(play: Play) -> None:
    audio = play(tune(PIANO))
    step = np.abs(audio).max() / 3
    assert "clipped" not in faults((np.round(audio / step) * step).astype(np.float32), tune(PIANO), "plucked")


def test_a_ring_that_is_cut_is_heard(play: Play) -> None:
    messages = [program(0, PIANO), *note(0, 4 * TICKS, 48), *note(0, 4 * TICKS, 64)]
    assert "cut_off" in faults(play(messages)[:RATE], messages, "plucked")


@pytest.mark.parametrize("voice, kind", VOICES)
def test_every_third_note_that_is_not_played_is_missed(voice: int, kind: Kind, play: Play) -> None:
    found = faults(play(tune(voice, but=lambda number: number % 3 == 2)), tune(voice), kind)
    assert found & {"onsets_missing", "wrong_notes", "notes_silent"}


@pytest.mark.parametrize("voice, kind", VOICES[:2])
def test_other_notes_at_the_same_times_are_wrong(voice: int, kind: Kind, play: Play) -> None:
    moved = [key + 6 for key in TUNE]  # a tritone: none of the right ones rings on from the notes before
    assert "wrong_notes" in faults(play(tune(voice, moved)), tune(voice), kind)


@pytest.mark.parametrize("voice, kind", VOICES[:2])
@pytest.mark.parametrize("cents", [-35, 35])
def test_an_instrument_out_of_tune_is_measured(voice: int, kind: Kind, cents: int, play: Play) -> None:
    notes = struck(part(tune(voice)), RATE)
    bent = [bend(0, 8192 + round(8192 * cents / 200)), *tune(voice)]
    straight, off = (hear(play(one), RATE, notes, kind).tuning_cents for one in (tune(voice), bent))
    assert straight is not None
    assert off is not None
    assert off - straight == pytest.approx(cents, abs=4)  # strings beat
    assert "out_of_tune" in faults(play(bent), tune(voice), kind)
    assert not faults(play(bent), bent, kind)  # for who asks for the bend it is in tune


@pytest.mark.parametrize("lowest", [21, 28, 33])
def test_a_bass_without_overtones_has_its_pitches(lowest: int) -> None:
    keys = [key - min(TUNE) + lowest for key in TUNE]
    notes = struck(part(tune(SYNTH_BASS, keys)), RATE)
    heard = hear(sines(RATE, 2, keys), RATE, notes, "plucked")
    assert not judge(heard, "plucked")
    assert heard.present == heard.judged == len(keys)
    assert heard.tuning_cents == pytest.approx(0, abs=5)


@pytest.mark.parametrize("lowest", [21, 28, 33])
@pytest.mark.parametrize(
    "semitones, reason", [(7, "wrong_notes"), (-7, "wrong_notes"), (1, "wrong_notes"), (-1, "wrong_notes"), (0.35, "out_of_tune")]
)
def test_a_bass_without_overtones_is_not_any_bass(lowest: int, semitones: float, reason: str) -> None:
    keys = [key - min(TUNE) + lowest for key in TUNE]
    assert reason in faults(sines(RATE, 2, [key + semitones for key in keys]), tune(SYNTH_BASS, keys), "plucked")


def test_sound_alone_is_no_onset(play: Play) -> None:
    """One held organ chord under a MIDI of many notes: there is sound at each of their times, and it proves nothing."""
    held = [program(0, 16), *(m for key in (60, 64, 67) for m in note(0, 17 * TICKS, key))]
    assert {"onsets_missing"} <= faults(play(held), tune(PIANO), "plucked")


def test_onsets_are_found_without_the_midi(play: Play) -> None:
    audio = play(tune(DRUMS))
    found = onsets(audio.reshape(-1, 8)[: len(audio) // 4].mean(axis=1), RATE / 4)
    assert found == pytest.approx(np.array(BEATS) / 4, abs=0.01)


def test_keys_a_font_cannot_play_are_told() -> None:
    heard = hear(sines(RATE, 2, highest=71), RATE, struck(part(tune(PIANO)), RATE), "plucked")
    assert heard.unheard_keys == (72, 74, 76)
    fault = judge(heard, "plucked")[0]
    assert fault.reason == "notes_silent"
    assert "72, 74, 76" in fault.detail


def test_silence_says_what_the_midi_has_to_do_with_it(play: Play) -> None:
    messages = [control(0, 7, 0), *tune(PIANO)]
    notes = struck(part(messages), RATE)
    (fault,) = judge(hear(play(messages), RATE, notes, "plucked"), "plucked")
    assert (fault.reason, "24 muted" in fault.detail) == ("silent", True)


# --- what is struck ---


def test_notes_are_struck_as_a_synth_is_told() -> None:
    messages = [
        tempo(0, 60),
        *note(0, TICKS, 60),
        tempo(TICKS, 120),
        control(TICKS, 7, 64),
        bend(TICKS, 16383),
        *note(TICKS, TICKS, 64, 90),
        control(2 * TICKS - 10, 64, 127),
        control(4 * TICKS, 64, 0),
        *note(TICKS, TICKS, 38, channel=9),
    ]
    notes = struck(part(messages), RATE)
    assert notes.start.tolist() == [0, RATE, RATE]
    assert notes.end.tolist() == [RATE, RATE * 5 // 2, RATE * 3 // 2]  # the pedal holds one of them
    assert notes.is_drum.tolist() == [False, False, True]
    assert notes.level.tolist() == pytest.approx([(100 / 127) ** 2, (64 / 127) ** 2, (100 / 127) ** 2])
    assert notes.pitch.tolist() == pytest.approx([0, 2, 0], abs=1e-3)
    assert notes.velocity.tolist() == [100, 90, 100]


def test_what_is_said_at_the_strike_counts_and_a_bend_after_it_makes_it_unsteady() -> None:
    struck_first = [(0, b"\x90\x3c\x64"), (0, b"\xb0\x07\x40"), (0, b"\xe0\x00\x50"), (TICKS, b"\x80\x3c\x00")]
    notes = struck(part([*struck_first, *note(2 * TICKS, TICKS, 62), bend(2 * TICKS + 40, 0)]), RATE)
    assert notes.level[0] == pytest.approx((64 / 127) ** 2)
    assert notes.pitch[0] == pytest.approx(0.5)
    assert notes.steady.tolist() == [True, False]


def test_notes_nobody_hears_begin_are_counted_by_reason() -> None:
    messages = [
        *note(0, TICKS, 38, 127, channel=9),
        *note(TICKS, TICKS, 38, 10, channel=9),
        *note(2 * TICKS, TICKS, 12, channel=9),
        *note(3 * TICKS, TICKS, 38, 127, channel=9),
        *note(3 * TICKS + 40, TICKS, 40, 127, channel=9),  # 42 ms
        control(4 * TICKS, 7, 0, channel=9),
        *note(5 * TICKS, TICKS, 38, channel=9),
    ]
    heard = hear(np.zeros((RATE, 2), np.float32), RATE, struck(part(messages), RATE), "percussive")
    assert heard.left_out == {"muted": 1, "no_such_drum": 1, "soft": 1, "short": 0, "crowded": 1}
    assert heard.expected == 2


# --- laws and bad input ---

TIMES = st.lists(st.integers(0, 40), max_size=6, unique=True).map(lambda ticks: np.array(sorted(ticks)) / 50)


@given(TIMES, TIMES)
def test_no_pairing_one_to_one_has_more_pairs(wanted: np.ndarray, found: np.ndarray) -> None:
    def best(left: tuple[float, ...], right: tuple[float, ...]) -> int:
        if not left:
            return 0
        rest = [best(left[1:], right[:at] + right[at + 1 :]) + 1 for at, time in enumerate(right) if abs(time - left[0]) < 0.05]
        return max([best(left[1:], right), *rest])

    must = Expected(wanted, np.ones(len(wanted), bool), {}, np.zeros(0, bool))
    assert agreement(must, found, "plucked").matched == best(tuple(wanted), tuple(found))


def test_every_program_has_a_kind() -> None:
    kinds = {name: kind_of(number, False) for number, name in enumerate(general_midi.PROGRAMS)}
    assert kinds["timpani"] == kinds["woodblock"] == kind_of(48, True) == "percussive"
    assert kinds["harp"] == kinds["banjo"] == kinds["fretless bass"] == kinds["marimba"] == "plucked"
    assert kinds["slow strings"] == kinds["flute"] == kinds["church organ"] == "sustained"
    assert kinds["reverse cymbal"] == kinds["applause"] == "noise"


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_and_one_channel_will_do(rate: int, channels: int) -> None:
    audio = sines(rate, channels)
    heard = hear(audio, rate, struck(part(tune(PIANO)), rate), "plucked")
    assert not judge(heard, "plucked")
    assert heard.tuning_cents == pytest.approx(0, abs=2)


@pytest.mark.parametrize("frames", [0, 1, 3, 127, 600, 5000])
@pytest.mark.parametrize("messages", [[], tune(PIANO)])
def test_next_to_nothing_is_heard_as_such(frames: int, messages: list[Message]) -> None:
    notes = struck(part(messages), RATE)
    for audio in (np.zeros((frames, 2), np.float32), np.ones((frames, 2), np.float32)):
        heard = hear(audio, RATE, notes, "plucked")
        assert bool(judge(heard, "plucked")) == bool(messages)
        assert json.loads(json.dumps(asdict(heard)))["notes"] == len(notes)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_sound_is_refused(value: float) -> None:
    audio = np.zeros((RATE, 2), np.float32)
    audio[RATE // 2] = value
    with pytest.raises(RenderError, match="no sound"):
        hear(audio, RATE, struck(part([]), RATE), "plucked")
    with pytest.raises(RenderError, match="shape"):
        hear(audio[:, 0], RATE, struck(part([]), RATE), "plucked")


def test_many_notes_and_bends_at_one_moment_take_no_more_than_their_time() -> None:
    """Ten thousand notes on one key, each with a bend and a volume of its own, all at once: a hostile file."""
    many = [m for number in range(10_000) for m in (*note(0, TICKS, 60), bend(0, number), control(0, 7, number % 128))]
    notes = struck(part([*many, *tune(PIANO)]), RATE)
    assert hear(np.ones((RATE * 10, 2), np.float32), RATE, notes, "plucked").notes == 10_000 + len(BEATS)


@pytest.mark.shared
def test_real_parts_are_heard_as_written(shared: Path, synth: Synth) -> None:
    files = sorted((shared / "midi" / "free").rglob("*.mid"))
    heard = []
    for path in files[:: max(1, len(files) // 12)]:
        for one in midi.split(path.read_bytes())[:2]:
            kind = kind_of(one.program, one.is_drum)
            if kind != "sustained" and one.last_off < 120:
                (audio,) = synth.render([one.midi])
                heard.append(hear(audio, RATE, struck(one.midi, RATE), kind))
    assert len(heard) >= 5
    assert np.median([one.f1 for one in heard if one.f1 is not None]) >= 0.95
