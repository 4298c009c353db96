"""Changes of a clip: drawn, written down, and undone on paper."""

from __future__ import annotations

import math
import random as dice
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from motet.errors import UserError
from motet.film.errors import FilmError

__all__ = ["Change", "Kind", "check_change", "draw_changes"]

Kind = Literal["stretch", "transpose", "dialogue", "gain", "crop", "flip", "retime"]

RANGES: dict[str, dict[str, tuple[float, float]]] = {
    "stretch": {"factor": (0.5, 2.0)},
    "transpose": {"semitones": (-12, 12)},
    "dialogue": {"level_db": (-60.0, 40.0), "at": (0.0, 900.0)},
    "gain": {"db": (-60.0, 24.0)},
    "crop": {"left": (0.0, 0.95), "top": (0.0, 0.95), "width": (0.05, 1.0), "height": (0.05, 1.0)},
    "flip": {},
    "retime": {"fps": (1.0, 240.0)},
}
RATES = (12.0, 15.0, 20.0, 24.0, 25.0, 30.0)


@dataclass(frozen=True)
class Change:
    """One change of a clip's picture, sound, recording and MIDI together, and what undoes it.

    - `stretch`: `factor`. All of it lasts so many times as long; sounds keep their pitch, pictures their rate. A moment t is
      at t x factor. Undone by 1 / factor.
    - `transpose`: `semitones`. Sound and recording (drums with them) and the MIDI's notes (but drums) are so much higher.
      Undone by -semitones; keys beyond 0-127 moved by octaves.
    - `dialogue`: `level_db`, `at`. Given speech is mixed under the film's sound from second `at` on, so loud against it (RMS
      over the seconds in which both sound). `gain` is told when it is done. Undone by subtracting the speech times `gain`.
    - `gain`: `db`. Sound and recording are so much louder; nothing is clipped. Undone by -db.
    - `crop`: `left`, `top`, `width`, `height`, shares of the picture; `x`, `y`, `across`, `down` in pixels are told when it is
      done. Undone by placing the picture at (x, y); what was outside is lost.
    - `flip`: `axis`, "horizontal" (left and right change places). Undone by itself.
    - `retime`: `fps`. The picture has another rate, and lasts as long; each picture is the last that was shown at its moment.
      `was` is told when it is done. Undone by the rate `was`; pictures that were left out are lost.
    """

    kind: Kind
    values: dict[str, float | str]

    def number(self, name: str) -> float:
        """A value that is a number."""
        value = self.values[name]
        assert not isinstance(value, str)
        return float(value)


def check_change(change: Change) -> None:
    """Raises FilmError `bad_change` for an unknown kind, and for values that are missing or out of range."""
    if change.kind not in RANGES:
        raise FilmError("bad_change", f"there is no change {change.kind!r}")
    for name, (low, high) in RANGES[change.kind].items():
        value = change.values.get(name)
        if isinstance(value, str) or value is None or not math.isfinite(value) or not low <= value <= high:
            raise FilmError("bad_change", f"{change.kind} needs {name} from {low:g} to {high:g}, not {value}")
    if change.kind == "transpose" and change.number("semitones") % 1:
        raise FilmError("bad_change", f"MIDI cannot be transposed by {change.values['semitones']} semitones")
    if change.kind == "flip" and change.values.get("axis") != "horizontal":
        raise FilmError("bad_change", f"a picture cannot be flipped along {change.values.get('axis')!r}")
    if change.kind == "crop":
        for begin, length in (("left", "width"), ("top", "height")):
            if change.number(begin) + change.number(length) > 1 + 1e-9:
                raise FilmError("bad_change", f"a crop from {change.values[begin]} on cannot be {change.values[length]} long")


def draw_changes(random: dice.Random, wanted: Sequence[str]) -> list[Change]:
    """One change of each wanted kind, in their order, drawn as moderately as augmentation usually is.

    Speech is -12 to 0 dB against the music, a stretch 0.9 to 1.1, a transposition 1 to 4 semitones up or down, a crop keeps
    80 to 95 % of each side. Each kind has draws of its own: one more behind the others changes none before it.
    Raises UserError for a kind that there is not.
    """
    changes = []
    for kind in wanted:
        if kind not in RANGES:
            raise UserError(f"there is no change {kind!r}; there are: {', '.join(get_args(Kind))}")
        changes.append(Change(kind, _drawn(kind, dice.Random(random.getrandbits(64)))))  # type: ignore[arg-type]
    return changes


def _drawn(kind: str, own: dice.Random) -> dict[str, float | str]:
    if kind == "stretch":
        return {"factor": round(1.1 ** own.uniform(-1, 1), 4)}
    if kind == "transpose":
        return {"semitones": float(own.choice((-4, -3, -2, -1, 1, 2, 3, 4)))}
    if kind == "dialogue":
        return {"level_db": round(own.uniform(-12, 0), 1), "at": round(own.uniform(0, 2), 3)}
    if kind == "gain":
        return {"db": round(own.uniform(-9, 3), 1)}
    if kind == "crop":
        width, height = round(own.uniform(0.8, 0.95), 4), round(own.uniform(0.8, 0.95), 4)
        left, top = math.floor(own.random() * (1 - width) * 1e4) / 1e4, math.floor(own.random() * (1 - height) * 1e4) / 1e4
        return {"left": left, "top": top, "width": width, "height": height}
    if kind == "flip":
        return {"axis": "horizontal"}
    return {"fps": own.choice(RATES)}
