"""The commands for one MIDI file: midi facts, midi sections, midi split."""

from __future__ import annotations

import argparse
import json
import re
import stat
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from motet.cli.shared import Command, commands_of, printable, say
from motet.errors import UserError
from motet.wording import count

if TYPE_CHECKING:
    from motet.midi import Description, Score, SectionFacts, Words

_HALF = re.compile(r"\.(.+)\.\d+\.tmp")
LARGEST = 64 << 20  # bytes of a file; the largest MIDI files of collections have a tenth of it


def add(command: Command) -> None:
    tool = commands_of(command("midi", None, "look into one MIDI file, or take it apart"))

    sub = tool("facts", _facts, "tempo, metre, key, chords, instruments and their roles, timing, words; each with its confidence")
    sub.add_argument("file", type=Path, metavar="FILE")
    sub.add_argument("--from", dest="start", type=float, metavar="SECONDS", help="facts of the clip that begins here")
    sub.add_argument("--to", dest="end", type=float, metavar="SECONDS", help="and ends here")

    sub = tool("sections", _sections, "where sections begin, which repeat, and tempo, key and loudness of each")
    sub.add_argument("file", type=Path, metavar="FILE")

    sub = tool("split", _split, "write one MIDI file per instrument, losing nothing")
    sub.add_argument("file", type=Path, metavar="FILE")
    sub.add_argument("--to", type=Path, metavar="DIR", help="where (default: FILE's name with -parts behind it, beside it)")
    sub.add_argument(
        "--merge",
        choices=("none", "program", "family"),
        default="none",
        help="one file per track, channel and program (none, the default), per program, or per family of instruments",
    )


def read_bytes(file: Path) -> bytes:
    try:
        about = file.stat()
        if not (stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)):
            raise UserError(f"{file} is no file but a pipe or a device: name a MIDI file.")
        if about.st_size > LARGEST:
            raise UserError(f"{file} has {count(about.st_size)} bytes, more than the {count(LARGEST)} that are read: is it MIDI?")
        with file.open("rb") as opened:
            return opened.read(LARGEST)
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.") from None


def _read(file: Path) -> tuple[bytes, Score]:
    from motet.midi import Unreadable, read

    data = read_bytes(file)
    try:
        return data, read(data)
    except Unreadable as error:
        raise _refusal(file, error) from None


def _refusal(file: Path, error: Any) -> UserError:
    return UserError(f"{file} cannot be used: {error.reason} ({error.detail}).", exit_code=1)


# -- facts --------------------------------------------------------------------------------------------------------------


def _facts(options: argparse.Namespace) -> int:
    from motet.midi import Passage, Unreadable, describe, describe_sections, words

    data, score = _read(options.file)
    whole = Passage.whole(score)
    passage = clip_of(options.file, whole, options.start, options.end)
    try:
        found = describe(passage)
        sections = describe_sections(passage, found) if passage is whole else []
        written = words(data)
    except Unreadable as error:
        raise _refusal(options.file, error) from None
    if options.json:
        print(json.dumps(_facts_json(options.file, passage, found, sections, written, data), indent=1))
    else:
        _tell(Console(), options.file, passage, found, sections, written)
    return 0


def read_song(file: Path) -> Score:
    """A MIDI file's notes; raises UserError for one that cannot be used."""
    return _read(file)[1]


def clip_of(file: Path, whole: Any, start: float | None, end: float | None) -> Any:
    """The passage asked for: the whole song, or what lies between two times in seconds."""
    from motet.midi import Passage

    if whole.end == 0:
        raise UserError(f"{file} has no notes.", exit_code=1)
    if start is None and end is None:
        return whole
    start = 0.0 if start is None else start
    end = whole.seconds if end is None else end
    if not 0 <= start < whole.seconds or not start < end:
        raise UserError(f"--from {start:g} --to {end:g} is no clip of a song of {whole.seconds:.1f} s.")
    ticks = whole.clock.from_seconds([start, min(end, whole.seconds)]).tolist()
    if ticks[0] >= ticks[1]:
        raise UserError(f"--from {start:g} --to {end:g} is shorter than a tick.")
    return Passage(whole.score, *ticks)


