from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.rigs import RIGS
from tests.platforms.house import PlatformHouse, open_platform_house
from tests.platforms.story import lived
from tests.replaying import assert_everything_replays

PLATFORMS = tuple(platform for platform in RIGS if platform != "toy")
"""The toy shop is unknown to rules: nobody sells on it."""

Open = Callable[[str], AbstractContextManager[PlatformHouse]]


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory, redis_socket: str) -> Callable[[str], Path]:
    """The folder of a platform's house at rest, in which one order has lived already; made when it is first asked for."""
    made: dict[str, Path] = {}

    def folder(platform: str) -> Path:
        if platform not in made:
            path = tmp_path_factory.mktemp(platform)
            with open_platform_house(path, platform, f"unix://{redis_socket}") as house:
                lived(house)
            made[platform] = path
        return made[platform]

    return folder


@pytest.fixture(scope="session")
def opened(furnished: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory, redis_socket: str) -> Open:
    """Opens a copy of a platform's furnished house; what was decided in it is replayed when it closes."""

    @contextmanager
    def open_copy(platform: str) -> Iterator[PlatformHouse]:
        folder = tmp_path_factory.mktemp(f"{platform}-copy") / "house"
        shutil.copytree(furnished(platform), folder)
        with open_platform_house(folder, platform, f"unix://{redis_socket}") as house:
            yield house
            assert_everything_replays(house.house.services.database)

    return open_copy


@pytest.fixture(scope="module", params=PLATFORMS)
def house(request: pytest.FixtureRequest, opened: Open) -> Iterator[PlatformHouse]:
    """A platform's house for all tests of a module, in which order after order lives."""
    with opened(request.param) as found:
        yield found


@pytest.fixture(scope="module")
def usual(house: PlatformHouse) -> dict[str, Any]:
    """What an order comes to when nothing goes wrong."""
    return lived(house)
