"""How alike two songs are, in words that carry their evidence: the same arrangement edited, or another of the same song."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from motet.duplicates.alignment import Alignment, Overlay, Song, compare, most_shared, overlay
from motet.duplicates.patterns import DRUMS
from motet.midi.general_midi import DRUMS as DRUMS_NAME
from motet.midi.general_midi import family

Level = Literal["hard", "soft"]

VERSION = 5  # of the judge: another forgets what was judged
HARD = 0.4  # least share beyond chance of the same arrangement
SURE, LIKELY = 0.75, 0.5  # a share that is enough by itself; below it the tune must be the same as likely as not,
FAIR, NEARLY_SURE = 0.6, 0.95  # and below this all but certainly: one transcriber's strumming is half of many songs
UNSURE = 0.65  # a share, by a sample of notes, that is not sure to be less than `SURE`
# A share of patterns in common with which notes may lie wider apart, in quarter notes: as straight eighths moved to triplets.
TUNE, WIDE = 0.4, 0.18
FEWEST_NOTES = 32  # in common, of the same arrangement
SOFT = 0.8  # least chance of another arrangement
_CONSTANT, _COMMON, _IN_LINE, _HARMONY = -4.23, 0.32, 1.79, 9.2
FEWEST_IN_LINE = 4  # patterns, to look twice
PART = 0.65  # of the other's time; what covers less of it is contained in it
IDENTICAL = 0.95  # of the notes of a family of instruments, and both have as many
SAME_TEMPO = 0.02


@dataclass(frozen=True)
class Likeness:
    """Two songs that are duplicates, seen from the second.

    `score` is 0 to 1. Its pitches are `transposition` semitones higher, its music lasts `tempo` times as long, by the mean
    tempo of either file (`stretch` of its quarter notes pass in one of the first's), and begins `offset` of its quarter notes
    later. `shared` are the shares of the first's and the second's notes that the other has, each note once. `contained` says
    which is but a part of the other. `identical` names the families of instruments that play the same.
    """

    level: Level
    score: float
    transposition: int
    tempo: float
    stretch: float
    offset: float
    shared: tuple[float, float]
    contained: Literal["", "first", "second"]
    identical: tuple[str, ...]

    def turned(self) -> Likeness:
        """The same seen from the first song."""
        swapped: dict[str, Literal["", "first", "second"]] = {"": "", "first": "second", "second": "first"}
        return replace(
            self,
            transposition=-self.transposition,
            tempo=1 / self.tempo,
            stretch=1 / self.stretch,
            offset=-self.offset / self.stretch,
            shared=self.shared[::-1],
            contained=swapped[self.contained],
        )

    @property
    def evidence(self) -> str:
        """One line for a person: "same notes +3 semitones, 1.08 x slower, 94 % shared, bass and drums identical"."""
        said = ["same notes" if self.level == "hard" else "same song, other notes"]
        if self.transposition:
            said[0] += f" {self.transposition:+d} semitone{'s' if abs(self.transposition) > 1 else ''}"
        if abs(math.log(self.tempo)) > SAME_TEMPO:
            said.append(f"{max(self.tempo, 1 / self.tempo):.2f} x {'slower' if self.tempo > 1 else 'faster'}")
        if abs(self.offset) >= 0.5:
            said.append(f"{abs(self.offset):.1f} quarters {'later' if self.offset > 0 else 'earlier'}")
        other, own = (f"{math.floor(100 * share)} %" for share in self.shared)
        said.append(f"{own} shared" if own == other else f"{own} of it and {other} of the other shared")
        if self.identical:
            *most, last = self.identical
            said.append(f"{', '.join(most)}{' and ' if most else ''}{last} identical")
        if self.contained:
            said.append("it is part of the other" if self.contained == "second" else "the other is part of it")
        return ", ".join(said)


def judge(first: Song, second: Song) -> Likeness | None:
    """Whether two songs are duplicates beyond same notes, None if not.

    Hard: of one of them at least 40 % of the notes beyond chance are the other's, transposed, stretched and moved as a whole,
    and below 75 % the tune has to speak for it too, below 60 % all but certainly: one arranger's strumming under two songs does
    not make them one.
    Soft: runs of the same melody one after another and harmony that fits, by logistic regression; `score` is its chance.
    """
    over = overlay(first, second)
    likeness = _judged(first, second, over)
    if (likeness and likeness.level == "hard") or over is None or over.in_line < FEWEST_IN_LINE:
        return likeness
    # Laid the other way round they may fit better: which of many repeats is met first differs.
    back = _judged(second, first, overlay(second, first))
    if back and (likeness is None or (back.level, -back.score) < (likeness.level, -likeness.score)):
        return back.turned()
    return likeness


def _judged(first: Song, second: Song, over: Overlay | None) -> Likeness | None:
    if over is None:
        return None
    tune = _chance_of_tune(over)
    if tune < LIKELY and most_shared(first, second, over) < UNSURE:
        return None  # neither level is left: no need to compare all notes
    found = compare(first, second, over)
    if over.common >= TUNE and _score(found) < HARD:
        found = compare(first, second, over, WIDE)
    score = _score(found)
    level: Level = "hard"
    least = 0.0 if score >= SURE else LIKELY if score >= FAIR else NEARLY_SURE
    if score < HARD or found.notes < FEWEST_NOTES or tune < least:
        level, score = "soft", tune
        if score < SOFT:
            return None
    contained: Literal["", "first", "second"] = ""
    if level == "hard" and min(found.covered) < PART <= max(found.covered):
        contained = "first" if found.covered[0] > found.covered[1] else "second"
    return Likeness(
        level=level,
        score=score,
        transposition=found.transposition,
        tempo=found.stretch * second.voices.quarter / first.voices.quarter,
        stretch=found.stretch,
        offset=found.offset,
        shared=found.shared,
        contained=contained,
        identical=_identical(first, second, found) if level == "hard" else (),
    )


def _identical(first: Song, second: Song, found: Alignment) -> tuple[str, ...]:
    """The families that play the same in both, in order of their first voice."""
    ours, theirs = _by_kind(first), _by_kind(second)
    same: dict[str, float] = dict.fromkeys(ours, 0.0)
    sizes = np.bincount(first.voices.notes["voice"], minlength=len(first.voices.programs))
    for voice, _, share in found.voices:
        same[_kind(first.voices.programs[voice])] += share * float(sizes[voice])
    return tuple(
        kind
        for kind, notes in ours.items()
        if same[kind] >= IDENTICAL * notes and IDENTICAL * notes <= theirs.get(kind, 0) <= notes / IDENTICAL
    )


def _by_kind(song: Song) -> dict[str, int]:
    """How many notes each family of instruments has."""
    sizes = np.bincount(song.voices.notes["voice"], minlength=len(song.voices.programs)).tolist()
    found: dict[str, int] = {}
    for program, notes in zip(song.voices.programs, sizes, strict=True):
        if notes:
            found[_kind(program)] = found.get(_kind(program), 0) + notes
    return found


def _score(found: Alignment) -> float:
    """The larger share, beyond chance."""
    return max(0.0, (max(found.shared) - found.chance) / (1 - found.chance)) if found.chance < 1 else 0.0


def _chance_of_tune(found: Overlay) -> float:
    """How likely both have the same tune, whatever the arrangement: fitted on 916 pairs judged by people, 87 of them such."""
    odds = _CONSTANT + _COMMON * math.log(0.001 + found.common) + _IN_LINE * math.log1p(found.in_line) + _HARMONY * found.harmony
    return 1 / (1 + math.exp(-odds))


def _kind(program: int) -> str:
    return DRUMS_NAME if program == DRUMS else family(program)
