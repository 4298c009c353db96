"""The page on which matches are judged, over a real socket and in a real browser."""

from __future__ import annotations

import http.client
import io
import json
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import UserError
from motet.film.errors import FilmError
from motet.film.reviewing import Item, Labels, Review, serve
from motet.film.reviewing.playing import part
from motet.video import film

DATA = bytes(range(256)) * 40  # a file to be played, as far as the server knows
HOSTILE = ['"><script>alert(1)</script>', "<img src=x onerror=alert(1)>", "\u202eevil\x00\ud800", "a" * 3000, "שלום"]


def an_item(stamp: str = "one", **facts: Any) -> Item:
    item = Item(
        id=stamp,
        film="The Long Afternoon",
        film_year=1978,
        song="Beautiful Dreamer",
        artist="Stephen Foster",
        film_start=64.0,
        film_end=66.0,
        confidence=0.93,
        evidence=("212 landmarks agree on one offset.",),
        film_path=Path("film.mkv"),
        film_clip=(63.0, 67.0),
        recording_path=Path("song.flac"),
        recording_start=10.0,
        recording_end=12.0,
        midi=b"MThd",
        licence="CC0 1.0",
        stamp=stamp,
    )
    return replace(item, **facts)


ITEMS = [an_item("one"), an_item("two", song="Oh! Susanna", confidence=0.4), an_item("three", film_path=None, midi=None)]


def plain(item: Item, kind: str) -> tuple[bytes, str]:
    return DATA, "video/mp4" if kind == "film" else "audio/flac"


@pytest.fixture
def labels(tmp_path: Path) -> Labels:
    return Labels.open(tmp_path / "labels.jsonl")


@pytest.fixture
def review(labels: Labels) -> Iterator[Review]:
    with serve(ITEMS, labels, media=plain, by="Ada", request_within=1.0) as review:
        yield review


def ask(review: Review, method: str, name: str, body: bytes | None = None, whole: bool = False, **headers: str) -> Any:
    """The answer to one request: `name` after the secret part of the address, or the whole path."""
    connection = http.client.HTTPConnection("127.0.0.1", review.port, timeout=20)
    path = name if whole else urlsplit(review.url).path + name
    connection.putrequest(method, path, skip_host="Host" in headers)
    for key, value in headers.items():
        connection.putheader(key.replace("_", "-"), value)
    if body is not None and "Content_Length" not in headers:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    answer.data = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


def post(review: Review, name: str, told: object, **headers: str) -> Any:
    return ask(review, "POST", name, json.dumps(told).encode(), **{"Content_Type": "application/json"} | headers)


