"""Whatever is said, failed, given up, told by clients, forgotten and restarted: a history is what a simple model holds.

What a prompt carries shows it. The model knows a list of exchanges for every conversation, which of them are held, and
what of them is in the file.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from systems.asynchronous.agent import Asynchronous
from systems.baseline.agent import Baseline
from systems.engines.interface import Message
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import DeadlineExceeded, EngineError
from systems.interface import Request
from systems.pooled.agent import Pooled
from systems.server.hosting import host
from systems.tiered.agent import Tiered
from tests.systems.asynchronous.asking import until

LENGTH, HELD = 2, 3  # exchanges of a history, and histories that are held

TALKS = st.tuples(st.sampled_from(["vera", "bo"]), st.sampled_from([None, "a", "b"]))


class Moody(SimulatedEngine):
    """Writes down every call; fails, or says nothing until nobody waits any more, as it is told to."""

    mood = "well"

    def __init__(self):
        super().__init__(SimulatedSettings())
        self.calls = []

    def generate(self, call):
        self.calls.append(call)
        if self.mood == "broken":
            raise EngineError("The model fell over.")
        while self.mood == "silent":
            call.check()
            time.sleep(0.001)  # as an engine's own work would
        return super().generate(call)


class Talking(RuleBasedStateMachine):
    """A conversation is the pair of its session and its own name."""

    kind = Asynchronous
    tiers = False
    folders = None

    @property
    def keeps(self):
        return self.kind is not Baseline

    @initialize()
    def begin(self):
        self.runner = asyncio.Runner()
        self.folder = self.folders.mktemp("histories")
        self.held, self.lengths, self.saved, self.count = OrderedDict(), {}, {}, 0
        self.emptied, self.left = Counter(), {}
        self.start()

    def start(self):
        chosen = {"history_length": 2 * LENGTH, "sessions": HELD, "memories": 0, "cache_capacity": 0}
        if self.kind is Asynchronous:
            chosen |= {"importance_pruning": False, "stepped_pruning": False, "growing_prompts": False}
        if self.kind is Tiered:
            chosen |= {"importance_pruning": False, "stepped_pruning": False, "incremental_encoding": False}
            chosen |= {"relevance_pruning": False, "tiers": self.tiers}
        if self.kind is Pooled:
            chosen |= {"importance_pruning": False, "stepped_pruning": False, "context_manager": False}
            chosen["tiers"] = self.tiers
        self.engine = Moody()
        self.host = host(self.kind(self.kind.Settings(**chosen), self.engine, self.folder))
        self.agent = self.runner.run(self.host.__aenter__())

    def stop(self):
        self.runner.run(self.host.__aexit__(None, None, None))

    def ask(self, talk, text=None, **more):
        self.count += 1
        session, conversation = talk
        text = text or f"What is {self.count} plus one?"
        return Request(id=str(self.count), session=session, conversation=conversation, text=text, max_tokens=4, **more)

    # The model.

    def most(self, talk):
        return self.lengths.get(talk, LENGTH)

    def newest(self, talk, exchanges):
        return exchanges[len(exchanges) - min(len(exchanges), self.most(talk)) :]

    def hold(self, talk, exchanges):
        self.held[talk] = self.newest(talk, exchanges)
        self.held.move_to_end(talk)
        while len(self.held) > HELD:
            left, exchanges = self.held.popitem(last=False)
            self.lengths.pop(left, None)
            self.left[left] = exchanges

    def recalled(self, talk):
        """Return what ``talk`` goes on from: as it left, or what is in the file under its name."""
        if talk in self.held:
            return self.held[talk]
        if self.tiers and self.left.get(talk):
            known = self.left.pop(talk)
            self.held[talk] = known
            self.hold(talk, known)
        elif self.keeps:
            self.hold(talk, self.remembered(talk))
        return self.held.get(talk, [])

    def remembered(self, talk):
        return self.saved.get(talk, [])[self.emptied[talk] :]

    # What happens.

    def heard(self):
        return [message.content for message in self.engine.calls[-1].messages[1:-1]]

    @rule(talk=TALKS, kept=st.booleans())
    def say(self, talk, kept):
        asked = self.ask(talk, kept=kept)
        reply = self.runner.run(self.agent.answer(asked))
        before = self.recalled(talk)
        assert self.heard() == [text for exchange in before for text in exchange]
        if kept:
            self.kept(talk, before, asked, reply)

    @rule(talk=TALKS, count=st.integers(0, 4), kept=st.booleans())
    def say_what_was_before(self, talk, count, kept):
        told = [(f"told {self.count} {number}", f"answered {number}") for number in range(count)]
        before = tuple(Message(*each) for pair in told for each in zip(("user", "assistant"), pair, strict=True))
        asked = self.ask(talk, before=before, kept=kept)
        reply = self.runner.run(self.agent.answer(asked))
        if self.tiers:
            self.recalled(talk)
        assert self.heard() == [text for exchange in told for text in exchange]
        if kept:
            self.kept(talk, told, asked, reply)

    def kept(self, talk, before, asked, reply):
        self.hold(talk, [*before, (asked.text, reply.text)])
        self.saved.setdefault(talk, []).append((asked.text, reply.text))

    @rule(talk=TALKS, told=st.booleans())
    def fail(self, talk, told):
        self.engine.mood = "broken"
        before = (Message("user", "lost"), Message("assistant", "lost as well")) if told else None
        with pytest.raises(EngineError):
            self.runner.run(self.agent.answer(self.ask(talk, before=before)))
        self.engine.mood = "well"
        if self.tiers or not told:
            self.recalled(talk)

    @precondition(lambda self: self.keeps)
    @rule(talk=TALKS, told=st.booleans())
    def give_up(self, talk, told):
        async def given_up(asked):
            calls = len(self.engine.calls)
            turn = asyncio.create_task(self.agent.answer(asked))
            await until(lambda: turn.done() or len(self.engine.calls) > calls)
            turn.cancel()
            with pytest.raises(asyncio.CancelledError):
                await turn

        self.engine.mood = "silent"
        before = (Message("user", "lost"), Message("assistant", "lost as well")) if told else None
        self.runner.run(given_up(self.ask(talk, before=before)))
        self.engine.mood = "well"
        if self.tiers or not told:
            self.recalled(talk)

    @rule(talk=TALKS, length=st.integers(0, 3))
    def resize(self, talk, length):
        self.runner.run(self.agent.answer(self.ask(talk, f"/history {2 * length}")))
        before = self.recalled(talk)
        self.lengths[talk] = length
        self.hold(talk, before)

    @rule(talk=TALKS)
    def forget_history(self, talk):
        self.runner.run(self.agent.answer(self.ask(talk, "/forget")))
        self.recalled(talk)
        if talk in self.held:
            self.held[talk] = []
        if self.keeps:
            self.emptied[talk] = len(self.saved.get(talk, []))

    @precondition(lambda self: self.keeps)
    @rule(data=st.data())
    def forget_since(self, data):
        talks = [talk for talk, turns in self.saved.items() if turns]
        if not talks:
            return
        session, conversation = talk = data.draw(st.sampled_from(talks))
        keeper = self.agent.keeper
        turns = self.runner.run(keeper.turns(session, conversation=conversation or ""))
        assert [(turn.question, turn.answer) for turn in turns] == self.saved[talk]
        place = data.draw(st.integers(0, len(turns) - 1))
        self.runner.run(keeper.forget(session, conversation=conversation or "", since=turns[place].id))
        left = len(self.held.get(talk, [])) - len(turns[place:])
        self.saved[talk] = self.saved[talk][:place]
        self.emptied[talk] = min(self.emptied[talk], place)
        for other in [each for each in self.left if each[0] == session]:
            del self.left[other]
        if left > 0:
            self.hold(talk, self.remembered(talk)[-left:])
        elif talk in self.held:
            self.held[talk] = []

    @rule()
    def restart(self):
        self.stop()
        self.left |= self.held
        self.held.clear()
        self.lengths.clear()
        self.start()

    def teardown(self):
        if self.folders is not None and hasattr(self, "agent"):
            self.stop()
            self.runner.close()


@pytest.mark.parametrize(
    ("kind", "tiers"),
    [(Baseline, False), (Asynchronous, False), (Tiered, False), (Tiered, True), (Pooled, False), (Pooled, True)],
)
def test_a_history_is_what_a_list_holds(tmp_path_factory, kind, tiers):
    machine = type("Talking", (Talking,), {"kind": kind, "tiers": tiers, "folders": tmp_path_factory})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )


async def test_a_turn_that_comes_too_late_leaves_nothing(tmp_path):
    engine = Moody()
    before = (Message("user", "lost"), Message("assistant", "lost as well"))
    asked = {"id": "1", "session": "vera", "conversation": "a", "max_tokens": 4}
    async with host(Asynchronous(Asynchronous.Settings(), engine, tmp_path)) as running:
        engine.mood = "silent"
        for told in (None, before):
            with pytest.raises(DeadlineExceeded):
                await running.answer(Request(**asked, text="Too late?", before=told, deadline_s=0.1))
        engine.mood = "well"
        await running.answer(Request(**asked, text="And now?"))
    assert len(engine.calls[-1].messages) == 2
