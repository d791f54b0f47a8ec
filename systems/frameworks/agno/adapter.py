"""Agno: its agent, its model for endpoints like OpenAI's and its SQLite database, telemetry off.

An agent is made for each turn, as its own server does: how long a reply may be is said when the model is made.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import agno.agent
from agno.db.sqlite import AsyncSqliteDb
from agno.models.openai import OpenAILike
from agno.run.agent import RunContentEvent, RunErrorEvent, RunOutput


class Agent:
    """Answers each turn with a streamed run, with the history of the session."""

    def __init__(self, settings: dict[str, Any], engine_url: str, data_dir: str) -> None:
        self._endpoint = {"id": "default", "base_url": engine_url, "api_key": "none"}
        self._database = AsyncSqliteDb(db_file=str(Path(data_dir) / "agno.sqlite"))
        self._agent = {
            "id": "assistant",
            "db": self._database,
            "instructions": settings.get("instructions") or None,
            "add_history_to_context": True,
            "num_history_messages": settings["window"] or None,
            "telemetry": False,
        }

    async def start(self) -> None:
        """Make the client of the endpoint, which every turn's model asks by."""
        self._client = OpenAILike(**self._endpoint).get_async_client()

    async def answer(self, request: dict[str, Any], on_token: Callable[[str], None]) -> dict[str, Any]:
        """Answer one turn. Raises RuntimeError for what the run says of its failure, as it raises nothing itself."""
        sampling = {name: value for name, value in (request.get("sampling") or {}).items() if value not in (None, [])}
        asked = {"max_tokens": request["max_tokens"], "extra_body": sampling or None, "async_client": self._client}
        agent = agno.agent.Agent(model=OpenAILike(**self._endpoint, **asked), **self._agent)
        run = agent.arun(request["text"], session_id=request["session"], stream=True, yield_run_output=True)
        async for event in run:
            if isinstance(event, RunErrorEvent):
                raise RuntimeError(event.content)
            if isinstance(event, RunContentEvent) and event.content:
                on_token(event.content)
            elif isinstance(event, RunOutput):
                done = event
        tokens = {"prompt_tokens": done.metrics.input_tokens, "generated_tokens": done.metrics.output_tokens}
        return {"text": done.content or "", **tokens}

    async def close(self) -> None:
        """Close the connections to the database and to the model."""
        await self._database.close()
        await self._client.close()
