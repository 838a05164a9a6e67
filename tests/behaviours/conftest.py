from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.behaviours.house import House, open_house
from tests.replaying import assert_everything_replays


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory, redis_socket: str) -> Path:
    """The folder of a house at rest, to copy: setting one up takes longer than most tests."""
    folder = tmp_path_factory.mktemp("house")
    with open_house(folder, f"sqlite:///{folder / 'wissel.db'}", f"unix://{redis_socket}"):
        pass
    return folder


@pytest.fixture
def house(tmp_path: Path, furnished: Path, redis_url: str) -> Iterator[House]:
    """A whole house at rest, with the demo's outlets, articles and stock. What it decided is replayed at the end."""
    folder = tmp_path / "house"
    shutil.copytree(furnished, folder)
    with open_house(folder, f"sqlite:///{folder / 'wissel.db'}", redis_url) as opened:
        yield opened
        assert_everything_replays(opened.services.database)
