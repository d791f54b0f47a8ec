"""An analysis in the event loop, on a thread, or in a process: one interface, and what each can promise.

A *process* keeps every promise: whatever the program does ends in a report or in a typed failure of that call alone, by
its deadline, and nothing of it is left. A *thread* can be waited for no longer, but not ended, and shares the
interpreter's lock, the memory and the fate of the agent. *In the loop* nothing else moves meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from systems.errors import BadInput, UnknownName, told, words
from systems.research.analysis.child import Program, loaded
from systems.research.analysis.confined import Confined, Ended
from systems.research.analysis.reports import AnalysisFailed, RatedDocument, Report, WhyFailed

OVERVIEW = Path(__file__).with_name("overview.py")

PATTERNS = ("in-loop", "thread", "process")


class Analysis(ABC):
    """Makes a report of documents. Whatever goes wrong is a value, except cancelling."""

    @abstractmethod
    async def analyse(self, documents: Sequence[RatedDocument]) -> Report | AnalysisFailed:
        """Return the report of ``documents``, or why there is none."""

    async def close(self) -> None:  # noqa: B027 - most have nothing to close
        """End what still runs, as far as it can be ended."""


class AnalysisInLoop(Analysis):
    """Runs the program where it is called: nothing bounds it."""

    def __init__(self, program: Program) -> None:
        self._program = program

    async def analyse(self, documents: Sequence[RatedDocument]) -> Report | AnalysisFailed:
        """Return the report, when the program has ended."""
        return _called(self._program, documents)


class AnalysisOnThread(Analysis):
    """Runs the program on a thread of its own, which nobody waits for beyond the deadline, and which goes on then."""

    def __init__(self, program: Program, deadline_s: float) -> None:
        self._program = program
        self._deadline_s = deadline_s

    async def analyse(self, documents: Sequence[RatedDocument]) -> Report | AnalysisFailed:
        """Return the report, or at the deadline that there is none."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Report | AnalysisFailed] = loop.create_future()

        def hand_over(result: Report | AnalysisFailed) -> None:
            if not done.done():
                done.set_result(result)

        def work() -> None:
            result = _called(self._program, documents)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(hand_over, result)

        try:
            # A daemon: the end of the agent must not wait for a program that hangs.
            threading.Thread(target=work, name="analysis", daemon=True).start()
        except RuntimeError as error:
            return AnalysisFailed(reason=WhyFailed.NOT_STARTED, detail=words(error))
        try:
            async with asyncio.timeout(self._deadline_s):
                return await done
        except TimeoutError:
            return _hung(self._deadline_s)


class AnalysisInProcess(Analysis):
    """Runs the program in processes of its own (`child`), bounded in time, memory and output.

    Cancelling a call ends them before it returns. ``own_namespace`` lets them have a namespace of processes where the
    kernel allows it; without one they are ended all the same, unless their overseer and the agent are both killed.
    """

    def __init__(
        self,
        program: Path,
        function: str,
        *,
        deadline_s: float,
        memory_bytes: int,
        output_bytes: int,
        own_namespace: bool = True,
    ) -> None:
        self._program, self._function = program.resolve(), function
        self._deadline_s = deadline_s
        self._bounds: dict[str, Any] = {"memory_bytes": memory_bytes, "output_bytes": output_bytes}
        self._own_namespace = own_namespace
        self._running: set[Confined] = set()
        self._closed = False

    async def analyse(self, documents: Sequence[RatedDocument]) -> Report | AnalysisFailed:
        """Return the report, or why there is none, by the deadline; nothing is left running."""
        if self._closed:
            return AnalysisFailed(reason=WhyFailed.CLOSED)
        try:
            run = Confined(
                self._program,
                self._function,
                _encoded(documents),
                deadline_s=self._deadline_s,
                own_namespace=self._own_namespace,
                **self._bounds,
            )
        except OSError as error:
            return AnalysisFailed(reason=WhyFailed.NOT_STARTED, detail=words(error))
        self._running.add(run)
        run.ended.add_done_callback(lambda _: self._running.discard(run))
        try:
            return _judged(await asyncio.shield(run.ended), self._deadline_s, self._bounds["output_bytes"])
        except asyncio.CancelledError:
            run.stop()
            await asyncio.shield(run.ended)
            raise

    async def close(self) -> None:
        """End all that still runs: whoever waits for it is told so."""
        self._closed = True
        running = list(self._running)
        for run in running:
            run.stop()
        for run in running:
            await asyncio.shield(run.ended)


