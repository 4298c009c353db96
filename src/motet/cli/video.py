"""The commands for films: video parseq, paint, check; deforum, serve, servers and slurm for GPUs; and examples to watch."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from rich.console import Console

from motet.cli.midi import read_bytes
from motet.cli.shared import Command, at_least, commands_of, say
from motet.errors import UserError
from motet.wording import count, several

if TYPE_CHECKING:
    from motet.video.song import Planned, Song

PLAN = ".parseq.json"
SOUNDS = (".flac", ".wav", ".mp3", ".ogg", ".opus", ".m4a")
OTHERS = (".avi", ".gif", ".m4v", ".mkv", ".mov", ".mpg", ".webm", ".wmv")


def add(command: Command) -> None:
    tool = commands_of(
        command("video", None, "films of MIDI songs: plan them, paint them, have them rendered, and measure their sync")
    )

    sub = tool("parseq", _parseq, "plan the films of a MIDI file, or check a Parseq document or Deforum's settings")
    sub.add_argument("file", type=Path, metavar="FILE", help="MIDI, a Parseq document (.json), or settings of Deforum (.txt)")
    sub.add_argument(
        "--to", type=Path, metavar="OUT", help="a folder for the plans of a MIDI file; a file for a document, rendered"
    )
    _ways(sub)

    sub = tool("paint", _paint, "paint films of a MIDI file, or of a plan")
    sub.add_argument("file", type=Path, metavar="FILE", help="a MIDI file, or a Parseq document (.json)")
    sub.add_argument("--to", type=Path, required=True, metavar="OUT", help="a folder; of a plan, or for one film, a file: .mp4")
    sub.add_argument("--sound", type=Path, metavar="FILE", help="the sound of a plan's film, any recording")
    _ways(sub)

    sub = tool("check", _check, "measure how a finished film follows its plan")
    sub.add_argument("file", type=Path, metavar="FILE", help="a film")
    sub.add_argument("--plan", type=Path, metavar="FILE", help=f"its plan (default: its own name with {PLAN})")

    sub = tool("deforum", _deforum, "have the plans in a folder rendered by Deforum's servers, several at once")
    sub.add_argument(
        "folder", type=Path, metavar="DIR", help=f"plans: NAME{PLAN}, each with its sound as NAME.mp3, .flac … if wanted"
    )
    sub.add_argument("--to", type=Path, metavar="DIR", help="where films go (default: beside the plans)")
    _servers(sub)
    sub.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="one of Deforum's settings, such as steps=20"
    )
    sub.add_argument(
        "--outputs", action="append", default=[], metavar="THERE=HERE", help="where a folder of the servers lies here"
    )
    sub.add_argument("--stalled", type=float, default=900.0, metavar="SECONDS", help="without progress until another try")
    sub.add_argument("--tries", type=at_least(1), default=3, metavar="N", help="for each film (default: 3)")
    sub.add_argument("--patience", type=float, default=600.0, metavar="SECONDS", help="while no server answers (default: 600)")
    sub.add_argument("--again", action="store_true", help="try anew what ended without a film before")
    sub.add_argument("--shard", metavar="I/N", help="only every N-th plan, from the I-th on, counted from 0")

    sub = tool("serve", _serve, "start a web UI on each GPU and keep them up")
    sub.add_argument(
        "--command", required=True, help="what starts one, in quotes, with {port}: './webui.sh --api --deforum-api --port {port}'"
    )
    sub.add_argument("--devices", metavar="LIST", help="GPUs, such as 0,1,2 or cpu (default: all there are)")
    sub.add_argument(
        "--port", type=at_least(1024), default=7861, metavar="N", help="of the first; the others follow (default: 7861)"
    )
    sub.add_argument("--to", type=Path, default=Path("motet-servers"), metavar="DIR", help="for servers.json and logs")
    sub.add_argument("--cwd", type=Path, metavar="DIR", help="where the command runs")

    sub = tool("servers", _health, "ask servers how they are")
    _servers(sub)
    sub.add_argument("--wait", type=float, metavar="SECONDS", help="until one is up, at most so long")

    sub = tool("slurm", _slurm, "write a script by which a cluster renders the plans in a folder")
    sub.add_argument("folder", type=Path, metavar="DIR", help="the plans")
    sub.add_argument("--command", required=True, help="what starts a web UI, as for `motet video serve`")
    sub.add_argument("--to", type=Path, metavar="FILE", help="where the script goes (default: it is printed)")
    sub.add_argument("--tasks", type=at_least(1), default=1, metavar="N", help="of the array (default: 1)")
    sub.add_argument("--gpus", type=at_least(1), default=1, metavar="N", help="of a task (default: 1)")
    sub.add_argument("--hours", type=float, default=24.0, metavar="H", help="of a task (default: 24)")
    sub.add_argument("--partition", metavar="NAME")
    sub.add_argument("--account", metavar="NAME")
    sub.add_argument("--setup", action="append", default=[], metavar="LINE", help="of shell, to begin with: 'module load cuda'")

    sub = tool(
        "examples", _examples, "films of Motet's own tunes in several sizes, moods and mappings, and a page to watch them on"
    )
    sub.add_argument("--to", type=Path, required=True, metavar="DIR")
    sub.add_argument("--songs", type=at_least(1), metavar="N", help="only the first N tunes")


WAYS = {"mapping": "full-song", "theme": None, "mood": None, "fps": "24", "seconds": 16.0, "most": 4, "seed": 0}


def _ways(sub: argparse.ArgumentParser) -> None:
    """How a song is planned; what stands in WAYS is filled in later, so that it is known what was asked for."""
    sub.add_argument("--mapping", metavar="NAME", help="what moves what: a ready one or your file (default: full-song)")
    sub.add_argument("--theme", metavar="NAME", help="what it is about (default: drawn to suit the mood)")
    sub.add_argument("--mood", metavar="WORD", help="happy, calm, sad, dark, tense … (default: by mode and energy)")
    sub.add_argument("--size", metavar="WxH", help="pixels (default: 256x256, or the plan's own)")
    sub.add_argument("--fps", metavar="RATE", help="24, 30, 30000/1001 … (default: 24)")
    sub.add_argument("--seconds", type=float, metavar="S", help="of a window, at most (default: 16)")
    sub.add_argument("--most", type=at_least(1), metavar="N", help="windows of a song, at most (default: 4)")
    sub.add_argument("--seed", type=int, metavar="N", help="of all draws (default: 0)")


def _usual(options: argparse.Namespace) -> None:
    """Fill in WAYS for a song; a plan has its own already."""
    if _is_document(options.file) and (given := [name for name in WAYS if getattr(options, name) is not None]):
        raise UserError(f"--{given[0]} is for MIDI files: {options.file.name} is a plan already.")
    for name, usual in WAYS.items():
        if getattr(options, name) is None:
            setattr(options, name, usual)


def _servers(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--url", action="append", default=[], metavar="URL", help="of a server; several times for several")
    sub.add_argument("--servers", type=Path, metavar="FILE", help="servers.json, as `motet video serve` keeps it")


def _urls(options: argparse.Namespace) -> list[str]:
    from motet.video.deforum import addresses

    urls = [*options.url, *(addresses.read(options.servers) if options.servers else [])]
    if not urls:
        raise UserError("No server is named: say --url http://127.0.0.1:7861, or --servers motet-servers/servers.json.")
    return urls


# --- plans ---


@contextmanager
def _blaming(file: Path) -> Iterator[None]:
    from motet import midi, render
    from motet.audio.errors import Unusable
    from motet.video.errors import VideoError

    try:
        yield
    except (VideoError, midi.Unreadable, render.RenderError, Unusable) as error:
        told = error.detail.rstrip(".")
        said = f"{file}{told.removeprefix(file.name)}" if told.startswith(f"{file.name} ") else f"{file}: {told}"
        raise UserError(f"{said}.", exit_code=1) from None


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, by, height = text.lower().partition("x")
    if not (by and width.isdecimal() and height.isdecimal() and len(text) < 12):
        raise UserError(f"{text!r} is no size: write it as 256x256.")
    size = int(width), int(height)
    if any(side % 2 or not 64 <= side <= 4096 for side in size):
        raise UserError(f"A film of {text} cannot be made: sides are even numbers from 64 to 4096.")
    return size


def _rate(text: str) -> Fraction:
    try:
        rate = Fraction(text) if len(text) < 20 else Fraction(0)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 1 <= rate <= 240 or rate.denominator > 1001:
        raise UserError(f"{text!r} is no frame rate: write 24, 30 or 30000/1001.")
    return rate


def _plans(options: argparse.Namespace, most: int | None = None) -> tuple[Song, list[Planned]]:
    """A song and its plans, of `most` windows from the first on; None: of those that --most lets be drawn."""
    from motet.video import mapping, themes
    from motet.video.song import Song
    from motet.video.windows import Limits

    themes.check(options.theme, options.mood)
    rules = mapping.read(options.mapping)
    size, fps = _size(options.size) or (256, 256), _rate(options.fps)
    with _blaming(options.file):
        song = Song(read_bytes(options.file))
        planned = song.plans(
            rules,
            seconds=options.seconds,
            limits=Limits(most=options.most if most is None else 10_000),
            fps=fps,
            size=size,
            theme=options.theme,
            feeling=options.mood,
            random=Random(options.seed),
        )
        return song, list(islice(planned, most))


def _document(file: Path) -> dict[str, Any]:
    from motet.video import parseq

    with _blaming(file):
        return parseq.load(read_bytes(file))


def _rendered(file: Path) -> dict[str, Any]:
    """A plan as it is, or any other document rendered anew."""
    from motet.video import parseq

    document = _document(file)
    with _blaming(file):
        return document if "motet" in document and "rendered_frames" in document else parseq.render(document)


def _is_document(file: Path) -> bool:
    return file.suffix.lower() == ".json"


def _name(file: Path, number: int) -> str:
    return f"{file.stem}.{number:02d}"


def _parseq(options: argparse.Namespace) -> int:
    from motet.dataset.durable import write_bytes
    from motet.video import parseq

    if options.file.suffix.lower() == ".txt":
        return _settings(options)
    _usual(options)
    if _is_document(options.file):
        document = _document(options.file)
        if faults := parseq.problems(document):
            raise UserError(f"{options.file}: {faults[0].rstrip('.')}.", exit_code=1)
        with _blaming(options.file):
            whole = parseq.render(document)
        if options.to:
            if options.to.is_dir():
                raise UserError(f"{options.to} is a folder: name a file for the document, rendered.")
            write_bytes(options.to, parseq.dump(whole))
        told: dict[str, Any] = {
            "file": str(options.file),
            "frames": len(whole["rendered_frames"]),
            "fields": [name for name, told in whole["rendered_frames_meta"].items() if not told["isFlat"]],
            "keyframes": len(whole["keyframes"]),
        }
        if options.json:
            print(json.dumps(told, indent=1))
        else:
            say(
                Console(),
                f"{options.file} is sound: {count(told['frames'])} frames from {several(told['keyframes'], 'keyframe')}.",
            )
            say(Console(), f"It moves {', '.join(told['fields']) or 'nothing'}.")
        return 0
    _, plans = _plans(options)
    made = []
    for number, one in enumerate(plans):
        file = options.to / f"{_name(options.file, number)}{PLAN}" if options.to else None
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(file, parseq.dump(one.manifest))
            write_bytes(file.with_name(f"{_name(options.file, number)}.mid"), one.notes)
        made.append(_told(one) | {"file": str(file) if file else None})
    if options.json:
        print(json.dumps(made, indent=1))
        return 0
    for each in made:
        say(Console(), _line(each))
    if not options.to:
        say(Console(), "Nothing was written: say --to DIR to keep the plans.")
    return 0


def _settings(options: argparse.Namespace) -> int:
    """Deforum's settings, as its web UI saves them."""
    from motet.video import deforum

    try:
        found = deforum.problems(json.loads(read_bytes(options.file)))
    except (ValueError, RecursionError):
        raise UserError(f"{options.file} holds no settings of Deforum: they are an object of JSON.", exit_code=1) from None
    if options.json:
        print(json.dumps({"file": str(options.file), "problems": found}, indent=1))
    else:
        for one in found or [f"{options.file} is sound: settings that Deforum takes."]:
            say(Console(), one)
    return 1 if found else 0


