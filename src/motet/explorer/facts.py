"""What is known of an example, each fact with who says so and how sure that is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite
from typing import Any

from motet.explorer.held import Held, Near, Row

Facts = Iterator[Row]


def facts(beside: Near, held: Held | None, source: str) -> list[Row]:
    """The facts of an example, those of its span before those of its source; without an example, those of its source alone."""
    found: list[Row] = []
    if held:
        found += _of(held, beside)
    for table, told in (("identities", _identity), ("credits", _credits), ("knowledge", _knowledge)):
        if row := beside.one(table, source):
            found += told(row)
    if held is None or held.table not in ("songs", "clips", "plans") or "stem" not in held.row:
        song = held.row if held and held.table == "songs" else beside.one("songs", source)
        found += _song(song)
        if row := beside.one("midi_facts", source):
            found += _notes(row)
    return found


def fact(name: str, value: Any, by: str, sure: float | None = None, note: str = "", unit: str = "") -> Facts:
    """One fact, in a list: nothing where it is not known."""
    if value is None or value == "" or value == [] or value == {} or (isinstance(value, float) and not isfinite(value)):
        return
    if isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, float):
        value = f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    elif isinstance(value, list):
        value = ", ".join(str(one) for one in value)
    elif isinstance(value, int):
        value = f"{value:,}"
    shown = f"{value} {unit}".strip()
    yield {"name": name, "value": shown, "sure": sure, "by": by, "note": note}


def _of(held: Held, beside: Near) -> Facts:
    row = held.row
    if held.table == "clips" and "movies" in beside.tables:
        yield from _moment(row)
    elif held.table == "clips" and "instrument_roles" in row:
        yield from _clip(row)
    elif held.table == "clips" and "stem" in row:
        yield from _recorded(row, beside.one("audio_facts", held.id), beside)
    elif held.table == "plans":
        yield from _film(row, beside.one("sync_checks", held.id))
    elif held.table == "labels":
        yield from _labelled(row, beside)


def _clip(row: Row) -> Facts:
    """Of a span of a song's notes."""
    told = _json(row["record"])
    yield from fact("tempo", row["tempo"], "notes", note="" if row["tempo_steady"] else "changes within", unit="BPM")
    yield from fact("pulse", row["tap"], "notes", row["tap_confidence"], "taps a minute that a listener would follow", "BPM")
    yield from fact("metre", row["metre"] or "changes within", "notes", told.get("metre_confidence"))
    yield from fact("key", row["key"] or "cannot be told", "notes", row["key_confidence"], _second(told.get("key")))
    yield from fact("sections", row["sections"], "notes")
    yield from fact("bars", row["bars"], "notes", note=f"from bar {row['first_bar']} of the song")
    yield from fact("notes", row["notes"], "notes", note=f"{row['notes_per_second']:.1f} a second")
    for name, count, role in zip(row["instruments"], row["instrument_notes"], row["instrument_roles"], strict=False):
        yield from fact("instrument", name, "notes", note=f"{role}, {count:,} notes")
    yield from _record(told)
    yield from fact("loudness", row["lufs"], "sound", unit="LUFS")


def _record(told: Any) -> Facts:
    """What a fact record of notes tells beside tempo, metre, key and instruments."""
    if not isinstance(told, dict):
        return
    yield from fact("voices at once", told.get("polyphony"), "notes", note="the mean while any sounds")
    for name in ("articulation", "dynamics"):
        if isinstance(one := told.get(name), dict):
            yield from fact(name, one.get("kind") or one.get("level"), "notes", one.get("confidence"), one.get("change") or "")
    if isinstance(place := told.get("section"), dict):
        yield from fact("place in the song", place.get("position"), "notes")


def _second(key: Any) -> str:
    return f"or {key['runner_up']}" if isinstance(key, dict) and key.get("runner_up") else ""


