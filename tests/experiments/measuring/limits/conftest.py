from __future__ import annotations

import pytest

from experiments.measuring.limits.interface import Backend
from experiments.measuring.limits.select import backends
from experiments.measuring.profiles import Profile


@pytest.fixture
def profile() -> Profile:
    return Profile(name="4gb", description="", memory_bytes=4 * 2**30, swap_bytes=0, cpus=2)


@pytest.fixture(scope="session")
def small() -> Profile:
    return Profile(name="small", description="", memory_bytes=64 * 2**20, swap_bytes=0, cpus=1)


@pytest.fixture(scope="session")
def real(small: Profile) -> Backend:
    """The backend that makes groups on this very machine."""
    asked = [(each, each.availability(small)) for each in backends() if each.name != "enclosing"]
    for backend, availability in asked:
        if availability.usable:
            return backend
    pytest.skip("; ".join(f"{each.backend}: {each.reason}" for _, each in asked))
