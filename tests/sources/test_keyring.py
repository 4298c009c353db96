"""A key may lie in the system's keyring instead of the environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from motet.errors import UserError
from motet.sources import source

keyring = pytest.importorskip("keyring", reason="keyring is not installed (.ci/extra.lock)")
backend = pytest.importorskip("keyring.backend")


class InMemory(backend.KeyringBackend):  # type: ignore[misc, name-defined]
    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def kept() -> Iterator[InMemory]:
    before, mine = keyring.get_keyring(), InMemory()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


def test_a_key_that_the_environment_lacks_is_taken_from_the_keyring(kept: InMemory) -> None:
    with pytest.raises(UserError, match="keyring set motet LASTFM_API_KEY"):
        source("lastfm", {})
    kept.set_password("motet", "LASTFM_API_KEY", "planted-key-4711")
    assert "planted" not in repr(source("lastfm", {}))
