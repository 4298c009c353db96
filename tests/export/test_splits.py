"""Splits: what no split may share with another, what never moves, who is left out, and how alike the splits are."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.errors import UserError
from motet.export import bridges
from motet.export.example import SPLITS, Split
from motet.export.splits import Assignment, Before, Item, assign, main_artist, prove

SHARES: dict[Split, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}


def songs(*described: str) -> list[Item]:
    """ "one: a b / Ada" is the song `one` of the groups a and b by Ada."""
    found = []
    for line in described:
        name, rest = line.split(":")
        groups, _, artist = rest.partition("/")
        found.append(Item(name, tuple(groups.split()), artist.strip()))
    return found


def was(items: Iterable[Item], split: Split) -> dict[str, Before]:
    return {item.id: Before(split, item.groups, main_artist(item.artist)) for item in items}


def given_out(items: Iterable[Item], result: Assignment) -> dict[str, Before]:
    """What the next run is told: also of what was left out, where it had been."""
    places = {item.id: (result.placed[item.id].split or result.placed[item.id].was, item) for item in items}
    return {name: Before(split, item.groups, main_artist(item.artist)) for name, (split, item) in places.items() if split}


def splits(result: Assignment) -> dict[str, Split | None]:
    return {name: place.split for name, place in result.placed.items()}


def left_out(result: Assignment) -> set[str]:
    return {name for name, split in splits(result).items() if split is None}


# Who an artist is


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "?", "???", "-", "Unknown", "<unknown>", "[Unknown Artist]", "Unknown Artist (2)", "unknown artist 14",
        "Unknown 3", "VA", "V.A.", "V/A", "Various", "Various Artists", "Various Artists - Disco Fever", "Traditional",
        "Trad.", "trad. arr.", "Irish Traditional", "Scottish Folk (traditional)", "Anonymous", "Anon.", "Anonymous Composer",
        "Public Domain", "Karaoke", "Karaoke Version", "Artist", "N/A", "None", "Unbekannter Künstler",
        "Verschiedene Interpreten", "Volksweise", "Inconnu", "Artistes variés", "Anonyme", "Traditionnel", "Desconocido",
        "Varios Artistas", "Dominio público", "Artista Desconhecido", "AA.VV.", "Autori Vari", "Onbekend", "Okänd artist",
        "Nieznany wykonawca", "Různí interpreti", "Неизвестный исполнитель", "Народная", "群星", "佚名", "未知艺术家", "不明",
        "アーティスト不明", "작자 미상",
    ],
)  # fmt: skip
def test_nobody_is_no_artist(name: str) -> None:
    assert main_artist(name) == ""


@pytest.mark.parametrize(
    "spellings",
    [
        ("The Beatles", "Beatles", "Beatles, The", "THE BEATLES", "the  beatles"),
        ("Marvin Gaye", "Gaye,Marvin", "Gaye, Marvin", "marvin gaye feat. Tammi Terrell", "Marvin Gaye (with Diana Ross)"),
        ("Simon & Garfunkel", "Simon and Garfunkel", "Simon Garfunkel"),
        ("Björk", "Bjork", "Bjo\u0308rk", "Björk ft. Tricky", "Björk [featuring Tricky]", "Björk; Tricky", "Björk vs. Tricky"),
        ("AC/DC", "ACDC", "AC-DC", "Ac Dc"),
    ],
)
def test_spellings_of_one_artist_meet(spellings: tuple[str, ...]) -> None:
    found = {main_artist(name) for name in spellings}
    assert len(found) == 1
    assert found != {""}


@pytest.mark.parametrize(
    "name",
    [
        "Unknown Mortal Orchestra",
        "Anonymous 4",
        "Various Positions",
        "The The",
        "!!!",
        "北島三郎",
        "FT Island",
        "Earth, Wind & Fire",
    ],
)
def test_names_that_only_look_like_nobody_are_somebody(name: str) -> None:
    assert main_artist(name)


def test_different_names_stay_different() -> None:
    names = [
        "The Who",
        "The Guess Who",
        "The The",
        "Ada",
        "Bob",
        "Sleeping with Sirens",
        "Unknown Mortal Orchestra",
        "!!!",
        "???!",
    ]
    assert len({main_artist(name) for name in names}) == len(names)


@given(st.text(max_size=40), st.text(st.characters(max_codepoint=127), max_size=40))
def test_any_text_is_an_artist_or_nobody(name: str, ascii_name: str) -> None:
    assert main_artist(f"{'x' * 400}{name}") == main_artist("x" * 400)
    assert main_artist(f" {name}\t") == main_artist(name)
    assert main_artist(ascii_name) == main_artist(ascii_name.swapcase())


# The laws

few = st.lists(st.sampled_from("abcdefgh"), max_size=2).map(lambda groups: tuple(f"family {group}" for group in groups))
artists = st.sampled_from(["", "Unknown", *(f"Artist {number}" for number in "ABCDEF"), "artist a feat. Artist B", "VA"])
tags = st.lists(st.sampled_from(["rock", "jazz", "folk"]), max_size=2, unique=True).map(tuple)
weights = st.sampled_from([0.0, 1.0, 1.0, 2.5, 10.0])


@st.composite
def collections(draw: st.DrawFn, most: int = 24) -> list[Item]:
    count = draw(st.integers(0, most))
    return [Item(f"s{number:02d}", draw(few), draw(artists), draw(weights), draw(tags)) for number in range(count)]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Item], dict[str, Before]]:
    """Items, and where an earlier run put some of them: by other names at times, and some have gone since."""
    items = draw(collections())
    before = {}
    for number in draw(st.sets(st.integers(0, 30))):
        known = draw(st.booleans()) and number < len(items)
        groups, artist = (items[number].groups, items[number].artist) if known else (draw(few), draw(artists))
        before[f"s{number:02d}"] = Before(draw(st.sampled_from(SPLITS)), groups, main_artist(artist))
    return items, before


shares = st.sampled_from([SHARES, {"train": 0.5, "validation": 0.3, "test": 0.2}, {"train": 0.5, "test": 0.5}, {"train": 1.0}])


def names_of(item: Item) -> set[str]:
    artist = main_artist(item.artist)
    return {f"group {group}" for group in item.groups} | ({f"artist {artist}"} if artist else set())


def leaks(items: Iterable[Item], placed: Mapping[str, Split | None]) -> set[tuple[str, str]]:
    """Every pair of items that share a name over two splits, found the slow way."""
    there = [item for item in items if placed[item.id]]
    return {
        (one.id, other.id)
        for one, other in combinations(there, 2)
        if placed[one.id] != placed[other.id] and names_of(one) & names_of(other)
    }


@given(histories(), shares)
@settings(max_examples=100)
def test_no_group_and_no_artist_is_ever_in_two_splits(
    history: tuple[list[Item], dict[str, Before]], asked: dict[Split, float]
) -> None:
    items, before = history
    result = assign(items, asked, 0, before)
    assert leaks(items, splits(result)) == set()
    assert result.proof.holds
    assert list(result.placed) == sorted(item.id for item in items)
    assert all(place.why for place in result.placed.values())


@given(histories(), shares)
@settings(max_examples=100)
def test_nothing_changes_its_split(history: tuple[list[Item], dict[str, Before]], asked: dict[Split, float]) -> None:
    items, before = history
    placed = splits(assign(items, asked, 0, before))
    for item in items:
        if item.id in before:
            assert placed[item.id] in (None, before[item.id].split)


@given(histories())
@settings(max_examples=100)
def test_only_what_would_join_two_splits_is_left_out(history: tuple[list[Item], dict[str, Before]]) -> None:
    """Whoever is left out would, taken in, meet by its names two splits: of what an earlier run placed, or follows that."""
    items, before = history
    placed = splits(assign(items, SHARES, 0, before))
    by_id = {item.id: item for item in items}
    near: dict[str, set[Split]] = {}
    hard: dict[str, set[Split]] = {}
    for item in items:
        if (split := placed[item.id]) is not None:
            for name in names_of(item):
                near.setdefault(name, set()).add(split)
                if item.id in before:
                    hard.setdefault(name, set()).add(split)
    for name, earlier in before.items():
        if name not in by_id or placed[name] is None:
            for one in [
                *(f"group {group}" for group in earlier.groups),
                *([f"artist {earlier.artist}"] if earlier.artist else []),
            ]:
                if one not in hard:
                    near.setdefault(one, set()).add(earlier.split)
    for name, split in placed.items():
        if split is None:
            met = set().union(*(near.get(one, set()) for one in names_of(by_id[name])))
            met |= {before[name].split} if name in before else set()
            assert len(met) > 1


@given(collections(), shares)
def test_a_first_run_leaves_nothing_out(items: list[Item], asked: dict[Split, float]) -> None:
    assert left_out(assign(items, asked)) == set()


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_the_items_does_not_matter(history: tuple[list[Item], dict[str, Before]], chance: random.Random) -> None:
    items, before = history
    other, earlier = items[:], list(before.items())
    chance.shuffle(other)
    chance.shuffle(earlier)
    assert assign(other, SHARES, 3, dict(earlier)) == assign(items, SHARES, 3, before)


@given(collections(), shares, st.data())
def test_taking_items_away_or_adding_some_moves_nobody(items: list[Item], asked: dict[Split, float], data: st.DataObject) -> None:
    middle = data.draw(st.integers(0, len(items)))
    first = assign(items[:middle], asked)
    before = given_out(items[:middle], first)
    more = assign(items, asked, 0, before)
    assert {name: splits(more)[name] for name in splits(first)} == splits(first)
    fewer = data.draw(st.lists(st.sampled_from(items), unique=True)) if items else []
    after = splits(assign(fewer, asked, 0, before | given_out(items, more)))
    assert after == {name: splits(more)[name] for name in after}


@given(collections(), shares)
@settings(max_examples=100)
def test_no_split_misses_its_share_by_more_than_what_hangs_together(items: list[Item], asked: dict[Split, float]) -> None:
    result = assign(items, asked)
    total = sum(item.weight for item in items)
    if total and not any("Too few" in remark for remark in result.remarks):
        for split in SPLITS:
            assert abs(result.proof.shares[split] - asked.get(split, 0)) <= result.proof.largest_share + 1e-9


@given(st.integers(3, 40), st.sampled_from([SHARES, {"train": 0.98, "validation": 0.01, "test": 0.01}]), st.integers(0, 5))
def test_every_split_gets_something(count: int, asked: dict[Split, float], seed: int) -> None:
    assert set(splits(assign([Item(str(n), (f"g{n}",)) for n in range(count)], asked, seed)).values()) == set(SPLITS)


# What is joined later


def test_a_newcomer_goes_with_its_artist_and_its_family() -> None:
    old = songs("one: a / Ada", "two: b / Bob")
    before = was(old[:1], "train") | was(old[1:], "test")
    result = assign([*old, *songs("three: c / ADA feat. Cy", "four: b d", "five: d")], SHARES, 0, before)
    assert splits(result) == {"one": "train", "two": "test", "three": "train", "four": "test", "five": "test"}
    assert result.placed["one"].why == "kept"
    assert result.placed["three"].why == "with the artist ADA feat. Cy"
    assert result.placed["four"].why == "with b"
    assert result.placed["five"].why == "with others of d"


def test_a_bridge_is_left_out_and_says_what_it_would_join() -> None:
    old = songs("one: a / Ada", "two: b / Bob")
    result = assign([*old, *songs("three: b / Ada")], SHARES, 0, was(old[:1], "train") | was(old[1:], "test"))
    assert left_out(result) == {"three"}
    assert result.placed["three"].why == "would join train (through the artist Ada) and test (through b)"
    assert any("1 newcomer left out" in remark for remark in result.remarks)


@pytest.mark.parametrize(
    ("newcomers", "out"),
    [
        (("n1: h / Ada", "n2: h / Bob"), 1),
        (("n1: h", "n2: h b / Ada"), 1),  # n2 alone is the bridge
        (("n1: a h", "n2: h i", "n3: i j", "n4: j b"), 1),  # a chain, cut once
        (("n1: h / Ada", "n2: h / Ada", "n3: h / Ada", "n4: h / Bob", "n5: h"), 1),
        (("n1: h / Bob", "n2: h / Bob", "n3: h / Ada", "n4: h i", "n5: i / Ada", "n6: i / Ada"), 2),
        (("n1: h / Ada", "n2: h / Bob", "n3: h / Cy"), 2),  # three splits
        (("n1: h / Ada", "n2: h / Bob", "n3: h b / Ada", "n4: x"), 2),
    ],
)
@pytest.mark.parametrize("most", [bridges.MOST, 0])
def test_of_a_chain_as_few_are_left_out_as_can_be(
    newcomers: tuple[str, ...], out: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a component is too large for a cut, and its items are taken in one after another."""
    monkeypatch.setattr(bridges, "MOST", most)
    old = songs("one: a / Ada", "two: b / Bob", "three: c / Cy")
    before = was(old[:1], "train") | was(old[1:2], "test") | was(old[2:], "validation")
    result = assign([*old, *songs(*newcomers)], SHARES, 0, before)
    assert len(left_out(result)) == out
    assert not left_out(result) & {"one", "two", "three"}


