"""A model of CrewAI's that answers by itself, and tells of its call what its own clients tell."""

from crewai.events.types.llm_events import LLMCallType
from crewai.llms.base_llm import BaseLLM, llm_call_context


class Model(BaseLLM):
    max_tokens: int | None = None

    def call(self, messages, *arguments, **named):
        text = f"{len(messages)}" + " word" * ((self.max_tokens or 2) - 1)
        with llm_call_context():
            self._emit_call_started_event(messages=messages)
            self._emit_stream_chunk_event(chunk=text)
            self._emit_call_completed_event(response=text, call_type=LLMCallType.LLM_CALL, messages=messages)
        return text
