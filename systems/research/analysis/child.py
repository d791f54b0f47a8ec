"""The far side of an analysis: a process that oversees, one that waits, and one that works. None imports this project.

``PYTHON -I -S -u child.py CONTROL RESULT UNTIL MEMORY APART PROGRAM FUNCTION``: the articles come as JSON on standard
input; what ``FUNCTION`` of the file ``PROGRAM`` makes of them goes as JSON to the descriptor ``RESULT``, so that
whatever else is printed cannot be taken for it.

The *overseer* never runs the program. It ends everything when the work is done, at the moment ``UNTIL`` of the
machine's monotonic clock, or when the other end of ``CONTROL`` is closed, which happens too when the agent is killed.
Then it says on ``CONTROL`` how it ended: ``ended STATUS``, ``late`` or ``stopped``. It adopts orphans, so it finds also
what left its parent, its session and its group. Where it may make a namespace of processes (``APART`` is ``1`` and the
kernel allows it) it is outside: the program cannot even see it, and the kernel ends all that is inside when the *first*
process there ends. That one does nothing but wait for the *worker*, and the kernel kills it when the overseer dies,
whatever killed that: so there is no order of kills that leaves anything behind. Where there is no such namespace, an
overseer killed by force leaves the worker dead, and to the agent what the worker had started.

The worker may have ``MEMORY`` bytes of address space, as may each process that it starts; together they are bounded by
the machine, whose kernel is told to take them before anybody else.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable

# Numbers of the kernel's: the modules that name them take longer to import than all the rest of the start.
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_CLONE_NEWUSER, _CLONE_NEWPID = 0x10000000, 0x20000000
_SIGKILL = 9

# A killed process is gone in milliseconds, unless it waits for a disk, or belongs to somebody else.
_END_WITHIN_S, _LOOK_AGAIN_S = 2.0, 0.001

_MOST_WORDS = 500  # characters of an error's text

Program = Callable[[list[dict[str, str | float]]], object]


def main(arguments: list[str]) -> None:
    """Have the work done in processes below this one, and leave none of them."""
    control, result, until = int(arguments[0]), int(arguments[1]), float(arguments[2])
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    if arguments[4] == "1":
        _into_namespace()
    alive, held = os.pipe()
    first = os.fork()
    if first == 0:
        os.close(held)
        _wait_for_worker(control, result, alive, int(arguments[3]), *arguments[5:])
    for end in (0, result, alive):
        os.close(end)
    ended = os.pidfd_open(first)
    events = select.poll()  # `select` takes no descriptor beyond 1,023, and the agent may have had many
    events.register(control, select.POLLIN)
    events.register(ended, select.POLLIN)
    happened = [descriptor for descriptor, _ in events.poll(max(0.0, until - time.monotonic()) * 1000)]
    if ended not in happened:
        _say(control, "stopped" if happened else "late")
    _end(first)


def _wait_for_worker(control: int, result: int, alive: int, memory_bytes: int, program: str, function: str) -> None:
    """Start the worker, wait for it and say how it ended; never returns."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    # The overseer may have died before that call. Its number says nothing in another namespace; its pipe does.
    overseer = select.poll()
    overseer.register(alive, 0)
    if overseer.poll(0):
        os._exit(1)
    os.setsid()
    parent = os.getpid()
    worker = os.fork()
    if worker == 0:
        os.close(control)
        os.close(alive)
        _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        _work(result, memory_bytes, program, function)
    os.close(0)
    os.close(result)
    ended = 0
    while ended != worker:  # the first process of a namespace is the parent of its orphans
        ended, status = os.waitpid(-1, 0)
    _say(control, f"ended {os.waitstatus_to_exitcode(status)}")
    os._exit(0)


def _work(result: int, memory_bytes: int, program: str, function: str) -> None:
    """Do the work and say what came of it; never returns, unless by an error."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _first_to_be_killed()
    os.set_inheritable(result, False)
    try:
        said = memoryview(_said(program, function))
    except MemoryError:
        said = memoryview(b'{"failed": "out-of-memory"}')
    while said:
        said = said[os.write(result, said) :]
    os._exit(0)  # without waiting for threads, or for what the program wants done at the end


def _said(program: str, function: str) -> bytes:
    """Return, as JSON, the program's report, or what it failed of. Raises MemoryError."""
    import json

    articles = json.load(sys.stdin.buffer)
    try:
        report = loaded(program, function)(articles)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a program may raise anything, and whoever waits for it is told
        return json.dumps({"failed": "crashed", "detail": _words(error)}).encode()
    try:
        # Half of a surrogate pair, which is in no JSON, becomes a question mark.
        return json.dumps({"report": report}, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps({"failed": "no-report", "detail": _words(error)}).encode()


def loaded(program: str, function: str) -> Program:
    """Return a function of a Python file, which is run for it. Raises whatever that does."""
    with open(program, "rb") as file:  # noqa: PTH123 - pathlib takes longer to import than the file to read
        code = compile(file.read(), program, "exec")
    names: dict[str, object] = {"__name__": "analysis", "__file__": program}
    exec(code, names)  # noqa: S102 - a program that the agent was given, or its own
    found = names[function]
    assert callable(found)
    return found


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:_MOST_WORDS].removesuffix(": ")


def _prctl(option: int, value: int) -> None:
    import ctypes

    ctypes.CDLL(None).prctl(option, value)


def _into_namespace() -> None:
    """Have the processes that are started from now on in a namespace of their own, if the kernel allows it."""
    import ctypes

    libc = ctypes.CDLL(None)
    if libc.unshare(_CLONE_NEWPID) != 0:  # who is not root may still be it in a namespace of users
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWPID)


def _first_to_be_killed() -> None:
    """Have the kernel take this process, when memory runs out, before the agent that it works for."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123 - as above
            file.write("1000")
    except OSError:
        return  # it takes whom it likes


def _say(control: int, words: str) -> None:
    try:
        os.write(control, words.encode() + b"\n")
    except OSError:
        return  # the agent is gone


def _end(first: int) -> None:
    """Kill all that is left below this process and wait for it, but no longer than some seconds."""
    give_up = time.monotonic() + _END_WITHIN_S
    _kill(first, os.killpg)  # at once for all that are in its group; its number is taken until it was waited for
    while time.monotonic() < give_up:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return  # nothing is left
        if not ended:
            for pid in _descendants():
                _kill(pid, os.kill)
            time.sleep(_LOOK_AGAIN_S)


def _kill(pid: int, kill: Callable[[int, int], None]) -> None:
    try:
        kill(pid, _SIGKILL)
    except OSError:
        return  # it is gone, or has another owner


def _descendants() -> list[int]:
    """Return the processes below this one: orphans among them, which it adopts."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - as above
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - as above
                    stat = file.read()
            except OSError:
                continue
            # The second field after the name, which may hold spaces and parentheses, is the parent.
            children.setdefault(int(stat.rpartition(b")")[2].split()[1]), []).append(int(name))
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        started = children.get(waiting.pop(), [])
        found += started
        waiting += started
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
