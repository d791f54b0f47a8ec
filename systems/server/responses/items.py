"""The input of a response as items with ids, and items as the messages of a chat."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable

import msgspec

from systems.server.chat.laying_out import text_of
from systems.server.chat.request import ChatMessage, SaidCall, SaidToolCall
from systems.server.failures import Failure, bad_request
from systems.server.responses.request import InputItem
from systems.server.responses.shapes import CallItem, InputText, Item, MessageItem, OutputText, ResultItem

Find = Callable[[str], Item | None]
"""Returns the item that is kept under an id."""


def items_of(given: str | list[InputItem] | None, find: Find) -> list[Item]:
    """Return the input as items. Raises `Failure` for what cannot be read, and for references to what is not kept.

    What a model thought before it answered is left out: nothing here reads it.
    """
    if isinstance(given, str):
        given = [InputItem(role="user", content=given)] if given else None
    if not given:
        raise bad_request("The `input` is empty: say a text, or at least one item.", param="input")
    found = [_item(each, f"input[{place}]", find) for place, each in enumerate(given)]
    return [each for each in found if each is not None]


def new_id(kind: str) -> str:
    """Return the id of a new item, or response, of this kind."""
    return f"{kind}_{uuid.uuid4().hex}"


def messages_of(items: Iterable[Item]) -> list[ChatMessage]:
    """Return ``items`` as a chat: what the assistant says and calls in a row is one message of its."""
    found: list[ChatMessage] = []
    for item in items:
        last = found[-1] if found and found[-1].role == "assistant" else None
        match item:
            case MessageItem(role=role, content=content):
                found.append(ChatMessage(role, "\n".join(part.text for part in content)))
            case CallItem(call_id=call_id, name=name, arguments=arguments):
                if last is None:
                    found.append(last := ChatMessage("assistant"))
                last.tool_calls = [*(last.tool_calls or ()), SaidToolCall(SaidCall(name, arguments), call_id)]
            case ResultItem(call_id=call_id, output=output, name=name):
                told = None if name is msgspec.UNSET else name
                found.append(ChatMessage("tool", output, tool_call_id=call_id, name=told))
    return found


def _item(given: InputItem, where: str, find: Find) -> Item | None:
    match given.type or ("message" if given.role else "item_reference"):
        case "message":
            return _message(given, where)
        case "function_call":
            return _call(given, where)
        case "function_call_output":
            return _result(given, where)
        case "item_reference":
            return _referred(given, where, find)
        case "reasoning":
            return None
    kind = (given.type or "")[:50]
    raise bad_request(f"An item of the type {kind!r} cannot be read.", param=f"{where}.type", code="not_offered")


def _message(given: InputItem, where: str) -> MessageItem:
    if given.role is None:
        raise bad_request("A message needs a `role`.", param=f"{where}.role")
    text = text_of(given.content, f"{where}.content")
    part: InputText | OutputText = OutputText(text) if given.role == "assistant" else InputText(text)
    return MessageItem(given.id or new_id("msg"), given.role, [part])


def _call(given: InputItem, where: str) -> CallItem:
    if not given.name or not given.call_id:
        missing = "call_id" if given.name else "name"
        raise bad_request(f"A call of a function needs a `{missing}`.", param=f"{where}.{missing}")
    arguments = given.arguments or ""
    if not isinstance(arguments, str):
        arguments = msgspec.json.encode(arguments).decode()
    return CallItem(given.id or new_id("fc"), given.call_id, given.name, arguments)


def _result(given: InputItem, where: str) -> ResultItem:
    if not given.call_id and not given.name:
        raise bad_request("The result of a call needs its `call_id`.", param=f"{where}.call_id")
    output = given.output
    if isinstance(output, dict):  # what a function returned, not yet in JSON
        output = msgspec.json.encode(output).decode()
    text = text_of(output, f"{where}.output")
    return ResultItem(given.id or new_id("fco"), given.call_id or "", text, given.name or msgspec.UNSET)


def _referred(given: InputItem, where: str, find: Find) -> Item:
    if not given.id:
        raise bad_request("An item needs a `type`, a reference an `id`.", param=where)
    found = find(given.id)
    if found is None:
        raise not_there("Item", given.id, where, because="items with `store` false are not kept, others for a while")
    return found


def not_there(what: str, name: str, param: str | None, *, because: str) -> Failure:
    """Return the failure of a request for what is not kept, or is another's."""
    return bad_request(f"{what} with id {name[:100]!r} not found: {because}.", status=404, code=None, param=param)
