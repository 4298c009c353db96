"""fluidsynth's command line, a process a file, without reverb and chorus."""

import subprocess
from collections.abc import Callable


def start(font: str) -> Callable[[str, str], None]:
    def play(path: str, target: str) -> None:
        command = ["fluidsynth", "-ni", "-F", target, "-r", "44100", "-R", "0", "-C", "0", font, path]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    return play
