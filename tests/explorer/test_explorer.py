"""The explorer in a real browser: what a person does with a dataset, from the list to the judgement; the same as plain files."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from motet.wording import clock
from toys import odd_datasets
from toys.browsing import ROWS, Served, Watched, chromium, exported, hosted, served, until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def watched(browser: Any) -> Iterator[Watched]:
    """Opens pages; at the end no page had an error or a dialog, or asked for anything outside."""
    one = Watched(browser)
    yield one
    one.close()


@pytest.fixture(scope="module")
def tunes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return odd_datasets.tunes(tmp_path_factory.mktemp("tunes"))


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return odd_datasets.film(tmp_path_factory.mktemp("film"))


@pytest.fixture(scope="module")
def server(tunes: Path, films: Path) -> Iterator[Served]:
    """For tests that only read; with another dataset to compare with."""
    with served(tunes, "--beside", str(films)) as one:
        yield one


def kept(server: Served) -> list[dict[str, Any]]:
    """The examples of a dataset, in the order of the list."""
    return list(server.ask("api/rows?state=kept")["rows"])


def shown(tab: Any) -> list[str]:
    """The ids of the rows that stand in the list, in order."""
    hrefs = tab.locator(ROWS).evaluate_all("found => found.map(a => decodeURIComponent(a.hash.slice(6).split('?')[0]))")
    return list(dict.fromkeys(hrefs))


def await_rows(tab: Any, ids: list[str]) -> None:
    """Wait until the list shows these and no others."""
    for _ in range(100):
        if shown(tab) == ids:
            return
        tab.wait_for_timeout(50)
    assert shown(tab) == ids


def ids(server: Served, **asked: str) -> list[str]:
    return [row["id"] for row in server.ask(f"api/rows?{urlencode(asked)}")["rows"]]


def example(watched: Watched, server: Served, row: dict[str, Any], **more: Any) -> Any:
    tab = watched.open(f"{server.address}/#/one/{row['id']}", **more)
    tab.get_by_role("button", name="Play").first.wait_for()
    return tab


def play(tab: Any) -> Any:
    return tab.get_by_role("button", name="Play", exact=False).first


# --- browse -----------------------------------------------------------------------------------------------------------


def test_opens_with_everything_in_the_dataset(watched: Watched, server: Served) -> None:
    tab = watched.open(server.address)
    await_rows(tab, ids(server))
    assert tab.get_by_text("Greensleeves").first.is_visible()
    assert len(shown(tab)) == server.ask("api/about")["total"] == 13  # 8 clips, 1 duplicate, 4 files of no use


def test_a_filter_shows_its_rows_and_stands_in_the_address(watched: Watched, server: Served) -> None:
    tab = watched.open(server.address)
    choose(tab, "State", "dropped")
    await_rows(tab, ids(server, state="dropped"))
    assert "state=dropped" in tab.url
    choose(tab, "Reason", "html.page")
    await_rows(tab, ids(server, state="dropped", reason="html_page"))
    tab.go_back()
    await_rows(tab, ids(server, state="dropped"))
    tab.reload()
    await_rows(tab, ids(server, state="dropped"))


def choose(tab: Any, facet: str, value: str) -> None:
    """Tick the filter of this value."""
    head = tab.get_by_role("button", name=facet, exact=True)
    if head.get_attribute("aria-expanded") == "false":
        head.click()
    box(tab, facet, value).click()


def box(tab: Any, facet: str, value: str) -> Any:
    return tab.get_by_role("group", name=facet).get_by_role("checkbox", name=re.compile(f"^{value}\\b"))


def test_counts_stand_beside_the_filters(watched: Watched, server: Served) -> None:
    tab = watched.open(server.address)
    await_rows(tab, ids(server))
    counted = dict(server.ask("api/find")["facets"]["state"]["values"])
    assert counted == {"kept": 8, "dropped": 5}
    for value, count in counted.items():
        assert box(tab, "State", value).locator("xpath=ancestor::li").inner_text().split() == [value, str(count)]
    choose(tab, "Split", "train")
    await_rows(tab, ids(server, split="train"))
    box(tab, "State", "kept").locator("xpath=ancestor::li").filter(has_text=re.compile(r"^\s*kept\s*4\s*$")).wait_for()


@pytest.mark.parametrize("words", ["sakura", "GREENSLEEVES html", "zip", "nothing has this"])
def test_search_finds_what_has_every_word(watched: Watched, server: Served, words: str) -> None:
    tab = watched.open(server.address)
    tab.get_by_role("searchbox", name="Search").fill(words)
    await_rows(tab, ids(server, q=words))
    until(tab, "location.hash.includes('q=')")  # a moment after the last letter


def test_sorts_both_ways(watched: Watched, server: Served) -> None:
    for order in ("tempo", "-tempo"):
        tab = watched.open(f"{server.address}/#/browse?sort={order}")
        await_rows(tab, ids(server, sort=order))
    tempi = [row["tempo"] for row in server.ask("api/rows?sort=-tempo")["rows"]]
    known = [tempo for tempo in tempi if tempo is not None]
    assert known == sorted(known, reverse=True)
    assert tempi == known + [None] * (13 - len(known))


def test_a_row_opens_its_example_and_back_leads_to_the_same_list(watched: Watched, server: Served) -> None:
    tab = watched.open(f"{server.address}/#/browse?state=kept&sort=-seconds")
    await_rows(tab, ids(server, state="kept", sort="-seconds"))
    row = server.ask("api/rows?state=kept&sort=-seconds")["rows"][2]
    tab.locator(f"{ROWS}[href*='{row['id']}']").first.click()
    tab.get_by_role("button", name="Play").first.wait_for()
    assert row["title"] in tab.locator("h1").inner_text()
    tab.go_back()
    await_rows(tab, ids(server, state="kept", sort="-seconds"))


# --- one example ------------------------------------------------------------------------------------------------------


def test_plays_and_the_playhead_moves(watched: Watched, server: Served) -> None:
    tab = example(watched, server, kept(server)[1])
    play(tab).click()
    until(tab, "motet.player.time > 0.3")
    assert tab.evaluate("[...sounding].some(one => !one.paused && one.currentTime > 0.2)")
    first, drawn = tab.evaluate("motet.player.time"), pictures(tab)
    until(tab, f"motet.player.time > {first} + 0.5")
    assert pictures(tab) != drawn, "nothing was drawn anew while half a second played"
    tab.get_by_role("button", name="Pause").first.click()
    until(tab, "motet.player.paused")
    stopped, still = tab.evaluate("motet.player.time"), pictures(tab)
    tab.wait_for_timeout(300)
    assert tab.evaluate("motet.player.time") == stopped
    assert pictures(tab) == still
    assert clock(stopped) in tab.locator("#main").inner_text()


def pictures(tab: Any) -> list[str]:
    """What every canvas shows."""
    return list(tab.locator("canvas").evaluate_all("found => found.map(one => one.toDataURL())"))


def test_seeks_by_keys(watched: Watched, server: Served) -> None:
    tab = example(watched, server, kept(server)[1])
    slider = tab.get_by_role("slider").first
    slider.focus()
    tab.keyboard.press("End")
    until(tab, "motet.player.time > motet.player.length - 1.5")
    tab.keyboard.press("Home")
    until(tab, "motet.player.time === 0")
    tab.keyboard.press("ArrowRight")
    until(tab, "motet.player.time > 0")


def test_solo_of_a_stem_is_that_stem_and_no_other(watched: Watched, server: Served) -> None:
    row = kept(server)[1]
    stems = server.one(row["id"])["stems"]
    assert len(stems) > 2
    tab = example(watched, server, row)
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    play(tab).click()
    until(tab, "motet.player.time > 0.1")
    solo = tab.get_by_role("button", name="Solo").nth(1)
    solo.click()
    assert solo.get_attribute("aria-pressed") == "true"
    while not any("/stem-" in url for url in asked):
        tab.wait_for_event("request")
    until(tab, "!motet.player.paused && motet.player.time > 0.6")
    now = tab.evaluate("motet.player.time")
    until(tab, f"motet.player.time > {now} + 0.3")
    solo.click()
    assert solo.get_attribute("aria-pressed") == "false"


def test_the_picture_of_a_film_changes_in_step(watched: Watched, films: Path) -> None:
    with served(films) as server:
        row = next(row for row in kept(server) if "video" in row["has"])
        tab = example(watched, server, row)
        play(tab).click()
        until(tab, "motet.player.time > 0.4")
        first = frame(tab)
        now = tab.evaluate("motet.player.time")
        until(tab, f"motet.player.time > {now} + 0.6")
        assert frame(tab) != first
        apart = tab.evaluate("Math.abs(document.querySelector('video').currentTime - motet.player.time)")
        assert apart < 0.1
        watched.close()
        watched.contexts.clear()


def frame(tab: Any) -> str:
    """The picture that the film shows now."""
    return str(
        tab.evaluate(
            """() => {
                const film = document.querySelector("video"), canvas = document.createElement("canvas");
                [canvas.width, canvas.height] = [film.videoWidth, film.videoHeight];
                canvas.getContext("2d").drawImage(film, 0, 0);
                return canvas.toDataURL();
            }"""
        )
    )


def test_an_example_tells_where_it_comes_from_and_what_its_captions_claim(watched: Watched, server: Served) -> None:
    row = kept(server)[1]
    told = server.one(row["id"])
    tab = example(watched, server, row)
    text = tab.locator("#main").inner_text()
    assert row["path"].split("/")[-1] in text
    assert "CC0-1.0" in text
    assert told["captions"][0]["claims"][0]["because"] in tab.locator("#main").evaluate(
        "main => main.textContent + [...main.querySelectorAll('*')].map(one => one.title + one.ariaLabel).join()"
    )
    assert [step["stage"] for step in told["chain"]][:2] == ["scan", "clean"]


def test_says_why_a_row_was_dropped(watched: Watched, server: Served) -> None:
    (row,) = server.ask("api/rows?reason=html_page")["rows"]
    tab = watched.open(f"{server.address}/#/one/{row['id']}")
    tab.get_by_text("a web page saved under the name of a MIDI file").first.wait_for()
    assert server.one(row["id"])["why"]
    assert not tab.get_by_role("button", name="Play").is_visible() or tab.get_by_role("button", name="Play").is_disabled()


def test_a_duplicate_names_its_twin_with_the_evidence(watched: Watched, server: Served) -> None:
    (row,) = server.ask("api/rows?reason=same_notes")["rows"]
    tab = watched.open(f"{server.address}/#/one/{row['id']}")
    tab.get_by_text("Greensleeves.mid").first.wait_for()
    (twin,) = server.one(row["id"])["duplicates"]
    assert twin["removed"]
    assert twin["evidence"] in tab.locator("#main").inner_text()


def test_downloads_are_the_sound_and_the_notes_of_the_example(watched: Watched, server: Served, tmp_path: Path) -> None:
    import soundfile
    import symusic

    row = kept(server)[1]
    tab = example(watched, server, row)
    offered = {one["what"]: one["label"] for one in server.one(row["id"])["downloads"]}
    assert {"mix", "midi"} <= offered.keys()
    for what in ("mix", "midi"):
        with tab.expect_download() as waited:
            tab.locator(f"a[href*='/{what}']").first.click()
        waited.value.save_as(tmp_path / what)
    assert soundfile.info(str(tmp_path / "mix")).duration == pytest.approx(row["seconds"], abs=0.01)
    assert symusic.Score.from_midi((tmp_path / "midi").read_bytes()).note_num() > 0


# --- overview, compare ------------------------------------------------------------------------------------------------


def test_the_overview_tells_what_became_of_the_rows(watched: Watched, server: Served) -> None:
    tab = watched.open(f"{server.address}/#/overview")
    tab.get_by_text("html_page").or_(tab.get_by_text("html page")).first.wait_for()
    text = tab.locator("#main").inner_text()
    for stage in server.ask("api/overview")["stages"]:
        assert stage["name"] in text or stage["name"].replace("_", " ") in text
    assert tab.locator("#main svg").count() > 0


def test_two_datasets_are_compared(watched: Watched, server: Served) -> None:
    (choice,) = server.ask("api/about")["compare"]
    tab = watched.open(f"{server.address}/#/compare?{urlencode({'with': choice['name']})}")
    tab.locator("#main table").first.wait_for()
    assert "clean" in tab.locator("#main").inner_text()


# --- judge ------------------------------------------------------------------------------------------------------------


def test_a_judgement_is_there_after_a_reload_and_in_the_dataset(watched: Watched, tunes: Path, tmp_path: Path) -> None:
    data = odd_datasets.copied(tunes, tmp_path / "judged")
    with served(data) as server:
        row = kept(server)[1]
        tab = example(watched, server, row)
        note = "Sounds like a kettle. 🎻 <b>"
        tab.get_by_role("button", name="Bad").first.click()
        tab.get_by_role("textbox", name="Note").fill(note)
        tab.keyboard.press("Tab")
        saved = f"api/one/{row['id']}"
        until(tab, f"fetch('{saved}').then(a => a.json()).then(one => one.judged === 'bad' && !!one.label.note)")
        tab.reload()
        tab.get_by_role("button", name="Bad").first.wait_for()
        assert tab.get_by_role("button", name="Bad").first.get_attribute("aria-pressed") == "true"
        assert tab.get_by_role("textbox", name="Note").input_value() == note
        assert ids(server, judged="bad") == [row["id"]]
        watched.close()
        watched.contexts.clear()
    stored = [json.loads(line) for line in (data / "judgements.jsonl").read_text(encoding="utf-8").splitlines()[1:]]
    assert [(one["verdict"], one["note"]) for one in stored][-1] == ("bad", note)
    with served(data) as again:
        assert again.one(row["id"])["label"]["note"] == note


# --- without a mouse, in the dark, on a telephone -----------------------------------------------------------------------


def test_everything_is_done_with_the_keyboard_alone(watched: Watched, server: Served) -> None:
    """Search, open the first row, play, back: by Tab, Enter, Space and letters only, and the focus is always to be seen."""
    tab = watched.open(server.address)
    await_rows(tab, ids(server))
    reach(tab, "document.activeElement.type === 'search' || document.activeElement.getAttribute('role') === 'searchbox'")
    tab.keyboard.type("sakura")
    await_rows(tab, ids(server, q="sakura"))
    reach(tab, "document.activeElement.matches(\"a[href^='#/one/']\")")
    tab.keyboard.press("Enter")
    until(tab, "location.hash.startsWith('#/one/')")
    tab.get_by_role("button", name="Play").first.wait_for()
    reach(tab, "/^play/i.test(document.activeElement.ariaLabel || document.activeElement.textContent)")
    tab.keyboard.press("Enter")
    until(tab, "motet.player.time > 0.1")
    reach(tab, "document.activeElement.textContent === 'The list'")
    tab.keyboard.press("Enter")
    await_rows(tab, ids(server, q="sakura"))


def reach(tab: Any, there: str) -> None:
    """Press Tab until the focus is where it should be."""
    for _ in range(150):
        if tab.evaluate(there):
            return
        tab.keyboard.press("Tab")
        seen = tab.evaluate(
            """() => {
                const at = document.activeElement, box = at.getBoundingClientRect();
                return at === document.body || (box.width * box.height > 0 && at.checkVisibility({visibilityProperty: true}));
            }"""
        )
        assert seen, tab.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    pytest.fail(f"Tab never reached: {there}")


PLACES = {
    "list": "#/browse",
    "example": "#/one/{id}",
    "dropped": "#/one/{dropped}",
    "overview": "#/overview",
    "compare": "#/compare?with={with}",
}


@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_nothing_serious(watched: Watched, tunes: Path, server: Served, place: str) -> None:
    """By light and in the dark, wide and as wide as a telephone. axe must be let in past the page's own policy."""
    from axe_playwright_python.sync_playwright import Axe

    given = {"id": kept(server)[1]["id"], "dropped": ids(server, reason="same_notes")[0]}
    given["with"] = server.ask("api/about")["compare"][0]["name"]
    found = []
    for scheme in ("light", "dark"):
        for width in (1200, 360):
            tab = watched.open(
                f"{server.address}/{PLACES[place].format(**given)}", width=width, color_scheme=scheme, bypass_csp=True
            )
            tab.wait_for_load_state("networkidle")
            tab.locator("#main h1, #main h2, #main a").first.wait_for()
            told = Axe().run(tab).response["violations"]
            found += [
                (scheme, width, fault["id"], node["target"], node.get("failureSummary", "")[:200])
                for fault in told
                if fault["impact"] in ("serious", "critical")
                for node in fault["nodes"]
            ]
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, "it has to be scrolled sideways"
    assert found == []


