"""Motet: the whole song as one line, by its own synth, without the rack, mix and loudness that a build adds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from motet import render


def start(font: str, synth: str = "motet") -> Callable[[str, str], None]:
    player = render.load(render.find(font), 44100, synth=synth)

    def play(path: str, target: str) -> None:
        (audio,) = player.render([Path(path).read_bytes()])
        soundfile.write(target, np.clip(audio, -1, 1), 44100, subtype="PCM_16")

    return play
