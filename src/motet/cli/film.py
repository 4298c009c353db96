"""The commands for music in films: film songs, match, locate, align, shots, and review for a dataset of them."""

from __future__ import annotations

import argparse
import json
import os
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from motet.cli.shared import Command, commands_of, printable, say
from motet.errors import UserError
from motet.wording import clock, count, several, span

if TYPE_CHECKING:
    from motet import naming
    from motet.film import locating


def add(command: Command) -> None:
    tool = commands_of(command("film", None, "which songs a film uses, where they play, and the notes that go with them"))

    sub = tool("songs", _songs, "the songs a film uses, as lists and services tell")
    sub.add_argument("title", metavar="TITLE", help="of the film, or its file")
    sub.add_argument("--year", type=int, metavar="YEAR")
    sub.add_argument("--list", dest="lists", type=Path, action="append", default=[], metavar="FILE", help="a table or playlist")
    sub.add_argument("--ask", action="append", default=[], metavar="NAME", help="musicbrainz, spotify")
    sub.add_argument("--offline", action="store_true", help="of services only what they answered before")

    sub = tool("match", _match, "which files hold the songs of a list, by their names, and why")
    sub.add_argument("list", type=Path, metavar="LIST", help="a table or playlist of films' songs")
    sub.add_argument("files", nargs="+", type=Path, metavar="PATH", help="MIDI files and recordings, or folders of them")
    sub.add_argument("--least", type=float, metavar="P", help="probability of a match, at least")
    sub.add_argument("--explain", action="store_true", help="every reason")

    sub = tool("locate", _locate, "where recordings are heard in a film")
    sub.add_argument("film", type=Path, metavar="FILM")
    sub.add_argument("recordings", nargs="+", type=Path, metavar="RECORDING", help="recordings, or folders of them")
    sub.add_argument("--least", type=float, metavar="P", help="confidence, at least")

    sub = tool("align", _align, "lay a MIDI file along a recording, bar by bar")
    sub.add_argument("midi", type=Path, metavar="MIDI")
    sub.add_argument("recording", type=Path, metavar="RECORDING")
    sub.add_argument("--to", type=Path, metavar="FILE", help="write the MIDI so that each note falls where it is heard")

    sub = tool("shots", _shots, "cuts, fades and dissolves of a film")
    sub.add_argument("film", type=Path, metavar="FILM")

    sub = tool("review", _review, "judge the moments of a dataset by ear and eye, on a page; the next build respects it")
    sub.add_argument("dataset", type=Path, metavar="DIR")
    sub.add_argument("--port", type=int, default=0, metavar="N", help="of the page (default: any that is free)")
    sub.add_argument("--by", default="", metavar="NAME", help="who judges")
    sub.add_argument("--no-browser", action="store_true", help="only say where the page is")


@contextmanager
def _told(what: Path | str) -> Iterator[None]:
    """What is wrong with a file, as a sentence."""
    from motet.audio.errors import Unusable
    from motet.film.errors import FilmError
    from motet.midi import Unreadable

    try:
        yield
    except (FilmError, Unusable, Unreadable) as error:
        raise UserError(f"{what} cannot be used: {error.reason} ({error.detail}).", exit_code=1) from None
    except OSError as error:
        raise UserError(f"{what} cannot be read: {error.strerror or error}.") from None


# -- songs and match ----------------------------------------------------------------------------------------------------


def _songs(options: argparse.Namespace) -> int:
    from motet import sources
    from motet.film import songs

    name = songs.film_name(options.title)
    film = replace(name, year=options.year if options.year is not None else name.year)
    if not film.title:
        raise UserError(f"{options.title!r} is no title of a film.")
    lines = []
    for path in options.lists:
        with _told(path):
            lines += songs.read_list_file(path)
    remarks: list[str] = []
    if options.ask:
        client = sources.Client(sources.shared_folder(os.environ), offline=options.offline)
        try:
            asked = songs.Soundtracks.open(client, names=options.ask).ask(film, partly=True)
        except sources.Unanswered as problem:
            if not options.lists:
                raise UserError(f"Nobody could be asked: {problem}.", exit_code=1) from None
            remarks = [str(problem)]
        else:
            lines += asked.listed
            notes = (note for one in asked.told for note in one.notes)
            remarks = [*asked.unanswered, *(one.detail for one in asked.refused), *notes]
    elif not options.lists:
        raise UserError("Nobody is asked: name a list by --list FILE, or a service by --ask musicbrainz.")
    found = songs.find(film, lines)
    if options.json:
        shown = [asdict(one) for one in found]
        print(json.dumps({"film": film.title, "year": film.year, "songs": shown, "remarks": remarks}, indent=1, default=list))
        return 0 if found else 1
    console = Console()
    table = Table("title", "artist", "kind", "sure", "told by", box=None, pad_edge=False)
    for one in found:
        cells = (one.title, one.artist, one.kind, f"{one.confidence:.0%}", ", ".join(one.sources))
        table.add_row(*map(printable, cells))
    if found:
        console.print(table)
    for remark in remarks:
        say(console, remark)
    said = f"{film.title}{f' ({film.year})' if film.year else ''}"
    say(console, f"{several(len(found), 'song')} of {said}." if found else f"Nobody knows songs of {said}.")
    return 0 if found else 1


