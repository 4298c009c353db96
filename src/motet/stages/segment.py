"""Mixes become clips: spans cut at bar lines of the song's own tempo map, each with the facts of that span."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from motet import midi, render
from motet.dataset.rows import Clip, Mix, Part, Song, Stem
from motet.run import Drop, Settings, Tools, stage
from motet.stages.mix_stems import warm_up


class Segment(Settings):
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
    version=1,
    uses=[
        "audio", "rate", "frames",
        "songs.division", "songs.tempo_changes", "songs.metre_changes", "songs.first_onset", "songs.last_tick",
        "parts.index", "parts.midi", "parts.program", "parts.is_drum",
        "stems.index", "stems.silent",
    ],
    timeout=120,
    libraries=["symusic", "numpy", "scipy", "pyloudnorm"],
    setup=warm_up,
)  # fmt: skip
def segment(mix: Mix, song: Song, parts: list[Part], stems: list[Stem], settings: Segment, tools: Tools) -> Iterator[Clip] | Drop:
    clock = song_clock(song)
    lines = clock.bar_lines(song.last_tick)
    # The bar line that closes the last bar may be past the last note; the mix rings on at least as far.
    lines = np.append(lines, clock.from_bars(len(lines)))
    times = clock.to_seconds(lines)
    inside = (times <= mix.frames / mix.rate) & (np.append(times[1:], np.inf) > song.first_onset)
    first_bar = int(np.argmax(inside)) if inside.any() else 0
    lines, times = lines[inside], times[inside]
    spans = midi.spans(times, settings.shortest, settings.longest, settings.target)
    if not spans:
        return Drop("no_clip", f"no {settings.shortest:g} to {settings.longest:g} s between two bar lines")
    heard = {stem.index for stem in stems if not stem.silent}
    onsets = {p.index: np.sort(midi.read(tools.media.read(p.midi)).notes["start"]) for p in parts if p.index in heard}
    names = {p.index: (p.is_drum, midi.instrument(p.program, p.is_drum)) for p in parts}
    return _clips(mix, clock, lines, times, spans, first_bar, onsets, names, tools)


def song_clock(song: Song) -> midi.TempoMap:
    """The song's tempo map, as the table keeps it."""
    return midi.TempoMap.from_rows({"division": song.division, "tempi": song.tempo_changes, "metres": song.metre_changes})


def _clips(
    mix: Mix,
    clock: midi.TempoMap,
    lines: npt.NDArray[np.int64],
    times: npt.NDArray[np.float64],
    spans: list[tuple[int, int]],
    first_bar: int,
    onsets: dict[int, npt.NDArray[np.int64]],
    names: dict[int, tuple[bool, str]],
    tools: Tools,
) -> Iterator[Clip]:
    index = 0
    for a, b in spans:
        start_tick, end_tick = int(lines[a]), int(lines[b])
        struck: Counter[tuple[bool, str]] = Counter()
        for part, ticks in onsets.items():
            first, last = np.searchsorted(ticks, [start_tick, end_tick])
            if last > first:
                struck[names[part]] += int(last - first)
        total = struck.total()
        if total == 0:
            continue
        start, end = float(times[a]), float(times[b])
        start_frame, end_frame = round(start * mix.rate), min(round(end * mix.rate), mix.frames)
        audio, _ = render.decode(tools.media.path(mix.audio), start_frame, end_frame)
        lufs = render.integrated_loudness(audio, mix.rate)
        ranked = sorted(struck.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
        pulse = midi.pulse(clock, start_tick, end_tick)
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
            first_bar=first_bar + a + 1,
            bars=b - a,
            tempo=round(pulse.mean, 3),
            tempo_steady=pulse.steady,
            metre=pulse.metre,
            notes=total,
            notes_per_second=round(total / (end - start), 3),
            instruments=[name for (_, name), _ in ranked],
            instrument_notes=[n for _, n in ranked],
            has_drums=any(is_drum for (is_drum, _), _ in ranked),
            lufs=None if lufs is None else round(lufs, 2),
        )
        index += 1