def _told(one: Planned) -> dict[str, Any]:
    own = one.manifest["motet"]
    return {
        "start": one.window.start,
        "end": one.window.end,
        "first_bar": one.window.first_bar + 1,
        "bars": one.window.bars,
        "frames": len(one.manifest["rendered_frames"]),
        "events": len(own["events"]),
        "notes": len(own["events"]) + len(own["notes"]),
        "mapping": own["mapping"],
        "theme": own["theme"],
        "mood": own["mood"],
        "key": own["key"],
        "tempo": own["tempo"],
    }


def _line(told: dict[str, Any]) -> str:
    where = f"{told['start']:.1f}–{told['end']:.1f} s, bars {told['first_bar']} to {told['first_bar'] + told['bars'] - 1}"
    what = f"{count(told['events'])} of {several(told['notes'], 'note')} move the picture; {told['theme']}, {told['mood']}"
    return f"{told['file'] or 'a window'}: {where}, {several(told['frames'], 'frame')}; {what}."


# --- films ---


def _paint(options: argparse.Namespace) -> int:
    from motet.video import painter

    _usual(options)
    one_file = options.to.suffix.lower() == ".mp4"
    if one_file and _another(options.to.with_name(f"{options.to.stem}{PLAN}")):
        raise UserError(f"{options.to.stem}{PLAN}, where the film's plan would go, is another document: name another film.")
    if one_file and options.to.is_dir():
        raise UserError(f"{options.to} is a folder: name another, or a file.")
    if not one_file and options.to.exists() and not options.to.is_dir():
        raise UserError(f"{options.to} is no folder: name a folder, or a file that ends in .mp4.")
    if not one_file and options.to.suffix.lower() in OTHERS:
        raise UserError(f"Films are written as MP4: say --to {options.to.with_suffix('.mp4')}, or name a folder.")
    if _is_document(options.file):
        if not one_file:
            raise UserError(f"The film of a plan is one file: say --to {options.to}.mp4.")
        manifest, sound = _rendered(options.file), _sound(options.sound) if options.sound else None
        options.to.parent.mkdir(parents=True, exist_ok=True)
        with _blaming(options.file):
            filmed = painter.film(manifest, options.to, size=_size(options.size), sound=sound)
        _tell(options, [{"file": str(options.to), "frames": filmed.frames, "seconds": filmed.seconds, "bytes": filmed.bytes}])
        return 0
    if options.sound:
        raise UserError("--sound is for the film of a plan: a MIDI file is played by the default rack.")
    try:
        return _films(options, one_file)
    except KeyboardInterrupt:
        raise UserError("stopped; films that were finished are kept.", exit_code=130) from None


