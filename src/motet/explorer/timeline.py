"""What of an example is drawn along its time: its wave, its notes, bars and beats, sections, chords, shots."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from motet.errors import UserError
from motet.explorer.held import Held, Near, Row
from motet.explorer.voices import MENDED, Laid, laid, midi_of

if TYPE_CHECKING:
    import numpy as np

    from motet.clips import Played

PICTURE = 800  # pairs of peaks
PIECE = 1 << 20  # frames decoded at a time
MOST_NOTES = 100_000


@dataclass
class Timeline:
    """All times in seconds from the example's begin; `notes` is flat: start and end in ms, pitch, voice, velocity."""

    seconds: float = 0.0
    peaks: list[int] = field(default_factory=list)
    bars: list[float] = field(default_factory=list)
    beats: list[float] = field(default_factory=list)
    sections: list[Row] = field(default_factory=list)
    chords: list[Row] = field(default_factory=list)
    shots: list[float] = field(default_factory=list)
    voices: list[Row] = field(default_factory=list)
    notes: list[int] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # sentences


def timeline(beside: Near, held: Held) -> Timeline:
    """What can be drawn of an example; what is gone or damaged is told and left out."""
    drawn = Timeline(seconds=_seconds(held))
    sound = laid(held, "mix") or laid(held, "film-sound")
    if sound and sound.end > sound.start:
        try:
            drawn.peaks = _peaks(beside, held, sound)
        except UserError as error:
            drawn.missing.append(str(error))
    if held.example is None:
        return drawn
    _play(beside, held, drawn)
    if held.table == "clips" and "stem_indices" not in held.row and not held.row.get("midi"):
        _hear(_heard(held.row) if "sounding" in held.row else beside.one("audio_facts", held.id), drawn)
    drawn.shots = [round(at, 3) for at in held.row.get("shots") or ()]
    return drawn


def _seconds(held: Held) -> float:
    if sound := laid(held, "mix"):
        return round((sound.end - sound.start) / sound.rate, 3)
    row = held.row
    if row.get("start") is not None and row.get("end") is not None:
        return round(float(row["end"] - row["start"]), 3)
    return round(float(row.get("seconds") or 0.0), 3)


# --- the wave ---


def _peaks(beside: Near, held: Held, sound: Laid) -> list[int]:
    """The lowest and the highest sample of equal stretches, each -127 … 127. Raises UserError for media that are gone."""
    if held.table == "songs" and (stored := beside.one("mixes", held.row["mix_id"]).get("peaks")):
        return list(stored)
    dataset = beside.dataset
    try:
        touched = dataset.media.path(sound.reference).stat().st_mtime_ns
    except OSError:
        touched = 0
    return list(_measured(_Source(dataset), sound, str(dataset.folder), touched))


@dataclass(frozen=True)
class _Source:
    """The dataset that peaks are measured in: the folder beside it says which it is."""

    dataset: Any = field(compare=False)


