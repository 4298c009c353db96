"""The commands that tell which song a file holds: name, and index."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from motet.cli.shared import Command, commands_of, say
from motet.errors import UserError
from motet.wording import count

MOST_MIDI = 64 * 1024 * 1024  # bytes; no MIDI file worth naming is larger


def add(command: Command) -> None:
    name = command("name", _name, "which song a file holds, and how sure that is")
    name.add_argument("files", nargs="+", metavar="FILE", help="MIDI files and recordings")
    name.add_argument(
        "--listen", action="store_true", help="ask AcoustID what a recording is by its sound (ACOUSTID_API_KEY, fpcalc)"
    )
    name.add_argument("--explain", action="store_true", help="tell what speaks against each match")
    _index_option(name)
    index = command("index", None, "the songs that are known offline")
    sub = commands_of(index)("add", _add, "add lists of songs: CSV, TSV, JSON lines, or the clean_midi.txt of Lakh")
    sub.add_argument("files", nargs="+", metavar="FILE", help="lists that name at least artist and title")
    _index_option(sub)


def _index_option(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--index", metavar="PATH", help="the index's file (default: songs.sqlite in the user's cache)")


def _add(options: argparse.Namespace) -> int:
    from motet.naming import SongIndex, default_path

    with SongIndex(options.index or default_path()) as index:
        added = {file: index.add(file) for file in options.files}
        songs, where = len(index), str(index.path)
    if options.json:
        print(json.dumps({"index": where, "songs": songs, "added": added}, indent=1))
        return 0
    console = Console()
    for file, new in added.items():
        say(console, f"{file}: {count(new)} new lines")
    say(console, f"{where} knows {count(songs)} songs.")
    return 0


def _name(options: argparse.Namespace) -> int:
    from motet.naming import Identification, SongIndex, default_path, identify

    path = Path(options.index) if options.index else default_path()
    if not path.is_file():
        msg = f"There is no song index at {path}; make one: motet index add FILE."
        raise UserError(msg)
    console, told = Console(), list[dict[str, Any]]()
    with SongIndex(path) as index:
        for file in options.files:
            clues, identifiers, duration, tagged = _clues(Path(file), options.listen)
            found: Identification = identify(clues, index, duration, tagged)
            if options.json:
                told.append({"file": file, **asdict(found), "identifiers": {**found.identifiers, **identifiers}})
                continue
            said = " - ".join(filter(None, (found.artist, found.title))) or "unidentified"
            say(console, f"{file}: {said} ({found.percent})")
            for line in found.explain().splitlines() if options.explain else []:
                say(console, f"  {line}")
    if options.json:
        print(json.dumps(told, indent=1))
    return 0


def _clues(path: Path, listen: bool) -> tuple[list[Any], dict[str, str], float | None, list[Any]]:
    from motet.midi import Unreadable
    from motet.naming import clues_of_midi, clues_of_path, clues_of_recording

    if not path.is_file():
        msg = f"There is no file {path}; name MIDI files or recordings."
        raise UserError(msg)
    with path.open("rb") as file:
        data = file.read(MOST_MIDI)
    try:
        return [*clues_of_path(str(path)), *clues_of_midi(data)], {}, None, []
    except Unreadable:
        recording = clues_of_recording(path)
        known = [*([recording.tagged] if recording.tagged else []), *(_heard(path) if listen else [])]
        return recording.clues, recording.identifiers, recording.duration, known


def _heard(path: Path) -> list[Any]:
    """What AcoustID knows a recording to be."""
    import os

    from motet.naming import KnownSong
    from motet.sources import Client, Unanswered, shared_folder
    from motet.sources.acoustid import NoFingerprint, fingerprint, lookup

    try:
        with Client(shared_folder(os.environ)) as client:
            answers = lookup(fingerprint(path), client)
    except (NoFingerprint, Unanswered) as problem:
        raise UserError(f"{path} was not recognised by its sound: {getattr(problem, 'detail', problem)}.", 1) from None
    named = [one for one in answers if one.song.artist and one.song.title]
    ids = "musicbrainz_recording"
    return [
        KnownSong(one.song.artist, one.song.title, 1, one.song.duration or 0.0, "", one.identifiers.get(ids, "")) for one in named
    ]
