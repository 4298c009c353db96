"""The pages of overview and comparison in Chromium: bars that filter, reasons that lead to rows, and two versions of one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from motet.dataset import versions
from motet.demo.collection import collection
from motet.recipe import load
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys.browsing import Served, Watched, chromium, exported, served, until

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>"
KEPT = ("Traditional ", "Unknown", "old backup", "Stephen", "Franz", "lic")


@pytest.fixture(scope="module")
def folk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our tunes without sound, tagged with what they were before one went and another came under a hostile name."""
    folder = tmp_path_factory.mktemp("folk")
    tunes = {name: data for name, data in collection().items() if name.startswith(KEPT)}
    for name, data in tunes.items():
        (folder / "tunes" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "tunes" / name).write_bytes(data)
    with LocalEngine(workers=2) as engine:
        build(load("symbolic"), [folder / "tunes"], folder / "folk", engine=engine)
        versions.create(folder / "folk", "before")
        (folder / "tunes" / "Stephen Foster" / "Oh! Susanna.mid").rename(folder / "tunes" / f"{HOSTILE}.mid")
        (folder / "tunes" / "Franz Xaver Gruber" / "Silent Night.mid").unlink()
        build(load("symbolic").changed(["clean.shortest=30"]), [folder / "tunes"], folder / "folk", engine=engine)
    return folder / "folk"


@pytest.fixture(scope="module")
def server(folk: Path) -> Iterator[Served]:
    with served(folk) as one:
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as one:
        yield one


@pytest.fixture
def watched(browser: Any) -> Iterator[Watched]:
    one = Watched(browser)
    yield one
    one.close()


def bars(tab: Any, facet: str) -> dict[str, int]:
    """The bars of a chart as they are told to who cannot see them: name and count."""
    found = tab.locator(f".chart[aria-label='{facet}'] a[aria-label]")
    labels = [found.nth(n).get_attribute("aria-label") for n in range(found.count())]
    return {name: int(number.replace(",", "")) for name, number in (label.rsplit(": ", 1) for label in labels)}


def state(tab: Any) -> list[tuple[str, str]]:
    return parse_qsl(tab.url.partition("?")[2], keep_blank_values=True)


def counted(server: Served, *pairs: tuple[str, str]) -> Any:
    return server.ask(f"api/find?{urlencode([('state', 'kept'), *pairs])}")


def overview(watched: Watched, server: Served, asked: str = "", **context: Any) -> Any:
    tab = watched.open(f"{server.address}/#/overview{asked}", **context)
    tab.wait_for_selector(".chart")
    tab.wait_for_selector(".again")
    return tab


def test_charts_show_what_the_list_counts(watched: Watched, server: Served) -> None:
    tab, told = overview(watched, server), counted(server)
    keys = dict(told["facets"]["key"]["values"])
    assert bars(tab, "Key").items() <= keys.items()
    tempi = bars(tab, "Tempo")
    assert list(tempi.values()) == [number for _, _, number in told["facets"]["tempo"]["bins"]]
    assert tab.locator(".tolist").inner_text() == f"Show these {told['total']} in the list"


def test_a_bar_filters_all_the_others_and_the_address_says_so(watched: Watched, server: Served) -> None:
    tab = overview(watched, server)
    key = next(iter(bars(tab, "Key")))
    tab.click(f".chart[aria-label='Key'] a[aria-label^='{key}:']")
    tab.wait_for_selector(".chip")
    assert state(tab) == [("key", key)]
    told = counted(server, ("key", key))
    assert sum(bars(tab, "Tempo").values()) == told["total"]
    assert tab.locator(".chart[aria-label='Key'] a[aria-current]").count() == 1
    tab.click(".tolist")
    until(tab, "location.hash.startsWith('#/browse')")
    assert sorted(state(tab)) == [("key", key), ("state", "kept")]
    tab.go_back()
    tab.wait_for_selector(".chip")
    tab.click(".chip")
    until(tab, "!document.querySelector('.chip')")
    assert state(tab) == []


def test_a_range_is_chosen_and_left_by_its_bar(watched: Watched, server: Served) -> None:
    tab = overview(watched, server)
    low, high, number = next(one for one in counted(server)["facets"]["tempo"]["bins"] if one[2])
    bar = f".chart[aria-label='Tempo'] a[data-key='tempo {low:g}..{high:g}']"
    tab.click(bar)
    until(tab, "document.querySelector('.chip')")
    assert state(tab) == [("tempo", f"{low:g}..{high:g}")]
    assert tab.locator(".tolist").inner_text().replace("it", "these 1") == f"Show these {number} in the list"
    tab.click(bar)
    until(tab, "!document.querySelector('.chip')")