def _films(options: argparse.Namespace, one_file: bool) -> int:
    from motet.dataset.durable import write_bytes
    from motet.render import encode
    from motet.video import painter, parseq
    from motet.video.song import RATE

    song, plans = _plans(options, 1 if one_file else None)
    if one_file and plans[0].window.end < song.score.duration - 1:
        say(Console(stderr=True), "This is the first window of the song that will do: name a folder for films of others.")
    told = []
    for number, one in enumerate(plans):
        file = options.to if one_file else options.to / f"{_name(options.file, number)}.mp4"
        file.parent.mkdir(parents=True, exist_ok=True)
        with _blaming(options.file):
            frames = len(one.manifest["rendered_frames"])
            audio = song.sound_of(one.window, frames, _rate(options.fps))
            filmed = painter.film(one.manifest, file, sound=(audio, RATE))
        beside = {PLAN: parseq.dump(one.manifest)}
        if not one_file:  # where names are ours
            beside |= {".mid": one.notes, ".mp3": encode(audio, RATE, format="mp3")}
        for suffix, data in beside.items():
            write_bytes(file.with_name(f"{file.stem}{suffix}"), data)
        told.append(_told(one) | {"file": str(file), "seconds": filmed.seconds, "bytes": filmed.bytes})
        if not options.json:
            say(Console(), _line(told[-1]))
    if options.json:
        print(json.dumps(told, indent=1))
    return 0


