"""The most hits that a cache with so much room can have: that of one which knows the future."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence

_NEVER = 2**63


def most_hits(keys: Sequence[int], reads: Sequence[bool], room: int, held: Collection[int] = ()) -> int:
    """Return the hits of reads under Belady's rule: what is read again last leaves (L. A. Belady, 1966).

    ``reads`` says of each access to ``keys`` whether it is a read; any other is a change, after which the cache may
    hold the key. What just came may be what leaves, as with policies that do not admit everything. ``held`` is what it
    begins with.
    """
    following = _next_reads(keys, reads)
    first: dict[int, int] = {}
    for place in range(len(keys) - 1, -1, -1):
        if reads[place]:
            first[keys[place]] = place
    # What is in the cache, by when it is read next; the heap also has what was true of a key before.
    due = {key: first.get(key, _NEVER) for key in held}
    latest = [(-at, key) for key, at in due.items()]
    heapq.heapify(latest)
    hits = 0
    for place, key in enumerate(keys):
        hits += reads[place] and key in due
        due[key] = following[place]
        heapq.heappush(latest, (-following[place], key))
        if len(due) > room:
            _leave(due, latest)
    return hits


def _next_reads(keys: Sequence[int], reads: Sequence[bool]) -> list[int]:
    """Return, for each access, the place of the next read of its key; beyond all places where there is none."""
    following = [_NEVER] * len(keys)
    seen: dict[int, int] = {}
    for place in range(len(keys) - 1, -1, -1):
        following[place] = seen.get(keys[place], _NEVER)
        if reads[place]:
            seen[keys[place]] = place
    return following


def _leave(due: dict[int, int], latest: list[tuple[int, int]]) -> None:
    """Take out of ``due`` the key that is read again last."""
    while True:
        at, key = heapq.heappop(latest)
        if due.get(key) == -at:
            del due[key]
            return
