"""Dictionaries take a second to load: the systems of these tests share one loaded copy of each."""

import pytest

from systems.memory import archive, fulltext, rewriting
from systems.memory.keywords import Keywords


@pytest.fixture(scope="session")
def dictionaries() -> dict[bool, Keywords]:
    """Loaded keywords, by whether they are fast."""
    loaded = {fast: Keywords(fast=fast) for fast in (False, True)}
    for keywords in loaded.values():
        keywords.load()
    return loaded


@pytest.fixture(scope="session")
def loaded_keywords(dictionaries) -> Keywords:
    return dictionaries[False]


@pytest.fixture(autouse=True)
def _shared_keywords(dictionaries, monkeypatch):
    monkeypatch.setattr(Keywords, "load", lambda self: self.__dict__.update(dictionaries[self._fast].__dict__))


@pytest.fixture
def impatient(monkeypatch):
    """Have nobody wait for long for somebody else who has the memory file."""
    for module in (archive, fulltext, rewriting):
        monkeypatch.setattr(module, "BUSY_S", 0.1)
