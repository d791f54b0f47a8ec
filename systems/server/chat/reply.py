"""Replies in OpenAI's shapes of chat completions, whole and in pieces."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Iterable, Sequence

import msgspec

from systems.engines.interface import SaidToken
from systems.server.asking import Generated
from systems.server.chat.asked import ChatAsked
from systems.server.chat.calls import Argued, CallBegun, Heard, Hearing, Said
from systems.server.chat.shapes import (
    AssistantMessage,
    CalledFunction,
    ChatCompletion,
    ChatCompletionChunk,
    ChatFinish,
    Choice,
    ChunkChoice,
    Delta,
    Dropped,
    FunctionDelta,
    LikelyToken,
    Logprobs,
    PromptDetails,
    TokenLogprob,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from systems.server.events import Events

# The log probability of what cannot be: JSON has no infinity.
_NEVER = -9999.0


def whole(model: str, chat: ChatAsked, replies: Sequence[Generated]) -> ChatCompletion:
    """Return the reply, or all that were asked for in their order."""
    return ChatCompletion(
        id=_new_id(),
        created=int(time.time()),
        model=model,
        choices=[_choice(chat, place, reply) for place, reply in enumerate(replies)],
        usage=_usage(replies),
        fourgig=_dropped(replies[0]),
    )


class ChatStream:
    """The pieces of the replies to one request, as events."""

    def __init__(self, events: Events, model: str, chat: ChatAsked, *, usage: bool) -> None:
        self._events = events
        self._model = model
        self._chat = chat
        self._wants_usage = usage
        self._id = _new_id()
        self._created = int(time.time())
        self._hearings: dict[int, Hearing] = {}
        self._begun: set[int] = set()
        self._replies: list[Generated] = []

    async def say(self, index: int, text: str) -> None:
        """Send what has come of the reply at ``index``."""
        await self._say(index, self._hearing(index).feed(text))

    async def finish(self, index: int, reply: Generated) -> None:
        """Send the end of the reply at ``index``: why it ended, and what had no room."""
        hearing = self._hearing(index)
        await self._say(index, hearing.end(cut=reply.finish_reason == "length"))
        self._replies.append(reply)
        reason = _finish(self._chat, hearing, reply)
        delta = Delta() if index in self._begun else Delta(role="assistant", content="")
        choice = ChunkChoice(delta, reason, index, _logprobs(self._chat, reply))
        await self._chunk([choice], dropped=_dropped(reply))

    async def end(self) -> None:
        """Send what all took, if that is wanted, and the end."""
        if self._wants_usage:
            await self._chunk([], _usage(self._replies))
        await self._events.event(b"[DONE]", last=True)

    def _hearing(self, index: int) -> Hearing:
        return self._hearings.setdefault(index, _hearing(self._chat))

    async def _say(self, index: int, found: Iterable[Heard]) -> None:
        for each in found:
            delta = self._delta(each)
            if index not in self._begun:
                self._begun.add(index)
                delta.role = "assistant"
            await self._chunk([ChunkChoice(delta, index=index)])

    def _delta(self, found: Heard) -> Delta:
        match found:
            case Said(text):
                return Delta(content=text)
            case CallBegun(_, _, name) if self._chat.functions:
                return Delta(function_call=FunctionDelta(name=name, arguments=""))
            case Argued(_, text) if self._chat.functions:
                return Delta(function_call=FunctionDelta(arguments=text))
            case CallBegun(place, call_id, name):
                return Delta(
                    tool_calls=[ToolCallDelta(place, FunctionDelta(name=name, arguments=""), call_id, "function")]
                )
            case Argued(place, text):
                return Delta(tool_calls=[ToolCallDelta(place, FunctionDelta(arguments=text))])

    async def _chunk(
        self,
        choices: list[ChunkChoice],
        usage: Usage | None = None,
        dropped: Dropped | msgspec.UnsetType = msgspec.UNSET,
    ) -> None:
        chunk = ChatCompletionChunk(self._id, self._created, self._model, choices, usage, dropped)
        await self._events.event(msgspec.json.encode(chunk))


def _choice(chat: ChatAsked, place: int, reply: Generated) -> Choice:
    hearing = _hearing(chat)
    words, calls = [], list[ToolCall]()
    for found in (*hearing.feed(reply.text), *hearing.end(cut=reply.finish_reason == "length")):
        match found:
            case Said(text):
                words.append(text)
            case CallBegun(_, call_id, name):
                calls.append(ToolCall(call_id, CalledFunction(name, "")))
            case Argued(index, text):
                calls[index].function.arguments += text
    message = AssistantMessage(content="".join(words) if words or not calls else None)
    if calls and chat.functions:
        message.function_call = calls[0].function
    elif calls:
        message.tool_calls = calls
    return Choice(message, _finish(chat, hearing, reply), place, _logprobs(chat, reply))


def _hearing(chat: ChatAsked) -> Hearing:
    return Hearing(chat.tools, formed=chat.formed)


def _finish(chat: ChatAsked, hearing: Hearing, reply: Generated) -> ChatFinish:
    if not hearing.calls:
        # A `stop` may stand within an object: nobody is to take what is left for whole.
        cut = chat.formed and reply.finish_reason == "stop" and not _is_json(reply.text)
        return "length" if cut else reply.finish_reason
    if hearing.broken:  # also by a `stop` within the arguments: nobody is to take these for whole
        return "length"
    return "function_call" if chat.functions else "tool_calls"


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True


def _logprobs(chat: ChatAsked, reply: Generated) -> Logprobs | None:
    if chat.asked.likeliest is None:
        return None
    return Logprobs([token_logprob(token) for token in reply.tokens])


def token_logprob(said: SaidToken) -> TokenLogprob:
    """Return a token of a reply in OpenAI's shape."""
    one = _likely(said.text, said.logprob)
    return TokenLogprob(one.token, one.logprob, one.bytes, [_likely(*each) for each in said.likeliest])


def _likely(text: bytes, logprob: float) -> LikelyToken:
    return LikelyToken(
        token=text.decode(errors="replace"),
        logprob=max(logprob, _NEVER) if math.isfinite(logprob) else _NEVER,
        bytes=list(text),
    )


def _dropped(reply: Generated) -> Dropped:
    return Dropped(reply.dropped_messages, reply.dropped_notes, reply.seed)


def _usage(replies: Sequence[Generated]) -> Usage:
    """Return what ``replies`` took together; their prompt is one, and counts once."""
    prompt = max(reply.prompt_tokens for reply in replies)
    generated = sum(reply.generated_tokens for reply in replies)
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=generated,
        total_tokens=prompt + generated,
        prompt_tokens_details=PromptDetails(min(reply.reused_tokens for reply in replies)),
    )


def _new_id() -> str:
    return f"chatcmpl-{uuid.uuid4().hex}"
