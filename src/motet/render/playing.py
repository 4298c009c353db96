"""A part played: drawn from a rack, through synth or plug-in and effects, to a buffer and the record of how it came about."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from motet import midi as notation
from motet.render import effects, plugins
from motet.render.errors import FontError, RenderError
from motet.render.fonts import find
from motet.render.hearing import Fault, Hearing, Kind, hear, judge, kind_of, struck
from motet.render.loudness import integrated_loudness
from motet.render.patch import Effect, Line, Patch
from motet.render.rack import Rack, Who
from motet.render.synths import Audio, Synth, load
from motet.render.takes import Take
from motet.render.timeline import read

__all__ = ["Played", "Player", "faults", "mono", "tried"]

DEFAULT_LEVEL = (100 / 127) ** 2  # of a channel that nobody set (General MIDI 2, sections 3.3.1 and 3.3.7)
QUIETEST, LOUDEST = -24.0, 6.0  # what a part's own volume may make of it, dB
ECHOING = frozenset(("delay", "reverb", "chorus", "phaser"))
OF_ECHOES = frozenset(("onsets_extra", "too_long", "early"))


@dataclass(frozen=True, eq=False)
class Played:
    """A part's sound in one take, and all that made it.

    `audio` (frames, 2), full scale 1.0, which it may exceed. `midi`, which `variation` and `seed` made of the part, and `patch`
    give it again, byte for byte if `repeatable`.
    `instead_of` tells what was drawn before `patch` and why it could not play, and which effects could not. `lufs` is its
    integrated loudness, None where it has none; `volume_db` what the part's own volume and expression ask above the default.
    """

    audio: Audio
    midi: bytes
    variation: notation.Variation
    seed: int
    patch: Patch
    instead_of: tuple[str, ...]
    repeatable: bool
    kind: Kind
    hearing: Hearing
    lufs: float | None
    volume_db: float


class Player:
    """Plays with the instruments of a rack. Fonts are loaded once; plug-ins live in a child process that may die.

    With a quarantine, a plug-in that is condemned there is not run. What a plug-in does to one part condemns it for no other:
    what plays hangs on the part alone.
    """

    def __init__(self, rack: Rack, sample_rate: int = 44100, quarantine: plugins.Quarantine | None = None) -> None:
        self.rack = rack
        self.sample_rate = sample_rate
        self.host = plugins.Host(quarantine=quarantine, condemns=False)
        self._synths: dict[tuple[str, str], Synth] = {}
        self._plugins: dict[str, plugins.Plugin] = {}

    def __enter__(self) -> Player:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.host.close()

    def play(self, midi: bytes, who: Who, take: Take, dice: random.Random) -> Played:
        """The part as the rack's dice have it in a take.

        An instrument that cannot play it makes way for the next that was drawn. Raises RenderError: the part's own fault, or what
        the last instrument said when none could.
        """
        if self.rack.heeds_banks:
            who = replace(who, bank=_bank(midi))
        draw = self.rack.draw(who, random.Random(dice.getrandbits(64)))
        variation = take.by_hand(draw.timing_ms, draw.velocity)
        return self._played(midi, variation, dice.getrandbits(63), draw.patches, kind_of(who.program, who.is_drum))

    def again(self, midi: bytes, variation: notation.Variation, seed: int, patch: Patch, kind: Kind) -> Played:
        """The part as it was played before. Raises RenderError as `play` does, and `not_in_rack` for a file the rack lacks."""
        return self._played(midi, variation, seed, (patch,), kind)

    def _played(self, midi: bytes, variation: notation.Variation, seed: int, patches: tuple[Patch, ...], kind: Kind) -> Played:
        varied = notation.vary(midi, variation, random.Random(seed))
        audio, patch, instead_of = self._first_that_plays(varied, patches)
        notes = struck(varied, self.sample_rate)
        return Played(
            audio=audio,
            midi=varied,
            variation=variation,
            seed=seed,
            patch=patch,
            instead_of=instead_of,
            repeatable=_repeatable(patch),
            kind=kind,
            hearing=hear(audio, self.sample_rate, notes, kind),
            lufs=integrated_loudness(audio, self.sample_rate),
            volume_db=_volume(notes.level),
        )

    def through(self, audio: Audio, effect: Effect) -> Audio:
        """`audio` (frames, 2) through one effect. Raises RenderError."""
        if effect.file:
            return self.host.process(
                self._plugin(effect.sha256), effect.engine, audio, self.sample_rate, parameters=effect.parameters
            )
        return effects.apply([effect], audio, self.sample_rate)

    def _first_that_plays(self, midi: bytes, patches: tuple[Patch, ...]) -> tuple[Audio, Patch, tuple[str, ...]]:
        problems: list[str] = []
        for left, patch in zip(range(len(patches), 0, -1), patches, strict=True):
            try:
                dry = self._dry(midi, patch)
            except (FontError, plugins.PluginError) as error:  # what is wrong with the part itself is another kind
                problems.append(f"{patch.instrument}: {error.reason}: {error.detail}")
                if left == 1:
                    raise
                continue
            audio, used, lost = self._through(dry, patch)
            return _placed(audio, used), used, (*problems, *lost)
        raise RenderError("no_instrument", f"the rack {self.rack.name} has no instrument for this part")

    def _dry(self, midi: bytes, patch: Patch) -> Audio:
        sound = patch.sound
        if sound.engine in plugins.ENGINES:
            plugin = self._plugin(sound.sha256)
            preset = Path(self.rack.where(sound.preset_sha256)) if sound.preset_sha256 else None
            return self.host.play(plugin, sound.engine, midi, self.sample_rate, preset=preset, parameters=sound.parameters)
        key = sound.engine, sound.sha256
        if key not in self._synths:
            font = find(self.rack.where(sound.sha256))
            self._synths[key] = load(font, self.sample_rate, synth=sound.engine)
        (audio,) = self._synths[key].render([Line(midi, sound.preset)])
        return audio

    def _plugin(self, sha256: str) -> plugins.Plugin:
        if sha256 not in self._plugins:
            self._plugins[sha256] = plugins.find(self.rack.where(sha256))
        return self._plugins[sha256]

    def _through(self, audio: Audio, patch: Patch) -> tuple[Audio, Patch, list[str]]:
        """The sound behind its effects, the patch as far as it could be followed, and what could not."""
        problems: list[str] = []
        lost: list[Effect] = []

        def hosted(effect: Effect, dry: Audio, sample_rate: int) -> Audio:
            try:
                return self.through(dry, effect)
            except plugins.PluginError as error:
                problems.append(f"{effect.name}: {error.reason}: {error.detail}")
                lost.append(effect)
                return dry

        audio = effects.apply(patch.effects, audio, self.sample_rate, hosted)
        return audio, replace(patch, effects=tuple(one for one in patch.effects if one not in lost)), problems


def _repeatable(patch: Patch) -> bool:
    """Plug-ins may have a will of their own; fonts and the effects that came along have none."""
    return patch.sound.engine not in plugins.ENGINES and not any(effect.file for effect in patch.effects)


def tried(rack: Rack, quarantine: plugins.Quarantine) -> dict[str, str]:
    """The contents of `rack` (see `Rack.contents`), and the verdict of each plug-in's trial, held now if it was not before."""
    engines = {one.file.sha256: one.engine for one in rack.instruments if one.engine in plugins.ENGINES}
    engines |= {entry.file.sha256: entry.engine for rule in rack.effects for entry in (*rule.always, *rule.chain) if entry.file}
    told = rack.contents()
    for sha256, engine in engines.items():
        plugin = plugins.find(rack.where(sha256))
        told[f"trial of {plugin.name} {sha256[:8]}"] = plugins.verdict(plugin, engine, quarantine) or "passed"
    return told


