"""How an example came about: every stage that its source went through, with what was said there; its duplicates; its origin."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from motet.explorer.held import Near, Row, shown_table

if TYPE_CHECKING:
    from motet.dataset.folder import Dataset

Said = dict[tuple[str, str], list[str]]
Ask = Callable[[str], Any]
FAILED = {"failed": "raised an error", "crashed": "crashed", "timed_out": "took too long"}
_STEP = re.compile(r"([a-z])(\d+)")


def said(ask: Ask, tables: Collection[str], sources: Collection[str]) -> Said:
    """What stages have to say of sources, by stage and row, in lines. `ask` runs SQL, `tables` are those it knows."""
    from motet.dataset.query import quoted

    listed = ", ".join(map(quoted, sources))
    return _links(ask, tables, listed) | _names(ask, tables, listed) | _sound(ask, tables, listed)


def _links(ask: Ask, tables: Collection[str], listed: str) -> Said:
    """What the duplicates of songs are, in words."""
    found: Said = {}
    for table, stage in (("duplicates", "deduplicate"), ("twins", "match_recordings")):
        if table not in tables:
            continue
        evidence = "evidence" if table == "duplicates" else TWIN
        sql = f"SELECT source, path, other, other_path, removed, {evidence} FROM {table} WHERE source IN ({listed}) "
        sql += f"OR other IN ({listed})"
        for source, path, other, other_path, removed, because in ask(f"{sql} ORDER BY path, other_path").fetchall():
            if not removed:
                found.setdefault((stage, source), []).append(f"linked to {other_path}: {because}")
            found.setdefault((stage, other), []).append(f"{'stays for' if removed else 'linked from'} {path}: {because}")
    return found


TWIN = "replace(level, '_', ' ') || ', ' || round(overlap, 1) || ' s in both'"


def _names(ask: Ask, tables: Collection[str], listed: str) -> Said:
    """Which songs they are, and what others know of them."""
    found: Said = {}
    if "identities" in tables:
        sql = "SELECT source, artist, title, level, probability, guess_artist, guess_title FROM identities"
        for source, artist, title, level, sure, *guess in ask(f"{sql} WHERE source IN ({listed})").fetchall():
            name = " - ".join(filter(None, (artist, title))) or f"best guess {' - '.join(filter(None, guess)) or 'none'}"
            found["identify", source] = [f"{level}: {name} ({sure:.0%})"]
    if "knowledge" in tables:
        sql = "SELECT source, asked, answers, tags, left_empty FROM knowledge"
        for source, asked, answers, tags, left in ask(f"{sql} WHERE source IN ({listed})").fetchall():
            told = [f"{name}: {answer}" for name, answer in zip(asked, answers, strict=True)]
            found["enrich", source] = [*told, *([f"tags: {', '.join(tags[:8])}"] if tags else []), *left]
    return found


def _sound(ask: Ask, tables: Collection[str], listed: str) -> Said:
    """What would rather have played its parts and could not, and the faults that were heard."""
    found: Said = {}
    if "stems" in tables:
        sql = f"SELECT id, instead_of FROM stems WHERE source IN ({listed}) AND len(instead_of) > 0 ORDER BY id"
        for row_id, instead_of in ask(sql).fetchall():
            lines = found.setdefault(("render_stems", row_id.rpartition(".")[0]), [])
            lines += [line for line in instead_of if line not in lines]
    if "audio_checks" in tables:
        sql = f"SELECT id, faults, details FROM audio_checks WHERE source IN ({listed}) AND len(faults) > 0"
        for row_id, faults, details in ask(sql).fetchall():
            found["check_audio", row_id] = [f"{fault}: {detail}" for fault, detail in zip(faults, details, strict=True)]
    return found


def chain(beside: Near, of: str, until: str = "") -> list[Row]:
    """Stage by stage what became of what `of` is made of: from the scan to the stage `until`, or to the last.

    Of the parts of a source that all went well, and of which nothing is to be said, there is one line with their number.
    """
    if not beside.stages:
        return []
    rows = beside.rows("SELECT place, stage, source, path, id, status, reason, detail FROM work ORDER BY place, id")
    rows.sort(key=lambda row: (row["place"], beside.sources.index(row["source"]), row["id"]))
    lines, told = said(beside.connection.sql, beside.tables, beside.sources), about(beside.dataset)
    last = beside.stages.index(until) if until in beside.stages else len(beside.stages)
    steps = _steps(of, beside.sources[0])
    found: list[Row] = []
    quiet: dict[str, list[Row]] = {}
    for row in rows:
        if row["place"] > last or not _leads(row, steps, of, beside.sources[0]):
            continue
        if row["place"] == last and row["source"] == beside.sources[0] and row["id"] != of and until:
            continue
        line = {
            "stage": row["stage"],
            "about": told.get(row["stage"], ""),
            "part": row["id"].removeprefix(row["source"]),
            "status": row["status"],
            "reason": row["reason"] or "",
            "detail": row["detail"] or "",
            "said": lines.get((row["stage"], row["id"]), []),
        }
        if row["source"] != beside.sources[0]:  # of a film's moment: the recording, or its MIDI file
            line["said"] = [row["path"], *line["said"]]
        elif line["part"] and row["id"] != of and row["status"] == "ok" and not line["said"]:
            quiet.setdefault(row["stage"], []).append(line)
        found.append(line)
    told_once = set[int]()
    for alike in quiet.values():
        if len(alike) > 1:
            alike[0] |= {"part": "", "detail": f"{len(alike)} parts"}
            told_once |= {id(line) for line in alike[1:]}
    return [line for line in found if id(line) not in told_once]


def _steps(row_id: str, source: str) -> dict[str, str]:
    """The way from a source to a row of it: letters and numbers."""
    steps = (_STEP.fullmatch(step) for step in row_id.removeprefix(source).split(".") if step)
    return {step[1]: step[2] for step in steps if step}


def _leads(row: Row, steps: dict[str, str], of: str, source: str) -> bool:
    """Whether what a stage was asked of is what an example is made of, and not another example of the same source.

    All parts of a song (letter p) are in each of its clips.
    """
    if row["source"] != source:
        return True
    own = _steps(row["id"], source)
    return (
        row["id"] == of or of.startswith(f"{row['id']}.") or all(steps.get(letter, own[letter]) == own[letter] for letter in own)
    )


def about(dataset: Dataset) -> dict[str, str]:
    """What each stage does, in a line; none where a stage is not on this machine."""
    from motet.errors import UserError
    from motet.exporting.carding import stage_lines

    try:
        return {line.name: line.about for line in stage_lines(dataset)}
    except UserError:
        return {}


def why(row: Row, status: str = "") -> str:
    """Why a row did not make it, in one sentence; "" for one that did. `status` is that of its stage."""
    if row["state"] == "kept":
        return ""
    stage, reason, detail = row["stage"] or "a stage", (row["reason"] or "").replace("_", " "), row["detail"] or ""
    because = f"{reason} ({detail})" if reason and detail else reason or detail or "no reason was given"
    if row["state"] == "unanswered":
        return f"{stage} could not be asked about it, and the next build asks again: {because}."
    if row["state"] == "failed":
        return f"{stage} {FAILED.get(status, 'failed')} on it, twice; `motet build --retry` tries again: {because}."
    return f"{stage} left it out: {because}."


def duplicates(beside: Near, source: str) -> list[Row]:
    """What else holds the same music as a source, with the evidence; `open` is an id that `Index.row` knows."""
    from motet.dataset.query import quoted

    found: list[Row] = []
    for table in ("duplicates", "twins"):
        if table not in beside.tables:
            continue
        told = "evidence" if table == "duplicates" else f"{TWIN} AS evidence"
        sql = (
            f"SELECT level, source, path, other, other_path, removed, score, {told} FROM {table} "
            f"WHERE source = {quoted(source)} OR other = {quoted(source)} ORDER BY removed DESC, score DESC, id LIMIT 200"
        )
        for row in beside.rows(sql):
            of_this = row["source"] == source
            other, path = (row["other"], row["other_path"]) if of_this else (row["source"], row["path"])
            line = {"level": row["level"], "other": other, "other_path": path, "removed": row["removed"], "of_this": of_this}
            found.append(line | {"score": row["score"], "evidence": row["evidence"], "open": None})
    opened = _openable(beside, sorted({line["other"] for line in found}))
    return [line | {"open": opened.get(line["other"])} for line in found]


def _openable(beside: Near, sources: list[str]) -> dict[str, str]:
    """For each source an example of it, or what became of it where it has none."""
    from motet.dataset.query import parquet, quoted

    found: dict[str, str] = {}
    if sources and (table := shown_table(beside.tables)):
        examples = parquet([beside.snapshot.table(table)])
        listed = ", ".join(map(quoted, sources))
        sql = f"SELECT source, min(id) FROM {examples} WHERE source IN ({listed}) GROUP BY source"
        found = dict(beside.connection.sql(sql).fetchall())
    if lost := ", ".join(quoted(source) for source in sources if source not in found):
        connection = beside.dataset.near(lambda column: f"{column} IN ({lost})", ())
        try:
            sql = "SELECT source, max_by(id, place) FROM work WHERE status <> 'ok' GROUP BY source"
            found |= dict(connection.sql(sql).fetchall())
        finally:
            connection.close()
    return found


def origin(beside: Near, source: str) -> Row:
    """Where it came from, and under what: never where that lies on this machine."""
    from motet.dataset.query import quoted

    file, licence = beside.one("files", source), beside.one("licences", source)
    path = file.get("path") or ""
    if not path and beside.stages:  # the scan itself passed it over
        path = next((row["path"] for row in beside.rows(f"SELECT path FROM work WHERE source = {quoted(source)} LIMIT 1")), "")
    inside = path.rpartition("!/")[0] if "!/" in path else ""
    sheet = _sheet(file.get("sheet") or "")
    return {
        "path": path,
        "inside": inside,
        "sha256": file.get("sha256") or "",
        "bytes": file.get("size"),
        "licence": licence.get("licence") or "",
        "holder": licence.get("holder") or "",
        "said_by": licence.get("said_by") or "",
        "url": licence.get("url") or sheet,
    }


def _sheet(text: str) -> str:
    """The page that a recording was fetched from."""
    try:
        told = json.loads(text) if text else {}
    except ValueError:
        return ""
    address = next((told[name] for name in ("page", "webpage_url", "url") if isinstance(told.get(name), str)), "")
    return str(address) if address.startswith(("https://", "http://")) else ""


def _usual(recipe: str) -> dict[str, Any]:
    """The settings of a ready recipe as it comes; {} for one of the user's own."""
    from motet.recipe import load, ready

    return load(recipe).resolved() if recipe in ready() else {}


def made_with(dataset: Dataset) -> list[Row]:
    """The stages of the recipe as it was run: their versions, and the settings that are not what they are without a word."""
    from motet.errors import UserError
    from motet.exporting.carding import stage_lines

    try:
        usual = _usual(str(dataset.made_by["recipe"]))
        return [
            {
                "stage": line.name,
                "version": line.version,
                "settings": {name: value for name, value in line.settings.items() if usual.get(line.name, {}).get(name) != value},
            }
            for line in stage_lines(dataset)
        ]
    except UserError:  # of a stage that this machine has not: its usual settings are not known
        stages = dataset.made_by.get("stages", {})
        return [{"stage": name, "version": told.get("version"), "settings": {}} for name, told in stages.items()]
