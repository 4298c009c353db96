"""Datasets leave in the forms that others read: the live tables of a dataset, joined and handed to `motet.export`.

An exporter is a function `(dataset, folder, where) -> Written`; a package of its own adds one as an entry point of the group
`motet.exporters`.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from motet import midi
from motet.dataset.durable import write_bytes
from motet.dataset.folder import RECIPE_FILE, Dataset, refused
from motet.dataset.media import MediaDamaged
from motet.dataset.rows import MidiFacts, Row, Song
from motet.errors import UserError
from motet.export import manifests as lists
from motet.export import song_json as form
from motet.export.example import Written
from motet.export.publishing import LIST, PENDING
from motet.midi.key import Mode
from motet.sources import merging
from motet.stages.enrich import own_facts
from motet.text import words
from motet.wording import several

Exporter = Callable[[Dataset, Path, str], Written]


def export(dataset: Dataset, kind: str, folder: Path, where: str = "") -> Written:
    """Write a dataset as `kind` into a folder that is new, empty, or holds an earlier export, whose other files then go.

    Raises UserError for an unknown kind, a condition that is none, and a folder that is somebody else's.
    """
    write = exporter(kind)
    before = _earlier(folder)
    done = write(dataset, folder, where)
    for gone in before - set(done.files):
        (folder / gone).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    told = {"as": kind, "snapshot": dataset.snapshot.number, "files": sorted(done.files), "pieces": done.pieces}
    write_bytes(folder / LIST, json.dumps(told, indent=1).encode())
    return done


def _earlier(folder: Path) -> set[str]:
    """The files of an earlier export there; raises UserError where others lie."""
    if any((above / RECIPE_FILE).exists() for above in (folder, *folder.absolute().parents)):
        raise UserError(f"{folder} is in a dataset: export into a folder outside it.")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is no folder: export into a new or empty one.")
    try:
        files = json.loads((folder / LIST).read_text(encoding="utf-8"))["files"]
        return {name for name in files if not Path(name).is_absolute() and ".." not in Path(name).parts}
    except FileNotFoundError:
        if folder.is_dir() and any(file.name != PENDING for file in folder.iterdir()):
            raise UserError(f"{folder} holds other files: export into a new or empty folder.") from None
        return set()
    except (OSError, ValueError, LookupError, TypeError):
        raise UserError(f"{folder / LIST} cannot be read: export into a new or empty folder.") from None


def exporter(name: str) -> Exporter:
    """The exporter of this name; raises UserError listing the valid ones."""
    plugged = {entry.name: entry for entry in importlib.metadata.entry_points(group="motet.exporters")}
    if name in EXPORTERS:
        return EXPORTERS[name]
    kind, colon, megabytes = name.partition(":")
    if kind == "shards" and colon:
        if not (megabytes.isdecimal() and megabytes.isascii() and 0 < int(megabytes[:9]) <= 100_000):
            raise UserError(f"{name!r} gives no size: write shards:256 for tar files of at most 256 MB.")
        return partial(shards, megabytes=int(megabytes[:9]))
    if name not in plugged:
        raise UserError(f"There is no export called {name!r}; there are: {', '.join(sorted({*EXPORTERS, *plugged}))}.")
    loaded: Exporter = plugged[name].load()
    return loaded


def song_json(dataset: Dataset, folder: Path, where: str = "") -> Written:
    """A JSON file per song, with what is known of it and from whom; `where` is SQL on the columns of `songs`."""
    lacking: Counter[str] = Counter()
    files = form.write(_songs(dataset, where, lacking), folder)
    return Written(files, [f"{several(number, 'song')} {what}." for what, number in lacking.items()])


def manifests(dataset: Dataset, folder: Path, where: str = "") -> Written:
    """Lists of training data, one for each split, as JSONL and CSV; `where` is SQL on the columns of `labels`."""
    _check_labels(dataset)
    files, remarks = lists.write(lambda: _samples(dataset, where), folder)
    return Written(files, [f"Paths of files are below {dataset.folder.absolute()}.", *remarks])


def shards(dataset: Dataset, folder: Path, where: str = "", megabytes: int = 256) -> Written:
    """Training data packed into tar files of at most so many MB; `where` is SQL on the columns of `labels`."""
    _check_labels(dataset)
    return Written(*lists.shards(lambda: _samples(dataset, where), _reader(dataset), folder, megabytes))


def _reader(dataset: Dataset) -> Callable[[str], bytes]:
    def read(reference: str) -> bytes:
        try:
            return dataset.media.read(reference)
        except (MediaDamaged, FileNotFoundError):
            raise UserError(f"{reference} of {dataset.folder} is gone or damaged: `motet check --repair` mends it.", 1) from None

    return read


def audiocraft(dataset: Dataset, folder: Path, where: str = "") -> Written:
    """Clips as audiocraft (MusicGen) trains on them, checked by its loader's rules; `where` is SQL on the columns of `clips`."""
    from motet.export import audiocraft as form
    from motet.export.loader_rules import check

    read = _reader(dataset)
    files, remarks = form.write(lambda: _clips(dataset, where), folder, read=read)
    faults = Counter(fault.rule for fault in check(folder))
    told = [f"The loader's rule {rule!r} finds {several(number, 'fault')}." for rule, number in faults.most_common()]
    return Written(files, [*remarks, *told])