@lru_cache(maxsize=512)
def _measured(source: _Source, sound: Laid, folder: str, touched: int) -> tuple[int, ...]:
    """Kept for as long as the file stays as it is (`touched`)."""
    import numpy as np

    frames = sound.end - sound.start
    pairs = min(PICTURE, frames)
    starts = np.arange(pairs) * frames // pairs
    step = max(1, pairs * PIECE // frames)  # pairs of one piece
    edges = [int(starts[first]) for first in range(0, pairs, step)] + [frames]
    found: list[np.ndarray[Any, Any]] = []
    for number, audio in enumerate(sound.pieces(source.dataset, edges)):
        cuts = starts[number * step : (number + 1) * step] - edges[number]
        low = np.minimum.reduceat(audio, cuts, axis=0).min(axis=1)
        high = np.maximum.reduceat(audio, cuts, axis=0).max(axis=1)
        found.append(np.rint(np.clip(np.nan_to_num(np.stack([low, high], axis=1)), -1, 1) * 127).astype(np.int8))
    return tuple(np.concatenate(found).ravel().tolist())


# --- what is played ---


def _play(beside: Near, held: Held, drawn: Timeline) -> None:
    """Notes, bars, beats, sections and chords of an example that has notes; files that are gone are told."""
    from motet import midi
    from motet.clips import played

    row = held.row
    files, scores = [], []
    for index, reference in _files(held):
        try:
            scores.append(midi.read(midi_of(beside.dataset, reference)))
            files.append((index, reference))
        except midi.Unreadable as error:
            drawn.missing.append(f"{reference} cannot be read ({error.detail}): {MENDED}.")
        except UserError as error:
            drawn.missing.append(str(error))
    if not scores:
        return
    apart = held.table == "plans" or bool(row.get("midi"))  # one file of all parts, which begins with the example
    first, last = (0, scores[0].end) if apart else (row["start_tick"], row["end_tick"]) if "start_tick" in row else (0, 0)
    if held.table == "plans":
        last = row["end_tick"] - row["start_tick"]
    elif held.table == "songs":
        last = row["last_tick"] + 1
    try:
        span = played(scores, first, last)
    except ValueError as error:
        drawn.missing.append(f"Its bars cannot be drawn: {error}.")
        return
    drawn.bars, drawn.beats = _rounded(span.bars), _rounded(span.beats)
    _strike(held, files, span.parts, drawn)
    clock = scores[0].tempo_map
    begin = float(clock.to_seconds(first))
    shift = row["start_tick"] if held.table == "plans" else 0

    def at(tick: int) -> float:
        return round(float(clock.to_seconds(min(max(tick - shift, first), last))) - begin, 3)

    facts = beside.one("midi_facts", held.source) if held.table != "clips" or "start_tick" in row else {}
    if facts:
        edges = [*facts["section_ticks"], facts["section_end"]]
        drawn.sections = _spans(facts["section_labels"], edges, at, "label")
    ticks, chords = (row["chord_ticks"], row["chords"]) if "chord_ticks" in row else (
        facts.get("chord_ticks") or [], facts.get("chords") or []
    )  # fmt: skip
    drawn.chords = [one for one in _spans(chords, [*ticks, last + shift], at, "name") if one["name"] != "N"]


def _files(held: Held) -> list[tuple[int | None, str]]:
    """The MIDI files that an example is played from, with the index of the stem of each."""
    row = held.row
    if isinstance(row.get("midi"), str):
        return [(None, row["midi"])]
    mixed = set(row.get("stem_indices") or ())
    if row.get("stems"):
        return [(stem["index"], stem["midi"]) for stem in row["stems"] if stem["index"] in mixed]
    return [(part["index"], part["midi"]) for part in row.get("parts") or ()]


def _strike(held: Held, files: Sequence[tuple[int | None, str]], parts: Sequence[Played], drawn: Timeline) -> None:
    import numpy as np

    stems = {stem.index: stem for stem in held.example.stems} if held.example else {}
    struck: list[np.ndarray[Any, Any]] = []
    for (index, _), part in zip(files, parts, strict=True):
        stem = stems.get(index) if index is not None else None
        for own, name, drum in [(part, "", False)] if stem else _by_program(part):
            begins, stops, notes = own.begins, own.stops, own.notes
            if stem:
                voice = {"name": stem.name, "drum": stem.is_drum, "stem": index, "role": stem.role}
            else:
                voice = {"name": name, "drum": drum, "stem": None, "role": ""}
            columns = (
                np.rint(begins * 1000), np.rint(stops * 1000), notes["pitch"],
                np.full(len(notes), len(drawn.voices)), notes["velocity"],
            )  # fmt: skip
            struck.append(np.stack([np.asarray(column, np.int64) for column in columns], axis=1))
            drawn.voices.append(voice)
    every = np.concatenate(struck) if struck else np.zeros((0, 5), np.int64)
    if len(every) > MOST_NOTES:
        drawn.missing.append(f"Of its {len(every):,} notes the first {MOST_NOTES:,} are drawn.")
    every = every[np.lexsort((every[:, 2], every[:, 0]))][:MOST_NOTES]
    drawn.notes = every.ravel().tolist()


def _by_program(part: Played) -> Iterator[tuple[Played, str, bool]]:
    """The notes of a file of several instruments, apart, with the names of these and whether they are drums."""
    import numpy as np

    from motet import midi
    from motet.clips import Played

    kinds = np.where(part.notes["is_drum"], 128, part.notes["program"])
    for kind in np.unique(kinds).tolist():
        own, drum = kinds == kind, kind == 128
        name = midi.instrument(int(part.notes["program"][own][0]), drum)
        yield Played(part.begins[own], part.stops[own], part.notes[own]), name, drum


def _spans(names: Sequence[str], edges: Sequence[int], at: Callable[[int], float], what: str) -> list[Row]:
    """Named stretches between ticks that are of some length in the example."""
    found = []
    for name, first, last in zip(names, edges, edges[1:], strict=False):
        start, end = at(first), at(last)
        if end > start:
            found.append({"start": start, "end": end, what: name})
    return found


def _heard(row: Row) -> Row:
    """What is heard in a moment of a film, as the columns of `audio_facts`."""
    try:
        told = json.loads(row["sounding"] or "{}")
        beats, spans = told.get("beats") or {}, (told.get("sections") or {}).get("spans") or ()
        edges = [float(span["start"]) for span in spans if span["start"] > 0]
        return {"beats": beats.get("times") or [], "downbeats": beats.get("downbeats") or [], "section_times": edges}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _hear(facts: Row, drawn: Timeline) -> None:
    """What is heard in a recording; sections have no names there, so they are counted."""
    if not facts:
        return
    drawn.beats = [round(at, 3) for at in facts["beats"]]
    drawn.bars = [drawn.beats[one] for one in facts["downbeats"] if 0 <= one < len(drawn.beats)]
    if facts["section_times"]:
        edges = [0.0, *facts["section_times"], drawn.seconds]
        stretches = pairwise(edges)
        drawn.sections = [
            {"start": round(start, 3), "end": round(end, 3), "label": str(number)}
            for number, (start, end) in enumerate(stretches, 1)
            if end > start
        ]


def _rounded(values: Iterable[Any]) -> list[float]:
    return [round(float(value), 3) for value in values]
