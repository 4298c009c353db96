"""The card of an export: what is in it, how it was made, what it may be used for, gathered from the dataset it is of."""

from __future__ import annotations

import hashlib
import importlib
import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from motet import __version__
from motet.dataset.durable import write_bytes
from motet.dataset.folder import Dataset
from motet.dataset.query import quoted
from motet.export.card import CardFacts, DropLine, Measured, Origin, Quality, SplitProof, StageLine, card, measure
from motet.export.example import Choice, Example, Voice, Written
from motet.export.leaks import Proof, prove
from motet.export.splits import Item
from motet.exporting.reading import Reading, Wanted
from motet.recipe import find_stage, ready
from motet.run.build import named

RECIPE, SOURCES, LICENCES = "card/recipe.yaml", "card/sources.tsv", "card/licences.yaml"

_LOAD = {
    "huggingface": 'from datasets import load_dataset\n\ndataset = load_dataset("{name}")\nprint(dataset["train"][0])',
    "audiofolder": 'from datasets import load_dataset\n\ndataset = load_dataset("{name}")\nprint(dataset["train"][0])',
    "jsonl": 'import pandas\n\nclips = pandas.read_json("{name}/train.jsonl", lines=True)',
    "midi": 'import pandas\n\nsongs = pandas.read_csv("{name}/metadata.csv")',
    "tokens": 'import pandas\n\nsongs = pandas.read_parquet("{name}", engine="pyarrow")',
}
_LIMITS = {
    "mixes": "All sound was rendered from MIDI files: it sounds like the SoundFonts or plug-ins named under licences, not like "
    "recordings of people who play.",
    "midi_facts": "Keys, pulses, sections and the roles of instruments are estimates made from notes, with a confidence where "
    "the form has room for it.",
    "audio_facts": "Tempo, key, loudness and timbre are what was heard in recordings: estimates, with a confidence.",
    "captions": "A caption says only what was known of the clip, and every claim that could be read in it was checked; claims in "
    "words that the checker does not know are not seen by it.",
    "duplicates": "Duplicates are found by their notes. Arrangements that share too little are not found, so a song may be there "
    "twice, and then in two splits, unless its artist is known.",
    "moments": "Where music plays in a film was found by sound: the least sure moments are estimates, and "
    "where nothing was found, music may yet be.",
}
MEANINGS = {  # of the commonest reasons
    "other_type": "neither by name nor by content what the recipe reads",
    "junk": "left by desktops and archivers",
    "same_bytes": "the same file again",
    "same_notes": "the same notes in another file",
    "hard": "the same arrangement, edited",
    "soft": "another arrangement of a song that is here",
    "same_sound": "the same samples in another file",
    "near": "the same recording in another file",
    "empty_file": "no bytes",
    "html_page": "a web page under the name of music",
    "truncated": "ends before its header says",
    "too_short": "shorter than the recipe wants",
    "too_long": "longer than the recipe wants",
    "unreadable": "damaged beyond reading",
    "not_sampled": "not drawn into the sample",
    "removed": "taken down",
    "silent": "no sound in it",
    "clipped": "cut off at full scale",
}
_REPEATS = (
    "On the same platform with the same versions the files are equal byte for byte; on another one, sound may differ in its last "
    "bits."
)


@dataclass(frozen=True)
class About:
    """What only its maker can say of a dataset: "" for what is not said."""

    title: str = ""
    purpose: str = ""
    maker: str = ""


def with_card(
    dataset: Dataset, kind: str, reading: Reading, choice: Choice, folder: Path, done: Written, about: About = About()
) -> Written:
    """Write the card into a finished export; what it was, with the card's files."""
    facts = card_facts(dataset, kind, reading, choice, folder)
    facts = replace(facts, title=about.title or facts.title, purpose=about.purpose, maker=about.maker)
    files = {**card(facts), RECIPE: _recipe(dataset), SOURCES: _listed(dataset)}
    if lines := _licence_lines(dataset):
        files[LICENCES] = lines
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / name, data)
    return replace(done, files=sorted({*done.files, *files}))


