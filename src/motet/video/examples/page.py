"""The page of the examples: films to watch, with the planned events running under them.

It asks for nothing but the files beside it, and works from a folder: the only script and style are the ones named in its policy
by hash, and what the script draws is data in the page.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any

from motet import __version__
from motet import wording as words
from motet.video.examples.choosing import SERIES
from motet.video.fields import FIELDS

if TYPE_CHECKING:
    from motet.video.examples.making import Example

__all__ = ["page"]

# What the series tell apart, and so what a film's heading says there.
_INTRODUCTIONS = {
    "moods": "The same notes, moved by the same mapping: only palette and prompts differ.",
    "mappings": "The same notes in the same mood: what moves what differs.",
    "sizes": "The same plan, painted small and large.",
    "tunes": "A window of each tune, in sizes, moods and mappings by turns.",
}
_ORDER = ("kick", "snare", "bass", "chords", "pad", "melody", "other")
_COLOURS = {"melody": 1, "bass": 0, "chords": 2, "pad": 4, "other": 9, "kick": 3, "snare": 6}
_DRUM_COLOURS = (5, 7, 8, 9)
_NOTHING = '<p class="nothing">No film is finished yet.</p>'
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def page(examples: Sequence[Example]) -> str:
    """The page as one HTML document, to be written as UTF-8 beside the films' files. Every string may be hostile."""
    style, script = _asset("page.css"), _asset("page.js")
    there = {name: [one for one in examples if name in one.series] for name in SERIES}
    shown = {name: ones for name, ones in there.items() if len(ones) > (name != "tunes")}
    return Template(_asset("page.html")).substitute(
        style=style,
        script=script,
        style_hash=_fingerprint(style),
        script_hash=_fingerprint(script),
        version=_text(__version__),
        totals=_totals(examples),
        links="".join(f'<a href="#{name}">{_text(name.capitalize())}</a>' for name in shown),
        series="\n".join(_section(name, ones) for name, ones in shown.items()) or _NOTHING,
        sounds=_sounds(examples),
        films=_json({one.name: _sight(one) for one in examples}),
    )


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _fingerprint(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(raw: str) -> str:
    return html.escape(_UNSHOWABLE.sub("\ufffd", raw))


def _json(value: object) -> str:
    """JSON for a script element: plain ASCII, and nothing in it can end the element or open a comment."""
    ascii_only = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return ascii_only.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _totals(examples: Sequence[Example]) -> str:
    f1 = [value for one in examples if (value := _figure(one.sync, ("picture", "f1"))) is not None]
    tiles = [
        ("films", words.count(len(examples))),
        ("tunes", words.count(len({one.title for one in examples}))),
        ("planned events", words.count(sum(one.events for one in examples))),
    ]
    if f1:
        tiles.append(("mean F1 of planned and seen", f"{sum(f1) / len(f1):.3f}"))
    return "".join(f"<div><dt>{_text(name)}</dt><dd>{value}</dd></div>" for name, value in tiles)


def _section(name: str, examples: Iterable[Example]) -> str:
    cards = "\n".join(_card(name, one) for one in examples)
    return f"""<section id="{name}" aria-labelledby="{name}-h"><h2 id="{name}-h">{_text(SERIES[name])}</h2>
<p class="about">{_text(_INTRODUCTIONS[name])}</p>
<div class="films">
{cards}
</div></section>"""


def _card(series: str, one: Example) -> str:
    width, height = one.size
    heading = {"moods": one.mood, "mappings": one.mapping, "sizes": f"{width}×{height}"}.get(series, one.title)
    about = [one.title, one.artist, one.mood, one.mapping, f"{width}×{height}"]
    said = " · ".join(f"<bdi>{_text(part)}</bdi>" for part in about if part and part != heading)
    lanes = _lanes(one)
    legend = "".join(f'<li class="v{_colour(lane, lanes)}"><i></i>{_text(lane)}</li>' for lane in lanes)
    place = f"{words.clock(one.start)}–{words.clock(one.start + one.seconds)} of the tune, {words.several(one.bars, 'bar')}"
    links = "".join(
        f'<li><a href="{_text(one.files[kind])}"{download}>{label}</a></li>'
        for kind, label, download in (
            ("video", "Film (MP4)", ""),
            ("midi", "Notes (MIDI)", " download"),
            ("sound", "Sound (MP3)", ""),
            ("manifest", "Plan (Parseq)", ""),
        )
    )
    facts = {
        "tempo": f"{one.tempo:.0f} BPM",
        "key": one.key or "not clear",
        "theme": one.theme,
        "window": place,
        "pictures": f"{one.frames:,} at {one.fps} a second",
        "notes": f"{one.notes:,}, of which {one.events:,} move something",
    }
    told = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in facts.items() if value)
    file = {kind: _text(name) for kind, name in one.files.items()}
    length = words.clock(one.seconds)
    key, heading = _text(f"{series}-{one.name}"), _text(heading)
    return f"""<article class="film" id="{key}" data-film="{_text(one.name)}" aria-labelledby="{key}-h">
<h3 id="{key}-h">{heading}</h3>
<p class="of">{said}</p>
<video controls playsinline preload="none" width="{width}" height="{height}" poster="{file["poster"]}" \
aria-labelledby="{key}-h" aria-describedby="{key}-events"><source src="{file["video"]}" type="video/mp4">\
<p>This browser shows no H.264: <a href="{file["video"]}">take the film</a>.</p></video>
<div class="strip" role="slider" tabindex="0" \
aria-label="Planned events of {heading}: left and right go from one to the next" \
aria-valuemin="0" aria-valuemax="{one.seconds:.2f}" aria-valuenow="0" aria-valuetext="0:00 of {length}">\
<canvas class="still"></canvas><canvas class="live"></canvas></div>
<p class="now" aria-hidden="true"><span class="time">0:00.00</span> \
<span class="frame">picture 0</span> <span class="last"></span></p>
<ul class="legend" aria-hidden="true">{legend}</ul>
{_sync(one.sync)}
<details><summary>What moves what</summary>
<div id="{key}-events">{_moves(one)}</div>
<dl class="facts">{told}</dl>
<p class="prompt" dir="auto">{_text(one.prompt)}</p></details>
<ul class="links" aria-label="Files of this film">{links}</ul>
</article>"""


