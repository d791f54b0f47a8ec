"""OpenAI's Agents SDK: its runner, its model for chat completions, and its SQLite session, opened for each turn."""

from importlib import import_module

from agents import Agent as Assistant
from agents import ModelSettings, OpenAIChatCompletionsModel, RunConfig, Runner, SQLiteSession
from agents.memory import SessionSettings
from openai import AsyncOpenAI
from openai.types.responses import ResponseTextDeltaEvent


class Agent:
    def __init__(self, settings, engine_url, data_dir):
        self.client = AsyncOpenAI(base_url=engine_url, api_key="none")
        inside = import_module("in_process").Model() if settings.get("in_process") else None
        model = inside or OpenAIChatCompletionsModel(model="default", openai_client=self.client)
        self.agent = Assistant(name="assistant", instructions=settings.get("instructions") or None, model=model)
        self.window = SessionSettings(limit=settings.get("window") or None)
        self.path = f"{data_dir}/sessions.sqlite"

    async def start(self):
        pass

    async def answer(self, request, on_token):
        sampling = {name: value for name, value in (request.get("sampling") or {}).items() if value not in (None, [])}
        chosen = ModelSettings(max_tokens=request["max_tokens"], extra_body=sampling or None, include_usage=True)
        config = RunConfig(model_settings=chosen, tracing_disabled=True)
        session = SQLiteSession(request["session"], self.path, session_settings=self.window)
        try:
            run = Runner.run_streamed(self.agent, request["text"], session=session, run_config=config)
            async for event in run.stream_events():
                if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent):
                    on_token(event.data.delta)
        finally:
            session.close()
        used = run.context_wrapper.usage
        return {"text": run.final_output, "prompt_tokens": used.input_tokens, "generated_tokens": used.output_tokens}

    async def close(self):
        await self.client.close()
