"""The card of a dataset: what it says, that the Hub can read it, and that nothing in a name is followed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from motet.export.card import (
    CardFacts,
    DropLine,
    Measured,
    Origin,
    Quality,
    SplitProof,
    StageLine,
    card,
    measure,
    plots,
)
from motet.export.card.figures import Distinct
from motet.export.card.marking import code, front_matter, line, plain
from motet.export.card.plots import bars, histogram, nice
from motet.export.example import Licence
from toys.examples import examples

HOSTILE = (
    "</svg><script>alert(1)</script> | ](http://evil.example) ![x](http://evil.example/y.png) `c` ``` \\(x\\) $$y$$\n---\n# big\n"
    "- www.evil.example https://evil.example me@evil.example \u202e\ud800\x00 <b>&amp; {#x} 1. 日本語 --> ]]>"
)
markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def facts(**more: Any) -> CardFacts:
    told: dict[str, Any] = {
        "title": "Toy tunes",
        "measured": measure(examples(10)()),
        "recipe": "text-to-music",
        "command": "motet build text-to-music --from tunes --to toys",
        "stages": (StageLine("clean", 5, "reads each file", {"shortest": 8}, 12, 10),),
        "sources": (Origin("tunes", "midi", 12, 3000, "sha256:9c0f"),),
        "drops": (DropLine("clean", "damaged", 2, "files", "it ends early"),),
        "quality": (Quality("claims that hold", "99 %", 40, "moods", "one wrong", "of what captions say"),),
        "limits": ("All instruments are synthetic.",),
        "front": {"configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}]},
    }
    return CardFacts(**(told | more))


def loaded(files: dict[str, bytes], tmp_path: Path) -> Any:
    hub = pytest.importorskip("huggingface_hub")
    (tmp_path / "README.md").write_bytes(files["README.md"])
    return hub.DatasetCard.load(tmp_path / "README.md").data


def tokens(text: str) -> Iterator[Any]:
    for token in markdown.parse(text):
        yield token
        yield from token.children or ()


def test_the_hub_reads_the_front_matter(tmp_path: Path) -> None:
    told = loaded(card(facts()), tmp_path)
    assert told.pretty_name == "Toy tunes"
    assert told.language == ["en"]
    assert told.size_categories == ["n<1K"]
    assert told.task_categories == ["text-to-audio", "audio-classification", "audio-to-audio"]
    assert told.license == "unknown"  # the font of two examples has none
    assert told.to_dict()["configs"] == [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}]


def test_a_licence_without_a_word_of_the_hub_has_a_name_and_a_file(tmp_path: Path) -> None:
    both = (Licence("source", "a", "CC-BY-4.0", "Ada"), Licence("sound", "font", "GPL-2.0"))
    measured = measure(replace(one, licences=both) for one in examples(3)())
    files = card(facts(measured=measured))
    told = loaded(files, tmp_path).to_dict()
    assert (told["license"], told["license_name"], told["license_link"]) == ("other", "cc-by-4.0-and-gpl-2.0", "LICENSE.md")
    assert "| Ada | sources | CC BY 4.0 |" in files["LICENSE.md"].decode()
    assert "GPLOutput" in files["README.md"].decode()  # what is open about it stands where people read


def test_what_forms_add_to_the_front_wins(tmp_path: Path) -> None:
    assert loaded(card(facts(front={"license": "mit", "dataset_info": {"features": []}})), tmp_path).license == "mit"


def test_equal_facts_give_equal_bytes() -> None:
    assert card(facts()) == card(facts())
    assert set(card(facts())) >= {
        "README.md",
        "LICENSE.md",
        "card/durations.svg",
        "card/keys.svg",
        "card/captions.svg",
        "card/drops.svg",
    }


def test_every_plot_is_shown_and_described() -> None:
    files = card(facts())
    readme = files["README.md"].decode()
    shown = [token for token in tokens(readme) if token.type == "image"]
    assert {token.attrs["src"] for token in shown} == {name for name in files if name.endswith(".svg")}
    assert all(len(token.content) > 30 for token in shown)


def test_it_says_what_was_proved_of_the_splits() -> None:
    proof = SplitProof(clusters=9, artists=3, clusters_across=0, artists_across=1, pairs=120, pairs_across=0, left_out=2)
    text = card(facts(proof=proof))["README.md"].decode()
    assert "| clusters of duplicates | 9 | 0 |" in text
    assert "| artists | 3 | **1** |" in text
    assert "| pairs of near-duplicate songs | 120 | 0 |" in text
    assert "2 songs" in text
    assert "was not checked" in card(facts())["README.md"].decode()


def test_a_song_in_two_splits_is_seen_in_the_examples_themselves() -> None:
    leaky = [replace(one, song="same") for one in examples(5)()]
    measured = measure(leaky)
    assert measured.songs_across == 1
    assert "**1 song** has examples in more than one split" in card(facts(measured=measured))["README.md"].decode()
    assert measure(examples(5)()).songs_across == 0


def test_what_nobody_knows_is_said_to_be_unknown() -> None:
    bare = CardFacts("Nothing", measure(iter(())))
    text = card(bare)["README.md"].decode()
    assert "0 examples from 0 songs" in text
    assert "**Why was it made?** Not known." in text
    assert "**Whom to ask, and to tell that something must go?** Not known." in text
    assert "Nothing of it was measured." in text
    assert "Nothing is known of what it is made of" in text
    assert "![" not in text


def test_nothing_in_a_name_is_followed(tmp_path: Path) -> None:
    bad = [
        replace(
            one,
            id=HOSTILE, song=HOSTILE, title=HOSTILE, artist=HOSTILE, path=HOSTILE, captions=(HOSTILE,),
            facts={"key": HOSTILE, "metre": HOSTILE, "tags": [HOSTILE], "instruments": [HOSTILE], "genres": [HOSTILE]},
            licences=(
                Licence("source", HOSTILE, HOSTILE, HOSTILE, HOSTILE), Licence("sound", HOSTILE, "CC-BY-4.0", HOSTILE, HOSTILE),
            ),
        )
        for one in examples(3)()
    ]  # fmt: skip
    told = CardFacts(
        HOSTILE, measure(bad), HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE,
        (StageLine(HOSTILE, 1, HOSTILE, {HOSTILE: HOSTILE}),), 1, {HOSTILE: HOSTILE}, HOSTILE, (HOSTILE,), HOSTILE,
        (Origin(HOSTILE, HOSTILE, 1, 1, HOSTILE, HOSTILE, HOSTILE),), (DropLine(HOSTILE, HOSTILE, 1, HOSTILE, HOSTILE),),
        SplitProof(1, 1, 0, 0, note=HOSTILE), (Quality(HOSTILE, HOSTILE, 1, HOSTILE, HOSTILE, HOSTILE),), (HOSTILE,), (HOSTILE,),
        HOSTILE, HOSTILE, {"configs": [{"x": HOSTILE, HOSTILE: [HOSTILE]}]}, "en",
    )  # fmt: skip
    files = card(told)
    for name in ("README.md", "LICENSE.md"):
        text = files[name].decode("utf-8")
        body = text.split("\n---\n", 1)[1] if name == "README.md" else text
        found = list(tokens(body))
        assert not [token for token in found if token.type in ("html_inline", "html_block")]
        addresses = [token.attrs.get("href") or token.attrs.get("src") for token in found if token.type in ("link_open", "image")]
        assert not [address for address in addresses if "evil" in str(address)]
        headings = [after.content for token, after in itertools.pairwise(found) if token.type == "heading_open"]
        assert not [heading for heading in headings[1:] if "big" in heading]
        for is_table, rows in itertools.groupby(body.splitlines(), lambda row: row.startswith(("| ", "|-"))):
            assert (
                not is_table or len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
            )  # no cell more than the head has
        outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", body, flags=re.DOTALL)
        assert not re.search(r"\$\$|\\\(|\u202e|\x00", outside)  # no formula, and nothing that turns the text around
    told_front = loaded(files, tmp_path).to_dict()
    assert set(told_front) >= {"pretty_name", "license", "configs", "tags"}
    assert "\n" not in told_front["pretty_name"]
    for name, data in files.items():
        if name.endswith(".svg"):
            _safe(data)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80) | st.text("\\`*_{}[]()#+-.!|<>&~$^=1 \n\ta:/@w", max_size=30)
)
@example("- a")
@example("+ a")
@example("-")
@example("---")
@example("1. a")
@example("12) a")
@example("# a")
@example("> a")
@example("~~a~~ *b* _c_")
@settings(max_examples=200)
def test_markdown_shows_a_name_as_it_is(text: str) -> None:
    for shape in ("{}", "- {}", "x {} y"):
        found = list(tokens(shape.format(plain(text))))
        around = ("paragraph", "bullet_list", "list_item", "inline")
        assert {token.type for token in found if not token.type.startswith(around)} <= {"text", "text_special"}
        shown = "".join(token.content for token in found if token.type.startswith("text")).replace("\u200b", "")
        wanted = shape.removeprefix("- ").format(line(text)).replace("\u200b", "")
        assert shown.split() == wanted.split()


def test_addresses_in_names_do_not_become_links() -> None:
    """As GitHub's extension makes of a bare address: `www.`, a scheme with two slashes, and an @ between words."""
    shown = plain("www.evil.example https://evil.example (WWW.evil.example) me@evil.example")
    assert not re.search(r"(?i)www\.|://|@", shown.replace("\\.", "").replace("\\:", ""))
    assert "".join(token.content for token in tokens(shown) if token.type.startswith("text")).startswith(
        "www.evil.example https://"
    )