def _another(plan: Path) -> bool:
    """Whether something stands there that is no plan of ours."""
    return plan.exists() and not (plan.is_file() and b'"motet"' in plan.read_bytes())


def _sound(file: Path) -> tuple[Any, int]:
    import numpy as np

    from motet.audio.channels import downmix
    from motet.audio.decoding import open_recording

    with _blaming(file):
        try:
            with open_recording(file) as recording:
                blocks = [downmix(block, recording.layout, 2) for block in recording.blocks()]
                return np.concatenate(blocks), recording.rate
        except OSError as error:
            raise UserError(f"{file} cannot be read: {error.strerror or error}.") from None


def _tell(options: argparse.Namespace, made: list[dict[str, Any]]) -> None:
    if options.json:
        print(json.dumps(made, indent=1))
        return
    for one in made:
        say(Console(), f"{one['file']}: {several(one['frames'], 'frame')}, {one['seconds']:.1f} s, {one['bytes'] / 1e6:.1f} MB.")


def _check(options: argparse.Namespace) -> int:
    from motet.video import sync
    from motet.video.errors import VideoError

    if not options.file.is_file():
        raise UserError(f"There is no film {options.file}.")
    plan = options.plan or options.file.with_name(f"{options.file.stem}{PLAN}")
    if not plan.is_file():
        raise UserError(f"There is no plan {plan}: name it by --plan.")
    manifest = _document(plan)
    with _blaming(options.file):
        try:
            found = sync.check(options.file, manifest)
        except VideoError as error:
            if error.reason == "not_planned":
                raise UserError(f"{plan}: {error.detail}.", exit_code=1) from None
            raise
        except OSError as error:
            raise UserError(f"{options.file} cannot be read: {error.strerror or error}.") from None
    if options.json:
        print(json.dumps(found.to_dict(), indent=1))
        return 1 if found.faults else 0
    console = Console()
    say(
        console,
        f"{several(found.frames, 'frame')} of {found.size[0]}x{found.size[1]}, {found.fps:g} a second, {found.seconds:.1f} s.",
    )
    picture = found.picture
    if picture.f1 is None:
        say(console, f"None of {several(picture.planned, 'planned frame')} stands four frames apart from the others.")
    else:
        events, changes = several(picture.judged, "event"), several(picture.found, "change")
        say(
            console,
            f"{picture.recall or 0:.1%} of {events} that stand four frames apart are seen at their frame; "
            f"{picture.precision or 0:.1%} of {changes} of the picture are planned: F1 {picture.f1:.3f}.",
        )
    if found.every.f1 is not None:
        say(console, f"Of all {several(found.every.planned, 'planned frame')}, however close: F1 {found.every.f1:.3f}.")
    if picture.mean_ms is not None and not {"early", "late"} & {fault.reason for fault in found.faults}:
        say(
            console,
            f"Changes lie {picture.mean_ms:.1f} ms from the notes' exact moments on average, {picture.worst_ms:.1f} ms at most; "
            f"half a frame is {500 / found.fps:.1f} ms.",
        )
    if found.sound is not None and found.sound.f1 is not None:
        say(console, f"Onsets of the sound within 50 ms of planned moments: F1 {found.sound.f1:.3f}.")
    for name, value in (("AV-Align", found.av_align), ("Beat alignment", found.beat_alignment)):
        if value is not None:
            say(console, f"{name}: {value:.3f}.")
    for fault in found.faults:
        say(console, f"Fault: {fault.detail}")
    return 1 if found.faults else 0