def _recorded(row: Row, heard: Row, beside: Near) -> Facts:
    """Of a span of a recording."""
    by = heard.get("by") or "sound"
    others = ", ".join(f"{one:.0f}" for one in heard.get("tempo_others") or ())
    steady = {True: "steady", False: "changes within", None: ""}[heard.get("tempo_steady")]
    more = "; ".join(filter(None, (steady, f"or {others}" if others else "")))
    yield from fact("tempo", row["tempo"] if row["tempo"] is not None else "cannot be told", "sound", row["tempo_confidence"],
                    more, "BPM" if row["tempo"] is not None else "")  # fmt: skip
    yield from fact("metre", heard.get("beats_per_bar"), "sound", heard.get("beats_confidence"), unit="beats a bar")
    second = heard.get("key_runner_up")
    yield from fact("key", row["key"] or "cannot be told", "sound", row["key_confidence"], f"or {second}" if second else "")
    yield from fact("loudness", row["lufs"], "sound", unit="LUFS")
    yield from fact("loudness range", heard.get("loudness_range"), "sound", unit="LU")
    yield from fact("crest", heard.get("crest_db"), "sound", unit="dB")
    yield from fact("tuning", heard.get("tuning_cents"), "sound", unit="cents")
    yield from fact("brightness", row["brightness"], "sound", note="0 to 1")
    yield from fact("energy", row["energy"], "sound", note="0 to 1, an estimate")
    yield from fact("voice", row["voice"], "sound", note="how much singing or speech is heard, 0 to 1, an estimate")
    if row["stem"] != "mix":
        yield from fact("stem", row["stem"], str(row.get("separator") or row.get("method") or "separator"))
    yield from fact("heard by", by, "sound")
    columns = ("tags", "tag_kinds", "tag_weights", "tag_confidences", "tag_sources")
    for name, kind, weight, sure, source in zip(*(row[column] for column in columns), strict=False):
        yield from fact(kind or "tag", name, source or "sound", sure, f"weight {weight:.2f}")
    yield from fact("not known", "; ".join(row["left_empty"]), "tag")


def _film(row: Row, check: Row) -> Facts:
    """Of a film of notes."""
    yield from fact("tempo", row["tempo"], "notes", unit="BPM")
    yield from fact("metre", row["metre"] or "changes within", "notes")
    yield from fact("key", row["key"] or "cannot be told", "notes")
    yield from fact("bars", row["bars"], "notes", note=f"from bar {row['first_bar']} of the song")
    yield from fact("moved by", row["mapping"], "notes", note=f"{row['events']:,} of {row['notes']:,} onsets move something")
    yield from fact("theme", row["theme"], "seed")
    yield from fact("mood", row["mood"], "notes")
    yield from fact("prompt", row["prompt"], "theme and mood")
    yield from _picture(row)
    yield from fact("made by", row.get("model") or row.get("renderer"), "film")
    if not check:
        return
    judged = f"{check['judged']:,} of {check['planned']:,} planned frames stand apart"
    yield from fact("seen where planned", check["f1"], "pictures", note=f"F1; {judged}")
    yield from fact("seen, all frames", check["f1_all"], "pictures", note="F1, of all planned frames however close")
    yield from fact("distance", check["error_ms"], "pictures", note="of a change from its notes, on average", unit="ms")
    yield from fact("farthest", check["error_ms_worst"], "pictures", unit="ms")
    yield from fact("heard where planned", check["audio_f1"], "sound", note="F1 of the onsets of its sound")
    for fault, detail in zip(check["faults"], check["details"], strict=False):
        yield from fact(fault, detail, "pictures")


def _picture(row: Row) -> Facts:
    size = f"{row['width']} × {row['height']}, {row['frames']:,} frames"
    yield from fact("picture", size, "film", note=f"{row['fps']} a second")


