"""Mixes become clips: spans cut at sections and bar lines of the song's own tempo map, each with the facts of that span."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from motet import midi, render, text
from motet.dataset.rows import Clip, MidiFacts, Mix, Song, Stem
from motet.run import Drop, Settings, Tools, stage
from motet.stages.mix_stems import warm_up

_AT_AN_END = 2.0  # seconds from the song's first onset or its end: a clip that begins or ends there opens or closes the song
_MIDDLE = (1 / 3, 2 / 3)  # of the song, for the middle of a clip
_TOLD = frozenset(("distortion", "chorus", "phaser", "delay", "reverb", "bitcrush"))  # what people hear as an effect
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
    version=8,
    uses=[
        "take", "audio", "rate", "frames", "stem_indices",
        "songs.last_tick",
        "midi_facts.section_ticks", "midi_facts.section_end", "midi_facts.section_labels", "midi_facts.section_confidences",
        "stems.index", "stems.take", "stems.midi", "stems.silent", "stems.sounds_like", "stems.effects",
    ],
    timeout=120,
    libraries=["symusic", "numpy", "scipy"],
    setup=warm_up,
)  # fmt: skip
def segment(
    mix: Mix, song: Song, facts: MidiFacts | None, stems: list[Stem], settings: Segment, tools: Tools
) -> Iterator[Clip] | Drop:
    heard = [stem for stem in stems if stem.take == mix.take and not stem.silent and stem.index in mix.stem_indices]
    heard.sort(key=lambda stem: stem.index)
    if not heard:
        return Drop("no_clip", "nothing is heard")
    played = [(stem, _as_heard(midi.read(tools.media.read(stem.midi)), stem)) for stem in heard]
    score = midi.together([one for _, one in played])
    sections = _sections(facts)
    spans = _spans(mix, score, song.last_tick, sections, settings)
    if not spans:
        return Drop("no_clip", f"no {settings.shortest:g} to {settings.longest:g} s {_between(settings)}")
    return _clips(mix, score, song.last_tick, played, sections, spans, tools)


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


def _as_heard(score: midi.Score, stem: Stem) -> midi.Score:
    """A part as it was played in this take, by what a listener would name if the rack says so."""
    if stem.sounds_like is None:
        return score
    for track in score.symusic.tracks:
        track.program = stem.sounds_like
    return midi.Score(score.symusic, score.tempo_map, score.how)  # one that has not listed its notes yet


def _first_onset(score: midi.Score) -> float:
    """Seconds before anything is struck."""
    return score.tempo_map.to_seconds(int(score.notes["start"].min(initial=score.end)))


def _spans(mix: Mix, score: midi.Score, last_tick: int, sections: list[midi.Section], settings: Segment) -> list[_Span]:
    clock, sounding = score.tempo_map, mix.frames / mix.rate
    if settings.cut == "fixed":
        fixed = midi.fixed_spans(_first_onset(score), sounding, settings.longest, settings.shortest)
        spans = [_Span(*span, *clock.from_seconds(span).tolist()) for span in fixed]
        return [span for span in spans if span.start_tick < span.end_tick]
    lines = clock.bar_lines(last_tick)
    # The bar line that closes the last bar may be past the last note; the mix rings on at least as far.
    lines = np.append(lines, clock.from_bars(len(lines)))
    times = clock.to_seconds(lines)
    inside = (times <= sounding) & (np.append(times[1:], np.inf) > _first_onset(score))
    lines, times = lines[inside], times[inside]
    costs = midi.cut_costs(lines, sections) if settings.cut == "sections" else None
    cuts = midi.spans(times, settings.shortest, settings.longest, settings.target, costs)
    return [_Span(float(times[a]), float(times[b]), int(lines[a]), int(lines[b])) for a, b in cuts]


def _clips(
    mix: Mix,
    score: midi.Score,
    last_tick: int,
    played: list[tuple[Stem, midi.Score]],
    sections: list[midi.Section],
    spans: list[_Span],
    tools: Tools,
) -> Iterator[Clip]:
    clock, index = score.tempo_map, 0
    music = _first_onset(score), clock.to_seconds(last_tick)
    for span in spans:
        start, end, start_tick, end_tick = span.start, span.end, span.start_tick, span.end_tick
        passage = midi.Passage(score, start_tick, end_tick)
        if not len(passage.struck):
            continue
        start_frame, end_frame = round(start * mix.rate), min(round(end * mix.rate), mix.frames)
        audio, _ = render.decode(tools.media.path(mix.audio), start_frame, end_frame)
        lufs = render.integrated_loudness(audio, mix.rate)
        found = midi.describe(passage)
        names, struck, roles = _players(passage, found)
        record = replace(
            text.listen(passage, found), section=_place(span, music, sections), effects=_effects(played, names) or None
        )
        first_bar, last_bar = (clock.to_bars(tick)[0] for tick in (start_tick, end_tick - 1))
        yield Clip(
            index=index,
            take=mix.take,
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


def _place(span: _Span, music: tuple[float, float], sections: list[midi.Section]) -> text.Place:
    """Where in its song, whose music begins and ends so, a clip lies; and whether its main section comes elsewhere too."""
    first, last = music
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


def _effects(played: list[tuple[Stem, midi.Score]], names: list[str]) -> tuple[text.Effects, ...]:
    """What each instrument is heard through: of parts that share a name, what all of them are."""
    through: dict[str, list[list[str]]] = {}
    for stem, score in played:
        for name in {midi.instrument(track.program, track.is_drum) for track in score.symusic.tracks}:
            through.setdefault(name, []).append([effect for effect in stem.effects if effect in _TOLD])
    shared = {name: [one for one in chains[0] if all(one in chain for chain in chains)] for name, chains in through.items()}
    return tuple(text.Effects(instrument=name, effects=tuple(dict.fromkeys(shared[name]))) for name in names if shared.get(name))
