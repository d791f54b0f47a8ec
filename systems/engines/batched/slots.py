"""The sequences of a context as places for conversations: who holds which, and how little each must compute again.

What a conversation has computed stays in its slot until the slot is needed, then goes to `States`, and comes back when
the conversation does. A beginning that two conversations share (the system prompt, as a rule) is computed once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from systems.engines.batched.context import Context, Model
from systems.engines.batched.jobs import Job
from systems.engines.batched.schedule import place
from systems.engines.batched.settings import BatchedCounters
from systems.engines.batched.states import State, States
from systems.errors import EngineError
from systems.logs import swallowed

log = logging.getLogger(__name__)

# A beginning shorter than this, in tokens, is not worth the step that ends with it. To save or to restore it takes a
# quarter of a millisecond, to compute it with the rest of a prompt half a one a token (`tests.benchmarks.prefixes`).
SHORTEST_PREFIX = 8

# How many shared beginnings are kept: those of the system prompts in use.
PREFIXES = 4

# No beginning, of nobody.
_NOTHING: tuple[str | None, NDArray[np.int32]] = (None, np.empty(0, np.int32))


class Slot:
    """A sequence of the context: the tokens it holds, and whose they are."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.owner: str | None = None
        self.job: Job | None = None
        self.sampler: Any = None
        self.used = 0


