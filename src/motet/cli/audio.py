"""The commands for one recording, audio facts, audio separate, audio chunk; and audio balance for a dataset of them."""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from motet.cli.shared import Command, commands_of, printable, say
from motet.errors import UserError
from motet.wording import count, several, span

if TYPE_CHECKING:
    from motet.audio.decoding import Recording

_LONGEST = 900.0  # seconds that are described together


def add(command: Command) -> None:
    tool = commands_of(command("audio", None, "look into one recording, take it apart, or cut it"))

    sub = tool("facts", _facts, "tempo, beats, key, loudness, timbre and sections, each with its confidence")
    sub.add_argument("file", type=Path, metavar="FILE")
    sub.add_argument("--from", dest="start", type=float, default=0.0, metavar="SECONDS", help="where to begin")
    sub.add_argument("--to", dest="end", type=float, metavar="SECONDS", help="where to end (at most 15 minutes later)")
    sub.add_argument("--by", choices=("motet", "essentia"), default="motet", help="who listens")

    sub = tool("separate", _separate, "take a recording apart into stems, at its own rate")
    sub.add_argument("file", type=Path, metavar="FILE")
    sub.add_argument("--to", type=Path, metavar="DIR", help="where (default: FILE's name with -stems behind it, beside it)")
    sub.add_argument("--model", default="htdemucs", metavar="NAME", help="a demucs model (default: htdemucs)")
    sub.add_argument("--folder", type=Path, metavar="DIR", help="where the model lies: a folder you trust")
    sub.add_argument("--fetch", action="store_true", help="let demucs fetch a model of its own that is not here yet")
    sub.add_argument("--stems", choices=("two", "all"), default="two", help="instrumental and vocals, or all of the model")

    sub = tool("chunk", _chunk, "cut a recording into chunks at one rate and loudness")
    sub.add_argument("file", type=Path, metavar="FILE")
    sub.add_argument("--to", type=Path, metavar="DIR", help="where (default: FILE's name with -chunks behind it, beside it)")
    sub.add_argument("--length", type=float, default=30.0, metavar="SECONDS")
    sub.add_argument("--shortest", type=float, default=15.0, metavar="SECONDS")
    sub.add_argument("--rate", type=int, default=32_000, metavar="HZ")
    sub.add_argument("--channels", type=int, choices=(1, 2), default=1)
    sub.add_argument("--tail", choices=("join", "drop", "keep"), default="join", help="what becomes of a short rest")

    sub = tool("balance", _balance, "how the clips of a dataset spread over genres, moods, instruments, keys and tempi")
    sub.add_argument("dataset", type=Path, metavar="DIR")


@contextmanager
def _opened(file: Path) -> Iterator[Recording]:
    from motet.audio.decoding import open_recording
    from motet.audio.errors import Unusable

    try:
        with open_recording(file) as recording:
            yield recording
    except Unusable as error:
        raise UserError(f"{file} cannot be used: {error.reason} ({error.detail}).", exit_code=1) from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.") from None


# -- facts --------------------------------------------------------------------------------------------------------------


def _facts(options: argparse.Namespace) -> int:
    import numpy as np

    from motet.audio.facts.describe import describe

    if not 0 <= options.start < 1e6 or (options.end is not None and not options.start < options.end < math.inf):
        raise UserError("--from and --to are no span: 0 <= from < to must hold.")
    longest = _LONGEST if options.end is None else min(options.end - options.start, _LONGEST)
    with _opened(options.file) as recording:
        first, last = round(options.start * recording.rate), round((options.start + longest) * recording.rate)
        held, at = [], 0
        for block in recording.blocks():
            if (part := block[max(first - at, 0) : max(last - at, 0)]).size:
                held.append(part)
            at += len(block)
            if at >= last:
                break
        about: dict[str, Any] = {
            "file": str(options.file),
            "codec": recording.codec,
            "container": recording.container,
            "rate": recording.rate,
            "channels": recording.channels,
            "layout": recording.layout,
            "tags": recording.tags,
        }
        if not held:
            raise UserError(f"{options.file} has no sound from {options.start:g} s on.")
        samples = np.concatenate(held)
        found = describe(samples, recording.rate, by=options.by).as_dict()
    about = about | {"start": options.start, "seconds": round(len(samples) / about["rate"], 3)}
    if options.json:
        print(json.dumps({**about, "facts": found}, indent=1, ensure_ascii=False))
        return 0
    console = Console()
    say(
        console,
        f"{options.file}: {span(about['seconds'])} from {options.start:g} s, {about['codec']} in {about['container']}, "
        f"{count(about['rate'])} Hz, {about['layout']}",
    )
    table = Table(box=None, show_header=False)
    for name, value in _lines(found):
        table.add_row(name, printable(value))
    console.print(table)
    return 0


