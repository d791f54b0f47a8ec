"""Agno: its agent, its model for endpoints like OpenAI's, and its SQLite database.

How long a reply may be is a setting of the model. So each turn has a model and an agent of its own, on one client.
"""

from importlib import import_module

from agno.agent import Agent as Assistant
from agno.db.sqlite import AsyncSqliteDb
from agno.models.openai import OpenAILike
from agno.run.agent import RunContentEvent, RunErrorEvent, RunOutput


class Agent:
    def __init__(self, settings, engine_url, data_dir):
        self.kind = import_module("in_process").Model if settings.get("in_process") else OpenAILike
        self.endpoint = {"id": "default", "base_url": engine_url, "api_key": "none"}
        self.database = AsyncSqliteDb(db_file=f"{data_dir}/agno.sqlite")
        self.assistant = {
            "id": "assistant",
            "db": self.database,
            "instructions": settings.get("instructions") or None,
            "add_history_to_context": True,
            "num_history_messages": settings.get("window") or None,
            "telemetry": False,
        }

    async def start(self):
        self.client = OpenAILike(**self.endpoint).get_async_client()

    async def answer(self, request, on_token):
        sampling = {name: value for name, value in (request.get("sampling") or {}).items() if value not in (None, [])}
        chosen = {"max_tokens": request["max_tokens"], "extra_body": sampling or None, "async_client": self.client}
        agent = Assistant(model=self.kind(**self.endpoint, **chosen), **self.assistant)
        run = agent.arun(request["text"], session_id=request["session"], stream=True, yield_run_output=True)
        async for event in run:
            match event:
                case RunErrorEvent():  # what fails is told, not raised
                    raise RuntimeError(event.content)
                case RunContentEvent() if event.content:
                    on_token(event.content)
                case RunOutput():
                    done = event
        counts = {"prompt_tokens": done.metrics.input_tokens, "generated_tokens": done.metrics.output_tokens}
        return {"text": done.content or "", **counts}

    async def close(self):
        await self.database.close()
        await self.client.close()