@given(collections(9))
@settings(max_examples=60)
def test_between_two_splits_no_fewer_could_be_left_out(newcomers: list[Item]) -> None:
    """Every smaller choice, tried in turn, leaves a way from one split to the other."""
    old = songs("one: a / Artist A", "two: b / Artist B", "six: c / Artist C")
    newcomers = [replace(item, groups=tuple(group.replace("family ", "") for group in item.groups)) for item in newcomers]
    before = was(old[::2], "train") | was(old[1:2], "test")
    out = left_out(assign([*old, *newcomers], SHARES, 0, before))
    for size in range(len(out)):
        for missing in combinations(newcomers, size):
            assert _joined([*old, *(item for item in newcomers if item not in missing)], before)


def _joined(items: list[Item], before: Mapping[str, Before]) -> bool:
    reached = {item.id for item in items if item.id in before and before[item.id].split == "train"}
    for _ in items:
        names = set().union(*(names_of(item) for item in items if item.id in reached))
        reached |= {item.id for item in items if names_of(item) & names}
    return any(name in before and before[name].split == "test" for name in reached)


def test_what_is_found_to_be_one_after_all_loses_its_lighter_side_and_moves_nobody() -> None:
    """A better search found that two families are one."""
    old = songs("one: a", "two: a", "three: b", "four: b / Bob", "five: / Bob")
    before = was(old[:2], "train") | was(old[2:], "test")
    now = [replace(item, groups=("a",)) if item.id == "three" else item for item in old]
    result = assign(now, SHARES, 0, before)
    assert splits(result) == {"one": "train", "two": "train", "three": None, "four": "test", "five": "test"}
    assert result.placed["three"].why == "was in test, and is now joined with train through a"
    assert any("1 song of an earlier run is left out" in remark for remark in result.remarks)


