"""A service that holds conversations and answers requests: run by its path with a plan, it prints what it saw.

Its twin for Node is ``_collector_program.cjs``: the same conversations, requests and answer. Each request is read from
JSON, becomes a turn whose steps know it (a cycle, as of a parent and its children), takes the place of a conversation's
oldest message, and is answered in JSON; the turn is then garbage.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

MESSAGES, ITEMS, BODIES = 20, 40, 64
"""Messages that a conversation holds, items that a request brings, and different requests."""

_STRIDE = 7919  # a prime: neighbouring requests are of conversations far apart

Plan = dict[str, Any]


class CollectedMessage:
    """What was said in a conversation."""

    __slots__ = ("about", "content", "metadata", "role")

    def __init__(self, role: str, content: str, about: list[str], metadata: dict[str, Any]) -> None:
        self.role, self.content, self.about, self.metadata = role, content, about, metadata


class CollectedStep:
    """A step of a turn, which it knows."""

    __slots__ = ("item", "turn")

    def __init__(self, turn: CollectedTurn, item: dict[str, Any]) -> None:
        self.turn, self.item = turn, item


class CollectedTurn:
    """A request while it is answered: its steps know it, and it knows them."""

    __slots__ = ("body", "steps")

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        self.steps = [CollectedStep(self, item) for item in body["items"]]


class CollectedService:
    """Conversations, and how a request is answered."""

    def __init__(self, sessions: int) -> None:
        self._sessions = [
            [_message(f"{session}-{number}") for number in range(MESSAGES)] for session in range(sessions)
        ]
        self._bodies = [json.dumps(_body(number)) for number in range(BODIES)]

    def answer(self, number: int) -> str:
        """Answer the request with this number."""
        turn = CollectedTurn(json.loads(self._bodies[number % BODIES]))
        messages = self._sessions[number * _STRIDE % len(self._sessions)]
        messages.pop(0)
        messages.append(_message(f"{turn.body['id']}-{number}"))
        best = max(turn.steps, key=lambda step: step.item["scores"][0])
        return json.dumps({"id": turn.body["id"], "best": best.item["id"], "of": len(best.turn.steps)})


def _message(name: str) -> CollectedMessage:
    return CollectedMessage("user", f"{name} " + "x" * 100, [name], {"name": name, "tokens": 30})


def _body(number: int) -> dict[str, Any]:
    items = [
        {
            "id": each,
            "text": "x" * 60,
            "scores": [(each * number) % 41 / 41, 0.5, 0.25, 0.125],
            "tags": {"kind": "note"},
        }
        for each in range(ITEMS)
    ]
    return {"id": number, "items": items}


class Pauses:
    """The seconds of each collection, while it is watched."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._began = 0.0

    def __call__(self, phase: str, _: dict[str, int]) -> None:
        """Note a collection's start or its end."""
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.seconds.append(time.perf_counter() - self._began)


def tune(way: dict[str, Any]) -> None:
    """Set what a way sets on the collector, when all that is loaded at the start is there."""
    if way.get("thresholds"):
        gc.set_threshold(*way["thresholds"])
    if way.get("freeze"):
        gc.collect()
        gc.freeze()
    if way.get("off"):
        gc.disable()


def main() -> None:
    """Answer the plan's requests and print what was seen."""
    plan: Plan = json.loads(sys.argv[1])
    service = CollectedService(plan["sessions"])
    tune(plan)
    pauses = Pauses()
    gc.callbacks.append(pauses)
    latencies = []
    cpu, began = time.process_time(), time.perf_counter()
    for number in range(plan["requests"]):
        asked = time.perf_counter()
        service.answer(number)
        latencies.append(time.perf_counter() - asked)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    gc.callbacks.remove(pauses)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    seen = {
        "latencies_s": latencies,
        "pauses_s": pauses.seconds,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "peak_bytes": int(status["VmHWM"].split()[0]) * 1024,
    }
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
