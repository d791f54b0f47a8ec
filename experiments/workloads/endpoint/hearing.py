"""The endpoint's engine: says what was planned, notes what it is asked, and has a context that may end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import msgspec

from experiments.workloads.asking import asked, newest_words
from experiments.workloads.endpoint.asked import HEARD, EndpointSettings, HeardCalls, Prompt
from systems.engines.around import AroundEngine
from systems.engines.fitting import fitted
from systems.engines.interface import Call, Generation, Message, Sampling
from systems.engines.scripted import Scripts, scripted
from systems.engines.simulated import SimulatedEngine, SimulatedSettings, count
from systems.errors import PromptTooLong


def tokens_of(messages: Sequence[Message]) -> int:
    """Return how many tokens ``messages`` are together, as the simulated engine counts them."""
    return sum(count(message.content) for message in messages)


class _Noted(NamedTuple):
    prompt: Prompt
    messages: Sequence[Message]


class HearingEngine(AroundEngine):
    """Says what ``scripts`` plan, after a stated time; asked `HEARD` alone, what it was asked. Any thread may ask."""

    name: ClassVar[str] = "hearing"
    summary: ClassVar[str] = "no model runs: what was planned is said, and what was asked is noted"
    runs_a_model: ClassVar[bool] = False
    Settings: ClassVar[type[msgspec.Struct]] = EndpointSettings

    def __init__(self, settings: EndpointSettings, scripts: Scripts) -> None:
        simulated = SimulatedEngine(SimulatedSettings(first_token_s=settings.reply_s, slots=settings.slots))
        super().__init__(scripted(simulated, scripts))
        self._settings, self._scripts = settings, scripts
        self._lock = threading.Lock()
        self._noted: list[_Noted] = []
        self._asked_exactly: set[str] = set()
        self._generated = 0
        self._unplanned_told = 0

    @property
    def context_tokens(self) -> int | None:
        """What was set."""
        return self._settings.context_tokens

    def check_heeds(self, sampling: Sampling | None, grammar: str | None, likeliest: int | None) -> None:
        """Refuse nothing: what was planned is said, however it is asked for."""

    def generate(self, call: Call) -> Generation:
        """Say what is planned for this prompt. Raises `PromptTooLong` where it does not fit and is not trimmed."""
        if [message.content for message in call.messages] == [HEARD]:
            return self._tell(call)
        sent = Prompt(
            messages=len(call.messages),
            tokens=tokens_of(call.messages),
            system_tokens=tokens_of([message for message in call.messages if message.role == "system"]),
        )
        try:
            dropped = self._dropped(call, sent.tokens)
        except PromptTooLong:
            self._note(call, msgspec.structs.replace(sent, refused=True))
            raise
        self._note(call, msgspec.structs.replace(sent, dropped=dropped))
        if dropped:
            first = 1 if call.messages[0].role == "system" else 0
            left = [*call.messages[:first], *call.messages[first + dropped :]]
            call = msgspec.structs.replace(call, messages=left)
        generation = self._inner.generate(call)
        with self._lock:
            self._generated += generation.generated_tokens
        return msgspec.structs.replace(generation, dropped_messages=dropped)

    def _note(self, call: Call, prompt: Prompt) -> None:
        with self._lock:
            self._noted.append(_Noted(prompt, call.messages))

    def _dropped(self, call: Call, tokens: int) -> int:
        """Return how many messages must leave. Raises `PromptTooLong`."""
        context = self._settings.context_tokens
        if context is None:
            return 0
        if self._settings.when_full == "trims":
            return fitted(call, lambda messages: [0] * tokens_of(messages), context).dropped_messages
        reply = call.max_tokens or 1
        if tokens + reply > context:
            raise PromptTooLong(
                f"The maximum context length is {context} tokens; the messages make {tokens}, and the reply {reply}."
            )
        return 0

    def _tell(self, call: Call) -> Generation:
        with self._lock:
            unplanned = self._scripts.unplanned
            noted = list(zip(self._noted, self._asking(), strict=True))
            told = HeardCalls(
                prompts=tuple(msgspec.structs.replace(each.prompt, asks=asks) for each, asks in noted),
                newest=tuple(next((each.messages for each, asks in reversed(noted) if asks), ())),
                generated_tokens=self._generated,
                unplanned=unplanned - self._unplanned_told,
            )
            self._noted, self._generated, self._unplanned_told = [], 0, unplanned
        text = msgspec.json.encode(told).decode()
        if call.on_token is not None:
            call.on_token(text)
        return Generation(text=text, prompt_tokens=0, generated_tokens=0, first_token_s=0.0, finish_reason="stop")

    def _asking(self) -> list[bool]:
        """Return of each noted call whether it asks a planned question, and not for something about one.

        Once a question was asked as it is, a call that has it among other words asks for something about it.
        """
        planned = {question for script in self._scripts.planned() if (question := script.question.strip())}
        found = [asked(newest_words(each.messages), planned) for each in self._noted]
        self._asked_exactly |= {each.question for each in found if each.exactly}
        return [bool(each.question) and (each.exactly or each.question not in self._asked_exactly) for each in found]
