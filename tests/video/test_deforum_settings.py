"""Settings for Deforum: what is made for a manifest, and what is found in others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import UserError
from motet.video.deforum import problems, settings
from motet.video.deforum.keys import keys, told
from motet.video.deforum.schedules import fault
from motet.video.errors import VideoError


def manifest(frames: int = 4, **fields: list[float]) -> dict[str, Any]:
    """A rendered document that manages `fields`, with their differences."""
    rendered: list[dict[str, Any]] = [{"frame": n, "deforum_prompt": "a wood --neg text"} for n in range(frames)]
    for name, values in fields.items():
        for n, frame in enumerate(rendered):
            rest = 1 if name == "zoom" else 0
            frame[name] = values[n]
            frame[f"{name}_delta"] = rest + values[n] - values[n - 1] if n else values[n]
            frame[f"{name}_pc"] = 100.0
    options = {"output_fps": 24, "bpm": 90, "cadence": 1}
    return {"options": options, "managedFields": list(fields), "rendered_frames": rendered, "motet": {"events": [1] * 1000}}


def test_a_manifest_becomes_whole_settings_that_have_no_problems() -> None:
    made = settings(manifest(translation_z=[0.0, 0, 10, 10]), size=(256, 256), seed=7)
    assert problems(made) == []
    assert set(made) == set(keys())
    assert (made["W"], made["H"], made["max_frames"], made["fps"], made["seed"]) == (256, 256, 4, 24, 7)
    assert (made["animation_mode"], made["steps"], made["diffusion_cadence"], made["sampler"]) == ("3D", 15, 1, "Euler a")
    assert made["prompts"] == {"0": "a wood --neg text"}


def test_what_is_sent_of_a_manifest_is_what_deforum_reads() -> None:
    sent = json.loads(settings(manifest(strength=[0.5] * 4, angle=[0.0, 1, 3, 3]), size=(64, 64), seed=1)["parseq_manifest"])
    assert sent["options"] == {"output_fps": 24, "cadence": 1, "bpm": 90}
    assert sent["managedFields"] == ["strength", "angle"]
    assert {*sent["rendered_frames"][0]} == {"frame", "deforum_prompt", "strength", "angle", "angle_delta"}
    assert [frame["angle_delta"] for frame in sent["rendered_frames"]] == [0, 1, 2, 0]


def test_a_seed_that_is_any_leaves_the_seed_to_the_settings() -> None:
    sent = json.loads(settings(manifest(seed=[-1.0] * 4), size=(64, 64), seed=1)["parseq_manifest"])
    assert "seed" not in sent["rendered_frames"][0]
    assert sent["managedFields"] == []
    sent = json.loads(settings(manifest(seed=[1.0, 2, 3, 4]), size=(64, 64), seed=1)["parseq_manifest"])
    assert sent["rendered_frames"][3]["seed"] == 4


@pytest.mark.parametrize(
    "moves, mode",
    [
        ({"angle": [0.0, 5, 5, 5]}, "2D"),
        ({"zoom": [1.0, 1, 1, 1]}, "3D"),  # 0 is its movement after frame 0, and 1 at it
        ({"zoom": [1.0, 1.5, 1.5, 1.5]}, "2D"),
        ({"angle": [0.0, 5, 5, 5], "rotation_3d_x": [0.0, 1, 2, 3]}, "3D"),
        ({"strength": [0.0, 1, 0, 1]}, "3D"),
    ],
)
def test_the_mode_is_one_in_which_what_moves_is_seen(moves: dict[str, Any], mode: str) -> None:
    assert settings(manifest(**moves), size=(64, 64), seed=0)["animation_mode"] == mode


def test_changes_go_before_all_else_and_are_checked() -> None:
    made = settings(manifest(), size=(64, 64), seed=1, changes={"steps": 30, "sampler": "DDIM"})
    assert (made["steps"], made["sampler"]) == (30, "DDIM")
    with pytest.raises(UserError, match="'step'; steps"):
        settings(manifest(), size=(64, 64), seed=1, changes={"step": 30})


@pytest.mark.parametrize(
    "size, wrong",
    [((60, 64), "W is from 64"), ((100, 64), "W is a multiple of 8"), ((4096, 64), "W is from 64 to 2048")],
)
def test_sizes_that_deforum_would_change_are_refused(size: tuple[int, int], wrong: str) -> None:
    with pytest.raises(UserError, match=wrong):
        settings(manifest(), size=size, seed=1)
    assert settings(manifest(), size=(72, 64), seed=1)["noise_type"] == "uniform"


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("zom", 1, "zoom"),
        ("flip_2d_perspective", True, "enable_perspective_flip"),
        (7, 7, "no setting"),
        ("W", True, "whole number"),
        ("W", 256.5, "whole number"),
        ("steps", 0, "from 1 to 200"),
        ("steps", 10**400, "whole number"),
        ("strength", float("nan"), "number"),
        ("fps", "24", "number"),
        ("tiling", 1, "true or false"),
        ("border", "warp", "did you mean wrap"),
        ("border", [], "one of replicate, wrap"),
        ("sampler", "euler a", "did you mean Euler a"),
        ("batch_name", None, "string"),
        ("zoom", 1.0, "schedule in a string"),
        ("zoom", "", "is empty"),
        ("zoom", "1", "without a frame"),
        ("zoom", "0:(1), 5:", "no value"),
        ("zoom", "5:(1)", "no key frame 0"),
        ("zoom", "0:(1:2)", "two colons"),
        ("zoom", "0:(where(t>3, 1, 2))", "it is no expression"),
        ("zoom", "0:(1), 2.5:(1)", "no whole frame"),
        ("zoom", "0:(1), x:(1)", "no 'x'"),
        ("zoom", "0:(bpm)", "no 'bpm'"),
        ("zoom", "0:(t.real)", "no expression of numbers"),
        ("zoom", "0:(__import__('os'))", "no function '__import__'"),
        ("zoom", "0:(" + "(" * 500 + "1" + ")" * 500 + "+t)", "too long"),
        ("sampler_schedule", "Euler a", "without a frame"),
        ("prompts", {}, "at least one prompt"),
        ("prompts", ["a"], "at least one prompt"),
        ("prompts", {"0": "a --neg b --neg c"}, "--neg more than once"),
        ("prompts", {"0": 7}, "other than a string"),
        ("prompts", {"start": "a"}, "no 'start'"),
        ("fill", 9, "0 to 3"),
        ("diffusion_redo", "many", "whole number"),
        ("init_image", 7, "null"),
        ("init_images", "{", "JSON object"),
        ("parseq_manifest", {}, "JSON string"),
        ("parseq_manifest", "{", "is no JSON"),
        ("parseq_manifest", "[" * 5000, "is no JSON"),
        ("parseq_manifest", "7", "no options"),
        ("skip_video_creation", True, "no film"),
        ("resume_from_timestring", True, "another film"),
        ("add_soundtrack", "File", "soundtrack_path"),
        ("animation_mode", "Video Input", "video_init_path"),
    ],
)
def test_each_problem_is_one_sentence_that_names_the_setting(name: Any, value: Any, said: str) -> None:
    sound = settings(manifest(), size=(64, 64), seed=1)
    found = problems({**sound, name: value})
    assert any(said in sentence for sentence in found), found
    assert all(sentence.endswith(".") and "\n" not in sentence and len(sentence) < 900 for sentence in found)


def _without_delta(document: dict[str, Any]) -> None:
    del document["rendered_frames"][0]["angle_delta"]


def _without_value(document: dict[str, Any]) -> None:
    document["rendered_frames"][2]["angle"] = None


def _out_of_order(document: dict[str, Any]) -> None:
    document["rendered_frames"][2]["frame"] = 3


def _unmanaged(document: dict[str, Any]) -> None:
    document["managedFields"].append("zoom")


def _no_rate(document: dict[str, Any]) -> None:
    document["options"]["output_fps"] = 0


def _two_negatives(document: dict[str, Any]) -> None:
    document["rendered_frames"][1]["deforum_prompt"] = "a --neg b --neg c"


def _no_prompt(document: dict[str, Any]) -> None:
    del document["rendered_frames"][1]["deforum_prompt"]


@pytest.mark.parametrize(
    "spoil, said",
    [
        (_without_delta, "lacks 'angle_delta' in frame 0"),
        (_without_value, "no number for 'angle' in frame 2"),
        (_out_of_order, "frame 3 where frame 2 should be"),
        (_unmanaged, "lacks 'zoom' in frame 0"),
        (_no_rate, "no frame rate"),
        (_two_negatives, "--neg more than once in the prompt of frame 1"),
        (_no_prompt, "no prompt in frame 1"),
    ],
)
def test_a_manifest_that_deforum_would_stumble_over_is_told(spoil: Any, said: str) -> None:
    document = manifest(angle=[0.0, 1, 2, 3])
    sound = settings(document, size=(64, 64), seed=1)
    spoil(document)
    assert any(said in sentence for sentence in problems({**sound, "parseq_manifest": json.dumps(document)}))
    with pytest.raises(VideoError, match=said):
        settings(document, size=(64, 64), seed=1)


def test_without_deltas_only_the_values_are_asked_for() -> None:
    document = manifest(angle=[0.0, 1, 2, 3])
    sound = settings(document, size=(64, 64), seed=1)
    _without_delta(document)
    assert problems({**sound, "parseq_manifest": json.dumps(document), "parseq_use_deltas": False}) == []


@pytest.mark.parametrize("empty", [{}, {"rendered_frames": []}, {"rendered_frames": [{}]}, {"options": {}, "rendered_frames": 7}])
def test_a_document_that_was_not_rendered_is_told(empty: dict[str, Any]) -> None:
    with pytest.raises(VideoError) as ended:
        settings(empty, size=(64, 64), seed=1)
    assert ended.value.reason == "not_rendered"


@pytest.mark.parametrize(
    "schedule",
    [
        "0: (1)",
        "0:(1), 30: (2*sin(t/10))",
        '0:(s), 1:(-1), "max_f-2":(-1), "max_f-1":(s)',
        "0:(0.25 * cos((72 / 60 * 3.141 * (t + 0) / 30))**13 + 0.7)",
        "0:(t%30<15)",
        "  0 : .5 ,10:-3",
    ],
)
def test_schedules_that_deforum_reads_as_meant_are_let_through(schedule: str) -> None:
    assert fault(schedule) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(keys())), JSON)
def test_no_value_of_any_setting_is_too_strange_to_be_told_about(name: str, value: Any) -> None:
    assert all(isinstance(sentence, str) for sentence in problems({name: value}))


@given(JSON)
def test_no_document_is_too_strange_to_be_told_about(document: Any) -> None:
    assert problems(document) is not None
    assert problems({"parseq_manifest": json.dumps(document)}) is not None


@given(st.text(alphabet="0123456789.:,()+-*/ts\"' max_fsin", max_size=30))
def test_a_schedule_that_is_let_through_splits_as_deforum_splits_it(schedule: str) -> None:
    if fault(schedule) is None:
        entries = [entry.split(":") for entry in schedule.split(",")]
        assert all(len(entry) == 2 and entry[1].strip() for entry in entries)


@pytest.mark.shared
@pytest.mark.parametrize(
    "name, found",
    [
        ("default_settings.txt", []),
        ("simple.input_settings.txt", []),
        ("v2midi_new_deforum_settings.txt", ["border is one of replicate, wrap, not 'warp' (did you mean wrap?)."]),
    ],
)
def test_real_settings_have_only_the_problems_that_they_have(shared: Path, name: str, found: list[str]) -> None:
    real = json.loads((shared / "parseq" / name).read_bytes())
    assert problems(real) == found
    assert set(real) <= set(keys()) | told()


@pytest.mark.shared
def test_a_real_rendered_document_is_taken(shared: Path) -> None:
    document = json.loads((shared / "parseq/parseq.json").read_bytes())
    made = settings(document, size=(512, 512), seed=-3)
    assert (made["max_frames"], made["fps"], made["seed"]) == (11, 60, 2**32 - 3)
    assert len(json.loads(made["parseq_manifest"])["rendered_frames"]) == 11
