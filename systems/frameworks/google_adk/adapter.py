"""Google's Agent Development Kit: its agent on LiteLLM, its runner, and its sessions in an SQLite database."""

from contextlib import aclosing
from importlib import import_module

import litellm  # noqa: F401 - else the first turn would, and nothing else moves for the seconds that it takes
from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.models.lite_llm import LiteLlm
from google.adk.runners import Runner
from google.adk.sessions import DatabaseSessionService
from google.adk.sessions.base_session_service import GetSessionConfig
from google.genai import types


class Agent:
    def __init__(self, settings, engine_url, data_dir):
        window, instructions = settings.get("window", 0), settings.get("instructions", "")
        self.history = GetSessionConfig(num_recent_events=window) if window else None
        file = f"sqlite+aiosqlite:///{data_dir}/sessions.sqlite"
        self.sessions = DatabaseSessionService(file, connect_args={"timeout": 60})  # else 5 s, for SQLite's lock
        inside = import_module("in_process").Model() if settings.get("in_process") else None
        model = inside or LiteLlm(model="openai/default", api_base=engine_url, api_key="none")
        # As a function: of a text, what stands in braces would be looked up in the session.
        agent = LlmAgent(name="assistant", model=model, instruction=lambda _: instructions)
        self.runner = Runner(app_name="chat", agent=agent, session_service=self.sessions, auto_create_session=True)

    async def start(self):
        """The tables are made with the first session."""

    async def answer(self, request, on_token):
        chosen = {name: value for name, value in (request.get("sampling") or {}).items() if value not in (None, [])}
        if request["max_tokens"] is not None:
            chosen["max_tokens"] = request["max_tokens"]
        how = RunConfig(
            streaming_mode=StreamingMode.SSE,
            get_session_config=self.history,
            http_options=types.HttpOptions(extra_body=chosen),
        )
        who, question = request["session"], types.Content(role="user", parts=[types.Part(text=request["text"])])
        turn = self.runner.run_async(user_id=who, session_id=who, new_message=question, run_config=how)
        text, usage = "", None
        async with aclosing(turn) as events:
            async for event in events:
                said = "".join(part.text or "" for part in event.content.parts or ()) if event.content else ""
                if event.partial:
                    on_token(said)
                    continue
                if event.error_code and not said:  # a reply that ends at its bound is one too, and has its text
                    raise RuntimeError(f"{event.error_code}: {event.error_message}")
                text, usage = said or text, event.usage_metadata or usage
        counts = {"prompt_tokens": usage.prompt_token_count, "generated_tokens": usage.candidates_token_count}
        return {"text": text, **counts}

    async def close(self):
        await self.runner.close()
        await self.sessions.close()
