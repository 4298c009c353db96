"""Parseq's expressions: what they mean at one frame."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.video.errors import VideoError
from motet.video.parseq import render
from motet.video.parseq.values import fixed, number, precise, text


def values(expression: str, *, bpm: float = 140, fps: float = 30, **keyframe: object) -> list[float]:
    """The field `zoom` at frames 0 to 10, its keyframes 5 at frame 0, 0 at 5 and 10 at 10."""
    document = {
        "options": {"bpm": bpm, "output_fps": fps},
        "managedFields": ["zoom"],
        "keyframes": [
            {"frame": 0, "zoom": 5, "zoom_i": expression, **keyframe},
            {"frame": 5, "zoom": 0},
            {"frame": 10, "zoom": 10},
        ],
    }
    return [frame["zoom"] for frame in render(document)["rendered_frames"]]


def value(expression: str) -> float:
    return values(expression)[0]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("L", [5, 4, 3, 2, 1, 0, 2, 4, 6, 8, 10]),
        ("S", [5, 5, 5, 5, 5, 0, 0, 0, 0, 0, 10]),
        ("f", list(range(11))),
        ("k", [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0]),
        ("next_keyframe - f", [5, 4, 3, 2, 1, 5, 4, 3, 2, 1, 0]),
        ("slide(to=-10, in=2)", [5, -2.5, -10, -10, -10, 0, -5, -10, -10, -10, 10]),
        ("pulse(p=5, pw=2)", [1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1]),
        ("saw(10)", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0]),
        ("if (f<4) 1 else if (f<8) 2 else 3", [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3]),
        ("prev_computed_value+f", [0, 1, 3, 6, 10, 15, 21, 28, 36, 45, 55]),
        ("computed_at(f-2)+1", [2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7]),
        ("recompute_if(f%4==1, f)", [-1, 1, 1, 1, 1, 5, 5, 5, 5, 9, 9]),
        ("is_generation(f+1)", [1] * 11),
    ],
)
def test_expressions_over_frames(expression: str, expected: list[float]) -> None:
    assert values(expression) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("10-4-3", 9),  # 10 - (4 - 3)
        ("100/10/5", 50),
        ("2^3^2", 512),
        ("7-2*3", 1),
        ("-2^2", 4),  # the sign binds first
        ("1+1 == 2 and 3>2", 1),
        ("1 || 0", 1),
        ("-7 % 3", -1),
        ("4b", 4 * 30 * 60 / 140),
        ("2s", 60),
        ("3f", 3),
        ("b2f(f2b(12))", 12),
        ("true + false", 1),
        ('"2"+1', 21),
        ('"2"*3', 6),
        ("round(1.555, 2)", 1.56),
        ("min(1,2,)", 1),
        ("_clz32(1)", 31),
        ("if (0) 2 else 3 + 4", 7),
        ("if (1) 2 else 3 + 4", 6),  # the last branch ends as soon as it can
        ("if (1) -1 else -2", -1),
        ("if 1>0 4", 4),
        ('bez(from=1, to=9, in=0, c="ease")', 1),
        ("start_of_beat(f=20)", 13),
    ],
)
def test_an_expression_at_one_frame(expression: str, expected: float) -> None:
    assert value(expression) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        (".5", "means nothing here"),
        ("1 +", "the expression ends"),
        ("- 1", "no space may stand after a minus sign"),
        ("sin()", "sin() lacks period"),
        ("sin(p=1, p=2)", "period twice"),
        ("sin(p=1, q=2)", "knows no q"),
        ("min(1,2,3)", "knows no argument 3"),
        ('min("a", 2)', "must be a number"),
        ("nothing", "there is no variable 'nothing'"),
        ("nothing(1)", "there is no function 'nothing'"),
        ("1/0", "divided by zero"),
        ("1/(f-f)", "divided by zero"),
        ("0*9^999", "not a finite number"),
        ('"abc"', "not a finite number"),
        ('posneg("a", 1)', "belongs in a prompt"),
        ('info_match("(")', "not closed"),
        ("(" * 500 + "1" + ")" * 500, "deep"),
        ("1+" * 6000 + "1", "10,000 characters"),
        ("if (1) 1 else 0" + "+1" * 2000, "too many ways"),
        ('prev_computed_value+"' + "0" * 2000 + '"', "grows beyond"),
        ("bez(x1=3)", "between 0 and 1"),
        ('bez(c="sideways")', "no curve 'sideways'"),
    ],
)
def test_what_cannot_be_worked_out_is_said_with_frame_and_field(expression: str, why: str) -> None:
    with pytest.raises(VideoError) as error:
        value(expression)
    assert error.value.reason == "bad_expression"
    assert "'zoom' at frame" in error.value.detail
    assert why in error.value.detail


def test_a_branch_that_is_not_taken_may_be_wrong() -> None:
    assert value("if (1) 2 else nowhere(3)") == 2


@given(st.lists(st.tuples(st.sampled_from("+-*"), st.integers(0, 9)), max_size=8))
def test_operators_group_to_the_right(terms: list[tuple[str, int]]) -> None:
    sums = [("", "3")]
    for sign, n in terms:  # products bind first
        last_sign, last = sums[-1]
        sums = [*sums[:-1], (last_sign, f"{last}*{n}")] if sign == "*" else [*sums, (sign, str(n))]
    (sign, bracketed) = sums.pop()
    while sums:
        before, left = sums.pop()
        sign, bracketed = before, f"({left}){sign}({bracketed})"
    expression = "3" + "".join(f"{sign}{n}" for sign, n in terms)
    assert value(expression) == value(bracketed)


NUMBERS = st.sampled_from(["1", "2.5", "f", "L", "1b", "k"])
TREES = st.recursive(
    NUMBERS,
    lambda inner: st.one_of(
        st.builds("({}{}{})".format, inner, st.sampled_from("+-*"), inner),
        st.builds("{}{}{}".format, inner, st.sampled_from(["+", "-", "*", " > ", " and ", "=="]), inner),
        st.builds("max({}, {})".format, inner, inner),
        st.builds("sin(p=3, a={})".format, inner),
        st.builds("-({})".format, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(TREES)
def test_what_stands_in_a_condition_is_read_as_it_is_elsewhere(expression: str) -> None:
    """Expressions with `if` take another way through the parser; it must give the same tree for all the rest."""
    assert values(f"if (1) ({expression}) else 0") == values(expression)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1.0, "1"),
        (0.1, "0.1"),
        (-0.0, "0"),
        (1e21, "1e+21"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e-7, "1e-7"),
        (1.5e-6, "0.0000015"),
        (-2.25, "-2.25"),
        (math.inf, "Infinity"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_are_written_as_javascript_writes_them(value: float, written: str) -> None:
    assert text(value) == written


@given(st.floats())
def test_a_written_number_reads_back(value: float) -> None:
    assert number(text(value)) == value or value != value


def test_ties_go_away_from_zero() -> None:
    assert (fixed(0.015625, 5), fixed(-0.015625, 5), fixed(-0.0, 2)) == ("0.01563", "-0.01563", "0.00")
    assert [precise(x, 4) for x in (0.0, 0.5, 1.0, 0.99999, 1e-9, 0.00012346)] == [
        "0.000",
        "0.5000",
        "1.000",
        "1.000",
        "1.000e-9",
        "0.0001235",
    ]


def test_chance_is_seeded() -> None:
    """The first numbers of Parseq's own tests of rand(), smrand() and perlin()."""
    assert [round(x, 2) for x in values("rand(s=1)")] == [0.27, 0.43, 0.87, 0.25, 0.55, 0.52, 0.75, 0.21, 0.42, 0, 0.12]
    assert [round(x, 2) for x in values("smrand(s=1)")] == [0.5, 0.5, 0.5, 0.46, 0.39, 0.32, 0.31, 0.39, 0.52, 0.66, 0.78]
    assert [round(x, 2) for x in values("perlin(s=1)")] == [0.5, 0.49, 0.45, 0.39, 0.31, 0.25, 0.23, 0.25, 0.31, 0.4, 0.5]
    assert values("rand()") == values("rand()")
    assert values("rand()") != values("0*rand()+rand()")
    held = values("rand(h=5)")
    assert held[0] == held[4] != held[5]