@given(histories(), st.data())
def test_what_was_left_out_never_comes_back_in_another_split(
    history: tuple[list[Item], dict[str, Before]], data: st.DataObject
) -> None:
    """Also where what stood in its way is gone by then."""
    items, before = history
    told = before | given_out(items, assign(items, SHARES, 0, before))
    there = data.draw(st.lists(st.sampled_from(items), unique=True)) if items else []
    now = splits(assign(there, SHARES, 0, told))
    for name, earlier in before.items():
        assert now.get(name) in (None, earlier.split)


def test_the_weight_tells_which_side_is_lighter() -> None:
    old = [Item("one", ("a",)), Item("two", ("a",)), Item("three", ("a",), weight=3)]
    result = assign(old, SHARES, 0, was(old[:2], "train") | was(old[2:], "test"))
    assert left_out(result) == {"one", "two"}


def test_who_was_left_out_for_others_that_are_left_out_too_stays_after_all() -> None:
    """`one` gives way to `two` and `three`, which give way to `four` and `five`."""
    old = [
        Item("one", ("a",), weight=2), Item("two", ("a", "b"), weight=1.5), Item("three", ("a", "c"), weight=1.5),
        Item("four", ("b",), weight=2), Item("five", ("c",), weight=2),
    ]  # fmt: skip
    result = assign(old, SHARES, 0, was(old[1:3], "train") | was([old[0], *old[3:]], "test"))
    assert left_out(result) == {"two", "three"}
    assert splits(result)["one"] == "test"