def _lines(told: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in told.items():
        called = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(value, dict):
            yield from _lines(value, f"{called}: ")
        elif isinstance(value, list):
            shown = ", ".join(_plain(one) for one in value[:8])
            yield called, shown + (f" … ({count(len(value))})" if len(value) > 8 else "")
        elif value is not None:
            yield called, _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(_plain(one) for one in value.values())
    if isinstance(value, list):
        return " ".join(_plain(one) for one in value)
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


# -- separate -----------------------------------------------------------------------------------------------------------


def _separate(options: argparse.Namespace) -> int:
    import numpy as np
    import soundfile

    from motet.audio import separating
    from motet.audio.channels import downmix

    target: Path = options.to or options.file.with_name(options.file.stem + "-stems")
    separator = separating.load(options.model, options.folder, fetch=options.fetch)
    with _opened(options.file) as recording, _aside(target) as folder, ExitStack() as stack:
        channels = 1 if recording.channels == 1 else 2
        mixed = (downmix(block, recording.layout, channels) for block in recording.blocks())  # type: ignore[arg-type]
        stems = separator.separate(mixed, recording.rate, channels, stems=options.stems)
        files = {
            name: stack.enter_context(
                soundfile.SoundFile(folder / f"{name}.wav", "w", recording.rate, channels, format="WAV", subtype="FLOAT")
            )
            for name in stems.names
        }
        try:
            for pieces in stems:
                for name, piece in pieces.items():
                    files[name].write(np.ascontiguousarray(piece))
        except RuntimeError as error:  # torch's own word for a model that does not fit together
            said = " ".join(str(error).split())[:200]
            raise UserError(f"The model {options.model} failed over {options.file}: {said}.", exit_code=1) from None
    told: dict[str, Any] = {
        "file": str(options.file),
        "to": str(target),
        "stems": list(stems.names),
        "model": separator.card.name,
        "licence": separator.card.licence,
        "device": stems.device,
        "seconds": round(stems.frames / recording.rate, 3),
        "remarks": stems.fallbacks,
    }
    if options.json:
        print(json.dumps(told, indent=1))
    else:
        console = Console()
        say(console, f"{', '.join(told['stems'])} are in {target}, by {told['model']} on {told['device']}.")
        say(console, f"The model's licence: {told['licence']}.")
        for remark in stems.fallbacks:
            say(console, f"{remark[:1].upper()}{remark[1:]}.")
    return 0


@contextmanager
def _aside(target: Path) -> Iterator[Path]:
    """A folder whose files are moved into `target` once all are whole. It is new or empty: no file of another's is replaced."""
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--to {target} cannot be made a folder: {error.strerror or error}.") from None
    if any(target.iterdir()):
        raise UserError(f"{target} holds files already: name a new or empty folder with --to.")
    with tempfile.TemporaryDirectory(prefix=".motet-", dir=target) as folder:
        yield Path(folder)
        for file in sorted(Path(folder).iterdir()):
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
            file.replace(target / file.name)


# -- chunk --------------------------------------------------------------------------------------------------------------


def _chunk(options: argparse.Namespace) -> int:
    from motet import render
    from motet.audio.chunk_sound import Fitter, faults
    from motet.audio.chunking import plan

    target: Path = options.to or options.file.with_name(options.file.stem + "-chunks")
    fitter = Fitter(options.rate, options.channels)
    with _opened(options.file) as recording:
        frames = sum(len(block) for block in recording.blocks())
    spans = plan(frames / recording.rate, recording.rate, length=options.length, shortest=options.shortest, tail=options.tail)
    if not spans:
        raise UserError(f"{options.file} lasts {frames / recording.rate:.1f} s: set --shortest lower.", exit_code=1)
    told: list[dict[str, Any]] = []
    with _opened(options.file) as recording, _aside(target) as folder:
        fitted = fitter.cut(recording.blocks(), recording.rate, spans, recording.layout)
        for number, (one, sound) in enumerate(zip(spans, fitted, strict=True)):
            name = f"{number:04d}.flac"
            (folder / name).write_bytes(render.encode(sound.samples, options.rate, format="flac"))
            told.append(
                {
                    "file": name,
                    "start": one.start_frame / recording.rate,
                    "end": one.end_frame / recording.rate,
                    "gain_db": sound.gain_db,
                    "lufs": sound.lufs,
                    "true_peak_db": sound.true_peak_db,
                    "faults": [word for word, _ in faults(sound.samples, options.rate)],
                }
            )
    if options.json:
        print(json.dumps({"file": str(options.file), "to": str(target), "chunks": told}, indent=1))
        return 0
    console = Console()
    table = Table("file", "start", "end", "gain dB", "LUFS", "peak dBTP", "faults", box=None)
    for row in told:
        cells = (row["start"], row["end"], row["gain_db"], row["lufs"], row["true_peak_db"])
        table.add_row(row["file"], *("–" if v is None else f"{v:.2f}" for v in cells), ", ".join(row["faults"]))
    console.print(table)
    say(console, f"{several(len(told), 'chunk')} in {target}.")
    return 0


# -- balance ------------------------------------------------------------------------------------------------------------


def _balance(options: argparse.Namespace) -> int:
    from motet.audio.balance import asks, counts, table
    from motet.dataset.folder import Dataset
    from motet.stages.balance import counted, target_of

    dataset = Dataset(options.dataset)
    if not {"clips", "chunks"} <= dataset.tables().keys():
        raise UserError(f"{options.dataset} has no clips of recordings: build it by the recipe musicgen.")
    target = target_of(dataset)
    report = counts((counted(row) for row in dataset.table("clips").to_pylist()), target)
    wishes = asks(report, target)
    if options.json:
        spreads = {
            name: {"counts": dict(one.counts), "missing": one.missing, "effective": one.effective}
            for name, one in report.spreads.items()
        }
        print(json.dumps({"clips": report.n, "spreads": spreads, "asks": wishes}, indent=1, ensure_ascii=False))
        return 0
    console = Console()
    shown = Table(box=None, show_header=False)
    for cells in table(report, target):
        shown.add_row(*map(printable, cells))
    console.print(shown)
    for wish in wishes:
        say(console, wish)
    return 0
