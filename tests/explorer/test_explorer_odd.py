"""The explorer before datasets that nobody wishes for: empty, half-built, spoilt, with names that would be more than names."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from toys import odd_datasets
from toys.browsing import ROWS, Served, Watched, chromium, exported, served, until
from toys.odd_datasets import HOSTILE, SCRIPT

pytestmark = pytest.mark.browser

MISSING = (
    "404",
    "410",
    "ERR_FILE_NOT_FOUND",
    "Failed to load resource",
)  # what the browser itself says of media that are not there
SHOUT = "window.shouted = []; window.alert = said => shouted.push(said); addEventListener('error', e => shouted.push(e.message));"
NOWHERE = (
    "one/nothing",
    "one/%00",
    "one/..%2F..%2Fetc",
    "nowhere",
    "browse?tempo=x",
    "browse?no=1",
    "compare?with=%2Fetc",
    "one/%",
)
NO_SENSE = (
    "tempo=a..b",
    "tempo=9..1..2",
    "sort=sql",
    "nothing=1",
    "offset=-1",
    "limit=100000",
    "offset=x",
    "tempo=nan..",
    "q=" + "x " * 9000,
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def watched(browser: Any) -> Iterator[Watched]:
    one = Watched(browser)
    yield one
    one.close()


@pytest.fixture(scope="module")
def tunes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return odd_datasets.tunes(tmp_path_factory.mktemp("tunes"))


@pytest.fixture(scope="module")
def server(tunes: Path) -> Iterator[Served]:
    """For tests that only read."""
    with served(tunes) as one:
        yield one


def every_page(watched: Watched, server: Served, **more: Any) -> list[Any]:
    """The list, the overview, the comparison and every example, looked at one after another; nothing may go wrong on any."""
    tabs = [watched.open(f"{server.address}/#/{place}", **more) for place in ("browse", "overview", "compare")]
    for tab in tabs:
        settled(tab)
    tab = tabs[0]
    for row in server.ask("api/rows?limit=200")["rows"]:
        tab.goto(f"{server.address}/#/one/{quote(row['id'], safe='')}")
        settled(tab)
    return tabs


def settled(tab: Any) -> None:
    """Until something is shown and nothing is on its way."""
    tab.wait_for_load_state("networkidle")
    until(tab, "document.querySelector('#main').innerText.trim().length > 0 && !!document.querySelector('#main h1')")


# --- little or nothing ------------------------------------------------------------------------------------------------


def test_a_dataset_of_nothing_says_so(watched: Watched, tmp_path: Path) -> None:
    with served(odd_datasets.empty(tmp_path)) as server:
        assert [row["reason"] for row in server.ask("api/rows")["rows"]] == ["other_type"]
        every_page(watched, server)
        tab = watched.open(f"{server.address}/#/browse?state=kept")
        settled(tab)
        assert tab.locator(ROWS).count() == 0
        assert tab.locator("#main").inner_text().strip()
        watched.close()


@pytest.mark.parametrize("way", ["served", "plain files"])
def test_a_dataset_whose_first_build_was_killed_says_that_no_run_has_finished(watched: Watched, tmp_path: Path, way: str) -> None:
    data = odd_datasets.half_built(tmp_path)
    if way == "served":
        with served(data) as server:
            about = server.ask("api/about")
            assert (about["finished"], about["total"]) == (False, 0)
            assert server.ask("api/rows") == {"rows": [], "offset": 0, "total": 0}
            tab = every_page(watched, server)[0]
            tab.goto(f"{server.address}/#/browse")
            tab.get_by_text("no finished run").first.wait_for()
            watched.close()
    else:
        tab = watched.open((exported(data, tmp_path / "out") / "index.html").as_uri())
        tab.get_by_text("no finished run").first.wait_for()


def test_a_table_that_is_missing_is_said_in_one_sentence(watched: Watched, tunes: Path, tmp_path: Path) -> None:
    data = odd_datasets.without_tables(tunes, tmp_path / "data", "captions", "splits", "stems")
    with served(data) as server:
        status, body = raw(server, "/api/rows")
        said = json.loads(body)["error"]
        assert (status, said.count("motet check")) == (503, 1)
        tab = watched.open(server.address, allowed=("503",))
        tab.get_by_text(said).first.wait_for()
        watched.close()


# --- media ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spoil", [odd_datasets.without_media, odd_datasets.damaged_media])
def test_media_that_are_gone_or_damaged_are_said_and_cost_nothing_else(
    watched: Watched, tunes: Path, tmp_path: Path, spoil: Any
) -> None:
    with served(spoil(tunes, tmp_path / "data")) as server:
        row = server.ask("api/rows?state=kept")["rows"][1]
        assert server.status(f"media/{row['id']}/mix") == 404
        assert server.one(row["id"])["missing"]
        tab = watched.open(f"{server.address}/#/one/{row['id']}", allowed=MISSING)
        settled(tab)
        assert server.one(row["id"])["missing"][0] in tab.locator("#main").inner_text()
        every_page(watched, server, allowed=MISSING)
        watched.close()
        exported(spoil(tunes, tmp_path / "again"), tmp_path / "out")


# --- names ------------------------------------------------------------------------------------------------------------


def test_files_of_every_name_are_found_by_it(watched: Watched, tmp_path: Path) -> None:
    with served(odd_datasets.named(tmp_path)) as server:
        every_page(watched, server)
        tab = watched.open(server.address)
        for name in (*odd_datasets.SCRIPTS, SCRIPT, "<img src=x onerror=alert(1)>", "climbs"):
            found = server.ask(f"api/rows?q={quote(name)}")["rows"]
            assert found, name
            tab.get_by_role("searchbox", name="Search").fill(name)
            until(tab, f"document.querySelectorAll('{ROWS.replace(chr(39), chr(34))}').length > 0")
            first = found[0]["path"].split("/")[-1].removesuffix(".mid")
            until(tab, f"document.querySelector('#main').textContent.includes({json.dumps(first)})")
        watched.close()


@pytest.mark.parametrize("way", ["served", "plain files"])
def test_hostile_words_are_shown_and_nothing_runs(watched: Watched, tunes: Path, tmp_path: Path, way: str) -> None:
    """In the list, on every example, in the overview: as text. A page with markup out of data would have elements the
    explorer never makes."""
    data = odd_datasets.hostile(tunes, tmp_path / "data")
    with served(data, "--beside", str(tunes)) as server:
        rows = server.ask("api/rows?limit=200")["rows"]
        home = server.address if way == "served" else (exported(data, tmp_path / "out") / "index.html").as_uri()
        tab = watched.open(home, width=360)
        tab.context.add_init_script(SHOUT)
        tab.reload()
        for place in ("#/browse", "#/overview", "#/compare", *(f"#/one/{row['id']}" for row in rows)):
            tab.goto(f"{home}/{place}" if way == "served" else f"{home}{place}")
            settled(tab)
            foreign = (
                "#main script, #main img:not([src^='data:']):not([src^='blob:']), #main [onerror], #main [onload], #main iframe"
            )
            assert tab.locator(foreign).count() == 0, place
            assert tab.locator("a[href^='javascript']").count() == 0, place
            assert tab.evaluate("shouted") == [], place
            assert tab.evaluate("document.documentElement.scrollWidth") <= 360, f"{place} has to be scrolled sideways"
        for name in HOSTILE[:4]:
            tab.goto(f"{home}/#/browse?q={quote(name)}" if way == "served" else f"{home}#/browse?q={quote(name)}")
            settled(tab)
            until(tab, f"document.querySelector('#main').textContent.includes({json.dumps(name)})")
        watched.close()


@pytest.mark.parametrize("place", NOWHERE)
def test_an_address_that_leads_nowhere_is_told(watched: Watched, server: Served, place: str) -> None:
    tab = watched.open(f"{server.address}/#/{place}", allowed=("404", "400", "422"))
    settled(tab)
    tab.get_by_role("navigation", name="Pages").get_by_role("link", name="Browse").click()
    tab.locator(ROWS).first.wait_for()


# --- nothing outside the dataset --------------------------------------------------------------------------------------

OUTSIDE = [
    "/../../../../etc/passwd",
    "/..%2f..%2f..%2fetc/passwd",
    "/site/../../../pyproject.toml",
    "/site/..%2f..%2fpage.py",
    "/site/%2e%2e/page.py",
    "/site//etc/passwd",
    "/site/%2Fetc%2Fpasswd",
    "/site/..\\..\\page.py",
    "/site/index.html%00.js",
    "/media/{id}/../../motet.yaml",
    "/media/{id}/..%2f..%2fmotet.yaml",
    "/media/..%2fmotet.yaml/mix",
    "/media/{id}/stem-../../mix",
    "/media/{id}/stem--1",
    "/media/{id}/stem-99999999999999999999",
    "/media/{id}/%2Fetc%2Fpasswd",
    "/motet.yaml",
    "/snapshots/live/clips.parquet",
    "/api/one/..%2F..%2Fetc%2Fpasswd",
]


def raw(server: Served, path: str, **headers: str) -> tuple[int, bytes]:
    """What the server says to exactly this path, which a polite client would tidy."""
    where = urlsplit(server.address)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    connection.putrequest("GET", path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    told = answer.status, answer.read()
    connection.close()
    return told


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_outside_the_dataset_is_served(server: Served, path: str) -> None:
    id = server.ask("api/rows?state=kept")["rows"][0]["id"]
    status, body = raw(server, path.format(id=id))
    assert status in (400, 404, 405, 422), body[:100]
    assert not [secret for secret in (b"root:", b"format: 2", b"import ", b"[project]") if secret in body]


def test_another_site_can_neither_read_nor_judge(tunes: Path, tmp_path: Path) -> None:
    """A name that some site lets point here (DNS rebinding), a form on a foreign page, and a page that embeds ours."""
    data = odd_datasets.copied(tunes, tmp_path / "data")
    with served(data) as server:
        assert raw(server, "/api/about", Host="evil.example")[0] >= 400
        id = server.ask("api/rows?state=kept")["rows"][0]["id"]
        where = urlsplit(server.address)
        body = json.dumps({"id": id, "verdict": "bad", "note": ""})
        for headers in (
            {"Origin": "https://evil.example", "Content-Type": "application/json"},
            {"Origin": "https://evil.example", "Content-Type": "text/plain"},
            {"Origin": "null", "Content-Type": "application/json"},
        ):
            connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
            connection.request("POST", "/api/judge", body, headers)
            assert connection.getresponse().status in (400, 403, 415), headers
            connection.close()
        assert not (data / "judgements.jsonl").exists()


@pytest.mark.parametrize("query", NO_SENSE)
def test_a_question_that_makes_no_sense_is_answered_by_one_sentence(server: Served, query: str) -> None:
    status, body = raw(server, f"/api/rows?{query.replace(' ', '+')}")
    assert 400 <= status < 500, body[:200]
    assert json.loads(body)["error"]


def test_whoever_is_not_on_this_machine_needs_the_token(tunes: Path) -> None:
    command = [sys.executable, "-m", "motet.cli", "explore", str(tunes), "--no-browser", "--host", "0.0.0.0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        told = re.search(r"https?://[^\s/:]+:(\d+)(/\S*)", process.stdout.readline())
        try:
            assert told, "no address was said"
            port, rest = int(told[1]), told[2]
            assert len(rest) > 20, "the address has no token"
            server = Served(f"http://127.0.0.1:{port}", process)  # type: ignore[arg-type]
            for _ in range(200):
                try:
                    raw(server, "/")
                    break
                except OSError:
                    time.sleep(0.05)
            for path in ("/", "/api/about", "/api/rows", "/site/dom.js?token=", "/?token=wrong"):
                status, body = raw(server, path)
                assert status in (401, 403, 404), (path, status, body[:80])
            assert raw(server, rest.split("#")[0])[0] in (200, 302, 303, 307)
        finally:
            process.send_signal(2)
            process.wait(20)