def test_what_is_gone_still_holds_its_place() -> None:
    """Who has the earlier train set must not meet its artist in the new test set."""
    gone = was(songs("one: a / Ada", "two: b / Bob"), "test")
    result = assign(songs(*(f"{n}: / Ada" for n in range(50))), SHARES, 0, gone)
    assert set(splits(result).values()) == {"test"}
    assert any("train has 0.0% of the weight" in remark for remark in result.remarks)


def test_what_is_gone_from_two_splits_holds_nothing() -> None:
    gone = was(songs("one: a / Ada"), "train") | was(songs("two: b / Ada"), "test")
    assert assign(songs("three: c / Ada"), SHARES, 0, gone).placed["three"].why == "drawn"


def test_a_split_that_is_no_longer_asked_for_keeps_what_it_has() -> None:
    old = songs("one: a", "two: b")
    result = assign([*old, *songs("three: c")], {"train": 1.0}, 0, was(old[:1], "train") | was(old[1:], "test"))
    assert splits(result) == {"one": "train", "two": "test", "three": "train"}
    assert any("No share is asked for test" in remark for remark in result.remarks)


# Shares and tags


def test_more_than_half_in_one_piece_goes_where_most_goes_and_is_said() -> None:
    items = [*(Item(f"a{n}", (), "Ada") for n in range(60)), *(Item(f"b{n}", (f"g{n}",)) for n in range(40))]
    result = assign(items, {"train": 0.4, "validation": 0.3, "test": 0.3})
    assert {splits(result)[f"a{n}"] for n in range(60)} == {"train"}
    assert any("60 songs with 60% of the weight hang together" in remark for remark in result.remarks)


