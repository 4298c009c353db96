"""Notes as tokens for language models of music, by MidiTok (Fradet et al. 2021): Parquet shards and the tokenizer itself.

    tokenizer.json          miditok.REMI(params="tokenizer.json"), or MusicTokenizer.from_pretrained(folder)
    train-00000.parquet     id, song, ids, notes, captions …: a row for each example, all its tracks in one sequence
    splits.json             how many shards, rows and tokens each split has

The tokenizer has the library's own defaults with programs, tempos and time signatures. What its vocabulary has no word for is not
in the tokens: notes outside its pitches, finer time, most controllers. `check` follows the library: ids inside the vocabulary,
decoded to as many notes as went in.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motet.errors import UserError
from motet.export.example import SPLITS, Choice, Example, Examples, Fault, Written
from motet.export.midi_files import Songs, batches, row
from motet.export.publishing import Pending, digest, in_order, published
from motet.wording import several

__all__ = ["KINDS", "OPTIONS", "check", "write"]

OPTIONS: tuple[str, ...] = ("tokenizer", "bpe")
FORM, VERSION = "tokens", 1
KINDS = (
    "REMI",
    "TSD",
    "MIDILike",
    "Structured",
    "CPWord",
    "Octuple",
)  # one sequence of all tracks; MuMIDI's words have no one length
TOKENIZER, SIZES = "tokenizer.json", "splits.json"
_BARS = 1024  # that Octuple counts; the library's 60 are no song
SHARD = 2000  # examples at most: what is held of them at a time
_NOTE_BYTES, _ROW_BYTES = 20, 500  # before compression, to tell beforehand when a shard is full
_LARGEST_VOCABULARY = 1_000_000
_KEYS = {
    "config", "tokenization", "miditok_version", "symusic_version", "hf_tokenizers_version", "_vocab_base", "_model",
    "_vocab_base_byte_to_token",
}  # fmt: skip
_FACTS = ("id", "song", "split", "title", "artist", "path", "start", "end", "duration", "caption", "captions", "licences")
# What the library raises for music that it has no words for, and for a file that is no tokenizer.
_REFUSED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError, AssertionError)


def write(examples: Examples, folder: Path, choice: Choice) -> Written:
    """Write the tokenizer and the shards. Options: `tokenizer`, one of KINDS (REMI), and `bpe`, the size of a vocabulary that is
    learned by byte pair encoding from the train split alone.

    The same examples and the same versions of MidiTok and tokenizers give the same bytes, BPE included. Examples without MIDI,
    or none of whose notes the tokenizer has words for, are left out. Raises UserError where nothing is left, for options that
    cannot be, and where MidiTok is not installed.
    """
    kind, size = _asked(choice)
    left: Counter[str] = Counter()
    sizes = {split: dict.fromkeys(("shards", "rows", "tokens"), 0) for split in SPLITS}
    lost = bare = 0
    with published(folder, lambda name: (name in (TOKENIZER, SIZES), name)) as pending:
        tokenizer = _new(kind)
        if size:
            tokenizer = _trained(pending, tokenizer, examples, kind, size)
        shape = json.dumps(tokenizer.to_dict(), indent=1).encode() + b"\n"
        pending.write(TOKENIZER, shape)
        for batch in batches(examples(), SHARD, lambda one: _share(one, choice)):
            size_of = sizes[batch[0].split]
            name = f"{batch[0].split}-{size_of['shards']:05d}.parquet"
            told = [[one.key, one.id, one.song, one.path, one.split, one.title, one.artist] for one in batch]
            key = digest(FORM, VERSION, hashlib.blake2b(shape).hexdigest(), choice.has("captions"), choice.captions, name, told)
            note = pending.note(key)
            if note is None:
                note = _shard(pending, name, batch, tokenizer, choice)
                pending.done(key, [name] if note["rows"] else [], note)
            size_of["shards"] += bool(note["rows"])
            size_of["rows"] += note["rows"]
            size_of["tokens"] += note["tokens"]
            left.update(note["left"])
            lost += note["lost"]
            bare += note["bare"]
        if not any(size_of["rows"] for size_of in sizes.values()):
            raise UserError("No example has notes to make tokens of: build the dataset with a recipe that keeps its MIDI.")
        pending.write(SIZES, json.dumps(sizes, indent=1).encode() + b"\n")
        names = pending.names
    remarks = [f"{several(count, 'example')} {why}: left out." for why, count in sorted(left.items())]
    if lost:
        remarks.append(f"{several(lost, 'note')} {kind} has no words for: not in the tokens.")
    if bare and choice.has("captions"):
        remarks.append(f"{several(bare, 'example')} without captions.")
    remarks += [f"No example is in {split}." for split in SPLITS if not sizes[split]["rows"]]
    if size and len(tokenizer) < size:
        remarks.append(
            f"The vocabulary has {len(tokenizer):,} words, not {size:,}: there were no more to join in the train split."
        )
    return Written(names, remarks, tuple(pending.pieces.values()))


def check(folder: Path) -> list[Fault]:
    """What MidiTok and a reader of Parquet would stumble over in `folder`. Raises UserError where MidiTok is not installed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    faults: list[Fault] = []
    tokenizer = _loaded(folder / TOKENIZER, faults)
    songs, ids = Songs(), set[str]()
    sizes = _sizes(folder / SIZES, faults)
    shards = sorted(path for path in folder.glob("*.parquet") if not path.name.startswith("."))
    wanted = {f"{split}-{number:05d}.parquet" for split in SPLITS for number in range(sizes[split]["shards"])}
    there = {path.name for path in shards}
    faults += [Fault("missing", name, "It must be there, and is not.") for name in sorted(wanted - there)[:100]]
    faults += [Fault("extra", name, f"{SIZES} says nothing of it.") for name in sorted(there - wanted)]
    found = {split: dict.fromkeys(("rows", "tokens"), 0) for split in SPLITS}
    for path in shards:
        split = path.name.partition("-")[0]
        if split not in SPLITS:
            continue
        try:
            with pq.ParquetFile(path) as file:
                if wrong := _wrong_columns(file.schema_arrow, tokenizer):
                    faults.append(Fault("columns", path.name, wrong))
                    continue
                for batch in file.iter_batches(256, columns=["id", "song", "split", "ids", "notes"]):
                    for told in batch.to_pylist():
                        where = f"{path.name}: {told['id']}"
                        if told["split"] != split:
                            faults.append(Fault("split", where, f"It says it is in {told['split']!r}."))
                        if told["id"] in ids:
                            faults.append(Fault("twice", where, "There is another row of this id."))
                        ids.add(told["id"])
                        found[split]["rows"] += 1
                        found[split]["tokens"] += len(told["ids"] or ())
                        faults += songs.leak(told["song"], split, where)
                        if tokenizer is not None:
                            faults += _decoded(tokenizer, told, where)
        except (OSError, pa.ArrowException, ValueError) as error:
            faults.append(Fault("damaged", path.name, f"It cannot be read as Parquet: {error}."))
    for split, counted in found.items():
        faults += [
            Fault("count", split, f"It has {number:,} {what}, and {SIZES} says {sizes[split][what]:,}.")
            for what, number in counted.items()
            if number != sizes[split][what] and not faults
        ]
    return faults