def twelve_fields(dataset: Dataset, folder: Path, where: str = "") -> Written:
    """One list of clips with twelve fields each, beside their audio; `where` is SQL on the columns of `clips`."""
    from motet.export import twelve_fields as form

    return Written(*form.write(_clips(dataset, where), folder, read=_reader(dataset)))


def midi_video(dataset: Dataset, folder: Path, where: str = "") -> Written:
    """Films beside their MIDI, sound and plans, as a VideoFolder; `where` is SQL on the columns of `plans`."""
    from motet.export import midi_video as form

    return Written(
        *form.write(lambda: _films(dataset, where), folder, read=_reader(dataset), title=dataset.folder.absolute().name)
    )


EXPORTERS: dict[str, Exporter] = {
    "song-json": song_json,
    "manifests": manifests,
    "shards": shards,
    "audiocraft": audiocraft,
    "twelve-fields": twelve_fields,
    "midi-video": midi_video,
}
_JOINED = ("identities", "knowledge", "midi_facts")


def _songs(dataset: Dataset, where: str, lacking: Counter[str]) -> Iterator[dict[str, Any]]:
    there = dataset.tables()
    if "songs" not in there:
        raise UserError(f"{dataset.folder} has no songs: build it by a recipe that cleans MIDI files.")
    rest = {name: _by_source(dataset, name) for name in _JOINED if name in there}
    try:
        chosen = dataset.query(f"SELECT * FROM songs {f'WHERE ({where})' if where else ''} ORDER BY id").to_arrow_table()
    except duckdb.Error as error:
        raise refused(error) from None
    for told in chosen.to_pylist():
        song: Song = _row(Song, told)
        identity, knowledge, heard = (
            rest.get(name, {}).get(song.source, {}) for name in ("identities", "knowledge", "midi_facts")
        )
        facts: MidiFacts | None = _row(MidiFacts, heard) if heard else None
        settled = merging.settle(_facts(knowledge) if knowledge else own_facts(song, facts))
        lacking["without artist and title"] += identity.get("level") != "artist and title"
        lacking["wait for services that could not be reached: build again"] += "unanswered" in knowledge.get("answers", ())
        record = form.song_json(
            {"title": "", "artist": "", "level": "unidentified", "path": song.path, **_identity(identity)},
            _tags(knowledge) if knowledge else [],
            {field: merging.record(one) for field, one in settled.items()},
            [midi.as_services_did(one) for one in _sections(song, facts)] if facts else [],
        )
        record["provenance"]["asked"] = _asked(knowledge)
        record["provenance"]["identifiers"] = knowledge.get("identifiers", [])
        record["provenance"]["left_empty"] = knowledge.get("left_empty", ["tags: this recipe asks nobody"])
        yield record
    for what in [what for what, number in lacking.items() if not number]:
        del lacking[what]


def _asked(knowledge: Mapping[str, Any]) -> list[dict[str, str]]:
    if not knowledge:
        return []
    columns = zip(knowledge["asked"], knowledge["answers"], knowledge["asked_at"], strict=True)
    return [{"source": name, "answer": answer, "time": when} for name, answer, when in columns]


def _by_source(dataset: Dataset, table: str) -> dict[str, dict[str, Any]]:
    return {row["source"]: row for row in dataset.table(table).to_pylist()}


def _row(row_type: type[Row], told: Mapping[str, Any]) -> Any:
    return row_type(**told)


