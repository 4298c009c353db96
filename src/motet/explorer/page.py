"""The report of a run as one HTML file: what came out, to hear and to see, and what happened on the way.

The page asks for nothing outside itself, and its Content-Security-Policy lets nothing be asked: the only script and style are
the ones named there by hash, and sound is a blob made from text in the page when it is first played.
"""

import base64
import hashlib
import html
import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from string import Template
from typing import Literal, NamedTuple

from motet import wording as words

VOICES = 10  # colours in page.css: --v0 … --v9, and --vd for drums


class Total(NamedTuple):
    """One figure at the head of the page, e.g. `Total("music", 5400.0, "seconds")`."""

    label: str
    value: float
    unit: Literal["count", "seconds", "bytes"] = "count"


@dataclass(frozen=True)
class StageLine:
    """What one stage did. The answers are of all rows in, whenever they were given; `already` says how many are older."""

    name: str
    rows_in: int
    ok: int
    dropped: int = 0
    failed: int = 0  # failed, crashed or timed out
    unanswered: int = 0
    already: int = 0
    rows_out: int = 0
    seconds: float = 0.0
    media_bytes: int = 0


@dataclass(frozen=True)
class DropLine:
    """Rows of one stage that ended alike. `status`: dropped, failed, crashed, timed_out or unanswered."""

    stage: str
    status: str
    reason: str
    count: int
    examples: Sequence[tuple[str, str]] = ()  # (path, detail)


class SlowRow(NamedTuple):
    stage: str
    path: str
    seconds: float


class Figure(NamedTuple):
    """One figure of how well something was done: what, how much, and what that means."""

    label: str
    value: str
    meaning: str


class Drawing(NamedTuple):
    """A plot, as SVG of our own making, and what it says in a sentence."""

    svg: str
    said: str


class Note(NamedTuple):
    """Seconds within the clip; MIDI pitch and velocity; the index into the clip's instruments."""

    start_s: float
    end_s: float
    pitch: int
    instrument: int
    velocity: int


@dataclass(frozen=True)
class ClipView:
    """A clip to hear. `bars` and `notes` are in seconds within the clip, `start_s` and `end_s` in the song."""

    id: str
    title: str
    artist_or_path: str
    caption: str
    start_s: float
    end_s: float
    facts: Mapping[str, str] = field(default_factory=dict)
    audio: bytes = b""  # a whole file of type `mime`: MP3, FLAC, WAV, Ogg or MP4
    mime: str = "audio/mpeg"
    poster: bytes = b""  # a JPEG of the film, where `audio` is one: MP4, of type video/mp4
    bars: Sequence[float] = ()
    notes: Sequence[Note] = ()
    instruments: Sequence[tuple[str, bool]] = ()  # (name, is_drum)
    peaks: Sequence[int] = ()  # lowest, highest, lowest, highest … each -128 … 127, evenly over the clip
    source: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Report:
    """All the page shows. `made_at` is an ISO 8601 time."""

    title: str
    recipe: str
    made_at: str
    version: str
    seed: int
    summary: str
    totals: Sequence[Total] = ()
    clips: Sequence[ClipView] = ()
    stages: Sequence[StageLine] = ()
    drops: Sequence[DropLine] = ()
    slowest: Sequence[SlowRow] = ()
    captions: Sequence[Figure] = ()
    sound: Sequence[Figure] = ()
    training: Sequence[Figure] = ()
    splits: Sequence[Figure] = ()
    licences: Sequence[Figure] = ()
    plots: Sequence[Drawing] = ()


def page(report: Report) -> str:
    """The report as one HTML document, to be written as UTF-8.

    Every string may be hostile: text a browser could not show (lone surrogates, control characters) becomes U+FFFD, the rest
    is shown as it is. Raises ValueError if a note names an instrument its clip does not have, or a time is not finite.
    """
    style, script = _asset("page.css"), _script()
    return Template(_asset("page.html")).substitute(
        style=style,
        script=script,
        style_hash=_fingerprint(style),
        script_hash=_fingerprint(script),
        title=_text(report.title),
        recipe=_text(report.recipe),
        command=_text(f"motet build {shlex.quote(report.recipe)} --from YOUR-FOLDER --to MY-DATASET"),
        made_at=_time(report.made_at),
        version=_text(report.version),
        seed=report.seed,
        summary=_text(report.summary),
        totals=_totals(report.totals),
        listen=_listen(report.clips),
        run=_run(report),
    )


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _script() -> str:
    """The page's own script after the one that draws, which it shares with the explorer."""
    return '"use strict";\nconst motet = {};\n' + _asset("site/roll.js") + _asset("page.js")


