"""Any kit's notes as the strokes of one standard kit, so that a mapping may name what is hit.

The notes 35 to 81 are those of General MIDI level 1, 27 to 34 and 82 to 87 those of General MIDI 2 and Roland's GS. What else
kits have lies where electronic drums send it: the edges of hi-hats on 22 and 26.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DRUMS", "NOTES", "drum"]

DRUMS = (
    "kick", "snare", "rim", "clap", "closed hat", "pedal hat", "open hat", "low tom", "mid tom", "high tom", "crash", "ride",
    "cowbell", "tambourine", "shaker", "percussion",
)  # fmt: skip

NOTES: Mapping[str, int] = {
    "kick": 36, "snare": 38, "rim": 37, "clap": 39, "closed hat": 42, "pedal hat": 44, "open hat": 46, "low tom": 45,
    "mid tom": 47, "high tom": 50, "crash": 49, "ride": 51, "cowbell": 56, "tambourine": 54, "shaker": 70, "percussion": 76,
}  # fmt: skip
"""The General MIDI note that stands for each drum."""

_SOUNDS: Mapping[str, tuple[int, ...]] = {
    "kick": (35, 36),
    "snare": (38, 40),
    "rim": (31, 33, 37),  # sticks, metronome, side stick
    "clap": (28, 39),  # slap, hand clap
    "closed hat": (22, 42),
    "pedal hat": (44,),
    "open hat": (26, 46),
    "low tom": (41, 43, 45, 64, 66, 86, 87),  # low conga, low timbale, surdos
    "mid tom": (47, 48, 61, 62, 63, 65),  # low bongo, high congas, high timbale
    "high tom": (50, 60),
    "crash": (49, 52, 55, 57),  # with Chinese and splash cymbals
    "ride": (51, 53, 59),
    "cowbell": (56, 67, 68),  # with agogos
    "tambourine": (54, 83),  # jingle bell
    "shaker": (69, 70, 73, 74, 82),  # cabasa, maracas, guiros
}
_OF_NOTE = {note: name for name, notes in _SOUNDS.items() for note in notes}

_ORCHESTRA = 48
# Roland's orchestra kit lays other sounds on these notes; 41 to 53 are timpani from F to F.
_IN_ORCHESTRA: Mapping[int, str] = {
    27: "closed hat", 28: "pedal hat", 29: "open hat", 30: "ride", 35: "kick", 36: "kick", 37: "rim", 38: "snare",
    39: "percussion", 40: "snare", **dict.fromkeys(range(41, 46), "low tom"), **dict.fromkeys(range(46, 50), "mid tom"),
    **dict.fromkeys(range(50, 54), "high tom"), 57: "crash", 59: "crash",
}  # fmt: skip


def drum(note: int, kit: int = 0) -> str:
    """The drum of `DRUMS` that a note (0-127) of a kit strikes; "percussion" for all that a standard kit lacks.

    `kit` is the program of the drum channel: of Roland's kits only the orchestra's (48) lays drums elsewhere.
    """
    if kit == _ORCHESTRA and note in _IN_ORCHESTRA:
        return _IN_ORCHESTRA[note]
    return _OF_NOTE.get(note, "percussion")
