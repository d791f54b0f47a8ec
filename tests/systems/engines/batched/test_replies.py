"""The batched engine says what the serial one says, whoever else is served."""

from __future__ import annotations

import ast
import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.interface import Call, Message, Sampling
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.engines.llama_text import LlamaText
from systems.engines.scripted import Script, Scripts, scripted
from systems.engines.spoken import Spoken
from systems.errors import EngineError, PromptTooLong
from systems.interface import Request
from systems.server.hosting import host
from tests.systems.engines.batched.conftest import logits_of
from tests.systems.engines.batched.talking import SYSTEM, agree, reply, talk


@pytest.mark.parametrize(
    ("chosen", "happens"),
    [
        pytest.param({"slots": 1}, "saved_states", id="one at a time"),
        pytest.param({"slots": 4, "chunk_tokens": 16}, "prefixes", id="four at a time, prompts in chunks"),
        pytest.param({"slots": 16}, "reused_tokens", id="all at once"),
        pytest.param({"slots": 4, "flash_attention": True}, "reused_tokens", id="flash attention"),
        pytest.param(
            {"slots": 4, "micro_batch_tokens": 16, "threads": 1, "prefill_threads": 2}, "reused_tokens", id="in parts"
        ),
        pytest.param({"slots": 2, "memory_bytes": 420_000}, "dropped_states", id="states dropped"),
        pytest.param({"slots": 2, "memory_bytes": 420_000, "disk_bytes": 10**8}, "spilled_states", id="states on disk"),
    ],
)
def test_every_logit_is_the_serial_engines_whoever_else_is_served(
    make, expected, recorded, monkeypatch, chosen, happens
):
    # The tiny model computes faster than any disk reads; a real one does not.
    monkeypatch.setattr("systems.engines.batched.states._DISK_BYTES_PER_S", 1e12)
    engine = make(**chosen)
    said: dict[int, list[Message]] = {user: [SYSTEM] for user in range(7)}

    def converse(user: int) -> None:
        for turn in range(3):
            said[user].append(talk(user, turn))
            found = engine.generate(
                Call(messages=said[user], max_tokens=64, script=reply(user, turn), conversation=f"user {user}")
            )
            assert found.text == reply(user, turn)
            said[user].append(Message("assistant", found.text))

    with ThreadPoolExecutor(7) as threads:
        list(threads.map(converse, said))
    assert getattr(engine.counters(), happens) > 0
    for user, messages in said.items():
        ours = [
            np.array(rows)
            for (whose, _), rows in sorted(recorded.items(), key=lambda item: item[0][1])
            if whose == f"user {user}"
        ]
        for turn in range(3):
            agree(ours[turn], expected(messages[: 2 + 2 * turn], reply(user, turn)))


def test_the_serial_engines_own_logits_are_the_same_with_flash_attention(tiny_model, expected):
    messages, forced = [SYSTEM, talk(1, 1)], reply(1, 1)
    with_it = LlamaEngine(
        LlamaSettings(model_path=str(tiny_model), context_tokens=512, threads=1, flash_attention=True)
    )
    with_it.load()
    try:
        agree(logits_of(with_it, messages, forced), expected(messages, forced))
    finally:
        with_it.close()


def test_cancelled_neighbours_leave_every_logit_alone(make, expected, recorded):
    engine = make(slots=3)
    messages = [SYSTEM, talk(1, 1)]
    neighbours = [
        engine.submit(Call(messages=[SYSTEM, talk(user, 2)], max_tokens=300, sampling=Sampling(ignore_end=True)))
        for user in range(2, 12)
    ]

    def cancel_one(_: str) -> None:
        if neighbours:
            neighbours.pop(0).cancel()

    found = engine.generate(
        Call(messages=messages, max_tokens=64, script=reply(1, 1), conversation="stays", on_token=cancel_one)
    )
    assert found.text == reply(1, 1)
    assert not neighbours
    agree(np.array(recorded["stays", found.prompt_tokens]), expected(messages, reply(1, 1)))


def test_sampling_is_repeatable_by_its_seed_and_differs_without(make):
    engine = make()

    def say(**sampling: Any) -> str:
        chosen = Sampling(ignore_end=True, **sampling)
        return engine.generate(Call(messages=[SYSTEM, talk(1, 1)], max_tokens=24, sampling=chosen)).text

    warm = {"temperature": 1.5, "top_k": 0, "top_p": 1.0}
    assert say(**warm, seed=1) == say(**warm, seed=1)
    assert len({say(**warm, seed=seed) for seed in range(4)}) > 1
    assert say(**warm, min_p=1.0) == say(), "a least share of all that the best has leaves the best alone"
    assert say(temperature=1.5, top_k=1) == say()
    assert say(repeat_penalty=100.0) != say()