def card_facts(dataset: Dataset, kind: str, reading: Reading, choice: Choice, folder: Path) -> CardFacts:
    """All that is known for the card of an export in `folder`."""
    from motet.exporting import FORMS

    made_by = dataset.made_by
    title = dataset.folder.absolute().name
    module = importlib.import_module(FORMS[kind].module)
    matter = getattr(module, "front_matter", None)
    command, needs = reproduced(dataset)
    tables = dataset.tables()
    return CardFacts(
        title=title if title != "dataset" else dataset.folder.absolute().parent.name,
        measured=measure(_with(choice, example) for example in reading()),
        recipe=str(made_by["recipe"]),
        recipe_about=ready().get(str(made_by["recipe"]), ""),
        stages=tuple(stage_lines(dataset)),
        seed=made_by.get("seed"),
        versions={"motet": __version__, "Python": platform.python_version(), **made_by.get("libraries", {})},
        command=command,
        needs=needs,
        repeats=_REPEATS,
        sources=tuple(_sources(dataset)),
        drops=tuple(drops(dataset)),
        proof=split_proof(dataset),
        quality=tuple(quality(dataset, choice.voices)),
        caption_makers=_caption_makers(dataset),
        limits=tuple(sentence for table, sentence in _LIMITS.items() if tables.get(table)),
        form=kind,
        load=_LOAD.get(kind, "").format(name="path/to/this/folder"),
        front=matter(folder) if matter else {},
    )


def measured(dataset: Dataset, most: int = 20_000) -> Measured:
    """What is counted of a dataset's examples; of more than `most`, of about so many, drawn by their names."""
    songs = not {"clips", "plans"} & dataset.tables().keys()
    reading = Reading(dataset, Wanted(songs=songs))
    ((number,),) = dataset.query(f"SELECT count(*) FROM {reading.kind.table}").fetchall()
    every = -(-number // most)
    return measure(Reading(dataset, Wanted(f"hash(id) % {every} = 0" if every > 1 else "", songs=songs))(), samples=0)


def _with(choice: Choice, example: Example) -> Example:
    """An example with the voices that were written, and no others."""
    return replace(
        example,
        mix=example.mix if choice.has("mix") else None,
        stems=example.stems if choice.has("stems") else (),
        midi=example.midi if choice.has("midi") else None,
        video=example.video if choice.has("video") else None,
        captions=choice.texts(example),
    )


def proof_of(dataset: Dataset) -> Proof | None:
    """The splits looked over again: their groups, their artists, and all pairs of near-duplicates that are known."""
    if "splits" not in dataset.tables():
        return None
    rows = dataset.query("SELECT id, split, artist, groups, weight, strata FROM splits").fetchall()
    items = [Item(id, tuple(groups), artist, weight, tuple(strata)) for id, _, artist, groups, weight, strata in rows]
    return prove(items, {id: split or None for id, split, *_ in rows}, pairs=_pairs(dataset))


def _pairs(dataset: Dataset) -> list[tuple[str, str]]:
    there = dataset.tables().keys()
    return [
        (one, other)
        for table in ("duplicates", "twins")
        if table in there
        for one, other in dataset.query(f"SELECT source, other FROM {table}").fetchall()
    ]


def split_proof(dataset: Dataset) -> SplitProof | None:
    proof = proof_of(dataset)
    if proof is None:
        return None
    return SplitProof(
        clusters=_clusters(dataset, proof),
        artists=proof.artists,
        clusters_across=proof.groups_across,
        artists_across=proof.artists_across,
        pairs=proof.pairs,
        pairs_across=proof.pairs_across,
        left_out=proof.left_out,
    )


def _clusters(dataset: Dataset, proof: Proof) -> int:
    """Families of more than one song; where songs are bound by films and recordings instead, all that binds."""
    there = dataset.tables().keys()
    families = [f"SELECT source, family FROM {table}" for table in ("duplicates", "twins") if table in there]
    if "movies" in there or not families:
        return proof.groups
    ((number,),) = dataset.query(f"SELECT count(DISTINCT family) FROM ({' UNION ALL '.join(families)})").fetchall()
    return int(number)


def reproduced(dataset: Dataset) -> tuple[str, tuple[str, ...]]:
    """The command that makes the dataset again, and what it needs."""
    from motet.demo.collection import collection

    made_by = dataset.made_by
    ours = {hashlib.sha256(data).hexdigest() for name, data in collection().items() if name.endswith((".mid", ".zip"))}
    contents = {sha for (sha,) in dataset.query("SELECT DISTINCT sha256 FROM files").fetchall()}
    kinds = {name: f"{name}=" for name, _ in map(named, made_by["sources"]) if name}
    places = " ".join(f"{kinds.get(name, '')}SOURCES" for name, _ in map(named, made_by["sources"])) or "SOURCES"
    command = f"motet build {RECIPE} --from {places} --to again --seed {int(made_by.get('seed', 0))}"
    if _licence_lines(dataset):
        command += f" --set read_licences.list={LICENCES}"
    needs = [f"Motet {__version__}.", f"The sources: {SOURCES} lists each file with its SHA-256."]
    if contents and len(contents - ours) <= 1 and contents & ours and not _changed(dataset):
        return "motet demo", (needs[0], "Nothing else: the sources are Motet's own tunes, which it writes.")
    for stage, found in sorted(made_by.get("contents", {}).items()):
        for name, digest in sorted(found.items()):
            if len(str(digest)) >= 16:
                needs.append(f"For {stage}: {Path(str(name)).name} with the digest {str(digest)[:16]}….")
    return command, tuple(needs)


def _changed(dataset: Dataset) -> bool:
    return any(line.settings.keys() - {"offline"} for line in stage_lines(dataset))


def stage_lines(dataset: Dataset) -> Iterator[StageLine]:
    """The stages of its recipe: what each is about, and its settings that are unlike the defaults. Raises UserError for one
    that this machine has not."""
    states = {state.name: state for state in dataset.snapshot.stages}
    for name, settings in dataset.made_by.get("stages", {}).items():
        declared = find_stage(name)
        usual = declared.settings_type().model_dump(mode="json")
        unlike = {key: _public(value) for key, value in settings.items() if key != "version" and usual.get(key) != value}
        state = states.get(name)
        about = (importlib.import_module(declared.function.__module__).__doc__ or "").partition("\n")[0]
        yield StageLine(
            name=name,
            version=int(settings.get("version", declared.version)),
            about=about,
            settings=unlike,
            rows_in=sum(state.counts.values()) if state else None,
            rows_out=state.rows_out if state else None,
        )


def _public(value: Any) -> Any:
    """A setting as others may see it: of a path on this machine, the name."""
    return Path(value).name if isinstance(value, str) and value.startswith(("/", "~")) else value


def _recipe(dataset: Dataset) -> bytes:
    """The recipe with every setting that is not the default: a file that `motet build` takes."""
    stages = [{line.name: dict(line.settings)} if line.settings else line.name for line in stage_lines(dataset)]
    told = {"name": dataset.made_by["recipe"], "stages": stages}
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=120).encode()


