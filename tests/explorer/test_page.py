"""The report page: one file that asks for nothing, shows any string as it is, and plays."""

import base64
import hashlib
import io
import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from motet import wording as words
from motet.explorer import ClipView, DropLine, Figure, Note, Report, SlowRow, StageLine, Total, page

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "<!-- <script>",
    "\"'`&amp;&lt;",
    "$title ${script} %s {0}",
    "\u202eأغنية السلام",
    "🎻 👨‍👩‍👧‍👦",
    "x" * 5000,
    "https://example.org/a//b",
]
VOID = {"meta", "link", "br", "img", "input"}


@cache
def sine(seconds: float = 3.0, rate: int = 22050, kind: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, 0.2 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate), rate, format=kind)
    return file.getvalue()


def clip(id: str = "clip one", **changes: Any) -> ClipView:
    one = ClipView(
        id=id,
        title="Greensleeves",
        artist_or_path="Traditional English",
        caption="A flute over a guitar and soft drums, in 3/4.",
        start_s=60.0,
        end_s=63.0,
        facts={"tempo": "120 bpm", "metre": "3/4"},
        audio=sine(),
        mime="audio/wav",
        bars=[0.0, 1.5],
        notes=[Note(0.0, 1.0, 72, 0, 100), Note(0.0, 2.9, 48, 1, 60), Note(1.5, 1.6, 38, 2, 127)],
        instruments=[("Flute", False), ("Guitar", False), ("Drums", True)],
        peaks=[-25, 25] * 300,
        source="tunes/Greensleeves.mid",
        licence="CC0-1.0",
    )
    return replace(one, **changes)


def report(**changes: Any) -> Report:
    one = Report(
        title="my tunes",
        recipe="text-to-music",
        made_at="2026-11-21T14:03:09+00:00",
        version="0.1.0",
        seed=1,
        summary="12 songs out of 18 files.",
        totals=[Total("songs", 12345), Total("music", 72.0, "seconds"), Total("on disk", 3_400_000, "bytes")],
        clips=[clip("one"), clip("two", caption="The same again.")],
        stages=[StageLine("scan", 18, 17, 1, rows_out=17, seconds=0.4), StageLine("clean", 17, 12, 4, 1, already=3, rows_out=12)],
        drops=[
            DropLine("scan", "dropped", "junk", 1, [("a/.DS_Store", "a file of macOS")]),
            DropLine("clean", "dropped", "too_short", 4),
            DropLine("clean", "timed_out", "time_limit", 1, [("giant.mid", "more than 20 s")]),
        ],
        slowest=[SlowRow("clean", "giant.mid", 20.0)],
        captions=[Figure("claim precision", "0.9950", "of 1,000 claims read")],
    )
    return replace(one, **changes)


def hostile_report(text: str) -> Report:
    """A report with this text wherever a text may stand."""
    strange = clip(
        text, title=text, artist_or_path=text, caption=text, facts={text: text}, mime=text, instruments=[(text, False)] * 3,
        source=text, licence=text,
    )  # fmt: skip
    return Report(
        text, text, text, text, 1, text, [Total(text, 1)], [strange], [StageLine(text, 2, 1, 1)],
        [DropLine(text, "dropped", text, 1, [(text, text)]), DropLine(text, text, text, 1, [(text, text)])],
        [SlowRow(text, text, 1.0)], [Figure(text, text, text)],
    )  # fmt: skip


