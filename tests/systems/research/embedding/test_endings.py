"""No process outlives what it was started for, whenever and however that ends."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress

import psutil
import pytest

from systems.errors import EngineBusy
from systems.research.embedding.relevance import make_relevance
from tests.systems.engines.embedding.small import encoder

_VARIABLE = "STARTED_BY"
"""Whoever has this in its environment was started by one of these tests, directly or not."""

# Work without end: every request is answered, every second one given up, and now and then all is closed and begun anew.
_PARENT = """
import asyncio, sys
from systems.research.embedding.relevance import make_relevance

async def main(pattern, model):
    while True:
        relevance = make_relevance(pattern, model or None, workers=2)
        print("begins", flush=True)
        for number in range(4):
            request = asyncio.create_task(relevance.scores("the cat", [f"dog {each}" for each in range(200)]))
            if number % 2:
                await asyncio.sleep(0.005)
                request.cancel()
            await asyncio.wait({request})
        print("worked", flush=True)
        await relevance.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(encoder(tmp_path_factory.mktemp("model") / "small.gguf"))


def started_by(name):
    """Return what runs of ``name``: its processes, theirs, and what helps the standard library with its own."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(_VARIABLE) == name:
                found.append(process)
    return found


def workers_of(name):
    """Return what makes relevance for ``name``: not the helper of a pool, which stays as long as the program."""
    found = []
    for process in started_by(name):
        with suppress(psutil.Error):
            if "resource_tracker" not in " ".join(process.cmdline()):
                found.append(process)
    return found


def parent(pattern, model):
    name = uuid.uuid4().hex
    process = subprocess.Popen(
        [sys.executable, "-c", _PARENT, pattern, model],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, _VARIABLE: name, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    return process, name


def end(process, name, ending):
    """End the parent, and return what is left when all that notices has had time to."""
    process.send_signal(ending)
    process.wait(30)
    process.stdout.close()
    psutil.wait_procs(started_by(name), timeout=30)
    return started_by(name)


@pytest.mark.parametrize("pattern", ["processes", "shared"])
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_whatever_ends_the_parent_at_work_nothing_is_left(pattern, ending, model):
    process, name = parent(pattern, model)
    assert process.stdout.readline() == b"begins\n"
    assert process.stdout.readline() == b"worked\n"
    assert end(process, name, ending) == []


@pytest.mark.parametrize("pattern", ["processes", pytest.param("shared", marks=pytest.mark.long)])
def test_whenever_the_parent_is_killed_nothing_is_left(pattern, model):
    moments = random.Random(f"moments {pattern}")
    parents = [parent(pattern, "" if number % 2 else model) for number in range(4)]
    for process, _ in parents:
        assert process.stdout.readline() == b"begins\n"
    # Some while their processes start, some at work, some when all is closed: no event tells of all these moments.
    for process, name in parents:
        time.sleep(moments.uniform(0, 0.3))
        assert end(process, name, signal.SIGKILL) == []


@pytest.mark.parametrize("pattern", [pytest.param("processes", marks=pytest.mark.long), "shared"])
async def test_whichever_process_is_killed_whenever_requests_are_answered_again(pattern, model, monkeypatch):
    name = uuid.uuid4().hex
    monkeypatch.setenv(_VARIABLE, name)
    moments = random.Random(f"victims {pattern}")
    relevance = make_relevance(pattern, model, workers=2)
    answered = failed = 0
    for _ in range(6):
        requests = [
            asyncio.create_task(relevance.scores(f"the cat {number}", [f"dog {each}" for each in range(60)]))
            for number in range(3)
        ]
        await asyncio.sleep(moments.uniform(0, 0.2))
        for victim in workers_of(name)[:1]:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        for came in await asyncio.gather(*requests, return_exceptions=True):
            assert isinstance(came, (list, EngineBusy)), came
            answered += isinstance(came, list)
            failed += isinstance(came, EngineBusy)
    assert answered + failed == 18
    found = []
    for _ in range(3):  # the last that was killed may still be found out
        with suppress(EngineBusy):
            found = await relevance.scores("the cat", ["the dog"])
    assert len(found) == 1
    await relevance.close()
    assert workers_of(name) == []