def _moment(row: Row) -> Facts:
    """Of a moment of a film that others shot."""
    year = f" ({row['year']})" if row["year"] else ""
    yield from fact("film", f"{row['film']}{year}" if row["film"] else "", "file name")
    yield from fact("song", " - ".join(filter(None, (row["artist"], row["title"]))), "tags", note="of the recording")
    listed = "a list or a service names it for this film" if row["listed"] else "no list names it for this film"
    yield from fact("heard", "yes" if not row["negative"] else f"no: {row['negative'].replace('_', ' ')}", "sound",
                    row["match_confidence"], listed)  # fmt: skip
    yield from fact("judged", row["judged"], "a person")
    yield from fact("begins in the song at", row["song_start"], "sound", unit="s")
    yield from fact("speed", row["speed"], "sound", note="seconds of the song for one of the film")
    yield from fact("pitch", row["pitch"], "sound", note="by which the film plays it higher", unit="semitones")
    yield from fact("notes", row["notes"], "notes", row["alignment_confidence"], "how well they lie on the recording")
    yield from fact("transposed", row["transposition"] if row["notes"] else None, "notes", unit="semitones")
    yield from _picture(row)
    yield from _symbolic(_json(row["symbolic"]))
    yield from _sounding(_json(row["sounding"]))
    yield from _flat(_json(row["visual"]), "pictures")
    for change in _json(row["changes"]) or ():
        yield from fact("changed", json.dumps(change, ensure_ascii=False), "recipe")
    yield from fact("not known", "; ".join(row["left_empty"]), "recipe")


def _symbolic(told: Any) -> Facts:
    """A fact record of notes, where no columns hold the same."""
    if not isinstance(told, dict):
        return
    tempo, key = (one if isinstance(one := told.get(name), dict) else {} for name in ("tempo", "key"))
    yield from fact("tempo", tempo.get("bpm"), "notes", tempo.get("confidence"), unit="BPM")
    yield from fact("metre", told.get("metre"), "notes", told.get("metre_confidence"))
    named = " ".join(str(key[part]) for part in ("tonic", "mode") if key.get(part))
    yield from fact("key", named, "notes", key.get("confidence"), _second(key))
    yield from fact("chords", told.get("chords"), "notes")
    for one in told.get("instruments") or ():
        yield from fact("instrument", one.get("name"), "notes", note=f"{one.get('role')}, {one.get('notes')} notes")
    yield from _record(told)


def _sounding(told: Any) -> Facts:
    """What was heard in the recording of a moment."""
    known = (
        ("tempo", "tempo", "bpm", "BPM"), ("key", "key", "name", ""), ("loudness", "dynamics", "lufs", "LUFS"),
        ("loudness range", "dynamics", "range_lu", "LU"), ("crest", "dynamics", "crest_db", "dB"),
        ("energy", "energy", "value", ""), ("brightness", "timbre", "brightness", ""), ("tuning", "tuning", "cents", "cents"),
    )  # fmt: skip
    for name, group, column, unit in known:
        one = told.get(group) if isinstance(told, dict) else None
        if isinstance(one, dict):
            yield from fact(name, one.get(column), "sound", one.get("confidence"), unit=unit)


_LOOKS = {"across": "moves across", "down": "moves down", "warm": "warm colours"}


def _flat(told: Any, by: str) -> Facts:
    """Whatever figures and words a record has."""
    for name, value in told.items() if isinstance(told, dict) else ():
        if isinstance(value, str | int | float):
            yield from fact(_LOOKS.get(name, name.replace("_", " ")), value, by)


def _labelled(row: Row, beside: Near) -> Facts:
    """Of a file of a known dataset."""
    yield from fact("dataset", row["dataset"], "path", note=row["part"])
    labels = _json(row["labels"])
    for name, value in labels.items() if isinstance(labels, dict) else ():
        yield from fact(str(name), value if isinstance(value, str | int | float) else str(value), "path or index")
    yield from fact("split by", row["split_by"], "recipe", note=row["group"])
    yield from fact("published split", row["published_split"], "publisher")
    yield from fact("golden", row["golden"] or None, "recipe")
    for made in (
        beside.rows("SELECT what, format, shape, rate, seconds FROM features ORDER BY id") if "features" in beside.tables else ()
    ):
        rate = f", {made['rate']:,} Hz" if made["rate"] else ""
        yield from fact(made["what"], f"{made['format']}, {' × '.join(map(str, made['shape']))}{rate}", "file",
                        note=f"{made['seconds']:.1f} s")  # fmt: skip


