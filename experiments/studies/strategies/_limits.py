"""The trials of the part `memory-limits`: agents that are asked in turn, and what became of them."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from pathlib import Path

from experiments.measuring.probes import memory
from experiments.measuring.records import RequestRow
from experiments.measuring.role import Role
from experiments.studies.strategies import _runtimes
from experiments.studies.subjects import Stopwatch

_AGENT = Path(__file__).with_name("_limits_agent.py")
_AGENTS, _HELD_MIB = 3, 8

# The kernel is to choose an agent, not whoever counts its deaths; a process may always make itself likelier.
_LIKELIER = ("/bin/sh", "-c", 'echo 1000 > /proc/self/oom_score_adj; exec "$@"', "agent")


class Agent:
    """One agent's process, and the next one where it ended: its limit is in MiB, 0 for none."""

    def __init__(self, runtime: str, limit_mib: int) -> None:
        if runtime == "python":
            self._command = [*_LIKELIER, *_runtimes.command(runtime, _AGENT), str(limit_mib)]
        else:
            flags = [f"--max-old-space-size={limit_mib}"] if limit_mib else []
            self._command = [*_LIKELIER, *_runtimes.command(runtime, _AGENT, *flags)]
        self.starts, self.crashes = 0, 0
        self._start()

    def ask(self, hold_mib: int, keep_mib: int) -> str:
        """Return how the request ended: "ok", "refused" for want of memory, or "died" with the agent."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = json.dumps({"hold_mib": hold_mib, "keep_mib": keep_mib})
        with suppress(BrokenPipeError):  # it may have been killed while it had nothing to do
            self._process.stdin.write(request.encode() + b"\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._process.communicate()
            self.crashes += 1
            self._start()
            return "died"
        return "ok" if json.loads(line)["ok"] else "refused"

    def holds_bytes(self) -> int:
        """Return its anonymous memory."""
        return memory.anonymous_bytes(self._process.pid)

    def replace(self) -> None:
        """End it between two requests, and start another."""
        self.end()
        self._start()

    def end(self) -> None:
        """Close its input, upon which it ends, and wait for that."""
        self._process.communicate()

    def _start(self) -> None:
        self.starts += 1
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )


def run(role: Role) -> None:
    """Ask the agents in turn, and note each request and each death."""
    condition, settings, part = role.spec.condition, role.spec.settings, role.part
    runtime, leaks = str(condition["runtime"]), condition["fault"] == "leak"
    requests, every = int(condition["requests"] or 0), int(condition["every"] or 1)
    excess_mib, quota_mib = int(condition["excess_mib"] or 0), int(settings["quota_mib"] or 0)
    part.went_beyond = True  # a kill is what came of a way, not the end of the trial
    _runtimes.note_version(role, runtime)
    agents = [Agent(runtime, int(settings["limit_mib"] or 0)) for _ in range(_AGENTS)]
    clock = Stopwatch()
    ordinary = answered = 0
    for number in range(requests):
        agent, goes_wrong = agents[number % _AGENTS], number % every == 0
        started_s = clock()
        if goes_wrong and leaks:
            outcome = agent.ask(excess_mib, excess_mib)
        else:
            outcome = agent.ask(excess_mib if goes_wrong else _HELD_MIB, 0)
        if quota_mib and agent.holds_bytes() > quota_mib << 20:
            agent.replace()
        part.requests.append(
            RequestRow(
                intended_s=started_s,
                started_s=started_s,
                first_token_s=None,
                finished_s=clock(),
                outcome=outcome,
                user=number % _AGENTS,
                turn=number,
            )
        )
        if leaks or not goes_wrong:  # a spike is answered by nobody
            ordinary += 1
            answered += outcome == "ok"
    for agent in agents:
        agent.end()
    wrong = -(-requests // every)
    part.values |= {
        "crashes": sum(agent.crashes for agent in agents),
        # A leak goes beyond what all may have when so much was left behind; a spike each time.
        "faults": max(1, wrong * (excess_mib << 20) // role.spec.profile.memory_bytes) if leaks else wrong,
        "ordinary": ordinary,
        "ordinary_answered": answered,
        "starts": sum(agent.starts for agent in agents) - _AGENTS,
    }
    role.outside_look()
