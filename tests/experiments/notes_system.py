"""An asynchronous agent with a memory of its own, whole. CONTRIBUTING.md shows it."""

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import msgspec

from systems.engines.interface import Call, Message
from systems.interface import AsyncSystem, Counters, Reply, Source


class NotesSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be set on the system."""

    exchanges: int = 3


class Notes(AsyncSystem):
    """One turn: the session's newest exchanges from a file, the question, the model, the file again."""

    summary = "Sends the newest exchanges with each question, and keeps all of them in a file."
    Settings = NotesSettings

    def __init__(self, settings, engine, data_dir):
        self._settings, self._engine, self._path = settings, engine, data_dir / "notes.sqlite"
        self._counters = Counters()
        # A connection of SQLite belongs to one thread, which also keeps the exchanges in order.
        self._file_thread = ThreadPoolExecutor(1)
        # `generate` blocks its thread. More threads than the engine can use would only wait in it.
        self._model_threads = ThreadPoolExecutor(engine.parallelism)

    async def start(self):
        await self._run(self._file_thread, self._open)
        await self._run(self._model_threads, self._engine.load)

    async def answer(self, request, on_token=None):
        arrived = time.perf_counter()
        earlier = await self._run(self._file_thread, self._newest, request.session)
        messages = [Message("system", "You are brief."), *earlier, Message("user", request.text)]
        call = Call(messages=messages, max_tokens=request.max_tokens, conversation=request.session, on_token=on_token)
        called, made = await self._run(self._model_threads, self._generate, call)
        await self._run(self._file_thread, self._save, request.session, request.text, made.text)
        self._counters.turns += 1
        self._counters.generations += 1
        self._counters.saved += 1
        return Reply(
            request_id=request.id,
            text=made.text,
            source=Source.MODEL,
            prompt_tokens=made.prompt_tokens,
            generated_tokens=made.generated_tokens,
            finish_reason=made.finish_reason,
            first_token_s=called - arrived + made.first_token_s,
            total_s=time.perf_counter() - arrived,
        )

    def counters(self):
        return self._counters

    async def close(self):
        await self._run(self._file_thread, self._file.close)
        await self._run(self._model_threads, self._engine.close)
        self._file_thread.shutdown()
        self._model_threads.shutdown()

    async def _run(self, threads, work, *given):
        return await asyncio.get_running_loop().run_in_executor(threads, work, *given)

    def _generate(self, call):
        return time.perf_counter(), self._engine.generate(call)

    def _open(self):
        self._file = sqlite3.connect(self._path)
        self._file.execute("CREATE TABLE IF NOT EXISTS notes (session TEXT, question TEXT, answer TEXT)")
        self._file.execute("CREATE INDEX IF NOT EXISTS by_session ON notes (session)")

    def _newest(self, session):
        rows = self._file.execute(
            "SELECT question, answer FROM notes WHERE session = ? ORDER BY rowid DESC LIMIT ?",
            (session, self._settings.exchanges),
        ).fetchall()
        exchanges = [(Message("user", question), Message("assistant", answer)) for question, answer in reversed(rows)]
        return [message for exchange in exchanges for message in exchange]

    def _save(self, session, question, answer):
        with self._file:
            self._file.execute("INSERT INTO notes VALUES (?, ?, ?)", (session, question, answer))
