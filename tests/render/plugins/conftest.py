"""Plug-ins of our own, built when a test asks for them, and hosts that do not wait for long."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from motet.render.plugins import ENGINES, Host, Plugin, find
from render.plugins.patience import IMPATIENT, Build

SOURCES = Path(__file__).parent / "src"
DPF = Path("/usr/share/dpf")
FLAGS = "-O1 -fPIC -std=gnu++14 -fvisibility=hidden -DNDEBUG -DDISTRHO_PLUGIN_TARGET_VST3 -shared".split()


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The test synth as a VST3 that behaves like its name: `build("Good")`, `build("Crasher")`; see src/Synth.cpp."""
    if not (DPF / "distrho").is_dir():
        pytest.skip(f"no {DPF}: apt install dpf-source")
    folder = tmp_path_factory.mktemp("vst3")

    def built(name: str) -> Plugin:
        bundle = folder / f"{name}.vst3"
        library = bundle / "Contents" / "x86_64-linux" / f"{name}.so"
        if not library.exists():
            library.parent.mkdir(parents=True)
            named = [f"-D{name.upper()}", f'-DNAME="{name}"', f"-DID='{name[0]}'"]
            includes = [f"-I{place}" for place in (SOURCES, DPF / "distrho", DPF / "dgl")]
            main, symbols = DPF / "distrho" / "DistrhoPluginMain.cpp", DPF / "utils" / "symbols" / "vst3.version"
            sources = [str(SOURCES / "Synth.cpp"), str(main), f"-Wl,--version-script={symbols}"]
            subprocess.run(["g++", *FLAGS, *named, *includes, "-o", str(library), *sources], check=True)
        return find(str(bundle))

    return built


def installed(engine: str) -> str:
    """The name of an engine, or a skip that says how to get it."""
    if not find_spec(engine):
        pytest.skip(f"{engine} is not installed: {ENGINES[engine].fix}")
    return engine


@pytest.fixture(scope="session")
def pedalboard() -> str:
    return installed("pedalboard")


@pytest.fixture(scope="session")
def dawdreamer() -> str:
    return installed("dawdreamer")


@pytest.fixture(params=["pedalboard", "dawdreamer"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn."""
    return installed(request.param)


@pytest.fixture(scope="session")
def shared_host() -> Iterator[Host]:
    with Host(IMPATIENT) as host:
        yield host


@pytest.fixture
def host(shared_host: Host) -> Host:
    """One that has served many other tests, as in life."""
    return shared_host