class Read(HTMLParser):
    """The page read back: every element with its attributes and own text, and whether each one was closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self.open: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = (tag, {name: value or "" for name, value in attrs}, list[str]())
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # as svg's shapes close themselves
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.open[-1][2].append(data)

    def texts(self, tag: str, classed: str = "") -> list[str]:
        return [
            "".join(text)
            for name, attrs, text in self.elements
            if name == tag and classed in ["", *attrs.get("class", "").split()]
        ]

    def shape(self) -> list[tuple[str, str]]:
        return [(tag, attrs.get("class", "")) for tag, attrs, _ in self.elements]


# --- the file --------------------------------------------------------------------------------------------------------


def test_is_one_well_formed_document() -> None:
    text = page(report())
    read = Read(text)
    assert text.startswith("<!doctype html>")
    assert read.texts("title")[0] == "my tunes · motet"  # the others are of the bars
    ids = [attrs["id"] for _, attrs, _ in read.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    named = {"aria-labelledby", "aria-describedby"}
    assert {attrs[name] for _, attrs, _ in read.elements for name in named & attrs.keys()} <= set(ids)


@pytest.mark.parametrize("text", ["plain", *HOSTILE])
def test_asks_for_nothing_outside_itself(text: str) -> None:
    read = Read(page(hostile_report(text)))
    for _, attrs, _ in read.elements:
        assert not {"src", "srcset", "action", "data", "poster", "background", "style"} & attrs.keys()
        assert not [name for name in attrs if name.startswith("on")]
        assert attrs.get("href", "#").startswith("#") or attrs["href"] == "data:,"
    (style,) = read.texts("style")
    assert "url(" not in style
    assert "@import" not in style
    script = code(read)
    assert not re.search(r"https?:|fetch\(|XMLHttp|import\(|WebSocket|sendBeacon", script)


def code(read: Read) -> str:
    """The one script that runs; all others are data."""
    (script,) = ["".join(text) for tag, attrs, text in read.elements if tag == "script" and "type" not in attrs]
    return script


def test_its_policy_allows_its_own_script_and_style_and_no_other() -> None:
    read = Read(page(report()))
    (policy,) = [attrs["content"] for tag, attrs, _ in read.elements if attrs.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    def fingerprint(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == fingerprint(code(read))
    assert rules["style-src"] == fingerprint(read.texts("style")[0])
    assert rules["media-src"] == "blob:"


# --- strings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_string_changes_nothing_but_the_text(text: str) -> None:
    read, plain = Read(page(hostile_report(text))), Read(page(hostile_report("plain")))
    assert read.shape() == plain.shape()
    assert read.texts("h1") == [text]
    assert read.texts("h3")[0] == text
    assert read.texts("code").count(text) == plain.texts("code").count("plain") > 0
    assert read.texts("bdi").count(text) == plain.texts("bdi").count("plain") > 0
    assert read.texts("dd", "clamp") == [text]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])))
def test_every_text_is_read_back_as_it_was(text: str) -> None:
    read = Read(page(Report(text, "r", text, "v", 1, text)))
    assert read.texts("h1") == [text]
    assert read.texts("p", "summary") == [text]


def test_what_no_browser_can_show_is_replaced_so_that_the_page_is_utf_8() -> None:
    text = page(hostile_report("a\x00b\ud800c\x1bd\re"))
    assert Read(text).texts("h1") == ["a\ufffdb\ufffdc\ufffdd\ufffde"]
    text.encode()


# --- data ------------------------------------------------------------------------------------------------------------


def test_sound_and_picture_come_back_from_the_page() -> None:
    one = clip(mime="audio/wav</script>")
    read = Read(page(report(clips=[one])))
    (sound,) = read.texts("script", "sound")
    assert base64.b64decode(json.loads(sound)) == one.audio
    (raw,) = read.texts("script", "sight")
    sight = json.loads(raw)
    assert "<" not in raw
    assert sight["mime"] == one.mime
    assert sight["length"] == 3000
    assert sight["bars"] == [0, 1500]
    assert sight["peaks"] == list(one.peaks)
    assert sight["notes"] == [0, 1000, 72, 0, 100, 0, 2900, 48, 1, 60, 1500, 1600, 38, 2, 127]
    assert sight["voices"] == ["0", "1", "d"]


@given(st.lists(st.lists(st.tuples(st.sampled_from("abcdefghijklmn"), st.booleans()), max_size=10), max_size=6))
def test_no_two_voices_of_a_clip_share_a_colour(bands: list[list[tuple[str, bool]]]) -> None:
    read = Read(page(report(clips=[clip(instruments=band, notes=[], audio=b"") for band in bands])))
    for band, raw in zip(bands, read.texts("script", "sight"), strict=True):
        voices = json.loads(raw)["voices"]
        assert [voice == "d" for voice in voices] == [is_drum for _, is_drum in band]
        pitched = [voice for voice in voices if voice != "d"]
        assert len(pitched) == len(set(pitched))


def test_an_instrument_keeps_its_colour_from_clip_to_clip() -> None:
    clips = [clip(notes=[]), clip(notes=[], instruments=[("Tuba", False), ("Guitar", False)])]
    first, second = (json.loads(raw)["voices"] for raw in Read(page(report(clips=clips))).texts("script", "sight"))
    assert first[1] == second[1]


@pytest.mark.parametrize(
    "wrong, says",
    [
        ({"notes": [Note(0.0, 1.0, 60, 3, 90)]}, "instrument 3 of 3"),
        ({"notes": [Note(0.0, float("nan"), 60, 0, 90)]}, "nan is not a time"),
        ({"bars": [float("inf")]}, "inf is not a time"),
    ],
)
def test_a_picture_that_cannot_be_true_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        page(report(clips=[clip(**wrong)]))


# --- the run ---------------------------------------------------------------------------------------------------------


def test_says_what_became_of_the_rows() -> None:
    text = page(report())
    for said in (
        "12,345",
        "1 min 12 s",
        "3.4 MB",
        "21 November 2026, 14:03 UTC",
        "3 answered in earlier runs",
        "clean, timed out",
    ):
        assert said in text
    read = Read(text)
    assert [attrs["aria-label"] for tag, attrs, _ in read.elements if tag == "svg" and "aria-label" in attrs] == [
        "18 in, 17 out, 17 ok, 1 junk",
        "17 in, 12 out, 12 ok, 4 too_short, 1 failed",
    ]
    assert read.texts("bdi", "path") == ["a/.DS_Store", "giant.mid"]


def test_nothing_ran_and_nothing_came_out() -> None:
    read = Read(page(Report("t", "r", "someday", "0", 0, "Nothing survived.")))
    assert len(read.texts("p", "nothing")) == 5
    assert "article" not in {tag for tag, _, _ in read.elements}
    Read(
        page(
            report(
                stages=[StageLine("scan", 0, 0)], drops=[], clips=[clip(audio=b"", notes=[], instruments=[], peaks=[], bars=[])]
            )
        )
    )


@pytest.mark.parametrize(
    "seconds, said",
    [(0, "0 s"), (0.008, "8 ms"), (4.21, "4.2 s"), (9.96, "10 s"), (59.7, "1 min 0 s"), (72, "1 min 12 s"), (7500, "2 h 5 min")],
)
def test_spans(seconds: float, said: str) -> None:
    assert words.span(seconds) == said


@pytest.mark.parametrize(
    "octets, said",
    [(0, "0 B"), (999, "999 B"), (3_400_000, "3.4 MB"), (999_949, "1.0 MB"), (12 * 10**9, "12 GB"), (5 * 10**15, "5,000 TB")],
)
def test_sizes(octets: int, said: str) -> None:
    assert words.size(octets) == said


# --- in a browser ----------------------------------------------------------------------------------------------------

QUIET = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*QUIET, "--disable-component-update"])
        yield browser
        browser.close()


@pytest.fixture
def show(chromium: Any, tmp_path: Path) -> Iterator[Any]:
    """Opens a report. At the end: no error, no dialog, and nothing was asked for but the file and its own blobs."""
    troubles: list[str] = []
    tabs = []

    def open_(shown: Report, width: int = 1000) -> Any:
        file = tmp_path / "report.html"
        file.write_text(page(shown), encoding="utf-8")
        tab = chromium.new_page(viewport={"width": width, "height": 800})
        tabs.append(tab)
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        tab.on("dialog", lambda dialog: (troubles.append("a dialog"), dialog.dismiss()))
        tab.on(
            "request", lambda request: troubles.append(request.url) if not request.url.startswith(("file:", "blob:")) else None
        )
        tab.goto(file.as_uri())
        return tab

    yield open_
    for tab in tabs:
        tab.close()
    assert troubles == []


def playhead(tab: Any, number: int = 0) -> float:
    """Where the playhead is drawn, as a part of the width; negative if it is not."""
    return float(
        tab.evaluate(
            """number => {
                const live = document.querySelectorAll("canvas.live")[number];
                const row = live.getContext("2d").getImageData(0, live.height - 1, live.width, 1).data;
                let last = -1;  // the line stands on the last row, at the right end of the wave's played part
                for (let x = 0; x < live.width; x++) if (row[4 * x + 3]) last = x;
                return last / live.width;
            }""",
            number,
        )
    )


def until(tab: Any, true: str) -> None:
    """Wait for it, asking from outside: the page's own policy lets nothing be evaluated within."""
    deadline = time.monotonic() + 10
    while not tab.evaluate(true):
        assert time.monotonic() < deadline, f"{true} did not come true"
        tab.wait_for_timeout(15)