# --- servers ---


def _deforum(options: argparse.Namespace) -> int:
    from motet.video import deforum, film
    from motet.video.deforum import health
    from motet.video.painter import script

    if not options.folder.is_dir():
        raise UserError(f"{options.folder} is no folder of plans.")
    plans = sorted(options.folder.glob(f"*{PLAN}"))
    if not plans:
        raise UserError(f"{options.folder} holds no plans (*{PLAN}): `motet video parseq SONG --to {options.folder}` makes some.")
    if options.shard:
        plans = _shard(plans, options.shard)
    target = options.to or options.folder
    changes = dict(_pair(one, "--set") for one in options.set)
    jobs, sounds = [], {}
    journal = target / ".motet-farm"
    silent = journal / "silent"  # films that get their sound afterwards
    for file in plans:
        name = file.name.removesuffix(PLAN)
        sounds[name] = _beside(file.with_name(name))
        manifest = _rendered(file)
        with _blaming(file):
            plan = script.read(manifest)
            try:
                settings = deforum.settings(manifest, size=plan.size, seed=plan.seed, changes=_typed(changes))
            except UserError as refused:
                raise UserError(f"{file}: {refused}", refused.exit_code) from None
        jobs.append(
            deforum.Job(name, settings, plan.frames, plan.size, plan.fps, (silent if sounds[name] else target) / f"{name}.mp4")
        )
    target.mkdir(parents=True, exist_ok=True)
    failed, console = 0, Console(stderr=True)
    outputs = {there: Path(here) for there, here in (_pair(one, "--outputs") for one in options.outputs)}
    servers = _urls(options)
    for one in health.ask(servers):
        if not one.up:
            say(console, f"{one.url}: down – {one.why} It is asked again later.")
    with deforum.Farm(
        servers,
        journal,
        stalled_after=options.stalled,
        patience=options.patience,
        tries=options.tries,
        outputs=outputs,
        again=options.again,
    ) as farm:
        told = []
        for outcome in farm.run(jobs):
            error = outcome.error
            failed += error is not None
            told.append(
                {"id": outcome.job.id, "file": str(target / f"{outcome.job.id}.mp4"), "reason": error.reason if error else None}
            )
            if error:
                say(console, f"{outcome.job.id}: {error.detail}")
                continue
            film_file = target / f"{outcome.job.id}.mp4"
            if sound := sounds[outcome.job.id]:
                with _blaming(sound):
                    film.dub(outcome.job.to, film_file, sound=_sound(sound))
            if not options.json:
                say(Console(), f"{film_file} ({len(told)} of {len(jobs)})")
    if options.json:
        print(json.dumps(told, indent=1))
    else:
        say(Console(), f"{several(len(jobs) - failed, 'film')}, {several(failed, 'failure')}.")
    return 1 if failed else 0


