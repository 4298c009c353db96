"""The page of one example in a real browser: it plays, seeks, mixes stems, shows the film in step, and keeps what is judged."""

import io
import json
import math
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import soundfile

RATE = 22050
LENGTH = 6.0
PITCHES = (330.0, 880.0)  # Hz: what the two stems of an example sound like
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "../../etc/passwd",
    "\u202eأغنية",
    "x" * 5000,
    "a\nb\0c",
]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

pytestmark = pytest.mark.browser


@cache
def sine(*pitches: float) -> bytes:
    """A WAV of so many tones."""
    seconds = np.arange(int(LENGTH * RATE)) / RATE
    file = io.BytesIO()
    soundfile.write(file, sum(0.2 * np.sin(2 * np.pi * pitch * seconds) for pitch in pitches), RATE, format="WAV")
    return file.getvalue()


@cache
def film() -> bytes:
    """An MP4 that turns from black to white over its length, twelve pictures a second, with a tone."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        picture = out.add_stream("libx264", rate=12, options={"g": "6"})
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        for number in range(int(LENGTH * 12)):
            level = int(20 + 200 * number / (LENGTH * 12))
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), format="rgb24")
            out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
    return file.getvalue()


def example(**changes: Any) -> dict[str, Any]:
    """One clip of two stems, as api/one tells it."""
    notes = [at for second in range(6) for at in (second * 1000, second * 1000 + 800, 60 + second, 0, 100)]
    notes += [at for second in range(6) for at in (second * 1000 + 500, second * 1000 + 600, 38, 1, 127)]
    one: dict[str, Any] = {
        "id": "one",
        "kind": "clip",
        "state": "kept",
        "title": "Greensleeves",
        "artist": "Traditional English",
        "path": "tunes/Traditional English/Greensleeves.mid",
        "caption": "A flute over soft drums.",
        "start": 60.0,
        "end": 60.0 + LENGTH,
        "seconds": LENGTH,
        "split": "train",
        "key": "A minor",
        "tempo": 120.0,
        "metre": "3/4",
        "loudness": -18.2,
        "instruments": ["flute", "drums"],
        "tags": [],
        "stage": "",
        "reason": "",
        "detail": "",
        "judged": "",
        "has": ["mix", "midi", "stems", "captions"],
        "stamp": "l@60000-66000",
        "label": None,
        "judgeable": True,
        "peaks": [-60, 60] * 200,
        "bars": [0.0, 1.5, 3.0, 4.5],
        "beats": [beat / 2 for beat in range(12)],
        "sections": [{"start": 0.0, "end": 3.0, "label": "A"}, {"start": 3.0, "end": LENGTH, "label": "B"}],
        "chords": [{"start": bar * 1.5, "end": bar * 1.5 + 1.5, "name": name} for bar, name in enumerate(("Am", "C", "G", "Em"))],
        "shots": [],
        "voices": [
            {"name": "Flute", "drum": False, "stem": 0, "role": "melody"},
            {"name": "Drums", "drum": True, "stem": 1, "role": "drums"},
        ],
        "notes": notes,
        "stems": [
            {
                "index": 0,
                "name": "Flute",
                "role": "melody",
                "drum": False,
                "voice": 0,
                "silent": False,
                "loudness": -20.0,
                "played_by": "GeneralUser GS",
                "licence": "MIT",
            },
            {
                "index": 1,
                "name": "Drums",
                "role": "drums",
                "drum": True,
                "voice": 1,
                "silent": False,
                "loudness": -24.0,
                "played_by": "GeneralUser GS",
                "licence": "MIT",
            },
        ],
        "sound": {"what": "mix", "mime": "audio/wav"},
        "video": None,
        "captions": [
            {
                "text": "A flute 🎻 over loud drums in A minor.",
                "form": "short",
                "writer": "grammar",
                "model": "",
                "wrong": ["It is fast."],
                "claims": [
                    {
                        "words": "flute",
                        "start": 2,
                        "end": 7,
                        "kind": "instrument",
                        "verdict": "supported",
                        "because": "there is flute",
                    },
                    {
                        "words": "loud drums",
                        "start": 15,
                        "end": 25,
                        "kind": "dynamics",
                        "verdict": "contradicted",
                        "because": "they are soft",
                    },
                    {"words": "A minor", "start": 29, "end": 36, "kind": "key", "verdict": "unsupported", "because": ""},
                ],
            },
        ],
        "facts": [
            {"name": "key", "value": "A minor", "sure": 0.84, "by": "notes", "note": ""},
            {"name": "key", "value": "C major", "sure": 0.4, "by": "sound", "note": "heard"},
        ],
        "chain": [
            {"stage": "scan", "about": "what is found", "part": "", "status": "ok", "reason": "", "detail": "", "said": []},
            {
                "stage": "segment",
                "about": "clips are cut",
                "part": ".c003",
                "status": "ok",
                "reason": "",
                "detail": "",
                "said": ["4 bars"],
            },
        ],
        "why": "",
        "origin": {
            "path": "tunes/Traditional English/Greensleeves.mid",
            "inside": "",
            "sha256": "ab" * 32,
            "bytes": 12345,
            "licence": "CC0-1.0",
            "holder": "",
            "said_by": "licences.yaml",
            "url": "",
        },
        "made_with": [{"stage": "segment", "version": 3, "settings": {"bars": 4}}],
        "duplicates": [
            {
                "level": "exact",
                "other": "two",
                "other_path": "tunes/copy.mid",
                "removed": True,
                "of_this": False,
                "score": 1.0,
                "evidence": "the same notes",
                "open": "two",
            }
        ],
        "licences": [
            {"what": "source", "name": "Greensleeves", "licence": "CC0-1.0", "holder": "", "url": "javascript:alert(1)"}
        ],
        "others": [
            {"id": "one", "title": "", "start": 60.0, "end": 66.0, "here": True},
            {"id": "two", "title": "", "start": 66.0, "end": 72.0, "here": False},
        ],
        "downloads": [{"what": "mix", "label": "Sound", "filename": "Greensleeves.wav", "mime": "audio/wav"}],
        "missing": [],
    }
    return {**one, **changes}


def strange(text: str) -> dict[str, Any]:
    """An example with this text wherever a text may stand."""

    def all_through(value: Any) -> Any:
        if isinstance(value, dict):
            kept = {"verdict", "status", "state", "what", "start", "end", "id", "other", "open"}
            return {key: inner if key in kept else all_through(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [all_through(inner) for inner in value]
        return text if isinstance(value, str) else value

    one = all_through(
        example(missing=["x"], why="x", state="kept", made_with=[{"stage": "scan", "version": 1, "settings": {"x": "y"}}])
    )
    return {**one, "sound": {"what": "mix", "mime": "audio/wav"}, "state": "dropped", "why": text, "stage": text, "reason": text}


@dataclass
class House:
    """What the server has to tell; a test changes it before it opens a page."""

    examples: dict[str, dict[str, Any]] = field(default_factory=lambda: {"one": example(), "two": example(id="two", title="Two")})
    media: dict[str, tuple[str, bytes]] = field(
        default_factory=lambda: {
            "mix": ("audio/wav", sine(*PITCHES)),
            "stem-0": ("audio/wav", sine(PITCHES[0])),
            "stem-1": ("audio/wav", sine(PITCHES[1])),
        }
    )
    judged: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    refuses: str = ""
    slow: float = 0.0  # seconds an example takes to come
    address: str = ""

    def get(self, path: str, query: str) -> tuple[int, str, bytes]:
        self.asked.append(path)
        site = resources.files("motet.explorer") / "site"
        name = "index.html" if path == "/" else path.removeprefix("/site/")
        if path == "/" or path.startswith("/site/"):
            kind = {"html": "text/html", "js": "text/javascript", "css": "text/css"}[name.rsplit(".", 1)[1]]
            file = site / name
            return (200, kind + "; charset=utf-8", file.read_bytes()) if file.is_file() else (404, "text/plain", b"")
        if path.startswith("/media/"):
            what = unquote(path.split("/")[3])
            return (200, *self.media[what]) if what in self.media else _json({"error": "It is gone."}, 404)
        if path == "/api/about":
            return _json(
                {
                    "title": "tunes",
                    "snapshot": 1,
                    "finished": True,
                    "total": 2,
                    "static": False,
                    "judging": True,
                    "by": "",
                    "compare": [],
                    "facets": [],
                    "sorts": [],
                    "note": "",
                    "recipe": "r",
                    "about": "",
                }
            )
        if path == "/api/rows":
            offset = int(dict(part.split("=") for part in query.split("&")).get("offset", 0))
            return _json({"rows": list(self.examples.values())[offset:], "offset": offset, "total": len(self.examples)})
        if path == "/api/find":
            return _json({"total": len(self.examples), "all": len(self.examples), "facets": {}})
        time.sleep(self.slow)
        one = self.examples.get(unquote(path.removeprefix("/api/one/")))
        return _json(one) if one else _json({"error": "There is no such example."}, 404)

    def judge(self, told: dict[str, Any]) -> tuple[int, str, bytes]:
        if self.refuses:
            return _json({"error": self.refuses}, 403)
        self.judged.append(told)
        label = (
            {"verdict": told["verdict"], "note": told["note"], "by": "me", "at": "2026-11-22T10:00:00Z"}
            if told["verdict"]
            else None
        )
        self.examples[told["id"]] = {**self.examples[told["id"]], "label": label, "judged": told["verdict"]}
        return _json({"judged": told["verdict"], "label": label})


def _json(value: Any, status: int = 200) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps(value).encode("ascii")


@pytest.fixture
def house() -> Iterator[House]:
    """A server of what the page asks for; media with ranges, as a browser wants them to seek."""
    told = House()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            self.answer(*told.get(asked.path, asked.query))

        def do_POST(self) -> None:
            self.answer(*told.judge(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

        def answer(self, status: int, kind: str, body: bytes) -> None:
            part = self.headers.get("Range", "")
            whole = len(body)
            first, last = 0, whole - 1
            if status == 200 and part.startswith("bytes="):
                begin, _, end = part.removeprefix("bytes=").partition("-")
                first, last, status = int(begin), min(int(end or last), last), 206
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Accept-Ranges", "bytes")
            if status == 206:
                self.send_header("Content-Range", f"bytes {first}-{last}/{whole}")
            self.send_header("Content-Length", str(last - first + 1))
            self.end_headers()
            self.wfile.write(body[first : last + 1])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    told.address = f"http://127.0.0.1:{server.server_port}/"
    Thread(target=server.serve_forever, daemon=True).start()
    yield told
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    quiet = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*quiet, "--disable-component-update"])
        yield browser
        browser.close()


@pytest.fixture
def show(chromium: Any, house: House) -> Iterator[Any]:
    """Opens the page of an example. At the end: no error, no dialog, and nothing was asked of anybody else."""
    troubles: list[str] = []
    tabs = []

    def open_(id: str = "one", width: int = 1100, asked: str = "", allowed: str = "") -> Any:
        tab = chromium.new_page(viewport={"width": width, "height": 900})
        tabs.append(tab)

        def hear(message: Any) -> None:
            if message.type == "error" and not (allowed and allowed in message.text):
                troubles.append(message.text)

        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("console", hear)

        def refuse(dialog: Any) -> None:
            troubles.append("a dialog")
            dialog.dismiss()

        tab.on("dialog", refuse)
        tab.on(
            "request",
            lambda request: None if request.url.startswith((house.address, "data:", "blob:")) else troubles.append(request.url),
        )
        tab.goto(f"{house.address}#/one/{id}{asked}")
        tab.get_by_role("heading", level=1).wait_for()
        return tab

    yield open_
    for tab in tabs:
        tab.close()
    assert troubles == []


def until(tab: Any, true: str) -> None:
    """Wait for it, asking from outside: the page's own policy lets nothing be evaluated within."""
    deadline = time.monotonic() + 10
    while not tab.evaluate(true):
        assert time.monotonic() < deadline, f"{true} did not come true"
        tab.wait_for_timeout(15)


