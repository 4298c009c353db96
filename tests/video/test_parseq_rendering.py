"""Documents rendered frame by frame, as Parseq itself renders them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.video.errors import VideoError
from motet.video.fields import FIELDS
from motet.video.parseq import dump, load, problems, render

GOLDENS = Path(__file__).parent / "parseq_goldens.json.gz"


def document(*keyframes: dict[str, Any], fields: tuple[str, ...] = ("zoom",), **parts: Any) -> dict[str, Any]:
    return {"managedFields": list(fields), "keyframes": list(keyframes), **parts}


def column(rendered: dict[str, Any], name: str) -> list[Any]:
    return [frame[name] for frame in rendered["rendered_frames"]]


def test_random_documents_come_out_as_parseq_renders_them() -> None:
    """300 random documents of ours, and what Parseq 0.1.112 under Node 20 made of them.

    A column that never changes is kept as one value; numbers are kept to seven digits.
    """
    goldens = json.loads(gzip.decompress(GOLDENS.read_bytes()))
    assert len(goldens) == 300
    for at, golden in enumerate(goldens):
        rendered = render(load(json.dumps(golden["document"])))
        frames = rendered["rendered_frames"]
        assert [frame["frame"] for frame in frames] == list(range(golden["frames"]))
        assert [name for name in frames[0] if name != "frame"] == list(golden["columns"])
        for name, expected in golden["columns"].items():
            values = column(rendered, name)
            expected = expected * len(values) if len(expected) == 1 else expected
            if name == "deforum_prompt":
                assert [numbers_apart(value) for value in values] == [numbers_apart(value) for value in expected], at
            else:
                assert values == pytest.approx(expected, rel=1e-5, abs=1e-5), (at, name)
        for field, (low, high, flat) in golden["meta"].items():
            meta = rendered["rendered_frames_meta"][field]
            assert (meta["min"], meta["max"]) == pytest.approx((low, high), rel=1e-5, abs=1e-5)
            assert meta["isFlat"] == flat


def numbers_apart(prompt: str) -> list[Any]:
    """The words of a prompt, its numbers to ten places: their last digits depend on the machine's sine."""
    parts: list[Any] = []
    for word in prompt.replace(")", " ) ").replace(":", " : ").replace(">", " > ").split(" "):
        try:
            parts.append(round(float(word), 10))
        except ValueError:
            parts.append(word)
    return parts


@pytest.mark.shared
def test_the_golden_render(shared: Path) -> None:
    """A document that says nothing: 37 fields at rest."""
    golden = json.loads((shared / "parseq/parseq_rendered/Blank_document.rendered.json").read_bytes())
    rendered = render(load((shared / "parseq/parseq_docs/Blank_document.json").read_bytes()))
    assert rendered["managedFields"] == golden["managedFields"]
    assert rendered["rendered_frames"] == golden["rendered_frames"]
    assert rendered["rendered_frames_meta"] == golden["rendered_frames_meta"]


@pytest.mark.shared
def test_a_rendered_document_of_deforums_tests(shared: Path) -> None:
    """Its frames were rendered at 20 frames a second; its options were set to 60 afterwards."""
    kept = load((shared / "parseq/parseq.json").read_bytes())
    kept["options"]["output_fps"] = 20
    frames = render(kept)["rendered_frames"]
    assert [list(frame) for frame in frames] == [list(frame) for frame in kept["rendered_frames"]]
    for frame, expected in zip(frames, kept["rendered_frames"], strict=True):
        assert frame == {name: value if isinstance(value, str) else pytest.approx(value) for name, value in expected.items()}


@pytest.mark.shared
def test_all_documents_at_hand_are_sound(shared: Path) -> None:
    documents = sorted((shared / "parseq/parseq_docs").glob("*.json"))
    assert len(documents) == 9
    for path in documents:
        loaded = load(path.read_bytes())
        assert problems(loaded) == [], path.name
        assert problems(render(loaded)) == [], path.name


def test_a_field_rests_where_no_keyframe_sets_it() -> None:
    rendered = render({"keyframes": [{"frame": 0}, {"frame": 2}]})
    assert rendered["managedFields"] == list(FIELDS)
    assert [column(rendered, name)[2] for name in FIELDS] == [field.rest for field in FIELDS.values()]


def test_the_nearest_keyframe_stands_in_at_the_ends() -> None:
    rendered = render(document({"frame": 0}, {"frame": 2, "zoom": 3}, {"frame": 4, "zoom": 5}, {"frame": 6}))
    assert column(rendered, "zoom") == [3, 3, 3, 4, 5, 5, 5]


def test_a_frame_has_differences_and_percents() -> None:
    rendered = render(
        document({"frame": 0, "zoom": 1, "angle": -8}, {"frame": 2, "zoom": 2, "angle": 4}, fields=("zoom", "angle"))
    )
    assert column(rendered, "zoom_delta") == [1, 1.5, 1.5]
    assert column(rendered, "angle_delta") == [-8, 6, 6]
    assert column(rendered, "angle_pc") == [-100, -25, 50]
    assert rendered["rendered_frames_meta"]["angle"] == {"max": 8, "min": -8, "isFlat": False}


