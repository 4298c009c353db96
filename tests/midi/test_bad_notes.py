"""Music that no musician wrote: every analysis gives a defined result, or `Unreadable` says why not."""

import dataclasses
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pytest

from motet import midi
from motet.midi.chords import chords
from motet.midi.description import describe, describe_sections
from motet.midi.estimates import acousticness, loudness
from motet.midi.events import Event, Events, write
from motet.midi.feel import feel
from motet.midi.instruments import instruments
from motet.midi.key import key
from motet.midi.metre import metre
from motet.midi.passage import Passage
from motet.midi.sections import sections
from motet.midi.tap import tap
from motet.midi.texture import texture
from motet.midi.words import words

ANALYSES: dict[str, Callable[[Passage], object]] = {
    function.__name__: function for function in (key, chords, sections, tap, metre, feel, texture, instruments, acousticness)
}
ANALYSES["loudness"] = lambda passage: loudness(passage, np.array([passage.start, passage.end]))
OF_SOMETHING: dict[str, Callable[[Passage], object]] = {
    "describe": describe,
    "describe_sections": lambda passage: describe_sections(passage, describe(passage)),
}
META, ON, OFF = 0xFF, 0x90, 0x80
END_OF_TIME = 1 << 30  # the last tick that is read
QUARTER = 480


def song(*tracks: list[Event], division: int = QUARTER) -> bytes:
    return write(Events(1, division, [sorted(track, key=lambda event: event[0]) for track in tracks]))


def note(start: int, length: int = 240, pitch: int = 60, channel: int = 0, velocity: int = 64) -> list[Event]:
    return [(start, ON | channel, bytes((pitch, velocity))), (start + length, OFF | channel, bytes((pitch, 0)))]


def tune(count: int = 64, step: int = 240, channel: int = 0, first: int = 0) -> list[Event]:
    """Notes one after the other, up and down a scale."""
    pitches = [60, 62, 64, 65, 67, 69, 71, 72, 71, 69, 67, 65, 64, 62]
    return [event for at in range(count) for event in note(first + at * step, step, pitches[at % 14], channel)]


def tempo(tick: int, us: int) -> Event:
    return (tick, META, b"\x51" + us.to_bytes(3))


def signature(tick: int, top: int, power: int) -> Event:
    return (tick, META, bytes((0x58, top, power, 24, 8)))


def with_delta(delta: bytes) -> bytes:
    """A note that ends `delta` after it starts, in bytes that our writer would never write."""
    body = b"\x00\x90\x3c\x40" + delta + b"\x80\x3c\x00\x00\xff\x2f\x00"
    return b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk" + len(body).to_bytes(4) + body