def _beside(plan: Path) -> Path | None:
    """The sound that lies beside a plan."""
    there = (plan.with_name(f"{plan.name}{suffix}") for suffix in SOUNDS)
    return next((file for file in there if file.is_file()), None)


def _shard(plans: list[Path], text: str) -> list[Path]:
    index, _, number = text.partition("/")
    if not (index.isdecimal() and number.isdecimal() and int(index) < int(number)):
        raise UserError(f"{text!r} is no shard: write 0/4 for the first of four.")
    return plans[int(index) :: int(number)]


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name):
        raise UserError(f"{option} takes two things with = between them, not {text!r}.")
    return name, value


def _typed(changes: dict[str, str]) -> dict[str, Any]:
    typed = {}
    for name, value in changes.items():
        try:
            typed[name] = json.loads(value)
        except ValueError:
            typed[name] = value
    return typed


def _serve(options: argparse.Namespace) -> int:
    from motet.video.deforum import serving

    devices = options.devices.split(",") if options.devices else serving.devices()
    if not devices:
        raise UserError("No GPU was found: name them by --devices 0,1, or say --devices cpu.")
    console = Console(stderr=True)
    served = serving.serve(
        options.command,
        devices,
        options.port,
        folder=options.to,
        cwd=options.cwd,
        on_change=lambda change: say(console, f"{change.url} on {change.device}: {change.reason or change.state}"),
    )
    if options.json:
        print(json.dumps([{"url": kept.url, "device": kept.device, "state": kept.state} for kept in served.servers], indent=1))
    return 0 if served.ok else 1


def _health(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from motet.video.deforum import addresses, health

    if options.wait is not None:
        if not 0 <= options.wait < 1e9:
            raise UserError("--wait is a number of seconds.")
        if not options.servers:
            raise UserError("--wait is for --servers FILE, where those that are up will stand.")
        if not addresses.wait(options.servers, options.wait):
            raise UserError(f"No server was up within {options.wait:g} s.", exit_code=1)
    found = health.ask(_urls(options))
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=1))
    else:
        for one in found:
            state = "up" if one.up else "down"
            if one.up and one.latency is not None:
                state += f", answers in {one.latency * 1000:.0f} ms"
            if one.running is not None:
                state += f", {several(one.running, 'job')} at work, {count(one.waiting or 0)} waiting"
            say(Console(), f"{one.url}: {state}{f' – {one.why}' if one.why else ''}")
    return 0 if all(one.up for one in found) or (options.wait is not None and any(one.up for one in found)) else 1


def _slurm(options: argparse.Namespace) -> int:
    from motet.dataset.durable import write_bytes
    from motet.video.deforum import slurm

    if not options.folder.is_dir():
        raise UserError(f"{options.folder} is no folder of plans.")
    if options.to is not None and not options.to.absolute().parent.is_dir():
        raise UserError(f"{options.to.parent} is no folder: name a file in one that is there.")
    text = slurm.script(
        options.folder,
        options.command,
        tasks=options.tasks,
        gpus=options.gpus,
        hours=options.hours,
        partition=options.partition,
        account=options.account,
        setup=options.setup,
    )
    if options.to is None:
        print(text, end="")
        return 0
    write_bytes(options.to, text.encode())
    os.chmod(options.to, 0o755)
    if options.json:
        print(json.dumps({"file": str(options.to)}))
    else:
        say(Console(), f"{options.to} is written: hand it in by sbatch {options.to}")
    return 0


def _examples(options: argparse.Namespace) -> int:
    from motet.video.examples import examples

    console = Console(stderr=True)
    made = examples(
        options.to,
        songs=options.songs,
        progress=lambda done, of, what: say(console, f"{done} of {of}: {what}"),
    )
    if options.json:
        print(
            json.dumps([{"name": one.name, "files": dict(one.files), "f1": one.sync["picture"]["f1"]} for one in made], indent=1)
        )
    else:
        say(Console(), f"{several(len(made), 'film')} to watch: {options.to / 'index.html'}")
    return 0
