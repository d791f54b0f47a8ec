"""The process of one agent: ``python -m systems.per_process.worker``, told over its standard input what to do.

It ends when it is closed, and at once when whoever started it has gone, however that ended and whatever is computed
here just now: the kernel then closes the other end of the pipe.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from typing import BinaryIO

from systems.baseline.agent import Baseline
from systems.errors import FourgigError, SystemFailed, told
from systems.interface import Counters
from systems.per_process import frames
from systems.per_process.frames import AgentClosed, AgentMade, TurnAnswered, TurnAsked, TurnStopped, TurnToken


class _NobodyWaits(Exception):
    """Ends a generation whose caller has left."""


class _Heard:
    """What the process is told, read beside whatever it computes."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._waiting: queue.SimpleQueue[TurnAsked | AgentClosed] = queue.SimpleQueue()
        self._stopped: set[int] = set()

    def listen(self) -> None:
        """Begin to read in a thread of its own, which ends the process when nobody can say anything more."""
        threading.Thread(target=self._listen, name="told", daemon=True).start()

    def next(self) -> TurnAsked | AgentClosed:
        """Return what is to be done next. Blocks."""
        return self._waiting.get()

    def check(self, number: int) -> None:
        """Raise where nobody waits for the reply of ``number`` any more."""
        if number in self._stopped:
            raise _NobodyWaits

    def _listen(self) -> None:
        said: object = None
        try:
            while not isinstance(said, AgentClosed):
                said = frames.read(self._pipe)
                if isinstance(said, TurnStopped):
                    self._stopped.add(said.number)
                elif isinstance(said, (TurnAsked, AgentClosed)):
                    self._waiting.put(said)
        except EOFError:
            # Not by an exception in the main thread: that may be in llama.cpp, which heeds none.
            os._exit(1)


def main() -> None:
    """Make the agent, and answer until it is closed."""
    pipe, out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    # What anything prints must not be taken for what the agent says.
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    try:
        made: AgentMade = frames.read(pipe)
    except EOFError:
        sys.exit(1)
    heard = _Heard(pipe)
    heard.listen()
    agent = Baseline(made.settings, made.engine, made.data_dir)
    try:
        agent.start()
    except FourgigError as error:
        out.write(frames.packed(TurnAnswered(frames.START, Counters(), error=error)))
        return
    out.write(frames.packed(TurnAnswered(frames.START, agent.counters())))
    while isinstance(asked := heard.next(), TurnAsked):
        _answer(agent, asked, heard, out)
    agent.close()


def _answer(agent: Baseline, asked: TurnAsked, heard: _Heard, out: BinaryIO) -> None:
    number = asked.number

    def on_token(text: str) -> None:
        heard.check(number)
        if asked.streams:
            out.write(frames.packed(TurnToken(number, text)))

    reply, failed = None, None
    try:
        heard.check(number)
        reply = agent.answer(asked.request, on_token)
    except _NobodyWaits:
        pass
    except FourgigError as error:
        failed = error
    except Exception as error:  # noqa: BLE001 - whatever it is belongs to whoever asked, on the other side
        failed = SystemFailed(f"The agent of this session failed: {told(error)}.")
    out.write(frames.packed(TurnAnswered(number, agent.counters(), reply, failed)))


if __name__ == "__main__":
    main()