def _fingerprint(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def _text(raw: str) -> str:
    return html.escape(_UNSHOWABLE.sub("\ufffd", raw))


def _json(value: object) -> str:
    """JSON for a script element: plain ASCII, and nothing in it can end the element or open a comment."""
    ascii_only = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return ascii_only.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _time(iso: str) -> str:
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return _text(iso)
    zone = f" {moment.tzname()}" if moment.tzinfo else ""
    return f'<time datetime="{_text(iso)}">{moment.day} {moment:%B %Y, %H:%M}{_text(zone)}</time>'


def _plural(number: int, noun: str) -> str:
    return f"{words.count(number)} {noun}{'' if number == 1 else 's'}"


def _totals(totals: Iterable[Total]) -> str:
    tiles = "".join(f'<div><dt class="clamp">{_text(t.label)}</dt><dd>{_figure(t)}</dd></div>' for t in totals)
    return f'<dl class="totals">{tiles}</dl>' if tiles else ""


def _figure(total: Total) -> str:
    if total.unit == "seconds":
        return words.span(total.value)
    return words.size(round(total.value)) if total.unit == "bytes" else words.count(round(total.value))


# --- clips -----------------------------------------------------------------------------------------------------------


def _listen(clips: Sequence[ClipView]) -> str:
    if not clips:
        return '<p class="nothing">There is no clip to hear in this run.</p>'
    voices = _Voices()
    cards = "\n".join(_clip(number, clip, voices.of(clip)) for number, clip in enumerate(clips, start=1))
    return (
        '<p class="keys"><kbd>space</kbd> plays and pauses, <kbd>←</kbd> <kbd>→</kbd> seek (with <kbd>shift</kbd>, a bar), '
        f'<kbd>↑</kbd> <kbd>↓</kbd> go to the clip before and after.</p>\n<div class="clips">\n{cards}\n</div>'
    )


class _Voices:
    """One colour per instrument on the whole page, as far as no two voices of a clip need the same one."""

    def __init__(self) -> None:
        self.home: dict[str, int] = {}

    def of(self, clip: ClipView) -> list[str]:
        taken: set[int] = set()
        colours = []
        for name, is_drum in clip.instruments:
            if is_drum:
                colours.append("d")
                continue
            first = self.home.setdefault(name, len(self.home) % VOICES)
            choices = [(first + step) % VOICES for step in range(VOICES)]
            colour = next((choice for choice in choices if choice not in taken), first)
            taken.add(colour)
            colours.append(str(colour))
        return colours


def _clip(number: int, clip: ClipView, voices: Sequence[str]) -> str:
    length = clip.end_s - clip.start_s
    key = f"clip-{number}"
    headline = _text(clip.caption or clip.title or clip.id)
    place = f"{words.clock(clip.start_s)}–{words.clock(clip.end_s)}"
    silent = "" if clip.audio else " disabled"
    legend = "".join(
        f'<li class="v{voice}" data-voice="{index}"><i></i><bdi>{_text(name)}</bdi></li>'
        for index, ((name, _), voice) in enumerate(zip(clip.instruments, voices, strict=True))
    )
    facts = "".join(
        f'<div><dt class="clamp">{_text(name)}</dt><dd class="clamp" dir="auto">{_text(value)}</dd></div>'
        for name, value in clip.facts.items()
    )
    screen = ""
    if clip.poster:
        screen = f'<div class="screen"><img alt="" src="data:image/jpeg;base64,{base64.b64encode(clip.poster).decode()}"></div>\n'
    origin = " · ".join(f"<bdi>{_text(part)}</bdi>" for part in (clip.source, clip.licence) if part)
    return f"""<article class="{"clip film" if clip.poster else "clip"}" id="{key}" \
aria-labelledby="{key}-caption" data-id="{_text(clip.id)}">
<div class="head">
<button class="play" type="button" aria-label="Play" aria-describedby="{key}-caption"{silent}>
<svg viewBox="0 0 24 24" aria-hidden="true"><path class="go" d="M8 5v14l11.5-7z"/>\
<path class="stop" d="M7 5h3.6v14H7zm6.4 0H17v14h-3.6z"/></svg>
</button>
<div class="words"><h3 id="{key}-caption" dir="auto" class="clamp">{headline}</h3>
<p class="of clamp"><bdi class="title">{_text(clip.title)}</bdi> · <bdi>{_text(clip.artist_or_path)}</bdi></p></div>
<p class="time"><span class="now">0:00</span> / {words.clock(length)}<small>{place} of the song</small></p>
</div>
{screen}<div class="{"view" if clip.notes else "view wave"}" role="slider" tabindex="0" aria-label="Position" \
aria-describedby="{key}-caption" aria-valuemin="0" aria-valuemax="{length:.1f}" \
aria-valuenow="0" aria-valuetext="0:00 of {words.clock(length)}">\
<canvas class="still"></canvas><canvas class="live"></canvas></div>
<p class="trouble" role="status">{"" if clip.audio else "This clip has no sound in the page."}</p>
<ul class="legend" aria-label="Instruments">{legend}</ul>
<dl class="facts">{facts}</dl>
<p class="origin clamp">{origin}</p>
<script type="application/json" class="sight">{_json(_sight(clip, length, voices))}</script>
<script type="application/json" class="sound">{_json(base64.b64encode(clip.audio).decode())}</script>
</article>"""


def _sight(clip: ClipView, length: float, voices: Sequence[str]) -> dict[str, object]:
    """What the page draws: times in whole milliseconds; five numbers a note: start, end, pitch, instrument, velocity."""
    notes: list[int] = []
    for note in clip.notes:
        start, end, pitch, instrument, velocity = note
        if not 0 <= instrument < len(voices):
            msg = f"clip {clip.id}: a note names instrument {instrument} of {len(voices)}"
            raise ValueError(msg)
        notes += (_ms(start), _ms(end), int(pitch), int(instrument), int(velocity))
    return {
        "length": _ms(length),
        "mime": clip.mime,
        "voices": list(voices),
        "bars": [_ms(bar) for bar in clip.bars],
        "peaks": [int(peak) for peak in clip.peaks],
        "notes": notes,
    }


def _ms(seconds: float) -> int:
    try:
        return round(float(seconds) * 1000)
    except (ValueError, OverflowError):
        msg = f"{seconds} is not a time"
        raise ValueError(msg) from None


# --- the run ---------------------------------------------------------------------------------------------------------


def _run(report: Report) -> str:
    dropped = [line for line in report.drops if line.status == "dropped"]
    failed = [line for line in report.drops if line.status != "dropped"]
    sections = [
        ("stages", "Stage by stage", _funnel(report.stages, report.drops)),
        ("dropped", "Dropped, and why", _reasons(dropped, "Nothing was dropped.")),
        ("failed", "Failed, and why", _reasons(failed, "Nothing failed.")),
        ("time", "Where the time went", _stage_table(report.stages) + _slow_table(report.slowest)),
    ]
    if report.plots:
        sections.insert(0, ("spread", "What is in it", _drawings(report.plots)))
    if report.licences:
        sections.insert(0, ("licences", "What it may be used for", _figures(report.licences)))
    if report.splits:
        sections.insert(0, ("splits", "Train, validation and test", _figures(report.splits)))
    if report.training:
        sections.insert(0, ("training", "What there is to train on", _figures(report.training)))
    if report.sound:
        sections.insert(0, ("sound", "How true sound and picture are", _figures(report.sound)))
    if report.captions:
        sections.insert(0, ("words", "How true the captions are", _figures(report.captions)))
    return "\n".join(
        f'<section id="{key}" aria-labelledby="{key}-h"><h2 id="{key}-h">{heading}</h2>\n{body}\n</section>'
        for key, heading, body in sections
    )


def _figures(figures: Sequence[Figure]) -> str:
    rows = "\n".join(
        f'<tr><th scope="row">{_text(one.label)}</th><td class="took">{_text(one.value)}</td>'
        f'<td class="path"><span class="clamp">{_text(one.meaning)}</span></td></tr>'
        for one in figures
    )
    return f"""<div class="scroll" role="region" tabindex="0" aria-label="Captions"><table class="slow">
<tbody>
{rows}
</tbody></table></div>"""


def _drawings(plots: Sequence[Drawing]) -> str:
    shown = "\n".join(f"<figure>{one.svg}<figcaption>{_text(one.said)}</figcaption></figure>" for one in plots)
    return f'<div class="plots">{shown}</div>'


def _funnel(stages: Sequence[StageLine], drops: Sequence[DropLine]) -> str:
    if not stages:
        return '<p class="nothing">No stage ran.</p>'
    widest = max(max(line.rows_in, _answered(line)) for line in stages)
    rows = "\n".join(_funnel_row(line, [d for d in drops if d.stage == line.name], widest) for line in stages)
    return f"""<p class="key" aria-hidden="true"><i class="ok"></i>ok <i class="dropped"></i>dropped \
<i class="failed"></i>failed <i class="unanswered"></i>unanswered</p>
<ol class="funnel">
{rows}
</ol>"""


def _answered(line: StageLine) -> int:
    return line.ok + line.dropped + line.failed + line.unanswered


def _funnel_row(line: StageLine, drops: Sequence[DropLine], widest: int) -> str:
    reasons = [(d.count, "dropped", d.reason) for d in drops if d.status == "dropped"]
    reasons += [(line.dropped - sum(n for n, _, _ in reasons), "dropped", "other reasons")]
    pieces = [(line.ok, "ok", "ok"), *reasons, (line.failed, "failed", "failed"), (line.unanswered, "unanswered", "unanswered")]
    pieces = [piece for piece in pieces if piece[0] > 0]
    bars, at = [], 0.0
    for number, kind, name in pieces:
        width = 100 * number / widest
        bars.append(
            f'<rect class="{kind}" x="{at:.3f}%" width="{width:.3f}%" height="100%">'
            f"<title>{_text(name)}: {words.count(number)}</title></rect>"
        )
        at += width
    lost = "".join(
        f'<li class="{kind}"><code>{_text(name)}</code> {words.count(number)}</li>'
        for number, kind, name in pieces
        if kind != "ok"
    )
    earlier = f'<li class="earlier">{words.count(line.already)} answered in earlier runs</li>' if line.already else ""
    told = ", ".join(
        [f"{words.count(line.rows_in)} in", f"{words.count(line.rows_out)} out"]
        + [f"{words.count(number)} {_text(name)}" for number, _, name in pieces]
    )
    return f"""<li><div class="name"><bdi class="clamp">{_text(line.name)}</bdi>\
<span class="io" aria-hidden="true">{words.count(line.rows_in)} → <b>{words.count(line.rows_out)}</b></span></div>
<svg class="bar" role="img" aria-label="{told}" height="16">{"".join(bars)}</svg>
<ul class="lost">{lost}{earlier}</ul></li>"""


def _reasons(lines: Sequence[DropLine], nothing: str) -> str:
    if not lines:
        return f'<p class="nothing">{nothing}</p>'
    lines = sorted(lines, key=lambda line: -line.count)
    widest = max(1, lines[0].count)
    return '<ul class="reasons">\n' + "\n".join(_reason(line, widest) for line in lines) + "\n</ul>"


def _reason(line: DropLine, widest: int) -> str:
    kind = {"dropped": "dropped", "unanswered": "unanswered"}.get(line.status, "failed")
    status = "" if line.status == "dropped" else f", {line.status.replace('_', ' ')}"
    row = f"""<span class="what"><code class="clamp">{_text(line.reason)}</code>\
<small class="clamp">{_text(line.stage + status)}</small></span>\
<svg class="bar" aria-hidden="true" height="10">\
<rect class="{kind}" width="{100 * line.count / widest:.3f}%" height="100%"/></svg>\
<b class="number">{words.count(line.count)}</b>"""
    if not line.examples:
        return f'<li><div class="reason">{row}</div></li>'
    examples = "".join(
        f'<li><bdi class="path clamp">{_text(path)}</bdi><span class="clamp" dir="auto">{_text(detail)}</span></li>'
        for path, detail in line.examples
    )
    return f'<li><details><summary class="reason">{row}</summary><ul class="examples">{examples}</ul></details></li>'


def _stage_table(stages: Sequence[StageLine]) -> str:
    if not stages:
        return '<p class="nothing">No stage ran.</p>'
    longest = max(line.seconds for line in stages) or 1.0
    rows = "\n".join(
        f'<tr><th scope="row"><bdi class="clamp">{_text(line.name)}</bdi></th>'
        + "".join(
            f"<td>{words.count(number) if number else '<span class=zero>0</span>'}</td>"
            for number in (line.rows_in, line.ok, line.dropped, line.failed, line.unanswered, line.already, line.rows_out)
        )
        + f"<td>{words.size(line.media_bytes) if line.media_bytes else '<span class=zero>–</span>'}</td>"
        f'<td class="took">{words.span(line.seconds)}</td><td class="share"><svg class="bar" aria-hidden="true" height="10">'
        f'<rect class="ok" width="{100 * line.seconds / longest:.3f}%" height="100%"/></svg></td></tr>'
        for line in stages
    )
    heads = ("in", "ok", "dropped", "failed", "unanswered", "earlier", "out", "media", "time")
    return f"""<div class="scroll" role="region" tabindex="0" aria-label="Stages"><table>
<thead><tr><th scope="col">stage</th>{"".join(f'<th scope="col">{head}</th>' for head in heads)}<td></td></tr></thead>
<tbody>
{rows}
</tbody></table></div>"""


def _slow_table(slowest: Sequence[SlowRow]) -> str:
    if not slowest:
        return ""
    rows = "\n".join(
        f'<tr><td class="took">{words.span(row.seconds)}</td><td><bdi class="clamp">{_text(row.stage)}</bdi></td>'
        f'<td class="path"><bdi class="clamp">{_text(row.path)}</bdi></td></tr>'
        for row in slowest
    )
    return f"""<h3>{"The slowest row" if len(slowest) == 1 else f"The {_plural(len(slowest), 'slowest row')}"}</h3>
<div class="scroll" role="region" tabindex="0" aria-label="Slowest rows"><table class="slow">
<thead><tr><th scope="col">time</th><th scope="col">stage</th><th scope="col">file</th></tr></thead>
<tbody>
{rows}
</tbody></table></div>"""
