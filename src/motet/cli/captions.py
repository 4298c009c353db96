"""The command for words about music: caption, which writes them and checks any."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from rich.console import Console

from motet.cli.midi import clip_of, read_song
from motet.cli.shared import Command, say
from motet.errors import UserError
from motet.wording import count, several

if TYPE_CHECKING:
    from motet.text import Caption, Checked, Record

FORMS = ("short", "long", "tags", "question")
LARGEST = 4_000_000  # bytes of a fact record or a caption that are read


def add(command: Command) -> None:
    sub = command("caption", _caption, "write true captions of MIDI files, or check any caption against facts")
    sub.epilog = "motet caption check --facts FILE --text TEXT tells which claims of a text a clip's fact record supports."
    sub.add_argument("paths", nargs="+", metavar="FILE|DIR", help="MIDI files, or folders of them; or the word check")
    sub.add_argument("--writer", choices=("grammar", "llm"), default="grammar", help="who writes (default: grammar)")
    sub.add_argument("--form", choices=FORMS, action="append", help="short (default), long, tags or question; may be repeated")
    sub.add_argument("--from", dest="start", type=float, metavar="SECONDS", help="of the clip that begins here")
    sub.add_argument("--to", dest="end", type=float, metavar="SECONDS", help="and ends here")
    sub.add_argument("--seed", type=int, default=0, metavar="N", help="of the grammar's choices (default: 0)")
    sub.add_argument("--words-only", action="store_true", help="let the grammar give neither beats per minute nor seconds")
    model = sub.add_argument_group("with --writer llm")
    model.add_argument("--model", metavar="NAME", default="", help="the model, by the name its server knows it by")
    model.add_argument("--base-url", metavar="URL", default="http://localhost:11434/v1", help="an OpenAI-compatible server")
    model.add_argument("--key-variable", metavar="NAME", default="OPENAI_API_KEY", help="the environment variable with its key")
    model.add_argument("--price-in", type=float, metavar="DOLLARS", help="for a million tokens of questions")
    model.add_argument("--price-out", type=float, metavar="DOLLARS", help="for a million tokens of answers")
    model.add_argument("--cap", type=float, default=5.0, metavar="DOLLARS", help="that may be spent in all (default: 5)")
    check = sub.add_argument_group("with check")
    check.add_argument("--facts", metavar="FILE", help="a fact record as JSON; - for standard input")
    check.add_argument("--text", metavar="TEXT", help="the caption, or a file that holds it; - for standard input")


def _caption(options: argparse.Namespace) -> int:
    if options.facts is not None or options.text is not None:
        if options.paths != ["check"] or options.facts is None or options.text is None:
            raise UserError("Say motet caption check --facts FILE --text TEXT.")
        return _check(options)
    if options.paths == ["check"] and not Path("check").exists():
        raise UserError("Say what to check: motet caption check --facts FILE --text TEXT.")
    songs, left_out = _songs(options)
    if not songs:
        raise UserError(f"There is nothing to write about: {left_out[0][1] if left_out else 'no MIDI file is there'}.", 1)
    silent = ""
    if options.writer == "llm":
        written, silent = _by_model(songs, options)
    else:
        written = _by_grammar(songs, options)
    if options.json:
        told = [
            {"file": str(song.file), "record": json.loads(song.record.to_json()), "captions": [asdict(one) for one in captions]}
            for song, captions in zip(songs, written, strict=True)
        ]
        refused = [{"file": str(file), "reason": reason} for file, reason in left_out]
        print(json.dumps(told + refused, indent=1, ensure_ascii=False))
        return _ended(silent)
    console, aside = Console(), Console(stderr=True)
    for song, captions in zip(songs, written, strict=True):
        say(console, str(song.file))
        for caption in captions:
            say(console, f"  {caption.text}")
            if caption.model and caption.writer == "grammar":
                say(aside, f"  (by the grammar: what {caption.model} wrote was not true: {'; '.join(caption.wrong[:2])})")
    for _, reason in left_out:
        say(aside, f"Left out: {reason}")
    return _ended(silent)


def _ended(silent: str) -> int:
    """Where a server gave no answer the grammar wrote, and the command has not finished what it was asked."""
    if silent:
        raise UserError(f"{silent} The grammar wrote instead; the same command asks again, and only for what is missing.", 1)
    return 0


# --- What is there to write about ---


@dataclass(frozen=True)
class _Song:
    file: Path
    record: Record


def _songs(options: argparse.Namespace) -> tuple[list[_Song], list[tuple[Path, str]]]:
    """The fact record of each file, and the files of folders that have none, with the reason."""
    songs, left_out = [], []
    for path in map(Path, options.paths):
        for file in _files(path):
            try:
                songs.append(_Song(file, _record(file, options)))
            except UserError as problem:
                if not path.is_dir():
                    raise
                left_out.append((file, str(problem)))
    return songs, left_out


def _files(path: Path) -> Iterator[Path]:
    from motet.files import MIDI

    if not path.is_dir():
        yield path
        return
    yield from sorted(file for file in path.rglob("*") if file.suffix.lower() in MIDI.suffixes and file.is_file())


def _record(file: Path, options: argparse.Namespace) -> Record:
    from motet.midi import Passage, describe
    from motet.text import Place, listen

    score = read_song(file)
    whole = Passage.whole(score)
    passage = clip_of(file, whole, options.start, options.end)
    try:
        record = listen(passage, describe(passage))
    except ValueError as problem:
        raise UserError(f"{file} cannot be told of: {problem}.", exit_code=1) from None
    return replace(record, section=Place(position="whole")) if passage is whole else record


# --- Who writes ---


def _by_grammar(songs: Sequence[_Song], options: argparse.Namespace) -> list[list[Caption]]:
    from motet.text import by_grammar, ship

    numbers, told = not options.words_only, []
    for song in songs:
        random = Random(f"{options.seed} {song.record.to_json()}")
        drafts = by_grammar(song.record, random, _forms(options), numbers)
        told.append([true for one in drafts if (true := ship(one, song.record, random, numbers))])
    return told


def _by_model(songs: Sequence[_Song], options: argparse.Namespace) -> tuple[list[list[Caption]], str]:
    """Captions of each song, and why some are not the model's, "" if it was asked for all."""
    from motet import sources
    from motet.sources.asking import Unanswered
    from motet.text import Caption, Record, by_grammar, check, llm, ship, write

    settings = llm.Settings(
        model=options.model,
        base_url=options.base_url,
        key_variable=options.key_variable,
        price_in=options.price_in,
        price_out=options.price_out,
        cap=options.cap,
    )
    forms, facts = _forms(options), [json.loads(song.record.to_json()) for song in songs]
    told: list[list[Caption]] = []
    numbers, silent = not options.words_only, ""
    with llm.Writer(settings, sources.shared_folder(os.environ) / "llm") as writer:
        _say_price(writer.estimate(facts, forms), writer.spent(), settings)

        def instead(record: Any, form: str) -> str:
            return write(Record.from_json(json.dumps(record)), Random(options.seed), form, numbers)  # type: ignore[arg-type]

        for song, found in zip(songs, writer.captions(facts, forms, check, instead), strict=True):
            if isinstance(found, Unanswered):
                silent = str(found)
                drafts = by_grammar(song.record, Random(options.seed), forms, numbers)
                told.append([true for one in drafts if (true := ship(one, song.record, Random(options.seed), numbers))])
                continue
            drafts = [
                Caption(
                    text=one.text,
                    form=one.style,  # type: ignore[arg-type]
                    writer=one.writer,
                    model=one.model,
                    prompt_version=one.prompt_version,
                    wrong=tuple(dict.fromkeys(one.reasons)),
                )
                for one in found
            ]
            told.append([true for one in drafts if (true := ship(one, song.record, Random(options.seed), numbers))])
    return told, silent


