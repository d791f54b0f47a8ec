"""One request inside the engine: what was asked, how far it is, and what its reply says so far."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from time import perf_counter

from systems.engines.grammar_sampler import GrammarSampler
from systems.engines.interface import Call, Generation, SaidToken
from systems.engines.likelihood import within
from systems.engines.sampling import Chosen
from systems.engines.spoken import Spoken


class Job:
    """A request that waits for its turn, or has a slot."""

    def __init__(
        self,
        call: Call,
        *,
        prompt: list[int],
        room: int,
        system_tokens: list[int],
        script: list[tuple[int, bytes]] | None,
        sampling: Chosen,
        said_before: Sequence[int],
        stop: Sequence[str],
        dropped_messages: int,
        dropped_notes: int,
        asked: float,
        form: GrammarSampler | None = None,
    ) -> None:
        self.prompt = prompt
        self.system_tokens = system_tokens
        self.script = script
        self.steps = room if script is None else min(room, len(script))
        self.ended = script is not None and len(script) <= room
        self.sampling = sampling
        self.said_before = said_before
        self.conversation = call.conversation
        self.dropped_messages = dropped_messages
        self.dropped_notes = dropped_notes
        self.likeliest = call.likeliest
        self.tokens: list[SaidToken] = []
        self.form = form
        self.on_token = call.on_token
        self.check = call.check
        self.asked = asked
        self.future: Future[Generation] = Future()
        self.spoken = Spoken(stop)
        self.produced: list[int] = []
        self.reused = 0
        self.learn_at = 0
        self.first_token_s: float | None = None

    def unwanted(self) -> BaseException | None:
        """Return why nobody waits for the reply any more, or None."""
        if self.future.cancelled():
            return RuntimeError("cancelled")
        if self.check is not None:
            try:
                self.check()
            except BaseException as error:  # noqa: BLE001 - it belongs to the caller, whatever it is
                return error
        return None

    def take(self, token: int, piece: bytes) -> bool:
        """Add one token to the reply, and return whether the reply is complete."""
        self.produced.append(token)
        if self.first_token_s is None:
            self.first_token_s = perf_counter() - self.asked
        self._show(self.spoken.add(piece))
        self.ended = self.ended or self.spoken.stopped
        return self.spoken.stopped or len(self.produced) >= self.steps

    def generation(self) -> Generation:
        """Return the reply."""
        if not self.spoken.stopped:
            self._show(self.spoken.rest())
        # What a bound ends may have its form, and no more to say.
        complete = self.ended or (self.form is not None and self.form.must_end())
        return Generation(
            text="".join(self.spoken.parts),
            prompt_tokens=len(self.prompt),
            generated_tokens=len(self.produced),
            first_token_s=perf_counter() - self.asked if self.first_token_s is None else self.first_token_s,
            finish_reason="stop" if complete else "length",
            reused_tokens=self.reused,
            dropped_messages=self.dropped_messages,
            dropped_notes=self.dropped_notes,
            seed=self.sampling.seed,
            tokens=within(self.tokens, sum(map(len, self.spoken.parts))),
        )

    def settle(self, outcome: Generation | BaseException) -> None:
        """Give the caller the reply, or the error; what was held for it is let go."""
        if self.form is not None:
            self.form.close()
        # A caller may leave at any instant, from another thread: asking first whether it has would be too early.
        with suppress(InvalidStateError):
            if isinstance(outcome, Generation):
                self.future.set_result(outcome)
            else:
                self.future.set_exception(outcome)

    def _show(self, text: str) -> None:
        if text and self.on_token is not None:
            self.on_token(text)
