"""A server, and patience short enough for tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inventory.fetching.shelves import Shelves, serving
from motet.inventory.fetching import Patience


@pytest.fixture
def shelves() -> Iterator[Shelves]:
    with serving() as made:
        yield made


@pytest.fixture
def hasty() -> Patience:
    return Patience(quiet=2.0, least=1, tries=3, enough=1 << 20, first_wait=0.01, longest_wait=5.0)


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment without credentials."""
    return {"HOME": str(tmp_path / "home")}