def _identity(told: Mapping[str, Any]) -> dict[str, Any]:
    said = ("artist", "title", "level", "probability", "guess_artist", "guess_title", "read_from", "penalties")
    return {name: told[name] for name in said} if told else {}


def _facts(told: Mapping[str, Any]) -> list[merging.Fact]:
    columns = (told[f"fact_{name}"] for name in ("names", "values", "sources", "times", "confidences"))
    return [
        merging.Fact(name, json.loads(value), source, time, sure)
        for name, value, source, time, sure in zip(*columns, strict=True)
    ]


def _tags(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    columns = ("tags", "tag_kinds", "tag_weights", "tag_sources", "tag_confidences")
    names = ("name", "kind", "weight", "sources", "confidence")
    return [dict(zip(names, tag, strict=True)) for tag in zip(*(told[column] for column in columns), strict=True)]


def _sections(song: Song, facts: MidiFacts) -> Iterator[midi.SectionFacts]:
    """The song's sections as the tables keep them, on its own clock."""
    clock = midi.TempoMap.from_rows({"division": song.division, "tempi": song.tempo_changes, "metres": song.metre_changes})
    edges = pairwise([*facts.section_ticks, facts.section_end])
    columns = (facts.section_labels, facts.section_confidences, facts.section_keys, facts.section_key_confidences)
    for (begin, end), label, sure, key, key_sure, tempo, lufs in zip(
        edges, *columns, facts.section_tempos, facts.section_lufs, strict=True
    ):
        first, last = clock.to_seconds([begin, end]).tolist()
        yield midi.SectionFacts(
            section=midi.Section(begin, end, label, sure, 1.0),
            start=first,
            seconds=last - first,
            lufs=lufs,
            tempo=tempo,
            tempo_confidence=facts.tap_confidence,
            key=_KEYS[key](key_sure) if key else None,
            metre=clock.metre_at(begin),
            metre_confidence=facts.metre_confidence or 0.0,
        )


def _key(tonic: int, mode: Mode) -> Callable[[float], midi.Key]:
    return lambda sure: midi.Key(tonic, mode, sure, (tonic, mode), 0.0)


_MODES: tuple[Mode, ...] = ("major", "minor")
_KEYS = {_key(tonic, mode)(1.0).name: _key(tonic, mode) for tonic in range(12) for mode in _MODES}


_SAME = ("dataset", "part", "sha256", "split", "split_by", "published_split", "group", "golden", "licence", "licence_url")


def _check_labels(dataset: Dataset) -> None:
    if "labels" not in dataset.tables():
        raise UserError(f"{dataset.folder} has no labels: build it by the recipe prepare.")


def _samples(dataset: Dataset, where: str) -> Iterator[lists.Sample]:
    """Labelled files in order of id; those which gave no features, and why, are told by `motet status`."""
    there = dataset.tables()
    usable = made = ""
    if "features" in there:
        usable = "AND id IN (SELECT id FROM work WHERE stage = 'prepare_features' AND status = 'ok')"
        made = (
            "LEFT JOIN (SELECT source AS raw, map_from_entries(list((what, file) ORDER BY what)) AS files, "
            "max(seconds) AS seconds FROM features GROUP BY source) f ON f.raw = l.source"
        )
    columns = "l.*, f.files, f.seconds" if made else "l.*, NULL AS files, NULL AS seconds"
    chosen = f"(SELECT * FROM labels WHERE ({where or 'true'}) {usable})"
    try:
        rows = dataset.query(f"SELECT {columns} FROM {chosen} l {made} ORDER BY l.id").to_arrow_reader(4096)
    except duckdb.Error as error:
        raise refused(error) from None
    for batch in rows:
        for row in batch.to_pylist():
            yield lists.Sample(
                id=row["source"],
                raw=row["path"],
                labels=json.loads(row["labels"]),
                seconds=row["seconds"],
                files=dict(row["files"] or ()),
                **{name: row[name] for name in _SAME},
            )


def _clips(dataset: Dataset, where: str) -> Iterator[Any]:
    """Clips of recordings with what is known of them, in order of id."""
    from motet.export.audiocraft import Clip as Told

    there = dataset.tables()
    if not {"clips", "chunks"} <= there.keys():
        raise UserError(f"{dataset.folder} has no clips of recordings: build it by the recipe musicgen.")
    captioned = "LEFT JOIN captions t ON t.id = c.id" if "captions" in there else ""
    families = "LEFT JOIN (SELECT source, min(family) AS family FROM twins GROUP BY source) f ON f.source = c.source"
    named = "LEFT JOIN identities i ON i.source = c.source" if "identities" in there else ""
    columns = ", ".join(
        [
            "c.*",
            "t.text AS caption" if captioned else "'' AS caption",
            "f.family" if "twins" in there else "NULL AS family",
            "i.artist AS known_artist, i.title AS known_title" if named else "'' AS known_artist, '' AS known_title",
        ]
    )
    chosen = f"(SELECT * FROM clips WHERE ({where or 'true'}))"
    joins = " ".join([captioned, families if "twins" in there else "", named])
    try:
        rows = dataset.query(f"SELECT {columns} FROM {chosen} c {joins} ORDER BY c.id").to_arrow_reader(4096)
    except duckdb.Error as error:
        raise refused(error) from None
    for batch in rows:
        for row in batch.to_pylist():
            yield Told(
                id=row["id"],
                audio=row["audio"],
                group=row["family"] or row["source"],
                title=row["known_title"] or row["title"],
                artist=row["known_artist"] or row["artist"],
                # The trainer cannot know how sure a fact is, so only what a caption may tell goes there.
                key=row["key"] if row["key"] and (row["key_confidence"] or 0) >= words.SURE else "",
                bpm=row["tempo"] if (row["tempo_confidence"] or 0) >= words.SURE_TEMPO else None,
                genre=row["genres"][0] if row["genres"] else "",
                moods=tuple(row["moods"]),
                keywords=tuple(row["tags"]),
                instruments=tuple(row["instruments"]),
                description=row["caption"] or "",
                more={
                    "source": row["path"],
                    "start": row["start"],
                    "end": row["end"],
                    "licence": row["licence"],
                    "stem": row["stem"],
                    "voice": row["voice"],
                    "heard_key": row["key"],
                    "heard_key_confidence": row["key_confidence"],
                    "heard_bpm": row["tempo"],
                    "heard_bpm_confidence": row["tempo_confidence"],
                },
            )


def _films(dataset: Dataset, where: str) -> Iterator[Any]:
    """Films that were checked, with their plans, in order of id."""
    from motet.export.midi_video import Film as Told

    there = dataset.tables()
    if not {"films", "plans", "sync_checks"} <= there.keys():
        raise UserError(f"{dataset.folder} has no films that were checked: build it by the recipe midi-video.")
    families = "LEFT JOIN (SELECT source, min(family) AS family FROM duplicates GROUP BY source) d ON d.source = p.source"
    named = "LEFT JOIN identities i ON i.source = p.source" if "identities" in there else ""
    columns = ", ".join(
        [
            "p.*",
            "f.video, f.sound, f.seconds, f.renderer, f.model, f.model_licence",
            "s.planned, s.judged, s.precision, s.recall, s.f1, s.f1_all, s.error_ms, s.error_ms_worst",
            "s.audio_f1, s.av_align, s.beat_alignment, s.faults",
            "d.family" if "duplicates" in there else "NULL AS family",
            "i.artist AS known_artist, i.title AS known_title" if named else "'' AS known_artist, '' AS known_title",
        ]
    )
    chosen = f"(SELECT * FROM plans WHERE ({where or 'true'}))"
    joins = " ".join(
        [
            "JOIN films f ON f.id = p.id JOIN sync_checks s ON s.id = p.id",
            families if "duplicates" in there else "",
            named,
        ]
    )
    try:
        rows = dataset.query(f"SELECT {columns} FROM {chosen} p {joins} ORDER BY p.id").to_arrow_reader(4096)
    except duckdb.Error as error:
        raise refused(error) from None
    same = [field.name for field in dataclasses.fields(Told) if field.name not in ("group", "song", "title", "artist")]
    for batch in rows:
        for row in batch.to_pylist():
            if row["renderer"] == "painter":
                row["prompt"] = ""  # which it does not read
            told: dict[str, Any] = {name: tuple(row[name]) if isinstance(row[name], list) else row[name] for name in same}
            yield Told(
                group=row["family"] or row["source"],
                song=row["path"],
                title=row["known_title"] or "",
                artist=row["known_artist"] or "",
                **told,
            )
