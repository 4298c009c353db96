"""The page of a run, put together from a dataset: what came out, to hear and to see, and what happened on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from motet import __version__
from motet.dataset.durable import write_bytes
from motet.dataset.folder import Dataset
from motet.dataset.ledger import BLAMED
from motet.explorer import Drawing, DropLine, Figure, Report, SlowRow, StageLine, Total, page
from motet.export.card import plots
from motet.exporting import carding
from motet.text.grammar.variety import variety
from motet.views import views
from motet.wording import count, several, span

VARIETY_OF = 10_000  # captions by whose words variety is measured
EXAMPLES = 3  # files named per reason


def write_report(dataset_folder: Path, run_folder: Path, clips: int = 18) -> Path:
    """Write `report.html` into a run's folder; at most `clips` clips, drawn evenly over the songs. Returns its path."""
    dataset = Dataset(dataset_folder)
    run = json.loads((run_folder / "run.json").read_text())
    tables = dataset.tables()
    report = Report(
        title=dataset_folder.absolute().name if dataset_folder.name != "dataset" else dataset_folder.absolute().parent.name,
        recipe=run["recipe"],
        made_at=run["started"],
        version=__version__,
        seed=run["seed"],
        summary=_summary(tables),
        totals=totals(dataset, tables),
        clips=views(dataset, tables, clips),
        stages=[_stage_line(stage) for stage in run["stages"]],
        drops=_drops(dataset),
        slowest=_slowest(run),
        captions=caption_figures(dataset, tables),
        sound=[*sound_figures(dataset, tables), *sync_figures(dataset, tables), *moment_figures(dataset, tables)],
        training=[*training_figures(dataset, tables), *balance_figures(dataset, tables)],
        splits=split_figures(dataset, tables),
        **_card(dataset, tables),
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


def totals(dataset: Dataset, tables: dict[str, int]) -> list[Total]:
    """What there is, in rows and in hours."""
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
        f"arg_min({{'path': path, 'detail': detail}}, path, {EXAMPLES}) AS examples "
        "FROM work WHERE status <> 'ok' GROUP BY stage, status, reason ORDER BY n DESC, stage, reason"
    )
    return [
        DropLine(stage, status, reason or status, number, [(e["path"], e["detail"]) for e in examples])
        for stage, status, reason, number, examples in dataset.query(sql).fetchall()
    ]


def _slowest(run: dict[str, Any]) -> list[SlowRow]:
    rows = [SlowRow(stage["name"], path, seconds) for stage in run["stages"] for seconds, path in stage["slowest"]]
    return sorted(rows, key=lambda row: -row.seconds)[:8]


def sound_figures(dataset: Dataset, tables: dict[str, int]) -> list[Figure]:
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


def sync_figures(dataset: Dataset, tables: dict[str, int]) -> list[Figure]:
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


def moment_figures(dataset: Dataset, tables: dict[str, int]) -> list[Figure]:
    """What was found of songs in films: by name, by sound, and by notes."""
    if "moments" not in tables:
        return []
    ((listed, matched),) = dataset.query(
        "SELECT count(*), count(*) FILTER (id IN (SELECT regexp_replace(id, '[.]m[0-9]+$', '') FROM matches)) FROM film_songs"
    ).fetchall()
    ((moments, films, seconds, sure, judged),) = dataset.query(
        "SELECT count(*), count(DISTINCT film_sha256), coalesce(sum(film_end - film_start), 0), min(confidence), "
        "count(*) FILTER (judged <> '') FROM moments"
    ).fetchall()
    ((read,),) = dataset.query("SELECT count(*) FROM work WHERE stage = 'read_films'").fetchall()
    ((tried, fitting),) = dataset.query(
        "SELECT count(*), count(*) FILTER (status = 'ok') FROM work WHERE stage = 'align'"
    ).fetchall()
    found = [
        Figure("songs on lists", count(listed), f"of these films; {count(matched)} have a file in the catalogue by their names"),
        Figure("moments", count(moments), f"in {count(films)} of {several(read, 'film')}, {span(seconds)} in all"),
        Figure("MIDI that fits", count(fitting), f"of {several(tried, 'pair')} of a recording and a MIDI file"),
        Figure("judged by a person", count(judged), "of the moments; `motet film review` shows them"),
    ]
    if sure is not None:
        found.append(Figure("least sure moment", f"{sure:.0%}", "an estimate, calibrated on songs placed in films of our own"))
    return found


