"""A model of Pydantic AI's that is a function."""

from pydantic_ai.models.function import FunctionModel


async def said(messages, info):
    yield f"{len(messages)}" + " word" * ((info.model_settings.get("max_tokens") or 2) - 1)


class Model(FunctionModel):
    def __init__(self):
        super().__init__(stream_function=said)
