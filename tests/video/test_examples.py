"""The demo tunes as films: which are made, what a stop leaves, and a page that shows any text and asks for nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet import midi
from motet.demo import TUNES
from motet.errors import UserError
from motet.video import examples as room
from motet.video import film
from motet.video.examples import Example, examples, page
from motet.video.examples.choosing import Wanted, file_name, wanted

SIZES, MOODS, MAPPINGS = ((256, 256), (512, 288), (1280, 720)), ("happy", "dark"), ("v2midi", "full-song", "calm")
SAFE = re.compile(r"[a-z0-9][a-z0-9-]*")


# Which films


def test_one_window_is_shown_in_every_way_and_every_tune_once() -> None:
    films = wanted(len(TUNES), SIZES, MOODS, MAPPINGS)
    series = {name: [film for film, among in films.items() if name in among] for name in ("moods", "mappings", "sizes", "tunes")}
    assert [one.mood for one in series["moods"]] == list(MOODS)
    assert [one.mapping for one in series["mappings"]] == list(MAPPINGS)
    assert [one.size for one in series["sizes"]] == list(SIZES)
    assert sorted(one.tune for one in series["tunes"]) == list(range(len(TUNES)))
    assert {film.tune for name in ("moods", "mappings", "sizes") for film in series[name]} == {0}
    assert {one.mood for one in series["tunes"]} == set(MOODS)


def test_a_tune_is_not_shown_by_a_mapping_of_what_it_does_not_have() -> None:
    films = wanted(4, SIZES, MOODS, MAPPINGS, lambda tune, mapping: 9 * (mapping != "v2midi" or tune == 2))
    assert {film.tune for film, among in films.items() if "moods" in among} == {2}
    assert {film.tune for film in films if film.mapping == "v2midi"} == {2}
    assert {film.tune for film in films} == {0, 1, 2, 3}


def test_films_have_names_of_their_own_that_every_system_takes() -> None:
    films = wanted(len(TUNES), SIZES, MOODS, MAPPINGS)
    names = [file_name(TUNES[one.tune].title, one) for one in films]
    assert not [name for name, number in Counter(names).items() if number > 1]
    assert all(map(SAFE.fullmatch, names))
    assert file_name("Frère Jacques", Wanted(0, (256, 256), "happy", "v2midi")) == "frere-jacques-v2midi-happy-256x256"


@given(title=st.text(max_size=200), mood=st.text(max_size=200), mapping=st.text(max_size=200))
def test_a_name_is_safe_whatever_it_is_made_of(title: str, mood: str, mapping: str) -> None:
    name = file_name(title, Wanted(0, (64, 64), mood, mapping))
    assert SAFE.fullmatch(name)
    assert len(name) < 150


@pytest.mark.parametrize(
    "asked, said",
    [
        ({"songs": 0}, "1 to 14 demo tunes, not 0"),
        ({"songs": 99}, "1 to 14 demo tunes, not 99"),
        ({"sizes": ((255, 256),)}, "255×256 cannot be made"),
        ({"sizes": ((8192, 256),)}, "8192×256 cannot be made"),
        ({"sizes": ()}, "at least one size"),
        ({"moods": ()}, "at least one mood"),
        ({"mappings": ()}, "at least one mapping"),
        ({"mappings": ("no such mapping",)}, "no such mapping"),
    ],
)
def test_what_cannot_be_made_is_said_before_anything_is_written(tmp_path: Path, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        examples(tmp_path / "new", **asked)
    assert not list(tmp_path.glob("new/*.mp4"))


def test_nobody_elses_page_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<html>mine</html>")
    with pytest.raises(UserError, match="is another page"):
        examples(tmp_path, songs=1)
    assert (tmp_path / "index.html").read_text() == "<html>mine</html>"
    with pytest.raises(UserError, match="is no folder"):
        examples(tmp_path / "index.html", songs=1)


# Films that are made


SMALL: dict[str, Any] = {
    "songs": 1, "sizes": ((128, 128),), "moods": ("happy", "dark"), "mappings": ("full-song",), "seconds": 6.0,
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A folder of two films, and what was in it when the run that made it was stopped before the second."""

    folder: Path
    stopped: dict[str, bytes]
    films: list[Example]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("examples")

    def stop(done: int, of: int, what: str) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        examples(folder, **SMALL, progress=stop)
    stopped = {path.name: path.read_bytes() for path in folder.iterdir()}
    return Made(folder, stopped, examples(folder, **SMALL))


