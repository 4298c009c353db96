"""The list in a real browser: it filters, searches, sorts, scrolls, plays and judges, by hand and by keys."""

import base64
import io
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import numpy as np
import pytest
import soundfile

SITE = resources.files("motet.explorer") / "site"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "../../etc/passwd",
    "\u202eأغنية السلام",
    "日本語の歌" * 40,
    "x" * 5000,
    "a\nb\tc",
    "\ud800 alone",
    "__proto__",
]
KEYS = ["C major", "A minor", "E flat major"]
TUNES = ["Greensleeves", "Clair de lune", "Élégie", "Oh! Susanna"]

pytestmark = pytest.mark.browser


# --- a dataset of so many rows ---------------------------------------------------------------------------------------


def row(n: int, **changes: Any) -> dict[str, Any]:
    title = TUNES[n % 4]
    one: dict[str, Any] = {
        "id": f"{n:06x}.t000.c000", "kind": "clip", "state": "kept", "title": title, "artist": "", "has": ["mix"],
        "path": f"tunes/{n:05d} {title}.mid", "caption": f"Caption {n} of a quiet tune.", "start": 0.0, "end": 8.0,
        "seconds": 8.0, "split": ["train", "train", "test"][n % 3], "key": KEYS[n % 3], "tempo": 60.0 + n % 100, "metre": "4/4",
        "loudness": -20.0, "instruments": ["flute", "harp"][: 1 + n % 2], "tags": [],
        "stage": "", "reason": "", "detail": "", "judged": "", "lot": (n * 7919) % 10007,
    }  # fmt: skip
    return {**one, **changes}


def dropped(n: int, **changes: Any) -> dict[str, Any]:
    lost = {"state": "dropped", "kind": "song", "stage": "deduplicate", "reason": "same_notes", "detail": "as another file"}
    unknown: dict[str, Any] = {
        "caption": "",
        "split": "",
        "key": "",
        "tempo": None,
        "metre": "",
        "seconds": None,
        "instruments": [],
    }
    return row(n, has=[], **lost, **unknown, **changes)


def facet(name: str, kind: str = "one", unit: str = "") -> dict[str, str]:
    return {"name": name, "label": name.capitalize(), "kind": kind, "unit": unit}


def about(rows: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    facets = [facet(name) for name in ("state", "split", "judged", "key")]
    facets += [facet("tempo", "range", "BPM"), facet("instrument", "many"), facet("artist")]
    sorts = [{"name": name, "label": name.capitalize()} for name in ("path", "title", "tempo", "shuffled")]
    told = {
        "title": "my tunes", "recipe": "text-to-music", "about": "", "snapshot": 1, "finished": True, "made_at": "",
        "version": "0.1.0", "total": len(rows), "static": False, "judging": True, "by": "", "compare": [],
        "facets": facets, "sorts": sorts, "note": "",
    }  # fmt: skip
    return {**told, **changes}


# --- a site opened from disk -----------------------------------------------------------------------------------------


def site(folder: Path, rows: list[dict[str, Any]], **changes: Any) -> str:
    """The address of a static site of these rows."""
    folder.mkdir(exist_ok=True)
    shutil.copytree(str(SITE), folder / "site", dirs_exist_ok=True, ignore=shutil.ignore_patterns("index.html"))
    index = (SITE / "index.html").read_text(encoding="utf-8").replace("<html ", "<html data-static ", 1)
    (folder / "index.html").write_text(index, encoding="utf-8")
    given = {
        "about": about(rows, static=True, judging=False, **changes),
        "rows": {"rows": [{**one, "at": f"{n}"} for n, one in enumerate(rows)]},
    }
    (folder / "data").mkdir(exist_ok=True)
    for name, data in given.items():
        (folder / "data" / f"{name}.js").write_text(f'motet.give("{name}", {json.dumps(data).replace("<", chr(92) + "u003c")});')
    return (folder / "index.html").as_uri()


# --- a server that answers as the contract says, from rows in memory -------------------------------------------------


def tone() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, 0.1 * np.sin(np.arange(8 * 8000) / 8000 * 2 * np.pi * 440), 8000, format="WAV")
    return file.getvalue()


