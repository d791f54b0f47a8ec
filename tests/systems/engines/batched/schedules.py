"""Any schedule of joins, leaves, deadlines, faults and returns, driven through the whole engine one step at a time.

After every step: what the slots are said to hold they hold, it is their own conversation's, and the bytes kept are
within the bound. At the end: every logit of every reply is the reference's, and no slot is left behind.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Event, Semaphore
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from systems.engines.batched.context import Context, Piece, padded
from systems.engines.batched.decoder import Decoder
from systems.engines.batched.engine import BatchedEngine
from systems.engines.batched.inbox import Inbox
from systems.engines.batched.jobs import Job
from systems.engines.batched.settings import BatchedSettings
from systems.engines.interface import Call, Generation, Message, Sampling
from systems.engines.llama import LlamaEngine
from systems.errors import Abandoned, DeadlineExceeded, EngineBusy, EngineError
from tests.systems.engines.batched.talking import SYSTEM, agree

CONTEXT = 256
BYTES_A_TOKEN = {"f16": 256, "q8_0": 136}  # of both small models
GREEDY, WARM = Sampling(), Sampling(temperature=2.0, top_k=0, top_p=1.0, ignore_end=True)
OTHER_SYSTEM = Message("system", "Answer in rhymes, and never twice the same. " * 2)

Reference = Callable[[list[int], list[int]], np.ndarray]
"""Returns the logits after a prompt and after each token but the last of a reply."""


class Pace:
    """Stands between the decoding thread and its inbox, and lets it take one step at a time."""

    def __init__(self) -> None:
        self._wait = Inbox.wait
        self._go, self._rests = Semaphore(0), Semaphore(0)
        self._unpaced = Event()

    def wait(self, inbox: Inbox, *, busy: bool) -> bool:
        if self._unpaced.is_set():
            return self._wait(inbox, busy=busy)
        self._rests.release()
        self._go.acquire()
        return self._wait(inbox, busy=True)

    def rest(self) -> None:
        assert self._rests.acquire(timeout=60), "the decoding thread has died, or does not end its step"

    def step(self) -> None:
        self._go.release()
        self.rest()

    def let_go(self) -> None:
        self._unpaced.set()
        self._go.release()


class Asked:
    """A request, what became of it, and the logits its tokens were chosen by."""

    def __init__(self, user: str | None, question: Message, *, greedy: bool) -> None:
        self.user, self.question, self.greedy = user, question, greedy
        self.rows: list[np.ndarray] = []
        self.leaves_with: Exception | None = None
        self.at_next_token = False
        self.job: Job
        self.future: Future[Generation]

    def check(self) -> None:
        if self.leaves_with is not None and not self.at_next_token:
            raise self.leaves_with

    def on_token(self, _: str) -> None:
        if self.leaves_with is not None:
            raise self.leaves_with


class Schedules(RuleBasedStateMachine):
    """The engine, its users, and whatever may happen to them."""

    model_path: ClassVar[Path]
    key_value: ClassVar[Literal["f16", "q8_0"]]
    reference: ClassVar[Reference]

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.pace = Pace()
        self.engine: BatchedEngine | None = None
        self.said: dict[str, list[Message]] = {}
        self.begun_with: dict[str | None, list[list[int]]] = {}
        self.under_way: list[Asked] = []
        self.settled: list[Asked] = []
        self.faults: dict[str, Exception] = {}

    @initialize(
        slots=st.integers(1, 4),
        kept=st.sampled_from([0.3, 1.5, 4.0]),
        disk=st.sampled_from([0, 100_000, 10**7]),
        chunk=st.sampled_from([5, 40, 256]),
        batch=st.sampled_from([16, 64, 512]),
    )
    def load(self, slots: int, kept: float, disk: int, chunk: int, batch: int) -> None:
        """``kept`` sequences' worth of states fit into memory beside the context."""
        # The small model computes faster than any disk reads; a real one does not.
        self.patch.setattr("systems.engines.batched.states._DISK_BYTES_PER_S", 1e12)
        self.patch.setattr(Inbox, "wait", lambda inbox, *, busy: self.pace.wait(inbox, busy=busy))
        self._watch()
        a_sequence = CONTEXT * BYTES_A_TOKEN[self.key_value]
        self.settings = BatchedSettings(
            model_path=str(self.model_path),
            slots=slots,
            context_tokens=CONTEXT,
            batch_tokens=batch,
            chunk_tokens=chunk,
            threads=1,
            key_value=self.key_value,
            memory_bytes=int((slots + max(kept, slots / 2)) * a_sequence),
            disk_bytes=disk,
        )
        self.engine = BatchedEngine(self.settings)
        self.engine.load()
        self.pace.rest()
        self.slots = self.decoder._slots
        assert self.decoder._context.sequences == slots
        assert self.decoder._model.bytes_a_token(self.key_value) == BYTES_A_TOKEN[self.key_value]
        self.context_bytes = slots * padded(CONTEXT) * BYTES_A_TOKEN[self.key_value]

    def _watch(self) -> None:
        """Note whose logits are used, which job and which decoder it is; and let what is in ``faults`` fail, once."""
        chosen, init, add = Decoder._chosen, Decoder.__init__, Inbox.add

        def note(decoder: Decoder, number: int, where: int) -> int:
            job = decoder._slots[number].job
            for asked in self.under_way:
                if asked.job is job:
                    asked.rows.append(decoder._context.logits(where).copy())
            return chosen(decoder, number, where)

        def made(decoder: Decoder, *given: Any) -> None:
            self.decoder = decoder
            init(decoder, *given)

        def added(inbox: Inbox, job: Job) -> None:
            self.added = job
            add(inbox, job)

        def failing(name: str) -> Callable[..., Any]:
            original = getattr(Context, name)

            def fail(*given: Any) -> Any:
                error = self.faults.pop(name, None)
                if error is None:
                    return original(*given)
                if name == "decode":
                    original(*given)  # what the sequences hold is then unknown, as after a real failure
                raise error

            return fail

        self.patch.setattr(Inbox, "add", added)
        self.patch.setattr(Decoder, "_chosen", note)
        self.patch.setattr(Decoder, "__init__", made)
        for name in ("decode", "save", "restore"):
            self.patch.setattr(Context, name, failing(name))

    @rule(
        user=st.sampled_from(["one", "two", "three", "four", "five", None]),
        words=st.integers(1, 24),
        tokens=st.integers(1, 20),
        greedy=st.booleans(),
        script=st.sampled_from([None, None, "Yes, I think so. 不知道 🎉"]),
    )
    def ask(self, user: str | None, words: int, tokens: int, greedy: bool, script: str | None) -> None:
        assert self.engine is not None
        history = self.said.setdefault(user or "", [SYSTEM])
        question = Message("user", f"I am {user}: " + "what then? " * words)
        asked = Asked(user, question, greedy=greedy and script is None)
        asked.future = self.engine.submit(
            Call(
                messages=[*history, question],
                max_tokens=tokens,
                script=script,
                conversation=user,
                sampling=GREEDY if greedy else WARM,
                check=asked.check,
                on_token=asked.on_token,
            )
        )
        asked.job = self.added
        self.begun_with.setdefault(user, []).append(asked.job.prompt)
        self.under_way.append(asked)

    @rule(user=st.sampled_from(["one", "two", "three"]), system=st.sampled_from([SYSTEM, OTHER_SYSTEM]))
    def start_over(self, user: str, system: Message) -> None:
        self.said[user] = [system]

    @rule(steps=st.integers(1, 12))
    def go_on(self, steps: int) -> None:
        for _ in range(steps):
            self._step()

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 20), how=st.sampled_from(["cancels", "has waited too long", "left", "refuses a token"]))
    def leave(self, which: int, how: str) -> None:
        asked = self.under_way[which % len(self.under_way)]
        if how == "cancels":
            asked.future.cancel()
        else:
            asked.at_next_token = how == "refuses a token"
            late = how == "has waited too long"
            asked.leaves_with = DeadlineExceeded("too late") if late else Abandoned("nobody waits")
        if how != "refuses a token":
            self._step()
            assert asked.future.done(), "it was still worked for after a step"
            assert asked.job not in self.slots.jobs().values(), "its slot was not free after a step"

    @rule(what=st.sampled_from(["decode", "save", "restore"]))
    def fault(self, what: str) -> None:
        self.faults[what] = EngineBusy("no room") if what == "decode" else EngineError("not this one")

    @rule()
    def spoil_what_is_on_disk(self) -> None:
        for spilled in self.slots._states._on_disk.values():
            spilled.path.write_bytes(b"somebody else's")

    @invariant()
    def holds_what_is_said(self) -> None:
        if self.engine is None:
            return
        states = self.slots._states
        owners = [slot.owner for slot in self.slots._all if slot.owner is not None]
        assert len(owners) == len(set(owners))
        for number, slot in enumerate(self.slots._all):
            assert self.decoder._context.held(number) == len(slot.tokens)
            if slot.owner is not None and slot.tokens:
                self._is_own(slot.owner, slot.tokens)
        for key, state in states._in_memory.items():
            self._may_have(key, state.tokens.tolist())
        for key, spilled in states._on_disk.items():
            self._may_have(key, spilled.tokens.tolist())
        assert states.bytes == sum(state.size for state in states._in_memory.values())
        assert self.context_bytes + states.bytes <= self.settings.memory_bytes
        assert states.bytes_on_disk <= self.settings.disk_bytes

    def _may_have(self, key: str | int, tokens: list[int]) -> None:
        if isinstance(key, str):
            self._is_own(key, tokens)
        else:  # a beginning kept for all: the system prompt's, or what two began with
            begun = [whose for whose, prompts in self.begun_with.items() for one in prompts if _begins(one, tokens)]
            assert len(begun) > 1 or any(_begins(job.job.system_tokens, tokens) for job in self._all())

    def _is_own(self, user: str, tokens: list[int]) -> None:
        assert any(
            _begins(asked.job.prompt + asked.job.produced, tokens) for asked in self._all() if asked.user == user
        ), "a conversation was given what is not its own"

    def _all(self) -> list[Asked]:
        return self.under_way + self.settled

    def _step(self) -> None:
        self.pace.step()
        for asked in [asked for asked in self.under_way if asked.future.done()]:
            if asked.job in self.slots.jobs().values():
                continue  # cancelled after the step; the next one lets go of it
            self.under_way.remove(asked)
            self.settled.append(asked)
            if not asked.future.cancelled() and asked.future.exception() is None:
                history = self.said[asked.user or ""]
                history += [asked.question, Message("assistant", asked.future.result().text)]
        self.holds_what_is_said()

    def teardown(self) -> None:
        try:
            if self.engine is not None:
                self._finish()
        finally:
            self.pace.let_go()
            if self.engine is not None:
                self.engine.close()
            self.patch.undo()

    def _finish(self) -> None:
        assert self.engine is not None
        for _ in range(3000):
            if not self.under_way:
                break
            self._step()
        assert not self.under_way, "a request was never settled"
        assert not self.slots.jobs()
        assert not self.decoder._inbox._jobs
        self.faults.clear()
        for asked in self.settled:
            self._verify(asked)
        # Every slot can be taken again: by requests with beginnings of their own, for who shares one may wait for it.
        for number in range(self.settings.slots):
            alone = Message("user", "abcd"[number] * 20)
            self.engine.submit(Call(messages=[alone], max_tokens=20, sampling=WARM))
        for _ in range(200):
            if len(self.slots.jobs()) == self.settings.slots:
                return
            self.pace.step()
        pytest.fail("a slot was left behind")

    def _verify(self, asked: Asked) -> None:
        error = None if asked.future.cancelled() else asked.future.exception()
        if asked.future.cancelled() or error is not None:
            assert error is None or isinstance(error, DeadlineExceeded | Abandoned | EngineBusy), error
        else:
            generation = asked.future.result()
            assert generation.prompt_tokens == len(asked.job.prompt)
            assert generation.generated_tokens == len(asked.job.produced) <= asked.job.steps
        produced = asked.job.produced
        if asked.rows:
            ours = np.array(asked.rows)
            theirs = type(self).reference(asked.job.prompt, produced[: len(ours) - 1])
            agree(ours, theirs)
            if asked.greedy:
                assert [int(row.argmax()) for row in ours][: len(produced)] == produced


