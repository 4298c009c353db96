"""Sections of songs whose form is known, and of real songs, whose bar lines are."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from midi import forms
from motet import midi
from motet.midi.passage import Passage
from motet.midi.sections import sections

GOAL = 0.9


def test_sections_start_where_a_musician_would_put_a_letter() -> None:
    scored = []
    for song in forms.songs():
        score = midi.read(song.data)
        found = sections(Passage.whole(score))
        scored.append((forms.boundaries_found(song, found), forms.labels_found(song, found), song.name))
        lines = score.tempo_map.bar_lines(song.starts[-1]).tolist()
        assert {section.start for section in found} <= set(lines), song.name
        assert [section.end for section in found[:-1]] == [section.start for section in found[1:]], song.name
    marks = np.array([both for *both, _ in scored])
    print(f"{len(marks)} songs: boundaries {marks[:, 0].mean():.3f}, labels {marks[:, 1].mean():.3f}; the worst:")
    print(*(f"  {edges:.2f}  {names:.2f}  {name}" for edges, names, name in sorted(scored)[:10]), sep="\n")
    assert marks[:, 0].mean() >= GOAL


def test_the_measure_asks_for_what_it_says() -> None:
    """The truth itself is right, a bar off is wrong everywhere, boundaries at every bar are all found but mostly wrong."""
    for song in list(forms.songs(4)):
        clock = midi.read(song.data).tempo_map
        bar = clock.bar_lines(song.starts[1])[-1] - clock.bar_lines(song.starts[1])[-2]
        truth = cut(song.starts, song.labels)
        assert forms.boundaries_found(song, truth) == forms.labels_found(song, truth) == 1
        late = [song.starts[0], *(tick + int(bar) for tick in song.starts[1:-1]), song.starts[-1]]
        assert forms.boundaries_found(song, cut(late, song.labels)) < 0.2
        lines = clock.bar_lines(song.starts[-1]).tolist()
        assert forms.boundaries_found(song, cut(lines, "A" * (len(lines) - 1))) < 0.4
        assert forms.boundaries_found(song, cut([song.starts[0], song.starts[-1]], "A")) == 0


class Cut(NamedTuple):
    start: int
    end: int
    label: str


def cut(edges: Sequence[int], labels: Sequence[str]) -> list[Cut]:
    return [Cut(*both) for both in zip(edges[:-1], edges[1:], labels, strict=True)]


@pytest.mark.shared
def test_no_section_of_a_real_song_starts_inside_a_bar(shared: Path) -> None:
    files = sorted((shared / "midi").rglob("*.mid"))[::10]
    compared = 0
    for path in files:
        try:
            score = midi.read(path.read_bytes())
        except midi.Unreadable:
            continue
        song = Passage.whole(score)
        found = sections(song)
        if not len(score.notes):
            assert not found, path
            continue
        lines = set(score.tempo_map.bar_lines(song.end).tolist())
        assert {section.start for section in found} <= lines, path
        # Notes a little before the first bar line are anticipated, or an upbeat.
        first = int(score.notes["start"].min())
        assert score.tempo_map.to_bars(found[0].start)[0] <= score.tempo_map.to_bars(first)[0] + 1, path
        assert found[-1].end == song.end, path
        assert all(one.end == following.start for one, following in pairwise(found)), path
        compared += 1
    assert compared > 0.95 * len(files) > 100