def test_another_seed_draws_others() -> None:
    items = [Item(str(n), (f"g{n}",)) for n in range(60)]
    assert splits(assign(items, SHARES, 1)) != splits(assign(items, SHARES, 2))
    assert splits(assign(items, SHARES, 1)) == splits(assign(items, SHARES, 1))


@pytest.mark.parametrize("seed", range(3))
def test_tags_are_spread_alike(seed: int) -> None:
    """Each split has each genre as often as the whole has, to within a few songs."""
    genres = ["pop"] * 500 + ["jazz"] * 300 + ["folk"] * 150 + ["polka"] * 50
    items = [Item(f"s{n}", (f"g{n}",), f"Artist number {n // 2}", strata=(genre,)) for n, genre in enumerate(genres)]
    result = assign(items, SHARES, seed)
    assert max(result.proof.strata.values()) < 0.03
    placed = splits(result)
    assert sum(placed[item.id] == "test" for item in items if item.strata == ("polka",)) in range(4, 7)


def test_no_small_split_is_filled_by_one_artist() -> None:
    items = [Item(f"s{n}", (), f"Artist {'A' if n < 50 else n}") for n in range(500)]
    placed = splits(assign(items, SHARES))
    assert placed["s0"] == "train"


# The proof


def test_the_proof_sees_the_leaks_of_a_stranger() -> None:
    items = songs("one: a / Ada", "two: a", "three: b / ADA feat. Bob", "four: c / Unknown", "five: d / Unknown", "six: e")
    placed: dict[str, Split | None] = {"one": "train", "two": "test", "three": "validation", "four": "train", "five": "test"}
    proof = prove(items, placed, pairs=[("one", "two"), ("two", "one"), ("four", "one"), ("one", "six")])
    assert (proof.items, proof.left_out, proof.groups, proof.artists) == (5, 1, 4, 1)
    assert (proof.groups_across, proof.artists_across, proof.pairs, proof.pairs_across) == (1, 1, 4, 2)
    assert (proof.largest, proof.largest_share) == (3, 0.6)
    assert proof.leaks == ("the artist ada is in train and validation", "the group a is in train and test")
    assert not proof.holds