CHANCE = random.Random(4)
ODD = {
    "no track": song(),
    "no event": song([]),
    "only a title": song([(0, META, b"\x03Title")]),
    "one note": song(note(0)),
    "one note, late": song(note(100_000)),
    "one note of one tick": song(note(0, 1)),
    "one note of no length": song(note(0, 0)),
    "one drum": song(note(0, channel=9)),
    "only drums": song(tune(200, 120, channel=9)),
    "drums and one note": song(tune(200, 120, channel=9), note(5000)),
    "notes of no length": song([event for at in range(100) for event in note(at * 120, 0, 40 + at % 40)]),
    "all at once": song([event for pitch in range(128) for event in note(0, 960, pitch)]),
    "all at once, of no length": song([event for pitch in range(128) for event in note(480, 0, pitch)]),
    "one note 10,000 times": song([event for _ in range(10_000) for event in note(0, 10)]),
    "one pitch for ever": song([event for at in range(500) for event in note(at * 480, 480)]),
    "any pitch at any time": song([event for at in range(999) for event in note(CHANCE.randrange(9999), 99, at % 128)]),
    "no tempo and no metre": song(tune()),
    "300 tempi a second": song([tempo(at, 300_000 + at % 500_000) for at in range(30_000)], tune(64)),
    "the slowest tempo": song([tempo(0, (1 << 24) - 1)], tune()),
    "the fastest tempo": song([tempo(0, 1)], tune()),
    "slowest and fastest in turn": song([tempo(at * 60, (1, (1 << 24) - 1)[at % 2]) for at in range(256)], tune()),
    "tempo after the end": song([tempo(1 << 20, 9)], tune()),
    "metre 0/4": song([signature(0, 0, 2)], tune()),
    "metre 4/2^200": song([signature(0, 4, 200)], tune()),
    "metre 255/128": song([signature(0, 255, 7)], tune(500)),
    "metre 1/128": song([signature(0, 1, 7)], tune()),
    "metre 255/1": song([signature(0, 255, 0)], tune(500)),
    "metre of a fraction of a tick": song([signature(0, 1, 7)], tune(), division=1),
    "a metre at every tick": song([signature(at, 2 + at % 5, 2 + at % 3) for at in range(5000)], tune(40)),
    "1 tick per quarter": song(tune(200, 1), division=1),
    "32,767 ticks per quarter": song(tune(64, 32_767), division=32_767),
    "SMPTE time": song(tune(), division=0xE728),
    "tracks of other lengths": song([tempo(0, 400_000)], tune(8), tune(500, channel=1), [], tune(3, channel=2, first=40_000)),
    "no note ends": song([(at * 240, ON, bytes((60 + at % 12, 64))) for at in range(64)]),
    "notes that end and never began": song([(at * 240, OFF, bytes((60 + at % 12, 64))) for at in range(64)]),
    "the first and last minute of a day": song(tune(8), tune(8, first=QUARTER * 2 * 86_300)),
    "a note of a day": song(note(0, QUARTER * 2 * 86_300), tune(8, channel=1)),
    "200 tracks": song(*(tune(16, channel=at % 16, first=at * 30) for at in range(200))),
    "200 tracks without notes": song(*([] for _ in range(200)), tune()),
    "as soft as can be": song([event for at in range(64) for event in note(at * 240, velocity=1)]),
    "the lowest and highest pitch": song([event for at in range(64) for event in note(at * 240, pitch=127 * (at % 2))]),
    "nearly no time between notes": song([event for at in range(3000) for event in note(at, 1, at % 128)]),
    "silent by its controllers": song([(0, 0xB0, b"\x07\x00"), (0, 0xB0, b"\x0b\x00"), *tune()]),
    "a delta in more bytes than it needs": with_delta(b"\x80\x80\x81\x70"),
}  # fmt: skip
REFUSED = {
    "zero tempo": (song([tempo(960, 0)], tune()), "zero_tempo"),
    "the longest delta": (with_delta(b"\xff\xff\xff\x7f"), "absurd_length"),
    "a delta of five bytes": (with_delta(b"\x83\xff\xff\xff\x7f"), "truncated"),
    "past the end of time": (song(note(END_OF_TIME + 1)), "absurd_length"),
    "past 2^32 ticks": (song(note((1 << 32) + 5)), "absurd_length"),
    "a second beyond a day": (song(tune(8), tune(8, first=QUARTER * 2 * 86_401)), "absurd_length"),
    "a million bars": (song([tempo(0, 1), signature(0, 1, 7)], note(QUARTER << 20)), "absurd_length"),
}
# What is read, but has more beats than anything is told of.
TOO_MANY_BEATS = {
    "the very end of time": song([tempo(0, 1000)], note(END_OF_TIME - 240)),
    "200,000 beats and some": song([tempo(0, 1000)], tune(3), note(QUARTER * 200_001)),
    "beats of a tick": song([signature(0, 2, 2)], [tempo(0, 1), *tune(30, 10_000)], division=1),
}


