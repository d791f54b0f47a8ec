"""The warm tier: packed states in memory. What a kill takes with it is made again from the saved turns."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from sys import getsizeof

from systems.interface import is_talk_of
from systems.tiered.tiers.interface import KeptState, Size

# Bytes of a state's place beside its name and what is packed: the tuple, its numbers, two entries of dictionaries and
# one of the heap (measured with tracemalloc over 10,000 states).
ENTRY_BYTES = 500


class Warm:
    """Packed states in at most ``most_bytes``; those of least worth leave first. Used from one event loop.

    Worth is that of the Greedy-Dual-Size-Frequency policy: uses by bytes, beside the worth of what left last, so that
    what was of much use once does not stay for ever.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._states: dict[str, KeptState] = {}
        self._worth: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._left_last = 0.0
        self._bytes = 0

    def __contains__(self, talk: str) -> bool:
        return talk in self._states

    def add(self, state: KeptState) -> list[str]:
        """Keep ``state``; return what had to leave for it, which is its own name if it is too large."""
        self.pop(state.talk)
        cost = _bytes(state)
        if cost > self.most_bytes:
            return [state.talk]
        left = []
        while self._bytes + cost > self.most_bytes:
            [lowest] = self.lowest(1)
            left.append(lowest.talk)
            self.pop(lowest.talk)
        self._states[state.talk] = state
        worth = self._worth[state.talk] = self._left_last + state.uses / cost
        heapq.heappush(self._heap, (worth, state.talk))
        self._bytes += cost
        if len(self._heap) > 2 * len(self._states) + 64:  # most of it has left
            self._heap = [(each, talk) for talk, each in self._worth.items()]
            heapq.heapify(self._heap)
        return left

    def get(self, talk: str) -> KeptState | None:
        """Return the state of ``talk``, which stays."""
        return self._states.get(talk)

    def pop(self, talk: str) -> KeptState | None:
        """Return the state of ``talk``, which lies here no longer."""
        state = self._states.pop(talk, None)
        if state is not None:
            self._bytes -= _bytes(state)
            del self._worth[talk]
        return state

    def lowest(self, count: int) -> list[KeptState]:
        """Return ``count`` states of least worth at most, which stay."""
        found: list[tuple[float, str]] = []
        while self._heap and len(found) < count:
            worth, talk = heapq.heappop(self._heap)
            if self._worth.get(talk) == worth and (not found or found[-1] != (worth, talk)):
                found.append((worth, talk))
        for each in found:
            heapq.heappush(self._heap, each)
        if found:
            self._left_last = max(self._left_last, found[0][0])
        return [self._states[talk] for _, talk in found]

    def talks_of(self, session: str) -> list[str]:
        """Return the names of the conversations of ``session`` that lie here."""
        return [talk for talk in self._states if is_talk_of(session, talk)]

    async def put(self, states: Sequence[KeptState]) -> list[str]:
        """Keep ``states``; return what had to leave for them."""
        return [left for state in states for left in self.add(state)]

    async def take(self, talk: str) -> KeptState | None:
        """Return the state of ``talk``, which lies here no longer."""
        return self.pop(talk)

    async def remove(self, talk: str) -> bool:
        """Let nothing of ``talk`` lie here; return whether something did."""
        return self.pop(talk) is not None

    def size(self) -> Size:
        """Return what lies here, with its names and places."""
        return Size(len(self._states), self._bytes)


def _bytes(state: KeptState) -> int:
    return getsizeof(state.packed) + getsizeof(state.talk) + ENTRY_BYTES