def faults(hearing: Hearing, kind: Kind, patch: Patch) -> tuple[Fault, ...]:
    """What is wrong with a stem played with `patch`. Echoes are onsets that no note has, before the next and after the last."""
    echoing = any(effect.name in ECHOING or effect.file for effect in patch.effects)
    return tuple(fault for fault in judge(hearing, kind) if not (echoing and fault.reason in OF_ECHOES))


def mono(audio: Audio) -> Audio:
    """(frames, 2) as (frames, 1): half of each side."""
    halves: Audio = audio @ np.array([[0.5], [0.5]], np.float32)
    return halves


def _placed(audio: Audio, patch: Patch) -> Audio:
    """Gain, then pan: the side away from it gets softer."""
    factor = 10 ** (patch.gain_db / 20)
    sides = np.array([factor * min(1.0, 1.0 - patch.pan), factor * min(1.0, 1.0 + patch.pan)], np.float32)
    if (sides == 1).all():
        return audio
    return audio * sides


def _bank(midi: bytes) -> int:
    """The bank (controller 0) in which the part finds its sound."""
    bank = 0
    for event in read(midi, 8000):
        if event.status & 0xF0 == 0xB0 and event.first == 0:
            bank = event.second
        elif event.status & 0xF0 == 0x90:
            break
    return bank


def _volume(levels: npt.NDArray[np.float32]) -> float:
    """dB above the default at which half of the notes are played."""
    if not len(levels):
        return 0.0
    middle = float(np.median(levels))
    return round(min(max(20 * math.log10(max(middle, 1e-6) / DEFAULT_LEVEL), QUIETEST), LOUDEST), 2)