def _begins(whole: list[int], tokens: list[int]) -> bool:
    return whole[: len(tokens)] == tokens


def serial_reference(engine: LlamaEngine) -> Reference:
    """Return what the serial engine computes, one token after the other."""
    llama = engine._llama

    def following(tokens: list[int]) -> np.ndarray:
        llama.eval(tokens)
        return np.ctypeslib.as_array(llama._ctx.get_logits(), (llama.n_vocab(),))

    return _reference(llama.reset, following)


def alone_reference(context: Context) -> Reference:
    """Return what ``context`` computes of one conversation alone, one token after the other."""

    def following(tokens: list[int]) -> np.ndarray:
        return context.logits(context.decode([Piece(0, tokens, last=True)])[0])

    return _reference(lambda: context.clear(0), following)


def _reference(forget: Callable[[], None], following: Callable[[list[int]], np.ndarray]) -> Reference:
    found: dict[tuple[int, ...], np.ndarray] = {}

    def rows(prompt: list[int], reply: list[int]) -> np.ndarray:
        key = (len(prompt), *prompt, *reply)
        if key not in found:
            forget()
            found[key] = np.array([following(tokens).copy() for tokens in (prompt, *([token] for token in reply))])
        return found[key]

    return rows


def schedules(path: Path, keys_and_values: Literal["f16", "q8_0"], expected: Reference) -> type[Schedules]:
    """Return schedules on the model at ``path``."""

    class These(Schedules):
        model_path = path
        key_value = keys_and_values
        reference = staticmethod(expected)

    return These


def try_schedules(
    path: Path, keys_and_values: Literal["f16", "q8_0"], expected: Reference, *, examples: int, steps: int = 30
) -> None:
    """Try ``examples`` schedules of ``steps`` events each on the model at ``path``."""
    run_state_machine_as_test(
        schedules(path, keys_and_values, expected),
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