def drawn(tab: Any) -> float:
    """Where the playhead is drawn, as a part of the width; negative if it is not."""
    script = """() => {
        const live = document.querySelector("canvas.live");
        const row = live.getContext("2d").getImageData(0, live.height - 1, live.width, 1).data;
        let last = -1;  // the line stands on the last row, at the right end of the wave's played part
        for (let x = 0; x < live.width; x++) if (row[4 * x + 3]) last = x;
        return last / live.width;
    }"""
    return float(tab.evaluate(script))


def sounding(tab: Any) -> list[float]:
    """How loud each of the two stems' tones is in what Web Audio puts out, in dB of the analyser."""
    script = f"""async () => {{
        const {{ context, output }} = motet.player;
        const ear = new AnalyserNode(context, {{ fftSize: 4096, smoothingTimeConstant: 0 }});
        output.connect(ear);
        await new Promise((done) => setTimeout(done, 400));
        const heard = new Float32Array(ear.frequencyBinCount);
        ear.getFloatFrequencyData(heard);
        const at = (pitch) => Math.max(...heard.slice(Math.round(pitch * 4096 / context.sampleRate) - 2).slice(0, 5));
        return {list(PITCHES)}.map(at);
    }}"""
    return [float(level) if level is not None else -math.inf for level in tab.evaluate(script)]


