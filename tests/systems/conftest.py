"""jieba takes half a second to load: the systems of these tests share one loaded copy of it."""

import pytest

from systems.memory.keywords import Keywords


@pytest.fixture(scope="session")
def loaded_keywords() -> Keywords:
    keywords = Keywords()
    keywords.load()
    return keywords


@pytest.fixture(autouse=True)
def _shared_keywords(loaded_keywords, monkeypatch):
    monkeypatch.setattr(Keywords, "load", lambda self: self.__dict__.update(loaded_keywords.__dict__))
