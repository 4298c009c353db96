"""Regular expressions that cannot be made to take for ever."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.video.parseq.errors import ExpressionError
from motet.video.parseq.patterns import pattern

ATOMS = st.sampled_from(["a", "b", ".", r"\d", r"\w", "[ab]", "[^a]", r"\b", " ", "1", r"\.", "[a-c1]"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("{}|{}".format, inner, inner),
        st.builds("(?:{}){}".format, inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,}", "*?"])),
        st.builds("^{}".format, inner),
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(PATTERNS, st.text("ab1 .c", max_size=8))
def test_it_finds_what_pythons_own_finds(source: str, label: str) -> None:
    assert pattern(source).found(label) == (re.search(source, label, re.ASCII) is not None)


@pytest.mark.parametrize("source", ["(a+)+$", "(a|a)*b", "(a*)*(a*)*c", "(.*){20}x"])
def test_patterns_that_others_choke_on_are_answered(source: str) -> None:
    assert not pattern(source).found("a" * 500 + "!")


@pytest.mark.parametrize(
    "source", ["(", ")", "[", "*", "a**", "a{3,2}", "a{9999}", "(?=a)", r"(a)\1", "\\", "((a{99}){99}){99}", "a" * 501]
)
def test_what_is_no_pattern_is_refused(source: str) -> None:
    with pytest.raises(ExpressionError):
        pattern(source)