# --- playing ---------------------------------------------------------------------------------------------------------


def test_plays_and_the_playhead_moves(show: Any) -> None:
    tab = show()
    tab.get_by_role("button", name="Play", exact=True).click()
    until(tab, "motet.player.time > 0.3")
    first, where = tab.evaluate("motet.player.time"), drawn(tab)
    assert 0 < where < 0.9
    until(tab, f"motet.player.time > {first} + 0.3")
    tab.get_by_role("button", name="Pause", exact=True).click()
    until(tab, "motet.player.paused")
    assert drawn(tab) > where
    assert drawn(tab) == pytest.approx(tab.evaluate("motet.player.time") / LENGTH, abs=0.02)


def test_what_sounds_now_is_told(show: Any) -> None:
    tab = show()
    slider = tab.get_by_role("slider", name="Position")
    slider.focus()
    for _ in range(2):
        tab.keyboard.press("Shift+ArrowRight")
        tab.wait_for_timeout(50)
    until(tab, "Math.abs(motet.player.time - 3) < 0.05")
    assert slider.get_attribute("aria-valuetext") == "0:03 of 0:06, bar 3, section B, G"
    assert tab.locator(".band.Chords .on").inner_text() == "G"
    tab.keyboard.press("Space")
    until(tab, "document.querySelectorAll('.stem.on').length > 0")
    tab.keyboard.press("Space")
    until(tab, "motet.player.paused && document.querySelectorAll('.stem.on').length === 0")


