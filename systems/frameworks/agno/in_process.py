"""A model of Agno's that answers by itself, with the settings of the one for endpoints."""

from agno.models.openai import OpenAILike
from agno.models.response import ModelResponse


class Model(OpenAILike):
    async def ainvoke_stream(self, messages, **named):
        yield ModelResponse(content=f"{len(messages)}" + " word" * ((self.max_tokens or 2) - 1))
