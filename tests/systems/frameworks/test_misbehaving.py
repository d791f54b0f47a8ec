"""A framework that hangs, dies, forks or prints is an error with a reason, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import psutil
import pytest

from systems.elsewhere import system as elsewhere
from systems.elsewhere.system import Elsewhere
from systems.errors import BadInput, DeadlineExceeded, SystemClosed, SystemFailed
from systems.frameworks.describing import IMPLEMENTATION
from systems.interface import Request
from tests.systems.frameworks import making

AGENT = """
import asyncio, os, subprocess, sys, time

class Agent:
    def __init__(self, settings, engine_url, data_dir): self.data_dir = data_dir
    def start(self): {start}
    async def answer(self, request, on_token):
        {answer}
        return request["text"]
    def close(self): pass
"""

Running = Callable[..., AbstractAsyncContextManager[Elsewhere]]


@pytest.fixture
def examined(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that lets an interpreter import an adapter, and returns the hash of its code."""

    def examine(adapter: str) -> str:
        folder = making.system(tmp_path, adapter=adapter).folder
        return elsewhere.examine("odd", sys.executable, IMPLEMENTATION, {"PYTHONPATH": str(folder)})

    return examine


@pytest.mark.parametrize("module", ["system", "worker"])
def test_a_module_of_its_own_may_have_the_name_of_one_that_lies_beside_the_far_side(
    tmp_path: Path, module: str
) -> None:
    adapter = f"from {module} import mine\nassert mine\n" + AGENT.format(start="pass", answer="pass")
    folder = making.system(tmp_path, adapter=adapter).folder
    (folder / f"{module}.py").write_text("mine = True\n")
    assert elsewhere.examine("odd", sys.executable, IMPLEMENTATION, {"PYTHONPATH": str(folder)})


@pytest.fixture
def running(tmp_path: Path) -> Running:
    """Return a context in which an adapter runs whose `start` and `answer` do these things."""

    @asynccontextmanager
    async def started(*, start: str = "pass", answer: str = "pass") -> AsyncIterator[Elsewhere]:
        folder = making.system(tmp_path, adapter=AGENT.format(start=start, answer=answer)).folder
        system = Elsewhere(
            {},
            "",
            tmp_path,
            interpreter=sys.executable,
            implementation=IMPLEMENTATION,
            environment={"PYTHONPATH": str(folder)},
        )
        await system.start()
        try:
            yield system
        finally:
            await system.close()

    return started


def asked(text: str, deadline_s: float = 20.0) -> Request:
    return Request(id=text, session="a", text=text, deadline_s=deadline_s)


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def ends(pid: int) -> bool:
    """Return whether a process that was killed ends, which it does when the kernel comes to it."""
    for _ in range(100):
        if has_ended(pid):
            return True
        time.sleep(0.05)
    return False


def test_what_it_prints_at_import_and_at_its_end_is_not_what_it_says(examined: Callable[[str], str]) -> None:
    noise = "import atexit, os\nprint('hello')\nos.write(1, b'more')\natexit.register(print, 'bye')\n"
    quiet, loud = examined(making.ECHO), examined(noise + making.ECHO)

    assert len(quiet) == len(loud) == 12
    assert quiet != loud == examined(noise + making.ECHO)


@pytest.mark.parametrize(
    ("import_", "says"),
    [
        ("import no_such_package", "No module named 'no_such_package'"),
        ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
        ("import sys; sys.exit('enough')", "SystemExit: enough"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("import os; os._exit(3)", "ended by status 3"),
        ("class Agent: pass", "has no method start"),
    ],
)
def test_one_that_dies_at_import_is_one_sentence(examined: Callable[[str], str], import_: str, says: str) -> None:
    with pytest.raises(BadInput, match="The system 'odd' ") as caught:
        examined(import_)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_that_hangs_at_import_is_ended_with_what_it_started(
    examined: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(elsewhere, "IMPORTED_WITHIN_S", 1.0)
    with pytest.raises(BadInput, match=r"was not imported .* within 1 s"):
        examined(
            "import subprocess, time\n"
            f"open({str(tmp_path / 'pid')!r}, 'w').write(str(subprocess.Popen(['sleep', '600']).pid))\n"
            "time.sleep(600)"
        )
    assert ends(int((tmp_path / "pid").read_text()))


def test_a_thread_that_never_ends_does_not_keep_it_from_being_examined(examined: Callable[[str], str]) -> None:
    assert examined(f"import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n{making.ECHO}")


async def test_one_that_hangs_in_its_start_is_ended(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "_ENDS_WITHIN_S", 0.2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0), running(start="time.sleep(600)"):
            pytest.fail("it started")


async def test_one_that_hangs_in_an_answer_answers_the_next(running: Running) -> None:
    async with running(answer="await asyncio.sleep(600 * (request['text'] == 'hang'))") as system:
        with pytest.raises(DeadlineExceeded):
            await system.answer(asked("hang", 0.3))
        assert (await system.answer(asked("next"))).text == "next"


async def test_what_it_prints_is_none_of_its_replies(running: Running) -> None:
    shouts = "print('{}'); os.write(1, b'{}\\n'); subprocess.run(['echo', '{}'])"
    async with running(start=shouts, answer=shouts) as system:
        assert (await system.answer(asked("said"))).text == "said"


async def test_what_it_forks_ends_with_it(running: Running) -> None:
    forks = "request['text'] = str(os.fork() or time.sleep(600))"
    async with running(answer=forks) as system:
        pid = int((await system.answer(asked("fork"))).text)
        assert not has_ended(pid)
    assert ends(pid)


async def test_one_that_is_killed_for_its_memory_is_an_error_for_whoever_waits(running: Running) -> None:
    with pytest.raises((SystemFailed, SystemClosed)):
        async with running(answer="os.kill(os.getpid(), 9)") as system:
            with pytest.raises(SystemFailed, match="ended by itself"):
                await system.answer(asked("leak"))
