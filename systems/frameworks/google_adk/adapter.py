"""Google's Agent Development Kit: its agent on LiteLLM, its runner, and its sessions in an SQLite database."""

from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.models.lite_llm import LiteLlm
from google.adk.runners import Runner
from google.adk.sessions import DatabaseSessionService
from google.adk.sessions.base_session_service import GetSessionConfig
from google.genai import types


class Agent:
    """Answers each turn with a streamed run in a session, whose messages are events."""

    def __init__(self, settings: dict[str, Any], engine_url: str, data_dir: str) -> None:
        window, instructions = settings.get("window", 0), settings.get("instructions", "")
        self._history = GetSessionConfig(num_recent_events=window) if window else None
        self._sessions = DatabaseSessionService(f"sqlite+aiosqlite:///{Path(data_dir) / 'sessions.sqlite'}")
        model = LiteLlm(model="openai/default", api_base=engine_url, api_key="none")
        # As a function: of a text, what stands in braces would be looked up in the session.
        agent = LlmAgent(name="assistant", model=model, instruction=lambda _: instructions)
        self._runner = Runner(app_name="chat", agent=agent, session_service=self._sessions, auto_create_session=True)

    async def start(self) -> None:
        """Do nothing: the tables are made with the first session."""

    async def answer(self, request: dict[str, Any], on_token: Callable[[str], None]) -> dict[str, Any]:
        """Answer one turn. Raises RuntimeError for an event that says it failed."""
        asked = {name: value for name, value in (request.get("sampling") or {}).items() if value not in (None, [])}
        if request["max_tokens"] is not None:
            asked["max_tokens"] = request["max_tokens"]
        how = RunConfig(
            streaming_mode=StreamingMode.SSE,
            get_session_config=self._history,
            http_options=types.HttpOptions(extra_body=asked),
        )
        who, question = request["session"], types.Content(role="user", parts=[types.Part(text=request["text"])])
        turn = self._runner.run_async(user_id=who, session_id=who, new_message=question, run_config=how)
        async with aclosing(turn) as events:
            async for event in events:
                text = "".join(part.text or "" for part in event.content.parts or ()) if event.content else ""
                if event.partial:
                    on_token(text)
                elif event.error_code and not text:  # it calls a reply that was cut off at its bound an error too
                    raise RuntimeError(f"{event.error_code}: {event.error_message}")
                else:
                    done = event
        ...
