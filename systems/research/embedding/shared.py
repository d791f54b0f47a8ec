"""One process that holds the encoder for whoever asks here: loaded once, however many ask, and nobody's loop held."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress

from systems.errors import EngineBusy, FourgigError
from systems.research.embedding import frames
from systems.research.embedding.work import RelevanceWork, file_of
from systems.research.embedding.workplace import Workplace

_MODULE = "systems.research.embedding.serving"


class InSharedProcess(Workplace):
    """A process with so many threads, started when the first work comes; one piece after another goes through a pipe.

    When it dies, whoever's piece it was doing is told, and the next work has a new one. It ends with `close`, and with
    this process, however that ends. It is in a session of its own: an interrupt from a terminal is not for it.
    """

    def __init__(self, encoder: str | None, threads: int) -> None:
        super().__init__(1)
        self._encoder, self._threads = encoder, threads
        self._process: asyncio.subprocess.Process | None = None
        self._going: asyncio.Task[bytes | FourgigError] | None = None

    async def start(self) -> None:
        """Start the process, and wait until it has loaded the encoder."""
        async with self.places:
            self.require_open()
            await self._exchanged(None)

    async def done(self, work: RelevanceWork) -> bytes:
        """Do ``work`` in the process."""
        return await self._exchanged(work)

    async def close(self) -> None:
        """Kill the process: it holds nothing that anybody would miss."""
        self.closed = True
        self._kill()
        if self._going is not None:
            await asyncio.wait({self._going})
        await self._end()

    async def _exchanged(self, work: RelevanceWork | None) -> bytes:
        # Of one who left, the process still does the piece, and answers in order.
        if self._going is not None:
            await asyncio.wait({self._going})
        self.require_open()
        self._going = asyncio.create_task(self._exchange(work), name="relevance")
        came = await asyncio.shield(self._going)
        if isinstance(came, FourgigError):
            self.require_open()  # that it ended is no fault where it was killed
            raise came
        return came

    async def _exchange(self, work: RelevanceWork | None) -> bytes | FourgigError:
        """Return what comes of ``work``, of None that there is a process; an error too: perhaps nobody waits."""
        try:
            process = await self._running()
            if work is None:
                return b""
            assert process.stdin is not None
            process.stdin.write(frames.packed(work))
            return await self._answer(process)
        except FourgigError as error:
            return error

    async def _running(self) -> asyncio.subprocess.Process:
        """Return the process, started if there is none, which has loaded the encoder. Raises `FourgigError`."""
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self._end()
        encoder = await asyncio.to_thread(file_of, self._encoder)
        arguments = [str(os.getpid()), str(self._threads), *([encoder] if encoder else [])]
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                _MODULE,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
                # Its working directory is no part of where it looks for code, as it is for none of the lab's processes.
                env={**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        except OSError as error:
            raise EngineBusy(f"The process that makes relevance could not be started: {error.strerror}.") from error
        self.require_open()  # `close` may have come before there was anything to kill, and ends it now
        try:
            await self._answer(process)
        except FourgigError:
            await self._end()  # it has said why it cannot load the encoder, and stays for nothing
            raise
        return process

    async def _answer(self, process: asyncio.subprocess.Process) -> bytes:
        """Return what the process says next. Raises `EngineBusy` where it says nothing any more, or its error."""
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            await process.stdin.drain()
            return (await frames.answered(process.stdout)).result()
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            await self._end()
            raise EngineBusy(
                f"The process that made relevance ({process.pid}) ended by itself; whoever asks again has another."
            ) from error

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def _end(self) -> None:
        """Kill the process, and wait for it."""
        self._kill()
        process, self._process = self._process, None
        if process is not None:
            await process.wait()
            assert process.stdin is not None
            process.stdin.close()