@given(st.text(max_size=60))
def test_code_holds_whatever_it_is(text: str) -> None:
    (inline,) = [token for token in markdown.parse(f"a {code(text)} b") if token.type == "inline"]
    inner = [token for token in inline.children or () if token.type == "code_inline"]
    assert len(inner) == 1
    assert inner[0].content.strip() == line(text).replace("|", "\\|").strip()


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=60), max_size=4))
def test_front_matter_is_one_block_whatever_is_in_it(told: dict[str, str]) -> None:
    yaml = pytest.importorskip("yaml")
    text = front_matter(told)
    found = re.match(r"^(\s*---[\r\n]+)([\S\s]*?)([\r\n]+---(\r\n|\n|\r|$))", text)  # as huggingface_hub looks for it
    if told:
        assert found is not None
        assert yaml.safe_load(found[2]) == {line(key): line(value) for key, value in told.items()}
        assert text.endswith(found[0][-4:])


# --- plots -----------------------------------------------------------------------------------------------------------


def _safe(data: bytes) -> ElementTree.Element:
    root = ElementTree.fromstring(data)
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert names <= {"svg", "title", "desc", "rect", "line", "text"}  # no script, no style, nothing from elsewhere
    assert not [name for element in root.iter() for name in element.attrib if name.startswith(("on", "style")) or "href" in name]
    return root