def _match(options: argparse.Namespace) -> int:
    from motet.film import matching, songs

    with _told(options.list):
        listed = songs.read_list_file(options.list)
    told_of: dict[str, songs.FilmSong] = {}
    by_film: dict[tuple[str, int | None, str], list[songs.Listed]] = {}
    for line in listed:
        by_film.setdefault((line.film, line.year, line.film_id), []).append(line)
    for lines in by_film.values():
        for song in songs.merge(lines):
            told_of[str(len(told_of))] = song
    wanted = [matching.Wanted(key, one.title, one.artist) for key, one in told_of.items()]
    catalogue = (matching.Catalogued(path, _clues(Path(path)), None, "") for path in _paths(options.files, "songs"))
    least = matching.SURE if options.least is None else options.least
    found = sorted(matching.match_all(wanted, catalogue, least=least), key=lambda one: (int(one.wanted), -one.probability))
    if options.json:
        told = [
            {
                "film": told_of[one.wanted].film,
                "title": told_of[one.wanted].title,
                "artist": told_of[one.wanted].artist,
                "file": one.item,
                "probability": one.probability,
                "through": one.through,
                "penalties": [asdict(penalty) for penalty in one.penalties],
            }
            for one in found
        ]
        print(json.dumps({"songs": len(told_of), "matched": len({one.wanted for one in found}), "matches": told}, indent=1))
        return 0 if found else 1
    console = Console()
    for one in found:
        song = told_of[one.wanted]
        by = f" ({song.artist})" if song.artist else ""
        say(console, f"{min(one.probability, 0.99):.0%}  {song.film}: {song.title}{by}  <-  {one.item}")
        if options.explain:
            for reason in one.explain().splitlines():
                say(console, f"      {reason}")
    matched = len({one.wanted for one in found})
    share = f" ({matched / len(told_of):.0%})" if told_of else ""
    say(
        console,
        f"{count(matched)} of {several(len(told_of), 'song')}{share} are in {several(len({m.item for m in found}), 'file')}.",
    )
    return 0 if found else 1


def _clues(path: Path) -> tuple[naming.Clue, ...]:
    """What a file's path tells of it, and a recording's own tags."""
    from motet import naming
    from motet.audio.decoding import open_recording
    from motet.audio.errors import Unusable
    from motet.files.kinds import RECORDINGS

    said: list[naming.Clue] = []
    if RECORDINGS.named(path.name):
        try:
            with open_recording(path) as recording:
                tags = {name.lower(): text for name, text in recording.tags.items()}
            said = [naming.Clue(f"{name}:{tags[name]}", "tag") for name in ("artist", "title") if tags.get(name)]
        except Unusable:
            said = []  # its name may still tell
    return (*said, *naming.clues_of_path(str(path)))


def _paths(places: list[Path], what: str) -> list[str]:
    from motet.files.kinds import MIDI, RECORDINGS

    found = []
    for place in places:
        if place.is_dir():
            inside = sorted(one for one in place.rglob("*") if one.is_file())
            kinds = (RECORDINGS,) if what == "recordings" else (MIDI, RECORDINGS)
            found += [str(one) for one in inside if any(kind.named(one.name) for kind in kinds)]
        elif place.exists():
            found.append(str(place))
        else:
            raise UserError(f"{place} does not exist: name {what}, or a folder of them.")
    if not found:
        raise UserError(f"There are no {what} in {', '.join(map(str, places))}.")
    return found


# -- locate, align, shots -----------------------------------------------------------------------------------------------


def _locate(options: argparse.Namespace) -> int:
    from motet.film import locating

    paths = _paths(options.recordings, "recordings")
    console = Console(stderr=True)
    sounds: dict[str, locating.Sound] = {}
    passed: dict[str, str] = {}
    for path in paths:
        try:
            with _told(path):
                sounds[path] = locating.listen_to(Path(path))
        except UserError as error:
            if len(paths) == 1:
                raise
            passed[path] = str(error)
            say(console, str(error))
    with _told(options.film):
        film = locating.listen_to(options.film)
        late = _late(options.film)
    least = {} if options.least is None else {"least": options.least}
    placed = locating.Catalogue(sounds).locate(film, **least)
    found = [replace(one, film_start=one.film_start + late, film_end=one.film_end + late) for one in placed]
    if options.json:
        told = {"film": str(options.film), "seconds": film.seconds, "recordings": len(sounds), "passed_over": passed}
        print(json.dumps(told | {"placements": [asdict(one) for one in found]}, indent=1))
        return 0 if found else 1
    for one in found:
        speed = "" if abs(one.speed - 1) < 0.001 else f", at {one.speed:.1%} of its speed"
        where = f"{_moment(one.film_start)} to {_moment(one.film_end)}"
        print(printable(f"{one.confidence:.0%}  {where}  {Path(one.song).name}, from {_moment(one.song_start)}{speed}"))
        print(printable(f"      {one.evidence}"))
    if not found:
        print(printable(f"None of {several(len(sounds), 'recording')} is heard in {options.film.name}."))
    return 0 if found else 1


