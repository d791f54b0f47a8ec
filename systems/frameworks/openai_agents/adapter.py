"""OpenAI's Agents SDK: its runner, its chat completions model and its SQLite session, tracing off."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import agents
from agents.memory import SessionSettings
from openai import AsyncOpenAI
from openai.types.responses import ResponseTextDeltaEvent


class Agent:
    """Answers each turn with a streamed run in a session."""

    def __init__(self, settings: dict[str, Any], engine_url: str, data_dir: str) -> None:
        self._client = AsyncOpenAI(base_url=engine_url, api_key="none")
        model = agents.OpenAIChatCompletionsModel(model="default", openai_client=self._client)
        instructions = settings.get("instructions") or None
        self._agent = agents.Agent(name="assistant", instructions=instructions, model=model)
        self._window = SessionSettings(limit=settings["window"] or None)
        self._path = Path(data_dir) / "sessions.sqlite"

    async def start(self) -> None:
        """Do nothing: a session opens its file itself."""

    async def answer(self, request: dict[str, Any], on_token: Callable[[str], None]) -> dict[str, Any]:
        """Answer one turn."""
        sampling = {name: value for name, value in (request.get("sampling") or {}).items() if value not in (None, [])}
        asked = agents.ModelSettings(max_tokens=request["max_tokens"], extra_body=sampling or None, include_usage=True)
        session = agents.SQLiteSession(request["session"], self._path, session_settings=self._window)
        try:
            configured = agents.RunConfig(tracing_disabled=True, model_settings=asked)
            run = agents.Runner.run_streamed(self._agent, request["text"], session=session, run_config=configured)
            async for event in run.stream_events():
                if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent):
                    on_token(event.data.delta)
        finally:
            session.close()
        used = run.context_wrapper.usage
        return {"text": run.final_output, "prompt_tokens": used.input_tokens, "generated_tokens": used.output_tokens}

    async def close(self) -> None:
        """Close the connections to the model."""
        await self._client.close()
