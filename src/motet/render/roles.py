"""The role a part has in its song, and how loud a mix wants it for that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from motet.midi.general_midi import family

__all__ = ["LOUDNESS", "balance", "roles"]

LOUDNESS: Mapping[str, float] = {
    "melody": -18.0, "drums": -19.0, "bass": -20.0, "chords": -22.0, "other": -23.0, "pad": -24.0,
}  # fmt: skip
"""LUFS of each role before the mix's own gain: only their differences are heard. A choice of ours, not a measurement."""

# What an instrument mostly does, where nothing is known of how it plays.
_USUALLY = {
    "bass": "bass", "piano": "chords", "guitar": "chords", "organ": "chords", "ensemble": "pad", "synth pad": "pad",
    "brass": "melody", "reed": "melody", "pipe": "melody", "synth lead": "melody",
}  # fmt: skip


def roles(parts: Sequence[tuple[int, bool]], told: Iterable[tuple[int, bool, str]] = ()) -> list[str]:
    """The roles of a song's parts, each given as its program and whether it is drums: drums, melody, bass, chords, pad or other.

    `told` are program, drums or not, and role of the song's instruments in order: of several parts of one program the first has
    the first one's role. What is not told is what instruments of the family usually do.
    """
    waiting: dict[int, list[str]] = {}
    for program, is_drum, said in told:
        if not is_drum:
            waiting.setdefault(program, []).append(said)
    found = []
    for program, is_drum in parts:
        known = waiting.get(program)
        found.append("drums" if is_drum else known.pop(0) if known else _USUALLY.get(family(program), "other"))
    return found


def balance(role: str, lufs: float | None, volume_db: float, wanted: Mapping[str, float] = LOUDNESS, most: float = 12.0) -> float:
    """dB that bring a stem of that loudness to its role's, louder or softer as the part itself asks by `volume_db`.

    At most `most` either way; a stem without a loudness stays as it is.
    """
    if lufs is None:
        return 0.0
    return min(max(wanted[role] + volume_db - lufs, -most), most)
