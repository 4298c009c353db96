"""All that there is to tell of one example, or of one input that did not make it: a plain mapping, ready for JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from motet.explorer import tracing
from motet.explorer.cuts import MIMES, filename, what_of
from motet.explorer.facts import facts
from motet.explorer.held import Held, Near, NotThere, Row, hold, near, shown_table
from motet.explorer.timeline import Timeline, timeline
from motet.explorer.voices import behind, laid, stored_path, whole_path

if TYPE_CHECKING:
    from motet.dataset.folder import Dataset
    from motet.labels import Label

EXCLUDED = "judged_"  # how the reason begins for which stages leave out what a person judged
OTHERS = 200  # examples of one source that are named
TOLD_BY = (
    "take",
    "first_bar",
    "bars",
    "sections",
    "film",
    "title",
    "negative",
    "changes",
)  # what tells them apart, as far as a dataset has it


def told(dataset: Dataset, row: Mapping[str, Any], label: Label | None = None) -> Row:
    """The example `row` (as `Index.row` gives it) with everything beside it; `label` is what a person said of it.

    What a stage left out that was an example before is told as one, to be heard and seen as it was.

    Raises UserError where a table is damaged. Media that are gone or damaged are told in `missing`, and left out.
    """
    id, kept = str(row["id"]), row["state"] == "kept"
    source = str(row.get("source") or id.partition(".")[0])
    with near(dataset, id, source) as beside:
        held = hold(beside, id)
        drawn = timeline(beside, held) if held else Timeline()
        chain = tracing.chain(beside, id, "" if kept else row["stage"])
        stamp = _stamp(held) or (label.stamp if label else "")
        judgeable = kept or str(row["reason"]).startswith(EXCLUDED)  # what was judged may be taken back
        found: Row = {
            **row,
            "has": _has(held, row["has"]),
            "stamp": stamp,
            "label": {name: getattr(label, name) for name in ("verdict", "note", "by", "at")} if label else None,
            "judgeable": bool(stamp) and judgeable and not dataset.tag,
            "peaks": drawn.peaks,
            **{name: getattr(drawn, name) for name in ("bars", "beats", "sections", "chords", "shots", "voices", "notes")},
            "stems": _stems(beside, held, drawn),
            "sound": _sound(held),
            "video": _video(held),
            "captions": _captions(beside, held),
            "facts": facts(beside, held, source),
            "chain": chain,
            "why": tracing.why(dict(row), chain[-1]["status"] if chain else ""),
            "origin": tracing.origin(beside, source),
            "made_with": tracing.made_with(dataset),
            "duplicates": tracing.duplicates(beside, source),
            "licences": _licences(held),
            "others": _others(beside, source, id),
            "downloads": _downloads(held),
            "missing": _missing(dataset, held, drawn),
        }
    ready: Row = plain(found)
    return ready


def plain(value: Any) -> Any:
    """What JSON can hold: no NaN, no bytes, no half of a surrogate pair."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value.hex() if isinstance(value, bytes) else plain(str(value))


def _has(held: Held | None, told: list[str]) -> list[str]:
    """What there is to hear, see and read; `told` says whether there are captions."""
    whats = what_of(held) if held else []
    stems = any(what.startswith("stem-") and not what.endswith(".mid") for what in whats)
    found = [what for what in ("mix", "midi", "video") if what in whats]
    return found + ["stems"] * stems + ["captions"] * ("captions" in told)


def _stamp(held: Held | None) -> str:
    from motet.labels import stamp_of

    if held is None:
        return ""
    if held.table not in ("clips", "plans"):
        return stamp_of(held.row["lineage"])
    return stamp_of(held.row["lineage"], held.row["start"], held.row["end"])


def _stems(beside: Near, held: Held | None, drawn: Timeline) -> list[Row]:
    from motet.dataset.query import quoted

    if held is None or held.example is None or not held.row.get("stems"):
        return []
    take = int(held.row.get("take") or 0)
    sql = f"SELECT index, silent, lufs, licence FROM stems WHERE source = {quoted(held.source)} AND take = {take}"
    known = {row["index"]: row for row in beside.rows(sql)}
    voices = {voice["stem"]: number for number, voice in enumerate(drawn.voices)}
    return [
        {
            "index": stem.index,
            "name": stem.name,
            "role": stem.role,
            "drum": stem.is_drum,
            "voice": voices.get(stem.index),
            "silent": bool(known.get(stem.index, {}).get("silent")),
            "loudness": known.get(stem.index, {}).get("lufs"),
            "played_by": stem.played_by,
            "licence": known.get(stem.index, {}).get("licence") or "",
        }
        for stem in held.example.stems
        if laid(held, f"stem-{stem.index}")
    ]


def _sound(held: Held | None) -> Row | None:
    if held is None or not laid(held, "mix"):
        return None
    return {"what": "mix", "mime": _mime(held, "mix")}


