"""A chat client of the Agent Framework's that answers by itself, in the layers that its own client has."""

from agent_framework import (
    BaseChatClient,
    ChatMiddlewareLayer,
    ChatResponseUpdate,
    Content,
    FunctionInvocationLayer,
)
from agent_framework.observability import ChatTelemetryLayer


class Model(FunctionInvocationLayer, ChatMiddlewareLayer, ChatTelemetryLayer, BaseChatClient):
    def _inner_get_response(self, *, messages, stream, options, **named):
        return self._build_response_stream(self.said(messages, options.get("max_tokens")))

    async def said(self, messages, max_tokens):
        text = f"{len(messages)}" + " word" * ((max_tokens or 2) - 1)
        yield ChatResponseUpdate(contents=[Content.from_text(text)], role="assistant")