def now(tab: Any) -> float:
    return float(tab.evaluate("audio.currentTime"))


@pytest.mark.browser
@pytest.mark.parametrize("kind, mime", [("WAV", "audio/wav"), ("FLAC", "audio/flac"), ("MP3", "audio/mpeg")])
def test_plays_and_the_playhead_moves(show: Any, kind: str, mime: str) -> None:
    tab = show(report(clips=[clip(audio=sine(kind=kind), mime=mime)]))
    tab.get_by_role("button", name="Play").click()
    until(tab, "audio.currentTime > 0.3")
    first, drawn = now(tab), playhead(tab)
    assert 0 < drawn < 0.9
    until(tab, f"audio.currentTime > {first} + 0.3")
    tab.get_by_role("button", name="Pause").click()
    until(tab, "audio.paused && !document.querySelector('.playing')")
    assert playhead(tab) > drawn
    assert playhead(tab) == pytest.approx(now(tab) / 3, abs=0.02)
    assert tab.locator(".time .now").inner_text() == words.clock(now(tab))


@pytest.mark.browser
def test_seeks_by_click_drag_and_keys(show: Any) -> None:
    tab = show(report())
    slider = tab.get_by_role("slider").first
    box = slider.bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 50)
    tab.mouse.down()
    until(tab, "Math.abs(audio.currentTime - 1.5) < 0.05")
    tab.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 50)
    tab.mouse.up()
    until(tab, "Math.abs(audio.currentTime - 0.75) < 0.05")
    assert playhead(tab) == pytest.approx(0.25, abs=0.02)
    slider.focus()
    tab.keyboard.press("ArrowRight")
    until(tab, "Math.abs(audio.currentTime - 2.75) < 0.05")
    tab.keyboard.press("Shift+ArrowLeft")
    until(tab, "Math.abs(audio.currentTime - 1.5) < 0.05")
    assert slider.get_attribute("aria-valuetext") == "0:01 of 0:03, bar 2"
    tab.keyboard.press("Home")
    until(tab, "audio.currentTime === 0")


