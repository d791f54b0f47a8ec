"""What the benchmarks of the parts share: an event loop that they can call, and a memory file with something in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.grading.stores import planted
from systems.memory.fulltext import FullTextStore
from systems.memory.keywords import Keywords
from systems.memory.schema import SavedTurn
from tests.benchmarks.retrieval import messages

MEMORIES = 10_000


@pytest.fixture
def run() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """Run coroutines to their end, all in one loop, as `asyncio.Runner.run` does."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="session")
def keywords() -> Keywords:
    """Return the segmenter of the asynchronous agent, loaded."""
    loaded = Keywords(fast=True)
    loaded.load()
    return loaded


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Return messages in English and Chinese, in turn."""
    return list(messages(0, MEMORIES))


@pytest.fixture(scope="session")
def remembered(keywords: Keywords, texts: list[str]) -> list[SavedTurn]:
    """Return the messages as one session's turns."""
    return planted(keywords, texts)


@pytest.fixture(scope="session")
def memory_file(remembered: list[SavedTurn], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with these turns, which both stores read."""
    path = tmp_path_factory.mktemp("memory") / "memory.sqlite"

    async def fill() -> None:
        store = FullTextStore(path)
        await store.open()
        await store.save(remembered)
        await store.close()

    asyncio.run(fill())
    return path