def test_the_charts_are_for_the_keyboard_too(watched: Watched, server: Served) -> None:
    """One stop for Tab, arrows from bar to bar, Enter chooses; and the bar keeps the focus in the charts that follow."""
    tab = overview(watched, server)
    assert tab.locator(".chart[aria-label='Key'] a[tabindex='0']").count() == 1
    tab.focus(".chart[aria-label='Key'] a[tabindex='0']")
    tab.keyboard.press("ArrowDown")
    second = list(bars(tab, "Key"))[1]
    assert tab.evaluate("document.activeElement.getAttribute('aria-label')").startswith(second)
    tab.keyboard.press("Enter")
    tab.wait_for_selector(".chip")
    assert state(tab) == [("key", second)]
    until(tab, f"document.activeElement.getAttribute('data-key') === {('key ' + second)!r}")


def test_a_reason_leads_to_its_rows(watched: Watched, server: Served) -> None:
    tab, told = overview(watched, server), server.ask("api/overview")
    for number, drop in enumerate(told["drops"][:3]):
        link = tab.locator(".reasons a").nth(number)
        assert drop["reason"] in link.inner_text()
        href = link.get_attribute("href")
        asked = dict(parse_qsl(href.partition("?")[2], keep_blank_values=True))
        assert asked == {"state": "dropped", "stage": drop["stage"], "reason": drop["reason"]}
        assert server.ask(f"api/find?{urlencode(asked)}")["total"] == drop["count"]


def test_it_fits_a_telephone_in_the_dark(watched: Watched, server: Served) -> None:
    for page in ("#/overview", "#/compare?with=@before"):
        tab = watched.open(f"{server.address}/{page}", width=360, color_scheme="dark")
        tab.wait_for_selector(".chart", timeout=60_000)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_version_is_compared_with_what_is_live(watched: Watched, server: Served) -> None:
    tab = watched.open(f"{server.address}/#/compare")
    tab.select_option("#with", "@before")
    tab.wait_for_selector(".spread .chart", timeout=60_000)
    assert state(tab) == [("with", "@before")]
    told = server.ask("api/compare?with=@before")
    rows = tab.locator(".tables tbody tr")
    shown = {rows.nth(n).locator("th").inner_text(): rows.nth(n).locator("td").all_inner_texts()[:4] for n in range(rows.count())}
    for table in told["tables"]:
        if table["added"] + table["removed"] + table["changed"]:
            assert shown[table["table"]] == [f"{table[what]:,}" for what in ("added", "removed", "changed", "same")]
    assert "clean.shortest 5.0 → 30.0." in tab.locator(".facts li").all_inner_texts()
    causes = tab.locator(".causes > li").all_inner_texts()
    for one in told["sums"]:
        (box,) = (text for text in causes if text.startswith(one["cause"] + "\n"))
        assert f"{one['rows']:,} {one['table']} {one['what']}" in " ".join(box.split())


def test_names_are_text_whatever_they_hold(watched: Watched, server: Served) -> None:
    tab = watched.open(f"{server.address}/#/compare?with=@before")
    tab.wait_for_selector(".causes", timeout=60_000)
    for details in tab.locator(".causes details").all():
        details.locator("summary").click()
    assert HOSTILE in tab.inner_text(".causes")
    assert tab.locator(".causes img").count() == 0
    overview(watched, server, f"?q={urlencode({'': HOSTILE})[1:]}&artist={urlencode({'': HOSTILE})[1:]}")


def test_what_cannot_be_compared_or_found_is_said_in_a_sentence(watched: Watched, server: Served) -> None:
    tab = watched.open(f"{server.address}/#/compare?with=nobody", allowed=("status of 4",))  # the browser's own remark on it
    tab.wait_for_selector("[role=alert]")
    assert "cannot be compared with 'nobody'" in tab.inner_text("[role=alert]")
    tab = watched.open(f"{server.address}/#/overview?tempo=fast", allowed=("status of 4",))
    tab.wait_for_selector("[role=alert]")
    assert "is no range" in tab.inner_text("[role=alert]")


def test_files_show_the_same_overview(watched: Watched, server: Served, folk: Path, tmp_path: Path) -> None:
    page = exported(folk, tmp_path / "site")
    tab = watched.open(f"{(page / 'index.html').as_uri()}#/overview")
    tab.wait_for_selector(".again")
    assert bars(tab, "Key") == bars(overview(watched, server), "Key")
    tab = watched.open(f"{(page / 'index.html').as_uri()}#/compare")
    tab.wait_for_selector(".nothing")
    assert "compares nothing" in tab.inner_text("main")
