"""Recipes: what is valid, and what is said when it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from motet import UserError
from motet.recipe import Recipe, find_stage, load, parse, ready, stage_names

ORDER = """
scan read_judgements clean fingerprint deduplicate midi_facts identify enrich split_parts sample render_stems check_audio
mix_stems segment exclude read_licences settle_licences assign_splits write_captions check_captions
""".split()


def refused(stored: Any) -> str:
    with pytest.raises(UserError) as refusal:
        parse(stored, "mine.yaml")
    assert refusal.value.exit_code == 2
    told = str(refusal.value)
    assert "\n" not in told
    assert told.rstrip("?").endswith(".") or told.endswith("?")
    return told


def recipe(*stages: Any) -> dict[str, Any]:
    return {"name": "mine", "stages": list(stages)}


def test_the_ready_recipe_is_listed_and_loads() -> None:
    assert "text-to-music" in ready()
    assert ready()["text-to-music"]
    loaded = load("text-to-music")
    assert [step.name for step in loaded.steps] == ORDER


def test_every_ready_recipe_loads_and_says_what_it_is_about() -> None:
    for name, about in ready().items():
        assert load(name).name == name
        assert about


def test_every_setting_has_a_value_and_a_description() -> None:
    for step in load("text-to-music").steps:
        for name, field in type(step.settings).model_fields.items():
            assert field.description, f"{step.name}.{name}"
            assert name in load("text-to-music").resolved()[step.name]


def test_a_stage_s_file_has_its_name() -> None:
    for name in stage_names():
        assert find_stage(name).name == name


def test_settings_are_given_in_yaml(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nstages:\n  - scan\n  - clean: {shortest: 2}\n  - fingerprint\n  - deduplicate:\n")
    loaded = load(file)
    assert loaded.resolved()["clean"]["shortest"] == 2
    assert loaded.changed(["clean.longest=60"]).resolved()["clean"] == {
        **loaded.resolved()["clean"],
        "longest": 60,
    }
    assert loaded.resolved()["clean"]["longest"] == 900  # a changed recipe is another one


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("clean.shortest=3", 3.0),
        ("clean.shortest=2.5e0", 2.5),
        ("write_captions.numbers=false", False),
        ("mix_stems.missing=go_on", "go_on"),
        ("render_stems.font=/a path/with = signs.sf2", "/a path/with = signs.sf2"),
    ],
)
def test_a_value_is_read_as_yaml(setting: str, value: object) -> None:
    stage, name = setting.partition("=")[0].split(".")
    assert load("text-to-music").changed([setting]).resolved()[stage][name] == value


def test_the_last_of_two_values_counts_and_others_stay() -> None:
    changed = load("text-to-music").changed(["clean.shortest=1", "clean.longest=20", "clean.shortest=2"])
    assert (changed.resolved()["clean"]["shortest"], changed.resolved()["clean"]["longest"]) == (2, 20)


def test_the_last_dot_of_a_setting_parts_it_from_its_stage() -> None:
    mine = parse(recipe("toys.stages:scan_text", "toys.stages:parse_number"), "mine.yaml")
    changed = mine.changed(["toys.stages:parse_number.by=3"])
    assert changed.resolved()["toys.stages:parse_number"]["by"] == 3


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("clen.shortest=3", "recipe text-to-music has no stage called 'clen'; did you mean clean?"),
        ("clean.shortes=3", "stage clean has no setting called 'shortes'; did you mean shortest?"),
        ("clean.shortest", "is not a setting: write stage.setting=value"),
        ("shortest=3", "is not a setting: write stage.setting=value"),
        ("=", "is not a setting"),
        ("clean.shortest=long", "clean.shortest cannot be 'long'"),
        ("clean.shortest=-1", "clean.shortest cannot be -1"),
        ("clean.shortest=[1", "cannot be read"),
        ("clean.shortest=", "clean.shortest cannot be None"),
        ("clean.timeout=0", "clean.timeout cannot be 0"),
        ("write_captions.temperature=3", "write_captions.temperature cannot be 3"),
        ("mix_stems.missing=maybe", "mix_stems.missing cannot be 'maybe'"),
        ("segment.shortest=25", "shortest <= target <= longest must hold"),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence(setting: str, told: str) -> None:
    with pytest.raises(UserError) as refusal:
        load("text-to-music").changed([setting])
    assert told in str(refusal.value)
    assert refusal.value.exit_code == 2
    assert "\n" not in str(refusal.value)


def test_lengths_of_clips_may_be_given_in_any_order() -> None:
    settings = ["segment.shortest=25", "segment.target=28", "segment.longest=40"]
    one, other = (load("text-to-music").changed(order).resolved()["segment"] for order in (settings, settings[::-1]))
    assert one == other
    assert (one["shortest"], one["target"], one["longest"]) == (25, 28, 40)


def test_a_recipe_that_cannot_be_is_one_sentence() -> None:
    assert "must be a mapping" in refused([])
    assert "must be a mapping" in refused(None)
    assert "must have a `name`" in refused({"stages": ["scan"]})
    assert "must have a `name`" in refused({"name": "x", "stages": []})
    assert "must have a `name`" in refused({"name": 3, "stages": ["scan"]})
    assert "no field called 'stage'; did you mean stages?" in refused({"name": "x", "stage": []})
    assert "did you mean clean?" in refused(recipe("scan", "cleen"))
    assert "twice" in refused(recipe("scan", "clean", "clean"))
    assert "is no stage: write" in refused(recipe("scan", ["clean"]))
    assert "is no stage: write" in refused(recipe("scan", {"clean": 3}))
    assert "is no stage: write" in refused(recipe("scan", {"clean": None, "sample": None}))
    assert "did you mean shortest?" in refused(recipe("scan", {"clean": {"shortes": 3}}))
    assert "cannot be 'x'" in refused(recipe("scan", {"clean": {"shortest": "x"}}))
    assert "clean reads files, which no stage before it writes" in refused(recipe("clean"))
    assert "split_parts reads songs" in refused(recipe("scan", "split_parts", "clean"))
    assert "cannot be loaded" in refused(recipe("scan", "no.such.module:clean"))
    assert "cannot be loaded" in refused(recipe("scan", "motet.stages.clean:absent"))
    assert "is no stage" in refused(recipe("scan", "motet.stages.clean:read_source"))


def test_a_stage_of_one_s_own_is_named_by_its_module() -> None:
    loaded = parse(recipe("toys.stages:scan_text", {"toys.stages:parse_number": {"by": 3}}), "mine.yaml")
    assert isinstance(loaded, Recipe)
    assert loaded.resolved()["toys.stages:parse_number"]["by"] == 3


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"name: [", "is not valid YAML"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"a: &a [*a]", "no field called 'a'"),
        (b"", "must be"),
    ],
)
def test_a_recipe_file_that_cannot_be_read_is_one_sentence(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(UserError) as refusal:
        load(tmp_path / "mine.yaml")
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"did you mean text-to-music\? A file of your own ends in .yaml"):
        load("text-to-musik")
    with pytest.raises(UserError, match="cannot be read"):
        load("absent.yaml")
