"""What every test may use: a cache of its own, a very small model made once a session, and a real one."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# No test looks at the wall clock, Hypothesis's neither: on a busy machine a first example may take half a second.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# Of the thousand processes that tests start, each would compile the lab anew where bytecode is not to be written.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_CACHE_OF_THIS_MACHINE = os.environ.get("FOURGIG_CACHE")

TAKES_LONG = "takes long: `nox -s tests -- --long` runs it too"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests that take long as well, marked 'long'")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what takes long, unless it is asked for: here, so that no fixture is made for it."""
    if not config.getoption("--long"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason=TAKES_LONG))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Ten thousand tests, and all they import, stay to the end: no collection of garbage looks at them any more."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests, and the processes they start, away from the user's cache."""
    before = os.environ.get("FOURGIG_CACHE")
    os.environ["FOURGIG_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["FOURGIG_CACHE"]
    else:
        os.environ["FOURGIG_CACHE"] = before


@pytest.fixture(scope="session", autouse=True)
def _vocabularies_built_once() -> Iterator[None]:
    """Build a made model's vocabulary, which takes a second or two, once for each size."""
    from systems.models import tokenizer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokenizer, "build", functools.cache(tokenizer.build))
        yield


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a real GGUF file of half a megabyte, which llama.cpp runs in well under a millisecond a token.

    A copy: of the file that trials read, no page may be mapped here, or a trial could not read it from the disk.
    """
    from systems.models.find import ensure

    return Path(shutil.copy(ensure("tiny", "q8_0", 0), tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the real model, in the quantisation that is used by default, as a GGUF file of the session's own.

    It is fetched once a machine, into the cache that the tests were started with: 93 MB are not fetched for every
    session. Where they cannot be fetched, the test is skipped.
    """
    from systems.models.fetching import CannotFetch
    from systems.models.find import resolve

    with pytest.MonkeyPatch.context() as patch:
        if _CACHE_OF_THIS_MACHINE is None:
            patch.delenv("FOURGIG_CACHE")
        else:
            patch.setenv("FOURGIG_CACHE", _CACHE_OF_THIS_MACHINE)
        try:
            kept = resolve("smollm2").path
        except CannotFetch as error:
            pytest.skip(str(error))
    return Path(shutil.copy(kept, tmp_path_factory.mktemp("smollm2")))


@pytest.fixture(scope="session")
def embedding_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what gives the GGUF file of a published embedding model by its name, a copy of the session's own.

    It is fetched and converted once a machine, as `smollm2` is; where that cannot be done, the test is skipped.
    """
    from systems.models.embeddings import resolve
    from systems.models.fetching import CannotFetch

    def found(name: str) -> Path:
        with pytest.MonkeyPatch.context() as patch:
            if _CACHE_OF_THIS_MACHINE is None:
                patch.delenv("FOURGIG_CACHE")
            else:
                patch.setenv("FOURGIG_CACHE", _CACHE_OF_THIS_MACHINE)
            try:
                kept = resolve(name).path
            except CannotFetch as error:
                pytest.skip(str(error))
        return Path(shutil.copy(kept, tmp_path_factory.mktemp("embedding")))

    return found
