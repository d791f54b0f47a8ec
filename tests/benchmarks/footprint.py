"""What a server of a local model takes in memory: at rest with the model loaded, while it answers, and after unloading.

    python -m tests.benchmarks.footprint [RUNS] [--model NAME] [--beside PYTHON]

One model, a context of as many tokens, one client, and fresh processes for each of six RUNS: *fourgig* as it comes
(the asynchronous agent on the batched engine), *alone* (an engine without an agent, one reply at a time), and, if
``--beside`` names a Python that has llama-cpp-python's extra ``server``, *llama_cpp.server* with the same file. They
take turns.
What is counted is PSS (what is shared is shared out) and private memory of the server's processes, in MiB; while it
answers, the most that was seen in looks ten times a second. With Chromium on the PATH the page is opened too, and what
its browser's processes take more than with an empty one is the page's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil

from experiments.analysis.intervals import Estimate
from systems.models.find import resolve
from tests.systems.server.page.browser import CHROMIUM, browser

CONTEXT, TOKENS, UNLOAD_S = 2048, 200, 5
_START_S, _UNLOADED_S, _LOOK_S = 120.0, 60.0, 0.1
_MIB = 2**20
_ASKED = "Tell a long story of a lighthouse and its keeper, who writes down every ship that passes."


class Takes(NamedTuple):
    """MiB of some processes together."""

    pss: float
    private: float


def main() -> None:
    """Measure, and say what each takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="?", type=int, default=6)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--beside", help="a Python with llama-cpp-python[server]")
    asked = parser.parse_args()
    model = resolve(asked.model).path
    commands: dict[str, Callable[[int, str], list[str]]] = {
        "fourgig": lambda port, data: _fourgig(model, port, data, "asynchronous", "batched"),
        "alone": lambda port, data: _fourgig(model, port, data, "none", "llama"),
    }
    if asked.beside:
        commands["llama_cpp.server"] = lambda port, _: _llama_cpp_server(asked.beside, model, port)
    print(f"{model.name}, {model.stat().st_size / _MIB:.0f} MiB; a context of {CONTEXT:,} tokens; {asked.runs} runs")
    found: dict[tuple[str, str], list[Takes]] = {}
    for run in range(asked.runs):
        # Whoever comes first maps the model's file anew: they take turns.
        names = list(commands)
        for name in names[run % len(names) :] + names[: run % len(names)]:
            for stage, takes in _measured(
                commands[name], pages=name == "fourgig", unloads=name in ("fourgig", "alone")
            ):
                found.setdefault((name, stage), []).append(takes)
                print(f"run {run + 1}: {name}, {stage}: {takes.pss:.1f} MiB, {takes.private:.1f} private", flush=True)
    for (name, stage), each in found.items():
        print(f"{name}, {stage}: {_told([one.pss for one in each])}, {_told([one.private for one in each])} private")


def _told(values: list[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:.1f} MiB"
    low, high = Estimate(values).interval()
    return f"{median(values):.1f} MiB (mean {low:.1f} ... {high:.1f})"


def _fourgig(model: Path, port: int, data: str, system: str, engine: str) -> list[str]:
    options = ["--system", system, "--engine", engine, "--model", str(model), "--port", str(port), "--data", data]
    options += ["--set", f"{engine}.context_tokens={CONTEXT}", "--unload-after", str(UNLOAD_S)]
    return [sys.executable, "-c", "from experiments.commands.cli import main; main()", "serve", *options]


def _llama_cpp_server(python: str, model: Path, port: int) -> list[str]:
    return [python, "-m", "llama_cpp.server", "--model", str(model), "--n_ctx", str(CONTEXT), "--port", str(port)]


def _measured(command: Callable[[int, str], list[str]], *, pages: bool, unloads: bool) -> Iterator[tuple[str, Takes]]:
    with tempfile.TemporaryDirectory() as data, _serving(command, data) as (server, address):
        _ask(address, 8)
        yield "loaded, at rest", _takes([server.pid])
        yield "answering", asyncio.run(_while_answering(server.pid, address))
        if pages and CHROMIUM is not None:
            yield "the page", asyncio.run(_page(address, Path(data) / "chromium"))
        if unloads:
            _wait(lambda: b"fourgig_model_loaded 0.0" in _get(f"{address}/metrics"), _UNLOADED_S)
            yield "unloaded", _takes([server.pid])


@contextmanager
def _serving(command: Callable[[int, str], list[str]], data: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with (Path(data) / "log").open("wb") as log:
        server = subprocess.Popen(command(port, data), stdout=log, stderr=log)
    try:
        _wait(lambda: _listens(server, address, Path(data) / "log"), _START_S)
        yield server, address
    finally:
        server.terminate()
        server.wait(60)


def _listens(server: subprocess.Popen[bytes], address: str, log: Path) -> bool:
    if server.poll() is not None:
        raise SystemExit(f"The server ended: {log.read_text()}")
    return bool(_get(f"{address}/v1/models"))


def _wait(done: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            if done():
                return
        except (URLError, ConnectionError):  # it does not listen yet
            pass
        if time.monotonic() > until:
            raise SystemExit(f"Nothing came of it within {seconds:g} s.")
        time.sleep(_LOOK_S)


def _get(url: str) -> bytes:
    with urlopen(url, timeout=60) as answer:
        return bytes(answer.read())


def _ask(address: str, tokens: int) -> None:
    body = {"messages": [{"role": "user", "content": _ASKED}], "max_tokens": tokens, "temperature": 0}
    headers = {"content-type": "application/json"}
    asked = Request(f"{address}/v1/chat/completions", json.dumps(body).encode(), headers)
    with urlopen(asked, timeout=600) as answer:
        answer.read()


def _takes(pids: list[int]) -> Takes:
    """Return what the processes and those they started take together."""
    pss = private = 0
    for pid in pids:
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            try:
                memory = each.memory_full_info()
            except psutil.NoSuchProcess:
                continue
            pss, private = pss + memory.pss, private + memory.uss
    return Takes(pss / _MIB, private / _MIB)


async def _while_answering(pid: int, address: str) -> Takes:
    answering = asyncio.create_task(asyncio.to_thread(_ask, address, TOKENS))
    most = Takes(0.0, 0.0)
    while not answering.done():
        now = _takes([pid])
        most = Takes(max(most.pss, now.pss), max(most.private, now.private))
        await asyncio.wait([answering], timeout=_LOOK_S)
    await answering
    return most


async def _page(address: str, folder: Path) -> Takes:
    folder.mkdir()
    before = {child.pid for child in psutil.Process().children()}
    async with browser(folder) as chromium, chromium.visitor() as opened:
        [mine] = [child.pid for child in psutil.Process(os.getpid()).children() if child.pid not in before]
        empty = await opened("data:text/html,<p>nothing")
        await _settled(mine)
        without = _takes([mine])
        await empty.go(address)
        await _settled(mine)
        with_page = _takes([mine])
    return Takes(with_page.pss - without.pss, with_page.private - without.private)


async def _settled(pid: int) -> None:
    """Return once what the browser takes has not changed by a MiB for a while, or a longer while has passed."""
    last, quiet = _takes([pid]).private, 0
    for _ in range(100):
        await asyncio.sleep(_LOOK_S)
        now = _takes([pid]).private
        quiet = quiet + 1 if abs(now - last) < 1 else 0
        last = now
        if quiet >= 10:
            return


if __name__ == "__main__":
    main()
