"""The page of a run, put together from a dataset: what came out, to hear and to see, and what happened on the way."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from motet import __version__, midi, render
from motet.clips import clip_audio
from motet.dataset.durable import write_bytes
from motet.dataset.folder import Dataset
from motet.dataset.ledger import BLAMED
from motet.explorer import ClipView, DropLine, Figure, Note, Report, SlowRow, StageLine, Total, page
from motet.render.encoding import nameless
from motet.run.engine import usable_cores
from motet.text.grammar.variety import variety
from motet.wording import count, several, span

VARIETY_OF = 10_000  # captions by whose words variety is measured
EXAMPLES = 3  # files named per reason
FILMS = 6  # in a page: each is a megabyte
PICTURE = 400  # pairs of peaks per clip
MP3_QUALITY = 0.45  # libsndfile's compression level: about 130 kbit/s, clean enough to judge a render by


def write_report(dataset_folder: Path, run_folder: Path, clips: int = 18) -> Path:
    """Write `report.html` into a run's folder; at most `clips` clips, drawn evenly over the songs. Returns its path."""
    dataset = Dataset(dataset_folder)
    run = json.loads((run_folder / "run.json").read_text())
    tables = dataset.tables()
    views = []
    if {"clips", "mixes", "stems"} <= tables.keys():
        views = _clip_views(dataset, clips)
    elif {"films", "plans", "sync_checks"} <= tables.keys():
        views = _film_views(dataset, min(clips, FILMS))
    elif {"clips", "chunks"} <= tables.keys():
        views = _recorded_views(dataset, clips)
    report = Report(
        title=dataset_folder.absolute().name if dataset_folder.name != "dataset" else dataset_folder.absolute().parent.name,
        recipe=run["recipe"],
        made_at=run["started"],
        version=__version__,
        seed=run["seed"],
        summary=_summary(tables),
        totals=_totals(dataset, tables),
        clips=views,
        stages=[_stage_line(stage) for stage in run["stages"]],
        drops=_drops(dataset),
        slowest=_slowest(run),
        captions=_captions(dataset, tables),
        sound=[*_sound(dataset, tables), *_sync(dataset, tables)],
        training=[*_training(dataset, tables), *_balance(dataset, tables)],
    )
    target = run_folder / "report.html"
    write_bytes(target, page(report).encode("utf-8", "replace"))
    return target


def _summary(tables: dict[str, int]) -> str:
    shown = [
        f"{count(tables[t])} {t}"
        for t in ("files", "songs", "stems", "mixes", "clips", "films", "captions", "labels", "features")
        if t in tables
    ]
    return ", ".join(shown) + "."


def _totals(dataset: Dataset, tables: dict[str, int]) -> list[Total]:
    found = [Total(t, tables[t]) for t in ("songs", "clips", "films", "captions", "labels", "features") if t in tables]
    if "clips" in tables:
        ((seconds,),) = dataset.query('SELECT coalesce(sum("end" - start), 0) FROM clips').fetchall()
        found.append(Total("music in clips", seconds, "seconds"))
    if "films" in tables:
        ((seconds,),) = dataset.query("SELECT coalesce(sum(seconds), 0) FROM films").fetchall()
        found.append(Total("film", seconds, "seconds"))
    return found


def _stage_line(stage: dict[str, Any]) -> StageLine:
    statuses = stage["statuses"]
    return StageLine(
        name=stage["name"],
        rows_in=stage["inputs"],
        ok=statuses.get("ok", 0),
        dropped=statuses.get("dropped", 0),
        failed=sum(statuses.get(s, 0) for s in BLAMED),
        unanswered=statuses.get("unanswered", 0),
        already=stage["already"],
        rows_out=stage["rows_out"],
        seconds=stage["seconds"],
        media_bytes=stage["media_bytes"],
    )


