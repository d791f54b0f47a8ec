"""The near side: a system that runs in another interpreter, as the lab sees it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from systems.engines.interface import Sampling
from systems.errors import BadInput, DeadlineExceeded, NotHeeded, SystemClosed, SystemFailed
from systems.interface import AsyncSystem, Counters, Reply, Request, Source, TokenSink

WORKER = Path(__file__).with_name("worker.py")

# The longest line that either side says, in bytes: a request's text and some.
_LONGEST_LINE = 1 << 24

# What a request says in any case, besides what it must; the rest only where a client asks for it.
_ALWAYS_TOLD = {"max_tokens": None, "deadline_s": None, "observed": None}

# Seconds: until what a process said before it ended has been read, and until one that is closed must have ended.
_LAST_WORDS_S, _ENDS_WITHIN_S = 0.2, 10.0

IMPORTED_WITHIN_S = 120.0
"""Seconds that importing a system may take: some bring hundreds of packages, on a machine that is slow."""


def command(interpreter: str, implementation: str) -> list[str]:
    """Return the arguments that run the system. Raises `BadInput` where there is no such interpreter."""
    try:
        path = Path(interpreter).expanduser()
    except RuntimeError:  # "~" of nobody here
        path = Path(interpreter)
    if not path.is_file():
        raise BadInput(f"There is no interpreter {interpreter}: it is to run {implementation}.")
    return [str(path), str(WORKER), implementation]


def examine(name: str, interpreter: str, implementation: str, environment: Mapping[str, str] = {}) -> str:
    """Let the interpreter import the system called ``name``, and return a hash of its code.

    Raises `BadInput`, which says in a sentence why it is none, also where importing it does not end.
    """
    python, worker, address = command(interpreter, implementation)
    try:
        done = _ran([python, worker, "--check", address], {**os.environ, **environment})
    except subprocess.TimeoutExpired as error:
        said = f"The system {name!r} was not imported by {interpreter} within {IMPORTED_WITHIN_S:g} s."
        raise BadInput(said) from error
    except OSError as error:
        said = f"The interpreter {interpreter} of the system {name!r} cannot be run: {error.strerror}."
        raise BadInput(said) from error
    if done.returncode:
        # What it says itself is on its standard output; one that dies has last words at most.
        lines = [line.strip() for line in (done.stdout.strip() or done.stderr).splitlines() if line.strip()]
        raise BadInput(f"The system {name!r} {lines[-1] if lines else _silent(done.returncode)}.")
    if not done.stdout.split():
        raise BadInput(f"The interpreter {interpreter} of the system {name!r} says nothing: it is no Python.")
    return done.stdout.split()[-1]


def _silent(status: int) -> str:
    by = f"signal {-status}" if status < 0 else f"status {status}"
    return f"cannot be imported: its interpreter was ended by {by}"


def _ran(command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run ``command`` to its end, or end it and all that it started. Raises `subprocess.TimeoutExpired`, `OSError`."""
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        ) as process,
    ):
        try:
            status = process.wait(IMPORTED_WITHIN_S)
        finally:
            with suppress(ProcessLookupError):  # it left nobody behind
                os.killpg(process.pid, signal.SIGKILL)
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode("utf-8", "replace"))
    return subprocess.CompletedProcess(command, status, *said)


class _Said(msgspec.Struct):
    """One line of the far side's: a piece of text, or the value or the error that a number was answered with."""

    number: int
    token: str | None = None
    value: Any = None
    error: str | None = None
    message: str = ""


_said = msgspec.json.Decoder(_Said)


def _check_heeds(request: Request) -> None:
    """Refuse what the far side would perhaps ignore, where the reply would be another for it. Raises `NotHeeded`."""
    sampling = request.sampling or Sampling()
    asked = {
        "grammar": request.grammar is not None,
        "likeliest": request.likeliest is not None,
        "stop": bool(sampling.stop),
        "logit_bias": bool(sampling.logit_bias),
    }
    for field, is_asked in asked.items():
        if is_asked:
            raise NotHeeded(field, f"be asked for `{field}`: nobody knows whether a system elsewhere heeds it")