@pytest.mark.browser
def test_one_clip_sounds_at_a_time_and_the_keys_go_between_them(show: Any) -> None:
    tab = show(report())
    tab.get_by_role("slider").first.focus()
    tab.keyboard.press("Space")
    until(tab, "audio.currentTime > 0.1")
    assert tab.locator(".playing").get_attribute("data-id") == "one"
    tab.keyboard.press("ArrowDown")
    until(tab, "document.querySelector('.playing')?.dataset.id === 'two' && audio.currentTime > 0.1")
    assert playhead(tab, 0) < 0
    tab.keyboard.press("ArrowUp")
    until(tab, "document.querySelector('.playing')?.dataset.id === 'one' && audio.currentTime > 0.1")
    tab.keyboard.press("Space")
    until(tab, "audio.paused && !document.querySelector('.playing')")
    assert tab.evaluate("scrollY") < 1000


@pytest.mark.browser
def test_ends_and_starts_again(show: Any) -> None:
    tab = show(report(clips=[clip(audio=sine(0.5), end_s=60.5)]))
    tab.get_by_role("button", name="Play").click()
    until(tab, "audio.ended")
    tab.get_by_role("button", name="Play").click()
    until(tab, "!audio.paused && audio.currentTime < 0.4")


@pytest.mark.browser
def test_sound_that_is_damaged_or_absent_is_said(show: Any) -> None:
    tab = show(report(clips=[clip(audio=b"no music"), clip(audio=b"")]))
    tab.get_by_role("button", name="Play").first.click()
    tab.get_by_text("could not play the sound").wait_for()
    assert tab.get_by_text("no sound in the page").is_visible()
    assert tab.get_by_role("button", name="Play").nth(1).is_disabled()


@pytest.mark.browser
@pytest.mark.parametrize("text", ["plain words", HOSTILE[1], HOSTILE[5], HOSTILE[7]])
def test_any_string_fits_on_a_telephone(show: Any, text: str) -> None:
    tab = show(hostile_report(text), width=360)
    assert tab.locator("h1").text_content() == text
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.browser
def test_many_clips_are_shown_when_asked_for(show: Any) -> None:
    tab = show(report(clips=[clip(str(number)) for number in range(40)]))
    assert tab.locator(".clip:visible").count() == 8
    tab.get_by_role("button", name="Show all 40 clips").click()
    assert tab.locator(".clip:visible").count() == 40
    until(tab, "document.activeElement.closest('.clip')?.dataset.id === '8'")
