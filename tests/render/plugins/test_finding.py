"""A plug-in is what its bytes say, wherever it lies."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.render.plugins import PluginError, engine_for, find

LIBRARY = b"\x7fELF" + bytes(5000) + b"GetPluginFactory"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """What looks like a VST3."""
    inside = tmp_path / "Organ.vst3" / "Contents" / "x86_64-linux"
    inside.mkdir(parents=True)
    (inside / "Organ.so").write_bytes(LIBRARY)
    return tmp_path / "Organ.vst3"


@pytest.fixture
def lv2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What looks like an LV2 bundle of two plug-ins."""
    folder = tmp_path / "lv2" / "house.lv2"
    folder.mkdir(parents=True)
    (folder / "manifest.ttl").write_text(
        "@prefix lv2: <http://lv2plug.in/ns/lv2core#> .\n@prefix house: <http://house.example/> .\n"
        "house:Organ\n\ta lv2:Plugin .\n<urn:house:Reed>\n\ta lv2:Plugin .\n"
    )
    monkeypatch.setenv("LV2_PATH", f"/nowhere{os.pathsep}{tmp_path / 'lv2'}")
    return folder


def refused(path: str) -> str:
    with pytest.raises(PluginError) as caught:
        find(path)
    assert caught.value.detail.isprintable()
    return caught.value.reason


def test_a_copy_is_the_same_plugin_and_a_change_is_another(bundle: Path, tmp_path: Path) -> None:
    first = find(str(bundle))
    assert (first.name, first.format, engine_for(first)) == ("Organ", "vst3", "pedalboard")
    copy = shutil.copytree(bundle, tmp_path / "elsewhere" / "Organ.vst3")
    assert find(str(copy)).sha256 == first.sha256
    (copy / "moduleinfo.json").write_text("{}")
    assert find(str(copy)).sha256 != first.sha256
    (copy / "moduleinfo.json").rename(copy / "other.json")
    renamed = find(str(copy)).sha256
    (copy / "other.json").rename(copy / "moduleinfo.json")
    assert find(str(copy)).sha256 != renamed


def test_a_library_is_a_vst2(tmp_path: Path) -> None:
    file = tmp_path / "Organ.so"
    file.write_bytes(b"\x7fELF" + bytes((1 << 20) - 10) + b"VSTPluginMain")  # across two pieces of reading
    plugin = find(str(file))
    assert (plugin.name, plugin.format, engine_for(plugin)) == ("Organ", "vst2", "dawdreamer")


def test_an_lv2_is_found_by_its_uri(lv2: Path) -> None:
    organ, reed = find("http://house.example/Organ"), find("urn:house:Reed")
    assert (organ.name, organ.path, organ.format, engine_for(organ)) == (
        "Organ",
        "http://house.example/Organ",
        "lv2",
        "dawdreamer",
    )
    assert organ.sha256 != reed.sha256
    (lv2 / "Organ.so").write_bytes(LIBRARY)
    assert find("http://house.example/Organ").sha256 != organ.sha256
    assert refused("http://house.example/Flute") == "plugin_missing"


def test_what_is_no_plugin_is_told(tmp_path: Path) -> None:
    for name, content in (("a.vst3", b"GetPluginFactory"), ("b.vst3", b"\x7fELF"), ("c.so", LIBRARY), ("d.vst3", b"")):
        (tmp_path / name).write_bytes(content)
        assert refused(str(tmp_path / name)) == "not_a_plugin"
    (tmp_path / "e.vst3").mkdir()
    for folder in (tmp_path / "e.vst3", tmp_path, ""):
        assert refused(str(folder)) == "not_a_plugin"
    assert refused(str(tmp_path / "f.vst3")) == "plugin_missing"


def test_a_bundle_with_pipes_and_circles_is_read(bundle: Path) -> None:
    before = find(str(bundle)).sha256
    os.mkfifo(bundle / "pipe")
    (bundle / "circle").symlink_to(bundle)
    (bundle / "nothing").symlink_to("nowhere")
    assert find(str(bundle)).sha256 == before


@settings(max_examples=50)
@given(
    st.text(st.characters(exclude_categories=())) | st.sampled_from(["\0", "a" * 5000, "\ud800", "urn:\ud800", "x:" * 100_000])
)
def test_any_text_has_a_defined_answer(text: str) -> None:
    assert refused(text) in ("plugin_missing", "not_a_plugin", "unreadable")
