"""The shipped reader: small, found by its name, read by both engines, and right about what it has never seen."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import gguf
import pytest

from experiments.grading.answers import is_exact, is_refusal
from experiments.reader.cases import case
from experiments.reader.vocabulary import vocabulary
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


# What was said, what is said next in a phrasing that was kept from training, what is asked, and what is right.
CHANGED = [
    ("Anna lives in Utrecht.", "Now Anna lives in Delft.", "Where does Anna live?", "Delft"),
    ("Anna lives in Utrecht.", "Anna's new home is in Delft.", "Where does Anna live?", "Delft"),
    ("Anna lives in Utrecht.", "Anna's home is in Delft now.", "Where does Anna live?", "Delft"),
    ("My door code is 4711.", "My door code has changed to 5822.", "What is my door code?", "5822"),
    ("Maria lives in Porto.", "Maria no longer lives in Porto.", "Where does Maria live?", "I don't know."),
    ("Maria lives in Porto.", "Maria's home is no longer in Porto.", "Where does Maria live?", "I don't know."),
    ("My door code is 4711.", "My door doesn't open with 4711 anymore.", "What is my door code?", "I don't know."),
    ("My dog is called Rex.", "I have given away the dog Rex.", "What is my dog called?", "I don't know."),
    ("王芳住在青石镇。", "现在王芳住在松溪镇。", "王芳住在哪里？", "松溪镇"),
    ("王芳住在青石镇。", "王芳如今住在松溪镇。", "王芳住在哪里？", "松溪镇"),
    ("王芳住在青石镇。", "王芳已经不住在青石镇了。", "王芳住在哪里？", "我不知道。"),
]


@pytest.mark.parametrize("newest_first", [False, True], ids=["in-order", "newest-first"])
@pytest.mark.parametrize(("told", "then", "question", "answer"), CHANGED)
def test_what_holds_now_counts_in_whatever_order_it_is_read(
    engine: Engine, told: str, then: str, question: str, answer: str, newest_first: bool
) -> None:
    notes = [then, told] if newest_first else [told, then]
    messages = prompt.build("bracketed", [], notes, OBSERVED, question)

    assert engine.generate(Call(messages=messages, max_tokens=32)).text == answer


def test_its_tokens_are_those_it_is_trained_with(reader: ModelFile) -> None:
    fields = gguf.GGUFReader(reader.path).fields

    assert fields["tokenizer.ggml.tokens"].contents() == vocabulary().pieces


@pytest.mark.parametrize("wide", [0.0, 1.0], ids=["workload", "wider"])
def test_it_reads_names_values_and_phrasings_it_has_never_seen(engine: Engine, wide: float) -> None:
    rng = random.Random(7)
    right = []
    while len(right) < 60:
        made = case(rng, "held-out", 8, wide=wide)
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
