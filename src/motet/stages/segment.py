"""Mixes become clips: spans cut at sections and bar lines of the song's own tempo map, each with the facts of that span."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from motet import midi, render, text
from motet.dataset.rows import Clip, MidiFacts, Mix, Part, Song, Stem
from motet.run import Drop, Settings, Tools, stage
from motet.stages.mix_stems import warm_up

_AT_AN_END = 2.0  # seconds from the song's first onset or its end: a clip that begins or ends there opens or closes the song
_MIDDLE = (1 / 3, 2 / 3)  # of the song, for the middle of a clip
_SURE_SECTION = 0.75  # confidence of a section's label by which it is told that a section returns


class Segment(Settings):
    cut: Literal["sections", "bars", "fixed"] = Field(
        default="sections", description="whole sections and phrases, any bar lines, or windows of `longest` wherever they fall"
    )
    shortest: float = Field(default=10.0, gt=0, description="seconds of a clip, at least")
    longest: float = Field(default=30.0, gt=0, description="seconds of a clip, at most")
    target: float = Field(default=20.0, gt=0, description="seconds of a clip, if the bars allow")

    @model_validator(mode="after")
    def _ordered(self) -> Segment:
        if not self.shortest <= self.target <= self.longest:
            msg = "shortest <= target <= longest must hold"
            raise ValueError(msg)
        return self


@stage(
    version=7,
    uses=[
        "audio", "rate", "frames",
        "songs.division", "songs.tempo_changes", "songs.metre_changes", "songs.first_onset", "songs.last_tick",
        "midi_facts.section_ticks", "midi_facts.section_end", "midi_facts.section_labels", "midi_facts.section_confidences",
        "parts.index", "parts.midi",
        "stems.index", "stems.silent",
    ],
    timeout=120,
    libraries=["symusic", "numpy", "scipy", "pyloudnorm"],
    setup=warm_up,
)  # fmt: skip
def segment(
    mix: Mix, song: Song, facts: MidiFacts | None, parts: list[Part], stems: list[Stem], settings: Segment, tools: Tools
) -> Iterator[Clip] | Drop:
    sections = _sections(facts)
    spans = _spans(mix, song, sections, settings)
    if not spans:
        return Drop("no_clip", f"no {settings.shortest:g} to {settings.longest:g} s {_between(settings)}")
    heard = {stem.index for stem in stems if not stem.silent}
    scores = [midi.read(tools.media.read(part.midi)) for part in sorted(parts, key=lambda p: p.index) if part.index in heard]
    if not scores:
        return Drop("no_clip", "nothing is heard")
    return _clips(mix, song, midi.together(scores), sections, spans, tools)


def song_clock(song: Song) -> midi.TempoMap:
    """The song's tempo map, as the table keeps it."""
    return midi.TempoMap.from_rows({"division": song.division, "tempi": song.tempo_changes, "metres": song.metre_changes})


def _between(settings: Segment) -> str:
    return "of music" if settings.cut == "fixed" else "between two bar lines"


def _sections(facts: MidiFacts | None) -> list[midi.Section]:
    """The song's sections as the table keeps them."""
    if facts is None or not facts.section_ticks:
        return []
    edges = pairwise([*facts.section_ticks, facts.section_end])
    told = zip(edges, facts.section_labels, facts.section_confidences, strict=True)
    return [midi.Section(start, end, label, sure, 1.0) for (start, end), label, sure in told]


@dataclass(frozen=True)
class _Span:
    """Where a clip lies: in seconds, and in ticks."""

    start: float
    end: float
    start_tick: int
    end_tick: int


def _spans(mix: Mix, song: Song, sections: list[midi.Section], settings: Segment) -> list[_Span]:
    clock, sounding = song_clock(song), mix.frames / mix.rate
    if settings.cut == "fixed":
        fixed = midi.fixed_spans(song.first_onset, sounding, settings.longest, settings.shortest)
        spans = [_Span(*span, *clock.from_seconds(span).tolist()) for span in fixed]
        return [span for span in spans if span.start_tick < span.end_tick]
    lines = clock.bar_lines(song.last_tick)
    # The bar line that closes the last bar may be past the last note; the mix rings on at least as far.
    lines = np.append(lines, clock.from_bars(len(lines)))
    times = clock.to_seconds(lines)
    inside = (times <= sounding) & (np.append(times[1:], np.inf) > song.first_onset)
    lines, times = lines[inside], times[inside]
    costs = midi.cut_costs(lines, sections) if settings.cut == "sections" else None
    cuts = midi.spans(times, settings.shortest, settings.longest, settings.target, costs)
    return [_Span(float(times[a]), float(times[b]), int(lines[a]), int(lines[b])) for a, b in cuts]


