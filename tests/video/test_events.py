"""Every onset at the frame nearest to it, against a reading of the same files by mido in exact fractions."""

from __future__ import annotations

import io
from fractions import Fraction

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet import midi
from motet.video import events, windows
from motet.video.drums import DRUMS, NOTES, drum

RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(30000, 1001)]
HALF = Fraction(1, 2)

steps = st.integers(0, 700)
note = st.tuples(steps, st.just("note"), st.integers(0, 127), st.integers(1, 127))
tempo = st.tuples(steps, st.just("tempo"), st.integers(50_000, 2_000_000), st.just(0))
text = st.tuples(steps, st.just("text"), st.integers(0, 9), st.just(0))


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Type 0 and 1, one to three tracks, any of which holds tempo changes and texts between its notes."""
    form = draw(st.integers(0, 1))
    file = mido.MidiFile(type=form, ticks_per_beat=draw(st.sampled_from([24, 96, 120, 480, 960])))
    for channel in range(1 if form == 0 else draw(st.integers(1, 3))):
        track = mido.MidiTrack()
        for wait, kind, first, second in draw(st.lists(st.one_of(note, tempo, text), min_size=1, max_size=12)):
            if kind == "tempo":
                track.append(mido.MetaMessage("set_tempo", tempo=first, time=wait))
            elif kind == "text":
                track.append(mido.MetaMessage("text", text="x" * first, time=wait))
            else:
                track.append(mido.Message("note_on", channel=channel, note=first, velocity=second, time=wait))
                # A note-on of no velocity is a note-off.
                track.append(mido.Message("note_on", channel=channel, note=first, velocity=0, time=10))
        file.tracks.append(track)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def read_exactly(data: bytes) -> tuple[list[tuple[int, int, int]], dict[int, Fraction]]:
    """Onsets as (tick, pitch, velocity), and the seconds of each of their ticks."""
    file = mido.MidiFile(file=io.BytesIO(data))
    found, tempi = [], {0: 500_000}
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "set_tempo":
                tempi[now] = message.tempo
            if message.type == "note_on" and message.velocity:
                found.append((now, message.note, message.velocity))

    def seconds(tick: int) -> Fraction:
        total, changes = Fraction(0), sorted(tempi)
        for begin, end in zip(changes, [*changes[1:], tick], strict=True):
            total += Fraction(max(min(end, tick) - begin, 0) * tempi[begin], file.ticks_per_beat * 1_000_000)
        return total

    return sorted(found), {tick: seconds(tick) for tick, _, _ in found} | {0: Fraction(0)}


def no_two_tempi_at_one_tick(data: bytes) -> bool:
    file, seen = mido.MidiFile(file=io.BytesIO(data)), set()
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "set_tempo":
                if now in seen:
                    return False
                seen.add(now)
    return True


@settings(max_examples=150)
@given(files().filter(no_two_tempi_at_one_tick), st.sampled_from(RATES))
def test_every_onset_is_within_half_a_frame_of_an_independent_reading(data: bytes, fps: Fraction) -> None:
    expected, seconds = read_exactly(data)
    score = midi.read(data)
    if not expected:
        return
    end = 1 << 20  # beyond everything, so that nothing is left out
    found = events.onsets(score, ["other"] * len(score.symusic.tracks), 0, end, fps)
    assert sorted((one.tick, one.pitch, one.velocity) for one in found) == expected
    for one in found:
        exact = seconds[one.tick]
        assert abs(Fraction(one.frame) / fps - exact) <= HALF / fps
        assert one.frame == (exact * fps + HALF).__floor__()
        assert one.seconds == pytest.approx(float(exact), abs=1e-9)


@settings(max_examples=60)
@given(files(), st.sampled_from(RATES), st.integers(1, 12))
def test_windows_hold_every_onset_once_and_no_frame_beyond_their_film(data: bytes, fps: Fraction, seconds: int) -> None:
    score = midi.read(data)
    if not len(score.notes):
        return
    told = 0
    for window in windows.windows(score, seconds):
        frames = events.frames_until(score.tempo_map, window.start_tick, window.end_tick, fps)
        found = events.onsets(score, ["other"] * len(score.symusic.tracks), window.start_tick, window.end_tick, fps)
        assert all(0 <= one.frame < frames for one in found)
        struck = score.notes["start"]
        begun = int(((struck >= window.start_tick) & (struck < window.end_tick)).sum())
        last = score.tempo_map.to_seconds(window.end_tick) - 0.51 / float(fps)
        late = int(((score.tempo_map.to_seconds(struck) >= last) & (struck < window.end_tick)).sum())
        assert begun - late <= len(found) <= begun
        told += begun
    assert told == len(score.notes)


def test_a_film_has_all_frames_that_begin_before_its_end() -> None:
    clock = midi.TempoMap(480)  # 120 beats a minute: 960 ticks a second
    assert events.frames_until(clock, 0, 960, Fraction(24)) == 24
    assert events.frames_until(clock, 0, 961, Fraction(24)) == 25
    assert events.frames_until(clock, 960, 1920, Fraction(30000, 1001)) == 30


def test_a_moment_halfway_between_two_frames_belongs_to_the_later() -> None:
    clock = midi.TempoMap(480)
    assert events.frames_of(clock, [20, 19, 59, 60], 0, Fraction(24)).tolist() == [1, 0, 1, 2]  # type: ignore[arg-type]


@pytest.mark.parametrize("fps", [Fraction(0), Fraction(-24), Fraction(2000), Fraction(24, 1009)])
def test_rates_out_of_range_are_refused(fps: Fraction) -> None:
    with pytest.raises(ValueError, match="frames per second"):
        events.frames_until(midi.TempoMap(480), 0, 960, fps)


def test_a_day_of_music_does_not_overflow() -> None:
    clock = midi.TempoMap(32767, ((0, 1), (1, (1 << 24) - 1)))
    tick = 100_000_000
    exact = (Fraction(1) + (tick - 1) * ((1 << 24) - 1)) / (32767 * 1_000_000)
    for fps in (*RATES, Fraction(1000), Fraction(1_000_999, 1001)):
        assert events.frames_of(clock, [tick], 0, fps)[0] == (exact * fps + HALF).__floor__()  # type: ignore[arg-type]


def test_beats_of_six_eight_are_dotted_quarters() -> None:
    score = midi.read(two_bars_of(6, 8))
    beats, downbeats = events.beats(score, 0, 2 * 6 * 240, Fraction(24))
    assert beats == [0, 18, 36, 54]
    assert downbeats == [0, 36]


def two_bars_of(top: int, bottom: int) -> bytes:
    file = mido.MidiFile(ticks_per_beat=480)
    signature = mido.MetaMessage("time_signature", numerator=top, denominator=bottom)
    notes = [mido.Message("note_on", note=60, velocity=64), mido.Message("note_off", note=60, time=2 * 6 * 240)]
    file.tracks.append(mido.MidiTrack([signature, *notes]))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def test_every_note_of_every_kit_is_a_drum_that_the_standard_kit_has() -> None:
    assert {drum(pitch, kit) for pitch in range(128) for kit in range(128)} == set(DRUMS)
    assert all(drum(note) == name for name, note in NOTES.items())


@pytest.mark.parametrize(
    "note, kit, expected",
    [
        (35, 0, "kick"), (40, 0, "snare"), (22, 0, "closed hat"), (26, 0, "open hat"), (43, 0, "low tom"), (57, 0, "crash"),
        (59, 0, "ride"), (81, 0, "percussion"), (27, 48, "closed hat"), (59, 48, "crash"), (53, 48, "high tom"),
    ],
)  # fmt: skip
def test_other_kits_fold_onto_the_standard_one(note: int, kit: int, expected: str) -> None:
    assert drum(note, kit) == expected