def _asked(choice: Choice) -> tuple[str, int]:
    choice.check_options(*OPTIONS)
    kind, size = choice.options.get("tokenizer", "REMI"), choice.options.get("bpe", "0")
    if kind not in KINDS:
        raise UserError(f"There is no tokenizer {kind!r} that makes one sequence of all tracks; there are: {', '.join(KINDS)}.")
    if not (size.isascii() and size.isdigit() and len(size) < 9 and int(size) <= _LARGEST_VOCABULARY):
        raise UserError(f"bpe={size} is no size of a vocabulary: give a whole number up to {_LARGEST_VOCABULARY:,}.")
    return kind, int(size)


def _library() -> Any:
    try:
        import miditok
    except ImportError:
        raise UserError('Tokens are made by MidiTok, which is not installed: pip install "motet[tokens]".') from None
    return miditok


def _new(kind: str) -> Any:
    miditok = _library()
    more = {"max_bar_embedding": _BARS} if kind == "Octuple" else {}
    with warnings.catch_warnings():  # of settings that a kind has no use for
        warnings.simplefilter("ignore")
        config = miditok.TokenizerConfig(use_programs=True, use_tempos=True, use_time_signatures=True, **more)
        return getattr(miditok, kind)(config)


def _share(example: Example, choice: Choice) -> int:
    """Of a full shard, in thousandths of an example's part of SHARD: at most this many bytes, before they are made."""
    notes = example.facts.get("notes")
    size = _ROW_BYTES + _NOTE_BYTES * (notes if isinstance(notes, int) else 500)
    return max(1, -(-size * SHARD // choice.shard_bytes))


def _read(example: Example) -> Any:
    """The example's score, or why there is none."""
    from motet import midi

    if example.midi is None:
        return "without MIDI"
    try:
        return midi.read(example.midi()).symusic
    except midi.Unreadable as error:
        return f"with MIDI that cannot be read ({error.reason})"


def _sequence(tokenizer: Any, score: Any, *, encoded: bool) -> tuple[Any, int, int] | str:
    """The token sequence, the notes in it, and those that are not; or why there is none."""
    before = score.note_num()
    if not before:
        return "without notes"
    try:
        score = tokenizer.preprocess_score(score)
        if not score.note_num():
            return "without a note that the tokenizer has words for"
        made = tokenizer.encode(score, no_preprocess_score=True, encode_ids=encoded)
    except _REFUSED as error:
        return f"of music that MidiTok refuses ({type(error).__name__})"
    # Each word of Octuple is a note, and it ends after so many bars.
    notes = len(made.ids) if type(tokenizer).__name__ == "Octuple" else score.note_num()
    return made, notes, before - notes


def _shard(pending: Pending, name: str, batch: list[Example], tokenizer: Any, choice: Choice) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    note: dict[str, Any] = {"rows": 0, "tokens": 0, "left": {}, "lost": 0, "bare": 0}
    rows = []
    for one, score in zip(batch, in_order(batch, _read), strict=True):
        made = score if isinstance(score, str) else _sequence(tokenizer, score, encoded=True)
        if isinstance(made, str):
            note["left"][made] = note["left"].get(made, 0) + 1
            continue
        sequence, notes, lost = made
        facts = row(one, choice)
        rows.append({**{fact: facts[fact] for fact in _FACTS}, "notes": notes, "ids": sequence.ids})
        note["tokens"] += len(sequence.ids)
        note["lost"] += lost
        note["bare"] += not facts["captions"]
    note["rows"] = len(rows)
    if rows:
        with pending.open(name) as file:
            pq.write_table(pa.Table.from_pylist(rows, schema=_schema(tokenizer)), file, compression="zstd")
    return note


def _schema(tokenizer: Any) -> Any:
    import pyarrow as pa

    ids = pa.list_(pa.list_(pa.int32())) if tokenizer.is_multi_voc else pa.list_(pa.int32())
    kinds = {"start": pa.float64(), "end": pa.float64(), "duration": pa.float64(), "captions": pa.list_(pa.string())}
    kinds["licences"] = pa.list_(pa.string())
    return pa.schema([*((fact, kinds.get(fact, pa.string())) for fact in _FACTS), ("notes", pa.int32()), ("ids", ids)])


# --- byte pair encoding ---


@dataclass(frozen=True)
class _Bars:
    """The bars of all train examples as the texts that the library learns from: read anew each time."""

    tokenizer: Any
    examples: Examples
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[list[str]]:
        from miditok.constants import CHR_ID_START

        for score in in_order(_train(self.examples()), _read):
            made = score if isinstance(score, str) else _sequence(self.tokenizer, score, encoded=False)
            if isinstance(made, str):
                continue  # told of when its shard is made
            # To the learner a word is a letter: this is how the library's own vocabulary spells them.
            yield ["".join(chr(CHR_ID_START + word) for word in bar.ids) for bar in made[0].split_per_bars() if len(bar)]


def _train(examples: Iterable[Example]) -> Iterator[Example]:
    return (one for one in examples if one.split == "train")


def _trained(pending: Pending, tokenizer: Any, examples: Examples, kind: str, size: int) -> Any:
    """The tokenizer with a vocabulary learned from the train split; taken from the file, where it was learned before."""
    if tokenizer.is_multi_voc:
        raise UserError(f"{kind} has several vocabularies, which byte pair encoding cannot join: leave bpe out.")
    if size <= len(tokenizer):
        raise UserError(f"{kind} has {len(tokenizer)} words before any are joined: give bpe a larger number.")
    seen, count = hashlib.blake2b(json.dumps(tokenizer.to_dict()).encode()), 0
    for one in _train(examples()):
        seen.update(json.dumps([one.key, one.id]).encode())
        count += 1
    if not count:
        raise UserError("Byte pair encoding learns from the train split, which is empty: leave bpe out.")
    key = digest(FORM, VERSION, "vocabulary", kind, size, seen.hexdigest())
    if pending.note(key) is not None:
        place = pending.aside if TOKENIZER in pending.fresh else pending.folder
        return _from_file(kind, place / TOKENIZER)
    tokenizer.train(vocab_size=size, model="BPE", iterator=_Bars(tokenizer, examples, count), progress_format="silent")
    with pending.open(TOKENIZER) as file:
        file.write(json.dumps(tokenizer.to_dict(), indent=1).encode() + b"\n")
    pending.done(key, [TOKENIZER])
    return tokenizer


def _from_file(kind: str, path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(_library(), kind)(params=path)


# --- the checker's ---


def _loaded(path: Path, faults: list[Fault]) -> Any:
    """The tokenizer, or None and a fault. The library sets whatever the file names: nothing but what it writes may be in it."""
    _library()
    try:
        told = json.loads(path.read_bytes())
        kind = told["tokenization"]
        if kind not in KINDS or set(told) - _KEYS:
            faults.append(Fault("tokenizer", TOKENIZER, f"It is of a kind {kind!r}, or holds more than MidiTok writes."))
            return None
        return _from_file(kind, path)
    except OSError as error:
        faults.append(Fault("missing", TOKENIZER, f"The tokenizer cannot be read: {error.strerror or error}."))
    except Exception as error:  # noqa: BLE001 - the tokenizers library raises Exception itself
        faults.append(Fault("tokenizer", TOKENIZER, f"MidiTok cannot load it ({type(error).__name__}: {error})."))
    return None


def _sizes(path: Path, faults: list[Fault]) -> dict[str, dict[str, int]]:
    """What SIZES says of each split; nothing, and a fault, where it says nothing that can be."""
    none: dict[str, dict[str, int]] = {split: dict.fromkeys(("shards", "rows", "tokens"), 0) for split in SPLITS}
    sizes: dict[str, dict[str, int]] = {}
    try:
        told = json.loads(path.read_bytes())
        sizes = {split: {what: told[split][what] for what in none[split]} for split in SPLITS}
    except OSError as error:
        faults.append(Fault("missing", SIZES, f"It cannot be read: {error.strerror or error}."))
        return none
    except (ValueError, TypeError, LookupError, RecursionError):
        pass  # told below
    if not sizes or not all(type(n) is int and 0 <= n < 1 << 40 for size in sizes.values() for n in size.values()):
        faults.append(Fault("list", SIZES, "It does not say how many shards, rows and tokens each split has."))
        return none
    if any(size["shards"] > 100_000 for size in sizes.values()):
        faults.append(Fault("list", SIZES, "It says there are more than 100,000 shards."))
        return none
    return sizes


def _wrong_columns(schema: Any, tokenizer: Any) -> str:
    import pyarrow as pa

    wanted = {"id": pa.string(), "song": pa.string(), "split": pa.string(), "notes": pa.int32()}
    if tokenizer is not None:
        wanted["ids"] = _schema(tokenizer).field("ids").type
    for name, kind in {"ids": None, **wanted}.items():
        if name not in schema.names:
            return f"It has no column {name}."
        there = schema.field(name).type
        if kind is not None and there != kind and not there.equals(kind):
            return f"Its column {name} is {there}, not {kind}."
    return ""


def _decoded(tokenizer: Any, told: dict[str, Any], where: str) -> list[Fault]:
    ids = told["ids"]
    if not ids:
        return [Fault("empty", where, "It has no tokens.")]
    if tokenizer.is_multi_voc:
        sizes = [len(words) for words in tokenizer.vocab]
        inside = all(one is not None and len(one) == len(sizes) and all(map(_in_vocabulary, one, sizes)) for one in ids)
    else:
        inside = all(_in_vocabulary(one, len(tokenizer)) for one in ids)
    if not inside:
        return [Fault("vocabulary", where, "An id of it is outside the tokenizer's vocabulary.")]
    try:
        sequence = _library().TokSequence(ids=ids, are_ids_encoded=tokenizer.is_trained)
        notes = tokenizer.decode(sequence).note_num()
    except _REFUSED as error:
        return [Fault("damaged", where, f"MidiTok cannot decode it ({type(error).__name__}: {error}).")]
    if notes != told["notes"]:
        return [Fault("count", where, f"Decoded it has {notes} notes, and its row says {told['notes']}.")]
    return []


def _in_vocabulary(word: int | None, size: int) -> bool:
    return word is not None and 0 <= word < size