def _licence_lines(dataset: Dataset) -> bytes:
    """What the lists of the sources say, as one list for all of them; b"" where they say nothing."""
    if not dataset.tables().get("licence_lines"):
        return b""
    rows = dataset.query("SELECT below, pattern, licence, holder, url FROM licence_lines ORDER BY number").fetchall()
    told = {}
    for below, pattern, *said in rows:
        known = {name: text for name, text in zip(("licence", "holder", "url"), said, strict=True) if text}
        told[f"{below}/{pattern}" if below else pattern] = known
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=120).encode(errors="replace")


def _listed(dataset: Dataset) -> bytes:
    rows = dataset.query("SELECT sha256, size, path FROM files ORDER BY path, sha256").fetchall()
    lines = [f"{sha}\t{size}\t{json.dumps(path, ensure_ascii=False)[1:-1]}" for sha, size, path in rows]
    return "\n".join(["sha256\tbytes\tpath", *lines, ""]).encode(errors="replace")


def _sources(dataset: Dataset) -> Iterator[Origin]:
    for source in dataset.made_by.get("sources", []):
        kind, path = named(str(source))
        root = quoted(path.rstrip("/"))
        below = quoted(path.rstrip("/") + "/")
        inside = f"f.root = {root} OR f.location = {root} OR starts_with(f.location, {below})"
        ((files, size),) = dataset.query(f"SELECT count(*), sum(size) FROM files f WHERE {inside}").fetchall()
        licences: list[tuple[str]] = []
        if "licences" in dataset.tables():
            sql = f"SELECT DISTINCT l.licence FROM licences l JOIN files f ON f.id = l.id WHERE {inside} ORDER BY 1 LIMIT 6"
            licences = dataset.query(sql).fetchall()
        told = ", ".join(licence or "unknown" for (licence,) in licences[:5]) + (" and others" if len(licences) > 5 else "")
        yield Origin(Path(path).name, kind, files, size, f"SHA-256 of each file in {SOURCES}", told)


