"""Sections of songs whose form is known."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from symusic.core import NoteTick, ScoreTick, TrackTick

from motet.midi import TempoMap, Unreadable, read
from motet.midi.passage import Passage
from motet.midi.reading import NOTE, Score
from motet.midi.sections import sections
from motet.midi.spans import cut_costs, spans

QUARTER = 48
BAR = 4 * QUARTER
KINDS = st.lists(st.sampled_from("VCB"), min_size=2, max_size=8).map("".join)
notes = st.tuples(st.integers(0, 20_000), st.integers(0, 400), st.integers(0, 127), st.integers(0, 127), st.booleans())


def of_notes(struck: list[tuple[int, int, int, int, bool]], clock: TempoMap | None = None) -> Score:
    """A score of (start, duration, pitch, program, is_drum)."""
    symusic = ScoreTick(QUARTER)
    for program, is_drum in sorted({note[3:] for note in struck}):
        track = TrackTick("", program, is_drum)
        for note in sorted(struck):
            if note[3:] == (program, is_drum):
                track.notes.append(NoteTick(*note[:3], 80))
        symusic.tracks.append(track)
    return Score(symusic, clock or TempoMap(QUARTER), "strict")


def with_notes(notes: NDArray[np.void], division: int = QUARTER) -> Score:
    score = Score(ScoreTick(division), TempoMap(division), "strict")
    score.__dict__["notes"] = notes  # a cached property: symusic's own copy of the notes is not looked at
    return score


def song(form: str, bars: int = 8, transposed_from: int | None = None, upbeat: bool = False, metres: str = "") -> Score:
    """Each letter its own chords, melody and band; sections named in `metres` are in 3/4, the rest in 4/4."""
    struck, changes, tempi, at = [], [], [], QUARTER * 4 if upbeat else 0
    if upbeat:
        struck.append((at - QUARTER // 2, QUARTER // 2, 67, 73, False))
    for i, kind in enumerate(form):
        chance = random.Random(kind)
        roots = [chance.choice([0, 2, 5, 7, 9]) for _ in range(4)]
        tunes = [[(beat, chance.choice([0, 2, 4, 5, 7, 9, 11])) for beat in range(3)] for _ in range(bars)]
        program, wide = chance.randrange(40), 3 if kind in metres else 4
        up = 2 if transposed_from is not None and i >= transposed_from else 0
        changes.append((at, wide, 4))
        tempi.append((at, 400_000 + 1000 * i if metres else 500_000))
        for bar in range(bars):
            root = 48 + roots[bar % 4] + up
            struck += [(at, wide * QUARTER, root + step, program, False) for step in (0, 4, 7)]
            struck += [(at + beat * QUARTER, QUARTER, 72 + pitch + up, 73, False) for beat, pitch in tunes[bar]]
            struck += [(at + beat * QUARTER, 10, 42, 0, True) for beat in range(wide)]
            at += wide * QUARTER
    return of_notes(struck, TempoMap(QUARTER, tuple(tempi), tuple(changes)))


def form_of(score: Score) -> tuple[str, list[int]]:
    found = sections(Passage.whole(score))
    return "".join(s.label for s in found), score.tempo_map.to_bars([s.start for s in found])[0].tolist()


@pytest.mark.parametrize("form", ["AABA", "ABABCB", "ABCABC", "ABACA"])
def test_sections_of_eight_bars_are_found_and_named(form: str) -> None:
    assert form_of(song(form)) == (form, list(range(0, 8 * len(form), 8)))


def test_a_last_chorus_in_a_higher_key_is_still_the_chorus() -> None:
    assert form_of(song("ABABCB", transposed_from=5))[0] == "ABABCB"


def test_tempo_and_metre_make_no_difference() -> None:
    assert form_of(song("ABABCB", metres="B")) == ("ABABCB", [0, 8, 16, 24, 32, 40])


def test_an_upbeat_shifts_nothing() -> None:
    assert form_of(song("AABA", upbeat=True))[1] == [0, 9, 17, 25]


def test_little_music_is_one_section_and_none_has_none() -> None:
    assert [(s.label, s.confidence) for s in sections(Passage.whole(song("A", bars=7)))] == [("A", 1.0)]
    assert sections(Passage.whole(of_notes([]))) == []


def test_a_clip_has_the_sections_of_its_song() -> None:
    score = song("ABABCB")
    found = sections(Passage(score, 8 * BAR, 40 * BAR))
    assert [(s.start // BAR, s.end // BAR) for s in found] == [(8, 16), (16, 24), (24, 32), (32, 40)]


def test_clips_follow_the_sections() -> None:
    score = song("ABABCB")
    lines = score.tempo_map.bar_lines(score.last_off)
    times = score.tempo_map.to_seconds(lines)
    assert spans(times, 10, 30, 20, cut_costs(lines, sections(Passage.whole(score)))) == [(a, a + 8) for a in range(0, 48, 8)]


@given(KINDS, st.integers(1, 5), st.integers(-7, 7))
@settings(max_examples=25, deadline=None)
def test_ticks_and_key_make_no_difference(form: str, scale: int, up: int) -> None:
    score = song(form)
    changed = score.notes.copy()
    changed["start"] *= scale
    changed["duration"] *= scale
    changed["pitch"][~changed["is_drum"]] += np.uint8(up % 256)
    assert form_of(with_notes(changed, QUARTER * scale)) == form_of(score)


@given(st.lists(notes, max_size=60), st.sampled_from([(4, 4), (1, 16), (255, 128), (3, 8)]), st.integers(0, 15_000))
@settings(max_examples=150, deadline=None)
def test_whatever_is_played_is_covered_without_gaps(struck: list, metre: tuple[int, int], start: int) -> None:
    clock = TempoMap(QUARTER, (), ((0, *metre), (7_001, 4, 4)))
    passage = Passage(of_notes(struck, clock), start, 21_000)
    found = sections(passage)
    assert bool(found) == bool(len(passage.struck))
    if found:
        assert found[0].start <= passage.struck["start"].min() + QUARTER // 12
        assert found[-1].end == passage.end
        assert all(a.end == b.start for a, b in pairwise(found))
        lines = {start, *clock.bar_lines(passage.end).tolist()}
        assert all(s.start < s.end and s.start in lines for s in found)
        assert all(0 <= s.confidence <= 1 and 0 <= s.label_confidence <= 1 for s in found)


def test_thousands_of_bars_are_taken_in_stretches() -> None:
    one = song("ABAC")
    many = np.concatenate([one.notes] * 60)
    many["start"] += np.repeat(np.arange(60), len(one.notes)) * 32 * BAR
    labels, bars = form_of(with_notes(many))
    assert bars == list(range(0, 60 * 32, 8))
    assert labels == "ABAC" * 60


def test_more_bars_than_a_day_has_are_refused() -> None:
    far = np.zeros(2, NOTE)
    far["start"][1] = 200_000 * BAR
    with pytest.raises(Unreadable, match="bars of music"):
        sections(Passage.whole(with_notes(far)))


@pytest.mark.shared
def test_a_pop_song_has_sections_of_whole_phrases(shared: Path) -> None:
    path = shared / "midi/pop909/001/001.mid"
    score = read(path.read_bytes())
    found = sections(Passage.whole(score))
    lengths = [b - a for a, b in pairwise(score.tempo_map.to_bars([s.start for s in found])[0].tolist())]
    assert len(found) > 4
    assert sum(length % 4 == 0 for length in lengths) > len(lengths) / 2
