"""Text into Markdown, HTML and YAML, so that it is shown as it is, and nothing in it is followed.

GitHub Flavored Markdown (https://github.github.com/gfm/), which the Hub renders, too, with formulas between dollar signs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["code", "fenced", "front_matter", "line", "plain", "table"]

LONGEST = 300  # letters of a name
_MARKS = re.compile(r"([`*_{}\[\]#!|<>&~$^])")
_LINKS = re.compile(r"(?i)(?<![a-z0-9])(www)\.|([a-z]):(?=//)|@")
_BEGINS = re.compile(r"^(?:[-=+](?=[\s=-]|$)|\d+(?=[.)](?:\s|$)))")
_BAD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")  # they would turn the text around them


def line(text: str, most: int = LONGEST) -> str:
    """One line that any encoding and any reader can take; cut where it is longer than `most`."""
    shown = " ".join(_TURNS.sub("", _BAD.sub("\ufffd", text[: 4 * most])).split())
    return shown if len(shown) <= most and len(text) <= 4 * most else shown[: most - 1].rstrip() + "…"


def plain(text: str, most: int = LONGEST) -> str:
    """Text that Markdown shows as it is, in a paragraph, a list or a table: no marks, no links, no HTML, no formulas."""
    shown = _MARKS.sub(r"\\\1", line(text, most).replace("\\", "\0")).replace("\0", "&#92;")  # of formulas, too: \\(x\\)
    shown = _LINKS.sub(lambda found: f"{found[1]}\\." if found[1] else f"{found[2]}\\:" if found[2] else "&#64;", shown)
    return _BEGINS.sub(lambda found: found[0] + "&#8203;" if found[0].isdigit() else "\\" + found[0], shown)


def code(text: str, most: int = LONGEST) -> str:
    """Text as code within a line or a table's cell."""
    shown = line(text, most).replace("|", "\\|") or " "
    ticks = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fenced(text: str, language: str = "") -> str:
    """Lines of code, between fences longer than any in them."""
    shown = "\n".join(_TURNS.sub("", _BAD.sub("\ufffd", one)).rstrip() for one in text.replace("\r\n", "\n").split("\n")).strip(
        "\n"
    )
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    return f"{fence}{language}\n{shown}\n{fence}\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """A table of cells that are Markdown already; columns named in `right` hold numbers."""
    rule = "".join("---:|" if index in right else "---|" for index in range(len(head)))
    return "\n".join([f"| {' | '.join(head)} |", f"|{rule}", *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def front_matter(told: Mapping[str, Any]) -> str:
    """YAML between two lines of dashes, as the Hub reads it: text on one line each, quoted where it must be."""
    import yaml

    body = yaml.safe_dump(_tame(told), sort_keys=False, allow_unicode=True, width=100_000)
    return f"---\n{body}---\n"


def _tame(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {line(str(key)): _tame(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_tame(each) for each in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    return value if value is None or isinstance(value, bool | int | float) else line(str(value), 2000)