def drops(dataset: Dataset) -> list[DropLine]:
    """What was left out, by stage and reason, the commonest first."""
    rows = dataset.query(
        "SELECT stage, coalesce(nullif(reason, ''), status), count(*) FROM work WHERE status <> 'ok' "
        "GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 40"
    ).fetchall()
    return [DropLine(stage, reason, number, _what(stage), MEANINGS.get(reason, "")) for stage, reason, number in rows]


def _what(stage: str) -> str:
    main = find_stage(stage).inputs
    return main[0].row_type.table.replace("_", " ") if main else "files"


def quality(dataset: Dataset, voices: frozenset[Voice]) -> Iterator[Quality]:
    """How good the parts are that were written, as far as the stages measured it."""
    tables = dataset.tables()
    sound: frozenset[Voice] = frozenset(("mix", "stems"))
    for table, told, of in (
        ("audio_checks", _stems, sound),
        ("sync_checks", _sync, {"video"}),
        ("captions", _claims, {"captions"}),
        ("identities", _named, voices),
        ("moments", _moments, voices),
    ):
        if tables.get(table) and of & voices:
            yield from told(dataset)


def _stems(dataset: Dataset) -> Iterator[Quality]:
    ((n, passed, heard, f1),) = dataset.query(
        "SELECT count(*), count(*) FILTER (len(faults) = 0), count(onset_f1), median(onset_f1) FROM audio_checks"
    ).fetchall()
    yield Quality("stems that sound as written", f"{passed / n:.1%}", n, meaning="onsets, pitch, silence, clipping, length")
    if heard:
        excluded = f"{n - heard} stems whose onsets cannot be told apart" if n > heard else ""
        worst = _worst(dataset, "audio_checks", "onset_f1")
        meaning = "median F1; soft attacks of sustained sounds are often not heard, and a fault only where they should be"
        yield Quality("onsets heard where they are written", f"{f1:.3f}", heard, excluded, worst, meaning)


def _sync(dataset: Dataset) -> Iterator[Quality]:
    ((n, f1, judged),) = dataset.query("SELECT count(*), avg(f1), count(f1) FROM sync_checks").fetchall()
    if judged:
        excluded = f"{n - judged} films without changes that stand apart" if n > judged else ""
        worst = _worst(dataset, "sync_checks", "f1")
        yield Quality("changes of the picture where they were planned", f"{f1:.3f}", judged, excluded, worst, "mean F1")


def _worst(dataset: Dataset, table: str, figure: str) -> str:
    ((path, low),) = dataset.query(f"SELECT path, {figure} FROM {table} ORDER BY {figure} NULLS LAST, id LIMIT 1").fetchall()
    return f"{low:.3f}: {path}"


def _claims(dataset: Dataset) -> Iterator[Quality]:
    ((supported, wrong),) = dataset.query(
        "SELECT sum(json_array_length(claims)), sum(len(wrong)) FROM "
        "(SELECT unnest(claims) AS claims, unnest(wrong) AS wrong FROM captions)"
    ).fetchall()
    if supported:
        yield Quality(
            "claims in captions that the facts support",
            f"{supported / (supported + wrong):.2%}",
            int(supported + wrong),
            "words that the checker does not read as a claim",
            meaning="before what is not supported was taken out; none of that is in here",
        )


def _named(dataset: Dataset) -> Iterator[Quality]:
    known = "FILTER (level = 'artist and title')"
    ((n, named_, sure, low),) = dataset.query(
        f"SELECT count(*), count(*) {known}, avg(probability) {known}, min(probability) {known} FROM identities"
    ).fetchall()
    if named_:
        excluded = f"{n - named_} songs not identified"
        yield Quality("songs named rightly, as estimated", f"{sure:.1%}", named_, excluded, f"{low:.1%}", "mean")


def _moments(dataset: Dataset) -> Iterator[Quality]:
    ((n, mean, low),) = dataset.query("SELECT count(*), avg(confidence), min(confidence) FROM moments").fetchall()
    yield Quality("moments with the right song, as estimated", f"{mean:.1%}", n, worst=f"{low:.1%}", meaning="mean")


def _caption_makers(dataset: Dataset) -> tuple[str, ...]:
    if not dataset.tables().get("captions"):
        return ()
    rows = dataset.query(
        "SELECT DISTINCT coalesce(nullif(model, ''), writer) FROM "
        "(SELECT unnest(models) AS model, unnest(writers) AS writer FROM captions) ORDER BY 1"
    ).fetchall()
    return tuple(str(maker) for (maker,) in rows)