@pytest.mark.parametrize(
    "pressed, at",
    [
        (["ArrowRight"], 2),
        (["ArrowRight", "ArrowRight", "ArrowLeft"], 2),
        (["Shift+ArrowRight"], 1.5),
        (["End"], LENGTH),
        (["End", "Home"], 0),
    ],
)
def test_keys_seek(show: Any, pressed: list[str], at: float) -> None:
    tab = show()
    for key in pressed:
        tab.keyboard.press(key)
        tab.wait_for_timeout(100)
    until(tab, f"Math.abs(motet.player.time - {at}) < 0.05")
    assert max(drawn(tab), 0) == pytest.approx(at / LENGTH, abs=0.02)


def test_a_part_dragged_on_the_wave_is_looped(show: Any) -> None:
    tab = show()
    box = tab.get_by_role("slider").bounding_box()
    low = box["y"] + box["height"] - 10
    tab.mouse.move(box["x"] + box["width"] * 0.5, low)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 0.6, low, steps=4)
    tab.mouse.up()
    tab.keyboard.press("l")
    until(tab, "Math.abs(motet.player.time - 3) < 0.1")
    tab.keyboard.press("Space")
    until(tab, "motet.player.time > 3.4")
    until(tab, "motet.player.time < 3.2 && !motet.player.paused")
    tab.keyboard.press("l")
    until(tab, "motet.player.time > 3.8")


def test_the_next_of_the_list_plays_on(show: Any) -> None:
    tab = show(asked="?from=&at=0")
    assert tab.get_by_text("1 of 2").is_visible()
    tab.keyboard.press("Space")
    until(tab, "motet.player.time > 0.1")
    tab.keyboard.press("j")
    tab.get_by_role("heading", name="Two").wait_for()
    until(tab, "motet.player.id === 'two' && motet.player.time > 0.1")
    tab.get_by_role("link", name="The list", exact=True).click()
    until(tab, "motet.player.paused")


def test_an_example_that_comes_late_does_not_push_away_what_was_asked_for_since(show: Any, house: House) -> None:
    tab = show(asked="?from=&at=0")
    house.slow = 0.6
    tab.keyboard.press("j")
    tab.wait_for_timeout(50)
    tab.get_by_role("link", name="Browse", exact=True).click()
    tab.wait_for_timeout(1000)
    assert tab.locator("main.browse").count() == 1
    assert tab.locator(".stage").count() == 0


# --- stems -----------------------------------------------------------------------------------------------------------


