"""The process of one agent, as whoever started it sees it."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from itertools import count

from systems.errors import SystemFailed
from systems.interface import Counters, Reply, Request, TokenSink
from systems.per_process import frames
from systems.per_process.frames import START, AgentClosed, TurnAnswered, TurnAsked, TurnStopped, TurnToken

_COMMAND = (sys.executable, "-m", "systems.per_process.worker")

# Seconds in which a process that was closed must have ended.
_ENDS_WITHIN_S = 10.0


class AgentProcess:
    """A session's agent in a process of its own. Used from one event loop.

    It ends with `close`, and when this process does, however that ends: its input is a pipe whose other end is only
    here. It is in a session of its own, so that an interrupt from a terminal reaches it by `close` alone.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._to, self._from = process.stdin, process.stdout
        self._numbers = count(START + 1)
        self._waiting: dict[int, tuple[asyncio.Future[TurnAnswered], TokenSink | None]] = {}
        self._ended: SystemFailed | None = None
        self._reading = asyncio.create_task(self._read(), name="agent process")
        self.counters = Counters()

    @classmethod
    async def start(cls, made: bytes) -> AgentProcess:
        """Return a process whose agent has started; ``made`` is a frame that says what it is made of.

        Raises what the agent's start raises, and `SystemFailed` where the process could not be started, or ended.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *_COMMAND,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
                # Its working directory is no part of where it looks for code, as it is for none of the lab's processes.
                env={**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        except OSError as error:
            raise SystemFailed(f"A process for a session could not be started: {error.strerror}.") from error
        started = cls(process)
        try:
            await started._done(START, made, None)
        except BaseException:
            await started.end()
            raise
        return started

    @property
    def runs(self) -> bool:
        """Whether it can still be asked."""
        return self._ended is None

    @property
    def is_asked(self) -> bool:
        """Whether somebody waits for it."""
        return bool(self._waiting)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    async def answer(self, request: Request, on_token: TokenSink | None) -> Reply:
        """Answer one request there. Raises what the agent raises, and `SystemFailed` if the process ends."""
        number = next(self._numbers)
        asked = frames.packed(TurnAsked(number, request, on_token is not None))
        try:
            answered = await self._done(number, asked, on_token)
        except asyncio.CancelledError:
            self._say(frames.packed(TurnStopped(number)))
            raise
        assert answered.reply is not None
        return answered.reply

    async def close(self) -> None:
        """Let the agent close, and wait until its process has ended; one that does not end in time is killed."""
        self._say(frames.packed(AgentClosed()))
        with suppress(TimeoutError):
            async with asyncio.timeout(_ENDS_WITHIN_S):
                await self._process.wait()
        await self.end()

    async def end(self) -> None:
        """Kill the process if it still runs, and wait for it."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        self._to.close()
        await self._reading

    async def _done(self, number: int, frame: bytes, on_token: TokenSink | None) -> TurnAnswered:
        if self._ended is not None:
            raise self._ended
        done: asyncio.Future[TurnAnswered] = asyncio.get_running_loop().create_future()
        self._waiting[number] = done, on_token
        try:
            self._say(frame)
            answered = await done
        finally:
            del self._waiting[number]
        if answered.error is not None:
            raise answered.error
        return answered

    def _say(self, frame: bytes) -> None:
        with suppress(ConnectionError):  # whoever reads tells those who wait
            self._to.write(frame)

    async def _read(self) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self._heard(await frames.next_of(self._from))
        self._ended = SystemFailed(f"The process of this session's agent (process {self.pid}) ended by itself.")
        for done, _ in self._waiting.values():
            if not done.done():
                done.set_exception(self._ended)

    def _heard(self, said: TurnToken | TurnAnswered) -> None:
        if isinstance(said, TurnAnswered):
            self.counters = said.counters
        done, on_token = self._waiting.get(said.number, (None, None))
        if done is None or done.done():
            return  # nobody waits for it any more
        if isinstance(said, TurnAnswered):
            done.set_result(said)
        elif on_token is not None:
            on_token(said.text)
