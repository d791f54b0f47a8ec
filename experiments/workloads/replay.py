"""A conversation log with questions asked again, as the agents' response caches see it: a trace of cache keys."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import accumulate

from experiments.measuring.workload import Turn
from experiments.workloads.conversations import conversations
from systems.engines.interface import Message
from systems.settings import CacheKey
from systems.turn import prompt

_SESSIONS, _POOL, _EXPONENT = 20, 25, 0.9
_HISTORY = 10  # messages: the published length


def log(seed: int, turns: int) -> list[tuple[int, Turn]]:
    """Return ``turns`` turns of 20 sessions in random order; each session draws from 25 questions, by Zipf's law."""
    pools = conversations(seed, _SESSIONS, _POOL)
    weights = list(accumulate((rank + 1) ** -_EXPONENT for rank in range(_POOL)))
    rng = random.Random(f"log {seed}")
    return [
        (session, pools[session][rng.choices(range(_POOL), cum_weights=weights)[0]])
        for session in (rng.randrange(_SESSIONS) for _ in range(turns))
    ]


def keys(seed: int, turns: int, kind: CacheKey) -> Iterator[tuple[str, str]]:
    """Yield, for each turn of the log, the key of ``kind`` and the key that covers all the answer depends on.

    The second is what tells a wrong hit: an entry made for another prompt. Memories are left out; they could only
    make prompts differ more.
    """
    histories: dict[int, list[Message]] = {}
    for session, turn in log(seed, turns):
        history = histories.setdefault(session, [])
        request = turn.request("replayed", f"user-{session}", 24)
        sent = history[-_HISTORY:]
        yield (
            prompt.cache_key(kind, request, "replayed", sent, [], turn.observed),
            prompt.cache_key("prompt", request, "replayed", sent, [], turn.observed),
        )
        history += [Message("user", turn.text), Message("assistant", turn.reply)]