def test_each_film_lies_beside_its_notes_its_sound_and_its_plan(made: Made) -> None:
    from motet.render import decode

    folder, films = made.folder, made.films
    assert [one.mood for one in films] == ["happy", "dark"]
    for one in films:
        manifest = json.loads((folder / one.files["manifest"]).read_bytes())
        assert one.frames == len(manifest["rendered_frames"]) == round(one.seconds * 24)
        assert one.events == len(manifest["motet"]["events"]) > 10
        notes = midi.read((folder / one.files["midi"]).read_bytes())
        assert notes.duration == pytest.approx(one.seconds, abs=1.0)
        audio, rate = decode(folder / one.files["sound"])
        assert len(audio) == pytest.approx(one.seconds * rate, abs=1)
        assert np.abs(audio).max() > 0.05
        assert (folder / one.files["poster"]).read_bytes().startswith(b"\xff\xd8")
    assert {path.name.partition(".")[0] for path in folder.iterdir()} == {"index", *(one.name for one in films)}


def test_marks_stand_where_the_notes_of_the_file_beside_them_begin(made: Made) -> None:
    folder, (one, _) = made.folder, made.films
    score = midi.read((folder / one.files["midi"]).read_bytes())
    onsets = np.unique(score.tempo_map.to_seconds(score.notes["start"]))
    for at, _, _ in one.marks:
        assert np.abs(onsets - at).min() <= 1 / 48 + 1e-9


def test_the_films_keep_time(made: Made) -> None:
    for one in made.films:
        assert one.sync["picture"]["f1"] >= 0.95
        assert not one.sync["faults"]


def test_made_again_nothing_is_made(made: Made) -> None:
    folder, films = made.folder, made.films
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir() if path.name != "index.html"}
    assert examples(folder, **SMALL) == films
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir() if path.name != "index.html"} == before


def test_examples_that_are_not_whole_are_made_again_to_the_byte(made: Made, tmp_path: Path) -> None:
    folder = shutil.copytree(made.folder, tmp_path / "copy")
    first, second = made.films
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / first.files["video"]).write_bytes(whole[first.files["video"]][:-100])
    (folder / f"{second.name}.json").write_bytes(b'{"key": ')
    (folder / second.files["sound"]).unlink()
    (folder / ".film.0123456789ab.tmp").write_bytes(b"of a run that was killed")
    assert examples(folder, **SMALL) == made.films
    assert [name for name, data in whole.items() if (folder / name).read_bytes() != data] == []
    assert {path.name for path in folder.iterdir()} == whole.keys()


def test_a_run_that_is_stopped_leaves_whole_films_and_a_page_of_these_alone(made: Made) -> None:
    first, second = made.films
    assert made.stopped.keys() == {"index.html", f"{first.name}.json", *first.files.values()}
    shown = made.stopped.pop("index.html").decode()
    assert first.files["video"] in shown
    assert second.name not in shown
    assert made.stopped == {name: (made.folder / name).read_bytes() for name in made.stopped}  # the next run kept them


def test_a_film_that_a_mapping_cannot_make_is_told_and_left_out(tmp_path: Path) -> None:
    drumless = tmp_path / "cowbells.yaml"
    drumless.write_text(
        "name: cowbells\nabout: only cowbells\n"
        "rules:\n  - {notes: {drum: [cowbell]}, field: translation_z, shape: impulse, value: [5, 20]}\n"
    )
    told: list[str] = []
    films = examples(
        tmp_path / "out",
        songs=1,
        sizes=((64, 64),),
        moods=("calm",),
        mappings=(str(drumless),),
        progress=lambda done, of, what: told.append(what),
    )
    assert films == []
    assert "is left out" in told[0]
    assert "No film is finished yet" in (tmp_path / "out" / "index.html").read_text()


# The page

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "\"'`&amp;&lt;",
    "$title ${script} %s {0}",
    "\u202eأغنية السلام",
    "\x00\x1b\ud800",
    "x" * 2000,
]