def _clips(
    mix: Mix, song: Song, score: midi.Score, sections: list[midi.Section], spans: list[_Span], tools: Tools
) -> Iterator[Clip]:
    clock, index = score.tempo_map, 0
    for span in spans:
        start, end, start_tick, end_tick = span.start, span.end, span.start_tick, span.end_tick
        passage = midi.Passage(score, start_tick, end_tick)
        if not len(passage.struck):
            continue
        start_frame, end_frame = round(start * mix.rate), min(round(end * mix.rate), mix.frames)
        audio, _ = render.decode(tools.media.path(mix.audio), start_frame, end_frame)
        lufs = render.integrated_loudness(audio, mix.rate)
        found = midi.describe(passage)
        record = replace(text.listen(passage, found), section=_place(span, song, clock, sections))
        names, struck, roles = _players(passage, found)
        first_bar, last_bar = (clock.to_bars(tick)[0] for tick in (start_tick, end_tick - 1))
        yield Clip(
            index=index,
            audio=mix.audio,
            rate=mix.rate,
            start_frame=start_frame,
            end_frame=end_frame,
            start=start,
            end=end,
            start_tick=start_tick,
            end_tick=end_tick,
            first_bar=first_bar + 1,
            bars=last_bar + 1 - first_bar,
            sections=[one.label for one in sections if one.start < end_tick and one.end > start_tick],
            tempo=round(found.tempo.mean, 3),
            tempo_steady=found.tempo.steady,
            metre=found.tempo.metre,
            tap=round(found.tap.tempo, 3) if found.tap else None,
            tap_confidence=round(found.tap.confidence, 3) if found.tap else 0.0,
            key=found.key.name if found.key else None,
            key_confidence=round(found.key.confidence, 3) if found.key else None,
            chord_ticks=[chord.start for chord in found.chords],
            chords=[chord.symbol for chord in found.chords],
            notes=found.texture.notes,
            notes_per_second=round(found.texture.notes_per_second, 3),
            polyphony=round(found.texture.polyphony, 3) if found.texture.polyphony else None,
            instruments=names,
            instrument_notes=struck,
            instrument_roles=roles,
            has_drums=bool(passage.struck["is_drum"].any()),
            lufs=None if lufs is None else round(lufs, 2),
            record=record.to_json(),
        )
        index += 1


def _place(span: _Span, song: Song, clock: midi.TempoMap, sections: list[midi.Section]) -> text.Place:
    """Where in its song a clip lies, and whether the section that most of it lies in comes elsewhere too."""
    first, last = song.first_onset, clock.to_seconds(song.last_tick)
    opens, closes = span.start <= first + _AT_AN_END, span.end >= last - _AT_AN_END
    middle = (span.start + span.end - 2 * first) / (2 * (last - first)) if last > first else 0.5
    position: Literal["opening", "middle", "ending", "whole"] | None = None
    if opens or closes:
        position = "whole" if opens and closes else "opening" if opens else "ending"
    elif _MIDDLE[0] <= middle <= _MIDDLE[1]:
        position = "middle"
    inside = [one for one in sections if one.start < span.end_tick and one.end > span.start_tick]
    if not inside:
        return text.Place(position=position)
    main = max(inside, key=lambda one: min(one.end, span.end_tick) - max(one.start, span.start_tick))
    elsewhere = [one for one in sections if one not in inside and one.label == main.label]
    again: bool | None = bool(elsewhere)
    if main.confidence < _SURE_SECTION or (elsewhere and max(one.confidence for one in elsewhere) < _SURE_SECTION):
        again = None
    return text.Place(labels=tuple(one.label for one in inside), position=position, repeats=again)


def _players(passage: midi.Passage, found: midi.Description) -> tuple[list[str], list[int], list[str]]:
    """Who strikes notes, each name once, most notes first and drums last: names, notes and the role of most of them."""
    struck = np.bincount(passage.struck["track"], minlength=len(passage.score.symusic.tracks)).tolist()
    players: dict[tuple[bool, str], tuple[int, int, str]] = {}
    for one in found.instruments:
        name, notes = (one.is_drum, midi.instrument(one.program, one.is_drum)), struck[one.track]
        total, most, role = players.get(name, (0, 0, ""))
        if notes:
            players[name] = (total + notes, max(most, notes), one.role if notes > most else role)
    ranked = sorted(players.items(), key=lambda player: (player[0][0], -player[1][0], player[0][1]))
    return [name for (_, name), _ in ranked], [n for _, (n, _, _) in ranked], [role for _, (_, _, role) in ranked]
