"""One match to judge: a moment of a film, a span of a recording, and perhaps a MIDI that is said to go along."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from motet.film.errors import FilmError
from motet.labels import LONGEST_STAMP, stamped, written

__all__ = ["Item"]

MOST_EVIDENCE = 50  # sentences


def _place(seconds: float) -> str:
    """A place in a film: "4:07", "1:12:40"."""
    minutes, left = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{left:02d}" if minutes >= 60 else f"{minutes}:{left:02d}"


@dataclass(frozen=True)
class Item:
    """A match as it is shown to a person. All times are seconds.

    `film_start`, `film_end`: where the song is said to play, in the film. `film_clip`: the (start, end) of what is shown of the
    film, usually with some context on both sides. `recording_start`, `recording_end`: the same music in the recording; the two
    spans differ in length where the film runs faster. `confidence` is 0 to 1. `evidence`: sentences for a person. `stamp`: what a
    label is about, a key made of content. A path, or the MIDI, is None where there is none to play.

    Raises FilmError: `unusable_item` for times, confidence or stamp that cannot be.
    """

    id: str
    film: str
    film_year: int | None
    song: str
    artist: str
    film_start: float
    film_end: float
    confidence: float
    evidence: tuple[str, ...]
    film_path: Path | None
    film_clip: tuple[float, float]
    recording_path: Path | None
    recording_start: float
    recording_end: float
    midi: bytes | None
    licence: str
    stamp: str

    def __post_init__(self) -> None:
        spans = {
            "film": (self.film_start, self.film_end),
            "clip": self.film_clip,
            "recording": (self.recording_start, self.recording_end),
        }
        for name, (start, end) in spans.items():
            if not (math.isfinite(start) and math.isfinite(end) and 0 <= start <= end):
                raise FilmError("unusable_item", f"the {name} of a match cannot go from {start} to {end} s")
        if not 0 <= self.confidence <= 1:
            raise FilmError("unusable_item", f"a confidence is between 0 and 1, not {self.confidence}")
        if not stamped(self.stamp):
            raise FilmError("unusable_item", f"a stamp has 1 to {LONGEST_STAMP} plain characters, not {self.stamp[:40]!r}")

    @property
    def sentence(self) -> str:
        """What the question is about, as it is kept beside a verdict."""
        year = "" if self.film_year is None else f" ({self.film_year})"
        song = f"{written(self.song, 200)} by {written(self.artist, 200)}" if self.artist else written(self.song, 200)
        return f"{song}, in {written(self.film, 200)}{year} from {_place(self.film_start)} to {_place(self.film_end)}"

    def shown(self) -> dict[str, object]:
        """What the page needs to know, as JSON would hold it. No path is among it."""
        return {
            "id": written(self.id),
            "stamp": self.stamp,
            "film": written(self.film),
            "year": self.film_year,
            "song": written(self.song),
            "artist": written(self.artist),
            "licence": written(self.licence),
            "confidence": round(self.confidence, 4),
            "evidence": [written(line) for line in self.evidence[:MOST_EVIDENCE]],
            "place": [self.film_start, self.film_end],
            "clip": list(self.film_clip),
            "span": [self.recording_start, self.recording_end],
            "has": {
                "film": self.film_path is not None,
                "recording": self.recording_path is not None,
                "midi": self.midi is not None,
            },
        }