def _mime(held: Held, what: str) -> str:
    return MIMES.get(f".{filename(held, what).rpartition('.')[2]}", "application/octet-stream")


def _video(held: Held | None) -> Row | None:
    if held is None or held.example is None or not held.row.get("video"):
        return None
    row = held.row
    return {
        "what": "video",
        "mime": _mime(held, "video"),
        "width": row["width"],
        "height": row["height"],
        "fps": _rate(row["fps"]),
    }


def _rate(fps: object) -> float | None:
    """Pictures a second, of "24" or "30000/1001"."""
    try:
        return round(float(Fraction(str(fps))), 3)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None


def _captions(beside: Near, held: Held | None) -> list[Row]:
    """Texts with each claim's verdict; the prompt of a film that a model painted."""
    if held is None:
        return []
    row = beside.one("captions", held.id) if held.table == "clips" else {}
    if not row:
        example = held.example
        texts = zip(example.captions, example.caption_forms, strict=False) if example else ()
        return [{"text": text, "form": form, "writer": "theme", "model": "", "claims": [], "wrong": []} for text, form in texts]
    columns = zip(*(row[name] for name in ("texts", "forms", "writers", "models", "claims", "wrong")), strict=False)
    return [
        {"text": text, "form": form, "writer": writer, "model": model, "claims": _claims(claims), "wrong": wrong}
        for text, form, writer, model, claims, wrong in columns
    ]


def _claims(text: str) -> list[Row]:
    names = ("words", "start", "end", "kind", "verdict", "because")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        unread = {"words": "", "start": 0, "end": 0, "kind": "", "verdict": "unread", "because": "the claims cannot be read"}
        return [unread]
    return [{name: one.get(name) for name in names} for one in found]


def _licences(held: Held | None) -> list[Row]:
    names = ("what", "name", "licence", "holder", "url")
    parts = held.example.licences if held and held.example else ()
    return [{name: getattr(one, name) for name in names} for one in parts]


def _others(beside: Near, source: str, id: str) -> list[Row]:
    """The examples of the same source, in the order of their time."""
    from motet.dataset.query import quoted

    table = shown_table(beside.tables)
    if table not in ("clips", "plans"):
        return []
    known = {name for name, *_ in beside.connection.sql(f"DESCRIBE {table}").fetchall()}
    columns = ", ".join(f'"{name}"' for name in ("id", "start", "end", *TOLD_BY) if name in known)
    sql = f"SELECT {columns} FROM {table} WHERE source = {quoted(source)}"
    rows = sorted(beside.rows(sql), key=lambda row: (row.get("take") or 0, row["start"], row["id"]))
    place = next((n for n, row in enumerate(rows) if row["id"] == id), 0)
    first = max(0, min(place - OTHERS // 2, len(rows) - OTHERS))
    return [
        {"id": row["id"], "title": _span(row), "start": row["start"], "end": row["end"], "here": row["id"] == id}
        for row in rows[first : first + OTHERS]
    ]


def _span(row: Row) -> str:
    """What tells an example from the others of its source."""
    if row.get("film"):
        changes = ", ".join(str(change.get("kind")) for change in json.loads(row.get("changes") or "[]"))
        return " · ".join(filter(None, (row["title"] or row["film"], row.get("negative", "").replace("_", " "), changes)))
    words = [f"take {row['take']}" if row.get("take") else "", ", ".join(dict.fromkeys(row.get("sections") or ()))]
    if "first_bar" in row:
        words.insert(1, f"bars {row['first_bar']}–{row['first_bar'] + max(row['bars'], 1) - 1}")
    return " · ".join(filter(None, words))


def _downloads(held: Held | None) -> list[Row]:
    if held is None:
        return []
    names = {stem.index: stem.name for stem in (held.example.stems if held.example else ())}
    said = {"mix": "sound", "video": "film", "film-sound": "the film's own sound", "midi": "MIDI"}
    if held.table == "clips" and held.row.get("video"):
        said["mix"] = "the recording as it is heard"
    found = []
    for what in what_of(held):
        label = said.get(what) or ""
        if not label:
            index, _, midi = what.removeprefix("stem-").partition(".")
            label = names[int(index)] + (", MIDI" if midi else "")
        found.append({"what": what, "label": label, "filename": filename(held, what), "mime": _mime(held, what)})
    return found


def _missing(dataset: Dataset, held: Held | None, drawn: Timeline) -> list[str]:
    """Media that are not there, in sentences, and what was found damaged when it was drawn."""
    gone: dict[str, str] = {}
    for what, reference in behind(held) if held else ():
        try:
            if reference.endswith((".mp4", ".mid")):
                whole_path(dataset, reference)
            else:  # sound is read for its peaks; that of stems when it is asked for
                stored_path(dataset, reference)
        except NotThere as error:
            gone.setdefault(reference, f"{what[:1].upper()}{what[1:]} cannot be had: {error}")
    return [*gone.values(), *(said for said in drawn.missing if not any(reference in said for reference in gone))]