def _drops(dataset: Dataset) -> list[DropLine]:
    sql = (
        "SELECT stage, status, reason, count(*) AS n, "
        f"list({{'path': path, 'detail': detail}} ORDER BY path)[:{EXAMPLES}] AS examples "
        "FROM work WHERE status <> 'ok' GROUP BY stage, status, reason ORDER BY n DESC, stage, reason"
    )
    return [
        DropLine(stage, status, reason or status, number, [(e["path"], e["detail"]) for e in examples])
        for stage, status, reason, number, examples in dataset.query(sql).fetchall()
    ]


def _slowest(run: dict[str, Any]) -> list[SlowRow]:
    rows = [SlowRow(stage["name"], path, seconds) for stage in run["stages"] for seconds, path in stage["slowest"]]
    return sorted(rows, key=lambda row: -row.seconds)[:8]


def _sound(dataset: Dataset, tables: dict[str, int]) -> list[Figure]:
    """Whether stems sound as their notes say, by what check_audio found."""
    if not tables.get("audio_checks"):
        return []
    ((stems, passed),) = dataset.query("SELECT count(*), sum(CAST(len(faults) = 0 AS INT)) FROM audio_checks").fetchall()
    found = [Figure("stems that pass", f"{passed / stems:.1%}", f"{count(passed)} of {count(stems)}")]
    kinds = dataset.query(
        "SELECT kind, median(onset_f1), quantile_cont(onset_f1, 0.05), count(onset_f1) FROM audio_checks "
        "GROUP BY kind HAVING count(onset_f1) > 0 ORDER BY kind"
    ).fetchall()
    found += [
        Figure(f"onsets, {kind}", f"{middle:.3f}", f"median F1 of {count(n)} stems; one in twenty is below {low:.3f}")
        for kind, middle, low, n in kinds
    ]
    faults = dataset.query(
        "SELECT fault, count(*) AS n, min(path) FROM (SELECT unnest(faults) AS fault, path FROM audio_checks) "
        "GROUP BY fault ORDER BY n DESC, fault LIMIT 6"
    ).fetchall()
    found += [Figure(f"not played by {who}", count(n), f"stems: {why}") for who, n, why in played_otherwise(dataset)[:6]]
    return [*found, *(Figure(fault.replace("_", " "), count(n), f"of the stems, {path} for one") for fault, n, path in faults)]


def _sync(dataset: Dataset, tables: dict[str, int]) -> list[Figure]:
    """Whether films show what was planned, as measured from the finished files."""
    if not tables.get("sync_checks"):
        return []
    ((films, judged, planned, f1, low, every, precision, recall, error, worst, align),) = dataset.query(
        "SELECT count(*), sum(judged), sum(planned), avg(f1), min(f1), avg(f1_all), avg(precision), avg(recall), avg(error_ms), "
        "max(error_ms_worst), avg(av_align) FROM sync_checks"
    ).fetchall()
    ((path,),) = dataset.query("SELECT path FROM sync_checks ORDER BY f1 NULLS LAST, id LIMIT 1").fetchall()
    found = [
        Figure(
            "films checked",
            count(films),
            f"{count(judged)} of {count(planned)} planned frames stand four or more apart, and are judged",
        )
    ]
    if f1 is not None:
        found.append(
            Figure(
                "seen where planned",
                f"{f1:.3f}",
                f"mean F1 (precision {precision:.3f}, recall {recall:.3f}); the worst film has {low:.3f}: {path}. "
                f"Of all planned frames, however close: {every:.3f}",
            )
        )
    if error is not None:
        found.append(Figure("off by", f"{error:.1f} ms", f"on average, from the notes' exact moments; at most {worst:.0f} ms"))
    if align is not None:
        found.append(Figure("AV-Align", f"{align:.2f}", "peaks of motion that fall on onsets of the sound (Yariv et al., 2023)"))
    return found


