"""What is shared among processors comes back as it would from one."""

import os
from functools import partial

import pytest

from experiments.errors import StorageError
from experiments.report import processors


def failing() -> None:
    raise StorageError("There is no room.")


@pytest.fixture(params=[{0}, {0, 1, 2}], ids=["one processor", "three"])
def shared(request, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: request.param)
    return processors.shared


def test_each_job_finds_all_as_it_is_here_and_results_keep_their_order(shared):
    held = {"seven": 7}
    assert shared([partial(lambda number: number * held["seven"], number) for number in range(20)]) == [
        7 * number for number in range(20)
    ]
    assert shared([]) == []


def test_what_a_job_raises_is_raised_and_the_next_jobs_are_done(shared):
    with pytest.raises(StorageError, match="no room"):
        shared([failing, *[int] * 5])
    assert shared([int, int]) == [0, 0]
