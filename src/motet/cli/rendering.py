"""The commands for sound: render, which plays a MIDI file, and rack, which tells and tries what there is to play with."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from motet.cli.midi import read_bytes
from motet.cli.shared import Command, at_least, commands_of, printable, say
from motet.errors import UserError
from motet.wording import several

if TYPE_CHECKING:
    from motet.render import Format, Record, Rendering, Trial
    from motet.render.rack import Rule

FORMATS = ("flac", "wav", "ogg", "opus", "mp3")
RECORD = "render.json"
OURS = re.compile(rf"render\.json|mix(?: \d+)?\.(?:{'|'.join(FORMATS)})|stems(?: \d+)?")  # what a rendering leaves in its folder


def add(command: Command) -> None:
    sub = command("render", _render, "play a MIDI file: a mix, stems if wanted, and the record of what played them")
    sub.add_argument("file", type=Path, metavar="FILE", help="a MIDI file")
    sub.add_argument(
        "--to", type=Path, required=True, metavar="OUT", help="a folder, or a file of the mix: .flac, .wav, .ogg, .opus or .mp3"
    )
    sub.add_argument("--rack", metavar="RACK", help="a ready rack or a rack file (default: default)")
    sub.add_argument("--stems", action="store_true", help="keep the stems too; OUT is a folder then")
    sub.add_argument(
        "--record", type=Path, metavar="FILE", help="play as this render.json says, instead of drawing from the rack"
    )
    sub.add_argument("--takes", type=at_least(1), default=1, metavar="N", help="renderings, each with its own draws (default: 1)")
    sub.add_argument("--transpose", type=at_least(0), default=0, metavar="N", help="semitones that later takes move by, at most")
    sub.add_argument(
        "--tempo", type=float, default=0.0, metavar="SHARE", help="by which later takes are faster or slower, at most"
    )
    sub.add_argument("--seed", type=int, default=0, metavar="N", help="of all draws (default: 0)")
    sub.add_argument("--rate", type=int, metavar="HZ", help="samples per second (default: 44100)")
    sub.add_argument("--mono", action="store_true", help="one channel instead of two")
    sub.add_argument("--format", choices=FORMATS, help="of the files (default: flac, or that of OUT)")
    sub.add_argument("--lufs", type=float, help="loudness aimed at; a true peak of -1 dB wins (default: -14)")
    sub.add_argument("--font", metavar="FILE", help="the SoundFont of instruments that name none")
    sub.add_argument(
        "--synth", metavar="NAME", help="motet (default), motet-wet (it sends to reverb and chorus), tinysoundfont, fluidsynth"
    )

    rack = command("rack", None, "tell what there is to play with, and try it")
    parts = commands_of(rack)
    shown = parts("show", _show, "tell what a rack holds, or which racks are ready")
    shown.add_argument("rack", nargs="?", metavar="RACK", help="a ready rack or a rack file")
    tried = parts("check", _check, "play a scale with every instrument of a rack and hear whether it sounds as it should")
    tried.add_argument(
        "rack", nargs="?", default="default", metavar="RACK", help="a ready rack or a rack file (default: default)"
    )
    tried.add_argument("--dataset", type=Path, metavar="DIR", help="tell also what check_audio found of each in this dataset")


# --- render ---


def _render(options: argparse.Namespace) -> int:
    from motet import __version__, midi, render
    from motet.render.plugins import Quarantine

    data, record = read_bytes(options.file), _recorded(options)
    asked = _asked(options, record)
    target = _target(options, asked["format"])
    drawn = record.takes if record else render.takes(options.takes, options.transpose, options.tempo, Random(options.seed))
    whole: dict[str, Any] = {
        "motet": __version__,
        "file": options.file.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        **asked,
        "takes": [],
    }
    try:
        render.check_encoding(target.format, asked["rate"])
        rack = render.read_rack(asked["rack"], font=asked["font"], synth=asked["synth"])
        quarantine = Quarantine.of_this_machine()
        render.tried(rack, quarantine)
        with (
            render.Player(rack, asked["rate"], quarantine) as player,
            tempfile.TemporaryDirectory(prefix="motet-render-") as scratch,
        ):
            rendered = render.render_song(
                data,
                player,
                Path(scratch),
                drawn,
                options.seed,
                record=record,
                channels=asked["channels"],
                format=target.format,
                target_lufs=asked["lufs"],
            )
            midi.read(data)
            if record:
                record.of(data)
            target.prepare()  # only now: what is in the folder was made in another hour of work
            for one in rendered:
                whole["takes"].append(_kept(one, target, options.stems, asked["rate"], numbered=len(drawn) > 1))
                if target.folder:  # after every take, so that a run that is stopped leaves a folder that is true
                    _write(target.folder / RECORD, json.dumps(whole, indent=1, ensure_ascii=False).encode())
                if not options.json:
                    _tell(one, target, whole["takes"][-1])
    except midi.Unreadable as error:
        raise UserError(f"{options.file} cannot be rendered: {error.detail}.", exit_code=1) from None
    except render.RenderError as error:
        raise UserError(f"{options.file} cannot be rendered: {error.detail.rstrip('.')}.", exit_code=1) from None
    except KeyboardInterrupt:
        raise UserError("stopped; the takes that were finished are kept.", exit_code=130) from None
    if options.json:
        print(json.dumps(whole, indent=1))
    return 0


def _asked(options: argparse.Namespace, record: Record | None) -> dict[str, Any]:
    """What is to be played with and written: as told, as the record has it, or as usual."""
    from motet import render

    if record:
        fixed: dict[str, Any] = {name: getattr(record, name) for name in ("rate", "channels", "format", "lufs")}
        for name in ("rate", "format", "lufs"):
            if getattr(options, name) not in (None, fixed[name]):
                raise UserError(f"The record says {name} {fixed[name]}: leave --{name} out.")
        usual = {"rack": record.rack, "font": record.font, "synth": record.synth}
    else:
        fixed = {
            "rate": 44100 if options.rate is None else options.rate,
            "channels": 1 if options.mono else 2,
            "format": options.format or _suffix(options.to) or "flac",
            "lufs": -14.0 if options.lufs is None else options.lufs,
        }
        usual = {"rack": "default", "font": "auto", "synth": render.DEFAULT_SYNTH}
    if not -60 <= fixed["lufs"] <= 0:
        raise UserError(f"--lufs is -60 to 0, not {fixed['lufs']:g}.")
    if not 0 <= options.tempo <= 0.5:
        raise UserError(f"--tempo is a share of 0 to 0.5, not {options.tempo:g}: 0.1 for a tenth faster or slower.")
    return {**{name: getattr(options, name) or value for name, value in usual.items()}, **fixed, "seed": options.seed}


def _suffix(path: Path) -> str:
    named = path.suffix.lower().removeprefix(".")
    return named if named in FORMATS and not path.is_dir() else ""


@dataclass(frozen=True)
class _Target:
    """Where a mix goes: one file, or a folder with the record and perhaps the stems."""

    format: Format
    file: Path | None
    folder: Path | None

    def mix(self, take: int, numbered: bool) -> Path:
        return self.file or (self.folder or Path()) / f"mix{f' {take}' if numbered else ''}.{self.format}"

    def prepare(self) -> None:
        """See that it can be written before hours of work, and take an earlier rendering out of the folder."""
        folder = self.folder or (self.file or Path()).absolute().parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
            if self.folder is None:
                return
            there = {path.name for path in folder.iterdir()}
            if there and RECORD not in there:
                raise UserError(f"{folder} holds other files, such as {min(there)}: name an empty or new folder with --to.")
            for path in folder.iterdir():
                if OURS.fullmatch(path.name):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError as error:
            raise UserError(f"{folder} cannot be written: {error.strerror or error}.", exit_code=1) from None


def _target(options: argparse.Namespace, format: Format) -> _Target:
    named = _suffix(options.to)
    if named:
        if options.stems or options.takes > 1:
            raise UserError("--stems and --takes write several files: name a folder with --to.")
        if format != named:
            raise UserError(f"{options.to} is no {format} file: name it with that suffix, or leave --format out.")
        return _Target(format, options.to, None)
    if options.to.exists() and not options.to.is_dir():
        raise UserError(
            f"{options.to} is a file, and no audio file: name a folder, or a file that ends in .{', .'.join(FORMATS)}."
        )
    return _Target(format, None, options.to)


def _recorded(options: argparse.Namespace) -> Record | None:
    """What an earlier rendering says of itself, None without one."""
    from motet.render import Record

    if options.record is None:
        return None
    try:
        return Record.read(read_bytes(options.record))
    except ValueError as error:
        raise UserError(
            f"{options.record} is no record of a rendering ({error}): give the {RECORD} that motet render wrote."
        ) from None


def _kept(one: Rendering, target: _Target, stems: bool, rate: int, numbered: bool) -> dict[str, Any]:
    """Write what is to be kept of a take; the record of it."""
    from motet.render import encode

    mixed = target.mix(one.take.number, numbered)
    _write(mixed, encode(one.mix.audio, rate, target.format))
    records = []
    for stem in one.stems:
        record = stem.record()
        if stems and target.folder:
            folder = target.folder / (f"stems {one.take.number}" if numbered else "stems")
            _write(folder / stem.file.name, stem.file.read_bytes())
            _write((folder / stem.file.name).with_suffix(".mid"), stem.midi)
            record["file"] = str((folder / stem.file.name).relative_to(target.folder))
        records.append(record)
    return {
        "take": one.take.number,
        "transpose": one.take.transpose,
        "speed": one.take.speed,
        "mix": {
            "file": mixed.name,
            "seconds": len(one.mix.audio) / rate,
            "gain_db": one.mix.gain_db,
            "lufs": one.mix.lufs,
            "true_peak_db": one.mix.true_peak_db,
            "ceiling_won": one.mix.ceiling_won,
        },
        "stems": records,
        "left_out": [{"part": name, "reason": reason} for name, reason in one.left_out],
    }


def _write(file: Path, data: bytes) -> None:
    from motet.dataset.durable import write_bytes

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(file, data)
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror or error}.", exit_code=1) from None


def _tell(one: Rendering, target: _Target, record: dict[str, Any]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 200)
    aside = Console(stderr=True)
    mixed = record["mix"]
    loud = "silent" if mixed["lufs"] is None else f"{mixed['lufs']:.1f} LUFS"
    capped = ", kept there by its peak" if mixed["ceiling_won"] else ""
    shift = f", {one.take.transpose:+d} semitones, {one.take.speed:g} of the speed" if one.take.number else ""
    say(console, f"{target.mix(one.take.number, False).parent / mixed['file']}: {mixed['seconds']:.1f} s, {loud}{capped}{shift}")
    table = Table("part", "played by", "effects", "onsets", "faults", box=None, pad_edge=False)
    for stem in one.stems:
        heard = stem.hearing
        table.add_row(
            printable(stem.name),
            printable(f"{stem.patch.instrument} ({stem.patch.sound.file})"),
            ", ".join(effect.name for effect in stem.patch.effects) or "–",
            "" if heard.f1 is None else f"{heard.f1:.2f}",
            ", ".join(fault.reason for fault in stem.faults) or "–",
        )
    console.print(table)
    for stem in one.stems:
        for what in stem.instead_of:
            say(aside, f"{stem.name} was to be played otherwise: {what}")
        for fault in stem.faults:
            say(aside, f"{stem.name}: {fault.detail}")
    for name, reason in one.left_out:
        say(aside, f"Left out: {name}: {reason}")


# --- rack ---


def _show(options: argparse.Namespace) -> int:
    from motet import render

    if options.rack is None:
        ready = render.ready_racks()
        if options.json:
            print(json.dumps(ready, indent=1))
        for name, about in ready.items() if not options.json else []:
            say(Console(), f"{name:<10} {about}")
        return 0
    rack = render.read_rack(options.rack)
    if options.json:
        print(json.dumps({**asdict(rack), "contents": rack.contents()}, indent=1))
        return 0
    console = Console()
    say(console, f"{rack.name}: {rack.about}")
    table = Table("instrument", "plays", "by", "licence", "weight", box=None, pad_edge=False)
    for one in rack.instruments:
        table.add_row(printable(one.name), printable(one.file.name), one.engine, printable(one.licence), f"{one.weight:g}")
    console.print(table)
    for rule in rack.effects:
        kept = ", ".join(entry.name for entry in rule.always) or "nothing"
        drawn = ", ".join(entry.name for entry in rule.chain) or "nothing"
        say(console, f"effects for {_whom(rule.rule)}: always {kept}; drawn from {drawn}")
    for playing in rack.humanise:
        say(console, f"by hand for {_whom(playing.rule)}")
    return 0


def _whom(rule: Rule) -> str:
    told = [*rule.roles, *rule.families, *(f"program {number}" for number in rule.programs)]
    if rule.drums is not None:
        told.append("drums" if rule.drums else "all but drums")
    return ", ".join(told) or "every part"


def _check(options: argparse.Namespace) -> int:
    """Exit code 1 if something in the rack has a fault. Plug-ins have their trial anew."""
    from motet import render
    from motet.render.plugins import Quarantine

    rack = render.read_rack(options.rack)
    seen = _in_dataset(options.dataset) if options.dataset else {}
    trials = []
    quarantine = Quarantine.of_this_machine()
    for file in rack.files():
        if file.kind == "plugin":
            quarantine.forget(file.sha256)
    render.tried(rack, quarantine)
    with render.Player(rack, 44100, quarantine) as player:
        for trial in render.try_rack(player):
            trials.append(trial)
            if not options.json:
                _tell_trial(trial)
    bad = {trial.instrument for trial in trials if trial.faults}
    if options.json:
        told = [{**asdict(trial), "in_dataset": seen.get(trial.instrument)} for trial in trials]
        print(json.dumps(told, indent=1))
        return 1 if bad else 0
    console = Console()
    for one in dict.fromkeys(trial.instrument for trial in trials):
        mine = [trial for trial in trials if trial.instrument == one]
        faulty = sum(bool(trial.faults) for trial in mine)
        slowest = min(trial.speed for trial in mine)
        judged = (
            f"{faulty} of {several(len(mine), 'trial')} with faults" if faulty else f"{several(len(mine), 'trial')}, all well"
        )
        say(console, f"{one}: {judged}; {slowest:.0f} times real time or more{seen.get(one, '')}")
    return 1 if bad else 0


def _tell_trial(trial: Trial) -> None:
    from motet.midi import instrument

    for fault in trial.faults:
        what = f", {instrument(trial.program, trial.is_drum)}" if trial.lufs is not None or trial.program else ""
        numbers = "".join(f", {name} {value:g}" for name, value in trial.parameters.items())
        say(Console(), f"{trial.instrument} ({trial.file}{what}{numbers}): {fault.reason}: {fault.detail}")


def _in_dataset(folder: Path) -> dict[str, str]:
    """What check_audio found of each instrument's stems in a dataset."""
    from motet.dataset.folder import Dataset
    from motet.report import played_otherwise

    dataset = Dataset(folder)
    if "audio_checks" not in dataset.tables():
        raise UserError(f"{folder} has no checked stems: build it by a recipe with check_audio.")
    rows = dataset.query(
        "SELECT instrument, count(*), sum(CAST(len(faults) > 0 AS INT)) FROM audio_checks GROUP BY instrument"
    ).fetchall()
    told = {name: f"; in {folder.name}: {faulty} of {several(stems, 'stem')} with faults" for name, stems, faulty in rows}
    for name, stems, why in played_otherwise(dataset):
        told[name] = told.get(name, f"; in {folder.name}:") + f" could not play {several(stems, 'stem')} ({why})"
    return told
