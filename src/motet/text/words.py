"""When a musical word is true: the one table of thresholds for words about tempo, density, register, place and time.

Borders of tempo words lie where the Italian markings on metronomes do, and overlap as usage does. A writer uses a word inside
its range; a reader who judges a text widens every range by 5 % at both ends.
"""

from __future__ import annotations

from dataclasses import dataclass

WIDENED = 0.05  # of a border, for a reader's judgement
SURE = 0.75  # least confidence of a key, a role, a metre, a swing or an articulation that is put in words
SURE_TEMPO = 0.6  # of a tempo
SURE_TAG = 0.6  # of a tag
FEW_NOTES = 4  # an instrument with fewer notes in a clip is not named: one may well not hear it

FROM_START = 0.05  # of the clip: who enters by then plays from the start
THROUGHOUT, THROUGHOUT_FROM = 0.8, 0.1  # presence at least, and who enters by then
HALFWAY = (0.4, 0.6)  # of the clip
TOWARDS_END = 2 / 3
SMALL_ENSEMBLE = (2, 6)  # instruments
GROUPS = {2: "duo", 3: "trio", 4: "quartet", 5: "quintet", 6: "sextet"}
SWUNG = (1.4, 2.8)  # long eighth over short one


@dataclass(frozen=True, slots=True)
class Range:
    """Values from `low` to before `high` (None: no border)."""

    low: float | None
    high: float | None

    def holds(self, value: float, widened: float = 0.0) -> bool:
        """Whether a value lies inside; `widened` 0.05 moves both borders outwards by 5 %."""
        low, high = self.low, self.high
        return (low is None or value >= low * (1 - widened)) and (high is None or value < high * (1 + widened))


# Beats per minute, from slow to fast. `TEMPO_WORDS` go before "tempo" or "pace" or a piece of music.
TEMPI = {
    "very slow": Range(None, 50),
    "slow": Range(50, 76),
    "moderate": Range(76, 112),
    "lively": Range(104, 144),
    "fast": Range(128, 180),
    "very fast": Range(168, None),
}
TEMPO_WORDS = {
    "very slow": ("very slow", "extremely slow", "largo"),
    "slow": ("slow", "unhurried", "adagio", "lento"),
    "moderate": ("moderate", "medium", "mid-tempo", "easy-going", "andante", "moderato"),
    "lively": ("lively", "brisk", "upbeat", "allegretto"),
    "fast": ("fast", "quick", "driving", "allegro"),
    "very fast": ("very fast", "rapid", "breakneck", "presto"),
}
DENSITIES = {"sparse": Range(None, 2.5), "moderate": Range(2.5, 7), "dense": Range(7, None)}  # notes a second
POLYPHONIES = {"single": Range(None, 1.15), "several": Range(1.15, 3), "thick": Range(3, None)}  # notes together
REGISTERS = {"low": Range(None, 50), "middle": Range(50, 70), "high": Range(70, None)}  # median MIDI pitch


def names(table: dict[str, Range], value: float) -> tuple[str, ...]:
    """The ranges of a table that hold a value, such as ("lively", "fast") for 130 beats a minute."""
    return tuple(name for name, one in table.items() if one.holds(value))