def an_example(name: str = "tune-v2midi-calm-64x64", **changes: Any) -> Example:
    marks = tuple((number / 4, ("kick", "snare", "closed hat", "melody")[number % 4], 20 + number) for number in range(60))
    one = Example(
        name=name,
        series=("moods", "tunes"),
        title="Greensleeves",
        artist="Traditional English",
        files={
            kind: f"{name}.{suffix}"
            for kind, suffix in (
                ("video", "mp4"),
                ("midi", "mid"),
                ("sound", "mp3"),
                ("manifest", "parseq.json"),
                ("poster", "jpg"),
            )
        },
        size=(64, 64),
        fps="24",
        frames=384,
        seconds=16.0,
        start=32.0,
        bars=8,
        mapping="v2midi",
        theme="harbour",
        mood="calm",
        key="E minor",
        tempo=120.0,
        prompt="a harbour at night",
        notes=100,
        moves=(("kick", 15, ("strength",)), ("closed hat", 15, ("rotation_3d_z", "no_such_field"))),
        marks=marks,
        downbeats=(0.0, 2.0, 4.0),
        sync={"picture": {"f1": 0.987, "precision": None, "judged": 57}, "av_align": 0.5, "faults": []},
        sounds=(("TimGM6mb.sf2", "GPL-2.0"),),
    )
    return replace(one, **changes)


class Read(HTMLParser):
    """The page as a browser would take it apart: tags with their attributes, and the text outside scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.raw, self._inside = "", {"script": [""], "style": [""]}, ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag if tag in self.raw else ""
        if self._inside:
            self.raw[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.raw[self._inside][-1] += data
        else:
            self.text += data

    def all(self, attribute: str) -> list[str]:
        return [value for _, attrs in self.tags if (value := attrs.get(attribute)) is not None]


def test_the_page_tells_each_film_with_its_files_and_figures() -> None:
    read = Read(page([an_example(), an_example("other")]))
    for said in ("Greensleeves", "120 BPM", "E minor", "0.987", "57", "strength", "TimGM6mb.sf2 (GPL-2.0)", "0:32–0:48"):
        assert said in read.text
    assert {f"other.{suffix}" for suffix in ("mp4", "mid", "mp3", "parseq.json")} <= set(read.all("href"))
    assert "other.jpg" in read.all("poster")


def test_a_series_of_one_is_no_series() -> None:
    read = Read(page([an_example()]))
    assert "tunes" in read.all("id")
    assert "moods" not in read.all("id")
    assert "No film is finished yet" in Read(page([])).text


def test_faults_are_told() -> None:
    fault = {"reason": "frozen", "detail": "the picture stands still from 3 s to 9 s"}
    assert fault["detail"] in Read(page([an_example(sync={"faults": [fault]})])).text


def test_the_page_asks_for_nothing_but_files_beside_it_and_runs_nothing_but_its_own() -> None:
    read = Read(page([an_example(), an_example("other")]))
    asked = [value for name in ("src", "href", "poster") for value in read.all(name)]
    assert all(value.startswith(("#", "data:,")) or re.fullmatch(r"[\w.-]+", value) for value in asked)
    policy = next(attrs["content"] or "" for tag, attrs in read.tags if attrs.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    for text in (read.raw["style"][-1], read.raw["script"][-1]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not read.all("style")
    assert not [name for _, attrs in read.tags for name in attrs if name.startswith("on")]


def test_every_id_is_one_of_a_kind_and_every_reference_is_to_one() -> None:
    read = Read(page([an_example(), an_example("other")]))
    ids = read.all("id")
    assert len(ids) == len(set(ids))
    told = [value for name in ("aria-labelledby", "aria-describedby") for value in read.all(name)]
    told += [value[1:] for value in read.all("href") if value.startswith("#")]
    assert set(told) <= set(ids)


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_is_shown_as_it_is(text: str) -> None:
    marks = ((0.5, text, 100),)
    whole = page([an_example(title=text, artist=text, mood=text, mapping=text, theme=text, key=text, prompt=text, marks=marks,
                             moves=((text, 1, (text,)),), sounds=((text, text),))])  # fmt: skip
    read = Read(whole)
    whole.encode()
    shown = re.sub("[\x00-\x08\x0b-\x1f\ud800-\udfff]", "\ufffd", text)
    assert read.text.count(shown) >= 8
    assert len([tag for tag, _ in read.tags if tag == "script"]) == 2
    assert "img" not in {tag for tag, _ in read.tags}
    assert json.loads(read.raw["script"][1])["tune-v2midi-calm-64x64"]["lanes"] == [text]


def test_the_marks_of_a_film_are_what_was_planned() -> None:
    one = an_example(fps="30000/1001")
    told = json.loads(Read(page([one])).raw["script"][1])[one.name]
    assert told["lanes"] == ["kick", "snare", "closed hat", "melody"]
    drawn = zip(*(told["marks"][place::3] for place in range(3)), strict=True)
    assert [(at / 1000, told["lanes"][lane], velocity) for at, lane, velocity in drawn] == list(one.marks)
    assert told["rate"] == pytest.approx(29.97, abs=0.001)


# In a browser

QUIET = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Any]:
    """The page with two films, which are white at every event; at the end nothing failed, and nothing else was asked for."""
    from playwright.sync_api import sync_playwright

    shown = [an_example(), an_example("other", mood="dark")]
    light = np.zeros(384, np.uint8)
    light[[round(at * 24) for at, _, _ in shown[0].marks]] = 255
    for one in shown:
        pictures = (np.full((64, 64, 3), level, np.uint8) for level in light)
        sound = (np.zeros((16 * 44100, 2), np.float32), 44100)
        film.write(tmp_path / one.files["video"], pictures, fps=Fraction(24), size=(64, 64), sound=sound)
        (tmp_path / one.files["poster"]).write_bytes(room.making.poster(tmp_path / one.files["video"], 6))
    (tmp_path / "index.html").write_text(page(shown), encoding="utf-8")
    troubles: list[str] = []
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*QUIET, "--disable-component-update"])
        tab = browser.new_page(viewport={"width": 390, "height": 800})
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        tab.on("request", lambda request: None if request.url.startswith(("file:", "data:")) else troubles.append(request.url))
        tab.goto((tmp_path / "index.html").as_uri())
        yield tab
        browser.close()
    assert troubles == []


def until(tab: Any, true: str) -> None:
    """Wait for it, asking from outside: the page's own policy lets nothing be evaluated within."""
    deadline = time.monotonic() + 20
    while not tab.evaluate(true):
        assert time.monotonic() < deadline, f"{true} did not come true"
        tab.wait_for_timeout(15)


