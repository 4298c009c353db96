"""A whole MIDI file rendered: its parts played one after another, kept in files, and mixed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from motet import midi as notation
from motet.midi import Variation
from motet.render.encoding import Format, encode, pieces
from motet.render.errors import RenderError
from motet.render.hearing import Fault, Hearing, Kind, kind_of
from motet.render.mixing import Mix, mix, stored_gain
from motet.render.patch import Patch
from motet.render.playing import Played, Player, faults, mono
from motet.render.rack import Who
from motet.render.record import Record
from motet.render.roles import balance, roles
from motet.render.takes import Take

__all__ = ["KeptStem", "Rendering", "render_song"]


@dataclass(frozen=True)
class KeptStem:
    """A part's sound in a take, in a file: times 10^(gain_db/20) it is what the mix holds of it, the mix's own gain included.

    Times 10^(stored_gain_db/20) it is what was played, of which `lufs` and `hearing` tell.
    """

    index: int
    name: str
    role: str
    kind: Kind
    file: Path
    gain_db: float
    stored_gain_db: float
    midi: bytes
    variation: Variation
    seed: int
    patch: Patch
    instead_of: tuple[str, ...]
    repeatable: bool
    lufs: float | None
    hearing: Hearing
    faults: tuple[Fault, ...]

    def record(self) -> dict[str, Any]:
        """All that gives this stem again, and what was heard of it, as JSON can hold it."""
        return {
            "index": self.index,
            "name": self.name,
            "role": self.role,
            "kind": self.kind,
            "gain_db": self.gain_db,
            "stored_gain_db": self.stored_gain_db,
            "variation": asdict(self.variation),
            "seed": self.seed,
            "patch": asdict(self.patch),
            "instead_of": list(self.instead_of),
            "repeatable": self.repeatable,
            "lufs": self.lufs,
            "heard": asdict(self.hearing),
            "faults": [asdict(fault) for fault in self.faults],
        }


@dataclass(frozen=True)
class Rendering:
    """One take of a song. `left_out` names the parts that nothing in the rack could play, with the reason."""

    take: Take
    mix: Mix
    stems: tuple[KeptStem, ...]
    left_out: tuple[tuple[str, str], ...]


def render_song(
    data: bytes,
    player: Player,
    folder: Path,
    takes: Sequence[Take],
    seed: int = 0,
    *,
    record: Record | None = None,
    channels: Literal[1, 2] = 2,
    format: Format = "flac",
    target_lufs: float = -14.0,
) -> Iterator[Rendering]:
    """Each take of the MIDI file `data`, its stems in files in `folder`: memory holds one stem, then one mix.

    Equal `seed`, rack and file give equal renderings; with a `record` (of this file: see `Record.of`), every part is played as
    it says instead.
    Raises `motet.midi.Unreadable`, and RenderError when nothing can be played.
    """
    parts = notation.split(data)
    described = notation.describe(notation.Passage.whole(notation.read(data)))
    told = [(one.program, one.is_drum, one.role) for one in described.instruments]
    part_roles = roles([(part.program, part.is_drum) for part in parts], told)
    for take in takes:
        stems, left_out = [], []
        for part, part_role in zip(parts, part_roles, strict=True):
            who = Who(part.program, part.is_drum, part_role)
            place = folder / f"take {take.number}"
            try:
                # Given no name, so that nothing keeps hold of the sound: there is room for one at a time.
                stems.append(
                    _kept(
                        part,
                        part_role,
                        _played(part, who, take, player, seed, record),
                        place,
                        player.sample_rate,
                        channels,
                        format,
                    )
                )
            except RenderError as error:
                if record:  # it was played before: without it this is another mix
                    raise RenderError(error.reason, f"{part.name} cannot be played as recorded: {error.detail}") from None
                left_out.append((part.name, error.detail))
        if not stems:
            raise RenderError("nothing_plays", left_out[0][1] if left_out else "no part has notes")
        yield _mixed(take, stems, left_out, player.sample_rate, channels, target_lufs)


def _played(part: notation.Part, who: Who, take: Take, player: Player, seed: int, record: Record | None) -> Played:
    if not record:
        return player.play(part.midi, who, take, random.Random(f"{seed} {take.number} {part.index}"))
    if (take.number, part.index) not in record.parts:
        raise RenderError("not_recorded", "the record does not have this part")
    return player.again(part.midi, *record.parts[take.number, part.index], kind_of(who.program, who.is_drum))


def _kept(
    part: notation.Part, role: str, played: Played, folder: Path, sample_rate: int, channels: int, format: Format
) -> KeptStem:
    audio = mono(played.audio) if channels == 1 else played.audio
    stored = stored_gain(audio)
    file = folder / f"{part.file_name}.{format}"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_bytes(encode(audio, sample_rate, format, gain_db=-stored))
    return KeptStem(
        index=part.index,
        name=part.name,
        role=role,
        kind=played.kind,
        file=file,
        stored_gain_db=stored,
        gain_db=round(stored + balance(role, played.lufs, played.volume_db), 3),
        midi=played.midi,
        variation=played.variation,
        seed=played.seed,
        patch=played.patch,
        instead_of=played.instead_of,
        repeatable=played.repeatable,
        lufs=played.lufs,
        hearing=played.hearing,
        faults=faults(played.hearing, played.kind, played.patch),
    )


def _mixed(
    take: Take,
    stems: list[KeptStem],
    left_out: list[tuple[str, str]],
    sample_rate: int,
    channels: Literal[1, 2],
    target_lufs: float,
) -> Rendering:
    mixed = mix(
        (pieces(stem.file) for stem in stems),
        [stem.gain_db for stem in stems],
        sample_rate=sample_rate,
        channels=channels,
        target_lufs=target_lufs,
    )
    at_level = tuple(replace(stem, gain_db=round(stem.gain_db + mixed.gain_db, 3)) for stem in stems)
    return Rendering(take, mixed, at_level, tuple(left_out))