def test_a_stem_alone_is_what_sounds(show: Any) -> None:
    tab = show()
    tab.keyboard.press("Space")
    until(tab, "motet.player.time > 0.1")
    tab.get_by_role("button", name="Solo Flute").click()
    until(tab, "motet.player.mixing && motet.player.element.muted")
    flute, drums = sounding(tab)
    assert flute > drums + 40
    tab.get_by_role("button", name="Solo Flute").click()
    tab.get_by_role("button", name="Mute Flute").click()
    until(tab, "motet.player.muted.has(0) && motet.player.mixing && motet.player.element.muted")
    flute, drums = sounding(tab)
    assert drums > flute + 40
    assert abs(tab.evaluate("motet.player.drift()")) < 0.05
    tab.get_by_role("button", name="All on").click()
    until(tab, "!motet.player.element.muted")
    assert tab.get_by_role("button", name="Mute Flute").get_attribute("aria-pressed") == "false"


def test_stems_keep_step_after_a_seek_and_keys_switch_them(show: Any, house: House) -> None:
    tab = show()
    assert not [path for path in house.asked if "stem-" in path]  # they are read when they are first needed
    tab.keyboard.press("Shift+Digit2")
    until(tab, "motet.player.mixing")
    assert tab.get_by_role("button", name="Solo Drums").get_attribute("aria-pressed") == "true"
    tab.keyboard.press("Space")
    until(tab, "motet.player.time > 0.2")
    tab.keyboard.press("ArrowRight")
    until(tab, "motet.player.time > 2.3")
    assert abs(tab.evaluate("motet.player.drift()")) < 0.05
    flute, drums = sounding(tab)
    assert drums > flute + 40


def test_a_stem_that_is_gone_is_said_and_all_sounds_on(show: Any, house: House) -> None:
    del house.media["stem-0"]
    tab = show(allowed="404")
    tab.get_by_role("button", name="Solo Flute").click()
    tab.get_by_text("A stem cannot be heard: It is gone.").wait_for()
    assert not tab.evaluate("motet.player.element.muted")
    assert tab.get_by_role("button", name="Solo Flute").get_attribute("aria-pressed") == "false"


# --- films -----------------------------------------------------------------------------------------------------------

BRIGHTNESS = """() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 4, height: 4 });
    const ink = canvas.getContext("2d");
    ink.drawImage(document.querySelector(".screen video"), 0, 0, 4, 4);
    return ink.getImageData(0, 0, 1, 1).data[0];
}"""


@pytest.fixture
def cinema(house: House) -> House:
    house.media["video"] = ("video/mp4", film())
    house.media["film-sound"] = ("audio/wav", sine(PITCHES[0]))
    house.examples["one"] = example(
        kind="moment", video={"what": "video", "mime": "video/mp4", "width": 64, "height": 48, "fps": 12}, stems=[], shots=[2.0],
        downloads=[{"what": "film-sound", "label": "Film's sound", "filename": "film.wav", "mime": "audio/wav"}],
    )  # fmt: skip
    return house


def test_the_film_is_in_step_and_follows_a_seek(show: Any, cinema: House) -> None:
    tab = show()
    until(tab, "motet.player.element.readyState >= 2")
    before = tab.evaluate(BRIGHTNESS)
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    until(tab, "Math.abs(motet.player.time - 4) < 0.1 && !motet.player.element.seeking")
    after = tab.evaluate(BRIGHTNESS)
    assert after > before + 80
    tab.keyboard.press("Space")
    until(tab, "motet.player.time > 4.8")
    assert tab.evaluate(BRIGHTNESS) > after + 10


def test_a_moment_sounds_as_the_film_or_as_the_recording(show: Any, cinema: House) -> None:
    tab = show()
    tab.get_by_role("radio", name="The recording").check()
    until(tab, "motet.player.companion.endsWith('media/one/mix') && motet.player.element.muted")
    tab.get_by_role("button", name="Play", exact=True).click()
    until(tab, "motet.player.time > 0.3")
    tab.get_by_role("radio", name="Film’s own sound").check()
    until(tab, "!motet.player.companion && !motet.player.element.muted")


# --- judging ---------------------------------------------------------------------------------------------------------


