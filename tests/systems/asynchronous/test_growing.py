"""Prompts that only grow: what was sent stays as it was sent until the history begins anew, save what is forgotten."""

from __future__ import annotations

import asyncio
import threading
from itertools import pairwise

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.batched.engine import BatchedEngine, BatchedSettings
from systems.engines.fitting import fitted
from systems.engines.interface import Message
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.interface import Request, talk
from systems.mechanisms.saving import SaveAtOnce
from systems.server.hosting import host

VERA = "vera"
LENGTH = 8  # messages


class Heard(SimulatedEngine):
    """Writes down what it was sent; says nothing before it may; has a context where one is given."""

    def __init__(self, context=None):
        super().__init__(SimulatedSettings())
        self.sent, self.asked, self.may, self.context = [], threading.Event(), threading.Event(), context
        self.may.set()

    @property
    def context_tokens(self):
        return self.context

    def generate(self, call):
        self.sent.append(list(call.messages))
        self.asked.set()
        assert self.may.wait(30)
        return super().generate(call)

    def texts(self, number=-1):
        return "\n".join(message.content for message in self.sent[number])


def ask(text, conversation=None, **more):
    return Request(id=text, session=VERA, conversation=conversation, text=text, max_tokens=4, **more)


def agent(folder, engine, **changes):
    return host(Asynchronous(AsynchronousSettings(**{"cache_capacity": 0, **changes}), engine, folder))


