"""The trials of the part `summaries`: one conversation, what its prompts had, what turns took, what is still known."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from experiments.grading.answers import says
from experiments.measuring import engines
from experiments.measuring.records import RequestRow
from experiments.measuring.role import Role
from experiments.studies.research._facts import FactTurn, fact_turns
from experiments.studies.research._histories import Coverage, TalkHistory, history
from experiments.studies.research._levels import INFERENCE, OWN_WORDS, SHORTENED, TIMED
from experiments.studies.subjects import REPLY_TOKENS, Stopwatch
from systems.engines.interface import Call, Engine, Generation, Message
from systems.mechanisms.awaiting import reply
from systems.mechanisms.isolation import Executors
from systems.mechanisms.wanted import Wanted
from systems.research.summarising import INSTRUCTIONS

_ANSWER_TOKENS = 24
_PROBES = 5

_SYSTEM = "You are a helpful assistant. Answer in one short sentence."
_SUMMARY = "\n\nSummary of the conversation so far:\n{}"
_WORDS = "then they went on to speak of what had been said about it before and nobody objected "


class _Model:
    """The one engine: it says replies and makes summaries, scripted unless it speaks in its own words."""

    def __init__(self, engine: Engine, *, spoken: bool) -> None:
        self.engine = engine
        self.coverage = Coverage()
        self._spoken = spoken
        self._threads = Executors({"model": 2})  # one waits in the engine's queue while the other is served
        self._made = 0

    async def load(self) -> None:
        await self._threads.run("model", self.engine.load)

    async def close(self) -> None:
        await self._threads.run("model", self.engine.close)
        self._threads.close()

    def prompt(self, summary: str, messages: Sequence[Message], asked: str) -> list[Message]:
        told = _SUMMARY.format(summary) if summary else ""
        return [Message("system", _SYSTEM + told), *messages, Message("user", asked)]

    async def say(
        self, prompt: Sequence[Message], max_tokens: int, script: str | None, *, whole: bool = False
    ) -> Generation:
        wanted = Wanted(math.inf)
        call = Call(messages=prompt, max_tokens=max_tokens, script=script, all_messages=whole, check=wanted.check)
        called = await reply(self.engine, call, wanted, lambda work: self._threads.run("model", work))
        return called.generation

    async def summarise(self, text: str, max_tokens: int) -> str:
        self._made += 1
        # Each differs from the others: by its words it is known what a summary was made of.
        script = None if self._spoken else f"Summary {self._made}: " + _WORDS * (1 + max_tokens // 16)
        prompt = [Message("system", INSTRUCTIONS), Message("user", text)]
        said = (await self.say(prompt, max_tokens, script, whole=True)).text.strip()
        self.coverage.made(said, text)
        return said


def run(role: Role) -> None:
    """Hold the conversation of the trial."""
    asyncio.run(_hold(role))


async def _hold(role: Role) -> None:
    condition, part = role.spec.condition, role.part
    spoken = condition["work"] == OWN_WORDS
    model = _Model(engines.of_role(role), spoken=spoken)
    kept = history(role.spec.subject, model.summarise, int(condition["summary_tokens"] or 0))
    turns = fact_turns(role.spec.seed, int(condition["turns"] or 0))
    await model.load()
    clock = Stopwatch()
    for number, turn in enumerate(turns):
        if number:
            await _pause(role, kept)
        intended = clock()
        await kept.make_way()
        summary, messages = kept.context()
        prompt = model.prompt(summary, messages, turn.text)
        if spoken:
            tokens = float(sum(model.engine.count(each.content) for each in prompt))
        else:
            generation = await model.say(prompt, REPLY_TOKENS, turn.reply)
            tokens = float(generation.prompt_tokens)
            part.requests.append(_row(number, intended, clock(), generation))
        part.series.setdefault("turn", []).append(float(number))
        part.series.setdefault("prompt_tokens", []).append(tokens)
        part.series.setdefault("in_neither", []).append(float(model.coverage.neither(summary, messages)))
        said = [Message("user", turn.text), Message("assistant", turn.reply)]
        kept.add(said)
        model.coverage.say(said)
        kept.begin()
    await kept.settled()
    if spoken:
        await _ask(role, model, kept, turns)
    await asyncio.to_thread(role.outside_look)
    await model.close()


async def _pause(role: Role, kept: TalkHistory) -> None:
    """Wait as long as the user thinks; where no time is measured, until everything is done."""
    condition = role.spec.condition
    think_s = float(condition.get("think_s") or 0)
    if condition["work"] == TIMED:
        await asyncio.sleep(think_s / SHORTENED)
    elif condition["work"] == INFERENCE:
        await asyncio.sleep(think_s)
    else:
        await kept.settled()


def _row(number: int, intended: float, finished: float, generation: Generation) -> RequestRow:
    return RequestRow(
        intended_s=intended,
        started_s=intended,
        first_token_s=None,
        finished_s=finished,
        outcome="ok",
        source="model",
        prompt_tokens=generation.prompt_tokens,
        generated_tokens=generation.generated_tokens,
        turn=number,
    )


async def _ask(role: Role, model: _Model, kept: TalkHistory, turns: Sequence[FactTurn]) -> None:
    """Ask for facts of all ages; nothing of that becomes part of the conversation."""
    summary, messages = kept.context()
    step = max(1, len(turns) // _PROBES)
    ages = range(1, len(turns) + 1, step)
    for age in ages:
        turn = turns[-age]
        prompt = model.prompt(summary, messages, turn.question)
        said = await model.say(prompt, _ANSWER_TOKENS, None)
        held = any(turn.answer.casefold() in each.content.casefold() for each in prompt)
        for name, value in (("age", age), ("held", held), ("right", says(said.text, turn.answer, turn.others))):
            role.part.series.setdefault(name, []).append(float(value))
