"""The MIDI of a clip: a plain player hears each note when the film does."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motet import midi
from motet.demo import TUNES, arrange, to_midi
from motet.film.clips import Place, Sliced, midi_slice
from motet.film.errors import FilmError
from motet.midi.events import META, NOTE_OFF, NOTE_ON, PROGRAM, TEMPO, Events, write
from motet.render import find, load

Floats = npt.NDArray[np.float64]
CLOSE = 0.0005  # seconds


@dataclass
class Line:
    """An alignment as a line through points."""

    midi: Floats
    sound: Floats
    transposition: int = 0

    def to_sound(self, midi_seconds: Floats) -> Floats:
        return np.interp(midi_seconds, self.midi, self.sound, left=np.nan, right=np.nan)

    def to_midi(self, sound_seconds: Floats) -> Floats:
        return np.interp(sound_seconds, self.sound, self.midi, left=np.nan, right=np.nan)


def rubato(seconds: float, seed: int = 0, lead: float = 0.0) -> Line:
    """A performance that is never in time."""
    random = np.random.default_rng(seed)
    moments = np.arange(0, seconds + 2, 0.4)
    return Line(moments, lead + np.cumsum(0.4 * np.exp(random.normal(0, 0.1, len(moments)))))


TUNE = to_midi(arrange(TUNES[0]))
WHOLE = midi.read(TUNE)
PLACE = Place(100.0, 1000.0, 0.0, 1.04)


def heard(data: bytes) -> Floats:
    """(n, 3): when each note of a file begins and ends, and its key, in order."""
    score = midi.read(data)
    notes, clock = score.notes, score.tempo_map
    begins, ends = clock.to_seconds(notes["start"]), clock.to_seconds(notes["start"] + notes["duration"])
    rows = np.stack([begins, ends, notes["pitch"].astype(float)], axis=1)
    return rows[np.lexsort((np.round(rows[:, 1], 2), np.round(rows[:, 0], 2), rows[:, 2]))]


def due(whole: midi.Score, warp: Line, place: Place, sliced: Sliced, start: float, length: float) -> Floats:
    """The same, by the score and the alignment alone."""
    notes = whole.notes
    begins, ends = notes["start"], notes["start"] + notes["duration"]
    sounds = (begins < sliced.end_tick) & ((begins >= sliced.start_tick) | (ends > sliced.start_tick))
    rows = []
    for ticks in (np.maximum(begins[sounds], sliced.start_tick), np.minimum(ends[sounds], sliced.end_tick)):
        sound = np.interp(whole.tempo_map.to_seconds(ticks), warp.midi, warp.sound)
        rows.append(np.clip(place.film_start + (sound - place.song_start) / place.speed - start, 0, length))
    table = np.stack([*rows, notes["pitch"][sounds].astype(float)], axis=1)
    return table[np.lexsort((np.round(table[:, 1], 2), np.round(table[:, 0], 2), table[:, 2]))]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("start", "end"), [(100.0, 130.0), (112.34, 121.5), (103.21, 103.9)])
def test_every_note_is_heard_at_its_film_time(seed: int, start: float, end: float) -> None:
    warp = rubato(WHOLE.duration, seed)
    sliced = midi_slice(TUNE, warp, PLACE, start, end)
    got, wanted = heard(sliced.warped), due(WHOLE, warp, PLACE, sliced, start, end - start)
    assert got.shape == wanted.shape == (sliced.notes, 3)
    assert np.abs(got - wanted).max() <= CLOSE


def test_the_unwarped_slice_keeps_its_own_tempo() -> None:
    warp = rubato(WHOLE.duration)
    sliced = midi_slice(TUNE, warp, PLACE, 112.34, 121.5)
    assert sliced.unwarped == midi.cut(TUNE, sliced.start_tick, sliced.end_tick)
    assert WHOLE.tempo_map.to_bars(sliced.start_tick) == (sliced.bar, sliced.bar_fraction)
    assert 0 <= sliced.offset < 0.05
    assert sliced.covered == pytest.approx((sliced.offset, 9.16), abs=0.01)


def test_an_even_performance_needs_one_tempo() -> None:
    plain = write(Events(1, 480, [[(0, META, b"\x51" + (500_000).to_bytes(3))], _scale(64)]))
    even = Line(np.array([0.0, 40.0]), np.array([0.0, 44.0]))
    sliced = midi_slice(plain, even, Place(0.0, 50.0, 0.0, 1.0), 2.2, 11.0)
    assert sliced.tempi <= 3
    score = midi.read(sliced.warped)
    assert score.tempo_map.bpm_at(960) == pytest.approx(120 / 1.1, rel=1e-3)


def _scale(notes: int, channel: int = 0, division: int = 480) -> list[tuple[int, int, bytes]]:
    events: list[tuple[int, int, bytes]] = [(0, PROGRAM | channel, b"\x05")]
    for number in range(notes):
        key = 48 + number % 24
        events.append((number * division, NOTE_ON | channel, bytes((key, 90))))
        events.append(((number + 1) * division, NOTE_OFF | channel, bytes((key, 0))))
    return events


def test_music_that_begins_within_the_clip_waits_for_its_moment() -> None:
    plain = write(Events(1, 480, [_scale(20)]))
    late = Line(np.array([0.0, 10.0]), np.array([3.7, 13.7]))
    sliced = midi_slice(plain, late, Place(10.0, 40.0, 0.0, 1.0), 10.0, 16.0)
    begins = heard(sliced.warped)[:, 0]
    assert np.abs(np.sort(begins) - (3.7 + 0.5 * np.arange(5))).max() <= CLOSE
    assert (sliced.offset, sliced.start_tick) == (pytest.approx(3.7), 0)
    assert midi.read(sliced.warped).tempo_map.bpm_at(0) == pytest.approx(120, rel=0.15)  # rests, not a stopped clock


def test_a_performance_that_stands_still_is_waited_for() -> None:
    """Thirty seconds between two notes a tick apart: slower than MIDI can say."""
    events = [(0, NOTE_ON, b"\x3c\x40"), (24, NOTE_OFF, b"\x3c\x00"), (25, NOTE_ON, b"\x3e\x40"), (48, NOTE_OFF, b"\x3e\x00")]
    plain = write(Events(1, 24, [events]))
    still = Line(np.array([0.0, 0.5, 0.5 + 1 / 48, 2.0]), np.array([0.0, 0.5, 30.5, 32.0]))
    sliced = midi_slice(plain, still, Place(0.0, 60.0, 0.0, 1.0), 0.0, 32.0)
    assert np.abs(heard(sliced.warped)[:, 0] - [0.0, 30.5]).max() <= CLOSE
    assert sliced.paused > 0


def test_where_the_recording_does_not_play_there_is_no_music() -> None:
    plain = write(Events(1, 480, [_scale(40)]))
    even = Line(np.array([0.0, 20.0]), np.array([0.0, 20.0]))
    sliced = midi_slice(plain, even, Place(12.0, 15.0, 2.0, 1.0), 10.0, 20.0)  # song second 0 would be film second 10
    begins = np.sort(heard(sliced.warped)[:, 0])
    assert np.abs(begins - (2.0 + 0.5 * np.arange(6))).max() <= CLOSE
    assert sliced.covered == pytest.approx((2.0, 5.0), abs=0.002)


def test_an_alignment_that_knows_a_part_gives_that_part() -> None:
    warp = rubato(WHOLE.duration)
    part = Line(warp.midi[10:-30], warp.sound[10:-30])
    sliced = midi_slice(TUNE, part, PLACE, 100.0, 130.0)
    assert sliced.offset == pytest.approx(part.sound[0] / 1.04, abs=0.05)
    assert sliced.covered[0] == sliced.offset
    got, wanted = heard(sliced.warped), due(WHOLE, part, PLACE, sliced, 100.0, 30.0)
    assert np.abs(got[:, :2] - wanted[:, :2]).max() <= CLOSE
    with pytest.raises(FilmError) as caught:
        midi_slice(TUNE, part, PLACE, 100.0, 101.0)
    assert caught.value.reason == "outside_alignment"


def test_what_is_heard_higher_is_written_higher_and_drums_stay() -> None:
    tracks = [_scale(8), _scale(8, channel=9), [(0, META, b"\x59\x00\x00"), (0, META, b"\x51" + (500_000).to_bytes(3))]]
    warp = Line(np.array([0.0, 10.0]), np.array([0.0, 10.0]), transposition=3)
    sliced = midi_slice(write(Events(1, 480, tracks)), warp, Place(0.0, 10.0, 0.0, 1.0), 0.0, 3.9)
    for data in (sliced.unwarped, sliced.warped):
        notes = midi.read(data).notes
        assert sorted(notes["pitch"][~notes["is_drum"]]) == [48 + 3 + n for n in range(8)]
        assert sorted(notes["pitch"][notes["is_drum"]]) == [48 + n for n in range(8)]
    assert sliced.transposed == 3
    assert next(iter(midi.read(sliced.warped).symusic.key_signatures)).key == -3  # E flat


def test_a_held_note_is_cut_and_its_sound_stands_at_the_start() -> None:
    events = [(0, PROGRAM, b"\x30"), (0, 0xB0, b"\x07\x50"), (0, NOTE_ON, b"\x3c\x40"), (4800, NOTE_OFF, b"\x3c\x00")]
    warp = Line(np.array([0.0, 10.0]), np.array([0.0, 10.0]))
    sliced = midi_slice(write(Events(1, 480, [events])), warp, Place(0.0, 10.0, 0.0, 1.0), 2.0, 3.0)
    for data in (sliced.unwarped, sliced.warped):
        score = midi.read(data)
        (note,) = score.notes
        assert (note["pitch"], note["program"]) == (0x3C, 0x30)
        assert score.tempo_map.to_seconds(int(note["start"] + note["duration"])) == pytest.approx(1.0, abs=CLOSE)
        assert [(control.number, control.value) for control in score.symusic.tracks[0].controls] == [(7, 0x50)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=st.lists(st.floats(0.05, 3.0), min_size=3, max_size=20),
    start=st.floats(0, 8),
    length=st.floats(0.3, 12),
    division=st.sampled_from([24, 96, 480, 960]),
    speed=st.floats(0.96, 1.04),
)
def test_no_error_adds_up(steps: list[float], start: float, length: float, division: int, speed: float) -> None:
    data = write(Events(1, division, [_scale(2 * len(steps), division=division)]))
    warp = Line(np.arange(len(steps) + 1.0), np.concatenate([[0.0], np.cumsum(steps)]))
    place = Place(0.0, 1000.0, 0.0, speed)
    if start * speed >= warp.sound[-1] - 0.1:
        return
    whole = midi.read(data)
    sliced = midi_slice(data, warp, place, start, start + length)
    got, wanted = heard(sliced.warped), due(whole, warp, place, sliced, start, length)
    assert got.shape == wanted.shape
    assert len(got) == 0 or np.abs(got - wanted).max() <= CLOSE


def test_a_warped_slice_sounds_when_it_should() -> None:
    """Struck hi-hats through our synth: each attack is within 5 ms of its film time."""
    hits = [
        event for n in range(24) for event in ((n * 480, NOTE_ON | 9, b"\x2a\x70"), (n * 480 + 60, NOTE_OFF | 9, b"\x2a\x00"))
    ]
    data = write(Events(1, 480, [hits]))
    warp = rubato(14.0, 5)
    place = Place(50.0, 70.0, 0.0, 0.96)
    sliced = midi_slice(data, warp, place, 52.2, 60.2)  # between two hits: a held one would be struck again
    audio = next(iter(load(find(), 44100).render([sliced.warped])))
    loud = np.flatnonzero(np.abs(audio).max(axis=1) > 0.01)
    attacks = loud[np.diff(loud, prepend=-44100) > 44100 // 20] / 44100
    struck = np.interp(0.5 * np.arange(24), warp.midi, warp.sound) / 0.96 - 2.2
    wanted = struck[(struck >= 0) & (struck < 8)]
    assert len(attacks) == len(wanted)
    assert np.abs(attacks - wanted).max() < 0.005


@pytest.mark.parametrize(
    ("place", "start", "end", "reason"),
    [
        (Place(0, 10, 0, 1), 1.0, 1.0, "bad_span"),
        (Place(0, 10, 0, 1), float("nan"), 2.0, "bad_span"),
        (Place(0, 10, 0, 0), 1.0, 2.0, "bad_place"),
        (Place(0, float("nan"), 0, 1), 1.0, 2.0, "bad_place"),
        (Place(0, 10, 0, 1), 20.0, 22.0, "outside_place"),
        (Place(0, 2000, 0, 1), 1000.0, 1002.0, "outside_alignment"),
    ],
)
def test_a_span_that_the_place_does_not_hold_is_refused(place: Place, start: float, end: float, reason: str) -> None:
    with pytest.raises(FilmError) as caught:
        midi_slice(TUNE, rubato(WHOLE.duration), place, start, end)
    assert caught.value.reason == reason


def test_an_alignment_that_knows_nothing_and_bytes_that_are_no_midi_are_told() -> None:
    nothing = Line(np.array([0.0, 1.0]), np.array([np.nan, np.nan]))
    with pytest.raises(FilmError) as caught:
        midi_slice(TUNE, nothing, PLACE, 100.0, 110.0)
    assert caught.value.reason == "outside_alignment"
    with pytest.raises(FilmError) as caught:
        midi_slice(b"RIFF....", rubato(10), PLACE, 100.0, 110.0)
    assert caught.value.reason == "not_midi"


def test_the_same_slice_is_the_same_bytes(tmp_path: Path) -> None:
    warp = rubato(WHOLE.duration)
    assert midi_slice(TUNE, warp, PLACE, 100.0, 130.0) == midi_slice(TUNE, warp, PLACE, 100.0, 130.0)


def test_no_old_tempo_stays() -> None:
    sliced = midi_slice(TUNE, rubato(WHOLE.duration), PLACE, 105.0, 110.0)
    tempi = [
        event
        for track in midi.reading.parse(sliced.warped).tracks
        for event in track
        if event[1] == META and event[2][0] == TEMPO
    ]
    assert len(tempi) == sliced.tempi
