"""The role a part has in its song, and how loud a mix wants it for that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from motet.midi.general_midi import family

__all__ = ["LOUDNESS", "balance", "role"]

LOUDNESS: Mapping[str, float] = {
    "melody": -18.0, "drums": -19.0, "bass": -20.0, "chords": -22.0, "other": -23.0, "pad": -24.0,
}  # fmt: skip
"""LUFS of each role before the mix's own gain: only their differences are heard. A choice of ours, not a measurement."""

# What an instrument mostly does, where nothing is known of how it plays.
_USUALLY = {
    "bass": "bass", "piano": "chords", "guitar": "chords", "organ": "chords", "ensemble": "pad", "synth pad": "pad",
    "brass": "melody", "reed": "melody", "pipe": "melody", "synth lead": "melody",
}  # fmt: skip


def role(program: int, is_drum: bool, before: int = 0, told: Iterable[tuple[int, bool, str]] = ()) -> str:
    """A part's role: drums, or one of melody, bass, chords, pad and other.

    `told` are program, drums or not, and role of the song's instruments in order, `before` how many parts of this program come
    before this one. What is not told is what instruments of the family usually do.
    """
    if is_drum:
        return "drums"
    roles = [said for number, drums, said in told if number == program and not drums]
    return roles[before] if before < len(roles) else _USUALLY.get(family(program), "other")


def balance(role: str, lufs: float | None, volume_db: float, wanted: Mapping[str, float] = LOUDNESS, most: float = 12.0) -> float:
    """dB that bring a stem of that loudness to its role's, louder or softer as the part itself asks by `volume_db`.

    At most `most` either way; a stem without a loudness stays as it is.
    """
    if lufs is None:
        return 0.0
    return min(max(wanted[role] + volume_db - lufs, -most), most)