@dataclass
class Served:
    rows: list[dict[str, Any]]
    told: dict[str, Any] = field(default_factory=dict)
    judged: list[dict[str, Any]] = field(default_factory=list)
    broken: str = ""  # a sentence that every question is refused with
    slow: dict[str, float] = field(default_factory=dict)  # by words searched for: seconds the answer takes
    address: str = ""

    def answer(self, path: str, asked: list[tuple[str, str]]) -> tuple[int, Any]:
        state = dict(asked)
        time.sleep(self.slow.get(state.get("q", ""), 0))
        found = self.rows
        if state.get("q"):
            found = [one for one in found if all(word in json.dumps(one) for word in state["q"].split())]
        for name in {"split", "key", "state"} & state.keys():
            chosen = [value for key, value in asked if key == name]
            found = [one for one in found if not chosen or one[name] in chosen]
        if path == "/api/about":
            return 200, about(self.rows, **self.told)
        if self.broken:
            return 400, {"error": self.broken}
        if path == "/api/find":
            values = [[value, sum(one["split"] == value for one in found[:10000])] for value in ("train", "test")]
            return 200, {"total": len(found), "all": len(self.rows), "facets": {"split": {"values": values, "more": 0}}}
        if path.startswith("/api/one/"):
            return 200, {**self.rows[0], "label": {"verdict": "bad", "note": "too loud", "by": "", "at": ""}}
        if path == "/api/rows":
            first = int(state["offset"])
            return 200, {"rows": found[first : first + int(state["limit"])], "offset": first, "total": len(found)}
        return 404, {"error": "Nothing here."}

    def judge(self, asked: dict[str, Any]) -> tuple[int, Any]:
        self.judged.append(asked)
        if self.broken:
            return 400, {"error": self.broken}
        return 200, {"judged": asked["verdict"], "label": None}