def test_in_reverse_the_last_frame_comes_first_and_movements_turn_round() -> None:
    keyframes = ({"frame": 0, "zoom": 1, "angle": 0}, {"frame": 2, "zoom": 3, "angle": 8})
    rendered = render(document(*keyframes, fields=("zoom", "angle"), reverseRender=True))
    assert column(rendered, "frame") == [0, 1, 2]
    assert column(rendered, "angle") == [8, 4, 0]
    assert column(rendered, "angle_delta") == [-4, -4, 0]
    assert column(rendered, "zoom_delta") == [0.5, 0.5, 1]
    with pytest.raises(VideoError, match="reverse"):
        render(document({"frame": 0, "zoom": 1}, {"frame": 1, "zoom": 0}, reverseRender=True))


def test_a_seed_between_two_whole_ones_mixes_them() -> None:
    rendered = render(document({"frame": 0, "seed": 7}, {"frame": 4, "seed": 8}, fields=("seed",)))
    assert column(rendered, "subseed") == [7, 8, 8, 8, 8]
    assert column(rendered, "subseed_strength") == [0, 0.25, 0.5, 0.75, 0]


@pytest.mark.parametrize(
    ("place", "expected"),
    [("append", "a cat fine --neg dull poor"), ("prepend", "fine a cat --neg poor dull"), ("template", "fine --neg poor")],
)
def test_the_common_prompt(place: str, expected: str) -> None:
    prompts = {
        "format": "v2",
        "commonPromptPos": place,
        "commonPrompt": {"positive": "fine", "negative": "poor"},
        "promptList": [{"positive": "a cat", "negative": "dull"}],
    }
    assert column(render(document({"frame": 0}, {"frame": 1}, prompts=prompts)), "deforum_prompt") == [expected] * 2


def test_prompts_fade_into_each_other() -> None:
    prompts = [
        {"positive": "sun", "allFrames": False, "from": 0, "to": 4, "overlap": {"type": "linear", "outFrames": 4}},
        {"positive": "moon", "allFrames": False, "from": 2, "to": 6, "overlap": {"type": "custom", "custom": "zoom/2"}},
    ]
    rendered = column(render(document({"frame": 0, "zoom": 1}, {"frame": 6}, prompts=prompts)), "deforum_prompt")
    assert rendered[0] == "sun"
    assert rendered[3] == "sun: 0.2500 AND moon: 0.50000 --neg : 0.2500 AND : 0.50000"
    assert rendered[6] == "moon"


def test_a_term_stands_in_the_prompt_that_its_weight_says() -> None:
    prompts = {"positive": 'sky ${posneg("fog", zoom)}', "negative": "text"}
    rendered = column(render(document({"frame": 0, "zoom": 1}, {"frame": 2, "zoom": -1}, prompts=prompts)), "deforum_prompt")
    assert rendered == ["sky (fog:1.0000) --neg text", "sky  --neg text", "sky  --neg  (fog:1.0000) text"]


def test_a_time_series_drives_a_field() -> None:
    points = [{"x": 0, "y": 1}, {"x": 100, "y": 3}]
    series = [{"alias": "loud", "ts": {"data": points, "timestampType": 1}}]
    made = document(
        {"frame": 0, "zoom_i": "loud", "angle_i": "loud(f,1)"}, {"frame": 2}, fields=("zoom", "angle"), timeSeries=series
    )
    rendered = render(made)
    assert column(rendered, "zoom") == [1, 1, 1]
    assert column(rendered, "angle") == [1, 2, 3]


@pytest.mark.parametrize(
    ("keyframes", "reason", "why"),
    [
        ([{"frame": 0}], "bad_keyframe", "two keyframes"),
        ([{"frame": 3}, {"frame": 9}], "bad_keyframe", "it must stand at 0"),
        ([{"frame": 0}, {"frame": 9}, {"frame": 9}], "bad_keyframe", "Two keyframes stand at frame 9"),
        ([{"frame": 0}, {"frame": 100_001}], "too_long", "100,000 frames"),
        ([{"frame": n, "zoom": n, "zoom_i": "P"} for n in range(2_000)], "too_much_work", "too costly"),
        (
            [{"frame": 0, "info": "a" * 1_000_000, "zoom_i": 'info_match("(a+)+b{9,99}")'}, {"frame": 1}],
            "too_much_work",
            "too costly",
        ),
    ],
)
def test_what_cannot_be_rendered_says_why(keyframes: list[dict[str, Any]], reason: str, why: str) -> None:
    with pytest.raises(VideoError, match=why) as error:
        render(document(*keyframes))
    assert error.value.reason == reason


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(st.integers(1, 40), st.floats(-1000, 1000), max_size=8),
    st.sampled_from(["", "L", "S", "C", "bez()", "slide()", "L+rand(s=3)"]),
    st.sampled_from(["angle", "zoom", "seed"]),
)
def test_differences_add_up_to_the_values(points: dict[int, float], expression: str, field: str) -> None:
    keyframes: list[dict[str, Any]] = [
        {"frame": 0, f"{field}_i": expression},
        *({"frame": frame, field: value} for frame, value in points.items()),
    ]
    made = document(*keyframes, {"frame": 41}, fields=(field,))
    rendered = render(made)
    total = 0.0
    for at, frame in enumerate(rendered["rendered_frames"]):
        total += frame[f"{field}_delta"] - (field == "zoom" and at > 0)
        assert total == pytest.approx(frame[field], abs=1e-6)
    assert dump(render(made)) == dump(rendered)
    assert render(rendered) == rendered
    assert problems(rendered) == []