def _late(film: Path) -> float:
    """Seconds from the first picture to the first sample; 0 where there is no picture to count from."""
    from motet.film import pictures
    from motet.film.errors import FilmError

    try:
        return pictures.film_facts(film, longest=24 * 3600.0, whole=False).sound_start
    except FilmError as error:
        if error.reason not in ("no_picture", "not_video"):
            raise
        return 0.0


def _moment(seconds: float) -> str:
    """A place in a film: "12:40.3"."""
    tenths = round(seconds * 10)
    return f"{clock(tenths // 10)}.{tenths % 10}"


def _align(options: argparse.Namespace) -> int:
    from motet import midi
    from motet.audio.decoding import open_recording
    from motet.audio.resampling import mono
    from motet.film import aligning, clips

    with _told(options.midi):
        data = options.midi.read_bytes()
        score = midi.read(data)
    with _told(options.recording), open_recording(options.recording) as recording:
        heard = aligning.hear(mono(recording, aligning.RATE))
    with _told(options.midi):
        found = aligning.align(score, heard)
    facts: dict[str, Any] = {
        "accepted": found.accepted,
        "reason": found.reason,
        "detail": found.detail,
        "confidence": round(found.confidence, 4),
        "transposition": found.transposition,
        "tuning_cents": round(found.tuning_cents, 1),
        "speed": round(found.speed, 5),
        "bars": [asdict(bar) for bar in found.bars],
    }
    if options.to is not None and found.accepted:
        from motet.files.places import shown
        from motet.video.film import replacing

        begin, end = float(found.sound_seconds[0]), float(found.sound_seconds[-1])
        place = clips.Place(begin, end, begin, 1.0)
        cut = clips.midi_slice(data, found, place, max(0.0, begin), end)
        with replacing(options.to) as temporary:
            temporary.write_bytes(cut.warped)
        facts["to"], facts["begins"] = shown(str(options.to)), begin
    if options.json:
        print(json.dumps(facts, indent=1))
        return 0 if found.accepted else 1
    if not found.accepted:
        print(printable(f"{options.midi.name} is not what is played: {found.detail}."))
        return 1
    table = Table("bar", "in the MIDI", "in the recording", "sure", box=None, pad_edge=False)
    for bar in found.bars:
        there = "" if bar.sound is None else f"{bar.sound:.2f} s"
        table.add_row(str(bar.number), f"{bar.midi:.2f} s", there, f"{bar.confidence:.0%}")
    Console().print(table)
    moved = f", {found.transposition:+d} semitones" if found.transposition else ""
    print(printable(f"{options.midi.name} fits, {found.confidence:.0%} sure{moved}."))
    return 0


def _shots(options: argparse.Namespace) -> int:
    from motet.film import pictures

    with _told(options.film):
        seen = pictures.look_at(options.film, 0.0, float("inf"))
    if options.json:
        told = {"frames": seen.frames, "steady": seen.steady, "looks": asdict(seen.looks)}
        print(json.dumps(told | {"shots": [asdict(shot) for shot in seen.shots]}, indent=1, default=list))
        return 0
    for number, shot in enumerate(seen.shots, 1):
        print(f"{number:>5}  {shot.start:>10.3f} s  {shot.end - shot.start:>8.3f} s long  {shot.kind}")
    print(f"{several(len(seen.shots), 'shot')} in {span(seen.end)}.")
    return 0


# -- review -------------------------------------------------------------------------------------------------------------


def _review(options: argparse.Namespace) -> int:
    from motet import judging
    from motet.dataset.folder import Dataset
    from motet.film import reviewing
    from motet.labels import FILE

    dataset = Dataset(options.dataset)
    items = judging.items(dataset)
    if not items:
        raise UserError(f"{options.dataset} has no moment to judge: no song was heard in its films.", exit_code=1)
    labels = reviewing.Labels.open(options.dataset / FILE)
    with reviewing.serve(items, labels, media=judging.Playing(dataset), port=options.port, by=options.by) as page:
        if options.json:
            print(json.dumps({"url": page.url, "moments": len(items)}), flush=True)
        else:
            print(f"Judge {several(len(items), 'moment')} at {page.url}")
            print("Ctrl-C ends it; the next build respects what was said.", flush=True)
        if not options.no_browser and sys.stdout.isatty():
            webbrowser.open(page.url)
        try:
            page.wait()
        except KeyboardInterrupt:
            print(file=sys.stderr)
    said = labels.verdicts()
    if not options.json:
        print(f"{several(len(said), 'judgement')} in {options.dataset / FILE}. Build the dataset again to have them respected.")
    return 0
