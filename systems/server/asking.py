"""One question to what is hosted, the same from every endpoint of OpenAI's: to an engine a call, to an agent a turn.

A hosted engine generates after the messages as they are. A hosted agent takes what follows the assistant's last message
as the turn, and what came before as the conversation so far; a client that names its conversation and sends nothing
from before leaves that to the agent.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import msgspec

from systems.engines.interface import Call, Generation, Message, Sampling
from systems.interface import Reply, Request, TokenSink, talk
from systems.server.conversation import DEFAULT_PERSON, turn_begins
from systems.server.direct import EngineHost
from systems.server.failures import bad_request
from systems.server.service import ServedSystem
from systems.server.settings import MAX_TEXT
from systems.server.wire.guard import session_of

Generated = Generation | Reply
"""What an engine, or an agent, answers; both tell their tokens and why they ended by the same names."""


class ClientAsk(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks, laid out as text.

    ``messages`` are the client's, those of its system and its developer among them as "system"; ``told`` is what the
    server has to add to these: the tools there are, and the form of the reply. ``conversation`` None is one that is to
    be recognised. ``max_tokens``, ``sampling``, ``grammar``, ``likeliest`` and ``all_messages`` are those of `Call`;
    ``kept`` is that of `Request`.
    """

    messages: tuple[Message, ...]
    told: str = ""
    person: str = DEFAULT_PERSON
    conversation: str | None = None
    kept: bool = True
    max_tokens: int | None = None
    sampling: Sampling | None = None
    grammar: str | None = None
    likeliest: int | None = None
    all_messages: bool = False

    @property
    def command(self) -> str:
        """What may be a command to an agent: the turn, but not where the reply is to have a form."""
        return "" if self.grammar is not None else self.turn

    @property
    def turn(self) -> str:
        """What is said last, by whoever is not the assistant, as one text; empty if that is nothing."""
        last = self.messages[turn_begins(self.messages) :]
        return "\n\n".join(message.content for message in last if message.role == "user" and message.content)


def placed(service: ServedSystem, user: str, asked: ClientAsk) -> ClientAsk:
    """Return ``asked`` in the conversation that it continues, or in a new one."""
    if asked.conversation is not None:
        return asked
    conversation = service.conversations.of(session_of(user, asked.person), asked.messages)
    return msgspec.structs.replace(asked, conversation=conversation)


async def answered(service: ServedSystem, user: str, asked: ClientAsk, on_token: TokenSink | None = None) -> Generated:
    """Answer what ``user`` asked; where it continues no known conversation, in a new one.

    Whoever calls this has admitted the request: see `ServedSystem.turn`. Raises `Failure` for a turn
    that says nothing, and what the hosted system raises.
    """
    if not asked.messages:
        raise bad_request("There is nothing to answer.", param="messages")
    asked = placed(service, user, asked)
    session, conversation = session_of(user, asked.person), asked.conversation or ""
    most = service.bounded(asked.max_tokens)
    host = service.host
    generated: Generated
    if isinstance(host, EngineHost):
        generated = await host.complete(_call(user, asked, most, on_token))
    else:
        generated = await host.answer(_request(service, session, asked, most), on_token)
    service.conversations.replied(session, asked.messages, generated.text, conversation)
    return generated


def _call(user: str, asked: ClientAsk, most: int | None, on_token: TokenSink | None) -> Call:
    whose = asked.conversation or ""
    if asked.person != DEFAULT_PERSON:
        whose = talk(asked.person, whose)
    return Call(
        messages=_with(asked.told, asked.messages),
        max_tokens=most,
        conversation=session_of(user, whose),
        sampling=asked.sampling,
        grammar=asked.grammar,
        likeliest=asked.likeliest,
        all_messages=asked.all_messages,
        strict=not asked.told,  # what the server itself says may go where the model's template takes it
        on_token=on_token,
    )


def _request(service: ServedSystem, session: str, asked: ClientAsk, most: int | None) -> Request:
    if asked.messages[-1].role == "assistant" or not 0 < len(asked.turn) <= MAX_TEXT:
        raise bad_request(
            f"The last message must be the user's or a tool's, of at most {MAX_TEXT} characters.", param="messages"
        )
    before = tuple(each for each in asked.messages[: turn_begins(asked.messages)] if each.role != "system")
    theirs = [each.content for each in asked.messages if each.role == "system" and each.content]
    return Request(
        id=uuid.uuid4().hex,
        session=session,
        conversation=asked.conversation,
        before=before or None,  # a client that sends nothing from before leaves the history to the agent
        instructions="\n\n".join([*theirs, *([asked.told] if asked.told else [])]),
        text=asked.turn,
        kept=asked.kept,
        max_tokens=most,
        deadline_s=service.settings.deadline_s,
        sampling=asked.sampling,
        grammar=asked.grammar,
        likeliest=asked.likeliest,
        all_messages=asked.all_messages,
    )


def _with(told: str, messages: Sequence[Message]) -> list[Message]:
    """Return ``messages`` with what the server has to say, after what the client's system says first."""
    if not told:
        return list(messages)
    if messages and messages[0].role == "system":
        return [Message("system", f"{messages[0].content}\n\n{told}".strip()), *messages[1:]]
    return [Message("system", told), *messages]