def _say_price(estimate: Any, spent: float, settings: Any) -> None:
    """What it will cost, before anything is asked; raises UserError if that is more than the cap leaves."""
    console = Console(stderr=True)
    tokens = estimate.tokens_in + estimate.tokens_out
    say(
        console,
        f"{several(estimate.clips, 'clip')}, {several(estimate.requests, 'request')} to {settings.model}: "
        f"about {count(tokens)} tokens and ${estimate.dollars:.4f}, ${estimate.most:.4f} at most (an estimate). "
        f"Spent so far ${spent:.4f} of ${settings.cap:g}.",
    )
    if spent + estimate.dollars > settings.cap:
        raise UserError(f"That is more than the cap of ${settings.cap:g} leaves: raise it with --cap, or name fewer files.")


def _forms(options: argparse.Namespace) -> list[Any]:
    return list(dict.fromkeys(options.form or ["short"]))


# --- Checking ---


def _check(options: argparse.Namespace) -> int:
    from motet.text import Record, check

    if options.facts == options.text == "-":
        raise UserError("Only one of --facts and --text can come from standard input.")
    try:
        record = Record.from_json(_facts(_text(options.facts, must_be_file=True)))
    except ValueError as problem:
        raise UserError(f"{options.facts} is {problem}: give a fact record (docs/captions.md).") from None
    caption = " ".join(_text(options.text).split())
    checked = check(caption, json.loads(record.to_json()))
    if options.json:
        print(json.dumps({"verdict": checked.verdict, "claims": [asdict(claim) for claim in checked.claims]}, indent=1))
    else:
        _tell(Console(), checked)
    return 0 if checked.verdict == "true" else 1


def _facts(text: str) -> str:
    """A fact record as it is, or out of what `motet caption FILE --json` prints of one file."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return text  # the reader of records says what is wrong
    return json.dumps(told[0]["record"]) if isinstance(told, list) and len(told) == 1 and "record" in told[0] else text


def _text(named: str, must_be_file: bool = False) -> str:
    try:
        if named == "-":
            return sys.stdin.read(LARGEST)
        path = Path(named)
        if must_be_file or (len(named) < 256 and "\n" not in named and path.is_file()):
            with path.open(encoding="utf-8", errors="replace") as file:
                return file.read(LARGEST)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{named} cannot be read: {reason}.") from None
    return named


def _tell(console: Console, checked: Checked) -> None:
    say(
        console, {"true": "Every claim is supported.", "false": "It is not true.", "junk": "That is no caption."}[checked.verdict]
    )
    for claim in checked.claims:
        say(console, f"  {claim.verdict:<12} {claim.kind:<14} {claim.words!r}{': ' if claim.because else ''}{claim.because}")
