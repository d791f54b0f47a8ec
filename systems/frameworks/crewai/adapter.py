"""CrewAI: a conversational flow on its own client for OpenAI's format, and the flow's state in an SQLite file.

A flow is made for each turn, as for a request of a server: its state comes back from the file.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from crewai import LLM, Flow
from crewai.flow import listen, persist
from crewai.flow.conversational import ConversationConfig, ConversationState
from crewai.flow.persistence import SQLiteFlowPersistence

_THREADS = 64  # a turn takes one of them for as long as it lasts


class Agent:
    """Answers each turn with a streamed turn of a flow."""

    def __init__(self, settings: dict[str, Any], engine_url: str, data_dir: str) -> None:
        self._endpoint = {"model": "openai/default", "base_url": engine_url, "api_key": "none"}
        self._prompt, self._window = settings.get("instructions") or None, settings.get("window", 0)
        self._store = SQLiteFlowPersistence(str(Path(data_dir) / "flows.sqlite"))
        self._threads = ThreadPoolExecutor(_THREADS)
        self._flow = lru_cache(self._made)

    def start(self) -> None:
        """Do nothing: the file is there."""

    async def answer(self, request: dict[str, Any], on_token: Callable[[str], None]) -> dict[str, Any]:
        """Answer one turn."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._turn, request, on_token)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def _turn(self, request: dict[str, Any], on_token: Callable[[str], None]) -> dict[str, Any]:
        turn = self._flow(request["max_tokens"])().stream_turn(request["text"], session_id=request["session"])
        for frame in turn:
            if frame.channel == "llm" and frame.content:
                on_token(frame.content)
        return {"text": turn.result}

    def _made(self, max_tokens: int | None) -> type[Any]:
        """Return the flow whose replies have so many tokens at most: the bound is the client's."""
        ...
