"""A tune, its band and its plan, and the plan laid out on a timeline."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from .notation import EIGHTH, QUARTER, Bar, Chord, NotationError

DYNAMICS = {"pp": 40, "p": 52, "mp": 64, "mf": 76, "f": 88, "ff": 100}


@dataclass(frozen=True)
class Part:
    """One instrument: a MIDI program, what it does (`lead`, `bass`, `chords`, `drums`), and how it sits in the mix.

    `volume` and `pan` are controllers 7 and 10 (pan 64 is the middle), `centre` the MIDI pitch that chords and
    counter-lines stay around, `voices` how many notes a chord has. `gestures`: `pedal`,
    `swell` (expression), `bend` (scoops, vibrato).
    """

    name: str
    program: int
    role: str
    volume: int = 96
    pan: int = 64
    centre: int = 57
    voices: int = 3
    gestures: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Section:
    """Some bars of the tune, and who plays what in them.

    `bars` counts from 1 and includes its end (`13-16`, or several `1-8,13-16`); `dynamic` is one of the usual
    words or two of them joined by `<` or `>`; `play` is a list of `part=pattern` between commas. `tempo` in
    quarter notes a minute is set at once, a pair glides from one to the other.
    """

    bars: str
    dynamic: str
    play: str
    tempo: int | tuple[int, int] | None = None
    programs: dict[str, int] = field(default_factory=dict)
    fill: bool = True


@dataclass(frozen=True)
class Tune:
    """A melody in our notation, its origin in a line, its band and the plan of its sections."""

    title: str
    artist: str
    origin: str
    key: str
    metre: tuple[int, int]
    melody: str
    parts: tuple[Part, ...]
    form: tuple[Section, ...]
    last_chord: str
    pickup: str = ""
    transpose: int = 0
    swing: bool = False
    ticks_per_quarter: int = 480
    one_track: bool = False

    @property
    def bar_length(self) -> int:
        """The length of a bar in 1/960 quarters."""
        return 4 * QUARTER * self.metre[0] // self.metre[1]


@dataclass(frozen=True)
class Stretch:
    """A section laid on the timeline: its bars' numbers in the tune, the bars themselves, and its first moment."""

    section: Section
    start: int
    numbers: tuple[int, ...]
    bars: tuple[Bar, ...]

    @property
    def end(self) -> int:
        return self.start + sum(bar.length for bar in self.bars)


def lay_out(tune: Tune, bars: Sequence[Bar]) -> list[Stretch]:
    """Set the sections of a tune one after the other; raise NotationError for bars, parts or words it lacks."""
    names = {part.name for part in tune.parts}
    stretches, time = [], 0
    for section in tune.form:
        numbers: list[int] = []
        for span in section.bars.split(","):
            first, _, last = span.partition("-")
            numbers += range(int(first) - 1, int(last or first))
        if min(numbers) < 0 or max(numbers) >= len(bars):
            raise NotationError("unknown_bar", f"{tune.title} has {len(bars)} bars, a section asks for {section.bars}.")
        if unknown := set(plan_of(section)) - names:
            raise NotationError("unknown_part", f"{tune.title} has no part {', '.join(sorted(unknown))}.")
        if unknown := set(section.dynamic.replace(">", "<").split("<")) - set(DYNAMICS):
            raise NotationError("unknown_dynamic", f"{unknown.pop()!r} is none of {', '.join(DYNAMICS)}.")
        stretch = Stretch(section, time, tuple(numbers), tuple(bars[number] for number in numbers))
        stretches.append(stretch)
        time = stretch.end
    return stretches


def plan_of(section: Section) -> dict[str, str]:
    """Who plays what: the pattern of each part that plays."""
    plan = {}
    for entry in section.play.split(","):
        name, _, pattern = entry.strip().partition("=")
        plan[name] = pattern
    return plan


def tempos_of(tune: Tune, stretches: Sequence[Stretch]) -> tuple[tuple[int, int], ...]:
    """Tempo changes as (time, microseconds per quarter); a glide changes at every beat."""
    tempos: list[tuple[int, int]] = []
    beat = QUARTER if tune.metre[1] == 4 else 3 * EIGHTH
    for stretch in stretches:
        tempo = stretch.section.tempo
        if isinstance(tempo, int):
            tempos.append((stretch.start, 60_000_000 // tempo))
        elif tempo:
            slow, fast = tempo
            beats = (stretch.end - stretch.start) // beat
            for count in range(beats):
                speed = slow * (beats - 1) + (fast - slow) * count
                tempos.append((stretch.start + count * beat, 60_000_000 * (beats - 1) // speed))
    return tuple(tempos)


def spans_of(stretch: Stretch) -> list[tuple[int, int, Chord]]:
    """The chords of a stretch as (start, end, chord), a new one at every bar line."""
    spans, time = [], stretch.start
    for bar in stretch.bars:
        edges = [*(offset for offset, _ in bar.chords), bar.length]
        spans += [(time + a, time + b, chord) for (a, b), (_, chord) in zip(pairwise(edges), bar.chords, strict=True)]
        time += bar.length
    return spans


def chord_at(spans: Sequence[tuple[int, int, Chord]], time: int) -> Chord:
    """The chord at a moment; before the first and after the last, the nearest."""
    return next(
        (chord for start, end, chord in spans if start <= time < end),
        spans[0][2] if time < spans[0][0] else spans[-1][2],
    )
