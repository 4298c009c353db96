"""What every test may ask for: the shared folder, and a skip that says what is absent."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

# Examples are drawn afresh at a desk and fixed in CI, where a failure must be the change's own.
settings.register_profile("motet", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("motet")

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def shared_data() -> Path:
    folder = os.environ.get("MOTET_SHARED") or Path(__file__).parents[2] / "shared"
    return Path(folder).absolute() / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real test files."""
    if not shared_data().is_dir():
        pytest.skip(f"no shared files at {shared_data()}: set MOTET_SHARED")
    return shared_data()


@pytest.fixture(scope="session", autouse=True)
def no_index_of_ones_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests know no songs but their own, and ask no service: answers, limits and the song index lie in the user's cache."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


def missing(mark: pytest.Mark) -> str | None:
    """What a marked test lacks on this machine, in words, or None."""
    if mark.name == "shared" and not shared_data().is_dir():
        return f"no shared files at {shared_data()}: set MOTET_SHARED"
    if mark.name == "browser" and not any(map(shutil.which, CHROMIUM)):
        return "no chromium on the PATH"
    if mark.name == "browser" and not find_spec("playwright"):
        return "playwright is not installed (.ci/extra.lock)"
    if mark.name == "ray" and not find_spec("ray"):
        return "ray is not installed"
    if mark.name == "system" and (absent := [name for name in mark.args if not shutil.which(name)]):
        return f"not on the PATH: {', '.join(absent)}"
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers():
        if lack := missing(mark):
            pytest.skip(lack)