def raw(review: Review, sent: bytes) -> bytes:
    """All that comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", review.port), timeout=20) as connection:
        connection.sendall(sent)
        got = b""
        try:
            while piece := connection.recv(65536):
                got += piece
        except ConnectionResetError:
            pass
        return got


# What is served


def test_the_page_and_what_it_shows(review: Review) -> None:
    page = ask(review, "GET", "")
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert b"http" not in page.data  # nothing from any network
    assert page.headers["Access-Control-Allow-Origin"] is None
    assert ask(review, "GET", "page.js").headers["Content-Type"].startswith("text/javascript")
    told = json.loads(ask(review, "GET", "items").data)
    assert [item["song"] for item in told["items"]] == ["Beautiful Dreamer", "Oh! Susanna", "Beautiful Dreamer"]
    assert told["items"][2]["has"] == {"film": False, "recording": True, "midi": False}
    assert b"film.mkv" not in json.dumps(told).encode()  # no path leaves the machine's disk
    assert told["labels"] == {}


def test_a_verdict_is_on_the_disk_when_it_is_answered(review: Review, labels: Labels) -> None:
    answer = post(review, "labels", {"stamp": "two", "verdict": "no", "note": "too faint"})
    assert answer.status == 200
    label = Labels.open(labels.path).verdict("two")
    assert label is not None
    assert (label.verdict, label.note, label.by) == ("no", "too faint", "Ada")
    assert label.about == "Oh! Susanna by Stephen Foster, in The Long Afternoon (1978) from 1:04 to 1:06"
    assert json.loads(answer.data)["label"]["at"] == label.at
    assert json.loads(ask(review, "GET", "labels").data)["labels"]["two"]["verdict"] == "no"


def test_a_verdict_is_taken_back_and_only_once(review: Review, labels: Labels) -> None:
    kept = json.loads(post(review, "labels", {"stamp": "one", "verdict": "no"}).data)["label"]
    made = json.loads(post(review, "labels", {"stamp": "one", "verdict": "yes"}).data)["label"]
    back = {"stamp": "one", "at": made["at"]}
    assert json.loads(post(review, "undo", back).data)["label"] == kept
    assert post(review, "undo", back).status == 409
    assert [label.verdict for label in labels.all()] == ["no"]


def test_two_pages_at_once_lose_nothing(review: Review, labels: Labels) -> None:
    with serve(ITEMS, Labels.open(labels.path), media=plain, by="Bob") as other:
        told = [(page, {"stamp": ITEMS[number % 3].stamp, "verdict": "yes"}) for number in range(20) for page in (review, other)]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda one: post(one[0], "labels", one[1]).status, told))
    assert answers == [200] * 40
    assert len(Labels.open(labels.path).all()) == 40


def test_broken_lines_of_the_labels_are_told_on_the_page(review: Review, labels: Labels) -> None:
    labels.add("one", "yes")
    with labels.path.open("a") as file:
        file.write("broken\n")
    assert json.loads(ask(review, "GET", "labels").data)["told"] == ["Line 3 of labels.jsonl cannot be read and is passed over."]


def test_labels_that_cannot_be_written_are_refused_with_the_reason(review: Review, labels: Labels) -> None:
    labels.path.write_text("notes of mine\n")
    answer = post(review, "labels", {"stamp": "one", "verdict": "yes"})
    assert answer.status == 500
    assert "not a file of labels" in json.loads(answer.data)["detail"]


def test_a_page_that_was_closed_answers_nothing(labels: Labels) -> None:
    review = serve(ITEMS, labels, media=plain)
    assert not review.wait(0)
    idle = socket.create_connection(("127.0.0.1", review.port), timeout=20)
    review.close()
    review.close()
    assert review.wait(0)
    with suppress(ConnectionResetError):  # as it is for one whose turn had not come
        assert idle.recv(1) == b""
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        ask(review, "GET", "")


def test_a_port_that_is_taken_is_said(review: Review, labels: Labels) -> None:
    with pytest.raises(UserError, match="cannot be had"):
        serve(ITEMS, labels, media=plain, port=review.port)
    with pytest.raises(UserError, match="between 0 and 65535"):
        serve(ITEMS, labels, media=plain, port=70000)


# Sound and pictures


@given(size=st.integers(1, 400), first=st.integers(0, 500) | st.none(), last=st.integers(0, 500) | st.none())
def test_a_range_gives_the_bytes_it_names(size: int, first: int | None, last: int | None) -> None:
    got = part(f"bytes={'' if first is None else first}-{'' if last is None else last}", size)
    data = list(range(size))
    if first is None:
        meant = data[-last:] if last else None if last == 0 else data
    elif last is not None and last < first:
        meant = data
    else:
        meant = data[first : None if last is None else last + 1] or None
    assert (None if got is None else data[got.first : got.last + 1]) == meant


def test_players_get_the_pieces_they_ask_for(review: Review) -> None:
    whole = ask(review, "GET", "media/0/film")
    assert (whole.status, whole.data, whole.headers["Accept-Ranges"]) == (200, DATA, "bytes")
    assert (whole.headers["Content-Type"], whole.headers["Cache-Control"]) == ("video/mp4", "no-store")
    piece = ask(review, "GET", "media/0/film", Range="bytes=100-199")
    assert (piece.status, piece.data) == (206, DATA[100:200])
    assert piece.headers["Content-Range"] == f"bytes 100-199/{len(DATA)}"
    assert ask(review, "GET", "media/0/film", Range="bytes=-7").data == DATA[-7:]
    beyond = ask(review, "GET", "media/0/film", Range=f"bytes={len(DATA)}-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{len(DATA)}")
    head = ask(review, "HEAD", "media/0/film")
    assert (head.status, head.data, head.headers["Content-Length"]) == (200, b"", str(len(DATA)))


@pytest.mark.parametrize(
    "wrong", ["bytes=a-b", "bytes=9-1", "bytes=", "bytes=-", "lines=1-2", "bytes=0-1,5-6", "bytes=" + "9" * 4000 + "-"]
)
def test_a_range_that_cannot_be_read_is_as_none(review: Review, wrong: str) -> None:
    answer = ask(review, "GET", "media/0/film", Range=wrong)
    assert (answer.status, answer.data) == (200, DATA)


def test_a_clip_is_made_when_first_wanted_and_once_for_all_who_wait(labels: Labels) -> None:
    made: list[tuple[str, str]] = []

    def media(item: Item, kind: str) -> tuple[bytes, str]:
        made.append((item.id, kind))
        time.sleep(0.1)
        return DATA, "audio/flac"

    with serve(ITEMS, labels, media=media) as review:
        assert made == []
        with ThreadPoolExecutor(6) as pool:
            statuses = list(pool.map(lambda _: ask(review, "GET", "media/1/recording").status, range(6)))
        assert statuses == [200] * 6
        assert made == [("two", "recording")]


def test_what_is_kept_has_its_bound(labels: Labels) -> None:
    made: list[str] = []

    def media(item: Item, kind: str) -> tuple[bytes, str]:
        made.append(item.id)
        return bytes(3000 if kind == "film" else 8000), "audio/flac"

    with serve(ITEMS, labels, media=media, room=7000) as review:
        for number in (0, 1, 0, 1):
            ask(review, "GET", f"media/{number}/film")
        assert made == ["one", "two"]
        too_large = ask(review, "GET", "media/0/recording")
        assert (too_large.status, json.loads(too_large.data)["reason"]) == (422, "too_large")
    with serve(ITEMS, labels, media=media, room=5000) as review:
        made.clear()
        for number in (0, 1, 1, 0):
            ask(review, "GET", f"media/{number}/film")
        assert made == ["one", "two", "one"]


def fails_with(error: Exception) -> Callable[[Item, str], tuple[bytes, str]]:
    def media(item: Item, kind: str) -> tuple[bytes, str]:
        raise error

    return media


@pytest.mark.parametrize(
    "media, reason, said",
    [
        (fails_with(FilmError("truncated", "the film ends at 63 s")), "truncated", "the film ends at 63 s"),
        (fails_with(UserError("film.mkv is gone: put it back.")), "unusable", "film.mkv is gone: put it back."),
        (
            fails_with(ZeroDivisionError("division by zero")),
            "failed",
            "The film could not be made: ZeroDivisionError: division by zero",
        ),
        (lambda item, kind: (b"", "video/mp4"), "failed", "The film came out as nothing that plays."),
        (lambda item, kind: (b"<script>", "text/html"), "failed", "The film came out as nothing that plays."),
        (lambda item, kind: (b"x", "video/mp4\r\nX: y"), "failed", "The film came out as nothing that plays."),
    ],
)
def test_a_clip_that_cannot_be_made_says_why(labels: Labels, media: Any, reason: str, said: str) -> None:
    with serve(ITEMS, labels, media=media) as review:
        answer = ask(review, "GET", "media/0/film")
        assert (answer.status, json.loads(answer.data)) == (422, {"reason": reason, "detail": said})
        absent = ask(review, "GET", "media/2/film")
        assert json.loads(absent.data)["reason"] == "no_media"


# Hostile requests


def test_who_does_not_know_the_token_learns_nothing(review: Review) -> None:
    token = urlsplit(review.url).path.strip("/")
    assert len(token) >= 32
    for path in (
        "/",
        "/items",
        f"/{token[:-1]}/",
        f"/{token}",
        f"/{'x' * len(token)}/items",
        f"/{token.swapcase()}/items",
        "/\xe9",
    ):
        answer = raw(review, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode("latin-1"))
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"Beautiful" not in answer
    wrong = ask(review, "POST", "/labels", b'{"stamp": "one", "verdict": "no"}', whole=True, Content_Type="application/json")
    assert wrong.status == 404


NAMES = "../page.py ..%2f..%2fpage.py page.html media/0/../../page.py media/-1/film media/99/film media/0/passwd media/0/film/"


@pytest.mark.parametrize("name", [*NAMES.split(), "media/٣/film", "//etc/passwd", "items?x", "%00"])
def test_no_name_that_comes_in_reaches_the_disk(review: Review, name: str) -> None:
    path = urlsplit(review.url).path + name
    answer = raw(review, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost@evil.example", "127.0.0.2", ""]
)
def test_another_host_s_name_is_refused(review: Review, host: str) -> None:
    assert ask(review, "GET", "items", Host=host).status == 421


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:9999"])  # the last through a tunnel
def test_this_machine_s_names_are_not(review: Review, host: str) -> None:
    assert ask(review, "GET", "items", Host=host).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Content_Type": "application/json", "Origin": "https://evil.example"},
        {"Content_Type": "application/json", "Origin": "null"},
        {"Content_Type": "application/json", "Sec_Fetch_Site": "cross-site"},
    ],
)
def test_no_other_page_can_judge(review: Review, labels: Labels, headers: dict[str, str]) -> None:
    assert ask(review, "POST", "labels", b'{"stamp": "one", "verdict": "no"}', **headers).status == 403
    assert labels.all() == []


@pytest.mark.parametrize(
    "body, status",
    [
        (b"", 400),
        (b"[" * 9000, 400),
        (b"\xff\xfe", 400),
        (b'{"stamp": "one"}', 400),
        (b'{"stamp": "one", "verdict": "maybe"}', 400),
        (b'{"stamp": "one", "verdict": "bad"}', 400),  # which is said of examples, on another page
        (b'{"stamp": "one", "verdict": ["yes"]}', 400),
        (b'{"stamp": ["one"], "verdict": "yes"}', 400),
        (b'{"stamp": "one", "verdict": "yes", "note": 1}', 400),
        (b'{"stamp": "one", "verdict": "yes", "note": "' + b"n" * 2001 + b'"}', 400),
        (b'{"stamp": "other", "verdict": "yes"}', 404),
    ],
)
def test_what_is_no_label_is_refused(review: Review, labels: Labels, body: bytes, status: int) -> None:
    assert ask(review, "POST", "labels", body, Content_Type="application/json").status == status
    assert labels.all() == []


def test_a_huge_body_is_refused_before_it_is_read(review: Review) -> None:
    for length, status in ((10**12, 413), (16 * 1024 + 1, 413), ("9" * 400, 411), ("-1", 411), ("1e3", 411)):
        assert ask(review, "POST", "labels", Content_Length=str(length), Content_Type="application/json").status == status
    chunked = {"Transfer_Encoding": "chunked", "Content_Type": "application/json"}
    assert ask(review, "POST", "labels", **chunked).status == 411


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\r\n", id="nothing"),
        pytest.param(b"\0" * 100, id="zeros"),
        pytest.param(b"GET\r\n\r\n", id="one word"),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", id="a later version"),
        pytest.param(b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n", id="another method"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", id="many headers"),
        pytest.param(b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", id="a long line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n", id="two hosts"),
    ],
)
def test_what_is_not_http_is_refused_and_the_page_lives_on(review: Review, sent: bytes) -> None:
    got = raw(review, sent)
    assert b" 200 " not in got[:20]
    assert b"Traceback" not in got
    assert ask(review, "GET", "items").status == 200


def test_clients_that_dawdle_are_shown_out_and_hold_up_nobody(review: Review) -> None:
    """Each sends a byte now and then, so that it is never quiet for long."""
    slow = [socket.create_connection(("127.0.0.1", review.port), timeout=20) for _ in range(20)]
    ended = threading.Event()

    def dawdle() -> None:
        for letter in b"GET / HTTP/1.1\r\nX: " + b"y" * 1000:
            for one in slow:
                try:
                    one.send(bytes([letter]))
                except OSError:
                    continue
            if ended.wait(0.1):
                return

    thread = threading.Thread(target=dawdle)
    thread.start()
    try:
        assert ask(review, "GET", "items").status == 200
        for one in slow:
            with suppress(ConnectionResetError):
                assert one.recv(100) == b""
    finally:
        ended.set()
        thread.join()
        for one in slow:
            one.close()


def test_more_clients_than_there_is_room_for_are_sent_away(review: Review) -> None:
    crowd = [socket.create_connection(("127.0.0.1", review.port), timeout=20) for _ in range(80)]
    try:
        assert sum(one.recv(1) == b"" for one in crowd) == 80  # some at once, the others when their time is over
    finally:
        for one in crowd:
            one.close()
    assert ask(review, "GET", "items").status == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"film_start": float("nan")},
        {"film_end": 1.0},
        {"film_clip": (0.0, float("inf"))},
        {"recording_start": -1.0},
        {"confidence": 1.5},
        {"stamp": ""},
        {"stamp": "a\nb"},
    ],
)
def test_a_match_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(FilmError) as refused:
        an_item(**wrong)
    assert refused.value.reason == "unusable_item"


@pytest.mark.parametrize("text", HOSTILE)
def test_any_name_can_be_sent_and_written(tmp_path: Path, text: str) -> None:
    labels = Labels.open(tmp_path / "labels.jsonl")
    item = an_item(film=text, song=text, artist=text, licence=text, evidence=(text,) * 100)
    with serve([item], labels, media=plain) as review:
        told = json.loads(ask(review, "GET", "items").data)["items"][0]
        assert len(told["song"]) <= 1000
        assert not {"\x00", "\u202e", "\ud800"} & set(told["song"])
        assert post(review, "labels", {"stamp": "one", "verdict": "yes", "note": text[:2000]}).status == 200
    assert Labels.open(labels.path).verdict("one") is not None


# In a browser

QUIET = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*QUIET, "--disable-component-update"])
        yield browser
        browser.close()


def a_tone(seconds: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    return (0.2 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * 44100)) / 44100)).astype(np.float32)


@pytest.fixture(scope="module")
def playable(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Item, str], tuple[bytes, str]]:
    """Four seconds of film with sound, and tones."""
    path = tmp_path_factory.mktemp("film") / "clip.mp4"
    tone = np.stack([a_tone(4)] * 2, axis=1)
    pictures = (np.full((90, 160, 3), 2 * number, np.uint8) for number in range(96))
    film.write(path, pictures, fps=Fraction(24), size=(160, 90), sound=(tone, 44100))
    clip = path.read_bytes()
    sound = io.BytesIO()
    soundfile.write(sound, a_tone(2), 44100, format="FLAC")
    return lambda item, kind: (clip, "video/mp4") if kind == "film" else (sound.getvalue(), "audio/flac")


@pytest.fixture
def show(chromium: Any, labels: Labels, playable: Any) -> Iterator[Any]:
    """Opens the page of these matches. At the end: no error, no dialog, and nothing was asked for elsewhere."""
    troubles: list[str] = []
    opened: list[Any] = []

    def away() -> None:
        """The server goes, under an open page."""
        opened[-1].close()

    def open_(items: list[Item], width: int = 1280, media: Any = playable) -> Any:
        review = serve(items, labels, media=media, by="Ada")
        tab = chromium.new_page(viewport={"width": width, "height": 800})
        opened.extend([tab, review])
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("dialog", lambda dialog: (troubles.append("a dialog"), dialog.dismiss()))
        tab.on("console", lambda message: troubles.append(message.text) if "Content Security" in message.text else None)
        tab.on("request", lambda asked: None if asked.url.startswith((review.url, "data:")) else troubles.append(asked.url))
        tab.goto(review.url)
        until(tab, "current >= 0")
        return tab

    open_.away = away  # type: ignore[attr-defined]
    yield open_
    for one in opened:
        one.close()
    assert troubles == []


def until(tab: Any, true: str) -> None:
    """Wait for it, asking from outside: the page's own policy lets nothing be evaluated within."""
    deadline = time.monotonic() + 20
    while not tab.evaluate(true):
        assert time.monotonic() < deadline, f"{true} did not come true"
        tab.wait_for_timeout(15)


