"""What an endpoint of the lab's own is set to, and what it tells of what it was asked."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from systems.engines.interface import Call, Message
from systems.errors import EngineError

MODEL = "default"
"""The name of the model there."""

HEARD = "What were you asked since you were last asked this?"
"""The question to which the endpoint answers with a `HeardCalls` as JSON; whoever asks it is no system under test."""


class EndpointSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the endpoint answers.

    A reply comes whole ``reply_s`` seconds after it was asked for, of as many at once as there are ``slots``. A prompt
    and its reply may be ``context_tokens`` together; None: as long as they like. A prompt that is longer is refused as
    OpenAI and llama.cpp's server refuse it, or its oldest messages are left out, and nobody is told in words.
    """

    reply_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    slots: Annotated[int, msgspec.Meta(ge=1)] = 8
    context_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    when_full: Literal["refuses", "trims"] = "trims"


class Prompt(msgspec.Struct, frozen=True, array_like=True):
    """The prompt of one call, as it was sent: its messages, its tokens, and those of what the system says.

    A token is one of the simulated engine's: a word or a mark. ``dropped`` counts the oldest messages that the endpoint
    left out of it. One that was ``refused`` was too long. ``asks`` says that it asks one of the planned questions
    (`experiments.workloads.asking`); any other call asks for something of the system's own, such as a title.
    """

    messages: int
    tokens: int
    system_tokens: int
    dropped: int = 0
    refused: bool = False
    asks: bool = True


class HeardCalls(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked since the last time that this was told: each call's prompt, and the messages of one.

    ``newest`` are those of the newest call that asks a planned question; none where no call does. ``generated_tokens``
    is what was said; ``unplanned`` counts the calls that no plan foresaw.
    """

    prompts: tuple[Prompt, ...]
    newest: tuple[Message, ...]
    generated_tokens: int
    unplanned: int

    @property
    def asking(self) -> list[Prompt]:
        """The prompts of the calls that ask a planned question."""
        return [prompt for prompt in self.prompts if prompt.asks]


def url(address: str) -> str:
    """Return what a system is given of an endpoint at "host:port": the address up to ``/chat/completions``."""
    return f"http://{address}/v1"


def heard(address: str) -> HeardCalls:
    """Return what the endpoint at "host:port" was asked. Blocks. Raises `EngineError`."""
    from systems.engines.openai import OpenAIEngine, OpenAISettings  # the endpoint itself needs no client

    engine = OpenAIEngine(OpenAISettings(url=url(address), model=MODEL))
    told = engine.generate(Call(messages=[Message("user", HEARD)])).text
    try:
        return msgspec.json.decode(told, type=HeardCalls)
    except msgspec.MsgspecError as error:
        raise EngineError(f"The endpoint at {address} does not tell what it was asked: {error}.") from error
