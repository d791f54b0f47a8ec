"""The events in which a response is told while it is made; each has a number, one more than the one before."""

from __future__ import annotations

import msgspec

from systems.server.chat.shapes import TokenLogprob
from systems.server.responses.shapes import Item, OutputText, ResponseObject


class ResponseEvent(msgspec.Struct, tag_field="type", kw_only=True):
    """An event of a stream."""

    sequence_number: int = 0


class Created(ResponseEvent, tag="response.created", kw_only=True):
    """The response is begun."""

    response: ResponseObject


class InProgress(ResponseEvent, tag="response.in_progress", kw_only=True):
    """It is being made."""

    response: ResponseObject


class ItemAdded(ResponseEvent, tag="response.output_item.added", kw_only=True):
    """An item begins."""

    output_index: int
    item: Item


class ItemDone(ResponseEvent, tag="response.output_item.done", kw_only=True):
    """An item is whole."""

    output_index: int
    item: Item


class InPart(ResponseEvent, kw_only=True):
    """Something of the part of an item."""

    item_id: str
    output_index: int
    content_index: int = 0


class PartAdded(InPart, tag="response.content_part.added", kw_only=True):
    """A message's text begins."""

    part: OutputText


class PartDone(InPart, tag="response.content_part.done", kw_only=True):
    """A message's text is whole."""

    part: OutputText


class TextDelta(InPart, tag="response.output_text.delta", kw_only=True):
    """What is new of a text; its probabilities come with its end."""

    delta: str
    logprobs: list[TokenLogprob] = msgspec.field(default_factory=list)


class TextDone(InPart, tag="response.output_text.done", kw_only=True):
    """A text that is whole."""

    text: str
    logprobs: list[TokenLogprob] = msgspec.field(default_factory=list)


class ArgumentsDelta(ResponseEvent, tag="response.function_call_arguments.delta", kw_only=True):
    """What is new of a call's arguments."""

    item_id: str
    output_index: int
    delta: str


class ArgumentsDone(ResponseEvent, tag="response.function_call_arguments.done", kw_only=True):
    """The arguments of a call, whole unless the response is incomplete."""

    item_id: str
    output_index: int
    name: str
    arguments: str


class Completed(ResponseEvent, tag="response.completed", kw_only=True):
    """The response is whole."""

    response: ResponseObject


class Incomplete(ResponseEvent, tag="response.incomplete", kw_only=True):
    """The response was cut by its bound, or by the context."""

    response: ResponseObject


class Failed(ResponseEvent, tag="response.failed", kw_only=True):
    """The response could not be made."""

    response: ResponseObject


AnyEvent = (
    Created | InProgress | ItemAdded | ItemDone | PartAdded | PartDone | TextDelta | TextDone
    | ArgumentsDelta | ArgumentsDone | Completed | Incomplete | Failed
)  # fmt: skip
"""Every event of a stream."""