def serve(served: Served) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            for name, value in {
                "Content-Type": kind,
                "Content-Length": str(len(body)),
                "Content-Security-Policy": POLICY,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path.startswith("/media/"):
                return self.send(200, "audio/wav", tone())
            if parts.path.startswith("/api/"):
                status, told = served.answer(unquote(parts.path), parse_qsl(parts.query, keep_blank_values=True))
                return self.send(status, "application/json", json.dumps(told).encode())
            name = "index.html" if parts.path == "/" else parts.path.removeprefix("/site/")
            kinds = {"html": "text/html; charset=utf-8", "js": "text/javascript", "css": "text/css"}
            return self.send(200, kinds[name.rsplit(".", 1)[1]], (SITE / name).read_bytes())

        def do_POST(self) -> None:
            status, told = served.judge(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send(status, "application/json", json.dumps(told).encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    served.address = f"http://127.0.0.1:{server.server_address[1]}/"
    return server


@pytest.fixture
def serving() -> Iterator[Callable[..., Served]]:
    servers = []

    def start(rows: list[dict[str, Any]], **changes: Any) -> Served:
        served = Served(rows, **changes)
        servers.append(serve(served))
        return served

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
        )
        yield browser
        browser.close()


@pytest.fixture
def show(chromium: Any, serving: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address. At the end: no error, no dialog, and nothing was asked of anybody else. Pages go before servers do."""
    troubles: list[str] = []
    contexts = []

    def trouble(text: str) -> None:
        troubles.append(text)

    def open_(address: str, width: int = 1280, height: int = 800, **more: Any) -> Any:
        home = address.split("#")[0].rsplit("/", 1)[0]
        context = chromium.new_context(viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(15000)
        tab.on("pageerror", lambda error: trouble(str(error)))
        tab.on("console", lambda said: trouble(said.text) if said.type == "error" and "status of 400" not in said.text else None)
        tab.on("dialog", lambda dialog: trouble(f"a dialog: {dialog.message}"))
        tab.on("request", lambda asked: None if asked.url.startswith((home, "data:", "blob:")) else trouble(asked.url))
        tab.goto(address)
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert troubles == []


def said(tab: Any, total: str) -> None:
    """Waits until the list says how many there are, and its rows are there: the two are asked for side by side."""
    tab.locator(".results:not(.asking) .total", has_text=re.compile(f"^{re.escape(total)}$")).wait_for()


def until(true: Callable[[], Any]) -> None:
    end = time.monotonic() + 15
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def titles(tab: Any) -> list[str]:
    return list(tab.locator(".row .path").all_inner_texts())


def place(tab: Any) -> str:
    return str(tab.evaluate("decodeURIComponent(location.hash.replaceAll('+', ' '))"))


# --- rows ------------------------------------------------------------------------------------------------------------


def test_only_rows_in_sight_are_in_the_document_and_the_last_one_is_a_key_away(show: Any, tmp_path: Path) -> None:
    tab = show(site(tmp_path, [row(n) for n in range(5000)]))
    said(tab, "5,000 examples")
    assert tab.locator(".row").count() < 40
    assert tab.locator(".row").first.get_attribute("aria-setsize") == "5000"
    tab.keyboard.press("End")
    last = tab.locator(".row[aria-posinset='5000']")
    last.get_by_role("link").wait_for()
    assert last.get_by_role("link").evaluate("one => one === document.activeElement")
    assert tab.locator(".row").count() < 40


def test_what_scrolls_into_sight_is_fetched_and_comes_in_order(show: Any, serving: Any) -> None:
    tab = show(serving([row(n) for n in range(3000)]).address)
    said(tab, "3,000 examples")
    tab.locator(".scroller").evaluate("one => { one.scrollTop = one.scrollHeight / 2; }")
    tab.locator(".row[aria-posinset='1502'] .title").wait_for()
    places = [int(one.get_attribute("aria-posinset")) for one in tab.locator(".row").all()]
    assert places == list(range(places[0], places[-1] + 1))
    assert tab.locator(".row[aria-posinset='1502'] .path").inner_text() == row(1501)["path"]


def test_a_million_rows_are_all_within_reach(show: Any, serving: Any) -> None:
    class Million(list[dict[str, Any]]):
        """Rows made when they are asked for."""

        def __len__(self) -> int:
            return 1_000_000

        def __getitem__(self, asked: Any) -> Any:
            return [row(n) for n in range(*asked.indices(len(self)))]

    tab = show(serving(Million()).address)
    said(tab, "1,000,000 examples")
    tab.keyboard.press("End")
    last = tab.locator(".row[aria-posinset='1000000']")
    last.locator(".path", has_text="999999").wait_for()
    assert last.bounding_box()["y"] + last.bounding_box()["height"] <= 801
    tab.keyboard.press("k")
    tab.keyboard.press("k")
    assert tab.locator(".row:focus-within").get_attribute("aria-posinset") == "999998"
    tab.locator(".scroller").evaluate("one => { one.scrollTop = one.scrollHeight / 2; }")
    tab.locator(".row .path", has_text="tunes/5000").first.wait_for()


def test_a_row_that_was_left_out_says_where_and_why(show: Any, tmp_path: Path) -> None:
    tab = show(site(tmp_path, [dropped(0)]))
    text = tab.locator(".row .about").inner_text()
    assert "dropped by deduplicate: same notes" in text
    assert "as another file" in text
    assert tab.locator(".row button.play").count() == 0


# --- filters ---------------------------------------------------------------------------------------------------------


def test_a_filter_stands_in_the_address_and_as_a_chip_that_takes_it_back(show: Any, tmp_path: Path) -> None:
    tab = show(site(tmp_path, [row(n) for n in range(30)] + [dropped(n) for n in range(30, 34)]))
    said(tab, "30 examples, 4 left out")
    tab.get_by_label("test 10").check()
    said(tab, "10 of 34")
    assert place(tab) == "#/browse?split=test"
    tab.reload()
    said(tab, "10 of 34")
    assert tab.get_by_label("test 10").is_checked()
    tab.get_by_role("button", name="Remove the filter Split: test").click()
    said(tab, "30 examples, 4 left out")
    assert place(tab) == "#/browse"
    tab.go_back()
    said(tab, "10 of 34")


def test_values_of_a_split_are_alternatives_and_instruments_must_all_be_there(show: Any, tmp_path: Path) -> None:
    tab = show(site(tmp_path, [row(n) for n in range(30)] + [dropped(30)]))
    tab.get_by_label("test 10").check()
    said(tab, "10 of 31")
    tab.get_by_label("train 20").check()
    said(tab, "30 of 31")
    tab.get_by_label("flute 30").check()
    tab.get_by_label("harp 15").check()
    said(tab, "15 of 31")
    tab.get_by_role("button", name="Clear all").click()
    tab.get_by_label("no split 1").check()
    said(tab, "1 of 31")


def test_a_range_is_chosen_in_fields_by_keys_and_by_dragging(show: Any, tmp_path: Path) -> None:
    rows = [row(n) for n in range(100)] + [dropped(100)]
    tab = show(site(tmp_path, rows))
    tab.get_by_label("Tempo, from (BPM)").fill("90")
    tab.get_by_label("Tempo, to (BPM)").fill("100")
    tab.keyboard.press("Enter")
    said(tab, "10 of 101")
    assert place(tab) == "#/browse?tempo=90..100"
    tab.get_by_role("slider", name="Tempo, lowest").press("Home")
    said(tab, "40 of 101")
    assert place(tab) == "#/browse?tempo=..100"
    box = tab.locator(".histogram").bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.02, box["y"] + 20)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 0.48, box["y"] + 20, steps=4)
    tab.mouse.up()
    said(tab, "50 of 101")
    assert place(tab) == "#/browse?tempo=..110"
    tab.get_by_role("button", name="Remove the filter Tempo: below 110 BPM").click()
    tab.get_by_label("not known 1").check()
    said(tab, "1 of 101")


def test_a_value_among_many_is_found_and_a_rare_one_taken_as_typed(show: Any, tmp_path: Path) -> None:
    rows = [row(n, artist=f"Artist {n % 60:02d}") for n in range(120)] + [row(120, artist="Zöe")]
    tab = show(site(tmp_path, rows))
    tab.get_by_role("button", name="Artist").click()
    assert tab.get_by_label("Artist 03").count() == 1
    find = tab.get_by_label("Find among artist")
    find.fill("ist 17")
    assert tab.locator(".ticks:visible bdi", has_text="Artist").all_inner_texts() == ["Artist 17"]
    find.press("Enter")
    said(tab, "2 of 121")
    find.fill("Zöe")
    find.press("Enter")
    said(tab, "3 of 121")


# --- search and order ------------------------------------------------------------------------------------------------


def test_every_word_must_occur_whatever_its_case_and_accents(show: Any, tmp_path: Path) -> None:
    tab = show(site(tmp_path, [row(n) for n in range(40)]))
    said(tab, "40 examples")
    tab.get_by_label("Search").press_sequentially("ELEGIE quiet", delay=15)
    said(tab, "10 of 40")
    assert all("Élégie" in path for path in titles(tab))
    tab.go_back()  # a search is one step in the history, not one for each letter
    said(tab, "40 examples")
    assert tab.get_by_label("Search").input_value() == ""


def test_the_order_turns_round_and_the_unknown_come_last_both_ways(show: Any, tmp_path: Path) -> None:
    tab = show(site(tmp_path, [dropped(0), row(1), row(2), row(3)]))
    tab.get_by_label("Sort by").select_option("Tempo")
    tab.wait_for_url("**sort=tempo")

    def names() -> list[str]:
        return [text[6:11] for text in titles(tab)]

    assert names() == ["00001", "00002", "00003", "00000"]
    tab.get_by_role("button", name="Ascending").click()
    tab.wait_for_url("**sort=-tempo")
    tab.get_by_role("button", name="Descending").wait_for()
    assert names() == ["00003", "00002", "00001", "00000"]


def test_an_answer_that_comes_too_late_is_not_shown(show: Any, serving: Any) -> None:
    served = serving([row(n) for n in range(8)], slow={"Green": 0.8})
    tab = show(served.address)
    said(tab, "8 examples")
    search = tab.get_by_label("Search")
    search.fill("Green")
    tab.wait_for_url("**q=Green")
    search.fill("Susanna")
    said(tab, "2 of 8")
    tab.wait_for_timeout(1000)  # the slow answer has come by now
    said(tab, "2 of 8")
    assert all("Susanna" in path for path in titles(tab))


# --- keys ------------------------------------------------------------------------------------------------------------


def test_everything_can_be_done_by_keys(show: Any, tmp_path: Path) -> None:
    tab = show(site(tmp_path, [row(n) for n in range(300)]))
    said(tab, "300 examples")

    def here() -> str:
        return str(tab.evaluate("document.activeElement.closest('.row')?.getAttribute('aria-posinset')"))

    tab.keyboard.press("/")
    assert tab.get_by_label("Search").evaluate("one => one === document.activeElement")
    tab.keyboard.type("jk")  # letters in a field are letters
    said(tab, "0 of 300")
    tab.get_by_label("Search").fill("")
    said(tab, "300 examples")
    tab.keyboard.press("Escape")
    assert here() == "1"
    for key in ("j", "ArrowDown", "j", "k"):
        tab.keyboard.press(key)
    assert here() == "3"
    tab.keyboard.press("End")
    assert here() == "300"
    tab.keyboard.press("?")
    assert tab.get_by_role("dialog", name="Keys").is_visible()
    tab.keyboard.press("Escape")
    assert not tab.get_by_role("dialog", name="Keys").is_visible()


def test_coming_back_from_an_example_finds_the_row_again(show: Any, tmp_path: Path) -> None:
    address = site(tmp_path, [row(n) for n in range(1000)])
    (tmp_path / "data" / "one").mkdir()
    one = base64.b64encode(json.dumps(row(998)).encode()).decode()
    (tmp_path / "data" / "one" / "998.js").write_text(f'motet.give("one/x", JSON.parse(atob("{one}")));')
    tab = show(address)
    said(tab, "1,000 examples")
    tab.keyboard.press("End")
    tab.keyboard.press("k")
    tab.locator(".row[aria-posinset='999'] .title:focus").wait_for()
    tab.keyboard.press("Enter")
    tab.wait_for_url("**#/one/0003e6.t000.c000?from=*at=998")
    tab.get_by_role("heading", name=TUNES[998 % 4]).first.wait_for()
    tab.go_back()
    found = tab.locator(".row[aria-posinset='999'] .title")
    found.wait_for()
    assert found.evaluate("one => one === document.activeElement")


def test_space_plays_and_pauses_the_current_row(show: Any, serving: Any) -> None:
    tab = show(serving([row(n) for n in range(3)]).address)
    said(tab, "3 examples")
    for key in ("j", "j", " "):
        tab.keyboard.press(key)
    tab.locator(".row[aria-posinset='2'].sounding").wait_for()
    assert tab.get_by_role("button", name="Pause Clair de lune").is_visible()
    before = tab.evaluate("motet.player.time")
    until(lambda: tab.evaluate("motet.player.time") > before)
    tab.keyboard.press(" ")
    tab.get_by_role("button", name="Play Clair de lune").wait_for()
    tab.keyboard.press(" ")
    tab.keyboard.press("/")
    tab.keyboard.type("Susanna")
    said(tab, "0 of 3")
    tab.get_by_role("button", name="Pause Clair de lune").click()  # it plays on, and can be stopped
    assert tab.evaluate("motet.player.paused")


# --- judging ---------------------------------------------------------------------------------------------------------


def test_g_judges_good_and_again_takes_it_back(show: Any, serving: Any) -> None:
    served = serving([row(n) for n in range(3)])
    tab = show(served.address)
    said(tab, "3 examples")
    tab.keyboard.press("j")
    good = tab.locator(".row[aria-posinset='1']").get_by_role("button", name="Judge good")
    good.wait_for()  # that one may judge is known when the page knows what it is about
    tab.keyboard.press("g")
    tab.locator("[aria-live]", has_text="judged good").wait_for()
    assert good.get_attribute("aria-pressed") == "true"
    tab.keyboard.press("g")
    tab.locator("[aria-live]", has_text="taken back").wait_for()
    assert good.get_attribute("aria-pressed") == "false"
    assert [(one["id"], one["verdict"]) for one in served.judged] == [(row(0)["id"], "good"), (row(0)["id"], "")]


def test_another_verdict_keeps_the_note(show: Any, serving: Any) -> None:
    served = serving([row(0, judged="bad")])
    tab = show(served.address)
    tab.get_by_role("button", name="Judge good").click()
    tab.locator("[aria-live]", has_text="judged good").wait_for()
    assert served.judged == [{"id": row(0)["id"], "verdict": "good", "note": "too loud"}]


def test_a_judgement_that_was_refused_is_not_shown_as_made(show: Any, serving: Any) -> None:
    served = serving([row(0)])
    tab = show(served.address)
    said(tab, "1 example")
    served.broken = "The disk is full."
    tab.get_by_role("button", name="Judge bad").click()
    tab.locator(".note", has_text="The disk is full.").wait_for()
    assert tab.get_by_role("button", name="Judge bad").get_attribute("aria-pressed") == "false"


def test_a_site_from_disk_offers_no_judging(show: Any, tmp_path: Path) -> None:
    tab = show(site(tmp_path, [row(0, judged="good")]))
    said(tab, "1 example")
    assert tab.get_by_role("button", name="Judge good").count() == 0
    assert "judged good" in tab.locator(".row .marks").inner_text()


# --- what may go wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1280, 360])
def test_names_of_any_kind_are_shown_as_they_are_and_break_nothing(width: int, show: Any, tmp_path: Path) -> None:
    rows = [
        row(n, title=text, artist=text, path=text, caption=text, key=text, split=text, instruments=[text] * 3)
        for n, text in enumerate(HOSTILE)
    ]
    rows += [
        dropped(n + 20, title=text, path=text) | {"stage": text, "reason": text, "detail": text} for n, text in enumerate(HOSTILE)
    ]
    tab = show(site(tmp_path, rows, title=HOSTILE[0], note=HOSTILE[5]), width=width)
    said(tab, "9 examples, 9 left out")
    assert tab.get_by_role("link", name=HOSTILE[0], exact=True).count() == 2
    assert tab.locator("main img, main script").count() == 0
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    heights = tab.locator(".row").evaluate_all("rows => rows.map((one) => one.scrollWidth <= one.clientWidth + 1)")
    assert all(heights)


def test_no_rows_no_finished_run_and_a_refusal_are_each_a_sentence(show: Any, serving: Any) -> None:
    tab = show(serving([], told={"finished": False, "note": "No run of it has finished yet."}).address)
    said(tab, "0 examples")
    assert "There is nothing to look at here yet." in tab.locator(".empty").inner_text()
    tab.locator(".note", has_text="No run of it has finished yet.").wait_for()

    served = serving([row(0)], broken="A table of it is damaged: `motet check` names it.")
    tab = show(served.address)
    alert = tab.get_by_role("alert")
    alert.wait_for()
    assert alert.inner_text() == served.broken
    served.broken = ""
    tab.get_by_role("button", name="Try again").click()
    said(tab, "1 example")


# --- phone, light and dark -------------------------------------------------------------------------------------------


def test_on_a_phone_filters_open_as_a_dialog(show: Any, tmp_path: Path) -> None:
    tab = show(site(tmp_path, [row(n) for n in range(30)]), width=360, height=740)
    said(tab, "30 examples")
    assert not tab.get_by_label("test 10").is_visible()
    tab.get_by_role("button", name="Filters").click()
    tab.get_by_role("dialog", name="Filters").get_by_label("test 10").check()
    tab.get_by_role("button", name="Show 10").click()
    assert not tab.get_by_label("test 10").is_visible()
    said(tab, "10 of 30")
    assert tab.evaluate("document.documentElement.scrollWidth") == 360


def test_dark_is_chosen_and_remembered(show: Any, serving: Any) -> None:
    tab = show(serving([row(0)]).address, color_scheme="light")

    def paper() -> str:
        return str(tab.evaluate("motet.colour('paper')"))

    light = paper()
    tab.get_by_role("button", name="Switch to dark colours").click()
    assert paper() != light
    tab.reload()
    assert paper() != light
    tab.get_by_role("button", name="Switch to light colours").click()
    assert paper() == light
