"""symusic: the score in ticks for tempi, in seconds for the end."""

from typing import Any

import numpy as np
import symusic


def load(path: str) -> Any:
    return symusic.Score(path)


def facts(score: Any) -> tuple[int, float, int]:
    tables = [track.notes.numpy() for track in score.to("second").tracks if track.notes]
    end = max((float(np.max(notes["time"] + notes["duration"])) for notes in tables), default=0.0)
    return score.note_num(), end, max(len(score.tempos), 1)