@pytest.mark.browser
def test_keys_on_the_strip_go_from_event_to_event_and_tell_it(tab: Any) -> None:
    strip = tab.get_by_role("slider").first
    strip.focus()
    for at, said in ((0.25, "snare"), (0.5, "closed hat"), (0.75, "melody"), (1.0, "kick")):
        tab.keyboard.press("ArrowRight")
        until(tab, f"!films[0].video.seeking && Math.abs(films[0].video.currentTime - {at} - 0.5 / 24) < 0.01")
        assert said in strip.get_attribute("aria-valuetext")
        assert tab.locator(".now .frame").first.inner_text() == f"picture {round(at * 24)}"
    tab.keyboard.press("ArrowLeft")
    until(tab, "Math.abs(films[0].video.currentTime - 0.75 - 0.5 / 24) < 0.01")
    tab.keyboard.press(".")
    until(tab, "Math.abs(films[0].video.currentTime - 0.75 - 1.5 / 24) < 0.01")
    tab.keyboard.press("Home")
    until(tab, "films[0].video.currentTime === 0")


@pytest.mark.browser
def test_one_film_plays_at_a_time_and_its_strip_runs_with_it(tab: Any) -> None:
    tab.get_by_role("slider").first.focus()
    tab.keyboard.press("Space")
    until(tab, "films[0].video.currentTime > 0.6")
    assert tab.evaluate("films[0].article.classList.contains('playing')")
    assert tab.locator(".now .time").first.inner_text() > "0:00.50"
    tab.get_by_role("slider").nth(1).focus()
    tab.keyboard.press("Space")
    until(tab, "films[1].video.currentTime > 0.1 && films[0].video.paused")
    tab.keyboard.press("Space")
    until(tab, "films[1].video.paused")


@pytest.mark.browser
def test_a_click_on_the_strip_goes_there_and_the_page_fits_a_phone(tab: Any) -> None:
    assert not tab.evaluate("document.documentElement.scrollWidth > innerWidth")
    strip = tab.get_by_role("slider").first
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    until(tab, "Math.abs(films[0].video.currentTime - 8) < 0.1")
