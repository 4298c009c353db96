"""What is seen in a moment: its shots, and how bright, colourful and lively its pictures are."""

from __future__ import annotations

import json
from dataclasses import asdict

from motet.dataset.rows import Moment, Shots
from motet.film.errors import FilmError
from motet.run import Drop, stage
from motet.stages.collect import film_at


@stage(version=1, uses=["film_sha256", "film_start", "film_end"], timeout=6 * 3600, libraries=["av", "numpy", "scipy"])
def find_shots(moment: Moment) -> Shots | Drop:
    from motet.film import pictures

    try:
        seen = pictures.look_at(film_at(moment.film_where, moment.film_sha256), max(0.0, moment.film_start), moment.film_end)
    except FilmError as error:
        return Drop(error.reason, error.detail)
    return Shots(
        frames=seen.frames,
        shot_starts=[round(shot.start, 6) for shot in seen.shots],
        shot_ends=[round(shot.end, 6) for shot in seen.shots],
        shot_kinds=[shot.kind for shot in seen.shots],
        looks=json.dumps(asdict(seen.looks), sort_keys=True),
    )