class Slots:
    """Gives jobs slots, with what was computed of their prompts before. For the decoding thread alone.

    Without ``share_prefixes`` every conversation computes its own beginning, without ``keep_states`` all of it at
    every turn.
    """

    def __init__(
        self,
        model: Model,
        context: Context,
        states: States[str | int],
        counters: BatchedCounters,
        *,
        bytes_a_token: int,
        share_prefixes: bool,
        keep_states: bool,
    ) -> None:
        self._model = model
        self._context = context
        self._states = states
        self._counters = counters
        self._bytes_a_token = bytes_a_token
        self._share_prefixes = share_prefixes
        self._keep_states = keep_states
        self._all = [Slot() for _ in range(context.sequences)]
        self._clock = 0
        # Beginnings that were seen: the latest prompt that began anew, and those kept in the states by number,
        # in the order of their last use.
        self._latest = _NOTHING
        self._prefixes: dict[int, NDArray[np.int32]] = {}
        self._prefix_number = 0

    def __getitem__(self, number: int) -> Slot:
        return self._all[number]

    def jobs(self) -> dict[int, Job]:
        """Return the jobs under way, by slot."""
        return {number: job for number, slot in enumerate(self._all) if (job := slot.job) is not None}

    def free(self) -> list[int]:
        """Return the slots that a job may take now."""
        return place(set(self.jobs()), len(self._all))

    def must_wait(self, job: Job) -> bool:
        """Return whether ``job`` would do well to wait: for its conversation's reply, or for a beginning it shares.

        A conversation's requests follow each other; a beginning that is just being computed is soon to be had.
        """
        for slot in self._all:
            other = slot.job
            if other is None:
                continue
            if job.conversation is not None and job.conversation == other.conversation:
                return True
            learns = other.learn_at
            if len(slot.tokens) < learns and job.prompt[:learns] == other.prompt[:learns]:
                return True
        return False

    def begin(self, job: Job) -> None:
        """Give ``job`` the best free slot, and there what was computed of its prompt before."""
        prompt = np.array(job.prompt, np.int32)
        number = self._prepared(job.conversation, prompt)
        slot = self._all[number]
        # The last token is computed again: its logits are needed.
        kept = self._context.cut(number, _alike(np.array(slot.tokens, np.int32), prompt[:-1]))
        del slot.tokens[kept:]
        if self._share_prefixes:
            job.learn_at = self._worth_learning(job, prompt, kept)
        job.reused = kept
        slot.sampler = self._model.sampler(job.sampling, job.said_before)
        self._clock += 1
        slot.owner, slot.job, slot.used = job.conversation, job, self._clock
        self._counters.requests += 1
        self._counters.prompt_tokens += len(prompt)
        self._counters.reused_tokens += kept

    def extend(self, number: int, tokens: Sequence[int]) -> None:
        """Note that the slot's sequence now holds ``tokens`` too; what others begin with as well is kept for them."""
        slot = self._all[number]
        slot.tokens += tokens
        if slot.job is not None and slot.job.learn_at == len(slot.tokens):
            slot.job.learn_at = 0
            self._learn(number)

    def end(self, number: int) -> Job | None:
        """Free the slot and return its job; what the slot holds stays for the conversation's next request."""
        slot = self._all[number]
        job, slot.job = slot.job, None
        self._model.free(slot.sampler)
        slot.sampler = None
        if slot.owner is None or not self._keep_states:
            self.clear(number)
        return job

    def clear(self, number: int) -> None:
        """Forget what the slot holds."""
        self._context.clear(number)
        self._all[number].tokens, self._all[number].owner = [], None

    def forget(self, conversation: str) -> None:
        """Keep nothing of ``conversation``, once a reply under way in it has ended.

        Beginnings that are kept for all go too: they may be what it began with, and nobody knows whose words they are.
        """
        for number, slot in enumerate(self._all):
            if slot.owner != conversation:
                continue
            if slot.job is None:
                self.clear(number)
            else:
                slot.owner, slot.job.learn_at = None, 0
        self._states.forget(conversation)
        for prefix in self._prefixes:
            self._states.forget(prefix)
        self._prefixes.clear()
        self._latest = _NOTHING

    def close(self) -> None:
        """Forget everything."""
        self._states.close()

    def _prepared(self, conversation: str | None, prompt: NDArray[np.int32]) -> int:
        """Return a free slot that holds as much of ``prompt`` as was computed for this conversation or for all."""
        free = self.free()
        own = None
        if conversation is not None:
            own = next((number for number, slot in enumerate(self._all) if slot.owner == conversation), None)
        stored: State | None = None
        if own in free:
            number, had = own, np.array(self._all[own].tokens, np.int32)
        else:
            number = min(free, key=lambda number: (self._all[number].used, number))
            stored = self._stored(conversation, own)
            self._vacate(number)
            had = np.empty(0, np.int32) if stored is None else stored.tokens
        stored = self._shared(prompt[:-1], max(_alike(had, prompt), SHORTEST_PREFIX - 1)) or stored
        if stored is not None:
            self._restore(number, stored)
        return number

    def _shared(self, prompt: NDArray[np.int32], length: int) -> State | None:
        """Return the longest beginning of ``prompt`` kept for all, None if none is longer than ``length``."""
        while self._prefixes:
            number = max(self._prefixes, key=lambda number: _alike(self._prefixes[number], prompt))
            if _alike(self._prefixes[number], prompt) <= length:
                return None
            tokens, state = self._prefixes.pop(number), self._states.take(number)
            if state is not None:
                self._prefixes[number] = tokens  # again as the one used last
                self._keep(number, state)
                return state
        return None

    def _worth_learning(self, job: Job, prompt: NDArray[np.int32], kept: int) -> int:
        """Return how long a beginning of ``prompt`` is to be kept for others; 0 if none is.

        The system prompt will be shared, and what another conversation began with as well.
        """
        whose, latest = self._latest
        common = _alike(np.array(job.system_tokens, np.int32), prompt[:-1])
        if whose is None or whose != job.conversation:
            common = max(common, _alike(latest, prompt[:-1]))
        self._latest = (job.conversation, prompt)
        worth = common >= kept + SHORTEST_PREFIX and self._states.would_keep(common * self._bytes_a_token, common)
        return common if worth else 0

    def _stored(self, conversation: str | None, own: int | None) -> State | None:
        """Return what the conversation computed before: from the slot ``own``, or from the states."""
        if conversation is None:
            return None
        if own is None:
            return self._states.take(conversation)
        state = self._saved(own)
        self.clear(own)
        return state

    def _restore(self, number: int, state: State) -> None:
        try:
            self._context.restore(number, state.data, len(state.tokens))
        except EngineError as error:  # it is computed again
            swallowed(log, "state not restored", error)
            self.clear(number)
            return
        self._all[number].tokens = state.tokens.tolist()
        self._counters.restored_states += 1

    def _vacate(self, number: int) -> None:
        """Move what the slot holds to the states, if somebody may come back for it."""
        slot = self._all[number]
        if slot.owner is not None and len(slot.tokens) >= SHORTEST_PREFIX:
            state = self._saved(number)
            if state is not None:
                self._keep(slot.owner, state)
        self.clear(number)

    def _saved(self, number: int) -> State | None:
        try:
            state = State(np.array(self._all[number].tokens, np.int32), self._context.save(number))
        except (EngineError, MemoryError) as error:
            swallowed(log, "state not saved", error)
            return None
        self._counters.saved_states += 1
        return state

    def _keep(self, key: str | int, state: State) -> None:
        self._states.put(key, state)
        self._counters.spilled_states, self._counters.dropped_states = self._states.spilled, self._states.dropped

    def _learn(self, number: int) -> None:
        """Keep what the slot holds for every conversation that begins alike."""
        state = self._saved(number)
        if state is None:
            return
        self._prefix_number += 1
        self._prefixes[self._prefix_number] = state.tokens
        self._keep(self._prefix_number, state)
        self._counters.prefixes += 1
        while len(self._prefixes) > PREFIXES:
            unused = next(iter(self._prefixes))
            del self._prefixes[unused]
            self._states.forget(unused)


def _alike(ours: NDArray[np.int32], theirs: NDArray[np.int32]) -> int:
    """Return how many tokens both begin with."""
    length = min(len(ours), len(theirs))
    different = np.nonzero(ours[:length] != theirs[:length])[0]
    return int(different[0]) if len(different) else length