def _facts_json(file: Path, passage: Any, found: Description, sections: list[SectionFacts], written: Words, data: bytes) -> Any:
    import hashlib

    clock = passage.clock
    plain = asdict(found)
    plain["key"] = _key_json(found.key)
    plain["chords"] = [
        {
            "start": round(clock.to_seconds(chord.start), 6),
            "end": round(clock.to_seconds(chord.end), 6),
            "symbol": chord.symbol,
            "confidence": round(chord.confidence, 4),
        }
        for chord in found.chords
    ]
    return _rounded(
        {
            "file": str(file),
            "sha256": hashlib.sha256(data).hexdigest(),
            "read_as": passage.score.how,
            "start": clock.to_seconds(passage.start),
            "end": clock.to_seconds(passage.end),
            **plain,
            "sections": [_section_json(one) for one in sections],
            "tempo_map": clock.to_rows(),
            "words": {
                "title": written.title,
                "language": written.language,
                "lyrics": written.lyrics,
                "texts": [text.text for text in written.texts],
                "copyrights": [text.text for text in written.copyrights],
                "track_names": [text.text for text in written.track_names],
                "markers": [[clock.to_seconds(text.tick), text.text] for text in written.markers],
                "encoding": written.encoding,
            },
        }
    )


def _key_json(key: Any) -> Any:
    return None if key is None else {"name": key.name, **asdict(key)}


def _section_json(one: SectionFacts) -> dict[str, Any]:
    from motet.midi import as_services_did

    section = one.section
    return {"label": section.label, "label_confidence": section.label_confidence, **as_services_did(one)}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _tell(console: Console, file: Path, passage: Any, found: Description, sections: list[SectionFacts], written: Words) -> None:
    def line(name: str, text: str) -> None:
        say(console, f"  {name:<12} {text}")

    say(console, f"{file}: {_clock(found.seconds)}, {_many(found.texture.notes, 'note')}")
    if found.key:
        other = found.key.runner_up_name
        line("key", f"{found.key.name} ({found.key.confidence:.0%}; else {other})")
    if found.tap:
        double = f"; else {found.tap.runner_up:.0f}" if found.tap.runner_up else ""
        how = "" if found.tap.follows_map else ", from the onsets: the notes do not follow the file's own beat"
        line("pulse", f"{found.tap.tempo:.1f} taps a minute ({found.tap.confidence:.0%}{double}){how}")
    if found.metre:
        stated = "stated" if found.metre.written else "not stated, so by default"
        sure = f", {found.metre.confidence:.0%} by the notes" if found.metre.confidence is not None else ""
        line("metre", f"{found.metre.numerator}/{found.metre.denominator} ({stated}{sure})")
    if found.feel:
        swing = f", swing {found.feel.swing:.2f}" if found.feel.swing else ""
        kind = "quantised" if found.feel.quantised else "played"
        off = "" if found.feel.deviation is None else f", {found.feel.deviation:.0f} ms off the grid"
        line("timing", f"{kind} ({found.feel.confidence:.0%}){off}{swing}")
    line("loudness", f"{found.lufs:.0f} LUFS, energy {found.energy:.2f}, acousticness {_share(found.acousticness)} (estimates)")
    line("chords", " ".join(chord.symbol for chord in found.chords[:16]) + (" …" if len(found.chords) > 16 else ""))
    if written.title or written.lyrics:
        words = " / ".join(text.text for text in written.lines[:2])
        line("words", f"{written.title}{': ' if written.title and words else ''}{words}{' …' if len(written.lines) > 2 else ''}")
    if sections:
        line("form", " ".join(one.section.label for one in sections))
    table = Table("instrument", "track", "role", "sounds", "notes", box=None, pad_edge=False)
    for one in found.instruments:
        role = one.role if one.is_drum else f"{one.role} ({one.confidence:.0%})"
        table.add_row(_plain(one.name), _plain(one.track_name), role, f"{one.share:.0%}", count(one.notes))
    console.print(table)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(printable(text))


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def _clock(seconds: float) -> str:
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