def _balance(dataset: Dataset, tables: dict[str, int]) -> list[Figure]:
    """How the clips of recordings spread, and what the recipe's target asks for more of."""
    if not tables.get("clips") or "chunks" not in tables:
        return []
    from motet.audio.balance import asks, counts, table
    from motet.stages.balance import counted, target_of

    target = target_of(dataset)
    report = counts((counted(row) for row in dataset.table("clips").to_pylist()), target)
    ((chunks, softer),) = dataset.query(
        "SELECT count(*), count(*) FILTER (limited) FROM chunks WHERE id IN (SELECT id FROM clips)"
    ).fetchall()
    softer_line = Figure("softer than asked", f"{softer / chunks:.0%}", f"of {several(chunks, 'clip')}: the true peak came first")
    shown = [
        softer_line,
        *(Figure(f"{field}: {label}", number, share) for field, label, number, share, _ in table(report, target, 4)),
    ]
    return [*shown, *(Figure("asks for more", "", wish) for wish in asks(report, target))]


def _training(dataset: Dataset, tables: dict[str, int]) -> list[Figure]:
    """The splits of labelled files, of those that can be used, and what features they gave."""
    if not tables.get("labels"):
        return []
    usable = "SELECT * FROM labels"
    if "features" in tables:
        usable += " WHERE id IN (SELECT id FROM work WHERE stage = 'prepare_features' AND status = 'ok')"
    lists = dataset.query(
        'SELECT dataset, split, count(*), count(DISTINCT "group"), min("group"), count(*) FILTER (golden) '
        f"FROM ({usable}) GROUP BY dataset, split ORDER BY dataset, list_position(['train', 'validation', 'test'], split)"
    ).fetchall()
    found = [
        Figure(
            f"{name}, {split}",
            several(files, "file"),
            f"of {several(groups, 'group')}, such as {group}; {count(golden)} in the golden subset",
        )
        for name, split, files, groups, group, golden in lists
    ]
    shared = dataset.query(
        f'SELECT dataset, count(*), min("group") FROM (SELECT dataset, "group" FROM ({usable}) '
        'GROUP BY dataset, "group" HAVING count(DISTINCT split) > 1) GROUP BY dataset ORDER BY dataset'
    ).fetchall()
    found += [
        Figure(f"{name}, shared", several(groups, "group"), f"in more than one split, as published: {group} for one")
        for name, groups, group in shared
    ]
    if "features" in tables:
        kinds = dataset.query("SELECT what, count(*), sum(seconds) FROM features GROUP BY what ORDER BY what").fetchall()
        found += [
            Figure(what, several(files, "file"), f"of {span(seconds)} of music or speech") for what, files, seconds in kinds
        ]
    return found


def played_otherwise(dataset: Dataset) -> list[tuple[str, int, str]]:
    """What of a rack could not play: its name, of how many stems, and why. Those parts sound, but by another instrument."""
    if "stems" not in dataset.tables():
        return []
    return dataset.query(
        "SELECT split_part(line, ': ', 1) AS who, count(*)::INT, min(line[length(split_part(line, ': ', 1)) + 3:]) "
        "FROM (SELECT unnest(instead_of) AS line FROM stems) GROUP BY who ORDER BY 2 DESC, 1"
    ).fetchall()


def _captions(dataset: Dataset, tables: dict[str, int]) -> list[Figure]:
    """How true, how telling and how varied the captions are, by the checker's count."""
    if not tables.get("captions"):
        return []
    sql = (
        "SELECT count(*), sum(json_array_length(claims)), sum(len(wrong)), sum(CAST(len(wrong) > 0 AS INT)) FROM "
        "(SELECT unnest(claims) AS claims, unnest(wrong) AS wrong FROM captions)"
    )
    ((texts, supported, wrong, replaced),) = dataset.query(sql).fetchall()
    ((coverage,),) = dataset.query(
        "SELECT avg(len(list_intersect(known, told)) / len(known)) FROM captions WHERE len(known) > 0"
    ).fetchall()
    drawn = dataset.query(f"SELECT unnest(texts) FROM (SELECT texts FROM captions ORDER BY hash(id) LIMIT {VARIETY_OF})")
    varied = variety(text for (text,) in drawn.fetchall())
    claims = supported + wrong
    return [
        Figure(
            "claim precision",
            f"{supported / claims:.4f}" if claims else "–",
            f"of {count(claims)} claims read, those supported "
            "by the facts; the others were taken out before anything was shipped",
        ),
        Figure(
            "captions replaced",
            f"{replaced / texts:.2%}",
            f"{count(replaced)} of {count(texts)} were written anew for a claim that is not supported",
        ),
        Figure("facts told", f"{coverage or 0:.0%}", "of the facts known of a clip, those its captions tell, on average"),
        Figure(
            "distinct 4-grams",
            f"{varied.distinct4:.3f}",
            f"mean over samples of 200, of {count(varied.captions)} captions; captions by hand have 0.99",
        ),
        Figure("commonest frame", f"{varied.commonest_frame_share:.2%}", varied.commonest_frame),
    ]


