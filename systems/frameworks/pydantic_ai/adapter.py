"""Pydantic AI: its agent and chat model. It has no store of its own: the messages of turns are rows of an SQLite file.

As its manual says of chat applications: load a session's messages, pass them on, append those of the turn.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pydantic_ai
from pydantic_ai.capabilities import ProcessHistory
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


class Agent:
    """Answers each turn with a streamed run over the session's messages."""

    def __init__(self, settings: dict[str, Any], engine_url: str, data_dir: str) -> None:
        window = settings["window"] + 1  # with the question
        model = OpenAIChatModel("default", provider=OpenAIProvider(base_url=engine_url, api_key="none"))
        trimming = [ProcessHistory(lambda messages: messages[-window:])] if settings["window"] else []
        self._agent = pydantic_ai.Agent(model, instructions=settings.get("instructions") or None, capabilities=trimming)
        self._path = Path(data_dir) / "messages.sqlite"

    async def start(self) -> None:
        """Open the file, which belongs to one thread."""
        self._on_thread: Any = partial(asyncio.get_running_loop().run_in_executor, ThreadPoolExecutor(1))
        await self._on_thread(self._open)

    async def answer(self, request: dict[str, Any], on_token: Callable[[str], None]) -> dict[str, Any]:
        """Answer one turn."""
        sampling = {name: value for name, value in (request.get("sampling") or {}).items() if value not in (None, [])}
        asked = {"extra_body": sampling, **({"max_tokens": request["max_tokens"]} if request["max_tokens"] else {})}
        history = await self._on_thread(self._load, request["session"])
        async with self._agent.run_stream(request["text"], message_history=history, model_settings=asked) as run:
            async for piece in run.stream_text(delta=True, debounce_by=None):
                on_token(piece)
        row = (request["session"], run.new_messages_json())
        await self._on_thread(self._file.execute, "INSERT INTO turns (session, messages) VALUES (?, ?)", row)
        tokens = {"prompt_tokens": run.usage.input_tokens, "generated_tokens": run.usage.output_tokens}
        return {"text": run.response.text or "", **tokens}

    async def close(self) -> None:
        """Close the file."""
        await self._on_thread(self._file.close)

    def _open(self) -> None:
        self._file = sqlite3.connect(self._path, isolation_level=None)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("CREATE TABLE IF NOT EXISTS turns (id INTEGER PRIMARY KEY, session TEXT, messages BLOB)")
        self._file.execute("CREATE INDEX IF NOT EXISTS by_session ON turns (session)")

    def _load(self, session: str) -> list[Any]:
        rows = self._file.execute("SELECT messages FROM turns WHERE session = ? ORDER BY id", (session,))
        return [message for (turn,) in rows for message in pydantic_ai.ModelMessagesTypeAdapter.validate_json(turn)]
