"""What is heard and seen on the page of a run: clips of renders and of recordings, films, and moments of films."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from motet import midi, render
from motet.clips import clip_audio, mp3, played
from motet.dataset.folder import Dataset
from motet.explorer import ClipView, Note
from motet.run.engine import usable_cores
from motet.wording import clock, count, several

FILMS = 6  # in a page: each is a megabyte
PICTURE = 400  # pairs of peaks per clip


def views(dataset: Dataset, tables: dict[str, int], most: int) -> list[ClipView]:
    """At most so many of what a dataset has to show, drawn evenly over its songs."""
    if {"clips", "mixes", "stems"} <= tables.keys():
        return _clip_views(dataset, most)
    if {"films", "plans", "sync_checks"} <= tables.keys():
        return _film_views(dataset, min(most, FILMS))
    if {"clips", "moments"} <= tables.keys():
        return _moment_views(dataset, min(most, FILMS))
    return _recorded_views(dataset, most) if {"clips", "chunks"} <= tables.keys() else []


def _clip_views(dataset: Dataset, most: int) -> list[ClipView]:
    """Clips drawn so that every song has its turn before any has two, the same ones each time."""
    captions = "captions" in dataset.tables()
    drawn = _drawn("clips SEMI JOIN mixes USING (source, take)", most)
    sql = (
        "SELECT c.*, m.sounds, m.licences, m.stem_indices"
        + (", t.text" if captions else ", '' AS text")
        + f" FROM {drawn} d JOIN clips c ON c.id = d.id JOIN mixes m ON m.source = c.source AND m.take = c.take"
        + (" LEFT JOIN captions t ON t.id = c.id" if captions else "")
        + " ORDER BY d.turn, c.path, c.id"
    )
    rows = dataset.query(sql).to_arrow_table().to_pylist()
    recordings = [clip_audio(dataset, row) for row in rows]
    with ThreadPoolExecutor(usable_cores()) as threads:  # LAME is the slowest part by far, and leaves Python alone
        encoded = threads.map(lambda recording: mp3(*recording), recordings)
        return [_clip_view(dataset, *each) for each in zip(rows, recordings, encoded, strict=True)]


def _drawn(clips: str, most: int) -> str:
    """SQL of the ids of so many clips, and whose turn each is: whole ones, of a large dataset, are more than a query may hold."""
    turn = "row_number() OVER (PARTITION BY source ORDER BY hash(lineage)) AS turn"
    return f"(SELECT id, {turn} FROM {clips} ORDER BY turn, path, id LIMIT {most})"


def _clip_view(dataset: Dataset, row: dict[str, Any], recording: tuple[npt.NDArray[np.float32], int], mp3: bytes) -> ClipView:
    audio, _ = recording
    stems = dataset.query(
        f"SELECT midi FROM stems WHERE source = '{row['source']}' AND take = {row['take']} AND NOT silent "
        f"AND list_contains({row['stem_indices']}, index) ORDER BY index"
    ).fetchall()
    scores = [midi.read(dataset.media.read(reference)) for (reference,) in stems]
    bars, notes, instruments = _played(scores, row["start_tick"], row["end_tick"])
    name = PurePosixPath(row["path"])
    facts = {
        "tempo": f"{row['tempo']:.0f} BPM" + ("" if row["tempo_steady"] else ", changing"),
        "metre": row["metre"] or "changing",
        "bars": f"{row['bars']}, from bar {row['first_bar']} of the song",
        "notes": f"{row['notes']:,}",
        "loudness": "silent" if row["lufs"] is None else f"{row['lufs']:.1f} LUFS",
    }
    return ClipView(
        id=row["id"],
        title=name.stem,
        artist_or_path=name.parent.name,
        caption=row["text"] or "(no caption)",
        start_s=row["start"],
        end_s=row["end"],
        facts=facts,
        audio=mp3,
        bars=bars,
        notes=notes,
        instruments=instruments,
        peaks=[int(v) for v in render.peaks(audio, PICTURE).ravel()],
        source=row["path"],
        licence="played with "
        + ", ".join(f"{sound} ({licence})" for sound, licence in zip(row["sounds"], row["licences"], strict=True)),
    )


def _played(scores: list[midi.Score], start_tick: int, end_tick: int) -> tuple[list[float], list[Note], list[tuple[str, bool]]]:
    """Bar lines, notes and instruments of a span, in seconds within it."""
    span = played(scores, start_tick, end_tick)
    instruments: dict[tuple[str, bool], int] = {}
    notes: list[Note] = []
    for part in span.parts:
        for begin, stop, note in zip(part.begins, part.stops, part.notes, strict=True):
            is_drum = bool(note["is_drum"])
            voice = instruments.setdefault((midi.instrument(int(note["program"]), is_drum), is_drum), len(instruments))
            notes.append(Note(round(float(begin), 4), round(float(stop), 4), int(note["pitch"]), voice, int(note["velocity"])))
    return [round(float(bar), 4) for bar in span.bars], notes, list(instruments)


def _film_views(dataset: Dataset, most: int) -> list[ClipView]:
    """Films to watch, drawn as clips are."""
    rows = (
        dataset.query(
            "SELECT p.*, f.video, f.renderer, f.model, s.f1, s.f1_all, s.judged, s.planned, s.error_ms "
            "FROM films f JOIN plans p ON p.id = f.id JOIN sync_checks s ON s.id = f.id "
            "ORDER BY row_number() OVER (PARTITION BY f.source ORDER BY hash(f.lineage)), f.path, f.id "
            f"LIMIT {most}"
        )
        .to_arrow_table()
        .to_pylist()
    )
    return [_film_view(dataset, row) for row in rows]


def _film_view(dataset: Dataset, row: dict[str, Any]) -> ClipView:
    from motet.video.poster import poster

    score = midi.read(dataset.media.read(row["midi"]))
    bars, notes, instruments = _played([score], 0, row["end_tick"] - row["start_tick"])
    audio, _ = clip_audio(dataset, row)
    name = PurePosixPath(row["path"])
    apart = f"{count(row['judged'])} of {several(row['planned'], 'frame')} stand apart"
    found = "" if row["f1"] is None else f", F1 {row['f1']:.3f}"
    shown = f"{apart}{found}; of all, F1 {row['f1_all'] or 0:.2f}"
    late = "" if row["error_ms"] is None else f", {row['error_ms']:.0f} ms off on average"
    return ClipView(
        id=row["id"],
        title=name.stem,
        artist_or_path=name.parent.name,
        caption=f"{row['theme']}, {row['mood']}",
        start_s=row["start"],
        end_s=row["end"],
        facts={
            "seen where planned": shown + late,
            "moved by": f"{row['mapping']}: {count(row['events'])} of {several(row['notes'], 'note')}",
            "picture": f"{row['width']} × {row['height']}, {count(row['frames'])} frames at {row['fps']} a second",
            "made by": row["model"] or row["renderer"],
            "tempo": f"{row['tempo']:.0f} BPM",
            "key": row["key"] or "cannot be told",
        },
        audio=dataset.media.read(row["video"]),
        mime="video/mp4",
        poster=poster(dataset.media.path(row["video"])),
        bars=bars,
        notes=notes,
        instruments=instruments,
        peaks=[int(v) for v in render.peaks(audio, PICTURE).ravel()],
        source=row["path"],
        licence="played with "
        + ", ".join(f"{sound} ({licence})" for sound, licence in zip(row["sounds"], row["licences"], strict=True)),
    )


def _recorded_views(dataset: Dataset, most: int) -> list[ClipView]:
    """Clips of recordings, drawn as those of songs are."""
    captions = "captions" in dataset.tables()
    sql = (
        "SELECT c.*, a.beats, a.downbeats, " + ("t.text" if captions else "'' AS text")
        + f" FROM {_drawn('clips SEMI JOIN audio_facts USING (id)', most)} d"
        + " JOIN clips c ON c.id = d.id JOIN audio_facts a ON a.id = c.id"
        + (" LEFT JOIN captions t ON t.id = c.id" if captions else "")
        + " ORDER BY d.turn, c.path, c.id"
    )  # fmt: skip
    rows = dataset.query(sql).to_arrow_table().to_pylist()
    recordings = [clip_audio(dataset, row) for row in rows]
    with ThreadPoolExecutor(usable_cores()) as threads:
        encoded = threads.map(lambda recording: mp3(*recording), recordings)
        return [_recorded_view(*each) for each in zip(rows, recordings, encoded, strict=True)]


def _recorded_view(row: dict[str, Any], recording: tuple[npt.NDArray[np.float32], int], mp3: bytes) -> ClipView:
    name = PurePosixPath(row["path"])
    facts = {
        "tempo": _unsure(row["tempo"] and f"{row['tempo']:.0f} BPM", row["tempo_confidence"]),
        "key": _unsure(row["key"], row["key_confidence"]),
        "loudness": "silent" if row["lufs"] is None else f"{row['lufs']:.1f} LUFS",
        "heard in it": ", ".join(row["tags"]) or "nobody said",
        "voice heard": f"{row['voice']:.0%} of the recording's stem, an estimate",
    }
    return ClipView(
        id=row["id"],
        title=row["title"] or name.stem,
        artist_or_path=row["artist"] or name.parent.name,
        caption=row["text"] or "(no caption)",
        start_s=row["start"],
        end_s=row["end"],
        facts=facts,
        audio=mp3,
        bars=[row["beats"][one] for one in row["downbeats"]],
        peaks=[int(v) for v in render.peaks(recording[0], PICTURE).ravel()],
        source=row["path"],
        licence=row["licence"] or "licence not known",
    )


def _unsure(said: str | None, confidence: float | None) -> str:
    return f"{said}, {confidence or 0:.0%} sure" if said else "cannot be told"


def _moment_views(dataset: Dataset, most: int) -> list[ClipView]:
    """Moments of films as they are, with their own sound; none where only figures were kept."""
    sql = (
        "SELECT * FROM clips WHERE video IS NOT NULL AND kind = 'positive' AND changes = '[]' "
        "ORDER BY row_number() OVER (PARTITION BY source ORDER BY hash(lineage)), path, id"
        f" LIMIT {most}"
    )
    return [_moment_view(dataset, row) for row in dataset.query(sql).to_arrow_table().to_pylist()]


def _moment_view(dataset: Dataset, row: dict[str, Any]) -> ClipView:
    from motet.video.poster import poster

    bars, notes, instruments = list[float](), list[Note](), list[tuple[str, bool]]()
    if row["midi"]:
        score = midi.read(dataset.media.read(row["midi"]))
        bars, notes, instruments = _played([score], 0, score.end)
    audio, _ = clip_audio(dataset, row)
    looks = json.loads(row["visual"])
    sure = row["alignment_confidence"]
    year = f" ({row['year']})" if row["year"] else ""
    return ClipView(
        id=row["id"],
        title=f"{row['film'] or PurePosixPath(row['path']).stem}{year}",
        artist_or_path=row["artist"],
        caption=f"{row['title']}, from {clock(row['song_start'])} of the song",
        start_s=row["start"],
        end_s=row["end"],
        facts={
            "heard": f"{row['match_confidence']:.0%} sure"
            + (f", at {row['speed']:.1%} of its speed" if abs(row["speed"] - 1) > 0.001 else ""),
            "notes": "no MIDI file fits" if sure is None else f"{several(row['notes'] or 0, 'note')}, {sure:.0%} sure",
            "on a list of the film's songs": "yes" if row["listed"] else "no",
            "judged": row["judged"] or "not yet",
            "picture": f"{row['width']} × {row['height']}, {count(row['frames'])} frames at {row['fps']} a second",
            "seen": f"{several(len(row['shots']), 'cut')}, brightness {looks['brightness']:.2f}, motion {looks['motion']:.2f}",
        },
        audio=dataset.media.read(row["video"]),
        mime="video/mp4",
        poster=poster(dataset.media.path(row["video"])),
        bars=bars,
        notes=notes,
        instruments=instruments,
        peaks=[int(v) for v in render.peaks(audio, PICTURE).ravel()],
        source=row["path"],
        licence="; ".join(row["left_empty"]) or " · ".join((row["film_licence"], row["recording_licence"])),
    )
