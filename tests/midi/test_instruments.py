"""Instruments of a passage: counted exactly; roles estimated, and right where the truth is known."""

from operator import itemgetter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.midi import read
from motet.midi.events import META, Event, Events, write
from motet.midi.instruments import ROLES, Instrument, instruments, named_role
from motet.midi.passage import Passage

Notes = list[tuple[int, int, int]]


def song(*tracks: list[Event], division: int = 480, tempi: tuple[tuple[int, int], ...] = ()) -> bytes:
    conductor = [(tick, META, b"\x51" + us.to_bytes(3)) for tick, us in tempi]
    return write(Events(1, division, [sorted(track, key=itemgetter(0)) for track in (conductor, *tracks)]))


def plays(notes: Notes, program: int = 0, channel: int = 0, name: str = "") -> list[Event]:
    events: list[Event] = [(0, META, b"\x03" + name.encode()), (0, 0xC0 | channel, bytes((program,)))]
    for start, end, pitch in notes:
        events += [(start, 0x90 | channel, bytes((pitch, 64))), (end, 0x80 | channel, bytes((pitch, 0)))]
    return events


def of(data: bytes, start: int | None = None, end: int = 0, heed_names: bool = True) -> list[Instrument]:
    score = read(data)
    return instruments(Passage.whole(score) if start is None else Passage(score, start, end), heed_names=heed_names)


def test_share_is_the_time_in_which_any_note_sounds() -> None:
    # 0 to 2 beats with an overlap, and 3 to 4 of 4: three of four beats, in time two at 120 and one at 60 of five half-seconds.
    line = [(0, 600, 60), (480, 960, 64), (1440, 1920, 67)]
    (steady,) = of(song(plays(line)))
    (slower,) = of(song(plays(line), tempi=((0, 500_000), (1440, 1_000_000))))
    assert (steady.notes, steady.share, steady.register) == (3, 0.75, 64.0)
    assert slower.share == pytest.approx(4 / 5)
    assert steady.polyphony == pytest.approx(1560 / 1440)


def test_a_clip_counts_what_sounds_in_it() -> None:
    data = song(plays([(0, 960, 60), (960, 1920, 72)]), plays([(0, 480, 40)], 33, 1))
    (piano,) = of(data, 480, 1440)
    assert (piano.notes, piano.share, piano.register) == (2, 1.0, 66.0)


def test_programs_families_kits_and_banks_have_names() -> None:
    strings = [(0, 0xB1, b"\x00\x08"), (0, 0xB1, b"\x20\x03"), *plays([(10, 480, 60)], 48, 1), (100, 0xB1, b"\x00\x10")]
    ensemble, kit = of(song(strings, plays([(0, 480, 36)], 25, 9)))
    assert (ensemble.name, ensemble.family, ensemble.bank) == ("string ensemble", "ensemble", (8, 3))
    assert ensemble.slakh_class == "Strings (continued)"
    assert (kit.name, kit.family, kit.role, kit.confidence, kit.bank) == ("TR-808 kit", "drums", "drums", 1.0, (None, None))


def test_a_band_is_told_by_how_it_plays() -> None:
    eighths, bars = range(0, 15360, 240), range(0, 15360, 1920)
    bass = [(at, at + 230, 36 + 5 * (at // 1920 % 2)) for at in eighths]
    tune = [(at, at + 400, 72 + at // 480 * 5 % 12) for at in range(0, 15360, 480)]
    comping = [(at + 480 * beat, at + 480 * beat + 300, pitch) for at in bars for beat in range(4) for pitch in (55, 60, 64)]
    held = [(at, at + 1920, pitch) for at in bars for pitch in (60, 64, 67)]
    band = song(plays(bass, 33), plays(tune, 73, 1), plays(comping, 0, 2), plays(held, 48, 3), plays(bass, 0, 9))
    assert [one.role for one in of(band)] == ["bass", "melody", "chords", "pad", "drums"]


def test_a_name_speaks_for_a_role() -> None:
    tune: Notes = [(at, at + 400, 60) for at in range(0, 4800, 480)]
    named = of(song(plays(tune, 0, name="Lead Vocal"), plays(tune, 0, 1)))[0]
    unheeded = of(song(plays(tune, 0, name="Lead Vocal"), plays(tune, 0, 1)), heed_names=False)[0]
    assert named.role == "melody"
    assert named.confidence > unheeded.confidence or unheeded.role != "melody"


@pytest.mark.parametrize(
    "name, role",
    [("Bass", "bass"), ("SYNTH_PAD", "pad"), ("Rhythm Gtr", "chords"), ("backing vocals", "other"), ("melody 2", "melody"),
     ("Bass Drum", None), ("Square Lead", None), ("Bassoon", None), ("Piano", None), ("", None)],
)  # fmt: skip
def test_names_that_say_a_role(name: str, role: str | None) -> None:
    assert named_role(name) == role


note = st.tuples(st.integers(0, 4000), st.integers(0, 900), st.integers(0, 115)).map(lambda n: (n[0], n[0] + n[1], n[2]))
bands = st.lists(st.tuples(st.lists(note, max_size=12), st.integers(0, 127), st.integers(0, 15)), max_size=5)


@given(bands, st.integers(0, 3000), st.integers(1, 3000))
def test_any_passage_has_sound_numbers(band: list[tuple[Notes, int, int]], start: int, length: int) -> None:
    data = song(*(plays(*one) for one in band), tempi=((700, 250_000),))
    for found in (of(data), of(data, start, start + length)):
        for one in found:
            assert 0 <= one.share <= 1
            assert 0.2 <= one.confidence <= 1
            assert one.polyphony >= 1
            assert one.role in ROLES or (one.is_drum and one.role == "drums")
    assert sum(one.notes for one in of(data)) == len(read(data).notes)


@given(bands)
def test_twice_the_ticks_change_nothing(band: list[tuple[Notes, int, int]]) -> None:
    def scaled(by: int) -> list[Instrument]:
        parts = ([(by * start, by * end, pitch) for start, end, pitch in notes] for notes, _, _ in band)
        return of(song(*(plays(n, p, c) for n, (_, p, c) in zip(parts, band, strict=True)), division=480 * by))

    def facts(found: list[Instrument]) -> list[tuple[object, ...]]:
        return [(one.program, one.notes, one.register, one.role) for one in found]

    ends = [end for notes, _, _ in band for _, end, _ in notes]
    starts = [start for notes, _, _ in band for start, _, _ in notes]
    # A note without length on the end lengthens a passage by a tick, which is not twice as long.
    if not ends or max(ends) > max(starts):
        assert facts(scaled(1)) == facts(scaled(2))


def test_nothing_plays_in_a_song_without_notes() -> None:
    assert of(song([])) == []


@pytest.mark.shared
def test_melody_and_piano_of_pop909_are_found_without_their_names(shared: Path) -> None:
    right = total = 0
    for path in sorted((shared / "midi" / "pop909").glob("*/*.mid"))[::3]:
        for one in of(path.read_bytes(), heed_names=False):
            truth = {"MELODY": "melody", "PIANO": "chords"}.get(one.track_name)
            if truth:
                total += 1
                right += one.role == truth
    assert total >= 60
    assert right / total > 0.85
