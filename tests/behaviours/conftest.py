from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.behaviours.house import House, build_house


@pytest.fixture
def house(tmp_path: Path, redis_url: str) -> Iterator[House]:
    """A whole house at rest, with the demo's outlets, articles and stock."""
    with build_house(tmp_path, f"sqlite:///{tmp_path / 'wissel.db'}", redis_url) as built:
        yield built
