"""An asynchronous agent with a memory of its own, whole. CONTRIBUTING.md prints it."""

import sqlite3
import time
from functools import partial

import msgspec

from systems.engines.interface import Call, Message
from systems.interface import AsyncSystem, Counters, Reply
from systems.mechanisms import awaiting
from systems.mechanisms.isolation import Executors
from systems.mechanisms.wanted import Wanted


class NotesSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be set on the system."""

    history: bool = True
    exchanges: int = 3
    deadline_s: float = 300.0


class Notes(AsyncSystem):
    """One turn: the session's newest exchanges from a file, the question, the model, the file again."""

    summary = "Sends the newest exchanges with each question, and keeps all of them in a file."
    Settings = NotesSettings

    def __init__(self, settings, engine, data_dir):
        self._settings, self._engine, self._path = settings, engine, data_dir / "notes.sqlite"
        self._counters = Counters()
        # SQLite's connection belongs to one thread. `generate` blocks its thread, and more threads than the engine can
        # use at once would only wait in it.
        self._threads = Executors({"file": 1, "engine": engine.parallelism})

    async def start(self):
        await self._threads.run("file", self._open)
        await self._threads.run("engine", self._engine.load)

    async def answer(self, request, on_token=None):
        arrived = time.perf_counter()
        # If the caller leaves or the deadline passes, the engine stops at its next token.
        wanted = Wanted(arrived + (request.deadline_s or self._settings.deadline_s))
        earlier = await self._threads.run("file", self._newest, request.session) if self._settings.history else []
        call = Call(
            messages=[Message("system", "You are brief."), *earlier, Message("user", request.text)],
            max_tokens=request.max_tokens,
            conversation=request.talk,
            on_token=on_token,
            check=wanted.check,
        )
        on_thread = partial(self._threads.run, "engine")
        generation, called = await awaiting.reply(self._engine, call, wanted, on_thread)
        await self._threads.run("file", self._save, request.session, request.text, generation.text)
        self._counters.turns += 1
        self._counters.generations += 1
        self._counters.saved += 1
        reply = Reply.of(request, generation, called_s=called - arrived)
        return msgspec.structs.replace(reply, total_s=time.perf_counter() - arrived)

    def counters(self):
        return self._counters

    async def close(self):
        await self._threads.run("file", self._file.close)
        await self._threads.run("engine", self._engine.close)
        self._threads.close()

    def _open(self):
        self._file = sqlite3.connect(self._path)
        self._file.execute("CREATE TABLE IF NOT EXISTS notes (session TEXT, question TEXT, answer TEXT)")
        self._file.execute("CREATE INDEX IF NOT EXISTS by_session ON notes (session)")

    def _newest(self, session):
        newest = "SELECT question, answer FROM notes WHERE session = ? ORDER BY rowid DESC LIMIT ?"
        rows = self._file.execute(newest, (session, self._settings.exchanges)).fetchall()
        pairs = [(Message("user", question), Message("assistant", answer)) for question, answer in reversed(rows)]
        return [message for pair in pairs for message in pair]

    def _save(self, session, question, answer):
        with self._file:
            self._file.execute("INSERT INTO notes VALUES (?, ?, ?)", (session, question, answer))
