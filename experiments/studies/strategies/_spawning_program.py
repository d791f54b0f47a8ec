"""A parent that has tasks done in processes: run by its path, with a plan as its argument, it prints what it saw.

Its twin for other runtimes is ``_spawning_program.cjs``: the same ways, the same plan, the same answer. It is run by
its path, as every worker is, so that a worker loads this file and what a task needs, and nothing of the lab. Before the
answer it prints two words, a line each, and goes on when a line comes: then nothing is under way, and it is looked at.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

LOADED = ("asyncio", "sqlite3", "urllib.request")
"""What a worker loads before its first task: a loop, a store and a client, as an agent's does."""

_BLOCK = bytes(1024)

Plan = dict[str, Any]
Reply = dict[str, Any]
Way = Callable[[Plan], Reply]


def load() -> None:
    """Load what a worker needs."""
    for name in LOADED:
        importlib.import_module(name)


def work(task: Plan) -> Reply:
    """Return the last of ``task["hashes"]`` SHA-256, each of 1 KiB and the one before, and the seconds they took."""
    began = time.perf_counter()
    digest = task["text"].encode()
    for _ in range(task["hashes"]):
        digest = hashlib.sha256(_BLOCK + digest).digest()
    return {"digest": digest.hex(), "work_s": time.perf_counter() - began}


def answer_once(connection: Any) -> None:
    """Do the one task that comes over ``connection``: what a forked process is for."""
    load()
    connection.send(work(connection.recv()))
    connection.close()


def main() -> None:
    """Do one task from the standard input, or drive a plan."""
    if sys.argv[1] == "task":
        load()
        json.dump(work(json.load(sys.stdin)), sys.stdout)
    else:
        json.dump(drive(json.loads(sys.argv[1])), sys.stdout)


def drive(plan: Plan) -> Reply:
    """Have tasks done in the plan's way for so many seconds, and return when each was asked for and answered."""
    held = bytearray(plan["parent_mib"] << 20)
    held[::4096] = b"x" * len(held[::4096])  # a page is the parent's when it was written
    with WAYS[plan["way"]](plan) as (way, processes):
        return {**_offered(way, plan), "processes": processes()}


def _offered(way: Way, plan: Plan) -> Reply:
    """Have each caller ask once, and then, when all have their answer, again and again for so many seconds.

    So what is kept has been started before that. A caller asks at least twice.
    """
    from concurrent.futures import ThreadPoolExecutor

    task = {"text": "x" * 1000, "hashes": plan["hashes"]}
    wanted = work(task)["digest"]
    rows: list[tuple[float, float]] = []
    work_s: list[float] = []
    began, goes_on = time.perf_counter(), 0.0

    def look() -> None:
        nonlocal goes_on
        _looked_at("serving")
        goes_on = time.perf_counter() - began

    together = threading.Barrier(plan["callers"], look)

    def ask() -> float:
        asked = time.perf_counter() - began
        reply = way(task)
        answered = time.perf_counter() - began
        if reply["digest"] != wanted:
            raise ValueError("a task was answered with the result of another")
        rows.append((asked, answered))
        work_s.append(reply["work_s"])
        return answered

    def call() -> None:
        try:
            ask()
            together.wait()
            while ask() < goes_on + plan["seconds"]:
                pass
        except threading.BrokenBarrierError:  # another caller failed, and says so
            return
        except BaseException:
            together.abort()
            raise

    with ThreadPoolExecutor(plan["callers"]) as callers:
        for calling in [callers.submit(call) for _ in range(plan["callers"])]:
            calling.result()
    _looked_at("served")
    return {"rows": rows, "goes_on_s": goes_on, "work_s": sum(work_s) / len(work_s)}


def _looked_at(moment: str) -> None:
    """Say which moment it is, and return when it has been looked at."""
    print(moment, flush=True)
    sys.stdin.readline()


@contextmanager
def _places(plan: Plan, one: Way) -> Iterator[Way]:
    """Have so many tasks done by ``one`` at once; the others wait in the order in which they came."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(plan["workers"]) as places:
        yield lambda task: places.submit(one, task).result()


@contextmanager
def _spawned(plan: Plan) -> Iterator[tuple[Way, Callable[[], int]]]:
    """Start an interpreter for every task, as many at once as there are places."""
    started: list[int] = []

    def one(task: Plan) -> Reply:
        started.append(1)
        command = [sys.executable, "-P", __file__, "task"]
        done = subprocess.run(command, input=json.dumps(task).encode(), stdout=subprocess.PIPE, check=True)
        reply: Reply = json.loads(done.stdout)
        return reply

    with _places(plan, one) as way:
        yield way, lambda: len(started)


@contextmanager
def _forked(plan: Plan) -> Iterator[tuple[Way, Callable[[], int]]]:
    """Fork a process for every task from one that has loaded what tasks need."""
    import multiprocessing
    from multiprocessing.connection import wait

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(LOADED))
    started: list[int] = []
    # To start one looks whether others have ended, and reads what another thread waits for.
    alone = threading.Lock()

    def one(task: Plan) -> Reply:
        ours, theirs = context.Pipe()
        process = context.Process(target=answer_once, args=(theirs,))
        with alone:
            started.append(1)
            process.start()
        theirs.close()
        ours.send(task)
        reply: Reply = ours.recv()
        wait([process.sentinel])
        with alone:
            process.join()
            process.close()
        ours.close()
        return reply

    with _places(plan, one) as way:
        yield way, lambda: len(started)


@contextmanager
def _pool(plan: Plan) -> Iterator[tuple[Way, Callable[[], int]]]:
    """Keep workers, and start each when there is a task and no idle one; ``warm`` starts and loads them before."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, wait

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(plan["workers"], context, initializer=load) as pool:
        if plan["warm"]:
            # One task each: a worker that waits for the others takes no second one.
            wait([pool.submit(time.sleep, 0.1) for _ in range(plan["workers"])])
        yield lambda task: pool.submit(work, task).result(), lambda: len(multiprocessing.active_children())


@contextmanager
def _echo(_: Plan) -> Iterator[tuple[Way, Callable[[], int]]]:
    """Start a small program for every task and read what it says."""
    started: list[int] = []

    def way(task: Plan) -> Reply:
        started.append(1)
        subprocess.run(["/bin/echo", "hi"], stdout=subprocess.PIPE, check=True)
        return work(task)

    yield way, lambda: len(started)


WAYS = {"spawned": _spawned, "forked": _forked, "pool": _pool, "echo": _echo}

if __name__ == "__main__":
    main()