def split_figures(dataset: Dataset, tables: dict[str, int]) -> list[Figure]:
    """How much is in each split, and the proof that none leaks into another: counted again from the result."""
    if not tables.get("splits"):
        return []
    proof = carding.proof_of(dataset)
    assert proof is not None
    rows = dict(dataset.query("SELECT split, count(*) FROM splits GROUP BY split").fetchall())
    shares = []
    for split, share in proof.shares.items():
        apart = f"; its tags are {proof.strata[split]:.0%} apart from those of all" if split in proof.strata else ""
        if rows.get(split):
            shares.append(Figure(split, f"{share:.1%}", f"of the clips, by {several(rows[split], 'song')}{apart}"))
    return [
        *shares,
        Figure(
            "groups in two splits", count(proof.groups_across), f"of {count(proof.groups)}: songs with their duplicates, films"
        ),
        Figure("artists in two splits", count(proof.artists_across), f"of {count(proof.artists)} who are known"),
        Figure("near-duplicates in two splits", count(proof.pairs_across), f"of {several(proof.pairs, 'pair')} looked at"),
        Figure("left out", count(proof.left_out), "would join two splits; table `splits` says through whom"),
    ]


def _card(dataset: Dataset, tables: dict[str, int]) -> dict[str, Any]:
    """Plots and licences, as the card of an export has them."""
    if not tables.get("splits"):
        return {}
    measured, drops = carding.measured(dataset), carding.drops(dataset)
    if not measured.examples:
        return {}
    combined = measured.licences
    of = f"of {several(measured.examples, 'example')} looked at"
    parts = [(f"{part.what} {part.name}".strip(), part.rule.name, f"in {count(part.examples)}") for part in combined.parts[:12]]
    licences = [
        Figure("commercial use", {True: "yes", False: "no", None: "unknown"}[combined.commercial], combined.summary),
        Figure("parts of unknown licence", count(combined.unknown_examples), of),
        *(Figure(*part) for part in parts),
    ]
    drawn = [Drawing(one.svg, one.said) for one in plots(measured, drops)]
    return {"licences": licences, "plots": drawn}


def balance_figures(dataset: Dataset, tables: dict[str, int], most: int = 1_000_000) -> list[Figure]:
    """How the clips of recordings spread, and what the recipe's target asks for more of; by about `most` of them."""
    if not tables.get("clips") or "chunks" not in tables:
        return []
    from motet.audio.balance import asks, counts, table
    from motet.stages.balance import counted, target_of

    target = target_of(dataset)
    every = -(-tables["clips"] // most)
    rows = dataset.query(f"SELECT * FROM clips WHERE hash(id) % {every} = 0").to_arrow_table().to_pylist()
    report = counts(map(counted, rows), target)
    ((chunks, softer),) = dataset.query(
        "SELECT count(*), count(*) FILTER (limited) FROM chunks WHERE id IN (SELECT id FROM clips)"
    ).fetchall()
    softer_line = Figure("softer than asked", f"{softer / chunks:.0%}", f"of {several(chunks, 'clip')}: the true peak came first")
    shown = [
        softer_line,
        *(Figure(f"{field}: {label}", number, share) for field, label, number, share, _ in table(report, target, 4)),
    ]
    return [*shown, *(Figure("asks for more", "", wish) for wish in asks(report, target))]


def training_figures(dataset: Dataset, tables: dict[str, int]) -> list[Figure]:
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


def caption_figures(dataset: Dataset, tables: dict[str, int], variety_of: int = VARIETY_OF) -> list[Figure]:
    """How true, how telling and how varied the captions are, by the checker's count; varied by the words of so many clips'."""
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
    drawn = dataset.query(f"SELECT unnest(texts) FROM (SELECT texts FROM captions ORDER BY hash(id) LIMIT {int(variety_of)})")
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
