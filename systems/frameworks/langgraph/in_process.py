"""A chat model of langchain's that answers by itself."""

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult


def said(messages, max_tokens):
    return f"{len(messages)}" + " word" * ((max_tokens or 2) - 1)


class Model(BaseChatModel):
    @property
    def _llm_type(self):
        return "in-process"

    def _generate(self, messages, stop=None, run_manager=None, max_tokens=None, **chosen):
        message = AIMessage(said(messages, max_tokens))
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(self, messages, stop=None, run_manager=None, max_tokens=None, **chosen):
        yield ChatGenerationChunk(message=AIMessageChunk(said(messages, max_tokens)))