def _clip_views(dataset: Dataset, most: int) -> list[ClipView]:
    """Clips drawn so that every song has its turn before any has two, the same ones each time."""
    captions = "captions" in dataset.tables()
    sql = (
        "SELECT c.*, m.sounds, m.licences, m.stem_indices"
        + (", t.text" if captions else ", '' AS text")
        + " FROM clips c JOIN mixes m ON m.source = c.source AND m.take = c.take"
        + (" LEFT JOIN captions t ON t.id = c.id" if captions else "")
        + " ORDER BY row_number() OVER (PARTITION BY c.source ORDER BY hash(c.lineage)), c.path, c.id"
        + f" LIMIT {most}"
    )
    rows = dataset.query(sql).to_arrow_table().to_pylist()
    recordings = [clip_audio(dataset, row) for row in rows]
    with ThreadPoolExecutor(usable_cores()) as threads:  # LAME is the slowest part by far, and leaves Python alone
        encoded = threads.map(lambda recording: _mp3(*recording), recordings)
        return [_clip_view(dataset, *each) for each in zip(rows, recordings, encoded, strict=True)]


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
    clock = scores[0].tempo_map
    start, end = clock.to_seconds([start_tick, end_tick]).tolist()
    lines = clock.bar_lines(end_tick)
    bars = clock.to_seconds(lines[(lines >= start_tick) & (lines <= end_tick)]) - start
    instruments: dict[tuple[str, bool], int] = {}
    notes: list[Note] = []
    for score in scores:
        played = score.notes
        played = played[(played["start"] < end_tick) & (played["start"] + played["duration"] > start_tick)]
        begins = np.maximum(clock.to_seconds(played["start"]) - start, 0.0)
        stops = np.minimum(clock.to_seconds(played["start"] + played["duration"]), end) - start
        for begin, stop, note in zip(begins, stops, played, strict=True):
            is_drum = bool(note["is_drum"])
            voice = instruments.setdefault((midi.instrument(int(note["program"]), is_drum), is_drum), len(instruments))
            notes.append(Note(round(float(begin), 4), round(float(stop), 4), int(note["pitch"]), voice, int(note["velocity"])))
    return [round(float(bar), 4) for bar in bars], notes, list(instruments)


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
        + " FROM clips c JOIN audio_facts a ON a.id = c.id"
        + (" LEFT JOIN captions t ON t.id = c.id" if captions else "")
        + " ORDER BY row_number() OVER (PARTITION BY c.source ORDER BY hash(c.lineage)), c.path, c.id"
        + f" LIMIT {most}"
    )  # fmt: skip
    rows = dataset.query(sql).to_arrow_table().to_pylist()
    recordings = [clip_audio(dataset, row) for row in rows]
    with ThreadPoolExecutor(usable_cores()) as threads:
        encoded = threads.map(lambda recording: _mp3(*recording), recordings)
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


def _mp3(audio: npt.NDArray[np.float32], rate: int) -> bytes:
    with nameless() as stream:
        try:
            with soundfile.SoundFile(
                stream.fileno(), "w", rate, audio.shape[1], "MPEG_LAYER_III", None, "MP3", False, compression_level=MP3_QUALITY
            ) as file:
                file.write(audio)
        except soundfile.SoundFileError as error:
            logging.getLogger(__name__).warning("no MP3 for the page: %s", error)
            return b""
        stream.seek(0)
        return stream.read()
