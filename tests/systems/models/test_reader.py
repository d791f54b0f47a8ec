"""The shipped reader: small, found by its name, read by both engines, and right about what it has never seen."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.grading.answers import is_exact, is_refusal
from experiments.reader.cases import case
from systems.asynchronous.agent import Asynchronous
from systems.asynchronous.settings import AsynchronousSettings
from systems.engines.batched.engine import BatchedEngine, BatchedSettings
from systems.engines.interface import Call, Engine
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.interface import Observed, Request
from systems.models.check import ModelFile
from systems.models.find import resolve
from systems.turn import prompt

OBSERVED = Observed("2026-11-02 09:30", "processor 5 %, memory 40 % of 4.0 GiB, disk 50 %", "neutral")
NOTES = [
    "By the way, Zanubo's dog is called Miko.",
    "顺便说一下，唐云霞住在松溪镇。",
    "Please remember that Zanubo lives in Kremholm.",
    "Zanubo has moved and now lives in Tolwick.",
    "I met Zanubo in the park yesterday.",
    "Zanobo's door code is 7052.",
]


@pytest.fixture(scope="module")
def reader() -> ModelFile:
    return resolve("reader")


@pytest.fixture(scope="module", params=["llama", "batched"])
def engine(request: pytest.FixtureRequest, reader: ModelFile) -> Iterator[Engine]:
    path = str(reader.path)
    made: Engine = (
        LlamaEngine(LlamaSettings(model_path=path, threads=1))
        if request.param == "llama"
        else BatchedEngine(BatchedSettings(model_path=path, threads=1))
    )
    made.load()
    yield made
    made.close()


def test_it_is_small_and_no_random_weights(reader: ModelFile) -> None:
    assert reader.size_bytes <= 8 << 20
    assert not reader.random_weights
    assert reader.name == "fourgig reader"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Do you remember, what is Zanubo's dog called?", "Miko"),
        ("我忘了，唐云霞住在哪里？", "松溪镇"),
        ("Tell me: where does Zanubo live?", "Tolwick"),
        ("What is Zanobo's door code?", "7052"),
        ("When is Zanubo's birthday?", "I don't know."),
        ("唐云晨住在哪里？", "我不知道。"),
    ],
)
def test_it_answers_from_its_prompt_through_both_engines(engine: Engine, question: str, answer: str) -> None:
    messages = prompt.build("bracketed", [], NOTES, OBSERVED, question)

    assert engine.generate(Call(messages=messages, max_tokens=32)).text == answer


def test_it_reads_names_values_and_phrasings_it_has_never_seen(engine: Engine) -> None:
    rng = random.Random(7)
    right = []
    while len(right) < 60:
        made = case(rng, "held-out", 8)
        answer = engine.generate(Call(messages=made.messages, max_tokens=32)).text
        right.append(is_refusal(answer) if is_refusal(made.asked.answer) else is_exact(answer, made.asked.answer))

    assert sum(right) >= 0.9 * len(right)


async def test_with_it_an_agent_visibly_remembers(reader: ModelFile, tmp_path: Path) -> None:
    system = Asynchronous(
        AsynchronousSettings(layout="bracketed"),
        LlamaEngine(LlamaSettings(model_path=str(reader.path), threads=1)),
        tmp_path,
    )
    await system.start()

    async def say(text: str) -> str:
        number = system.counters().turns
        return (await system.answer(Request(id=str(number), session="me", text=text))).text

    try:
        assert await say("Please remember that Zanubo's doctor is Fladriko.") == "Noted."
        for small_talk in ("The weather is nice today.", "The train was late again.", "The coffee is getting cold."):
            for _ in range(3):
                assert await say(small_talk) == "I see."
        assert await say("Who is Zanubo's doctor?") == "Fladriko"
        assert await say("Who is Mirtela's doctor?") == "I don't know."
    finally:
        await system.close()
