"""A response while it is made: what the model says as items, and the events in which a client is told of them.

Whole and streamed responses are made alike; for a whole one nobody hears the events. An event shows the response as it
is at that moment: who sends it encodes it before asking for the next.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import msgspec

from systems.server.asking import Generated
from systems.server.chat.calls import Argued, CallBegun, Heard, Hearing, Said
from systems.server.chat.reply import token_logprob
from systems.server.chat.shapes import Dropped, ErrorBody, TokenLogprob
from systems.server.failures import Failure, bad_request
from systems.server.responses.asked import ResponseAsked
from systems.server.responses.events import (
    AnyEvent,
    ArgumentsDelta,
    ArgumentsDone,
    Completed,
    Created,
    Failed,
    Incomplete,
    InProgress,
    ItemAdded,
    ItemDone,
    PartAdded,
    PartDone,
    TextDelta,
    TextDone,
)
from systems.server.responses.items import new_id
from systems.server.responses.shapes import (
    CallItem,
    IncompleteDetails,
    InputDetails,
    ItemStatus,
    MessageItem,
    OutputDetails,
    OutputText,
    ResponseProblem,
    ResponseUsage,
)

# The codes that OpenAI gives a response which failed; of those that it names, these mean what statuses do.
_CODES = {400: "invalid_prompt", 429: "rate_limit_exceeded"}


class Making:
    """Makes the ``response`` that was asked."""

    def __init__(self, asked: ResponseAsked) -> None:
        self.response = asked.response
        self._asked = asked
        self._hearing = Hearing(asked.chat.tools, formed=asked.chat.formed)
        self._message: MessageItem | None = None
        self._text = OutputText("")
        self._call: CallItem | None = None
        self._begun = False
        self._numbers = 0

    def say(self, text: str) -> Iterator[AnyEvent]:
        """Take what the model said next."""
        yield from self._begin()
        for found in self._hearing.feed(text):
            yield from self._take(found)

    def end(self, reply: Generated) -> Iterator[AnyEvent]:
        """Take that ``reply`` is all. Raises `Failure` if messages were left out that must not be."""
        if self.response.truncation == "disabled" and reply.dropped_messages:
            raise bad_request(
                f"The context has no room for the {reply.dropped_messages} oldest messages, and `truncation` is "
                "`disabled`.",
                code="context_length_exceeded",
                param="input",
            )
        yield from self._begin()
        for found in self._hearing.end(cut=reply.finish_reason == "length"):
            yield from self._take(found)
        if not self.response.output:
            yield from self._open_message()
        cut = reply.finish_reason == "length" or self._hearing.broken
        yield from self._close("incomplete" if cut else "completed", self._logprobs(reply))
        self._conclude(reply, cut=cut)

    def last(self) -> AnyEvent:
        """Return the event that ends a stream."""
        cut = self.response.status == "incomplete"
        return self._numbered(Incomplete(response=self.response) if cut else Completed(response=self.response))

    def fail(self, failed: Failure) -> Iterator[AnyEvent]:
        """Take that the response cannot be made; the last of these events ends a stream."""
        error = msgspec.json.decode(failed.body, type=ErrorBody).error
        code = _CODES.get(failed.status, "server_error")
        yield from self._begin()
        for item in self.response.output:
            if item.status == "in_progress":
                item.status = "incomplete"
        self.response.status = "failed"
        self.response.error = ResponseProblem(code, error.message, error.type, error.param)
        yield self._numbered(Failed(response=self.response))

    def _begin(self) -> Iterator[AnyEvent]:
        if not self._begun:
            self._begun = True
            yield self._numbered(Created(response=self.response))
            yield self._numbered(InProgress(response=self.response))

    def _take(self, found: Heard) -> Iterator[AnyEvent]:
        match found:
            case Said(text):
                if self._message is None:
                    yield from self._open_message()
                assert self._message is not None
                self._text.text += text
                yield self._numbered(TextDelta(item_id=self._message.id, output_index=self._index, delta=text))
            case CallBegun(_, call_id, name):
                yield from self._close("completed")
                self._call = CallItem(new_id("fc"), call_id, name, "", "in_progress")
                self.response.output.append(self._call)
                yield self._numbered(ItemAdded(output_index=self._index, item=self._call))
            case Argued(_, text):
                assert self._call is not None
                self._call.arguments += text
                yield self._numbered(ArgumentsDelta(item_id=self._call.id, output_index=self._index, delta=text))

    def _open_message(self) -> Iterator[AnyEvent]:
        yield from self._close("completed")
        self._message = MessageItem(new_id("msg"), "assistant", [], "in_progress")
        self.response.output.append(self._message)
        yield self._numbered(ItemAdded(output_index=self._index, item=self._message))
        self._text = OutputText("")
        self._message.content.append(self._text)
        yield self._numbered(PartAdded(item_id=self._message.id, output_index=self._index, part=self._text))

    def _close(self, status: ItemStatus, logprobs: Sequence[TokenLogprob] = ()) -> Iterator[AnyEvent]:
        """End the item that is being made, if one is."""
        place = self._index
        if (item := self._message) is not None:
            text = self._text
            text.logprobs = list(logprobs)
            yield self._numbered(
                TextDone(item_id=item.id, output_index=place, text=text.text, logprobs=text.logprobs)
            )  # fmt: skip
            yield self._numbered(PartDone(item_id=item.id, output_index=place, part=text))
            item.status = status
            yield self._numbered(ItemDone(output_index=place, item=item))
        elif (call := self._call) is not None:
            yield self._numbered(
                ArgumentsDone(item_id=call.id, output_index=place, name=call.name, arguments=call.arguments)
            )
            call.status = status
            yield self._numbered(ItemDone(output_index=place, item=call))
        self._message = self._call = None

    @property
    def _index(self) -> int:
        return len(self.response.output) - 1

    def _logprobs(self, reply: Generated) -> list[TokenLogprob]:
        """Return the tokens of a reply that is all text: those of calls belong to no text."""
        if self._asked.chat.asked.likeliest is None or self._hearing.calls:
            return []
        return [token_logprob(token) for token in reply.tokens]

    def _conclude(self, reply: Generated, *, cut: bool) -> None:
        made = self.response
        made.status = "incomplete" if cut else "completed"
        made.completed_at = None if cut else int(time.time())
        made.incomplete_details = IncompleteDetails() if cut else None
        made.usage = ResponseUsage(
            input_tokens=reply.prompt_tokens,
            input_tokens_details=InputDetails(reply.reused_tokens),
            output_tokens=reply.generated_tokens,
            output_tokens_details=OutputDetails(),
            total_tokens=reply.prompt_tokens + reply.generated_tokens,
        )
        made.fourgig = Dropped(reply.dropped_messages, reply.dropped_notes, reply.seed)

    def _numbered(self, event: AnyEvent) -> AnyEvent:
        event.sequence_number = self._numbers
        self._numbers += 1
        return event