def test_a_plot_is_small_and_can_be_read_aloud() -> None:
    for plot in plots(measure(examples(10)()), (DropLine("clean", "damaged", 3),)):
        root = _safe(plot.svg.encode())
        assert root.attrib["width"] == "640"
        assert len(plot.svg) < 12_000
        assert root.attrib["aria-labelledby"].split() == [f"{plot.name}-title", f"{plot.name}-about"]
        assert [child.attrib["id"] for child in root[:2]] == [f"{plot.name}-title", f"{plot.name}-about"]


def test_colours_can_be_told_apart() -> None:
    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    root = _safe(bars("a", "A", [("x", 1)], what="clips", total=1, note="n").encode())
    card_colour = next(element.attrib["fill"] for element in root if element.tag.endswith("rect"))
    for element in root[3:]:
        assert (light(card_colour) + 0.05) / (light(element.attrib["fill"]) + 0.05) >= 4.5


def test_bars_are_as_long_as_their_counts() -> None:
    root = _safe(bars("a", "A", [("x", 40), ("y", 10)], what="clips", total=50).encode())
    first, second = [float(element.attrib["width"]) for element in root if element.tag.endswith("rect")][1:]
    assert first == pytest.approx(4 * second, rel=0.01)
    assert "40 · 80 %" in "".join(root.itertext())


