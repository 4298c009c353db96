"""Players of MIDI files beside our synth, with the same SoundFont, to 16-bit files: speed, memory, loudness, what they refuse."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import soundfile

from measure import Line, over
from motet import demo, midi
from motet.render import find, integrated_loudness
from peers import environments, given
from peers.table import Table
from peers.watching import SCRIPTS, Watched, watched
from reference import songs

SONGS, REPEATS, CRAFTED = 4, 5, 24
QUICK_SONGS, QUICK_REPEATS, QUICK_CRAFTED = 2, 1, 4
OURS = "motet"
QUICK = ("motet", "fluidsynth", "tinysoundfont")


@dataclass(frozen=True)
class Player:
    name: str
    label: str
    environment: str = ""  # whose interpreter, ours without
    needs_fluidsynth: bool = False

    def python(self) -> str | Path:
        if self.needs_fluidsynth:
            environments.program("fluidsynth", "fluidsynth")
        return environments.python(self.environment) if self.environment else sys.executable

    def version(self) -> str:
        if self.environment:
            return environments.pinned(self.environment)
        return "Debian's" if self.needs_fluidsynth else "this tree"


PLAYERS = (
    Player(OURS, "Motet, dry"),
    Player("motet_wet", "Motet, reverb and chorus"),
    Player("fluidsynth", "fluidsynth, as it comes", needs_fluidsynth=True),
    Player("fluidsynth_dry", "fluidsynth, no reverb and chorus", needs_fluidsynth=True),
    Player("midi2audio", "midi2audio", "midi2audio", needs_fluidsynth=True),
    Player("pyfluidsynth", "pyfluidsynth", "pyfluidsynth", needs_fluidsynth=True),
    Player("pretty_midi", "pretty_midi.fluidsynth", "pyfluidsynth", needs_fluidsynth=True),
    Player("tinysoundfont", "tinysoundfont", "tinysoundfont"),
)


@dataclass
class _Heard:
    """Of one player: runs over the songs, what it made of each, and of the broken ones."""

    start: list[float] = field(default_factory=list)
    speed: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    loudness: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    refused: str = ""


def compare(quick: bool) -> Iterator[Table]:
    font = find("auto")
    with tempfile.TemporaryDirectory(prefix="mp-") as name:
        folder = Path(name)
        chosen = _laid(folder / "songs", QUICK_SONGS if quick else SONGS)
        crafted = given.midi_files(QUICK_CRAFTED if quick else CRAFTED, crafted=True)
        broken = folder / "broken.txt"
        broken.write_text("\n".join(map(str, _copied(folder / "broken", crafted))))
        listed = folder / "songs.txt"
        listed.write_text("\n".join(map(str, chosen)))
        music = {file.stem: midi.read(file.read_bytes()).duration for file in chosen}
        repeats = QUICK_REPEATS if quick else REPEATS
        table = Table(
            "MIDI files to sound",
            f"{len(chosen)} songs, {sum(music.values()):.0f} s of music, with {font.name}, to 16-bit stereo files "
            "(pretty_midi: mono) "
            "at 44,100 Hz, on one core. Speed is seconds of music per CPU second, fonts loaded where the player keeps them "
            "loaded; "
            f"median (least–most) of {repeats} runs taken in turns. Start is the CPU time of imports and, where it is kept, "
            "the font. "
            "Loudness is the median difference from Motet dry in LU, by ITU-R BS.1770-4, and in brackets how far off that "
            "median the "
            "furthest song is: a player that only is louder has little there. Refused are those of "
            f"{len(crafted)} broken and unusual files that gave no sound file of 0.1 s or more.",
            (
                "player",
                "version",
                "start, s",
                "× real time",
                "speed, × Motet dry",
                "memory, MB",
                "loudness, LU",
                "end, s later",
                "refused",
            ),
        )
        players: dict[str, str | Path] = {}
        for player in PLAYERS:
            if quick and player.name not in QUICK:
                continue
            try:
                players[player.name] = player.python()
            except environments.Missing as missing:
                table.skipped[player.label] = str(missing)
        heard = {name: _Heard() for name in players}
        for turn in range(repeats + 1):  # the first is watched for memory, compiles and fills caches
            for player_name, interpreter in players.items():
                told, run = _play(interpreter, player_name, font.path, folder / "out", listed, memory=turn == 0)
                if turn:
                    heard[player_name].start.append(told["start_cpu"])
                    heard[player_name].speed.append(sum(music.values()) / sum(used for _, used, _ in told["told"]))
                else:
                    heard[player_name].peak_mb = run.peak_mb
                    _listen(heard[player_name], folder / "out", list(music))
        if crafted:
            for player_name, interpreter in players.items():
                told, _ = _play(interpreter, player_name, font.path, folder / "out", broken, memory=False)
                heard[player_name].refused = _refused(told, folder / "out", broken)
        for player in PLAYERS:
            if player.name in heard:
                _add(table, player, heard[player.name], heard[OURS], len(chosen))
        table.notes.extend(NOTES)
        yield table


def _play(
    interpreter: str | Path, name: str, font: Path, out: Path, listed: Path, *, memory: bool
) -> tuple[dict[str, Any], Watched]:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    command = [interpreter, SCRIPTS / "play.py", f"play_{name}", font, out, listed]
    run = watched(command, memory=memory, timeout=600, whole=True)
    if not run.well:  # a library that took the process along: nothing more is known than the files it left
        return {"start_cpu": 0.0, "told": [], "died": f"the process died: {run.rc}"}, run
    told: dict[str, Any] = json.loads(run.said.strip().splitlines()[-1])
    return told, run


def _listen(heard: _Heard, out: Path, names: list[str]) -> None:
    for name in names:
        audio, rate = soundfile.read(out / f"{name}.wav", dtype="float32", always_2d=True)
        heard.seconds[name] = len(audio) / rate
        loudness = integrated_loudness(audio, rate)
        if loudness is not None:
            heard.loudness[name] = loudness


def _refused(told: dict[str, Any], out: Path, listed: Path) -> str:
    paths = listed.read_text().splitlines()
    failed: Counter[str] = Counter()
    errors = [error for _, _, error in told["told"]]
    for at, path in enumerate(paths):
        target = out / f"{Path(path).stem}.wav"
        if not _sounding(target):
            failed[(errors[at] if at < len(errors) else "process died") or "no sound, no error"] += 1
    said = ", ".join(f"{count} {error}" for error, count in failed.most_common())
    died = "; the process died" if "died" in told else ""
    return f"{failed.total()} of {len(paths)}{f' ({said})' if said else ''}{died}"


def _sounding(file: Path) -> bool:
    try:
        return file.is_file() and soundfile.info(file).duration >= 0.1
    except soundfile.LibsndfileError:
        return False


def _add(table: Table, player: Player, heard: _Heard, ours: _Heard, count: int) -> None:
    gaps = [heard.loudness[name] - ours.loudness[name] for name in heard.loudness if name in ours.loudness]
    middle = statistics.median(gaps) if gaps else 0.0
    loud = f"{middle:+.1f} (±{max(abs(gap - middle) for gap in gaps):.1f})" if gaps else "–"
    later = statistics.median(heard.seconds[name] - ours.seconds[name] for name in heard.seconds)
    ratio = over(heard.speed, ours.speed)
    speed, start = tuple(heard.speed), tuple(heard.start)
    own = player.name == OURS
    table.rows.append(
        (
            player.label,
            player.version(),
            start,
            speed,
            ratio,
            heard.peak_mb,
            "–" if own else loud,
            "–" if own else f"{later:+.2f}",
            heard.refused or "–",
        )
    )
    line = Line(player.label, speed, "x real time", count, None if own else ratio, "" if own else "motet, dry")
    table.lines.append(line)


def _laid(folder: Path, wanted: int) -> list[Path]:
    folder.mkdir()
    found = []
    for number, (_, data) in enumerate(songs(min(wanted, len(demo.TUNES)))):
        file = folder / f"song{number}.mid"
        file.write_bytes(data)
        found.append(file)
    return found


def _copied(folder: Path, files: list[Path]) -> list[Path]:
    folder.mkdir()
    return [Path(shutil.copyfile(file, folder / f"{n:03d}.mid")) for n, file in enumerate(files)]


NOTES = (
    "fluidsynth and midi2audio start a process and read the font for each file, pyfluidsynth makes a synth for each; that is how "
    "they are used, and counted. `bench/synths.py` compares the engines alone, fonts loaded, over more songs.",
    "fluidsynth's default gain is 0.2; midi2audio and pyfluidsynth give no other.",
    "pretty_midi scales each song to full scale, so its differences of loudness are the songs' own.",
    "Motet keeps rendered notes for use again, up to 128 MiB, and its compiled code: that is its memory.",
)
