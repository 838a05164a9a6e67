from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.adapters.rigs import RIGS
from tests.platforms.house import PlatformHouse, open_platform_house
from tests.platforms.story import lived
from tests.replaying import assert_everything_replays

PLATFORMS = tuple(platform for platform in RIGS if platform != "toy")
"""The toy shop is unknown to rules: nobody sells on it."""


@pytest.fixture(scope="package", params=PLATFORMS)
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, redis_socket: str
) -> Iterator[PlatformHouse]:
    """A platform's house for all tests here, since opening one takes longer than most tests. One order has lived
    in it, so that what only the first one does is done. What was decided in it is replayed in the end."""
    folder = tmp_path_factory.mktemp(request.param)
    with open_platform_house(folder, request.param, f"unix://{redis_socket}") as opened:
        lived(opened)
        yield opened
        assert_everything_replays(opened.house.services.database)


@pytest.fixture(scope="package")
def usual(house: PlatformHouse) -> dict[str, Any]:
    """What an order comes to when nothing goes wrong."""
    return lived(house)