def _moves(one: Example) -> str:
    if not one.moves:
        return "<p>Nothing: no note of this window is mapped.</p>"
    rows = "".join(
        f'<tr><th scope="row">{_text(who)}</th><td class="number">{number:,}</td><td>{"<br>".join(map(_field, fields))}</td></tr>'
        for who, number, fields in one.moves
    )
    return f"""<table><thead><tr><th scope="col">Notes of</th><th scope="col" class="number">onsets</th>\
<th scope="col">move</th></tr></thead><tbody>{rows}</tbody></table>"""


def _field(name: str) -> str:
    about = FIELDS[name].about if name in FIELDS else ""
    return f"<code>{_text(name)}</code> <small>{_text(about)}</small>"


# What the page tells of `motet.video.sync.Sync.to_dict`: where it stands there, how it is called, and what it means.
_FIGURES = (
    (("picture", "f1"), "F1", "{:.3f}", "planned events against seen changes"),
    (("picture", "precision"), "precision", "{:.3f}", "share of changes that were planned"),
    (("picture", "recall"), "recall", "{:.3f}", "share of planned events that are seen"),
    (("picture", "mean_ms"), "error, ms", "{:.1f}", "mean distance of a change from the moment of its notes"),
    (("picture", "judged"), "judged", "{:,.0f}", "planned frames at least four frames from their neighbours"),
    (("av_align",), "AV-Align", "{:.2f}", "changes of the picture against onsets of the sound"),
    (("beat_alignment",), "beats", "{:.2f}", "beat alignment score"),
)


def _figure(sync: Mapping[str, Any], path: Sequence[str]) -> float | None:
    found: Any = sync
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return float(found) if isinstance(found, int | float) and math.isfinite(found) else None


def _sync(sync: Mapping[str, Any]) -> str:
    told = [(label, form, meaning, _figure(sync, path)) for path, label, form, meaning in _FIGURES]
    tiles = "".join(
        f'<div title="{_text(meaning)}"><dt>{_text(label)}</dt><dd>{form.format(value)}</dd></div>'
        for label, form, meaning, value in told
        if value is not None
    )
    faults = "".join(f'<p class="trouble">{_text(str(fault["detail"]))}</p>' for fault in sync.get("faults", ()))
    return f'<dl class="sync" aria-label="Measured from the finished film">{tiles}</dl>{faults}'


def _sounds(examples: Iterable[Example]) -> str:
    sounds = sorted({pair for one in examples for pair in one.sounds})
    told = "; ".join(f"{_text(name)} ({_text(licence)})" for name, licence in sounds)
    return f"Played with {told}. " if told else ""


# --- what the script draws ---


def _lanes(one: Example) -> list[str]:
    """Who moves something, from the bottom of the strip to its top: drums by how low they sound, then the rest."""
    there = dict.fromkeys(who for _, who, _ in one.marks)
    known = [who for who in _ORDER if who in there]
    drums = sorted(who for who in there if who not in _ORDER)
    split = sum(who in ("kick", "snare") for who in known)
    return [*known[:split], *drums, *known[split:]]


def _colour(lane: str, lanes: Sequence[str]) -> int:
    drums = [who for who in lanes if who not in _COLOURS]
    return _COLOURS[lane] if lane in _COLOURS else _DRUM_COLOURS[drums.index(lane) % len(_DRUM_COLOURS)]


def _sight(one: Example) -> dict[str, object]:
    """Whole milliseconds; three numbers an event: time, lane, velocity."""
    lanes = _lanes(one)
    place = {who: number for number, who in enumerate(lanes)}
    top, _, bottom = one.fps.partition("/")
    return {
        "length": round(one.seconds * 1000),
        "rate": int(top) / int(bottom or 1),
        "lanes": lanes,
        "colours": [_colour(lane, lanes) for lane in lanes],
        "bars": [round(beat * 1000) for beat in one.downbeats],
        "marks": [number for at, who, velocity in one.marks for number in (round(at * 1000), place[who], velocity)],
    }