@given(
    st.lists(st.sampled_from(["a", "ab", "b", "不", "🎉", " ", "abc"]), max_size=12),
    st.lists(st.sampled_from(["ab", "b不", "🎉a", "aab"])),
)
def test_a_reply_ends_before_its_first_stop_string_however_the_bytes_arrive(parts, stop):
    whole = "".join(parts)
    spoken = Spoken(stop)
    shown = ""
    for byte in whole.encode():
        shown += spoken.add(bytes([byte]))
        if spoken.stopped:
            break
    else:
        shown += spoken.rest()
    ends = [whole.find(text) for text in stop if text in whole]
    assert shown == "".join(spoken.parts)
    assert shown == (whole[: min(ends)] if ends and len(set(stop)) == 1 else shown)
    assert whole.startswith(shown)
    assert spoken.stopped == bool(ends)
    assert not any(text in shown for text in stop)


def test_a_stop_string_ends_a_streamed_reply(make):
    engine = make()
    pieces: list[str] = []
    found = engine.generate(
        Call(
            messages=[SYSTEM, talk(1, 1)],
            max_tokens=64,
            script="One. Two. Three. Four.",
            on_token=pieces.append,
            sampling=Sampling(stop=("Three", "Four")),
        )
    )
    assert found.text == "One. Two. " == "".join(pieces)
    assert found.generated_tokens < 20


def test_a_conversation_that_outgrows_its_context_loses_its_oldest_messages_in_steps(make):
    engine = make(context_tokens=400)
    messages = [SYSTEM]
    lost = []
    for turn in range(24):
        messages.append(talk(1, turn))
        found = engine.generate(Call(messages=messages, max_tokens=12, script=reply(1, turn), conversation="one"))
        assert found.prompt_tokens + 12 <= 400
        lost.append(found.dropped_messages)
        messages.append(Message("assistant", found.text))
    assert lost == sorted(lost)
    assert set(lost) > {0, 8}
    assert all(dropped % 8 == 0 for dropped in lost)
    with pytest.raises(PromptTooLong):
        engine.generate(Call(messages=[SYSTEM, Message("user", "word " * 500)], max_tokens=4))
    with pytest.raises(EngineError, match="At least one token"):
        engine.generate(Call(messages=[SYSTEM], max_tokens=0))


def test_a_template_that_insists_on_a_question_gets_one(make, monkeypatch):
    engine = make()
    prompt = LlamaText.prompt

    def insists(self: LlamaText, messages: Any, **named: Any) -> Any:
        if not any(message.role == "user" for message in messages):
            raise EngineError("No user query found in messages.")
        return prompt(self, messages, **named)

    monkeypatch.setattr(LlamaText, "prompt", insists)
    assert engine.generate(Call(messages=[SYSTEM, talk(1, 1)], max_tokens=2, script="yes no")).text == "yes no"


async def test_the_agent_awaits_its_replies_without_a_thread_each(make, tmp_path, monkeypatch):
    engine = make(slots=4)
    monkeypatch.setattr(engine, "close", lambda: None)  # the fixture's to close

    def request(number: int, tokens: int) -> Request:
        return Request(
            id=f"{number}-{tokens}",
            session=f"user {number}",
            text="How are you?",
            max_tokens=tokens,
        )

    scripts = Scripts(Script(f"user {number}", "How are you?", ("well " * 250,)) for number in range(12))
    async with host(Asynchronous(AsynchronousSettings(), scripted(engine, scripts), tmp_path)) as agent:
        replies = await asyncio.gather(*(agent.answer(request(number, 5)) for number in range(12)))
        waiting = [thread.name for thread in threading.enumerate() if thread.name.startswith("engine_")]
        begun = asyncio.Event()
        left = asyncio.create_task(agent.answer(request(1, 250), lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), 30)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        again = await agent.answer(request(1, 3))  # the session's next turn finds its slot free
        counted = agent.counters()
    assert {reply.generated_tokens for reply in replies} == {5}
    assert waiting == ["engine_0"], "one thread loaded the model, none waits for it"
    assert again.generated_tokens == 3
    assert again.reused_tokens > 0
    assert sum(reply.reused_tokens for reply in (*replies, again)) == counted.reused_tokens < counted.prompt_tokens


def test_the_pages_example_runs(capsys, monkeypatch):
    # Where tests share the CPUs, threads that wait for each other at every step take ten times as long.
    monkeypatch.setattr("systems.engines.batched.engine.usable_cpus", lambda: 1)
    page = (Path(__file__).parents[4] / "docs" / "batched-engine.md").read_text()
    example = page.split("```python\n", 1)[1].split("```", 1)[0]
    exec(compile(example, "batched-engine.md", "exec"), {"__name__": "example"})
    assert len(ast.literal_eval(capsys.readouterr().out)) == 50