def test_the_distance_of_tags_is_from_0_to_1() -> None:
    items = [Item("one", (), strata=("jazz",)), Item("two", (), strata=("polka",)), Item("three", (), strata=("jazz", "polka"))]
    apart = prove(items, {"one": "train", "two": "test", "three": "validation"})
    assert apart.strata == {"train": 0.5, "validation": 0.0, "test": 0.5}
    assert prove(items, dict.fromkeys(("one", "two", "three"), "train")).strata == {"train": 0.0}


@given(collections(), st.lists(st.sampled_from([None, *SPLITS]), min_size=24, max_size=24))
def test_the_proof_agrees_with_counting_pair_by_pair(items: list[Item], drawn: list[Split | None]) -> None:
    placed = {item.id: split for item, split in zip(items, drawn, strict=False)}
    assert prove(items, placed).holds == (not leaks(items, placed))


# What is refused


@pytest.mark.parametrize(
    "asked", [{}, {"train": 0.5}, {"train": 1.5, "test": -0.5}, {"train": 0.9, "valid": 0.1}, {"train": float("nan")}]
)
def test_shares_that_are_none_are_refused(asked: dict[Split, float]) -> None:
    with pytest.raises(UserError):
        assign(songs("one: a"), asked)


def test_a_split_that_nobody_knows_is_refused_in_what_was_before() -> None:
    with pytest.raises(UserError, match="valid"):
        assign(songs("one: a"), SHARES, 0, {"one": Before("valid", ())})  # type: ignore[arg-type]


def test_two_items_of_one_id_are_refused() -> None:
    with pytest.raises(UserError, match="one"):
        assign(songs("one: a", "one: b"), SHARES)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf"), 1e300])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(UserError, match="weight"):
        assign([Item("one", (), weight=weight)], SHARES)


@given(
    st.lists(
        st.tuples(st.text(), st.lists(st.text(), max_size=2), st.text(), st.text()), unique_by=lambda row: row[0], max_size=8
    )
)
def test_any_text_may_be_an_id_a_group_an_artist_or_a_tag(rows: list[tuple[str, list[str], str, str]]) -> None:
    items = [Item(name, tuple(groups), artist, 1.0, (tag,)) for name, groups, artist, tag in rows]
    result = assign(items, SHARES)
    assert set(result.placed) == {row[0] for row in rows}
    assert leaks(items, splits(result)) == set() or "" in {group for _, groups, _, _ in rows for group in groups}


def test_names_that_are_hostile_are_told_in_one_line_of_plain_text() -> None:
    name = "x\n\ud800" * 500
    old = [Item("one", (name,)), Item("two", (), "Bob")]
    result = assign([*old, Item("\udfff\n", (name,), "Bob")], SHARES, 0, was(old[:1], "train") | was(old[1:], "test"))
    for text in [result.placed["\udfff\n"].why, *result.remarks]:
        assert "\n" not in text
        assert len(text.encode()) < 400


@pytest.mark.parametrize("weight", [0.0, 5e-324, 1e-30, 1e12])
def test_weights_of_any_size_are_shared_out(weight: float) -> None:
    result = assign([Item(str(n), (), weight=weight, strata=("jazz",)) for n in range(40)], SHARES)
    assert set(splits(result).values()) == set(SPLITS)
    if weight > 1e-300:
        assert result.proof.shares == pytest.approx(SHARES, abs=0.03)


def test_nothing_to_place_is_placed() -> None:
    result = assign([], SHARES)
    assert (result.placed, result.proof.items, result.proof.largest) == ({}, 0, 0)


def test_thousands_of_songs_in_one_chain_are_one_piece() -> None:
    """No recursion, and a cut through a long chain of newcomers."""
    chain = [Item(f"c{n:05d}", (f"g{n}", f"g{n + 1}")) for n in range(5000)]
    assert len(set(splits(assign(chain, SHARES)).values())) == 1
    before = {chain[0].id: Before("train", chain[0].groups), chain[-1].id: Before("test", chain[-1].groups)}
    assert len(left_out(assign(chain, SHARES, 0, before))) == 1