@pytest.mark.browser
def test_a_match_is_played_judged_and_still_judged_after_a_reload(show: Any, labels: Labels) -> None:
    tab = show(ITEMS)
    assert tab.locator("#progress").inner_text() == "0 of 3 judged"
    tab.keyboard.press("Space")
    until(tab, "film.currentTime > 0.3 && !film.muted")
    tab.locator("#note").fill("y n u, all of them")
    tab.keyboard.press("Escape")
    tab.keyboard.press("y")
    until(tab, "current === 1")
    label = Labels.open(labels.path).verdict("one")
    assert label is not None
    assert (label.verdict, label.note, label.by) == ("yes", "y n u, all of them", "Ada")
    assert len(labels.all()) == 1
    tab.keyboard.press("n")
    until(tab, "current === 2")
    tab.reload()
    until(tab, "current >= 0")
    assert tab.locator("#progress").inner_text() == "2 of 3 judged"
    assert tab.locator(".chip").all_inner_texts() == ["yes", "no", "–"]
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("ArrowUp")
    assert tab.locator('[aria-pressed="true"][data-verdict]').inner_text().startswith("Yes")
    assert tab.locator("#note").input_value() == "y n u, all of them"


@pytest.mark.browser
def test_film_and_recording_run_in_step(show: Any) -> None:
    tab = show([an_item(recording_end=11.92)])  # the film runs a little slower than the recording: ratio 0.96
    until(tab, "film.readyState === 4 && recording.readyState === 4")
    tab.keyboard.press("a")
    until(tab, "!recording.paused && film.currentTime > 1.3")
    assert tab.evaluate("recording.preservesPitch") is False
    assert tab.evaluate("Math.abs(player.ratio - 0.96)") < 1e-9
    apart = [tab.evaluate("recording.currentTime - (film.currentTime - 1) * 0.96") for _ in range(10)]
    assert sorted(map(abs, apart))[5] < 0.1
    until(tab, "film.currentTime > 3.2")
    assert tab.evaluate("recording.paused && !film.paused")  # the match is over, the film goes on
    tab.keyboard.press("m")
    until(tab, "!midi.paused && film.muted && midi.currentTime > 0.1")
    tab.keyboard.press("Space")
    until(tab, "film.paused && midi.paused && !player.playing")


