"""The metre written, and what the notes say to it."""

import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from symusic.core import NoteTick, ScoreTick, TimeSignatureTick, TrackTick

from motet.midi import read
from motet.midi.metre import Metre, metre
from motet.midi.passage import Passage

Part = list[tuple[float, float, int]]  # quarter note, length, pitch


def bars(kind: str, count: int = 24) -> Part:
    """Bass on the downbeat, chords on the other beats, a new harmony with each bar."""
    length, chords, eighths = {"march": (4.0, (1, 2, 3), 8), "waltz": (3.0, (1, 2), 6), "jig": (3.0, (1.5,), 6)}[kind]
    part: Part = []
    for bar in range(count):
        root = 36 + (0, 5, 7, 0, 9, 5, 7)[bar % 7]
        part.append((bar * length, 1.4 if kind == "jig" else 0.9, root))
        part += [(bar * length + beat, 0.7, root + 24 + step) for beat in chords for step in (0, 4, 7)]
        accents = (0, 3) if kind == "jig" else range(0, eighths, 2)
        part += [(bar * length + at / 2, 0.5 if at in accents else 0.2, 72 + at % 5) for at in range(eighths)]
    return part


def notated(part: Part, stated: tuple[int, int] | None) -> Passage:
    score = ScoreTick(480)
    if stated:
        score.time_signatures.append(TimeSignatureTick(0, *stated))
    track = TrackTick("piano", 0, False)
    for start, length, pitch in part:
        track.notes.append(NoteTick(round(start * 480), round(length * 480), pitch, 80))
    score.tracks.append(track)
    return Passage.whole(read(score.dumps_midi()))


def judged(passage: Passage) -> Metre:
    result = metre(passage)
    assert result
    return result


@pytest.mark.parametrize(("kind", "stated"), [("march", (4, 4)), ("march", (2, 4)), ("waltz", (3, 4)), ("jig", (6, 8))])
def test_what_is_written_rightly_is_borne_out(kind: str, stated: tuple[int, int]) -> None:
    result = judged(notated(bars(kind), stated))
    assert (result.numerator, result.denominator) == stated
    assert result.written
    assert result.confidence is not None
    assert result.confidence > 0.7
    assert result.alternative is None


@pytest.mark.parametrize(("kind", "better"), [("waltz", (3, 4)), ("jig", (6, 8))])
def test_a_file_that_states_nothing_is_in_four_by_default_only(kind: str, better: tuple[int, int]) -> None:
    result = judged(notated(bars(kind), None))
    assert (result.numerator, result.denominator, result.written) == (4, 4, False)
    assert result.alternative == better


def test_the_metre_that_holds_longest_is_the_metre() -> None:
    passage = notated(bars("waltz"), (3, 4))
    passage.score.symusic.time_signatures.append(TimeSignatureTick(480 * 60, 2, 4))
    changed = Passage.whole(read(passage.score.symusic.dumps_midi()))
    assert judged(changed).numerator == 3
    assert judged(Passage(changed.score, 480 * 60, changed.end)).numerator == 2


def test_a_bar_of_one_beat_says_nothing_and_the_notes_name_a_better() -> None:
    result = judged(notated(bars("march"), (1, 4)))
    assert result.confidence is None
    assert result.alternative == (4, 4)


def test_other_metres_and_few_notes_are_not_judged() -> None:
    assert judged(notated(bars("march"), (5, 4))).confidence is None
    assert judged(notated(bars("waltz", 2), (3, 4))).confidence is None
    assert metre(notated([], (3, 4))) is None


@given(
    st.lists(st.tuples(st.floats(0, 500), st.floats(0, 9), st.integers(0, 127)), max_size=40),
    st.integers(1, 255),
    st.integers(0, 7),
)
def test_any_notes_in_any_metre_have_an_answer(part: Part, top: int, power: int) -> None:
    result = metre(notated(part, (top, 1 << power)))
    assert (result is None) == (not part)
    assert result is None or result.confidence is None or 0 <= result.confidence <= 1


@pytest.mark.shared
def test_folk_tunes_bear_out_their_metres(shared: Path) -> None:
    with tarfile.open(shared / "midi" / "nottingham.tar.gz") as tunes:
        whole = [name for name in tunes.getnames() if name.endswith(".mid") and Path(name).parent.name == "MIDI"]
        results = [metre(Passage.whole(read(tunes.extractfile(name).read()))) for name in whole[::10]]  # type: ignore[union-attr]
    sure = [result for result in results if result and result.confidence is not None]
    agreed = sum(result.alternative is None for result in sure) / len(sure)
    assert len(sure) > 50
    assert agreed > 0.95