class Elsewhere(AsyncSystem):
    """Passes every call on to a process of another interpreter, and the tokens and the reply back."""

    summary: ClassVar[str] = "a system in another interpreter"
    Settings: ClassVar[type[msgspec.Struct]] = msgspec.Struct

    def __init__(
        self,
        settings: Mapping[str, Any],
        engine_url: str,
        data_dir: Path,
        *,
        interpreter: str,
        implementation: str,
        environment: Mapping[str, str] = {},
    ) -> None:
        self._start_with = {"settings": dict(settings), "engine_url": engine_url, "data_dir": str(data_dir)}
        self._command = command(interpreter, implementation)
        self._environment = {**os.environ, **environment}
        self._implementation = implementation
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._waiting: dict[int, tuple[asyncio.Future[Any], TokenSink | None]] = {}
        self._number = 0
        self._closed = False
        self._counters = Counters()

    async def start(self) -> None:
        """Start the process and the system in it. Raises `SystemFailed`."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
            env=self._environment,
            start_new_session=True,
        )
        self._reading = asyncio.create_task(self._read(self._process), name="elsewhere")
        self._notice_the_end_of(self._process.pid)
        try:
            await self._do("start", self._start_with)
        except BaseException:
            await self._end()
            raise

    async def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        """Answer one request there. Raises `NotHeeded`, `SystemFailed`, `SystemClosed` and `DeadlineExceeded`."""
        if self._process is None or self._closed:
            raise SystemClosed(f"The system {self._implementation} is not running.")
        _check_heeds(request)
        arrived = time.perf_counter()
        asked = {"request": {**_ALWAYS_TOLD, **msgspec.to_builtins(request)}, "stream": on_token is not None}
        try:
            async with asyncio.timeout(request.deadline_s):
                value = await self._do("answer", asked, on_token)
        except TimeoutError as error:
            self._counters.deadline_exceeded += 1
            raise DeadlineExceeded(f"No reply within {request.deadline_s:g} s.") from error
        try:
            reply = msgspec.convert({"request_id": request.id, "source": Source.MODEL, **value}, Reply)
        except (msgspec.ValidationError, TypeError) as error:
            raise SystemFailed(f"The system {self._implementation} answered what is no reply: {error}.") from error
        self._counters.turns += 1
        self._counters.generations += 1
        self._counters.prompt_tokens += reply.prompt_tokens
        return msgspec.structs.replace(reply, total_s=time.perf_counter() - arrived)

    def counters(self) -> Counters:
        """Return what was counted here."""
        return self._counters

    async def close(self) -> None:
        """Close the system there, and wait for its process. Raises `SystemFailed` if it could not close."""
        if self._process is None or self._closed:
            return
        self._closed = True
        try:
            await self._do("close", {})
        finally:
            await self._end()

    async def _do(self, what: str, told: Mapping[str, Any], on_token: TokenSink | None = None) -> Any:
        self._number += 1
        number = self._number
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = done, on_token
        try:
            self._say({"number": number, "do": what, **told})
            return await done
        except asyncio.CancelledError:
            self._say({"cancel": number})
            raise
        finally:
            del self._waiting[number]

    def _say(self, line: Mapping[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None or self._ended.is_set():
            raise SystemClosed(f"The process of the system {self._implementation} has ended.")
        with suppress(ConnectionError):  # the reader tells whoever waits
            process.stdin.write(msgspec.json.encode(line) + b"\n")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            await self._pass_on(process.stdout)
        except (ValueError, msgspec.MsgspecError) as error:  # no line of ours, one without end, or no text at all
            self._fail(SystemFailed(f"The process of the system {self._implementation} said what is no line: {error}."))

    async def _pass_on(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            said = _said.decode(line)
            waiting = self._waiting.get(said.number)
            if waiting is None or waiting[0].done():
                continue  # nobody waits for it any more
            done, on_token = waiting
            if said.token is not None:
                if on_token is not None:
                    on_token(said.token)
            elif said.error is not None:
                done.set_exception(SystemFailed(f"{self._implementation}: {said.error}: {said.message}"))
            else:
                done.set_result(said.value)

    def _notice_the_end_of(self, pid: int) -> None:
        """Fail whoever waits when the process ends: a worker that it forked may hold its pipes open for ever."""
        loop, descriptor = asyncio.get_running_loop(), os.pidfd_open(pid)

        def ended() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            self._ended.set()
            error = SystemFailed(f"The process of the system {self._implementation} ended by itself.")
            # What it said last may still be in the pipe.
            loop.call_later(_LAST_WORDS_S, self._fail, error)

        loop.add_reader(descriptor, ended)

    def _fail(self, error: SystemFailed) -> None:
        for done, _ in self._waiting.values():
            if not done.done():
                done.set_exception(error)

    async def _end(self) -> None:
        process, reading = self._process, self._reading
        assert process is not None
        assert reading is not None
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_ENDS_WITHIN_S):
                await self._ended.wait()
        except TimeoutError:
            process.kill()
            await self._ended.wait()
        with suppress(ProcessLookupError):  # it left nobody behind
            os.killpg(process.pid, signal.SIGKILL)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
