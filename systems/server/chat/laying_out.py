"""A client's messages as text: parts joined, calls as the model says them, and what came of these."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from systems.engines.interface import Message
from systems.server.chat.request import ChatMessage, ContentPart, SaidCall
from systems.server.chat.tools import FunctionCall, returned, said
from systems.server.failures import bad_request


def laid_out(messages: Sequence[ChatMessage]) -> tuple[Message, ...]:
    """Return ``messages`` as text. Raises `Failure` for parts that are no text.

    The results of tools become one message of the user's with whatever the user says next to them: models know no
    other role for them, and many take no two messages of one role in a row. So do the system's and the developer's.
    """
    found: list[Message] = []
    calls: dict[str, FunctionCall] = {}
    among_results = False
    for place, message in enumerate(messages):
        text = message.refusal or ""
        if message.content is not None:
            text = text_of(message.content, f"messages[{place}].content")
        if message.role in ("tool", "function"):
            call = calls.get(message.tool_call_id or "")
            _add(found, returned(call, message.name, text), joined=bool(found) and found[-1].role == "user")
            among_results = True
        elif message.role == "user":
            _add(found, text, joined=among_results)
        elif message.role == "assistant":
            made = _calls(message)
            # A later call with an id that was used before is the one that a result after it is of.
            calls |= made
            told = [text] if text else []
            found.append(Message("assistant", "\n".join([*told, *([said([*made.values()])] if made else [])])))
            among_results = False
        elif found and found[-1].role == "system":
            found[-1] = Message("system", f"{found[-1].content}\n\n{text}")
        else:
            found.append(Message("system", text))
    return tuple(found)


def has_results(messages: Sequence[ChatMessage]) -> bool:
    """Return whether the last turn tells what came of calls."""
    for message in reversed(messages):
        if message.role == "assistant":
            return False
        if message.role in ("tool", "function"):
            return True
    return False


def _add(found: list[Message], text: str, *, joined: bool) -> None:
    """Add what the user says, or is told, to the message before it if it is to be ``joined`` to that."""
    if joined:
        found[-1] = Message("user", f"{found[-1].content}\n\n{text}")
    else:
        found.append(Message("user", text))


def _calls(message: ChatMessage) -> dict[str, FunctionCall]:
    """Return the calls of an assistant's message by their ids; by their place where they have none."""
    made = {each.id or f"#{place}": _call(each.function) for place, each in enumerate(message.tool_calls or ())}
    if message.function_call is not None:
        made[""] = _call(message.function_call)
    return made


def _call(call: SaidCall) -> FunctionCall:
    arguments = call.arguments or ""
    return FunctionCall(
        name=call.name, arguments=arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
    )


def text_of(content: str | Sequence[ContentPart] | None, field: str) -> str:
    """Return the text of ``content``, which stands in ``field``. Raises `Failure` for parts that are no text."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(_part(part, field) for part in content)


def _part(part: ContentPart, field: str) -> str:
    if part.type in ("text", "input_text", "output_text") and part.text is not None:
        return part.text
    if part.type == "refusal":
        return part.refusal or ""
    raise bad_request(
        f"Messages are text here: a part of the type {part.type[:50]!r} cannot be read.",
        param=field,
        code="not_offered",
    )
