"""A call of a program that misbehaves, as it is seen from outside of the agent that makes it.

Each agent is a fork of the trial's process, which watches it: what it says, what its memory reaches, what it leaves.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from experiments.measuring.probes import processes
from experiments.measuring.role import Role
from experiments.studies.research._analysis_names import CANCELLED, KILLED, LISTED, TOLERANCE_S, WORKS
from experiments.studies.research._listed_analysis import run_analysis
from systems.errors import SystemFailed
from systems.research.analysis.reports import AnalysisFailed, RatedDocument
from systems.research.analysis.running import OVERVIEW, make_analysis

_CASES = Path(__file__).with_name("_analysis_cases.py")

_MEMORY_BYTES, _OUTPUT_BYTES = 96 << 20, 1 << 20

# A hundred documents of some hundred words, as a research agent may have fetched.
_DOCUMENTS, _WORDS = 100, 150

# Seconds: when the caller goes away, or the agent is killed; until a call that has not returned is given up, beyond
# what a late one takes; until an agent is ready; and how long what was killed may take to be gone (where the agent
# itself was killed, as long as the deadline).
_MEANWHILE_S, _GIVEN_UP_S, _READY_WITHIN_S, _GONE_WITHIN_S = 0.4, 0.7, 60.0, 0.1
_LOOK_AGAIN_S = 0.01
_MOST_CALLS = 50

NEVER, DIED = "never-returned", "agent-died"

_REPORT, _FAILED, _RAISED = "report", "failed", "raised"
_DUE: dict[str, tuple[str, ...]] = {
    WORKS: (_REPORT,),
    "prints-noise": (_REPORT,),
    # What is left behind or printed without measure may cost the call, but no more than that.
    "leaves-grandchild": (_REPORT, _FAILED),
    "leaves-daemon": (_REPORT, _FAILED),
    "floods": (_REPORT, _FAILED, _RAISED),
    CANCELLED: ("cancelled",),
    KILLED: ("killed",),
}
_DUE_ELSE = (_FAILED, _RAISED)

Ask = Callable[[str], Awaitable[str]]


class _Answers(msgspec.Struct, frozen=True):
    """How the call and the ordinary one beside it ended, each with its moment on the machine's monotonic clock."""

    outcome: str
    at_s: float
    beside: str
    beside_at_s: float


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one call, from outside."""

    outcome: str
    returned_s: float
    alone: bool
    left: int
    grown_bytes: int


def run(role: Role) -> None:
    """Note each call as one number in every series."""
    condition = role.spec.condition
    case, deadline_s = str(condition["case"]), float(condition["deadline_s"] or 0)
    until = time.monotonic() + float(role.spec.settings["repeated_s"] or 0)
    seen = [_call(role.spec.subject, case, deadline_s)]
    while time.monotonic() < until and len(seen) < _MOST_CALLS:
        seen.append(_call(role.spec.subject, case, deadline_s))
    part = role.part
    part.values |= {"analysis_deadline_s": deadline_s}
    part.series |= {
        "analysis_returned_s": [one.returned_s for one in seen],
        "analysis_left": [float(one.left) for one in seen],
        "analysis_grown_bytes": [float(one.grown_bytes) for one in seen],
        "analysis_contained": [1.0 if _contained(one, case, deadline_s) else 0.0 for one in seen],
    }
    part.counters |= Counter(f"analysis/{one.outcome}" for one in seen)
    role.outside_look()


def _contained(one: _Seen, case: str, deadline_s: float) -> bool:
    """Return whether the call ended as is due, in time, and the agent goes on as if it had not been made."""
    in_time = one.returned_s <= deadline_s + TOLERANCE_S
    return in_time and one.outcome in _DUE.get(case, _DUE_ELSE) and one.alone and one.left == 0


def _call(subject: str, case: str, deadline_s: float) -> _Seen:
    """Start an agent, let it make the call, and end it with whatever it left."""
    heard, told = os.pipe()
    waits, go = os.pipe()
    agent = os.fork()
    if agent == 0:
        os.close(heard)
        os.close(go)
        _be_agent(subject, case, deadline_s, waits, told)
    os.close(told)
    os.close(waits)
    try:
        return _watched(agent, case, deadline_s, heard, go)
    finally:
        os.close(heard)
        os.close(go)
        processes.end_descendants()


def _watched(agent: int, case: str, deadline_s: float, heard: int, go: int) -> _Seen:
    if _line(heard, time.monotonic() + _READY_WITHIN_S) != b"ready":
        raise SystemFailed("The agent of the part analysis did not become ready.")
    before = _status(agent, "VmRSS")
    began, peak, line = time.monotonic(), before, b""
    os.write(go, b"g")
    if case == KILLED:
        time.sleep(_MEANWHILE_S)
        os.kill(agent, signal.SIGKILL)
    until = began + deadline_s + TOLERANCE_S + _GIVEN_UP_S
    while not line and time.monotonic() < until and _alive(agent):
        line = _line(heard, time.monotonic() + _LOOK_AGAIN_S)
        peak = max(peak, _status(agent, "VmHWM"))
    line = line or _line(heard, time.monotonic())  # what an agent said last, before it died
    returned_s = time.monotonic() - began
    if line:
        answers = msgspec.json.decode(line, type=_Answers)
        outcome, returned_s = answers.outcome, answers.at_s - began
        alone = answers.beside == _REPORT and answers.beside_at_s - began <= deadline_s + TOLERANCE_S
    else:
        outcome = NEVER if _alive(agent) else DIED
        alone = False
    if case == KILLED:
        outcome, alone = "killed", True
    return _Seen(
        outcome=outcome,
        returned_s=round(returned_s, 6),
        alone=alone,
        left=_left(agent, deadline_s if case == KILLED else _GONE_WITHIN_S),
        grown_bytes=peak - before,
    )


def _line(heard: int, until: float) -> bytes:
    """Return the line that comes by then; empty where none does."""
    events = select.poll()
    events.register(heard, select.POLLIN)
    # An agent says a line at once, and much less than a pipe takes.
    return os.read(heard, 1 << 12).strip() if events.poll(max(0.0, until - time.monotonic()) * 1000) else b""


def _left(agent: int, within_s: float) -> int:
    """Return how many processes, and threads of the agent's, still run after what was killed had so long to end."""
    until = time.monotonic() + within_s
    while True:
        more = max(0, _status(agent, "Threads") - 1)  # an agent has one of its own; one that has ended, none
        # What lost its agent is this process's by now, which adopts orphans.
        others = [pid for pid in processes.descendants(os.getpid()) if pid != agent and _alive(pid)]
        left = len(others) + more
        if not left or time.monotonic() > until:
            return left
        time.sleep(_LOOK_AGAIN_S)