def test_a_histogram_wants_rising_edges() -> None:
    with pytest.raises(ValueError, match="one edge more"):
        histogram("a", "A", [0, 1], [1, 2], axis="s", what="clips")
    with pytest.raises(ValueError, match="rising"):
        histogram("a", "A", [0, 0, 1], [1, 2], axis="s", what="clips")


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(1, 30))
def test_ticks_are_round_and_enclose(low: float, width: float, about: int) -> None:
    ticks = nice(low, low + width, about)
    step = ticks[1] - ticks[0]
    assert ticks[0] <= low + step * 1e-6
    assert ticks[-1] >= low + width - step * 1e-6
    assert len(ticks) <= about + 3
    assert f"{step:.1e}"[0] in "125"  # to two digits: far from zero, floats have no more


# --- what is counted -------------------------------------------------------------------------------------------------


def test_examples_are_counted_as_by_hand() -> None:
    told: Measured = measure(examples(10)())
    assert (told.examples, told.songs) == (10, 10)
    assert told.seconds == pytest.approx(20.0)
    assert dict(told.voices) == {"mix": 10, "stems": 10, "midi": 10, "video": 0, "captions": 10}
    assert [(one.split, one.examples, one.songs) for one in told.splits] == [
        ("train", 6, 6),
        ("validation", 2, 2),
        ("test", 2, 2),
    ]
    keys = next(one for one in told.counts if one.name == "keys")
    assert (keys.rows, keys.n, keys.missing) == ((("E flat major", 5),), 5, 5)
    tempi = next(one for one in told.histograms if one.name == "tempi")
    assert (tempi.n, tempi.smallest, tempi.largest) == (10, 96.0, 105.0)
    runs = [tuple(words[at : at + 4]) for one in examples(10)() for text in one.captions
            for words in [text.casefold().split()] for at in range(len(words) - 3)]  # fmt: skip
    assert (told.captions.fourgrams, told.captions.distinct_fourgrams) == (len(runs), len(set(runs)))
    assert (told.captions.count, told.captions.distinct, told.captions.exact) == (20, 20, True)


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=60))
@settings(max_examples=60)
def test_every_value_is_in_one_bin(values: list[float]) -> None:
    some = next(iter(examples(1)()))
    told = measure(replace(some, facts={"tempo": value}) for value in values)
    tempi = next(one for one in told.histograms if one.name == "tempi")
    assert tempi.n == len(values)
    assert tempi.smallest <= tempi.low <= tempi.median <= tempi.high <= tempi.largest
    assert len(tempi.counts) <= 27


def test_facts_that_are_none_are_missing_and_upset_nothing() -> None:
    some = next(iter(examples(1)()))
    strange: list[Any] = [None, float("nan"), float("inf"), "fast", -1.0]
    told = measure(replace(some, facts={"tempo": value, "key": value and 7, "tags": value}) for value in strange)
    assert next(one for one in told.histograms if one.name == "tempi").missing == 5
    assert not next(one for one in told.counts if one.name == "tags").rows


def test_many_distinct_texts_are_estimated() -> None:
    few, many = Distinct(most=4096), Distinct(most=4096)
    for number in range(4000):
        few.add(str(number % 3000))
    for number in range(40_000):
        many.add(str(number))
    assert (few.number, few.exact) == (3000, True)
    assert not many.exact
    assert many.number == pytest.approx(40_000, rel=0.06)