def make_analysis(
    pattern: str,
    *,
    deadline_s: float,
    memory_bytes: int,
    output_bytes: int,
    program: Path = OVERVIEW,
    function: str = "analyse",
) -> Analysis:
    """Return an analysis in the ``pattern``: "in-loop", "thread" or "process".

    It calls ``function`` of the Python file ``program`` with the documents as a list of dicts; what that returns must
    be a `Report` as a dict. In a process it may import the standard library alone. A thread heeds only the deadline,
    the loop none of the bounds. Raises `UnknownName`; `BadInput` where the program cannot be read, or, unless it is to
    run in a process, has no such function.
    """
    if pattern not in PATTERNS:
        raise UnknownName("pattern of an analysis", pattern, PATTERNS)
    if pattern == "process":
        if not program.is_file():
            raise BadInput(f"There is no program {program} for the analysis.")
        return AnalysisInProcess(
            program, function, deadline_s=deadline_s, memory_bytes=memory_bytes, output_bytes=output_bytes
        )
    try:
        found = loaded(str(program), function)
    except Exception as error:
        raise BadInput(f"The program {program} of the analysis cannot be used: {told(error)}.") from error
    return AnalysisInLoop(found) if pattern == "in-loop" else AnalysisOnThread(found, deadline_s)


class _Said(msgspec.Struct):
    report: Report | None = None
    failed: WhyFailed | None = None
    detail: str = ""


def _encoded(documents: Sequence[RatedDocument]) -> bytes:
    # Half of a surrogate pair, which is in no JSON, becomes a question mark.
    return json.dumps(msgspec.to_builtins(documents), ensure_ascii=False).encode("utf-8", "replace")


def _called(program: Program, documents: Sequence[RatedDocument]) -> Report | AnalysisFailed:
    try:
        return msgspec.convert(program(msgspec.to_builtins(documents)), Report)
    except MemoryError as error:
        return AnalysisFailed(reason=WhyFailed.OUT_OF_MEMORY, detail=words(error))
    except msgspec.ValidationError as error:
        return AnalysisFailed(reason=WhyFailed.NO_REPORT, detail=words(error))
    except Exception as error:  # noqa: BLE001 - a program may raise anything, and whoever waits for it is told
        return AnalysisFailed(reason=WhyFailed.CRASHED, detail=told(error))


def _judged(ended: Ended, deadline_s: float, output_bytes: int) -> Report | AnalysisFailed:
    """Return what an end means."""
    what, _, status = ended.words.partition(" ")
    if ended.flooded:
        return AnalysisFailed(reason=WhyFailed.FLOODED, detail=f"It said or printed more than {output_bytes:,} bytes.")
    if ended.late or what == "late":
        return _hung(deadline_s)
    if what == "stopped":
        return AnalysisFailed(reason=WhyFailed.CLOSED)
    if what != "ended":
        return AnalysisFailed(reason=WhyFailed.CRASHED, detail="The process that oversaw it was killed.")
    if status != "0":
        return AnalysisFailed(reason=WhyFailed.CRASHED, detail=_how(int(status)) + _printed(ended.printed))
    if not ended.said:
        return AnalysisFailed(reason=WhyFailed.SILENT, detail="It ended without a word." + _printed(ended.printed))
    try:
        said = msgspec.json.decode(ended.said, type=_Said)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return AnalysisFailed(reason=WhyFailed.NO_REPORT, detail=words(error))
    if said.report is not None:
        return said.report
    return AnalysisFailed(reason=said.failed or WhyFailed.NO_REPORT, detail=_line(said.detail))


def _hung(deadline_s: float) -> AnalysisFailed:
    return AnalysisFailed(reason=WhyFailed.HUNG, detail=f"It had not ended after {deadline_s:g} s.")


def _how(status: int) -> str:
    if status > 0:
        return f"It ended with status {status}."
    with suppress(ValueError):
        return f"It was ended by {signal.Signals(-status).name}."
    return f"It was ended by signal {-status}."


def _line(text: str) -> str:
    """Return a child's words as one line that a terminal may show."""
    return words(ValueError(text))


def _printed(tail: bytes) -> str:
    """Return the last line of what was printed, which in Python is the error; empty where nothing was."""
    lines = tail.decode("utf-8", "replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    return f" It printed last: {_line(last)}" if last else ""
