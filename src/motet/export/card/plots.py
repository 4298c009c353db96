"""Bar charts and histograms as small SVG files: for a README, where they are images, and inline in a page.

No style sheet and no script, so that a strict Content-Security-Policy lets them be; a card of their own colour behind, since an
image does not know whether the page around it is dark. Equal facts give equal bytes. Contrast of text and bars with the card is
at least 4.5:1 (WCAG 2.2, 1.4.3 and 1.4.11).
"""

from __future__ import annotations

import html
import itertools
import math
import re
import unicodedata
from collections.abc import Sequence

from motet.wording import count

__all__ = ["WIDTH", "bars", "histogram", "nice"]

WIDTH = 640
_CARD, _EDGE, _TEXT, _QUIET, _LINE, _BAR = "#ffffff", "#d0d7de", "#1f2328", "#59636e", "#e4e8ec", "#0b6bcb"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
_LETTER = 6.7  # width of a letter at 12 units, on average
_BAD = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def bars(name: str, title: str, rows: Sequence[tuple[str, int]], *, what: str, total: int, note: str = "") -> str:
    """A horizontal bar for each label with its count, and its share of `total`, which `what` (plural) names: "clips".

    `name` is of the file, and makes the identifiers in it unique. `note` stands below.
    """
    right, top, pitch = 110, 52, 22
    left = min(290, round(24 + _LETTER * max((len(_short(label, 40)) for label, _ in rows), default=0)))
    height = top + pitch * max(1, len(rows)) + (34 if note else 14)
    widest = max((number for _, number in rows), default=0)
    room = WIDTH - left - right
    parts = []
    for index, (label, number) in enumerate(rows):
        y = top + pitch * index
        length = room * number / widest if widest else 0.0
        parts.append(_text(left - 8, y + 14, _short(label, 40), anchor="end"))
        parts.append(f'<rect x="{left}" y="{y + 3}" width="{max(1.0, length):.1f}" height="15" rx="2" fill="{_BAR}"/>')
        share = f" · {_percent(number, total)}" if total else ""
        parts.append(_text(left + length + 6, y + 14, f"{count(number)}{share}", fill=_QUIET))
    if not rows:
        parts.append(_text(24, top + 14, "Nothing is known.", fill=_QUIET))
    if note:
        parts.append(_text(16, height - 14, _short(note, 92), fill=_QUIET, size=11))
    told = "; ".join(f"{label}: {count(number)}" for label, number in rows[:12]) or "nothing is known"
    return _sheet(name, title, f"of {count(total)} {what}", f"Bar chart. {told}. {note}", height, parts)


def histogram(
    name: str, title: str, edges: Sequence[float], counts: Sequence[int], *, axis: str, what: str, note: str = "", told: str = ""
) -> str:
    """How many have a value from each edge to the next: `len(edges) == len(counts) + 1`, edges rising and evenly spaced.

    `axis` says what the values are, with their unit; `what` names what is counted; `told` is a description in words.
    Raises ValueError for edges that do not fit.
    """
    if len(edges) != len(counts) + 1 or any(not low < high for low, high in itertools.pairwise(edges)):
        raise ValueError("a histogram needs one edge more than it has counts, rising")
    left, right, top, tall = 62, 20, 56, 150
    height = top + tall + (66 if note else 48)
    floor, room = top + tall, WIDTH - left - right
    ticks = nice(0.0, float(max(counts, default=0)), 4, whole=True)
    peak = max(ticks[-1], 1.0)
    parts = []
    for tick in ticks:
        y = floor - tall * tick / peak
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{WIDTH - right}" y2="{y:.1f}" stroke="{_LINE}"/>')
        parts.append(_text(left - 6, y + 4, count(round(tick)), anchor="end", fill=_QUIET, size=11))
    wide = room / max(1, len(counts))
    for index, number in enumerate(counts):
        tallness = tall * number / peak
        if number:
            parts.append(
                f'<rect x="{left + wide * index + 0.5:.1f}" y="{floor - max(1.0, tallness):.1f}" '
                f'width="{max(0.5, wide - 1):.1f}" height="{max(1.0, tallness):.1f}" fill="{_BAR}"/>'
            )
    parts.append(f'<line x1="{left}" y1="{floor}" x2="{WIDTH - right}" y2="{floor}" stroke="{_QUIET}"/>')
    span = edges[-1] - edges[0] if len(edges) > 1 else 1.0
    for tick in nice(edges[0], edges[-1], 8):
        if edges[0] - 1e-9 <= tick <= edges[-1] + 1e-9:
            x = left + room * (tick - edges[0]) / span
            parts.append(f'<line x1="{x:.1f}" y1="{floor}" x2="{x:.1f}" y2="{floor + 4}" stroke="{_QUIET}"/>')
            parts.append(_text(x, floor + 17, _number(tick), anchor="middle", fill=_QUIET, size=11))
    parts.append(_text(left + room / 2, floor + 35, _short(axis, 80), anchor="middle"))
    parts.append(_text(16, top - 11, what, fill=_QUIET, size=11))
    if note:
        parts.append(_text(16, height - 12, _short(note, 92), fill=_QUIET, size=11))
    return _sheet(name, title, f"n = {count(sum(counts))}", f"Histogram of {axis}. {told} {note}", height, parts)


def nice(low: float, high: float, about: int, *, whole: bool = False) -> list[float]:
    """Round numbers from at most `low` to at least `high`, some `about` steps apart: 1, 2 or 5 times a power of ten."""
    span = high - low
    if not span > 0:
        return [low, low + 1.0]
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next((power * factor for factor in (1, 2, 5, 10) if power * factor * about >= span * 0.999), power * 10)
    if whole:
        step = max(1.0, step)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * index, 10) for index in range(first, last + 1)]


def _number(value: float) -> str:
    return f"{round(value):,}" if abs(value - round(value)) < 1e-6 else f"{value:.10g}"


def _percent(number: int, total: int) -> str:
    share = 100 * number / total
    return f"{share:.0f} %" if share >= 9.95 or number == 0 else f"{share:.1f} %" if share >= 0.05 else "< 0.1 %"


def _sheet(name: str, title: str, aside: str, about: str, height: int, parts: Sequence[str]) -> str:
    key = re.sub(r"[^a-z0-9-]+", "-", name.lower()) or "plot"
    shown = _short(title, 56)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-labelledby="{key}-title {key}-about" font-family="{_FONT}" font-size="12">\n'
        f'<title id="{key}-title">{_clean(title)}</title>\n<desc id="{key}-about">{_clean(f"{aside}. {about}".strip())}</desc>\n'
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6" fill="{_CARD}" stroke="{_EDGE}"/>\n'
        f"{_text(16, 26, shown, size=15, weight=600)}\n{_text(WIDTH - 16, 26, aside, anchor='end', fill=_QUIET)}\n"
        f"{body}\n</svg>\n"
    )


def _text(x: float, y: float, text: str, *, anchor: str = "", fill: str = _TEXT, size: int = 0, weight: int = 0) -> str:
    more = f' text-anchor="{anchor}"' if anchor else ""
    more += f' font-size="{size}"' if size else ""
    more += f' font-weight="{weight}"' if weight else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}"{more}>{_clean(text)}</text>'


def _clean(text: str) -> str:
    return html.escape(" ".join(_BAD.sub("\ufffd", text).split()))


def _short(text: str, most: int) -> str:
    """Cut to the room of `most` narrow letters; those of East Asia take two."""
    room, kept = most, ""
    for letter in " ".join(text[: 4 * most].split()):
        room -= 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if room < 1:
            return kept.rstrip() + "…"
        kept += letter
    return kept
