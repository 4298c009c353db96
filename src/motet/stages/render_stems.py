"""Parts become stems: each instrument played alone with what a rack gives it, on the song's clock, in as many takes as asked."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from random import Random
from typing import Any, ClassVar, Literal

from pydantic import Field

from motet import render
from motet.dataset.rows import Part, Stem
from motet.errors import UserError
from motet.render.plugins import Quarantine
from motet.run import Drop, Settings, Tools, stage
from motet.run.stage import Cost


class RenderStems(Settings):
    # What they name is in the key by content, wherever it lies.
    no_effect: ClassVar[frozenset[str]] = frozenset(("rack", "font", "synth"))

    rack: str = Field(default="default", description="what plays: the name of a ready rack, or a rack file")
    synth: str = Field(default=render.DEFAULT_SYNTH, description="the engine that plays SoundFonts for which the rack names none")
    font: str = Field(default="auto", description="the SoundFont of instruments whose font is auto; auto takes MOTET_SOUNDFONT, "
                      "or the one that came along")  # fmt: skip
    rate: int = Field(default=44100, ge=8000, le=192000, description="samples per second")
    channels: Literal[1, 2] = Field(default=2, description="1 for mono, 2 for stereo")
    format: render.Format = Field(default="flac", description="flac, wav, ogg, opus or mp3; only the first two lose nothing")
    takes: int = Field(default=1, ge=1, le=100, description="renderings of each song, each with its own draws")
    transpose: int = Field(default=0, ge=0, le=24, description="semitones that takes after the first are moved by, at most")
    tempo: float = Field(
        default=0.0, ge=0, le=0.5, description="share by which takes after the first are faster or slower, at most"
    )


def _rack(settings: RenderStems) -> render.Rack:
    return render.read_rack(settings.rack, font=settings.font, synth=settings.synth)


def _contents(settings: RenderStems) -> Mapping[str, str]:
    """Everything the rack names, by content. What is missing or cannot be used is told before work begins."""
    try:
        render.check_encoding(settings.format, settings.rate)
        return render.tried(_rack(settings), Quarantine.of_this_machine())
    except render.RenderError as error:
        raise UserError(f"{error.detail.rstrip('.')}.") from None


def _draws(settings: RenderStems) -> bool:
    return settings.takes > 1 or not _rack(settings).fixed


def _load(settings: RenderStems) -> render.Player:
    return render.Player(_rack(settings), settings.rate, Quarantine.of_this_machine())


def _cost(part: Mapping[str, float], settings: RenderStems) -> Cost:
    # Measured: a stereo stream of FLAC takes about 1.2 bits a sample bit; the first part carries the mix as well.
    streams = (2 if part["index"] == 0 else 1) * settings.takes
    seconds = part["last_off"] + 2
    share = {"flac": 0.35, "wav": 1.0}.get(settings.format, 0.15)
    return Cost(seconds=seconds / 80 * streams, media_bytes=seconds * settings.rate * 2 * settings.channels * share * streams)


@stage(
    version=3,
    uses=["index", "midi", "last_off", "program", "is_drum", "role"],
    draws=_draws,
    timeout=600,
    libraries=["soundfile", "numpy", "scipy"],
    contents=_contents,
    setup=_load,
    cost=_cost,
)
def render_stems(part: Part, settings: RenderStems, tools: Tools) -> Iterator[Stem] | Drop:
    player: render.Player = tools.equipment
    midi = tools.media.read(part.midi)
    who = render.Who(part.program, part.is_drum, part.role)
    stems = []
    for take in render.takes(settings.takes, settings.transpose, settings.tempo, tools.song_random):
        dice = Random(tools.random.getrandbits(64))
        try:
            # The sound is given no name, so that nothing keeps hold of it: there is room for one at a time.
            stems.append(_stem(part, take, player.play(midi, who, take, dice), settings, tools))
        except render.SynthError as error:  # no part's fault, and every part's
            raise UserError(f"{error.detail.rstrip('.')}.") from None
        except render.RenderError as error:  # the part's own fault, or no instrument can: it would be the same again
            return Drop(error.reason, error.detail)
    return iter(stems)


def _stem(part: Part, take: render.Take, played: render.Played, settings: RenderStems, tools: Tools) -> Stem:
    audio = render.mono(played.audio) if settings.channels == 1 else played.audio
    peak = max(float(audio.max()), -float(audio.min())) if audio.size else 0.0
    stored = render.stored_gain(audio)
    file = render.encode(audio, settings.rate, format=settings.format, gain_db=-stored)
    sound = played.patch.sound
    return Stem(
        index=part.index,
        take=take.number,
        midi=tools.media.write(played.midi, ".mid"),
        audio=tools.media.write(file, f".{settings.format}"),
        rate=settings.rate,
        channels=settings.channels,
        frames=len(audio),
        stored_gain_db=stored,
        peak_db=round(20 * math.log10(peak), 3) if peak else None,
        lufs=None if played.lufs is None else round(played.lufs, 3),
        silent=played.hearing.silent,
        role=part.role,
        kind=played.kind,
        volume_db=played.volume_db,
        transpose=take.transpose,
        speed=take.speed,
        timing_ms=played.variation.timing_ms,
        velocity_spread=played.variation.velocity,
        seed=played.seed,
        patch=played.patch.to_json(),
        repeatable=played.repeatable,
        instead_of=list(played.instead_of),
        sound=sound.file,
        licence=sound.licence,
        sounds_like=played.patch.sounds_like,
        effects=[effect.name for effect in played.patch.effects],
        heard=json.dumps({name: _rounded(value) for name, value in asdict(played.hearing).items()}),
    )


def _rounded(value: Any) -> Any:
    """Measures to a digit that means something: the last bits are the processor's."""
    return round(value, 5) if isinstance(value, float) else value
