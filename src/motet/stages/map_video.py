"""Mixes become plans of films: windows at bar lines, and what their notes will move, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator

from motet import midi
from motet.dataset.rows import MidiFacts, Mix, Stem, VideoPlan
from motet.run import Drop, Settings, Tools, stage
from motet.video.errors import VideoError

if TYPE_CHECKING:
    from motet.video.windows import Window


class MapVideo(Settings):
    # What it names is in the key by content, wherever it lies.
    no_effect: ClassVar[frozenset[str]] = frozenset(("mapping",))

    mapping: str = Field(
        default="full-song", description="what moves what: a ready mapping, or a mapping file (docs/recipes/midi-video.md)"
    )
    seconds: float = Field(
        default=16.0,
        ge=0.5,
        le=600,
        description="of a window, at most; a single bar that is longer makes one, up to half as long again",
    )
    fps: Literal["24", "25", "30", "50", "60", "24000/1001", "30000/1001", "60000/1001"] = Field(
        default="24", description="pictures per second"
    )
    width: int = Field(default=256, ge=64, le=4096, description="pixels, an even number")
    height: int = Field(default=256, ge=64, le=4096, description="pixels, an even number")
    theme: str = Field(default="", description="what prompts and pictures are about; drawn to suit the mood if empty")
    mood: str = Field(default="", description="happy, calm, sad, dark, tense …; by mode and energy of the notes if empty")
    most: int = Field(default=4, ge=1, le=1000, description="windows of a song, at most; drawn from equal parts of it")
    shortest: float = Field(default=0.75, gt=0, le=1, description="share of `seconds` that a window has, at least")
    fewest_notes: int = Field(default=8, ge=1, description="onsets in a window, at least")
    fewest_mapped: int = Field(default=4, ge=1, description="onsets that move something, at least")
    fewest_drums: int = Field(default=0, ge=0, description="different drums that are struck, at least")
    sparsest: float = Field(default=0.5, ge=0, description="moments per second at which notes begin, at least")
    densest: float = Field(default=25.0, gt=0, description="moments per second at which notes begin, at most")
    on_grid: float = Field(default=0.0, ge=0, le=1, description="share of these moments on the grid of the music, at least")
    longest_gap: float = Field(default=4.0, gt=0, description="seconds without an onset, at most")
    silence: float = Field(default=0.5, ge=0, le=1, description="share of the time in which nothing sounds, at most")

    @field_validator("width", "height")
    @classmethod
    def _even(cls, side: int) -> int:
        if side % 2:
            msg = "pictures have an even number of pixels each way"
            raise ValueError(msg)
        return side


def _contents(settings: MapVideo) -> Mapping[str, str]:
    """The mapping by content; what is wrong with it, or with theme and mood, is told before work begins."""
    from motet.video import mapping, themes

    read = mapping.read(settings.mapping)
    themes.check(settings.theme or None, settings.mood or None)
    return {"mapping": read.digest}


@stage(
    version=2,
    uses=[
        "take", "audio", "rate", "frames", "stem_indices", "sounds", "licences",
        "midi_facts.section_ticks",
        "stems.index", "stems.take", "stems.midi", "stems.silent", "stems.role",
    ],
    draws=True,
    timeout=120,
    libraries=["symusic", "numpy"],
    contents=_contents,
)  # fmt: skip
def map_video(
    mix: Mix, facts: MidiFacts | None, stems: list[Stem], settings: MapVideo, tools: Tools
) -> Iterator[VideoPlan] | Drop:
    heard = [stem for stem in stems if stem.take == mix.take and not stem.silent and stem.index in mix.stem_indices]
    heard.sort(key=lambda stem: stem.index)
    if not heard:
        return Drop("no_notes", "nothing is heard")
    try:
        return iter(list(_plans(mix, facts, heard, settings, tools)))
    except (VideoError, midi.Unreadable) as error:
        return Drop(error.reason, error.detail)


def _plans(mix: Mix, facts: MidiFacts | None, heard: list[Stem], settings: MapVideo, tools: Tools) -> Iterator[VideoPlan]:
    from motet.video import mapping, parseq, windows

    notes = [tools.media.read(stem.midi) for stem in heard]
    parts = [midi.read(data) for data in notes]
    score = midi.together(parts)
    roles = [stem.role for stem, part in zip(heard, parts, strict=True) for _ in part.symusic.tracks]
    rules = mapping.read(settings.mapping)
    sounding = mix.frames / mix.rate
    found = [one for one in windows.windows(score, settings.seconds) if one.start < sounding]
    chosen = windows.choose(
        score,
        found,
        windows.Limits(
            shortest=settings.shortest,
            fewest_notes=settings.fewest_notes,
            fewest_mapped=settings.fewest_mapped,
            fewest_drums=settings.fewest_drums,
            sparsest=settings.sparsest,
            densest=settings.densest,
            on_grid=settings.on_grid,
            longest_gap=settings.longest_gap,
            silence=settings.silence,
            most=settings.most,
        ),
        seconds=settings.seconds,
        random=tools.random,
        mapped=mapping.mapped(score, roles, rules),
    )
    for index, (window, _) in enumerate(chosen.kept):
        told = _told(score, window, settings)
        manifest = mapping.plan(
            score,
            roles,
            window,
            rules,
            fps=Fraction(settings.fps),
            size=(settings.width, settings.height),
            theme=settings.theme or None,
            mood=told["mood"],
            key=told["key"],
            tempo=told["tempo"],
            turns=facts.section_ticks if facts else (),
            random=Random(tools.random.getrandbits(64)),
        )
        own = manifest["motet"]
        yield VideoPlan(
            index=index,
            take=mix.take,
            midi=tools.media.write(midi.cut(notes, window.start_tick, window.end_tick), ".mid"),
            audio=mix.audio,
            rate=mix.rate,
            start_frame=round(window.start * mix.rate),
            end_frame=min(round(window.end * mix.rate), mix.frames),
            start=window.start,
            end=window.end,
            start_tick=window.start_tick,
            end_tick=window.end_tick,
            first_bar=window.first_bar + 1,
            bars=window.bars,
            mapping=rules.name,
            theme=own["theme"],
            mood=told["mood"],
            prompt=manifest["prompts"]["promptList"][0]["positive"],
            key=told["key"],
            tempo=told["tempo"],
            metre=told["metre"],
            fps=settings.fps,
            frames=len(manifest["rendered_frames"]),
            width=settings.width,
            height=settings.height,
            events=len(own["events"]),
            notes=len(own["events"]) + len(own["notes"]),
            seed=own["seed"],
            manifest=tools.media.write(parseq.dump(manifest), ".json"),
            sounds=mix.sounds,
            licences=mix.licences,
        )


def _told(score: midi.Score, window: Window, settings: MapVideo) -> dict[str, Any]:
    """What colours the film: key, metre and tempo of the window, and a mood."""
    from motet.video import moods

    passage = midi.Passage(score, window.start_tick, window.end_tick)
    key = midi.key(passage)
    clock = score.tempo_map
    metres = {clock.metre_at(int(line)) for line in clock.bar_lines(window.end_tick - 1) if line >= window.start_tick}
    top, bottom = clock.metre_at(window.start_tick)
    return {
        "key": key.name if key else None,
        "tempo": round(midi.pulse(clock, window.start_tick, window.end_tick).mean, 3),
        "metre": f"{top}/{bottom}" if len(metres) <= 1 else "",
        "mood": settings.mood or moods.of(passage, key),
    }
