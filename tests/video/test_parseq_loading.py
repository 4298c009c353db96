"""Parseq documents of every age, and what only looks like one."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.video.errors import VideoError
from motet.video.parseq import dump, load, problems, render

TWO = [{"frame": 0, "zoom": 1}, {"frame": 3, "zoom": 2}]


def made(**parts: Any) -> dict[str, Any]:
    return load(json.dumps({"keyframes": TWO, "managedFields": ["zoom"], **parts}))


def test_todays_form_is_filled_in() -> None:
    loaded = load(b'\xef\xbb\xbf{"keyframes": [{"frame": 8}, {"frame": "0"}]}')
    assert [keyframe["frame"] for keyframe in loaded["keyframes"]] == [0, 8]
    assert loaded["options"] == {
        "input_fps": 20,
        "bpm": 140,
        "output_fps": 20,
        "cc_window_width": 0,
        "cc_window_slide_rate": 1,
        "cc_use_input": False,
        "cadence": 1,
    }
    assert (loaded["keyframeLock"], loaded["reverseRender"], loaded["timeSeries"]) == ("frames", False, [])
    assert loaded["prompts"]["format"] == "v2"
    assert load(dump(loaded)) == loaded


def test_options_may_be_texts() -> None:
    options = made(options={"bpm": "120", "output_fps": "12.5", "cadence": None, "input_fps": ""})["options"]
    assert (options["bpm"], options["output_fps"], options["cadence"], options["input_fps"]) == (120, 12.5, 1, "")


def test_old_prompts_become_new_ones() -> None:
    single = made(prompts={"positive": "a", "negative": "b"})["prompts"]["promptList"]
    assert [(prompt["positive"], prompt["negative"], prompt["allFrames"], prompt["to"]) for prompt in single] == [
        ("a", "b", True, 3)
    ]
    several = made(prompts=[{"positive": "a", "enabled": False}, {"positive": "b"}])["prompts"]
    assert several["enabled"] is False
    assert [prompt["positive"] for prompt in several["promptList"]] == ["a", "b"]


def test_what_nobody_knows_stays() -> None:
    loaded = made(motet={"version": 1}, meta={"docName": "x"})
    assert loaded["motet"] == {"version": 1}
    assert render(loaded)["motet"] == {"version": 1}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not_parseq"),
        (b"\x00\xff", "not_parseq"),
        (b"[" * 10_000, "not_parseq"),
        (b'{"a":' * 10_000, "not_parseq"),
        (b"[]", "not_parseq"),
        (b"{}", "not_parseq"),
        (b'{"keyframes": [{"frame": NaN}]}', "not_parseq"),
        (b'{"keyframes": [{"frame": ' + b"9" * 5000 + b"}]}", "not_parseq"),
        (b'{"keyframes": 3}', "bad_keyframe"),
        (b'{"keyframes": [3]}', "bad_keyframe"),
        (b'{"keyframes": [{"frame": 0.5}]}', "bad_keyframe"),
        (b'{"keyframes": [{"frame": -1}]}', "bad_keyframe"),
        (b'{"keyframes": [{"frame": 1e999}]}', "bad_keyframe"),
        (b'{"keyframes": [{"frame": ' + b"9" * 400 + b"}]}", "bad_keyframe"),
        (b'{"keyframes": [{"frame": 1e9}]}', "too_long"),
        (b'{"keyframes": [], "options": {"bpm": 0}}', "bad_options"),
        (b'{"keyframes": [], "options": {"output_fps": "fast"}}', "bad_options"),
        (b'{"keyframes": [], "managedFields": [1]}', "bad_fields"),
        (b'{"keyframes": [], "managedFields": ["frame"]}', "bad_fields"),
        (b'{"keyframes": [], "prompts": 3}', "bad_prompt"),
        (b'{"keyframes": [], "prompts": [3]}', "bad_prompt"),
        (b'{"keyframes": [], "prompts": [{"positive": 3}]}', "bad_prompt"),
        (b'{"keyframes": [], "timeSeries": [{"alias": "a", "ts": {"data": [{"x": 0}]}}]}', "bad_time_series"),
    ],
)
def test_what_is_no_document_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(VideoError) as error:
        load(data)
    assert error.value.reason == reason
    assert error.value.detail.endswith(".")


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(["L", "1/0", "f", "0"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                "frame zoom zoom_i info keyframes prompts options bpm alias ts data x y positive promptList overlap".split()
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("options", "managedFields", "prompts", "timeSeries"), JSON)), JSON)
def test_anything_is_loaded_and_rendered_or_refused(parts: dict[str, Any], value: object) -> None:
    raw = {"keyframes": [{"frame": 0, "zoom": value, "zoom_i": value, "info": value}, {"frame": 3}], **parts}
    said = problems(raw)
    assert all(sentence.endswith(".") for sentence in said)
    try:
        dump(render(raw))
    except VideoError:
        assert said


def test_problems_are_sentences_about_each_thing() -> None:
    keyframes = [{"frame": 0, "zoom": "wide", "zoom_i": "sin()+nowhere"}, {"frame": 3, "zoom_i": "1+"}]
    prompts = [{"positive": "${nowhere}", "allFrames": False, "from": 3, "to": 1, "name": "Dawn"}]
    points = [{"x": n, "y": n} for n in range(2001)]
    series = [{"alias": "two words", "ts": {"data": points}}]
    loaded = made(keyframes=keyframes, prompts=prompts, timeSeries=series, rendered_frames=[{"frame": 0}])
    assert problems(loaded) == [
        "The field 'zoom' at frame 0 is 'wide', not a number.",
        "The expression of 'zoom' at frame 0 fails: sin() lacks period.",
        "The expression of 'zoom' at frame 0 fails: there is no variable 'nowhere'.",
        "The expression of 'zoom' at frame 3 fails: the expression ends where a value should be (at character 3).",
        "An expression of the prompt 'Dawn' fails: there is no variable 'nowhere'.",
        "The prompt 'Dawn' ends at frame 1 before it begins at 3.",
        "A time series is called 'two words': an expression cannot ask for it by that name.",
        "The time series 'two words' has 2,001 points: Parseq keeps 2,000.",
        "The first rendered frame lacks zoom: Deforum needs every managed field there.",
    ]


def test_what_json_cannot_say_is_not_written() -> None:
    with pytest.raises(VideoError, match="JSON"):
        dump({"zoom": float("nan")})
    assert dump({"b": 1, "a": "é"}) == b'{"b":1,"a":"\\u00e9"}'