def numbers(value: object) -> Iterator[float]:
    """Every number in dataclasses, collections and arrays, however deep."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from numbers(getattr(value, field.name))
    elif isinstance(value, np.ndarray):
        assert value.dtype.kind in "iufb"
        yield from value.ravel().tolist()
    elif isinstance(value, Mapping):
        yield from numbers([*value.keys(), *value.values()])
    elif isinstance(value, str | bytes):
        return
    elif isinstance(value, Sequence | set | frozenset):
        for each in value:
            yield from numbers(each)
    elif value is not None:
        assert isinstance(value, int | float | np.number | np.bool_), type(value)
        yield float(value)


def passages(score: midi.Score) -> Iterator[Passage]:
    """The song, and stretches of it: empty, of one tick, across its middle, beyond its end."""
    whole = Passage.whole(score)
    middle = whole.end // 2
    yield whole
    yield Passage(score, 0, 0)
    yield Passage(score, 0, 1)
    yield Passage(score, middle, middle + 1)
    yield Passage(score, middle // 2, middle + 100)
    yield Passage(score, whole.end, whole.end + QUARTER)
    yield Passage(score, whole.end + 1000, whole.end + 1001)


@pytest.mark.parametrize("analysis", [*ANALYSES, *OF_SOMETHING])
@pytest.mark.parametrize("name", ODD)
def test_odd_music_has_results_of_plain_numbers(name: str, analysis: str) -> None:
    for passage in passages(midi.read(ODD[name])):
        if analysis in ANALYSES:
            found = ANALYSES[analysis](passage)
        elif passage.end > passage.start:
            found = OF_SOMETHING[analysis](passage)
        else:
            continue
        assert all(map(math.isfinite, numbers(found))), (passage.start, passage.end, found)


@pytest.mark.parametrize("name", ODD)
def test_odd_music_has_facts_and_words(name: str) -> None:
    score = midi.read(ODD[name])
    assert all(map(math.isfinite, numbers(midi.facts(score))))
    assert all(map(math.isfinite, numbers(words(ODD[name]))))


@pytest.mark.parametrize("name", ODD)
def test_what_analyses_promise_holds_of_odd_music(name: str) -> None:
    for passage in passages(midi.read(ODD[name])):
        found = key(passage)
        assert found is None or (found.tonic in range(12) and found.mode in ("major", "minor") and 0 <= found.confidence <= 1)
        pulse = tap(passage)
        assert pulse is None or (pulse.tempo > 0 and 0 <= pulse.confidence <= 1)
        for kind in (chords(passage), sections(passage)):
            assert all(passage.start <= one.start < one.end <= passage.end for one in kind)
            assert all(one.end <= after.start for one, after in pairwise(kind))
            assert all(0 <= one.confidence <= 1 for one in kind)
        if len(passage.struck):
            assert sections(passage)[-1].end == passage.end


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_says_why(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(midi.Unreadable) as failure:
        midi.read(data)
    assert failure.value.reason == reason


@pytest.mark.parametrize("analysis", [*ANALYSES, *OF_SOMETHING])
@pytest.mark.parametrize("name", TOO_MANY_BEATS)
def test_too_many_beats_are_refused_or_not_needed(name: str, analysis: str) -> None:
    whole = Passage.whole(midi.read(TOO_MANY_BEATS[name]))
    found, reason = None, ""
    try:
        found = (ANALYSES | OF_SOMETHING)[analysis](whole)
    except midi.Unreadable as error:
        reason = f"{error.reason}: {error.detail}"
    assert reason in ("", "absurd_length: more than 200,000 beats")
    assert all(map(math.isfinite, numbers(found)))


def test_a_million_notes_are_only_many() -> None:
    chance = random.Random(1)
    tracks = []
    for channel in range(16):
        page = bytearray()
        for _ in range(625):
            low = chance.randrange(30, 80)
            for pitch in (low, low + 4):
                page += b"\x00" + bytes((ON | channel, pitch, chance.randrange(1, 128)))
            page += b"\x78" + bytes((OFF | channel, low, 0)) + b"\x00" + bytes((OFF | channel, low + 4, 0))
        body = bytes(page) * 50 + b"\x00\xff\x2f\x00"
        tracks.append(b"MTrk" + len(body).to_bytes(4) + body)
    data = b"MThd\0\0\0\6\0\1\0\x10\1\xe0" + b"".join(tracks)
    taken = {}

    def timed(name: str, work: Callable[[], object]) -> object:
        began = time.process_time()
        found = work()
        taken[name] = time.process_time() - began
        return found

    score = timed("read", lambda: midi.read(data))
    assert isinstance(score, midi.Score)
    assert len(score.notes) == 1_000_000
    results = [timed("facts", lambda: midi.facts(score)), timed("words", lambda: words(data))]
    for name, analysis in ANALYSES.items():
        # A passage of its own each, so that none lives on what another left.
        results.append(timed(name, lambda analysis=analysis: analysis(Passage.whole(score))))
    results.append(timed("describe", lambda: describe(Passage.whole(score))))
    assert all(map(math.isfinite, numbers(results)))
    print(", ".join(f"{name} {seconds:.2f} s" for name, seconds in taken.items()))
