"""Groups: the best stays, only what is alike with it goes, and nothing chains."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from motet.duplicates import clusters

Links = list[tuple[int, int]]


def ranked(*ranks: int) -> list[tuple[int]]:
    return [(rank,) for rank in ranks]


def linked_only(one: int, other: int) -> bool:
    return False


def test_the_best_rank_survives_and_the_others_follow_by_rank() -> None:
    assert clusters(ranked(5, 1, 9, 3), [(0, 1), (2, 1), (3, 1)], linked_only) == [[1, 3, 0, 2]]


def test_songs_without_a_link_are_in_no_group() -> None:
    assert clusters(ranked(0, 1, 2), [], linked_only) == []
    assert clusters(ranked(0, 1, 2, 3), [(1, 2)], linked_only) == [[1, 2]]


def test_what_both_are_like_does_not_join_two_songs() -> None:
    """0 and 2 are each like 1, a medley say, and not like each other: with 0 the survivor, 2 is in no group."""
    assert clusters(ranked(0, 1, 2), [(0, 1), (1, 2)], linked_only) == [[0, 1]]
    assert clusters(ranked(2, 1, 0), [(0, 1), (1, 2)], linked_only) == [[2, 1]]


def test_a_survivor_that_both_are_like_itself_takes_both() -> None:
    assert clusters(ranked(1, 0, 2), [(0, 1), (1, 2)], linked_only) == [[1, 0, 2]]


def test_a_chain_of_small_changes_breaks_where_it_is_no_longer_like_its_survivor() -> None:
    """a ~ b ~ c ~ d ~ e, each like its neighbours and theirs: what is too far from a is grouped anew."""
    near = 1

    def alike(one: int, other: int) -> bool:
        return abs(one - other) <= near

    chain = [(n, n + 1) for n in range(4)]
    assert clusters(ranked(0, 1, 2, 3, 4), chain, alike) == [[0, 1], [2, 3]]
    near = 2
    assert clusters(ranked(0, 1, 2, 3, 4), chain, alike) == [[0, 1, 2], [3, 4]]


def test_a_pair_no_search_found_is_asked_for() -> None:
    """Among many copies only some pairs are candidates; the survivor is compared with what its members lead to."""
    asked = []

    def alike(one: int, other: int) -> bool:
        asked.append((one, other))
        return True

    assert clusters(ranked(0, 1, 2, 3), [(0, 1), (1, 2), (2, 3)], alike) == [[0, 1, 2, 3]]
    assert asked == [(0, 2), (0, 3)]


pairs = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] != pair[1]), max_size=30)


@given(pairs, st.permutations(range(12)), st.sets(st.frozensets(st.integers(0, 11), min_size=2, max_size=2)), st.randoms())
def test_groups_do_not_hang_on_the_order_of_links(
    links: Links, ranks: list[int], more: set[frozenset[int]], dice: random.Random
) -> None:
    def alike(one: int, other: int) -> bool:
        return frozenset({one, other}) in more

    found = clusters(ranked(*ranks), links, alike)
    other_way = [pair[::-1] if dice.random() < 0.5 else pair for pair in dice.sample(links, len(links))]
    assert clusters(ranked(*ranks), other_way, alike) == found


@given(pairs, st.permutations(range(12)), st.sets(st.frozensets(st.integers(0, 11), min_size=2, max_size=2)))
def test_whoever_goes_is_alike_with_the_better_one_that_stays_and_no_link_stays_open(
    links: Links, ranks: list[int], more: set[frozenset[int]]
) -> None:
    linked = {frozenset(pair) for pair in links}
    groups = clusters(ranked(*ranks), links, lambda one, other: frozenset({one, other}) in more)
    members = [song for group in groups for song in group]
    assert len(members) == len(set(members))
    for survivor, *others in groups:
        for other in others:
            assert ranks[survivor] < ranks[other]
            assert frozenset({survivor, other}) in linked | more
    gone = {song for group in groups for song in group[1:]}
    assert all(pair & gone for pair in linked), "of two linked songs one goes at least"
