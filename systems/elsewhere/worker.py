"""The far side: runs a system in an interpreter of its own, with nothing but that interpreter's standard library.

``PYTHON worker.py MODULE:CLASS`` speaks in lines of JSON: what the lab says comes on standard input, what the system
says goes to standard output, and everything else that is printed to standard error. ``PYTHON worker.py --check
MODULE:CLASS`` only says whether there is such a system: on standard output one line, a hash of its code, or why not.

The class is made with three arguments: its settings as a dict, the address of an endpoint that speaks OpenAI's format
(up to ``/chat/completions``; the model there is called "default"), and the folder for its memory. It has ``start()``,
``answer(request, on_token)`` and ``close()``, each plain or async. A request is a dict with ``id``, ``session``,
``text``, ``max_tokens`` (None where nobody bounds the reply) and, in a planned trial, ``observed``. Where a client of a
server asks for them, it also has ``conversation`` (its name among those of the session), ``before`` (the messages that
the client says were said before, each with ``role`` and ``content``: they count instead of the system's own history),
``instructions`` (the client's, after the system's own), ``kept`` false (the turn is to leave nothing) and ``sampling``.
``on_token`` takes each piece of text. The answer is the reply's text, or a dict with ``text`` and any of the fields of
the lab's `Reply` that count tokens or name memories. Plain answers are given one at a time; async ones as many at once
as are asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import inspect
import json
import os
import sys
import threading
import time
import traceback
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TextIO

_METHODS = ("start", "answer", "close")


def main() -> None:
    """Run the system that the command line names, until the lab has closed it or gone away."""
    # A script's own folder comes first on the path: what lies there would be taken for a system's module of that name.
    sys.path[:] = [place for place in sys.path if Path(place).resolve() != Path(__file__).resolve().parent]
    # What anything prints must not be taken for what the system says; and a worker that it forks closes its standard
    # input, which must not be the one that a thread of ours is reading: it would wait for that thread for ever.
    told = os.fdopen(os.dup(0), "rb")
    # A text that cannot be encoded (half of a surrogate pair) is the system's own fault, and no reason to say nothing.
    out = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8", errors="replace")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if sys.argv[1] == "--check":
        fault = _fault(sys.argv[2])
        print(fault or _code(sys.argv[2]), file=out, flush=True)
        os._exit(fault is not None)  # whatever threads it has left
    asyncio.run(_Worker(sys.argv[1], told, out).run())


def _fault(address: str) -> str | None:
    """Return what keeps ``address`` from being a system, as a sentence; None if nothing does."""
    try:
        kind = _loaded(address)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever importing meets is told in one line
        return f"cannot be imported by {sys.executable}: {type(error).__name__}: {_words(error)}"
    missing = [name for name in _METHODS if not callable(getattr(kind, name, None))]
    if missing:
        return f"has no method {' and no method '.join(missing)}"
    try:
        inspect.signature(kind).bind({}, "", "")
    except TypeError:
        return "has a constructor that does not take settings, engine_url and data_dir"
    return None


def _words(error: BaseException) -> str:
    """Return what an error says, in one line; saying it is the system's code too, and may fail."""
    try:
        return " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - as above
        return "what it says cannot be read"


def _code(address: str) -> str:
    """Return a hash of the module's whole package, or of its file, and of what was imported from beside it."""
    name = address.partition(":")[0]
    path = Path(str(sys.modules[name].__file__))
    depth = name.count(".") + (path.name == "__init__.py")  # so many folders of the package are above the file
    package = path.parents[depth - 1] if depth else path
    own = set(package.rglob("*.py")) if depth else {path}
    files = [Path(str(getattr(module, "__file__", None))) for module in list(sys.modules.values())]
    # What is installed in this interpreter is somebody else's, and has a version.
    others = {Path(sys.prefix), Path(sys.base_prefix)}
    own |= {file for file in files if package.parent in file.parents and not others & set(file.parents)}
    digest = hashlib.sha256()
    for each in sorted(own):
        digest.update(each.name.encode() + bytes(1) + each.read_bytes())
    return digest.hexdigest()[:12]


def _loaded(address: str) -> Any:
    module, _, name = address.partition(":")
    return getattr(importlib.import_module(module), name)


class _Worker:
    def __init__(self, address: str, told: BinaryIO, out: TextIO) -> None:
        self._address = address
        self._told = told
        self._out = out
        self._writing = threading.Lock()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._system: Any = None

    async def run(self) -> None:
        """Do what each line says; the end of the lines is the end."""
        loop = asyncio.get_running_loop()
        lines: asyncio.Queue[bytes] = asyncio.Queue()

        def read() -> None:
            for line in self._told:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, b"")

        threading.Thread(target=read, daemon=True).start()
        while line := await lines.get():
            said = json.loads(line)
            if "cancel" in said:
                if task := self._tasks.get(said["cancel"]):
                    task.cancel()
                continue
            task = asyncio.create_task(self._handle(said))
            self._tasks[said["number"]] = task
            task.add_done_callback(partial(self._done, said["number"]))
            if said["do"] == "close":
                await task
                return

    def _done(self, number: int, _: asyncio.Task[None]) -> None:
        self._tasks.pop(number, None)

    async def _handle(self, said: dict[str, Any]) -> None:
        number = said["number"]
        try:
            line = self._line({"number": number, "value": await getattr(self, "_" + said["do"])(said)})
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked, on the other side
            traceback.print_exc()
            line = self._line({"number": number, "error": type(error).__name__, "message": _words(error)})
        self._write(line)

    async def _start(self, said: dict[str, Any]) -> None:
        kind = await asyncio.to_thread(_loaded, self._address)
        self._system = kind(said["settings"], said["engine_url"], said["data_dir"])
        await self._call(self._system.start)

    async def _answer(self, said: dict[str, Any]) -> dict[str, Any]:
        number, arrived = said["number"], time.perf_counter()
        first: list[float] = []

        def on_token(text: str) -> None:
            if not first:
                first.append(time.perf_counter() - arrived)
            if said["stream"]:
                self._write(self._line({"number": number, "token": text}))

        if inspect.iscoroutinefunction(self._system.answer):
            reply = await self._system.answer(said["request"], on_token)
        else:
            async with self._one_at_a_time:
                reply = await asyncio.to_thread(self._system.answer, said["request"], on_token)
        reply = {"text": reply} if isinstance(reply, str) else dict(reply)
        if first:
            reply.setdefault("first_token_s", first[0])
        return reply

    async def _close(self, _: dict[str, Any]) -> None:
        await self._call(self._system.close)

    async def _call(self, method: Any) -> Any:
        return await method() if inspect.iscoroutinefunction(method) else await asyncio.to_thread(method)

    def _line(self, what: dict[str, Any]) -> str:
        """Return one line. Raises TypeError or ValueError for what JSON cannot hold."""
        return json.dumps(what, ensure_ascii=False, allow_nan=False)

    def _write(self, line: str) -> None:
        with self._writing:
            self._out.write(line + "\n")


if __name__ == "__main__":
    main()