@pytest.mark.browser
def test_a_verdict_is_taken_back(show: Any, labels: Labels) -> None:
    tab = show(ITEMS)
    tab.get_by_role("button", name="No", exact=False).first.click()
    until(tab, "current === 1")
    tab.keyboard.press("z")
    until(tab, "current === 0")
    assert labels.all() == []
    assert tab.locator("#progress").inner_text() == "0 of 3 judged"
    assert tab.locator("#undo").is_disabled()


@pytest.mark.browser
def test_the_list_is_filtered_and_the_next_is_of_the_list(show: Any, labels: Labels) -> None:
    labels.add("three", "unsure")
    tab = show(ITEMS)
    tab.locator("#kind").select_option("none")
    assert tab.locator(".row .title:first-child").all_inner_texts()[::2] == ["Beautiful Dreamer", "Oh! Susanna"]
    tab.locator("#high").fill("50")
    assert tab.locator("#count").inner_text() == "1 of 3 shown"
    tab.locator("#high").blur()
    tab.keyboard.press("u")  # of the match that is shown
    until(tab, "current === 1")
    assert {label.stamp: label.verdict for label in labels.all()} == {"three": "unsure", "one": "unsure"}


@pytest.mark.browser
def test_what_cannot_be_played_is_said_and_the_rest_plays(show: Any, playable: Any) -> None:
    def media(item: Item, kind: str) -> tuple[bytes, str]:
        if kind == "film":
            raise FilmError("truncated", "the film ends before this moment")
        return playable(item, kind)

    tab = show([an_item()], media=media)
    tab.get_by_text("the film ends before this moment").wait_for()
    assert tab.get_by_role("button", name="Both in step").is_disabled()
    tab.keyboard.press("Space")
    until(tab, "!recording.paused && recording.currentTime > 0.1")


@pytest.mark.browser
def test_when_the_server_is_gone_nothing_seems_saved(show: Any, labels: Labels) -> None:
    tab = show(ITEMS)
    show.away()
    tab.keyboard.press("y")
    tab.get_by_text("does not answer").wait_for()
    assert tab.evaluate("current") == 0
    assert tab.locator("#progress").inner_text() == "0 of 3 judged"
    assert labels.all() == []


@pytest.mark.browser
@pytest.mark.parametrize("text", HOSTILE)
def test_any_name_fits_on_a_telephone_and_is_only_text(show: Any, text: str) -> None:
    tab = show([an_item(film=text, song=text, artist=text, licence=text, evidence=(text,))], width=360)
    shown = re.sub("[\x00\u202e\ud800]", "\ufffd", text)
    assert tab.locator("#song").text_content()[:900] == shown[:900]
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert tab.locator("script").count() == 2
    assert tab.locator("img").count() == 0