TEXTS = st.sampled_from(
    ["I like tea.", "My cat is Tom.", "What do I like?", "What is my cat called?", "What time is it?", "Context: none"]
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(TEXTS, min_size=2, max_size=14),
    st.sampled_from(["passage", "list", "sentences", "question-first"]),
    st.booleans(),
    st.sampled_from([40, 2048]),
)
def test_a_prompt_begins_with_the_one_before_and_its_reply_until_the_history_begins_anew(
    tmp_path_factory, texts, layout, told, room
):
    engine, said, replies = Heard(), [], []

    async def converse():
        folder = tmp_path_factory.mktemp("growing")
        async with agent(folder, engine, layout=layout, history_length=LENGTH, history_tokens=room) as running:
            for number, text in enumerate(texts):
                before = tuple(said) if told else None
                reply = await running.answer(ask(f"{text} {number}", before=before))
                replies.append(Message("assistant", reply.text))
                said.extend([Message("user", f"{text} {number}"), replies[-1]])

    asyncio.run(converse())
    grown, since = 0, 0
    for last, reply, prompt in zip(engine.sent, replies, engine.sent[1:], strict=False):
        if prompt[: len(last) + 1] == [*last, reply]:
            grown, since = grown + 1, since + 1
        else:
            # Half a history at least is new: the next one comes as late, unless what was said is longer than that.
            assert since >= LENGTH // 4 - 1 or room < 2048
            since = 0
        assert told or len(prompt) <= LENGTH + 2
    assert grown >= min(len(texts) - 1, LENGTH // 2) or room < 2048


async def test_a_question_has_its_own_notes_though_an_earlier_one_has_them(tmp_path):
    engine = Heard()
    async with agent(tmp_path, engine) as running:
        await running.answer(ask("My cat is called Quibbleworth.", "one"))
        for number in range(3):
            reply = await running.answer(ask(f"What is my cat called, {number}?", "two"))
            assert reply.memories == ("My cat is called Quibbleworth.",)
            assert engine.texts().count("Quibbleworth") == number + 1


async def test_what_is_forgotten_leaves_what_was_sent_in_other_conversations(tmp_path):
    engine = Heard()
    async with agent(tmp_path, engine) as running:
        await running.answer(ask("My cat is called Quibbleworth.", "one"))
        await running.answer(ask("What is my cat called?", "two"))
        await running.answer(ask("What is my cat called?", None))
        assert "Quibbleworth" in engine.texts()
        await running.keeper.forget(VERA, conversation="one")
        for conversation in ("two", None):
            await running.answer(ask("And what else?", conversation))
            assert "What is my cat called?" in engine.texts()
            assert "Quibbleworth" not in engine.texts()


@pytest.mark.parametrize("grows", [True, False])
async def test_an_engine_forgets_the_session_s_other_conversations_that_may_have_had_a_note_of_it(tmp_path, grows):
    class Forgetting(Heard):
        def forget(self, conversation):
            forgotten.append(conversation)

    forgotten, stranger = [], "somebody else"
    async with agent(tmp_path, Forgetting(), growing_prompts=grows) as running:
        await running.answer(ask("My cat is called Quibbleworth.", "one"))
        await running.answer(ask("What is my cat called?", "two"))
        await running.answer(Request(id="3", session=stranger, conversation="one", text="Hello.", max_tokens=4))
        await running.keeper.forget(VERA, conversation="one")
    assert sorted(forgotten) == [talk(VERA, "one"), talk(VERA, "two")]


async def test_what_was_sent_while_it_was_being_forgotten_is_not_kept_as_it_was_sent(tmp_path):
    engine = Heard()
    async with agent(tmp_path, engine) as running:
        await running.answer(ask("My cat is called Quibbleworth.", "one"))
        engine.asked.clear()
        engine.may.clear()
        asked = asyncio.create_task(running.answer(ask("What is my cat called?", "two")))
        await asyncio.to_thread(engine.asked.wait, 30)
        await running.keeper.forget(VERA, conversation="one")
        engine.may.set()
        await asked
        await running.answer(ask("And what else?", "two"))
    assert "Quibbleworth" not in engine.texts()


async def test_what_is_forgotten_while_a_turn_is_being_saved_is_not_kept_as_it_was_sent(tmp_path, monkeypatch):
    engine, saving, may = Heard(), asyncio.Event(), asyncio.Event()
    add = SaveAtOnce.add

    async def slowly(self, turn, taken):
        if "What is" in turn.question:
            saving.set()
            await may.wait()
        await add(self, turn, taken)

    monkeypatch.setattr(SaveAtOnce, "add", slowly)
    async with agent(tmp_path, engine, background_saving=False) as running:
        await running.answer(ask("My cat is called Quibbleworth.", "one"))
        asked = asyncio.create_task(running.answer(ask("What is my cat called?", "two")))
        await saving.wait()
        await running.keeper.forget(VERA, conversation="one")
        may.set()
        await asked
        await running.answer(ask("And what else?", "two"))
    assert "Quibbleworth" not in engine.texts()


async def test_a_corrected_turn_leaves_what_was_sent_in_other_conversations(tmp_path):
    engine = Heard()
    async with agent(tmp_path, engine) as running:
        await running.answer(ask("My cat is called Quibbleworth.", "one"))
        await running.answer(ask("What is my cat called?", "two"))
        [turn] = await running.keeper.turns(VERA, conversation="one")
        await running.keeper.correct(VERA, turn.id, "My cat is called Tom.")
        await running.answer(ask("What is my cat called now?", "two"))
    assert "Quibbleworth" not in engine.texts()
    assert "Tom" in engine.sent[-1][-1].content


async def test_a_conversation_that_a_client_edits_is_sent_as_it_says(tmp_path):
    engine = Heard()
    async with agent(tmp_path, engine) as running:
        await running.answer(ask("My cat is called Quibbleworth.", "one"))
        first = await running.answer(ask("What is my cat called?", "two", before=()))
        said = (Message("user", "What is my cat called?"), Message("assistant", first.text))
        await running.answer(ask("Hello!", "two", before=said))
        assert engine.sent[-1][: len(engine.sent[1])] == engine.sent[1]
        edited = (Message("user", "Which cat?"), said[1])
        await running.answer(ask("Hello again!", "two", before=edited))
        assert [message.content for message in engine.sent[-1][1:3]] == ["Which cat?", first.text]
        await running.answer(ask("/forget", "two"))
        await running.answer(ask("Hello once more!", "two", before=said))
    assert engine.sent[-1][1:3] == [*said], "what was emptied is not known as it was sent"


@pytest.mark.parametrize("layout", ["bracketed", "system"])
async def test_layouts_whose_messages_cannot_stay_have_bare_histories(tmp_path, layout):
    engine = Heard()
    async with agent(tmp_path, engine, layout=layout) as running:
        await running.answer(ask("My cat is called Tom.", "one"))
        await running.answer(ask("What is my cat called?", "two"))
        await running.answer(ask("And what else?", "two"))
    assert engine.sent[-1][1] == Message("user", "What is my cat called?")


async def test_a_history_begins_anew_before_it_fills_half_the_context(tmp_path):
    engine, sizes = Heard(context=400), []
    async with agent(tmp_path, engine, history_length=100, memories=0) as running:
        for number in range(30):
            await running.answer(ask(f"In the year {number} the bees of Utrecht gave no honey."))
            sizes.append(len(engine.sent[-1]))
    shorter = [place for place, (one, other) in enumerate(pairwise(sizes)) if other < one]
    assert shorter, "it began anew"
    assert all(later - sooner > 2 for sooner, later in pairwise(shorter)), "and grew in between"


def batched(path):
    return BatchedEngine(BatchedSettings(model_path=str(path), context_tokens=1024, slots=2, threads=1))


def serial(path):
    return LlamaEngine(LlamaSettings(model_path=str(path), context_tokens=1024, threads=1))


@pytest.mark.parametrize("whole", [False, True])
async def test_what_earlier_questions_were_sent_with_leaves_before_anything_that_was_said(tmp_path, whole):
    class Fitting(Heard):
        def generate(self, call):
            found = fitted(call, lambda messages: list(range(sum(map(said, messages)))), 700)
            reply = super().generate(call)
            return msgspec.structs.replace(reply, dropped_messages=found.dropped_messages, prompt_tokens=1)

    def said(message):
        return len(message.content)

    engine, before, replies = Fitting(), [], []
    async with agent(tmp_path, engine) as running:
        await running.answer(ask(f"My cat likes {'small ' * 20}fish.", "one"))
        for number in range(5):
            text = f"What does my cat like, {number}?"
            replies.append(await running.answer(ask(text, "two", before=tuple(before), all_messages=whole)))
            before += [Message("user", text), Message("assistant", replies[-1].text)]
    assert [reply.dropped_messages for reply in replies] == [0] * 5
    with_notes = ["small" in message.content for message in engine.sent[-1][:-1]]
    assert sum(with_notes) < 4, "it went on from bare questions"


@pytest.mark.parametrize("engine", [batched, serial])
async def test_an_engine_has_computed_all_of_a_prompt_but_what_is_new(tmp_path, tiny_model, engine):
    async with agent(tmp_path, engine(tiny_model), history_length=20) as running:
        await running.answer(ask("My cat is called Quibbleworth.", "one"))
        last = 0
        for number in range(6):
            reply = await running.answer(ask(f"What is my cat called, {number}?", "two"))
            assert reply.reused_tokens >= last
            assert reply.dropped_messages == 0
            last = reply.prompt_tokens


async def test_a_client_s_long_instructions_take_no_room_from_the_history(tmp_path):
    engine = Heard(context=4096)
    async with agent(tmp_path, engine, history_tokens=200) as served:
        for number in range(4):
            await served.answer(ask(f"Turn {number} of tea.", instructions="Be kind. " * 400))
    assert [f"Turn {number}" in engine.texts() for number in range(4)] == [True] * 4


async def test_what_is_forgotten_is_in_no_prompt_while_the_engine_forgets(tmp_path):
    """An engine may take a while; the session's other conversations go on meanwhile."""

    class Slow(Heard):
        forgets, may_forget = threading.Event(), threading.Event()

        def forget(self, conversation):
            self.forgets.set()
            assert self.may_forget.wait(30)

    engine = Slow()
    async with agent(tmp_path, engine) as served:
        keeper = served.keeper
        await served.answer(ask("My cat is called Quibbleworth.", "one"))
        await served.answer(ask("What is my cat called?", "two"))
        assert "Quibbleworth" in engine.texts()
        [turn] = await keeper.turns(VERA, conversation="one")
        forgetting = asyncio.create_task(keeper.forget(VERA, turn=turn.id))
        assert await asyncio.to_thread(engine.forgets.wait, 30)
        await served.answer(ask("Which pet have I?", "two"))
        assert "Quibbleworth" not in engine.texts()
        engine.may_forget.set()
        await forgetting