def test_the_page_s_own_policy_holds(watched: Watched, server: Served) -> None:
    """Nothing written into the page runs, and nothing is sent away; the browser says so of each try."""
    tab = watched.open(server.address, allowed=("Content Security Policy",))
    await_rows(tab, ids(server))
    tab.evaluate(
        """() => {
            window.ran = [];
            document.addEventListener("securitypolicyviolation", event => ran.push(event.effectiveDirective));
            const script = document.createElement("script");
            script.textContent = "document.title = 'ran'";
            document.body.append(script);
            const box = document.createElement("div");
            box.innerHTML = "<img src=x onerror=\\"document.title = 'ran'\\"><p style='color: red'>";
            document.body.append(box);
            fetch("https://example.org/").catch(() => 0);
        }"""
    )
    until(tab, "['script-src-elem', 'script-src-attr', 'style-src-attr', 'connect-src'].every(one => ran.includes(one))")
    assert tab.title() != "ran"
    watched.troubles[:] = [one for one in watched.troubles if "example.org" not in one and "404" not in one]


def test_light_and_dark_are_changed_by_the_switch_and_remembered(watched: Watched, server: Served) -> None:
    tab = watched.open(server.address, color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = tab.evaluate(paper)
    switch = tab.locator("header button").last
    switch.click()
    until(tab, f"{paper} !== '{light}'")
    dark = tab.evaluate(paper)
    tab.reload()
    until(tab, f"{paper} === '{dark}'")


# --- as plain files ---------------------------------------------------------------------------------------------------

ASKED = [
    {},
    {"state": "kept"},
    {"state": "dropped", "sort": "-path"},
    {"split": "train"},
    {"split": "train,test", "sort": "tempo"},
    {"q": "sakura"},
    {"q": "ＧＲＥＥＮ html"},
    {"tempo": "..100"},
    {"tempo": "90..", "sort": "-seconds"},
    {"seconds": "5..15"},
    {"instrument": "*"},
    {"key": ""},
    {"reason": "*"},
    {"judged": ""},
    {"sort": "shuffled"},
    {"sort": "-key"},
    {"sort": "loudness", "kind": "clip"},
]


@pytest.fixture(scope="module")
def plain(tunes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tunes, tmp_path_factory.mktemp("plain") / "out", "--stems")


def queries(server: Served) -> list[str]:
    """The questions above, with the commonest value of a facet for `*`, and several values for a comma."""
    facets = server.ask("api/find")["facets"]
    written = []
    for asked in ASKED:
        pairs = []
        for name, value in asked.items():
            if value == "*":
                value = facets[name]["values"][0][0]
            pairs += [(name, one) for one in (value.split(",") if name == "split" else [value])]
        written.append(urlencode(pairs))
    return written


@pytest.mark.parametrize("opened", ["from disk", "from a host"])
def test_plain_files_answer_as_the_server_does(watched: Watched, server: Served, plain: Path, opened: str) -> None:
    def compare(address: str) -> None:
        tab = watched.open(address)
        until(tab, "typeof motet !== 'undefined' && !!motet.store")
        for query in queries(server):
            wanted = server.ask(f"api/find?{query}")
            got = tab.evaluate("query => motet.store.find(new URLSearchParams(query))", query)
            assert got == wanted, query
            told = tab.evaluate("query => motet.store.rows(new URLSearchParams(query), 0, 100)", query)
            assert [row["id"] for row in told["rows"]] == ids_of(server, query), query

    if opened == "from disk":
        compare((plain / "index.html").as_uri())
    else:
        with hosted(plain) as address:
            compare(f"{address}/index.html")
            watched.close()
            watched.contexts.clear()


def ids_of(server: Served, query: str) -> list[str]:
    return [row["id"] for row in server.ask(f"api/rows?{query}")["rows"]]


def test_plain_files_are_seen_heard_and_soloed_from_disk(watched: Watched, server: Served, plain: Path) -> None:
    tab = watched.open((plain / "index.html").as_uri())
    await_rows(tab, ids(server))
    tab.get_by_role("searchbox", name="Search").fill("sakura")
    await_rows(tab, ids(server, q="sakura"))
    tab.locator(ROWS).first.click()
    play(tab).click()
    until(tab, "motet.player.time > 0.3")
    tab.get_by_role("button", name="Solo").first.click()
    now = tab.evaluate("motet.player.time")
    until(tab, f"motet.player.time > {now} + 0.3")
    tab.goto((plain / "index.html").as_uri() + "#/overview")
    tab.get_by_text("html_page").or_(tab.get_by_text("html page")).first.wait_for()


def test_plain_files_lead_nowhere_else(plain: Path, tmp_path: Path) -> None:
    """They may be moved, and name no place of the machine that wrote them."""
    moved = Path(shutil.copytree(plain, tmp_path / "moved"))
    for file in moved.rglob("*"):
        assert not file.is_symlink()
        if file.suffix in {".html", ".js", ".css"}:
            text = file.read_text(encoding="utf-8")
            assert str(plain) not in text
            assert "http://127" not in text