def _alive(pid: int) -> bool:
    """Return whether a process runs: one that has ended is seen until it was waited for."""
    with suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
        return state not in "ZX"
    return False


def _status(pid: int, name: str) -> int:
    """Return a number of a process's status, of kilobytes the bytes; 0 where it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text("utf-8", "replace").splitlines():
            if line.startswith(f"{name}:"):
                number, *unit = line.split()[1:]
                return int(number) << (10 if unit else 0)
    return 0


def _be_agent(subject: str, case: str, deadline_s: float, waits: int, told: int) -> NoReturn:
    """Be an agent that makes the call when it is told to, says how it ended, and waits to be killed."""
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for end in (0, 1, 2):  # what a program prints in the agent is not to fill the trial's log
            os.dup2(nothing, end)
        asyncio.run(_answer(_asker(subject, deadline_s), case, waits, told))
    finally:
        os._exit(1)


async def _answer(ask: Ask, case: str, waits: int, told: int) -> None:
    await ask(WORKS)  # untimed: what is loaded on first use has been loaded
    with suppress(OSError):  # without this right the peak is that of the whole life, which began a moment ago
        Path("/proc/self/clear_refs").write_text("5")
    os.write(told, b"ready\n")
    os.read(waits, 1)
    call = asyncio.create_task(_timed(ask, "hangs" if case in (CANCELLED, KILLED) else case))
    beside = asyncio.create_task(_timed(ask, WORKS))
    if case == CANCELLED:
        await asyncio.sleep(_MEANWHILE_S)
        call.cancel()
    (outcome, at_s), (other, other_at_s) = await asyncio.gather(call, beside)
    os.write(told, msgspec.json.encode(_Answers(outcome, at_s, other, other_at_s)) + b"\n")
    os.read(waits, 1)  # until this process is killed: what it left is looked at first


async def _timed(ask: Ask, case: str) -> tuple[str, float]:
    try:
        outcome = await ask(case)
    except asyncio.CancelledError:
        outcome = "cancelled"
    except Exception:  # noqa: BLE001 - whatever the call raises is how it ended
        outcome = _RAISED
    return outcome, time.monotonic()


def _asker(subject: str, deadline_s: float) -> Ask:
    """Return what calls the program of a case in the subject's way and says how that ended."""
    documents = list(_documents())
    if subject == LISTED:
        articles: list[dict[str, Any]] = msgspec.to_builtins(documents)

        async def listed(case: str) -> str:
            report = await run_analysis(articles, "" if case == WORKS else _function(case), deadline_s)
            return _FAILED if report.printed else _REPORT

        return listed

    async def ours(case: str) -> str:
        analysis = make_analysis(
            subject,
            deadline_s=deadline_s,
            memory_bytes=_MEMORY_BYTES,
            output_bytes=_OUTPUT_BYTES,
            program=OVERVIEW if case == WORKS else _CASES,
            function="analyse" if case == WORKS else _function(case),
        )
        result = await analysis.analyse(documents)
        return _FAILED if isinstance(result, AnalysisFailed) else _REPORT

    return ours


def _function(case: str) -> str:
    return case.replace("-", "_")


def _documents() -> Iterable[RatedDocument]:
    words = "measure memory process thread research analysis question source article answer".split()
    for number in range(_DOCUMENTS):
        text = " ".join(words[(number + at * at) % len(words)] for at in range(_WORDS))
        yield RatedDocument(source=f"source-{number % 5}", title=f"Article {number}", text=text, relevance=number / 100)
