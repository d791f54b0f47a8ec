"""What the decoding thread does: step by step, every running reply gets its next token, and waiting prompts a part."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from time import perf_counter

from systems.engines.batched.context import Context, Model, Piece
from systems.engines.batched.inbox import Inbox
from systems.engines.batched.jobs import Job
from systems.engines.batched.schedule import shares
from systems.engines.batched.settings import BatchedCounters, BatchedSettings
from systems.engines.batched.slots import Slots
from systems.engines.batched.states import States
from systems.engines.calibration.case import CHUNK_TOKENS
from systems.engines.likelihood import told
from systems.errors import EngineError, FourgigError
from systems.logs import swallowed

log = logging.getLogger(__name__)


class Decoder:
    """Decodes what comes into an inbox, until that is closed. ``states_bytes`` bounds idle conversations' states."""

    def __init__(
        self,
        inbox: Inbox,
        model: Model,
        context: Context,
        settings: BatchedSettings,
        counters: BatchedCounters,
        states_bytes: int,
    ) -> None:
        self._inbox = inbox
        self._model = model
        self._context = context
        self._chunk = settings.chunk_tokens or CHUNK_TOKENS
        self._counters = counters
        self._seconds_a_token = 1e-3
        states: States[str | int] = States(
            states_bytes, settings.disk_bytes, lambda tokens: tokens * self._seconds_a_token
        )
        self._slots = Slots(
            model,
            context,
            states,
            counters,
            bytes_a_token=model.bytes_a_token(settings.key_value),
            share_prefixes=settings.share_prefixes,
            keep_states=settings.keep_states,
        )

    def run(self) -> None:
        """Decode until the inbox is closed; then fail what is under way, and free the context."""
        try:
            while self._inbox.wait(busy=bool(self._slots.jobs())):
                self._inbox.begin_step()
                try:
                    self._step()
                except Exception as error:  # noqa: BLE001 - a defect of one step must not end the engine
                    self._counters.failed_steps += 1
                    swallowed(log, "step failed", error)
                    self._fail(self._slots.jobs(), error)
                finally:
                    self._inbox.end_step()
        finally:
            self._inbox.close()  # however this thread ends, nobody may wait for it
            closed = EngineError("The batched engine was closed.")
            self._fail(self._slots.jobs(), closed)
            for job in self._inbox.empty():
                job.settle(closed)
            self._slots.close()
            self._context.close()

    def _step(self) -> None:
        self._let_go()
        for conversation in self._inbox.forgotten():
            self._slots.forget(conversation)
        self._inbox.take(self._begun)
        jobs = self._slots.jobs()
        if not jobs:
            return
        arrived = sorted(jobs.items(), key=lambda pair: pair[1].asked)
        left = {number: self._left(number, job) for number, job in arrived}
        share = shares(left, self._context.batch, self._chunk)
        pieces = [self._piece(number, jobs[number], share[number]) for number in sorted(share)]
        began = perf_counter()
        try:
            places = self._context.decode(pieces)
        except EngineError as error:
            self._counters.failed_steps += 1
            self._fail([piece.sequence for piece in pieces], error)
            return
        count = sum(len(piece.tokens) for piece in pieces)
        if not any(jobs[piece.sequence].produced for piece in pieces):
            self._seconds_a_token += 0.2 * ((perf_counter() - began) / count - self._seconds_a_token)
        self._counters.steps += 1
        self._counters.decoded_tokens += count
        for number, tokens, _ in pieces:
            self._slots.extend(number, tokens)
        for number, where in places.items():
            self._say(number, jobs[number], where)

    def _let_go(self) -> None:
        """Drop the requests that nobody waits for any more."""
        self._inbox.take(_given_up)
        for number, job in self._slots.jobs().items():
            reason = job.unwanted()
            if reason is not None:
                self._leave(number, reason)

    def _begun(self, job: Job) -> bool:
        """Give ``job`` a slot, if one is free and nothing speaks for waiting; return whether it leaves the inbox."""
        if not self._slots.free() or self._slots.must_wait(job):
            return False
        try:
            self._slots.begin(job)
        except Exception as error:  # noqa: BLE001 - a defect of one request must not fail the others
            swallowed(log, "request could not begin", error)
            job.settle(EngineError(f"A request could not begin: {error!r}."))
        return True

    def _left(self, number: int, job: Job) -> int:
        """Return how many tokens of the prompt are to be computed before the next stop; 0 if the reply is running."""
        held = len(self._slots[number].tokens)
        if job.learn_at > held:
            return job.learn_at - held
        return max(0, len(job.prompt) - held)

    def _piece(self, number: int, job: Job, share: int) -> Piece:
        held = len(self._slots[number].tokens)
        if held < len(job.prompt):
            return Piece(number, job.prompt[held : held + share], last=held + share == len(job.prompt))
        return Piece(number, job.produced[-1:], last=True)

    def _say(self, number: int, job: Job, where: int) -> None:
        text = self._model.text
        try:
            token = self._chosen(number, where)
            if job.script is not None:
                done = not job.script or self._take(job, where, *job.script[len(job.produced)])
            elif token is None:
                done = True
            elif text.ends(token) and (job.form is not None or not job.sampling.ignore_end):
                done = job.ended = True
            else:
                done = self._take(job, where, token, text.piece(token))
            if done:
                generation = job.generation()
        except BaseException as error:  # noqa: BLE001 - what the caller's function raises is the caller's
            self._leave(number, error)
            return
        if done:
            self._slots.end(number)
            job.settle(generation)

    def _take(self, job: Job, where: int, token: int, piece: bytes) -> bool:
        """Add a token to a reply, with what the model thought of it if that is asked; return whether it is complete."""
        if job.likeliest is not None:
            job.tokens.append(told(self._context.logits(where), token, piece, job.likeliest, self._model.text.piece))
        return job.take(token, piece)

    def _chosen(self, number: int, where: int) -> int | None:
        """Return the next token of the slot's reply; None if none is allowed."""
        slot = self._slots[number]
        if slot.job is not None and slot.job.form is not None:
            return slot.job.form.choose(self._context.logits(where), slot.sampler)
        if slot.sampler is None:
            return int(self._context.logits(where).argmax())
        return self._context.sample(slot.sampler, where)

    def _leave(self, number: int, error: BaseException) -> None:
        job = self._slots.end(number)
        if job is not None:
            job.settle(error)

    def _fail(self, numbers: Iterable[int], error: BaseException) -> None:
        for number in list(numbers):
            self._leave(number, error if isinstance(error, FourgigError) else EngineError(f"A step failed: {error!r}."))
            self._slots.clear(number)


def _given_up(job: Job) -> bool:
    """Settle ``job`` if nobody waits for it any more; return whether that was so."""
    reason = job.unwanted()
    if reason is not None:
        job.settle(reason)
    return reason is not None
