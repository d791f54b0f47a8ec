from __future__ import annotations

from collections.abc import Iterator

import pytest

from systems.research.fetching import PATTERNS
from tests.systems.research.fetching.hostile import Hostile


@pytest.fixture(params=PATTERNS)
def pattern(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def site() -> Iterator[Hostile]:
    with Hostile() as server:
        yield server