def _identity(row: Row) -> Facts:
    """Which song it is."""
    by, sure = row["read_from"] or "nobody", row["probability"]
    note = "; ".join([row["level"], *row["penalties"]])
    yield from fact("artist", row["artist"], by, sure, note)
    yield from fact("title", row["title"], by, sure, note)
    if not row["title"]:
        guess = " - ".join(filter(None, (row["guess_artist"], row["guess_title"])))
        yield from fact("best guess", guess, by, sure, note)
    yield from fact("ISRC", row["isrc"], by, sure)
    yield from fact("MusicBrainz recording", row["musicbrainz_recording"], by, sure)


def _credits(row: Row) -> Facts:
    """What a recording's tags and its page say."""
    by = " and ".join(row["said_by"]) or "tags"
    for name in ("artist", "title", "album", "date", "isrc", "genres", "copyright", "uploader", "page"):
        yield from fact(name, row[name], by, note="not checked")


def _knowledge(row: Row) -> Facts:
    """What services say of a song."""
    columns = (row[f"fact_{name}"] for name in ("names", "values", "sources", "times", "confidences", "chosen"))
    for name, value, source, time, sure, chosen in zip(*columns, strict=False):
        if source == "motet":  # what it measured itself is told from where it did
            continue
        note = "; ".join(filter(None, (time, "" if chosen else "another value was taken")))
        yield from fact(f"song's {name.replace('_', ' ')}", _said(name, _json(value)), source, sure, note)
    tags = zip(*(row[name] for name in ("tags", "tag_kinds", "tag_weights", "tag_confidences", "tag_sources")), strict=False)
    for name, kind, weight, sure, sources in tags:
        yield from fact(kind or "tag", name, ", ".join(sources), sure, f"weight {weight:.2f}")
    yield from fact("identifiers", row["identifiers"], "services")


def _said(name: str, value: Any) -> Any:
    """A service's value in words: keys come as numbers, C first."""
    if name == "key" and isinstance(value, int) and 0 <= value < 12:
        return ("C", "D flat", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")[value]
    return value


def _song(row: Row) -> Facts:
    """Of a whole source file."""
    if not row:
        return
    by = "notes" if "notes_digest" in row else "file"
    yield from fact("song's length", row.get("seconds"), by, unit="s")
    if "notes_digest" in row:
        spread = f"{row['tempo_min']:.0f} to {row['tempo_max']:.0f}" if row["tempo_min"] != row["tempo_max"] else "steady"
        yield from fact("song's tempo", row["tempo"], "notes", note=spread, unit="BPM")
        yield from fact("song's notes", row["notes"], "notes", note=f"in {row['tracks']:,} tracks")
        yield from fact("read", row["read_as"], "file", note="strict: as the standard says; sanitised: with care")
    else:
        for name, unit in (("rate", "Hz"), ("channels", ""), ("codec", ""), ("container", ""), ("peak_db", "dBFS")):
            yield from fact(name.replace("_db", ""), row.get(name), "file", unit=unit)
        yield from fact("cut off", row.get("cut_off"), "file")


def _notes(row: Row) -> Facts:
    """What a whole song's notes say."""
    yield from fact("song's pulse", row["tap"], "notes", row["tap_confidence"], unit="BPM")
    yield from fact("song's metre", row["metre"], "notes", row["metre_confidence"])
    second = f"or {row['key_runner_up']}" if row["key_runner_up"] else ""
    yield from fact("song's key", row["key"] or "cannot be told", "notes", row["key_confidence"], second)
    yield from fact("song's instruments", row["instruments"], "notes")
    yield from fact("quantised", row["quantised"], "notes", row["quantised_confidence"])
    if (row["swing"] or 1) > 1:
        yield from fact("swing", row["swing"], "notes", row["swing_confidence"], "long eighth over short")
    yield from fact("energy", row["energy"], "notes", note="0 to 1, an estimate from notes")
    for name in ("title", "language", "texts", "copyrights"):
        yield from fact(f"file's {name}", row[name], "file")


def _json(text: Any) -> Any:
    """What a column of JSON holds; {} where it holds none."""
    try:
        return json.loads(text) if text else {}
    except (TypeError, ValueError, RecursionError):
        return {}
