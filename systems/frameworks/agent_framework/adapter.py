"""agent-framework as its documentation has it: an agent on the client for chat completions, and a file a session."""

from typing import Any

from agent_framework import Agent as ChatAgent
from agent_framework import FileHistoryProvider, SlidingWindowStrategy
from agent_framework.openai import OpenAIChatCompletionClient

_SAMPLING = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "seed")


class Agent:
    """An `Agent` whose `FileHistoryProvider` appends each session's messages to a file of JSON lines."""

    def __init__(self, settings: dict[str, Any], engine_url: str, data_dir: str) -> None:
        window = settings.get("window", 0)
        self._agent = ChatAgent(
            OpenAIChatCompletionClient("default", api_key="none", base_url=engine_url),
            settings.get("instructions") or None,
            context_providers=[FileHistoryProvider(data_dir)],
            # It counts the new question too.
            compaction_strategy=SlidingWindowStrategy(keep_last_groups=window + 1) if window else None,
        )

    async def start(self) -> None:
        """Do nothing: a session's file is made with its first turn."""

    async def answer(self, request: dict[str, Any], on_token: Any) -> dict[str, Any]:
        """Run one turn of the session that the request names."""
        sampling = request.get("sampling") or {}
        options = {name: sampling[name] for name in _SAMPLING if name in sampling}
        if request["max_tokens"] is not None:
            options["max_tokens"] = request["max_tokens"]
        session = self._agent.create_session(session_id=request["session"])
        stream = self._agent.run(request["text"], stream=True, session=session, options=options)
        async for update in stream:
            if update.text:
                on_token(update.text)
        response = await stream.get_final_response()
        usage = response.usage_details or {}
        return {
            "text": response.text,
            "prompt_tokens": usage.get("input_token_count") or 0,
            "generated_tokens": usage.get("output_token_count") or 0,
        }

    async def close(self) -> None:
        """Do nothing: each turn has written what it said."""
