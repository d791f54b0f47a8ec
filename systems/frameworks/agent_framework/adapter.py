"""Microsoft's Agent Framework: its agent on its client for chat completions, and its file of messages a session."""

from importlib import import_module

import agent_framework
from agent_framework.openai import OpenAIChatCompletionClient

CHOSEN = ("max_tokens", "temperature", "top_p", "seed", "presence_penalty", "frequency_penalty")


class Agent:
    def __init__(self, settings, engine_url, data_dir):
        window = settings.get("window", 0)
        inside = import_module("in_process").Model() if settings.get("in_process") else None
        self.agent = agent_framework.Agent(
            inside or OpenAIChatCompletionClient("default", api_key="none", base_url=engine_url),
            settings.get("instructions") or None,
            context_providers=[agent_framework.FileHistoryProvider(data_dir)],
            # It counts the question too.
            compaction_strategy=agent_framework.SlidingWindowStrategy(keep_last_groups=window + 1) if window else None,
        )

    async def start(self):
        """A session's file is made with its first turn."""

    async def answer(self, request, on_token):
        asked = {"max_tokens": request["max_tokens"], **(request.get("sampling") or {})}
        chosen = {name: asked[name] for name in CHOSEN if asked.get(name) is not None}
        session = self.agent.create_session(session_id=request["session"])
        stream = self.agent.run(request["text"], stream=True, session=session, options=chosen)
        async for update in stream:
            if update.text:
                on_token(update.text)
        response = await stream.get_final_response()
        usage = response.usage_details or {}
        sent, said = usage.get("input_token_count", 0), usage.get("output_token_count", 0)
        return {"text": response.text, "prompt_tokens": sent, "generated_tokens": said}

    async def close(self):
        """Each turn has written what was said in it."""