def test_a_judgement_is_kept_and_can_be_taken_back(show: Any, house: House) -> None:
    tab = show()
    tab.keyboard.press("g")
    tab.get_by_text("Saved.").wait_for()
    tab.keyboard.press("n")
    tab.keyboard.type("bright and clear, g b l")
    tab.keyboard.press("Escape")
    until(tab, "document.activeElement.tagName !== 'TEXTAREA'")
    deadline = time.monotonic() + 10
    while len(house.judged) < 2 and time.monotonic() < deadline:
        tab.wait_for_timeout(20)
    assert house.judged[-1] == {"id": "one", "verdict": "good", "note": "bright and clear, g b l"}
    tab.reload()
    tab.get_by_role("heading", level=1).wait_for()
    assert tab.get_by_role("button", name="Good").get_attribute("aria-pressed") == "true"
    assert tab.get_by_label("Note").input_value() == "bright and clear, g b l"
    tab.get_by_role("button", name="Bad").click()
    until(tab, "document.querySelector('.call.bad').getAttribute('aria-pressed') === 'true'")
    tab.get_by_role("button", name="Bad").click()
    tab.get_by_text("Taken back.").wait_for()
    assert [each["verdict"] for each in house.judged] == ["good", "good", "bad", ""]


def test_a_judgement_that_was_refused_says_so(show: Any, house: House) -> None:
    house.refuses = "A tag is not judged."
    tab = show(allowed="403")
    tab.get_by_role("button", name="Good").click()
    tab.get_by_text("Not saved: A tag is not judged.").wait_for()
    assert tab.get_by_role("button", name="Good").get_attribute("aria-pressed") == "false"


# --- words -----------------------------------------------------------------------------------------------------------


def test_claims_are_marked_where_they_stand_and_say_why(show: Any) -> None:
    tab = show()
    marks = tab.locator(".claim")
    assert [mark.evaluate("mark => mark.firstChild.data") for mark in marks.all()] == ["flute", "loud drums", "A minor"]
    assert [mark.get_attribute("data-mark") for mark in marks.all()] == ["✓", "✗", "?"]
    marks.nth(1).focus()
    assert "contradicted by the record (they are soft)" in tab.locator(".reason").inner_text()


def test_the_chain_goes_down_to_the_file_with_what_it_was_made_with(show: Any) -> None:
    tab = show()
    steps = tab.locator(".step").all_inner_texts()
    assert [step.split()[0] for step in steps] == ["segment", "scan", "tunes/Traditional"]
    assert "version 3" in steps[0]
    assert "bars = 4" in steps[0]
    assert "ab" * 32 in steps[-1]


def test_a_duplicate_is_linked_with_its_fate_and_the_evidence(show: Any) -> None:
    tab = show()
    copies = tab.locator(".copies")
    assert "left out as a copy of this one · score 1.000 · the same notes" in copies.inner_text()
    copies.get_by_role("link", name="tunes/copy.mid").click()
    tab.get_by_role("heading", name="Two").wait_for()


def test_why_it_was_left_out_stands_on_top(show: Any, house: House) -> None:
    why = "It is a copy of another file, which was kept."
    house.examples["one"] = example(
        state="dropped",
        why=why,
        stage="deduplicate",
        reason="exact_duplicate",
        detail="of two",
        sound=None,
        video=None,
        peaks=[],
        notes=[],
        voices=[],
        stems=[],
        bars=[],
        beats=[],
        sections=[],
        chords=[],
        captions=[],
        facts=[],
        downloads=[],
        others=[],
        duplicates=[],
    )
    tab = show()
    assert tab.get_by_role("heading", name="Why this was left out").is_visible()
    assert tab.get_by_text(why).is_visible()
    assert tab.get_by_role("slider").count() == 0
    for key in ("Space", "ArrowRight", "l", "m", "1"):
        tab.keyboard.press(key)


def test_media_that_are_gone_leave_the_rest_of_the_page(show: Any, house: House) -> None:
    house.media.clear()
    house.examples["one"] = example(
        missing=["The sound of this clip is gone: `motet check --repair` makes it again.", "So is a stem."]
    )
    tab = show(allowed="404")
    assert tab.get_by_text("The sound of this clip is gone").is_visible()
    tab.get_by_text("1 more cannot be had").click()
    assert tab.get_by_text("So is a stem.").is_visible()
    tab.get_by_text("This browser could not play the sound").wait_for()
    assert tab.get_by_role("button", name="Play", exact=True).is_disabled()
    tab.keyboard.press("Space")
    assert tab.locator(".saying .text").is_visible()


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_is_shown_as_it_is_and_fits_a_telephone(show: Any, house: House, text: str) -> None:
    house.examples["one"] = strange(text)
    tab = show(width=360)
    assert tab.locator("h1").text_content() == text
    assert tab.locator(".stem .name").first.text_content() == text
    assert tab.locator(".licences a").count() == 0  # an address that is none is no link
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert tab.locator(".one img, main script").count() == 0
