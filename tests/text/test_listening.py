"""What is heard in small pieces whose facts are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from symusic.core import ControlChangeTick, NoteTick, ScoreTick, TempoTick, TimeSignatureTick, TrackTick

from motet import midi
from motet.text.listening import listen
from motet.text.record import Record

QUARTER = 480
VIOLIN, CELLO, PIANO, BRIGHT_PIANO = 40, 42, 0, 1
Note = tuple[float, float, int]  # quarter note, quarters, pitch
SCALE = (0, 2, 4, 5, 7, 5, 4, 2)


def track(program: int, notes: Sequence[Note], velocity: int = 80, drums: bool = False, swell: float = 0.0) -> TrackTick:
    told = TrackTick("", program, drums)
    for start, length, pitch in notes:
        told.notes.append(NoteTick(round(start * QUARTER), round(length * QUARTER), pitch, round(velocity + swell * start)))
    return told


def heard(
    *tracks: TrackTick, tempi: Sequence[tuple[int, float]] = ((0, 120),), metres: Sequence[tuple[int, int, int]] = ((0, 4, 4),)
) -> Record:
    """What is heard in tracks; tempi and metres are by quarter note."""
    score = ScoreTick(QUARTER)
    for at, bpm in tempi:
        score.tempos.append(TempoTick(at * QUARTER, bpm))
    for at, top, bottom in metres:
        score.time_signatures.append(TimeSignatureTick(at * QUARTER, top, bottom))
    for one in tracks:
        score.tracks.append(one)
    passage = midi.Passage.whole(midi.read(score.dumps_midi()))
    return listen(passage, midi.describe(passage))


def line(beats: int, pitch: int = 60, length: float = 1.0, first: int = 0) -> list[Note]:
    return [(at, length, pitch + SCALE[at % 8]) for at in range(first, beats)]


def beat(beats: int, first: int = 0) -> list[Note]:
    return [(at, 0.1, 36 if at % 2 == 0 else 38) for at in range(first, beats)]


def test_players_stand_with_most_notes_first_and_drums_last() -> None:
    record = heard(track(CELLO, line(32, 48, 4)[::4]), track(VIOLIN, line(32)), track(0, beat(32), drums=True))
    assert record.seconds == 16.0
    assert record.instruments is not None
    assert [one.name for one in record.instruments] == ["violin", "cello", "drums"]
    violin, cello, drums = record.instruments
    assert (violin.notes, violin.enters, violin.leaves, violin.presence) == (32, 0.0, 16.0, 1.0)
    assert (cello.notes, drums.role, drums.role_confidence) == (8, "drums", 1.0)
    assert drums.presence == 1.0  # a stroke is short; the beat goes on
    assert record.changes == ()


def test_two_tracks_of_one_instrument_are_one() -> None:
    record = heard(track(PIANO, line(16)), track(PIANO, line(32, 40, first=16)), track(BRIGHT_PIANO, line(32, 50)))
    assert record.instruments is not None
    grand = next(one for one in record.instruments if one.name == "grand piano")
    assert (grand.notes, grand.presence) == (32, 1.0)
    assert len(record.instruments) == 2


def test_who_comes_late_enters_and_who_stops_early_leaves() -> None:
    record = heard(track(VIOLIN, line(32)), track(CELLO, line(16, 48)), track(0, beat(32, first=12), drums=True))
    assert record.changes is not None
    told = [(one.what, one.instrument, one.at) for one in record.changes]
    assert told == [("enters", "drums", 6.0), ("leaves", "cello", 8.0)]


def test_long_rests_are_not_presence() -> None:
    record = heard(track(VIOLIN, line(8) + line(32, first=24)), track(CELLO, line(32, 48)))
    assert record.instruments is not None
    violin = next(one for one in record.instruments if one.name == "violin")
    assert violin.presence == pytest.approx(0.5)
    assert record.changes == ()


@pytest.mark.parametrize(("length", "kind"), [(1.0, "legato"), (0.3, "staccato"), (0.7, "mixed")])
def test_articulation_is_how_far_notes_reach(length: float, kind: str) -> None:
    record = heard(track(VIOLIN, line(32, length=length)))
    assert record.articulation is not None
    assert record.articulation.kind == kind


def test_the_pedal_joins_short_notes() -> None:
    notes = track(PIANO, line(32, length=0.3))
    notes.controls.append(ControlChangeTick(0, 64, 127))
    record = heard(notes)
    assert record.articulation is not None
    assert record.articulation.kind == "legato"


def test_dynamics_follow_velocities() -> None:
    def dynamics(velocity: int, swell: float = 0.0) -> tuple[str | None, str | None]:
        told = heard(track(VIOLIN, line(32), velocity, swell=swell)).dynamics
        assert told is not None
        return told.level, told.change

    assert dynamics(25) == ("soft", "steady")
    assert dynamics(80) == ("moderate", "steady")
    assert dynamics(30, 2.5)[1] == "crescendo"
    assert dynamics(110, -2.5)[1] == "decrescendo"


def test_louder_in_one_step_is_no_crescendo() -> None:
    quiet = track(VIOLIN, line(16), 40)
    told = heard(quiet, track(VIOLIN, line(32, first=16), 120)).dynamics
    assert told is not None
    assert told.change is None


def test_tempo_and_metre_change_where_the_clock_says() -> None:
    notes = track(VIOLIN, line(48, length=0.9)), track(0, beat(48), drums=True)
    record = heard(*notes, tempi=[(0, 120), (24, 80)], metres=[(0, 4, 4), (24, 3, 4)])
    assert record.metre == ""
    assert record.tempo is not None
    assert record.tempo.steady is False
    assert record.changes is not None
    assert [(one.what, one.at) for one in record.changes] == [("tempo", 12.0), ("metre", 12.0)]
    assert record.changes[1].to == "3/4"


def test_a_ritardando_is_no_row_of_new_tempi() -> None:
    slowing = [(at, 120 - 4 * (at - 24)) for at in range(24, 32)]
    record = heard(track(VIOLIN, line(32)), tempi=[(0, 120), *slowing])
    assert record.changes == ()


def test_a_change_of_key_is_told_where_both_keys_are_sure() -> None:
    def cadence(tonic: int, first: int) -> list[Note]:
        chords = [(0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7)]
        return [(first + 2 * at, 2, tonic + tone) for at in range(16) for tone in chords[at % 4]]

    record = heard(track(PIANO, cadence(60, 0) + cadence(66, 32)))
    assert record.changes is not None
    (change,) = record.changes
    assert (change.what, change.to) == ("key", "F sharp major")
    assert change.at == pytest.approx(16.0, abs=2.0)
    assert heard(track(PIANO, cadence(60, 0) + cadence(60, 32))).changes == ()


def test_chords_and_key_are_told_as_they_are_written() -> None:
    chords = [(3, 7, 10), (8, 12, 15), (10, 14, 17), (3, 7, 10)]
    notes = [(4.0 * at, 4.0, 48 + tone) for at in range(8) for tone in chords[at % 4]]
    record = heard(track(PIANO, notes))
    assert record.key is not None
    assert record.key.name == "E flat major"
    assert record.chords is not None
    assert record.chords[:3] == ("Eb", "Ab", "Bb")


def test_silence_has_no_facts_but_its_length() -> None:
    score = ScoreTick(QUARTER)
    score.tracks.append(track(VIOLIN, line(8)))
    passage = midi.Passage(midi.read(score.dumps_midi()), 10 * QUARTER, 14 * QUARTER)
    record = listen(passage, midi.describe(passage))
    assert record.instruments == ()
    assert (record.seconds, record.tempo, record.key, record.register, record.dynamics) == (2.0, None, None, None, None)


@pytest.mark.shared
def test_every_clip_of_real_songs_has_a_record_that_holds_together(shared: Path) -> None:
    files = sorted((shared / "midi").rglob("*.mid"))[::60]
    looked = 0
    for path in files:
        try:
            score = midi.read(path.read_bytes())
        except midi.Unreadable:
            continue
        if not score.end:
            continue
        passage = midi.Passage(score, score.end // 3, max(2 * score.end // 3, score.end // 3 + 1))
        record = listen(passage, midi.describe(passage))
        assert Record.from_json(record.to_json()) == record
        for one in record.instruments or ():
            assert one.enters is not None
            assert one.leaves is not None
            assert 0 <= one.enters <= one.leaves <= record.seconds + 0.001
        assert all(0 <= change.at <= record.seconds for change in record.changes or ())
        looked += 1
    assert looked >= 20
