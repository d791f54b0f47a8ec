"""Pydantic AI, used as its manual says of chat applications: a session's messages are loaded, a turn's are appended.

Where they are kept is left to the application: here in rows of an SQLite file, one a turn.
"""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import pydantic_ai
from pydantic_ai.capabilities import ProcessHistory
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

MAKE = """PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS turns (number INTEGER PRIMARY KEY, session TEXT, messages BLOB);
CREATE INDEX IF NOT EXISTS of_session ON turns (session, number)"""
LOAD = "SELECT messages FROM turns WHERE session = ? ORDER BY number"
APPEND = "INSERT INTO turns (session, messages) VALUES (?, ?)"


class Agent:
    def __init__(self, settings, engine_url, data_dir):
        window = settings.get("window", 0)
        inside = import_module("in_process").Model() if settings.get("in_process") else None
        model = inside or OpenAIChatModel("default", provider=OpenAIProvider(base_url=engine_url, api_key="none"))
        newest = [ProcessHistory(lambda messages: messages[-window - 1 :])] if window else []  # and the question
        self.agent = pydantic_ai.Agent(model, instructions=settings.get("instructions") or None, capabilities=newest)
        self.path, self.thread = f"{data_dir}/messages.sqlite", ThreadPoolExecutor(1)

    async def start(self):
        await self.on_thread(self.open)

    def open(self):
        self.file = sqlite3.connect(self.path, isolation_level=None)
        self.file.executescript(MAKE)

    def load(self, session):
        rows = self.file.execute(LOAD, (session,))
        return [message for (turn,) in rows for message in pydantic_ai.ModelMessagesTypeAdapter.validate_json(turn)]

    async def answer(self, request, on_token):
        sampling = request.get("sampling") or {}
        chosen = {"extra_body": {name: value for name, value in sampling.items() if value not in (None, [])}}
        if request["max_tokens"] is not None:
            chosen["max_tokens"] = request["max_tokens"]
        history = await self.on_thread(self.load, request["session"])
        async with self.agent.run_stream(request["text"], message_history=history, model_settings=chosen) as run:
            async for piece in run.stream_text(delta=True, debounce_by=None):
                on_token(piece)
        await self.on_thread(self.file.execute, APPEND, (request["session"], run.new_messages_json()))
        counts = {"prompt_tokens": run.usage.input_tokens, "generated_tokens": run.usage.output_tokens}
        return {"text": run.response.text or "", **counts}

    async def close(self):
        await self.on_thread(self.file.close)

    async def on_thread(self, function, *arguments):
        return await asyncio.get_running_loop().run_in_executor(self.thread, function, *arguments)
