"""Moments become plans of clips: where to cut, which notes belong there, what is set against it, and what is changed."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Literal, cast

import numpy as np
from pydantic import Field, model_validator

from motet.dataset.rows import Candidate, Moment, PlannedClip, Shots, Warp
from motet.film import clips, pictures
from motet.film.clips.changes import Kind
from motet.run import Drop, Settings, Tools, Verdict, stage


class PlanClips(Settings):
    shortest: float = Field(default=5.0, ge=1, le=300, description="seconds of a clip, at least")
    longest: float = Field(default=20.0, le=600, description="seconds of a clip, at most")
    snap: float = Field(
        default=0.0, ge=0, le=60, description="seconds by which a clip may be shortened to begin and end with a shot"
    )
    midi: Literal["any", "needed"] = Field(default="any", description="needed: clips without fitting notes are left out")
    fits: float = Field(default=0.5, ge=0, le=1, description="mean confidence of a clip's bars from which the notes belong to it")
    negatives: int = Field(default=0, ge=0, le=10, description="of each clip: its picture with music that does not belong to it")
    copies: int = Field(default=0, ge=0, le=20, description="changed copies of each clip")
    changes: list[Kind] = Field(
        default=["stretch", "transpose", "crop", "flip"], description="what may be changed in copies: docs/recipes/film-music.md"
    )

    @model_validator(mode="after")
    def _ordered(self) -> PlanClips:
        if 2 * self.shortest > self.longest:
            msg = "longest must be at least twice shortest, so that a moment of any length can be cut"
            raise ValueError(msg)
        if self.copies and not self.changes:
            msg = "copies need changes: name some, or set copies to 0"
            raise ValueError(msg)
        return self


@dataclass(frozen=True)
class _Notes:
    """A MIDI file that was laid along a recording."""

    candidate: Candidate
    warp: Warp

    def bars(self, start: float, end: float) -> list[float]:
        """Confidences of the bars that begin in a span of the recording."""
        told = zip(self.warp.bar_sound, self.warp.bar_confidences, strict=True)
        return [sure for at, sure in told if at is not None and start <= at < end]

    def fit(self, start: float, end: float) -> float:
        bars = self.bars(start, end)
        return sum(bars) / len(bars) if bars else 0.0


@stage(version=1, timeout=24 * 3600, libraries=["numpy"], draws=True)
def plan_clips(
    moments: Iterable[Moment],
    shots: Iterable[Shots],
    candidates: Iterable[Candidate],
    warps: Iterable[Warp],
    settings: PlanClips,
    tools: Tools,
) -> Iterator[Verdict[PlannedClip]]:
    """Verdicts on all moments. In memory are all of them, their shots, and the warps of the recordings they play."""
    seed = tools.random.getrandbits(64)
    seen = {one.id: one for one in shots}
    which = {one.id: one for one in candidates}
    notes: dict[str, list[_Notes]] = defaultdict(list)
    for warp in warps:
        notes[warp.source].append(_Notes(which[warp.id], warp))
    every = sorted(moments, key=lambda one: one.id)
    planned: dict[str, list[PlannedClip]] = {}
    left: dict[str, Drop] = {}
    for moment in every:
        planned[moment.id] = list(_cut(moment, seen.get(moment.id), notes[moment.recording], settings))
        if not planned[moment.id]:
            left[moment.id] = _nothing(moment, settings)
    against = _negatives(planned, settings, seed)
    for moment in every:
        positives = planned[moment.id]
        rows = [*positives]
        for number, clip in enumerate(positives):
            rows += [replace(one, negative_of=_id(moment.id, number)) for one in against.get(_id(moment.id, number), ())]
            rows += _copies(clip, settings, seed)
        yield Verdict(moment.id, left.get(moment.id), tuple(rows))


def _id(moment: str, number: int) -> str:
    """The id that the engine gives the row of this number."""
    return f"{moment}.{PlannedClip.letter}{number:03d}"


def _nothing(moment: Moment, settings: PlanClips) -> Drop:
    length = min(moment.film_end, moment.film_seconds) - max(0.0, moment.film_start)
    if length < settings.shortest:
        return Drop("too_short", f"{max(0.0, length):.1f} s with a picture, less than {settings.shortest:g}")
    return Drop("no_midi", "no MIDI file fits the recording here")


def _cut(moment: Moment, seen: Shots | None, notes: Sequence[_Notes], settings: PlanClips) -> Iterator[PlannedClip]:
    fps = Fraction(moment.film_fps)
    begin, stop = max(0.0, moment.film_start), min(moment.film_end, moment.film_seconds)
    if stop - begin < settings.shortest:
        return
    first, last = _song(moment, begin), _song(moment, stop)
    best = max(notes, key=lambda one: (round(one.fit(first, last), 4), one.candidate.probability, one.candidate.id), default=None)
    pieces = math.ceil((stop - begin) / settings.longest)
    edges = np.linspace(begin, stop, pieces + 1).tolist()
    found = _shots(seen)
    for start, end in pairwise(edges):
        snapped = False
        if settings.snap and found:
            moved = pictures.snap(start, end, found, within=settings.snap)
            snapped = moved != (start, end) and moved[1] - moved[0] >= settings.shortest
            start, end = moved if snapped else (start, end)
        start, end = float(math.ceil(start * fps) / fps), float(math.floor(end * fps) / fps)
        if end - start < settings.shortest - float(2 / fps):
            continue
        here, there = _song(moment, start), _song(moment, end)
        fitting = best if best is not None and best.fit(here, there) >= settings.fits else None
        if fitting is None and settings.midi == "needed":
            continue
        yield _plan(moment, start, end, fitting, snapped, [one.start for one in found if start < one.start < end])


def _song(moment: Moment, film: float) -> float:
    """Seconds of the recording at seconds of the film."""
    return moment.song_start + moment.speed * (film - moment.film_start)


def _shots(seen: Shots | None) -> list[pictures.Shot]:
    if seen is None:
        return []
    told = zip(seen.shot_starts, seen.shot_ends, seen.shot_kinds, strict=True)
    return [pictures.Shot(start, end, cast(pictures.Kind, kind), 1.0) for start, end, kind in told]


def _plan(moment: Moment, start: float, end: float, notes: _Notes | None, snapped: bool, shot_starts: list[float]) -> PlannedClip:
    here, there = _song(moment, start), _song(moment, end)
    bars = notes.bars(here, there) if notes else []
    return PlannedClip(
        film_where=moment.film_where,
        film_sha256=moment.film_sha256,
        film=moment.film,
        year=moment.year,
        fps=moment.film_fps,
        film_licence=moment.film_licence,
        recording_path=moment.recording_path,
        recording_where=moment.recording_where,
        recording_sha256=moment.recording_sha256,
        artist=moment.artist,
        title=moment.title,
        recording_licence=moment.recording_licence,
        midi_path=notes.candidate.midi_path if notes else "",
        midi_where=notes.candidate.midi_where if notes else "",
        midi_sha256=notes.candidate.midi_sha256 if notes else "",
        warp=notes.warp.warp if notes else b"",
        transposition=notes.warp.transposition if notes else 0,
        alignment_confidence=notes.warp.confidence if notes else None,
        bar_confidences=bars,
        start=start,
        end=end,
        song_start=round(here, 6),
        speed=moment.speed,
        pitch_kept=bool(moment.pitch_kept),
        match_confidence=moment.confidence,
        listed=moment.listed,
        judged=moment.judged,
        snapped=snapped,
        shot_starts=[round(one - start, 6) for one in shot_starts],
        kind="positive",
        negative="",
        negative_of="",
        changes="[]",
    )


def _name(clip: PlannedClip) -> str:
    """What a clip is, whatever its files are called and however many there are: for its random choices."""
    told = f"{clip.film_sha256} {clip.recording_sha256} {clip.start:.4f} {clip.end:.4f}"
    return hashlib.blake2b(told.encode(), digest_size=12).hexdigest()


def _copies(clip: PlannedClip, settings: PlanClips, seed: int) -> Iterator[PlannedClip]:
    random = Random(f"{seed} {_name(clip)} changes")
    for _ in range(settings.copies):
        drawn = clips.draw_changes(random, settings.changes)
        yield replace(clip, changes=json.dumps([asdict(one) for one in drawn], sort_keys=True))


def _negatives(planned: Mapping[str, Sequence[PlannedClip]], settings: PlanClips, seed: int) -> dict[str, list[PlannedClip]]:
    """Of each clip, by its id, its picture with other music, or its music with another picture of the film."""
    if not settings.negatives:
        return {}
    known = {_id(moment, number): clip for moment, ones in planned.items() for number, clip in enumerate(ones)}
    names = {row_id: f"{_name(clip)} {row_id}" for row_id, clip in known.items()}
    ids = {name: row_id for row_id, name in names.items()}
    offered = [
        clips.Offered(names[row_id], one.film_sha256, one.start, one.end, one.recording_sha256, _family(one))
        for row_id, one in known.items()
    ]
    drawn: dict[str, list[PlannedClip]] = defaultdict(list)
    for one in clips.draw_negatives(Random(f"{seed} negatives"), offered, settings.negatives):
        clip, other = known[ids[one.clip]], known[ids[one.of]]
        picture, music = (other, clip) if one.exchanged == "picture" else (clip, other)
        drawn[ids[one.clip]].append(_exchanged(picture, music, one.kind))
    return drawn


def _family(clip: PlannedClip) -> str:
    """What counts as one song: recordings of one title, and those that one MIDI file fits."""
    return " ".join(clip.title.casefold().split()) or clip.midi_sha256


def _exchanged(picture: PlannedClip, music: PlannedClip, kind: str) -> PlannedClip:
    """The picture of one clip with the music of another, as long as the shorter of them."""
    fps = Fraction(picture.fps)
    frames = math.floor(min(picture.end - picture.start, music.end - music.start) * fps + Fraction(1, 1000))
    return replace(
        music,
        film_where=picture.film_where,
        film_sha256=picture.film_sha256,
        film=picture.film,
        year=picture.year,
        fps=picture.fps,
        film_licence=picture.film_licence,
        start=picture.start,
        end=picture.start + float(frames / fps),
        shot_starts=[one for one in picture.shot_starts if one < float(frames / fps)],
        snapped=False,
        listed=False,
        judged="",
        kind="negative",
        negative=kind,
    )