# -- sections -----------------------------------------------------------------------------------------------------------


def _sections(options: argparse.Namespace) -> int:
    from motet.midi import Passage, Unreadable, describe, describe_sections

    _, score = _read(options.file)
    whole = clip_of(options.file, Passage.whole(score), None, None)
    try:
        found = describe(whole)
        sections = describe_sections(whole, found)
    except Unreadable as error:
        raise _refusal(options.file, error) from None
    if options.json:
        told = {
            "file": str(options.file),
            "duration": whole.seconds,
            "energy": found.energy,
            "acousticness": found.acousticness,
            "estimated": ["loudness", "energy", "acousticness"],
            "sections": [_section_json(one) for one in sections],
        }
        print(json.dumps(_rounded(told), indent=1))
        return 0
    columns = ("", "start", "seconds", "bar", "key", "tempo", "metre", "loudness", "sure of the cut")
    table = Table(*columns, box=None, pad_edge=False)
    for one in sections:
        table.add_row(
            one.section.label,
            _clock(one.start),
            f"{one.seconds:.1f}",
            count(whole.clock.to_bars(one.section.start)[0] + 1),
            one.key.name if one.key else "",
            f"{one.tempo:.0f}",
            f"{one.metre[0]}/{one.metre[1]}",
            f"{one.lufs:.0f} LUFS",
            f"{one.section.confidence:.0%}",
        )
    Console().print(table)
    return 0


# -- split --------------------------------------------------------------------------------------------------------------


def _split(options: argparse.Namespace) -> int:
    from motet.dataset.durable import write_bytes
    from motet.midi import Unreadable, separate

    data = read_bytes(options.file)
    try:
        song = separate(data, options.merge)
    except Unreadable as error:
        raise _refusal(options.file, error) from None
    if not song.parts:
        raise UserError(f"{options.file} has no notes that play: there is nothing to split.", exit_code=1)
    folder = options.to or options.file.with_name(f"{options.file.stem}-parts")
    _prepare(folder, {f"{part.file_name}.mid" for part in song.parts})
    try:
        for part in song.parts:
            write_bytes(folder / f"{part.file_name}.mid", part.midi)
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror or error}.", exit_code=1) from None
    names = ("index", "name", "track", "channel", "program", "is_drum", "track_name", "notes", "first_onset", "last_off")
    parts = [{"file": str(folder / f"{p.file_name}.mid"), **{n: getattr(p, n) for n in names}} for p in song.parts]
    left = [{n: getattr(one, n) for n in ("track", "channel", "program", "name", "reason")} for one in song.left_out]
    if options.json:
        print(json.dumps({"parts": parts, "left_out": left}, indent=1))
        return 0
    console = Console()
    for line in _split_lines(folder, song):
        say(console, line)
    return 0


def _many(number: int, what: str) -> str:
    return f"{count(number)} {what}{'' if number == 1 else 's'}"


def _prepare(folder: Path, wanted: set[str]) -> None:
    """The folder to write to: new, empty, or holding an earlier split of the same song only."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = list(folder.iterdir())
        for path in there:
            # What a killed run left half-written.
            if (half := _HALF.fullmatch(path.name)) and half[1] in wanted:
                path.unlink(missing_ok=True)
        strange = {path.name for path in there if not _HALF.fullmatch(path.name)} - wanted
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror or error}.", exit_code=1) from None
    if strange:
        raise UserError(f"{folder} holds other files, such as {min(strange)}: name an empty or new folder with --to.")


def _split_lines(folder: Path, song: Any) -> Iterable[str]:
    yield f"{_many(len(song.parts), 'part')} in {folder}:"
    for part in song.parts:
        yield f"  {part.file_name}.mid   {_many(part.notes, 'note')}"
    if song.left_out:
        yield "Left out:"
        for one in song.left_out:
            yield f"  track {one.track} {one.name}: {one.reason}"
